//! Which format a file is in: by its first bytes where these are sure, by its name, and by how it begins.
//!
//! Decides only; a format that is not read is refused by its name, with a way out.

use std::path::Path;

use super::decode::decode;
use super::{html, json};

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON record a line.
    Lines,
    /// One JSON document.
    Json,
    /// A page.
    Html,
    /// Markdown.
    Markdown,
    /// Comma- or tab-separated values.
    Table,
    /// Plain text, or a page by its content.
    Text,
    /// A PDF or an office document.
    Document(Document),
}

/// A format that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Pdf,
    Docx,
    Xlsx,
}

/// The format of a file, by its name and its first bytes, or why it is of none.
pub(super) fn of(path: &Path, sample: &[u8]) -> Result<Format, &'static str> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let extension = extension.as_deref().unwrap_or("");
    let starts = |magic: &[u8]| sample.starts_with(magic);
    if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(
            "is a file of an old Office (.doc, .xls, .ppt, .wps) or has a password; save it as .docx or .xlsx without one",
        );
    }
    if starts(b"\x1f\x8b") || starts(b"Rar!") || starts(b"7z\xbc\xaf") || starts(b"BZh") || starts(b"\xfd7zXZ") {
        return Err("is an archive; unpack it first");
    }
    if starts(b"PK\x03\x04") {
        return match extension {
            "docx" | "docm" | "dotx" => Ok(Format::Document(Document::Docx)),
            "xlsx" | "xlsm" | "xltx" => Ok(Format::Document(Document::Xlsx)),
            "pptx" | "odt" | "ods" | "wps" | "et" | "epub" => {
                Err("is of a format that is not read; save it as .docx, .xlsx or .pdf")
            }
            _ => Err("is an archive; unpack it first"),
        };
    }
    // A few bytes may stand before it, as in files that were sent by mail.
    if sample[..sample.len().min(1024)]
        .windows(5)
        .any(|window| window == b"%PDF-")
        && (extension == "pdf" || starts(b"%PDF-"))
    {
        return Ok(Format::Document(Document::Pdf));
    }
    if matches!(extension, "pdf" | "docx" | "xlsx") {
        return Err("is damaged: it does not begin as such a file does");
    }
    let lines = || decode_start(sample).is_some_and(|text| json::is_lines(&text));
    Ok(match extension {
        "jsonl" | "ndjson" => Format::Lines,
        "json" if lines() => Format::Lines,
        "json" => Format::Json,
        "md" | "markdown" => Format::Markdown,
        "csv" | "tsv" => Format::Table,
        "html" | "htm" | "xhtml" | "shtml" => Format::Html,
        _ if decode_start(sample).is_some_and(|text| html::looks_like_html(&text)) => Format::Html,
        "txt" | "" if lines() => Format::Lines,
        _ => Format::Text,
    })
}

/// The first lines of a file as text, whole lines where it has several.
fn decode_start(sample: &[u8]) -> Option<String> {
    let encoding = super::decode::of_lines(sample);
    // A character cut in two at the end is no reason not to look.
    let cut = match encoding {
        None => sample
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(sample.len(), |at| at + 1),
        Some(_) => sample.len() & !1,
    };
    match encoding {
        Some(encoding) => Some(encoding.decode(&sample[..cut]).0.into_owned()),
        None => decode(&sample[..cut], None).ok().map(|text| text.into_owned()),
    }
}
