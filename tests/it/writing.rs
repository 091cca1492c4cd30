//! An index written to over a real socket: what a caller is told is true, whatever others do and whenever the process
//! dies.
//!
//! The indexes here are of words alone, so that the tests take the time of the writing and not of the model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baowen::compute::Budget;
use baowen::index::{Backend, EmbeddedIndex};
use baowen::search::request::SearchRequest;
use baowen::service::client::Client;
use baowen::service::wire::index_service_client::IndexServiceClient;
use baowen::service::wire::{self, Outcome};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::service::{Server, block_on};

pub type Index = IndexServiceClient<Channel>;

fn writing(folder: &Path) -> Server {
    let snapshots = folder.join("snapshots");
    let arguments = ["--write", "--snapshots", snapshots.to_str().unwrap()];
    Server::start_with(&folder.join("index"), None, &arguments)
}

pub async fn connect(server: &Server) -> Index {
    IndexServiceClient::connect(format!("http://{}", server.address))
        .await
        .unwrap()
}

pub fn article(id: &str, text: &str) -> wire::Article {
    wire::Article {
        id: id.into(),
        text: text.into(),
        ..Default::default()
    }
}

pub fn request(source: &str, articles: Vec<wire::Article>) -> wire::UpsertArticlesRequest {
    wire::UpsertArticlesRequest {
        source: Some(wire::Source {
            name: source.into(),
            folder: None,
        }),
        articles,
        wait: None,
    }
}

async fn upsert(index: &mut Index, source: &str, articles: Vec<wire::Article>) -> wire::UpsertArticlesResponse {
    index
        .upsert_articles(request(source, articles))
        .await
        .unwrap()
        .into_inner()
}

pub fn outcomes(response: &wire::UpsertArticlesResponse) -> Vec<Outcome> {
    response.results.iter().map(|result| result.outcome()).collect()
}

/// The ids of the hits.
pub async fn found(server: &Server, question: &str) -> Vec<String> {
    let mut client = Client::connect(&server.address).await.unwrap();
    let answer = client.search(&SearchRequest::new(question)).await.unwrap();
    answer.hits.into_iter().map(|hit| hit.article_id).collect()
}

/// Articles of an index by their ids, read from its folder.
fn held(folder: &Path) -> BTreeMap<String, String> {
    let index = EmbeddedIndex::open(folder).unwrap();
    assert_eq!(index.verify(Budget::all()).unwrap(), Vec::<String>::new());
    let snapshot = index.snapshot().unwrap();
    let ids = snapshot.article_ids(Budget::all()).unwrap();
    let text = |id: &String| snapshot.article(id, Budget::single()).unwrap().unwrap().text;
    ids.iter().map(|id| (id.clone(), text(id))).collect()
}

/// Another folder stands in the index's place for a while. Health is asked, and answers, in packed messages.
#[test]
fn health_says_that_nothing_can_be_written_until_something_can() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    let [own, away] = ["index", "away"].map(|name| folder.path().join(name));
    block_on(async {
        let mut index = connect(&server).await;
        upsert(&mut index, "crm", vec![article("a", "医保断缴")]).await;
        let channel = Channel::from_shared(format!("http://{}", server.address)).unwrap();
        let packed = CompressionEncoding::Gzip;
        let health = HealthClient::new(channel.connect().await.unwrap());
        let health = health.send_compressed(packed).accept_compressed(packed);
        let becomes = async |expected: ServingStatus| {
            let service = "baowen.v1.IndexService".to_owned();
            let asked = HealthCheckRequest { service };
            for _ in 0..600 {
                let said = health.clone().check(asked.clone()).await.unwrap();
                if said.get_ref().status() == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            panic!("it never is {expected:?}");
        };
        becomes(ServingStatus::Serving).await;
        std::fs::rename(&own, &away).unwrap();
        EmbeddedIndex::back_up(&away, &own).unwrap();
        let refused = index
            .upsert_articles(request("crm", vec![article("b", "失业金")]))
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        becomes(ServingStatus::NotServing).await;
        std::fs::remove_dir_all(&own).unwrap();
        std::fs::rename(&away, &own).unwrap();
        // Though nobody writes.
        becomes(ServingStatus::Serving).await;
        upsert(&mut index, "crm", vec![article("b", "失业金")]).await;
    });
    assert!(server.terminate().success());
}

#[test]
fn articles_come_and_go_and_each_is_answered_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    block_on(async {
        let mut index = connect(&server).await;
        let first = upsert(&mut index, "crm", vec![article("a", "星海镇渔民意外险怎么理赔")]).await;
        assert_eq!(outcomes(&first), [Outcome::Added]);
        // What was acknowledged is found at once; kept answers of before are gone.
        assert_eq!(found(&server, "星海镇渔民意外险").await, ["a"]);
        let again = upsert(&mut index, "crm", vec![article("a", "星海镇渔民意外险怎么理赔")]).await;
        assert_eq!(outcomes(&again), [Outcome::Unchanged]);
        assert_eq!(again.commit, first.commit, "nothing changed, no commit");

        let bad = wire::Article {
            published: Some("昨天".into()),
            ..article("bad-day", "文")
        };
        let long = wire::Article {
            title: "题".repeat(501),
            ..article("long", "文")
        };
        let mixed = vec![
            article("b", "星海镇渔民意外险要带保单"),
            bad,
            long,
            article(&"i".repeat(513), "文"),
            article("empty", " "),
            article("a", "改写过的星海镇渔民意外险"),
        ];
        let mixed = upsert(&mut index, "crm", mixed).await;
        let said: Vec<_> = mixed
            .results
            .iter()
            .map(|result| match &result.error {
                None => format!("{:?}", result.outcome()),
                Some(error) => {
                    assert_eq!(
                        (error.code, result.outcome()),
                        (Code::InvalidArgument as i32, Outcome::Failed)
                    );
                    error.message.split(':').next().unwrap().to_string()
                }
            })
            .collect();
        assert_eq!(said, ["Added", "published", "title", "id", "text", "Updated"]);

        // Another source neither overwrites nor deletes.
        let other = upsert(
            &mut index,
            "web",
            vec![article("a", "抢来的"), article("c", "自己的星海镇")],
        )
        .await;
        assert_eq!(outcomes(&other), [Outcome::Failed, Outcome::Added]);
        assert!(other.results[0].error.as_ref().unwrap().message.contains("`crm`"));
        let delete = |source: Option<&str>, ids: &[&str], dry_run| wire::DeleteArticlesRequest {
            article_ids: ids.iter().map(|id| (*id).to_string()).collect(),
            source: source.map(str::to_string),
            dry_run,
            ..Default::default()
        };
        let kept = index
            .delete_articles(delete(Some("web"), &["a", "nobody"], false))
            .await
            .unwrap()
            .into_inner();
        assert_eq!((kept.deleted, kept.missing_ids.len()), (0, 2));
        let would = index
            .delete_articles(delete(None, &["a"], true))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(would.article_ids, ["a"]);
        assert_eq!(found(&server, "改写过的星海镇渔民意外险").await[0], "a");
        let gone = index
            .delete_articles(delete(None, &["a"], false))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(gone.article_ids, ["a"]);
        let ids: BTreeSet<String> = found(&server, "星海镇渔民意外险").await.into_iter().collect();
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["b", "c"]);

        let sources = index
            .list_sources(wire::ListSourcesRequest {})
            .await
            .unwrap()
            .into_inner()
            .sources;
        let sources: Vec<_> = sources
            .into_iter()
            .map(|s| (s.source.unwrap().name, s.articles))
            .collect();
        assert_eq!(sources, [("crm".to_string(), 1), ("web".to_string(), 1)]);
        index.delete_articles(delete(Some("web"), &[], false)).await.unwrap();
        let unknown = index
            .delete_articles(delete(Some("web"), &[], false))
            .await
            .unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let stats = index.stats(wire::StatsRequest {}).await.unwrap().into_inner();
        assert_eq!((stats.articles, stats.passages, stats.writes), (1, 1, true));

        // Said of the call as a whole.
        let nothing = index.upsert_articles(request("crm", Vec::new())).await.unwrap_err();
        assert_eq!(nothing.code(), Code::InvalidArgument);
        let nameless = index
            .upsert_articles(request("a/b", vec![article("x", "文")]))
            .await
            .unwrap_err();
        assert!(nameless.message().starts_with("source"), "{nameless}");
        let nobody = wire::UpsertArticlesRequest {
            source: None,
            ..request("", vec![article("x", "文")])
        };
        assert_eq!(
            index.upsert_articles(nobody).await.unwrap_err().code(),
            Code::InvalidArgument
        );
        let all = index.delete_articles(delete(None, &[], false)).await.unwrap_err();
        assert_eq!(all.code(), Code::InvalidArgument);
        let bad_name = wire::SnapshotRequest { name: "../x".into() };
        assert_eq!(
            index.snapshot(bad_name).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    });
    assert!(server.terminate().success());
    assert_eq!(
        held(&folder.path().join("index")).into_keys().collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn a_service_that_only_reads_says_so_and_one_that_writes_is_the_only_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    let docs = folder.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    std::fs::write(docs.join("a.md"), "# 甲\n\n医保断缴\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(["index", "--no-vectors"])
        .arg(&docs)
        .arg("--index")
        .arg(folder.path().join("index"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&format!("--addr {}", server.address)), "{said}");
    let second = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(["serve", "--write", "--listen", "127.0.0.1:0", "--index"])
        .arg(folder.path().join("index"))
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains(&server.address));

    let reading = Server::start(&folder.path().join("index"), None);
    block_on(async {
        let mut writing = connect(&server).await;
        let mut index = connect(&reading).await;
        let refused = index
            .upsert_articles(request("crm", vec![article("a", "文")]))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("--write"), "{refused}");
        assert!(!index.stats(wire::StatsRequest {}).await.unwrap().into_inner().writes);
        // It follows what the other one writes.
        upsert(&mut writing, "crm", vec![article("a", "星海镇渔民意外险")]).await;
        let begin = Instant::now();
        while found(&reading, "星海镇渔民意外险").await.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(120), "the commit was never seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn an_import_takes_any_number_and_names_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    block_on(async {
        let mut index = connect(&server).await;
        let source = Some(wire::Source {
            name: "bulk".into(),
            folder: None,
        });
        let chunk = |number: usize| wire::ImportArticlesRequest {
            source: source.clone().filter(|_| number == 0),
            articles: (0..50)
                .map(|n| match n {
                    7 => article("", "文"),
                    n => article(&format!("a{number}-{n}"), "医保断缴三个月内补缴"),
                })
                .collect(),
        };
        let chunks: Vec<_> = (0..20).map(chunk).collect();
        for added in [980, 0] {
            let stream = futures_util::stream::iter(chunks.clone());
            let done = index.import_articles(stream).await.unwrap().into_inner();
            assert_eq!((done.articles, done.added, done.failed), (1_000, added, 20));
            assert_eq!((done.unchanged, done.failures.len()), (980 - added, 20));
            // What it did stays with the source; an import that changed nothing leaves that as it is.
            let sources = index
                .list_sources(wire::ListSourcesRequest {})
                .await
                .unwrap()
                .into_inner();
            let run = sources.sources[0].last_run.clone().unwrap();
            assert_eq!(
                (&*run.source, run.added, run.unchanged, run.skipped),
                ("bulk", 980, 0, 20)
            );
            assert!(run.ended_unix_seconds > 0);
            let first = &run.first_skipped[0];
            assert!(
                run.first_skipped.len() == 20 && first.reason.contains("is empty"),
                "{first:?}"
            );
        }
        // Of a source that is none nothing is kept.
        let runs = vec![wire::SourceRun {
            source: "none".into(),
            ..Default::default()
        }];
        let request = wire::CommitRequest { session: None, runs };
        index.commit(request).await.unwrap();
        let sources = index.list_sources(wire::ListSourcesRequest {}).await.unwrap();
        let named = |source: wire::SourceStats| source.source.unwrap().name;
        let named: Vec<String> = sources.into_inner().sources.into_iter().map(named).collect();
        assert_eq!(named, ["bulk"]);
        let nobody = vec![wire::ImportArticlesRequest {
            source: None,
            articles: vec![article("x", "文")],
        }];
        let refused = index
            .import_articles(futures_util::stream::iter(nobody))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        // What ends it in the middle takes nothing of what came before.
        let mut ended = vec![chunk(0), chunk(1)];
        ended[0].articles = vec![article("b1", "医保"), article("b2", "医保")];
        ended[1].source = Some(wire::Source::default());
        let refused = index
            .import_articles(futures_util::stream::iter(ended))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().contains("articles kept that came before: 2;"),
            "{refused}"
        );
    });
    server.kill();
    assert_eq!(held(&folder.path().join("index")).len(), 982, "acknowledged is durable");
}

/// As many libraries send a stream: each message by itself, faster than they are taken in.
#[test]
fn an_import_of_many_short_messages_is_held_back_and_not_cut_off() {
    use futures_util::StreamExt as _;

    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    let message = |number: usize| wire::ImportArticlesRequest {
        source: (number == 0).then(|| wire::Source {
            name: "bulk".into(),
            folder: None,
        }),
        articles: vec![article(&number.to_string(), "医保")],
    };
    let messages = futures_util::stream::iter((0..20_000).map(message)).then(|message| async {
        // What was sent before goes out by itself.
        tokio::task::yield_now().await;
        message
    });
    block_on(async {
        let done = connect(&server)
            .await
            .import_articles(messages)
            .await
            .unwrap()
            .into_inner();
        assert_eq!((done.added, done.failed), (20_000, 0));
    });
}

#[test]
fn callers_at_the_same_time_share_commits_and_none_waits_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    const CALLERS: usize = 24;
    let commits: BTreeSet<u64> = block_on(async {
        let index = connect(&server).await;
        let calls = (0..CALLERS).map(|caller| {
            let mut index = index.clone();
            async move {
                let mut commits = Vec::new();
                for round in 0..3 {
                    // Every other caller brings a bad one.
                    let mut articles = vec![article(&format!("c{caller}-{round}"), "医保断缴三个月内补缴")];
                    articles.extend((caller % 2 == 0).then(|| article("", "文")));
                    let answer = upsert(&mut index, &format!("source-{}", caller % 4), articles).await;
                    assert_eq!(outcomes(&answer)[0], Outcome::Added);
                    commits.push(answer.commit.unwrap());
                }
                commits
            }
        });
        futures_util::future::join_all(calls)
            .await
            .into_iter()
            .flatten()
            .collect()
    });
    assert!(commits.len() < CALLERS * 3, "no two callers shared a commit");
    server.kill();
    assert_eq!(held(&folder.path().join("index")).len(), CALLERS * 3);
}

/// So many articles that their segment gets what is derived from large ones.
async fn fill(index: &mut Index) {
    for part in 0..9 {
        let articles =
            (0..1_000).map(|n| article(&format!("old-{}", part * 1_000 + n), &format!("旧文 {part} {n} 工伤")));
        upsert(index, "old", articles.collect()).await;
    }
}

/// Makes the index again from itself, and is killed while it does, or not.
fn rebuild_and_kill(index: &Path, random: &mut fastrand::Rng, whole: &mut Duration) {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(["rebuild", "--no-vectors", "--index"])
        .arg(index)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    if whole.is_zero() || random.u8(0..4) == 0 {
        assert!(child.wait().unwrap().success());
        *whole = begin.elapsed();
    } else {
        std::thread::sleep(whole.mul_f64(random.f64()));
        let _ = child.kill();
        child.wait().unwrap();
    }
}

/// Killed at any moment, every acknowledged change is there and nothing that nobody sent.
/// `BAOWEN_TEST_KILLS=1000` for the long run, which begins with as many articles as graphs are built for.
#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let kills = std::env::var("BAOWEN_TEST_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_129);
    let (mut rebuilding, mut rebuilds, mut opening) = (Duration::ZERO, 0, Duration::ZERO);
    if kills >= 100 {
        let server = writing(folder.path());
        block_on(async { fill(&mut connect(&server).await).await });
        assert!(server.terminate().success());
    }
    // What each article was last acknowledged to be (none if deleted), and all that was sent of it since.
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let (mut acknowledged, mut open) = (0, 0);
    for kill in 0..kills {
        let server = writing(folder.path());
        // Killed so long after so many acknowledgements: however slow the machine, something was acknowledged.
        let (enough, after) = (random.usize(1..12), Duration::from_millis(random.u64(0..400)));
        let (told, gone) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let seed = random.u64(..);
        let sent = block_on(async {
            let index = connect(&server).await;
            let mut admin = index.clone();
            // Four writers, each with articles of its own, and snapshots all the while.
            let writers = (0..4).map(|writer| {
                let mut index = index.clone();
                let mut random = fastrand::Rng::with_seed(seed ^ writer);
                let (told, gone) = (&told, &gone);
                async move {
                    let mut log: Vec<(String, Option<String>, bool)> = Vec::new();
                    for round in 0.. {
                        let id = format!("w{writer}-{}", random.usize(0..6));
                        let text = (!random.u8(0..4).is_multiple_of(4)).then(|| format!("第{kill}次第{round}轮医保"));
                        log.push((id.clone(), text.clone(), false));
                        let answer = match &text {
                            Some(text) => {
                                let articles = vec![article(&id, text)];
                                let answer = index.upsert_articles(request(&format!("s{writer}"), articles)).await;
                                answer.map(|answer| assert_ne!(outcomes(answer.get_ref())[0], Outcome::Failed))
                            }
                            None => {
                                let delete = wire::DeleteArticlesRequest {
                                    article_ids: vec![id],
                                    ..Default::default()
                                };
                                index.delete_articles(delete).await.map(drop)
                            }
                        };
                        match answer {
                            Ok(()) => {
                                log.last_mut().unwrap().2 = true;
                                told.fetch_add(1, Ordering::SeqCst);
                            }
                            // The process is gone.
                            Err(_) => {
                                gone.fetch_add(1, Ordering::SeqCst);
                                return log;
                            }
                        }
                    }
                    log
                }
            });
            let snapshots = async {
                for number in 0.. {
                    let name = format!("k{kill}-{number}");
                    if admin.snapshot(wire::SnapshotRequest { name }).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            let killer = async {
                while told.load(Ordering::SeqCst) < enough && gone.load(Ordering::SeqCst) < 4 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                tokio::time::sleep(after).await;
                server.kill();
            };
            let (logs, (), ()) = tokio::join!(futures_util::future::join_all(writers), snapshots, killer);
            logs.into_iter().flatten().collect::<Vec<_>>()
        });
        let index = folder.path().join("index");
        if kill % 3 == 2 {
            rebuild_and_kill(&index, &mut random, &mut rebuilding);
            rebuilds += 1;
        }
        let begin = Instant::now();
        drop(EmbeddedIndex::open(&index).unwrap());
        opening = opening.max(begin.elapsed());
        let mut held = held(&index);
        let before = held.len();
        held.retain(|id, _| !id.starts_with("old-"));
        assert_eq!(before - held.len(), if kills >= 100 { 9_000 } else { 0 }, "kill {kill}");
        let mut possible: BTreeMap<String, Vec<Option<String>>> = known
            .iter()
            .map(|(id, text)| (id.clone(), vec![text.clone()]))
            .collect();
        for (id, text, is_acknowledged) in sent {
            let states = possible.entry(id).or_insert_with(|| vec![None]);
            if is_acknowledged {
                states.clear();
                acknowledged += 1;
            } else {
                open += 1;
            }
            states.push(text);
        }
        for id in held.keys() {
            assert!(possible.contains_key(id), "kill {kill}: nobody sent {id}");
        }
        for (id, states) in possible {
            let is = held.get(&id).cloned();
            assert!(
                states.contains(&is),
                "kill {kill}: {id} is {is:?}, not one of {states:?}"
            );
            known.insert(id, is);
        }
    }
    // Each snapshot that was said to be there, or is, is whole.
    let mut snapshots = 0;
    for entry in std::fs::read_dir(folder.path().join("snapshots")).unwrap().flatten() {
        if !entry.file_name().to_string_lossy().starts_with('.') {
            held(&entry.path());
            snapshots += 1;
        }
    }
    println!(
        "{kills} kills: {acknowledged} changes acknowledged, {open} under way, {snapshots} snapshots whole, {rebuilds} rebuilds, \
         opened in at most {opening:?}"
    );
    assert!(acknowledged >= kills, "a service ended before it acknowledged anything");
}

/// Runs the program, and gives what it printed as JSON.
fn run(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .current_dir(folder)
        .args(arguments)
        .arg("--json")
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder read into a running service is what the same folder is when it is read into an index here, run after run.
#[test]
fn a_folder_is_read_through_a_service_as_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = writing(folder.path());
    let docs = folder.path().join("docs");
    std::fs::create_dir_all(docs.join("sub")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(docs.join(name), text).unwrap();
    for n in 0..30 {
        write(
            &format!("{n}.md"),
            &format!("# 第{n}条\n\n医保断缴三个月内补缴，编号 {n}。\n"),
        );
    }
    write(
        "records.jsonl",
        "{\"_id\": \"r1\", \"text\": \"记录一\"}\n{\"text\": \"没有编号\"\n",
    );
    let both = |arguments: &[&str]| {
        let there = run(folder.path(), &[arguments, &["--addr", &server.address]].concat());
        let here = run(folder.path(), &[arguments, &["--index", "here"]].concat());
        let without_times = |mut summary: serde_json::Value| {
            let fields = summary.as_object_mut().unwrap();
            for field in ["seconds", "embedded", "cached", "commit"] {
                fields.remove(field);
            }
            summary
        };
        let [there, here] = [there, here].map(without_times);
        assert_eq!(there, here, "{arguments:?}");
        let runs = |index: &str| {
            let index = EmbeddedIndex::open(&folder.path().join(index)).unwrap();
            let mut runs = index.source_table().unwrap().runs;
            runs.values_mut().for_each(|run| run.ended = run.ended.min(1));
            runs
        };
        assert_eq!(runs("index"), runs("here"), "{arguments:?}");
        (there, runs("here")["docs"].clone())
    };
    let run_of = |arguments: &[&str]| both(arguments).1;
    let both = |arguments: &[&str]| both(arguments).0;
    // Of a folder in which nothing can be read no source is made, and no run is kept.
    let bad = folder.path().join("bad");
    std::fs::create_dir(&bad).unwrap();
    std::fs::write(bad.join("empty.md"), "").unwrap();
    let first = both(&["index", "docs", "bad"]);
    assert_eq!((&first["added"], &first["unchanged"]), (&31.into(), &0.into()));
    assert_eq!(first["skipped"].as_array().unwrap().len(), 2, "{first}");
    let left = run_of(&["index", "docs"]);
    assert_eq!(
        (left.ended, left.added, left.unchanged),
        (1, 31, 0),
        "the run that wrote stays: {left:?}"
    );
    assert_eq!((left.skipped, left.first_skipped[0].line), (1, Some(2)));
    write("1.md", "# 第1条\n\n改写过的一条。\n");
    std::fs::rename(docs.join("2.md"), docs.join("sub/moved.md")).unwrap();
    std::fs::remove_file(docs.join("3.md")).unwrap();
    let changed = both(&["index", "docs"]);
    assert_eq!(changed["moved"][0]["to"], "docs/sub/moved.md");
    assert_eq!(
        (&changed["updated"], &changed["gone"]),
        (&1.into(), &serde_json::json!(["docs/3.md"]))
    );
    let left = run_of(&["index", "docs", "--prune"]);
    assert_eq!((left.deleted, left.unchanged), (1, 30), "{left:?}");
    assert_eq!(
        both(&["delete", "docs/4.md", "docs/5.md", "--dry-run"])["article_ids"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        both(&["delete", "docs/4.md", "docs/5.md"])["article_ids"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // Another folder never takes the name; what was given over the wire keeps its ids.
    std::fs::create_dir_all(folder.path().join("other/docs")).unwrap();
    std::fs::write(folder.path().join("other/docs/a.md"), "# 甲\n\n别处的\n").unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .current_dir(folder.path())
        .args(["index", "other/docs", "--addr", &server.address])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("the source `docs` is"),
        "{refused:?}"
    );

    // Snapshots, by the service and beside it, are what the index is; a copy of one is an index.
    run(folder.path(), &["snapshot", "tuesday", "--addr", &server.address]);
    run(folder.path(), &["snapshot", "beside", "--index", "index"]);
    let now = held(&folder.path().join("index"));
    assert_eq!(now.len(), 28);
    server.kill();
    for made in ["snapshots/tuesday", "beside"] {
        let restored = folder.path().join("restored");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(folder.path().join(made))
            .arg(&restored)
            .status();
        assert!(copied.unwrap().success());
        // Written to, neither the snapshot nor the index changes.
        run(folder.path(), &["delete", "docs/6.md", "--index", "restored"]);
        run(folder.path(), &["verify", "--index", "restored"]);
        assert_eq!(held(&restored).len(), 27);
        assert_eq!(held(&folder.path().join(made)), now);
        std::fs::remove_dir_all(restored).unwrap();
    }
    run(folder.path(), &["delete", "docs/7.md", "--index", "beside"]);
    assert_eq!(held(&folder.path().join("index")), now);
    let taken = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .current_dir(folder.path())
        .args(["snapshot", "beside", "--index", "index"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&taken.stderr).contains("is there already"),
        "{taken:?}"
    );
}
