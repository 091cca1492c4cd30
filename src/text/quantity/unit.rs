//! What a quantity is: values, a unit, and one canonical spelling.
//!
//! Owns the units and how values of different ones compare. Reads no text.

use super::super::number::Decimal;

/// What is counted. Money and what else has no unit of its own here are plain numbers: 200元, 三次.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Anything: 11000, 1.1万元.
    Number,
    /// Hundredths: 70%, 七成, 百分之七十.
    Percent,
    /// Years that something lasts: 一年半.
    Years,
    /// Months that something lasts: 六个月, 半年.
    Months,
    /// Weeks.
    Weeks,
    /// Days, working days among them.
    Days,
    /// Hours.
    Hours,
    /// Years of a person's life: 60周岁.
    Age,
}

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// The value, or the lower end of a range.
    pub low: Decimal,
    /// The upper end of a range; otherwise equal to `low`.
    pub high: Decimal,
    /// What is counted.
    pub unit: Unit,
}

impl Quantity {
    pub(super) fn new(value: Decimal, unit: Unit) -> Self {
        Quantity {
            low: value,
            high: value,
            unit,
        }
    }
}

/// The same amount in other units, as people count: a month as 30 days, a day as 24 hours (as they say 48小时 of two
/// days, and of more days hardly), 1.5倍 as 150%, 0.85 as 85%.
pub(super) fn equals(value: Decimal, unit: Unit) -> Option<(Decimal, Unit)> {
    let whole = |value: Decimal| value.integer().map(|_| value);
    match unit {
        Unit::Years => equals(value.ratio(12, 1)?, Unit::Months),
        Unit::Months => Some((whole(value)?.ratio(30, 1)?, Unit::Days)),
        Unit::Weeks | Unit::Age => None,
        Unit::Days => match value.integer()? {
            days @ 1..=3 => Some((Decimal::whole(24 * days)?, Unit::Hours)),
            days if days % 30 == 0 => Some((Decimal::whole(days / 30)?, Unit::Months)),
            _ => None,
        },
        Unit::Hours => Some((whole(value.ratio(1, 24)?)?, Unit::Days)),
        Unit::Percent => Some((value.ratio(1, 100)?, Unit::Number)),
        Unit::Number if value.integer().is_none() && value < Decimal::whole(10)? => {
            Some((value.ratio(100, 1)?, Unit::Percent))
        }
        Unit::Number => None,
    }
}

/// `70%`, `6m` (years count twelve months), `30d` (weeks count seven days), `24h`, `60岁`, `11000`.
pub(super) fn canonical(value: Decimal, unit: Unit) -> String {
    let (factor, name) = match unit {
        Unit::Number => (1, ""),
        Unit::Percent => (1, "%"),
        Unit::Years => (12, "m"),
        Unit::Months => (1, "m"),
        Unit::Weeks => (7, "d"),
        Unit::Days => (1, "d"),
        Unit::Hours => (1, "h"),
        Unit::Age => (1, "岁"),
    };
    match value.ratio(factor, 1) {
        Some(value) => format!("{value}{name}"),
        // Too long to be meant.
        None => value.to_string(),
    }
}
