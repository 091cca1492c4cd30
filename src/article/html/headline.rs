//! Which of a page's lines is its title, by what the head states, the page's headings and the lines below them.

use scraper::ElementRef;
use unicode_normalization::UnicodeNormalization;

use crate::text::list_marker;

use super::super::byline::are_offices;
use super::super::layout::COLONS;
use super::credits::{is_dated, is_labelled};
use super::dom::{is_heading, marks};
use super::measure::PageLine;
use super::prompts::greets;

/// The fewest characters of a title.
const MIN_TITLE: usize = 4;
/// The most characters of the mark of a title's kind, and of a site's name.
const MAX_TAG: usize = 4;
pub(super) const MAX_SITE: usize = 20;
/// The most characters of a title that only the page's own words call one.
const MAX_TITLE: usize = 80;

/// What the title of a letter to an office is called in the table that shows it.
const TITLED: [&str; 6] = ["来信标题", "信件标题", "咨询标题", "留言标题", "问题标题", "来信主题"];

/// A title, and which line it is.
type Headline = (Option<String>, Option<usize>);

/// The article's title, and which of the page's lines it is: the longest line that a stated title begins with and that
/// ends where a word of it does, a heading before others; else one that a stated title ends with, a heading that it
/// holds, or what the page itself calls its title above the first paragraph; else the stated title without the site.
/// Where what is stated is the site's name, what stands below it with a day is the title.
pub(super) fn headline(stated: &[&str], lines: &[PageLine<'_>]) -> Headline {
    let page = Lines::new(lines);
    let labelled = page.labelled();
    for stated in stated {
        if let Some(found) = page.of_stated(stated, labelled) {
            return found;
        }
    }
    match page.of_page(stated) {
        Some(at) => page.found(at),
        None => {
            let labelled = labelled.map(|at| lines[at].text.clone());
            let stated = || stated.first().map(|stated| without_site(stated).to_string());
            (labelled.or_else(stated), None)
        }
    }
}

/// A page's lines as titles are looked for among them.
struct Lines<'a> {
    lines: &'a [PageLine<'a>],
    /// Each as [`plain`] gives it, without the mark of its kind.
    plain: Vec<String>,
    /// Which is the first of the text.
    first_prose: usize,
}

impl<'a> Lines<'a> {
    fn new(lines: &'a [PageLine<'a>]) -> Self {
        let first_prose = lines
            .iter()
            .position(|line| line.prose && line.shown && !greets(&line.text))
            .unwrap_or(lines.len());
        Lines {
            lines,
            plain: lines.iter().map(|line| plain(untagged(&line.text))).collect(),
            first_prose,
        }
    }

    /// The name of the element that a line stands in.
    fn element(&self, at: usize) -> &'a str {
        self.lines[at].block.value().name()
    }

    fn is_heading(&self, at: usize) -> bool {
        is_heading(self.element(at))
    }

    /// Whether a line may be a title that nothing states.
    fn may_be(&self, at: usize) -> bool {
        let line = &self.lines[at];
        let length = self.plain[at].chars().count();
        let least = if self.element(at) == "h1" { 1 } else { MIN_TITLE };
        let says_else = is_labelled(&line.text) || is_dated(&line.text) || line.text.contains("://");
        line.shown && !line.linked && !says_else && (least..=MAX_TITLE).contains(&length)
    }

    /// Those of the first lines that may be titles.
    fn candidates(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = usize> {
        (from..to).filter(|&at| self.may_be(at))
    }

    /// By which of several lines is taken: the longest, a heading before others, the first.
    fn worth(&self, at: usize) -> (usize, u8, std::cmp::Reverse<usize>) {
        let level = match self.element(at) {
            "h1" => 3,
            name if is_heading(name) => 2,
            _ => u8::from(!self.lines[at].linked),
        };
        (self.plain[at].chars().count(), level, std::cmp::Reverse(at))
    }

    fn found(&self, at: usize) -> Headline {
        (Some(untagged(&self.lines[at].text).to_string()), Some(at))
    }

    /// The line behind a label that says that it is the title: that of a letter in a table of its fields.
    fn labelled(&self) -> Option<usize> {
        let is_label = |at: usize| {
            let label = self.plain[at].trim_end_matches(COLONS);
            // Without a colon it may be the name of a column.
            TITLED.contains(&label) || (label == "标题" && label.len() < self.plain[at].len())
        };
        let label = (0..self.first_prose).find(|&at| is_label(at));
        label
            .map(|at| at + 1)
            .filter(|&at| at < self.lines.len() && self.may_be(at))
    }

    /// Below the name of a site: a heading, or what a day or a publisher stands below.
    fn below_site(&self, from: usize) -> Option<usize> {
        let dated = |at: usize| {
            let below = self.lines.iter().skip(at + 1).take(2);
            below
                .take_while(|line| !line.prose)
                .any(|line| is_dated(&line.text) || is_labelled(&line.text))
        };
        let long = |at: &usize| self.plain[*at].chars().count() >= 2 * MIN_TITLE;
        let candidates = || {
            let candidates = self.candidates(from, self.first_prose).rev();
            candidates.filter(|&at| !is_site(&self.plain[at]))
        };
        candidates()
            .find(|&at| dated(at) && (long(&at) || self.is_heading(at)))
            .or_else(|| {
                candidates()
                    .filter(long)
                    .find(|&at| self.is_heading(at) || is_called_title(&self.lines[at]))
            })
    }

    /// The title, if a stated one begins or ends with a line.
    fn of_stated(&self, stated: &str, labelled: Option<usize>) -> Option<Headline> {
        let begins = |&at: &usize| {
            let line = &self.lines[at];
            line.shown && begins(stated, &self.plain[at], self.element(at) == "h1")
        };
        let begin = (0..self.lines.len()).filter(begins).max_by_key(|&at| self.worth(at));
        let end = self
            .candidates(0, self.first_prose)
            .filter(|&at| ends(stated, &self.plain[at]) && !is_site(&self.plain[at]))
            .max_by_key(|&at| self.worth(at));
        let Some(begin) = begin else {
            return end.map(|at| self.found(at));
        };
        if is_site(&self.plain[begin]) {
            let title = end.or_else(|| self.below_site(begin + 1));
            return Some(self.found(title.unwrap_or(begin)));
        }
        // The name of another field of a letter that has its title in one: 信件内容.
        if let Some(at) = labelled.filter(|_| self.plain[begin].ends_with("内容")) {
            return Some((Some(self.lines[at].text.clone()), Some(at)));
        }
        Some(self.beginning(stated, begin))
    }

    /// The title, where a stated one begins with a line.
    fn beginning(&self, stated: &str, begin: usize) -> Headline {
        let lines = self.lines;
        // A column's name in a menu is none where a heading below it has a day.
        let is_in_menu = lines[begin].linked && !self.is_heading(begin);
        let dated = |at: &usize| self.is_heading(*at) && lines[*at].block != lines[begin].block;
        if let Some(at) = self.below_site(begin + 1).filter(dated).filter(|_| is_in_menu) {
            return self.found(at);
        }
        // A heading above that holds it says more: 关于印发某办法的通知 above 某办法.
        let holds = |at: &usize| self.element(*at) == "h1" && self.plain[*at].contains(&self.plain[begin]);
        let begin = self.candidates(0, begin).find(holds).unwrap_or(begin);
        // It may be broken over two lines.
        let goes_on = |next: &&PageLine<'_>| {
            let both = || [&*self.plain[begin], &self.plain[begin + 1]].concat();
            next.block == lines[begin].block && begins(stated, &both(), true)
        };
        match lines.get(begin + 1).filter(goes_on) {
            Some(next) => {
                let whole = format!("{} {}", untagged(&lines[begin].text), next.text);
                (Some(whole), Some(begin))
            }
            None => self.found(begin),
        }
    }

    /// The line that the page's own marks make the title, where no stated one is shown.
    fn of_page(&self, stated: &[&str]) -> Option<usize> {
        let (lines, first_prose) = (self.lines, self.first_prose);
        let first = self.candidates(0, lines.len()).find(|&at| self.element(at) == "h1");
        let held = first.filter(|&at| stated.iter().any(|stated| plain(stated).contains(&self.plain[at])));
        let called = || {
            let mut candidates = self.candidates(0, first_prose).rev();
            candidates.find(|&at| is_called_title(&lines[at]))
        };
        // A stated title of which the page shows nothing is a site's or a column's.
        let from = first.filter(|&at| at < first_prose).map_or(0, |at| at + 1);
        let dated = || {
            let at = self.below_site(from)?;
            let next = lines[at + 1..].iter().find(|line| !line.text.contains("://"))?;
            (is_dated(&next.text) || is_labelled(&next.text)).then_some(at)
        };
        held.or_else(called)
            .or_else(dated)
            .or(first.filter(|&at| at < first_prose || stated.is_empty()))
            .or_else(|| self.longer_than(stated.first()?))
    }

    /// A stated title that is shorter than the heading above all others, or than the line in the middle above the text,
    /// is a column's: that line.
    fn longer_than(&self, stated: &str) -> Option<usize> {
        let column = stated.split(['-', '_', '|']).next()?.trim().chars().count();
        let mut headings = self.candidates(0, self.lines.len()).filter(|&at| self.is_heading(at));
        let outer = headings
            .next()
            .filter(|&at| at < self.first_prose && headings.all(|inner| self.element(inner) > self.element(at)));
        let middle = || {
            self.candidates(0, self.first_prose)
                .find(|&at| is_in_middle(self.lines[at].block))
        };
        let says =
            |at: &usize| self.plain[*at].chars().count() > column && list_marker(&self.lines[*at].text).is_none();
        outer.or_else(middle).filter(says)
    }
}

/// Whether a block's words are set in the middle of their line.
fn is_in_middle(block: ElementRef<'_>) -> bool {
    let style = || {
        block
            .attr("style")
            .is_some_and(|style| style.replace(' ', "").contains("text-align:center"))
    };
    block.attr("align") == Some("center") || style()
}

/// Whether a stated title begins with a line (as [`plain`] gives it): at a place where a word of the title ends.
fn begins(stated: &str, line: &str, heading: bool) -> bool {
    if line.is_empty() || (!heading && line.chars().count() < MIN_TITLE) {
        return false;
    }
    let mut line = line.chars().peekable();
    let mut stated = stated.nfkc().flat_map(char::to_lowercase);
    while line.peek().is_some() {
        match stated.next() {
            Some(c) if c.is_whitespace() => {}
            Some(c) if line.peek() == Some(&c) => {
                line.next();
            }
            _ => return false,
        }
    }
    stated.next().is_none_or(|next| !next.is_alphanumeric())
}

/// Whether a stated title ends with a line (as [`plain`] gives it): at a place where a word of the title begins.
fn ends(stated: &str, line: &str) -> bool {
    let stated: Vec<char> = stated.nfkc().flat_map(char::to_lowercase).collect();
    let mut rest = stated.iter().rev();
    for c in line.chars().rev() {
        if rest.by_ref().find(|c| !c.is_whitespace()) != Some(&c) {
            return false;
        }
    }
    rest.next().is_none_or(|before| !before.is_alphanumeric())
}

/// A line without the mark of its kind before it: `[求助] 断缴怎么办`.
pub(super) fn untagged(line: &str) -> &str {
    let rest = line
        .strip_prefix(['[', '【'])
        .and_then(|tag| tag.split_once([']', '】']));
    match rest {
        Some((tag, rest)) if tag.chars().count() <= MAX_TAG && rest.trim().chars().count() >= MIN_TITLE => rest.trim(),
        _ => line,
    }
}

/// Whether a title is only the name of an office or a site.
fn is_site(plain: &str) -> bool {
    let ends = ["网站", "官网", "门户", "网", "平台", "频道", "首页"];
    let names = are_offices(plain) || ends.iter().any(|end| plain.ends_with(end));
    names && plain.chars().count() <= MAX_SITE
}

/// Whether the page's own marks call a line its title.
fn is_called_title(line: &PageLine<'_>) -> bool {
    marks(line.block).any(|word| {
        ["title", "tit", "tt", "biaoti"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name))
    })
}

/// A text as titles are compared: without white space, in one width and case.
pub(super) fn plain(text: &str) -> String {
    text.nfkc()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A title without the names of column and site behind it: `断缴怎么办_医保频道_某网`.
fn without_site(title: &str) -> &str {
    let cut = [" - ", " – ", " — ", " | ", "_", "|"]
        .iter()
        .filter_map(|mark| title.find(mark))
        .min();
    let first = cut.map_or(title, |at| title[..at].trim());
    if first.chars().count() >= MIN_TITLE {
        first
    } else {
        title
    }
}
