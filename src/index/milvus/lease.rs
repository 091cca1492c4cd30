//! The right to write. Milvus compares nothing before it writes, so the right is a row that everybody checks.
//!
//! Every holder has a number, one more than the one before, and a secret. It writes `lease/NUMBER/SECRET` and then, as
//! its own first commit, `commit/NUMBER/SECRET/STAMP`. What counts is the newest commit of the highest holder, by
//! number and then by secret, that has made one. So what a holder writes that has lost the right, however late, is
//! never seen once the next one has begun; and since a writer looks at the leases after each commit and before it says
//! that it is durable, the next one begins with all that was acknowledged. Of two that take the right at the same
//! moment one has the higher secret: it goes on, from what the other one may have committed by then, and the other one
//! ends at its next look. One that gives up before it has begun takes its rows back, so its number may come again;
//! secrets tell the two apart.
//!
//! `beat/NUMBER/SECRET` says when the holder was last heard of and for how long it keeps the right, or that it has
//! ended. One that has ended in peace has no call under way; whoever follows any other one skips what that one may
//! still be sending, see [`State::skip`]. Clocks serve for two things only: to decide that a holder that is not heard
//! of may be followed, and that what was skipped two hours ago does not arrive any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::client::Client;
use super::holder::{ALL, BEAT, Beat, COMMIT, HELD, Holder, LEASE, following, has_right, holders, newest, number};
use super::meta::Meta;
use super::state::{SOURCES, State, now, sources_key};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};

/// How long a look at the leases may take.
const LOOK: Duration = Duration::from_secs(20);

/// How long saying that it has ended may take.
const LAST: Duration = Duration::from_secs(2);

/// How often it is looked for a sign of life, and for a row that was just written: while one is written over, some
/// servers show neither the old one nor the new, and a new one a few milliseconds late.
const LOOKS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(200);

fn within(time: Duration) -> Budget {
    Budget::single().until(Some(Instant::now() + time))
}

/// The newest commit; none where there is no index.
pub fn current(meta: &Meta, budget: Budget) -> Result<Option<State>> {
    newest(&meta.read(&[LEASE, COMMIT], budget)?)
}

/// As [`current`], from the client's own threads.
pub async fn current_async(meta: &Meta, budget: Budget) -> Result<Option<State>> {
    newest(&meta.read_async(&[LEASE, COMMIT], budget).await?)
}

/// Refuses where somebody has held the right to write, for making an index: what that one wrote must not be lost.
pub fn check_unwritten(meta: &Meta, budget: Budget) -> Result<()> {
    let found = meta.read(&ALL, budget)?;
    if found.keys().all(|key| key.contains(&Holder::first().key(""))) {
        Ok(())
    } else {
        Err(Error::precondition(
            "there is an index with leases and without a commit that counts, which this program never leaves behind",
        )
        .help("look at what happened to its Milvus; drop its collections to begin anew"))
    }
}

/// Writes the first commit of an index that nobody has written to, where that is not done yet.
pub fn begin(meta: &Meta, state: &State, budget: Budget) -> Result<()> {
    let first = Holder::first();
    let found = meta.read(&ALL, budget)?;
    for (key, value) in [
        (first.commit(state.stamp), state.written()?),
        (first.key(BEAT), Beat::peace().written()),
        (first.key(LEASE), HELD.into()),
    ] {
        if !found.contains_key(&key) {
            meta.write(&key, &value, budget)?;
        }
    }
    Ok(())
}

/// The right to write, held until it is dropped or somebody else takes it.
pub struct Lease {
    meta: Meta,
    holder: Holder,
    length: Duration,
    last_beat: Arc<Mutex<Instant>>,
    is_over: Arc<AtomicBool>,
    is_in_peace: AtomicBool,
    ending: Arc<Ending>,
}

/// How the right ends, wherever in the process that is decided.
pub struct Ending {
    client: Client,
    meta: Meta,
    holder: Holder,
    is_over: Arc<AtomicBool>,
    beating: Mutex<Option<Beating>>,
    /// Whether Milvus was told, once it was to be.
    is_said: AtomicBool,
}

/// The task that says that the holder lives.
struct Beating {
    /// Takes the last thing to say.
    end: oneshot::Sender<Beat>,
    /// Is told when that was said, or could not be.
    ended: mpsc::Receiver<bool>,
}

impl Lease {
    /// Takes the right, where nobody holds it or the holder has not been heard of for as long as its lease lasts. With
    /// it comes the state to write on from, to be entered ([`Lease::enter`]) before anything else.
    ///
    /// # Errors
    /// `Precondition` if somebody holds it or takes it at the same moment, `Missing` if there is no index.
    pub fn take(client: &Client, meta: &Meta) -> Result<(Lease, State)> {
        let length = client.address().lease;
        let (last, beat) = last(meta)?.ok_or_else(|| no_index(client))?;
        let left = beat.left(now());
        if left > 0 {
            return Err(busy(client, left));
        }
        let holder = Holder {
            number: last.number + 1,
            secret: format!("{:016x}", fastrand::u64(..)),
        };
        let begun = Instant::now();
        let state = claim(client, meta, &holder).inspect_err(|_| {
            // Nobody waits for one that has not begun. Where this fails, too, others wait as for one that died.
            let _ = meta.remove(&[holder.key(LEASE), holder.key(BEAT)], within(LAST));
        })?;
        let (last_beat, is_over) = (Arc::new(Mutex::new(begun)), Arc::default());
        let (end, last) = oneshot::channel();
        let (has_ended, ended) = mpsc::sync_channel(1);
        let beats = beats(
            meta.clone(),
            holder.clone(),
            length,
            Arc::clone(&last_beat),
            Arc::clone(&is_over),
            last,
        );
        let beating = client.spawn(async move {
            // Who does not wait any more need not know.
            let _ = has_ended.send(beats.await);
        });
        let ending = Ending {
            client: client.clone(),
            meta: meta.clone(),
            holder: holder.clone(),
            is_over: Arc::clone(&is_over),
            beating: Mutex::new(beating.map(|_| Beating { end, ended })),
            is_said: AtomicBool::new(false),
        };
        let lease = Lease {
            meta: meta.clone(),
            holder,
            length,
            last_beat,
            is_over,
            is_in_peace: AtomicBool::new(false),
            ending: Arc::new(ending),
        };
        Ok((lease, state))
    }

    /// How it ends, for whoever may have to end it in the middle.
    pub fn ending(&self) -> Arc<Ending> {
        Arc::clone(&self.ending)
    }

    /// Makes this holder's commits the ones that count, beginning with this one, and removes what others left.
    pub fn enter(&self, state: &State) -> Result<()> {
        self.commit(state, None)?;
        let (sources, now) = (sources_key(state.sources), sources_key(state.stamp));
        let is_old = |key: &String| {
            if key.starts_with(SOURCES) {
                // Stamps are written at one length. One who has the right by now may have written a newer table.
                !key.starts_with(&(sources.clone() + "/")) && *key < now
            } else {
                // Of those of the same number one may have committed what this one goes on from.
                number(key).is_some_and(|number| number < self.holder.number)
            }
        };
        let keys = self.meta.keys(&[LEASE, COMMIT, BEAT, SOURCES], self.budget()?)?;
        let old: Vec<String> = keys.into_iter().filter(is_old).collect();
        self.meta.remove(&old, self.budget()?)
    }

    /// The time of the next call: until others may think that this holder is dead.
    ///
    /// # Errors
    /// `Unavailable` if they may think so now.
    pub fn budget(&self) -> Result<Budget> {
        let until = heard(&self.last_beat) + self.length;
        if Instant::now() >= until {
            // For good: somebody else may have begun since, whatever is heard of this one from now on.
            self.is_over.store(true, Ordering::SeqCst);
        }
        if self.is_over.load(Ordering::SeqCst) {
            Err(lost())
        } else {
            Ok(Budget::single().until(Some(until)))
        }
    }

    /// Makes a commit count, in place of the one of a stamp before.
    ///
    /// # Errors
    /// `Unavailable` if the right is lost: nothing is said of what became of the commit.
    pub fn commit(&self, state: &State, before: Option<u64>) -> Result<()> {
        self.check_held()?;
        self.meta
            .write(&self.holder.commit(state.stamp), &state.written()?, self.budget()?)?;
        self.check_held()?;
        if let (Some(before), Ok(budget)) = (before, self.budget()) {
            // It counts no more, and whoever writes next removes it if this fails.
            let _ = self.meta.remove(&[self.holder.commit(before)], budget);
        }
        Ok(())
    }

    /// Asks Milvus whether the right is still held.
    ///
    /// # Errors
    /// `Unavailable` if not.
    pub fn check_held(&self) -> Result<()> {
        let found = self.meta.read(&[LEASE], self.budget()?)?;
        if !has_right(&found, &self.holder) {
            self.is_over.store(true, Ordering::SeqCst);
        }
        self.budget().map(drop)
    }

    /// Says whether the right ends in peace when it is dropped: everything that was sent was answered and is committed.
    pub fn set_in_peace(&self, is_in_peace: bool) {
        self.is_in_peace.store(is_in_peace, Ordering::SeqCst);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let last = if self.is_in_peace.load(Ordering::SeqCst) {
            Beat::peace()
        } else {
            Beat::unsure()
        };
        // Where it is not given back, others wait until the lease has run out.
        let _ = self.ending.end(last);
    }
}

impl Ending {
    /// Gives the right back while its holder is in the middle of something: he begins no call any more, and those that
    /// he has begun have a moment to end. Says whether Milvus knows it.
    pub fn end_in_the_middle(&self) -> bool {
        self.is_over.store(true, Ordering::SeqCst);
        self.client.wait_idle(LAST);
        self.end(Beat::unsure())
    }

    /// Gives the right back; whoever comes second returns when that is done. Says whether Milvus knows it.
    fn end(&self, last: Beat) -> bool {
        self.is_over.store(true, Ordering::SeqCst);
        let mut beating = self.beating.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Beating { end, ended }) = beating.take() else {
            return self.is_said.load(Ordering::SeqCst);
        };
        let is_said = match end.send(last) {
            // It comes behind a sign of life that is on its way, which would else stand there for a living holder.
            Ok(()) => ended.recv_timeout(LAST).unwrap_or(false),
            Err(last) => {
                let row = self.holder.key(BEAT);
                self.meta.write(&row, &last.written(), within(LAST)).is_ok()
            }
        };
        self.is_said.store(is_said, Ordering::SeqCst);
        is_said
    }
}

/// Writes the rows of a new holder; returns the state that it goes on from.
fn claim(client: &Client, meta: &Meta, holder: &Holder) -> Result<State> {
    let length = client.address().lease;
    meta.write(&holder.key(BEAT), &Beat::now(length).written(), within(LOOK))?;
    meta.write(&holder.key(LEASE), HELD, within(LOOK))?;
    let mut looks = 0;
    loop {
        let found = meta.read(&ALL, within(LOOK))?;
        looks += 1;
        if has_right(&found, holder) {
            // What another one wrote a moment before this lease may show late, too.
            std::thread::sleep(BETWEEN);
            let settled = meta.read(&ALL, within(LOOK))?;
            if has_right(&settled, holder) {
                return following(&settled, holder)?.ok_or_else(|| no_index(client));
            }
        }
        if holders(&found).first().is_some_and(|first| first > holder) {
            return Err(Error::precondition(format!(
                "another process took the right to write to {} at the same moment",
                client.address()
            ))
            .help("run it again when that one has ended"));
        }
        if looks == LOOKS {
            return Err(Error::unavailable(format!(
                "{} does not show what was just written to it",
                client.address()
            ))
            .help("run it again"));
        }
        std::thread::sleep(BETWEEN);
    }
}

/// The highest holder and its last sign of life; none if there is no index.
fn last(meta: &Meta) -> Result<Option<(Holder, Beat)>> {
    let mut looks = 0;
    loop {
        let found = meta.read(&ALL, within(LOOK))?;
        let Some(last) = holders(&found).into_iter().next() else {
            return Ok(None);
        };
        looks += 1;
        match Beat::of(&found, &last) {
            Some(beat) => return Ok(Some((last, beat))),
            None if looks == LOOKS => return Ok(Some((last, Beat::unsure()))),
            None => std::thread::sleep(BETWEEN),
        }
    }
}

fn heard(last_beat: &Mutex<Instant>) -> Instant {
    *last_beat.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says every now and then that the holder lives, and looks whether somebody else has the right; until it is told what
/// to say last. Whether that was said.
async fn beats(
    meta: Meta,
    holder: Holder,
    length: Duration,
    last: Arc<Mutex<Instant>>,
    is_over: Arc<AtomicBool>,
    mut end: oneshot::Receiver<Beat>,
) -> bool {
    let is_late = || heard(&last).elapsed() >= length;
    loop {
        tokio::select! {
            () = tokio::time::sleep(length / 5) => {}
            said = &mut end => {
                let Ok(said) = said else { return false };
                let written = meta.write_async(&holder.key(BEAT), &said.written(), within(LAST)).await;
                return written.is_ok();
            }
        }
        if is_late() {
            is_over.store(true, Ordering::SeqCst);
        }
        let begun = Instant::now();
        let budget = Budget::single().until(Some(begun + length / 2));
        if !is_over.load(Ordering::SeqCst) {
            let beat = Beat::now(length).written();
            if meta.write_async(&holder.key(BEAT), &beat, budget).await.is_ok() && !is_late() {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = begun;
            }
            if let Ok(found) = meta.read_async(&[LEASE], budget).await
                && !has_right(&found, &holder)
            {
                is_over.store(true, Ordering::SeqCst);
            }
        }
    }
}

fn no_index(client: &Client) -> Error {
    Error::missing(format!("there is no index at {}", client.address()))
}

fn busy(client: &Client, left: u64) -> Error {
    Error::precondition(format!("another process writes to {}", client.address())).help(format!(
        "end it; if it died, its right to write runs out within {} s",
        left.div_ceil(1_000)
    ))
}

fn lost() -> Error {
    Error::new(
        Fault::Unavailable,
        "the right to write was lost: Milvus was not reached for too long, or another process took it over",
    )
    .help("run it again")
}
