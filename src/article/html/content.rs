//! Which part of a page is its article: what `<article>` or `<main>` holds, else the innermost block that holds nearly
//! all text that is no link.
//!
//! Judges by elements first and by the words in classes and ids second, and these only as long as they leave most of
//! the page standing.

use std::collections::HashMap;

use scraper::ElementRef;

use super::super::layout::Layout;
use super::render::render;
use super::{Step, walk, words};

/// From how many characters on a table's cell is a part of the page and not of a table.
const LAYOUT_CELL: usize = 300;

/// How many characters each element holds: all of them, and those outside links.
struct Sizes(HashMap<usize, (usize, usize)>);

impl Sizes {
    fn of(&self, element: ElementRef<'_>) -> (usize, usize) {
        self.0.get(&key(element)).copied().unwrap_or_default()
    }
}

/// What tells elements of one page apart: where they lie in memory, which does not change while the page is read.
fn key(element: ElementRef<'_>) -> usize {
    std::ptr::from_ref(element.value()).addr()
}

/// The text of the page's article in the convention, and its first heading of level 1.
pub(super) fn content(root: ElementRef<'_>) -> (String, Option<String>) {
    let whole = sizes(root, |element| is_furniture(element, false));
    let by_class = sizes(root, |element| is_furniture(element, true));
    // Where the words in classes would drop most of the page they do not mean what they mean elsewhere.
    let strict = by_class.of(root).1 * 4 >= whole.of(root).1;
    let sizes = if strict { by_class } else { whole };
    let size = |element: ElementRef<'_>| sizes.of(element).1;
    let mut marked: [(usize, Option<ElementRef<'_>>, usize); 2] = [(0, None, 0); 2];
    let mut body = root;
    walk(root, |step| {
        if let Step::Open(element) = step {
            let kind = match element.value().name() {
                "article" => 0,
                "main" => 1,
                _ if element.attr("role") == Some("main") => 1,
                "body" => {
                    body = element;
                    return true;
                }
                _ => return !is_furniture(element, strict),
            };
            let (largest, found, sum) = &mut marked[kind];
            *sum += size(element);
            if size(element) > *largest {
                (*largest, *found) = (size(element), Some(element));
            }
        }
        true
    });
    // Several articles of like size are a list of teasers, and none of them is the page's article.
    let chosen = marked
        .iter()
        .find_map(|&(largest, found, sum)| found.filter(|_| largest * 2 > sum));
    let chosen = chosen.unwrap_or_else(|| {
        let mut block = body;
        loop {
            let inner = block.child_elements().find(|&child| {
                is_container(child.value().name()) && size(child) * 20 >= size(block) * 17 && size(child) > 0
            });
            match inner {
                Some(inner) => block = inner,
                None => break block,
            }
        }
    });
    let mut layout = Layout::default();
    let large = |element: ElementRef<'_>| sizes.of(element).0 > LAYOUT_CELL;
    render(chosen, &mut layout, |element| is_furniture(element, strict), large);
    (layout.finish(), first_heading(root))
}

/// The words of the page's first `h1`, wherever it stands.
fn first_heading(root: ElementRef<'_>) -> Option<String> {
    let mut found = None;
    walk(root, |step| {
        if let Step::Open(element) = step
            && found.is_none()
            && element.value().name() == "h1"
        {
            found = Some(words(element)).filter(|words| !words.is_empty());
        }
        found.is_none()
    });
    found
}

/// Counts characters bottom-up in one walk.
fn sizes(root: ElementRef<'_>, skip: impl Fn(ElementRef<'_>) -> bool) -> Sizes {
    let mut sizes = HashMap::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut links = 0usize;
    walk(root, |step| {
        match step {
            Step::Open(element) => {
                if skip(element) {
                    return false;
                }
                links += usize::from(element.value().name() == "a");
                open.push((0, 0));
            }
            Step::Text(text) => {
                let count = text.chars().filter(|c| !c.is_whitespace()).count();
                if let Some((all, unlinked)) = open.last_mut() {
                    *all += count;
                    *unlinked += if links == 0 { count } else { 0 };
                }
            }
            Step::Close(element) => {
                links -= usize::from(element.value().name() == "a");
                if let Some((all, unlinked)) = open.pop() {
                    sizes.insert(key(element), (all, unlinked));
                    if let Some(parent) = open.last_mut() {
                        parent.0 += all;
                        parent.1 += unlinked;
                    }
                }
            }
        }
        true
    });
    Sizes(sizes)
}

/// Whether an element stands around the article; `by_class`: judged by its class and id too.
pub(super) fn is_furniture(element: ElementRef<'_>, by_class: bool) -> bool {
    let value = element.value();
    let name = value.name();
    if never_article(name) {
        return true;
    }
    if matches!(name, "html" | "body" | "article" | "main") {
        return false;
    }
    if value.attr("hidden").is_some() || value.attr("aria-hidden") == Some("true") {
        return true;
    }
    if value
        .attr("style")
        .is_some_and(|style| style.replace(' ', "").contains("display:none"))
    {
        return true;
    }
    let named = [value.attr("class"), value.attr("id")];
    let mut words = named
        .into_iter()
        .flatten()
        .flat_map(|names| names.split(|c: char| !c.is_ascii_alphanumeric()));
    by_class && words.any(|word| marks_furniture(&word.to_ascii_lowercase()))
}

/// Elements that are never part of an article.
fn never_article(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "nav"
            | "footer"
            | "aside"
            | "header"
            | "form"
            | "button"
            | "select"
            | "input"
            | "textarea"
            | "iframe"
            | "svg"
            | "canvas"
            | "dialog"
            | "head"
            | "rt"
            | "rp"
            | "video"
            | "audio"
            | "object"
    )
}

/// Words in a class or id that mark what stands around an article.
fn marks_furniture(word: &str) -> bool {
    matches!(
        word,
        "nav"
            | "navbar"
            | "breadcrumb"
            | "breadcrumbs"
            | "crumbs"
            | "sidebar"
            | "footer"
            | "share"
            | "comment"
            | "comments"
            | "related"
            | "recommend"
            | "copyright"
            | "advertisement"
            | "ad"
            | "ads"
            | "menu"
            | "toolbar"
            | "pagination"
            | "pager"
            | "login"
    )
}

/// Elements that hold blocks, so that the article may be one of their children.
fn is_container(name: &str) -> bool {
    matches!(
        name,
        "body" | "div" | "section" | "table" | "tbody" | "tr" | "td" | "center"
    )
}
