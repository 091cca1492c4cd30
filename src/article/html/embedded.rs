//! Parts of a page that are written in it as text or beside its tree: frames whose page is in their tag (`srcdoc`),
//! shadow roots; on a page that shows nothing else also fields, templates, and what it shows without scripts or frames.
//!
//! Puts them into the tree in the place of what holds them; what is kept of them is for the others.

use scraper::{ElementRef, Html};

use super::dom::{Step, walk};
use super::guard;
use super::prompts::asks_to_write;
use super::signs::with_signs;

/// How many sentences a frame or a shadow root has at least that may be the article's.
const SENTENCES: usize = 2;
/// How many such parts of a page are looked at.
const MAX_PARTS: usize = 8;

/// Puts what is shown at once into the tree: frames and shadow roots that say sentences.
pub(super) fn unfold_shown(page: &mut Html) {
    unfold(page, MAX_PARTS, |element| {
        let said = match element.value().name() {
            "iframe" => element.attr("srcdoc")?.to_string(),
            "template" if element.attr("shadowrootmode").is_some() => element.inner_html(),
            _ => return None,
        };
        (said.matches('。').count() >= SENTENCES).then_some(said)
    });
}

/// Puts the first part that holds sentences into the tree, of those that are not shown: scripts keep an article there
/// before they show it. What asks a reader to write, or to let scripts run, is none. Whether there is one.
pub(super) fn unfold_hidden(page: &mut Html) -> bool {
    let mut looked = 0;
    unfold(page, 1, |element| {
        let said = match element.value().name() {
            "textarea" | "noscript" | "noframes" => element.text().collect::<String>(),
            "template" => element.inner_html(),
            _ => return None,
        };
        looked += 1;
        // A template may be nothing but places for what a script brings.
        let is_frame = said.contains("{{") || asks_to_write(&said) || of_browser(&said);
        (looked <= MAX_PARTS && said.contains('。') && !is_frame).then_some(said)
    })
}

/// Whether a text speaks of what a browser must do.
fn of_browser(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["javascript", "浏览器", "瀏覽器", "框架"]
        .iter()
        .any(|word| text.contains(word))
}

/// Puts what elements hold, as HTML, in their place, of the first so many for which there is something; whether there
/// are any.
fn unfold(page: &mut Html, most: usize, mut held: impl FnMut(ElementRef<'_>) -> Option<String>) -> bool {
    let mut found = Vec::new();
    walk(page.root_element(), |step| {
        if let Step::Open(element) = step
            && found.len() < most
            && let Some(html) = held(element)
            && guard::check(&html).is_ok()
        {
            found.push((element.id(), html));
        }
        found.len() < most
    });
    for (holder, html) in &found {
        // What a part opens it also closes: a script left open would take what stands behind it.
        let closed = Html::parse_fragment(&with_signs(html)).root_element().inner_html();
        let part = Html::parse_fragment(&format!("<div>{closed}</div>"));
        let mut root = page.tree.extend_tree(part.tree);
        let block = root
            .first_child()
            .and_then(|mut html| html.first_child().map(|block| block.id()));
        if let Some(block) = block
            && let Some(mut holder) = page.tree.get_mut(*holder)
        {
            holder.insert_id_after(block);
            holder.detach();
        }
    }
    !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::read;

    const SAID: &str = "<p>参保人员中断缴费三个月以内的，可以补缴。</p><p>补缴以后待遇连续计算。</p>";

    #[test]
    fn frames_and_shadow_roots_are_read_where_they_are_shown() {
        let frame = format!("<h1>断缴须知</h1><iframe srcdoc=\"{SAID}\"></iframe><p>客服热线：000</p>");
        let root = format!("<h1>断缴须知</h1><x-text><template shadowrootmode=open>{SAID}</template></x-text>");
        for page in [frame, root] {
            let reading = read(&page, "");
            let text = &reading.articles[0].1.text;
            assert!(
                text.starts_with("参保人员") && text.contains("连续计算。"),
                "{page}: {text}"
            );
            let left = |words: &str| reading.left_out.iter().any(|left| left.text.contains(words));
            assert!(!left("参保人员"), "{:?}", reading.left_out);
        }
        // Another page's frame says nothing.
        let page = format!("<h1>断缴须知</h1>{SAID}<iframe srcdoc=\"<a href=x>广告</a>\"></iframe>");
        let left = read(&page, "").left_out;
        assert!(
            left.iter().any(|left| left.reason == "frame" && left.text == "广告"),
            "{left:?}"
        );
    }

    #[test]
    fn what_is_not_shown_is_read_where_nothing_else_is() {
        let check = |inside: &str, beside: &str, kept: bool, reason: &str| {
            let reading = read(&format!("<h1>断缴须知</h1>{inside}{beside}"), "");
            let said = |text: &str| text.contains("待遇连续计算");
            let kept_so = reading.articles.iter().any(|(_, article)| said(&article.text));
            let left = reading
                .left_out
                .iter()
                .find(|left| said(&left.text))
                .map(|left| left.reason);
            assert_eq!((kept_so, left.unwrap_or("")), (kept, reason), "{inside}");
        };
        let template = format!("<template>{SAID}</template>");
        let without_scripts = format!("<noscript>{SAID}</noscript>");
        check(&template, "", true, "");
        check(&without_scripts, "", true, "");
        let beside = "<p>生育津贴由生育保险基金支付，按照上年度月平均工资计发，按月发给。</p>";
        check(&template, beside, false, "template");
        check(&without_scripts, beside, false, "without scripts");
        check(
            &format!("<template>{{{{title}}}}{SAID}</template>"),
            "",
            false,
            "template",
        );
        check(
            &format!("<noscript>请允许 JavaScript。{SAID}</noscript>"),
            "",
            false,
            "without scripts",
        );
    }
}
