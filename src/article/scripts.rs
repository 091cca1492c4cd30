//! What a page's scripts hold where the page itself shows nothing or only a beginning: the record that a program of the
//! browser would show, the whole text in linked data.
//!
//! Only looks at data, whatever it is called (`__NEXT_DATA__`, `__INITIAL_STATE__`, linked data); runs no script. What
//! is data in a script is for `script_values`, what is a record in it for `shapes`, as in a file of JSON.

use scraper::{Html, Selector};
use serde_json::{Map, Value};

use crate::model::Article;

use super::html;
use super::json;
use super::reading::Reading;
use super::record::{Lost, Record, read_record};
use super::said::{is_said, is_sentence};
use super::script_values::values;

/// How many characters a page shows at most that waits for its scripts.
const MAX_SHOWN: usize = 60;
/// At how many places of a page data is looked for.
const MAX_PLACES: usize = 200;
/// How many lines a page shows at most of a text that linked data say as a whole.
const MAX_LINES: usize = 200;
/// How many bytes that has at most.
const MAX_WHOLE: usize = 256 << 10;
/// How many characters of what a page shows tell whether a whole text begins so.
const BEGINNING: usize = 20;

/// Reads a page as it is shown, or by the data of its scripts where it shows nothing; `name` is the title if it has
/// none.
pub(super) fn read(page: &str, name: &str) -> Reading {
    let mut reading = html::read(page, name);
    fill(&mut reading, page, name);
    complete(&mut reading, page);
    reading
}

/// Puts the whole text that linked data say into the place of its beginning, which is all that a page shows to those
/// that have no account.
fn complete(reading: &mut Reading, page: &str) {
    let [(_, article)] = reading.articles.as_mut_slice() else {
        return;
    };
    if !page.contains("articleBody") || !html::is_readable(page) {
        return;
    }
    let beginning: String = article.text.chars().take(BEGINNING).collect();
    let bodies = linked_bodies(&Html::parse_document(page)).into_iter();
    let whole = bodies
        .filter(|body| is_said(body, &beginning) && body.len() >= article.text.len() * 5 / 4)
        .max_by_key(String::len);
    let Some(whole) = whole else { return };
    // Each line is looked for in the whole text.
    if article.text.lines().nth(MAX_LINES).is_some() || whole.len() > MAX_WHOLE {
        return;
    }
    let others = article
        .text
        .lines()
        .filter(|line| !line.is_empty() && !is_said(&whole, line));
    let others: Vec<&str> = others.collect();
    // What is shown and not in it says more than that there is more.
    if others.iter().any(|line| is_sentence(line) || line.contains(" | ")) {
        return;
    }
    let others = others.join("\n");
    article.text = whole;
    reading.leave_out("prompt", others);
}

/// The texts of articles that a page's linked data say.
fn linked_bodies(document: &Html) -> Vec<String> {
    let Ok(scripts) = Selector::parse("script[type$='ld+json']") else {
        return Vec::new();
    };
    let data = document.select(&scripts).take(MAX_PLACES);
    let mut open: Vec<Value> = data
        .flat_map(|script| values(&script.text().collect::<String>()))
        .collect();
    let mut found = Vec::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if name == "articleBody" => {
                            let record = Value::Object(Map::from_iter([(name, Value::String(text))]));
                            let record = read_record(record, Some(String::new()));
                            found.extend(record.map(|record| record.article.text));
                        }
                        value => open.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Puts the records of a page's scripts into the place of what it shows, where that says nothing (`加载中...`).
fn fill(reading: &mut Reading, page: &str, name: &str) {
    let shown: usize = reading
        .articles
        .iter()
        .map(|(_, article)| article.text.chars().count())
        .sum();
    let says = |article: &Article| article.text.contains(['。', '！', '？', '；']);
    let shows = shown > MAX_SHOWN || reading.articles.iter().any(|(_, article)| says(article));
    let has_data = ["<script", " data-"].iter().any(|mark| page.contains(mark));
    if shows || !has_data || !html::is_readable(page) {
        return;
    }
    let document = Html::parse_document(page);
    let records = records(&document, name);
    if records.is_empty() {
        if reading.articles.is_empty() {
            for (_, _, reason) in &mut reading.rejected {
                reason.push_str("; its scripts may show one: save it as a browser shows it, or its data as .json");
            }
        }
        return;
    }
    reading.rejected.clear();
    reading.is_page = true;
    let about = reading
        .articles
        .first()
        .map(|(_, article)| article.clone())
        .unwrap_or_default();
    for (_, article) in std::mem::take(&mut reading.articles) {
        reading.leave_out("prompt", article.text);
    }
    let only = records.len() == 1;
    let mut lost = Lost::default();
    for (place, record) in records.into_iter().enumerate() {
        let mut article = record.article;
        reading.left_out.extend(record.left_out);
        lost.add(None, record.lost);
        if only {
            let title = Some(about.title.clone()).filter(|title| !title.is_empty());
            if article.title.trim().is_empty() {
                article.title = title
                    .or_else(|| stated_title(&document))
                    .unwrap_or_else(|| name.to_string());
            }
            article.published = article.published.or(about.published);
            article.source = article.source.or_else(|| about.source.clone());
            article.url = article.url.or_else(|| about.url.clone());
        }
        reading.articles.push((place, article));
    }
    reading.noticed.extend(lost.said().map(|(_, said)| (0, said)));
}

/// The records of the script that says most in sentences.
fn records(document: &Html, name: &str) -> Vec<Record> {
    let Ok(scripts) = Selector::parse("script") else {
        return Vec::new();
    };
    let scripts = document.select(&scripts).flat_map(|script| {
        let said = script.text().collect::<String>();
        if script.attr("type") == Some("text/markdown") {
            vec![Value::Object(Map::from_iter([(
                "text".to_string(),
                Value::String(said),
            )]))]
        } else {
            values(&said)
        }
    });
    // Some programs leave their data in an attribute: `data-page`.
    let attributes = document.tree.values().filter_map(|node| node.as_element());
    let attributes = attributes
        .flat_map(|element| element.attrs())
        .filter(|(name, value)| name.starts_with("data-") && value.starts_with('{'));
    let found = scripts
        .chain(attributes.flat_map(|(_, value)| values(value)))
        .take(MAX_PLACES)
        .filter_map(|value| {
            let document = json::document(value, "script", name).ok()?;
            let records = document.records.into_iter().flatten();
            Some(
                records
                    .filter(|record| is_sentence(&record.article.text))
                    .collect::<Vec<_>>(),
            )
        });
    let says = |records: &Vec<Record>| records.iter().map(|record| record.article.text.len()).sum::<usize>();
    // The first of equals.
    found.fold(
        Vec::new(),
        |most, more| if says(&more) > says(&most) { more } else { most },
    )
}

/// What a page says that its title is.
fn stated_title(document: &Html) -> Option<String> {
    let title = Selector::parse("title").ok()?;
    let text: String = document.select(&title).next()?.text().collect();
    Some(text.trim().to_string()).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Reading {
        super::read(page, "文件")
    }

    #[test]
    fn a_page_that_shows_nothing_says_what_its_data_say() {
        let check = |page: &str, expected: &[(&str, &str)]| {
            let reading = read(page);
            let found: Vec<_> = reading
                .articles
                .iter()
                .map(|(_, a)| (a.title.as_str(), a.text.as_str()))
                .collect();
            assert_eq!(found, expected, "{page}");
            assert!(reading.rejected.is_empty());
        };
        let text = "可以选择职工医保或居民医保，不得重复参保。";
        check(
            &format!(
                r#"<title>怎么参保</title><div>加载中...</div><script id="__NEXT_DATA__" type="application/json">{{"props":{{"article":{{"title":"怎么参保","content":"<p>{text}</p>"}},"recommend":[{{"title":"别的","content":"{text}{text}"}}]}}}}</script>"#
            ),
            &[("怎么参保", text)],
        );
        check(
            &format!(
                r#"<title>怎么参保</title><script>var n=1;window.__STATE__={{"detail":{{"content":"{text}"}}}};f(function(){{}});</script>"#
            ),
            &[("怎么参保", text)],
        );
        check(
            &format!(
                r#"<script type="application/ld+json">{{"@type":"FAQPage","mainEntity":[{{"name":"甲？","acceptedAnswer":{{"text":"{text}"}}}},{{"name":"乙？","acceptedAnswer":{{"text":"不，{text}"}}}}]}}</script>"#
            ),
            &[("甲？", text), ("乙？", &format!("不，{text}"))],
        );
        for data in [
            format!(r#"<script>a=JSON.parse("{{\"content\":\"{text}\"}}")</script>"#),
            format!(r"<script>window.content_noencode='{text}';</script>"),
            format!(r#"<script type="text/markdown">{text}</script>"#),
            format!(r#"<div data-page="{{&quot;props&quot;:{{&quot;content&quot;:&quot;{text}&quot;}}}}"></div>"#),
        ] {
            check(
                &format!("<title>怎么参保</title><div>加载中...</div>{data}"),
                &[("怎么参保", text)],
            );
        }
        // A page that shows its article is read as it is shown.
        check(
            &format!(r#"<h1>怎么参保</h1><p>{text}</p><script>s={{"title":"别的","content":"{text}{text}"}}</script>"#),
            &[("怎么参保", text)],
        );
    }

    #[test]
    fn the_whole_text_stands_for_its_beginning() {
        let check = |body: &str, shown: &str, expected: &str, left: &str| {
            let page = format!(
                r#"<h1>怎么参保</h1><p>{shown}</p><p>登录后阅读全文</p><script type="application/ld+json">{{"@graph":[{{"articleBody":"{body}"}}]}}</script>"#
            );
            let reading = read(&page);
            assert_eq!(reading.articles[0].1.text, expected);
            let is_left = reading.left_out.iter().any(|left_out| left_out.text == left);
            assert!(is_left != left.is_empty(), "{:?}", reading.left_out);
        };
        let one = "可以选择职工医保或居民医保，不得重复参保。";
        let two = "灵活就业人员可以不受户籍限制参加职工医保。";
        check(
            &format!("{one}{two}{two}二。"),
            one,
            &format!("{one}{two}{two}二。"),
            "登录后阅读全文",
        );
        let shown = format!("{one}\n\n登录后阅读全文");
        check(&format!("{two}{two}{two}"), one, &shown, "");
        check(one, one, &shown, "");
    }

    #[test]
    fn what_cannot_be_read_of_the_data_is_said() {
        let page =
            r#"<script>s={"title":"怎么参保","publishTime":"近日","content":"可以选择职工医保或居民医保。"}</script>"#;
        let noticed = read(page).noticed;
        assert!(noticed.len() == 1 && noticed[0].1.contains("`近日`"), "{noticed:?}");
    }

    #[test]
    fn what_stood_in_the_place_of_the_text_is_left_out_by_name() {
        let page = r#"<h1>怎么参保</h1><p>加载中...</p><script>s={"title":"怎么参保","content":"可以选择职工医保或居民医保。"}</script>"#;
        let left = read(page).left_out;
        assert!(
            left.iter()
                .any(|left| left.reason == "prompt" && left.text.contains("加载中")),
            "{left:?}"
        );
        let reading = read("<title>怎么参保</title><script>load({a: 1})</script>");
        assert!(
            reading.rejected[0].2.contains("its scripts may show one"),
            "{:?}",
            reading.rejected
        );
    }
}
