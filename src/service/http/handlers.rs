//! What stands behind each address: which method it calls, how the method's message is read, how its answer goes out.
//!
//! What a call does stands in `calls` and `index_calls`, as for gRPC; which addresses there are, in `methods`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, on};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exchange::{Call, Effect, failed, respond};
use super::{json, streams};
use crate::error::{Error, Fault, Result};
use crate::service::admission::Room;
use crate::service::calls::SearchCalls;
use crate::service::index_calls::IndexCalls;
use crate::service::methods::{Given, HttpAddress, METHODS, Method, Rpc};
use crate::service::pool::beside_worker;
use crate::service::wire;

/// What the addresses lead to.
#[derive(Clone)]
pub struct Services {
    /// `SearchService`.
    pub search: SearchCalls,
    /// `IndexService`.
    pub index: IndexCalls,
    /// Room for its calls that write, shared with gRPC.
    pub room: Room,
    /// Room for those of them that describe the index, shared with gRPC.
    pub describing_room: Room,
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

/// The addresses of all methods.
pub fn routes(services: &Services) -> Router {
    let mut router = Router::new();
    for method in METHODS {
        for address in method.addresses {
            if is_similar_by_path(method, address) {
                continue;
            }
            let route = Route {
                services: services.clone(),
                message: method.request,
                given: address.given,
            };
            let path = address.path.replace('*', "{*article_id}");
            router = router.route(&path, route.handler(method.rpc));
        }
    }
    router
}

/// Whether it is an address that the one of articles answers too: of ids that have slashes only the index knows where
/// they end.
fn is_similar_by_path(method: &Method, address: &HttpAddress) -> bool {
    method.rpc == Rpc::Similar && address.given == Given::Path
}

/// One address of a method, with what its handler needs.
struct Route {
    services: Services,
    message: &'static str,
    given: Given,
}

impl Route {
    fn handler(self, rpc: Rpc) -> MethodRouter {
        match rpc {
            Rpc::Search => {
                self.asking(|calls, asked, until| async move { calls.search(asked, until, json::write).await })
            }
            Rpc::BatchSearch => self.handling(batch),
            Rpc::GetArticle if self.given == Given::Path => article(self.services),
            Rpc::GetArticle => {
                self.asking(|calls, asked, until| async move { calls.get_article(asked, until, json::write).await })
            }
            Rpc::Similar => {
                self.asking(|calls, asked, until| async move { calls.similar(asked, until, json::write).await })
            }
            Rpc::Facets => {
                self.asking(|calls, asked, until| async move { calls.facets(asked, until, json::write).await })
            }
            Rpc::Suggest => {
                self.asking(|calls, asked, until| async move { calls.suggest(asked, until, json::write).await })
            }
            Rpc::Analyze => {
                self.asking(|calls, asked, until| async move { calls.analyze(asked, until, json::write).await })
            }
            Rpc::QuestionsToReview => {
                self.asking(
                    |calls, asked, until| async move { calls.questions_to_review(asked, until, json::write).await },
                )
            }
            Rpc::ListArticles => self.of_index(Effect::Reads, list_articles),
            Rpc::UpsertArticles => self.of_index(Effect::Writes, |calls, asked, until| async move {
                calls.upsert(asked, until).await
            }),
            Rpc::ImportArticles => self.handling(import),
            Rpc::DeleteArticles => self.of_index(Effect::Writes, |calls, asked, until| async move {
                calls.delete(asked, until).await
            }),
            Rpc::Commit => self.of_index(Effect::Writes, |calls, asked, until| async move {
                calls.commit(asked, until).await
            }),
            Rpc::Snapshot => self.of_index(Effect::Writes, |calls, asked, until| async move {
                calls.snapshot(asked, until).await
            }),
            Rpc::ReadFile => {
                let room = self.services.reading_room.clone();
                self.in_room(room, Effect::Writes, |calls, asked, until| async move {
                    calls.reading.read_file(asked, until).await
                })
            }
            Rpc::Stats => self.of_index(Effect::Reads, |calls, asked, until| async move {
                calls.describing.stats(asked, until).await
            }),
            Rpc::ListSources => self.of_index(Effect::Reads, |calls, asked, until| async move {
                calls.describing.sources(asked, until).await
            }),
        }
    }

    /// A handler of its own copy of the services.
    fn handling<F, A>(self, handle: F) -> MethodRouter
    where
        F: Fn(Services, Request) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let verb = match self.given {
            Given::Parameters | Given::Path => MethodFilter::GET,
            Given::Body | Given::Lines => MethodFilter::POST,
        };
        let services = self.services;
        on(verb, move |request: Request| handle(services.clone(), request))
    }

    /// A call of `SearchService`, whose answer is JSON already.
    fn asking<Q, F, A>(self, call: F) -> MethodRouter
    where
        Q: DeserializeOwned + Send + 'static,
        F: Fn(SearchCalls, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<Vec<u8>>> + Send + 'static,
    {
        let name = self.message;
        self.handling(move |services, request| async move {
            let arrived = Call::new(request);
            let deadline = arrived.deadline();
            match arrived.message(name, Effect::Reads, services.max_request_bytes).await {
                Ok(message) => respond(call(services.search, message, deadline).await),
                Err(error) => failed(&error),
            }
        })
    }

    /// A call of `IndexService`, in the room that those that write share, or those that describe.
    fn of_index<Q, T, F, A>(self, effect: Effect, call: F) -> MethodRouter
    where
        Q: DeserializeOwned + Send + 'static,
        T: Serialize + 'static,
        F: Fn(IndexCalls, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<T>> + Send + 'static,
    {
        let room = match effect {
            Effect::Writes => self.services.room.clone(),
            Effect::Reads => self.services.describing_room.clone(),
        };
        self.in_room(room, effect, call)
    }

    fn in_room<Q, T, F, A>(self, room: Room, effect: Effect, call: F) -> MethodRouter
    where
        Q: DeserializeOwned + Send + 'static,
        T: Serialize + 'static,
        F: Fn(IndexCalls, Q, Option<Instant>) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<T>> + Send + 'static,
    {
        let name = self.message;
        self.handling(move |services, request| {
            let room = room.clone();
            async move {
                let answer = async {
                    let _place = room.enter()?;
                    let arrived = Call::new(request);
                    let deadline = arrived.deadline();
                    let message = arrived.message(name, effect, services.max_write_bytes).await?;
                    let answer = call(services.index, message, deadline).await?;
                    beside_worker(|| json::write(answer))
                };
                respond(answer.await)
            }
        })
    }
}

/// An article by its address; behind `/similar` those like it, unless there is one whose id ends so.
fn article(services: Services) -> MethodRouter {
    get(move |Path(article_id): Path<String>, request: Request| async move {
        let may_be_of_id = request.uri().path().ends_with(SIMILAR);
        let call = Call::new(request);
        let deadline = call.deadline();
        let answer = async {
            let search = services.search;
            if let Some(id) = article_id.strip_suffix(SIMILAR).filter(|_| may_be_of_id)
                && !is_there(&search, &article_id, deadline).await?
            {
                let asked = call.about_article("SimilarRequest", id.to_owned())?;
                return search.similar(asked, deadline, json::write).await;
            }
            let asked = call.about_article("GetArticleRequest", article_id)?;
            search.get_article(asked, deadline, json::write).await
        };
        respond(answer.await)
    })
}

/// What follows an article's id where those like it are asked for.
const SIMILAR: &str = "/similar";

/// Whether there is an article of this id.
async fn is_there(search: &SearchCalls, article_id: &str, deadline: Option<Instant>) -> Result<bool> {
    let asked = wire::GetArticleRequest {
        article_id: article_id.to_owned(),
        max_characters: Some(1),
        ..Default::default()
    };
    match search.get_article(asked, deadline, Ok).await {
        Ok(_) => Ok(true),
        Err(error) if error.fault() == Fault::Missing => Ok(false),
        Err(error) => Err(error),
    }
}

/// Over HTTP a list is a page of it, unless the articles are named.
async fn list_articles(
    calls: IndexCalls,
    mut request: wire::ListArticlesRequest,
    deadline: Option<Instant>,
) -> Result<wire::ListArticlesResponse> {
    if request.article_ids.is_empty() {
        request.page_size.get_or_insert(PAGE);
    }
    calls.describing.list_whole(request, deadline).await
}

async fn batch(services: Services, request: Request) -> Response {
    let call = Call::new(request);
    let deadline = call.deadline();
    let answer = async {
        let batch: wire::BatchSearchRequest = call
            .message("BatchSearchRequest", Effect::Reads, services.max_request_bytes)
            .await?;
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
        let source = call.parameter("source")?.ok_or_else(|| {
            Error::caller("source: is not set")
                .help("name what the articles come from: /v1/articles:import?source=NAME")
        })?;
        let articles = streams::articles(call.lines()?, source, services.max_write_bytes);
        let answer = services.index.import(articles, deadline).await?;
        beside_worker(|| json::write(answer))
    };
    respond(answer.await)
}
