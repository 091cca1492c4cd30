//! A question asked of one commit: its terms weighed, candidates from Milvus, and their scores by the functions that
//! every engine uses, from what was fetched of them once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::client::Pending;
use super::collection::{Nearest, found};
use super::columns::{Rows, sparse_bytes, split};
use super::expression::numbers;
use super::rows::{Kept, kept, kept_fields, largest_kept};
use super::schema::{ID, MEANING, PASSAGE, WORDS};
use super::snapshot::{MilvusSnapshot, overtaken, stored};
use super::terms::{TermId, Wanted};
use super::wire::{PlaceholderValue, SearchResults, data_type};
use crate::compute::Budget;
use crate::error::Result;
use crate::index::backend::{ArticleRef, Asked, Candidate, Judged, PassageRef};
use crate::index::passage::{PassageKey, StoredPassage};
use crate::index::scoring::{
    self, DenseScores, Evidence, LexicalQuery, Quantised, QuestionWeights, TermScore, WeighedTerms, WindowVectors,
};
use crate::text::Signature;

/// Rows fetched by one call; the calls run side by side.
const TOGETHER: usize = 128;
/// The most rows that Milvus finds at a time.
const MOST: usize = 16_384;
/// The most rows that a search brings along, of some 6 kB each mostly.
const BROUGHT: usize = 500;
/// Bytes of them where all are as large as a row can be: a server sends 64 MiB unless it is told otherwise.
const BYTES: usize = 62 << 20;
/// The least breadth of a graph search.
const BREADTH: usize = 200;

/// The implementation of [`Asked`] over Milvus.
pub struct MilvusQuestion {
    snapshot: Arc<MilvusSnapshot>,
    question: Arc<LexicalQuery>,
    terms: WeighedTerms,
    weights: QuestionWeights,
    ids: Vec<TermId>,
    wanted: Wanted,
    /// Which rows may be found.
    expr: String,
    /// The search by words that was begun, for so many.
    foreseen: Mutex<Option<(usize, Option<Pending<SearchResults>>)>>,
    /// What searches bring of each row that they find: what it is judged by and its text, or nothing.
    brought: Vec<&'static str>,
    /// Rows that searches brought and that were not read yet.
    arrived: Mutex<Vec<Rows>>,
    /// What was read to judge.
    read: Mutex<HashMap<PassageRef, Arc<Kept>>>,
    /// Texts and fields that searches brought, as they are kept.
    texts: Mutex<HashMap<u64, String>>,
}

/// As many are looked for by words where `k` are wanted: sparse vectors know the lengths of before, and what they find
/// is cut again by exact scores.
fn with_spare(k: usize) -> usize {
    k + k / 2
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MilvusQuestion {
    /// Weighs the question's terms.
    pub fn new(
        snapshot: Arc<MilvusSnapshot>,
        question: Arc<LexicalQuery>,
        expr: String,
        budget: Budget,
    ) -> Result<Self> {
        let ids: Vec<TermId> = [&question.words, &question.bigrams]
            .into_iter()
            .enumerate()
            .flat_map(|(stream, terms)| terms.iter().map(move |term| TermId::new(stream, &term.text)))
            .collect();
        // They are weighed in the same order.
        let mut counts = snapshot.frequencies.of(&ids, budget)?.into_iter();
        let next = |_, _: &_| Ok(counts.next().unwrap_or_default());
        let terms = WeighedTerms::new(&question, snapshot.bm25.counts(), next)?;
        let mut brought = Vec::new();
        if snapshot.remembered.lacks_many() {
            brought = kept_fields(snapshot.state.identity.dimension);
            brought.retain(|field| *field != ID);
            brought.push(PASSAGE);
        }
        Ok(MilvusQuestion {
            weights: terms.weights(),
            wanted: Wanted::new(ids.clone()),
            foreseen: Mutex::default(),
            brought,
            arrived: Mutex::default(),
            read: Mutex::default(),
            texts: Mutex::default(),
            snapshot,
            question,
            terms,
            ids,
            expr,
        })
    }

    /// What the passages are judged by, in the order named; fetched if no search brought it.
    fn kept(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Arc<Kept>>> {
        let remembered = &self.snapshot.remembered;
        let mut unknown = HashSet::new();
        {
            let mut read = lock(&self.read);
            let unread: Vec<PassageRef> = passages.iter().copied().filter(|at| !read.contains_key(at)).collect();
            for passage in &unread {
                match remembered.judged(passage.0) {
                    Some(kept) => drop(read.insert(*passage, kept)),
                    None => drop(unknown.insert(passage.0)),
                }
            }
            if !unread.is_empty() {
                remembered.judged_of(unread.len(), unknown.len());
            }
        }
        self.read_rows(self.arrived_rows(), &mut unknown, budget)?;
        let mut rest: Vec<u64> = unknown.iter().copied().collect();
        rest.sort_unstable();
        let fields = kept_fields(self.snapshot.state.identity.dimension);
        self.read_rows(self.rows(&rest, &fields, budget)?, &mut unknown, budget)?;
        let read = lock(&self.read);
        let kept = |passage: &PassageRef| read.get(passage).cloned().ok_or_else(overtaken);
        passages.iter().map(kept).collect()
    }

    /// Reads rows of passages that are unknown, which they are not any more then.
    fn read_rows(&self, rows: Vec<Rows>, unknown: &mut HashSet<u64>, budget: Budget) -> Result<()> {
        let dimension = self.snapshot.state.identity.dimension;
        let is_unknown = |id: i64| unknown.contains(&(id as u64));
        let found = budget.map(rows, |rows, _| kept(rows, dimension, is_unknown));
        let mut read = lock(&self.read);
        for found in found {
            for (id, kept) in found? {
                let kept = Arc::new(kept);
                self.snapshot.remembered.keep_judged(id as u64, &kept);
                unknown.remove(&(id as u64));
                read.insert(PassageRef(id as u64), kept);
            }
        }
        Ok(())
    }

    /// Rows that searches brought, some at a time; their texts are kept for those that are shown.
    fn arrived_rows(&self) -> Vec<Rows> {
        let mut parts = Vec::new();
        for mut rows in std::mem::take(&mut *lock(&self.arrived)) {
            let ids = rows.only(&[ID]).longs(ID);
            let texts = rows.texts(PASSAGE);
            let mut left = ids.len();
            lock(&self.texts).extend(ids.into_iter().map(|id| id as u64).zip(texts));
            let mut columns = rows.0;
            while left > TOGETHER {
                let (first, rest) = split(columns, TOGETHER);
                parts.push(Rows(first));
                (columns, left) = (rest, left - TOGETHER);
            }
            parts.push(Rows(columns));
        }
        parts
    }

    /// A passage as it is shown, from what is kept of it; remembered.
    fn shown(&self, row: u64, text: &str) -> Result<Arc<StoredPassage>> {
        let stored = Arc::new(stored(text)?);
        self.snapshot.remembered.keep_shown(row, &stored);
        Ok(stored)
    }

    /// Rows by their keys, some at a time and all at the same time.
    fn rows(&self, keys: &[u64], fields: &[&str], budget: Budget) -> Result<Vec<Rows>> {
        let collection = self.snapshot.passage_rows();
        let calls: Vec<_> = keys
            .chunks(TOGETHER)
            .map(|keys| collection.start(&format!("{ID} in {}", numbers(keys)), fields, budget))
            .collect();
        calls
            .into_iter()
            .map(|call| Rows::answered(call.wait()?.fields_data, fields))
            .collect()
    }

    /// What `tell` tells of each of the passages.
    fn each<T>(&self, passages: &[PassageRef], budget: Budget, tell: impl Fn(&Kept) -> Result<T>) -> Result<Vec<T>> {
        self.kept(passages, budget)?.iter().map(|kept| tell(kept)).collect()
    }

    /// Begins to look for the best `k` by words; none where none can be found.
    fn start_lexical(&self, k: usize, budget: Budget) -> Option<Pending<SearchResults>> {
        let mut places: Vec<(u32, f32)> = self
            .ids
            .iter()
            .zip(self.terms.terms())
            .map(|(id, term)| (id.place(), term.weight))
            .collect();
        places.sort_by_key(|(place, _)| *place);
        places.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        places.retain(|(_, weight)| *weight > 0.0);
        if places.is_empty() || k == 0 || self.snapshot.state.sums.passages == 0 {
            return None;
        }
        let question = placeholder(data_type::SPARSE_VECTOR, sparse_bytes(&places));
        Some(self.start_nearest(WORDS, question, "{}", with_spare(k), budget))
    }

    fn start_nearest(
        &self,
        field: &str,
        placeholder: PlaceholderValue,
        params: &str,
        k: usize,
        budget: Budget,
    ) -> Pending<SearchResults> {
        let nearest = Nearest {
            field,
            placeholder,
            params,
            expr: &self.expr,
            fields: self.brought(k),
        };
        let collection = self.snapshot.passage_rows();
        collection.start_nearest(nearest, k.min(MOST), budget)
    }

    /// What a search for so many brings of each.
    fn brought(&self, k: usize) -> &[&'static str] {
        let most = BROUGHT.min(BYTES / largest_kept(self.snapshot.state.identity.dimension));
        if k <= most { &self.brought } else { &[] }
    }

    /// What a search for so many found; rows that it was to bring are kept to be judged, and asked for later if it does
    /// not. Some servers give a column of keys where nothing is to be brought.
    fn candidates(&self, answer: SearchResults, k: usize) -> Result<Vec<Candidate>> {
        let has_rows = |answer: &SearchResults| {
            let found = answer.results.as_ref();
            found.is_some_and(|found| !found.fields_data.is_empty())
        };
        let fields = if has_rows(&answer) { self.brought(k) } else { &[] };
        let (found, rows) = found(answer, fields)?;
        if !fields.is_empty() {
            lock(&self.arrived).push(rows);
        }
        let candidate = |(id, score): (i64, f32)| Candidate {
            passage: PassageRef(id as u64),
            score,
        };
        Ok(found.into_iter().map(candidate).collect())
    }
}

fn placeholder(kind: i32, value: Vec<u8>) -> PlaceholderValue {
    PlaceholderValue {
        tag: "$0".into(),
        r#type: kind,
        values: vec![value],
    }
}

impl Asked for MilvusQuestion {
    fn weights(&self) -> &QuestionWeights {
        &self.weights
    }

    fn foresee(&self, k: usize, budget: Budget) {
        let looking = self.start_lexical(k, budget);
        *lock(&self.foreseen) = Some((k, looking));
    }

    fn lexical(&self, k: usize, budget: Budget) -> Result<Vec<Candidate>> {
        budget.check()?;
        let foreseen = lock(&self.foreseen).take();
        let looking = match foreseen {
            Some((as_many, looking)) if as_many == k => looking,
            _ => self.start_lexical(k, budget),
        };
        let Some(looking) = looking else { return Ok(Vec::new()) };
        let mut found = self.candidates(looking.wait()?, with_spare(k))?;
        found.retain(|candidate| candidate.score > 0.0);
        Ok(found)
    }

    fn dense(&self, vector: &[f32], k: usize, ef: Option<usize>, budget: Budget) -> Result<Vec<Candidate>> {
        budget.check()?;
        let state = &self.snapshot.state;
        if vector.len() != state.identity.dimension || k == 0 || state.sums.passages == 0 {
            return Ok(Vec::new());
        }
        let breadth = ef.unwrap_or(BREADTH).max(k.min(MOST));
        let params = format!(r#"{{"ef":{breadth}}}"#);
        let bytes = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        let question = placeholder(data_type::FLOAT_VECTOR, bytes);
        let looking = self.start_nearest(MEANING, question, &params, k, budget);
        self.candidates(looking.wait()?, k)
    }

    fn judge(&self, vector: Option<&[f32]>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>> {
        budget.check()?;
        let snapshot = &*self.snapshot;
        let dimension = snapshot.state.identity.dimension;
        let vector = vector.filter(|vector| vector.len() == dimension && dimension > 0);
        let question = vector.map(Quantised::new);
        self.each(passages, budget, |kept| {
            let windows = WindowVectors::new(&kept.windows, dimension);
            let scores = question
                .as_ref()
                .map(|question| DenseScores::new(question, &kept.vector, windows));
            let locality = scoring::locality_of_regions(&self.question.regions, &kept.regions);
            let timeliness = scoring::timeliness(&self.question.years, kept.years.iter().copied());
            let lexical = self
                .terms
                .scores(&snapshot.bm25, &kept.lengths, &self.wanted.counts(&kept.terms)?);
            let dense = scores.unwrap_or_default();
            Ok(Judged {
                article: ArticleRef(xxh3_64(kept.article.as_bytes())),
                ordinal: kept.ordinal,
                evidence: Evidence::new(lexical, dense, &kept.lengths, locality, timeliness, kept.validity),
            })
        })
    }

    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<PassageKey>> {
        self.each(passages, Budget::single(), |kept| {
            Ok(PassageKey {
                article: Arc::clone(&kept.article),
                ordinal: kept.ordinal,
            })
        })
    }

    fn signatures(&self, passages: &[PassageRef]) -> Result<Vec<Signature>> {
        self.each(passages, Budget::single(), |kept| Ok(kept.signature))
    }

    fn fetch(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<StoredPassage>> {
        let remembered = &self.snapshot.remembered;
        let mut found: HashMap<u64, Arc<StoredPassage>> = HashMap::new();
        let mut unknown = Vec::new();
        for PassageRef(row) in passages {
            match remembered.shown(*row) {
                Some(stored) => drop(found.insert(*row, stored)),
                None => match lock(&self.texts).get(row) {
                    Some(text) => drop(found.insert(*row, self.shown(*row, text)?)),
                    None => unknown.push(*row),
                },
            }
        }
        for mut rows in self.rows(&unknown, &[ID, PASSAGE], budget)? {
            let (ids, texts) = (rows.longs(ID), rows.texts(PASSAGE));
            for (id, text) in ids.into_iter().zip(texts) {
                found.insert(id as u64, self.shown(id as u64, &text)?);
            }
        }
        let passage =
            |PassageRef(row): &PassageRef| found.get(row).map(|stored| (**stored).clone()).ok_or_else(overtaken);
        passages.iter().map(passage).collect()
    }

    fn windows(&self, vector: &[f32], passages: &[PassageRef]) -> Result<Vec<Vec<f32>>> {
        let question = Quantised::new(vector);
        let dimension = self.snapshot.state.identity.dimension;
        self.each(passages, Budget::single(), |kept| {
            Ok(WindowVectors::new(&kept.windows, dimension)
                .cosines(&question, question.cosine(&kept.vector))
                .collect())
        })
    }

    fn explain(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Vec<TermScore>>> {
        self.each(passages, budget, |kept| {
            Ok(self
                .terms
                .explain(&self.snapshot.bm25, &kept.lengths, &self.wanted.counts(&kept.terms)?))
        })
    }
}
