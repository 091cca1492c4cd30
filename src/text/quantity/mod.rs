//! Quantities in texts: how much of what, and where.
//!
//! Owns shares, spans of time, ages and plain amounts; numbers by themselves are `number`'s, dates `date`'s.

mod amounts;
mod bound;
mod measure;
mod unit;

pub use amounts::{Amount, Value, amounts};
pub use bound::{Bound, bound};
pub use measure::unit_at;
pub use unit::{Quantity, Unit};
