//! Softmax attention of one text over itself, in f32, head by head.
//!
//! Keys are transposed once a head, so that a vector holds one component of many keys and a tile of four questions
//! shares each load; values are copied together, because in the layer's output they lie three rows apart.

use super::lanes::{fma, fold, larger};
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::{Stream, close};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// Components of a head; the kernels are written for this width.
pub const HEAD: usize = 32;

/// Query rows of a tile of scores.
const TILE: usize = 4;
/// Query rows of a tile of weighted values: 2 x 32 components are eight AVX2 sums, enough to hide their latency.
const PAIR: usize = 2;
/// 1 / sqrt(HEAD).
const ROOT: f32 = 0.176_776_7;
/// Keys handled side by side.
const LANES: usize = 16;

/// The buffers that attention needs, kept between calls.
#[derive(Debug, Default)]
pub struct AttentionScratch {
    /// Groups of keys, `[component][key]`; the last group is filled up with zeros.
    keys: Vec<[[f32; LANES]; HEAD]>,
    /// `[key][component]`.
    values: Vec<[f32; HEAD]>,
    /// `[TILE][key]`, filled up alike.
    scores: Vec<f32>,
}

/// `out[t] = softmax(q_t k^T / sqrt(32)) v` for each head of each token of one part of a text, over all its parts.
///
/// A part holds a row of `3 x hidden` numbers a token: query, key, value, each `hidden = heads x 32` wide, head after
/// head. `out` takes a row of `hidden` numbers for each token of part `own`. How a text is cut into parts changes no
/// bit of the result.
///
/// # Panics
/// If there is no such part, the lengths do not fit each other or `hidden` is not a multiple of 32, which is a defect
/// of the caller.
pub fn attend(parts: &[&[f32]], own: usize, hidden: usize, out: &mut [f32], scratch: &mut AttentionScratch) {
    attend_checked(CHOSEN.level(), parts, own, hidden, out, scratch);
}

fn attend_checked(
    level: Level,
    parts: &[&[f32]],
    own: usize,
    hidden: usize,
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    assert!(hidden > 0 && hidden.is_multiple_of(HEAD) && out.len().is_multiple_of(hidden));
    assert!(parts.iter().all(|part| part.len().is_multiple_of(3 * hidden)));
    assert_eq!(parts[own].len(), 3 * out.len(), "query, key and value of each token");
    if !out.is_empty() {
        attend_at(level, parts, own, hidden, out, scratch);
    }
}

for_each_level!(
    fn attend_at(parts: &[&[f32]], own: usize, hidden: usize, out: &mut [f32], scratch: &mut AttentionScratch)
        = attend_body
);

#[inline(always)]
fn attend_body<const FMA: bool>(
    parts: &[&[f32]],
    own: usize,
    hidden: usize,
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let tokens = parts.iter().map(|part| part.len()).sum::<usize>() / (3 * hidden);
    let queries = out.len() / hidden;
    let AttentionScratch { keys, values, scores } = scratch;
    keys.clear();
    keys.resize(tokens.div_ceil(LANES), [[0.0; LANES]; HEAD]);
    values.resize(tokens, [0.0; HEAD]);
    let padded = keys.len() * LANES;
    scores.resize(TILE * padded, 0.0);
    let rows = parts[own].chunks_exact(3 * hidden);
    for head in (0..hidden).step_by(HEAD) {
        let mut token = 0;
        for part in parts {
            for row in part.chunks_exact(3 * hidden) {
                let (Some(key), Some(value)) = (
                    row[hidden + head..].first_chunk::<HEAD>(),
                    row[2 * hidden + head..].first_chunk::<HEAD>(),
                ) else {
                    continue;
                };
                let (group, lane) = (&mut keys[token / LANES], token % LANES);
                for d in 0..HEAD {
                    // Divided by the root of the width here, once, and not in each score.
                    group[d][lane] = key[d] * ROOT;
                }
                values[token] = *value;
                token += 1;
            }
        }
        for (first, out) in (0..queries).step_by(TILE).zip(out.chunks_mut(TILE * hidden)) {
            // Of a tile that is not full the last row is worked out again and not used.
            let query = |t: usize| {
                rows.clone()
                    .nth((first + t).min(queries - 1))
                    .and_then(|row| row[head..].first_chunk())
            };
            let [Some(a), Some(b), Some(c), Some(d)] = std::array::from_fn(query) else {
                continue;
            };
            score::<FMA>([a, b, c, d], keys, scores);
            for (pair, out) in out.chunks_mut(PAIR * hidden).enumerate() {
                let scores = &mut scores[pair * PAIR * padded..][..PAIR * padded];
                let mut inverse = [0.0f32; PAIR];
                for (scores, inverse) in scores.chunks_exact_mut(padded).zip(&mut inverse) {
                    *inverse = 1.0 / soften::<FMA>(scores, tokens);
                }
                let sums = weigh::<FMA>(scores, padded, values);
                for ((out, sums), inverse) in out.chunks_exact_mut(hidden).zip(&sums).zip(inverse) {
                    for (out, sum) in out[head..].iter_mut().zip(sums) {
                        *out = sum * inverse;
                    }
                }
            }
        }
    }
}

/// Dot products of a tile of queries with all keys, a row of scores for each.
#[inline(always)]
fn score<const FMA: bool>(queries: [&[f32; HEAD]; TILE], keys: &[[[f32; LANES]; HEAD]], scores: &mut [f32]) {
    for (group, keys) in keys.iter().enumerate() {
        let mut sums = [[0.0f32; LANES]; TILE];
        for d in 0..HEAD {
            for t in 0..TILE {
                for i in 0..LANES {
                    sums[t][i] = fma::<FMA>(queries[t][d], keys[d][i], sums[t][i]);
                }
            }
        }
        let row = scores.len() / TILE;
        for (t, sums) in sums.iter().enumerate() {
            scores[t * row + group * LANES..][..LANES].copy_from_slice(sums);
        }
    }
}

/// Replaces the first `tokens` scores by `exp(score - max)`, the padding by 0, and returns their sum (at least 1).
#[inline(always)]
fn soften<const FMA: bool>(scores: &mut [f32], tokens: usize) -> f32 {
    scores[tokens..].fill(f32::NEG_INFINITY);
    let (chunks, _) = scores.as_chunks_mut::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks.iter() {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*x, *lane);
        }
    }
    let largest = fold(lanes, larger);
    let mut sums = [0.0f32; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *x = exp::<FMA>(*x - largest);
            *sum += *x;
        }
    }
    fold(sums, |a, b| a + b)
}

/// e^x for x <= 0, relative error below 1e-6; 0 below -87 (where f32 would become subnormal).
///
/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2, e^r by a polynomial of degree 6 (Cephes' `expf`).
#[inline(always)]
fn exp<const FMA: bool>(x: f32) -> f32 {
    /// 1.5 x 2^23: adding it leaves the rounded integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = fma::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // ln 2 in two parts, so that n ln 2 is exact enough.
    let r = fma::<FMA>(n, 2.121_944_4e-4, fma::<FMA>(n, -0.693_359_4, x));
    let mut p = 1.987_569_1e-4;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
        1.0,
        1.0,
    ] {
        p = fma::<FMA>(p, r, c);
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
    if x < -87.0 { 0.0 } else { p * power }
}

/// For a pair of rows of weights, the weighted sums of all values.
#[inline(always)]
fn weigh<const FMA: bool>(weights: &[f32], padded: usize, values: &[[f32; HEAD]]) -> [[f32; HEAD]; PAIR] {
    let mut sums = [[0.0f32; HEAD]; PAIR];
    let (first, second) = weights[..PAIR * padded].split_at(padded);
    for ((value, a), b) in values.iter().zip(first).zip(second) {
        for i in 0..HEAD {
            sums[0][i] = fma::<FMA>(*a, value[i], sums[0][i]);
            sums[1][i] = fma::<FMA>(*b, value[i], sums[1][i]);
        }
    }
    sums
}

/// Whether attention at a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(4);
    let qkv: Vec<f32> = (0..19 * 3 * HEAD).map(|_| 4.0 * stream.unit()).collect();
    let run = |level: Level| {
        let mut out = vec![0.0; 19 * HEAD];
        attend_checked(level, &[&qkv], 0, HEAD, &mut out, &mut AttentionScratch::default());
        out
    };
    close(&run(level), &run(Level::Scalar), 1e-4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attention by its definition, in f64.
    fn expected(qkv: &[f32], hidden: usize) -> Vec<f32> {
        let tokens = qkv.len() / (3 * hidden);
        let at = |token: usize, part: usize, i: usize| f64::from(qkv[token * 3 * hidden + part * hidden + i]);
        let mut out = vec![0.0; tokens * hidden];
        for head in 0..hidden / HEAD {
            for t in 0..tokens {
                let dims = head * HEAD..(head + 1) * HEAD;
                let weights: Vec<f64> = (0..tokens)
                    .map(|u| dims.clone().map(|i| at(t, 0, i) * at(u, 1, i)).sum::<f64>() / (HEAD as f64).sqrt())
                    .map(f64::exp)
                    .collect();
                let total: f64 = weights.iter().sum();
                for i in dims {
                    let sum: f64 = weights.iter().enumerate().map(|(u, w)| w * at(u, 2, i)).sum();
                    out[t * hidden + i] = (sum / total) as f32;
                }
            }
        }
        out
    }

    #[test]
    fn attention_is_the_definition_at_every_level_and_length() {
        let mut stream = Stream(8);
        let mut scratch = AttentionScratch::default();
        for tokens in [1, 2, 3, 4, 5, 16, 17, 31, 32, 50, 7] {
            for hidden in [HEAD, 3 * HEAD] {
                let qkv: Vec<f32> = (0..tokens * 3 * hidden).map(|_| 3.0 * stream.unit()).collect();
                for level in CHOSEN.usable() {
                    let mut out = vec![f32::NAN; tokens * hidden];
                    attend_checked(level, &[&qkv], 0, hidden, &mut out, &mut scratch);
                    assert!(
                        close(&out, &expected(&qkv, hidden), 1e-4),
                        "{} {tokens} x {hidden}",
                        level.name()
                    );
                    let (first, second) = qkv.split_at(tokens / 2 * 3 * hidden);
                    let mut parted = vec![f32::NAN; tokens * hidden];
                    let (one, two) = parted.split_at_mut(tokens / 2 * hidden);
                    attend_checked(level, &[first, second], 0, hidden, one, &mut scratch);
                    attend_checked(level, &[first, second], 1, hidden, two, &mut scratch);
                    assert_eq!(out, parted, "{} {tokens} x {hidden} in two parts", level.name());
                }
            }
        }
        attend(&[&[]], 0, HEAD, &mut [], &mut scratch);
    }

    #[test]
    fn exp_is_close_down_to_nothing() {
        for i in 0..2000 {
            let x = -0.05 * i as f32;
            let real = f64::from(x).exp();
            for y in [exp::<true>(x), exp::<false>(x)] {
                assert!((f64::from(y) - real).abs() <= 1e-6 * real + 1e-37, "{x}: {y} {real}");
            }
        }
        assert_eq!(exp::<false>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<false>(0.0), 1.0);
    }

    #[test]
    fn a_dominant_key_takes_all_the_weight() {
        let mut qkv = vec![0.0; 2 * 3 * HEAD];
        qkv[0] = 1000.0;
        qkv[3 * HEAD + HEAD] = 1000.0;
        qkv[3 * HEAD + 2 * HEAD] = 7.0;
        for level in CHOSEN.usable() {
            let mut out = vec![0.0; 2 * HEAD];
            attend_checked(level, &[&qkv], 0, HEAD, &mut out, &mut AttentionScratch::default());
            assert_eq!((out[0], out[HEAD]), (7.0, 3.5), "{}", level.name());
        }
    }
}
