//! How much of a page each of its elements holds: characters, those in links, and those that read like prose; and the
//! page's lines, in order.
//!
//! Prose is what articles are made of and what stands around them is not: a line of at least [`PROSE`] characters
//! outside links with the punctuation of sentences. Only counts; what follows from it is for `furniture` and
//! `content` to say.

use scraper::ElementRef;

use super::super::byline::find_date;
use super::super::layout::{is_han, is_stop, joins_without_space};
use super::super::tail::is_footer;
use super::dom::{ByElement, Step, holds_blocks, is_block, is_heading, is_hidden, is_unseen, key, stands_apart, walk};

/// From how many characters outside links a line with the punctuation of sentences is prose.
const PROSE: usize = 20;
/// A link of at least this many characters is a title.
const TITLE: usize = 6;
/// An item of at most this many characters is a teaser.
const TEASER: usize = 400;
/// At least this many teasers are a list of them.
const TEASERS: usize = 3;
/// How many bytes of a line are kept to be looked at.
const LINE: usize = 600;

/// What an element holds, white space aside, in characters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// All of them.
    pub all: usize,
    /// Those in links.
    pub linked: usize,
    /// Those of prose.
    pub prose: usize,
    /// Those of prose in its own paragraphs, not in those of a block that holds blocks itself.
    pub own: usize,
    /// Those of prose in lists of teasers, which do not count as prose.
    pub teasers: usize,
    /// Whether it is a list of teasers: alike, small, nearly all of them with a link that is a line of its own.
    pub is_teasers: bool,
}

/// One line of a page as it is shown.
#[derive(Debug)]
pub(super) struct PageLine<'a> {
    /// Its first characters, white space collapsed.
    pub text: String,
    /// The block that it stands in.
    pub block: ElementRef<'a>,
    /// Whether most of it is a link.
    pub linked: bool,
    /// Whether it reads like a part of an article.
    pub prose: bool,
    /// Whether the page shows it at once.
    pub shown: bool,
}

/// The measures of a page's elements.
#[derive(Debug, Default)]
pub(super) struct Measures(ByElement<Measure>);

impl Measures {
    /// An element's measure; nothing for one that was not gone into.
    pub fn of(&self, element: ElementRef<'_>) -> Measure {
        self.0.get(&key(element)).copied().unwrap_or_default()
    }
}

impl Measures {
    /// What the elements below `root` hold without those that are dropped; these hold nothing.
    pub fn without<'a>(&self, root: ElementRef<'a>, dropped: impl Fn(ElementRef<'a>) -> bool) -> Measures {
        let mut kept = ByElement::default();
        // What the elements that are open have lost so far.
        let mut open: Vec<Measure> = Vec::new();
        walk(root, |step| {
            match step {
                Step::Open(element) => {
                    if is_unseen(element.value().name()) {
                        return false;
                    }
                    if dropped(element) {
                        if let Some(parent) = open.last_mut() {
                            parent.add(self.of(element));
                        }
                        return false;
                    }
                    open.push(Measure::default());
                }
                Step::Text(_) => {}
                Step::Close(element) => {
                    let lost = open.pop().unwrap_or_default();
                    let whole = self.of(element);
                    kept.insert(
                        key(element),
                        Measure {
                            all: whole.all.saturating_sub(lost.all),
                            linked: whole.linked.saturating_sub(lost.linked),
                            prose: whole.prose.saturating_sub(lost.prose),
                            teasers: whole.teasers.saturating_sub(lost.teasers),
                            ..whole
                        },
                    );
                    if let Some(parent) = open.last_mut() {
                        parent.add(lost);
                    }
                }
            }
            true
        });
        Measures(kept)
    }
}

impl Measure {
    /// Adds what an element holds to that of the one it lies in.
    fn add(&mut self, inner: Measure) {
        self.all += inner.all;
        self.linked += inner.linked;
        self.prose += inner.prose;
        self.teasers += inner.teasers;
    }
}

/// A line while it is read.
#[derive(Default)]
struct Run {
    text: String,
    space: bool,
    broken: bool,
    linked: usize,
    /// How much of what is linked leads to another page.
    outward: usize,
    unlinked: usize,
    han: usize,
    stops: bool,
    hidden: bool,
}

impl Run {
    fn push(&mut self, text: &str, linked: bool) -> usize {
        let mut count = 0;
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = true;
                self.broken |= c == '\n';
                continue;
            }
            count += 1;
            if self.text.len() < LINE {
                let before = self.text.chars().next_back().filter(|_| self.space);
                if before.is_some_and(|before| !(self.broken && joins_without_space(before, c))) {
                    self.text.push(' ');
                }
                self.text.push(c);
            }
            (self.space, self.broken) = (false, false);
            if !linked {
                self.han += usize::from(is_han(c));
                self.stops |= is_stop(c) || matches!(c, ',' | '\u{ff0c}' | '、');
            }
        }
        *(if linked { &mut self.linked } else { &mut self.unlinked }) += count;
        count
    }

    fn is_prose(&self) -> bool {
        self.unlinked >= PROSE
            && self.unlinked > self.linked
            && self.stops
            && (self.han * 3 > self.unlinked || self.unlinked >= 4 * PROSE)
            && !is_footer(&self.text)
    }
}

/// Measures all that is visible of a page, bottom-up in one walk.
pub(super) fn measure<'a>(root: ElementRef<'a>, each_line: impl FnMut(PageLine<'a>)) -> Measures {
    let mut measuring = Measuring::new(each_line);
    walk(root, |step| {
        match step {
            Step::Open(element) if is_unseen(element.value().name()) => return false,
            Step::Open(element) => measuring.open(element),
            Step::Text(text) => measuring.text(text),
            Step::Close(element) => measuring.close(element),
        }
        true
    });
    Measures(measuring.measures)
}

/// An element that is open.
struct Open<'a> {
    element: ElementRef<'a>,
    measure: Measure,
    /// Its lines that are links.
    titles: usize,
    /// Its lines that are whole sentences, and those that are cut off or dated as in a list of news.
    lines: (usize, usize),
    /// Its children that hold text and are called as the first of them, and how many of these may be teasers.
    children: (Option<&'a str>, usize, usize),
}

/// A page while it is measured.
struct Measuring<'a, F> {
    measures: ByElement<Measure>,
    open: Vec<Open<'a>>,
    /// The places in `open` of blocks.
    blocks: Vec<usize>,
    /// Of these, those of blocks that hold blocks.
    holders: Vec<usize>,
    /// How many links, links to other pages, headings and hidden elements are open.
    links: usize,
    outward: usize,
    headings: usize,
    hidden: usize,
    run: Run,
    each_line: F,
}

impl<'a, F: FnMut(PageLine<'a>)> Measuring<'a, F> {
    fn new(each_line: F) -> Self {
        Measuring {
            measures: ByElement::default(),
            open: Vec::new(),
            blocks: Vec::new(),
            holders: Vec::new(),
            links: 0,
            outward: 0,
            headings: 0,
            hidden: 0,
            run: Run::default(),
            each_line,
        }
    }

    /// Counts the line that ends here to the blocks that it stands in.
    fn end_line(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.text.is_empty() {
            return;
        }
        let prose = run.is_prose();
        let Some(&block) = self.blocks.last() else { return };
        if prose && let Some(&holder) = self.holders.last() {
            self.open[block].measure.prose += run.unlinked;
            self.open[holder].measure.own += run.unlinked;
        }
        let block = &mut self.open[block];
        block.titles += usize::from(run.outward > run.unlinked && run.outward >= TITLE);
        if run.unlinked > run.linked {
            block.lines.0 += usize::from(run.text.ends_with(['。', '！', '？']));
            block.lines.1 += usize::from(is_cut(&run.text));
        }
        (self.each_line)(PageLine {
            text: run.text,
            block: block.element,
            linked: run.linked > run.unlinked,
            prose,
            shown: !run.hidden,
        });
    }

    /// Whether an element of this name begins a line and ends one: in a heading a break does not.
    fn parts_lines(&self, name: &str) -> bool {
        is_block(name) && !(name == "br" && self.headings > 0)
    }

    fn open(&mut self, element: ElementRef<'a>) {
        let name = element.value().name();
        if self.parts_lines(name) {
            self.end_line();
        } else if name == "br" {
            (self.run.space, self.run.broken) = (true, true);
        } else if stands_apart(element) {
            self.run.space = true;
        }
        self.links += usize::from(is_link(element));
        self.outward += usize::from(leads_away(element));
        self.headings += usize::from(is_heading(name));
        self.hidden += usize::from(is_hidden(element));
        if is_block(name) || self.open.is_empty() {
            self.blocks.push(self.open.len());
        }
        if holds_blocks(name) || self.open.is_empty() {
            self.holders.push(self.open.len());
        }
        self.open.push(Open {
            element,
            measure: Measure::default(),
            titles: 0,
            lines: (0, 0),
            children: (None, 0, 0),
        });
    }

    fn text(&mut self, text: &str) {
        let count = self.run.push(text, self.links > 0);
        self.run.hidden |= self.hidden > 0;
        self.run.outward += if self.outward > 0 { count } else { 0 };
        if let Some(open) = self.open.last_mut() {
            open.measure.all += count;
            open.measure.linked += if self.links > 0 { count } else { 0 };
        }
    }

    fn close(&mut self, element: ElementRef<'a>) {
        let name = element.value().name();
        if self.parts_lines(name) {
            self.end_line();
        }
        self.links -= usize::from(is_link(element));
        self.outward -= usize::from(leads_away(element));
        self.headings -= usize::from(is_heading(name));
        self.hidden -= usize::from(is_hidden(element));
        let Some(mut closed) = self.open.pop() else { return };
        closed.look_for_teasers();
        if self.blocks.last() == Some(&self.open.len()) {
            self.blocks.pop();
        }
        if self.holders.last() == Some(&self.open.len()) {
            self.holders.pop();
        }
        self.measures.insert(key(element), closed.measure);
        if let Some(parent) = self.open.last_mut() {
            parent.take_in(&closed, name);
        }
    }
}

impl<'a> Open<'a> {
    /// Where most of its children are teasers, what they say is no prose.
    fn look_for_teasers(&mut self) {
        let (_, children, teasers) = self.children;
        if teasers >= TEASERS && teasers * 4 >= children * 3 {
            self.measure.is_teasers = true;
            self.measure.teasers += std::mem::take(&mut self.measure.prose);
            self.measure.own = 0;
        }
    }

    /// Counts what a child of this name held.
    fn take_in(&mut self, child: &Open<'a>, name: &'a str) {
        self.measure.add(child.measure);
        self.titles += child.titles;
        self.lines.0 += child.lines.0;
        self.lines.1 += child.lines.1;
        if child.measure.all > 0 && *self.children.0.get_or_insert(name) == name {
            self.children.1 += 1;
            // What whole sentences say below a link is a section of the article, but for items of a list.
            let whole = child.lines.0 > 0 && child.lines.1 == 0 && name != "li";
            let teases = (1..=3).contains(&child.titles) && child.measure.all <= TEASER && !whole;
            self.children.2 += usize::from(teases);
        }
    }
}

/// Whether a line is the beginning of a text that stands elsewhere, or says when that was published.
fn is_cut(line: &str) -> bool {
    let line = line.trim_end_matches(['[', ']', '【', '】', '>', '»', ' ']);
    ["…", "...", "详细", "详情", "全文", "更多"]
        .iter()
        .any(|end| line.ends_with(end))
        || (line.chars().count() <= 2 * PROSE && find_date(line).is_some())
}

/// Whether an element is a link; one that only bears a name to be linked to is none.
fn is_link(element: ElementRef<'_>) -> bool {
    let has = |name: &str| element.value().attrs().any(|(attribute, _)| attribute == name);
    element.value().name() == "a" && (has("href") || !(has("name") || has("id")))
}

/// Whether a link leads to another page, and does not open something on this one.
pub(super) fn leads_away(element: ElementRef<'_>) -> bool {
    let away = |link: &str| !link.trim_start().starts_with('#') && !link.trim_start().starts_with("javascript:");
    element.value().name() == "a"
        && element
            .value()
            .attrs()
            .any(|(name, value)| name == "href" && away(value))
}
