//! What a writer tells Milvus before a commit: rows under the next stamp, what they replace, and how many titles and
//! texts hold each term. Nobody sees any of it before the commit.

use std::collections::HashMap;

use super::cleaning::TERMS;
use super::collection::Collection;
use super::expression::{first_key, quoted, sent, texts, visible};
use super::frequencies::{self, Held};
use super::marking::{PAGE, mark_articles, mark_passages};
use super::rows::{self, ArticleRows, Kept};
use super::schema;
use super::vector_lengths::VectorLengths;
use super::writer::MilvusWriter;
use crate::error::Result;

/// Articles that are marked as replaced together.
const REPLACED: usize = 50;
/// Rows from which on a commit asks Milvus to make segments of them.
const WORTH_FLUSHING: usize = 1_000;

impl MilvusWriter {
    fn passages(&self) -> Collection<'_> {
        Collection::newest(self.index.client(), &self.names.passages)
    }

    fn articles(&self) -> Collection<'_> {
        Collection::newest(self.index.client(), &self.names.articles)
    }

    /// Sends what is held.
    pub(super) fn send(&mut self) -> Result<()> {
        let held: Vec<ArticleRows> = std::mem::take(&mut self.session.held).into_values().collect();
        self.session.bytes = 0;
        if held.is_empty() {
            return Ok(());
        }
        self.session.is_dirty = true;
        let first_lengths = || {
            held.iter()
                .flat_map(|article| &article.passages)
                .map(|row| &row.lengths)
        };
        let lengths = *self
            .session
            .vector_lengths
            .get_or_insert_with(|| VectorLengths::of(first_lengths()));
        let bm25 = lengths.bm25(self.index.bm25());
        let limit = || self.lease.budget();
        let first = first_key(self.state.next);
        let (passages, columns) = rows::passages(&held, first + self.session.passages, &bm25, self.dimension());
        let written = self.passages().upsert(passages, columns, &limit)?;
        let (articles, columns) = rows::articles(&held, first + self.session.articles);
        let written = self.articles().upsert(articles, columns, &limit)?.max(written);
        let session = &mut self.session;
        session.passages += passages as i64;
        session.articles += articles as i64;
        session.written = session.written.max(written);
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
    pub(super) fn retract(&mut self, id: &str) -> Result<()> {
        if let Some(rows) = self.session.held.remove(id) {
            self.session.bytes -= rows.bytes;
        }
        if !self.session.sent.remove(id) {
            return Ok(());
        }
        let expr = format!("{} and {} == {}", sent(self.state.next), schema::ARTICLE, quoted(id));
        let dimension = self.dimension();
        let (lease, session) = (&self.lease, &mut self.session);
        let limit = || lease.budget();
        let passages = Collection::newest(self.index.client(), &self.names.passages);
        let fields = rows::kept_fields(dimension);
        passages.pages(&expr, &fields[1..], PAGE, &limit, &mut |_, found| {
            let kept = rows::kept(found, dimension, |_| true)?;
            kept.iter().try_for_each(|(_, kept)| session.count_out(kept))
        })?;
        session.sums.articles = session.sums.articles.saturating_sub(1);
        // Readers wait for what is deleted as for what is written.
        let deleted = self.passages().delete(&expr, self.lease.budget()?)?;
        let deleted = self.articles().delete(&expr, self.lease.budget()?)?.max(deleted);
        self.session.written = self.session.written.max(deleted);
        Ok(())
    }

    /// Marks what the next commit replaces.
    pub(super) fn replace(&mut self) -> Result<()> {
        let touched = self.session.pending.keys();
        let mut ids: Vec<String> = match &self.known {
            Some(known) => touched.filter(|id| known.contains_key(*id)).cloned().collect(),
            None => touched.cloned().collect(),
        };
        ids.sort();
        let Some(lengths) = self.state.vector_lengths else {
            // The generation's first passages.
            return Ok(());
        };
        let (bm25, dimension) = (lengths.bm25(self.index.bm25()), self.dimension());
        let (view, gone) = (self.state.view(), self.state.next as i64);
        let (lease, client, session) = (&self.lease, self.index.client(), &mut self.session);
        let limit = || lease.budget();
        for ids in ids.chunks(REPLACED) {
            session.is_dirty = true;
            let ids = texts(ids.iter().map(String::as_str));
            let expr = format!("{} and {} in {ids}", visible(&view), schema::ARTICLE);
            let passages = Collection::newest(client, &self.names.passages);
            let count_out = |kept: &Kept| session.count_out(kept);
            let written = mark_passages(passages, &expr, gone, dimension, &bm25, &limit, count_out)?;
            session.written = session.written.max(written);
            let articles = Collection::newest(client, &self.names.articles);
            let count_out = |articles| session.sums.articles = session.sums.articles.saturating_sub(articles);
            let written = mark_articles(articles, &expr, gone, &limit, count_out)?;
            session.written = session.written.max(written);
        }
        Ok(())
    }

    /// Writes how many titles and texts hold each term.
    pub(super) fn count_terms(&mut self) -> Result<()> {
        let changed = self.session.changes.terms.iter().filter(|(_, by)| **by != [0, 0]);
        let mut changed: Vec<(i64, [i64; 2])> = changed.map(|(term, by)| (term.key(), *by)).collect();
        changed.sort_unstable();
        let view = self.state.view();
        for changed in changed.chunks(TERMS) {
            self.session.is_dirty = true;
            let limit = || self.lease.budget();
            let rows = Collection::newest(self.index.client(), &self.names.terms);
            let keys: Vec<i64> = changed.iter().map(|(key, _)| *key).collect();
            let known = match self.state.vector_lengths {
                // The generation's first passages.
                None => HashMap::new(),
                Some(_) => frequencies::rows(rows, &keys, limit()?)?,
            };
            let counted = |(key, by): &(i64, [i64; 2])| {
                let before = known.get(key).copied().unwrap_or_default().at(&view);
                let now = std::array::from_fn(|field| before[field].saturating_add_signed(by[field]));
                let at = self.state.next;
                (*key, Held { at, now, before })
            };
            let counted: Vec<(i64, Held)> = changed.iter().map(counted).collect();
            let written = frequencies::write(rows, &counted, &limit)?;
            self.session.written = self.session.written.max(written);
        }
        Ok(())
    }

    /// Has segments made of many rows; they are durable without.
    pub(super) fn flush(&self) -> Result<()> {
        if (self.session.passages as usize) < WORTH_FLUSHING {
            return Ok(());
        }
        for name in [&self.names.passages, &self.names.articles, &self.names.terms] {
            // A server that is asked too often refuses, and makes them by itself later.
            let _ = Collection::newest(self.index.client(), name).flush(self.lease.budget()?);
        }
        Ok(())
    }
}
