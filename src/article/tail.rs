//! What stands below an article in a text that was copied from a page: tools in brackets, the pages beside it, an
//! imprint, who edited it; and the rule below a title.
//!
//! Two signs of a page are asked for: one such line may be the text's own.

use super::layout::COLONS;
use super::site_words::{List, listed};

/// The longest line of a tail, in characters.
const MAX_LINE: usize = 80;
/// How many lines that only pages have make a tail.
const SIGNS: usize = 2;
/// How many of the same sign make a rule.
const MIN_RULE: usize = 3;

/// Where the tail of a copied page begins; the number of lines if there is none.
pub(super) fn tail(lines: &[&str]) -> usize {
    let (mut signs, mut begin) = (0, lines.len());
    for (at, line) in lines.iter().enumerate().rev() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let is_sign = line.chars().count() <= MAX_LINE && (is_footer(line) || turns_page(line) || is_tools(line));
        if !(is_sign || is_credit(line)) || line.contains('。') {
            break;
        }
        signs += usize::from(is_sign);
        begin = at;
    }
    let says = lines[..begin].iter().any(|line| line.contains('。'));
    if signs >= SIGNS && says { begin } else { lines.len() }
}

/// The end of a page's article when the notices at its end are taken off.
pub(super) fn strip_notices(lines: &[&str], mut end: usize) -> usize {
    for at in (0..end).rev() {
        let line = lines[at].trim();
        if line.is_empty() {
            continue;
        }
        if !(is_notice(line) || is_footer(line)) {
            break;
        }
        end = at;
    }
    end
}

/// A line in which a site disclaims what stands above it.
pub(super) fn is_notice(line: &str) -> bool {
    let statement = line.split_once(COLONS).is_some_and(|(who, _)| who.ends_with("声明"));
    is_medical_notice(line)
        || (statement && line.chars().count() <= 160 && listed(List::Notice).iter().any(|word| line.contains(word)))
}

fn is_medical_notice(line: &str) -> bool {
    line.chars().count() <= 80 && listed(List::MedicalNotice).iter().any(|word| line.contains(word))
}

/// A line of a site's footer.
pub(super) fn is_footer(line: &str) -> bool {
    line.chars().count() <= 120 && listed(List::Footer).iter().any(|word| line.contains(word))
}

/// Whether a line names the page beside this one: `前一篇：生育津贴怎么领`.
pub(super) fn turns_page(line: &str) -> bool {
    let rest = listed(List::Paging).iter().find_map(|word| line.strip_prefix(word));
    rest.is_some_and(|rest| rest.trim_start().starts_with(COLONS))
}

/// Whether a line is nothing but tools in brackets: `【打印】【关闭】`.
fn is_tools(line: &str) -> bool {
    let mut words = line
        .split(['【', '】', '[', ']'])
        .map(str::trim)
        .filter(|word| !word.is_empty());
    line.starts_with(['【', '['])
        && words.clone().next().is_some()
        && words.all(|word| listed(List::Tool).contains(&word))
}

/// Whether a line says who edited a page, perhaps in brackets: `（责任编辑：胡某）`.
fn is_credit(line: &str) -> bool {
    let line = line.trim_matches(['（', '）', '(', ')', '[', ']', '【', '】']);
    let named = ["责任编辑", "责编", "编辑", "校对", "审核"]
        .iter()
        .find_map(|label| line.strip_prefix(label));
    line.chars().count() <= MAX_LINE / 2 && named.is_some_and(|rest| rest.trim_start().starts_with(COLONS))
}

/// Whether a line is nothing but one sign, again and again, as people underline titles.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let first = line.chars().next();
    first.is_some_and(|first| "=-_*~─━—".contains(first) && line.chars().all(|c| c == first))
        && line.chars().count() >= MIN_RULE
}

#[cfg(test)]
mod tests {
    use super::super::page;

    fn check(text: &str, expected: &str, left: &[(&str, &str)]) {
        let reading = page::read(text, "文件");
        assert_eq!(reading.articles[0].1.text, expected, "{text}");
        let found: Vec<_> = reading
            .left_out
            .iter()
            .map(|left| (left.reason, left.text.as_str()))
            .collect();
        assert_eq!(found, left, "{text}");
    }

    #[test]
    fn the_tail_of_a_copied_page_is_no_part_of_its_article() {
        let said = "断缴三个月以内的，可以补缴。";
        let tail = "（责任编辑：胡某）\n【打印】【关闭】\n上一篇：发布津贴标准\n版权所有 某报社";
        let dateline = "2023-09-14 07:33:50\u{3000}来源：某报";
        let text = format!("断缴补缴怎么办\n{dateline}\n\n{said}\n\n{tail}");
        check(&text, said, &[("dateline", dateline), ("behind the article", tail)]);
        // One sign; a day above a text that is no copy; a tail alone.
        for kept in [
            format!("{said}\n\n（责任编辑：胡某）\n下一篇：怎么补缴"),
            format!("2023-09-14 07:33:50 来源：某报\n{said}"),
            format!("{said}\n[1] 某办法\n[2] 某细则"),
            format!("{said}\n【打印】办法如下\n版权所有 某报社"),
        ] {
            check(&format!("断缴补缴怎么办\n{kept}"), &kept, &[]);
        }
    }

    #[test]
    fn a_rule_below_a_title_is_none_of_its_text() {
        check(
            "工伤待遇标准速查\n========\n\n一级27个月。",
            "一级27个月。",
            &[("not text", "========")],
        );
        let kept = "一级27个月。\n========\n二级25个月。";
        check(&format!("工伤待遇标准速查\n{kept}"), kept, &[]);
    }
}
