//! What stands around an article, and what it is called when it is left out.
//!
//! Several signs together: an element's name or the words in its class and id mark it, and it must also hold little
//! of the page's prose and not the title. A block without any prose that is mostly links is a list of links, whatever
//! it is called. What is hidden is left out unless it is the page's text or answers something that is shown.

use std::collections::{HashMap, HashSet};

use scraper::ElementRef;

use super::class_words::{is_window, marked};
use super::comments::commented;
use super::copies::copies;
use super::data_rows::is_data;
use super::dom::{Elements, Step, is_block, is_heading, is_hidden, key, marks, share_class, walk, words};
use super::imprint::{FOOTER, is_imprint, names_site};
use super::linked::{attaches, own_links};
use super::measure::{Measure, Measures};
use super::openers::{MAX_QUESTION, NEAR, REACH, before, is_question, openers, toggles, unfolds};
use super::post_parts::PostParts;
use super::sections::{heads_section, is_field, is_footer};

/// A page with at least this many characters of prose is an article: then lists of teasers are not its text.
const ARTICLE: usize = 100;

/// Tells furniture from text, on one page.
#[derive(Debug)]
pub(super) struct Furniture {
    measures: Measures,
    /// What the whole page holds, what it says again aside.
    total: Measure,
    /// What says again what another part says.
    copies: Elements,
    /// The elements that the title's heading lies in, and itself.
    above_title: Elements,
    /// The ids of panels that something on the page opens.
    opened: HashSet<String>,
    /// How often a hidden element of a kind stands behind a shown one of a kind.
    pairs: HashMap<String, usize>,
    /// What opens a panel that holds text, and what holds nothing but such: questions, names of tabs.
    openers: Elements,
    /// Blocks of nothing but links that are the article's.
    own_links: Elements,
    /// Blocks in which a site says who keeps it and where.
    footers: Elements,
    /// Blocks that begin with a line that announces what readers wrote.
    comments: Elements,
    /// What stands around each of several posts.
    posts: PostParts,
    /// Whether the words in classes and ids count.
    pub by_class: bool,
    /// Whether lists of links are furniture.
    pub links: bool,
}

impl Furniture {
    /// `measures` are those of the whole page below `root`, `title` the heading that names the page.
    pub fn new(root: ElementRef<'_>, measures: Measures, title: Option<ElementRef<'_>>) -> Furniture {
        let above_title = with_ancestors(title);
        let copies = copies(root, &measures);
        let (mut opened, mut pairs) = (HashSet::new(), HashMap::<String, usize>::new());
        let (mut footers, mut comments) = (Elements::default(), Elements::default());
        // Addresses alone may be those of offices that the article lists.
        let mut addresses: Vec<ElementRef<'_>> = Vec::new();
        walk(root, |step| {
            if let Step::Open(element) = step {
                let toggles = toggles(element);
                // Readers may write more than the article says, but below it.
                if let Some(block) = commented(element, &measures) {
                    comments.insert(key(block));
                }
                if is_block(element.value().name())
                    && FOOTER.contains(&measures.of(element).all)
                    && let words = words(element)
                    && is_imprint(&words)
                {
                    if names_site(&words) {
                        footers.insert(key(element));
                    } else if addresses.len() < 2
                        && addresses
                            .last()
                            .is_none_or(|last| element.ancestors().all(|above| above != **last))
                    {
                        addresses.push(element);
                    }
                }
                for (name, value) in element.value().attrs() {
                    match name {
                        "aria-controls" | "data-target" | "data-bs-target" if toggles => {
                            opened.insert(value.trim_start_matches('#').to_string());
                        }
                        "href" if toggles => opened.extend(value.strip_prefix('#').map(str::to_string)),
                        _ => {}
                    }
                }
                if measures.of(element).all > 0
                    && is_hidden(element)
                    && let Some(before) = before(element, &measures)
                {
                    *pairs.entry(pair(element, before)).or_default() += 1;
                }
            }
            true
        });
        opened.remove("");
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
            footers.insert(key(address));
        }
        let mut furniture = Furniture {
            own_links: own_links(root, &measures),
            posts: PostParts::of(root, &measures),
            total: measures
                .without(root, |element| copies.contains(&key(element)))
                .of(root),
            measures,
            copies,
            above_title,
            opened,
            pairs,
            openers: Elements::default(),
            footers,
            comments,
            by_class: true,
            links: true,
        };
        let found = openers(root, &furniture.measures, |hidden| {
            furniture.answers(hidden, furniture.measures.of(hidden))
        });
        furniture.openers = found;
        furniture
    }

    /// What the page's elements hold, furniture and all.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// How much of an article this may be: its prose, with that of teasers where there is little else, or on a page
    /// without prose its characters outside links.
    pub fn weight(&self, measure: Measure) -> usize {
        if self.total.prose >= ARTICLE {
            measure.prose
        } else if self.total.prose + self.total.teasers > 0 {
            measure.prose + measure.teasers
        } else {
            measure.all - measure.linked
        }
    }

    /// Whether what is kept is at least half of a whole, or of the page as it came.
    pub fn keeps_most(&self, kept: Measure, whole: Option<Measure>) -> bool {
        self.weight(kept) * 2 >= self.weight(whole.unwrap_or(self.total))
    }

    /// Whether an element is the title's heading or holds it.
    pub fn holds_title(&self, element: ElementRef<'_>) -> bool {
        self.above_title.contains(&key(element))
    }

    /// Whether an element opens a panel that holds text, or holds little but such elements.
    pub fn opens(&self, element: ElementRef<'_>) -> bool {
        self.openers.contains(&key(element))
    }

    /// Whether an element stands beside the title's heading, says something, and no neighbour says more.
    fn is_below_title(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        let Some(parent) = element.parent().and_then(ElementRef::wrap) else {
            return false;
        };
        let unlinked = |measure: Measure| measure.all - measure.linked;
        let mut headed = false;
        for near in parent.child_elements().take(REACH).filter(|near| *near != element) {
            headed |= is_heading(near.value().name()) && self.above_title.contains(&key(near));
            if unlinked(self.measures.of(near)) > unlinked(measure) && words(near).contains('。') {
                return false;
            }
        }
        headed && measure.linked * 2 <= measure.all && words(element).contains('。')
    }

    /// Whether an element stands among the article's paragraphs and is whole sentences without links.
    fn is_whole_sentences(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        let parent = element.parent().and_then(ElementRef::wrap);
        let within = parent.is_some_and(|parent| {
            self.above_title.contains(&key(parent)) || parent.value().name() == "article" || self.is_most(parent)
        });
        measure.linked == 0 && within && {
            let words = words(element);
            words.contains('。') && words.ends_with(['。', '！', '？', '；', '!', '?'])
        }
    }

    /// Whether an element is more than a third of what the page says, and all of it sentences: no box of links, no
    /// window with buttons.
    fn is_large(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        let mut inside = element.descendants().take(REACH).filter_map(ElementRef::wrap);
        measure.linked == 0
            && measure.prose * 3 > self.total.prose
            && words(element).contains('。')
            && !inside.any(|inside| matches!(inside.value().name(), "button" | "input" | "form"))
    }

    /// What the walks through the whole page found an element to be.
    fn found(&self, element: ElementRef<'_>) -> Option<&'static str> {
        if self.footers.contains(&key(element)) || is_footer(element, &self.measures) {
            Some("footer")
        } else if self.comments.contains(&key(element)) {
            Some("comments")
        } else if self.posts.is_part(element) {
            Some("frame of a post")
        } else if self.copies.contains(&key(element)) {
            Some("said again")
        } else {
            None
        }
    }

    /// The parts around each of several posts.
    pub fn posts(&self) -> &PostParts {
        &self.posts
    }

    /// Whether an element holds more than half of the page.
    pub fn is_most(&self, element: ElementRef<'_>) -> bool {
        self.weight(self.measures.of(element)) * 2 > self.weight(self.total)
    }

    /// Why an element is no part of an article, if it is none.
    pub fn reason(&self, element: ElementRef<'_>) -> Option<&'static str> {
        let value = element.value();
        let name = value.name();
        if matches!(name, "html" | "body") {
            return None;
        }
        let measure = self.measures.of(element);
        if measure.all == 0 {
            return None;
        }
        let (weight, total) = (self.weight(measure), self.weight(self.total));
        // On a page of a few words this may be most of it.
        let of_title = self.above_title.contains(&key(element));
        if let Some(reason) = self.found(element).filter(|_| !of_title) {
            return Some(reason);
        }
        if is_field(element) {
            return Some("form control");
        }
        if weight * 2 > total {
            return None;
        }
        if measure.is_teasers && self.total.prose >= ARTICLE && !of_title {
            return Some("related entries");
        }
        if is_hidden(element) && !self.answers(element, measure) {
            return Some("hidden");
        }
        if self.openers.contains(&key(element)) {
            return None;
        }
        match name {
            "button" if !is_question(element, &self.measures) => return Some("form control"),
            "dialog" if self.is_large(element, measure) => return None,
            "svg" | "canvas" | "video" | "audio" | "object" | "dialog" | "map" => return Some("not text"),
            "rt" | "rp" => return Some("reading aid"),
            "del" | "s" | "strike" => return Some("struck out"),
            "nav" if !of_title => return Some("navigation"),
            "footer" if !of_title => return Some("footer"),
            "aside" if self.is_large(element, measure) => return None,
            "aside" if !(of_title || within_body(element) && self.is_whole_sentences(element, measure)) => {
                return Some("aside");
            }
            "header" if !of_title && weight * 10 <= total => return Some("page header"),
            "article" | "main" => return None,
            _ => {}
        }
        if of_title {
            return None;
        }
        match element.attr("role") {
            Some("navigation") => return Some("navigation"),
            Some("complementary") if !(within_body(element) && self.is_whole_sentences(element, measure)) => {
                return Some("aside");
            }
            Some("contentinfo") => return Some("footer"),
            Some("dialog" | "alertdialog") => return Some("tools"),
            _ => {}
        }
        if self.by_class
            && weight * 4 < total
            && let Some(reason) = marks(element).find_map(marked)
            && !self.is_below_title(element, measure)
            && !(matches!(reason, "navigation" | "tools" | "related entries")
                && within_body(element)
                && !marks(element).any(is_window)
                && self.is_whole_sentences(element, measure))
        {
            return Some(reason);
        }
        (self.links
            && is_block(name)
            && measure.prose + measure.teasers == 0
            && measure.linked * 2 > measure.all
            && !attaches(element)
            && !self.own_links.contains(&key(element))
            && !heads_section(element, &self.measures)
            && !(name == "p" && words(element).ends_with(['。', '；']))
            && !is_data(element, &self.measures))
        .then_some("links")
    }

    /// Whether a hidden element answers something that is shown: a panel that the page opens, one of several tabs, or
    /// what stands below a question.
    fn answers(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        if measure.linked * 2 > measure.all {
            return false;
        }
        let value = element.value();
        if value.attr("role") == Some("tabpanel") || value.id().is_some_and(|id| self.opened.contains(id)) {
            return true;
        }
        if let Some(before) = before(element, &self.measures)
            && (self.asks(before) || (self.is_short(before) && self.pairs.get(&pair(element, before)) > Some(&1)))
        {
            return true;
        }
        // The half of an article that is shown when somebody asks for the rest.
        let behind = element.next_siblings().filter_map(ElementRef::wrap);
        let mut behind = behind.take(NEAR).filter(|behind| self.measures.of(*behind).all > 0);
        if behind
            .next()
            .is_some_and(|behind| self.is_short(behind) && unfolds(&words(behind)))
        {
            return true;
        }
        let alike = |near: ElementRef<'_>| {
            near.value().name() == value.name()
                && !is_hidden(near)
                && share_class(element, near)
                && self.measures.of(near).linked * 2 <= self.measures.of(near).all
                && self.measures.of(near).all > 0
        };
        let mut around = element
            .prev_siblings()
            .filter_map(ElementRef::wrap)
            .take(NEAR)
            .chain(element.next_siblings().filter_map(ElementRef::wrap).take(NEAR));
        around.any(alike)
    }

    fn is_short(&self, element: ElementRef<'_>) -> bool {
        self.measures.of(element).all <= MAX_QUESTION
    }

    /// Whether an element is a heading, a button or a question.
    fn asks(&self, element: ElementRef<'_>) -> bool {
        let opens = |name: &str| is_heading(name) || matches!(name, "button" | "summary" | "dt");
        if !self.is_short(element) {
            return false;
        }
        opens(element.value().name())
            || element.attr("role") == Some("button")
            || unfolds(&words(element))
            || element
                .descendants()
                .take(16)
                .filter_map(ElementRef::wrap)
                .any(|inner| opens(inner.value().name()))
            || words(element).ends_with(['?', '\u{ff1f}'])
    }
}

/// An element and those that it lies in.
fn with_ancestors(element: Option<ElementRef<'_>>) -> Elements {
    let with_ancestors = |element: ElementRef<'_>| {
        let above = element.ancestors().filter_map(ElementRef::wrap);
        std::iter::once(element).chain(above).map(key).collect::<Vec<_>>()
    };
    element.map(with_ancestors).into_iter().flatten().collect()
}

/// Whether an element lies in a part of the page, not beside all of them.
fn within_body(element: ElementRef<'_>) -> bool {
    let parent = element.parent().and_then(ElementRef::wrap);
    parent.is_some_and(|parent| parent.value().name() != "body")
}

/// The kinds of two elements, as one word.
fn pair(element: ElementRef<'_>, before: ElementRef<'_>) -> String {
    let kind = |element: ElementRef<'_>| {
        let class: String = element.attr("class").unwrap_or("").chars().take(100).collect();
        format!("{}.{class}", element.value().name())
    };
    format!("{} {}", kind(before), kind(element))
}
