//! How much of a call's body is held until it has come to its end, counted for its connection: what came as it came,
//! and what was unpacked of it. What is refused is said by `activity`, which knows what all of them hold.
//!
//! Not for imports, whose messages go on as they come: the number of those calls bounds what they hold.

use std::sync::Arc;

use super::activity::Activity;
use super::metrics::Metrics;
use crate::error::Result;

/// For whom bodies of a call are counted, as found in a request's extensions.
#[derive(Debug, Clone)]
pub struct Account {
    /// Who sends them.
    pub connection: Arc<Activity>,
    /// Where those that are refused are counted.
    pub metrics: Arc<Metrics>,
}

/// A body, packed or unpacked, and how much is held of it; dropping it lets go of that.
#[derive(Debug)]
pub struct HeldBody {
    account: Account,
    bytes: usize,
}

impl HeldBody {
    /// Nothing of it so far.
    pub fn new(account: Account) -> Self {
        HeldBody { account, bytes: 0 }
    }

    /// So many bytes more.
    ///
    /// # Errors
    /// `Exhausted` if they would leave too little room for others.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        let taken = self.account.connection.take_in(bytes, self.bytes);
        taken.inspect_err(|_| self.account.metrics.refused("body"))?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.account.connection.let_go(self.bytes);
    }
}
