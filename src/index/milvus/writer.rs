//! Writing to Milvus: rows of the next commit are sent as they come, seen by nobody (`sending`); the commit marks what
//! they replace, counts terms, and writes the one row by which all of it counts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::cleaning::{GRACE, clean, sweep};
use super::collection::{self, Collection};
use super::columns::same_length;
use super::expression::{quoted, visible};
use super::lease::{self, Lease};
use super::open::{MilvusIndex, Writing};
use super::rows::ArticleRows;
use super::schema::{self, Generation};
use super::session::{Known, Session};
use super::snapshot::origin;
use super::state::{State, View, now, sources_key};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::backend::Writer;
use crate::index::passage::{Identity, PreparedArticle};
use crate::index::source_table::SourceTable;
use crate::model::Origin;

/// Up to this many articles a writer knows all fingerprints; of more it asks for each.
const KNOWN: u64 = 300_000;

/// The one writer of an index; see [`Writer`].
pub struct MilvusWriter {
    pub(super) index: Arc<MilvusIndex>,
    pub(super) lease: Lease,
    pub(super) names: Generation,
    /// The last commit, or what a new generation begins with.
    pub(super) state: State,
    pub(super) session: Session,
    /// All articles of the last commit, where they are not too many.
    pub(super) known: Option<HashMap<String, Known>>,
    /// The table of sources at the last commit.
    table: SourceTable,
    /// Commits whose rows may still be read, and since when there is a newer one.
    recent: VecDeque<(u64, Instant)>,
    // Nobody else in this process may begin before the lease is given back, so this stands behind it.
    _writing: Writing,
}

/// What the right to write is taken for.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// To add to what is there, which must be whole.
    Adding,
    /// To write a new generation of this identity beside it.
    Anew(&'a Identity),
    /// To have nobody else write while it is read.
    Reading,
}

impl MilvusWriter {
    /// Takes the right to write, which no other in this process has, and cleans up after who had it before.
    pub(super) fn take(index: Arc<MilvusIndex>, purpose: Purpose<'_>) -> Result<Self> {
        let writing = Arc::clone(&index).begin_writing()?;
        let (lease, mut state) = index.take_lease()?;
        lease.enter(&state)?;
        index.install(state.clone());
        let told = |state: &State| (state.skipped.len(), state.previous.len());
        let before = told(&state);
        let wrong = index.wrong_collections(&state)?;
        if matches!(purpose, Purpose::Adding) && !wrong.is_empty() {
            lease.set_in_peace(true);
            return Err(index.damaged(&wrong));
        }
        // Who reads or replaces what is not whole needs none of what was sent to it in vain taken out.
        if wrong.is_empty() {
            clean(index.client(), &mut state, index.bm25(), &|| lease.budget())?;
        }
        index.remove_unread(&mut state)?;
        if told(&state) != before {
            // Where nobody commits, what is done with would else stay for ever.
            let before = state.stamp;
            state.renew();
            lease.commit(&state, Some(before))?;
            index.install(state.clone());
        }
        // Refused only now, or nobody would ever make them fewer.
        if let Err(error) = state.check_skipped() {
            lease.set_in_peace(true);
            return Err(error);
        }
        let table = index.sources_of(&state)?;
        let names = index.names(&state);
        if state.age() > GRACE {
            // The next commit sweeps again.
            let _ = sweep(index.client(), &names, &state.view(), &|| lease.budget());
        }
        let mut writer = MilvusWriter {
            session: Session::new(&state, &table),
            recent: VecDeque::from([(state.stamp, Instant::now())]),
            known: None,
            index,
            lease,
            names,
            state,
            table,
            _writing: writing,
        };
        match purpose {
            Purpose::Adding => writer.learn_known()?,
            Purpose::Anew(identity) => {
                writer.begin_generation(identity)?;
                writer.learn_known()?;
            }
            Purpose::Reading => {}
        }
        Ok(writer)
    }

    /// Begins a new generation, which counts from the next commit on. What was there stays until somebody writes after
    /// that.
    fn begin_generation(&mut self, identity: &Identity) -> Result<()> {
        let state = self.state.anew(identity.clone());
        self.index.make(&state)?;
        self.names = self.index.names(&state);
        self.begin(state, SourceTable::default());
        Ok(())
    }

    /// Reads what is there, if it is not too much.
    fn learn_known(&mut self) -> Result<()> {
        self.known = if self.state.sums.articles <= KNOWN {
            Some(self.look_up(&format!("{} == 0", schema::PART))?)
        } else {
            None
        };
        Ok(())
    }

    /// Articles of the last commit.
    fn look_up(&self, expr: &str) -> Result<HashMap<String, Known>> {
        let mut found = HashMap::new();
        if self.state.sums.articles == 0 {
            return Ok(found);
        }
        let expr = format!("{} and {expr}", visible(&self.state.view()));
        let fields = [schema::ARTICLE, schema::HASH, schema::ORIGIN];
        let articles = Collection::newest(self.index.client(), &self.names.articles);
        let limit = || Ok(Budget::single());
        articles.pages(&expr, &fields, collection::PAGE, &limit, &mut |_, mut rows| {
            let ids = rows.texts(schema::ARTICLE);
            let (hashes, origins) = (rows.longs(schema::HASH), rows.texts(schema::ORIGIN));
            same_length(ids.len(), &[hashes.len(), origins.len()])?;
            let known = |(hash, origin): (i64, String)| Known {
                hash: hash as u64,
                origin,
            };
            found.extend(ids.into_iter().zip(hashes.into_iter().zip(origins).map(known)));
            Ok(())
        })?;
        Ok(found)
    }

    /// An article as the next commit would have it.
    fn known(&self, id: &str) -> Result<Option<Known>> {
        // Somebody else may have written since.
        self.lease.budget()?;
        if let Some(pending) = self.session.pending.get(id) {
            return Ok(pending.clone());
        }
        match &self.known {
            Some(known) => Ok(known.get(id).cloned()),
            None => {
                let expr = format!("{} == 0 and {} == {}", schema::PART, schema::ARTICLE, quoted(id));
                Ok(self.look_up(&expr)?.remove(id))
            }
        }
    }

    pub(super) fn dimension(&self) -> usize {
        self.state.identity.dimension
    }

    /// Begins anew after a commit.
    fn begin(&mut self, state: State, table: SourceTable) {
        self.state = state;
        self.table = table;
        self.session = Session::new(&self.state, &self.table);
    }

    /// Writes the table of sources under the next stamp, if it changed; under which one it stands.
    fn write_sources(&mut self) -> Result<u64> {
        let (table, old) = (&mut self.session.table, self.state.sources);
        let text = table.encoded()?;
        if *table == self.table && (old != 0 || *table == SourceTable::default()) {
            return Ok(old);
        }
        self.session.is_dirty = true;
        let key = sources_key(self.state.next);
        self.index.meta().write_long(&key, &text, &|| self.lease.budget())?;
        Ok(self.state.next)
    }

    /// Does a part of what the next commit is made of. Where one fails nobody knows what arrived of it, and what was
    /// held of it is gone, so that there is no commit any more until all is taken back.
    fn unless_failed<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.session.has_failed {
            return Err(
                Error::precondition("something that belongs to this commit could not be written")
                    .help("take back what was written since the last commit (rollback) and write it again"),
            );
        }
        let done = part(self);
        self.session.has_failed = done.is_err();
        done.map_err(of_writer)
    }

    fn make_commit(&mut self) -> Result<u64> {
        self.send()?;
        self.replace()?;
        self.count_terms()?;
        let sources = self.write_sources()?;
        self.flush()?;
        let stamp = self.state.next;
        let state = State {
            stamp,
            next: stamp + 1,
            made: now(),
            sums: self.session.sums.clone(),
            vector_lengths: self.session.vector_lengths,
            written: self.session.written,
            sources,
            ..self.state.clone()
        };
        self.session.is_dirty = true;
        self.lease.commit(&state, Some(self.state.stamp))?;
        if let Some(known) = &mut self.known {
            for (id, pending) in self.session.pending.drain() {
                match pending {
                    Some(pending) => known.insert(id, pending),
                    None => known.remove(&id),
                };
            }
            if known.len() as u64 > KNOWN {
                self.known = None;
            }
        }
        self.recent.push_back((stamp, Instant::now()));
        self.index.install(state.clone());
        let table = self.session.table.clone();
        self.begin(state, table);
        self.sweep();
        Ok(stamp)
    }

    /// Deletes rows that nobody reads any more.
    fn sweep(&mut self) {
        let mut unread = None;
        // Each was replaced when the next one was made.
        while self.recent.get(1).is_some_and(|(_, since)| since.elapsed() > GRACE) {
            self.recent.pop_front();
            unread = self.recent.front().map(|(stamp, _)| *stamp);
        }
        let Some(stamp) = unread else { return };
        let skipped = self.state.view().skipped;
        let view = View { stamp, skipped };
        // The commit stands; the next one sweeps again.
        let _ = sweep(self.index.client(), &self.names, &view, &|| self.lease.budget());
    }

    fn take_back(&mut self) -> Result<()> {
        if !self.session.is_dirty {
            self.session = Session::new(&self.state, &self.table);
            return Ok(());
        }
        self.lease.check_held()?;
        let current = lease::current(self.index.meta(), self.lease.budget()?)?;
        let mut current = current.ok_or_else(|| Error::missing("the index is gone"))?;
        if current.stamp == self.state.next {
            // The commit went through, and only its answer was lost.
            let table = self.index.sources_of(&current)?;
            self.index.install(current.clone());
            self.begin(current, table);
            return self.learn_known();
        }
        // What was sent may still be on its way, so its stamp is used by nobody any more; others learn that by a
        // commit.
        current.check_skipped()?;
        let is_anew = current.generation != self.state.generation;
        let before = current.stamp;
        current.skip();
        self.lease.commit(&current, Some(before))?;
        self.index.install(current.clone());
        self.recent.push_back((current.stamp, Instant::now()));
        clean(self.index.client(), &mut current, self.index.bm25(), &|| {
            self.lease.budget()
        })?;
        if is_anew {
            let identity = self.state.identity.clone();
            self.index.remove_unread(&mut current)?;
            self.state = current;
            return self.begin_generation(&identity);
        }
        self.begin(current, self.table.clone());
        Ok(())
    }
}

/// What stays of an error of a writer: the time that a call had was that of the right to write, and no caller's.
fn of_writer(error: Error) -> Error {
    match error.fault() {
        Fault::Deadline => Error::unavailable("Milvus took longer than the right to write lasts")
            .help("send less at a time (`?batch=KB`) or hold the right for longer (`?lease=SECONDS`)"),
        _ => error,
    }
}

impl Writer for MilvusWriter {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        Ok(self.known(article_id)?.map(|known| known.hash))
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        match self.known(article_id)? {
            Some(known) => origin(&known.origin),
            None => Ok(None),
        }
    }

    fn source_table(&mut self) -> &mut SourceTable {
        &mut self.session.table
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        let hash = article.hash;
        let rows = ArticleRows::new(article, self.dimension())?;
        self.unless_failed(|writer| {
            writer.retract(&rows.id)?;
            let origin = rows.origin().to_owned();
            let session = &mut writer.session;
            session.pending.insert(rows.id.clone(), Some(Known { hash, origin }));
            session.bytes += rows.bytes;
            session.held.insert(rows.id.clone(), rows);
            if session.bytes > writer.index.client().address().batch {
                writer.send()
            } else {
                Ok(())
            }
        })
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.known(article_id)?.is_some();
        if was_there {
            self.unless_failed(|writer| writer.retract(article_id))?;
            self.session.pending.insert(article_id.to_owned(), None);
        }
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        self.unless_failed(Self::make_commit)
    }

    fn rollback(&mut self) -> Result<u64> {
        self.take_back().map_err(of_writer)?;
        Ok(self.state.stamp)
    }

    fn check(&self) -> Result<()> {
        self.lease.budget().map(drop)
    }
}

impl Drop for MilvusWriter {
    fn drop(&mut self) {
        self.lease.set_in_peace(!self.session.is_dirty);
    }
}
