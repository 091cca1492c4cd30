//! How many places each caller has of those that callers share, so that none of them takes all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller::Caller;

/// A caller takes no more than so many times what it leaves free: one that asks without end leaves a quarter to others,
/// who always find a place.
pub const SHARE_OF_FREE: usize = 3;

/// The places of all callers. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shares(Arc<Mutex<HashMap<Caller, usize>>>);

/// One of a caller's places, until it is dropped.
#[derive(Debug)]
pub struct Share {
    caller: Caller,
    shares: Shares,
}

impl Shares {
    /// One more place for a caller, if that may be with so many as it has.
    ///
    /// # Errors
    /// How many it has.
    pub fn join(&self, caller: Caller, may: impl FnOnce(usize) -> bool) -> Result<Share, usize> {
        // Each change is one step, so a poisoned lock is still a good one.
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.get(&caller).copied().unwrap_or_default();
        if !may(own) {
            return Err(own);
        }
        callers.insert(caller.clone(), own + 1);
        let shares = self.clone();
        Ok(Share { caller, shares })
    }

    /// Whether no caller has any.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut callers = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = callers.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                callers.remove(&self.caller);
            }
        }
    }
}
