//! What the rows of those who held the right to write say: who has it, which commit counts, who was last heard of when.
//! How they are written is in `lease`.

use std::time::Duration;

use super::meta::Found;
use super::state::{State, now};
use crate::error::Result;

pub const LEASE: &str = "lease/";
pub const COMMIT: &str = "commit/";
pub const BEAT: &str = "beat/";
/// What a lease's row says; all that matters of it is its key.
pub const HELD: &str = "held";
/// What there is: leases, commits and signs of life.
pub const ALL: [&str; 3] = [LEASE, COMMIT, BEAT];

/// The holder behind a number. The higher one has the right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    pub number: u64,
    pub secret: String,
}

impl Holder {
    /// Of an index that nobody has written to.
    pub fn first() -> Holder {
        Holder {
            number: 0,
            secret: "first".into(),
        }
    }

    pub fn key(&self, kind: &str) -> String {
        format!("{kind}{:012}/{}", self.number, self.secret)
    }

    pub fn commit(&self, stamp: u64) -> String {
        format!("{}/{stamp:020}", self.key(COMMIT))
    }
}

/// The number in a key of one of the three kinds.
pub fn number(key: &str) -> Option<u64> {
    let rest = ALL.iter().find_map(|kind| key.strip_prefix(kind))?;
    rest.split('/').next()?.parse().ok()
}

/// All holders, the highest first.
pub fn holders(found: &Found) -> Vec<Holder> {
    let leases = found.keys().filter_map(|key| {
        let (_, secret) = key.strip_prefix(LEASE)?.split_once('/')?;
        let secret = secret.to_owned();
        Some(Holder {
            number: number(key)?,
            secret,
        })
    });
    let mut holders: Vec<Holder> = leases.collect();
    holders.sort_by(|a, b| b.cmp(a));
    holders
}

/// The commit that counts.
pub fn newest(found: &Found) -> Result<Option<State>> {
    for holder in holders(found) {
        let commits = holder.key(COMMIT) + "/";
        // Stamps are written at one length.
        if let Some((_, state)) = found.iter().rev().find(|(key, _)| key.starts_with(&commits)) {
            return State::read(state).map(Some);
        }
    }
    Ok(None)
}

/// When a holder was last heard of, in milliseconds since 1970, and for how many more it keeps the right to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    at: u64,
    length: u64,
}

impl Beat {
    /// Of one that lives.
    pub fn now(length: Duration) -> Beat {
        let length = length.as_millis() as u64;
        Beat { at: now(), length }
    }

    /// Of one that has ended with everything answered that it called.
    pub fn peace() -> Beat {
        Beat { at: 0, length: 0 }
    }

    /// Of one that has ended, of which some call may still be under way.
    pub fn unsure() -> Beat {
        Beat { at: 1, length: 0 }
    }

    pub fn of(found: &Found, holder: &Holder) -> Option<Beat> {
        let (at, length) = found.get(&holder.key(BEAT))?.split_once(' ')?;
        let (at, length) = (at.parse().ok()?, length.parse().ok()?);
        Some(Beat { at, length })
    }

    pub fn written(self) -> String {
        format!("{} {}", self.at, self.length)
    }

    /// For how many milliseconds nobody may follow.
    pub fn left(self, now: u64) -> u64 {
        self.at.saturating_add(self.length).saturating_sub(now)
    }
}

pub fn has_right(found: &Found, holder: &Holder) -> bool {
    holders(found).first() == Some(holder)
}

/// What the one who has the right goes on from; none if there is no index.
pub fn following(found: &Found, holder: &Holder) -> Result<Option<State>> {
    let before = holders(found).into_iter().find(|other| other < holder);
    let is_in_peace = before.is_some_and(|before| Beat::of(found, &before) == Some(Beat::peace()));
    let mut state = newest(found)?;
    if let (Some(state), false) = (&mut state, is_in_peace) {
        state.skip();
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::passage::Identity;

    fn state(stamp: u64) -> State {
        let identity = Identity {
            format: 8,
            analysis: String::new(),
            embedder: String::new(),
            dimension: 0,
        };
        State {
            stamp,
            next: stamp + 1,
            ..State::first(identity)
        }
    }

    fn holder(number: u64, secret: &str) -> Holder {
        let secret = secret.into();
        Holder { number, secret }
    }

    /// Rows as they are written one after the other.
    #[derive(Default, Clone)]
    struct Rows(Found);

    impl Rows {
        fn lease(&mut self, holder: &Holder) {
            self.0.insert(holder.key(LEASE), HELD.into());
        }

        fn beat(&mut self, holder: &Holder, beat: Beat) {
            self.0.insert(holder.key(BEAT), beat.written());
        }

        fn commit(&mut self, holder: &Holder, stamp: u64) {
            self.0.insert(holder.commit(stamp), state(stamp).written().unwrap());
        }

        fn newest(&self) -> Option<u64> {
            newest(&self.0).unwrap().map(|state| state.stamp)
        }
    }

    #[test]
    fn the_newest_commit_of_the_highest_lease_counts() {
        let (one, two) = (holder(1, "z"), holder(2, "a"));
        let mut rows = Rows::default();
        assert_eq!(rows.newest(), None);
        rows.lease(&one);
        assert_eq!(rows.newest(), None);
        rows.commit(&one, 5);
        assert_eq!(rows.newest(), Some(5));
        // An older one of its own arrives late.
        rows.commit(&one, 4);
        assert_eq!(rows.newest(), Some(5));
        // Two begins and has not committed; then it has, and one writes once more.
        rows.lease(&two);
        assert_eq!(rows.newest(), Some(5));
        rows.commit(&two, 6);
        rows.commit(&one, 9);
        assert_eq!(rows.newest(), Some(6));
        // Who holds no lease commits for nobody.
        rows.commit(&holder(3, "x"), 11);
        assert_eq!(rows.newest(), Some(6));
    }

    #[test]
    fn a_lease_of_the_same_number_that_comes_late_loses_nothing() {
        // Both saw number 1 end in peace. One of them took number 2 and committed before the other one's lease came.
        let (last, fast) = (holder(1, "z"), holder(2, "m"));
        let mut rows = Rows::default();
        rows.lease(&last);
        rows.beat(&last, Beat::peace());
        rows.commit(&last, 5);
        rows.beat(&fast, Beat::now(Duration::from_secs(15)));
        rows.lease(&fast);
        let found = following(&rows.0, &fast).unwrap().unwrap();
        assert_eq!((found.stamp, found.view().skipped), (5, vec![]));
        rows.commit(&fast, 6);

        let mut lower = rows.clone();
        let slow = holder(2, "b");
        lower.lease(&slow);
        assert!(has_right(&lower.0, &fast) && !has_right(&lower.0, &slow));
        assert_eq!(lower.newest(), Some(6));

        let slow = holder(2, "x");
        rows.lease(&slow);
        let found = following(&rows.0, &slow).unwrap().unwrap();
        assert_eq!(rows.newest(), Some(6), "what was acknowledged counts");
        // What the other one sends next bears 7, which is skipped; this one begins with a commit of its own.
        let view = found.view();
        assert_eq!((view.stamp, view.skipped, found.next), (8, vec![7], 9));
        assert!(has_right(&rows.0, &slow) && !has_right(&rows.0, &fast));
    }

    #[test]
    fn who_did_not_end_in_peace_is_skipped() {
        let (one, two) = (holder(1, "a"), holder(2, "b"));
        let check = |beat: Option<Beat>, expected: &[u64]| {
            let mut rows = Rows::default();
            rows.lease(&one);
            rows.commit(&one, 5);
            if let Some(beat) = beat {
                rows.beat(&one, beat);
            }
            rows.lease(&two);
            let state = following(&rows.0, &two).unwrap().unwrap();
            assert_eq!(state.view().skipped, expected, "{beat:?}");
        };
        check(Some(Beat::peace()), &[]);
        check(Some(Beat::unsure()), &[6]);
        check(Some(Beat { at: 77, length: 15 }), &[6]);
        check(None, &[6]);
    }

    #[test]
    fn a_holder_is_followed_when_its_own_lease_is_over() {
        let check = |beat: Beat, now: u64, expected: u64| assert_eq!(beat.left(now), expected, "{beat:?} at {now}");
        let beat = Beat {
            at: 1_000_000,
            length: 60_000,
        };
        check(beat, 1_000_000, 60_000);
        check(beat, 1_059_000, 1_000);
        check(beat, 1_060_000, 0);
        check(Beat::peace(), 1_000_000, 0);
        check(Beat::unsure(), 1_000_000, 0);
        let mut rows = Rows::default();
        rows.beat(&holder(1, "a"), beat);
        assert_eq!(Beat::of(&rows.0, &holder(1, "a")), Some(beat));
        assert_eq!(Beat::of(&rows.0, &holder(1, "b")), None);
    }
}
