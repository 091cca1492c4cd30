//! Models of one's own, end to end: taken in, chosen, named by an index, exchanged, gone; rerankers asked with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::cli::{baowen, json};
use crate::service::{Server, sample_index};
use crate::support::root;

/// A folder to work in, with a model folder in it.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub models: PathBuf,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        Place { folder, models }
    }

    pub fn run(&self, args: &[&str]) -> Output {
        baowen(self.folder.path(), Some(&self.models), args)
    }

    pub fn import(&self, tiny: &str, name: &str) -> Output {
        let from = root().join("tests/data/onnx").join(tiny);
        self.run(&["model", "import", from.to_str().unwrap(), "--name", name])
    }

    fn index(&self) {
        sample_index(self.folder.path(), Some(&self.models));
    }

    fn search(&self, more: &[&str]) -> Value {
        json(&self.run(&[&["search", "医保断缴了怎么办", "--index", "index", "--json"], more].concat()))
    }

    /// Names in the model folder, hidden ones too.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.models).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Exit code and message of a call that fails.
#[track_caller]
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    parts
        .iter()
        .for_each(|part| assert!(message.contains(part), "{part} in {message}"));
}

#[test]
fn a_model_is_taken_in_listed_chosen_and_tried() {
    let place = Place::new();
    assert!(place.import("bert", "tiny").status.success());
    assert!(place.import("xlmr-reranker-int8", "judge").status.success());
    let listed = json(&place.run(&["model", "list", "--json"]));
    let told: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["name"].as_str().unwrap(), m["role"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("judge", "reranker"), ("tiny", "encoder")]);
    assert!(place.run(&["model", "use", "tiny"]).status.success());
    let info = json(&place.run(&["model", "info", "--json"]));
    assert!(info["identity"].as_str().unwrap().starts_with("tiny onnx "), "{info}");
    assert_eq!((&info["dimension"], &info["max_tokens"]), (&16.into(), &59.into()));
    let info = json(&place.run(&["model", "info", "judge", "--json"]));
    assert_eq!(info["role"], "reranker");
    let vector = json(&place.run(&["model", "embed", "医保", "--model", "tiny"]));
    assert_eq!(vector.as_array().unwrap().len(), 16);

    refused(&place.import("bert", "tiny"), 2, &["tiny", "--name"]);
    refused(&place.import("bert", "a/b"), 2, &["a/b"]);
    refused(&place.run(&["model", "use", "judge"]), 2, &["reranker", "--reranker"]);
    refused(
        &place.run(&["model", "use", "none"]),
        1,
        &["none", "judge, tiny", "model import"],
    );
    refused(
        &place.run(&["model", "embed", "医保", "--model", "judge"]),
        2,
        &["reranker"],
    );
    refused(
        &place.run(&["search", "医保", "--index", "index", "--reranker", "tiny"]),
        1,
        &["index"],
    );
}

/// What the folder leaves unsaid is said at the import; what cannot be right leaves nothing behind.
#[test]
fn an_import_that_fails_leaves_nothing_behind() {
    let place = Place::new();
    let from = place.folder.path().join("mine");
    let tiny = root().join("tests/data/onnx/bert");
    fs::create_dir_all(from.join("onnx")).unwrap();
    for file in ["config.json", "tokenizer.json", "onnx/model.onnx"] {
        fs::copy(tiny.join(file), from.join(file)).unwrap();
    }
    refused(&place.run(&["model", "import", "mine"]), 2, &["--pooling"]);
    assert_eq!(place.names(), [""; 0]);
    let said = [
        "model",
        "import",
        "mine",
        "--pooling",
        "cls",
        "--query-prompt",
        "保障：",
    ];
    assert!(place.run(&said).status.success());
    assert_eq!(place.names(), ["mine"]);
    // As the model that has it all in its folder.
    assert!(place.import("bert", "tiny").status.success());
    let embed = |model| json(&place.run(&["model", "embed", "医保", "--model", model]));
    assert_eq!(embed("mine"), embed("tiny"));

    let graph = fs::read(tiny.join("onnx/model.onnx")).unwrap();
    fs::write(from.join("onnx/model.onnx"), &graph[..graph.len() / 2]).unwrap();
    refused(
        &place.run(&["model", "import", "mine", "--name", "half", "--pooling", "cls"]),
        1,
        &["model.onnx"],
    );
    assert_eq!(place.names(), ["mine", "tiny"]);
}

#[test]
fn an_index_is_asked_by_the_model_that_it_names() {
    let place = Place::new();
    assert!(place.import("bert", "one").status.success());
    assert!(place.import("xlmr", "two").status.success());
    assert!(place.run(&["model", "use", "one"]).status.success());
    place.index();
    let made_by = |found: &Value| {
        assert_eq!(found["degraded"], Value::Null, "{found}");
        found["provenance"]["model"]
            .as_str()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(made_by(&place.search(&[])), "one");
    // The choice is for new indexes; what is there stays what it is, also when it is added to.
    assert!(place.run(&["model", "use", "two"]).status.success());
    fs::write(
        place.folder.path().join("more.md"),
        "# 断缴\n\n断缴三个月内可以补缴。\n",
    )
    .unwrap();
    json(&place.run(&["index", "more.md", "--index", "index", "--json"]));
    assert_eq!(made_by(&place.search(&["--mode", "dense"])), "one");

    // The new index is made beside; who serves the old one goes on until it has the new one.
    let server = Server::start(&place.folder.path().join("index"), Some(&place.models));
    let asked = || json(&place.run(&["search", "医保断缴", "--addr", &server.address, "--json"]));
    assert_eq!(made_by(&asked()), "one");
    json(&place.run(&["rebuild", "--model", "two", "--index", "index", "--json"]));
    assert_eq!(made_by(&place.search(&[])), "two");
    let followed = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        made_by(&asked()) == "two"
    });
    assert!(followed, "the service never asks by the new model");
    drop(server);
    refused(
        &place.run(&["rebuild", "--model", "none", "--index", "index"]),
        1,
        &["none", "one, two"],
    );

    // Gone: words alone for who asks, the way out for who writes.
    fs::rename(place.models.join("two"), place.folder.path().join("away")).unwrap();
    let found = place.search(&[]);
    let reason = found["degraded"].as_str().unwrap();
    assert!(
        reason.contains("two onnx") && reason.contains("model import"),
        "{reason}"
    );
    assert!(!found["hits"].as_array().unwrap().is_empty());
    refused(
        &place.run(&["index", "more.md", "--index", "index"]),
        1,
        &["two onnx", "rebuild --model"],
    );
    // Of the same name, with other weights: not the same model.
    assert!(place.import("xlmr-int8", "two").status.success());
    refused(
        &place.run(&["search", "医保", "--index", "index"]),
        1,
        &["two onnx", "baowen rebuild"],
    );
    json(&place.run(&["rebuild", "--index", "index", "--json"]));
    assert_eq!(made_by(&place.search(&[])), "two");
}

#[test]
fn hits_stand_in_the_rerankers_order() {
    let place = Place::new();
    assert!(place.import("bert", "one").status.success());
    assert!(place.import("bert-reranker", "judge").status.success());
    assert!(place.run(&["model", "use", "one"]).status.success());
    place.index();
    let plain = place.search(&["--explain"]);
    assert_eq!(plain["reranked"], Value::Null);
    let found = place.search(&["--explain", "--reranker", "judge"]);
    let reranked = found["reranked"].as_u64().unwrap();
    assert!(reranked >= 5, "{found}");
    let stages = found["timings"]["stages"].as_array().unwrap();
    assert!(
        stages
            .iter()
            .any(|stage| stage["stage"] == "rerank" && stage["micros"] != "0"),
        "{found}"
    );
    assert!(
        found["provenance"]["weights"]
            .as_str()
            .unwrap()
            .contains("by judge onnx"),
        "{found}"
    );
    let relevances: Vec<f64> = found["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["explanation"]["reranker"]["score"].as_f64().unwrap())
        .collect();
    assert!(relevances.windows(2).all(|pair| pair[0] >= pair[1]), "{relevances:?}");
    for hit in found["hits"].as_array().unwrap() {
        let amounts = hit["explanation"]["contributions"].as_array().unwrap();
        let sum: f64 = amounts.iter().map(|part| part["amount"].as_f64().unwrap()).sum();
        assert!((sum - hit["score"].as_f64().unwrap()).abs() < 1e-3, "{hit}");
        assert!(
            hit["explanation"]["summary"].as_str().unwrap().contains("重排"),
            "{hit}"
        );
    }
    let by_words = place.search(&["--mode", "lexical", "--reranker", "judge"]);
    assert_eq!(by_words["reranked"], Value::Null);
    refused(
        &place.run(&["search", "医保", "--index", "index", "--reranker", "one"]),
        2,
        &["encoder"],
    );
    let elsewhere = ["search", "医保", "--addr", "127.0.0.1:1", "--reranker", "judge"];
    refused(&place.run(&elsewhere), 2, &["--reranker"]);
    assert!(Path::new(&place.models).join("judge/config.json").is_file());
}
