//! Rows written again so that they count up to a commit, or count again; and what a writer left behind taken back.

use super::chosen::Collection;
use super::client::Client;
use super::columns::{Column, nothing};
use super::counts::Tokens;
use super::expression::{NEVER, first_key};
use super::frequencies::{self, Held};
use super::rows::{self, Kept};
use super::schema::{self, Generation};
use super::state::State;
use super::terms;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::scoring::{Bm25, CollectionCounts};
use crate::profile::Bm25Params;

/// Rows read at a time that are then written again.
pub const PAGE: usize = 200;
/// Terms read at a time that are then written again.
pub const TERMS: usize = 2_000;

/// A collection, read with all that was acknowledged.
pub fn collection<'a>(client: &'a Client, name: &'a str) -> Collection<'a> {
    Collection { client, name, seen: 0 }
}

/// Takes back what was written after a commit.
pub fn clean(client: &Client, names: &Generation, state: &State, params: Bm25Params) -> Result<()> {
    let (budget, stamp) = (Budget::single(), state.stamp);
    let (first, gone) = (first_key(stamp + 1), schema::GONE);
    for name in [&names.passages, &names.articles] {
        collection(client, name).delete(&format!("{} >= {first}", schema::ID), budget)?;
    }
    let marked = format!("{gone} > {stamp} and {gone} < {NEVER}");
    if let Some(bm25) = usual_bm25(state.usual, params) {
        let passages = collection(client, &names.passages);
        mark_passages(
            passages,
            &marked,
            NEVER,
            state.identity.dimension,
            &bm25,
            budget,
            |_| Ok(()),
        )?;
    }
    mark_articles(collection(client, &names.articles), &marked, NEVER, budget, |_| ())?;
    let rows = collection(client, &names.terms);
    let mut fields = vec![schema::AT];
    fields.extend(schema::COUNTS);
    rows.pages(
        &format!("{} > {stamp}", schema::AT),
        &fields,
        TERMS,
        budget,
        &mut |_, found| {
            let before = |(key, held): (i64, Held)| {
                let (now, before) = (held.before, held.before);
                (key, Held { at: stamp, now, before })
            };
            let found: Vec<(i64, Held)> = frequencies::read(found)?.into_iter().map(before).collect();
            frequencies::write(rows, &found, budget).map(|_| ())
        },
    )
}

/// What the sparse vectors of a generation are made by.
pub fn usual_bm25(usual: Option<(u64, Tokens)>, params: Bm25Params) -> Option<Bm25> {
    let counts = usual.map(|(passages, tokens)| CollectionCounts::new(passages, tokens));
    counts.map(|counts| Bm25::new(params, counts))
}

/// Writes `gone` of passages; `each` is told of them before. Milvus' time of it.
pub fn mark_passages(
    rows: Collection<'_>,
    expr: &str,
    gone: i64,
    dimension: usize,
    bm25: &Bm25,
    budget: Budget,
    mut each: impl FnMut(&Kept) -> Result<()>,
) -> Result<u64> {
    let mut written = 0;
    rows.pages(
        expr,
        &schema::passage_fields(dimension),
        PAGE,
        budget,
        &mut |ids, found| {
            let mut words = Vec::with_capacity(ids.len());
            for (_, kept) in rows::kept(found.only(&rows::kept_fields(dimension)), dimension)? {
                each(&kept)?;
                words.push(terms::sparse(&kept.counted()?, &kept.lengths, bm25));
            }
            let columns = [
                Column::Longs(vec![gone; ids.len()]).named(schema::GONE),
                Column::Sparse(words).named(schema::WORDS),
            ];
            written = rows.upsert(ids.len(), found.with(columns), budget)?.max(written);
            Ok(())
        },
    )?;
    Ok(written)
}

/// Writes `gone` of the rows of articles; `each` is told how many articles they are. Milvus' time of it.
pub fn mark_articles(
    rows: Collection<'_>,
    expr: &str,
    gone: i64,
    budget: Budget,
    mut each: impl FnMut(u64),
) -> Result<u64> {
    let mut written = 0;
    rows.pages(expr, schema::ARTICLE_FIELDS, PAGE, budget, &mut |ids, found| {
        let parts = found.only(&[schema::PART]).ints(schema::PART);
        each(parts.iter().filter(|part| **part == 0).count() as u64);
        let columns = [
            Column::Longs(vec![gone; ids.len()]).named(schema::GONE),
            nothing(ids.len()),
        ];
        written = rows.upsert(ids.len(), found.with(columns), budget)?.max(written);
        Ok(())
    })?;
    Ok(written)
}
