//! Lines that say when and by whom an article was published, or what can be done with it, told from its sentences.
//!
//! Judges one line by its shape; where such lines stand is for its callers to see.

use crate::text::Normalized;

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_han, is_stop};

/// The longest line that says when and by whom, in characters.
const MAX_CREDIT: usize = 120;
/// How many Han characters stand beside a day at most: a publisher and a few words on him.
const MAX_NAME: usize = 24;

/// What credits begin with.
const LABELS: [&str; 28] = [
    "发布时间",
    "发布日期",
    "发文日期",
    "发表时间",
    "更新时间",
    "时间",
    "日期",
    "来源",
    "信息来源",
    "文章来源",
    "稿源",
    "稿件来源",
    "作者",
    "编辑",
    "责任编辑",
    "责编",
    "记者",
    "浏览次数",
    "浏览量",
    "浏览",
    "阅读次数",
    "阅读",
    "点击数",
    "点击",
    "发布机构",
    "本文来源",
    "转载请注明",
    "稿件来源",
];

/// What can be done with an article.
const TOOLS: [&str; 40] = [
    "字号",
    "字体",
    "打印本页",
    "打印",
    "下载",
    "分享到",
    "分享",
    "收藏",
    "关闭窗口",
    "关闭",
    "复制链接",
    "超大",
    "特大",
    "默认",
    "大",
    "中",
    "小",
    "微信",
    "微博",
    "新浪",
    "空间",
    "朋友圈",
    "评论",
    "参与",
    "我要纠错",
    "纠错",
    "扫一扫",
    "在手机打开",
    "手机看",
    "投稿",
    "推荐",
    "点赞",
    "举报",
    "本页",
    "放大",
    "缩小",
    "正常",
    "扫码",
    "全文",
    "调整",
];

/// A line without what marks it as a heading or an item.
pub(super) fn words(line: &str) -> &str {
    line.trim().trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a line is a sentence of an article.
pub(super) fn is_sentence(line: &str) -> bool {
    let length = line.chars().count();
    line.contains('。') || (length >= 20 && line.contains(|c| is_stop(c) || matches!(c, ',' | '\u{ff0c}')))
}

/// Whether a line says by whom or when, after a word that says so.
pub(super) fn is_labelled(line: &str) -> bool {
    // Labels are listed in simplified characters.
    let line = Normalized::new(words(line)).text;
    let line = line.as_str();
    let labelled = |label: &&&str| {
        line.strip_prefix(**label)
            .is_some_and(|rest| rest.trim_start().starts_with(COLONS))
    };
    match LABELS
        .iter()
        .find(labelled)
        .filter(|_| line.chars().count() <= MAX_CREDIT)
    {
        // What is announced has a time too; that of a publication is a day, and nothing follows but other credits.
        Some(&("时间" | "日期")) => next_stamp(line, 0).is_some_and(|stamp| {
            let rest = line[stamp.end..].trim();
            rest.is_empty() || LABELS.iter().any(|label| rest.contains(label))
        }),
        label => label.is_some(),
    }
}

/// Whether a line between two others says when and by whom, and is neither one of a schedule nor of the fields of what
/// is announced (`时间：`, `地点：`).
pub(super) fn is_credit(around: [&str; 2], line: &str) -> bool {
    let is_field = |line: &str| {
        let label = line.find(COLONS).map_or(0, |at| words(&line[..at]).chars().count());
        (2..=6).contains(&label) && !is_labelled(line)
    };
    if is_labelled(line) {
        !(words(line).starts_with(['时', '日']) && around.into_iter().any(is_field))
    } else {
        is_dated(line) && !is_schedule(around, line)
    }
}

/// Whether a line is a day, with at most a time, a publisher and tools behind it, or a publisher in front of it.
pub(super) fn is_dated(line: &str) -> bool {
    let line = words(line);
    let Some(stamp) = next_stamp(line, 0).filter(|_| line.chars().count() <= MAX_CREDIT) else {
        return false;
    };
    let (before, behind) = (line[..stamp.start].trim(), line[stamp.end..].trim());
    let name = |text: &str| text.chars().filter(|c| is_han(*c)).count() <= MAX_NAME;
    let sourced = line.contains("来源") || line.contains("作者") || line.contains("发布");
    (before.is_empty() && behind.is_empty())
        || (name(before) && name(behind) && (stamp.timed || sourced))
        || (sourced && before.is_empty())
}

/// Whether a line and a neighbour of it have days and name no source: then it is one of a schedule or a log.
pub(super) fn is_schedule(around: [&str; 2], line: &str) -> bool {
    let plain = |line: &str| next_stamp(line, 0).is_some() && !line.contains("来源") && !is_labelled(line);
    plain(line) && around.into_iter().any(plain)
}

/// Whether a line is nothing but names of tools.
pub(super) fn is_tools(line: &str) -> bool {
    let mut rest = line.trim_start_matches(|c: char| !c.is_alphabetic());
    let mut tools = 0;
    while !rest.is_empty() {
        let longest = TOOLS
            .iter()
            .filter(|tool| rest.starts_with(**tool))
            .max_by_key(|tool| tool.len());
        let Some(tool) = longest else { return false };
        tools += 1;
        rest = rest[tool.len()..].trim_start_matches(|c: char| !c.is_alphabetic());
    }
    tools > 0
}

/// A name without the tool that stands behind it on its line.
pub(super) fn without_tools(name: &str) -> &str {
    let tools = TOOLS.iter().filter(|tool| tool.chars().count() > 1);
    tools.fold(name, |name, tool| name.strip_suffix(tool).unwrap_or(name))
}
