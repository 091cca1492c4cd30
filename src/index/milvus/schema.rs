//! The collections of an index and their fields. An index `NAME` is `NAME_meta`, which says what counts, and for each
//! generation `NAME_vN` (passages), `NAME_vN_articles` and `NAME_vN_terms`.
//!
//! No alias of Milvus is used: not every server has them, and one would change the passages alone, not what belongs to
//! them. The row of `NAME_meta` that is a commit names its generation.

use super::wire::{self, KeyValuePair, data_type, pair};
use crate::error::{Error, Result};

/// The version of all this; raised when an older program would misread it.
pub const VERSION: u32 = 7;

/// How the description of every collection of ours begins.
pub const OURS: &str = "Baowen, version ";

/// Fields. A row's key: the commit that wrote it in the upper half, its number in the lower.
pub const ID: &str = "id";
/// The article's id.
pub const ARTICLE: &str = "article";
/// Place among the article's passages.
pub const ORDINAL: &str = "ordinal";
/// The first commit at which the row does not count any more.
pub const GONE: &str = "gone";
/// Day of publication, `yyyymmdd`; 0 if unknown.
pub const PUBLISHED: &str = "published";
/// Publisher.
pub const SOURCE: &str = "source";
/// Whole article or summary, by its name.
pub const KIND: &str = "kind";
/// Places, as filters name them.
pub const REGIONS: &str = "regions";
/// Years.
pub const YEARS: &str = "years";
/// Words as a sparse vector.
pub const WORDS: &str = "words";
/// The vector; not in an index of words alone.
pub const MEANING: &str = "meaning";
/// What scores are computed from.
pub const JUDGED: &str = "judged";
/// The passage as it is shown.
pub const PASSAGE: &str = "passage";
/// Place among the parts of an article's text.
pub const PART: &str = "part";
/// The article's fingerprint.
pub const HASH: &str = "hash";
/// The article's title.
pub const TITLE: &str = "title";
/// Where the article was read.
pub const ORIGIN: &str = "origin";
/// How many passages the article has.
pub const PASSAGES: &str = "passages";
/// A part of the article.
pub const DATA: &str = "data";
/// The commit that changed a term's counts last.
pub const AT: &str = "at";
/// Titles and texts that hold a term, and those that held it before that commit.
pub const COUNTS: [&str; 4] = ["titles", "texts", "titles_before", "texts_before"];
/// What a row of `NAME_meta` is called.
pub const KEY: &str = "key";
/// What it says.
pub const VALUE: &str = "value";
/// Every collection must have a vector; where none is needed this is it.
pub const DUMMY_VECTOR: &str = "dummy";
/// Its numbers.
pub const DUMMY_DIMENSION: usize = 2;

/// What is read of articles to write them again: all but their keys, and but the vector that says nothing.
pub const ARTICLE_FIELDS: &[&str] = &[ARTICLE, PART, HASH, TITLE, ORIGIN, PASSAGES, DATA];

/// What is read of passages to write them again: all but their keys, and but the words, which not every server gives
/// back after a restart.
pub fn passage_fields(dimension: usize) -> Vec<&'static str> {
    let mut fields = vec![
        ARTICLE, ORDINAL, PUBLISHED, SOURCE, KIND, REGIONS, YEARS, JUDGED, PASSAGE,
    ];
    fields.extend((dimension > 0).then_some(MEANING));
    fields
}

/// Bytes of the longest text that Milvus keeps.
pub const MAX_TEXT: usize = 65_535;
/// Values of the longest list.
pub const MAX_LIST: usize = 1_024;

/// The collections of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Of passages.
    pub passages: String,
    /// Of articles.
    pub articles: String,
    /// Of terms.
    pub terms: String,
}

impl Generation {
    /// The names of a generation.
    pub fn new(index: &str, number: u64) -> Self {
        Generation {
            passages: format!("{index}_v{number}"),
            articles: format!("{index}_v{number}_articles"),
            terms: format!("{index}_v{number}_terms"),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&str; 3] {
        [&self.passages, &self.articles, &self.terms]
    }
}

/// The collection that says what counts.
pub fn meta(index: &str) -> String {
    format!("{index}_meta")
}

fn field(name: &str, data_type: i32, params: Vec<KeyValuePair>) -> wire::FieldSchema {
    wire::FieldSchema {
        name: name.to_owned(),
        data_type,
        type_params: params,
        ..wire::FieldSchema::default()
    }
}

fn text(name: &str, bytes: usize) -> wire::FieldSchema {
    field(name, data_type::VARCHAR, vec![pair("max_length", bytes)])
}

fn long(name: &str) -> wire::FieldSchema {
    field(name, data_type::INT64, Vec::new())
}

fn int(name: &str) -> wire::FieldSchema {
    field(name, data_type::INT32, Vec::new())
}

fn vector(name: &str, dimension: usize) -> wire::FieldSchema {
    field(name, data_type::FLOAT_VECTOR, vec![pair("dim", dimension)])
}

fn key(field: wire::FieldSchema) -> wire::FieldSchema {
    wire::FieldSchema {
        is_primary_key: true,
        ..field
    }
}

fn list(name: &str, element_type: i32) -> wire::FieldSchema {
    let params = vec![pair("max_capacity", MAX_LIST), pair("max_length", 200)];
    wire::FieldSchema {
        element_type,
        ..field(name, data_type::ARRAY, params)
    }
}

/// The fields of the collection that says what counts.
pub fn meta_fields() -> Vec<wire::FieldSchema> {
    vec![
        key(text(KEY, 200)),
        text(VALUE, MAX_TEXT),
        vector(DUMMY_VECTOR, DUMMY_DIMENSION),
    ]
}

/// The collections of a generation, each with its fields: of passages, articles and terms.
pub fn fields_of(generation: &Generation, dimension: usize) -> [(&str, Vec<wire::FieldSchema>); 3] {
    let mut passages = vec![
        key(long(ID)),
        text(ARTICLE, 512),
        int(ORDINAL),
        long(GONE),
        int(PUBLISHED),
        text(SOURCE, 2_048),
        text(KIND, 64),
        list(REGIONS, data_type::VARCHAR),
        list(YEARS, data_type::INT32),
        field(WORDS, data_type::SPARSE_VECTOR, Vec::new()),
        text(JUDGED, MAX_TEXT),
        text(PASSAGE, MAX_TEXT),
    ];
    if dimension > 0 {
        passages.push(vector(MEANING, dimension));
    }
    let articles = vec![
        key(long(ID)),
        text(ARTICLE, 512),
        int(PART),
        long(GONE),
        long(HASH),
        text(TITLE, 8_192),
        text(ORIGIN, MAX_TEXT),
        int(PASSAGES),
        text(DATA, MAX_TEXT),
        vector(DUMMY_VECTOR, DUMMY_DIMENSION),
    ];
    let mut terms = vec![key(long(ID)), long(AT)];
    terms.extend(COUNTS.map(long));
    terms.push(vector(DUMMY_VECTOR, DUMMY_DIMENSION));
    [
        (&generation.passages, passages),
        (&generation.articles, articles),
        (&generation.terms, terms),
    ]
}

/// Refuses what another version of this program wrote.
pub fn check_version(version: u32) -> Result<()> {
    if version == VERSION {
        Ok(())
    } else {
        Err(Error::precondition(format!(
            "the index was written as version {version}, this program reads {VERSION}"
        ))
        .help("copy it again from where it came from, or use the program that wrote it"))
    }
}
