//! The reader as a whole, over files: what becomes of whole folders, of the five crawled pages, of hostile input.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::error::Fault;
use crate::model::{Article, ArticleKind};
use crate::needed::shared;

/// A folder that goes when the test ends, with these files in it.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn read_paths(paths: &[PathBuf]) -> (Vec<Article>, Vec<Rejected>) {
    let (mut articles, mut rejected) = (Vec::new(), Vec::new());
    let mut reader = ArticleReader::open(paths).unwrap();
    while let Some(event) = reader.next() {
        assert!(reader.bytes_read() <= reader.bytes_total());
        match event {
            ReadEvent::Article(article) => articles.push(article),
            ReadEvent::Rejected(reason) => rejected.push(reason),
            ReadEvent::LeftOut(..) | ReadEvent::Noticed(_) => {}
        }
    }
    assert_eq!(reader.bytes_read(), reader.bytes_total());
    (articles, rejected)
}

fn read_folder(files: &[(&str, &[u8])]) -> (Vec<Article>, Vec<Rejected>) {
    let folder = folder(files);
    read_paths(&[folder.path().to_path_buf()])
}

/// An article's id without its source, which is the temporary folder here.
fn id_below(article: &Article) -> &str {
    let source = article.origin.as_ref().map_or("", |origin| &origin.source);
    let below = article.id.strip_prefix(source).and_then(|id| id.strip_prefix('/'));
    below.unwrap_or(&article.id)
}

fn ids(articles: &[Article]) -> Vec<&str> {
    articles.iter().map(id_below).collect()
}

#[test]
fn the_five_pages_are_the_85_articles() {
    let (Some(pages), Some(corpus)) = (shared("data/pages"), shared("data/bench/yibao/corpus.jsonl")) else {
        return;
    };
    let (articles, rejected) = read_paths(&[pages]);
    let (expected, _) = read_paths(&[corpus]);
    assert_eq!(rejected, []);
    assert_eq!((articles.len(), expected.len()), (85, 85));
    for (article, expected) in articles.iter().zip(&expected) {
        // To the letter; the only rule is that of the reader itself, no white space at both ends.
        assert_eq!(article.title, expected.title);
        assert_eq!(article.text, expected.text, "{}", article.id);
        let place = article.id.rsplit('-').next().unwrap();
        assert_eq!(expected.id.rsplit('-').next().unwrap(), place, "{}", article.id);
        if place == "0" {
            assert_eq!(article.kind, ArticleKind::Full);
        } else {
            assert_eq!(article.kind, ArticleKind::Summary);
            assert_eq!(article.source.as_deref(), Some("健康新闻"));
            assert_eq!(article.published.map(|day| day.year()), Some(2025));
        }
    }
    assert_eq!(articles[0].id, "pages/000_c5abffc0c038db89.txt-0");
    assert_eq!(articles[20].id, "pages/000_c5abffc0c038db89.txt-20");
    assert_eq!(articles[84].published.unwrap().to_string(), "2025-04-26");
    let linked = articles
        .iter()
        .find(|article| article.id.starts_with("pages/003"))
        .unwrap();
    assert_eq!(linked.source.as_deref(), Some("社保网"));
    assert_eq!(linked.published.unwrap().to_string(), "2025-06-01");
    assert_eq!((&articles[0].source, articles[0].published), (&None, None));
}

#[test]
fn the_pages_in_gb18030_are_the_same_articles() {
    let Some(pages) = shared("data/pages") else { return };
    let (expected, _) = read_paths(std::slice::from_ref(&pages));
    // A folder of the same name gives the same ids.
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("pages");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(&pages).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(
            folder.join(path.file_name().unwrap()),
            encoding_rs::GB18030.encode(&text).0,
        )
        .unwrap();
    }
    let (articles, rejected) = read_paths(&[folder]);
    assert_eq!(rejected, []);
    assert_eq!(articles, expected);
}

#[test]
fn formats_are_told_by_name_and_by_content() {
    let (articles, rejected) = read_folder(&[
        ("a.md", "# 断缴怎么办\n\n三个月内补缴。".as_bytes()),
        (
            "b.html",
            "<html><title>备案_某网</title><body><p>先备案再就医。</p></body></html>".as_bytes(),
        ),
        ("c.txt", "缴费基数\n\n按上年度工资核定。".as_bytes()),
        ("d.ndjson", "{\"id\": 1, \"text\": \"甲\"}\n".as_bytes()),
        ("e.json", "[{\"id\": 2, \"text\": \"乙\"}, {\"id\": 3}]".as_bytes()),
        ("f/没有扩展名", "只有一段文字的文件。".as_bytes()),
        ("g.page", "<!DOCTYPE html><h1>标题</h1><p>正文</p>".as_bytes()),
        ("h.bin", b"\x7fELF\0\0\0"),
        (".hidden.txt", b"hidden"),
        (".git/x.txt", b"hidden"),
    ]);
    let found: Vec<_> = articles
        .iter()
        .map(|a| (id_below(a), a.title.as_str(), a.text.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("a.md", "断缴怎么办", "三个月内补缴。"),
            ("b.html", "备案_某网", "先备案再就医。"),
            ("c.txt", "缴费基数", "按上年度工资核定。"),
            ("1", "", "甲"),
            ("2", "", "乙"),
            ("f/没有扩展名", "没有扩展名", "只有一段文字的文件。"),
            ("g.page", "标题", "正文"),
        ]
    );
    let reasons: Vec<String> = rejected.iter().map(|r| r.reason.clone()).collect();
    assert_eq!(
        reasons,
        [
            "record 2: has no `text` (or `content`)",
            "is not text: a NUL byte at offset 4"
        ]
    );
}

#[test]
fn a_page_in_another_encoding_is_read_by_what_it_declares() {
    let page = "<html><head><meta charset=gb2312><title>断缴</title></head><body><p>三个月内补缴。</p></body></html>";
    let gb = encoding_rs::GBK.encode(page).0.into_owned();
    let big5 = encoding_rs::BIG5
        .encode(
            &page
                .replace("gb2312", "big5")
                .replace("断缴", "退休")
                .replace("三个月内补缴", "三個月內申請"),
        )
        .0
        .into_owned();
    let (articles, rejected) = read_folder(&[("a.html", &gb), ("b.htm", &big5)]);
    assert_eq!(rejected, []);
    let found: Vec<_> = articles.iter().map(|a| (a.title.as_str(), a.text.as_str())).collect();
    assert_eq!(found, [("断缴", "三个月内补缴。"), ("退休", "三個月內申請。")]);
}

#[test]
fn the_sample_articles_are_whole() {
    let (articles, rejected) = read_paths(&[PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/index/sample"))]);
    assert_eq!(rejected, []);
    assert!(articles.len() >= 34, "{}", articles.len());
    let options = SplitOptions::default();
    for article in &articles {
        assert_eq!(article.source.as_deref(), Some("保问示例"), "{}", article.id);
        assert!(
            article.published.is_some() && !article.title.is_empty(),
            "{}",
            article.id
        );
        let passages = split(article, &options);
        assert_eq!(passages.len(), 1, "{} is too long to be read at once", article.id);
        assert!(article.text.chars().count() >= 200, "{}", article.id);
    }
}

#[test]
fn ids_are_short_and_unique() {
    let files: &[(&str, &[u8])] = &[("a.md", b"x"), ("a.txt", b"y"), ("b.txt", b"z"), ("sub/b.txt", b"w")];
    let (articles, rejected) = read_folder(files);
    assert_eq!(ids(&articles), ["a.md", "a.txt", "b.txt", "sub/b.txt"]);
    assert_eq!(rejected, []);
    let (one, two) = (folder(&[("b.txt", b"x")]), folder(&[("b.txt", b"y")]));
    let paths = [
        one.path().to_path_buf(),
        two.path().to_path_buf(),
        two.path().join("b.txt"),
    ];
    let (articles, _) = read_paths(&paths);
    assert_eq!(articles.len(), 2, "a file named twice is read once");
    assert_ne!(articles[0].id, articles[1].id);
    let (again, _) = read_paths(&paths);
    assert_eq!(articles, again);
}

#[test]
fn bad_lines_are_named_and_the_rest_goes_on() {
    let lines = "\u{feff}{\"_id\": \"a\", \"text\": \"甲\"}\nnot json\n\n{\"_id\": \"b\"}\n{\"_id\": \"a\", \"text\": \"丙\"}\n{\"_id\": \"c\", \"text\": \"丁\"}";
    let folder = folder(&[("x.jsonl", lines.as_bytes())]);
    let path = folder.path().join("x.jsonl");
    let (articles, rejected) = read_paths(std::slice::from_ref(&path));
    assert_eq!(ids(&articles), ["a", "c"]);
    assert_eq!(
        rejected.iter().map(|r| r.line).collect::<Vec<_>>(),
        [Some(2), Some(4), Some(5)]
    );
    let name = path.display();
    assert_eq!(
        rejected[1].to_string(),
        format!("{name}:4: has no `text` (or `content`)")
    );
    assert_eq!(
        rejected[2].to_string(),
        format!("{name}:5: the id `a` (line 5) was given to an article before, at {name}:1")
    );
}

#[test]
fn the_same_id_in_two_files_is_reported() {
    let (articles, rejected) = read_folder(&[
        ("a.jsonl", b"{\"_id\": \"x\", \"text\": \"1\"}"),
        ("b.jsonl", b"\n{\"_id\": \"x\", \"text\": \"2\"}"),
    ]);
    assert_eq!(articles.len(), 1);
    assert!(rejected[0].path.ends_with("b.jsonl") && rejected[0].line == Some(2));
    assert!(rejected[0].reason.contains("a.jsonl:1"), "{}", rejected[0]);
}

#[test]
fn questions_beside_a_corpus_are_no_articles_unless_named() {
    let files: &[(&str, &[u8])] = &[
        ("corpus.jsonl", b"{\"_id\": \"x\", \"text\": \"1\"}"),
        ("queries.jsonl", b"{\"_id\": \"q\", \"text\": \"1\"}"),
        ("qrels.tsv", b"query-id\tcorpus-id\tscore\nq\tx\t1\n"),
    ];
    let (articles, rejected) = read_folder(files);
    assert_eq!((ids(&articles), rejected.len()), (vec!["x"], 2));
    let folder = folder(files);
    assert_eq!(ids(&read_paths(&[folder.path().join("queries.jsonl")]).0), ["q"]);
}

#[test]
fn lines_are_lines_however_they_end_and_short_ones_in_gb18030_are_no_utf8() {
    let gb = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let lines = "{\"_id\": \"1\", \"text\": \"断缴后三个月内可以补缴，缴费年限连续计算。\"}\n\
                 {\"_id\": \"2\", \"title\": \"住院\", \"text\": \"医院 100元\"}\n";
    let (articles, rejected) = read_folder(&[
        ("a.txt", "断缴须知\r三个月内补缴。\r待遇不受影响。\r".as_bytes()),
        ("b.jsonl", &gb(lines)),
        (
            "c.jsonl",
            "{\"_id\": \"3\", \"text\": \"甲\"} {\"_id\": \"4\", \"text\": \"乙\"}\n{\"text\": \"丙\"}".as_bytes(),
        ),
        ("d.txt", &gb("住院\n\n医院")),
    ]);
    assert_eq!(rejected, []);
    assert_eq!(ids(&articles), ["a.txt", "1", "2", "3", "4", "c.jsonl-2", "d.txt"]);
    assert_eq!(articles[0].title, "断缴须知");
    assert_eq!(articles[0].text, "三个月内补缴。\n待遇不受影响。");
    assert_eq!(
        (articles[2].title.as_str(), articles[2].text.as_str()),
        ("住院", "医院 100元")
    );
    assert!(articles[6].text.contains("医院"), "{:?}", articles[6]);
}

#[cfg(feature = "documents")]
#[test]
fn rows_are_named_by_their_sheet_even_if_it_is_the_only_one() {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |cells: [&str; 2]| format!("<row>{}</row>", cells.map(cell).concat());
    let rows = [row(["问题", "答案"]), row(["断缴后怎么办？", "三个月内补缴。"])];
    let (articles, rejected) = read_folder(&[("w.xlsx", &documents::tests::xlsx(&rows.concat(), ""))]);
    assert_eq!((ids(&articles), rejected), (vec!["w.xlsx-待遇-2"], vec![]));
}

#[test]
fn hostile_files_are_reported_and_survived() {
    let line = format!("{{\"_id\": \"big\", \"text\": \"{}\"}}\n", "x".repeat(3 << 20));
    let too_long = format!(
        "{{\"_id\": \"huge\", \"text\": \"{}\"}}\n{{\"_id\": \"next\", \"text\": \"y\"}}",
        "x".repeat(17 << 20)
    );
    let single = "医保断缴怎么办".repeat(150_000);
    let endless = format!("{{\"_id\": \"endless\", \"text\": \"{}\"}}\n", "x".repeat(5 << 20));
    let truncated = &"医保断缴三个月以内可以补缴".as_bytes()[..20];
    let nested = format!("<html><body>{}深处", "<div>".repeat(1_900));
    let bottomless = format!("<html><body>{}深处", "<div>".repeat(100_000));
    let (articles, rejected) = read_folder(&[
        ("01-empty.txt", b""),
        ("02-blank.txt", b" \n\t\n"),
        ("03-binary.dat", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("04-nul.txt", b"abc\0def"),
        ("05-truncated.txt", truncated),
        ("06-line.jsonl", line.as_bytes()),
        ("07-too-long.jsonl", too_long.as_bytes()),
        ("08-single-line.txt", single.as_bytes()),
        ("09-nested.html", nested.as_bytes()),
        ("10-empty.jsonl", b""),
        ("11-blank.jsonl", b"\n\n"),
        ("12-nested.json", "[".repeat(1 << 20).as_bytes()),
        ("13-title.md", "# 只有标题\n".as_bytes()),
        ("14-nothing.html", b"<html><script>x</script></html>"),
        ("16-bottomless.html", bottomless.as_bytes()),
        ("15-quotes.md", ">".repeat(20_000).as_bytes()),
        ("17-endless.txt", "医保断缴怎么办".repeat(250_000).as_bytes()),
        ("18-endless.jsonl", endless.as_bytes()),
    ]);
    assert_eq!(ids(&articles), ["big", "next", "08-single-line.txt", "09-nested.html"]);
    assert_eq!(articles[0].text.len(), 3 << 20);
    assert_eq!(articles[3].text, "深处");
    let check = |name: &str, line: Option<usize>, reason: &str| {
        let found = rejected
            .iter()
            .find(|r| r.path.ends_with(name))
            .unwrap_or_else(|| panic!("{name} is not reported"));
        assert_eq!(found.line, line, "{found}");
        assert!(found.reason.contains(reason), "{found}");
    };
    check("01-empty.txt", None, "is empty");
    check("02-blank.txt", None, "nothing but white space");
    check("03-binary.dat", None, "NUL byte at offset 8");
    check("04-nul.txt", None, "NUL byte at offset 3");
    check("05-truncated.txt", None, "damaged UTF-8: an invalid byte at offset 18");
    check("07-too-long.jsonl", Some(1), "longer than 16 MiB");
    check("10-empty.jsonl", None, "is empty");
    check("11-blank.jsonl", None, "holds no records");
    check("12-nested.json", Some(1), "is not valid JSON");
    check("13-title.md", None, "no text besides a title");
    check("14-nothing.html", None, "no text");
    check("15-quotes.md", None, "no text");
    check("16-bottomless.html", None, "nested deeper");
    check("17-endless.txt", None, "5.0 MiB of text, an article may have 4");
    check("18-endless.jsonl", Some(1), "5.0 MiB of text, an article may have 4");
    assert_eq!(rejected.len(), 15);
    let passages = split(&articles[2], &SplitOptions::default());
    assert!(passages.len() >= 1_050_000 / SplitOptions::default().most);
}

#[test]
fn folders_without_anything_to_read_say_so() {
    let empty = tempfile::tempdir().unwrap();
    let (articles, rejected) = read_paths(&[empty.path().to_path_buf()]);
    assert_eq!((articles.len(), rejected.len()), (0, 1));
    assert!(rejected[0].reason.contains("holds no files"), "{}", rejected[0]);
    let (articles, rejected) = read_folder(&[("a.bin", b"\0"), ("b.txt", b"")]);
    assert_eq!((articles.len(), rejected.len()), (0, 2));
    // Each folder by itself.
    let full = folder(&[("a.txt", "甲".as_bytes())]);
    let (full, empty) = (full.path().to_path_buf(), empty.path().to_path_buf());
    let (articles, rejected) = read_paths(&[full.clone(), empty.clone(), full]);
    assert_eq!((articles.len(), rejected.len()), (1, 1));
    assert_eq!(rejected[0].path, empty);
}

#[test]
fn a_name_that_does_not_exist_is_an_error() {
    let error = ArticleReader::open(&[PathBuf::from("no/such/folder")]).unwrap_err();
    assert_eq!(error.fault(), Fault::Missing);
    assert!(
        error
            .to_string()
            .contains(&Path::new("no/such/folder").display().to_string()),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn links_and_locked_files_are_survived() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let docs = folder(&[("a/x.txt", "甲".as_bytes()), ("b/locked.txt", "乙".as_bytes())]);
    let root = docs.path();
    symlink(root, root.join("a/loop")).unwrap();
    symlink(root.join("nowhere"), root.join("a/broken")).unwrap();
    symlink(root.join("a/x.txt"), root.join("b/linked.txt")).unwrap();
    let elsewhere = folder(&[("secret.txt", "密".as_bytes())]);
    symlink(elsewhere.path().join("secret.txt"), root.join("b/out.txt")).unwrap();
    let locked = root.join("b/locked.txt");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::File::open(&locked).is_ok();
    let (articles, rejected) = read_paths(&[root.to_path_buf()]);
    // The link leads to a file that was read already; the superuser may read a locked file.
    assert_eq!(
        ids(&articles),
        if readable {
            vec!["a/x.txt", "b/locked.txt"]
        } else {
            vec!["a/x.txt"]
        }
    );
    let reason = |name: &str| {
        rejected
            .iter()
            .find(|r| r.path.ends_with(name))
            .map_or("", |r| r.reason.as_str())
    };
    assert!(reason("loop").contains("link to a folder"), "{rejected:?}");
    assert!(reason("broken").contains("cannot be read"), "{rejected:?}");
    assert!(reason("out.txt").contains("outside of the folder"), "{rejected:?}");
    assert!(
        readable || reason("locked.txt").contains("cannot be read"),
        "{rejected:?}"
    );
}
