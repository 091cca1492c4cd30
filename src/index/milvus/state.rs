//! What a commit is: one small row that says which generation counts, up to which stamp, and what was counted of it.
//! Writing it is the one step in which everything that a writer did becomes visible.
//!
//! Stamps are used once. What a writer sends for its next commit bears a stamp that no other writer ever uses: who
//! follows one that did not end in peace leaves that one's next stamp out for good ([`State::skip`]), since what was
//! sent under it may still arrive.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::counts::Sums;
use super::schema::{Generation, VERSION, check_version};
use super::vector_lengths::VectorLengths;
use crate::error::{Context, Error, Fault, Result};
use crate::index::passage::Identity;

/// From how many skipped stamps on nobody may write: every question names each of them.
const MOST_SKIPPED: usize = 500;

/// What keys of tables of sources begin with.
pub const SOURCES: &str = "sources/";

/// Where the table of sources of a commit stands.
pub fn sources_key(stamp: u64) -> String {
    format!("{SOURCES}{stamp:020}")
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

/// Which rows count: those of commits up to one, but for those whose commit was never made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The commit.
    pub stamp: u64,
    /// Stamps below it that are left out.
    pub skipped: Vec<u64>,
}

impl View {
    /// Whether what was written under a stamp counts.
    pub fn counts(&self, stamp: u64) -> bool {
        stamp <= self.stamp && !self.skipped.contains(&stamp)
    }
}

/// A stamp that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Which.
    pub stamp: u64,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// See [`VERSION`].
    pub version: u32,
    /// Which collections count: the stamp of their first commit.
    pub generation: u64,
    /// The generations before that may still be there.
    pub previous: Vec<u64>,
    /// Grows from commit to commit, over generations too; 1 at first.
    pub stamp: u64,
    /// What whoever made this commit sends next bears this stamp.
    pub next: u64,
    /// What bears these stamps does not count.
    pub skipped: Vec<Skipped>,
    /// When what it holds was committed, in milliseconds since 1970.
    pub made: u64,
    /// What the index was made by.
    pub identity: Identity,
    /// What was counted of what is visible.
    pub sums: Sums,
    /// See [`VectorLengths`]; none before the generation's first passage.
    pub vector_lengths: Option<VectorLengths>,
    /// The commit under which the table of sources was written; 0 for none.
    pub sources: u64,
    /// Milvus' time of the last write; 0 where it tells none.
    pub written: u64,
}

impl State {
    /// The first commit of an index, without articles.
    pub fn first(identity: Identity) -> Self {
        State {
            version: VERSION,
            generation: 1,
            previous: Vec::new(),
            stamp: 1,
            next: 2,
            skipped: Vec::new(),
            made: now(),
            sums: Sums::new(identity.dimension),
            identity,
            vector_lengths: None,
            sources: 0,
            written: 0,
        }
    }

    /// What a new generation begins with, which counts from the next commit on.
    pub fn anew(&self, identity: Identity) -> Self {
        State {
            generation: self.next,
            // One that is read for a little longer must not be forgotten.
            previous: self.previous.iter().copied().chain([self.generation]).collect(),
            stamp: self.stamp,
            next: self.next,
            skipped: self.skipped.clone(),
            ..State::first(identity)
        }
    }

    /// Leaves out for good what may have been sent for the next commit: this becomes a commit of its own that changes
    /// nothing else, and the next one is another.
    pub fn skip(&mut self) {
        self.skipped.push(Skipped {
            stamp: self.next,
            since: now(),
        });
        self.next += 1;
        self.renew();
    }

    /// Makes this a commit of its own, for what it says beside its rows.
    pub fn renew(&mut self) {
        self.stamp = self.next;
        self.next += 1;
    }

    /// Refuses more stamps to be skipped.
    ///
    /// # Errors
    /// `Exhausted` if they are too many.
    pub fn check_skipped(&self) -> Result<()> {
        if self.skipped.len() < MOST_SKIPPED {
            Ok(())
        } else {
            Err(Error::new(
                Fault::Exhausted,
                format!("{MOST_SKIPPED} times within two hours somebody wrote to the index and was killed, cut off or gave up"),
            )
            .help("write again later; answers are not concerned"))
        }
    }

    /// How long ago what it holds was committed, by the clocks of who made it and of this machine.
    pub fn age(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.made))
    }

    /// Which rows count.
    pub fn view(&self) -> View {
        View {
            stamp: self.stamp,
            skipped: self.skipped.iter().map(|skipped| skipped.stamp).collect(),
        }
    }

    /// Its collections.
    pub fn names(&self, index: &str) -> Generation {
        Generation::new(index, self.generation)
    }

    /// As text.
    pub fn written(&self) -> Result<String> {
        serde_json::to_string(self).or_fault(Fault::Bug, "encoding a commit")
    }

    /// From text.
    ///
    /// # Errors
    /// `Precondition` if another version of this program wrote it, `Corrupt` if none did.
    pub fn read(text: &str) -> Result<State> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let doing = "reading a commit that Milvus kept";
        let version: Version = serde_json::from_str(text).or_fault(Fault::Corrupt, doing)?;
        check_version(version.version)?;
        serde_json::from_str(text).or_fault(Fault::Corrupt, doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn state() -> State {
        State::first(Identity {
            format: 8,
            analysis: "a".into(),
            embedder: "m".into(),
            dimension: 3,
        })
    }

    #[test]
    fn a_commit_is_read_as_it_was_written() {
        let mut state = state();
        state.sums.vectors = vec![0.1 + 0.2, -1e-300, f64::MAX];
        state.vector_lengths = Some(VectorLengths::of([[1, 2, 3, 4]].iter()));
        state.skip();
        let text = state.written().unwrap();
        assert_eq!(State::read(&text).unwrap(), state);
        let check =
            |text: &str, expected: Fault| assert_eq!(State::read(text).unwrap_err().fault(), expected, "{text}");
        check("{", Fault::Corrupt);
        check(&format!(r#"{{"version":{VERSION}}}"#), Fault::Corrupt);
        check(r#"{"version":99,"more":1}"#, Fault::Precondition);
    }

    #[test]
    fn no_more_is_skipped_than_questions_can_name() {
        let mut state = state();
        (1..MOST_SKIPPED).for_each(|_| state.skip());
        assert!(state.check_skipped().is_ok());
        state.skip();
        assert_eq!(state.check_skipped().unwrap_err().fault(), Fault::Exhausted);
    }

    #[test]
    fn a_skipped_stamp_is_never_used() {
        let mut state = state();
        // Two die one after the other; the second one had skipped what the first one sent.
        state.skip();
        state.skip();
        assert_eq!((state.stamp, state.next), (5, 6));
        let view = state.view();
        let counting: Vec<u64> = (1..8).filter(|&stamp| view.counts(stamp)).collect();
        assert_eq!(counting, [1, 3, 5]);
        state.renew();
        assert_eq!((state.stamp, state.next, state.view().skipped), (6, 7, vec![2, 4]));
        let anew = state.anew(state.identity.clone());
        assert_eq!(
            (anew.generation, &*anew.previous, anew.view()),
            (7, &[1][..], state.view())
        );
        let again = anew.anew(anew.identity.clone());
        assert_eq!(again.previous, [1, 7], "what is still there is not forgotten");
    }
}
