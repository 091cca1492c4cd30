//! One record to one article: which of its fields is what, what cannot be read, what is kept as it is.
//!
//! A record is an object of JSON or a row of a table; its texts are kept to the letter, but for lines that were broken
//! inside sentences and for the tags of HTML. Fields of no known name become the article's attributes, which are shown
//! and not searched. What cannot be read in one field costs that field. Knows nothing of files and lines, and leaves to
//! `fields` what a field is called, to `field_values` what single ones say, and to `texts` what is searched.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::Article;

use super::field_values::{bounded_text, day, kind, places, publisher, record_id, title};
use super::fields::{Role, take};
use super::folded::{lift, unwrap_typed};
use super::html;
use super::limits::{
    MAX_ATTRIBUTE_BYTES as MAX_ATTRIBUTE, MAX_ATTRIBUTES_BYTES as MAX_ATTRIBUTES, MAX_TEXT_BYTES as MAX_TEXT,
    MAX_TITLE_CHARS as MAX_TITLE, MAX_URL_BYTES as MAX_URL,
};
use super::reading::{LeftOut, doubt};
use super::record_question::{opening, question};
use super::texts::{kind_of, short, texts};

/// What one record gave.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The article.
    pub article: Article,
    /// Fields that could not be read: what is wrong with such fields, and the value, shortened. The first is the same
    /// for all records of which it is true, so that a file says it once.
    pub lost: Vec<(&'static str, String)>,
    /// What is no part of the article: reason and text.
    pub left_out: Vec<LeftOut>,
}

/// What fields of a file's records could not be read: how many of each kind, the first's line and value.
#[derive(Debug, Default)]
pub(super) struct Lost(BTreeMap<&'static str, (usize, Option<usize>, String)>);

impl Lost {
    pub fn add(&mut self, line: Option<usize>, lost: Vec<(&'static str, String)>) {
        for (what, value) in lost {
            self.0.entry(what).or_insert((0, line, value)).0 += 1;
        }
    }

    /// A sentence a kind, with the line of its first.
    pub fn said(self) -> impl Iterator<Item = (Option<usize>, String)> {
        self.0.into_iter().map(|(what, (count, line, value))| {
            let of = if count > 1 {
                format!(" (so in {count} records)")
            } else {
                String::new()
            };
            (line, format!("a {what}{of}: `{value}`"))
        })
    }
}

/// Most fields of a record: what each says takes time to find.
const MAX_FIELDS: usize = 10_000;

/// An article from a record, by what its fields are called. `id`: that of a record that brings none.
///
/// # Errors
/// Why it is none: no id, no text, or more text than an article may have.
pub(super) fn read_record(value: Value, id: Option<String>) -> Result<Record, String> {
    read(value, id, false)
}

/// The same of a row of a table, which tells its other columns beside the text itself.
pub(super) fn read_row(value: Value, id: Option<String>) -> Result<Record, String> {
    read(value, id, true)
}

fn read(value: Value, id: Option<String>, is_row: bool) -> Result<Record, String> {
    let Value::Object(mut fields) = value else {
        return Err(format!("is {}, not an object with `_id` and `text`", kind_of(&value)));
    };
    let mut read = Record::default();
    lift(&mut fields);
    unwrap_typed(&mut fields);
    if fields.len() > MAX_FIELDS {
        return Err(format!("has {} fields, at most {MAX_FIELDS} are read", fields.len()));
    }
    let id = record_id(&mut fields, id)?;
    let page = page(&mut fields, &mut read.left_out, &mut read.lost).unwrap_or_default();
    let (title, text) = title_and_text(&mut fields, &page.title, is_row, &mut read)?;
    let mut years = Vec::new();
    let published = day(&mut fields, &mut years, &mut read.lost);
    let kind = kind(&mut fields);
    let regions = places(&mut fields, &mut years, &mut read.lost);
    let url = take(&mut fields, Role::Url).and_then(|url| bounded_text(url, MAX_URL, &mut fields, &mut read.lost));
    let source = publisher(&mut fields, &mut read.lost);
    let attributes = attributes(fields, &mut read);
    read.article = Article {
        id,
        title,
        text,
        url: url.or(page.url),
        source: source.or(page.source),
        published: published.or(page.published),
        kind,
        regions,
        years,
        attributes,
        origin: None,
    };
    Ok(read)
}

/// A record's title and text; `page` is the title of the page in it, if there is one.
fn title_and_text(
    fields: &mut Map<String, Value>,
    page: &str,
    is_row: bool,
    read: &mut Record,
) -> Result<(String, String), String> {
    let (mut title, more) = title(fields, &mut read.lost);
    if title.trim().is_empty() {
        title = page.to_string();
    }
    let opening = opening(fields, title.trim().is_empty());
    if !opening.prompts.is_empty() {
        read.left_out.push(LeftOut {
            reason: "prompt",
            text: opening.prompts,
        });
    }
    title = opening.question.unwrap_or(title);
    if title.trim().is_empty() {
        title = question(fields, is_row).unwrap_or(title);
    }
    let mut text = texts(fields, !title.trim().is_empty(), is_row)?;
    if !more.is_empty() {
        text = format!("{more}\n\n{text}");
    }
    if title.chars().nth(MAX_TITLE).is_some() {
        // Nothing is lost: what is too long for a title is text.
        read.lost.push((
            "title is longer than 500 characters and was put into the text",
            short(&title),
        ));
        text = format!("{title}\n\n{text}");
        title.clear();
    }
    if text.len() > MAX_TEXT {
        return Err(too_long(text.len()));
    }
    Ok((title, text))
}

/// An article of a text within the bounds that hold for records too: a title that is too long becomes text.
///
/// # Errors
/// Why the article is refused, if its text is too long.
pub(super) fn bounded(mut article: Article, name: &str) -> Result<Article, String> {
    if article.title.chars().nth(MAX_TITLE).is_some() {
        let title = std::mem::replace(&mut article.title, name.to_string());
        article.text = format!("{title}\n\n{}", article.text);
    }
    if article.text.len() > MAX_TEXT {
        Err(too_long(article.text.len()))
    } else {
        Ok(article)
    }
}

/// The reason for which a text is refused that is too long.
fn too_long(bytes: usize) -> String {
    format!(
        "has {:.1} MiB of text, an article may have {}; cut it into several",
        bytes as f64 / (1 << 20) as f64,
        MAX_TEXT >> 20
    )
}

/// What a whole page in one of a record's fields says of itself; its text takes the field's place.
fn page(
    fields: &mut Map<String, Value>,
    left_out: &mut Vec<LeftOut>,
    lost: &mut Vec<(&'static str, String)>,
) -> Option<Article> {
    let is_page = |value: &&mut Value| value.as_str().is_some_and(html::looks_like_html);
    let value = fields.values_mut().find(is_page)?;
    let reading = html::read(value.as_str()?, "");
    let mut articles = reading.articles.into_iter().map(|(_, article)| article);
    let mut first = articles.next()?;
    let mut text = first.text.clone();
    for other in articles {
        text.push_str(&format!("\n\n{}\n\n{}", other.title, other.text));
    }
    *value = Value::String(text);
    lost.extend(doubt(&[(0, first.clone())], &reading.left_out).map(|doubt| ("page of which little was kept", doubt)));
    left_out.extend(reading.left_out);
    first.text.clear();
    Some(first)
}

/// What no name is known for, as it is.
fn attributes(fields: Map<String, Value>, read: &mut Record) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    let mut room = MAX_ATTRIBUTES;
    for (name, value) in fields {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        let size = name.len() + text.len();
        if size > MAX_ATTRIBUTE || size > room {
            let what = "field is too long to be kept as an attribute";
            read.lost.push((what, short(&name)));
            read.left_out.push(LeftOut {
                reason: "field",
                text: format!("{name}: {text}"),
            });
            continue;
        }
        room -= size;
        if !text.trim().is_empty() {
            kept.insert(name, text);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Record, String> {
        read_record(serde_json::from_str(json).unwrap(), None)
    }

    #[test]
    fn a_text_of_html_is_read_as_it_is_shown() {
        let check = |text: &str, expected: &str| {
            let json = serde_json::json!({ "ID": "a", "Title": "断缴", "Content": text });
            let article = read_record(json, None).unwrap().article;
            assert_eq!((article.id.as_str(), article.title.as_str()), ("a", "断缴"));
            assert_eq!(article.text, expected);
        };
        check(
            "<p>等待六个月。</p><P>比例高五个百分点。</P>&nbsp;<br>",
            "等待六个月。\n\n比例高五个百分点。",
        );
        check("第一行<br/>第二行", "第一行\n第二行");
        check("&lt;p&gt;等待。&lt;/p&gt;<p>复审。</p>", "等待。\n\n复审。");
        check(
            "&lt;p&gt;bmi&lt;bmi上限的，按标准体承保。&lt;/p&gt;",
            "bmi<bmi上限的，按标准体承保。",
        );
        check("年龄<60且>18的", "年龄<60且>18的");
        check("甲 &nbsp; 乙", "甲 &nbsp; 乙");
    }

    #[test]
    fn records_are_read_to_the_letter() {
        let line = r#"{"_id": "a1", "title": " 断缴 ", "text": " 第一行\n\n 第二行 ", "url": "https://example.org", "source": "社保网", "published": "2025-04-19 08:00", "other": [1], "kind": "faq", "empty": ""}"#;
        let article = read(line).unwrap().article;
        assert_eq!(article.id, "a1");
        assert_eq!(article.title, " 断缴 ");
        assert_eq!(article.text, " 第一行\n\n 第二行 ");
        assert_eq!(article.url.as_deref(), Some("https://example.org"));
        assert_eq!(article.source.as_deref(), Some("社保网"));
        assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
        let attributes: Vec<(&str, &str)> = article
            .attributes
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(attributes, [("kind", "faq"), ("other", "[1]")]);
        let article = read(r#"{"id": 7, "_id": null, "content": "x", "url": "", "date": null}"#)
            .unwrap()
            .article;
        assert_eq!(
            (article.id.as_str(), article.text.as_str(), article.title.as_str()),
            ("7", "x", "")
        );
        assert_eq!((article.url, article.published), (None, None));
        let article = read(r#"{"id": "w", "text": "产假结束后六\n个月内，申领生育津\n贴，逾期不再\n受理。"}"#)
            .unwrap()
            .article;
        assert_eq!(article.text, "产假结束后六个月内，申领生育津贴，逾期不再受理。");
        let article = read(r#"{"id": "q", "问题": "断缴几个月?", "答案": "三个月。", "省份": "浙江", "城市": "杭州、宁波", "年度": "2023—2024年"}"#)
            .unwrap()
            .article;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("断缴几个月?", "三个月。")
        );
        assert_eq!(article.regions, ["浙江", "杭州", "宁波"]);
        assert_eq!(article.years, [2023, 2024]);
    }

    #[test]
    fn what_sentences_are_about_is_searched_with_them() {
        let check = |json: &str, title: &str, text: &str| {
            let article = read(json).unwrap().article;
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, text), "{json}");
        };
        check(
            r#"{"id": 1, "机构": "城东医保所", "说明": "周末照常办公，中午不休息，可以代办。"}"#,
            "",
            "机构：城东医保所\n\n说明：周末照常办公，中午不休息，可以代办。",
        );
        check(
            r#"{"id": 2, "药品名称": "利伐沙班", "规格": "10mg", "适应症": "用于预防深静脉血栓，限治疗控制不良的患者。"}"#,
            "利伐沙班",
            "适应症：用于预防深静脉血栓，限治疗控制不良的患者。",
        );
        // Beside a text by name it says what that is about, unless it says only of which kind.
        check(
            r#"{"id": 3, "类别": "医保", "content": "中断以后可以补缴。"}"#,
            "",
            "中断以后可以补缴。",
        );
        check(
            r#"{"id": 5, "keyword": "断缴", "size": 7, "content": "中断以后可以补缴。"}"#,
            "",
            "keyword：断缴\n\n中断以后可以补缴。",
        );
        check(
            r#"{"id": 6, "相似问": "断缴怎么办", "content": "中断以后可以补缴。"}"#,
            "断缴怎么办",
            "中断以后可以补缴。",
        );
        check(
            r#"{"id": 4, "标准问": "断缴怎么办", "content": "中断以后可以补缴。"}"#,
            "断缴怎么办",
            "中断以后可以补缴。",
        );
    }

    #[test]
    fn texts_and_titles_inside_other_values_are_found() {
        let json = r#"{"id": 5, "title": {"rendered": "断缴"}, "content": {"rendered": "<p>等待六个月。</p>", "protected": false}}"#;
        let article = read(json).unwrap().article;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("断缴", "等待六个月。")
        );
        assert_eq!(article.attributes["content"], r#"{"protected":false}"#);
        let json =
            r#"{"id": 6, "question": "断缴？", "answers": [{"user": "a", "content": "补缴。"}], "category": ["医保"]}"#;
        let article = read(json).unwrap().article;
        assert_eq!((article.title.as_str(), article.text.as_str()), ("断缴？", "补缴。"));
        assert_eq!(article.attributes["answers"], r#"[{"user":"a"}]"#);
        assert_eq!(
            read(r#"{"id": 7, "title": "t", "summary": "摘要。"}"#)
                .unwrap()
                .article
                .text,
            "摘要。"
        );
    }

    #[test]
    fn a_bad_field_costs_the_field() {
        let check = |date: &str, expected: Option<&str>, lost: usize| {
            let record = read(&format!(r#"{{"_id": "a", "text": "x", "date": {date}}}"#)).unwrap();
            let found = record.article.published.map(|day| day.to_string());
            assert_eq!(found.as_deref(), expected, "{date}");
            assert_eq!(record.lost.len(), lost, "{date}: {:?}", record.lost);
        };
        check("\"2024年5月1日\"", Some("2024-05-01"), 0);
        check("20240501", Some("2024-05-01"), 0);
        check("1714521600", Some("2024-05-01"), 0);
        check("1714521600000", Some("2024-05-01"), 0);
        check("\"1714521600000\"", Some("2024-05-01"), 0);
        check("\"2024-05\"", None, 1);
        check("\"二〇二四年五月一日\"", Some("2024-05-01"), 0);
        check("\"\"", None, 0);
        check("\"Wed, 06 Nov 2024 10:00:00 +0800\"", Some("2024-11-06"), 0);
        check("\"6 November 2024\"", Some("2024-11-06"), 0);
        check("\"未知\"", None, 1);
        check("12", None, 1);
        check("[2024]", None, 1);
        check("true", None, 1);
        let record = read(r#"{"_id": "a", "text": "x", "year": "不详", "region": 5}"#).unwrap();
        assert_eq!(record.lost.len(), 2);
        assert_eq!(record.article.attributes["region"], "5");
        let record = read(r#"{"_id": "a", "text": "x", "title": ["t"]}"#).unwrap();
        assert_eq!((record.article.title.as_str(), record.lost.len()), ("", 1));
        assert_eq!(record.article.attributes["title"], "[\"t\"]");
        let long = "长".repeat(100_000);
        let record = read(&format!(
            r#"{{"_id": "a", "text": "x", "title": "{long}", "vector": "{}"}}"#,
            "v".repeat(100_000)
        ))
        .unwrap();
        assert_eq!(record.article.title, "");
        assert_eq!(record.article.text, format!("{long}\n\nx"));
        assert_eq!(record.lost.len(), 2);
    }

    #[test]
    fn a_record_says_more_than_its_texts() {
        let check = |json: &str, title: &str, text: &str| {
            let article = read(json).unwrap().article;
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, text), "{json}");
        };
        // A description is told where the text does not begin so.
        check(
            r#"{"id": 1, "title": "退保", "description": "投诉人要求全额退保。", "comments": [{"by": "甲", "text": "已调取录像。"}]}"#,
            "退保",
            "投诉人要求全额退保。\n\n已调取录像。",
        );
        // Paragraphs by a name that nobody knows, of which one is no sentence; but not the fields of things.
        check(
            r#"{"id": 1, "title": "年限", "para_list": [{"n": 1, "para_text": "男满二十五年、女满二十年，"}, {"n": 2, "para_text": "从今年起每年增加半年，逐步到位。"}]}"#,
            "年限",
            "男满二十五年、女满二十年，\n\n从今年起每年增加半年，逐步到位。",
        );
        check(
            r#"{"id": 1, "title": "附加", "riders": [{"label": "住院", "says": "住院期间按日给付津贴。"}, {"label": "门诊", "says": "无"}]}"#,
            "附加",
            "住院期间按日给付津贴。",
        );
        check(
            r#"{"id": 1, "title": "退保", "summary": "犹豫期内退保的全额退还…", "content": "犹豫期内退保的全额退还保费。"}"#,
            "退保",
            "犹豫期内退保的全额退还保费。",
        );
        check(
            r#"{"id": 1, "title": {"rendered": "怎么挑 &#8211; 三步&amp;走"}, "content": {"html": "<p>第一步看医疗保额。</p>", "text": "第一步看医疗保额。"}}"#,
            "怎么挑 – 三步&走",
            "第一步看医疗保额。",
        );
        check(
            r#"{"id": 1, "messages": [{"role": "user", "content": "能报吗？"}, {"role": "assistant", "content": "能。"}]}"#,
            "能报吗？",
            "能。",
        );
        let json = serde_json::json!({"id": 1, "raw_html": "<html><head><title>宽限期_寿险百科</title></head><body><div class=nav><a>首页</a></div><h1>宽限期</h1><p>六十日内出险照常赔付。</p><p>过后合同效力中止。</p></body></html>"});
        let record = read_record(json, None).unwrap();
        assert_eq!(
            (record.article.title.as_str(), record.article.text.as_str()),
            ("宽限期", "六十日内出险照常赔付。\n\n过后合同效力中止。")
        );
        assert!(
            record.left_out.iter().any(|left| left.text.contains("首页")),
            "{:?}",
            record.left_out
        );
    }

    #[test]
    fn what_is_too_long_for_a_publisher_is_kept_as_a_field() {
        let json = serde_json::json!({"id": 1, "text": "x", "source": "社".repeat(400)});
        let record = read_record(json, None).unwrap();
        assert_eq!((record.article.source, record.lost.len()), (None, 1));
        assert_eq!(record.article.attributes["source"].len(), 1_200);
    }

    #[test]
    fn bad_records_say_what_is_wrong() {
        let check = |line: &str, expected: &str| {
            let reason = read(line).unwrap_err();
            assert!(reason.contains(expected), "{line}: {reason}");
        };
        check("[1]", "is an array, not an object");
        check("7", "is a number");
        check(r#"{"text": "x"}"#, "has no `_id`");
        check(r#"{"_id": true, "text": "x"}"#, "`_id` is a truth value");
        check(r#"{"_id": " ", "text": "x"}"#, "has no `_id`");
        check(r#"{"_id": "a\nb", "text": "x"}"#, "control characters");
        check(r#"{"_id": "a"}"#, "has no `text`");
        check(r#"{"_id": "a", "size": "x"}"#, "but `size`");
        check(r#"{"_id": "a", "text": null}"#, "has no `text`");
        check(r#"{"_id": "a", "text": 5}"#, "`text` is a number, not a string");
        check(
            r#"{"_id": "a", "text": {"size": 5}}"#,
            "`text` is an object in which no text is known",
        );
        check(r#"{"_id": "a", "text": " \n"}"#, "`text` is empty");
        let long = "x".repeat(MAX_TEXT + 1);
        check(&format!(r#"{{"_id": "a", "text": "{long}"}}"#), "4.0 MiB of text");
    }
}
