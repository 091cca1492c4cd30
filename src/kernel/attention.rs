//! Softmax attention of one text over itself, in f32, head by head.
//!
//! Keys are transposed once a head, so that a vector holds one component of many keys and a tile of a few queries
//! shares each load; values are copied together, because in the layer's output they lie two rows apart.

use super::attention_rows::{LANES, SLICE};
use super::lanes::{fma, fold, larger};
use super::level::{Chosen, Level};
use super::selfcheck::{Stream, close};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// Widths of a head that there is a kernel for, in components.
pub const HEADS: [usize; 2] = [32, 64];

/// The buffers that attention needs, kept between calls.
#[derive(Debug, Default)]
pub struct AttentionScratch {
    /// Groups of keys, `[group][component][key]`; the last group is filled up with zeros.
    keys: Vec<[f32; LANES]>,
    /// `[key][component]`.
    values: Vec<f32>,
    /// `[query of a tile][key]`, filled up alike.
    scores: Vec<f32>,
}

/// `out[t] = softmax(q_t k^T / sqrt(head)) v` for each head of each row of queries, over the keys and values of all
/// parts of a text.
///
/// `queries` and `out` hold rows of `hidden` numbers, head after head, each `head` wide (one of [`HEADS`]); a part
/// holds a row of `2 x hidden` numbers for each of its tokens, key and value. How a text is cut into parts, and which
/// rows of queries are asked together, changes no bit of the result.
///
/// # Panics
/// If the lengths do not fit each other, there is no key, or there is no kernel for the width: defects of the caller.
pub fn attend(
    queries: &[f32],
    parts: &[&[f32]],
    [hidden, head]: [usize; 2],
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    attend_checked(CHOSEN.level(), queries, parts, [hidden, head], out, scratch);
}

fn attend_checked(
    level: Level,
    queries: &[f32],
    parts: &[&[f32]],
    [hidden, head]: [usize; 2],
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    assert!(hidden > 0 && hidden.is_multiple_of(head) && out.len().is_multiple_of(hidden));
    assert_eq!(queries.len(), out.len(), "a row of output for each query");
    assert!(parts.iter().all(|part| part.len().is_multiple_of(2 * hidden)));
    if out.is_empty() {
        return;
    }
    assert!(parts.iter().any(|part| !part.is_empty()), "a query needs a key");
    match head {
        32 => attend_32(level, queries, parts, hidden, out, scratch),
        64 => attend_64(level, queries, parts, hidden, out, scratch),
        _ => panic!("no kernel for heads of {head}"),
    }
}

/// Defines `$name`, which runs [`attend_body`] for heads of `$head` compiled for a level. AVX-512 has registers for
/// twice the rows at once.
macro_rules! for_head {
    ($name:ident, $head:literal) => {
        fn $name(
            level: Level,
            queries: &[f32],
            parts: &[&[f32]],
            hidden: usize,
            out: &mut [f32],
            scratch: &mut AttentionScratch,
        ) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2(q: &[f32], parts: &[&[f32]], hidden: usize, out: &mut [f32], scratch: &mut AttentionScratch) {
                    attend_body::<true, false, $head, 4, 2>(q, parts, hidden, out, scratch);
                }
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512(q: &[f32], parts: &[&[f32]], hidden: usize, out: &mut [f32], scratch: &mut AttentionScratch) {
                    attend_body::<true, true, $head, 8, 4>(q, parts, hidden, out, scratch);
                }
                match level {
                    // SAFETY: a level is only handed out after `Level::supported` found its instructions.
                    Level::Avx512 => return unsafe { avx512(queries, parts, hidden, out, scratch) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2(queries, parts, hidden, out, scratch) },
                    Level::Scalar => {}
                }
            }
            let _ = level;
            attend_body::<false, false, $head, 4, 2>(queries, parts, hidden, out, scratch);
        }
    };
}

for_head!(attend_32, 32);
for_head!(attend_64, 64);

/// `TILE` rows of queries are scored at once, and `WEIGHED` rows weigh the values; `WIDE` is for AVX-512 alone.
#[inline(always)]
fn attend_body<const FMA: bool, const WIDE: bool, const HEAD: usize, const TILE: usize, const WEIGHED: usize>(
    queries: &[f32],
    parts: &[&[f32]],
    hidden: usize,
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let tokens = parts.iter().map(|part| part.len()).sum::<usize>() / (2 * hidden);
    let asked = queries.len() / hidden;
    let root = 1.0 / (HEAD as f32).sqrt();
    let AttentionScratch { keys, values, scores } = scratch;
    let padded = tokens.next_multiple_of(LANES);
    keys.clear();
    keys.resize(padded / LANES * HEAD, [0.0; LANES]);
    values.resize(tokens * HEAD, 0.0);
    scores.resize(TILE * padded, 0.0);
    let (keys, _) = keys.as_chunks_mut::<HEAD>();
    let (values, _) = values.as_chunks_mut::<HEAD>();
    for head in (0..hidden).step_by(HEAD) {
        let rows = parts.iter().flat_map(|part| part.chunks_exact(2 * hidden));
        for (token, (row, copy)) in rows.zip(values.iter_mut()).enumerate() {
            let (Some(key), Some(value)) = (
                row[head..].first_chunk::<HEAD>(),
                row[hidden + head..].first_chunk::<HEAD>(),
            ) else {
                continue;
            };
            let (group, lane) = (&mut keys[token / LANES], token % LANES);
            for d in 0..HEAD {
                // Divided by the root of the width here, once, and not in each score.
                group[d][lane] = key[d] * root;
            }
            *copy = *value;
        }
        for (first, out) in (0..asked).step_by(TILE).zip(out.chunks_mut(TILE * hidden)) {
            // Of a tile that is not full the last row is worked out again and not used.
            let query = |t: usize| queries[(first + t).min(asked - 1) * hidden + head..].first_chunk();
            let tile = std::array::from_fn(|t| query(t).unwrap_or(&[0.0; HEAD]));
            score::<FMA, WIDE, HEAD, TILE>(tile, keys, scores);
            for (some, out) in out.chunks_mut(WEIGHED * hidden).enumerate() {
                let scores = &mut scores[some * WEIGHED * padded..][..WEIGHED * padded];
                let mut inverse = [0.0f32; WEIGHED];
                for (scores, inverse) in scores.chunks_exact_mut(padded).zip(&mut inverse) {
                    *inverse = 1.0 / soften::<FMA>(scores, tokens);
                }
                for slice in (0..HEAD).step_by(SLICE) {
                    let sums = weigh::<FMA, WIDE, HEAD, WEIGHED>(scores, padded, values, slice);
                    for ((out, sums), inverse) in out.chunks_exact_mut(hidden).zip(&sums).zip(inverse) {
                        for (out, sum) in out[head + slice..].iter_mut().zip(sums) {
                            *out = sum * inverse;
                        }
                    }
                }
            }
        }
    }
}

/// Dot products of a tile of queries with all keys, a row of scores for each.
#[inline(always)]
fn score<const FMA: bool, const WIDE: bool, const HEAD: usize, const TILE: usize>(
    queries: [&[f32; HEAD]; TILE],
    keys: &[[[f32; LANES]; HEAD]],
    scores: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if WIDE {
        // SAFETY: only the body that is compiled for AVX-512 is wide.
        return unsafe { super::attention_x86::score(queries, keys, scores) };
    }
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

/// For a few rows of weights, a slice of the weighted sums of all values.
#[inline(always)]
fn weigh<const FMA: bool, const WIDE: bool, const HEAD: usize, const WEIGHED: usize>(
    weights: &[f32],
    padded: usize,
    values: &[[f32; HEAD]],
    slice: usize,
) -> [[f32; SLICE]; WEIGHED] {
    let rows: [&[f32]; WEIGHED] = std::array::from_fn(|row| &weights[row * padded..][..values.len()]);
    #[cfg(target_arch = "x86_64")]
    if WIDE {
        // SAFETY: only the body that is compiled for AVX-512 is wide.
        return unsafe { super::attention_x86::weigh(rows, values, slice) };
    }
    let mut sums = [[0.0f32; SLICE]; WEIGHED];
    for (token, value) in values.iter().enumerate() {
        let Some(value) = value[slice..].first_chunk::<SLICE>() else {
            continue;
        };
        for t in 0..WEIGHED {
            let weight = rows[t][token];
            for i in 0..SLICE {
                sums[t][i] = fma::<FMA>(weight, value[i], sums[t][i]);
            }
        }
    }
    sums
}

/// Whether attention at a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    HEADS.into_iter().all(|head| {
        let mut stream = Stream(4);
        let mut numbers = |n: usize| -> Vec<f32> { stream.vector(n).iter().map(|x| 4.0 * x).collect() };
        let (queries, kv) = (numbers(7 * head), numbers(19 * 2 * head));
        let run = |level: Level| {
            let mut out = vec![0.0; queries.len()];
            let scratch = &mut AttentionScratch::default();
            attend_checked(level, &queries, &[&kv], [head, head], &mut out, scratch);
            out
        };
        close(&run(level), &run(Level::Scalar), 1e-4)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attention by its definition, in f64.
    fn expected(queries: &[f32], kv: &[f32], hidden: usize, head: usize) -> Vec<f32> {
        let tokens = kv.len() / (2 * hidden);
        let mut out = vec![0.0; queries.len()];
        for (query, out) in queries.chunks(hidden).zip(out.chunks_mut(hidden)) {
            for first in (0..hidden).step_by(head) {
                let dims = first..first + head;
                let at = |token: usize, i: usize| f64::from(kv[token * 2 * hidden + i]);
                let weights: Vec<f64> = (0..tokens)
                    .map(|u| dims.clone().map(|i| f64::from(query[i]) * at(u, i)).sum::<f64>() / (head as f64).sqrt())
                    .map(f64::exp)
                    .collect();
                let total: f64 = weights.iter().sum();
                for i in dims {
                    let sum: f64 = weights.iter().enumerate().map(|(u, w)| w * at(u, hidden + i)).sum();
                    out[i] = (sum / total) as f32;
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
            for (hidden, head) in [(32, 32), (96, 32), (64, 64), (192, 64)] {
                let mut numbers = |n: usize| -> Vec<f32> { stream.vector(n).iter().map(|x| 3.0 * x).collect() };
                let (queries, kv) = (numbers(tokens * hidden), numbers(tokens * 2 * hidden));
                for level in CHOSEN.usable() {
                    let mut run = |queries: &[f32], parts: &[&[f32]]| {
                        let mut out = vec![f32::NAN; queries.len()];
                        attend_checked(level, queries, parts, [hidden, head], &mut out, &mut scratch);
                        out
                    };
                    let out = run(&queries, &[&kv]);
                    let case = format!("{} {tokens} x {hidden} in heads of {head}", level.name());
                    assert!(close(&out, &expected(&queries, &kv, hidden, head), 1e-4), "{case}");
                    let parts = kv.split_at(tokens / 2 * 2 * hidden);
                    let (some, others) = queries.split_at(tokens / 3 * hidden);
                    let mut parted = run(some, &[parts.0, parts.1]);
                    parted.extend(run(others, &[parts.0, parts.1]));
                    assert_eq!(out, parted, "{case}, in parts");
                }
            }
        }
        attend(&[], &[&[]], [32, 32], &mut [], &mut scratch);
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
        for head in HEADS {
            let (mut queries, mut kv) = (vec![0.0; 2 * head], vec![0.0; 4 * head]);
            queries[0] = 1000.0;
            kv[2 * head] = 1000.0;
            kv[3 * head] = 7.0;
            for level in CHOSEN.usable() {
                let mut out = vec![0.0; 2 * head];
                let scratch = &mut AttentionScratch::default();
                attend_checked(level, &queries, &[&kv], [head, head], &mut out, scratch);
                assert_eq!((out[0], out[head]), (7.0, 3.5), "{}", level.name());
            }
        }
    }
}
