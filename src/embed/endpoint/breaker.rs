//! Keeps a dead endpoint from being asked by every question: after some failures in a row it is left alone for a while,
//! then one request is let through, and what becomes of it decides.
//!
//! A failure says as much of the endpoint as it was given time: where every caller is in a hurry it takes more of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 5;
/// A request that was given so much time, or more, counts whole; one that was given less, as a part of one.
const FAIR: Duration = Duration::from_millis(500);
/// For so long the first time, twice as long each time after that.
const FIRST_REST: Duration = Duration::from_secs(5);
/// And never longer than this.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// The time, so that tests have their own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;

    /// Lets time pass.
    fn sleep(&self, time: Duration);
}

/// The machine's time.
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A circuit breaker.
pub struct Breaker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    /// Requests go through; those that failed in a row had so much time together, none more than [`FAIR`].
    Closed { failed: Duration },
    /// None goes through until then.
    Open { until: Instant, rest: Duration },
    /// One has gone through, and what becomes of it decides. Should nobody ever say, the next one goes through then.
    HalfOpen { until: Instant, rest: Duration },
}

impl Breaker {
    /// One that lets requests through.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Breaker {
            clock,
            state: Mutex::new(State::Closed { failed: Duration::ZERO }),
        }
    }

    /// To be asked before each request.
    ///
    /// # Errors
    /// `Unavailable` if the endpoint is left alone.
    pub fn admit(&self) -> Result<()> {
        let now = self.clock.now();
        self.change(|state| match state {
            State::Closed { .. } => Ok(state),
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => {
                let seconds = until.duration_since(now).as_secs_f32().ceil();
                Err(Error::unavailable(format!(
                    "it failed several times in a row and is left alone for {seconds} s"
                )))
            }
            State::Open { rest, .. } | State::HalfOpen { rest, .. } => Ok(State::HalfOpen {
                until: now + rest,
                rest,
            }),
        })
    }

    /// A request was answered.
    pub fn succeeded(&self) {
        let _ = self.change(|_| Ok(State::Closed { failed: Duration::ZERO }));
    }

    /// A request failed that was given so much time.
    pub fn failed(&self, given: Duration) {
        let (now, given) = (self.clock.now(), given.min(FAIR));
        let open = |rest| State::Open {
            until: now + rest,
            rest,
        };
        let _ = self.change(|state| {
            Ok(match state {
                State::Closed { failed } if failed + given < FAILURES * FAIR => {
                    State::Closed { failed: failed + given }
                }
                State::Closed { .. } => open(FIRST_REST),
                // Whoever was in a hurry does not decide: the next one goes through after the same rest.
                State::HalfOpen { .. } if given < FAIR => state,
                State::HalfOpen { rest, .. } => open((2 * rest).min(LONGEST_REST)),
                // One that was under way when it opened.
                State::Open { .. } => state,
            })
        });
    }

    fn change(&self, to: impl FnOnce(State) -> Result<State>) -> Result<()> {
        // Replaced in one step, so a poisoned lock is still a good one.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = to(*state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::TestClock;
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_when_one_goes_through() {
        let clock = TestClock::new();
        let breaker = Breaker::new(clock.clone());
        let is_open = || breaker.admit().is_err();
        for _ in 1..FAILURES {
            breaker.failed(FAIR);
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            breaker.failed(FAIR);
        }
        assert!(!is_open(), "not in a row");
        breaker.failed(FAIR);
        assert!(breaker.admit().unwrap_err().message().contains("left alone for 5 s"));
        // Those that were under way change nothing.
        breaker.failed(FAIR);
        clock.sleep(FIRST_REST - Duration::from_millis(1));
        assert!(is_open());
        clock.sleep(Duration::from_millis(1));
        assert!(!is_open() && is_open(), "one goes through");
        breaker.failed(FAIR);
        clock.sleep(FIRST_REST);
        assert!(is_open(), "twice as long");
        clock.sleep(FIRST_REST);
        assert!(!is_open());
        breaker.succeeded();
        assert!(!is_open() && !is_open());
    }

    #[test]
    fn a_rest_has_a_limit_and_a_lost_trial_is_replaced() {
        let clock = TestClock::new();
        let breaker = Breaker::new(clock.clone());
        (0..FAILURES).for_each(|_| breaker.failed(FAIR));
        for _ in 0..10 {
            clock.sleep(LONGEST_REST);
            breaker.admit().unwrap();
            breaker.failed(FAIR);
        }
        clock.sleep(LONGEST_REST);
        breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        clock.sleep(LONGEST_REST);
        breaker.admit().unwrap();
    }

    #[test]
    fn failures_of_those_in_a_hurry_count_in_the_end() {
        let clock = TestClock::new();
        let breaker = Breaker::new(clock.clone());
        let hurried = || breaker.failed(FAIR / 5);
        (1..5 * FAILURES).for_each(|_| hurried());
        breaker.admit().unwrap();
        hurried();
        assert!(breaker.admit().is_err());
        // The one that is let through is in a hurry too: the rest is not made longer, nor is the endpoint well.
        clock.sleep(FIRST_REST);
        breaker.admit().unwrap();
        hurried();
        assert!(breaker.admit().is_err());
        clock.sleep(FIRST_REST);
        breaker.admit().unwrap();
        breaker.succeeded();
        (1..5 * FAILURES).for_each(|_| hurried());
        breaker.admit().unwrap();
    }
}
