//! What every engine behind the seam answers alike, to the last bit of each score: after upserts, updates, deletes,
//! work taken back and a reopening; by every mode and fusion, with filters, pages, groups and explanations.
//!
//! The same steps are taken with each engine, and all that it answers is compared with what the first one answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use baowen::article::source::{Source, SourceKind};
use baowen::compute::Budget;
use baowen::error::Fault;
use baowen::index::ingest::Ingest;
use baowen::index::{Backend, EmbeddedIndex, LexicalQuery, Runs, Snapshot, SourceRun, Writer};
use baowen::model::{Article, ArticleKind, Filter};
use baowen::search::Engine;
use baowen::search::browse::similar;
use baowen::search::request::{FusionMethod, FusionRequest, Grouping, Mode, SearchRequest};
use baowen::search::response::Hit;
use baowen::text::Signature;

use crate::support::{article, rules};
use crate::tiny::Tiny;

const PLACES: [&str; 4] = ["浙江杭州", "宁波", "甘肃兰州", ""];
const TOPICS: [&str; 6] = [
    "居民医保缴费标准为每人每年400元",
    "职工医保断缴三个月以内补缴，待遇不中断",
    "异地就医要先备案，未备案的报销比例降低10%",
    "白内障手术的报销比例是多少，起付线怎么算",
    "新生儿出生后九十天内参保缴费",
    "等待期九十天，等待期内确诊不赔",
];
const QUESTIONS: [&str; 6] = [
    "杭州居民医保2023年缴费多少钱",
    "医保断缴了怎么办",
    "兰州异地就医报销比例",
    "白内障等待期",
    "新生儿参保",
    "没有这样的词儿 xyzzy",
];

/// Everything that an engine says at one step, by what was asked.
pub type Said = BTreeMap<String, String>;

fn an_article(i: usize, edition: usize) -> Article {
    let (place, topic) = (PLACES[i % 4], TOPICS[(i * 5 + edition) % 6]);
    let title = match i % 3 {
        0 => format!("{place}{}年{}", 2020 + i % 6, &topic[..12]),
        _ => String::new(),
    };
    // Some are long enough for several passages.
    let text = (0..1 + i % 7 * (i % 5) * 3)
        .map(|n| {
            format!(
                "{place}第{n}条：{}，{}年起执行。",
                TOPICS[(i + n) % 6],
                2020 + (i + n) % 6
            )
        })
        .collect::<Vec<_>>()
        .join("\n");
    Article {
        source: (!i.is_multiple_of(5)).then(|| format!("{}站", i % 5)),
        published: (!i.is_multiple_of(4)).then(|| format!("2025-0{}-1{}", i % 4, i % 9).parse().unwrap()),
        kind: if i.is_multiple_of(3) {
            ArticleKind::Summary
        } else {
            ArticleKind::Full
        },
        url: i.is_multiple_of(2).then(|| format!("https://example.org/{i}")),
        ..article(&format!("a{i:03}"), &title, &format!("{topic}。\n{text}"))
    }
}

/// One in so many of the requests.
fn requests(one_in: usize) -> Vec<SearchRequest> {
    let mut requests = Vec::new();
    for (at, question) in QUESTIONS.iter().enumerate() {
        let request = || SearchRequest {
            // As many as there are: where a list is cut is an engine's own.
            candidates: Some(2_000),
            top_k: Some(200),
            explain: true,
            ..SearchRequest::new(*question)
        };
        for mode in [Mode::Hybrid, Mode::Lexical, Mode::Dense] {
            for grouping in [Grouping::Article, Grouping::Passage] {
                requests.push(SearchRequest {
                    mode,
                    grouping,
                    ..request()
                });
            }
        }
        for method in [FusionMethod::Convex, FusionMethod::Rrf] {
            let fusion = FusionRequest {
                method,
                ..FusionRequest::default()
            };
            requests.push(SearchRequest { fusion, ..request() });
        }
        for offset in [0, 7, 14, 1_000] {
            requests.push(SearchRequest {
                offset,
                top_k: Some(7),
                ..request()
            });
        }
        let strings = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect();
        let filters = [
            Filter {
                article_ids: strings(&["a003", "a004", "nobody"]),
                ..Filter::default()
            },
            Filter {
                sources: strings(&["1站", "2站"]),
                ..Filter::default()
            },
            Filter {
                regions: strings(&["浙江"]),
                ..Filter::default()
            },
            Filter {
                regions: strings(&["杭州", "兰州"]),
                years: vec![2021, 2024],
                ..Filter::default()
            },
            Filter {
                published_from: "2025-02-11".parse().ok(),
                ..Filter::default()
            },
            Filter {
                published_from: "2025-01-01".parse().ok(),
                published_to: "2025-02-15".parse().ok(),
                sources: strings(&["3站"]),
                ..Filter::default()
            },
            Filter {
                kinds: vec![ArticleKind::Summary],
                ..Filter::default()
            },
            Filter {
                kinds: vec![ArticleKind::Full, ArticleKind::Summary],
                years: vec![2023],
                ..Filter::default()
            },
            Filter {
                sources: strings(&["没有这站"]),
                ..Filter::default()
            },
        ];
        requests.push(SearchRequest {
            filter: filters[at % filters.len()].clone(),
            ..request()
        });
        requests.push(SearchRequest {
            filter: filters[(at + 3) % filters.len()].clone(),
            ..request()
        });
        requests.push(SearchRequest {
            filter: filters[filters.len() - 1].clone(),
            ..request()
        });
    }
    requests.into_iter().step_by(one_in).collect()
}

/// A hit with its floats to the last bit.
fn written(hit: &Hit) -> String {
    format!("{:08x} {hit:?}", hit.score.to_bits())
}

/// What an engine says of what it holds, asked one in so many of all requests.
#[cfg(feature = "milvus")]
pub fn everything(backend: &Arc<dyn Backend>, one_in: usize) -> Said {
    all_of(backend, one_in)
}

/// Asks everything.
fn all_of(backend: &Arc<dyn Backend>, one_in: usize) -> Said {
    let mut said = Said::new();
    let snapshot = backend.snapshot().unwrap();
    let about = snapshot.about();
    said.insert(
        "counts".into(),
        format!("{} articles, {} passages", about.articles, about.passages),
    );
    let ids = snapshot.article_ids(Budget::single()).unwrap();
    assert_eq!(ids.len() as u64, about.articles);
    for id in ids.iter().map(String::as_str).step_by(one_in).chain(["nobody"]) {
        said.insert(
            format!("article {id}"),
            format!("{:?}", snapshot.article(id, Budget::single()).unwrap()),
        );
        said.insert(
            format!("passages {id}"),
            format!("{:?}", snapshot.passages(id, Budget::single()).unwrap()),
        );
    }
    let mut titles: Vec<(String, String)> = Vec::new();
    let each = &mut |id: &str, title: &str| {
        titles.push((id.to_owned(), title.to_owned()));
        Ok(())
    };
    snapshot.titles(Budget::single(), each).unwrap();
    titles.sort();
    said.insert("titles".into(), format!("{titles:?}"));
    for id in ids.iter().step_by(7) {
        let like = similar(
            snapshot.clone(),
            &rules().analyzer,
            id,
            Some(5),
            &Filter::default(),
            Budget::single(),
        );
        said.insert(format!("similar {id}"), format!("{:?}", like.unwrap()));
    }
    let holding = snapshot
        .holding(&["医保", "断缴", "保", "浙江", "xyzzy", "医宝", ""], Budget::single())
        .unwrap();
    said.insert("holding".into(), format!("{holding:?}"));
    judging_is_alone_what_it_is_together(&snapshot);
    let rules = rules();
    let engine = Engine::new(backend.clone(), rules.analyzer, rules.embedder);
    for request in requests(one_in) {
        let response = engine.search(&request, Budget::all()).unwrap();
        assert_eq!(response.degraded, None);
        let hits: Vec<String> = response.hits.iter().map(written).collect();
        let count = snapshot.count(&request.filter, Budget::single()).unwrap();
        let facets = snapshot.facets(&request.filter, Budget::single()).unwrap();
        let passing = snapshot.passing(&request.filter, Budget::single()).unwrap();
        assert_eq!(passing.len() as u64, facets.articles, "counted as they are listed");
        assert_eq!(passing.values().sum::<u64>(), count, "counted as they are let through");
        said.insert(format!("passing {:?}", request.filter), format!("{passing:?}"));
        let wholly = snapshot.wholly(&request.filter, Budget::single()).unwrap();
        assert!(wholly.iter().all(|id| passing.contains_key(id)));
        said.insert(format!("wholly {:?}", request.filter), format!("{wholly:?}"));
        said.insert(format!("facets {:?}", request.filter), format!("{facets:?}"));
        said.insert(
            format!("{request:?}"),
            format!(
                "{} candidates of {count}, {:?}\n{}",
                response.candidates,
                response.missing,
                hits.join("\n")
            ),
        );
    }
    said
}

/// What a passage is worth does not depend on what is judged with it, nor on how many threads judge; nobody is waited
/// for in vain.
fn judging_is_alone_what_it_is_together(snapshot: &Arc<dyn Snapshot>) {
    let rules = rules();
    let analysed = rules.analyzer.query(QUESTIONS[0]);
    let question = Arc::new(LexicalQuery {
        words: analysed.words,
        bigrams: analysed.bigrams,
        regions: analysed.regions,
        years: vec![2023],
    });
    let vector = rules
        .embedder
        .unwrap()
        .embed_queries(&[QUESTIONS[0]], Budget::single())
        .unwrap()
        .remove(0);
    let dense = Some(&*vector);
    let ask = |budget| snapshot.clone().ask(question.clone(), &Filter::default(), budget);
    let (one, two) = (Budget::single(), Budget::single().with_threads(2));
    let asked = ask(one).unwrap();
    let found = asked.dense(&vector, 1_000, None, one).unwrap();
    let passages: Vec<_> = found.iter().map(|candidate| candidate.passage).collect();
    let together = asked.judge(dense, &passages, one).unwrap();
    assert_eq!(asked.judge(dense, &passages, two).unwrap(), together);
    let windows = asked.windows(&vector, &passages).unwrap();
    for ((&passage, together), windows) in passages.iter().zip(&together).zip(windows).step_by(11) {
        // The nearest window is the one that the score knows.
        let nearest = windows.into_iter().max_by(f32::total_cmp);
        assert!(nearest.is_none_or(|nearest| nearest == together.evidence.window));
        assert_eq!(asked.judge(dense, &[passage], one).unwrap(), [*together]);
        let stored = asked.fetch(&[passage], one).unwrap().remove(0);
        let key = asked.keys(&[passage]).unwrap().remove(0);
        assert_eq!((&*key.article, key.ordinal), (&*stored.article_id, together.ordinal));
        let signature = Signature::new(&stored.title, &stored.text);
        assert_eq!(asked.signatures(&[passage]).unwrap(), [signature]);
        let terms = asked.explain(&[passage], one).unwrap().remove(0);
        let lexical = together.evidence.words + together.evidence.bigrams;
        let sum: f32 = terms.iter().map(|term| term.score).sum();
        assert!((sum - lexical).abs() < 1e-4 * lexical.max(1.0) && lexical <= asked.weights().bound());
    }
    let late = one.until(Some(Instant::now()));
    let expired = [
        ("ask", ask(late).err()),
        ("lexical", asked.lexical(10, late).err()),
        ("dense", asked.dense(&vector, 10, None, late).err()),
        ("judge", asked.judge(dense, &passages, late).err()),
    ];
    for (call, error) in expired.into_iter().filter(|_| !passages.is_empty()) {
        assert_eq!(error.map(|error| error.fault()), Some(Fault::Deadline), "{call}");
    }
}

/// Takes an engine through its life, and keeps what it says at every step, asked one in so many requests. `reopen`
/// leaves it and opens it again.
pub fn life(
    mut backend: Arc<dyn Backend>,
    one_in: usize,
    reopen: impl Fn(Arc<dyn Backend>) -> Arc<dyn Backend>,
) -> Vec<(&'static str, Said)> {
    let mut steps = Vec::new();
    let mut step = |name, backend: &Arc<dyn Backend>| steps.push((name, all_of(backend, one_in)));
    let range = |range: std::ops::Range<usize>, edition| range.map(|i| an_article(i, edition)).collect::<Vec<_>>();
    step("empty", &backend);
    {
        let ingest = Ingest::new(backend.clone().writer().unwrap(), rules());
        let busy = backend.clone().writer().err().map(|error| error.fault());
        assert_eq!(busy, Some(Fault::Precondition), "one writer at a time");
        let put = |articles: Vec<Article>| assert!(ingest.upsert(articles, Budget::all()).iter().all(Result::is_ok));
        put(range(0..60, 0));
        step("nothing is seen before a commit", &backend);
        let before = backend.edition();
        ingest.commit().unwrap();
        assert!(backend.edition() > before);
        step("added", &backend);
        put(range(10..25, 1));
        put(range(60..80, 0));
        assert_eq!(ingest.delete(["a003", "a044", "a070", "nobody"]).unwrap(), 3);
        ingest.commit().unwrap();
        step("updated and deleted", &backend);
        put(range(0..5, 2));
        let mut writer = ingest.into_writer();
        let run = SourceRun {
            ended: 1_764_000_000,
            added: 3,
            ..SourceRun::default()
        };
        for name in ["lost", "kept"] {
            let (name, root, kind) = (name.to_owned(), String::new(), SourceKind::Given);
            writer.source_table().runs.insert(name.clone(), run.clone());
            writer.sources().give(&Source { name, root, kind }).unwrap();
            if writer.sources().get("kept").is_none() {
                writer.rollback().unwrap();
            }
        }
        writer.commit().unwrap();
        step("taken back", &backend);
        assert_eq!(
            backend.source_table().unwrap().runs,
            Runs::from([("kept".to_owned(), run)])
        );
    }
    let runs = backend.source_table().unwrap().runs;
    backend = reopen(backend);
    assert_eq!(backend.source_table().unwrap().runs, runs);
    step("reopened", &backend);
    let ingest = Ingest::new(backend.clone().writer().unwrap(), rules());
    assert!(ingest.upsert(range(3..4, 0), Budget::all()).iter().all(Result::is_ok));
    let gone: Vec<String> = (10..25).map(|i| format!("a{i:03}")).collect();
    ingest.delete(gone.iter().map(String::as_str)).unwrap();
    ingest.commit().unwrap();
    step("one is back, fifteen are gone", &backend);
    steps
}

/// Compares what two engines said of everything; how many lines it was.
pub fn compare(expected: &[(&str, Said)], found: &[(&str, Said)]) -> usize {
    let mut lines = 0;
    for ((step, expected), (_, found)) in expected.iter().zip(found) {
        for (asked, answer) in expected {
            lines += answer.lines().count();
            assert_eq!(found.get(asked), Some(answer), "{step}: {asked}");
        }
        assert_eq!(found.len(), expected.len(), "{step}");
    }
    lines
}

#[test]
fn engines_answer_alike() {
    let identity = rules().identity();
    let folder = tempfile::tempdir().unwrap();
    let index = EmbeddedIndex::create(folder.path(), &identity).unwrap();
    let embedded = life(index, 1, |index| {
        drop(index);
        EmbeddedIndex::open(folder.path()).unwrap()
    });
    let tiny = life(Tiny::new(identity), 1, |tiny| tiny);
    let hits = compare(&embedded, &tiny);
    assert!(hits > 10_000, "{hits} lines: too little was asked");
    assert!(
        embedded[2].1["counts"].starts_with("60 articles"),
        "{}",
        embedded[2].1["counts"]
    );
}
