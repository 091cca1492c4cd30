//! Bounds on what connections hold and how long they may stand still, and when one holds too much of them. Counts
//! nothing itself: that is `activity`'s.

use std::time::Duration;

/// A connection holds no more than so many times what it leaves free, so that others always find room.
const GREED: usize = 3;
/// What a connection may hold whatever others do: some small answers, some small bodies.
const ALWAYS: usize = 64 << 10;

/// Bounds on what connections hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// The longest that an answer may stand unread.
    pub unread: Duration,
    /// Bytes of unread answers of all connections together.
    pub unread_bytes: usize,
    /// Bytes of bodies of all connections together that have not come to their end.
    pub body_bytes: usize,
    /// The longest that a connection may be without a call.
    pub idle: Duration,
}

impl Patience {
    /// Whether a connection that holds so much of a bound leaves enough of it to others, or holds next to nothing.
    pub fn is_little(own: usize, all: usize, bound: usize) -> bool {
        let free = bound.saturating_sub(all);
        Self::is_next_to_nothing(own, bound) || own <= free.saturating_mul(GREED)
    }

    /// Whether it may be held whatever others do.
    pub fn is_next_to_nothing(own: usize, bound: usize) -> bool {
        own <= ALWAYS.min(bound / 1_024)
    }
}
