//! HTML: the article of a page, its title, date, publisher and address; menus, scripts and footers left out.
//!
//! `content` finds the article, `render` writes it in the convention of [`layout`](super::layout), `about` reads what
//! the page says of it. Only reads; never runs or loads anything. All walks are loops: a page may be nested deeper
//! than a stack is.

mod about;
mod content;
mod credits;
mod dom;
mod furniture;
mod lines;
mod measure;
mod render;
mod table;

use std::collections::HashMap;

use encoding_rs::Encoding;
use scraper::Html;

use super::layout::Layout;
use super::reading::Reading;

use about::About;
use content::content;
use dom::is_unseen;
use furniture::Furniture;
use measure::measure;

/// How deep a page may be nested. The parser looks up through all open elements at every tag, so that a page of
/// nothing but opening tags would keep it busy for minutes; real pages stay below a hundred.
const MAX_DEPTH: usize = 2_000;

/// How many of a page's lines are looked at for its title and what is said of it.
const MAX_LINES: usize = 20_000;

/// The encoding that a page names in its first bytes.
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(4096)].to_ascii_lowercase();
    let at = head.windows(8).position(|window| window == b"charset=")? + 8;
    let label: Vec<u8> = head[at..]
        .iter()
        .copied()
        .skip_while(|byte| matches!(byte, b'"' | b'\'' | b' '))
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .collect();
    Encoding::for_label(&label)
}

/// Whether a text without a telling file name is HTML.
pub(super) fn looks_like_html(text: &str) -> bool {
    let start: String = text
        .trim_start()
        .chars()
        .take(100)
        .collect::<String>()
        .to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// Reads a page; `name` is the title if it has none.
pub(super) fn read(text: &str, name: &str) -> Reading {
    if depth(text) > MAX_DEPTH {
        let reason = format!("its elements are nested deeper than {MAX_DEPTH}");
        return Reading {
            rejected: vec![(0, reason)],
            ..Reading::default()
        };
    }
    let page = Html::parse_document(text);
    let root = page.root_element();
    let mut lines = Vec::new();
    let measures = measure(
        root,
        |element| is_unseen(element.value().name()),
        |line| {
            if lines.len() < MAX_LINES {
                lines.push(line);
            }
        },
    );
    let about = About::of(root);
    let (title, at) = about.title(&lines);
    let title = title.unwrap_or_else(|| name.to_string());
    let (published, source) = about.published(&lines, at);
    let heading = at.map(|at| lines[at].block);
    let mut furniture = Furniture::new(root, measures, heading);
    let article = content(root, &mut furniture, heading);
    let (mut body, mut left_out) = render::page(root, article, &furniture);
    if body.is_empty() {
        // A page of nothing but links is better than none.
        furniture.links = false;
        let article = content(root, &mut furniture, heading);
        (body, left_out) = render::page(root, article, &furniture);
    }
    let lines: Vec<&str> = body.split('\n').collect();
    let mut reading = lines::read(&lines, &title);
    for (reason, text) in left_out {
        reading.leave_out(reason, text);
    }
    // Lines of the rendered text are no lines of the file.
    for (line, _) in &mut reading.rejected {
        *line = 0;
    }
    if let Some((0, article)) = reading.articles.first_mut() {
        article.published = published.or(article.published);
        article.source = source.or(article.source.take()).or(about.site);
        article.url = about.url;
    }
    reading
}

/// How deep the tags of a text are nested at most. Rather too deep than too flat: a closing tag counts only if one of
/// its kind is open, and elements that end by themselves are not counted.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0usize, 0usize);
    let mut kinds: HashMap<String, usize> = HashMap::new();
    let mut inside_script: Option<String> = None;
    for tag in text.split('<').skip(1) {
        let closing = tag.starts_with('/');
        let name = tag.strip_prefix('/').unwrap_or(tag);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let name = name[..end].to_ascii_lowercase();
        // A script's `i<n` is no tag.
        if inside_script
            .as_ref()
            .is_some_and(|script| !(closing && *script == name))
        {
            continue;
        }
        inside_script = (!closing && matches!(name.as_str(), "script" | "style")).then(|| name.clone());
        if name.is_empty() || inside_script.is_some() || ends_by_itself(&name) {
            continue;
        }
        let kind = kinds.entry(name).or_default();
        if !closing {
            *kind += 1;
            open += 1;
        } else if *kind > 0 {
            *kind -= 1;
            open -= 1;
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn ends_by_itself(name: &str) -> bool {
    matches!(
        name,
        "p" | "li"
            | "br"
            | "img"
            | "hr"
            | "meta"
            | "link"
            | "input"
            | "td"
            | "th"
            | "tr"
            | "dt"
            | "dd"
            | "option"
            | "col"
            | "area"
            | "wbr"
            | "source"
            | "base"
    )
}

/// Adds the words of a piece of HTML inside Markdown; as it is written if it is nested too deeply to be any.
pub(super) fn push_fragment(text: &str, layout: &mut Layout) {
    if depth(text) > MAX_DEPTH {
        layout.push(text);
        return;
    }
    render::fragment(Html::parse_fragment(text).root_element(), layout);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Article, ArticleKind};

    fn article(text: &str) -> Article {
        let mut reading = read(text, "name");
        assert_eq!(
            (reading.rejected.as_slice(), reading.articles.len()),
            (&[][..], 1),
            "{text}"
        );
        reading.articles.remove(0).1
    }

    const PAGE: &str = r#"<!DOCTYPE html><html><head><meta charset="utf-8"><title>断缴怎么办_医保频道_某网</title>
        <meta property="article:published_time" content="2025-04-19T08:00:00+08:00"><meta name="source" content="市医保局">
        <link rel="canonical" href="https://example.org/a"><style>p { color: red }</style></head><body class="nav-open">
        <header><a href="/">首页</a></header><nav><ul><li>导航</li></ul></nav>
        <div class="wrap"><div class="breadcrumb">首页 &gt; 医保</div><div id="content">
        <h1>断缴怎么办</h1><p>三个月内
        补缴,&nbsp;<b>次月</b>恢复。</p>
        <h2>材料</h2><ul><li>身份证</li><li><p>社保卡</p><ol start="3"><li>原件</li></ol></li></ul>
        <table><tr><th>险种</th><th>个人</th></tr><tr><td><p>养老</p></td><td>8%</td></tr></table>
        <p style="display: none">藏着</p><script>var x = "脚本";</script><p>第一行<br>第二行</p></div>
        <div class="related">相关:<a href="x">别的文章</a></div></div><footer>版权所有</footer></body></html>"#;

    #[test]
    fn a_page_gives_its_article_and_what_is_known_of_it() {
        let article = article(PAGE);
        assert_eq!(article.title, "断缴怎么办");
        let expected = "三个月内补缴, 次月恢复。\n\n## 材料\n\n- 身份证\n- 社保卡\n  3. 原件\n\n险种 | 个人\n养老 | 8%\n\n第一行\n第二行";
        assert_eq!(article.text, expected);
        assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
        assert_eq!(article.source.as_deref(), Some("市医保局"));
        assert_eq!(article.url.as_deref(), Some("https://example.org/a"));
    }

    #[test]
    fn the_article_is_found() {
        let check = |text: &str, title: &str, body: &str| {
            let article = article(text);
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, body), "{text}");
        };
        check("<p>正文", "name", "正文");
        check("<title>某文 - 某网</title><body><p>正文", "某文 - 某网", "正文");
        check("<title>断缴怎么办 - 某网</title><body><p>正文", "断缴怎么办", "正文");
        check(
            "<body>边栏里的文字很长很长很长<article><h1>甲</h1><p>正文</article>",
            "甲",
            "正文",
        );
        check("<main><p>正文一</main><p>版权", "name", "正文一");
        check(
            "<article>甲</article><article>乙</article><article>丙</article>",
            "name",
            "甲\n\n乙\n\n丙",
        );
        // Where the classes would drop all of it, they mean something else.
        check(
            "<div class='comment'><p>整页的正文都在这里面</p></div>",
            "name",
            "整页的正文都在这里面",
        );
        check("<pre>a  b\n  c</pre>", "name", "a  b\n  c");
        check("<ul><li></ul><p>正文", "name", "正文");
        let cell = "一整栏正文。".repeat(60);
        check(
            &format!("<table><tr><td>栏<td><p>{cell}<p>末段</table>"),
            "name",
            &format!("{cell}\n\n末段"),
        );
    }

    #[test]
    fn a_list_of_related_entries_is_read_as_in_a_text() {
        let page = "<title>主文标题</title><p>主文。</p><p>提示:本内容不能代替面诊</p><div>相关推荐</div><div><p>甲</p><p>甲的摘要</p><p>健康新闻 2025-04-19</p></div>";
        let reading = read(page, "name");
        assert!(reading.is_page);
        assert_eq!(reading.articles.len(), 2);
        assert_eq!(reading.articles[0].1.text, "主文。");
        assert_eq!(
            (reading.articles[1].1.title.as_str(), reading.articles[1].1.kind),
            ("甲", ArticleKind::Summary)
        );
    }

    #[test]
    fn the_charset_is_read() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                declared_encoding(text.as_bytes()).map(Encoding::name),
                expected,
                "{text}"
            );
        };
        check("<meta charset=\"gb2312\">", Some("GBK"));
        check(
            "<META http-equiv=Content-Type content='text/html; CHARSET=big5'>",
            Some("Big5"),
        );
        check("<meta charset=nonsense>", None);
        check("<p>", None);
    }

    #[test]
    fn depth_is_not_underrated() {
        let check = |text: &str, expected: usize| assert_eq!(depth(text), expected, "{text}");
        check("<div><p>a<p>b<br><span>c</span></div>", 2);
        check("<b></i><b></i><b></i>", 3);
        check("<script>for (i=0;i<n;i++) a<b</script><style>a<b</style><i>x", 1);
        check("1 < 2", 0);
    }

    proptest! {
        #[test]
        fn any_page_is_survived(text in "(<(/)?(div|p|li|ul|ol|table|tr|td|h1|a|article|pre|b)>|文字|\n| ){0,40}|\\PC{0,60}") {
            read(&text, "name");
        }
    }
}
