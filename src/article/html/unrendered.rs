//! Words of a page that stand neither in its text nor in its elements: on buttons, in templates, in frames that are
//! written inside it, and what it shows where no scripts run or no frames are.
//!
//! Only gathers them, so that they are named among what is left out.

use scraper::{ElementRef, Html};

use super::super::layout::Layout;
use super::dom::{Step, walk};
use super::{guard, render};

/// The words, each with what it was taken for.
pub(super) fn unrendered(root: ElementRef<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    walk(root, |step| {
        let Step::Open(element) = step else { return true };
        match element.value().name() {
            "template" => found.push(("template", shown(&element.inner_html()))),
            "noframes" => found.push(("without frames", shown(&element.text().collect::<String>()))),
            "noscript" => found.push(("without scripts", shown(&element.text().collect::<String>()))),
            "iframe" => found.extend(element.attr("srcdoc").map(|frame| ("frame", shown(frame)))),
            "input"
                if !matches!(
                    element.attr("type"),
                    Some("hidden" | "password" | "checkbox" | "radio" | "image")
                ) =>
            {
                found.extend(element.attr("value").map(|words| ("form control", words.to_string())));
            }
            _ => {}
        }
        true
    });
    found
}

/// What a piece of HTML that is written as text shows.
fn shown(text: &str) -> String {
    if guard::check(text).is_err() {
        return text.to_string();
    }
    let mut layout = Layout::default();
    render::fragment(Html::parse_fragment(text).root_element(), &mut layout);
    layout.finish()
}
