//! Plain HTTP on the service's port: each call with JSON in and out, by the proto3 mapping. What a call does stands in
//! `calls` and `index_calls`, as for gRPC; here are its addresses.
//!
//! Limits, deadlines, admission and kept answers are those of gRPC, from the same code.

mod addresses;
mod exchange;
mod json;
mod openapi;
mod packing;
mod page;
mod params;
mod plain;
mod schema;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, Cors};

use self::exchange::{Call, Effect, failed, failed_as, respond};
use super::admission::Room;
use super::calls::SearchCalls;
use super::index_calls::IndexCalls;
use super::refusal::Protocol;
use super::wire;
use crate::error::{Error, Result};

/// What the addresses lead to.
#[derive(Clone)]
pub struct Services {
    /// `SearchService`.
    pub search: SearchCalls,
    /// `IndexService`.
    pub index: IndexCalls,
    /// Room for its calls, shared with gRPC.
    pub room: Room,
    /// Room for files that are read, shared with gRPC.
    pub reading_room: Room,
    /// Whether the service says SERVING.
    pub is_serving: Arc<AtomicBool>,
    /// Largest body with a question, in bytes.
    pub max_request_bytes: usize,
    /// Largest body with articles, in bytes; of an import, the largest line.
    pub max_write_bytes: usize,
}

/// Articles of a page if it is not said how many.
const PAGE: u32 = 100;

/// All addresses.
pub fn routes(services: Services) -> Router {
    let most = services.max_request_bytes;
    #[cfg(feature = "mcp")]
    let router = Router::new().route("/mcp", super::mcp::route(services.search.clone(), most));
    #[cfg(not(feature = "mcp"))]
    let router = Router::new();
    router
        .route(
            "/v1/search",
            reading(&services, "SearchRequest", |services, request, deadline| async move {
                services.search.search(request, deadline, json::write).await
            }),
        )
        .route(
            "/v1/similar",
            reading(&services, "SimilarRequest", |services, request, deadline| async move {
                services.search.similar(request, deadline, json::write).await
            }),
        )
        .route(
            "/v1/facets",
            reading(&services, "FacetsRequest", |services, request, deadline| async move {
                services.search.facets(request, deadline, json::write).await
            }),
        )
        .route(
            "/v1/suggest",
            reading(&services, "SuggestRequest", |services, request, deadline| async move {
                services.search.suggest(request, deadline, json::write).await
            }),
        )
        .route(
            "/v1/analyze",
            reading(&services, "AnalyzeRequest", |services, request, deadline| async move {
                services.search.analyze(request, deadline, json::write).await
            }),
        )
        .route(
            "/v1/questions",
            reading(
                &services,
                "QuestionsToReviewRequest",
                |services, request, deadline| async move {
                    services
                        .search
                        .questions_to_review(request, deadline, json::write)
                        .await
                },
            ),
        )
        .route(
            "/v1/search:batch",
            post(with(&services, move |services, request| batch(services, request, most))),
        )
        .route(
            "/v1/articles:get",
            post(with(&services, |services, request| async move {
                let call = Call::new(request);
                let deadline = call.deadline();
                let message = call
                    .message("GetArticleRequest", Effect::Reads, services.max_request_bytes)
                    .await;
                match message {
                    Ok(message) => respond(services.search.get_article(message, deadline, json::write).await),
                    Err(error) => failed(&error),
                }
            })),
        )
        .route(
            "/v1/articles/{*id}",
            get({
                let services = services.clone();
                move |Path(article_id): Path<String>, request: Request| async move {
                    let call = Call::new(request);
                    let deadline = call.deadline();
                    match call.about_article(article_id) {
                        Ok(request) => respond(services.search.get_article(request, deadline, json::write).await),
                        Err(error) => failed(&error),
                    }
                }
            }),
        )
        .route(
            "/v1/articles",
            describing(
                &services,
                "ListArticlesRequest",
                |services, mut request: wire::ListArticlesRequest, deadline| async move {
                    if request.article_ids.is_empty() {
                        request.page_size.get_or_insert(PAGE);
                    }
                    services.index.describing.list_whole(request, deadline).await
                },
            ),
        )
        .route("/v1/articles:import", post(with(&services, import)))
        .route(
            "/v1/articles:upsert",
            writing(
                &services,
                "UpsertArticlesRequest",
                |services, request, deadline| async move { services.index.upsert(request, deadline).await },
            ),
        )
        .route(
            "/v1/articles:delete",
            writing(
                &services,
                "DeleteArticlesRequest",
                |services, request, deadline| async move { services.index.delete(request, deadline).await },
            ),
        )
        .route(
            "/v1/commit",
            writing(&services, "CommitRequest", |services, request, deadline| async move {
                services.index.commit(request, deadline).await
            }),
        )
        .route(
            "/v1/snapshot",
            writing(&services, "SnapshotRequest", |services, request, deadline| async move {
                services.index.snapshot(request, deadline).await
            }),
        )
        .route(
            "/v1/read",
            post(with(&services, |services, request| {
                let room = services.reading_room.clone();
                let read = |services: Services, file, deadline| async move {
                    services.index.reading.read_file(file, deadline).await
                };
                of_index(services, room, request, "ReadFileRequest", Effect::Writes, read)
            })),
        )
        .route(
            "/v1/stats",
            describing(&services, "StatsRequest", |services, request, deadline| async move {
                services.index.describing.stats(request, deadline).await
            }),
        )
        .route(
            "/v1/sources",
            describing(
                &services,
                "ListSourcesRequest",
                |services, request, deadline| async move { services.index.describing.sources(request, deadline).await },
            ),
        )
        .route(
            "/openapi.json",
            get(async || respond(Ok(openapi::DOCUMENT.clone().into_bytes()))),
        )
        .merge(page::routes())
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(with(&services, |services, _| async move {
                match services.is_serving.load(Ordering::Acquire) {
                    true => (StatusCode::OK, "SERVING\n").into_response(),
                    // Why is in the log: it may name places of the operator's network, and anybody may ask.
                    false => (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING\n").into_response(),
                }
            })),
        )
        .method_not_allowed_fallback(|request: Request| async move { wrong_method(&request) })
        .layer(from_fn(packing::unpacked))
        .layer(from_fn(exchange::only_what_is_read_rightly))
        // As fast as packing goes: who asks waits for the answer, too.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

/// Services that tell browsers which origins may ask, for every protocol, also where they refuse a call; without
/// origins browsers are told nothing, and ask nothing. Whoever asks by OPTIONS what it may send is answered here.
///
/// # Errors
/// `Caller` if one is not written as browsers write them.
pub fn with_origins<S>(inner: S, allowed: &str) -> Result<Cors<S>> {
    let allowed: Vec<&str> = allowed
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let cors = Cors::new(inner);
    if allowed.is_empty() {
        return Ok(cors);
    }
    let origin = |text: &&str| {
        let is_one = text.starts_with("http://") || text.starts_with("https://");
        let value = text.parse().ok().filter(|_| is_one && !text.ends_with('/'));
        value.ok_or_else(|| {
            Error::caller(format!("cors_origins: `{text}` is no origin"))
                .help("write it as https://example.org, without a path, or `*`")
        })
    };
    let allow = match allowed.contains(&"*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(allowed.iter().map(origin).collect::<Result<Vec<_>>>()?),
    };
    let names = |names: &'static [&'static str]| names.iter().copied().map(HeaderName::from_static);
    Ok(cors
        .allow_origin(allow)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(names(ALLOWED_HEADERS).collect::<Vec<_>>())
        .expose_headers(names(SHOWN_HEADERS).collect::<Vec<_>>())
        .max_age(Duration::from_secs(600)))
}

/// What a page of another origin may send: for JSON, and for gRPC-Web.
const ALLOWED_HEADERS: &[&str] = &[
    "authorization",
    "content-type",
    "grpc-timeout",
    "timeout",
    "x-grpc-web",
    "x-request-id",
    "x-user-agent",
];
/// What it may read.
const SHOWN_HEADERS: &[&str] = &[
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "retry-after",
    "x-request-id",
];

/// The answer where no address is: to either protocol in its own words.
pub async fn not_found(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let error = Error::missing(format!("nothing is at {path}")).help("the addresses are in /openapi.json");
    match Protocol::of(&request) {
        Protocol::Grpc => tonic::Status::unimplemented("").into_http::<Body>(),
        Protocol::Http => failed(&error),
    }
}

fn wrong_method(request: &Request) -> Response {
    let error = Error::caller(format!("{} is not a method of this address", request.method()));
    let error = error.help("the methods are in /openapi.json");
    failed_as(StatusCode::METHOD_NOT_ALLOWED, &error)
}

/// A handler of its own copy of the services.
fn with<F, A>(services: &Services, handle: F) -> impl Fn(Request) -> A + Clone + Send + Sync + 'static
where
    F: Fn(Services, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let services = services.clone();
    move |request| handle(services.clone(), request)
}

/// A call of `SearchService` by GET and POST, whose answer is JSON already.
fn reading<Q, F, A>(services: &Services, message: &'static str, call: F) -> MethodRouter
where
    Q: DeserializeOwned + Send + 'static,
    F: Fn(Services, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<Vec<u8>>> + Send + 'static,
{
    let handler = with(services, move |services, request| async move {
        let arrived = Call::new(request);
        let deadline = arrived.deadline();
        match arrived
            .message(message, Effect::Reads, services.max_request_bytes)
            .await
        {
            Ok(message) => respond(call(services, message, deadline).await),
            Err(error) => failed(&error),
        }
    });
    get(handler.clone()).post(handler)
}

/// A call of `IndexService` that answers, by GET and POST.
fn describing<Q, T, F, A>(services: &Services, message: &'static str, call: F) -> MethodRouter
where
    Q: DeserializeOwned + Send + 'static,
    T: Serialize + 'static,
    F: Fn(Services, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<T>> + Send + 'static,
{
    let handler = with(services, move |services, request| {
        let room = services.room.clone();
        of_index(services, room, request, message, Effect::Reads, call)
    });
    get(handler.clone()).post(handler)
}

/// A call of `IndexService` that writes, by POST.
fn writing<Q, T, F, A>(services: &Services, message: &'static str, call: F) -> MethodRouter
where
    Q: DeserializeOwned + Send + 'static,
    T: Serialize + 'static,
    F: Fn(Services, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<T>> + Send + 'static,
{
    post(with(services, move |services, request| {
        let room = services.room.clone();
        of_index(services, room, request, message, Effect::Writes, call)
    }))
}

async fn of_index<Q, T, F, A>(
    services: Services,
    room: Room,
    request: Request,
    message: &'static str,
    effect: Effect,
    call: F,
) -> Response
where
    Q: DeserializeOwned + Send + 'static,
    T: Serialize + 'static,
    F: Fn(Services, Q, Option<Instant>) -> A,
    A: Future<Output = Result<T>>,
{
    let answer = async {
        let _place = room.enter()?;
        let arrived = Call::new(request);
        let deadline = arrived.deadline();
        let message = arrived.message(message, effect, services.max_write_bytes).await?;
        json::write(call(services.clone(), message, deadline).await?)
    };
    respond(answer.await)
}

async fn batch(services: Services, request: Request, most: usize) -> Response {
    let call = Call::new(request);
    let deadline = call.deadline();
    let answer = async {
        let batch: wire::BatchSearchRequest = call.message("BatchSearchRequest", Effect::Reads, most).await?;
        services.search.batch(batch.requests, deadline, json::write)
    };
    match answer.await {
        Ok(items) => streams::events(items),
        Err(error) => failed(&error),
    }
}

async fn import(services: Services, request: Request) -> Response {
    let answer = async {
        let _place = services.room.enter()?;
        let call = Call::new(request);
        let deadline = call.deadline();
        let named = form_urlencoded::parse(call.query().as_bytes()).filter(|(name, _)| name == "source");
        let mut named = named.map(|(_, source)| source.into_owned());
        let source = named.next().ok_or_else(|| {
            Error::caller("source: is not set")
                .help("name what the articles come from: /v1/articles:import?source=NAME")
        })?;
        if named.next().is_some() {
            return Err(Error::caller("source: is given twice"));
        }
        let articles = streams::articles(call.lines()?, source, services.max_write_bytes);
        json::write(services.index.import(articles, deadline).await?)
    };
    respond(answer.await)
}
