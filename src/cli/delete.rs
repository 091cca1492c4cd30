//! `baowen delete`: articles out of an index, by id, by source, or by what they are about.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::options::IndexFolder;
use super::print;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::{EmbeddedIndex, Writer};
use crate::model::{Date, Filter};
use crate::search::understood;
use crate::text::Analyzer;

/// Take articles out of an index. What is named here must all hold for an article to go.
#[derive(Args)]
pub struct Delete {
    /// Ids of articles.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    index: IndexFolder,
    /// Articles that were read from this source; its name is free afterwards.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Articles published by this publisher. May be given more than once.
    #[arg(long, value_name = "NAME")]
    publisher: Vec<String>,
    /// Articles about this region alone. May be given more than once.
    #[arg(long, value_name = "NAME")]
    region: Vec<String>,
    /// Articles of which every passage is about this year. May be given more than once.
    #[arg(long, value_name = "YEAR")]
    year: Vec<u16>,
    /// Articles published on this day or later.
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// Articles published on this day or earlier.
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// Show what would go, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Delete {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let filter = Filter {
            sources: self.publisher.clone(),
            regions: self.region.clone(),
            years: self.year.clone(),
            published_from: self.from,
            published_to: self.to,
            ..Filter::default()
        };
        let filter = &understood(&filter, &Analyzer::new()?)?;
        if self.ids.is_empty() && self.source.is_none() && filter.is_empty() {
            return Err(Error::caller("nothing says what to delete").help(
                "name ids, --source, --publisher, --region, --year, --from or --to; --dry-run shows what would go",
            ));
        }
        let index = EmbeddedIndex::open(&self.index.folder)?;
        let ids = self.select(&index, filter)?;
        if !self.dry_run {
            let mut writer = index.writer()?;
            for id in &ids {
                writer.delete(id)?;
            }
            if let Some(source) = self
                .source
                .as_ref()
                .filter(|_| self.ids.is_empty() && filter.is_empty())
            {
                writer.sources().remove(source);
            }
            writer.commit()?;
            writer.finish()?;
        }
        if self.json {
            return print::json(&json!({ "deleted": ids, "dry_run": self.dry_run }));
        }
        let what = if self.dry_run { "would be deleted" } else { "deleted" };
        outln!("{} articles {what}", ids.len());
        for id in &ids {
            outln!("  {id}");
        }
        if !self.dry_run && !ids.is_empty() {
            outln!(
                "What is still in its folder or file comes back with the next `baowen index` of it; take it out there too."
            );
        }
        Ok(())
    }

    /// The ids of what is named, sorted.
    fn select(&self, index: &EmbeddedIndex, filter: &Filter) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let named: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        index.current().origins(Budget::all(), &mut |id, origin| {
            let of_source = |name: &String| origin.as_ref().is_some_and(|origin| origin.source == *name);
            if (named.is_empty() || named.contains(id)) && self.source.as_ref().is_none_or(of_source) {
                found.insert(id.to_string());
            }
            Ok(())
        })?;
        if !filter.is_empty() {
            let held = index.current().wholly(filter, Budget::all())?;
            found.retain(|id| held.contains(id));
        }
        if let Some(id) = self.ids.iter().find(|id| !found.contains(*id)) {
            return Err(Error::missing(format!(
                "there is no article `{id}` in {}{}",
                self.index.folder.display(),
                if self.source.is_some() || !filter.is_empty() {
                    " for which the rest holds"
                } else {
                    ""
                }
            ))
            .help("nothing was deleted; `baowen search` and `baowen index --json` name ids"));
        }
        let is_known = |name: &String| index.sources().is_ok_and(|sources| sources.get(name).is_some());
        if found.is_empty() && !self.source.as_ref().is_some_and(is_known) {
            return Err(
                Error::missing(format!("nothing in {} is so", self.index.folder.display())).help(known(index)?),
            );
        }
        Ok(found)
    }
}

/// The sources that there are.
fn known(index: &EmbeddedIndex) -> Result<String> {
    let sources = index.sources()?;
    let names: Vec<String> = sources
        .iter()
        .map(|source| format!("`{}` ({})", source.name, source.place()))
        .collect();
    Ok(match names.is_empty() {
        true => "the index has no sources".into(),
        false => format!("its sources are {}", names.join(", ")),
    })
}
