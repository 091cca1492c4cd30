//! Questions that an operator should look at: those that took longest, and the last ones that nothing here answers. In memory,
//! bounded, and gone with the process; with what was asked only where the operator wants it kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::search::confidence::Verdict;
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;

/// How many of the slowest are kept.
const SLOWEST: usize = 50;
/// How many of those without an answer are kept.
const UNANSWERED: usize = 200;

/// A question that was noticed.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticedQuestion {
    /// When it was answered.
    pub at: SystemTime,
    /// What was asked, where that is kept.
    pub text: Option<String>,
    /// How long the question was, in characters.
    pub characters: usize,
    /// How long its answer took, waiting for a thread included.
    pub took: Duration,
    /// How many hits it had.
    pub hits: usize,
    /// How likely it was that something answers it.
    pub answerable: Option<f32>,
}

/// The questions that were noticed since the service began.
#[derive(Debug, Default)]
pub struct Noticed {
    kept: Mutex<Kept>,
}

/// Both lists as they are shown: the slowest first, and the newest without an answer first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// Those that took longest.
    pub slowest: Vec<NoticedQuestion>,
    /// Those that nothing here answers.
    pub unanswered: VecDeque<NoticedQuestion>,
}

impl Noticed {
    /// Looks at an answer that was just made.
    pub fn look(&self, request: &SearchRequest, answer: &SearchResponse, took: Duration, with_question: bool) {
        // A later page of a question says nothing new of it.
        let is_unanswered = request.offset == 0
            && (answer.hits.is_empty() || answer.answerable.map(Verdict::of) == Some(Verdict::Unlikely));
        // Poisoned or not, both lists are whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_slow = kept.slowest.len() < SLOWEST || kept.slowest.last().is_some_and(|last| took > last.took);
        if !is_slow && !is_unanswered {
            return;
        }
        let question = NoticedQuestion {
            at: SystemTime::now(),
            text: with_question.then(|| request.query.clone()),
            characters: request.query.chars().count(),
            took,
            hits: answer.hits.len(),
            answerable: answer.answerable,
        };
        if is_unanswered {
            kept.unanswered.truncate(UNANSWERED - 1);
            kept.unanswered.push_front(question.clone());
        }
        if is_slow {
            kept.slowest.truncate(SLOWEST - 1);
            let place = kept.slowest.partition_point(|other| other.took >= took);
            kept.slowest.insert(place, question);
        }
    }

    /// What is kept now.
    pub fn now(&self) -> Kept {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::response::Hit;

    #[test]
    fn the_slowest_and_the_last_without_an_answer_are_kept() {
        let noticed = Noticed::default();
        let ask = |number: usize, millis: u64, answerable: Option<f32>, hits: usize| {
            let answer = SearchResponse {
                hits: vec![Hit::default(); hits],
                answerable,
                ..SearchResponse::default()
            };
            let request = SearchRequest::new(format!("问题{number}"));
            noticed.look(
                &request,
                &answer,
                Duration::from_millis(millis),
                number.is_multiple_of(2),
            );
        };
        for number in 0..1_000 {
            ask(
                number,
                (number * 7 % 1_000) as u64,
                Some(if number % 3 == 0 { 0.1 } else { 0.9 }),
                3,
            );
        }
        ask(1_000, 1, None, 0);
        let kept = noticed.now();
        let took: Vec<u128> = kept.slowest.iter().map(|question| question.took.as_millis()).collect();
        assert_eq!(took, (950..1_000).rev().collect::<Vec<u128>>());
        assert_eq!(kept.unanswered.len(), UNANSWERED);
        let texts: Vec<Option<&str>> = kept
            .unanswered
            .iter()
            .take(3)
            .map(|question| question.text.as_deref())
            .collect();
        assert_eq!(texts, [Some("问题1000"), None, Some("问题996")]);
        assert_eq!((kept.unanswered[0].hits, kept.unanswered[0].characters), (0, 6));
    }
}
