//! Blocks of nothing but links that are the article's all the same: questions with their answers right below, lists
//! that a sentence of the article announces, files.
//!
//! Only finds them; what else speaks against a block is for `furniture` to say.

use std::collections::HashMap;

use scraper::ElementRef;

use super::super::layout::COLONS;
use super::super::site_words::{List, listed};
use super::dom::{Elements, Step, is_block, is_heading, key, walk, words};
use super::measure::{Measures, leads_away};
use super::openers::{MAX_QUESTION, REACH};

/// How many elements inside of a block of links are of it, and how many around it.
const INSIDE: usize = 64;
const AROUND: usize = 6;
/// The shortest answer and the shortest sentence that announces a list, in characters.
const SAYS: usize = 8;
/// The longest sentence that announces a list, in characters.
const MAX_LEAD: usize = 200;

/// The blocks of links below `root` that are the article's, what lies in them, and what they lie in.
pub(super) fn own_links(root: ElementRef<'_>, measures: &Measures) -> Elements {
    // Of two kinds of blocks, one below the other, those that may be questions with answers though no word says so.
    let mut pairs: HashMap<String, Vec<ElementRef<'_>>> = HashMap::new();
    let mut found: Vec<ElementRef<'_>> = Vec::new();
    walk(root, |step| {
        if let Step::Open(element) = step
            && is_block(element.value().name())
            && measures.of(element).linked * 2 > measures.of(element).all
        {
            if is_announced(element, measures) {
                found.push(element);
            } else if is_answered(element, measures) {
                if asks(&words(element)) {
                    found.push(element);
                } else if stays(element) && measures.of(element).all >= SAYS {
                    let class = element.attr("class").unwrap_or("");
                    let kind = format!("{}.{class}", element.value().name());
                    pairs.entry(kind).or_default().push(element);
                }
            }
        }
        true
    });
    found.extend(pairs.into_values().filter(|alike| alike.len() > 1).flatten());
    let mut own = Elements::default();
    for element in found {
        let inside = element.descendants().take(INSIDE).filter_map(ElementRef::wrap);
        let around = element.ancestors().filter_map(ElementRef::wrap).take(AROUND);
        own.extend(inside.chain(around).map(key));
    }
    own
}

/// Whether a block is one short link, and what stands right below it says something and links nothing.
fn is_answered(element: ElementRef<'_>, measures: &Measures) -> bool {
    let mut below = element.next_siblings().take(REACH).filter_map(ElementRef::wrap);
    let answer = below.find(|below| measures.of(*below).all > 0);
    let is_link = |inside: &ElementRef<'_>| inside.value().name() == "a" && measures.of(*inside).all > 0;
    let links = element
        .descendants()
        .take(INSIDE)
        .filter_map(ElementRef::wrap)
        .filter(is_link);
    (2..=MAX_QUESTION).contains(&measures.of(element).all)
        && links.count() == 1
        && answer.is_some_and(|answer| {
            let said = measures.of(answer);
            !is_heading(answer.value().name())
                && said.all >= SAYS
                && said.linked * 10 <= said.all
                && words(answer).contains(['。', '；', '！'])
        })
}

/// Whether words are a question.
fn asks(words: &str) -> bool {
    words.ends_with(['？', '?', '吗', '呢']) || listed(List::Question).iter().any(|word| words.contains(word))
}

/// Whether no link of a block leads to another page.
fn stays(element: ElementRef<'_>) -> bool {
    let mut inside = element.descendants().take(INSIDE).filter_map(ElementRef::wrap);
    !inside.any(leads_away)
}

/// Whether the text right above a block announces what it lists: `现将名单公布如下：`.
fn is_announced(element: ElementRef<'_>, measures: &Measures) -> bool {
    let mut above = element.prev_siblings().take(REACH).filter_map(ElementRef::wrap);
    let lead = above.find(|above| measures.of(*above).all > 0);
    lead.is_some_and(|lead| {
        let said = measures.of(lead);
        if said.linked > 0 || !(SAYS..=MAX_LEAD).contains(&said.all) || is_heading(lead.value().name()) {
            return false;
        }
        let lead = words(lead);
        let last = lead.trim_end_matches(['。', '\u{ff1a}', ':']);
        let last = last.rsplit(['。', '；', '！', '？']).next().unwrap_or(last);
        let announces = lead.ends_with(COLONS) || lead.ends_with('。');
        let is_site_s = [List::Related, List::Ending, List::Prompt, List::Invite];
        let of_site = |list: &List| listed(*list).iter().any(|word| last.contains(word));
        // 六万元以下 at the end of a sentence announces nothing.
        let announcing: &[&str] = if lead.ends_with('。') {
            &["如下"]
        } else {
            &["如下", "以下", "下列"]
        };
        announces && announcing.iter().any(|word| last.contains(word)) && !is_site_s.iter().any(of_site)
    })
}

/// Whether a block names files that belong to the article.
pub(super) fn attaches(element: ElementRef<'_>) -> bool {
    let text = words(element);
    text.starts_with("附件")
        || [
            ".doc", ".docx", ".xls", ".xlsx", ".pdf", ".zip", ".rar", ".wps", ".ppt", ".pptx",
        ]
        .iter()
        .any(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::super::rules_tests::{block, check_parts};

    #[test]
    fn a_linked_question_above_its_answer_is_text() {
        let pair = |question: &str, answer: &str| {
            let two = |one: &str, other: &str| format!("{}{}", question.replace("?", one), answer.replace("?", other));
            format!(
                "{}{}",
                two("卡丢了怎么补办？", "先口头挂失，再补卡。"),
                two("密码如何重置？", "到网点重置，不收费。")
            )
        };
        for link in ["<a href=#>?</a>", "<a>?</a>", "<a href=/1.html>?</a>"] {
            for (question, answer) in [
                ("<p>?</p>", "<p>?</p>"),
                ("<h3>?</h3>", "<div>?</div>"),
                ("<div class=q>?</div>", "<div class=a>?</div>"),
            ] {
                let body = block(&pair(&question.replace('?', link), answer));
                check_parts(&body, &["卡丢了怎么补办？", "密码如何重置？", "不收费。"], &[]);
            }
        }
        // A link to elsewhere that asks nothing, and links below one another.
        let news = "<div><p><a href=/1>缴费开始</a></p><p>昨日起可以缴费。</p></div>".repeat(2);
        check_parts(&block(&news), &[], &[("links", "缴费开始")]);
        // Who wrote what stands below.
        let post = "<div class=by><a>海边的阿强</a></div><div>先补缴，再转移。</div>".repeat(2);
        check_parts(&block(&post), &["先补缴"], &[("links", "海边的阿强")]);
        let more = "<div><p>还可以看</p><ul><li><a>断缴怎么办？</a></li><li><a>补缴多少？</a></li></ul></div><p>补缴以后恢复。</p>";
        check_parts(&block(more), &["补缴以后恢复。"], &[("links", "断缴怎么办？")]);
        let menu = "<p><a href=/1>断缴怎么办？</a></p><p><a href=/2>补缴怎么办？</a></p>";
        check_parts(&block(menu), &[], &[("links", "补缴怎么办？")]);
    }

    #[test]
    fn links_that_a_sentence_announces_are_a_list_of_the_article() {
        let list = |lead: &str| {
            block(&format!(
                "<p>{lead}</p><ol><li><a href=1>市一院</a></li><li><a href=2>市二院</a></li></ol>"
            ))
        };
        for lead in [
            "现将第三批名单公布如下：",
            "名单公布如下，自二月起直接结算。",
            "可以下载以下表格：",
        ] {
            check_parts(&list(lead), &["市一院", "市二院"], &[]);
        }
        for lead in ["点击下列热门推荐：", "以下", "文件共三件。"] {
            check_parts(&list(lead), &[], &[("links", "市一院")]);
        }
    }
}
