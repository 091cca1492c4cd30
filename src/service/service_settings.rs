//! Limits and times of a service, with their defaults.

use std::time::Duration;

use super::patience::Patience;

/// The longest that calls may take, whatever their own deadlines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longest {
    /// A question, and whatever else is answered at once.
    pub call: Duration,
    /// A batch of questions.
    pub batch: Duration,
    /// A call that writes or lists.
    pub write: Duration,
}

impl Default for Longest {
    fn default() -> Self {
        Longest {
            call: Duration::from_secs(60),
            // Many times what the largest batch takes with the model on a slow core.
            batch: Duration::from_secs(3_600),
            write: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Limits and times of a service. All have defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Searches that run at a time; 0 means one for each core.
    pub threads: usize,
    /// Threads beyond those, for searches that wait for another machine and compute nothing meanwhile.
    pub waiting: usize,
    /// Questions that may wait for a thread; more are refused with RESOURCE_EXHAUSTED.
    pub queue: usize,
    /// Largest message taken, in bytes.
    pub max_request_bytes: usize,
    /// Largest message sent, in bytes. More than 4 MiB is more than clients of other languages take unless told to.
    pub max_response_bytes: usize,
    /// Bytes of answers that are kept for questions asked again; 0 keeps none.
    pub answer_cache_bytes: usize,
    /// Most questions of one batch.
    pub max_batch: usize,
    /// Largest message taken with articles, in bytes.
    pub max_write_bytes: usize,
    /// Calls of `IndexService` at a time that write, and as many that describe; more are refused with
    /// RESOURCE_EXHAUSTED.
    pub index_calls: usize,
    /// Threads that cut and embed the articles of one call.
    pub write_threads: usize,
    /// How long an import may wait for its client's next message.
    pub import_idle: Duration,
    /// How long the body of any other call may stand still, and how long it may be slower than the least.
    pub body_pause: Duration,
    /// Bytes that it brings at least in each second that it is waited for, on average.
    pub body_least: usize,
    /// Origins whose pages may ask from a browser, as `https://example.org`, with commas between them; `*` for all.
    pub cors_origins: Option<String>,
    /// Connections at a time; above it the one without a call for longest gives its place, or one whose calls only
    /// wait.
    pub connections: usize,
    /// How long a new connection may take to begin.
    pub handshake: Duration,
    /// Calls of one connection at a time; a client keeps further ones back.
    pub max_streams: usize,
    /// The longest that calls may take, whatever their own deadlines say.
    pub longest: Longest,
    /// How long calls in flight may go on after the signal to end.
    pub grace: Duration,
    /// The longest that an answer may stand unread before its connection is cut off.
    pub unread: Duration,
    /// Bytes of unread answers of all connections; above it the connection that holds most is cut off.
    pub unread_bytes: usize,
    /// Bytes of bodies of all connections that have not come to their end.
    pub body_bytes: usize,
    /// The longest that a connection may be without a call.
    pub idle: Duration,
    /// Questions that take at least so long are written down with their stages; zero writes down none.
    pub slow: Duration,
    /// Whether the text of slow questions is written down as well.
    pub log_questions: bool,
    /// How often the core is asked whether it is ready.
    pub ready_interval: Duration,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        ServiceSettings {
            threads: 0,
            waiting: 0,
            queue: 256,
            max_request_bytes: 4 << 20,
            max_response_bytes: 4 << 20,
            answer_cache_bytes: 32 << 20,
            max_batch: 1_000,
            max_write_bytes: 8 << 20,
            index_calls: 32,
            write_threads: 1,
            import_idle: Duration::from_secs(60),
            body_pause: Duration::from_secs(10),
            body_least: 1_000,
            cors_origins: None,
            connections: 1_000,
            handshake: Duration::from_secs(5),
            max_streams: 256,
            longest: Longest::default(),
            grace: Duration::from_secs(10),
            unread: Duration::from_secs(60),
            unread_bytes: 256 << 20,
            body_bytes: 256 << 20,
            idle: Duration::from_secs(900),
            slow: Duration::ZERO,
            log_questions: false,
            ready_interval: Duration::from_millis(20),
        }
    }
}

impl ServiceSettings {
    /// What connections may hold, and for how long.
    pub fn patience(&self) -> Patience {
        Patience {
            unread: self.unread,
            unread_bytes: self.unread_bytes,
            body_bytes: self.body_bytes,
            idle: self.idle,
        }
    }
}
