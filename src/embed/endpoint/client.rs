//! One request to an endpoint and its answer: tried again where that may help, within the caller's deadline, and not at
//! all while the endpoint is left alone.
//!
//! Questions wait for it in threads that answer. At most [`QUESTIONS`] do so at a time, and a service has so many
//! threads more than it computes with: a silent endpoint takes none from questions that need no network.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::breaker::{Breaker, Clock};
use super::key::Key;
use super::settings::Settings;
use crate::compute::{Budget, late};
use crate::embed::QUESTIONS;
use crate::embed::http::{Answer, Http, Limits, explain, is_passing};
use crate::error::{Error, Fault, Result};

/// The wait before the second try, doubled before each later one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// No wait is longer; where the endpoint asks for a longer one, it is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// So long an endpoint may say that it is busy to a call without a deadline, time after time.
const BUSY: Duration = Duration::from_secs(600);
/// So much of what an endpoint says is shown, in characters.
const SHOWN: usize = 300;

/// An endpoint that can be asked.
pub struct Client {
    http: Http,
    url: String,
    shown_url: String,
    authorization: Option<(Key, String)>,
    timeout: Duration,
    question_timeout: Duration,
    retries: u32,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    /// Questions that wait for it now.
    questions: AtomicUsize,
}

/// A question that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a try failed, and what that means.
struct Failure {
    error: Error,
    /// Whether another try may help, and how long the endpoint wants to be left alone before it.
    again: Option<Option<Duration>>,
    /// Whether it says that the endpoint is not well.
    is_its_fault: bool,
    /// Whether it says that the endpoint is asked too often.
    is_busy: bool,
}

impl Client {
    /// A client by these settings.
    pub fn new(settings: &Settings, key: Option<Key>, clock: Arc<dyn Clock>) -> Self {
        Client {
            // A body is never sent on to where nobody set it up to go.
            http: Http::new(0),
            url: settings.url.clone(),
            shown_url: settings.shown_url().to_string(),
            authorization: key.map(|key| (key.clone(), key.header())),
            timeout: settings.timeout,
            question_timeout: settings.question_timeout,
            retries: settings.retries,
            breaker: Breaker::new(Arc::clone(&clock)),
            clock,
            questions: AtomicUsize::new(0),
        }
    }

    /// What `read` makes of the endpoint's answer to a body, of which it gets at most `most` bytes.
    ///
    /// # Errors
    /// `Unavailable` if it does not answer, `Caller` if it refuses what it was sent, `Deadline` if the budget's passes
    /// first; those of `read`. They name the endpoint.
    pub fn ask<T>(&self, body: &Value, most: u64, budget: Budget, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let answer = self.try_all(body.to_string().as_bytes(), most, budget);
        let read = answer.and_then(|answer| {
            // What is wrong in it may be told by showing it.
            read(&answer).map_err(|error| {
                let shown = Error::new(error.fault(), self.shown(error.message()));
                error.hint().into_iter().fold(shown, Error::help)
            })
        });
        read.map_err(|error| error.context(format!("the endpoint {}", self.shown_url)))
    }

    /// Does what waits for the endpoint on behalf of a question.
    ///
    /// # Errors
    /// `Exhausted` if as many questions as may wait do; else those of `work`.
    pub fn for_a_question<T>(&self, budget: Budget, work: impl FnOnce(Budget) -> Result<T>) -> Result<T> {
        let before = self.questions.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.questions);
        if before < QUESTIONS {
            // A person waits, and an answer can be made without it.
            work(budget.until(Some(self.clock.now() + self.question_timeout)))
        } else {
            Err(Error::new(
                Fault::Exhausted,
                format!(
                    "the endpoint {}: {QUESTIONS} questions wait for it already",
                    self.shown_url
                ),
            ))
        }
    }

    /// What an endpoint said, as messages show it: not too long, and without the key.
    fn shown(&self, said: &str) -> String {
        let said = match &self.authorization {
            Some((key, _)) => key.hide(said),
            None => said.to_string(),
        };
        match said.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}…", &said[..at]),
            None => said,
        }
    }

    fn try_all(&self, body: &[u8], most: u64, budget: Budget) -> Result<Vec<u8>> {
        let (mut wait, mut tries, mut last) = (FIRST_WAIT, 0, None);
        let mut waited = Duration::ZERO;
        loop {
            let left = self.left(budget)?;
            // If it was this call that opened it, its own reason says more.
            self.breaker.admit().map_err(|open| last.take().unwrap_or(open))?;
            let time = left.map_or(self.timeout, |left| left.min(self.timeout));
            let failure = match self.try_once(body, most, time) {
                Ok(answer) => {
                    self.breaker.succeeded();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            // Who has time waits as long as it is asked to: that is how such an endpoint shares itself out.
            if let (true, None, Some(Some(asked))) = (failure.is_busy, left, failure.again)
                && asked <= LONGEST_WAIT
                && waited < BUSY
            {
                let pause = asked.max(FIRST_WAIT);
                self.breaker.succeeded();
                self.clock.sleep(pause);
                waited += pause;
                continue;
            }
            if !failure.is_its_fault {
                self.breaker.succeeded();
            } else if time == self.timeout {
                // A whole one where nobody had more time to give.
                self.breaker.failed(Duration::MAX);
            } else {
                self.breaker.failed(time);
            }
            // A failure at the deadline is the deadline's.
            let left = self
                .left(budget)
                .map_err(|late| late.context(failure.error.message()))?;
            let Some(asked) = failure.again.filter(|_| tries < self.retries) else {
                return Err(failure.error);
            };
            let pause = asked.unwrap_or(wait.min(LONGEST_WAIT));
            // Its own reason and not the deadline: with more time it would have been the same.
            let gave_up = |why: String| Error::unavailable(format!("{}, and {why}", failure.error.message()));
            if pause > LONGEST_WAIT {
                let seconds = pause.as_secs();
                return Err(gave_up(format!("it asks to be left alone for {seconds} s")));
            }
            if left.is_some_and(|left| left <= pause) {
                return Err(gave_up("there is no time to try again".into()));
            }
            self.clock.sleep(pause);
            (wait, tries, last) = (2 * wait, tries + 1, Some(failure.error));
        }
    }

    /// The time until the deadline, if there is one.
    fn left(&self, budget: Budget) -> Result<Option<Duration>> {
        let left = budget
            .deadline
            .map(|deadline| deadline.saturating_duration_since(self.clock.now()));
        match left {
            Some(Duration::ZERO) => Err(late()),
            left => Ok(left),
        }
    }

    fn try_once(&self, body: &[u8], most: u64, time: Duration) -> Result<Vec<u8>, Failure> {
        let mut headers = vec![("Content-Type", "application/json"), ("Accept", "application/json")];
        if let Some((_, authorization)) = &self.authorization {
            headers.push(("Authorization", authorization));
        }
        let limits = Limits {
            connect: time,
            answer: time,
            whole: time,
        };
        let answer = self
            .http
            .post(&self.url, &headers, body, limits)
            .map_err(|trouble| Failure {
                error: Error::unavailable(trouble.message),
                again: trouble.is_passing.then_some(None),
                is_its_fault: true,
                is_busy: false,
            })?;
        if answer.status() != 200 {
            return Err(self.refused(answer));
        }
        let mut bytes = Vec::new();
        answer
            .into_body()
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure {
                error: Error::unavailable(format!("its answer broke off: {}", explain(&error))),
                again: Some(None),
                is_its_fault: true,
                is_busy: false,
            })?;
        if bytes.len() as u64 > most {
            Err(Failure {
                error: Error::unavailable(format!("its answer is longer than {most} bytes")),
                again: None,
                is_its_fault: true,
                is_busy: false,
            })
        } else {
            Ok(bytes)
        }
    }

    fn refused(&self, answer: Answer) -> Failure {
        let (status, retry_after) = (answer.status(), answer.retry_after());
        let mut body = Vec::new();
        // What cannot be read is not shown.
        let _ = answer.into_body().take(16 << 10).read_to_end(&mut body);
        let said = self.shown(&said(&body));
        let message = if said.is_empty() {
            format!("it answered {status}")
        } else {
            format!("it answered {status}: {said}")
        };
        let error = match status {
            400 | 413 | 422 => Error::caller(message)
                .help("if it takes less at a time, set `batch` or `max_tokens` in its endpoint.toml lower"),
            401 | 403 => Error::unavailable(message).help("check the key in its endpoint.toml"),
            300..400 => Error::unavailable(message).help("set the address that it moved to in its endpoint.toml"),
            404 => Error::unavailable(message).help("check the address and the model in its endpoint.toml"),
            _ => Error::unavailable(message),
        };
        Failure {
            error,
            again: is_passing(status).then_some(retry_after),
            is_its_fault: is_passing(status),
            is_busy: status == 429,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.shown_url)
    }
}

/// What an endpoint says to an error: its message, wherever the usual servers put it, else all of it.
fn said(body: &[u8]) -> String {
    let text = || String::from_utf8_lossy(body).trim().to_string();
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return text();
    };
    let places = ["/error/message", "/error", "/message", "/detail"];
    let found = places.iter().find_map(|place| value.pointer(place)?.as_str());
    found.map_or_else(text, str::to_string)
}
