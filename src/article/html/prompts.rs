//! Lines that ask a reader to do something: to follow, to share, to judge, to buy.
//!
//! Judges one line by its words; where such lines stand is for its callers to see.

use super::credits::only_tools_and;

/// The longest line that asks to follow, to share or to judge, in characters.
const MAX_PROMPT: usize = 60;

/// What stands below an article to have it shared, followed, judged.
const PROMPTS: &[&str] = &[
    "长按识别",
    "点击上方蓝字",
    "点击蓝字",
    "长按二维码",
    "长按图片",
    "点个“在看”",
    "点赞、在看",
    "请点赞",
    "点个赞",
    "微信搜索公众号",
    "微信搜一搜",
    "更多精彩",
    "更多资讯",
    "海量资讯",
    "扫描二维码关注",
    "扫码关注",
    "扫描下方二维码",
    "觉得有用",
    "觉得不错",
    "喜欢本文",
    "喜欢这篇",
    "对您有帮助",
    "对你有帮助",
    "是否满意",
    "点击关注",
    "欢迎转发",
    "分享给更多",
];

/// The same where no sentence ends: offers, and what a site says of itself.
const INVITES: &[&str] = &[
    "是否解决了您的问题",
    "是否解决了你的问题",
    "专属顾问",
    "在线问律师",
    "在线问医生",
    "说点什么",
    "最佳浏览",
    "以上浏览器",
    "订阅热线",
    "新闻热线",
    "报料：",
    "报料热线",
];

/// What a site sells beside an article, as its buttons say it.
const OFFERS: &[&str] = &[
    "立即投保",
    "马上投保",
    "我要投保",
    "立即购买",
    "加入购物车",
    "立即预约",
    "了解详情",
    "查看详情",
];

/// Whether a line asks to follow, to share or to judge, and says little else.
pub(super) fn is_prompt(line: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let lures = || line.contains("加微信") && line.contains("领取");
    line.chars().count() <= MAX_PROMPT && (has(PROMPTS) || ((has(INVITES) || lures()) && !line.contains('。')))
}

/// Whether a line is nothing but buttons, one of which sells something: no article says that alone.
pub(super) fn is_offer(line: &str) -> bool {
    // A heading or an item may name what can be done.
    let is_own = !line.starts_with(|c: char| matches!(c, '#' | '-') || c.is_ascii_digit());
    is_own && OFFERS.iter().any(|offer| line.contains(offer)) && only_tools_and(OFFERS, line)
}

/// Whether a line begins so, and is no step of what is to be done.
pub(super) fn begins_as_prompt(line: &str) -> bool {
    let begins = |words: &str| PROMPTS.iter().any(|prompt| words.starts_with(prompt));
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
