//! The program as a person or a script calls it: exit codes, messages, JSON.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::service::{Server, sample_index};
use crate::support::{model_folder, root, shared};

pub fn baowen(folder: &Path, model: Option<&Path>, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(args)
        .current_dir(folder)
        .env("BAOWEN_MODEL_DIR", model.unwrap_or(Path::new("/nonexistent")))
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .output()
        .unwrap()
}

pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn broken_files_are_named_and_the_rest_goes_in() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    std::fs::create_dir(&input).unwrap();
    std::fs::write(
        input.join("a.jsonl"),
        "{\"_id\": \"a1\", \"title\": \"甲\", \"text\": \"医保断缴三个月内可以补缴。\"}\nnot json\n{\"_id\": \"a2\", \"text\": \"养老金按月领取。\"}\n{\"title\": \"no text\"}\n",
    )
    .unwrap();
    std::fs::write(input.join("b.txt"), [0xff, 0xfe, 0x00, 0x01, 0x02]).unwrap();
    std::fs::write(input.join("c.md"), "# 生育津贴\n\n产假期间按月领取。\n").unwrap();
    std::fs::write(input.join("d.txt"), "").unwrap();
    let args = ["index", "in", "--index", "idx", "--json"];
    let summary = json(&baowen(folder.path(), None, &args));
    assert_eq!(
        (&summary["articles"], &summary["added"]),
        (&3.into(), &3.into()),
        "{summary}"
    );
    let skipped: Vec<&str> = summary["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    for (file, line) in [("a.jsonl", ":2"), ("a.jsonl", ":4"), ("b.txt", ""), ("d.txt", "")] {
        assert!(
            skipped.iter().any(|s| s.contains(&format!("{file}{line}"))),
            "{file}{line} in {skipped:?}"
        );
    }
    // The same input again changes nothing.
    let again = json(&baowen(folder.path(), None, &args));
    assert_eq!(
        (&again["added"], &again["updated"], &again["unchanged"]),
        (&0.into(), &0.into(), &3.into())
    );
    assert_eq!(again["passages"], 0);
}

/// 300 passages out of 12 articles: each is one passage, and its vector is found, so nothing is embedded.
#[test]
fn a_generated_collection_is_indexed_without_embedding() {
    let Some(model) = model_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from");
    std::fs::create_dir(&from).unwrap();
    let subjects = ["医保", "社保", "养老金", "失业金", "生育津贴", "工伤保险"];
    let mut corpus = String::new();
    let mut vectors = baowen::eval::npy::Writer::new(Vec::new(), 12, 512).unwrap();
    for n in 0..12 {
        let sentences: Vec<String> = (0..n + 2)
            .map(|k| format!("{}缴满{}年后按第{k}档领取。", subjects[(n + k) % 6], n * 7 + k))
            .collect();
        let title = if n % 4 == 0 {
            format!("办法{n}")
        } else {
            String::new()
        };
        let record = serde_json::json!({ "_id": n, "title": title, "text": sentences.concat() });
        corpus.push_str(&format!("{record}\n"));
        let row: Vec<f32> = (0..512).map(|i| if i % 12 == n { 0.25 } else { 0.125 }).collect();
        vectors.row(&row).unwrap();
    }
    std::fs::write(from.join("corpus.jsonl"), corpus).unwrap();
    std::fs::write(from.join("vectors.npy"), vectors.finish().unwrap()).unwrap();
    let generate = |out: &str| {
        let args = [
            "generate",
            "--from",
            "from",
            "--passages",
            "300",
            "--out",
            out,
            "--question-count",
            "3",
            "--json",
        ];
        baowen(folder.path(), Some(&model), &args)
    };
    // `cache` is where the program is told to look for vectors here.
    assert_eq!(json(&generate("cache"))["passages"], 300);
    let args = ["index", "cache/corpus.jsonl", "--index", "idx", "--json"];
    let summary = json(&baowen(folder.path(), Some(&model), &args));
    assert_eq!(
        [&summary["articles"], &summary["passages"], &summary["embedded"]],
        [&Value::from(300), &Value::from(300), &Value::from(0)],
        "{summary}"
    );
    assert!(
        summary["cached"].as_u64() > Some(300),
        "windows are there too: {summary}"
    );
    let made = baowen::eval::npy::read(&folder.path().join("cache/vectors.npy")).unwrap();
    assert_eq!(made.dim(), (300, 512));
    let questions = std::fs::read_to_string(folder.path().join("cache/queries.txt")).unwrap();
    let asked = baowen::eval::npy::read(&folder.path().join("cache/queries.npy")).unwrap();
    assert_eq!(asked.nrows(), questions.lines().count());

    // The same again is the same, and never into a folder that holds something.
    assert!(generate("again").status.success());
    for file in ["corpus.jsonl", "vectors.npy", "queries.txt", "queries.npy"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(file)).unwrap();
        assert!(read("cache") == read("again"), "{file} differs");
    }
    let refused = generate("again");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not empty"));
}

#[test]
fn the_same_input_again_embeds_nothing_and_a_rebuild_takes_vectors_from_the_cache() {
    let Some(model) = model_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let sample = root().join("index/sample");
    let sample = sample.to_str().unwrap();
    let first = json(&baowen(
        folder.path(),
        Some(&model),
        &["index", sample, "--index", "idx", "--json"],
    ));
    assert!(first["articles"].as_u64().unwrap() >= 30, "{first}");
    assert_eq!(first["skipped"].as_array().unwrap().len(), 0, "{first}");
    // Long passages have windows beside their own text.
    assert!(first["embedded"].as_u64() > first["passages"].as_u64(), "{first}");
    let again = json(&baowen(
        folder.path(),
        Some(&model),
        &["index", sample, "--index", "idx", "--json"],
    ));
    assert_eq!(
        (&again["embedded"], &again["passages"]),
        (&0.into(), &0.into()),
        "{again}"
    );
    let rebuilt = json(&baowen(
        folder.path(),
        Some(&model),
        &["index", sample, "--index", "idx", "--rebuild", "--json"],
    ));
    assert_eq!(
        (&rebuilt["embedded"], &rebuilt["passages"]),
        (&0.into(), &first["passages"]),
        "{rebuilt}"
    );
}

#[test]
fn the_five_pages_are_eighty_five_articles() {
    let Some(data) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pages = data.join("pages");
    let summary = json(&baowen(
        folder.path(),
        None,
        &["index", pages.to_str().unwrap(), "--index", "idx", "--json"],
    ));
    assert_eq!(summary["total_articles"], 85, "{summary}");
    let found = json(&baowen(
        folder.path(),
        None,
        &[
            "search",
            "医保账户里有180元是怎么回事",
            "--index",
            "idx",
            "--json",
            "--source",
            "健康新闻",
        ],
    ));
    let hit = &found["hits"][0];
    assert_eq!(hit["title"], "大额医保180元是什么意思");
    assert_eq!(
        (&hit["kind"], &hit["published"]),
        (&"ARTICLE_KIND_SUMMARY".into(), &"2025-04-19".into())
    );
}

#[test]
fn mistakes_end_with_a_sentence_and_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let check = |args: &[&str], code: i32, parts: &[&str]| {
        let output = baowen(folder.path(), None, args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{args:?} should mention `{part}`: {text}");
        }
    };
    check(
        &["search", "医保", "--index", "nowhere"],
        1,
        &["nowhere", "baowen index"],
    );
    // Of what whoever asks can mend, in Chinese.
    check(&["search", "  ", "--index", "nowhere"], 2, &["问题是空的"]);
    check(&["search", "医保", "--top-k", "0"], 2, &["--top-k：写 1 到 1000"]);
    check(&["search", "医保", "--top-k", "1000000"], 2, &["--top-k：写 1 到 1000"]);
    check(
        &["search", "医保", "--dense-weight", "NaN"],
        2,
        &["fusion.dense_weight"],
    );
    check(
        &["search", "医保", "--from", "yesterday"],
        2,
        &["--from", "yesterday", "2025-04-19"],
    );
    check(
        &["search", "医保", "--addr", "127.0.0.1:1"],
        1,
        &["127.0.0.1:1", "baowen serve"],
    );
    check(&["index", "no-such-file", "--index", "idx"], 1, &["no-such-file"]);
    check(
        &["serve", "--index", "nowhere", "--listen", "127.0.0.1:0"],
        1,
        &["nowhere", "baowen index"],
    );
    check(&["verify", "--index", "nowhere"], 1, &["nowhere"]);
    check(&["eval", "--dataset", "nowhere"], 1, &["nowhere"]);
}

#[test]
fn what_reads_nothing_makes_no_index_and_replaces_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = baowen(folder.path(), None, args);
        let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
        (output.status.code(), said)
    };
    let index = |args: &[&str]| run(&[&["index", "--no-vectors", "--index", "idx"], args].concat());
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("broken.pdf"), "%PDF-1.7 no more").unwrap();
    std::fs::write(folder.path().join("good.md"), "# 医保\n断缴可以补缴。").unwrap();
    for nothing in [
        &["empty"][..],
        &["broken.pdf"],
        &["empty", "--rebuild"],
        &["broken.pdf", "--rebuild"],
    ] {
        let (code, said) = index(nothing);
        assert!(
            code == Some(1) && said.contains("nothing was taken in"),
            "{nothing:?}: {said}"
        );
        let (_, said) = run(&["search", "医保", "--index", "idx"]);
        assert!(said.contains("holds no index"), "{nothing:?}: {said}");
    }
    assert_eq!(index(&["good.md"]).0, Some(0));
    assert_eq!(index(&["empty", "--rebuild"]).0, Some(1));
    let (_, said) = run(&["search", "补缴", "--index", "idx"]);
    assert!(said.contains("断缴可以补缴"), "{said}");
}

#[test]
fn analyze_shows_what_becomes_of_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let shown = json(&baowen(
        folder.path(),
        None,
        &["analyze", "蘭州醫保繳費１１０００元怎麼辦？", "--json"],
    ));
    assert_eq!(shown["normalized"], "兰州医保缴费11000元怎么办?");
    // The protocol's own shape; places count characters.
    let words = shown["words"].as_array().unwrap();
    let medical = words.iter().find(|w| w["text"] == "医保").unwrap();
    assert_eq!(medical["span"], serde_json::json!({"start": 2, "end": 4}));
    assert!(words.iter().any(|w| w["text"] == "#11000"), "{words:?}");
    assert_eq!(shown["terms"][0]["stream"], "words");
    assert_eq!(shown["regions"][0], "兰州");
    assert!(
        shown["dropped"].as_array().unwrap().iter().any(|w| w == "怎么办"),
        "{shown}"
    );
}

#[test]
fn eval_prints_its_report_and_writes_a_run_that_other_tools_read() {
    let (Some(data), Some(model)) = (shared(), model_folder()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let dataset = data.join("bench/yibao");
    let report = json(&baowen(
        folder.path(),
        Some(&model),
        &[
            "eval",
            "--dataset",
            dataset.to_str().unwrap(),
            "--run",
            "run.trec",
            "--json",
        ],
    ));
    let ndcg = report["modes"]["hybrid"]["nDCG@10"].as_f64().unwrap();
    assert!(ndcg >= 0.82, "{ndcg}");
    let run = std::fs::read_to_string(folder.path().join("run.trec")).unwrap();
    let lines: Vec<Vec<&str>> = run.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), 26 * 85, "every article is ranked for every question");
    assert!(lines.iter().all(|fields| fields.len() == 6 && fields[1] == "Q0"));
}

#[test]
fn bench_measures_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let server = Server::start(&folder.path().join("index"), None);
    std::fs::write(folder.path().join("q.txt"), "医保断缴怎么办\n生育津贴\n").unwrap();
    let measured = json(&baowen(
        folder.path(),
        None,
        &[
            "bench",
            "--addr",
            &server.address,
            "--queries",
            "q.txt",
            "--concurrency",
            "2",
            "--requests",
            "40",
            "--json",
        ],
    ));
    assert!(measured["latency_ms"]["p50"].as_f64().unwrap() > 0.0, "{measured}");
    assert!(measured["latency_ms"]["p99"].as_f64().unwrap() >= measured["latency_ms"]["p50"].as_f64().unwrap());
    for stage in ["analyze", "embed", "lexical", "dense", "fuse", "assemble"] {
        assert!(measured["stages_ms"][stage]["p50"].is_number(), "{stage} in {measured}");
    }
}

#[test]
fn synonyms_are_measured_and_tune_learns_a_profile_that_search_takes_and_repeats_to_the_byte() {
    let (Some(data), Some(model)) = (shared(), model_folder()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let dataset = data.join("bench/yibao");
    let corpus = dataset.join("corpus.jsonl");
    let unanswerable = root().join("tests/data/answers/unanswerable.txt");
    let run = |args: &[&str]| baowen(folder.path(), Some(&model), args);
    json(&run(&["index", corpus.to_str().unwrap(), "--index", "idx", "--json"]));
    let tune = |out: &str| {
        let tuned = run(&[
            "tune",
            "--dataset",
            dataset.to_str().unwrap(),
            "--unanswerable",
            unanswerable.to_str().unwrap(),
            "--index",
            "idx",
            "--learn",
            "weights,answerable",
            "--out",
            out,
        ]);
        let text = String::from_utf8_lossy(&tuned.stdout).into_owned();
        let error = String::from_utf8_lossy(&tuned.stderr).into_owned();
        assert!(tuned.status.success(), "{error}");
        for part in ["weights: ", "answerable: ", "held out"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        std::fs::read_to_string(folder.path().join(out)).unwrap()
    };
    let lines = folder.path().join("lines.txt");
    std::fs::write(&lines, "# 注\n卡, 社保卡, 医保卡\n此词无人问起, 也无人答\n").unwrap();
    let worth = json(&run(&[
        "synonyms",
        "--dataset",
        dataset.to_str().unwrap(),
        "--index",
        "idx",
        "--file",
        "lines.txt",
        "--json",
    ]));
    assert_eq!(
        (&worth[0]["line"], &worth[1]["line"]),
        (&2.into(), &3.into()),
        "{worth}"
    );
    assert!(worth[0]["sets"]["yibao"]["questions"].as_u64() > Some(0), "{worth}");
    assert_eq!(worth[1]["sets"], serde_json::json!({}), "nobody asks by these words");
    let first = tune("p.json");
    let again = tune("q.json");
    assert_eq!(again.replace("\"q\"", "\"p\""), first, "learning repeats to the byte");
    let learned: serde_json::Value = serde_json::from_str(&first).unwrap();
    let parts = learned["learned"].as_array().unwrap();
    let weights = parts.iter().find(|learned| learned["part"] == "weights").unwrap();
    assert_eq!(weights["from"][0]["set"], "yibao", "{weights}");
    assert_eq!(weights["from"][0]["qrels_sha256"].as_str().unwrap().len(), 64);

    let question = "新农合的卡丢了怎么补";
    let found = json(&run(&[
        "search",
        question,
        "--index",
        "idx",
        "--profile",
        "p.json",
        "--json",
    ]));
    let by_default = json(&run(&["search", question, "--index", "idx", "--json"]));
    assert_ne!(found["provenance"]["weights"], by_default["provenance"]["weights"]);
    std::fs::write(folder.path().join("bad.json"), first.replace("\"words\"", "\"wrods\"")).unwrap();
    let refused = run(&["search", "医保", "--index", "idx", "--profile", "bad.json"]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert!(message.contains("wrods") && message.contains("bad.json"), "{message}");
}
