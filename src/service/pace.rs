//! How fast the bodies of calls come: one that stands still, or brings less than the least, is waited for no longer. So
//! nobody holds a place among the connections by a byte now and then, or holds the end of the service up.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::ending::Ending;
use crate::error::{Error, Fault};

/// How often it is looked at whether a body still comes; for so long one is waited for, too, when the service ends.
const LOOK: Duration = Duration::from_secs(1);

/// How fast bodies must come.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How long one may stand still, and how long it may be slower than the least.
    pub pause: Duration,
    /// Bytes that one brings at least in each second that it is waited for, on average.
    pub least: usize,
    /// Word that the service ends: who is slower then is waited for no longer.
    pub ending: Ending,
}

/// How a body comes.
pub struct Progress {
    pace: Pace,
    /// Bytes that came.
    bytes: usize,
    /// How long they were waited for.
    waited: Duration,
    /// Since when the next ones are.
    since: Option<Instant>,
    /// When it is looked at next.
    look: Option<Pin<Box<Sleep>>>,
    /// Whether the service ends; then both numbers are those since.
    ends: bool,
}

impl Progress {
    /// Nothing came yet.
    pub fn new(pace: Pace) -> Self {
        Progress {
            pace,
            bytes: 0,
            waited: Duration::ZERO,
            since: None,
            look: None,
            ends: false,
        }
    }

    /// So many more bytes came.
    pub fn came(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.waited += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }

    /// Somebody waits for more; ready with the reason once nobody does any longer.
    pub fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.since.get_or_insert_with(Instant::now);
        let step = self.pace.pause.min(LOOK);
        let look = self.look.get_or_insert_with(|| Box::pin(tokio::time::sleep(step)));
        loop {
            ready!(look.as_mut().poll(cx));
            look.as_mut().reset((Instant::now() + step).into());
            let still = self.since.map_or(Duration::ZERO, |since| since.elapsed());
            let waited = self.waited + still;
            let is_slow = |least: usize| (self.bytes as f64) < least as f64 * waited.as_secs_f64();
            if self.ends {
                if waited >= LOOK && is_slow(self.pace.least.max(1)) {
                    return Poll::Ready(
                        Error::unavailable("the service is shutting down, and the body was not there yet")
                            .help("send it to another instance, or again later"),
                    );
                }
            } else if self.pace.ending.has_begun() {
                self.ends = true;
                (self.bytes, self.waited, self.since) = (0, Duration::ZERO, Some(Instant::now()));
            } else if still >= self.pace.pause {
                return Poll::Ready(too_slow("the body came to a halt".to_owned()));
            } else if waited >= self.pace.pause && is_slow(self.pace.least) {
                let (bytes, least) = (self.bytes, self.pace.least);
                return Poll::Ready(too_slow(format!(
                    "the body comes too slowly: {bytes} bytes in {:.1} s, at least {least} a second are waited for",
                    waited.as_secs_f32()
                )));
            }
        }
    }
}

fn too_slow(what: String) -> Error {
    Error::new(Fault::Deadline, what).help("send it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ending::ending;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// Waits until nobody waits any longer.
    async fn refused(mut progress: Progress) -> Error {
        std::future::poll_fn(|cx| progress.poll_too_slow(cx)).await
    }

    #[tokio::test]
    async fn who_stands_still_or_brings_less_than_the_least_is_refused() {
        let (_end, ending) = ending();
        let pace = |pause: Duration, least: usize| Pace {
            pause,
            least,
            ending: ending.clone(),
        };
        let halted = refused(Progress::new(pace(Duration::from_millis(1), 0))).await;
        assert_eq!(halted.fault(), Fault::Deadline);
        assert!(halted.message().contains("halt"), "{halted}");
        let mut slow = Progress::new(pace(HOUR, 1_000));
        slow.came(3_599_999);
        slow.waited = HOUR;
        let slow = refused(slow).await;
        assert_eq!(slow.fault(), Fault::Deadline);
        assert!(slow.message().contains("at least 1000 a second"), "{slow}");
    }

    #[tokio::test]
    async fn nobody_waits_long_for_a_slow_body_when_the_service_ends() {
        let (end, ending) = ending();
        end.begin();
        let refused = refused(Progress::new(Pace {
            pause: Duration::from_millis(1),
            least: 0,
            ending,
        }))
        .await;
        assert_eq!(refused.fault(), Fault::Unavailable);
        assert!(refused.message().contains("shutting down"), "{refused}");
    }
}
