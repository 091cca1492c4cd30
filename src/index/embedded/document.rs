//! A prepared passage as a document of tantivy. Decides nothing: which field holds what, and nothing else.

use std::collections::BTreeSet;

use tantivy::TantivyDocument;

use super::schema::{ENDED, Fields, pack_lengths, place_number};
use super::terms;
use crate::error::{Context, Fault, Result};
use crate::index::passage::PreparedPassage;
use crate::model::{Article, Validity};
use crate::text::{ProductName, Region};

/// The passage as tantivy takes it; `hash` is its article's fingerprint.
pub fn document(fields: &Fields, article: &Article, hash: u64, passage: PreparedPassage) -> Result<TantivyDocument> {
    let PreparedPassage {
        stored,
        tokens,
        signature,
        vector,
        windows,
    } = passage;
    let mut document = TantivyDocument::new();
    document.add_text(fields.article_id, &article.id);
    document.add_u64(fields.ordinal, stored.ordinal.into());
    document.add_u64(fields.article_hash, hash);
    document.add_u64(
        fields.lengths,
        pack_lengths([0, 1, 2, 3].map(|i: usize| tokens[i].len())),
    );
    let targets = [
        fields.title_words,
        fields.title_bigrams,
        fields.text_words,
        fields.text_bigrams,
    ];
    for (field, tokens) in targets.into_iter().zip(tokens) {
        if !tokens.is_empty() {
            document.add_text(field, terms::join(tokens.iter().map(|token| &token.text)));
        }
    }
    if ProductName::of(&stored.title).is_some_and(|name| !name.keys().is_empty()) {
        document.add_text(fields.product, &stored.title);
    }
    if let Some(source) = &article.source {
        document.add_text(fields.source, source);
    }
    document.add_text(fields.kind, article.kind.name());
    if let Some(published) = article.published {
        document.add_u64(fields.published, published.number().into());
    }
    add_places(fields, &stored.regions, &mut document);
    for &year in &stored.years {
        document.add_u64(fields.years, year.into());
    }
    add_validity(fields, stored.validity, &mut document);
    for word in signature.words() {
        document.add_u64(fields.signature, word);
    }
    document.add_text(fields.passage, json(&stored)?);
    if stored.ordinal == 0 {
        document.add_text(fields.article, json(article)?);
        if let Some(origin) = &article.origin {
            document.add_text(fields.origin_source, &origin.source);
            document.add_text(fields.origin_path, &origin.path);
        }
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    document.add_custom(fields.vector, &bytes);
    document.add_custom(fields.windows, windows.bytes());
    Ok(document)
}

/// Places by their names, for filters, and by their numbers, for what reads them of every candidate; each once.
fn add_places(fields: &Fields, regions: &[Region], document: &mut TantivyDocument) {
    let names: BTreeSet<String> = regions.iter().flat_map(Region::keys).collect();
    for name in names {
        document.add_text(fields.regions, name);
    }
    let mut numbers = BTreeSet::new();
    for region in regions {
        numbers.insert(place_number(&region.province, None));
        if let Some(city) = region.city.as_deref() {
            numbers.insert(place_number(&region.province, Some(city)));
        }
    }
    for number in numbers {
        document.add_u64(fields.places, number);
    }
}

/// From when to when the article holds, as far as it says.
fn add_validity(fields: &Fields, validity: Validity, document: &mut TantivyDocument) {
    if let Some(effective) = validity.effective {
        document.add_u64(fields.effective, effective.number().into());
    }
    let expired = validity.expired.map(|day| day.number().into());
    if let Some(expired) = expired.or(validity.ended.then_some(ENDED)) {
        document.add_u64(fields.expired, expired);
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).or_fault(Fault::Bug, "encoding a passage")
}
