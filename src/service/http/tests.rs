//! The addresses over a real socket, with the core that does what the question says.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::service::access::{Access, Hosts, NewToken, Tokens};
use crate::service::pool::SearchPool;
use crate::service::server::Surroundings;
use crate::service::tests::{Running, fake, serve, serve_around, settings, started};
use crate::service::{ReadyCell, wire};
use std::sync::Arc;

/// A response as it came.
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|cause| panic!("{cause}: {}", self.body))
    }
}

impl Running {
    /// Asks by HTTP/1.0, whose answers end with the connection.
    async fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Got {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.0\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.send(&request).await
    }

    async fn send(&self, request: &str) -> Got {
        let mut socket = TcpStream::connect(self.addr).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        socket.read_to_end(&mut read).await.unwrap();
        let text = String::from_utf8(read).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Got {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// Says that a body of this length comes, and sends none.
    async fn declare(&self, path: &str, length: usize) -> Got {
        let head = format!("POST {path} HTTP/1.0\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        self.send(&head).await
    }

    async fn get(&self, path: &str) -> Got {
        self.http("GET", path, "", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Got {
        let headers = "content-type: application/json\r\n";
        self.http("POST", path, headers, &body.to_string()).await
    }
}

/// What both sides say, but for how long it took.
fn timeless(mut answer: wire::SearchResponse) -> wire::SearchResponse {
    answer.timings = None;
    answer
}

#[tokio::test]
async fn json_says_what_grpc_says() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let request = wire::SearchRequest {
        query: "医保断缴".into(),
        ..Default::default()
    };
    let expected = running.raw().await.search(request).await.unwrap().into_inner();
    for got in [
        running.get("/v1/search?q=%E5%8C%BB%E4%BF%9D%E6%96%AD%E7%BC%B4").await,
        running.post("/v1/search", &json!({"query": "医保断缴"})).await,
        // As curl sends it that is told nothing.
        running.http("POST", "/v1/search", "", r#"{"query": "医保断缴"}"#).await,
        // As some programs begin whatever they write.
        running
            .http("POST", "/v1/search", "", "\u{feff}{\"query\": \"医保断缴\"}")
            .await,
    ] {
        assert_eq!(got.status, 200, "{}", got.body);
        assert!(got.head.contains("content-type: application/json"), "{}", got.head);
        let read: wire::SearchResponse = serde_json::from_str(&got.body).unwrap();
        assert_eq!(timeless(read), timeless(expected.clone()));
        let json = got.json();
        assert_eq!(json["hits"][0]["article_id"], "yibao-1");
        assert_eq!(json["hits"][0]["applies"]["place"], "FIT_WIDER");
        assert_eq!(json["candidates"], "100");
    }
}

#[tokio::test]
async fn errors_say_code_field_and_help() {
    let (fake, _strings) = fake();
    let running = serve(fake.clone(), settings()).await;
    let check = async |got: Got, status: u16, code: &str, field: &str| {
        assert_eq!(got.status, status, "{}", got.body);
        let json = got.json();
        assert_eq!((&json["code"], &json["field"]), (&json!(code), &json!(field)), "{json}");
        assert!(json["message"].is_string() && json["help"].is_string(), "{json}");
    };
    let invalid = "INVALID_ARGUMENT";
    check(running.get("/v1/search?q=").await, 400, invalid, "query").await;
    check(running.get("/v1/search?q=a&topk=3").await, 400, invalid, "topk").await;
    check(running.get("/v1/search?q=a&top_k=0").await, 400, invalid, "top_k").await;
    check(
        running.get("/v1/search?q=a&timeout=soon").await,
        400,
        invalid,
        "timeout",
    )
    .await;
    check(running.get("/v1/search?q=a&timeout=-1").await, 400, invalid, "timeout").await;
    check(
        running.get("/v1/search?q=a&timeout=1e99").await,
        400,
        invalid,
        "timeout",
    )
    .await;
    check(
        running
            .post("/v1/search", &json!({"query": "a", "filter": {"yers": []}}))
            .await,
        400,
        invalid,
        "filter.yers",
    )
    .await;
    check(
        running
            .post("/v1/search", &json!({"query": "a", "filter": {"years": [70000]}}))
            .await,
        400,
        invalid,
        "filter.years",
    )
    .await;
    check(running.post("/v1/search?q=a", &json!({})).await, 400, invalid, "q").await;
    check(running.http("POST", "/v1/search", "", "{").await, 400, invalid, "").await;
    check(running.http("POST", "/v1/search", "", "").await, 400, invalid, "query").await;
    let wrong = running.get("/v1/search?q=a&mode=hybrid").await;
    assert!(
        wrong.body.contains("is none of MODE_UNSPECIFIED, MODE_"),
        "{}",
        wrong.body
    );
    check(wrong, 400, invalid, "mode").await;
    check(
        running
            .http("POST", "/v1/search", "timeout: 0.0\r\n", r#"{"query":"a"}"#)
            .await,
        504,
        "DEADLINE_EXCEEDED",
        "",
    )
    .await;
    check(running.get("/v2/search?q=a").await, 404, "NOT_FOUND", "").await;
    check(running.http("DELETE", "/v1/search", "", "").await, 405, invalid, "").await;
    check(running.get("/v1/articles/a%2Fb").await, 503, "UNAVAILABLE", "").await;
    // Refused by what it says of its length, before anything of it is read.
    check(
        running.declare("/v1/search", 5 << 20).await,
        413,
        "RESOURCE_EXHAUSTED",
        "",
    )
    .await;
    let started = fake.started.load(Ordering::SeqCst);
    assert_eq!(started, 0, "none of it came to the core");
    let (codes, faults) = ([400, 404, 400, 429, 504, 503, 500, 500], 0..8);
    for (status, fault) in codes.into_iter().zip(faults) {
        let got = running.get(&format!("/v1/search?q=fault+{fault}")).await;
        assert_eq!((got.status, got.json()["help"].as_str()), (status, Some("what helps")));
    }
}

#[tokio::test]
async fn writing_calls_must_say_that_they_are_json() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    for path in [
        "articles:upsert",
        "articles:delete",
        "articles:import?source=a",
        "commit",
        "snapshot",
    ] {
        for content in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
        ] {
            let got = running
                .http(
                    "POST",
                    &format!("/v1/{path}"),
                    &format!("content-type: {content}\r\n"),
                    "{}",
                )
                .await;
            assert_eq!(
                (got.status, got.json()["field"].as_str()),
                (400, Some("content-type")),
                "{path} {content}"
            );
        }
    }
    // The index is not open here, which is found out after that.
    let got = running.post("/v1/commit", &json!({})).await;
    assert_eq!((got.status, got.json()["code"].as_str()), (503, Some("UNAVAILABLE")));
}

#[tokio::test]
async fn a_batch_comes_as_events() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let batch = json!({"requests": [{"query": "医保"}, {"query": ""}, {"query": "养老\n金"}]});
    let got = running.post("/v1/search:batch", &batch).await;
    assert!(got.head.contains("content-type: text/event-stream"), "{}", got.head);
    let events: Vec<Vec<&str>> = got
        .body
        .trim()
        .split("\n\n")
        .map(|event| event.lines().collect())
        .collect();
    assert_eq!(events.len(), 4, "{}", got.body);
    for (number, event) in events[..3].iter().enumerate() {
        assert_eq!(event[0], format!("id: {number}"));
        let item: wire::BatchSearchResponse = serde_json::from_str(event[1].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(item.index as usize, number);
        use wire::batch_search_response::Outcome;
        match item.outcome.unwrap() {
            Outcome::Response(answer) => assert_eq!(answer.hits.len(), 1),
            Outcome::Error(error) => assert_eq!((number, error.code), (1, 3)),
        }
    }
    assert_eq!(events[3], ["event: end", "data: {}"]);
    let got = running.post("/v1/search:batch", &json!({})).await;
    assert_eq!((got.status, got.json()["field"].as_str()), (400, Some("requests")));
}

#[tokio::test]
async fn limits_and_deadlines_hold_as_for_grpc() {
    let (fake, strings) = fake();
    let settings = crate::service::server::ServiceSettings {
        queue: 0,
        index_calls: 1,
        ..settings()
    };
    let running = Arc::new(serve(fake, settings).await);
    let waiting = tokio::spawn({
        let running = running.clone();
        async move { running.get("/v1/search?q=wait").await }
    });
    let strings = started(strings).await;
    assert_eq!(running.get("/v1/search?q=a").await.status, 429);
    strings.release.send(()).unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    let waiting = tokio::spawn({
        let running = running.clone();
        async move { running.get("/v1/search?q=wait&timeout=2").await }
    });
    let strings = started(strings).await;
    assert_eq!(waiting.await.unwrap().status, 504);
    strings.release.send(()).unwrap();
}

/// A page whose name was led to this machine says that name; it is answered nothing, whatever it asks.
#[tokio::test]
async fn a_name_that_is_not_the_services_is_answered_nothing() {
    let token = NewToken::make("shop", "search", None).unwrap();
    let serve_as = async |hosts: Hosts, tokens: Option<Tokens>| {
        let around = Surroundings {
            access: Arc::new(Access::new(tokens, hosts)),
            ..Surroundings::default()
        };
        let (fake, strings) = fake();
        let pool = Arc::new(SearchPool::new(1, 8));
        (serve_around(pool, fake, settings(), around).await, strings)
    };
    let ask = async |running: &Running, method: &str, path: &str, host: &str, content: &str| {
        let request = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: {content}\r\n\r\n");
        running.send(&request).await
    };
    let (running, _strings) = serve_as(Hosts::parse("baowen.example.org", "box:1").unwrap(), None).await;
    for (method, path) in [
        ("GET", "/v1/search?q=x"),
        ("GET", "/v1/stats"),
        ("GET", "/"),
        ("GET", "/metrics"),
        ("POST", "/v1/articles:upsert"),
        ("POST", "/mcp"),
    ] {
        let got = ask(&running, method, path, "evil.example:50051", "application/json").await;
        assert_eq!(
            (got.status, &got.json()["code"]),
            (403, &json!("PERMISSION_DENIED")),
            "{path}"
        );
        let said = got.json();
        let help = said["help"].as_str().unwrap();
        assert!(said["message"].as_str().unwrap().contains("evil.example") && help.contains("--hosts evil.example"));
    }
    let call = "/baowen.v1.SearchService/Search";
    let web = ask(&running, "POST", call, "evil.example", "application/grpc-web+proto").await;
    assert!(web.head.contains("grpc-status: 7"), "{}", web.head);
    for own in ["127.0.0.1:50051", "[::1]", "localhost", "box:1", "Baowen.Example.org"] {
        let got = ask(&running, "GET", "/v1/search?q=x", own, "text/plain").await;
        assert_eq!(got.status, 200, "{own}");
    }
    // Who has a token is no page of somebody else's.
    let tokens = Tokens::parse(&format!("{}\n", token.line)).unwrap();
    let (running, _strings) = serve_as(Hosts::default(), Some(tokens)).await;
    let bearer = format!("text/plain\r\nauthorization: Bearer {}", token.token);
    let got = ask(&running, "GET", "/v1/search?q=x", "proxy.example", &bearer).await;
    assert_eq!(got.status, 200, "{}", got.body);
}

/// Two bytes of a question become some hundred when it is read.
#[tokio::test]
async fn a_batch_of_far_too_many_questions_is_refused_before_it_is_read() {
    const MANY: usize = 300_000;
    let running = serve(fake().0, settings()).await;
    let got = running
        .post("/v1/search:batch", &json!({"requests": vec![json!({}); MANY]}))
        .await;
    let message = got.json()["message"].as_str().unwrap().to_owned();
    assert!(
        got.status == 400 && message.contains("at most 200000 are read"),
        "{}",
        got.body
    );
    let requests = vec![wire::SearchRequest::default(); MANY];
    let batch = wire::BatchSearchRequest { requests };
    let refused = running.raw().await.batch_search(batch).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("at most 200000 are read"), "{refused}");
}

/// What is neither gRPC over HTTP/2 nor gRPC-Web is told so in a form that its sender can read.
#[tokio::test]
async fn grpc_over_http_1_is_refused_as_json() {
    let running = serve(fake().0, settings()).await;
    for content in ["application/grpc", "application/grpc-web+json", "application/json"] {
        let headers = format!("content-type: {content}\r\n");
        let got = running
            .http("POST", "/baowen.v1.SearchService/Search", &headers, "")
            .await;
        assert_eq!(
            (got.status, &got.json()["field"]),
            (400, &json!("content-type")),
            "{}",
            got.body
        );
    }
}

/// The library answers in a task of its own, which must not forget whose call it is, nor until when.
#[cfg(feature = "mcp")]
#[tokio::test]
async fn a_call_of_a_tool_keeps_its_caller_and_its_deadline() {
    let [greedy, other] = ["greedy", "other"].map(|name| NewToken::make(name, "search", None).unwrap());
    let tokens = Tokens::parse(&format!("{}\n{}\n", greedy.line, other.line)).unwrap();
    let around = Surroundings {
        access: Arc::new(Access::new(Some(tokens), Hosts::default())),
        ..Surroundings::default()
    };
    let (fake, strings) = fake();
    let pool = Arc::new(SearchPool::new(1, 8));
    let running = Arc::new(serve_around(pool.clone(), fake.clone(), settings(), around).await);
    let call = |token: &NewToken, query: &str, header: &str| {
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: 2025-06-18\r\n{header}",
            token.token
        );
        let params = json!({"name": "search", "arguments": {"query": query}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let running = running.clone();
        async move { running.http("POST", "/mcp", &headers, &body).await }
    };
    let first = tokio::spawn(call(&greedy, "wait", ""));
    let strings = started(strings).await;
    // Nine places, of which one is taken: when it has seven, two are free.
    let mut asked = tokio::task::JoinSet::new();
    (0..20).for_each(|_| drop(asked.spawn(call(&greedy, "医保", ""))));
    for _ in 0..14 {
        let refused = asked.join_next().await.unwrap().unwrap().json();
        let said = refused["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            refused["result"]["isError"] == true && said.contains("of this caller"),
            "{refused}"
        );
    }
    assert_eq!(pool.in_flight(), 7);
    let late = call(&other, "late", "timeout: 0.05\r\n").await;
    assert_eq!(late.status, 504, "{}", late.body);
    strings.release.send(()).unwrap();
    assert_eq!(first.await.unwrap().status, 200);
    while let Some(answered) = asked.join_next().await {
        let answered = answered.unwrap().json();
        assert_eq!(answered["result"]["isError"], false, "{answered}");
    }
    assert_eq!(fake.started.load(Ordering::SeqCst), 7, "the late one never");
}

#[tokio::test]
async fn health_is_asked_by_http_too() {
    let (fake, _strings) = fake();
    let cell = Arc::new(ReadyCell::new());
    let running = serve(cell.clone(), settings()).await;
    assert_eq!(running.get("/healthz").await.status, 200);
    assert_eq!(running.get("/readyz").await.status, 503);
    assert!(cell.set(fake).is_ok());
    while running.get("/readyz").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
