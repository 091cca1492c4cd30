//! `baowen read PATH...`: what becomes of files, before anything is put into an index.
//!
//! Reads as indexing reads and writes nothing.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{print, setup};
use crate::article::{ArticleReader, LeftOut, ReadEvent, Rejected, SplitOptions, split};
use crate::error::{Error, Result};
use crate::model::{Article, ArticleKind};
use crate::text::{Analyzer, Region};

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

/// What was read, and how much of it was kept.
#[derive(Default)]
struct Found {
    articles: Vec<Value>,
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
        let grey = std::io::stdout().is_terminal();
        let mut found = Found::default();
        let (mut articles, mut skipped) = (0usize, 0usize);
        for event in ArticleReader::open(&self.paths)? {
            match event {
                ReadEvent::Article(article) => {
                    articles += 1;
                    found.kept_characters += visible(&article.text);
                    let shown = article_json(&article, &analyzer);
                    match self.json {
                        true => found.articles.push(shown),
                        false => print_article(&article, &shown),
                    }
                }
                ReadEvent::LeftOut(path, left) => {
                    found.left_out_characters += visible(&left.text);
                    match self.json {
                        true => found
                            .left_out
                            .push(json!({ "path": path, "reason": left.reason, "text": left.text })),
                        false => print_left_out(&left, grey),
                    }
                }
                ReadEvent::Noticed(noticed) => match self.json {
                    true => found.noticed.push(rejected_json(&noticed)),
                    false => outln!("注意 {noticed}\n"),
                },
                ReadEvent::Rejected(rejected) => {
                    skipped += 1;
                    match self.json {
                        true => found.skipped.push(rejected_json(&rejected)),
                        false => outln!("未读 {rejected}\n"),
                    }
                }
            }
        }
        if self.json {
            print::json(&json!({
                "articles": found.articles,
                "left_out": found.left_out,
                "skipped": found.skipped,
                "noticed": found.noticed,
                "kept_characters": found.kept_characters,
                "left_out_characters": found.left_out_characters,
            }))?;
        } else {
            outln!(
                "{articles} 篇，保留 {} 字，略去 {} 字，{skipped} 处未读",
                found.kept_characters,
                found.left_out_characters
            );
        }
        match articles {
            0 => Err(Error::unavailable(format!(
                "nothing was read: {skipped} files or records were skipped, each for the reason given"
            ))),
            _ => Ok(()),
        }
    }
}

/// How many characters a reader sees.
fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn rejected_json(rejected: &Rejected) -> Value {
    json!({ "path": rejected.path, "line": rejected.line, "reason": rejected.reason })
}

fn article_json(article: &Article, analyzer: &Analyzer) -> Value {
    let passages = split(article, &SplitOptions::default());
    let named = format!("{}\n{}", article.title, article.text);
    // Those by which it can be filtered, as the index has them.
    let mut about = analyzer.regions(&article.title);
    about.extend(analyzer.regions_named(&article.regions));
    if about.is_empty() {
        about = passages
            .iter()
            .flat_map(|passage| analyzer.regions(&passage.text))
            .collect();
    }
    let mut regions: Vec<String> = Vec::new();
    for name in about.iter().map(Region::key) {
        if !regions.contains(&name) {
            regions.push(name);
        }
    }
    let mut years = article.years.clone();
    for year in analyzer.years(&named, article.published.or_else(setup::today)) {
        if !years.contains(&year) {
            years.push(year);
        }
    }
    json!({
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "url": article.url,
        "source": article.source,
        "published": article.published,
        "kind": article.kind,
        "regions": regions,
        "years": years,
        "attributes": article.attributes,
        "passages": passages.iter().map(|passage| json!({
            "heading": passage.heading,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
        })).collect::<Vec<_>>(),
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
        ("来源", article.source.clone().unwrap_or_default()),
        ("日期", article.published.map(|day| day.to_string()).unwrap_or_default()),
        ("地区", list("regions")),
        ("年份", list("years")),
        ("网址", article.url.clone().unwrap_or_default()),
        (
            "体裁",
            match article.kind {
                ArticleKind::Summary => "摘要".to_string(),
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
        .map(|(name, value)| format!("{name}：{value}"))
        .collect();
    if !facts.is_empty() {
        outln!("  {}", facts.join("  "));
    }
    outln!("{}\n", article.text);
}

/// A text that was left out, grey on a terminal.
fn print_left_out(left: &LeftOut, grey: bool) {
    let (on, off) = if grey { ("\x1b[90m", "\x1b[0m") } else { ("", "") };
    outln!("{on}□ 略去（{}）\n{}{off}\n", left.reason, left.text);
}
