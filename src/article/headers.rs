//! Which rows of a table are no rows of it: lines above its header, the header, notes; and whether it is a form.
//!
//! Judges the cells by their shape; what a row says is for `table`.

use crate::text::find_date;

use super::fields;

/// How long a cell is at least that spans a row, in characters: shorter ones may be the same by chance.
const MIN_SPAN: usize = 4;

/// The cells of a row that are not empty.
pub(super) fn filled(row: &[String]) -> impl Iterator<Item = &String> + Clone {
    row.iter().filter(|cell| !cell.is_empty())
}

/// Whether one cell fills a row of several, as merged cells do.
pub(super) fn spans(row: &[String]) -> bool {
    let mut cells = filled(row);
    let first = cells.next().filter(|first| first.chars().count() >= MIN_SPAN);
    first.is_some_and(|first| cells.clone().count() > 0 && cells.all(|cell| cell == first))
}

/// The cell of a row that has no other.
pub(super) fn only_cell(row: &[String]) -> Option<&String> {
    let mut cells = filled(row);
    cells.next().filter(|_| cells.next().is_none())
}

/// Whether the rows are those of a form: names of what an office says of one thing (`办理条件`), each with its value beside it,
/// and no columns with a header of their own.
pub(super) fn is_form(rows: &[(usize, Vec<String>)]) -> bool {
    let ending = |(_, row): &(usize, Vec<String>)| match row.as_slice() {
        [name, value] if !value.is_empty() => fields::form_ending(name),
        _ => None,
    };
    let Some((_, first)) = rows.first().filter(|first| ending(first).is_some()) else {
        return false;
    };
    let is_header = first
        .iter()
        .skip(1)
        .any(|name| fields::is_known(name) || fields::form_ending(name).is_some());
    let endings: Vec<&str> = rows.iter().filter_map(ending).collect();
    let mut kinds = endings.clone();
    kinds.sort_unstable();
    kinds.dedup();
    !is_header && kinds.len() > 2 && 2 * endings.len() >= rows.len() && rows.iter().all(|(_, row)| row.len() <= 2)
}

/// Whether the first row joins columns by the same name for several, and the second names each, as numbers below show.
pub(super) fn joins_columns(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), (_, third), ..] = rows else {
        return false;
    };
    let joins = first.windows(2).any(|pair| !pair[0].is_empty() && pair[0] == pair[1]);
    let has_numerals = |cell: &String| cell.chars().any(is_numeral);
    let is_name = |cell: &String| !cell.is_empty() && !has_numerals(cell) && !cell.contains('。');
    let distinct = second.windows(2).all(|pair| pair[0] != pair[1]);
    let is_known = fields::has_text(first.iter().map(String::as_str));
    joins
        && distinct
        && !is_known
        && second.len() == first.len()
        && second.iter().all(is_name)
        && third.iter().any(has_numerals)
}

/// Whether a row at the top of a table stands above its header: one cell, the table's name or its unit, or a few of which each
/// says what it is (`制表单位：某局`). `wide`: how many cells the widest row has.
pub(super) fn is_above(row: &[String], wide: usize) -> bool {
    let says_what = |cell: &str| {
        let said = cell.split_once(['：', ':']);
        said.is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty())
    };
    let several = filled(row).count();
    several == 1
        || (several < wide
            && filled(row).any(|cell| says_what(cell))
            && filled(row).all(|cell| says_what(cell) || find_date(cell).is_some()))
}

/// Whether a row below the header is a note on the table and no row of it: one cell that is none of a column's.
pub(super) fn is_note(row: &[String], wide: usize) -> bool {
    let Some(cell) = only_cell(row) else {
        return false;
    };
    wide > 2
        && (cell.contains('。')
            || ["注：", "注:", "备注", "说明：", "说明:"]
                .iter()
                .any(|mark| cell.starts_with(mark)))
}

/// Whether the first of some rows names the columns. It does not if it is a row as the next one is: sentences stand in
/// the same column, or the same words with other numbers.
pub(super) fn has_header(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), ..] = rows else {
        return true;
    };
    if fields::has_text(first.iter().map(String::as_str)) {
        return true;
    }
    let alike = |one: &str, other: &str| {
        let words = |text: &str| text.chars().filter(|&c| !is_numeral(c)).collect::<String>();
        let (kept, length) = (words(one), one.chars().count());
        !kept.is_empty() && kept.chars().count() < length && kept == words(other)
    };
    let sentence = |text: &str| text.contains('。');
    !first
        .iter()
        .zip(second)
        .any(|(one, other)| (sentence(one) && sentence(other)) || alike(one, other))
}

fn is_numeral(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',') || "〇零一二三四五六七八九十百千万".contains(c)
}
