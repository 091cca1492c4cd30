//! DOCX by zip and quick-xml: paragraphs, headings, lists, tables and notes in the convention of `layout`.
//!
//! Headings are what has an outline level, or a style that has one or is named so. Tracked deletions, comments and
//! hidden words are left out by name, field codes are no text. A table that is a form says each name with its value.

use std::collections::HashMap;

use super::super::headers::{form, form_title};
use super::super::labels::Labels;
use super::archive::{check_archive, open, part};
use super::drawings::drawn;
use super::extracted::{Extracted, Reader, stated_title};
use super::numbering::{Numbers, read_numbering};
use super::signs::{end_part, symbol};
use super::styles::{Style, read_styles};
use super::xml::{Step, attribute, property, walk};

/// Most text that is made of one document, in bytes: a value that spans rows is said in each of them.
const MAX_TEXT: usize = 32 << 20;

/// Below how many paragraphs at most a title stands.
const MAX_ABOVE_TITLE: usize = 12;

/// The reader of DOCX.
pub(super) struct Docx;

impl Reader for Docx {
    fn read(&self, bytes: Vec<u8>) -> Result<Extracted, String> {
        check_archive(&bytes)?;
        let mut archive = open(&bytes)?;
        let body =
            part(&mut archive, "word/document.xml")?.ok_or("has no word/document.xml: it is no Word document")?;
        let styles = part(&mut archive, "word/styles.xml")?.unwrap_or_default();
        let numbering = part(&mut archive, "word/numbering.xml")?.unwrap_or_default();
        let mut found = Extracted {
            title: property(&part(&mut archive, "docProps/core.xml")?.unwrap_or_default(), "title")
                .as_deref()
                .and_then(stated_title),
            ..Extracted::default()
        };
        let styles = read_styles(&styles)?;
        let mut numbers = read_numbering(&numbering)?;
        let mut writer = Writer::new(&styles, &mut numbers);
        writer.part(&body)?;
        for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
            if let Some(notes) = part(&mut archive, notes)? {
                writer.part(&notes)?;
            }
        }
        found.title = writer.title.clone().or(found.title);
        found.text = writer.finish();
        if !writer.contents.is_empty() {
            found
                .left_out
                .push(("table of contents".into(), writer.contents.join("\n")));
        }
        if !writer.hidden.is_empty() {
            found.left_out.push(("hidden".into(), writer.hidden.join("\n")));
        }
        writer.deleted.retain(|text| !text.is_empty());
        if !writer.deleted.is_empty() {
            found.left_out.push(("struck out".into(), writer.deleted.join("\n")));
        }
        if let Some(comments) = part(&mut archive, "word/comments.xml")? {
            let mut none = Numbers::default();
            let mut writer = Writer::new(&styles, &mut none);
            writer.part(&comments)?;
            let comments = writer.finish();
            if !comments.trim().is_empty() {
                found.left_out.push(("comment".into(), comments));
            }
        }
        let drawn = drawn(&bytes, &["word/charts/", "word/diagrams/data"]);
        found
            .left_out
            .extend(drawn.map(|text| ("beside the text".into(), text)));
        let names: Vec<String> = archive
            .file_names()
            .filter_map(|name| name.ok().map(|name| name.into_owned()))
            .collect();
        let mut heads: Vec<String> = Vec::new();
        for name in names.iter().filter(|name| {
            name.strip_prefix("word/")
                .is_some_and(|name| name.starts_with("header") || name.starts_with("footer"))
        }) {
            if let Some(head) = part(&mut archive, name)? {
                let mut none = Numbers::default();
                let mut writer = Writer::new(&styles, &mut none);
                writer.part(&head)?;
                let head = writer.finish();
                if !head.trim().is_empty() && !heads.contains(&head) {
                    heads.push(head);
                }
            }
        }
        if !heads.is_empty() {
            found.left_out.push(("running head".into(), heads.join("\n")));
        }
        Ok(found)
    }
}

/// A paragraph being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: String,
    level: Option<usize>,
    number: Option<String>,
    list_level: usize,
}

/// A table being read: its rows so far, and the values that go on below.
#[derive(Default)]
struct Rows {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: Vec<String>,
    /// Columns that the cell takes, and whether it goes on from above (`Some(false)`) or begins to (`Some(true)`).
    span: usize,
    merged: Option<bool>,
    /// By column, what a merged cell said.
    above: HashMap<usize, String>,
}

/// Writes a document's text.
struct Writer<'a> {
    styles: &'a HashMap<String, Style>,
    numbers: &'a mut Numbers,
    blocks: Vec<String>,
    /// Tight blocks follow the one before without a blank line.
    tight: Vec<bool>,
    title: Option<String>,
    contents: Vec<String>,
    hidden: Vec<String>,
    deleted: Vec<String>,
    size: usize,
}

impl<'a> Writer<'a> {
    fn new(styles: &'a HashMap<String, Style>, numbers: &'a mut Numbers) -> Self {
        Writer {
            styles,
            numbers,
            blocks: Vec::new(),
            tight: Vec::new(),
            title: None,
            contents: Vec::new(),
            hidden: Vec::new(),
            deleted: Vec::new(),
            size: 0,
        }
    }

    /// Reads a part of the document.
    fn part(&mut self, xml: &str) -> Result<(), String> {
        let mut paragraphs: Vec<Paragraph> = Vec::new();
        let mut tables: Vec<Rows> = Vec::new();
        // Inside what is no text: deletions, field codes, the fallback of what was read already.
        let mut skipped = 0usize;
        let (mut in_text, mut in_deleted) = (false, false);
        let (mut in_run_properties, mut hidden) = (false, false);
        // Where the parts of formulas begin that have not ended.
        let mut parts: Vec<usize> = Vec::new();
        // Of tables that have not ended.
        let mut rows_size = 0usize;
        walk(xml, |step| {
            match step {
                Step::Open(
                    _,
                    name @ ("del" | "moveFrom" | "Fallback" | "instrText" | "delText" | "pPrChange" | "rPrChange"),
                ) => {
                    skipped += 1;
                    in_deleted = name == "delText";
                    if name == "del" {
                        self.deleted.push(String::new());
                    }
                }
                Step::Close("del" | "moveFrom" | "Fallback" | "instrText" | "delText" | "pPrChange" | "rPrChange") => {
                    skipped = skipped.saturating_sub(1);
                    in_deleted = false;
                }
                Step::Text(text) if in_deleted => {
                    if let Some(deleted) = self.deleted.last_mut() {
                        deleted.push_str(text);
                    }
                }
                _ if skipped > 0 => {}
                Step::Open(_, "p") => paragraphs.push(Paragraph::default()),
                Step::Close("p") => {
                    if let Some(paragraph) = paragraphs.pop() {
                        self.paragraph(paragraph, tables.last_mut());
                    }
                }
                Step::Open(_, "r") => hidden = false,
                Step::Open(_, "rPr") => in_run_properties = true,
                Step::Close("rPr") => in_run_properties = false,
                Step::Open(element, "vanish") if in_run_properties => {
                    hidden = !matches!(attribute(element, "val").as_deref(), Some("0" | "false"));
                }
                Step::Open(_, "t") => in_text = true,
                Step::Close("t") => in_text = false,
                Step::Text(text) if in_text && hidden => self.hidden.push(text.to_string()),
                Step::Text(text) if in_text => {
                    if let Some(paragraph) = paragraphs.last_mut() {
                        paragraph.text.push_str(text);
                    }
                }
                Step::Open(element, name) => {
                    if let Some(paragraph) = paragraphs.last_mut() {
                        let value = || attribute(element, "val").unwrap_or_default();
                        match name {
                            "tab" if !in_run_properties => paragraph.text.push(' '),
                            "br" | "cr" => paragraph.text.push('\n'),
                            "sym" => paragraph
                                .text
                                .push(symbol(&attribute(element, "char").unwrap_or_default())),
                            "noBreakHyphen" => paragraph.text.push('-'),
                            "pStyle" => paragraph.style = value(),
                            "outlineLvl" => {
                                paragraph.level = value()
                                    .parse::<usize>()
                                    .ok()
                                    .filter(|&level| level < 9)
                                    .map(|level| level + 1);
                            }
                            "num" | "den" | "sup" => parts.push(paragraph.text.len()),
                            "numId" => paragraph.number = Some(value()),
                            "ilvl" => paragraph.list_level = value().parse().unwrap_or(0),
                            _ => {}
                        }
                    }
                    match name {
                        "tbl" => tables.push(Rows::default()),
                        "tc" => {
                            if let Some(table) = tables.last_mut() {
                                (table.cell, table.span, table.merged) = (Vec::new(), 1, None);
                            }
                        }
                        "gridSpan" => {
                            if let Some(table) = tables.last_mut() {
                                table.span = attribute(element, "val")
                                    .and_then(|n| n.parse().ok())
                                    .unwrap_or(1)
                                    .clamp(1, 64);
                            }
                        }
                        "vMerge" => {
                            if let Some(table) = tables.last_mut() {
                                table.merged = Some(attribute(element, "val").as_deref() == Some("restart"));
                            }
                        }
                        _ => {}
                    }
                }
                Step::Close(name @ ("num" | "den" | "sup")) => {
                    if let (Some(start), Some(paragraph)) = (parts.pop(), paragraphs.last_mut()) {
                        end_part(&mut paragraph.text, name, start);
                    }
                }
                Step::Close("tc") => {
                    if let Some(table) = tables.last_mut() {
                        table.end_cell();
                    }
                }
                Step::Close("tr") => {
                    if let Some(table) = tables.last_mut() {
                        let row = std::mem::take(&mut table.row);
                        if row.iter().any(|cell| !cell.is_empty()) {
                            rows_size += row.iter().map(|cell| cell.len() + 3).sum::<usize>();
                            table.rows.push(row);
                        }
                    }
                }
                Step::Close("tbl") => {
                    if let Some(table) = tables.pop() {
                        let (lines, apart) = self.table(&table.rows, tables.is_empty());
                        match tables.last_mut() {
                            // A table in a cell: its rows are lines of the cell.
                            Some(outer) => outer.cell.extend(lines),
                            None => self.push(lines.join(apart), false),
                        }
                    }
                }
                _ => {}
            }
            if self.size + rows_size > MAX_TEXT {
                Err(format!("holds more than {} MiB of text", MAX_TEXT >> 20))
            } else {
                Ok(())
            }
        })
    }

    /// The lines of a table and what parts them; of a form that begins a document, the thing that it is about is the
    /// title.
    fn table(&mut self, rows: &[Vec<String>], is_outer: bool) -> (Vec<String>, &'static str) {
        let Some(form) = form(rows.iter().map(Vec::as_slice)) else {
            let mut labels = Labels::below_names();
            let lines = rows.iter().map(|row| {
                let mut row = row.clone();
                labels.fill(&mut row);
                row.join(" | ")
            });
            return (lines.collect(), "\n");
        };
        if is_outer && self.title.is_none() && self.blocks.is_empty() {
            self.title = form_title(&form).cloned();
        }
        let lines = form
            .iter()
            .map(|pair| pair.iter().map(|cell| cell.as_str()).collect::<Vec<_>>());
        // Lines without a stop would be taken for one that a program broke.
        (lines.map(|pair| pair.join("：")).collect(), "\n\n")
    }

    fn push(&mut self, block: String, tight: bool) {
        if !block.trim().is_empty() {
            self.size += block.len();
            self.blocks.push(block);
            self.tight.push(tight);
        }
    }

    /// Takes in a paragraph that has ended, into a table's cell if it stands in one.
    fn paragraph(&mut self, paragraph: Paragraph, table: Option<&mut Rows>) {
        let style = self.styles.get(&paragraph.style).cloned().unwrap_or_default();
        let text = paragraph.text.trim().to_string();
        if text.is_empty() {
            return;
        }
        let listed = paragraph
            .number
            .map(|number| (number, paragraph.list_level))
            .or(style.numbering)
            .filter(|(number, _)| number != "0");
        let mark = listed
            .as_ref()
            .and_then(|(number, level)| self.numbers.mark(number, *level));
        let marked = match &mark {
            Some(mark) if mark.ends_with(['、', '）', '．', '章', '节', '条']) => format!("{mark}{text}"),
            Some(mark) => format!("{mark} {text}"),
            None => text.clone(),
        };
        if let Some(table) = table {
            table.cell.push(marked.replace('\n', " "));
            return;
        }
        if style.contents {
            self.contents.push(marked);
            return;
        }
        if style.title && self.title.is_none() && self.blocks.len() < MAX_ABOVE_TITLE {
            self.title = Some(text.split_whitespace().collect::<Vec<_>>().join(" "));
            return;
        }
        match paragraph
            .level
            .or(style.level)
            .or(style.title.then_some(1))
            .filter(|_| text.chars().count() <= 80 && !text.contains('\n'))
        {
            Some(level) => self.push(format!("{} {marked}", "#".repeat(level.clamp(1, 6))), false),
            None if mark.is_some() => {
                let level = listed.map_or(0, |(_, level)| level);
                self.push(format!("{}{marked}", "  ".repeat(level.min(8))), true);
            }
            None => self.push(marked, false),
        }
    }

    /// The text; its title stands first, whatever letterhead is above it.
    fn finish(&mut self) -> String {
        let mut text = String::with_capacity(self.size + self.blocks.len() * 2);
        if let Some(title) = &self.title {
            text.push_str(title);
            text.push_str("\n\n");
        }
        for (at, block) in self.blocks.iter().enumerate() {
            if at > 0 {
                text.push_str(if self.tight[at] && self.tight[at - 1] {
                    "\n"
                } else {
                    "\n\n"
                });
            }
            text.push_str(block);
        }
        text
    }
}

impl Rows {
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
}
