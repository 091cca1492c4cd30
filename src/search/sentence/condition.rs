//! Whether a sentence's condition fits the case that a question tells: who stopped paying 四个月 ago is not helped by
//! what holds 3个月内, but by what holds 超过3个月.
//!
//! Owns how lengths and ages are read and compared. Compares only numbers of one unit: 90天 and 3个月 are often not the
//! same limit, and a wrong guess would hide the right sentence.

/// How a sentence's conditions stand to the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// No condition that can be compared.
    Unknown,
    /// At least one condition holds.
    Holds,
    /// There are conditions and none holds.
    Fails,
}

/// A number of some unit, and where it stands (byte range).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Amount {
    value: f32,
    unit: &'static str,
    start: usize,
    end: usize,
}

/// The lengths and ages that a question tells.
#[derive(Debug, Default)]
pub(super) struct Case {
    told: Vec<Amount>,
}

const AT_LEAST: &[&str] = &[
    "超过", "大于", "多于", "逾", ">", "年满", "已满", "满", "达到", "达", "≥",
];
const AT_MOST: &[&str] = &[
    "不超过",
    "未超过",
    "不满",
    "未满",
    "不足",
    "小于",
    "少于",
    "低于",
    "<",
    "≤",
];
const AND_MORE: &[&str] = &["以上", "以后", "及以上", "(含)以上"];
const OR_LESS: &[&str] = &["以内", "之内", "内", "以下", "及以下", "之前", "(含)以内"];

impl Case {
    /// Reads a normalised question.
    pub fn new(question: &str) -> Self {
        Case {
            told: amounts(question),
        }
    }

    /// How the conditions of a normalised line stand to this case.
    pub fn fit(&self, line: &str) -> Fit {
        let mut fit = Fit::Unknown;
        if self.told.is_empty() {
            return fit;
        }
        for limit in amounts(line) {
            let (before, after) = (line[..limit.start].trim_end(), line[limit.end..].trim_start());
            let before_is = |phrases: &[&str]| phrases.iter().any(|phrase| before.ends_with(phrase));
            let after_is = |phrases: &[&str]| phrases.iter().any(|phrase| after.starts_with(phrase));
            // 不超过 ends in 超过 and 不满 in 满, so the upper bounds come first.
            let upper = before_is(AT_MOST) || after_is(OR_LESS);
            if !upper && !before_is(AT_LEAST) && !after_is(AND_MORE) {
                continue;
            }
            for told in self.told.iter().filter(|told| told.unit == limit.unit) {
                let holds = if upper {
                    told.value <= limit.value
                } else {
                    told.value >= limit.value
                };
                fit = match holds {
                    true => Fit::Holds,
                    false if fit == Fit::Unknown => Fit::Fails,
                    false => fit,
                };
            }
        }
        fit
    }
}

/// All lengths and ages in a normalised text, in order: 3个月, 一百来天, 十五年, 两岁; no dates and no years of the calendar.
fn amounts(text: &str) -> Vec<Amount> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(is_numeral).map(|at| from + at) {
        let rest = &text[at..];
        let numeral = &rest[..rest.find(|c| !is_numeral(c)).unwrap_or(rest.len())];
        let end = at + numeral.len();
        from = end;
        // 一百来天, 100多天: about as many.
        let behind = text[end..].trim_start();
        let behind = behind.strip_prefix(['来', '多', '余']).unwrap_or(behind);
        let dated = text[..at].trim_end().ends_with(['年', '月', '.', '第']);
        let unit = [
            ("个月", "月"),
            ("周岁", "岁"),
            ("岁", "岁"),
            ("天", "日"),
            ("日", "日"),
            ("年", "年"),
        ];
        let Some((written, unit)) = unit.into_iter().find(|(written, _)| behind.starts_with(written)) else {
            continue;
        };
        let Some(value) = value(numeral) else { continue };
        if dated || (unit == "年" && value > 200.0) {
            continue;
        }
        let end = text.len() - behind.len() + written.len();
        found.push(Amount {
            value,
            unit,
            start: at,
            end,
        });
        from = end;
    }
    found
}

fn is_numeral(character: char) -> bool {
    matches!(
        character,
        '0'..='9' | '.' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '百' | '两'
    )
}

/// The value of a numeral below 1000 in digits or characters.
fn value(numeral: &str) -> Option<f32> {
    if numeral.starts_with(|c: char| c.is_ascii_digit()) {
        return numeral.parse().ok();
    }
    let (mut sum, mut digit) = (0.0, None);
    for character in numeral.chars() {
        let place = match character {
            '百' => 100.0,
            '十' => 10.0,
            '两' => {
                digit = Some(2.0);
                continue;
            }
            other => {
                let at = "一二三四五六七八九".chars().position(|c| c == other)?;
                // 三四个月 is no number.
                if digit.replace(at as f32 + 1.0).is_some() {
                    return None;
                }
                continue;
            }
        };
        sum += place * digit.take().unwrap_or(1.0);
    }
    Some(sum + digit.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_and_ages_are_read() {
        let check = |text: &str, expected: &[(f32, &str)]| {
            let found: Vec<(f32, &str)> = amounts(text).iter().map(|amount| (amount.value, amount.unit)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("断了四个月,等30天", &[(4.0, "月"), (30.0, "日")]);
        check("拖了一百来天", &[(100.0, "日")]);
        check("交满十五年", &[(15.0, "年")]);
        check("一百二十天", &[(120.0, "日")]);
        check("孩子两岁,3 周岁之前", &[(2.0, "岁"), (3.0, "岁")]);
        check("1.5年", &[(1.5, "年")]);
        // Dates, years of the calendar, a list's places, numbers that are none.
        check("2025年11月30日第3日三四个月几个月10个工作日", &[]);
        check("1.2.3年...天百", &[]);
        check("", &[]);
    }

    #[test]
    fn a_condition_holds_or_fails() {
        let check = |question: &str, line: &str, expected: Fit| {
            assert_eq!(Case::new(question).fit(line), expected, "{question} {line}");
        };
        check("断了四个月怎么办", "3个月内补缴的恢复待遇", Fit::Fails);
        check("断了四个月怎么办", "超过3个月补缴的,需等待30天", Fit::Holds);
        check("断了四个月怎么办", "断缴不超过3个月的", Fit::Fails);
        check("断了两个月怎么办", "不满3个月的", Fit::Holds);
        check("断了四个月怎么办", "3个月内恢复,超过3个月的等待", Fit::Holds);
        check("拖了一百来天", "延迟超过90天", Fit::Holds);
        check("孩子两岁", "3周岁之前不保", Fit::Holds);
        check("交满十五年了", "缴费满15年后", Fit::Holds);
        // No number told, no condition, another unit.
        check("断了几个月", "3个月内补缴", Fit::Unknown);
        check("断了四个月", "等待3个月", Fit::Unknown);
        check("断了四个月", "10日内转出", Fit::Unknown);
        check("", "", Fit::Unknown);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(\\PC|[0-9.一二两十百个月天日年岁满超过不内来多 ]){0,40}") {
            let mut last = 0;
            for amount in amounts(&text) {
                prop_assert!(amount.start >= last && amount.start < amount.end && amount.end <= text.len());
                prop_assert!(text.is_char_boundary(amount.start) && text.is_char_boundary(amount.end));
                last = amount.end;
            }
            Case::new(&text).fit(&text);
        }
    }
}
