//! What the usual servers are sent and what they answer, as JSON: one place that knows their shapes. Answers are
//! checked to the last number and put in order.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::settings::Kind;
use crate::error::{Context as _, Error, Fault, Result};
use crate::kernel::normalize;

/// The request for the vectors of texts.
pub fn embedding_request(kind: Kind, model: &str, texts: &[&str]) -> Value {
    match kind {
        Kind::Tei => json!({ "inputs": texts, "normalize": true, "truncate": true }),
        _ => json!({ "model": model, "input": texts, "encoding_format": "float" }),
    }
}

/// The most bytes that the answer to it may have.
pub fn embedding_answer_size(texts: usize, dimension: usize) -> u64 {
    // A number may be written with some thirty characters.
    (1 << 16) + texts as u64 * (dimension as u64 * 32 + 1024)
}

/// One vector, as it was sent; what is no number is none.
type Numbers = Vec<Option<f32>>;

#[derive(Deserialize)]
struct Embeddings {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    index: Option<usize>,
    embedding: Numbers,
}

/// The vectors in an answer, L2-normalised, one for each of `count` texts in their order.
///
/// # Errors
/// `Unavailable` with what was expected and what came, if that is anything else.
pub fn read_vectors(kind: Kind, answer: &[u8], count: usize, dimension: usize) -> Result<Vec<Vec<f32>>> {
    let vectors: Vec<(Option<usize>, Numbers)> = match kind {
        Kind::Tei => parse::<Vec<Numbers>>(answer)?
            .into_iter()
            .map(|numbers| (None, numbers))
            .collect(),
        _ => {
            let embeddings: Embeddings = parse(answer)?;
            embeddings
                .data
                .into_iter()
                .map(|one| (one.index, one.embedding))
                .collect()
        }
    };
    let vectors = in_order(vectors, count, "vectors")?;
    vectors
        .into_iter()
        .enumerate()
        .map(|(at, numbers)| vector(at, numbers, dimension))
        .collect()
}

fn vector(at: usize, numbers: Numbers, dimension: usize) -> Result<Vec<f32>> {
    if numbers.len() != dimension {
        let given = numbers.len();
        return Err(Error::unavailable(format!(
            "vector {at} has {given} numbers where the settings say {dimension}"
        ))
        .help("set `dimension` in its endpoint.toml to what the model gives, and rebuild the index"));
    }
    let broken = numbers.iter().position(|number| !number.is_some_and(f32::is_finite));
    if let Some(place) = broken {
        return Err(Error::unavailable(format!(
            "number {place} of vector {at} is NaN, infinite or null where all must be finite"
        )));
    }
    let mut vector: Vec<f32> = numbers.into_iter().flatten().collect();
    // Large numbers are made small first, so that their squares stay finite.
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return Err(Error::unavailable(format!(
            "vector {at} is zero where it must have a direction"
        )));
    }
    vector.iter_mut().for_each(|x| *x /= largest);
    normalize(&mut vector);
    Ok(vector)
}

/// The request for the relevance of passages.
pub fn rerank_request(kind: Kind, model: &str, query: &str, passages: &[&str]) -> Value {
    let count = passages.len();
    match kind {
        Kind::TeiRerank => json!({ "query": query, "texts": passages, "truncate": true }),
        Kind::JinaRerank => json!({
            "model": model, "query": query, "documents": passages, "top_n": count, "return_documents": false
        }),
        _ => json!({ "model": model, "query": query, "documents": passages, "top_n": count }),
    }
}

/// The most bytes that the answer to it may have: room for the passages, which some servers send back.
pub fn rerank_answer_size(passages: &[&str]) -> u64 {
    let texts: usize = passages.iter().map(|passage| 6 * passage.len() + 1024).sum();
    (1 << 16) + texts as u64
}

#[derive(Deserialize)]
struct Ranked {
    results: Vec<Rank>,
}

#[derive(Deserialize)]
struct Rank {
    index: usize,
    #[serde(alias = "relevance_score")]
    score: Option<f32>,
}

/// The relevance of each of `count` passages, in their order.
///
/// # Errors
/// `Unavailable` with what was expected and what came, if that is anything else.
pub fn read_scores(kind: Kind, answer: &[u8], count: usize) -> Result<Vec<f32>> {
    let ranks: Vec<Rank> = match kind {
        Kind::TeiRerank => parse(answer)?,
        _ => parse::<Ranked>(answer)?.results,
    };
    let ranks = ranks.into_iter().map(|rank| (Some(rank.index), rank.score)).collect();
    let scores = in_order(ranks, count, "scores")?;
    let finite = |(at, score): (usize, Option<f32>)| {
        let score = score.filter(|score| score.is_finite());
        score.ok_or_else(|| Error::unavailable(format!("score {at} is NaN, infinite or null where all must be finite")))
    };
    scores.into_iter().enumerate().map(finite).collect()
}

fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T> {
    let read = serde_json::from_slice(answer);
    // JSON has no such numbers, and some servers write them: then which one it is says more than where reading ended.
    let read = read.or_else(|error| serde_json::from_slice(&with_null_for_nan(answer)).map_err(|_| error));
    read.or_fault(Fault::Unavailable, "its answer is not what was asked for")
}

/// The same with null in place of NaN and infinity, but for what stands in quotes.
fn with_null_for_nan(answer: &[u8]) -> Vec<u8> {
    const NONE: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let (mut made, mut rest, mut in_quotes) = (Vec::with_capacity(answer.len()), answer, false);
    while let [first, ..] = rest {
        let found = NONE.iter().find(|name| !in_quotes && rest.starts_with(name));
        let taken = match (found, first) {
            (Some(name), _) => name.len(),
            (None, b'\\') => 2.min(rest.len()),
            (None, _) => 1,
        };
        in_quotes ^= *first == b'"';
        let (taken, after) = rest.split_at(taken);
        made.extend_from_slice(if found.is_some() { b"null" } else { taken });
        rest = after;
    }
    made
}

/// What was sent for `count` texts, by the place that each says it has; one that says none has the place it came in.
fn in_order<T>(sent: Vec<(Option<usize>, T)>, count: usize, what: &str) -> Result<Vec<T>> {
    if sent.len() != count {
        return Err(Error::unavailable(format!(
            "{count} texts were sent and {} {what} came back",
            sent.len()
        )));
    }
    let mut placed: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for (at, (index, one)) in sent.into_iter().enumerate() {
        let index = index.unwrap_or(at);
        match placed.get_mut(index) {
            Some(place @ None) => *place = Some(one),
            Some(_) => {
                return Err(Error::unavailable(format!(
                    "two {what} came back for text {index} of {count}"
                )));
            }
            None => {
                return Err(Error::unavailable(format!(
                    "one of the {what} is for text {index} where {count} were sent"
                )));
            }
        }
    }
    // As many as places, and no place twice: all are filled.
    Ok(placed.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_put_in_order_and_normalised() {
        let check = |kind: Kind, answer: &str| {
            let vectors = read_vectors(kind, answer.as_bytes(), 2, 2).unwrap();
            assert_eq!(vectors, [[0.6, 0.8], [-1.0, 0.0]]);
        };
        check(Kind::Tei, "[[3, 4], [-0.5, 0]]");
        check(
            Kind::OpenAi,
            r#"{"data": [{"index": 1, "embedding": [-2, 0]}, {"index": 0, "embedding": [6, 8]}]}"#,
        );
        check(
            Kind::OpenAi,
            r#"{"data": [{"embedding": [6, 8]}, {"embedding": [-2e30, 0]}], "model": "m"}"#,
        );
    }

    #[test]
    fn what_is_no_vector_is_an_error_that_names_both_sides() {
        let check = |kind: Kind, answer: &str, expected: &str| {
            let error = read_vectors(kind, answer.as_bytes(), 2, 2).unwrap_err();
            assert!(
                error.fault() == Fault::Unavailable && error.message().contains(expected),
                "{answer}: {error}"
            );
        };
        check(
            Kind::Tei,
            "[[1, 2], [1, 2, 3]]",
            "vector 1 has 3 numbers where the settings say 2",
        );
        check(Kind::Tei, "[[1, 2]]", "2 texts were sent and 1 vectors");
        check(
            Kind::Tei,
            "[[1, 2], [1, null]]",
            "number 1 of vector 1 is NaN, infinite or null",
        );
        check(Kind::Tei, "[[1, 2], [1, 1e39]]", "number 1 of vector 1 is NaN");
        check(Kind::Tei, "[[1, 2], [1, NaN]]", "number 1 of vector 1 is NaN");
        check(Kind::Tei, "[[1, 2], [-Infinity, 2]]", "number 0 of vector 1 is NaN");
        check(Kind::Tei, "[[1, 2], [1, NaN, ]]", "not what was asked for");
        check(Kind::Tei, r#"{"error": "NaN\" Infinity"}"#, "not what was asked for");
        check(Kind::Tei, "[[0, 0], [1, 2]]", "vector 0 is zero");
        check(Kind::Tei, "{\"error\": \"x\"}", "not what was asked for");
        check(Kind::OpenAi, r#"{"data": "none"}"#, "not what was asked for");
        let two = |one: usize, other: usize| {
            format!(
                r#"{{"data": [{{"index": {one}, "embedding": [1, 0]}}, {{"index": {other}, "embedding": [1, 0]}}]}}"#
            )
        };
        check(Kind::OpenAi, &two(1, 1), "two vectors came back for text 1 of 2");
        check(Kind::OpenAi, &two(0, 2), "for text 2 where 2 were sent");
    }

    #[test]
    fn scores_are_put_in_order() {
        let tei = r#"[{"index": 2, "score": 0.9}, {"index": 0, "score": 0.5}, {"index": 1, "score": -1}]"#;
        assert_eq!(
            read_scores(Kind::TeiRerank, tei.as_bytes(), 3).unwrap(),
            [0.5, -1.0, 0.9]
        );
        let jina = r#"{"results": [{"index": 1, "relevance_score": 0.9, "document": {"text": "x"}}, {"index": 0, "relevance_score": 0.5}]}"#;
        for kind in [Kind::JinaRerank, Kind::CohereRerank] {
            assert_eq!(read_scores(kind, jina.as_bytes(), 2).unwrap(), [0.5, 0.9]);
        }
        let check = |answer: &str, expected: &str| {
            let error = read_scores(Kind::TeiRerank, answer.as_bytes(), 1).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        };
        check("[]", "1 texts were sent and 0 scores");
        check(r#"[{"index": 0, "score": null}]"#, "score 0 is NaN, infinite or null");
        check(r#"[{"index": 0, "score": 1e39}]"#, "score 0 is NaN");
        check(r#"[{"index": 0, "score": NaN}]"#, "score 0 is NaN");
        check(r#"[{"index": 3, "score": 1}]"#, "text 3 where 1");
    }
}
