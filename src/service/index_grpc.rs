//! `IndexService` as tonic takes it: each method hands its message to the call and the answer back.

use std::pin::Pin;

use futures_util::stream::{self, Stream, TryStreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::deadline::parts;
use super::import::Part;
use super::index_calls::IndexCalls;
use super::status::{self, answered};
use super::wire;
use super::wire::index_service_server::IndexService;

#[tonic::async_trait]
impl IndexService for IndexCalls {
    async fn upsert_articles(
        &self,
        request: Request<wire::UpsertArticlesRequest>,
    ) -> Result<Response<wire::UpsertArticlesResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.upsert(request, deadline).await)
    }

    async fn import_articles(
        &self,
        request: Request<Streaming<wire::ImportArticlesRequest>>,
    ) -> Result<Response<wire::ImportArticlesResponse>, Status> {
        let (messages, deadline) = parts(request);
        let parts = messages
            .map_ok(Part::from)
            .map_err(|status| status::unreadable(&status));
        answered(self.import(parts, deadline).await)
    }

    async fn delete_articles(
        &self,
        request: Request<wire::DeleteArticlesRequest>,
    ) -> Result<Response<wire::DeleteArticlesResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.delete(request, deadline).await)
    }

    async fn commit(&self, request: Request<wire::CommitRequest>) -> Result<Response<wire::CommitResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.commit(request, deadline).await)
    }

    async fn stats(&self, request: Request<wire::StatsRequest>) -> Result<Response<wire::StatsResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.describing.stats(request, deadline).await)
    }

    async fn list_sources(
        &self,
        request: Request<wire::ListSourcesRequest>,
    ) -> Result<Response<wire::ListSourcesResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.describing.sources(request, deadline).await)
    }

    type ListArticlesStream = Pin<Box<dyn Stream<Item = Result<wire::ListArticlesResponse, Status>> + Send>>;

    async fn list_articles(
        &self,
        request: Request<wire::ListArticlesRequest>,
    ) -> Result<Response<Self::ListArticlesStream>, Status> {
        let (request, deadline) = parts(request);
        let listed = self.describing.list(request, deadline).await;
        let listed = listed.map_err(|error| status::to_status(&error))?;
        Ok(Response::new(Box::pin(stream::iter(listed.map(Ok)))))
    }

    async fn snapshot(
        &self,
        request: Request<wire::SnapshotRequest>,
    ) -> Result<Response<wire::SnapshotResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.snapshot(request, deadline).await)
    }

    async fn read_file(
        &self,
        request: Request<wire::ReadFileRequest>,
    ) -> Result<Response<wire::ReadFileResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.reading.read_file(request, deadline).await)
    }
}
