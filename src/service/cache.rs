//! The answers given last, in memory: a question asked again costs a look into a map.
//!
//! The key is the checked request in its normal form, so whatever could change the answer makes it another question.
//! Answers belong to one edition of what was searched ([`super::Answer::edition`]); with the next one all of them go.
//! Knows no protocol, and keeps what it is given: that an answer is whole is for the caller to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

use crate::search::request::{NormalRequest, SearchRequest};
use crate::search::response::{Hit, SearchResponse};

/// What an answer takes beside what it says: its place in the map and its allocations.
const PLACE_BYTES: usize = 512;
/// An answer that would take more than this share of the room is not kept: many would go for one.
const LARGEST_SHARE: u64 = 8;
/// About as much as a page of ten hits takes; only the map's first size depends on it.
const USUAL_BYTES: usize = 16 << 10;

/// The answers given last, shared by all threads.
pub struct AnswerCache {
    /// None if no answers are to be kept.
    answers: Option<Cache<Arc<Key>, Cached, Bytes>>,
    edition: AtomicU64,
}

/// A question and the edition of which it is asked.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Key {
    edition: u64,
    question: NormalRequest,
}

#[derive(Clone)]
struct Cached {
    answer: Arc<SearchResponse>,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Arc<Key>, Cached> for Bytes {
    fn weight(&self, _: &Arc<Key>, cached: &Cached) -> u64 {
        cached.bytes
    }
}

impl AnswerCache {
    /// A cache of at most `capacity` bytes; 0 keeps none.
    pub fn new(capacity: usize) -> Self {
        let options = OptionsBuilder::new()
            .weight_capacity(capacity as u64)
            .estimated_items_capacity(capacity / USUAL_BYTES)
            // So that the bound is that of all answers together, not of parts of them.
            .shards(1)
            .build();
        let options = options.ok().filter(|_| capacity > 0);
        AnswerCache {
            answers: options.map(|options| Cache::with_options(options, Bytes, Default::default(), Default::default())),
            edition: AtomicU64::new(0),
        }
    }

    /// The question as this cache knows it; none if its answer cannot be kept.
    pub fn key(&self, edition: Option<u64>, request: &SearchRequest) -> Option<Arc<Key>> {
        let edition = edition.filter(|_| self.answers.is_some())?;
        Some(Arc::new(Key {
            edition,
            question: request.normal(),
        }))
    }

    /// The answer, if it is kept.
    pub fn find(&self, key: &Arc<Key>) -> Option<Arc<SearchResponse>> {
        self.of_edition(key.edition)?.get(key).map(|cached| cached.answer)
    }

    /// Keeps an answer, and lets go of others where there is no room for all.
    pub fn keep(&self, key: Arc<Key>, answer: Arc<SearchResponse>) {
        let Some(answers) = self.of_edition(key.edition) else {
            return;
        };
        let bytes = (PLACE_BYTES + key.question.bytes() + bytes(&answer)) as u64;
        if bytes <= answers.capacity() / LARGEST_SHARE {
            answers.insert(key, Cached { answer, bytes });
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.answers.as_ref().map_or(0, Cache::weight)
    }

    /// The answers if they are of this edition; with a newer one they are let go of first. One of an older edition that
    /// comes in between is not found, since its edition is in its key, and goes in time.
    fn of_edition(&self, edition: u64) -> Option<&Cache<Arc<Key>, Cached, Bytes>> {
        let answers = self.answers.as_ref()?;
        let before = self.edition.fetch_max(edition, Ordering::AcqRel);
        if before < edition {
            answers.clear();
        }
        (before <= edition).then_some(answers)
    }
}

/// What an answer takes in memory, nearly.
fn bytes(answer: &SearchResponse) -> usize {
    let of_hit = |hit: &Hit| {
        let texts = [&hit.article_id, &hit.passage_id, &hit.title, &hit.heading, &hit.text];
        let may_be = [&hit.source, &hit.url];
        let terms = hit.explanation.iter().map(|explanation| {
            let terms = explanation.terms.iter().map(|term| 32 + term.term.len());
            let parts = explanation.contributions.iter().map(|(name, _)| 32 + name.len());
            explanation.summary.len() + terms.sum::<usize>() + parts.sum::<usize>()
        });
        size_of::<Hit>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + may_be
                .iter()
                .filter_map(|text| text.as_ref())
                .map(String::len)
                .sum::<usize>()
            + 8 * (hit.highlights.len() + hit.title_highlights.len())
            + hit
                .duplicates
                .iter()
                .chain(&hit.regions)
                .map(|text| 24 + text.len())
                .sum::<usize>()
            + hit
                .near_copies
                .iter()
                .map(|copy| 72 + copy.passage_id.len() + copy.title.len() + copy.difference.len())
                .sum::<usize>()
            + hit
                .attributes
                .iter()
                .map(|(name, value)| 64 + name.len() + value.len())
                .sum::<usize>()
            + terms.sum::<usize>()
    };
    let missing = answer.missing.iter().map(|missing| {
        let places = missing.places.iter().map(|place| 24 + place.len());
        missing.sentence.len() + 2 * missing.years.len() + places.sum::<usize>()
    });
    size_of::<SearchResponse>() + missing.sum::<usize>() + answer.hits.iter().map(of_hit).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::request::{Grouping, Mode};

    fn key(cache: &AnswerCache, edition: u64, text: &str) -> Arc<Key> {
        cache.key(Some(edition), &SearchRequest::new(text)).unwrap()
    }

    fn answer(length: usize) -> Arc<SearchResponse> {
        Arc::new(SearchResponse {
            hits: vec![Hit {
                text: "x".repeat(length),
                ..super::super::tests::full_answer().hits.remove(0)
            }],
            ..SearchResponse::default()
        })
    }

    #[test]
    fn the_bound_holds_and_what_is_asked_for_often_stays() {
        let cache = AnswerCache::new(100_000);
        for number in 0..1_000 {
            if cache.find(&key(&cache, 1, "often")).is_none() {
                assert!(number < 2, "{number}");
                cache.keep(key(&cache, 1, "often"), answer(1_000));
            }
            cache.keep(key(&cache, 1, &number.to_string()), answer(10 * number));
            assert!(cache.bytes() <= 100_000, "{number}");
        }
        assert!(cache.bytes() > 50_000);
        assert_eq!(cache.find(&key(&cache, 1, "0")), None);
    }

    #[test]
    fn one_answer_never_pushes_out_most_others() {
        let cache = AnswerCache::new(80_000);
        cache.keep(key(&cache, 1, "一"), answer(100));
        cache.keep(key(&cache, 1, "二"), answer(10_000));
        assert!(cache.find(&key(&cache, 1, "一")).is_some());
        assert_eq!(cache.find(&key(&cache, 1, "二")), None);
    }

    #[test]
    fn the_next_edition_has_no_answers_yet_and_the_one_before_none_any_more() {
        let cache = AnswerCache::new(80_000);
        let before = key(&cache, 1, "一");
        cache.keep(before.clone(), answer(1));
        assert_eq!(cache.find(&key(&cache, 2, "一")), None);
        assert_eq!(cache.bytes(), 0);
        // A search that began before the change and ends after it.
        cache.keep(before.clone(), answer(1));
        assert_eq!(cache.find(&before), None);
        assert_eq!(cache.find(&key(&cache, 2, "一")), None);
        cache.keep(key(&cache, 2, "一"), answer(2));
        assert_eq!(cache.find(&key(&cache, 2, "一")), Some(answer(2)));
    }

    #[test]
    fn whatever_is_asked_for_makes_another_question() {
        let cache = AnswerCache::new(80_000);
        cache.keep(key(&cache, 1, "一"), answer(1));
        type Change = fn(&mut SearchRequest);
        let changes: [Change; 12] = [
            |r| r.query = "二".into(),
            |r| r.top_k = Some(5),
            |r| r.mode = Mode::Lexical,
            |r| r.offset = 10,
            |r| r.filter.years.push(2025),
            |r| r.fusion.dense_weight = Some(0.0),
            |r| r.grouping = Grouping::Passage,
            |r| r.explain = true,
            |r| r.candidates = Some(200),
            |r| r.ef_search = Some(200),
            |r| r.today = "2025-04-19".parse().ok(),
            |r| r.as_of = "2025-04-19".parse().ok(),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut other = SearchRequest::new("一");
            change(&mut other);
            assert_eq!(cache.find(&cache.key(Some(1), &other).unwrap()), None, "change {at}");
        }
        assert!(cache.find(&key(&cache, 1, "一")).is_some());
    }

    #[test]
    fn off_means_off() {
        let request = SearchRequest::new("一");
        assert!(AnswerCache::new(0).key(Some(1), &request).is_none());
        assert!(AnswerCache::new(80_000).key(None, &request).is_none());
    }
}
