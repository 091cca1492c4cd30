//! What a page's scripts hold where the page itself shows nothing: the record that a program of the browser would show.
//!
//! Only looks at data that is JSON, whatever it is called (`__NEXT_DATA__`, `__INITIAL_STATE__`, linked data); runs no
//! script. What is a record in it is for `shapes`, as in a file of JSON.

use scraper::{Html, Selector};
use serde_json::Value;

use crate::model::Article;

use super::html;
use super::json;
use super::reading::Reading;
use super::record::{Lost, Record};
use super::said::is_sentence;

/// How many characters a page shows at most that waits for its scripts.
const MAX_SHOWN: usize = 60;
/// At how many places of a page data is looked for.
const MAX_PLACES: usize = 200;

/// Reads a page as it is shown, or by the data of its scripts where it shows nothing; `name` is the title if it has
/// none.
pub(super) fn read(page: &str, name: &str) -> Reading {
    let mut reading = html::read(page, name);
    fill(&mut reading, page, name);
    reading
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
    if shows || !page.contains("<script") || !html::is_readable(page) {
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
    let scripts = document
        .select(&scripts)
        .map(|script| script.text().collect::<String>());
    let found = scripts
        .flat_map(|script| values(&script))
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

/// The data in a script: all of it, or what is given to a name.
fn values(script: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let mut rest = script.trim_start();
    for _ in 0..MAX_PLACES {
        if let Some((end, value)) = rest
            .starts_with(['{', '['])
            .then(|| json::values(rest).next())
            .flatten()
        {
            values.push(value);
            rest = &rest[end..];
        }
        // Nothing else of a script is data.
        let Some((_, behind)) = rest.split_once('=') else { break };
        rest = behind.trim_start();
    }
    values
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
        // A page that shows its article is read as it is shown.
        check(
            &format!(r#"<h1>怎么参保</h1><p>{text}</p><script>s={{"title":"别的","content":"{text}{text}"}}</script>"#),
            &[("怎么参保", text)],
        );
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
