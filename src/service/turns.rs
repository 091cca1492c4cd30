//! Whose search runs next: callers take turns by the time that their searches took, so one that asks much, or dear
//! questions, makes others wait for those of its searches that run, not for its line.
//!
//! Each caller has a mark that grows by the time of its searches; the one is next whose mark would be the smallest
//! after one more search like its last ones. One that comes anew begins where those are that are served now; one that
//! comes again owes what it took lately, or whoever has one dear search after the other would always be new. Where
//! there is no room for one more search, one that waits is shed of whoever has most. Knows nothing of what runs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::caller::Caller;

/// The most that one who comes again owes, in nanoseconds, and that its next search is thought to take.
const MOST_OWED: u128 = 1_000_000_000;

/// Of a caller that waits no more searches are thought to go before another one's than so many times those that wait.
const GOES_ON: usize = 4;

/// Threads, and who waits for one. Clones share them.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    /// From where times of searches that run are counted.
    begin: Instant,
    free: usize,
    given: usize,
    /// The most threads that a caller has while another one waits that has fewer.
    most: usize,
    /// Where callers that come anew begin, in nanoseconds.
    now: u128,
    /// How many have come; the number of the last one.
    joined: u64,
    /// Those with searches that run or wait, and while there are some, those that owe something. Who is not known
    /// shares one place with all of its kind.
    callers: HashMap<Option<Caller>, Standing>,
}

/// How a caller stands.
#[derive(Debug, Default)]
struct Standing {
    mark: u128,
    /// How long its searches take, the last ones counting most, as far as that counts; 0 before its first has ended.
    usual: u128,
    running: usize,
    /// The sum of the times at which those that run began, in nanoseconds: what they took so far counts, too.
    began: u128,
    waiting: VecDeque<Waiting>,
}

/// A search that waits for its turn.
#[derive(Debug)]
struct Waiting {
    number: u64,
    give: oneshot::Sender<Turn>,
    /// Its room among those that run or wait.
    room: Option<OwnedSemaphorePermit>,
}

/// What goes before a search, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead {
    /// How many searches.
    pub searches: usize,
    /// How long they take together.
    pub time: u128,
    /// How long the search itself takes.
    pub own: u128,
}

/// A thread of the caller's until this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    caller: Option<Caller>,
    since: Instant,
    /// When it began, as the line counts.
    began: u128,
    /// The search's room, until it has ended.
    _room: Option<OwnedSemaphorePermit>,
}

/// A place in the line; dropping it leaves the line.
struct Place<'a> {
    turns: &'a Turns,
    caller: Option<Caller>,
    number: u64,
}

impl Turns {
    /// So many threads.
    pub fn new(threads: usize) -> Self {
        Turns(Arc::new(Mutex::new(Line {
            begin: Instant::now(),
            free: threads,
            given: 0,
            most: threads,
            now: 0,
            joined: 0,
            callers: HashMap::new(),
        })))
    }

    /// From now on a caller has no more than so many threads while another one waits that has fewer, whatever either of
    /// them took: for work that takes so long that who comes next cannot wait for its end.
    pub fn leave_room(&self, most: usize) {
        self.line().most = most.max(1);
    }

    /// Waits for a thread with the search's room; `None` if this search was shed for one of another caller.
    pub async fn take(&self, caller: Option<Caller>, room: Option<OwnedSemaphorePermit>) -> Option<Turn> {
        let (give, given) = oneshot::channel();
        let _place = self.join(caller, give, room);
        given.await.ok()
    }

    /// Threads that are taken.
    pub fn taken(&self) -> usize {
        self.line().given
    }

    /// What would go before one more search of this caller: its own that wait, so many `batches`, and of each caller
    /// that waits as many as come to its turn before, of which more are thought to come than wait now: whoever waits
    /// while many ask goes on asking. A caller of which no search has ended takes as long as is `usual` for all.
    pub fn ahead(&self, caller: &Caller, batches: usize, usual: Duration) -> Ahead {
        let (caller, usual) = (Some(caller.clone()), usual.as_nanos());
        let known = |time: u128| if time == 0 { usual } else { time };
        let line = self.line();
        let time = line.begin.elapsed().as_nanos();
        let standing = line.callers.get(&caller);
        let (waiting, each, turn) = standing.map_or((0, 0, line.now), |own| {
            (own.waiting.len(), own.usual, own.turn(own.owed(line.now), time))
        });
        let own = known(each);
        // Once those of its own that wait had theirs.
        let turn = turn + waiting as u128 * own;
        let mut ahead = Ahead {
            searches: waiting + batches,
            time: waiting as u128 * own + batches as u128 * usual,
            own,
        };
        // Who is not known are batches, which were counted.
        let others = line
            .callers
            .iter()
            .filter(|(other, _)| other.is_some() && **other != caller);
        for (_, other) in others.filter(|(_, other)| !other.waiting.is_empty()) {
            let (next, each) = (other.turn(other.mark, time), known(other.usual).max(1));
            let turns = turn.checked_sub(next).map_or(0, |ahead| 1 + ahead / each);
            let turns = turns.min((GOES_ON * other.waiting.len()) as u128);
            ahead.searches += turns as usize;
            ahead.time += turns * each;
        }
        ahead
    }

    /// Whether one of another caller may be shed for one more of this one.
    pub fn may_shed(&self, caller: &Caller) -> bool {
        self.line().greediest(caller).is_some()
    }

    /// Sheds the newest that waits of the caller that has most; its room is for one more of this caller, which then has
    /// no more than half as many.
    pub fn shed(&self, caller: &Caller) -> Option<OwnedSemaphorePermit> {
        // It is told by what would have given it its turn being dropped.
        self.line().greediest(caller)?.waiting.pop_back()?.room
    }

    fn join(
        &self,
        caller: Option<Caller>,
        give: oneshot::Sender<Turn>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Place<'_> {
        let number = {
            let mut line = self.line();
            line.joined += 1;
            let (number, now) = (line.joined, line.now);
            let standing = line.callers.entry(caller.clone()).or_default();
            standing.mark = standing.owed(now);
            standing.waiting.push_back(Waiting { number, give, room });
            number
        };
        self.give();
        Place {
            turns: self,
            caller,
            number,
        }
    }

    /// Gives free threads to those who are next.
    fn give(&self) {
        // Nobody listens for those any more; they come back when the line is let go.
        let mut unwanted = Vec::new();
        let mut line = self.line();
        while line.free > 0
            && let Some((caller, next, began)) = line.choose()
        {
            let turn = Turn {
                turns: self.clone(),
                caller,
                since: Instant::now(),
                began,
                _room: next.room,
            };
            unwanted.extend(next.give.send(turn).err());
        }
        drop(line);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Each change is one step, so a poisoned line is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Its searches that run or wait.
    fn all(&self) -> usize {
        self.running + self.waiting.len()
    }

    /// Its mark with one more search: what it owes, if it had none, but never for long.
    fn owed(&self, now: u128) -> u128 {
        match self.all() {
            0 => self.mark.clamp(now, now + MOST_OWED),
            _ => self.mark,
        }
    }

    /// Where it would be with one more search, by which callers are in order.
    fn turn(&self, mark: u128, time: u128) -> u128 {
        mark + self.took(time) + self.usual
    }

    /// What its searches that run took until then.
    fn took(&self, time: u128) -> u128 {
        (self.running as u128 * time).saturating_sub(self.began)
    }
}

impl Line {
    /// The caller that has most of those with some that wait, if that are at least twice as many as this one would have
    /// with one more. Never one that is not known: those are many, and batches give way by themselves.
    fn greediest(&mut self, caller: &Caller) -> Option<&mut Standing> {
        let caller = Some(caller.clone());
        let own = self.callers.get(&caller).map_or(0, Standing::all);
        let others = self
            .callers
            .iter_mut()
            .filter(|(other, standing)| other.is_some() && **other != caller && !standing.waiting.is_empty());
        // Of equals the one that came last.
        let newest = |standing: &Standing| standing.waiting.back().map(|last| last.number);
        let (_, greediest) = others.max_by_key(|(_, standing)| (standing.all(), newest(standing)))?;
        (greediest.all() >= 2 * (own + 1)).then_some(greediest)
    }

    /// Takes a thread for whoever is next.
    fn choose(&mut self) -> Option<(Option<Caller>, Waiting, u128)> {
        let (time, most) = (self.begin.elapsed().as_nanos(), self.most);
        let waiting = self.callers.iter_mut().filter(|(_, one)| !one.waiting.is_empty());
        let first = |one: &Standing| one.waiting.front().map(|first| first.number);
        let (caller, standing) =
            waiting.min_by_key(|(_, one)| (one.running >= most, one.turn(one.mark, time), first(one)))?;
        let next = standing.waiting.pop_front()?;
        standing.running += 1;
        standing.began += time;
        self.now = self.now.max(standing.mark);
        self.free -= 1;
        self.given += 1;
        Some((caller.clone(), next, time))
    }

    /// Callers with searches.
    fn active(&self) -> usize {
        self.callers.values().filter(|one| one.all() > 0).count()
    }

    /// Forgets callers without searches that owe nothing; once nobody has any, nobody does.
    fn forget_the_idle(&mut self) {
        let (is_busy, now) = (self.active() > 0, self.now);
        self.callers
            .retain(|_, one| one.all() > 0 || (is_busy && one.mark + one.usual > now));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = self.turns.line();
        let time = self.since.elapsed().as_nanos().max(1);
        // Time goes on for those who wait as well: however many come anew, each is next some time.
        line.now += time / line.active().max(1) as u128;
        line.free += 1;
        line.given -= 1;
        if let Some(standing) = line.callers.get_mut(&self.caller) {
            standing.mark += time;
            standing.usual = match standing.usual {
                0 => time,
                usual => (usual + time) / 2,
            }
            .min(MOST_OWED);
            standing.running -= 1;
            standing.began -= self.began;
        }
        line.forget_the_idle();
        drop(line);
        self.turns.give();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.turns.line();
        if let Some(standing) = line.callers.get_mut(&self.caller) {
            standing.waiting.retain(|one| one.number != self.number);
        }
        line.forget_the_idle();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn named(name: &str) -> Option<Caller> {
        Some(Caller(name.into()))
    }

    /// Whoever asks much waits behind one that asks a little, and is answered in the end.
    #[test]
    fn callers_take_turns_by_the_time_that_they_took() {
        let turns = Turns::new(1);
        let first = turns.take(named("greedy"), None).now_or_never().flatten().unwrap();
        let mut greedy: Vec<_> = (0..100).map(|_| Box::pin(turns.take(named("greedy"), None))).collect();
        for waiting in &mut greedy {
            assert!(waiting.now_or_never().is_none());
        }
        let ahead = |name: &str| turns.ahead(&Caller(name.into()), 0, Duration::from_millis(1)).searches;
        assert_eq!(ahead("other"), 0, "what runs counts against the greedy one");
        assert_eq!(ahead("greedy"), 100);
        let mut other = Box::pin(turns.take(named("other"), None));
        assert!((&mut other).now_or_never().is_none(), "one runs, whoever's it is");
        drop(first);
        assert!(
            (&mut greedy[0]).now_or_never().is_none(),
            "it came first, and had its turn"
        );
        drop(other.now_or_never().flatten().unwrap());
        for waiting in greedy {
            drop(waiting.now_or_never().flatten().unwrap());
        }
        assert_eq!(turns.taken(), 0);
        assert!(turns.line().callers.is_empty());
    }

    #[test]
    fn what_goes_before_counts_by_the_time_that_it_takes() {
        let check = |callers: [(&str, u128, u64); 2], searches: usize, time: u128| {
            let turns = Turns::new(1);
            turns.line().callers.extend(callers.map(|(name, usual, waiting)| {
                let waiting = (0..waiting).map(|number| Waiting {
                    number,
                    give: oneshot::channel().0,
                    room: None,
                });
                let standing = Standing {
                    usual,
                    waiting: waiting.collect(),
                    ..Standing::default()
                };
                (named(name), standing)
            }));
            let caller = Caller(callers[0].0.into());
            let ahead = turns.ahead(&caller, 0, Duration::from_nanos(100));
            assert_eq!((ahead.searches, ahead.time), (searches, time), "{callers:?}");
            let more = turns.ahead(&caller, 2, Duration::from_nanos(100));
            assert_eq!((more.searches, more.time), (searches + 2, time + 200), "{callers:?}");
        };
        // One of its own, and of the other's as many as take no longer than both of its own.
        check([("dear", 300, 1), ("cheap", 100, 20)], 1 + 6, 300 + 600);
        // Others come while these wait.
        check([("dear", 300, 1), ("cheap", 100, 2)], 1 + 6, 300 + 600);
        check([("dear", 300, 1), ("cheap", 100, 0)], 1, 300);
        check([("dear", 3_000, 1), ("cheap", 100, 2)], 1 + 8, 3_000 + 800);
        check([("cheap", 100, 20), ("dear", 300, 2)], 20 + 7, 2_000 + 2_100);
        check([("cheap", 100, 1), ("dear", 300, 20)], 1, 100);
        // Whose time is not known takes as long as is usual.
        check([("cheap", 100, 1), ("new", 0, 20)], 1 + 3, 100 + 300);
        check([("new", 0, 3), ("cheap", 100, 20)], 3 + 3, 300 + 300);
    }

    /// One connection that sends a dear question as soon as the last one is answered, and another one with its first.
    #[test]
    fn who_comes_again_at_once_owes_what_it_took() {
        let turns = Turns::new(1);
        let mut dear = turns.take(named("dear"), None).now_or_never().flatten().unwrap();
        let mut busy = Box::pin(turns.take(named("busy"), None));
        assert!((&mut busy).now_or_never().is_none());
        dear.since -= Duration::from_millis(500);
        drop(dear);
        let busy = busy.now_or_never().flatten().unwrap();
        let mut again = Box::pin(turns.take(named("dear"), None));
        assert!((&mut again).now_or_never().is_none());
        let ahead = turns.ahead(&Caller("first".into()), 0, Duration::from_millis(1));
        assert_eq!(ahead.searches, 0);
        let mut first = Box::pin(turns.take(named("first"), None));
        assert!((&mut first).now_or_never().is_none());
        drop(busy);
        assert!((&mut again).now_or_never().is_none(), "it owes half a second");
        drop(first.now_or_never().flatten().unwrap());
        drop(again.now_or_never().flatten().unwrap());
        assert!(turns.line().callers.is_empty(), "nobody waits, so nobody owes");
    }

    /// They take turns, so each has waited for as long as its last question took when it is next.
    #[test]
    fn one_that_asks_little_goes_before_those_whose_last_question_was_dear() {
        let half = Duration::from_millis(500);
        let turns = Turns::new(1);
        let mut a = turns.take(named("a"), None).now_or_never().flatten().unwrap();
        let mut b = Box::pin(turns.take(named("b"), None));
        assert!((&mut b).now_or_never().is_none());
        a.since -= half;
        drop(a);
        let mut b = b.now_or_never().flatten().unwrap();
        let mut a = Box::pin(turns.take(named("a"), None));
        assert!((&mut a).now_or_never().is_none());
        b.since -= half;
        drop(b);
        let a = a.now_or_never().flatten().unwrap();
        let mut b = Box::pin(turns.take(named("b"), None));
        assert!((&mut b).now_or_never().is_none());
        let mut little = Box::pin(turns.take(named("little"), None));
        assert!((&mut little).now_or_never().is_none());
        drop(a);
        assert!(
            (&mut b).now_or_never().is_none(),
            "it came first, but asks as much again"
        );
        drop(little.now_or_never().flatten().unwrap());
        drop(b.now_or_never().flatten().unwrap());
        assert!(turns.line().callers.is_empty());
    }

    /// A caller whose search still runs has taken that time: of two threads it does not get the other one, too.
    #[test]
    fn what_runs_counts() {
        let turns = Turns::new(2);
        let dear = turns.take(named("dear"), None).now_or_never().flatten().unwrap();
        let other = turns.take(named("other"), None).now_or_never().flatten().unwrap();
        // As if both had begun a minute before; the other one's search is over and took no time.
        turns.line().begin -= Duration::from_secs(60);
        let mut next = Box::pin(turns.take(named("dear"), None));
        let mut again = Box::pin(turns.take(named("other"), None));
        assert!((&mut next).now_or_never().is_none() && (&mut again).now_or_never().is_none());
        drop(other);
        assert!((&mut next).now_or_never().is_none());
        assert!(again.now_or_never().flatten().is_some());
        drop(dear);
    }

    /// Who took much has the other thread all the same where the first caller has one and wants both.
    #[test]
    fn a_caller_leaves_a_thread_to_one_that_has_none() {
        let turns = Turns::new(2);
        turns.leave_room(1);
        let one = turns.take(named("one"), None).now_or_never().flatten().unwrap();
        let mut dear = turns.take(named("dear"), None).now_or_never().flatten().unwrap();
        let mut again = Box::pin(turns.take(named("one"), None));
        assert!((&mut again).now_or_never().is_none());
        let mut next = Box::pin(turns.take(named("dear"), None));
        assert!((&mut next).now_or_never().is_none());
        dear.since -= Duration::from_secs(60);
        drop(dear);
        assert!((&mut again).now_or_never().is_none(), "by time it would be next");
        let next = next.now_or_never().flatten().unwrap();
        drop(one);
        let again = again.now_or_never().flatten().unwrap();
        drop(next);
        assert!(
            turns.take(named("one"), None).now_or_never().flatten().is_some(),
            "alone it has both"
        );
        drop(again);
    }

    /// Of the caller that has most the newest goes, until the other one has half as many.
    #[test]
    fn the_newest_of_who_has_most_is_shed() {
        let turns = Turns::new(1);
        let (other, rooms) = (Caller("other".into()), Arc::new(tokio::sync::Semaphore::new(9)));
        let first = turns.take(named("greedy"), None).now_or_never().flatten().unwrap();
        let mut waiting: Vec<_> = (["few", "greedy", "few", "greedy", "greedy", "greedy"].iter())
            .map(|name| Box::pin(turns.take(named(name), rooms.clone().try_acquire_owned().ok())))
            .collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        let mut unknown: Vec<_> = (0..9).map(|_| Box::pin(turns.take(None, None))).collect();
        for one in &mut unknown {
            assert!(one.now_or_never().is_none(), "it is never shed");
        }
        assert!(!turns.may_shed(&Caller("greedy".into())), "nobody else has as many");
        assert!(turns.may_shed(&other) && turns.shed(&other).is_some());
        assert!(waiting[5].as_mut().now_or_never().is_some_and(|shed| shed.is_none()));
        waiting.truncate(5);
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        let mut others = vec![Box::pin(turns.take(named("other"), None))];
        assert!((&mut others[0]).now_or_never().is_none());
        assert!(
            turns.shed(&other).is_some(),
            "one that runs and three that wait are twice two"
        );
        let mut second = Box::pin(turns.take(named("other"), None));
        assert!((&mut second).now_or_never().is_none());
        assert!(turns.shed(&other).is_none(), "three are less than twice three");
        drop(second);
        drop(waiting);
        drop(unknown);
        drop(first);
        assert!(others.pop().unwrap().now_or_never().flatten().is_some());
        assert!(turns.line().callers.is_empty());
    }

    #[test]
    fn who_leaves_takes_no_turn() {
        let turns = Turns::new(1);
        let first = turns.take(None, None).now_or_never().flatten().unwrap();
        let (mut left, mut given) = (Box::pin(turns.take(None, None)), Box::pin(turns.take(None, None)));
        let mut last = Box::pin(turns.take(None, None));
        for waiting in [&mut left, &mut given, &mut last] {
            assert!(waiting.now_or_never().is_none());
        }
        drop(left);
        drop(first);
        // It was given a thread and does not look at it.
        drop(given);
        assert!(last.now_or_never().flatten().is_some());
        assert_eq!(turns.taken(), 0);
        assert!(turns.line().callers.is_empty());
    }

    /// New callers come without end; the one that took much is next some time.
    #[test]
    fn nobody_waits_for_ever() {
        let turns = Turns::new(1);
        let first = turns.take(named("old"), None).now_or_never().flatten().unwrap();
        let mut old = Box::pin(turns.take(named("old"), None));
        assert!((&mut old).now_or_never().is_none());
        drop(first);
        let mut running = (&mut old).now_or_never().flatten().unwrap();
        running.since -= Duration::from_millis(1);
        let mut old = Box::pin(turns.take(named("old"), None));
        assert!((&mut old).now_or_never().is_none());
        let mut number = 0;
        let mut next = || {
            number += 1;
            let mut one = Box::pin(turns.take(named(&number.to_string()), None));
            assert!((&mut one).now_or_never().is_none());
            one
        };
        let mut new = next();
        drop(running);
        loop {
            let after = next();
            match std::mem::replace(&mut new, after).now_or_never() {
                Some(turn) => drop(turn),
                None => break,
            }
        }
        assert!(old.now_or_never().flatten().is_some());
    }
}
