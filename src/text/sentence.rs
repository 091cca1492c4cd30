//! Splits a text into sentences by its punctuation and lines.
//!
//! Works on the original text, so that the ranges can be shown as they are. Never splits inside a number, a date or a
//! Latin abbreviation, and never leaves a closing quote or bracket to begin a sentence.

use std::ops::Range;

use super::marker::{MarkerStyle, is_count, list_marker};

/// The sentences of a text: byte ranges in order, on character boundaries, without white space at either end. Every
/// character that is not white space lies in exactly one. A text without sentence ends is one sentence.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::with_capacity(text.len() / 64 + 1);
    let mut start = 0;
    let mut next = 0;
    let mut before = None;
    loop {
        // Between ideographs nothing ends and nothing begins.
        if !before.is_some_and(is_apart) {
            let run = ideographs_until(text, next);
            if run > next {
                before = Some(AN_IDEOGRAPH);
                next = run;
            }
        }
        let at = next;
        let Some(character) = text[at..].chars().next() else {
            break;
        };
        next += character.len_utf8();
        if begins_item(text, at, before) {
            close(text, start..at, &mut found);
            start = at;
        }
        before = Some(character);
        if matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}') {
            close(text, start..at, &mut found);
            start = at;
            continue;
        }
        if !ends(text, at, character) {
            continue;
        }
        while let Some(follower) = text[next..].chars().next() {
            if !(is_end(follower) || is_closer(follower)) {
                break;
            }
            next += follower.len_utf8();
            before = Some(follower);
        }
        close(text, start..next, &mut found);
        start = next;
    }
    close(text, start..text.len(), &mut found);
    found
}

/// What stands for all ideographs where only others matter.
const AN_IDEOGRAPH: char = '保';

/// Where the stretch of ideographs ends that begins at `at`: three bytes each, U+4000 to U+9FFF.
fn ideographs_until(text: &str, mut at: usize) -> usize {
    while let Some(0xe4..=0xe9) = text.as_bytes().get(at) {
        at += 3;
    }
    at
}

/// Files a stretch as a sentence, unless it is only white space. Punctuation left over joins the sentence before.
fn close(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let part = &text[range.clone()];
    let trimmed = part.trim();
    if trimmed.is_empty() {
        return;
    }
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + trimmed.len();
    match found.last_mut() {
        Some(last) if !trimmed.chars().any(is_letter) => last.end = end,
        _ => found.push(start..end),
    }
}

/// Whether it is a letter, a digit or an ideograph; of the last those in use are told without the tables of Unicode.
fn is_letter(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fa5}') || character.is_alphanumeric()
}

fn is_end(character: char) -> bool {
    matches!(
        character,
        '。' | '！' | '？' | '!' | '?' | '；' | ';' | '｡' | '．' | '…'
    )
}

fn is_closer(character: char) -> bool {
    matches!(
        character,
        '”' | '’' | '"' | '\'' | '」' | '』' | '）' | ')' | '】' | '》' | '〉' | ']' | '］' | '〕'
    )
}

fn ends(text: &str, at: usize, character: char) -> bool {
    let mut after = text[at + character.len_utf8()..].chars();
    let next = after.next();
    match character {
        // An ellipsis ends a sentence only where a line or a quotation ends too; 等…… goes on.
        '…' => next.is_none_or(|next| next == '\n' || is_closer(next)),
        '．' | '.' => {
            let before = text[..at].chars().next_back();
            let digit_before = before.is_some_and(char::is_numeric);
            let letter_alone = before.is_some_and(|c| c.is_ascii_alphabetic())
                && text[..at].chars().nth_back(1).is_none_or(|c| !c.is_alphanumeric());
            let apart = next.is_none_or(|next| next.is_whitespace() || is_closer(next));
            // 保险.但是: a full stop typed on a Latin keyboard between two Chinese characters.
            let between = before.is_some_and(is_ideograph) && next.is_some_and(is_ideograph);
            between || (apart && !digit_before && !letter_alone)
        }
        // An HTML entity that escaped the reader is no place to stop.
        ';' => !text[..at].rfind('&').is_some_and(|from| {
            at - from <= 8
                && text[from + 1..at]
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'#')
        }),
        _ => is_end(character),
    }
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}')
}

/// Whether an item of a list may begin behind this.
fn is_apart(before: char) -> bool {
    before.is_whitespace() || matches!(before, ':' | '：' | ',' | '，')
}

/// Whether an item of a list begins here: `1.`, `2、`, `三、`, `(3)`, `（四）`, `①` behind white space, a colon or a comma.
fn begins_item(text: &str, at: usize, before: Option<char>) -> bool {
    let Some(before) = before.filter(|&before| is_apart(before)) else {
        return false;
    };
    let Some(marker) = list_marker(&text[at..]) else {
        return false;
    };
    // A comma before one is more likely a sum than a list.
    let listed = !matches!(before, ',' | '，');
    let count = marker.number.chars().count();
    let next = marker.rest.chars().next();
    match marker.style {
        MarkerStyle::Circled => true,
        MarkerStyle::Bracketed => listed && count <= 2,
        // 1.5 is a number, `1. ` and `1.医保` are items.
        MarkerStyle::Plain if marker.is_arabic() => listed && count <= 2 && next.is_some_and(|c| !c.is_ascii_digit()),
        // 一、 begins an item, 二、三级医院 does not.
        MarkerStyle::Plain => {
            let item = next.is_some_and(|c| !is_count(c) && !c.is_whitespace());
            listed && marker.is_chinese() && count <= 3 && marker.close == '、' && item
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sentences_end_where_readers_stop() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "可以报销。比例是70%！真的？！",
            &["可以报销。", "比例是70%！", "真的？！"],
        );
        check("他说：“可以。”然后走了。", &["他说：“可以。”", "然后走了。"]);
        check(
            "缴费3.5元，日期2025.4.19；结束",
            &["缴费3.5元，日期2025.4.19；", "结束"],
        );
        check("第一行\n第二行\r\n\r\n第三行", &["第一行", "第二行", "第三行"]);
        check(
            "步骤如下：1. 打开小程序 2. 点击转移",
            &["步骤如下：", "1. 打开小程序", "2. 点击转移"],
        );
        check(
            "条件：（一）满18岁；（二）有户口。",
            &["条件：", "（一）满18岁；", "（二）有户口。"],
        );
        check(
            "如下: 一、线上 微信。 二、线下",
            &["如下:", "一、线上 微信。", "二、线下"],
        );
        check(
            "在 二、三级医院就医,一、二线城市",
            &["在 二、三级医院就医,一、二线城市"],
        );
        check("条件: ①满18岁，②有户口", &["条件:", "①满18岁，", "②有户口"]);
        check("可以的.但是要排队.", &["可以的.", "但是要排队."]);
        check("Yes. It is e.g. J. Smith.", &["Yes.", "It is e.g. J. Smith."]);
        check("A&nbsp;B", &["A&nbsp;B"]);
        check("好的……不过", &["好的……不过"]);
        check("没有标点", &["没有标点"]);
        check("。。。", &["。。。"]);
        check("  ", &[]);
        check("", &[]);
    }

    /// Character by character.
    fn plain(text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = 0;
        let mut characters = text.char_indices().peekable();
        let mut before = None;
        while let Some((at, character)) = characters.next() {
            if begins_item(text, at, before) {
                close(text, start..at, &mut found);
                start = at;
            }
            before = Some(character);
            if matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}') {
                close(text, start..at, &mut found);
                start = at;
                continue;
            }
            if !ends(text, at, character) {
                continue;
            }
            let mut end = at + character.len_utf8();
            while let Some((next, follower)) = characters.next_if(|(_, c)| is_end(*c) || is_closer(*c)) {
                end = next + follower.len_utf8();
                before = Some(follower);
            }
            close(text, start..end, &mut found);
            start = end;
        }
        close(text, start..text.len(), &mut found);
        found
    }

    #[test]
    fn letters_are_told_alike() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            assert_eq!(is_letter(character), character.is_alphanumeric(), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn ideographs_are_stepped_over(text in "(\\PC|[。！？；.;1-3①（）(一)三四：，,、”\n ：医保䷀㐀&]){0,60}") {
            prop_assert_eq!(sentences(&text), plain(&text));
        }

        #[test]
        fn every_visible_character_lies_in_one_sentence(text in "(\\PC|[。！？；.;1-3①（）(一)”\n ：医保&]){0,60}") {
            let ranges = sentences(&text);
            let mut last = 0;
            for range in &ranges {
                prop_assert!(range.start >= last && range.start < range.end);
                prop_assert!(text[last..range.start].trim().is_empty());
                prop_assert!(text[range.clone()].trim() == &text[range.clone()]);
                last = range.end;
            }
            prop_assert!(text[last..].trim().is_empty());
        }
    }
}
