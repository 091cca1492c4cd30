//! What a page says of its article: title, day, publisher, address, from its head and from the lines between its
//! title and its first paragraph. Each is found for itself: what one fails at costs the others nothing.

use scraper::ElementRef;

use crate::model::Date;

use super::super::byline::{behind_day, find_date, source_name};
use super::super::layout::COLONS;
use super::credits::is_tools;
use super::dom::{Step, marks, walk, words};
use super::headline::{MAX_SITE, headline};
use super::measure::PageLine;
use super::published::{DayOf, near, shown};
use super::publisher::{answered, named_before_day, stated_source};
use super::stated::{Stated, date_in_url, linked_data_date, linked_data_publisher, script_date, stated_date};

/// How much of a title is looked at that the head states, in characters: it is compared with every line.
const MAX_STATED: usize = 500;

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
    /// The publisher in linked data, which mostly is the site.
    publisher: Option<String>,
    pub(super) site: Option<String>,
    pub(super) url: Option<String>,
}

impl About {
    pub(super) fn of(root: ElementRef<'_>) -> About {
        let mut found = PageHead::default();
        walk(root, |step| {
            if let Step::Open(element) = step {
                found.read(element);
            }
            true
        });
        let PageHead {
            mut about,
            og_url,
            account,
            marked,
        } = found;
        about.titles = about.titles.map(|title| {
            let title = title.filter(|title| !title.is_empty())?;
            Some(title.chars().take(MAX_STATED).collect())
        });
        about.site = account.or(about.site).or(about.publisher.take());
        // Where there are several, each is that of another entry.
        about.marked = Some(marked)
            .and_then(|marked| <[String; 1]>::try_from(marked).ok())
            .and_then(|[name]| source_name(&name))
            // `阅读原文` is a link to it.
            .filter(|name| !is_tools(name));
        about.url = about.url.or(og_url).filter(|url| url.starts_with("http"));
        about
    }

    /// What a script says: linked data, or the day that it would show.
    fn read_script(&mut self, script: ElementRef<'_>) {
        let said = script.text().collect::<String>();
        if script.attr("type").is_some_and(|kind| kind.ends_with("ld+json")) {
            self.published = self.published.or_else(|| linked_data_date(&said));
            self.publisher = self.publisher.take().or_else(|| linked_data_publisher(&said));
        } else {
            self.scripted = self.scripted.or_else(|| script_date(&said));
        }
    }

    /// The article's title, and which of the page's lines it is; see [`headline`].
    pub(super) fn title(&self, lines: &[PageLine<'_>]) -> (Option<String>, Option<usize>) {
        let stated: Vec<&str> = self.titles.iter().flatten().map(String::as_str).collect();
        headline(&stated, lines)
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
            .or_else(|| {
                near(lines, title)
                    .iter()
                    .find_map(|&at| named_before_day(&lines[at].text))
            })
            .or_else(|| answered(lines))
            .or_else(|| self.marked.clone().filter(|name| is_near(name)));
        (date, shown.written, source)
    }
}

/// What is found in one walk through a page.
#[derive(Default)]
struct PageHead {
    about: About,
    og_url: Option<String>,
    /// The account of a page that many publish on.
    account: Option<String>,
    /// What blocks that are called so name as the source, two at most.
    marked: Vec<String>,
}

impl PageHead {
    /// Takes in what an element says of the page.
    fn read(&mut self, element: ElementRef<'_>) {
        let about = &mut self.about;
        match element.value().name() {
            "meta" => self.read_meta(element),
            "title" => about.titles[2] = about.titles[2].take().or_else(|| Some(words(element))),
            "link" if element.attr("rel") == Some("canonical") => {
                about.url = about.url.take().or_else(|| element.attr("href").map(str::to_string));
            }
            "script" => about.read_script(element),
            "span" | "a" | "strong" if names_account(element) => {
                let name = element.text().map(str::trim).find(|text| !text.is_empty());
                self.account = self.account.take().or_else(|| source_name(name?));
            }
            "span" | "a" | "em" | "i" | "p" | "div" if marks(element).any(|mark| mark == "source") => {
                let name = words(element);
                let is_name = !name.contains(COLONS) && !name.contains(|c: char| c.is_ascii_digit());
                let marked = &mut self.marked;
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
    }

    fn read_meta(&mut self, element: ElementRef<'_>) {
        let about = &mut self.about;
        let key = ["property", "name", "itemprop"]
            .iter()
            .find_map(|&name| element.attr(name));
        let content = element
            .attr("content")
            .map(str::trim)
            .filter(|content| !content.is_empty());
        let (Some(key), Some(content)) = (key, content) else {
            return;
        };
        let kept = || Some(content.to_string());
        match key.trim().to_ascii_lowercase().as_str() {
            "articletitle" => about.titles[0] = about.titles[0].take().or_else(kept),
            "og:title" => about.titles[1] = about.titles[1].take().or_else(kept),
            "og:site_name" | "sitename" => about.site = about.site.take().or_else(kept),
            "source" | "contentsource" | "mediaid" | "dc.publisher" => {
                about.source = about.source.take().or_else(kept);
            }
            "og:url" => self.og_url = kept(),
            key => match stated_date(key) {
                Some(Stated::Publication) => about.published = about.published.or_else(|| find_date(content)),
                Some(Stated::Change) => about.updated = about.updated.or_else(|| find_date(content)),
                None => {}
            },
        }
    }
}

/// Whether an element bears the name of the account that a page is of.
fn names_account(element: ElementRef<'_>) -> bool {
    let is_marked = |word: &&str| marks(element).any(|mark| mark == *word);
    element.value().id() == Some("js_name") || ["meta", "nickname"].iter().all(is_marked)
}
