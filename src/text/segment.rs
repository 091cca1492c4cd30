//! Cuts normalised text into runs of one script and runs into words.
//!
//! Owns what counts as a character that can be searched for, and where a run ends. A run of Chinese characters goes
//! to jieba; a run of Latin letters and digits is one word. Never changes the text.

use std::ops::Range;

use jieba_rs::Jieba;

use super::number::is_numeral;
use super::quantity::Amount;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Ideographs and syllables written without spaces: words by dictionary, bigrams by character.
    Cjk,
    /// Letters and digits that make a word by standing together.
    Alphabetic,
}

/// A maximal stretch of one script in the normalised text (bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub range: Range<usize>,
    pub script: Script,
}

/// A word as the segmenter cut it; words tile their runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub range: Range<usize>,
    pub script: Script,
}

/// Characters written without spaces between words: ideographs, kana, hangul, bopomofo.
pub(super) fn is_cjk(character: char) -> bool {
    matches!(character,
        '\u{4e00}'..='\u{9fff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30fe}' | '\u{3105}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

/// The runs of a normalised text, in order. Everything that is a letter, a digit or an ideograph lies in one.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, first)) = characters.next() {
        let script = if is_cjk(first) {
            Script::Cjk
        } else if first.is_alphanumeric() {
            Script::Alphabetic
        } else {
            continue;
        };
        let mut end = start + first.len_utf8();
        while let Some(&(at, character)) = characters.peek() {
            let joins = match script {
                Script::Cjk => is_cjk(character),
                Script::Alphabetic => {
                    (character.is_alphanumeric() && !is_cjk(character))
                        || is_mark(character)
                        || is_inside_number(text.as_bytes(), start, at)
                }
            };
            if !joins {
                break;
            }
            end = at + character.len_utf8();
            characters.next();
        }
        runs.push(Run {
            range: start..end,
            script,
        });
    }
    runs
}

/// Whether the byte at `at` is the point of a decimal or the comma of a thousands group in the run begun at `start`.
fn is_inside_number(bytes: &[u8], start: usize, at: usize) -> bool {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let before = &bytes[start..at];
    match bytes[at] {
        // Two points make a version or a date, whose parts are worth finding by themselves.
        b'.' => {
            let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
            let more = at + 1 + digits(at + 1);
            digit(at + 1)
                && before.iter().all(|b| b.is_ascii_digit() || *b == b',')
                && !(bytes.get(more) == Some(&b'.') && digit(more + 1))
                && !(start > 1 && bytes[start - 1] == b'.' && digit(start - 2))
        }
        b',' => {
            let groups = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            let all = before.iter().all(|b| b.is_ascii_digit() || *b == b',');
            all && (1..=3).contains(&groups) && (1..=3).all(|i| digit(at + i)) && !digit(at + 4)
        }
        _ => false,
    }
}

/// The words of the runs, in order, tiling each run. A Chinese numeral among `amounts` stays whole: to the
/// dictionary 一万一 is 一 and 万一.
pub(super) fn words(jieba: &Jieba, text: &str, runs: &[Run], amounts: &[Amount], hmm: bool) -> Vec<Word> {
    let mut words = Vec::with_capacity(text.len() / 5 + 1);
    let mut numerals = amounts
        .iter()
        .map(|amount| amount.range.clone())
        .filter(|range| range.len() > 6 && text[range.clone()].chars().all(|c| !c.is_ascii() && is_numeral(c)))
        .peekable();
    for run in runs {
        let range = run.range.clone();
        if run.script == Script::Alphabetic {
            let script = Script::Alphabetic;
            words.push(Word { range, script });
            continue;
        }
        let mut start = range.start;
        while let Some(numeral) = numerals.next_if(|numeral| numeral.end <= range.end) {
            cut(jieba, text, start..numeral.start, hmm, &mut words);
            start = numeral.end;
            let script = Script::Cjk;
            words.push(Word { range: numeral, script });
        }
        cut(jieba, text, start..range.end, hmm, &mut words);
    }
    words
}

fn cut(jieba: &Jieba, text: &str, range: Range<usize>, hmm: bool, words: &mut Vec<Word>) {
    if range.is_empty() {
        return;
    }
    let base = range.start;
    words.extend(jieba.cut(&text[range], hmm).into_iter().map(|token| Word {
        range: base + token.byte_start..base + token.byte_end,
        script: Script::Cjk,
    }));
}

/// The dictionary words of two characters or more inside a word, by start and then length, the word itself excluded.
pub(super) fn sub_words(jieba: &Jieba, word: &str, mut found: impl FnMut(Range<usize>)) {
    // Most words have two characters and nothing inside.
    if word.len() <= 6 || word.chars().nth(2).is_none() {
        return;
    }
    let bounds: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    for from in 0..bounds.len() - 2 {
        for to in from + 2..bounds.len() {
            // Nothing in the dictionary is longer; without a limit a hostile run would cost its square.
            if to - from > LONGEST_SUB_WORD {
                break;
            }
            let range = bounds[from]..bounds[to];
            if range.len() < word.len() && jieba.has_word(&word[range.clone()]) {
                found(range);
            }
        }
    }
}

/// In characters.
const LONGEST_SUB_WORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_punctuation_and_at_a_change_of_script() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = runs(text).iter().map(|run| &text[run.range.clone()]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("医保,社保", &["医保", "社保"]);
        check("icu病房3间", &["icu", "病房", "3", "间"]);
        check("1,000.5元", &["1,000.5", "元"]);
        check("1,2,3", &["1", "2", "3"]);
        check("12,3456", &["12", "3456"]);
        check("2025.4.19", &["2025", "4", "19"]);
        check("3.5%", &["3.5"]);
        check("第3.", &["第", "3"]);
        check("covid-19 e5", &["covid", "19", "e5"]);
        check("東京タワー", &["東京タワー"]);
        check("...!?  ", &[]);
    }
}
