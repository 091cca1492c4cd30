//! PDF by the pdfboss crates: the lines of each page, of the text layer alone.

use pdfboss_core::Document;
use pdfboss_output::{ReadingOrder, extract_text};
use unicode_normalization::UnicodeNormalization;

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
                .and_then(|page| extract_text(&document, page, ReadingOrder::Content).ok())
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
