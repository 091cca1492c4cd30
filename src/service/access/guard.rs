//! Every call of a server, let through or refused before its message is read.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};

use super::Access;
use super::rates::{Counted, counting, too_often};
use super::rights::{Need, Reach};
use super::tokens::Entry;
use crate::error::Error;
use crate::service::activity::Peer;
use crate::service::caller::{ByToken, CALLER, Caller};
use crate::service::methods::{Rule, path_info};
use crate::service::metrics::Metrics;
use crate::service::refusal::{Protocol, refuse_with};

/// How long to wait before the next try, as gRPC clients read it, in milliseconds.
const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// The same for HTTP, in seconds.
const RETRY_AFTER: &str = "retry-after";

/// All services of one server behind their tokens.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    access: Arc<Access>,
    metrics: Arc<Metrics>,
}

impl<S> Guarded<S> {
    /// Lets through to `inner` who may.
    pub fn new(inner: S, access: Arc<Access>, metrics: Arc<Metrics>) -> Self {
        Guarded { inner, access, metrics }
    }
}

/// Why a call is not let through.
struct Refused {
    code: Code,
    /// As it is counted.
    reason: &'static str,
    error: Error,
    wait: Option<Duration>,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let LetIn { caller, entry } = match admit(&self.access, &request) {
            Ok(let_in) => let_in,
            Err(refused) => {
                self.metrics.refused(refused.reason);
                let protocol = Protocol::of(&request);
                return Box::pin(async move { Ok(answer(protocol, &refused)) });
            }
        };
        let by_peer = by_address(&request);
        // Nothing behind this needs it, and nothing may write it down.
        request.headers_mut().remove(AUTHORIZATION);
        let counted = entry.map(|entry| Counted {
            entry,
            metrics: self.metrics.clone(),
        });
        match caller.or(by_peer) {
            Some(caller) => {
                let answer = CALLER.sync_scope(caller.clone(), || self.inner.call(request));
                Box::pin(counting(counted, CALLER.scope(caller, answer)))
            }
            None => Box::pin(self.inner.call(request)),
        }
    }
}

/// A call that may come in.
#[derive(Default)]
struct LetIn {
    /// Who calls, where that is known by a token.
    caller: Option<Caller>,
    /// The token.
    entry: Option<Arc<Entry>>,
}

/// Who calls, if it may.
fn admit(access: &Access, request: &Request<Body>) -> Result<LetIn, Refused> {
    let path = request.uri().path();
    let Rule { need, reach } = path_info(path).rule;
    let Some(tokens) = access.tokens() else {
        access.hosts.check(request).map_err(foreign)?;
        let is_near = request.extensions().get::<Peer>().is_some_and(Peer::is_near);
        return if reach == Reach::ThisMachine && !is_near {
            Err(from_afar())
        } else {
            Ok(LetIn::default())
        };
    };
    if need == Need::Nothing {
        return Ok(LetIn::default());
    }
    let unknown = |message: &str| Refused {
        code: Code::Unauthenticated,
        reason: "token",
        error: Error::precondition(message)
            .help("send `authorization: Bearer TOKEN`; the operator makes one with `baowen token new`"),
        wait: None,
    };
    let token = bearer(request.headers()).ok_or_else(|| unknown("this service wants a token"))?;
    let entry = tokens
        .find(token)
        .ok_or_else(|| unknown("the token is none of this service's"))?;
    if let Some(ByToken(named)) = request.extensions().get() {
        let _ = named.set(entry.name.clone());
    }
    if let Need::One(rights) = need
        && !entry.may(rights)
    {
        let names: Vec<String> = rights.iter().map(ToString::to_string).collect();
        return Err(Refused {
            code: Code::PermissionDenied,
            reason: "right",
            error: Error::precondition(format!("the token `{}` may not call {path}", entry.name))
                .help(format!("it needs the right {}", names.join(" or "))),
            wait: None,
        });
    }
    if let Err(wait) = entry.count() {
        return Err(Refused {
            code: Code::ResourceExhausted,
            reason: "rate",
            error: too_often(&entry.name, wait),
            wait: Some(wait),
        });
    }
    Ok(LetIn {
        caller: Some(Caller(entry.name.clone())),
        entry: Some(entry),
    })
}

/// Nobody is known to be the operator, so only the machine is asked for.
fn from_afar() -> Refused {
    Refused {
        code: Code::PermissionDenied,
        reason: "right",
        error: Error::precondition("without tokens this call is for callers on the service's own machine only")
            .help("ask from there, or give the service tokens and ask with one that has the right admin"),
        wait: None,
    }
}

/// Whoever calls the service by a name that is not its own may be a page of that name.
fn foreign(error: Error) -> Refused {
    Refused {
        code: Code::PermissionDenied,
        reason: "host",
        error,
        wait: None,
    }
}

/// The token of a request; none if it says none or says it otherwise.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

/// Who calls without a token. Connections from one address are one caller, and so are addresses of IPv6 that a site
/// gives itself as it likes; but those of this machine may be anybody's, by a proxy.
fn by_address(request: &Request<Body>) -> Option<Caller> {
    let peer = request.extensions().get::<Peer>()?;
    let address = peer.address?;
    let name = match address.ip().to_canonical() {
        _ if peer.is_near() => address.to_string(),
        IpAddr::V6(site) => Ipv6Addr::from_bits(site.to_bits() >> 64 << 64).to_string(),
        ip @ IpAddr::V4(_) => ip.to_string(),
    };
    Some(Caller(name.into()))
}

/// The refusal by the protocol that the call came in by.
fn answer(protocol: Protocol, refused: &Refused) -> Response<Body> {
    let mut response = refuse_with(protocol, refused.code, &refused.error);
    if refused.code == Code::Unauthenticated && protocol == Protocol::Http {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    if let Some(wait) = refused.wait {
        let headers = response.headers_mut();
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        headers.insert(PUSHBACK, HeaderValue::from(milliseconds));
        headers.insert(RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1_000)));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::activity::Connections;
    use crate::service::patience::Patience;

    #[test]
    fn without_tokens_what_is_the_operators_answers_this_machine_alone() {
        let connections = Arc::new(Connections::new(Patience {
            unread: Duration::MAX,
            unread_bytes: usize::MAX,
            body_bytes: usize::MAX,
            idle: Duration::MAX,
        }));
        let check = |path: &str, address: Option<&str>, expected: Option<Code>| {
            let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
            if let Some(address) = address {
                request.extensions_mut().insert(Peer {
                    address: address.parse().ok(),
                    activity: connections.join(),
                });
            }
            let refused = admit(&Access::default(), &request).err().map(|refused| refused.code);
            assert_eq!(refused, expected, "{path} {address:?}");
        };
        for path in [
            "/v1/questions",
            "/baowen.v1.SearchService/QuestionsToReview",
            "/v1/read",
            "/baowen.v1.IndexService/ReadFile",
            "/v1/snapshot",
            "/baowen.v1.IndexService/Snapshot",
            "/metrics",
        ] {
            for near in ["127.0.0.1:9", "127.8.8.8:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
                check(path, Some(near), None);
            }
            for far in [
                "192.168.1.2:9",
                "8.8.8.8:9",
                "[2001:db8::1]:9",
                "[::ffff:10.0.0.1]:9",
                "no address",
            ] {
                check(path, Some(far), Some(Code::PermissionDenied));
            }
            check(path, None, Some(Code::PermissionDenied));
        }
        check("/v1/search", Some("8.8.8.8:9"), None);
        check("/v1/search", None, None);
    }

    #[test]
    fn connections_from_one_address_are_one_caller_but_for_this_machine() {
        let connections = Arc::new(Connections::new(Patience {
            unread: Duration::MAX,
            unread_bytes: usize::MAX,
            body_bytes: usize::MAX,
            idle: Duration::MAX,
        }));
        let check = |address: &str, expected: &str| {
            let mut request = Request::builder().body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer {
                address: address.parse().ok(),
                activity: connections.join(),
            });
            assert_eq!(by_address(&request), Some(Caller(expected.into())));
        };
        check("192.168.1.2:9", "192.168.1.2");
        check("[::ffff:192.168.1.2]:8", "192.168.1.2");
        check("[2001:db8:1:2:3:4:5:6]:9", "2001:db8:1:2::");
        check("127.0.0.1:9", "127.0.0.1:9");
        check("[::1]:9", "[::1]:9");
    }

    #[test]
    fn a_refusal_says_the_same_in_both_protocols() {
        let check = |code: Code, grpc: &str, http: u16, wait: Option<Duration>| {
            let refused = Refused {
                code,
                reason: "token",
                error: Error::precondition("what was wrong").help("what helps"),
                wait,
            };
            let by_grpc = answer(Protocol::Grpc, &refused);
            assert_eq!(by_grpc.headers()["grpc-status"], grpc);
            let by_http = answer(Protocol::Http, &refused);
            assert_eq!(by_http.status(), http);
            for response in [&by_grpc, &by_http] {
                let pushback = response
                    .headers()
                    .get(PUSHBACK)
                    .map(|value| value.to_str().unwrap().to_owned());
                assert_eq!(pushback.as_deref(), wait.map(|_| "1501"));
                assert_eq!(response.headers().contains_key(RETRY_AFTER), wait.is_some());
            }
        };
        check(Code::Unauthenticated, "16", 401, None);
        check(Code::PermissionDenied, "7", 403, None);
        check(Code::ResourceExhausted, "8", 429, Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn a_token_is_said_once_and_as_bearer() {
        let check = |values: &[&str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(bearer(&headers), expected.map(str::as_bytes), "{values:?}");
        };
        check(&["Bearer abc"], Some("abc"));
        check(&["bearer  abc "], Some("abc"));
        check(&["Basic abc"], None);
        check(&["Bearer"], None);
        check(&["abc"], None);
        check(&["Bearer a", "Bearer b"], None);
        check(&[], None);
    }
}
