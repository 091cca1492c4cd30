//! Rows of a table to records: a row is a record by the table's header, or says of each cell what its column is.
//!
//! Owns where the header is and what a row says; CSV is read here, workbooks elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lines::{append, begins, is_open, only_follows, unwrapped};
use super::record::{self, Record, read_record};
use super::repeated;

/// The rows of one table, each with the line or row that it stands on, from 1.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// What the table is called where it has a name of its own: a sheet's name, a line above the header.
    pub name: String,
    /// Rows with their cells; empty cells are empty.
    pub rows: Vec<(usize, Vec<String>)>,
    /// How many rows the header takes, where the table itself tells; 0 for as many as it looks like.
    pub header_rows: usize,
    /// A place where it is not written as tables are: the line, and what is wrong.
    #[serde(default)]
    pub noticed: Option<(usize, String)>,
}

/// Most cells that are read of one file.
pub(super) const MAX_CELLS: usize = 4_000_000;
/// Most columns of a row.
pub(super) const MAX_COLUMNS: usize = 1_000;

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
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut table = Table {
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
        let line = record.position().map_or(0, |position| position.line() as usize) + above;
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

/// The first value that is in quotes, runs over the end of its line, and whose quote is not closed where a value ends, by
/// its first and last line: it took the rows below for a part of itself.
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

/// What parts the values: the one of `,`, `;`, tab and `，` that stands most often outside quotes in the first lines.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0usize), (b'\t', 0), (b';', 0)];
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

/// What the rows of a table gave.
pub(super) struct Rows {
    /// Each with its line.
    pub records: Vec<(Option<usize>, Result<Record, String>)>,
    /// The header, as a line of text; with known names of columns, or without rows that use them, it is in no record.
    pub header: String,
}

/// The rows below the header as records, by known names of columns, else as text that says what each cell is. `id` is
/// what the rows' ids begin with where they bring none, `name` what the file is called.
pub(super) fn records(table: Table, id: &str, name: &str) -> Rows {
    let wide = table
        .rows
        .iter()
        .map(|(_, row)| row.iter().filter(|cell| !cell.is_empty()).count())
        .max()
        .unwrap_or(0);
    // Lines above the header hold one cell: the table's name, its unit.
    let mut above = Vec::new();
    let mut rows = table.rows.into_iter().peekable();
    while wide > 1
        && let Some((_, row)) = rows.next_if(|(_, row)| row.iter().filter(|cell| !cell.is_empty()).count() == 1)
    {
        above.extend(row.into_iter().filter(|cell| !cell.is_empty()));
    }
    let mut header: Vec<String> = Vec::new();
    let mut rows = rows.collect::<Vec<_>>();
    let named_columns = table.header_rows > 1 || has_header(&rows);
    let below = rows.split_off(if named_columns {
        table.header_rows.max(1).min(rows.len())
    } else {
        0
    });
    for (_, row) in rows {
        header.resize(header.len().max(row.len()), String::new());
        for (name, cell) in header.iter_mut().zip(row) {
            if !cell.is_empty() && *name != cell {
                *name = if name.is_empty() {
                    cell
                } else {
                    format!("{name}/{cell}")
                };
            }
        }
    }
    let known = record::has_text(header.iter().map(String::as_str));
    let title = [table.name.as_str(), above.first().map_or("", String::as_str)]
        .into_iter()
        .rev()
        .find(|title| !title.is_empty())
        .unwrap_or(name)
        .to_string();
    let above_all = above.join(" | ");
    let lead: Vec<String> = above.into_iter().skip(1).collect();
    let mut found: Vec<_> = below
        .into_iter()
        .map(|(line, row)| {
            let own = format!("{id}-{line}");
            let record = if known {
                named(&header, row, own)
            } else {
                told(&header, row, own, &title, &lead)
            };
            (Some(line), record)
        })
        .collect();
    if found.is_empty() && !header.is_empty() {
        // A header alone is all that there is.
        found.push((Some(1), told(&[], header.clone(), format!("{id}-1"), &title, &lead)));
    }
    header.extend([table.name, above_all]);
    header.retain(|name| !name.is_empty());
    Rows {
        records: found,
        header: header.join(" | "),
    }
}

/// Whether the first of some rows names the columns. It does not if it is a row as the next one is: sentences stand in
/// the same column, or the same words with other numbers.
fn has_header(rows: &[(usize, Vec<String>)]) -> bool {
    let [(_, first), (_, second), ..] = rows else {
        return true;
    };
    if record::has_text(first.iter().map(String::as_str)) {
        return true;
    }
    let alike = |one: &str, other: &str| {
        let words = |text: &str| text.chars().filter(|&c| !is_numeral(c)).collect::<String>();
        let (kept, length) = (words(one), one.chars().count());
        kept.chars().count() >= 2 && kept.chars().count() < length && kept == words(other)
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

/// A row whose columns have the names of a record's fields.
fn named(header: &[String], row: Vec<String>, id: String) -> Result<Record, String> {
    let mut fields = Map::new();
    for (at, cell) in row.into_iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let name = header.get(at).map(|name| name.trim()).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("列{}", at + 1), str::to_string);
        repeated::add(&mut fields, name, Value::String(cell), at + 1);
    }
    read_record(Value::Object(fields), Some(id))
}

/// A row as text: `column：value`, one a line.
fn told(header: &[String], row: Vec<String>, id: String, title: &str, lead: &[String]) -> Result<Record, String> {
    let mut lines: Vec<String> = lead.to_vec();
    for (at, cell) in row.into_iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let cell = on_one_line(&cell);
        match header.get(at).filter(|name| !name.is_empty()) {
            Some(name) => lines.push(format!("{name}：{cell}")),
            None => lines.push(cell),
        }
    }
    let mut fields = Map::new();
    fields.insert("title".into(), Value::String(title.to_string()));
    // Lines that would be taken for one sentence that a program broke are set apart.
    let text = lines.join("\n");
    let text = if unwrapped(&text).is_some() {
        lines.join("\n\n")
    } else {
        text
    };
    fields.insert("text".into(), Value::String(text));
    read_record(Value::Object(fields), Some(id))
}

/// A cell's lines, with those joined that were broken inside sentences.
fn on_one_line(cell: &str) -> String {
    let mut lines = cell.lines();
    let mut text = lines.next().unwrap_or("").to_string();
    for line in lines {
        if is_open(text.lines().next_back().unwrap_or("")) && !begins(line) || only_follows(line) {
            append(&mut text, line);
        } else {
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        records(read_csv(text).unwrap(), "f", "文件")
            .records
            .into_iter()
            .map(|(_, record)| record.unwrap().article)
            .map(|article| (article.id, article.title, article.text))
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let found = read(text);
        let found: Vec<_> = found
            .iter()
            .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn rows_are_records_by_their_header() {
        check(
            "id,标题,正文,地区\r\n7,断缴,\"三个月内补缴,\n逾期重算。\",杭州\r\n,复审,两年一次。,\r\n",
            &[
                ("7", "断缴", "三个月内补缴,\n逾期重算。"),
                ("f-3", "复审", "两年一次。"),
            ],
        );
        let table = read_csv("question;answer;地区;备注\n几个月?;三个月。;杭州;旧").unwrap();
        let article = records(table, "f", "").records.remove(0).1.unwrap().article;
        assert_eq!(
            (article.title.as_str(), article.regions),
            ("几个月?", vec!["杭州".to_string()])
        );
        assert_eq!(article.attributes["备注"], "旧");
    }

    #[test]
    fn rows_without_known_names_say_what_their_cells_are() {
        check(
            "项目\t编码\t限价\n项目一\t250\t13元\n项目二\t\t20元\t多\n",
            &[
                ("f-2", "文件", "项目：项目一\n编码：250\n限价：13元"),
                ("f-3", "文件", "项目：项目二\n限价：20元\n多"),
            ],
        );
        // A name and a unit above the header.
        check(
            "诊疗项目表,,\n单位：元,,\n项目,限价,说明\n项目一,13,门诊\n",
            &[("f-4", "诊疗项目表", "单位：元\n项目：项目一\n限价：13\n说明：门诊")],
        );
        check("只有一列\n甲\n", &[("f-2", "文件", "只有一列：甲")]);
        check("只有一格\n", &[("f-1", "文件", "只有一格")]);
    }

    #[test]
    fn a_first_row_like_the_others_names_no_columns() {
        check(
            "三档护理每月给付九百元,由机构评定\n四档护理每月给付八百元,由机构评定\n",
            &[
                ("f-1", "文件", "三档护理每月给付九百元\n由机构评定"),
                ("f-2", "文件", "四档护理每月给付八百元\n由机构评定"),
            ],
        );
        check(
            "等待期内不赔。\n等待期后全赔。\n",
            &[("f-1", "文件", "等待期内不赔。"), ("f-2", "文件", "等待期后全赔。")],
        );
        // Names of columns with numbers, years, or questions.
        check(
            "险种,2023,2024年,是否续保？\n护理,30,40,是\n",
            &[("f-2", "文件", "险种：护理\n2023：30\n2024年：40\n是否续保？：是")],
        );
    }

    #[test]
    fn columns_of_one_name_are_all_kept() {
        let table = read_csv("标题,标题,正文,正文,备注,备注\n护理,长护,按月给付。,每两年评估。,甲,乙\n").unwrap();
        let article = records(table, "f", "").records.remove(0).1.unwrap().article;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("护理", "按月给付。\n每两年评估。")
        );
        let kept: Vec<(&str, &str)> = article
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(kept, [("备注", "甲"), ("备注 6", "乙"), ("标题 2", "长护")]);
    }

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

    #[test]
    fn rows_end_by_a_carriage_return_too() {
        check(
            "险种,比例\r护理,一成\r意外,两成\r",
            &[
                ("f-2", "文件", "险种：护理\n比例：一成"),
                ("f-3", "文件", "险种：意外\n比例：两成"),
            ],
        );
    }

    #[test]
    fn a_line_for_the_program_is_no_row() {
        check(
            "sep=;\n险种;比例\n护理;一成\n",
            &[("f-3", "文件", "险种：护理\n比例：一成")],
        );
        check(
            "SEP=\t\r\n险种\t比例,全\r\n护理\t一成\r\n",
            &[("f-3", "文件", "险种：护理\n比例,全：一成")],
        );
        check("sep=;,值\n甲,乙\n", &[("f-2", "文件", "sep=;：甲\n值：乙")]);
        let empty = ",".repeat(MAX_COLUMNS * 2);
        check(
            &format!("险种,比例{empty}\n护理,一成{empty}\n"),
            &[("f-2", "文件", "险种：护理\n比例：一成")],
        );
    }

    #[test]
    fn a_cell_of_broken_lines_does_not_run_into_its_neighbour() {
        check(
            "险种,范围\n长护,\"被评定为重度失能的参保人\n员，由长期护理保\n险基金支付。\"\n",
            &[(
                "f-2",
                "文件",
                "险种：长护\n范围：被评定为重度失能的参保人员，由长期护理保险基金支付。",
            )],
        );
        check(
            "险种,范围\n长护,\"一、居家。\n二、机构。\"\n",
            &[("f-2", "文件", "险种：长护\n范围：一、居家。\n二、机构。")],
        );
    }

    proptest! {
        #[test]
        fn no_cell_of_any_table_is_lost(text in "([甲乙丙0-9]{1,3}|,|\t|\n|;){0,60}") {
            let Ok(table) = read_csv(&text) else { return Ok(()) };
            let cells: Vec<String> = table.rows.iter().flat_map(|(_, row)| row.clone()).filter(|cell| !cell.is_empty()).collect();
            let rows = records(table, "f", "");
            let kept: String = rows.records.into_iter().map(|(_, record)| {
                let article = record.unwrap().article;
                format!("{}\n{}\n", article.title, article.text)
            }).chain([rows.header]).collect();
            for cell in cells {
                prop_assert!(kept.contains(&cell), "{text}: {cell} is not in {kept}");
            }
        }

        #[test]
        fn any_text_is_survived(text in "(id|text|正文|\"|,|\n|甲|年度){0,40}|\\PC{0,80}") {
            if let Ok(table) = read_csv(&text) {
                records(table, "f", "");
            }
        }
    }
}
