//! What a commit is: one small row that says which generation counts, up to which keys, and what was counted of it. Writing
//! it is the one step in which everything that a writer did becomes visible.

use serde::{Deserialize, Serialize};

use super::counts::{Sums, Tokens};
use super::schema::{Generation, VERSION, check_version};
use crate::error::{Context, Fault, Result};
use crate::index::passage::Identity;

/// Where the table of sources of a commit stands.
pub fn sources_key(stamp: u64) -> String {
    format!("sources/{stamp:020}")
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// See [`VERSION`].
    pub version: u32,
    /// Which collections count.
    pub generation: u64,
    /// Grows from commit to commit, over generations too; 1 at first.
    pub stamp: u64,
    /// What the index was made by.
    pub identity: Identity,
    /// What was counted of what is visible.
    pub sums: Sums,
    /// The passages and tokens that the sparse vectors of this generation take for usual; none before its first passage.
    pub usual: Option<(u64, Tokens)>,
    /// The commit under which the table of sources was written; 0 for none.
    pub sources: u64,
    /// Milvus' time of the last write; 0 where it tells none.
    pub written: u64,
}

impl State {
    /// A new generation without articles.
    pub fn empty(generation: u64, stamp: u64, identity: Identity) -> Self {
        State {
            version: VERSION,
            generation,
            stamp,
            sums: Sums::new(identity.dimension),
            identity,
            usual: None,
            sources: 0,
            written: 0,
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

    #[test]
    fn a_commit_is_read_as_it_was_written() {
        let identity = Identity {
            format: 5,
            analysis: "a".into(),
            embedder: "m".into(),
            dimension: 3,
        };
        let mut state = State::empty(2, 7, identity);
        state.sums.vectors = vec![0.1 + 0.2, -1e-300, f64::MAX];
        state.usual = Some((3, [1, 2, 3, 4]));
        let text = state.written().unwrap();
        assert_eq!(State::read(&text).unwrap(), state);
        let check =
            |text: &str, expected: Fault| assert_eq!(State::read(text).unwrap_err().fault(), expected, "{text}");
        check("{", Fault::Corrupt);
        check(r#"{"version":1}"#, Fault::Corrupt);
        check(r#"{"version":99,"more":1}"#, Fault::Precondition);
    }
}
