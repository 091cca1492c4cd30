//! Lines in which a site speaks to its readers: greets them, asks them to follow, to share, to judge, to buy.
//!
//! Judges one line by its words; where such lines stand is for its callers to see.

use super::super::site_words::{List, listed};
use super::credits::only_tools_and;

/// The longest line that asks to follow, to share or to judge, in characters.
const MAX_PROMPT: usize = 60;

/// The longest line in which a site greets its readers, in characters.
pub(super) const MAX_GREETING: usize = 60;

/// Whether a line is what a site calls out to its readers above all else: `热烈欢迎各级领导莅临检查指导工作！`.
pub(super) fn greets(line: &str) -> bool {
    !line.contains('。')
        && line.chars().count() <= MAX_GREETING
        && listed(List::Greeting).iter().any(|word| line.contains(word))
}

/// Whether a line asks to follow, to share or to judge, and says little else.
pub(super) fn is_prompt(line: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let adds = ["加微信", "添加顾问"].iter().any(|word| line.contains(word));
    let lures = || adds && line.contains("领取");
    line.chars().count() <= MAX_PROMPT
        && (has(listed(List::Prompt)) || ((has(listed(List::Invite)) || lures()) && !line.contains('。')))
}

/// Whether a line is nothing but buttons, one of which sells something: no article says that alone.
pub(super) fn is_offer(line: &str) -> bool {
    // A heading or an item may name what can be done.
    let is_own = !line.starts_with(|c: char| matches!(c, '#' | '-') || c.is_ascii_digit());
    is_own && listed(List::Offer).iter().any(|offer| line.contains(offer)) && only_tools_and(listed(List::Offer), line)
}

/// Whether a text begins by asking a reader to write in its place: `请输入您的问题`.
pub(super) fn asks_to_write(text: &str) -> bool {
    let sentence = text.split_inclusive(['。', '\n']).find(|line| !line.trim().is_empty());
    let has = |sentence: &str| listed(List::AsksToWrite).iter().any(|word| sentence.contains(word));
    sentence.is_some_and(has)
}

/// Whether a line begins so, and is no step of what is to be done.
pub(super) fn begins_as_prompt(line: &str) -> bool {
    let begins = |words: &str| listed(List::Prompt).iter().any(|prompt| words.starts_with(prompt));
    line.chars().count() <= MAX_PROMPT
        && begins(line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '“'))
        && !line.trim_start().starts_with(['-', '*', '•'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_asks_for_is_told_from_what_an_article_says() {
        let check = |line: &str, expected: bool| assert_eq!(is_prompt(line), expected, "{line}");
        check("以上内容是否解决了您的问题？", true);
        check("想要同款保障？预约专属顾问免费领取保障方案", true);
        check("关于作者：老郑，加微信 lz88 领取资料", true);
        check("- 避孕药具到社区免费领取", false);
        check("谨防加微信转账", false);
        check("请用IE8以上浏览器", true);
        let check = |line: &str, expected: bool| assert_eq!(is_offer(line), expected, "{line}");
        check("立即投保 加入购物车", true);
        check("了解详情", true);
        check("投保人可以在线咨询", false);
        check("收藏", false);
        check("- 我要投保", false);
        check("## 立即购买", false);
    }
}
