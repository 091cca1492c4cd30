//! `baowen delete`: articles out of an index, by id, by source, or by what they are about.

use std::collections::BTreeSet;

use clap::Args;

use super::options::{Credentials, IndexFolder, parse_day, parse_kind};
use super::plural::many;
use super::{print, remote};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::ingest::selection::{Selected, Selection};
use crate::index::{Backend, EmbeddedIndex, Writer};
use crate::model::{ArticleKind, Date, Filter};
use crate::search::understood;
use crate::service::convert::articles;
use crate::service::index_client::IndexClient;
use crate::text::Analyzer;

/// Take articles out of an index. What is named here must all hold for an article to go.
#[derive(Args)]
pub struct Delete {
    /// Ids of articles.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Take them out of the index of the service at this address, which was started with `--write`.
    #[arg(long, value_name = "HOST:PORT")]
    #[cfg_attr(feature = "milvus", arg(conflicts_with = "address"))]
    addr: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
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
    /// Whole articles, or summaries.
    #[arg(long, value_parser = parse_kind, value_name = "full|summary")]
    kind: Vec<ArticleKind>,
    /// Articles published on this day or later.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: Option<Date>,
    /// Articles published on this day or earlier.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<Date>,
    /// Show what would go, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON, as the service answers (`DeleteArticlesResponse`).
    #[arg(long)]
    json: bool,
}

/// What went, or would.
struct Gone {
    /// How many articles.
    count: usize,
    /// Their ids, sorted; of a service as many as it names.
    ids: BTreeSet<String>,
    /// The commit that made it durable.
    commit: Option<u64>,
}

impl Gone {
    fn new(ids: BTreeSet<String>, commit: Option<u64>) -> Self {
        let count = ids.len();
        Gone { count, ids, commit }
    }
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
            kinds: self.kind.clone(),
            ..Filter::default()
        };
        let selection = Selection {
            ids: self.ids.clone(),
            source: self.source.clone(),
            filter,
        };
        if selection.is_empty() {
            return Err(Error::caller("nothing says what to delete").help(
                "name ids, --source, --publisher, --region, --year, --kind, --from or --to; --dry-run shows what would go",
            ));
        }
        let Gone { count, ids, commit } = match &self.addr {
            Some(addr) => self.delete_there(addr, &selection)?,
            None => self.delete_here(selection)?,
        };
        if self.json {
            return print::json(&articles::deleted(count, ids, commit));
        }
        let what = if self.dry_run { "would be deleted" } else { "deleted" };
        outln!("{} {what}", many(count, "article"));
        for id in &ids {
            outln!("  {id}");
        }
        if let more @ 1.. = count.saturating_sub(ids.len()) {
            outln!("  and {more} more");
        }
        if !self.dry_run && count > 0 {
            outln!(
                "What is still in its folder or file comes back with the next `baowen index` of it; take it out there too."
            );
        }
        Ok(())
    }

    /// Takes articles out of an index here.
    fn delete_here(&self, selection: Selection) -> Result<Gone> {
        let selection = Selection {
            filter: understood(&selection.filter, &Analyzer::new()?)?,
            ..selection
        };
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            let interruptible = super::interrupted::Interruptible::begin()?;
            let index = super::milvus::without_model(address)?;
            interruptible.gives_back(&index);
            // Who writes knows the newest commit.
            let writer = (!self.dry_run).then(|| index.clone().writer()).transpose()?;
            let found = self.find(&*index, &selection, &super::milvus::shown(address))?;
            let commit = match writer {
                Some(mut writer) => Some(self.write(&mut *writer, &selection, &found)?),
                None => None,
            };
            return Ok(Gone::new(found, commit));
        }
        let index = EmbeddedIndex::open(&self.index.folder)?;
        // As above; the folder's own, which can finish what it began.
        let writer = (!self.dry_run).then(|| EmbeddedIndex::writer(&index)).transpose()?;
        let found = self.find(&*index, &selection, &self.index.folder.display().to_string())?;
        let commit = match writer {
            Some(mut writer) => {
                let commit = self.write(&mut writer, &selection, &found)?;
                writer.finish()?;
                Some(commit)
            }
            None => None,
        };
        Ok(Gone::new(found, commit))
    }

    /// What is named in an index; refused if nothing is.
    fn find(&self, index: &dyn Backend, selection: &Selection, place: &str) -> Result<BTreeSet<String>> {
        let selected = selection.find(&*index.snapshot()?, Budget::all())?;
        self.check_all_there(&selected, place)?;
        let is_known = |name: &String| index.sources().is_ok_and(|sources| sources.get(name).is_some());
        if selected.found.is_empty() && !self.source.as_ref().is_some_and(is_known) {
            return Err(nothing_so(place).help(known(&index.sources()?)));
        }
        Ok(selected.found)
    }

    /// Takes out what was found; the commit that made it durable.
    fn write(&self, writer: &mut dyn Writer, selection: &Selection, found: &BTreeSet<String>) -> Result<u64> {
        for id in found {
            writer.delete(id)?;
        }
        if let Some(source) = self.source.as_ref().filter(|_| selection.is_source()) {
            writer.sources().remove(source);
        }
        writer.commit()
    }

    /// Takes articles out of the index of a running service.
    fn delete_there(&self, addr: &str, selection: &Selection) -> Result<Gone> {
        let options = self.credentials.at(addr)?;
        let there = async {
            let mut client = IndexClient::connect(options).await?;
            let shown = match client.delete(selection, true).await {
                // Said of the source alone: nothing else is looked for by name.
                Err(error) if error.fault() == Fault::Missing && self.source.is_some() => {
                    return Err(nothing_so(addr).help(known(&client.sources().await?)));
                }
                selected => selected?,
            };
            self.check_all_there(&shown.selected, addr)?;
            if shown.count == 0 && !selection.is_source() {
                return Err(nothing_so(addr).help(known(&client.sources().await?)));
            }
            if self.dry_run {
                Ok(shown)
            } else {
                client.delete(selection, false).await
            }
        };
        let deleted = remote::runtime()?.block_on(there)?;
        Ok(Gone {
            count: deleted.count,
            ids: deleted.selected.found,
            commit: deleted.commit,
        })
    }

    /// Refuses ids that are not there before anything is deleted: one of them is a slip.
    fn check_all_there(&self, selected: &Selected, place: &str) -> Result<()> {
        let Some(id) = selected.missing.first() else {
            return Ok(());
        };
        let by_more = self.ids.len() < self.named();
        Err(Error::missing(format!(
            "there is no article `{id}` in {place}{}",
            if by_more { " for which the rest holds" } else { "" }
        ))
        .help("nothing was deleted; `baowen search` and `baowen index --json` name ids"))
    }

    /// How many things are named.
    fn named(&self) -> usize {
        let days = [self.from, self.to].into_iter().flatten().count();
        let lists = self.publisher.len() + self.region.len() + self.year.len();
        self.ids.len() + usize::from(self.source.is_some()) + lists + days
    }
}

fn nothing_so(place: &str) -> Error {
    Error::missing(format!("nothing in {place} is so"))
}

/// The sources that there are.
fn known(sources: &Sources) -> String {
    let names: Vec<String> = sources
        .iter()
        .map(|source| format!("`{}` ({})", source.name, source.place()))
        .collect();
    if names.is_empty() {
        "the index has no sources".into()
    } else {
        format!("its sources are {}", names.join(", "))
    }
}
