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
pub enum Document {
    /// A PDF.
    Pdf,
    /// A Word document.
    Docx,
    /// An Excel workbook.
    Xlsx,
}

/// Names of files of offices, whatever they hold: many a table or page is saved under one.
const OFFICE: [&str; 20] = [
    "doc", "dot", "docx", "docm", "wps", "wpt", "xls", "xlt", "xlsx", "xlsm", "et", "ett", "ppt", "pps", "pptx", "dps",
    "ofd", "rtf", "pdf", "odt",
];

/// The format of a file, by its name and its first bytes, or why it is of none and what to do.
pub(super) fn of(path: &Path, sample: &[u8]) -> Result<Format, &'static str> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let extension = extension.as_deref().unwrap_or("");
    if let Some(found) = by_signature(sample, extension) {
        return found;
    }
    let start = decode_start(sample);
    let start = start.as_deref().unwrap_or("");
    let lines = || json::is_lines(start);
    let known = match extension {
        "jsonl" | "ndjson" => Format::Lines,
        "json" if lines() => Format::Lines,
        "json" => Format::Json,
        "md" | "markdown" => Format::Markdown,
        "csv" | "tsv" => Format::Table,
        "html" | "htm" | "xhtml" | "shtml" => Format::Html,
        _ if is_html(start, extension) => Format::Html,
        "mht" | "mhtml" | "eml" => return Err(MESSAGE),
        "xls" | "et" if start.lines().next().is_some_and(|line| line.contains('\t')) => Format::Table,
        _ if OFFICE.contains(&extension) => {
            return Err("is damaged: it does not begin as such a file does; if it is text, name it .txt");
        }
        _ if extension == "xml" || start.trim_start().starts_with("<?xml") => {
            return Err("is XML, whose elements only its program knows; save its text as .txt, .html or .json");
        }
        "txt" | "" if lines() => Format::Lines,
        _ if is_message(start) => return Err(MESSAGE),
        _ => Format::Text,
    };
    Ok(known)
}

const MESSAGE: &str =
    "is a page or e-mail saved with all its parts (MHTML); save it as a page of HTML only, or its text";
const OTHER_OFFICE: &str = "is of a format that is not read; save it as .docx, .xlsx or .pdf";

/// What the first bytes are sure to tell, of files that are no text and of texts that are written for a program.
fn by_signature(sample: &[u8], extension: &str) -> Option<Result<Format, &'static str>> {
    let starts = |magic: &[u8]| sample.starts_with(magic);
    if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Err(
            "is a file of an old Office (.doc, .xls, .ppt, .wps) or has a password; save it as .docx or .xlsx without one",
        ));
    }
    let is_bzip2 = starts(b"BZh") && sample.get(4..).is_some_and(|rest| rest.starts_with(b"1AY&SY"));
    if starts(b"\x1f\x8b") || starts(b"Rar!\x1a\x07") || starts(b"7z\xbc\xaf") || is_bzip2 || starts(b"\xfd7zXZ") {
        return Some(Err("is an archive; unpack it first"));
    }
    if starts(b"PK\x03\x04") {
        return Some(in_archive(sample, extension));
    }
    if starts(b"{\\rtf") {
        return Some(Err("is RTF; save it as .docx or .txt"));
    }
    if starts(b"%!PS-") {
        return Some(Err("is PostScript; save it as .pdf"));
    }
    if starts(b"#!/") {
        return Some(Err("is a script"));
    }
    // A few bytes may stand before it, as in files that were sent by mail.
    let is_pdf = sample[..sample.len().min(1024)]
        .windows(5)
        .any(|window| window == b"%PDF-");
    (is_pdf && (extension == "pdf" || starts(b"%PDF-"))).then_some(Ok(Format::Document(Document::Pdf)))
}

/// What an archive is: by the names of the files in it, which hold whatever it is called, else by its own name.
fn in_archive(sample: &[u8], extension: &str) -> Result<Format, &'static str> {
    for (at, _) in sample
        .windows(4)
        .enumerate()
        .filter(|(_, window)| window == b"PK\x03\x04")
    {
        let Some(&[low, high]) = sample.get(at + 26..at + 28) else {
            break;
        };
        let length = usize::from(u16::from_le_bytes([low, high]));
        let name = sample.get(at + 30..at + 30 + length).unwrap_or_default();
        let begins = |folder: &[u8]| name.starts_with(folder);
        if begins(b"word/") {
            return Ok(Format::Document(Document::Docx));
        }
        if begins(b"xl/") {
            return Ok(Format::Document(Document::Xlsx));
        }
        if begins(b"ppt/") || name == b"mimetype" {
            return Err(OTHER_OFFICE);
        }
        if name == b"OFD.xml" {
            return Err("is OFD; save it as .pdf");
        }
    }
    match extension {
        "docx" | "docm" | "dotx" => Ok(Format::Document(Document::Docx)),
        "xlsx" | "xlsm" | "xltx" => Ok(Format::Document(Document::Xlsx)),
        "ofd" => Err("is OFD; save it as .pdf"),
        "pptx" | "odt" | "ods" | "wps" | "et" | "dps" | "epub" => Err(OTHER_OFFICE),
        _ => Err("is an archive; unpack it first"),
    }
}

/// Whether a text is a page; one that bears an office's name may begin with any element.
fn is_html(start: &str, extension: &str) -> bool {
    if html::looks_like_html(start) {
        return true;
    }
    let head: String = start
        .trim_start()
        .chars()
        .take(4096)
        .collect::<String>()
        .to_ascii_lowercase();
    let any = |marks: &[&str]| marks.iter().any(|mark| head.contains(mark));
    (head.starts_with("<?xml") && any(&["<html", "<!doctype html"]))
        || (OFFICE.contains(&extension)
            && head.starts_with('<')
            && !head.starts_with("<?xml")
            && any(&["<table", "<body", "<p", "<div"]))
}

/// Whether a text begins with the head of a message: lines of names and values that say what its parts are.
fn is_message(start: &str) -> bool {
    let head = start
        .trim_start()
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .take(60);
    let (mut version, mut kind) = (false, false);
    for (number, line) in head.enumerate() {
        let line = line.to_ascii_lowercase();
        let field = line.split_once(':').map(|(name, _)| name);
        let named = field.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        let goes_on = number > 0 && line.starts_with([' ', '\t']);
        if !named && !goes_on {
            return false;
        }
        version |= field == Some("mime-version");
        kind |= field == Some("content-type");
    }
    version && kind
}

/// The first lines of a file as text; of one that goes on, whole lines where it has several.
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
        None => decode(sample, None)
            .or_else(|_| decode(&sample[..cut], None))
            .ok()
            .map(|text| text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive's first bytes with files of these names.
    fn zip(names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names {
            bytes.extend_from_slice(b"PK\x03\x04");
            bytes.extend_from_slice(&[0; 22]);
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b"data");
        }
        bytes
    }

    #[test]
    fn the_first_bytes_tell_before_the_name() {
        let check =
            |name: &str, bytes: &[u8], expected: Result<Format, &str>| match (of(Path::new(name), bytes), expected) {
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{name}: {found}"),
                (found, expected) => assert_eq!(found, expected, "{name}"),
            };
        let (docx, xlsx) = (Document::Docx, Document::Xlsx);
        let word = zip(&["[Content_Types].xml", "word/document.xml"]);
        let book = zip(&["[Content_Types].xml", "xl/workbook.xml"]);
        check("办法.pdf", &word, Ok(Format::Document(docx)));
        check("办法", &word, Ok(Format::Document(docx)));
        check("名录.csv", &book, Ok(Format::Document(xlsx)));
        check("名录.docx", &book, Ok(Format::Document(xlsx)));
        check("课件.docx", &zip(&["ppt/presentation.xml"]), Err("save it as"));
        check("公文.txt", &zip(&["OFD.xml"]), Err("OFD"));
        check("书.zip", &zip(&["mimetype"]), Err("save it as"));
        check("包.zip", &zip(&["a.txt"]), Err("unpack"));
        check("办法.txt", b"%PDF-1.7", Ok(Format::Document(Document::Pdf)));
        // Texts for programs.
        check("办法.rtf", b"{\\rtf1\\ansi", Err("RTF"));
        check("办法.doc", b"{\\rtf1\\ansi", Err("RTF"));
        check("跑", b"#!/bin/sh\nls", Err("script"));
        check("页.mht", b"From: a\n", Err("MHTML"));
        let page = b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=\"b\"\r\n\r\n--b";
        check("页.txt", page, Err("MHTML"));
        check("清单.xml", "<清单><项>护理</项></清单>".as_bytes(), Err("XML"));
        check("清单", "<?xml version=\"1.0\"?><a/>".as_bytes(), Err("XML"));
        check(
            "页",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html><html/>".as_bytes(),
            Ok(Format::Html),
        );
        // Names of offices over something else.
        check(
            "名录.xls",
            "<table border=1><tr><td>护理</td></tr></table>".as_bytes(),
            Ok(Format::Html),
        );
        check("名录.xls", "险种\t比例\n护理\t一成\n".as_bytes(), Ok(Format::Table));
        check("办法.wps", "<HTML><body>护理</body>".as_bytes(), Ok(Format::Html));
        for name in [
            "办法.doc",
            "课件.ppt",
            "公文.ofd",
            "办法.wps",
            "名录.xls",
            "办法.docx",
            "办法.pdf",
        ] {
            check(name, "护理".as_bytes(), Err("if it is text"));
        }
        // Texts.
        check(
            "办法.txt",
            "收件人: 某\n主题: 护理\n\n如何申请".as_bytes(),
            Ok(Format::Text),
        );
        check("办法", "护理".as_bytes(), Ok(Format::Text));
        // Letters of a signature that a text may begin with.
        for text in ["BZh是保障号的缩写。", "Rar!是一种格式。", "%!PS见附言。"] {
            check("办法.txt", text.as_bytes(), Ok(Format::Text));
        }
        check("包", b"BZh91AY&SY\x01", Err("archive"));
        check("包", b"Rar!\x1a\x07\x01", Err("archive"));
        check("图.eps", b"%!PS-Adobe-3.0", Err("PostScript"));
    }
}
