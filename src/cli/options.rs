//! What several commands can be told: where the index lies, what ranks, how to ask.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Context as _, Fault, Result};
use crate::eval::Dataset;
use crate::model::{ArticleKind, Date};
use crate::profile::Profile;
use crate::search::Ranking;
use crate::search::request::{FusionMethod, FusionRequest, Mode, SearchRequest};
use crate::service::client::ConnectOptions;
use crate::settings::DEFAULT_INDEX;
use crate::text;

/// Where an index lies.
#[derive(Args, Clone)]
pub struct IndexFolder {
    /// The index folder.
    #[arg(long = "index", value_name = "DIR", env = "BAOWEN_INDEX", default_value = DEFAULT_INDEX)]
    pub folder: PathBuf,
}

/// What to rank by.
#[derive(Args, Clone)]
pub struct ProfileFile {
    /// Rank by this profile (`baowen tune` writes one) instead of the one that is compiled in.
    #[arg(long = "profile", value_name = "FILE", env = "BAOWEN_PROFILE")]
    pub file: Option<PathBuf>,
}

impl ProfileFile {
    /// The profile that was named, or the one that is compiled in.
    pub fn read(&self) -> Result<Profile> {
        profile(self.file.as_deref())
    }
}

/// The profile in a file, or the one that is compiled in.
pub fn profile(file: Option<&Path>) -> Result<Profile> {
    let Some(file) = file else {
        return Ok(Profile::shipped().clone());
    };
    let profile = Profile::read(file)?;
    // Names that mean nothing are said with the file that holds them.
    Ranking::of(&profile).map_err(|error| error.context(format!("reading {}", file.display())))?;
    Ok(profile)
}

/// Judged questions.
#[derive(Args, Clone)]
pub struct JudgedSets {
    /// A folder with queries.jsonl and qrels.tsv (repeat for several).
    #[arg(long = "dataset", value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Only the first N questions of each set.
    #[arg(long, value_name = "N")]
    first: Option<usize>,
}

impl JudgedSets {
    /// The sets, in the order in which they were named.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open(&self) -> Result<Vec<Dataset>> {
        let open = |folder: &PathBuf| {
            let dataset = Dataset::open(folder, None)?;
            Ok(match self.first {
                Some(first) => dataset.first(first),
                None => dataset,
            })
        };
        self.folders.iter().map(open).collect()
    }
}

/// What reads the first hits again.
#[derive(Args, Clone, Default)]
pub struct RerankerName {
    /// Have the first hits put in order by this reranker, which reads each together with the question.
    #[arg(long = "reranker", value_name = "NAME")]
    pub name: Option<String>,
}

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
    /// The day that answers should hold for, as 2025-04-19: what does not hold then ranks lower (`search`, if not
    /// given: what does not hold today, beside what took its place).
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub as_of: Option<Date>,
    /// Take the question as it is written: correct neither typing errors nor pinyin.
    #[arg(long)]
    pub exact: bool,
}

impl Question {
    /// A request for this question, on no day in particular: figures do not change overnight.
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
            exact: self.exact,
            as_of: self.as_of,
            ..SearchRequest::default()
        }
    }
}

/// A day as people write it.
pub fn parse_day(text: &str) -> std::result::Result<Date, String> {
    text::day(text).map_err(|error| error.message().to_owned())
}

/// A kind of article by its name.
pub fn parse_kind(text: &str) -> std::result::Result<ArticleKind, String> {
    ArticleKind::named(text).ok_or_else(|| "must be full or summary".into())
}

/// A mode by its name.
pub fn parse_mode(text: &str) -> std::result::Result<Mode, String> {
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

/// A mode's name.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Hybrid => "hybrid",
        Mode::Lexical => "lexical",
        Mode::Dense => "dense",
    }
}

/// What a running service wants of who calls it.
#[derive(Debug, Args, Clone, Default)]
pub struct Credentials {
    /// A file with the token for the service; else BAOWEN_TOKEN holds it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authority of the certificate of a service at https://HOST:PORT (PEM); else those of the system.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// A certificate of one's own for a service that wants one (PEM).
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
}

impl Credentials {
    /// How the service at an address is reached with these.
    ///
    /// # Errors
    /// `Unavailable` if a file cannot be read.
    pub fn at(&self, addr: &str) -> Result<ConnectOptions> {
        let read =
            |path: &PathBuf| read_to_string(path).or_fault(Fault::Unavailable, format!("reading {}", path.display()));
        let token = match &self.token_file {
            Some(file) => Some(read(file)?),
            None => std::env::var("BAOWEN_TOKEN").ok(),
        };
        let identity = match (&self.client_cert, &self.client_key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        Ok(ConnectOptions {
            addr: addr.to_owned(),
            token: token
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            authority: self.tls_ca.as_ref().map(read).transpose()?,
            identity,
        })
    }
}
