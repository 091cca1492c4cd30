//! The embedded index: one folder, opened or created with its identity checked, giving snapshots of its commits.
//!
//! Layout of a generation (see [`super::folder`]): `segments/` is tantivy's (words, stored fields, vectors), `graphs/`
//! holds what is derived from large segments (a graph, a forward index) by segment id and may be deleted at any time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use tantivy::schema::Schema;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, TantivyError, store::Compressor};

use super::directory::{Folder, META};
use super::folder::{self, WriteLock};
use super::guard::{guarded, what_helps};
use super::schema::{self, Fields};
use super::snapshot::EmbeddedSnapshot;
use super::terms;
use super::whole::{check_lengths, check_there, sealed};
use crate::article::source::Sources;
use crate::error::{Context, Error, Fault, Result};
use crate::files::in_command;
use crate::index::backend::{Backend, Snapshot, Writer};
use crate::index::passage::{FORMAT_VERSION, Identity};
use crate::index::source_table::SourceTable;
use crate::index::vectors::VectorPlugin;
use crate::index::windows::WindowPlugin;
use crate::profile::Bm25Params;

pub(super) const SEGMENTS: &str = "segments";
pub(super) const GRAPHS: &str = "graphs";

/// A folder that holds an index.
pub struct EmbeddedIndex {
    folder: PathBuf,
    generation: PathBuf,
    pub(super) index: Index,
    pub(super) fields: Fields,
    identity: Identity,
    bm25: Bm25Params,
    reader: IndexReader,
    current: RwLock<Arc<EmbeddedSnapshot>>,
    refreshing: Mutex<()>,
    /// See [`Backend::edition`].
    edition: AtomicU64,
}

impl EmbeddedIndex {
    /// Creates an index in a folder that is absent, empty, or the rest of a creation that never finished.
    ///
    /// # Errors
    /// [`Fault::Precondition`] if the folder holds an index already or anything else.
    pub fn create(folder: &Path, identity: &Identity) -> Result<Arc<Self>> {
        let lock = WriteLock::take(folder)?;
        if folder::current(folder)?.is_some() || folder::is_old(folder) {
            return Err(Error::precondition(format!(
                "{} holds an index already",
                folder.display()
            )));
        }
        let index = Self::create_beside(&lock, identity)?;
        index.publish(&lock)?;
        Ok(index)
    }

    /// Creates an index beside the one that counts, if there is any; it counts after [`Self::publish`].
    pub fn create_beside(lock: &WriteLock, identity: &Identity) -> Result<Arc<Self>> {
        let generation = lock.new_generation()?;
        let doing = || format!("creating an index in {}", lock.folder().display());
        let segments = generation.join(SEGMENTS);
        std::fs::create_dir(&segments).or_fault(Fault::Unavailable, doing())?;
        let (schema, _) = schema::build(identity)?;
        Index::builder()
            .schema(schema)
            .settings(IndexSettings {
                docstore_compression: Compressor::Lz4,
                docstore_blocksize: 4_096,
                ..IndexSettings::default()
            })
            .register_plugin(Arc::new(VectorPlugin))
            .register_plugin(Arc::new(WindowPlugin))
            .open_or_create(Folder::open(&segments).or_fault(Fault::Unavailable, doing())?)
            .or_fault(Fault::Unavailable, doing())?;
        Self::open_generation(lock.folder(), &generation, Bm25Params::default())
    }

    /// Makes this the index of its folder, in one step.
    pub fn publish(&self, lock: &WriteLock) -> Result<()> {
        lock.publish(&self.generation)
    }

    /// Takes this index, which nothing came into, out of its folder when the lock goes.
    pub fn withdraw(&self, lock: &WriteLock) -> Result<()> {
        lock.withdraw(&self.generation)
    }

    /// Opens the index in a folder, with the shipped profile's ranking by words.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn open(folder: &Path) -> Result<Arc<Self>> {
        Self::open_with(folder, Bm25Params::default())
    }

    /// Opens the index in a folder; words are ranked by these constants.
    ///
    /// # Errors
    /// [`Fault::Missing`] if there is none, [`Fault::Precondition`] if it is of another format, [`Fault::Corrupt`] if
    /// it is damaged. Each names the folder and the command that helps.
    pub fn open_with(folder: &Path, bm25: Bm25Params) -> Result<Arc<Self>> {
        of_current(folder, |generation| Self::open_generation(folder, generation, bm25))
    }

    /// What the index in a folder was made by, without opening all of it.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn identity_in(folder: &Path) -> Result<Identity> {
        of_current(folder, |generation| Ok(described(folder, generation)?.1))
    }

    fn open_generation(folder: &Path, generation: &Path, bm25: Bm25Params) -> Result<Arc<Self>> {
        let damaged = |e: TantivyError| {
            Error::corrupt(format!("the index in {} is damaged: {e}", folder.display())).help(what_helps(folder))
        };
        let (mut index, identity) = described(folder, generation)?;
        check_lengths(&generation.join(SEGMENTS)).map_err(|error| error.help(what_helps(folder)))?;
        let (expected, fields) = schema::build(&identity)?;
        if !same_fields(&expected, &index.schema()) {
            return Err(Error::precondition(format!(
                "the index in {} has other fields than its format says",
                folder.display()
            ))
            .help(rebuilding(folder)));
        }
        index.register_plugin(Arc::new(VectorPlugin));
        index.register_plugin(Arc::new(WindowPlugin));
        terms::register(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(damaged)?;
        let snapshot = EmbeddedSnapshot::open(
            reader.searcher(),
            fields,
            identity.clone(),
            index.load_metas().map_err(damaged)?.opstamp,
            bm25,
            &generation.join(GRAPHS),
            None,
        )
        .map_err(|e| {
            e.context(format!("opening the index in {}", folder.display()))
                .help(what_helps(folder))
        })?;
        let opened = EmbeddedIndex {
            folder: folder.to_path_buf(),
            generation: generation.to_path_buf(),
            index,
            fields,
            identity,
            bm25,
            reader,
            current: RwLock::new(Arc::new(snapshot)),
            refreshing: Mutex::new(()),
            edition: AtomicU64::new(0),
        };
        opened.refresh()?;
        Ok(Arc::new(opened))
    }

    /// Refuses rules other than those the index was made by, naming both sides and the command that rebuilds.
    pub fn check_identity(&self, analysis: &str, embedder: Option<(&str, usize)>) -> Result<()> {
        let rebuild = format!("run `baowen rebuild --index {}`", in_command(&self.folder));
        let differ = |what: &str, theirs: &str, ours: &str| {
            Error::precondition(format!(
                "the index in {} was made with {what} `{theirs}`, this program has `{ours}`",
                self.folder.display()
            ))
            .help(rebuild.clone())
        };
        if self.identity.analysis != analysis {
            return Err(differ("analysis rules", &self.identity.analysis, analysis));
        }
        match embedder {
            Some((name, dimension)) if !self.identity.embedder.is_empty() => {
                if self.identity.embedder != name || self.identity.dimension != dimension {
                    return Err(differ("the embedding model", &self.identity.embedder, name));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The sources of the newest commit.
    pub fn sources(&self) -> Result<Sources> {
        Ok(self.source_table()?.sources)
    }

    /// The same with their last runs.
    pub fn source_table(&self) -> Result<SourceTable> {
        let doing = || format!("reading the sources of the index in {}", self.folder.display());
        guarded(&self.folder, || {
            match self.index.load_metas().or_fault(Fault::Corrupt, doing())?.payload {
                Some(table) => SourceTable::decoded(&table).map_err(|error| error.context(doing())),
                None => Ok(SourceTable::default()),
            }
        })
    }

    /// What the index was made by.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of its generation.
    pub fn generation(&self) -> &Path {
        &self.generation
    }

    /// Whether its generation is the one that counts now.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn is_current(&self) -> Result<bool> {
        Ok(super::folder::current(&self.folder)?.as_deref() == Some(self.generation()))
    }

    /// Where derived files lie.
    pub(super) fn derived(&self) -> PathBuf {
        self.generation.join(GRAPHS)
    }

    /// The newest commit that [`Self::refresh`] saw.
    pub fn current(&self) -> Arc<EmbeddedSnapshot> {
        // Poisoned or not, the slot always holds a whole snapshot.
        self.current.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// Looks for a newer commit, by whomever, and for derived files that have come since; says whether there was a
    /// newer commit.
    ///
    /// # Errors
    /// `Corrupt` if what is newer cannot be opened; what was there is searched on.
    pub fn refresh(&self) -> Result<bool> {
        guarded(&self.folder, || self.take_newer())
    }

    fn take_newer(&self) -> Result<bool> {
        let doing = || format!("reloading the index in {}", self.folder.display());
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(|p| p.into_inner());
        loop {
            let commit = self.index.load_metas().or_fault(Fault::Corrupt, doing())?.opstamp;
            let current = self.current();
            if current.about().commit != commit {
                let harmed = |error: Error| error.context(doing()).help(what_helps(&self.folder));
                check_lengths(&self.generation.join(SEGMENTS)).map_err(harmed)?;
            }
            self.reader.reload().or_fault(Fault::Corrupt, doing())?;
            let searcher = self.reader.searcher();
            // A commit between the two reads would put a wrong stamp on the snapshot.
            if self.index.load_metas().or_fault(Fault::Corrupt, doing())?.opstamp != commit {
                continue;
            }
            let ids = searcher.segment_readers().iter().map(|reader| reader.segment_id());
            let same = current.about().commit == commit && ids.eq(current.segments().iter().map(|s| s.id()));
            let mut loaded = false;
            for segment in current.segments() {
                loaded |= segment.is_outdated() || segment.load_derived(&self.derived());
            }
            if !same || loaded {
                let (fields, identity) = (self.fields, self.identity.clone());
                let newer = EmbeddedSnapshot::open(
                    searcher,
                    fields,
                    identity,
                    commit,
                    self.bm25,
                    &self.derived(),
                    Some(&current),
                )?;
                let newer = Arc::new(newer);
                let older = std::mem::replace(&mut *self.current.write().unwrap_or_else(|p| p.into_inner()), newer);
                // Unmapped, perhaps, while nobody waits.
                drop(older);
                // After the change, never before: an answer is kept by the edition that its search began at.
                self.edition.fetch_add(1, Ordering::Release);
            }
            return Ok(!same);
        }
    }
}

impl Backend for EmbeddedIndex {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.current())
    }

    fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    fn source_table(&self) -> Result<SourceTable> {
        EmbeddedIndex::source_table(self)
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(EmbeddedIndex::writer(&self)?))
    }
}

/// What `read` gives of the generation that is in force, asked again where a rebuild takes its place meanwhile.
fn of_current<T>(folder: &Path, read: impl Fn(&Path) -> Result<T>) -> Result<T> {
    loop {
        let Some(generation) = folder::current(folder)? else {
            return Err(nothing_in(folder));
        };
        match guarded(folder, || read(&generation)) {
            Err(_) if folder::current(folder)?.is_some_and(|now| now != generation) => {}
            // What may not be read looks like damage.
            Err(error) => match folder::forbidden(&generation) {
                Some(path) => return Err(not_permitted(&path)),
                None => return Err(named(folder, &generation, error)),
            },
            done => return done,
        }
    }
}

/// Damage by the file that is gone, where one is: the library below names a field that it would have held.
fn named(folder: &Path, generation: &Path, error: Error) -> Error {
    let segments = generation.join(SEGMENTS);
    let listed = || sealed(&segments.join(META)).ok()?.ok().flatten();
    let is_damage = error.fault() == Fault::Corrupt;
    let gone = is_damage
        .then(listed)
        .flatten()
        .and_then(|listed| check_there(&segments, &listed).err());
    match gone.filter(|gone| gone.fault() == Fault::Corrupt) {
        Some(gone) => Error::corrupt(format!(
            "the index in {} is damaged: {}",
            folder.display(),
            gone.message()
        ))
        .help(what_helps(folder)),
        None => error,
    }
}

fn rebuilding(folder: &Path) -> String {
    format!("run `baowen index PATH... --index {} --rebuild`", in_command(folder))
}

/// A generation's tantivy index and what it was made by; its segments are not opened.
pub(super) fn described(folder: &Path, generation: &Path) -> Result<(Index, Identity)> {
    let damaged = |cause: TantivyError| {
        Error::corrupt(format!("the index in {} is damaged: {cause}", folder.display())).help(what_helps(folder))
    };
    let foreign = |what: String| {
        Error::precondition(format!("the index in {} {what}", folder.display())).help(rebuilding(folder))
    };
    let directory = Folder::open(&generation.join(SEGMENTS)).map_err(|cause| damaged(cause.into()))?;
    let index = Index::open(directory).map_err(damaged)?;
    let identity = schema::identity(&index.schema()).ok_or_else(|| foreign("was not made by this program".into()))?;
    match identity.format {
        FORMAT_VERSION => Ok((index, identity)),
        other => Err(foreign(format!(
            "has format {other}, this program reads format {FORMAT_VERSION}"
        ))),
    }
}

/// What to say where no index is.
pub(super) fn nothing_in(folder: &Path) -> Error {
    let folder_name = folder.display();
    if folder::is_old(folder) {
        return Error::precondition(format!(
            "the index in {folder_name} was made by an earlier version, this program reads format {FORMAT_VERSION}"
        ))
        .help(rebuilding(folder));
    }
    let what = if folder.exists() {
        format!("{folder_name} holds no index")
    } else {
        format!("there is no folder {folder_name}")
    };
    Error::missing(what).help(format!(
        "build one with `baowen index PATH... --index {}`",
        in_command(folder)
    ))
}

fn not_permitted(path: &Path) -> Error {
    Error::unavailable(format!("no permission to read {}", path.display()))
        .help("let the user that runs this program read the files of the index, or run it as their owner")
}

fn same_fields(a: &Schema, b: &Schema) -> bool {
    a.fields().count() == b.fields().count()
        && a.fields().all(|(field, entry)| {
            b.get_field(entry.name())
                .is_ok_and(|other| other == field && b.get_field_entry(other) == entry)
        })
}
