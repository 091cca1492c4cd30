//! Regions that are named only to be left out: 不包括香港、澳门, 除上海外, 台湾除外, 不是杭州的, 杭州以外的.
//!
//! Reads what stands right before and right behind a list of names, nothing further: 杭州以外就医 is still about 杭州, as is
//! who goes 到杭州以外的医院.

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

/// Right behind one, unless somebody goes there (在, 到, 去 before it).
const OUTSIDE: [&str; 4] = ["以外的", "之外的", "以外地区", "之外地区"];
const GOES: [char; 4] = ['在', '到', '去', '往'];

/// Right before one that is not meant; but 是不是杭州 asks, and who is 不是杭州户口 may live there.
const NOT: [&str; 4] = ["不是", "并非", "不要", "非"];
const PEOPLE: [&str; 4] = ["人", "籍", "户", "本地"];

/// In characters: how far behind the list the 外 of 除上海外 may stand.
const REACH: usize = 12;
/// What else makes 除了上海 leave it out, also behind a comma.
const OTHERS: [&str; 7] = ["外", "还", "其他", "其它", "其余", "别的", "哪"];

/// Whether a text may leave a region out at all.
pub(super) fn may_leave_out(text: &str) -> bool {
    let words = BEFORE.iter().chain(&BEHIND).chain(&NOT).chain(&OUTSIDE);
    text.contains('除') || words.into_iter().any(|word| text.contains(word))
}

/// Takes out what a text, whose mentions are given in order, leaves out, and returns it. `holds`: whether the place of
/// one mention lies in that of the other, so that of 江苏省，南京除外 only the second one is left out.
pub(super) fn take(
    text: &str,
    mentions: &mut Vec<Mention>,
    holds: impl Fn(&Mention, &Mention) -> bool,
) -> Vec<Mention> {
    let mut kept = vec![true; mentions.len()];
    let mut start = 0;
    while start < mentions.len() {
        let mut end = start + 1;
        // Of 除了上海，江苏和浙江 the comma ends what is left out.
        let joint = if is_except(&text[..mentions[start].range.start]) {
            "、/及其以和与或 "
        } else {
            "、,，/及其以和与或 "
        };
        while end < mentions.len()
            && is_joint(text, mentions[end - 1].range.end, mentions[end].range.start, joint)
            && !holds(&mentions[end - 1], &mentions[end])
        {
            end += 1;
        }
        let (first, last) = (mentions[start].range.start, mentions[end - 1].range.end);
        let is_person = text[..last].ends_with(['人', '籍']);
        if is_left_out(&text[..first], &text[last..], is_person) {
            kept[start..end].fill(false);
        }
        start = end;
    }
    let (here, left_out): (Vec<_>, Vec<_>) = std::mem::take(mentions)
        .into_iter()
        .zip(kept)
        .partition(|(_, kept)| *kept);
    mentions.extend(here.into_iter().map(|(mention, _)| mention));
    left_out.into_iter().map(|(mention, _)| mention).collect()
}

/// Whether nothing but 、 and its like stands between two names.
fn is_joint(text: &str, end: usize, start: usize, joint: &str) -> bool {
    let Some(between) = text.get(end..start) else {
        return true;
    };
    let between = between.strip_prefix("地区").unwrap_or(between);
    between.chars().all(|c| joint.contains(c)) && between.len() <= 12
}

fn is_except(before: &str) -> bool {
    before.ends_with('除') || before.ends_with("除了")
}

fn is_left_out(before: &str, behind: &str, is_person: bool) -> bool {
    let written = before;
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
    if !written.ends_with(GOES) && OUTSIDE.iter().any(|word| behind.starts_with(word)) {
        return true;
    }
    let is_people = || is_person || PEOPLE.iter().any(|word| behind.starts_with(word));
    let asks = ["是不是", "除非", "南非"].iter().any(|word| before.ends_with(word));
    if NOT.iter().any(|word| before.ends_with(word)) && !asks && !is_people() {
        return true;
    }
    let except = is_except(before);
    let next = behind.trim_start_matches("地区").strip_prefix(',').unwrap_or_default();
    if except && OTHERS.iter().any(|word| next.starts_with(word)) {
        return true;
    }
    let clause = behind.chars().take(REACH).take_while(|c| !"。;!?\n".contains(*c));
    let clause: String = clause.collect();
    // 除了杭州，上海也要 wants both.
    except && !clause.contains('也') && OTHERS.iter().any(|word| clause.contains(word))
}
