//! The lines of a page's article: what of them says only its title, when, by whom and what can be done with it; where
//! the article ends; and the related entries behind it.
//!
//! Only lines that are nothing else are taken, above the first sentence or behind more than half of the prose.

use std::borrow::Cow;
use std::cell::LazyCell;

use crate::model::Article;
use crate::text::Normalized;

use super::super::byline::{behind_day, byline, dateline, is_document_number, next_stamp, signed};
use super::super::layout::COLONS;
use super::super::lines::begins;
use super::super::page::take_related;
use super::super::reading::Reading;
use super::super::site_words::{List, listed};
use super::super::tail::strip_notices;
use super::super::why::Why;
use super::comments::{announces_comments, starts_comments};
use super::credits::{is_byline, is_credit, is_labelled, is_sentence, is_tools, words};
use super::headline::{plain, untagged};
use super::posts::frames;
use super::prompts::{MAX_GREETING, begins_as_prompt, is_offer, is_prompt};

/// How many lines above the first sentence and below the last are looked at.
const EDGE: usize = 15;
/// The longest line that announces what stands behind an article, in characters.
const MAX_ENDING: usize = 16;

/// Comments of readers end an article only below at least this many characters of sentences.
const ARTICLE: usize = 100;

/// The longest question of a page that is answered by what its readers write, in characters of sentences.
const QUESTION: usize = 300;

/// What stands above what is said of the author, which more of the article may follow.
const AUTHOR: &str = "作者简介";
/// What stands behind an article.
const BEHIND: &str = "behind the article";
/// What says below an article when and by whom.
const CREDITS: &str = "credits";

/// A line in parts: the day of an article, and what a page says on the same line behind it without a gap, as it is when
/// spans stand side by side.
fn parted(line: &str) -> [Option<&str>; 2] {
    let dated = || {
        let label = listed(List::LabelDay)
            .iter()
            .find_map(|label| line.strip_prefix(label))?;
        let stamp = next_stamp(line, 0)?;
        let between = &line[line.len() - label.len()..stamp.start];
        let behind = line[stamp.end..].trim_start();
        let is_text = (begins(behind) && !behind.starts_with(['(', '（', '['])) || is_sentence(behind);
        (between.trim_start().starts_with(COLONS) && between.trim().chars().count() == 1 && is_text)
            .then_some(stamp.end)
    };
    match dated() {
        Some(end) => [Some(&line[..end]), Some(line[end..].trim_start())],
        None => [Some(line), None],
    }
}

/// Reads the lines of the article called `title`; `of_posts`: whether the page is known to be one of posts.
pub(super) fn read(lines: &[&str], title: &str, of_posts: bool) -> Reading {
    let top = lines.iter().take(2 * EDGE).flat_map(|line| parted(line)).flatten();
    let lines: Vec<&str> = top.chain(lines.iter().skip(2 * EDGE).copied()).collect();
    let lines = lines.as_slice();
    let mut reading = Reading::default();
    let end = take_related(lines, &mut reading);
    let end = match ending(&lines[..end]) {
        Some((at, reason)) => {
            reading.leave_out(reason, lines[at..end].join("\n"));
            at
        }
        None => end,
    };
    let below = end;
    let edges = Edges::of(lines, strip_notices(lines, below), title);
    let framed = frames(&lines[..below], title.trim_end().ends_with(['？', '?']), of_posts);
    let mut kept = Vec::new();
    // When and by whom, as a line below the article says it.
    let mut credited = None;
    for (at, &line) in lines[..edges.end].iter().enumerate() {
        if let Some(reason) = edges.reason(at, framed[at]) {
            if reason == CREDITS {
                credited = credited.or_else(|| dateline(line));
            }
            reading.leave_out(reason, line);
        } else if let Some(heading) = line.strip_suffix("[编辑]").filter(|line| line.starts_with('#')) {
            reading.leave_out("tools", "[编辑]");
            kept.push(heading.trim_end());
        } else {
            kept.push(line);
        }
    }
    reading.leave_out("notice", lines[edges.end..below].join("\n"));
    let text = kept.join("\n").trim().to_string();
    if !asks(title) && is_error_page(&text) {
        reading.leave_out("error page", text);
        reading
            .rejected
            .insert(0, (0, Why::NoArticle, "says that the page is not there".into()));
    } else if text.is_empty() {
        reading
            .rejected
            .insert(0, (0, Why::Empty, "no text besides a title".into()));
    } else {
        let (credited_by, credited_on) = credited.map_or((None, None), |(by, on)| (by, Some(on)));
        let article = Article {
            title: title.trim().to_string(),
            published: signed(&kept).or(credited_on),
            source: credited_by,
            text,
            ..Article::default()
        };
        reading.articles.insert(0, (0, article));
    }
    reading
}

/// Where the first and the last lines of an article are, among which is what says only when and by whom.
struct Edges<'a> {
    lines: &'a [&'a str],
    /// Where notices begin below the article.
    end: usize,
    /// The lines that are nothing but the title.
    titles: Vec<usize>,
    /// The first of them; 0 if there is none.
    title_line: usize,
    /// A name and a day right below the title are whose it is, though they may be anything elsewhere.
    under_title: Option<usize>,
    /// Behind the last line above the first sentence.
    top: usize,
    /// The first line below the last sentence.
    bottom: usize,
}

impl<'a> Edges<'a> {
    fn of(lines: &'a [&'a str], end: usize, title: &str) -> Self {
        let title_plain = plain(title);
        let is_title =
            |line: &str| !title_plain.is_empty() && plain(untagged(line.trim_start_matches('#').trim())) == title_plain;
        let first: Vec<usize> = (0..end).filter(|&at| !lines[at].trim().is_empty()).take(EDGE).collect();
        // A title may be broken over two lines.
        let broken = first
            .windows(2)
            .find(|two| is_title(&format!("{}{}", untagged(lines[two[0]]), lines[two[1]])));
        let is_title = |at: usize| is_title(lines[at]) || broken.is_some_and(|two| two.contains(&at));
        let titles: Vec<usize> = first.iter().copied().filter(|&at| is_title(at)).collect();
        let title_line = titles.first().copied().unwrap_or(0);
        let under_title = first
            .iter()
            .copied()
            .find(|&at| at > title_line && !titles.contains(&at) && titles.contains(&title_line));
        // What a site says to its readers above the title may be long: `欢迎访问某局门户网站，今天是星期四`.
        let greets =
            |at: usize| at < title_line && !lines[at].contains('。') && lines[at].chars().count() <= MAX_GREETING;
        let top = first
            .iter()
            .take_while(|&&at| !is_sentence(lines[at]) || titles.contains(&at) || greets(at))
            .last()
            .map_or(0, |at| at + 1);
        let bottom = (0..end)
            .rev()
            .filter(|&at| !lines[at].trim().is_empty())
            .take(EDGE)
            .take_while(|&at| !is_sentence(lines[at]) || is_prompt(lines[at]))
            .last()
            .unwrap_or(end);
        Edges {
            lines,
            end,
            titles,
            title_line,
            under_title,
            top,
            bottom,
        }
    }

    /// The lines before and behind one that say something.
    fn around(&self, at: usize) -> [&'a str; 2] {
        let filled = |line: &&&str| !line.trim().is_empty();
        let before = self.lines[..at].iter().rev().find(filled);
        let behind = self.lines[at + 1..self.end].iter().find(filled);
        [before, behind].map(|line| line.map_or("", |line| line))
    }

    /// Why a line is no part of the text, if it is none; `is_framed`: whether it belongs to the frame of a post.
    fn reason(&self, at: usize, is_framed: bool) -> Option<&'static str> {
        let line = self.lines[at];
        let (is_above, is_below) = (at < self.top, at >= self.bottom);
        if is_above && self.titles.contains(&at) {
            Some("title")
        } else if at < self.title_line.min(self.top) && !is_document_number(line) {
            Some("above the title")
        } else if is_above && self.is_dateline(at) {
            Some("dateline")
        } else if is_below && is_labelled(line) {
            Some(CREDITS)
        } else if is_below && (is_prompt(line) || is_end(line) || is_foot(line)) {
            Some(BEHIND)
        } else if is_framed {
            Some("frame of a post")
        } else if is_above && begins_as_prompt(line) {
            Some("prompt")
        } else if is_offer(line) || (is_tools(line) && (is_above || is_below || are_many(line))) {
            Some("tools")
        } else {
            None
        }
    }

    /// Whether a line above the text says only when, by whom and where it was published.
    fn is_dateline(&self, at: usize) -> bool {
        let (line, around) = (self.lines[at], self.around(at));
        !is_of_table(around, line)
            && !ends_validity(line)
            && (is_credit(around, line)
                || is_byline(line)
                || (is_address(line) && !around[0].trim_end().ends_with(COLONS))
                || (Some(at) == self.under_title && (byline(line).is_some() || behind_day(line).is_some())))
    }
}

/// Whether a line is a row of a table in which sentences stand, too: what it says is one of the table's facts.
fn is_of_table(around: [&str; 2], line: &str) -> bool {
    let is_row = |line: &str| line.contains(" | ");
    is_row(line) && around.into_iter().any(|line| is_row(line) && is_sentence(line))
}

/// Whether a line is the page's address, as printed pages show it.
fn is_address(line: &str) -> bool {
    let line = line.trim();
    ["http://", "https://"].iter().any(|start| line.starts_with(start)) && line.is_ascii() && !line.contains(' ')
}

/// Whether a line says when what is published ends, which is no word about its publication.
fn ends_validity(line: &str) -> bool {
    ["失效", "废止", "有效期"].iter().any(|word| line.contains(word))
}

/// Whether a line of tools has so many of them, side by side, that it can be nothing else wherever it stands.
fn are_many(line: &str) -> bool {
    !line.contains('|') && line.split_whitespace().filter(|word| word.chars().count() > 1).count() >= 3
}

/// Whether all that a page says is that it is not there.
fn is_error_page(text: &str) -> bool {
    text.chars().count() <= 80
        && listed(List::MissingPage).iter().any(|words| text.contains(words))
        && !text.lines().any(asks)
}

/// Whether a line asks something, as one of questions and answers does.
fn asks(line: &str) -> bool {
    line.contains(['？', '?']) || listed(List::Question).iter().any(|word| line.contains(word))
}

/// Whether a line says that the article ends.
fn is_end(line: &str) -> bool {
    let word = line.trim_matches(|c: char| !c.is_alphanumeric());
    word.eq_ignore_ascii_case("end") || word == "完" || word == "全文完"
}

/// Whether a line names the page beside this one: `前一篇：生育津贴怎么领`.
fn turns_page(line: &str) -> bool {
    let rest = listed(List::Paging).iter().find_map(|word| line.strip_prefix(word));
    rest.is_some_and(|rest| rest.starts_with(COLONS))
}

/// Whether a line is the last of a site's page, or nothing but words to be found by: `#社保 #医保`.
fn is_foot(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_tag = |word: &str| word.len() > 1 && word.starts_with('#') && !word.starts_with("##");
    let line = line.trim_start();
    listed(List::Foot).iter().any(|word| line.starts_with(word)) || (!line.trim().is_empty() && words.all(is_tag))
}

/// What stands behind the words with which a site's statement begins.
fn stated(line: &str) -> Option<&str> {
    listed(List::Statement)
        .iter()
        .find_map(|words| line.strip_prefix(words))
}

/// Whether a line that begins like an ending may be a heading of the article: it says more than that (`你可能不知道的用法`),
/// or it is that of a box beside news. It is one if sentences follow: links are left out before, so these are the
/// article's.
fn may_go_on(word: &str) -> bool {
    let rest = listed(List::Ending)
        .iter()
        .filter_map(|ending| word.strip_prefix(ending));
    let rest = rest.min_by_key(|rest| rest.len()).unwrap_or("");
    let more =
        rest.starts_with(char::is_alphanumeric) && !listed(List::BehindEnding).iter().any(|word| rest.contains(word));
    more || (rest.is_empty() && word == "相关链接")
}

/// Whether sentences stand below one of the headings in some lines.
fn has_sections(lines: &[&str]) -> bool {
    let mut below = lines.iter().skip_while(|line| !line.starts_with('#'));
    below.any(|line| is_sentence(line))
}

/// Whether a line is the heading of cards: `热门保险产品对比` is one of the article's own.
fn announces_cards(word: &str) -> bool {
    let mut behind = listed(List::Cards).iter().filter_map(|cards| word.strip_prefix(cards));
    behind.any(|behind| matches!(behind, "" | "推荐" | "排行" | "排行榜" | "榜" | "更多" | "专区"))
}

/// For each line whether it or one behind it is a sentence, before a site's statement or what readers wrote.
fn sentences_follow(lines: &[&str]) -> Vec<bool> {
    let mut follows = vec![false; lines.len() + 1];
    for (at, line) in lines.iter().enumerate().rev() {
        let ends = || stated(words(line)).is_some() || announces_comments(words(line));
        let tells = || is_sentence(line) && !is_prompt(line) && !is_labelled(line);
        follows[at] = !ends() && (follows[at + 1] || tells());
    }
    follows
}

/// Whether the lines below a heading such as `免责声明` are the article's, as those of a policy's clauses are: sentences
/// up to the next heading, none of which speaks of a site and its articles.
fn is_of_article(below: &[&str]) -> bool {
    let section = || below.iter().take_while(|line| !line.starts_with('#'));
    let of_site = |line: &&&str| listed(List::StatementWords).iter().any(|word| line.contains(word));
    section().any(|line| is_sentence(line)) && section().find(of_site).is_none()
}

/// Where the lines behind an article begin and what they are, if they do: at a short line that announces them below
/// half of the prose, or that announces what readers wrote below some of it; a site's statement may be longer.
fn ending(lines: &[&str]) -> Option<(usize, &'static str)> {
    let weight = |line: &&str| if is_sentence(line) { line.chars().count() } else { 0 };
    let total: usize = lines.iter().map(weight).sum();
    let (mut above, mut asked) = (0, false);
    let follows = LazyCell::new(|| sentences_follow(lines));
    for (at, line) in lines.iter().enumerate() {
        let word = words(line);
        let short = word.chars().count() <= MAX_ENDING;
        // The words are listed in simplified characters.
        let word = if short {
            Cow::Owned(Normalized::new(word).text)
        } else {
            Cow::Borrowed(word)
        };
        let announces = |endings: &[&str]| endings.iter().any(|ending| word.starts_with(ending));
        let half = above > 0 && above * 2 >= total;
        // A heading that goes on (`特别声明事项`) is one of the article.
        let states = || !short || stated(&word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        let is_short_question = || asked && above <= QUESTION;
        if half
            && ((announces(listed(List::Statement)) && states() && !(short && is_of_article(&lines[at + 1..])))
                || (short
                    && announces(listed(List::Ending))
                    && !(may_go_on(&word) && follows[at + 1])
                    && !(word == AUTHOR && has_sections(&lines[at + 1..])))
                || (short && announces_cards(&word) && !follows[at + 1])
                || turns_page(&word))
        {
            return Some((at, BEHIND));
        }
        let is_of_readers = (above > 0 && announces_comments(&word)) || (above >= ARTICLE && starts_comments(&word));
        if short && is_of_readers && !is_short_question() {
            return Some((at, "comments"));
        }
        above += weight(line);
        asked |= is_sentence(line) && line.trim_end().ends_with(['？', '?']);
    }
    None
}
