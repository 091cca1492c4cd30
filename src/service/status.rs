//! The one place where faults meet gRPC codes, in both directions, and gRPC codes those of HTTP.
//!
//! The match over [`Fault`] has no wildcard arm, so a new fault cannot be served without choosing its code.

use std::error::Error as _;

use tonic::codegen::http::{HeaderMap, HeaderValue, StatusCode};
use tonic::metadata::MetadataValue;
use tonic::{Code, Response, Status};

use crate::error::{Error, Fault, Result};

/// The most characters of a message that are sent. A status travels in a header, percent-encoded (nine bytes for a
/// Chinese character), and common clients drop a call whose headers exceed 8 KiB.
const MAX_MESSAGE_CHARS: usize = 500;

/// Says which fault it was where the code alone does not: a defect that we say ourselves, and what is too large.
const OURS: &str = "baowen-fault";
const BUG: &str = "bug";
const TOO_LARGE: &str = "too-large";

/// The gRPC code of a fault.
pub fn code(fault: Fault) -> Code {
    match fault {
        Fault::Caller => Code::InvalidArgument,
        Fault::Missing => Code::NotFound,
        Fault::Precondition => Code::FailedPrecondition,
        Fault::Exhausted | Fault::TooLarge => Code::ResourceExhausted,
        Fault::Deadline => Code::DeadlineExceeded,
        Fault::Unavailable => Code::Unavailable,
        Fault::Corrupt => Code::DataLoss,
        Fault::Bug => Code::Internal,
    }
}

/// The fault behind a code alone; codes of ours come back as the fault they were made from, but for `TooLarge`, which
/// has no code of its own.
pub fn fault(code: Code) -> Fault {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Fault::Caller,
        Code::NotFound => Fault::Missing,
        Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented => Fault::Precondition,
        Code::ResourceExhausted | Code::Aborted => Fault::Exhausted,
        Code::DeadlineExceeded => Fault::Deadline,
        Code::Unavailable | Code::Cancelled => Fault::Unavailable,
        Code::DataLoss => Fault::Corrupt,
        Code::Ok | Code::Unknown | Code::Internal => Fault::Bug,
    }
}

/// An HTTP code by the name of its kind, for counting what says no code of ours.
pub fn http_name(code: u16) -> &'static str {
    match code {
        200..=299 => "OK",
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 => "INVALID_ARGUMENT",
        413 | 429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        // What whoever asked has already is as good as sent.
        304 => "OK",
        300..400 => "REDIRECTED",
        code if code < 500 => "FAILED_PRECONDITION",
        _ => "INTERNAL",
    }
}

/// The name of a code as the gRPC specification writes it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The HTTP code of a gRPC code, as the rest of the world has it (google.rpc.Code).
pub fn http(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // Of nginx: who asked has gone.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The HTTP code of an error with this gRPC code. HTTP alone tells what is too large from what is too much at a time.
pub fn http_of(fault: Fault, code: Code) -> StatusCode {
    match fault {
        Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => http(code),
    }
}

/// What is sent of an error: message and help, cut off where it would no longer fit a header.
pub fn message(error: &Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// An error as the service answers it.
pub fn to_status(error: &Error) -> Status {
    with_code(code(error.fault()), error)
}

/// The same with a code that no fault of the core has: who calls is unknown, or may not.
pub fn with_code(code: Code, error: &Error) -> Status {
    let mut status = Status::new(code, message(error));
    let said = match error.fault() {
        Fault::Bug => BUG,
        Fault::TooLarge => TOO_LARGE,
        _ => return status,
    };
    status.metadata_mut().insert(OURS, MetadataValue::from_static(said));
    status
}

/// Says RESOURCE_EXHAUSTED of what is too large, where the library says OUT_OF_RANGE (our own calls never do).
pub fn name_too_large(answer: &mut HeaderMap) {
    let is_too_large = |code: &HeaderValue| *code == HeaderValue::from(Code::OutOfRange as i32);
    if answer.get(Status::GRPC_STATUS).is_some_and(is_too_large) {
        answer.insert(Status::GRPC_STATUS, HeaderValue::from(code(Fault::TooLarge) as i32));
        answer.insert(OURS, HeaderValue::from_static(TOO_LARGE));
    }
}

/// What a call came to, as tonic takes it.
///
/// # Errors
/// The error as a status.
pub fn answered<T>(result: Result<T>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| to_status(&error))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        to_status(&error)
    }
}

/// Whether an answer says INTERNAL and it was not we who said so: then the library could not read what came in (no
/// message, a body cut off, a flag without its header), which is the sender's fault.
pub fn is_unreadable(answer: &HeaderMap) -> bool {
    let is_internal = |code: &HeaderValue| *code == HeaderValue::from(Code::Internal as i32);
    answer.get(Status::GRPC_STATUS).is_some_and(is_internal) && !answer.contains_key(OURS)
}

/// What the library says of a stream it could not read on: no message, or one that is too large, is its sender's fault.
pub fn unreadable(status: &Status) -> Error {
    match (status.code(), fault(status.code())) {
        (Code::OutOfRange, _) => Error::new(Fault::TooLarge, status.message()).help("send it in smaller messages"),
        (_, Fault::Bug) => Error::caller(status.message()),
        (_, fault) => Error::new(fault, status.message()),
    }
}

/// A status that a service answered, or that the library made of a connection that broke, as an error of ours.
pub fn from_status(status: &Status) -> Error {
    if let Some(cause) = status.source() {
        return broken(cause);
    }
    let message = match status.message() {
        "" => format!("the service answered {} without a reason", code_name(status.code())),
        message => message.to_owned(),
    };
    let is_too_large = status.metadata().get(OURS).is_some_and(|said| said == TOO_LARGE);
    let fault = if is_too_large {
        Fault::TooLarge
    } else {
        fault(status.code())
    };
    let error = Error::new(fault, message);
    match status.code() {
        // The service speaks of the header.
        Code::Unauthenticated => error.help("name a file with it by --token-file, or put it into BAOWEN_TOKEN"),
        _ => error,
    }
}

/// What is behind an error of the libraries, which name every layer that it went through.
pub fn innermost<'a>(cause: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut innermost = cause;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// A connection that broke, by its innermost cause: nobody answered, so it is no defect of the service, which may not
/// even be one.
fn broken(cause: &(dyn std::error::Error + 'static)) -> Error {
    // Which of these it was cannot be told: a handshake that fails is a broken pipe as often as an alert.
    Error::unavailable(format!("the connection broke: {}", innermost(cause))).help(
        "see whether the service still runs; one that speaks TLS is named https://HOST:PORT, and may want a certificate of \
         yours (--client-cert, --client-key)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULTS: [(Fault, Code, u16); 9] = [
        (Fault::Caller, Code::InvalidArgument, 400),
        (Fault::Missing, Code::NotFound, 404),
        (Fault::Precondition, Code::FailedPrecondition, 400),
        (Fault::Exhausted, Code::ResourceExhausted, 429),
        (Fault::TooLarge, Code::ResourceExhausted, 413),
        (Fault::Deadline, Code::DeadlineExceeded, 504),
        (Fault::Unavailable, Code::Unavailable, 503),
        (Fault::Corrupt, Code::DataLoss, 500),
        (Fault::Bug, Code::Internal, 500),
    ];

    #[test]
    fn every_fault_has_its_codes_and_comes_back() {
        for (fault, code, http) in FAULTS {
            let status = to_status(&Error::new(fault, "what").help("do this"));
            assert_eq!(status.code(), code);
            assert_eq!(status.message(), "what (do this)");
            assert_eq!(from_status(&status).fault(), fault);
            assert_eq!(http_of(fault, code).as_u16(), http);
            assert!(!is_unreadable(status.into_http::<()>().headers()));
        }
        let theirs = Status::internal("Missing request message.").into_http::<()>();
        assert!(is_unreadable(theirs.headers()));
    }

    #[test]
    fn the_guide_names_every_code_with_that_of_http() {
        let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let section = guide.split("\n## Errors\n").nth(1).expect("a section Errors");
        let who = [Code::Unauthenticated, Code::PermissionDenied].map(|code| (code, http(code).as_u16()));
        let ours = FAULTS.map(|(_, code, http)| (code, http));
        for (code, http) in ours.into_iter().chain(who) {
            let is_of = |line: &&str| line.starts_with("| ") && line.contains(code_name(code));
            let row = section
                .lines()
                .find(is_of)
                .unwrap_or_else(|| panic!("{code:?} has no row"));
            assert!(row.contains(&http.to_string()), "{code:?} {http}: {row}");
        }
    }

    #[test]
    fn a_long_message_is_cut_on_a_character() {
        let status = to_status(&Error::caller("医".repeat(100_000)));
        assert_eq!(status.message().chars().count(), MAX_MESSAGE_CHARS + 1);
        assert!(status.message().ends_with('…'));
    }
}
