//! `baowen analyze "文本"`: what becomes of a text before it is looked up. As JSON it is the protocol's
//! `AnalyzeResponse`, without `corrected`, which needs an index.

use clap::Args;

use super::print;
use crate::error::Result;
use crate::model::Date;
use crate::search::browse::{Placed, take_apart};
use crate::service::convert::browse;
use crate::text::{Analyzer, QueryTerm, TermOrigin};

/// Show what becomes of a text before it is looked up.
#[derive(Args)]
pub struct Analyze {
    /// The text.
    #[arg(value_name = "TEXT")]
    text: String,
    /// Print as JSON, as the service answers (`AnalyzeResponse`).
    #[arg(long)]
    json: bool,
}

impl Analyze {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let analysis = take_apart(&Analyzer::new()?, &self.text, None, Date::today());
        if self.json {
            return print::json(&browse::analysis(analysis));
        }
        outln!("规范化    {}", analysis.normalized);
        outln!("索引·词    {}", placed(&analysis.words));
        outln!("索引·二元  {}", placed(&analysis.bigrams));
        outln!("查询·词    {}", terms(&analysis.word_terms));
        outln!("查询·二元  {}", terms(&analysis.bigram_terms));
        outln!("不计权     {}", analysis.dropped.join(" "));
        outln!("地区      {}", analysis.regions.join(" "));
        let years: Vec<String> = analysis.years.iter().map(u16::to_string).collect();
        outln!("年份      {}", years.join(" "));
        outln!("句子      {}", analysis.sentences.join(" | "));
        outln!("规则      {}", analysis.fingerprint);
        Ok(())
    }
}

fn placed(tokens: &[Placed]) -> String {
    let shown = tokens
        .iter()
        .map(|t| format!("{}[{}..{}]", t.text, t.span.start, t.span.end));
    shown.collect::<Vec<_>>().join(" ")
}

fn terms(terms: &[QueryTerm]) -> String {
    let shown = terms.iter().map(|t| match t.origin {
        TermOrigin::Synonym => format!("≈{}×{:.2}", t.text, t.weight),
        _ if t.weight == 1.0 => t.text.clone(),
        _ => format!("{}×{:.2}", t.text, t.weight),
    });
    shown.collect::<Vec<_>>().join(" ")
}
