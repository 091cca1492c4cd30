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
        .or_else(|| listed(List::LabelSource).iter().find_map(|label| behind(label)))
        .or_else(|| ["发布者", "发布人"].iter().find_map(|label| posted(label)))
}

/// Who published it, as a line says it that is nothing but a publisher's name and a day.
pub(super) fn named_before_day(line: &str) -> Option<String> {
    byline(line).and_then(|(name, _)| publisher(&name))
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
