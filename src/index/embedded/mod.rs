//! The embedded engine: one folder on this machine, with tantivy's segments, the vectors in them, and what is derived
//! from large segments. Implements the seam of [`super::backend`]; nothing outside of `index` knows its parts.

mod asked;
mod backup;
mod dense;
mod directory;
mod document;
mod facets;
pub(super) mod filter;
mod folder;
mod follow;
mod guard;
mod inventory;
mod maintain;
mod open;
mod parts;
mod read;
pub(super) mod schema;
mod seal;
pub(super) mod segment;
mod snapshot;
pub(super) mod terms;
mod verify;
mod whole;
mod writer;

pub use backup::Backup;
pub use folder::WriteLock;
pub use follow::Followed;
pub use guard::{is_guarded, what_helps};
pub use open::EmbeddedIndex;
pub use snapshot::EmbeddedSnapshot;
pub use verify::Verified;
pub use writer::{EmbeddedWriter, check_article_id};
