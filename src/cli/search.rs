//! `baowen search "问题"`: asks a running service, or opens the index itself.

use std::path::{Path, PathBuf};

use clap::Args;

use super::adapt::AdapterFile;
use super::print::{self, Style};
use super::{IndexFolder, remote, setup};
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Date, Filter};
use crate::search::Engine;
use crate::search::features::Weights;
use crate::search::request::{FusionMethod, FusionRequest, Grouping, Mode, SearchRequest};

/// What to ask and how; shared by every command that asks.
#[derive(Args, Clone)]
pub struct Question {
    /// Which rankings take part.
    #[arg(long, value_parser = parse_mode, default_value = "hybrid", value_name = "hybrid|lexical|dense")]
    pub mode: Mode,
    /// How the rankings are merged.
    #[arg(long, value_parser = parse_fusion, default_value = "learned", value_name = "learned|convex|rrf")]
    pub fusion: FusionMethod,
    /// Share of the dense score in a convex combination, 0 to 1.
    #[arg(long, value_name = "A")]
    pub dense_weight: Option<f32>,
    /// The constant of reciprocal rank fusion.
    #[arg(long, value_name = "K")]
    pub rrf_k: Option<f32>,
    /// Candidates taken from each ranking.
    #[arg(long, value_name = "N")]
    pub candidates: Option<usize>,
    /// Breadth of the graph search.
    #[arg(long, value_name = "N")]
    pub ef_search: Option<usize>,
    /// Rank by the weights of this file (`baowen tune` writes one); not for a running service.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

impl Question {
    /// The engine with the weights of the file that was named, if one was.
    pub fn weigh(&self, engine: Engine) -> Result<Engine> {
        match &self.weights {
            None => Ok(engine),
            Some(path) => Ok(engine.with_weights(read_weights(path)?)),
        }
    }

    /// A request for this question.
    pub fn request(&self, query: &str) -> SearchRequest {
        SearchRequest {
            query: query.to_string(),
            mode: self.mode,
            fusion: FusionRequest {
                method: self.fusion,
                dense_weight: self.dense_weight,
                rrf_k: self.rrf_k,
            },
            candidates: self.candidates,
            ef_search: self.ef_search,
            today: setup::today(),
            ..SearchRequest::default()
        }
    }
}

/// Ask a question, of an index here or of a running service.
#[derive(Args)]
pub struct Search {
    /// The question in plain language.
    #[arg(value_name = "问题")]
    query: String,
    #[command(flatten)]
    index: IndexFolder,
    /// Ask the service at this address instead of opening an index.
    #[arg(long, value_name = "HOST:PORT")]
    addr: Option<String>,
    /// Hits wanted.
    #[arg(long, value_name = "N", default_value_t = 5)]
    top_k: usize,
    /// Hits to pass over first.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    adapter: AdapterFile,
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
    /// Only what was published on this day or later.
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// Only what was published on this day or earlier.
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Search {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let day = |flag: &str, text: &Option<String>| -> Result<Option<Date>> {
            text.as_ref()
                .map(|text| text.parse().map_err(|e: Error| e.context(flag)))
                .transpose()
        };
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
                published_from: day("--from", &self.from)?,
                published_to: day("--to", &self.to)?,
            },
            ..self.question.request(&self.query)
        };
        request.check()?;
        let response = match &self.addr {
            Some(_) if self.question.weights.is_some() || self.adapter.adapter.is_some() => {
                return Err(Error::caller(
                    "--weights and --adapter: a running service has its own; start it with them",
                ));
            }
            Some(addr) => remote::search(addr, &request)?,
            None => {
                let engine = self.question.weigh(setup::open(&self.index.folder)?.engine)?;
                self.adapter.adapt(engine)?.search(&request)?
            }
        };
        match self.json {
            true => print::json(&print::response_json(&response)),
            false => {
                print::response(&response, &Style::detect());
                Ok(())
            }
        }
    }
}

/// Reads a weight file.
pub fn read_weights(path: &Path) -> Result<Weights> {
    let doing = || format!("reading {}", path.display());
    let text = std::fs::read_to_string(path).or_fault(Fault::Missing, doing())?;
    Weights::from_json(&text).map_err(|error| error.context(doing()))
}

fn parse_mode(text: &str) -> std::result::Result<Mode, String> {
    match text {
        "hybrid" => Ok(Mode::Hybrid),
        "lexical" => Ok(Mode::Lexical),
        "dense" => Ok(Mode::Dense),
        _ => Err("must be hybrid, lexical or dense".into()),
    }
}

fn parse_fusion(text: &str) -> std::result::Result<FusionMethod, String> {
    match text {
        "learned" => Ok(FusionMethod::Learned),
        "convex" => Ok(FusionMethod::Convex),
        "rrf" => Ok(FusionMethod::Rrf),
        _ => Err("must be learned, convex or rrf".into()),
    }
}
