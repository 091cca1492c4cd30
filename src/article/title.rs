//! Which line of a plain text is its title.
//!
//! Owns the shapes of titles and of what stands above them on paper; what becomes of the line is for `page`.

use super::layout::{Line, is_han, is_pause, line};

/// The longest line that is taken for a title, in characters.
pub(super) const MAX_TITLE: usize = 80;

/// The first line, from `start` on, that is not what stands above the title of a text on paper: a number of a page, the
/// label of an attachment, the issue of a journal, the head of an office's letter with its number, the way to a page on
/// its site.
pub(super) fn below_letterhead(lines: &[&str], start: usize) -> Option<usize> {
    let filled: Vec<usize> = (start..lines.len())
        .filter(|&at| !lines[at].trim().is_empty())
        .take(6)
        .collect();
    let is_number =
        |line: &str| line.ends_with('号') && line.contains(['〔', '[', '（', '(', '［']) && line.chars().count() <= 30;
    let mut at = 0;
    while let Some(&place) = filled.get(at) {
        let line = lines[place].trim();
        let next = filled.get(at + 1).map_or("", |&next| lines[next].trim());
        let label = line.strip_prefix("附件").or_else(|| line.strip_prefix("附录"));
        let is_label = label.is_some_and(|rest| {
            !rest.contains(char::is_alphabetic) || rest.chars().all(|c| "一二三四五六七八九十".contains(c))
        });
        // 保障研究 2024年第3期; a column's own issues are titles: 【医保问答】第3期.
        let is_issue = line.split_once("年第").is_some_and(|(journal, issue)| {
            let name = journal.trim_end_matches(|c: char| c.is_ascii_digit()).trim();
            // The name of a column behind the issue, above the number of the page: 2024年第3期 政策问答.
            let is_paged = !next.is_empty() && next.chars().all(|c| c.is_ascii_digit());
            let ends = |behind: &str| behind.is_empty() || (is_paged && behind.starts_with(char::is_whitespace));
            let parts = issue.split_once('期').filter(|(_, behind)| ends(behind));
            let number = parts.map_or("", |(number, _)| number);
            !name.is_empty()
                && name.chars().all(is_han)
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit())
                && !next.ends_with(['?', '？'])
        });
        let is_head = line.ends_with("文件") && (is_number(next) || next.starts_with("关于"));
        // The head of a letter, set so wide that it is broken.
        let is_wide = (line.ends_with('文') && next == "件") || (at > 0 && line == "件");
        let is_path = ["首页", "当前位置", "您的位置", "您当前的位置"]
            .iter()
            .any(|start| line.starts_with(start))
            && line.contains(['>', '»', '›', '＞']);
        let is_above = !line.contains(char::is_alphabetic)
            || is_path
            || is_label
            || is_issue
            || is_head
            || is_wide
            || (at > 0 && is_number(line));
        if !is_above {
            return Some(place);
        }
        at += 1;
    }
    filled.first().copied()
}

/// What the titles of official documents end in.
const ENDS: &[&str] = &[
    "通知", "通告", "公告", "公示", "意见", "办法", "规定", "细则", "决定", "方案", "批复", "复函", "通报", "条例",
    "答复",
];

/// How many of the lines behind it belong to a title, too: an official one, 某局关于..., may end in the next line as such
/// titles do, and a name in brackets in one of the next two.
pub(super) fn lines_behind(title: &str, behind: &[&str]) -> usize {
    // Of an office: what an asker has about something ends with his line.
    let by_office = |by: &str| by.ends_with(['局', '厅', '办', '室', '府', '会', '委', '院']);
    let is_official = title
        .split_once("关于")
        .is_some_and(|(by, of)| by.is_empty() || of.is_empty() || by_office(by))
        && !is_end(title);
    if is_official && behind.first().is_some_and(|next| is_end(next) && is_short(next)) {
        return 1;
    }
    let is_open = title.matches('《').count() > title.matches('》').count();
    let closes = behind.iter().take(2).position(|line| line.contains('》'));
    closes.filter(|_| is_open).map_or(0, |at| at + 1)
}

fn is_end(line: &str) -> bool {
    let line = line.trim_end_matches(['）', ')']);
    ENDS.iter().any(|end| line.ends_with(end))
}

fn is_short(line: &str) -> bool {
    line.chars().count() <= MAX_TITLE / 2 && !line.contains('。')
}

/// Whether the first line of a text is its title: short, and neither a sentence nor an item. A page always has one.
pub(super) fn looks_like_title(first: &str, is_page: bool) -> bool {
    let length = first.chars().count();
    let sentence = first.contains('。') || first.ends_with(|c| is_pause(c) || c == ';' || c == '\u{ff1b}');
    let counts = matches!(
        line(first, true),
        Line::Item | Line::Numbered(_) | Line::Heading(8.., _)
    );
    (is_page && length <= MAX_TITLE) || (length <= MAX_TITLE / 2 && !sentence && !counts)
}

#[cfg(test)]
mod tests {
    use super::super::page;

    #[test]
    fn a_title_stands_below_a_letterhead() {
        let check = |text: &str, title: &str, begins: &str| {
            let article = page::read(text, "文件").articles.remove(0).1;
            assert_eq!(article.title, title, "{text}");
            assert!(article.text.starts_with(begins), "{text}: {}", article.text);
        };
        check("附件1\n\n服务价格表\n\n编码 名称\n1 诊查费", "服务价格表", "附件1");
        check(
            "首页 > 政策 > 医保\n关于辅助生殖的通知\n经研究决定。",
            "关于辅助生殖的通知",
            "首页",
        );
        check(
            "保险与保障 2024年第3期 政策问答\n42\n理赔知识汇编\n可以报销。",
            "理赔知识汇编",
            "保险与保障",
        );
        check(
            "保障研究 2024年第3期 政策问答\n断缴三个月内可以补缴。",
            "保障研究 2024年第3期 政策问答",
            "断缴",
        );
        check(
            "某市医疗保障局文\n件\n某医保发〔2023〕31号\n关于大病保险的通知\n各县：\n现通知。",
            "关于大病保险的通知",
            "某市医疗保障局文",
        );
        check("3\n长护险的筹资\n本文比较四种模式。", "长护险的筹资", "3");
        check("保障研究 2024年第3期\n基金监管\n监管形势严峻。", "基金监管", "保障研究");
        check(
            "某市医疗保障局文件\n\n某医保发〔2022〕31号\n\n关于印发《医疗救助\n实施办法》的通知\n\n各县医保局：\n现印发。",
            "关于印发《医疗救助实施办法》的通知",
            "某市医疗保障局文件",
        );
        check(
            "某市医疗保障局文件\n\n关于完善职工医保\n门诊统筹待遇的通知\n\n各县医保局：\n现通知。",
            "关于完善职工医保门诊统筹待遇的通知",
            "某市医疗保障局文件",
        );
        check(
            "青禾市人民政府办公室关于\n做好参保工作的通知\n各县：\n现通知。",
            "青禾市人民政府办公室关于做好参保工作的通知",
            "各县",
        );
        check(
            "王先生关于医保转移的咨询\n\n市医疗保障局答复\n您好，可以转移。",
            "王先生关于医保转移的咨询",
            "市医疗保障局答复",
        );
        check(
            "断缴怎么补 | 桐城医保网\n来源：桐城医保 | 2024-05-01\n断缴三个月内可以补缴。",
            "断缴怎么补 | 桐城医保网",
            "来源：桐城医保",
        );
        // The names of a table's columns.
        check(
            "序号 | 药品 | 比例\n1 | 特药 | 70%\n2 | 新药 | 80%",
            "文件",
            "序号 | 药品",
        );
        check("关于门诊统筹\n现就有关事项通知。", "关于门诊统筹", "现就");
        check("需要哪些文件\n身份证（原件）1号窗口\n正文。", "需要哪些文件", "身份证");
        check(
            "【医保问答】2024年第3期\n异地就医要备案吗。",
            "【医保问答】2024年第3期",
            "异地",
        );
        check("《办法\n一行\n二行\n三行》的通知\n正文。", "《办法", "一行");
        check("附件下载\n正文一句。", "附件下载", "正文");
        check("12\n34", "12", "34");
    }
}
