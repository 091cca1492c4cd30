//! Kinds of input that people stumbled over, each in several forms: what is read of them, and that nothing is lost.

use std::fs;
use std::path::Path;

use encoding_rs::{BIG5, GB18030};

use super::{ArticleReader, LeftOut, ReadEvent, Rejected};
use crate::model::Article;
use crate::needed::shared;

/// What a reader said of some files.
#[derive(Default)]
struct Read {
    articles: Vec<Article>,
    left_out: Vec<LeftOut>,
    rejected: Vec<Rejected>,
    noticed: Vec<Rejected>,
}

fn read_path(path: &Path) -> Read {
    let mut read = Read::default();
    for event in ArticleReader::open(&[path.to_path_buf()]).unwrap() {
        match event {
            ReadEvent::Article(article) => read.articles.push(article),
            ReadEvent::LeftOut(_, left) => read.left_out.push(left),
            ReadEvent::Rejected(rejected) => read.rejected.push(rejected),
            ReadEvent::Noticed(noticed) => read.noticed.push(noticed),
        }
    }
    read
}

/// Reads one file of this name and these bytes.
fn read(name: &str, bytes: &[u8]) -> Read {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_path(&path)
}

fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{feff}" } else { "" };
    mark.encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

#[test]
fn lines_that_are_times_stay() {
    let check = |text: &str, source: Option<&str>, published: Option<&str>| {
        let read = read("a.txt", text.as_bytes());
        assert_eq!(read.left_out, [], "{text}");
        let article = &read.articles[0];
        let whole = format!("{}\n{}", article.title, article.text);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(whole.contains(line), "{line} is not in {whole}");
        }
        assert_eq!(article.source.as_deref(), source, "{text}");
        assert_eq!(
            article.published.map(|day| day.to_string()).as_deref(),
            published,
            "{text}"
        );
    };
    check(
        "系统维护通知\n\n以下窗口停办业务。\n\n城南窗口：2025-07-01 18:00 至 2025-07-02 08:00\n城北窗口：2025-07-01 20:00 至 2025-07-02 09:00\n",
        None,
        None,
    );
    check(
        "何时发放\n\n2025-08-01 09:00\n2025-09-01 09:00\n2025-10-01 09:00",
        None,
        None,
    );
    check(
        "到账样例\n\n以短信为准。\n\n2025-08-05 10:12 划入 88元\n2025-09-05 10:10 划入 88元\n2025-10-05 10:11 划入 88元",
        None,
        None,
    );
    check(
        "排班\n2025-08-05 10:12王医生\n2025-08-06 10:12李医生\n2025-08-07 10:12赵医生",
        None,
        None,
    );
    check(
        "关于调整缴费基数的通知\n\n各参保单位：\n\n本年度缴费基数上限调整为二万元。\n\n青禾市社会保险事业管理中心\n2023年7月4日",
        Some("青禾市社会保险事业管理中心"),
        Some("2023-07-04"),
    );
    check(
        "通知\n\n自下月起执行。\n\n青禾市医疗保障局 2023-07-04\n\n（此件公开发布）",
        Some("青禾市医疗保障局"),
        Some("2023-07-04"),
    );
    // Notices of others and words such as 相关推荐 are text in a text.
    check(
        "用药提示\n\n本内容不能代替面诊，请遵医嘱。\n\n版权所有 某院",
        None,
        None,
    );
    check(
        "目录\n\n相关阅读\n\n第一篇\n\n讲断缴。\n\n某报 2025-01-02",
        Some("某报"),
        Some("2025-01-02"),
    );
    check(
        "公告\n\n本单位声明：停机时间仅供参考。\n甲库：2025-04-25 22:00起\n乙库：2025-04-25 23:00 止",
        None,
        None,
    );
}

#[test]
fn texts_and_records_in_any_encoding_are_read() {
    let text = "生育津貼申領\n\n產假結束後六個月內，由單位申領生育津貼。";
    let simplified = "生育津贴申领\n\n产假结束后六个月内，由单位申领生育津贴。";
    let record = |text: &str| {
        let [title, body] = [text.lines().next().unwrap(), text.lines().last().unwrap()];
        format!(
            "{{\"_id\": \"r1\", \"title\": \"{title}\", \"text\": \"{body}\"}}\r\n{{\"_id\": \"r2\", \"text\": \"{body}\"}}\r\n"
        )
    };
    let check = |what: &str, bytes: &dyn Fn(&str) -> Vec<u8>, text: &str| {
        let body = text.lines().last().unwrap();
        let plain = read("a.txt", &bytes(text));
        assert_eq!(plain.articles.len(), 1, "{what}: {:?}", plain.rejected);
        assert_eq!(plain.articles[0].text, body, "{what}");
        for name in ["a.jsonl", "a.json"] {
            let lines = read(name, &bytes(&record(text)));
            let found: Vec<_> = lines
                .articles
                .iter()
                .map(|a| (a.id.as_str(), a.text.as_str()))
                .collect();
            assert_eq!(
                found,
                [("r1", body), ("r2", body)],
                "{what} {name}: {:?}",
                lines.rejected
            );
        }
        let table = read(
            "a.csv",
            &bytes(
                &format!("标题,正文\r\n甲,{body}\r\n")
                    .replace("标题", "title")
                    .replace("正文", "text"),
            ),
        );
        assert_eq!(table.articles[0].text, body, "{what}");
        let markdown = read("a.md", &bytes(&format!("# 甲\n\n{body}")));
        assert_eq!(markdown.articles[0].text, body, "{what}");
    };
    for text in [text, simplified] {
        check("UTF-8", &|text| text.as_bytes().to_vec(), text);
        for (little, mark) in [(true, true), (true, false), (false, true), (false, false)] {
            check("UTF-16", &|text| utf16(text, little, mark), text);
        }
    }
    check("Big5", &|text| BIG5.encode(text).0.into_owned(), text);
    check("GB18030", &|text| GB18030.encode(text).0.into_owned(), simplified);
}

#[test]
fn bad_fields_are_said_once_and_cost_themselves() {
    let lines: String = ["未知", "2024-05", "05/01/2024", "2024年5月1日"]
        .iter()
        .enumerate()
        .map(|(at, day)| {
            format!("{{\"_id\": \"{at}\", \"text\": \"正文\", \"date\": \"{day}\", \"部门\": \"待遇科\"}}\n")
        })
        .collect();
    let read = read("a.jsonl", lines.as_bytes());
    assert_eq!((read.articles.len(), read.rejected.len()), (4, 0));
    let said: Vec<_> = read
        .noticed
        .iter()
        .map(|notice| (notice.line, notice.reason.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                Some(2),
                "a date is no whole day; its year counts, and it was kept as an attribute: `2024-05`"
            ),
            (
                Some(1),
                "a date is not a day and was kept as an attribute (so in 2 records): `未知`"
            ),
        ]
    );
    assert_eq!(read.articles[1].years, [2024]);
    assert_eq!(read.articles[3].published.unwrap().to_string(), "2024-05-01");
    assert_eq!(read.articles[0].attributes["部门"], "待遇科");
    assert_eq!(read.articles[0].attributes["date"], "未知");
    assert_eq!(read.articles[1].attributes["date"], "2024-05");
}

#[test]
fn what_is_no_article_by_its_name_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("网页.htm", "<title>甲</title><p>正文在这里，只有一句。</p>"),
        ("网页_files/a.js", "var x = 1"),
        ("网页_files/frame.html", "<p>别的</p>"),
        ("笔记.md~", "旧的"),
        ("大表.xlsx.part", "x"),
        ("独立.css", "p {}"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let read_all = read_path(folder.path());
    assert_eq!(read_all.articles.len(), 1, "{:?}", read_all.articles);
    let names: Vec<String> = read_all
        .rejected
        .iter()
        .map(|r| r.path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["大表.xlsx.part", "独立.css", "笔记.md~", "网页_files"]);
    assert_eq!(
        read_path(&folder.path().join("笔记.md~")).articles.len(),
        1,
        "what is named is read"
    );
    let old = read("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest");
    assert!(
        old.rejected[0].reason.contains("save it as .docx"),
        "{:?}",
        old.rejected
    );
}

/// The characters of a text that are words or digits, so that marks of formats do not count.
fn words(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// That every line of a plain input is whole in what was kept or left out. Of what is refused in part, the rest is.
fn check_conserved(text: &str, read: &Read, what: &str) {
    if read.rejected.iter().any(|rejected| rejected.line.is_none()) {
        return;
    }
    let mut all = String::new();
    let kept = read.articles.iter().flat_map(|article| [&article.title, &article.text]);
    for part in kept.chain(read.left_out.iter().map(|left| &left.text)) {
        all.extend(words(part));
        all.push('\n');
    }
    for line in text.lines() {
        let line: String = words(line).into_iter().collect();
        assert!(all.contains(&line), "{what}: `{line}` is neither kept nor left out");
    }
}

#[test]
fn every_character_of_the_shared_texts_is_kept_or_left_out() {
    for place in ["data/pages", "data/cases"] {
        let Some(root) = shared(place) else { return };
        for entry in walkdir::WalkDir::new(root) {
            let path = entry.unwrap().into_path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if path.extension().is_some_and(|extension| extension == "txt") {
                check_conserved(&text, &read_path(&path), &path.display().to_string());
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn every_character_of_any_text_is_kept_or_left_out(
        lines in proptest::collection::vec(
            "相关推荐|健康新闻 2025-04-19|甲乙丙|2025-04-19 08:00|某声明:仅供参考|2025-05-31 23:20医保知识 丁|版权所有|句子在这里。|## 题|某局|2024年5月8日|",
            1..20,
        ),
        markdown in proptest::bool::ANY,
    ) {
        let text = lines.join("\n");
        let name = if markdown { "a.md" } else { "a.txt" };
        check_conserved(&text, &read(name, text.as_bytes()), name);
    }
}
