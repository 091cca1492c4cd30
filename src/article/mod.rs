//! Articles: reading files into [`Article`](crate::model::Article)s and cutting these into passages.
//!
//! What comes in is text, Markdown, HTML, JSON, tables, PDF, office documents and crawled pages, in UTF-8, UTF-16,
//! GB18030 or Big5; what comes out is clean text in one convention (`layout`) with what is known about its origin.
//! Nothing here analyses words or knows a model: how long a text is for the embedder, the caller says. A file or record
//! that cannot be read becomes a [`Rejected`] with its place and reason, and the rest goes on; nothing is dropped
//! without saying so: what a page carries around its article (navigation, disclaimers, link lists) is left out with its
//! reason.

mod byline;
mod cells;
mod credit_lines;
mod decode;
mod delimited;
#[cfg(feature = "documents")]
pub mod documents;
mod event;
mod fetched;
mod field_text;
mod field_values;
mod fields;
mod folded;
mod format;
mod groups;
mod headers;
mod html;
mod ids;
mod json;
mod labels;
mod layout;
mod letter;
pub mod limits;
mod lines;
mod markdown;
mod mended;
mod page;
mod page_numbers;
mod passage;
pub mod read;
mod reading;
mod record;
mod record_question;
mod refused;
mod repeated;
mod said;
mod script_values;
mod scripts;
mod shapes;
mod sheet_parts;
mod sheet_rows;
mod sheets;
mod site_words;
mod skip;
pub mod source;
mod stream;
mod table;
mod tail;
mod texts;
mod title;
mod unit;
mod walk;
mod why;

pub use event::{ReadEvent, Rejected};
pub use passage::{SplitOptions, split, windows};
pub use read::ArticleReader;
pub use reading::LeftOut;
pub use why::Why;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
