//! Which rows of a table are no rows of it: lines above its header, the header, notes, totals; what the columns are
//! called; and whether it is a form.
//!
//! Judges the cells by their shape; what a row says is for `table`.

use crate::text::find_date;

use super::fields;

/// How long a cell is at least that spans a row, in characters: shorter ones may be the same by chance.
const MIN_SPAN: usize = 4;
/// The longest name below another in a header, in characters.
const MAX_NAME: usize = 12;
/// The longest title in a table whose columns have no names, in characters.
const MAX_TITLE: usize = 60;

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

/// The names and values of a form, where the rows are those of one: names of what an office says of one thing (`办理条件`),
/// each with its value beside it, one or several in a row, and no columns with a header of their own. A row of one cell
/// says that alone.
pub(super) fn form<'a>(rows: impl Iterator<Item = &'a [String]>) -> Option<Vec<Vec<&'a String>>> {
    let rows: Vec<Vec<&String>> = rows.map(unmerged).collect();
    let is_named = |pair: &[&String]| pair.len() == 2 && fields::form_ending(pair[0]).is_some();
    let is_paired = rows.iter().all(|row| row.len() % 2 == 0 || row.len() == 1);
    let first = rows.iter().find(|row| row.len() > 1).filter(|_| is_paired)?;
    let is_header = first
        .iter()
        .skip(1)
        .step_by(2)
        .any(|value| fields::is_known(value) || fields::form_ending(value).is_some());
    if is_header || !is_named(&first[..2]) {
        return None;
    }
    let pairs = || rows.iter().flat_map(|row| row.chunks(2)).filter(|pair| pair.len() == 2);
    let mut kinds: Vec<&str> = pairs().filter_map(|pair| fields::form_ending(pair[0])).collect();
    let named = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    // A header of many columns has such names, too, but the rows below it have none.
    let is_wide = rows.iter().any(|row| row.len() > 2);
    let wide = rows.iter().filter(|row| row.len() > 1);
    let of_form = wide.clone().filter(|row| row.chunks(2).any(is_named)).count();
    let is_form = kinds.len() > 2 && 2 * named >= pairs().count() && (!is_wide || 3 * of_form >= 2 * wide.count());
    is_form.then(|| rows.iter().flat_map(|row| named_values(row)).collect())
}

/// The cells of a form's row as names with their values; a name whose value is empty, so that another name is next,
/// stands alone.
fn named_values<'a>(row: &[&'a String]) -> Vec<Vec<&'a String>> {
    let is_name = |cell: &String| fields::form_ending(cell).is_some();
    let mut found = Vec::new();
    let mut rest = row;
    while let [first, behind @ ..] = rest {
        match behind {
            [value, behind @ ..] if !(is_name(first) && is_name(value)) => {
                found.push(vec![*first, *value]);
                rest = behind;
            }
            _ => {
                found.push(vec![*first]);
                rest = behind;
            }
        }
    }
    found
}

/// What a form is about, by the first of its names that says so: `事项名称`.
pub(super) fn form_title<'a>(form: &[Vec<&'a String>]) -> Option<&'a String> {
    let names_it = |pair: &&Vec<&String>| pair.len() == 2 && fields::form_ending(pair[0]) == Some("名称");
    form.iter().find(names_it).map(|pair| pair[1])
}

/// The cells of a row that hold something, one for those that a merged cell fills.
fn unmerged(row: &[String]) -> Vec<&String> {
    let mut cells: Vec<&String> = filled(row).collect();
    cells.dedup();
    cells
}

/// How many rows name the columns: two where the first joins columns by the same name for several, or by one that
/// stands over several, and the second names each.
pub(super) fn header_rows(rows: &[(usize, Vec<String>)]) -> usize {
    if !has_header(rows) {
        0
    } else if joins_columns(rows) || stands_over_columns(rows) {
        2
    } else {
        1
    }
}

/// Whether the first row joins columns by the same name for several, and the second names each, as numbers below show
/// or the names that stand in both rows, for columns that are not joined.
fn joins_columns(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), (_, third), ..] = rows else {
        return false;
    };
    let joins = first.windows(2).any(|pair| !pair[0].is_empty() && pair[0] == pair[1]);
    let has_numerals = |cell: &String| cell.chars().any(is_in_number);
    let is_name = |cell: &String| !cell.is_empty() && !has_numerals(cell) && !cell.contains('。');
    let distinct = second.windows(2).all(|pair| pair[0] != pair[1]);
    let goes_down = first
        .iter()
        .zip(second)
        .any(|(above, below)| !above.is_empty() && above == below);
    let is_known = fields::has_text(first.iter().map(String::as_str));
    joins
        && distinct
        && !is_known
        && second.len() == first.len()
        && (goes_down || (second.iter().all(is_name) && third.iter().any(has_numerals)))
}

/// Whether names in the first row stand over several columns that are empty there, and the second row names each of
/// these and nothing else.
fn stands_over_columns(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), (_, third), ..] = rows else {
        return false;
    };
    let says = |row: &[String], at: usize| row.get(at).is_some_and(|cell| !cell.is_empty());
    let wide = first.len().max(second.len());
    let stands_over = |at: usize| says(first, at) && at + 1 < wide && !says(first, at + 1);
    let fits = |at: usize| match (says(first, at), says(second, at)) {
        (true, is_named) => is_named == stands_over(at),
        (false, is_named) => is_named,
    };
    let is_name = |cell: &String| cell.chars().count() <= MAX_NAME && !cell.contains('。');
    says(first, 0)
        && !says(second, 0)
        && (0..wide).any(stands_over)
        && (0..wide).all(fits)
        && filled(second).all(is_name)
        && says(third, 0)
        && !fields::has_text(first.iter().map(String::as_str))
}

/// The names of the columns from the rows of a header, those above before those below.
pub(super) fn names(heads: &[(usize, Vec<String>)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let wide = heads.iter().map(|(_, row)| row.len()).max().unwrap_or(0);
    names.resize(wide, String::new());
    for (nth, (_, row)) in heads.iter().enumerate() {
        let mut over = "";
        for (at, name) in names.iter_mut().enumerate() {
            let cell = row.get(at).map_or("", String::as_str);
            over = if cell.is_empty() { over } else { cell };
            // A name stands over the columns to its right that are named below it.
            let is_under = |(_, row): &(usize, Vec<String>)| row.get(at).is_some_and(|cell| !cell.is_empty());
            let cell = if cell.is_empty() && heads[nth + 1..].iter().any(is_under) {
                over
            } else {
                cell
            };
            if !cell.is_empty() && name != cell {
                *name = if name.is_empty() {
                    cell.to_string()
                } else {
                    format!("{name}/{cell}")
                };
            }
        }
    }
    names
}

/// Names for the columns of rows that no row names, by what stands in them: short titles beside texts of sentences, and
/// numbers and addresses. Nothing where they are not all of these.
pub(super) fn names_by_shape(rows: &[(usize, Vec<String>)]) -> Option<Vec<String>> {
    let wide = rows.first()?.1.len();
    if rows.len() < 2 || rows.iter().any(|(_, row)| row.len() != wide) {
        return None;
    }
    let all = |at: usize, is: fn(&str) -> bool| rows.iter().all(|(_, row)| is(&row[at]));
    let name = |at: usize| {
        if all(at, |cell| cell.starts_with("http://") || cell.starts_with("https://")) {
            Some("url")
        } else if all(at, |cell| {
            !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
        }) {
            Some("no")
        } else if all(at, |cell| cell.contains(['。', '；'])) {
            Some("text")
        } else if all(at, |cell| !cell.is_empty() && cell.chars().count() <= MAX_TITLE) {
            Some("title")
        } else {
            None
        }
    };
    let names: Vec<String> = (0..wide).filter_map(name).map(String::from).collect();
    let count = |name: &str| names.iter().filter(|other| *other == name).count();
    (names.len() == wide && count("title") == 1 && count("text") == 1).then_some(names)
}

/// Whether a row at the top of a table stands above its header: one cell, the table's name or its unit, or a few of
/// which each says what it is (`制表单位：某局`). `wide`: how many cells the widest row has.
pub(super) fn is_above(row: &[String], wide: usize) -> bool {
    filled(row).count() == 1 || is_signature(row, wide)
}

/// Whether a row beside a table's says when and by whom it was made: a few cells, of which each says what it is.
pub(super) fn is_signature(row: &[String], wide: usize) -> bool {
    let says_what = |cell: &str| {
        let said = cell.split_once(['：', ':']);
        said.is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty())
    };
    filled(row).count() < wide
        && filled(row).any(|cell| says_what(cell))
        && filled(row).all(|cell| says_what(cell) || find_date(cell).is_some())
}

/// Whether a cell says that its row sums up others: 合计, also as 合 计.
pub(super) fn is_sum(cell: &str) -> bool {
    let cell: String = cell.chars().filter(|c| !c.is_whitespace()).collect();
    ["合计", "总计", "共计", "小计", "总数"].contains(&cell.as_str())
}

/// Whether a row only sums up those above it: a word for that, and else numbers.
pub(super) fn is_total(row: &[String]) -> bool {
    let mut cells = filled(row);
    cells.next().is_some_and(|cell| is_sum(cell))
        && cells.all(|cell| {
            cell.chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '%' | ' '))
        })
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
fn has_header(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), ..] = rows else {
        return true;
    };
    if fields::has_text(first.iter().map(String::as_str)) {
        return true;
    }
    let alike = |one: &str, other: &str| {
        let words = |text: &str| text.chars().filter(|&c| !is_in_number(c)).collect::<String>();
        let (kept, length) = (words(one), one.chars().count());
        !kept.is_empty() && kept.chars().count() < length && kept == words(other)
    };
    let sentence = |text: &str| text.contains('。');
    !first
        .iter()
        .zip(second)
        .any(|(one, other)| (sentence(one) && sentence(other)) || alike(one, other))
}

/// Whether a character may stand in a number as cells hold them: with points and commas, in the numerals of lists.
fn is_in_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',') || "〇零一二三四五六七八九十百千万".contains(c)
}
