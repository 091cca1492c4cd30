//! What answers the tools: a collection of this process, or a service that runs elsewhere. Both speak in messages of
//! `baowen.v1`, so that a tool need not know which of them it is.

use std::time::Instant;

use tonic::{Request, Response, Status};

use crate::error::Result;
use crate::service::calls::SearchCalls;
use crate::service::client::{ConnectOptions, MAX_RESPONSE_BYTES, Way, channel};
use crate::service::wire::search_service_client::SearchServiceClient;
use crate::service::{status, wire};

/// What answers the tools. Clones share it.
#[derive(Clone)]
pub enum Behind {
    /// A collection of this process.
    Here(SearchCalls),
    /// A service that runs elsewhere.
    There(SearchServiceClient<Way>),
}

/// The answer of either to the same message, within the same time.
macro_rules! asked {
    ($self:ident, $call:ident, $message:ident, $until:ident) => {
        match $self {
            Behind::Here(calls) => calls.$call($message, Some($until), Ok).await,
            Behind::There(client) => {
                let mut request = Request::new($message);
                request.set_timeout($until.saturating_duration_since(Instant::now()));
                received(client.clone().$call(request).await)
            }
        }
    };
}

impl Behind {
    /// A service that runs elsewhere.
    ///
    /// # Errors
    /// `Caller` if the address is none, `Unavailable` if nothing answers there.
    pub async fn connect(options: &ConnectOptions) -> Result<Behind> {
        let client = SearchServiceClient::new(channel(options).await?);
        Ok(Behind::There(client.max_decoding_message_size(MAX_RESPONSE_BYTES)))
    }

    pub(super) async fn search(&self, message: wire::SearchRequest, until: Instant) -> Result<wire::SearchResponse> {
        asked!(self, search, message, until)
    }

    pub(super) async fn get_article(
        &self,
        message: wire::GetArticleRequest,
        until: Instant,
    ) -> Result<wire::GetArticleResponse> {
        asked!(self, get_article, message, until)
    }

    pub(super) async fn similar(&self, message: wire::SimilarRequest, until: Instant) -> Result<wire::SimilarResponse> {
        asked!(self, similar, message, until)
    }

    pub(super) async fn facets(&self, message: wire::FacetsRequest, until: Instant) -> Result<wire::FacetsResponse> {
        asked!(self, facets, message, until)
    }
}

fn received<T>(answer: Result<Response<T>, Status>) -> Result<T> {
    answer
        .map(Response::into_inner)
        .map_err(|status| status::from_status(&status))
}
