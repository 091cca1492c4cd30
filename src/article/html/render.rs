//! Writes a part of a page in the convention of [`layout`](super::super::layout).

use scraper::ElementRef;

use super::super::layout::Layout;
use super::{Step, walk};

/// Writes an element's text; `large` says which cells of tables are parts of the page.
pub(super) fn render(
    root: ElementRef<'_>,
    layout: &mut Layout,
    skip: impl Fn(ElementRef<'_>) -> bool,
    large: impl Fn(ElementRef<'_>) -> bool,
) {
    // How many cells of tables that are tables are open: inside them a block is no line of its own.
    let mut cells = 0usize;
    let mut verbatim = 0usize;
    walk(root, |step| {
        match step {
            Step::Text(text) if verbatim > 0 => layout.push_verbatim(text),
            // A line break in HTML source is white space like any other, but between Han characters it is none.
            Step::Text(text) => layout.push(text),
            Step::Open(element) => {
                if skip(element) {
                    return false;
                }
                match element.value().name() {
                    "br" if cells == 0 => layout.end_line(),
                    "td" | "th" if !large(element) => {
                        cells += 1;
                        layout.cell();
                    }
                    name if cells > 0 && is_block(name) => layout.push(" "),
                    name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                        layout.heading(usize::from(name.as_bytes()[1] - b'0'));
                    }
                    "ul" | "menu" => layout.list(None),
                    "ol" => layout.list(Some(element.attr("start").and_then(|n| n.parse().ok()).unwrap_or(1))),
                    "li" => layout.item(),
                    "pre" => {
                        layout.end_block();
                        verbatim += 1;
                    }
                    "dt" | "dd" | "tr" => layout.end_line(),
                    name if is_block(name) => layout.end_block(),
                    _ => {}
                }
            }
            Step::Close(element) => match element.value().name() {
                "br" => {}
                "td" | "th" if !large(element) => cells = cells.saturating_sub(1),
                name if cells > 0 && is_block(name) => layout.push(" "),
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "li" => layout.end_marked(),
                "ul" | "menu" | "ol" => layout.end_list(),
                "pre" => {
                    verbatim = verbatim.saturating_sub(1);
                    layout.end_block();
                }
                "dt" | "dd" | "tr" => layout.end_line(),
                name if is_block(name) => layout.end_block(),
                _ => {}
            },
        }
        true
    });
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "main"
            | "blockquote"
            | "figure"
            | "figcaption"
            | "dl"
            | "dt"
            | "dd"
            | "address"
            | "fieldset"
            | "details"
            | "summary"
            | "center"
            | "table"
            | "caption"
            | "tr"
            | "td"
            | "th"
            | "hr"
            | "pre"
            | "ul"
            | "ol"
            | "li"
            | "menu"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "br"
    )
}
