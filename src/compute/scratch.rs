//! Memory that pieces of work use one after the other, where allocating it anew would cost more than the work.
//!
//! Knows nothing of what is in it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;

/// Memory shared by threads: each piece of work takes one and gives it back, so there is as much as was ever used at
/// once.
#[derive(Debug)]
pub struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T> Default for ScratchPool<T> {
    fn default() -> Self {
        ScratchPool(Mutex::default())
    }
}

impl<T: Default> ScratchPool<T> {
    /// Runs `work` with memory of the pool, or new one if all is in use.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // The lock is held for no longer than that.
        let taken = self.free().pop();
        let mut scratch = taken.unwrap_or_default();
        let result = work(&mut scratch);
        self.free().push(scratch);
        result
    }

    /// As [`ScratchPool::with`], for memory that has to be left as it was found: after an error it may not be, so it is
    /// not used again.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn try_with<R>(&self, work: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let taken = self.free().pop();
        let mut scratch = taken.unwrap_or_default();
        let result = work(&mut scratch)?;
        self.free().push(scratch);
        Ok(result)
    }

    /// As [`ScratchPool::with`], for work that is done in several parts at once.
    pub fn with_each<R>(&self, parts: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
        let mut scratches: Vec<T> = {
            let mut free = self.free();
            (0..parts).map(|_| free.pop().unwrap_or_default()).collect()
        };
        let result = work(&mut scratches);
        self.free().append(&mut scratches);
        result
    }

    /// What nobody uses now. A panic while it was locked cannot have left it half changed, so a poisoned lock is as
    /// good as any.
    fn free(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn memory_is_shared_and_used_again() {
        let pool = ScratchPool::<Vec<u32>>::default();
        pool.with(|outer| {
            outer.push(1);
            pool.with(|inner| assert!(inner.is_empty()));
        });
        assert_eq!(pool.0.lock().unwrap().len(), 2);
        assert_eq!(pool.with(|scratch| scratch.len()), 1);
        pool.with_each(3, |scratches| {
            assert_eq!(scratches.iter().map(Vec::len).sum::<usize>(), 1)
        });
        assert_eq!(pool.0.lock().unwrap().len(), 3);
    }

    #[test]
    fn what_an_error_may_have_left_is_not_used_again() {
        let pool = ScratchPool::<Vec<u32>>::default();
        let failed = pool.try_with(|scratch| {
            scratch.push(1);
            Err::<(), _>(Error::bug("it fails in the middle"))
        });
        assert!(failed.is_err());
        assert_eq!(pool.try_with(|scratch| Ok(scratch.len())).unwrap(), 0);
    }
}
