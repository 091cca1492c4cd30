//! The forward pass in plain f32 on the file's weights, as its definition reads: what the tests hold the fast one
//! against. Slow.

use std::ops::Range;

use super::config::Config;
use super::onnx::OnnxFile;
use crate::error::Result;
use crate::kernel::normalize;

/// GELU with erf by Abramowitz and Stegun 7.1.26 in f64 (error below 1.5e-7), which is not the kernel's formula.
fn gelu(x: f64) -> f64 {
    let z = (x * std::f64::consts::FRAC_1_SQRT_2).abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        ((((1.061_405_429 * t - 1.453_152_027) * t + 1.421_413_741) * t - 0.284_496_736) * t + 0.254_829_592) * t;
    let erf = (1.0 - poly * (-z * z).exp()).copysign(x);
    0.5 * x * (1.0 + erf)
}

struct Weights<'a> {
    file: &'a OnnxFile,
    config: &'a Config,
}

type Rows = Vec<Vec<f64>>;

impl Weights<'_> {
    fn linear(&self, l: usize, name: &str, x: &Rows, rows: usize) -> Result<Rows> {
        let inputs = x[0].len();
        let node = format!("/encoder/layer.{l}/{}/MatMul_quant", name.replace('.', "/"));
        let linear = self.file.linear(&node, inputs, rows)?;
        let bias = self.file.numbers(&format!("encoder.layer.{l}.{name}.bias"), &[rows])?;
        let row = |x: &Vec<f64>| {
            let mut sums = vec![0.0; rows];
            for (x, weights) in x.iter().zip(linear.weights.chunks(rows)) {
                for (sum, w) in sums.iter_mut().zip(weights) {
                    *sum += x * f64::from(*w as i8);
                }
            }
            let scaled = sums.iter().zip(&linear.scales).zip(&bias);
            scaled
                .map(|((sum, scale), bias)| sum * f64::from(*scale) + f64::from(*bias))
                .collect()
        };
        Ok(x.iter().map(row).collect())
    }

    fn norm(&self, name: &str, x: &mut Rows, y: &Rows) -> Result<()> {
        let width = self.config.hidden;
        let weight = self.file.numbers(&format!("{name}.weight"), &[width])?;
        let bias = self.file.numbers(&format!("{name}.bias"), &[width])?;
        for (row, y) in x.iter_mut().zip(y) {
            row.iter_mut().zip(y).for_each(|(x, y)| *x += y);
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
            let inverse = 1.0 / (variance + f64::from(self.config.epsilon)).sqrt();
            for (i, x) in row.iter_mut().enumerate() {
                *x = (*x - mean) * inverse * f64::from(weight[i]) + f64::from(bias[i]);
            }
        }
        Ok(())
    }

    fn table(&self, name: &str, rows: usize) -> Result<impl Fn(usize) -> Vec<f64>> {
        let width = self.config.hidden;
        let (codes, scale, zero) = self.file.table(&format!("embeddings.{name}.weight"), &[rows, width])?;
        Ok(move |row: usize| {
            let codes = &codes[row * width..][..width];
            codes
                .iter()
                .map(|code| f64::from((f32::from(*code) - zero) * scale))
                .collect()
        })
    }
}

/// Softmax attention of one text's tokens to those in `seen`.
fn attention([q, k, v]: [&Rows; 3], seen: &Range<usize>, head: usize) -> Rows {
    let hidden = q[0].len();
    let mut out = vec![vec![0.0; hidden]; q.len()];
    for first in (0..hidden).step_by(head) {
        let dims = first..first + head;
        for (q, out) in q.iter().zip(&mut out) {
            let scores: Vec<f64> = k[seen.clone()]
                .iter()
                .map(|k| dims.clone().map(|i| q[i] * k[i]).sum::<f64>() / (head as f64).sqrt())
                .collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
            let total: f64 = weights.iter().sum();
            for (weight, v) in weights.iter().zip(&v[seen.clone()]) {
                for i in dims.clone() {
                    out[i] += weight / total * v[i];
                }
            }
        }
    }
    out
}

/// The vector of a part of a text given as ids, control tokens included: in the last layer its first token sees the
/// part alone. The part of all tokens is the text.
pub(super) fn run(file: &OnnxFile, config: &Config, text: &[u32], part: &Range<usize>) -> Result<Vec<f32>> {
    let (hidden, weights) = (config.hidden, Weights { file, config });
    let words = weights.table("word_embeddings", config.words)?;
    let positions = weights.table("position_embeddings", config.positions)?;
    let types = weights.table("token_type_embeddings", config.types)?(0);
    let sum = |(position, id): (usize, &u32)| {
        let (word, position) = (words(*id as usize), positions(position));
        (0..hidden).map(|i| word[i] + position[i] + types[i]).collect()
    };
    let mut x: Rows = text.iter().enumerate().map(sum).collect();
    weights.norm("embeddings.LayerNorm", &mut x, &vec![vec![0.0; hidden]; text.len()])?;
    for l in 0..config.layers {
        let of = |name: &str| weights.linear(l, &format!("attention.self.{name}"), &x, hidden);
        let whole = 0..text.len();
        let seen = if l + 1 == config.layers { part } else { &whole };
        let context = attention([&of("query")?, &of("key")?, &of("value")?], seen, config.head());
        let y = weights.linear(l, "attention.output.dense", &context, hidden)?;
        weights.norm(&format!("encoder.layer.{l}.attention.output.LayerNorm"), &mut x, &y)?;
        let mut wide = weights.linear(l, "intermediate.dense", &x, config.feed_forward)?;
        wide.iter_mut().flatten().for_each(|x| *x = gelu(*x));
        let y = weights.linear(l, "output.dense", &wide, hidden)?;
        weights.norm(&format!("encoder.layer.{l}.output.LayerNorm"), &mut x, &y)?;
    }
    let mut vector: Vec<f32> = x[0].iter().map(|x| *x as f32).collect();
    normalize(&mut vector);
    Ok(vector)
}
