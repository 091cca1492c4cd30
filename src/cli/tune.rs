//! dump
use super::search::Question;
use super::setup;
use crate::error::{Context, Fault, Result};
use crate::eval::{Dataset, Query};
use crate::search::request::SearchRequest;
use clap::Args;
use rayon::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// Fit the ranking's weights to judged questions.
#[derive(Args)]
pub struct Tune {
    /// Folders with queries.jsonl and qrels.tsv (repeat for several).
    #[arg(long, value_name = "DIR", required = true)]
    dataset: Vec<PathBuf>,
    #[command(flatten)]
    index: super::IndexFolder,
    #[command(flatten)]
    question: Question,
    #[arg(long)]
    features: PathBuf,
    #[arg(long)]
    first: Option<usize>,
    #[arg(long, value_delimiter = ',')]
    bm25: Vec<f32>,
}

impl Tune {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let mut opened = setup::open(&self.index.folder)?;
        if let [k1, b_text, b_title, title] = self.bm25[..] {
            let view = opened.index.view().with_params(crate::index::Bm25Params {
                k1,
                b_text,
                b_title,
                title,
            });
            opened.engine = opened
                .engine
                .over(std::sync::Arc::new(Fixed(std::sync::Arc::new(view))));
        }
        let mut out =
            std::io::BufWriter::new(std::fs::File::create(&self.features).or_fault(Fault::Unavailable, "features")?);
        for folder in &self.dataset {
            let mut dataset = Dataset::open(folder, None)?;
            if let Some(first) = self.first {
                dataset = dataset.first(first);
            }
            let queries: Vec<&Query> = dataset.judged().collect();
            let lines = queries.par_iter().map(|query| {
                let list = opened.engine.candidates(&SearchRequest { top_k: Some(10), ..self.question.request(&query.text) })?;
                let rows: Vec<serde_json::Value> = list.iter().map(|c| {
                    let e = &c.evidence;
                    serde_json::json!([&*c.article, c.ordinal, e.words, e.bigrams, e.title, e.coverage, e.bigram_coverage, e.cosine, e.centered, e.length, e.titled as u8])
                }).collect();
                Ok(serde_json::json!({"id": query.id, "text": query.text, "bound": list.first().map(|c| c.lexical_bound), "rows": rows}).to_string())
            }).collect::<Result<Vec<String>>>()?;
            for line in lines {
                writeln!(out, "{line}").or_fault(Fault::Unavailable, "features")?;
            }
        }
        Ok(())
    }
}

struct Fixed(std::sync::Arc<crate::index::View>);
impl crate::index::Backend for Fixed {
    fn snapshot(&self) -> Result<std::sync::Arc<dyn crate::index::Snapshot>> {
        Ok(self.0.clone())
    }
}
