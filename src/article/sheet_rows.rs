//! What the rows of one part of a table say: each as a record by known names of columns, or as text that says what each
//! cell is. Which rows are the header, and what stands above it, is for `table` to say.

use serde_json::{Map, Value};

use crate::text::find_date;

use super::fields::{self, Role};
use super::headers::{is_note, is_signature, only_cell};
use super::lines::{append, begins, is_open, only_follows, unwrapped};
use super::record::{Record, read_record, read_row};
use super::refused::{Numbered, with_few_reasons};
use super::repeated;
use super::said::is_said;

/// How much of a column's name is told with each cell, in characters.
const MAX_NAME: usize = 200;

/// What all rows of a table share.
pub(super) struct Sheet<'a> {
    /// What the rows' ids begin with.
    pub id: &'a str,
    /// The names of the columns; none where no row names them.
    pub header: Vec<String>,
    pub title: String,
    /// What stands above the header besides the title, told with each row.
    pub lead: Vec<String>,
    /// The name of a sheet of several, which rows with titles of their own are told, too.
    pub of_sheet: Option<String>,
    /// See [`Table::by_commas`].
    pub by_commas: bool,
}

/// What the names of a table's columns are, looked up once.
struct Columns {
    /// Of each, whether a record's field has this name.
    is_known: Vec<bool>,
    /// Whether one is a title.
    is_titled: bool,
    /// The place of the last that is a text.
    text: Option<usize>,
}

impl Sheet<'_> {
    /// Whether a column has the name of a record's text.
    pub fn is_named(&self) -> bool {
        fields::has_text(self.header.iter().map(String::as_str))
    }

    /// The rows below the header, each told with the name of the part of the table that it stands in; the header once
    /// more is none of them.
    pub fn all_told(&self, heads: &[(usize, Vec<String>)], below: &[(usize, Vec<String>)]) -> Vec<Numbered> {
        let wide = self.header.len();
        let is_head = |row: &[String]| only_cell(row).is_none() && heads.iter().any(|(_, head)| head == row);
        let mut found = Vec::new();
        let (mut title, mut lead) = (self.title.clone(), self.lead.clone());
        let mut part: Option<String> = None;
        let mut rows = below.iter().filter(|(_, row)| !is_head(row)).peekable();
        let mut at = 0;
        while let Some((line, row)) = rows.next() {
            // Whether the header stands once more right below.
            at += below[at..].iter().take_while(|(other, _)| other < line).count();
            let is_again = below.get(at + 1).is_some_and(|(_, next)| is_head(next));
            let has_rows = rows.peek().is_some_and(|(_, row)| only_cell(row).is_none());
            match only_cell(row).filter(|_| has_rows && wide > 2 && !is_note(row, wide)) {
                Some(cell) if is_again || begins(cell) => match lead.last_mut() {
                    // The first part's name stood above the header.
                    Some(last) if is_again && part.is_none() && begins(last) => *last = cell.clone(),
                    None if is_again && part.is_none() => title = cell.clone(),
                    _ => part = Some(cell.clone()),
                },
                _ => {
                    let lines = lead.iter().chain(&part).cloned().chain(self.cells(row)).collect();
                    found.push((Some(*line), self.of_text(*line, &title, lines)));
                }
            }
        }
        found
    }

    /// The rows of a table of which a column has the name of a record's text.
    pub fn all_named(&self, below: &[&(usize, Vec<String>)]) -> Vec<Numbered> {
        // A question in somebody's own words is the title where another column answers it.
        let best = |role: Role| fields::best(self.header.iter().map(String::as_str), role);
        let answers = |asked: usize| {
            self.header
                .iter()
                .enumerate()
                .any(|(at, name)| at != asked && is_text(name))
        };
        let title = best(Role::Title).or_else(|| best(Role::Ask).filter(|&asked| answers(asked)));
        let is_known = |(at, name): (usize, &String)| fields::is_known(name) || title == Some(at) || is_text(name);
        let columns = Columns {
            is_known: self.header.iter().enumerate().map(is_known).collect(),
            is_titled: title.is_some(),
            text: self.header.iter().rposition(|name| is_text(name)),
        };
        let read = |(line, row): &&(usize, Vec<String>)| (Some(*line), self.named(&columns, *line, row));
        with_few_reasons(below.iter().map(read), "")
    }

    /// A row of which a column has the name of a record's text. The other columns are told, too, behind it, or before
    /// it where none is a title: then it is a row of a table all the same.
    fn named(&self, columns: &Columns, line: usize, row: &[String]) -> Result<Record, String> {
        let is_titled = columns.is_titled;
        let mut fields = Map::new();
        let mut told = if is_titled { Vec::new() } else { self.lead.clone() };
        if is_titled {
            told.extend(self.of_sheet.iter().map(|name| format!("工作表：{name}")));
        }
        let quoted = columns.text.filter(|_| self.by_commas);
        let quoted = quoted.and_then(|text| self.with_commas(row, text));
        let row = quoted.as_deref().unwrap_or(row);
        for (at, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let name = self.header.get(at).map_or("", |name| name.trim());
            if !columns.is_known.get(at).is_some_and(|is| *is) {
                let cell = on_one_line(cell);
                told.push(if name.is_empty() {
                    cell
                } else {
                    format!("{name}：{cell}")
                });
            }
            let name = match name {
                "" => format!("列{}", at + 1),
                name => name.to_string(),
            };
            repeated::add(&mut fields, name, Value::String(cell.clone()), at + 1);
        }
        if !is_titled {
            fields.insert("title".into(), Value::String(self.title.clone()));
        }
        // Without its text a row says what its other columns say.
        if !fields::has_text(fields.keys().map(String::as_str)) {
            told.clear();
        }
        let mut record = read_row(Value::Object(fields), Some(format!("{}-{line}", self.id)))?;
        if record.article.title.trim().is_empty() {
            record.article.title.clone_from(&self.title);
        }
        let text = std::mem::take(&mut record.article.text);
        // Sentences are told by the record.
        told.retain(|line| !is_said(&text, line));
        record.article.text = match (told.is_empty(), is_titled) {
            (true, _) => text,
            (false, true) => format!("{text}\n\n{}", told.join("\n")),
            (false, false) => format!("{}\n\n{text}", told.join("\n")),
        };
        Ok(record)
    }

    /// A row of more cells than the table has columns, with those of its text as one: nobody put that in quotes, so
    /// each of its commas began another cell. None where what stands behind it then does not fit its columns.
    fn with_commas(&self, row: &[String], text: usize) -> Option<Vec<String>> {
        let surplus = row
            .len()
            .checked_sub(self.header.len())
            .filter(|&surplus| surplus > 0)?;
        let behind = row[text + surplus + 1..].iter().zip(&self.header[text + 1..]);
        let fits = |(cell, name): (&String, &String)| {
            if cell.is_empty() {
                true
            } else if fields::has_role(name, Role::Date) {
                find_date(cell).is_some_and(|date| date.year.is_some())
            } else if fields::has_role(name, Role::Url) {
                cell.contains("://")
            } else if fields::has_role(name, Role::Count) {
                cell.bytes().all(|byte| byte.is_ascii_digit())
            } else {
                true
            }
        };
        behind.clone().all(fits).then(|| {
            let mut whole = row[..text].to_vec();
            whole.push(row[text..=text + surplus].join(","));
            whole.extend(behind.map(|(cell, _)| cell.clone()));
            whole
        })
    }

    /// Names and values as one text.
    pub fn form(&self, line: usize, form: &[Vec<&String>]) -> Result<Record, String> {
        let told = form.iter().map(|pair| {
            let cells: Vec<String> = pair.iter().map(|cell| on_one_line(cell)).collect();
            cells.join("：")
        });
        self.of_text(line, &self.title, self.lead.iter().cloned().chain(told).collect())
    }

    /// A row as text: `column：value`, one a line.
    fn cells(&self, row: &[String]) -> Vec<String> {
        let is_note = is_note(row, self.header.len()) || is_signature(row, self.header.len());
        let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let told = cells.map(|(at, cell)| {
            let cell = on_one_line(cell);
            match self.header.get(at).filter(|name| !name.is_empty() && !is_note) {
                Some(name) => format!("{}：{cell}", name.chars().take(MAX_NAME).collect::<String>()),
                None => cell,
            }
        });
        told.collect()
    }

    pub fn of_text(&self, line: usize, title: &str, lines: Vec<String>) -> Result<Record, String> {
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
        read_record(Value::Object(fields), Some(format!("{}-{line}", self.id)))
    }
}

/// Whether a column has the name of a record's text.
fn is_text(name: &str) -> bool {
    fields::has_role(name, Role::Text)
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
