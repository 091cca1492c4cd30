//! `baowen mcp` as a program that speaks the protocol meets it: JSON-RPC over pipes, over an index here and over a
//! service.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

use crate::http::ask;
use crate::service::{Server, sample_index};

/// A `baowen mcp` that was greeted.
pub struct Model {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<std::process::ChildStdout>,
    asked: u64,
    /// What it said of itself.
    about: Value,
}

impl Model {
    pub fn start(folder: &Path, arguments: &[&str]) -> Model {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .arg("mcp")
            .args(arguments)
            .current_dir(folder)
            .env("BAOWEN_MODEL_DIR", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().unwrap());
        let mut model = Model {
            child,
            to,
            from,
            asked: 0,
            about: Value::Null,
        };
        model.about = model.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            }),
        )["result"]
            .take();
        model.tell(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        model
    }

    fn tell(&mut self, message: &Value) {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{message}").unwrap();
        to.flush().unwrap();
    }

    /// What is said next after a line.
    fn say(&mut self, line: &[u8]) -> Value {
        let to = self.to.as_mut().unwrap();
        to.write_all(&[line, b"\n"].concat()).unwrap();
        let mut said = String::new();
        self.from.read_line(&mut said).unwrap();
        serde_json::from_str(&said).unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.tell(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "it ended");
            // Nothing but the protocol is on standard output.
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == self.asked {
                return answer;
            }
        }
    }

    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))["result"].take()
    }

    /// Ends as programs end it, by closing its standard input.
    pub fn end(mut self) {
        drop(self.to.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a model reads of a tool is Chinese, and no validator has to know the formats of Rust's numbers.
fn read_as_a_model(part: &Value) {
    let is_chinese = |text: &str| text.chars().any(|c| ('一'..='龥').contains(&c));
    match part {
        Value::Object(fields) => {
            let description = fields.get("description").and_then(Value::as_str);
            assert!(description.is_none_or(is_chinese), "{part}");
            assert!(!fields.contains_key("format"), "{part}");
            fields.values().for_each(read_as_a_model);
        }
        Value::Array(parts) => parts.iter().for_each(read_as_a_model),
        _ => {}
    }
}

#[test]
fn a_model_finds_reads_and_counts_by_tools() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let server = Server::start(&folder.path().join("index"), None);
    let mut of_service = Value::Null;
    for arguments in [["--addr", &server.address], ["--index", "index"]] {
        let mut model = Model::start(folder.path(), &arguments);
        assert_eq!(model.about["serverInfo"]["name"], "baowen", "{}", model.about);
        assert!(model.about["instructions"].as_str().unwrap().contains("search"));

        let tools = model.ask("tools/list", json!({}))["result"]["tools"].take();
        let names: Vec<&str> = tools
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["search", "get_article", "similar", "facets"]);
        for tool in tools.as_array().unwrap() {
            assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            for schema in ["inputSchema", "outputSchema"] {
                let properties = tool[schema]["properties"].as_object().unwrap();
                assert!(
                    properties.values().all(|field| field["description"].is_string()),
                    "{tool}"
                );
            }
            read_as_a_model(tool);
            assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        }

        let found = model.call("search", json!({"query": "医保断缴几个月会有什么影响？", "top_k": 2}));
        assert_eq!(found["isError"], false, "{found}");
        let answer = &found["structuredContent"];
        // Models that read text alone read the same.
        let text: Value = serde_json::from_str(found["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(&text, answer);
        let hit = &answer["hits"][0];
        assert_eq!(answer["hits"].as_array().unwrap().len(), 2);
        assert!(
            hit["best_sentence"].is_string() && hit["title"].is_string() && answer["verdict"].is_string(),
            "{answer}"
        );
        let missing = model.call("search", json!({"query": "2031年拉萨医保缴费标准是多少"}));
        assert!(missing["structuredContent"]["missing"].is_string(), "{missing}");

        let id = hit["article_id"].as_str().unwrap().to_owned();
        let article = model.call("get_article", json!({"article_id": id}));
        let whole = article["structuredContent"]["text"].as_str().unwrap();
        assert!(
            whole.contains(hit["best_sentence"].as_str().unwrap().trim()),
            "{article}"
        );
        let alike = model.call("similar", json!({"article_id": id, "top_k": 3}));
        assert_eq!(
            alike["structuredContent"]["articles"].as_array().unwrap().len(),
            3,
            "{alike}"
        );
        let counted = model.call("facets", json!({"limit": 3}));
        assert!(counted["structuredContent"]["total"].as_u64() > Some(10), "{counted}");

        // What is wrong is said to the model, by its field.
        let mut refused = |tool: &str, arguments: Value, part: &str| {
            let answer = model.call(tool, arguments);
            let said = answer["content"][0]["text"].as_str().unwrap().to_owned();
            assert!(answer["isError"] == true && said.contains(part), "{answer}");
        };
        refused("search", json!({}), "query");
        refused("search", json!({"query": "？"}), "query");
        refused("search", json!({"query": "医保", "top_k": 100}), "top_k");
        refused(
            "search",
            json!({"query": "医保", "filter": {"regoins": ["杭州"]}}),
            "regoins",
        );
        refused(
            "search",
            json!({"query": "医保", "filter": {"regions": ["亚特兰蒂斯"]}}),
            "亚特兰蒂斯",
        );
        refused("get_article", json!({"article_id": "nobody"}), "nobody");
        let unknown = model.ask("tools/call", json!({"name": "delete", "arguments": {}}));
        assert!(
            unknown["error"]["message"].as_str().unwrap().contains("search"),
            "{unknown}"
        );

        // A line that is no JSON is answered, too, and the next one as if nothing had been.
        for line in [&b"not json"[..], b"[[[[", b"\"\\ud800\"", b"\"\xff\""] {
            let said = model.say(line);
            assert_eq!(
                (&said["error"]["code"], &said["id"]),
                (&json!(-32700), &Value::Null),
                "{said}"
            );
        }
        assert!(model.ask("tools/list", json!({}))["result"].is_object());

        // An index and a service over it say the same.
        if of_service.is_null() {
            of_service = answer.clone();
        } else {
            assert_eq!(of_service, *answer)
        }
        model.end();
    }
}

#[test]
fn a_service_has_the_tools_on_its_port() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let server = Server::start(&folder.path().join("index"), None);
    let post_bytes = |headers: &str, body: &[u8]| {
        let headers = format!(
            "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: 2025-06-18\r\n{headers}"
        );
        ask(&server, "POST", "/mcp", &headers, body)
    };
    let post = |headers: &str, body: &Value| post_bytes(headers, body.to_string().as_bytes());
    let call = |name: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
    let found = post("", &call("search", json!({"query": "医保断缴怎么办"})));
    assert_eq!(found.0, 200, "{}", found.2);
    let found = found.json();
    assert!(
        found["result"]["structuredContent"]["hits"][0]["title"].is_string(),
        "{found}"
    );
    // What is too much and what comes from a page of a browser is refused.
    let foreign = post(
        "origin: https://example.org\r\n",
        &call("search", json!({"query": "医保"})),
    );
    assert_eq!(foreign.0, 403, "{}", foreign.2);
    let large = post("", &call("search", json!({"query": "医".repeat(2 << 20)})));
    assert_eq!(large.0, 413, "{}", large.2);
    for (body, code) in [(&b"{"[..], -32700), (b"[]", -32600), (br#"{"id": 20}"#, -32600)] {
        let refused = post_bytes("", body);
        assert_eq!(refused.0, 400, "{}", refused.2);
        assert_eq!(refused.json()["error"]["code"], code, "{}", refused.2);
    }
}

#[test]
fn a_service_that_is_not_there_is_named_and_one_that_goes_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let server = Server::start(&folder.path().join("index"), None);
    let address = server.address.clone();
    let mut model = Model::start(folder.path(), &["--addr", &address]);
    assert_eq!(model.call("search", json!({"query": "医保"}))["isError"], false);
    server.terminate();
    let gone = model.call("search", json!({"query": "医保"}));
    assert!(
        gone["isError"] == true && gone["content"][0]["text"].is_string(),
        "{gone}"
    );
    model.end();

    for arguments in [["--addr", &address], ["--index", "nowhere"]] {
        let ended = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .arg("mcp")
            .args(arguments)
            .current_dir(folder.path())
            .env("BAOWEN_MODEL_DIR", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(1) && ended.stdout.is_empty(), "{said}");
        assert!(said.contains(arguments[1]), "{said}");
    }
}

#[test]
fn what_does_not_speak_the_protocol_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(["mcp", "--index", "index"])
        .current_dir(folder.path())
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked") && output.stdout.is_empty(), "{said}");
}
