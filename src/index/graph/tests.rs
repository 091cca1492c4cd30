//! Properties of a segment's graph, each named by its test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use ndarray::{ArrayView2, aview2};
use proptest::prelude::*;

use super::*;
use crate::compute::Budget;
use crate::error::Fault;

const SEGMENT: [u8; 16] = *b"0123456789abcdef";

/// A repeatable stream of numbers (xorshift64*), so that no test depends on a generator's version.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// About normal: the sum of 12 uniform numbers less 6.
    fn normal(&mut self) -> f32 {
        (0..12)
            .map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32)
            .sum::<f32>()
            - 6.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
}

/// `rows` vectors of length 1 around `clusters` centres, all sharing a large common part as sentence embeddings do.
pub(super) fn clustered(rows: usize, dim: usize, clusters: usize, seed: u64) -> Vec<f32> {
    let mut stream = Stream(seed);
    let centres: Vec<f32> = (0..clusters * dim).map(|_| 1.5 + stream.normal()).collect();
    let mut out = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let centre = stream.below(clusters) * dim;
        let start = out.len();
        out.extend((0..dim).map(|at| centres[centre + at] + 0.6 * stream.normal()));
        normalise(&mut out[start..]);
    }
    out
}

/// Rows of `dim` values, one after the other, as a matrix.
pub(super) fn matrix(vectors: &[f32], dim: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((vectors.len() / dim, dim), vectors).unwrap()
}

fn made(vectors: &[f32], dim: usize) -> GraphData {
    let (params, cancel) = (GraphParams::default(), AtomicBool::new(false));
    build(Budget::all(), matrix(vectors, dim), &params, &|_| (), &cancel)
        .unwrap()
        .unwrap()
}

/// A question for the `k` nearest rows.
pub(super) fn nearest<'a>(vector: &'a [f32], k: usize, allowed: Option<RowSet<'a>>) -> NearestQuery<'a> {
    NearestQuery {
        vector,
        k,
        allowed,
        budget: Budget::single(),
    }
}

fn search(
    graph: &Graph,
    vectors: &[f32],
    query: NearestQuery<'_>,
    ef: usize,
    scratch: &mut Scratch,
) -> Vec<(f32, u32)> {
    let dim = graph.view().dim;
    graph.search(matrix(vectors, dim), &query, ef, scratch).unwrap()
}

/// Builds, writes and opens.
fn graph(vectors: &[f32], dim: usize) -> (tempfile::TempDir, PathBuf, Graph) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.graph");
    made(vectors, dim).write(&path, SEGMENT).unwrap();
    let graph = Graph::open(&path, SEGMENT, (vectors.len() / dim) as u32, dim).unwrap();
    graph.verify().unwrap();
    (folder, path, graph)
}

/// What scores out of a graph may be off by, where 48 values spread as widely as [`clustered`] makes them.
const NEAR: f32 = 5e-4;

/// The rows of an answer, as a set.
fn rows_of(found: &[(f32, u32)]) -> Vec<u32> {
    let mut rows: Vec<u32> = found.iter().map(|&(_, row)| row).collect();
    rows.sort_unstable();
    rows
}

pub(super) const ROWS: usize = 4000;
pub(super) const DIM: usize = 48;

/// 4,000 clustered rows and their graph, built once.
pub(super) fn sample() -> &'static (Vec<f32>, Graph) {
    static SAMPLE: OnceLock<(Vec<f32>, Graph)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let vectors = clustered(ROWS, DIM, 40, 1);
        // The map outlives the folder.
        let (_folder, _path, graph) = graph(&vectors, DIM);
        (vectors, graph)
    })
}

fn recall(found: &[(f32, u32)], truth: &[(f32, u32)]) -> usize {
    // A row as good as the last of the truth is as right as that one.
    let least = truth.last().map_or(f32::MAX, |last| last.0);
    found.iter().filter(|found| found.0 >= least).count()
}

fn share_found(vectors: &[f32], dim: usize, graph: &Graph, queries: &[f32], allowed: Option<RowSet<'_>>) -> f64 {
    let (mut found, mut all) = (0, 0);
    let mut scratch = Scratch::default();
    for query in queries.chunks_exact(dim) {
        let truth = exact(matrix(vectors, dim), &nearest(query, 10, allowed)).unwrap();
        let mut rows = search(graph, vectors, nearest(query, 10, allowed), DEFAULT_EF, &mut scratch);
        for (score, row) in &mut rows {
            *score = crate::kernel::dot_f32(query, &vectors[*row as usize * dim..][..dim]);
        }
        found += recall(&rows, &truth);
        all += truth.len();
    }
    found as f64 / all as f64
}

fn bits(rows: usize, keep: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut bits = vec![0u64; rows.div_ceil(64)];
    (0..rows)
        .filter(|&row| keep(row))
        .for_each(|row| bits[row / 64] |= 1 << (row % 64));
    bits
}

#[test]
fn recall_on_clustered_vectors_is_as_promised() {
    let (vectors, graph) = sample();
    let queries = clustered(200, DIM, 40, 2);
    let share = share_found(vectors, DIM, graph, &queries, None);
    assert!(share >= 0.98, "{share}");
    let near: Vec<f32> = vectors[..200 * DIM]
        .iter()
        .zip(&queries)
        .map(|(a, b)| a + 0.3 * b)
        .collect();
    let share = share_found(vectors, DIM, graph, &near, None);
    assert!(share >= 0.98, "{share}");
}

#[test]
fn recall_on_real_vectors_is_as_promised() {
    let Some(path) = crate::needed::shared("data/bench/insurance/vectors.npy") else {
        return;
    };
    let bytes = fs::read(path).unwrap();
    let dim = 384;
    let values: Vec<f32> = bytes[128..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let (vectors, queries) = values.split_at(6000 * dim);
    let (_folder, _path, graph) = graph(vectors, dim);
    let share = share_found(vectors, dim, &graph, &queries[..300 * dim], None);
    assert!(share >= 0.98, "{share}");
    let half = bits(6000, |row| row % 2 == 0);
    let share = share_found(
        vectors,
        dim,
        &graph,
        &queries[..300 * dim],
        Some(RowSet::counted(&half, 6000)),
    );
    assert!(share >= 0.98, "{share}");
}

#[test]
fn every_vector_finds_itself_the_last_inserted_too() {
    let (vectors, graph) = sample();
    let mut scratch = Scratch::default();
    for (row, vector) in vectors.chunks_exact(DIM).enumerate() {
        let found = search(graph, vectors, nearest(vector, 1, None), DEFAULT_EF, &mut scratch);
        assert_eq!(found[0].1, row as u32);
    }
}

#[test]
fn scores_are_right_and_in_order() {
    let (vectors, graph) = sample();
    let mut scratch = Scratch::default();
    for query in clustered(50, DIM, 40, 3).chunks_exact(DIM) {
        let found = search(graph, vectors, nearest(query, 20, None), DEFAULT_EF, &mut scratch);
        assert_eq!(found.len(), 20);
        for (score, row) in &found {
            let truth = crate::kernel::dot_f32(query, &vectors[*row as usize * DIM..][..DIM]);
            assert!((score - truth).abs() <= NEAR, "{score} {truth}");
        }
        assert!(
            found
                .windows(2)
                .all(|two| two[0].0 > two[1].0 || two[0].0 == two[1].0 && two[0].1 < two[1].1)
        );
    }
}

/// Three eighths of the memory, and scores within 1e-4 of the real ones; rows with a value beyond the codes' reach
/// are the real ones.
#[test]
fn vectors_are_read_as_they_were_but_for_the_last_bits() {
    let dim = 384;
    // As far from their mean as those of the model: a deviation of 0.0176.
    let mut vectors = clustered(2000, dim, 20, 13);
    for vector in vectors.chunks_exact_mut(dim) {
        vector.iter_mut().for_each(|value| *value += 0.042);
        normalise(vector);
    }
    let mut stream = Stream(14);
    let far: Vec<usize> = (0..20).map(|_| stream.below(2000)).collect();
    for &row in &far {
        vectors[row * dim + stream.below(dim)] += 0.7;
        normalise(&mut vectors[row * dim..][..dim]);
    }
    vectors[..dim].fill(0.0);
    let (_folder, _path, graph) = graph(&vectors, dim);
    let queries = clustered(20, dim, 20, 15);
    let mut reader = VectorReader::new(Some(&graph), matrix(&vectors, dim));
    let mut plain = VectorReader::new(None, matrix(&vectors, dim));
    let mut same = 0;
    for row in 0..2000 {
        let truth = plain.row(row).to_vec();
        let read = reader.row(row);
        for query in queries.chunks_exact(dim).chain([&*truth]) {
            let off = crate::kernel::dot_f32(query, read) - crate::kernel::dot_f32(query, &truth);
            assert!(off.abs() <= 1e-4, "row {row}: {off}");
        }
        same += usize::from(read == truth);
        if row == 0 || far.contains(&(row as usize)) {
            assert_eq!(read, truth, "row {row}");
        }
    }
    assert!(same < 100, "{same} rows were not read from the graph");
    assert!(reader.row(2000).is_empty() && plain.row(2000).is_empty());
    reader.prefetch(2000);
}

#[test]
fn a_wide_search_returns_all_allowed_rows_and_no_other() {
    let (vectors, graph) = sample();
    let mut scratch = Scratch::default();
    for step in [1, 2, 5, 50, 1000, ROWS + 1] {
        let words = bits(ROWS, |row| row % step == step / 2);
        let allowed = RowSet::counted(&words, ROWS);
        let query = nearest(&vectors[..DIM], ROWS + 5, Some(allowed));
        let found = search(graph, vectors, query, ROWS, &mut scratch);
        let truth = exact(matrix(vectors, DIM), &query).unwrap();
        assert_eq!(rows_of(&found), rows_of(&truth), "step {step}");
        let near = |(found, truth): (&(f32, u32), &(f32, u32))| (found.0 - truth.0).abs() <= NEAR;
        assert!(found.iter().zip(&truth).all(near), "step {step}");
        assert_eq!(found.len(), allowed.count());
    }
}

#[test]
fn filters_of_any_share_and_place_keep_recall() {
    let (vectors, graph) = sample();
    let queries = clustered(60, DIM, 40, 4);
    let mut stream = Stream(9);
    let marks: Vec<usize> = (0..ROWS).map(|_| stream.below(1000)).collect();
    let mut far: Vec<(f32, usize)> = vectors
        .chunks_exact(DIM)
        .enumerate()
        .map(|(row, v)| (crate::kernel::dot_f32(v, &queries[..DIM]), row))
        .collect();
    far.sort_by(|a, b| a.0.total_cmp(&b.0));
    for share in [5, 20, 50, 100, 200, 400, 800, 990] {
        let words = bits(ROWS, |row| marks[row] < share);
        let found = share_found(vectors, DIM, graph, &queries, Some(RowSet::counted(&words, ROWS)));
        // A scan meets them all, but out of 12 bits near ties may fall otherwise.
        assert!(
            found >= if share <= 20 { 0.99 } else { 0.98 },
            "random {share}: {found}"
        );
        // The rows farthest from the first query: a filter that leaves nothing near it.
        let mut words = vec![0u64; ROWS.div_ceil(64)];
        far[..ROWS * share / 1000]
            .iter()
            .for_each(|(_, row)| words[row / 64] |= 1 << (row % 64));
        let found = share_found(
            vectors,
            DIM,
            graph,
            &queries[..DIM],
            Some(RowSet::counted(&words, ROWS)),
        );
        assert!(found >= 0.8, "far {share}: {found}");
    }
}

#[test]
fn builds_on_any_number_of_threads_give_the_same_bytes() {
    // More rows than the threads are given at a time, and in copies, so that there are ties.
    let mut vectors = clustered(5000, 24, 10, 5);
    vectors.extend_from_within(..24 * 500);
    let folder = tempfile::tempdir().unwrap();
    let write = |threads: usize, name: &str| {
        let path = folder.path().join(name);
        let (params, cancel) = (GraphParams::default(), AtomicBool::new(false));
        let budget = Budget::all().with_threads(threads);
        let data = build(budget, matrix(&vectors, 24), &params, &|_| (), &cancel);
        data.unwrap().unwrap().write(&path, SEGMENT).unwrap();
        fs::read(path).unwrap()
    };
    let one = write(1, "a");
    for threads in [1, 2, 3, 7] {
        assert!(write(threads, "b") == one, "{threads} threads");
    }
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "a temporary file stayed: {names:?}");
}

#[test]
fn tiny_segments_work() {
    for rows in 0..=5usize {
        let vectors = clustered(rows, 3, 2, 6);
        let (_folder, _path, graph) = graph(&vectors, 3);
        let mut scratch = Scratch::default();
        for k in [0, 1, 3, 100] {
            let query = [0.6, 0.0, 0.8];
            let found = search(&graph, &vectors, nearest(&query, k, None), 10, &mut scratch);
            let truth = exact(matrix(&vectors, 3), &nearest(&query, k, None)).unwrap();
            assert_eq!(rows_of(&found), rows_of(&truth), "{rows} rows, k {k}");
            assert_eq!(found.len(), k.min(rows));
        }
    }
}

#[test]
fn odd_queries_and_widths_find_nothing_or_something_but_do_not_panic() {
    let (vectors, graph) = sample();
    let mut scratch = Scratch::default();
    let mut search = |query: &[f32], k, ef| search(graph, vectors, nearest(query, k, None), ef, &mut scratch).len();
    assert_eq!(search(&[f32::NAN; DIM], 5, 50), 0);
    assert_eq!(search(&[f32::INFINITY; DIM], 5, 50), 0);
    assert_eq!(search(&[0.5; DIM - 1], 5, 50), 0);
    assert_eq!(search(&[], 5, 50), 0);
    assert_eq!(search(&[0.0; DIM], 5, 50), 5);
    assert_eq!(search(&[1e30; DIM], 5, 0), 5);
    assert_eq!(search(&[-1e-40; DIM], 5, 1), 5);
    assert_eq!(search(&[0.1; DIM], usize::MAX, usize::MAX), ROWS);
}

#[test]
fn copies_of_a_vector_do_not_hide_the_others() {
    let dim = 16;
    let mut vectors = clustered(4000, dim, 9, 7);
    let copy = vectors[..dim].to_vec();
    for row in 100..1400 {
        vectors[row * dim..(row + 1) * dim].copy_from_slice(&copy);
    }
    let (_folder, _path, graph) = graph(&vectors, dim);
    let mut scratch = Scratch::default();
    for vector in vectors.chunks_exact(dim) {
        let found = search(&graph, &vectors, nearest(vector, 1, None), DEFAULT_EF, &mut scratch);
        assert!((found[0].0 - crate::kernel::dot_f32(vector, vector)).abs() <= NEAR);
    }
    let equal = copy.repeat(3000);
    let (_folder, _path, graph) = self::graph(&equal, dim);
    assert_eq!(
        search(&graph, &equal, nearest(&copy, 10, None), 64, &mut scratch).len(),
        10
    );
}

#[test]
fn vectors_not_of_length_one_or_not_numbers_build_without_panic() {
    let mut vectors = clustered(300, 8, 3, 8);
    vectors.iter_mut().step_by(7).for_each(|x| *x *= 3.0);
    vectors[80..88].fill(f32::NAN);
    vectors[160..168].fill(0.0);
    let (_folder, _path, graph) = graph(&vectors, 8);
    let found = search(
        &graph,
        &vectors,
        nearest(&vectors[..8], 5, None),
        64,
        &mut Scratch::default(),
    );
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|(score, row)| score.is_finite() && *row != 10));
}

#[test]
fn a_build_reports_progress_and_can_be_cancelled() {
    let vectors = clustered(600, 8, 3, 8);
    // In each of the build's steps.
    for stop in [0, 60, 256, 450] {
        let last = std::cell::Cell::new(0);
        let cancel = AtomicBool::new(false);
        let progress = |rows| {
            assert!(rows >= last.replace(rows));
            if rows >= stop {
                cancel.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let built = build(
            Budget::all(),
            matrix(&vectors, 8),
            &GraphParams::default(),
            &progress,
            &cancel,
        );
        assert!(built.unwrap().is_none(), "{stop}");
        assert!((stop..600).contains(&last.get()), "{stop}: {}", last.get());
    }
    let last = std::cell::Cell::new(0);
    let progress = |rows| assert!(rows >= last.replace(rows));
    let never = AtomicBool::new(false);
    build(
        Budget::all(),
        matrix(&vectors, 8),
        &GraphParams::default(),
        &progress,
        &never,
    )
    .unwrap();
    assert_eq!(last.get(), 600);
    let bad = |vectors: ArrayView2<'_, f32>, m, ef_construction| {
        let params = GraphParams { m, ef_construction };
        build(Budget::all(), vectors, &params, &|_| (), &AtomicBool::new(false))
            .err()
            .unwrap()
            .fault()
    };
    assert_eq!(bad(matrix(&vectors, 8).reversed_axes(), 16, 200), Fault::Bug);
    assert_eq!(bad(aview2(&[[0.0; 0]; 4]), 16, 200), Fault::Bug);
    assert_eq!(bad(matrix(&vectors, 8), 1, 200), Fault::Bug);
    assert_eq!(bad(matrix(&vectors, 8), 65, 200), Fault::Bug);
    assert_eq!(bad(matrix(&vectors, 8), 16, 0), Fault::Bug);
}

#[test]
fn a_foreign_missing_or_cut_file_is_an_error_with_its_path() {
    let vectors = clustered(200, 8, 3, 10);
    let (folder, path, _graph) = graph(&vectors, 8);
    let check = |path: &Path, segment: [u8; 16], rows: u32, dim: usize, expected: Fault| {
        let error = Graph::open(path, segment, rows, dim).err().unwrap();
        assert_eq!(error.fault(), expected, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    };
    check(&folder.path().join("none"), SEGMENT, 200, 8, Fault::Missing);
    check(&path, [0; 16], 200, 8, Fault::Corrupt);
    check(&path, SEGMENT, 201, 8, Fault::Corrupt);
    check(&path, SEGMENT, 200, 9, Fault::Corrupt);
    let bytes = fs::read(&path).unwrap();
    let other = folder.path().join("other");
    for length in [0, 1, 8, 255, 256, 257, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&other, &bytes[..length]).unwrap();
        check(&other, SEGMENT, 200, 8, Fault::Corrupt);
    }
    fs::write(&other, [&bytes[..], &[0]].concat()).unwrap();
    check(&other, SEGMENT, 200, 8, Fault::Corrupt);
    let nowhere = folder.path().join("no folder").join("a");
    let error = made(&vectors, 8).write(&nowhere, SEGMENT).unwrap_err();
    assert_eq!(error.fault(), Fault::Unavailable);
}

#[test]
fn a_graph_of_another_version_is_refused() {
    let vectors = clustered(60, 4, 3, 11);
    let (_folder, path, _graph) = graph(&vectors, 4);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 1;
    let sum = xxhash_rust::xxh3::xxh3_64(&bytes[..248]);
    bytes[248..256].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = Graph::open(&path, SEGMENT, 60, 4).err().unwrap();
    assert_eq!(error.fault(), Fault::Corrupt);
    assert!(error.to_string().contains("version 1, this program reads 4"), "{error}");
}

#[test]
fn each_changed_byte_is_detected() {
    let vectors = clustered(60, 4, 3, 11);
    let (folder, path, _graph) = graph(&vectors, 4);
    let bytes = fs::read(&path).unwrap();
    let other = folder.path().join("other");
    for at in (0..256).chain((256..bytes.len()).step_by(37)) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&other, changed).unwrap();
        let fault = Graph::open(&other, SEGMENT, 60, 4)
            .and_then(|graph| graph.verify())
            .err()
            .map(|e| e.fault());
        assert_eq!(fault, Some(Fault::Corrupt), "byte {at}");
    }
}

#[test]
fn a_plan_scans_what_is_little_and_walks_what_is_much() {
    let check =
        |rows, allowed, k, ef, expected| assert_eq!(plan(rows, allowed, k, ef), expected, "{rows} {allowed} {k}");
    check(0, 0, 10, 80, Plan::Exact);
    check(2000, 2000, 10, 80, Plan::Exact);
    check(100_000, 100_000, 10, 80, Plan::Graph { ef: 80, bridges: 0 });
    check(100_000, 100_000, 10, 0, Plan::Graph { ef: 10, bridges: 0 });
    check(100_000, 99_999, 10, 80, Plan::Graph { ef: 80, bridges: 40 });
    check(100_000, 20_000, 10, 80, Plan::Graph { ef: 42, bridges: 66 });
    check(100_000, 2_000, 10, 80, Plan::Exact);
    check(100_000, 0, 10, 80, Plan::Exact);
    check(1_000_000, 50_000, 10, 80, Plan::Graph { ef: 26, bridges: 311 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A file whose body is damaged opens (only the header is read), and then no search may panic or return a row that
    /// does not exist or is not allowed.
    #[test]
    fn a_damaged_body_never_panics(seed in any::<u64>(), changes in 1usize..200) {
        static BYTES: OnceLock<(Vec<f32>, Vec<u8>)> = OnceLock::new();
        let (vectors, bytes) = BYTES.get_or_init(|| {
            let vectors = clustered(3000, 6, 5, 12);
            let (_folder, path, _graph) = graph(&vectors, 6);
            (vectors, fs::read(path).unwrap())
        });
        let mut stream = Stream(seed | 1);
        let mut damaged = bytes.clone();
        for _ in 0..changes {
            let at = 256 + stream.below(bytes.len() - 256);
            damaged[at] = stream.next() as u8;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        fs::write(&path, damaged).unwrap();
        let graph = Graph::open(&path, SEGMENT, 3000, 6).unwrap();
        let words = bits(3000, |row| row % 2 == 0);
        let mut scratch = Scratch::default();
        for allowed in [None, Some(RowSet::counted(&words, 3000))] {
            for (score, row) in search(&graph, vectors, nearest(&vectors[..6], 10, allowed), 64, &mut scratch) {
                prop_assert!(row < 3000 && !score.is_nan());
                prop_assert!(allowed.is_none_or(|allowed| allowed.contains(row)));
            }
        }
    }

    /// RowSet counts, contains and lists the same rows, those below its end.
    #[test]
    fn a_set_of_allowed_rows_agrees_with_itself(words in prop::collection::vec(any::<u64>(), 0..5), rows in 0usize..300) {
        let allowed = RowSet::counted(&words, rows);
        let listed: Vec<u32> = allowed.rows(rows).collect();
        let expected: Vec<u32> = (0..rows as u32)
            .filter(|&row| words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1))
            .collect();
        prop_assert_eq!(allowed.count(), expected.len());
        prop_assert_eq!(&listed, &expected);
        prop_assert!(expected.iter().all(|&row| allowed.contains(row)));
    }
}
