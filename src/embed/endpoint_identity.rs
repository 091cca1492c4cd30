//! The identity of an endpoint's model: what an index keeps of it. Owns how it is written, how two of them differ,
//! and by what name a model goes in any identity; never asks an endpoint. The address is no part of it, since the same
//! model may move.

// Only endpoints write one; a program without HTTP still says what an index was made with.
#![cfg_attr(not(feature = "http"), allow(dead_code))]

use xxhash_rust::xxh3::xxh3_64;

/// The first word of every such identity: no model has that name.
pub const ENDPOINT: &str = "endpoint";
/// Stands before the fingerprint of the prefixes.
const PREFIXES: &str = " prefixes ";

/// The identity of a model by its name there, the numbers in a vector, and what is put before questions and passages.
pub fn identity(model: &str, dimension: usize, prefixes: [&str; 2]) -> String {
    let mut identity = format!("{ENDPOINT} {model} {dimension}");
    // What is put before a text changes its vector.
    if prefixes.iter().any(|prefix| !prefix.is_empty()) {
        let hash = xxh3_64(format!("{prefixes:?}").as_bytes());
        identity.push_str(&format!("{PREFIXES}{hash:016x}"));
    }
    identity
}

/// Whether this is the identity of an endpoint's model.
pub fn is_endpoint(identity: &str) -> bool {
    identity.split(' ').next() == Some(ENDPOINT)
}

/// The name of the model in an embedder's identity, without the organisation before a `/`: one model has it wherever it
/// runs, here or behind an address.
pub fn model_name(identity: &str) -> &str {
    let name = match parts(identity) {
        Some((model, ..)) => model,
        None => identity.split(' ').next().unwrap_or_default(),
    };
    name.rsplit('/').next().unwrap_or(name)
}

/// What of an endpoint's settings is `here` another than in `wanted`, where both name one model; `None` where they do
/// not.
pub fn difference(here: &str, wanted: &str) -> Option<String> {
    let ((model, dimension, prefixes), wanted) = (parts(here)?, parts(wanted)?);
    if model != wanted.0 {
        return None;
    }
    let mut differences = Vec::new();
    if dimension != wanted.1 {
        differences.push(format!("`dimension` is {dimension}, and {} was", wanted.1));
    }
    match (prefixes, wanted.2) {
        (here, wanted) if here == wanted => {}
        (Some(_), None) => differences.push("`query_prefix` or `passage_prefix` is set, and none was".into()),
        (None, Some(_)) => differences.push("`query_prefix` or `passage_prefix` was set, and none is".into()),
        _ => differences.push("`query_prefix` or `passage_prefix` is another than it was".into()),
    }
    Some(differences.join("; "))
}

/// Model, dimension and fingerprint of the prefixes.
fn parts(identity: &str) -> Option<(&str, &str, Option<&str>)> {
    let rest = identity.strip_prefix(ENDPOINT)?.strip_prefix(' ')?;
    let (rest, prefixes) = match rest.rsplit_once(PREFIXES) {
        Some((rest, hash)) => (rest, Some(hash)),
        None => (rest, None),
    };
    let (model, dimension) = rest.rsplit_once(' ')?;
    Some((model, dimension, prefixes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let wanted = identity("some model", 256, ["问：", ""]);
        let check = |here: String, expected: &[&str]| {
            assert!(is_endpoint(&here));
            match difference(&here, &wanted) {
                None => assert!(expected.is_empty(), "{here}"),
                Some(said) => {
                    assert!(!expected.is_empty(), "{said}");
                    expected
                        .iter()
                        .for_each(|part| assert!(said.contains(part), "{part} in {said}"));
                }
            }
        };
        check(identity("other model", 256, ["问：", ""]), &[]);
        check(
            identity("some model", 128, ["问：", ""]),
            &["`dimension` is 128, and 256 was"],
        );
        check(identity("some model", 256, ["", ""]), &["was set, and none is"]);
        check(
            identity("some model", 128, ["", "问："]),
            &["`dimension`", "another than it was"],
        );
        assert_eq!(difference(&wanted, &wanted).unwrap(), "");
        let bare = identity("m", 2, ["", ""]);
        assert_eq!(bare, "endpoint m 2");
        assert!(
            difference(&identity("m", 2, ["x", ""]), &bare)
                .unwrap()
                .contains("is set, and none was")
        );
        assert_eq!(difference("endpoint", &bare), None);
        assert!(!is_endpoint("endpoints-model onnx 1") && !is_endpoint("tiny onnx 2"));
    }

    #[test]
    fn a_model_has_one_name_wherever_it_runs() {
        let check = |identity: &str, expected: &str| assert_eq!(model_name(identity), expected, "{identity}");
        check("bge-small-zh-v1.5 int8 0a1b", "bge-small-zh-v1.5");
        check("my-bge-small-zh-v1.5-tuned onnx 2c", "my-bge-small-zh-v1.5-tuned");
        check(
            &identity("BAAI/bge-small-zh-v1.5", 512, ["问：", ""]),
            "bge-small-zh-v1.5",
        );
        check(&identity("one", 512, ["", ""]), "one");
        check("", "");
    }
}
