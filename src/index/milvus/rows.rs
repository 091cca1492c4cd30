//! What a passage and an article are as rows: made of a prepared article, and read again for judging.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::columns::{Column, Rows, dummies, same_length};
use super::counts::{decoded, encoded};
use super::expression::{NEVER, kept_source};
use super::meta::pieces;
use super::schema::{self, MAX_LIST, MAX_TEXT};
use super::terms::{Counted, counted, read, sparse, write};
use super::wire::FieldData;
use crate::article::limits::MAX_ID_BYTES;
use crate::error::{Context, Error, Fault, Result};
use crate::index::embedded::check_article_id;
use crate::index::passage::{PreparedArticle, PreparedPassage, StoredPassage};
use crate::index::scoring::{Bm25, FIELDS, SentenceVectors};
use crate::model::Validity;
use crate::text::{Region, Signature};

/// Bytes of an article that are kept in one row.
const PART: usize = 60_000;

/// Tokens by field; has a name for the reason that [`Tokens`](super::counts::Tokens) has one.
type Lengths = [u32; FIELDS];

/// What scores are computed from, beside the vector.
#[derive(Debug, Serialize, Deserialize)]
struct Judged {
    /// Title words, title bigrams, text words, text bigrams.
    lengths: Lengths,
    /// See [`write`], in base64.
    terms: String,
    /// As [`Windows`](crate::index::scoring::Windows) has them, in base64.
    windows: String,
    /// The words of its signature, in base64.
    signature: String,
    regions: Vec<Region>,
    years: Vec<u16>,
    #[serde(default, skip_serializing_if = "Validity::is_unsaid")]
    validity: Validity,
}

/// A passage, ready to be written.
pub struct PassageRow {
    ordinal: i32,
    published: i32,
    source: String,
    kind: &'static str,
    regions: Vec<String>,
    years: Vec<i32>,
    judged: String,
    passage: String,
    /// Its terms.
    pub counted: Counted,
    /// Its tokens by field.
    pub lengths: Lengths,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// An article, ready to be written.
pub struct ArticleRows {
    /// Its id.
    pub id: String,
    /// Its passages, in their order.
    pub passages: Vec<PassageRow>,
    /// About how many bytes all of it takes.
    pub bytes: usize,
    hash: u64,
    title: String,
    origin: String,
    article: String,
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).or_fault(Fault::Bug, "encoding an article")
}

impl ArticleRows {
    /// Makes the rows of an article, for vectors of so many numbers.
    ///
    /// # Errors
    /// `Caller` if Milvus cannot keep it.
    pub fn new(prepared: PreparedArticle, dimension: usize) -> Result<Self> {
        let article = &prepared.article;
        check_article_id(&article.id)?;
        if let Some(passage) = prepared.passages.iter().find(|p| p.vector.len() != dimension) {
            let given = passage.vector.len();
            return Err(Error::bug(format!(
                "a vector of {given} numbers for an index of {dimension}"
            )));
        }
        let whole = json(article)?;
        let origin = article.origin.as_ref().map(json).transpose()?.unwrap_or_default();
        let passages: Vec<PassageRow> = prepared
            .passages
            .into_iter()
            .map(PassageRow::new)
            .collect::<Result<_>>()
            .map_err(|error| error.context(format!("article `{}`", article.id)))?;
        let bytes = passages.iter().map(PassageRow::bytes).sum::<usize>() + whole.len() + origin.len();
        Ok(ArticleRows {
            id: prepared.article.id,
            title: prepared.article.title,
            hash: prepared.hash,
            article: whole,
            passages,
            origin,
            bytes,
        })
    }
}

impl ArticleRows {
    /// Where it was read, as it is kept.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl PassageRow {
    fn new(prepared: PreparedPassage) -> Result<Self> {
        let stored = &prepared.stored;
        let lengths = prepared.tokens.each_ref().map(|tokens| tokens.len() as u32);
        let counted = counted(&prepared.tokens);
        let mut regions: Vec<String> = stored.regions.iter().flat_map(Region::keys).collect();
        regions.sort();
        regions.dedup();
        let judged = json(&Judged {
            lengths,
            terms: encoded(&write(&counted)),
            windows: encoded(prepared.windows.bytes()),
            signature: encoded(&prepared.signature.words().map(u64::to_le_bytes).concat()),
            regions: stored.regions.clone(),
            years: stored.years.clone(),
            validity: stored.validity,
        })?;
        let mut passage = json(stored)?;
        if passage.len() > MAX_TEXT {
            // Without them another sentence may be shown, which is less than no passage at all.
            passage = json(&StoredPassage {
                sentences: SentenceVectors::default(),
                ..stored.clone()
            })?;
        }
        for (what, bytes) in [
            ("what it is judged by", judged.len()),
            ("its text and fields", passage.len()),
        ] {
            if bytes > MAX_TEXT {
                return Err(Error::caller(format!(
                    "passage {}: {what} take {bytes} bytes, Milvus keeps {MAX_TEXT} of a passage",
                    stored.ordinal
                )));
            }
        }
        if regions.len() > MAX_LIST || stored.years.len() > MAX_LIST {
            return Err(Error::caller(format!(
                "passage {}: it names more than {MAX_LIST} places or years",
                stored.ordinal
            )));
        }
        Ok(PassageRow {
            ordinal: stored.ordinal as i32,
            published: stored.published.map_or(0, |day| day.number() as i32),
            source: kept_source(stored.source.as_deref()),
            kind: stored.kind.name(),
            regions,
            years: stored.years.iter().copied().map(i32::from).collect(),
            judged,
            passage,
            counted,
            lengths,
            vector: prepared.vector,
        })
    }

    fn bytes(&self) -> usize {
        self.judged.len() + self.passage.len() + 4 * self.vector.len() + 8 * self.counted.len() + 200
    }
}

/// Rows of passages as columns, with the keys from `first` on.
pub fn passages(articles: &[ArticleRows], first: i64, bm25: &Bm25, dimension: usize) -> (usize, Vec<FieldData>) {
    let rows = || {
        articles
            .iter()
            .flat_map(|article| article.passages.iter().map(move |row| (&article.id, row)))
    };
    let count = rows().count();
    let texts = |of: fn(&PassageRow) -> &String| Column::Texts(rows().map(|(_, row)| of(row).clone()).collect());
    let ints = |of: fn(&PassageRow) -> i32| Column::Ints(rows().map(|(_, row)| of(row)).collect());
    let words = rows()
        .map(|(_, row)| sparse(&row.counted, &row.lengths, bm25))
        .collect();
    let mut columns = vec![
        Column::Longs((first..).take(count).collect()).named(schema::ID),
        Column::Texts(rows().map(|(id, _)| id.clone()).collect()).named(schema::ARTICLE),
        ints(|row| row.ordinal).named(schema::ORDINAL),
        Column::Longs(vec![NEVER; count]).named(schema::GONE),
        ints(|row| row.published).named(schema::PUBLISHED),
        texts(|row| &row.source).named(schema::SOURCE),
        Column::Texts(rows().map(|(_, row)| row.kind.to_owned()).collect()).named(schema::KIND),
        Column::TextLists(rows().map(|(_, row)| row.regions.clone()).collect()).named(schema::REGIONS),
        Column::IntLists(rows().map(|(_, row)| row.years.clone()).collect()).named(schema::YEARS),
        Column::Sparse(words).named(schema::WORDS),
        texts(|row| &row.judged).named(schema::JUDGED),
        texts(|row| &row.passage).named(schema::PASSAGE),
    ];
    if dimension > 0 {
        let vectors = rows().flat_map(|(_, row)| row.vector.iter().copied()).collect();
        columns.push(Column::Vectors(dimension, vectors).named(schema::MEANING));
    }
    (count, columns)
}

/// Rows of articles as columns, with the keys from `first` on; an article takes as many as it has parts.
pub fn articles(articles: &[ArticleRows], first: i64) -> (usize, Vec<FieldData>) {
    let rows: Vec<(&ArticleRows, i32, &str)> = articles
        .iter()
        .flat_map(|article| {
            (0..)
                .zip(pieces(&article.article, PART))
                .map(move |(part, data)| (article, part, data))
        })
        .collect();
    let count = rows.len();
    // What all parts would say alike only the first one says.
    let head = |of: fn(&ArticleRows) -> &String| {
        let one = |(article, part, _): &(&ArticleRows, i32, &str)| match part {
            0 => of(article).clone(),
            _ => String::new(),
        };
        Column::Texts(rows.iter().map(one).collect())
    };
    let columns = vec![
        Column::Longs((first..).take(count).collect()).named(schema::ID),
        Column::Texts(rows.iter().map(|(article, ..)| article.id.clone()).collect()).named(schema::ARTICLE),
        Column::Ints(rows.iter().map(|(_, part, _)| *part).collect()).named(schema::PART),
        Column::Longs(vec![NEVER; count]).named(schema::GONE),
        Column::Longs(rows.iter().map(|(article, ..)| article.hash as i64).collect()).named(schema::HASH),
        head(|article| &article.title).named(schema::TITLE),
        head(|article| &article.origin).named(schema::ORIGIN),
        Column::Ints(rows.iter().map(|(article, ..)| article.passages.len() as i32).collect()).named(schema::PASSAGES),
        Column::Texts(rows.iter().map(|(.., data)| (*data).to_owned()).collect()).named(schema::DATA),
        dummies(count),
    ];
    (count, columns)
}

/// What a passage is judged by.
#[derive(Debug)]
pub struct Kept {
    /// Its article.
    pub article: Arc<str>,
    /// Its place in it.
    pub ordinal: u32,
    /// Its tokens by field.
    pub lengths: Lengths,
    /// Its terms; see [`read`](super::terms::read).
    pub terms: Vec<u8>,
    /// The bytes of its windows.
    pub windows: Vec<u8>,
    /// What it is told apart by from its copies.
    pub signature: Signature,
    /// Its places.
    pub regions: Vec<Region>,
    /// Its years.
    pub years: Vec<u16>,
    /// From when to when its article holds.
    pub validity: Validity,
    /// Its vector.
    pub vector: Vec<f32>,
}

impl Kept {
    /// Its terms, counted.
    ///
    /// # Errors
    /// `Corrupt` if they are damaged.
    pub fn counted(&self) -> Result<Counted> {
        let mut counted = Counted::new();
        read(&self.terms, |term, counts| {
            counted.insert(term, counts);
        })?;
        Ok(counted)
    }
}

/// A signature as it is kept.
fn signature(kept: &str) -> Result<Signature> {
    let bytes = decoded(kept)?;
    let words: Vec<u64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word))
        .collect();
    let words = words.try_into();
    words.map(Signature::of_words).map_err(|words: Vec<u64>| {
        let (found, wanted) = (words.len(), Signature::WORDS);
        Error::corrupt(format!("a passage's signature has {found} numbers, {wanted} are kept"))
    })
}

/// What must be asked for to judge passages.
pub fn kept_fields(dimension: usize) -> Vec<&'static str> {
    let mut fields = vec![schema::ID, schema::ARTICLE, schema::ORDINAL, schema::JUDGED];
    fields.extend((dimension > 0).then_some(schema::MEANING));
    fields
}

/// Bytes of the largest row that is brought to be judged and shown.
pub fn largest_kept(dimension: usize) -> usize {
    // What names it, and the frames of the fields.
    const NAMES: usize = MAX_ID_BYTES + 128;
    2 * MAX_TEXT + dimension * size_of::<f32>() + NAMES
}

/// Reads the rows that are wanted, each with its key.
pub fn kept(mut rows: Rows, dimension: usize, is_wanted: impl Fn(i64) -> bool) -> Result<Vec<(i64, Kept)>> {
    let (ids, articles, ordinals) = (
        rows.longs(schema::ID),
        rows.texts(schema::ARTICLE),
        rows.ints(schema::ORDINAL),
    );
    let (judged, vectors) = (rows.texts(schema::JUDGED), rows.vectors(schema::MEANING));
    let count = ids.len();
    same_length(count, &[articles.len(), ordinals.len(), judged.len()])?;
    same_length(count * dimension, &[vectors.len()])?;
    let mut kept = Vec::with_capacity(count);
    let rows = ids
        .into_iter()
        .zip(articles)
        .zip(ordinals.into_iter().zip(judged))
        .enumerate();
    for (at, ((id, article), (ordinal, judged))) in rows.filter(|(_, ((id, _), _))| is_wanted(*id)) {
        let judged: Judged =
            serde_json::from_str(&judged).or_fault(Fault::Corrupt, "reading what a passage is judged by")?;
        kept.push((
            id,
            Kept {
                article: article.into(),
                ordinal: ordinal as u32,
                lengths: judged.lengths,
                terms: decoded(&judged.terms)?,
                windows: decoded(&judged.windows)?,
                signature: signature(&judged.signature)?,
                regions: judged.regions,
                years: judged.years,
                validity: judged.validity,
                vector: vectors[at * dimension..(at + 1) * dimension].to_vec(),
            },
        ));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Budget;
    use crate::embed::HashEmbedder;
    use crate::index::{Rules, prepare};
    use crate::model::Article;
    use crate::text::Analyzer;

    #[test]
    fn a_passage_whose_sentences_take_too_much_is_kept_without_them() {
        let check = |dimension: usize, expected: bool| {
            let rules = Rules {
                analyzer: Arc::new(Analyzer::new().unwrap()),
                embedder: Some(Arc::new(HashEmbedder::new(dimension))),
            };
            let article = Article {
                id: "a".into(),
                text: "一行\n".repeat(40),
                ..Article::default()
            };
            let prepared = prepare(&rules, vec![(article, 0)], Budget::single()).remove(0).unwrap();
            let rows = ArticleRows::new(prepared, dimension).unwrap();
            let stored: StoredPassage = serde_json::from_str(&rows.passages[0].passage).unwrap();
            assert_eq!(!stored.sentences.is_empty(), expected, "{dimension}");
        };
        check(64, true);
        check(8_192, false);
    }
}
