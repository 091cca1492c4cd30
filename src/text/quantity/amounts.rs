//! Finds quantities and dates in normalised text and gives each one a value and a canonical term, so that variants
//! meet.
//!
//! Owns where in a text something is counted and where not. The terms begin with `#`, which no written word does:
//!
//! | term | written |
//! |---|---|
//! | `#11000` | 11000, 11,000, 1.1万, 1万1, 一万一, 一万一千 |
//! | `#2025` | 2025, 2025年, 二〇二五年 |
//! | `#2025-04-19`, `#2025-04` | 2025年4月19日, 2025-04-19, 2025/4/19, 25/04/19; 2025年4月, 2025-04 |
//! | `#--04-19`, `#--04` | 4月19日, 四月十九号; 四月 |
//! | `#6m` | 半年, 六个月, 6个月, 两个季度; years count twelve months |
//! | `#30d`, `#24h`, `#60岁` | 三十天, 30日, weeks as seven days; 24小时; 60周岁 |
//! | `#70%` | 七成, 七折, 70%, 百分之七十, 十分之七; 万分之五 is `#0.05%` |
//! | `#3m` and `#6m` | 3-6个月, 三至六个月 |
//!
//! A bare number below ten gets no term (it is mostly the number of a paragraph), a Chinese digit only if something
//! is counted, and 一 only before a measure of time or share: 一些, 统一, 第三方, 三者险 and 一般 hold no number.

use std::ops::Range;

use super::super::date::{WrittenDate, month_day, read_date};
use super::super::number::{self, Decimal, Form, Number, is_capital, is_numeral};
use super::measure::{counts, half, is_ordinal_measure, measured, range, share};
use super::unit::{Quantity, Unit, canonical, equals};

/// What a stretch of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// How much of something.
    Quantity(Quantity),
    /// A day, a month or a year.
    Date(WrittenDate),
}

/// A quantity or a date, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Bytes of the normalised text.
    pub range: Range<usize>,
    /// What it says.
    pub value: Value,
}

impl Amount {
    /// The canonical terms, `#` included: of a range one for each end.
    pub fn terms(&self) -> impl Iterator<Item = String> {
        let (first, second) = match self.value {
            Value::Quantity(Quantity { low, high, unit }) => {
                let high = (high != low).then(|| format!("#{}", canonical(high, unit)));
                (format!("#{}", canonical(low, unit)), high)
            }
            Value::Date(date) => (format!("#{date}"), None),
        };
        [Some(first), second].into_iter().flatten()
    }

    /// The canonical term of the same amount in another unit, if it is a single one that people write so as well.
    pub(in crate::text) fn equal_term(&self) -> Option<String> {
        match self.value {
            Value::Quantity(Quantity { low, high, unit }) if low == high => {
                let (value, unit) = equals(low, unit)?;
                Some(format!("#{}", canonical(value, unit)))
            }
            _ => None,
        }
    }

    /// The year it names, if it is a date or a year.
    pub(in crate::text) fn year(&self) -> Option<u16> {
        match self.value {
            Value::Quantity(_) => None,
            Value::Date(date) => date.year,
        }
    }
}

/// All quantities and dates of a normalised text, in order, none inside another.
pub fn amounts(text: &str) -> Vec<Amount> {
    let mut found = Vec::new();
    let (mut at, mut before) = (0, None);
    while let Some(character) = text[at..].chars().next() {
        let next = at + character.len_utf8();
        if !may_begin(character, before) {
            (at, before) = (next, Some(character));
            continue;
        }
        let (end, value) = read(text, at, before);
        found.extend(value.map(|value| Amount { range: at..end, value }));
        // A number that was read and rejected is stepped over whole, so that no tail of it is taken for another.
        let end = end.max(next);
        (at, before) = (end, text[..end].chars().next_back());
    }
    found
}

fn may_begin(character: char, before: Option<char>) -> bool {
    let inside = match before {
        Some(before) if character.is_ascii_digit() => before.is_ascii_alphanumeric() || before == '.',
        Some(before) => is_numeral(before),
        None => false,
    };
    (is_numeral(character) || character == '半' || is_capital(character)) && !inside
}

/// What a number and 分之 behind it say: 四分之三 is 75%, 三分之一 no round number of anything.
fn fraction(text: &str, parts: &Number) -> (usize, Option<Value>) {
    let after = parts.end + "分之".len();
    let Some(part) = number::parse(text, after) else {
        return (after, None);
    };
    let whole = parts.value.integer();
    let hundredths = whole.and_then(|parts| part.value.ratio(100, parts.max(1)));
    let share = hundredths.map(|value| Value::Quantity(Quantity::new(value, Unit::Percent)));
    (part.end, share)
}

/// What begins at `at`: how far it was read, and what it says, if anything.
fn read(text: &str, at: usize, before: Option<char>) -> (usize, Option<Value>) {
    if let Some((end, date)) = read_date(text, at) {
        return (end, Some(Value::Date(date)));
    }
    if let Some((end, quantity)) = half(text, at, before).or_else(|| share(text, at)) {
        return (end, Some(Value::Quantity(quantity)));
    }
    let Some(number) = number::parse(text, at) else {
        let rest = &text[at..];
        let numerals = rest.find(|c| !is_numeral(c) && !is_capital(c));
        return (at + numerals.unwrap_or(rest.len()), None);
    };
    let rest = &text[number.end..];
    let plain = Some(Value::Quantity(Quantity::new(number.value, Unit::Number)));
    if rest.starts_with("分之") {
        return fraction(text, &number);
    }
    if before == Some('第') {
        let counted = matches!(number.form, Form::Arabic | Form::Places) || is_ordinal_measure(rest);
        let whole = number.value.integer().is_some();
        return (number.end, plain.filter(|_| counted && whole));
    }
    if let Form::Positional(length) = number.form
        && !(length == 4 && rest.starts_with('年'))
        && !(length == 2 && rest.starts_with('折'))
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
    if let Some((end, date)) = month_day(text, &number) {
        return (end, Some(Value::Date(date)));
    }
    if let Some(year) = short_year(&number, before, rest) {
        return (number.end, Some(Value::Date(year)));
    }
    if let Some((end, quantity)) = range(text, &number).or_else(|| measured(text, &number)) {
        return (end, Some(Value::Quantity(quantity)));
    }
    let says = match number.form {
        Form::Single => counts(rest, number.value),
        Form::Arabic => worth_a_term(&text[at..number.end], rest, number.value),
        _ => true,
    };
    (number.end, year_of(&number, rest).or(plain).filter(|_| says))
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

/// 24年度; 24年居民医保缴费标准, where nothing says that a length of time is meant.
fn short_year(number: &Number, before: Option<char>, rest: &str) -> Option<WrittenDate> {
    let year = number.value.integer().filter(|year| (10..=99).contains(year))?;
    let behind = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix('年')?;
    let begins = before.is_none_or(|c| !c.is_alphanumeric() && !"-~—–./".contains(c));
    // People pay and insure for round numbers of years.
    let has_standard = begins && (16..30).contains(&year) && !year.is_multiple_of(5) && is_standard(behind);
    let short = matches!(number.form, Form::Arabic) && (behind.starts_with('度') || has_standard);
    short.then_some(WrittenDate {
        year: Some(2000 + year as u16),
        month: None,
        day: None,
    })
}

/// Whether what is set year by year begins here: 居民医保缴费标准, but no 标准体 and no 缴费年限.
fn is_standard(text: &str) -> bool {
    const WHOSE: [&str; 6] = ["的", "城乡", "城镇", "居民", "职工", "灵活就业"];
    const INSURANCE: [&str; 6] = ["医保", "社保", "养老保险", "医疗保险", "低保", "最低生活保障"];
    const STANDARDS: [&str; 4] = ["缴费标准", "缴费基数", "标准", "基数"];
    let strip = |text: &'_ str, words: &[&str]| -> usize {
        words
            .iter()
            .fold(text, |rest, word| rest.strip_prefix(word).unwrap_or(rest))
            .len()
    };
    let whose = &text[text.len() - strip(text.trim_start(), &WHOSE)..];
    let rest = &text[text.len() - strip(whose, &INSURANCE)..];
    // Products have variants: 19年标准版.
    let of_insurance = rest.len() < whose.len();
    STANDARDS.iter().any(|word| {
        rest.strip_prefix(word).is_some_and(|rest| !rest.starts_with('体'))
            && (of_insurance || word.starts_with("缴费"))
    })
}

fn year_of(number: &Number, rest: &str) -> Option<Value> {
    let year = number.value.integer().filter(|year| (1900..=2100).contains(year))?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    rest.starts_with('年').then_some(Value::Date(WrittenDate {
        year: Some(year as u16),
        month: None,
        day: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> Vec<String> {
        amounts(text).iter().flat_map(Amount::terms).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(terms(text), expected, "{text}");
    }

    #[test]
    fn two_digits_are_a_year_only_before_what_is_set_year_by_year() {
        let years = |text: &str| amounts(text).iter().filter_map(Amount::year).collect::<Vec<_>>();
        for text in [
            "24年居民医保缴费标准",
            "问:24年社保缴费基数",
            "24年度缴费",
            "24年的低保标准",
            "24年城镇职工医保基数",
        ] {
            assert_eq!(years(text), [2024], "{text}");
        }
        for text in [
            "于第10年末、15年末、20年末给付生存保险金",
            "20年末 现金价值",
            "我60岁,33年社保能领多少",
            "我17年社保能领多少养老金",
            "上海12年社保退休拿多少",
            "(25年职工医保缴费年限)",
            "保费:20年标准体",
            "保费:24年标准体",
            "交满24年社保基数",
            "10-24年医保标准",
            "20年缴费标准",
            "缴费期间:19年标准版",
            "18年标准费率",
        ] {
            assert_eq!(years(text), [0_u16; 0], "{text}");
        }
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
            "11000.00元",
            "1万1千元",
            "11千元",
            "壹万壹仟元整",
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
        for text in ["七折", "7折", "十分之七", "70个百分点", "七十%", "百分之 70"] {
            check(text, &["#70%"]);
        }
        for text in ["七成五", "7成5", "七五折", "7.5折", "75折", "四分之三", "百分之七十五"] {
            check(text, &["#75%"]);
        }
        check("三分之一", &[]);
        check("五折旧", &["#5"]);
        check("三成员", &[]);
    }

    #[test]
    fn spans_meet() {
        for text in ["半年", "六个月", "6个月", "6 个月", "0.5年", "陆个月"] {
            check(text, &["#6m"]);
        }
        for text in ["一年", "12个月", "十二个月", "1年", "1周年"] {
            check(text, &["#12m"]);
        }
        check("一年半", &["#18m"]);
        check("三个半月", &["#3.5m"]);
        check("一个季度", &["#3m"]);
        check("两个季度", &["#6m"]);
        check("满25年", &["#300m"]);
        check("三十日内", &["#30d"]);
        check("30天", &["#30d"]);
        check("两周", &["#14d"]);
        check("24小时", &["#24h"]);
        check("六十周岁和60岁", &["#60岁", "#60岁"]);
        check("断缴后半年内补缴", &["#6m"]);
        check("后半年", &[]);
        check("上半年", &[]);
        check("一年级", &[]);
    }

    #[test]
    fn ranges_have_two_ends() {
        for text in [
            "3-6个月",
            "3~6个月",
            "3至6个月",
            "三到六个月",
            "3 - 6 个月",
            "3——6个月",
            "3个月至6个月",
        ] {
            check(text, &["#3m", "#6m"]);
        }
        check("50%-70%", &["#50%", "#70%"]);
        check("50-70%", &["#50%", "#70%"]);
        check("六至七成", &["#60%", "#70%"]);
        check("1-2万元", &["#10000", "#20000"]);
        check("2000-3000元", &["#2000", "#3000"]);
        check("60至65周岁", &["#60岁", "#65岁"]);
        check("3到医院", &[]);
        check("6-3个月", &["#3m"]);
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
        check("25年度", &["#2025"]);
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
            for quantity in amounts(&text) {
                prop_assert!(quantity.range.start >= last && quantity.range.start < quantity.range.end);
                prop_assert!(text.get(quantity.range.clone()).is_some());
                last = quantity.range.end;
            }
        }
    }
}
