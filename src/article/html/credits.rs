//! Lines that say when and by whom an article was published, or what can be done with it, told from its sentences.
//!
//! Judges one line by its shape; where such lines stand is for its callers to see.

use crate::text::Normalized;

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_han, is_pause, is_stop};

/// The longest line that says when and by whom, in characters.
const MAX_CREDIT: usize = 120;
/// How many Han characters stand beside a day at most: a publisher and a few words on him.
const MAX_NAME: usize = 24;

/// What credits begin with.
const LABELS: &[&str] = &[
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
    "浏览数",
    "阅读量",
    "阅读数",
    "访问量",
    "公布日期",
    "公布时间",
    "施行日期",
    "实施日期",
    "成文日期",
    "印发日期",
    "最后更新日期",
    "最后更新时间",
    "录入",
    "发布人",
    "发布者",
    "发布单位",
    "发布部门",
    "发文机关",
    "建档日期",
    "点阅次数",
    "点击次数",
    "审核",
    "校对",
    "监制",
    "通讯员",
    "本报记者",
    "留言人",
    "留言时间",
    "来信时间",
    "答复单位",
    "答复时间",
    "回复单位",
    "回复时间",
    "文章关键词",
    "关键词",
    "标签",
];

/// Of these, what a bar may follow instead of a colon.
const EDITORS: &[&str] = &[
    "编辑",
    "责任编辑",
    "责编",
    "审核",
    "校对",
    "监制",
    "作者",
    "排版",
    "来源",
];

/// Of these, what only follows a number.
const UNITS: &[&str] = &["次", "人", "万", "分钟"];

/// What can be done with an article.
const TOOLS: &[&str] = &[
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
    "浏览次数",
    "浏览量",
    "浏览",
    "阅读次数",
    "阅读量",
    "阅读约",
    "阅读",
    "点击数",
    "点击量",
    "点击",
    "访问量",
    "人气",
    "分钟",
    "次",
    "人",
    "万",
    "赞",
    "在看",
    "转发",
    "关注",
    "回复",
    "喜欢",
    "顶",
    "踩",
    "阅读原文",
    "预览时标签不可点",
    "关注该公众号",
    "知道了",
    "返回顶部",
    "返回首页",
    "返回列表",
    "返回",
    "有帮助",
    "没帮助",
    "支持",
    "反对",
    "收起",
    "已赞过",
    "已踩过",
    "播报",
    "讨论",
    "编辑",
    "查看",
    "只看该作者",
    "字体大小",
    "我来答",
    "我要提问",
    "QQ空间",
    "QQ好友",
    "上传视频",
    "词条统计",
    "编辑次数",
    "历史版本",
    "我要写信",
    "信件查询",
    "写信须知",
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
    let mut line = line.as_str();
    let signed = |label: &&str| {
        line.strip_prefix(label)
            .is_some_and(|rest| rest.trim_start().starts_with(['|', '丨', '/']))
    };
    if EDITORS.iter().any(signed) && line.chars().count() <= MAX_NAME && next_stamp(line, 0).is_none() {
        return true;
    }
    // Tools may stand before it on its line: `字号：大 中 小 来源：某局`.
    while let Some((tool, rest)) = line.split_once(char::is_whitespace)
        && is_tools(tool)
    {
        line = rest.trim_start();
    }
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
        (2..=6).contains(&label) && !is_labelled(line) && !is_tools(line)
    };
    if is_labelled(line) {
        let line = words(line);
        let has_others = LABELS.iter().filter(|label| label.chars().count() > 1).any(|label| {
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
        bare(text) || (clock && han(text) > 0) || paged || is_weekday(text) || is_tools(text)
    };
    let parted = |text: &str| text.starts_with(['·', '|', '丨']) || text.ends_with(['·', '|', '丨']);
    let short = |text: &str| han(text) <= MAX_NAME / 2 && !text.contains(|c| is_stop(c) || is_pause(c));
    (bare(before) && told(behind))
        || (name(before) && name(behind) && (stamp.timed || sourced))
        || (sourced && before.is_empty())
        || (short(before) && told(behind) && !bare(behind))
        || (short(before) && short(behind) && parted(before) && parted(behind))
}

/// Whether a text names a day of the week and nothing else.
fn is_weekday(text: &str) -> bool {
    let day = ["星期", "礼拜", "周"].iter().find_map(|week| text.strip_prefix(week));
    day.is_some_and(|day| day.chars().count() == 1 && day.starts_with(['一', '二', '三', '四', '五', '六', '日', '天']))
}

/// Whether a line says who wrote it and how long ago: `社保老张 3天前 关注`, `本报记者 王某`.
pub(super) fn is_byline(line: &str) -> bool {
    let length = line.chars().count();
    if length > MAX_NAME || line.contains(|c| is_stop(c) || is_pause(c)) {
        return false;
    }
    if ["本报记者", "本网记者", "本报通讯员", "见习记者"]
        .iter()
        .any(|start| line.starts_with(start))
    {
        return true;
    }
    let behind = ["天前", "小时前", "分钟前", "周前", "个月前", "月前", "年前"]
        .iter()
        .find_map(|ago| {
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
        let longest = TOOLS
            .iter()
            .chain(words)
            .filter(|tool| rest.starts_with(**tool))
            .max_by_key(|tool| tool.len());
        let Some(tool) = longest else { return false };
        // `120万人次` counts something, and what is not said.
        tools += usize::from(!UNITS.contains(tool));
        rest = rest[tool.len()..].trim_start_matches(|c: char| !c.is_alphabetic());
    }
    tools > 0
}

/// A name without the tool that stands behind it on its line.
pub(super) fn without_tools(name: &str) -> &str {
    let tools = TOOLS.iter().filter(|tool| tool.chars().count() > 1);
    tools.fold(name, |name, tool| name.strip_suffix(tool).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
