//! Damaged and random files for every reader of text: none panics, whatever stands in it. Those for documents stand in
//! `documents`.
//!
//! A few cases in each run; 100,000 a reader by `BAOWEN_FUZZ_CASES=100000 cargo test --release --lib fuzz`, where none
//! may take two seconds. To hold memory too, run that under `ulimit -v`.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{ArticleReader, ReadEvent};

fn cases() -> u32 {
    std::env::var("BAOWEN_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(32)
}

/// Parts that formats are made of, so that what is put together often has some shape.
const PARTS: &str = "<(/)?(div|p|table|tr|td rowspan=3|th|ul|li|ol start=3|a href=x|form|button|br|h1|title|script|pre)>\
    |\\{|\\}|\\[|\\]|\"|:|,|\"(_id|id|text|title|date|data|年份|地区)\"|\\|[-:]{3}\\|| \\| |#{1,6} ?|---\n|```|> |[*]{1,2}|&#x4e00;|&amp;\
    |一、|第一条|相关推荐|健康新闻 2025-04-19|2025-05-31 23:20医保知识|某声明:仅供参考|医保断缴[，。]|[0-9]{1,12}|\n|\r\n|\t| {1,4}|\\PC{1,4}";

/// Reads bytes as a file of this name; says how long that took.
fn read(name: &str, bytes: &[u8]) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let started = Instant::now();
    for event in ArticleReader::open(&[path]).unwrap() {
        if let ReadEvent::Article(article) = event {
            super::split(&article, &super::SplitOptions::default());
        }
    }
    started.elapsed()
}

fn check(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let took = read(name, bytes);
    prop_assert!(cases() < 10_000 || took < Duration::from_secs(2), "{name}: {took:?}");
    Ok(())
}

macro_rules! readers {
    ($($test:ident: $name:literal),*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(cases()))]
            $(
                #[test]
                fn $test(text in proptest::string::string_regex(&format!("({PARTS}){{0,80}}")).unwrap(), wild in proptest::collection::vec(any::<u8>(), 0..60), as_bytes in 0u8..4) {
                    match as_bytes {
                        0 => check($name, &wild)?,
                        1 => check($name, &[text.as_bytes(), &wild].concat())?,
                        _ => check($name, text.as_bytes())?,
                    }
                }
            )*
        }
    };
}

readers! {
    any_text_is_survived: "a.txt",
    any_markdown_is_survived: "a.md",
    any_html_is_survived: "a.html",
    any_lines_are_survived: "a.jsonl",
    any_json_is_survived: "a.json",
    any_table_is_survived: "a.csv"
}
