//! What a ranking may weigh: the exact features of a candidate by name, and a weight for each.
//!
//! A linear sum over exact features is small enough to explain (each weight times its feature is a line of the
//! explanation) and to learn from a few hundred questions. Adding a feature means one line in [`FEATURES`].

use std::collections::BTreeMap;

use crate::error::{Context as _, Error, Fault, Result};
use crate::index::Evidence;

/// What a feature is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The candidate's exact scores.
    pub evidence: &'a Evidence,
    /// What its lexical score can never exceed for this question.
    pub lexical_bound: f32,
}

/// A feature: its name in weights and explanations, whether it is of the lexical or the dense ranking or neither, and
/// how it is computed.
pub struct Feature {
    /// Stable: weight files go by it.
    pub name: &'static str,
    /// In Chinese, for explanations.
    pub label: &'static str,
    /// How to compute it.
    pub value: fn(Context) -> f32,
}

/// How many there are.
pub const COUNT: usize = 12;

/// All features, in the order of the weights.
pub const FEATURES: [Feature; COUNT] = [
    Feature {
        name: "words",
        label: "词",
        value: |c| c.evidence.words,
    },
    Feature {
        name: "bigrams",
        label: "二元组",
        value: |c| c.evidence.bigrams,
    },
    Feature {
        name: "title",
        label: "标题",
        value: |c| c.evidence.title,
    },
    Feature {
        name: "coverage",
        label: "词覆盖",
        value: |c| c.evidence.coverage,
    },
    Feature {
        name: "bigram_coverage",
        label: "二元覆盖",
        value: |c| c.evidence.bigram_coverage,
    },
    Feature {
        name: "cosine",
        label: "相似度",
        value: |c| c.evidence.cosine,
    },
    Feature {
        name: "centered",
        label: "语义",
        value: |c| c.evidence.centered,
    },
    Feature {
        name: "adapted",
        label: "经验",
        value: |c| c.evidence.adapted,
    },
    Feature {
        name: "length",
        label: "长度",
        value: |c| (1.0 + c.evidence.length as f32).ln(),
    },
    Feature {
        name: "titled",
        label: "有标题",
        value: |c| f32::from(u8::from(c.evidence.titled)),
    },
    Feature {
        name: "locality",
        label: "地区",
        value: |c| c.evidence.locality,
    },
    Feature {
        name: "timeliness",
        label: "年份",
        value: |c| c.evidence.timeliness,
    },
];

/// One weight a feature; a weight file names the features, those it leaves out weigh nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights(pub [f32; COUNT]);

impl Default for Weights {
    /// Fitted on the development questions; see `docs/results/`.
    fn default() -> Self {
        let mut weights = [0.0; COUNT];
        for (name, weight) in DEFAULTS {
            if let Some(at) = FEATURES.iter().position(|feature| feature.name == name) {
                weights[at] = weight;
            }
        }
        Weights(weights)
    }
}

const DEFAULTS: [(&str, f32); 8] = [
    ("words", 1.0),
    ("bigrams", 1.0),
    ("bigram_coverage", 5.0),
    ("centered", 55.0),
    ("adapted", 0.5),
    ("titled", 4.0),
    ("locality", 2.0),
    ("timeliness", 2.0),
];

impl Weights {
    /// The features of a candidate times their weights, in the order of [`FEATURES`].
    pub fn parts(&self, context: Context) -> [f32; COUNT] {
        std::array::from_fn(|at| match self.0[at] {
            0.0 => 0.0,
            weight => weight * (FEATURES[at].value)(context),
        })
    }

    /// The weight of a feature by its name; what is no feature weighs nothing.
    pub fn of(&self, name: &str) -> f32 {
        let at = FEATURES.iter().position(|feature| feature.name == name);
        at.map_or(0.0, |at| self.0[at])
    }

    /// The same weights with another weight for a feature.
    #[must_use]
    pub fn with(mut self, name: &str, weight: f32) -> Self {
        if let Some(at) = FEATURES.iter().position(|feature| feature.name == name) {
            self.0[at] = weight;
        }
        self
    }

    /// Reads a weight file: a JSON object of feature names and numbers; a feature it leaves out weighs nothing.
    ///
    /// # Errors
    /// `Caller` for what is not such an object, a name that is no feature, or a number that is not finite; all
    /// mistakes at once.
    pub fn from_json(text: &str) -> Result<Self> {
        let named: BTreeMap<String, f32> =
            serde_json::from_str(text).or_fault(Fault::Caller, "weights: not a JSON object of names and numbers")?;
        let mut weights = [0.0; COUNT];
        let mut wrong = Vec::new();
        for (name, weight) in named {
            match FEATURES.iter().position(|feature| feature.name == name) {
                Some(at) if weight.is_finite() => weights[at] = weight,
                Some(_) => wrong.push(format!("`{name}` is not a finite number")),
                None => wrong.push(format!("`{name}` is no feature")),
            }
        }
        if !wrong.is_empty() {
            let known: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
            return Err(Error::caller(format!("weights: {}", wrong.join("; ")))
                .help(format!("the features are {}", known.join(", "))));
        }
        Ok(Weights(weights))
    }

    /// The weights that are not zero as a weight file.
    pub fn to_json(&self) -> Result<String> {
        let named = FEATURES.iter().zip(self.0).filter(|(_, weight)| *weight != 0.0);
        let named: BTreeMap<&str, f32> = named.map(|(feature, weight)| (feature.name, weight)).collect();
        serde_json::to_string_pretty(&named).or_fault(Fault::Bug, "encoding weights")
    }

    /// The weights that are not zero, as `name=weight`.
    pub fn describe(&self) -> String {
        let named = FEATURES.iter().zip(self.0).filter(|(_, weight)| *weight != 0.0);
        named
            .map(|(feature, weight)| format!("{}={weight}", feature.name))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A part of a score as a person reads it, in Chinese; a name that is no feature stays as it is.
pub fn label(name: &str) -> &str {
    match name {
        "lexical" => "字词",
        "dense" => "语义",
        _ => FEATURES
            .iter()
            .find(|feature| feature.name == name)
            .map_or(name, |feature| feature.label),
    }
}

/// The features of a candidate, unweighted.
pub fn features(context: Context) -> [f32; COUNT] {
    std::array::from_fn(|at| (FEATURES[at].value)(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_survive_their_file_and_mistakes_are_named_together() {
        let weights = Weights::default();
        assert_eq!(Weights::from_json(&weights.to_json().unwrap()).unwrap(), weights);
        let error = Weights::from_json(r#"{"wrods": 1, "bigarms": 2, "words": 1}"#).unwrap_err();
        assert!(
            error.message().contains("wrods") && error.message().contains("bigarms"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("bigrams"), "{error}");
        assert!(Weights::from_json("[1]").is_err());
    }

    #[test]
    fn every_default_names_a_feature() {
        let heavy = Weights::default().0.iter().filter(|weight| **weight != 0.0).count();
        assert_eq!(heavy, DEFAULTS.len());
    }
}
