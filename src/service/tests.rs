//! The service over a real socket, with a core that does what the question says.
//!
//! Nothing here waits for a clock where it can wait for an event; the few deadlines are ones that must pass.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::codegen::http;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::client::Client;
use super::server::{ServiceSettings, Surroundings, run_in};
use super::wire::search_service_client::SearchServiceClient;
use super::*;
use crate::error::Fault;
use crate::model::{ArticleKind, Force, Validity};
use crate::search::response::{
    Applies, Explanation, Fit, Hit, Lack, Missing, NearCopy, Provenance, RankPart, Span, TermMatch, Timings,
};

/// An answer with every field set.
pub(super) fn full_answer() -> SearchResponse {
    let part = |rank, score| RankPart {
        rank,
        score,
        normalized: 0.5,
    };
    let micros = Duration::from_micros;
    SearchResponse {
        hits: vec![Hit {
            article_id: "yibao-1".into(),
            passage_id: "yibao-1#0".into(),
            title: "医保断缴怎么办".into(),
            heading: "断缴 > 补缴".into(),
            text: "断缴怎么办？可以补缴。".into(),
            span: Span { start: 10, end: 21 },
            score: 1.25,
            source: Some("宁波医保".into()),
            url: Some("https://example.org/1".into()),
            published: "2025-04-19".parse().ok(),
            kind: ArticleKind::Summary,
            highlights: vec![Span { start: 0, end: 2 }],
            title_highlights: vec![Span { start: 2, end: 4 }],
            best_sentence: Some(Span { start: 6, end: 11 }),
            explanation: Some(Explanation {
                lexical: Some(part(Some(1), 12.5)),
                dense: Some(part(None, 0.875)),
                terms: vec![TermMatch {
                    term: "断缴".into(),
                    score: 6.5,
                    synonym: false,
                }],
                contributions: vec![("lexical".into(), 0.75), ("dense".into(), 0.5)],
                reranker: Some(part(Some(4), 2.5)),
                swap_weight: Some(0.25),
                summary: "词语匹配度最高。".into(),
            }),
            duplicates: vec!["yibao-7#0".into()],
            near_copies: vec![NearCopy {
                passage_id: "yibao-8#0".into(),
                title: "断缴办理".into(),
                difference: "补缴 3个月 / 6个月".into(),
                newer: Some(true),
            }],
            attributes: [("部门".to_owned(), "待遇科".to_owned())].into(),
            regions: vec!["杭州/余杭区".into()],
            years: vec![2024, 2025],
            applies: Applies {
                place: Some(Fit::Wider),
                year: Some(Fit::NotSaid),
                product: Some(Fit::Other),
            },
            validity: Validity {
                effective: "2020-01-01".parse().ok(),
                expired: "2025-01-01".parse().ok(),
                ended: false,
            },
            force: Some(Force::Ended),
        }],
        candidates: 100,
        corrected: Some("医保断缴怎么办".into()),
        degraded: Some("没有模型".into()),
        lacking: vec![Lack::Meaning],
        answerable: Some(0.75),
        missing: Some(Missing {
            places: vec!["上海".into()],
            years: vec![2024],
            nowhere: true,
            sentence: "库中没有上海2024年的内容。".into(),
            products: vec!["泰康K款重大疾病保险".into()],
        }),
        reranked: Some(30),
        timings: Timings {
            analyze: micros(1),
            embed: micros(2),
            lexical: micros(3),
            dense: micros(4),
            fuse: micros(5),
            rerank: micros(7),
            assemble: micros(6),
            total: micros(20),
            cached: false,
        },
        provenance: Provenance {
            commit: 7,
            analysis: "a1".into(),
            model: "e5".into(),
            weights: "learned".into(),
        },
    }
}

/// A core that does what the question says: `wait` until let go, `panic`, `fault N`, `large N`; everything else is
/// answered with the question as the title of one hit.
pub(super) struct Fake {
    ready: AtomicBool,
    pub(super) started: AtomicUsize,
    starts: mpsc::Sender<()>,
    release: Mutex<mpsc::Receiver<()>>,
}

/// What a test holds of the fake: word that a question waits, and the means to let it go.
pub(super) struct Strings {
    starts: mpsc::Receiver<()>,
    pub(super) release: mpsc::Sender<()>,
}

const FAULTS: [Fault; 9] = [
    Fault::Caller,
    Fault::Missing,
    Fault::Precondition,
    Fault::Exhausted,
    Fault::Deadline,
    Fault::Unavailable,
    Fault::Corrupt,
    Fault::Bug,
    Fault::TooLarge,
];

pub(super) fn fake() -> (Arc<Fake>, Strings) {
    let (starts, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let fake = Fake {
        ready: AtomicBool::new(true),
        started: AtomicUsize::new(0),
        starts,
        release: Mutex::new(released),
    };
    (
        Arc::new(fake),
        Strings {
            starts: has_started,
            release,
        },
    )
}

impl Answer for Fake {
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let (what, number) = request.query.split_once(' ').unwrap_or((&request.query, ""));
        let number = || number.parse::<usize>().unwrap();
        match what {
            "wait" => {
                let _ = self.starts.send(());
                // An error means that the test has ended, which lets go as well.
                let _ = self.release.lock().unwrap().recv();
            }
            "panic" => panic!("the core broke"),
            "fault" => return Err(Error::new(FAULTS[number()], "what was wrong").help("what helps")),
            "many" => {
                let mut answer = full_answer();
                answer.hits = vec![answer.hits[0].clone(); number()];
                return Ok(answer);
            }
            "large" => {
                let mut answer = full_answer();
                answer.hits[0].text = "x".repeat(number());
                return Ok(answer);
            }
            _ => {}
        }
        let mut answer = full_answer();
        answer.hits[0].title = request.query.clone();
        Ok(answer)
    }

    fn ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
}

/// The fake over something that changes when a test says so. Its answers are whole unless the question begins with
/// `degraded`.
struct Editions {
    fake: Arc<Fake>,
    edition: AtomicU64,
}

impl Answer for Editions {
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let mut answer = self.fake.search(request)?;
        answer.degraded = answer.degraded.filter(|_| request.query.starts_with("degraded"));
        answer.provenance.commit = self.edition.load(Ordering::SeqCst);
        Ok(answer)
    }

    fn ready(&self) -> bool {
        true
    }

    fn edition(&self) -> Option<u64> {
        Some(self.edition.load(Ordering::SeqCst))
    }
}

fn editions() -> (Arc<Editions>, Strings) {
    let (fake, strings) = fake();
    let edition = AtomicU64::new(1);
    (Arc::new(Editions { fake, edition }), strings)
}

pub(super) struct Running {
    pub(super) addr: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<()>>,
}

impl Running {
    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.addr))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    async fn client(&self) -> Client {
        Client::connect(&self.addr.to_string()).await.unwrap()
    }

    pub(super) async fn raw(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.channel().await)
    }
}

pub(super) async fn serve(answer: Arc<dyn Answer>, settings: ServiceSettings) -> Running {
    let pool = Arc::new(pool::SearchPool::new(settings.threads, settings.queue));
    serve_in(pool, answer, settings).await
}

async fn serve_in(pool: Arc<pool::SearchPool>, answer: Arc<dyn Answer>, settings: ServiceSettings) -> Running {
    serve_around(pool, answer, settings, Surroundings::default()).await
}

pub(super) async fn serve_around(
    pool: Arc<pool::SearchPool>,
    answer: Arc<dyn Answer>,
    settings: ServiceSettings,
    around: Surroundings,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(run_in(
        pool,
        listener,
        answer,
        Arc::default(),
        settings,
        around,
        async {
            let _ = stopped.await;
        },
    ));
    Running { addr, stop, ended }
}

pub(super) fn settings() -> ServiceSettings {
    ServiceSettings {
        threads: 1,
        queue: 4,
        ready_interval: Duration::from_millis(1),
        ..ServiceSettings::default()
    }
}

fn asked(query: &str) -> wire::SearchRequest {
    wire::SearchRequest {
        query: query.into(),
        ..Default::default()
    }
}

/// Waits for the fake on a thread of its own, because the tests share one with the service.
pub(super) async fn started(strings: Strings) -> Strings {
    tokio::task::spawn_blocking(move || {
        strings.starts.recv().unwrap();
        strings
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_answer_arrives_whole() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let mut expected = full_answer();
    expected.hits[0].title = "医保断缴怎么办".into();
    let answer = running
        .client()
        .await
        .search(&SearchRequest::new("医保断缴怎么办"))
        .await
        .unwrap();
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_question_asked_again_is_answered_from_what_was_kept() {
    let (core, _strings) = editions();
    let cell = Arc::new(ReadyCell::new());
    assert!(cell.set(core.clone()).is_ok());
    let running = serve(cell, settings()).await;
    let mut client = running.raw().await;
    let searched = || core.fake.started.load(Ordering::SeqCst);

    let mut first = client.search(asked("医保")).await.unwrap().into_inner();
    let mut again = client.search(asked("医保")).await.unwrap().into_inner();
    assert_eq!(searched(), 1);
    let timings = again.timings.take().unwrap();
    assert!(timings.cached && timings.stages.iter().all(|stage| stage.micros == 0));
    assert!(timings.total_micros < 1_000_000 && timings.stages.len() == 6);
    assert!(!first.timings.take().unwrap().cached);
    assert_eq!(again, first);

    // Another page is another question; an item of a batch is one like any other.
    let page = wire::SearchRequest {
        offset: Some(1),
        ..asked("医保")
    };
    let batch = wire::BatchSearchRequest {
        requests: vec![asked("医保"), page, asked("医保")],
    };
    let mut items = client.batch_search(batch).await.unwrap().into_inner();
    for cached in [true, false, true] {
        let Some(wire::batch_search_response::Outcome::Response(answer)) =
            items.message().await.unwrap().unwrap().outcome
        else {
            panic!("an error");
        };
        assert_eq!(answer.timings.unwrap().cached, cached);
    }
    assert_eq!(searched(), 2);

    core.edition.store(2, Ordering::SeqCst);
    for cached in [false, true] {
        let answer = client.search(asked("医保")).await.unwrap().into_inner();
        assert_eq!(answer.timings.unwrap().cached, cached);
        assert_eq!(answer.provenance.unwrap().commit, 2);
    }
}

#[tokio::test]
async fn no_error_and_no_answer_that_is_less_than_was_asked_for_is_kept() {
    let (core, _strings) = editions();
    let running = serve(core.clone(), settings()).await;
    let mut client = running.raw().await;
    for query in ["degraded", "fault 5", "panic"] {
        for _ in 0..2 {
            if let Ok(answer) = client.search(asked(query)).await {
                assert!(!answer.into_inner().timings.unwrap().cached, "{query}");
            }
        }
    }
    assert_eq!(core.fake.started.load(Ordering::SeqCst), 6);
    // Nor is anything where nothing is to be kept.
    let settings = ServiceSettings {
        answer_cache_bytes: 0,
        ..settings()
    };
    let running = serve(core.clone(), settings).await;
    let mut client = running.raw().await;
    for _ in 0..2 {
        let answer = client.search(asked("医保")).await.unwrap().into_inner();
        assert!(!answer.timings.unwrap().cached);
    }
    assert_eq!(core.fake.started.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn what_was_kept_is_found_while_every_thread_works() {
    let (core, strings) = editions();
    let settings = ServiceSettings { queue: 0, ..settings() };
    let running = serve(core, settings).await;
    let mut client = running.raw().await;
    client.search(asked("医保")).await.unwrap();
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.search(asked("wait")).await });
    let strings = started(strings).await;
    assert!(
        client
            .search(asked("医保"))
            .await
            .unwrap()
            .into_inner()
            .timings
            .unwrap()
            .cached
    );
    assert_eq!(
        client.search(asked("生育")).await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    strings.release.send(()).unwrap();
    waiting.await.unwrap().unwrap();
}

/// With one worker: it must not be the one that searches.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn health_and_timeouts_are_answered_while_every_thread_searches() {
    let (fake, strings) = fake();
    let running = serve(fake, ServiceSettings { queue: 1, ..settings() }).await;
    let channel = running.channel().await;
    let mut client = SearchServiceClient::new(channel.clone());
    // Questions that come one after the other, each alone.
    for _ in 0..100 {
        client.search(asked("医保")).await.unwrap();
    }
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.search(asked("wait")).await });
    let strings = started(strings).await;
    let mut health = HealthClient::new(channel);
    health.check(HealthCheckRequest::default()).await.unwrap();
    let mut late = Request::new(asked("养老金"));
    late.set_timeout(Duration::from_millis(1));
    // The client's own clock may answer first, by another name.
    let code = client.search(late).await.unwrap_err().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    assert!(!waiting.is_finished());
    strings.release.send(()).unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn health_follows_the_core_from_opening_to_draining() {
    let (fake, strings) = fake();
    fake.ready.store(false, Ordering::SeqCst);
    let cell = Arc::new(ReadyCell::new());
    let running = serve(cell.clone(), settings()).await;
    let mut health = HealthClient::new(running.channel().await);
    let asked_for = |service: &str| HealthCheckRequest {
        service: service.into(),
    };

    for name in ["", "baowen.v1.SearchService"] {
        let status = health.check(asked_for(name)).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::NotServing, "{name}");
    }
    assert_eq!(
        health.check(asked_for("other")).await.unwrap_err().code(),
        Code::NotFound
    );
    let mut client = running.client().await;
    let early = client.search(&SearchRequest::new("医保")).await.unwrap_err();
    assert_eq!(early.fault(), Fault::Unavailable);
    assert!(early.message().contains("still being opened"), "{early}");

    let mut watch = health
        .watch(asked_for("baowen.v1.SearchService"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    // As the health protocol has it; it goes on until the service ends, and holds no end up.
    let mut unknown = health.watch(asked_for("other")).await.unwrap().into_inner();
    assert_eq!(
        unknown.message().await.unwrap().unwrap().status(),
        ServingStatus::ServiceUnknown
    );
    assert!(cell.set(fake.clone()).is_ok());
    client.search(&SearchRequest::new("医保")).await.unwrap();
    fake.ready.store(true, Ordering::SeqCst);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_eq!(
        health
            .check(asked_for("baowen.v1.SearchService"))
            .await
            .unwrap()
            .into_inner()
            .status(),
        ServingStatus::Serving
    );

    // A call in flight keeps the service up while it says that it is going.
    let waiting = tokio::spawn(async move { client.search(&SearchRequest::new("wait")).await });
    let strings = started(strings).await;
    running.stop.send(()).unwrap();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    assert!(!running.ended.is_finished());
    strings.release.send(()).unwrap();
    assert!(waiting.await.unwrap().is_ok());
    running.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_takes_no_new_connections_and_ends_when_its_grace_is_over() {
    let (fake, strings) = fake();
    let grace = Duration::from_millis(20);
    let running = serve(fake, ServiceSettings { grace, ..settings() }).await;
    let addr = running.addr.to_string();
    let mut client = running.client().await;
    let waiting = tokio::spawn(async move { client.search(&SearchRequest::new("wait")).await });
    let _strings = started(strings).await;
    running.stop.send(()).unwrap();
    let error = running.ended.await.unwrap().unwrap_err();
    assert_eq!(error.fault(), Fault::Deadline);
    assert!(
        error.message().contains("signal to end: 1, searches in flight"),
        "{error}"
    );
    let refused = Client::connect(&addr).await.unwrap_err();
    assert_eq!(refused.fault(), Fault::Unavailable);
    assert!(refused.to_string().contains("baowen serve"), "{refused}");
    waiting.abort();
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let expected = [
        "baowen.v1.SearchService",
        "baowen.v1.IndexService",
        "grpc.health.v1.Health",
    ];

    macro_rules! listed {
        ($version:ident) => {{
            use $version::server_reflection_request::MessageRequest;
            use $version::server_reflection_response::MessageResponse;
            let mut client = $version::server_reflection_client::ServerReflectionClient::new(running.channel().await);
            let ask = |what| $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(what),
            };
            let asks = vec![
                ask(MessageRequest::ListServices(String::new())),
                ask(MessageRequest::FileContainingSymbol("baowen.v1.SearchRequest".into())),
            ];
            let mut answers = client
                .server_reflection_info(futures_util::stream::iter(asks))
                .await
                .unwrap()
                .into_inner();
            let names = match answers.message().await.unwrap().unwrap().message_response {
                Some(MessageResponse::ListServicesResponse(list)) => {
                    list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            };
            for name in expected {
                assert!(names.iter().any(|listed| listed == name), "{name} in {names:?}");
            }
            match answers.message().await.unwrap().unwrap().message_response {
                Some(MessageResponse::FileDescriptorResponse(file)) => {
                    assert!(!file.file_descriptor_proto.is_empty());
                }
                other => panic!("{other:?}"),
            }
        }};
    }
    listed!(v1);
    listed!(v1alpha);
}

#[tokio::test]
async fn who_keeps_reflection_open_without_asking_holds_no_end_up() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

    let (fake, _strings) = fake();
    let grace = Duration::from_secs(60);
    let running = serve(fake, ServiceSettings { grace, ..settings() }).await;
    let mut client = ServerReflectionClient::new(running.channel().await);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asks = futures_util::stream::iter([ask]).chain(futures_util::stream::pending());
    let mut answers = client.server_reflection_info(asks).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn every_fault_has_its_code() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let mut client = running.raw().await;
    for (number, fault) in FAULTS.into_iter().enumerate() {
        let status = client.search(asked(&format!("fault {number}"))).await.unwrap_err();
        assert_eq!(status.code(), status::code(fault), "{fault:?}");
        assert_eq!(status.message(), "what was wrong (what helps)");
    }
    let questions = client.questions_to_review(wire::QuestionsToReviewRequest {}).await;
    let questions = questions.unwrap().into_inner();
    assert_eq!(questions.slowest.len(), 1, "the one whose time was over: {questions:?}");
    assert_eq!(questions.unanswered, []);
}

#[tokio::test]
async fn a_panic_is_internal_and_the_service_goes_on() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let mut client = running.raw().await;
    for _ in 0..3 {
        let status = client.search(asked("panic")).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().contains("the core broke"), "{status}");
    }
    client.search(asked("医保")).await.unwrap();
}

#[tokio::test]
async fn bad_questions_are_refused_before_the_core() {
    let (fake, _strings) = fake();
    let running = serve(fake.clone(), settings()).await;
    let mut client = running.raw().await;
    let mut check = async |request: wire::SearchRequest, start: &str| {
        let status = client.search(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with(start), "{status}");
    };
    check(asked(" \u{3000} "), "query:").await;
    check(asked("？！"), "query:").await;
    check(asked(&"医".repeat(100_000)), "query:").await;
    check(
        wire::SearchRequest {
            top_k: Some(0),
            ..asked("医保")
        },
        "top_k:",
    )
    .await;
    let nan = wire::Fusion {
        dense_weight: Some(f32::NAN),
        ..Default::default()
    };
    check(
        wire::SearchRequest {
            fusion: Some(nan),
            ..asked("医保")
        },
        "fusion.dense_weight:",
    )
    .await;
    let name = "长".repeat(50_000);
    let unknown = wire::Filter {
        fields: vec![wire::FieldFilter { name, values: vec![] }],
        ..Default::default()
    };
    check(
        wire::SearchRequest {
            filter: Some(unknown),
            ..asked("医保")
        },
        "filter.长长",
    )
    .await;
    assert_eq!(fake.started.load(Ordering::SeqCst), 0);
}

/// A request whose text need not be UTF-8.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(bytes = "vec", tag = "1")]
    query: Vec<u8>,
}

#[tokio::test]
async fn text_that_is_not_utf8_is_the_callers_fault() {
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let mut client = tonic::client::Grpc::new(running.channel().await);
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<Bytes, wire::SearchResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/baowen.v1.SearchService/Search");
    let gb18030 = Bytes {
        query: vec![0xd2, 0xbd, 0xb1, 0xa3],
    };
    let status = client.unary(Request::new(gb18030), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(status.message().contains("SearchRequest.query"), "{status}");
    assert!(status.message().contains("UTF-8"), "{status}");
}

/// What no client's library sends, and whoever writes to the socket may.
#[tokio::test]
async fn what_cannot_be_read_is_the_callers_fault() {
    use tonic::codegen::Service as _;
    let (fake, _strings) = fake();
    let running = serve(fake, settings()).await;
    let mut channel = running.channel().await;
    let check = async |channel: &mut Channel, header: Option<(&str, &str)>, body: &str, expected: Code| {
        let mut request = http::Request::builder()
            .method("POST")
            .uri("/baowen.v1.SearchService/Search")
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
        let request = request.body(tonic::body::Body::new(body.to_owned())).unwrap();
        let answer = channel.call(request).await.unwrap();
        let code = answer
            .headers()
            .get("grpc-status")
            .map(|code| Code::from_bytes(code.as_bytes()));
        assert_eq!(code, Some(expected), "{header:?} {body:?}");
    };
    check(&mut channel, None, "", Code::InvalidArgument).await;
    check(&mut channel, None, "\0\0\0", Code::InvalidArgument).await;
    check(&mut channel, None, "\0\0\0\0\x09\x0a\x03abc", Code::InvalidArgument).await;
    check(&mut channel, None, "\x01\0\0\0\0", Code::InvalidArgument).await;
    check(&mut channel, None, "\x07\0\0\0\0", Code::InvalidArgument).await;
    let encoding = Some(("grpc-encoding", "snappy"));
    check(&mut channel, encoding, "\x01\0\0\0\0", Code::Unimplemented).await;
    for timeout in ["", "soon", "5", "-1S", "123456789S"] {
        let timeout = Some(("grpc-timeout", timeout));
        check(&mut channel, timeout, "\0\0\0\0\x05\x0a\x03abc", Code::InvalidArgument).await;
    }
    running.raw().await.search(asked("all is well")).await.unwrap();
}

#[tokio::test]
async fn silent_sockets_are_cut_off_and_hold_nobody_up() {
    use tokio::io::AsyncReadExt as _;
    let (fake, _strings) = fake();
    let limits = ServiceSettings {
        connections: 2,
        handshake: Duration::from_millis(20),
        ..settings()
    };
    let running = serve(fake, limits).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(running.addr).await.unwrap());
    }
    // Its turn comes once those before it are gone.
    running.raw().await.search(asked("after them")).await.unwrap();
    for mut socket in silent {
        // Ends once it is closed, whichever way the system says so; else this test does not.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }
    let late = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
    drop(late);
}

/// A header of HTTP/1 that never ends, short or long; who speaks HTTP/2 or has asked may rest.
#[tokio::test]
async fn a_half_sent_header_is_cut_off() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (fake, _strings) = fake();
    let limits = ServiceSettings {
        handshake: Duration::from_millis(20),
        ..settings()
    };
    let running = serve(fake, limits).await;
    let resting = running.raw().await;
    for half in [
        "P",
        "PRI * HTTP/2.0\r\n",
        "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nX: ",
        "PRI * HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        let mut socket = tokio::net::TcpStream::connect(running.addr).await.unwrap();
        socket.write_all(half.as_bytes()).await.unwrap();
        // Ends once it is closed; else this test does not before the 30 s that the library allows.
        let cut = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut Vec::new())).await;
        assert!(cut.is_ok(), "{half:?}");
    }
    let mut asked_once = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    let mut answer = [0; 12];
    for _ in 0..2 {
        asked_once
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        asked_once.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        tokio::time::sleep(Duration::from_millis(60)).await;
        while asked_once.try_read(&mut [0; 1_000]).is_ok_and(|read| read > 0) {}
    }
    resting.clone().search(asked("after a rest")).await.unwrap();
}

#[tokio::test]
async fn messages_beyond_the_limits_are_refused() {
    let (fake, _strings) = fake();
    let limits = ServiceSettings {
        max_request_bytes: 2_000,
        max_response_bytes: 4_000,
        ..settings()
    };
    let running = serve(fake, limits).await;
    let mut client = running.raw().await;
    let status = client.search(asked(&"x".repeat(3_000))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    // The library refused it, and it looks as if we had.
    assert_eq!(status::from_status(&status).fault(), Fault::TooLarge);
    let status = client.search(asked("large 5000")).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(
        status.message().contains("the smallest part of this answer"),
        "{status}"
    );
    client.search(asked("large 3000")).await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    let (fake, strings) = fake();
    let running = serve(fake, ServiceSettings { queue: 0, ..settings() }).await;
    let mut client = running.raw().await;
    let mut second = client.clone();
    let waiting = tokio::spawn(async move { client.search(asked("wait")).await });
    let strings = started(strings).await;
    let status = second.search(asked("医保")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    strings.release.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    second.search(asked("医保")).await.unwrap();
}

#[tokio::test]
async fn the_longest_call_ends_in_deadline_exceeded() {
    let (fake, strings) = fake();
    let longest = service_settings::Longest {
        call: Duration::from_millis(20),
        ..Default::default()
    };
    // The client sets no deadline of its own, so what arrives is what the service said.
    let running = serve(fake, ServiceSettings { longest, ..settings() }).await;
    let status = running.raw().await.search(asked("wait")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    drop(strings);
}

#[tokio::test]
async fn the_timeout_header_is_kept_and_late_questions_are_never_started() {
    // Without a connection, because the client's own clock would answer first.
    let (fake, strings) = fake();
    let pool = Arc::new(pool::SearchPool::new(1, 4));
    let limits = calls::CallLimits {
        changing: Arc::default(),
        batch_window: 1,
        max_response_bytes: 1 << 20,
    };
    let answers = Arc::new(answers::Answers::new(fake.clone(), pool, 1 << 20));
    let search = wire::search_service_server::SearchServiceServer::new(calls::SearchCalls::new(
        answers.clone(),
        Arc::default(),
        limits,
    ));
    let routes = tonic::service::Routes::new(search);
    let mut client = SearchServiceClient::new(deadline::WithDeadlines::new(routes, Arc::default()));
    let mut first = client.clone();
    let waiting = tokio::spawn(async move { first.search(asked("wait")).await });
    let strings = started(strings).await;
    let mut late = Request::new(asked("late"));
    late.set_timeout(Duration::from_millis(20));
    let status = client.search(late).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let slowest = answers.questions_to_review().slowest;
    assert_eq!(slowest.len(), 1, "the one that still runs is not there yet");
    assert!(
        slowest[0].hits == 0 && slowest[0].took >= Duration::from_millis(20),
        "{slowest:?}"
    );
    strings.release.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    client.search(asked("医保")).await.unwrap();
    assert_eq!(fake.started.load(Ordering::SeqCst), 2, "the held one and the last one");
}

#[tokio::test]
async fn a_client_keeps_its_deadline_and_names_it() {
    let (fake, strings) = fake();
    let running = serve(fake, settings()).await;
    let mut request = SearchRequest::new("wait");
    request.deadline = Some(Instant::now() + Duration::from_millis(20));
    let error = running.client().await.search(&request).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Deadline, "{error}");
    drop(strings);
}

#[tokio::test]
async fn a_question_whose_asker_has_gone_is_not_started() {
    let (fake, strings) = fake();
    let pool = Arc::new(pool::SearchPool::new(1, 4));
    let running = serve_in(pool.clone(), fake.clone(), settings()).await;
    let channel = running.channel().await;
    let [mut first, mut second, mut third] = [(); 3].map(|()| SearchServiceClient::new(channel.clone()));
    let waiting = tokio::spawn(async move { first.search(asked("wait")).await });
    let strings = started(strings).await;
    let gone = tokio::spawn(async move { second.search(asked("gone")).await });
    while pool.in_flight() < 2 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // Calls of one connection are read in turn, so when these are answered the service knows that the other is gone.
    let mut health = HealthClient::new(channel);
    for _ in 0..10 {
        health.check(HealthCheckRequest::default()).await.unwrap();
    }
    strings.release.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    third.search(asked("医保")).await.unwrap();
    assert_eq!(fake.started.load(Ordering::SeqCst), 2, "the held one and the last one");
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_its_errors_to_themselves() {
    let (fake, _strings) = fake();
    let running = serve(
        fake,
        ServiceSettings {
            threads: 3,
            queue: 0,
            ..settings()
        },
    )
    .await;
    let questions = ["医保", "", "fault 1", "panic", "养老金", "失业"];
    let requests: Vec<_> = questions.into_iter().map(SearchRequest::new).collect();
    let outcomes = running.client().await.batch(&requests).await.unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            outcome
                .as_ref()
                .map(|answer| answer.hits[0].title.as_str())
                .map_err(Error::fault)
        })
        .collect();
    assert_eq!(
        told,
        [
            Ok("医保"),
            Err(Fault::Caller),
            Err(Fault::Missing),
            Err(Fault::Bug),
            Ok("养老金"),
            Ok("失业")
        ]
    );
}

#[tokio::test]
async fn a_batch_is_streamed_and_numbered() {
    let (fake, strings) = fake();
    let running = serve(fake, settings()).await;
    let requests = ["医保", "wait", "养老金"].map(asked).to_vec();
    let mut items = running
        .raw()
        .await
        .batch_search(wire::BatchSearchRequest { requests })
        .await
        .unwrap()
        .into_inner();
    // The first arrives while the second is held.
    assert_eq!(items.message().await.unwrap().unwrap().index, 0);
    let strings = started(strings).await;
    strings.release.send(()).unwrap();
    assert_eq!(items.message().await.unwrap().unwrap().index, 1);
    assert_eq!(items.message().await.unwrap().unwrap().index, 2);
    assert!(items.message().await.unwrap().is_none());
}

/// What docs/API.md says that a client of default settings can ask.
#[tokio::test]
async fn the_largest_batch_is_answered_packed_or_not() {
    use tonic::codec::CompressionEncoding::Gzip;
    let (fake, _strings) = fake();
    let running = serve(fake, ServiceSettings::default()).await;
    let text = "医".repeat(1_000);
    let packed = running.raw().await.send_compressed(Gzip).accept_compressed(Gzip);
    for mut client in [running.raw().await, packed] {
        let requests = vec![asked(&text); 1_000];
        let batch = client.batch_search(wire::BatchSearchRequest { requests }).await;
        let mut items = batch.unwrap().into_inner();
        for index in 0..1_000 {
            let item = items.message().await.unwrap().unwrap();
            let is_answer = matches!(item.outcome, Some(wire::batch_search_response::Outcome::Response(_)));
            assert!(item.index == index && is_answer, "{index}");
        }
        assert!(items.message().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_batch_of_wrong_size_is_refused_and_a_late_one_ends() {
    let (fake, strings) = fake();
    let longest = service_settings::Longest {
        batch: Duration::from_millis(100),
        ..Default::default()
    };
    let running = serve(fake, ServiceSettings { longest, ..settings() }).await;
    let mut client = running.raw().await;
    for count in [0, 1_001] {
        let requests = vec![asked("医保"); count];
        let status = client
            .batch_search(wire::BatchSearchRequest { requests })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with("requests:"), "{status}");
    }
    let requests = ["wait", "养老金"].map(asked).to_vec();
    let late = match client.batch_search(wire::BatchSearchRequest { requests }).await {
        Ok(items) => items.into_inner().message().await.unwrap_err(),
        Err(status) => status,
    };
    assert_eq!(late.code(), Code::DeadlineExceeded);
    drop(strings);
}

/// A thousand long questions take longer than any one of them may.
#[tokio::test]
async fn a_batch_has_a_longest_time_of_its_own() {
    let (fake, strings) = fake();
    let longest = service_settings::Longest {
        call: Duration::from_millis(20),
        ..Default::default()
    };
    let running = serve(fake, ServiceSettings { longest, ..settings() }).await;
    let mut client = running.raw().await;
    let requests = ["wait", "养老金"].map(asked).to_vec();
    let batch = wire::BatchSearchRequest { requests };
    let answered = tokio::spawn(async move { client.batch_search(batch).await });
    let strings = started(strings).await;
    tokio::time::sleep(longest.call * 2).await;
    strings.release.send(()).unwrap();
    let mut items = answered.await.unwrap().unwrap().into_inner();
    for index in 0..2 {
        let item = items.message().await.unwrap().unwrap();
        let is_answer = matches!(item.outcome, Some(wire::batch_search_response::Outcome::Response(_)));
        assert!(item.index == index && is_answer, "{item:?}");
    }
}

#[tokio::test]
async fn addresses_that_are_none_and_empty_ones_are_told_apart() {
    assert_eq!(
        Client::connect("not an address").await.unwrap_err().fault(),
        Fault::Caller
    );
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let error = Client::connect(&nobody).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.message().contains(&nobody), "{error}");
}

/// A service whose numbers a test sees.
async fn counted(settings: ServiceSettings) -> (Running, Arc<metrics::Metrics>) {
    let around = Surroundings::default();
    let pool = Arc::new(pool::SearchPool::new(settings.threads, settings.queue).counted_by(around.metrics.clone()));
    let (fake, _) = fake();
    let running = serve_around(pool, fake, settings, around.clone()).await;
    (running, around.metrics)
}

/// Waits until the numbers have this, with its value or with any; for a minute, since a test that hangs says nothing.
async fn until(metrics: &metrics::Metrics, begin: &str) {
    let is_it = |line: &str| {
        let value = line.strip_prefix(begin);
        value.is_some_and(|value| value.is_empty() || value.starts_with(' '))
    };
    for _ in 0..12_000 {
        if metrics.text().lines().any(is_it) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no {begin} in\n{}", metrics.text());
}

/// The number that is exported by this name.
fn number(metrics: &metrics::Metrics, name: &str) -> usize {
    let numbers = metrics.text();
    let line = numbers.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().parse().unwrap()
}

/// While answers wait to be written, nothing is read of what came behind their questions. The last of an answer lies
/// with the library, so that its call is over: of answers this long nearly always.
#[tokio::test]
async fn who_asks_on_and_does_not_read_is_cut_off() {
    for length in [1_000_000, 200_000] {
        check_that_who_asks_on_is_cut_off(length).await;
    }
}

async fn check_that_who_asks_on_is_cut_off(length: usize) {
    use tokio::io::AsyncWriteExt as _;

    let (running, metrics) = counted(ServiceSettings {
        unread: Duration::from_millis(50),
        ..settings()
    })
    .await;
    // Little room on the way, so that answers soon stand.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(running.addr).await.unwrap();
    let question = format!("GET /v1/search?q=large%20{length} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(question.repeat(60).as_bytes()).await.unwrap();
    until(&metrics, "baowen_connections_cut_total{reason=\"unread\"}").await;
}

/// Answers that a client asked for and leaves lying.
#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let (running, metrics) = counted(ServiceSettings {
        unread: Duration::from_millis(50),
        ..settings()
    })
    .await;
    let requests = vec![asked("large 1000000"); 4];
    let mut greedy = running.raw().await;
    let mut lying = Vec::new();
    for _ in 0..3 {
        let batch = wire::BatchSearchRequest {
            requests: requests.clone(),
        };
        // A connection that was cut off already answers no more.
        lying.extend(greedy.batch_search(batch).await.ok());
    }
    // The client connects again for each call, so it may be more than one.
    until(&metrics, "baowen_connections_cut_total{reason=\"unread\"}").await;
    until(&metrics, "baowen_unread_answer_bytes 0").await;
    for lying in lying {
        let mut items = lying.into_inner();
        let ended = loop {
            match items.message().await {
                Ok(Some(_)) => {}
                ended => break ended,
            }
        };
        assert!(ended.is_err());
    }
    // Others are served, and so is this one when it comes again.
    let mut other = running.client().await;
    other.search(&SearchRequest::new("医保")).await.unwrap();
}

/// A client that reads nothing gets no more answers than leave room for others, nothing is searched for it meanwhile,
/// and what it was given it can still read.
#[tokio::test]
async fn no_answer_is_made_for_who_does_not_read() {
    // Some more than what is left of the answer below when the client has taken the 2 MiB that it takes unread.
    const BOUND: usize = 2_300_000;
    let (running, metrics) = counted(ServiceSettings {
        unread_bytes: BOUND,
        ..settings()
    })
    .await;
    let mut greedy = running.raw().await;
    // More than the client takes before it is read.
    let batch = wire::BatchSearchRequest {
        requests: vec![asked("large 4000000")],
    };
    let lying = greedy.batch_search(batch).await.unwrap();
    let unread = || number(&metrics, "baowen_unread_answer_bytes ");
    while !(BOUND / 2..BOUND).contains(&unread()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = greedy.search(asked("医保")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    until(&metrics, "baowen_refused_total{reason=\"unread\"} 1").await;
    let mut other = running.client().await;
    other.search(&SearchRequest::new("医保")).await.unwrap();
    let mut items = lying.into_inner();
    while items.message().await.unwrap().is_some() {}
    greedy.search(asked("医保")).await.unwrap();
}

/// The beginning of a request over HTTP/1 whose body goes on and on.
async fn begin_body(running: &Running, path: &str, headers: &str, body: &[u8]) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let mut stream = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4000000\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Who is refused may be cut off while it sends.
    let _ = stream.write_all(body).await;
    stream
}

/// What is answered on a connection, read until it has this.
async fn answered(stream: &mut tokio::net::TcpStream, part: &str) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(part) {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Many connections send bodies that are never at their end: packed, plain, and messages of gRPC, which are whole and
/// packed or not. What is kept of them has a bound, who is refused is told why, and others are answered.
#[tokio::test]
async fn unfinished_bodies_have_a_bound_together() {
    use tokio::io::AsyncReadExt as _;
    const BOUND: usize = 1 << 20;
    // What each connection may hold whatever others do.
    const LITTLE: usize = BOUND / 1_024;
    let blanks = vec![b' '; 600_000];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&blanks).unwrap();
    packed.flush().unwrap();
    let message = [&[0, 0, 0x3f, 0xff, 0xff], &blanks[..]].concat();
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    whole
        .write_all(&prost::Message::encode_to_vec(&asked(&" ".repeat(600_000))))
        .unwrap();
    let whole = whole.finish().unwrap();
    let length = u32::try_from(whole.len()).unwrap().to_be_bytes();
    let whole = [&[1], &length[..], &whole[..]].concat();
    let json = "content-type: application/json\r\n";
    for (path, headers, body, refused) in [
        (
            "/v1/search",
            "content-encoding: gzip\r\n",
            packed.get_ref(),
            "HTTP/1.1 429",
        ),
        ("/v1/search", json, &blanks, "HTTP/1.1 429"),
        (
            "/baowen.v1.SearchService/Search",
            "content-type: application/grpc-web+proto\r\n",
            &message,
            "grpc-message",
        ),
        (
            "/baowen.v1.SearchService/Search",
            "content-type: application/grpc-web+proto\r\ngrpc-encoding: gzip\r\n",
            &whole,
            "grpc-message",
        ),
    ] {
        let (running, metrics) = counted(ServiceSettings {
            body_bytes: BOUND,
            ..settings()
        })
        .await;
        let first = begin_body(&running, path, headers, body).await;
        let held = || number(&metrics, "baowen_unfinished_body_bytes ");
        while held() < 600_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // There is room for a part of what another one sends.
        let mut told = Vec::new();
        for _ in 0..9 {
            let mut stream = begin_body(&running, path, headers, body).await;
            let mut answer = [0; 2_000];
            let read = stream.read(&mut answer).await.unwrap();
            told.push(String::from_utf8_lossy(&answer[..read]).into_owned());
            assert!((600_000..=BOUND + 10 * LITTLE).contains(&held()), "{}", held());
        }
        for answer in told {
            assert!(answer.contains(refused) && answer.contains("unfinished"), "{answer}");
        }
        until(&metrics, "baowen_refused_total{reason=\"body\"} 9").await;
        let mut other = running.client().await;
        other.search(&SearchRequest::new("医保")).await.unwrap();
        drop(first);
        until(&metrics, "baowen_unfinished_body_bytes 0").await;
    }
}

/// One connection holds most of what there is room for, and another one wants some of it.
#[tokio::test]
async fn an_unfinished_body_gives_way_where_another_one_finds_no_room() {
    use tokio::io::AsyncWriteExt as _;
    let (running, metrics) = counted(ServiceSettings {
        body_bytes: 1 << 20,
        ..settings()
    })
    .await;
    let json = "content-type: application/json\r\n";
    let mut greedy = begin_body(&running, "/v1/search", json, &vec![b' '; 850_000]).await;
    while number(&metrics, "baowen_unfinished_body_bytes ") < 850_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut other = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    let question = format!("{}{{\"query\": \"ok\"}}", " ".repeat(250_000));
    let length = question.len();
    let head = format!("POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{json}\r\n");
    other.write_all((head + &question).as_bytes()).await.unwrap();
    let answer = answered(&mut other, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let refused = answered(&mut greedy, "}").await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.contains("unfinished"),
        "{refused}"
    );
}

/// It never stands still.
#[tokio::test]
async fn a_body_that_trickles_ends() {
    use tokio::io::AsyncWriteExt as _;
    let (running, _) = counted(ServiceSettings {
        body_pause: Duration::from_secs(2),
        body_least: 1_000_000,
        ..settings()
    })
    .await;
    let stream = begin_body(&running, "/v1/search", "content-type: application/json\r\n", b"{").await;
    let (mut read, mut write) = stream.into_split();
    let trickling = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let read = tokio::io::AsyncReadExt::read_buf(&mut read, &mut answer).await.unwrap();
        assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&answer));
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 504") && answer.contains("too slowly"),
        "{answer}"
    );
    trickling.abort();
}

/// The service waits neither for a body that does not come nor for its grace period.
#[tokio::test]
async fn an_unfinished_body_holds_no_end_up() {
    let hour = Duration::from_secs(3_600);
    let (running, metrics) = counted(ServiceSettings {
        body_pause: hour,
        grace: hour,
        ..settings()
    })
    .await;
    let mut stream = begin_body(&running, "/v1/search", "content-type: application/json\r\n", b"{").await;
    until(&metrics, "baowen_unfinished_body_bytes 1").await;
    running.stop.send(()).unwrap();
    let answer = answered(&mut stream, "}").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"),
        "{answer}"
    );
    running.ended.await.unwrap().unwrap();
}

/// A long answer that was kept is made where searches run, so that no worker computes.
#[tokio::test]
async fn a_long_answer_that_was_kept_waits_for_a_thread() {
    let (core, strings) = editions();
    let running = serve(core, settings()).await;
    let mut client = running.raw().await;
    client.search(asked("many 100")).await.unwrap();
    let mut waiting = client.clone();
    let held = tokio::spawn(async move { waiting.search(asked("wait")).await });
    let strings = started(strings).await;
    let mut late = Request::new(asked("many 100"));
    late.set_timeout(Duration::from_millis(50));
    // Whichever end sees first that its time is over.
    let code = client.search(late).await.unwrap_err().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code}");
    strings.release.send(()).unwrap();
    let answer = client.search(asked("many 100")).await.unwrap().into_inner();
    assert!(answer.timings.unwrap().cached && answer.hits.len() == 100);
    held.await.unwrap().unwrap();
}

/// A batch whose client reads nothing waits for the only thread and is given it; others are answered all the same.
#[tokio::test]
async fn a_batch_that_nobody_reads_keeps_no_thread() {
    let (fake, strings) = fake();
    let pool = Arc::new(pool::SearchPool::new(1, 4));
    let answers = answers::Answers::new(fake, pool.clone(), 0);
    let limits = calls::CallLimits {
        changing: Arc::default(),
        batch_window: 1,
        max_response_bytes: 1 << 20,
    };
    let calls = calls::SearchCalls::new(Arc::new(answers), Arc::default(), limits);
    let held = calls.clone();
    let held = tokio::spawn(async move { held.search(asked("wait"), None, Ok).await });
    let strings = started(strings).await;
    let mut batch = Box::pin(calls.batch(vec![asked("医保"); 2], None, Ok).unwrap());
    assert!(futures_util::poll!(batch.next()).is_pending());
    // It waits in line by now.
    while pool.in_flight() < 2 {
        tokio::task::yield_now().await;
    }
    strings.release.send(()).unwrap();
    held.await.unwrap().unwrap();
    let lone = calls.search(asked("生育"), None, Ok);
    let lone = tokio::time::timeout(Duration::from_secs(60), lone).await;
    lone.expect("nobody keeps the thread").unwrap();
    assert_eq!(batch.count().await, 2);
}

/// No answer of a batch is made for a connection that does not read, although its questions are asked in tasks of
/// their own.
#[tokio::test]
async fn questions_of_a_batch_come_by_its_connection() {
    const BOUND: usize = 1 << 20;
    let answers = answers::Answers::new(fake().0, Arc::new(pool::SearchPool::new(1, 4)), 0);
    let limits = calls::CallLimits {
        changing: Arc::default(),
        batch_window: 2,
        max_response_bytes: 1 << 20,
    };
    let calls = calls::SearchCalls::new(Arc::new(answers), Arc::default(), limits);
    let connections = Arc::new(activity::Connections::new(patience::Patience {
        unread: Duration::from_secs(60),
        unread_bytes: BOUND,
        body_bytes: BOUND,
        idle: Duration::from_secs(60),
    }));
    let connection = connections.join();
    let call = connection.call();
    let ask = || {
        activity::coming_by(Some(connection.clone()), async {
            calls.batch(vec![asked("医保")], None, Ok)
        })
    };
    let asked_now = ask().await.unwrap();
    call.hold(BOUND);
    let refused: Vec<_> = asked_now.collect().await;
    assert!(
        matches!(&refused[..], [Ok((0, Err(error)))] if error.fault() == Fault::Exhausted),
        "{refused:?}"
    );
    call.release(BOUND);
    let answered: Vec<_> = ask().await.unwrap().collect().await;
    assert!(matches!(&answered[..], [Ok((0, Ok(_)))]), "{answered:?}");
}

/// A connection without a call, although it answers every ping.
#[tokio::test]
async fn a_connection_without_a_call_ends_and_the_next_one_is_served() {
    let limits = ServiceSettings {
        idle: Duration::from_millis(1),
        ..settings()
    };
    let (running, metrics) = counted(limits).await;
    let channel = running.channel().await;
    until(&metrics, "baowen_connections_cut_total{reason=\"idle\"} 1").await;
    until(&metrics, "baowen_connections 0").await;
    // The channel connects again by itself.
    let mut client = SearchServiceClient::new(channel);
    // On a slow machine the new connection, too, is without a call for too long before this one begins.
    while client.search(asked("医保")).await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// Every place is taken by connections that asked once and stay.
#[tokio::test]
async fn who_asked_once_and_stays_gives_its_place_to_a_new_connection() {
    let limits = ServiceSettings {
        connections: 2,
        ..settings()
    };
    let (running, metrics) = counted(limits).await;
    let mut staying = Vec::new();
    for _ in 0..2 {
        let mut client = running.raw().await;
        client.search(asked("医保")).await.unwrap();
        staying.push(client);
    }
    let mut new = running.raw().await;
    new.search(asked("医保")).await.unwrap();
    until(&metrics, "baowen_connections_cut_total{reason=\"idle\"} 1").await;
}

/// The only place is taken by a connection whose call only waits: for the rest of its body, or for news of the health.
#[tokio::test]
async fn who_only_waits_gives_its_place_to_a_new_connection() {
    for watches in [false, true] {
        let limits = ServiceSettings {
            connections: 1,
            body_pause: Duration::from_secs(3_600),
            body_least: 0,
            ..settings()
        };
        let (running, metrics) = counted(limits).await;
        let (mut slow, mut watched) = (None, None);
        if watches {
            let mut health = HealthClient::new(running.channel().await);
            let mut news = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
            news.message().await.unwrap().unwrap();
            watched = Some(news);
        } else {
            let json = "content-type: application/json\r\n";
            slow = Some(begin_body(&running, "/v1/search", json, b"{").await);
        }
        until(&metrics, "baowen_requests_in_flight 1").await;
        let mut new = running.raw().await;
        new.search(asked("医保")).await.unwrap();
        until(&metrics, "baowen_connections_cut_total{reason=\"idle\"} 1").await;
        drop((slow, watched));
    }
}

/// A call is known by its caller's id, or by one of ours, and its numbers are there when it has ended.
#[tokio::test]
async fn a_call_has_an_id_and_is_counted() {
    let (running, metrics) = counted(settings()).await;
    let mut client = running.raw().await;
    let mut request = Request::new(asked("医保"));
    request
        .metadata_mut()
        .insert("x-request-id", "theirs-1".parse().unwrap());
    let answer = client.search(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "theirs-1");
    let refused = client.search(asked("fault 0")).await.unwrap_err();
    assert_eq!(refused.metadata().get("x-request-id").unwrap().len(), 16);
    let line = |code, count| {
        format!("baowen_requests_total{{method=\"baowen.v1.SearchService/Search\",code=\"{code}\"}} {count}")
    };
    until(&metrics, &line("OK", 1)).await;
    until(&metrics, &line("INVALID_ARGUMENT", 1)).await;
    until(&metrics, "baowen_requests_in_flight 0").await;
    assert!(metrics.text().contains("baowen_ready 1\n"));
}
