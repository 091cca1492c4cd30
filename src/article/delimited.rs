//! CSV and its kin: rows of values apart by commas, semicolons, tabs or bars, with quotes.
//!
//! Owns which mark parts the values, and names a quote that swallows rows. What a row says is for `table`.

use super::cells::{MAX_CELLS, MAX_COLUMNS, Table};

/// Most values of one line, empty ones among them: some programs fill each row with as many as a sheet has columns.
const WIDEST_LINE: usize = 100_000;

/// The rows of a file of values apart by commas, semicolons or tabs.
pub(super) fn read_csv(text: &str) -> Result<Table, String> {
    // A line that only tells the program what parts the values is none of them.
    let told = text
        .split_once('\n')
        .and_then(|(first, rest)| Some((stated_delimiter(first)?, rest)));
    let (delimiter, text, above) = match told {
        Some((delimiter, rest)) => (delimiter, rest, 1),
        None => (delimiter(text), text, 0),
    };
    // A row of more is read whole before its values can be counted.
    let is_wide = |line: &str| line.bytes().filter(|&byte| byte == delimiter).count() > WIDEST_LINE;
    if text.split(['\n', '\r']).any(is_wide) {
        return Err(format!("has a row of more than {WIDEST_LINE} values"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut table = Table {
        by_commas: delimiter == b',',
        noticed: swallowed(text, delimiter).map(|(from, to)| {
            let what = format!(
                "a quote is not closed where its value ends: the lines down to {} are one value",
                to + above
            );
            (from + above, what)
        }),
        ..Table::default()
    };
    let mut cells = 0;
    for record in reader.records() {
        let record = record.map_err(|error| format!("is no table of values: {error}"))?;
        // A record begins where the one before ends; empty lines between are none of it.
        let line = record.position().map_or(0, |position| {
            let bytes = text.as_bytes().get(position.byte() as usize..).unwrap_or_default();
            let empty = bytes.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
            position.line() as usize + empty.filter(|byte| **byte == b'\n').count()
        }) + above;
        // Only line feeds are counted; some programs end rows by a carriage return.
        let line = line.max(table.rows.last().map_or(0, |&(before, _)| before) + 1);
        // Empty values behind the last one are what some programs fill a row with.
        let filled = (0..record.len())
            .rev()
            .find(|&at| record.get(at).is_some_and(|cell| !cell.trim().is_empty()))
            .map_or(0, |last| last + 1);
        cells += filled;
        if cells > MAX_CELLS || filled > MAX_COLUMNS {
            return Err(format!("has more than {MAX_CELLS} cells or {MAX_COLUMNS} columns"));
        }
        let row: Vec<String> = record.iter().take(filled).map(|cell| cell.trim().to_string()).collect();
        if row.iter().any(|cell| !cell.is_empty()) {
            table.rows.push((line, row));
        }
    }
    Ok(table)
}

/// The first value that is in quotes, runs over the end of its line, and whose quote is not closed where a value ends,
/// by its first and last line: it took the rows below for a part of itself.
fn swallowed(text: &str, delimiter: u8) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut line, mut begins) = (0, 1, true);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if begins && byte == b'"' {
            let opened = line;
            loop {
                match bytes.get(at) {
                    // Two quotes are one that is said.
                    Some(b'"') if bytes.get(at + 1) == Some(&b'"') => at += 1,
                    Some(b'"') | None => break,
                    Some(b'\n') => line += 1,
                    Some(_) => {}
                }
                at += 1;
            }
            let is_closed = bytes.get(at).is_some()
                && bytes
                    .get(at + 1)
                    .is_none_or(|next| [delimiter, b'\n', b'\r'].contains(next));
            if line > opened && !is_closed {
                return Some((opened, line));
            }
            at += 1;
            begins = false;
            continue;
        }
        line += usize::from(byte == b'\n');
        begins = byte == delimiter || byte == b'\n' || byte == b'\r';
    }
    None
}

/// What a first line such as `sep=;` says that parts the values.
fn stated_delimiter(line: &str) -> Option<u8> {
    let line = line.trim_end_matches('\r').trim_matches('"');
    let stated = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep="))?;
    match &line.as_bytes()[stated.len()..] {
        &[byte] if !byte.is_ascii_alphanumeric() => Some(byte),
        _ => None,
    }
}

/// What parts the values: the one of `,`, `;`, tab and `|` that stands most often outside quotes in the first lines.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0usize), (b'\t', 0), (b';', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text.bytes().take(1 << 14) {
        if byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some((_, count)) = counts.iter_mut().find(|(mark, _)| *mark == byte) {
            *count += 1;
        }
    }
    // The first of equals is the comma.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| count)
        .map_or(b',', |&(mark, _)| mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_swallows_rows_is_named() {
        let check =
            |text: &str, expected: Option<(usize, usize)>| assert_eq!(swallowed(text, b','), expected, "{text}");
        check("甲,\"乙\n丙\",丁\n", None);
        check("甲,\"乙\n\"\"丙\"\"\n\"\n丁,\"戊\"", None);
        check("甲,乙\"丙\n丁,戊\"\n", None);
        check("甲,\"乙\n", Some((1, 2)));
        check("甲,\"乙", None);
        check("险种,说明\n护理,\"按月\n意外,\"按次\"\n医疗,按年\n", Some((2, 3)));
        check("\"\"\"\n", Some((1, 2)));
        let table = read_csv("sep=,\n险种,说明\n护理,\"按月\n意外,按次\n").unwrap();
        let (line, said) = table.noticed.clone().unwrap();
        assert!(line == 3 && said.contains("down to 5"), "{line}: {said}");
        assert_eq!(table.rows.len(), 2);
    }
}
