//! Dates and publishers as pages print them: `健康新闻 2025-04-19`, `2025-06-01 05:20:27社保网`, `发布时间:2025年6月1日`.
//!
//! Owns the shapes of such lines, not what they mean in a page.

use crate::model::Date;
use crate::text::{self, next_day};

use super::layout::{COLONS, is_pause, is_stop};

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
    let labelled = [
        "发布时间",
        "发布日期",
        "发文日期",
        "更新时间",
        "时间",
        "日期",
        "来源",
        "信息来源",
        "作者",
    ]
    .iter()
    .any(|label| {
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
    let publisher =
        |name: &str| source_name(name).filter(|name| PUBLISHERS.iter().any(|ending| name.ends_with(ending)));
    let whole =
        |line: &str| next_stamp(line, 0).filter(|stamp| stamp.start == 0 && stamp.end == line.len() && !stamp.timed);
    let labelled = filled
        .iter()
        .take(2)
        .filter(|line| {
            ["发布", "发文", "更新", "来源", "信息来源"]
                .iter()
                .any(|label| line.starts_with(label))
        })
        .find_map(|line| dateline(line));
    if labelled.is_some() {
        return labelled;
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

/// What the names of offices and publishers end in.
const PUBLISHERS: [&str; 28] = [
    "局",
    "厅",
    "委",
    "委员会",
    "部",
    "办",
    "办公室",
    "中心",
    "政府",
    "法院",
    "检察院",
    "医院",
    "学院",
    "大学",
    "公司",
    "协会",
    "学会",
    "基金会",
    "银行",
    "网",
    "报",
    "新闻",
    "社",
    "台",
    "频道",
    "处",
    "所",
    "发布",
];

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
        check("正文。\n2024年5月8日", None);
        check("什么时候恢复?\n2025-06-02 08:00\n2025-06-03 08:00", None);
        check("正文。\n2025-03-05 09:11 划入 120元", None);
        check("正文。\n第一批 2025-03-05", None);
        check("正文。\n城东中心 2025-03-05 09:00", None);
    }

    proptest! {
        #[test]
        fn any_line_is_survived(line in "[0-9年月日: TtZ./健康新闻-]{0,60}|\\PC{0,60}") {
            let _ = (byline(&line), dateline(&line), find_date(&line), signature(&[&line]));
        }
    }
}
