//! The shape of the code, held by a test: who may use whom, what every file says of itself, which links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::imports::{circles, graph};
use crate::support::root;

/// Layers from the ground up. A module may use modules of lower layers, never of its own or a higher one.
const LAYERS: &[&[&str]] = &[
    &["error", "local_server", "needed"],
    &["kernel", "model", "files", "profile"],
    &["compute"],
    &["text"],
    &["article", "embed"],
    &["index"],
    &["search"],
    &["service", "eval"],
    &["settings"],
    &["cli"],
];

/// Lines of a source file without its tests.
const MAX_LINES: usize = 420;
/// Lines of a function, from its name to its end.
const MAX_FUNCTION: usize = 60;
/// Characters of a line: `max_width` of rustfmt.toml.
const WIDTH: usize = 120;

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    files.sort();
    assert!(files.len() > 30, "the sources were not found");
    files
}

/// The top module that a file of `src` belongs to; the roots belong to none.
fn module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.trim_end_matches(".rs").to_string();
    (name != "lib" && name != "main").then_some(name)
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("module {module} stands in no layer; give it one in this test and in the map"))
}

/// A file without the test module at its end.
fn without_tests(text: &str) -> &str {
    let begins = |at: &usize| {
        let item = text[*at..].trim_start_matches("\n#[cfg(test)]\n");
        item.lines()
            .next()
            .is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let at = text.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at).find(begins);
    &text[..at.unwrap_or(text.len())]
}

/// The code of a file: no comments, no test module at its end.
fn code(text: &str) -> String {
    without_tests(text)
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Modules named after `crate::` anywhere in a file's code, groups included.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        match rest.strip_prefix('{') {
            None => {
                names.insert(word(rest));
            }
            Some(group) => {
                let mut depth = 1;
                let mut item = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => {
                            names.insert(word(item.trim()));
                            item.clear();
                            continue;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    item.push(c);
                }
                names.insert(word(item.trim()));
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn layers_use_only_what_stands_below() {
    let mut wrong = Vec::new();
    let mut edges = 0;
    for path in sources() {
        let Some(from) = module(&path) else { continue };
        for to in used(&code(&fs::read_to_string(&path).unwrap())) {
            if to == from {
                continue;
            }
            edges += 1;
            if layer(&to) >= layer(&from) {
                wrong.push(format!("{} uses {to}", path.display()));
            }
        }
    }
    assert!(
        edges > 40,
        "only {edges} uses were found; the reading of `crate::` is broken"
    );
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_reading_of_uses_sees_groups_and_ignores_comments() {
    let text = "use crate::{error::{Error, Fault}, index::View};\nlet x = crate::text::go(); // crate::cli\n";
    assert_eq!(
        used(&code(text)).into_iter().collect::<Vec<_>>(),
        ["error", "index", "text"]
    );
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    let mut wrong = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not open with //!", path.display()));
        }
        let lines = without_tests(&text).lines().count();
        let is_tests = path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem == "reference");
        if lines > MAX_LINES && !is_tests {
            wrong.push(format!("{} has {lines} lines without its tests", path.display()));
        }
        let name = path.file_stem().unwrap().to_string_lossy();
        if ["utils", "util", "common", "helpers", "helper", "types", "misc"].contains(&&*name) {
            wrong.push(format!("{} is named after nothing", path.display()));
        }
        let in_kernel = module(&path).as_deref() == Some("kernel");
        let body = code(&text);
        if !in_kernel
            && ["unsafe {", "unsafe fn", "unsafe impl"]
                .iter()
                .any(|word| body.contains(word))
        {
            wrong.push(format!("{} has unsafe code outside src/kernel", path.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The functions of a file as rustfmt writes it, each with its lines.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let item = line.trim_start();
        let Some((before, rest)) = item.split_once("fn ") else {
            continue;
        };
        let known = ["pub", "pub(super)", "pub(crate)", "const", "async", "unsafe"];
        let opens = lines[at..].iter().find(|line| line.ends_with(['{', '}', ';']));
        // `pub(in crate::a)` is two words.
        let is_known = |word: &str| word.is_empty() || known.contains(&word) || word == "pub(in" || word.ends_with(')');
        if !before.split(' ').all(is_known) || !opens.is_some_and(|line| line.ends_with('{')) {
            continue;
        }
        let name = rest.split(['(', '<']).next().unwrap();
        let end = format!("{}}}", &line[..line.len() - item.len()]);
        let length = lines[at..].iter().position(|line| *line == end).unwrap() + 1;
        found.push((name, length));
    }
    found
}

#[test]
fn functions_fit_on_a_screen() {
    let text = "impl A {\n    pub(in crate::b) async fn a<T>(\n        x: T,\n    ) {\n        if x {\n        }\n    }\n\n    fn b();\n}\nfn c() {}\n\nfn d() {\n}\n";
    assert_eq!(functions(text), [("a", 6), ("d", 2)]);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in graph(&root().join("src/lib.rs")).into_keys() {
        let text = fs::read_to_string(&path).unwrap();
        let inside = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap();
        for (name, length) in functions(without_tests(&text)) {
            count += 1;
            if length > MAX_FUNCTION {
                wrong.push(format!(
                    "{inside}: {name} has {length} lines; cut it by what its parts are for"
                ));
            }
        }
    }
    assert!(
        count > 2_000,
        "only {count} functions were found; the reading of them is broken"
    );
    assert_eq!(wrong, Vec::<String>::new());
}

/// What rustfmt does not hold of comments.
#[test]
fn comments_are_as_wide_as_code() {
    let mut files = sources();
    let tests = fs::read_dir(root().join("tests/it")).unwrap();
    files.extend(tests.flatten().map(|entry| entry.path()));
    let mut wrong = Vec::new();
    for path in files {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > WIDTH {
                wrong.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Crates that only some modules may name.
#[test]
fn crates_are_named_where_they_belong() {
    let check = |names: &[&str], may: &[&str]| {
        let mut wrong = Vec::new();
        for path in sources() {
            let inside = path.strip_prefix(root().join("src")).unwrap();
            if may
                .iter()
                .any(|may| inside.starts_with(may) || inside.with_extension("") == Path::new(may))
            {
                continue;
            }
            let body = code(&fs::read_to_string(&path).unwrap());
            for name in names {
                if body.contains(&format!("{name}::")) {
                    wrong.push(format!("{} names {name}", path.display()));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    };
    check(&["clap", "indicatif"], &["service", "cli"]);
    // Milvus is spoken to over gRPC.
    check(&["tonic", "tokio"], &["service", "cli", "index/milvus"]);
    // An ONNX file is a protocol message too.
    check(&["prost"], &["service", "embed", "index/milvus"]);
    check(&["base64"], &["index/milvus", "index/scoring/sentences"]);
    check(&["tantivy"], &["index"]);
    // Searching sees the seam, no engine behind it.
    check(&["EmbeddedIndex", "EmbeddedSnapshot"], &["index", "cli", "eval"]);
    check(&["rayon"], &["compute"]);
    check(&["ureq"], &["embed"]);
}

/// Libraries that have threads of their own, by the file that makes them and what it names.
const OF_LIBRARIES: [(&str, &str); 3] = [
    ("embed/onnx/graph.rs", "ThreadPool"),
    ("cli/serve.rs", "new_multi_thread"),
    ("index/milvus/client.rs", "new_multi_thread"),
];

/// One owner of threads: nothing else starts any, nor decides by how many there are or by the one it runs on.
#[test]
fn threads_come_from_compute_alone() {
    let reserved = ["spawn(", "scope(", "Builder", "current("].map(|name| format!("thread::{name}"));
    let (mut wrong, mut inside) = (Vec::new(), 0);
    for path in sources().iter().filter(|path| !path.ends_with("tests.rs")) {
        let body = code(&fs::read_to_string(path).unwrap());
        let names =
            reserved
                .iter()
                .map(String::as_str)
                .chain(["available_parallelism", "ThreadPool", "new_multi_thread"]);
        for name in names.filter(|name| body.contains(name)) {
            match module(path).as_deref() {
                Some("compute") => inside += 1,
                // What libraries bring and are given a number of threads for.
                _ if OF_LIBRARIES
                    .iter()
                    .any(|(file, named)| path.ends_with(file) && *named == name) =>
                {
                    inside += 1
                }
                _ => wrong.push(format!("{} names {name}", path.display())),
            }
        }
    }
    assert!(inside >= 3, "the reading of names is broken");
    assert_eq!(wrong, Vec::<String>::new());
}

/// What a test needs and does not find fails where nothing may be skipped; so no test says by itself that it is
/// skipped.
#[test]
fn tests_are_skipped_by_one_helper() {
    let mut wrong = Vec::new();
    let mut files = sources();
    files.extend(
        fs::read_dir(root().join("tests/it"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path()),
    );
    for path in files.into_iter().filter(|path| !path.ends_with("needed.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        if text.replace("eprintln", "").contains(concat!("println!(\"skip", "ped")) {
            wrong.push(path);
        }
    }
    assert_eq!(wrong, Vec::<PathBuf>::new());
}

/// Files that use each other cannot be understood, changed or tested one by one.
#[test]
fn no_files_use_each_other() {
    let graph = graph(&root().join("src/lib.rs"));
    let found: Vec<String> = circles(&graph)
        .iter()
        .map(|circle| {
            let uses = circle.iter().flat_map(|file| {
                let within = graph[file].iter().filter(|to| circle.contains(*to));
                within.map(move |to| format!("  {} uses {}", file.display(), to.display()))
            });
            uses.collect::<Vec<_>>().join("\n")
        })
        .collect();
    assert!(found.is_empty(), "circles:\n{}", found.join("\n\n"));
}

/// Relative links of the documents lead to files, and paths in back quotes that look like files of ours exist.
#[test]
fn documents_point_at_what_is_there() {
    let mut wrong = Vec::new();
    let mut documents = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if !entry.path().is_dir() {
                documents.push(entry.path());
            } else if entry.file_name() != "node_modules" {
                // What examples install is not ours.
                folders.push(entry.path());
            }
        }
    }
    documents.retain(|path| path.extension().is_some_and(|e| e == "md"));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                wrong.push(format!("{}: {target}", document.display()));
            }
        }
        for quoted in text.split('`').skip(1).step_by(2) {
            let ours = [
                "src/",
                "tests/",
                "proto/",
                "docs/",
                "benches/",
                "index/lexicon",
                "index/profile",
                "index/sample",
            ];
            let is_path =
                ours.iter().any(|start| quoted.starts_with(start)) && !quoted.contains([' ', '*', '<', '{', '\n']);
            if is_path && !root().join(quoted.split(':').next().unwrap()).exists() {
                wrong.push(format!("{}: `{quoted}`", document.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Every dependency has its line in the map, and the map names none that is gone.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies")
            && let Some((name, _)) = line.split_once(" =")
        {
            names.insert(name.to_string());
        }
    }
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let table = map
        .split("## Dependencies")
        .nth(1)
        .expect("the map has a section Dependencies");
    let listed: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_string))
        .collect();
    assert_eq!(listed, names);
}
