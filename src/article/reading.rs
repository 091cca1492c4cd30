//! What one input gave: its articles, what was left out of them and why, and what in it could not be read.
//!
//! Every visible character of an input is in an article, in one of its fields,
//! or left out with a reason. Decides nothing by itself: the readers say what they leave out.

use crate::model::Article;

use super::layout::{is_pause, is_stop};
use super::why::Why;

/// Text that is visible in an input and in no article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What it was taken for, in one or two words (`navigation`, `related entries`).
    pub reason: &'static str,
    /// The text, in the order of the input.
    pub text: String,
}

/// What one file says: its article or articles, without ids, and what in it is none.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Each with its place in the file: 0 the main article, related entries from 1.
    pub articles: Vec<(usize, Article)>,
    /// Whether the file is a page that may hold several articles, so that their ids name the place.
    pub is_page: bool,
    /// What could not be read: line (from 1, 0 if it lies in none), why, and the reason in words.
    pub rejected: Vec<(usize, Why, String)>,
    /// What is in no article, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// What was read but for a part (a date that is none): line as above, and what is missing.
    pub noticed: Vec<(usize, String)>,
}

impl Reading {
    /// Leaves a text out; white space alone is nothing.
    pub fn leave_out(&mut self, reason: &'static str, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.left_out.push(LeftOut { reason, text });
        }
    }
}

/// From how many characters on sentences around an article are more than a site's own.
const AROUND: usize = 60;

/// What gives reason to look at what was left out of a file, if anything does.
pub(super) fn doubt(articles: &[(usize, Article)], left_out: &[LeftOut]) -> Option<String> {
    let kept: usize = articles.iter().map(|(_, article)| prose(&article.text)).sum();
    // What a site says of itself is missed by nobody.
    let of_site = |left: &&LeftOut| {
        matches!(
            left.reason,
            "footer" | "notice" | "table of contents" | "front matter" | "head of a letter" | "signature"
        )
    };
    let lost: usize = left_out
        .iter()
        .filter(|left| !of_site(left))
        .map(|left| prose(&left.text))
        .sum();
    // A site's notices and links read like sentences too; what stands aside or hidden may be the article's.
    let doubtful: usize = left_out
        .iter()
        .filter(|left| matches!(left.reason, "aside" | "hidden" | "form control" | "no entry"))
        .map(|left| prose(&left.text))
        .sum();
    // Much of what stands beside an article, or below a heading that mostly ends one, is its own.
    let around: usize = left_out
        .iter()
        .filter(|left| matches!(left.reason, "around the article" | "behind the article"))
        .map(|left| prose(&left.text))
        .sum();
    if articles.is_empty() {
        None
    } else if kept * 2 < lost {
        Some(format!(
            "kept {kept} of the {} characters of its sentences",
            kept + lost
        ))
    } else if doubtful > 0 {
        Some(format!(
            "left out {doubtful} characters of sentences that stood aside or hidden"
        ))
    } else if around >= AROUND && around * 5 >= kept {
        Some(format!(
            "left out {around} characters of sentences that stood around the article"
        ))
    } else {
        None
    }
}

/// How many characters of a text are sentences: those of lines of 20 characters and more with Chinese punctuation.
fn prose(text: &str) -> usize {
    text.lines()
        .filter(|line| line.contains(|c| is_stop(c) || is_pause(c)))
        .map(|line| line.chars().filter(|c| !c.is_whitespace()).count())
        .filter(|&count| count >= 20)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_gives_no_reason_to_doubt() {
        let check = |reason: &'static str, expected: bool| {
            let article = Article {
                text: "周三停办。".into(),
                ..Article::default()
            };
            let text = "主办单位：南岭市人社局，地址：江边路九号，电话：000-0000000".to_string();
            assert_eq!(
                doubt(&[(0, article)], &[LeftOut { reason, text }]).is_some(),
                expected,
                "{reason}"
            );
        };
        check("footer", false);
        check("notice", false);
        check("around the article", true);
        check("hidden", true);
    }

    #[test]
    fn much_that_stood_around_an_article_gives_reason_to_doubt() {
        let check = |kept: usize, around: usize, expected: bool| {
            let said = |times: usize| "参保人员补缴，".repeat(times);
            let article = Article {
                text: said(kept),
                ..Article::default()
            };
            let left = LeftOut {
                reason: "around the article",
                text: said(around),
            };
            assert_eq!(doubt(&[(0, article)], &[left]).is_some(), expected, "{kept} {around}");
        };
        check(40, 9, true);
        check(40, 8, false);
        check(60, 9, false);
    }
}
