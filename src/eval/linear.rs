//! Owns the learner behind the weights of `baowen tune`: a linear ranking over dense features, by listwise softmax.
//!
//! Small enough to explain: the model is one weight a feature. Never computes features, never reads judgements from
//! files and never says how good it is on questions it learned from ([`held_out`] holds some out). Everything repeats:
//! no random starts, sums in a fixed order, ties to the candidate that was pushed first (push them by id).

use super::folds::Fold;
use super::metrics::Metric;
use super::newton::{Derivatives, Scaling, dot, newton};
use crate::compute::Budget;
use crate::error::{Error, Result};

/// One question's candidates with their features and grades.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The question's id.
    pub id: String,
    /// How much it counts in learning; 1 for all, or less for each of a kind that has many.
    pub weight: f64,
    width: usize,
    features: Vec<f32>,
    grades: Vec<i32>,
    judged: Vec<i32>,
}

impl Question {
    /// A question without candidates. `width`: features a candidate, at least 1. `judged`: the grades of all its
    /// judged articles, whether they will be among the candidates or not.
    pub fn new(id: impl Into<String>, width: usize, judged: Vec<i32>) -> Self {
        Question {
            id: id.into(),
            weight: 1.0,
            width: width.max(1),
            features: Vec::new(),
            grades: Vec::new(),
            judged,
        }
    }

    /// Adds a candidate: its features and its grade (0 where it is not judged).
    ///
    /// # Errors
    /// `Bug` for another number of features, or one that is not finite.
    pub fn push(&mut self, features: &[f32], grade: i32) -> Result<()> {
        if features.len() != self.width || features.iter().any(|value| !value.is_finite()) {
            return Err(Error::bug(format!(
                "question `{}` needs {} finite features a candidate, was given {features:?}",
                self.id, self.width
            )));
        }
        self.features.extend_from_slice(features);
        self.grades.push(grade);
        Ok(())
    }

    /// How many candidates it has.
    fn len(&self) -> usize {
        self.grades.len()
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.features.chunks_exact(self.width)
    }

    fn scores(&self, weights: &[f32]) -> Vec<f64> {
        self.rows().map(|row| score(weights, row)).collect()
    }

    /// A measure of the candidates ranked by these scores, one a candidate, ties in the order of pushing.
    pub fn measure(&self, scores: &[f64], metric: Metric) -> f64 {
        let mut order: Vec<usize> = (0..self.len().min(scores.len())).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let ranked: Vec<i32> = order.into_iter().map(|place| self.grades[place]).collect();
        metric.of_grades(&ranked, &self.judged)
    }
}

/// A ranking by a weighted sum of features.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// One weight a feature, for raw features.
    pub weights: Vec<f32>,
}

impl LinearModel {
    /// A measure of each question's candidates as this model ranks them.
    pub fn measure(&self, questions: &[&Question], metric: Metric) -> Vec<f64> {
        questions
            .iter()
            .map(|question| question.measure(&question.scores(&self.weights), metric))
            .collect()
    }
}

fn score(weights: &[f32], features: &[f32]) -> f64 {
    weights
        .iter()
        .zip(features)
        .map(|(weight, value)| f64::from(*weight) * f64::from(*value))
        .sum()
}

fn width_of(questions: &[&Question]) -> Result<usize> {
    let width = questions.first().map_or(0, |question| question.width);
    if width == 0 || questions.iter().any(|question| question.width != width) {
        return Err(Error::caller(
            "nothing to learn from: no questions, or questions with different features",
        ));
    }
    Ok(width)
}

/// Questions that one thread takes at a time.
const CHUNK: usize = 32;

/// Learns by listwise softmax (ListNet's top-one loss, Cao et al. 2007): the chance that the softmax of the scores
/// gives to the relevant candidates, shared by grade. Convex; `l2` is the penalty on standardised weights.
///
/// Questions without a relevant candidate, or with nothing but, teach nothing and are passed over. What is learned does
/// not depend on the budget's threads.
///
/// # Errors
/// `Caller` if there is nothing to learn from, or `l2` is negative or not finite.
pub fn softmax(questions: &[&Question], l2: f64, budget: Budget) -> Result<LinearModel> {
    let width = width_of(questions)?;
    if !(l2.is_finite() && l2 >= 0.0) {
        return Err(Error::caller(format!("the penalty {l2} is not a number of at least 0")));
    }
    let scaling = {
        let wide = |row: &[f32]| row.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = questions
            .iter()
            .flat_map(|question| question.rows())
            .map(wide)
            .collect();
        Scaling::of(rows.iter().map(Vec::as_slice), width)
    };
    let lists: Vec<List> = questions
        .iter()
        .filter_map(|question| List::of(question, &scaling))
        .collect();
    let total: f64 = lists.iter().map(|list| list.weight).sum();
    if lists.is_empty() || total <= 0.0 {
        return Err(Error::caller(format!(
            "none of the {} questions has a relevant candidate",
            questions.len()
        )));
    }
    let loss = |weights: &[f64]| -> f64 {
        let of_chunk = |chunk: &[List], _| -> Vec<f64> {
            let losses = chunk.iter().map(|list| list.weight * list.loss(weights));
            losses.collect()
        };
        let parts = budget.map(lists.chunks(CHUNK), of_chunk).concat();
        let size: f64 = weights.iter().map(|weight| weight * weight).sum();
        parts.iter().sum::<f64>() / total + l2 * size / 2.0
    };
    let derivatives = |weights: &[f64]| {
        // Chunks of a fixed size, added up in order: the sum does not depend on how many threads there are.
        let parts: Vec<Derivatives> = budget.map(lists.chunks(CHUNK), |chunk, _| {
            let mut sum = Derivatives::new(width);
            chunk.iter().for_each(|list| list.add_derivatives(weights, &mut sum));
            sum
        });
        let mut sum = Derivatives::new(width);
        parts.iter().for_each(|part| sum.merge(part));
        sum.scale(1.0 / total);
        for (place, weight) in weights.iter().enumerate() {
            sum.gradient[place] += l2 * weight;
            sum.hessian[place * width + place] += l2;
        }
        sum
    };
    let weights = newton(vec![0.0; width], loss, derivatives);
    let (raw, _) = scaling.undo(&weights);
    Ok(LinearModel {
        weights: raw.into_iter().map(|weight| weight as f32).collect(),
    })
}

/// One question's standardised rows and what share of the softmax each should have.
struct List {
    weight: f64,
    rows: Vec<Vec<f64>>,
    target: Vec<f64>,
}

impl List {
    fn of(question: &Question, scaling: &Scaling) -> Option<List> {
        let gains: Vec<f64> = question.grades.iter().map(|grade| f64::from((*grade).max(0))).collect();
        let sum: f64 = gains.iter().sum();
        if sum <= 0.0 || gains.iter().all(|gain| *gain == gains[0]) || question.weight <= 0.0 {
            return None;
        }
        let wide = |row: &[f32]| row.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        Some(List {
            weight: question.weight,
            rows: question.rows().map(|row| scaling.apply(&wide(row))).collect(),
            target: gains.iter().map(|gain| gain / sum).collect(),
        })
    }

    /// Scores, and the log of the sum of their exponentials.
    fn scores(&self, weights: &[f64]) -> (Vec<f64>, f64) {
        let scores: Vec<f64> = self.rows.iter().map(|row| dot(weights, row)).collect();
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - top).exp()).sum();
        (scores, top + sum.ln())
    }

    fn loss(&self, weights: &[f64]) -> f64 {
        let (scores, log_sum) = self.scores(weights);
        self.target
            .iter()
            .zip(&scores)
            .map(|(target, score)| target * (log_sum - score))
            .sum()
    }

    /// Gradient sum (p - t) x, Hessian sum p x x' - m m' with m = sum p x.
    fn add_derivatives(&self, weights: &[f64], sum: &mut Derivatives) {
        let (scores, log_sum) = self.scores(weights);
        let mut centre = vec![0.0; weights.len()];
        for ((row, score), target) in self.rows.iter().zip(&scores).zip(&self.target) {
            let share = (score - log_sum).exp();
            sum.add(row, self.weight * (share - target), self.weight * share);
            centre
                .iter_mut()
                .zip(row)
                .for_each(|(centre, value)| *centre += share * value);
        }
        sum.add(&centre, 0.0, -self.weight);
    }
}

/// The measure of each question by a model that was learned, by `learn`, from the questions of the other folds alone.
///
/// # Errors
/// What `learn` says of a fold.
pub fn held_out(
    questions: &[Question],
    folds: &[Fold],
    metric: Metric,
    learn: impl Fn(&[&Question]) -> Result<LinearModel>,
) -> Result<Vec<f64>> {
    let pick = |places: &[usize]| places.iter().filter_map(|&at| questions.get(at)).collect::<Vec<_>>();
    let mut values = vec![0.0; questions.len()];
    for (number, fold) in folds.iter().enumerate() {
        let model = learn(&pick(&fold.train)).map_err(|error| error.context(format!("fold {}", number + 1)))?;
        let held = model.measure(&pick(&fold.held), metric);
        for (&place, value) in fold.held.iter().filter(|&&at| at < questions.len()).zip(held) {
            values[place] = value;
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::folds::split;
    use crate::eval::metrics::mean;

    const NDCG: Metric = Metric::Ndcg(10);

    /// Questions whose grade depends on features 0 and 1 (0.8 and -0.4) and on noise; feature 2 is noise alone,
    /// feature 3 never changes. Feature 1 is a thousand times larger than feature 0.
    fn questions(count: usize) -> Vec<Question> {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut uniform = move || rng.f32() * 2.0 - 1.0;
        (0..count)
            .map(|number| {
                let rows: Vec<[f32; 4]> = (0..30)
                    .map(|_| [uniform(), 1000.0 * uniform(), uniform(), 5.0])
                    .collect();
                let truth: Vec<f32> = rows
                    .iter()
                    .map(|r| 0.8 * r[0] - 0.4 * r[1] / 1000.0 + 0.2 * uniform())
                    .collect();
                let top = (0..30).max_by(|a, b| truth[*a].total_cmp(&truth[*b])).unwrap();
                let mut question = Question::new(format!("q{number}"), 4, vec![1, 1]);
                for (place, row) in rows.iter().enumerate() {
                    question.push(row, i32::from(place == top)).unwrap();
                }
                question
            })
            .collect()
    }

    fn all(questions: &[Question]) -> Vec<&Question> {
        questions.iter().collect()
    }

    #[test]
    fn softmax_finds_the_direction_that_made_the_grades() {
        let questions = questions(300);
        let model = softmax(&all(&questions), 1e-4, Budget::all()).unwrap();
        let [a, b, noise, constant] = model.weights[..] else {
            panic!("{model:?}")
        };
        assert!(a > 0.0 && b < 0.0, "{model:?}");
        let ratio = -b * 1000.0 / a;
        assert!((0.4..0.6).contains(&ratio), "0.5 was meant, {ratio} was found");
        assert!(noise.abs() < 0.15 * a && constant == 0.0, "{model:?}");
        assert_eq!(
            softmax(&all(&questions), 1e-4, Budget::all()).unwrap(),
            model,
            "learning repeats"
        );
        let smaller = softmax(&all(&questions), 10.0, Budget::all()).unwrap();
        assert!(smaller.weights[0] < 0.2 * a, "a penalty makes weights smaller");
    }

    #[test]
    fn each_question_is_measured_by_a_model_that_never_saw_it() {
        let questions = questions(50);
        let ids: Vec<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        let folds = split(&ids, 5, 0);
        let values = held_out(&questions, &folds, NDCG, |train| softmax(train, 1e-3, Budget::all())).unwrap();
        let best_possible = 1.0 / (1.0 + 1.0 / 3f64.log2());
        let mean = mean(&values);
        assert!(mean > 0.7 * best_possible && mean <= best_possible + 1e-12, "{mean}");
        let train: Vec<&Question> = folds[0].train.iter().map(|&at| &questions[at]).collect();
        let first = folds[0].held[0];
        let by_hand = softmax(&train, 1e-3, Budget::all())
            .unwrap()
            .measure(&[&questions[first]], NDCG);
        assert_eq!(values[first], by_hand[0]);
    }

    #[test]
    fn ties_stand_in_the_order_of_pushing() {
        let mut question = Question::new("q", 1, vec![1]);
        question.push(&[0.5], 0).unwrap();
        question.push(&[0.5], 1).unwrap();
        assert_eq!(question.measure(&[1.0, 1.0], Metric::Mrr(10)), 0.5);
        assert_eq!(question.measure(&[1.0, 2.0], Metric::Mrr(10)), 1.0);
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let mut barren = Question::new("q", 2, vec![1]);
        assert!(barren.push(&[1.0], 0).is_err());
        assert!(barren.push(&[1.0, f32::NAN], 0).is_err());
        barren.push(&[1.0, 2.0], 0).unwrap();
        assert!(softmax(&[], 0.1, Budget::all()).is_err());
        assert!(softmax(&[&barren], 0.1, Budget::all()).is_err());
        let other = Question::new("r", 3, vec![1]);
        assert!(softmax(&[&barren, &other], 0.1, Budget::all()).is_err());
        let questions = questions(3);
        assert!(softmax(&all(&questions), f64::NAN, Budget::all()).is_err());
    }
}
