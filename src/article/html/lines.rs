//! The lines of a page's article: what of them says only its title, when, by whom and what can be done with it; where
//! the article ends; and the related entries behind it.
//!
//! Only lines that are nothing else are taken, above the first sentence or behind more than half of the prose.

use crate::model::Article;

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_han, is_stop};
use super::super::page::{strip_notices, take_related};
use super::super::reading::Reading;
use super::about::plain;

/// How many lines above the first sentence are looked at.
const ABOVE: usize = 15;
/// The longest line that says when and by whom, in characters.
const MAX_CREDIT: usize = 120;
/// The longest line that announces what stands behind an article, in characters.
const MAX_ENDING: usize = 16;

/// From how many characters of sentences on an article may end where its readers' words begin.
const ARTICLE: usize = 100;

/// What credits begin with.
const LABELS: [&str; 25] = [
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

/// Lines behind an article.
const ENDINGS: [&str; 33] = [
    "为你推荐",
    "为您推荐",
    "相关推荐",
    "猜你喜欢",
    "猜您喜欢",
    "热门推荐",
    "精彩推荐",
    "推荐阅读",
    "推荐新闻",
    "更多推荐",
    "相关阅读",
    "相关新闻",
    "相关文章",
    "相关报道",
    "相关链接",
    "相关专题",
    "相关稿件",
    "相关内容",
    "相关资讯",
    "延伸阅读",
    "热门新闻",
    "热点新闻",
    "最新新闻",
    "更多新闻",
    "热门文章",
    "最新文章",
    "图片新闻",
    "今日热点",
    "阅读排行",
    "分享到",
    "扫一扫",
    "上一篇",
    "下一篇",
];

/// What a site says of all its articles.
const STATEMENTS: [&str; 4] = ["特别声明", "免责声明", "版权声明", "风险提示及免责"];

/// What readers wrote.
const COMMENTS: [&str; 9] = [
    "网友评论",
    "最新评论",
    "热门评论",
    "全部评论",
    "发表评论",
    "我要评论",
    "用户评论",
    "精彩评论",
    "我来说两句",
];

/// Reads the lines of the article called `title`.
pub(super) fn read(lines: &[&str], title: &str) -> Reading {
    let mut reading = Reading::default();
    let end = take_related(lines, &mut reading);
    let end = ending(&lines[..end])
        .inspect(|&at| reading.leave_out("behind the article", lines[at..end].join("\n")))
        .unwrap_or(end);
    let below = end;
    let end = strip_notices(lines, below, true);
    let mut kept = Vec::new();
    let title_plain = plain(title);
    let is_title = |line: &str| !title_plain.is_empty() && plain(line.trim_start_matches('#')) == title_plain;
    let top = lines[..end]
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .take(ABOVE)
        .take_while(|(_, line)| !is_sentence(line) || is_title(line))
        .map(|(at, _)| at + 1)
        .last()
        .unwrap_or(0);
    let bottom = lines[..end]
        .iter()
        .rposition(|line| is_sentence(line))
        .map_or(0, |last| last + 1);
    for at in 0..end {
        let line = lines[at];
        if at < top && is_title(line) {
            reading.leave_out("title", line);
        } else if at < top && (is_dated(line) || is_labelled(line)) && !is_schedule(lines, at, end) {
            reading.leave_out("dateline", line);
        } else if at >= bottom && is_labelled(line) {
            reading.leave_out("credits", line);
        } else if (at < top || at >= bottom) && is_tools(line) {
            reading.leave_out("tools", line);
        } else {
            kept.push(line);
        }
    }
    reading.leave_out("notice", lines[end..below].join("\n"));
    let text = kept.join("\n").trim().to_string();
    if text.is_empty() {
        reading.rejected.insert(0, (0, "no text besides a title".into()));
    } else {
        let article = Article {
            title: title.trim().to_string(),
            text,
            ..Article::default()
        };
        reading.articles.insert(0, (0, article));
    }
    reading
}

/// Where the lines behind an article begin, if they do: at a short line that announces them below half of the prose, or
/// that announces what readers wrote below some of it; a site's statement may be longer.
fn ending(lines: &[&str]) -> Option<usize> {
    let weight = |line: &&str| if is_sentence(line) { line.chars().count() } else { 0 };
    let total: usize = lines.iter().map(weight).sum();
    let mut above = 0;
    for (at, line) in lines.iter().enumerate() {
        let word = words(line);
        let announces = |endings: &[&str]| endings.iter().any(|ending| word.starts_with(ending));
        let short = word.chars().count() <= MAX_ENDING;
        let half = above > 0 && above * 2 >= total;
        if (half && (announces(&STATEMENTS) || (short && announces(&ENDINGS))))
            || (above >= ARTICLE && short && announces(&COMMENTS))
        {
            return Some(at);
        }
        above += weight(line);
    }
    None
}

/// A line without what marks it as a heading or an item.
fn words(line: &str) -> &str {
    line.trim().trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a line is a sentence of an article.
fn is_sentence(line: &str) -> bool {
    let length = line.chars().count();
    line.contains('。') || (length >= 20 && line.contains(|c| is_stop(c) || matches!(c, ',' | '\u{ff0c}')))
}

/// Whether a line says by whom or when, after a word that says so.
fn is_labelled(line: &str) -> bool {
    let line = words(line);
    line.chars().count() <= MAX_CREDIT
        && LABELS.iter().any(|label| {
            line.strip_prefix(label)
                .is_some_and(|rest| rest.trim_start().starts_with(COLONS))
        })
}

/// Whether a line is a day, with at most a time, a publisher and tools behind it and a publisher in front of it.
fn is_dated(line: &str) -> bool {
    let line = words(line);
    let Some(stamp) = next_stamp(line, 0).filter(|_| line.chars().count() <= MAX_CREDIT) else {
        return false;
    };
    let (before, behind) = (line[..stamp.start].trim(), line[stamp.end..].trim());
    let name = |text: &str| text.chars().filter(|c| is_han(*c)).count() <= 12;
    (before.is_empty() && (name(behind) || behind.contains("来源"))) || (behind.is_empty() && name(before))
}

/// Whether a line and a neighbour of it have days: then it is one of a schedule.
fn is_schedule(lines: &[&str], at: usize, end: usize) -> bool {
    let dated = |line: &&&str| next_stamp(line, 0).is_some();
    let filled = |line: &&&str| !line.trim().is_empty();
    dated(&&lines[at])
        && (lines[..at].iter().rev().find(filled).filter(dated).is_some()
            || lines[at + 1..end].iter().find(filled).filter(dated).is_some())
}

/// Whether a line is nothing but names of tools.
fn is_tools(line: &str) -> bool {
    let mut rest = line.to_string();
    for tool in TOOLS {
        rest = rest.replace(tool, "");
    }
    rest.len() < line.len() && !rest.contains(char::is_alphabetic)
}
