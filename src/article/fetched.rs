//! Pages that a program fetched and wrote as Markdown, with what it knows of them above: lines of names and values up
//! to `Markdown Content:`.
//!
//! Only finds that head; the page below it is read as Markdown, and then as the web page that it is.

/// What the head calls the fields, and what front matter does.
const NAMES: [(&str, &str); 3] = [("title", "title"), ("url source", "url"), ("published time", "date")];
/// The line that ends it, and how many lines it has at most.
const END: &str = "markdown content:";
const MOST: usize = 16;

/// The head as front matter, as it is written, and the page below it.
pub(super) fn fetched(text: &str) -> Option<(String, &str, &str)> {
    let mut fields = String::new();
    let mut read = 0;
    for line in text.split_inclusive('\n').take(MOST) {
        let bare = line.trim().trim_start_matches('\u{feff}');
        read += line.len();
        if bare.to_ascii_lowercase().starts_with(END) {
            // The page may begin on this line.
            let page = read - line.len() + line.find(':').map_or(line.len(), |at| at + 1);
            return (!fields.is_empty()).then(|| (fields, text[..page].trim(), &text[page..]));
        }
        if bare.is_empty() {
            continue;
        }
        let (name, value) = bare.split_once(": ")?;
        let name = name.to_ascii_lowercase();
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ') {
            return None;
        }
        let name = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(name.as_str(), |(_, named)| named);
        fields.push_str(&format!("{name}: {}\n", value.trim()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::markdown;

    #[test]
    fn a_fetched_page_is_read_as_the_page_that_it_is() {
        let head = "Title: 企业年金能提前取吗_问答_某养网\n\nURL Source: https://example.org/qa/1\n\nPublished Time: 2024-04-11T09:30:00+08:00\n\nMarkdown Content:";
        let page = "[首页](/) [问答](/qa)\n\n# 企业年金能提前取吗\n\n时间：2024-04-11 来源：某养网\n\n企业年金不能随意提前支取，只有下面几种情形可以。\n\n* 完全丧失劳动能力；\n\n相关推荐\n\n* [个人养老金怎么开户](/2)\n";
        let reading = markdown::read(&format!("{head}\n{page}"), "文件");
        let article = &reading.articles[0].1;
        assert_eq!(article.title, "企业年金能提前取吗");
        assert_eq!(
            article.text,
            "企业年金不能随意提前支取，只有下面几种情形可以。\n\n- 完全丧失劳动能力；"
        );
        assert_eq!(article.published.unwrap().to_string(), "2024-04-11");
        assert_eq!(
            (article.url.as_deref(), article.source.as_deref()),
            (Some("https://example.org/qa/1"), Some("某养网"))
        );
        let left: String = reading
            .left_out
            .iter()
            .map(|left| left.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        for words in ["URL Source", "首页", "来源：某养网", "个人养老金怎么开户"] {
            assert!(left.contains(words), "{words} is not in {left}");
        }
        // A heading that says something else than the title is not lost, and is the title where there is no other.
        let page = "# 企业年金能提前取吗\n\n企业年金不能随意提前支取，只有下面几种情形可以。";
        let read = |head: &str| {
            let reading = markdown::read(
                &format!("{head}URL Source: https://e.org/1\n\nMarkdown Content:\n{page}"),
                "文件",
            );
            let article = reading.articles[0].1.clone();
            let left = reading.left_out.iter().any(|left| left.text.contains("能提前取吗"));
            (article.title, left || article.text.contains("能提前取吗"))
        };
        assert_eq!(read("").0, "企业年金能提前取吗");
        assert_eq!(read("Title: 某养网\n\n"), ("某养网".to_string(), true));
        // What is written so and is no such page stays.
        let text = "Title: 甲\n\n正文。";
        assert_eq!(markdown::read(text, "文件").articles[0].1.text, text);
    }
}
