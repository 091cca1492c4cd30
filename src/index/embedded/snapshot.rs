//! One commit of the embedded engine, opened for searching. Never changes but for derived files that appear; a newer
//! commit is another snapshot.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet, Searcher, Term};

use super::filter::FilterCache;
use super::guard::guarded;
use super::schema::Fields;
use super::segment::Segment;
use crate::compute::ScratchPool;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::About;
use crate::index::graph::Scratch;
use crate::index::lexical::bound::Collection;
use crate::index::passage::{Identity, StoredPassage};
use crate::profile::Bm25Params;

/// The stream of bigrams, in which [`EmbeddedSnapshot::holding`] looks terms up.
const BIGRAMS: usize = 1;

/// The implementation of [`Snapshot`](crate::index::Snapshot) by the embedded engine.
pub struct EmbeddedSnapshot {
    searcher: Searcher,
    fields: Fields,
    about: About,
    /// Where the index lies, for errors.
    folder: PathBuf,
    collection: Arc<Collection>,
    pub(super) filters: FilterCache,
    pub(super) scratches: Arc<ScratchPool<Scratch>>,
}

impl EmbeddedSnapshot {
    /// Opens the searcher's segments, taking over those that `before` has open already.
    ///
    /// # Errors
    /// `Corrupt` if a segment is damaged.
    pub(super) fn open(
        searcher: Searcher,
        fields: Fields,
        identity: Identity,
        commit: u64,
        bm25: Bm25Params,
        derived: &Path,
        before: Option<&EmbeddedSnapshot>,
    ) -> Result<Self> {
        let known: HashMap<_, _> = before
            .iter()
            .flat_map(|before| before.segments())
            .filter(|segment| !segment.is_outdated())
            .map(|segment| (segment.id(), segment))
            .collect();
        let mut segments: Vec<Arc<Segment>> = Vec::new();
        let mut articles = 0;
        for reader in searcher.segment_readers() {
            let segment = match known.get(&reader.segment_id()) {
                Some(&segment) => segment.clone(),
                None => Arc::new(Segment::open(reader, &fields, derived)?),
            };
            articles += segment.articles(reader);
            segments.push(segment);
        }
        let (workspaces, scratches) = match before {
            Some(before) => (before.collection.workspaces.clone(), before.scratches.clone()),
            None => (Arc::default(), Arc::default()),
        };
        Ok(EmbeddedSnapshot {
            about: About {
                articles,
                passages: searcher.num_docs(),
                segments: segments.len() as u64,
                graphs: segments.iter().filter(|segment| segment.graph().is_some()).count() as u64,
                bytes: segments.iter().map(|segment| segment.bytes).sum(),
                commit,
                identity,
            },
            collection: Arc::new(Collection::new(segments, bm25, workspaces)),
            // The derived files lie in a folder of the generation, which lies in that of the index.
            folder: derived.ancestors().nth(2).unwrap_or(derived).to_path_buf(),
            searcher,
            fields,
            filters: FilterCache::default(),
            scratches,
        })
    }

    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Runs work that reads this commit's files; see [`guarded`].
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        guarded(&self.folder, work)
    }

    /// tantivy's own searcher.
    pub(super) fn searcher(&self) -> &Searcher {
        &self.searcher
    }

    /// Handles of the fields.
    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The segments, in the searcher's order.
    pub(in crate::index) fn segments(&self) -> &[Arc<Segment>] {
        &self.collection.segments
    }

    /// The segments as ranking by words sees them.
    pub(in crate::index) fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// The fingerprint of an article as it was written; `None` if there is no such article.
    ///
    /// # Errors
    /// `Corrupt` if the index is damaged.
    pub fn article_hash(&self, id: &str) -> Result<Option<u64>> {
        let found = self.find(id, |_, _| true)?;
        Ok(found.and_then(|found| self.segments()[found.segment_ord as usize].article_hash(found.doc_id)))
    }

    /// See [`Snapshot`](crate::index::Snapshot).
    ///
    /// # Errors
    /// `Corrupt` if the index is damaged.
    pub fn holding(&self, terms: &[&str]) -> Result<Vec<u64>> {
        let holding = |term: &&str| self.collection.holding(BIGRAMS, term);
        self.guarded(|| terms.iter().map(holding).collect())
    }

    /// A passage of an article that is there and wanted.
    pub(super) fn find(&self, article: &str, wanted: impl Fn(&Segment, u32) -> bool) -> Result<Option<DocAddress>> {
        let mut found = None;
        self.guarded(|| {
            self.each_passage(article, |segment, address| {
                let is_wanted = wanted(segment, address.doc_id);
                found = is_wanted.then_some(address);
                !is_wanted
            })
        })?;
        Ok(found)
    }

    /// All passages of an article, in no particular order.
    pub(super) fn find_all(&self, article: &str) -> Result<Vec<DocAddress>> {
        let mut found = Vec::new();
        self.guarded(|| {
            self.each_passage(article, |_, address| {
                found.push(address);
                true
            })
        })?;
        Ok(found)
    }

    /// Tells `each` the passages of an article until it says no.
    fn each_passage(&self, article: &str, mut each: impl FnMut(&Segment, DocAddress) -> bool) -> Result<()> {
        let term = Term::from_field_text(self.fields.article_id, article);
        let readers = self.searcher.segment_readers().iter();
        for (number, (reader, segment)) in (0..).zip(readers.zip(self.segments())) {
            let postings = reader
                .inverted_index(self.fields.article_id)
                .or_fault(Fault::Corrupt, "looking up an article")?
                .read_postings(&term, IndexRecordOption::Basic)
                .or_fault(Fault::Corrupt, "looking up an article")?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != tantivy::TERMINATED {
                let doc = postings.doc();
                let is_there = !reader.is_deleted(doc) && doc < segment.rows;
                if is_there && !each(segment, DocAddress::new(number, doc)) {
                    return Ok(());
                }
                postings.advance();
            }
        }
        Ok(())
    }

    /// A passage as it is shown.
    pub(super) fn stored(&self, segment: u32, doc: u32) -> Result<StoredPassage> {
        let stored: FirstStored = self
            .searcher
            .doc(DocAddress::new(segment, doc))
            .or_fault(Fault::Corrupt, "reading a stored passage")?;
        let (_, stored) = stored
            .0
            .filter(|(field, _)| *field == self.fields.passage)
            .ok_or_else(|| Error::corrupt("a stored passage is missing"))?;
        serde_json::from_str(&stored).or_fault(Fault::Corrupt, "decoding a stored passage")
    }
}

/// What a document begins with: the passage as it is shown. Behind it an article's first passage has the whole article,
/// which need not be read to show the passage.
struct FirstStored(Option<(Field, String)>);

impl DocumentDeserialize for FirstStored {
    fn deserialize<'de, D: DocumentDeserializer<'de>>(mut document: D) -> Result<Self, DeserializeError> {
        document.next_field().map(FirstStored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Budget;
    use crate::index::ingest::Ingest;
    use crate::index::{EmbeddedIndex, Rules};
    use crate::model::Article;
    use crate::text::Analyzer;

    #[test]
    fn a_commit_opens_the_segments_that_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: None,
        };
        let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
        let ingest = Ingest::open(&index, rules).unwrap();
        let commit = |ids: [&str; 2], gone: &str| {
            let articles = ids.map(|id| Article {
                id: id.into(),
                text: format!("医保 {id}"),
                ..Article::default()
            });
            assert!(
                ingest
                    .upsert(articles.to_vec(), Budget::single())
                    .iter()
                    .all(Result::is_ok)
            );
            ingest.delete([gone]).unwrap();
            ingest.commit().unwrap();
            index.current()
        };
        let first = commit(["a", "b"], "nobody");
        let second = commit(["c", "d"], "a");
        assert_eq!((first.about().articles, second.about().articles), (2, 3));
        assert_eq!((first.segments().len(), second.segments().len()), (1, 2));
        let same = |segment: &&Arc<Segment>| Arc::ptr_eq(segment, &first.segments()[0]);
        assert_eq!(second.segments().iter().filter(same).count(), 1);
    }
}
