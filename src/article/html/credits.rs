//! Lines that say when and by whom an article was published, or what can be done with it, told from its sentences.
//!
//! Judges one line by its shape; where such lines stand is for its callers to see.

use crate::text::Normalized;

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_han, is_pause, is_stop};
use super::super::site_words::{List, listed};

/// The longest line that says when and by whom, in characters.
const MAX_CREDIT: usize = 120;
/// How many Han characters stand beside a day at most: a publisher and a few words on him.
const MAX_NAME: usize = 24;

/// What credits begin with.
fn labels() -> impl Iterator<Item = &'static str> {
    let lists = [
        List::LabelSource,
        List::LabelDay,
        List::LabelUnsaidDay,
        List::Label,
        List::LabelOfPages,
    ];
    lists.into_iter().flat_map(listed).copied()
}

/// A line without what marks it as a heading or an item.
pub(super) fn words(line: &str) -> &str {
    line.trim().trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a line is a sentence of an article.
pub(super) fn is_sentence(line: &str) -> bool {
    let length = line.chars().count();
    line.contains('。') || (length >= 20 && (line.contains(|c| is_stop(c) || c == '\u{ff0c}') || has_comma(line)))
}

/// Whether a line has a comma that is not of a number or a day: `浏览次数：1,283` and `April 9, 2024` are no sentences.
fn has_comma(line: &str) -> bool {
    line.match_indices(',').any(|(at, _)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        !(digit(line[..at].chars().next_back()) && digit(line[at + 1..].trim_start().chars().next()))
    })
}

/// Whether a line says by whom or when, after a word that says so.
pub(super) fn is_labelled(line: &str) -> bool {
    // Labels are listed in simplified characters.
    let line = Normalized::new(words(line)).text;
    let mut line = line.as_str();
    let signed = |label: &&str| {
        line.strip_prefix(label)
            .is_some_and(|rest| rest.trim_start().starts_with(['|', '丨', '/']))
    };
    if listed(List::LabelBar).iter().any(signed) && line.chars().count() <= MAX_NAME && next_stamp(line, 0).is_none() {
        return true;
    }
    // Tools may stand before it on its line: `字号：大 中 小 来源：某局`.
    while let Some((tool, rest)) = line.split_once(char::is_whitespace)
        && is_tools(tool)
    {
        line = rest.trim_start();
    }
    let labelled = |label: &&str| {
        line.strip_prefix(*label)
            .is_some_and(|rest| rest.trim_start().starts_with(COLONS))
    };
    match labels().find(labelled).filter(|_| line.chars().count() <= MAX_CREDIT) {
        // What is announced has a time too; that of a publication is a day, and nothing follows but other credits.
        Some("时间" | "日期") => next_stamp(line, 0).is_some_and(|stamp| {
            let rest = line[stamp.end..].trim();
            rest.is_empty() || labels().any(|label| rest.contains(label))
        }),
        label => label.is_some_and(|label| !is_speech(label, &line[label.len()..])),
    }
}

/// Whether what stands behind a label is what somebody says, as in an interview (`记者：为什么要专门制定办法？`): a question,
/// or a sentence of a reporter, and no name.
fn is_speech(label: &str, behind: &str) -> bool {
    let behind = behind.trim_end();
    behind.ends_with(['?', '\u{ff1f}']) || (label == "记者" && behind.ends_with('。') && behind.contains([',', '，']))
}

/// Whether a line between two others says when and by whom, and is neither one of a schedule nor of the fields of what
/// is announced (`时间：`, `地点：`).
pub(super) fn is_credit(around: [&str; 2], line: &str) -> bool {
    let is_field = |line: &str| {
        let label = line.find(COLONS).map_or(0, |at| words(&line[..at]).chars().count());
        (2..=6).contains(&label) && !is_labelled(line) && !is_tools(line)
    };
    if is_labelled(line) {
        let line = words(line);
        let has_others = labels().filter(|label| label.chars().count() > 1).any(|label| {
            let at = line.rfind(label).filter(|&at| at > 0);
            at.is_some_and(|at| line[at + label.len()..].trim_start().starts_with(COLONS))
        });
        has_others || !(line.starts_with(['时', '日']) && around.into_iter().any(is_field))
    } else {
        is_dated(line) && !is_schedule(around, line)
    }
}

/// Whether a line is a day, with at most a time, a publisher and tools behind it, or a publisher in front of it.
pub(super) fn is_dated(line: &str) -> bool {
    if line.chars().count() > MAX_CREDIT {
        return false;
    }
    // Digits may be of full width.
    let line = Normalized::new(words(line)).text;
    let line = line.as_str();
    let Some(stamp) = next_stamp(line, 0) else {
        return false;
    };
    let (before, behind) = (line[..stamp.start].trim(), line[stamp.end..].trim());
    let han = |text: &str| text.chars().filter(|c| is_han(*c)).count();
    let name = |text: &str| han(text) <= MAX_NAME;
    let sourced = ["来源", "作者", "发布", "记者"].iter().any(|word| line.contains(word));
    let bare = |text: &str| !text.contains(char::is_alphanumeric);
    // A day of the week, a time in words, the page of a paper, counts.
    let told = |text: &str| {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        let clock = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '时' | '分' | '秒' | '点'));
        let paged = text.starts_with('第') && text.ends_with('版') && text.chars().count() <= 8;
        bare(text) || (clock && han(text) > 0) || paged || is_weekday(text) || is_tools(text) || names_author(text)
    };
    let parted = |text: &str| text.starts_with(['·', '|', '丨']) || text.ends_with(['·', '|', '丨']);
    let short = |text: &str| han(text) <= MAX_NAME / 2 && !text.contains(|c| is_stop(c) || is_pause(c));
    (bare(before) && (told(behind) || is_label_behind_day(behind)))
        || (name(before) && name(behind) && (stamp.timed || sourced))
        || (sourced && before.is_empty())
        || (short(before) && told(behind) && !bare(behind))
        || (short(before) && bare(behind) && ends_as_posted(before))
        || (short(before) && short(behind) && parted(before) && parted(behind))
        || (bare(before) && are_credits_apart(behind))
        || (name(before) && says_where(behind))
        || are_days_and_counts(line)
}

/// Whether a text behind a day names somebody behind a label: `审核：7月5日前完成` says what is to be done.
fn is_label_behind_day(text: &str) -> bool {
    let counts = |word: &str| word.contains(|c: char| c.is_ascii_digit()) && word.contains(char::is_alphabetic);
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    is_labelled(text) && !text.split_whitespace().any(|word| counts(word) && !is_tools(word))
}

/// Whether the words before a day say who posted something then: `顾律师 发表于`.
fn ends_as_posted(before: &str) -> bool {
    let name = ["发表于", "发布于"].iter().find_map(|word| before.strip_suffix(word));
    name.is_some_and(|name| name.ends_with(char::is_whitespace))
}

/// Whether a text behind a day says who wrote it: `文/丁一`.
fn names_author(text: &str) -> bool {
    let name = ["文/", "文|", "文丨", "图/", "图文/"]
        .iter()
        .find_map(|mark| text.strip_prefix(mark));
    name.is_some_and(|name| (2..=MAX_NAME / 2).contains(&name.chars().count()) && name.chars().all(is_han))
}

/// Whether a text counts the minutes or the characters of an article: `420 字`.
fn counts_length(text: &str) -> bool {
    let number = ["分钟", "字"].iter().find_map(|unit| text.strip_suffix(unit));
    let number = number.map(str::trim_end).filter(|number| !number.is_empty());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b','))
}

/// Whether a text is short words with signs between them, one of which counts: `· 阅读 6 分钟 · 顾问小美`.
fn are_credits_apart(text: &str) -> bool {
    let is_short = |word: &str| word.chars().count() <= MAX_NAME / 2 && !word.contains(|c| is_stop(c) || is_pause(c));
    let mut words = text.split(['·', '|', '丨']).map(str::trim);
    words.next() == Some("") && words.clone().all(is_short) && words.any(|word| is_tools(word) || counts_length(word))
}

/// Whether a text says from where something was posted: `发表于浙江`.
fn says_where(text: &str) -> bool {
    let place = ["发表于", "发布于"].iter().find_map(|word| text.strip_prefix(word));
    place.is_some_and(|place| (2..=8).contains(&place.trim().chars().count()) && place.trim().chars().all(is_han))
}

/// Whether a line is nothing but days, each behind its label, and what counts: `发表于 2021-12-01 更新于 2022-03-08 阅读 3 分钟`.
fn are_days_and_counts(line: &str) -> bool {
    let (mut rest, mut from) = (String::new(), 0);
    while let Some(stamp) = next_stamp(line, from) {
        rest.extend([&line[from..stamp.start], " "]);
        from = stamp.end;
    }
    rest.push_str(&line[from..]);
    let labels: Vec<&str> = labels().collect();
    let is_labelled = listed(List::LabelDay).iter().any(|label| line.starts_with(label));
    is_labelled && only_tools_and(&labels, &rest)
}

/// Whether a text names a day of the week and nothing else.
fn is_weekday(text: &str) -> bool {
    let day = ["星期", "礼拜", "周"].iter().find_map(|week| text.strip_prefix(week));
    day.is_some_and(|day| day.chars().count() == 1 && day.starts_with(['一', '二', '三', '四', '五', '六', '日', '天']))
}

/// Whether a line says who wrote it and how long ago: `社保老张 3天前 关注`, `本报记者 王某`.
pub(super) fn is_byline(line: &str) -> bool {
    let length = line.chars().count();
    if length <= 2 * MAX_NAME && line.matches('·').count() > 1 && are_credits_apart(&format!("·{line}")) {
        return true;
    }
    if length > MAX_NAME || line.contains(|c| is_stop(c) || is_pause(c)) {
        return false;
    }
    if listed(List::Reporter).iter().any(|start| line.starts_with(start)) {
        return true;
    }
    let behind = listed(List::Ago).iter().find_map(|ago| {
        let (before, behind) = line.split_once(ago)?;
        before.ends_with(|c: char| c.is_ascii_digit()).then_some(behind)
    });
    let behind = behind.or_else(|| line.strip_suffix("昨天").or(line.strip_suffix("前天")).map(|_| ""));
    behind.is_some_and(|behind| !behind.contains(char::is_alphanumeric) || is_tools(behind))
}

/// Whether a line and a neighbour of it have days and name no source: then it is one of a schedule or a log.
pub(super) fn is_schedule(around: [&str; 2], line: &str) -> bool {
    let plain = |line: &str| next_stamp(line, 0).is_some() && !line.contains("来源") && !is_labelled(line);
    plain(line) && around.into_iter().any(|line| plain(line) && !is_sentence(line))
}

/// Whether a line is nothing but names of tools.
pub(super) fn is_tools(line: &str) -> bool {
    only_tools_and(&[], line)
}

/// Whether a line is nothing but names of tools and these words, with numbers and marks between.
pub(super) fn only_tools_and(words: &[&str], line: &str) -> bool {
    let mut rest = line.trim_start_matches(|c: char| !c.is_alphabetic());
    let mut tools = 0;
    while !rest.is_empty() {
        let longest = listed(List::Tool)
            .iter()
            .chain(words)
            .filter(|tool| rest.starts_with(**tool))
            .max_by_key(|tool| tool.len());
        let Some(tool) = longest else { return false };
        // `120万人次` counts something, and what is not said.
        tools += usize::from(!listed(List::ToolUnit).contains(tool));
        rest = rest[tool.len()..].trim_start_matches(|c: char| !c.is_alphabetic());
    }
    tools > 0
}

/// A name without the tool that stands behind it on its line.
pub(super) fn without_tools(name: &str) -> &str {
    let tools = listed(List::Tool).iter().filter(|tool| tool.chars().count() > 1);
    tools.fold(name, |name, tool| name.strip_suffix(tool).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_half_of_a_dateline_is_a_part_of_it() {
        let check = |line: &str, expected: bool| assert_eq!(is_dated(line), expected, "{line}");
        check(
            "发表于 2021-12-01 更新于 2022-03-08 本文字数：1.2k 阅读时长 ≈3 分钟",
            true,
        );
        check("2024-08-30 · 阅读 6 分钟 · 顾问小美", true);
        check("周律师社保法务2022-02-18发表于浙江", true);
        check("发表于 2021-12-01 的办法自 2022-01-01 起施行", false);
        check("2024-08-30 · 青禾市医保中心 · 二楼报告厅", false);
        check("缴费截至2022-02-18发表于", false);
        check("2024年1月15日 · 2 分钟 · 420 字 · 打工人", true);
        check("顾律师 发表于 2022-03-09", true);
        check("2023年10月16日 文/丁一", true);
        check("2024-03-19 摄影报道：卢森", true);
        check("2024年1月15日 · 30 分钟 到 · 2 楼", false);
        check("2023年10月16日 文件汇编", false);
        check("2024-03-19 编辑：丁一 浏览：12", true);
        check("报名截止 2024年6月30日 审核：7月5日前完成", false);
        check("2024年6月30日 审核：7月5日前完成", false);
        assert!(is_byline("毛线编辑部 · 4月22日 · 阅读约 3 分钟") && !is_byline("职工 · 居民 · 3 分钟路程"));
        assert!(is_labelled("记者：丁一") && is_labelled("编辑：丁一 审核：卢森"));
        for said in [
            "记者：为什么要专门制定办法？",
            "记者：我们注意到，今年的标准提高了。",
            "编辑：谁可以申请？",
        ] {
            assert!(!is_labelled(said), "{said}");
        }
        assert!(!is_sentence("来源：待遇保障科 浏览次数：1,283 字号：大 中 小 打印"));
        assert!(is_sentence("缴费标准为每人每年380元, 财政补助640元"));
    }

    #[test]
    fn lines_of_tools_are_told_from_words() {
        let check = |line: &str, expected: bool| assert_eq!(is_tools(line), expected, "{line}");
        check("字号：大 中 小 打印本页 浏览次数：1024", true);
        check("浏览：8876次", true);
        check("阅读 1.2万 赞 56 在看 32", true);
        check("120万人次", false);
        check("3人", false);
        check("打印机的价格", false);
        check("2024", false);
    }
}
