//! The one convention in which an article's text shows its structure, and how that structure is seen again.
//!
//! Written here: headings as `# ` to `###### ` lines, list items as `- ` or `1. ` lines indented by two spaces a
//! level, table rows as `cell | cell`, blocks apart by a blank line. Seen here: that, and the habits of Chinese
//! articles that no program wrote: `一、`, `（一）`, `1、`, `第二章`, a question as a heading, `•`. A person reads it as
//! plain text. Owns no format: Markdown and HTML write through [`Layout`], the splitter reads through [`line`].

use crate::text::{Marker, MarkerStyle, list_marker};

/// Colons, of half and of full width.
pub(super) const COLONS: [char; 2] = [':', '\u{ff1a}'];

/// The longest line that may be a heading when nothing but its shape says so, in characters.
const MAX_HEADING: usize = 40;

/// Whether a sentence may end with this character.
pub(super) fn is_stop(c: char) -> bool {
    matches!(
        c,
        '。' | '!' | '?' | ';' | '…' | '\u{ff01}' | '\u{ff1f}' | '\u{ff1b}' | '\u{ff61}'
    )
}

/// Whether a clause may end with this character.
pub(super) fn is_pause(c: char) -> bool {
    matches!(c, ',' | ':' | '、' | '\u{ff0c}' | '\u{ff1a}' | '\u{ff64}')
}

/// Whether this is a Han character, after or before which no space is written.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Whether a line break between these two is only a wrapped line: no space belongs there.
pub(super) fn joins_without_space(before: char, after: char) -> bool {
    let wide = |c: char| is_han(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | '“' | '”');
    wide(before) && wide(after)
}

/// What one line is in an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Only white space.
    Blank,
    /// A heading of this level, 1 the outermost, and its words. Levels 1 to 6 are marked by `#`; a question that
    /// stands alone and `第…章` have 7, `第…节` 8, `一、` 9, `（一）` 10.
    Heading(u8, &'a str),
    /// A line that begins with a number and is short enough to head what follows, or to be an item of a list: only
    /// its neighbours tell.
    Numbered(&'a str),
    /// An item of a list.
    Item,
    /// Anything else.
    Text,
}

/// What a line is by its shape alone. `alone`: blank lines (or the edge of the text) on both sides.
pub(super) fn line(text: &str, alone: bool) -> Line<'_> {
    let line = text.trim();
    if line.is_empty() {
        return Line::Blank;
    }
    let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with(' ') && !line[hashes..].trim().is_empty() {
        return Line::Heading(hashes as u8, line[hashes..].trim());
    }
    let marker = list_marker(line);
    if marker.is_some_and(|marker| {
        let dash = matches!(marker.close, '-' | '*' | '+' | '–');
        marker.style == MarkerStyle::Bullet && (!dash || marker.rest.starts_with(' '))
    }) {
        return Line::Item;
    }
    let short = line.chars().take(MAX_HEADING + 1).count() <= MAX_HEADING;
    let numbered = marker.is_some_and(|marker| counts_off(&marker));
    let ends_open = !line.ends_with(|c| is_stop(c) || matches!(c, ',' | '\u{ff0c}')) && !line.contains('。');
    let asks = line.contains(['?', '\u{ff1f}']) && !line.contains('。');
    if short && ends_open {
        if let Some(level) = marker.and_then(|marker| heading_level(&marker)) {
            return Line::Heading(level, line);
        }
        if numbered {
            return Line::Numbered(line);
        }
    }
    if short && asks && alone && !numbered && !line.ends_with(['”', '"', '」']) {
        return Line::Heading(7, line);
    }
    if numbered { Line::Item } else { Line::Text }
}

/// Whether a sentence begins with a number that counts off: `1.`, `（一）`, `二、`, `第五条`.
pub(super) fn is_enumerated(sentence: &str) -> bool {
    list_marker(sentence).is_some_and(|marker| match marker.style {
        MarkerStyle::Ordinal => true,
        _ => counts_off(&marker) || heading_level(&marker).is_some(),
    })
}

/// Whether it is `1.`, `2、`, `(3)` or `④`. `1.5万` is no number of an item.
fn counts_off(marker: &Marker) -> bool {
    match marker.style {
        MarkerStyle::Circled => true,
        MarkerStyle::Bracketed | MarkerStyle::Plain => {
            let decimal = marker.close == '.' && marker.rest.starts_with(|c: char| c.is_ascii_digit());
            marker.is_arabic() && marker.number.len() <= 3 && !marker.rest.is_empty() && !decimal
        }
        MarkerStyle::Bullet | MarkerStyle::Ordinal => false,
    }
}

/// The level of a heading numbered in Chinese.
fn heading_level(marker: &Marker) -> Option<u8> {
    match (marker.style, marker.close) {
        (MarkerStyle::Ordinal, '章' | '编' | '篇') => Some(7),
        (MarkerStyle::Ordinal, '节') => Some(8),
        (MarkerStyle::Plain, '、' | '.' | '．') => marker.is_chinese().then_some(9),
        (MarkerStyle::Bracketed, _) => marker.is_chinese().then_some(10),
        _ => None,
    }
}

/// How the items of a list are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbering {
    /// The number of the next item.
    pub next: i64,
    /// Whether it counts downwards.
    pub down: bool,
    /// `1`, `a`, `A`, `i` or `I`; anything else counts as `1`.
    pub style: char,
}

impl From<u64> for Numbering {
    /// Upwards from a number, in digits.
    fn from(first: u64) -> Numbering {
        Numbering {
            next: i64::try_from(first).unwrap_or(i64::MAX),
            down: false,
            style: '1',
        }
    }
}

impl Numbering {
    /// The mark of the next item, which is then counted.
    fn mark(&mut self) -> String {
        let number = self.next;
        self.next = number.saturating_add(if self.down { -1 } else { 1 });
        let small = usize::try_from(number).ok().filter(|number| (1..4000).contains(number));
        let words = match (self.style, small) {
            ('a' | 'A', Some(number)) => letters(number),
            ('i' | 'I', Some(number)) => roman(number),
            _ => number.to_string(),
        };
        let upper = self.style.is_ascii_uppercase();
        format!("{}. ", if upper { words.to_ascii_uppercase() } else { words })
    }
}

/// a to z, aa, ab and on.
pub(super) fn letters(mut number: usize) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        number -= 1;
        letters.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    letters.iter().rev().collect()
}

/// A number below 4000 in Roman digits.
pub(super) fn roman(mut number: usize) -> String {
    const DIGITS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut roman = String::new();
    for (value, digits) in DIGITS {
        while number >= value {
            roman.push_str(digits);
            number -= value;
        }
    }
    roman
}

/// Writes an article's text in the convention, block by block.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    /// The line being written, without its indentation.
    line: String,
    /// What stands before the line's first character: a heading's or an item's mark.
    mark: String,
    /// One entry a list that is open: how it counts, or `None` for bullets.
    lists: Vec<Option<Numbering>>,
    /// Whether a blank line belongs before the next line.
    gap: bool,
    /// Whether white space was read that is not yet known to stand between two words.
    space: bool,
    /// Whether a line break was part of it.
    broken: bool,
}

impl Layout {
    /// Adds running text: white space collapses, and vanishes between Han characters that a line break divides.
    pub fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = true;
                self.broken |= c == '\n';
            }
            // Zero-width spaces are marks of a typesetter, not of the text.
            if c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}') {
                continue;
            }
            let before = self.line.chars().next_back().filter(|_| self.space);
            if before.is_some_and(|before| !(self.broken && joins_without_space(before, c))) {
                self.line.push(' ');
            }
            (self.space, self.broken) = (false, false);
            self.line.push(c);
        }
    }

    /// Adds text to the letter, line breaks included (code, preformatted text).
    pub fn push_verbatim(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.end_line();
            }
            self.line.push_str(line);
        }
    }

    /// Ends the line, not the block.
    pub fn end_line(&mut self) {
        (self.space, self.broken) = (false, false);
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(if self.gap { "\n\n" } else { "\n" });
        }
        self.gap = false;
        let depth = self.lists.len();
        // The first line of an item carries its mark, the others stand under its words.
        let indent = if self.mark.is_empty() {
            depth
        } else {
            depth.saturating_sub(1)
        };
        self.text.push_str(&"  ".repeat(indent.min(8)));
        self.text.push_str(&std::mem::take(&mut self.mark));
        self.text.push_str(line.trim_end());
    }

    /// Ends the block: a blank line follows, except inside a list.
    pub fn end_block(&mut self) {
        self.end_line();
        self.gap |= self.lists.is_empty();
    }

    /// Begins a heading of level 1 to 6; [`Layout::end_marked`] ends it.
    pub fn heading(&mut self, level: usize) {
        self.end_line();
        self.gap = true;
        self.mark = format!("{} ", "#".repeat(level.clamp(1, 6)));
    }

    /// Begins a list, numbered or with bullets.
    pub fn list(&mut self, numbering: Option<Numbering>) {
        self.end_line();
        self.lists.push(numbering);
    }

    /// Begins an item of the innermost list, with a number of its own if it has one; [`Layout::end_marked`] ends it.
    pub fn item(&mut self, number: Option<i64>) {
        self.end_line();
        self.mark = match self.lists.last_mut() {
            Some(Some(numbering)) => {
                numbering.next = number.unwrap_or(numbering.next);
                numbering.mark()
            }
            _ => "- ".to_string(),
        };
    }

    /// Ends a heading or an item; the mark of an empty one is not left to what follows.
    pub fn end_marked(&mut self) {
        self.end_block();
        self.mark.clear();
    }

    /// Ends the innermost list.
    pub fn end_list(&mut self) {
        self.end_marked();
        self.lists.pop();
        self.gap |= self.lists.is_empty();
    }

    /// Begins the next cell of a table's row.
    pub fn cell(&mut self) {
        self.space = false;
        if !self.line.is_empty() {
            self.line.push_str(" | ");
        }
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.line.trim().is_empty()
    }

    /// The text written.
    pub fn finish(mut self) -> String {
        self.end_line();
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let check = |text: &str, expected: Line<'_>| assert_eq!(line(text, true), expected, "{text}");
        check("  ", Line::Blank);
        check("## 办理流程", Line::Heading(2, "办理流程"));
        check("#医保", Line::Text);
        check("# ", Line::Text);
        check("第二章 保险责任", Line::Heading(7, "第二章 保险责任"));
        check("第十二条 本合同由保险单、保险条款组成。", Line::Text);
        check("一、办理停保手续", Line::Heading(9, "一、办理停保手续"));
        check("(二)报销比例", Line::Heading(10, "(二)报销比例"));
        check(
            "\u{ff08}二\u{ff09}报销比例",
            Line::Heading(10, "\u{ff08}二\u{ff09}报销比例"),
        );
        check("一、职工可以在线上办理,也可以到窗口办理。", Line::Text);
        check("  1. 准备材料", Line::Numbered("1. 准备材料"));
        check("3、特殊情况处理:", Line::Numbered("3、特殊情况处理:"));
        check("1.5万元以内", Line::Text);
        check("2025.", Line::Text);
        check("  • 线上缴费 :通过税务公众号缴费。", Line::Item);
        check("- 身份证", Line::Item);
        check("-5元", Line::Text);
        check("(1)携带身份证到窗口办理,当天办结。", Line::Item);
        check(
            "兰州离职后医保怎么办?医保补缴指南来了",
            Line::Heading(7, "兰州离职后医保怎么办?医保补缴指南来了"),
        );
        assert_eq!(line("断了怎么办?", false), Line::Text);
        check("十全十美", Line::Text);
    }

    #[test]
    fn a_layout_reads_as_plain_text() {
        let mut layout = Layout::default();
        layout.heading(2);
        layout.push("断缴  的\n影响");
        layout.end_block();
        layout.push("three\nwords \u{a0}here");
        layout.end_block();
        layout.list(Some(Numbering::from(3)));
        layout.item(None);
        layout.push("甲");
        layout.list(None);
        layout.item(None);
        layout.push("乙");
        layout.end_list();
        layout.item(None);
        layout.push("丙");
        layout.end_line();
        layout.push("又");
        layout.end_list();
        layout.cell();
        layout.push("险种");
        layout.cell();
        layout.push("个人");
        layout.end_line();
        let expected = "## 断缴 的影响\n\nthree words here\n\n3. 甲\n  - 乙\n4. 丙\n  又\n\n险种 | 个人";
        assert_eq!(layout.finish(), expected);
    }
}
