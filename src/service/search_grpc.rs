//! `SearchService` as tonic takes it: each method hands its message to the call and the answer back.

use std::pin::Pin;

use futures_util::stream::{Stream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status};

use super::calls::SearchCalls;
use super::deadline::parts;
use super::status::{self, answered};
use super::wire::search_service_server::SearchService;
use super::{convert, wire};

/// From this many bytes on an answer is packed for who takes it so; below, packing takes longer than sending.
const WORTH_PACKING: usize = 64 << 10;

#[tonic::async_trait]
impl SearchService for SearchCalls {
    async fn search(&self, request: Request<wire::SearchRequest>) -> Result<Response<wire::SearchResponse>, Status> {
        let (request, deadline) = parts(request);
        let mut response = answered(self.search(request, deadline, Ok).await)?;
        if response.get_ref().encoded_len() < WORTH_PACKING {
            response.disable_compression();
        }
        Ok(response)
    }

    type BatchSearchStream = Pin<Box<dyn Stream<Item = Result<wire::BatchSearchResponse, Status>> + Send>>;

    async fn batch_search(
        &self,
        request: Request<wire::BatchSearchRequest>,
    ) -> Result<Response<Self::BatchSearchStream>, Status> {
        let (request, deadline) = parts(request);
        let items = self.batch(request.requests, deadline, Ok);
        let items = items.map_err(|error| status::to_status(&error))?;
        let items = items.map(|item| match item {
            Ok((index, outcome)) => Ok(convert::batch_item(index, outcome)),
            Err(error) => Err(status::to_status(&error)),
        });
        Ok(Response::new(Box::pin(items)))
    }

    async fn get_article(
        &self,
        request: Request<wire::GetArticleRequest>,
    ) -> Result<Response<wire::GetArticleResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.get_article(request, deadline, Ok).await)
    }

    async fn similar(&self, request: Request<wire::SimilarRequest>) -> Result<Response<wire::SimilarResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.similar(request, deadline, Ok).await)
    }

    async fn facets(&self, request: Request<wire::FacetsRequest>) -> Result<Response<wire::FacetsResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.facets(request, deadline, Ok).await)
    }

    async fn suggest(&self, request: Request<wire::SuggestRequest>) -> Result<Response<wire::SuggestResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.suggest(request, deadline, Ok).await)
    }

    async fn questions_to_review(
        &self,
        request: Request<wire::QuestionsToReviewRequest>,
    ) -> Result<Response<wire::QuestionsToReviewResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.questions_to_review(request, deadline, Ok).await)
    }

    async fn analyze(&self, request: Request<wire::AnalyzeRequest>) -> Result<Response<wire::AnalyzeResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.analyze(request, deadline, Ok).await)
    }
}
