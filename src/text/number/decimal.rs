//! A number's value, exact: 1.1万 is 11000 and nothing near it.
//!
//! Owns the arithmetic that reading numbers needs, and refuses what it cannot hold exactly; never reads a text.

/// A value in millionths, so that 1.1万 is 11000 exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(u64);

/// Millionths in one.
pub(super) const SCALE: u64 = 1_000_000;

impl Decimal {
    pub(super) const ZERO: Decimal = Decimal(0);

    pub(super) fn millionths(value: u64) -> Self {
        Decimal(value)
    }

    pub(in crate::text) fn whole(value: u64) -> Option<Self> {
        value.checked_mul(SCALE).map(Decimal)
    }

    pub(super) fn times(self, factor: u64) -> Option<Self> {
        self.0.checked_mul(factor).map(Decimal)
    }

    pub(super) fn plus(self, other: Decimal) -> Option<Self> {
        self.0.checked_add(other.0).map(Decimal)
    }

    /// The value times `numerator / denominator`; `None` if that is no whole number of millionths.
    pub(in crate::text) fn ratio(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = self.0.checked_mul(numerator)?;
        product
            .is_multiple_of(denominator)
            .then(|| Decimal(product / denominator))
    }

    /// The whole number, if it is one.
    pub fn integer(self) -> Option<u64> {
        self.0.is_multiple_of(SCALE).then_some(self.0 / SCALE)
    }
}

impl From<Decimal> for f64 {
    fn from(value: Decimal) -> f64 {
        value.0 as f64 / SCALE as f64
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0 / SCALE)?;
        let fraction = self.0 % SCALE;
        if fraction != 0 {
            write!(f, ".{}", format!("{fraction:06}").trim_end_matches('0'))?;
        }
        Ok(())
    }
}
