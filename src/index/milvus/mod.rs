//! The engine for who outgrows one machine: everything is kept in a Milvus cluster, and any number of Baowen processes,
//! which keep nothing but caches, answer from it. One of them writes at a time.
//!
//! Words are sparse vectors made here by our analysis, meaning is Milvus' own vector index; both only find candidates.
//! What a candidate is worth is computed here, from what was fetched of it, by the functions that every engine uses.
//!
//! Milvus knows no transactions, so a commit is one row that names all that belongs to it (`state`): rows of passages
//! say from which commit to which one they count (`rows`), and readers ask for those of their commit. How the right to
//! write is held and lost is in `lease`. docs/SCALING.md says when to use it and what it needs.

mod address;
mod asked;
mod backend;
mod cleaning;
mod client;
mod collection;
mod columns;
mod counts;
mod expression;
mod failure;
mod frequencies;
mod holder;
mod lease;
mod maker;
mod marking;
mod meta;
mod open;
mod read;
mod remembered;
mod rows;
mod schema;
mod sending;
mod session;
mod snapshot;
mod standby;
mod state;
mod terms;
mod vector_lengths;
mod verify;
mod wire;
mod writer;

pub use address::{Address, DenseIndex};
pub use open::MilvusIndex;
pub use verify::Verified;
