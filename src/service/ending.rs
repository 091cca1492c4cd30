//! Whether a service is about to end, for calls that would otherwise go on for as long as their callers like, when
//! nobody is left to be waited for, and what it comes to if calls went on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Fault, Result};

/// Says that the service ends.
pub struct End(watch::Sender<bool>);

/// Learns that the service ends.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<bool>);

/// The two ends of the word.
pub fn ending() -> (End, Ending) {
    let (tell, told) = watch::channel(false);
    (End(tell), Ending(told))
}

impl End {
    /// The service ends from now on.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Ending {
    /// Whether the service ends.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the service begins to end, or is gone.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.0.clone();
        async move { drop(told.wait_for(|ends| *ends).await) }
    }
}

/// How long nothing may be asked and no byte move before sockets that are still open hold the end up no longer.
const QUIET: Duration = Duration::from_secs(3);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// For how long a service that ends has been quiet.
struct Quiet {
    since: Instant,
    moved: u64,
}

impl Quiet {
    /// Whether nothing was in flight for long, nor did a byte move, of which so many have by now.
    fn for_long(&mut self, now: Instant, in_flight: usize, moved: u64) -> bool {
        if in_flight > 0 || moved != self.moved {
            (self.since, self.moved) = (now, moved);
        }
        now - self.since >= QUIET
    }
}

/// Waits until nothing is in flight and no byte has moved for longer than who reads may pause: then the sockets that
/// are open wait for nothing.
pub async fn until_quiet(in_flight: impl Fn() -> usize, moved: impl Fn() -> u64) {
    let mut quiet = Quiet {
        since: Instant::now(),
        moved: moved(),
    };
    while !quiet.for_long(Instant::now(), in_flight(), moved()) {
        tokio::time::sleep(LOOK).await;
    }
}

/// What a service comes to whose grace period was over before its connections were.
///
/// # Errors
/// `Deadline` if calls are cut off.
pub fn cut_off(grace: Duration, unanswered: usize, searching: usize) -> Result<()> {
    if unanswered == 0 && searching == 0 {
        // Who does not read the answer that was given it holds nobody up.
        return Ok(());
    }
    Err(Error::new(
        Fault::Deadline,
        format!(
            "calls that were not answered to the end {} s after the signal to end: {unanswered}, searches in flight: \
             {searching}; they are cut off",
            grace.as_secs_f32(),
        ),
    )
    .help("allow a longer grace period if calls need it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_flight_and_every_byte_that_moves_holds_the_end_up_for_seconds() {
        let begin = Instant::now();
        let mut quiet = Quiet { since: begin, moved: 5 };
        let mut check = |milliseconds: u64, in_flight, moved, expected: bool| {
            let now = begin + Duration::from_millis(milliseconds);
            assert_eq!(
                quiet.for_long(now, in_flight, moved),
                expected,
                "after {milliseconds} ms"
            );
        };
        check(2_999, 0, 5, false);
        check(3_000, 0, 5, true);
        check(3_001, 1, 5, false);
        check(7_000, 1, 5, false);
        check(9_999, 0, 5, false);
        check(10_000, 0, 5, true);
        check(10_001, 0, 6, false);
        check(13_000, 0, 6, false);
        check(13_001, 0, 6, true);
    }
}
