//! The profile's adapter: a correction of the model's similarity, learned from judged questions.
//!
//! Wiring only: learning is `eval::adapter`, the file and its use are `search::Adapter`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::judged::{ADAPTED, Judged, METRIC, Sets, header, row};
use crate::compute::Budget;
use crate::embed::model_name;
use crate::error::{Error, Result};
use crate::eval::adapter::{Candidate, Lesson, Options, Passages, held_out, learn};
use crate::eval::folds::Fold;
use crate::eval::own_kind::{is_own_kind, kind};
use crate::eval::svd::Factors;
use crate::eval::table::align;
use crate::index::{Identity, PassageKey, Snapshot};
use crate::search::features::Weights;
use crate::search::{Adapter, Engine, JudgedBy, centered};

/// Learns an adapter from all questions. Also sets `adapted` in the evidence of each candidate, by an adapter that was
/// learned without the question (from the other folds), and prints how much better candidates rank with it.
pub fn fit(engine: &Engine, asked: &mut [Judged], sets: &Sets, folds: &[Fold]) -> Result<Adapter> {
    let weights = &engine.ranking().weights;
    let share = weights.of(ADAPTED);
    if share <= 0.0 {
        return Err(Error::caller("the profile's weights give `adapted` nothing")
            .help("give it a weight in the profile, or leave `adapter` out of --learn"));
    }
    let snapshot = engine.backend().snapshot()?;
    let identity = &snapshot.about().identity;
    if identity.dimension == 0 {
        return Err(Error::precondition("the index has no vectors to adapt"));
    }
    let (passages, lessons) = lessons(&*snapshot, asked, sets, weights)?;
    let options = Options::new(Budget::all());
    // Held out as it will be used: rounded to what the file holds. The mean is off already.
    let nothing = vec![0.0; identity.dimension];
    let finish = |factors: &Factors| adapter(identity, factors);
    let bind = |adapter: &Adapter, question: &[f32]| {
        adapter
            .bind(&nothing, question)
            .unwrap_or_else(|| vec![0.0; identity.dimension])
    };
    let amounts = held_out(&lessons, folds, &passages, &options, finish, bind)?;
    outln!("adapter: {METRIC} of candidates without one, and with one learned from the questions of the other folds");
    out!(align(&table(asked, sets, &lessons, &amounts, share), false));
    let all: Vec<&Lesson> = lessons.iter().collect();
    let adapter = adapter(identity, &learn(&all, &passages, &options)?)?;
    for (asked, amounts) in asked.iter_mut().zip(amounts) {
        asked
            .found
            .iter_mut()
            .zip(amounts)
            .for_each(|(found, amount)| found.evidence.adapted = amount);
    }
    Ok(adapter)
}

/// The adapter of learned factors, named after the index's model: it fits all its weights (quantised or not).
fn adapter(identity: &Identity, factors: &Factors) -> Result<Adapter> {
    Adapter::new(model_name(&identity.embedder), &factors.left, &factors.right)
}

/// What there is to learn: distinct passages, and a lesson for each question. A question weighs 1 over the cube root of
/// its set's size (scaled to 1 on average): a large set counts more than a small one, but not in proportion to its
/// size. On held-out questions this was better than equal weights for sets or for questions on the smaller of two sets,
/// and about as good on the larger one (`docs/results/`).
fn lessons(
    snapshot: &dyn Snapshot,
    asked: &[Judged],
    sets: &Sets,
    weights: &Weights,
) -> Result<(Passages, Vec<Lesson>)> {
    let without = weights.with(ADAPTED, 0.0);
    let mut passages = Passages::new(snapshot.about().identity.dimension);
    let vectors = vectors(snapshot, asked)?;
    let mut rows: HashMap<PassageKey, usize> = HashMap::new();
    let unit = |vector: &[f32]| centered(&snapshot.about().mean, vector).unwrap_or_else(|| vec![0.0; vector.len()]);
    let mut lessons = Vec::with_capacity(asked.len());
    let relative = |size: usize| 1.0 / (size.max(1) as f32).cbrt();
    let total: f32 = sets
        .iter()
        .map(|(_, range)| range.len() as f32 * relative(range.len()))
        .sum();
    for (_, range) in sets {
        let weight = relative(range.len()) * asked.len() as f32 / total;
        for question in &asked[range.clone()] {
            let mut candidates = Vec::with_capacity(question.found.len());
            for found in &question.found {
                let key = key(found);
                let row = match rows.get(&key) {
                    Some(&row) => row,
                    None => {
                        let vector = vectors.get(&key);
                        let changed = || Error::unavailable("the index changed while it was learned from");
                        let row = passages.push(&unit(vector.ok_or_else(changed)?))?;
                        rows.insert(key, row);
                        row
                    }
                };
                candidates.push(Candidate {
                    row,
                    score: without.parts(&found.evidence).iter().sum(),
                    grade: question.grades.get(&*found.article).copied().unwrap_or(0),
                });
            }
            lessons.push(Lesson {
                weight,
                question: unit(&question.vector),
                candidates,
            });
        }
    }
    Ok((passages, lessons))
}

fn key(found: &JudgedBy) -> PassageKey {
    PassageKey {
        article: found.article.clone(),
        ordinal: found.ordinal,
    }
}

/// The vectors of all that was found.
fn vectors(snapshot: &dyn Snapshot, asked: &[Judged]) -> Result<HashMap<PassageKey, Vec<f32>>> {
    let dimension = snapshot.about().identity.dimension;
    let found: HashSet<PassageKey> = asked.iter().flat_map(|asked| asked.found.iter().map(key)).collect();
    let mut vectors = HashMap::new();
    snapshot.export_vectors(Budget::all(), &mut |chunk| {
        let rows = chunk.vectors.chunks_exact(dimension);
        let wanted = chunk.keys.into_iter().zip(rows).filter(|(key, _)| found.contains(key));
        vectors.extend(wanted.map(|(key, vector)| (key, vector.to_vec())));
        Ok(())
    })?;
    Ok(vectors)
}

/// The measure of a question's articles, each at its best passage, over all kinds or over the question's own.
fn measure(asked: &Judged, score: impl Fn(usize) -> f32, own: bool) -> f64 {
    let counts = |article: &str| !own || is_own_kind(&asked.id, article);
    let mut best: BTreeMap<&str, f32> = BTreeMap::new();
    for (at, found) in asked
        .found
        .iter()
        .enumerate()
        .filter(|(_, found)| counts(&found.article))
    {
        let score = score(at);
        let kept = best.entry(&found.article).or_insert(score);
        *kept = kept.max(score);
    }
    let mut ranked: Vec<(&str, f32)> = best.into_iter().collect();
    // Stable: ties stay by id.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let grade = |article: &str| asked.grades.get(article).copied().unwrap_or(0);
    let ranked: Vec<i32> = ranked.into_iter().map(|(article, _)| grade(article)).collect();
    let judged = asked.grades.iter().filter(|(article, _)| counts(article));
    METRIC.of_grades(&ranked, &judged.map(|(_, grade)| *grade).collect::<Vec<i32>>())
}

fn table(asked: &[Judged], sets: &Sets, lessons: &[Lesson], amounts: &[Vec<f32>], share: f32) -> Vec<Vec<String>> {
    let mut rows = vec![header("without", "with, held out")];
    for (name, range) in sets {
        let has_kinds = asked[range.clone()].iter().any(|asked| kind(&asked.id).is_some());
        for own in [false, true].into_iter().take(1 + usize::from(has_kinds)) {
            let both = Budget::all().map(range.clone(), |at, _| {
                let without = |place: usize| lessons[at].candidates[place].score;
                let with = |place: usize| without(place) + share * amounts[at][place];
                (measure(&asked[at], without, own), measure(&asked[at], with, own))
            });
            let (before, after): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let name = format!("{name}{}", if own { ", own kind" } else { "" });
            rows.push(row(&name, &before, &after).0);
        }
    }
    rows
}
