//! Which lines at the edges of pages are running heads or page numbers.
//!
//! A head says the same on at least half of the pages, but for a page number that counts up with them. A line that is
//! a sentence or holds an amount is never one, however often it stands there, and no page is left without a line.

use std::collections::{HashMap, HashSet};

use crate::text::is_numeral;

use super::super::lines::is_row;

/// How many lines from the top and from the bottom of a page are looked at.
const EDGE: usize = 2;
/// The fewest pages that a head stands on.
const OFTEN: usize = 3;
/// The longest line that may be a head, in bytes.
const MAX_HEAD: usize = 300;
/// The fewest letters beside a page number that is not marked as one: `方案 1` is no head.
const LETTERS: usize = 4;
/// What stands beside a page number.
const MARKS: &str = "-—–－·|~()（）[]【】";

/// How many cells a line has if it is a row.
fn cells(line: &str) -> usize {
    if is_row(line) { line.split(" | ").count() } else { 0 }
}

/// Whether a line is a row above another of as many cells: the names of a table's columns, which a program prints on
/// each page.
fn heads_rows(page: &[String], at: usize) -> bool {
    let below = page[at + 1..].iter().find(|line| !line.trim().is_empty());
    cells(&page[at]) > 1 && below.is_some_and(|below| cells(below) == cells(&page[at]))
}

/// What a line at the edge of a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Head,
    Number,
}

/// The lines that are no text, by page and line.
pub(super) fn taken(pages: &[Vec<String>]) -> HashMap<(usize, usize), Taken> {
    let edge = if pages.len() == 2 { 1 } else { EDGE };
    let edges: Vec<Vec<usize>> = pages.iter().map(|page| edges(page, edge)).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        let keys: HashSet<String> = edges[number].iter().flat_map(|&at| keys(&page[at], number)).collect();
        for key in keys {
            *count.entry(key).or_default() += 1;
        }
    }
    // Two pages show a head by their first or their last lines alone.
    let often = if pages.len() == 2 {
        2
    } else {
        (pages.len() / 2).max(OFTEN)
    };
    let mut taken = HashMap::new();
    // The names of a table's columns stay where they stand first.
    let mut named: HashSet<String> = HashSet::new();
    for (number, page) in pages.iter().enumerate() {
        // What stands twice on one page is a head and the title that it repeats.
        let mut seen: HashSet<String> = HashSet::new();
        let mut here: Vec<(usize, Taken)> = Vec::new();
        for &at in &edges[number] {
            let head = keys(&page[at], number)
                .into_iter()
                .find(|key| count.get(key).is_some_and(|&times| times >= often));
            if let Some(head) = &head
                && heads_rows(page, at)
                && named.insert(head.clone())
            {
                continue;
            }
            if is_page_number(&page[at], head.is_some(), pages.len()) {
                here.push((at, Taken::Number));
            } else if head.is_some_and(|key| seen.insert(key)) {
                here.push((at, Taken::Head));
            }
        }
        let filled = page.iter().filter(|line| !line.trim().is_empty()).count();
        if here.len() == filled {
            here.retain(|(_, what)| *what == Taken::Number);
        }
        taken.extend(here.into_iter().map(|(at, what)| ((number, at), what)));
    }
    taken
}

/// The first and last lines of a page that are not blank, so many of each.
fn edges(page: &[String], edge: usize) -> Vec<usize> {
    let filled: Vec<usize> = (0..page.len()).filter(|&at| !page[at].trim().is_empty()).collect();
    (0..filled.len())
        .filter(|&at| at < edge || at + edge >= filled.len())
        .map(|at| filled[at])
        .collect()
}

/// What a line has in common with those that repeat it on other pages: its characters, or these with the page's number
/// as its distance from the number that the page has in the file. Nothing where it cannot be a head.
fn keys(line: &str, page: usize) -> Vec<String> {
    let line = line.trim();
    if line.len() > MAX_HEAD || is_sentence(line) || holds_amount(line) {
        return Vec::new();
    }
    let mut keys = Vec::new();
    if letters(line) >= 2 {
        keys.push(bare(line));
    }
    let mut from = 0;
    while let Some(start) = line[from..].find(|c: char| c.is_ascii_digit()).map(|at| from + at) {
        let rest = &line[start..];
        let end = start + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if is_page_place(line, start, end)
            && let Ok(stated) = line[start..end].parse::<u16>()
        {
            let distance = i64::from(stated) - page as i64;
            keys.push(format!("{}\0{distance}\0{}", bare(&line[..start]), bare(&line[end..])));
        }
        from = end;
    }
    keys
}

/// Whether the digits from `start` to `end` stand where a page's number does.
fn is_page_place(line: &str, start: usize, end: usize) -> bool {
    let (before, after) = (line[..start].trim_end(), line[end..].trim_start());
    let of = after.strip_prefix('/').or_else(|| after.strip_prefix("of"));
    if (before.ends_with('第') && after.starts_with('页'))
        || before.to_ascii_lowercase().ends_with("page")
        || (!before.ends_with('/') && of.is_some_and(|of| of.trim_start().starts_with(|c: char| c.is_ascii_digit())))
    {
        return true;
    }
    let apart = |c: char| c.is_whitespace() || MARKS.contains(c);
    let left = line[..start].trim_end_matches(apart);
    let right = line[end..].trim_start_matches(apart);
    let close = |text: &str, from: Option<char>| !text.is_empty() && !from.is_some_and(apart);
    if close(left, line[..start].chars().next_back()) || close(right, line[end..].chars().next()) {
        return false;
    }
    let beside = letters(left) + letters(right);
    (left.is_empty() || right.is_empty()) && (beside == 0 || beside >= LETTERS)
}

/// Whether a line at the edge of a page is its number: `第 3 页`, `- 3 -`, `3 / 12`; a number alone only where it counts
/// up with the pages.
fn is_page_number(line: &str, counts: bool, pages: usize) -> bool {
    let bare = bare(line).to_lowercase();
    if bare.chars().count() > 16 || !bare.contains(is_numeral) {
        return false;
    }
    let words = bare.replace("page", "页").replace("of", "/");
    let is_mark = |c: char| "第共页/,，.".contains(c) || MARKS.contains(c);
    if !words.chars().all(|c| is_numeral(c) || is_mark(c)) {
        return false;
    }
    let dash = |c: char| "-—–－·".contains(c);
    let of_all = words.split_once('/').is_some_and(|(number, all)| {
        matches!((number.parse::<usize>(), all.parse::<usize>()), (Ok(number), Ok(all)) if number <= all && all == pages)
    });
    counts || words.contains('页') || of_all || (words.starts_with(dash) && words.ends_with(dash))
}

/// Whether a line is a sentence, a part of one, or announces what follows.
fn is_sentence(line: &str) -> bool {
    line.contains(['。', '；', '！', '？', '，']) || line.ends_with(['：', ':', '、'])
}

/// Whether a line says how much of something.
fn holds_amount(line: &str) -> bool {
    let text = bare(line);
    let mut before = ' ';
    for c in text.chars() {
        let counted = before.is_ascii_digit();
        if (counted && "元万亿%％‰倍折天岁".contains(c))
            || (c == '元' && "百千万亿一二三四五六七八九十".contains(before))
            || (c.is_ascii_digit() && "¥￥$".contains(before))
        {
            return true;
        }
        before = c;
    }
    text.contains("百分之")
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// A text without its blanks.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of pages that have a line of their own each and in common what `line` gives for a page from 1.
    fn of(pages: usize, line: impl Fn(usize) -> String) -> usize {
        let own = ["缴费", "待遇", "转移", "停保", "继承", "查询"];
        let pages: Vec<Vec<String>> = (0..pages)
            .map(|page| {
                vec![
                    line(page + 1),
                    format!("{}的办法如下。", own[page % own.len()]),
                    "余文。".into(),
                ]
            })
            .collect();
        taken(&pages).len()
    }

    #[test]
    fn a_head_repeats_itself_but_for_the_pages_number() {
        let check = |line: &dyn Fn(usize) -> String, expected: usize| {
            assert_eq!(of(6, line), expected, "{} .. {}", line(1), line(6));
        };
        check(&|_| "南岭人寿产品手册".into(), 6);
        check(&|page| format!("南岭人寿产品手册 {page}"), 6);
        check(&|page| format!("{} | 南岭人寿产品手册", page + 12), 6);
        check(&|page| format!("产品手册 第 {page} 页 共 6 页"), 6);
        check(&|page| format!("Handbook page {page} of 6"), 6);
        check(&|page| format!("{}", page + 3), 6);
        check(&|page| format!("— {page} —"), 6);
        check(&|page| format!("{page}/6"), 6);
        // The same on half of the pages, as on right-hand ones.
        check(
            &|page| {
                if page % 2 == 0 {
                    "产品手册".into()
                } else {
                    format!("第{}章", page * 7)
                }
            },
            3,
        );
        // Sentences and parts of them.
        check(&|page| format!("护理{page}级的给付标准如下。"), 0);
        check(&|page| format!("级护理，由机构评定{page}"), 0);
        check(&|_| "请以合同为准。".into(), 0);
        check(&|_| "适用范围：".into(), 0);
        // Amounts, the same or not.
        check(&|page| format!("每日津贴{page}00元"), 0);
        check(&|_| "免赔额 2万元".into(), 0);
        check(&|page| format!("赔付比例 {page}0%"), 0);
        check(&|_| "等待期90天".into(), 0);
        check(&|_| "保额十万元".into(), 0);
        // What counts, but not as pages do, or is no page's number.
        check(&|page| format!("南岭人寿产品手册 {}", page * 10), 0);
        check(&|page| format!("方案 {page}"), 0);
        check(&|page| format!("计划{page}的责任"), 0);
        check(&|page| format!("护理险{page}"), 0);
        check(&|_| "350".into(), 0);
        check(&|page| format!("2024/{page}/1"), 0);
        // Longer than a head, with many places where a page's number may stand.
        check(&|page| format!("产品手册 {page}").repeat(30), 0);
        check(&|_| "1/2-".repeat(75_000), 0);
    }

    #[test]
    fn two_pages_have_the_head_that_is_their_first_line() {
        let page = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
        let taken = |pages: [Vec<String>; 2]| super::taken(&pages).len();
        let (head, own) = ("南岭人寿 注册号：C000123", ["3.1 缴费。", "3.2 停保。"]);
        assert_eq!(taken(own.map(|own| page(&[head, own, "余文。"]))), 2);
        assert_eq!(taken(own.map(|own| page(&[own, head, "余文。", "完。"]))), 0);
    }

    #[test]
    fn the_names_of_columns_stay_where_they_stand_first() {
        let page = |page: usize| {
            let rows = (1..4).map(|row| format!("{page}{row} | 特药{page}{row}号 | 7{row}%"));
            std::iter::once("序号 | 药品名称 | 比例".to_string())
                .chain(rows)
                .collect::<Vec<_>>()
        };
        let pages: Vec<Vec<String>> = (1..5).map(page).collect();
        let mut taken: Vec<(usize, usize)> = super::taken(&pages).into_keys().collect();
        taken.sort_unstable();
        assert_eq!(taken, [(1, 0), (2, 0), (3, 0)]);
        // With the page's number in it, it stays once, too.
        let numbered = |number: usize| {
            let mut page = page(number);
            page[0] = format!("南岭人寿产品手册 | 甲类 | 第 {number} 页");
            page
        };
        assert_eq!(super::taken(&(1..5).map(numbered).collect::<Vec<_>>()).len(), 3);
        // A head of parts above sentences.
        let heads = |head: &str| {
            let page = |page: usize| vec![head.to_string(), format!("第{page}章的办法。"), format!("余文{page}。")];
            super::taken(&(1..5).map(page).collect::<Vec<_>>()).len()
        };
        assert_eq!(heads("南岭人寿 | 产品手册"), 4);
    }

    #[test]
    fn no_page_is_emptied() {
        let pages: Vec<Vec<String>> = (0..5)
            .map(|page| vec!["南岭人寿产品手册".to_string(), format!("- {} -", page + 1)])
            .collect();
        let taken = taken(&pages);
        assert!(taken.values().all(|&what| what == Taken::Number), "{taken:?}");
        assert_eq!(taken.len(), 5);
        // A title below the head that repeats it stays.
        let mut pages: Vec<Vec<String>> = (0..4)
            .map(|page| vec!["产品手册".to_string(), format!("其{page}。")])
            .collect();
        pages[0] = vec!["产品手册".into(), "产品手册".into(), "其零。".into()];
        assert_eq!(super::taken(&pages).keys().filter(|(page, _)| *page == 0).count(), 1);
    }
}
