//! Vectors from an endpoint.

use std::fmt;
use std::sync::Arc;

use super::breaker::Clock;
use super::client::Client;
use super::key::Key;
use super::settings::Settings;
use super::{estimate, shapes};
use crate::compute::Budget;
use crate::embed::{Embedder, endpoint_identity};
use crate::error::Result;

/// Marks of beginning and end, which every model puts around a text.
const MARKS: usize = 2;

/// An endpoint that makes vectors.
pub struct EndpointEmbedder {
    settings: Settings,
    identity: String,
    client: Client,
}

/// The identity of what these settings name.
pub fn identity_by(settings: &Settings) -> String {
    let prefixes = [&*settings.query_prefix, &*settings.passage_prefix];
    endpoint_identity::identity(&settings.model, settings.dimension, prefixes)
}

impl EndpointEmbedder {
    /// One by these settings, which are those of an embedding model.
    pub fn new(settings: Settings, key: Option<Key>, clock: Arc<dyn Clock>) -> Self {
        EndpointEmbedder {
            identity: identity_by(&settings),
            client: Client::new(&settings, key, clock),
            settings,
        }
    }

    fn embed(&self, prefix: &str, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let Settings {
            kind,
            model,
            dimension,
            batch,
            ..
        } = &self.settings;
        let made = budget.try_map(texts.chunks(*batch), |texts, budget| {
            let texts: Vec<String> = texts.iter().map(|text| self.input(prefix, text)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let request = shapes::embedding_request(*kind, model, &texts);
            let most = shapes::embedding_answer_size(texts.len(), *dimension);
            let read = |answer: &[u8]| shapes::read_vectors(*kind, answer, texts.len(), *dimension);
            self.client.ask(&request, most, budget, read)
        })?;
        Ok(made.into_iter().flatten().collect())
    }

    /// What is sent for a text. Some servers refuse what is empty.
    fn input(&self, prefix: &str, text: &str) -> String {
        let text = estimate::cut(text, self.max_tokens());
        if prefix.is_empty() && text.is_empty() {
            " ".to_string()
        } else {
            format!("{prefix}{text}")
        }
    }
}

impl Embedder for EndpointEmbedder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.settings.dimension
    }

    fn max_tokens(&self) -> usize {
        let Settings {
            query_prefix,
            passage_prefix,
            ..
        } = &self.settings;
        let prefix = estimate::count(query_prefix).max(estimate::count(passage_prefix));
        self.settings.max_tokens.saturating_sub(MARKS + prefix).max(1)
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let embed = |budget| self.embed(&self.settings.query_prefix, texts, budget);
        match texts {
            [_] => self.client.for_a_question(budget, embed),
            // Nobody waits for one of many.
            _ => embed(budget),
        }
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(&self.settings.passage_prefix, texts, budget)
    }
}

impl fmt::Debug for EndpointEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointEmbedder({}, {:?})", self.identity, self.client)
    }
}
