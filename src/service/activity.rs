//! What one connection holds of the service: calls that are under way, bytes of their bodies until those have come to
//! their end, and bytes of answers that it has not read.
//!
//! A client that begins bodies and does not end them makes the service keep what came; one that asks and does not read,
//! its answers. So each connection counts them and all together have a bound: of one that holds much of it no further
//! body is taken, and for it no further answer is made before it reads; if that does not do, the bodies of the one that
//! holds most give way, or it is cut off for its answers. So is one that stands still for too long or is not used at
//! all. Cutting one drops everything it held.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use super::patience::Patience;
use crate::error::{Error, Fault, Result};

/// Who holds so many times what another one would have gives way to it.
const MUCH_MORE: usize = 2;
/// So small a part of the bound may be held beyond it until those who give way have let go.
const BEYOND: usize = 8;

/// Milliseconds for which a connection without a call keeps its place, whoever waits: it asks on.
const JUST_USED: u64 = 1_000;
/// The same of one that has not called yet: it has just come, and what it asks is on its way.
const JUST_COME: u64 = 250;

tokio::task_local! {
    /// The connection that a call came by, for the time of the call.
    static CONNECTION: Arc<Activity>;
}

/// The connection that the call came by which is answered now, if it came by one.
pub fn current() -> Option<Arc<Activity>> {
    CONNECTION.try_with(Clone::clone).ok()
}

/// Does the work for a call of this connection.
pub async fn coming_by<F: Future>(connection: Option<Arc<Activity>>, work: F) -> F::Output {
    match connection {
        Some(connection) => CONNECTION.scope(connection, work).await,
        None => work.await,
    }
}

/// Whether the connection of this call may have another answer made; a call that came by none may.
///
/// # Errors
/// As [`Activity::check_room`].
pub fn check_room(connection: Option<&Arc<Activity>>) -> Result<()> {
    connection.map_or(Ok(()), |connection| connection.check_room())
}

/// Why a body is not taken any further.
pub fn no_room() -> Error {
    Error::new(
        Fault::Exhausted,
        "unfinished bodies of this connection hold much, and the room that is left is for others",
    )
    .help("send fewer at a time, and each to its end")
}

/// Why a connection was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It had no call for too long, or none that does more than wait when a new connection came.
    Idle,
    /// It did not read what it was answered.
    Unread,
}

/// All connections of a service.
#[derive(Debug)]
pub struct Connections {
    patience: Patience,
    begin: Instant,
    unread: AtomicUsize,
    bodies: AtomicUsize,
    all: Mutex<Vec<Weak<Activity>>>,
}

/// One connection.
#[derive(Debug)]
pub struct Activity {
    connections: Arc<Connections>,
    calls: AtomicUsize,
    /// How many of them only wait, for the rest of a body or for news.
    waiting: AtomicUsize,
    unread: AtomicUsize,
    bodies: AtomicUsize,
    /// Whether its bodies give way, until it has none.
    gives_way: AtomicBool,
    /// When it last had a call or read something, in milliseconds since the service began.
    last: AtomicU64,
    must_go: OnceLock<Cut>,
    has_called: AtomicBool,
    waker: AtomicWaker,
}

/// Who is at the other end, as found in a request's extensions.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address, if the system knows it.
    pub address: Option<SocketAddr>,
    /// What its connection holds.
    pub activity: Arc<Activity>,
}

impl Peer {
    /// Whether it is a caller of this machine. Of a proxy on this machine everyone is.
    pub fn is_near(&self) -> bool {
        self.address
            .is_some_and(|address| address.ip().to_canonical().is_loopback())
    }
}

impl Connections {
    /// None so far.
    pub fn new(patience: Patience) -> Self {
        Connections {
            patience,
            begin: Instant::now(),
            unread: AtomicUsize::new(0),
            bodies: AtomicUsize::new(0),
            all: Mutex::new(Vec::new()),
        }
    }

    /// One more.
    pub fn join(self: &Arc<Self>) -> Arc<Activity> {
        let activity = Arc::new(Activity {
            connections: self.clone(),
            calls: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            unread: AtomicUsize::new(0),
            bodies: AtomicUsize::new(0),
            gives_way: AtomicBool::new(false),
            last: AtomicU64::new(self.now()),
            must_go: OnceLock::new(),
            has_called: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|one| one.strong_count() > 0);
        }
        all.push(Arc::downgrade(&activity));
        activity
    }

    /// Bytes of answers that nobody has read yet.
    pub fn unread(&self) -> usize {
        self.unread.load(Ordering::Relaxed)
    }

    /// Bytes of bodies that have not come to their end.
    pub fn bodies(&self) -> usize {
        self.bodies.load(Ordering::Relaxed)
    }

    /// Ends the connection that is without a call for longest, if one is for some time, else the one whose calls only
    /// wait for longest: a new one has its place. Of those that never called up to `most` end.
    pub fn end_the_longest_idle(&self, most: usize) {
        let now = self.now();
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = || all.iter().filter_map(Weak::upgrade).filter(|one| one.only_waits());
        // Who ends gives its place in a moment; nobody else goes for that.
        if idle().any(|one| one.must_go.get() == Some(&Cut::Idle)) {
            return;
        }
        let stays = |one: &Activity| {
            if one.has_called.load(Ordering::Relaxed) {
                JUST_USED
            } else {
                JUST_COME
            }
        };
        let idle = idle().filter(|one| {
            one.unread.load(Ordering::Relaxed) == 0
                && one.must_go.get().is_none()
                && now.saturating_sub(one.last.load(Ordering::Relaxed)) >= stays(one)
        });
        let has_calls = |one: &Activity| one.calls.load(Ordering::Relaxed) > 0;
        let mut idle: Vec<Arc<Activity>> = idle.collect();
        idle.sort_by_key(|one| (has_calls(one), one.last.load(Ordering::Relaxed)));
        let has_called = |one: &Activity| one.has_called.load(Ordering::Relaxed);
        let mut ending: Vec<_> = idle.iter().filter(|one| !has_called(one)).take(most).collect();
        if ending.is_empty() {
            ending.extend(idle.first());
        }
        ending.into_iter().for_each(|one| one.end(Cut::Idle));
    }

    /// Whether there is room for what a connection holds of bodies by now, if need be since those of the one that holds
    /// most give way: what those hold that do is as good as gone.
    fn make_room(&self, asking: &Activity, own: usize) -> bool {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let live = all.iter().filter_map(Weak::upgrade);
        let (mut held, mut greediest) = (0_usize, None);
        for one in live.filter(|one| !one.gives_way()) {
            let bodies = one.bodies.load(Ordering::Relaxed);
            held = held.saturating_add(bodies);
            if !std::ptr::eq(&*one, asking) && greediest.as_ref().is_none_or(|(most, _)| bodies > *most) {
                greediest = Some((bodies, one));
            }
        }
        if Patience::is_little(own, held, self.patience.body_bytes) {
            return true;
        }
        let greediest = greediest.filter(|(most, _)| *most >= own.saturating_mul(MUCH_MORE));
        greediest.is_some_and(|(_, one)| {
            one.give_way();
            true
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends the connection that holds most, if those that are not ending hold too much by themselves: one that ends
    /// takes a moment to let go, and nobody else goes for what it still holds.
    fn end_the_greediest(&self) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let live = all.iter().filter_map(Weak::upgrade);
        let staying = live.filter(|one| one.must_go.get().is_none());
        let (mut held, mut greediest) = (0_usize, None);
        for one in staying {
            let unread = one.unread.load(Ordering::Relaxed);
            held = held.saturating_add(unread);
            if greediest.as_ref().is_none_or(|(most, _)| unread > *most) {
                greediest = Some((unread, one));
            }
        }
        if let Some((_, greediest)) = greediest.filter(|_| held > self.patience.unread_bytes) {
            greediest.end(Cut::Unread);
        }
    }
}

impl Activity {
    /// A call begins; it ends when what is given back is dropped.
    pub fn call(self: &Arc<Self>) -> Call {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.has_called.store(true, Ordering::Relaxed);
        self.progress();
        Call(self.clone())
    }

    /// One of its calls only waits, until what is given back is dropped.
    pub fn waits(self: &Arc<Self>) -> Waits {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(self.clone())
    }

    /// Whether it has no call that does more than wait.
    fn only_waits(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.calls.load(Ordering::Relaxed)
    }

    /// Whether another answer may be made for it: not while it is cut off, nor while it holds more than leaves room for
    /// others.
    ///
    /// # Errors
    /// `Exhausted` until it has read.
    pub fn check_room(&self) -> Result<()> {
        let own = self.unread.load(Ordering::Relaxed);
        let bound = self.connections.patience.unread_bytes;
        let is_little = Patience::is_little(own, self.connections.unread(), bound);
        if is_little && self.must_go.get() != Some(&Cut::Unread) {
            return Ok(());
        }
        Err(Error::new(
            Fault::Exhausted,
            format!("this connection has not read {own} bytes of its answers, and the room that is left is for others"),
        )
        .help("read the answers, then ask again"))
    }

    /// Takes so many more bytes of a body of which `before` are held already, if that leaves room for others, or
    /// somebody else holds much more; but one that is larger than the bound by itself is taken while there is no other,
    /// or nobody could send it.
    ///
    /// # Errors
    /// `Exhausted`; then they are not counted.
    pub fn take_in(&self, bytes: usize, before: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let own = self.bodies.fetch_add(bytes, Ordering::SeqCst).saturating_add(bytes);
        let all = self.connections.bodies.fetch_add(bytes, Ordering::Relaxed);
        let all = all.saturating_add(bytes);
        let is_alone = before.saturating_add(bytes) == all;
        let bound = self.connections.patience.body_bytes;
        let is_taken = !self.gives_way()
            && (is_alone
                || Patience::is_little(own, all, bound)
                || all <= bound.saturating_add(bound / BEYOND) && self.connections.make_room(self, own));
        if is_taken {
            return Ok(());
        }
        self.let_go(bytes);
        Err(no_room())
    }

    /// So many bytes of bodies are held no more. Also 0 of none: who was told to give way meanwhile is free again.
    pub fn let_go(&self, bytes: usize) {
        if self.bodies.fetch_sub(bytes, Ordering::SeqCst) == bytes {
            self.gives_way.store(false, Ordering::SeqCst);
        }
        self.connections.bodies.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Has its bodies give way to somebody else's. It may have let go of all in this moment, and then nothing would
    /// take it back: one of the two sees what the other did.
    fn give_way(&self) {
        self.gives_way.store(true, Ordering::SeqCst);
        if self.bodies.load(Ordering::SeqCst) == 0 {
            self.gives_way.store(false, Ordering::SeqCst);
        }
    }

    /// Whether its bodies must give way to somebody else's; not what it may hold whatever others do.
    pub fn gives_way(&self) -> bool {
        let own = self.bodies.load(Ordering::Relaxed);
        self.gives_way.load(Ordering::Relaxed)
            && !Patience::is_next_to_nothing(own, self.connections.patience.body_bytes)
    }

    /// Whether it ever had a call.
    pub fn has_called(&self) -> bool {
        self.has_called.load(Ordering::Relaxed)
    }

    /// The longest that what is written to it may stand.
    pub fn longest_unread(&self) -> Duration {
        self.connections.patience.unread
    }

    fn end(&self, why: Cut) {
        // Whichever reason came first.
        let _ = self.must_go.set(why);
        self.waker.wake();
    }

    fn progress(&self) {
        self.last.store(self.connections.now(), Ordering::Relaxed);
    }

    /// Whether the connection must be cut off, and why; asked again when `waker` is woken, and every now and then.
    pub fn must_end(&self, waker: &std::task::Waker) -> Option<Cut> {
        self.waker.register(waker);
        // A call that came in the moment before is answered first.
        if let Some(cut) = self.must_go.get()
            && (*cut == Cut::Unread || self.only_waits())
        {
            return Some(*cut);
        }
        let patience = &self.connections.patience;
        let rest = self.connections.now().saturating_sub(self.last.load(Ordering::Relaxed));
        let rest = Duration::from_millis(rest);
        if self.unread.load(Ordering::Relaxed) > 0 {
            return (rest > patience.unread).then_some(Cut::Unread);
        }
        (self.calls.load(Ordering::Relaxed) == 0 && rest > patience.idle).then_some(Cut::Idle)
    }
}

/// A call that only waits.
#[derive(Debug)]
pub struct Waits(Arc<Activity>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call of a connection.
#[derive(Debug)]
pub struct Call(Arc<Activity>);

impl Call {
    /// So many bytes were answered that are not read yet. If all connections together hold too many, the one that holds
    /// most is cut off; but a part of an answer that is larger than the bound by itself is sent while there is no
    /// other, or nobody could be answered so.
    pub fn hold(&self, bytes: usize) {
        let (activity, connections) = (&self.0, &self.0.connections);
        activity.unread.fetch_add(bytes, Ordering::Relaxed);
        activity.progress();
        let before = connections.unread.fetch_add(bytes, Ordering::Relaxed);
        if before > 0 && before.saturating_add(bytes) > connections.patience.unread_bytes {
            connections.end_the_greediest();
        }
    }

    /// So many of them went on their way, or were thrown away.
    pub fn release(&self, bytes: usize) {
        self.0.unread.fetch_sub(bytes, Ordering::Relaxed);
        self.0.connections.unread.fetch_sub(bytes, Ordering::Relaxed);
        self.0.progress();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
        self.0.progress();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn connections(unread: u64, bytes: usize, idle: u64) -> Arc<Connections> {
        Arc::new(Connections::new(Patience {
            unread: Duration::from_secs(unread),
            unread_bytes: bytes,
            body_bytes: bytes,
            idle: Duration::from_secs(idle),
        }))
    }

    #[test]
    fn who_holds_most_goes_when_all_hold_too_much() {
        let connections = connections(3_600, 100, 3_600);
        let [small, large] = [connections.join(), connections.join()];
        let (few, many) = (small.call(), large.call());
        many.hold(70);
        few.hold(30);
        assert_eq!(large.must_end(Waker::noop()), None, "at the bound, not over it");
        few.hold(1);
        assert_eq!(large.must_end(Waker::noop()), Some(Cut::Unread));
        assert_eq!(small.must_end(Waker::noop()), None);
        many.release(70);
        drop((many, large));
        assert_eq!(connections.unread(), 31);
        few.release(31);
        assert_eq!(connections.unread(), 0);
    }

    #[test]
    fn nobody_goes_for_what_one_that_ends_still_holds() {
        let connections = connections(3_600, 100, 3_600);
        let [small, large] = [connections.join(), connections.join()];
        let (few, many) = (small.call(), large.call());
        few.hold(1);
        many.hold(100);
        assert_eq!(large.must_end(Waker::noop()), Some(Cut::Unread));
        few.hold(1);
        assert_eq!(small.must_end(Waker::noop()), None);
    }

    #[test]
    fn who_does_not_read_leaves_room_for_others_before_an_answer_is_made() {
        let connections = connections(3_600, 1 << 20, 3_600);
        let greedy: Vec<_> = (0..4).map(|_| connections.join()).collect();
        let calls: Vec<_> = greedy.iter().map(Activity::call).collect();
        for call in &calls {
            while call.0.check_room().is_ok() {
                call.hold(100);
            }
        }
        assert!((1 << 19..=1 << 20).contains(&connections.unread()));
        assert!(greedy.iter().all(|one| one.must_end(Waker::noop()).is_none()));
        connections.join().check_room().unwrap();
        let error = greedy[0].check_room().unwrap_err();
        assert_eq!(error.fault(), Fault::Exhausted);
        calls[0].release(greedy[0].unread.load(Ordering::Relaxed));
        greedy[0].check_room().unwrap();
    }

    #[test]
    fn one_answer_that_is_too_large_is_sent_while_there_is_no_other() {
        let connections = connections(3_600, 100, 3_600);
        let one = connections.join();
        let call = one.call();
        call.hold(1_000);
        assert_eq!(one.must_end(Waker::noop()), None);
        call.release(400);
        call.hold(1);
        assert_eq!(
            one.must_end(Waker::noop()),
            Some(Cut::Unread),
            "it asks for more and does not read"
        );
    }

    #[test]
    fn bodies_of_many_connections_stay_under_the_bound_and_small_ones_are_taken() {
        let bound = 1 << 20;
        let connections = connections(3_600, bound, 3_600);
        let (small, greedy) = (connections.join(), [(); 8].map(|()| connections.join()));
        small.take_in(500, 0).unwrap();
        let held: Vec<usize> = greedy
            .iter()
            .map(|one| {
                let mut held = 0;
                while one.take_in(1_000, held).is_ok() {
                    held += 1_000;
                }
                held
            })
            .collect();
        // Beside the bound each holds the little that it always may, and the first one has not let go yet.
        let bodies = connections.bodies();
        let most = bound + bound / BEYOND + 8 * 1_024;
        assert!((bound / 2..=most).contains(&bodies), "{bodies}");
        let refused = greedy[0].take_in(1_000, held[0]).unwrap_err();
        assert_eq!(refused.fault(), Fault::Exhausted);
        let all = 500 + held.iter().sum::<usize>();
        assert_eq!(connections.bodies(), all, "what is refused is not counted");
        let other = connections.join();
        other.take_in(500, 0).unwrap();
        other.take_in(100_000, 0).unwrap_err();
        greedy[0].let_go(held[0]);
        other.take_in(100_000, 0).unwrap();
    }

    #[test]
    fn bodies_of_who_holds_most_give_way_to_those_of_who_holds_little() {
        let connections = connections(3_600, 1 << 20, 3_600);
        let [greedy, other, third] = [(); 3].map(|()| connections.join());
        greedy.take_in(900_000, 0).unwrap();
        other.take_in(50_000, 0).unwrap();
        assert!(!greedy.gives_way(), "there is room for both");
        other.take_in(80_000, 50_000).unwrap();
        assert!(greedy.gives_way());
        greedy.take_in(1, 900_000).unwrap_err();
        third.take_in(60_000, 0).unwrap();
        assert!(!other.gives_way(), "what the greedy one holds is as good as gone");
        greedy.let_go(900_000);
        assert!(!greedy.gives_way(), "it begins anew");
        greedy.take_in(400_000, 0).unwrap();
        third.take_in(300_000, 60_000).unwrap();
        other.take_in(300_000, 130_000).unwrap_err();
        assert!(!greedy.gives_way(), "it holds hardly more");
    }

    #[test]
    fn who_gives_way_keeps_the_little_that_it_always_may() {
        let connections = connections(3_600, 1 << 20, 3_600);
        let [greedy, other] = [(); 2].map(|()| connections.join());
        greedy.take_in(900_000, 0).unwrap();
        other.take_in(130_000, 0).unwrap();
        assert!(greedy.gives_way());
        greedy.let_go(899_500);
        assert!(!greedy.gives_way(), "what is left is little");
        greedy.take_in(500, 0).unwrap();
        greedy.take_in(100_000, 0).unwrap_err();
        greedy.let_go(1_000);
        greedy.take_in(100_000, 0).unwrap();
    }

    #[test]
    fn who_holds_nothing_gives_nothing_away() {
        let connections = connections(3_600, 1 << 20, 3_600);
        let one = connections.join();
        one.give_way();
        one.take_in(100_000, 0).unwrap();
        assert!(!one.gives_way());
    }

    #[test]
    fn who_only_waits_gives_its_place_once_nobody_is_without_a_call() {
        let mut connections = connections(3_600, 1 << 20, 3_600);
        // As if the service ran for some time.
        Arc::get_mut(&mut connections).unwrap().begin -= Duration::from_secs(10);
        let [idle, waiting, busy] = [(); 3].map(|()| connections.join());
        let calls = [waiting.call(), busy.call()];
        let waits = waiting.waits();
        for one in [&idle, &waiting, &busy] {
            one.last.store(0, Ordering::Relaxed);
        }
        let must_end = |one: &Activity| one.must_end(Waker::noop());
        connections.end_the_longest_idle(1);
        assert_eq!(
            [must_end(&idle), must_end(&waiting), must_end(&busy)],
            [Some(Cut::Idle), None, None]
        );
        drop(idle);
        connections.end_the_longest_idle(1);
        assert_eq!([must_end(&waiting), must_end(&busy)], [Some(Cut::Idle), None]);
        drop((waiting, waits));
        connections.end_the_longest_idle(1);
        assert_eq!(must_end(&busy), None);
        drop(calls);
    }

    #[test]
    fn of_those_that_never_called_many_end() {
        // Milliseconds since it was used, and whether it ever called.
        let check = |ages: &[(u64, bool)], most: usize, expected: &[usize]| {
            let mut connections = connections(3_600, 1 << 20, 3_600);
            Arc::get_mut(&mut connections).unwrap().begin -= Duration::from_secs(3_600);
            let all: Vec<_> = ages.iter().map(|_| connections.join()).collect();
            for (one, (age, has_called)) in all.iter().zip(ages) {
                one.last.store(3_600_000 - age, Ordering::Relaxed);
                one.has_called.store(*has_called, Ordering::Relaxed);
            }
            connections.end_the_longest_idle(most);
            let ended = (0..all.len()).filter(|&at| all[at].must_go.get().is_some());
            assert_eq!(ended.collect::<Vec<_>>(), expected, "{ages:?} {most}");
        };
        // So much that a slow machine does not matter.
        let (just, long) = (0, 1_000_000);
        check(&[(just, false), (long, false), (2 * long, false)], 1, &[2]);
        check(&[(long, false), (3 * long, true), (2 * long, false)], 8, &[0, 2]);
        check(&[(2 * long, true), (3 * long, true), (long, true)], 8, &[1]);
    }

    #[test]
    fn a_body_that_is_too_large_is_taken_while_there_is_no_other() {
        let connections = connections(3_600, 100, 3_600);
        let (one, other) = (connections.join(), connections.join());
        one.take_in(1_000, 0).unwrap();
        one.take_in(1_000, 1_000).unwrap();
        assert_eq!(
            one.take_in(1_000, 0).unwrap_err().fault(),
            Fault::Exhausted,
            "a second one"
        );
        assert_eq!(other.take_in(1_000, 0).unwrap_err().fault(), Fault::Exhausted);
        one.let_go(2_000);
        other.take_in(1_000, 0).unwrap();
    }

    #[test]
    fn what_stands_unread_or_unused_goes() {
        let connections = connections(0, 100, 0);
        let one = connections.join();
        let call = one.call();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(
            one.must_end(Waker::noop()),
            None,
            "a call that is under way may take its time"
        );
        call.hold(1);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(one.must_end(Waker::noop()), Some(Cut::Unread));
        call.release(1);
        drop(call);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(one.must_end(Waker::noop()), Some(Cut::Idle));
    }
}
