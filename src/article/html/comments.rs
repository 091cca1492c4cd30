//! Lines that announce what readers wrote below an article.
//!
//! Judges one line by its words; what stands below it is for its callers to see.

use crate::text::Normalized;

/// The longest such line that is looked at, in letters.
const MAX_LETTERS: usize = 24;

/// What announces what readers wrote.
const COMMENTS: &[&str] = &[
    "网友评论",
    "最新评论",
    "热门评论",
    "最热评论",
    "全部评论",
    "所有评论",
    "发表评论",
    "我要评论",
    "用户评论",
    "读者评论",
    "精彩评论",
    "精选留言",
    "最新留言",
    "全部留言",
    "网友留言",
    "精选评论",
    "全部回复",
    "评论区",
    "评论列表",
    "网友跟帖",
    "热门跟帖",
    "我来说两句",
];

/// Whether a line announces what readers wrote, and nothing else: `网友评论（12）`.
pub(super) fn announces_comments(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic());
    let word: String = letters.take(MAX_LETTERS).collect();
    let count = ['共', '条', '个'];
    let word = word.trim_start_matches(count).trim_end_matches(count);
    let word = Normalized::new(word).text;
    COMMENTS.contains(&word.as_str())
}

/// Whether a line begins with what announces comments.
pub(super) fn starts_comments(line: &str) -> bool {
    COMMENTS.iter().any(|start| line.starts_with(start))
}
