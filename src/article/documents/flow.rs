//! Pages of lines as one text: what `heads` tells to be running heads and page numbers taken out, lines joined within
//! and across pages.

use std::collections::HashSet;

use super::heads::{Taken, taken};

use super::super::layout::{is_han, is_stop};
use super::super::lines::{append, begins, closed_up, is_open, is_row, only_follows, width};

/// From how many lines of one character on they are text set from top to bottom.
const UPRIGHT: usize = 6;

/// What a document's pages are when they are read on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Flow {
    /// The text, a paragraph a line.
    pub text: String,
    /// Heads and feet that stand on most pages.
    pub heads: String,
    /// Numbers of pages.
    pub numbers: String,
}

/// The pages of a document as one text: running heads and page numbers taken out, lines joined within and across pages.
pub(in super::super) fn flow(pages: &[Vec<String>]) -> Flow {
    let mut flow = Flow::default();
    let pages: Vec<Vec<String>> = pages.iter().map(|page| with_rows(level(page))).collect();
    let taken = taken(&pages);
    let mut lines: Vec<&str> = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        for (at, line) in page.iter().enumerate() {
            let target = match taken.get(&(number, at)) {
                Some(Taken::Number) => &mut flow.numbers,
                Some(Taken::Head) => &mut flow.heads,
                None => {
                    lines.push(line);
                    continue;
                }
            };
            target.push_str(line.trim());
            target.push('\n');
        }
    }
    // Most lines of running text are as wide as their column.
    let mut widths: Vec<usize> = lines
        .iter()
        .map(|line| width(line))
        .filter(|&width| width > 0)
        .collect();
    widths.sort_unstable();
    let full = widths
        .get(widths.len().saturating_sub(1) * 9 / 10)
        .copied()
        .unwrap_or(0);
    let mut current = String::new();
    let (mut before, mut in_row) = (0, false);
    let mut apart = false;
    for line in lines {
        if line.trim().is_empty() {
            apart = true;
            continue;
        }
        let closed = closed_up(line);
        let line = closed.as_deref().unwrap_or(line);
        let goes_on = !current.is_empty()
            && !begins(line)
            && !in_row
            && (only_follows(line) || (is_open(&current) && before * 10 >= full * 8 && full >= 16));
        if goes_on {
            append(&mut current, line);
        } else {
            push_paragraph(&mut flow.text, &current, apart);
            current = line.trim_end().to_string();
        }
        in_row = is_row(line) || (goes_on && in_row);
        apart &= goes_on;
        before = width(line);
    }
    push_paragraph(&mut flow.text, &current, apart);
    flow
}

fn push_paragraph(text: &mut String, paragraph: &str, apart: bool) {
    if paragraph.trim().is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str(if apart { "\n\n" } else { "\n" });
    }
    text.push_str(paragraph);
}

/// Of how many cells a row has at least that is told by its words alone, and how long these are at most, in characters.
const CELLS: usize = 3;
const MAX_CELL: usize = 20;
/// What stands within sentences and in no cell of such a table.
const PAUSES: [char; 3] = ['，', '；', '：'];
/// What is counted or dated by the number before it.
const UNITS: [char; 12] = ['年', '月', '日', '个', '元', '天', '号', '条', '款', '项', '岁', '万'];

/// A page's lines with those written as rows that stand in columns without rules: several below one another, of as many
/// short words apart by blanks. Chinese sentences have no blanks.
fn with_rows(mut page: Vec<String>) -> Vec<String> {
    let count = |line: &String| {
        let mut words = line.split_whitespace();
        // A number with its unit behind it stands apart within a sentence: 于 2024 年 12 月底前.
        let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit());
        let is_counted = |(one, other): (&str, &str)| is_number(one) && other.starts_with(UNITS);
        if closed_up(line).is_some() || words.clone().zip(words.clone().skip(1)).any(is_counted) {
            return None;
        }
        let is_cell =
            |word: &str| word.chars().count() <= MAX_CELL && !word.contains(is_stop) && !word.contains(PAUSES);
        let is_row = words.clone().all(is_cell) && line.contains(is_han) && !is_row(line);
        // Latin words stand apart anywhere.
        let mut pairs = words.clone().zip(words.clone().skip(1));
        let is_latin = |word: &str| word.chars().all(|c| c.is_ascii_alphabetic());
        let is_phrase = pairs.any(|(one, other)| is_latin(one) && is_latin(other));
        let cells = words.by_ref().count();
        (is_row && !is_phrase && cells >= CELLS).then_some(cells)
    };
    let counts: Vec<Option<usize>> = page.iter().map(count).collect();
    for (at, line) in page.iter_mut().enumerate() {
        let is_alike = |other: Option<&Option<usize>>| other.is_some_and(|other| *other == counts[at]);
        if counts[at].is_some() && (is_alike(counts.get(at + 1)) || (at > 0 && is_alike(counts.get(at - 1)))) {
            *line = line.split_whitespace().collect::<Vec<_>>().join(" | ");
        }
    }
    page
}

/// A page's lines with what is set from top to bottom, a character a line, on one line.
fn level(page: &[String]) -> Vec<String> {
    let single = |line: &String| {
        let mut chars = line.trim().chars();
        chars.next().filter(|&c| chars.next().is_none() && !c.is_ascii())
    };
    let mut lines = Vec::with_capacity(page.len());
    let mut at = 0;
    while at < page.len() {
        let column: String = page[at..].iter().map_while(single).collect();
        let length = column.chars().count();
        // A column of 是 and 否 in a table is none.
        let different = column.chars().collect::<HashSet<_>>().len();
        if length >= UPRIGHT && different * 2 > length {
            lines.push(column);
            at += length;
        } else {
            lines.extend_from_slice(&page[at..at + length.max(1)]);
            at += length.max(1);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flow_of(pages: &[Vec<String>]) -> Flow {
        flow(pages)
    }

    #[test]
    fn columns_without_rules_are_rows() {
        let page = [
            "缴费按人群定，标准如下，由税务部门征收，逾期不",
            "予受理。",
            "人群 个人 补助",
            "学生 360元 670元",
            "居民 400元 670元",
            "其他人员按照居民的标准缴费，由乡镇办理，逾期不",
            "予受理。",
        ];
        let flow = flow_of(&[page.map(String::from).to_vec()]);
        assert_eq!(
            flow.text,
            "缴费按人群定，标准如下，由税务部门征收，逾期不予受理。\n人群 | 个人 | 补助\n学生 | 360元 | 670元\n居民 | 400元 | 670元\n\
             其他人员按照居民的标准缴费，由乡镇办理，逾期不予受理。"
        );
        for prose in [
            ["共付 段 与 自付", "使用 open source 软件"],
            ["关 于 印 发 医 保", "办 法 的 通 知 书"],
            ["可于 2024 年 12 月底前向所在地", "申请后 经办 15 日内 审核 办结"],
            ["经审核，于 次月 发放", "不符合的， 应当 告知"],
        ] {
            assert_eq!(with_rows(prose.map(String::from).to_vec()), prose);
        }
    }

    #[test]
    fn pages_flow_into_one_text() {
        let page = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
        let pages = [
            page(&[
                "青禾市文件汇编",
                "关于调整待遇的通知",
                "各定点医药机构应当自文件印发之日起，按照新的标准执",
                "行，并做好解释工作。",
                "一、门诊统筹年度限额由二千元调整为三千元，退休人员",
                "- 1 -",
            ]),
            page(&["青禾市文件汇编", "再提高百分之五。", "二、其他事项。", "- 2 -"]),
            page(&["青禾市文件汇编", "附则。", "- 3 -"]),
        ];
        let flow = flow(&pages);
        assert_eq!(
            flow.text,
            "关于调整待遇的通知\n各定点医药机构应当自文件印发之日起，按照新的标准执行，并做好解释工作。\n一、门诊统筹年度限额由二千元调整为三千元，退休人员再提高百分之五。\n二、其他事项。\n附则。"
        );
        assert_eq!(flow.heads, "青禾市文件汇编\n青禾市文件汇编\n青禾市文件汇编\n");
        assert_eq!(flow.numbers, "- 1 -\n- 2 -\n- 3 -\n");
        // A number alone on one page is text.
        assert_eq!(flow_of(&[page(&["表", "120"])]).text, "表\n120");
        assert_eq!(
            flow_of(&[page(&["正文。", "第 1 页 共 1 页"])]).numbers,
            "第 1 页 共 1 页\n"
        );
    }

    #[test]
    fn a_paragraph_of_any_length_takes_time_in_proportion() {
        let page = vec!["1234567890123456".to_string(); 300_000];
        assert_eq!(flow(&[page]).text.len(), 17 * 300_000 - 1);
    }

    #[test]
    fn what_is_set_from_top_to_bottom_is_one_line() {
        let check = |lines: &str, expected: &str| {
            let page: Vec<String> = lines.chars().map(String::from).collect();
            assert_eq!(level(&page).join("|"), expected);
        };
        check("护理等级每年评定一次。", "护理等级每年评定一次。");
        check("是否是是是否是", "是|否|是|是|是|否|是");
        check("甲乙丙", "甲|乙|丙");
        check("123456", "1|2|3|4|5|6");
    }

    proptest! {
        #[test]
        fn no_character_of_any_page_is_lost(text in "([甲乙丙]{1,6}|[，。、：]|[0-9]{1,3}| |\n|一、|\\| ){0,60}") {
            // Bars part the cells of rows.
            let bare = |text: &str| text.chars().filter(|&c| !(c.is_whitespace() || c == '|')).collect::<String>();
            let pages: Vec<Vec<String>> = text.split("一、").map(|page| page.lines().map(str::to_string).collect()).collect();
            let flow = flow(&pages);
            let count = bare(&flow.text).chars().count() + bare(&flow.heads).chars().count() + bare(&flow.numbers).chars().count();
            prop_assert_eq!(count, pages.iter().flatten().map(|line| bare(line).chars().count()).sum::<usize>());
        }
    }
}
