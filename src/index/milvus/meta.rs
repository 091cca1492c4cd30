//! `NAME_meta`: the rows that say what counts. Keys and values, read with all that was acknowledged.

use std::collections::BTreeMap;

use super::client::Client;
use super::collection::{Collection, Limit};
use super::columns::{Column, Rows, same_length};
use super::expression::quoted;
use super::schema::{DUMMY_DIMENSION, DUMMY_VECTOR, KEY, VALUE, meta};
use super::wire;
use crate::compute::Budget;
use crate::error::{Error, Result};

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
        Collection::newest(&self.client, &self.name)
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

    /// Keys that begin with one of these.
    pub fn keys(&self, prefixes: &[&str], budget: Budget) -> Result<Vec<String>> {
        Ok(self.collection().rows(&beginning(prefixes), &[KEY], budget)?.texts(KEY))
    }

    /// Writes a row.
    pub fn write(&self, key: &str, value: &str, budget: Budget) -> Result<()> {
        let limit = || Ok(budget);
        self.collection().upsert(1, columns(key, value), &limit).map(|_| ())
    }

    /// As [`Self::write`], from the client's own threads.
    pub async fn write_async(&self, key: &str, value: &str, budget: Budget) -> Result<()> {
        let request = self.collection().upserting(1, columns(key, value));
        let done: Result<wire::MutationResult> = self.client.answer("Upsert", &self.name, request, budget).await;
        done.map(|_| ())
    }

    /// Writes a value of any length; read with [`Self::read_long`].
    pub fn write_long(&self, key: &str, value: &str, limit: Limit<'_>) -> Result<()> {
        // The first part last: it says how many there are.
        for (part, value) in parts(value, LONGEST).into_iter().enumerate().rev() {
            self.write(&part_key(key, part), &value, limit()?)?;
        }
        Ok(())
    }

    /// A value that was written by [`Self::write_long`]; none if there is none. Errors: `Corrupt` if some of it is
    /// missing.
    pub fn read_long(&self, key: &str, budget: Budget) -> Result<Option<String>> {
        whole(key, &self.read(&[&format!("{key}/")], budget)?)
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

fn part_key(key: &str, part: usize) -> String {
    format!("{key}/{part:06}")
}

/// A text in parts, the first of which begins with their number.
fn parts(text: &str, most: usize) -> Vec<String> {
    let pieces = pieces(text, most);
    let mut parts: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    parts[0] = format!("{}\n{}", parts.len(), parts[0]);
    parts
}

/// The text of its parts, whatever is left of longer ones that stood there before.
fn whole(key: &str, found: &Found) -> Result<Option<String>> {
    let Some(first) = found.get(&part_key(key, 0)) else {
        return Ok(None);
    };
    let damaged = || Error::corrupt(format!("`{key}` is not whole"));
    let (count, first) = first.split_once('\n').ok_or_else(damaged)?;
    let count: usize = count.parse().map_err(|_| damaged())?;
    let mut whole = first.to_owned();
    for part in 1..count {
        whole += found.get(&part_key(key, part)).ok_or_else(damaged)?;
    }
    Ok(Some(whole))
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
        Column::Vectors(DUMMY_DIMENSION, vec![0.0; DUMMY_DIMENSION]).named(DUMMY_VECTOR),
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

    #[test]
    fn a_shorter_text_is_read_where_a_longer_one_stood() {
        let mut found = Found::new();
        let mut check = |text: &str| {
            for (part, value) in parts(text, 7).into_iter().enumerate() {
                found.insert(part_key("k", part), value);
            }
            assert_eq!(whole("k", &found).unwrap().as_deref(), Some(text));
        };
        check("保险条款的条款");
        check("2\n条款");
        check("");
        assert_eq!(whole("another", &found).unwrap(), None);
        found.remove(&part_key("k", 1));
        assert!(whole("k", &found).is_ok(), "what is left of the longer one is nobody's");
        found.insert(part_key("k", 0), parts("保险条款", 7).remove(0));
        assert!(whole("k", &found).is_err());
    }
}
