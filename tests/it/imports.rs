//! Which source file uses which other: a small reader of `use` and of paths in code, enough for this crate's own style.
//!
//! A name that a module only passes on (`pub use child::Name`) counts as its child's, so that `crate::index::Name`
//! leads to the file that defines it. Code under `#[cfg(test)]`, comments and strings are not read. A file that is used
//! as a module (`print::json`) is used where the path stands, not where the module's name is imported. Methods and
//! fields need no import and are not seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

type Name = Vec<String>;

/// One source file, read.
#[derive(Default)]
struct Source {
    file: PathBuf,
    children: BTreeSet<String>,
    /// Names that it passes on, with the paths they stand for.
    passed_on: BTreeMap<String, Name>,
    /// Names that it imports, with the paths they stand for.
    imported: BTreeMap<String, Name>,
    /// Paths in its code, imports left out.
    used: Vec<Name>,
    /// Single words of its code, imports left out.
    words: BTreeSet<String>,
}

/// All files below the root file (`lib.rs`), by who uses whom; paths as they were given.
pub fn graph(root: &Path) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
    let mut modules = HashMap::new();
    read(root, root.parent().unwrap(), Vec::new(), &mut modules);
    let mut graph = BTreeMap::new();
    for (module, source) in &modules {
        let mut to = BTreeSet::new();
        for path in &source.used {
            to.extend(leads_to(module, source, path, &modules).map(|(file, _)| file));
        }
        for (name, path) in &source.imported {
            // A module that is imported is used where a path goes on from it; all that it has, at once.
            let used = leads_to(module, source, path, &modules).filter(|found| !found.1 || name.starts_with('*'));
            to.extend(used.map(|(file, _)| file));
        }
        for (name, path) in &source.passed_on {
            if source.words.contains(name) {
                to.extend(leads_to(module, source, path, &modules).map(|(file, _)| file));
            }
        }
        to.remove(&source.file);
        graph.insert(source.file.clone(), to);
    }
    graph
}

/// Everything that a file uses, directly or through others.
fn reach<'a>(graph: &'a BTreeMap<PathBuf, BTreeSet<PathBuf>>, from: &'a PathBuf) -> BTreeSet<&'a PathBuf> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        next.extend(graph.get(file).into_iter().flatten().filter(|to| seen.insert(*to)));
    }
    seen
}

/// Groups of files each of which uses all others of its group, directly or through others; only groups of two and more.
pub fn circles(graph: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> = graph.keys().map(|file| (file, reach(graph, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, all) in &reached {
        if all.contains(*file) {
            let back = all.iter().filter(|other| reached[*other].contains(*file));
            circles.insert(back.map(|other| (*other).clone()).collect::<BTreeSet<_>>());
        }
    }
    circles.into_iter().collect()
}

fn read(file: &Path, folder: &Path, module: Name, modules: &mut HashMap<Name, Source>) {
    let tokens = tokens(&fs::read_to_string(file).unwrap());
    let mut source = Source {
        file: file.to_path_buf(),
        ..Source::default()
    };
    let word = |at: usize| tokens.get(at).filter(|token| is_word(token)).cloned();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "#" if tokens[at..]
                .iter()
                .take(7)
                .map(String::as_str)
                .eq(["#", "[", "cfg", "(", "test", ")", "]"]) =>
            {
                at = after_item(&tokens, at + 7);
            }
            "mod" if tokens.get(at + 2).is_some_and(|end| end == ";") => {
                source.children.extend(word(at + 1));
                at += 3;
            }
            "use" => {
                let passes_on = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
                let mut paths = Vec::new();
                at = tree(&tokens, at + 1, Vec::new(), &mut paths);
                for (name, path) in paths {
                    if passes_on {
                        source.passed_on.insert(name, path)
                    } else {
                        source.imported.insert(name, path)
                    };
                }
            }
            _ => match word(at) {
                Some(first) => {
                    let mut path = vec![first];
                    at += 1;
                    while tokens.get(at).is_some_and(|t| t == "::")
                        && let Some(next) = word(at + 1)
                    {
                        path.push(next);
                        at += 2;
                    }
                    source.words.insert(path[0].clone());
                    if path.len() > 1 {
                        source.used.push(path);
                    }
                }
                None => at += 1,
            },
        }
    }
    let is_root = module.is_empty();
    let inside = if is_root || file.file_stem().is_some_and(|stem| stem == "mod") {
        folder.to_path_buf()
    } else {
        folder.join(file.file_stem().unwrap())
    };
    for child in &source.children {
        let name = [module.as_slice(), std::slice::from_ref(child)].concat();
        let (plain, nested) = (inside.join(format!("{child}.rs")), inside.join(child));
        if plain.exists() {
            read(&plain, &inside, name, modules)
        } else {
            read(&nested.join("mod.rs"), &nested, name, modules)
        }
    }
    modules.insert(module, source);
}

/// The file that a path of a module's code leads to, if it is one of this crate's, and whether the path names the whole
/// module.
fn leads_to(
    module: &Name,
    source: &Source,
    path: &[String],
    modules: &HashMap<Name, Source>,
) -> Option<(PathBuf, bool)> {
    let first = path.first()?.as_str();
    let absolute = match source.imported.get(first) {
        Some(import) if first != "crate" && first != "super" && first != "self" => {
            let import = absolute(module, source, import)?;
            [import.as_slice(), &path[1..]].concat()
        }
        _ => absolute(module, source, path)?,
    };
    let mut here = Vec::new();
    let mut rest = absolute.as_slice();
    loop {
        let source = modules.get(&here)?;
        let Some((next, after)) = rest.split_first() else {
            return Some((source.file.clone(), true));
        };
        if source.children.contains(next) {
            here.push(next.clone());
            rest = after;
            if !modules.contains_key(&here) {
                return None;
            }
        } else if let Some(target) = source.passed_on.get(next) {
            return leads_to(&here, source, &[target.as_slice(), after].concat(), modules);
        } else {
            return Some((source.file.clone(), false));
        }
    }
}

/// A path from the crate's root, none for what is not of this crate.
fn absolute(module: &Name, source: &Source, path: &[String]) -> Option<Name> {
    let mut base = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (base, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {}
        first if source.children.contains(first) => {}
        _ => return None,
    }
    while rest.first().is_some_and(|word| word == "super") {
        base.pop()?;
        rest = &rest[1..];
    }
    Some([base.as_slice(), rest].concat())
}

/// Reads a `use` tree: the names it brings with the paths they stand for. Returns the place behind it.
fn tree(tokens: &[String], mut at: usize, mut path: Name, paths: &mut Vec<(String, Name)>) -> usize {
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = tree(tokens, at, path.clone(), paths);
                    at += usize::from(tokens[at] == ",");
                }
                return at + 1;
            }
            "::" => at += 1,
            "as" => {
                paths.push((tokens[at + 1].clone(), path));
                return at + 2;
            }
            "*" => {
                paths.push((format!("* of {}", path.join("::")), path));
                return at + 1;
            }
            "self" if !path.is_empty() => at += 1,
            word if is_word(word) => {
                path.push(tokens[at].clone());
                at += 1;
            }
            _ => break,
        }
    }
    if let Some(name) = path.last().cloned() {
        paths.push((name, path));
    }
    at
}

/// The place behind the item that begins here: behind its `;`, or the bracket that closes its first block.
fn after_item(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth -= 1;
                if depth == 0 && tokens[at] == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs, without comments, strings and character literals.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if starts(at, "/*") {
            while at < chars.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if c == 'r' && chars.get(at + 1 + hashes) == Some(&'"') {
            let end = format!("\"{}", "#".repeat(hashes));
            at += 2 + hashes;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += 1 + usize::from(chars[at] == '\\');
            }
            at += 1;
        } else if c == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            at += if chars.get(at + 1) == Some(&'\\') { 3 } else { 2 };
            at += 1 + chars[at..].iter().take_while(|c| **c != '\'').count();
        } else if c.is_alphanumeric() || c == '_' {
            let word: String = chars[at..]
                .iter()
                .take_while(|c| c.is_alphanumeric() || **c == '_')
                .collect();
            at += word.chars().count();
            tokens.push(word);
        } else if starts(at, "::") {
            tokens.push("::".into());
            at += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            at += 1;
        }
    }
    tokens
}

#[test]
fn circles_are_found_and_what_only_looks_like_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let found = || {
        let circles = circles(&graph(&folder.path().join("lib.rs")));
        let name = |file: &PathBuf| file.strip_prefix(folder.path()).unwrap().display().to_string();
        circles
            .iter()
            .map(|circle| circle.iter().map(name).collect())
            .collect::<Vec<Vec<String>>>()
    };
    write("lib.rs", "mod a;\nmod b;\n");
    write("a/mod.rs", "//! crate::b::B\nmod one;\nmod two;\npub use one::One;\n");
    write(
        "a/one.rs",
        "use super::two::{Two as Second, other};\npub struct One(Second); const C: char = '\"';\n",
    );
    write(
        "a/two.rs",
        "pub struct Two; fn f() -> &'static str { \"crate::a::One\" }\n#[cfg(test)]\nmod tests { use super::super::One; }\n",
    );
    write("b.rs", "use crate::a;\nuse crate::a::One;\npub struct B;\n");
    assert!(found().is_empty(), "{:?}", found());
    // Through a name that a parent only passes on.
    write("a/two.rs", "fn f(_: crate::a::One) {}\n");
    assert_eq!(found(), [["a/one.rs", "a/two.rs"]]);
    // Through a module's name, where a path goes on from it.
    write("a/two.rs", "use crate::b;\nfn f() { b::B; }\n");
    assert_eq!(found(), [["a/one.rs", "a/two.rs", "b.rs"]]);
    // A parent that uses its child, and a child that uses its parent.
    write("a/two.rs", "use super::Own;\n");
    write("a/mod.rs", "mod one;\nmod two;\npub struct Own(two::Two);\n");
    assert_eq!(found(), [["a/mod.rs", "a/two.rs"]]);
    write(
        "a/mod.rs",
        "mod one;\nmod two;\npub use two::Two;\npub struct Own(Two);\n",
    );
    assert_eq!(found(), [["a/mod.rs", "a/two.rs"]]);
}
