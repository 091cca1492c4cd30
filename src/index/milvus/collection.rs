//! Rows asked for and written: queries, pages over all keys, upserts, deletes.

use super::client::{Client, Pending};
use super::columns::{Column, Rows, same_length, split};
use super::schema::ID;
use super::wire::consistency::{CUSTOMISED, STRONG};
use super::wire::{self, FieldData, pair};
use crate::compute::Budget;
use crate::error::{Error, Result};

/// Rows in a page.
pub const PAGE: usize = 2_000;

/// How long the next call may take, asked before each of several: a writer's right to write may end between two.
pub type Limit<'a> = &'a dyn Fn() -> Result<Budget>;

/// One collection, read as of a moment.
#[derive(Clone, Copy)]
pub struct Collection<'a> {
    client: &'a Client,
    name: &'a str,
    /// Milvus' time of which everything must be seen; 0 for all that was acknowledged by now.
    seen: u64,
}

impl<'a> Collection<'a> {
    /// A collection with all that was acknowledged by now.
    pub fn newest(client: &'a Client, name: &'a str) -> Self {
        Self::at(client, name, 0)
    }

    /// A collection with what was acknowledged by a moment of Milvus' time at the least.
    pub fn at(client: &'a Client, name: &'a str, seen: u64) -> Self {
        Collection { client, name, seen }
    }
}

impl Collection<'_> {
    fn database(&self) -> String {
        self.client.address().database.clone()
    }

    fn consistency(&self) -> i32 {
        if self.seen == 0 { STRONG } else { CUSTOMISED }
    }

    fn request(&self, expr: &str, fields: &[&str], limit: Option<usize>) -> wire::QueryRequest {
        let mut params = Vec::new();
        if let Some(limit) = limit {
            params.push(pair("limit", limit));
            params.push(pair("iterator", "True"));
            params.push(pair("reduce_stop_for_best", "True"));
        }
        wire::QueryRequest {
            db_name: self.database(),
            collection_name: self.name.to_owned(),
            expr: expr.to_owned(),
            output_fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            guarantee_timestamp: self.seen,
            query_params: params,
            consistency_level: self.consistency(),
        }
    }

    /// Begins to ask for rows, which are few.
    pub fn start(&self, expr: &str, fields: &[&str], budget: Budget) -> Pending<wire::QueryResults> {
        self.client
            .start("Query", self.name, self.request(expr, fields, None), budget)
    }

    /// Rows, which are few.
    pub fn rows(&self, expr: &str, fields: &[&str], budget: Budget) -> Result<Rows> {
        Rows::answered(self.start(expr, fields, budget).wait()?.fields_data, fields)
    }

    /// As [`Self::rows`], from the client's own threads.
    pub async fn rows_async(&self, expr: &str, fields: &[&str], budget: Budget) -> Result<Rows> {
        let request = self.request(expr, fields, None);
        let answer: wire::QueryResults = self.client.answer("Query", self.name, request, budget).await?;
        Rows::answered(answer.fields_data, fields)
    }

    /// How many rows.
    pub fn count(&self, expr: &str, budget: Budget) -> Result<u64> {
        let mut rows = self.rows(expr, &["count(*)"], budget)?;
        match rows.longs("count(*)").as_slice() {
            [count] => Ok((*count).max(0) as u64),
            _ => Err(Error::corrupt("Milvus counted nothing")),
        }
    }

    /// Tells `each` of all rows, page by page, keys ascending from page to page: the page's keys and its rows, with the
    /// keys still in them.
    pub fn pages(
        &self,
        expr: &str,
        fields: &[&str],
        page: usize,
        limit: Limit<'_>,
        each: &mut dyn FnMut(Vec<i64>, Rows) -> Result<()>,
    ) -> Result<()> {
        let mut fields = fields.to_vec();
        fields.push(ID);
        let mut last = -1;
        loop {
            let budget = limit()?;
            budget.check()?;
            let request = self.request(&format!("{ID} > {last} and {expr}"), &fields, Some(page));
            let answer: wire::QueryResults = self.client.call("Query", self.name, request, budget)?;
            let mut rows = Rows::answered(answer.fields_data, &fields)?;
            let ids = rows.longs(ID);
            let Some(&largest) = ids.iter().max() else {
                return Ok(());
            };
            if largest <= last {
                return Err(Error::corrupt("Milvus gave keys that were not asked for"));
            }
            last = largest;
            let is_last = ids.len() < page;
            rows.0.push(Column::Longs(ids.clone()).named(ID));
            each(ids, rows)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Begins to look for the `k` nearest rows; [`found`] reads what comes of it.
    pub fn start_nearest(&self, nearest: Nearest<'_>, k: usize, budget: Budget) -> Pending<wire::SearchResults> {
        let Nearest {
            field,
            placeholder,
            params,
            expr,
            fields,
        } = nearest;
        let group = wire::PlaceholderGroup {
            placeholders: vec![placeholder],
        };
        let request = wire::SearchRequest {
            db_name: self.database(),
            collection_name: self.name.to_owned(),
            dsl: expr.to_owned(),
            placeholder_group: prost::Message::encode_to_vec(&group),
            // The filter is an expression.
            dsl_type: 1,
            output_fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            search_params: vec![
                pair("anns_field", field),
                pair("topk", k),
                pair("metric_type", "IP"),
                pair("params", params),
                pair("round_decimal", -1),
            ],
            guarantee_timestamp: self.seen,
            nq: 1,
            consistency_level: self.consistency(),
        };
        self.client.start("Search", self.name, request, budget)
    }

    /// Writes rows, in place of those of the same keys, in messages of no more than the address says if a row alone is
    /// not more. Milvus' time of the last one.
    pub fn upsert(&self, rows: usize, fields: Vec<FieldData>, limit: Limit<'_>) -> Result<u64> {
        let bytes: usize = fields.iter().map(prost::Message::encoded_len).sum();
        if rows > 1 && bytes > self.client.address().batch {
            let (first, rest) = split(fields, rows / 2);
            let written = self.upsert(rows / 2, first, limit)?;
            return Ok(written.max(self.upsert(rows - rows / 2, rest, limit)?));
        }
        let request = self.upserting(rows, fields);
        let done: wire::MutationResult = self.client.call("Upsert", self.name, request, limit()?)?;
        Ok(done.timestamp)
    }

    /// What writes rows.
    pub fn upserting(&self, rows: usize, fields_data: Vec<FieldData>) -> wire::UpsertRequest {
        wire::UpsertRequest {
            db_name: self.database(),
            collection_name: self.name.to_owned(),
            fields_data,
            num_rows: rows as u32,
        }
    }

    /// Deletes rows. Milvus' time of it.
    pub fn delete(&self, expr: &str, budget: Budget) -> Result<u64> {
        let request = wire::DeleteRequest {
            db_name: self.database(),
            collection_name: self.name.to_owned(),
            expr: expr.to_owned(),
        };
        let done: wire::MutationResult = self.client.call("Delete", self.name, request, budget)?;
        Ok(done.timestamp)
    }

    /// Has what was written put into segments with indexes of their own.
    pub fn flush(&self, budget: Budget) -> Result<()> {
        let request = wire::FlushRequest {
            db_name: self.database(),
            collection_names: vec![self.name.to_owned()],
        };
        self.client
            .call::<wire::FlushResponse>("Flush", self.name, request, budget)?;
        Ok(())
    }
}

/// What is looked for.
pub struct Nearest<'a> {
    /// The vector's field.
    pub field: &'a str,
    /// The vector that rows are to be near to.
    pub placeholder: wire::PlaceholderValue,
    /// Of the index, as JSON.
    pub params: &'a str,
    /// Which rows may be found.
    pub expr: &'a str,
    /// What is brought of each row that is found.
    pub fields: &'a [&'a str],
}

/// Keys and scores of what was found, best first, and the rows with their keys as far as these fields were asked for.
///
/// # Errors
/// `Corrupt` if they are not as long as each other.
pub fn found(answer: wire::SearchResults, fields: &[&str]) -> Result<(Vec<(i64, f32)>, Rows)> {
    let found = answer.results.unwrap_or_default();
    let ids = match found.ids.and_then(|ids| ids.id_field) {
        Some(wire::i_ds::IdField::IntId(ids)) => ids.data,
        _ => Vec::new(),
    };
    same_length(ids.len(), &[found.scores.len()])?;
    let mut columns = found.fields_data;
    columns.retain(|column| fields.contains(&&*column.field_name));
    columns.push(Column::Longs(ids.clone()).named(ID));
    let rows = Rows::answered(columns, fields)?;
    Ok((ids.into_iter().zip(found.scores).collect(), rows))
}
