//! Nearly what BM25F makes of one posting, by table: passages' lengths by tantivy's length class instead of exactly.

use tantivy::fieldnorm::FieldNormReader;

use crate::index::scoring::{Bm25, FIELDS};

/// Frequencies up to this one have their scores in a table.
const TABLED: usize = 8;
/// tantivy keeps field lengths as one of so many classes, for its own scorer.
const LENGTH_CLASSES: usize = 256;

/// Scores of single postings in one collection.
pub struct RoughBm25 {
    exact: Bm25,
    tables: [Box<[f32]>; FIELDS],
}

impl RoughBm25 {
    /// Fills the tables.
    pub fn new(exact: Bm25) -> Self {
        let mut rough = RoughBm25 {
            exact,
            tables: Default::default(),
        };
        rough.tables = std::array::from_fn(|field| {
            let classes = (0..LENGTH_CLASSES).flat_map(|class| (1..=TABLED).map(move |tf| (class, tf)));
            classes
                .map(|(class, tf)| rough.by_class(field, class as u8, tf as u32))
                .collect()
        });
        rough
    }

    /// The formula itself.
    pub fn exact(&self) -> &Bm25 {
        &self.exact
    }

    fn by_class(&self, field: usize, class: u8, tf: u32) -> f32 {
        let share = self.exact.share(field, FieldNormReader::id_to_fieldnorm(class));
        self.exact.saturated(tf as f32 * share)
    }

    /// Nearly what a term of weight 1 adds by one field alone, for a passage whose length in that field is of this
    /// class. Title and text together add at most the sum of both.
    #[inline]
    pub fn score(&self, field: usize, class: u8, tf: u32) -> f32 {
        match tf as usize {
            tf @ 1..=TABLED => self.tables[field][usize::from(class) * TABLED + tf - 1],
            _ => self.by_class(field, class, tf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::scoring::CollectionCounts;
    use crate::profile::Bm25Params;

    #[test]
    fn rough_scores_are_the_exact_ones_of_the_length_class() {
        let counts = CollectionCounts::new(1_000, [4_000, 8_000, 100_000, 200_000]);
        let bm25 = Bm25::new(Bm25Params::default(), counts);
        let rough = RoughBm25::new(bm25);
        for tf in [1, 2, 8, 9, 300] {
            for length in [3, 40, 200, 1000] {
                let class = FieldNormReader::fieldnorm_to_id(length);
                let length = FieldNormReader::id_to_fieldnorm(class);
                let shares = bm25.shares(&[length; 4]);
                assert_eq!(rough.score(3, class, tf), bm25.exact(1, 0, tf, &shares).0);
                assert_eq!(rough.score(0, class, tf), bm25.exact(0, tf, 0, &shares).1);
            }
        }
    }
}
