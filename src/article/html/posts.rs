//! What forums and sites of questions put around each post: its number, its day, what can be done with it.
//!
//! Judges the lines of a whole page: such lines are only taken for frames where several of them stand on one page, so that
//! an article that speaks of answers keeps its words. Names of authors stay unless a day follows them on their line.

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_pause, is_stop};
use super::credits::only_tools_and;

/// What the frame of a post says.
const WORDS: &[&str] = &[
    "回答",
    "解答",
    "律师解答",
    "赞同了该回答",
    "赞同",
    "关注者",
    "被浏览",
    "最佳答案",
    "其他回答",
    "更多回答",
    "其他答案",
    "全部回答",
    "热门回答",
    "展开全部",
    "展开阅读全文",
    "发表于",
    "发布于",
    "编辑于",
    "推荐于",
    "提问于",
    "回答于",
    "回复于",
    "解答时间",
    "回答时间",
    "回复时间",
    "只看楼主",
    "楼主",
    "沙发",
    "板凳",
    "地板",
    "楼",
    "TA获得超过",
    "获得",
    "个赞",
    "获赞",
    "关于作者",
    "已认证",
    "新手上路",
    "注册会员",
    "初级会员",
    "中级会员",
    "高级会员",
    "金牌会员",
    "论坛元老",
    "主题",
    "帖子",
    "积分",
    "精华",
    "你对这个回答的评价是",
    "有用",
    "无用",
    "邀请回答",
    "写回答",
    "好问题",
    "添加评论",
    "默认排序",
    "按时间排序",
    "个",
    "条",
    "共",
    "全部",
];

/// Of these, what no article says alone on a line.
const SURE: &[&str] = &[
    "回答",
    "回复",
    "解答",
    "只看",
    "楼主",
    "赞同",
    "最佳答案",
    "会员",
    "发表于",
    "评价是",
];

/// How many such lines make a page one of posts.
const MANY: usize = 3;
/// The longest name of an author, in characters.
const MAX_AUTHOR: usize = 16;

/// Which lines are frames of posts; none on a page that is not one of posts.
pub(super) fn frames(lines: &[&str]) -> Vec<bool> {
    let mut framed: Vec<bool> = lines.iter().map(|line| is_frame(line)).collect();
    let is_sure = |line: &str| SURE.iter().any(|word| line.contains(word));
    let sure = lines
        .iter()
        .zip(&framed)
        .filter(|(line, is)| **is && is_sure(line))
        .count();
    if sure < MANY {
        return vec![false; lines.len()];
    }
    let mut is_before = false;
    for (line, is) in lines
        .iter()
        .zip(&mut framed)
        .filter(|(line, _)| !line.trim().is_empty())
    {
        let is_number = !line.contains(char::is_alphabetic) && line.contains(|c: char| c.is_ascii_digit());
        *is = *is || (is_number && is_before) || is_author(line) || line.trim().starts_with("签名：");
        is_before = *is;
    }
    framed
}

/// Whether a line is nothing but words of a frame, numbers and a day.
fn is_frame(line: &str) -> bool {
    let words = line.trim().trim_start_matches(['#', ' ']);
    words.contains(|c: char| c.is_alphabetic()) && only_tools_and(WORDS, words)
}

/// Whether a line is a name and a day, and what a frame says of them.
fn is_author(line: &str) -> bool {
    let line = line.trim();
    let Some(stamp) = next_stamp(line, 0) else { return false };
    let (before, behind) = (&line[..stamp.start], &line[stamp.end..]);
    let name = WORDS
        .iter()
        .fold(before.trim(), |name, word| name.strip_suffix(word).unwrap_or(name));
    let is_name = |name: &str| {
        name.chars().count() <= MAX_AUTHOR
            && !name.contains(|c| is_stop(c) || is_pause(c) || COLONS.contains(&c) || c == '、')
    };
    is_name(name) && (!behind.contains(char::is_alphabetic) || only_tools_and(WORDS, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_posts_are_told_where_there_are_several() {
        let check = |text: &str, expected: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let kept: Vec<&str> = lines
                .iter()
                .zip(frames(&lines))
                .filter(|(_, is)| !is)
                .map(|(line, _)| *line)
                .collect();
            assert_eq!(kept.join("\n"), expected, "{text}");
        };
        check(
            "断缴了怎么办？\n关注者\n86\n#### 3 个回答\n老周\n312 人赞同了该回答\n三个月内补缴。\n57 人赞同了该回答\n打12393。",
            "断缴了怎么办？\n老周\n三个月内补缴。\n打12393。",
        );
        check(
            "断缴\n6个回答\n最佳答案\n希望之光88推荐于2019-08-17 · TA获得超过1.3万个赞\n不可以。\n你对这个回答的评价是？\n匿名用户2018-05-09\n会罚款。",
            "断缴\n不可以。\n会罚款。",
        );
        check(
            "断缴\n中级会员\n2楼\n发表于 2022-7-15 08:30 | 只看该作者\n要备案吗？\n签名：心\n中级会员\n3楼\n不用。",
            "断缴\n要备案吗？\n不用。",
        );
        // One such line alone, and words of an article.
        let guide = "就诊指南\n门诊楼\n3楼\n回复\n2025-04-02\n本院回答如下。\n100";
        check(guide, guide);
    }
}
