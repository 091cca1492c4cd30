//! multilingual-e5-small against its reference: ids, vectors, and the fast forward pass against the plain one.
//!
//! Each test is skipped where the model or the shared data is absent.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;

use super::file::ModelFile;
use super::{CountTokens as _, E5Model, Embedder, reference};
use crate::compute::Budget;
use crate::error::Fault;
use crate::kernel::dot_f32;
use crate::needed::{missing, shared};

fn model_path() -> PathBuf {
    let folder = match std::env::var_os("BAOWEN_MODEL_DIR") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("index/models"),
    };
    folder.join(super::fetch::E5_FILE)
}

/// The model, opened once for all tests.
fn model() -> Option<&'static E5Model> {
    static MODEL: OnceLock<Option<E5Model>> = OnceLock::new();
    let model = MODEL.get_or_init(|| model_path().is_file().then(|| E5Model::open(&model_path()).unwrap()));
    if model.is_none() {
        missing(format_args!("there is no model at {}", model_path().display()));
    }
    model.as_ref()
}

#[derive(serde::Deserialize)]
struct Reference {
    kind: String,
    text: String,
    ids: Vec<u32>,
    tokens: usize,
    vector: Vec<f32>,
}

fn references() -> Vec<Reference> {
    let Some(path) = shared("data/model/reference.jsonl") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids_of(model: &E5Model, reference: &Reference) -> Vec<u32> {
    let kind = if reference.kind == "query" {
        super::e5::Kind::Query
    } else {
        super::e5::Kind::Passage
    };
    model.input(kind, &reference.text)
}

#[test]
fn ids_are_the_reference_ids() {
    let Some(model) = model() else { return };
    for reference in references() {
        assert_eq!(
            model.tokenizer().encode(&reference.text),
            reference.ids,
            "{}",
            reference.text
        );
        assert_eq!(model.count_tokens(&reference.text), reference.ids.len());
        assert_eq!(ids_of(model, &reference).len(), reference.tokens, "{}", reference.text);
    }
}

#[test]
fn vectors_are_the_reference_vectors_and_those_of_plain_f32() {
    let Some(model) = model() else { return };
    let references = references();
    let inputs: Vec<Vec<u32>> = references.iter().map(|r| ids_of(model, r)).collect();
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let plain = reference::run(model.file(), &inputs).unwrap();
    let mut worst = [1.0f32; 3];
    for (reference, plain) in references.iter().zip(&plain) {
        let embed = |texts: &[&str]| match reference.kind.as_str() {
            "query" => model.embed_queries(texts, Budget::all()).unwrap(),
            _ => model.embed_passages(texts, Budget::all()).unwrap(),
        };
        let fast = embed(&[&reference.text]).pop().unwrap();
        assert!((dot_f32(&fast, &fast) - 1.0).abs() < 1e-5);
        let cosines = [
            dot_f32(&fast, plain),
            dot_f32(plain, &reference.vector),
            dot_f32(&fast, &reference.vector),
        ];
        for (worst, cosine) in worst.iter_mut().zip(cosines) {
            *worst = worst.min(cosine);
        }
    }
    println!(
        "worst cosines: fast to f32 {}, f32 to reference {}, fast to reference {}",
        worst[0], worst[1], worst[2]
    );
    assert!(worst.iter().all(|cosine| *cosine >= 0.999), "{worst:?}");
}

#[test]
fn a_vector_does_not_depend_on_its_company() {
    let Some(model) = model() else { return };
    let texts = [
        "医保怎么报销",
        "",
        "失业金能领几个月？",
        "职工医保和居民医保有什么区别",
        "a",
        "医保怎么报销",
    ];
    let together = model.embed_passages(&texts, Budget::all()).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(
            &model.embed_passages(&[text], Budget::all()).unwrap()[0],
            vector,
            "{text}"
        );
    }
    assert!(model.embed_passages(&[], Budget::all()).unwrap().is_empty());
    assert_ne!(
        model.embed_queries(&texts[..1], Budget::all()).unwrap()[0],
        together[0],
        "the prefixes differ"
    );
}

#[test]
fn texts_of_any_length_and_kind_have_a_vector() {
    let Some(model) = model() else { return };
    let long = "医保".repeat(60_000);
    let blank = " ".repeat(100_000);
    let odd = [
        "\0\u{FEFF}\u{2581}</s><mask>",
        &long,
        &blank,
        "𠀀😀\u{10FFFF}\n\t\r",
        "。，！？",
    ];
    for vector in model.embed_queries(&odd, Budget::all()).unwrap() {
        assert_eq!(vector.len(), model.dimension());
        assert!((dot_f32(&vector, &vector) - 1.0).abs() < 1e-5);
    }
    assert_eq!(model.input(super::e5::Kind::Query, &long).len(), 512);
    assert!(model.max_tokens() > 500 && model.max_tokens() < 510);
    // What lies behind the cut is not seen.
    let seen: String = "医".repeat(600);
    let other = format!("{seen}而且");
    assert_eq!(
        model.embed_passages(&[&seen], Budget::all()).unwrap(),
        model.embed_passages(&[&other], Budget::all()).unwrap()
    );
}

#[test]
fn control_pieces_never_match_text() {
    let Some(model) = model() else { return };
    for text in ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "a</s>b"] {
        let ids = model.tokenizer().encode(text);
        assert!(
            ids.len() > 2 && ids.iter().all(|id| *id > 3 && *id < 250_001),
            "{text}: {ids:?}"
        );
    }
    assert_eq!(model.tokenizer().encode(""), model.tokenizer().encode("   "));
    assert!(model.tokenizer().encode("\u{10FFFF}").contains(&3));
}

#[test]
fn identity_names_the_weights() {
    let Some(model) = model() else { return };
    assert!(
        model.identity().starts_with("multilingual-e5-small q4 "),
        "{}",
        model.identity()
    );
}

#[test]
fn what_is_no_model_file_is_corrupt_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    assert_eq!(ModelFile::open(&path).err().unwrap().fault(), Fault::Missing);
    let mut bad_version = b"E5S1\x02\0\0\0".to_vec();
    bad_version.resize(100, 0);
    for bytes in [&b""[..], b"E5S1", &[0; 100], &bad_version] {
        std::fs::write(&path, bytes).unwrap();
        let error = ModelFile::open(&path).err().unwrap();
        assert_eq!(error.fault(), Fault::Corrupt);
        assert!(
            error.message().contains("model.bin") && error.to_string().contains("baowen model fetch"),
            "{error}"
        );
    }
}

/// A small file of the right form: one layer, 32 wide, five pieces.
fn small_file() -> Vec<u8> {
    let pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u{2581}", "医", "保", "医保"];
    let mut out = b"E5S1".to_vec();
    for value in [1, 32, 1, 1, 64, 8, 16, 1] {
        out.extend_from_slice(&i32::to_le_bytes(value));
    }
    out.extend_from_slice(&1e-12f32.to_le_bytes());
    for value in [32, pieces.len() as i32, 0, 2, 1, 3] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    let blob = pieces.concat();
    out.extend_from_slice(&(blob.len() as u64).to_le_bytes());
    let mut at = 0u32;
    out.extend_from_slice(&at.to_le_bytes());
    for piece in pieces {
        at += piece.len() as u32;
        out.extend_from_slice(&at.to_le_bytes());
    }
    (0..pieces.len()).for_each(|i| out.extend_from_slice(&(-(i as f32)).to_le_bytes()));
    out.extend_from_slice(blob.as_bytes());
    // One rule: full-width A becomes a blank.
    for value in [1u32, 9, 0xFF21] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.push(1);
    out.extend_from_slice(&0x20u32.to_le_bytes());
    let mut tensors: Vec<(String, u8, usize)> = vec![
        ("emb.word".into(), 1, 8 * 32),
        ("emb.pos".into(), 0, 16 * 32),
        ("emb.type".into(), 0, 32),
        ("emb.ln.w".into(), 0, 32),
        ("emb.ln.b".into(), 0, 32),
    ];
    for (name, rows, inputs) in [
        ("q", 32, 32),
        ("k", 32, 32),
        ("v", 32, 32),
        ("ao", 32, 32),
        ("fi", 64, 32),
        ("fo", 32, 64),
    ] {
        tensors.push((format!("l0.{name}.w"), 1, rows * inputs));
        tensors.push((format!("l0.{name}.b"), 0, rows));
    }
    for name in ["aln.w", "aln.b", "oln.w", "oln.b"] {
        tensors.push((format!("l0.{name}"), 0, 32));
    }
    let directory: usize = 4 + tensors.iter().map(|t| 23 + t.0.len()).sum::<usize>();
    let mut offset = out.len() + directory;
    let mut data = Vec::new();
    out.extend_from_slice(&(tensors.len() as i32).to_le_bytes());
    for (name, kind, elements) in tensors {
        let bytes: Vec<u8> = match kind {
            0 => (0..elements)
                .flat_map(|i| ((i % 7) as f32 * 0.1 + 0.1).to_le_bytes())
                .collect(),
            _ => (0..elements / 32 * 18)
                .map(|i| if i % 18 == 1 { 0x2C } else { (i * 37 % 256) as u8 })
                .collect(),
        };
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.push(kind);
        out.extend_from_slice(&(elements as u32).to_le_bytes());
        out.extend_from_slice(&(offset as u64).to_le_bytes());
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        offset += bytes.len();
        data.extend_from_slice(&bytes);
    }
    out.extend_from_slice(&data);
    out
}

/// What a file does, opened, loaded and asked: a vector or an error, never a panic.
fn try_file(bytes: &[u8]) -> crate::error::Result<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    std::fs::write(&path, bytes).unwrap();
    Ok(E5Model::open(&path)?
        .embed_queries(&["医保Ａ报销"], Budget::all())?
        .remove(0))
}

#[test]
fn a_small_model_runs_without_the_real_one() {
    let vector = try_file(&small_file()).unwrap();
    assert_eq!(vector.len(), 32);
    assert!((dot_f32(&vector, &vector) - 1.0).abs() < 1e-5);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    std::fs::write(&path, small_file()).unwrap();
    let model = E5Model::open(&path).unwrap();
    for (text, expected) in [
        ("医保", &[4, 7][..]),
        ("保医", &[4, 6, 5]),
        ("  医  Ａ保", &[4, 5, 4, 6]),
        ("报", &[4, 3]),
        ("", &[4]),
        ("<s>", &[4, 3, 3, 3]),
    ] {
        assert_eq!(model.tokenizer().encode(text), expected, "{text}");
    }
    let input = model.input(super::e5::Kind::Query, "医保报");
    let fast = model.embed_queries(&["医保报"], Budget::all()).unwrap().remove(0);
    assert!(dot_f32(&fast, &reference::run(model.file(), &[&input]).unwrap()[0]) > 0.999);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_an_error_or_a_model_but_never_a_panic(at in 0usize..1100, value in any::<u8>()) {
        let mut bytes = small_file();
        bytes[at] = value;
        if let Err(error) = try_file(&bytes) {
            prop_assert_eq!(error.fault(), Fault::Corrupt);
        }
    }

    #[test]
    fn a_truncated_file_is_corrupt(part in 0.0f64..1.0) {
        let mut bytes = small_file();
        bytes.truncate((bytes.len() as f64 * part) as usize);
        prop_assert_eq!(try_file(&bytes).unwrap_err().fault(), Fault::Corrupt);
    }

    #[test]
    fn any_text_has_ids_of_the_vocabulary(text in "\\PC{0,40}") {
        if let Some(model) = model() {
            let ids = model.tokenizer().encode(&text);
            prop_assert!(!ids.is_empty() && ids.iter().all(|id| *id >= 3 && *id < 250_001));
        }
    }
}
