//! The right to write. Milvus compares nothing before it writes, so the right is a row that everybody checks.
//!
//! Every holder has a number, one more than the one before, and a secret. It writes `lease/NUMBER` with its secret and
//! then, as its own first commit, `commit/NUMBER/SECRET`; what counts is the commit of the highest number whose secret is
//! the one of its lease. So what a holder writes that has lost the right, however late, is never seen once the next one
//! has begun; and since a writer looks at the leases after each commit and before it says that it is durable, the next one
//! begins with all that was acknowledged. `beat/NUMBER/SECRET` says that the holder lives. Clocks are used for one thing
//! only: to decide that a holder that is not heard of may be followed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::AbortHandle;

use super::client::Client;
use super::meta::{Found, Meta};
use super::state::State;
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};

const LEASE: &str = "lease/";
const COMMIT: &str = "commit/";
const BEAT: &str = "beat/";
/// A beat of a holder that has gone in peace.
const GONE: &str = "0";
/// How long a look at the leases may take.
const LOOK: Duration = Duration::from_secs(20);

/// What there is: leases, commits and signs of life.
const ALL: [&str; 3] = [LEASE, COMMIT, BEAT];

fn within(time: Duration) -> Budget {
    Budget::single().until(Some(Instant::now() + time))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

/// The holder behind a number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    number: u64,
    secret: String,
}

impl Holder {
    fn lease(&self) -> String {
        format!("{LEASE}{:012}", self.number)
    }

    fn commit(&self) -> String {
        format!("{COMMIT}{:012}/{}", self.number, self.secret)
    }

    fn beat(&self) -> String {
        format!("{BEAT}{:012}/{}", self.number, self.secret)
    }
}

/// All leases, the newest first.
fn holders(found: &Found) -> Vec<Holder> {
    let leases = found.iter().rev().filter_map(|(key, secret)| {
        let number = key.strip_prefix(LEASE)?.parse().ok()?;
        let secret = secret.clone();
        Some(Holder { number, secret })
    });
    leases.collect()
}

/// The newest commit and who made it.
fn newest(found: &Found) -> Result<Option<(Holder, State)>> {
    for holder in holders(found) {
        if let Some(state) = found.get(&holder.commit()) {
            return Ok(Some((holder, State::read(state)?)));
        }
    }
    Ok(None)
}

/// The newest commit; none where there is no index.
pub fn current(meta: &Meta, budget: Budget) -> Result<Option<State>> {
    let found = meta.read(&[LEASE, COMMIT], budget)?;
    Ok(newest(&found)?.map(|(_, state)| state))
}

/// As [`current`], from the client's own threads.
pub async fn current_async(meta: &Meta, budget: Budget) -> Result<Option<State>> {
    let found = meta.read_async(&[LEASE, COMMIT], budget).await?;
    Ok(newest(&found)?.map(|(_, state)| state))
}

/// Writes the first commit of an index that nobody has written to.
pub fn begin(meta: &Meta, state: &State, budget: Budget) -> Result<()> {
    let first = Holder {
        number: 0,
        secret: "first".into(),
    };
    meta.write(&first.commit(), &state.written()?, budget)?;
    meta.write(&first.beat(), GONE, budget)?;
    meta.write(&first.lease(), &first.secret, budget)
}

/// The right to write, held until it is dropped or somebody else takes it.
pub struct Lease {
    meta: Meta,
    holder: Holder,
    length: Duration,
    last_beat: Arc<Mutex<Instant>>,
    is_over: Arc<AtomicBool>,
    beating: Option<AbortHandle>,
}

impl Lease {
    /// Takes the right, where nobody holds it or the holder has not been heard of for as long as a lease lasts. With it
    /// comes the newest commit.
    ///
    /// # Errors
    /// `Precondition` if somebody holds it, `Missing` if there is no index.
    pub fn take(client: &Client, meta: &Meta) -> Result<(Lease, State)> {
        let length = client.address().lease;
        let found = meta.read(&ALL, within(LOOK))?;
        let before = holders(&found);
        let Some(last) = before.first() else {
            return Err(Error::missing(format!("there is no index at {}", client.address())));
        };
        let beat = found.get(&last.beat()).map_or(GONE, String::as_str);
        if beat != GONE {
            let silent = now().saturating_sub(beat.parse().unwrap_or(0));
            if silent < length.as_millis() as u64 {
                return Err(busy(client));
            }
        }
        let holder = Holder {
            number: last.number + 1,
            secret: format!("{:016x}", fastrand::u64(..)),
        };
        meta.write(&holder.beat(), &now().to_string(), within(LOOK))?;
        meta.write(&holder.lease(), &holder.secret, within(LOOK))?;
        // Of two that took it at the same time the last one has it.
        let found = meta.read(&ALL, within(LOOK))?;
        if holders(&found).first() != Some(&holder) {
            return Err(busy(client));
        }
        let Some((_, state)) = newest(&found)? else {
            return Err(Error::missing(format!("there is no index at {}", client.address())));
        };
        let mut lease = Lease {
            meta: meta.clone(),
            holder,
            length,
            last_beat: Arc::new(Mutex::new(Instant::now())),
            is_over: Arc::default(),
            beating: None,
        };
        lease.beating = client.spawn(beats(
            meta.clone(),
            lease.holder.beat(),
            length,
            Arc::clone(&lease.last_beat),
            Arc::clone(&lease.is_over),
        ));
        Ok((lease, state))
    }

    /// Makes this holder's commits the ones that count, beginning with this one, and removes what others left.
    pub fn enter(&self, state: &State) -> Result<()> {
        self.commit(state)?;
        let found = self.meta.read(&ALL, within(LOOK))?;
        let own = [self.holder.lease(), self.holder.commit(), self.holder.beat()];
        let limit = self.holder.lease();
        let number = limit.trim_start_matches(LEASE);
        let older = |key: &&String| {
            let rest = ALL.iter().find_map(|prefix| key.strip_prefix(prefix));
            !own.contains(key) && rest.is_some_and(|rest| rest[..rest.len().min(number.len())] <= *number)
        };
        let older: Vec<String> = found.keys().filter(older).cloned().collect();
        self.meta.remove(&older, within(LOOK))
    }

    /// Refuses to go on where others may think that this holder is dead.
    pub fn check(&self) -> Result<()> {
        if is_late(&self.last_beat, self.length) {
            // For good: somebody else may have begun since, whatever is heard of this one from now on.
            self.is_over.store(true, Ordering::SeqCst);
        }
        match self.is_over.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(lost()),
        }
    }

    /// Makes a commit count.
    ///
    /// # Errors
    /// `Unavailable` if the right is lost: nothing is said of what became of the commit.
    pub fn commit(&self, state: &State) -> Result<()> {
        self.check_held()?;
        self.meta
            .write(&self.holder.commit(), &state.written()?, within(LOOK))?;
        self.check_held()
    }

    fn check_held(&self) -> Result<()> {
        self.check()?;
        let found = self.meta.read(&[LEASE], within(LOOK))?;
        match holders(&found).first() == Some(&self.holder) {
            true => Ok(()),
            false => Err(lost()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(beating) = &self.beating {
            beating.abort();
        }
        // Where it fails, others wait until the lease has run out.
        let _ = self
            .meta
            .write(&self.holder.beat(), GONE, within(Duration::from_secs(2)));
    }
}

/// Whether a holder was not heard of for as long as a lease lasts.
fn is_late(last_beat: &Mutex<Instant>, length: Duration) -> bool {
    last_beat.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= length
}

/// Says every now and then that the holder lives.
async fn beats(meta: Meta, key: String, length: Duration, last: Arc<Mutex<Instant>>, is_over: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(length / 5).await;
        if is_late(&last, length) {
            is_over.store(true, Ordering::SeqCst);
        }
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let begun = Instant::now();
        let budget = Budget::single().until(Some(begun + length / 2));
        if meta.write_async(&key, &now().to_string(), budget).await.is_ok() && !is_late(&last, length) {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        }
    }
}

fn busy(client: &Client) -> Error {
    Error::precondition(format!("another process writes to {}", client.address())).help(format!(
        "end it; if it died, its right to write runs out after {} s",
        client.address().lease.as_secs()
    ))
}

fn lost() -> Error {
    Error::new(
        Fault::Unavailable,
        "the right to write was lost: Milvus was not reached for too long, or another process took it over",
    )
    .help("run it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::passage::Identity;

    #[test]
    fn the_commit_of_the_newest_lease_counts() {
        let identity = Identity {
            format: 5,
            analysis: String::new(),
            embedder: String::new(),
            dimension: 0,
        };
        let commit = |stamp| State::empty(1, stamp, identity.clone()).written().unwrap();
        let check = |rows: &[(&str, String)], expected: Option<u64>| {
            let found: Found = rows
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            let newest = newest(&found).unwrap();
            assert_eq!(newest.map(|(_, state)| state.stamp), expected, "{rows:?}");
        };
        let (one, two) = ("lease/000000000001", "lease/000000000002");
        check(&[], None);
        check(&[(one, "a".into())], None);
        let of_one = ("commit/000000000001/a", commit(5));
        check(&[(one, "a".into()), of_one.clone()], Some(5));
        // Two began and has not committed; then it has, and one writes once more.
        check(&[(one, "a".into()), of_one.clone(), (two, "b".into())], Some(5));
        let of_two = ("commit/000000000002/b", commit(6));
        let late = ("commit/000000000001/a", commit(9));
        check(
            &[(one, "a".into()), late.clone(), (two, "b".into()), of_two.clone()],
            Some(6),
        );
        // Of two that took the right at the same time one was overwritten.
        let overwritten = ("commit/000000000002/c", commit(8));
        check(
            &[(two, "b".into()), of_two, overwritten, (one, "a".into()), late],
            Some(6),
        );
    }
}
