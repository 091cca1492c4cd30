//! What is looked for in sentences, and what each one holds of it.
//!
//! Owns the one pass over a sentence that finds the question's terms and the signs of an answer; weighs nothing.

use super::super::phrases::Phrases;
use super::question::Kind;
use super::terms::Weighted;
use crate::text::before_number;

/// How much a hint counts, where a phrase that tells counts 1.
const HINT: f32 = 0.4;
/// How much a single phrase that tells counts where one alone may be chance (a list of papers).
const ONE_OF_SEVERAL: f32 = 0.7;
/// How much counts what the heading above tells.
const TELLING_HEADING: f32 = 0.5;

/// What is looked for in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// A term of the question, by its place in `weights`.
    Term(usize),
    /// Of the kind at this place in `kinds`: it tells.
    Tell(usize),
    /// It tells if a number stands before it.
    Unit(usize),
    /// A digit: it tells if enough others follow.
    Digit(usize),
    /// It may tell.
    Hint(usize),
}

/// Everything that is looked for.
pub(super) struct Signs {
    kinds: Vec<&'static Kind>,
    /// All phrases, sorted, and what each is a sign of.
    phrases: Phrases,
    signs: Vec<Sign>,
}

/// What one sentence holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    /// Distinct terms.
    pub terms: &'a [usize],
    /// How well each kind's thing is there, 0 to 1.
    pub telling: &'a [f32],
}

/// What the sentences of a passage hold.
pub(super) struct Contents {
    /// How many kinds there are.
    kinds: usize,
    /// For each sentence where its terms end in `terms`.
    ends: Vec<usize>,
    terms: Vec<usize>,
    telling: Vec<f32>,
    /// For each sign the last sentence (from 1) that it was seen in.
    seen: Vec<usize>,
    /// How many phrases tell of each kind in the sentence that is being read.
    tells: Vec<u32>,
}

impl Signs {
    pub fn new(terms: &[Weighted], kinds: Vec<&'static Kind>) -> Self {
        let mut signs: Vec<(&str, Sign)> = Vec::new();
        for (at, (term, _)) in terms.iter().enumerate() {
            signs.push((term, Sign::Term(at)));
        }
        for (at, kind) in kinds.iter().enumerate() {
            let mut add = |phrases: &[&'static str], sign: Sign| signs.extend(phrases.iter().map(|&p| (p, sign)));
            add(&kind.tells, Sign::Tell(at));
            add(&kind.units, Sign::Unit(at));
            add(&kind.hints, Sign::Hint(at));
            if kind.digits.is_some() {
                add(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], Sign::Digit(at));
            }
        }
        signs.retain(|(phrase, _)| !phrase.is_empty());
        signs.sort_unstable();
        Signs {
            kinds,
            phrases: Phrases::new(signs.iter().map(|(phrase, _)| *phrase)),
            signs: signs.into_iter().map(|(_, sign)| sign).collect(),
        }
    }

    /// Whether the question's first kind wants the thing itself in its answer.
    pub fn exact(&self) -> bool {
        self.kinds.first().is_some_and(|kind| kind.exact)
    }

    /// Whether the question's first kind is answered by a list.
    pub fn list(&self) -> bool {
        self.kinds.first().is_some_and(|kind| kind.list)
    }

    /// What so many sentences hold, before any is read.
    pub fn nothing_read(&self, sentences: usize) -> Contents {
        Contents {
            kinds: self.kinds.len(),
            ends: Vec::with_capacity(sentences),
            terms: Vec::with_capacity(4 * sentences),
            telling: Vec::with_capacity(self.kinds.len() * sentences),
            seen: vec![0; self.signs.len()],
            tells: vec![0; self.kinds.len()],
        }
    }

    /// All signs in a normalised line, in one pass; `body` is where its list marker ends: a number that only counts the
    /// items of a list tells nothing.
    pub fn read(&self, line: &str, body: usize, into: &mut Contents) {
        let sentence = into.ends.len() + 1;
        let kinds = into.telling.len();
        into.telling.resize(kinds + into.kinds, 0.0);
        into.tells.fill(0);
        self.phrases.each(line, |at, number| {
            if into.seen[number] == sentence {
                return;
            }
            let told = match self.signs[number] {
                Sign::Term(term) => {
                    into.seen[number] = sentence;
                    into.terms.push(term);
                    return;
                }
                _ if at < body => return,
                Sign::Hint(kind) => {
                    into.seen[number] = sentence;
                    let telling = &mut into.telling[kinds + kind];
                    *telling = telling.max(HINT);
                    return;
                }
                Sign::Tell(kind) => Some(kind),
                Sign::Unit(kind) => {
                    let unit = self.phrases.get(number);
                    is_counted(&line[body..at], unit, self.kinds[kind]).then_some(kind)
                }
                Sign::Digit(kind) => {
                    let run = line[at..].bytes().take_while(u8::is_ascii_digit).count();
                    self.kinds[kind]
                        .digits
                        .is_some_and(|least| run >= least)
                        .then_some(kind)
                }
            };
            if let Some(kind) = told {
                into.seen[number] = sentence;
                into.tells[kind] += 1;
            }
        });
        let telling = into.telling[kinds..].iter_mut();
        for ((telling, tells), kind) in telling.zip(&into.tells).zip(&self.kinds) {
            *telling = match tells {
                0 => *telling,
                1 if kind.several => ONE_OF_SEVERAL,
                _ => 1.0,
            };
        }
        into.ends.push(into.terms.len());
    }
}

impl Contents {
    /// What this sentence holds.
    pub fn of(&self, sentence: usize) -> Content<'_> {
        let start = sentence.checked_sub(1).map_or(0, |before| self.ends[before]);
        Content {
            terms: &self.terms[start..self.ends[sentence]],
            telling: &self.telling[sentence * self.kinds..(sentence + 1) * self.kinds],
        }
    }

    /// How many sentences were read.
    pub fn sentences(&self) -> usize {
        self.ends.len()
    }

    /// The terms of all sentences, in order, each once a sentence.
    pub fn terms(&self) -> &[usize] {
        &self.terms
    }
}

/// How well a sentence tells what is asked, by itself and by its heading, 0 to 1.2.
pub(super) fn telling(content: Content, heading: Option<Content>) -> f32 {
    let mut best = 0.0f32;
    for (kind, &own) in content.telling.iter().enumerate().filter(|(_, own)| **own > 0.0) {
        let above = heading.map_or(0.0, |heading| heading.telling[kind]);
        best = best.max((own + TELLING_HEADING * above).min(1.2));
    }
    best
}

/// Whether a number stands at the end of `before`: 3个月, 20 日; but no date where a length of time is asked for.
fn is_counted(before: &str, unit: &str, kind: &Kind) -> bool {
    let before = before.trim_end();
    let counted = before.strip_suffix('个').and_then(before_number);
    let Some(rest) = counted.or_else(|| before_number(before)) else {
        return false;
    };
    match unit {
        // 〔2020〕10号 and 第10号 name documents.
        "号" => !rest.trim_end().ends_with([']', '〕', ')', '】', '第']),
        _ if !kind.length => true,
        "年" => before.len() - rest.len() != 4,
        "日" => !rest.trim_end().ends_with('月'),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::question::kinds;
    use super::*;

    #[test]
    fn numbers_before_units_are_told_from_dates() {
        let check = |before: &str, unit: &str, question: &str, expected: bool| {
            let kind = kinds(question)[0];
            assert_eq!(
                is_counted(before, unit, kind),
                expected,
                "{before}{unit} for {question}"
            );
        };
        check("等3个", "月", "几号", true);
        check("5月10", "号", "几号", true);
        check("穗府办规〔2020〕10", "号", "什么时候", false);
        check("第10", "号", "什么时候", false);
        check("需 20 ", "日", "多久", true);
        check("三十", "日", "多久", true);
        check("11月30", "日", "多久", false);
        check("2025", "年", "多久", false);
        check("满15", "年", "多久", true);
        check("每", "日", "多久", false);
        check("一个", "工作日", "多久", true);
        check("这个", "工作日", "多久", false);
        check("", "日", "多久", false);
    }
}
