//! PDF by the pdfboss crates: the lines of each page, of the text layer alone.

use pdfboss_core::{Document, Page};
use pdfboss_output::{
    Block, Cell, LayoutOptions, Line, ReadingOrder, TextOptions, extract_page_layout_opts, extract_text,
};
use unicode_normalization::UnicodeNormalization;

use super::super::lines::append;
use super::extracted::{Extracted, Reader, stated_title};

/// Most pages that are read.
const MAX_PAGES: usize = 5_000;
/// Most text that is read, in bytes.
const MAX_TEXT: usize = 32 << 20;

/// The reader of pdfboss.
pub(super) struct Pdfboss;

impl Reader for Pdfboss {
    fn read(&self, bytes: Vec<u8>) -> Result<Extracted, String> {
        let document = Document::load(bytes).map_err(|error| format!("is no PDF that can be read: {error}"))?;
        if document.is_locked() {
            return Err("has a password; save it without one".into());
        }
        let count = document.page_count();
        if count > MAX_PAGES {
            return Err(format!(
                "has {count} pages, at most {MAX_PAGES} are read; cut it into several"
            ));
        }
        let mut found = Extracted {
            title: document.metadata().title.as_deref().and_then(stated_title),
            ..Extracted::default()
        };
        let (mut size, mut silent, mut drawn, mut lost) = (0, 0, Vec::new(), 0);
        for number in 0..count {
            let page = document.page(number);
            let text = page
                .as_ref()
                .ok()
                .and_then(|page| text_of(&document, page))
                .unwrap_or_default();
            size += text.len();
            if size > MAX_TEXT {
                return Err(format!("holds more than {} MiB of text", MAX_TEXT >> 20));
            }
            if !text.contains(char::is_alphanumeric) {
                silent += 1;
                // A page that cannot be opened is not known to be blank.
                if !page.is_ok_and(|page| page.content(&document).is_ok_and(|content| !paints(&content))) {
                    drawn.push(number + 1);
                }
            }
            lost += text.chars().filter(|&c| c == '\u{fffd}').count();
            found
                .pages
                .push(text.lines().map(|line| line.chars().map(plain).collect()).collect());
        }
        if silent == count {
            return Err(match drawn.len() {
                0 => format!("has no text: its {count} pages are blank"),
                drawn => {
                    format!(
                        "has no text: {drawn} of its {count} pages are scanned or drawn; make the text readable first (OCR)"
                    )
                }
            });
        }
        if !drawn.is_empty() {
            let shown: Vec<String> = drawn.iter().take(8).map(usize::to_string).collect();
            let more = if drawn.len() > 8 { " and more" } else { "" };
            found.noticed.push(format!(
                "pages without text (scanned or drawn): {}{more}",
                shown.join(", ")
            ));
        }
        if lost > 0 {
            found.noticed.push(format!(
                "{lost} characters could not be read and show as \u{fffd}; amounts may be among them"
            ));
        }
        Ok(found)
    }
}

/// The text of a page. Where it has tables that are ruled, their rows are lines, cell by cell, unless a character would
/// be lost so.
fn text_of(document: &Document, page: &Page) -> Option<String> {
    let text = extract_text(document, page, ReadingOrder::Content).ok()?;
    let content = page.content(document).unwrap_or_default();
    let is_ruled = content
        .split(u8::is_ascii_whitespace)
        .any(|word| matches!(word, b"re" | b"l"));
    if !is_ruled {
        return Some(text);
    }
    let with_tables = with_tables(document, page).filter(|lines| sorted(lines) == sorted(&text));
    Some(with_tables.unwrap_or(text))
}

/// The lines of a page that has tables, and their rows.
fn with_tables(document: &Document, page: &Page) -> Option<String> {
    let (order, options) = (ReadingOrder::Content, LayoutOptions::default());
    let layout = extract_page_layout_opts(document, page, order, TextOptions::default(), &options).ok()?;
    let said = |line: &Line| {
        line.inlines
            .iter()
            .map(|inline| inline.text.as_str())
            .collect::<String>()
    };
    let mut lines: Vec<String> = Vec::new();
    let mut has_tables = false;
    for block in &layout.blocks {
        match block {
            Block::Heading { lines: own, .. } | Block::Paragraph { lines: own, .. } => {
                lines.extend(own.iter().map(said))
            }
            Block::List { items, .. } => lines.extend(items.iter().flat_map(|item| item.lines.iter().map(said))),
            Block::Table { rows, .. } => {
                has_tables |= rows.len() > 1 && rows.iter().any(|row| row.len() > 1);
                let cell = |line: &Option<Line>| line.as_ref().map(|line| closed(&said(line))).unwrap_or_default();
                let row = |row: &Vec<Cell>| row.iter().map(|own| cell(&own.line)).collect::<Vec<_>>().join(" | ");
                lines.extend(rows.iter().map(row));
            }
        }
    }
    has_tables.then(|| lines.join("\n"))
}

/// The words of a cell, whose lines were put together with blanks, as Chinese is joined.
fn closed(cell: &str) -> String {
    let mut words = cell.split_whitespace();
    let mut text = words.next().unwrap_or("").to_string();
    words.for_each(|word| append(&mut text, word));
    text
}

/// The letters and digits of a text in order.
fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    letters.sort_unstable();
    letters
}

/// Whether a page's content draws anything: an image, a shape, letters.
fn paints(content: &[u8]) -> bool {
    content.split(|byte| byte.is_ascii_whitespace()).any(|word| {
        matches!(
            word,
            b"Do"
                | b"BI"
                | b"S"
                | b"s"
                | b"f"
                | b"F"
                | b"f*"
                | b"B"
                | b"B*"
                | b"b"
                | b"b*"
                | b"sh"
                | b"Tj"
                | b"TJ"
                | b"'"
                | b"\""
        )
    })
}

/// A character as it is written: some fonts give radicals (U+2F00 to U+2FDF) for the characters that look like them.
fn plain(c: char) -> char {
    match c {
        '\u{2f00}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}' => c.nfkc().next().unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_cell_are_joined_as_chinese_is() {
        assert_eq!(closed("急性心肌梗 塞"), "急性心肌梗塞");
        assert_eq!(closed("100%基本 保额"), "100%基本保额");
        assert_eq!(closed("DRG payment"), "DRG payment");
    }
}
