//! The ranking profile: everything that was learned or chosen by measurement, for one embedding model, as one file.
//!
//! Owns the file: a JSON object with the numbers by name. `index/profile/` holds the one that is compiled in; `baowen
//! tune` writes others, `--profile` takes them. Never ranks: the parts are used where questions are analysed (`text`),
//! scored by words (`index`) and fused (`search`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Context as _, Error, Fault, Result};

/// All that a ranking weighs by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What people call it.
    pub name: String,
    /// The embedding model that it was learned with, as the identity of an index names it.
    pub model: String,
    /// What the terms of a question weigh.
    pub terms: TermWeights,
    /// The ranking by words.
    pub bm25: Bm25Params,
    /// What fusions do if a request does not say.
    pub fusion: FusionDefaults,
    /// The weights of the linear fusion by feature; what is not named weighs nothing.
    pub weights: BTreeMap<String, f32>,
    /// What a reranker's relevance does, where one is set; if nothing is said, it decides on the first 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reranking: Option<Reranking>,
    /// How likely it is that a question is answered; none if it was never fitted.
    pub answerable: Option<AnswerableCurve>,
    /// Profiles once named a learned correction of the model's similarity. One that does was measured with it.
    #[serde(default, skip_serializing)]
    adapter: NoAdapter,
    /// What the parts were learned from.
    pub learned: Vec<Learned>,
}

/// Refuses to leave out what a profile was measured with.
#[derive(Debug, Clone, Default, PartialEq)]
struct NoAdapter;

impl<'de> Deserialize<'de> for NoAdapter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        match Option::<IgnoredAny>::deserialize(from)? {
            None => Ok(NoAdapter),
            Some(_) => Err(D::Error::custom(
                "it names an adapter, which this program does not have; learn a profile anew with `baowen tune`",
            )),
        }
    }
}

/// What the terms of a question weigh beside its words as written (1), above 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermWeights {
    /// A dictionary word inside a written word. The longer word has counted already: at full weight a compound of four
    /// words (城乡居民医保) would drown the rest of the question.
    pub sub_word: f32,
    /// A single character among the bigrams.
    pub single_character: f32,
    /// A bigram with one character in a dropped word (保的, 金怎).
    pub touching_pair: f32,
    /// What an amount is written with (2, 万元), beside its canonical term, which weighs 1.
    pub written_amount: f32,
    /// A synonym whose group in the lexicon names no weight.
    pub synonym: f32,
    /// The bigrams of a synonym, as a part of its words' weight: most repeat each other, and some mean nothing (险费).
    pub synonym_bigrams: f32,
}

/// The constants of BM25F.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bm25Params {
    /// Saturation of the term frequency.
    pub k1: f32,
    /// Length normalisation of the text, 0 (none) to 1 (full).
    pub b_text: f32,
    /// Length normalisation of the title.
    pub b_title: f32,
    /// Weight of the title's frequencies; the text's is 1.
    pub title: f32,
}

/// Numbers of the fusions that are not learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionDefaults {
    /// The dense share of the convex combination, 0 to 1.
    pub dense_weight: f32,
    /// The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009,
    /// <https://doi.org/10.1145/1571941.1572114>).
    pub rrf_k: f32,
}

/// What the relevance that a reranker gives does to a fused list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reranking {
    /// As many of the list's first are scored, 1 to 200.
    pub first: usize,
    /// What their relevance does.
    pub rule: RerankRule,
}

/// How relevance and fused score become one order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RerankRule {
    /// The relevance alone decides.
    Replace,
    /// The relevance, from 0 to 1, times this weight (0 or more) joins the sum.
    Sum(f32),
}

/// The most of a list that a reranker may be given: each costs what embedding a passage costs.
const MOST_RERANKED: usize = 200;

impl Reranking {
    /// The rule and its numbers, for an answer's provenance.
    pub fn describe(&self) -> String {
        match self.rule {
            RerankRule::Replace => format!("reranked first={}", self.first),
            RerankRule::Sum(weight) => format!("reranked first={} weight={weight}", self.first),
        }
    }
}

impl Default for Reranking {
    fn default() -> Self {
        Reranking {
            first: 30,
            rule: RerankRule::Replace,
        }
    }
}

/// `1 / (1 + exp(-(cosine * c + coverage * b + place_missing * p + year_missing * y + bias)))`, with c the highest
/// cosine of any candidate, b the largest share of the question's bigrams that one of the first hits holds, and p and y
/// 1 where the place or the year that an answer must be about is missing from the first hits, else 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerableCurve {
    /// By the highest cosine.
    pub cosine: f32,
    /// By the highest cosine of a sentence of the first hits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sentence: f32,
    /// By the largest share of bigrams.
    pub coverage: f32,
    /// Where the place is missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub place_missing: f32,
    /// Where the year is missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub year_missing: f32,
    /// The constant.
    pub bias: f32,
}

fn is_zero(weight: &f32) -> bool {
    *weight == 0.0
}

/// Where some of the numbers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// Which part of the profile.
    pub part: String,
    /// By which command or method.
    pub how: String,
    /// The judgements.
    pub from: Vec<Judgements>,
}

/// A judged set as it was learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgements {
    /// Its name.
    pub set: String,
    /// Questions that were used, the first ones of the file.
    pub questions: usize,
    /// Of its questions' file.
    pub queries_sha256: String,
    /// Of its judgements' file; empty for questions that nothing answers, which need none.
    pub qrels_sha256: String,
}

impl Profile {
    /// The profile that is compiled in.
    pub fn shipped() -> &'static Profile {
        static SHIPPED: LazyLock<Profile> = LazyLock::new(|| {
            let text = include_str!("../index/profile/insurance.json");
            // It is compiled in, and a test reads it.
            Profile::parse(text).expect("the shipped profile is whole")
        });
        &SHIPPED
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// `Missing` for a file that cannot be read; `Caller` for what is no profile, naming all numbers that are out of
    /// range, and for one with an adapter.
    pub fn read(path: &Path) -> Result<Profile> {
        let doing = || format!("reading {}", path.display());
        let text = std::fs::read_to_string(path).or_fault(Fault::Missing, doing())?;
        Profile::parse(&text).map_err(|error| error.context(doing()))
    }

    fn parse(text: &str) -> Result<Profile> {
        let profile: Profile = serde_json::from_str(text).or_fault(Fault::Caller, "this is no ranking profile")?;
        profile.check()?;
        Ok(profile)
    }

    /// Refuses numbers that no ranking can use, all at once.
    fn check(&self) -> Result<()> {
        let Profile {
            terms, bm25, fusion, ..
        } = self;
        let share = |x: f32| (0.0..=1.0).contains(&x);
        let weight = |x: f32| x > 0.0 && x <= 1.0;
        let positive = |x: f32| x.is_finite() && x > 0.0;
        let mut checks = vec![
            ("terms.sub_word", weight(terms.sub_word)),
            ("terms.single_character", weight(terms.single_character)),
            ("terms.touching_pair", weight(terms.touching_pair)),
            ("terms.written_amount", weight(terms.written_amount)),
            ("terms.synonym", weight(terms.synonym)),
            ("terms.synonym_bigrams", weight(terms.synonym_bigrams)),
            ("bm25.k1", positive(bm25.k1)),
            ("bm25.b_text", share(bm25.b_text)),
            ("bm25.b_title", share(bm25.b_title)),
            ("bm25.title", bm25.title.is_finite() && bm25.title >= 0.0),
            ("fusion.dense_weight", share(fusion.dense_weight)),
            ("fusion.rrf_k", positive(fusion.rrf_k)),
        ];
        checks.extend(
            self.weights
                .iter()
                .map(|(name, weight)| (name.as_str(), weight.is_finite())),
        );
        if let Some(reranking) = &self.reranking {
            checks.push(("reranking.first", (1..=MOST_RERANKED).contains(&reranking.first)));
            if let RerankRule::Sum(weight) = reranking.rule {
                checks.push(("reranking.rule.sum", weight.is_finite() && weight >= 0.0));
            }
        }
        if let Some(curve) = &self.answerable {
            let numbers = [
                curve.cosine,
                curve.sentence,
                curve.coverage,
                curve.place_missing,
                curve.year_missing,
                curve.bias,
            ];
            let finite = numbers.iter().all(|x| x.is_finite());
            checks.push(("answerable", finite));
        }
        let wrong: Vec<&str> = checks
            .into_iter()
            .filter(|(_, right)| !right)
            .map(|(name, _)| name)
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Error::caller(format!("numbers out of range: {}", wrong.join(", "))))
        }
    }

    /// Writes the profile, named after its file. The same profile gives the same bytes.
    ///
    /// # Errors
    /// `Caller` for a folder or a path without a name, `Unavailable` if it cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<()> {
        let name = path.file_stem().filter(|_| !path.is_dir());
        let Some(name) = name.map(|name| name.to_string_lossy().into_owned()) else {
            return Err(Error::caller(format!("{} is no file; name one", path.display())));
        };
        self.name = name;
        let text = serde_json::to_string_pretty(self).or_fault(Fault::Bug, "encoding the profile")?;
        std::fs::write(path, text + "\n").or_fault(Fault::Unavailable, format!("writing {}", path.display()))
    }
}

/// A SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Default for TermWeights {
    fn default() -> Self {
        Profile::shipped().terms
    }
}

impl Default for Bm25Params {
    fn default() -> Self {
        Profile::shipped().bm25
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_one_is_whole_and_comes_back_from_its_file_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("insurance.json");
        let mut profile = Profile::shipped().clone();
        profile.write(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            include_str!("../index/profile/insurance.json")
        );
        assert_eq!(&Profile::read(&path).unwrap(), Profile::shipped());
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        let shipped = include_str!("../index/profile/insurance.json");
        let check = |change: &dyn Fn(&str) -> String, parts: &[&str]| {
            let error = Profile::parse(&change(shipped)).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller, "{error}");
            parts
                .iter()
                .for_each(|part| assert!(error.to_string().contains(part), "{error}"));
        };
        check(&|s| s[..100].into(), &["no ranking profile"]);
        check(&|s| s.replace("\"k1\"", "\"k2\""), &["k2"]);
        check(
            &|s| s.replace("\"k1\": 2.0", "\"k1\": 0.0").replace("60.0", "-1"),
            &["bm25.k1", "fusion.rrf_k"],
        );
        let reranking = |rule: &str| format!("\"reranking\": {{\"first\": 0, \"rule\": {rule}}}, \"answerable\": {{");
        check(
            &|s| s.replace("\"answerable\": {", &reranking("{\"sum\": -1.0}")),
            &["reranking.first, reranking.rule.sum"],
        );
        // One of an earlier program: what says that there is no adapter says nothing else.
        let with =
            |adapter: &str| shipped.replace("\"learned\": [", &format!("\"adapter\": {adapter}, \"learned\": ["));
        check(
            &|_| with("{\"file\": \"a\", \"sha256\": \"0\"}"),
            &["adapter", "baowen tune"],
        );
        assert_eq!(&Profile::parse(&with("null")).unwrap(), Profile::shipped());
        assert_eq!(
            Profile::read(Path::new("no/such.json")).unwrap_err().fault(),
            Fault::Missing
        );
    }
}
