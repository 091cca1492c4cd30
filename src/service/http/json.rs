//! Messages as JSON, by the proto3 mapping: the proto's own names go out, `lowerCamelCase` is taken as well.
//!
//! What cannot be read is refused by the path of the field, as gRPC's own messages are.

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use super::plain::{self, FIELDS};
use crate::error::{Context, Error, Fault, Result};

/// The message of this name out of its JSON.
///
/// # Errors
/// `Caller`, naming the field and the reason.
pub fn read<T: DeserializeOwned>(name: &str, json: &[u8]) -> Result<T> {
    let read = |json| {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let message = read_from(&mut reader)?;
        reader.end().map_err(|cause| refused("", &cause))?;
        Ok(message)
    };
    read(json).or_else(|error| match serde_json::from_slice::<Value>(json) {
        // What the library does not take, or says in its own terms.
        Ok(mut value) => {
            let is_changed = plain::make(name, &mut value)?;
            if is_changed { read_from(value) } else { Err(error) }
        }
        Err(_) => Err(error),
    })
}

/// A message out of a value.
///
/// # Errors
/// `Caller`, naming the field and the reason.
pub fn read_from<'a, T: DeserializeOwned>(reader: impl Deserializer<'a, Error = serde_json::Error>) -> Result<T> {
    serde_path_to_error::deserialize(reader).map_err(|error| refused(&error.path().to_string(), error.inner()))
}

/// A message as JSON.
///
/// # Errors
/// `Bug`: a message of ours always has a JSON form.
pub fn write<T: Serialize>(message: T) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec(&message).or_fault(Fault::Bug, "encoding JSON")?;
    // It grew by doubling, and may wait for long to be read.
    json.shrink_to_fit();
    Ok(json)
}

/// What could not be read, by its path (`filter.years[0]`), which serde tells up to the message that a field is unknown
/// to.
fn refused(path: &str, cause: &serde_json::Error) -> Error {
    let reason = in_words(cause.to_string());
    let unknown = reason
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    let error = match (path, unknown) {
        ("" | "." | "?", Some((name, _))) => Error::caller(format!("{name}: is not a field of this call")),
        (path, Some((name, _))) if path.ends_with(name) => {
            Error::caller(format!("{path}: is not a field of this call"))
        }
        (path, Some((name, _))) => Error::caller(format!("{path}.{name}: is not a field of this call")),
        ("" | "." | "?", None) => Error::caller(format!("the body is not the JSON of this call: {reason}")),
        (path, None) => Error::caller(format!("{path}: {reason}")),
    };
    error.help(FIELDS)
}

/// A reason in words of ours, where serde_json speaks of how it reads.
fn in_words(reason: String) -> String {
    let halves = ["lone leading surrogate in hex escape", "unexpected end of hex escape"];
    match halves.iter().find_map(|half| reason.strip_prefix(half)) {
        Some(place) => format!("has one half of a surrogate pair, which is no character{place}"),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::refusal::Refusal;
    use crate::service::wire;

    #[test]
    fn what_cannot_be_read_is_refused_by_its_field() {
        let check = |json: &str, field: &str| {
            let error = read::<wire::SearchRequest>("SearchRequest", json.as_bytes()).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            assert_eq!(Refusal::new(&error).field, field, "{json}: {error}");
        };
        check(r#"{"query": "医保", "topk": 3}"#, "topk");
        check(r#"{"query": "医保", "filter": {"yeers": [2024]}}"#, "filter.yeers");
        check(r#"{"query": 3}"#, "query");
        check(r#"{"query": "医保", "top_k": "three"}"#, "top_k");
        check(r#"{"query": "医保", "top_k": -1}"#, "top_k");
        check(r#"{"query": "医保", "top_k": 4294967296}"#, "top_k");
        check(r#"{"query": "医保", "mode": "MODE_SLOW"}"#, "mode");
        check(
            r#"{"query": "医保", "filter": {"years": [2024, "x"]}}"#,
            "filter.years[1]",
        );
        check(r#"{"query": "\ud83d 医保"}"#, "query");
        check(
            r#"{"query": "医保", "filter": {"regions": ["甲", "\udc00"]}}"#,
            "filter.regions[1]",
        );
        let error = read::<wire::SearchRequest>("SearchRequest", br#"{"query": "\ud83d"}"#).unwrap_err();
        assert_eq!(
            error.message(),
            "query: has one half of a surrogate pair, which is no character at line 1 column 18"
        );
        check(r#"{"query": "医保""#, "");
        check(r#"{"query": "医保"} x"#, "");
        check("[]", "");
        check("", "");
    }

    #[test]
    fn both_spellings_are_taken_and_the_protos_goes_out() {
        let check = |json: &str| {
            let request: wire::SearchRequest = read("SearchRequest", json.as_bytes()).unwrap();
            assert_eq!(request.top_k, Some(3));
            let out = String::from_utf8(write(request).unwrap()).unwrap();
            assert!(
                out.contains(r#""top_k":3"#) && out.contains(r#""explain":false"#),
                "{out}"
            );
            assert!(
                !out.contains("offset"),
                "what has a default and is not set stays out: {out}"
            );
        };
        check(r#"{"query": "医保", "top_k": 3, "mode": "MODE_HYBRID"}"#);
        check(r#"{"query": "医保", "topK": "3", "filter": null}"#);
        check(r#"{"query": "医保", "top_k": 3.0, "explain": null, "filter": {"years": null}}"#);
    }
}
