//! Whether every byte of an index is what was written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory as _;

use super::directory::{MANAGED, META};
use super::folder::{self, CURRENT};
use super::guard::{guarded, told_from_damage, what_helps};
use super::open::{EmbeddedIndex, SEGMENTS, described, nothing_in};
use super::segment::{GRAPH_ROWS, Segment, forward_path, graph_path, uuid_bytes};
use super::whole::{compared, sealed};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::forward::Forward;
use crate::index::graph::Graph;

/// How often a commit may come while files are read before what is found missing counts. Not measured.
const TRIES: usize = 20;

/// What was found wrong, in words that begin with the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Files that are not what was written; of those derived from the index only answers' speed depends.
    pub damaged: Vec<String>,
    /// Derived files that are not there: searches find the same without them, only later.
    pub lacking: Vec<String>,
}

impl EmbeddedIndex {
    /// The files of the index in a folder whose bytes are not what was written, without opening it: what is damaged may
    /// not let itself be opened. Empty if all are whole. Derived files are not among them.
    ///
    /// # Errors
    /// As [`EmbeddedIndex::identity_in`], but for damage; `Deadline` if nobody waits any more.
    pub fn damaged_in(folder: &Path, budget: Budget) -> Result<Vec<String>> {
        let mut tries = TRIES;
        loop {
            let before = newest(folder);
            let damaged = guarded(folder, || damaged(folder, budget));
            tries -= 1;
            // A commit takes files away, and a rebuild all of them, while they are read.
            if tries == 0 || damaged.as_ref().is_ok_and(Vec::is_empty) || newest(folder) == before {
                return damaged;
            }
        }
    }

    /// Makes sure that what the index holds may be copied: damage that is written anew has a right checksum.
    ///
    /// # Errors
    /// `Corrupt`, naming a file and the way out, if any byte is not what was written; `Deadline` if nobody waits any
    /// more.
    pub fn check_undamaged(&self, budget: Budget) -> Result<()> {
        match Self::damaged_in(self.folder(), budget)?.first() {
            None => Ok(()),
            Some(first) => Err(
                Error::corrupt(format!("the index in {} is damaged: {first}", self.folder().display()))
                    .help(what_helps(self.folder())),
            ),
        }
    }

    /// Reads every byte and compares it with its checksum, derived files among them. Returns what is wrong, in words;
    /// empty if nothing is.
    ///
    /// # Errors
    /// `Unavailable` if a file may not be read, `Deadline` if nobody waits any more.
    pub fn verify(&self, budget: Budget) -> Result<Vec<String>> {
        Ok(self.verified(budget)?.damaged)
    }

    /// As [`EmbeddedIndex::verify`], with what is derived and not there.
    ///
    /// # Errors
    /// As [`EmbeddedIndex::verify`].
    pub fn verified(&self, budget: Budget) -> Result<Verified> {
        let mut verified = Verified {
            damaged: Self::damaged_in(self.folder(), budget)?,
            lacking: Vec::new(),
        };
        guarded(self.folder(), || {
            for segment in self.current().segments() {
                budget.check()?;
                self.check_derived(segment, &mut verified)?;
            }
            Ok(())
        })?;
        verified.damaged.sort();
        verified.lacking.sort();
        Ok(verified)
    }

    /// Derived files that are there and could not be taken when the index was opened, in words that begin with the
    /// file: it is searched without them.
    pub fn refused(&self) -> Vec<String> {
        let current = self.current();
        let of_segment = |segment: &Arc<Segment>| {
            let unopened = self.derived_of(segment).into_iter().filter(|derived| {
                let is_open = if derived.is_graph {
                    segment.graph().is_some()
                } else {
                    segment.forward().is_some()
                };
                !is_open && derived.path.exists()
            });
            let wrong = unopened.filter_map(|derived| self.wrong_with(segment, &derived));
            wrong.map(|error| error.message().to_owned()).collect::<Vec<_>>()
        };
        current.segments().iter().flat_map(of_segment).collect()
    }

    /// Notes what is wrong with the derived files of a segment.
    ///
    /// # Errors
    /// Where the system refuses to read one, which says nothing about it.
    fn check_derived(&self, segment: &Segment, verified: &mut Verified) -> Result<()> {
        for derived in self.derived_of(segment) {
            // What is on the disk, whatever is open: it may have been changed since.
            if derived.path.exists() {
                match self.wrong_with(segment, &derived) {
                    Some(wrong) if wrong.fault() == Fault::Corrupt => {
                        verified.damaged.push(wrong.message().to_string())
                    }
                    // It went while it was being opened: its segment was joined with others.
                    Some(gone) if gone.fault() == Fault::Missing => {}
                    Some(refused) => return Err(refused),
                    None => {}
                }
            } else if derived.is_wanted {
                verified.lacking.push(derived.path.display().to_string());
            }
        }
        Ok(())
    }

    fn derived_of(&self, segment: &Segment) -> [Derived; 2] {
        let is_large = segment.rows as usize >= GRAPH_ROWS;
        [
            Derived {
                path: graph_path(&self.derived(), segment.id()),
                is_graph: true,
                is_wanted: is_large && segment.vectors.dimension() > 0,
            },
            Derived {
                path: forward_path(&self.derived(), segment.id()),
                is_graph: false,
                is_wanted: is_large,
            },
        ]
    }

    /// What is wrong with a derived file that is there.
    fn wrong_with(&self, segment: &Segment, derived: &Derived) -> Option<Error> {
        let (id, vectors) = (uuid_bytes(segment.id()), &segment.vectors);
        let checked = guarded(self.folder(), || {
            if derived.is_graph {
                Graph::open(&derived.path, id, vectors.rows(), vectors.dimension()).and_then(|graph| graph.verify())
            } else {
                Forward::open(&derived.path, id, segment.rows).and_then(|forward| forward.verify())
            }
        });
        checked.err()
    }

    /// The derived files of a segment that are not what was written.
    pub(super) fn damaged_of(&self, segment: &Segment) -> Vec<PathBuf> {
        let there = self
            .derived_of(segment)
            .into_iter()
            .filter(|derived| derived.path.exists());
        // What the system refuses to read is no damage.
        let is_damage = |error: Error| error.fault() == Fault::Corrupt;
        let damaged = there.filter(|derived| self.wrong_with(segment, derived).is_some_and(is_damage));
        damaged.map(|derived| derived.path).collect()
    }
}

/// A file that is derived from a segment.
struct Derived {
    path: PathBuf,
    is_graph: bool,
    /// Whether a segment of this size has one when all is done.
    is_wanted: bool,
}

/// What tells a commit from another.
fn newest(folder: &Path) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let generation = folder::current(folder).ok().flatten();
    let meta = generation.and_then(|generation| fs::read(generation.join(SEGMENTS).join(META)).ok());
    (fs::read(folder.join(CURRENT)).ok(), meta)
}

fn damaged(folder: &Path, budget: Budget) -> Result<Vec<String>> {
    let generation = match folder::current(folder) {
        Ok(generation) => generation.ok_or_else(|| nothing_in(folder))?,
        Err(error) if error.fault() == Fault::Corrupt => return Ok(vec![error.message().to_string()]),
        Err(error) => return Err(error),
    };
    let segments = generation.join(SEGMENTS);
    let shown = |name: &str| match segments.join(name).strip_prefix(folder) {
        Ok(inside) => inside.display().to_string(),
        Err(_) => name.to_string(),
    };
    let mut damaged = Vec::new();
    let listed = match sealed(&segments.join(META))? {
        Ok(listed) => listed,
        Err(why) => return Ok(vec![format!("{}: {why}", shown(META))]),
    };
    let is_whole = listed.as_ref().is_some_and(|listed| listed.whole);
    // What is sealed by this program is sealed in all of its parts. But the name in `current` may have been written by
    // hand, as it is advised where the file is damaged; the generation that it names is here.
    match (sealed(&folder.join(CURRENT))?, &listed) {
        (Err(why), _) => damaged.push(format!("{CURRENT}: {why}")),
        (Ok(Some(_)), None) => damaged.push(format!("{}: its checksum is missing", shown(META))),
        (Ok(_), _) => {}
    }
    match sealed(&segments.join(MANAGED))? {
        Err(why) => damaged.push(format!("{}: {why}", shown(MANAGED))),
        Ok(None) if is_whole => damaged.push(format!("{}: its checksum is missing", shown(MANAGED))),
        Ok(_) => {}
    }
    let listed = listed.unwrap_or_default().files;
    for (name, written) in &listed {
        budget.check()?;
        if let Err(why) = compared(&segments.join(name), *written)? {
            damaged.push(format!("{}: {why}", shown(name)));
        }
    }
    // Those of segments of an earlier program have tantivy's checksum, which leaves their last bytes out.
    let (index, _) = match described(folder, &generation).map_err(told_from_damage) {
        Err(error) if error.fault() == Fault::Corrupt && damaged.is_empty() => {
            return Ok(vec![format!("{}: {}", shown(META), error.message())]);
        }
        Err(error) if error.fault() == Fault::Corrupt => return Ok(damaged),
        described => described?,
    };
    let metas = index.load_metas().or_fault(Fault::Corrupt, "reading the commit")?;
    for path in metas.list_segment_files() {
        let name = path.to_string_lossy();
        if listed.contains_key(&*name) || !index.directory().exists(&path).unwrap_or(false) {
            continue;
        }
        budget.check()?;
        if let Some(why) = by_own_checksum(&index, &path)? {
            damaged.push(format!("{}: {why}", shown(&name)));
        }
    }
    damaged.sort();
    Ok(damaged)
}

/// What is wrong with a file by the checksum that tantivy wrote into it.
///
/// # Errors
/// Where the system refuses to read it.
fn by_own_checksum(index: &tantivy::Index, path: &Path) -> Result<Option<String>> {
    match index.directory().validate_checksum(path) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some("the checksum differs".into())),
        Err(error) => {
            let error = told_from_damage(Error::corrupt(error.to_string()));
            match error.fault() {
                Fault::Corrupt => Ok(Some(error.message().to_string())),
                _ => Err(error),
            }
        }
    }
}
