//! How much of a call's body is held until it has come to its end, counted for its connection: what came as it came,
//! what was unpacked of it, and what was read of that. What is refused is said by `activity`, which knows what all of
//! them hold.
//!
//! Not for imports, whose messages go on as they come: the number of those calls bounds what they hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::activity::{Activity, Waits, no_room};
use super::metrics::Metrics;
use crate::error::{Error, Result};

/// Most messages in the lists of a message: each takes far more room than on its way, where a question may be two
/// bytes.
pub const MOST_PARTS: usize = 200_000;
/// Bytes that each of them takes by itself, whatever it says.
const PART: usize = 512;

tokio::task_local! {
    /// For whom the body is counted of the call that is answered now.
    static ACCOUNT: Option<Account>;
}

/// For whom bodies of a call are counted, as found in a request's extensions.
#[derive(Debug, Clone)]
pub struct Account {
    /// Who sends them.
    connection: Arc<Activity>,
    /// Where those that are refused are counted.
    metrics: Arc<Metrics>,
    /// Bytes that are held of this call, in whatever form.
    bytes: Arc<AtomicUsize>,
}

impl Account {
    /// Of a new call.
    pub fn new(connection: Arc<Activity>, metrics: Arc<Metrics>) -> Self {
        Account {
            connection,
            metrics,
            bytes: Arc::default(),
        }
    }

    /// The call waits for its body, until what is given back is dropped.
    pub fn waits(&self) -> Waits {
        self.connection.waits()
    }
}

/// Does the work for a call whose body is counted so; of the call of no account nothing is.
pub async fn counted<F: Future>(account: Option<Account>, work: F) -> F::Output {
    ACCOUNT.scope(account, work).await
}

/// A body, packed, unpacked or read, and how much is held of it; dropping it lets go of that.
#[derive(Debug)]
pub struct HeldBody {
    account: Account,
    bytes: usize,
}

impl HeldBody {
    /// Nothing of it so far.
    pub fn new(account: Account) -> Self {
        HeldBody { account, bytes: 0 }
    }

    /// So many bytes of the call that is answered now that are about to become a message with so many parts; `None` if
    /// it is not counted.
    ///
    /// # Errors
    /// `Exhausted` if they would leave too little room for others, `Caller` if the parts are too many.
    pub fn read(bytes: usize, parts: usize) -> Result<Option<HeldBody>> {
        if parts > MOST_PARTS {
            return Err(
                Error::caller(format!("{parts} messages in one, at most {MOST_PARTS} are read"))
                    .help("send them in several calls"),
            );
        }
        let Some(account) = ACCOUNT.try_with(Clone::clone).ok().flatten() else {
            return Ok(None);
        };
        let mut held = HeldBody::new(account);
        held.take(bytes + parts * PART)?;
        Ok(Some(held))
    }

    /// The same of JSON, which is at most as many messages as it has objects.
    ///
    /// # Errors
    /// As [`HeldBody::read`].
    pub fn read_json(json: &[u8]) -> Result<Option<HeldBody>> {
        HeldBody::read(json.len(), json.iter().filter(|byte| **byte == b'{').count())
    }

    /// So many bytes more.
    ///
    /// # Errors
    /// `Exhausted` if they would leave too little room for others.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        let account = &self.account;
        let before = account.bytes.load(Ordering::Relaxed);
        let taken = account.connection.take_in(bytes, before);
        taken.inspect_err(|_| account.metrics.refused("body"))?;
        account.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        Ok(())
    }

    /// Whether it may be held on.
    ///
    /// # Errors
    /// `Exhausted` if it must give way to somebody else's.
    pub fn check(&self) -> Result<()> {
        if self.account.connection.gives_way() {
            self.account.metrics.refused("body");
            return Err(no_room());
        }
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.account.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.account.connection.let_go(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::wire;

    #[test]
    fn a_message_in_a_list_takes_no_more_than_is_counted() {
        assert!(
            size_of::<wire::SearchRequest>() <= PART,
            "{}",
            size_of::<wire::SearchRequest>()
        );
        assert!(size_of::<wire::Article>() <= PART, "{}", size_of::<wire::Article>());
    }
}
