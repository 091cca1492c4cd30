//! Which part of a page is its article.
//!
//! What `<article>` or `<main>` holds, if that is most of the page's prose; else what the heading that the title
//! begins with and the largest block of prose lie in together; else the innermost block that holds nearly all prose.
//! Then what stands beside that and is no furniture: sections, answers, tables.

use scraper::ElementRef;

use super::dom::{Elements, Step, holds_blocks, is_alike, is_heading, is_unseen, key, walk};
use super::furniture::Furniture;
use super::measure::{Measure, Measures};
use super::table::Table;

/// How many children of a block are looked at for sentences of its own.
const CHILDREN: usize = 64;
/// The longest notice of a site to its readers, in characters.
const NOTICE: usize = 100;

/// Which part of a page is its article, and its measures without furniture.
pub(super) fn content<'a>(
    root: ElementRef<'a>,
    furniture: &mut Furniture,
    title: Option<ElementRef<'a>>,
) -> ElementRef<'a> {
    let kept = |furniture: &Furniture| {
        furniture
            .measures()
            .without(root, |element| furniture.reason(element).is_some())
    };
    let mut measures = kept(furniture);
    // Where the words in classes would drop most of the page they do not mean what they mean elsewhere.
    if !furniture.keeps_most(measures.of(root), None) {
        furniture.by_class = false;
        let whole = kept(furniture);
        furniture.by_class = furniture.keeps_most(measures.of(root), Some(whole.of(root)));
        if !furniture.by_class {
            measures = whole;
        }
    }
    let chosen = choose(root, furniture, &measures, title);
    with_neighbours(chosen, furniture, &measures)
}

/// The outermost element around an article that adds more to it than furniture: other sections, answers, tables. What
/// stands above the title, or outside `<main>`, is none of it.
fn with_neighbours<'a>(article: ElementRef<'a>, furniture: &Furniture, measures: &Measures) -> ElementRef<'a> {
    let (mut taken, mut inner, mut around) = (article, article, 0);
    while !is_main(inner)
        && let Some(outer) = inner.parent().and_then(ElementRef::wrap)
        && outer.value().name() != "html"
    {
        let (mut said, mut below) = (0, !furniture.holds_title(inner));
        for near in outer.child_elements() {
            if near == inner {
                below = true;
                continue;
            }
            let measure = measures.of(near);
            if measure.all == 0 || is_unseen(near.value().name()) || furniture.reason(near).is_some() {
                continue;
            }
            if below && says(near, inner, measure, furniture) {
                said += measure.all;
            } else {
                around += measure.all;
            }
        }
        around += loose(outer);
        if said > around {
            (taken, around) = (outer, 0);
        }
        inner = outer;
    }
    taken
}

fn is_main(element: ElementRef<'_>) -> bool {
    element.value().name() == "main" || element.attr("role") == Some("main")
}

/// How many characters of an element stand in none of its children.
fn loose(element: ElementRef<'_>) -> usize {
    let texts = element
        .children()
        .take(CHILDREN)
        .filter_map(|child| child.value().as_text());
    texts
        .map(|text| text.chars().filter(|c| !c.is_whitespace()).count())
        .sum()
}

/// What a site says to its readers, in whole sentences.
const OF_SITE: [&str; 14] = [
    "cookie",
    "本站",
    "本网站",
    "登录",
    "app",
    "邮箱地址",
    "必填项",
    "服务协议",
    "用户协议",
    "隐私",
    "版权",
    "客户端",
    "浏览器",
    "二维码",
];

/// Whether a block beside an article says something of its own: mostly no links, and half of it sentences, a table, or
/// the lists of a section like the article's.
fn says(block: ElementRef<'_>, beside: ElementRef<'_>, measure: Measure, furniture: &Furniture) -> bool {
    if measure.linked * 3 > measure.all {
        return false;
    }
    let alike = beside.attr("class").is_some() && is_alike(beside, block);
    let (mut told, mut lists, mut headed, mut of_site) = (0, 0usize, false, false);
    walk(block, |step| {
        match step {
            Step::Open(element) => {
                let name = element.value().name();
                if is_unseen(name) || name == "form" || furniture.reason(element).is_some() {
                    return false;
                }
                headed |= is_heading(name);
                lists += usize::from(matches!(name, "ul" | "ol" | "dl"));
                if name == "table"
                    && Table::of(element, |cell| furniture.is_most(cell)).is_some_and(|table| table.rows.len() > 1)
                {
                    told += furniture.measures().of(element).all;
                    headed = true;
                    return false;
                }
            }
            Step::Close(element) => {
                lists -= usize::from(matches!(element.value().name(), "ul" | "ol" | "dl")).min(lists)
            }
            Step::Text(text) if text.contains(['。', '？', '！']) || (alike && lists > 0) => {
                told += text.chars().filter(|c| !c.is_whitespace()).count();
                let text = text.to_lowercase();
                of_site |= OF_SITE.iter().any(|word| text.contains(word));
            }
            Step::Text(_) => {}
        }
        true
    });
    told * 2 >= measure.all && told > 0 && (headed || told >= NOTICE || !of_site)
}

fn choose<'a>(
    root: ElementRef<'a>,
    furniture: &Furniture,
    measures: &Measures,
    title: Option<ElementRef<'a>>,
) -> ElementRef<'a> {
    let weight = |element: ElementRef<'_>| furniture.weight(measures.of(element));
    let total = weight(root);
    let parts = Parts::of(root, furniture, measures);
    // Several articles of like size are a list of teasers, and none of them is the page's article. On a page without
    // prose the mark is all there is to go by.
    let within = |marked: &Marked<'a>| {
        let whole = if measures.of(root).prose > 0 { total } else { marked.sum };
        marked.largest.filter(|_| marked.weight * 2 > whole)
    };
    if let Some(article) = within(&parts.articles) {
        return article;
    }
    let outer = within(&parts.mains).unwrap_or(parts.body);
    if let (Some(title), Some(largest)) = (title, parts.largest)
        && let Some(both) = above_both(title, largest)
        && weight(both) * 2 > total
        && both.value().name() != "html"
    {
        return both;
    }
    innermost(outer, furniture, weight)
}

/// Elements of one kind: the largest with its weight, and what all of them hold.
#[derive(Default)]
struct Marked<'a> {
    weight: usize,
    largest: Option<ElementRef<'a>>,
    sum: usize,
}

/// The parts of a page among which its article is looked for.
struct Parts<'a> {
    body: ElementRef<'a>,
    articles: Marked<'a>,
    mains: Marked<'a>,
    /// The block with most prose in paragraphs of its own.
    largest: Option<ElementRef<'a>>,
}

impl<'a> Parts<'a> {
    fn of(root: ElementRef<'a>, furniture: &Furniture, measures: &Measures) -> Self {
        let mut parts = Parts {
            body: root,
            articles: Marked::default(),
            mains: Marked::default(),
            largest: None,
        };
        let mut most = 0;
        walk(root, |step| {
            if let Step::Open(element) = step {
                if is_unseen(element.value().name()) || furniture.reason(element).is_some() {
                    return false;
                }
                let own = measures.of(element).own;
                if own > most {
                    (most, parts.largest) = (own, Some(element));
                }
                let marked = match element.value().name() {
                    "article" => &mut parts.articles,
                    "main" => &mut parts.mains,
                    _ if element.attr("role") == Some("main") => &mut parts.mains,
                    "body" => {
                        parts.body = element;
                        return true;
                    }
                    _ => return true,
                };
                let weight = furniture.weight(measures.of(element));
                marked.sum += weight;
                if weight > marked.weight {
                    (marked.weight, marked.largest) = (weight, Some(element));
                }
            }
            true
        });
        parts
    }
}

/// The innermost block in another that holds nearly all of its prose.
fn innermost<'a>(
    outer: ElementRef<'a>,
    furniture: &Furniture,
    weight: impl Fn(ElementRef<'_>) -> usize,
) -> ElementRef<'a> {
    let mut block = outer;
    // A block with sentences of its own is more than a frame.
    let says = |block: ElementRef<'a>| {
        let texts = block
            .children()
            .take(CHILDREN)
            .filter_map(|child| child.value().as_text());
        texts.into_iter().any(|text| text.contains('。'))
    };
    // Names of tabs lie beside what they open.
    let names = |block: ElementRef<'a>| block.child_elements().any(|child| furniture.opens(child));
    while let Some(inner) = block.child_elements().find(|&child| {
        holds_blocks(child.value().name())
            && weight(child) * 20 >= weight(block) * 17
            && weight(child) > 0
            // A table of data is read as one, with what stands above it.
            && !(child.value().name() == "table" && Table::of(child, |cell| furniture.is_most(cell)).is_some())
    }) {
        if says(block) || (names(block) && !furniture.opens(inner)) {
            break;
        }
        block = inner;
    }
    block
}

/// The innermost element that two lie in.
fn above_both<'a>(one: ElementRef<'a>, other: ElementRef<'a>) -> Option<ElementRef<'a>> {
    let path: Elements = std::iter::once(one)
        .chain(one.ancestors().filter_map(ElementRef::wrap))
        .map(key)
        .collect();
    std::iter::once(other)
        .chain(other.ancestors().filter_map(ElementRef::wrap))
        .find(|above| path.contains(&key(*above)))
}
