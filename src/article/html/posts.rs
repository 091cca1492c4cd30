//! What forums and sites of questions put around each post: its number, its day, what can be done with it.
//!
//! Judges the lines of a whole page: such lines are only taken for frames where several of them stand on one page, so
//! that an article that speaks of answers keeps its words. Names of authors stay unless a day follows them on their
//! line.

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_pause, is_stop};
use super::super::site_words::{List, listed};
use super::credits::only_tools_and;

/// How many such lines make a page one of posts.
const MANY: usize = 2;
/// The longest name of an author, in characters.
const MAX_AUTHOR: usize = 16;

/// Which lines are frames of posts; none on a page that is not one of posts. `asks`: whether its title is a question,
/// whose answers have moments of their own; `known`: whether the page is known to be one of posts.
pub(super) fn frames(lines: &[&str], asks: bool, known: bool) -> Vec<bool> {
    let mut framed = vec![false; lines.len()];
    let filled: Vec<usize> = (0..lines.len()).filter(|&at| !lines[at].trim().is_empty()).collect();
    let sure: Vec<bool> = filled
        .iter()
        .map(|&at| is_sure(lines[at]) || (asks && (is_moment(lines[at]) || is_judged(lines[at]))))
        .collect();
    let has_many = sure.iter().filter(|is| **is).count() >= MANY;
    if !known && !has_many {
        return framed;
    }
    // What may be an article's own words is a frame beside one only.
    let mut is_before = false;
    for (place, &at) in filled.iter().enumerate() {
        let line = lines[at].trim();
        let behind = filled.get(place + 1).map_or("", |&at| lines[at].trim());
        let is_behind =
            sure.get(place + 1) == Some(&true) || is_author(behind) || listed(List::PostCount).contains(&behind);
        let is_heading = line.starts_with('#');
        let beside = || {
            let below = filled[..place].last().map_or("", |&at| lines[at].trim());
            is_frame(line) || is_author(line) || (is_before && is_count(below, line)) || line.starts_with("签名：")
        };
        // One line may be the article's own: what a doctor is good at, `积分`.
        framed[at] = (sure[place] && (has_many || !is_profile(line)))
            || (!is_heading && (is_before || is_behind) && beside())
            || (has_many && listed(List::PostCount).contains(&line));
        is_before = framed[at];
    }
    framed
}

/// Whether a line is nothing but words of a frame, one of which no article says alone.
fn is_sure(line: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let is_numbered = line.contains(|c: char| c.is_ascii_digit());
    let is_floor = || line.contains('楼') && next_stamp(line, 0).is_some_and(|stamp| stamp.timed);
    let is_frame = is_frame(line)
        && (has(listed(List::PostAlone)) || (is_numbered && (has(listed(List::PostWithNumber)) || is_floor())));
    is_frame || is_profile(line) || is_moment_of_post(line)
}

/// Whether a line says when a post was written, and perhaps from where: `编辑于 2024-08-15 11:02・IP 属地浙江`.
fn is_moment_of_post(line: &str) -> bool {
    let line = line.trim();
    let is_dated = || listed(List::PostDated).iter().any(|word| line.starts_with(word));
    let behind = next_stamp(line, 0)
        .filter(|stamp| stamp.timed)
        .map(|stamp| &line[stamp.end..]);
    behind.is_some_and(|behind| behind.chars().count() <= MAX_AUTHOR && !behind.contains(is_stop)) && is_dated()
}

/// Whether a line is a day with a time and nothing else.
fn is_moment(line: &str) -> bool {
    let line = line.trim();
    next_stamp(line, 0).is_some_and(|stamp| stamp.timed && stamp.start == 0 && stamp.end == line.len())
}

/// Whether a line is a name, a day with a time, and what readers made of it: `社保老兵 2021-07-22 18:22 赞(8)`.
fn is_judged(line: &str) -> bool {
    let behind = next_stamp(line, 0)
        .filter(|stamp| stamp.timed)
        .map(|stamp| &line[stamp.end..]);
    is_author(line) && behind.is_some_and(|behind| behind.contains(char::is_alphabetic))
}

/// Whether a line is a name with what its bearer is good at, or with the place of the post in its thread.
fn is_profile(line: &str) -> bool {
    let line = line.trim();
    let is_short = line.chars().count() <= 3 * MAX_AUTHOR && !line.contains(['。', '，']);
    let has_place = || {
        listed(List::FirstPosts)
            .iter()
            .any(|place| line.strip_suffix(place).is_some_and(|name| name.ends_with(' ')))
    };
    is_short && (line.contains("擅长：") || line.contains("好评率") || has_place())
}

/// Whether a line is nothing but words of a frame, numbers and a day.
fn is_frame(line: &str) -> bool {
    let words = line.trim().trim_start_matches(['#', ' ']);
    words.contains(|c: char| c.is_alphabetic()) && only_tools_and(listed(List::Post), words)
}

/// Whether a line is a number that the frame above it counts.
fn is_count(above: &str, line: &str) -> bool {
    let digits = line.chars().filter(char::is_ascii_digit).count();
    let is_number = digits > 0 && !line.contains(char::is_alphabetic);
    is_number && (digits <= 2 || listed(List::PostCount).contains(&above))
}

/// Whether a line is a name and a day, and what a frame says of them.
fn is_author(line: &str) -> bool {
    let Some(stamp) = next_stamp(line, 0) else { return false };
    let (before, behind) = (&line[..stamp.start], &line[stamp.end..]);
    let name = listed(List::Post)
        .iter()
        .fold(before.trim(), |name, word| name.strip_suffix(word).unwrap_or(name));
    let is_name = name.chars().count() <= MAX_AUTHOR
        && !name.contains(|c| is_stop(c) || is_pause(c) || COLONS.contains(&c) || c == '、')
        && !listed(List::DatedFact).iter().any(|word| name.contains(word));
    is_name && (!behind.contains(char::is_alphabetic) || only_tools_and(listed(List::Post), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answered_a_question_is_told_by_what_readers_made_of_it() {
        let framed = |lines: &[&str], asks: bool| frames(lines, asks, false);
        let lines = [
            "先投诉。",
            "社保老兵 2021-07-22 18:22 赞(8)",
            "别签字。",
            "王姐 2021-07-23 09:10 赞(5)",
        ];
        assert_eq!(framed(&lines, true), [false, true, false, true]);
        assert_eq!(framed(&lines, false), [false; 4]);
        let schedule = ["缴费 2021-07-22 18:22 截止", "缴费。", "登记 2021-07-23 09:10 截止"];
        assert_eq!(framed(&schedule, true), [false; 3]);
    }

    #[test]
    fn frames_of_posts_are_told_where_there_are_several() {
        let check = |text: &str, expected: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let asks = lines[0].ends_with('？');
            let kept: Vec<&str> = lines
                .iter()
                .zip(frames(&lines, asks, false))
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
        // Answers of an office, the floors of a house, days of an article among posts.
        let answers = "断缴\n解答\n三个月内补缴。\n12393\n集中缴费期截至 2024年12月31日\n解答\n不用。\n解答\n可以。";
        check(answers, answers);
        check(
            "就诊\n1 个回答\n# 3楼\n门诊。\n120\n2 个回答\n补缴截止 2024-12-31\n不用。\n3 个回答\n可以。",
            "就诊\n# 3楼\n门诊。\n120\n补缴截止 2024-12-31\n不用。\n可以。",
        );
        check(
            "断缴\n3回复贴，共1页\n要补吗？\n来自Android客户端 1楼 2024-03-19 12:20\n不用。\n2楼 2024-03-19 13:02",
            "断缴\n要补吗？\n不用。",
        );
        check(
            "要备案吗？\n陈律师擅长：劳动纠纷 好评率99%\n要。\n2023-05-20 11:20\n护士 沙发\n不用。\n2023-05-20 14:02",
            "要备案吗？\n要。\n不用。",
        );
        check(
            "断缴怎么办？\n要补缴。\n编辑于 2024-08-15 11:02・IP 属地浙江\n不用。\n发布于 2024-09-01 22:47",
            "断缴怎么办？\n要补缴。\n不用。",
        );
        check(
            "断缴怎么办？\n要补缴。\n本帖最后由 小周 于 2021-3-5 10:40 编辑\n不用。\nip地址已设置保密 2012-5-20 9:11:00",
            "断缴怎么办？\n要补缴。\n不用。",
        );
        let schedule = "何时发放\n2023-05-20 11:20\n2023-06-20 14:02\n客厅里的沙发\n会议室的板凳";
        check(schedule, schedule);
        // One such line alone, and words of an article.
        let guide = "就诊指南\n门诊楼\n3楼\n回复\n2025-04-02\n本院回答如下。\n100";
        check(guide, guide);
    }
}
