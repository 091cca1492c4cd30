//! What a call of Milvus that failed says: whose fault it is, whether the same call may go through later, and what
//! helps.

use tonic::Code;

use super::address::Address;
use super::wire;
use crate::error::{Error, Fault};

/// Milvus' codes for calls that are wrong in themselves.
const WRONG_CALL: std::ops::Range<i32> = 1_100..1_200;
/// Milvus' code for too many calls.
const RATE_LIMITED: i32 = 8;
/// Milvus' code for a collection that has to be loaded, as after a restart.
const NOT_LOADED: i32 = 101;
/// Milvus' code for a collection that is not there.
const NO_COLLECTION: i32 = 100;
/// The same in the numbers of before 2.3, which a server gives where it gives no code. (Among the codes of today 4
/// means that there are too many calls.)
const OLD_NO_COLLECTION: i32 = 4;
/// Too many calls in the old numbers.
const OLD_RATE_LIMITED: i32 = 49;
/// Milvus' codes for a user that it does not know, and for one that may not do this.
const UNKNOWN_USER: i32 = 1_400;
const NOT_ALLOWED: i32 = 1_401;

/// A call that failed, and whether it may go through when it is made again.
pub struct Failed {
    /// What is said of it.
    pub error: Error,
    /// Whether it is worth to make it again.
    pub again: bool,
    /// Whether its collection has to be loaded before that.
    pub not_loaded: bool,
    why: Why,
}

/// What a failure has to do with the way to Milvus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Milvus said it.
    Said,
    /// Nothing was answered.
    NoAnswer,
    /// Milvus does not know who asks.
    WhoAsks,
    /// It knows, and does not let him do this.
    NotAllowed,
}

impl Failed {
    fn new(error: Error, again: bool) -> Failed {
        Failed {
            error,
            again,
            not_loaded: false,
            why: Why::Said,
        }
    }

    /// Whoever works with a collection has seen it: one that is gone is nothing that its caller named wrongly.
    pub fn about(self, method: &str, collection: &str) -> Failed {
        if self.error.fault() != Fault::Missing || ["HasCollection", "DropCollection"].contains(&method) {
            return self;
        }
        let error = Error::unavailable(format!("{method}: the collection `{collection}` is not there"))
            .help("`baowen verify` says whether the index is whole; an index that is being made again comes back");
        Failed { error, ..self }
    }

    /// No connection.
    pub fn unreachable(error: &dyn std::error::Error) -> Failed {
        let error = Error::unavailable(format!("it cannot be reached: {}", causes(error)));
        Failed {
            why: Why::NoAnswer,
            ..Failed::new(error, true)
        }
    }

    /// The call has no such name.
    pub fn bug(method: &str) -> Failed {
        Failed::new(Error::bug(format!("`{method}` is no name of a call")), false)
    }

    /// The answer does not say whether it was done.
    pub fn unsaid(method: &str) -> Failed {
        let error = Error::unavailable(format!("{method}: the answer does not say how it went"));
        Failed::new(error, true)
    }

    /// What gRPC says of it.
    pub fn of_grpc(method: &str, status: &tonic::Status) -> Failed {
        // Whoever answers gives no causes.
        let source = std::error::Error::source(status);
        let said = match source {
            Some(source) => format!("{}: {}", status.message(), causes(source)),
            None => status.message().to_owned(),
        };
        let is_too_large = said.contains("arger than max") || said.contains("too large");
        let (fault, again) = match status.code() {
            Code::ResourceExhausted if is_too_large => (Fault::Precondition, false),
            // Nobody's deadline has passed here, so it is one of the server's own.
            Code::DeadlineExceeded | Code::Cancelled => (Fault::Unavailable, true),
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted => (Fault::Unavailable, true),
            Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => (Fault::Precondition, false),
            _ => (Fault::Unavailable, false),
        };
        let code = status.code();
        let error = Error::new(fault, format!("{method}: {said} ({code:?})"));
        let why = match code {
            Code::Unauthenticated => Why::WhoAsks,
            Code::PermissionDenied => Why::NotAllowed,
            _ if source.is_some() => Why::NoAnswer,
            _ => Why::Said,
        };
        let error = if is_too_large {
            error.help("send less at a time (`?batch=KB`), or let Milvus take larger messages")
        } else {
            error
        };
        Failed {
            why,
            ..Failed::new(error, again)
        }
    }

    /// What Milvus says of it.
    pub fn of_milvus(method: &str, status: &wire::Status) -> Failed {
        let (code, is_gone, is_limited) = match (status.code, status.error_code) {
            (0, old) => (old, old == OLD_NO_COLLECTION, old == OLD_RATE_LIMITED),
            (code, _) => (code, code == NO_COLLECTION, code == RATE_LIMITED),
        };
        let not_loaded = status.code == NOT_LOADED || status.reason.contains("not loaded");
        let why = match status.code {
            UNKNOWN_USER => Why::WhoAsks,
            NOT_ALLOWED => Why::NotAllowed,
            _ => Why::Said,
        };
        let fault = match (is_gone, is_limited) {
            (true, _) => Fault::Missing,
            (_, true) => Fault::Exhausted,
            _ if why != Why::Said => Fault::Precondition,
            _ if WRONG_CALL.contains(&status.code) => Fault::Bug,
            _ => Fault::Unavailable,
        };
        let error = Error::new(fault, format!("{method}: {} (code {code})", status.reason));
        let again = !is_gone && (not_loaded || status.retriable || is_limited);
        Failed {
            not_loaded,
            why,
            ..Failed::new(error, again)
        }
    }

    /// The same with what helps where the way to Milvus is at fault, or who asks there. `has_answered`: whether it ever
    /// was the right way.
    pub fn on_the_way(self, address: &Address, has_answered: bool) -> Failed {
        let (help, again) = match self.why {
            Why::Said => return self,
            Why::WhoAsks if address.token.is_none() => (WHO_ASKS.to_owned(), false),
            Why::WhoAsks => (WRONG_TOKEN.to_owned(), false),
            Why::NotAllowed => (NOT_ALLOWED_HELP.to_owned(), false),
            Why::NoAnswer => match of_ends(self.error.message(), address, has_answered) {
                Some((help, is_for_good)) => (help, self.again && !is_for_good),
                None => return self,
            },
        };
        Failed {
            error: self.error.help(help),
            again,
            ..self
        }
    }
}

const WHO_ASKS: &str = "it answers only users that it knows: write USER:PASSWORD@ before the host, or name them or an API key in \
                        BAOWEN_MILVUS_TOKEN";
const WRONG_TOKEN: &str = "it does not know this USER:PASSWORD or API key: see whether what stands in the address, or in \
                           BAOWEN_MILVUS_TOKEN, is right";
const NOT_ALLOWED_HELP: &str = "have whoever runs Milvus let this user do it: an index wants rights to make, load, search, write and drop \
                                its collections";

/// What the libraries below say where the other end did not hang up: it was not reached, or nobody waited any more.
const ENDED_HERE: [&str; 5] = [
    "tcp connect error",
    "dns error",
    "Timeout expired",
    "timed out",
    "deadline has elapsed",
];

/// What helps where both ends do not agree on how they talk, and whether it is sure that this is so.
fn of_ends(said: &str, address: &Address, has_answered: bool) -> Option<(String, bool)> {
    let is_connected = !ENDED_HERE.iter().any(|what| said.contains(what));
    if !address.tls {
        let may_be_tls = "it ended the connection without an answer: where it speaks TLS on this port, write `?tls=true` behind the \
                          address; else see whether it is Milvus that listens there";
        return (is_connected && !has_answered).then(|| (may_be_tls.to_owned(), false));
    }
    // What the TLS library says of an answer in plain text, and of certificates.
    if said.contains("InvalidContentType") {
        let help = "it does not speak TLS on this port: leave `tls=true` away, or ask another port";
        return Some((help.to_owned(), true));
    }
    if said.contains("invalid peer certificate") {
        return Some((of_certificate(said, address), true));
    }
    let may_be_plain = "it ended the connection before anything was agreed on: where it does not speak TLS on this port, leave \
                        `tls=true` away";
    (is_connected && !has_answered).then(|| (may_be_plain.to_owned(), false))
}

/// What helps against a certificate that is not believed.
fn of_certificate(said: &str, address: &Address) -> String {
    let host = &address.host;
    match &address.authority {
        _ if said.contains("not valid for name") => {
            format!("it is for other names than the one in {host}: ask by one of these, or have one made for this name")
        }
        Some(file) if said.contains("UnknownIssuer") => {
            format!(
                "it is not from the authority in {}: name the one that it is from",
                file.display()
            )
        }
        None if said.contains("UnknownIssuer") => {
            "it is from no authority that this system trusts: name the one that it is from, as `?tls=true&ca=FILE`"
                .into()
        }
        _ => "nobody can believe it: have whoever runs Milvus show a good one".into(),
    }
}

/// An error with its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_the_numbers_that_they_are_of() {
        let check = |code: i32, error_code: i32, retriable: bool, expected: (Fault, bool, bool)| {
            let status = wire::Status {
                code,
                error_code,
                retriable,
                ..wire::Status::default()
            };
            let failed = Failed::of_milvus("Query", &status);
            let found = (failed.error.fault(), failed.again, failed.not_loaded);
            assert_eq!(found, expected, "code {code}, error_code {error_code}");
        };
        check(100, 4, false, (Fault::Missing, false, false));
        check(100, 0, true, (Fault::Missing, false, false));
        check(0, 4, false, (Fault::Missing, false, false));
        // Too many calls: nothing is missing.
        check(4, 1, true, (Fault::Unavailable, true, false));
        check(4, 4, true, (Fault::Unavailable, true, false));
        check(8, 0, false, (Fault::Exhausted, true, false));
        check(0, 49, false, (Fault::Exhausted, true, false));
        check(101, 0, false, (Fault::Unavailable, true, true));
        check(1_100, 0, false, (Fault::Bug, false, false));
        check(1_200, 0, false, (Fault::Unavailable, false, false));
    }

    #[test]
    fn what_both_ends_do_not_agree_on_is_told() {
        let check = |address: &str, has_answered: bool, causes: &str, expected: Option<&str>| {
            let address = Address::parse(&format!("milvus://db:1/a{address}")).unwrap();
            let failed = Failed::unreachable(&std::io::Error::other(causes)).on_the_way(&address, has_answered);
            let help = failed.error.hint().unwrap_or_default();
            assert!(
                help.contains(expected.unwrap_or_default()) && expected.is_some() != help.is_empty(),
                "{causes}: {help}"
            );
            let is_for_good = ["InvalidContentType", "certificate"]
                .iter()
                .any(|what| causes.contains(what));
            assert_eq!(failed.again, !is_for_good, "{causes}");
        };
        let plain = "transport error: received corrupt message of type InvalidContentType";
        check("?tls=true", false, plain, Some("does not speak TLS"));
        let unknown = "invalid peer certificate: UnknownIssuer";
        check("?tls=true", true, unknown, Some("ca=FILE"));
        check("?tls=true&ca=our.pem", false, unknown, Some("our.pem"));
        let name =
            "invalid peer certificate: certificate not valid for name \"db\"; certificate is only valid for other";
        check("?tls=true", false, name, Some("other names"));
        check(
            "?tls=true",
            false,
            "invalid peer certificate: Expired",
            Some("good one"),
        );
        check("?tls=true", false, "tls handshake eof", Some("leave `tls=true` away"));
        check("?tls=true", true, "tls handshake eof", None);
        check("?tls=true", false, "tcp connect error: Connection refused", None);
        check("", false, "tcp connect error: Connection refused", None);
        check("", false, "http2 error: broken pipe", Some("?tls=true"));
        // It speaks plain text: it answered so before.
        check("", true, "http2 error: broken pipe", None);
    }

    #[test]
    fn who_is_not_let_in_is_told_what_to_name() {
        let known = "milvus://me:secret@127.0.0.1:1/a";
        let check = |address: &str, failed: Failed, expected: &str| {
            let failed = failed.on_the_way(&Address::parse(address).unwrap(), true);
            let help = failed.error.hint().unwrap_or_default();
            assert!(help.contains(expected) && !help.contains("secret"), "{help}");
            assert_eq!((failed.error.fault(), failed.again), (Fault::Precondition, false));
        };
        let unknown = || Failed::of_grpc("Query", &tonic::Status::unauthenticated("auth check failure"));
        check("milvus://127.0.0.1:1/a", unknown(), "write USER:PASSWORD@");
        check(known, unknown(), "is right");
        let may_not = Failed::of_grpc("Query", &tonic::Status::permission_denied("permission deny to me"));
        check(known, may_not, "let this user");
        let of_milvus = |code: i32| {
            let status = wire::Status {
                code,
                ..wire::Status::default()
            };
            Failed::of_milvus("Query", &status)
        };
        check(known, of_milvus(1_400), "is right");
        check(known, of_milvus(1_401), "let this user");
    }

    #[test]
    fn a_collection_that_is_gone_is_no_mistake_of_the_caller() {
        let gone = wire::Status {
            code: NO_COLLECTION,
            ..wire::Status::default()
        };
        let check = |method: &str, expected: Fault| {
            let failed = Failed::of_milvus(method, &gone).about(method, "articles_v1");
            assert_eq!(failed.error.fault(), expected, "{method}: {}", failed.error);
            failed.error
        };
        check("HasCollection", Fault::Missing);
        check("DropCollection", Fault::Missing);
        assert!(check("Query", Fault::Unavailable).to_string().contains("articles_v1"));
    }

    #[test]
    fn what_is_too_large_is_not_sent_again() {
        let check = |status: tonic::Status, expected: (Fault, bool)| {
            let failed = Failed::of_grpc("Upsert", &status);
            assert_eq!((failed.error.fault(), failed.again), expected, "{status}");
        };
        let large = "grpc: received message larger than max (9 vs. 8)";
        check(tonic::Status::resource_exhausted(large), (Fault::Precondition, false));
        check(tonic::Status::resource_exhausted("memory"), (Fault::Unavailable, true));
        check(tonic::Status::deadline_exceeded("its own"), (Fault::Unavailable, true));
        check(tonic::Status::unauthenticated("who?"), (Fault::Precondition, false));
    }
}
