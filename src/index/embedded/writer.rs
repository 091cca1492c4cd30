//! Writing to the embedded engine: one writer at a time, one commit for everything.
//!
//! Takes articles that are prepared; what they say and what their vectors are is made elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::merge_policy::{LogMergePolicy, NoMergePolicy};
use tantivy::{IndexWriter, Term};

use super::document::document;
use super::folder::WriteLock;
use super::guard::guarded;
use super::open::EmbeddedIndex;
use super::snapshot::EmbeddedSnapshot;
use crate::article::limits::{MAX_ID_BYTES, is_unseen};
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::Writer;
use crate::index::passage::PreparedArticle;
use crate::index::source_table::SourceTable;
use crate::model::Origin;

/// Memory tantivy may hold before it writes a segment, in bytes.
const WRITER_MEMORY: usize = 128 << 20;

/// Merges that run at a time beside the writing: each takes a core, and as much memory as its segments' fields.
const MERGES: usize = 1;

/// So many segments of about the same size are joined: each segment costs every search a little, each join writes its
/// passages anew. tantivy's own 8, of sizes within 1.7 of each other, left twice as many segments.
const JOINED: usize = 4;
/// Sizes are about the same within two doublings, so that a large segment keeps its graph while small ones come.
const DOUBLINGS: f64 = 2.0;
/// Segments of fewer passages than this are of one size, and with them those within two doublings of it.
const SMALL: u32 = 250;
/// A segment of which more than this share is deleted is written anew, with those of its size.
const DELETED: f32 = 0.5;

/// What is asked of an article before it is committed.
struct Pending {
    hash: u64,
    origin: Option<Origin>,
}

/// The one writer of an index; see [`Writer`].
pub struct EmbeddedWriter {
    index: Arc<EmbeddedIndex>,
    lock: Arc<WriteLock>,
    writer: IndexWriter,
    /// The last commit: what an article is compared with to see whether it has changed.
    base: Arc<EmbeddedSnapshot>,
    /// Articles given since the last commit; `None` if deleted.
    pending: HashMap<String, Option<Pending>>,
    table: SourceTable,
    /// Whether something that belongs to the next commit could not be written.
    has_failed: bool,
}

impl EmbeddedIndex {
    /// Takes the writer's lock of the folder and writes to this index.
    ///
    /// # Errors
    /// [`Fault::Precondition`] if another program writes, or another generation has taken this one's place.
    pub fn writer(self: &Arc<Self>) -> Result<EmbeddedWriter> {
        let lock = Arc::new(WriteLock::take(self.folder())?);
        if super::folder::current(self.folder())?.as_deref() != Some(self.generation()) {
            return Err(Error::precondition(format!(
                "the index in {} was rebuilt since it was opened",
                self.folder().display()
            ))
            .help("run the command again"));
        }
        self.writer_under(&lock)
    }

    /// Writes to this index under the lock of its folder.
    pub fn writer_under(self: &Arc<Self>, lock: &Arc<WriteLock>) -> Result<EmbeddedWriter> {
        let writer = guarded(self.folder(), || self.tantivy_writer())?;
        self.refresh()?;
        Ok(EmbeddedWriter {
            index: self.clone(),
            lock: lock.clone(),
            writer,
            base: self.current(),
            pending: HashMap::new(),
            table: self.source_table()?,
            has_failed: false,
        })
    }

    fn tantivy_writer(&self) -> Result<IndexWriter> {
        // One thread, so that the same articles make the same segments.
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(MERGES)
            .memory_budget_per_thread(WRITER_MEMORY)
            .build();
        let writer: IndexWriter = self
            .index
            .writer_with_options(options)
            .or_fault(Fault::Unavailable, format!("writing to {}", self.folder().display()))?;
        begin(&writer).or_fault(Fault::Unavailable, format!("writing to {}", self.folder().display()))?;
        Ok(writer)
    }
}

/// What a writer of tantivy's begins with, also after going back to the last commit, which makes a new one.
fn begin(writer: &IndexWriter) -> tantivy::Result<()> {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(JOINED);
    policy.set_level_log_size(DOUBLINGS);
    policy.set_min_layer_size(SMALL);
    policy.set_del_docs_ratio_before_merge(DELETED);
    writer.set_merge_policy(Box::new(policy));
    // A number that no operation gets: the first one is the last commit's own. A deletion of that number counts as done
    // in a segment from which that commit deleted, and as still to be done in others; a merge of both, begun before the
    // next commit, forgets it, and what was deleted would be back.
    writer.run(std::iter::empty::<UserOperation>()).map(drop)
}

impl Writer for EmbeddedWriter {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        match self.pending.get(article_id) {
            Some(pending) => Ok(pending.as_ref().map(|pending| pending.hash)),
            None => self.base.article_hash(article_id),
        }
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        match self.pending.get(article_id) {
            Some(pending) => Ok(pending.as_ref().and_then(|pending| pending.origin.clone())),
            None => self.base.origin(article_id),
        }
    }

    fn source_table(&mut self) -> &mut SourceTable {
        &mut self.table
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        let PreparedArticle {
            article,
            hash,
            passages,
        } = article;
        check_article_id(&article.id)?;
        let dimension = self.index.identity().dimension;
        if let Some(passage) = passages.iter().find(|passage| passage.vector.len() != dimension) {
            let given = passage.vector.len();
            return Err(Error::bug(format!(
                "a vector of {given} numbers for an index of {dimension}"
            )));
        }
        // Everything that can fail for this article alone comes before anything is written. The article's operations
        // then go as one: all of its passages are in one segment, and never half of them in a commit.
        let mut operations = vec![UserOperation::Delete(self.id_term(&article.id))];
        for passage in passages {
            let document = document(&self.index.fields, &article, hash, passage)?;
            operations.push(UserOperation::Add(document));
        }
        let doing = || format!("writing the article `{}`", article.id);
        let written = guarded(self.index.folder(), || {
            let refused = self.writer.run(operations).err();
            // It only says that the thread that writes has ended. Why, that thread leaves to whoever commits.
            let why = refused.map(|ended| self.writer.prepare_commit().err().unwrap_or(ended));
            why.map_or(Ok(()), Err).or_fault(Fault::Unavailable, doing())
        });
        self.has_failed |= written.is_err();
        written?;
        let origin = article.origin;
        self.pending.insert(article.id, Some(Pending { hash, origin }));
        Ok(())
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.hash(article_id)?.is_some();
        if was_there {
            self.pending.insert(article_id.to_string(), None);
            self.writer.delete_term(self.id_term(article_id));
        }
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        if self.has_failed {
            return Err(
                Error::precondition("something that belongs to this commit could not be written")
                    .help("take back what was written since the last commit (rollback) and write it again"),
            );
        }
        // What is left after one that failed is not all that it should have been.
        self.has_failed = true;
        self.lock.check()?;
        // The table of sources is the commit's payload, so articles and sources are always of one commit.
        let table = self.table.encoded()?;
        let doing = || format!("committing to {}", self.index.folder().display());
        let stamp = guarded(self.index.folder(), || {
            let mut prepared = self.writer.prepare_commit().or_fault(Fault::Unavailable, doing())?;
            prepared.set_payload(&table);
            prepared.commit().or_fault(Fault::Unavailable, doing())
        })?;
        self.pending.clear();
        self.index.refresh()?;
        self.base = self.index.current();
        self.has_failed = false;
        Ok(stamp)
    }

    fn check(&self) -> Result<()> {
        self.lock.check()
    }

    fn rollback(&mut self) -> Result<u64> {
        self.lock.check()?;
        self.pending.clear();
        let folder = self.index.folder();
        let back = guarded(folder, || {
            let back = self.writer.rollback();
            back.and_then(|_| begin(&self.writer))
                .or_fault(Fault::Unavailable, "going back to the last commit")
        });
        // One that could not go back once never can.
        if back.is_err() {
            self.writer = guarded(folder, || self.index.tantivy_writer())?;
        }
        // The last commit on disk may be one that could not be opened when it was made.
        self.index.refresh()?;
        self.base = self.index.current();
        self.table = self.index.source_table()?;
        self.has_failed = false;
        Ok(self.base.about().commit)
    }
}

impl EmbeddedWriter {
    fn id_term(&self, article_id: &str) -> Term {
        Term::from_field_text(self.index.fields.article_id, article_id)
    }

    /// Says to others that find the index locked who holds it and what they can do; until the writer ends.
    pub fn announce(&self, how: &str) {
        self.lock.announce(how);
    }

    /// Waits for merges in the background and gives the lock back. Uncommitted articles are dropped.
    pub fn finish(self) -> Result<()> {
        let merged = || {
            self.writer
                .wait_merging_threads()
                .or_fault(Fault::Unavailable, "finishing merges")
        };
        guarded(self.index.folder(), merged)?;
        self.index.refresh()?;
        Ok(())
    }

    /// As [`EmbeddedWriter::finish`], and joins all segments into one: one large segment is searched faster than many
    /// small ones.
    pub fn finish_as_one(self) -> Result<()> {
        let (index, _lock) = (self.index.clone(), self.lock.clone());
        // A merge in the background removes segments; one of all segments that runs at the same time would be dropped.
        // tantivy waits for merges only where a writer ends.
        self.finish()?;
        let doing = "merging segments";
        let segments = || index.index.searchable_segment_ids().or_fault(Fault::Corrupt, doing);
        if segments()?.len() < 2 {
            return Ok(());
        }
        guarded(index.folder(), || {
            let mut writer = index.tantivy_writer()?;
            writer.set_merge_policy(Box::new(NoMergePolicy));
            writer.merge(&segments()?).wait().or_fault(Fault::Unavailable, doing)?;
            writer.wait_merging_threads().or_fault(Fault::Unavailable, doing)
        })?;
        index.refresh()?;
        Ok(())
    }
}

/// Refuses an article id that cannot be a term of the index.
///
/// # Errors
/// `Caller`, beginning with the name of an article's field: `id: is empty`.
pub fn check_article_id(id: &str) -> Result<()> {
    if id.trim().is_empty() {
        return Err(Error::caller("id: is empty"));
    }
    if id.len() > MAX_ID_BYTES {
        return Err(Error::caller(format!(
            "id: `{}...` has {} bytes, at most {MAX_ID_BYTES} are allowed",
            id.chars().take(40).collect::<String>(),
            id.len()
        )));
    }
    if id.chars().any(|c| c.is_control() || is_unseen(c)) {
        return Err(Error::caller(format!(
            "id: {id:?} holds a control character, or one that turns the direction of writing round"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::compute::Budget;
    use crate::embed::HashEmbedder;
    use crate::index::backend::Snapshot as _;
    use crate::index::component;
    use crate::index::ingest::Ingest;
    use crate::index::prepare::Rules;
    use crate::model::Article;
    use crate::text::Analyzer;

    /// An empty index without vectors, and what writes to it.
    fn words_alone(folder: &Path) -> (Arc<EmbeddedIndex>, Ingest) {
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: None,
        };
        let index = EmbeddedIndex::create(folder, &rules.identity()).unwrap();
        let ingest = Ingest::open(&index, rules).unwrap();
        (index, ingest)
    }

    /// Deletes an article first of all with a writer that `begin` was done with, and joins all segments before it
    /// commits. Gives the ids that are left of a, b1 and b2, of which the last commit before deleted b2.
    fn left_after_a_first_deletion(begin: impl FnOnce(&mut EmbeddedWriter)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let (index, ingest) = words_alone(folder.path());
        for ids in [&["a"][..], &["b1", "b2"]] {
            let articles = ids.iter().map(|id| Article {
                id: (*id).into(),
                text: "医保断缴".into(),
                ..Article::default()
            });
            let taken = ingest.upsert(articles.collect(), Budget::single());
            assert!(taken.iter().all(Result::is_ok), "{taken:?}");
            ingest.commit().unwrap();
        }
        ingest.delete(["b2"]).unwrap();
        ingest.commit().unwrap();
        drop(ingest);

        let mut writer = index.writer().unwrap();
        begin(&mut writer);
        writer.writer.set_merge_policy(Box::new(NoMergePolicy));
        assert!(writer.delete("b1").unwrap());
        let mut segments = index.index.searchable_segment_metas().unwrap();
        segments.sort_by_key(|segment| segment.has_deletes());
        let segments: Vec<_> = segments.iter().map(|segment| segment.id()).collect();
        assert_eq!(segments.len(), 2);
        writer.writer.merge(&segments).wait().unwrap();
        writer.commit().unwrap();
        index.current().article_ids(Budget::single()).unwrap()
    }

    /// In the midst of files that are too long to be compared as they are opened.
    #[test]
    fn a_merge_copies_no_damage() {
        for extension in ["vec", "win"] {
            let folder = tempfile::tempdir().unwrap();
            let rules = Rules {
                analyzer: Arc::new(Analyzer::new().unwrap()),
                embedder: Some(Arc::new(HashEmbedder::new(8_192))),
            };
            let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
            let ingest = Ingest::open(&index, rules).unwrap();
            // So long that each has windows.
            let sentence = "断缴以后三个月内补缴的，待遇不受影响，超过三个月的要重新计算等待期。";
            for segment in 0..2 {
                let articles = (0..110).map(|number| Article {
                    id: format!("{segment}-{number}"),
                    text: format!("{number}{}", sentence.repeat(12)),
                    ..Article::default()
                });
                let taken = ingest.upsert(articles.collect(), Budget::single());
                assert!(taken.iter().all(Result::is_ok), "{taken:?}");
                ingest.commit().unwrap();
            }
            drop(ingest);
            let generation = index.generation().to_path_buf();
            drop(index);
            let files = std::fs::read_dir(generation.join("segments")).unwrap();
            let mut files = files.map(|file| file.unwrap().path());
            let damaged = files
                .find(|file| file.extension().is_some_and(|found| found == extension))
                .unwrap();
            let mut bytes = std::fs::read(&damaged).unwrap();
            assert!(bytes.len() > component::PIECE, "{}", bytes.len());
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&damaged, bytes).unwrap();

            let index = EmbeddedIndex::open(folder.path()).unwrap();
            let mut writer = index.writer().unwrap();
            writer.writer.set_merge_policy(Box::new(NoMergePolicy));
            let segments = index.index.searchable_segment_ids().unwrap();
            assert_eq!(segments.len(), 2);
            let error = writer.writer.merge(&segments).wait().unwrap_err().to_string();
            assert!(error.contains("not those that were written"), "{error}");
            assert_eq!(index.current().about().segments, 2, "both are as they were");
        }
    }

    #[test]
    fn many_commits_leave_few_segments() {
        let folder = tempfile::tempdir().unwrap();
        let (index, ingest) = words_alone(folder.path());
        for commit in 0..40 {
            let articles = (0..1 + commit % 3).map(|number| Article {
                id: format!("{commit}-{number}"),
                text: "断缴三个月".into(),
                ..Article::default()
            });
            let taken = ingest.upsert(articles.collect(), Budget::single());
            assert!(taken.iter().all(Result::is_ok), "{taken:?}");
            ingest.commit().unwrap();
        }
        ingest.into_writer().finish().unwrap();
        let about = index.current().about().clone();
        assert_eq!(about.articles, 79);
        // Merges go on beside commits, so that how many are left is not the same each time.
        assert!(about.segments < JOINED as u64, "{} segments", about.segments);
    }

    #[test]
    fn the_first_deletion_of_a_writer_outlives_a_merge() {
        assert_eq!(left_after_a_first_deletion(|_| ()), ["a"]);
        let rolled_back = |writer: &mut EmbeddedWriter| {
            writer.rollback().unwrap();
        };
        assert_eq!(left_after_a_first_deletion(rolled_back), ["a"]);
    }
}
