//! What an answer is: hits with their evidence, how long each stage took, and what made it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{ArticleKind, Date, Force, Validity};

/// A stretch of a text in characters (Unicode scalar values), end exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// First character.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
}

impl Span {
    /// The characters of a text that it names.
    pub fn of(self, text: &str) -> String {
        let length = self.end.saturating_sub(self.start) as usize;
        text.chars().skip(self.start as usize).take(length).collect()
    }
}

/// One ranking's view of a hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankPart {
    /// Its place in this ranking's own list, from 1; absent if the list did not reach it (its score is exact all the
    /// same).
    pub rank: Option<u32>,
    /// Its exact score: BM25F for words, cosine for meaning.
    pub score: f32,
    /// The score as it entered the fusion.
    pub normalized: f32,
}

/// A query term found in a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct TermMatch {
    /// The term as analysed.
    pub term: String,
    /// What the term adds to the lexical score.
    pub score: f32,
    /// True if a synonym of what was asked brought it, false if the asker wrote it.
    pub synonym: bool,
}

/// Why a hit stands where it stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// By words, if words took part.
    pub lexical: Option<RankPart>,
    /// By meaning, if meaning took part.
    pub dense: Option<RankPart>,
    /// Terms found, the strongest first.
    pub terms: Vec<TermMatch>,
    /// By a reranker, if one scored it: its place in the fused list, its relevance, the same from 0 to 1.
    pub reranker: Option<RankPart>,
    /// Everything that adds up to the score: name and amount.
    pub contributions: Vec<(String, f32)>,
    /// The share of the dense score at which this hit and the next change places, if there is one from 0 to 1.
    pub swap_weight: Option<f32>,
    /// Two lines in Chinese: why the hit is shown, for its asker; where it stood by words and by meaning, for
    /// engineers.
    pub summary: String,
}

/// How what a hit is about meets what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It says neither a place nor a year, whichever is meant.
    NotSaid,
    /// It is about another.
    Other,
    /// It is about a larger place that holds the one asked for, or about the whole country.
    Wider,
    /// It is about the same, or about a part of it.
    Same,
}

/// How a hit applies to the place, the year and the product that the question names; none where it names none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applies {
    /// By place.
    pub place: Option<Fit>,
    /// By year.
    pub year: Option<Fit>,
    /// By insurance product: the same or a sister of it ([`Fit::Other`]); none where the title says neither.
    pub product: Option<Fit>,
}

/// What a question names and none of the first hits is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Places, as filters name them. Where some hits are about the place and others about the year, but none about
    /// both, the place stands here and the year in `years`.
    pub places: Vec<String>,
    /// Years.
    pub years: Vec<u16>,
    /// Insurance products as the question names them, of which the first hits have only sisters.
    pub products: Vec<String>,
    /// Whether nothing in the whole collection is about the places and the years, all of them together.
    pub nowhere: bool,
    /// All of it in a Chinese sentence, and what the hits are about instead.
    pub sentence: String,
}

/// A hit that says nearly the same as another one, and why it is not one of its duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NearCopy {
    /// The other hit's passage; it may be on another page.
    pub passage_id: String,
    /// The title of its article.
    pub title: String,
    /// What this hit says, then what the other one says (犹豫期 20天 / 10天); empty if no amount, day, year or place
    /// differs, but the titles alone do.
    pub difference: String,
    /// Whether the other hit is the newer one, where a difference is named and both say a day or a year.
    pub newer: Option<bool>,
}

/// One passage that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hit {
    /// The article it is from.
    pub article_id: String,
    /// Its own id: article id, `#`, ordinal.
    pub passage_id: String,
    /// The article's title, possibly empty.
    pub title: String,
    /// Headings above the passage.
    pub heading: String,
    /// The passage.
    pub text: String,
    /// Where the passage lies in the article's text.
    pub span: Span,
    /// The score the order follows, higher is better; comparable within one answer only. It is that of the article's
    /// highest passage, which the explanation is about; of the first hits another passage may be shown.
    pub score: f32,
    /// Publisher.
    pub source: Option<String>,
    /// Address.
    pub url: Option<String>,
    /// Day of publication.
    pub published: Option<Date>,
    /// Whole article or summary.
    pub kind: ArticleKind,
    /// Matched terms in `text`, in order, not overlapping.
    pub highlights: Vec<Span>,
    /// Matched terms in `title`.
    pub title_highlights: Vec<Span>,
    /// The sentence of `text` that answers best.
    pub best_sentence: Option<Span>,
    /// Why it stands here; only if asked for.
    pub explanation: Option<Explanation>,
    /// Ids of passages that say the same as the one the hit was ranked by, and are no hits of their own.
    pub duplicates: Vec<String>,
    /// Hits that say nearly the same under another title, or with other amounts, days, years or places.
    pub near_copies: Vec<NearCopy>,
    /// What the article's record said beside the fields above.
    pub attributes: BTreeMap<String, String>,
    /// The places that the passage or its article is about, as filters name them.
    pub regions: Vec<String>,
    /// The years that it is about, ascending.
    pub years: Vec<u16>,
    /// How it applies to the place and the year asked for.
    pub applies: Applies,
    /// From when to when its article holds.
    pub validity: Validity,
    /// Whether it holds on the day asked for; none where no day is.
    pub force: Option<Force>,
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Checking and analysing the question.
    pub analyze: Duration,
    /// The question's vector.
    pub embed: Duration,
    /// Candidates by words.
    pub lexical: Duration,
    /// Candidates by meaning.
    pub dense: Duration,
    /// Exact scores of the union, fusion, grouping; reading the first passages and comparing them.
    pub fuse: Duration,
    /// The reranker's work, where one is set.
    pub rerank: Duration,
    /// Highlights, best sentences, explanations.
    pub assemble: Duration,
    /// All of it.
    pub total: Duration,
    /// Whether a service had the answer already: then nothing was searched, and the stages took no time.
    pub cached: bool,
}

impl Timings {
    /// The stages with their times, in order; `rerank` only where it took any.
    pub fn stages(mut self) -> impl Iterator<Item = (&'static str, Duration)> {
        let times = STAGES.into_iter().map(move |(name, time)| (name, *time(&mut self)));
        times.filter(|(name, time)| *name != RERANK || !time.is_zero())
    }
}

/// A stage of a search: its name, which programs rely on, and where its time stands. One accessor both reads it and,
/// for our client, writes it.
pub type Stage = (&'static str, fn(&mut Timings) -> &mut Duration);

/// The stage that is there only where a reranker is set.
pub const RERANK: &str = "rerank";

/// Every stage, in order.
pub const STAGES: [Stage; 7] = [
    ("analyze", |timings| &mut timings.analyze),
    ("embed", |timings| &mut timings.embed),
    ("lexical", |timings| &mut timings.lexical),
    ("dense", |timings| &mut timings.dense),
    ("fuse", |timings| &mut timings.fuse),
    (RERANK, |timings| &mut timings.rerank),
    ("assemble", |timings| &mut timings.assemble),
];

/// What made an answer, so that it can be repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The index commit (its operation stamp).
    pub commit: u64,
    /// Fingerprint of the analysis rules and dictionary.
    pub analysis: String,
    /// Identity of the embedder that made the vectors.
    pub model: String,
    /// Fusion formula and weights.
    pub weights: String,
}

/// What an answer was made without, although it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Search by meaning: the answer is by words alone.
    Meaning,
    /// Search by words: the answer is by meaning alone.
    Words,
    /// The reranker's scores, of all the hits that it should have scored or of some.
    Reranking,
}

/// The answer to one question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchResponse {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Passages that were scored, before grouping and paging.
    pub candidates: usize,
    /// The question as it was read, if typing errors or pinyin in it were corrected.
    pub corrected: Option<String>,
    /// Why the answer is less than asked for (no model: words alone), if it is.
    pub degraded: Option<String>,
    /// What that comes to, each once.
    pub lacking: Vec<Lack>,
    /// How many of the first a reranker scored; none if none was set or asked for.
    pub reranked: Option<usize>,
    /// How likely it is that something in the collection answers the question, 0 to 1, if calibrated.
    pub answerable: Option<f32>,
    /// The place and the year asked for that none of the first ten hits is about; said with the first page only.
    pub missing: Option<Missing>,
    /// How long each stage took.
    pub timings: Timings,
    /// What made the answer.
    pub provenance: Provenance,
}
