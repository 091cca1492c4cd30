//! Going through a parsed page: one walk for all readers, and what HTML itself says of elements by their names.
//!
//! All walks are loops: a page may be nested deeper than a stack is.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use scraper::ElementRef;

/// One step of a walk through a page, in the order of the text.
pub(super) enum Step<'a> {
    Open(ElementRef<'a>),
    Text(&'a str),
    Close(ElementRef<'a>),
}

/// Goes through a subtree in the order of the text; `visit` answers an opened element with whether to go into it. An
/// element that is not gone into is not closed either.
pub(super) fn walk<'a>(root: ElementRef<'a>, mut visit: impl FnMut(Step<'a>) -> bool) {
    let mut node = *root;
    loop {
        let entered = match ElementRef::wrap(node) {
            Some(element) => visit(Step::Open(element)),
            None => {
                if let Some(text) = node.value().as_text() {
                    visit(Step::Text(text));
                }
                false
            }
        };
        if entered && let Some(child) = node.first_child() {
            node = child;
            continue;
        }
        let mut close = entered;
        loop {
            if let Some(element) = ElementRef::wrap(node).filter(|_| close) {
                visit(Step::Close(element));
            }
            if node.id() == root.id() {
                return;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return };
            node = parent;
            close = true;
        }
    }
}

/// What tells elements of one page apart: where they lie in memory, which does not change while the page is read.
pub(super) fn key(element: ElementRef<'_>) -> usize {
    std::ptr::from_ref(element.value()).addr()
}

/// An element's words on one line, at most a few hundred characters of them.
pub(super) fn words(element: ElementRef<'_>) -> String {
    // Neither the text nor the elements without any are gone through to their end: both may be very many.
    let texts = element
        .descendants()
        .take(2_000)
        .filter_map(|node| node.value().as_text().map(|text| &**text));
    let text: String = texts.flat_map(str::chars).take(400).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether nothing of an element is ever shown.
pub(super) fn is_unseen(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "noscript" | "template" | "head" | "title" | "noframes" | "iframe"
    )
}

/// Whether this is a heading's name.
pub(super) fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Elements that hold blocks, so that the article may be one of them.
pub(super) fn holds_blocks(name: &str) -> bool {
    matches!(
        name,
        "html"
            | "body"
            | "div"
            | "section"
            | "article"
            | "main"
            | "table"
            | "tbody"
            | "tr"
            | "td"
            | "center"
            | "form"
            | "fieldset"
            | "aside"
            | "header"
            | "footer"
            | "nav"
    )
}

/// Elements that begin and end a line.
pub(super) fn is_block(name: &str) -> bool {
    is_heading(name)
        || holds_blocks(name)
        || matches!(
            name,
            "p" | "blockquote"
                | "figure"
                | "figcaption"
                | "dl"
                | "dt"
                | "dd"
                | "address"
                | "details"
                | "summary"
                | "caption"
                | "thead"
                | "tfoot"
                | "th"
                | "hr"
                | "pre"
                | "ul"
                | "ol"
                | "li"
                | "menu"
                | "br"
                | "legend"
                | "option"
                | "textarea"
        )
}

/// Whether the page hides an element until something opens it.
pub(super) fn is_hidden(element: ElementRef<'_>) -> bool {
    let styled = |style: &str| {
        let plain: String = style.chars().take(2_000).filter(|c| !c.is_whitespace()).collect();
        let plain = plain.to_ascii_lowercase();
        plain.contains("display:none") || plain.contains("visibility:hidden")
    };
    // Gone through once: looking an attribute up by its name costs more than the few that an element has.
    element.value().attrs().any(|(name, value)| match name {
        "hidden" => true,
        "aria-hidden" => value == "true",
        "style" => styled(value),
        _ => false,
    })
}

/// The longest word or value of a row that a page sets by its style, in characters.
const MAX_WORD: usize = 40;

/// Whether an element is shown apart from the one right before it though no white space is between them: both are
/// short, of one kind and nothing else is in their block, as the words of a row are.
pub(super) fn stands_apart(element: ElementRef<'_>) -> bool {
    let name = element.value().name();
    if !matches!(name, "span" | "a" | "i" | "em" | "b" | "label" | "strong") {
        return false;
    }
    let Some(before) = element.prev_sibling().and_then(ElementRef::wrap) else {
        return false;
    };
    let row = element
        .parent()
        .and_then(ElementRef::wrap)
        .filter(|row| matches!(row.value().name(), "div" | "header" | "footer"));
    // Programs for writing style pieces of sentences.
    let word = |element: ElementRef<'_>| {
        let parts = || element.descendants().take(MAX_WORD + 1);
        let texts = || parts().filter_map(|node| node.value().as_text());
        element.attr("style").is_none()
            && parts().count() <= MAX_WORD
            && (1..=MAX_WORD).contains(&texts().map(|text| text.chars().count()).sum())
            && !texts().any(|text| text.contains(['。', '，']))
    };
    before.value().name() == name
        && word(before)
        && word(element)
        && row.is_some_and(|row| {
            row.children().take(64).all(|child| match ElementRef::wrap(child) {
                Some(child) => child.value().name() == name,
                None => child.value().as_text().is_none_or(|text| text.trim().is_empty()),
            })
        })
}

/// Whether two elements have one name and one class.
pub(super) fn is_alike(one: ElementRef<'_>, other: ElementRef<'_>) -> bool {
    one.value().name() == other.value().name() && one.attr("class") == other.attr("class")
}

/// The most classes of an element that are compared with those of another.
const MAX_CLASSES: usize = 64;

/// Whether two elements have a class in common.
pub(super) fn share_class(one: ElementRef<'_>, other: ElementRef<'_>) -> bool {
    let is_of_other = |class| other.value().classes().take(MAX_CLASSES).any(|name| name == class);
    one.value().classes().take(MAX_CLASSES).any(is_of_other)
}

/// The words in an element's class and id.
pub(super) fn marks(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    let named = element
        .value()
        .attrs()
        .filter(|(name, _)| matches!(*name, "class" | "id"));
    named
        .flat_map(|(_, names)| names.split(|c: char| !c.is_ascii_alphanumeric()))
        .take(64)
}

/// A map of elements by their [`key`].
pub(super) type ByElement<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;
/// A set of elements by their [`key`].
pub(super) type Elements = HashSet<usize, BuildHasherDefault<AddressHasher>>;

/// Hashes addresses: they are apart already, and only have to be spread.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        // The golden ratio in 64 bits; the low bits of addresses are alike, so the high ones of the product count.
        self.0 = (self.0 ^ address as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }
}
