//! `baowen read PATH...`: what becomes of files, before anything is put into an index.
//!
//! Reads as indexing reads and writes nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{print, setup};
use crate::article::{ArticleReader, ReadEvent, SplitOptions, split};
use crate::error::Result;
use crate::model::Article;
use crate::text::Analyzer;

/// Show what becomes of files: the articles in them, what is left out of these, what cannot be read.
#[derive(Args)]
pub struct Read {
    /// Files and folders.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Read {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let analyzer = Analyzer::new()?;
        let (mut articles, mut left_out, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for event in ArticleReader::open(&self.paths)? {
            match event {
                ReadEvent::Article(article) => articles.push(article),
                ReadEvent::LeftOut(path, left) => left_out.push((path, left)),
                ReadEvent::Noticed(noticed) => eprintln!("{noticed}"),
                ReadEvent::Rejected(rejected) => skipped.push(rejected),
            }
        }
        if self.json {
            return print::json(&json!({
                "articles": articles.iter().map(|article| article_json(article, &analyzer)).collect::<Vec<_>>(),
                "left_out": left_out.iter()
                    .map(|(path, left)| json!({ "path": path, "reason": left.reason, "text": left.text }))
                    .collect::<Vec<_>>(),
                "skipped": skipped.iter()
                    .map(|r| json!({ "path": r.path, "line": r.line, "reason": r.reason }))
                    .collect::<Vec<_>>(),
            }));
        }
        for article in &articles {
            println!("{}  {}", article.id, article.title);
            println!("{}\n", article.text);
        }
        for (path, left) in &left_out {
            println!("{} ({})\n{}\n", path.display(), left.reason, left.text);
        }
        for rejected in &skipped {
            eprintln!("{rejected}");
        }
        Ok(())
    }
}

fn article_json(article: &Article, analyzer: &Analyzer) -> Value {
    // Counted in characters here; an index cuts by the tokens of its model.
    let passages = split(article, &|text| text.chars().count(), &SplitOptions::default());
    let named = format!("{}\n{}", article.title, article.text);
    json!({
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "url": article.url,
        "source": article.source,
        "published": article.published,
        "kind": article.kind,
        "regions": analyzer.regions(&named).iter()
            .map(|region| region.city.as_ref().unwrap_or(&region.province))
            .collect::<Vec<_>>(),
        "years": analyzer.years(&named, article.published.or_else(setup::today)),
        "passages": passages.iter().map(|passage| json!({
            "heading": passage.heading,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
        })).collect::<Vec<_>>(),
    })
}
