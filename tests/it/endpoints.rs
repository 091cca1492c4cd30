//! Models behind an address, end to end: what is said when one is silent, refuses, has no key or other settings.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cli::{baowen, json};
use crate::local_server::{Reply, Request, Server};

/// A folder with an endpoint in it, and the server that it names.
struct Place {
    folder: tempfile::TempDir,
    models: PathBuf,
    server: Server,
    is_silent: Arc<AtomicBool>,
}

/// Vectors by length; a text with 坏 in it is refused.
fn answer(request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let texts = body["inputs"].as_array().unwrap();
    if texts.iter().any(|text| text.as_str().unwrap().contains('坏')) {
        return Reply::new(422, &[], b"{\"error\": \"not this text\"}");
    }
    let vector = |text: &Value| json!([text.as_str().unwrap().len(), 1, 2]);
    Reply::json(json!(texts.iter().map(vector).collect::<Vec<_>>()))
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = is_silent.clone();
        let server = Server::new(move |_, request| {
            if silent.load(Ordering::SeqCst) {
                Reply::silence()
            } else {
                answer(request)
            }
        });
        let place = Place {
            models: folder.path().join("models"),
            folder,
            server,
            is_silent,
        };
        place.settings("dimension = 3");
        assert!(place.run(&["model", "use", "there"]).status.success());
        fs::create_dir(place.folder.path().join("in")).unwrap();
        for (name, text) in [
            ("a", "医保断缴三个月内可以补缴。"),
            ("b", "坏。"),
            ("c", "生育津贴按月领取。"),
        ] {
            let path = place.folder.path().join("in").join(name).with_extension("md");
            fs::write(path, format!("# {name}\n\n{text}\n")).unwrap();
        }
        place
    }

    fn settings(&self, more: &str) {
        let folder = self.models.join("there");
        fs::create_dir_all(&folder).unwrap();
        let url = self.server.url("/embed");
        let text = format!("kind = \"tei\"\nurl = \"{url}\"\nmodel = \"m\"\n{more}\n");
        fs::write(folder.join("endpoint.toml"), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        baowen(self.folder.path(), Some(&self.models), args)
    }

    /// What a new service says before it listens for questions, but for what is as it should be.
    fn serve(&self) -> Vec<String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .args(["serve", "--listen", "127.0.0.1:0", "--index", "index"])
            .current_dir(self.folder.path())
            .env("BAOWEN_MODEL_DIR", &self.models)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let said = lines.take_while(|line| !line.starts_with("listening on "));
        let said = said.filter(|line| !line.contains(" INFO ")).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        said
    }
}

#[track_caller]
fn said(text: &str, parts: &[&str]) {
    parts
        .iter()
        .for_each(|part| assert!(text.contains(part), "{part} in {text}"));
    assert!(!text.contains("model fetch"), "{text}");
}

#[test]
fn an_article_that_is_refused_is_named_and_a_silent_endpoint_keeps_no_service_closed() {
    let place = Place::new();
    let summary = json(&place.run(&["index", "in", "--index", "index", "--json"]));
    assert_eq!(summary["added"], 2, "{summary}");
    let skipped = summary["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{summary}");
    said(
        skipped[0].as_str().unwrap(),
        &["b.md", "article `", "422: not this text"],
    );
    assert_eq!(place.serve(), [""; 0]);
    place.is_silent.store(true, Ordering::SeqCst);
    let lines = place.serve();
    assert_eq!(lines.len(), 1, "{lines:?}");
    said(&lines[0], &["by words for now", "in time"]);
}

#[test]
fn why_a_model_cannot_be_opened_is_said_everywhere_and_no_index_goes_without_vectors_by_accident() {
    let place = Place::new();
    json(&place.run(&["index", "in", "--index", "index", "--json"]));
    let cases: [(&str, &[&str]); 3] = [
        (
            "dimension = 3\nkey_env = \"BAOWEN_NO_SUCH_KEY\"",
            &["BAOWEN_NO_SUCH_KEY is not set"],
        ),
        ("dimension = \"3\"", &["endpoint.toml", "dimension"]),
        (
            "dimension = 3\nquery_prefix = \"问：\"",
            &["query_prefix", "rebuild --model there"],
        ),
    ];
    for (settings, expected) in cases {
        place.settings(settings);
        let found = json(&place.run(&["search", "断缴", "--index", "index", "--json"]));
        said(found["degraded"].as_str().unwrap(), expected);
        assert!(!found["hits"].as_array().unwrap().is_empty());
        let lines = place.serve();
        assert_eq!(lines.len(), 1, "{lines:?}");
        said(&lines[0], expected);
        for write in [
            &["index", "in", "--index", "index"] as &[&str],
            &["rebuild", "--index", "index"],
        ] {
            let output = place.run(write);
            assert!(!output.status.success());
            said(&String::from_utf8_lossy(&output.stderr), expected);
        }
        // Other prefixes are right for a new index.
        if !settings.contains("prefix") {
            let output = place.run(&["index", "in", "--index", "new"]);
            assert!(!output.status.success());
            said(
                &String::from_utf8_lossy(&output.stderr),
                &[expected, &["--no-vectors"]].concat(),
            );
            let listed = place.run(&["model", "list"]);
            said(&String::from_utf8_lossy(&listed.stdout), expected);
        }
    }
    let summary = json(&place.run(&["index", "in", "--index", "new", "--no-vectors", "--json"]));
    assert_eq!(summary["without_vectors"], true);
}
