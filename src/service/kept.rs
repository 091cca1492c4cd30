//! The answers given last, in memory: a question asked again costs a look into a map and its bytes.
//!
//! The key is the whole question as it came, so whatever could change the answer makes it another question; a
//! question written in another way only costs its own search. Answers belong to one edition of what was searched
//! ([`super::Answer::edition`]); with the next one all of them go. Never asks the core anything, and keeps what it is
//! given: that an answer is whole is for the caller to know.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use prost::bytes::Bytes;

use super::wire;

/// What an answer takes beside its bytes and its question's: its places in the two maps.
const PLACE_BYTES: usize = 256;
/// An answer that would take more than this share of the room is not kept: many would go for one.
const LARGEST_SHARE: usize = 8;

/// The answers given last, shared by all threads. The lock is held for a few look-ups, never while an answer is made,
/// copied or thrown away.
pub struct AnswerCache {
    capacity: usize,
    kept: Mutex<Kept>,
}

/// A question as it is looked for, and the edition of which it is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    edition: u64,
    question: Arc<[u8]>,
}

#[derive(Default)]
struct Kept {
    edition: u64,
    answers: HashMap<Arc<[u8]>, (u64, Bytes)>,
    /// When each was last asked, oldest first.
    order: BTreeMap<u64, Arc<[u8]>>,
    clock: u64,
    bytes: usize,
}

impl AnswerCache {
    /// A cache of at most `capacity` bytes; 0 keeps none.
    pub fn new(capacity: usize) -> Self {
        AnswerCache {
            capacity,
            kept: Mutex::default(),
        }
    }

    /// The question as this cache knows it; none if no answer can be kept.
    pub fn asked(&self, edition: Option<u64>, question: &wire::SearchRequest) -> Option<Asked> {
        let edition = edition.filter(|_| self.capacity > 0)?;
        Some(Asked {
            edition,
            question: question.encode_to_vec().into(),
        })
    }

    /// The answer, if it is kept.
    pub fn find(&self, asked: &Asked) -> Option<Bytes> {
        let mut kept = self.lock();
        let outdated = kept.follow(asked.edition);
        let found = kept.find(asked);
        drop(kept);
        drop(outdated);
        found
    }

    /// Keeps an answer, and lets go of those asked for longest ago where there is no room for all.
    pub fn keep(&self, asked: Asked, answer: Bytes) {
        if size(&asked.question, &answer) > self.capacity / LARGEST_SHARE {
            return;
        }
        let mut gone = Vec::new();
        let mut kept = self.lock();
        let outdated = kept.follow(asked.edition);
        if kept.edition == asked.edition {
            gone.extend(kept.insert(asked.question, answer));
            while kept.bytes > self.capacity {
                let Some(oldest) = kept.pop_oldest() else { break };
                gone.push(oldest);
            }
        }
        drop(kept);
        drop((outdated, gone));
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No panic can happen while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Goes on to a newer edition; returns what was kept of the one before.
    fn follow(&mut self, edition: u64) -> Option<Kept> {
        let next = Kept {
            edition,
            ..Kept::default()
        };
        (edition > self.edition).then(|| mem::replace(self, next))
    }

    fn find(&mut self, asked: &Asked) -> Option<Bytes> {
        if self.edition != asked.edition {
            return None;
        }
        let (when, answer) = self.answers.get_mut(&asked.question)?;
        self.clock += 1;
        let question = self.order.remove(when)?;
        *when = self.clock;
        self.order.insert(self.clock, question);
        Some(answer.clone())
    }

    /// Returns the answer that the question had before.
    fn insert(&mut self, question: Arc<[u8]>, answer: Bytes) -> Option<Bytes> {
        self.clock += 1;
        self.bytes += size(&question, &answer);
        self.order.insert(self.clock, question.clone());
        let (when, before) = self.answers.insert(question.clone(), (self.clock, answer))?;
        self.order.remove(&when);
        self.bytes -= size(&question, &before);
        Some(before)
    }

    fn pop_oldest(&mut self) -> Option<Bytes> {
        let (_, question) = self.order.pop_first()?;
        let (_, answer) = self.answers.remove(&question)?;
        self.bytes -= size(&question, &answer);
        Some(answer)
    }
}

fn size(question: &[u8], answer: &Bytes) -> usize {
    question.len() + answer.len() + PLACE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> wire::SearchRequest {
        wire::SearchRequest {
            query: text.into(),
            ..Default::default()
        }
    }

    fn asked(cache: &AnswerCache, edition: u64, text: &str) -> Asked {
        cache.asked(Some(edition), &question(text)).unwrap()
    }

    fn answer(length: usize) -> Bytes {
        vec![7; length].into()
    }

    #[test]
    fn the_answer_asked_for_longest_ago_goes_first_and_the_bound_holds() {
        // Each takes 256 + 5 + 995 bytes, so eight fit.
        let cache = AnswerCache::new(8 * 1_256 + 8);
        let names = ["一", "二", "三", "四", "五", "六", "七", "八"];
        for name in names {
            cache.keep(asked(&cache, 1, name), answer(995));
        }
        assert_eq!(cache.bytes(), 8 * 1_256);
        assert_eq!(cache.find(&asked(&cache, 1, "一")), Some(answer(995)));
        cache.keep(asked(&cache, 1, "九"), answer(995));
        assert_eq!(cache.find(&asked(&cache, 1, "二")), None);
        for name in ["一", "三", "八", "九"] {
            assert!(cache.find(&asked(&cache, 1, name)).is_some(), "{name}");
        }
        // The same question again takes no more room, and a shorter answer less.
        cache.keep(asked(&cache, 1, "九"), answer(95));
        assert_eq!(cache.bytes(), 8 * 1_256 - 900);
        for number in 0..1_000 {
            cache.keep(asked(&cache, 1, &number.to_string()), answer(number));
            assert!(cache.bytes() <= cache.capacity, "{number}");
        }
        let kept = cache.lock();
        assert_eq!(kept.answers.len(), kept.order.len());
        assert_eq!(
            kept.bytes,
            kept.answers
                .iter()
                .map(|(question, (_, answer))| size(question, answer))
                .sum::<usize>()
        );
    }

    #[test]
    fn one_answer_never_pushes_out_most_others() {
        let cache = AnswerCache::new(8_000);
        cache.keep(asked(&cache, 1, "一"), answer(100));
        cache.keep(asked(&cache, 1, "二"), answer(1_000));
        assert!(cache.find(&asked(&cache, 1, "一")).is_some());
        assert_eq!(cache.find(&asked(&cache, 1, "二")), None);
    }

    #[test]
    fn the_next_edition_has_no_answers_yet_and_the_one_before_none_any_more() {
        let cache = AnswerCache::new(80_000);
        let before = asked(&cache, 1, "一");
        cache.keep(before.clone(), answer(1));
        assert_eq!(cache.find(&asked(&cache, 2, "一")), None);
        assert_eq!(cache.bytes(), 0);
        // A search that began before the change and ends after it.
        cache.keep(before.clone(), answer(1));
        assert_eq!(cache.find(&before), None);
        assert_eq!(cache.find(&asked(&cache, 2, "一")), None);
        cache.keep(asked(&cache, 2, "一"), answer(2));
        assert_eq!(cache.find(&asked(&cache, 2, "一")), Some(answer(2)));
    }

    #[test]
    fn whatever_is_asked_for_makes_another_question() {
        let cache = AnswerCache::new(80_000);
        cache.keep(asked(&cache, 1, "一"), answer(1));
        type Change = fn(&mut wire::SearchRequest);
        let changes: [Change; 11] = [
            |r| r.query = "二".into(),
            |r| r.top_k = Some(5),
            |r| r.mode = wire::Mode::Lexical.into(),
            |r| r.offset = Some(10),
            |r| r.filter.get_or_insert_default().years.push(2025),
            |r| r.fusion.get_or_insert_default().dense_weight = Some(0.0),
            |r| r.grouping = wire::Grouping::Passage.into(),
            |r| r.explain = true,
            |r| r.candidates = Some(200),
            |r| r.ef_search = Some(200),
            |r| r.today = Some("2025-04-19".into()),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut other = question("一");
            change(&mut other);
            assert_eq!(cache.find(&cache.asked(Some(1), &other).unwrap()), None, "change {at}");
        }
        assert!(cache.find(&asked(&cache, 1, "一")).is_some());
    }

    #[test]
    fn off_means_off() {
        assert!(AnswerCache::new(0).asked(Some(1), &question("一")).is_none());
        assert!(AnswerCache::new(80_000).asked(None, &question("一")).is_none());
    }
}
