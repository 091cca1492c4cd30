//! The addresses of calls with what stands behind each: what `/openapi.json` is made of. A test names calls without
//! one.

/// How a call is given its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By parameters (GET).
    Parameters,
    /// As JSON (POST).
    Body,
    /// By the address itself (GET).
    Address,
    /// As lines of JSON, one `Article` each (POST).
    Lines,
}

/// How a call answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// By one message.
    Json,
    /// By server-sent events.
    Events,
}

/// An address.
pub struct Address {
    /// Its path; `{article_id}` stands for the rest.
    pub path: &'static str,
    /// As `Service.Method`.
    pub call: &'static str,
    /// The message it is given.
    pub message: &'static str,
    /// How.
    pub given: Given,
    /// The message it answers with, or one of many.
    pub answer: &'static str,
    /// How.
    pub answered: Answered,
}

const fn address(
    path: &'static str,
    call: &'static str,
    message: &'static str,
    given: Given,
    answer: &'static str,
) -> Address {
    Address {
        path,
        call,
        message,
        given,
        answer,
        answered: Answered::Json,
    }
}

/// Every address with the call behind it.
pub const ADDRESSES: &[Address] = &[
    address(
        "/v1/search",
        "SearchService.Search",
        "SearchRequest",
        Given::Parameters,
        "SearchResponse",
    ),
    address(
        "/v1/search",
        "SearchService.Search",
        "SearchRequest",
        Given::Body,
        "SearchResponse",
    ),
    Address {
        answered: Answered::Events,
        ..address(
            "/v1/search:batch",
            "SearchService.BatchSearch",
            "BatchSearchRequest",
            Given::Body,
            "BatchSearchResponse",
        )
    },
    address(
        "/v1/articles/{article_id}",
        "SearchService.GetArticle",
        "GetArticleRequest",
        Given::Address,
        "GetArticleResponse",
    ),
    address(
        "/v1/articles:get",
        "SearchService.GetArticle",
        "GetArticleRequest",
        Given::Body,
        "GetArticleResponse",
    ),
    address(
        "/v1/similar",
        "SearchService.Similar",
        "SimilarRequest",
        Given::Parameters,
        "SimilarResponse",
    ),
    address(
        "/v1/similar",
        "SearchService.Similar",
        "SimilarRequest",
        Given::Body,
        "SimilarResponse",
    ),
    address(
        "/v1/facets",
        "SearchService.Facets",
        "FacetsRequest",
        Given::Parameters,
        "FacetsResponse",
    ),
    address(
        "/v1/facets",
        "SearchService.Facets",
        "FacetsRequest",
        Given::Body,
        "FacetsResponse",
    ),
    address(
        "/v1/suggest",
        "SearchService.Suggest",
        "SuggestRequest",
        Given::Parameters,
        "SuggestResponse",
    ),
    address(
        "/v1/suggest",
        "SearchService.Suggest",
        "SuggestRequest",
        Given::Body,
        "SuggestResponse",
    ),
    address(
        "/v1/analyze",
        "SearchService.Analyze",
        "AnalyzeRequest",
        Given::Parameters,
        "AnalyzeResponse",
    ),
    address(
        "/v1/analyze",
        "SearchService.Analyze",
        "AnalyzeRequest",
        Given::Body,
        "AnalyzeResponse",
    ),
    address(
        "/v1/questions",
        "SearchService.QuestionsToReview",
        "QuestionsToReviewRequest",
        Given::Parameters,
        "QuestionsToReviewResponse",
    ),
    address(
        "/v1/questions",
        "SearchService.QuestionsToReview",
        "QuestionsToReviewRequest",
        Given::Body,
        "QuestionsToReviewResponse",
    ),
    address(
        "/v1/articles",
        "IndexService.ListArticles",
        "ListArticlesRequest",
        Given::Parameters,
        "ListArticlesResponse",
    ),
    address(
        "/v1/articles",
        "IndexService.ListArticles",
        "ListArticlesRequest",
        Given::Body,
        "ListArticlesResponse",
    ),
    address(
        "/v1/articles:upsert",
        "IndexService.UpsertArticles",
        "UpsertArticlesRequest",
        Given::Body,
        "UpsertArticlesResponse",
    ),
    address(
        "/v1/articles:import",
        "IndexService.ImportArticles",
        "Article",
        Given::Lines,
        "ImportArticlesResponse",
    ),
    address(
        "/v1/articles:delete",
        "IndexService.DeleteArticles",
        "DeleteArticlesRequest",
        Given::Body,
        "DeleteArticlesResponse",
    ),
    address(
        "/v1/commit",
        "IndexService.Commit",
        "CommitRequest",
        Given::Body,
        "CommitResponse",
    ),
    address(
        "/v1/snapshot",
        "IndexService.Snapshot",
        "SnapshotRequest",
        Given::Body,
        "SnapshotResponse",
    ),
    address(
        "/v1/read",
        "IndexService.ReadFile",
        "ReadFileRequest",
        Given::Body,
        "ReadFileResponse",
    ),
    address(
        "/v1/stats",
        "IndexService.Stats",
        "StatsRequest",
        Given::Parameters,
        "StatsResponse",
    ),
    address(
        "/v1/stats",
        "IndexService.Stats",
        "StatsRequest",
        Given::Body,
        "StatsResponse",
    ),
    address(
        "/v1/sources",
        "IndexService.ListSources",
        "ListSourcesRequest",
        Given::Parameters,
        "ListSourcesResponse",
    ),
    address(
        "/v1/sources",
        "IndexService.ListSources",
        "ListSourcesRequest",
        Given::Body,
        "ListSourcesResponse",
    ),
];
