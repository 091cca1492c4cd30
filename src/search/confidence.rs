//! How likely it is that something in the collection answers the question.
//!
//! A logistic function of four exact measures: the highest cosine of any candidate, the largest share of the question's
//! bigram mass that one of the first hits holds, and whether the place and the year asked for are missing from the
//! first hits. `baowen tune` fits it on judged questions against questions that nothing there answers. Cosines of
//! another model mean something else, so for any other model there is no such number.

use super::sentence::{asks_for_measure, is_keywords};
use crate::index::{Evidence, LexicalQuery};
use crate::profile::AnswerableCurve;
use crate::text::Normalized;

/// How many of the first hits are looked at for shared words.
pub const FIRST: usize = 5;

/// How many of the first hits are looked at for the place and the year.
pub const FIRST_GATED: usize = 10;

/// What the chance is computed from: cosine, coverage, and 1 or 0 for a missing place and a missing year.
pub type Signs = [f32; 4];

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

    /// Whether none of the first hits is about the place, where one must be.
    pub fn place_missing<'a>(self, hits: impl Iterator<Item = &'a Evidence>) -> bool {
        self.place && !hits.take(FIRST_GATED).any(|evidence| evidence.locality >= 1.0)
    }

    /// Whether none of the first hits is about the year, where one must be. One that is about another place does not
    /// count, nor one that says no place where it must be about both.
    pub fn year_missing<'a>(self, hits: impl Iterator<Item = &'a Evidence>) -> bool {
        let least = if self.place { 1.0 } else { 0.0 };
        let is_there = |evidence: &Evidence| evidence.locality >= least;
        let mut first = hits.take(FIRST_GATED);
        self.year && !first.any(|evidence| evidence.timeliness >= 1.0 && is_there(evidence))
    }
}

/// The signs of a question: the highest cosine among `all` candidates, the largest bigram coverage among the best
/// passages of the first hits (the first [`FIRST`] of `hits` count), and what the gates say of them.
pub fn signs<'a>(
    gates: Gates,
    all: impl Iterator<Item = &'a Evidence>,
    hits: impl Iterator<Item = &'a Evidence> + Clone,
) -> Signs {
    let cosine = all.map(|evidence| evidence.cosine).fold(0.0, f32::max);
    let first = hits.clone().take(FIRST);
    let coverage = first.map(|evidence| evidence.bigram_coverage).fold(0.0, f32::max);
    let sign = |missing: bool| f32::from(u8::from(missing));
    let place = sign(gates.place_missing(hits.clone()));
    [cosine, coverage, place, sign(gates.year_missing(hits))]
}

/// The chance that the question is answered, 0 to 1.
pub fn chance(curve: &AnswerableCurve, [cosine, coverage, place, year]: Signs) -> f32 {
    let gates = curve.place_missing * place + curve.year_missing * year;
    1.0 / (1.0 + (-(curve.cosine * cosine + curve.coverage * coverage + gates + curve.bias)).exp())
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
        let here = |locality, timeliness| Evidence {
            locality,
            timeliness,
            ..Evidence::default()
        };
        let check = |question: &str, hits: &[Evidence], expected: [f32; 2]| {
            let query = LexicalQuery {
                regions: analyzer.regions(question),
                years: analyzer.years(question, None),
                ..LexicalQuery::default()
            };
            let [.., place, year] = signs(Gates::of(question, &query), [].iter(), hits.iter());
            assert_eq!([place, year], expected, "{question}");
        };
        let (same, other, none) = (here(1.0, 1.0), here(-1.0, -1.0), here(0.0, 0.0));
        check("上海2024年社保基数多少", &[other, none], [1.0, 1.0]);
        check("上海2024年社保基数多少", &[other, same], [0.0, 0.0]);
        check("上海2024年社保基数多少", &[here(1.0, 0.0), here(0.0, 1.0)], [0.0, 1.0]);
        check("上海社保基数多少", &[here(0.3, 0.0)], [1.0, 0.0]);
        check("2024年社保基数多少", &[none], [0.0, 1.0]);
        check("上海社保怎么转出", &[other], [0.0, 0.0]);
        check("上海2024社保", &[here(1.0, 0.0), here(-1.0, 1.0)], [0.0, 1.0]);
        check("上海2024社保", &[here(0.0, 1.0)], [0.0, 0.0]);
        check("上海2024社保怎么转出", &[other], [0.0, 0.0]);
        check("社保基数多少", &[none], [0.0, 0.0]);
        check("上海社保基数多少", &[&[other; 10][..], &[same]].concat(), [1.0, 0.0]);
        check("上海社保基数多少", &[], [1.0, 0.0]);
    }
}
