//! What a collector of OpenTelemetry is told of calls: a real service, and a server here that takes in what it sends.

use std::future::{Ready, ready};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use axum::extract::Request;
use axum::routing::post;
use baowen::service::wire;
use baowen::service::wire::search_service_client::SearchServiceClient;
use tonic::server::{Grpc, UnaryService};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

use crate::operating::{Operated, command, get, sample};
use crate::service::block_on;

/// How long anything may take that happens by itself.
const SOON: Duration = Duration::from_secs(60);
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

// What is looked at here of OTLP's messages, by its numbers.

#[derive(Clone, PartialEq, prost::Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    of_resources: Vec<OfResource>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OfResource {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    of_scopes: Vec<OfScope>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OfScope {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Value {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(double, optional, tag = "4")]
    number: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Taken {}

impl Span {
    fn value(&self, key: &str) -> Option<&Value> {
        let found = self.attributes.iter().find(|attribute| attribute.key == key);
        found?.value.as_ref()
    }

    fn text(&self, key: &str) -> &str {
        self.value(key).and_then(|value| value.text.as_deref()).unwrap_or("")
    }
}

/// Gives on what it takes in.
#[derive(Clone)]
struct Take(Sender<OfResource>);

impl UnaryService<Export> for Take {
    type Response = Taken;
    type Future = Ready<Result<Response<Taken>, Status>>;

    fn call(&mut self, request: tonic::Request<Export>) -> Self::Future {
        for of_resource in request.into_inner().of_resources {
            let _ = self.0.send(of_resource);
        }
        ready(Ok(Response::new(Taken {})))
    }
}

/// A collector, and what it has taken in.
fn collector() -> (String, Receiver<OfResource>) {
    let (send, taken) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let export = move |request: Request| {
        let take = Take(send.clone());
        async move {
            let mut grpc = Grpc::new(ProstCodec::<Taken, Export>::default());
            grpc.unary(take, request).await.map(axum::body::Body::new)
        }
    };
    std::thread::spawn(move || {
        block_on(async {
            let routes = Routes::from(axum::Router::new().route(EXPORT, post(export)));
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            let server = tonic::transport::Server::builder().add_routes(routes);
            server.serve_with_incoming(incoming).await.unwrap();
        });
    });
    (address, taken)
}

/// Asks as a part of another program's call.
fn ask(service: &Operated, question: &str) {
    let mut request = tonic::Request::new(wire::SearchRequest {
        query: question.into(),
        ..Default::default()
    });
    let part_of = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.metadata_mut().insert("traceparent", part_of.parse().unwrap());
    request.metadata_mut().insert("x-request-id", "mine".parse().unwrap());
    block_on(async {
        let mut client = SearchServiceClient::connect(format!("http://{}", service.address))
            .await
            .unwrap();
        assert!(!client.search(request).await.unwrap().into_inner().hits.is_empty());
    });
}

#[test]
fn a_collector_is_told_of_calls_and_not_of_what_they_asked() {
    let (address, taken) = collector();
    let (_folder, index) = sample();
    let arguments = ["--listen", "127.0.0.1:0", "--otlp-endpoint", &address];
    let mut service = Operated::of(command(&index, &arguments));
    service.is_ready();
    ask(&service, "医保断缴了怎么办");
    assert!(get(&service.address, "/v1/search?q=%E5%8C%BB&top_k=0").starts_with("HTTP/1.1 400"));
    // The end waits for what is left.
    assert!(service.terminate().success());

    let mut spans = Vec::new();
    while let Ok(of_resource) = taken.try_recv() {
        let named = of_resource.resource.unwrap().attributes;
        let name = named.iter().find(|attribute| attribute.key == "service.name").unwrap();
        assert_eq!(name.value.as_ref().unwrap().text.as_deref(), Some("baowen"));
        spans.extend(of_resource.of_scopes.into_iter().flat_map(|of_scope| of_scope.spans));
    }
    let of = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name);
        let (span, None) = (found.next().unwrap(), found.next()) else {
            panic!("{name} twice in {spans:?}")
        };
        assert_eq!(span.kind, 2, "a server's");
        assert_eq!(span.text("rpc.method"), name);
        span
    };
    let answered = of("baowen.v1.SearchService/Search");
    assert_eq!(
        answered.trace_id,
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()
    );
    assert_eq!(answered.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(answered.text("rpc.response.status_code"), "OK");
    assert_eq!(answered.text("baowen.request_id"), "mine");
    for stage in ["analyze", "lexical", "assemble"] {
        let time = answered
            .value(&format!("baowen.{stage}_ms"))
            .and_then(|value| value.number);
        assert!(time.is_some_and(|time| time > 0.0), "{stage} in {answered:?}");
    }
    let refused = of("/v1/search");
    assert_eq!(refused.text("rpc.response.status_code"), "INVALID_ARGUMENT");
    assert!(refused.parent_span_id.is_empty() && !refused.text("baowen.request_id").is_empty());
    assert!(!format!("{spans:?}").contains("断缴"), "{spans:?}");
}

#[test]
fn a_collector_that_is_away_costs_nobody_anything() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_folder, index) = sample();
    let mut command = command(&index, &["--listen", "127.0.0.1:0"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nobody}"));
    let mut service = Operated::of(command);
    service.is_ready();
    ask(&service, "医保断缴了怎么办");
    service.line("traces are not sent");
    ask(&service, "医保断缴了怎么办");
    let (done, is_done) = channel();
    std::thread::spawn(move || done.send(service.terminate().success()));
    assert_eq!(is_done.recv_timeout(SOON), Ok(true));
}
