//! Pages of lines as one text: running heads and page numbers taken out, lines joined within and across pages.

use std::collections::HashMap;

use super::super::lines::{append, begins, closed_up, is_open, is_row, only_follows, width};

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
    let edges = |page: &[String]| -> Vec<usize> {
        let filled: Vec<usize> = (0..page.len()).filter(|&at| !page[at].trim().is_empty()).collect();
        let mut edges: Vec<usize> = filled
            .iter()
            .take(2)
            .chain(filled.iter().rev().take(2))
            .copied()
            .collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    let mut count: HashMap<String, usize> = HashMap::new();
    for page in pages {
        let mut keys: Vec<String> = edges(page).into_iter().map(|at| masked(&page[at])).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            *count.entry(key).or_default() += 1;
        }
    }
    let often = (pages.len().div_ceil(2)).max(3);
    let mut lines: Vec<&str> = Vec::new();
    for page in pages {
        let edges = edges(page);
        for (at, line) in page.iter().enumerate() {
            let edge = edges.contains(&at);
            let repeated = edge && count.get(&masked(line)).is_some_and(|&times| times >= often);
            let (target, taken) = match () {
                _ if edge && is_page_number(line, repeated) => (&mut flow.numbers, true),
                _ if repeated => (&mut flow.heads, true),
                _ => (&mut flow.heads, false),
            };
            if taken {
                target.push_str(line.trim());
                target.push('\n');
            } else {
                lines.push(line);
            }
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
    let mut before = 0;
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
            && !is_row(&current)
            && (only_follows(line) || (is_open(&current) && before * 10 >= full * 8 && full >= 16));
        if goes_on {
            append(&mut current, line);
        } else {
            push_paragraph(&mut flow.text, &current, apart);
            current = line.trim_end().to_string();
        }
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

/// A line with its digits masked and its blanks gone, so that heads with a page's number are alike.
fn masked(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            if c.is_ascii_digit() || "一二三四五六七八九十".contains(c) {
                '#'
            } else {
                c
            }
        })
        .collect()
}

/// Whether a line at the edge of a page is its number: `第 3 页`, `- 3 -`, `3 / 12`; a number alone only where most pages
/// have one.
fn is_page_number(line: &str, repeated: bool) -> bool {
    let bare: String = line
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_lowercase();
    if bare.chars().count() > 16 || !bare.contains(|c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c))
    {
        return false;
    }
    let words = bare.replace("page", "页").replace("of", "/");
    let rest =
        words.trim_matches(|c: char| c.is_ascii_digit() || "第共页/-—–－·|,，.~一二三四五六七八九十".contains(c));
    let marked = bare.contains('页')
        || bare.contains("page")
        || bare.starts_with(['-', '—', '–', '－', '·'])
        || bare.contains('/');
    rest.is_empty() && (marked || repeated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flow_of(pages: &[Vec<String>]) -> Flow {
        flow(pages)
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

    proptest! {
        #[test]
        fn no_character_of_any_page_is_lost(text in "([甲乙丙]{1,6}|[，。、：]|[0-9]{1,3}| |\n|一、|\\| ){0,60}") {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let pages: Vec<Vec<String>> = text.split("一、").map(|page| page.lines().map(str::to_string).collect()).collect();
            let flow = flow(&pages);
            let count = bare(&flow.text).chars().count() + bare(&flow.heads).chars().count() + bare(&flow.numbers).chars().count();
            prop_assert_eq!(count, pages.iter().flatten().map(|line| bare(line).chars().count()).sum::<usize>());
        }
    }
}
