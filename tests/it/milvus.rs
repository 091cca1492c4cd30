//! The engine over Milvus answers as every engine does, on two servers that run here: the pure one of milvus-lite 3.2
//! (`lite`) and the native one of milvus-lite 2.5 (`native`), which has the index and the filters of a real cluster.
//! Both come from PyPI; `.ci/milvus` puts each into an environment of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use baowen::compute::Budget;
use baowen::error::{Error, Fault};
use baowen::index::ingest::Ingest;
use baowen::index::milvus::{Address, DenseIndex, MilvusIndex};
use baowen::index::{Backend, Identity, Writer};
use baowen::model::{Article, ArticleKind, Filter};
use baowen::profile::Bm25Params;
use baowen::search::Engine;
use baowen::search::request::{Mode, SearchRequest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::cli::{baowen, json};
use crate::conformance::{compare, everything, life};
use crate::needed;
use crate::support::{article, root, rules};
use crate::tiny::Tiny;

/// The servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Lite,
    Native,
}

/// A server that runs until it is dropped.
pub struct Server {
    kind: Kind,
    environment: PathBuf,
    folder: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Server {
    /// Starts one; none, which is said, where it is not installed.
    pub fn start(kind: Kind) -> Option<Server> {
        let environments =
            std::env::var_os("BAOWEN_TEST_MILVUS").map_or_else(|| root().join("target/milvus"), PathBuf::from);
        let environment = environments.join(format!("{kind:?}").to_lowercase());
        if !environment.join("bin/python").exists() {
            needed::missing(format_args!(
                "there is no Milvus in {}; `.ci/milvus` installs it",
                environment.display()
            ));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(kind, &environment, folder.path(), port);
        let mut server = Server {
            kind,
            environment,
            folder,
            port,
            child,
        };
        server.wait();
        Some(server)
    }

    /// Until somebody listens.
    fn wait(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut said = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("{:?} ended with {status}: {said}", self.kind);
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{:?} does not listen",
                self.kind
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it in the middle of whatever it does, and starts it again with what it has on disk.
    fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it with what it has on disk.
    pub fn start_again(&mut self) {
        self.child = spawn(self.kind, &self.environment, self.folder.path(), self.port);
        self.wait();
    }

    fn address(&self, name: &str) -> Address {
        at(self.port, name)
    }

    pub fn create(&self, name: &str, identity: &Identity) -> Arc<MilvusIndex> {
        loop {
            match MilvusIndex::create(&self.address(name), identity, Bm25Params::default()) {
                // The native server listens a moment before it can make anything.
                Err(error) if error.message().contains("has not been init") => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                made => return made.unwrap(),
            }
        }
    }

    fn open(&self, name: &str) -> Arc<MilvusIndex> {
        MilvusIndex::open(&self.address(name), Bm25Params::default()).unwrap()
    }
}

/// Whoever writes sends each article by itself, so that rows are there long before their commit.
fn at(port: u16, name: &str) -> Address {
    Address::parse(&format!("milvus://127.0.0.1:{port}/{name}?dense=flat&lease=5&batch=1")).unwrap()
}

/// A way to a server on which everything can be held up or lost.
pub struct Relay {
    pub port: u16,
    is_held: Arc<AtomicBool>,
    is_cut: Arc<AtomicBool>,
    /// What cuts a connection on which it is sent.
    refused: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    pub fn to(server: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_held = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::new(AtomicBool::new(false));
        let refused: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (held, cut, refusing) = (Arc::clone(&is_held), Arc::clone(&is_cut), Arc::clone(&refused));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (held, cut, refusing) = (Arc::clone(&held), Arc::clone(&cut), Arc::clone(&refusing));
                    std::thread::spawn(move || pass_on(from, to, &held, &cut, &refusing));
                }
            }
        });
        Relay {
            port,
            is_held,
            is_cut,
            refused,
        }
    }

    /// Holds up what comes from now on, or lets it all arrive.
    pub fn hold(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::SeqCst);
    }

    /// Ends every connection on which something comes from now on, or none any more.
    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// Ends every connection on which something is sent that holds these bytes; none where there are none.
    pub fn refuse(&self, bytes: &[u8]) {
        *self.refused.lock().unwrap() = bytes.to_vec();
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, held: &AtomicBool, cut: &AtomicBool, refused: &Mutex<Vec<u8>>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        while held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let refused = refused.lock().unwrap().clone();
        let is_refused = !refused.is_empty() && bytes[..read].windows(refused.len()).any(|sent| sent == refused);
        if is_refused || cut.load(Ordering::SeqCst) || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(kind: Kind, environment: &Path, folder: &Path, port: u16) -> Child {
    let mut command = match kind {
        Kind::Lite => {
            let mut command = Command::new(environment.join("bin/milvus-lite"));
            command.arg("server").arg("--data-dir").arg(folder);
            command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            command
        }
        Kind::Native => {
            let python = std::fs::read_dir(environment.join("lib")).unwrap().flatten();
            let python = python
                .map(|entry| entry.path())
                .find(|path| path.join("site-packages").exists());
            let lib = python.unwrap().join("site-packages/milvus_lite/lib");
            let mut command = Command::new(lib.join("milvus"));
            command.env("LD_LIBRARY_PATH", &lib).arg(folder.join("milvus.db"));
            command.args([&format!("127.0.0.1:{port}"), "ERROR"]);
            command
        }
    };
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

fn answers_alike(kind: Kind, one_in: usize) {
    let Some(mut server) = Server::start(kind) else { return };
    let identity = rules().identity();
    let expected = life(Tiny::counting_live(identity.clone()), one_in, |tiny| tiny);
    let index: Arc<dyn Backend> = server.create("articles", &identity);
    let server = std::cell::RefCell::new(&mut server);
    let found = life(index, one_in, |index| {
        drop(index);
        server.borrow_mut().restart();
        server.borrow().open("articles")
    });
    let lines = compare(&expected, &found);
    assert!(lines > 5_000 / one_in, "{lines} lines: too little was asked");
}

#[test]
fn the_native_engine_of_milvus_answers_like_every_engine() {
    // A part of the questions, for time.
    answers_alike(Kind::Native, 3);
}

#[test]
fn the_pure_milvus_answers_like_every_engine() {
    // A tenth of the questions: each takes it a second.
    answers_alike(Kind::Lite, 11);
}

/// Articles of a small collection, all of one topic and each with its number.
fn numbered(range: std::ops::Range<usize>) -> Vec<Article> {
    let one = |i: usize| {
        let text = format!(
            "第{i}条 居民医保缴费标准为每年{}元，{}年起执行。",
            300 + i,
            2020 + i % 5
        );
        Article {
            source: (!i.is_multiple_of(3)).then(|| format!("站\"{}\\", i % 3)),
            published: (!i.is_multiple_of(4)).then(|| format!("2025-0{}-11", i % 4).parse().unwrap()),
            kind: ArticleKind::ALL[usize::from(i.is_multiple_of(5))],
            ..article(&format!("文\"{i:03}"), ["浙江杭州医保", "甘肃医保", ""][i % 3], &text)
        }
    };
    range.map(one).collect()
}

fn put(ingest: &Ingest<Box<dyn Writer>>, articles: Vec<Article>) {
    assert!(ingest.upsert(articles, Budget::all()).iter().all(Result::is_ok));
}

fn writing(index: &Arc<MilvusIndex>) -> Ingest<Box<dyn Writer>> {
    Ingest::new(index.clone().writer().unwrap(), rules())
}

fn add(index: &Arc<MilvusIndex>, articles: Vec<Article>) {
    let ingest = writing(index);
    put(&ingest, articles);
    ingest.commit().unwrap();
}

/// A tiny engine that holds these articles.
fn tiny(articles: Vec<Article>) -> Arc<dyn Backend> {
    let tiny = Tiny::counting_live(rules().identity());
    let ingest = Ingest::new(tiny.clone().writer().unwrap(), rules());
    assert!(ingest.upsert(articles, Budget::all()).iter().all(Result::is_ok));
    ingest.commit().unwrap();
    tiny
}

/// What an index answers is what an engine answers that holds these articles and has never held others.
fn holds(index: Arc<MilvusIndex>, articles: Vec<Article>) {
    let said = |backend: Arc<dyn Backend>| [("", everything(&backend, 5))];
    compare(&said(tiny(articles)), &said(index));
}

fn ids(index: &MilvusIndex) -> Vec<String> {
    index.snapshot().unwrap().article_ids(Budget::single()).unwrap()
}

/// Until something holds; what others commit is seen within a second or two.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn filters_let_through_what_they_let_through_everywhere() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    let index = server.create("filters", &rules().identity());
    // With something that was sent and is skipped, so that filters stand beside what leaves it out.
    let lost = writing(&index);
    put(&lost, numbered(30..50));
    drop(lost);
    add(&index, numbered(0..40));
    let (found, expected) = (index.snapshot().unwrap(), tiny(numbered(0..40)).snapshot().unwrap());
    let some = |values: &'static [&'static str]| {
        proptest::sample::subsequence(values, 0..=2).prop_map(|values| values.into_iter().map(String::from).collect())
    };
    let days = || {
        proptest::option::of(proptest::sample::select(vec![
            "2025-01-01",
            "2025-01-11",
            "2025-02-11",
            "2025-03-12",
        ]))
    };
    let filters = (
        some(&["文\"001", "文\"017", "文\"030", "nobody"]),
        some(&["站\"1\\", "站\"2\\", "", "站\n"]),
        some(&["浙江", "杭州", "甘肃", "\"] or id > 0 or [\""]),
        proptest::sample::subsequence(vec![2020u16, 2021, 2024, 1999], 0..=2),
        (days(), days()),
        proptest::sample::subsequence(ArticleKind::ALL.to_vec(), 0..=2),
    );
    let mut runner = TestRunner::new(Config::with_cases(60));
    let outcome = runner.run(&filters, |(article_ids, sources, regions, years, (from, to), kinds)| {
        let filter = Filter {
            article_ids,
            sources,
            regions,
            years,
            published_from: from.map(|day| day.parse().unwrap()),
            published_to: to.map(|day| day.parse().unwrap()),
            kinds,
        };
        let one = Budget::single();
        prop_assert_eq!(
            found.count(&filter, one).unwrap(),
            expected.count(&filter, one).unwrap()
        );
        prop_assert_eq!(
            found.wholly(&filter, one).unwrap(),
            expected.wholly(&filter, one).unwrap()
        );
        prop_assert_eq!(
            found.facets(&filter, one).unwrap(),
            expected.facets(&filter, one).unwrap()
        );
        prop_assert_eq!(
            found.passing(&filter, one).unwrap(),
            expected.passing(&filter, one).unwrap()
        );
        Ok(())
    });
    outcome.unwrap();
}

fn who_is_cut_off_is_followed(kind: Kind) {
    let Some(server) = Server::start(kind) else { return };
    let first = server.create("shared", &rules().identity());
    let reading = server.open("shared");
    add(&first, numbered(0..10));
    wait_until("the other one sees the commit", || ids(&reading).len() == 10);
    drop(first);

    // One that is busy is not followed.
    let relay = Relay::to(server.port);
    let cut_off = MilvusIndex::open(&at(relay.port, "shared"), Bm25Params::default()).unwrap();
    let ingest = writing(&cut_off);
    put(&ingest, numbered(5..30));
    ingest.delete(["文\"001"]).unwrap();
    let busy = reading.clone().writer().err().map(|error| error.fault());
    assert_eq!(busy, Some(Fault::Precondition));
    // One that is cut off in the middle is: rows of it are there, and more of them are on their way.
    relay.hold(true);
    let late = std::thread::spawn(move || {
        let sent = ingest.upsert(numbered(40..41), Budget::all()).remove(0).map(drop);
        [sent, ingest.commit().map(drop)].map(|outcome| outcome.map_err(|error| error.fault()))
    });
    wait_until("the right to write passes on", || reading.clone().writer().is_ok());
    assert_eq!(ids(&reading).len(), 10, "nothing that was not committed is seen");
    let next = writing(&reading);
    put(&next, numbered(8..12));
    next.commit().unwrap();
    // What was held up arrives now, under a stamp that is skipped.
    relay.hold(false);
    let told = [Err(Fault::Unavailable), Err(Fault::Precondition)];
    assert_eq!(late.join().unwrap(), told, "it is told, and commits nothing");
    drop(cut_off);
    holds(reading.clone(), numbered(0..12));
    put(&next, numbered(12..20));
    next.delete(["文\"000"]).unwrap();
    next.commit().unwrap();
    drop(next);
    holds(server.open("shared"), numbered(1..20));
    add(&reading, numbered(0..1));
    holds(reading, numbered(0..20));
}

#[test]
fn who_is_cut_off_from_the_native_engine_is_followed() {
    who_is_cut_off_is_followed(Kind::Native);
}

#[test]
fn who_is_cut_off_from_the_pure_milvus_is_followed() {
    who_is_cut_off_is_followed(Kind::Lite);
}

#[test]
fn without_all_that_belongs_to_it_there_is_no_commit() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    add(&server.create("failed", &rules().identity()), numbered(0..3));
    let relay = Relay::to(server.port);
    // The right to write outlives what happens here.
    let address = Address {
        lease: Duration::from_secs(600),
        ..at(relay.port, "failed")
    };
    let index = MilvusIndex::open(&address, Bm25Params::default()).unwrap();
    let ingest = writing(&index);
    put(&ingest, numbered(3..5));
    let fault = |outcome: Result<(), Error>| outcome.map_err(|error| error.fault());
    let one = |article: Article| fault(ingest.upsert(vec![article], Budget::all()).remove(0).map(drop));
    relay.cut(true);
    assert_eq!(one(numbered(5..6).remove(0)), Err(Fault::Unavailable));
    relay.cut(false);
    let unfinished = Err(Fault::Precondition);
    assert_eq!(one(numbered(6..7).remove(0)), unfinished);
    assert_eq!(fault(ingest.commit().map(drop)), unfinished);
    assert_eq!(ids(&index).len(), 3);
    let mut writer = ingest.into_writer();
    writer.rollback().unwrap();
    let ingest = Ingest::new(writer, rules());
    put(&ingest, numbered(4..8));
    ingest.commit().unwrap();
    drop(ingest);
    holds(index, [numbered(0..3), numbered(4..8)].concat());
}

/// As everybody has it who writes no options; a server without HNSW is asked all the same.
#[test]
fn the_default_address_finds_by_meaning() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    let identity = rules().identity();
    // Waits until it can make something.
    server.create("ready", &identity);
    let address = Address::parse(&format!("milvus://127.0.0.1:{}/plain", server.port)).unwrap();
    assert_eq!(address.dense, DenseIndex::Hnsw);
    let index = MilvusIndex::create(&address, &identity, Bm25Params::default()).unwrap();
    add(&index, numbered(0..60));
    let found = |backend: Arc<dyn Backend>| -> Vec<String> {
        let rules = rules();
        let engine = Engine::new(backend, rules.analyzer, rules.embedder);
        let request = SearchRequest {
            query: "居民医保缴费标准".into(),
            mode: Mode::Dense,
            top_k: Some(20),
            ..SearchRequest::default()
        };
        let hits = engine.search(&request, Budget::all()).unwrap().hits;
        hits.into_iter().map(|hit| hit.article_id).collect()
    };
    let expected = found(tiny(numbered(0..60)));
    let missed = found(index).into_iter().filter(|id| !expected.contains(id)).count();
    assert!(
        expected.len() == 20 && missed <= 2,
        "{missed} others than the 20 nearest"
    );
}

/// Rows that were read for a question answer the next one, as far as the address allows.
#[test]
fn what_was_read_is_kept_as_far_as_wanted() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    add(&server.create("kept", &rules().identity()), numbered(0..200));
    let relay = Relay::to(server.port);
    let request = SearchRequest::new("居民医保缴费标准");
    for (option, is_kept) in [("cache=0", false), ("cache=64", true)] {
        let address = format!("milvus://127.0.0.1:{}/kept?dense=flat&{option}", relay.port);
        let index = MilvusIndex::open(&Address::parse(&address).unwrap(), Bm25Params::default()).unwrap();
        let rules = rules();
        let engine = Engine::new(index, rules.analyzer, rules.embedder);
        let first = engine.search(&request, Budget::all()).unwrap().hits;
        assert!(!first.is_empty());
        // Nothing is asked for by keys: searches bring all that a process that is new to it needs.
        relay.refuse(b"*\x06judged");
        assert_eq!(engine.search(&request, Budget::all()).unwrap().hits, first, "{option}");
        relay.refuse(b"");
        // As long as much of what is judged is new, searches bring it along.
        for _ in 0..16 {
            assert_eq!(engine.search(&request, Budget::all()).unwrap().hits, first);
        }
        // The fields by which passages are judged and shown, as they are asked for.
        for field in [&b"\x06judged"[..], b"\x07passage"] {
            relay.refuse(field);
            match engine.search(&request, Budget::all()) {
                Ok(again) => assert!(is_kept && again.hits == first, "{option}"),
                Err(error) => assert!(!is_kept, "{option}: {error}"),
            }
        }
        relay.refuse(b"");
    }
}

#[test]
fn a_new_generation_is_seen_whole() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    let identity = rules().identity();
    let index = server.create("anew", &identity);
    add(&index, numbered(0..10));
    // One that is begun and given up leaves nothing.
    let writer = index.clone().writer_anew(&identity).unwrap();
    let ingest = Ingest::new(writer, rules());
    put(&ingest, numbered(0..3));
    drop(ingest);
    let writer = index.clone().writer_anew(&identity).unwrap();
    let ingest = Ingest::new(writer, rules());
    put(&ingest, numbered(20..30));
    let mut writer = ingest.into_writer();
    writer.rollback().unwrap();
    let ingest = Ingest::new(writer, rules());
    put(&ingest, numbered(5..15));
    holds(server.open("anew"), numbered(0..10));
    ingest.commit().unwrap();
    holds(server.open("anew"), numbered(5..15));
    put(&ingest, numbered(15..17));
    ingest.commit().unwrap();
    drop(ingest);
    add(&index, numbered(17..18));
    holds(index.clone(), numbered(5..18));
}

#[test]
fn two_that_make_an_index_make_one() {
    // Only one of the servers: the pure one cannot make the same collection twice at the same moment.
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    for turn in 0..3 {
        let name = format!("twice{turn}");
        let make = || server.create(&name, &rules().identity());
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(make);
            let two = make();
            (one.join().unwrap(), two)
        });
        add(&one, numbered(0..4));
        wait_until("the other one sees it", || ids(&two).len() == 4);
        // One that comes late changes nothing.
        add(&make(), numbered(4..5));
        holds(server.open(&name), numbered(0..5));
    }
}

#[test]
fn commands_work_over_milvus_as_over_a_folder() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    // Waits until it can make something.
    server.create("ready", &rules().identity());
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("in").join(name), text).unwrap();
    write("gap.md", "# 医保断缴\n\n断缴三个月内可以补缴，待遇不中断。\n");
    write("birth.md", "# 生育津贴\n\n产假期间按月领取。\n");
    write("pension.md", "# 养老金\n\n养老金按月领取，断缴不清零。\n");
    let run = |args: &[&str]| baowen(folder.path(), None, args);
    let refused = |args: &[&str], says: &str| {
        let output = run(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{args:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    };
    let address = |name: &str| format!("milvus://me:secret@127.0.0.1:{}/{name}?batch=1", server.port);
    let (one, two) = (address("one"), address("two"));
    // Ids with their scores and sentences.
    let found = |at: [&str; 2]| {
        let mut answer = json(&run(&["search", "断缴了怎么办", "--json", at[0], at[1]]));
        answer["hits"].take()
    };

    refused(
        &["search", "断缴", "--backend", &one],
        "there is no index at milvus://127.0.0.1",
    );
    refused(
        &["search", "断缴", "--backend", "milvus://nowhere"],
        "names no collection",
    );
    let counts = |args: &[&str]| {
        let summary = json(&run(args));
        ["added", "updated", "unchanged", "total_articles"].map(|field| summary[field].as_u64().unwrap())
    };
    let index = ["index", "in", "--no-vectors", "--json"];
    assert_eq!(counts(&[&index[..], &["--backend", &one]].concat()), [3, 0, 0, 3]);
    assert_eq!(counts(&[&index[..], &["--index", "idx"]].concat()), [3, 0, 0, 3]);
    let expected = found(["--index", "idx"]);
    assert_eq!(expected.as_array().unwrap().len(), 2);
    assert_eq!(found(["--backend", &one]), expected);

    // Both ways, and over one that is there.
    assert_eq!(counts(&["copy", &one, "back", "--json"]), [3, 0, 0, 3]);
    assert_eq!(found(["--index", "back"]), expected);
    refused(&["copy", &one, "back"], "there is an index");
    assert_eq!(counts(&["copy", "back", &two, "--json"]), [3, 0, 0, 3]);
    refused(&["copy", &one, &two], "holds 3 articles");
    assert_eq!(counts(&["copy", &one, &two, "--replace", "--json"]), [3, 0, 0, 3]);
    assert_eq!(found(["--backend", &two]), expected);

    write("birth.md", "# 生育津贴\n\n产假期间按月领取，断缴当月不发。\n");
    std::fs::remove_file(folder.path().join("in/gap.md")).unwrap();
    for at in [["--backend", &one], ["--index", "idx"]] {
        assert_eq!(counts(&[&index[..], &["--prune"], &at].concat()), [0, 1, 1, 2]);
    }
    assert_eq!(
        counts(&["rebuild", "--no-vectors", "--json", "--backend", &one]),
        [2, 0, 0, 2]
    );
    assert_eq!(
        counts(&["rebuild", "--no-vectors", "--json", "--index", "idx"]),
        [2, 0, 0, 2]
    );
    assert_eq!(found(["--backend", &one]), found(["--index", "idx"]));

    let delete = |more: &[&str]| {
        json(&run(
            &[&["delete", "in/pension.md", "--json", "--backend", &one], more].concat()
        ))
    };
    assert_eq!(delete(&["--dry-run"])["article_ids"][0], "in/pension.md");
    assert_eq!(delete(&[])["article_ids"][0], "in/pension.md");
    refused(&["delete", "in/pension.md", "--backend", &one], "there is no article");
    assert_eq!(counts(&[&index[..], &["--backend", &one]].concat()), [1, 0, 1, 2]);
    assert_eq!(found(["--backend", &one]), found(["--index", "idx"]));

    // Measured by judged questions, made anew from its files, and emptied by the name of their source.
    write("../queries.jsonl", "{\"_id\": \"q\", \"text\": \"断缴了怎么办\"}\n");
    write("../qrels.tsv", "query-id\tcorpus-id\tscore\nq\tin/pension.md\t1\n");
    let measured = |at: [&str; 2]| {
        let mut report = json(&run(&["eval", "--dataset", ".", "--json", at[0], at[1]]));
        report["modes"].take()
    };
    let expected = measured(["--index", "idx"]);
    assert!(expected.to_string().contains("nDCG@10"), "{expected}");
    assert_eq!(measured(["--backend", &one]), expected);
    write("later.md", "# 退休\n\n退休后不再缴费。\n");
    assert_eq!(
        counts(&[&index[..], &["--rebuild", "--backend", &one]].concat()),
        [3, 0, 0, 3]
    );
    let emptied = json(&run(&["delete", "--source", "in", "--json", "--backend", &one]));
    assert_eq!(emptied["article_ids"].as_array().unwrap().len(), 3);
    assert_eq!(found(["--backend", &one]), serde_json::json!([]));
    assert_eq!(counts(&[&index[..], &["--backend", &one]].concat()), [3, 0, 0, 3]);

    let bench = [
        "bench",
        "--queries",
        "queries.jsonl",
        "--requests",
        "3",
        "--json",
        "--backend",
        &one,
    ];
    let measured = json(&run(&bench));
    assert_eq!(
        [&measured["answered"], &measured["cached"], &measured["errors"]],
        [&serde_json::json!(3), &0.into(), &serde_json::json!({})],
        "{measured}"
    );

    let verified = json(&run(&["verify", "--json", "--backend", &one]));
    assert_eq!(
        (&verified["damaged"], &verified["stats"]["articles"]),
        (&serde_json::json!([]), &3.into())
    );
    let expected = found(["--backend", &one]);
    assert_eq!(
        counts(&["snapshot", "snapshot", "--json", "--backend", &one]),
        [3, 0, 0, 3]
    );
    assert_eq!(found(["--index", "snapshot"]), expected);
    refused(&["snapshot", "snapshot", "--backend", &one], "there is an index");
    refused(
        &["search", "断缴", "--backend", &one, "--addr", "127.0.0.1:1"],
        "cannot be used with",
    );
}

/// Makes a call of Milvus behind the engine's back.
pub fn call<Q, A>(port: u16, method: &str, request: Q) -> A
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    crate::service::block_on(async {
        let address = format!("http://127.0.0.1:{port}");
        let channel = tonic::transport::Endpoint::from_shared(address)
            .unwrap()
            .connect()
            .await;
        let mut client = tonic::client::Grpc::new(channel.unwrap());
        client.ready().await.unwrap();
        let path = format!("/milvus.proto.milvus.MilvusService/{method}").parse().unwrap();
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        let answer = client.unary(tonic::Request::new(request), path, codec).await;
        answer.unwrap().into_inner()
    })
}

/// Deletes rows; all of them, and the collection with them, without an expression.
pub fn delete_rows(port: u16, collection: &str, expr: &str) {
    /// Of a call that deletes rows, and of one that drops a collection.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Request {
        #[prost(string, tag = "3")]
        collection_name: String,
        #[prost(string, tag = "5")]
        expr: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Deleted {
        #[prost(int64, tag = "7")]
        count: i64,
    }
    let request = Request {
        collection_name: collection.into(),
        expr: expr.into(),
    };
    let method = if expr.is_empty() { "DropCollection" } else { "Delete" };
    let deleted: Deleted = call(port, method, request);
    assert!(expr.is_empty() || deleted.count > 0, "{collection}: {expr}");
}

#[test]
fn what_is_missing_is_named() {
    let Some(server) = Server::start(Kind::Native) else {
        return;
    };
    let long = Article {
        text: "断缴三个月内可以补缴，待遇不中断。".repeat(3_000),
        ..article("long", "长文", "")
    };
    // An article in two rows.
    assert!(long.text.len() > 100_000);
    let create = |name: &str| {
        let index = server.create(name, &rules().identity());
        add(&index, [numbered(0..20), vec![long.clone()]].concat());
        index
    };
    let wrong = |index: &MilvusIndex| index.verify(Budget::all()).unwrap().wrong;
    let index = create("whole");
    add(&index, numbered(5..25));
    let ingest = writing(&index);
    ingest.delete(["文\"003"]).unwrap();
    ingest.commit().unwrap();
    drop(ingest);
    assert_eq!(wrong(&index), Vec::<String>::new());
    // What was sent and never committed is beside it.
    let lost = writing(&index);
    put(&lost, numbered(40..43));
    let found = index.verify(Budget::all()).unwrap();
    assert_eq!(found.wrong, Vec::<String>::new());
    assert!(
        found.beside.iter().any(|line| line.contains("passages of commit")),
        "{found:?}"
    );
    drop(lost);

    // Nothing is added to what is gone.
    let gone = create("gone");
    let lost = writing(&gone);
    put(&lost, numbered(40..43));
    drop(lost);
    delete_rows(server.port, "gone_v1", "");
    let refused = gone.clone().writer().err().unwrap().to_string();
    assert!(
        refused.contains("collection gone_v1 is gone") && refused.contains("rebuild"),
        "{refused}"
    );
    assert_eq!(wrong(&gone), ["collection gone_v1 is gone"]);
    // What it keeps can be read out while nobody writes, and a new generation is made of it.
    drop(gone.clone().held().unwrap());
    let anew = Ingest::new(gone.clone().writer_anew(&rules().identity()).unwrap(), rules());
    put(&anew, numbered(0..20));
    anew.commit().unwrap();
    drop(anew);
    assert_eq!(wrong(&gone), Vec::<String>::new());

    let check = |name: &str, part: &str, expr: &str, expected: &[&str]| {
        let index = create(name);
        delete_rows(server.port, &format!("{name}_v1{part}"), expr);
        let found = wrong(&index);
        for expected in expected {
            assert!(
                found.iter().any(|line| line.contains(expected)),
                "{name}: {expected} in {found:?}"
            );
        }
    };
    check(
        "a",
        "",
        "article == \"文\\\"002\"",
        &[
            "1 articles are not whole: 文\"002: 0 of 1 passages",
            "passages: the commit says",
            "terms are counted otherwise",
        ],
    );
    check(
        "b",
        "_articles",
        "article == \"文\\\"002\"",
        &["文\"002: passages without an article", "articles: the commit says 21"],
    );
    check(
        "c",
        "_articles",
        "article == \"long\" and part == 1",
        &["1 articles are not whole: long: its text"],
    );
    check(
        "d",
        "_terms",
        "texts == 1",
        &["terms are counted otherwise than they stand in passages: term"],
    );
}
