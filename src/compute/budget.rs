//! What a piece of work may use: how many threads, and until when. Passed down as an argument and never found out from
//! the thread that happens to do the work.

use std::time::Instant;

use crate::error::{Error, Fault, Result};

/// Of the time that is left this part is kept for what comes after.
const KEPT: u32 = 5;

/// Threads and time for one piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The moment from which nobody waits for the outcome any more; none for work that may take as long as it takes.
    pub deadline: Option<Instant>,
    /// Threads that may work at a time, the caller's among them; at least 1.
    pub threads: usize,
}

impl Budget {
    /// All cores of this process, for as long as it takes.
    pub fn all() -> Self {
        Budget {
            deadline: None,
            threads: super::available(),
        }
    }

    /// The caller's thread alone, for as long as it takes.
    pub fn single() -> Self {
        Budget {
            deadline: None,
            threads: 1,
        }
    }

    /// The same with so many threads, at least one.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Budget {
            threads: threads.max(1),
            ..self
        }
    }

    /// The same until this moment, if that is earlier.
    #[must_use]
    pub fn until(self, deadline: Option<Instant>) -> Self {
        let earlier = self.deadline.into_iter().chain(deadline).min();
        Budget {
            deadline: earlier,
            ..self
        }
    }

    /// The same with a fifth of the time that is left by `now` kept back: for work that an answer is made without if it
    /// comes too late, so that there is time to make it.
    #[must_use]
    pub fn leaving_time(self, now: Instant) -> Budget {
        let earlier = |deadline: Instant| deadline - deadline.saturating_duration_since(now) / KEPT;
        self.until(self.deadline.map(earlier))
    }

    /// To be asked by every loop that may take long, once in some ten thousand steps: it reads the clock.
    ///
    /// # Errors
    /// `Deadline` once the deadline has passed.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(late()),
            _ => Ok(()),
        }
    }
}

/// The error of a call whose deadline passed.
#[cold]
pub fn late() -> Error {
    Error::new(Fault::Deadline, "the deadline passed before the answer was ready")
        .help("allow more time, or ask for less at a time")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn some_of_the_time_is_kept_for_what_comes_after() {
        let now = Instant::now();
        let later = now + Duration::from_secs(10);
        let until = |deadline| Budget::single().until(deadline).leaving_time(now).deadline;
        assert_eq!(until(None), None);
        assert_eq!(until(Some(later)), Some(now + Duration::from_secs(8)));
        assert_eq!(until(Some(now)), Some(now));
        let passed = Budget::single().until(Some(now));
        assert_eq!(passed.leaving_time(later).deadline, Some(now));
    }

    #[test]
    fn a_deadline_that_has_passed_is_an_error() {
        assert!(Budget::single().check().is_ok());
        let late = Budget::all().until(Some(Instant::now()));
        assert_eq!(late.check().unwrap_err().fault(), Fault::Deadline);
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(late.until(Some(later)), late);
        assert_eq!(late.until(None), late);
        assert_eq!(late.with_threads(0).threads, 1);
        assert_eq!(late.with_threads(1).check().unwrap_err().fault(), Fault::Deadline);
    }
}
