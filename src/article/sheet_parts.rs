//! The tables of one sheet: several may stand side by side, or one below another with a header of its own.
//!
//! Only cuts, so that each part is read by its own header; no cell is changed or left out. What a part says is for
//! `table`.

use super::cells::Table;
use super::fields;
use super::headers::{filled, is_above, is_note, only_cell};

/// How long the name of a column is at most, in characters, that begins another table.
const MAX_NAME: usize = 12;
/// In how many of the first rows a header is looked for that repeats itself.
const TOP: usize = 3;

/// In how many of its first rows a table's own header is looked for when it stands there again.
const HEAD_ROWS: usize = 20;

type Row = (usize, Vec<String>);

/// The tables of a sheet from left to right and from top to bottom, each behind what tells its rows' ids apart from
/// those of the tables beside it.
pub(super) fn parts(table: Table) -> Vec<(String, Table)> {
    let header_rows = table.header_rows;
    let blocks = side_by_side(table.rows);
    let is_cut = blocks.len() > 1;
    let mut found = Vec::new();
    for (number, block) in blocks.into_iter().enumerate() {
        let beside = if number > 0 {
            format!("-{}", number + 1)
        } else {
            String::new()
        };
        for (at, rows) in one_below_another(block).into_iter().enumerate() {
            let part = Table {
                name: table.name.clone(),
                key: table.key.clone(),
                book: table.book.clone(),
                rows,
                // What was told of the whole sheet's header is true of its first table.
                header_rows: if is_cut || at > 0 { 0 } else { header_rows },
                noticed: None,
                by_commas: table.by_commas,
            };
            found.push((beside.clone(), part));
        }
    }
    found
}

/// The rows of each block, where a header repeats itself to the right: `年龄 保费 年龄 保费`, perhaps with an empty column
/// between.
fn side_by_side(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let header = rows.iter().take(TOP).enumerate();
    let Some((top, wide)) = header
        .filter_map(|(at, (_, row))| Some((at, period(row)?)))
        .find(|&(at, wide)| rows.get(at + 1).is_some_and(|(_, next)| period(next) != Some(wide)))
    else {
        return apart(rows);
    };
    let blocks = rows[top].1.len().div_ceil(wide);
    let mut parts: Vec<Vec<Row>> = vec![Vec::new(); blocks];
    for (at, (line, mut row)) in rows.into_iter().enumerate() {
        // What stands above all blocks is said of each.
        let is_of_all = at < top && only_cell(&row).is_some() && row.len() <= wide;
        for (number, part) in parts.iter_mut().enumerate() {
            let is_last = number + 1 == blocks;
            let cells = if is_of_all {
                row.clone()
            } else if is_last {
                std::mem::take(&mut row)
            } else {
                let behind = row.split_off(wide.min(row.len()));
                std::mem::replace(&mut row, behind)
            };
            if cells.iter().any(|cell| !cell.is_empty()) {
                part.push((line, cells));
            }
        }
    }
    parts
}

/// The rows of each block, where a column that is empty in all rows parts tables of other names: each has a header of
/// several names and below it, in its first column, words that tell its rows apart.
fn apart(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let wide = rows.iter().map(|(_, row)| row.len()).max().unwrap_or(0);
    let says = |row: &[String], at: usize| row.get(at).is_some_and(|cell| !cell.is_empty());
    let is_used: Vec<bool> = (0..wide).map(|at| rows.iter().any(|(_, row)| says(row, at))).collect();
    let mut blocks: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..wide).filter(|&at| is_used[at]) {
        match blocks.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => blocks.push(at..at + 1),
        }
    }
    let cells = |row: &[String], block: &std::ops::Range<usize>| {
        row.iter()
            .take(block.end)
            .skip(block.start)
            .cloned()
            .collect::<Vec<String>>()
    };
    let is_table = |block: &std::ops::Range<usize>| {
        let below = rows.iter().map(|(_, row)| cells(row, block));
        let mut below = below.skip_while(|row| filled(row).count() < 2);
        let is_header = below
            .next()
            .is_some_and(|header| filled(&header).count() > 1 && filled(&header).all(is_name));
        let mut keys: Vec<String> = below
            .filter(|row| filled(row).count() > 1)
            .filter_map(|row| row.into_iter().next())
            .collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        is_header && count > 0 && keys.len() == count && keys.iter().all(|key| key.contains(char::is_alphabetic))
    };
    if blocks.len() < 2 || !blocks.iter().all(is_table) {
        return vec![rows];
    }
    let mut parts: Vec<Vec<Row>> = vec![Vec::new(); blocks.len()];
    for (line, row) in &rows {
        // What stands above all blocks is said of each.
        let above = only_cell(row).filter(|_| {
            parts
                .iter()
                .all(|part| part.iter().all(|(_, row)| filled(row).count() < 2))
        });
        let is_of_all = above.is_some() && says(row, 0);
        for (part, block) in parts.iter_mut().zip(&blocks) {
            let cells = if is_of_all { row.clone() } else { cells(row, block) };
            if cells.iter().any(|cell| !cell.is_empty()) {
                part.push((*line, cells));
            }
        }
    }
    parts
}

/// After how many columns a row says the same again, to its end: at least two different names.
fn period(row: &[String]) -> Option<usize> {
    let says_again = |wide: &usize| (0..row.len() - wide).all(|at| row[at] == row[at + wide]);
    let is_named = |wide: &usize| {
        let mut names: Vec<&String> = filled(&row[..*wide]).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        count > 1 && names.len() == count && row.len() + 1 >= 2 * wide
    };
    // The column between two blocks is empty and not behind the last.
    let is_whole = |wide: &usize| {
        row.len().is_multiple_of(*wide) || ((row.len() + 1).is_multiple_of(*wide) && row[wide - 1].is_empty())
    };
    (2..row.len()).find(|wide| says_again(wide) && is_named(wide) && is_whole(wide))
}

/// The rows of each table, where another header stands below a gap or a heading.
fn one_below_another(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut parts: Vec<Vec<Row>> = vec![Vec::new()];
    let mut starts = Vec::new();
    let mut begin = 0;
    let wide = rows.iter().map(|(_, row)| filled(row).count()).max().unwrap_or(0);
    for at in 2..rows.len().saturating_sub(1) {
        let (line, row) = &rows[at];
        let (before_line, before) = &rows[at - 1];
        let is_headed = only_cell(before).is_some() && !is_note(before, row.len());
        let is_apart = is_headed || *line > before_line + 1;
        let is_again = || rows[begin..at].iter().take(HEAD_ROWS).any(|(_, head)| head == row);
        let has_rows = filled(&rows[at + 1].1).count() > 1 && !names_columns(&rows[at + 1].1);
        // What stands above is a table already: a header and a row below it.
        let is_table = || {
            rows[begin..at]
                .iter()
                .filter(|(_, row)| !is_above(row, wide))
                .nth(1)
                .is_some()
        };
        let is_header = names_columns(row) || (*line > before_line + 1 || is_headed) && contrasts(row, &rows[at + 1].1);
        if is_apart && has_rows && is_header && !is_again() && is_table() {
            begin = at - usize::from(is_headed);
            starts.push(begin);
        }
    }
    let mut starts = starts.into_iter().peekable();
    for (at, row) in rows.into_iter().enumerate() {
        if starts.next_if_eq(&at).is_some() {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(row);
        }
    }
    parts
}

/// Whether a row is one of names only, and the row below it one of names and numbers.
fn contrasts(row: &[String], below: &[String]) -> bool {
    let has_digits = |cell: &String| cell.contains(|c: char| c.is_ascii_digit());
    let count = filled(row).count();
    count > 1 && filled(below).count() == count && filled(row).all(is_name) && filled(below).any(has_digits)
}

/// Whether a cell is short words as columns are called.
#[expect(clippy::ptr_arg, reason = "cells are compared as they lie in rows")]
fn is_name(cell: &String) -> bool {
    cell.chars().count() <= MAX_NAME
        && !cell.contains(|c: char| c.is_ascii_digit() || matches!(c, '。' | '，' | '；' | '：' | ':'))
}

/// Whether a row names columns: short words, most of them such as columns and forms are called.
fn names_columns(row: &[String]) -> bool {
    let is_known = |cell: &&String| fields::is_known(cell) || fields::form_ending(cell).is_some();
    let count = filled(row).count();
    count > 1 && filled(row).all(is_name) && 2 * filled(row).filter(is_known).count() >= count
}

#[cfg(test)]
mod tests {
    use super::super::delimited::read_csv;
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = parts(read_csv(text).unwrap())
            .into_iter()
            .map(|(beside, part)| {
                let rows: Vec<String> = part
                    .rows
                    .iter()
                    .map(|(line, row)| format!("{line}:{}", row.join(",")))
                    .collect();
                format!("{beside}|{}", rows.join("|"))
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn tables_side_by_side_are_cut_where_their_header_repeats_itself() {
        check(
            "男,,,,女,,\n年龄,十万,二十万,,年龄,十万,二十万\n20岁,8,16,,20岁,7,14\n说明：标准体。\n",
            &[
                "|1:男,,,|2:年龄,十万,二十万,|3:20岁,8,16,|4:说明：标准体。",
                "-2|1:女|2:年龄,十万,二十万|3:20岁,7,14",
            ],
        );
        check(
            "费率表\n年龄,保费,年龄,保费\n20岁,8,21岁,9\n",
            &["|1:费率表|2:年龄,保费|3:20岁,8", "-2|1:费率表|2:年龄,保费|3:21岁,9"],
        );
        // Columns of one name, rows of the same values.
        check("险种,备注,备注\n护理,甲,乙\n", &["|1:险种,备注,备注|2:护理,甲,乙"]);
        check(
            "项目,甲,乙,丙\n护理,是,护理,是\n意外,是,意外,是\n",
            &["|1:项目,甲,乙,丙|2:护理,是,护理,是|3:意外,是,意外,是"],
        );
    }

    #[test]
    fn an_empty_column_parts_tables_of_other_names() {
        check(
            "险种,费率,,问题,答案\n养老,16%,,断缴怎么办,补缴。\n医疗,8%\n",
            &[
                "|1:险种,费率|2:养老,16%|3:医疗,8%",
                "-2|1:问题,答案|2:断缴怎么办,补缴。",
            ],
        );
        // A column that is empty among those of one table.
        let one = "险种,费率,,单位,个人\n养老,24%,,16%,8%\n";
        check(one, &["|1:险种,费率,,单位,个人|2:养老,24%,,16%,8%"]);
    }

    #[test]
    fn a_table_below_another_has_its_own_header() {
        check(
            "问题,答案\n免赔额多少,一万元。\n\n药店名称,地址\n康民药房,文昌路8号\n",
            &[
                "|1:问题,答案|2:免赔额多少,一万元。",
                "|4:药店名称,地址|5:康民药房,文昌路8号",
            ],
        );
        check(
            "一、现行\n文件名称,施行日期\n细则,2023\n二、废止\n文件名称,废止原因\n办法,不一致\n",
            &[
                "|1:一、现行|2:文件名称,施行日期|3:细则,2023",
                "|4:二、废止|5:文件名称,废止原因|6:办法,不一致",
            ],
        );
        // A header of names that nobody knows, above numbers.
        check(
            "险种,费率\n养老,16%\n\n年限,月数\n十年以上,24个月\n",
            &["|1:险种,费率|2:养老,16%", "|4:年限,月数|5:十年以上,24个月"],
        );
        // Rows behind a gap, and the same header once more.
        let rows = "机构,等级\n一院,三级\n\n二院,二级\n三院,一级\n";
        check(rows, &["|1:机构,等级|2:一院,三级|4:二院,二级|5:三院,一级"]);
        // Lines above the one header.
        let titled = "定点名单\n更新至三月\n机构名称,地址\n一院,中心路\n";
        check(titled, &["|1:定点名单|2:更新至三月|3:机构名称,地址|4:一院,中心路"]);
        let again = "名称,地址\n一院,中心路\n\n名称,地址\n二院,东路\n";
        check(again, &["|1:名称,地址|2:一院,中心路|4:名称,地址|5:二院,东路"]);
    }
}
