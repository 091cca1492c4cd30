//! Questions that an operator should look at: those that took longest, and the last ones that nothing here answers.
//!
//! In memory, bounded, and gone with the process; with what was asked only where the operator wants it kept. Knows no
//! protocol; who may see them is for `access` to say.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::search::confidence::Verdict;
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;

/// How many of the slowest are kept.
const SLOWEST: usize = 50;
/// How many of those without an answer are kept.
const UNANSWERED: usize = 200;

/// A question that an operator should look at.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionToReview {
    /// When it was answered, or its time was over; of a question asked again, the last time.
    pub at: SystemTime,
    /// What was asked, where that is kept.
    pub text: Option<String>,
    /// How long the question was, in characters.
    pub characters: usize,
    /// How long its answer took.
    pub took: Duration,
    /// How many hits it had; none if its time was over first.
    pub hits: usize,
    /// How likely it was that something answers it.
    pub answerable: Option<f32>,
    /// How often it was asked since it is in its list.
    pub times: u32,
    /// By which it is known again where its text is not kept.
    hash: u64,
}

/// The questions to look at since the service began.
#[derive(Debug, Default)]
pub struct QuestionsToReview {
    lists: Mutex<Lists>,
    with_text: bool,
}

/// Both lists as they are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lists {
    /// Those that took longest, the slowest first.
    pub slowest: Vec<QuestionToReview>,
    /// Those that nothing here answers, the one asked last first; each once.
    pub unanswered: VecDeque<QuestionToReview>,
}

impl QuestionsToReview {
    /// None so far; `with_text` keeps what was asked.
    pub fn new(with_text: bool) -> Self {
        QuestionsToReview {
            lists: Mutex::default(),
            with_text,
        }
    }

    /// Looks at an answer that was just made and took so long.
    pub fn answered(&self, request: &SearchRequest, answer: &SearchResponse, took: Duration) {
        let question = || self.question(request, Some(answer), took);
        let mut lists = self.lists();
        if is_unanswered(request, answer) {
            lists.enter_unanswered(question());
        }
        if lists.is_slow(took) {
            lists.enter_slow(question());
        }
    }

    /// Looks at an answer that was kept from before: it took no time, but somebody asked again.
    pub fn answered_again(&self, request: &SearchRequest, answer: &SearchResponse, took: Duration) {
        if is_unanswered(request, answer) {
            self.lists()
                .enter_unanswered(self.question(request, Some(answer), took));
        }
    }

    /// Looks at a question whose time was over before its answer was ready.
    pub fn ran_out(&self, request: &SearchRequest, took: Duration) {
        let mut lists = self.lists();
        if lists.is_slow(took) {
            lists.enter_slow(self.question(request, None, took));
        }
    }

    /// Both lists as they are now.
    pub fn lists_now(&self) -> Lists {
        self.lists().clone()
    }

    /// Poisoned or not, both lists are whole.
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn question(&self, request: &SearchRequest, answer: Option<&SearchResponse>, took: Duration) -> QuestionToReview {
        let mut hasher = DefaultHasher::new();
        request.asked().hash(&mut hasher);
        QuestionToReview {
            at: SystemTime::now(),
            text: self.with_text.then(|| request.query.clone()),
            characters: request.query.chars().count(),
            took,
            hits: answer.map_or(0, |answer| answer.hits.len()),
            answerable: answer.and_then(|answer| answer.answerable),
            times: 1,
            hash: hasher.finish(),
        }
    }
}

impl Lists {
    fn is_slow(&self, took: Duration) -> bool {
        self.slowest.len() < SLOWEST || self.slowest.last().is_some_and(|last| took > last.took)
    }

    fn enter_slow(&mut self, question: QuestionToReview) {
        self.slowest.truncate(SLOWEST - 1);
        let place = self.slowest.partition_point(|other| other.took >= question.took);
        self.slowest.insert(place, question);
    }

    fn enter_unanswered(&mut self, mut question: QuestionToReview) {
        let before = self.unanswered.iter().position(|other| other.hash == question.hash);
        if let Some(before) = before.and_then(|place| self.unanswered.remove(place)) {
            question.times = before.times.saturating_add(1);
            // What kept answers take says nothing.
            question.took = question.took.max(before.took);
        }
        self.unanswered.truncate(UNANSWERED - 1);
        self.unanswered.push_front(question);
    }
}

/// Whether nothing here answers it. A later page of a question says nothing new of it.
fn is_unanswered(request: &SearchRequest, answer: &SearchResponse) -> bool {
    request.offset == 0 && (answer.hits.is_empty() || answer.answerable.map(Verdict::of) == Some(Verdict::Unlikely))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::response::Hit;

    fn answer(answerable: Option<f32>, hits: usize) -> SearchResponse {
        SearchResponse {
            hits: vec![Hit::default(); hits],
            answerable,
            ..SearchResponse::default()
        }
    }

    fn texts(unanswered: &VecDeque<QuestionToReview>) -> Vec<(String, u32)> {
        let text = |question: &QuestionToReview| (question.text.clone().unwrap_or_default(), question.times);
        unanswered.iter().map(text).collect()
    }

    #[test]
    fn the_slowest_and_the_last_without_an_answer_are_kept() {
        let questions = QuestionsToReview::new(true);
        let ask = |number: usize, millis: u64, answer: SearchResponse| {
            let request = SearchRequest::new(format!("问题{number}"));
            questions.answered(&request, &answer, Duration::from_millis(millis));
        };
        for number in 0..1_000 {
            let answerable = if number % 3 == 0 { 0.1 } else { 0.9 };
            ask(number, (number * 7 % 1_000) as u64, answer(Some(answerable), 3));
        }
        ask(1_000, 1, answer(None, 0));
        let lists = questions.lists_now();
        let took: Vec<u128> = lists.slowest.iter().map(|question| question.took.as_millis()).collect();
        assert_eq!(took, (950..1_000).rev().collect::<Vec<u128>>());
        assert_eq!(lists.unanswered.len(), UNANSWERED);
        assert_eq!(
            texts(&lists.unanswered)[..3],
            [1_000, 999, 996].map(|number| (format!("问题{number}"), 1))
        );
        assert_eq!((lists.unanswered[0].hits, lists.unanswered[0].characters), (0, 6));
    }

    #[test]
    fn a_question_asked_again_is_counted_and_not_repeated() {
        for with_text in [true, false] {
            let questions = QuestionsToReview::new(with_text);
            let second = Duration::from_secs(1);
            let none = answer(Some(0.1), 3);
            let [mars, moon] = ["火星上怎么交医保", "月球上怎么交医保"].map(SearchRequest::new);
            questions.answered(&mars, &none, second);
            questions.answered(&moon, &none, second);
            for _ in 0..999 {
                questions.answered_again(&mars, &none, Duration::from_micros(3));
            }
            let later = SearchRequest {
                offset: 10,
                ..moon.clone()
            };
            questions.answered_again(&later, &none, second);
            questions.answered_again(&moon, &answer(Some(0.9), 3), second);
            let lists = questions.lists_now();
            let text = |request: &SearchRequest| {
                if with_text {
                    request.query.clone()
                } else {
                    String::new()
                }
            };
            assert_eq!(texts(&lists.unanswered), [(text(&mars), 1_000), (text(&moon), 1)]);
            assert_eq!(lists.unanswered[0].took, second, "the time of the answer that was made");
            assert_eq!(lists.slowest.len(), 2, "what was kept took no time");
        }
    }

    #[test]
    fn a_question_whose_time_was_over_is_among_the_slowest_alone() {
        let questions = QuestionsToReview::new(true);
        let request = SearchRequest::new("医保断缴了怎么办");
        questions.answered(&request, &answer(Some(0.9), 3), Duration::from_secs(1));
        questions.ran_out(&request, Duration::from_secs(2));
        let lists = questions.lists_now();
        assert_eq!(lists.unanswered.len(), 0);
        let said = |question: &QuestionToReview| (question.took.as_secs(), question.hits, question.answerable);
        assert_eq!(
            lists.slowest.iter().map(said).collect::<Vec<_>>(),
            [(2, 0, None), (1, 3, Some(0.9))]
        );
    }
}
