//! The forward index against the postings that it was made of, and against damage.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::embedded::segment::{forward_path, uuid_bytes};
use crate::index::ingest::{Counts, Ingest};
use crate::index::lexical::bound::BoundTerms;
use crate::index::{EmbeddedIndex, LexicalQuery, Rules};
use crate::model::Article;
use crate::text::Analyzer;

const SENTENCES: [&str; 7] = [
    "职工医保断缴三个月以内补缴的，恢复待遇。",
    "白内障手术医保报销比例是多少？",
    "保险条款规定，等待期内确诊不赔。等待期是九十天，等待期从合同生效日起算。",
    "医保，医保，医保，还是医保。",
    "新生儿出生后九十天内参保。",
    "异地就医要先备案，未备案的报销比例降低。",
    "app 里可以查医保余额。",
];

/// An index of one segment whose articles hold the sentences in all sorts of numbers.
fn index(folder: &Path) -> (Arc<EmbeddedIndex>, Arc<Analyzer>) {
    let analyzer = Arc::new(Analyzer::new().unwrap());
    let rules = Rules {
        analyzer: analyzer.clone(),
        embedder: None,
    };
    let articles: Vec<Article> = (0..90usize)
        .map(|i| Article {
            id: format!("a{i:02}"),
            title: if i % 4 == 0 {
                SENTENCES[i % 7].into()
            } else {
                String::new()
            },
            text: (0..i % 5 + 1).map(|j| SENTENCES[(i * 3 + j * j) % 7]).collect(),
            ..Article::default()
        })
        .collect();
    let index = EmbeddedIndex::create(folder, &rules.identity()).unwrap();
    let writer = Ingest::open(&index, rules).unwrap();
    writer
        .upsert(articles, Budget::all())
        .into_iter()
        .collect::<Result<Counts>>()
        .unwrap();
    writer.commit().unwrap();
    writer.into_writer().finish().unwrap();
    index.refresh().unwrap();
    (index, analyzer)
}

fn query(analyzer: &Analyzer, text: &str) -> LexicalQuery {
    let query = analyzer.query(text);
    LexicalQuery {
        words: query.words,
        bigrams: query.bigrams,
        ..LexicalQuery::default()
    }
}

#[test]
fn rows_and_postings_give_the_same_scores() {
    let folder = tempfile::tempdir().unwrap();
    let (index, analyzer) = index(&folder.path().join("index"));
    let snapshot = index.current();
    let evidence = |text: &str, segment: usize| {
        let bound = BoundTerms::bind(snapshot.collection().clone(), &query(&analyzer, text)).unwrap();
        let docs: Vec<u32> = (0..snapshot.segments()[segment].rows).collect();
        let scores = bound.scores(segment, &docs, Budget::single()).unwrap();
        let explained = bound.explain(segment, &[5], Budget::single()).unwrap();
        (scores, explained)
    };
    let questions = ["医保断缴了怎么办", "等待期九十天白内障 app", "没有的词儿", "", "医保"];
    for (number, segment) in snapshot.segments().iter().enumerate() {
        let by_postings: Vec<_> = questions.iter().map(|text| evidence(text, number)).collect();
        let path = folder.path().join(format!("{number}.forward"));
        let id = segment.id();
        write(Budget::all(), &path, uuid_bytes(id), segment.rows, &segment.words).unwrap();
        std::fs::rename(&path, forward_path(folder.path(), id)).unwrap();
        assert!(segment.forward().is_none());
        segment.load_derived(folder.path());
        segment.forward().expect("it was just written").verify().unwrap();
        let by_rows: Vec<_> = questions.iter().map(|text| evidence(text, number)).collect();
        assert_eq!(by_rows, by_postings);
        assert!(
            by_rows[0]
                .0
                .iter()
                .any(|(scores, _)| scores.words > 0.0 && scores.title > 0.0)
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = index(&folder.path().join("index"));
    let snapshot = index.current();
    let segment = &snapshot.segments()[0];
    let (id, rows) = (uuid_bytes(segment.id()), segment.rows);
    let path = folder.path().join("whole");
    write(Budget::all(), &path, id, rows, &segment.words).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8], segment: [u8; 16], rows: u32, expected: &str| {
        let path = folder.path().join("changed");
        std::fs::write(&path, bytes).unwrap();
        let error = Forward::open(&path, segment, rows).err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    check(&whole, [7; 16], rows, "another segment");
    check(&whole, id, rows + 1, "passages");
    check(&whole[..whole.len() - 1], id, rows, "not what its header says");
    check(&whole[..90], id, rows, "too short");
    check(b"", id, rows, "too short");
    check(&changed(0), id, rows, "not a forward index");
    check(&changed(8), id, rows, "version");
    check(&changed(50), id, rows, "checksum");

    // Damage behind the header is found only where everything is read: the file opens, and reading it stays within it.
    for at in (128..whole.len()).step_by(97) {
        std::fs::write(&path, changed(at)).unwrap();
        let forward = Forward::open(&path, id, rows).unwrap();
        assert!(forward.verify().unwrap_err().to_string().contains("checksum"));
        for doc in 0..rows + 3 {
            row::meet(forward.row(doc), &[1; row::TERMS], |_, _| {});
        }
    }
}
