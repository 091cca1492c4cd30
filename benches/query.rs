//! What each part of a question costs, one after the other on one thread (but for the whole query, which looks words up
//! beside vectors):
//!
//! ```sh
//! cargo bench --bench query                                   # 10,000 generated passages
//! BAOWEN_BENCH_DATA=DIR BAOWEN_BENCH_INDEX=INDEX cargo bench --bench query
//! ```

mod data;

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use baowen::compute::Budget;
use baowen::embed::Embedder;
use baowen::index::{Asked as Bound, Backend, EmbeddedIndex, Judged, LexicalQuery, PassageRef, Snapshot};
use baowen::model::Filter;
use baowen::search::Ranking;
use baowen::search::request::SearchRequest;
use baowen::search::{DEFAULT_CANDIDATES, Engine};
use divan::Bencher;

use data::Data;

/// A question and what each step makes of it, so that every step can be measured by itself.
struct Asked {
    text: String,
    vector: Vec<f32>,
    query: LexicalQuery,
    union: Vec<PassageRef>,
    judged: Vec<Judged>,
}

struct Bench {
    data: Data,
    engine: Engine,
    snapshot: Arc<dyn Snapshot>,
    /// The same index without its graphs.
    scanned: Arc<dyn Snapshot>,
    _folder: tempfile::TempDir,
    asked: Vec<Asked>,
    next: AtomicUsize,
}

static BENCH: OnceLock<Bench> = OnceLock::new();

fn main() {
    match prepare() {
        Ok(bench) => {
            let stats = bench.snapshot.about();
            println!(
                "{} passages, {} segments ({} with a graph), {} questions in turn",
                stats.passages,
                stats.segments,
                stats.graphs,
                bench.asked.len()
            );
            let _ = BENCH.set(bench);
            divan::main();
        }
        Err(error) => println!("skipped: {error}"),
    }
}

fn prepare() -> baowen::error::Result<Bench> {
    let data = Data::open(None, None)?;
    let snapshot = data.index.snapshot()?;
    let folder = tempfile::tempdir().map_err(|e| baowen::error::Error::unavailable(e.to_string()))?;
    let scanned = without_graphs(&data, folder.path())?;
    let mut asked = Vec::new();
    for (text, vector) in &data.questions {
        let analysed = data.analyzer.query(text);
        let query = LexicalQuery {
            words: analysed.words,
            bigrams: analysed.bigrams,
            regions: analysed.regions,
            years: data.analyzer.years(text, None),
        };
        let bound = ask(&snapshot, &query)?;
        let lexical = bound.lexical(DEFAULT_CANDIDATES, Budget::single())?;
        let dense = bound.dense(vector, DEFAULT_CANDIDATES, None, Budget::single())?;
        let mut union: Vec<PassageRef> = lexical.iter().chain(&dense).map(|c| c.passage).collect();
        union.sort_unstable();
        union.dedup();
        let judged = bound.judge(Some(vector), &union, Budget::single())?;
        drop(bound);
        asked.push(Asked {
            text: text.clone(),
            vector: vector.clone(),
            query,
            union,
            judged,
        });
    }
    Ok(Bench {
        engine: data.engine()?,
        data,
        snapshot,
        scanned,
        _folder: folder,
        asked,
        next: AtomicUsize::new(0),
    })
}

/// Everything of an index but what is derived.
fn without_graphs(data: &Data, folder: &std::path::Path) -> baowen::error::Result<Arc<dyn Snapshot>> {
    let doing =
        |cause: std::io::Error| baowen::error::Error::unavailable(format!("{}: {cause}", data.folder.display()));
    let generation = std::fs::read_to_string(data.folder.join("current")).map_err(doing)?;
    // Its checksum stands on the second line.
    let generation = generation.lines().next().unwrap_or_default();
    let from = data.folder.join(generation).join("segments");
    let to = folder.join("generation-1").join("segments");
    std::fs::create_dir_all(&to).map_err(doing)?;
    std::fs::write(folder.join("current"), "generation-1").map_err(doing)?;
    for entry in std::fs::read_dir(&from).map_err(doing)? {
        let entry = entry.map_err(doing)?;
        let target = to.join(entry.file_name());
        if std::fs::hard_link(entry.path(), &target).is_err() {
            std::fs::copy(entry.path(), &target).map_err(doing)?;
        }
    }
    EmbeddedIndex::open(folder)?.snapshot()
}

/// A question without a filter.
fn ask(snapshot: &Arc<dyn Snapshot>, query: &LexicalQuery) -> baowen::error::Result<Arc<dyn Bound>> {
    let query = Arc::new(query.clone());
    Arc::clone(snapshot).ask(query, &Filter::default(), Budget::single())
}

/// Measures a step on one question after the other.
fn each<T>(bencher: Bencher, step: impl Fn(&Bench, &Asked) -> T + Sync) {
    let bench = BENCH.get().expect("main prepares before it measures");
    bencher
        .with_inputs(|| &bench.asked[bench.next.fetch_add(1, Ordering::Relaxed) % bench.asked.len()])
        .bench_refs(|asked| black_box(step(bench, asked)));
}

#[divan::bench]
fn a_analyze(bencher: Bencher) {
    each(bencher, |bench, asked| bench.data.analyzer.query(&asked.text));
}

#[divan::bench]
fn b_embed(bencher: Bencher) {
    each(bencher, |bench, asked| {
        bench.data.model.embed_queries(&[&asked.text], Budget::all())
    });
}

#[divan::bench]
fn c_lexical(bencher: Bencher) {
    each(bencher, |bench, asked| {
        ask(&bench.snapshot, &asked.query)?.lexical(DEFAULT_CANDIDATES, Budget::single())
    });
}

#[divan::bench]
fn d_dense(bencher: Bencher) {
    each(bencher, |bench, asked| {
        let bound = ask(&bench.snapshot, &LexicalQuery::default())?;
        bound.dense(&asked.vector, DEFAULT_CANDIDATES, None, Budget::single())
    });
}

#[divan::bench]
fn e_dense_exact(bencher: Bencher) {
    each(bencher, |bench, asked| {
        let bound = ask(&bench.scanned, &LexicalQuery::default())?;
        bound.dense(&asked.vector, DEFAULT_CANDIDATES, None, Budget::single())
    });
}

#[divan::bench]
fn f_evidence(bencher: Bencher) {
    each(bencher, |bench, asked| {
        let bound = ask(&bench.snapshot, &asked.query)?;
        bound.judge(Some(&asked.vector), &asked.union, Budget::single())
    });
}

#[divan::bench]
fn g_fusion(bencher: Bencher) {
    let weights = Ranking::shipped().weights;
    each(bencher, |_, asked| {
        let mut scores: Vec<f32> = asked
            .judged
            .iter()
            .map(|judged| weights.parts(&judged.evidence).iter().sum())
            .collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores
    });
}

#[divan::bench]
fn h_search_vector_given(bencher: Bencher) {
    each(bencher, |bench, asked| {
        bench
            .engine
            .search(&SearchRequest::new(asked.text.as_str()), Budget::all())
    });
}
