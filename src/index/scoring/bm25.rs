//! The formula of the ranking by words: BM25F, bound to the counts of the collection that it needs.
//!
//! BM25F (Robertson, Zaragoza, Taylor 2004, <https://doi.org/10.1145/1031171.1031181>): term frequencies of title and
//! text, each divided by its length norm and weighted, are added before they saturate:
//!
//! ```text
//! tf'   = Σ_f w_f · tf_f / (1 - b_f + b_f · len_f / avglen_f)
//! score = Σ_t weight_t · idf_t · tf' / (k1 + tf')          idf_t = ln(1 + (N - df + 0.5) / (df + 0.5))
//! ```
//!
//! Reads no postings.

use crate::profile::Bm25Params;

/// The two token streams.
pub const STREAMS: usize = 2;
/// Title words, title bigrams, text words, text bigrams: what tokens are counted by.
pub const FIELDS: usize = 2 * STREAMS;

/// Lengths and counts of a collection.
#[derive(Debug, Clone, Copy)]
pub struct CollectionCounts {
    passages: f32,
    /// At least a tiny positive number each.
    mean_lengths: [f32; FIELDS],
}

impl CollectionCounts {
    /// Of so many passages, which have so many tokens in each field. Passages that were deleted count for as long as
    /// the engine keeps them in what it counts document frequencies by.
    pub fn new(passages: u64, tokens: [u64; FIELDS]) -> Self {
        CollectionCounts {
            passages: passages as f32,
            mean_lengths: tokens.map(|tokens| (tokens as f32 / passages.max(1) as f32).max(f32::MIN_POSITIVE)),
        }
    }

    /// How many passages.
    pub fn passages(&self) -> f32 {
        self.passages
    }

    /// How rare a term is that `doc_freq` passages hold.
    pub fn idf(&self, doc_freq: u64) -> f32 {
        let df = doc_freq as f32;
        (1.0 + (self.passages - df + 0.5).max(0.0) / (df + 0.5)).ln()
    }
}

/// BM25F in one collection.
#[derive(Debug, Clone, Copy)]
pub struct Bm25 {
    params: Bm25Params,
    counts: CollectionCounts,
}

impl Bm25 {
    /// Binds the formula to a collection.
    pub fn new(params: Bm25Params, counts: CollectionCounts) -> Self {
        Bm25 { params, counts }
    }

    /// The counts behind it.
    pub fn counts(&self) -> &CollectionCounts {
        &self.counts
    }

    /// What one occurrence in each field (title words, title bigrams, text words, text bigrams) counts in a passage of
    /// these lengths: the field's weight divided by its length norm.
    pub fn shares(&self, lengths: &[u32; FIELDS]) -> [f32; FIELDS] {
        std::array::from_fn(|field| self.share(field, lengths[field]))
    }

    /// One field of [`Self::shares`].
    pub fn share(&self, field: usize, length: u32) -> f32 {
        let Bm25Params {
            b_text, b_title, title, ..
        } = self.params;
        let (weight, b) = if field < STREAMS {
            (title, b_title)
        } else {
            (1.0, b_text)
        };
        weight / (1.0 - b + b * length as f32 / self.counts.mean_lengths[field])
    }

    /// What a term of weight 1 adds: `(by title and text, by the title alone)`, given the passage's [`Self::shares`].
    #[inline]
    pub fn exact(&self, stream: usize, in_title: u32, in_text: u32, shares: &[f32; FIELDS]) -> (f32, f32) {
        let by_text = in_text as f32 * shares[STREAMS + stream];
        if in_title == 0 {
            return (self.saturated(by_text), 0.0);
        }
        let by_title = in_title as f32 * shares[stream];
        (self.saturated(by_title + by_text), self.saturated(by_title))
    }

    /// What a weighted, normalised frequency counts: 0 to 1.
    #[inline]
    pub fn saturated(&self, tf: f32) -> f32 {
        tf / (self.params.k1 + tf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bm25() -> Bm25 {
        let counts = CollectionCounts::new(1_000, [4_000, 8_000, 100_000, 200_000]);
        Bm25::new(Bm25Params::default(), counts)
    }

    #[test]
    fn more_matches_score_more_and_longer_texts_less() {
        let bm25 = bm25();
        for stream in 0..STREAMS {
            let score = |title, text, length| bm25.exact(stream, title, text, &bm25.shares(&[4, 8, length, length])).0;
            assert_eq!(score(0, 0, 100), 0.0);
            assert!(score(0, 2, 100) > score(0, 1, 100) && score(1, 2, 100) > score(0, 2, 100));
            assert!(score(0, 1, 50) > score(0, 1, 100));
            assert!(score(u32::MAX, u32::MAX, 1) <= 1.0, "it saturates");
        }
    }

    #[test]
    fn rare_terms_weigh_more_and_none_is_negative() {
        let counts = *bm25().counts();
        assert!(counts.idf(1) > counts.idf(10) && counts.idf(10) > counts.idf(900));
        assert!(counts.idf(1000) >= 0.0 && counts.idf(2000) >= 0.0);
    }
}
