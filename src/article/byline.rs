//! Dates, publishers and numbers of documents as pages print them: `健康新闻 2025-04-19`, `2025-06-01 05:20:27社保网`,
//! `发布时间:2025年6月1日`, `青医保发〔2024〕3号`.
//!
//! Owns the shapes of such lines, not what they mean in a page.

use std::borrow::Cow;

use crate::model::Date;
use crate::text::{self, Normalized, next_day};

use super::layout::{COLONS, is_pause, is_stop};
use super::site_words::{List, listed};

/// A day, with or without a time, somewhere in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Byte offset of the first digit.
    pub start: usize,
    /// Byte offset behind the day, or behind the time if there is one.
    pub end: usize,
    /// The day.
    pub date: Date,
    /// Whether a time of day follows (`05:20` or `05:20:27`).
    pub timed: bool,
}

/// The longest name of a publisher that is taken for one, in characters.
const MAX_SOURCE: usize = 20;
/// The longest line of a signature, in characters.
const MAX_SIGNED: usize = 40;

/// The first day at or behind byte `from`.
pub(super) fn next_stamp(line: &str, from: usize) -> Option<Stamp> {
    let (range, date) = next_day(line, from)?;
    let time = time_at(line.as_bytes(), range.end);
    Some(Stamp {
        start: range.start,
        end: time.unwrap_or(range.end),
        date,
        timed: time.is_some(),
    })
}

/// The day that a field or a short text names first, in any of the usual ways.
pub(super) fn find_date(text: &str) -> Option<Date> {
    text::find_date(text)?.day()
}

/// The day, without a time, that a line is and nothing else, perhaps in brackets.
pub(super) fn whole_day(line: &str) -> Option<Date> {
    let brackets = ['(', ')', '（', '）', '[', ']', '【', '】', '〔', '〕'];
    let line = line.trim().trim_matches(brackets).trim();
    let stamp = next_stamp(line, 0)?;
    (stamp.start == 0 && stamp.end == line.len() && !stamp.timed).then_some(stamp.date)
}

/// The day in a box of two lines or sizes, which is all of this line: `18 2024.06`, `182024.06`, `2024-06 18`,
/// `06-18 2024`.
pub(super) fn split_day(line: &str) -> Option<Date> {
    let mut parts: Vec<&str> = line.split(|c: char| !c.is_ascii_digit()).collect();
    parts.retain(|part| !part.is_empty());
    if !line
        .chars()
        .all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '-' | '.' | '/' | '年' | '月' | '日'))
    {
        return None;
    }
    let number = |text: &str| text.parse::<u32>().ok();
    let (year, month, day) = match *parts.as_slice() {
        [joined, month] if (5..=6).contains(&joined.len()) => {
            let (day, year) = joined.split_at(joined.len() - 4);
            (year, month, day)
        }
        [day, year, month] | [year, month, day] | [month, day, year]
            if year.len() == 4 && month.len() <= 2 && day.len() <= 2 =>
        {
            (year, month, day)
        }
        _ => return None,
    };
    let year = number(year).filter(|year| (1990..2100).contains(year))?;
    Date::new(year, number(month)?, number(day)?)
}

/// The day that a line writes with its year last, `11月03日 2022`, `08-08 2024 17:30`.
pub(super) fn year_last(line: &str) -> Option<Date> {
    let is_digit = |c: char| c.is_ascii_digit();
    let number = |text: &str| text.parse::<u32>().ok();
    line.match_indices(' ').find_map(|(at, _)| {
        let (before, behind) = (&line[..at], &line[at + 1..]);
        let length = behind.find(|c| !is_digit(c)).unwrap_or(behind.len());
        let year = number(&behind[..length]).filter(|year| length == 4 && (1990..2100).contains(year))?;
        let before = before.strip_suffix('日').unwrap_or(before);
        let start = before
            .trim_end_matches(|c| is_digit(c) || matches!(c, '-' | '/' | '.' | '月'))
            .len();
        let (month, day) = before[start..].split_once(['-', '/', '.', '月'])?;
        Date::new(year, number(month)?, number(day)?)
    })
}

/// The day that a line writes in the calendar of the Republic of China, whose first year is 1912, and where it stands:
/// `113-12-20`, `民国113年5月1日`.
pub(super) fn republic_day(line: &str) -> Option<(usize, Date)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut from = 0;
    while let Some(start) = line[from..].find(is_digit).map(|at| from + at) {
        let (year, behind) = leading_number(&line[start..])?;
        from = line.len() - behind.len();
        let digits = from - start;
        let before = line[..start].trim_end();
        let is_named = before.ends_with("民国");
        let is_apart = !before.ends_with(['-', '/', '.']);
        let marks = match behind.chars().next() {
            Some(mark @ ('-' | '/' | '.')) => Some((mark, mark)),
            Some('年') => Some(('年', '月')),
            _ => None,
        };
        if let Some((first, second)) = marks
            && (digits == 3 || (digits == 2 && is_named))
            && is_apart
            && let Some((month, behind)) = behind.strip_prefix(first).and_then(leading_number)
            && let Some((day, behind)) = behind.strip_prefix(second).and_then(leading_number)
            && !behind.starts_with(second)
        {
            return Some((start, Date::new(year + 1911, month, day)?));
        }
    }
    None
}

/// The number that a text begins with, and what stands behind it.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    // Longer ones are no part of a day.
    let number = text[..end].parse().unwrap_or(u32::MAX / 2);
    (end > 0).then_some((number, &text[end..]))
}

/// The day behind a word that says that there is one, with two digits of its year: `日期：24-06-18`.
pub(super) fn labelled_day(line: &str) -> Option<Date> {
    let at = ["日期", "时间"]
        .iter()
        .find_map(|label| line.find(label).map(|at| at + label.len()))?;
    let rest = line[at..].trim_start().strip_prefix(COLONS)?.trim_start();
    let text: String = rest
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '/' | '.'))
        .collect();
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let [year, month, day] = *parts.as_slice() else {
        return None;
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| (1..=2).contains(&text.len()));
    (year.len() == 2).then(|| Date::new(2000 + number(year)?, number(month)?, number(day)?))?
}

/// `健康新闻 2025-04-19`: a publisher, white space, a day (perhaps with a time), and nothing else.
pub(super) fn byline(line: &str) -> Option<(String, Date)> {
    let line = line.trim();
    let stamp = next_stamp(line, 0)?;
    let before = &line[..stamp.start];
    if stamp.end != line.len() || !before.ends_with(char::is_whitespace) {
        return None;
    }
    Some((source_name(before)?, stamp.date))
}

/// The publisher behind a day, and nothing else: `2024年3月28日 青禾晚报`.
pub(super) fn behind_day(line: &str) -> Option<String> {
    let line = line.trim();
    let stamp = next_stamp(line, 0).filter(|stamp| stamp.start == 0)?;
    publisher(&line[stamp.end..])
}

/// A line under the title that says when and by whom: starts with a time stamp, or with a label such as 发布时间, 来源.
pub(super) fn dateline(line: &str) -> Option<(Option<String>, Date)> {
    let line = line.trim();
    if line.chars().count() > 80 {
        return None;
    }
    let stamp = next_stamp(line, 0)?;
    if stamp.start == 0 && stamp.timed {
        let rest = line[stamp.end..].trim();
        let source = rest
            .strip_prefix("来源")
            .map_or(rest, |named| named.trim_start_matches(COLONS));
        return match source.trim() {
            "" => Some((None, stamp.date)),
            source => Some((Some(source_name(source)?), stamp.date)),
        };
    }
    let lists = [List::LabelSource, List::LabelDay, List::LabelUnsaidDay];
    let mut labels = lists.into_iter().flat_map(listed).chain(&["作者"]);
    let labelled = labels.any(|label| {
        line.strip_prefix(label)
            .is_some_and(|rest| rest.trim_start().starts_with(COLONS))
    });
    if !labelled {
        return None;
    }
    let source = line.find("来源").and_then(|at| {
        let named = line[at + "来源".len()..]
            .trim_start()
            .trim_start_matches(COLONS)
            .trim_start();
        source_name(named.split(char::is_whitespace).next().unwrap_or(""))
    });
    Some((source, stamp.date))
}

/// When and by whom a plain text says it was written: in a labelled line below its title, in a line of a publisher and
/// a day, or in its signature, a day alone in a line below the name of an office. A time of day is no signature.
pub(super) fn signature(lines: &[&str]) -> Option<(Option<String>, Date)> {
    let filled: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .collect();
    let whole =
        |line: &str| next_stamp(line, 0).filter(|stamp| stamp.start == 0 && stamp.end == line.len() && !stamp.timed);
    let labelled = filled
        .iter()
        .take(2)
        .filter(|line| {
            let mut labels = listed(List::LabelSource).iter().chain(listed(List::LabelDay));
            labels.any(|label| line.starts_with(label))
        })
        .find_map(|line| dateline(line));
    if labelled.is_some() {
        return labelled;
    }
    // Below the title: a day alone, of which there is no other as in a diary.
    if let [first, rest @ ..] = filled.as_slice()
        && let Some(date) = whole_day(first)
        && !rest.is_empty()
        && rest.iter().all(|line| whole_day(line).is_none())
    {
        return Some((None, date));
    }
    let last = filled.len().saturating_sub(3);
    for at in (0..filled.len()).rev().filter(|&at| at < 2 || at >= last) {
        let line = filled[at];
        let timed = next_stamp(line, 0).is_some_and(|stamp| stamp.timed);
        if let Some((source, date)) = byline(line).filter(|_| !timed)
            && let Some(source) = publisher(&source)
        {
            return Some((Some(source), date));
        }
        if let Some(stamp) = whole(line)
            && at > 0
            && let Some(source) = publisher(filled[at - 1])
        {
            return Some((Some(source), stamp.date));
        }
    }
    None
}

/// The day with which the article of a page is signed: below or behind the names of offices, wherever that is; else in
/// its last line, below a name or alone. What follows a signature (copies, attachments) may follow.
pub(super) fn signed(lines: &[&str]) -> Option<Date> {
    let lines: Vec<Cow<'_, str>> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .map(|line| {
            if line.is_ascii() || line.len() > 4 * MAX_SIGNED {
                Cow::Borrowed(line)
            } else {
                Cow::Owned(Normalized::new(line).text)
            }
        })
        .collect();
    let day = |at: usize| {
        lines
            .get(at)
            .filter(|line| line.len() <= 4 * MAX_SIGNED)
            .and_then(|line| whole_day(line))
    };
    let offices = |at: usize| lines.get(at).is_some_and(|line| are_offices(line));
    // Names and days in turn are a schedule.
    let pair = |at: usize| (offices(at) && day(at + 1).is_some()).then_some(at);
    let first = (0..lines.len()).find_map(pair);
    if let Some(at) = first.filter(|&at| pair(at + 2).is_none()) {
        return day(at + 1);
    }
    let one_line = |line: &str| {
        let stamp = next_stamp(line, 0)?;
        let ends = stamp.end == line.len() && !stamp.timed && line.len() <= 4 * MAX_SIGNED;
        (ends && stamp.start > 0 && are_offices(&line[..stamp.start])).then_some(stamp.date)
    };
    let one: Vec<(usize, Date)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, one_line(line)?)))
        .take(2)
        .collect();
    if let [(at, date)] = one[..]
        && at > 0
    {
        return Some(date);
    }
    let last = lines.iter().rposition(|line| !follows_signature(line))?;
    let above = lines.get(last.checked_sub(1)?)?;
    let names = above.chars().count() <= MAX_SIGNED && !above.contains(|c| is_stop(c) || (is_pause(c) && c != '、'));
    let ends = above.ends_with(['。', '!', '\u{ff01}']);
    let alone = last < 2 || day(last - 2).is_none();
    day(last).filter(|_| (names || ends) && alone && (ends || next_stamp(above, 0).is_none()))
}

/// Whether a line holds nothing but the names of offices.
pub(super) fn are_offices(line: &str) -> bool {
    let mut names = line.split_whitespace().peekable();
    names.peek().is_some()
        && line.chars().count() <= MAX_SIGNED
        && names.all(|name| {
            name.chars().count() >= 3
                && source_name(name).is_some()
                // 断缴怎么办 is no 办.
                && !["怎么", "如何", "什么", "哪"].iter().any(|asks| name.contains(asks))
                && listed(List::PublisherEnds).iter().any(|ending| name.ends_with(ending))
        })
}

/// Whether a line may stand below a signature: copies, attachments, what can be done with the page.
fn follows_signature(line: &str) -> bool {
    let files = [".doc", ".docx", ".xls", ".xlsx", ".pdf", ".zip", ".rar", ".wps"];
    let line = line.trim_start_matches(|c: char| !(c.is_alphanumeric() || "（([【".contains(c)));
    line.chars().count() <= 2 * MAX_SIGNED
        && (listed(List::BelowSignature).iter().any(|start| line.starts_with(start))
            || files.iter().any(|end| line.ends_with(end)))
}

/// The text as a publisher's name, if it ends as such names do.
pub(super) fn publisher(text: &str) -> Option<String> {
    source_name(text).filter(|name| listed(List::PublisherEnds).iter().any(|ending| name.ends_with(ending)))
}

/// The text as a publisher's name, if it can be one: short, no punctuation of sentences, not only digits.
pub(super) fn source_name(text: &str) -> Option<String> {
    let name = text.trim().trim_matches(['|', '·', '-']).trim();
    let fits = !name.is_empty()
        && name.chars().count() <= MAX_SOURCE
        && !name.contains(|c| is_pause(c) || is_stop(c) || c == '、')
        && name.chars().any(char::is_alphabetic)
        // `截止日期 2025-04-19`, `会议改到 2025-04-19`: nobody is called that.
        && !name.ends_with(['到', '至', '于', '在', '自', '从', '为', '是'])
        && !["日期", "时间", "截止", "期限"].iter().any(|word| name.contains(word));
    fits.then(|| name.to_string())
}

/// The end of ` 05:20` or `T05:20:27` at this byte.
fn time_at(bytes: &[u8], at: usize) -> Option<usize> {
    if !matches!(bytes.get(at)?, b' ' | b'T') {
        return None;
    }
    let mut end = at + 1;
    for part in 0..3 {
        if part > 0 {
            if bytes.get(end) != Some(&b':') {
                return (part == 2).then_some(end);
            }
            end += 1;
        }
        if !(1..=2).contains(&digits_at(bytes, end)) {
            return None;
        }
        end += digits_at(bytes, end);
    }
    Some(end)
}

fn digits_at(bytes: &[u8], at: usize) -> usize {
    bytes[at.min(bytes.len())..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// The longest number of an office's document, in characters.
const MAX_NUMBER: usize = 30;

/// Whether a line is the number of an office's document, by which people look for it: `青医保发〔2024〕3号`.
pub(super) fn is_document_number(line: &str) -> bool {
    let line = line.trim();
    let year = line
        .split_once(['〔', '[', '［', '(', '（', '【'])
        .and_then(|(_, behind)| behind.split_once(['〕', ']', '］', ')', '）', '】']));
    year.is_some_and(|(year, _)| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
        && line.ends_with('号')
        && line.chars().count() <= MAX_NUMBER
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_found() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                find_date(text).map(|date| date.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("发布于2025年4月9日上午", Some("2025-04-09"));
        check("2025年4月", None);
        check("", None);
    }

    #[test]
    fn days_of_the_republic_are_read() {
        let check = |line: &str, expected: Option<&str>| {
            let found = republic_day(line).map(|(_, day)| day.to_string());
            assert_eq!(found.as_deref(), expected, "{line}");
        };
        check("发布日期:113-12-20", Some("2024-12-20"));
        check("113/05/01 更新", Some("2024-05-01"));
        check("民国 99年5月1日", Some("2010-05-01"));
        check("2024-12-20", None);
        check("99-12-20", None);
        check("电话02-113-12-20", None);
        check("113-12-20-5", None);
        check("113-13-20", None);
        check("99999999999-1-1", None);
    }

    #[test]
    fn bylines_are_told_from_sentences() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let found = byline(line).map(|(source, date)| (source, date.to_string()));
            assert_eq!(
                found.as_ref().map(|(source, date)| (source.as_str(), date.as_str())),
                expected,
                "{line}"
            );
        };
        check("健康新闻 2025-04-19", Some(("健康新闻", "2025-04-19")));
        check("  社保网 2025-04-19 08:30 ", Some(("社保网", "2025-04-19")));
        check("健康新闻2025-04-19", None);
        check("截止日期 2025-04-19", None);
        check("会议改到 2025-05-31 23:20", None);
        check("2025-04-19", None);
        check("新规自\u{ff0c}即日起 2025-04-19", None);
        check("新规自,即日起 2025-04-19", None);
        check("健康新闻 2025-04-19 起施行", None);
    }

    #[test]
    fn datelines_are_told_from_sentences() {
        let check = |line: &str, expected: Option<(Option<&str>, &str)>| {
            let found = dateline(line).map(|(source, date)| (source, date.to_string()));
            assert_eq!(
                found.as_ref().map(|(source, date)| (source.as_deref(), date.as_str())),
                expected,
                "{line}"
            );
        };
        check("2025-06-01 05:20:27社保网", Some((Some("社保网"), "2025-06-01")));
        check("2025-06-01 05:20", Some((None, "2025-06-01")));
        check(
            "2025-06-01 05:20 来源\u{ff1a}市医保局",
            Some((Some("市医保局"), "2025-06-01")),
        );
        check(
            "发布时间\u{ff1a}2025-06-01 来源\u{ff1a}市医保局 浏览\u{ff1a}12次",
            Some((Some("市医保局"), "2025-06-01")),
        );
        check("来源:人社部 日期:2025年6月1日", Some((Some("人社部"), "2025-06-01")));
        check("2025-06-01起施行", None);
        check("时间紧,2025-06-01 起施行", None);
        check("2025-06-01 05:20 起,新的规定开始施行", None);
    }

    #[test]
    fn a_text_is_dated_by_its_signature() {
        let check = |text: &str, expected: Option<(Option<&str>, &str)>| {
            let lines: Vec<&str> = text.lines().collect();
            let found = signature(&lines).map(|(source, date)| (source, date.to_string()));
            let found = found.as_ref().map(|(source, date)| (source.as_deref(), date.as_str()));
            assert_eq!(found, expected, "{text}");
        };
        check(
            "正文。\n\n青禾市医疗保障局\n2024年5月8日",
            Some((Some("青禾市医疗保障局"), "2024-05-08")),
        );
        check(
            "正文。\n青禾市人民政府办公室 2024-05-08\n(此件公开发布)",
            Some((Some("青禾市人民政府办公室"), "2024-05-08")),
        );
        check(
            "发布时间:2024-05-08 来源:某网\n正文。",
            Some((Some("某网"), "2024-05-08")),
        );
        check("2024-05-08\n正文。", Some((None, "2024-05-08")));
        check("（2024年5月8日）\n正文。", Some((None, "2024-05-08")));
        check("更新日期：2024-05-08\n正文。", Some((None, "2024-05-08")));
        check("2024-05-08\n办理。\n2024-05-09\n复核。", None);
        check("2024-05-08", None);
        check("正文。\n2024年5月8日", None);
        check("什么时候恢复?\n2025-06-02 08:00\n2025-06-03 08:00", None);
        check("正文。\n2025-03-05 09:11 划入 120元", None);
        check("正文。\n第一批 2025-03-05", None);
        check("正文。\n城东中心 2025-03-05 09:00", None);
    }

    #[test]
    fn days_are_read_in_the_shapes_of_boxes_and_brackets() {
        let check = |found: Option<Date>, expected: &str| assert_eq!(found.unwrap().to_string(), expected);
        for line in ["2024-06-18", "(2024年6月18日)", "[2024/6/18]"] {
            check(whole_day(line), "2024-06-18");
        }
        for line in ["182024.06", "18 2024.06", "2024-06 18", "06-18 2024"] {
            check(split_day(line), "2024-06-18");
        }
        for line in ["06月18日 2024 青禾财经", "青禾医保 06-18 2024 17:30"] {
            check(year_last(line), "2024-06-18");
        }
        assert_eq!(year_last("第3-4页 2024"), None);
        for line in ["日期:24-06-18", "发布日期：24.6.18 来源：某局"] {
            check(labelled_day(line), "2024-06-18");
        }
        for line in ["2024-06-18起", "12345", "12 3456", "2024.06", "电话 12-34-56"] {
            assert_eq!(
                (whole_day(line), split_day(line), labelled_day(line)),
                (None, None, None),
                "{line}"
            );
        }
    }

    #[test]
    fn an_article_is_signed_below_or_behind_the_name_of_an_office() {
        let check = |text: &str, expected: Option<&str>| {
            let lines: Vec<&str> = text.lines().collect();
            let found = signed(&lines).map(|date| date.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        let day = Some("2024-06-15");
        check("正文。\n青禾市医疗保障局\n2024年6月15日", day);
        check("正文。\n青禾市医疗保障局 青禾市财政局\n二○二四年六月十五日", day);
        check("正文。\n青禾市医疗保障局　　２０２４年６月１５日", day);
        check(
            "正文。\n青禾市医疗保障局\n2024年6月15日\n附件：标准表\n一、说明。\n表一",
            day,
        );
        check(
            "正文。\n青禾市医疗保障局\n2024年6月15日\n抄送：省医疗保障局。\n（此件公开发布）",
            day,
        );
        check("正文。\n张三\n2024年6月15日\n返回首页", day);
        check("正文。\n（2024年6月15日）", day);
        check("正文。\n城东中心\n2024年6月15日\n城西中心\n2024年6月16日", None);
        check("正文。\n第一批\n2024年6月14日\n2024年6月15日", None);
        check("正文。\n第一批 2024年6月15日", None);
        check("正文到2024年6月15日。", None);
    }

    proptest! {
        #[test]
        fn any_line_is_survived(line in "[0-9年月日: TtZ./健康新闻-]{0,60}|\\PC{0,60}") {
            let _ = (byline(&line), dateline(&line), find_date(&line), signature(&[&line]), signed(&[&line, &line]));
            let _ = (whole_day(&line), split_day(&line), labelled_day(&line), year_last(&line));
        }
    }
}
