//! PDF and office documents: DOCX and XLSX.
//!
//! They are read by crates of others, and the files come from anywhere: `child` reads them in a process of its own
//! with limits, so that a crash, a hang or a flood is that file's fault. What comes out is plain: pages of lines, text
//! with its structure written in the convention of `layout`, or tables; the rest is as for any text.

mod archive;
mod child;
mod columns;
mod docx;
mod drawings;
mod extracted;
mod flow;
mod heads;
mod number_format;
mod numbering;
mod open_elements;
mod pdf;
mod readers;
mod signs;
mod single;
mod styles;
mod xlsx;
mod xml;

#[cfg(test)]
pub(super) mod tests;

pub(super) use child::extract;
pub use child::{COMMAND, read_isolated, serve};
pub use extracted::Kind;
pub(super) use extracted::reason;
pub(super) use flow::flow;
