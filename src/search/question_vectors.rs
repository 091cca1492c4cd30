//! The vectors of questions: made by the model, of one wording or of several, and remembered.

use std::sync::Arc;
use std::time::Instant;

use crate::compute::Budget;
use crate::embed::{Embedder, QuestionCache};
use crate::index::About;

/// Questions whose vectors are remembered: a page of answers, a second page, a reload cost one embedding.
const REMEMBERED: usize = 4_096;

/// An index of this many passages or more is searched by words and by meaning on two threads: each of the two takes
/// longer than waking a thread.
const MANY_PASSAGES: u64 = 50_000;

/// Makes and remembers the vectors of questions.
pub struct QuestionVectors {
    embedder: Option<Arc<dyn Embedder>>,
    known: QuestionCache,
}

impl QuestionVectors {
    /// By this model; without one there are none, and the answer says why.
    pub fn new(embedder: Option<Arc<dyn Embedder>>) -> Self {
        QuestionVectors {
            embedder,
            known: QuestionCache::new(REMEMBERED),
        }
    }

    /// What reads questions, where it is not what reads passages.
    pub fn asked_by(&self) -> Option<&str> {
        let embedder = self.embedder.as_deref()?;
        let own = embedder.asked_by().strip_prefix(embedder.identity())?;
        Some(own.trim_start()).filter(|own| !own.is_empty())
    }

    /// Whether search by meaning takes so long that another thread should be woken for the words.
    pub fn takes_long(&self, about: &About, question: &str) -> bool {
        let embedder = self.embedder.as_ref().filter(|_| about.identity.dimension > 0);
        embedder
            .is_some_and(|embedder| about.passages >= MANY_PASSAGES || self.known.held(&**embedder, question).is_none())
    }

    /// The question's vector, or why there is none; of several wordings the mean. Some of the budget's time is left for
    /// an answer by words: a model that takes too long is a reason like any other.
    pub fn of<'a>(
        &self,
        about: &About,
        wordings: impl IntoIterator<Item = &'a str>,
        budget: Budget,
    ) -> Result<Arc<[f32]>, String> {
        let identity = &about.identity;
        if identity.dimension == 0 {
            return Err("the index was built without vectors, so the answer is by words alone".into());
        }
        let Some(embedder) = &self.embedder else {
            return Err(format!(
                "the embedding model `{}` is not here, so the answer is by words alone (`baowen model list` shows \
                 which are; `baowen model fetch` and `baowen model import` bring others)",
                identity.embedder
            ));
        };
        let budget = budget.leaving_time(Instant::now());
        let failed = |what: String| format!("embedding the question failed, so the answer is by words alone: {what}");
        let vectors = wordings.into_iter().map(|wording| {
            let got = self.known.get_or_embed(&**embedder, wording, budget);
            got.map(|(vector, _)| vector).map_err(|error| failed(error.to_string()))
        });
        let vectors: Vec<Arc<[f32]>> = vectors.collect::<Result<_, _>>()?;
        let vector = mean(&vectors);
        if vector.len() != identity.dimension {
            let (given, kept) = (vector.len(), identity.dimension);
            return Err(failed(format!(
                "the model gave {given} numbers, the index keeps {kept}"
            )));
        }
        if !vector.iter().all(|x| x.is_finite()) {
            return Err(failed("its vector holds a number that is not finite".into()));
        }
        Ok(vector)
    }
}

/// The mean of vectors of one length, normalised as they are; of one it is that one.
fn mean(vectors: &[Arc<[f32]>]) -> Arc<[f32]> {
    if let [one] = vectors {
        return Arc::clone(one);
    }
    let mut sum: Vec<f32> = Vec::new();
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(&**vector).for_each(|(sum, x)| *sum += x);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter().map(|x| x / length).collect()
}
