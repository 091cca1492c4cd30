//! Names that say where somebody is and not what a text is about: those in addresses (广州市天河区林和中路168号) and in the
//! names of firms (深圳市某某有限公司, 某某(北京)有限公司).
//!
//! Reads the words right before and behind a name in its clause. Who asks is where his address is, so this is for
//! documents alone.

use super::super::segment::Word;
use super::mention::Mention;
use super::place_words::{APART, APART_FIRM, STREETS};
use crate::text::is_numeral;

/// In characters: how far behind a place's name its address or its firm's name ends.
const REACH: usize = 24;
/// What an address stands behind.
const ADDRESS: [&str; 2] = ["地址", "住址"];
/// What only ends like those.
const NO_STREETS: [&str; 4] = ["通道", "轨道", "渠道", "阶段"];
/// Behind 号 where no house is numbered.
const NUMBERED: [&str; 6] = ["窗口", "线", "文", "令", "公告", "通知"];
/// How a firm's name ends.
const FIRMS: [&str; 4] = ["有限公司", "有限责任公司", "股份公司", "集团公司"];
/// How words for offices end; a firm's name holds none (深圳市人社局要求有限公司).
const OFFICES: [&str; 8] = ["局", "厅", "委", "中心", "政府", "部门", "企业", "单位"];

/// Takes such names out of a text's mentions; returns those in addresses.
pub(super) fn take(text: &str, words: &[Word], mentions: &mut Vec<Mention>) -> Vec<Mention> {
    let mut addresses = Vec::new();
    let all = std::mem::take(mentions);
    for mention in all {
        let around = Around {
            text,
            words,
            start: mention.range.start,
            end: mention.range.end,
        };
        if around.is_firm() {
            continue;
        }
        let list = if around.is_address() {
            &mut addresses
        } else {
            &mut *mentions
        };
        list.push(mention);
    }
    addresses
}

/// A name in its text.
struct Around<'t> {
    text: &'t str,
    words: &'t [Word],
    start: usize,
    end: usize,
}

impl<'t> Around<'t> {
    fn is_address(&self) -> bool {
        let before = &self.text[..self.start];
        let head = before.trim_end_matches([' ', ':']);
        if head.len() < before.len() && ADDRESS.iter().any(|word| head.ends_with(word)) {
            return true;
        }
        let clause = clause(&self.text[self.end..]);
        clause.match_indices('号').any(|(at, sign)| {
            let behind = &self.text[self.end + at + sign.len()..];
            let street = clause[..at].trim_end_matches(|c: char| is_numeral(c) || c == '-');
            let is_numbered = street.len() < at && !NUMBERED.iter().any(|word| behind.starts_with(word));
            // 大街甲6号.
            let street = street.trim_end_matches(['甲', '乙', '丙', '丁']);
            let is_street = STREETS.iter().any(|kind| street.ends_with(kind))
                && !NO_STREETS.iter().any(|kind| street.ends_with(kind));
            is_numbered && is_street && self.words_in(self.end, street).all(|word| !APART.contains(&word))
        })
    }

    fn is_firm(&self) -> bool {
        let (before, behind) = (&self.text[..self.start], &self.text[self.end..]);
        let rest = match behind.strip_prefix(')') {
            Some(rest) if before.ends_with('(') => rest,
            _ => behind,
        };
        let name = clause(rest);
        let ends = FIRMS.iter().filter_map(|firm| name.find(firm)).min();
        // 北京有限公司 is none, 某某(北京)有限公司 is one.
        let is_named = |end: &usize| *end > 0 || rest.len() < behind.len();
        let from = self.text.len() - rest.len();
        let is_own = |word: &str| {
            !APART.contains(&word) && !APART_FIRM.contains(&word) && !OFFICES.iter().any(|end| word.ends_with(end))
        };
        ends.filter(is_named)
            .is_some_and(|end| self.words_in(from, &name[..end]).all(is_own))
    }

    /// The words of a part of the text that begins at this byte.
    fn words_in(&self, from: usize, part: &str) -> impl Iterator<Item = &'t str> {
        let (text, end) = (self.text, from + part.len());
        let first = self.words.partition_point(|word| word.range.start < from);
        let words = self.words[first..]
            .iter()
            .take_while(move |word| word.range.start < end);
        words.map(move |word| &text[word.range.clone()])
    }
}

/// What stands behind a name in its clause, as far as an address or a firm's name may go.
fn clause(behind: &str) -> &str {
    let end = |&(_, c): &(usize, char)| !(c.is_alphanumeric() || matches!(c, '(' | ')' | '-' | '*'));
    let limit = behind.char_indices().nth(REACH);
    let first = behind.char_indices().take(REACH).find(end).or(limit);
    first.map_or(behind, |(at, _)| &behind[..at])
}
