//! Which part of a page is its article.
//!
//! What `<article>` or `<main>` holds, if that is most of the page's prose; else what the heading that the title
//! begins with and the largest block of prose lie in together; else the innermost block that holds nearly all prose.

use scraper::ElementRef;

use super::dom::{Elements, Step, holds_blocks, is_unseen, key, walk};
use super::furniture::Furniture;
use super::measure::Measures;
use super::table::Table;

/// How many children of a block are looked at for sentences of its own.
const CHILDREN: usize = 64;

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
    choose(root, furniture, &measures, title)
}

fn choose<'a>(
    root: ElementRef<'a>,
    furniture: &Furniture,
    measures: &Measures,
    title: Option<ElementRef<'a>>,
) -> ElementRef<'a> {
    let weight = |element: ElementRef<'_>| furniture.weight(measures.of(element));
    let total = weight(root);
    // The largest of each kind, and what those of the kind hold together.
    let mut marked: [(usize, Option<ElementRef<'a>>, usize); 2] = [(0, None, 0); 2];
    let mut largest: (usize, Option<ElementRef<'a>>) = (0, None);
    let mut body = root;
    walk(root, |step| {
        if let Step::Open(element) = step {
            if is_unseen(element.value().name()) || furniture.reason(element).is_some() {
                return false;
            }
            let own = measures.of(element).own;
            if own > largest.0 {
                largest = (own, Some(element));
            }
            let kind = match element.value().name() {
                "article" => 0,
                "main" => 1,
                _ if element.attr("role") == Some("main") => 1,
                "body" => {
                    body = element;
                    return true;
                }
                _ => return true,
            };
            let (largest, found, sum) = &mut marked[kind];
            *sum += weight(element);
            if weight(element) > *largest {
                (*largest, *found) = (weight(element), Some(element));
            }
        }
        true
    });
    // Several articles of like size are a list of teasers, and none of them is the page's article. On a page without
    // prose the mark is all there is to go by.
    let within = |&(found, element, sum): &(usize, Option<ElementRef<'a>>, usize)| {
        element.filter(|_| found * 2 > if measures.of(root).prose > 0 { total } else { sum })
    };
    if let Some(article) = within(&marked[0]) {
        return article;
    }
    let outer = within(&marked[1]).unwrap_or(body);
    if let (Some(title), Some(largest)) = (title, largest.1)
        && let Some(both) = above_both(title, largest)
        && weight(both) * 2 > total
        && both.value().name() != "html"
    {
        return both;
    }
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
