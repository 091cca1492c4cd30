//! What stands around an article, and what it is called when it is left out.
//!
//! Several signs together: an element's name or the words in its class and id mark it, and it must also hold little
//! of the page's prose and not the title. A block without any prose that is mostly links is a list of links, whatever
//! it is called. What is hidden is left out unless it is the page's text or answers something that is shown.

use scraper::ElementRef;

use super::class_words::{is_window, marked};
use super::copies::copies;
use super::data_rows::is_data;
use super::dom::{Elements, is_block, is_heading, is_hidden, key, marks, share_class, words};
use super::linked::{attaches, own_links};
use super::measure::{Measure, Measures};
use super::openers::{MAX_QUESTION, NEAR, REACH, before, is_question, openers, unfolds};
use super::post_parts::PostParts;
use super::sections::{heads_section, is_field, is_footer};
use super::whole_page::WholePage;

/// A page with at least this many characters of prose is an article: then lists of teasers are not its text.
const ARTICLE: usize = 100;

/// The longest words that call readers to something, in characters.
const MAX_CALL: usize = 20;

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
    page: WholePage,
    /// What opens a panel that holds text, and what holds nothing but such: questions, names of tabs.
    openers: Elements,
    /// Blocks of nothing but links that are the article's.
    own_links: Elements,
    /// What stands around each of several posts.
    posts: PostParts,
    /// Whether the words in classes and ids count.
    pub by_class: bool,
    /// Whether lists of links are furniture.
    pub links: bool,
}

/// What an element is by its name: text whatever else it is called, furniture and of which kind, or neither is said.
enum ByName {
    Text,
    Furniture(&'static str),
    Unsaid,
}

impl Furniture {
    /// `measures` are those of the whole page below `root`, `title` the heading that names the page.
    pub fn new(root: ElementRef<'_>, measures: Measures, title: Option<ElementRef<'_>>) -> Furniture {
        let above_title = with_ancestors(title);
        let copies = copies(root, &measures);
        let page = WholePage::of(root, &measures, title, &above_title);
        let mut furniture = Furniture {
            own_links: own_links(root, &measures),
            posts: PostParts::of(root, &measures),
            total: measures
                .without(root, |element| copies.contains(&key(element)))
                .of(root),
            measures,
            copies,
            above_title,
            page,
            openers: Elements::default(),
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
            let of_author = ["关于作者", "作者简介", "作者介绍"]
                .iter()
                .any(|start| words.starts_with(start));
            !of_author && words.contains('。') && words.ends_with(['。', '！', '？', '；', '!', '?'])
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
        if self.page.footers.contains(&key(element)) || is_footer(element, &self.measures) {
            Some("footer")
        } else if self.page.comments.contains(&key(element)) {
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
        match self.by_name(element, measure, of_title) {
            ByName::Text => return None,
            ByName::Furniture(reason) => return Some(reason),
            ByName::Unsaid => {}
        }
        if of_title {
            return None;
        }
        self.by_role(element, measure)
            .or_else(|| self.by_marks(element, measure))
            .or_else(|| self.is_list_of_links(element, measure).then_some("links"))
    }

    /// What an element is by its name.
    fn by_name(&self, element: ElementRef<'_>, measure: Measure, of_title: bool) -> ByName {
        let reason = match element.value().name() {
            "button" if !is_question(element, &self.measures) => "form control",
            "dialog" if self.is_large(element, measure) => return ByName::Text,
            "svg" | "canvas" | "video" | "audio" | "object" | "dialog" | "map" => "not text",
            "rt" | "rp" => "reading aid",
            "sup" if is_mark_of_note(element) => "mark of a note",
            "del" | "s" | "strike" => "struck out",
            "nav" if !of_title => "navigation",
            "footer" if !of_title => "footer",
            "aside" if self.is_large(element, measure) => return ByName::Text,
            "aside" if !(of_title || within_body(element) && self.is_whole_sentences(element, measure)) => "aside",
            "header" if !of_title && self.weight(measure) * 10 <= self.weight(self.total) => "page header",
            "article" | "main" => return ByName::Text,
            _ => return ByName::Unsaid,
        };
        ByName::Furniture(reason)
    }

    /// What an element is by the role that its page gives it.
    fn by_role(&self, element: ElementRef<'_>, measure: Measure) -> Option<&'static str> {
        match element.attr("role")? {
            "navigation" => Some("navigation"),
            "complementary" if !(within_body(element) && self.is_whole_sentences(element, measure)) => Some("aside"),
            "contentinfo" => Some("footer"),
            "dialog" | "alertdialog" => Some("tools"),
            _ => None,
        }
    }

    /// What an element is by the words in its class and id, if it holds little.
    fn by_marks(&self, element: ElementRef<'_>, measure: Measure) -> Option<&'static str> {
        if !self.by_class || self.weight(measure) * 4 >= self.weight(self.total) {
            return None;
        }
        let reason = marks(element).find_map(marked)?;
        let may_be_text = || {
            matches!(reason, "navigation" | "tools" | "related entries")
                && within_body(element)
                && !marks(element).any(is_window)
                && self.is_whole_sentences(element, measure)
        };
        (!self.is_below_title(element, measure) && !may_be_text()).then_some(reason)
    }

    /// Whether an element is links without prose, and neither what belongs to the article nor data.
    fn is_list_of_links(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        let name = element.value().name();
        self.links
            && is_block(name)
            && measure.prose + measure.teasers == 0
            && measure.linked * 2 > measure.all
            && !attaches(element)
            && !self.own_links.contains(&key(element))
            && !heads_section(element, &self.measures)
            && !(name == "p" && words(element).ends_with(['。', '；']))
            && !is_data(element, &self.measures)
    }

    /// Whether a hidden element answers something that is shown: a panel that the page opens, one of several tabs, or
    /// what stands below a question.
    fn answers(&self, element: ElementRef<'_>, measure: Measure) -> bool {
        if measure.linked * 2 > measure.all {
            return false;
        }
        let value = element.value();
        if value.attr("role") == Some("tabpanel") || value.id().is_some_and(|id| self.page.opened.contains(id)) {
            return true;
        }
        if let Some(before) = before(element, &self.measures)
            && ((self.asks(before) && !(unfolds(&words(before)) && invites(&words(element))))
                || (self.is_short(before) && self.page.is_often_behind(element, before)))
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

/// Whether words below a link that unfolds the rest are not the rest: a few that have readers scan a code.
fn invites(words: &str) -> bool {
    let calls = ["扫码", "扫一扫", "二维码"];
    words.chars().count() <= MAX_CALL
        && !words.contains(['。', '，', '；', '：'])
        && calls.iter().any(|call| words.contains(call))
}

/// Whether a raised sign is a number in brackets, the mark of a note: `[1]`.
fn is_mark_of_note(element: ElementRef<'_>) -> bool {
    let said = words(element);
    let number = said
        .strip_prefix(['[', '［'])
        .and_then(|said| said.strip_suffix([']', '］']));
    number.is_some_and(|number| {
        let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b',' | b' ');
        number.bytes().all(is_of_number) && number.bytes().any(|byte| byte.is_ascii_digit())
    })
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

#[cfg(test)]
mod tests {
    use super::super::rules_tests::{block, check_parts};

    #[test]
    fn what_is_said_of_the_author_in_an_aside_is_no_text() {
        let said = "十年理赔查勘经验，写过两百多篇理赔故事。";
        check_parts(
            &block(&format!("<aside><h4>关于作者</h4><p>{said}")),
            &[],
            &[("aside", said)],
        );
        check_parts(&block(&format!("<aside><h4>小贴士</h4><p>{said}")), &[said], &[]);
    }

    #[test]
    fn what_is_hidden_below_a_link_that_unfolds_is_the_rest_unless_it_calls_to_something() {
        let hidden = |said: &str| {
            block(&format!(
                "<a class=more>展开全文</a><div style='display:none'><p>{said}"
            ))
        };
        check_parts(&hidden("微信扫码咨询在线药师"), &[], &[("hidden", "微信扫码")]);
        for kept in [
            "扫码登录以后，在首页选择补缴。",
            "补缴的月数不计入连续缴费",
            "登录青禾医保APP查询缴费记录",
        ] {
            check_parts(&hidden(kept), &[kept], &[]);
        }
    }

    #[test]
    fn the_number_of_a_note_is_left_out_and_other_raised_words_stay() {
        let raised = |said: &str| block(&format!("<p>补缴以后待遇连续计算<sup>{said}</sup>。</p>"));
        for mark in ["[1]", "<a href=#n>[2-3]</a>"] {
            check_parts(&raised(mark), &["待遇连续计算。"], &[("mark of a note", "[")]);
        }
        for kept in ["2", "[注]", "①"] {
            check_parts(&raised(kept), &[&format!("待遇连续计算{kept}。")], &[]);
        }
    }
}
