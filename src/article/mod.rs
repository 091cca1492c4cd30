//! Articles: reading files into [`Article`](crate::model::Article)s and cutting these into passages.
//!
//! What comes in is text, Markdown, HTML, JSON Lines or a crawled page, in UTF-8 or GB18030; what comes out is clean
//! text in one convention (`layout`) with what is known about its origin. Nothing here analyses words or knows a
//! model: how long a text is for the embedder, the caller says. A file or record that cannot be read becomes a
//! [`Rejected`] with its place and reason, and the rest goes on; nothing is dropped without saying so, except what
//! a page carries around its article (navigation, disclaimers, link lists).

mod byline;
mod decode;
mod html;
mod layout;
mod markdown;
mod page;
pub mod passage;
pub mod read;
mod reading;
mod record;
pub mod source;
mod unit;
mod walk;

pub use passage::{SplitOptions, split};
pub use read::{ArticleReader, ReadEvent, Rejected};
pub use reading::LeftOut;

#[cfg(test)]
mod tests;
