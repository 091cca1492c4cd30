//! Damaged, each file of an index is found by `verify` and named, nothing panics, and what is derived is made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use baowen::compute::Budget;
use baowen::error::Fault;
use baowen::index::ingest::Ingest;
use baowen::index::ingest::maintain::maintain_fully;
use baowen::index::{Backend, EmbeddedIndex, LexicalQuery, Snapshot};
use baowen::model::{Article, Filter};

use crate::support::{article, index_of, put, rules};

/// Every one of so many bytes is flipped; `BAOWEN_TEST_DAMAGE=1` for each of the last 200 and 200 elsewhere.
fn steps() -> (usize, usize) {
    match std::env::var_os("BAOWEN_TEST_DAMAGE") {
        Some(_) => (1, 200),
        None => (9, 15),
    }
}

/// An index of several segments, one of them with deleted passages.
fn build(folder: &Path) {
    let texts =
        |from: usize| (from..from + 8).map(|n| article(&format!("a{n}"), "医保", &format!("断缴 {n} 个月怎么办")));
    let index = index_of(folder, &rules(), &texts(0).collect::<Vec<_>>());
    let ingest = Ingest::open(&index, rules()).unwrap();
    put(&ingest, &[article("b", "", "失业金")]);
    ingest.delete(["a3"]).unwrap();
    ingest.commit().unwrap();
    ingest.into_writer().finish().unwrap();
}

/// The files whose bytes matter: locks are empty and tell nothing.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .filter(|path| path.extension().is_none_or(|it| it != "lock"))
        .collect();
    files.sort();
    files
}

/// All that may be done with an index, whatever it says of it.
fn use_it(folder: &Path) {
    let Ok(index) = EmbeddedIndex::open(folder) else { return };
    let snapshot = index.snapshot().unwrap();
    let _ = snapshot.article_ids(Budget::single());
    let _ = snapshot.article("a1", Budget::single());
    let _ = index.sources();
    let _ = index.verify(Budget::single());
    let asked = snapshot.ask(Arc::new(LexicalQuery::default()), &Filter::default(), Budget::single());
    let Ok(asked) = asked else { return };
    let found = asked.dense(&[0.125; 64], 10, None, Budget::single());
    for found in [found, asked.lexical(10, Budget::single())].into_iter().flatten() {
        let passages: Vec<_> = found.iter().map(|candidate| candidate.passage).collect();
        let _ = asked.judge(None, &passages, Budget::single());
        let _ = asked.fetch(&passages, Budget::single());
        let _ = asked.keys(&passages);
    }
}

#[test]
fn every_file_is_watched_over_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    build(folder);
    let found = || match EmbeddedIndex::damaged_in(folder, Budget::single()) {
        Ok(damaged) => damaged.join("; "),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(found(), "");
    let (step, places) = steps();
    let all = files(folder);
    let has = |kind: &str| all.iter().any(|path| path.to_string_lossy().ends_with(kind));
    for kind in [
        "current",
        "meta.json",
        ".managed.json",
        ".del",
        ".term",
        ".idx",
        ".store",
        ".fast",
        ".vec",
        ".win",
    ] {
        assert!(has(kind), "{kind} of {all:?}");
    }
    for path in &all {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let whole = fs::read(path).unwrap();
        let check = |what: String, broken: &[u8]| {
            fs::write(path, broken).unwrap();
            assert!(
                found().contains(&name),
                "{name}: {what} was not found, but `{}`",
                found()
            );
            use_it(folder);
        };
        let tail = whole.len().saturating_sub(200)..whole.len();
        for at in tail
            .step_by(step)
            .chain((0..whole.len()).step_by(whole.len() / places + 1))
        {
            let mut broken = whole.clone();
            broken[at] ^= 1 << (at % 8);
            check(format!("byte {at} flipped"), &broken);
        }
        for at in [0, 1, whole.len() / 2, whole.len() - 1] {
            check(format!("cut at {at}"), &whole[..at]);
        }
        check("twice".into(), &[&whole[..], &whole[..]].concat());
        fs::remove_file(path).unwrap();
        assert!(found().contains(&name), "{name}: removed, and not found: `{}`", found());
        use_it(folder);
        fs::write(path, &whole).unwrap();
        assert_eq!(found(), "", "{name} is whole again");
    }
}

/// Whatever is done with it, deleting, adding and merging too, the process lives on, and what a writer makes of it is
/// either refused or whole.
#[test]
fn a_damaged_index_that_is_written_to_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("built");
    build(&built);
    let places = match std::env::var_os("BAOWEN_TEST_DAMAGE") {
        Some(_) => 24,
        None => 2,
    };
    let segments = |path: &&PathBuf| path.parent().is_some_and(|parent| parent.ends_with("segments"));
    for path in files(&built).iter().filter(segments) {
        let inside = path.strip_prefix(&built).unwrap();
        let whole = fs::read(path).unwrap();
        for place in 0..places {
            let at = (whole.len() - 1) * (place + 1) / places;
            let copy = folder
                .path()
                .join(format!("{place}-{}", inside.file_name().unwrap().to_string_lossy()));
            EmbeddedIndex::back_up(&built, &copy).unwrap();
            let mut broken = whole.clone();
            broken[at] ^= 1 << (at % 8);
            let file = copy.join(inside);
            // A snapshot is linked to what it was made of.
            let _ = fs::remove_file(&file);
            fs::write(&file, &broken).unwrap();
            let written = || -> baowen::error::Result<()> {
                let index = EmbeddedIndex::open(&copy)?;
                let ingest = Ingest::open(&index, rules())?;
                put(&ingest, &[article("c", "", "工伤"), article("a2", "", "断缴")]);
                ingest.delete(["a1"])?;
                ingest.commit()?;
                ingest.into_writer().finish_as_one()
            };
            if let Err(error) = written() {
                assert!(!error.to_string().contains("panicked"), "{error}");
            } else {
                let found = EmbeddedIndex::damaged_in(&copy, Budget::single()).unwrap();
                assert_eq!(found, Vec::<String>::new(), "{} at {at}", inside.display());
            }
            fs::remove_dir_all(&copy).unwrap();
        }
    }
}

/// Somebody takes away or cuts a file of a segment that a writer has open: nothing is acknowledged that could not be
/// opened afterwards, and what was durable before is there once the file is back.
#[test]
fn a_commit_over_a_file_that_is_gone_or_cut_is_refused_as_damage() {
    for (kind, left) in [("idx", None), ("store", None), ("term", Some(1))] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        build(folder);
        let index = EmbeddedIndex::open(folder).unwrap();
        let ingest = Ingest::open(&index, rules()).unwrap();
        put(&ingest, &[article("c", "", "工伤")]);
        let all = files(folder);
        let of_kind = |path: &&PathBuf| path.extension().is_some_and(|it| it == kind);
        let path = all.iter().find(of_kind).expect("each segment has one");
        let whole = fs::read(path).unwrap();
        // Not in place: what is open stays as it was.
        fs::remove_file(path).unwrap();
        if let Some(left) = left {
            fs::write(path, &whole[..left]).unwrap();
        }
        let refused = ingest.commit().unwrap_err();
        assert_eq!(refused.fault(), Fault::Corrupt, "{refused}");
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(refused.message().contains(&*name), "{refused}");
        let help = refused.hint().unwrap_or_default();
        assert!(help.contains("baowen verify"), "{refused}");
        drop((ingest, index));
        fs::write(path, &whole).unwrap();
        let index = EmbeddedIndex::open(folder).unwrap();
        let held = |index: &EmbeddedIndex| index.snapshot().unwrap().article_ids(Budget::single()).unwrap();
        assert!(!held(&index).contains(&"c".to_string()));
        let ingest = Ingest::open(&index, rules()).unwrap();
        put(&ingest, &[article("c", "", "工伤")]);
        ingest.commit().unwrap();
        assert!(held(&index).contains(&"c".to_string()));
    }
}

/// Without the line of checksums, as an earlier program left it.
#[test]
fn an_index_of_an_earlier_program_is_read_and_gets_its_checksums_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    build(folder);
    let small: Vec<PathBuf> = files(folder)
        .into_iter()
        .filter(|path| path.ends_with("current") || path.extension().is_some_and(|it| it == "json"))
        .collect();
    for path in &small {
        let text = fs::read(path).unwrap();
        let end = text
            .windows(7)
            .position(|part| part == b"\n#seal ")
            .expect("it is sealed");
        fs::write(path, &text[..end]).unwrap();
    }
    let none = Vec::<String>::new();
    assert_eq!(EmbeddedIndex::damaged_in(folder, Budget::single()).unwrap(), none);
    let index = EmbeddedIndex::open(folder).unwrap();
    let ingest = Ingest::open(&index, rules()).unwrap();
    put(&ingest, &[article("c", "", "工伤")]);
    ingest.commit().unwrap();
    ingest.into_writer().finish().unwrap();
    assert_eq!(EmbeddedIndex::damaged_in(folder, Budget::single()).unwrap(), none);
    let newest = small.iter().find(|path| path.ends_with("meta.json")).unwrap();
    let text = String::from_utf8(fs::read(newest).unwrap()).unwrap();
    assert!(text.contains("#seal {\"whole\":false"), "{text}");
    fs::write(newest, text.replace("\"max_doc\": 1", "\"max_doc\": 2")).unwrap();
    assert!(EmbeddedIndex::damaged_in(folder, Budget::single()).unwrap()[0].contains("meta.json"));
}

/// What says which files are tantivy's is counted again, and taken away is what no commit has.
#[test]
fn a_lost_list_of_files_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let segments = folder.path().join("generation-1/segments");
    for damage in ["", "[\"a", "{}"] {
        fs::write(segments.join(".managed.json"), damage).unwrap();
        let index = EmbeddedIndex::open(folder.path()).unwrap();
        let ingest = Ingest::open(&index, rules()).unwrap();
        put(&ingest, &[article("d", "", &format!("生育 {damage}"))]);
        ingest.commit().unwrap();
        ingest.into_writer().finish_as_one().unwrap();
        let none = Vec::<String>::new();
        assert_eq!(
            EmbeddedIndex::damaged_in(folder.path(), Budget::single()).unwrap(),
            none
        );
        let stores = fs::read_dir(&segments).unwrap().flatten();
        let stores = stores.filter(|entry| entry.path().extension().is_some_and(|it| it == "store"));
        assert_eq!(stores.count(), 1, "what was joined is gone");
    }
}

/// A snapshot of an index of which a file is gone or cut would be no snapshot; and whoever opens it is told the file.
#[test]
fn no_snapshot_is_made_of_what_is_not_there() {
    let whole = tempfile::tempdir().unwrap();
    build(whole.path());
    let folder = tempfile::tempdir().unwrap();
    for (number, file) in files(&whole.path().join("generation-1/segments")).iter().enumerate() {
        let name = file.file_name().unwrap().to_str().unwrap();
        if file.extension().is_none_or(|it| it == "json") {
            continue;
        }
        for is_cut in [false, true] {
            let index = folder.path().join(format!("{number}-{is_cut}"));
            EmbeddedIndex::back_up(whole.path(), &index).unwrap();
            let damaged = index.join("generation-1/segments").join(name);
            let bytes = fs::read(&damaged).unwrap();
            // A link to the same file as the whole one's.
            fs::remove_file(&damaged).unwrap();
            if is_cut {
                fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
            }
            let snapshot = index.with_extension("snapshot");
            let opened = EmbeddedIndex::open(&index).map(drop);
            for refused in [EmbeddedIndex::back_up(&index, &snapshot).map(drop), opened] {
                let refused = refused.unwrap_err();
                assert_eq!(refused.fault(), Fault::Corrupt, "{refused}");
                assert!(refused.message().contains(name), "{name}: {refused}");
                assert!(refused.hint().unwrap().contains("verify"), "{refused}");
            }
            assert!(!snapshot.exists());
        }
    }
}

/// Nothing that a commit holds is taken away because the small file that names it is gone.
#[test]
fn an_index_without_its_pointer_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let pointer = folder.path().join("current");
    fs::remove_file(&pointer).unwrap();
    let refused = baowen::index::WriteLock::take(folder.path()).unwrap_err();
    assert_eq!(refused.fault(), Fault::Corrupt, "{refused}");
    fs::write(&pointer, "generation-1\n").unwrap();
    let index = EmbeddedIndex::open(folder.path()).unwrap();
    assert_eq!(index.snapshot().unwrap().about().articles, 8);
    // As it was advised, so it is no damage.
    assert_eq!(
        EmbeddedIndex::damaged_in(folder.path(), Budget::single()).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_derived_is_made_anew_where_it_is_damaged_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let articles: Vec<Article> = (0..8_100u64)
        .map(|n| {
            article(
                &format!("a{n}"),
                "",
                &format!("{:x} 医保", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            )
        })
        .collect();
    let rules = baowen::index::Rules {
        embedder: Some(Arc::new(baowen::embed::HashEmbedder::new(8))),
        ..rules()
    };
    let index = index_of(folder.path(), &rules, &articles);
    maintain_fully(&index, Budget::all(), &()).unwrap();
    drop(index);
    let derived: Vec<PathBuf> = files(&folder.path().join("generation-1/graphs"));
    assert_eq!(derived.len(), 2, "{derived:?}");
    for path in &derived {
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        let damages = [
            Some(flipped),
            Some(whole[..whole.len() / 2].to_vec()),
            Some([&whole[..], &whole[..]].concat()),
            None,
        ];
        for damage in damages {
            match &damage {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let index = EmbeddedIndex::open(folder.path()).unwrap();
            let verified = index.verified(Budget::all()).unwrap();
            let named = match damage {
                Some(_) => &verified.damaged,
                None => &verified.lacking,
            };
            assert!(
                named.len() == 1 && named[0].contains(&*path.to_string_lossy()),
                "{verified:?}"
            );
            // Not all damage keeps it from being taken; where that is so, it is named.
            assert!(index.refused().iter().all(|refused| verified.damaged.contains(refused)));
            if damage.as_ref().is_some_and(|bytes| bytes.len() != whole.len()) {
                assert_eq!(index.refused(), verified.damaged);
                // By the program, as people call it.
                let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
                let output = command
                    .arg("verify")
                    .arg("--index")
                    .arg(folder.path())
                    .output()
                    .unwrap();
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(
                    !output.status.success() && said.contains("baowen index") && !said.contains("--rebuild"),
                    "{said}"
                );
            }
            maintain_fully(&index, Budget::all(), &()).unwrap();
            assert_eq!(index.verified(Budget::all()).unwrap(), Default::default());
            assert_eq!(
                index.snapshot().unwrap().about().graphs,
                1,
                "what is open is the new one"
            );
        }
    }
}

#[test]
fn a_damaged_new_commit_leaves_the_one_before_served() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let followed = baowen::index::Followed::open(folder.path(), Default::default()).unwrap();
    let before = followed.index().current().about().commit;
    let old = files(folder.path());
    let index = EmbeddedIndex::open(folder.path()).unwrap();
    let ingest = Ingest::open(&index, rules()).unwrap();
    put(&ingest, &[article("c", "", "工伤")]);
    ingest.commit().unwrap();
    drop((ingest, index));
    let new = files(folder.path()).into_iter().filter(|path| !old.contains(path));
    let path = new
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "fast"))
        .unwrap();
    let whole = fs::read(&path).unwrap();
    for broken in [whole[..40].to_vec(), [&whole[..], &whole[..]].concat()] {
        fs::write(&path, broken).unwrap();
        let error = followed.refresh().unwrap_err();
        assert_eq!(error.fault(), Fault::Corrupt, "{error}");
        assert!(error.message().contains(&*path.to_string_lossy()), "{error}");
        assert_eq!(followed.index().current().about().commit, before);
        assert_eq!(
            followed.index().current().article_ids(Budget::single()).unwrap().len(),
            8
        );
    }
    fs::write(&path, whole).unwrap();
    assert!(followed.refresh().unwrap());
    assert_eq!(followed.index().current().about().articles, 9);
}

#[test]
fn a_service_that_can_never_serve_ends_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let meta = folder.path().join("generation-1/segments/meta.json");
    let whole = fs::read(&meta).unwrap();
    fs::write(&meta, &whole[..whole.len() / 2]).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(["serve", "--listen", "127.0.0.1:0", "--index"])
        .arg(folder.path())
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("meta.json") && said.contains("baowen verify") && !said.contains("panicked"),
        "{said}"
    );
}

/// By the program, as people call it.
#[test]
fn verify_names_the_file_and_says_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
        let output = command
            .arg("verify")
            .arg("--index")
            .arg(folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(verify().0, Some(0));
    for name in ["current", "generation-1/segments/meta.json"] {
        let path = folder.path().join(name);
        let whole = fs::read(&path).unwrap();
        let mut broken = whole.clone();
        broken[5] ^= 1;
        fs::write(&path, broken).unwrap();
        let (code, said) = verify();
        assert!(code == Some(1) && said.contains(name) && said.contains("-> "), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        fs::write(&path, whole).unwrap();
    }
}

/// What opening an index costs, its checksums compared or, where it is of an earlier program, not. Prints; run it by
/// `BAOWEN_TEST_OPEN=INDEX cargo test --release --test it what_opening_costs -- --ignored --nocapture`.
#[test]
#[ignore = "measures an index that is named"]
fn what_opening_costs() {
    let folder = std::env::var_os("BAOWEN_TEST_OPEN").expect("BAOWEN_TEST_OPEN names an index");
    let opened = || {
        let begin = std::time::Instant::now();
        let index = EmbeddedIndex::open(Path::new(&folder)).unwrap();
        (begin.elapsed().as_secs_f64() * 1e3, index)
    };
    let (first, index) = opened();
    let about = index.snapshot().unwrap().about().clone();
    drop(index);
    let mut times: Vec<f64> = (0..30).map(|_| opened().0).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{} segments, {} passages, {} bytes: first {first:.2} ms, least {:.2}, median {:.2}",
        about.segments, about.passages, about.bytes, times[0], times[15]
    );
    assert!(about.segments > 0);
}
