//! Services over Milvus as others see them: real processes on real sockets before a real server, which is killed,
//! hangs, and comes back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baowen::error::{Error, Fault};
use baowen::search::request::SearchRequest;
use baowen::search::response::{Lack, SearchResponse};
use baowen::service::client::Client;
use baowen::service::status::from_status;
use baowen::service::wire::{self, Outcome};

use crate::cli::baowen;
use crate::milvus::{Kind, Relay, Server as Milvus};
use crate::operating::{Operated, get};
use crate::service::{Server, block_on};
use crate::support::{model_folder, rules};
use crate::writing::{Index, article, connect, found, outcomes, request};

/// How long anything may take that happens by itself.
const SOON: Duration = Duration::from_secs(60);

/// A server that can make collections.
fn started() -> Option<Milvus> {
    let milvus = Milvus::start(Kind::Native)?;
    milvus.create("ready", &rules().identity());
    Some(milvus)
}

fn address(port: u16, name: &str) -> String {
    format!("milvus://127.0.0.1:{port}/{name}?dense=flat&lease=4")
}

fn serve(folder: &Path, model: Option<&Path>, address: &str, more: &[&str]) -> Server {
    let arguments = [&["--backend", address, "--answer-cache-mb", "0"], more].concat();
    Server::start_with(&folder.join("nothing"), model, &arguments)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ask(server: &Server, question: &str, within: Duration) -> Result<SearchResponse, Error> {
    block_on(async {
        let request = SearchRequest {
            deadline: Some(Instant::now() + within),
            ..SearchRequest::new(question)
        };
        Client::connect(&server.address).await.unwrap().search(&request).await
    })
}

async fn upsert(index: &mut Index, id: &str) -> Result<(), Error> {
    let articles = vec![article(id, &format!("星海镇渔民意外险第{id}条怎么理赔"))];
    let answer = index.upsert_articles(request("crm", articles)).await;
    let answer = answer.map_err(|status| from_status(&status))?.into_inner();
    match outcomes(&answer)[..] {
        [Outcome::Added | Outcome::Unchanged] => Ok(()),
        _ => Err(Error::unavailable(format!("{answer:?}"))),
    }
}

/// Ids of all articles, as a service lists them.
async fn listed(index: &mut Index) -> Vec<String> {
    let mut pages = index
        .list_articles(wire::ListArticlesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut ids = Vec::new();
    while let Some(page) = pages.message().await.unwrap() {
        ids.extend(page.articles.into_iter().map(|article| article.id));
    }
    ids
}

#[test]
fn what_one_service_writes_the_other_finds_and_a_killed_one_is_followed() {
    let Some(milvus) = started() else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = address(milvus.port, "shared");
    let writer = serve(folder.path(), None, &address, &["--write"]);
    let other = serve(folder.path(), None, &address, &["--write"]);
    let acknowledged = block_on(async {
        let (mut index, mut others) = (connect(&writer).await, connect(&other).await);
        upsert(&mut index, "0").await.unwrap();
        let begun = Instant::now();
        while found(&other, "星海镇渔民意外险").await.is_empty() {
            assert!(begun.elapsed() < SOON, "the commit was never seen");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let refused = upsert(&mut others, "refused").await.unwrap_err();
        assert_eq!(refused.fault(), Fault::Precondition, "{refused}");
        assert!(
            refused.message().contains("another process writes to milvus://"),
            "{refused}"
        );

        // Killed wherever it is while its caller sends one after the other.
        let is_over = AtomicBool::new(false);
        let sending = async {
            let mut acknowledged = vec!["0".to_owned()];
            for number in 1.. {
                match upsert(&mut index, &number.to_string()).await {
                    Ok(()) => acknowledged.push(number.to_string()),
                    Err(_) => return acknowledged,
                }
                is_over.store(acknowledged.len() > 5, Ordering::SeqCst);
            }
            unreachable!()
        };
        let killing = async {
            while !is_over.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(70)).await;
            writer.kill();
        };
        let (acknowledged, ()) = tokio::join!(sending, killing);
        assert!(acknowledged.len() > 5);

        let begun = Instant::now();
        while let Err(error) = upsert(&mut others, "after").await {
            assert_eq!(error.fault(), Fault::Precondition, "{error}");
            assert!(begun.elapsed() < SOON, "the right to write never passes on: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        acknowledged
    });
    block_on(async {
        let mut others = connect(&other).await;
        let held = listed(&mut others).await;
        for id in acknowledged.iter().map(String::as_str).chain(["after"]) {
            assert!(
                held.iter().any(|held| held == id),
                "{id} was acknowledged and is not in {held:?}"
            );
        }
        assert!(!held.iter().any(|id| id == "refused"));
    });
    assert!(other.terminate().success());
    // It gave the right back: the next one need not wait.
    let next = serve(folder.path(), None, &address, &["--write"]);
    block_on(async {
        let mut index = connect(&next).await;
        upsert(&mut index, "next").await.unwrap();
        let refused = index.snapshot(wire::SnapshotRequest { name: "s".into() }).await;
        let refused = from_status(&refused.unwrap_err());
        assert_eq!(refused.fault(), Fault::Precondition);
        assert!(
            refused.message().contains("baowen copy milvus://127.0.0.1"),
            "{refused}"
        );
    });
}

#[test]
fn a_service_is_ready_when_milvus_is_and_keeps_its_deadlines() {
    let Some(mut milvus) = started() else { return };
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::to(milvus.port);
    let server = serve(folder.path(), None, &address(relay.port, "away"), &["--write"]);
    block_on(async {
        let mut index = connect(&server).await;
        upsert(&mut index, "0").await.unwrap();
        upsert(&mut index, "1").await.unwrap();
    });
    let ready = || get(&server.address, "/readyz");
    assert!(ready().starts_with("HTTP/1.1 200"), "{}", ready());
    let expected = ask(&server, "渔民意外险", SOON).unwrap().hits.len();
    assert_eq!(expected, 2);

    // Milvus hangs: nothing comes back, and nobody waits longer than he said. What asks nothing of Milvus is answered.
    relay.hold(true);
    for question in ["渔民意外险", "从未有人问过的新词"] {
        let late = ask(&server, question, Duration::from_millis(700)).unwrap_err();
        assert!(matches!(late.fault(), Fault::Deadline | Fault::Unavailable), "{late}");
    }
    for path in [
        "/v1/articles/0?timeout=0.7",
        "/v1/similar?article_id=0&timeout=0.7",
        "/v1/facets?timeout=0.7",
    ] {
        let answer = get(&server.address, path);
        assert!(answer.starts_with("HTTP/1.1 5"), "{path}: {answer}");
    }
    wait_until("it says that it does not serve", || ready().starts_with("HTTP/1.1 503"));
    // Why is for the operator; anybody may ask whether it is ready.
    assert!(ready().ends_with("\r\n\r\nNOT_SERVING\n"), "{}", ready());
    wait_until("it says why", || {
        server.has_said("not serving: Milvus did not answer within")
    });
    relay.hold(false);
    wait_until("it serves again", || ready().starts_with("HTTP/1.1 200"));
    assert_eq!(ask(&server, "渔民意外险", SOON).unwrap().hits.len(), expected);

    // Milvus is killed, and started again: what it searches is not loaded then.
    milvus.kill();
    wait_until("it says that it does not serve", || {
        server.has_said("not serving: Milvus at 127.0.0.1") && ready().starts_with("HTTP/1.1 503")
    });
    let gone = ask(&server, "渔民意外险", Duration::from_secs(5)).unwrap_err();
    assert_eq!(gone.fault(), Fault::Unavailable, "{gone}");
    milvus.start_again();
    wait_until("it serves again", || ready().starts_with("HTTP/1.1 200"));
    assert_eq!(ask(&server, "渔民意外险", SOON).unwrap().hits.len(), expected);
    // Its right to write ran out meanwhile, and it takes it again.
    block_on(async {
        let mut index = connect(&server).await;
        let begun = Instant::now();
        while let Err(error) = upsert(&mut index, "2").await {
            assert!(begun.elapsed() < SOON, "it never writes again: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(listed(&mut index).await, ["0", "1", "2"]);
    });
}

#[test]
fn a_service_waits_for_its_milvus() {
    let Some(mut milvus) = started() else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = address(milvus.port, "later");
    drop(serve(folder.path(), None, &address, &["--write"]));
    milvus.kill();
    let arguments = ["--listen", "127.0.0.1:0", "--backend", &address];
    let mut server = Operated::begin(&folder.path().join("nothing"), &arguments);
    server.line("waiting for Milvus: Milvus at 127.0.0.1");
    milvus.start_again();
    server.is_ready();
    wait_until("it serves", || {
        get(&server.address, "/readyz").starts_with("HTTP/1.1 200")
    });
    drop(server);
    // What waiting does not mend ends it: a model that cannot be read,
    let models = folder.path().join("models");
    std::fs::create_dir_all(models.join("broken/config.json")).unwrap();
    let arguments = [&["serve"], &arguments[..], &["--reranker", "broken"]].concat();
    let ended = baowen(folder.path(), Some(&models), &arguments);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.code() == Some(1) && said.contains("config.json") && !said.contains("waiting"),
        "{said}"
    );
    // and no index.
    let missing = format!("milvus://127.0.0.1:{}/nobody", milvus.port);
    let ended = baowen(
        folder.path(),
        None,
        &["serve", "--listen", "127.0.0.1:0", "--backend", &missing],
    );
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        !ended.status.success() && said.contains("there is no index at milvus://127"),
        "{said}"
    );
}

#[test]
fn one_half_of_milvus_answers_where_the_other_does_not() {
    let (Some(model), Some(milvus)) = (model_folder(), started()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::to(milvus.port);
    let server = serve(
        folder.path(),
        Some(&model),
        &address(relay.port, "halves"),
        &["--write"],
    );
    block_on(async {
        let mut index = connect(&server).await;
        for id in ["0", "1"] {
            upsert(&mut index, id).await.unwrap();
        }
    });
    let answered = |question: &str| ask(&server, question, Duration::from_secs(20)).unwrap();
    let whole = answered("渔民意外险怎么理赔");
    assert_eq!((whole.degraded, whole.hits.len()), (None, 2));
    // A search names the field that it searches by, as a setting of that name.
    for (half, lack) in [("meaning", Lack::Meaning), ("words", Lack::Words)] {
        let asked = [&b"\x0a\x0aanns_field\x12"[..], &[half.len() as u8], half.as_bytes()].concat();
        relay.refuse(&asked);
        let answer = answered("渔民意外险怎么理赔");
        let said = answer.degraded.unwrap_or_default();
        assert!(said.starts_with(&format!("searching by {half} failed")), "{said}");
        assert_eq!((answer.hits.len(), answer.lacking), (2, vec![lack]), "{half}");
    }
    relay.refuse(b"");
    assert_eq!(answered("渔民意外险怎么理赔").degraded, None);
}

#[cfg(feature = "onnx")]
#[test]
fn a_rebuild_by_another_model_is_followed() {
    let Some(milvus) = started() else { return };
    let place = crate::models::Place::new();
    for (tiny, name) in [("bert", "one"), ("xlmr", "two")] {
        assert!(place.import(tiny, name).status.success());
    }
    let address = address(milvus.port, "models");
    let run = |arguments: &[&str]| {
        let output = place.run(&[arguments, &["--backend", &address]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    assert!(place.run(&["model", "use", "one"]).status.success());
    let sample = crate::support::root().join("index/sample");
    run(&["index", sample.to_str().unwrap()]);
    let server = serve(place.folder.path(), Some(&place.models), &address, &[]);
    let asked = || ask(&server, "医保断缴了怎么办", SOON).unwrap();
    let is_by = |answer: &SearchResponse, model: &str| {
        assert!(!answer.hits.is_empty());
        answer.degraded.is_none() && answer.provenance.model.starts_with(model)
    };
    let before = asked();
    assert!(
        is_by(&before, "one onnx"),
        "{:?} {:?}",
        before.provenance,
        before.degraded
    );
    run(&["rebuild", "--model", "two"]);
    wait_until("the new model answers", || is_by(&asked(), "two onnx"));
}

#[test]
fn settings_know_where_an_index_in_milvus_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("baowen.toml");
    let run = |settings: &str, args: &[&str]| {
        std::fs::write(&config, settings).unwrap();
        let output = baowen(
            folder.path(),
            None,
            &[args, &["--config", config.to_str().unwrap()]].concat(),
        );
        let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
        assert!(!said.contains("secret"), "{said}");
        (output.status.success(), said)
    };
    let good = "backend = \"milvus://me:secret@127.0.0.1:1/articles\"\nwrite = true\n";
    assert_eq!(
        run(good, &["config", "check"]),
        (true, "the settings are good, and what they name is there\n".into())
    );
    let (_, shown) = run(good, &["config", "show"]);
    assert!(
        shown.contains("backend = \"milvus://***@127.0.0.1:1/articles\""),
        "{shown}"
    );
    // What is shown is no password.
    let (is_good, said) = run(&shown, &["config", "check"]);
    assert!(!is_good && said.contains("`***`"), "{said}");
    let check = |settings: &str, expected: &str| {
        let (is_good, said) = run(settings, &["config", "check"]);
        assert!(!is_good && said.contains(expected), "{settings}: {said}");
    };
    check("backend = \"127.0.0.1:1/articles\"", "only milvus://HOST:PORT/NAME");
    check("backend = \"milvus://127.0.0.1:1\"", "names no collection");
    check(
        "backend = \"milvus://me:secret@db:1/a\"",
        "for everybody on the way to read",
    );
    check(
        "backend = \"milvus://db:1/a\"\nsnapshots = \"s\"",
        "snapshots: an index in Milvus has none",
    );
    check(
        "backend = \"milvus://db:1/a\"\nverify = \"on-open\"",
        "verify: looks at the files",
    );
}
