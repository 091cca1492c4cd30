//! The forward pass in plain f32, as its definition reads: what the tests hold the fast one against. Slow.

use super::file::ModelFile;
use super::forward::{mean, numbers};
use crate::error::Result;
use crate::kernel::dot_f32;

/// GELU with erf by Abramowitz and Stegun 7.1.26 in f64 (error below 1.5e-7), which is not the kernel's formula.
fn gelu(x: f32) -> f32 {
    let z = (f64::from(x) * std::f64::consts::FRAC_1_SQRT_2).abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        ((((1.061_405_429 * t - 1.453_152_027) * t + 1.421_413_741) * t - 0.284_496_736) * t + 0.254_829_592) * t;
    let erf = (1.0 - poly * (-z * z).exp()).copysign(f64::from(x));
    (0.5 * f64::from(x) * (1.0 + erf)) as f32
}

struct Weights<'a>(&'a ModelFile);

impl Weights<'_> {
    fn linear(&self, name: &str, x: &[f32], inputs: usize, rows: usize) -> Result<Vec<f32>> {
        let weight = numbers(self.0, &format!("{name}.w"), inputs * rows)?;
        let bias = self.0.numbers(&format!("{name}.b"), rows)?;
        let mut out = Vec::with_capacity(x.len() / inputs * rows);
        for token in x.chunks_exact(inputs) {
            out.extend(
                weight
                    .chunks_exact(inputs)
                    .zip(&bias)
                    .map(|(row, b)| dot_f32(row, token) + b),
            );
        }
        Ok(out)
    }

    fn norm(&self, name: &str, x: &mut [f32], y: &[f32]) -> Result<()> {
        let width = self.0.shape().hidden;
        let weight = self.0.numbers(&format!("{name}.w"), width)?;
        let bias = self.0.numbers(&format!("{name}.b"), width)?;
        for (row, y) in x.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
            let sums: Vec<f64> = row.iter().zip(y).map(|(x, y)| f64::from(x + y)).collect();
            let mean = sums.iter().sum::<f64>() / width as f64;
            let variance = sums.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
            let inverse = 1.0 / (variance + f64::from(self.0.shape().epsilon)).sqrt();
            for (i, x) in row.iter_mut().enumerate() {
                *x = ((sums[i] - mean) * inverse) as f32 * weight[i] + bias[i];
            }
        }
        Ok(())
    }
}

/// Softmax attention of one text's tokens.
fn attention(q: &[f32], k: &[f32], v: &[f32], hidden: usize, heads: usize) -> Vec<f32> {
    let (tokens, width) = (q.len() / hidden, hidden / heads);
    let mut out = vec![0.0; q.len()];
    for head in 0..heads {
        let part = |x: &[f32], t: usize| x[t * hidden + head * width..][..width].to_vec();
        for t in 0..tokens {
            let scores: Vec<f32> = (0..tokens)
                .map(|u| dot_f32(&part(q, t), &part(k, u)) / (width as f32).sqrt())
                .collect();
            let largest = scores.iter().copied().fold(f32::MIN, f32::max);
            let weights: Vec<f32> = scores.iter().map(|s| (s - largest).exp()).collect();
            let total: f32 = weights.iter().sum();
            for (u, weight) in weights.iter().enumerate() {
                for (i, value) in part(v, u).iter().enumerate() {
                    out[t * hidden + head * width + i] += weight / total * value;
                }
            }
        }
    }
    out
}

/// Vectors of texts given as ids, control tokens included.
pub(super) fn run(file: &ModelFile, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
    let shape = *file.shape();
    let (hidden, weights) = (shape.hidden, Weights(file));
    let words = numbers(file, "emb.word", shape.words * hidden)?;
    let positions = numbers(file, "emb.pos", shape.positions * hidden)?;
    let types = numbers(file, "emb.type", shape.types * hidden)?;
    let mut x = Vec::new();
    for text in texts {
        for (position, id) in text.iter().enumerate() {
            x.extend(
                (0..hidden).map(|i| words[*id as usize * hidden + i] + positions[position * hidden + i] + types[i]),
            );
        }
    }
    let zero = vec![0.0; x.len()];
    weights.norm("emb.ln", &mut x, &zero)?;
    for l in 0..shape.layers {
        let [q, k, v] = ["q", "k", "v"].map(|name| weights.linear(&format!("l{l}.{name}"), &x, hidden, hidden));
        let (q, k, v) = (q?, k?, v?);
        let (mut context, mut at) = (Vec::new(), 0);
        for text in texts {
            let range = at..at + text.len() * hidden;
            context.extend(attention(
                &q[range.clone()],
                &k[range.clone()],
                &v[range.clone()],
                hidden,
                shape.heads,
            ));
            at = range.end;
        }
        let y = weights.linear(&format!("l{l}.ao"), &context, hidden, hidden)?;
        weights.norm(&format!("l{l}.aln"), &mut x, &y)?;
        let mut wide = weights.linear(&format!("l{l}.fi"), &x, hidden, shape.feed_forward)?;
        wide.iter_mut().for_each(|v| *v = gelu(*v));
        let y = weights.linear(&format!("l{l}.fo"), &wide, shape.feed_forward, hidden)?;
        weights.norm(&format!("l{l}.oln"), &mut x, &y)?;
    }
    let mut rest = x.as_slice();
    let vectors = texts.iter().map(|text| {
        let (rows, after) = rest.split_at(text.len() * hidden);
        rest = after;
        mean(&[rows], hidden)
    });
    Ok(vectors.collect())
}
