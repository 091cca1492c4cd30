//! How likely it is that something in the collection answers the question.
//!
//! A logistic function of five measures: the highest cosine of any candidate, the largest share of the question's
//! bigram mass that one of the first hits holds, whether the place and the year asked for are missing from the first
//! hits, and the highest cosine of any of their sentences (of 2 bits a value; all else is exact). `baowen tune` fits it
//! on judged questions against questions that nothing there answers. Cosines of another model mean something else, so
//! for any other model there is no such number.

use super::missing::{Standing, place_is_met, year_is_met};
use super::sentence::{asks_for_measure, is_keywords};
use crate::index::{Evidence, LexicalQuery};
use crate::profile::AnswerableCurve;
use crate::text::Normalized;

/// How many of the first hits are looked at for shared words.
pub const FIRST: usize = 5;

/// What the chance is computed from: cosine, coverage, 1 or 0 for a missing place and a missing year, and the cosine of
/// a sentence.
pub type AnswerableSigns = [f32; 5];

/// Below this chance the answer is probably not in the collection. What each of the two bounds catches and loses on
/// every set that was measured stands in the README.
pub const UNLIKELY: f32 = 0.3;
/// Below this chance it is not sure that the answer is there.
pub const UNSURE: f32 = 0.6;

/// A chance of an answer as it is told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to be said: the answer should be there.
    Likely,
    /// Less than [`UNSURE`].
    Unsure,
    /// Less than [`UNLIKELY`].
    Unlikely,
}

impl Verdict {
    /// Of a chance of 0 to 1.
    pub fn of(chance: f32) -> Verdict {
        match chance {
            chance if chance < UNLIKELY => Verdict::Unlikely,
            chance if chance < UNSURE => Verdict::Unsure,
            _ => Verdict::Likely,
        }
    }
}

/// Whether an answer must be about the place and about the year that the question names: where it asks for an amount, a
/// duration or a standard; about the year also where it asks nothing and is keywords. Most other questions name one in
/// passing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gates {
    /// About the place.
    pub place: bool,
    /// About the year.
    pub year: bool,
}

impl Gates {
    /// Those of a question.
    pub fn of(question: &str, query: &LexicalQuery) -> Self {
        let names = !query.regions.is_empty() || !query.years.is_empty();
        if !names {
            return Gates::default();
        }
        let question = Normalized::new(question).text;
        let gated = asks_for_measure(&question);
        Gates {
            place: gated && !query.regions.is_empty(),
            year: (gated || is_keywords(&question)) && !query.years.is_empty(),
        }
    }
}

/// The signs of a question: the highest cosine among `all` candidates, the largest bigram coverage among the best
/// passages of the first hits (the first [`FIRST`] of `hits` count), and whether the place and the year that an answer
/// must be about are missing from the first hits; `sentence` is the highest cosine of their sentences.
pub(super) fn signs<'a>(
    gates: Gates,
    all: impl Iterator<Item = &'a Evidence>,
    hits: impl Iterator<Item = &'a Evidence>,
    first: &[Standing],
    sentence: f32,
) -> AnswerableSigns {
    let cosine = all.map(|evidence| evidence.cosine).fold(0.0, f32::max);
    let coverage = hits
        .take(FIRST)
        .map(|evidence| evidence.bigram_coverage)
        .fold(0.0, f32::max);
    let sign = |missing: bool| f32::from(u8::from(missing));
    let place = gates.place && !place_is_met(first);
    let year = gates.year && !year_is_met(first, gates.place);
    [cosine, coverage, sign(place), sign(year), sentence]
}

/// The chance that the question is answered, 0 to 1.
pub fn chance(curve: &AnswerableCurve, [cosine, coverage, place, year, sentence]: AnswerableSigns) -> f32 {
    let gates = curve.place_missing * place + curve.year_missing * year;
    let meaning = curve.cosine * cosine + curve.sentence * sentence;
    1.0 / (1.0 + (-(meaning + curve.coverage * coverage + gates + curve.bias)).exp())
}

/// A chance where the answer says that something asked for is missing: it is never sure then. The order of such chances
/// stays, and what was unlikely, or not, is so still.
pub fn at_most_unsure(chance: f32) -> f32 {
    if chance < UNLIKELY {
        return chance;
    }
    UNLIKELY + 0.999 * (UNSURE - UNLIKELY) * (chance - UNLIKELY) / (1.0 - UNLIKELY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Analyzer;

    #[test]
    fn a_chance_is_told_in_three_words() {
        for (chance, expected) in [
            (0.0, Verdict::Unlikely),
            (UNLIKELY, Verdict::Unsure),
            (UNSURE, Verdict::Likely),
            (1.0, Verdict::Likely),
        ] {
            assert_eq!(Verdict::of(chance), expected, "{chance}");
        }
    }

    #[test]
    fn a_place_or_a_year_is_missed_only_where_an_answer_depends_on_it() {
        let analyzer = Analyzer::new().unwrap();
        let check = |question: &str, expected: [f32; 2]| {
            let query = LexicalQuery {
                regions: analyzer.regions(question),
                years: analyzer.years(question, None),
                ..LexicalQuery::default()
            };
            let [.., place, year, _] = signs(Gates::of(question, &query), [].iter(), [].iter(), &[], 0.5);
            assert_eq!([place, year], expected, "{question}");
        };
        check("上海2024年社保基数多少", [1.0, 1.0]);
        check("上海社保基数多少", [1.0, 0.0]);
        check("2024年社保基数多少", [0.0, 1.0]);
        check("上海社保怎么转出", [0.0, 0.0]);
        check("上海2024社保", [0.0, 1.0]);
        check("上海2024社保怎么转出", [0.0, 0.0]);
        check("社保基数多少", [0.0, 0.0]);
        assert!(at_most_unsure(1.0) < UNSURE && at_most_unsure(0.9) < at_most_unsure(1.0));
        assert_eq!((at_most_unsure(0.2), at_most_unsure(UNLIKELY)), (0.2, UNLIKELY));
    }
}
