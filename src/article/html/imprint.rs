//! The words in which a site says who keeps it and where, told from the addresses of offices that an article lists.
//!
//! Judges words; where they stand is for `furniture` to see.

/// How many characters a block has that may be a site's own footer.
pub(super) const FOOTER: std::ops::RangeInclusive<usize> = 20..=400;
/// Of the words of footers, those by which an office can be found.
const ADDRESS: [&str; 3] = ["邮编", "地址：", "电话："];
/// The words of such footers.
const IMPRINT: [&str; 21] = [
    "版权所有",
    "主办单位",
    "主办：",
    "承办单位",
    "承办：",
    "ICP备",
    "ICP证",
    "公网安备",
    "网站标识码",
    "技术支持",
    "网站地图",
    "联系我们",
    "关于我们",
    "法律声明",
    "隐私",
    "建议使用",
    "Copyright",
    "©",
    "邮编",
    "地址：",
    "电话：",
];

/// Whether words are those in which a site says who keeps it, where, and by which licence.
pub(super) fn is_imprint(words: &str) -> bool {
    let count = IMPRINT.iter().filter(|mark| words.contains(*mark)).count();
    let start = IMPRINT.iter().any(|mark| words.starts_with(mark));
    start && count >= 3 && !words.contains('。')
}

/// Whether an imprint says more than where an office can be found.
pub(super) fn names_site(words: &str) -> bool {
    IMPRINT
        .iter()
        .any(|mark| words.contains(mark) && !ADDRESS.contains(mark))
}
