//! What is read of a document, whatever its format: pages, text, tables, and what is no part of these.

use serde::{Deserialize, Serialize};

use super::super::cells::Table;
pub use super::super::format::Document as Kind;

impl Kind {
    /// The kind of this name, as a child is called with it.
    pub fn of(name: &str) -> Option<Kind> {
        [Kind::Pdf, Kind::Docx, Kind::Xlsx]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Pdf => "pdf",
            Kind::Docx => "docx",
            Kind::Xlsx => "xlsx",
        }
    }
}

/// What came out of a file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Extracted {
    /// What the file says its title is, if that is no file name.
    pub title: Option<String>,
    /// Lines of pages, of a format that has only these.
    pub pages: Vec<Vec<String>>,
    /// Text in the convention of `layout`, of a format that has structure.
    pub text: String,
    /// Tables, of a format that has nothing else.
    pub tables: Vec<Table>,
    /// What is visible and no part of the text: reason and text.
    pub left_out: Vec<(String, String)>,
    /// What could not be read, as the end of a sentence.
    pub noticed: Vec<String>,
    /// What was not read although it could be, as a sentence.
    pub passed_over: Vec<String>,
}

/// A reader of one format; those whose crates are young stand behind this.
pub(super) trait Reader {
    /// What the bytes hold, or why they hold nothing.
    fn read(&self, bytes: Vec<u8>) -> Result<Extracted, String>;
}

/// A title out of a file's properties, unless it is what a program puts there.
pub(super) fn stated_title(title: &str) -> Option<String> {
    let title = title.trim().trim_matches('\u{feff}');
    let lower = title.to_lowercase();
    let file_name = [
        ".doc", ".docx", ".pdf", ".wps", ".xls", ".xlsx", ".indd", ".cdr", ".ppt", ".txt", ".dwg",
    ]
    .iter()
    .any(|ending| lower.ends_with(ending));
    let program = [
        "microsoft word",
        "untitled",
        "(anonymous)",
        "无标题",
        "文档1",
        "document",
        "新建",
        "powerpoint",
        "幻灯片",
    ]
    .iter()
    .any(|start| lower.starts_with(start));
    let fits = title.chars().count() >= 2 && title.chars().count() <= 120 && title.chars().any(char::is_alphabetic);
    (fits && !file_name && !program && !title.contains('\u{fffd}')).then(|| title.to_string())
}

/// A reader's reason for leaving something out; another process said it, so it is looked up.
pub(in super::super) fn reason(said: &str) -> &'static str {
    let known = ["table of contents", "hidden", "struck out", "running head", "comment"];
    known
        .into_iter()
        .find(|known| *known == said)
        .unwrap_or("beside the text")
}
