//! The block below an article in which a site says in whole sentences what it wants its readers to know: risks, rights,
//! how to tell it from others; its last line is an imprint.
//!
//! Only finds it; that it is left out is for `furniture`.

use scraper::ElementRef;

use super::super::site_words::{List, listed};
use super::dom::{Elements, holds_blocks, is_block, key, words};
use super::measure::Measures;

/// The longest imprint or paragraph above it, and the most that may stand below such a block without a sentence, in
/// characters.
const MAX_IMPRINT: usize = 200;
const MAX_BELOW: usize = 40;
/// How many paragraphs such a block has at most, and how many blocks it lies in.
const MAX_PARAGRAPHS: usize = 12;
const MAX_DEPTH: usize = 64;
/// What an imprint has two of.
const IMPRINT: [&str; 7] = ["版权所有", "Copyright", "copyright", "©", "ICP备", "ICP证", "公网安备"];

/// The last block of a page, if it is one: below the title's heading, with less than half of the page's prose, of short
/// paragraphs each of which has a word of a site's, the last of them an imprint. `above_title` are the elements that
/// the title's heading lies in.
pub(super) fn closing<'a>(root: ElementRef<'a>, measures: &Measures, above_title: &Elements) -> Option<ElementRef<'a>> {
    let mut block = root;
    for _ in 0..MAX_DEPTH {
        block = last(block, measures)?;
        if !above_title.contains(&key(block)) {
            break;
        }
    }
    let is_below = !above_title.is_empty() && !above_title.contains(&key(block)) && holds_blocks(block.value().name());
    let prose = measures.of(block).prose;
    let is_small = prose > 0 && prose * 2 < measures.of(root).prose;
    (is_below && is_small && is_of_site(block, measures)).then_some(block)
}

/// The last element in a block that says more than a few words.
fn last<'a>(block: ElementRef<'a>, measures: &Measures) -> Option<ElementRef<'a>> {
    let mut inside: Vec<ElementRef<'a>> = filled(block, measures).collect();
    while let Some(last) = inside.pop() {
        let measure = measures.of(last);
        if measure.prose > 0 || measure.all > MAX_BELOW {
            return Some(last);
        }
    }
    None
}

fn filled<'a>(block: ElementRef<'a>, measures: &Measures) -> impl Iterator<Item = ElementRef<'a>> {
    block.child_elements().filter(|inside| measures.of(*inside).all > 0)
}

fn is_of_site(block: ElementRef<'_>, measures: &Measures) -> bool {
    let mut paragraphs: Vec<ElementRef<'_>> = filled(block, measures).take(MAX_PARAGRAPHS + 1).collect();
    // What lies in one block more.
    for _ in 0..MAX_DEPTH {
        let [only] = paragraphs[..] else { break };
        paragraphs = filled(only, measures).take(MAX_PARAGRAPHS + 1).collect();
    }
    let Some((imprint, said)) = paragraphs.split_last() else {
        return false;
    };
    let speaks = |paragraph: &ElementRef<'_>| {
        let mut inside = paragraph.descendants().skip(1).filter_map(ElementRef::wrap);
        let is_line =
            measures.of(*paragraph).all <= MAX_IMPRINT && !inside.any(|inside| is_block(inside.value().name()));
        let said = words(*paragraph);
        is_line && listed(List::OfSite).iter().any(|word| said.contains(word))
    };
    let signed = words(*imprint);
    let is_imprint = measures.of(*imprint).all <= MAX_IMPRINT
        && !signed.contains('。')
        && IMPRINT.iter().filter(|word| signed.contains(**word)).count() > 1;
    is_imprint && paragraphs.len() <= MAX_PARAGRAPHS && said.iter().all(speaks)
}

#[cfg(test)]
mod tests {
    use super::super::rules_tests::{block, check_parts};

    const RISK: &str = "风险提示：您应当根据自身的风险承受能力谨慎选择保险产品，红利水平是不保证的。";
    const RIGHTS: &str = "本网站所载资料仅供参考，不构成任何要约或承诺，具体内容以保险合同为准。";
    const IMPRINT: &str = "<p>Copyright © 2024 青禾保险 青ICP备00000000号</p>";

    #[test]
    fn what_a_site_says_below_all_articles_is_none_of_one() {
        let said = format!("<p>{RISK}</p><p>{RIGHTS}</p>{IMPRINT}");
        for (open, close) in [
            ("<div>", "</div>"),
            ("<div><div>", "</div></div>"),
            ("<section class=b>", "</section>"),
        ] {
            let body = format!("{}{open}{said}{close}", block(""));
            check_parts(
                &body,
                &[],
                &[
                    ("footer", "红利水平"),
                    ("footer", "要约或承诺"),
                    ("footer", "Copyright"),
                ],
            );
        }
        // The article's own risks, without an imprint; what its last block says of other things.
        check_parts(
            &block(&format!("<div><p>{RISK}</p><p>{RIGHTS}</p></div>")),
            &["红利水平", "要约或承诺"],
            &[],
        );
        let own = "补缴以后待遇连续计算，中断三个月以上的从缴费次月起享受。";
        let body = format!("{}<div><p>{own}</p><p>{RISK}</p>{IMPRINT}</div>", block(""));
        check_parts(&body, &["待遇连续计算", "红利水平"], &[]);
        // The article itself, with the imprint in its block.
        let body = format!("<h1>断缴补缴怎么办</h1><div><p>{RISK}</p><p>{RIGHTS}</p>{IMPRINT}</div>");
        check_parts(&body, &["红利水平", "要约或承诺"], &[]);
    }

    #[test]
    fn an_article_with_the_imprint_in_its_block_is_none() {
        let clause = "举报人可以通过来信来访等方式举报骗取医疗保障基金的行为，经查实的给予奖励。";
        let clauses: String = (1..=40).map(|at| format!("<p>第{at}条 {clause}</p>")).collect();
        let top = "<div class=top><h1>断缴补缴怎么办</h1><p>为鼓励社会监督，市医保局修订了本办法，现予公布。</p></div>";
        let imprint = "<p>版权所有 © 青禾市医保局 青ICP备1号</p>";
        for content in [
            format!("<div class=content>{clauses}</div>"),
            format!("<div class=content><p>{clause}</p></div>"),
            format!("<p>{clause}</p><p>{clause}</p>"),
        ] {
            check_parts(
                &format!("{top}<div class=wrap>{content}{imprint}</div>"),
                &[clause],
                &[],
            );
        }
        // A small block with blocks in it, or with a line that says nothing of the site.
        for own in [
            format!("<div><p>{RISK}</p></div>"),
            format!("<p>最低档 400元</p><p>{RISK}</p>"),
        ] {
            let body = format!("{}<div>{own}{IMPRINT}</div>", block(&clauses));
            check_parts(&body, &["红利水平"], &[]);
        }
    }
}
