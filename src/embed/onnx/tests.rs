//! Models against what another implementation makes of the same texts (`tests/data/onnx/make_models.py`), and hostile
//! ones.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::tokens::Tokens;
use super::{OnnxEncoder, OnnxReranker};
use crate::compute::Budget;
use crate::embed::{Embedder as _, ModelFolder, Reranker as _, model_dir};
use crate::error::{Error, Fault};
use crate::kernel::dot_f32;
use crate::needed;

/// A line of `expected.jsonl` of an encoder.
#[derive(Deserialize)]
struct Text {
    kind: String,
    text: String,
    ids: Vec<i32>,
    vector: Vec<f32>,
}

/// A line of `expected.jsonl` of a reranker.
#[derive(Deserialize)]
struct Pair {
    query: String,
    passage: String,
    ids: Vec<i32>,
    score: f32,
}

fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx").join(name)
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn encoder(folder: &Path) -> OnnxEncoder {
    OnnxEncoder::open(&ModelFolder::read(folder).unwrap()).unwrap()
}

/// One thread and many texts, many threads and one text.
fn budgets() -> [Budget; 3] {
    [1, 2, 3].map(|threads| Budget::single().with_threads(threads))
}

#[test]
fn encoders_equal_another_implementation() {
    let check = |name: &str, least: f32| {
        let folder = ModelFolder::read(&tiny(name)).unwrap();
        let tokens = Tokens::open(&folder.tokenizer, folder.most_tokens).unwrap();
        let model = encoder(&tiny(name));
        assert!(
            model.identity().starts_with(&format!("{name} onnx ")),
            "{}",
            model.identity()
        );
        let expected: Vec<Text> = lines(&tiny(name).join("expected.jsonl"));
        assert!(expected.len() > 10);
        for line in &expected {
            let (prompt, embedded) = match line.kind.as_str() {
                "query" => (&folder.query_prompt, model.embed_query(&line.text, Budget::single())),
                _ => (
                    &folder.passage_prompt,
                    model
                        .embed_passages(&[&line.text], Budget::single())
                        .map(|mut v| v.remove(0)),
                ),
            };
            let input = tokens.text(&format!("{prompt}{}", line.text)).unwrap();
            assert_eq!(input.ids, line.ids, "{name} {}", line.text);
            let cosine = dot_f32(&embedded.unwrap(), &line.vector);
            assert!(cosine >= least, "{name} {} {}: {cosine}", line.kind, line.text);
        }
    };
    check("bert", 0.999_99);
    check("xlmr", 0.999_99);
    check("bert-int8", 0.999);
    check("xlmr-int8", 0.999);
}

#[test]
fn a_vector_depends_neither_on_threads_nor_on_company() {
    for name in ["bert", "bert-int8", "xlmr-int8"] {
        let model = encoder(&tiny(name));
        let texts: Vec<Text> = lines(&tiny(name).join("expected.jsonl"));
        let texts: Vec<&str> = texts.iter().map(|line| line.text.as_str()).collect();
        let alone: Vec<Vec<f32>> = texts
            .iter()
            .map(|text| model.embed_passages(&[text], Budget::single()).unwrap().remove(0))
            .collect();
        for budget in budgets() {
            assert_eq!(
                model.embed_passages(&texts, budget).unwrap(),
                alone,
                "{name} {budget:?}"
            );
            assert_eq!(
                model.embed_passages(&texts[..1], budget).unwrap()[0],
                alone[0],
                "{name} {budget:?}"
            );
        }
    }
}

#[test]
fn texts_longer_than_what_is_read_are_cut_off() {
    let model = encoder(&tiny("bert"));
    // 64 positions, two of them for control tokens, three for the longer prompt.
    assert_eq!(model.max_tokens(), 59);
    let long = "保".repeat(900);
    let longer = "保".repeat(9_000);
    let vectors = model.embed_passages(&[&long, &longer], Budget::single()).unwrap();
    assert_eq!(vectors[0], vectors[1]);
    let late = Budget::single().until(Some(std::time::Instant::now()));
    assert_eq!(model.embed_query("医保", late).unwrap_err().fault(), Fault::Deadline);
}

#[test]
fn rerankers_equal_another_implementation_and_stop_in_time() {
    let check = |name: &str, most: f32| {
        let folder = ModelFolder::read(&tiny(name)).unwrap();
        let tokens = Tokens::open(&folder.tokenizer, folder.most_tokens).unwrap();
        let model = OnnxReranker::open(&folder).unwrap();
        let expected: Vec<Pair> = lines(&tiny(name).join("expected.jsonl"));
        for pair in &expected {
            assert_eq!(
                tokens.pair(&pair.query, &pair.passage).unwrap().ids,
                pair.ids,
                "{name} {}",
                pair.query
            );
            let passages = [pair.passage.as_str(); 3];
            for budget in budgets() {
                let scores = model.rerank(&pair.query, &passages, budget).unwrap();
                assert_eq!(scores, [scores[0]; 3]);
                assert!(
                    (scores[0] - pair.score).abs() <= most,
                    "{name} {}: {scores:?}, expected {}",
                    pair.query,
                    pair.score
                );
            }
        }
        let late = Budget::single().until(Some(std::time::Instant::now()));
        assert_eq!(model.rerank("医保", &["断缴"], late).unwrap(), Vec::<f32>::new());
    };
    check("bert-reranker", 1e-4);
    check("xlmr-reranker-int8", 0.05);
}

/// A copy of a tiny model in which a file is another.
fn changed(name: &str, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let folder = ModelFolder::read(&tiny(name)).unwrap();
    for file in folder.files() {
        fs::create_dir_all(copy.path().join(&file).parent().unwrap()).unwrap();
        fs::copy(folder.path.join(&file), copy.path().join(&file)).unwrap();
    }
    let path = copy.path().join(file);
    let bytes = change(fs::read(&path).unwrap_or_default());
    fs::write(&path, bytes).unwrap();
    copy
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - from.len())
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
    bytes
}

fn open(folder: &Path) -> Result<OnnxEncoder, Error> {
    OnnxEncoder::open(&ModelFolder::read(folder)?)
}

#[test]
fn a_model_that_cannot_be_right_is_an_error_that_names_it() {
    let check = |folder: tempfile::TempDir, fault: Fault, part: &str| {
        let Err(error) = open(folder.path()) else {
            panic!("it opened; expected {part}");
        };
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.message().contains(part), "{error}");
    };
    let graph = "onnx/model.onnx";
    let asks = |bytes: Vec<u8>| replaced(&bytes, b"token_type_ids", b"token_type_idz");
    check(
        changed("bert", graph, asks),
        Fault::Corrupt,
        "asks for `token_type_idz`",
    );
    let no_ids = |bytes: Vec<u8>| replaced(&bytes, b"input_ids", b"token_ids");
    check(changed("bert", graph, no_ids), Fault::Corrupt, "token_ids");
    // The epsilon of all norms.
    let nan = |bytes: Vec<u8>| replaced(&bytes, &1e-12f32.to_le_bytes(), &f32::NAN.to_le_bytes());
    check(changed("bert", graph, nan), Fault::Corrupt, "no number");
    check(changed("bert", graph, |_| Vec::new()), Fault::Corrupt, "model.onnx");
    check(
        changed("bert", graph, |_| b"not a graph".to_vec()),
        Fault::Corrupt,
        "model.onnx",
    );
    check(
        changed("bert", "tokenizer.json", |_| b"{}".to_vec()),
        Fault::Corrupt,
        "tokenizer.json",
    );
    let far = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .replace("\"[CLS]\":2", "\"[CLS]\":70000")
            .into_bytes()
    };
    let unknown = |bytes: Vec<u8>| {
        String::from_utf8(far(bytes))
            .unwrap()
            .replace("\"ids\":[2]", "\"ids\":[70000]")
            .into_bytes()
    };
    check(changed("bert", "tokenizer.json", unknown), Fault::Corrupt, "running");
    // One number for a text is no vector; two texts are no text.
    let scores = fs::read(tiny("bert-reranker").join(graph)).unwrap();
    check(changed("bert", graph, |_| scores), Fault::Corrupt, "shape");
    let long = format!(r#"{{"prompts": {{"query": "{}"}}}}"#, "医保".repeat(50));
    check(
        changed("bert", "config_sentence_transformers.json", |_| long.into_bytes()),
        Fault::Corrupt,
        "prompt",
    );
    let unsaid = changed("bert", "1_Pooling/config.json", |bytes| bytes);
    fs::remove_file(unsaid.path().join("1_Pooling/config.json")).unwrap();
    check(unsaid, Fault::Caller, "how they become one");

    let error = OnnxReranker::open(&ModelFolder::read(&tiny("bert")).unwrap())
        .err()
        .unwrap();
    assert_eq!(error.fault(), Fault::Caller, "{error}");
    assert_eq!(open(&tiny("bert-reranker")).err().unwrap().fault(), Fault::Caller);
}

/// Cut off anywhere, damaged anywhere: opened or not, embedding or not, never a panic.
#[test]
fn damaged_models_never_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut refused = 0;
    for (name, file) in [
        ("bert", "onnx/model.onnx"),
        ("xlmr-int8", "onnx/model_quantized.onnx"),
        ("xlmr", "tokenizer.json"),
        ("bert", "tokenizer.json"),
    ] {
        for _ in 0..12 {
            let cut = changed(name, file, |mut bytes| {
                bytes.truncate(random.usize(..bytes.len()));
                bytes
            });
            let damaged = changed(name, file, |mut bytes| {
                // Where the structure lies, not in the weights.
                let most = bytes.len().min(6_000);
                for _ in 0..4 {
                    bytes[random.usize(..most)] = random.u8(..);
                }
                bytes
            });
            for folder in [cut, damaged] {
                match open(folder.path()) {
                    Ok(model) => drop(model.embed_passages(&["医保断缴了怎么办", ""], Budget::single())),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 40, "{refused}");
}

#[derive(Deserialize)]
struct Reference {
    kind: String,
    text: String,
    /// Instruction and control tokens included.
    tokens: Vec<i32>,
    vector: Vec<f32>,
}

/// The default model's own ONNX file. Its activations are quantised by the whole text, so it is near its reference
/// only.
#[test]
fn the_default_models_own_file_gives_its_vectors() {
    let Some(reference) = needed::shared("data/model/bge-reference.jsonl") else {
        return;
    };
    let model = model_dir(None).join("bge-small-zh-v1.5");
    if !model.join("onnx/model_quantized.onnx").is_file() {
        return needed::missing(format_args!("there is no {}", model.display()));
    }
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "onnx/model_quantized.onnx"] {
        fs::create_dir_all(copy.path().join(file).parent().unwrap()).unwrap();
        fs::copy(model.join(file), copy.path().join(file)).unwrap();
    }
    fs::create_dir(copy.path().join("1_Pooling")).unwrap();
    fs::write(
        copy.path().join("1_Pooling/config.json"),
        r#"{"pooling_mode_cls_token": true}"#,
    )
    .unwrap();
    let prompts = r#"{"prompts": {"query": "为这个句子生成表示以用于检索相关文章："}}"#;
    fs::write(copy.path().join("config_sentence_transformers.json"), prompts).unwrap();
    let folder = ModelFolder::read(copy.path()).unwrap();
    let tokens = Tokens::open(&folder.tokenizer, folder.most_tokens).unwrap();
    let model = OnnxEncoder::open(&folder).unwrap();
    let expected: Vec<Reference> = lines(&reference);
    assert!(model.dimension() == 512 && expected.len() > 40);
    let embedded = Budget::all().map(&expected, |line, budget| match line.kind.as_str() {
        "query" => model.embed_query(&line.text, budget),
        _ => model
            .embed_passages(&[&line.text], budget)
            .map(|mut vectors| vectors.remove(0)),
    });
    let mut sum = 0.0;
    for (line, vector) in expected.iter().zip(embedded) {
        let prompt = if line.kind == "query" {
            folder.query_prompt.as_str()
        } else {
            ""
        };
        assert_eq!(
            tokens.text(&format!("{prompt}{}", line.text)).unwrap().ids,
            line.tokens,
            "{}",
            line.text
        );
        let cosine = dot_f32(&vector.unwrap(), &line.vector);
        assert!(cosine >= 0.99, "{}: {cosine}", line.text);
        sum += cosine;
    }
    println!("mean cosine {}", sum / expected.len() as f32);
}
