//! What is open while a part of a DOCX is read: the paragraphs and the tables that have not ended, and inside what a
//! text stands. What is made of them when they end is for `docx` to say.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::signs::{end_part, symbol};
use super::xml::attribute;

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

    /// Ends a cell: one that goes on from above says what that one said, one over several columns says it in each.
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
        for _ in 0..self.span.max(1) {
            if self.row.len() < 256 {
                self.row.push(text.clone());
            }
        }
    }

    /// Ends a row; how many bytes it takes.
    fn end_row(&mut self) -> usize {
        let row = std::mem::take(&mut self.row);
        if row.iter().all(String::is_empty) {
            return 0;
        }
        let size = row.iter().map(|cell| cell.len() + 3).sum();
        self.rows.push(row);
        size
    }
}
