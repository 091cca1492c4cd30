//! The index: what is committed is there, what is not is not, and whatever is wrong is said.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baowen::compute::Budget;
use baowen::embed::HashEmbedder;
use baowen::error::{Error, Fault};
use baowen::index::ingest::{Ingest, Outcome, maintain::maintain_fully};
use baowen::index::{Asked, Backend, EmbeddedIndex, LexicalQuery, Rules, Snapshot};
use baowen::model::Filter;
use baowen::search::Engine;
use baowen::search::request::{Grouping, Mode, SearchRequest};

use crate::support::{Before, analyzer, article, index_of, put, rules};

fn ids(index: &EmbeddedIndex) -> Vec<String> {
    index.snapshot().unwrap().article_ids(Budget::single()).unwrap()
}

fn engine(index: Arc<EmbeddedIndex>, rules: &Rules) -> Engine {
    Engine::new(index, rules.analyzer.clone(), rules.embedder.clone())
}

/// A question without a filter.
fn ask(snapshot: &Arc<dyn Snapshot>, query: LexicalQuery) -> Arc<dyn Asked> {
    let filter = Filter::default();
    snapshot
        .clone()
        .ask(Arc::new(query), &filter, Budget::single())
        .unwrap()
}

#[test]
fn upserts_replace_deletes_remove_and_the_unchanged_stay() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let index = index_of(
        folder.path(),
        &rules,
        &[article("a", "甲", "医保断缴"), article("b", "乙", "养老保险")],
    );
    let ingest = Ingest::open(&index, rules.clone()).unwrap();
    let report = put(
        &ingest,
        &[
            article("a", "甲", "医保断缴"),
            article("b", "乙", "失业保险"),
            article("c", "丙", "工伤"),
        ],
    );
    assert_eq!((report.unchanged, report.updated, report.added), (1, 1, 1));
    assert_eq!(ids(&index), ["a", "b"], "nothing is visible before the commit");
    assert_eq!(ingest.delete(["a", "nobody"]).unwrap(), 1);
    ingest.commit().unwrap();
    assert_eq!(ids(&index), ["b", "c"]);
    assert_eq!(
        index
            .snapshot()
            .unwrap()
            .article("b", Budget::single())
            .unwrap()
            .unwrap()
            .text,
        "失业保险"
    );
    assert_eq!(index.snapshot().unwrap().article("a", Budget::single()).unwrap(), None);
    // A deleted article can come back as it was.
    assert_eq!(put(&ingest, &[article("a", "甲", "医保断缴")]).added, 1);
    // Twice in one commit: the later one counts.
    put(&ingest, &[article("c", "丙", "一"), article("c", "丙", "二")]);
    ingest.commit().unwrap();
    assert_eq!(
        index
            .snapshot()
            .unwrap()
            .article("c", Budget::single())
            .unwrap()
            .unwrap()
            .text,
        "二"
    );
    assert_eq!(index.snapshot().unwrap().about().passages, 3);
}

#[test]
fn words_and_vectors_stay_together_through_deletes_and_merges() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let embedder = rules.embedder.clone().unwrap();
    let texts: Vec<String> = (0..400)
        .map(|i| {
            format!(
                "第{i}篇：{}保险的编号是 N{i}。",
                ["医疗", "养老", "失业", "工伤"][i % 4]
            )
        })
        .collect();
    let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
    let ingest = Ingest::open(&index, rules.clone()).unwrap();
    for (chunk, group) in texts.chunks(40).enumerate() {
        let articles: Vec<_> = group
            .iter()
            .enumerate()
            .map(|(i, text)| article(&format!("a{:03}", chunk * 40 + i), "", text))
            .collect();
        put(&ingest, &articles);
        ingest.commit().unwrap();
    }
    let gone: Vec<String> = (0..400).step_by(3).map(|i| format!("a{i:03}")).collect();
    ingest.delete(gone.iter().map(String::as_str)).unwrap();
    ingest.commit().unwrap();
    let check = |when: &str| {
        let view = index.snapshot().unwrap();
        assert_eq!(view.about().articles, 400 - gone.len() as u64, "{when}");
        for i in (0..400).filter(|i| i % 3 != 0).step_by(17) {
            let id = format!("a{i:03}");
            let vector = embedder
                .embed_passages(&[&texts[i]], Budget::single())
                .unwrap()
                .remove(0);
            let asked = ask(&view, LexicalQuery::default());
            let found = asked.dense(&vector, 1, None, Budget::single()).unwrap();
            let key = asked.keys(&[found[0].passage]).unwrap().remove(0);
            assert_eq!(
                (&*key.article, key.ordinal),
                (id.as_str(), 0),
                "{when}: the vector of {id} finds it"
            );
            let analysed = analyzer().query(&format!("N{i}"));
            let query = LexicalQuery {
                words: analysed.words,
                bigrams: analysed.bigrams,
                ..LexicalQuery::default()
            };
            let asked = ask(&view, query);
            let found = asked.lexical(1, Budget::single()).unwrap();
            assert_eq!(
                &*asked.keys(&[found[0].passage]).unwrap()[0].article,
                id,
                "{when}: its words find {id}"
            );
        }
    };
    check("after deletes");
    ingest.into_writer().finish_as_one().unwrap();
    check("after a merge");
    assert_eq!(index.snapshot().unwrap().about().segments, 1);
    drop(index);
    let index = EmbeddedIndex::open(folder.path()).unwrap();
    assert_eq!(index.verify(Budget::all()).unwrap(), Vec::<String>::new());
}

/// Eight small segments are merged in the background at once; those are then not there to be joined with the others.
#[test]
fn segments_are_joined_whatever_is_merged_in_the_background() {
    let rules = rules();
    for commits in [2, 8, 9, 17] {
        let folder = tempfile::tempdir().unwrap();
        let index = index_of(folder.path(), &rules, &[]);
        let ingest = Ingest::open(&index, rules.clone()).unwrap();
        for at in 0..commits {
            let text = |i: usize| {
                (0..400)
                    .map(|n| format!("第{}条，按年缴费。", n * (i + 1)))
                    .collect::<String>()
            };
            let articles: Vec<_> = (0..10)
                .map(|i| article(&format!("a{at}-{i}"), "", &text(10 * at + i)))
                .collect();
            put(&ingest, &articles);
            ingest.commit().unwrap();
        }
        ingest.into_writer().finish_as_one().unwrap();
        let snapshot = index.snapshot().unwrap();
        let stats = snapshot.about();
        assert_eq!((stats.segments, stats.articles), (1, 10 * commits as u64));
        // The lock is free again.
        EmbeddedIndex::writer(&index).unwrap().finish_as_one().unwrap();
    }
}

#[test]
fn an_edition_ends_with_a_commit_and_with_what_is_loaded_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules {
        embedder: None,
        ..rules()
    };
    let many: Vec<_> = (0..9_000)
        .map(|i| article(&format!("a{i:04}"), "", &format!("第{i}条 医保")))
        .collect();
    let index = index_of(folder.path(), &rules, &many);
    let reader = EmbeddedIndex::open(folder.path()).unwrap();
    let mut before = reader.edition();
    let mut grown = |expected: bool| {
        let now = reader.edition();
        assert_eq!(now > before, expected, "{before}, {now}");
        before = now;
    };
    assert!(!reader.refresh().unwrap());
    grown(false);
    // What is derived appears in the same commit.
    maintain_fully(&index, Budget::all(), &()).unwrap();
    assert!(!reader.refresh().unwrap());
    grown(true);
    assert!(!reader.refresh().unwrap());
    grown(false);
    let ingest = Ingest::open(&index, rules).unwrap();
    put(&ingest, &[article("b", "", "失业金")]);
    ingest.commit().unwrap();
    assert!(reader.refresh().unwrap());
    grown(true);
}

#[test]
fn readers_see_a_commit_or_the_one_before_never_a_mixture() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    // In every commit all articles carry that commit's generation.
    let generation = |n: usize| -> Vec<_> {
        (0..20)
            .map(|i| article(&format!("a{i:02}"), "", &format!("第{i}条 世代{n}号")))
            .collect()
    };
    let index = index_of(folder.path(), &rules, &generation(0));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let other = EmbeddedIndex::open(folder.path()).unwrap();
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                other.refresh().unwrap();
                let view = other.snapshot().unwrap();
                let ids = view.article_ids(Budget::single()).unwrap();
                assert_eq!(ids.len(), 20);
                let generations: BTreeSet<String> = ids
                    .iter()
                    .map(|id| {
                        view.article(id, Budget::single())
                            .unwrap()
                            .unwrap()
                            .text
                            .split(' ')
                            .nth(1)
                            .unwrap()
                            .to_string()
                    })
                    .collect();
                assert_eq!(generations.len(), 1, "one commit shows {generations:?}");
                seen.extend(generations);
            }
            seen
        });
        let ingest = Ingest::open(&index, rules.clone()).unwrap();
        for n in 1..=25 {
            put(&ingest, &generation(n));
            ingest.commit().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(!reader.join().unwrap().is_empty());
    });
}

#[test]
fn one_writer_at_a_time_and_a_drop_gives_the_lock_back() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let index = index_of(folder.path(), &rules, &[]);
    let first = EmbeddedIndex::writer(&index).unwrap();
    let second = EmbeddedIndex::open(folder.path()).unwrap();
    let error = EmbeddedIndex::writer(&second).err().expect("the lock is held");
    assert_eq!(error.fault(), Fault::Precondition);
    assert!(
        error.message().contains(&folder.path().display().to_string()),
        "{error}"
    );
    drop(first);
    EmbeddedIndex::writer(&second).unwrap();
}

#[test]
fn a_folder_that_is_no_index_is_named_with_the_command_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &Path, fault: Fault, part: &str| {
        let error = EmbeddedIndex::open(path).err().expect("it must not open");
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.message().contains(&path.display().to_string()), "{error}");
        assert!(error.message().contains(part), "{error}");
        assert!(error.hint().unwrap().contains("baowen index"), "{error}");
    };
    check(&folder.path().join("absent"), Fault::Missing, "there is no folder");
    check(folder.path(), Fault::Missing, "holds no index");

    // Not ours: a folder with something else in it is never written to.
    std::fs::write(folder.path().join("diary.txt"), "x").unwrap();
    let error = EmbeddedIndex::create(folder.path(), &rules().identity()).err().unwrap();
    assert!(error.message().contains("diary.txt"), "{error}");
    let error = baowen::index::WriteLock::take(folder.path()).unwrap_err();
    assert!(error.message().contains("diary.txt"), "{error}");

    // Half deleted.
    let half = folder.path().join("half");
    drop(index_of(&half, &rules(), &[article("a", "", "医保")]));
    for entry in std::fs::read_dir(half.join("generation-1/segments")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|e| e == "vec") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    check(&half, Fault::Corrupt, ".vec is missing");

    // Of the format before there were generations.
    let old = folder.path().join("old");
    std::fs::create_dir_all(old.join("segments")).unwrap();
    std::fs::write(old.join("segments/meta.json"), "{}").unwrap();
    check(&old, Fault::Precondition, "earlier version");

    // Of another format.
    let other = folder.path().join("other");
    drop(index_of(&other, &rules(), &[]));
    let meta = other.join("generation-1/segments/meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    let now = format!("\"format\": {}", baowen::index::FORMAT_VERSION);
    assert!(text.contains(&now), "{text}");
    // Without the line of checksums, as an earlier program wrote it.
    let text = text.split("\n#seal").next().unwrap();
    std::fs::write(&meta, text.replace(&now, "\"format\": 999")).unwrap();
    check(&other, Fault::Precondition, "format 999");

    // Garbage.
    std::fs::write(&meta, "{").unwrap();
    check(&other, Fault::Corrupt, "damaged");
}

/// A writer would find a stranger there, or take it away for a generation that no longer counts.
#[test]
fn snapshots_in_the_folder_of_the_index_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let idx = folder.path().join("idx");
    drop(index_of(&idx, &rules(), &[article("a", "", "医保")]));
    for inside in ["snapshots", "generation-9", "sub/tuesday", "../idx/x"] {
        let error = EmbeddedIndex::back_up(&idx, &idx.join(inside)).unwrap_err();
        assert_eq!(error.fault(), Fault::Precondition, "{error}");
        assert!(error.hint().unwrap().contains("idx.snapshots"), "{error}");
    }
    assert_eq!(std::fs::read_dir(&idx).unwrap().count(), 3, "nothing was made there");
    EmbeddedIndex::back_up(&idx, &folder.path().join("tuesday")).unwrap();
}

#[test]
fn other_rules_are_refused_and_both_sides_named() {
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules(), &[]);
    let error = index.check_identity("0123", None).unwrap_err();
    assert!(error.message().contains("0123") && error.message().contains(&index.identity().analysis));
    let error = index
        .check_identity(&index.identity().analysis, Some(("other-model", 64)))
        .unwrap_err();
    assert!(error.message().contains("other-model") && error.message().contains(&index.identity().embedder));
    assert!(error.hint().unwrap().contains("baowen rebuild"));
}

#[test]
fn every_single_flipped_byte_of_the_vectors_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    drop(index_of(folder.path(), &rules(), &[article("a", "甲", "医保断缴")]));
    let file = std::fs::read_dir(folder.path().join("generation-1/segments"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "vec"))
        .unwrap();
    let whole = std::fs::read(&file).unwrap();
    for at in (64..whole.len() - 120).step_by(37) {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        std::fs::write(&file, &broken).unwrap();
        let wrong = match EmbeddedIndex::open(folder.path()) {
            Ok(index) => index.verify(Budget::all()).unwrap(),
            Err(error) => vec![error.to_string()],
        };
        assert!(!wrong.is_empty(), "byte {at} was changed and nothing noticed");
    }
}

/// The ends of files say how they are read, and tantivy trusts them.
#[test]
fn a_damaged_file_is_named_and_opening_it_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    drop(index_of(
        folder.path(),
        &rules(),
        &[article("a", "甲", "医保断缴"), article("b", "乙", "失业金")],
    ));
    let segments = folder.path().join("generation-1/segments");
    let files = std::fs::read_dir(&segments)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|it| it != "json" && it != "lock"))
        .collect();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let whole = std::fs::read(&file).unwrap();
        // Tens of bytes from the beginning and the end, where lengths and offsets stand, and some between.
        let footer = 120;
        let ends = (0..whole.len().min(20)).chain(whole.len().saturating_sub(footer + 40)..whole.len());
        for at in ends.chain((20..whole.len()).step_by(whole.len() / 20 + 1)) {
            let mut broken = whole.clone();
            broken[at] ^= 0x20;
            std::fs::write(&file, &broken).unwrap();
            let found = match EmbeddedIndex::damaged_in(folder.path(), Budget::all()) {
                Ok(damaged) => damaged,
                Err(error) => vec![error.to_string()],
            };
            assert!(!found.is_empty(), "byte {at} of {name} was changed and nothing noticed");
            // Whether it opens or not: nothing here may panic.
            drop(EmbeddedIndex::open(folder.path()));
        }
        std::fs::write(&file, &whole).unwrap();
        assert_eq!(
            EmbeddedIndex::damaged_in(folder.path(), Budget::all()).unwrap(),
            Vec::<String>::new()
        );
    }
}

#[test]
fn one_refused_article_costs_no_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let index = index_of(folder.path(), &rules, &[]);
    let ingest = Ingest::open(&index, rules).unwrap();
    for (n, id) in ["", "  ", "a\nb", &"长".repeat(300)].into_iter().enumerate() {
        let good = |which: &str| article(&format!("{which}{n}"), "", "x");
        let results = ingest.upsert(vec![good("a"), article(id, "", "x"), good("b")], Budget::all());
        assert_eq!(results[0].as_ref().unwrap(), &Outcome::Added(1));
        assert_eq!(results[2].as_ref().unwrap(), &Outcome::Added(1));
        let error = results[1].as_ref().unwrap_err();
        assert_eq!(error.fault(), Fault::Caller, "{error}");
        assert!(error.message().starts_with("id:"), "{error}");
    }
    ingest.commit().unwrap();
    assert_eq!(ids(&index), ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]);
}

#[test]
fn a_failed_article_is_no_other_callers_and_not_taken_for_known() {
    let folder = tempfile::tempdir().unwrap();
    // It is away once, and refuses one text.
    let was_away = AtomicBool::new(false);
    let before = move |texts: &[&str]| {
        if !was_away.swap(true, Ordering::Relaxed) {
            return Err(Error::unavailable("the model is away"));
        }
        if texts.iter().any(|text| text.contains("不收")) {
            Err(Error::caller("a text is refused"))
        } else {
            Ok(())
        }
    };
    let rules = Rules {
        analyzer: analyzer(),
        embedder: Some(Arc::new(Before(HashEmbedder::new(64), before))),
    };
    let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
    let ingest = Ingest::open(&index, rules).unwrap();
    let articles = vec![article("a", "甲", "医保断缴"), article("b", "乙", "养老保险")];
    for result in ingest.upsert(articles.clone(), Budget::all()) {
        assert_eq!(result.unwrap_err().fault(), Fault::Unavailable);
    }
    assert_eq!(put(&ingest, &articles).added, 2);
    // Callers at the same time: one article is refused, and everyone has all of the others.
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let ingest = &ingest;
            scope.spawn(move || {
                for n in 0..20 {
                    let text = if caller == 1 && n == 7 { "不收" } else { "失业金" };
                    let results = ingest.upsert(
                        vec![
                            article(&format!("{caller}-{n}"), "", text),
                            article(&format!("{caller}-{n}-x"), "", "生育津贴"),
                        ],
                        Budget::all(),
                    );
                    assert_eq!(results[0].is_err(), text == "不收");
                    assert!(results[1].is_ok());
                }
            });
        }
    });
    ingest.commit().unwrap();
    let ids = ids(&index);
    assert_eq!(ids.len(), 2 + 4 * 40 - 1);
    assert!(!ids.contains(&"1-7".into()));
}

/// What is left of a commit of which something could not be written is never made durable by the next try.
#[cfg(unix)]
#[test]
fn a_commit_after_a_failed_write_is_refused_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules(), &[article("a", "", "医保断缴")]);
    let ingest = Ingest::open(&index, rules()).unwrap();
    put(&ingest, &[article("before", "", "生育津贴")]);
    ingest.commit().unwrap();
    // No file can be made any more: the thread that writes ends at the next one, and articles are refused from then on.
    let of_generation = |name: &str| folder.path().join("generation-1").join(name);
    std::fs::rename(of_generation("segments"), of_generation("away")).unwrap();
    let refused = (0..1_000_000).find(|number| {
        let one = article(&format!("lost{number}"), "", "养老金");
        ingest.upsert(vec![one], Budget::all()).remove(0).is_err()
    });
    assert!(refused.is_some());
    std::fs::rename(of_generation("away"), of_generation("segments")).unwrap();
    assert_eq!(ingest.commit().unwrap_err().fault(), Fault::Precondition);
    put(&ingest, &[article("b", "", "工伤保险")]);
    ingest.commit().unwrap();
    assert_eq!(ids(&index), ["a", "b", "before"]);
}

#[test]
fn filters_hold_in_every_mode_and_paging_neither_repeats_nor_skips() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let articles: Vec<_> = (0..60)
        .map(|i| {
            let mut article = article(
                &format!("a{i:02}"),
                &format!("医保问题之{i}"),
                &format!("{}居民医保第{i}条，{}年缴费。", ["兰州", "宁波"][i % 2], 2020 + i % 5),
            );
            article.source = Some(["甲站", "乙站", "丙站"][i % 3].to_string());
            article.published = (i % 4 > 0).then(|| format!("2025-0{}-10", i % 4).parse().unwrap());
            article
        })
        .collect();
    let index = index_of(folder.path(), &rules, &articles);
    let engine = engine(index, &rules);
    let check = |filter: Filter, keep: &dyn Fn(usize) -> bool| {
        let expected: BTreeSet<String> = (0..60).filter(|&i| keep(i)).map(|i| format!("a{i:02}")).collect();
        for mode in [Mode::Hybrid, Mode::Lexical, Mode::Dense] {
            let request = SearchRequest {
                mode,
                top_k: Some(60),
                filter: filter.clone(),
                ..SearchRequest::new("居民医保缴费")
            };
            let found = engine.search(&request, Budget::all()).unwrap().hits;
            let found: BTreeSet<String> = found.into_iter().map(|hit| hit.article_id).collect();
            assert_eq!(found, expected, "{mode:?} {filter:?}");
        }
    };
    let sources = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
    check(Filter::default(), &|_| true);
    check(
        Filter {
            sources: sources(&["乙站"]),
            ..Filter::default()
        },
        &|i| i % 3 == 1,
    );
    check(
        Filter {
            sources: sources(&["无此站"]),
            ..Filter::default()
        },
        &|_| false,
    );
    check(
        Filter {
            article_ids: vec!["a07".into(), "a08".into()],
            ..Filter::default()
        },
        &|i| i == 7 || i == 8,
    );
    check(
        Filter {
            published_from: "2025-02-01".parse().ok(),
            ..Filter::default()
        },
        &|i| i % 4 >= 2,
    );
    check(
        Filter {
            published_from: "2025-01-01".parse().ok(),
            published_to: "2025-02-28".parse().ok(),
            sources: sources(&["甲站", "丙站"]),
            ..Filter::default()
        },
        &|i| matches!(i % 4, 1 | 2) && i % 3 != 1,
    );
    check(
        Filter {
            regions: vec!["兰州".into()],
            ..Filter::default()
        },
        &|i| i % 2 == 0,
    );
    check(
        Filter {
            regions: vec!["浙江".into()],
            ..Filter::default()
        },
        &|i| i % 2 == 1,
    );
    check(
        Filter {
            years: vec![2023],
            ..Filter::default()
        },
        &|i| i % 5 == 3,
    );

    let page = |offset, top_k| {
        let request = SearchRequest {
            offset,
            top_k: Some(top_k),
            candidates: Some(200),
            grouping: Grouping::Article,
            ..SearchRequest::new("居民医保缴费")
        };
        let hits = engine.search(&request, Budget::all()).unwrap().hits;
        hits.into_iter().map(|hit| hit.passage_id).collect::<Vec<_>>()
    };
    let whole = page(0, 60);
    let pages: Vec<String> = (0..6).flat_map(|n| page(n * 10, 10)).collect();
    assert_eq!(whole.len(), 60);
    assert_eq!(pages, whole);
    assert_eq!(page(0, 60), whole, "the same request gives the same answer");
    assert_eq!(page(60, 10), Vec::<String>::new());
}

#[test]
fn evidence_is_exact_for_passages_that_only_one_side_found() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let articles: Vec<_> = (0..50)
        .map(|i| {
            article(
                &format!("a{i:02}"),
                "",
                &format!("第{i}号 {}", "医保缴费".repeat(i % 7 + 1)),
            )
        })
        .collect();
    let index = index_of(folder.path(), &rules, &articles);
    let view = index.snapshot().unwrap();
    let analysed = rules.analyzer.query("医保缴费");
    let query = LexicalQuery {
        words: analysed.words,
        bigrams: analysed.bigrams,
        ..LexicalQuery::default()
    };
    let vector = rules
        .embedder
        .unwrap()
        .embed_queries(&["医保缴费"], Budget::single())
        .unwrap()
        .remove(0);
    let asked = ask(&view, query);
    let all = asked.dense(&vector, 50, None, Budget::single()).unwrap();
    let refs: Vec<_> = all.iter().map(|c| c.passage).collect();
    let together = asked.judge(Some(&vector), &refs, Budget::single()).unwrap();
    for (at, (&passage, candidate)) in refs.iter().zip(&all).enumerate() {
        let alone = asked.judge(Some(&vector), &[passage], Budget::single()).unwrap()[0];
        assert_eq!(alone, together[at], "scores do not depend on the company");
        assert!((alone.evidence.cosine - candidate.score).abs() < 1e-5);
        let terms = asked.explain(&[passage], Budget::single()).unwrap().remove(0);
        let sum: f32 = terms.iter().map(|term| term.score).sum();
        let lexical = alone.evidence.words + alone.evidence.bigrams;
        assert!(
            (sum - lexical).abs() < 1e-4 * lexical.max(1.0),
            "terms add up to the score"
        );
        assert!(lexical <= asked.weights().bound());
    }
}

/// Long articles fill the lists of both retrievers; all articles are found nevertheless.
#[test]
fn an_answer_is_as_long_as_asked_for_however_long_the_articles_are() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    let long = |n: usize| -> String {
        let paragraph = |i: usize| {
            format!(
                "第{n}篇第{i}段，居民医保缴费。{}",
                format!("第{n}号参保人应当按时缴费，逾期{n}天另行计算。").repeat(18)
            )
        };
        (0..40).map(paragraph).collect::<Vec<_>>().join("\n")
    };
    let articles: Vec<_> = (0..25).map(|n| article(&format!("a{n:02}"), "", &long(n))).collect();
    let index = index_of(folder.path(), &rules, &articles);
    assert!(index.snapshot().unwrap().about().passages > 500);
    let engine = engine(index, &rules);
    for mode in [Mode::Hybrid, Mode::Lexical, Mode::Dense] {
        let request = SearchRequest {
            mode,
            top_k: Some(25),
            ..SearchRequest::new("居民医保缴费")
        };
        assert_eq!(
            engine.search(&request, Budget::all()).unwrap().hits.len(),
            25,
            "{mode:?}"
        );
    }
}

/// Hits of one question, asked in a loop while the index is rebuilt in turn from 30 and from 20 articles.
#[test]
fn a_rebuild_is_never_seen_half_done() {
    use baowen::index::ingest::{run, target::Target};
    use baowen::index::{Followed, Rules};
    use std::sync::atomic::AtomicUsize;
    let folder = tempfile::tempdir().unwrap();
    let (idx, docs) = (folder.path().join("idx"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let words = Rules {
        embedder: None,
        ..rules()
    };
    let rebuild = |articles: usize| {
        for n in 0..30 {
            let path = docs.join(format!("{n}.md"));
            if n < articles {
                std::fs::write(path, format!("# 第{n}条\n\n医保断缴三个月内补缴，第{n}档。")).unwrap()
            } else {
                drop(std::fs::remove_file(path));
            }
        }
        let target = Target::open(&idx, &words, true, Budget::all()).unwrap();
        let request = run::Request {
            paths: vec![docs.clone()],
            commit_every: 7,
            ..run::Request::default()
        };
        run::run(&target, words.clone(), &request, Budget::all(), &()).unwrap();
        target.finish().unwrap();
    };
    rebuild(30);
    let followed = Followed::open(&idx, Default::default()).unwrap();
    let engine = Engine::new(followed.clone(), words.analyzer.clone(), None);
    let hits = || {
        followed.refresh().unwrap();
        let request = SearchRequest {
            top_k: Some(100),
            ..SearchRequest::new("医保断缴")
        };
        engine.search(&request, Budget::all()).unwrap().hits.len()
    };
    let (polls, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let seen = std::thread::scope(|scope| {
        let poller = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                seen.insert(hits());
                polls.fetch_add(1, Ordering::Relaxed);
            }
            seen
        });
        for turn in 0..10 {
            rebuild(if turn % 2 == 0 { 20 } else { 30 });
            // Every state is asked for at least once, however fast the machine is.
            let asked = polls.load(Ordering::Relaxed);
            while polls.load(Ordering::Relaxed) < asked + 2 && !poller.is_finished() {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        poller.join().unwrap()
    });
    assert_eq!(seen, BTreeSet::from([20, 30]));
    assert_eq!(hits(), 30);
    let generations = std::fs::read_dir(&idx).unwrap().flatten();
    let kept = generations.filter(|entry| entry.path().is_dir()).count();
    assert_eq!(kept, 1, "what was replaced is removed");
}

#[test]
fn a_damaged_index_is_not_made_again_from_its_damage() {
    use baowen::index::ingest::rebuild;
    let folder = tempfile::tempdir().unwrap();
    let rules = rules();
    drop(index_of(
        folder.path(),
        &rules,
        &[article("a", "甲", "补缴期限为三个月以内。")],
    ));
    let stored = walkdir::WalkDir::new(folder.path()).into_iter().flatten();
    let mut stored = stored.map(|entry| entry.into_path());
    let stored = stored
        .find(|path| path.extension().is_some_and(|e| e == "store"))
        .unwrap();
    let mut bytes = std::fs::read(&stored).unwrap();
    let at = bytes.windows(9).position(|part| part == "三个月".as_bytes()).unwrap();
    bytes[at..at + 9].copy_from_slice("九个月".as_bytes());
    std::fs::write(&stored, bytes).unwrap();
    let refused = rebuild::rebuild(folder.path(), rules, false, Budget::all(), &()).unwrap_err();
    assert_eq!(refused.fault(), Fault::Corrupt);
    assert!(refused.hint().unwrap().contains("--rebuild"), "{refused}");
}

#[test]
fn an_index_of_words_gets_its_vectors_from_a_run_with_the_model() {
    use baowen::index::ingest::{rebuild, run, target::Target};
    let folder = tempfile::tempdir().unwrap();
    let words = Rules {
        embedder: None,
        ..rules()
    };
    let idx = folder.path().join("idx");
    drop(index_of(
        &idx,
        &words,
        &[article("a", "甲", "医保断缴"), article("b", "乙", "养老保险")],
    ));
    let document = folder.path().join("c.md");
    std::fs::write(&document, "# 丙\n\n工伤认定。").unwrap();
    let request = run::Request {
        paths: vec![document],
        ..run::Request::default()
    };
    let index = |rules: &Rules| {
        let target = Target::open(&idx, rules, false, Budget::all()).unwrap();
        let summary = run::run(&target, rules.clone(), &request, Budget::all(), &()).unwrap();
        target.finish().unwrap();
        summary
    };
    let by_words = index(&words);
    assert!(by_words.without_vectors, "it says so at each run");
    assert_eq!(by_words.given_vectors, 0);
    assert_eq!(EmbeddedIndex::open(&idx).unwrap().identity().dimension, 0);
    let summary = index(&rules());
    assert!(!summary.without_vectors);
    assert_eq!((summary.unchanged, summary.total_articles), (1, 3));
    assert_eq!(
        (summary.passages, summary.given_vectors),
        (0, 3),
        "what was done is said"
    );
    assert_eq!(index(&rules()).given_vectors, 0, "once");
    let opened = EmbeddedIndex::open(&idx).unwrap();
    assert_eq!(opened.identity().dimension, 64);
    assert_eq!(opened.sources().unwrap().iter().count(), 1, "sources come along");
    // And from its own articles, whatever became of the files; never without a word the other way.
    let refused = rebuild::rebuild(&idx, words.clone(), false, Budget::all(), &()).unwrap_err();
    assert_eq!(refused.fault(), Fault::Unavailable);
    let (before, sources) = (ids(&opened), opened.sources().unwrap());
    rebuild::rebuild(&idx, words, true, Budget::all(), &()).unwrap();
    rebuild::rebuild(&idx, rules(), false, Budget::all(), &()).unwrap();
    let again = EmbeddedIndex::open(&idx).unwrap();
    assert_eq!((ids(&again), again.identity().dimension), (before, 64));
    assert_eq!(again.sources().unwrap(), sources);
}

/// Copies between engines are made where there is more than one.
#[cfg(feature = "milvus")]
#[test]
fn a_rebuild_and_a_copy_that_fail_leave_nothing_on_the_disk() {
    use baowen::index::ingest::{rebuild, through::copy_into_folder};
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    // The one that fails comes after a batch that was written.
    let articles: Vec<_> = (0..200)
        .map(|n| article(&format!("{n:03}"), "甲", if n == 199 { "坏了。" } else { "医保断缴。" }))
        .collect();
    let index = index_of(&old, &rules(), &articles);
    let before = |texts: &[&str]| {
        if texts.iter().any(|text| text.contains('坏')) {
            Err(Error::unavailable("the embedder is broken"))
        } else {
            Ok(())
        }
    };
    let failing = Rules {
        embedder: Some(Arc::new(Before(HashEmbedder::new(64), before))),
        ..rules()
    };
    let generations = |idx: &Path| {
        let names = std::fs::read_dir(idx).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("generation-")).collect::<Vec<_>>()
    };
    let before = generations(&old);
    let failed = rebuild::rebuild(&old, failing.clone(), false, Budget::all(), &()).unwrap_err();
    assert_eq!(failed.fault(), Fault::Unavailable, "{failed}");
    assert_eq!(generations(&old), before);
    let from: Arc<dyn Backend> = index;
    let copied = |rules| copy_into_folder(&from, &new, rules, Budget::all(), &());
    let failed = copied(failing).map(drop).unwrap_err();
    assert_eq!(failed.fault(), Fault::Unavailable, "{failed}");
    assert_eq!(generations(&new), Vec::<String>::new());
    assert_eq!(copied(rules()).unwrap().1.added, 200, "and the next one finds room");
}
