//! Counts of articles by publisher, place, year and kind, from the terms that filters look up: each term's passages
//! among those let through, an article once.

use tantivy::SegmentReader;
use tantivy::schema::{Field, IndexRecordOption};

use super::filter::FilteredSegment;
use super::segment::Segment;
use super::snapshot::EmbeddedSnapshot;
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::index::facets::FacetCounts;
use crate::model::{ArticleKind, Filter};

const COUNTING: &str = "counting articles";

impl EmbeddedSnapshot {
    /// See [`Snapshot`](crate::index::Snapshot).
    ///
    /// # Errors
    /// `Corrupt` if the index is damaged, `Deadline`.
    pub fn facets(&self, filter: &Filter, budget: Budget) -> Result<FacetCounts> {
        let filtered = self.filters.bind(self.searcher(), self.fields(), filter, budget)?;
        let fields = self.fields();
        let mut counts = FacetCounts::default();
        for ((segment, reader), allowed) in self
            .segments()
            .iter()
            .zip(self.searcher().segment_readers())
            .zip(&filtered.segments)
        {
            if allowed.count == 0 {
                continue;
            }
            let mut articles = Articles::new(segment, reader, allowed);
            counts.articles += articles.distinct(0..reader.max_doc());
            articles.by_term(fields.source, budget, |term, count| {
                *counts.sources.entry(text(term)).or_default() += count;
            })?;
            articles.by_term(fields.regions, budget, |term, count| {
                *counts.regions.entry(text(term)).or_default() += count;
            })?;
            articles.by_term(fields.years, budget, |term, count| {
                // As tantivy writes a number of 64 bits: the largest byte first.
                let year = term.iter().fold(0u64, |year, &byte| year << 8 | u64::from(byte));
                if let Ok(year) = u16::try_from(year) {
                    *counts.years.entry(year).or_default() += count;
                }
            })?;
            articles.by_term(fields.kind, budget, |term, count| {
                if let Some(kind) = ArticleKind::named(&text(term)) {
                    *counts.kinds.entry(kind).or_default() += count;
                }
            })?;
        }
        Ok(counts)
    }
}

/// Counts the articles of one segment.
struct Articles<'a> {
    segment: &'a Segment,
    reader: &'a SegmentReader,
    allowed: &'a FilteredSegment,
    /// By article, the count that it was last seen in.
    seen: Vec<u32>,
    counts: u32,
}

impl<'a> Articles<'a> {
    fn new(segment: &'a Segment, reader: &'a SegmentReader, allowed: &'a FilteredSegment) -> Self {
        Articles {
            segment,
            reader,
            allowed,
            seen: vec![0; segment.most_articles()],
            counts: 0,
        }
    }

    /// How many articles these passages are of, those that are let through.
    fn distinct(&mut self, docs: impl Iterator<Item = u32>) -> u64 {
        self.counts += 1;
        let mut distinct = 0;
        for doc in docs.filter(|&doc| self.allowed.lets(doc)) {
            if let Some(seen) = self.seen.get_mut(self.segment.article(doc) as usize)
                && *seen != self.counts
            {
                *seen = self.counts;
                distinct += 1;
            }
        }
        distinct
    }

    /// Tells `each` every term of a field with how many articles have it.
    fn by_term(&mut self, field: Field, budget: Budget, mut each: impl FnMut(&[u8], u64)) -> Result<()> {
        let reader = self.reader;
        let index = reader.inverted_index(field).or_fault(Fault::Corrupt, COUNTING)?;
        let mut terms = index.terms().stream().or_fault(Fault::Corrupt, COUNTING)?;
        while terms.advance() {
            budget.check()?;
            let postings = index
                .read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)
                .or_fault(Fault::Corrupt, COUNTING)?;
            let mut postings = postings;
            let docs = std::iter::from_fn(|| {
                use tantivy::DocSet as _;
                let doc = postings.doc();
                postings.advance();
                (doc != tantivy::TERMINATED).then_some(doc)
            });
            let count = self.distinct(docs);
            if count > 0 {
                each(terms.key(), count);
            }
        }
        Ok(())
    }
}

fn text(term: &[u8]) -> String {
    String::from_utf8_lossy(term).into_owned()
}
