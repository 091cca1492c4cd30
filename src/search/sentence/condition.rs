//! Whether a sentence's condition fits the case that a question tells: who stopped paying 四个月 ago is not helped by
//! what holds 3个月内, but by what holds 超过3个月.
//!
//! Owns how lengths and ages are compared; `text` reads them. Compares only numbers of one unit: 90天 and 3个月 are often
//! not the same limit, and a wrong guess would hide the right sentence.

use std::ops::Range;

use crate::text::{Amount, Bound, Decimal, Unit, Value, amounts, bound, unit_at};

/// How a sentence's conditions stand to the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionFit {
    /// No condition that can be compared.
    Unknown,
    /// At least one condition holds.
    Holds,
    /// There are conditions and none holds.
    Fails,
}

/// A span of time or an age, and where it stands.
#[derive(Debug)]
struct Length {
    value: Decimal,
    unit: Unit,
    range: Range<usize>,
}

/// The lengths and ages that a question tells.
#[derive(Debug, Default)]
pub(super) struct Case {
    told: Vec<Length>,
}

impl Case {
    /// Reads a normalised question.
    pub fn new(question: &str) -> Self {
        Case {
            told: lengths(question),
        }
    }

    /// How the conditions of a normalised line stand to this case.
    pub fn fit(&self, line: &str) -> ConditionFit {
        let mut fit = ConditionFit::Unknown;
        if self.told.is_empty() {
            return fit;
        }
        for limit in lengths(line) {
            let Some(bound) = bound(line, &limit.range) else {
                continue;
            };
            for told in self.told.iter().filter(|told| told.unit == limit.unit) {
                let holds = match bound {
                    Bound::Least => told.value >= limit.value,
                    Bound::Most => told.value <= limit.value,
                };
                if holds {
                    fit = ConditionFit::Holds;
                } else if fit == ConditionFit::Unknown {
                    fit = ConditionFit::Fails;
                }
            }
        }
        fit
    }
}

/// All lengths and ages in a normalised text, in order: 3个月, 一百来天, 十五年, 两岁; no dates and no years of the calendar.
fn lengths(text: &str) -> Vec<Length> {
    let length = |amount: Amount| {
        let Value::Quantity(quantity) = amount.value else {
            return None;
        };
        let (mut end, mut unit) = (amount.range.end, quantity.unit);
        if unit == Unit::Number {
            // 一百来天, 100多天: about as many.
            let behind = text[end..].trim_start().strip_prefix(['来', '多', '余'])?;
            let (length, named) = unit_at(behind)?;
            (end, unit) = (text.len() - behind.len() + length, named);
        }
        (unit != Unit::Percent).then_some(Length {
            value: quantity.low,
            unit,
            range: amount.range.start..end,
        })
    };
    amounts(text).into_iter().filter_map(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_and_ages_are_read() {
        let check = |text: &str, expected: &[(&str, Unit)]| {
            let found: Vec<(String, Unit)> = lengths(text)
                .iter()
                .map(|length| (length.value.to_string(), length.unit))
                .collect();
            let expected: Vec<(String, Unit)> =
                expected.iter().map(|&(value, unit)| (value.to_owned(), unit)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("断了四个月,等30天", &[("4", Unit::Months), ("30", Unit::Days)]);
        check("拖了一百来天", &[("100", Unit::Days)]);
        check("交满十五年", &[("15", Unit::Years)]);
        check("一百二十天", &[("120", Unit::Days)]);
        check("孩子两岁,3 周岁之前", &[("2", Unit::Age), ("3", Unit::Age)]);
        check("1.5年", &[("1.5", Unit::Years)]);
        // Dates, years of the calendar, a list's places, numbers that are none.
        check("2025年11月30日第3日三四个月几个月70%", &[]);
        check("1.2.3年...天百", &[]);
        check("", &[]);
    }

    #[test]
    fn a_condition_holds_or_fails() {
        let check = |question: &str, line: &str, expected: ConditionFit| {
            assert_eq!(Case::new(question).fit(line), expected, "{question} {line}");
        };
        check("断了四个月怎么办", "3个月内补缴的恢复待遇", ConditionFit::Fails);
        check("断了四个月怎么办", "超过3个月补缴的,需等待30天", ConditionFit::Holds);
        check("断了四个月怎么办", "断缴不超过3个月的", ConditionFit::Fails);
        check("断了两个月怎么办", "不满3个月的", ConditionFit::Holds);
        check("断了四个月怎么办", "3个月内恢复,超过3个月的等待", ConditionFit::Holds);
        check("拖了一百来天", "延迟超过90天", ConditionFit::Holds);
        check("孩子两岁", "3周岁之前不保", ConditionFit::Holds);
        check("交满十五年了", "缴费满15年后", ConditionFit::Holds);
        // No number told, no condition, another unit.
        check("断了几个月", "3个月内补缴", ConditionFit::Unknown);
        check("断了四个月", "等待3个月", ConditionFit::Unknown);
        check("断了四个月", "10日内转出", ConditionFit::Unknown);
        check("", "", ConditionFit::Unknown);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(\\PC|[0-9.一二两十百个月天日年岁满超过不内来多 ]){0,40}") {
            let mut last = 0;
            for length in lengths(&text) {
                prop_assert!(length.range.start >= last && text.get(length.range.clone()).is_some());
                last = length.range.end;
            }
            Case::new(&text).fit(&text);
        }
    }
}
