//! Where a page's article ends: at a line that announces what stands behind it, and is no heading of the article's own.
//!
//! Judges lines by their words and by what stands around them; what becomes of the rest is for `lines`.

use std::borrow::Cow;
use std::cell::LazyCell;

use crate::text::Normalized;

use super::super::site_words::{List, listed};
use super::super::tail::turns_page;
use super::comments::{announces_comments, starts_comments};
use super::credits::{is_labelled, is_sentence, words};
use super::prompts::is_prompt;

/// The longest line that announces what stands behind an article, in characters.
const MAX_ENDING: usize = 16;

/// Comments of readers end an article only below at least this many characters of sentences.
const ARTICLE: usize = 100;

/// The longest question of a page that is answered by what its readers write, in characters of sentences.
const QUESTION: usize = 300;

/// The lowest level of headings.
const MAX_LEVEL: usize = 6;

/// What stands above what is said of the author, which more of the article may follow.
const AUTHOR: &str = "作者简介";
/// What stands behind an article.
pub(super) const BEHIND: &str = "behind the article";
/// What stands behind the words with which a site's statement begins.
fn stated(line: &str) -> Option<&str> {
    listed(List::Statement)
        .iter()
        .find_map(|words| line.strip_prefix(words))
}

/// Whether a line that begins like an ending may be a heading of the article: it says more than that (`你可能不知道的用法`),
/// or it is that of a box beside news. It is one if sentences follow: links are left out before, so these are the
/// article's.
fn may_go_on(word: &str) -> bool {
    let rest = listed(List::Ending)
        .iter()
        .filter_map(|ending| word.strip_prefix(ending));
    let rest = rest.min_by_key(|rest| rest.len()).unwrap_or("");
    let more =
        rest.starts_with(char::is_alphanumeric) && !listed(List::BehindEnding).iter().any(|word| rest.contains(word));
    more || (rest.is_empty() && word == "相关链接")
}

/// Whether sentences stand below one of the headings in some lines.
fn has_sections(lines: &[&str]) -> bool {
    let mut below = lines.iter().skip_while(|line| !line.starts_with('#'));
    below.any(|line| is_sentence(line))
}

/// Whether a line is the heading of cards: `热门保险产品对比` is one of the article's own.
fn announces_cards(word: &str) -> bool {
    let mut behind = listed(List::Cards).iter().filter_map(|cards| word.strip_prefix(cards));
    behind.any(|behind| matches!(behind, "" | "推荐" | "排行" | "排行榜" | "榜" | "更多" | "专区"))
}

/// For each line whether it or one behind it is a sentence, before a site's statement or what readers wrote.
fn sentences_follow(lines: &[&str]) -> Vec<bool> {
    let mut follows = vec![false; lines.len() + 1];
    for (at, line) in lines.iter().enumerate().rev() {
        let ends = || stated(words(line)).is_some() || announces_comments(words(line));
        let tells = || is_sentence(line) && !is_prompt(line) && !is_labelled(line);
        follows[at] = !ends() && (follows[at + 1] || tells());
    }
    follows
}

/// Whether the lines below a heading such as `免责声明` are the article's, as those of a policy's clauses are: sentences
/// up to the next heading, none of which speaks of a site and its articles.
fn is_of_article(below: &[&str]) -> bool {
    let section = || below.iter().take_while(|line| !line.starts_with('#'));
    let of_site = |line: &&&str| listed(List::StatementWords).iter().any(|word| line.contains(word));
    section().any(|line| is_sentence(line)) && section().find(of_site).is_none()
}

/// The level of a heading, 0 of other lines.
fn level(line: &str) -> usize {
    (line.len() - line.trim_start_matches('#').len()).min(MAX_LEVEL)
}

/// Whether a heading that is nothing but such a word is one of the article's sections all the same: others of its level
/// stand above it (`seen`), and all that stands below it to the next heading is whole sentences. Entries have titles.
fn is_section(lines: &[&str], at: usize, seen: [bool; MAX_LEVEL + 1]) -> bool {
    let is_whole = |line: &&str| line.ends_with('。') && !is_prompt(line) && !is_labelled(line);
    let mut below = lines[at + 1..].iter().filter(|line| !line.trim().is_empty());
    let mut section = below.by_ref().take_while(|line| level(line) == 0).peekable();
    level(lines[at]) > 0 && seen[level(lines[at])] && section.peek().is_some() && section.all(is_whole)
}

/// Where the lines behind an article begin and what they are, if they do: at a short line that announces them below
/// half of the prose, or that announces what readers wrote below some of it; a site's statement may be longer.
pub(super) fn ending(lines: &[&str]) -> Option<(usize, &'static str)> {
    let weight = |line: &&str| if is_sentence(line) { line.chars().count() } else { 0 };
    let total: usize = lines.iter().map(weight).sum();
    let (mut above, mut asked) = (0, false);
    let mut seen = [false; MAX_LEVEL + 1];
    let follows = LazyCell::new(|| sentences_follow(lines));
    for (at, line) in lines.iter().enumerate() {
        let word = words(line);
        let short = word.chars().count() <= MAX_ENDING;
        // The words are listed in simplified characters.
        let word = if short {
            Cow::Owned(Normalized::new(word).text)
        } else {
            Cow::Borrowed(word)
        };
        let announces = |endings: &[&str]| endings.iter().any(|ending| word.starts_with(ending));
        let half = above > 0 && above * 2 >= total;
        // A heading that goes on (`特别声明事项`) is one of the article.
        let states = || !short || stated(&word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        let is_short_question = || asked && above <= QUESTION;
        if half
            && ((announces(listed(List::Statement)) && states() && !(short && is_of_article(&lines[at + 1..])))
                || (short
                    && announces(listed(List::Ending))
                    && !(may_go_on(&word) && follows[at + 1])
                    && !is_section(lines, at, seen)
                    && !(word == AUTHOR && has_sections(&lines[at + 1..])))
                || (short && announces_cards(&word) && !follows[at + 1])
                || turns_page(&word))
        {
            return Some((at, BEHIND));
        }
        let is_of_readers = (above > 0 && announces_comments(&word)) || (above >= ARTICLE && starts_comments(&word));
        if short && is_of_readers && !is_short_question() {
            return Some((at, "comments"));
        }
        above += weight(line);
        seen[level(line)] = true;
        asked |= is_sentence(line) && line.trim_end().ends_with(['？', '?']);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_sentences_among_others_ends_no_article() {
        let check = |below: &str, expected: bool| {
            let text = format!(
                "### 特征\n\n满期按基本保额给付，身故按已交保费给付，两者不兼得，给付以后合同终止。\n\n### 推荐阅读\n\n{below}"
            );
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(ending(&lines).is_some(), expected, "{text}");
        };
        check("请重点阅读条款中加粗部分：第2.4条责任免除。", false);
        check("请重点阅读责任免除。\n\n犹豫期以条款为准。\n\n### 附则", false);
        // Entries have titles, and are cut; a heading of another level is that of a box.
        check("退保损失怎么算\n\n第一年末退保损失较大。", true);
        check("第一年末退保损失较大，详见……", true);
        check("来源：某报。", true);
        let lines = [
            "## 特征",
            "满期按基本保额给付，身故按已交保费给付，两者不兼得，给付以后合同终止。",
            "### 推荐阅读",
            "第一年末退保损失较大。",
        ];
        assert!(ending(&lines).is_some());
    }
}
