//! The relevance of passages from an endpoint.

use std::fmt;
use std::sync::Arc;

use super::breaker::Clock;
use super::client::Client;
use super::key::Key;
use super::settings::Settings;
use super::{estimate, shapes};
use crate::compute::Budget;
use crate::embed::Reranker;
use crate::error::{Fault, Result};

/// Marks around and between question and passage.
const MARKS: usize = 4;

/// An endpoint that reads question and passage together.
pub struct EndpointReranker {
    settings: Settings,
    identity: String,
    client: Client,
}

impl EndpointReranker {
    /// One by these settings, which are those of a reranker.
    pub fn new(settings: Settings, key: Option<Key>, clock: Arc<dyn Clock>) -> Self {
        EndpointReranker {
            identity: format!("endpoint {} {}", settings.kind.name(), settings.model),
            client: Client::new(&settings, key, clock),
            settings,
        }
    }

    fn score(&self, query: &str, passages: &[&str], budget: Budget) -> Result<Vec<f32>> {
        let Settings { kind, model, .. } = &self.settings;
        let request = shapes::rerank_request(*kind, model, query, passages);
        let read = |answer: &[u8]| shapes::read_scores(*kind, answer, passages.len());
        self.client
            .ask(&request, shapes::rerank_answer_size(passages), budget, read)
    }
}

impl Reranker for EndpointReranker {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn rerank(&self, query: &str, passages: &[&str], budget: Budget) -> Result<Vec<f32>> {
        // The question is read whole if it leaves the passage half of the room.
        let room = self.settings.max_tokens.saturating_sub(MARKS);
        let query = estimate::cut(query, room / 2);
        let room = room - estimate::count(query);
        let mut scores = Vec::with_capacity(passages.len());
        for passages in passages.chunks(self.settings.batch) {
            let passages: Vec<&str> = passages.iter().map(|passage| estimate::cut(passage, room)).collect();
            let score = |budget| self.score(query, &passages, budget);
            match self.client.for_a_question(budget, score) {
                Ok(more) => scores.extend(more),
                // What was scored before it is worth as much without it.
                Err(error) if error.fault() == Fault::Deadline || !scores.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(scores)
    }

    /// Their servers answer with shares, not with what the network gives.
    fn is_from_0_to_1(&self) -> bool {
        true
    }
}

impl fmt::Debug for EndpointReranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointReranker({}, {:?})", self.identity, self.client)
    }
}
