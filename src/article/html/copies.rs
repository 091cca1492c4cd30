//! Parts of a page that say again what another part of it says: the copy for telephones, the one for printing.
//!
//! Only finds them, and only large ones: a few equal sentences may each answer a question of their own.

use std::collections::HashMap;
use std::ops::Range;

use scraper::ElementRef;

use super::dom::{Elements, Step, is_hidden, is_unseen, key, walk};
use super::measure::Measures;

/// Which share of a page's prose a copy has at least: one in so many parts.
const HIDDEN_SHARE: usize = 4;
const SHOWN_SHARE: usize = 3;
/// The least prose of a copy, in characters.
const LEAST: usize = 40;
/// How many parts are looked at.
const MAX_PARTS: usize = 64;

/// A block of a page, and where its words stand in the page's.
struct Part {
    key: usize,
    is_hidden: bool,
    words: Range<usize>,
}

/// The words of a page without white space, those of them that are shown, and its large parts.
#[derive(Default)]
struct Found {
    all: String,
    shown: String,
    parts: Vec<Part>,
}

/// The copies below `root`: what is hidden and shown elsewhere in the same words, and the second of two parts that say
/// the same.
pub(super) fn copies(root: ElementRef<'_>, measures: &Measures) -> Elements {
    let found = parts(root, measures);
    let mut copies = Elements::default();
    let mut first: HashMap<&str, Range<usize>> = HashMap::new();
    for part in &found.parts {
        let words = &found.all[part.words.clone()];
        if part.is_hidden {
            copies.extend(found.shown.contains(words).then_some(part.key));
        } else if let Some(before) = first.get(words) {
            // What lies in the first says what that says, too.
            copies.extend((part.words.start >= before.end).then_some(part.key));
        } else {
            first.insert(words, part.words.clone());
        }
    }
    copies
}

fn parts(root: ElementRef<'_>, measures: &Measures) -> Found {
    let total = measures.of(root).prose;
    let mut found = Found::default();
    let (mut open, mut hidden) = (Vec::new(), 0usize);
    walk(root, |step| {
        match step {
            Step::Open(element) if is_unseen(element.value().name()) => return false,
            Step::Open(element) => {
                let is_hidden = is_hidden(element);
                let prose = measures.of(element).prose;
                let share = if is_hidden { HIDDEN_SHARE } else { SHOWN_SHARE };
                if matches!(element.value().name(), "div" | "section" | "article" | "main" | "table")
                    && hidden == 0
                    && prose >= LEAST
                    && prose * share >= total
                    && found.parts.len() < MAX_PARTS
                {
                    open.push(found.parts.len());
                    found.parts.push(Part {
                        key: key(element),
                        is_hidden,
                        words: found.all.len()..found.all.len(),
                    });
                }
                hidden += usize::from(is_hidden);
            }
            Step::Text(text) => {
                let from = found.all.len();
                found.all.extend(text.chars().filter(|c| !c.is_whitespace()));
                if hidden == 0 {
                    found.shown.push_str(&found.all[from..]);
                }
            }
            Step::Close(element) => {
                hidden -= usize::from(is_hidden(element)).min(hidden);
                if let Some(part) = open.last().map(|&at: &usize| &mut found.parts[at])
                    && part.key == key(element)
                {
                    part.words.end = found.all.len();
                    open.pop();
                }
            }
        }
        true
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::read;

    const SAID: &str =
        "<p>参保人员中断缴费三个月以内的，可以补缴。</p><p>补缴以后待遇连续计算，不设等待期，按月发给。</p>";

    #[test]
    fn large_parts_that_are_said_again_are_said_once() {
        let check = |body: &str, count: usize| {
            let reading = read(&format!("<title>断缴须知</title>{body}"), "");
            let text = &reading.articles[0].1.text;
            assert_eq!(text.matches("可以补缴").count(), count, "{body}: {text}");
            let again = reading.left_out.iter().any(|left| left.reason == "said again");
            assert_eq!(again, count == 1, "{body}: {:?}", reading.left_out);
        };
        let one = format!("<div class=pc><h1>断缴须知</h1>{SAID}</div>");
        check(&format!("{one}<div class=mobile><h1>断缴须知</h1>{SAID}</div>"), 1);
        check(&format!("{one}<div class=mobile style=display:none>{SAID}</div>"), 1);
        check(&format!("<div hidden>{SAID}</div>{one}"), 1);
        // What is hidden twice is shown nowhere; a few words more say something else.
        let hidden = format!("<h1>断缴须知</h1><button>查看</button><div hidden>{SAID}</div>");
        check(&format!("{hidden}<button>再看</button><div hidden>{SAID}</div>"), 2);
        check(&format!("{one}<div class=mobile>{SAID}<p>欠费除外。</p></div>"), 2);
    }
}
