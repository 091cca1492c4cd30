//! An index that is written to while it is asked: any number of callers, whose changes share commits.
//!
//! A caller's article that is refused touches no other; an id that belongs to another source is refused and never
//! overwritten. Whoever calls brings the thread that cuts and embeds; one thread of the index's own commits (see
//! [`super::commits`]). Knows no engine beyond the seam, and no protocol.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::commits::{Commits, tell};
pub use super::commits::{Pace, Told};
pub use super::group::ChangeGroup;
use super::group::Grouped;
use super::selection::{Selected, Selection};
use super::{Ingest, Outcome};
use crate::article::limits;
use crate::article::source::{Source, Sources};
use crate::compute::{Budget, own_thread};
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::{Backend, Writer};
use crate::index::embedded::EmbeddedIndex;
use crate::index::prepare::Rules;
use crate::index::source_table::Runs;
use crate::model::{Article, Origin};

/// The stack of the thread that commits; it opens new segments, as a thread that searches does.
const STACK: usize = 4 << 20;

/// How often what is to go is looked for while others write. Not measured.
const FINDS: usize = 5;

/// What became of articles that were given.
#[derive(Debug)]
pub struct Taken {
    /// One for each article, in their order.
    pub outcomes: Vec<Result<Outcome>>,
    /// What [`Live::when_durable`] takes.
    pub change: ChangeGroup,
}

/// What became of articles that were to go.
#[derive(Debug)]
pub struct Deleted {
    /// Those that went, and those that were named by id and were not there.
    pub selected: Selected,
    /// What [`Live::when_durable`] takes.
    pub change: ChangeGroup,
}

/// An index that lives. Dropped, it commits what it was given.
pub struct Live {
    shared: Arc<Commits>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Live {
    /// Takes the lock of an embedded index and lives in it; `how` is what others read that find it locked.
    ///
    /// # Errors
    /// As [`Ingest::open`]; `Unavailable` if the system gives no thread.
    pub fn open(index: &Arc<EmbeddedIndex>, rules: Rules, pace: Pace, how: &str) -> Result<Live> {
        let (writer, rules) = Ingest::open(index, rules)?.into_parts();
        writer.announce(how);
        Live::new(index.clone(), Box::new(writer), rules, pace)
    }

    /// Lives in any engine, whose writer was given nothing yet; the rules must be the index's.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub fn new(backend: Arc<dyn Backend>, writer: Box<dyn Writer>, rules: Rules, pace: Pace) -> Result<Live> {
        let shared = Arc::new(Commits::new(backend, writer, rules, pace)?);
        let committing = shared.clone();
        let thread = own_thread(STACK, move || committing.run()).or_fault(Fault::Unavailable, "starting the writer")?;
        Ok(Live {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Has `told` called with each failure that takes changes with it; the first who asks for it is told.
    pub fn watch(&self, told: impl Fn(&Error) + Send + Sync + 'static) {
        let _ = self.shared.watching.set(Box::new(told));
    }

    /// Whether the last who wanted to write could not: the folder is another one, the right to write is lost.
    pub fn refuses(&self) -> bool {
        self.shared.refuses()
    }

    /// Looks whether it can be written again; waits for who writes.
    pub fn look(&self) {
        // Whoever writes next is told what it says.
        drop(self.shared.writer());
    }

    /// Adds articles of a source, or replaces those of the same id; the unchanged cost a lookup. What is refused or
    /// fails leaves the others alone. Takes the caller's thread for as long as cutting and embedding take.
    ///
    /// # Errors
    /// As [`Sources::give`]; `Unavailable` while closing. What is wrong with one article is its outcome: `Caller` if a
    /// field of it is beyond a limit or its id belongs to another source, `Unavailable` if the embedder or the disk
    /// fails.
    pub fn upsert(&self, source: &Source, articles: Vec<Article>, budget: Budget) -> Result<Taken> {
        let shared = &self.shared;
        shared.check_open()?;
        let begun = {
            let mut writer = shared.writer()?;
            writer.sources().clone().give(source)?;
            writer.session()
        };
        let mut outcomes: Vec<Result<Outcome>> = Vec::with_capacity(articles.len());
        let (mut places, mut good) = (Vec::new(), Vec::new());
        for mut article in articles {
            let path = article
                .origin
                .take()
                .map_or_else(|| article.id.clone(), |origin| origin.path);
            article.origin = Some(Origin {
                source: source.name.clone(),
                path,
            });
            let checked = limits::check(&article);
            if checked.is_ok() {
                places.push(outcomes.len());
                good.push(article);
            }
            outcomes.push(checked.map(|()| Outcome::Unchanged));
        }
        let may = |writer: &mut Grouped, article: &Article| {
            // Asked of the whole call above; since then another caller may have given the name to another folder.
            writer.sources().check_same(source)?;
            not_of_another(writer, article, &source.name)
        };
        let (results, (change, news)) = shared.ingest.upsert_if(good, budget, may, |writer| {
            let news = shared.recover(writer);
            if writer.is_dirty() && news.is_none() {
                // Refused where nothing of this call was taken.
                let _ = writer.sources().give(source);
            }
            (writer.change(), news)
        });
        let is_lost = news.is_some();
        for (place, result) in places.into_iter().zip(results) {
            outcomes[place] = match result {
                // It was unchanged against something that is lost, or is lost itself.
                Ok(outcome) if is_lost || outcome == Outcome::Unchanged && change.session != begun => {
                    Err(shared.lost())
                }
                result => result,
            };
        }
        tell(news.unwrap_or_default());
        shared.changed(change);
        Ok(Taken { outcomes, change })
    }

    /// Takes articles out. Those named by id alone need not be committed yet; for all others, what was given so far is
    /// committed first.
    ///
    /// # Errors
    /// `Missing` for a source that is none, `Unavailable` if the disk fails or while closing.
    pub fn delete(&self, selection: &Selection, budget: Budget) -> Result<Deleted> {
        let shared = &self.shared;
        shared.check_open()?;
        if let Some(name) = &selection.source {
            let mut writer = shared.writer()?;
            if writer.sources().get(name).is_none() {
                return Err(Error::missing(format!("source: there is none of the name `{name}`")));
            }
        }
        let by_id = !selection.ids.is_empty() && selection.filter.is_empty();
        let mut selected = Selected::default();
        let mut tries = FINDS;
        let (mut writer, is_as_found) = loop {
            let mut found_in = None;
            if !by_id {
                shared.commit()?;
                let snapshot = shared.backend.snapshot()?;
                selected = selection.find(&*snapshot, budget)?;
                found_in = Some(snapshot.about().commit);
            }
            let writer = shared.writer()?;
            let is_as_found = !writer.is_dirty() && found_in.is_none_or(|commit| commit == writer.stamp());
            tries -= 1;
            if by_id || is_as_found || tries == 0 {
                break (writer, is_as_found);
            }
        };
        if by_id {
            selected = by_ids(selection, &mut writer)?;
        }
        let mut failed = None;
        for id in &selected.found {
            if let Err(error) = writer.delete(id) {
                failed = Some(error);
                break;
            }
        }
        // A source that somebody wrote to meanwhile keeps its name, and what was written.
        if let (None, true, Some(name)) = (&failed, selection.is_source() && is_as_found, &selection.source) {
            writer.sources().remove(name);
            writer.touch();
        }
        let news = shared.recover(&mut writer);
        let change = writer.change();
        drop(writer);
        tell(news.unwrap_or_default());
        match failed {
            Some(error) => Err(error),
            None => {
                shared.changed(change);
                Ok(Deleted { selected, change })
            }
        }
    }

    /// Has a commit made soon, and `told` called once the change is durable, or lost; at once where it is so already.
    pub fn when_durable(&self, change: ChangeGroup, told: Told) {
        self.shared.when_durable(change, told);
    }

    /// Makes everything so far durable, now. Returns the commit's stamp.
    ///
    /// # Errors
    /// `Precondition` if a session is named and another has begun since: what was not durable then is lost.
    /// `Unavailable` if the disk fails: then all since the commit before is lost.
    pub fn commit(&self, session: Option<u64>) -> Result<u64> {
        self.commit_with(session, Runs::new())
    }

    /// As [`Live::commit`], with what runs did to their sources. Nothing is kept of a source that is not there: it had
    /// nothing that could be taken, or was taken out meanwhile.
    ///
    /// # Errors
    /// As [`Live::commit`].
    pub fn commit_with(&self, session: Option<u64>, runs: Runs) -> Result<u64> {
        self.shared.commit_with(session, runs)
    }

    /// The sources as the next commit will have them.
    pub fn sources(&self) -> Sources {
        self.shared.ingest.writer().sources().clone()
    }

    /// Commits what it was given and takes nothing more.
    pub fn close(&self) {
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
            self.shared.ingest.writer().close();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}

/// Refuses an article whose id belongs to another source.
fn not_of_another(writer: &Grouped, article: &Article, source: &str) -> Result<()> {
    match writer.origin(&article.id)? {
        Some(origin) if origin.source != source => Err(Error::caller(format!(
            "id: `{}` belongs to the source `{}`, which keeps it",
            article.id, origin.source
        ))
        .help("give the article another id, or first take the other one out")),
        _ => Ok(()),
    }
}

/// The articles that are named by their ids, and of these those that are there and of the source that is named.
fn by_ids(selection: &Selection, writer: &mut Grouped) -> Result<Selected> {
    let mut selected = Selected::default();
    for id in &selection.ids {
        let origin = writer.origin(id)?;
        let of_source = |name: &String| origin.as_ref().is_some_and(|origin| origin.source == *name);
        let is_there = writer.hash(id)?.is_some() && selection.source.as_ref().is_none_or(of_source);
        if is_there {
            selected.found.insert(id.clone());
        } else {
            selected.missing.push(id.clone());
        }
    }
    Ok(selected)
}
