//! `baowen analyze "文本"`: what becomes of a text before it is looked up.

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::Result;
use crate::model::Date;
use crate::text::{Analyzer, QueryTerm, Region, TermOrigin, Token, sentences};

/// Show what becomes of a text before it is looked up.
#[derive(Args)]
pub struct Analyze {
    /// The text.
    #[arg(value_name = "文本")]
    text: String,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Analyze {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let analyzer = Analyzer::new()?;
        let document = analyzer.document(&self.text);
        let query = analyzer.query(&self.text);
        let split: Vec<&str> = sentences(&self.text)
            .into_iter()
            .map(|range| &self.text[range])
            .collect();
        let years = analyzer.years(&self.text, Date::today());
        if self.json {
            return print::json(&json!({
                "fingerprint": analyzer.fingerprint(),
                "normalized": query.normalized,
                "document": { "words": document.words, "bigrams": document.bigrams },
                "query": query,
                "years": years,
                "sentences": split,
            }));
        }
        outln!("规范化    {}", query.normalized);
        outln!("索引·词    {}", tokens(&document.words));
        outln!("索引·二元  {}", tokens(&document.bigrams));
        outln!("查询·词    {}", terms(&query.words));
        outln!("查询·二元  {}", terms(&query.bigrams));
        outln!("不计权     {}", query.dropped.join(" "));
        let regions: Vec<String> = query.regions.iter().map(Region::key).collect();
        outln!("地区      {}", regions.join(" "));
        outln!(
            "年份      {}",
            years.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
        );
        outln!("句子      {}", split.join(" | "));
        outln!("规则      {}", analyzer.fingerprint());
        Ok(())
    }
}

fn tokens(tokens: &[Token]) -> String {
    let shown = tokens.iter().map(|t| format!("{}[{}..{}]", t.text, t.start, t.end));
    shown.collect::<Vec<_>>().join(" ")
}

fn terms(terms: &[QueryTerm]) -> String {
    let shown = terms.iter().map(|t| match t.origin {
        TermOrigin::Synonym => format!("≈{}×{}", t.text, t.weight),
        _ if t.weight == 1.0 => t.text.clone(),
        _ => format!("{}×{}", t.text, t.weight),
    });
    shown.collect::<Vec<_>>().join(" ")
}
