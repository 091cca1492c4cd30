//! An index that lives, whatever engine keeps it: who shares a commit, who is told, what belongs to whom, what a
//! failure takes with it.
//!
//! Nothing here depends on a clock: the pace is an hour, and commits are asked for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use baowen::article::source::{Source, SourceKind};
use baowen::compute::Budget;
use baowen::embed::HashEmbedder;
use baowen::error::{Error, Fault, Result};
use baowen::index::ingest::Outcome;
use baowen::index::ingest::live::{ChangeGroup, Live, Pace};
use baowen::index::ingest::maintain::Background;
use baowen::index::ingest::selection::Selection;
use baowen::index::{Backend, EmbeddedIndex, PreparedArticle, Rules, SourceTable, Writer};
use baowen::model::{Article, Filter, Origin};

use crate::support::{Before, analyzer, article, rules};
use crate::tiny::Tiny;

/// Only what is asked for is committed.
const ASKED: Pace = Pace {
    waited_for: Duration::from_secs(3_600),
    unwatched: Duration::from_secs(3_600),
};

fn given(name: &str) -> Source {
    Source {
        name: name.into(),
        root: String::new(),
        kind: SourceKind::Given,
    }
}

fn live(backend: &Arc<impl Backend + 'static>) -> Live {
    let writer = backend.clone().writer().unwrap();
    Live::new(backend.clone(), writer, rules(), ASKED).unwrap()
}

fn upsert(live: &Live, source: &str, articles: &[Article]) -> (Vec<Result<Outcome>>, ChangeGroup) {
    let taken = live.upsert(&given(source), articles.to_vec(), Budget::all()).unwrap();
    (taken.outcomes, taken.change)
}

/// What is told of a change, once it is.
fn told(live: &Live, change: ChangeGroup) -> mpsc::Receiver<Result<u64>> {
    let (tell, told) = mpsc::channel();
    live.when_durable(change, Box::new(move |result| drop(tell.send(result))));
    told
}

fn ids(backend: &dyn Backend) -> Vec<String> {
    backend.snapshot().unwrap().article_ids(Budget::all()).unwrap()
}

/// Runs a test over both engines.
fn for_each_engine(test: fn(Arc<dyn Backend>, Live)) {
    let tiny = Tiny::new(rules().identity());
    test(tiny.clone(), live(&tiny));
    let folder = tempfile::tempdir().unwrap();
    let index = EmbeddedIndex::create(folder.path(), &rules().identity()).unwrap();
    test(index.clone(), live(&index));
    assert_eq!(index.verify(Budget::all()).unwrap(), Vec::<String>::new());
    let held = ids(&*index);
    drop(index);
    assert_eq!(ids(&*EmbeddedIndex::open(folder.path()).unwrap()), held);
}

#[test]
fn callers_share_a_commit_and_are_told_of_it() {
    for_each_engine(|backend, live| {
        let before = backend.snapshot().unwrap();
        let waiting: Vec<_> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|n| {
                    let live = &live;
                    scope.spawn(move || {
                        let (outcomes, change) = upsert(live, "crm", &[article(&format!("a{n}"), "", "医保断缴")]);
                        assert!(matches!(outcomes[..], [Ok(Outcome::Added(1))]), "{outcomes:?}");
                        told(live, change)
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert!(
            waiting.iter().all(|told| told.try_recv().is_err()),
            "nothing is durable yet"
        );
        assert_eq!(
            ids(&*backend),
            Vec::<String>::new(),
            "nothing is seen before it is committed"
        );
        let stamp = live.commit(None).unwrap();
        for told in waiting {
            assert_eq!(told.recv().unwrap().unwrap(), stamp);
        }
        assert_eq!(ids(&*backend).len(), 8);
        assert_eq!(
            before.article_ids(Budget::all()).unwrap().len(),
            0,
            "a search that runs keeps its view"
        );
        assert_eq!(live.commit(None).unwrap(), stamp, "nothing new, no commit");
    });
}

#[test]
fn a_bad_article_touches_no_other_and_an_id_stays_with_its_source() {
    for_each_engine(|backend, live| {
        let long = article("long", &"题".repeat(501), "文");
        let articles = [
            article("a", "甲", "医保"),
            long,
            article("", "", "文"),
            article(&"i".repeat(513), "", "文"),
            article("b", "", ""),
            article("c", "丙", "医保"),
            article("a", "甲", "后来的"),
        ];
        let (outcomes, _) = upsert(&live, "crm", &articles);
        let said: Vec<String> = outcomes
            .iter()
            .map(|outcome| match outcome {
                Ok(outcome) => format!("{outcome:?}"),
                Err(error) => {
                    assert_eq!(error.fault(), Fault::Caller);
                    error.message().split(':').next().unwrap().to_string()
                }
            })
            .collect();
        let expected = ["Added(1)", "title", "id", "id", "text", "Added(1)", "Updated(1)"];
        assert_eq!(said, expected);
        // Not committed, and kept all the same.
        let (outcomes, _) = upsert(
            &live,
            "other",
            &[article("a", "", "抢来的"), article("d", "", "自己的")],
        );
        let refused = outcomes[0].as_ref().unwrap_err();
        assert!(refused.message().contains("`crm`"), "{refused}");
        assert!(outcomes[1].is_ok());
        live.commit(None).unwrap();
        let (outcomes, _) = upsert(&live, "other", &[article("a", "", "抢来的")]);
        assert_eq!(outcomes[0].as_ref().unwrap_err().fault(), Fault::Caller);
        assert_eq!(ids(&*backend), ["a", "c", "d"]);
        assert_eq!(
            backend
                .snapshot()
                .unwrap()
                .article("a", Budget::single())
                .unwrap()
                .unwrap()
                .text,
            "后来的"
        );
        let sources = backend.sources().unwrap();
        assert_eq!(
            sources.iter().map(|source| &source.name[..]).collect::<Vec<_>>(),
            ["crm", "other"]
        );
        let foldered = Source {
            root: "/data/crm".into(),
            kind: SourceKind::Folder,
            ..given("crm")
        };
        let refused = live.upsert(&foldered, Vec::new(), Budget::all()).unwrap_err();
        assert_eq!(refused.fault(), Fault::Precondition);
        let nameless = live.upsert(&given(" "), Vec::new(), Budget::all()).unwrap_err();
        assert_eq!(nameless.fault(), Fault::Caller);
    });
}

#[test]
fn articles_go_by_id_by_source_and_by_what_they_are_about() {
    for_each_engine(|backend, live| {
        let of_publisher = |id: &str, publisher: &str| Article {
            source: Some(publisher.into()),
            ..article(id, "", "医保")
        };
        upsert(
            &live,
            "crm",
            &[
                article("a", "", "医保"),
                of_publisher("b", "甲站"),
                of_publisher("c", "乙站"),
            ],
        );
        upsert(&live, "web", &[of_publisher("d", "甲站"), article("e", "", "医保")]);
        let delete = |selection: Selection| live.delete(&selection, Budget::all());
        // Not committed yet.
        let by_id = Selection {
            ids: vec!["a".into(), "e".into(), "nobody".into()],
            source: Some("crm".into()),
            ..Selection::default()
        };
        let gone = delete(by_id.clone()).unwrap();
        assert_eq!(gone.selected.found.into_iter().collect::<Vec<_>>(), ["a"]);
        assert_eq!(gone.selected.missing, ["e", "nobody"]);
        assert_eq!(delete(by_id).unwrap().selected.missing.len(), 3, "again: no error");
        let filter = Filter {
            sources: vec!["甲站".into()],
            ..Filter::default()
        };
        let gone = delete(Selection {
            filter,
            source: Some("web".into()),
            ..Selection::default()
        });
        assert_eq!(gone.unwrap().selected.found.into_iter().collect::<Vec<_>>(), ["d"]);
        live.commit(None).unwrap();
        assert_eq!(ids(&*backend), ["b", "c", "e"]);
        let whole = Selection {
            source: Some("web".into()),
            ..Selection::default()
        };
        let told = told(&live, delete(whole.clone()).unwrap().change);
        live.commit(None).unwrap();
        told.recv().unwrap().unwrap();
        assert_eq!(ids(&*backend), ["b", "c"]);
        assert!(backend.sources().unwrap().get("web").is_none());
        assert_eq!(delete(whole).unwrap_err().fault(), Fault::Missing);
        assert!(
            delete(Selection::default()).unwrap().selected.found.is_empty(),
            "nothing named, nothing gone"
        );
    });
}

#[test]
fn unchanged_text_embeds_nothing() {
    let embedded = Arc::new(AtomicUsize::new(0));
    let counted = embedded.clone();
    let count = move |texts: &[&str]| {
        counted.fetch_add(texts.len(), Ordering::Relaxed);
        Ok(())
    };
    let rules = Rules {
        analyzer: analyzer(),
        embedder: Some(Arc::new(Before(HashEmbedder::new(64), count))),
    };
    let tiny = Tiny::new(rules.identity());
    let live = Live::new(tiny.clone(), tiny.writer().unwrap(), rules, ASKED).unwrap();
    let articles: Vec<Article> = (0..10)
        .map(|n| article(&format!("a{n}"), "", &format!("医保 {n}")))
        .collect();
    for committed in [false, true, true] {
        let (outcomes, change) = upsert(&live, "crm", &articles);
        let is_first = !committed;
        assert!(
            outcomes.iter().all(|o| matches!(o, Ok(Outcome::Unchanged)) != is_first),
            "{outcomes:?}"
        );
        // Of each the passage and its one sentence.
        assert_eq!(embedded.load(Ordering::Relaxed), 2 * articles.len());
        live.commit(None).unwrap();
        told(&live, change).recv().unwrap().unwrap();
    }
}

/// Both ask before either has written.
#[test]
fn of_two_folders_of_one_name_the_second_is_refused() {
    let folder_source = |root: &str| Source {
        name: "docs".into(),
        root: root.into(),
        kind: SourceKind::Folder,
    };
    let ((begun, begins), (goes, go)) = (mpsc::channel(), mpsc::channel());
    // The first to begin says so and waits.
    let first = Mutex::new(Some((begun, go)));
    let wait = move |_: &[&str]| {
        let first = first.lock().unwrap().take();
        if let Some((begun, go)) = first {
            begun.send(()).unwrap();
            go.recv().unwrap();
        }
        Ok(())
    };
    let rules = Rules {
        analyzer: analyzer(),
        embedder: Some(Arc::new(Before(HashEmbedder::new(64), wait))),
    };
    let tiny = Tiny::new(rules.identity());
    let live = Live::new(tiny.clone(), tiny.clone().writer().unwrap(), rules, ASKED).unwrap();
    let give = |root: &str, id: &str| {
        let articles = vec![article(id, "", "医保断缴")];
        live.upsert(&folder_source(root), articles, Budget::single())
            .unwrap()
            .outcomes
    };
    let slow = std::thread::scope(|scope| {
        let slow = scope.spawn(|| give("/a", "a"));
        begins.recv().unwrap();
        assert!(matches!(give("/b", "b")[0], Ok(Outcome::Added(_))));
        goes.send(()).unwrap();
        slow.join().unwrap()
    });
    let error = slow[0].as_ref().unwrap_err();
    assert_eq!(error.fault(), Fault::Precondition, "{error}");
    assert!(
        error.message().contains("/b") && error.message().contains("/a"),
        "{error}"
    );
    live.commit(None).unwrap();
    assert_eq!(ids(&*tiny), ["b"]);
    assert_eq!(live.sources().get("docs").unwrap().root, "/b");
}

/// An engine whose disk fails, and that panics, when it is told to.
struct Failing(Box<dyn Writer>, Arc<AtomicBool>, Arc<AtomicBool>);

impl Failing {
    fn works(&self) -> Result<()> {
        assert!(!self.2.load(Ordering::SeqCst), "a defect of the engine");
        if self.1.load(Ordering::SeqCst) {
            Err(Error::unavailable("no space left on the disk"))
        } else {
            Ok(())
        }
    }
}

impl Writer for Failing {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        self.0.hash(article_id)
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        self.0.origin(article_id)
    }

    fn source_table(&mut self) -> &mut SourceTable {
        self.0.source_table()
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        self.works()?;
        self.0.upsert(article)
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        self.works()?;
        self.0.delete(article_id)
    }

    fn commit(&mut self) -> Result<u64> {
        self.works()?;
        self.0.commit()
    }

    fn rollback(&mut self) -> Result<u64> {
        self.0.rollback()
    }
}

#[test]
fn what_a_failing_disk_takes_is_told_to_whom_it_belonged() {
    let full = Arc::new(AtomicBool::new(false));
    let tiny = Tiny::new(rules().identity());
    let writer = Failing(tiny.clone().writer().unwrap(), full.clone(), Arc::default());
    let live = Live::new(tiny.clone(), Box::new(writer), rules(), ASKED).unwrap();
    let (seen, failures) = mpsc::channel();
    live.watch(move |error| drop(seen.send(error.message().to_owned())));
    upsert(&live, "crm", &[article("kept", "", "医保")]);
    live.commit(None).unwrap();
    for fails_at_commit in [false, true] {
        let (_, change) = upsert(&live, "new", &[article("lost", "", "医保")]);
        let waits = told(&live, change);
        full.store(true, Ordering::SeqCst);
        if fails_at_commit {
            assert_eq!(live.commit(None).unwrap_err().fault(), Fault::Unavailable)
        } else {
            let articles = [article("kept", "", "医保"), article("too", "", "医保")];
            let (outcomes, after) = upsert(&live, "crm", &articles);
            assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
            assert_ne!(after.session, change.session);
        }
        assert_eq!(
            waits.recv().unwrap().unwrap_err().message(),
            "no space left on the disk"
        );
        full.store(false, Ordering::SeqCst);
        assert_eq!(
            live.commit(Some(change.session)).unwrap_err().fault(),
            Fault::Precondition
        );
        let late = told(&live, change).recv().unwrap().unwrap_err();
        assert_eq!(late.fault(), Fault::Unavailable);
        assert!(late.message().ends_with("no space left on the disk"), "{late}");
        assert_eq!(
            failures.try_iter().collect::<Vec<_>>(),
            ["no space left on the disk"],
            "who watches is told once"
        );
        live.commit(None).unwrap();
        assert_eq!(ids(&*tiny), ["kept"]);
        assert!(tiny.sources().unwrap().get("new").is_none());
    }
    // Sent again, it goes in.
    let (outcomes, change) = upsert(&live, "new", &[article("lost", "", "医保")]);
    assert!(matches!(outcomes[..], [Ok(Outcome::Added(1))]));
    assert_eq!(
        live.commit(Some(change.session)).unwrap(),
        told(&live, change).recv().unwrap().unwrap()
    );
    assert_eq!(ids(&*tiny), ["kept", "lost"]);
}

#[test]
fn a_panic_of_the_engine_is_a_failure_like_others() {
    let panics = Arc::new(AtomicBool::new(false));
    let tiny = Tiny::new(rules().identity());
    let writer = Failing(tiny.clone().writer().unwrap(), Arc::default(), panics.clone());
    let live = Live::new(tiny.clone(), Box::new(writer), rules(), ASKED).unwrap();
    for at_commit in [false, true] {
        let (_, change) = upsert(&live, "crm", &[article("lost", "", "医保")]);
        let waits = told(&live, change);
        panics.store(true, Ordering::SeqCst);
        if at_commit {
            assert_eq!(live.commit(None).unwrap_err().fault(), Fault::Bug)
        } else {
            let call = || live.upsert(&given("crm"), vec![article("too", "", "医保")], Budget::all());
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
        }
        panics.store(false, Ordering::SeqCst);
        // The first one after it clears away what is left, of which it is nothing.
        if !at_commit {
            let (outcomes, _) = upsert(&live, "crm", &[article("next", "", "医保")]);
            assert!(outcomes[0].is_ok(), "{outcomes:?}");
        }
        assert!(waits.recv().unwrap().is_err());
        live.commit(None).unwrap();
        assert_eq!(ids(&*tiny), ["next"]);
    }
}

/// A segment large enough for a graph gets one while the index is written to; cancelled, nothing half is left.
#[test]
fn what_a_large_segment_lacks_is_made_behind_the_writing() {
    let rules = Rules {
        analyzer: analyzer(),
        embedder: Some(Arc::new(HashEmbedder::new(8))),
    };
    let folder = tempfile::tempdir().unwrap();
    let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
    let live = Live::open(&index, rules, ASKED, "it is a test").unwrap();
    let articles: Vec<Article> = (0..8_100_u64)
        .map(|n| {
            article(
                &format!("a{n}"),
                "",
                &format!("医保 {:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            )
        })
        .collect();
    upsert(&live, "bulk", &articles);
    live.commit(None).unwrap();
    let graphs = || index.snapshot().unwrap().about().graphs;
    let (fails, failures) = mpsc::channel();
    let start = || {
        let fails = fails.clone();
        let failed = move |error: &Error| drop(fails.send(error.to_string()));
        Background::start(index.clone(), Budget::single(), Duration::from_millis(10), failed).unwrap()
    };
    drop(start());
    assert_eq!(index.verify(Budget::all()).unwrap(), Vec::<String>::new(), "cancelled");
    let background = start();
    let mut number = 0;
    while graphs() == 0 {
        assert_eq!(failures.try_recv().ok(), None);
        number += 1;
        assert!(number < 10_000, "no graph was made");
        upsert(&live, "bulk", &[article(&format!("b{number}"), "", "写入照常进行")]);
        live.commit(None).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(background);
    assert_eq!(graphs(), 1);
    assert_eq!(index.verify(Budget::all()).unwrap(), Vec::<String>::new());
    assert_eq!(ids(&*index).len(), 8_100 + number);
    let second = EmbeddedIndex::open(folder.path()).unwrap();
    let refused = second.writer().map(drop).unwrap_err();
    assert_eq!(refused.hint(), Some("it is a test"));
}

/// A folder that is moved takes its lock along: whoever held that writes nothing into what stands in its place.
#[test]
fn a_writer_writes_to_its_own_folder_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let [own, away] = ["own", "away"].map(|name| folder.path().join(name));
    let index = EmbeddedIndex::create(&own, &rules().identity()).unwrap();
    let live = Live::open(&index, rules(), ASKED, "it is a test").unwrap();
    let (seen, failures) = mpsc::channel();
    live.watch(move |error| drop(seen.send(error.message().to_owned())));
    let refused = |live: &Live| {
        let refused = live.upsert(&given("crm"), vec![article("lost", "", "医保")], Budget::all());
        let refused = refused.unwrap_err();
        assert_eq!(refused.fault(), Fault::Unavailable, "{refused}");
        assert!(
            refused.message().contains("another one has been put in its place"),
            "{refused}"
        );
    };
    upsert(&live, "crm", &[article("a", "", "医保")]);
    live.commit(None).unwrap();
    // A disk that is away for a moment: what was given and is not durable is lost, and said to be.
    let (_, change) = upsert(&live, "crm", &[article("lost", "", "医保")]);
    std::fs::rename(&own, &away).unwrap();
    assert_eq!(live.commit(None).unwrap_err().fault(), Fault::Unavailable);
    assert!(told(&live, change).recv().unwrap().is_err());
    refused(&live);
    std::fs::rename(&away, &own).unwrap();
    upsert(&live, "crm", &[article("b", "", "医保")]);
    live.commit(None).unwrap();
    assert_eq!(ids(&*index), ["a", "b"]);
    // A snapshot that is restored under it, with a writer of its own.
    EmbeddedIndex::back_up(&own, &folder.path().join("snapshot")).unwrap();
    std::fs::rename(&own, &away).unwrap();
    std::fs::rename(folder.path().join("snapshot"), &own).unwrap();
    let restored = EmbeddedIndex::open(&own).unwrap();
    let other = Live::open(&restored, rules(), ASKED, "it is a test").unwrap();
    assert_eq!(failures.try_iter().count(), 1, "what was lost while the disk was away");
    assert!(!live.refuses());
    refused(&live);
    assert!(live.refuses() && !other.refuses());
    upsert(&other, "crm", &[article("c", "", "医保")]);
    other.commit(None).unwrap();
    refused(&live);
    let said: Vec<String> = failures.try_iter().collect();
    assert_eq!(said.len(), 1, "that nothing may be written is said once: {said:?}");
    assert!(said[0].contains("put in its place"), "{said:?}");
    drop((live, other));
    let held = EmbeddedIndex::open(&own).unwrap();
    assert_eq!(ids(&*held), ["a", "b", "c"]);
    assert_eq!(held.verify(Budget::all()).unwrap(), Vec::<String>::new());
}

#[test]
fn closing_commits_what_was_given() {
    for_each_engine(|backend, live| {
        let (_, change) = upsert(&live, "crm", &[article("a", "", "医保")]);
        let waits = told(&live, change);
        live.close();
        waits.recv().unwrap().unwrap();
        assert_eq!(ids(&*backend), ["a"]);
        let refused = live.upsert(&given("crm"), vec![article("b", "", "医保")], Budget::all());
        assert_eq!(refused.unwrap_err().fault(), Fault::Unavailable);
    });
}
