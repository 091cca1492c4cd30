//! The running head and foot of a document of one page, which no other page repeats: smaller than its text, the head
//! above a title that is larger, the foot an address.
//!
//! Judges sizes and places; heads that repeat themselves are for `heads`.

use super::columns::Words;
use crate::article::byline::{find_date, is_document_number};

/// How much smaller than the text a head is at most, and how much larger the title below it at least.
const SMALLER: f32 = 0.95;
const LARGER: f32 = 1.15;
/// How many lines below a head the title is looked for.
const NEAREST: usize = 3;
/// How far apart words stand at most that are on one line, in sizes.
const NEAR: f32 = 0.4;

/// The lines of a page that are its head and its foot, as they stand, without blanks.
pub(super) fn edges(words: &[Words]) -> Vec<String> {
    let mut words: Vec<&Words> = words.iter().filter(|words| !words.text.trim().is_empty()).collect();
    words.sort_by(|one, other| other.y.total_cmp(&one.y).then(one.x.total_cmp(&other.x)));
    let mut sizes: Vec<f32> = words
        .iter()
        .flat_map(|words| words.text.chars().map(|_| words.size))
        .collect();
    sizes.sort_by(f32::total_cmp);
    let Some(&text) = sizes.get(sizes.len() / 2) else {
        return Vec::new();
    };
    let lines: Vec<&[&Words]> = words
        .chunk_by(|one, other| one.y - other.y <= NEAR * one.size.min(other.size))
        .collect();
    let size = |line: &[&Words]| line.iter().map(|words| words.size).fold(0.0, f32::max);
    let said = |line: &[&Words]| {
        let said = line.iter().flat_map(|words| words.text.chars());
        said.filter(|c| !c.is_whitespace()).collect::<String>()
    };
    let mut edges = Vec::new();
    let is_title = |line: &&[&Words]| size(line) > LARGER * text;
    if let [head, below @ .., _] = lines.as_slice()
        && size(head) < SMALLER * text
        && below.iter().take(NEAREST).any(is_title)
        && !is_said_once(&said(head))
    {
        edges.push(said(head));
    }
    if let [_, .., _, foot] = lines[..]
        && size(foot) < SMALLER * text
        && said(foot).contains("://")
    {
        edges.push(said(foot));
    }
    edges
}

/// Whether a line is no document's running head, but says something of this one: its number, its day.
fn is_said_once(line: &str) -> bool {
    is_document_number(line) || find_date(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_smaller_than_the_text_above_a_larger_title_is_a_head() {
        let check = |lines: &[(f32, &str)], expected: &[&str]| {
            let words = lines.iter().enumerate().map(|(at, (size, text))| Words {
                x: 0.0,
                end: 100.0,
                y: 800.0 - 30.0 * at as f32,
                size: *size,
                text: text.to_string(),
            });
            assert_eq!(edges(&words.collect::<Vec<_>>()), expected, "{lines:?}");
        };
        let body = (
            12.0,
            "参保人在定点医院住院，先扣起付线，再按比例报销，出院时只付个人负担的部分。",
        );
        let head = (9.0, "众诚财险 意外险条款");
        check(
            &[head, (16.0, "条款"), body, (8.0, "file:///a.html 1/1")],
            &["众诚财险意外险条款", "file:///a.html1/1"],
        );
        check(&[(12.0, "众诚财险"), (16.0, "条款"), body], &[]);
        check(&[head, body, body], &[]);
        for said in ["青医保发〔2024〕3号", "发布日期：2024年6月18日"] {
            check(&[(9.0, said), (16.0, "条款"), body], &[]);
        }
        check(&[(16.0, "条款"), body, (9.0, "咨询电话12393")], &[]);
        check(&[], &[]);
    }
}
