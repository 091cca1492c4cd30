//! Killed at any moment, an index reopens with exactly the articles of its last finished commit.
//!
//! The victim is this test binary run again with an environment variable set: it indexes and commits in small steps and
//! says so on its standard output; the test kills it with SIGKILL after a random number of microseconds and compares.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

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
    let held = index.snapshot().unwrap().article_ids().unwrap().len();
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
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reading = std::thread::spawn(move || {
            let mut last = 0;
            for line in out.lines().map_while(Result::ok) {
                if let Some(n) = line.strip_prefix("committed ").and_then(|n| n.parse::<usize>().ok()) {
                    last = last.max(n);
                }
            }
            last
        });
        // The victim takes most of this to start; the rest falls into opening, writing, committing, merging.
        std::thread::sleep(Duration::from_micros(random.u64(20_000..400_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reading.join().unwrap();
        let known = finished.max(said);
        match EmbeddedIndex::open(&target) {
            Ok(index) => {
                let view = index.snapshot().unwrap();
                let held: Vec<(String, String)> = view
                    .article_ids()
                    .unwrap()
                    .into_iter()
                    .map(|id| {
                        let text = view.article(&id).unwrap().unwrap().text;
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
                assert_eq!(index.verify().unwrap(), Vec::<String>::new(), "kill {kill}");
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
