//! Elements that are more than they look: a link that heads a section of the article, a footer that is most of a short
//! page, a field in which nobody can write.
//!
//! Only judges an element; what follows is for `furniture`.

use scraper::ElementRef;

use super::super::layout::is_stop;
use super::super::site_words::{List, listed};
use super::class_words::marked;
use super::dom::{is_alike, marks, words};
use super::imprint::FOOTER;
use super::measure::Measures;
use super::openers::REACH;
use super::prompts::asks_to_write;

/// Whether a link is the heading of one of several sections: the first that its block says, with sentences right
/// below, or below a day.
pub(super) fn heads_section(element: ElementRef<'_>, measures: &Measures) -> bool {
    let all = |near: &ElementRef<'_>| measures.of(*near).all > 0;
    let first = || {
        !element
            .prev_siblings()
            .take(REACH)
            .filter_map(ElementRef::wrap)
            .any(|near| all(&near))
    };
    let several = || {
        let block = element.parent().and_then(ElementRef::wrap);
        block.is_some_and(|block| {
            let around = block
                .prev_siblings()
                .take(REACH)
                .chain(block.next_siblings().take(REACH));
            around
                .filter_map(ElementRef::wrap)
                .any(|near| all(&near) && is_alike(near, block))
        })
    };
    let headed = element.value().name() == "dt" || (first() && several());
    let mut behind = element.next_siblings().take(REACH).filter_map(ElementRef::wrap);
    headed
        && behind.by_ref().filter(all).take(2).any(|below| {
            let measure = measures.of(below);
            measure.prose > 0 && measure.linked * 10 <= measure.all
        })
}

/// Whether an element is a field for what a reader writes or chooses. One that cannot be written in shows what somebody
/// wrote, as letters to offices are shown.
pub(super) fn is_field(element: ElementRef<'_>) -> bool {
    match element.value().name() {
        "select" | "option" | "input" | "datalist" => true,
        "textarea" => {
            let is_fixed = ["readonly", "disabled"].iter().any(|name| element.attr(name).is_some());
            let said = words(element);
            !(is_fixed && said.contains(is_stop)) || asks_to_write(&said)
        }
        _ => false,
    }
}

/// Whether an element is a footer by its class and its length and speaks of the site: on a page of few words it may be
/// most of it.
pub(super) fn is_footer(element: ElementRef<'_>, measures: &Measures) -> bool {
    if !FOOTER.contains(&measures.of(element).all) {
        return false;
    }
    let is_named = marks(element).filter_map(marked).any(|reason| reason == "footer");
    let speaks_of_site = |words: &str| {
        listed(List::StatementWords)
            .iter()
            .filter(|word| words.contains(*word))
            .count()
            > 1
    };
    is_named && speaks_of_site(&words(element))
}
