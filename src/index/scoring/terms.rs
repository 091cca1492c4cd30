//! A question's words, weighed by how rare they are, and what they make of a passage.

use super::bm25::{Bm25, CollectionCounts, FIELDS, STREAMS};
use crate::error::Result;
use crate::text::{QueryTerm, Region, TermOrigin};

/// What a question says: its words in both token streams, the places and the years it names.
#[derive(Debug, Clone, Default)]
pub struct LexicalQuery {
    /// Dictionary words and canonical terms.
    pub words: Vec<QueryTerm>,
    /// Character bigrams.
    pub bigrams: Vec<QueryTerm>,
    /// Regions it names; they rank, they do not filter.
    pub regions: Vec<Region>,
    /// Years it names; they rank, they do not filter.
    pub years: Vec<u16>,
}

/// What each of a question's terms weighs in a collection: its idf times its weight in the question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuestionWeights {
    /// Of each word, in the question's order.
    pub words: Vec<f32>,
    /// Of each bigram, in the question's order.
    pub bigrams: Vec<f32>,
}

impl QuestionWeights {
    /// What `words + bigrams` of a passage can never exceed: BM25F saturates at the sum of the weights.
    pub fn bound(&self) -> f32 {
        self.words.iter().chain(&self.bigrams).sum()
    }
}

/// A term of a question and what it weighs.
#[derive(Debug, Clone)]
pub struct WeighedTerm {
    /// As the question has it.
    pub term: QueryTerm,
    /// 0 = words, 1 = bigrams.
    pub stream: usize,
    /// idf times the question's weight.
    pub weight: f32,
    /// Whether it is an amount or a date in canonical form.
    pub is_amount: bool,
    /// Whether it is only the same amount in another unit: a question is covered without it.
    pub is_equal: bool,
}

/// The terms of a question, words first, and what they weigh in a collection.
#[derive(Debug, Clone)]
pub struct WeighedTerms {
    terms: Vec<WeighedTerm>,
    /// Sum of the weights of what was asked for, by stream.
    mass: [f32; STREAMS],
    /// How many are amounts or dates as they were asked for.
    amounts: f32,
}

/// What words say of one passage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LexicalScores {
    /// See [`Evidence`](super::Evidence).
    pub words: f32,
    /// See [`Evidence`](super::Evidence).
    pub bigrams: f32,
    /// See [`Evidence`](super::Evidence).
    pub title: f32,
    /// See [`Evidence`](super::Evidence).
    pub coverage: f32,
    /// See [`Evidence`](super::Evidence).
    pub bigram_coverage: f32,
    /// See [`Evidence`](super::Evidence).
    pub amounts: f32,
}

/// What one term adds to a passage's exact lexical score.
#[derive(Debug, Clone, PartialEq)]
pub struct TermScore {
    /// The query term.
    pub term: QueryTerm,
    /// Whether it is a word; else it is a bigram.
    pub is_word: bool,
    /// Weighted BM25F.
    pub score: f32,
}

impl WeighedTerms {
    /// Weighs a question's terms. `holding(stream, term)`: how many passages hold the term in their titles, and in
    /// their texts. Terms that occur nowhere stay, since they count in the coverage.
    pub fn new(
        question: &LexicalQuery,
        counts: &CollectionCounts,
        mut holding: impl FnMut(usize, &QueryTerm) -> Result<[u64; 2]>,
    ) -> Result<Self> {
        let mut terms = Vec::with_capacity(question.words.len() + question.bigrams.len());
        let mut mass = [0.0; STREAMS];
        for (stream, list) in [&question.words, &question.bigrams].into_iter().enumerate() {
            for term in list {
                let [in_title, in_text] = holding(stream, term)?;
                let weight = counts.idf(in_title.max(in_text)) * term.weight;
                let is_equal = term.origin == TermOrigin::Synonym && term.text.starts_with('#');
                if !is_equal {
                    mass[stream] += weight;
                }
                terms.push(WeighedTerm {
                    term: term.clone(),
                    stream,
                    weight,
                    is_amount: is_equal || term.origin == TermOrigin::Canonical,
                    is_equal,
                });
            }
        }
        let amounts = terms.iter().filter(|term| term.is_amount && !term.is_equal).count() as f32;
        Ok(WeighedTerms { terms, mass, amounts })
    }

    /// The terms, words first.
    pub fn terms(&self) -> &[WeighedTerm] {
        &self.terms
    }

    /// What each weighs.
    pub fn weights(&self) -> QuestionWeights {
        let [words, bigrams] = std::array::from_fn(|stream| {
            let terms = self.terms.iter().filter(|term| term.stream == stream);
            terms.map(|term| term.weight).collect()
        });
        QuestionWeights { words, bigrams }
    }

    /// What the terms make of a passage of these lengths; `frequencies`: how often it has each term in title and text.
    #[inline]
    pub fn scores(&self, bm25: &Bm25, lengths: &[u32; FIELDS], frequencies: &[[u32; 2]]) -> LexicalScores {
        let mut scores = LexicalScores::default();
        self.each(bm25, lengths, frequencies, |term, score, by_title| {
            let share = term.weight / self.mass[term.stream].max(f32::MIN_POSITIVE);
            scores.title += by_title;
            if term.stream == 0 {
                scores.words += score;
                if !term.is_equal {
                    scores.coverage += share;
                }
                if term.is_amount {
                    scores.amounts = (scores.amounts + 1.0 / self.amounts).min(1.0);
                }
            } else {
                scores.bigrams += score;
                scores.bigram_coverage += share;
            }
        });
        scores
    }

    /// What each term adds to a passage, the strongest first; arguments as for [`Self::scores`].
    pub fn explain(&self, bm25: &Bm25, lengths: &[u32; FIELDS], frequencies: &[[u32; 2]]) -> Vec<TermScore> {
        let mut found = Vec::new();
        self.each(bm25, lengths, frequencies, |weighed, score, _| {
            found.push(TermScore {
                term: weighed.term.clone(),
                is_word: weighed.stream == 0,
                score,
            });
        });
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.text.cmp(&b.term.text)));
        found
    }

    /// Tells `visit` of each term that the passage has: `(term, its score, its score by the title alone)`.
    #[inline]
    fn each(
        &self,
        bm25: &Bm25,
        lengths: &[u32; FIELDS],
        frequencies: &[[u32; 2]],
        mut visit: impl FnMut(&WeighedTerm, f32, f32),
    ) {
        let shares = bm25.shares(lengths);
        for (&[in_title, in_text], term) in frequencies.iter().zip(&self.terms) {
            if in_title > 0 || in_text > 0 {
                let (score, by_title) = bm25.exact(term.stream, in_title, in_text, &shares);
                visit(term, term.weight * score, term.weight * by_title);
            }
        }
    }
}
