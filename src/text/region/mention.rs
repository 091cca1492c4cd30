//! A name in a text, as reading it hands it on: where it stands and what it may be.

use std::ops::Range;

/// A name of a region in a text.
pub(super) struct Mention {
    /// Where it stands, with those of the regions right before it that hold it.
    pub range: Range<usize>,
    /// The region, where the name alone tells which; otherwise what else the text names decides.
    pub place: Option<usize>,
    /// All that it may be.
    pub places: Vec<usize>,
}
