//! What a sentence is by its looks: a statement, a heading or a question, how long, and behind which list marker.
//!
//! Owns the guesses from punctuation and length. Knows no question and no term.

use crate::text::{MarkerStyle, list_marker, section_number};

/// Worth of a heading and of a question: neither answers.
const HEADING: f32 = -0.9;
const QUESTION: f32 = -2.6;
/// Worth of a document's own title within its text (关于调整低保标准的通知), and of a line that is marked as a heading (## 断缴):
/// it says all that is asked, and answers nothing.
const TITLE: f32 = -3.0;
/// How such a title ends.
const TITLED: [&str; 8] = [
    "的通知",
    "的通告",
    "的公告",
    "的决定",
    "的意见",
    "的批复",
    "的函",
    "的通报",
];
/// Longer lines are statements even without a full stop.
const LONGEST_HEADING: usize = 14;
/// In bytes: the number of an item is not longer.
const LONGEST_NUMBER: usize = 9;

/// How a sentence reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It says something.
    Statement,
    /// It names what follows.
    Heading,
    /// It asks.
    Question,
}

/// What a sentence is by its looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Which form.
    pub form: Form,
    characters: usize,
    /// Whether it is a document's title, or marked as a heading.
    is_title: bool,
}

impl Shape {
    /// The shape of a normalised line that begins with a list marker of so many bytes ([`marker_length`]).
    pub fn behind_marker(line: &str, marker: usize) -> Self {
        let body = line[marker..].trim();
        let last = line.chars().next_back();
        let is_marked = line.trim_start_matches('#').starts_with(' ') && line.starts_with('#');
        let is_title =
            is_marked || TITLED.iter().any(|end| body.ends_with(end)) && !body.contains([',', '。', ';', ':']);
        let form = match last {
            _ if is_title => Form::Heading,
            Some('?') => Form::Question,
            Some(':') => Form::Heading,
            Some('。' | ';' | '!' | ',') => Form::Statement,
            _ if body.contains([',', '。', '、', ':']) => Form::Statement,
            _ if body.chars().nth(LONGEST_HEADING).is_some() => Form::Statement,
            _ => Form::Heading,
        };
        Shape {
            form,
            characters: line.chars().count(),
            is_title,
        }
    }

    /// How many characters it has.
    pub fn characters(self) -> usize {
        self.characters
    }

    /// What its looks are worth.
    pub fn worth(self) -> f32 {
        match self.form {
            _ if self.is_title => TITLE,
            Form::Question => QUESTION,
            Form::Heading => HEADING,
            Form::Statement => 0.0,
        }
    }
}

/// Bytes of the list marker that a line begins with: `1.`, `7.34`, `(二)`, `第三条 `, `•`; 0 without one.
pub(super) fn marker_length(line: &str) -> usize {
    if let Some(number) = section_number(line) {
        return number.len();
    }
    let Some(marker) = list_marker(line) else { return 0 };
    let begins = match marker.style {
        MarkerStyle::Plain => !marker.rest.starts_with(|c: char| c.is_ascii_digit()),
        _ => true,
    };
    if begins && marker.number.len() <= LONGEST_NUMBER {
        line.len() - marker.rest.len()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Shape {
        Shape::behind_marker(line, marker_length(line))
    }

    #[test]
    fn headings_and_questions_are_told_from_statements() {
        let check = |line: &str, expected: Form| assert_eq!(of(line).form, expected, "{line}");
        check("三、办理时限", Form::Heading);
        check("## 断缴以后,补缴和等待期怎么算", Form::Heading);
        check("#1 号文件,以此为准", Form::Statement);
        check("广州市民政局关于提高最低生活保障标准的通知", Form::Heading);
        check("请把这份通知交给单位,并保留好缴费的通知", Form::Statement);
        check("备案流程:", Form::Heading);
        check("流程", Form::Heading);
        check("医保断了还能补吗?", Form::Question);
        check("可以补缴。", Form::Statement);
        check("• 总时长 :约15个工作日", Form::Statement);
        check("身份证、户口本", Form::Statement);
        check("没有句号的一行话如果这样长就不是标题了", Form::Statement);
        check("(一)满18岁;", Form::Statement);
        check("", Form::Heading);
    }

    #[test]
    fn list_markers_are_measured() {
        let check = |line: &str, marker: &str| assert_eq!(&line[..marker_length(line)], marker, "{line}");
        check("1. 打开小程序", "1.");
        check("12、缴费", "12、");
        check("(二)有户口", "(二)");
        check("第十三条 保险金", "第十三条");
        check("• 转出地", "•");
        check("7.34 床位费", "7.34");
        check("2.4.3 领取", "2.4.3");
        check("1.5倍", "");
        check("12345.6 元", "");
        check("2. 缴费", "2.");
        check("第二次住院", "");
        check("三个月", "");
        check("(含)", "");
        check("1", "");
        check("", "");
    }

    #[test]
    fn titles_questions_and_headings_answer_nothing() {
        let worth = |line: &str| of(line).worth();
        assert!(worth("关于调整低保标准的通知") < worth("怎么参保?") && worth("怎么参保?") < worth("参保流程:"));
        assert!(worth("参保流程:") < worth("可以参保。"));
    }
}
