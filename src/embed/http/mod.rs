//! Requests over HTTP, one at a time and blocking, for what fetches models and what asks endpoints. The only file that
//! knows which client does it. It never retries and never knows what is asked.

#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, RequestBuilder, Timeout};

/// A client; its connections are kept for the next request.
pub struct Http(Agent);

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// From the request's last byte until the answer begins.
    pub answer: Duration,
    /// In all, the answer's last byte included.
    pub whole: Duration,
}

/// Why no answer came.
#[derive(Debug)]
pub struct Trouble {
    /// In words.
    pub message: String,
    /// Whether trying again may help.
    pub is_passing: bool,
}

/// An answer whose body is still to be read.
pub struct Answer(Response<Body>);

impl Http {
    /// A client that trusts whom the operating system trusts and takes the proxy that the environment names.
    /// `redirects`: how many it follows; a secret is never sent on to another host.
    pub fn new(redirects: u32) -> Self {
        let roots = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(redirects)
            .max_redirects_will_error(redirects > 0)
            .user_agent(concat!("baowen/", env!("CARGO_PKG_VERSION")))
            .tls_config(roots)
            .build();
        Http(config.into())
    }

    /// Asks for what lies at an address.
    ///
    /// # Errors
    /// If no answer begins. Any status is an answer.
    pub fn get(&self, url: &str, headers: &[(&str, &str)], limits: Limits) -> Result<Answer, Trouble> {
        let request = prepared(self.0.get(url), headers, limits);
        request.call().map(Answer).map_err(|error| trouble(&error))
    }

    /// Sends a body to an address.
    ///
    /// # Errors
    /// As for [`Http::get`].
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8], limits: Limits) -> Result<Answer, Trouble> {
        let request = prepared(self.0.post(url), headers, limits);
        request.send(body).map(Answer).map_err(|error| trouble(&error))
    }
}

/// A request with its headers, that gives up at its limits.
fn prepared<B>(request: RequestBuilder<B>, headers: &[(&str, &str)], limits: Limits) -> RequestBuilder<B> {
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request
        .config()
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.answer))
        .timeout_global(Some(limits.whole))
        .build()
}

impl Answer {
    /// The status, such as 200.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// A header that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// How long the server asks to wait before the next try. Only the form in seconds is understood.
    pub fn retry_after(&self) -> Option<Duration> {
        self.number("retry-after").map(Duration::from_secs)
    }

    /// The body. It has no bound of its own; [`explain`] makes words of its errors.
    pub fn into_body(self) -> impl Read {
        self.0.into_body().into_reader()
    }
}

/// Whether a status may be another one later.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// What a body's reader says, in words.
pub fn explain(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(inner) => trouble(inner).message,
        None => error.to_string(),
    }
}

fn trouble(error: &ureq::Error) -> Trouble {
    use ureq::Error;
    let (message, is_passing) = match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => ("no connection in time".into(), true),
        Error::Timeout(_) => ("no answer in time".into(), true),
        // A name server may be away for a moment.
        Error::HostNotFound => ("the host was not found".into(), true),
        // What TLS refuses, a certificate first of all, comes as invalid data.
        Error::Io(cause) => (cause.to_string(), cause.kind() != io::ErrorKind::InvalidData),
        Error::ConnectionFailed => ("no connection".into(), true),
        Error::ConnectProxyFailed(cause) => (format!("the proxy refused: {cause}"), true),
        Error::Protocol(cause) => (format!("the answer is no HTTP: {cause}"), true),
        other => (other.to_string(), false),
    };
    Trouble { message, is_passing }
}
