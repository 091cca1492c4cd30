//! A profile as searching uses it: its names checked against the features that there are.

use super::confidence::{AnswerableSigns, chance};
use super::features::Weights;
use crate::error::Result;
use crate::index::Identity;
use crate::profile::{AnswerableCurve, FusionDefaults, Profile, Reranking};

/// What candidates are ranked by.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// The weights of the linear fusion.
    pub weights: Weights,
    /// What the other fusions do if a request does not say.
    pub fusion: FusionDefaults,
    /// What a reranker does, where one is set.
    pub reranking: Reranking,
    answerable: Option<AnswerableCurve>,
    model: String,
}

impl Ranking {
    /// What a profile says.
    ///
    /// # Errors
    /// `Caller` for weights of features that are not there.
    pub fn of(profile: &Profile) -> Result<Self> {
        Ok(Ranking {
            weights: Weights::named(&profile.weights)?,
            fusion: profile.fusion,
            reranking: profile.reranking.unwrap_or_default(),
            answerable: profile.answerable,
            model: profile.model.clone(),
        })
    }

    /// What the profile says that is compiled in.
    pub fn shipped() -> Self {
        // It is compiled in, and a test reads it.
        Ranking::of(Profile::shipped()).expect("the shipped profile is whole")
    }

    /// The chance that a question with these signs is answered, 0 to 1; none for an index of another model than the one
    /// that the curve was fitted to.
    pub fn answerable(&self, identity: &Identity, signs: AnswerableSigns) -> Option<f32> {
        let curve = self.answerable.as_ref()?;
        identity.is_of(&self.model).then(|| chance(curve, signs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_one_ranks_by_every_part() {
        let ranking = Ranking::shipped();
        assert!(
            ["words", "cosine", "window"]
                .iter()
                .all(|name| ranking.weights.of(name) > 0.0)
        );
        let identity = |embedder: &str| Identity {
            format: 1,
            analysis: String::new(),
            embedder: embedder.into(),
            dimension: 384,
        };
        assert_eq!(ranking.answerable(&identity("other"), [0.9, 1.0, 0.0, 0.0, 0.9]), None);
        let chance = |signs| ranking.answerable(&identity("bge-small-zh-v1.5 0"), signs).unwrap();
        assert!(chance([0.75, 1.0, 0.0, 0.0, 0.75]) > 0.9 && chance([0.4, 0.0, 0.0, 0.0, 0.4]) < 0.1);
    }
}
