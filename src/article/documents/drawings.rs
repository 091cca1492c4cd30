//! The words in what is drawn in an office document: boxes over a sheet, charts, diagrams.
//!
//! Only gathers them, so that they are named among what is left out; what cannot be read of them is no reason to refuse
//! the document.

use super::archive::{open, part};
use super::xml::{Step, walk};

/// The words in the parts whose names begin so, a paragraph a line, each once.
pub(super) fn drawn(bytes: &[u8], folders: &[&str]) -> Option<String> {
    let mut archive = open(bytes).ok()?;
    let is_drawn = |name: &str| name.ends_with(".xml") && folders.iter().any(|folder| name.starts_with(folder));
    let names = archive.file_names().flatten().map(|name| name.into_owned());
    let mut names: Vec<String> = names.filter(|name| is_drawn(name)).collect();
    names.sort();
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        let Ok(Some(text)) = part(&mut archive, &name) else {
            continue;
        };
        let (mut is_inside, mut line) = (false, String::new());
        let _ = walk(&text, |step| {
            match step {
                Step::Open(_, "t") => is_inside = true,
                Step::Close("t") => is_inside = false,
                Step::Text(text) if is_inside => line.push_str(text),
                Step::Close("p") if !line.trim().is_empty() => lines.push(std::mem::take(&mut line)),
                _ => {}
            }
            Ok(())
        });
    }
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}
