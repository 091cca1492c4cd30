//! Killed at any moment, an index reopens with exactly the articles of its last finished commit.
//!
//! The victim is this test binary run again with an environment variable set: it indexes and commits in small steps and
//! says so on its standard output; the test kills it with SIGKILL after a random number of microseconds and compares.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use baowen::compute::Budget;
use baowen::index::ingest::Ingest;
use baowen::index::{Backend, EmbeddedIndex};

use crate::support::{article, put, rules};

const VICTIM: &str = "BAOWEN_TEST_VICTIM";
const KILLS: usize = 200;
const PER_COMMIT: usize = 3;

fn generation(commit: usize) -> Vec<baowen::model::Article> {
    // Every commit adds articles and rewrites some earlier ones, so that deletes and merges are in flight as well.
    let fresh = (0..PER_COMMIT).map(|i| {
        article(
            &format!("a{:05}", commit * PER_COMMIT + i),
            "",
            &format!("医保 {commit}"),
        )
    });
    let rewritten =
        (0..commit.min(2)).map(|i| article(&format!("a{:05}", i * PER_COMMIT), "", &format!("改写于 {commit}")));
    fresh.chain(rewritten).collect()
}

/// What an index must hold after `commits` commits: id and text.
fn expected(commits: usize) -> Vec<(String, String)> {
    let mut state = std::collections::BTreeMap::new();
    for commit in 0..commits {
        for article in generation(commit) {
            state.insert(article.id, article.text);
        }
    }
    state.into_iter().collect()
}

/// Not a test of its own: the process that is killed.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let rules = rules();
    let folder = Path::new(&folder);
    let index = EmbeddedIndex::open(folder)
        .or_else(|_| EmbeddedIndex::create(folder, &rules.identity()))
        .expect("victim opens");
    let ingest = Ingest::open(&index, rules).expect("victim writes");
    let held = index.snapshot().unwrap().article_ids(Budget::single()).unwrap().len();
    assert_eq!(held % PER_COMMIT, 0);
    println!("\nopened {}", held / PER_COMMIT);
    for commit in held / PER_COMMIT.. {
        put(&ingest, &generation(commit));
        ingest.commit().expect("victim commits");
        println!("\ncommitted {}", commit + 1);
    }
}

#[test]
fn two_hundred_kills_lose_nothing_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = folder.path().join("complaint");
    let mut random = fastrand::Rng::with_seed(20_250_419);
    let mut finished = 0;
    let mut mid_work = 0;
    for kill in 0..KILLS {
        // Now and then from the very beginning, so that creation is hit too.
        if kill % 40 == 0 {
            let _ = std::fs::remove_dir_all(folder.path().join("index"));
            finished = 0;
        }
        let target = folder.path().join("index");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::victim", "--exact", "--nocapture", "--test-threads=1"])
            .env(VICTIM, &target)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&complaint).unwrap())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (alive, lives) = std::sync::mpsc::channel();
        let reading = std::thread::spawn(move || {
            let mut last = 0;
            for line in out.lines().map_while(Result::ok) {
                let committed = line.strip_prefix("committed ");
                if committed.is_some() || line.starts_with("opened ") {
                    // Nobody listens once the kill is under way.
                    let _ = alive.send(());
                }
                if let Some(n) = committed.and_then(|n| n.parse::<usize>().ok()) {
                    last = last.max(n);
                }
            }
            last
        });
        // One kill in four falls anywhere, mostly into the start; the others wait until the victim has opened its index
        // and made up to two commits, however slow the machine is.
        for _ in 0..if kill % 4 == 0 { 0 } else { random.usize(1..4) } {
            if lives.recv().is_err() {
                let ended = child.wait().unwrap();
                let why = String::from_utf8_lossy(&fs::read(&complaint).unwrap()).into_owned();
                panic!("kill {kill}: the victim ended by itself ({ended}): {why}");
            }
        }
        let most = if kill % 4 == 0 { 400_000 } else { 20_000 };
        std::thread::sleep(Duration::from_micros(random.u64(0..most)));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reading.join().unwrap();
        let known = finished.max(said);
        match EmbeddedIndex::open(&target) {
            Ok(index) => {
                let view = index.snapshot().unwrap();
                let held: Vec<(String, String)> = view
                    .article_ids(Budget::single())
                    .unwrap()
                    .into_iter()
                    .map(|id| {
                        let text = view.article(&id, Budget::single()).unwrap().unwrap().text;
                        (id, text)
                    })
                    .collect();
                // The commit that was being announced when the end came may have finished.
                let commits = held.len() / PER_COMMIT;
                assert!(
                    commits == known || commits == known + 1,
                    "kill {kill}: {commits} commits, {known} known"
                );
                assert_eq!(held, expected(commits), "kill {kill}");
                assert_eq!(
                    index.verify(Budget::all()).unwrap(),
                    Vec::<String>::new(),
                    "kill {kill}"
                );
                mid_work += usize::from(commits > finished);
                finished = commits;
            }
            Err(error) => assert_eq!(known, 0, "kill {kill}: {error}"),
        }
    }
    println!("{mid_work} of {KILLS} kills fell into work that had got somewhere");
    assert!(
        mid_work > 0,
        "no victim lived long enough to commit; the test tested nothing"
    );
}

const BUILDER: &str = "BAOWEN_TEST_BUILDER";

fn with_vectors() -> baowen::index::Rules {
    baowen::index::Rules {
        embedder: Some(std::sync::Arc::new(baowen::embed::HashEmbedder::new(8))),
        ..rules()
    }
}

/// Not a test of its own: the process that is killed while it builds a graph.
#[test]
fn builder() {
    let Some(folder) = std::env::var_os(BUILDER) else {
        return;
    };
    let index = EmbeddedIndex::open(Path::new(&folder)).expect("the builder opens");
    println!("\nopened");
    baowen::index::ingest::maintain::maintain_fully(&index, Budget::all(), &()).expect("the builder builds");
}

/// `BAOWEN_TEST_KILLS=60` for the long run.
#[test]
fn killed_while_it_builds_a_graph_leaves_whole_files_or_none() {
    let kills: usize = std::env::var("BAOWEN_TEST_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let articles: Vec<_> = (0..8_100u64)
        .map(|n| {
            article(
                &format!("a{n}"),
                "",
                &format!("{:x} 医保", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            )
        })
        .collect();
    drop(crate::support::index_of(folder.path(), &with_vectors(), &articles));
    let graphs = folder.path().join("generation-1/graphs");
    let mut random = fastrand::Rng::with_seed(20_261_130);
    let mut whole = Duration::ZERO;
    let (mut unfinished, mut kill) = (0, 0);
    // Until one kill at least has left the graph undone.
    while kill < kills.min(60) || unfinished == 0 {
        kill += 1;
        assert!(kill <= kills + 100, "no kill fell into the building");
        let _ = fs::remove_dir_all(&graphs);
        let begin = Instant::now();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::builder", "--exact", "--nocapture", "--test-threads=1"])
            .env(BUILDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if whole.is_zero() {
            assert!(child.wait().unwrap().success());
            whole = begin.elapsed();
        } else {
            std::thread::sleep(whole.mul_f64(random.f64()));
            let _ = child.kill();
            child.wait().unwrap();
            let is_building = fs::read_dir(&graphs).is_ok_and(|files| files.count() > 0);
            let snapshot = EmbeddedIndex::open(folder.path()).unwrap().snapshot().unwrap();
            unfinished += usize::from(is_building && snapshot.about().graphs == 0);
        }
        let index = EmbeddedIndex::open(folder.path()).unwrap();
        assert_eq!(
            index.verify(Budget::all()).unwrap(),
            Vec::<String>::new(),
            "kill {kill}"
        );
        assert_eq!(index.snapshot().unwrap().about().articles, 8_100);
    }
}

/// What an index holds: its articles by id, and its sources.
type State = (BTreeMap<String, String>, String);

fn state(folder: &Path) -> State {
    let index = EmbeddedIndex::open(folder).unwrap();
    let mut articles = BTreeMap::new();
    index
        .current()
        .articles(Budget::single(), &mut |article| {
            articles.insert(article.id.clone(), serde_json::to_string(&article).unwrap());
            Ok(())
        })
        .unwrap();
    (articles, serde_json::to_string(&index.sources().unwrap()).unwrap())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Edits, deletes, moves and adds files.
fn edit(docs: &Path, random: &mut fastrand::Rng, round: usize) {
    let text = |n: usize| format!("# 第{n}条\n\n第{round}轮：医保断缴三个月内补缴，编号 {n}。\n");
    for n in 0..24 {
        let (here, there) = (docs.join(format!("{n}.md")), docs.join(format!("sub/moved-{n}.md")));
        match random.u8(0..8) {
            0 | 1 => fs::write(&here, text(n)).unwrap(),
            2 => drop(fs::remove_file(&here)),
            3 => drop(fs::remove_file(&there)),
            4 => drop(fs::rename(&here, &there)),
            5 => drop(fs::rename(&there, &here)),
            _ => {}
        }
    }
    let records = (0..12).filter(|_| random.bool()).map(|n| {
        let text = format!("记录 {n}，第 {} 轮", round - round % 3);
        format!("{}\n", serde_json::json!({ "_id": format!("r{n}"), "text": text }))
    });
    let records: String = records.collect();
    fs::write(
        docs.join("records.jsonl"),
        records + "{\"_id\": \"always\", \"text\": \"在\"}\n",
    )
    .unwrap();
}

/// The program is killed while it takes in a folder with edits, deletions and moves and prunes: what is left is one of
/// the commits that the same run makes when nobody kills it, and the next run ends in the state of the folder.
/// `BAOWEN_TEST_KILLS=60` for the long run.
#[test]
fn a_killed_run_over_a_changing_folder_leaves_a_finished_commit() {
    use baowen::index::Rules;
    use baowen::index::ingest::{Progress, run, target::Target};

    struct Recorder<'a>(&'a Path, Mutex<Vec<State>>);
    impl Progress for Recorder<'_> {
        fn committed(&self) {
            self.1.lock().unwrap().push(state(self.0));
        }
    }

    let kills = std::env::var("BAOWEN_TEST_KILLS").map_or(6, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let [docs, idx, copied] = ["docs", "idx", "copied"].map(|name| folder.path().join(name));
    fs::create_dir_all(docs.join("sub")).unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_128);
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
        command
            .args(["index", "--prune", "--no-vectors", "--commit-every", "4"])
            .arg(&docs)
            .arg("--index")
            .arg(&idx)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    edit(&docs, &mut random, 0);
    let started = Instant::now();
    assert!(program().status().unwrap().success());
    let whole = started.elapsed();
    let (mut between, mut kill) = (0, 0);
    // Until one kill at least has fallen into the work.
    while kill < kills || between == 0 {
        kill += 1;
        assert!(
            kill <= kills + 100,
            "no kill fell between the first commit and the last"
        );
        edit(&docs, &mut random, kill);
        // The commits of the run that nobody kills, over a copy.
        let _ = fs::remove_dir_all(&copied);
        copy(&idx, &copied);
        let recorder = Recorder(&copied, Mutex::new(vec![state(&copied)]));
        let rules = Rules {
            embedder: None,
            ..rules()
        };
        let target = Target::open(&copied, &rules, false, Budget::all()).unwrap();
        let request = run::Request {
            paths: vec![docs.clone()],
            prune: true,
            commit_every: 4,
            ..run::Request::default()
        };
        run::run(&target, rules, &request, Budget::all(), &recorder).unwrap();
        target.finish().unwrap();
        let commits = recorder.1.into_inner().unwrap();

        let mut child = program().spawn().unwrap();
        // When it is hit is left to chance; what must hold is the same at every moment.
        std::thread::sleep(whole.mul_f64(random.f64()));
        let _ = child.kill();
        child.wait().unwrap();
        let left = state(&idx);
        let at = commits.iter().position(|commit| *commit == left);
        let at = at.unwrap_or_else(|| panic!("kill {kill} left none of {} commits", commits.len()));
        between += usize::from(at > 0 && at + 1 < commits.len());
        assert_eq!(
            EmbeddedIndex::open(&idx).unwrap().verify(Budget::all()).unwrap(),
            Vec::<String>::new()
        );
        if kill % 2 == 0 {
            assert!(program().status().unwrap().success());
            assert_eq!(
                state(&idx).0,
                commits.last().unwrap().0,
                "kill {kill}: the next run ends in the folder's state"
            );
        }
    }
    println!("{between} of {kill} kills fell between the first commit and the last");
}
