//! What a ranking may weigh: the exact features of a candidate by name, and a weight for each.
//!
//! A linear sum over exact features is small enough to explain (each weight times its feature is a line of the
//! explanation) and to learn from a few hundred questions. Adding a feature means one entry in [`FEATURES`].

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::index::Evidence;

/// A feature: its names, and how it is computed.
pub struct Feature {
    /// In profiles and explanations; never changes, since profiles name features by it.
    pub name: &'static str,
    /// In Chinese, for explanations.
    pub label: &'static str,
    /// How to compute it.
    pub value: fn(&Evidence) -> f32,
}

/// How many there are.
pub const COUNT: usize = 15;

/// All features, in the order of the weights.
pub const FEATURES: [Feature; COUNT] = [
    Feature {
        name: "words",
        label: "词",
        value: |e| e.words,
    },
    Feature {
        name: "bigrams",
        label: "二元组",
        value: |e| e.bigrams,
    },
    Feature {
        name: "title",
        label: "标题",
        value: |e| e.title,
    },
    Feature {
        name: "coverage",
        label: "词覆盖",
        value: |e| e.coverage,
    },
    Feature {
        name: "bigram_coverage",
        label: "二元覆盖",
        value: |e| e.bigram_coverage,
    },
    Feature {
        name: "amounts",
        label: "数额",
        value: |e| e.amounts,
    },
    Feature {
        name: "cosine",
        label: "相似度",
        value: |e| e.cosine,
    },
    Feature {
        name: "window",
        label: "句意",
        value: |e| e.window,
    },
    Feature {
        name: "length",
        label: "长度",
        value: |e| (1.0 + e.length as f32).ln(),
    },
    Feature {
        name: "titled",
        label: "有标题",
        value: |e| f32::from(u8::from(e.titled)),
    },
    Feature {
        name: "locality",
        label: "地区",
        value: |e| e.locality,
    },
    Feature {
        name: "timeliness",
        label: "年份",
        value: |e| e.timeliness,
    },
    Feature {
        name: "same_place",
        label: "当地标准",
        value: |e| e.same_place,
    },
    Feature {
        name: "out_of_force",
        label: "不在施行期",
        value: |e| e.out_of_force,
    },
    Feature {
        name: "same_product",
        label: "所问产品",
        value: |e| e.same_product,
    },
];

/// One weight a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights(pub [f32; COUNT]);

impl Weights {
    /// The features of a candidate times their weights, in the order of [`FEATURES`].
    pub fn parts(&self, evidence: &Evidence) -> [f32; COUNT] {
        std::array::from_fn(|at| match self.0[at] {
            0.0 => 0.0,
            weight => weight * (FEATURES[at].value)(evidence),
        })
    }

    /// The weight of a feature by its name; what is no feature weighs nothing.
    pub fn of(&self, name: &str) -> f32 {
        let at = FEATURES.iter().position(|feature| feature.name == name);
        at.map_or(0.0, |at| self.0[at])
    }

    /// The weights that a profile names; a feature it leaves out weighs nothing.
    ///
    /// # Errors
    /// `Caller` for names that are no features, all at once.
    pub fn named(weights: &BTreeMap<String, f32>) -> Result<Self> {
        let known = FEATURES.map(|feature| feature.name);
        let wrong: Vec<&str> = weights
            .keys()
            .map(String::as_str)
            .filter(|name| !known.contains(name))
            .collect();
        if !wrong.is_empty() {
            return Err(Error::caller(format!("weights: no such feature: {}", wrong.join(", ")))
                .help(format!("the features are {}", known.join(", "))));
        }
        Ok(Weights(known.map(|name| weights.get(name).copied().unwrap_or(0.0))))
    }

    /// The weights that are not zero, by name.
    pub fn by_name(&self) -> BTreeMap<String, f32> {
        let named = FEATURES.iter().zip(self.0).filter(|(_, weight)| *weight != 0.0);
        named
            .map(|(feature, weight)| (feature.name.to_string(), weight))
            .collect()
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
        "floor" => "未重排者的最高分",
        "reranker" => "重排",
        _ => FEATURES
            .iter()
            .find(|feature| feature.name == name)
            .map_or(name, |feature| feature.label),
    }
}

/// The features of a candidate, unweighted.
pub fn features(evidence: &Evidence) -> [f32; COUNT] {
    std::array::from_fn(|at| (FEATURES[at].value)(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_go_by_name_and_mistakes_are_named_together() {
        let named = |names: &[&str]| {
            names
                .iter()
                .map(|name| (name.to_string(), 2.0))
                .collect::<BTreeMap<_, _>>()
        };
        let weights = Weights::named(&named(&["words", "titled"])).unwrap();
        assert_eq!(
            (weights.of("titled"), weights.of("bigrams"), weights.of("none")),
            (2.0, 0.0, 0.0)
        );
        assert_eq!(Weights::named(&weights.by_name()).unwrap(), weights);
        let error = Weights::named(&named(&["wrods", "bigarms", "words"])).unwrap_err();
        assert!(error.message().contains("bigarms, wrods"), "{error}");
        assert!(error.hint().unwrap().contains("bigrams"), "{error}");
    }
}
