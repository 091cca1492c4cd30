//! Owns runs: for each question the ranked articles, written in the TREC format.
//!
//! A run's order is its ranking. Other tools throw the order away and sort by score: trec_eval by the score as a
//! 32-bit float, descending, ties by document id descending; ir_measures' `RR@k` by the score as a 64-bit float, ties
//! by id ascending. So what is written has strictly decreasing 32-bit scores. Only tests read runs, as trec_eval does.
//! Never measures anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files;

/// One place of a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The article's id.
    pub doc: String,
    /// Higher is better; finite.
    pub score: f64,
}

impl Ranked {
    /// A place of a ranking.
    pub fn new(doc: impl Into<String>, score: f64) -> Self {
        Ranked { doc: doc.into(), score }
    }
}

/// Rankings by question id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    by_query: BTreeMap<String, Vec<Ranked>>,
}

impl Run {
    /// Adds the ranking of one question, best first. The order is kept, whatever the scores say.
    ///
    /// # Errors
    /// `Caller` if the question is there already, an article stands twice, or a score is not finite.
    pub fn insert(&mut self, query: &str, ranking: Vec<Ranked>) -> Result<()> {
        if self.by_query.contains_key(query) {
            return Err(Error::caller(format!("the question `{query}` has a ranking already")));
        }
        let mut seen = BTreeSet::new();
        for ranked in &ranking {
            if !seen.insert(ranked.doc.as_str()) {
                return Err(
                    Error::caller(format!("`{}` stands twice in the ranking of `{query}`", ranked.doc))
                        .help("give each article its best passage's place only"),
                );
            }
            if !ranked.score.is_finite() {
                return Err(Error::caller(format!(
                    "the score of `{}` for `{query}` is {}",
                    ranked.doc, ranked.score
                )));
            }
        }
        self.by_query.insert(query.to_owned(), ranking);
        Ok(())
    }

    /// The ranking of a question, best first; empty if it has none.
    pub fn of(&self, query: &str) -> &[Ranked] {
        self.by_query.get(query).map_or(&[], Vec::as_slice)
    }

    /// Only the places that `keep(query, doc)` accepts; the others move up.
    #[must_use]
    pub fn restrict(&self, keep: impl Fn(&str, &str) -> bool) -> Run {
        let by_query = self
            .by_query
            .iter()
            .map(|(query, ranking)| {
                let kept = ranking.iter().filter(|ranked| keep(query, &ranked.doc));
                (query.clone(), kept.cloned().collect())
            })
            .collect();
        Run { by_query }
    }

    /// The run as `qid Q0 docid rank score tag` lines, questions by id, ranks from 1, scores strictly decreasing as
    /// 32-bit floats: where a score is not below the one before it, the next smaller float is written.
    ///
    /// # Errors
    /// `Caller` if an id or the tag is empty or has white space in it, which the format cannot hold.
    pub fn to_trec(&self, tag: &str) -> Result<String> {
        check_word("tag", tag)?;
        let mut text = String::new();
        for (query, ranking) in &self.by_query {
            check_word("question id", query)?;
            for (place, (ranked, score)) in ranking.iter().zip(decreasing(ranking)).enumerate() {
                check_word("article id", &ranked.doc)?;
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{query} Q0 {} {} {score} {tag}", ranked.doc, place + 1);
            }
        }
        Ok(text)
    }

    /// Writes [`Run::to_trec`] to a file, replacing what was there.
    ///
    /// # Errors
    /// As [`Run::to_trec`]; `Unavailable` if the file cannot be written.
    pub fn write(&self, path: &Path, tag: &str) -> Result<()> {
        let text = self.to_trec(tag)?;
        files::write_whole(path, "the run", |file| file.write_all(text.as_bytes()))
    }
}

/// The scores as strictly decreasing finite 32-bit floats, changed as little as that allows.
fn decreasing(ranking: &[Ranked]) -> Vec<f32> {
    let mut scores: Vec<f32> = Vec::with_capacity(ranking.len());
    for ranked in ranking {
        let score = ranked.score as f32;
        scores.push(match scores.last() {
            Some(before) if score >= *before => before.next_down(),
            _ => score,
        });
    }
    if scores.iter().all(|score| score.is_finite()) {
        return scores;
    }
    // Only scores near the ends of what a float holds come here; their sizes mean nothing any more, the order does.
    (0..ranking.len()).map(|place| (ranking.len() - place) as f32).collect()
}

fn check_word(what: &str, word: &str) -> Result<()> {
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Err(Error::caller(format!(
            "the {what} `{word}` is empty or has white space, which a TREC run cannot hold"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::fs;

    use super::super::dataset::for_each_line;
    use super::*;
    use crate::error::Fault;

    impl Run {
        /// Reads `qid Q0 docid rank score tag` lines. As for trec_eval the rank column says nothing: a ranking is
        /// sorted by score as a 32-bit float, descending, then by id, descending.
        ///
        /// # Errors
        /// `Missing` if there is no such file; `Caller`, naming the line, for a line without six fields, a score that
        /// is no finite number, or an article that was ranked before.
        pub fn read(path: &Path) -> Result<Self> {
            let mut by_query: BTreeMap<String, Vec<Ranked>> = BTreeMap::new();
            let mut seen: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
            for_each_line(path, |number, line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let [query, _, doc, _, score, _] = fields[..] else {
                    return Err(Error::caller(format!(
                        "expected `qid Q0 docid rank score tag`, found {} fields",
                        fields.len()
                    )));
                };
                let finite = score.parse::<f64>().ok().filter(|score| (*score as f32).is_finite());
                let Some(score) = finite else {
                    return Err(Error::caller(format!("the score `{score}` is not a finite number")));
                };
                let lines = seen.entry(query.to_owned()).or_default();
                if let Some(before) = lines.insert(doc.to_owned(), number) {
                    return Err(Error::caller(format!(
                        "`{doc}` was already ranked for `{query}` in line {before}"
                    )));
                }
                by_query
                    .entry(query.to_owned())
                    .or_default()
                    .push(Ranked::new(doc, score));
                Ok(())
            })?;
            for ranking in by_query.values_mut() {
                // `+ 0.0` makes one zero of the two, which `total_cmp` would tell apart and C's `<` does not.
                let key = |ranked: &Ranked| ranked.score as f32 + 0.0;
                ranking.sort_by(|a, b| key(b).total_cmp(&key(a)).then_with(|| b.doc.cmp(&a.doc)));
            }
            Ok(Run { by_query })
        }
    }

    fn run_of(scores: &[f64]) -> Run {
        let mut run = Run::default();
        let ranking = scores
            .iter()
            .enumerate()
            .map(|(i, score)| Ranked::new(format!("d{i}"), *score))
            .collect();
        run.insert("q", ranking).unwrap();
        run
    }

    fn through_file(text: &str) -> Result<Run> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Run::read(file.path())
    }

    #[test]
    fn reads_as_trec_eval_sorts() {
        let run = through_file(
            "q Q0 a 1 1.0 t\nq Q0 c 9 2 t\nq Q0 b 3 1.0 t\nq Q0 x 3 1.00000000001 t\r\n\nq Q0 m 1 -0.0 t\nq Q0 n 1 0 t\n",
        )
        .unwrap();
        let docs: Vec<&str> = run.of("q").iter().map(|ranked| ranked.doc.as_str()).collect();
        assert_eq!(docs, ["c", "x", "b", "a", "n", "m"]);
        assert!(run.of("other").is_empty());
    }

    #[test]
    fn writes_ranks_from_one_and_breaks_ties_downwards() {
        assert_eq!(
            run_of(&[2.0, 1.0, 1.0]).to_trec("baowen").unwrap(),
            "q Q0 d0 1 2 baowen\nq Q0 d1 2 1 baowen\nq Q0 d2 3 0.99999994 baowen\n"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, part: &str| {
            let message = through_file(text).expect_err(text).message().to_owned();
            assert!(message.contains(part), "`{part}` is not in `{message}`");
        };
        check("q Q0 d 1 2 t\nq Q0 d 2", "line 2: expected");
        check("q Q0 d 1 high t", "line 1: the score `high`");
        check("q Q0 d 1 NaN t", "line 1: the score `NaN`");
        check("q Q0 d 1 1e300 t", "line 1: the score `1e300`");
        check(
            "q Q0 d 1 2 t\nq Q0 e 1 2 t\nq Q0 d 1 1 t",
            "line 3: `d` was already ranked for `q` in line 1",
        );
        assert_eq!(Run::read(Path::new("no/such/run")).unwrap_err().fault(), Fault::Missing);

        let mut run = Run::default();
        assert!(run.insert("q", vec![Ranked::new("d", f64::NAN)]).is_err());
        assert!(
            run.insert("q", vec![Ranked::new("d", 1.0), Ranked::new("d", 0.0)])
                .is_err()
        );
        run.insert("q", vec![Ranked::new("两 字", 1.0)]).unwrap();
        assert!(run.insert("q", vec![]).is_err());
        assert!(run.to_trec("t").is_err());
        assert!(Run::default().to_trec("").is_err());
    }

    proptest! {
        /// Whatever the scores, what is written reads back in the same order, by trec_eval's rule and by 64-bit scores.
        #[test]
        fn order_survives_writing(
            scores in proptest::collection::vec(
                prop_oneof![Just(0.0), Just(-0.0), Just(1.0), Just(f64::MAX), Just(f64::MIN), -2.0..2.0f64], 0..40)
        ) {
            let run = run_of(&scores);
            let text = run.to_trec("t").unwrap();
            let docs = |run: &Run| run.of("q").iter().map(|ranked| ranked.doc.clone()).collect::<Vec<_>>();
            let back = through_file(&text).unwrap();
            prop_assert_eq!(docs(&run), docs(&back));
            let scores: Vec<f64> = back.of("q").iter().map(|ranked| ranked.score).collect();
            prop_assert!(scores.windows(2).all(|pair| pair[0] > pair[1]));
        }
    }
}
