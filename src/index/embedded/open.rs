//! The embedded index: one folder, opened or created with its identity checked, giving views of its commits.
//!
//! Layout of the folder: `segments/` is tantivy's (words, stored fields, vectors), `graphs/` holds what is derived from
//! large segments (a graph, a forward index) by segment id and may be deleted at any time. Nothing else belongs there.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use tantivy::schema::Schema;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, TantivyError, store::Compressor};

use super::dense;
use super::directory::Folder;
use super::schema::{self, FORMAT_VERSION, Fields, Identity};
use super::segment::{SegmentView, forward_path, graph_path, uuid_bytes};
use super::terms;
use super::view::View;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::{Backend, Snapshot};
use crate::index::forward::{self, Forward};
use crate::index::graph::{self, Graph, GraphParams};
use crate::index::vectors::VectorPlugin;

/// A folder that holds an index.
pub struct EmbeddedIndex {
    folder: PathBuf,
    pub(super) index: Index,
    pub(super) fields: Fields,
    identity: Identity,
    reader: IndexReader,
    view: RwLock<Arc<View>>,
    refreshing: Mutex<()>,
    /// See [`Backend::edition`].
    edition: AtomicU64,
}

impl EmbeddedIndex {
    /// Creates an index in a folder that is absent, empty, or the rest of a creation that never finished.
    ///
    /// # Errors
    /// [`Fault::Precondition`] if the folder holds an index already or anything else.
    pub fn create(folder: &Path, identity: &Identity) -> Result<Self> {
        let segments = folder.join("segments");
        if segments.join("meta.json").exists() {
            return Err(Error::precondition(format!(
                "{} holds an index already",
                folder.display()
            )));
        }
        if let Some(stranger) = strangers(folder)? {
            return Err(Error::precondition(format!(
                "{} is not empty and not an index: it holds `{stranger}`",
                folder.display()
            ))
            .help("name an empty or new folder with --index"));
        }
        let doing = || format!("creating an index in {}", folder.display());
        // Without meta.json, whatever lies in these folders was never committed.
        clear(folder)?;
        std::fs::create_dir_all(&segments).or_fault(Fault::Unavailable, doing())?;
        let (schema, _) = schema::build(identity)?;
        Index::builder()
            .schema(schema)
            .settings(IndexSettings {
                docstore_compression: Compressor::Lz4,
                docstore_blocksize: 4_096,
                ..IndexSettings::default()
            })
            .register_plugin(Arc::new(VectorPlugin))
            .create_in_dir(&segments)
            .or_fault(Fault::Unavailable, doing())?;
        Self::open(folder)
    }

    /// Opens the index in a folder.
    ///
    /// # Errors
    /// [`Fault::Missing`] if there is none, [`Fault::Precondition`] if it is of another format, [`Fault::Corrupt`] if
    /// it is damaged. Each names the folder and the command that helps.
    pub fn open(folder: &Path) -> Result<Self> {
        let rebuild = || format!("run `baowen index PATH... --index {} --rebuild`", folder.display());
        let segments = folder.join("segments");
        if !segments.join("meta.json").is_file() {
            let what = match folder.exists() {
                true => format!("{} holds no index", folder.display()),
                false => format!("there is no folder {}", folder.display()),
            };
            return Err(Error::missing(what).help(format!(
                "build one with `baowen index PATH... --index {}`",
                folder.display()
            )));
        }
        let damaged = |e: TantivyError| {
            Error::corrupt(format!("the index in {} is damaged: {e}", folder.display())).help(rebuild())
        };
        let directory = Folder::open(&segments).map_err(|e| damaged(e.into()))?;
        let mut index = Index::open(directory).map_err(damaged)?;
        let foreign =
            |what: String| Error::precondition(format!("the index in {} {what}", folder.display())).help(rebuild());
        let identity =
            schema::identity(&index.schema()).ok_or_else(|| foreign("was not made by this program".into()))?;
        if identity.format != FORMAT_VERSION {
            return Err(foreign(format!(
                "has format {}, this program reads format {FORMAT_VERSION}",
                identity.format
            )));
        }
        let (expected, fields) = schema::build(&identity)?;
        if !same_fields(&expected, &index.schema()) {
            return Err(foreign("has other fields than its format says".into()));
        }
        index.register_plugin(Arc::new(VectorPlugin));
        terms::register(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(damaged)?;
        let view = View::open(
            reader.searcher(),
            fields,
            identity.clone(),
            index.load_metas().map_err(damaged)?.opstamp,
            &folder.join("graphs"),
            None,
        )
        .map_err(|e| {
            e.context(format!("opening the index in {}", folder.display()))
                .help(rebuild())
        })?;
        let opened = EmbeddedIndex {
            folder: folder.to_path_buf(),
            index,
            fields,
            identity,
            reader,
            view: RwLock::new(Arc::new(view)),
            refreshing: Mutex::new(()),
            edition: AtomicU64::new(0),
        };
        opened.refresh()?;
        Ok(opened)
    }

    /// Refuses rules other than those the index was made by, naming both sides and the command that rebuilds.
    pub fn check_identity(&self, analysis: &str, embedder: Option<(&str, usize)>) -> Result<()> {
        let rebuild = format!("run `baowen index PATH... --index {} --rebuild`", self.folder.display());
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

    /// What the index was made by.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the derived graphs lie.
    pub(super) fn graphs(&self) -> PathBuf {
        self.folder.join("graphs")
    }

    /// The newest commit that [`Self::refresh`] saw.
    pub fn view(&self) -> Arc<View> {
        // Poisoned or not, the slot always holds a whole view.
        self.view.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// Looks for a newer commit, by whomever; says whether there was one.
    pub fn refresh(&self) -> Result<bool> {
        let doing = || format!("reloading the index in {}", self.folder.display());
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(|p| p.into_inner());
        loop {
            let before = self.index.load_metas().or_fault(Fault::Corrupt, doing())?.opstamp;
            let current = self.view();
            self.reader.reload().or_fault(Fault::Corrupt, doing())?;
            let searcher = self.reader.searcher();
            // A commit between the two reads would put a wrong stamp on the view.
            if self.index.load_metas().or_fault(Fault::Corrupt, doing())?.opstamp != before {
                continue;
            }
            let same = current.commit() == before
                && current.segments.len() == searcher.segment_readers().len()
                && current
                    .segments
                    .iter()
                    .zip(searcher.segment_readers())
                    .all(|(a, b)| a.reader.segment_id() == b.segment_id());
            if same {
                current.segments.iter().for_each(|segment| self.load_derived(segment));
                return Ok(false);
            }
            let view = View::open(
                searcher,
                self.fields,
                self.identity.clone(),
                before,
                &self.graphs(),
                Some(&current),
            )?;
            *self.view.write().unwrap_or_else(|p| p.into_inner()) = Arc::new(view);
            self.next_edition();
            return Ok(true);
        }
    }

    fn load_derived(&self, segment: &SegmentView) {
        if segment.load_derived(&self.graphs()) {
            self.next_edition();
        }
    }

    /// Called after a change, never before: an answer is kept by the edition that its search began at.
    fn next_edition(&self) {
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// Builds the graphs and forward indexes that large segments lack, writes those of an earlier form again and removes
    /// those whose segment is gone. `progress` is told `(rows done, rows in all)` of the graphs built, which take nearly
    /// all of the time. Returns their number.
    pub fn build_graphs(&self, progress: &dyn Fn(usize, usize), cancel: &AtomicBool) -> Result<usize> {
        self.refresh()?;
        let view = self.view();
        self.drop_stale(&view)?;
        self.write_quick(&view)?;
        let lacking: Vec<_> = view
            .segments
            .iter()
            .filter(|segment| segment.graph().is_none())
            .filter(|segment| segment.vectors.dimension() > 0 && segment.vectors.rows() as usize >= dense::GRAPH_ROWS)
            .collect();
        let total = lacking.iter().map(|segment| segment.vectors.rows() as usize).sum();
        let mut done = 0;
        let mut built = 0;
        for segment in lacking {
            self.create_graphs_folder()?;
            let data = graph::build(
                segment.vectors.as_slice(),
                segment.vectors.dimension(),
                &GraphParams::default(),
                &|rows| progress(done + rows, total),
                cancel,
            )?;
            let Some(data) = data else { break };
            let id = segment.reader.segment_id();
            data.write(&graph_path(&self.graphs(), id), uuid_bytes(id))?;
            self.load_derived(segment);
            done += segment.vectors.rows() as usize;
            built += 1;
        }
        Ok(built)
    }

    fn create_graphs_folder(&self) -> Result<()> {
        let graphs = self.graphs();
        std::fs::create_dir_all(&graphs).or_fault(Fault::Unavailable, format!("creating {}", graphs.display()))
    }

    /// Writes all that takes seconds.
    fn write_quick(&self, view: &View) -> Result<()> {
        for segment in &view.segments {
            segment.renew_graph()?;
            if segment.forward().is_none() && segment.reader.max_doc() as usize >= dense::GRAPH_ROWS {
                self.create_graphs_folder()?;
                let id = segment.reader.segment_id();
                let path = forward_path(&self.graphs(), id);
                forward::write(&path, uuid_bytes(id), segment.reader.max_doc(), &segment.words)?;
                self.load_derived(segment);
            }
        }
        Ok(())
    }

    fn drop_stale(&self, view: &View) -> Result<()> {
        let Ok(entries) = std::fs::read_dir(self.graphs()) else {
            return Ok(());
        };
        let live: Vec<PathBuf> = view
            .segments
            .iter()
            .flat_map(|segment| [graph_path, forward_path].map(|of| of(&self.graphs(), segment.reader.segment_id())))
            .collect();
        for entry in entries.flatten() {
            if !live.contains(&entry.path()) {
                // A file that cannot be removed now is removed another time; it is never read.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Reads every byte and compares it with its checksum. Returns what is wrong, in words; empty if nothing is.
    pub fn verify(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let damaged = self
            .index
            .validate_checksum()
            .or_fault(Fault::Corrupt, format!("reading {}", self.folder.display()))?;
        for file in damaged {
            wrong.push(format!("{}: the checksum differs", file.display()));
        }
        let view = self.view();
        for segment in &view.segments {
            let id = segment.reader.segment_id();
            let path = graph_path(&self.graphs(), id);
            // A file that is there and was not taken says itself what is wrong with it.
            let checked = match segment.graph() {
                Some(graph) => graph.verify(),
                None if !path.exists() => Ok(()),
                None => {
                    let matrix = &segment.vectors;
                    Graph::open(&path, uuid_bytes(id), matrix.rows(), matrix.dimension())
                        .and_then(|graph| graph.verify())
                }
            };
            if let Err(error) = checked {
                wrong.push(error.to_string());
            }
            let path = forward_path(&self.graphs(), id);
            let checked = match segment.forward() {
                Some(forward) => forward.verify(),
                None if !path.exists() => Ok(()),
                None => Forward::open(&path, uuid_bytes(id), segment.reader.max_doc()).and_then(|f| f.verify()),
            };
            wrong.extend(checked.err().map(|error| error.to_string()));
        }
        wrong.sort();
        Ok(wrong)
    }
}

impl Backend for EmbeddedIndex {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.view())
    }

    fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }
}

/// Removes what this program keeps in an index folder, and nothing else.
///
/// # Errors
/// [`Fault::Precondition`] if something else lies in the folder.
pub fn remove(folder: &Path) -> Result<()> {
    if let Some(stranger) = strangers(folder)? {
        return Err(Error::precondition(format!(
            "{} is not an index folder: it holds `{stranger}`",
            folder.display()
        )));
    }
    let lock = folder.join("segments").join(".tantivy-writer.lock");
    if let Ok(file) = std::fs::File::open(&lock)
        && let Err(std::fs::TryLockError::WouldBlock) = file.try_lock()
    {
        return Err(Error::precondition(format!(
            "another program is writing to the index in {}",
            folder.display()
        ))
        .help("wait for it or stop it"));
    }
    clear(folder)
}

fn clear(folder: &Path) -> Result<()> {
    for part in ["segments", "graphs"] {
        let path = folder.join(part);
        if path.exists() {
            std::fs::remove_dir_all(&path).or_fault(Fault::Unavailable, format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The first entry of a folder that is not ours.
fn strangers(folder: &Path) -> Result<Option<String>> {
    if !folder.exists() {
        return Ok(None);
    }
    let entries = std::fs::read_dir(folder).or_fault(Fault::Unavailable, format!("reading {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "segments" && name != "graphs")
        .collect();
    names.sort();
    Ok(names.into_iter().next())
}

fn same_fields(a: &Schema, b: &Schema) -> bool {
    a.fields().count() == b.fields().count()
        && a.fields().all(|(field, entry)| {
            b.get_field(entry.name())
                .is_ok_and(|other| other == field && b.get_field_entry(other) == entry)
        })
}
