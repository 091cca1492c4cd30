//! Whether an index in Milvus is whole: every row of its newest commit read, and what was counted of them counted
//! again. Changes nothing.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::collection::Collection;
use super::columns::same_length;
use super::counts::{Changes, Sums};
use super::expression::{replaced, sent};
use super::frequencies;
use super::lease;
use super::maker::Maker;
use super::open::MilvusIndex;
use super::rows::{kept, kept_fields};
use super::schema;
use super::snapshot::{MilvusSnapshot, stored};
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::model::Article;

/// Rows of texts in a page.
const SMALL_PAGE: usize = 500;
/// Terms in a page.
const TERMS: usize = 5_000;
/// Of mistakes of one kind so many are named.
const NAMED: usize = 5;
/// By how much the sum of all vectors may differ, for each passage: it was added up in another order.
const ROUNDING: f64 = 1e-6;

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is not as it should be, a line each.
    pub wrong: Vec<String>,
    /// What stands there beside the commit and counts for nobody, a line each.
    pub beside: Vec<String>,
}

impl MilvusIndex {
    /// Reads all that belongs to the newest commit and compares it with what the commit says.
    ///
    /// # Errors
    /// `Unavailable` if somebody committed meanwhile and something seems wrong: what is replaced is deleted a minute
    /// later.
    pub fn verify(&self, budget: Budget) -> Result<Verified> {
        let snapshot = self.current();
        let mut verified = Verified::default();
        let maker = Maker {
            client: self.client(),
            budget,
        };
        let dimension = snapshot.state.identity.dimension;
        verified.wrong.extend(maker.wrong(&snapshot.names, dimension)?);
        if verified.wrong.is_empty() {
            Check::new(&snapshot, budget).run(&mut verified)?;
        }
        let newest = lease::current(self.meta(), budget)?;
        if !verified.wrong.is_empty() && newest.is_none_or(|newest| newest.stamp != snapshot.state.stamp) {
            return Err(
                Error::unavailable("the index changed while it was read").help("run it again while nobody writes")
            );
        }
        Ok(verified)
    }
}

/// What is counted on the way.
struct Check<'a> {
    snapshot: &'a MilvusSnapshot,
    budget: Budget,
    /// By article: the places of its passages.
    passages: HashMap<String, Vec<u32>>,
    sums: Sums,
    changes: Changes,
    unreadable: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(snapshot: &'a MilvusSnapshot, budget: Budget) -> Self {
        Check {
            snapshot,
            budget,
            passages: HashMap::new(),
            sums: Sums::new(snapshot.state.identity.dimension),
            changes: Changes::default(),
            unreadable: Vec::new(),
        }
    }

    fn run(mut self, verified: &mut Verified) -> Result<()> {
        self.read_passages()?;
        let broken = self.read_articles()?;
        some(&mut verified.wrong, "articles are not whole", &broken);
        some(&mut verified.wrong, "passages cannot be read", &self.unreadable);
        self.compare_sums(&mut verified.wrong);
        let differing = self.compare_terms()?;
        some(
            &mut verified.wrong,
            "terms are counted otherwise than they stand in passages",
            &differing,
        );
        self.look_beside(&mut verified.beside)
    }

    fn read_passages(&mut self) -> Result<()> {
        let (snapshot, budget) = (self.snapshot, self.budget);
        let dimension = snapshot.state.identity.dimension;
        let mut fields = kept_fields(dimension);
        fields.retain(|field| *field != schema::ID);
        fields.push(schema::PASSAGE);
        let limit = || Ok(budget);
        let each = &mut |ids: Vec<i64>, mut rows: super::columns::Rows| {
            let texts = rows.texts(schema::PASSAGE);
            same_length(ids.len(), &[texts.len()])?;
            for ((id, kept), text) in kept(rows, dimension, |_| true)?.into_iter().zip(texts) {
                match stored(&text) {
                    Ok(stored) if *stored.article_id == *kept.article && stored.ordinal == kept.ordinal => {}
                    _ => self
                        .unreadable
                        .push(format!("row {id}, {}#{}", kept.article, kept.ordinal)),
                }
                let terms = kept.counted()?.into_iter();
                self.changes
                    .passage(&mut self.sums, 1, &kept.lengths, &kept.vector, terms)?;
                self.passages
                    .entry(kept.article.to_string())
                    .or_default()
                    .push(kept.ordinal);
            }
            Ok(())
        };
        snapshot
            .passage_rows()
            .pages(&snapshot.visible(), &fields, SMALL_PAGE, &limit, each)
    }

    /// The articles of which a part or a passage is missing, there twice, or another's.
    fn read_articles(&mut self) -> Result<Vec<String>> {
        let (snapshot, budget) = (self.snapshot, self.budget);
        let mut broken = Vec::new();
        // Of articles in several rows what was read so far.
        let mut parts: HashMap<(String, u64), Vec<(i32, String)>> = HashMap::new();
        let fields = [
            schema::ARTICLE,
            schema::PART,
            schema::HASH,
            schema::PASSAGES,
            schema::DATA,
        ];
        let (held, sums) = (&mut self.passages, &mut self.sums);
        let limit = || Ok(budget);
        let each = &mut |_, mut rows: super::columns::Rows| {
            let (ids, numbers) = (rows.texts(schema::ARTICLE), rows.ints(schema::PART));
            let hashes = rows.longs(schema::HASH);
            let (passages, texts) = (rows.ints(schema::PASSAGES), rows.texts(schema::DATA));
            same_length(ids.len(), &[numbers.len(), hashes.len(), passages.len(), texts.len()])?;
            let names = ids.into_iter().zip(hashes).zip(numbers);
            for (((id, hash), part), (passages, text)) in names.zip(passages.into_iter().zip(texts)) {
                let hash = hash as u64;
                if part == 0 {
                    sums.articles += 1;
                    let mut ordinals = held.remove(&id).unwrap_or_default();
                    ordinals.sort_unstable();
                    if !ordinals.iter().copied().eq(0..passages.max(0) as u32) {
                        broken.push(format!("{id}: {} of {passages} passages", ordinals.len()));
                    }
                }
                if !(part == 0 && is_of(&id, hash, &text)) {
                    parts.entry((id, hash)).or_default().push((part, text))
                }
            }
            Ok(())
        };
        snapshot
            .article_rows()
            .pages(&snapshot.visible(), &fields, SMALL_PAGE, &limit, each)?;
        for ((id, hash), mut parts) in parts {
            parts.sort_unstable();
            let whole: String = parts.into_iter().map(|(_, text)| text).collect();
            if !is_of(&id, hash, &whole) {
                broken.push(format!("{id}: its text"));
            }
        }
        broken.extend(
            self.passages
                .keys()
                .map(|id| format!("{id}: passages without an article")),
        );
        broken.sort_unstable();
        Ok(broken)
    }

    fn compare_sums(&self, wrong: &mut Vec<String>) {
        let (said, found) = (&self.snapshot.state.sums, &self.sums);
        let mut compare = |what: &str, said: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug, is_equal: bool| {
            if !is_equal {
                wrong.push(format!("{what}: the commit says {said:?}, there are {found:?}"));
            }
        };
        compare(
            "articles",
            &said.articles,
            &found.articles,
            said.articles == found.articles,
        );
        compare(
            "passages",
            &said.passages,
            &found.passages,
            said.passages == found.passages,
        );
        compare("tokens", &said.tokens, &found.tokens, said.tokens == found.tokens);
        let most = said
            .vectors
            .iter()
            .zip(&found.vectors)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        let rounding = ROUNDING * found.passages.max(1) as f64;
        compare("the sum of all vectors", &most, &rounding, most <= rounding);
    }

    /// The terms of which the counts are not those of the passages.
    fn compare_terms(&mut self) -> Result<Vec<String>> {
        let counted = std::mem::take(&mut self.changes.terms).into_iter();
        let mut counted: HashMap<i64, [i64; 2]> = counted.map(|(term, counts)| (term.key(), counts)).collect();
        let mut differing = Vec::new();
        let rows = Collection::at(
            &self.snapshot.client,
            &self.snapshot.names.terms,
            self.snapshot.state.written,
        );
        let mut fields = vec![schema::AT];
        fields.extend(schema::COUNTS);
        let (view, budget) = (&self.snapshot.view, self.budget);
        let limit = || Ok(budget);
        let mut differs = |key: i64, said: [u64; 2], found: [i64; 2]| {
            if said.map(|count| count as i64) != found {
                differing.push(format!("term {key}: {said:?} for {found:?}"));
            }
        };
        rows.pages(
            &format!("{} >= 0", schema::AT),
            &fields,
            TERMS,
            &limit,
            &mut |_, found| {
                for (key, held) in frequencies::read(found)? {
                    differs(key, held.at(view), counted.remove(&key).unwrap_or_default());
                }
                Ok(())
            },
        )?;
        for (key, found) in counted {
            differs(key, [0, 0], found);
        }
        differing.sort_unstable();
        Ok(differing)
    }

    /// Rows that count for nobody: of a commit that is not made yet or never was, and replaced ones that are not
    /// deleted yet.
    fn look_beside(&self, beside: &mut Vec<String>) -> Result<()> {
        let (view, next) = (&self.snapshot.view, self.snapshot.state.next);
        for (what, rows) in [
            ("passages", self.snapshot.passage_rows()),
            ("parts of articles", self.snapshot.article_rows()),
        ] {
            for stamp in view.skipped.iter().chain([&next]) {
                let count = rows.count(&sent(*stamp), self.budget)?;
                if count > 0 {
                    beside.push(format!("{count} {what} of commit {stamp}, which is not made"));
                }
            }
            let count = rows.count(&replaced(view), self.budget)?;
            if count > 0 {
                beside.push(format!("{count} {what} that were replaced"));
            }
        }
        Ok(())
    }
}

/// Whether a text is the article of this id and fingerprint, which is that of the text as it is kept.
fn is_of(id: &str, hash: u64, text: &str) -> bool {
    xxh3_64(text.as_bytes()) == hash && serde_json::from_str::<Article>(text).is_ok_and(|article| article.id == id)
}

/// Says how many there are, and names some.
fn some(wrong: &mut Vec<String>, what: &str, found: &[String]) {
    if !found.is_empty() {
        let named = &found[..found.len().min(NAMED)];
        let more = if named.len() < found.len() { ", …" } else { "" };
        wrong.push(format!("{} {what}: {}{more}", found.len(), named.join(", ")));
    }
}
