//! The nearest vectors of one segment: an HNSW graph (Malkov and Yashunin, arXiv 1603.09320) as a flat, mapped file,
//! and exact search for where a graph does not pay.
//!
//! A graph is derived data: [`build`] makes it from the segment's vectors, [`GraphData::write`] puts it in one file,
//! [`Graph::open`] maps it, and any damage is an error after which the caller searches exactly. So nothing here can
//! lose an article. Deletes are not graph surgery: a deleted row is one that [`RowSet`] does not hold.
//!
//! It never reads or writes the segment itself: vectors come in as a matrix, rows go out as numbers.

mod build;
mod codes;
mod exact;
mod file;
mod grow;
mod header;
mod hierarchy;
mod metric;
mod neighbours;
mod plan;
mod query;
mod queue;
mod reader;
mod renumber;
mod repair;
mod residual;
mod row_set;
mod rows;
mod scratch;
mod search;
mod sections;
mod shape;
mod workers;

#[cfg(test)]
mod tests;

pub use build::build;
pub use codes::Codes;
pub use exact::{exact, exact_by_codes};
pub use file::Graph;
pub use plan::{Plan, plan};
pub use query::NearestQuery;
pub use reader::VectorReader;
pub use row_set::RowSet;
pub use scratch::Scratch;
pub use shape::{GraphData, GraphParams};

/// Width of a walk that finds 99 % of the 10 nearest among 100,000 real vectors with noise (64 does, just).
pub const DEFAULT_EF: usize = 80;
