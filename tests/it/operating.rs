//! A service as an operator has it: settings out of a file, tokens, TLS, numbers, a log, and all of it while it runs.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use baowen::error::Fault;
use baowen::index::EmbeddedIndex;
use baowen::search::request::{Mode, SearchRequest};
use baowen::service::access::NewToken;
use baowen::service::client::{Client, ConnectOptions};
use baowen::service::index_client::IndexClient;

use crate::service::{block_on, sample_index};
use crate::support::root;

/// A service of its own with what it writes to standard error; killed when dropped.
pub struct Operated {
    child: Child,
    lines: Receiver<String>,
    pub address: String,
    said: Vec<String>,
    /// Lines that came while others were waited for.
    passed: RefCell<Vec<String>>,
}

impl Operated {
    fn start(index: &Path, arguments: &[&str]) -> Operated {
        Operated::start_saying(index, arguments, &[])
    }

    /// Starts it and keeps the lines with these texts, which come before it is ready.
    fn start_saying(index: &Path, arguments: &[&str], texts: &[&str]) -> Operated {
        let mut operated = Operated::begin(index, arguments);
        operated.said = texts.iter().map(|text| operated.line(text)).collect();
        operated.is_ready();
        operated
    }

    /// Starts it without waiting for anything.
    pub fn begin(index: &Path, arguments: &[&str]) -> Operated {
        Operated::of(command(index, arguments))
    }

    /// The same by a command of one's own.
    pub fn of(mut command: Command) -> Operated {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (say, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        Operated {
            child,
            lines,
            address: String::new(),
            said: Vec::new(),
            passed: RefCell::default(),
        }
    }

    /// Waits until it answers.
    pub fn is_ready(&mut self) {
        let line = self.line("listening");
        self.address = match line.strip_prefix("listening on ") {
            Some(rest) => rest.split(';').next().unwrap().to_owned(),
            None => {
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                line["address"].as_str().unwrap().to_owned()
            }
        };
    }

    /// The next line that holds a text; waits for it.
    pub fn line(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            let line = line.unwrap_or_else(|_| panic!("no line with `{text}` comes"));
            if line.contains(text) {
                return line;
            }
            self.passed.borrow_mut().push(line);
        }
    }

    /// A line that holds a text, be it one that came before the last that was waited for.
    fn line_in_any_order(&self, text: &str) -> String {
        let passed = self.passed.borrow().iter().find(|line| line.contains(text)).cloned();
        passed.unwrap_or_else(|| self.line(text))
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Asks it to end and waits for the exit status.
    #[cfg(feature = "otel")]
    pub fn terminate(mut self) -> std::process::ExitStatus {
        self.signal("-TERM");
        self.child.wait().unwrap()
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::from(&self.address)
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(index: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
    command
        .args(["serve", "--index"])
        .arg(index)
        .args(arguments)
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", index.with_extension("cache"));
    command
}

pub fn sample() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let index = folder.path().join("index");
    (folder, index)
}

fn question() -> SearchRequest {
    SearchRequest {
        mode: Mode::Lexical,
        ..SearchRequest::new("医保断缴了怎么办")
    }
}

/// How a question went.
fn ask(options: &ConnectOptions) -> Result<usize, (Fault, String)> {
    block_on(async {
        let mut client = Client::connect(options).await?;
        Ok(client.search(&question()).await?.hits.len())
    })
    .map_err(|error: baowen::error::Error| (error.fault(), error.to_string()))
}

fn with(options: &ConnectOptions, token: &str) -> ConnectOptions {
    ConnectOptions {
        token: Some(token.to_owned()),
        ..options.clone()
    }
}

#[test]
fn a_token_opens_what_it_may_and_a_new_one_counts_at_once() {
    let (folder, index) = sample();
    let [asks, writes, seldom, late] = [
        ("asks", "search", None),
        ("writes", "write", None),
        ("seldom", "search", Some(1)),
        ("late", "search", None),
    ]
    .map(|(name, rights, rate)| NewToken::make(name, rights, rate).unwrap());
    let file = folder.path().join("tokens");
    fs::write(&file, format!("{}\n{}\n{}\n", asks.line, writes.line, seldom.line)).unwrap();
    let tokens = [
        "--listen",
        "127.0.0.1:0",
        "--tokens",
        file.to_str().unwrap(),
        "--access-log",
        "--cors-origins",
        "https://example.org",
    ];
    let service = Operated::start(&index, &tokens);
    let options = service.options();
    // A page of that origin can read why it was refused.
    for (method, status) in [("GET", "401"), ("OPTIONS", "200")] {
        let mut socket = TcpStream::connect(&service.address).unwrap();
        let head = "/v1/stats HTTP/1.1\r\nhost: localhost\r\norigin: https://example.org\r\nconnection: close\r\n\r\n";
        write!(socket, "{method} {head}").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(
            answer.contains("access-control-allow-origin: https://example.org"),
            "{answer}"
        );
    }
    assert!(ask(&with(&options, &asks.token)).unwrap() > 0);
    for (token, words) in [
        (None, "wants a token"),
        (Some(late.token.as_str()), "none of this service's"),
        (Some(writes.token.as_str()), "needs the right search"),
    ] {
        let refused = ask(&ConnectOptions {
            token: token.map(str::to_owned),
            ..options.clone()
        });
        let (fault, message) = refused.unwrap_err();
        assert_eq!(fault, Fault::Precondition, "{message}");
        assert!(message.contains(words), "{message}");
        assert!(token.is_none_or(|token| !message.contains(token)), "{message}");
    }
    let totals = block_on(async {
        let mut client = IndexClient::connect(&with(&options, &writes.token)).await?;
        client.totals().await
    });
    assert!(totals.unwrap().articles > 0);
    // At the same time, so that however slow the machine is, some are within a second of each other.
    let often: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| ask(&with(&options, &seldom.token))))
            .collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let too_often = often
        .iter()
        .find_map(|asked| asked.as_ref().err())
        .expect("once a second");
    assert_eq!(too_often.0, Fault::Exhausted);
    assert!(too_often.1.contains("call again in"), "{}", too_often.1);

    // A broken file changes nothing and is said; a good one counts.
    fs::write(&file, "late search nothing\n").unwrap();
    service.signal("-HUP");
    let said = service.line("could not be read again");
    assert!(said.contains("line 1"), "{said}");
    assert!(ask(&with(&options, &asks.token)).is_ok());
    fs::write(&file, format!("{}\n", late.line)).unwrap();
    service.signal("-HUP");
    until(|| ask(&with(&options, &late.token)).is_ok());
    assert!(ask(&with(&options, &asks.token)).is_err());

    // No line holds a token.
    service.signal("-TERM");
    let mut service = service;
    assert!(service.child.wait().unwrap().success());
    let all: Vec<String> = service.lines.iter().collect();
    assert!(all.iter().any(|line| line.contains("ended")), "{all:?}");
    let calls_of = |name: &str| {
        all.iter()
            .filter(|line| line.contains(&format!("token=\"{name}\"")))
            .count()
    };
    assert!(calls_of("late") > 0 && calls_of("asks") == 1, "{all:?}");
    for new in [asks, writes, seldom, late] {
        assert!(all.iter().all(|line| !line.contains(&new.token)));
    }
}

#[test]
fn nothing_is_changed_where_nothing_may_be() {
    let (folder, index) = sample();
    // A copy has no locks yet, which whoever opens it might make.
    let copy = folder.path().join("copy");
    EmbeddedIndex::back_up(&index, &copy).unwrap();
    let listed = || {
        let entries = walkdir::WalkDir::new(&copy).sort_by_file_name().into_iter().flatten();
        let about = |entry: walkdir::DirEntry| {
            let about = entry.metadata().unwrap();
            (entry.path().to_path_buf(), about.len(), about.modified().unwrap())
        };
        entries.map(about).collect::<Vec<_>>()
    };
    let before = listed();
    let arguments = ["--listen", "127.0.0.1:0", "--read-only", "--verify", "on-open"];
    let service = Operated::start(&copy, &arguments);
    assert!(ask(&service.options()).unwrap() > 0);
    assert_eq!(listed(), before);
    let both = command(&copy, &["--read-only", "--write"]).output().unwrap();
    let said = String::from_utf8_lossy(&both.stderr);
    assert!(!both.status.success() && said.contains("read_only"), "{said}");
    assert_eq!(listed(), before);
}

/// Waits until what was changed counts: lines of the log may be of an earlier reading.
fn until(mut counts: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if counts() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("what was changed does not count");
}

fn certificate(name: &str) -> String {
    fs::read_to_string(root().join("tests/data/tls").join(name)).unwrap()
}

#[test]
fn tls_both_ways_and_a_new_certificate_while_it_runs() {
    let (folder, index) = sample();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let put = |from: &str, to: &str| fs::write(path(to), certificate(from)).unwrap();
    put("first.pem", "cert");
    put("first.key", "key");
    put("authority.pem", "clients");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &path("cert"),
        "--tls-key",
        &path("key"),
        "--tls-client-ca",
        &path("clients"),
    ];
    let service = Operated::start(&index, &arguments);
    let good = ConnectOptions {
        addr: format!("https://{}", service.address),
        authority: Some(certificate("authority.pem")),
        identity: Some((certificate("client.pem"), certificate("client.key"))),
        token: None,
    };
    assert!(ask(&good).unwrap() > 0);
    let (plain, stranger, nobody) = (
        service.options(),
        ConnectOptions {
            authority: Some(certificate("stranger.pem")),
            ..good.clone()
        },
        ConnectOptions {
            identity: None,
            ..good.clone()
        },
    );
    for (refused, way_out) in [
        (&plain, "https://"),
        (&stranger, "--tls-ca"),
        (&nobody, "--client-cert"),
    ] {
        let (fault, said) = ask(refused).unwrap_err();
        assert_eq!(fault, Fault::Unavailable, "{said}");
        assert!(said.contains(way_out), "{said}");
    }
    // A certificate without its key changes nothing; with it, it counts.
    put("second.pem", "cert");
    service.signal("-HUP");
    service.line("could not be read again");
    assert!(ask(&good).is_ok());
    put("second.key", "key");
    service.signal("-HUP");
    until(|| ask(&good).is_ok());
    // Clients of another authority, from now on.
    put("stranger.pem", "clients");
    service.signal("-HUP");
    until(|| ask(&good).is_err());
}

/// One request of HTTP/1.1, the answer as text.
pub fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn settings_come_from_a_file_numbers_are_shown_and_the_log_is_json() {
    let (folder, index) = sample();
    let config = folder.path().join("baowen.toml");
    let settings = "listen = \"127.0.0.1:0\"\nindex = \"index\"\nmetrics_listen = \"127.0.0.1:0\"\nlog_format = \"json\"\n\
                    access_log = true\nslow = 0.000001\nanswer_cache_mb = 0\n";
    fs::write(&config, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
    let checked = command
        .args(["config", "check", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let service = Operated::start_saying(&index, &["--config", config.to_str().unwrap()], &["\"metrics\""]);
    let json = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
    let numbers = json(&service.said[0])["address"].as_str().unwrap().to_owned();
    assert!(ask(&service.options()).unwrap() > 0);
    let slow = json(&service.line("a slow question"));
    assert_eq!(slow["characters"], 8, "{slow}");
    assert!(slow["lexical_ms"].is_number() && slow["ms"].is_number(), "{slow}");
    assert!(slow["question"].is_null(), "{slow}");
    let access = json(&service.line("\"access\""));
    assert_eq!(access["method"], "baowen.v1.SearchService/Search");
    assert_eq!(access["code"], "OK");
    assert_eq!(access["span"]["id"], slow["span"]["id"]);

    let text = get(&numbers, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(
        text.contains("baowen_ready 1\n") && text.contains("baowen_answer_cache_misses_total 1\n"),
        "{text}"
    );
    assert!(get(&numbers, "/other").starts_with("HTTP/1.1 404"));
    // A page of another name must not read them.
    let mut stream = TcpStream::connect(&numbers).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: evil.example\r\n\r\n").unwrap();
    let mut refused = String::new();
    stream.read_to_string(&mut refused).unwrap();
    assert!(
        refused.contains(" 403 ") && refused.contains("--hosts evil.example") && !refused.contains("baowen_ready"),
        "{refused}"
    );
}

#[test]
fn programs_can_read_all_that_a_service_says() {
    let folder = tempfile::tempdir().unwrap();
    let json = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")) };
    let options = ["--listen", "127.0.0.1:0", "--log-format", "json"];
    let errors = |more: &[&str]| -> Vec<serde_json::Value> {
        let output = command(&folder.path().join("missing"), &[&options[..], more].concat())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let lines = said.lines().map(json);
        lines.filter(|line| line["level"] == "ERROR").collect()
    };
    let check = |more: &[&str], wanted: &str| {
        let errors = errors(more);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0]["error"].as_str().unwrap().contains(wanted), "{errors:?}");
    };
    check(&[], "missing");
    check(&["--threads", "many"], "threads");
    // A new index without a model.
    let service = Operated::begin(&folder.path().join("new"), &[&options[..], &["--write"]].concat());
    let words = json(&service.line("by words alone"));
    assert_eq!(words["level"], "WARN");
}

/// What is answered at this address of a service over HTTP to this token: status and body.
fn get_as(address: &str, path: &str, token: &str) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    // Of HTTP/1.0 an answer ends with its connection.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn the_operator_sees_what_nothing_answers_and_its_text_only_where_it_is_kept() {
    let (folder, index) = sample();
    let [searcher, admin] =
        [("asks", "search"), ("runs", "admin")].map(|(name, rights)| NewToken::make(name, rights, None).unwrap());
    let file = folder.path().join("tokens");
    fs::write(&file, format!("{}\n{}\n", searcher.line, admin.line)).unwrap();
    let nonsense = "犟驴啃薯";
    let path: String = nonsense.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/v1/search?mode=MODE_LEXICAL&q={path}");
    let check = |arguments: &[&str], [asks, looks]: [&str; 2], text: Option<&str>| {
        let listen = ["--listen", "127.0.0.1:0"];
        let service = Operated::start(&index, &[&listen, arguments].concat());
        for _ in 0..3 {
            let (status, answer) = get_as(&service.address, &path, asks);
            assert_eq!((status, answer["hits"].as_array().unwrap().len()), (200, 0), "{answer}");
        }
        let (status, kept) = get_as(&service.address, "/v1/questions", looks);
        assert_eq!(status, 200, "{kept}");
        let unanswered = kept["unanswered"].as_array().unwrap();
        assert_eq!(unanswered.len(), 1, "{kept}");
        let question = &unanswered[0];
        assert_eq!(
            (&question["characters"], &question["times"]),
            (&4.into(), &3.into()),
            "{kept}"
        );
        assert_eq!(question.get("text").and_then(|text| text.as_str()), text, "{kept}");
        assert_eq!(
            kept["slowest"].as_array().unwrap().len(),
            1,
            "the other answers were kept"
        );
        get_as(&service.address, "/v1/questions", asks)
    };
    let tokens = ["--tokens", file.to_str().unwrap()];
    let (status, refused) = check(&tokens, [&searcher.token, &admin.token], None);
    assert_eq!(
        (status, &refused["code"]),
        (403, &"PERMISSION_DENIED".into()),
        "{refused}"
    );
    // Without tokens, for this machine: others are refused, which src/service/access/guard.rs tests.
    check(&["--log-questions"], [""; 2], Some(nonsense));
}

/// The largest file of passages, with another byte in its middle.
fn damage(index: &Path) -> PathBuf {
    let files = walkdir::WalkDir::new(index).into_iter().flatten();
    let stores = files.filter(|file| file.path().extension().is_some_and(|it| it == "store"));
    let store = stores
        .max_by_key(|file| file.metadata().unwrap().len())
        .unwrap()
        .into_path();
    let mut bytes = fs::read(&store).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&store, bytes).unwrap();
    store
}

/// Adds a text of which opening does not read all parts: random characters, which hardly become shorter when they are
/// packed.
fn long_text(folder: &Path, index: &Path) {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap()
    };
    let sentences = (0..3_000).map(|_| (0..20).map(|_| random()).chain(['。', '\n']).collect::<String>());
    let text = folder.join("long.txt");
    fs::write(&text, sentences.collect::<String>()).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .arg("index")
        .args([&text, Path::new("--index"), index])
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn every_byte_is_checked_before_the_first_answer_or_behind_it() {
    let (folder, index) = sample();
    long_text(folder.path(), &index);
    for verify in ["on-open", "background"] {
        let service = Operated::start(&index, &["--listen", "127.0.0.1:0", "--verify", verify]);
        assert!(ask(&service.options()).unwrap() > 0, "{verify}");
        if verify == "background" {
            service.line_in_any_order("every byte of the index is what was written");
        }
    }
    let store = damage(&index);
    let name = store.file_name().unwrap().to_str().unwrap();
    let ended = command(&index, &["--listen", "127.0.0.1:0", "--verify", "on-open"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains(name), "{said}");
    let service = Operated::start(&index, &["--listen", "127.0.0.1:0", "--verify", "background"]);
    let why = service.line_in_any_order("no longer serving");
    assert!(why.contains(name), "{why}");
    // It listens, so it is open: what is said from now on is said of the damaged index.
    assert!(get(&service.address, "/metrics").contains("baowen_ready 0\n"));
    until(|| get(&service.address, "/readyz").ends_with("\r\n\r\nNOT_SERVING\n"));
    let (fault, refused) = ask(&service.options()).unwrap_err();
    assert!(
        fault == Fault::Unavailable && refused.contains("damaged") && !refused.contains(name),
        "{refused}"
    );
    // What is whole and takes its place is checked and answers.
    let status = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .arg("index")
        .args([&folder.path().join("long.txt"), &root().join("index/sample")])
        .args([Path::new("--rebuild"), Path::new("--index"), &index])
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", folder.path().join("cache"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    service.line_in_any_order("every byte of the index is what was written");
    until(|| get(&service.address, "/readyz").ends_with("\r\n\r\nSERVING\n"));
    assert!(ask(&service.options()).unwrap() > 0);
}

/// What a body of JSON is answered at this address: status and text.
fn post(address: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    // Of HTTP/1.0 an answer ends with its connection.
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

#[test]
fn every_commit_of_a_service_that_writes_is_counted() {
    let (_folder, index) = sample();
    let service = Operated::start(&index, &["--listen", "127.0.0.1:0", "--write"]);
    let counted = || -> usize {
        let text = get(&service.address, "/metrics");
        let mut numbers = text
            .lines()
            .filter_map(|line| line.strip_prefix("baowen_index_commits_total "));
        numbers.next().unwrap().parse().unwrap()
    };
    assert_eq!(counted(), 1, "the one that was opened");
    for (commits, text) in [(2, "医保"), (3, "社保")] {
        let body = format!(r#"{{"source":{{"name":"given"}},"articles":[{{"id":"a","title":"a","text":"{text}"}}]}}"#);
        let (status, answer) = post(&service.address, "/v1/articles:upsert", &body);
        assert_eq!(status, 200, "{answer}");
        until(|| counted() >= commits);
    }
}

#[test]
fn settings_are_read_again_as_far_as_a_running_service_follows_them() {
    let (folder, index) = sample();
    let config = folder.path().join("baowen.toml");
    let base = "listen = \"127.0.0.1:0\"\nindex = \"index\"\n";
    fs::write(&config, base).unwrap();
    let service = Operated::start(&index, &["--config", config.to_str().unwrap()]);
    let batch = || {
        let body = r#"{"requests":[{"query":"医保"},{"query":"社保"}]}"#;
        let (status, said) = post(&service.address, "/v1/search:batch", body);
        (status, said.contains("must have 1 to 1"))
    };
    assert_eq!(batch(), (200, false));
    let other = format!("{base}max_batch = 1\nqueue = 7\naccess_log = true\n");
    fs::write(&config, other).unwrap();
    service.signal("-HUP");
    let said = service.line("other settings from now on");
    assert!(
        said.contains("max_batch") && said.contains("access_log") && !said.contains("queue"),
        "{said}"
    );
    let said = service.line("need a restart");
    assert!(said.contains("queue") && !said.contains("max_batch"), "{said}");
    assert_eq!(batch(), (400, true));
    service.line("/v1/search:batch");
    fs::write(&config, format!("{base}max_batch = 0\n")).unwrap();
    service.signal("-HUP");
    let said = service.line("could not be read again");
    assert!(said.contains("settings"), "{said}");
    assert_eq!(batch(), (400, true), "what was read before goes on counting");
}

#[test]
fn a_service_that_others_reach_wants_tls_or_a_word() {
    let (_folder, index) = sample();
    let ended = command(&index, &["--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        said.contains("--tls-cert") && said.contains("BAOWEN_INSECURE"),
        "{said}"
    );
    let service = Operated::start(&index, &["--listen", "0.0.0.0:0", "--insecure"]);
    let port = service.address.rsplit(':').next().unwrap();
    assert!(ask(&ConnectOptions::from(&format!("127.0.0.1:{port}"))).unwrap() > 0);
}

#[test]
fn a_check_finds_what_a_service_would_end_with() {
    let (folder, index) = sample();
    let check = |arguments: &[&str], expected: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
        let checked = command.args(["config", "check"]).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert_eq!(checked.status.success(), expected.is_empty(), "{arguments:?}: {said}");
        for part in expected {
            assert!(said.contains(part), "`{part}` in {said}");
        }
    };
    let index = index.to_str().unwrap();
    let nowhere = folder.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    check(&["--index", index], &[]);
    check(&["--index", nowhere, "--write"], &[]);
    let wrong = [
        "--index",
        nowhere,
        "--listen",
        "0.0.0.0:5000",
        "--cors-origins",
        "x",
        "--profile",
        "noprofile",
        "--reranker",
        "noreranker",
    ];
    // All of it at once.
    check(
        &wrong,
        &["nowhere", "--insecure", "cors_origins: `x`", "noprofile", "noreranker"],
    );
    // Also beside values that are none, of which nothing follows that is said as well.
    let mistaken = folder.path().join("mistaken.toml");
    fs::write(
        &mistaken,
        "queue = -1\nlisten = 50051\ntls_cert = 3\ntls_key = \"nokey\"\nread_only = true\nwrite = true\ntokens = \"notokens\"\n",
    )
    .unwrap();
    check(
        &["--config", mistaken.to_str().unwrap(), "--index", index],
        &[
            "5 mistakes in the settings",
            "queue: `-1`",
            "listen: `50051`",
            "tls_cert: `3`",
            "leave one of read_only and write",
            "notokens",
        ],
    );
    check(
        &["--index", index, "--listen", "nobody.invalid:1"],
        &["nobody.invalid:1"],
    );
    check(&["--index", index, "--snapshots", index], &["snapshots"]);
    let same = ["--listen", "127.0.0.1:5000", "--metrics-listen", "127.0.0.1:5000"];
    check(
        &[&["--index", index][..], &same].concat(),
        &["metrics_listen: `127.0.0.1:5000`"],
    );
}

/// What stands in quotation marks last in each call of a macro that writes to the log.
fn logged(code: &str) -> Vec<&str> {
    let mut said = Vec::new();
    for macro_name in ["tracing::info!(", "tracing::warn!(", "tracing::error!("] {
        for call in code.split(macro_name).skip(1) {
            said.extend(within(call).rsplit('"').nth(1));
        }
    }
    said
}

/// What stands before the parenthesis that closes one which was opened before.
fn within(code: &str) -> &str {
    let (mut depth, mut is_quoted) = (1, false);
    for (at, character) in code.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &code[..at];
        }
    }
    code
}

#[test]
fn every_line_of_the_log_has_its_meaning_in_the_document() {
    let document = fs::read_to_string(root().join("docs/OPERATING.md")).unwrap();
    let section = document.split("\n## The log\n").nth(1).expect("a section on the log");
    let section = section.split("\n## ").next().unwrap();
    let mut folders = vec![root().join("src")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Some("rs") = path.extension().and_then(|extension| extension.to_str()) else {
                continue;
            };
            let code = fs::read_to_string(&path).unwrap();
            for line in logged(&code) {
                // Between what is filled in.
                let fixed = line
                    .split(['{', '}'])
                    .step_by(2)
                    .map(|part| part.trim_matches([' ', ':']));
                for part in fixed.filter(|part| !part.is_empty()) {
                    assert!(section.contains(part), "{}: {line}", path.display());
                    count += 1;
                }
            }
        }
    }
    assert!(count > 20, "{count} lines are not all that there are");
}
