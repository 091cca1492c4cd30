//! The collections of an index and their fields. An index `NAME` is `NAME_meta`, which says what counts, and for each
//! generation `NAME_vN` (passages), `NAME_vN_articles` and `NAME_vN_terms`.
//!
//! No alias of Milvus is used: not every server has them, and one would change the passages alone, not what belongs to
//! them. The row of `NAME_meta` that is a commit names its generation.

use super::address::DenseIndex;
use super::client::Client;
use super::wire::{self, KeyValuePair, data_type, pair};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};

/// The version of all this; raised when an older program would misread it.
pub const VERSION: u32 = 4;

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
    let mut fields = vec![ARTICLE, ORDINAL, PUBLISHED, SOURCE, REGIONS, YEARS, JUDGED, PASSAGE];
    fields.extend((dimension > 0).then_some(MEANING));
    fields
}

/// Bytes of the longest text that Milvus keeps.
pub const MAX_TEXT: usize = 65_535;
/// Values of the longest list.
pub const MAX_LIST: usize = 1_024;

/// The graph's breadth, and that of its building.
const HNSW: &str = r#"{"M":16,"efConstruction":200}"#;

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

    fn all(&self) -> [&str; 3] {
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
fn meta_fields() -> Vec<wire::FieldSchema> {
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

/// Makes collections and takes them away.
pub struct Maker<'a> {
    /// Where.
    pub client: &'a Client,
    /// How long.
    pub budget: Budget,
}

impl Maker<'_> {
    /// Whether there is a collection of this name.
    pub fn has(&self, collection: &str) -> Result<bool> {
        let request = self.client.reference(collection);
        let has: Result<wire::BoolResponse> = self.client.call("HasCollection", collection, request, self.budget);
        match has {
            Err(error) if error.fault() == Fault::Missing => Ok(false),
            has => Ok(has?.value),
        }
    }

    /// Removes a collection, if it is there.
    pub fn remove(&self, collection: &str) -> Result<()> {
        if self.has(collection)? {
            let request = self.client.reference(collection);
            self.client
                .call::<wire::Status>("DropCollection", collection, request, self.budget)?;
        }
        Ok(())
    }

    /// Removes a generation.
    pub fn remove_generation(&self, generation: &Generation) -> Result<()> {
        generation
            .all()
            .into_iter()
            .try_for_each(|collection| self.remove(collection))
    }

    /// Makes the collection that says what counts, if it is not there.
    pub fn meta(&self, index: &str) -> Result<()> {
        let name = meta(index);
        self.make(&name, meta_fields())?;
        self.index_dummy(&name)?;
        self.load(&name)
    }

    /// Makes the collections of a generation that are not there.
    pub fn generation(&self, generation: &Generation, dimension: usize) -> Result<()> {
        let [passages, articles, terms] = fields_of(generation, dimension);
        let (passages, fields) = passages;
        self.make(passages, fields)?;
        self.index(passages, WORDS, "SPARSE_INVERTED_INDEX", "{}")?;
        if dimension > 0 {
            self.index_meaning(passages)?;
        }
        self.load(passages)?;
        for (collection, fields) in [articles, terms] {
            self.make(collection, fields)?;
            self.index_dummy(collection)?;
            self.load(collection)?;
        }
        Ok(())
    }

    /// What is wrong with the collections of a generation, a line each: those that are gone, or are not made as they
    /// should be.
    pub fn wrong(&self, generation: &Generation, dimension: usize) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for (collection, fields) in fields_of(generation, dimension) {
            if self.has(collection)? {
                wrong.extend(self.differences(collection, &fields)?);
            } else {
                wrong.push(format!("collection {collection} is gone"));
            }
        }
        Ok(wrong)
    }

    /// What is wrong with the collection that says what counts, if anything: it may be somebody else's.
    pub fn wrong_meta(&self, index: &str) -> Result<Vec<String>> {
        self.differences(&meta(index), &meta_fields())
    }

    /// What is otherwise in a collection than its fields should be, a line each.
    fn differences(&self, collection: &str, fields: &[wire::FieldSchema]) -> Result<Vec<String>> {
        let request = self.client.reference(collection);
        let described: wire::DescribeCollectionResponse =
            self.client
                .call("DescribeCollection", collection, request, self.budget)?;
        let found = described.schema.unwrap_or_default().fields;
        let dimension = |field: &wire::FieldSchema| {
            let params = field.type_params.iter();
            params
                .filter(|param| param.key == "dim")
                .map(|param| param.value.clone())
                .next()
        };
        let form = |field: &wire::FieldSchema| {
            (
                field.data_type,
                field.element_type,
                field.is_primary_key,
                dimension(field),
            )
        };
        let differs = |wanted: &wire::FieldSchema| {
            let name = &wanted.name;
            match found.iter().find(|field| field.name == *name) {
                None => Some(format!("collection {collection} has no field `{name}`")),
                Some(field) if form(field) != form(wanted) => Some(format!(
                    "collection {collection}: the field `{name}` is {:?}, and should be {:?} (type, type of its values, key, \
                     dimension)",
                    form(field),
                    form(wanted)
                )),
                Some(_) => None,
            }
        };
        Ok(fields.iter().filter_map(differs).collect())
    }

    /// Makes a collection, unless it is there.
    fn make(&self, name: &str, fields: Vec<wire::FieldSchema>) -> Result<()> {
        if self.has(name)? {
            return Ok(());
        }
        let schema = wire::CollectionSchema {
            name: name.to_owned(),
            description: format!("Baowen, version {VERSION}"),
            fields,
        };
        let request = wire::CreateCollectionRequest {
            db_name: self.client.address().database.clone(),
            collection_name: name.to_owned(),
            schema: prost::Message::encode_to_vec(&schema),
            shards_num: 1,
            consistency_level: wire::consistency::STRONG,
        };
        match self
            .client
            .call::<wire::Status>("CreateCollection", name, request, self.budget)
        {
            // Somebody else was faster.
            Err(_) if self.has(name)? => Ok(()),
            made => made.map(|_| ()),
        }
    }

    fn index(&self, collection: &str, field: &str, kind: &str, params: &str) -> Result<()> {
        let request = wire::CreateIndexRequest {
            db_name: self.client.address().database.clone(),
            collection_name: collection.to_owned(),
            field_name: field.to_owned(),
            extra_params: vec![
                pair("index_type", kind),
                pair("metric_type", if field == DUMMY_VECTOR { "L2" } else { "IP" }),
                pair("params", params),
            ],
        };
        let made = self
            .client
            .call::<wire::Status>("CreateIndex", collection, request, self.budget);
        match made {
            // Somebody else was faster. Other servers take it for done without a word.
            Err(error) if error.message().contains("already exists") => Ok(()),
            made => made.map(|_| ()),
        }
    }

    fn index_dummy(&self, collection: &str) -> Result<()> {
        self.index(collection, DUMMY_VECTOR, "FLAT", "{}")
    }

    fn index_meaning(&self, collection: &str) -> Result<()> {
        if self.client.address().dense == DenseIndex::Hnsw {
            match self.index(collection, MEANING, "HNSW", HNSW) {
                Ok(()) => return Ok(()),
                // Small servers build no graphs.
                Err(error) if error.message().contains("index type") => {}
                Err(error) => return Err(error),
            }
        }
        self.index(collection, MEANING, "FLAT", "{}")
    }

    fn load(&self, collection: &str) -> Result<()> {
        let request = self.client.reference(collection);
        self.client
            .call::<wire::Status>("LoadCollection", collection, request, self.budget)?;
        Ok(())
    }
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
