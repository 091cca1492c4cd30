//! What a commit holds, article by article, without searching: ids with where they were read, whole articles.
//!
//! For whoever compares an index with its sources or makes it anew from itself.

use std::collections::BTreeMap;

use tantivy::columnar::StrColumn;
use tantivy::schema::Value;
use tantivy::{DocAddress, SegmentReader, TantivyDocument};

use super::segment::Segment;
use super::snapshot::EmbeddedSnapshot;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Filter, Origin};

const READING: &str = "reading what the index holds";

/// The columns that say where the articles of a segment were read; none if no article of it was read from a file.
struct Origins(Option<StrColumn>, Option<StrColumn>);

impl Origins {
    fn open(reader: &SegmentReader) -> Result<Origins> {
        let column = |name: &str| reader.fast_fields().str(name).or_fault(Fault::Corrupt, READING);
        Ok(Origins(column("origin_source")?, column("origin_path")?))
    }

    fn of(&self, doc: u32) -> Result<Option<Origin>> {
        let text = |column: &Option<StrColumn>| -> Result<Option<String>> {
            let Some(column) = column else { return Ok(None) };
            let Some(ord) = column.term_ords(doc).next() else {
                return Ok(None);
            };
            let mut text = String::new();
            column.ord_to_str(ord, &mut text).or_fault(Fault::Corrupt, READING)?;
            Ok(Some(text))
        };
        Ok(text(&self.0)?
            .zip(text(&self.1)?)
            .map(|(source, path)| Origin { source, path }))
    }
}

/// Looks at the clock once in some thousand passages.
pub(super) fn check_now_and_then(doc: u32, budget: Budget) -> Result<()> {
    match doc % (1 << 12) {
        0 => budget.check(),
        _ => Ok(()),
    }
}

impl EmbeddedSnapshot {
    /// Each segment with its number and this commit's reader of it, which knows what is deleted.
    fn readers(&self) -> impl Iterator<Item = (u32, &Segment, &SegmentReader)> {
        let readers = self.searcher().segment_readers();
        (0..)
            .zip(self.segments())
            .zip(readers)
            .map(|((number, segment), reader)| (number, &**segment, reader))
    }

    /// Tells `each` the id of every article and where it was read, in no particular order.
    pub fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        for (_, segment, reader) in self.readers() {
            let origins = self.guarded(|| Origins::open(reader))?;
            for doc in reader.doc_ids_alive() {
                check_now_and_then(doc, budget)?;
                let read = || {
                    if segment.is_first(doc) {
                        Ok(Some((segment.key(doc)?.article, origins.of(doc)?)))
                    } else {
                        Ok(None)
                    }
                };
                if let Some((id, origin)) = self.guarded(read)? {
                    each(&id, origin)?;
                }
            }
        }
        Ok(())
    }

    /// Where an article was read; `None` if there is no such article or it came another way than by a file.
    pub fn origin(&self, id: &str) -> Result<Option<Origin>> {
        match self.find(id, Segment::is_first)? {
            Some(found) => {
                let reader = self.searcher().segment_reader(found.segment_ord);
                self.guarded(|| Origins::open(reader)?.of(found.doc_id))
            }
            None => Ok(None),
        }
    }

    /// The ids of the articles of which a passage is let through by a filter, each with how many are.
    pub(super) fn passing(&self, filter: &Filter, budget: Budget) -> Result<BTreeMap<String, u64>> {
        let allowed = self.filters.bind(self.searcher(), self.fields(), filter, budget)?;
        let mut passing = BTreeMap::new();
        for ((_, segment, reader), allowed) in self.readers().zip(&allowed.segments) {
            for doc in reader.doc_ids_alive() {
                check_now_and_then(doc, budget)?;
                if allowed.lets(doc) {
                    *passing.entry(segment.key(doc)?.article.to_string()).or_default() += 1;
                }
            }
        }
        Ok(passing)
    }

    /// Gives `each` every article as it was taken in, in the order of the segments.
    pub fn articles(&self, budget: Budget, each: &mut dyn FnMut(Article) -> Result<()>) -> Result<()> {
        for (number, segment, reader) in self.readers() {
            for doc in reader.doc_ids_alive().filter(|&doc| segment.is_first(doc)) {
                // Each is read from disk and parsed, beside which a look at the clock is nothing.
                budget.check()?;
                each(self.guarded(|| self.article_at(DocAddress::new(number, doc)))?)?;
            }
        }
        Ok(())
    }

    /// The article that is stored with its first passage.
    pub(super) fn article_at(&self, first: DocAddress) -> Result<Article> {
        let document: TantivyDocument = self.searcher().doc(first).or_fault(Fault::Corrupt, READING)?;
        let stored = document
            .get_first(self.fields().article)
            .and_then(|value| value.as_str());
        let stored = stored.ok_or_else(|| Error::corrupt("an article has lost its text").context(READING))?;
        serde_json::from_str(stored).or_fault(Fault::Corrupt, READING)
    }
}
