//! An index in Milvus: made, opened, followed as others write to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use super::address::Address;
use super::cleaning::GRACE;
use super::client::Client;
use super::lease::{self, Ending, Lease};
use super::maker::Maker;
use super::meta::Meta;
use super::remembered::Remembered;
use super::schema::Generation;
use super::snapshot::{MilvusSnapshot, overtaken};
use super::state::{State, sources_key};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::passage::Identity;
use crate::index::source_table::SourceTable;
use crate::profile::Bm25Params;

/// How often it is looked whether somebody has committed.
const LOOK: Duration = Duration::from_secs(1);
/// How long such a look may take; a Milvus that takes longer does not serve.
const LONGEST_LOOK: Duration = Duration::from_secs(4);
/// How long making collections may take: a cluster loads them.
const MAKING: Duration = Duration::from_secs(120);
/// How long the first answer of a server may take.
const FIRST: Duration = Duration::from_secs(60);

/// The engine over Milvus; see [the module](self).
pub struct MilvusIndex {
    client: Client,
    meta: Meta,
    bm25: Bm25Params,
    remembered: Arc<Remembered>,
    current: RwLock<Arc<MilvusSnapshot>>,
    /// What the index was made by when it was opened; whoever asks it goes by this.
    opened_as: Identity,
    has_writer: Mutex<bool>,
    /// How the right to write ends that this process has.
    ending: Mutex<Option<Arc<Ending>>>,
    /// What the last look said; none if all was well.
    problem: Mutex<Option<Error>>,
    is_remade: AtomicBool,
}

/// The time for making collections.
pub(super) fn making() -> Budget {
    Budget::single().until(Some(Instant::now() + MAKING))
}

/// What to say where the collection that says what counts is somebody else's.
fn foreign(maker: &Maker<'_>, address: &Address) -> Option<Error> {
    elses(address, &maker.wrong_meta(&address.name).ok()?)
}

/// What to say of collections of an index's names with which this is wrong, if anything is.
fn elses(address: &Address, wrong: &[String]) -> Option<Error> {
    let first = wrong.first()?;
    let error = Error::precondition(format!("there is something else than an index at {address}: {first}"));
    Some(error.help("choose another name for the index, or remove that collection if nobody needs it"))
}

impl MilvusIndex {
    /// Opens an index, and follows it until it is dropped.
    ///
    /// # Errors
    /// `Missing` if there is none, `Unavailable` if Milvus cannot be reached, `Precondition` if another version of this
    /// program wrote it.
    pub fn open(address: &Address, bm25: Bm25Params) -> Result<Arc<Self>> {
        let client = Client::new(address.clone())?;
        let maker = Maker {
            client: &client,
            budget: Budget::single().until(Some(Instant::now() + FIRST)),
        };
        let silent = |error: Error| {
            if error.fault() != Fault::Deadline {
                return error;
            }
            let (host, seconds) = (&address.host, FIRST.as_secs());
            Error::unavailable(format!("Milvus at {host} did not answer within {seconds} s"))
                .help("see whether it is Milvus that listens there, and whether it is well")
        };
        let state = if maker.has(&super::schema::meta(&address.name)).map_err(silent)? {
            let found = lease::current(&Meta::new(client.clone()), making());
            found.map_err(|error| foreign(&maker, address).unwrap_or(error))?
        } else {
            None
        };
        let Some(state) = state else {
            let missing = || Error::missing(format!("there is no index at {address}"));
            return Err(foreign(&maker, address).unwrap_or_else(missing));
        };
        let remembered = Arc::new(Remembered::new(address.cache));
        let index = Arc::new(MilvusIndex {
            meta: Meta::new(client.clone()),
            opened_as: state.identity.clone(),
            current: RwLock::new(Arc::new(MilvusSnapshot::new(
                client.clone(),
                state,
                bm25,
                Arc::clone(&remembered),
            ))),
            remembered,
            has_writer: Mutex::default(),
            ending: Mutex::default(),
            problem: Mutex::default(),
            is_remade: AtomicBool::new(false),
            client,
            bm25,
        });
        let following = follow(Arc::downgrade(&index), index.meta.clone());
        index.client.spawn(following);
        Ok(index)
    }

    /// Opens an index, made by this identity if there is none. Nothing is removed on the way, and of two that do it at
    /// the same moment both open the same one. Errors as [`MilvusIndex::open`], and `Precondition` if another one was
    /// faster and made it by another identity.
    pub fn create(address: &Address, identity: &Identity, bm25: Bm25Params) -> Result<Arc<Self>> {
        match Self::open(address, bm25) {
            Err(error) if error.fault() == Fault::Missing => {}
            opened => return opened,
        }
        let client = Client::new(address.clone())?;
        let (budget, client) = (making(), &client);
        let maker = Maker { client, budget };
        let state = State::first(identity.clone());
        let names = state.names(&address.name);
        // Before anything is made: what is somebody else's stays as it is, and nothing is put beside it.
        if let Some(error) = elses(address, &maker.others(&address.name, &names, identity.dimension)?) {
            return Err(error);
        }
        maker.meta(&address.name)?;
        let meta = Meta::new(client.clone());
        lease::check_unwritten(&meta, budget)?;
        maker.generation(&names, identity.dimension)?;
        lease::begin(&meta, &state, budget)?;
        let mut opened = Self::open(address, bm25);
        // While another one writes over the same rows, some servers show neither the old ones nor the new.
        while opened.as_ref().is_err_and(|error| error.fault() == Fault::Missing) && budget.check().is_ok() {
            std::thread::sleep(LOOK / 5);
            opened = Self::open(address, bm25);
        }
        let index = opened?;
        if index.identity() == *identity {
            Ok(index)
        } else {
            Err(Error::precondition(format!(
                "another program has just made the index at {address}, by other rules"
            ))
            .help("run it again"))
        }
    }

    /// What it was made by.
    pub fn identity(&self) -> Identity {
        self.current().state.identity.clone()
    }

    /// Refuses rules other than those the index was made by, naming both sides and the command that rebuilds.
    pub fn check_identity(&self, analysis: &str, embedder: Option<(&str, usize)>) -> Result<()> {
        let identity = self.identity();
        let address = self.client.address();
        let differ = |what: &str, theirs: &str, ours: &str| {
            Error::precondition(format!(
                "the index at {address} was made with {what} `{theirs}`, this program has `{ours}`"
            ))
            .help(format!("run `baowen rebuild --backend {address}`"))
        };
        if identity.analysis != analysis {
            return Err(differ("analysis rules", &identity.analysis, analysis));
        }
        match embedder {
            Some((name, dimension)) if identity.dimension > 0 => {
                if identity.embedder == name && identity.dimension == dimension {
                    Ok(())
                } else {
                    Err(differ("the embedding model", &identity.embedder, name))
                }
            }
            _ => Ok(()),
        }
    }

    /// The newest commit.
    pub fn current(&self) -> Arc<MilvusSnapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it cannot be answered from now, as far as the last look said, which was a few seconds ago at most: Milvus is
    /// away, hangs or has not loaded what is searched.
    pub fn problem(&self) -> Option<Error> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether somebody else made it anew by other rules since it was opened. It answers from what was there, as long
    /// as that is kept; whoever asks it needs another model, too, and opens it again.
    pub fn is_remade(&self) -> bool {
        self.is_remade.load(Ordering::Relaxed)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    fn maker(&self) -> Maker<'_> {
        Maker {
            client: &self.client,
            budget: making(),
        }
    }

    /// The collections of a state.
    pub(super) fn names(&self, state: &State) -> Generation {
        state.names(&self.client.address().name)
    }

    /// What is wrong with the collections of a state's generation, a line each.
    pub(super) fn wrong_collections(&self, state: &State) -> Result<Vec<String>> {
        self.maker().wrong(&self.names(state), state.identity.dimension)
    }

    /// Refuses to make the index again, or to read it out, where the texts are gone that this takes.
    ///
    /// # Errors
    /// `Corrupt`, with what is left to do.
    pub fn check_articles(&self) -> Result<()> {
        let articles = self.names(&self.current().state).articles;
        if self.maker().has(&articles)? {
            return Ok(());
        }
        let address = self.client.address();
        Err(Error::corrupt(format!(
            "the articles of the index at {address} are gone (collection {articles}), and nothing else holds their texts"
        ))
        .help(format!(
            "index them again (`baowen index PATH... --rebuild --backend {address}`), or have Milvus bring that collection back \
             from a backup"
        )))
    }

    /// Says that nothing can be added where collections are gone or are others'.
    pub(super) fn damaged(&self, wrong: &[String]) -> Error {
        let address = self.client.address();
        let what = format!("the index at {address} is damaged: {}", wrong.join("; "));
        Error::corrupt(what).help(format!(
            "`baowen rebuild --backend {address}` makes it again from the articles that it keeps; where those are gone, index them \
             again with `--rebuild`"
        ))
    }

    /// Makes the collections of a state's generation.
    pub(super) fn make(&self, state: &State) -> Result<()> {
        self.maker().generation(&self.names(state), state.identity.dimension)
    }

    /// Removes the generations that nobody reads: those that were begun and never committed and, once whoever began to
    /// read them has had the time to end, those before. No other writer ever makes one of these numbers, so it does no
    /// harm however late it is done.
    pub(super) fn remove_unread(&self, state: &mut State) -> Result<()> {
        let previous = if state.age() > GRACE {
            std::mem::take(&mut state.previous)
        } else {
            Vec::new()
        };
        let skipped = state.skipped.iter().map(|skipped| skipped.stamp);
        for generation in skipped.chain(previous).chain([state.next]) {
            let names = Generation::new(&self.client.address().name, generation);
            self.maker().remove_generation(&names)?;
        }
        Ok(())
    }

    pub(super) fn bm25(&self) -> Bm25Params {
        self.bm25
    }

    /// Takes in what a look said.
    fn looked(&self, found: Result<State>) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(state) => {
                *problem = None;
                if state.identity == self.opened_as {
                    self.install(state)
                } else {
                    self.is_remade.store(true, Ordering::Relaxed)
                }
            }
            Err(error) => *problem = Some(error),
        }
    }

    /// Answers from a commit from now on, unless a newer one is answered from already.
    pub(super) fn install(&self, state: State) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if state.stamp > current.state.stamp {
            let (client, remembered) = (self.client.clone(), Arc::clone(&self.remembered));
            *current = Arc::new(MilvusSnapshot::new(client, state, self.bm25, remembered));
        }
    }

    /// The right to write within this process.
    ///
    /// # Errors
    /// `Precondition` if somebody else in it has the right.
    pub(super) fn begin_writing(self: Arc<Self>) -> Result<Writing> {
        let mut has_writer = self.has_writer.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *has_writer, true) {
            return Err(Error::precondition("somebody else in this process writes to the index"));
        }
        drop(has_writer);
        Ok(Writing(self))
    }

    /// Takes the right to write in Milvus, as [`Lease::take`] does.
    pub(super) fn take_lease(&self) -> Result<(Lease, State)> {
        // Held meanwhile: whoever is to give it back waits until it can be given back.
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let (lease, state) = Lease::take(&self.client, &self.meta)?;
        *ending = Some(lease.ending());
        Ok((lease, state))
    }

    /// Gives the right to write back, whatever is being written: what was not committed is lost, and nothing can be
    /// written any more by who had it. For a process that is told to end. Says whether Milvus knows it; if not, others
    /// wait until the right has run out.
    pub fn give_back(&self) -> bool {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ending.is_none_or(|ending| ending.end_in_the_middle())
    }

    pub(super) fn sources_of(&self, state: &State) -> Result<SourceTable> {
        match state.sources {
            0 => Ok(SourceTable::default()),
            stamp => {
                let text = self.meta.read_long(&sources_key(stamp), Budget::single())?;
                // Whoever writes next removes it.
                let text = text.ok_or_else(overtaken)?;
                SourceTable::decoded(&text)
            }
        }
    }
}

/// The right to write within this process, until it is dropped.
pub(super) struct Writing(Arc<MilvusIndex>);

impl Drop for Writing {
    fn drop(&mut self) {
        *self.0.ending.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.0.has_writer.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// Takes over what others commit, and looks whether Milvus answers, until the index is dropped.
async fn follow(index: Weak<MilvusIndex>, meta: Meta) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(snapshot) = index.upgrade().map(|index| index.current()) else {
            return;
        };
        let begun = Instant::now();
        let budget = Budget::single().until(Some(begun + LONGEST_LOOK));
        let mut found = look(&meta, &snapshot, budget).await;
        if found.as_ref().is_err_and(|error| error.fault() == Fault::Deadline) {
            let seconds = LONGEST_LOOK.as_secs();
            found = Err(Error::unavailable(format!("Milvus did not answer within {seconds} s")));
        }
        match index.upgrade() {
            Some(index) => index.looked(found),
            None => return,
        }
    }
}

/// The newest commit, if all that is asked for an answer can be: a collection that is not loaded answers nothing.
async fn look(meta: &Meta, snapshot: &MilvusSnapshot, budget: Budget) -> Result<State> {
    let state = lease::current_async(meta, budget).await?;
    let state = state.ok_or_else(|| Error::missing("the index is gone"))?;
    snapshot.look(budget).await?;
    Ok(state)
}
