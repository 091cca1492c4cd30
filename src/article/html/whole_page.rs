//! What one walk through a whole page tells: what opens what, which hidden elements come again, where a site says who
//! keeps it, where readers wrote.

use std::collections::{HashMap, HashSet};

use scraper::ElementRef;

use super::closing::closing;
use super::comments::commented;
use super::dom::{Elements, Step, is_block, is_hidden, key, walk, words};
use super::imprint::{FOOTER, is_imprint, names_site};
use super::measure::Measures;
use super::openers::{before, toggles};

/// What is found of a page as a whole.
#[derive(Debug, Default)]
pub(super) struct WholePage {
    /// The ids of panels that something on the page opens.
    pub opened: HashSet<String>,
    /// How often a hidden element of a kind stands behind a shown one of a kind.
    pairs: HashMap<String, usize>,
    /// Blocks in which a site says who keeps it and where.
    pub footers: Elements,
    /// Blocks that begin with a line that announces what readers wrote.
    pub comments: Elements,
}

impl WholePage {
    /// `above_title` are the elements that the title's heading lies in, and itself.
    pub fn of(
        root: ElementRef<'_>,
        measures: &Measures,
        title: Option<ElementRef<'_>>,
        above_title: &Elements,
    ) -> WholePage {
        let mut page = WholePage::default();
        // Addresses alone may be those of offices that the article lists.
        let mut addresses: Vec<ElementRef<'_>> = Vec::new();
        walk(root, |step| {
            if let Step::Open(element) = step {
                // Readers may write more than the article says, but below it.
                if let Some(block) = commented(element, measures) {
                    page.comments.insert(key(block));
                }
                if is_block(element.value().name())
                    && FOOTER.contains(&measures.of(element).all)
                    && let words = words(element)
                    && is_imprint(&words)
                {
                    if names_site(&words) {
                        page.footers.insert(key(element));
                    } else if addresses.len() < 2
                        && addresses
                            .last()
                            .is_none_or(|last| element.ancestors().all(|above| above != **last))
                    {
                        addresses.push(element);
                    }
                }
                page.note_opened(element);
                if measures.of(element).all > 0
                    && is_hidden(element)
                    && let Some(before) = before(element, measures)
                {
                    *page.pairs.entry(pair(element, before)).or_default() += 1;
                }
            }
            true
        });
        page.opened.remove("");
        let beside_title = |element: ElementRef<'_>| {
            let heading = title.and_then(|title| title.parent());
            heading.is_some_and(|block| element.ancestors().any(|above| above == block))
        };
        // Nor is it the site's where most of what the article says stands, the title above that.
        let total = measures.of(root).prose;
        let among_prose = |element: ElementRef<'_>| {
            let mut above = element.ancestors().filter_map(ElementRef::wrap);
            above.any(|block| measures.of(block).prose * 2 > total && !above_title.contains(&key(block)))
        };
        if let [address] = addresses[..]
            && !(beside_title(address) || among_prose(address))
        {
            page.footers.insert(key(address));
        }
        page.footers.extend(closing(root, measures, above_title).map(key));
        page
    }

    /// Notes the ids of what an element opens.
    fn note_opened(&mut self, element: ElementRef<'_>) {
        let toggles = toggles(element);
        for (name, value) in element.value().attrs() {
            match name {
                "aria-controls" | "data-target" | "data-bs-target" if toggles => {
                    self.opened.insert(value.trim_start_matches('#').to_string());
                }
                "href" if toggles => self.opened.extend(value.strip_prefix('#').map(str::to_string)),
                _ => {}
            }
        }
    }

    /// Whether hidden elements of this kind stand more than once behind shown ones of that kind.
    pub fn is_often_behind(&self, hidden: ElementRef<'_>, shown: ElementRef<'_>) -> bool {
        self.pairs.get(&pair(hidden, shown)) > Some(&1)
    }
}

/// The kinds of two elements, as one word.
fn pair(element: ElementRef<'_>, before: ElementRef<'_>) -> String {
    let kind = |element: ElementRef<'_>| {
        let class: String = element.attr("class").unwrap_or("").chars().take(100).collect();
        format!("{}.{class}", element.value().name())
    };
    format!("{} {}", kind(before), kind(element))
}
