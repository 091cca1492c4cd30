//! Recognises the years a text speaks of: 2025年, 2025-04-19, 25/05/31, 二〇二五年, 去年.
//!
//! Owns the reading only; what a year does to a ranking is the search layer's.

use crate::model::Date;

use super::quantity::amounts;

/// 去年 and its like, with what they add to this year.
const RELATIVE: [(&str, i32); 7] = [
    ("大前年", -3),
    ("前年", -2),
    ("去年", -1),
    ("今年", 0),
    ("本年", 0),
    ("明年", 1),
    ("后年", 2),
];

/// The years of a normalised text, in order of first appearance, each once. Words like 去年 count from `today`, and
/// say nothing without it.
pub(super) fn years(text: &str, today: Option<Date>) -> Vec<u16> {
    let mut found: Vec<(usize, u16)> = amounts(text)
        .into_iter()
        .filter_map(|amount| {
            let bare = || bare_year(text, amount.range.start, amount.range.end);
            amount.year().or_else(bare).map(|year| (amount.range.start, year))
        })
        .collect();
    if let Some(today) = today {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let hit = RELATIVE.iter().find(|(word, _)| rest.starts_with(word));
            // 今年龄已满 holds 年龄, not 今年.
            if let Some(&(word, add)) =
                hit.filter(|(word, _)| !rest[word.len()..].starts_with(['龄', '纪', '薪', '级']))
            {
                found.extend(u16::try_from(today.year() as i32 + add).ok().map(|year| (at, year)));
                at += word.len();
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    found.sort_by_key(|&(at, _)| at);
    let mut years = Vec::new();
    for (_, year) in found {
        if !years.contains(&year) {
            years.push(year);
        }
    }
    years
}

/// 2025医保, (2021): a year without 年, unless something is counted by it.
fn bare_year(text: &str, start: usize, end: usize) -> Option<u16> {
    let year: u16 = text[start..end]
        .parse()
        .ok()
        .filter(|year| end - start == 4 && (2005..=2035).contains(year))?;
    let before = text[..start].chars().next_back();
    let after = text[end..].trim_start().chars().next();
    let counted = after.is_some_and(|c| {
        c.is_ascii_alphanumeric() || "元块万亿千百人次个份名家位张条多余左平米公里克度点号%.-/~".contains(c)
    });
    let joined = before.is_some_and(|c| c.is_ascii_alphanumeric() || "-/.~¥$￥".contains(c));
    (!counted && !joined).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_read_in_order_and_once() {
        let check = |text: &str, expected: &[u16]| {
            assert_eq!(years(text, Date::new(2025, 4, 19)), expected, "{text}");
        };
        check("2025年4月19日和2024年", &[2025, 2024]);
        check("2023-01-29条款,2023年", &[2023]);
        check("25/05/31", &[2025]);
        check("去年交的,今年能退吗", &[2024, 2025]);
        check("明年和二〇二七年", &[2026, 2027]);
        check("2025医保缴费标准", &[2025]);
        check("产品(2021)条款", &[2021]);
        check("每月2000元,共2018块", &[]);
        check("共2020人", &[]);
        check("今年龄已满", &[]);
        check("没有年份", &[]);
    }

    #[test]
    fn relative_years_say_nothing_without_today() {
        assert_eq!(years("去年和2020年", None), [2020]);
    }
}
