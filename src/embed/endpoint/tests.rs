//! Endpoints against a server on this machine that answers right, slowly, wrongly or not at all.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::breaker::Clock;
use super::embedder::EndpointEmbedder;
use super::key::Key;
use super::reranker::EndpointReranker;
use super::settings::{KeyPlace, Kind, Settings};
use crate::compute::Budget;
use crate::embed::{CachedEmbedder, Embedder, QUESTIONS, Reranker as _, VectorCache};
use crate::error::Fault;
use crate::local_server::{Reply, Request, Server};

/// A time that stands still but when it is told to pass.
pub struct TestClock {
    begin: Instant,
    passed: Mutex<Duration>,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(TestClock {
            begin: Instant::now(),
            passed: Mutex::default(),
        })
    }

    pub fn passed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.begin + self.passed()
    }

    fn sleep(&self, time: Duration) {
        *self.passed.lock().unwrap() += time;
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn settings(kind: Kind, url: String) -> Settings {
    Settings {
        kind,
        url,
        model: "some-model".into(),
        dimension: 2,
        max_tokens: 100,
        batch: 2,
        timeout: 60 * SECOND,
        question_timeout: 60 * MINUTE,
        retries: 3,
        query_prefix: String::new(),
        passage_prefix: String::new(),
        key: KeyPlace::None,
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// A vector that tells texts apart.
fn vector(text: &str) -> [f32; 2] {
    [text.chars().count() as f32, 1.0]
}

/// What a server of either kind answers that is well; the last one first.
fn embeddings(request: &Request) -> Reply {
    let body = body(request);
    let texts = |name: &str| {
        let texts = body[name].as_array().unwrap().iter();
        texts.map(|text| vector(text.as_str().unwrap())).collect::<Vec<_>>()
    };
    if body.get("inputs").is_some() {
        return Reply::json(json!(texts("inputs")));
    }
    let data: Vec<Value> = texts("input")
        .iter()
        .enumerate()
        .rev()
        .map(|(index, v)| json!({ "index": index, "embedding": v }))
        .collect();
    Reply::json(json!({ "object": "list", "data": data }))
}

fn cosine(one: &[f32], other: [f32; 2]) -> f32 {
    (one[0] * other[0] + one[1] * other[1]) / other[0].hypot(other[1])
}

#[test]
fn texts_go_in_batches_with_their_prefix_and_vectors_come_in_order() {
    for kind in [Kind::OpenAi, Kind::Tei] {
        let server = Server::new(|_, request| embeddings(request));
        let settings = Settings {
            query_prefix: "问：".into(),
            passage_prefix: "文".into(),
            ..settings(kind, server.url("/v1/embeddings"))
        };
        let key = Some(Key::new("sk-secret").unwrap());
        let embedder = EndpointEmbedder::new(settings, key, TestClock::new());
        let long = "长".repeat(500);
        let texts = ["医保", "", "报销比例", &long, "社"];
        for threads in [1, 3] {
            let vectors = embedder
                .embed_passages(&texts, Budget::single().with_threads(threads))
                .unwrap();
            for (text, vector) in texts.iter().zip(&vectors) {
                // What the model does not read is not sent: 100 tokens less marks and the longer prefix.
                let read = 1 + text.chars().count().min(96);
                assert!(
                    (cosine(vector, [read as f32, 1.0]) - 1.0).abs() < 1e-5,
                    "{text}: {vector:?}"
                );
            }
        }
        let question = embedder.embed_query("医保", Budget::single()).unwrap();
        assert!((cosine(&question, vector("问：医保")) - 1.0).abs() < 1e-5);
        let requests = server.requests();
        assert_eq!(requests.len(), 3 + 3 + 1);
        let first = &requests[0];
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/v1/embeddings"));
        assert!(
            requests
                .iter()
                .all(|r| r.header("authorization") == Some("Bearer sk-secret"))
        );
        match kind {
            Kind::Tei => assert_eq!(
                body(first),
                json!({ "inputs": ["文医保", "文"], "normalize": true, "truncate": true })
            ),
            _ => assert_eq!(
                body(first),
                json!({ "model": "some-model", "input": ["文医保", "文"], "encoding_format": "float" })
            ),
        }
    }
}

#[test]
fn identity_and_tokens_are_known_without_asking() {
    let server = Server::new(|_, request| embeddings(request));
    let plain = settings(Kind::Tei, server.url("/embed"));
    let prefixed = Settings {
        query_prefix: "问".into(),
        ..plain.clone()
    };
    let moved = Settings {
        url: "http://elsewhere/embed".into(),
        ..plain.clone()
    };
    let of = |settings: &Settings| EndpointEmbedder::new(settings.clone(), None, TestClock::new());
    assert_eq!(of(&plain).identity(), "endpoint some-model 2");
    assert_eq!(of(&moved).identity(), of(&plain).identity());
    assert!(of(&prefixed).identity().starts_with("endpoint some-model 2 prefixes "));
    assert_eq!((of(&plain).max_tokens(), of(&prefixed).max_tokens()), (98, 97));
    assert_eq!(of(&plain).dimension(), 2);
    assert!(of(&plain).embed_passages(&[], Budget::single()).unwrap().is_empty());
    assert!(server.requests().is_empty());
}

#[test]
fn an_endpoint_that_is_busy_is_asked_again_when_it_said() {
    let clock = TestClock::new();
    let server = Server::new(|place, request| match place {
        0 => Reply::new(429, &[("Retry-After", "7")], b""),
        1 => Reply::new(500, &[], b"oops"),
        2 => embeddings(request).cut(3),
        _ => embeddings(request),
    });
    let embedder = EndpointEmbedder::new(settings(Kind::OpenAi, server.url("/")), None, clock.clone());
    embedder.embed_passages(&["医保"], Budget::single()).unwrap();
    assert_eq!(server.requests().len(), 4);
    // 7 s, which are no try, then the first and the second wait of its own: 0.25 s and 0.5 s.
    assert_eq!(clock.passed(), Duration::from_millis(7_750));
}

#[test]
fn who_has_time_waits_for_a_busy_endpoint_as_often_as_it_asks() {
    let clock = TestClock::new();
    let server = Server::new(|place, request| match place {
        0..20 => Reply::new(429, &[("Retry-After", "1")], b""),
        _ => embeddings(request),
    });
    let embedder = EndpointEmbedder::new(settings(Kind::OpenAi, server.url("/")), None, clock.clone());
    embedder.embed_passages(&["医保"], Budget::single()).unwrap();
    assert_eq!((server.requests().len(), clock.passed()), (21, 20 * SECOND));
    // A question does not; and nobody waits for ever.
    let server = Server::new(|_, _| Reply::new(429, &[("Retry-After", "20")], b""));
    let embedder = EndpointEmbedder::new(settings(Kind::OpenAi, server.url("/")), None, clock.clone());
    let budget = Budget::single().until(Some(clock.now() + 10 * SECOND));
    embedder.embed_query("医保", budget).unwrap_err();
    assert_eq!(server.requests().len(), 1);
    let error = embedder.embed_passages(&["医保"], Budget::single()).unwrap_err();
    assert!(error.message().contains("429"), "{error}");
    assert_eq!(server.requests().len(), 1 + 30 + 4);
}

#[test]
fn tries_are_bounded_and_a_dead_endpoint_is_left_alone() {
    let clock = TestClock::new();
    let server = Server::new(|place, request| {
        if place < 6 {
            Reply::new(503, &[], br#"{"error": {"message": "model is loading"}}"#)
        } else {
            embeddings(request)
        }
    });
    let embedder = EndpointEmbedder::new(settings(Kind::OpenAi, server.url("/")), None, clock.clone());
    let ask = || embedder.embed_query("医保", Budget::single());
    let error = ask().unwrap_err();
    assert_eq!((error.fault(), server.requests().len()), (Fault::Unavailable, 4));
    assert!(
        error.message().contains(&server.url("/")) && error.message().contains("503: model is loading"),
        "{error}"
    );
    // The fifth failure in a row opens it, so it is not tried again.
    let error = ask().unwrap_err();
    assert!(error.message().contains("model is loading"), "{error}");
    assert_eq!(server.requests().len(), 5);
    assert!(ask().unwrap_err().message().contains("left alone"));
    assert_eq!(server.requests().len(), 5);
    // One is let through and fails, and the next one succeeds.
    clock.sleep(5 * SECOND);
    ask().unwrap_err();
    assert_eq!(server.requests().len(), 6);
    clock.sleep(10 * SECOND);
    ask().unwrap();
    ask().unwrap();
}

#[test]
fn no_try_is_made_that_the_deadline_does_not_allow() {
    let clock = TestClock::new();
    let server = Server::new(|_, _| Reply::new(503, &[("Retry-After", "7")], b""));
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/")), None, clock.clone());
    let ask = |seconds: u32| embedder.embed_query("医保", Budget::single().until(Some(clock.now() + seconds * SECOND)));
    let error = ask(0).unwrap_err();
    assert_eq!((error.fault(), server.requests().len()), (Fault::Deadline, 0));
    // What the endpoint said is the reason, not the deadline.
    let error = ask(6).unwrap_err();
    assert_eq!((error.fault(), server.requests().len()), (Fault::Unavailable, 1));
    assert!(error.message().contains("503, and there is no time"), "{error}");
    let error = ask(10).unwrap_err();
    assert_eq!(
        (error.fault(), server.requests().len(), clock.passed()),
        (Fault::Unavailable, 3, 7 * SECOND)
    );
}

#[test]
fn an_endpoint_that_wants_to_be_left_alone_for_long_is_given_up_at_once() {
    let clock = TestClock::new();
    let server = Server::new(|_, _| Reply::new(429, &[("Retry-After", "3600")], b"slow down"));
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/")), None, clock.clone());
    let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
    assert_eq!((error.fault(), server.requests().len()), (Fault::Unavailable, 1));
    assert!(
        error
            .message()
            .contains("429: slow down, and it asks to be left alone for 3600 s"),
        "{error}"
    );
    // A reranker's reason is said too, whatever the deadline.
    let reranker = EndpointReranker::new(settings(Kind::TeiRerank, server.url("/")), None, clock.clone());
    for seconds in [5, 7_200] {
        let budget = Budget::single().until(Some(clock.now() + seconds * SECOND));
        let error = reranker.rerank("问题", &["一"], budget).unwrap_err();
        assert!(error.message().contains("429: slow down"), "{error}");
    }
    assert_eq!(clock.passed(), Duration::ZERO);
}

/// The time of those who wait is real here, and the shorter it is the sooner the test is done.
#[test]
fn silence_that_callers_in_a_hurry_met_counts_in_the_end() {
    let clock = TestClock::new();
    let server = Server::new(|_, _| Reply::silence());
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/")), None, clock.clone());
    let hurried = || {
        let budget = Budget::single().until(Some(clock.now() + SECOND / 8));
        embedder.embed_query("医保", budget).unwrap_err()
    };
    // Five whole ones of half a second each.
    let errors: Vec<_> = (0..20).map(|_| hurried()).collect();
    assert!(errors.iter().all(|error| !error.message().contains("left alone")));
    assert!(hurried().message().contains("left alone"));
}

#[test]
fn more_questions_than_may_wait_go_without_and_articles_do_not() {
    let (arrived, arrivals) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (arrived, released) = (Mutex::new(arrived), Mutex::new(released));
    let server = Server::new(move |_, request| {
        if body(request)["inputs"][0] == "问题" {
            arrived.lock().unwrap().send(()).unwrap();
            // Until the sender is gone.
            let _ = released.lock().unwrap().recv();
        }
        embeddings(request)
    });
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/")), None, TestClock::new());
    let ask = || embedder.embed_query("问题", Budget::single());
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..QUESTIONS).map(|_| scope.spawn(ask)).collect();
        (0..QUESTIONS).for_each(|_| arrivals.recv().unwrap());
        let error = ask().unwrap_err();
        assert_eq!(error.fault(), Fault::Exhausted);
        assert!(error.message().contains("32 questions wait for it already"), "{error}");
        embedder.embed_passages(&["文"], Budget::single()).unwrap();
        drop(release);
        waiting.into_iter().for_each(|one| drop(one.join().unwrap().unwrap()));
    });
    ask().unwrap();
}

#[test]
fn silence_ends_at_the_timeout() {
    let server = Server::new(|_, _| Reply::silence());
    let short = Settings {
        timeout: Duration::from_millis(50),
        retries: 1,
        ..settings(Kind::Tei, server.url("/embed?key=secret"))
    };
    let embedder = EndpointEmbedder::new(short, None, TestClock::new());
    let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
    assert!(
        error.fault() == Fault::Unavailable && error.message().contains("in time"),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn what_the_endpoint_refuses_is_said_and_the_key_is_not() {
    let check = |status: u16, fault: Fault, expected: &str| {
        let server = Server::new(move |_, request| {
            let given = request.header("authorization").unwrap().to_string();
            Reply::new(
                status,
                &[],
                json!({ "detail": format!("no: {given}") }).to_string().as_bytes(),
            )
        });
        let key = Some(Key::new("sk-secret").unwrap());
        let embedder = EndpointEmbedder::new(settings(Kind::OpenAi, server.url("/")), key, TestClock::new());
        let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
        assert_eq!(error.fault(), fault);
        assert_eq!(server.requests().len(), 1, "it is not tried again");
        let shown = format!("{error} {error:?} {embedder:?}");
        assert!(
            shown.contains(&format!("{status}: no: Bearer ***")) && shown.contains(expected),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
    };
    check(400, Fault::Caller, "");
    check(401, Fault::Unavailable, "check the key");
    check(404, Fault::Unavailable, "check the address");
    check(422, Fault::Caller, "");
}

/// Texts are not sent to where nobody set them to go.
#[test]
fn redirects_are_not_followed() {
    let target = Server::new(|_, request| embeddings(request));
    let to = target.url("/");
    let server = Server::new(move |_, _| Reply::new(307, &[("Location", &to)], b""));
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/")), None, TestClock::new());
    let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
    assert!(error.to_string().contains("moved"), "{error}");
    assert!(target.requests().is_empty());
}

#[test]
fn a_wrong_answer_is_an_error_and_not_a_vector() {
    let check = |answer: &'static str, expected: &str| {
        let server = Server::new(move |_, _| Reply::json(answer));
        let embedder = EndpointEmbedder::new(settings(Kind::Tei, server.url("/embed")), None, TestClock::new());
        let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
        assert!(
            error.message().contains(&server.url("/embed")) && error.message().contains(expected),
            "{error}"
        );
    };
    check("[[1, 2, 3]]", "has 3 numbers where the settings say 2");
    check("[[1, NaN]]", "number 1 of vector 0 is NaN");
    check("[]", "1 texts were sent and 0 vectors");
    // What came may be long, and may hold the key.
    let echo = Server::new(|_, request| {
        let key = request.header("authorization").unwrap();
        Reply::json(format!("\"{key} {}\"", "很长".repeat(2_000)))
    });
    let key = Some(Key::new("sk-secret").unwrap());
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, echo.url("/")), key, TestClock::new());
    let error = embedder.embed_query("医保", Budget::single()).unwrap_err();
    assert!(
        error.message().contains("not what was asked for") && error.message().chars().count() < 400,
        "{error}"
    );
    assert!(!error.message().contains("secret"), "{error}");
    let huge = Server::new(|_, _| Reply::json(" ".repeat(100_000)));
    let embedder = EndpointEmbedder::new(settings(Kind::Tei, huge.url("/")), None, TestClock::new());
    assert!(
        embedder
            .embed_query("医保", Budget::single())
            .unwrap_err()
            .message()
            .contains("longer than")
    );
}

#[test]
fn vectors_are_cached_as_those_of_any_model() {
    let server = Server::new(|_, request| embeddings(request));
    let folder = tempfile::tempdir().unwrap();
    let embedder = Arc::new(EndpointEmbedder::new(
        settings(Kind::Tei, server.url("/")),
        None,
        TestClock::new(),
    ));
    let cache = VectorCache::open(&folder.path().join("v.bin"), 2).unwrap();
    let cached = CachedEmbedder::new(embedder, cache).unwrap();
    let first = cached.embed_passages(&["医保", "社保卡"], Budget::single()).unwrap();
    assert_eq!(
        cached.embed_passages(&["社保卡", "医保"], Budget::single()).unwrap(),
        [first[1].clone(), first[0].clone()]
    );
    assert_eq!(server.requests().len(), 1);
}

/// Relevance by length, the longest passage first.
fn ranked(request: &Request) -> Reply {
    let body = body(request);
    let (name, score) = match body.get("texts") {
        Some(_) => ("texts", "score"),
        None => ("documents", "relevance_score"),
    };
    let lengths = body[name]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().chars().count());
    let mut ranks: Vec<(usize, usize)> = lengths.enumerate().collect();
    ranks.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    let ranks: Vec<Value> = ranks
        .iter()
        .map(|(index, length)| json!({ "index": index, score: length }))
        .collect();
    Reply::json(match name {
        "texts" => json!(ranks),
        _ => json!({ "results": ranks }),
    })
}

#[test]
fn passages_are_scored_in_batches_and_in_order() {
    for kind in [Kind::TeiRerank, Kind::JinaRerank, Kind::CohereRerank] {
        let server = Server::new(|_, request| ranked(request));
        let reranker = EndpointReranker::new(settings(kind, server.url("/rerank")), None, TestClock::new());
        let long = "长".repeat(500);
        let passages = ["一二三", "一", &long, "一二", "一二三四"];
        // 100 tokens less marks and the question's are left for a passage.
        assert_eq!(
            reranker.rerank("问题", &passages, Budget::single()).unwrap(),
            [3.0, 1.0, 94.0, 2.0, 4.0]
        );
        assert_eq!(server.requests().len(), 3);
        assert_eq!(reranker.identity(), format!("endpoint {} some-model", kind.name()));
        assert!(reranker.rerank("问题", &[], Budget::single()).unwrap().is_empty());
        let first = body(&server.requests()[0]);
        assert_eq!(first["query"], "问题");
        match kind {
            Kind::TeiRerank => assert_eq!(first["truncate"], true),
            _ => assert_eq!((&first["model"], &first["top_n"]), (&json!("some-model"), &json!(2))),
        }
    }
}

#[test]
fn what_was_scored_before_the_deadline_is_kept() {
    let clock = TestClock::new();
    let passing = Arc::clone(&clock);
    let server = Server::new(move |_, request| {
        passing.sleep(2 * MINUTE);
        ranked(request)
    });
    let reranker = EndpointReranker::new(settings(Kind::TeiRerank, server.url("/")), None, clock.clone());
    let passages = ["一二三", "一", "二", "一二", "一二三四"];
    let ask = |minutes: u32| {
        let budget = Budget::single().until(Some(clock.now() + minutes * MINUTE));
        reranker.rerank("问题", &passages, budget).unwrap()
    };
    assert_eq!(ask(60), [3.0, 1.0, 1.0, 2.0, 4.0]);
    assert_eq!(ask(3), [3.0, 1.0, 1.0, 2.0]);
    assert_eq!(ask(2), [3.0, 1.0]);
    assert!(ask(0).is_empty());
    let dead = EndpointReranker::new(
        settings(Kind::TeiRerank, "http://nowhere.invalid/".into()),
        None,
        TestClock::new(),
    );
    assert_eq!(
        dead.rerank("问题", &passages, Budget::single()).unwrap_err().fault(),
        Fault::Unavailable
    );
}

#[test]
fn a_folder_with_settings_is_a_model() {
    let server = Server::new(|_, request| match request.header("authorization") {
        Some("Bearer sk-secret") => embeddings(request),
        _ => Reply::new(401, &[], b""),
    });
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    let open = |folder: &Path| super::open(folder).map(|_| ()).unwrap_err();
    assert_eq!(open(home.path()).fault(), Fault::Missing);
    let url = server.url("/embed");
    write(
        super::FILE,
        &format!("kind = \"tei\"\nurl = \"{url}\"\nmodel = \"m\"\ndimension = 2\nkey_file = \"key\"\n"),
    );
    assert_eq!(open(home.path()).fault(), Fault::Unavailable);
    write("key", "sk-secret\n");
    super::open(home.path())
        .unwrap()
        .embed_query("医保", Budget::single())
        .unwrap();
    assert!(
        super::open_reranker(home.path())
            .map(|_| ())
            .unwrap_err()
            .message()
            .contains("not a reranker")
    );
    write(
        super::FILE,
        "kind = \"cohere-rerank\"\nurl = \"http://h/v2/rerank\"\nmodel = \"m\"\n",
    );
    super::open_reranker(home.path()).unwrap();
    assert!(open(home.path()).message().contains("not an embedding model"));
}
