//! Writing to Milvus: rows of the next commit are sent as they come, seen by nobody; the commit marks what they replace,
//! counts terms, and writes the one row by which all of it counts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chosen::{self, Collection};
use super::expression::{first_key, quoted, texts, visible};
use super::frequencies::{self, Held};
use super::lease::{self, Lease};
use super::marking::{PAGE, TERMS, clean, collection, mark_articles, mark_passages, usual_bm25};
use super::open::MilvusIndex;
use super::rows::{self, ArticleRows, Kept};
use super::schema::{self, Generation};
use super::session::{Known, Session};
use super::snapshot::origin;
use super::state::{State, sources_key};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::Writer;
use crate::index::passage::PreparedArticle;
use crate::model::Origin;

/// Articles that are marked as replaced together.
const REPLACED: usize = 50;
/// Up to this many articles a writer knows all fingerprints; of more it asks for each.
const KNOWN: u64 = 300_000;
/// So many passages of typical lengths are thought to be in a generation when its first ones are written: lengths that these
/// happen to have, such as no titles at all, must not decide for good how words find passages.
const TYPICAL: u64 = 200;
/// Title words, title bigrams, text words, text bigrams of a typical passage.
const TYPICAL_TOKENS: [u64; 4] = [8, 14, 90, 160];
/// Rows from which on a commit asks Milvus to make segments of them.
const WORTH_FLUSHING: usize = 1_000;
/// How long replaced rows stay for who began to read before.
const GRACE: Duration = Duration::from_secs(60);

/// The one writer of an index; see [`Writer`].
pub struct MilvusWriter {
    index: Arc<MilvusIndex>,
    lease: Lease,
    names: Generation,
    /// The last commit, or what a new generation begins with.
    state: State,
    /// The table of sources at the last commit.
    sources: Sources,
    session: Session,
    /// All articles of the last commit, where they are not too many.
    known: Option<HashMap<String, Known>>,
    /// Commits whose rows may still be read, and since when there is a newer one.
    recent: VecDeque<(u64, Instant)>,
}

impl MilvusWriter {
    /// With the right to write.
    pub(super) fn new(index: Arc<MilvusIndex>, lease: Lease, state: State, sources: Sources) -> Result<Self> {
        let names = state.names(&index.client().address().name);
        let mut writer = MilvusWriter {
            session: Session::new(&state, &sources),
            recent: VecDeque::from([(state.stamp, Instant::now())]),
            known: None,
            index,
            lease,
            names,
            state,
            sources,
        };
        if writer.state.sums.articles <= KNOWN {
            writer.known = Some(writer.look_up(&format!("{} == 0", schema::PART))?);
        }
        Ok(writer)
    }

    /// Articles of the last commit.
    fn look_up(&self, expr: &str) -> Result<HashMap<String, Known>> {
        let mut found = HashMap::new();
        if self.state.sums.articles == 0 {
            return Ok(found);
        }
        let expr = format!("{} and {expr}", visible(self.state.stamp));
        let fields = [schema::ARTICLE, schema::HASH, schema::ORIGIN];
        self.articles()
            .pages(&expr, &fields, chosen::PAGE, Budget::single(), &mut |_, mut rows| {
                let ids = rows.texts(schema::ARTICLE);
                let kept = rows.longs(schema::HASH).into_iter().zip(rows.texts(schema::ORIGIN));
                let known = |(hash, origin): (i64, String)| Known {
                    hash: hash as u64,
                    origin,
                };
                found.extend(ids.into_iter().zip(kept.map(known)));
                Ok(())
            })?;
        Ok(found)
    }

    /// An article as the next commit would have it.
    fn known(&self, id: &str) -> Result<Option<Known>> {
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

    fn passages(&self) -> Collection<'_> {
        collection(self.index.client(), &self.names.passages)
    }

    fn articles(&self) -> Collection<'_> {
        collection(self.index.client(), &self.names.articles)
    }

    fn dimension(&self) -> usize {
        self.state.identity.dimension
    }

    /// The time of one write: no longer than others wait before they take the right to write over.
    fn budget(&self) -> Result<Budget> {
        self.lease.check()?;
        let length = self.index.client().address().lease;
        Ok(Budget::single().until(Some(Instant::now() + length)))
    }

    /// Sends what is held.
    fn send(&mut self) -> Result<()> {
        let held: Vec<ArticleRows> = std::mem::take(&mut self.session.held).into_values().collect();
        self.session.bytes = 0;
        if held.is_empty() {
            return Ok(());
        }
        let budget = self.budget()?;
        self.session.is_dirty = true;
        let usual = match self.session.usual {
            Some(usual) => usual,
            None => {
                let passages = || held.iter().flat_map(|article| &article.passages);
                let tokens = |field: usize| {
                    let counted: u64 = passages().map(|passage| u64::from(passage.lengths[field])).sum();
                    counted + TYPICAL * TYPICAL_TOKENS[field]
                };
                (passages().count() as u64 + TYPICAL, std::array::from_fn(tokens))
            }
        };
        self.session.usual = Some(usual);
        let Some(bm25) = usual_bm25(self.session.usual, self.index.bm25()) else {
            return Err(Error::bug("lengths were counted and are not there"));
        };
        let first = first_key(self.state.stamp + 1);
        let (rows, columns) = rows::passages(&held, first + self.session.passages, &bm25, self.dimension());
        let passages = self.passages().start_upsert(rows, columns, budget);
        self.session.passages += rows as i64;
        let (rows, columns) = rows::articles(&held, first + self.session.articles);
        let articles = self.articles().start_upsert(rows, columns, budget);
        self.session.articles += rows as i64;
        for write in [passages, articles] {
            self.session.written = write.wait()?.timestamp.max(self.session.written);
        }
        let session = &mut self.session;
        for article in held {
            session.sums.articles += 1;
            for passage in &article.passages {
                let terms = passage.counted.iter().map(|(term, counts)| (*term, *counts));
                session
                    .changes
                    .passage(&mut session.sums, 1, &passage.lengths, &passage.vector, terms)?;
            }
            session.sent.insert(article.id);
        }
        Ok(())
    }

    /// Takes back the rows of an article that were sent for the next commit.
    fn retract(&mut self, id: &str) -> Result<()> {
        if let Some(rows) = self.session.held.remove(id) {
            self.session.bytes -= rows.bytes;
        }
        if !self.session.sent.remove(id) {
            return Ok(());
        }
        let budget = self.budget()?;
        let first = first_key(self.state.stamp + 1);
        let expr = format!("{} >= {first} and {} == {}", schema::ID, schema::ARTICLE, quoted(id));
        let dimension = self.dimension();
        let passages = collection(self.index.client(), &self.names.passages);
        let session = &mut self.session;
        let fields = rows::kept_fields(dimension);
        passages.pages(&expr, &fields[1..], PAGE, budget, &mut |_, found| {
            let kept = rows::kept(found, dimension)?;
            kept.iter().try_for_each(|(_, kept)| session.count_out(kept))
        })?;
        self.session.sums.articles = self.session.sums.articles.saturating_sub(1);
        self.passages().delete(&expr, budget)?;
        self.articles().delete(&expr, budget)?;
        Ok(())
    }

    /// Marks what the next commit replaces.
    fn replace(&mut self) -> Result<()> {
        let touched = self.session.pending.keys();
        let mut ids: Vec<String> = match &self.known {
            Some(known) => touched.filter(|id| known.contains_key(*id)).cloned().collect(),
            None => touched.cloned().collect(),
        };
        ids.sort();
        let (stamp, dimension) = (self.state.stamp, self.dimension());
        let Some(bm25) = usual_bm25(self.state.usual, self.index.bm25()) else {
            return Ok(());
        };
        for ids in ids.chunks(REPLACED) {
            let budget = self.budget()?;
            self.session.is_dirty = true;
            let ids = texts(ids.iter().map(String::as_str));
            let expr = format!("{} and {} in {ids}", visible(stamp), schema::ARTICLE);
            let gone = stamp as i64 + 1;
            let client = self.index.client();
            let session = &mut self.session;
            let passages = collection(client, &self.names.passages);
            let count_out = |kept: &Kept| session.count_out(kept);
            let written = mark_passages(passages, &expr, gone, dimension, &bm25, budget, count_out)?;
            session.written = session.written.max(written);
            let articles = collection(client, &self.names.articles);
            let count_out = |articles| session.sums.articles = session.sums.articles.saturating_sub(articles);
            let written = mark_articles(articles, &expr, gone, budget, count_out)?;
            session.written = session.written.max(written);
        }
        Ok(())
    }

    /// Writes how many titles and texts hold each term.
    fn count_terms(&mut self) -> Result<()> {
        let changed = self.session.changes.terms.iter().filter(|(_, by)| **by != [0, 0]);
        let mut changed: Vec<(i64, [i64; 2])> = changed.map(|(term, by)| (term.key(), *by)).collect();
        changed.sort_unstable();
        let stamp = self.state.stamp;
        for changed in changed.chunks(TERMS) {
            let budget = self.budget()?;
            self.session.is_dirty = true;
            let rows = collection(self.index.client(), &self.names.terms);
            let keys: Vec<i64> = changed.iter().map(|(key, _)| *key).collect();
            let known = match self.state.usual {
                // The first commit of a generation.
                None => HashMap::new(),
                Some(_) => frequencies::rows(rows, &keys, budget)?,
            };
            let counted = |(key, by): &(i64, [i64; 2])| {
                let before = known.get(key).copied().unwrap_or_default().at(stamp);
                let now = std::array::from_fn(|field| before[field].saturating_add_signed(by[field]));
                let at = stamp + 1;
                (*key, Held { at, now, before })
            };
            let counted: Vec<(i64, Held)> = changed.iter().map(counted).collect();
            let written = frequencies::write(rows, &counted, budget)?;
            self.session.written = self.session.written.max(written);
        }
        Ok(())
    }

    /// Has segments made of many rows; they are durable without.
    fn flush(&self) {
        if (self.session.passages as usize) < WORTH_FLUSHING {
            return;
        }
        for name in [&self.names.passages, &self.names.articles, &self.names.terms] {
            // A server that is asked too often refuses, and makes them by itself later.
            let _ = collection(self.index.client(), name).flush(Budget::single());
        }
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
        let expr = format!("{} <= {stamp}", schema::GONE);
        for rows in [self.passages(), self.articles()] {
            // The commit stands; the next one sweeps again.
            let _ = rows.delete(&expr, Budget::single());
        }
    }

    /// Begins anew after a commit.
    fn begin(&mut self, state: State, sources: Sources) {
        self.state = state;
        self.sources = sources;
        self.session = Session::new(&self.state, &self.sources);
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

    fn sources(&mut self) -> &mut Sources {
        &mut self.session.sources
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        let hash = article.hash;
        let rows = ArticleRows::new(article, self.dimension())?;
        self.retract(&rows.id)?;
        let origin = rows.origin().to_owned();
        self.session
            .pending
            .insert(rows.id.clone(), Some(Known { hash, origin }));
        self.session.bytes += rows.bytes;
        self.session.held.insert(rows.id.clone(), rows);
        match self.session.bytes > self.index.client().address().batch {
            true => self.send(),
            false => Ok(()),
        }
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.known(article_id)?.is_some();
        if was_there {
            self.retract(article_id)?;
            self.session.pending.insert(article_id.to_owned(), None);
        }
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        self.send()?;
        self.replace()?;
        self.count_terms()?;
        let stamp = self.state.stamp + 1;
        let mut state = State {
            stamp,
            sums: self.session.sums.clone(),
            usual: self.session.usual,
            written: self.session.written,
            ..self.state.clone()
        };
        let sources = self.session.sources.clone();
        let old = self.state.sources;
        if sources != self.sources || (old == 0 && sources != Sources::default()) {
            self.session.is_dirty = true;
            let text = serde_json::to_string(&sources).or_fault(Fault::Bug, "encoding the sources")?;
            self.index
                .meta()
                .write_long(&sources_key(stamp), &text, self.budget()?)?;
            state.sources = stamp;
        }
        self.flush();
        self.session.is_dirty = true;
        self.lease.commit(&state)?;
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
        self.begin(state, sources);
        self.sweep();
        Ok(stamp)
    }

    fn rollback(&mut self) -> Result<()> {
        if self.session.is_dirty {
            self.lease.check()?;
            let current = lease::current(self.index.meta(), Budget::single())?;
            let current = current.ok_or_else(|| Error::missing("the index is gone"))?;
            if current.stamp > self.state.stamp && current.generation == self.state.generation {
                // The commit went through, and only its answer was lost.
                let sources = self.index.sources_of(&current)?;
                self.index.install(current.clone());
                self.begin(current, sources);
                if self.known.is_some() {
                    self.known = Some(self.look_up(&format!("{} == 0", schema::PART))?);
                }
                return Ok(());
            }
            clean(self.index.client(), &self.names, &self.state, self.index.bm25())?;
        }
        self.session = Session::new(&self.state, &self.sources);
        Ok(())
    }
}

impl Drop for MilvusWriter {
    fn drop(&mut self) {
        self.index.end_writing();
    }
}
