//! Insurance products in titles and questions, by their names.
//!
//! Owns what of a title is a product's name, and where a question has it. Knows no collection: which titles there are,
//! and what follows where a product is asked for, is the search layer's.

mod edition;
mod insurer;
mod name;
mod words;

pub use edition::before_year;
pub use name::{ANY_LETTER, NameFit, ProductName, is_distinct, is_product, letters, speaks_of_law};
pub(in crate::text) use words::FILE;
