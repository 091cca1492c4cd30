//! When something that failed may be tried again: not before a pause is over, and at once after it succeeded.

use std::time::{Duration, Instant};

/// Attempts at one thing.
#[derive(Debug)]
pub struct Attempts {
    pause: Duration,
    failed: Option<Instant>,
}

impl Attempts {
    /// None so far; between those that fail there is this pause.
    pub fn new(pause: Duration) -> Self {
        Attempts { pause, failed: None }
    }

    /// Whether it may be tried now.
    pub fn may(&self, now: Instant) -> bool {
        self.failed.is_none_or(|failed| now.duration_since(failed) > self.pause)
    }

    /// It was tried.
    pub fn tried(&mut self, now: Instant, has_succeeded: bool) {
        self.failed = (!has_succeeded).then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_failed_waits() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut attempts = Attempts::new(30 * second);
        assert!(attempts.may(begin));
        attempts.tried(begin, false);
        assert!(!attempts.may(begin + 30 * second));
        assert!(attempts.may(begin + 31 * second));
        attempts.tried(begin + 31 * second, true);
        assert!(
            attempts.may(begin + 31 * second),
            "the next rebuild is taken over at once"
        );
    }
}
