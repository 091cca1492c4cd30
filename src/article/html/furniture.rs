//! What stands around an article, and what it is called when it is left out.
//!
//! Several signs together: an element's name or the words in its class and id mark it, and it must also hold little
//! of the page's prose and not the title. A block without any prose that is mostly links is a list of links, whatever
//! it is called. What is hidden is left out unless it is the page's text or answers something that is shown.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use scraper::ElementRef;

use super::super::byline::find_date;
use super::dom::{Elements, Step, is_block, is_heading, is_hidden, key, marks, walk, words};
use super::measure::{Measure, Measures};

/// A page with at least this many characters of prose is an article: then lists of teasers are not its text.
const ARTICLE: usize = 100;
/// How many neighbours of a hidden element are looked at.
const NEAR: usize = 8;
/// How many nodes beside an element are looked through for such neighbours.
const REACH: usize = 64;
/// A button with at least this many characters may be a question, with fewer it only names what it does.
const QUESTION: usize = 8;
/// From how many characters on, and up to how many, a block may be a site's own footer.
const FOOTER: (usize, usize) = (20, 400);
/// The words of such footers.
const IMPRINT: [&str; 21] = [
    "版权所有",
    "主办单位",
    "主办：",
    "承办单位",
    "承办：",
    "ICP备",
    "ICP证",
    "公网安备",
    "网站标识码",
    "技术支持",
    "网站地图",
    "联系我们",
    "关于我们",
    "法律声明",
    "隐私",
    "建议使用",
    "Copyright",
    "©",
    "邮编",
    "地址：",
    "电话：",
];
/// The longest words that unfold what is below them, in characters.
const MAX_UNFOLDS: usize = 12;
/// The longest question, in characters.
const MAX_QUESTION: usize = 100;

/// Tells furniture from text, on one page.
#[derive(Debug)]
pub(super) struct Furniture {
    measures: Measures,
    /// What the whole page holds.
    total: Measure,
    /// The elements that the title's heading lies in, and itself.
    above_title: Elements,
    /// The ids of panels that something on the page opens.
    opened: HashSet<String>,
    /// How often a hidden element of a kind stands behind a shown one of a kind.
    pairs: HashMap<String, usize>,
    /// What opens a panel that holds text, and what holds nothing but such: questions, names of tabs.
    openers: Elements,
    /// Blocks in which a site says who keeps it and where.
    footers: Elements,
    /// Whether the words in classes and ids count.
    pub by_class: bool,
    /// Whether lists of links are furniture.
    pub links: bool,
}

impl Furniture {
    /// `measures` are those of the whole page below `root`, `title` the heading that names the page.
    pub fn new(root: ElementRef<'_>, measures: Measures, title: Option<ElementRef<'_>>) -> Furniture {
        let mut above_title = Elements::default();
        if let Some(title) = title {
            above_title.insert(key(title));
            above_title.extend(title.ancestors().filter_map(ElementRef::wrap).map(key));
        }
        let (mut opened, mut pairs) = (HashSet::new(), HashMap::<String, usize>::new());
        let mut footers = Elements::default();
        walk(root, |step| {
            if let Step::Open(element) = step {
                let toggles = toggles(element);
                if is_block(element.value().name())
                    && (FOOTER.0..=FOOTER.1).contains(&measures.of(element).all)
                    && is_imprint(&words(element))
                {
                    footers.insert(key(element));
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
        let mut furniture = Furniture {
            total: measures.of(root),
            measures,
            above_title,
            opened,
            pairs,
            openers: Elements::default(),
            footers,
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
        if self.footers.contains(&key(element)) && !self.above_title.contains(&key(element)) {
            return Some("footer");
        }
        if weight * 2 > total {
            return None;
        }
        if measure.is_teasers && self.total.prose >= ARTICLE && !self.above_title.contains(&key(element)) {
            return Some("related entries");
        }
        if is_hidden(element) && !self.answers(element, measure) {
            return Some("hidden");
        }
        if self.openers.contains(&key(element)) {
            return None;
        }
        let of_title = self.above_title.contains(&key(element));
        match name {
            "select" | "option" | "input" | "textarea" | "datalist" => return Some("form control"),
            "button" if !is_question(element, measure) => return Some("form control"),
            "svg" | "canvas" | "video" | "audio" | "object" | "dialog" | "map" => return Some("not text"),
            "rt" | "rp" => return Some("reading aid"),
            "nav" if !of_title => return Some("navigation"),
            "footer" if !of_title => return Some("footer"),
            "aside" if !of_title => return Some("aside"),
            "header" if !of_title && weight * 10 <= total => return Some("page header"),
            "article" | "main" => return None,
            _ => {}
        }
        if of_title {
            return None;
        }
        if self.by_class
            && weight * 4 < total
            && let Some(reason) = marks(element).find_map(marked)
        {
            return Some(reason);
        }
        (self.links
            && is_block(name)
            && measure.prose + measure.teasers == 0
            && measure.linked * 2 > measure.all
            && !attaches(element)
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
        let alike = |near: ElementRef<'_>| {
            near.value().name() == value.name()
                && !is_hidden(near)
                && value
                    .classes()
                    .any(|class| near.value().classes().any(|other| other == class))
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

/// Whether words ask to be clicked to see the rest.
fn unfolds(words: &str) -> bool {
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

/// Whether words are those in which a site says who keeps it, where, and by which licence.
fn is_imprint(words: &str) -> bool {
    let count = IMPRINT.iter().filter(|mark| words.contains(*mark)).count();
    let start = IMPRINT.iter().any(|mark| words.starts_with(mark));
    start && count >= 3 && !words.contains('。')
}

/// The longest list of names of tabs, in characters.
const MAX_TABS: usize = 200;

/// What opens panels that hold text: a link or button that names one, what stands before an answer that is hidden, as
/// many tabs as there are panels; and what they lie in, if it holds little else.
fn openers<'a>(root: ElementRef<'a>, measures: &Measures, answers: impl Fn(ElementRef<'a>) -> bool) -> Elements {
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
fn toggles(element: ElementRef<'_>) -> bool {
    let kind = element.attr("data-toggle").or_else(|| element.attr("data-bs-toggle"));
    !matches!(kind, Some("modal" | "dropdown" | "tooltip" | "popover"))
}

/// Whether a word in a class marks a panel.
fn is_panel(word: &str) -> bool {
    matches!(
        &*small(word),
        "pane" | "panel" | "tab" | "collapse" | "accordion" | "tabpanel"
    )
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
    let alike = |near: &ElementRef<'_>| {
        near.value().name() == hidden.value().name()
            && hidden
                .value()
                .classes()
                .any(|class| near.value().classes().any(|other| other == class))
    };
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
    match panels > 1 && names.len() == panels && measures.of(list).all <= MAX_TABS {
        true => names.into_iter().chain([list]).collect(),
        false => Vec::new(),
    }
}

/// The element with text that is shown directly before another.
fn before<'a>(element: ElementRef<'a>, measures: &Measures) -> Option<ElementRef<'a>> {
    element
        .prev_siblings()
        .filter_map(ElementRef::wrap)
        .find(|near| measures.of(*near).all > 0)
        .filter(|near| !is_hidden(*near))
}

/// The kinds of two elements, as one word.
fn pair(element: ElementRef<'_>, before: ElementRef<'_>) -> String {
    let kind = |element: ElementRef<'_>| {
        let class: String = element.attr("class").unwrap_or("").chars().take(100).collect();
        format!("{}.{class}", element.value().name())
    };
    format!("{} {}", kind(before), kind(element))
}

/// Whether a button is a question or a heading that opens its answer, and not something to do.
fn is_question(element: ElementRef<'_>, measure: Measure) -> bool {
    let value = element.value();
    let opens = ["aria-controls", "aria-expanded", "data-target", "data-bs-target"];
    measure.all >= QUESTION
        || opens.iter().any(|attribute| value.attr(attribute).is_some())
        || element
            .ancestors()
            .take(3)
            .filter_map(ElementRef::wrap)
            .any(|above| is_heading(above.value().name()))
}

/// Whether an element is, or lies in, rows of a table that say something of what they link: one of their cells is no
/// link, and no date as in a list of news.
fn is_data(element: ElementRef<'_>, measures: &Measures) -> bool {
    let says = |row: &ElementRef<'_>| {
        row.child_elements().take(NEAR * 2).any(|cell| {
            let measure = measures.of(cell);
            let words = if measure.linked == 0 && measure.all > 1 {
                words(cell)
            } else {
                String::new()
            };
            words.chars().filter(|c| c.is_alphanumeric()).count() > 1 && find_date(&words).is_none()
        })
    };
    let rows = |above: ElementRef<'_>| {
        let (mut all, mut saying) = (0, 0);
        for row in above
            .child_elements()
            .filter(|row| row.value().name() == "tr")
            .take(NEAR * 2)
        {
            all += 1;
            saying += usize::from(says(&row));
        }
        all > 1 && saying * 2 > all
    };
    let mut around = std::iter::once(element).chain(element.ancestors().filter_map(ElementRef::wrap).take(6));
    match element.value().name() {
        "table" => element.child_elements().take(NEAR).any(rows),
        "tbody" | "thead" => rows(element),
        _ => around
            .find(|above| above.value().name() == "tr")
            .is_some_and(|row| says(&row) && row.parent().and_then(ElementRef::wrap).is_some_and(rows)),
    }
}

/// Whether a block names files that belong to the article.
fn attaches(element: ElementRef<'_>) -> bool {
    let text = words(element);
    text.starts_with("附件")
        || [
            ".doc", ".docx", ".xls", ".xlsx", ".pdf", ".zip", ".rar", ".wps", ".ppt", ".pptx",
        ]
        .iter()
        .any(|end| text.ends_with(end))
}

/// What a word in a class or id marks.
fn marked(word: &str) -> Option<&'static str> {
    Some(match &*small(word) {
        "nav" | "navbar" | "breadcrumb" | "breadcrumbs" | "crumb" | "crumbs" | "menu" | "pagination" | "pager"
        | "topbar" => "navigation",
        "sidebar" | "aside" => "aside",
        "footer" | "copyright" => "footer",
        "share" | "toolbar" | "login" | "bdsharebuttonbox" | "qrcode" => "tools",
        "comment" | "comments" | "pinglun" => "comments",
        "related" | "recommend" | "recommended" | "hot" | "rank" => "related entries",
        "advertisement" | "ad" | "ads" | "advert" => "advertisement",
        _ => return None,
    })
}

/// A word in small letters.
fn small(word: &str) -> Cow<'_, str> {
    match word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(word.to_ascii_lowercase()),
        false => Cow::Borrowed(word),
    }
}
