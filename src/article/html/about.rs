//! What a page says of its article: title, day, publisher, address, from its head and its `<time>`.

use scraper::ElementRef;

use crate::model::Date;

use super::super::byline::find_date;
use super::{Step, walk, words};

/// What a page's head says of the article.
#[derive(Debug, Default)]
pub(super) struct About {
    og_title: Option<String>,
    title: Option<String>,
    pub(super) published: Option<Date>,
    pub(super) source: Option<String>,
    pub(super) site: Option<String>,
    pub(super) url: Option<String>,
}

impl About {
    pub(super) fn of(root: ElementRef<'_>) -> About {
        let mut about = About::default();
        let mut time = None;
        let mut og_url = None;
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
                            "og:title" => about.og_title = about.og_title.take().or_else(kept),
                            "og:site_name" | "sitename" => about.site = about.site.take().or_else(kept),
                            "source" | "contentsource" | "dc.publisher" => {
                                about.source = about.source.take().or_else(kept);
                            }
                            "og:url" => og_url = kept(),
                            "article:published_time"
                            | "pubdate"
                            | "publishdate"
                            | "publish_date"
                            | "publish_time"
                            | "publication_date"
                            | "datepublished"
                            | "og:release_date"
                            | "dc.date"
                            | "dc.date.issued"
                            | "dcterms.issued"
                            | "firstpublishtime"
                            | "date" => {
                                about.published = about.published.or_else(|| find_date(content));
                            }
                            _ => {}
                        }
                    }
                }
                "title" if about.title.is_none() => about.title = Some(words(element)),
                "link" if element.attr("rel") == Some("canonical") => {
                    about.url = about.url.take().or_else(|| element.attr("href").map(str::to_string));
                }
                "time" if time.is_none() => {
                    let shown = element
                        .attr("datetime")
                        .map(str::to_string)
                        .unwrap_or_else(|| words(element));
                    time = find_date(&shown);
                }
                _ => {}
            }
            true
        });
        about.published = about.published.or(time);
        about.url = about.url.or(og_url).filter(|url| url.starts_with("http"));
        about
    }

    /// The article's title: the page's heading where its title agrees or is missing, else the title without the site.
    pub(super) fn title(&self, heading: Option<&str>) -> Option<String> {
        let stated = self
            .og_title
            .as_deref()
            .or(self.title.as_deref())
            .map(str::trim)
            .filter(|title| !title.is_empty());
        match (heading, stated) {
            (Some(heading), None) => Some(heading.to_string()),
            (Some(heading), Some(stated)) if stated.contains(heading) => Some(heading.to_string()),
            (_, Some(stated)) => Some(without_site(stated).to_string()),
            (None, None) => None,
        }
    }
}

/// A title without the names of column and site behind it: `断缴怎么办_医保频道_某网`.
fn without_site(title: &str) -> &str {
    let cut = [" - ", " – ", " — ", " | ", "_", "|"]
        .iter()
        .filter_map(|mark| title.find(mark))
        .min();
    let first = cut.map_or(title, |at| title[..at].trim());
    if first.chars().count() >= 4 { first } else { title }
}
