//! Numbers as Chinese texts write them: their characters, their rules and their exact values.
//!
//! Owns one number at a time; where numbers stand in a text and what they count is `quantity`'s.

mod decimal;
mod numeral;
mod parse;
mod places;

pub use decimal::Decimal;
pub(super) use numeral::{Form, Number, is_capital};
pub use numeral::{before_number, is_numeral};
pub(super) use parse::parse;
