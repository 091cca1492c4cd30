//! Candidates by words and by meaning, side by side. Where one of the two cannot be had (no model, an engine of which
//! one half does not answer) the answer is made of the other and says so; what is found is scored elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::question_vectors::QuestionVectors;
use super::reading::QuestionReading;
use super::request::Mode;
use super::response::{Lack, Timings};
use crate::compute::{Budget, UnderWay};
use crate::error::{Error, Result};
use crate::index::{About, Asked, Candidate};

/// What both retrievers found, and why one of them may be missing.
pub struct Retrieved {
    /// How many were asked for by each; an engine whose own scores may err gives more.
    pub depth: usize,
    /// By words.
    pub lexical: Vec<Candidate>,
    /// By meaning.
    pub dense: Vec<Candidate>,
    /// The question's vector, if it has one.
    pub vector: Option<Arc<[f32]>>,
    /// Why the answer will be less than asked for.
    pub lacking: MissingHalves,
}

impl Retrieved {
    /// Whether there was an answer by meaning.
    fn has_meaning(&self) -> bool {
        self.vector.is_some() && self.lacking.meaning.is_none()
    }

    /// Takes the question's vector and what was found by it; fails where what failed is no passing failure.
    fn take_meaning(&mut self, vector: Result<Arc<[f32]>, String>, found: Result<Vec<Candidate>>) -> Result<()> {
        match vector {
            Ok(vector) => self.vector = Some(vector),
            Err(why) => self.lacking.vector = Some(why),
        }
        match found {
            Ok(found) => self.dense = found,
            Err(error) if error.is_passing() => self.lacking.meaning = Some(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes what was found by words; fails where nothing is left to answer by, or it is no passing failure.
    fn take_words(&mut self, found: Result<Vec<Candidate>>) -> Result<()> {
        match found {
            Ok(found) => self.lexical = found,
            Err(error) if self.has_meaning() && error.is_passing() => self.lacking.words = Some(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What could not be had for an answer, and why.
#[derive(Debug, Clone, Default)]
pub struct MissingHalves {
    vector: Option<String>,
    words: Option<Error>,
    meaning: Option<Error>,
}

impl MissingHalves {
    /// For who asked; none where nothing is lacking.
    pub fn said(&self) -> Option<String> {
        let half = |name: &str, why: &Option<Error>| {
            let why = why.as_ref()?.message();
            Some(format!("searching by {name} failed, so nothing was found by it: {why}"))
        };
        let parts = [
            self.vector.clone(),
            half("words", &self.words),
            half("meaning", &self.meaning),
        ];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// The same for programs.
    pub fn lacks(&self) -> Vec<Lack> {
        let words = self.words.as_ref().map(|_| Lack::Words);
        let is_by_words_alone = self.vector.is_some() || self.meaning.is_some();
        words
            .into_iter()
            .chain(is_by_words_alone.then_some(Lack::Meaning))
            .collect()
    }
}

/// Finds the candidates of one question.
#[derive(Clone, Copy)]
pub struct Retrieval<'a> {
    /// Makes the question's vector.
    pub vectors: &'a QuestionVectors,
    /// The index that is searched.
    pub about: &'a About,
    /// The question.
    pub reading: &'a QuestionReading,
    /// The question as the engine knows it.
    pub asked: &'a Arc<dyn Asked>,
}

/// A list and how long it took.
type Found = (Result<Vec<Candidate>>, Duration);

impl Retrieval<'_> {
    /// The best `depth` of each list. What was `lacking` a moment ago is not asked for again.
    ///
    /// # Errors
    /// Those of the engine where nothing is left to answer by, or what it says is no passing failure.
    pub fn run(
        self,
        depth: usize,
        lacking: &MissingHalves,
        under_way: &UnderWay<'_>,
        timings: &mut Timings,
    ) -> Result<Retrieved> {
        let (mode, budget) = (self.reading.request.mode, under_way.budget());
        let by_words = {
            let (asked, failed) = (Arc::clone(self.asked), lacking.words.clone());
            move |budget: Budget| found_by_words(&*asked, failed.as_ref(), depth, mode, budget)
        };
        if mode == Mode::Hybrid && lacking.words.is_none() {
            self.asked.foresee(depth, budget.leaving_time(Instant::now()));
        }
        let mut by_meaning = |_| self.by_meaning(depth, lacking, under_way, timings);
        let (words, meaning) = match mode {
            Mode::Lexical => (Some(by_words(budget)), None),
            Mode::Dense => (None, Some(by_meaning(budget))),
            // Search by meaning takes long enough to look words up beside it.
            Mode::Hybrid if self.vectors.takes_long(self.about, &self.reading.request.query) => {
                let (words, meaning) = budget.both(by_words.clone(), by_meaning);
                (Some(words), Some(meaning))
            }
            Mode::Hybrid => {
                let meaning = by_meaning(budget);
                (Some(by_words(budget)), Some(meaning))
            }
        };
        let mut retrieved = Retrieved {
            depth,
            lexical: Vec::new(),
            dense: Vec::new(),
            vector: None,
            lacking: MissingHalves::default(),
        };
        if let Some((vector, (found, took))) = meaning {
            timings.dense += took;
            retrieved.take_meaning(vector, found)?;
        }
        let words = match words {
            // Meaning alone was asked for and cannot be had: words are better than nothing, and the answer says so.
            None if !retrieved.has_meaning() => Some(by_words(budget)),
            words => words,
        };
        if let Some((found, took)) = words {
            timings.lexical += took;
            retrieved.take_words(found)?;
        }
        Ok(retrieved)
    }

    /// The question's vector, or why there is none, and what is found by it.
    fn by_meaning(
        self,
        depth: usize,
        lacking: &MissingHalves,
        under_way: &UnderWay<'_>,
        timings: &mut Timings,
    ) -> (Result<Arc<[f32]>, String>, Found) {
        let started = Instant::now();
        let vector = lacking.vector.clone();
        let budget = under_way.budget();
        let vector = vector.map_or_else(|| self.vectors.of(self.about, self.reading.meanings(), budget), Err);
        timings.embed += started.elapsed();
        let started = Instant::now();
        let found = match (&vector, &lacking.meaning) {
            (Ok(vector), None) => {
                let budget = under_way.budget().leaving_time(started);
                self.asked.dense(vector, depth, self.reading.request.ef_search, budget)
            }
            (Ok(_), Some(failed)) => Err(failed.clone()),
            (Err(_), _) => Ok(Vec::new()),
        };
        (vector, (found, started.elapsed()))
    }
}

/// What is found by words, or how that failed a moment ago.
fn found_by_words(asked: &dyn Asked, failed: Option<&Error>, depth: usize, mode: Mode, budget: Budget) -> Found {
    let started = Instant::now();
    // Of what is left when the words begin: a model that took all that it may have may have gone before.
    let budget = match mode {
        Mode::Lexical => budget,
        Mode::Dense | Mode::Hybrid => budget.leaving_time(started),
    };
    let found = match failed {
        None => asked.lexical(depth, budget),
        Some(failed) => Err(failed.clone()),
    };
    (found, started.elapsed())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::compute;
    use crate::embed::{Embedder, HashEmbedder};
    use crate::error::Fault;
    use crate::index::{Identity, Judged, PassageRef, QuestionWeights, StoredPassage, TermScore};
    use crate::search::request::SearchRequest;

    /// An engine whose halves fail as they are told to.
    struct Halves {
        words: Option<Fault>,
        meaning: Option<Fault>,
        calls: AtomicUsize,
        /// Until when words may take.
        until: Mutex<Option<Instant>>,
    }

    impl Halves {
        fn found(&self, fails: Option<Fault>) -> Result<Vec<Candidate>> {
            self.calls.fetch_add(1, Ordering::SeqCst);
            match fails {
                Some(fault) => Err(Error::new(fault, "the engine is away")),
                None => Ok(vec![Candidate {
                    passage: PassageRef(7),
                    score: 1.0,
                }]),
            }
        }
    }

    impl Asked for Halves {
        fn weights(&self) -> &QuestionWeights {
            unimplemented!()
        }

        fn lexical(&self, _: usize, budget: Budget) -> Result<Vec<Candidate>> {
            *self.until.lock().unwrap() = budget.deadline;
            self.found(self.words)
        }

        fn dense(&self, _: &[f32], _: usize, _: Option<usize>, _: Budget) -> Result<Vec<Candidate>> {
            self.found(self.meaning)
        }

        fn judge(&self, _: Option<&[f32]>, _: &[PassageRef], _: Budget) -> Result<Vec<Judged>> {
            unimplemented!()
        }

        fn fetch(&self, _: &[PassageRef], _: Budget) -> Result<Vec<StoredPassage>> {
            unimplemented!()
        }

        fn windows(&self, _: &[f32], _: &[PassageRef]) -> Result<Vec<Vec<f32>>> {
            unimplemented!()
        }

        fn explain(&self, _: &[PassageRef], _: Budget) -> Result<Vec<Vec<TermScore>>> {
            unimplemented!()
        }
    }

    fn about(model: &dyn Embedder) -> About {
        About {
            articles: 1,
            passages: 1,
            segments: 1,
            graphs: 0,
            bytes: 0,
            commit: 1,
            identity: Identity {
                format: 1,
                analysis: String::new(),
                embedder: model.identity().into(),
                dimension: 8,
            },
        }
    }

    fn reading(mode: Mode) -> QuestionReading {
        let request = SearchRequest {
            mode,
            ..SearchRequest::default()
        };
        QuestionReading::of(request, "医保断缴".into(), None, None)
    }

    /// A model that gives nothing in all the time that it is given.
    #[derive(Default)]
    struct Silent(Mutex<Option<Instant>>);

    impl Embedder for Silent {
        fn identity(&self) -> &str {
            "silent"
        }

        fn dimension(&self) -> usize {
            8
        }

        fn max_tokens(&self) -> usize {
            8
        }

        fn embed_queries(&self, _: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
            *self.0.lock().unwrap() = budget.deadline;
            while budget.check().is_ok() {
                std::thread::yield_now();
            }
            Err(Error::new(Fault::Deadline, "the model is silent"))
        }

        fn embed_passages(&self, _: &[&str], _: Budget) -> Result<Vec<Vec<f32>>> {
            unimplemented!()
        }
    }

    #[test]
    fn words_have_time_after_a_model_that_took_all_of_its_own() {
        let model = Arc::new(Silent::default());
        let halves = Arc::new(Halves {
            words: None,
            meaning: None,
            calls: AtomicUsize::new(0),
            until: Mutex::default(),
        });
        let asked: Arc<dyn Asked> = halves.clone();
        let retrieval = Retrieval {
            vectors: &QuestionVectors::new(Some(model.clone())),
            about: &about(&*model),
            reading: &reading(Mode::Hybrid),
            asked: &asked,
        };
        let end = Instant::now() + Duration::from_secs(1);
        let under_way = compute::enter(Budget::single().until(Some(end)));
        let nothing = MissingHalves::default();
        let found = retrieval
            .run(10, &nothing, &under_way, &mut Timings::default())
            .unwrap();
        assert_eq!(found.lexical.len(), 1);
        assert!(found.lacking.said().unwrap().contains("silent"));
        let (embedding, words) = (model.0.lock().unwrap().unwrap(), halves.until.lock().unwrap().unwrap());
        assert!(
            embedding < words && words <= end,
            "{:?} {:?}",
            end - embedding,
            end - words
        );
    }

    /// Candidates by words and by meaning, what is said to be lacking, and how often the engine was asked in a second
    /// round.
    type Outcome = Result<(usize, usize, Option<String>, usize), Fault>;

    fn outcome(mode: Mode, words: Option<Fault>, meaning: Option<Fault>) -> Outcome {
        let model: Arc<dyn Embedder> = Arc::new(HashEmbedder::new(8));
        let about = about(&*model);
        let halves = Arc::new(Halves {
            words,
            meaning,
            calls: AtomicUsize::new(0),
            until: Mutex::default(),
        });
        let asked: Arc<dyn Asked> = halves.clone();
        let reading = reading(mode);
        let retrieval = Retrieval {
            vectors: &QuestionVectors::new(Some(model)),
            about: &about,
            reading: &reading,
            asked: &asked,
        };
        let under_way = compute::enter(Budget::all());
        let mut timings = Timings::default();
        let mut run = |lacking: &MissingHalves| {
            let found = retrieval.run(10, lacking, &under_way, &mut timings);
            found.map_err(|error| error.fault())
        };
        let first = run(&MissingHalves::default())?;
        let before = halves.calls.load(Ordering::SeqCst);
        let again = run(&first.lacking)?;
        let said = first.lacking.said();
        assert_eq!(again.lacking.said(), said, "a second round says the same");
        assert_eq!(
            (first.lexical.len(), first.dense.len()),
            (again.lexical.len(), again.dense.len())
        );
        let calls = halves.calls.load(Ordering::SeqCst) - before;
        Ok((first.lexical.len(), first.dense.len(), said, calls))
    }

    #[test]
    fn one_half_answers_where_the_other_is_away() {
        let said = |half: &str| {
            Some(format!(
                "searching by {half} failed, so nothing was found by it: the engine is away"
            ))
        };
        for away in [Fault::Unavailable, Fault::Exhausted, Fault::Deadline] {
            let away = Some(away);
            assert_eq!(outcome(Mode::Hybrid, None, None), Ok((1, 1, None, 2)));
            assert_eq!(outcome(Mode::Hybrid, away, None), Ok((0, 1, said("words"), 1)));
            assert_eq!(outcome(Mode::Hybrid, None, away), Ok((1, 0, said("meaning"), 1)));
            assert_eq!(outcome(Mode::Dense, None, away), Ok((1, 0, said("meaning"), 1)));
            // Who asks by words means words; and nothing is left where both are away.
            assert_eq!(outcome(Mode::Lexical, away, None).err(), away);
            assert_eq!(outcome(Mode::Hybrid, away, away).err(), away);
            assert_eq!(outcome(Mode::Dense, away, away).err(), away);
        }
        // What is damaged is said as that.
        assert_eq!(
            outcome(Mode::Hybrid, Some(Fault::Corrupt), None).err(),
            Some(Fault::Corrupt)
        );
        assert_eq!(
            outcome(Mode::Hybrid, None, Some(Fault::Corrupt)).err(),
            Some(Fault::Corrupt)
        );
    }
}
