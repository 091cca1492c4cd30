//! Text with colours: taken apart into lines of some columns, cut to one, painted. Knows Chinese typesetting as far as
//! line ends go, and nothing of answers.
//!
//! What texts hold of characters that are not seen and change how others look (bidirectional controls, escape
//! sequences) is left out here, as the page leaves it out.

use unicode_width::UnicodeWidthChar as _;

/// How a character is painted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ink {
    /// As everything else.
    #[default]
    Plain,
    /// What answers.
    Answer,
    /// A word of the question.
    Word,
    /// A word of the question in what answers.
    AnswerWord,
    /// A number or a name to find one's way by.
    Mark,
    /// What only some look for.
    Quiet,
    /// What must not be overlooked.
    Warning,
}

impl Ink {
    /// As terminals are told.
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "0",
            Ink::Answer => "1",
            Ink::Word => "33",
            Ink::AnswerWord => "1;33",
            Ink::Mark => "36",
            Ink::Quiet => "2",
            Ink::Warning => "31",
        }
    }
}

/// Closing punctuation: never begins a line.
const CLOSING: &str = "，。、；：？！）》」』】〉〕”’…—％‰·,.;:?!)]}%";
/// Opening punctuation: never ends one.
const OPENING: &str = "（《「『【〈〔“‘([{￥$";

/// A painted character.
type Painted = (char, Ink);

/// Painted text of any number of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inked(Vec<Painted>);

impl Inked {
    /// A text of one colour.
    pub fn new(text: &str, ink: Ink) -> Self {
        let mut inked = Inked::default();
        inked.push(text, ink);
        inked
    }

    /// Adds a text.
    pub fn push(&mut self, text: &str, ink: Ink) {
        text.chars().for_each(|c| self.push_char(c, ink));
    }

    /// Adds a character, if it can be seen.
    pub fn push_char(&mut self, c: char, ink: Ink) {
        match c {
            '\t' | '\u{2028}' | '\u{2029}' => self.0.push((' ', ink)),
            '\n' => self.0.push((c, ink)),
            c if is_unseen(c) => {}
            c => self.0.push((c, ink)),
        }
    }

    /// Adds another text.
    pub fn append(&mut self, other: Inked) {
        self.0.extend(other.0);
    }

    /// Whether both have the same characters, whatever their colours and white space.
    pub fn says_the_same(&self, other: &Inked) -> bool {
        let seen = |inked: &Inked| -> Vec<char> {
            let chars = inked.0.iter().map(|(c, _)| *c);
            chars.filter(|c| !c.is_whitespace()).collect()
        };
        seen(self) == seen(other)
    }

    /// Whether there is nothing to see.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|(c, _)| c.is_whitespace())
    }

    /// The same in one line: white space of any length is one blank.
    #[must_use]
    pub fn one_line(self) -> Self {
        let mut line: Vec<Painted> = Vec::with_capacity(self.0.len());
        for (c, ink) in self.0 {
            if !c.is_whitespace() {
                line.push((c, ink));
            } else if line.last().is_some_and(|(last, _)| *last != ' ') {
                line.push((' ', ink));
            }
        }
        line.truncate(trimmed(&line).len());
        Inked(line)
    }

    /// How many columns it takes in one line.
    pub fn columns(&self) -> usize {
        self.0.iter().map(|(c, _)| width(*c)).sum()
    }

    /// The same cut to some columns, with a mark where something is gone.
    #[must_use]
    pub fn cut(mut self, columns: usize) -> Self {
        if self.columns() <= columns {
            return self;
        }
        let (mut used, mut end) = (0, 0);
        for (c, _) in &self.0 {
            // The mark takes one.
            if used + width(*c) + 1 > columns {
                break;
            }
            used += width(*c);
            end += 1;
        }
        self.0.truncate(end);
        self.push_char('…', Ink::Quiet);
        self
    }

    /// Writes its lines, none of them empty, behind `first` and then behind as many blanks.
    pub fn write(&self, into: &mut String, first: &str, columns: Option<usize>, colour: bool) {
        let indent = first.chars().map(width).sum::<usize>();
        let room = columns.map(|columns| columns.saturating_sub(indent).max(2));
        let mut margin = first.to_owned();
        for line in self.0.split(|(c, _)| *c == '\n') {
            for line in wrapped(trimmed(line), room) {
                into.push_str(&margin);
                paint(line, into, colour);
                into.push('\n');
                margin = " ".repeat(indent);
            }
        }
    }
}

/// Characters that take no room of their own and hide others, turn the direction round or drive the terminal.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn trimmed(line: &[Painted]) -> &[Painted] {
    let is_seen = |(c, _): &Painted| !c.is_whitespace();
    match (line.iter().position(is_seen), line.iter().rposition(is_seen)) {
        (Some(first), Some(last)) => &line[first..=last],
        _ => &[],
    }
}

/// Whether a line may end between two characters: at blanks, and between Chinese ones; a number stays with its unit.
fn may_part(before: char, after: char) -> bool {
    if CLOSING.contains(after) || OPENING.contains(before) || width(after) == 0 {
        return false;
    }
    let is_number = before.is_ascii_digit() && !after.is_whitespace();
    before.is_whitespace() || after.is_whitespace() || (!is_number && (width(before) == 2 || width(after) == 2))
}

/// A line as lines of some columns; where no end is possible, one is made.
fn wrapped(line: &[Painted], columns: Option<usize>) -> Vec<&[Painted]> {
    let Some(columns) = columns else {
        return if line.is_empty() { Vec::new() } else { vec![line] };
    };
    let (mut lines, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        let (mut used, mut fits) = (0, 0);
        for (c, _) in rest {
            used += width(*c);
            if used > columns {
                break;
            }
            fits += 1;
        }
        let parts = |at: &usize| may_part(rest[at - 1].0, rest[*at].0);
        let end = if fits == rest.len() {
            fits
        } else {
            (1..=fits).rev().find(parts).unwrap_or(fits.max(1))
        };
        lines.push(trimmed(&rest[..end]));
        rest = trimmed(&rest[end..]);
    }
    lines
}

fn paint(line: &[Painted], into: &mut String, colour: bool) {
    let mut on = Ink::Plain;
    for &(c, ink) in line {
        if colour && ink != on {
            if on != Ink::Plain {
                into.push_str("\x1b[0m");
            }
            if ink != Ink::Plain {
                into.push_str(&format!("\x1b[{}m", ink.code()));
            }
            on = ink;
        }
        into.push(c);
    }
    if on != Ink::Plain {
        into.push_str("\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str, columns: usize) -> Vec<String> {
        let mut into = String::new();
        Inked::new(text, Ink::Plain).write(&mut into, "", Some(columns), false);
        into.lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_end_where_chinese_lines_may() {
        let check =
            |text: &str, columns: usize, expected: &[&str]| assert_eq!(written(text, columns), expected, "{text}");
        check("医保断缴", 8, &["医保断缴"]);
        check("医保断缴后", 8, &["医保断缴", "后"]);
        // No line begins with a full stop, none ends with an opening bracket.
        check("医保断缴。补缴", 8, &["医保断", "缴。补缴"]);
        check("医保断（缴）", 8, &["医保断", "（缴）"]);
        // Numbers stay with their units, words whole.
        check("等待期为90天", 10, &["等待期为", "90天"]);
        check("apply by app only", 9, &["apply by", "app only"]);
        check("abcdefghijkl", 5, &["abcde", "fghij", "kl"]);
        check("甲\n\n乙 ", 10, &["甲", "乙"]);
        check("", 10, &[]);
    }

    #[test]
    fn a_cut_says_that_something_is_gone() {
        let cut = |text: &str, columns| {
            let mut into = String::new();
            let inked = Inked::new(text, Ink::Plain).one_line().cut(columns);
            inked.write(&mut into, "", None, false);
            into
        };
        assert_eq!(cut("医保 \n 断缴", 9), "医保 断缴\n");
        assert_eq!(cut("医保断缴", 7), "医保断…\n");
        assert_eq!(cut("医保断缴", 6), "医保…\n");
    }

    #[test]
    fn colours_end_with_their_line() {
        let mut inked = Inked::new("医保", Ink::Answer);
        inked.push("断", Ink::AnswerWord);
        inked.push("缴", Ink::Plain);
        let mut into = String::new();
        inked.write(&mut into, "1. ", Some(7), true);
        assert_eq!(into, "1. \x1b[1m医保\x1b[0m\n   \x1b[1;33m断\x1b[0m缴\n");
    }

    #[test]
    fn what_is_not_seen_changes_nothing() {
        let mut into = String::new();
        Inked::new("10\u{202e}天\x1b[31m\u{200b}红\u{9b}", Ink::Plain).write(&mut into, "", None, true);
        assert_eq!(into, "10天[31m红\n");
    }

    proptest! {
        /// Whatever is written, nothing is lost but white space, and no line is too long but by a character that does
        /// not fit.
        #[test]
        fn lines_hold_everything(text in "[a-z0-9 医保断缴，。（）《》\n]{0,60}", columns in 2usize..30) {
            let lines = written(&text, columns);
            let seen = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(seen(&lines.concat()), seen(&text));
            for line in &lines {
                prop_assert!(line.chars().map(width).sum::<usize>() <= columns.max(2), "{:?}", line);
            }
        }
    }
}
