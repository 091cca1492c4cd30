//! Asking a running service from the command line, on a runtime of its own.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::error::{Context, Fault, Result};
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;
use crate::service::client::{Client, ConnectOptions};

/// How long an answer may take if the request does not say: long enough for a cold service, short enough for a person.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks a service and waits for the answer. Must not be called from async code.
///
/// # Errors
/// `Unavailable` if nothing listens there or it is still opening its index, `Caller` for a bad address or request,
/// otherwise the fault that the service answered.
pub fn search(options: &ConnectOptions, request: &SearchRequest) -> Result<SearchResponse> {
    // Refused here already, without a service having to be there.
    request.check()?;
    let mut request = request.clone();
    request.deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
    runtime()?.block_on(async { Client::connect(options).await?.search(&request).await })
}

/// A runtime for a client that does one thing at a time.
pub fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build()
        .or_fault(Fault::Unavailable, "starting the network client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_there_is_said_with_the_address_and_a_step() {
        let addr = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let error = search(&addr.as_str().into(), &SearchRequest::new("医保断缴怎么办")).unwrap_err();
        assert_eq!(error.fault(), Fault::Unavailable);
        assert!(error.message().contains(&addr), "{error}");
        assert!(error.hint().unwrap().contains("baowen serve"), "{error}");
    }

    #[test]
    fn a_bad_request_needs_no_service() {
        let error = search(&"127.0.0.1:1".into(), &SearchRequest::new("？")).unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
    }
}
