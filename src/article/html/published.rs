//! The day that a page shows as that of its article: by the word before it, and by where it stands.
//!
//! A page shows many days: today's, those of what it links to, those from when on rules hold. A wrong day is worse
//! than none, so a day counts only with a word that says what it is, or alone beside the title or below the text.

use std::cmp::Reverse;

use scraper::ElementRef;

use crate::model::Date;
use crate::text::Normalized;

use super::super::byline::{Stamp, find_date, labelled_day, next_stamp, republic_day, split_day, whole_day, year_last};
use super::super::layout::{COLONS, is_han};
use super::super::site_words::{List, listed};
use super::credits::{is_credit, is_schedule, is_sentence};
use super::dom::words;
use super::measure::PageLine;

/// How many lines are looked at below a title, and above one.
const BELOW: usize = 15;
const ABOVE: usize = 4;
/// The longest of them, in characters.
const MAX_NEAR: usize = 150;
/// How many lines below the text may give its day.
const FOOT: usize = 4;
/// The longest word that says what a day is, in characters.
const MAX_LABEL: usize = 12;
/// A link of at least this many Han characters is the title of something else.
const LINKED_TITLE: usize = 6;

/// What a day is the day of, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DayOf {
    /// A word says that it was published then.
    Publication,
    /// Nothing says what it is.
    Unsaid,
    /// It was changed then.
    Change,
    /// It was written or asked then.
    Writing,
}

/// What a day is, by the words before it on its line; none if they say that it is another day.
pub(super) fn day_of(before: &str) -> Option<DayOf> {
    let open = |c: char| c.is_whitespace() || COLONS.contains(&c) || matches!(c, '[' | '(' | '（' | '【' | '〔' | '|');
    let compact: String = before.chars().filter(|c| !c.is_whitespace()).collect();
    let compact = compact.trim_end_matches(open);
    if compact.is_empty() {
        return Some(DayOf::Unsaid);
    }
    let stem = ["时间", "日期", "时", "日", "于"]
        .iter()
        .find_map(|end| compact.strip_suffix(end))
        .unwrap_or(compact);
    for (words, day) in [
        (listed(List::DayPublished), DayOf::Publication),
        (listed(List::DayChanged), DayOf::Change),
        (listed(List::DayWritten), DayOf::Writing),
    ] {
        if words.iter().any(|word| stem.ends_with(word)) {
            return Some(day);
        }
    }
    let last = before.trim_end_matches(open);
    let last = last.rsplit(|c: char| !is_han(c)).next().unwrap_or("");
    if listed(List::DayElse)
        .iter()
        .any(|word| last.ends_with(word) || compact.ends_with(word))
        || ["今天", "今日", "现在时间", "当前时间", "欢迎"]
            .iter()
            .any(|word| compact.contains(word))
    {
        return None;
    }
    let says = ["时间", "日期"].iter().any(|end| last.ends_with(end)) && last.chars().count() > 2;
    // `今天是`, `开庭时间`: the day of something else.
    (!says && !last.ends_with('是')).then_some(DayOf::Unsaid)
}

/// Whether what stands behind a day makes it one from or until which something holds.
fn bounds(behind: &str) -> bool {
    behind
        .trim_start()
        .starts_with(['起', '前', '后', '至', '到', '止', '以', '之', '~', '～', '—'])
}

/// A line's days with what each is the day of; `above` is the line above it, which may name a day that stands alone.
fn days(line: &str, above: &str) -> Vec<(Stamp, DayOf)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(stamp) = next_stamp(line, from) {
        let before = line[from..stamp.start].trim();
        let label = above.trim();
        let named = from == 0
            && !before.contains(char::is_alphanumeric)
            && label.chars().count() <= MAX_LABEL
            && next_stamp(label, 0).is_none();
        let day = match day_of(before) {
            // In a table the word stands in the cell before.
            Some(DayOf::Unsaid) if named => day_of(label),
            day => day,
        };
        if let Some(day) = day.filter(|_| !bounds(&line[stamp.end..])) {
            found.push((stamp, day));
        }
        from = stamp.end;
    }
    found
}

/// The days that a page shows, by where they stand.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Beside the title: the most telling, by what it is the day of.
    pub near: [Option<Date>; 4],
    /// Anywhere else, after a word that says so, or alone below the text.
    pub elsewhere: Option<Date>,
    /// Anywhere, the day on which it was written.
    pub written: Option<Date>,
}

/// The lines around a title that may say when and by whom: those from it to the first sentence, then those above it.
pub(super) fn near(lines: &[PageLine<'_>], title: Option<usize>) -> Vec<usize> {
    let from = match title {
        Some(title) => title + 1,
        None => {
            let first = lines.iter().position(|line| line.prose).unwrap_or(lines.len());
            first.saturating_sub(BELOW)
        }
    };
    let credit = |at: &usize| !lines[*at].prose && !is_sentence(&lines[*at].text);
    let shown = (from..lines.len()).filter(|&at| lines[at].shown);
    let below = shown.take(BELOW).take_while(credit);
    let above = (0..from.saturating_sub(1)).rev().take(ABOVE).take_while(credit);
    below
        .chain(above)
        .filter(|&at| lines[at].text.chars().count() <= MAX_NEAR)
        .collect()
}

/// The days that the lines of a page show, of which `title` is its title.
pub(super) fn shown(lines: &[PageLine<'_>], title: Option<usize>) -> Shown {
    let mut shown = Shown::default();
    let text = |at: Option<usize>| at.and_then(|at| lines.get(at)).map_or("", |line| line.text.as_str());
    let around = |at: usize| [text(at.checked_sub(1)), text(Some(at + 1))];
    let plain = |at: usize| Normalized::new(&lines[at].text).text;
    let label = |at: usize| at.checked_sub(1).map(plain).unwrap_or_default();
    let mut best: [Option<(Reverse<bool>, Date)>; 4] = [None; 4];
    // The line of a paper stands right above its text, that of a site's head does not.
    let first = lines.iter().position(|line| line.prose).unwrap_or(0);
    for at in near(lines, title) {
        let line = plain(at);
        let above = title.is_some_and(|title| at < title);
        let head = above || (title.is_none() && at + 2 < first);
        let other = (head && says_weekday(&line)) || (above && links(&lines[at]));
        for (stamp, day) in days(&line, &label(at)) {
            if day == DayOf::Unsaid && (other || is_schedule(around(at), &lines[at].text)) {
                continue;
            }
            let slot = &mut best[day as usize];
            if slot.is_none_or(|(timed, _)| Reverse(stamp.timed) < timed) {
                *slot = Some((Reverse(stamp.timed), stamp.date));
            }
        }
        if !above && !other && next_stamp(&line, 0).is_none() {
            let split = || split_day(&line).or_else(|| split_day(&format!("{line} {}", text(Some(at + 1)))));
            let found = labelled_day(&line).or_else(|| year_last(&line)).or_else(split);
            let found = found.or_else(|| foreign_day(&line, &lines[at].text));
            let slot = &mut best[DayOf::Unsaid as usize];
            *slot = slot.or(found.map(|date| (Reverse(false), date)));
        }
    }
    shown.near = best.map(|day| day.map(|(_, date)| date));
    let mut published: Vec<Date> = Vec::new();
    let mut unsaid = None;
    for (at, line) in lines.iter().enumerate() {
        if line.prose || line.linked || !line.shown || line.text.len() > 4 * MAX_NEAR || links(line) {
            continue;
        }
        if !line.text.contains(|c: char| c.is_numeric()) {
            continue;
        }
        let line = plain(at);
        for (stamp, day) in days(&line, &label(at)) {
            match day {
                DayOf::Publication if !published.contains(&stamp.date) => published.push(stamp.date),
                DayOf::Writing => shown.written = shown.written.or(Some(stamp.date)),
                DayOf::Unsaid if ["时间", "日期"].iter().any(|label| line.starts_with(label)) => {
                    let credit = is_credit(around(at), &lines[at].text);
                    unsaid = unsaid.or(credit.then_some(stamp.date));
                }
                _ => {}
            }
        }
    }
    // With many of them each belongs to another entry of a list.
    let published = published.first().copied().filter(|_| published.len() <= 2);
    shown.elsewhere = published.or(unsaid).or_else(|| foot(lines));
    shown
}

/// Words that only the traditional script writes so, of lines that say when something was published.
const TRADITIONAL: &str = "發佈時間編輯單務國";

/// The day of a line in the calendar of Taiwan, where the line is written in its script or names it; or in English.
fn foreign_day(line: &str, as_written: &str) -> Option<Date> {
    let is_taiwan_s = line.contains("民国") || as_written.contains(|c| TRADITIONAL.contains(c));
    let republic = republic_day(line).filter(|(at, _)| is_taiwan_s && day_of(&line[..*at]).is_some());
    let bounds = ["until", "expire", "deadline", "effective", "before"];
    let lower = line.to_ascii_lowercase();
    let is_english =
        line.contains(|c: char| c.is_ascii_alphabetic()) && !bounds.iter().any(|word| lower.contains(word));
    republic
        .map(|(_, day)| day)
        .or_else(|| is_english.then(|| find_date(line))?)
}

/// A day alone below the text: one of the first lines below the last prose, and the only day there.
fn foot(lines: &[PageLine<'_>]) -> Option<Date> {
    let last = lines.iter().rposition(|line| line.prose && line.shown)?;
    let below = &lines[last + 1..];
    let mut days = below
        .iter()
        .take(FOOT)
        .filter(|line| next_stamp(&line.text, 0).is_some());
    let day = days.next()?;
    let alone = days.next().is_none() && !day.linked && day.shown;
    whole_day(&Normalized::new(&day.text).text).filter(|_| alone)
}

/// Whether a line names a day of the week, as lines that say what is today do.
fn says_weekday(line: &str) -> bool {
    ["星期", "礼拜", "周一", "周二", "周三", "周四", "周五", "周六", "周日"]
        .iter()
        .any(|word| line.contains(word))
}

/// Whether a line begins with a link that reads like a title.
fn links(line: &PageLine<'_>) -> bool {
    let mut inner = line.block.descendants().take(64).filter_map(ElementRef::wrap);
    let titles = |link: ElementRef<'_>| {
        let words = words(link);
        words.chars().filter(|c| is_han(*c)).count() >= LINKED_TITLE && line.text.starts_with(&words)
    };
    line.linked || inner.any(|element| element.value().name() == "a" && titles(element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_before_a_day_says_what_it_is() {
        let check = |before: &str, expected: Option<DayOf>| assert_eq!(day_of(before), expected, "{before}");
        for published in [
            "发布日期:",
            "信息来源:征缴科 录入:admin 发布日期:",
            "发 布 时 间：",
            "公布日期:",
            "发布于",
            "回复时间",
        ] {
            check(published, Some(DayOf::Publication));
        }
        for unsaid in ["", "日期:", "来源:医保局 时间:", "健康新闻", "张三 · ", "("] {
            check(unsaid, Some(DayOf::Unsaid));
        }
        check("最后更新日期:", Some(DayOf::Change));
        check("成文日期", Some(DayOf::Writing));
        check("来信时间:", Some(DayOf::Writing));
        for other in [
            "今天是",
            "今天是:",
            "欢迎访问某局!今天是:",
            "实施日期:",
            "施行日期:",
            "自",
            "有效期至",
            "开庭时间:",
            "报名截止",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn days_have_the_word_before_them_or_in_the_cell_before() {
        let check = |line: &str, above: &str, expected: &[(&str, DayOf)]| {
            let found: Vec<(String, DayOf)> = days(line, above)
                .into_iter()
                .map(|(stamp, day)| (stamp.date.to_string(), day))
                .collect();
            let found: Vec<(&str, DayOf)> = found.iter().map(|(date, day)| (date.as_str(), *day)).collect();
            assert_eq!(found, expected, "{line}");
        };
        check("2024-06-18", "发布日期", &[("2024-06-18", DayOf::Publication)]);
        check("2024-06-18", "实施日期", &[]);
        check("2024-06-18", "关于印发某办法的通知", &[("2024-06-18", DayOf::Unsaid)]);
        check(
            "实施日期:2025-01-01 发布日期:2024-06-18",
            "",
            &[("2024-06-18", DayOf::Publication)],
        );
        check(
            "公布日期:2015-04-24 施行日期:2015-05-01 时效性:现行有效",
            "",
            &[("2015-04-24", DayOf::Publication)],
        );
        check("2024-07-01起施行", "", &[]);
    }
}
