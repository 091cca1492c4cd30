//! Markdown as people and programs write it, put right where the format would read it otherwise or lose some of it:
//! lines that belong apart, headings without a blank, tables whose rows are broken, too long or too short.
//!
//! Works on the lines before the text is parsed; what they say is for `markdown`.

use std::borrow::Cow;

use super::layout::{COLONS, is_han, is_pause, is_stop};
use super::lines::{append, unwrapped, width};

/// How wide a line is at most that no program broke, a Han character counting two.
const SHORT: usize = 40;
/// Most cells of a row that are read.
const MAX_COLUMNS: usize = 256;

/// The text so that the format reads what its author meant.
pub(super) fn mended(text: &str) -> String {
    let text = joined_rows(text);
    let text = widened(&text);
    let text = kept_apart(&text);
    let text = with_ranges(&text);
    repaired(&text).into_owned()
}

/// The text with two tildes between digits as they are written: they say from and to, and strike nothing out.
fn with_ranges(text: &str) -> Cow<'_, str> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let is_range = |at: usize| at > 0 && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 2));
    // What opens there is closed by the next ones, whatever stands beside these.
    let mut is_open = false;
    let is_of_range = |at: &usize| {
        let closes = std::mem::take(&mut is_open);
        is_open = !closes && !is_range(*at);
        !closes && !is_open
    };
    let ranges: Vec<usize> = text.match_indices("~~").map(|(at, _)| at).filter(is_of_range).collect();
    let (mut kept, mut done) = (String::new(), 0);
    for &at in &ranges {
        kept.extend([&text[done..at], "\\~\\~"]);
        done = at + 2;
    }
    if ranges.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(kept + &text[done..])
    }
}

/// The text with what people write and the format does not know put right: `##标题` without a blank is a heading, and
/// `[注]:某文` is no address of a link but a sentence.
fn repaired(text: &str) -> Cow<'_, str> {
    let headless = |line: &str| {
        let words = line.trim_start_matches('#');
        let level = line.len() - words.len();
        (1..=6).contains(&level)
            && words.starts_with(|c: char| is_han(c) || (level > 1 && c.is_alphanumeric()) || "（(【“《".contains(c))
            && !words.contains('#')
            && !words.ends_with(|c| is_stop(c) && !matches!(c, '?' | '\u{ff1f}'))
            && words.chars().count() <= 60
    };
    // A telephone's number is no address either.
    let is_number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' '))
    };
    let says = |label: &str, rest: &str| rest.contains(is_han) || (label.contains(is_han) && is_number(rest.trim()));
    let sentence = |line: &str| {
        let Some((label, rest)) = line
            .trim_start()
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]:"))
        else {
            return false;
        };
        let rest = rest.trim_start();
        let scheme = rest.split_once("://").map(|(scheme, _)| scheme);
        let is_address = rest.starts_with(['<', '/', '#', '.'])
            || scheme.is_some_and(|scheme| scheme.chars().all(|c| c.is_ascii_alphanumeric()));
        !label.starts_with('^') && !label.contains('[') && !is_address && says(label, rest)
    };
    let mut fenced = false;
    let mut is_fenced = |line: &str| {
        let fence = ["```", "~~~"].iter().any(|mark| line.trim_start().starts_with(mark));
        fenced ^= fence;
        fenced || fence
    };
    if !text.lines().any(|line| headless(line) || sentence(line)) {
        return Cow::Borrowed(text);
    }
    let mut lines = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if is_fenced(line) {
            lines.push_str(line);
        } else if headless(bare) {
            let level = bare.len() - bare.trim_start_matches('#').len();
            lines.push_str(&bare[..level]);
            lines.push(' ');
            lines.push_str(&line[level..]);
        } else if sentence(bare) {
            let at = line.len() - line.trim_start().len();
            lines.push_str(&line[..at]);
            lines.push('\\');
            lines.push_str(&line[at..]);
        } else {
            lines.push_str(line);
        }
    }
    Cow::Owned(lines)
}

/// The text with its lines kept where they are lines of their own: short ones without the end of a sentence, as fields
/// and lists without marks are, which no program broke.
fn kept_apart(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.split('\n').collect();
    let label = |line: &str| {
        line.split_once(COLONS)
            .is_some_and(|(label, _)| label.trim().chars().count() <= 8)
    };
    let mut changed = false;
    let mut kept: Vec<Cow<'_, str>> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let end = (at..lines.len())
            .find(|&end| lines[end].trim().is_empty())
            .unwrap_or(lines.len());
        let block = &lines[at..end];
        let sentences = block.iter().any(|line| line.contains(is_stop));
        let wrapped = block.len() > 2 && unwrapped(&block.join("\n")).is_some();
        for (number, &line) in block.iter().enumerate() {
            let apart = block.get(number + 1).is_some_and(|next| {
                !wrapped
                    && width(line) <= SHORT
                    && !line.trim_end().ends_with(|c| is_stop(c) || is_pause(c))
                    && (!sentences || (label(line) && label(next)))
            });
            changed |= apart;
            kept.push(if apart {
                format!("{}  ", line.trim_end()).into()
            } else {
                line.into()
            });
        }
        if end < lines.len() {
            kept.push(lines[end].into());
        }
        at = end + 1;
    }
    if changed {
        Cow::Owned(kept.join("\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text with the rows of tables whole that a line break in a cell has broken, and below their names a rule that is
/// as long: else no table is seen.
fn joined_rows(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.lines().collect();
    if !lines.iter().any(|line| is_rule(line)) {
        return Cow::Borrowed(text);
    }
    let mut whole: Vec<Cow<'_, str>> = Vec::with_capacity(lines.len());
    // The cells of the table that is being read.
    let mut wide = 0;
    for line in lines {
        let above = whole.last().map_or("", |above| &**above);
        let is_row = line.trim_start().starts_with('|');
        if wide == 0 && is_row && is_rule(line) && above.trim_start().starts_with('|') {
            wide = cells(above);
            let missing = wide.saturating_sub(cells(line));
            let end = if line.trim_end().ends_with('|') || missing == 0 {
                ""
            } else {
                "|"
            };
            whole.push(format!("{}{end}{}", line.trim_end(), "---|".repeat(missing)).into());
        } else if wide > 0
            && !is_row
            && cells(above) < wide
            && cells(above) + cells(line) == wide + 1
            && line.contains('|')
        {
            let mut row = above.trim_end().to_string();
            append(&mut row, line);
            if let Some(last) = whole.last_mut() {
                *last = row.into();
            }
        } else {
            wide = if is_row { wide } else { 0 };
            whole.push(line.into());
        }
    }
    let mut whole = whole.join("\n");
    if text.ends_with('\n') {
        whole.push('\n');
    }
    Cow::Owned(whole)
}

/// Whether a line is the rule below the names of a table's columns.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// The text with room in the first line of each table for all cells of its rows: the format drops those that have none.
fn widened(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The most cells of a line's own and those below it, up to a blank one.
    let mut most = vec![0; lines.len() + 1];
    for (at, line) in lines.iter().enumerate().rev() {
        most[at] = if line.trim().is_empty() {
            0
        } else {
            cells(line).max(most[at + 1])
        };
    }
    let mut wide = String::new();
    // Up to where the lines are in `wide`.
    let mut done = 0;
    for at in 0..lines.len().saturating_sub(1) {
        if !is_rule(lines[at + 1]) || cells(lines[at]) != cells(lines[at + 1]) || at < done {
            continue;
        }
        let missing = most[at + 2].min(MAX_COLUMNS).saturating_sub(cells(lines[at]));
        if missing == 0 {
            continue;
        }
        wide.extend(lines[done..at].iter().copied());
        for (line, cell) in [(lines[at], " |"), (lines[at + 1], "---|")] {
            let bare = line.trim_end();
            wide.push_str(bare);
            if !bare.ends_with('|') {
                wide.push_str(" |");
            }
            wide.push_str(&cell.repeat(missing));
            wide.push('\n');
        }
        done = at + 2;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    wide.extend(lines[done..].iter().copied());
    Cow::Owned(wide)
}

/// How many cells a row of a table has.
fn cells(row: &str) -> usize {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = if row.ends_with("\\|") {
        row
    } else {
        row.strip_suffix('|').unwrap_or(row)
    };
    let escaped = row.matches("\\|").count();
    1 + row.matches('|').count() - escaped
}
