//! What is open while a part of a DOCX is read: the paragraphs and the tables that have not ended, and inside what a
//! text stands. What is made of them when they end is for `docx` to say.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::super::fields::form_ending;
use super::signs::{end_part, symbol};
use super::xml::attribute;

/// Columns of a table that are looked at.
const MAX_COLUMNS: usize = 256;
/// The longest name and the longest value that columns share, in characters.
const MAX_NAME: usize = 80;
const MAX_SHARED: usize = 20;

/// A paragraph being read.
#[derive(Default)]
pub(super) struct Paragraph {
    pub text: String,
    pub style: String,
    pub level: Option<usize>,
    pub number: Option<String>,
    pub list_level: usize,
}

/// A table being read: its rows so far, and the values that go on below.
#[derive(Default)]
pub(super) struct OpenTable {
    pub rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// The cells over several columns: their row, their first column, and how many more they take.
    wide: Vec<(usize, usize, usize)>,
    /// The lines of the cell.
    pub cell: Vec<String>,
    /// Columns that the cell takes, and whether it goes on from above (`Some(false)`) or begins to (`Some(true)`).
    span: usize,
    merged: Option<bool>,
    /// By column, what a merged cell said.
    above: HashMap<usize, String>,
}

/// The elements that are open.
#[derive(Default)]
pub(super) struct OpenElements {
    pub paragraphs: Vec<Paragraph>,
    pub tables: Vec<OpenTable>,
    /// How many of them are no text ([`is_no_text`]).
    pub skipped: usize,
    pub in_deleted: bool,
    pub in_text: bool,
    pub is_hidden: bool,
    in_run_properties: bool,
    /// Where the parts of formulas begin.
    formula_parts: Vec<usize>,
    /// Bytes of the tables' rows.
    pub rows_size: usize,
}

/// Whether what stands in an element is no text: deletions, field codes, the fallback of what was read already.
pub(super) fn is_no_text(name: &str) -> bool {
    matches!(
        name,
        "del" | "moveFrom" | "Fallback" | "instrText" | "delText" | "pPrChange" | "rPrChange"
    )
}

impl OpenElements {
    /// Takes in the beginning of an element that is text or says something of it.
    pub(super) fn begin(&mut self, element: &BytesStart<'_>, name: &str) {
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "r" => self.is_hidden = false,
            "rPr" => self.in_run_properties = true,
            "vanish" if self.in_run_properties => {
                self.is_hidden = !matches!(attribute(element, "val").as_deref(), Some("0" | "false"));
            }
            "t" => self.in_text = true,
            "tbl" => self.tables.push(OpenTable::default()),
            "tc" | "gridSpan" | "vMerge" => {
                if let Some(table) = self.tables.last_mut() {
                    table.begin(element, name);
                }
            }
            _ => self.begin_in_paragraph(element, name),
        }
    }

    fn begin_in_paragraph(&mut self, element: &BytesStart<'_>, name: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else {
            return;
        };
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "tab" if !self.in_run_properties => paragraph.text.push(' '),
            "br" | "cr" => paragraph.text.push('\n'),
            "sym" => paragraph
                .text
                .push(symbol(&attribute(element, "char").unwrap_or_default())),
            "noBreakHyphen" => paragraph.text.push('-'),
            "pStyle" => paragraph.style = value(),
            "outlineLvl" => {
                let level = value().parse::<usize>().ok().filter(|&level| level < 9);
                paragraph.level = level.map(|level| level + 1);
            }
            "num" | "den" | "sup" => self.formula_parts.push(paragraph.text.len()),
            "numId" => paragraph.number = Some(value()),
            "ilvl" => paragraph.list_level = value().parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Takes in the end of an element that is neither a paragraph nor a table.
    pub(super) fn end(&mut self, name: &str) {
        match name {
            "rPr" => self.in_run_properties = false,
            "t" => self.in_text = false,
            "num" | "den" | "sup" => {
                if let (Some(start), Some(paragraph)) = (self.formula_parts.pop(), self.paragraphs.last_mut()) {
                    end_part(&mut paragraph.text, name, start);
                }
            }
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    table.end_cell();
                }
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    self.rows_size += table.end_row();
                }
            }
            _ => {}
        }
    }
}

impl OpenTable {
    /// Takes in the beginning of a cell, or what is said of it.
    fn begin(&mut self, element: &BytesStart<'_>, name: &str) {
        match name {
            "tc" => (self.cell, self.span, self.merged) = (Vec::new(), 1, None),
            "gridSpan" => {
                let span = attribute(element, "val").and_then(|n| n.parse().ok());
                self.span = span.unwrap_or(1).clamp(1, 64);
            }
            _ => self.merged = Some(attribute(element, "val").as_deref() == Some("restart")),
        }
    }

    /// Ends a cell: one that goes on from above says what that one said; see [`OpenTable::shared`] for wide ones.
    fn end_cell(&mut self) {
        let own = std::mem::take(&mut self.cell).join(" ");
        let at = self.row.len();
        let text = match self.merged {
            Some(false) if own.is_empty() => self.above.get(&at).cloned().unwrap_or_default(),
            _ => own,
        };
        if self.merged.is_some() {
            self.above.insert(at, text.clone());
        }
        let more = self.span.saturating_sub(1).min(MAX_COLUMNS.saturating_sub(at + 1));
        if more > 0 && !text.is_empty() {
            self.wide.push((self.rows.len(), at, more));
        }
        if at < MAX_COLUMNS {
            self.row.push(text);
            self.row.resize(at + 1 + more, String::new());
        }
    }

    /// The rows, with what a cell over several columns says in each of them: names of columns, and short values below
    /// such. What stands beside a label in a form is its value, however many columns others divide that into.
    pub(super) fn shared(mut self) -> Vec<Vec<String>> {
        let first = self
            .rows
            .iter()
            .position(|row| row.iter().filter(|cell| !cell.is_empty()).count() > 1);
        let of_first = |&&(row, _, _): &&(usize, usize, usize)| Some(row) == first;
        let names = first.and_then(|at| self.rows.get(at));
        let is_form = names.is_some_and(|names| {
            let wide = || self.wide.iter().filter(of_first);
            let more: usize = wide().map(|(_, _, more)| more).sum();
            let says = |name: &String| form_ending(name).is_none();
            // The row below goes on with the names where a column has one name for both rows.
            let below = first.and_then(|at| self.rows.get(at + 1));
            let goes_on = below.is_some_and(|row| row[0].is_empty() || row[0] == names[0]);
            let is_pair = more > 0 && names.len() == 2 + more && wide().all(|(_, at, _)| *at > 0);
            let is_pair = is_pair && says(&names[1]) && !goes_on;
            let is_value = |cell: &String| cell.is_empty() || form_ending(cell).is_none();
            let is_labelled = |pair: &[String]| form_ending(&pair[0]).is_some() && pair[1..].iter().all(is_value);
            is_pair || names.chunks(2).all(is_labelled)
        });
        for &(row, at, more) in &self.wide {
            let Some(cells) = self.rows.get_mut(row) else { continue };
            let most = if Some(row) <= first { MAX_NAME } else { MAX_SHARED };
            let is_shared = !is_form && cells[at].chars().count() <= most;
            // A row that is one cell stands once.
            let is_alone = cells
                .iter()
                .enumerate()
                .all(|(column, cell)| column == at || cell.is_empty());
            if is_shared && !is_alone {
                let text = cells[at].clone();
                cells[at + 1..=at + more].fill(text);
            }
        }
        for row in &mut self.rows {
            let end = row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
            row.truncate(end);
        }
        self.rows
    }

    /// Ends a row; how many bytes it takes.
    fn end_row(&mut self) -> usize {
        let row = std::mem::take(&mut self.row);
        if row.iter().all(String::is_empty) {
            return 0;
        }
        let own: usize = row.iter().map(|cell| cell.len() + 3).sum();
        let wide = self.wide.iter().rev().take_while(|(at, _, _)| *at == self.rows.len());
        let repeated: usize = wide.map(|&(_, at, more)| row[at].len().min(4 * MAX_NAME) * more).sum();
        self.rows.push(row);
        own + repeated
    }
}
