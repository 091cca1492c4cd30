//! What a commit holds, article by article, without searching: ids with where they were read, whole articles.
//!
//! For whoever compares an index with its sources or makes it anew from itself.

use tantivy::columnar::StrColumn;
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, DocSet, TERMINATED, TantivyDocument, Term};

use super::segment::SegmentView;
use super::view::View;
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Origin};

const READING: &str = "reading what the index holds";

/// The columns that say where the articles of a segment were read; none if no article of it was read from a file.
struct Origins(Option<StrColumn>, Option<StrColumn>);

impl Origins {
    fn open(reader: &tantivy::SegmentReader) -> Result<Origins> {
        let column = |name: &str| reader.fast_fields().str(name).or_fault(Fault::Corrupt, READING);
        Ok(Origins(column("origin_source")?, column("origin_path")?))
    }

    fn of(&self, doc: u32) -> Result<Option<Origin>> {
        let text = |column: &Option<StrColumn>| -> Result<Option<String>> {
            let Some(column) = column else { return Ok(None) };
            let Some(ord) = column.term_ords(doc).next() else {
                return Ok(None);
            };
            let mut text = String::new();
            column.ord_to_str(ord, &mut text).or_fault(Fault::Corrupt, READING)?;
            Ok(Some(text))
        };
        Ok(text(&self.0)?
            .zip(text(&self.1)?)
            .map(|(source, path)| Origin { source, path }))
    }
}

impl View {
    /// Tells `each` the id of every article and where it was read, in no particular order.
    pub fn origins(&self, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        for segment in &self.segments {
            let origins = Origins::open(&segment.reader)?;
            for doc in segment.reader.doc_ids_alive().filter(|&doc| segment.is_first(doc)) {
                each(&segment.key(doc)?.0, origins.of(doc)?)?;
            }
        }
        Ok(())
    }

    /// Where an article was read; `None` if there is no such article or it came another way than by a file.
    pub fn origin(&self, id: &str) -> Result<Option<Origin>> {
        match self.first_passage(id)? {
            Some((segment, doc)) => Origins::open(&segment.reader)?.of(doc),
            None => Ok(None),
        }
    }

    /// The fingerprint of an article; `None` if there is no such article.
    pub fn hash(&self, id: &str) -> Result<Option<u64>> {
        let Some((segment, doc)) = self.first_passage(id)? else {
            return Ok(None);
        };
        let hashes = segment.reader.fast_fields().u64("article_hash");
        Ok(hashes.or_fault(Fault::Corrupt, READING)?.first(doc))
    }

    fn first_passage(&self, id: &str) -> Result<Option<(&SegmentView, u32)>> {
        let field = self.field("article_id")?;
        let term = Term::from_field_text(field, id);
        for segment in &self.segments {
            let index = segment.reader.inverted_index(field).or_fault(Fault::Corrupt, READING)?;
            let postings = index.read_postings(&term, IndexRecordOption::Basic);
            let Some(mut postings) = postings.or_fault(Fault::Corrupt, READING)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                if !segment.reader.is_deleted(postings.doc()) {
                    // An article's passages are written one after the other, so the first that lives is its first.
                    return Ok(Some((segment, postings.doc())));
                }
                postings.advance();
            }
        }
        Ok(None)
    }

    fn field(&self, name: &str) -> Result<Field> {
        self.searcher().schema().get_field(name).or_fault(Fault::Bug, READING)
    }

    /// Gives `each` every article as it was taken in, in the order of the segments.
    pub fn articles(&self, each: &mut dyn FnMut(Article) -> Result<()>) -> Result<()> {
        let field = self.field("article")?;
        for (number, segment) in self.segments.iter().enumerate() {
            for doc in segment.reader.doc_ids_alive().filter(|&doc| segment.is_first(doc)) {
                let document: TantivyDocument = self
                    .searcher()
                    .doc(DocAddress::new(number as u32, doc))
                    .or_fault(Fault::Corrupt, READING)?;
                let stored = document.get_first(field).and_then(|value| value.as_str());
                let stored = stored.ok_or_else(|| Error::corrupt("an article has lost its text").context(READING))?;
                each(serde_json::from_str(stored).or_fault(Fault::Corrupt, READING)?)?;
            }
        }
        Ok(())
    }
}
