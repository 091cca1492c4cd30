//! The fields of a passage in the index, and the identity of the rules that made them.
//!
//! The identity (format, analysis, embedder) is kept as parameters of the vector field, so it lies in tantivy's own
//! `meta.json`: an index is created with its identity in one atomic write and can never be found without it.

use tantivy::TantivyError;
use tantivy::schema::{
    FAST, Field, FieldType, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use super::terms;
use crate::error::{Error, Result};
use crate::index::passage::Identity;

/// The type name of the vector field in the schema.
pub const VECTOR_TYPE: &str = "baowen_vector";
/// The type name of the field with the vectors of windows.
const WINDOWS_TYPE: &str = "baowen_windows";

/// In the column `expired`: it does not hold any more, and since when is not said. Before all days.
pub const ENDED: u64 = 1;

/// Handles of all fields.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The article's id, one raw term; what upserts and deletes go by.
    pub article_id: Field,
    /// The passage's ordinal in its article.
    pub ordinal: Field,
    /// Fingerprint of the article's content, to leave unchanged articles alone.
    pub article_hash: Field,
    /// jieba words of title and headings.
    pub title_words: Field,
    /// Character bigrams of title and headings.
    pub title_bigrams: Field,
    /// jieba words of the passage.
    pub text_words: Field,
    /// Character bigrams of the passage.
    pub text_bigrams: Field,
    /// Tokens in the four text fields, 16 bits each, in the order above from the lowest bits.
    pub lengths: Field,
    /// Name of the source it was read from, with the passage of ordinal 0 only.
    pub origin_source: Field,
    /// Path of its file in that source, with the passage of ordinal 0 only.
    pub origin_path: Field,
    /// The title of an article about an insurance product, one raw term.
    pub product: Field,
    /// Publisher, one raw term.
    pub source: Field,
    /// Whole article or summary, by its name.
    pub kind: Field,
    /// Day of publication as `yyyymmdd`.
    pub published: Field,
    /// Regions by canonical name, each province and each city a term.
    pub regions: Field,
    /// The same regions as numbers, see [`place_number`], for ranking.
    pub places: Field,
    /// Years the passage is about.
    pub years: Field,
    /// The first day on which the article holds, as `yyyymmdd`; none where it does not say.
    pub effective: Field,
    /// The first day on which it does not hold any more; [`ENDED`] where only that is said.
    pub expired: Field,
    /// What the passage is told apart by from its copies: the words of its [`Signature`](crate::text::Signature).
    pub signature: Field,
    /// The passage as it is shown (JSON).
    pub passage: Field,
    /// The article's full record (JSON), with the passage of ordinal 0 only.
    pub article: Field,
    /// The passage's vector; a segment component of our own.
    pub vector: Field,
    /// The vectors of its windows; another one.
    pub windows: Field,
}

/// The schema of an index with this identity.
pub fn build(identity: &Identity) -> Result<(Schema, Fields)> {
    let analysed = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(terms::NAME)
                .set_index_option(IndexRecordOption::WithFreqs)
                .set_fieldnorms(true),
        )
    };
    let params = serde_json::to_value(identity).map_err(|e| Error::bug(format!("index identity: {e}")))?;
    let mut schema = Schema::builder();
    let fields = Fields {
        article_id: schema.add_text_field("article_id", STRING | FAST),
        ordinal: schema.add_u64_field("ordinal", FAST),
        article_hash: schema.add_u64_field("article_hash", FAST),
        title_words: schema.add_text_field("title_words", analysed()),
        title_bigrams: schema.add_text_field("title_bigrams", analysed()),
        text_words: schema.add_text_field("text_words", analysed()),
        text_bigrams: schema.add_text_field("text_bigrams", analysed()),
        lengths: schema.add_u64_field("lengths", FAST),
        origin_source: schema.add_text_field("origin_source", FAST),
        origin_path: schema.add_text_field("origin_path", FAST),
        product: schema.add_text_field("product", STRING),
        source: schema.add_text_field("source", STRING),
        kind: schema.add_text_field("kind", STRING),
        published: schema.add_u64_field("published", FAST | INDEXED),
        regions: schema.add_text_field("regions", STRING),
        places: schema.add_u64_field("places", FAST),
        years: schema.add_u64_field("years", FAST | INDEXED),
        effective: schema.add_u64_field("effective", FAST),
        expired: schema.add_u64_field("expired", FAST),
        signature: schema.add_u64_field("signature", FAST),
        // Text, not bytes: tantivy reads stored bytes one at a time.
        passage: schema.add_text_field("passage", STORED),
        article: schema.add_text_field("article", STORED),
        vector: schema.add_custom_field("vector", VECTOR_TYPE, params),
        windows: schema.add_custom_field("windows", WINDOWS_TYPE, serde_json::Value::Null),
    };
    Ok((schema.build(), fields))
}

/// The identity a schema was built with; `None` if the schema is not one of ours.
pub fn identity(schema: &Schema) -> Option<Identity> {
    let entry = schema.get_field_entry(schema.get_field("vector").ok()?);
    match entry.field_type() {
        FieldType::Custom(options) if options.type_name() == VECTOR_TYPE => {
            serde_json::from_value(options.params().clone()).ok()
        }
        _ => None,
    }
}

/// Numbers that a vector of an index with this schema has; 0 if it keeps none.
///
/// # Errors
/// If the schema is not one of ours.
pub fn dimension(schema: &Schema) -> tantivy::Result<usize> {
    identity(schema)
        .map(|identity| identity.dimension)
        .ok_or_else(|| TantivyError::SchemaError("the schema has no vector field of ours".into()))
}

/// A region as a number: of a province, or of a city in its province.
pub fn place_number(province: &str, city: Option<&str>) -> u64 {
    xxhash_rust::xxh3::xxh3_64(format!("{province}/{}", city.unwrap_or("")).as_bytes())
}

/// Packs four field lengths into one column value; a field of more than 65,535 tokens counts as that many.
pub fn pack_lengths(lengths: [usize; 4]) -> u64 {
    lengths
        .iter()
        .rev()
        .fold(0, |packed, &length| (packed << 16) | length.min(0xffff) as u64)
}

/// The four field lengths behind a column value.
pub fn unpack_lengths(packed: u64) -> [u32; 4] {
    std::array::from_fn(|i| (packed >> (16 * i)) as u32 & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::passage::FORMAT_VERSION;

    #[test]
    fn identity_survives_the_schema() {
        let made = Identity {
            format: FORMAT_VERSION,
            analysis: "abc".into(),
            embedder: "e".into(),
            dimension: 384,
        };
        let (schema, _) = build(&made).unwrap();
        let json = serde_json::to_string(&schema).unwrap();
        let read: Schema = serde_json::from_str(&json).unwrap();
        assert_eq!(identity(&read), Some(made));
        assert_eq!(identity(&Schema::builder().build()), None);
    }

    #[test]
    fn lengths_pack_and_saturate() {
        assert_eq!(unpack_lengths(pack_lengths([1, 2, 300, 70_000])), [1, 2, 300, 65_535]);
    }
}
