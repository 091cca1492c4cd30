//! The head of a letter that was saved as text: lines of who wrote it, to whom, when and about what.
//!
//! Only reads the head; what follows is a text like others.

use crate::model::Date;

use super::byline::find_date;
use super::layout::COLONS;

const FROM: &[&str] = &["发件人", "发信人", "From"];
const SUBJECT: &[&str] = &["主题", "标题", "Subject"];
const SENT: &[&str] = &["发送时间", "发送日期", "日期", "时间", "发信站", "Date", "Sent"];
const OTHERS: &[&str] = &[
    "收件人",
    "抄送",
    "密送",
    "附件",
    "重要性",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Importance",
];

/// What a letter's head says.
pub(super) struct Head<'a> {
    pub subject: &'a str,
    pub sent: Option<Date>,
    /// Its first line, from 0.
    pub start: usize,
    /// The line behind it.
    pub end: usize,
}

/// The head that some lines begin with: who wrote it and about what, among nothing but such fields. What it is about
/// may stand above it once more.
pub(super) fn head<'a>(lines: &[&'a str]) -> Option<Head<'a>> {
    let start = lines.iter().position(|line| !line.trim().is_empty())?;
    let below = || {
        let head = head_at(lines, start + 1)?;
        (head.subject == lines[start].trim()).then_some(Head { start, ..head })
    };
    head_at(lines, start).or_else(below)
}

/// The lines that a board puts below each post, and the hyphens above such, in order: `※ 来源:·某站·[FROM: 10.0.*.*]`.
pub(super) fn marks_of_board(lines: &[&str]) -> Vec<usize> {
    let is_mark = |line: &str| {
        ["※ 来源", "※ 修改", "※ 转载"]
            .iter()
            .filter_map(|start| line.trim_start().strip_prefix(start))
            .any(|behind| behind.trim_start().starts_with(COLONS))
    };
    let is_above = |at: usize| lines[at].trim() == "--" && lines.get(at + 1).is_some_and(|below| is_mark(below));
    (0..lines.len())
        .filter(|&at| is_mark(lines[at]) || is_above(at))
        .collect()
}

/// The day of a line that writes it as old programs do: `Thu Mar 14 20:11:36 2024`.
fn day_behind_month(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(4).find_map(|words| {
        let month = MONTHS.iter().position(|month| *month == words[0])?;
        let day = words[1].parse().ok()?;
        Date::new(words[3].parse().ok()?, u32::try_from(month + 1).ok()?, day)
    })
}

fn head_at<'a>(lines: &[&'a str], start: usize) -> Option<Head<'a>> {
    let (mut from, mut subject, mut sent, mut end) = (false, None, None, start);
    for line in lines.get(start..)? {
        let Some((name, value)) = line.trim().split_once(COLONS) else {
            break;
        };
        let name: String = name.split_whitespace().collect();
        let (name, value) = (name.as_str(), value.trim());
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is(SUBJECT) {
            subject = Some(value).filter(|value| !value.is_empty());
        } else if is(SENT) {
            sent = find_date(value).or_else(|| day_behind_month(value));
        } else if is(FROM) {
            from = true;
        } else if !is(OTHERS) {
            break;
        }
        end += 1;
    }
    let subject = subject.filter(|_| from)?;
    Some(Head {
        subject,
        sent,
        start,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::super::page;

    #[test]
    fn a_letter_has_the_title_and_the_day_of_its_head() {
        let head = "发件人: 团险部 <a@example.org>\n发送时间: 2024年5月27日 16:45\n收件人: 各单位\n主题: 报销材料的提示\n附件: 表.xlsx";
        let reading = page::read(
            &format!("{head}\n\n各位同事好，\n\n门诊满100元可报。\n\n--\n团险部 电话 000"),
            "文件",
        );
        let article = &reading.articles[0].1;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("报销材料的提示", "各位同事好，\n\n门诊满100元可报。")
        );
        assert_eq!(article.published.unwrap().to_string(), "2024-05-27");
        let left = reading.left_out.last().unwrap();
        assert_eq!((left.reason, left.text.as_str()), ("head of a letter", head));
        // What is long below two hyphens is no signature.
        let long = "门诊满100元可报，住院另算。\n".repeat(12);
        let reading = page::read(&format!("{head}\n\n各位同事好，\n--\n{long}"), "文件");
        assert_eq!(reading.articles[0].1.text.matches("住院另算").count(), 12);
        // Lines are those of the file.
        let entry = |title: &str, text: &str| format!("\n{title}\n{text}\n\n健康新闻 2025-04-19\n");
        let list = [entry("甲", "甲的摘要。"), entry("乙", ""), entry("丙", "丙的摘要。")].concat();
        let text = format!("\n{head}\n\n各位同事好，门诊满100元可报。\n\n相关推荐\n{list}");
        let line = text.lines().position(|line| line == "乙").unwrap() + 1;
        let rejected = page::read(&text, "文件").rejected;
        assert_eq!((rejected.len(), rejected[0].0), (1, line), "{rejected:?}");
        // A post of a board: its title stands above its head, and marks below each answer.
        let post = "退休补缴划算吗\n发信人: wan (晚晚), 信区: R\n标  题: 退休补缴划算吗\n发信站: 某站 (Thu Mar 14 20:11:36 2024), 站内\n\n差两年。\n--\n※ 来源:·某站·[FROM: 10.*]\n\n一次性补。";
        let reading = page::read(post, "文件");
        let article = &reading.articles[0].1;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("退休补缴划算吗", "差两年。\n\n\n\n一次性补。")
        );
        assert_eq!(article.published.unwrap().to_string(), "2024-03-14");
        // What is no mark: words behind such a sign.
        for kept in ["※ 修改后的办法自7月1日起施行。", "※ 来源于工资总额的部分按8%缴纳。"]
        {
            let reading = page::read(
                &format!("{head}\n\n各位同事好。\n\n{kept}\n\n门诊满100元可报。"),
                "文件",
            );
            assert!(reading.articles[0].1.text.contains(kept), "{reading:?}");
        }
        // A form has a subject, too.
        let form = "主题: 报销\n日期: 2024年5月27日\n门诊满100元可报。";
        assert_eq!(page::read(form, "文件").left_out, []);
    }
}
