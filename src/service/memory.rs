//! The service's own memory: what was freed goes back to the system once much of it has gathered.
//!
//! The allocator keeps what it is given for whoever asks next, in a heap for each thread; what a hundred thousand
//! articles or unread answers needed once would stay with the process for as long as it runs.

use std::time::Duration;

use tokio::task::spawn_blocking;

use crate::kernel::heap;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// It is given back when so many bytes more are held than after the last time: a fifth of what a small service holds,
/// and more than a commit takes for a moment.
const GATHERED: u64 = 12 << 20;

/// What was held after the last time, or less since.
struct Held(u64);

impl Held {
    /// Whether so much more is held now that it may be worth while to give some back.
    fn has_gathered(&mut self, now: u64) -> bool {
        self.0 = self.0.min(now);
        now - self.0 >= GATHERED
    }
}

/// Gives freed memory back for as long as the service lives, where the system says how much is held.
pub async fn given_back() {
    let mut held = Held(0);
    while let Some(now) = own() {
        if held.has_gathered(now) {
            // Others wait meanwhile who allocate from the heap that is looked through, but not the network.
            let _ = spawn_blocking(heap::give_back).await;
            held = Held(own().unwrap_or(now));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Bytes of memory that are the process's own: no mapped files, whose pages the system takes back by itself.
fn own() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_when_much_more_is_held_than_after_the_last_time() {
        let megabytes = |count: u64| count << 20;
        let mut held = Held(megabytes(100));
        for (now, expected) in [
            (100, false),
            (111, false),
            (112, true),
            (80, false),
            (91, false),
            (92, true),
        ] {
            assert_eq!(held.has_gathered(megabytes(now)), expected, "{now} MB");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_says_how_much_is_held() {
        assert!(own().is_some_and(|held| held > 1 << 20));
    }
}
