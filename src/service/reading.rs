//! What becomes of one file that was sent, in core types: it is laid into a folder of its own, read as indexing reads,
//! and taken away again.
//!
//! Runs on the calling thread and may take all its time; the reader keeps its own limits (sizes, a process of its own
//! for documents). Writes to no index.

use std::path::{Path, PathBuf};

use crate::article::{ArticleReader, ReadEvent};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};

/// The longest name of a file, in bytes; file systems take no more than 255.
const MAX_NAME: usize = 200;
/// The folder that it lies in, as ids name it.
const FOLDER: &str = "file";

/// What was read, in its order.
#[derive(Debug, Default)]
pub struct FileRead {
    /// What fits, under the name that the file was given.
    pub events: Vec<ReadEvent>,
    /// How many articles there were.
    pub articles: usize,
    /// How many of all were left off.
    pub left_off: usize,
    /// Characters of all articles, white space aside, and of what was left out of them.
    pub characters: (usize, usize),
}

/// Reads a file of this name and content; about `most` bytes of it are given.
///
/// # Errors
/// `Caller` for a name that is none, `Unavailable` if it cannot be laid down, `Deadline`. That it cannot be read is an
/// event.
pub fn read_file(name: &str, content: &[u8], most: usize, budget: Budget) -> Result<FileRead> {
    check_name(name)?;
    let doing = "laying the file down to read it";
    let holder = tempfile::tempdir().or_fault(Fault::Unavailable, doing)?;
    let folder = holder.path().join(FOLDER);
    std::fs::create_dir(&folder).or_fault(Fault::Unavailable, doing)?;
    let path = folder.join(name);
    std::fs::write(&path, content).or_fault(Fault::Unavailable, doing)?;
    let mut read = FileRead::default();
    let mut bytes = 0;
    for event in ArticleReader::open(&[path])? {
        budget.check()?;
        let event = renamed(event, name);
        match &event {
            ReadEvent::Article(article) => {
                read.articles += 1;
                read.characters.0 += visible(&article.text);
            }
            ReadEvent::LeftOut(_, left) => read.characters.1 += visible(&left.text),
            ReadEvent::Rejected(_) | ReadEvent::Noticed(_) => {}
        }
        let size = size(&event);
        if bytes + size <= most {
            bytes += size;
            read.events.push(event);
        } else {
            read.left_off += 1;
        }
    }
    Ok(read)
}

fn check_name(name: &str) -> Result<()> {
    let is_wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    if name.is_empty() {
        Err(Error::caller("name: is empty").help("the file's name tells its format"))
    } else if name.len() > MAX_NAME {
        Err(Error::caller(format!(
            "name: has {} bytes, at most {MAX_NAME} are allowed",
            name.len()
        )))
    } else if name == "." || name == ".." || name.contains(is_wrong) {
        Err(Error::caller("name: is no name of a file").help("send it without folders and control characters"))
    } else {
        Ok(())
    }
}

/// The same with the file's own name in place of where it was laid.
fn renamed(event: ReadEvent, name: &str) -> ReadEvent {
    match event {
        ReadEvent::LeftOut(_, left) => ReadEvent::LeftOut(PathBuf::from(name), left),
        ReadEvent::Rejected(mut rejected) => {
            rejected.path = Path::new(name).into();
            ReadEvent::Rejected(rejected)
        }
        ReadEvent::Noticed(mut noticed) => {
            noticed.path = Path::new(name).into();
            ReadEvent::Noticed(noticed)
        }
        ReadEvent::Article(article) => ReadEvent::Article(article),
    }
}

/// What it takes in an answer, nearly: an article's text comes whole and in passages.
fn size(event: &ReadEvent) -> usize {
    let room = 200;
    room + match event {
        ReadEvent::Article(article) => {
            let attributes = article.attributes.iter().map(|(name, value)| name.len() + value.len());
            3 * article.text.len() + article.id.len() + article.title.len() + attributes.sum::<usize>()
        }
        ReadEvent::LeftOut(path, left) => path.as_os_str().len() + left.text.len(),
        ReadEvent::Rejected(rejected) | ReadEvent::Noticed(rejected) => {
            rejected.path.as_os_str().len() + rejected.reason.len()
        }
    }
}

/// How many characters a reader sees.
pub fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: &str, most: usize) -> Result<FileRead> {
        read_file(name, content.as_bytes(), most, Budget::single())
    }

    #[test]
    fn a_file_is_read_under_its_own_name() {
        let found = read("办法.md", "# 办法\n\n医保断缴三个月内可以补缴。\n", 1 << 20).unwrap();
        assert_eq!(found.characters, (13, 0), "{found:?}");
        assert!(matches!(&found.events[..], [ReadEvent::Article(article)] if article.id == "file/办法.md"));
        let refused = read("a.md", "", 1 << 20).unwrap();
        assert!(matches!(&refused.events[..], [ReadEvent::Rejected(why)] if why.to_string() == "a.md: is empty"));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let lines: String = (0..100)
            .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"第{n}条\"}}\n"))
            .collect();
        let found = read("a.jsonl", &lines, 3_000).unwrap();
        assert!(!found.events.is_empty() && found.left_off > 50);
        assert_eq!(found.events.len() + found.left_off, 100);
        assert_eq!(found.articles, 100);
        assert_eq!(found.characters.0, 10 * 3 + 90 * 4);
    }

    #[test]
    fn a_name_is_one_or_is_refused() {
        let check = |name: &str| {
            let error = read(name, "文", 1_000).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller, "{name:?}");
            assert!(error.message().starts_with("name: "), "{error}");
        };
        for name in [
            "",
            ".",
            "..",
            "a/b.md",
            "../a.md",
            "/etc/passwd",
            "a\\b.md",
            "a\0.md",
            "a\nb",
        ] {
            check(name);
        }
        check(&"长".repeat(100));
    }
}
