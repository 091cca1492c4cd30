//! Rows written again so that they count up to a commit, or count again.

use super::collection::{Collection, Limit};
use super::columns::{Column, dummies};
use super::rows::{self, Kept};
use super::schema;
use super::terms;
use crate::error::Result;
use crate::index::scoring::Bm25;

/// Rows read at a time that are then written again.
pub const PAGE: usize = 200;

/// Writes `gone` of passages; `each` is told of them before. Milvus' time of it.
pub fn mark_passages(
    rows: Collection<'_>,
    expr: &str,
    gone: i64,
    dimension: usize,
    bm25: &Bm25,
    limit: Limit<'_>,
    mut each: impl FnMut(&Kept) -> Result<()>,
) -> Result<u64> {
    let mut written = 0;
    rows.pages(
        expr,
        &schema::passage_fields(dimension),
        PAGE,
        limit,
        &mut |ids, found| {
            let mut words = Vec::with_capacity(ids.len());
            for (_, kept) in rows::kept(found.only(&rows::kept_fields(dimension)), dimension, |_| true)? {
                each(&kept)?;
                words.push(terms::sparse(&kept.counted()?, &kept.lengths, bm25));
            }
            let columns = [
                Column::Longs(vec![gone; ids.len()]).named(schema::GONE),
                Column::Sparse(words).named(schema::WORDS),
            ];
            written = rows.upsert(ids.len(), found.with(columns), limit)?.max(written);
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
    limit: Limit<'_>,
    mut each: impl FnMut(u64),
) -> Result<u64> {
    let mut written = 0;
    rows.pages(expr, schema::ARTICLE_FIELDS, PAGE, limit, &mut |ids, found| {
        let parts = found.only(&[schema::PART]).ints(schema::PART);
        each(parts.iter().filter(|part| **part == 0).count() as u64);
        let columns = [
            Column::Longs(vec![gone; ids.len()]).named(schema::GONE),
            dummies(ids.len()),
        ];
        written = rows.upsert(ids.len(), found.with(columns), limit)?.max(written);
        Ok(())
    })?;
    Ok(written)
}
