//! The client against a server on this machine.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use super::{Http, Limits, explain};
use crate::local_server::{Reply, Server};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn limits(answer: Duration, whole: Duration) -> Limits {
    Limits {
        connect: LONG,
        answer,
        whole,
    }
}

#[test]
fn any_status_is_an_answer_and_headers_are_read() {
    let server = Server::new(|_, request| {
        let headers = [("Retry-After", "7"), ("X-Method", request.method.as_str())];
        Reply::new(503, &headers, &request.body)
    });
    let http = Http::new(0);
    let answer = http
        .post(
            &server.url("/a"),
            &[("X-Key", "k")],
            "问".as_bytes(),
            limits(LONG, LONG),
        )
        .unwrap();
    assert_eq!((answer.status(), answer.header("x-method")), (503, Some("POST")));
    assert_eq!(answer.retry_after(), Some(Duration::from_secs(7)));
    let mut body = String::new();
    answer.into_body().read_to_string(&mut body).unwrap();
    assert_eq!(body, "问");
    let requests = server.requests();
    assert_eq!(
        (requests[0].path.as_str(), requests[0].header("x-key")),
        ("/a", Some("k"))
    );
}

/// Where the server is silent: before the answer, in the middle of the body.
#[test]
fn silence_ends_at_the_limit() {
    let before = Server::new(|_, _| Reply::silence());
    let inside = Server::new(|_, _| Reply::new(200, &[], b"12345").cut(2).then_silence());
    let http = Http::new(0);
    let trouble = http.get(&before.url("/"), &[], limits(SHORT, LONG)).err().unwrap();
    assert!(trouble.is_passing && trouble.message.contains("in time"), "{trouble:?}");
    let trouble = http.get(&before.url("/"), &[], limits(LONG, SHORT)).err().unwrap();
    assert!(trouble.is_passing && trouble.message.contains("in time"), "{trouble:?}");
    // On a slow machine the time may be over before the body begins.
    let message = match http.get(&inside.url("/"), &[], limits(LONG, Duration::from_millis(500))) {
        Ok(answer) => explain(&answer.into_body().read_to_end(&mut Vec::new()).unwrap_err()),
        Err(trouble) => trouble.message,
    };
    assert_eq!(message, "no answer in time");
}

#[test]
fn trouble_says_whether_it_may_pass() {
    let http = Http::new(0);
    let check = |url: &str, expected: &str, is_passing: bool| {
        let trouble = http.get(url, &[], limits(LONG, LONG)).err().unwrap();
        assert!(
            trouble.message.contains(expected) && trouble.is_passing == is_passing,
            "{url}: {trouble:?}"
        );
    };
    // A port that nobody listens on any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&format!("http://{gone}/"), "refused", true);
    check("http://nowhere.invalid/", "", true);
    check("nowhere", "", false);
}

#[test]
fn redirects_are_followed_only_where_they_may_be_and_no_secret_goes_along() {
    let target = Server::new(|_, _| Reply::new(200, &[], b"there"));
    let to = target.url("/there");
    let server = Server::new(move |_, _| Reply::new(302, &[("Location", &to)], b""));
    let headers = [("Authorization", "Bearer secret"), ("Range", "bytes=2-")];
    let answer = Http::new(0)
        .get(&server.url("/"), &headers, limits(LONG, LONG))
        .unwrap();
    assert_eq!(answer.status(), 302);
    assert!(target.requests().is_empty());
    let answer = Http::new(3)
        .get(&server.url("/"), &headers, limits(LONG, LONG))
        .unwrap();
    assert_eq!(answer.status(), 200);
    let requests = target.requests();
    assert_eq!(
        (requests[0].header("range"), requests[0].header("authorization")),
        (Some("bytes=2-"), None)
    );
}
