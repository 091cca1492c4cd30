//! bge-small-zh-v1.5 against its reference, a small model of the same form against the plain forward pass, and what
//! becomes of files that are damaged.
//!
//! Tests of the real model are skipped where it or the shared data is absent.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use prost::Message as _;

use super::config::Config;
use super::model::BertModel;
use super::onnx::{self, OnnxFile};
use super::reference;
use crate::compute::Budget;
use crate::embed::batches::Input;
use crate::embed::{Embedder as _, Parted, model_dir};
use crate::error::Fault;
use crate::kernel::dot_f32;
use crate::needed::{missing, shared};

/// The model, opened once for all tests.
fn model() -> Option<&'static BertModel> {
    static MODEL: OnceLock<Option<BertModel>> = OnceLock::new();
    let folder = model_dir(None).join("bge-small-zh-v1.5");
    let model = MODEL.get_or_init(|| {
        folder
            .is_dir()
            .then(|| BertModel::open(&folder, Budget::all()).unwrap())
    });
    if model.is_none() {
        missing(format_args!("there is no model at {}", folder.display()));
    }
    model.as_ref()
}

#[derive(serde::Deserialize)]
struct Reference {
    kind: String,
    text: String,
    ids: Vec<u32>,
    tokens: Vec<u32>,
    vector: Vec<f32>,
}

fn references() -> Vec<Reference> {
    let Some(path) = shared("data/model/bge-reference.jsonl") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ids_are_the_reference_ids() {
    let Some(model) = model() else { return };
    for reference in references() {
        let Reference { text, ids, tokens, .. } = &reference;
        // Cut in the reference, where the text has more.
        let mut all = model.tokenizer().encode(text);
        all.truncate(512);
        assert_eq!(all, *ids, "{text}");
        let input = match reference.kind.as_str() {
            "query" => model.question(text),
            _ => passage(model, text),
        };
        assert_eq!(input.ids, *tokens, "{text}");
    }
}

#[test]
fn vectors_are_the_reference_vectors() {
    if model().is_none() {
        return;
    }
    // As the model was trained: without what was learned about how people ask.
    let folder = model_dir(None).join("bge-small-zh-v1.5");
    let model = BertModel::open_as(&folder, None, None, Budget::all()).unwrap();
    let cosines: Vec<f32> = references()
        .iter()
        .map(|reference| {
            let embed = match reference.kind.as_str() {
                "query" => model.embed_queries(&[&reference.text], Budget::all()),
                _ => model.embed_passages(&[&reference.text], Budget::all()),
            };
            let vector = embed.unwrap().remove(0);
            assert!((dot_f32(&vector, &vector) - 1.0).abs() < 1e-5);
            let length = dot_f32(&reference.vector, &reference.vector).sqrt();
            dot_f32(&vector, &reference.vector) / length
        })
        .collect();
    let worst = cosines.iter().copied().fold(1.0, f32::min);
    let mean = cosines.iter().sum::<f32>() / cosines.len().max(1) as f32;
    println!("cosines to the reference: mean {mean}, worst {worst}");
    assert!(worst >= 0.999, "{cosines:?}");
}

#[test]
fn questions_alone_are_read_by_what_was_learned() {
    let Some(model) = model() else { return };
    let folder = model_dir(None).join("bge-small-zh-v1.5");
    let plain = BertModel::open_as(&folder, None, None, Budget::all()).unwrap();
    assert_eq!(
        model.identity(),
        plain.identity(),
        "passages are read by the same weights"
    );
    assert_ne!(model.asked_by(), plain.asked_by());
    assert_eq!(plain.asked_by(), plain.identity());
    let text = ["断缴三个月还能报销吗"];
    let all = Budget::all();
    assert_eq!(
        model.embed_passages(&text, all).unwrap(),
        plain.embed_passages(&text, all).unwrap()
    );
    let [tuned, before] = [model, &plain].map(|model| model.embed_query(text[0], all).unwrap());
    let cosine = dot_f32(&tuned, &before);
    assert!((0.5..0.999).contains(&cosine), "{cosine}");
}

#[test]
fn a_vector_depends_on_neither_company_nor_threads() {
    let Some(model) = model() else { return };
    let long = "医保怎么报销，去哪里报销？".repeat(30);
    let texts = ["医保怎么报销", "", "失业金能领几个月？", &long, "a", "医保怎么报销"];
    let together = model.embed_passages(&texts, Budget::all()).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        for budget in [Budget::single(), Budget::all().with_threads(2), Budget::all()] {
            assert_eq!(&model.embed_passages(&[text], budget).unwrap()[0], vector, "{text}");
        }
    }
    assert!(model.embed_passages(&[], Budget::all()).unwrap().is_empty());
    let question = model.embed_query(texts[0], Budget::all()).unwrap();
    assert_ne!(question, together[0], "questions carry an instruction");
}

#[test]
fn texts_of_any_length_and_kind_have_a_vector() {
    let Some(model) = model() else { return };
    let long = "医保".repeat(60_000);
    let blank = " ".repeat(100_000);
    let word = "a".repeat(100_000);
    let odd = [
        "\0\u{FEFF}[SEP][CLS]",
        &long,
        &blank,
        &word,
        "𠀀😀\u{10FFFF}\n\t\r",
        "。，！？",
    ];
    for vector in model.embed_queries(&odd, Budget::all()).unwrap() {
        assert_eq!(vector.len(), model.dimension());
        assert!((dot_f32(&vector, &vector) - 1.0).abs() < 1e-5);
    }
    assert_eq!(model.question(&long).ids.len(), 512);
    assert_eq!(model.max_tokens(), 510);
    // What lies behind the cut is not seen.
    let seen: String = "医".repeat(600);
    let other = format!("{seen}而且");
    assert_eq!(passage(model, &seen).ids, passage(model, &other).ids);
}

#[test]
fn names_of_control_tokens_in_a_text_are_text() {
    let Some(model) = model() else { return };
    for text in ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "a[SEP]b"] {
        let ids = model.tokenizer().encode(text);
        assert!(
            ids.len() > 2 && ids.iter().all(|id| ![0, 101, 102, 103].contains(id)),
            "{text}: {ids:?}"
        );
    }
    assert!(model.tokenizer().encode(" \u{3000}\n\u{200B}").is_empty());
    assert_eq!(model.tokenizer().encode("\u{10FFFF}"), [100]);
}

#[test]
fn identity_names_the_weights() {
    let Some(model) = model() else { return };
    let identity = model.identity();
    assert!(
        identity.starts_with("bge-small-zh-v1.5 int8 ") && identity.ends_with(" parts"),
        "{identity}"
    );
}

const HIDDEN: usize = 64;
const WIDE: usize = 128;
const POSITIONS: usize = 16;
const PIECES: [&str; 11] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "医", "保", "ab", "a", "##b", "##bc", "，",
];

/// A number that depends on all of its place, between -1 and 1.
fn number(name: &str, i: usize) -> f32 {
    let mixed = xxhash_rust::xxh3::xxh3_64_with_seed(name.as_bytes(), i as u64);
    (mixed >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

fn numbers(name: &str, count: usize) -> onnx::TensorProto {
    let base = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
    let bytes = (0..count).flat_map(|i| (base + 0.2 * number(name, i)).to_le_bytes());
    onnx::TensorProto {
        dims: vec![count as i64],
        data_type: 1,
        name: name.into(),
        raw_data: bytes.collect(),
        ..Default::default()
    }
}

fn codes(name: String, dims: &[usize], data_type: i32) -> onnx::TensorProto {
    let count = dims.iter().product();
    onnx::TensorProto {
        dims: dims.iter().map(|dim| *dim as i64).collect(),
        data_type,
        raw_data: (0..count).map(|i| (64.0 * number(&name, i)) as i8 as u8).collect(),
        name,
        ..Default::default()
    }
}

/// A small model of the right form: two layers, 64 wide, eleven pieces.
fn small_onnx() -> Vec<u8> {
    let (mut tensors, mut nodes) = (Vec::new(), Vec::new());
    for (name, rows) in [("word", PIECES.len()), ("token_type", 2), ("position", POSITIONS)] {
        let name = format!("embeddings.{name}_embeddings.weight");
        tensors.push(codes(format!("{name}_quantized"), &[rows, HIDDEN], 2));
        tensors.push(onnx::TensorProto {
            data_type: 1,
            float_data: vec![0.01],
            name: format!("{name}_scale"),
            ..Default::default()
        });
        tensors.push(onnx::TensorProto {
            data_type: 2,
            int32_data: vec![120],
            name: format!("{name}_zero_point"),
            ..Default::default()
        });
    }
    for part in ["weight", "bias"] {
        tensors.push(numbers(&format!("embeddings.LayerNorm.{part}"), HIDDEN));
    }
    for l in 0..2 {
        for (place, inputs, rows) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", HIDDEN, WIDE),
            ("output.dense", WIDE, HIDDEN),
        ] {
            let base = format!("onnx::MatMul_{}", nodes.len());
            let weights = format!("{base}_quantized");
            tensors.push(codes(weights.clone(), &[inputs, rows], 3));
            tensors.push(onnx::TensorProto {
                dims: vec![rows as i64],
                data_type: 1,
                float_data: (0..rows).map(|i| 0.004 + 0.002 * number(&base, i)).collect(),
                name: format!("{base}_scale"),
                ..Default::default()
            });
            tensors.push(onnx::TensorProto {
                dims: vec![rows as i64],
                data_type: 3,
                raw_data: vec![0; rows].into(),
                name: format!("{base}_zero_point"),
                ..Default::default()
            });
            nodes.push(onnx::NodeProto {
                inputs: ["x", &weights, "zero", "zeros"].map(String::from).to_vec(),
                name: format!("/encoder/layer.{l}/{}/MatMul_quant", place.replace('.', "/")),
                operation: "MatMulInteger".into(),
            });
            tensors.push(numbers(&format!("encoder.layer.{l}.{place}.bias"), rows));
        }
        for norm in ["attention.output", "output"] {
            for part in ["weight", "bias"] {
                tensors.push(numbers(&format!("encoder.layer.{l}.{norm}.LayerNorm.{part}"), HIDDEN));
            }
        }
    }
    let graph = onnx::GraphProto {
        nodes: nodes.iter().map(|node| node.encode_to_vec().into()).collect(),
        initializers: tensors.iter().map(|tensor| tensor.encode_to_vec().into()).collect(),
    };
    let graph = Some(graph.encode_to_vec().into());
    onnx::ModelProto { graph }.encode_to_vec()
}

fn small_config() -> String {
    serde_json::json!({
        "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": WIDE,
        "vocab_size": PIECES.len(), "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "model_type": "bert", "hidden_act": "gelu", "torch_dtype": "float32",
    })
    .to_string()
}

fn small_tokenizer() -> String {
    let vocab: std::collections::BTreeMap<&str, usize> = PIECES.into_iter().zip(0..).collect();
    serde_json::json!({
        "version": "1.0", "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": false,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 6, "vocab": vocab,
        },
    })
    .to_string()
}

/// Lays a model's files out in a folder.
fn lay_out(folder: &Path, config: &str, tokenizer: &str, weights: &[u8]) -> PathBuf {
    std::fs::create_dir_all(folder.join("onnx")).unwrap();
    std::fs::write(folder.join("config.json"), config).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    std::fs::write(folder.join("onnx/model_quantized.onnx"), weights).unwrap();
    folder.to_owned()
}

/// What files do, opened, loaded and asked: a vector or an error, never a panic.
fn try_files(config: &str, tokenizer: &str, weights: &[u8]) -> crate::error::Result<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let model = BertModel::open_as(
        &lay_out(folder.path(), config, tokenizer, weights),
        None,
        None,
        Budget::all(),
    )?;
    model.embed_query("医保ab报", Budget::all())
}

#[test]
fn a_small_model_runs_without_the_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = lay_out(folder.path(), &small_config(), &small_tokenizer(), &small_onnx());
    let model = BertModel::open_as(&folder, None, None, Budget::all()).unwrap();
    for (text, expected) in [
        ("医保", &[4, 5][..]),
        (" 保\u{3000}医 ", &[5, 4]),
        ("ab", &[6]),
        ("abb", &[6, 8]),
        ("abc", &[1]),
        ("abbc", &[6, 9]),
        ("a\u{200B}b，a", &[6, 10, 7]),
        ("abbbbb", &[6, 8, 8, 8, 8]),
        ("abbbbbb", &[1]),
        ("a医b保", &[7, 4, 1, 5]),
        ("报", &[1]),
        ("", &[]),
    ] {
        assert_eq!(model.tokenizer().encode(text), expected, "{text}");
    }
    let file = OnnxFile::open(&folder.join("onnx/model_quantized.onnx")).unwrap();
    let config = Config::read(&folder.join("config.json")).unwrap();
    for text in ["", "医", "医保，医保abb", "报医保，医保abb医医医医保保保保"] {
        let ids = passage(&model, text).ids;
        let plain = reference::run(&file, &config, &ids, &(0..ids.len())).unwrap();
        let vectors = model.embed_passages(&[text, "医保", text], Budget::all()).unwrap();
        let cosine = dot_f32(&vectors[0], &plain);
        assert!(cosine > 0.999, "{text}: {cosine}");
        assert_eq!(vectors[0], vectors[2]);
        for threads in 1..=4 {
            let alone = model
                .embed_passages(&[text], Budget::all().with_threads(threads))
                .unwrap();
            assert_eq!(alone[0], vectors[0], "{text} on {threads} threads");
        }
    }
}

/// What the network sees of a passage without parts.
fn passage(model: &BertModel, text: &str) -> Input {
    model.pieces(Parted::whole(text)).remove(0).0
}

#[test]
fn a_part_behind_what_is_read_of_its_passage_is_read_in_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let folder = lay_out(folder.path(), &small_config(), &small_tokenizer(), &small_onnx());
    let model = BertModel::open_as(&folder, None, None, Budget::all()).unwrap();
    // 14 tokens are read.
    let text = "医保".repeat(20);
    let at = |token: usize| 3 * token;
    let check = |parts: &[Range<usize>], expected: &[(usize, &[usize])]| {
        let parts: Vec<_> = parts.iter().map(|part| at(part.start)..at(part.end)).collect();
        let passage = Parted {
            text: &text,
            parts: &parts,
        };
        let pieces = model.pieces(passage);
        let found: Vec<(usize, &[usize])> = pieces
            .iter()
            .map(|(input, read)| (input.ids.len() - 2, &**read))
            .collect();
        assert_eq!(found, expected, "{parts:?}");
        let vectors = model
            .embed_parted(&[passage, Parted::whole("医")], Budget::all())
            .unwrap();
        assert_eq!(vectors.len(), 2 + parts.len());
        assert_eq!(vectors[0], model.embed_passages(&[&text], Budget::all()).unwrap()[0]);
        assert!(vectors.iter().all(|vector| vector.len() == model.dimension()));
    };
    check(&[], &[(14, &[])]);
    check(&[0..14, 3..5], &[(14, &[0, 1])]);
    // Across the cut and behind it, in any order.
    check(
        &[0..2, 13..15, 30..40, 14..16],
        &[(14, &[0]), (14, &[1, 3]), (10, &[2])],
    );
    // Longer than what is read at once.
    check(&[0..40, 30..40], &[(14, &[]), (14, &[0]), (10, &[1])]);
}

#[test]
fn a_part_is_read_in_its_passage() {
    let folder = tempfile::tempdir().unwrap();
    let folder = lay_out(folder.path(), &small_config(), &small_tokenizer(), &small_onnx());
    let model = BertModel::open_as(&folder, None, None, Budget::all()).unwrap();
    let file = OnnxFile::open(&folder.join("onnx/model_quantized.onnx")).unwrap();
    let config = Config::read(&folder.join("config.json")).unwrap();
    let text = "医保，abb医保医。保";
    let at = |from: &str| text.find(from).unwrap();
    // A word belongs to where it begins; a part without a token is the passage.
    let check = |part: Range<usize>, tokens: Range<usize>| {
        let parts = [part];
        let parted = Parted { text, parts: &parts };
        let (input, _) = model.pieces(parted).remove(0);
        assert_eq!(input.ids, passage(&model, text).ids);
        assert_eq!(input.parts, std::slice::from_ref(&tokens), "{parts:?}");
        let vectors = model.embed_parted(&[parted], Budget::all()).unwrap();
        assert_eq!(vectors[0], model.embed_passages(&[text], Budget::all()).unwrap()[0]);
        let plain = reference::run(&file, &config, &input.ids, &tokens).unwrap();
        let cosine = dot_f32(&vectors[1], &plain);
        assert!(cosine > 0.999, "{parts:?}: {cosine}");
        if tokens == (0..input.ids.len()) {
            assert_eq!(vectors[0], vectors[1]);
        }
        // Nor does the company count.
        let other = Parted {
            text: "保医",
            parts: &[0..3, 3..6],
        };
        let together = model.embed_parted(&[Parted::whole("医保"), parted, other], Budget::all());
        let together = together.unwrap();
        assert_eq!((together.len(), &together[1..3]), (6, &vectors[..]));
    };
    let all = passage(&model, text).ids.len();
    check(0..at("，"), 1..3);
    check(0..at("bb"), 1..6);
    check(at("bb")..at("医。"), 6..8);
    check(at("。")..text.len(), 9..11);
    check(0..text.len(), 1..all - 1);
    check(0..0, 0..all);
}

#[test]
fn what_does_not_run_here_is_refused_and_says_why() {
    let (config, tokenizer, weights) = (small_config(), small_tokenizer(), small_onnx());
    let check = |config: &str, tokenizer: &str, weights: &[u8], expected: &str| {
        let error = try_files(config, tokenizer, weights).unwrap_err();
        assert_eq!(error.fault(), Fault::Corrupt, "{error}");
        assert!(error.message().contains(expected), "{error}");
        assert!(error.hint().unwrap().contains("baowen model fetch"));
    };
    let other = |from: &str, to: &str| {
        let changed = config.replace(from, to);
        assert_ne!(changed, config);
        changed
    };
    for (from, to, expected) in [
        ("\"bert\"", "\"roberta\"", "model_type"),
        ("\"gelu\"", "\"relu\"", "hidden_act"),
        ("\"hidden_size\":64", "\"hidden_size\":80", "multiple of 64"),
        ("\"hidden_size\":64", "\"hidden_size\":0", "hidden_size is 0"),
        ("\"num_attention_heads\":1", "\"num_attention_heads\":4", "4 heads"),
        ("\"num_hidden_layers\":2", "\"num_hidden_layers\":3", "layer.2"),
        ("\"vocab_size\":11", "\"vocab_size\":12", "word_embeddings"),
        ("\"vocab_size\":11", "\"vocab_size\":4000000000", "vocab_size"),
        ("\"layer_norm_eps\"", "\"epsilon\"", "layer_norm_eps"),
    ] {
        check(&other(from, to), &tokenizer, &weights, expected);
    }
    for (from, to, expected) in [
        ("\"lowercase\":false", "\"lowercase\":true", "lower-casing"),
        ("\"WordPiece\"", "\"Unigram\"", "WordPiece"),
        ("\"[SEP]\"", "\"[END]\"", "no piece [SEP]"),
        ("\"，\":10", "\"，\":11", "id 11"),
        ("{", "", "tokenizer.json"),
    ] {
        check(&config, &tokenizer.replacen(from, to, 1), &weights, expected);
    }
    check(&config, &tokenizer, b"", "0 bytes");
    check(&config, &tokenizer, b"no model", "no ONNX model");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        BertModel::open(folder.path(), Budget::all()).err().unwrap().fault(),
        Fault::Missing
    );
}

/// A byte of a weight makes another vector and no error of its own; it must not pass for another model.
#[test]
fn damaged_weights_are_no_other_model() {
    let (Some(_), folder) = (model(), tempfile::tempdir().unwrap()) else {
        return;
    };
    std::fs::create_dir(folder.path().join("onnx")).unwrap();
    let from = model_dir(None).join("bge-small-zh-v1.5");
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let weights = "onnx/model_quantized.onnx";
    let mut bytes = std::fs::read(from.join(weights)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.path().join(weights), bytes).unwrap();
    let error = BertModel::open(folder.path(), Budget::all()).err().unwrap();
    assert_eq!(error.fault(), Fault::Corrupt);
    assert!(error.to_string().contains("baowen model fetch"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_an_error_or_a_model_but_never_a_panic(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut bytes = small_onnx();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Err(error) = try_files(&small_config(), &small_tokenizer(), &bytes) {
            prop_assert_eq!(error.fault(), Fault::Corrupt);
        }
    }

    #[test]
    fn a_truncated_file_is_corrupt(part in 0.0f64..1.0) {
        let mut bytes = small_onnx();
        bytes.truncate((bytes.len() as f64 * part) as usize);
        let error = try_files(&small_config(), &small_tokenizer(), &bytes).unwrap_err();
        prop_assert_eq!(error.fault(), Fault::Corrupt);
    }

    #[test]
    fn any_text_has_ids_of_the_vocabulary(text in any::<String>()) {
        if let Some(model) = model() {
            let ids = model.tokenizer().encode(&text);
            prop_assert!(ids.iter().all(|id| *id == 100 || (*id > 103 && *id < 21_128)));
        }
    }
}
