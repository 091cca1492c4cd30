//! A day of a living index in ten minutes: asked all the while, written to, deleted from, imported into, copied,
//! merged.
//!
//! Measures, and so runs only when it is asked to, on a quiet machine and a release build:
//!
//! ```sh
//! BAOWEN_TEST_DAY=INDEX cargo test --release --test it a_day -- --ignored --nocapture
//! ```
//!
//! `INDEX` is copied first and stays as it is. `BAOWEN_TEST_SECONDS=60` for a short one. glibc's allocator keeps a heap
//! for each thread, and they fill for many minutes; with `MALLOC_ARENA_MAX=1` there is one, which shows whether what is
//! in use grows (and searches slower).

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baowen::index::EmbeddedIndex;
use baowen::search::request::SearchRequest;
use baowen::service::client::Client;
use baowen::service::wire;
use baowen::service::wire::index_service_client::IndexServiceClient;
use tonic::transport::Channel;

use crate::service::Server;
use crate::support::model_folder;

/// Between the answer to a question and the next one.
const BETWEEN: Duration = Duration::from_millis(20);
/// Articles that one caller gives in a minute, one by one.
const A_MINUTE: u32 = 200;

const SUBJECTS: [&str; 12] = [
    "医保断缴",
    "失业金",
    "生育津贴",
    "工伤认定",
    "异地就医",
    "退休年龄",
    "大病保险",
    "重疾险等待期",
    "车险理赔",
    "意外险保额",
    "养老金调整",
    "公积金提取",
];
const QUESTIONS: [&str; 6] = [
    "怎么办",
    "需要什么材料",
    "多久到账",
    "能补缴吗",
    "报销比例是多少",
    "在外地可以办吗",
];

/// How long searches took, in milliseconds, and what failed.
#[derive(Default)]
struct Asked {
    times: Vec<f64>,
    failed: Vec<String>,
}

impl Asked {
    fn at(&self, share: f64) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times
            .get((times.len() as f64 * share) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} questions, p50 {:.1} ms, p95 {:.1}, p99 {:.1}, {} failed {:?}",
            self.times.len(),
            self.at(0.5),
            self.at(0.95),
            self.at(0.99),
            self.failed.len(),
            self.failed.first()
        );
    }
}

/// Megabytes that a process's own memory may grow by after a tenth of the time, beside what its articles take: with one
/// heap, and while many heaps fill.
const GROWS: [f64; 2] = [12.0, 32.0];
/// Megabytes that an article may take for as long as it is there: of a vector its codes, and what says where it lies.
const AN_ARTICLE: f64 = 0.001;

/// Megabytes that are a process's own: mapped files are the system's to take back.
fn own_memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1_024.0
}

/// Its own memory, looked at all the while: a look alone finds a commit or a merge, or none.
async fn watch(pid: u32, done: &AtomicBool) -> Vec<f64> {
    let mut seen = Vec::new();
    while !done.load(Ordering::Relaxed) {
        seen.push(own_memory(pid));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    seen
}

/// The mean of a tenth of what was seen, from 0 to 9.
fn tenth(seen: &[f64], number: usize) -> f64 {
    let part = &seen[seen.len() * number / 10..seen.len() * (number + 1) / 10];
    part.iter().sum::<f64>() / part.len() as f64
}

async fn ask(address: &str, time: Duration, random: &mut fastrand::Rng) -> Asked {
    let mut client = Client::connect(address).await.unwrap();
    let (mut asked, end) = (Asked::default(), Instant::now() + time);
    while Instant::now() < end {
        let question = format!(
            "{}{}",
            random.choice(SUBJECTS).unwrap(),
            random.choice(QUESTIONS).unwrap()
        );
        let begin = Instant::now();
        match client.search(&SearchRequest::new(&question)).await {
            Ok(_) => asked.times.push(begin.elapsed().as_secs_f64() * 1e3),
            Err(error) => asked.failed.push(error.to_string()),
        }
        tokio::time::sleep(BETWEEN).await;
    }
    asked
}

fn text(number: usize) -> wire::Article {
    let subject = SUBJECTS[number % SUBJECTS.len()];
    wire::Article {
        id: format!("day-{number}"),
        title: format!("{subject}说明第{number}号"),
        text: format!(
            "关于{subject}的第{number}号说明：三个月内补缴的不影响待遇，超过的重新计算等待期，材料交到窗口。\n\n"
        )
        .repeat(3),
        ..Default::default()
    }
}

async fn write(address: String, done: &AtomicBool, told: &Mutex<Vec<f64>>, failed: &Mutex<Vec<String>>) {
    let mut index: IndexServiceClient<Channel> =
        IndexServiceClient::connect(format!("http://{address}")).await.unwrap();
    let source = wire::Source {
        name: "day".into(),
        folder: None,
    };
    let pace = Duration::from_secs(60) / A_MINUTE;
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let begin = Instant::now();
        let outcome = match number % 10 {
            // One in ten goes again, two are written anew.
            7 => {
                let gone = vec![format!("day-{}", number / 2)];
                let delete = wire::DeleteArticlesRequest {
                    article_ids: gone,
                    ..Default::default()
                };
                index.delete_articles(delete).await.map(drop)
            }
            rewritten => {
                let number = if matches!(rewritten, 3 | 5) { number / 3 } else { number };
                let mut one = text(number);
                one.text.push_str(&format!("第{number}次改。"));
                let request = wire::UpsertArticlesRequest {
                    source: Some(source.clone()),
                    articles: vec![one],
                    wait: None,
                };
                index.upsert_articles(request).await.map(drop)
            }
        };
        match outcome {
            Ok(()) => told.lock().unwrap().push(begin.elapsed().as_secs_f64() * 1e3),
            Err(status) => failed.lock().unwrap().push(status.to_string()),
        }
        tokio::time::sleep(pace.saturating_sub(begin.elapsed())).await;
    }
}

async fn around(address: String, snapshots: PathBuf, every: Duration, done: &AtomicBool, failed: &Mutex<Vec<String>>) {
    let mut index: IndexServiceClient<Channel> =
        IndexServiceClient::connect(format!("http://{address}")).await.unwrap();
    let mut client = Client::connect(&address).await.unwrap();
    for hour in 0usize.. {
        tokio::time::sleep(every).await;
        if done.load(Ordering::Relaxed) {
            return;
        }
        let first = 1_000_000 + hour * 100;
        let articles = (first..first + 100).map(text).collect();
        let source = wire::Source {
            name: "import".into(),
            folder: None,
        };
        let import = wire::ImportArticlesRequest {
            source: Some(source),
            articles,
        };
        let imported = index
            .import_articles(futures_util::stream::iter([import]))
            .await
            .map(drop);
        let questions: Vec<SearchRequest> = SUBJECTS.iter().map(|subject| SearchRequest::new(*subject)).collect();
        let batch = client
            .batch(&questions)
            .await
            .map(drop)
            .map_err(|error| error.to_string());
        let name = format!("hour-{hour}");
        let taken = index
            .snapshot(wire::SnapshotRequest { name: name.clone() })
            .await
            .map(drop);
        let outcomes = [
            imported.map_err(|s| s.to_string()),
            batch,
            taken.map_err(|s| s.to_string()),
        ];
        failed
            .lock()
            .unwrap()
            .extend(outcomes.into_iter().filter_map(Result::err));
        let _ = std::fs::remove_dir_all(snapshots.join(name));
    }
}

#[test]
#[ignore = "measures for ten minutes on a quiet machine"]
fn a_day_of_mixed_traffic_in_ten_minutes() {
    let given = PathBuf::from(std::env::var_os("BAOWEN_TEST_DAY").expect("BAOWEN_TEST_DAY names an index"));
    let seconds = std::env::var("BAOWEN_TEST_SECONDS").map_or(600, |seconds| seconds.parse().unwrap());
    let day = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(given.parent().unwrap_or(Path::new("."))).unwrap();
    let (index, snapshots) = (folder.path().join("idx"), folder.path().join("snapshots"));
    EmbeddedIndex::back_up(&given, &index).unwrap();
    let model = model_folder();
    let arguments = [
        "--write",
        "--answer-cache-mb",
        "0",
        "--snapshots",
        snapshots.to_str().unwrap(),
    ];
    let server = Server::start_with(&index, model.as_deref(), &arguments);
    let (done, told, failed) = (AtomicBool::new(false), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let mut random = fastrand::Rng::with_seed(24);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let articles = || EmbeddedIndex::open(&index).unwrap().current().about().articles as f64;
    let before = articles();
    let (rest, busy, memory) = runtime.block_on(async {
        ask(&server.address, day / 20, &mut random).await;
        let rest = ask(&server.address, day / 10, &mut random).await;
        let asking = async {
            let busy = ask(&server.address, day, &mut random).await;
            done.store(true, Ordering::Relaxed);
            busy
        };
        let writing = write(server.address.clone(), &done, &told, &failed);
        let others = around(server.address.clone(), snapshots.clone(), day / 24, &done, &failed);
        let watching = watch(server.pid(), &done);
        let (busy, (), (), memory) = tokio::join!(asking, writing, others, watching);
        (rest, busy, memory)
    });
    rest.print("at rest");
    busy.print("in the day");
    let written = Asked {
        times: told.into_inner().unwrap(),
        failed: failed.into_inner().unwrap(),
    };
    written.print("changes acknowledged");
    println!("p99 {:.2} x that at rest", busy.at(0.99) / rest.at(0.99));
    assert!(server.terminate().success());
    let added = articles() - before;
    let by_tenth: Vec<String> = (0..10).map(|at| format!("{:.0}", tenth(&memory, at))).collect();
    println!(
        "{added} articles more; memory of its own by tenths: {} MB",
        by_tenth.join(", ")
    );
    assert_eq!(
        EmbeddedIndex::open(&index)
            .unwrap()
            .verify(baowen::compute::Budget::all())
            .unwrap(),
        Vec::<String>::new()
    );
    let is_overload = |error: &String| error.contains("RESOURCE_EXHAUSTED") || error.contains("exhausted");
    let failed = [&rest.failed, &busy.failed, &written.failed].into_iter().flatten();
    assert_eq!(
        failed.filter(|error| !is_overload(error)).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    // The first tenth warms it.
    let grown = tenth(&memory, 9) - tenth(&memory, 1);
    let most = GROWS[usize::from(std::env::var("MALLOC_ARENA_MAX").as_deref() != Ok("1"))];
    assert!(grown <= most + added * AN_ARTICLE, "it grew by {grown:.1} MB");
}

/// Sizes of commits, many of each, as a collection grows.
const SIZES: [(usize, usize); 5] = [(7, 300), (7, 1_050), (7, 1_900), (7, 3_400), (2, 6_000)];

/// What thirty commits leave costs a question little: p50 with their segments against p50 with one, by articles of the
/// index that is named.
#[test]
#[ignore = "measures on a quiet machine"]
fn thirty_commits_against_one() {
    use crate::support::{index_of, put, rules};
    use baowen::compute::Budget;
    use baowen::index::Backend;
    use baowen::index::ingest::Ingest;
    use baowen::search::Engine;
    let given = PathBuf::from(std::env::var_os("BAOWEN_TEST_DAY").expect("BAOWEN_TEST_DAY names an index"));
    let given = Backend::snapshot(&*EmbeddedIndex::open(&given).unwrap()).unwrap();
    let mut ids = given.article_ids(Budget::all()).unwrap().into_iter();
    let sizes = SIZES.iter().flat_map(|&(count, size)| std::iter::repeat_n(size, count));
    let parts: Vec<Vec<_>> = sizes
        .map(|size| {
            let ids = ids.by_ref().take(size);
            ids.filter_map(|id| given.article(&id, Budget::all()).unwrap())
                .collect()
        })
        .collect();
    let median = |is_divided: bool| {
        let folder = tempfile::tempdir().unwrap();
        let index = index_of(folder.path(), &rules(), &[]);
        let ingest = Ingest::open(&index, rules()).unwrap();
        for part in &parts {
            put(&ingest, part);
            if is_divided {
                ingest.commit().unwrap();
            }
        }
        ingest.commit().unwrap();
        if is_divided {
            ingest.into_writer().finish().unwrap();
        } else {
            ingest.into_writer().finish_as_one().unwrap();
        }
        index.refresh().unwrap();
        let about = Backend::snapshot(&*index).unwrap().about().clone();
        let engine = Engine::new(index, rules().analyzer, rules().embedder);
        let mut times = Vec::new();
        for turn in 0..1_000 {
            let question = format!("{}{}", SUBJECTS[turn % 12], QUESTIONS[turn % 6]);
            let begin = Instant::now();
            engine.search(&SearchRequest::new(&question), Budget::single()).unwrap();
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{} segments, {} passages: p50 {:.2} ms",
            about.segments, about.passages, times[500]
        );
        (about.segments, times[500])
    };
    let ((alone, one), (segments, many)) = (median(false), median(true));
    println!("p50 with {segments} segments: {:.2} x that of one", many / one);
    // What is asked for in time is said, not tested: it is the machine's, too.
    assert!(
        alone == 1 && (1..=12).contains(&segments),
        "{alone} and {segments} segments"
    );
}
