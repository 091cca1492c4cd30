//! The collections of an index made, compared with what they should be, and taken away.

use super::address::DenseIndex;
use super::client::Client;
use super::schema::{DUMMY_VECTOR, Generation, MEANING, OURS, VERSION, WORDS, fields_of, meta, meta_fields};
use super::wire::{self, pair};
use crate::compute::Budget;
use crate::error::{Fault, Result};

/// The graph's breadth, and that of its building.
const HNSW: &str = r#"{"M":16,"efConstruction":200}"#;

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

    /// What is somebody else's of the collections that an index of this name and its first generation would have, a
    /// line each.
    pub fn others(&self, index: &str, generation: &Generation, dimension: usize) -> Result<Vec<String>> {
        let name = meta(index);
        let mut others = Vec::new();
        let wanted = [(name.as_str(), meta_fields())].into_iter();
        for (collection, fields) in wanted.chain(fields_of(generation, dimension)) {
            if self.has(collection)? {
                others.extend(self.differences(collection, &fields)?);
            }
        }
        Ok(others)
    }

    /// What is otherwise in a collection than it should be, a line each.
    fn differences(&self, collection: &str, fields: &[wire::FieldSchema]) -> Result<Vec<String>> {
        let request = self.client.reference(collection);
        let described: wire::DescribeCollectionResponse =
            self.client
                .call("DescribeCollection", collection, request, self.budget)?;
        let schema = described.schema.unwrap_or_default();
        if let Some(others) = elses(&schema, fields.len()) {
            return Ok(vec![format!("collection {collection} {others}")]);
        }
        let found = schema.fields;
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
            description: format!("{OURS}{VERSION}"),
            fields,
            ..wire::CollectionSchema::default()
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

/// By what a collection is told to be somebody else's whose fields may be called as ours, if it is. A server that gives
/// no descriptions leaves the number of fields.
fn elses(schema: &wire::CollectionSchema, fields: usize) -> Option<String> {
    let description = &schema.description;
    if description.starts_with(OURS) {
        return None;
    }
    if !description.is_empty() {
        return Some(format!(
            "is described as `{description}`, those of this program as `{OURS}N`"
        ));
    }
    let is_more = schema.enable_dynamic_field || schema.fields.len() > fields;
    is_more.then(|| "has fields that no collection of this program has".to_owned())
}
