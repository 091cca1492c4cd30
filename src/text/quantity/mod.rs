//! Finds quantities and dates in normalised text and gives each one canonical term, so that variants meet.
//!
//! Owns the grammar of what is counted. The terms begin with `#`, which no written word does:
//!
//! | term | written |
//! |---|---|
//! | `#11000` | 11000, 11,000, 1.1万, 1万1, 一万一, 一万一千 |
//! | `#2025` | 2025, 2025年, 二〇二五年 |
//! | `#2025-04-19`, `#2025-04` | 2025年4月19日, 2025-04-19, 2025/4/19, 25/04/19; 2025年4月, 2025-04 |
//! | `#--04-19`, `#--04` | 4月19日, 四月十九号; 四月 |
//! | `#6m` | 半年, 六个月, 6个月; years count twelve months |
//! | `#30d`, `#24h`, `#60岁` | 三十天, 30日, weeks as seven days; 24小时; 60周岁 |
//! | `#70%` | 七成, 70%, 百分之七十; 万分之五 is `#0.05%` |
//!
//! A bare number below ten gets no term (it is mostly the number of a paragraph), a Chinese digit only if something
//! is counted, and 一 only before a measure of time or share: 一些, 统一, 第三方, 三者险 and 一般 hold no number.

use std::ops::Range;

use crate::model::Date;

use super::number::{self, Decimal, Form};

/// A quantity or a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Bytes of the normalised text.
    pub range: Range<usize>,
    /// The canonical term, `#` included.
    pub term: String,
    /// The year it names, if it is a date or a year.
    pub year: Option<u16>,
}

/// All quantities of a normalised text, in order, none inside another.
pub(super) fn quantities(text: &str) -> Vec<Quantity> {
    let mut found = Vec::new();
    let (mut at, mut before) = (0, None);
    while let Some(character) = text[at..].chars().next() {
        let next = at + character.len_utf8();
        if !may_begin(character, before) {
            (at, before) = (next, Some(character));
            continue;
        }
        let (end, quantity) = read(text, at, before);
        found.extend(quantity);
        // A number that was read and rejected is stepped over whole, so that no tail of it is taken for another.
        let end = end.max(next);
        (at, before) = (end, text[..end].chars().next_back());
    }
    found
}

fn may_begin(character: char, before: Option<char>) -> bool {
    let begins = number::is_numeral(character) || matches!(character, '半' | '壹'..='捌') || is_capital(character);
    let inside = match before {
        Some(before) if character.is_ascii_digit() => before.is_ascii_alphanumeric() || before == '.',
        Some(before) => number::is_numeral(before),
        None => false,
    };
    begins && !inside
}

fn is_capital(character: char) -> bool {
    matches!(character, '壹' | '贰' | '叁' | '肆' | '伍' | '陆' | '柒' | '捌' | '玖')
}

/// What begins at `at`: how far it was read, and the quantity, if it is one.
fn read(text: &str, at: usize, before: Option<char>) -> (usize, Option<Quantity>) {
    let quantity = |end: usize, term: String, year: Option<u16>| {
        let range = at..end;
        (end, Some(Quantity { range, term, year }))
    };
    if let Some((end, term, year)) = date(text, at) {
        return quantity(end, term, Some(year));
    }
    if let Some((end, term)) = half(text, at, before).or_else(|| share(text, at)) {
        return quantity(end, term, None);
    }
    let Some(number) = number::parse(text, at) else {
        return (skip_numerals(text, at), None);
    };
    let rest = &text[number.end..];
    // Three parts in four, and the numbers of a fraction: no amount.
    if rest.starts_with("分之") {
        let after = number.end + "分之".len();
        return (number::parse(text, after).map_or(after, |part| part.end), None);
    }
    if before == Some('第') {
        let counted = number.form == Form::Arabic || is_ordinal_measure(rest) || number.form == Form::Places;
        return match number.value.integer().filter(|_| counted) {
            Some(value) => quantity(number.end, format!("#{value}"), None),
            None => (number.end, None),
        };
    }
    if let Form::Positional(length) = number.form
        && !(length == 4 && rest.starts_with('年'))
    {
        return (number.end, None);
    }
    // 几十万, 数十万; but 基数一万一 is a number.
    let vague = match before {
        Some('几') => number.form != Form::Arabic,
        Some('数') => text[at..].starts_with('十'),
        _ => false,
    } || rest.starts_with("指肠");
    if vague || (number.form == Form::Arabic && joins_latin(rest)) {
        return (number.end, None);
    }
    if let Some((end, term)) = month_day(text, &number).or_else(|| measured(text, &number)) {
        return quantity(end, term, None);
    }
    let year = year_of(&number, rest);
    match number.form {
        Form::Single if !counts(rest, number.value) => (number.end, None),
        Form::Arabic if !worth_a_term(&text[at..number.end], rest, number.value) => (number.end, None),
        _ => quantity(number.end, format!("#{}", number.value), year),
    }
}

fn skip_numerals(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest
        .find(|c| !number::is_numeral(c) && !is_capital(c))
        .unwrap_or(rest.len())
}

/// 5g, 3m: the number is part of a Latin word.
fn joins_latin(rest: &str) -> bool {
    rest.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
}

/// A written number of Arabic digits: not the number of a paragraph, not a code with leading zeros.
fn worth_a_term(written: &str, rest: &str, value: Decimal) -> bool {
    let padded = written.starts_with('0') && written.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    !padded && (written.len() > 1 || counts(rest, value))
}

/// Whether what follows is counted by a number of one digit. 一 is left out: 一个, 一次, 一家 say nothing.
fn counts(rest: &str, value: Decimal) -> bool {
    const COUNTED: [&str; 22] = [
        "次", "倍", "级", "档", "种", "项", "家", "人", "名", "份", "个", "元", "块", "折", "万元", "条", "款", "期",
        "位", "张", "类", "笔",
    ];
    value.integer() != Some(1)
        && COUNTED
            .iter()
            .any(|measure| rest.strip_prefix(' ').unwrap_or(rest).starts_with(measure))
        || rest.starts_with('元')
}

fn is_ordinal_measure(rest: &str) -> bool {
    rest.starts_with([
        '条', '款', '章', '节', '项', '号', '档', '年', '个', '次', '天', '期', '级', '季', '页', '批',
    ])
}

fn year_of(number: &number::Number, rest: &str) -> Option<u16> {
    let year = number.value.integer().filter(|year| (1900..=2100).contains(year))?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    rest.starts_with('年').then_some(year as u16)
}

/// 半年, 半个月: but not 上半年, 大半年, and not the 半 of 一年半.
fn half(text: &str, at: usize, before: Option<char>) -> Option<(usize, String)> {
    let rest = text[at..].strip_prefix('半')?;
    if matches!(
        before,
        Some('上' | '下' | '前' | '后' | '大' | '小' | '年' | '个' | '多' | '一')
    ) {
        return None;
    }
    let (measure, term) = [("年", "#6m"), ("个月", "#0.5m"), ("个小时", "#0.5h"), ("小时", "#0.5h")]
        .into_iter()
        .find(|(measure, _)| rest.starts_with(measure))?;
    Some((at + '半'.len_utf8() + measure.len(), term.to_owned()))
}

/// 百分之七十, 千分之五, 万分之五.
fn share(text: &str, at: usize) -> Option<(usize, String)> {
    let (name, divisor) = [("百分之", 1), ("千分之", 10), ("万分之", 100)]
        .into_iter()
        .find(|(name, _)| text[at..].starts_with(name))?;
    let from = at + name.len();
    if text[from..].starts_with('百') {
        let value = Decimal::whole(100)?.ratio(1, divisor)?;
        return Some((from + '百'.len_utf8(), format!("#{value}%")));
    }
    let number = number::parse(text, from)?;
    Some((number.end, format!("#{}%", number.value.ratio(1, divisor)?)))
}

/// A number with the measure of a share or a span of time behind it.
fn measured(text: &str, number: &number::Number) -> Option<(usize, String)> {
    let space = usize::from(text[number.end..].starts_with(' '));
    let start = number.end + space;
    let rest = &text[start..];
    let whole = number.value.integer();
    if rest.starts_with('%') {
        return Some((start + 1, format!("#{}%", number.value)));
    }
    if rest.starts_with('‰') {
        return Some((start + '‰'.len_utf8(), format!("#{}%", number.value.ratio(1, 10)?)));
    }
    if let Some(rest) = rest.strip_prefix('成') {
        return tenths(rest, start + '成'.len_utf8(), number.value);
    }
    let measure = |names: &[&str]| {
        names
            .iter()
            .find(|name| rest.starts_with(**name))
            .map(|name| start + name.len())
    };
    if let Some(end) = measure(&["周岁", "岁"]) {
        return Some((end, format!("#{}岁", number.value)));
    }
    if let Some(end) = measure(&["个半月"]) {
        return Some((end, format!("#{}m", add_half(number.value)?)));
    }
    if let Some(end) = measure(&["个月", "个自然月"]) {
        return Some((end, format!("#{}m", number.value)));
    }
    if let Some(end) = measure(&["周年", "年"]) {
        // Four digits are a year, and 一年级 is a class.
        if whole.is_some_and(|year| year >= 100) || text[end..].starts_with('级') {
            return None;
        }
        if let Some(rest) = text[end..].strip_prefix('半') {
            let months = add_half(number.value)?.ratio(12, 1)?;
            return Some((text.len() - rest.len(), format!("#{months}m")));
        }
        return Some((end, format!("#{}m", number.value.ratio(12, 1)?)));
    }
    if let Some(end) = measure(&["天", "个工作日", "工作日", "日"]) {
        return Some((end, format!("#{}d", number.value)));
    }
    if let Some(end) = measure(&["个星期", "星期", "周"]) {
        return Some((end, format!("#{}d", number.value.ratio(7, 1)?)));
    }
    measure(&["个小时", "小时"]).map(|end| (end, format!("#{}h", number.value)))
}

fn add_half(value: Decimal) -> Option<Decimal> {
    let whole = value.integer()?;
    Decimal::whole(whole.checked_mul(2)?.checked_add(1)?)?.ratio(1, 2)
}

/// 七成, 七成五: unless 成 begins a word of its own (成为, 成立, 成员).
fn tenths(rest: &str, end: usize, value: Decimal) -> Option<(usize, String)> {
    let tenths = value.integer().filter(|tenths| (1..=10).contains(tenths))?;
    const WORDS: [char; 24] = [
        '为', '立', '员', '功', '本', '人', '年', '长', '交', '果', '绩', '效', '就', '熟', '不', '套', '都', '活',
        '品', '型', '份', '分', '因', '语',
    ];
    if rest.starts_with(WORDS) {
        return None;
    }
    if let Some(five) = rest.strip_prefix('五') {
        let _ = five;
        return Some((end + '五'.len_utf8(), format!("#{}%", tenths * 10 + 5)));
    }
    Some((end, format!("#{}%", tenths * 10)))
}

/// 4月19日, 四月十九号, 四月, 4月份.
fn month_day(text: &str, number: &number::Number) -> Option<(usize, String)> {
    let month = number.value.integer().filter(|month| (1..=12).contains(month))?;
    let end = after(text, number.end, &["月份", "月"])?;
    match day(text, end) {
        // A leap year, so that 2月29日 is a day.
        Some((end, day)) if Date::new(2024, month as u32, day).is_some() => {
            Some((end, format!("#--{month:02}-{day:02}")))
        }
        _ => Some((end, format!("#--{month:02}"))),
    }
}

/// The byte behind one of the names, if it stands at `at`, one space allowed before it.
fn after(text: &str, at: usize, names: &[&str]) -> Option<usize> {
    let rest = &text[at..];
    let trimmed = rest.strip_prefix(' ').unwrap_or(rest);
    let space = rest.len() - trimmed.len();
    names
        .iter()
        .find(|name| trimmed.starts_with(**name))
        .map(|name| at + space + name.len())
}

/// A small number with one of the names behind it, one space allowed before each.
fn part(text: &str, at: usize, names: &[&str]) -> Option<(usize, u32)> {
    let start = at + usize::from(text[at..].starts_with(' '));
    let number = text
        .get(start..)
        .filter(|rest| !rest.is_empty())
        .and_then(|_| number::parse(text, start))?;
    let value = u32::try_from(number.value.integer()?).ok()?;
    Some((after(text, number.end, names)?, value))
}

fn day(text: &str, at: usize) -> Option<(usize, u32)> {
    part(text, at, &["日", "号"])
}

/// A date that names its year: the byte behind it, its term and its year.
fn date(text: &str, at: usize) -> Option<(usize, String, u16)> {
    if let Some(found) = numeric_date(text, at) {
        return Some(found);
    }
    let number = number::parse(text, at)?;
    let year = match (number.form, number.value.integer()?) {
        (Form::Arabic | Form::Positional(4), year @ 1900..=2100) => year as u32,
        (Form::Arabic, year @ 0..=99) if number.end == at + 2 => 2000 + year as u32,
        _ => return None,
    };
    let end = after(text, number.end, &["年"])?;
    // 15年1个月 is a span: 月 must stand right behind the number.
    let (end, month) = part(text, end, &["月份", "月"])?;
    if !(1..=12).contains(&month) {
        return None;
    }
    if let Some((end, day)) = day(text, end)
        && Date::new(year, month, day).is_some()
    {
        return Some((end, format!("#{year}-{month:02}-{day:02}"), year as u16));
    }
    Some((end, format!("#{year}-{month:02}"), year as u16))
}

/// 2025-04-19, 2025/4/19, 2025.4.19, 25/04/19, 2025-04.
fn numeric_date(text: &str, at: usize) -> Option<(usize, String, u16)> {
    let bytes = &text.as_bytes()[at..];
    let run = |from: usize| {
        bytes
            .get(from..)
            .map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
    };
    let value = |from: usize, count: usize| text[at + from..at + from + count].parse::<u32>().ok();
    let first = run(0);
    let separator = *bytes.get(first)?;
    if !matches!(separator, b'-' | b'/' | b'.') || !matches!((first, separator), (4, _) | (2, b'/')) {
        return None;
    }
    let year = if first == 2 { 2000 + value(0, 2)? } else { value(0, 4)? };
    if !(1900..=2100).contains(&year) {
        return None;
    }
    let months = run(5 + first - 4);
    let month_at = first + 1;
    let month = value(month_at, months).filter(|_| (1..=2).contains(&months))?;
    let behind = month_at + months;
    if bytes.get(behind) == Some(&separator) {
        let days = run(behind + 1);
        let day = value(behind + 1, days).filter(|_| (1..=2).contains(&days))?;
        Date::new(year, month, day)?;
        let end = at + behind + 1 + days;
        return Some((end, format!("#{year}-{month:02}-{day:02}"), year as u16));
    }
    let plain = separator == b'-' && first == 4 && months == 2 && (1..=12).contains(&month);
    plain.then(|| (at + behind, format!("#{year}-{month:02}"), year as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> Vec<String> {
        quantities(text).into_iter().map(|quantity| quantity.term).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(terms(text), expected, "{text}");
    }

    #[test]
    fn amounts_meet() {
        for text in [
            "11000元",
            "11,000元",
            "1.1万",
            "1万1",
            "一万一",
            "一万一千元",
            "1.1w",
            "11000 元",
        ] {
            check(text, &["#11000"]);
        }
        check("基数一万一,每月", &["#11000"]);
        check("200元到500元", &["#200", "#500"]);
        check("三次或5次", &["#3", "#5"]);
        check("两百万医疗", &["#2000000"]);
    }

    #[test]
    fn shares_meet() {
        for text in ["七成", "70%", "百分之七十", "70 %", "7成", "百分之70"] {
            check(text, &["#70%"]);
        }
        check("七成五", &["#75%"]);
        check("万分之五的滞纳金", &["#0.05%"]);
        check("5‰", &["#0.5%"]);
        check("百分之百", &["#100%"]);
        check("百分之零点五", &["#0.5%"]);
        check("三分之一", &[]);
        check("三成员", &[]);
    }

    #[test]
    fn spans_meet() {
        for text in ["半年", "六个月", "6个月", "6 个月", "0.5年"] {
            check(text, &["#6m"]);
        }
        for text in ["一年", "12个月", "十二个月", "1年", "1周年"] {
            check(text, &["#12m"]);
        }
        check("一年半", &["#18m"]);
        check("三个半月", &["#3.5m"]);
        check("满25年", &["#300m"]);
        check("三十日内", &["#30d"]);
        check("30天", &["#30d"]);
        check("两周", &["#14d"]);
        check("24小时", &["#24h"]);
        check("六十周岁和60岁", &["#60岁", "#60岁"]);
        check("上半年", &[]);
        check("一年级", &[]);
    }

    #[test]
    fn dates_meet() {
        for text in [
            "2025年4月19日",
            "2025-04-19",
            "2025/4/19",
            "2025.4.19",
            "25/04/19",
            "二〇二五年四月十九日",
            "2025 年 4 月 19 号",
            "25年4月19日",
        ] {
            check(text, &["#2025-04-19"]);
        }
        for text in ["2025年4月", "2025-04", "二零二五年四月份"] {
            check(text, &["#2025-04"]);
        }
        check("2025年", &["#2025"]);
        check("2025年度", &["#2025"]);
        check("二〇二五年", &["#2025"]);
        check("4月19日", &["#--04-19"]);
        check("七月一号", &["#--07-01"]);
        check("每年九月至12月", &["#--09", "#--12"]);
        check("2025年2月30日", &["#2025-02", "#30d"]);
    }

    #[test]
    fn words_that_hold_a_numeral_are_no_quantities() {
        for text in [
            "一些",
            "一下",
            "统一",
            "第三方",
            "三者险",
            "一般",
            "万一",
            "千万别",
            "十分",
            "一样",
            "一起",
            "一旦",
            "唯一",
            "五险一金",
            "四川",
            "三亚",
            "一直",
            "一个",
            "一次性",
            "两者",
            "二手",
            "三五年",
            "五六个月",
            "十几万",
            "几十万",
            "1.",
            "2、",
            "e5",
            "5g",
            "007",
            "陆先生",
            "三明治",
            "一家",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn ordinals_are_plain_numbers() {
        check("第三十四条", &["#34"]);
        check("第34条", &["#34"]);
        check("第三年", &["#3"]);
        check("第三者", &[]);
    }

    proptest! {
        #[test]
        fn ranges_are_in_order_and_on_boundaries(text in "[零〇一二两十百千万亿点半年个月日号第成%0-9.,/ w医-]{0,40}") {
            let mut last = 0;
            for quantity in quantities(&text) {
                prop_assert!(quantity.range.start >= last && quantity.range.start < quantity.range.end);
                prop_assert!(text.get(quantity.range.clone()).is_some());
                last = quantity.range.end;
            }
        }
    }
}
