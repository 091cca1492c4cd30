//! The scores of the judged sets that are asked of the whole collections, held by the program's own evaluation.

use std::path::Path;

use serde_json::Value;

use crate::cli::{baowen, json};
use crate::support::{model_folder, root, shared};

/// Everyday questions, shared and our own, over the insurance and the health collections, official letters and laws
/// over their own: nDCG@10, how well `answerable` tells near misses, and how many of the shown sentences answer. A
/// score may move by the tolerance; who makes it better writes down the better one. Vectors are kept from one run to
/// the next, since the first one embeds 11,000 articles.
#[test]
fn the_sets_score_as_expected() {
    let (Some(data), Some(model)) = (shared(), model_folder()) else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sets");
    let _ = std::fs::remove_dir_all(folder.join("idx"));
    std::fs::create_dir_all(&folder).unwrap();
    let bench = data.join("bench");
    let path = |name: &str| bench.join(name).to_str().unwrap().to_owned();
    let run = |args: &[&str]| json(&baowen(&folder, Some(&model), args));
    let (insurance, yibao, civic) = (
        path("insurance/corpus.jsonl"),
        path("yibao/corpus.jsonl"),
        path("civic/corpus.jsonl"),
    );
    run(&["index", &insurance, &yibao, "--index", "idx/lay", "--json"]);
    run(&["index", &civic, "--index", "idx/civic", "--json"]);
    let text = std::fs::read_to_string(root().join("tests/data/expected/sets.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    let ours = root().join("benches/questions/everyday");
    let ours = ours.to_str().unwrap().to_owned();
    for (set, dataset, index) in [
        ("lay", path("lay"), "idx/lay"),
        ("everyday", ours, "idx/lay"),
        ("civic", path("civic"), "idx/civic"),
    ] {
        let report = run(&["eval", "--dataset", &dataset, "--index", index, "--json"]);
        for (pointer, values) in expected[set].as_object().unwrap() {
            let number = |name: &str| values[name].as_f64().unwrap();
            let found = report.pointer(pointer).and_then(Value::as_f64);
            println!("{set} {pointer}: {found:?}");
            if !found.is_some_and(|found| (found - number("is")).abs() <= number("within")) {
                wrong.push(format!("{set} {pointer} is {found:?}, expected {}", number("is")));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
