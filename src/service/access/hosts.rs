//! By which names a service without tokens may be called, and the numbers of any.
//!
//! Whoever has a name can have it lead to this machine (DNS rebinding). A browser that shows a page of that name then
//! takes the service for a part of the page, and lets the page ask and read everything. Such a call says the page's
//! name in `Host`, so names that nobody gave to the service are refused. Addresses cannot be led elsewhere.

use std::net::IpAddr;

use tonic::codegen::http::header::HOST;
use tonic::codegen::http::uri::Authority;
use tonic::codegen::http::{Request, Version};

use crate::error::{Error, Result};
use crate::service::refusal::Protocol;

/// Characters of a name that are said again.
const SHOWN: usize = 100;

/// The names of a service, besides addresses and `localhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Whatever it is called: certificates or a proxy see to it.
    Any,
    /// These.
    Named(Vec<String>),
}

impl Default for Hosts {
    fn default() -> Self {
        Hosts::Named(Vec::new())
    }
}

impl Hosts {
    /// Names with commas between them, or `*`; and the one that the service listens on, as `HOST:PORT`.
    ///
    /// # Errors
    /// `Caller` if one cannot be a name.
    pub fn parse(names: &str, listen: &str) -> Result<Hosts> {
        let mut named = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "*" {
                return Ok(Hosts::Any);
            }
            if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                return Err(Error::caller(format!("hosts: `{name}` is no name"))
                    .help("write names as baowen.example.org, without a port, or `*`"));
            }
            named.push(name.to_owned());
        }
        named.extend(listen.rsplit_once(':').map(|(host, _)| host.to_owned()));
        Ok(Hosts::Named(named))
    }

    /// Refuses a request that calls the service by a name that is not its own.
    ///
    /// # Errors
    /// `Precondition` with the name.
    pub fn check<B>(&self, request: &Request<B>) -> Result<()> {
        let Hosts::Named(names) = self else { return Ok(()) };
        // A browser cannot send gRPC over HTTP/2, so no page can be behind it, and programs often use names that we are
        // not told.
        if request.version() == Version::HTTP_2 && Protocol::of(request) == Protocol::Grpc && !is_web(request) {
            return Ok(());
        }
        let said = request.headers().get_all(HOST).iter();
        let said = said.map(|host| Authority::try_from(host.as_bytes()).ok());
        let mut said = said.chain(request.uri().authority().cloned().map(Some));
        let foreign = said.find(|host| host.as_ref().is_none_or(|host| !is_own(names, host.host())));
        let Some(foreign) = foreign else { return Ok(()) };
        let foreign: String = match &foreign {
            Some(host) => host.host().chars().take(SHOWN).collect(),
            None => return Err(Error::precondition("the header `host` is none")),
        };
        Err(
            Error::precondition(format!("this service is not called `{foreign}`")).help(format!(
                "call it by its address or as localhost; if it is reached by this name, tell it so: `--hosts {foreign}`"
            )),
        )
    }
}

fn is_web<B>(request: &Request<B>) -> bool {
    let content = request.headers().get("content-type");
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc-web"))
}

fn is_own(names: &[String], host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_called = |name: &str| host.eq_ignore_ascii_case(name);
    address.parse::<IpAddr>().is_ok() || is_called("localhost") || names.iter().any(|name| is_called(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, content: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().version(version).header("content-type", content);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn addresses_and_own_names_may_call_it_and_no_others() {
        let hosts = Hosts::parse("baowen.example.org, other", "box:50051").unwrap();
        let check = |said: &[&str], may: bool| {
            let refused = hosts.check(&request(Version::HTTP_11, "application/json", said));
            assert_eq!(refused.is_ok(), may, "{said:?}");
        };
        for own in [
            "127.0.0.1:50051",
            "192.168.0.9",
            "[::1]:50051",
            "localhost",
            "LocalHost.:50051",
            "box:50051",
            "baowen.example.org:80",
            "OTHER",
        ] {
            check(&[own], true);
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "baowen.example.org.evil.example:50051",
            "a b",
        ] {
            check(&[foreign], false);
            check(&["localhost", foreign], false);
        }
        // No browser leaves it out.
        check(&[], true);
    }

    #[test]
    fn what_a_page_can_send_is_refused_and_what_programs_send_is_not() {
        let check = |version, content: &str, may: bool| {
            let refused = Hosts::default().check(&request(version, content, &["evil.example"]));
            assert_eq!(refused.is_ok(), may, "{version:?} {content}");
        };
        check(Version::HTTP_2, "application/grpc", true);
        check(Version::HTTP_2, "application/grpc+proto", true);
        check(Version::HTTP_2, "application/grpc-web+proto", false);
        check(Version::HTTP_2, "application/json", false);
        check(Version::HTTP_11, "application/grpc", false);
        check(Version::HTTP_11, "application/grpc-web", false);
        let mut absolute = request(Version::HTTP_11, "text/plain", &["localhost"]);
        *absolute.uri_mut() = "http://evil.example/v1/search".parse().unwrap();
        assert!(Hosts::default().check(&absolute).is_err());
    }

    #[test]
    fn names_are_names_and_any_means_any() {
        let foreign = request(Version::HTTP_11, "text/plain", &["evil.example"]);
        assert!(Hosts::parse("a, *", "b:1").unwrap().check(&foreign).is_ok());
        let said = Hosts::default().check(&foreign).unwrap_err();
        assert!(said.message().contains("evil.example") && said.hint().unwrap().contains("--hosts evil.example"));
        for wrong in ["http://a", "a:80", "a/b", "保问"] {
            assert!(Hosts::parse(wrong, "b:1").is_err(), "{wrong}");
        }
    }
}
