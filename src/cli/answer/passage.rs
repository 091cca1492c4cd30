//! The text of a hit: what is set first, and what of the passage around it is shown. Positions are characters.

use super::ink::{Ink, Inked};
use crate::search::response::{Hit, Span};

/// A passage up to this long is shown whole.
const WHOLE: usize = 180;
/// Of what answers no more is set first; the passage below has all of it.
const FIRST: usize = 200;
/// Characters of the passage before what answers, and behind it; to ends of sentences up to twice as many.
const AROUND: (usize, usize) = (40, 60);
/// What would be left over at an end is shown as well if it is so little.
const LEFT_OVER: usize = 24;
/// Where a sentence ends.
const ENDS: &str = "。！？；\n";

/// What is set first: the sentence that answers, else the title, else how the passage begins. The second is whether it
/// is the title.
pub fn headline(hit: &Hit, is_doubtful: bool) -> (Inked, bool) {
    let chars: Vec<char> = hit.text.chars().collect();
    if let Some(span) = said(hit, chars.len()) {
        let end = span.1.min(span.0 + FIRST);
        let mut first = stretch(hit, &chars, (span.0, end), !is_doubtful);
        first.push(if end < span.1 { "……" } else { "" }, Ink::Plain);
        return (first, false);
    }
    let title = [&hit.title, &hit.heading]
        .into_iter()
        .find(|text| !text.trim().is_empty());
    if let Some(title) = title {
        return (
            Inked::new(title, if is_doubtful { Ink::Plain } else { Ink::Answer }),
            true,
        );
    }
    let end = (LEFT_OVER..chars.len()).find(|&at| ENDS.contains(chars[at - 1]));
    (
        stretch(hit, &chars, (0, end.unwrap_or(chars.len()).min(FIRST)), false),
        false,
    )
}

/// The whole passage, with what answers (unless that is in doubt) and the words that matched marked.
pub fn marked(hit: &Hit, is_doubtful: bool) -> Inked {
    let chars: Vec<char> = hit.text.chars().collect();
    stretch(hit, &chars, (0, chars.len()), !is_doubtful)
}

/// What stands around that which answers, and not that again where it is set first as a whole. Of a long passage only
/// what is near, from and to ends of sentences.
pub fn excerpt(hit: &Hit, is_doubtful: bool) -> Inked {
    let chars: Vec<char> = hit.text.chars().collect();
    let said = said(hit, chars.len());
    let (start, end) = if chars.len() <= WHOLE {
        (0, chars.len())
    } else {
        near(&chars, said.map_or((0, 0), |(from, to)| (from, to.min(from + FIRST))))
    };
    let part = |from, to| stretch(hit, &chars, (from, to), !is_doubtful);
    let mut shown = Inked::new(if start > 0 { "……" } else { "" }, Ink::Quiet);
    match said {
        Some((from, to)) if to - from <= FIRST => {
            let (before, behind) = (part(start, from), part(to, end));
            let is_between = !before.is_blank() && !behind.is_blank();
            shown.append(before);
            shown.push(if is_between { "……" } else { "" }, Ink::Quiet);
            shown.append(behind);
        }
        _ => shown.append(part(start, end)),
    }
    shown.push(if end < chars.len() { "……" } else { "" }, Ink::Quiet);
    shown
}

/// From where to where a long passage is shown around what answers.
fn near(chars: &[char], (from, to): (usize, usize)) -> (usize, usize) {
    let begins = |at: &usize| *at == 0 || ENDS.contains(chars[at - 1]);
    let latest_start = from.saturating_sub(AROUND.0);
    let earliest = from.saturating_sub(AROUND.0 * 2);
    let start = (earliest..=latest_start).rev().find(begins).unwrap_or(latest_start);
    let latest = (to + AROUND.1 * 2).min(chars.len());
    let end = ((to + AROUND.1).min(latest)..=latest).find(|&at| at > 0 && ENDS.contains(chars[at - 1]));
    let end = end.unwrap_or((to + AROUND.1).min(chars.len()));
    let start = if start < LEFT_OVER { 0 } else { start };
    let end = if chars.len() - end < LEFT_OVER {
        chars.len()
    } else {
        end
    };
    (start, end)
}

/// The sentence that answers, if it lies in the text.
fn said(hit: &Hit, length: usize) -> Option<(usize, usize)> {
    let Span { start, end } = hit.best_sentence?;
    let (start, end) = (start as usize, end as usize);
    (start < end && end <= length).then_some((start, end))
}

fn stretch(hit: &Hit, chars: &[char], (from, to): (usize, usize), marks_answer: bool) -> Inked {
    let answers = said(hit, chars.len()).filter(|_| marks_answer);
    let mut inked = Inked::default();
    // Matched words stand in order and do not overlap.
    let mut words = hit.highlights.iter().peekable();
    let mut unsaid = 0;
    for (at, &c) in chars.iter().enumerate().take(to).skip(from) {
        if at == 0 || chars[at - 1] == '\n' {
            unsaid = at + heading_sign(&chars[at..]);
        }
        if at < unsaid {
            continue;
        }
        while words.next_if(|word| word.end as usize <= at).is_some() {}
        let is_word = words.peek().is_some_and(|word| word.start as usize <= at);
        let is_answer = answers.is_some_and(|(from, to)| (from..to).contains(&at));
        let ink = match (is_answer, is_word) {
            (true, true) => Ink::AnswerWord,
            (true, false) => Ink::Answer,
            (false, true) => Ink::Word,
            (false, false) => Ink::Plain,
        };
        inked.push_char(c, ink);
    }
    inked
}

/// Characters at the beginning of a line that only say that it is a heading (`## `), as Markdown has it.
fn heading_sign(line: &[char]) -> usize {
    let signs = line.iter().take_while(|&&c| c == '#').count();
    if (1..=6).contains(&signs) && line.get(signs) == Some(&' ') {
        signs + 1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(inked: Inked) -> String {
        let mut into = String::new();
        inked.one_line().write(&mut into, "", None, false);
        into.trim_end().to_owned()
    }

    #[test]
    fn of_a_long_passage_what_stands_around_the_answer_is_shown() {
        let before = "前面的一句话说的是别的事情。".repeat(10);
        let answer = "答案在这里。";
        let after = "后面的一句话说的也是别的事情。".repeat(10);
        let start = before.chars().count() as u32;
        let hit = Hit {
            text: format!("{before}{answer}{after}"),
            best_sentence: Some(Span { start, end: start + 6 }),
            ..Hit::default()
        };
        let excerpt = shown(excerpt(&hit, false));
        assert!(
            excerpt.starts_with("……前面的") && excerpt.ends_with("事情。……"),
            "{excerpt}"
        );
        // It stands above that.
        assert!(!excerpt.contains(answer) && excerpt.chars().count() < 150, "{excerpt}");
        assert!(excerpt.contains("事情。……后面的"), "{excerpt}");
        assert_eq!(shown(headline(&hit, false).0), answer);
        assert_eq!(shown(marked(&hit, false)), hit.text);
    }

    #[test]
    fn what_stands_before_the_answer_is_shown_from_where_it_begins() {
        let long = "这一句".repeat(20) + "到这里才完。";
        let hit = Hit {
            text: format!("{}{long}答。{}", "更前面的一句。".repeat(20), "后面的一句。".repeat(20)),
            best_sentence: Some(Span { start: 206, end: 208 }),
            ..Hit::default()
        };
        let excerpt = shown(excerpt(&hit, false));
        assert!(excerpt.starts_with(&format!("……{long}……后面的")), "{excerpt}");
    }

    #[test]
    fn the_sign_of_a_heading_is_not_shown() {
        let check = |text: &str, expected: &str| {
            let hit = Hit {
                text: text.into(),
                ..Hit::default()
            };
            assert_eq!(shown(marked(&hit, false)), expected);
        };
        check("## 材料\n带身份证。", "材料 带身份证。");
        check("前文。\n###### 材料", "前文。 材料");
        check("#医保# 一段", "#医保# 一段");
        check("####### 七个", "####### 七个");
    }

    #[test]
    fn without_an_answer_the_title_is_first_then_the_beginning() {
        let check = |title: &str, text: &str, expected: (&str, bool)| {
            let hit = Hit {
                title: title.into(),
                text: text.into(),
                // Of another text, as a broken service might send it.
                best_sentence: Some(Span { start: 5, end: 900 }),
                ..Hit::default()
            };
            let (first, is_title) = headline(&hit, false);
            assert_eq!((shown(first).as_str(), is_title), expected);
        };
        check("标题", "一段。", ("标题", true));
        check(" ", "一段。", ("一段。", false));
        check("", "", ("", false));
    }
}
