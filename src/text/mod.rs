//! Chinese text analysis: text in, index and query terms with offsets out.
//!
//! Owns normalisation with its offset map, segmentation into words and character bigrams, canonical terms for
//! numbers and dates, sentences, regions, years, when texts are near copies, and the lexicon (`index/lexicon`). Never
//! reads articles, knows neither tantivy nor the wire, and weighs nothing beyond what a query term carries: scoring is
//! the search layer's.
//!
//! Order of work, and why: normalise, then cut into runs of one script, then segment. Variants of a character must
//! meet before a dictionary sees them (尊嚴 falls apart otherwise), and a run never crosses punctuation or scripts, so
//! that Latin words and numbers stay whole.

mod analyzer;
mod date;
mod lexicon;
mod lines;
mod marker;
mod normalize;
mod number;
mod product;
mod quantity;
mod query;
mod region;
mod segment;
mod sentence;
mod signature;
mod simplify;
mod spelling;
mod synonyms;
mod validity;
mod year;

pub use analyzer::{Analyzer, Token, Tokens};
pub use date::{WrittenDate, day, find_date, next_day};
#[cfg(test)]
pub(crate) use lines::check_lists;
pub(crate) use lines::{WordList, lexicon_lines, word_list};
pub use marker::{Marker, MarkerStyle, list_marker, section_number};
pub use normalize::Normalized;
pub use number::{Decimal, before_number, is_numeral};
pub use product::{ANY_LETTER, NameFit, ProductName, before_year, is_distinct, is_product, letters, speaks_of_law};
pub use quantity::{Amount, Bound, Quantity, Unit, Value, amounts, bound, unit_at};
pub use query::{AnalyzedQuery, QueryTerm, TermOrigin};
pub use region::Region;
pub use sentence::sentences;
pub use signature::{Grams, Signature, series};
pub use simplify::model_form;
pub use spelling::{Correction, Usage, spelt};
pub use synonyms::{BUILT_IN as BUILT_IN_SYNONYMS, Synonyms};
pub use validity::validity;

#[cfg(test)]
pub(crate) use signature::tests::is_near as is_near_by_sets;

#[cfg(test)]
mod tests;
