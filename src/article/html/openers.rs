//! What opens the hidden parts of a page: questions above their answers, names of tabs, words that unfold the rest.
//!
//! Only finds them; what is kept of a page is for `furniture` to say.

use std::collections::{HashMap, HashSet};

use scraper::ElementRef;

use super::dom::{Elements, Step, is_heading, is_hidden, key, marks, share_class, walk, words};
use super::measure::Measures;

/// How many neighbours of a hidden element are looked at.
pub(super) const NEAR: usize = 8;
/// How many nodes beside an element are looked through for such neighbours.
pub(super) const REACH: usize = 64;
/// A button with at least this many characters may be a question, with fewer it only names what it does.
const QUESTION: usize = 8;
/// The longest words that unfold what is below them, in characters.
const MAX_UNFOLDS: usize = 12;
/// The longest question, in characters.
pub(super) const MAX_QUESTION: usize = 100;

/// Whether words ask to be clicked to see the rest.
pub(super) fn unfolds(words: &str) -> bool {
    words.chars().count() <= MAX_UNFOLDS
        && [
            "展开",
            "点击展开",
            "查看全",
            "查看更多",
            "阅读全文",
            "阅读更多",
            "显示全",
            "显示更多",
        ]
        .iter()
        .any(|start| words.starts_with(start))
}

/// The longest list of names of tabs, in characters.
const MAX_TABS: usize = 200;

/// What opens panels that hold text: a link or button that names one, what stands before an answer that is hidden, as
/// many tabs as there are panels; and what they lie in, if it holds little else.
pub(super) fn openers<'a>(
    root: ElementRef<'a>,
    measures: &Measures,
    answers: impl Fn(ElementRef<'a>) -> bool,
) -> Elements {
    let mut panels: HashSet<&str> = HashSet::new();
    walk(root, |step| {
        if let Step::Open(element) = step
            && let Some(id) = element.value().id()
            && (is_hidden(element) || marks(element).any(is_panel))
            && holds_text(element, measures)
        {
            panels.insert(id);
        }
        true
    });
    let mut found: Vec<ElementRef<'a>> = Vec::new();
    walk(root, |step| {
        if let Step::Open(element) = step
            && measures.of(element).all > 0
        {
            let names = ["href", "aria-controls", "data-target", "data-bs-target"];
            let opens = |name: &&str| {
                let id = element.attr(name).map(|id| id.trim_start_matches('#'));
                id.is_some_and(|id| panels.contains(id))
            };
            if toggles(element) && measures.of(element).all <= MAX_QUESTION && names.iter().any(opens) {
                found.push(element);
            }
            if is_hidden(element) && holds_text(element, measures) {
                if let Some(before) = before(element, measures)
                    && measures.of(before).all <= MAX_QUESTION
                    && answers(element)
                {
                    found.push(before);
                }
                found.extend(tabs(element, measures));
            }
        }
        true
    });
    let mut held: HashMap<usize, (ElementRef<'a>, usize)> = HashMap::new();
    let mut openers = Elements::default();
    for element in found {
        if openers.insert(key(element)) {
            for above in element.ancestors().filter_map(ElementRef::wrap).take(6) {
                held.entry(key(above)).or_insert((above, 0)).1 += measures.of(element).all;
            }
        }
    }
    let mostly = held
        .into_values()
        .filter(|(above, all)| all * 5 >= measures.of(*above).all * 4);
    openers.extend(mostly.map(|(above, _)| key(above)).collect::<Vec<_>>());
    openers
}

/// Whether an element, if it opens something, opens a part of the text: no window above it, no menu.
pub(super) fn toggles(element: ElementRef<'_>) -> bool {
    let kind = element.attr("data-toggle").or_else(|| element.attr("data-bs-toggle"));
    !matches!(kind, Some("modal" | "dropdown" | "tooltip" | "popover"))
}

/// Whether a word in a class marks a panel.
fn is_panel(word: &str) -> bool {
    ["pane", "panel", "tab", "collapse", "accordion", "tabpanel"]
        .iter()
        .any(|panel| word.eq_ignore_ascii_case(panel))
}

/// Whether a panel holds sentences, not links or a form.
fn holds_text(element: ElementRef<'_>, measures: &Measures) -> bool {
    let measure = measures.of(element);
    measure.all >= QUESTION && measure.linked * 4 <= measure.all && words(element).contains(['。', '，', '；'])
}

/// The names of the tabs that a hidden panel is one of: as many elements, before the first of the panels, as there are
/// panels.
fn tabs<'a>(hidden: ElementRef<'a>, measures: &Measures) -> Vec<ElementRef<'a>> {
    let filled = |element: &ElementRef<'_>| measures.of(*element).all > 0;
    let alike = |near: &ElementRef<'_>| near.value().name() == hidden.value().name() && share_class(hidden, *near);
    let mut above = hidden
        .prev_siblings()
        .take(REACH)
        .filter_map(ElementRef::wrap)
        .filter(filled)
        .take(NEAR);
    let mut panels = 1;
    let list = loop {
        match above.next() {
            Some(near) if alike(&near) => panels += 1,
            Some(near) => break near,
            None => return Vec::new(),
        }
    };
    let below = hidden
        .next_siblings()
        .take(REACH)
        .filter_map(ElementRef::wrap)
        .filter(filled)
        .take(NEAR);
    panels += below.take_while(alike).count();
    let names: Vec<ElementRef<'a>> = list
        .child_elements()
        .take(REACH)
        .filter(filled)
        .take(NEAR * 2)
        .collect();
    if panels > 1 && names.len() == panels && measures.of(list).all <= MAX_TABS {
        names.into_iter().chain([list]).collect()
    } else {
        Vec::new()
    }
}

/// Whether a button is a question or a heading that opens its answer, and not something to do.
pub(super) fn is_question(element: ElementRef<'_>, measures: &Measures) -> bool {
    let value = element.value();
    let opens = ["aria-controls", "aria-expanded", "data-target", "data-bs-target"];
    measures.of(element).all >= QUESTION
        || opens.iter().any(|attribute| value.attr(attribute).is_some())
        || element
            .ancestors()
            .take(3)
            .filter_map(ElementRef::wrap)
            .any(|above| is_heading(above.value().name()))
        || heads(element, measures)
}

/// Whether a button stands above sentences and is a question, or is one of several such in a row.
fn heads(element: ElementRef<'_>, measures: &Measures) -> bool {
    let filled = |near: &ElementRef<'_>| measures.of(*near).all > 0;
    let answered = |button: ElementRef<'_>| {
        let mut behind = button
            .next_siblings()
            .take(REACH)
            .filter_map(ElementRef::wrap)
            .filter(filled);
        behind.next().is_some_and(|answer| {
            let said = measures.of(answer);
            let says = answer.value().name() != "button" && said.all >= QUESTION && said.linked * 4 <= said.all;
            says && words(answer).contains(['。', '；'])
        })
    };
    if measures.of(element).all < 2 || !answered(element) {
        return false;
    }
    let is_button = |near: &ElementRef<'_>| near.value().name() == "button";
    let beside = |near: ElementRef<'_>| is_button(&near) && answered(near);
    // Those of other panels, each in a block of its own.
    let inside = |near: ElementRef<'_>| near.child_elements().find(filled).is_some_and(beside);
    let around = |element: ElementRef<'_>, like: &dyn Fn(ElementRef<'_>) -> bool| {
        let before = element.prev_siblings().take(REACH).filter_map(ElementRef::wrap);
        let behind = element.next_siblings().take(REACH).filter_map(ElementRef::wrap);
        before.chain(behind).filter(filled).take(NEAR).any(like)
    };
    let parent = element.parent().and_then(ElementRef::wrap);
    words(element).ends_with(['?', '\u{ff1f}', '吗', '么'])
        || around(element, &beside)
        || parent.is_some_and(|parent| parent.child_elements().find(filled) == Some(element) && around(parent, &inside))
}

/// The element with text that is shown directly before another.
pub(super) fn before<'a>(element: ElementRef<'a>, measures: &Measures) -> Option<ElementRef<'a>> {
    element
        .prev_siblings()
        .filter_map(ElementRef::wrap)
        .find(|near| measures.of(*near).all > 0)
        .filter(|near| !is_hidden(*near))
}
