//! Lines that a program broke, joined again as Chinese is joined: no blank between Han characters.
//!
//! Owns where a line ends because its room did, and where because its author did. Texts keep their lines unless a whole
//! block shows that its lines were broken inside sentences; pages of a PDF always were.

use super::layout::{COLONS, Line, is_han, is_pause, is_stop, joins_without_space, line};
use crate::text::{MarkerStyle, list_marker};

/// How many characters before a broken number tell whether the text is Chinese.
const NEAR: usize = 200;

/// How wide a line is drawn, a Han character counting two.
pub(super) fn width(text: &str) -> usize {
    text.trim().chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// Whether a line begins something of its own: a heading, an item, an article of a law, a row.
pub(super) fn begins(text: &str) -> bool {
    let text = text.trim_start();
    let article = list_marker(text).is_some_and(|marker| marker.style == MarkerStyle::Ordinal);
    article || is_row(text) || !matches!(line(text, false), Line::Text | Line::Blank)
}

/// Whether a line is a row of a table as it is written here or in Markdown, or has columns apart by wide gaps.
pub(super) fn is_row(text: &str) -> bool {
    text.contains(" | ") || text.starts_with('|') || text.contains('\t')
}

/// Whether a sentence goes on behind this line's end.
pub(super) fn is_open(text: &str) -> bool {
    let end = text.trim_end().chars().next_back();
    end.is_some_and(|c| {
        is_han(c)
            || (is_pause(c) && !COLONS.contains(&c))
            || c.is_ascii_alphanumeric()
            || matches!(c, '《' | '（' | '“' | '(' | '%')
    })
}

/// Whether a line can only be the rest of one before it: it begins with what closes or goes on.
pub(super) fn only_follows(text: &str) -> bool {
    text.trim_start().starts_with(|c: char| {
        is_pause(c)
            || matches!(
                c,
                '。' | '；' | '！' | '？' | '）' | '》' | '”' | '】' | ')' | '%' | '‰'
            )
    })
}

/// Adds a line to the one that it continues.
pub(super) fn append(text: &mut String, next: &str) {
    let next = next.trim();
    let before = text.trim_end().len();
    text.truncate(before);
    if let (Some(last), Some(first)) = (text.chars().next_back(), next.chars().next())
        && !joins_without_space(last, first)
        && !(is_han(last) && first.is_ascii_digit())
        && !(last.is_ascii_digit() && is_han(first))
        // A number may be broken too, where Chinese is.
        && !(last.is_ascii_digit() && first.is_ascii_digit() && text.chars().rev().take(NEAR).any(is_han))
        && !matches!(first, '%' | '‰' | ')' | '.' | ',' | ';' | ':')
        && last != '('
    {
        text.push(' ');
    }
    text.push_str(next);
}

/// A text of lines with those joined that were broken inside sentences, and blanks between all characters taken out.
/// A block (lines without a blank one between) is joined where most of its lines end inside a sentence and sentences go
/// on inside its lines; a list of words or a poem does not look so. Says nothing if nothing is to be joined.
pub(super) fn unwrapped(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut joined: Vec<String> = Vec::with_capacity(lines.len());
    let mut changed = false;
    let mut at = 0;
    let room = room(&lines);
    while at < lines.len() {
        let end = (at..lines.len())
            .find(|&end| lines[end].trim().is_empty())
            .unwrap_or(lines.len());
        let block: Vec<String> = lines[at..end]
            .iter()
            .map(|line| match closed_up(line) {
                Some(closed) => {
                    changed = true;
                    closed
                }
                None => line.to_string(),
            })
            .collect();
        if is_wrapped(&block) || is_broken(&block, room) {
            changed = true;
            let mut current = String::new();
            let indents = indents(&block);
            let full = full_width(&block);
            let rows = rows(&block);
            let mut before = 0;
            for (at, line) in block.into_iter().enumerate() {
                let goes_on = is_open(&current)
                    || only_follows(&line)
                    || (before + SLACK > full && (indents || !current.ends_with(['。', '！', '？'])));
                let beside_row = rows[at] || (at > 0 && rows[at - 1]);
                let breaks =
                    current.is_empty() || begins(&line) || beside_row || (indents && is_indented(&line)) || !goes_on;
                before = drawn(&line);
                if breaks && !current.is_empty() {
                    joined.push(std::mem::take(&mut current));
                }
                if breaks {
                    current = line
                } else {
                    append(&mut current, &line)
                }
            }
            joined.push(current);
        } else {
            joined.extend(block);
        }
        if end < lines.len() {
            joined.push(lines[end].to_string());
        }
        at = end + 1;
    }
    changed.then(|| joined.join("\n"))
}

/// How many columns a broken line may be narrower than the widest: a Han character and a mark that no line begins with.
const SLACK: usize = 5;
/// The same of the first of a paragraph, whose indentation may not count.
const INDENTED_SLACK: usize = 9;

/// How wide a line is drawn with what it is indented by.
fn drawn(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let wide = |c: char| if c == '\u{3000}' { 2 } else { 1 };
    line[..indent].chars().map(wide).sum::<usize>() + width(line)
}

/// How wide the widest line is drawn.
fn full_width(block: &[String]) -> usize {
    block.iter().map(|line| drawn(line)).max().unwrap_or(0)
}

/// Whether a line begins as a paragraph does in print, by two characters.
fn is_indented(line: &str) -> bool {
    line.starts_with('\u{3000}') || line.starts_with("  ") || line.starts_with('\t')
}

/// Whether a block shows its paragraphs by indentation: some of its lines have it and others follow them, or the first
/// that has it stands below the end of a sentence (the text's first line may have lost its own; if it is the only one
/// without, the others hang).
fn indents(block: &[String]) -> bool {
    let mut pairs = block.windows(2);
    let follows = |pair: &[String]| is_indented(&pair[0]) && !is_indented(&pair[1]);
    let first = block.iter().position(|line| is_indented(line));
    let below_end = |at: usize| at > 1 && block[at - 1].trim_end().ends_with(is_stop);
    first.is_some_and(|first| below_end(first) || pairs.any(follows))
}

/// How far apart the cells of a row are at least, in blanks; one of full width is as wide as two.
const GAP: usize = 2;
/// The longest cell of a row that is set by blanks, in characters.
const MAX_CELL: usize = 20;

/// How many short cells a line has, apart by wide gaps, if they are several. A number that begins a paragraph stands
/// apart from it, too, and is no cell.
fn cells(text: &str) -> Option<usize> {
    let text = text.trim();
    let text = list_marker(text).map_or(text, |marker| marker.rest).trim_start();
    let (mut cells, mut length, mut gap) = (1, 0, 0);
    for c in text.chars() {
        if c.is_whitespace() {
            gap += if c == '\u{3000}' || c == '\t' { GAP } else { 1 };
            continue;
        }
        if gap >= GAP {
            cells += 1;
            length = 0;
        }
        gap = 0;
        length += 1;
        if length > MAX_CELL || is_stop(c) || matches!(c, '，' | '；') {
            return None;
        }
    }
    (cells > 1).then_some(cells)
}

/// Which lines of a block are rows whose cells stand in columns: as many cells as a neighbour has.
fn rows(block: &[String]) -> Vec<bool> {
    let cells: Vec<Option<usize>> = block.iter().map(|line| cells(line)).collect();
    let alike = |at: usize, near: Option<&Option<usize>>| cells[at].is_some() && near == Some(&cells[at]);
    (0..block.len())
        .map(|at| alike(at, cells.get(at + 1)) || (at > 0 && alike(at, cells.get(at - 1))))
        .collect()
}

/// Whether the first of some lines is itself broken inside a sentence, as those below are: it is as wide as they are,
/// and they are joined.
pub(super) fn runs_on(lines: &[&str]) -> bool {
    let end = lines
        .iter()
        .position(|line| line.trim().is_empty())
        .unwrap_or(lines.len());
    let block: Vec<String> = lines[..end].iter().map(|line| line.to_string()).collect();
    let full = full_width(&block);
    let [first, second, ..] = &block[..] else { return false };
    let indents = indents(&block);
    let slack = if indents && is_indented(first) {
        INDENTED_SLACK
    } else {
        SLACK
    };
    is_open(first)
        && !begins(second)
        && !(indents && is_indented(second))
        && drawn(first) + slack > full
        && is_wrapped(&block)
}

/// How wide the lines of a text are that a program broke: as its widest, if several are that end inside a sentence.
fn room(lines: &[&str]) -> Option<usize> {
    let full = lines
        .iter()
        .map(|line| drawn(line))
        .max()
        .filter(|full| (40..=120).contains(full))?;
    let broken = lines.iter().filter(|line| is_open(line) && drawn(line) + SLACK > full);
    (broken.count() >= 3).then_some(full)
}

/// Whether a block of two lines is a sentence that was broken because its room ended.
fn is_broken(block: &[String], room: Option<usize>) -> bool {
    let ([first, second], Some(room)) = (block, room) else {
        return false;
    };
    let slack = if is_indented(first) { INDENTED_SLACK } else { SLACK };
    let goes_on = is_open(first) && !begins(second) && !is_indented(second);
    goes_on && drawn(first) + slack > room && first.contains(is_pause) && second.contains(|c| is_pause(c) || is_stop(c))
}

/// Whether a block's lines were broken inside sentences.
fn is_wrapped(block: &[String]) -> bool {
    if block.len() < 3 {
        return false;
    }
    let above = &block[..block.len() - 1];
    let (indents, full) = (indents(block), full_width(block));
    let rows = rows(block);
    let pairs = || {
        let pairs = block.windows(2).zip(rows.windows(2));
        let pairs = pairs.filter(|(_, rows)| !rows[0] && !rows[1]).map(|(pair, _)| pair);
        pairs.filter(|pair| !(begins(&pair[1]) || indents && is_indented(&pair[1])))
    };
    let torn = pairs()
        .filter(|pair| {
            is_open(&pair[0])
                && pair[1]
                    .trim_start()
                    .starts_with(|c: char| is_han(c) || c.is_ascii_alphanumeric())
                || only_follows(&pair[1])
                || (indents && !is_indented(&pair[1]) && drawn(&pair[0]) + SLACK > full)
        })
        .count();
    // A sentence that ends or pauses inside a line, with Han on both sides, was not written line by line.
    let inside = block
        .iter()
        .filter(|line| {
            let line = line.trim();
            line.char_indices().any(|(at, c)| {
                (c == '。' || c == ',' || c == '\u{ff0c}' || c == '、' || c == '；')
                    && at > 0
                    && line[at + c.len_utf8()..].starts_with(is_han)
            })
        })
        .count();
    let longest = block.iter().map(|line| width(line)).max().unwrap_or(0);
    let listed = above.iter().enumerate().any(|(at, line)| {
        // The end of a broken sentence announces no list of words.
        let ends = at > 0 && is_open(&block[at - 1]) && drawn(&block[at - 1]) + SLACK > full;
        line.trim_end().ends_with(COLONS) && width(line) * 2 < longest && !ends
    });
    let in_rows = rows.iter().filter(|row| **row).count();
    let most = if indents || in_rows > 0 {
        pairs().count()
    } else {
        above.len()
    };
    let said = block.len() - in_rows;
    torn * 2 > most && inside * 3 >= said && longest <= 120 && !listed
}

/// A line whose characters all stand apart by one blank, without them.
pub(super) fn closed_up(line: &str) -> Option<String> {
    let trimmed = line.trim();
    let (mut apart, mut together) = (0usize, 0usize);
    let chars: Vec<char> = trimmed.chars().collect();
    for pair in chars.windows(2) {
        let blank = pair[0].is_whitespace() != pair[1].is_whitespace();
        let han = is_han(pair[0]) || is_han(pair[1]);
        apart += usize::from(blank && han);
        together += usize::from(is_han(pair[0]) && is_han(pair[1]));
    }
    // Four characters in a heading, or most of a line.
    if !(apart >= 6 && together == 0 || apart >= 8 && together * 8 <= apart) {
        return None;
    }
    let mut closed = String::with_capacity(trimmed.len());
    let mut words = trimmed.split_whitespace().peekable();
    while let Some(word) = words.next() {
        closed.push_str(word);
        if let (Some(last), Some(first)) = (
            word.chars().next_back(),
            words.peek().and_then(|next| next.chars().next()),
        ) && last.is_ascii_alphanumeric()
            && first.is_ascii_alphanumeric()
        {
            // `1 2 月` was 12; words of other scripts stay apart.
            if !(last.is_ascii_digit() && first.is_ascii_digit()) {
                closed.push(' ');
            }
        }
    }
    Some(closed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_lines_are_joined_and_others_are_not() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(unwrapped(text).as_deref(), expected, "{text}");
        };
        check(
            "办法\n\n参保人员应当在产假结束后六\n个月内申领生育津\n贴，逾期不再受理。材料齐\n全的，当场办结。",
            Some("办法\n\n参保人员应当在产假结束后六个月内申领生育津贴，逾期不再受理。材料齐全的，当场办结。"),
        );
        check(
            "一、职工参保后，按月缴\n费，次月起享\n受待遇，断缴即停。\n二、居民按年缴费，逾期有\n等待期。",
            Some("一、职工参保后，按月缴费，次月起享受待遇，断缴即停。\n二、居民按年缴费，逾期有等待期。"),
        );
        // Paragraphs that are begun by indentation; a line may end with a sentence, a number be broken.
        check(
            "通知\n　　参保职工住院，起付标准为900元。\n年度内，第二次减半，最高限额每人3\n000元，退休人员为百分之六十，居民60\n%。\n　　居民按年缴费。",
            Some(
                "通知\n　　参保职工住院，起付标准为900元。年度内，第二次减半，最高限额每人3000元，退休人员为百分之六十，居民60%。\n　　居民按年缴费。",
            ),
        );
        // Paragraphs of two lines, in a text whose lines end where their room does.
        check(
            "甲方申请领取身故保险金的时候，须填写保险金申请\n书，并提供证明。\n\n乙方在收到申请书及有关证明和资料以后，将在五个\n工作日内核定。\n\n丙方对于属于保险责任的，在达成给付协议以后十日\n内，给付保险金。",
            Some(
                "甲方申请领取身故保险金的时候，须填写保险金申请书，并提供证明。\n\n乙方在收到申请书及有关证明和资料以后，将在五个工作日内核定。\n\n丙方对于属于保险责任的，在达成给付协议以后十日内，给付保险金。",
            ),
        );
        check(
            "甲方申请领取身故保险金的时候，须填写保险金申请\n书，并提供证明。\n\n乙方十日内核定。",
            None,
        );
        // What is indented as a paragraph, or has columns, begins a line though none ends as a sentence does.
        check(
            "缴费从九月一日开始，到年底为止，逾期不\n再办理，请按时缴费，避免影响。\n　　缴费标准\n　　成年人四百元\n　　学生三百元",
            Some(
                "缴费从九月一日开始，到年底为止，逾期不再办理，请按时缴费，避免影响。\n　　缴费标准\n　　成年人四百元\n　　学生三百元",
            ),
        );
        check(
            "费率按赔付率，分为几档，逐年调整，逾期不\n再办理，请各位单位，按时缴费，避免影\n响。\n赔付率    调整\n60%以下   下浮5%\n80%以上   上浮10%",
            Some(
                "费率按赔付率，分为几档，逐年调整，逾期不再办理，请各位单位，按时缴费，避免影响。\n赔付率    调整\n60%以下   下浮5%\n80%以上   上浮10%",
            ),
        );
        check("材料\n身份证\n社保卡\n户口本\n结婚证", None);
        check("床前明月光\n疑是地上霜\n举头望明月\n低头思故乡", None);
        check(
            "第一句话，在这里写完。\n第二句话，也写完了。\n第三句话，同样写完。",
            None,
        );
        check("青禾市医疗保障局\n2024年5月8日\n", None);
        check("险种 | 个人，单位\n养老 | 8%\n医疗 | 2%", None);
        check("缴 费 通 知", Some("缴费通知"));
        check("医 保 断 缴 通 知 书", Some("医保断缴通知书"));
        check(
            "自 2 0 2 5 年 五 月 起 实 施 ， 请 及 时 申 报 。",
            Some("自2025年五月起实施，请及时申报。"),
        );
        check("姓 名 张三", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_changes(text in "([甲乙丙]{1,6}|[，。、：]|[0-9]{1,3}| |\n|一、|\\| ){0,60}") {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            if let Some(joined) = unwrapped(&text) {
                prop_assert_eq!(bare(&joined), bare(&text));
            }
        }
    }
}
