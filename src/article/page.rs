//! Plain text, and crawled pages saved as plain text: which lines are the article and which are what a site puts
//! around it.
//!
//! A page is recognised by its structure, never by its name or its site, and by several signs together: a list of
//! related entries (title, summary, `publisher date`) behind a line such as 相关推荐, or a run of link titles, each with
//! a time stamp and its column, below a notice of the site. From a text that is no such page nothing is taken but its
//! title. What is kept is kept to the letter, but for white space at both ends of a title and of a text.

use std::collections::HashMap;

use crate::model::{Article, ArticleKind, Date};

use super::byline::{byline, dateline, next_stamp, signature};
use super::credit_lines::{says_only_when, stated};
use super::layout::{COLONS, is_han};
use super::letter;
use super::lines;
use super::page_numbers::page_numbers;
use super::reading::Reading;
use super::site_words::{List, listed};
use super::tail::{is_footer, is_notice, is_rule, strip_notices, tail};
use super::title::{MAX_TITLE, below_letterhead, lines_behind, looks_like_title};
use super::why::Why;

/// How many lines a letter's signature has at most, and how many characters.
const MAX_SIGNATURE: usize = 10;
const MAX_SIGNATURE_CHARS: usize = 400;

/// Reads plain text. `name` is the title of a text that has none of its own.
pub(super) fn read(text: &str, name: &str) -> Reading {
    let mut lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let numbers = page_numbers(&lines);
    let numbered: Vec<&str> = numbers
        .iter()
        .map(|&at| std::mem::take(&mut lines[at]).trim())
        .collect();
    let mut reading = match letter::head(&lines) {
        Some(head) => read_letter(&lines, &head, name),
        None => read_lines(&lines, name),
    };
    reading.leave_out("page number", numbered.join("\n"));
    reading
}

/// Reads a letter with its subject as the title of what stands below its head.
fn read_letter(lines: &[&str], head: &letter::Head<'_>, name: &str) -> Reading {
    // Two hyphens stand above a signature, which says the same below each letter and is short.
    let is_signature = |at: &usize| {
        let below = lines[*at..].iter().map(|line| line.trim());
        let filled = below.clone().filter(|line| !line.is_empty()).count();
        filled <= MAX_SIGNATURE && below.map(|line| line.chars().count()).sum::<usize>() <= MAX_SIGNATURE_CHARS
    };
    let of_board = letter::marks_of_board(lines);
    let is_of_board = |at: &usize| of_board.binary_search(at).is_ok();
    let end = lines.iter().rposition(|line| line.trim_end() == "--");
    let end = end
        .filter(|at| is_signature(at) && !is_of_board(at))
        .unwrap_or(lines.len());
    let said = &lines[head.end..end.max(head.end)];
    let marks: Vec<&str> = of_board.iter().map(|&at| lines[at].trim()).collect();
    let said_here = (head.end..)
        .zip(said)
        .map(|(at, line)| if is_of_board(&at) { "" } else { line });
    let letter: Vec<&str> = [head.subject, ""].into_iter().chain(said_here).collect();
    let mut reading = read_lines(&letter, name);
    // Its first two lines stand for the head.
    for (line, ..) in &mut reading.rejected {
        *line = match *line {
            0..=2 => head.start + 1,
            line => line - 2 + head.end,
        };
    }
    reading.leave_out("signature", lines[head.end + said.len()..].join("\n"));
    reading.leave_out("frame of a post", marks.join("\n"));
    if let Some((_, article)) = reading.articles.first_mut() {
        article.published = article.published.or(head.sent);
    }
    reading.leave_out("head of a letter", lines[..head.end].join("\n"));
    reading
}

/// Reads lines; the first may be the title.
fn read_lines(lines: &[&str], name: &str) -> Reading {
    let mut reading = Reading::default();
    let linked = strip_links(lines);
    reading.is_page = linked < lines.len();
    let below = take_related(&lines[..linked], &mut reading);
    let end = if reading.is_page {
        strip_notices(lines, below)
    } else {
        below
    };
    let copied = if reading.is_page { end } else { tail(&lines[..end]) };
    let mut main = main_article(&lines[..copied], name, reading.is_page);
    if copied < end {
        main.take_dateline();
    }
    reading.leave_out("not text", main.rule.unwrap_or_default());
    reading.leave_out("dateline", main.dateline.unwrap_or_default());
    reading.leave_out("behind the article", lines[copied..end].join("\n").trim_end());
    reading.leave_out("notice", lines[end..below].join("\n"));
    reading.leave_out("links", lines[linked..].join("\n"));
    if main.article.text.is_empty() {
        reading.leave_out("title without text", main.article.title);
        reading
            .rejected
            .insert(0, (main.line, Why::Empty, "no text besides a title".into()));
    } else {
        reading.articles.insert(0, (0, main.article));
    }
    reading
}

/// Adds the entries of the related list that some lines end in, and says where it begins. What of it is in no entry
/// (the line that announces it, bylines, a footer) is left out.
pub(super) fn take_related(lines: &[&str], reading: &mut Reading) -> usize {
    let Some((marker, related)) = related_list(lines) else {
        return lines.len();
    };
    reading.is_page = true;
    let mut rest = marker;
    for (place, entry) in related.into_iter().enumerate() {
        match entry.article {
            Ok(article) => {
                reading.leave_out("related entries", lines[rest..entry.from].join("\n"));
                reading.articles.push((place + 1, article));
                rest = entry.to;
            }
            Err(reason) => reading.rejected.push((entry.from + 1, Why::Record, reason)),
        }
    }
    reading.leave_out("related entries", lines[rest..].join("\n"));
    marker
}

/// The main article of some lines.
struct Main {
    article: Article,
    /// The line that it starts on.
    line: usize,
    /// The line that said when and by whom, if it was taken out.
    dateline: Option<String>,
    /// What the title is underlined with.
    rule: Option<String>,
}

impl Main {
    /// Takes the line out with which the text of a copied page begins, if it says when and by whom and nothing else.
    fn take_dateline(&mut self) {
        let (first, rest) = self.article.text.split_once('\n').unwrap_or_default();
        let below = rest.trim();
        if says_only_when(first, below) && !below.is_empty() {
            self.dateline = Some(first.to_string());
            self.article.text = below.to_string();
        }
    }
}

/// Whether lines begin with the names of a table's columns: a row above two others, or all there are, of as many cells.
fn begins_table(lines: &[&str]) -> bool {
    let mut filled = lines.iter().filter(|line| !line.trim().is_empty());
    let cells = |line: &&str| lines::is_row(line).then(|| line.split(" | ").count());
    let names = filled.next().and_then(cells);
    let rows: Vec<_> = filled.take(2).map(cells).collect();
    names.is_some() && !rows.is_empty() && rows.iter().all(|row| *row == names)
}

fn main_article(lines: &[&str], name: &str, is_page: bool) -> Main {
    let next = |from: usize| (from..lines.len()).find(|&at| !lines[at].trim().is_empty());
    let mut article = Article::default();
    let mut start = next(0).unwrap_or(lines.len());
    let line = if start < lines.len() { start + 1 } else { 1 };
    let (mut kept, mut rule) = (Vec::new(), None);
    let title = if is_page {
        Some(start)
    } else {
        below_letterhead(lines, start)
    };
    match title.and_then(|at| Some((at, lines.get(at)?.trim()))) {
        Some((at, first))
            if next(at + 1).is_some()
                && looks_like_title(first, is_page)
                && (is_page || !(begins_table(&lines[at..]) || lines::runs_on(&lines[at..]))) =>
        {
            // `#话题#` is no heading.
            let words = first.trim_start_matches('#');
            let is_heading = words.starts_with(char::is_whitespace) || !words.contains('#');
            article.title = if is_heading { words.trim() } else { first }.to_string();
            kept = lines[start..at].to_vec();
            start = at + 1;
            if !is_page {
                start = extend_title(&mut article.title, lines, start);
                rule = lines.get(start).copied().filter(|below| is_rule(below));
                start += usize::from(rule.is_some());
            }
        }
        _ => article.title = name.to_string(),
    }
    kept.extend_from_slice(&lines[start.min(lines.len())..]);
    let mut removed = None;
    if is_page {
        if let Some((at, (source, date))) = stated_on_page(lines, start) {
            (article.source, article.published) = (source, Some(date));
            // Nothing of a page stands above its title.
            removed = Some(kept.remove(at - start).to_string());
        }
    } else if let Some((source, date)) = stated(&kept).or_else(|| signature(&kept)) {
        (article.source, article.published) = (source, Some(date));
    }
    article.text = kept.join("\n").trim().to_string();
    if !is_page {
        // A page's text is what it was when it was saved; a file's lines were often broken by a program.
        if let Some(joined) = lines::unwrapped(&article.text) {
            article.text = joined;
        }
        if let Some(title) = lines::closed_up(&article.title) {
            article.title = title;
        }
    }
    Main {
        article,
        line,
        dateline: removed,
        rule: rule.map(String::from),
    }
}

/// Adds the lines to a title in which it goes on; what is behind them.
fn extend_title(title: &mut String, lines: &[&str], start: usize) -> usize {
    // Something is left for the text.
    let behind: Vec<usize> = (start..lines.len())
        .filter(|&at| !lines[at].trim().is_empty())
        .take(3)
        .collect();
    let words: Vec<&str> = behind.iter().map(|&at| lines[at].trim()).collect();
    let more = lines_behind(title, &words[..words.len().saturating_sub(1)]);
    title.extend(words[..more].iter().copied());
    behind[..more].last().map_or(start, |&last| last + 1)
}

/// When and by whom a page was published, and which line says it: one of the first two below its title, or the last.
fn stated_on_page(lines: &[&str], start: usize) -> Option<(usize, (Option<String>, Date))> {
    let mut filled = (start..lines.len()).filter(|&at| !lines[at].trim().is_empty());
    let (first, second) = (filled.next()?, filled.next()?);
    let last = filled.next_back();
    let stated = |at| dateline(lines[at]).or_else(|| byline(lines[at]).map(|(source, date)| (Some(source), date)));
    let mut told = [Some(first), Some(second), last].into_iter().flatten();
    told.find_map(|at| stated(at).map(|found| (at, found)))
}

/// An entry of a list of related articles: its lines from its title to before its byline, and what they are.
struct Entry {
    from: usize,
    to: usize,
    article: Result<Article, String>,
}

/// The line of the marker and the entries below it, if the text ends in such a list.
fn related_list(lines: &[&str]) -> Option<(usize, Vec<Entry>)> {
    let markers = (0..lines.len()).filter(|&at| {
        let word = lines[at].trim().trim_start_matches('#').trim().trim_end_matches(COLONS);
        listed(List::Related).contains(&word)
    });
    // The list stands behind one of the first such lines; a file of nothing else is not searched from each of them.
    for marker in markers.take(16) {
        let blocks = blocks(lines, marker + 1);
        let above = (0..marker).rev().find(|&at| !lines[at].trim().is_empty());
        let noticed = above.is_some_and(|at| is_notice(lines[at].trim()));
        if blocks.is_empty() {
            // A list that the crawler left empty: furniture, if a notice above it says that this is a page.
            if noticed {
                return Some((marker, Vec::new()));
            }
            continue;
        }
        let entries = entries(lines, &blocks);
        let dated = entries
            .iter()
            .filter(|entry| entry.article.as_ref().is_ok_and(|a| a.published.is_some()))
            .count();
        // Two dated entries below a marker make a list, or one and a notice above; with more that do not fit, it is
        // some other text.
        if dated >= if noticed { 1 } else { 2 } && dated * 2 > entries.len() {
            return Some((marker, entries));
        }
    }
    None
}

/// The runs of lines without a blank line between them, as ranges, from line `from` on.
fn blocks(lines: &[&str], from: usize) -> Vec<(usize, usize)> {
    let mut blocks = Vec::new();
    let mut start = None;
    for at in from..=lines.len() {
        let blank = lines.get(at).is_none_or(|line| line.trim().is_empty());
        // A byline stands for itself even where no blank line sets it apart.
        let by = !blank && byline(lines[at]).is_some();
        if blank || by {
            if let Some(start) = start.take() {
                blocks.push((start, at));
            }
            if by {
                blocks.push((at, at + 1));
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    blocks
}

/// Reads title, summary and byline, entry by entry; a byline ends one.
fn entries(lines: &[&str], blocks: &[(usize, usize)]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut from = 0;
    for at in 0..blocks.len() {
        if let Some((source, date)) = byline(lines[blocks[at].0]) {
            let mut entry = entry(lines, &blocks[from..at], blocks[at].0);
            if let Ok(article) = &mut entry.article {
                (article.source, article.published) = (Some(source), Some(date));
            }
            entries.push(entry);
            from = at + 1;
        }
    }
    let rest = &blocks[from..];
    if let Some(&(first, _)) = rest.first() {
        let furniture = rest
            .iter()
            .all(|&(start, end)| lines[start..end].iter().all(|line| is_footer(line.trim())));
        match rest.len() {
            _ if furniture => {}
            2 => entries.push(entry(lines, rest, first)),
            _ => entries.push(Entry {
                from: first,
                to: first,
                article: Err("text behind a list of related entries that is no entry".into()),
            }),
        }
    }
    entries
}

/// One entry from the blocks above its byline, which is on line `by`.
fn entry(lines: &[&str], blocks: &[(usize, usize)], by: usize) -> Entry {
    let (from, to) = match (blocks.first(), blocks.last()) {
        (Some(&(from, _)), Some(&(_, to))) => (from, to),
        _ => (by, by),
    };
    let title = lines[from].trim();
    let text = lines[(from + 1).min(to)..to].join("\n").trim().to_string();
    let article = if blocks.is_empty() {
        Err("a related entry without title and summary".to_string())
    } else if title.chars().count() > MAX_TITLE {
        Err(format!(
            "a related entry whose title is longer than {MAX_TITLE} characters"
        ))
    } else if text.is_empty() {
        Err(format!("the related entry `{title}` has no summary"))
    } else {
        Ok(Article {
            title: title.to_string(),
            text,
            kind: ArticleKind::Summary,
            ..Article::default()
        })
    };
    Entry { from, to, article }
}

/// Where the article ends if the text ends in a run of links below a notice of the site, else the number of lines. A
/// link is a title, a day with a time, and directly behind it the column that it stands in, which is nearly always the
/// same: a timetable or a log has none.
fn strip_links(lines: &[&str]) -> usize {
    let mut end = lines.len();
    let (mut stamps, mut columns) = (0, HashMap::<&str, usize>::new());
    for at in (0..lines.len()).rev() {
        let line = lines[at].trim();
        if line.is_empty() {
            continue;
        }
        if is_notice(line) || line.contains('。') {
            break;
        }
        let mut from = 0;
        let before = stamps;
        while let Some(stamp) = next_stamp(line, from) {
            from = stamp.end;
            if stamp.timed {
                stamps += 1;
                let behind = &line[from..];
                let (column, rest) = behind.split_at(behind.find(|c| !is_han(c)).unwrap_or(behind.len()));
                let ends = rest.chars().next().is_none_or(char::is_whitespace);
                if ends && column.chars().nth(1).is_some() {
                    *columns.entry(column).or_default() += 1;
                }
            }
        }
        if stamps == before {
            break;
        }
        end = at;
    }
    let announced = (0..end)
        .rev()
        .find(|&at| !lines[at].trim().is_empty())
        .is_some_and(|at| is_notice(lines[at].trim()));
    let alike = columns.values().max().copied().unwrap_or(0);
    if announced && stamps >= 2 && alike * 3 >= stamps * 2 {
        end
    } else {
        lines.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Title, text and kind of each article, and the lines rejected.
    fn check(text: &str, articles: &[(&str, &str)], rejected: &[usize]) {
        let reading = read(text, "name");
        let found: Vec<_> = reading
            .articles
            .iter()
            .map(|(_, a)| (a.title.as_str(), a.text.as_str()))
            .collect();
        assert_eq!(found, articles, "{text}");
        assert_eq!(
            reading.rejected.iter().map(|(line, ..)| *line).collect::<Vec<_>>(),
            rejected,
            "{text}"
        );
    }

    #[test]
    fn plain_text_stays_whole() {
        check("标题\n\n正文。", &[("标题", "正文。")], &[]);
        check("只有一段。", &[("name", "只有一段。")], &[]);
        check(
            "一句话就完了。\n\n第二段。",
            &[("name", "一句话就完了。\n\n第二段。")],
            &[],
        );
        check("1. 第一项\n2. 第二项", &[("name", "1. 第一项\n2. 第二项")], &[]);
        check(
            "标题\n\n文末有相关推荐一栏。\n再说一句。",
            &[("标题", "文末有相关推荐一栏。\n再说一句。")],
            &[],
        );
        // The word on a line of its own, but no list of entries behind it.
        let text = "相关推荐\n\n这一栏怎么写?\n\n先写标题。\n\n再写摘要。";
        check(&format!("手册\n\n{text}"), &[("手册", text)], &[]);
        // A byline at the end is that of the text, not a list.
        check(
            "标题\n\n正文。\n\n第二段。\n\n末段。\n\n健康新闻 2025-04-19",
            &[("标题", "正文。\n\n第二段。\n\n末段。\n\n健康新闻 2025-04-19")],
            &[],
        );
        let article = read("标题\n\n正文。\n\n健康新闻 2025-04-19", "name")
            .articles
            .remove(0)
            .1;
        assert_eq!(
            (article.source.as_deref(), article.kind),
            (Some("健康新闻"), ArticleKind::Full)
        );
        check(
            "标题\n\n会议改到 2025-05-31 23:20",
            &[("标题", "会议改到 2025-05-31 23:20")],
            &[],
        );
        check("\n \n", &[], &[1]);
    }

    #[test]
    fn a_first_line_that_runs_on_is_no_title() {
        let wrapped = "参保人员经评定为重度失能的，可以选择在机构或者居家接受护\n理，费用由长期护理保险基金按月支付，具体的标准由省级人民\n政府规定并且向社会公布，每两年调整一次。";
        let whole = wrapped.replace('\n', "");
        check(wrapped, &[("name", &whole)], &[]);
        check(
            &format!("护理费用如何支付\n{wrapped}"),
            &[("护理费用如何支付", &whole)],
            &[],
        );
        check(
            &format!("护理费用如何支付\n\n{wrapped}"),
            &[("护理费用如何支付", &whole)],
            &[],
        );
    }

    #[test]
    fn a_page_is_told_by_its_list_of_entries() {
        let page = "主文\n\n第一段。\n提示:本内容不能代替面诊,如有不适请尽快就医。\n相关推荐\n\n甲\n\n甲的摘要 一、\n\n健康新闻 2025-04-19\n";
        check(page, &[("主文", "第一段。"), ("甲", "甲的摘要 一、")], &[]);
        let reading = read(page, "name");
        assert!(reading.is_page);
        assert_eq!(reading.articles[1].1.kind, ArticleKind::Summary);
        assert_eq!(reading.articles[1].1.source.as_deref(), Some("健康新闻"));
        assert_eq!(
            reading.articles[1].1.published.map(|day| day.to_string()).as_deref(),
            Some("2025-04-19")
        );
        // Without blank lines; a summary of two paragraphs; the last entry cut off before its byline.
        let page =
            "主文\n正文\n相关阅读:\n甲\n甲一\n\n甲二\n健康新闻 2025-04-19\n乙\n乙一\n健康新闻 2025-04-20\n丙\n\n丙一";
        check(
            page,
            &[("主文", "正文"), ("甲", "甲一\n\n甲二"), ("乙", "乙一"), ("丙", "丙一")],
            &[],
        );
        // Entries that are not whole are named by their line and keep their place.
        let page = "主文\n\n正文\n\n相关推荐\n\n甲\n\n健康新闻 2025-04-19\n\n乙\n\n乙一\n\n健康新闻 2025-04-20\n\n丙\n\n丙一\n\n健康新闻 2025-04-20\n\n版权所有 某网";
        check(page, &[("主文", "正文"), ("乙", "乙一"), ("丙", "丙一")], &[7]);
        assert_eq!(
            read(page, "name")
                .articles
                .iter()
                .map(|(place, _)| *place)
                .collect::<Vec<_>>(),
            [0, 2, 3]
        );
        // An empty list below a notice.
        check(
            "主文\n\n正文\n\n提示:本内容不能代替面诊\n相关推荐\n",
            &[("主文", "正文")],
            &[],
        );
    }

    #[test]
    fn a_run_of_links_is_furniture() {
        let links = "甲怎么办?(2025-05-31) 2025-05-31 23:20医保知识 乙怎么办? 2025-05-31 23:19医保知识\n丙应该怎么办? 2025-05-31 23:18医保知识";
        let page = format!(
            "主文?\n\n2025-06-01 05:20:27社保网\n\n正文。\n\n社保网声明:资讯来源于网络,仅供参考。投诉\n{links}\n\n"
        );
        check(&page, &[("主文?", "正文。")], &[]);
        let reading = read(&page, "name");
        assert!(reading.is_page);
        assert_eq!(reading.articles[0].1.source.as_deref(), Some("社保网"));
        // A statement of someone else is text.
        let text = "声明\n\n本单位声明:所有通知以原件为准。";
        check(text, &[("声明", "本单位声明:所有通知以原件为准。")], &[]);
    }

    #[test]
    fn lines_with_times_are_a_schedule_and_no_byline() {
        let check = |text: &str, date: Option<&str>| {
            let mut reading = read(text, "name");
            assert_eq!(
                (reading.articles.len(), reading.left_out.len()),
                (1, 0),
                "{text}\n{reading:?}"
            );
            let article = reading.articles.remove(0).1;
            let whole = format!("{}\n\n{}", article.title, article.text);
            assert_eq!(whole.replace("\n\n", "\n"), text.replace("\n\n", "\n"));
            let found = article.published.map(|day| day.to_string());
            assert_eq!(found.as_deref(), date, "{text}");
        };
        check(
            "停机公告\n\n以下时段暂停服务。\n\n线上缴费:2025-04-25 22:00 至 2025-04-26 08:00\n药店刷卡:2025-04-25 23:00 至 2025-04-26 06:00\n就医备案:2025-04-26 00:00 至 2025-04-26 12:00",
            None,
        );
        check(
            "恢复时间\n\n2025-06-02 08:00\n2025-06-03 08:00\n2025-06-04 08:00\n\n以上为三个批次",
            None,
        );
        check(
            "恢复时间\n\n分三批恢复。\n\n2025-06-02 08:00\n2025-06-03 08:00\n2025-06-04 08:00",
            None,
        );
        check(
            "到账记录\n\n样例如下。\n\n2025-01-05 09:12 划入 120元\n2025-02-05 09:10 划入 120元",
            None,
        );
        check(
            "延时服务\n\n城东中心 2024-12-28 09:00\n城西中心 2024-12-29 09:00\n高新中心 2024-12-30 09:00",
            None,
        );
        check(
            "调整限额的通知\n\n各机构:\n\n限额调整为三千元。\n\n某市医疗保障局\n2024年5月8日",
            Some("2024-05-08"),
        );
        check("调整限额的通知\n\n限额调整为三千元,执行到\n2024-05-08", None);
    }

    proptest! {
        #[test]
        fn every_character_is_in_an_article_or_left_out(
            lines in proptest::collection::vec(
                "相关推荐|延伸阅读:|健康新闻 2025-04-19|甲|乙一。||某网声明:仅供参考|提示:本内容不能代替面诊|版权所有 某网|2025-05-31 23:20知识 丙 2025-05-31 23:19知识|丁 2025-06-01 08:00|2025-06-01 05:20:27社保网|[甲乙丙丁]{1,90}",
                1..16,
            )
        ) {
            let text = lines.join("\n");
            let reading = read(&text, "");
            let mut kept: Vec<char> = reading.left_out.iter().flat_map(|left| left.text.chars()).collect();
            for (_, article) in &reading.articles {
                kept.extend(article.title.chars().chain(article.text.chars()));
            }
            for c in text.chars().filter(|c| !c.is_whitespace()) {
                let here = text.chars().filter(|other| *other == c).count();
                prop_assert!(kept.iter().filter(|other| **other == c).count() >= here, "{c} of\n{text}\n=>\n{reading:?}");
            }
        }

    #[test]
        fn no_text_is_lost_without_a_word(lines in proptest::collection::vec("相关推荐|健康新闻 2025-04-19|甲|乙一。|", 1..14)) {
            let text = lines.join("\n");
            let reading = read(&text, "");
            let mut kept: String = reading.articles.iter().map(|(_, a)| format!("{}\n{}\n", a.title, a.text)).collect();
            for (line, ..) in &reading.rejected {
                kept.push_str(&lines[(line - 1).min(lines.len() - 1)..].join("\n"));
            }
            for word in ["甲", "乙一。"] {
                prop_assert!(kept.matches(word).count() >= text.matches(word).count(), "{text}\n=>\n{kept}");
            }
        }
    }
}
