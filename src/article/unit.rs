//! A text as the smallest pieces that passages are put together from: sentences, and parts of sentences too long.
//!
//! Each piece knows its length in characters, the length of the white space before it, and how much is lost if a
//! passage begins with it. Every character that is not white space lies in exactly one piece. Lengths are counted once
//! a piece and added up, so cutting takes time in proportion to the text.

use super::layout::{COLONS, Line, is_enumerated, is_pause, is_stop, line};

/// The level of a numbered line that heads what follows, below all of [`Line::Heading`]'s.
const NUMBERED_LEVEL: u8 = 11;

/// A piece that passages are made of.
#[derive(Debug, Clone)]
pub(super) struct Unit<'a> {
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset behind its last character.
    pub end: usize,
    /// Its length in characters.
    pub length: usize,
    /// The length of the white space between the unit before and this one.
    pub gap: usize,
    /// What a passage that begins here costs, 0 for nothing.
    pub cut: f64,
    /// The level and words of the heading, if this is one.
    pub heading: Option<(u8, &'a str)>,
    /// The header of the table that it stands in, if it is a row below it.
    pub header: Option<&'a str>,
}

/// One line that is not blank.
struct Row<'a> {
    start: usize,
    text: &'a str,
    indent: usize,
    kind: Line<'a>,
    /// Whether a blank line stands before it.
    apart: bool,
    /// See [`Unit::header`].
    header: Option<&'a str>,
}

/// Cuts a text into pieces of at most `max` characters each. Pieces of a line that
/// are shorter than `small` together become one.
pub(super) fn units(text: &str, max: usize, small: usize) -> Vec<Unit<'_>> {
    let mut cutter = Cutter {
        text,
        max,
        small,
        units: Vec::new(),
    };
    let mut before: Option<Row<'_>> = None;
    for row in rows(text) {
        let cut = cost(&row, before.as_ref());
        let from = cutter.units.len();
        cutter.line(row.start, row.text);
        for unit in &mut cutter.units[from..] {
            unit.header = row.header;
        }
        if let Some(first) = cutter.units.get_mut(from) {
            first.cut = cut;
            if let Line::Heading(level, words) = row.kind {
                first.heading = Some((level, words));
            }
        }
        before = Some(row);
    }
    cutter.units
}

/// The lines that are not blank, with what they are.
fn rows(text: &str) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut lines = text.split('\n').peekable();
    let (mut start, mut apart) = (0, true);
    while let Some(current) = lines.next() {
        let ends_block = lines.peek().is_none_or(|next| next.trim().is_empty());
        let words = current.trim();
        if words.is_empty() {
            apart = true;
        } else {
            let indent = current.len() - current.trim_start().len();
            let kind = line(words, apart && ends_block);
            rows.push(Row {
                start: start + indent,
                text: words,
                indent,
                kind,
                apart,
                header: None,
            });
            apart = false;
        }
        start += current.len() + 1;
    }
    settle_numbers(&mut rows);
    settle_headers(&mut rows);
    rows
}

/// The longest line between two rows of a table that is the name of a part of it, in characters.
const MAX_PART: usize = 30;

/// How many cells a line has beside its first one, empty ones at its ends among them; 0 if it is no row.
fn more_cells(line: &str) -> usize {
    line.matches(" | ").count() + usize::from(line.starts_with("| ")) + usize::from(line.ends_with(" |"))
}

/// Gives the rows of each table its first one, which says what their cells are. A short line between rows of as many
/// cells names a part of the table, unless names of columns follow: no numbers as there were none before, and then
/// some.
fn settle_headers(rows: &mut [Row<'_>]) {
    let cells = |row: &Row<'_>| more_cells(row.text);
    let has_digits = |line: &str| line.contains(|c: char| c.is_ascii_digit());
    let first_cell = |line: &str| line.trim_start_matches("| ").split(" | ").next().map(str::to_string);
    let mut first: Option<&str> = None;
    for at in 0..rows.len() {
        let header = first.filter(|_| !rows[at].apart);
        if cells(&rows[at]) > 0 {
            match header {
                None => first = Some(rows[at].text),
                header => rows[at].header = header,
            }
            continue;
        }
        let goes_on = rows.get(at + 1).is_some_and(|next| {
            let as_wide = header.is_some_and(|header| more_cells(header) == cells(next));
            let begins_anew = header.is_some_and(|header| !has_digits(header))
                && !has_digits(next.text)
                && header.is_some_and(|header| first_cell(header) == first_cell(next.text))
                && rows
                    .get(at + 2)
                    .is_some_and(|row| !row.apart && cells(row) == cells(next) && has_digits(row.text));
            as_wide && !next.apart && !begins_anew
        });
        let names = !rows[at].text.ends_with(is_stop) && chars(rows[at].text) <= MAX_PART;
        first = header.filter(|_| goes_on && names);
    }
}

/// Decides which numbered lines are headings and which are items of a list.
fn settle_numbers(rows: &mut [Row<'_>]) {
    let mut after_item = None;
    for at in 0..rows.len() {
        let Line::Numbered(words) = rows[at].kind else {
            after_item = None;
            continue;
        };
        let indent = rows[at].indent;
        let heads = rows.get(at + 1).is_some_and(|next| match next.kind {
            Line::Numbered(_) => next.indent > indent,
            Line::Item => next.indent > indent || next.text.starts_with(|c: char| !c.is_ascii_digit()),
            Line::Heading(..) => false,
            // The last item of a list that ordinary text follows is no heading of that text.
            _ => next.indent > indent || after_item != Some(indent),
        });
        rows[at].kind = if heads {
            Line::Heading(NUMBERED_LEVEL, words)
        } else {
            Line::Item
        };
        after_item = (!heads).then_some(indent);
    }
}

/// What it costs to begin a passage with this line: little where the text itself begins something, much where the
/// line is needed by the one before, as a section by its heading or a list by its lead-in.
fn cost(row: &Row<'_>, before: Option<&Row<'_>>) -> f64 {
    let Some(before) = before else { return 0.0 };
    let own = match row.kind {
        Line::Heading(level, _) if level <= 9 => 0.0,
        Line::Heading(10, _) => 1.0,
        Line::Heading(..) => 2.0,
        Line::Item | Line::Numbered(_) if row.indent > before.indent => 6.0,
        Line::Item | Line::Numbered(_) => 4.0,
        _ if row.apart => 3.0,
        _ => 5.0,
    };
    let leads = before.text.ends_with(COLONS);
    let labels = row.apart && before.apart && before.text.chars().count() <= 20 && !before.text.ends_with(is_stop);
    own + match before.kind {
        Line::Heading(..) => 40.0,
        _ if leads => 15.0,
        Line::Text if labels => 8.0,
        _ => 0.0,
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

struct Cutter<'a> {
    text: &'a str,
    max: usize,
    small: usize,
    units: Vec<Unit<'a>>,
}

impl Cutter<'_> {
    /// Cuts one line into sentences.
    fn line(&mut self, start: usize, line: &str) {
        let from = self.units.len();
        pieces(line, sentence_end, |at, sentence| {
            self.sentence(start + at, sentence, from)
        });
    }

    /// Adds a sentence, joined to the one before it in the line if both are short; cut at its clauses if it is too
    /// long.
    fn sentence(&mut self, start: usize, sentence: &str, line_from: usize) {
        let length = chars(sentence);
        let cut = if is_enumerated(sentence) { 5.0 } else { 8.0 };
        if length <= self.max {
            self.add(start, sentence, length, cut, line_from);
            return;
        }
        let from = self.units.len();
        pieces(sentence, clause_end, |at, clause| {
            let length = chars(clause);
            let cut = if at == 0 { cut } else { 16.0 };
            if length <= self.max {
                self.add(start + at, clause, length, cut, from);
            } else {
                self.halve(start + at, clause, cut);
            }
        });
    }

    fn add(&mut self, start: usize, piece: &str, length: usize, cut: f64, join_from: usize) {
        let joins = self.units.len() > join_from;
        let end = start + piece.len();
        if let Some(last) = self.units.last_mut().filter(|_| joins) {
            let gap = if last.end == start {
                0
            } else {
                chars(&self.text[last.end..start])
            };
            if last.length + gap + length <= self.small.min(self.max) {
                last.length += gap + length;
                last.end = end;
                return;
            }
        }
        self.push(start, end, length, cut);
    }

    /// Cuts a piece without any punctuation in halves until each is short enough.
    fn halve(&mut self, start: usize, piece: &str, cut: f64) {
        // Pieces still to be cut, the first on top, each with its cost and how long it is, if known.
        let mut open = vec![(start, piece, cut)];
        while let Some((start, piece, cut)) = open.pop() {
            let lead = piece.len() - piece.trim_start().len();
            let (start, piece) = (start + lead, piece.trim());
            if piece.is_empty() {
                continue;
            }
            let length = chars(piece);
            match (length > self.max).then(|| middle(piece)).flatten() {
                None => self.push(start, start + piece.len(), length, cut),
                Some(at) => {
                    open.push((start + at, &piece[at..], 24.0));
                    open.push((start, &piece[..at], cut));
                }
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, length: usize, cut: f64) {
        let gap = match self.units.last() {
            Some(last) if last.end < start => chars(&self.text[last.end..start]),
            _ => 0,
        };
        self.units.push(Unit {
            start,
            end,
            length,
            gap,
            cut,
            heading: None,
            header: None,
        });
    }
}

/// Calls `take` with each part of a text, without white space around it, and its byte offset. `ends`: whether a part
/// ends behind this character, which these others follow and this one goes before.
fn pieces(text: &str, ends: fn(char, &str, Option<char>) -> bool, mut take: impl FnMut(usize, &str)) {
    let mut give = |from: usize, to: usize| {
        let part = &text[from..to];
        let lead = part.len() - part.trim_start().len();
        let part = part.trim();
        if !part.is_empty() {
            take(from + lead, part);
        }
    };
    let (mut from, mut before) = (0, None);
    for (at, c) in text.char_indices() {
        let behind = at + c.len_utf8();
        if ends(c, &text[behind..], before) {
            give(from, behind);
            from = behind;
        }
        before = Some(c);
    }
    give(from, text.len());
}

/// Whether a sentence ends behind `c`: it is a full stop or closes a quotation behind one, and no other such follows.
fn sentence_end(c: char, rest: &str, before: Option<char>) -> bool {
    let next = rest.chars().next();
    let goes_on = next.is_some_and(|next| is_stop(next) || closes(next));
    match c {
        '.' => before.is_some_and(|c| c.is_ascii_alphabetic() || c == ')') && next.is_some_and(char::is_whitespace),
        c if is_stop(c) => !goes_on,
        c if closes(c) => !goes_on && before.is_some_and(|c| is_stop(c) || closes_behind_stop(c)),
        _ => false,
    }
}

/// A bracket that closes may itself stand behind one that closes behind a full stop (`。”）`); seen from one character
/// away, a quotation mark is taken for such a one.
fn closes_behind_stop(c: char) -> bool {
    matches!(c, '”' | '』' | '」')
}

fn clause_end(c: char, rest: &str, _: Option<char>) -> bool {
    let next = rest.chars().next();
    // A comma or colon inside a number or a time (`1,000`, `10:30`) ends nothing.
    (is_pause(c) || is_stop(c) || c.is_whitespace()) && !(c.is_ascii() && next.is_some_and(|c| c.is_ascii_digit()))
}

fn closes(c: char) -> bool {
    matches!(c, '”' | '’' | '』' | '」' | ')' | '\u{ff09}' | '】' | '》' | '"')
}

/// A place near the middle of a piece, not inside a word or number if that can be; none in a single character.
fn middle(piece: &str) -> Option<usize> {
    let boundary = |from: usize| {
        (from..=piece.len())
            .find(|&at| piece.is_char_boundary(at))
            .unwrap_or(piece.len())
    };
    let last = piece.char_indices().next_back().map_or(0, |(at, _)| at);
    let centre = boundary((piece.len() / 2).max(1)).min(last);
    let joined = |at: usize| {
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
        in_word(piece[..at].chars().next_back()) && in_word(piece[at..].chars().next())
    };
    let reach = boundary(piece.len() - piece.len() / 4);
    let near = piece[centre..reach.max(centre)]
        .char_indices()
        .map(|(at, _)| centre + at)
        .find(|&at| !joined(at));
    near.filter(|&at| at > 0).or((centre > 0).then_some(centre))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_part_keeps_a_table_s_header() {
        let check = |text: &str, expected: &[bool]| {
            let found: Vec<bool> = units(text, 400, 40).iter().map(|unit| unit.header.is_some()).collect();
            assert_eq!(found, expected, "{text}");
        };
        let table = |between: &str, last: &str| format!("险种 | 单位 | 个人\n养老 | 16% | 8%\n{between}\n{last}");
        check(&table("灵活就业", "养老 | 20% | 0%"), &[false, true, false, true]);
        check(
            &table("以下另行规定。", "养老 | 20% | 0%"),
            &[false, true, false, false],
        );
        check(
            &table(&"长".repeat(31), "养老 | 20% | 0%"),
            &[false, true, false, false],
        );
        check(&table("灵活就业", "养老 | 20%"), &[false, true, false, false]);
        check(&table("灵活就业\n", "养老 | 20% | 0%"), &[false, true, false, false]);
        // An empty corner is a cell.
        check(
            "| 职工 | 居民\n住院 | 90% | 70%\n门诊\n普通 | 60% | 50%",
            &[false, true, false, true],
        );
        // Another table's names of columns: theirs count from there on.
        check(
            "档次 | 比例\n一档 | 60%\n居民\n档次 | 金额\n一档 | 400",
            &[false, true, false, false, true],
        );
        check(
            "档次 | 比例\n一档 | 60%\n居民\n二档 | 70%\n三档 | 80%",
            &[false, true, false, true, true],
        );
    }
}
