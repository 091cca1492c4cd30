//! An index in Milvus: made, opened, followed as others write to it.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use super::address::Address;
use super::client::Client;
use super::lease::{self, Lease};
use super::meta::Meta;
use super::schema::{Generation, Maker};
use super::snapshot::MilvusSnapshot;
use super::state::{State, sources_key};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::passage::Identity;
use crate::profile::Bm25Params;

/// How often it is looked whether somebody has committed.
const LOOK: Duration = Duration::from_secs(1);
/// How long making collections may take: a cluster loads them.
const MAKING: Duration = Duration::from_secs(120);

/// The engine over Milvus; see [the module](self).
pub struct MilvusIndex {
    client: Client,
    meta: Meta,
    bm25: Bm25Params,
    current: RwLock<Arc<MilvusSnapshot>>,
    has_writer: Mutex<bool>,
}

/// The time for making collections.
pub(super) fn making() -> Budget {
    Budget::single().until(Some(Instant::now() + MAKING))
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
            budget: making(),
        };
        let state = match maker.has(&super::schema::meta(&address.name))? {
            true => lease::current(&Meta::new(client.clone()), making())?,
            false => None,
        };
        let Some(state) = state else {
            return Err(Error::missing(format!("there is no index at {address}")));
        };
        let index = Arc::new(MilvusIndex {
            meta: Meta::new(client.clone()),
            current: RwLock::new(Arc::new(MilvusSnapshot::new(client.clone(), state, bm25))),
            has_writer: Mutex::default(),
            client,
            bm25,
        });
        let following = follow(Arc::downgrade(&index), index.meta.clone());
        index.client.spawn(following);
        Ok(index)
    }

    /// Opens an index, made by this identity if there is none. Errors as [`MilvusIndex::open`].
    pub fn create(address: &Address, identity: &Identity, bm25: Bm25Params) -> Result<Arc<Self>> {
        match Self::open(address, bm25) {
            Err(error) if error.fault() == Fault::Missing => {}
            opened => return opened,
        }
        let client = Client::new(address.clone())?;
        let (budget, client) = (making(), &client);
        let maker = Maker { client, budget };
        if !maker.has(&super::schema::meta(&address.name))? {
            maker.meta(&address.name)?;
        }
        let state = State::empty(1, 1, identity.clone());
        maker.generation(&state.names(&address.name), identity.dimension)?;
        lease::begin(&Meta::new(client.clone()), &state, budget)?;
        Self::open(address, bm25)
    }

    /// Removes an index with all that it holds.
    ///
    /// # Errors
    /// `Precondition` if somebody writes to it; else as [`MilvusIndex::open`].
    pub fn remove(self: Arc<Self>) -> Result<()> {
        let (lease, state) = Lease::take(&self.client, &self.meta)?;
        let maker = Maker {
            client: &self.client,
            budget: making(),
        };
        let name = &self.client.address().name;
        for number in state.generation.saturating_sub(1)..=state.generation + 1 {
            maker.remove_generation(&Generation::new(name, number))?;
        }
        drop(lease);
        maker.remove(&super::schema::meta(name))
    }

    /// What it was made by.
    pub fn identity(&self) -> Identity {
        self.current().state.identity.clone()
    }

    /// The newest commit.
    pub fn current(&self) -> Arc<MilvusSnapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    pub(super) fn bm25(&self) -> Bm25Params {
        self.bm25
    }

    /// Answers from a commit from now on, unless a newer one is answered from already.
    pub(super) fn install(&self, state: State) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if state.stamp > current.state.stamp {
            *current = Arc::new(MilvusSnapshot::new(self.client.clone(), state, self.bm25));
        }
    }

    /// Whether nobody in this process wrote; from now on somebody does.
    pub(super) fn begin_writing(&self) -> bool {
        !std::mem::replace(
            &mut *self.has_writer.lock().unwrap_or_else(PoisonError::into_inner),
            true,
        )
    }

    /// Lets others write.
    pub(super) fn end_writing(&self) {
        *self.has_writer.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    pub(super) fn sources_of(&self, state: &State) -> Result<Sources> {
        match state.sources {
            0 => Ok(Sources::default()),
            stamp => {
                let text = self.meta.read_long(&sources_key(stamp), Budget::single())?;
                serde_json::from_str(&text).or_fault(Fault::Corrupt, "reading the table of sources")
            }
        }
    }
}

/// Takes over what others commit, until the index is dropped.
async fn follow(index: Weak<MilvusIndex>, meta: Meta) {
    loop {
        tokio::time::sleep(LOOK).await;
        if index.strong_count() == 0 {
            return;
        }
        let budget = Budget::single().until(Some(Instant::now() + 10 * LOOK));
        // Where Milvus is away, everything that is asked fails and says so; here is nobody to tell.
        if let Ok(Some(state)) = lease::current_async(&meta, budget).await
            && let Some(index) = index.upgrade()
        {
            index.install(state);
        }
    }
}
