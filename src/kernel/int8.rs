//! The quantised matrix product of linear layers with weights of 8 bits: `y = x W^T + b`, activations of 8 bits too.
//!
//! A weight is `code x scale`, one scale a row and codes of -64 to 64 (what ONNX's tools call reduced range); an
//! activation is `code x scale + least`, one scale a token and codes of 0 to 255 (`bytes`). So
//! `y[r] = sum(code code) x scale x scale[r] + least x sum[r] + b[r]`, where `sum[r]` is the sum of a row's weights:
//! the products are whole numbers and no level loses any of them, and three multiplications a row and token are left
//! over. What the codes of a few columns miss is multiplied in f32 and added: with 4 columns of bge-small-zh-v1.5 the
//! worst cosine to f32 activations went from 0.9973 to 0.9997, which blocks of 64 activations with a scale each would
//! have cost more for.
//!
//! Why the AVX2 path is exact: `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in 16 bits with
//! saturation, and 2 x 255 x 64 = 32,640 fits. Rows of wider weights are refused.
//!
//! Weights lie in groups of 64 rows, and in a group in steps of 4 inputs: one stream, in the order in which the kernels
//! read, with 16 rows of a step in a vector of AVX-512 and 8 in one of AVX2. All tokens run over a group before the
//! next one, so that weights come from memory once.

use std::ops::Range;

use super::bytes::Bytes;
use super::int8_tile::{GROUP, Step, Tile};
use super::level::{Chosen, Level};
use super::selfcheck::{Stream, close};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// Below so many tokens a tile of 16 is not worth filling.
#[cfg(target_arch = "x86_64")]
const FEW: usize = 5;

/// Which kernel runs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Path {
    Level(Level),
    /// The tiles of AMX where the matrix is deep enough and the tokens are not few, else AVX-512.
    #[cfg(target_arch = "x86_64")]
    Tiles,
}

/// The fastest kernel that is there and gives what the scalar one gives.
fn chosen() -> Path {
    #[cfg(target_arch = "x86_64")]
    {
        static TILES: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        let is_usable = || CHOSEN.level() == Level::Avx512 && super::int8_amx::allowed() && agrees_on(Path::Tiles);
        if *TILES.get_or_init(is_usable) {
            return Path::Tiles;
        }
    }
    Path::Level(CHOSEN.level())
}

/// The largest weight in size: more would not fit the 16 bits of a pair of products.
const MOST: i8 = 64;
/// The most inputs: with them a sum of products stays below 2^31.
const MOST_INPUTS: usize = 1 << 16;

/// Rows of a weight matrix as an ONNX file holds them, with their biases.
#[derive(Debug, Clone, Copy)]
pub struct Int8Part<'a> {
    /// `[input][row]`, -64 to 64 each.
    pub weights: &'a [i8],
    /// One a row.
    pub scales: &'a [f32],
    /// One a row.
    pub bias: &'a [f32],
}

/// A linear layer with 8-bit weights, packed for the kernels.
pub struct Int8Matrix {
    inputs: usize,
    /// `[group][step]`.
    packed: Vec<Step>,
    scales: Vec<f32>,
    /// Sum of a row's weights, times its scale.
    sums: Vec<f32>,
    bias: Vec<f32>,
    /// Inputs that count in full, in rising order.
    exact: Vec<usize>,
    /// Their weights: `[group][column][row]`.
    exact_weights: Vec<[f32; GROUP]>,
}

impl Int8Matrix {
    /// Packs the rows of `parts`, one after the other, as one matrix of `inputs` columns, of which those of `exact` (in
    /// rising order) count in full. `None` if a part's lengths do not fit each other, if its rows are not a multiple of
    /// 64 or the inputs none of 4, if a weight is beyond 64, or if there is no such column.
    pub fn new(inputs: usize, exact: &[usize], parts: &[Int8Part]) -> Option<Self> {
        let fits = |part: &Int8Part| {
            let rows = part.bias.len();
            rows.is_multiple_of(GROUP)
                && part.scales.len() == rows
                && rows.checked_mul(inputs) == Some(part.weights.len())
                && part.weights.iter().all(|w| w.unsigned_abs() <= MOST.unsigned_abs())
        };
        let is_supported = (1..=MOST_INPUTS).contains(&inputs) && inputs.is_multiple_of(4) && !parts.is_empty();
        let is_supported =
            is_supported && exact.is_sorted_by(|a, b| a < b) && exact.iter().all(|column| *column < inputs);
        if !is_supported || !parts.iter().all(fits) {
            return None;
        }
        let scales: Vec<f32> = parts.iter().flat_map(|part| part.scales).copied().collect();
        let mut sums = Vec::with_capacity(scales.len());
        let mut packed = Vec::with_capacity(scales.len() / GROUP * inputs / 4);
        let mut exact_weights = Vec::with_capacity(scales.len() / GROUP * exact.len());
        for part in parts {
            let rows = part.bias.len();
            for first in (0..rows).step_by(GROUP) {
                let mut totals = [0i32; GROUP];
                for step in part.weights.chunks_exact(4 * rows) {
                    let mut to = Step([[0; 4]; GROUP]);
                    for (input, from) in step.chunks_exact(rows).enumerate() {
                        for ((to, total), w) in to.0.iter_mut().zip(&mut totals).zip(&from[first..]) {
                            to[input] = *w;
                            *total += i32::from(*w);
                        }
                    }
                    packed.push(to);
                }
                let scales = &part.scales[first..];
                sums.extend(totals.iter().zip(scales).map(|(total, scale)| *total as f32 * scale));
                let weight =
                    |row: usize, column: usize| f32::from(part.weights[column * rows + first + row]) * scales[row];
                exact_weights.extend(
                    exact
                        .iter()
                        .map(|column| std::array::from_fn(|row| weight(row, *column))),
                );
            }
        }
        Some(Int8Matrix {
            inputs,
            packed,
            scales,
            sums,
            bias: parts.iter().flat_map(|part| part.bias).copied().collect(),
            exact: exact.to_vec(),
            exact_weights,
        })
    }

    /// Outputs of the layer.
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Inputs of the layer.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Rounds rows of numbers for this matrix.
    ///
    /// # Panics
    /// If `x` is not a whole number of rows, which is a defect of the caller.
    pub fn round(&self, x: &[f32], out: &mut Bytes) {
        out.round(x, self.inputs, &self.exact);
    }

    /// `out[token][row] = x[token] . W[row] + bias[row]` for some of the rows; `out` is resized to tokens x rows.
    ///
    /// # Panics
    /// If `x` was not rounded for this matrix, or the rows are not whole groups of it: defects of the caller.
    pub fn multiply(&self, rows: Range<usize>, x: &Bytes, out: &mut Vec<f32>) {
        self.multiply_by(chosen(), rows, x, out);
    }

    fn multiply_by(&self, path: Path, rows: Range<usize>, x: &Bytes, out: &mut Vec<f32>) {
        let widths = (self.inputs, self.exact.len());
        assert_eq!((x.inputs(), x.exact()), widths, "activations of another layer");
        assert!(rows.start.is_multiple_of(GROUP) && rows.end.is_multiple_of(GROUP) && rows.end <= self.rows());
        out.resize(x.tokens() * rows.len(), 0.0);
        if x.tokens() == 0 {
            return;
        }
        let steps = self.inputs / 4;
        #[cfg(target_arch = "x86_64")]
        let tiles = (path == Path::Tiles && self.inputs.is_multiple_of(super::int8_amx::DEPTH) && x.tokens() >= FEW)
            // SAFETY: the path was chosen, or is tested, because the process may use tiles.
            .then(|| unsafe { super::int8_amx::Tiles::shape() });
        let [scales, sums, bias] = [&self.scales, &self.sums, &self.bias].map(|all| all.as_chunks::<GROUP>().0);
        for (place, group) in (rows.start / GROUP..rows.end / GROUP).enumerate() {
            let tile = Tile {
                weights: &self.packed[group * steps..][..steps],
                scales: &scales[group],
                sums: &sums[group],
                bias: &bias[group],
                exact: &self.exact_weights[group * self.exact.len()..][..self.exact.len()],
                x,
                rows: rows.len(),
            };
            let out = &mut out[place * GROUP..];
            match path {
                // SAFETY: `check` asserts the conditions; the codes are those of whole tiles, as `Bytes` makes them.
                #[cfg(target_arch = "x86_64")]
                Path::Tiles => match &tiles {
                    Some(tiles) => {
                        tile.check(out);
                        unsafe { tiles.run(&tile, out) }
                    }
                    None => tile.run(Level::Avx512, out),
                },
                Path::Level(level) => tile.run(level, out),
            }
        }
    }
}

impl Tile<'_> {
    /// Asserts what the vector kernels rely on, where it costs nothing.
    fn check(&self, out: &[f32]) {
        let tokens = self.x.tokens();
        assert!(tokens > 0 && 4 * self.weights.len() == self.x.inputs());
        assert!(self.x.codes().len() >= tokens * self.x.inputs() && self.x.spans().len() >= tokens);
        assert!(self.exact.len() == self.x.exact() && self.x.all_missed().len() >= tokens * self.exact.len());
        assert!(out.len() >= (tokens - 1) * self.rows + GROUP);
    }

    /// `out` begins at the group's first row of the first token.
    fn run(&self, level: Level, out: &mut [f32]) {
        self.check(out);
        match level {
            // SAFETY: a level is only handed out after `Level::supported` found its instructions; the assertions
            // above are the kernel's conditions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { super::int8_x86::run_avx512(self, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { super::int8_x86::run_avx2(self, out) },
            _ => self.run_scalar(out),
        }
    }

    fn run_scalar(&self, out: &mut [f32]) {
        let tokens = self.x.codes().chunks_exact(self.x.inputs()).zip(self.x.spans());
        for (token, ((codes, span), out)) in tokens.zip(out.chunks_mut(self.rows)).enumerate() {
            let mut sums = [0i32; GROUP];
            for (codes, weights) in codes.as_chunks::<4>().0.iter().zip(self.weights) {
                for (sum, weights) in sums.iter_mut().zip(&weights.0) {
                    for (code, weight) in codes.iter().zip(weights) {
                        *sum += i32::from(*code) * i32::from(*weight);
                    }
                }
            }
            let missed = self.x.missed(token);
            for (row, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                let mut rest = span.least * self.sums[row] + self.bias[row];
                for (missed, weights) in missed.iter().zip(self.exact) {
                    rest += missed * weights[row];
                }
                *out = sum as f32 * (span.scale * self.scales[row]) + rest;
            }
        }
    }
}

/// The columns that count in full in examples.
const EXACT: [usize; 2] = [0, 3];

/// A matrix of fixed pseudo-random weights, and activations of both ends of their range among others.
fn example(rows: usize, inputs: usize, tokens: usize) -> (Vec<i8>, Vec<f32>, Vec<f32>, Bytes) {
    let mut stream = Stream((rows * inputs * 31 + tokens) as u64);
    let weights = (0..rows * inputs)
        .map(|i| match i / rows % 3 {
            // Rows of the largest sums, of either sign.
            0 => MOST * (1 - 2 * (i % 2) as i8),
            // 128 becomes -128, and that less 64 is 64 again: as wanted, by going round.
            _ => ((stream.bits() % 129) as i8).wrapping_sub(MOST),
        })
        .collect();
    let scales = stream.vector(rows).iter().map(|x| 0.001 + 0.001 * x.abs()).collect();
    let bias = stream.vector(rows);
    let codes = (0..tokens * inputs)
        .map(|i| if i % 5 < 2 { 255 } else { stream.bits() as u8 })
        .collect();
    let spans: Vec<_> = (0..tokens)
        .map(|_| (0.01 + 0.01 * stream.unit().abs(), stream.unit()))
        .collect();
    let missed = stream.vector(tokens * EXACT.len()).iter().map(|x| 30.0 * x).collect();
    let x = Bytes::of(inputs, codes, spans.into_iter()).with_missed(EXACT.len(), missed);
    (weights, scales, bias, x)
}

/// Whether the product of a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    agrees_on(Path::Level(level))
}

/// The same of a kernel, with as many tokens as any tile takes.
fn agrees_on(path: Path) -> bool {
    (1..=13).chain([17, 33]).all(|tokens| {
        let (weights, scales, bias, x) = example(2 * GROUP, 128, tokens);
        let part = Int8Part {
            weights: &weights,
            scales: &scales,
            bias: &bias,
        };
        Int8Matrix::new(128, &EXACT, &[part]).is_some_and(|matrix| {
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            matrix.multiply_by(path, 0..2 * GROUP, &x, &mut fast);
            matrix.multiply_by(Path::Level(Level::Scalar), 0..2 * GROUP, &x, &mut plain);
            close(&fast, &plain, 1e-5)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All kernels that run here.
    fn paths() -> Vec<Path> {
        let levels = CHOSEN.usable().into_iter().map(Path::Level);
        let mut paths: Vec<Path> = levels.collect();
        if !paths.contains(&chosen()) {
            paths.push(chosen());
        }
        paths
    }

    /// Measures, and asserts nothing: whether the order in which levels are taken is the order of their speed on this
    /// processor. It is no part of the choice, which would then differ from run to run, and answers in their last bits.
    #[test]
    #[ignore = "prints times; run it with --release -- --ignored --nocapture how_fast"]
    fn how_fast_each_path_is() {
        for (rows, inputs) in [(512, 512), (2048, 512), (512, 2048)] {
            for tokens in [1, 16, 64, 256] {
                let (weights, scales, bias, x) = example(rows, inputs, tokens);
                let part = Int8Part {
                    weights: &weights,
                    scales: &scales,
                    bias: &bias,
                };
                let matrix = Int8Matrix::new(inputs, &EXACT, &[part]).unwrap();
                let mut out = Vec::new();
                for path in paths() {
                    let times = (0..15).map(|_| {
                        let begin = std::time::Instant::now();
                        for _ in 0..4096 / tokens {
                            matrix.multiply_by(path, 0..rows, &x, &mut out);
                        }
                        begin.elapsed() / (4096 / tokens * tokens) as u32
                    });
                    let best = times.min().unwrap_or_default();
                    println!("{rows} x {inputs}, {tokens} tokens, {path:?}: {best:?} a token");
                }
            }
        }
    }

    #[test]
    fn the_product_is_the_definition_at_every_level_and_shape() {
        for (rows, inputs) in [(64, 4), (64, 64), (128, 512), (64, 2048), (192, 68)] {
            for tokens in [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 16, 31, 48] {
                let (weights, scales, bias, x) = example(rows, inputs, tokens);
                let part = Int8Part {
                    weights: &weights,
                    scales: &scales,
                    bias: &bias,
                };
                let matrix = Int8Matrix::new(inputs, &EXACT, &[part]).unwrap();
                let mut expected = Vec::new();
                for (token, (codes, span)) in x.codes().chunks_exact(inputs).zip(x.spans()).enumerate() {
                    for row in 0..rows {
                        let dot: f64 = codes
                            .iter()
                            .enumerate()
                            .map(|(i, code)| {
                                let missed = EXACT.iter().position(|column| *column == i);
                                let missed = missed.map_or(0.0, |place| f64::from(x.missed(token)[place]));
                                let x = f64::from(*code) * f64::from(span.scale) + f64::from(span.least) + missed;
                                x * f64::from(weights[i * rows + row]) * f64::from(scales[row])
                            })
                            .sum();
                        expected.push((dot + f64::from(bias[row])) as f32);
                    }
                }
                for path in paths() {
                    let mut out = vec![f32::NAN; 3];
                    matrix.multiply_by(path, 0..rows, &x, &mut out);
                    let case = format!("{path:?} {rows} x {inputs}, {tokens} tokens");
                    assert!(close(&out, &expected, 1e-4), "{case}");
                    // Some of the rows are those rows of all.
                    let mut last = Vec::new();
                    matrix.multiply_by(path, rows - GROUP..rows, &x, &mut last);
                    let of_all = out.chunks_exact(rows).flat_map(|row| &row[rows - GROUP..]);
                    assert!(last.iter().eq(of_all), "{case}");
                    // A token's outputs do not depend on its company.
                    for (token, row) in out.chunks_exact(rows).enumerate() {
                        let mut alone = Vec::new();
                        let span = x.spans()[token];
                        let codes = x.codes()[token * inputs..][..inputs].to_vec();
                        let one = Bytes::of(inputs, codes, std::iter::once((span.scale, span.least)));
                        let one = one.with_missed(EXACT.len(), x.missed(token).to_vec());
                        matrix.multiply_by(path, 0..rows, &one, &mut alone);
                        assert_eq!(alone, row, "{case}");
                    }
                }
            }
        }
    }

    #[test]
    fn parts_are_stacked() {
        let (a, scales_a, bias_a, x) = example(64, 64, 5);
        let (b, scales_b, bias_b, _) = example(128, 64, 5);
        let parts = [(&a, &scales_a, &bias_a), (&b, &scales_b, &bias_b)].map(|(weights, scales, bias)| Int8Part {
            weights,
            scales,
            bias,
        });
        let both = Int8Matrix::new(64, &EXACT, &parts).unwrap();
        assert_eq!((both.rows(), both.inputs()), (192, 64));
        let [mut out, mut first, mut second] = [Vec::new(), Vec::new(), Vec::new()];
        both.multiply(0..192, &x, &mut out);
        Int8Matrix::new(64, &EXACT, &parts[..1])
            .unwrap()
            .multiply(0..64, &x, &mut first);
        Int8Matrix::new(64, &EXACT, &parts[1..])
            .unwrap()
            .multiply(0..128, &x, &mut second);
        for token in 0..5 {
            assert_eq!(out[token * 192..][..64], first[token * 64..][..64]);
            assert_eq!(out[token * 192 + 64..][..128], second[token * 128..][..128]);
        }
    }

    #[test]
    fn the_largest_sums_do_not_saturate_at_any_level() {
        let inputs = 2048;
        for (weight, code) in [(64, 255), (-64, 255), (64, 0), (-64, 1)] {
            let (weights, scales, bias) = (vec![weight; 64 * inputs], vec![0.5; 64], vec![3.0; 64]);
            let part = Int8Part {
                weights: &weights,
                scales: &scales,
                bias: &bias,
            };
            let matrix = Int8Matrix::new(inputs, &[], &[part]).unwrap();
            let expected = 3.0 + 0.25 * f32::from(weight) * f32::from(code) * inputs as f32;
            for tokens in 1..=8 {
                let spans = std::iter::repeat_n((0.5, 0.0), tokens);
                let x = Bytes::of(inputs, vec![code; tokens * inputs], spans);
                for path in paths() {
                    let mut out = Vec::new();
                    matrix.multiply_by(path, 0..64, &x, &mut out);
                    let case = format!("{path:?} {weight} x {code}, {tokens}");
                    assert_eq!(out, vec![expected; 64 * tokens], "{case}");
                }
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (weights, scales, bias, _) = example(64, 64, 1);
        let check = |inputs: usize, weights: &[i8], rows: usize| {
            let part = Int8Part {
                weights,
                scales: &scales,
                bias: &bias[..rows],
            };
            Int8Matrix::new(inputs, &[0, 7], &[part]).is_some()
        };
        assert!(check(64, &weights, 64));
        assert!(!check(64, &weights[1..], 64));
        assert!(!check(64, &weights, 63));
        assert!(!check(0, &[], 64));
        assert!(!check(32, &weights, 64));
        assert!(!check(66, &weights, 64));
        let mut wide = weights.clone();
        wide[77] = -65;
        assert!(!check(64, &wide, 64));
        assert!(Int8Matrix::new(64, &[], &[]).is_none());
    }
}
