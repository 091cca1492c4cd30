//! The program at a terminal and in a pipe: what people read, and that whoever stops reading ends it quietly.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::cli::baowen;
use crate::service::sample_index;
use crate::support::root;

/// What a command leaves behind that nobody reads: standard output closed, standard error as well if `both`.
fn unread(folder: &Path, args: &[&str], both: bool) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(args)
        .current_dir(folder)
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    if both {
        drop(child.stderr.take());
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_closed_pipe_is_the_end_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let sample = root().join("index/sample");
    let sample = sample.to_str().unwrap();
    let commands: [&[&str]; 9] = [
        &["--help"],
        &["search", "--help"],
        &["search", "医保断缴怎么办"],
        &["search", "医保断缴怎么办", "--brief"],
        &["search", "医保断缴怎么办", "--json"],
        &["read", sample],
        &["verify"],
        &["analyze", "医保断缴"],
        &["completions", "bash"],
    ];
    for args in commands {
        let args = match args[0] {
            "search" | "verify" if !args.contains(&"--help") => [args, &["--index", "index"]].concat(),
            _ => args.to_vec(),
        };
        for both in [false, true] {
            let output = unread(folder.path(), &args, both);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && !said.contains("panicked"),
                "{args:?}: {said}"
            );
        }
    }
    // What goes wrong where nobody reads it goes wrong by its own code.
    for (args, code) in [
        (["search", "医保", "--index", "nowhere"], 1),
        (["search", "医保", "--top-k", "x"], 2),
    ] {
        assert_eq!(unread(folder.path(), &args, true).status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn answers_are_cards_or_lines_as_wide_as_is_said() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let asked = |more: &[&str], columns: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
        command.args([&["search", "医保断缴怎么办", "--index", "index"], more].concat());
        command
            .current_dir(folder.path())
            .env("BAOWEN_MODEL_DIR", "/nonexistent")
            .env_remove("COLUMNS");
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let brief = asked(&["--brief", "--top-k", "3"], None);
    let hits: Vec<&str> = brief.lines().filter(|line| line.ends_with(']')).collect();
    assert_eq!(hits.len(), 3, "{brief}");
    assert!(hits[0].starts_with("1. ") && hits[2].starts_with("3. "), "{brief}");
    // There is no model, which is said to who asks; why is for who operates, and asks to have it explained.
    assert!(
        brief.lines().any(|line| line.starts_with("注意：这次只按字词查找")),
        "{brief}"
    );
    assert!(!brief.contains("degraded"), "{brief}");
    let explained = asked(&["--top-k", "1", "--explain"], None);
    assert!(
        explained.lines().any(|line| line.starts_with("degraded: ")),
        "{explained}"
    );
    let card = asked(&["--top-k", "1"], Some("40"));
    assert!(!card.contains('\x1b'), "a pipe has no colours: {card}");
    for line in card.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 40, "{line}");
    }
    // The whole passage says at least as much as what is shown of it.
    let said = |more: &[&str]| {
        let shown = asked(more, None);
        let lines = shown.lines().filter(|line| !line.starts_with("用时"));
        lines.map(|line| line.chars().count()).sum::<usize>()
    };
    assert!(said(&["--top-k", "5", "--full"]) > said(&["--top-k", "5"]));
}

#[test]
fn completions_are_a_script_and_manuals_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let script = baowen(folder.path(), None, &["completions", "bash"]);
    assert!(script.status.success());
    std::fs::write(folder.path().join("script"), &script.stdout).unwrap();
    // Where there is a bash, it can read it.
    if let Ok(checked) = Command::new("bash")
        .args(["-n", "script"])
        .current_dir(folder.path())
        .output()
    {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    assert!(baowen(folder.path(), None, &["man", "man1"]).status.success());
    let page = std::fs::read_to_string(folder.path().join("man1/baowen-search.1")).unwrap();
    assert!(
        page.contains(".SH EXAMPLES") && (page.contains("--brief") || page.contains("\\-\\-brief")),
        "{page}"
    );
}
