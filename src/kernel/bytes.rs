//! Activations rounded to bytes: what `int8` multiplies, and how they are made.
//!
//! A token's numbers span from its least to its largest one, in 255 steps of the same size. One scale a token, and not
//! one about zero: what comes out of GELU has nearly no negative side. A few columns may be named whose numbers are so
//! much larger than all others that these would lose their precision to them: the span leaves such columns out, and
//! what their codes miss is kept as it is.

use super::lanes::{fold, larger};
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::Stream;

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// Numbers handled side by side.
const LANES: usize = 16;

/// Tokens that a kernel may read together.
const WHOLE: usize = 16;

/// What a token's codes stand for: `code x scale + least`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Span {
    pub scale: f32,
    pub least: f32,
}

/// Rows of numbers, 8 bits each: what [`super::Int8Matrix::multiply`] takes.
#[derive(Debug, Default, Clone)]
pub struct Bytes {
    inputs: usize,
    /// `[token][input]`; rows that stand for no token make the tokens a multiple of [`WHOLE`].
    codes: Vec<u8>,
    /// One a token.
    spans: Vec<Span>,
    /// How many columns are kept exactly.
    exact: usize,
    /// What the codes of those columns miss: `[token][column]`.
    missed: Vec<f32>,
}

impl Bytes {
    /// Rounds rows of `inputs` numbers, replacing what was held; the columns `exact`, in rising order, count in full. A
    /// row that holds an infinity, or what is no number, becomes zero.
    ///
    /// # Panics
    /// If `x` is not a whole number of rows or the columns are not in it, which is a defect of the caller.
    pub(super) fn round(&mut self, x: &[f32], inputs: usize, exact: &[usize]) {
        self.round_at(CHOSEN.level(), x, inputs, exact);
    }

    fn round_at(&mut self, level: Level, x: &[f32], inputs: usize, exact: &[usize]) {
        assert!(inputs > 0 && x.len().is_multiple_of(inputs) && exact.is_sorted_by(|a, b| a < b));
        (self.inputs, self.exact) = (inputs, exact.len());
        self.codes
            .resize((x.len() / inputs).next_multiple_of(WHOLE) * inputs, 0);
        self.spans.clear();
        self.missed.clear();
        for (row, codes) in x.chunks_exact(inputs).zip(self.codes.chunks_exact_mut(inputs)) {
            let span = round_row(level, row, exact, codes);
            let misses = |column: &usize| row[*column] - (f32::from(codes[*column]) * span.scale + span.least);
            if span == Span::default() {
                self.missed.extend(exact.iter().map(|_| 0.0));
            } else {
                self.missed.extend(exact.iter().map(misses));
            }
            self.spans.push(span);
        }
    }

    /// How many tokens are held.
    pub fn tokens(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// What the codes of a token's exact columns miss.
    pub(super) fn missed(&self, token: usize) -> &[f32] {
        &self.missed[token * self.exact..][..self.exact]
    }

    /// The same of all tokens, one after the other.
    pub(super) fn all_missed(&self) -> &[f32] {
        &self.missed
    }

    /// How many columns are kept exactly.
    pub(super) fn exact(&self) -> usize {
        self.exact
    }

    /// Codes as they are, for checks: with scale and least value of each token.
    pub(super) fn of(inputs: usize, mut codes: Vec<u8>, spans: impl Iterator<Item = (f32, f32)>) -> Self {
        let spans: Vec<Span> = spans.map(|(scale, least)| Span { scale, least }).collect();
        codes.resize(spans.len().next_multiple_of(WHOLE) * inputs, 0);
        Bytes {
            inputs,
            codes,
            spans,
            exact: 0,
            missed: Vec::new(),
        }
    }

    /// The same with numbers that the codes miss, so many a token: for checks.
    pub(super) fn with_missed(self, exact: usize, missed: Vec<f32>) -> Self {
        assert_eq!(missed.len(), exact * self.tokens());
        Bytes { exact, missed, ..self }
    }
}

for_each_level!(fn round_row(row: &[f32], exact: &[usize], codes: &mut [u8]) -> Span = round_row_body);

#[inline(always)]
fn round_row_body<const FMA: bool>(row: &[f32], exact: &[usize], codes: &mut [u8]) -> Span {
    /// 2^23: adding it to a number from 0 to 2^23 leaves the rounded integer in the low bits.
    const ROUND: f32 = 8_388_608.0;
    let mut around = [f32::INFINITY, f32::NEG_INFINITY];
    // Not zero as soon as a number is infinite or none.
    let mut bad = 0.0;
    let mut from = 0;
    for &column in exact {
        bad += widen(&row[from..column], &mut around) + 0.0 * row[column];
        from = column + 1;
    }
    bad += widen(&row[from..], &mut around);
    let [least, largest] = around;
    let width = largest - least;
    if bad != 0.0 || !width.is_finite() {
        codes.fill(0);
        return Span::default();
    }
    // A row of one number has codes of 0, whatever the scale.
    let inverse = if width > 0.0 { 255.0 / width } else { 0.0 };
    let inverse = if inverse.is_finite() { inverse } else { 0.0 };
    for (code, x) in codes.iter_mut().zip(row) {
        let place = -larger(-((x - least) * inverse), -255.0);
        *code = (larger(place, 0.0) + ROUND).to_bits() as u8;
    }
    Span {
        scale: width * (1.0 / 255.0),
        least,
    }
}

/// Widens least and largest number by those of some columns; gives 0, or what is no number if one of them is infinite
/// or none.
#[inline(always)]
fn widen(columns: &[f32], around: &mut [f32; 2]) -> f32 {
    let (chunks, rest) = columns.as_chunks::<LANES>();
    let (mut least, mut largest, mut check) = ([around[0]; LANES], [around[1]; LANES], [0.0f32; LANES]);
    for chunk in chunks {
        for i in 0..LANES {
            least[i] = -larger(-chunk[i], -least[i]);
            largest[i] = larger(chunk[i], largest[i]);
            check[i] += 0.0 * chunk[i];
        }
    }
    for (i, x) in rest.iter().enumerate() {
        least[i] = -larger(-x, -least[i]);
        largest[i] = larger(*x, largest[i]);
        check[i] += 0.0 * x;
    }
    *around = [-fold(least.map(|x| -x), larger), fold(largest, larger)];
    fold(check, |a, b| a + b)
}

/// Whether rounding at a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let x: Vec<f32> = Stream(7).vector(3 * 85);
    let run = |level: Level| {
        let mut out = Bytes::default();
        out.round_at(level, &x, 85, &[3, 40]);
        out
    };
    let (fast, plain) = (run(level), run(Level::Scalar));
    fast.codes == plain.codes && fast.spans == plain.spans && fast.missed == plain.missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_nearest_ones() {
        let mut stream = Stream(6);
        for inputs in [1, 16, 70, 512] {
            let mut x = stream.vector(6 * inputs);
            x[..inputs].iter_mut().for_each(|x| *x *= 1e30);
            x[inputs..2 * inputs].fill(-3.5);
            x[2 * inputs] = 40.0;
            x[4 * inputs - 1] = f32::NAN;
            x[5 * inputs - 1] = f32::INFINITY;
            x[5 * inputs..].iter_mut().for_each(|x| *x *= 1e-44);
            for level in CHOSEN.usable() {
                let mut out = Bytes::default();
                out.round_at(level, &x, inputs, &[]);
                assert_eq!((out.tokens(), out.inputs()), (6, inputs));
                for (token, span) in out.spans.iter().enumerate() {
                    let codes = &out.codes[token * inputs..][..inputs];
                    if (3..5).contains(&token) {
                        assert!(*span == Span::default() && codes.iter().all(|code| *code == 0));
                        continue;
                    }
                    for (x, code) in x[token * inputs..].iter().zip(codes) {
                        let error = (x - (f32::from(*code) * span.scale + span.least)).abs();
                        // Among the smallest numbers of all there is nothing to divide; zero is near enough.
                        let allowed = 0.502 * span.scale + 1e-6 * x.abs() + if token == 5 { 1e-43 } else { 0.0 };
                        assert!(error <= allowed, "{} {token}: {x} {code}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn large_columns_count_in_full_and_cost_the_others_nothing() {
        let mut x = Stream(9).vector(3 * 64);
        for (token, row) in x.chunks_exact_mut(64).enumerate() {
            (row[0], row[17], row[63]) = (30.0, -55.5, 0.25 * token as f32);
        }
        for level in CHOSEN.usable() {
            let mut out = Bytes::default();
            out.round_at(level, &x, 64, &[0, 17, 63]);
            for (token, row) in x.chunks_exact(64).enumerate() {
                let span = out.spans[token];
                assert!(span.scale < 2.0 / 255.0 + 1e-6, "{}", level.name());
                let mut missed = out.missed(token).iter();
                for (column, x) in row.iter().enumerate() {
                    let value = f32::from(out.codes[token * 64 + column]) * span.scale + span.least;
                    if [0, 17, 63].contains(&column) {
                        assert!((value + missed.next().unwrap() - x).abs() < 1e-5)
                    } else {
                        assert!((value - x).abs() < 0.502 * span.scale)
                    }
                }
            }
        }
    }
}
