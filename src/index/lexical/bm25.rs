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

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;

use crate::index::embedded::segment::SegmentView;
use crate::profile::Bm25Params;

/// The two token streams.
pub const STREAMS: usize = 2;

/// Lengths and counts of the whole snapshot.
#[derive(Debug, Clone, Copy)]
pub struct CollectionNorms {
    /// Passages, deleted ones included as long as their segment keeps them.
    pub passages: f32,
    /// Mean tokens of title words, title bigrams, text words, text bigrams; at least a tiny positive number.
    pub mean_lengths: [f32; 2 * STREAMS],
}

impl CollectionNorms {
    /// Adds up the segments' own counts.
    pub fn of(segments: &[Arc<SegmentView>]) -> Self {
        let passages: u64 = segments.iter().map(|s| u64::from(s.reader.max_doc())).sum();
        let mean = |field: usize| {
            let tokens: u64 = segments.iter().map(|s| s.words[field].index.total_num_tokens()).sum();
            (tokens as f32 / passages.max(1) as f32).max(f32::MIN_POSITIVE)
        };
        CollectionNorms {
            passages: passages as f32,
            mean_lengths: std::array::from_fn(mean),
        }
    }

    /// How rare a term is that `doc_freq` passages hold.
    pub fn idf(&self, doc_freq: u64) -> f32 {
        let df = doc_freq as f32;
        (1.0 + (self.passages - df + 0.5).max(0.0) / (df + 0.5)).ln()
    }
}

/// BM25F of one snapshot.
pub struct Bm25 {
    params: Bm25Params,
    norms: CollectionNorms,
    rough: [Box<[f32]>; 2 * STREAMS],
}

/// Frequencies up to this one have their rough scores in a table.
const TABLED: usize = 8;
/// tantivy keeps field lengths as one of so many classes, for its own scorer.
const LENGTH_CLASSES: usize = 256;

impl Bm25 {
    /// Binds the formula to a collection.
    pub fn new(params: Bm25Params, norms: CollectionNorms) -> Self {
        let mut bm25 = Bm25 {
            params,
            norms,
            rough: Default::default(),
        };
        bm25.rough = std::array::from_fn(|field| {
            let classes = (0..LENGTH_CLASSES).flat_map(|class| (1..=TABLED).map(move |tf| (class, tf)));
            classes
                .map(|(class, tf)| bm25.by_class(field, class as u8, tf as u32))
                .collect()
        });
        bm25
    }

    /// The counts behind it.
    pub fn norms(&self) -> &CollectionNorms {
        &self.norms
    }

    /// What one occurrence in each field (title words, title bigrams, text words, text bigrams) counts in a passage of
    /// these lengths: the field's weight divided by its length norm.
    pub fn shares(&self, lengths: &[u32; 2 * STREAMS]) -> [f32; 2 * STREAMS] {
        std::array::from_fn(|field| self.share(field, lengths[field]))
    }

    fn share(&self, field: usize, length: u32) -> f32 {
        let Bm25Params {
            b_text, b_title, title, ..
        } = self.params;
        let (weight, b) = if field < STREAMS {
            (title, b_title)
        } else {
            (1.0, b_text)
        };
        weight / (1.0 - b + b * length as f32 / self.norms.mean_lengths[field])
    }

    /// What a term of weight 1 adds: `(by title and text, by the title alone)`, given the passage's [`Self::shares`].
    #[inline]
    pub fn exact(&self, stream: usize, in_title: u32, in_text: u32, shares: &[f32; 2 * STREAMS]) -> (f32, f32) {
        let by_text = in_text as f32 * shares[STREAMS + stream];
        if in_title == 0 {
            return (self.saturated(by_text), 0.0);
        }
        let by_title = in_title as f32 * shares[stream];
        (self.saturated(by_title + by_text), self.saturated(by_title))
    }

    #[inline]
    fn saturated(&self, tf: f32) -> f32 {
        tf / (self.params.k1 + tf)
    }

    fn by_class(&self, field: usize, class: u8, tf: u32) -> f32 {
        self.saturated(tf as f32 * self.share(field, FieldNormReader::id_to_fieldnorm(class)))
    }

    /// Nearly what a term of weight 1 adds by one field alone, for a passage whose length in that field is of this
    /// class. Title and text together add at most the sum of both.
    #[inline]
    pub fn rough(&self, field: usize, class: u8, tf: u32) -> f32 {
        match tf as usize {
            tf @ 1..=TABLED => self.rough[field][usize::from(class) * TABLED + tf - 1],
            _ => self.by_class(field, class, tf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bm25() -> Bm25 {
        let norms = CollectionNorms {
            passages: 1000.0,
            mean_lengths: [4.0, 8.0, 100.0, 200.0],
        };
        Bm25::new(Bm25Params::default(), norms)
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
    fn rough_scores_are_the_exact_ones_of_the_length_class() {
        let bm25 = bm25();
        for tf in [1, 2, 8, 9, 300] {
            for length in [3, 40, 200, 1000] {
                let class = FieldNormReader::fieldnorm_to_id(length);
                let length = FieldNormReader::id_to_fieldnorm(class);
                let shares = bm25.shares(&[length; 4]);
                assert_eq!(bm25.rough(3, class, tf), bm25.exact(1, 0, tf, &shares).0);
                assert_eq!(bm25.rough(0, class, tf), bm25.exact(0, tf, 0, &shares).1);
            }
        }
    }

    #[test]
    fn rare_terms_weigh_more_and_none_is_negative() {
        let norms = *bm25().norms();
        assert!(norms.idf(1) > norms.idf(10) && norms.idf(10) > norms.idf(900));
        assert!(norms.idf(1000) >= 0.0 && norms.idf(2000) >= 0.0);
    }
}
