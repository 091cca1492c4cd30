//! What a run did, for people and programs.

use serde::{Serialize, Serializer};

/// How many sentences about inputs are kept; there may be as many inputs as a file has lines.
const MOST: usize = 1_000;

/// What is said of inputs one by one: the first sentences, and how many more there were.
#[derive(Debug, Default)]
pub struct Notes {
    first: Vec<String>,
    more: usize,
}

impl Notes {
    /// Adds a sentence.
    pub fn push(&mut self, note: String) {
        if self.first.len() < MOST {
            self.first.push(note);
        } else {
            self.more += 1;
        }
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.first.len() + self.more
    }
}

impl Serialize for Notes {
    /// A list of sentences; the last says how many are not in it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = (self.more > 0).then(|| format!("and {} more", self.more));
        serializer.collect_seq(self.first.iter().chain(&rest))
    }
}

/// An article that has another id since its file moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its id before.
    pub from: String,
    /// Its id now.
    pub to: String,
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Articles read.
    pub articles: usize,
    /// Of these: not there before.
    pub added: usize,
    /// Of these: replaced an earlier text.
    pub updated: usize,
    /// Of these: were there as they are.
    pub unchanged: usize,
    /// Passages written.
    pub passages: usize,
    /// Passages that were there by words alone and got their vectors.
    pub given_vectors: usize,
    /// Vectors that were computed, of passages, windows and sentences.
    pub embedded: u64,
    /// Vectors that a cache had.
    pub cached: u64,
    /// What could not be read: path, line, reason.
    pub skipped: Notes,
    /// Articles whose file moved with its content unchanged.
    pub moved: Vec<Moved>,
    /// Articles that their sources no longer have.
    pub gone: Vec<String>,
    /// Of these: deleted.
    pub pruned: usize,
    /// Whether the index answers by words alone.
    pub without_vectors: bool,
    /// Characters that were read into articles, white space aside.
    pub kept_characters: u64,
    /// Characters that were left out of them, each with a reason (`baowen read` shows them).
    pub left_out_characters: u64,
    /// What was read but not as it should be: fields that say nothing, pages of which little was kept.
    pub noticed: Notes,
    /// Articles in the index now.
    pub total_articles: u64,
    /// Passages in the index now.
    pub total_passages: u64,
    /// Seconds it took.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_notes_the_first_are_kept() {
        let mut notes = Notes::default();
        assert_eq!(notes.count(), 0);
        for line in 0..MOST + 3 {
            notes.push(format!("line {line}"));
        }
        assert_eq!(notes.count(), MOST + 3);
        let json = serde_json::to_value(&notes).unwrap();
        assert_eq!(json.as_array().unwrap().len(), MOST + 1);
        assert_eq!((&json[0], &json[MOST]), (&"line 0".into(), &"and 3 more".into()));
    }
}
