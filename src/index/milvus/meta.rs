//! `NAME_meta`: the rows that say what counts. Keys and values, read with all that was acknowledged.

use std::collections::BTreeMap;

use super::chosen::Collection;
use super::client::Client;
use super::columns::{Column, Rows, same_length};
use super::expression::quoted;
use super::schema::{KEY, NOTHING, NOTHING_DIMENSION, VALUE, meta};
use super::wire;
use crate::compute::Budget;
use crate::error::Result;

/// Bytes of a value that is written in one row; longer ones take several.
const LONGEST: usize = 60_000;

/// The rows.
#[derive(Clone)]
pub struct Meta {
    client: Client,
    name: String,
}

/// Rows by their keys.
pub type Found = BTreeMap<String, String>;

impl Meta {
    /// Of an index.
    pub fn new(client: Client) -> Self {
        let name = meta(&client.address().name);
        Meta { client, name }
    }

    fn collection(&self) -> Collection<'_> {
        Collection {
            client: &self.client,
            name: &self.name,
            seen: 0,
        }
    }

    /// Rows whose keys begin with one of these.
    pub fn read(&self, prefixes: &[&str], budget: Budget) -> Result<Found> {
        found(self.collection().rows(&beginning(prefixes), &[KEY, VALUE], budget)?)
    }

    /// As [`Self::read`], from the client's own threads.
    pub async fn read_async(&self, prefixes: &[&str], budget: Budget) -> Result<Found> {
        let expr = beginning(prefixes);
        found(self.collection().rows_async(&expr, &[KEY, VALUE], budget).await?)
    }

    /// Writes a row.
    pub fn write(&self, key: &str, value: &str, budget: Budget) -> Result<()> {
        self.collection().upsert(1, columns(key, value), budget).map(|_| ())
    }

    /// As [`Self::write`], from the client's own threads.
    pub async fn write_async(&self, key: &str, value: &str, budget: Budget) -> Result<()> {
        let request = self.collection().upserting(1, columns(key, value));
        let done: Result<wire::MutationResult> = self.client.answer("Upsert", &self.name, request, budget).await;
        done.map(|_| ())
    }

    /// Writes a value of any length; read with [`Self::read_long`].
    pub fn write_long(&self, key: &str, value: &str, budget: Budget) -> Result<()> {
        let parts = pieces(value, LONGEST);
        for (number, part) in parts.iter().enumerate() {
            self.write(&format!("{key}/{number:06}"), part, budget)?;
        }
        Ok(())
    }

    /// A value that was written by [`Self::write_long`].
    pub fn read_long(&self, key: &str, budget: Budget) -> Result<String> {
        let parts = self.read(&[&format!("{key}/")], budget)?;
        Ok(parts.into_values().collect())
    }

    /// Removes rows by their keys.
    pub fn remove(&self, keys: &[String], budget: Budget) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys = super::expression::texts(keys.iter().map(String::as_str));
        self.collection()
            .delete(&format!("{KEY} in {keys}"), budget)
            .map(|_| ())
    }
}

/// A text in pieces of at most so many bytes, at least one.
pub fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > most {
        let at = rest.floor_char_boundary(most);
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

fn beginning(prefixes: &[&str]) -> String {
    let one = |prefix: &&str| format!("{KEY} like {}", quoted(&format!("{prefix}%")));
    prefixes.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn found(mut rows: Rows) -> Result<Found> {
    let (keys, values) = (rows.texts(KEY), rows.texts(VALUE));
    same_length(keys.len(), &[values.len()])?;
    Ok(keys.into_iter().zip(values).collect())
}

fn columns(key: &str, value: &str) -> Vec<wire::FieldData> {
    vec![
        Column::Texts(vec![key.to_owned()]).named(KEY),
        Column::Texts(vec![value.to_owned()]).named(VALUE),
        Column::Vectors(NOTHING_DIMENSION, vec![0.0; NOTHING_DIMENSION]).named(NOTHING),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let check = |text: &str, most: usize, expected: &[&str]| assert_eq!(pieces(text, most), expected, "{text}");
        check("", 4, &[""]);
        check("abcd", 4, &["abcd"]);
        check("保险条款", 7, &["保险", "条款"]);
    }
}
