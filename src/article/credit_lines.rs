//! The lines below the title of a plain text that say when and by whom it was written, in any order of their parts:
//! `2024-06-18 来源：某报`, `发布单位：某局 | 更新时间：2024/06/18`, `某报 2024.06.18`.
//!
//! A line counts only if each of its parts is a day, a field that credits have, or a publisher. An event that is
//! announced has a `时间：`, too, which is no day of writing: fields such as `地点：` follow it. Signatures are for `byline`.

use crate::model::Date;

use super::byline::{dateline, next_stamp, publisher, source_name};
use super::layout::COLONS;
use super::site_words::{List, listed};

/// How many lines below the title may be such lines.
const MOST: usize = 4;
/// The longest of them, in characters.
const MAX_LINE: usize = 80;

/// The longest name of a field of what is announced, in characters.
const MAX_FIELD: usize = 6;

#[derive(Default)]
struct Stated {
    source: Option<String>,
    days: Vec<Date>,
    /// Whether nothing but `时间：` says what the day is of.
    is_vague: bool,
}

/// When and by whom the first of these lines say that what follows was written.
pub(super) fn stated(lines: &[&str]) -> Option<(Option<String>, Date)> {
    let filled: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .take(MOST + 1)
        .collect();
    let mut all = Stated::default();
    let mut read = 0;
    for line in filled.iter().take(MOST) {
        let Some(one) = read_line(line) else { break };
        all.source = all.source.or(one.source);
        all.days.extend(one.days);
        all.is_vague |= one.is_vague;
        read += 1;
    }
    let is_field = |line: &&str| {
        let label = line.split_once(COLONS).map_or("", |(label, _)| label).trim();
        (2..=6).contains(&label.chars().count())
    };
    // Something must follow, and fields that follow are those of what is announced.
    let behind = filled.get(read)?;
    let [day] = all.days[..] else { return None };
    (!(all.is_vague && is_field(behind))).then_some((all.source, day))
}

fn read_line(line: &str) -> Option<Stated> {
    if line.chars().count() > MAX_LINE {
        return None;
    }
    let inner = line
        .strip_prefix(['（', '('])
        .and_then(|inner| inner.strip_suffix(['）', ')']));
    let line = inner.unwrap_or(line);
    let mut stated = Stated::default();
    // The day stands apart whatever is right beside it.
    let (before, behind) = match next_stamp(line, 0) {
        Some(stamp) => {
            stated.days.push(stamp.date);
            (&line[..stamp.start], &line[stamp.end..])
        }
        None => (line, ""),
    };
    let is = |list: List, label: &str| listed(list).contains(&label);
    let (mut bare, mut fields) = (0, 0);
    for text in [before, behind] {
        let close = text
            .replace(['：', ':'], ":")
            .replace(": ", ":")
            .replace(":\u{3000}", ":");
        for part in
            close.split(|c: char| c.is_whitespace() || matches!(c, '|' | '｜' | '丨' | '·' | '[' | ']' | '【' | '】'))
        {
            if !part.contains(char::is_alphabetic) {
                continue;
            }
            match part.split_once(':') {
                Some((label, name)) if is(List::LabelSource, label) => {
                    stated.source = stated.source.or_else(|| source_name(name));
                }
                Some((label, "")) if is(List::LabelUnsaidDay, label) => stated.is_vague = true,
                Some((label, "")) if is(List::LabelDay, label) || is(List::LabelDayOfTexts, label) => {}
                Some((label, _)) if is(List::Label, label) || is(List::LabelOfTexts, label) => fields += 1,
                Some(_) => return None,
                None if is(List::LabelDay, part) || is(List::LabelLink, part) => {}
                None => {
                    stated.source = stated.source.or(Some(publisher(part)?));
                    bare += 1;
                }
            }
        }
    }
    let is_dated = !stated.days.is_empty();
    // A name alone is a line of the text, and so is a day that nothing is said of.
    let says = stated.source.is_some() && (bare == 0 || is_dated);
    let is_labelled = is_dated
        && (before.trim_end().ends_with(COLONS)
            || listed(List::LabelDay)
                .iter()
                .any(|label| before.trim_end().ends_with(label)));
    let is_other = bare == 0 && fields > 0 && !is_dated;
    (bare <= 1 && (says || is_labelled || is_other)).then_some(stated)
}

/// Whether a line above others says when and at most by whom something was published: what is announced has a time with
/// words behind it (`时间：2024年6月1日 上午9:00 地点：某处`) or other fields below it.
pub(super) fn says_only_when(line: &str, below: &str) -> bool {
    let line = line.trim();
    let Some(stamp) = dateline(line).and_then(|_| next_stamp(line, 0)) else {
        return false;
    };
    let behind = line[stamp.end..].trim();
    let is_labelled = |text: &str| {
        let mut labels = listed(List::LabelSource)
            .iter()
            .filter_map(|label| text.strip_prefix(label));
        labels.any(|behind| behind.trim_start().starts_with(COLONS))
    };
    let is_source = behind.is_empty() || is_labelled(behind) || publisher(behind).is_some();
    let next = below.lines().next().unwrap_or_default();
    let is_field = next
        .split_once(COLONS)
        .is_some_and(|(name, _)| (1..=MAX_FIELD).contains(&name.trim().chars().count()));
    is_source && !(is_field && ["时间", "日期"].iter().any(|name| line.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Option<&str>, &str)>) {
        let lines: Vec<&str> = text.lines().collect();
        let found = stated(&lines).map(|(source, date)| (source, date.to_string()));
        let found = found.as_ref().map(|(source, date)| (source.as_deref(), date.as_str()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn credits_are_read_in_any_order_of_their_parts() {
        for line in [
            "2024-06-18 07:15\u{3000}来源：某晚报",
            "2024-06-18 来源：某晚报 作者：何某",
            "某晚报 2024-06-18 07:15:22",
            "作者：何某\u{3000}来源：某晚报\u{3000}发布日期：2024/6/18",
            "发布单位：某晚报 | 更新时间：2024/06/18",
            "日期：2024-06-18\n来源： 某晚报",
            "[ 2024-06-18 ] 信息来源：某晚报",
            "2024.06.18 某晚报",
            "2024年06月18日07:15 | 来源：某晚报",
            "二〇二四年六月十八日\u{3000}来源：某晚报",
            "（2024年6月18日 某晚报）",
            "发布于2024-06-18 某晚报",
        ] {
            check(&format!("{line}\n正文。"), Some((Some("某晚报"), "2024-06-18")));
        }
        check("更新时间：2024-06-18\n正文。", Some((None, "2024-06-18")));
        check("更新：2024-06-18\n正文。", Some((None, "2024-06-18")));
        check(
            "播出时间：2024年6月18日\n主持人：何某\n正文。",
            Some((None, "2024-06-18")),
        );
        check(
            "负责人: 何某\n状态: 已发布\n更新时间: 2024年6月18日\n正文。",
            Some((None, "2024-06-18")),
        );
        check(
            "原文链接 · 2024-06-18 · 某晚报\n正文。",
            Some((Some("某晚报"), "2024-06-18")),
        );
    }

    #[test]
    fn what_is_announced_and_what_is_told_are_no_credits() {
        check("时间：2024年6月18日\n地点：某中心\n正文。", None);
        check("某中心 2024-06-18\n另一中心 2024-06-19\n正文。", None);
        check("第一批 2024-06-18\n正文。", None);
        check("2024-06-18\n正文。", None);
        check("2024-06-18起施行\n正文。", None);
        check("办理时间：2024-06-18 上午\n正文。", None);
        check("来源：某晚报\n正文。", None);
        check("负责人: 何某\n状态: 已发布\n正文。", None);
        check("来源：某晚报 2024-06-18", None);
    }

    #[test]
    fn a_time_with_more_behind_it_is_no_dateline() {
        let check = |line: &str, expected: bool| assert_eq!(says_only_when(line, "正文。"), expected, "{line}");
        check("2025-06-01 05:20", true);
        check("2025-06-01 05:20:27社保网", true);
        check("2025-06-01 05:20 来源：市医保局", true);
        check("发布时间：2025-06-01 来源：市医保局 浏览：12次", true);
        check("时间：2024年6月1日 上午9:00 地点：市人民医院一楼", false);
        check("2024-06-01 09:00 网上报名开始", false);
        assert!(!says_only_when("时间：2024年6月1日", "地点：市人民医院一楼"));
    }
}
