//! Regions that are named only to be left out: 不包括香港、澳门, 除上海外, 台湾除外.
//!
//! Reads what stands right before and right behind a list of names, nothing further: 杭州以外就医 is still about 杭州.

use super::mention::Mention;

/// Right before a list of names that are left out.
const BEFORE: [&str; 8] = [
    "不包括",
    "不包含",
    "不含",
    "不适用于",
    "不适用与",
    "不适用",
    "未包括",
    "不承保",
];

/// Right behind one.
const BEHIND: [&str; 3] = ["除外", "不适用", "不在此列"];

/// In characters: how far behind the list the 外 of 除上海外 may stand.
const REACH: usize = 12;

/// Takes out what a text, whose mentions are given in order, leaves out.
pub(super) fn remove(text: &str, mentions: &mut Vec<Mention>) {
    let mut kept = vec![true; mentions.len()];
    let mut start = 0;
    while start < mentions.len() {
        let mut end = start + 1;
        while end < mentions.len() && is_joint(text, mentions[end - 1].range.end, mentions[end].range.start) {
            end += 1;
        }
        let (first, last) = (mentions[start].range.start, mentions[end - 1].range.end);
        if is_left_out(&text[..first], &text[last..]) {
            kept[start..end].fill(false);
        }
        start = end;
    }
    let mut kept = kept.into_iter();
    mentions.retain(|_| kept.next().unwrap_or(true));
}

/// Whether nothing but 、 and its like stands between two names.
fn is_joint(text: &str, end: usize, start: usize) -> bool {
    let Some(between) = text.get(end..start) else {
        return true;
    };
    let between = between.strip_prefix("地区").unwrap_or(between);
    between.chars().all(|c| "、,，/及其以和与或 ".contains(c)) && between.len() <= 12
}

fn is_left_out(before: &str, behind: &str) -> bool {
    let before = before.trim_end_matches([' ', '(', ':', '在', '于', '指']);
    let before = before
        .strip_suffix("中国")
        .or(before.strip_suffix("我国"))
        .unwrap_or(before);
    if BEFORE.iter().any(|word| before.ends_with(word)) {
        return true;
    }
    let rest = behind
        .trim_start_matches("地区")
        .trim_start_matches([' ', ',', ')', '等']);
    if BEHIND.iter().any(|word| rest.starts_with(word)) {
        return true;
    }
    let except = before.ends_with('除') || before.ends_with("除了");
    let mut clause = behind.chars().take(REACH).take_while(|c| !",。;!?\n".contains(*c));
    except && clause.any(|c| c == '外')
}
