//! Markdown: its structure kept in the convention of [`layout`](super::layout), its marks and links gone.
//!
//! Front matter is read as plain `key: value` lines (title, date, source, url); it is no YAML reader. Strikethrough is
//! off on purpose: Chinese writes ranges as `1~3个月`, and two of these would swallow each other's tildes.

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd, TextMergeStream};

use crate::model::Article;

use super::byline::find_date;
use super::html;
use super::layout::{COLONS, Layout};

/// Reads a Markdown text; the title is that of the front matter, else the first heading of level 1, else `name`.
pub(super) fn read(text: &str, name: &str) -> Article {
    let mut article = Article::default();
    let mut layout = Layout::default();
    let (mut metadata, mut raw_html) = (String::new(), String::new());
    let (mut in_metadata, mut in_code) = (false, false);
    // The first heading of level 1: its words, whether it is being read, and whether it opens the text.
    let mut first: Option<String> = None;
    let mut in_title = false;
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut events = TextMergeStream::new(Parser::new_ext(text, options)).peekable();
    while let Some(event) = events.next() {
        match event {
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => in_metadata = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_metadata = false,
            Event::Text(text) if in_metadata => metadata.push_str(&text),
            Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            }) if first.is_none() && layout.is_empty() => {
                in_title = true;
                first = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) if in_title => in_title = false,
            Event::Text(text) | Event::Code(text) if in_title => {
                first.get_or_insert_default().push_str(&text.replace("**", ""));
            }
            _ if in_title => {}
            Event::Start(Tag::Heading { level, .. }) => layout.heading(level as usize),
            Event::Start(Tag::List(number)) => layout.list(number.map(Into::into)),
            Event::End(TagEnd::List(_)) => layout.end_list(),
            Event::Start(Tag::Item) => layout.item(None),
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => {
                in_code = false;
                layout.end_block();
            }
            Event::Start(Tag::TableCell) => layout.cell(),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => layout.end_line(),
            Event::End(TagEnd::Heading(_) | TagEnd::Item) => layout.end_marked(),
            Event::End(TagEnd::Paragraph | TagEnd::Table | TagEnd::BlockQuote(_)) => layout.end_block(),
            Event::Text(text) if in_code => layout.push_verbatim(&text),
            // Emphasis next to Han characters is often not recognised as such and would leave its marks behind.
            Event::Text(text) => layout.push(&text.replace("**", "")),
            Event::Code(text) => layout.push(&text),
            Event::SoftBreak => layout.push("\n"),
            Event::HardBreak => layout.end_line(),
            Event::Html(text) => {
                raw_html.push_str(&text);
                if !matches!(events.peek(), Some(Event::Html(_))) {
                    html::push_fragment(&std::mem::take(&mut raw_html), &mut layout);
                    layout.end_block();
                }
            }
            Event::InlineHtml(tag) if tag.trim_start_matches('<').to_ascii_lowercase().starts_with("br") => {
                layout.end_line()
            }
            _ => {}
        }
    }
    article.text = layout.finish();
    front_matter(&metadata, &mut article);
    match first
        .map(|heading| heading.trim().to_string())
        .filter(|heading| !heading.is_empty())
    {
        Some(heading) if article.title.is_empty() => article.title = heading,
        // A heading that says something else than the front matter is part of what the article says.
        Some(heading) if heading != article.title => article.text = format!("# {heading}\n\n{}", article.text),
        _ => {}
    }
    if article.title.is_empty() {
        article.title = first_heading(&article.text).unwrap_or(name).to_string();
    }
    article
}

/// The first heading of level 1 inside a text that does not open with one.
fn first_heading(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("# "))
}

fn front_matter(metadata: &str, article: &mut Article) {
    for line in metadata.lines() {
        let Some((key, value)) = line.split_once(COLONS) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']).trim();
        if value.is_empty() {
            continue;
        }
        match key.trim().to_ascii_lowercase().as_str() {
            "title" => article.title = value.to_string(),
            "date" | "published" => article.published = find_date(value),
            "source" => article.source = Some(value.to_string()),
            "url" => article.url = Some(value.to_string()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn structure_stays_and_marks_go() {
        let text = "---\ntitle: \"断缴怎么办\"\ndate: 2025-04-19\nsource: 保问示例\nurl: https://example.org/a:b\n---\n\n\
            开头一段,见[官网](https://example.org)。\n第二行**重点:**在此,1~3个月或4~6个月。\n\n## 影响\n\n1. 停报销\n2. 算年限\n   - 连续年限\n   - 累计年限\n\n\
            | 险种 | 个人 |\n|---|---|\n| 养老 | 8% |\n| 医疗 | 2% |\n\n<div>提<b>示</b></div>\n\n> 引文\n\n```\na  b\n  c\n```\n";
        let article = read(text, "name");
        assert_eq!(article.title, "断缴怎么办");
        assert_eq!(article.source.as_deref(), Some("保问示例"));
        assert_eq!(article.url.as_deref(), Some("https://example.org/a:b"));
        assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
        let expected = "开头一段,见官网。第二行重点:在此,1~3个月或4~6个月。\n\n## 影响\n\n1. 停报销\n2. 算年限\n  - 连续年限\n  - 累计年限\n\n\
            险种 | 个人\n养老 | 8%\n医疗 | 2%\n\n提示\n\n引文\n\na  b\n  c";
        assert_eq!(article.text, expected);
    }

    #[test]
    fn the_title_is_found() {
        let check = |text: &str, title: &str, body: &str| {
            let article = read(text, "name");
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, body), "{text}");
        };
        check("# 甲\n\n乙", "甲", "乙");
        check("乙", "name", "乙");
        check("乙\n\n# 甲\n\n丙", "甲", "乙\n\n# 甲\n\n丙");
        check("---\ntitle: 甲\n---\n# 甲\n乙", "甲", "乙");
        check("---\ntitle: 甲\n---\n# 丁\n乙", "甲", "# 丁\n\n乙");
        check("# 甲 `乙` [丙](x)\n丁", "甲 乙 丙", "丁");
        check("", "name", "");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[-#*>|`~<a/>\\[\\]()!:\n 1.甲乙]{0,80}|\\PC{0,80}") {
            read(&text, "name");
        }
    }
}
