//! `baowen read PATH...`: what becomes of files, before anything is put into an index.
//!
//! Reads as indexing reads and writes nothing.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Value, json};

use super::plural::many;
use super::print;
use crate::article::{ArticleReader, LeftOut, ReadEvent, Rejected};
use crate::error::{Error, Result};
use crate::model::{Article, ArticleKind};
use crate::service::convert::reading;
use crate::service::reading::visible;
use crate::text::Analyzer;

/// Show what becomes of files: the articles in them, what is left out of these and why, what cannot be read.
#[derive(Args)]
pub struct Read {
    /// Files and folders.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// What was read besides articles, and how much of them was kept.
#[derive(Default)]
struct Found {
    articles: usize,
    left_out: Vec<Value>,
    skipped: Vec<Value>,
    noticed: Vec<Value>,
    kept_characters: usize,
    left_out_characters: usize,
}

impl Read {
    /// Runs the command.
    ///
    /// # Errors
    /// If nothing at all could be read.
    pub fn run(&self) -> Result<()> {
        let analyzer = Analyzer::new()?;
        let reader = ArticleReader::open(&self.paths)?;
        let (articles, skipped) = if self.json {
            let told = Told {
                reader: RefCell::new(reader),
                found: RefCell::default(),
                analyzer: &analyzer,
            };
            print::json_as_it_comes(&told)?;
            let found = told.found.into_inner();
            (found.articles, found.skipped.len())
        } else {
            print_all(reader, &analyzer)
        };
        match articles {
            0 => Err(Error::unavailable(format!(
                "nothing was read: {skipped} files or records were skipped, each for the reason given"
            ))),
            _ => Ok(()),
        }
    }
}

/// All that is read as one object. An article is written as it is read and then forgotten: a file may hold any number.
struct Told<'a> {
    reader: RefCell<ArticleReader>,
    found: RefCell<Found>,
    analyzer: &'a Analyzer,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(None)?;
        object.serialize_entry("articles", &Articles(self))?;
        let found = self.found.borrow();
        object.serialize_entry("kept_characters", &found.kept_characters)?;
        object.serialize_entry("left_out", &found.left_out)?;
        object.serialize_entry("left_out_characters", &found.left_out_characters)?;
        object.serialize_entry("noticed", &found.noticed)?;
        object.serialize_entry("skipped", &found.skipped)?;
        object.end()
    }
}

/// The list of articles; what comes between them is put aside.
struct Articles<'a, 'b>(&'a Told<'b>);

impl Serialize for Articles<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let mut found = self.0.found.borrow_mut();
        for event in &mut *self.0.reader.borrow_mut() {
            match event {
                ReadEvent::Article(article) => {
                    found.articles += 1;
                    found.kept_characters += visible(&article.text);
                    list.serialize_element(&article_json(&article, self.0.analyzer))?;
                }
                ReadEvent::LeftOut(path, left) => {
                    found.left_out_characters += visible(&left.text);
                    let left = json!({ "path": path, "reason": left.reason, "text": left.text });
                    found.left_out.push(left);
                }
                ReadEvent::Noticed(noticed) => found.noticed.push(rejected_json(&noticed)),
                ReadEvent::Rejected(rejected) => found.skipped.push(rejected_json(&rejected)),
            }
        }
        list.end()
    }
}

/// Prints all that is read for people. Gives how many articles there were, and how much was skipped.
fn print_all(reader: ArticleReader, analyzer: &Analyzer) -> (usize, usize) {
    let grey = std::io::stdout().is_terminal();
    let (mut articles, mut skipped, mut kept, mut left_out) = (0usize, 0usize, 0usize, 0usize);
    for event in reader {
        match event {
            ReadEvent::Article(article) => {
                articles += 1;
                kept += visible(&article.text);
                print_article(&article, &article_json(&article, analyzer));
            }
            ReadEvent::LeftOut(_, left) => {
                left_out += visible(&left.text);
                print_left_out(&left, grey);
            }
            ReadEvent::Noticed(noticed) => outln!("note: {noticed}\n"),
            ReadEvent::Rejected(rejected) => {
                skipped += 1;
                outln!("not read: {rejected}\n");
            }
        }
    }
    let (read, kept) = (many(articles, "article"), many(kept, "character"));
    outln!("{read}, {kept} kept, {left_out} left out, {skipped} files or records not read");
    (articles, skipped)
}

fn rejected_json(rejected: &Rejected) -> Value {
    json!({ "path": rejected.path, "line": rejected.line, "why": rejected.why.name(), "reason": rejected.reason })
}

/// The shape that a service has for it (`ReadArticle`), with null for what is not known.
fn article_json(article: &Article, analyzer: &Analyzer) -> Value {
    let shown = reading::article(article.clone(), analyzer);
    json!({
        "id": shown.id,
        "title": shown.title,
        "text": shown.text,
        "url": shown.url,
        "source": shown.source,
        "published": shown.published,
        "kind": shown.kind,
        "regions": shown.regions,
        "years": shown.years,
        "attributes": shown.attributes,
        "passages": shown.passages,
    })
}

/// An article for people: what is known of it, then its text.
fn print_article(article: &Article, shown: &Value) {
    outln!("■ {}  {}", article.id, article.title);
    let list = |name: &str| {
        let items = shown[name].as_array().into_iter().flatten();
        let items: Vec<String> = items
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_string))
            .collect();
        items.join("、")
    };
    let facts = [
        ("source", article.source.clone().unwrap_or_default()),
        (
            "published",
            article.published.map(|day| day.to_string()).unwrap_or_default(),
        ),
        ("regions", list("regions")),
        ("years", list("years")),
        ("url", article.url.clone().unwrap_or_default()),
        (
            "kind",
            match article.kind {
                ArticleKind::Summary => "summary".to_string(),
                ArticleKind::Full => String::new(),
            },
        ),
    ];
    let attributes = article
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    let facts: Vec<String> = facts
        .into_iter()
        .chain(attributes)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    if !facts.is_empty() {
        outln!("  {}", facts.join("  "));
    }
    outln!("{}\n", article.text);
}

/// A text that was left out, grey on a terminal.
fn print_left_out(left: &LeftOut, grey: bool) {
    let (on, off) = if grey { ("\x1b[90m", "\x1b[0m") } else { ("", "") };
    out_painted!(on);
    outln!("□ left out ({})\n{}", left.reason, left.text);
    out_painted!(off);
    outln!();
}
