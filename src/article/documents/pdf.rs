//! PDF by the pdfboss crates: the lines of each page, of the text layer alone.

use pdfboss_core::{Document, Page};
use pdfboss_output::{
    Block, Cell, LayoutOptions, Line, Output, ReadingOrder, Ruling, Text, TextSpan, page_layout, page_layout_opts,
    retain_rulings_on_page, retain_spans_on_page,
};
use pdfboss_text::extract_spans_and_rulings_reporting;
use unicode_normalization::UnicodeNormalization;

use super::super::lines::append;
use super::columns::{self, Rule, Words};
use super::extracted::{Extracted, Reader, stated_title};
use super::single::edges;

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
            let read = page.as_ref().ok().and_then(|page| text_of(&document, page));
            let (text, edges) = read.unwrap_or_default();
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
            let mut lines: Vec<String> = text.lines().map(|line| line.chars().map(plain).collect()).collect();
            if count == 1 {
                found.left_out.extend(without(&mut lines, &edges));
            }
            found.pages.push(lines);
        }
        if silent == count {
            return Err(no_text(count, drawn.len()));
        }
        if !drawn.is_empty() {
            found.noticed.push(without_text(&drawn));
        }
        if lost > 0 {
            found.noticed.push(format!(
                "{lost} characters could not be read and show as \u{fffd}; amounts may be among them"
            ));
        }
        Ok(found)
    }
}

/// Why a file is refused none of whose pages has text.
fn no_text(pages: usize, drawn: usize) -> String {
    if drawn == 0 {
        format!("has no text: its {pages} pages are blank")
    } else {
        format!("has no text: {drawn} of its {pages} pages are scanned or drawn; make the text readable first (OCR)")
    }
}

/// What is said of the pages that are only drawn.
fn without_text(drawn: &[usize]) -> String {
    let shown: Vec<String> = drawn.iter().take(8).map(usize::to_string).collect();
    let more = if drawn.len() > 8 { " and more" } else { "" };
    format!("pages without text (scanned or drawn): {}{more}", shown.join(", "))
}

/// The text of a page, and what its head and foot are if it is the only one. Where it has tables that are ruled, their
/// rows are lines, cell by cell; where it stands in columns that its lines would run together, these are told by their
/// places; neither if a character would be lost so.
fn text_of(document: &Document, page: &Page) -> Option<(String, Vec<String>)> {
    let order = ReadingOrder::Content;
    let (mut spans, mut rulings, report) = extract_spans_and_rulings_reporting(document, page, order).ok()?;
    retain_spans_on_page(&mut spans, page);
    retain_rulings_on_page(&mut rulings, page);
    let text = Text.render(&[page_layout(&spans, report.order)]);
    let words: Vec<Words> = spans.iter().map(words_of).collect();
    let edges = edges(&words);
    let is_whole = |lines: &String| sorted(lines) == sorted(&text);
    let is_turned = |span: &TextSpan| span.rotate != 0 || span.vertical;
    let parted = || in_columns(words, &rulings, &text).filter(is_whole);
    if let Some(lines) = (!spans.iter().any(is_turned)).then(parted).flatten() {
        return Some((lines, edges));
    }
    let content = page.content(document).unwrap_or_default();
    let is_ruled = content
        .split(u8::is_ascii_whitespace)
        .any(|word| matches!(word, b"re" | b"l"));
    let lines = is_ruled.then(|| with_tables(&spans, &rulings, report.order)).flatten();
    let lines = lines.filter(is_whole);
    Some((lines.unwrap_or(text), edges))
}

fn words_of(span: &TextSpan) -> Words {
    Words {
        x: span.x,
        end: span.end_x,
        y: span.y,
        size: span.size,
        text: span.text.clone(),
    }
}

/// Takes the head and the foot of a page, if its first and last lines say nothing else, out of its lines.
fn without(lines: &mut Vec<String>, edges: &[String]) -> Vec<(String, String)> {
    let bare = |line: &String| line.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let is_edge = |line: Option<&String>| line.is_some_and(|line| edges.contains(&bare(line)));
    let mut taken = Vec::new();
    if is_edge(lines.first()) {
        taken.push(lines.remove(0));
    }
    if is_edge(lines.last()) {
        taken.extend(lines.pop());
    }
    let reason = || "running head".to_string();
    taken.into_iter().map(|line| (reason(), line)).collect()
}

/// From how many rules from top to bottom on a page has a grid, whose rows these rules tell.
const GRID: usize = 2;

/// The lines of a page that stands in columns without a grid, if any of its lines as they were read runs over two.
fn in_columns(words: Vec<Words>, rulings: &[Ruling], text: &str) -> Option<String> {
    let is_upright = |ruling: &&Ruling| ruling.start.x == ruling.end.x;
    if rulings.iter().filter(is_upright).count() >= GRID {
        return None;
    }
    let rules = rulings.iter().filter(|ruling| !is_upright(ruling)).map(|ruling| Rule {
        x: ruling.start.x.min(ruling.end.x),
        end: ruling.start.x.max(ruling.end.x),
        y: ruling.start.y,
    });
    columns::read(words, &rules.collect::<Vec<_>>(), text)
}

/// The lines of a page that has tables, and their rows.
fn with_tables(spans: &[TextSpan], rulings: &[Ruling], order: ReadingOrder) -> Option<String> {
    let layout = page_layout_opts(spans, rulings, order, &LayoutOptions::default());
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
