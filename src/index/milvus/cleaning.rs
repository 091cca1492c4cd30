//! What nobody reads is taken away: what was sent under stamps that are skipped, and rows that were replaced long ago.

use std::time::Duration;

use super::client::Client;
use super::collection::{Collection, Limit};
use super::expression::{NEVER, numbers, replaced, sent};
use super::frequencies::{self, Held};
use super::marking::{mark_articles, mark_passages};
use super::schema::{self, Generation};
use super::state::{State, View, now};
use crate::error::Result;
use crate::profile::Bm25Params;

/// How long what was replaced, rows or a generation, stays for who began to read before.
pub const GRACE: Duration = Duration::from_secs(60);
/// Terms read at a time that are then written again.
pub const TERMS: usize = 2_000;
/// From when on what was skipped does not arrive any more and can be forgotten, in milliseconds: a writer's calls end
/// when its right to write does, which is within one hour.
const FORGOTTEN: u64 = 2 * 3_600_000;

/// Takes back what was sent under stamps that are skipped. Nobody sees any of it, before or after; who reads from the
/// next commit on, which may have forgotten them, waits for what is written here.
pub fn clean(client: &Client, state: &mut State, params: Bm25Params, limit: Limit<'_>) -> Result<()> {
    let (view, names) = (state.view(), state.names(&client.address().name));
    if view.skipped.is_empty() {
        return Ok(());
    }
    let newest = |name| Collection::newest(client, name);
    let mut written = state.written;
    for name in [&names.passages, &names.articles] {
        for &stamp in &view.skipped {
            written = newest(name).delete(&sent(stamp), limit()?)?.max(written);
        }
    }
    let of_skipped = |field: &str| format!("{field} in {}", numbers(&view.skipped));
    let marked = of_skipped(schema::GONE);
    if let Some(lengths) = state.vector_lengths {
        let (bm25, dimension) = (lengths.bm25(params), state.identity.dimension);
        let passages = newest(&names.passages);
        let marking = mark_passages(passages, &marked, NEVER, dimension, &bm25, limit, |_| Ok(()))?;
        written = written.max(marking);
    }
    written = mark_articles(newest(&names.articles), &marked, NEVER, limit, |_| ())?.max(written);
    let rows = newest(&names.terms);
    let mut fields = vec![schema::AT];
    fields.extend(schema::COUNTS);
    rows.pages(&of_skipped(schema::AT), &fields, TERMS, limit, &mut |_, found| {
        let before = |(key, held): (i64, Held)| {
            let (now, before) = (held.before, held.before);
            let at = view.stamp;
            (key, Held { at, now, before })
        };
        let found: Vec<(i64, Held)> = frequencies::read(found)?.into_iter().map(before).collect();
        written = frequencies::write(rows, &found, limit)?.max(written);
        Ok(())
    })?;
    state.written = written;
    let now = now();
    state
        .skipped
        .retain(|skipped| skipped.since.saturating_add(FORGOTTEN) > now);
    Ok(())
}

/// Deletes the rows that were replaced by a commit or before it. Where it fails the next one does it.
pub fn sweep(client: &Client, names: &Generation, view: &View, limit: Limit<'_>) -> Result<()> {
    for name in [&names.passages, &names.articles] {
        Collection::newest(client, name).delete(&replaced(view), limit()?)?;
    }
    Ok(())
}
