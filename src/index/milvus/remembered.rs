//! Rows that were read for one question, kept for the next ones. What a row says of its passage never changes, and its
//! key is used once: only whether it counts changes, and what is asked for here was found among the rows that count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::rows::Kept;
use crate::index::passage::StoredPassage;

/// What a value takes beside what it says.
const PLACE: usize = 256;
/// About what a value takes; only the first size of the maps depends on it.
const USUAL: usize = 4 << 10;

/// Of a thousand passages that are judged, so many may be unknown before searches bring their rows along.
const MANY: u32 = 50;

/// See [the module](self).
pub struct Remembered {
    /// Of a thousand passages that were judged lately, about how many were unknown.
    unknown: AtomicU32,
    judged: Cache<u64, Arc<Kept>, Bytes>,
    shown: Cache<u64, Arc<StoredPassage>, Bytes>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<u64, Arc<Kept>> for Bytes {
    fn weight(&self, _: &u64, kept: &Arc<Kept>) -> u64 {
        (PLACE + kept.terms.len() + kept.windows.len() + 4 * kept.vector.len()) as u64
    }
}

impl Weighter<u64, Arc<StoredPassage>> for Bytes {
    fn weight(&self, _: &u64, stored: &Arc<StoredPassage>) -> u64 {
        let attributes = stored
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.len() + PLACE);
        let texts = stored.text.len() + stored.title.len() + stored.heading.len();
        (2 * PLACE + texts + stored.sentences.bytes() + attributes.sum::<usize>()) as u64
    }
}

impl Remembered {
    /// At most so many bytes: a quarter of them for texts.
    pub fn new(bytes: usize) -> Self {
        Remembered {
            unknown: AtomicU32::new(1_000),
            judged: Cache::with_weighter(bytes / USUAL, (bytes / 4 * 3) as u64, Bytes),
            shown: Cache::with_weighter(bytes / USUAL, (bytes / 4) as u64, Bytes),
        }
    }

    /// Takes in that of so many passages that a question judged some were not remembered.
    pub fn judged_of(&self, passages: usize, unknown: usize) {
        let share = (1_000 * unknown).checked_div(passages).unwrap_or_default() as u32;
        let before = self.unknown.load(Ordering::Relaxed);
        self.unknown.store((3 * before + share) / 4, Ordering::Relaxed);
    }

    /// Whether searches had better bring the rows that they find: with rows they take a little longer, and one more
    /// call for rows that are unknown takes as long as a search.
    pub fn lacks_many(&self) -> bool {
        self.unknown.load(Ordering::Relaxed) > MANY
    }

    /// What a passage is judged by.
    pub fn judged(&self, row: u64) -> Option<Arc<Kept>> {
        self.judged.get(&row)
    }

    /// Keeps it.
    pub fn keep_judged(&self, row: u64, kept: &Arc<Kept>) {
        self.judged.insert(row, Arc::clone(kept));
    }

    /// A passage as it is shown.
    pub fn shown(&self, row: u64) -> Option<Arc<StoredPassage>> {
        self.shown.get(&row)
    }

    /// Keeps it.
    pub fn keep_shown(&self, row: u64, stored: &Arc<StoredPassage>) {
        self.shown.insert(row, Arc::clone(stored));
    }
}
