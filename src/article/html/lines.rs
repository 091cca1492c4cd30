//! The lines of a page's article: what of them says only its title, when, by whom and what can be done with it; where
//! the article ends; and the related entries behind it.
//!
//! Only lines that are nothing else are taken, above the first sentence or behind more than half of the prose.

use crate::model::Article;

use super::super::byline::{are_offices, behind_day, byline, dateline, is_document_number, next_stamp, signed};
use super::super::layout::COLONS;
use super::super::lines::begins;
use super::super::page::take_related;
use super::super::reading::Reading;
use super::super::site_words::{List, listed};
use super::super::tail::strip_notices;
use super::super::why::Why;
use super::credits::{is_byline, is_credit, is_labelled, is_sentence, is_tools};
use super::endings::{BEHIND, ending};
use super::headline::{plain, untagged};
use super::posts::frames;
use super::prompts::{MAX_GREETING, begins_as_prompt, is_offer, is_prompt};

/// How many lines above the first sentence and below the last are looked at.
const EDGE: usize = 15;
/// The longest line in which a site claims its rights, in characters.
const MAX_FOOT: usize = 60;

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
        let is_title = |line: &str| {
            let named = ["信件标题 | ", "来信标题 | ", "标题 | "]
                .iter()
                .find_map(|name| line.strip_prefix(name));
            let line = named.unwrap_or_else(|| untagged(line.trim_start_matches('#').trim()));
            !title_plain.is_empty() && plain(line) == title_plain
        };
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
        } else if (is_below && is_labelled(line)) || is_row_of_letter(line) {
            Some(CREDITS)
        } else if is_below && (is_prompt(line) || is_end(line) || is_foot(line)) {
            Some(BEHIND)
        } else if is_framed {
            Some("frame of a post")
        } else if is_above && begins_as_prompt(line) {
            Some("prompt")
        } else if is_advert(line) {
            Some("advertisement")
        } else if is_offer(line) || (is_tools(line) && (is_above || is_below || are_many(line))) || self.edits(at) {
            Some("tools")
        } else {
            None
        }
    }

    /// Whether a line is the tools of a wiki's section, `编辑` among them, right below its heading.
    fn edits(&self, at: usize) -> bool {
        let line = self.lines[at].trim();
        line.starts_with("编辑") && line != "编辑" && is_tools(line) && self.around(at)[0].starts_with('#')
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

/// Whether a line is a row of what a letter to an office has as its head and the answer as its: two names or more, each
/// with a value, all of them such as letters have. One alone may be a row of a table, and so may names without a day or
/// a number behind those that have one.
fn is_row_of_letter(line: &str) -> bool {
    let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let names = cells.iter().step_by(2);
    let is_name = |cell: &&str| listed(List::LabelOfLetter).contains(cell);
    let fits = |pair: &[&str]| match pair {
        [name, value] if name.contains("时间") || name.contains("日期") => next_stamp(value, 0).is_some(),
        [name, value] if name.contains("编号") => value.contains(|c: char| c.is_ascii_digit()),
        _ => true,
    };
    cells.len() >= 4
        && cells.len().is_multiple_of(2)
        && names.clone().all(is_name)
        && !cells.iter().skip(1).step_by(2).any(is_name)
        && cells.chunks(2).all(fits)
        && names.clone().any(|name| name.contains('信') || name.contains('复'))
}

/// Whether a line says of itself that it is an advertisement: `广告 · 0元领取`. That of a treatise goes on in words.
fn is_advert(line: &str) -> bool {
    let behind = line.strip_prefix("广告").map(str::trim_start);
    behind.is_some_and(|behind| behind.starts_with(['·', '|', '丨'])) && !line.contains('。') && !line.contains(" | ")
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

/// Whether a line is the last of a site's page, or nothing but words to be found by: `#社保 #医保`.
fn is_foot(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_tag = |word: &str| word.len() > 1 && word.starts_with('#') && !word.starts_with("##");
    let line = line.trim_start();
    let letters = || line.chars().filter(|c| c.is_alphabetic()).take(4);
    let claims = || line.contains('©') && line.chars().count() <= MAX_FOOT && !line.contains('。');
    // What is held by an office (`讲座由某协会主办`) is none of its pages.
    let keeps = || !line.contains('由') && line.trim_end().strip_suffix("主办").is_some_and(are_offices);
    listed(List::Foot).iter().any(|word| line.starts_with(word))
        || (!line.trim().is_empty() && words.all(is_tag))
        || letters().eq("分隔线".chars())
        || claims()
        || keeps()
}

#[cfg(test)]
mod tests {
    use super::super::rules_tests::{block, check_parts};
    use super::super::tests::PROSE;

    #[test]
    fn a_reporters_question_is_text_and_his_name_is_none() {
        let asked = "记者：为什么要专门制定办法？";
        let body = format!("<h1>断缴补缴怎么办</h1><p>编辑：丁一 审核：卢森</p><p>{asked}</p>{PROSE}");
        check_parts(&body, &[asked], &[("dateline", "丁一")]);
    }

    #[test]
    fn tools_of_a_wikis_section_stand_below_its_heading() {
        check_parts(
            &block("<h2>材料</h2><div>编辑播报</div><p>身份证。</p>"),
            &["材料"],
            &[("tools", "编辑播报")],
        );
        check_parts(
            &block("<h2>材料</h2><div>编辑</div><p>写好的书稿。</p>"),
            &["编辑"],
            &[],
        );
        let box_of_links =
            "<table class=navbox><tr><th>基本</th><td><a href=1>职工</a> <a href=2>居民</a></td></tr></table>";
        check_parts(&block(box_of_links), &[], &[("navigation", "职工")]);
    }

    #[test]
    fn the_head_of_a_letter_in_rows_says_only_whose_it_is() {
        let table = |rows: &str| {
            block(&format!(
                "<table>{rows}<tr><td>来信内容</td><td colspan=3>能补缴吗？</td></tr></table>"
            ))
        };
        let head = "<tr><td>信件编号</td><td>LL2023</td><td>来信时间</td><td>2023-04-17</td></tr>";
        check_parts(&table(head), &["能补缴吗？"], &[("credits", "LL2023")]);
        // One name alone, the names of columns, other names.
        for kept in [
            "<tr><td>答复单位</td><td colspan=3>市局</td></tr>",
            "<tr><td>信件编号</td><td>来信时间</td><td>答复单位</td><td>办理状态</td></tr>",
            "<tr><td>缴费档次</td><td>三档</td><td>来信时间</td><td>四月</td></tr>",
            "<tr><td>信件编号</td><td>信件标题</td><td>来信时间</td><td>回复情况</td></tr>",
            "<tr><td>编号</td><td>标题</td><td>来信时间</td><td>点击数</td></tr>",
        ] {
            let words = kept.split(['<', '>']).nth(4).unwrap();
            check_parts(&table(kept), &[words], &[]);
        }
    }

    #[test]
    fn last_lines_claim_a_sites_rights_and_advertisements_name_themselves() {
        for foot in [
            "青禾保险网 联系站长 © 2006",
            "青禾市人民政府办公室主办",
            "------分隔线------",
        ] {
            check_parts(
                &block(&format!("<div>{foot}</div>")),
                &[],
                &[("behind the article", foot)],
            );
        }
        check_parts(
            &block("<p>广告 · 0元领取家庭保障方案</p>"),
            &[],
            &[("advertisement", "0元")],
        );
        for kept in [
            "由会员单位主办",
            "本次讲座由青禾市社会保险协会主办",
            "广告费按收入的一成五扣除",
        ] {
            check_parts(&block(&format!("<p>{kept}</p>")), &[kept], &[]);
        }
    }
}
