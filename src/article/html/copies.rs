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
/// What names the part behind it.
const HEADINGS: [&str; 12] = [
    "h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary", "caption", "legend", "strong", "b",
];

/// A block of a page, and where its words stand in the page's.
struct Part {
    key: usize,
    is_hidden: bool,
    words: Range<usize>,
    /// Where the heading or question begins that it stands right below; where its words do, if it stands below none.
    headed: usize,
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
        // The same answer to another question is no copy.
        let words = &found.all[part.headed..part.words.end];
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

/// What names the part that comes next: the last heading, or the last stretch of text where that asks.
#[derive(Default)]
struct Names {
    heading: Range<usize>,
    text: Range<usize>,
    /// Headings that are not closed, and where they began.
    open: Vec<(usize, usize)>,
}

impl Names {
    fn open(&mut self, element: ElementRef<'_>, at: usize) {
        if HEADINGS.contains(&element.value().name()) {
            self.open.push((key(element), at));
        }
    }

    fn close(&mut self, element: ElementRef<'_>, at: usize) {
        if let Some((_, from)) = self.open.pop_if(|(own, _)| *own == key(element)) {
            self.heading = from..at;
        }
    }

    /// Where what names a part that begins behind `all` begins; there where nothing does.
    fn of_next(&self, all: &str) -> usize {
        match all.len() {
            0 => 0,
            at if self.heading.end == at => self.heading.start,
            _ if all.ends_with(['？', '?', '：', ':']) => self.text.start,
            at => at,
        }
    }
}

fn parts(root: ElementRef<'_>, measures: &Measures) -> Found {
    let total = measures.of(root).prose;
    let (mut found, mut names) = (Found::default(), Names::default());
    let (mut open, mut hidden) = (Vec::new(), 0usize);
    walk(root, |step| {
        match step {
            Step::Open(element) if is_unseen(element.value().name()) => return false,
            Step::Open(element) => {
                names.open(element, found.all.len());
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
                        headed: names.of_next(&found.all),
                    });
                }
                hidden += usize::from(is_hidden);
            }
            Step::Text(text) => {
                let from = found.all.len();
                found.all.extend(text.chars().filter(|c| !c.is_whitespace()));
                if found.all.len() > from {
                    names.text = from..found.all.len();
                }
                if hidden == 0 {
                    found.shown.push_str(&found.all[from..]);
                }
            }
            Step::Close(element) => {
                hidden -= usize::from(is_hidden(element)).min(hidden);
                names.close(element, found.all.len());
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
        // One answer to two questions.
        let (first, second) = ("<h2>职工中断缴费</h2>", "<h2>居民中断缴费</h2>");
        let answer = format!("<div>{SAID}</div>");
        check(&format!("<h1>断缴须知</h1>{first}{answer}{second}{answer}"), 2);
        let (first, second) = ("<p>职工断缴怎么办？</p>", "<p>居民断缴怎么办？</p>");
        check(&format!("<h1>断缴须知</h1>{first}{answer}{second}{answer}"), 2);
        let folded = format!("<div style=display:none>{SAID}</div>");
        check(&format!("<h1>断缴须知</h1>{first}{answer}{second}{folded}"), 2);
    }
}
