//! Every setting of a service: its name, what it does, what is allowed. Defaults stand in [`super::Settings`].

use super::value::Value;

/// A setting.
#[derive(Clone)]
pub struct Setting {
    /// Its name as a flag has it, without dashes before it: `answer-cache-mb`.
    pub flag: &'static str,
    /// What it does, in one or two sentences.
    pub about: &'static str,
    /// What is allowed.
    pub value: Value,
}

impl Setting {
    /// Its name in the settings file: `answer_cache_mb`.
    pub fn key(&self) -> String {
        self.flag.replace('-', "_")
    }

    /// Its name in the environment: `BAOWEN_ANSWER_CACHE_MB`.
    pub fn variable(&self) -> String {
        format!("BAOWEN_{}", self.key().to_uppercase())
    }
}

const fn setting(flag: &'static str, value: Value, about: &'static str) -> Setting {
    Setting { flag, about, value }
}

/// The largest message that anyone may allow, in bytes: 1 GiB.
const MESSAGE: usize = 1 << 30;
/// The longest time that anyone may allow, in seconds: a week.
const LONG: f64 = 604_800.0;

/// All settings, in the order in which people are told about them.
pub const SETTINGS: &[Setting] = &[
    setting("index", Value::Folder(|s| &mut s.index), "The index folder"),
    setting(
        "backend",
        Value::Backend(|s| &mut s.backend),
        "An index in Milvus instead of a folder (a program built with `milvus`); its password may stand in \
         `BAOWEN_MILVUS_TOKEN`",
    ),
    setting("listen", Value::Address(|s| &mut s.listen), "Where to listen"),
    setting(
        "profile",
        Value::Path(|s| &mut s.profile),
        "Rank by this profile (`baowen tune` writes one) instead of the one that is compiled in",
    ),
    setting(
        "reranker",
        Value::Text(|s| &mut s.reranker),
        "Have the first hits put in order by this reranker, which reads each together with the question",
    ),
    setting(
        "threads",
        Value::Number(|s| &mut s.service.threads, 0..=4096),
        "Threads that answer; 0 for one each core",
    ),
    setting(
        "queue",
        Value::Number(|s| &mut s.service.queue, 0..=1_000_000),
        "Questions that may wait for a thread before more are refused",
    ),
    setting(
        "answer-cache-mb",
        Value::Megabytes(|s| &mut s.service.answer_cache_bytes, 0..=1_048_576),
        "Answers that are kept for questions asked again while the index has not changed; 0 keeps none",
    ),
    setting(
        "max-batch",
        Value::Number(|s| &mut s.service.max_batch, 1..=100_000),
        "Most questions of one batch",
    ),
    setting(
        "longest-call",
        Value::Seconds(|s| &mut s.service.longest.call, 0.001..=LONG),
        "The longest a question may take, whatever its own deadline says",
    ),
    setting(
        "longest-batch",
        Value::Seconds(|s| &mut s.service.longest.batch, 0.001..=LONG),
        "The longest a batch of questions may take, whatever its own deadline says",
    ),
    setting(
        "max-request-bytes",
        Value::Number(|s| &mut s.service.max_request_bytes, 1_024..=MESSAGE),
        "Largest message taken with questions, in bytes",
    ),
    setting(
        "max-response-bytes",
        Value::Number(|s| &mut s.service.max_response_bytes, 1_024..=MESSAGE),
        "Largest message sent, in bytes",
    ),
    setting(
        "write",
        Value::Switch(|s| &mut s.write),
        "Take articles over the wire as well. The service is then the one that writes to the index, which is made if it \
         is not there",
    ),
    setting(
        "read-only",
        Value::Switch(|s| &mut s.read_only),
        "Change nothing in the index's folder, not even a damaged graph that could be made anew; with `write` it is refused",
    ),
    setting(
        "write-threads",
        Value::Number(|s| &mut s.service.write_threads, 0..=4096),
        "Threads that cut and embed the articles of one call; 0 for half of the cores",
    ),
    setting(
        "snapshots",
        Value::Path(|s| &mut s.snapshots),
        "Where snapshots are put that are asked for over the wire; without it there are none",
    ),
    setting(
        "verify",
        Value::Choice(|s| &mut s.verify, &["off", "on-open", "background"]),
        "When every byte of the index is compared with its checksum: before anything is answered, so that a damaged index \
         is not served, or while it is answered from, until damage is found",
    ),
    setting(
        "max-write-bytes",
        Value::Number(|s| &mut s.service.max_write_bytes, 1_024..=MESSAGE),
        "Largest message taken with articles, in bytes",
    ),
    setting(
        "index-calls",
        Value::Number(|s| &mut s.service.index_calls, 1..=10_000),
        "Calls that write to the index at a time, and as many that describe it; more are refused",
    ),
    setting(
        "longest-write",
        Value::Seconds(|s| &mut s.service.longest.write, 0.001..=LONG),
        "The longest such a call may take, whatever its own deadline says",
    ),
    setting(
        "import-idle",
        Value::Seconds(|s| &mut s.service.import_idle, 0.001..=LONG),
        "How long an import may wait for its client's next message",
    ),
    setting(
        "body-pause",
        Value::Seconds(|s| &mut s.service.body_pause, 0.001..=LONG),
        "How long the body of any other call may stand still, and how long it may be slower than `body_least`",
    ),
    setting(
        "body-least",
        Value::Number(|s| &mut s.service.body_least, 0..=MESSAGE),
        "Bytes that such a body brings at least in each second that it is waited for, on average",
    ),
    setting(
        "cors-origins",
        Value::Text(|s| &mut s.service.cors_origins),
        "Origins whose pages may ask from a browser, as https://example.org, with commas between them; `*` for all",
    ),
    setting(
        "hosts",
        Value::Text(|s| &mut s.hosts),
        "Names that a service without tokens and without TLS may be called by over HTTP, and the port of `metrics_listen` \
         always, with commas between them, besides addresses, localhost and those of the listeners; `*` for any",
    ),
    setting(
        "connections",
        Value::Number(|s| &mut s.service.connections, 1..=1_000_000),
        "Connections at a time; above it the one without a call for longest gives its place, then the one whose calls only wait for their bodies",
    ),
    setting(
        "handshake",
        Value::Seconds(|s| &mut s.service.handshake, 0.001..=LONG),
        "How long a new connection may take to begin",
    ),
    setting(
        "max-streams",
        Value::Number(|s| &mut s.service.max_streams, 1..=1_000_000),
        "Calls of one connection at a time; a client keeps further ones back",
    ),
    setting(
        "grace",
        Value::Seconds(|s| &mut s.service.grace, 0.0..=LONG),
        "How long calls in flight may go on after the signal to end",
    ),
    setting(
        "unread",
        Value::Seconds(|s| &mut s.service.unread, 0.001..=LONG),
        "The longest that an answer may stand unread before its connection is cut off",
    ),
    setting(
        "unread-mb",
        Value::Megabytes(|s| &mut s.service.unread_bytes, 1..=1_048_576),
        "Unread answers of all connections together; one that holds much of it gets no more answers before it reads, and above it the one that holds most is cut off",
    ),
    setting(
        "bodies-mb",
        Value::Megabytes(|s| &mut s.service.body_bytes, 1..=1_048_576),
        "Unfinished bodies of all connections together, unpacked, but for imports; a connection that holds much of it has its next refused, and gives way to one that holds far less",
    ),
    setting(
        "idle",
        Value::Seconds(|s| &mut s.service.idle, 0.001..=LONG),
        "The longest that a connection may be without a call before it is cut off",
    ),
    setting(
        "tls-cert",
        Value::Path(|s| &mut s.tls_cert),
        "Speak TLS with this certificate (PEM, with those between it and its authority); read again when it changes",
    ),
    setting(
        "tls-key",
        Value::Path(|s| &mut s.tls_key),
        "The private key of the certificate (PEM)",
    ),
    setting(
        "tls-client-ca",
        Value::Path(|s| &mut s.tls_client_ca),
        "Take only clients with a certificate of one of these authorities (PEM)",
    ),
    setting(
        "tokens",
        Value::Path(|s| &mut s.tokens),
        "Take only calls with a token of this file (`baowen token new` makes its lines); read again when it changes",
    ),
    setting(
        "insecure",
        Value::Switch(|s| &mut s.insecure),
        "Listen without TLS where other machines reach the service: a private network, a container behind a proxy",
    ),
    setting(
        "metrics-listen",
        Value::MaybeAddress(|s| &mut s.metrics_listen),
        "Where `/metrics` is served without tokens; on the service's own port it is there for tokens with the right \
         `admin`, and where there are no tokens for callers of this machine",
    ),
    setting(
        "otlp-endpoint",
        Value::Text(|s| &mut s.otlp_endpoint),
        "Where calls are sent as traces of OpenTelemetry, by OTLP over gRPC, as `http://HOST:4317` (a program built with \
         `otel`); without it where `OTEL_EXPORTER_OTLP_ENDPOINT` says",
    ),
    setting(
        "log",
        Value::Choice(|s| &mut s.log, &["error", "warn", "info", "debug"]),
        "The least important lines that are logged, on standard error",
    ),
    setting(
        "log-format",
        Value::Choice(|s| &mut s.log_format, &["text", "json"]),
        "Lines for people, or a JSON object each",
    ),
    setting(
        "access-log",
        Value::Switch(|s| &mut s.access_log),
        "Log each call: its id, method, code, time, bytes and client",
    ),
    setting(
        "slow",
        Value::Seconds(|s| &mut s.service.slow, 0.0..=LONG),
        "Log questions that take at least so long with the time of each stage; 0 logs none",
    ),
    setting(
        "log-questions",
        Value::Switch(|s| &mut s.service.log_questions),
        "Log the text of slow questions, too, and keep it for the operator's page; without `tokens` it is shown to callers of this machine alone",
    ),
];

/// Variables of this program that are no setting of a service.
pub const OTHER_VARIABLES: &[&str] = &[
    "BAOWEN_CONFIG",
    "BAOWEN_MODEL_DIR",
    "BAOWEN_CACHE_DIR",
    "BAOWEN_SHARED",
    "BAOWEN_TOKEN",
    "BAOWEN_MILVUS_TOKEN",
];
/// Beginnings of variables that tests and benches read.
pub const OTHER_BEGINNINGS: &[&str] = &["BAOWEN_TEST_", "BAOWEN_BENCH_", "BAOWEN_FUZZ_"];
