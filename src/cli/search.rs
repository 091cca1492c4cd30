//! `baowen search "问题"`: asks a running service, or opens the index itself.

use std::time::{Duration, Instant};

use clap::Args;

use super::answer::{self, Detail, Look};
use super::options::{Credentials, IndexFolder, ProfileFile, Question, RerankerName, parse_day, parse_kind};
use super::{print, refused, remote, setup};
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::model::{ArticleKind, Date, Filter};
use crate::search::request::{Grouping, SearchRequest};
use crate::search::response::SearchResponse;
use crate::service;

/// How long an answer may take; a model behind an address that takes longer is gone without.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ask a question, of an index here or of a running service.
#[derive(Args)]
pub struct Search {
    /// The question in plain language.
    #[arg(value_name = "QUESTION")]
    query: String,
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Ask the service at this address instead of opening an index.
    #[arg(long, value_name = "HOST:PORT")]
    #[cfg_attr(feature = "milvus", arg(conflicts_with = "address"))]
    addr: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
    /// Hits wanted.
    #[arg(long, value_name = "N", default_value_t = 5)]
    top_k: usize,
    /// Hits to pass over first.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    profile: ProfileFile,
    #[command(flatten)]
    reranker: RerankerName,
    /// Say why each hit stands where it stands.
    #[arg(long)]
    explain: bool,
    /// Return every passage for itself, not one hit an article.
    #[arg(long)]
    passages: bool,
    /// Only these articles (repeat for several).
    #[arg(long, value_name = "ID")]
    article: Vec<String>,
    /// Only these publishers.
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Only these regions (浙江, 兰州).
    #[arg(long, value_name = "NAME")]
    region: Vec<String>,
    /// Only these years.
    #[arg(long, value_name = "YEAR")]
    year: Vec<u16>,
    /// Only whole articles, or only summaries.
    #[arg(long, value_parser = parse_kind, value_name = "full|summary")]
    kind: Vec<ArticleKind>,
    /// Only what was published on this day or later.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: Option<Date>,
    /// Only what was published on this day or earlier.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<Date>,
    /// Print a line a hit.
    #[arg(long, conflicts_with_all = ["full", "json"])]
    brief: bool,
    /// Print whole passages, not only what stands around the answering sentence.
    #[arg(long, conflicts_with = "json")]
    full: bool,
    /// Print the answer as JSON, in the shape of the protocol.
    #[arg(long)]
    json: bool,
}

impl Search {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let request = SearchRequest {
            top_k: Some(self.top_k),
            offset: self.offset,
            explain: self.explain,
            grouping: if self.passages {
                Grouping::Passage
            } else {
                Grouping::Article
            },
            filter: Filter {
                article_ids: self.article.clone(),
                sources: self.source.clone(),
                regions: self.region.clone(),
                years: self.year.clone(),
                published_from: self.from,
                published_to: self.to,
                kinds: self.kind.clone(),
            },
            today: Date::today(),
            ..self.question.request(&self.query)
        };
        let response = (request.check().and_then(|()| self.ask(request.clone())))
            .map_err(|error| refused::for_asker(error, &request))?;
        if self.json {
            return print::json(&service::convert::response(&response, &response.timings));
        }
        let detail = match (self.brief, self.full) {
            (true, _) => Detail::Brief,
            (false, true) => Detail::Full,
            (false, false) => Detail::Card,
        };
        out_painted!(answer::text(&response, detail, Look::detect()));
        if response.hits.is_empty() && (request.offset > 0 || !request.filter.is_empty()) {
            outln!("所选的范围（筛选或页数）之内没有；去掉 --region、--year、--offset 等再问一次。");
        }
        Ok(())
    }

    /// Asks the service, the engine behind the seam, or the index in the folder.
    fn ask(&self, mut request: SearchRequest) -> Result<SearchResponse> {
        match &self.addr {
            Some(_) if self.profile.file.is_some() => Err(Error::caller(
                "--profile: a running service has its own; start it with it",
            )),
            Some(_) if self.reranker.name.is_some() => Err(Error::caller(
                "--reranker: a running service has its own; start it with it",
            )),
            Some(addr) => {
                request.deadline = Some(Instant::now() + PATIENCE);
                remote::search(&self.credentials.at(addr)?, &request)
            }
            #[cfg(feature = "milvus")]
            None if self.backend.address.is_some() => {
                let address = self.backend.address.as_deref().unwrap_or_default();
                let opened = super::milvus::open(address, &self.profile.read()?, self.reranker.name.as_deref())?;
                request.deadline = Some(Instant::now() + PATIENCE);
                opened.engine.search(&request, Budget::all())
            }
            None => {
                let opened = setup::open(&self.index.folder, &self.profile.read()?)?;
                let opened = opened.with_reranker(self.reranker.name.as_deref())?;
                request.deadline = Some(Instant::now() + PATIENCE);
                opened.engine.search(&request, Budget::all())
            }
        }
    }
}
