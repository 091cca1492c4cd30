//! Who published a page, as its lines say it: behind a word that says so, or as the office that answered.
//!
//! Judges lines; which of them stand near the article is for `about`.

use super::super::byline::{are_offices, byline, publisher, source_name};
use super::super::layout::COLONS;
use super::super::site_words::{List, listed};
use super::credits::without_tools;
use super::measure::PageLine;

/// What the office is called that answers.
const ANSWERED: [&str; 3] = ["答复单位", "回复单位", "答复部门"];

/// Who published it, as a line says it.
pub(super) fn stated_source(line: &str) -> Option<String> {
    let behind = |label: &str| {
        let at = line.find(label)? + label.len();
        let named = line[at..].trim_start().strip_prefix(COLONS)?.trim_start();
        source_name(without_tools(named.split(char::is_whitespace).next()?))
    };
    // Who put it there is mostly a person or `admin`.
    let posted = |label: &&str| behind(label).and_then(|name| publisher(&name));
    behind("来源")
        .or_else(|| listed(List::LabelSource).iter().copied().find_map(behind))
        .or_else(|| ["发布者", "发布人"].iter().find_map(posted))
}

/// Who published it, as a line says it that is nothing but a publisher's name and a day; what was done then
/// (`首次发布`) and what came out or was started (`典型案例通报`) are no names.
pub(super) fn named_before_day(line: &str) -> Option<String> {
    let (name, _) = byline(line)?;
    let is_deed = ["发布", "通报", "公报", "平台"].iter().any(|end| name.ends_with(end));
    let is_ending = listed(List::PublisherEnds).contains(&name.as_str());
    (are_offices(&name) && !is_deed && !is_ending).then_some(name)
}

/// Which office answered, as a line or the two cells of a row say it.
pub(super) fn answered(lines: &[PageLine<'_>]) -> Option<String> {
    lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.shown)
        .find_map(|(at, line)| {
            let (_, behind) = ANSWERED.iter().find_map(|label| line.text.split_once(label))?;
            let behind = behind.trim_start_matches(COLONS).trim();
            let name = if behind.is_empty() {
                &lines.get(at + 1)?.text
            } else {
                behind.split(char::is_whitespace).next()?
            };
            are_offices(name).then(|| source_name(name))?
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_on_a_day_is_no_publisher() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(named_before_day(line).as_deref(), expected, "{line}");
        };
        check("青禾市医保局 2024-03-01 10:20", Some("青禾市医保局"));
        check("青禾晚报 2024-03-01", Some("青禾晚报"));
        for line in [
            "发布 2024-03-01 10:20",
            "首次发布 2024-03-01",
            "骗保典型案例通报 2024-03-01",
            "启用国家医保服务平台 2024-03-01",
            "办公室 2024-03-01",
        ] {
            check(line, None);
        }
    }
}
