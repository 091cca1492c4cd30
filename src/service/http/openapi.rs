//! `/openapi.json`: the calls over HTTP as OpenAPI 3.1, read off the protocol's descriptors, comments included.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::params;
use super::schema::{Field, Kind, SCHEMA};
use crate::service::methods::{Given, HttpAddress, METHODS, Method, Rpc};

/// The document, made once.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

fn document() -> Value {
    let mut used = BTreeSet::new();
    let mut paths = Map::new();
    for method in METHODS {
        for address in method.addresses {
            let verb = match address.given {
                Given::Parameters | Given::Path => "get",
                Given::Body | Given::Lines => "post",
            };
            let path = address.path.replace('*', &format!("{{{IN_PATH}}}"));
            let at = paths.entry(path).or_insert_with(|| json!({}));
            at[verb] = operation(method, address, verb, &mut used);
        }
    }
    for (path, says) in HEALTH {
        paths.insert(path.to_owned(), health(path, says));
    }
    let requests = messages_within(METHODS.iter().map(|method| method.request));
    let mut schemas = Map::new();
    while let Some(name) = used.pop_first() {
        if !schemas.contains_key(&name) {
            let schema = schema(&name, requests.contains(&*name), &mut used);
            schemas.insert(name, schema);
        }
    }
    schemas.insert("Error".into(), error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Baowen 保问",
            "summary": "Search in Chinese insurance articles.",
            "description": "The proto3 JSON mapping of `baowen.v1`: names as the protocol has them (`lowerCamelCase` is taken, \
                            too), 64-bit numbers as strings, enums by name. Positions in texts count characters (Unicode scalar \
                            values). Any call takes a `timeout` in seconds, as a header or a parameter.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "SearchService", "description": "Questions in, passages out." },
            { "name": "IndexService", "description": "Articles in and out." },
            { "name": "Health", "description": "Whether the service lives and is ready." },
        ],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "Where the service was given tokens." },
            },
        },
    })
}

/// What a call is refused without, by message: the service says so at run time, and proto3 has no word for it.
const NEEDED: &[(&str, &[&str])] = &[
    ("SearchRequest", &["query"]),
    ("BatchSearchRequest", &["requests"]),
    ("GetArticleRequest", &[IN_PATH]),
    ("SimilarRequest", &[IN_PATH]),
    ("AnalyzeRequest", &["text"]),
    ("Article", &["id"]),
    ("Source", &["name"]),
    ("SourceFolder", &["root"]),
    ("UpsertArticlesRequest", &["source", "articles"]),
    ("SnapshotRequest", &["name"]),
    ("ReadFileRequest", &["name"]),
];

/// The fields of a message that a call is refused without.
fn needed(message: &str) -> &'static [&'static str] {
    let of = NEEDED.iter().find(|(name, _)| *name == message);
    of.map_or(&[], |(_, fields)| fields)
}

/// These messages and all within them.
fn messages_within(names: impl Iterator<Item = &'static str>) -> BTreeSet<&'static str> {
    let mut open: Vec<&str> = names.collect();
    let mut all = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !all.insert(name) {
            continue;
        }
        for field in SCHEMA.message(name).map_or(&[][..], |of| &of.fields) {
            if let Kind::Message(within) = &field.kind {
                open.push(within);
            }
        }
    }
    all
}

/// Whether the service is there, by plain text.
const HEALTH: [(&str, &str); 2] = [
    ("/healthz", "Whether the service lives."),
    (
        "/readyz",
        "Whether questions are answered now; 503 while the index is opened and while the service ends.",
    ),
];

fn health(path: &str, says: &str) -> Value {
    let text =
        |says: &str| json!({ "description": says, "content": { "text/plain": { "schema": { "type": "string" } } } });
    json!({ "get": {
        "operationId": &path[1..], "summary": says, "tags": ["Health"], "security": [{}],
        "responses": { "200": text("Yes."), "503": text("No.") },
    } })
}

/// The field that a path may name.
const IN_PATH: &str = "article_id";

fn operation(method: &Method, address: &HttpAddress, verb: &str, used: &mut BTreeSet<String>) -> Value {
    let (service, name) = method.name.split_once('.').unwrap_or((method.name, ""));
    let is = |given| method.addresses.iter().any(|other| other.given == given);
    let said = SCHEMA.call(method.name);
    let summary = said
        .split_inclusive(['.', ':'])
        .next()
        .unwrap_or(said)
        .trim_end_matches([':']);
    let mut operation = json!({
        "operationId": match verb {
            // Of the calls that are asked both ways, the other one has the name.
            "get" if address.given == Given::Path && is(Given::Parameters) => format!("{name}ByPath"),
            "get" if is(Given::Body) => format!("{name}ByAddress"),
            _ => name.to_owned(),
        },
        "summary": summary,
        "description": said,
        "tags": [service],
    });
    match address.given {
        Given::Body => {
            let schema = reference(method.request, used);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        Given::Lines => {
            let schema = reference("Article", used);
            operation["requestBody"] = json!({
                "required": true, "description": "One article a line.",
                "content": { "application/x-ndjson": { "schema": schema } },
            });
            operation["parameters"] = json!([{
                "name": "source", "in": "query", "required": true, "schema": { "type": "string" },
                "description": "What the articles come from; a new name makes a source.",
            }]);
        }
        Given::Path | Given::Parameters => operation["parameters"] = parameters(method, address.given),
    }
    operation["responses"] = responses(method, used);
    operation
}

/// A schema of the document by its name, which is used from now on.
fn reference(name: &str, used: &mut BTreeSet<String>) -> Value {
    used.insert(name.to_owned());
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameters(method: &Method, given: Given) -> Value {
    let in_path = json!({
        "name": IN_PATH, "in": "path", "required": true, "schema": { "type": "string" },
        "description": "Its id, percent-encoded (`/` may stay).",
    });
    let needed = needed(method.request);
    let parameter = |(name, field): &(String, &Field)| match given {
        Given::Path if name == IN_PATH => in_path.clone(),
        _ => json!({
            // Those within other messages have longer names, or ones of their own.
            "name": name, "in": "query", "required": needed.contains(&&*field.name) && !name.contains('.'),
            "description": field.comment, "schema": of_field(field, &mut BTreeSet::new(), false),
        }),
    };
    params::names(method.request).iter().map(parameter).collect()
}

fn responses(method: &Method, used: &mut BTreeSet<String>) -> Value {
    let (kind, says) = match method.rpc {
        Rpc::BatchSearch => (
            "text/event-stream",
            "An event for each question, its `data` as here; the last one is `end`, or `error` with an Error.",
        ),
        _ => ("application/json", "The answer."),
    };
    let answer = reference(method.response, used);
    let failed = |says: &str| {
        let error = json!({ "$ref": "#/components/schemas/Error" });
        json!({ "description": says, "content": { "application/json": { "schema": error } } })
    };
    json!({
        "200": { "description": says, "content": { kind: { "schema": answer } } },
        "4XX": failed("The call is wrong, or comes at a wrong time; `field` says where."),
        "5XX": failed("The service cannot answer it now."),
    })
}

/// A message or an enum; of what only answers hold, a field that cannot be unset is always there.
fn schema(name: &str, is_asked: bool, used: &mut BTreeSet<String>) -> Value {
    if let Some(of) = SCHEMA.enumeration(name) {
        let names: Vec<&str> = of.values.iter().map(|(name, _)| &**name).collect();
        let meanings = of.values.iter().map(|(name, about)| format!("\n- `{name}`: {about}"));
        let description = format!("{}{}", of.comment, meanings.collect::<String>());
        return json!({ "type": "string", "enum": names, "description": description });
    }
    let Some(of) = SCHEMA.message(name) else {
        return json!({});
    };
    let mut properties = Map::new();
    for field in &of.fields {
        let mut schema = of_field(field, used, true);
        if !field.comment.is_empty() {
            schema["description"] = json!(field.comment);
        }
        properties.insert(field.name.clone(), schema);
    }
    let always: Vec<&str> = if is_asked {
        needed(name).to_vec()
    } else {
        let always = of.fields.iter().filter(|field| !field.is_optional);
        always.map(|field| &*field.name).collect()
    };
    json!({
        "type": "object", "description": of.comment, "properties": properties, "required": always,
        "additionalProperties": false,
    })
}

/// The schema of a field; parameters spell enums out, since they stand by themselves.
fn of_field(field: &Field, used: &mut BTreeSet<String>, by_reference: bool) -> Value {
    let mut reference = |name: &str| {
        if by_reference {
            used.insert(name.to_owned());
            json!({ "$ref": format!("#/components/schemas/{name}") })
        } else {
            let values = SCHEMA.enumeration(name).map_or(&[][..], |of| &of.values);
            json!({ "type": "string", "enum": values.iter().map(|(name, _)| &**name).collect::<Vec<_>>() })
        }
    };
    let one = match &field.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32(true) => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
        Kind::Int32(false) => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Int64 => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        Kind::Float => json!({ "type": "number" }),
        Kind::Enum(name) | Kind::Message(name) => reference(name),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    };
    if field.is_list {
        json!({ "type": "array", "items": one })
    } else {
        one
    }
}

fn error() -> Value {
    let text = |says: &str| json!({ "type": "string", "description": says });
    json!({
        "type": "object",
        "description": "Why a call failed.",
        "required": ["code", "message", "field", "help"],
        "properties": {
            "code": text("The name of the gRPC code (INVALID_ARGUMENT)."),
            "message": text("What was wrong."),
            "field": text("The field or parameter that was; empty if it was none."),
            "help": text("What helps; empty if nothing is known to."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::http::json;
    use crate::service::wire;

    #[test]
    fn what_answers_always_have_is_what_an_empty_one_has() {
        let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
        let check = |name: &str, empty: Vec<u8>| {
            let empty: Map<String, Value> = serde_json::from_slice(&empty).unwrap();
            let of = document["components"]["schemas"][name]["required"].as_array().unwrap();
            let always: BTreeSet<&str> = of.iter().filter_map(Value::as_str).collect();
            assert_eq!(always, empty.keys().map(|key| &**key).collect(), "{name}");
        };
        check("SearchResponse", json::write(wire::SearchResponse::default()).unwrap());
        check("Hit", json::write(wire::Hit::default()).unwrap());
        check(
            "GetArticleResponse",
            json::write(wire::GetArticleResponse::default()).unwrap(),
        );
        check("ItemError", json::write(wire::ItemError::default()).unwrap());
        check("StatsResponse", json::write(wire::StatsResponse::default()).unwrap());
        check(
            "BatchSearchResponse",
            json::write(wire::BatchSearchResponse::default()).unwrap(),
        );
    }

    #[test]
    fn every_call_has_an_address_and_every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
        let ids: Vec<&str> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|at| at.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{ids:?}");
        for (call, comment) in SCHEMA.calls() {
            let (_, name) = call.split_once('.').unwrap();
            assert!(distinct.contains(name), "{call} has no address");
            assert!(!comment.is_empty(), "{call} is not documented");
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        for (message, fields) in NEEDED {
            assert_eq!(schemas[*message]["required"], json!(fields), "{message}");
            for field in *fields {
                assert!(
                    SCHEMA.message(message).unwrap().field(field).is_some(),
                    "{message}.{field}"
                );
            }
        }
        let of_search = document["paths"]["/v1/search"]["get"]["parameters"].as_array().unwrap();
        let required = of_search.iter().filter(|one| one["required"] == true);
        assert_eq!(required.map(|one| &one["name"]).collect::<Vec<_>>(), ["q"]);
        let similar = &document["paths"]["/v1/articles/{article_id}/similar"]["get"];
        assert_eq!(similar["parameters"][0]["in"], "path");
        let hit = &schemas["Hit"]["properties"];
        assert_eq!(hit["attributes"]["additionalProperties"]["type"], "string");
        assert!(
            hit["score"]["description"]
                .as_str()
                .unwrap()
                .contains("higher is better")
        );
    }
}
