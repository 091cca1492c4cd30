//! Where articles come from: ids that stay, sources that are told apart, what is gone, what moved.

use std::fs;
use std::path::Path;

use baowen::compute::Budget;
use serde_json::Value;

use crate::cli::{baowen, json};

/// Writes files, each with the folders above it.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// `baowen index` with these arguments, without the model.
fn index(root: &Path, args: &[&str]) -> Value {
    let args = [&["index", "--index", "idx", "--no-vectors", "--json"], args].concat();
    json(&baowen(root, None, &args))
}

fn refused(root: &Path, args: &[&str]) -> String {
    let output = baowen(root, None, args);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The ids of the index, by the files that hold it.
fn ids(root: &Path) -> Vec<String> {
    use baowen::index::Backend as _;
    let index = baowen::index::EmbeddedIndex::open(&root.join("idx")).unwrap();
    index.snapshot().unwrap().article_ids(Budget::single()).unwrap()
}

#[test]
fn two_folders_with_files_of_one_name_are_both_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("north/faq.md", "# 北湖区\n\n限额二千元。"),
            ("south/faq.md", "# 南山区\n\n限额三千元。"),
        ],
    );
    index(root, &["north"]);
    index(root, &["south"]);
    assert_eq!(ids(root), ["north/faq.md", "south/faq.md"]);
    // Named together, alone or as files: the same ids, so nothing changes.
    for args in [&["north", "south"][..], &["south/faq.md", "north/faq.md"], &["."]] {
        let summary = index(root, args);
        assert_eq!(
            (&summary["unchanged"], &summary["added"]),
            (&2.into(), &0.into()),
            "{args:?}"
        );
    }
}

#[test]
fn files_of_one_stem_and_folders_in_folders_give_no_copies() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("docs/faq.md", "# 断缴\n\n三个月内补缴。"),
            ("docs/city/rule.md", "# 住院\n\n九百元。"),
        ],
    );
    index(root, &["docs"]);
    write(root, &[("docs/faq.html", "<title>转移</title><p>十五日办结。</p>")]);
    assert_eq!(index(root, &["docs"])["added"], 1);
    let inner = index(root, &["docs/city"]);
    assert_eq!(
        (&inner["unchanged"], &inner["added"]),
        (&1.into(), &0.into()),
        "{inner}"
    );
    assert_eq!(
        inner["gone"].as_array().unwrap().len(),
        0,
        "outside of what was named nothing is gone"
    );
    assert_eq!(ids(root), ["docs/city/rule.md", "docs/faq.html", "docs/faq.md"]);
}

#[test]
fn what_is_gone_is_named_and_pruned_and_what_moved_is_a_move() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("zj/a.md", "# 甲\n\n一。"),
            ("zj/b.md", "# 乙\n\n二。"),
            ("zj/c.txt", "第三条按年缴费。"),
            (
                "zj/d.jsonl",
                "{\"_id\": \"r1\", \"text\": \"记录一\"}\n{\"_id\": \"r2\", \"text\": \"记录二\"}\n",
            ),
        ],
    );
    index(root, &["zj"]);
    fs::remove_file(root.join("zj/a.md")).unwrap();
    fs::create_dir(root.join("zj/new")).unwrap();
    fs::rename(root.join("zj/c.txt"), root.join("zj/new/moved.txt")).unwrap();
    write(root, &[("zj/d.jsonl", "{\"_id\": \"r1\", \"text\": \"记录一\"}\n")]);
    let summary = index(root, &["zj"]);
    assert_eq!(summary["gone"], serde_json::json!(["r2", "zj/a.md"]), "{summary}");
    assert_eq!(
        summary["moved"],
        serde_json::json!([{"from": "zj/c.txt", "to": "zj/new/moved.txt"}])
    );
    assert_eq!((&summary["pruned"], &summary["added"]), (&0.into(), &0.into()));
    let last_run = || {
        let index = baowen::index::EmbeddedIndex::open(&root.join("idx")).unwrap();
        index.source_table().unwrap().runs["zj"].clone()
    };
    let run = last_run();
    assert_eq!(
        (run.added, run.moved, run.unchanged, run.deleted),
        (0, 1, 2, 0),
        "{run:?}"
    );
    assert_eq!(ids(root), ["r1", "r2", "zj/a.md", "zj/b.md", "zj/new/moved.txt"]);
    // Said again until it is pruned; a file that cannot be read now is not gone.
    write(root, &[("zj/b.md", "\0")]);
    let summary = index(root, &["zj", "--prune"]);
    assert_eq!(
        (&summary["pruned"], summary["gone"].as_array().unwrap().len()),
        (&2.into(), 2),
        "{summary}"
    );
    assert_eq!(ids(root), ["r1", "zj/b.md", "zj/new/moved.txt"]);
    let run = last_run();
    assert_eq!((run.deleted, run.skipped), (2, 1), "{run:?}");
    assert!(run.first_skipped[0].path.ends_with("b.md") && !run.first_skipped[0].reason.is_empty());
    // A run that finds everything as it is leaves the record of the one before.
    index(root, &["zj"]);
    assert_eq!(last_run(), run);
    let page = "<html><body><nav><a href='/a'>首页</a><a href='/b'>政策</a><a href='/c'>办事</a></nav><article><h1>医保断缴</h1>\
                <p>医保断缴三个月以内补缴的，待遇不中断，断缴期间的医疗费用可以报销。</p></article></body></html>";
    write(root, &[("zj/page.html", page)]);
    index(root, &["zj"]);
    let left_out = last_run().left_out;
    assert!(
        left_out.iter().any(|left| left.files == 1 && left.characters >= 6),
        "{left_out:?}"
    );
    // A rebuild keeps what is known of runs.
    let made = baowen(root, None, &["rebuild", "--index", "idx", "--no-vectors"]);
    assert!(made.status.success());
    assert_eq!(last_run().left_out, left_out);
    fs::remove_dir_all(root.join("zj")).unwrap();
    write(root, &[("zj/x.md", "# 新\n\n只有它。")]);
    index(root, &["zj", "--prune"]);
    assert_eq!(ids(root), ["zj/x.md"]);
    // A file that says nothing may be an export that failed.
    write(root, &[("zj/x.md", "")]);
    refused(root, &["index", "zj", "--prune", "--index", "idx", "--no-vectors"]);
    assert_eq!(ids(root), ["zj/x.md"]);
    write(root, &[("zj/x.md", "# 新\n\n只有它。")]);
    // A folder without one file may be a disk that is not there: nothing of it is deleted, and the run does not end
    // well.
    fs::remove_file(root.join("zj/x.md")).unwrap();
    refused(root, &["index", "zj", "--prune", "--index", "idx", "--no-vectors"]);
    assert_eq!(ids(root), ["zj/x.md"]);
}

#[test]
fn an_id_of_another_source_is_refused_and_both_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let record = |text: &str| format!("{{\"_id\": \"x\", \"text\": \"{text}\"}}\n");
    write(
        root,
        &[("one/a.jsonl", &record("先来的")), ("two/b.jsonl", &record("后来的"))],
    );
    index(root, &["one"]);
    write(root, &[("two/c.md", "# 丙\n\n别的。")]);
    let summary = index(root, &["two"]);
    let skipped = summary["skipped"][0].as_str().unwrap();
    for part in ["one/a.jsonl", "two/b.jsonl", "`x`", "baowen delete x"] {
        assert!(skipped.contains(part), "{part} in {skipped}");
    }
    assert_eq!(ids(root), ["two/c.md", "x"]);
    // The same within a source: another file that is there keeps what it has, one that is not hands it on.
    write(root, &[("one/b.jsonl", &record("再来的"))]);
    let message = refused(root, &["index", "one/b.jsonl", "--index", "idx", "--no-vectors"]);
    assert!(
        message.contains("one/a.jsonl") && message.contains("one/b.jsonl"),
        "{message}"
    );
    fs::remove_file(root.join("one/a.jsonl")).unwrap();
    assert_eq!(index(root, &["one/b.jsonl"])["updated"], 1);
}

#[test]
fn a_taken_name_is_refused_and_source_gives_another() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[("a/docs/x.md", "# 甲\n\n一。"), ("b/docs/x.md", "# 乙\n\n二。")],
    );
    index(root, &["a/docs"]);
    let message = refused(root, &["index", "b/docs", "--index", "idx", "--no-vectors"]);
    for part in ["a/docs", "b/docs", "--source b-docs"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    index(root, &["b/docs", "--source", "b-docs"]);
    assert_eq!(ids(root), ["b-docs/x.md", "docs/x.md"]);
}

#[test]
fn a_run_in_which_everything_is_skipped_fails() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &[("in/a.txt", ""), ("in/b.bin", "\0")]);
    let message = refused(root, &["index", "in", "--index", "idx", "--no-vectors"]);
    assert!(message.contains("a.txt") && message.contains("skipped"), "{message}");
}

#[test]
fn articles_are_deleted_by_id_by_source_and_by_what_they_are_about() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("zj/a.md", "# 浙江省门诊\n\n限额二千元。"),
            ("zj/b.md", "# 甘肃省门诊\n\n限额三千元。"),
            ("hz/c.md", "# 断缴\n\n三个月内补缴。"),
        ],
    );
    index(root, &["zj"]);
    index(root, &["hz"]);
    let delete = |args: &[&str]| {
        json(&baowen(
            root,
            None,
            &[&["delete", "--index", "idx", "--json"], args].concat(),
        ))
    };
    let shown = delete(&["--region", "浙江", "--dry-run"]);
    assert_eq!(shown["article_ids"], serde_json::json!(["zj/a.md"]), "{shown}");
    assert!(shown["deleted"] == "1" && shown["commit"].is_null(), "{shown}");
    assert_eq!(ids(root).len(), 3, "nothing is changed by looking");
    delete(&["--region", "浙江"]);
    let deleted = delete(&["hz/c.md"]);
    assert!(deleted["commit"].is_string(), "{deleted}");
    assert_eq!(ids(root), ["zj/b.md"]);
    delete(&["--source", "zj"]);
    assert_eq!(ids(root), Vec::<String>::new());
    // The name is free again.
    write(root, &[("other/zj/x.md", "# 新\n\n别处的。")]);
    index(root, &["other/zj"]);
    for (args, part) in [
        (&["delete", "--index", "idx"][..], "nothing says"),
        (&["delete", "nobody", "--index", "idx"], "nobody"),
        (&["delete", "--source", "nobody", "--index", "idx"], "`zj`"),
    ] {
        let message = refused(root, args);
        assert!(message.contains(part), "{args:?}: {message}");
    }
    assert_eq!(ids(root), ["zj/x.md"]);
    // What is to go is looked for by who may write, so that nothing is written meanwhile.
    let open = baowen::index::EmbeddedIndex::open(&root.join("idx")).unwrap();
    let writer = open.writer().unwrap();
    let message = refused(root, &["delete", "nobody", "--index", "idx"]);
    assert!(!message.contains("nobody"), "{message}");
    drop(writer);
    assert!(refused(root, &["delete", "nobody", "--index", "idx"]).contains("nobody"));
}

#[cfg(unix)]
#[test]
fn one_user_indexes_and_another_serves() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &[("docs/a.md", "# 断缴\n\n三个月内补缴。")]);
    index(root, &["docs"]);
    let expected = root.join("docs/a.md").metadata().unwrap().mode();
    let mut stack = vec![root.join("idx")];
    let mut files = Vec::new();
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
        } else {
            files.push(path);
        }
    }
    for file in &files {
        let mode = file.metadata().unwrap().mode();
        assert_eq!(mode & expected, expected, "{} has {mode:o}", file.display());
    }
    // Root may read everything, so it asks as somebody else, with a program that this user may run.
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    let is_root = root.metadata().unwrap().uid() == 0;
    let program = root.join("baowen");
    fs::copy(env!("CARGO_BIN_EXE_baowen"), &program).unwrap();
    let search = || {
        let mut command = std::process::Command::new(&program);
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        let args = ["search", "断缴", "--index", "idx", "--json"];
        let command = command.args(args).current_dir(root);
        command.env("BAOWEN_MODEL_DIR", "/nonexistent");
        // Another test that starts a program at the moment of the copy holds the file open for a while.
        loop {
            match command.output() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                output => return output.unwrap(),
            }
        }
    };
    assert_eq!(json(&search())["hits"][0]["article_id"], "docs/a.md");
    let meta = files.iter().find(|path| path.ends_with("meta.json")).unwrap();
    let store = files
        .iter()
        .find(|path| path.extension().is_some_and(|e| e == "vec"))
        .unwrap();
    for file in [meta, store] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
        let output = search();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(
            message.contains("permission") && !message.contains("damaged"),
            "{message}"
        );
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

#[test]
fn what_became_another_thing_is_gone_and_a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[("zj/x.txt", "门诊起付线三百元。"), ("zj/y.txt", "住院起付线九百元。")],
    );
    index(root, &["zj"]);
    fs::remove_file(root.join("zj/x.txt")).unwrap();
    write(root, &[("zj/x.txt/inner.txt", "门诊起付线三百元。")]);
    let summary = index(root, &["zj"]);
    assert_eq!(summary["moved"][0]["from"], "zj/x.txt", "{summary}");
    // Unreadable from now on: the index keeps what it has, and says so.
    fs::write(root.join("zj/y.txt"), b"a\0b").unwrap();
    let summary = index(root, &["zj"]);
    assert!(summary["skipped"][0].as_str().unwrap().contains("stays"), "{summary}");
    fs::rename(root.join("zj"), root.join("zhejiang")).unwrap();
    let summary = index(root, &["zhejiang"]);
    let noticed = summary["noticed"].to_string();
    assert!(noticed.contains("--source zj"), "{noticed}");
    let message = refused(root, &["index", "zj", "--index", "idx", "--no-vectors"]);
    assert!(message.contains("delete --source zj"), "{message}");
}

#[test]
fn delete_takes_the_names_that_search_takes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &[("a/x.txt", "浙江省杭州市2024年大病保险起付线三万元。")]);
    index(root, &["a"]);
    let found = |args: &[&str]| {
        let args = [&["delete", "--index", "idx", "--dry-run", "--json"], args].concat();
        json(&baowen(root, None, &args))["article_ids"].to_string()
    };
    for args in [
        ["--region", "杭州市"],
        ["--region", "浙江杭州"],
        ["--region", "浙"],
        ["--year", "24"],
    ] {
        assert!(found(&args).contains("a/x.txt"), "{args:?}");
    }
    for args in [
        &["--region", "火星"][..],
        &["--from", "2025-01-01", "--to", "2024-01-01"],
    ] {
        refused(root, &[&["delete", "--index", "idx", "--dry-run"], args].concat());
    }
    let nowhere = refused(root, &["rebuild", "--index", "nowhere"]);
    assert!(!root.join("nowhere").exists(), "{nowhere}");
}

fn record(id: &str, text: &str) -> String {
    format!("{{\"id\": \"{id}\", \"title\": \"甲\", \"text\": \"{text}\"}}\n")
}

/// The text of an article as the index holds it.
fn text_of(root: &Path, id: &str) -> String {
    use baowen::index::Backend as _;
    let index = baowen::index::EmbeddedIndex::open(&root.join("idx")).unwrap();
    let article = index.snapshot().unwrap().article(id, Budget::single()).unwrap();
    article.unwrap().text
}

#[test]
fn records_whose_file_moved_to_another_source_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("x/a.jsonl", &record("1", "三个月内补缴。")),
            ("y/k.md", "# 丁\n\n三十日内申请。"),
        ],
    );
    index(root, &["x", "y"]);
    fs::rename(root.join("x/a.jsonl"), root.join("y/a.jsonl")).unwrap();
    fs::write(root.join("y/a.jsonl"), record("1", "六个月内补缴。")).unwrap();
    let summary = index(root, &["y"]);
    assert_eq!(
        (&summary["updated"], &summary["skipped"]),
        (&1.into(), &serde_json::json!([])),
        "{summary}"
    );
    assert_eq!(text_of(root, "1"), "六个月内补缴。");
    // It is the other source's now, and nothing of it is gone.
    let summary = index(root, &["y", "--prune"]);
    assert_eq!((&summary["unchanged"], &summary["pruned"]), (&2.into(), &0.into()));
    assert_eq!(ids(root), ["1", "y/k.md"]);
    // A folder that is not there, or empty, may be on a disk that is away.
    fs::rename(root.join("y"), root.join("away")).unwrap();
    write(
        root,
        &[("z/b.jsonl", &record("1", "别的。")), ("z/c.md", "# 丙\n\n也别的。")],
    );
    for _ in 0..2 {
        let summary = index(root, &["z"]);
        assert!(summary["skipped"][0].as_str().unwrap().contains("a.jsonl"), "{summary}");
        assert_eq!(text_of(root, "1"), "六个月内补缴。");
        let _ = fs::create_dir(root.join("y"));
    }
}

#[test]
fn an_equal_text_is_a_move_only_where_nothing_else_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &[("d/a.jsonl", &record("x", "详见附件。"))]);
    index(root, &["d"]);
    // The file has another name, and a record before the old one says the same.
    fs::remove_file(root.join("d/a.jsonl")).unwrap();
    let both = record("y", "详见附件。") + &record("x", "详见附件。");
    write(root, &[("d/b.jsonl", &both)]);
    index(root, &["d"]);
    assert_eq!(ids(root), ["x", "y"]);
    // Another record is not the one whose place it takes.
    write(root, &[("d/b.jsonl", &record("z", "详见附件。"))]);
    let summary = index(root, &["d"]);
    assert_eq!(summary["gone"].as_array().unwrap().len(), 2, "{summary}");
    assert_eq!(ids(root), ["x", "y", "z"]);
}

#[cfg(unix)]
#[test]
fn what_a_link_cannot_reach_is_not_gone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("d/b.md", "# 乙\n\n三十日内申请。"),
            ("d/.store/a", "# 甲\n\n三个月内补缴。"),
        ],
    );
    std::os::unix::fs::symlink(".store/a", root.join("d/a.md")).unwrap();
    index(root, &["d"]);
    assert_eq!(ids(root), ["d/a.md", "d/b.md"]);
    fs::rename(root.join("d/.store"), root.join("away")).unwrap();
    index(root, &["d", "--prune"]);
    assert_eq!(ids(root), ["d/a.md", "d/b.md"]);
}

#[test]
fn records_move_out_of_a_source_inside_another() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("d/k.md", "# 丙\n\n二十四个月。"),
            ("d/p/a.jsonl", &record("1", "三个月内补缴。")),
        ],
    );
    index(root, &["d/p"]);
    index(root, &["d"]);
    fs::rename(root.join("d/p"), root.join("d/q")).unwrap();
    let summary = index(root, &["d", "--prune"]);
    assert_eq!(
        (&summary["updated"], &summary["skipped"]),
        (&1.into(), &serde_json::json!([])),
        "{summary}"
    );
    let summary = index(root, &["d", "--prune"]);
    assert_eq!(
        (&summary["unchanged"], &summary["gone"]),
        (&2.into(), &serde_json::json!([]))
    );
    // The folder that moved has nothing any more, so nobody is told that it is missing.
    assert_eq!(summary["noticed"], serde_json::json!([]));
    assert_eq!(ids(root), ["1", "d/k.md"]);
}

#[test]
fn nothing_of_a_damaged_file_is_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let rows = "id,标题,正文\n1,甲,三个月内补缴。\n2,乙,三十日内申请。\n3,丙,二十四个月。\n";
    write(root, &[("d/a.csv", rows)]);
    index(root, &["d"]);
    let torn = rows
        .replace("三个月内补缴。", "\"三个月内补缴。")
        .replace("二十四个月。", "\"二十四个月。\"");
    write(root, &[("d/a.csv", &torn)]);
    let summary = index(root, &["d", "--prune"]);
    assert_eq!(
        (&summary["pruned"], &summary["gone"]),
        (&0.into(), &serde_json::json!([])),
        "{summary}"
    );
    let noticed = summary["noticed"].to_string();
    assert!(
        noticed.contains("is damaged, so the") && noticed.contains("stay"),
        "{noticed}"
    );
    assert!(ids(root).len() >= 3, "{:?}", ids(root));
    // Bytes that are no text, in a row, and a row less.
    let long = "按照规定办理并且在三十日内提出申请，逾期不再受理。";
    let damaged = [
        format!("id,标题,正文\n1,甲,{long}").as_bytes(),
        b"\xff",
        "补缴。\n".as_bytes(),
    ]
    .concat();
    fs::write(root.join("d/a.csv"), damaged).unwrap();
    let summary = index(root, &["d", "--prune"]);
    assert_eq!(
        (&summary["pruned"], &summary["gone"]),
        (&0.into(), &serde_json::json!([])),
        "{summary}"
    );
    write(root, &[("d/a.csv", "id,标题,正文\n1,甲,三个月内补缴。\n")]);
    assert_eq!(index(root, &["d", "--prune"])["pruned"], 2);
}

#[test]
fn a_record_takes_no_id_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[("d/x.md", "# 甲\n\n三个月内补缴。"), ("e/k.md", "# 丁\n\n别的。")],
    );
    index(root, &["d"]);
    write(
        root,
        &[(
            "d/e.jsonl",
            &[
                record("d/x.md", "强占。"),
                record("d/x.md-1", "也占。"),
                record("d/e.jsonl-9", "自己的。"),
            ]
            .concat(),
        )],
    );
    let summary = index(root, &["d"]);
    assert_eq!(
        (&summary["updated"], &summary["added"]),
        (&0.into(), &1.into()),
        "{summary}"
    );
    let skipped = summary["skipped"].as_array().unwrap();
    for said in skipped {
        let said = said.as_str().unwrap();
        assert!(
            said.contains("d/e.jsonl:") && said.contains("belongs to d/x.md"),
            "{said}"
        );
    }
    assert_eq!(skipped.len(), 2);
    assert_eq!(text_of(root, "d/x.md"), "三个月内补缴。");
}

#[test]
fn ids_that_change_within_a_file_are_moves() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[("d/a.json", "{\"text\": \"三个月内补缴。\", \"title\": \"甲\"}")],
    );
    index(root, &["d"]);
    assert_eq!(ids(root), ["d/a.json-1"]);
    write(
        root,
        &[(
            "d/a.json",
            "[{\"text\": \"三十日内申请。\", \"title\": \"乙\"}, {\"text\": \"三个月内补缴。\", \"title\": \"甲\"}]",
        )],
    );
    index(root, &["d"]);
    assert_eq!(ids(root), ["d/a.json-1", "d/a.json-2"]);
    write(
        root,
        &[(
            "d/a.json",
            "{\"data\": {\"list\": [{\"text\": \"三十日内申请。\", \"title\": \"乙\"}, {\"text\": \"三个月内补缴。\", \"title\": \"甲\"}]}}",
        )],
    );
    let summary = index(root, &["d"]);
    assert_eq!(
        summary["moved"],
        serde_json::json!([
            {"from": "d/a.json-1", "to": "d/a.json-data/list-1"},
            {"from": "d/a.json-2", "to": "d/a.json-data/list-2"}
        ]),
        "{summary}"
    );
    assert_eq!(
        (&summary["added"], &summary["gone"]),
        (&0.into(), &serde_json::json!([]))
    );
    assert_eq!(ids(root), ["d/a.json-data/list-1", "d/a.json-data/list-2"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_became_a_link_is_gone_and_links_to_what_is_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("d/in/a.md", "# 甲\n\n三个月内补缴。"),
            ("d/b.md", "# 乙\n\n三十日内申请。"),
        ],
    );
    index(root, &["d"]);
    fs::rename(root.join("d/in"), root.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", root.join("d/in")).unwrap();
    std::os::unix::fs::symlink("b.md", root.join("d/c.md")).unwrap();
    let summary = index(root, &["d"]);
    assert_eq!(summary["gone"], serde_json::json!(["d/in/a.md"]), "{summary}");
    let skipped = summary["skipped"].to_string();
    assert!(
        skipped.contains("d/c.md: is a link to") && skipped.contains("read already"),
        "{skipped}"
    );
    assert_eq!(index(root, &["d", "--prune"])["pruned"], 1);
    assert_eq!(ids(root), ["d/b.md"]);
}

#[test]
fn articles_below_a_folder_that_is_not_entered_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("d/page_files/a.md", "# 甲\n\n三个月内补缴。"),
            ("d/page_files/b.md", "# 乙\n\n三十日内申请。"),
            ("d/c.md", "# 丙\n\n二十四个月。"),
        ],
    );
    index(root, &["d"]);
    // The folder belongs to a page from now on.
    write(
        root,
        &[("d/page.html", "<h1>断缴</h1><p>三个月内补缴可以连续计算。</p>")],
    );
    let summary = index(root, &["d", "--prune"]);
    let skipped = summary["skipped"][0].as_str().unwrap();
    assert!(
        skipped.contains("the 2 articles that the index holds of it (`d/page_files/a.md`, ...) stay"),
        "{skipped}"
    );
    assert_eq!(ids(root).len(), 4);
}

#[test]
fn a_new_file_takes_no_id_from_one_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        &[
            ("d/b.jsonl", &record("1", "三个月内补缴。")),
            ("d/k.md", "# 丙\n\n二十四个月。"),
        ],
    );
    index(root, &["d"]);
    write(root, &[("d/a.jsonl", &record("1", "后来的。"))]);
    let summary = index(root, &["d"]);
    let skipped = summary["skipped"][0].as_str().unwrap();
    assert!(
        skipped.contains("d/a.jsonl:1") && skipped.contains("d/b.jsonl:1"),
        "{skipped}"
    );
    // Nor while that one cannot be read.
    fs::write(root.join("d/b.jsonl"), b"\0").unwrap();
    let summary = index(root, &["d", "--prune"]);
    assert!(summary["skipped"].to_string().contains("is taken by"), "{summary}");
    assert_eq!(text_of(root, "1"), "三个月内补缴。");
    // Once that one does not have it any more, it is free.
    fs::write(root.join("d/b.jsonl"), record("2", "三十日内申请。")).unwrap();
    index(root, &["d"]);
    assert_eq!(text_of(root, "1"), "后来的。");
}
