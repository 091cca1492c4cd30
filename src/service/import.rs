//! An import: articles of one source in any number of messages, and one commit at the end.
//!
//! Whatever ends it, what was taken before stays, is durable when the answer goes out, and is counted in it, so that
//! whoever sent it knows where to go on.

use std::time::{Duration, Instant};

use futures_util::stream::{Stream, StreamExt as _};

use super::convert::articles as convert;
use super::index_calls::{IndexCalls, Outcomes};
use super::wire;
use crate::article::source::Source;
use crate::error::{Error, Fault, Result};
use crate::index::ingest::{Counts, Records};

/// Most failures that are named in the answer.
const MAX_FAILURES: usize = 1_000;

/// Of its time a call keeps the last fifth, but no more than this, to make durable what it took and to say how much
/// that is: behind its deadline nobody listens any more.
const TO_ANSWER: Duration = Duration::from_secs(10);

/// A part of an import, as it came.
#[derive(Debug, Default)]
pub struct Part {
    /// The message.
    pub message: wire::ImportArticlesRequest,
    /// What should have been articles of it: the id of each, where it says one, and why it is none.
    pub refused: Vec<(String, Error)>,
}

impl From<wire::ImportArticlesRequest> for Part {
    fn from(message: wire::ImportArticlesRequest) -> Self {
        Part {
            message,
            refused: Vec::new(),
        }
    }
}

/// What was taken up to here.
#[derive(Default)]
struct SoFar {
    source: Option<Source>,
    /// The session it all belongs to: where another one begins, something was lost.
    session: Option<u64>,
    counts: Counts,
    records: Records,
    failed: u64,
    failures: Vec<wire::ArticleResult>,
    /// The first failure that is the service's own.
    own_failure: Option<Error>,
    /// Articles that are at fault themselves.
    refused: u64,
}

impl SoFar {
    fn kept(&self) -> usize {
        self.counts.added + self.counts.updated + self.counts.unchanged
    }

    fn note(&mut self, source: &str, outcomes: Outcomes) {
        for (id, outcome) in outcomes {
            let error = match &outcome {
                Ok(outcome) => {
                    self.counts += *outcome;
                    self.records.taken(source, *outcome);
                    continue;
                }
                Err(error) => error,
            };
            self.failed += 1;
            self.records.skipped(source.to_owned(), &id, error.message());
            if error.fault().is_callers() {
                self.refused += 1;
            } else {
                self.own_failure.get_or_insert_with(|| error.clone());
            }
            if self.failures.len() < MAX_FAILURES {
                self.failures.push(convert::result(id, &outcome));
            }
        }
    }

    /// The error that ended it, with what is kept.
    fn ended_by(&self, error: Error) -> Error {
        let kept = self.kept();
        let refused = match self.failed {
            0 => String::new(),
            failed => format!(", refused or failed: {failed}"),
        };
        let then = error.hint().unwrap_or("send the rest in another call").to_owned();
        error.help(format!("articles kept that came before: {kept}{refused}; {then}"))
    }
}

impl IndexCalls {
    /// Adds and replaces articles as they come.
    ///
    /// # Errors
    /// That of the stream; `Caller` by the field; those of writing; `Deadline` if nothing comes for long, and shortly
    /// before the deadline; `Unavailable` if the service ends. What came before is kept, and the error says how much
    /// that is; only where writing itself fails may some of it be lost.
    pub async fn import(
        &self,
        parts: impl Stream<Item = Result<Part>>,
        deadline: Option<Instant>,
    ) -> Result<wire::ImportArticlesResponse> {
        let mut so_far = SoFar::default();
        let ended = self.take_all(parts, &mut so_far, deadline).await;
        let runs = std::mem::take(&mut so_far.records).finish();
        let kept = so_far.kept();
        if let (Err(error), None) = (&ended, so_far.session) {
            return Err(error.clone());
        }
        let committed = self.commit_session(so_far.session, runs, deadline).await;
        match (ended, committed) {
            (Err(error), Ok(_)) => Err(so_far.ended_by(error)),
            // The failure that came first says more. Where that is the caller's, as a line that is too large, what the
            // commit lost matters more.
            (Err(error), Err(_)) if !error.fault().is_callers() => Err(error),
            (_, Err(failed)) => Err(failed),
            (Ok(()), Ok(commit)) => match so_far.own_failure {
                // It must not look as if it went well.
                Some(error) if so_far.refused == 0 && kept == 0 => Err(error),
                _ => Ok(wire::ImportArticlesResponse {
                    commit,
                    ..convert::imported(&so_far.counts, so_far.failed, so_far.failures)
                }),
            },
        }
    }

    async fn take_all(
        &self,
        parts: impl Stream<Item = Result<Part>>,
        so_far: &mut SoFar,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let mut parts = std::pin::pin!(parts);
        let until = deadline.map(|deadline| taken_until(Instant::now(), deadline));
        let idle = self.import_ends.limits.now().import_idle;
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // A client that always has another message ready does not wait for its time.
            if left.is_some_and(|left| left.is_zero()) {
                return Err(too_long());
            }
            let (patience, is_last) = match left {
                Some(left) if left < idle => (left, true),
                _ => (idle, false),
            };
            let next = tokio::select! {
                biased;
                () = self.import_ends.ending.begun() => return Err(closing()),
                next = tokio::time::timeout(patience, parts.next()) => next,
            };
            let Ok(next) = next else {
                return Err(if is_last { too_long() } else { silent(idle) });
            };
            let Some(Part { message, refused }) = next.transpose()? else {
                return Ok(());
            };
            if let Some(named) = message.source {
                so_far.source = Some(convert::source(Some(named))?);
            }
            let source = so_far.source.clone().map_or_else(|| convert::source(None), Ok)?;
            let name = source.name.clone();
            let (outcomes, change) = self.take(source, message.articles, until, deadline).await?;
            let is_lost = so_far.session.is_some_and(|session| session != change.session);
            so_far.note(&name, outcomes);
            so_far.note(&name, refused.into_iter().map(|(id, error)| (id, Err(error))).collect());
            if is_lost {
                return Err(lost(so_far.own_failure.as_ref()));
            }
            so_far.session = Some(change.session);
        }
    }
}

/// When a call that is there now takes nothing more.
fn taken_until(now: Instant, deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(now);
    now + left - (left / 5).min(TO_ANSWER)
}

fn silent(idle: Duration) -> Error {
    Error::new(Fault::Deadline, format!("nothing was sent for {} s", idle.as_secs()))
}

fn closing() -> Error {
    Error::unavailable("the service is shutting down").help("send the rest when it is back")
}

fn too_long() -> Error {
    Error::new(Fault::Deadline, "the time of the call is used up")
        .help("send the rest in another call, or allow more time; what is there already costs nothing")
}

fn lost(why: Option<&Error>) -> Error {
    let why = why.map(|error| format!(" ({})", error.message())).unwrap_or_default();
    Error::unavailable(format!(
        "writing failed in the middle of the import, and what was not yet durable is lost{why}"
    ))
    .help("send it again; what is there already costs nothing")
}
