//! What lies in folders of articles and is none, told by its name: backups of editors, downloads under way, what
//! belongs to a saved page, programs and their settings, pictures, sound.
//!
//! Only what is found in a folder is judged so; a file that is named is read. A page that was saved under the name of
//! the program that made it (`show.aspx`) is told from that by how it begins.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Why a file is no article, if its name says so.
pub(super) fn file(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    if name.ends_with('~') || name.starts_with("~$") || (name.starts_with('#') && name.ends_with('#')) {
        return Some("is an editor's backup or lock; name it to read it");
    }
    // vim tries with a file of this name whether it may write.
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    let is_backup = [".bak", ".backup", ".orig", ".save"]
        .iter()
        .any(|end| stem.ends_with(end));
    if name == "4913" || is_backup {
        return Some("is an editor's backup; name it to read it");
    }
    if matches!(name.as_str(), "thumbs.db" | "desktop.ini") {
        return Some("belongs to the file manager");
    }
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match extension.as_str() {
        "bak" | "backup" | "save" | "old" | "wbk" | "xlk" | "orig" | "swp" | "swo" | "swn" | "tmp" | "temp" | "rej" => {
            "is an editor's backup; name it to read it"
        }
        "crdownload" | "part" | "partial" | "download" | "opdownload" | "aria2" | "!ut" | "td" | "xltd" => {
            "is a download under way"
        }
        "css" | "js" | "mjs" | "map" | "woff" | "woff2" | "ttf" | "otf" | "eot" => {
            "is a style sheet, script or font of a page"
        }
        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "webp" | "svg" | "ico" | "tif" | "tiff" | "heic" => {
            "is a picture; text in pictures is not read"
        }
        "lnk" | "url" | "webloc" | "desktop" => "is a shortcut to something else",
        "php" | "jsp" | "asp" | "aspx" if is_saved_page(path) => return None,
        "py" | "ipynb" | "ts" | "tsx" | "jsx" | "vue" | "java" | "class" | "kt" | "scala" | "go" | "rs" | "c" | "h"
        | "cc" | "cpp" | "hpp" | "cs" | "php" | "jsp" | "asp" | "aspx" | "rb" | "pl" | "lua" | "swift" | "r"
        | "sql" | "sh" | "bash" | "bat" | "cmd" | "ps1" | "vbs" | "scss" | "sass" | "less" => {
            "is a program's source; name it to read it"
        }
        "ini" | "cfg" | "conf" | "toml" | "yml" | "yaml" | "properties" | "env" | "lock" | "reg" | "plist" => {
            "is a program's settings; name it to read it"
        }
        "exe" | "dll" | "so" | "jar" | "pyc" | "msi" | "apk" | "iso" | "db" | "sqlite" | "mdb" => {
            "is a program or its data"
        }
        "mp3" | "mp4" | "wav" | "avi" | "mov" | "mkv" | "m4a" | "flv" => "is sound or film",
        _ => return None,
    })
}

/// How much of a file is looked at to tell a page from the program that makes it.
const HEAD: u64 = 64 << 10;

/// Whether a file that is called as a program's source is a page that was saved under its address, as programs that
/// fetch sites do: it begins as a page does, and nothing in it is to be run first.
fn is_saved_page(path: &Path) -> bool {
    // Opening a pipe would wait for who writes into it.
    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let start = head.trim_start_matches('\u{feff}').trim_start();
    read.is_ok()
        && (start.starts_with("<!doctype html") || start.starts_with("<html"))
        && !head.contains("<%")
        && !head.contains("<?php")
        && !head.contains("<?=")
}

/// Why a folder holds no articles: it belongs to a program, or has what a saved page beside it needs.
pub(super) fn folder(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    if matches!(name, "node_modules" | "bower_components" | "__pycache__" | "__MACOSX") {
        return Some("holds what belongs to a program, no articles; name it to read it");
    }
    let page = name.strip_suffix("_files").or_else(|| name.strip_suffix(".files"))?;
    let beside = ["html", "htm", "xhtml", "mhtml", "HTML", "HTM"]
        .iter()
        .any(|extension| path.with_file_name(format!("{page}.{extension}")).is_file());
    beside.then_some("holds what belongs to the saved page beside it (style sheets, scripts, pictures)")
}

/// The questions and judgements that lie beside a corpus in the BEIR layout are no articles; named, they are read.
pub(super) fn part_of_dataset(path: &Path, named: bool) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let part = matches!(name, "queries.jsonl" | "qrels.tsv");
    let beside = path.with_file_name("corpus.jsonl").is_file() || path.with_file_name("qrels.tsv").is_file();
    (part && beside && !named).then_some("belongs to a set of questions and judgements; it holds no articles")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_no_article() {
        let check = |name: &str, expected: Option<&str>| {
            let found = file(Path::new(name));
            assert_eq!(found.is_some(), expected.is_some(), "{name}: {found:?}");
            assert!(
                found.unwrap_or("").contains(expected.unwrap_or("")),
                "{name}: {found:?}"
            );
        };
        check("a/note.txt~", Some("backup"));
        check("~$报告.docx", Some("lock"));
        check("#x.md#", Some("backup"));
        check("x.md.BAK", Some("backup"));
        check("a.bak.md", Some("backup"));
        check("a.md.save", Some("backup"));
        check("a.md.save.1", Some("backup"));
        check("4913", Some("backup"));
        // Copies that somebody made may have been changed since.
        for copy in [
            "a - 副本.md",
            "a (1).md",
            "a copy.md",
            "a.conflict.md",
            "save.md",
            "bak",
        ] {
            check(copy, None);
        }
        check("文件.pdf.crdownload", Some("download"));
        check("jquery.min.js", Some("script"));
        check("图.SVG", Some("picture"));
        check("Thumbs.db", Some("file manager"));
        check("导入.SQL", Some("source"));
        check("app/main.vue", Some("source"));
        check("my.cnf.conf", Some("settings"));
        check("医保网.url", Some("shortcut"));
        check("办法.docx", None);
        check("a.txt", None);
        check("没有扩展名", None);
        check("表.csv", None);
        check("js", None);
    }

    #[test]
    fn a_page_saved_under_its_address_is_no_program() {
        let root = tempfile::tempdir().unwrap();
        let check = |name: &str, text: &str, is_page: bool| {
            let path = root.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(file(&path).is_none(), is_page, "{name}: {text}");
        };
        check("a.aspx", "\u{feff}\n<!DOCTYPE html><p>断缴", true);
        check("a.php", "<html><p>断缴", true);
        check("b.php", "<html><p><?php echo $title ?>", false);
        check("b.aspx", "<%@ Page %><html>", false);
        check("b.jsp", "<!doctype html><%= title %>", false);
        check("a.py", "<html>", false);
    }

    #[test]
    fn a_saved_pages_folder_is_told_by_the_page() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("甲_files")).unwrap();
        std::fs::create_dir_all(root.path().join("乙_files")).unwrap();
        std::fs::write(root.path().join("甲.htm"), "x").unwrap();
        assert!(folder(&root.path().join("甲_files")).is_some());
        assert_eq!(folder(&root.path().join("乙_files")), None);
        assert_eq!(folder(&root.path().join("甲")), None);
        assert!(folder(Path::new("a/node_modules")).is_some());
    }
}
