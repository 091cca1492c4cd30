//! Owns how an adapter of the question is learned from judged questions: a matrix added to the similarity of question
//! and passage, fitted so that relevant candidates stand higher, and cut to a low rank.
//!
//! The score of a candidate is what the ranking gives it without the adapter plus a bilinear form of both centred
//! vectors. The loss is listwise softmax cross-entropy over a question's candidates (ListNet, Cao et al. 2007), gains
//! `2^grade - 1`; what is learned starts at nothing and is held down, so that it corrects rather than replaces. Never
//! searches (candidates and vectors are given), never keeps a file (`search::Adapter` does) and never says how good it
//! is on questions it learned from ([`held_out`] holds some out). Everything repeats bit for bit on one machine: a
//! fixed seed, and sums in a fixed order whatever the number of threads.

use ndarray::Array2;

use super::folds::Fold;
use super::svd::{Factors, truncated};
use crate::compute::Budget;
use crate::error::{Context as _, Error, Fault, Result};
use crate::kernel::dot_f32;

/// What learning is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Rank of what comes out.
    pub rank: usize,
    /// Passes over the questions.
    pub epochs: usize,
    /// Size of the first step, which falls to 0 along a line (Adam, Kingma and Ba 2015).
    pub step: f32,
    /// Questions a step.
    pub batch: usize,
    /// Penalty on the matrix.
    pub penalty: f32,
    /// Of a question's candidates as many as rank highest without the adapter take part, and all relevant ones.
    pub candidates: usize,
    /// What the scores are multiplied with before the softmax: the sharpness of the ranking.
    pub sharpness: f32,
    /// Orders the questions.
    pub seed: u64,
    /// Threads to learn on; they change nothing but the time.
    pub budget: Budget,
}

impl Options {
    /// Chosen on the development questions by cross-validation; see `docs/results/`.
    pub fn new(budget: Budget) -> Self {
        Options {
            rank: 32,
            epochs: 4,
            step: 2e-3,
            batch: 48,
            penalty: 1e-2,
            candidates: 100,
            sharpness: 0.35,
            seed: 0,
            budget,
        }
    }
}

/// The unit in which the matrix is learned, so that one step size fits: the softmax sees this times the bilinear form.
const SCALE: f32 = 10.0;
/// Decay of Adam's two moments, and what keeps its division from zero.
const DECAY: (f32, f32) = (0.9, 0.99);
const EPSILON: f32 = 1e-8;

/// Distinct passages by row: each vector centred by the index's mean and of length 1.
#[derive(Debug, Clone)]
pub struct Passages(Array2<f32>);

impl Passages {
    /// No passages yet, for vectors of `dimension` numbers.
    pub fn new(dimension: usize) -> Self {
        Passages(Array2::zeros((0, dimension)))
    }

    /// Adds a centred vector of length 1; gives its row.
    ///
    /// # Errors
    /// `Bug` for another number of numbers, or one that is not finite.
    pub fn push(&mut self, vector: &[f32]) -> Result<usize> {
        if vector.iter().any(|x| !x.is_finite()) {
            return Err(Error::bug("a passage's vector holds a number that is not finite"));
        }
        self.0
            .push_row(vector.into())
            .or_fault(Fault::Bug, "a passage's vector of another length")?;
        Ok(self.0.nrows() - 1)
    }

    /// A row.
    pub fn row(&self, at: usize) -> &[f32] {
        row(&self.0, at)
    }
}

/// A row of a matrix.
fn row(matrix: &Array2<f32>, at: usize) -> &[f32] {
    // Every matrix here lies in memory row by row.
    matrix.row(at).to_slice().expect("rows are contiguous")
}

/// One question to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// How much it counts.
    pub weight: f32,
    /// Its vector, centred and of length 1.
    pub question: Vec<f32>,
    /// Its candidates.
    pub candidates: Vec<Candidate>,
}

/// One candidate of a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its row in [`Passages`].
    pub row: usize,
    /// Its score without the adapter.
    pub score: f32,
    /// Its grade, 0 where it is not judged.
    pub grade: i32,
}

/// A lesson ready for learning: what takes part, and the share of the softmax each should have.
struct List<'a> {
    weight: f32,
    question: &'a [f32],
    /// Row, score times sharpness, target.
    candidates: Vec<(usize, f32, f32)>,
}

impl<'a> List<'a> {
    /// None for a question that teaches nothing: no relevant candidate.
    fn of(lesson: &'a Lesson, options: &Options) -> Option<List<'a>> {
        let mut order: Vec<&Candidate> = lesson.candidates.iter().collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score));
        let taken = |(place, candidate): (usize, &'a Candidate)| {
            (place < options.candidates || candidate.grade > 0).then_some(candidate)
        };
        let taken: Vec<&Candidate> = order.into_iter().enumerate().filter_map(taken).collect();
        let gain = |candidate: &Candidate| 2f32.powi(candidate.grade.clamp(0, 16)) - 1.0;
        let sum: f32 = taken.iter().map(|candidate| gain(candidate)).sum();
        (sum > 0.0 && lesson.weight > 0.0).then(|| List {
            weight: lesson.weight,
            question: &lesson.question,
            candidates: taken
                .iter()
                .map(|candidate| {
                    (
                        candidate.row,
                        options.sharpness * candidate.score,
                        gain(candidate) / sum,
                    )
                })
                .collect(),
        })
    }

    /// The cross-entropy under a matrix, and its derivative by the question's side `question · matrix`.
    fn derive(&self, passages: &Passages, matrix: &Array2<f32>) -> (f32, Vec<f32>) {
        let n = matrix.ncols();
        let mut bound = vec![0.0; n];
        for (at, amount) in self.question.iter().enumerate() {
            add(&mut bound, *amount, row(matrix, at));
        }
        let scores: Vec<f32> = self
            .candidates
            .iter()
            .map(|&(row, score, _)| score + SCALE * dot_f32(&bound, passages.row(row)))
            .collect();
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = scores.iter().map(|score| (score - top).exp()).sum();
        let mut derivative = vec![0.0; n];
        let mut loss = 0.0;
        for (&(row, _, target), score) in self.candidates.iter().zip(scores) {
            let share = (score - top).exp() / sum;
            loss += target * (top + sum.ln() - score);
            add(
                &mut derivative,
                SCALE * self.weight * (share - target),
                passages.row(row),
            );
        }
        (self.weight * loss, derivative)
    }
}

fn add(sum: &mut [f32], amount: f32, row: &[f32]) {
    sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += amount * x);
}

/// Learns from the lessons. The factors are in units of the score: `q̂ᵀ L Rᵀ p̂` is what the adapter adds at weight 1.
///
/// # Errors
/// `Caller` if none of the lessons has a relevant candidate, or the options make no sense.
pub fn learn(lessons: &[&Lesson], passages: &Passages, options: &Options) -> Result<Factors> {
    let n = passages.0.ncols();
    let usable = options.batch > 0 && options.rank > 0 && options.sharpness > 0.0 && options.step.is_finite();
    if !usable || lessons.iter().any(|lesson| lesson.question.len() != n) {
        return Err(Error::caller(format!(
            "an adapter cannot be learned with {options:?} from vectors of {n} numbers"
        )));
    }
    let lists: Vec<List> = lessons.iter().filter_map(|lesson| List::of(lesson, options)).collect();
    if lists.is_empty() {
        return Err(Error::caller(format!(
            "none of the {} questions has a relevant candidate to learn from",
            lessons.len()
        )));
    }
    let matrix = descend(&lists, passages, options);
    let unit = SCALE / options.sharpness;
    Ok(truncated((matrix * unit).view(), options.rank.min(n)))
}

fn descend(lists: &[List], passages: &Passages, options: &Options) -> Array2<f32> {
    let n = passages.0.ncols();
    let mut rng = fastrand::Rng::with_seed(options.seed);
    let mut matrix = Array2::zeros((n, n));
    let mut moments = Array2::from_elem((n, n), (0f32, 0f32));
    let steps = options.epochs * lists.len().div_ceil(options.batch);
    let mut taken = 0;
    let mut order: Vec<usize> = (0..lists.len()).collect();
    for _ in 0..options.epochs {
        rng.shuffle(&mut order);
        for batch in order.chunks(options.batch) {
            taken += 1;
            let derivatives: Vec<(&List, Vec<f32>)> = options
                .budget
                .map(batch, |&at, _| (&lists[at], lists[at].derive(passages, &matrix).1));
            let power = |decay: f32| 1.0 - decay.powi(taken);
            let corrections = (power(DECAY.0), power(DECAY.1));
            let step = options.step * (1.0 - taken as f32 / steps as f32);
            let rows = matrix.rows_mut().into_iter().zip(moments.rows_mut());
            options.budget.map(rows.enumerate(), |(at, (mut row, moments)), _| {
                let mut slope = vec![0.0; n];
                for (list, derivative) in &derivatives {
                    add(&mut slope, list.question[at] / batch.len() as f32, derivative);
                }
                for ((x, slope), (mean, square)) in row.iter_mut().zip(slope).zip(moments) {
                    let slope = slope + options.penalty * *x;
                    *mean = DECAY.0 * *mean + (1.0 - DECAY.0) * slope;
                    *square = DECAY.1 * *square + (1.0 - DECAY.1) * slope * slope;
                    *x -= step * (*mean / corrections.0) / ((*square / corrections.1).sqrt() + EPSILON);
                }
            });
        }
    }
    matrix
}

/// For each lesson what an adapter that did not learn from it adds to each of its candidates at weight 1. `finish` is
/// what becomes of learned factors before they are used (rounding); it gives u of a question.
///
/// # Errors
/// As [`learn`], for any fold.
pub fn held_out<A>(
    lessons: &[Lesson],
    folds: &[Fold],
    passages: &Passages,
    options: &Options,
    finish: impl Fn(&Factors) -> Result<A>,
    bind: impl Fn(&A, &[f32]) -> Vec<f32>,
) -> Result<Vec<Vec<f32>>> {
    let mut amounts = vec![Vec::new(); lessons.len()];
    for (number, fold) in folds.iter().enumerate() {
        let train: Vec<&Lesson> = fold.train.iter().filter_map(|&at| lessons.get(at)).collect();
        let learned = learn(&train, passages, options)
            .and_then(|factors| finish(&factors))
            .map_err(|error| error.context(format!("fold {}", number + 1)))?;
        for &at in fold.held.iter().filter(|&&at| at < lessons.len()) {
            let bound = bind(&learned, &lessons[at].question);
            let amount = |candidate: &Candidate| dot_f32(&bound, passages.row(candidate.row));
            amounts[at] = lessons[at].candidates.iter().map(amount).collect();
        }
    }
    Ok(amounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 16;

    fn unit(rng: &mut fastrand::Rng) -> Vec<f32> {
        let v: Vec<f32> = (0..N).map(|_| rng.f32() * 2.0 - 1.0).collect();
        let norm = dot_f32(&v, &v).sqrt();
        v.into_iter().map(|x| x / norm).collect()
    }

    /// Questions whose right passage has the question's first number as its second, which no score shows.
    fn toy(count: usize) -> (Passages, Vec<Lesson>) {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut passages = Passages::new(N);
        for _ in 0..200 {
            passages.push(&unit(&mut rng)).unwrap();
        }
        let lessons = (0..count)
            .map(|_| {
                let question = unit(&mut rng);
                let rows: Vec<usize> = (0..20).map(|_| rng.usize(..200)).collect();
                let truth = |row: usize| question[0] * passages.row(row)[1];
                let best = *rows.iter().max_by(|a, b| truth(**a).total_cmp(&truth(**b))).unwrap();
                let candidates = rows.iter().map(|&row| Candidate {
                    row,
                    score: rng.f32(),
                    grade: i32::from(row == best),
                });
                let candidates = candidates.collect();
                Lesson {
                    weight: 1.0,
                    question,
                    candidates,
                }
            })
            .collect();
        (passages, lessons)
    }

    fn options() -> Options {
        Options {
            rank: 2,
            epochs: 10,
            step: 2e-2,
            batch: 16,
            penalty: 1e-3,
            ..Options::new(Budget::all())
        }
    }

    fn loss(lessons: &[&Lesson], passages: &Passages, factors: &Factors) -> f32 {
        let matrix = factors.left.t().dot(&factors.right) * (Options::new(Budget::all()).sharpness / SCALE);
        let lists = lessons.iter().filter_map(|lesson| List::of(lesson, &options()));
        lists.map(|list| list.derive(passages, &matrix).0).sum::<f32>() / lessons.len() as f32
    }

    #[test]
    fn learning_lowers_the_loss_on_questions_it_has_not_seen_and_repeats() {
        let (passages, lessons) = toy(400);
        let all: Vec<&Lesson> = lessons.iter().collect();
        let (train, held) = all.split_at(300);
        let nothing = Factors {
            left: Array2::zeros((1, N)),
            right: Array2::zeros((1, N)),
            values: Vec::new(),
        };
        let learned = learn(train, &passages, &options()).unwrap();
        for (name, lessons) in [("train", train), ("held out", held)] {
            let (before, after) = (loss(lessons, &passages, &nothing), loss(lessons, &passages, &learned));
            assert!(after < before - 0.5, "{name}: {before} became {after}");
        }
        // The form that made the grades: question[0] with passage[1].
        let largest = learned.values[0];
        let found = f64::from(learned.left[[0, 0]] * learned.right[[0, 1]]);
        assert!(found > 0.8 * largest, "{found} of {largest}");
        let alone = Options {
            budget: Budget::single(),
            ..options()
        };
        let again = learn(train, &passages, &alone).unwrap();
        let bits = |factors: &Factors| -> Vec<u32> { factors.left.iter().map(|x| x.to_bits()).collect() };
        assert_eq!(bits(&again), bits(&learned), "whatever the number of threads");
    }

    /// The derivative is that of the loss: a small change of any number changes the loss as it says.
    #[test]
    fn the_derivative_is_that_of_the_loss() {
        let (passages, lessons) = toy(1);
        let list = List::of(&lessons[0], &options()).unwrap();
        let mut rng = fastrand::Rng::with_seed(9);
        let mut matrix = Array2::from_shape_simple_fn((N, N), || 0.1 * (rng.f32() - 0.5));
        let (_, derivative) = list.derive(&passages, &matrix);
        for at in [[0, 0], [0, 5], [1, 1], [N - 1, N - 1]] {
            let expected = list.question[at[0]] * derivative[at[1]];
            let kept = matrix[at];
            let mut loss = |by: f32| {
                matrix[at] = kept + by;
                list.derive(&passages, &matrix).0
            };
            let found = (loss(0.01) - loss(-0.01)) / 0.02;
            matrix[at] = kept;
            assert!((found - expected).abs() < 5e-3, "{at:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn what_is_held_out_was_not_learned_from() {
        let (passages, mut lessons) = toy(60);
        // The last question alone says the opposite of all others; only an adapter that saw it could know.
        let folds = super::super::folds::split(&(0..60).map(|i| i.to_string()).collect::<Vec<_>>(), 3, 1);
        let run = |lessons: &[Lesson]| {
            let bind = |factors: &Factors, question: &[f32]| {
                let mut bound = vec![0.0; N];
                for at in 0..factors.left.nrows() {
                    add(
                        &mut bound,
                        dot_f32(row(&factors.left, at), question),
                        row(&factors.right, at),
                    );
                }
                bound
            };
            held_out(lessons, &folds, &passages, &options(), |f| Ok(f.clone()), bind).unwrap()
        };
        let before = run(&lessons);
        for candidate in &mut lessons[59].candidates {
            candidate.grade = 1 - candidate.grade;
        }
        let after = run(&lessons);
        assert_eq!(before[59], after[59], "its own grades do not reach it");
        let fold = folds.iter().find(|fold| fold.held.contains(&59)).unwrap();
        assert!(
            fold.train.iter().all(|&at| before[at] != after[at]),
            "others learn from it"
        );
    }

    #[test]
    fn nothing_to_learn_from_is_said() {
        let (passages, mut lessons) = toy(2);
        lessons
            .iter_mut()
            .flat_map(|l| &mut l.candidates)
            .for_each(|c| c.grade = 0);
        let all: Vec<&Lesson> = lessons.iter().collect();
        assert!(learn(&all, &passages, &Options::new(Budget::all())).is_err());
        assert!(learn(&[], &passages, &Options::new(Budget::all())).is_err());
        assert!(Passages::new(3).push(&[1.0, 2.0]).is_err());
        assert!(Passages::new(1).push(&[f32::NAN]).is_err());
    }
}
