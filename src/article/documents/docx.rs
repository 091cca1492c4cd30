//! DOCX by zip and quick-xml: paragraphs, headings, lists, tables and notes in the convention of `layout`.
//!
//! Headings are what has an outline level, or a style that has one or is named so. Tracked deletions, comments and
//! hidden words are left out by name, field codes are no text. A table that is a form says each name with its value.

use std::collections::HashMap;
use std::io::Cursor;

use zip::ZipArchive;

use super::super::headers::{form, form_title};
use super::super::labels::Labels;
use super::archive::{check_archive, open, part};
use super::drawings::drawn;
use super::extracted::{Extracted, Reader, stated_title};
use super::numbering::{Numbers, read_numbering};
use super::open_elements::{OpenElements, OpenTable, Paragraph, is_no_text};
use super::styles::{Style, read_styles};
use super::xml::{Step, property, walk};

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
        found.left_out = writer.into_left_out();
        if let Some(comments) = part(&mut archive, "word/comments.xml")? {
            let comments = text_of(&comments, &styles)?;
            if !comments.trim().is_empty() {
                found.left_out.push(("comment".into(), comments));
            }
        }
        let drawn = drawn(&bytes, &["word/charts/", "word/diagrams/data"]);
        found
            .left_out
            .extend(drawn.map(|text| ("beside the text".into(), text)));
        let heads = running_heads(&mut archive, &styles)?;
        if !heads.is_empty() {
            found.left_out.push(("running head".into(), heads.join("\n")));
        }
        Ok(found)
    }
}

/// What a part beside the document says: comments, running heads.
fn text_of(xml: &str, styles: &HashMap<String, Style>) -> Result<String, String> {
    let mut none = Numbers::default();
    let mut writer = Writer::new(styles, &mut none);
    writer.part(xml)?;
    Ok(writer.finish())
}

/// What stands above and below the pages, each once.
fn running_heads(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    styles: &HashMap<String, Style>,
) -> Result<Vec<String>, String> {
    let is_head = |name: &&str| {
        name.strip_prefix("word/")
            .is_some_and(|name| name.starts_with("header") || name.starts_with("footer"))
    };
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| name.ok().map(|name| name.into_owned()))
        .collect();
    let mut heads: Vec<String> = Vec::new();
    for name in names.iter().map(String::as_str).filter(is_head) {
        if let Some(head) = part(archive, name)? {
            let head = text_of(&head, styles)?;
            if !head.trim().is_empty() && !heads.contains(&head) {
                heads.push(head);
            }
        }
    }
    Ok(heads)
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
        let mut open = OpenElements::default();
        walk(xml, |step| {
            match step {
                Step::Open(_, name) if is_no_text(name) => {
                    open.skipped += 1;
                    open.in_deleted = name == "delText";
                    if name == "del" {
                        self.deleted.push(String::new());
                    }
                }
                Step::Close(name) if is_no_text(name) => {
                    open.skipped = open.skipped.saturating_sub(1);
                    open.in_deleted = false;
                }
                Step::Text(text) if open.in_deleted => {
                    if let Some(deleted) = self.deleted.last_mut() {
                        deleted.push_str(text);
                    }
                }
                _ if open.skipped > 0 => {}
                Step::Text(text) if open.in_text && open.is_hidden => self.hidden.push(text.to_string()),
                Step::Text(text) if open.in_text => {
                    if let Some(paragraph) = open.paragraphs.last_mut() {
                        paragraph.text.push_str(text);
                    }
                }
                Step::Text(_) => {}
                Step::Open(element, name) => open.begin(element, name),
                Step::Close("p") => {
                    if let Some(paragraph) = open.paragraphs.pop() {
                        self.paragraph(paragraph, open.tables.last_mut());
                    }
                }
                Step::Close("tbl") => {
                    if let Some(table) = open.tables.pop() {
                        let (lines, apart) = self.table(&table.shared(), open.tables.is_empty());
                        match open.tables.last_mut() {
                            // A table in a cell: its rows are lines of the cell.
                            Some(outer) => outer.cell.extend(lines),
                            None => self.push(lines.join(apart), false),
                        }
                    }
                }
                Step::Close(name) => open.end(name),
            }
            if self.size + open.rows_size > MAX_TEXT {
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
    fn paragraph(&mut self, paragraph: Paragraph, table: Option<&mut OpenTable>) {
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

    /// What was left out, and why.
    fn into_left_out(self) -> Vec<(String, String)> {
        let deleted: Vec<String> = self.deleted.into_iter().filter(|text| !text.is_empty()).collect();
        [
            ("table of contents", self.contents),
            ("hidden", self.hidden),
            ("struck out", deleted),
        ]
        .into_iter()
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(reason, texts)| (reason.to_string(), texts.join("\n")))
        .collect()
    }
}
