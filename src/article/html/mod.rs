//! HTML: the article of a page, its title, date, publisher and address; menus, scripts and footers left out.
//!
//! `content` finds the article, `render` writes it in the convention of [`layout`](super::layout), `about` reads what
//! the page says of it. Only reads; never runs or loads anything. All walks are loops: a page may be nested deeper
//! than a stack is.

mod about;
mod class_words;
mod closing;
mod comments;
mod content;
mod copies;
mod credits;
mod data_rows;
mod dom;
mod embedded;
mod endings;
mod furniture;
mod guard;
mod headline;
mod imprint;
mod lines;
mod linked;
mod measure;
mod openers;
mod post_parts;
mod posts;
mod prompts;
mod published;
mod publisher;
mod render;
mod sections;
mod signs;
mod stated;
mod table;
mod unrendered;
mod whole_page;

use encoding_rs::Encoding;
use scraper::Html;

use super::layout::Layout;
use super::reading::Reading;
use super::why::Why;

use about::About;
use content::content;
use embedded::{unfold_hidden, unfold_shown};
use furniture::Furniture;
use measure::measure;
use signs::with_signs;
use unrendered::unrendered;

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
    let text = text.trim_start();
    if !text.starts_with('<') {
        return false;
    }
    let start: String = text.chars().take(100).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// Whether a page is none that nobody could read, such as one of elements nested without end.
pub(super) fn is_readable(text: &str) -> bool {
    guard::check(text).is_ok()
}

/// Reads a page; `name` is the title if it has none.
pub(super) fn read(text: &str, name: &str) -> Reading {
    if let Err(reason) = guard::check(text) {
        return Reading {
            rejected: vec![(0, Why::Page, reason)],
            ..Reading::default()
        };
    }
    let mut page = Html::parse_document(&with_signs(text));
    unfold_shown(&mut page);
    let reading = read_page(&page, name);
    if reading.articles.is_empty() && unfold_hidden(&mut page) {
        let shown = read_page(&page, name);
        if !shown.articles.is_empty() {
            return shown;
        }
    }
    reading
}

fn read_page(page: &Html, name: &str) -> Reading {
    let root = page.root_element();
    let mut lines = Vec::new();
    let measures = measure(root, |line| {
        if lines.len() < MAX_LINES {
            lines.push(line);
        }
    });
    let about = About::of(root);
    let (title, at) = about.title(&lines);
    let title = title.unwrap_or_else(|| name.to_string());
    let (published, written, source) = about.published(&lines, at);
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
    let mut reading = lines::read(&lines, &title, furniture.posts().any());
    for (reason, text) in left_out {
        reading.leave_out(reason, text);
    }
    for (reason, text) in unrendered(root) {
        reading.leave_out(reason, text);
    }
    // Lines of the rendered text are no lines of the file.
    for (line, ..) in &mut reading.rejected {
        *line = 0;
    }
    if let Some((0, article)) = reading.articles.first_mut() {
        article.published = published.or(article.published).or(written);
        article.source = source.or(article.source.take()).or(about.site);
        article.url = about.url;
    }
    reading
}

/// Reads the lines of a page that another program rendered, in the convention of [`layout`](super::layout).
pub(super) fn read_rendered(lines: &[&str], title: &str) -> Reading {
    lines::read(lines, title, false)
}

/// Adds the words of a piece of HTML inside Markdown; as it is written if no page is like it.
pub(super) fn push_fragment(text: &str, layout: &mut Layout) {
    if guard::check(text).is_err() {
        layout.push(text);
        return;
    }
    render::fragment(Html::parse_fragment(&with_signs(text)).root_element(), layout);
}

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
