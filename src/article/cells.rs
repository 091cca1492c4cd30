//! The cells of a table as a file gives them, and how many it may have.
//!
//! What a row says is for `table`, which rows are its header for `headers`.

use serde::{Deserialize, Serialize};

/// The rows of one table, each with the line or row that it stands on, from 1.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// What the table is called where it has a name of its own, as a sheet has.
    pub name: String,
    /// What tells its rows' ids apart from those of the file's other tables, whether or not it has such.
    #[serde(default)]
    pub key: String,
    /// What the workbook is called, perhaps nothing, of which it is one of several sheets.
    #[serde(default)]
    pub book: Option<String>,
    /// Rows with their cells; empty cells are empty.
    pub rows: Vec<(usize, Vec<String>)>,
    /// How many rows the header takes, where the table itself tells; 0 for as many as it looks like.
    pub header_rows: usize,
    /// A place where it is not written as tables are: the line, and what is wrong.
    #[serde(default)]
    pub noticed: Option<(usize, String)>,
    /// Whether commas part the cells, which may stand in a text as well that nobody put in quotes.
    #[serde(default)]
    pub by_commas: bool,
}

/// Most cells that are read of one file.
pub(super) const MAX_CELLS: usize = 4_000_000;
/// Most columns of a row.
pub(super) const MAX_COLUMNS: usize = 1_000;
