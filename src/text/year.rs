//! Recognises the years a text speaks of: 2025年, 2025-04-19, 25/05/31, 二〇二五年, 去年, 〔2023〕5号, 2021-E版; each year of a
//! span (2021至2025年, 十四五期间).
//!
//! A year counts where it says what a text is about: not the one in which somebody was born or some firm founded
//! (`index/lexicon/passing-years.txt`). Owns the reading only, and which years are merely those of an edition (2021版,
//! a document's number); what a year does to a ranking is the search layer's.

use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

use crate::model::Date;

use super::lines::lexicon_lines;
use super::number::is_numeral;
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

/// Whether a word like 明年 begins inside another one: 证明年满, 以后年度, 减去年初, 成本年均.
fn is_torn(before: &str, word: &str) -> bool {
    let first: &[char] = match word.chars().next() {
        Some('前') => &['以', '之', '此', '先', '提', '目', '当', '日', '期', '事', '生'],
        Some('后') => &[
            '以', '之', '此', '今', '往', '其', '日', '期', '事', '产', '术', '随', '最',
        ],
        Some('明') => &[
            '证', '说', '声', '表', '注', '标', '写', '查', '阐', '申', '载', '列', '指', '公',
        ],
        Some('去') => &[
            '减', '扣', '除', '免', '失', '过', '出', '上', '下', '进', '回', '死', '拿', '略',
        ],
        Some('本') => &[
            '基', '成', '样', '资', '原', '根', '文', '版', '日', '股', '标', '书', '副', '正',
        ],
        _ => &[],
    };
    before.ends_with(first)
}

/// The years of a normalised text, in order of first appearance, each once. Words like 去年 count from `today`, and
/// say nothing without it.
pub(super) fn years(text: &str, today: Option<Date>) -> Vec<u16> {
    let mut found: Vec<(usize, u16)> = written(text).map(|(range, year)| (range.start, year)).collect();
    if let Some(today) = today {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let hit = RELATIVE
                .iter()
                .find(|(word, _)| rest.starts_with(word) && !is_torn(&text[..at], word));
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
    once(found.into_iter().map(|(_, year)| year))
}

/// The years of a normalised text that are more than those of an edition or of a document's number.
pub(super) fn stated(text: &str) -> Vec<u16> {
    once(
        written(text)
            .filter(|(range, _)| !is_edition(text, range))
            .map(|(_, year)| year),
    )
}

fn once(found: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut years = Vec::new();
    for year in found {
        if !years.contains(&year) {
            years.push(year);
        }
    }
    years
}

/// Words with a `+` where the year stands that they make one in passing.
pub(super) fn passing_words() -> impl Iterator<Item = &'static str> {
    lexicon_lines(include_str!("../../index/lexicon/passing-years.txt")).map(|(_, line)| line)
}

/// Those right before a year and those right behind it.
static PASSING: LazyLock<[Vec<&str>; 2]> = LazyLock::new(|| {
    let lines = passing_words;
    let before = lines().filter_map(|line| line.strip_suffix('+'));
    let behind = lines().filter_map(|line| line.strip_prefix('+'));
    [before.collect(), behind.collect()]
});

/// Whether a year is that of somebody's life, or of something else that a text is not about.
fn is_passing(text: &str, range: &Range<usize>) -> bool {
    let [before, behind] = &*PASSING;
    let rest = text[range.end..].trim_start_matches(['年', ' ', '就']);
    let head = text[..range.start].trim_end_matches([' ', ':']);
    before.iter().any(|word| head.ends_with(word)) || behind.iter().any(|word| rest.starts_with(word))
}

/// The years that are written as numbers and say what the text is about, and where.
fn numbered(text: &str) -> Vec<(Range<usize>, u16)> {
    let counted = amounts(text).into_iter().filter_map(|amount| {
        let year = amount
            .year()
            .or_else(|| bare_year(text, amount.range.start, amount.range.end));
        year.map(|year| (amount.range, year))
    });
    let mut found: Vec<(Range<usize>, u16)> = counted.collect();
    // What no amount is: 2021-E版, PICC2018款, 〔2001〕20号, the first of 2015-2016年度.
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|skip| at + skip) {
        let digits = text[start..].find(|c: char| !c.is_ascii_digit());
        let end = digits.map_or(text.len(), |digits| start + digits);
        at = end;
        let is_read = found.iter().any(|(range, _)| range.start <= start && start < range.end);
        if end - start == 4 && !is_read {
            found.extend(edition(text, start, end).map(|year| (start..end, year)));
        }
    }
    found.retain(|(range, _)| !is_passing(text, range));
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// All of them, with each year of a span.
fn written(text: &str) -> impl Iterator<Item = (Range<usize>, u16)> {
    let mut found = numbered(text);
    for (range, years) in spans_of(text, &found) {
        found.extend(years.map(|year| (range.clone(), year)));
    }
    found.sort_by_key(|(range, year)| (range.start, *year));
    found.into_iter()
}

/// From which to which year each span goes that a normalised text speaks of (2021至2025年, 十四五期间).
pub(super) fn spans(text: &str) -> Vec<RangeInclusive<u16>> {
    let spans = spans_of(text, &numbered(text));
    spans.into_iter().map(|(_, years)| years).collect()
}

fn spans_of(text: &str, numbered: &[(Range<usize>, u16)]) -> Vec<(Range<usize>, RangeInclusive<u16>)> {
    let pairs = numbered.windows(2).filter_map(|pair| {
        let ((first, from), (last, to)) = (&pair[0], &pair[1]);
        Some((first.clone(), *from..=*to))
            .filter(|_| is_span(text, first, last) && (from + 1..=from + LONGEST_SPAN).contains(to))
    });
    pairs.chain(plans(text)).collect()
}

/// Whether two years are the ends of a span: 2023至2025年, 2023年1月1日到2025年12月31日.
fn is_span(text: &str, first: &Range<usize>, last: &Range<usize>) -> bool {
    let joint = text.get(first.end..last.start).unwrap_or_default();
    let joint = joint
        .trim_start_matches(['年', '度', ' ', '起'])
        .trim_end_matches([' ', '(']);
    SPANS.contains(&joint)
}

/// Between the first and the last year of a span.
const SPANS: [&str; 9] = ["-", "--", "~", "—", "——", "–", "至", "到", "直至"];
/// In years; what is further apart are two days of a history.
const LONGEST_SPAN: u16 = 10;

/// The years of 十四五期间 and “十五五”时期. A plan alone is mentioned in many texts that are not of its years.
fn plans(text: &str) -> Vec<(Range<usize>, RangeInclusive<u16>)> {
    const PLANS: [(&str, u16); 4] = [("十二五", 2011), ("十三五", 2016), ("十四五", 2021), ("十五五", 2026)];
    const QUOTES: [char; 8] = ['“', '”', '"', '\'', '‘', '’', '「', '」'];
    let mut found = Vec::new();
    for (name, first) in PLANS {
        for (at, _) in text.match_indices(name) {
            let behind = text[at + name.len()..].trim_start_matches(QUOTES);
            // 三十四五期间 is another number.
            if !text[..at].ends_with(is_numeral) && ["期间", "时期"].iter().any(|word| behind.starts_with(word)) {
                found.push((at..at + name.len(), first..=first + 4));
            }
        }
    }
    found
}

/// Four digits that only what stands round them makes a year.
fn edition(text: &str, start: usize, end: usize) -> Option<u16> {
    let year: u16 = text[start..end]
        .parse()
        .ok()
        .filter(|year| (1980..=2035).contains(year))?;
    let (before, behind) = (&text[..start], &text[end..]);
    let closed = before.ends_with(OPEN) && behind.starts_with(CLOSE);
    let lettered = behind.strip_prefix(['-', '·']).is_some_and(|rest| {
        let letter = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        rest.len() - letter.len() <= 3
            && rest.starts_with(|c: char| c.is_ascii_alphabetic())
            && letter.starts_with(['版', '款'])
    });
    let latin = before.ends_with(|c: char| c.is_ascii_alphabetic()) && behind.starts_with(['版', '款']);
    let joint = SPANS.iter().rev().find_map(|joint| behind.strip_prefix(joint));
    let first_of_two = joint.is_some_and(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let next = rest[..digits].parse::<u16>().ok();
        digits == 4 && next.is_some_and(|next| (year..=year + 10).contains(&next)) && rest[digits..].starts_with('年')
    });
    (closed || lettered || latin || first_of_two).then_some(year)
}

const OPEN: [char; 4] = ['(', '[', '〔', '【'];
const CLOSE: [char; 4] = [')', ']', '〕', '】'];

/// (2018), 2021版, (2023版), 2021-E版, [2014]6号: when a product or a document was made, not what it holds for.
fn is_edition(text: &str, range: &Range<usize>) -> bool {
    let (before, behind) = (&text[..range.start], &text[range.end..]);
    let behind = behind.strip_prefix('年').unwrap_or(behind);
    let lettered = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '·'));
    let closed = before.ends_with(OPEN) && behind.starts_with(CLOSE);
    closed || lettered.starts_with(['版', '款']) || behind.starts_with("修订")
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
        for text in [
            "以前年度结余",
            "之前年度",
            "以后年度不得补缴",
            "此后年度",
            "证明年满六十",
            "减去年初数",
            "除去年金",
            "基本年限",
            "成本年均",
        ] {
            check(text, &[]);
        }
        check("比去年高,明年起,前年的", &[2024, 2026, 2023]);
        check("明年和二〇二七年", &[2026, 2027]);
        check("2025医保缴费标准", &[2025]);
        check("产品(2021)条款", &[2021]);
        check("每月2000元,共2018块", &[]);
        check("共2020人", &[]);
        check("今年龄已满", &[]);
        check("没有年份", &[]);
        check("泰康养发[2014]12号", &[2014]);
        check("劳社部发〔2001〕20号文件", &[2001]);
        check("定期寿险条款(2018)", &[2018]);
        check("重疾险2021-E版", &[2021]);
        check("PICC2018款", &[2018]);
        check("【2019】3号和(1999)条", &[2019, 1999]);
        check("2015-2016年度缴费基数", &[2015, 2016]);
        check("电话2021-6688", &[]);
        check("编号C00003932312017011100001", &[]);
        check("(1234)", &[]);
        check("第2014号", &[]);
    }

    #[test]
    fn years_in_passing_are_not_what_a_text_is_about() {
        let check = |text: &str, expected: &[u16]| assert_eq!(years(text, None), expected, "{text}");
        check("1975年出生的人什么时候退休", &[]);
        check("1982年4月3日出生,2024年办理", &[2024]);
        check("我1998年参加工作,2023年退休", &[2023]);
        check("公司成立于1996年", &[]);
        check("出生日期为 2000年 9月 1日", &[]);
        check("2014年以前缴费的年限", &[]);
        check("2019年就买的保险,2024年理赔", &[2024]);
        check("2024年前10个月的缴费", &[2024]);
        check("2024年生育津贴", &[2024]);
        check("除了2019年,哪年可以补缴", &[]);
        // A decade, and what is done for others.
        check("1990年代以前参加工作的人", &[]);
        check("上世纪1980年代,2024年退休", &[2024]);
        check("2024年代缴医保", &[2024]);
    }

    #[test]
    fn days_of_metadata_are_not_what_a_text_is_about() {
        let check = |text: &str, expected: &[u16]| assert_eq!(years(text, None), expected, "{text}");
        check("失效日期:2026年06月30日", &[]);
        check(
            "- 印发日期: 2024-03-01\n- 失效日期: 2026-06-30\n2025年低保标准",
            &[2025],
        );
        check("自2024年1月1日起施行,有效期至2026年12月31日", &[2024]);
    }

    #[test]
    fn each_year_of_a_span_counts() {
        let check = |text: &str, expected: &[u16]| assert_eq!(years(text, None), expected, "{text}");
        check("2024至2026年", &[2024, 2025, 2026]);
        check("2021—2025年规划", &[2021, 2022, 2023, 2024, 2025]);
        check("2023——2025年", &[2023, 2024, 2025]);
        check("2024年到2026年", &[2024, 2025, 2026]);
        check("2023年1月1日至2025年12月31日", &[2023, 2024, 2025]);
        check("2023年和2025年", &[2023, 2025]);
        check("1995年至2025年", &[1995, 2025]);
        check("十四五期间", &[2021, 2022, 2023, 2024, 2025]);
        check("“十五五”时期的规划", &[2026, 2027, 2028, 2029, 2030]);
        for text in [
            "二十四五岁",
            "十四五个人",
            "他十四五岁",
            "三十四五期间",
            "为落实“十四五”全民医疗保障规划",
            "十四五规划",
        ] {
            check(text, &[]);
        }
        assert_eq!(spans("2024至2026年和十四五期间"), [2024..=2026, 2021..=2025]);
        assert_eq!(spans("2023年、2024年和2025年,二〇二六年"), []);
    }

    #[test]
    fn editions_are_told_from_what_a_text_holds_for() {
        let check = |text: &str, expected: &[u16]| assert_eq!(stated(text), expected, "{text}");
        check("家庭财产保险(2021版)", &[]);
        check("定期寿险条款(2018)", &[]);
        check("2022款和2019年版", &[]);
        check("重疾险2021-E版,自2024年1月1日起施行", &[2024]);
        check("泰康养发[2014]12号", &[]);
        check("2024年缴费标准", &[2024]);
        check("2015-2016年度缴费基数", &[2015, 2016]);
    }

    #[test]
    fn relative_years_say_nothing_without_today() {
        assert_eq!(years("去年和2020年", None), [2020]);
    }
}
