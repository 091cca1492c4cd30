//! Articles to passages, and passages to windows: where to cut a text so that each piece can be read whole.
//!
//! Cuts where the text itself begins something (a section, a paragraph, an item), else between sentences, and inside
//! a sentence only if it alone is too long. All cuts of an article are chosen together, by the least total cost of
//! where they fall and how uneven they leave the passages, so that no scrap is left at the end. Lengths are characters:
//! passages and what words find in them are the same whatever model reads them.

use std::ops::Range;

use crate::model::{Article, Passage};

use super::unit::{Unit, units};

/// How long passages may be and should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// No passage is longer, in characters. At least 1.
    pub most: usize,
    /// The length that passages of a long article should have, in characters. An article up to a sixth longer stays
    /// whole.
    pub target: usize,
}

impl Default for SplitOptions {
    /// About as much as a person reads at a glance; models read 510 tokens, which is nearly all of the longest.
    fn default() -> Self {
        SplitOptions { most: 600, target: 420 }
    }
}

/// Passages longer than this have windows.
const WHOLE: usize = 200;

/// How long windows are: a sentence or some.
const WINDOWS: SplitOptions = SplitOptions { most: 200, target: 120 };

/// What unevenness costs, times the square of the deviation from the ideal length: a passage half as long as it should
/// be costs a little more than a cut between two sentences, a scrap more than one between two clauses. Much higher, it
/// would cut paragraphs apart; much lower, the cost of cuts alone would make passages longer than wanted.
const UNEVEN_COST: f64 = 40.0;

/// The longest heading that travels with a passage, in characters; the rest is cut off.
const MAX_HEADING: usize = 40;

/// The longest header of a table that travels with a passage, in characters.
const MAX_HEADER: usize = 120;

/// Cuts an article into passages, in order, without overlap, that leave out nothing but white space. A text of white
/// space gives no passage.
pub fn split(article: &Article, options: &SplitOptions) -> Vec<Passage> {
    let (units, ranges) = ranges(&article.text, options);
    let mut chars = Chars {
        text: &article.text,
        byte: 0,
        count: 0,
    };
    let mut path: Vec<(u8, &str)> = Vec::new();
    let mut passages = Vec::new();
    for (from, to) in ranges {
        let (first, last) = (&units[from], &units[to - 1]);
        // A heading inside the passage ends those of its level and below, so they do not hold for all of it.
        let inner = units[from..to]
            .iter()
            .filter_map(|unit| unit.heading)
            .map(|(level, _)| level)
            .min();
        let above = path
            .iter()
            .filter(|(level, words)| inner.is_none_or(|inner| *level < inner) && *words != article.title);
        // A passage that begins below a table's header says what its cells are all the same.
        let header = first.header.map(|header| shortened(header, MAX_HEADER));
        let heading: Vec<String> = above.map(|(_, words)| short(words)).chain(header).collect();
        passages.push(Passage {
            ordinal: number(passages.len()),
            heading: heading.join(" > "),
            start: chars.at(first.start),
            end: chars.at(last.end),
            text: article.text[first.start..last.end].to_string(),
        });
        for (level, words) in units[from..to].iter().filter_map(|unit| unit.heading) {
            path.retain(|&(above, _)| above < level);
            path.push((level, words));
        }
    }
    passages
}

/// The parts of a passage that meaning looks at one by one, in order, without overlap, as ranges of bytes; none for a
/// passage that is short enough to be looked at as a whole. A vector of a long passage says what it is about, and
/// little of the one sentence in it that answers.
pub fn windows(text: &str) -> Vec<Range<usize>> {
    if text.chars().count() <= WHOLE {
        return Vec::new();
    }
    let (units, ranges) = ranges(text, &WINDOWS);
    let bytes = |&(from, to): &(usize, usize)| units[from].start..units[to - 1].end;
    ranges.iter().map(bytes).collect()
}

/// The units of a text, and which of them go together.
fn ranges<'a>(text: &'a str, options: &SplitOptions) -> (Vec<Unit<'a>>, Vec<(usize, usize)>) {
    let most = options.most.max(1);
    let target = options.target.clamp(1, most);
    let units = units(text, most, target / 16);
    let ranges = cut(&units, most, target);
    (units, ranges)
}

/// The best way to put units together, as ranges: dynamic programming over where the last passage begins.
fn cut(units: &[Unit<'_>], max: usize, target: usize) -> Vec<(usize, usize)> {
    let mut sums = Vec::with_capacity(units.len() + 1);
    sums.push(0usize);
    for unit in units {
        sums.push(sums[sums.len() - 1] + unit.gap + unit.length);
    }
    let length = |from: usize, to: usize| sums[to] - sums[from] - units[from].gap;
    let total = if units.is_empty() { 0 } else { length(0, units.len()) };
    if total <= max && total * 6 <= target * 7 {
        return if units.is_empty() {
            Vec::new()
        } else {
            vec![(0, units.len())]
        };
    }
    let ideal = total as f64 / (total as f64 / target as f64).round().max(2.0);
    let mut best = vec![(0.0, 0usize); units.len() + 1];
    for to in 1..=units.len() {
        let mut found = (f64::INFINITY, to - 1);
        for from in (0..to).rev() {
            let length = length(from, to);
            // One unit is always a passage, however long; more must fit.
            if length > max && from + 1 < to {
                break;
            }
            let uneven = (length as f64 - ideal) / ideal;
            let cost = best[from].0 + units[from].cut + UNEVEN_COST * uneven * uneven;
            if cost < found.0 {
                found = (cost, from);
            }
        }
        best[to] = found;
    }
    let mut ranges = Vec::new();
    let mut to = units.len();
    while to > 0 {
        let from = best[to].1;
        ranges.push((from, to));
        to = from;
    }
    ranges.reverse();
    ranges
}

/// Byte offsets to character offsets, for offsets that only grow.
struct Chars<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl Chars<'_> {
    fn at(&mut self, byte: usize) -> u32 {
        self.count += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        number(self.count)
    }
}

/// Texts are limited to far less than 4 GiB where they are read.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn short(heading: &str) -> String {
    let heading = heading.trim().trim_end_matches(super::layout::COLONS);
    shortened(heading, MAX_HEADING)
}

/// At most so many characters of a text.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn article(text: &str) -> Article {
        Article {
            id: "a".into(),
            title: "标题".into(),
            text: text.into(),
            ..Article::default()
        }
    }

    fn split_at(text: &str, most: usize, target: usize) -> Vec<Passage> {
        split(&article(text), &SplitOptions { most, target })
    }

    /// What must hold of any splitting, by characters.
    fn check_properties(text: &str, max: usize, target: usize) {
        let chars: Vec<char> = text.chars().collect();
        let mut covered = 0;
        for (ordinal, passage) in split_at(text, max, target).iter().enumerate() {
            assert_eq!(passage.ordinal as usize, ordinal);
            let (start, end) = (passage.start as usize, passage.end as usize);
            assert!(
                covered <= start && start < end && end <= chars.len(),
                "{start}..{end} behind {covered}"
            );
            assert_eq!(chars[start..end].iter().collect::<String>(), passage.text);
            assert!(
                chars[covered..start].iter().all(|c| c.is_whitespace()),
                "left out before {start}"
            );
            assert!(end - start <= max.max(1), "{} of {max}", end - start);
            assert_eq!(passage.text.trim(), passage.text);
            covered = end;
        }
        assert!(
            chars[covered..].iter().all(|c| c.is_whitespace()),
            "left out at the end"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_covered_in_order(text in "\\PC{0,120}", max in 0usize..40, target in 0usize..50) {
            check_properties(&text, max, target);
        }

        #[test]
        fn any_structure_is_covered_in_order(
            text in "([一二1-3][、.]|[#]{1,2} |• |医保|[甲乙丙]{1,9}|[。,;:?”)!]| {1,3}|\n{1,3}|[0-9.,]{1,4}|[a-z]{1,5}){0,60}",
            max in 0usize..60,
            target in 0usize..60,
        ) {
            check_properties(&text, max, target);
        }
    }

    #[test]
    fn passages_begin_where_the_text_begins_something() {
        let check = |text: &str, max: usize, target: usize, expected: &[(&str, &str)]| {
            let found = split_at(text, max, target);
            let found: Vec<(&str, &str)> = found.iter().map(|p| (p.heading.as_str(), p.text.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("", 100, 50, &[]);
        check(" \n\n ", 100, 50, &[]);
        check("  短文一篇。\n", 100, 50, &[("", "短文一篇。")]);
        // Sections go together, headings stay with what they head and travel with what follows.
        check(
            "开头说明此事的来由。\n\n一、线上办理\n\n登录平台后提交申请。\n\n二、线下办理\n\n带上身份证到窗口去。",
            30,
            20,
            &[
                ("", "开头说明此事的来由。"),
                ("", "一、线上办理\n\n登录平台后提交申请。"),
                ("", "二、线下办理\n\n带上身份证到窗口去。"),
            ],
        );
        check(
            "## 影响\n\n停止报销,费用自己承担。\n\n年限要重新计算,不再连续。",
            22,
            20,
            &[
                ("", "## 影响\n\n停止报销,费用自己承担。"),
                ("影响", "年限要重新计算,不再连续。"),
            ],
        );
        // Items stay with their lead-in.
        check(
            "断缴之后先把情况弄清楚再说。\n\n材料有:\n\n• 身份证\n• 社保卡",
            24,
            16,
            &[
                ("", "断缴之后先把情况弄清楚再说。"),
                ("", "材料有:\n\n• 身份证\n• 社保卡"),
            ],
        );
        // Sentences, then clauses, then characters, but not inside a number.
        check(
            "第一句话。第二句话。第三句话。",
            11,
            10,
            &[("", "第一句话。第二句话。"), ("", "第三句话。")],
        );
        check(
            "甲乙丙丁,戊己庚辛,壬癸子丑",
            10,
            10,
            &[("", "甲乙丙丁,"), ("", "戊己庚辛,壬癸子丑")],
        );
        check("甲乙丙丁戊己庚辛", 4, 4, &[("", "甲乙丙丁"), ("", "戊己庚辛")]);
        check(
            "他说:“不行。”然后走了。",
            8,
            8,
            &[("", "他说:“不行。”"), ("", "然后走了。")],
        );
        // The title is no heading of its own.
        check(
            "# 标题\n\n甲乙丙丁。\n\n戊己庚辛。",
            12,
            12,
            &[("", "# 标题\n\n甲乙丙丁。"), ("", "戊己庚辛。")],
        );
    }

    #[test]
    fn a_tables_header_travels_with_its_rows() {
        let rows: Vec<String> = (0..90).map(|n| format!("项目{n:03} | {n}% | {n}元")).collect();
        let text = format!(
            "按下表执行。\n\n## 门诊\n\n项目 | 比例 | 限价\n{}\n\n表后说明一句。",
            rows.join("\n")
        );
        let passages = split_at(&text, 300, 200);
        assert!(passages.len() > 4);
        for passage in &passages {
            let begins_below = passage.text.starts_with("项目0");
            assert_eq!(
                passage.heading.ends_with("项目 | 比例 | 限价"),
                begins_below,
                "{passage:?}"
            );
            assert!(!begins_below || passage.heading.starts_with("门诊 > "), "{passage:?}");
        }
        // Two tables apart by a blank line have each its own.
        let passages = split_at("甲 | 乙\n1 | 2\n3 | 4\n\n丙 | 丁\n5 | 6\n7 | 8", 9, 8);
        let last = passages.last().unwrap();
        assert_eq!((last.heading.as_str(), last.text.as_str()), ("丙 | 丁", "7 | 8"));
    }

    #[test]
    fn no_scrap_is_left_at_the_end() {
        let text = "每一句话都是十个字长。".repeat(30);
        let lengths: Vec<usize> = split_at(&text, 420, 300)
            .iter()
            .map(|p| p.text.chars().count())
            .collect();
        assert_eq!(lengths, [330], "a little over the target stays whole");
        let text = "每一句话都是十个字长。".repeat(34);
        let lengths: Vec<usize> = split_at(&text, 420, 300)
            .iter()
            .map(|p| p.text.chars().count())
            .collect();
        assert_eq!(lengths, [187, 187]);
    }

    #[test]
    fn a_long_text_is_cut_evenly() {
        let text = "医保断缴之后应当尽快补缴。".repeat(5_000);
        let passages = split(&article(&text), &SplitOptions::default());
        let lengths: Vec<u32> = passages.iter().map(|p| p.end - p.start).collect();
        assert!(lengths.iter().all(|length| (370..=470).contains(length)), "{lengths:?}");
        assert_eq!(passages.last().map(|p| p.end as usize), Some(text.chars().count()));
    }

    #[test]
    fn long_passages_have_windows_of_whole_sentences_that_leave_nothing_out() {
        let sentence = |number: usize| format!("第{number}条规定了职工断缴之后补缴的办法和期限。");
        let text = |sentences: usize| (0..sentences).map(sentence).collect::<String>();
        assert!(windows(&text(9)).is_empty() && windows("").is_empty());
        for sentences in [10, 15, 20, 29] {
            let text = text(sentences);
            let windows: Vec<&str> = windows(&text).into_iter().map(|range| &text[range]).collect();
            assert!(windows.len() > 1 && windows.concat() == text);
            for window in windows {
                let length = window.chars().count();
                assert!(window.ends_with('。') && (80..=170).contains(&length), "{length}");
            }
        }
    }
}
