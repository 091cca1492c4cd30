//! The call that says what becomes of a file, whatever protocol it comes in by.
//!
//! Files are read one at a time in a thread of their own: a hostile one takes half a minute, for which only other files
//! wait. They are few, and take no place of calls that write (`server`).

use std::sync::Arc;
use std::time::Instant;

use super::collection::{CollectionCell, opened};
use super::convert::reading::file_read;
use super::pool::SearchPool;
use super::reading::read_file;
use super::wire;
use crate::compute::Budget;
use crate::error::Result;

/// What is shown of a file that was read, in bytes: less than a client takes by default.
const SHOWN_BYTES: usize = 3 << 20;

/// Reads files as the index in a cell would have them, once it is open.
#[derive(Clone)]
pub struct ReadCalls {
    cell: Arc<CollectionCell>,
    pool: Arc<SearchPool>,
}

impl ReadCalls {
    /// For the index in `cell`. That callers are not too many is for the bound before them.
    pub fn new(cell: Arc<CollectionCell>) -> Self {
        ReadCalls {
            cell,
            pool: Arc::new(SearchPool::new(1, 0)),
        }
    }

    /// What becomes of a file.
    ///
    /// # Errors
    /// `Caller` for a name that is none, those of laying it down; `Unavailable` before the index is open.
    pub async fn read_file(
        &self,
        request: wire::ReadFileRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::ReadFileResponse> {
        let cell = self.cell.clone();
        let read = move || {
            let collection = opened(&cell)?;
            let budget = Budget::single().until(deadline);
            let read = read_file(&request.name, &request.content, SHOWN_BYTES, budget)?;
            Ok(file_read(read, &collection.analyzer))
        };
        self.pool.run_in_turn(deadline, read).await
    }
}
