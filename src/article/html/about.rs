//! What a page says of its article: title, day, publisher, address, from its head and from the lines between its
//! title and its first paragraph. Each is found for itself: what one fails at costs the others nothing.

use scraper::ElementRef;
use unicode_normalization::UnicodeNormalization;

use crate::model::Date;
use crate::text::list_marker;

use super::super::byline::{are_offices, behind_day, find_date, source_name};
use super::super::layout::COLONS;
use super::credits::{is_dated, is_labelled};
use super::dom::{Step, is_heading, marks, walk, words};
use super::measure::PageLine;
use super::prompts::greets;
use super::published::{DayOf, near, shown};
use super::publisher::{answered, stated_source};
use super::stated::{Stated, date_in_url, linked_data_date, script_date, stated_date};

/// The fewest characters of a title.
const MIN_TITLE: usize = 4;
/// The most characters of the mark of a title's kind, and of a site's name.
const MAX_TAG: usize = 4;
const MAX_SITE: usize = 20;
/// The most characters of a title that only the page's own words call one.
const MAX_TITLE: usize = 80;
/// How much of a title is looked at that the head states, in characters: it is compared with every line.
const MAX_STATED: usize = 500;

/// What the title of a letter to an office is called in the table that shows it.
const TITLED: [&str; 6] = ["来信标题", "信件标题", "咨询标题", "留言标题", "问题标题", "来信主题"];

/// What a page's head says of the article.
#[derive(Debug, Default)]
pub(super) struct About {
    /// Titles as the head states them, the most telling first.
    titles: [Option<String>; 3],
    published: Option<Date>,
    updated: Option<Date>,
    time: Option<Date>,
    scripted: Option<Date>,
    source: Option<String>,
    /// What the page's only block that is called so names.
    marked: Option<String>,
    pub(super) site: Option<String>,
    pub(super) url: Option<String>,
}

impl About {
    pub(super) fn of(root: ElementRef<'_>) -> About {
        let mut about = About::default();
        let (mut og_url, mut account) = (None, None);
        let mut marked: Vec<String> = Vec::new();
        walk(root, |step| {
            let Step::Open(element) = step else { return true };
            match element.value().name() {
                "meta" => {
                    let key = ["property", "name", "itemprop"]
                        .iter()
                        .find_map(|&name| element.attr(name));
                    let content = element
                        .attr("content")
                        .map(str::trim)
                        .filter(|content| !content.is_empty());
                    if let (Some(key), Some(content)) = (key, content) {
                        let kept = || Some(content.to_string());
                        match key.trim().to_ascii_lowercase().as_str() {
                            "articletitle" => about.titles[0] = about.titles[0].take().or_else(kept),
                            "og:title" => about.titles[1] = about.titles[1].take().or_else(kept),
                            "og:site_name" | "sitename" => about.site = about.site.take().or_else(kept),
                            "source" | "contentsource" | "mediaid" | "dc.publisher" => {
                                about.source = about.source.take().or_else(kept);
                            }
                            "og:url" => og_url = kept(),
                            key => match stated_date(key) {
                                Some(Stated::Publication) => {
                                    about.published = about.published.or_else(|| find_date(content))
                                }
                                Some(Stated::Change) => about.updated = about.updated.or_else(|| find_date(content)),
                                None => {}
                            },
                        }
                    }
                }
                "title" => about.titles[2] = about.titles[2].take().or_else(|| Some(words(element))),
                "link" if element.attr("rel") == Some("canonical") => {
                    about.url = about.url.take().or_else(|| element.attr("href").map(str::to_string));
                }
                "script" => about.read_script(element),
                // The account of a page that many publish on.
                "span" | "a" | "strong"
                    if element.value().id() == Some("js_name")
                        || ["meta", "nickname"]
                            .iter()
                            .all(|word| marks(element).any(|mark| mark == *word)) =>
                {
                    let name = element.text().map(str::trim).find(|text| !text.is_empty());
                    account = account.take().or_else(|| source_name(name?));
                }
                "span" | "a" | "em" | "i" | "p" | "div" if marks(element).any(|mark| mark == "source") => {
                    let name = words(element);
                    let is_name = !name.contains(COLONS) && !name.contains(|c: char| c.is_ascii_digit());
                    if marked.len() < 2 && is_name && name.chars().count() <= MAX_SITE && !marked.contains(&name) {
                        marked.push(name);
                    }
                }
                "time" if about.time.is_none() => {
                    let shown = element
                        .attr("datetime")
                        .map(str::to_string)
                        .unwrap_or_else(|| words(element));
                    about.time = find_date(&shown);
                }
                _ => {}
            }
            true
        });
        about.titles = about.titles.map(|title| {
            let title = title.filter(|title| !title.is_empty())?;
            Some(title.chars().take(MAX_STATED).collect())
        });
        about.site = account.or(about.site);
        // Where there are several, each is that of another entry.
        about.marked = Some(marked)
            .and_then(|marked| <[String; 1]>::try_from(marked).ok())
            .and_then(|[name]| source_name(&name));
        about.url = about.url.or(og_url).filter(|url| url.starts_with("http"));
        about
    }

    /// What a script says: linked data, or the day that it would show.
    fn read_script(&mut self, script: ElementRef<'_>) {
        let said = script.text().collect::<String>();
        if script.attr("type").is_some_and(|kind| kind.ends_with("ld+json")) {
            self.published = self.published.or_else(|| linked_data_date(&said));
        } else {
            self.scripted = self.scripted.or_else(|| script_date(&said));
        }
    }

    /// The article's title, and which of the page's lines it is: the longest line that a stated title begins with and
    /// that ends where a word of it does, a heading before others; else one that a stated title ends with, a heading
    /// that it holds, or what the page itself calls its title above the first paragraph; else the stated title without
    /// the site. Where what is stated is the site's name, what stands below it with a day is the title.
    pub(super) fn title(&self, lines: &[PageLine<'_>]) -> (Option<String>, Option<usize>) {
        let heading = |at: usize| lines[at].block.value().name();
        let stated: Vec<&String> = self.titles.iter().flatten().collect();
        let plain: Vec<String> = lines.iter().map(|line| plain(untagged(&line.text))).collect();
        let first_prose = lines
            .iter()
            .position(|line| line.prose && line.shown && !greets(&line.text))
            .unwrap_or(lines.len());
        let own = |at: &usize| {
            let line = &lines[*at];
            let length = plain[*at].chars().count();
            let least = if heading(*at) == "h1" { 1 } else { MIN_TITLE };
            let says_else = is_labelled(&line.text) || is_dated(&line.text) || line.text.contains("://");
            line.shown && !line.linked && !says_else && (least..=MAX_TITLE).contains(&length)
        };
        let level = |at: usize| match heading(at) {
            "h1" => 3,
            name if is_heading(name) => 2,
            _ => u8::from(!lines[at].linked),
        };
        let longest = |at: &usize| (plain[*at].chars().count(), level(*at), std::cmp::Reverse(*at));
        let found = |at: usize| (Some(untagged(&lines[at].text).to_string()), Some(at));
        // Below the name of a site: a heading, or what a day or a publisher stands below.
        let below_site = |from: usize| {
            let dated = |at: usize| {
                let below = lines.iter().skip(at + 1).take(2);
                below
                    .take_while(|line| !line.prose)
                    .any(|line| is_dated(&line.text) || is_labelled(&line.text))
            };
            let long = |at: &usize| plain[*at].chars().count() >= 2 * MIN_TITLE;
            let candidates = || (from..first_prose).rev().filter(own).filter(|&at| !is_site(&plain[at]));
            candidates()
                .find(|&at| dated(at) && (long(&at) || is_heading(heading(at))))
                .or_else(|| {
                    candidates()
                        .filter(long)
                        .find(|&at| is_heading(heading(at)) || is_called_title(&lines[at]))
                })
        };
        let is_label = |at: usize| {
            let label = plain[at].trim_end_matches(COLONS);
            // Without a colon it may be the name of a column.
            TITLED.contains(&label) || (label == "标题" && label.len() < plain[at].len())
        };
        let label = (0..first_prose).find(|&at| is_label(at));
        let labelled = label.map(|at| at + 1).filter(|at| *at < lines.len() && own(at));
        let labelled = labelled.map(|at| lines[at].text.clone());
        for stated in &stated {
            let begin = (0..lines.len())
                .filter(|&at| lines[at].shown && begins(stated, &plain[at], heading(at) == "h1"))
                .max_by_key(longest);
            let end = (0..first_prose)
                .filter(own)
                .filter(|&at| ends(stated, &plain[at]) && !is_site(&plain[at]))
                .max_by_key(longest);
            match (begin, end) {
                (Some(begin), end) if is_site(&plain[begin]) => {
                    return found(end.or_else(|| below_site(begin + 1)).unwrap_or(begin));
                }
                // The name of another field of a letter that has its title in one: 信件内容.
                (Some(begin), _) if labelled.is_some() && plain[begin].ends_with("内容") => {
                    return (labelled, label.map(|at| at + 1));
                }

                (Some(begin), _) => {
                    // A column's name in a menu is none where a heading below it has a day.
                    let is_in_menu = lines[begin].linked && !is_heading(heading(begin));
                    let dated = |at: &usize| is_heading(heading(*at)) && lines[*at].block != lines[begin].block;
                    if let Some(at) = below_site(begin + 1).filter(dated).filter(|_| is_in_menu) {
                        return found(at);
                    }
                    // A heading above that holds it says more: 关于印发某办法的通知 above 某办法.
                    let holds = |at: &usize| heading(*at) == "h1" && plain[*at].contains(&plain[begin]);
                    let begin = (0..begin).filter(own).find(holds).unwrap_or(begin);
                    // It may be broken over two lines.
                    let goes_on = |next: &&PageLine<'_>| {
                        next.block == lines[begin].block
                            && begins(stated, &[&*plain[begin], &plain[begin + 1]].concat(), true)
                    };
                    return match lines.get(begin + 1).filter(goes_on) {
                        Some(next) => (
                            Some(format!("{} {}", untagged(&lines[begin].text), next.text)),
                            Some(begin),
                        ),
                        None => found(begin),
                    };
                }
                (None, Some(end)) => return found(end),
                (None, None) => {}
            }
        }
        let first = (0..lines.len()).filter(own).find(|&at| heading(at) == "h1");
        let held = first.filter(|&at| stated.iter().any(|stated| self::plain(stated).contains(&plain[at])));
        let called = || {
            (0..first_prose)
                .rev()
                .filter(own)
                .find(|&at| is_called_title(&lines[at]))
        };
        // A stated title of which the page shows nothing is a site's or a column's.
        let from = first.filter(|&at| at < first_prose).map_or(0, |at| at + 1);
        let dated = || {
            let at = below_site(from)?;
            let next = lines[at + 1..].iter().find(|line| !line.text.contains("://"))?;
            (is_dated(&next.text) || is_labelled(&next.text)).then_some(at)
        };
        // A stated title that is shorter than the heading above all others, or than the line in the middle above the
        // text, is a column's.
        let longer = || {
            let column = stated.first()?.split(['-', '_', '|']).next()?.trim().chars().count();
            let mut headings = (0..lines.len()).filter(own).filter(|&at| is_heading(heading(at)));
            let outer = headings
                .next()
                .filter(|&at| at < first_prose && headings.all(|inner| heading(inner) > heading(at)));
            let middle = || (0..first_prose).filter(own).find(|&at| is_in_middle(lines[at].block));
            let says = |at: &usize| plain[*at].chars().count() > column && list_marker(&lines[*at].text).is_none();
            outer.or_else(middle).filter(says)
        };
        match held
            .or_else(called)
            .or_else(dated)
            .or(first.filter(|&at| at < first_prose || stated.is_empty()))
            .or_else(longer)
        {
            Some(at) => found(at),
            None => {
                let stated = || stated.first().map(|stated| without_site(stated).to_string());
                (labelled.or_else(stated), None)
            }
        }
    }

    /// When the article was published, when it was written, and by whom: by the head, by the lines around its title, or
    /// by a line elsewhere that says nothing else.
    pub(super) fn published(
        &self,
        lines: &[PageLine<'_>],
        title: Option<usize>,
    ) -> (Option<Date>, Option<Date>, Option<String>) {
        let shown = shown(lines, title);
        let near_day = |day: DayOf| shown.near[day as usize];
        let date = self
            .published
            .or_else(|| near_day(DayOf::Publication))
            .or_else(|| near_day(DayOf::Unsaid))
            .or(self.time)
            .or(shown.elsewhere)
            .or(self.updated)
            .or_else(|| near_day(DayOf::Change))
            .or_else(|| self.url.as_deref().and_then(date_in_url))
            .or(self.scripted);
        // Beside the article it is another entry's.
        let is_near = |name: &str| near(lines, title).iter().any(|&at| lines[at].text.contains(name));
        let source = self
            .source
            .clone()
            .or_else(|| near(lines, title).iter().find_map(|&at| stated_source(&lines[at].text)))
            .or_else(|| near(lines, title).iter().find_map(|&at| behind_day(&lines[at].text)))
            .or_else(|| answered(lines))
            .or_else(|| self.marked.clone().filter(|name| is_near(name)));
        (date, shown.written, source)
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
