//! What was learned about how people ask: a low-rank change of the weights by which questions are read.
//!
//! Owns the file's layout and the sum of weights and change. Passages are read by the model's own weights, so vectors
//! on disk stay as they are; a question costs what it did. Learned by `benches/questions/learn.py` from questions that
//! were written for it and from judged ones (LoRA, Hu et al. 2021, <https://arxiv.org/abs/2106.09685>, on the side of
//! questions alone).

use half::f16;
use ndarray::{Array2, ArrayView2};
use xxhash_rust::xxh3::xxh3_64;

use super::onnx::Linear;
use crate::error::{Error, Result};

/// First bytes of the file.
const MAGIC: [u8; 8] = *b"BAOWENQT";
/// Of the file's layout, all little-endian: magic, u32 version, u64 digest of the model's file that it belongs to, u32
/// number of changes; of each change u8 layer, u8 place among [`NAMES`], u16 rank, u32 inputs, u32 rows, then `down`
/// (inputs x rank) and `up` (rank x rows) as f16; behind all the xxh3 of what stands before.
const VERSION: u32 = 1;
/// Bytes before the changes.
const HEADER: usize = 24;
/// Bytes before a change's numbers.
const ENTRY: usize = 12;
/// Bytes of the checksum.
const CHECKSUM: usize = 8;
/// Codes that the kernel's reduced range holds to either side.
const MOST: f32 = 64.0;
/// The linear layers of a transformer layer, as the model's file names them; their order is part of the file's layout.
const NAMES: [&str; 6] = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
];

/// The change of one linear layer: weights + down x up.
struct Change {
    layer: usize,
    name: &'static str,
    /// Inputs x rank.
    down: Array2<f32>,
    /// Rank x rows.
    up: Array2<f32>,
}

/// A learned change of one model's weights.
pub(super) struct QuestionTuning {
    model: u64,
    fingerprint: u64,
    changes: Vec<Change>,
}

impl QuestionTuning {
    /// The one that is compiled in.
    ///
    /// # Errors
    /// `Bug` if it is damaged, which a test excludes.
    pub fn shipped() -> Result<Self> {
        QuestionTuning::from_bytes(include_bytes!("../../../index/profile/insurance.questions"))
            .ok_or_else(|| Error::bug("the shipped change of the model's weights is damaged"))
    }

    /// Takes it out of the bytes of its file; `None` for what is cut off, changed or no such file.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
        let header = body.get(..HEADER)?;
        let fingerprint = xxh3_64(body);
        if header[..8] != MAGIC || fingerprint.to_le_bytes() != checksum || number(header, 8)? != VERSION as usize {
            return None;
        }
        let model = u64::from_le_bytes(*header[12..].first_chunk()?);
        let count = number(header, 20)?;
        let mut rest = &body[HEADER..];
        let mut changes = Vec::new();
        for _ in 0..count {
            let (entry, numbers) = rest.split_at_checked(ENTRY)?;
            let rank = u16::from_le_bytes(*entry[2..].first_chunk()?).into();
            let [inputs, rows] = [number(entry, 4)?, number(entry, 8)?];
            let (down, numbers) = matrix(numbers, inputs, rank)?;
            let (up, numbers) = matrix(numbers, rank, rows)?;
            let (layer, name) = (entry[0].into(), *NAMES.get(usize::from(entry[1]))?);
            changes.push(Change { layer, name, down, up });
            rest = numbers;
        }
        rest.is_empty().then_some(QuestionTuning {
            model,
            fingerprint,
            changes,
        })
    }

    /// Whether it was learned for the model whose file has this digest.
    pub fn is_of(&self, digest: u64) -> bool {
        self.model == digest
    }

    /// XXH3 of it: which change it is.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether a transformer layer is changed at all.
    pub fn touches(&self, layer: usize) -> bool {
        self.changes.iter().any(|change| change.layer == layer)
    }

    /// The weights of a linear layer with its change, again as 7 bits with a scale a row; `None` where nothing is
    /// changed. The same on every machine.
    ///
    /// # Errors
    /// `Bug` if the change is of another shape.
    pub fn applied(&self, layer: usize, name: &str, linear: &Linear) -> Result<Option<Linear>> {
        let change = self.changes.iter().find(|c| c.layer == layer && c.name == name);
        let Some(Change { down, up, .. }) = change else {
            return Ok(None);
        };
        let codes: &[i8] = bytemuck::cast_slice(&linear.weights);
        let shape = (down.nrows(), up.ncols());
        let codes = ArrayView2::from_shape(shape, codes)
            .ok()
            .filter(|_| linear.scales.len() == shape.1)
            .ok_or_else(|| Error::bug(format!("the change of {name} in layer {layer} is of another shape")))?;
        let mut weights = Array2::zeros(shape);
        for ((mut row, codes), down) in weights.rows_mut().into_iter().zip(codes.rows()).zip(down.rows()) {
            for ((weight, code), scale) in row.iter_mut().zip(codes).zip(&linear.scales) {
                *weight = f32::from(*code) * scale;
            }
            // In this order everywhere: a library's product may round otherwise on another processor.
            for (share, up) in down.iter().zip(up.rows()) {
                row.scaled_add(*share, &up);
            }
        }
        let scales: Vec<f32> = weights
            .columns()
            .into_iter()
            .map(|column| column.iter().fold(f32::MIN_POSITIVE, |most, w| most.max(w.abs())) / MOST)
            .collect();
        let rounded = weights.rows().into_iter().flat_map(|row| {
            let codes: Vec<u8> = row
                .iter()
                .zip(&scales)
                .map(|(w, s)| (w / s).round() as i8 as u8)
                .collect();
            codes
        });
        Ok(Some(Linear {
            weights: rounded.collect::<Vec<u8>>().into(),
            scales,
        }))
    }
}

/// A u32 at a place.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize)
}

/// A matrix of finite f16, and what stands behind it.
fn matrix(bytes: &[u8], rows: usize, columns: usize) -> Option<(Array2<f32>, &[u8])> {
    let length = rows.checked_mul(columns)?.checked_mul(2)?;
    let (bytes, rest) = bytes.split_at_checked(length)?;
    let (pairs, _) = bytes.as_chunks::<2>();
    let numbers: Vec<f32> = pairs.iter().map(|pair| f16::from_le_bytes(*pair).to_f32()).collect();
    let is_finite = numbers.iter().all(|x| x.is_finite());
    let matrix = Array2::from_shape_vec((rows, columns), numbers)
        .ok()
        .filter(|_| is_finite)?;
    Some((matrix, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file with one change of the widening matrix of layer 1.
    fn file(model: u64, down: &[f32], up: &[f32], rank: u16) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(model.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([1, 4]);
        bytes.extend(rank.to_le_bytes());
        for width in [down.len(), up.len()] {
            bytes.extend((width as u32 / u32::from(rank)).to_le_bytes());
        }
        bytes.extend(down.iter().chain(up).flat_map(|x| f16::from_f32(*x).to_le_bytes()));
        let checksum = xxh3_64(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    fn linear(codes: &[i8], scales: &[f32]) -> Linear {
        Linear {
            weights: codes.iter().map(|code| *code as u8).collect::<Vec<u8>>().into(),
            scales: scales.to_vec(),
        }
    }

    #[test]
    fn the_shipped_one_is_whole_and_of_the_default_model() {
        let tuning = QuestionTuning::shipped().unwrap();
        assert!(tuning.is_of(super::super::model::DIGEST));
        assert!(!tuning.is_of(1));
        assert!(tuning.touches(3) && !tuning.changes.is_empty());
    }

    proptest! {
        #[test]
        fn weights_are_the_sum_within_half_a_code(
            down in proptest::collection::vec(-0.2f32..0.2, 6),
            up in proptest::collection::vec(-0.2f32..0.2, 4),
            codes in proptest::collection::vec(-64i8..=64, 6),
            scales in proptest::collection::vec(0.001f32..0.01, 2),
        ) {
            // Three inputs, two rows, rank 2.
            let tuning = QuestionTuning::from_bytes(&file(7, &down, &up, 2)).unwrap();
            let made = tuning.applied(1, "intermediate.dense", &linear(&codes, &scales)).unwrap().unwrap();
            let half = |x: f32| f16::from_f32(x).to_f32();
            for input in 0..3 {
                for row in 0..2 {
                    let change: f32 = (0..2).map(|r| half(down[input * 2 + r]) * half(up[r * 2 + row])).sum();
                    let wanted = f32::from(codes[input * 2 + row]) * scales[row] + change;
                    let code = made.weights[input * 2 + row] as i8;
                    prop_assert!(code.unsigned_abs() <= 64);
                    let got = f32::from(code) * made.scales[row];
                    prop_assert!((got - wanted).abs() <= made.scales[row] * 0.501 + 1e-6, "{} {}", got, wanted);
                }
            }
        }

        #[test]
        fn what_is_damaged_is_refused(at in 0usize..1000, flip in 1u8..=255, cut in 0usize..60) {
            let whole = file(7, &[0.5; 6], &[0.25; 4], 2);
            let mut flipped = whole.clone();
            let at = at % flipped.len();
            flipped[at] ^= flip;
            prop_assert!(QuestionTuning::from_bytes(&flipped).is_none());
            prop_assert!(QuestionTuning::from_bytes(&whole[..cut.min(whole.len() - 1)]).is_none());
        }
    }

    #[test]
    fn other_layers_stay_and_other_shapes_are_refused() {
        let tuning = QuestionTuning::from_bytes(&file(7, &[0.5; 6], &[0.25; 4], 2)).unwrap();
        let weights = linear(&[1; 6], &[0.01; 2]);
        assert!(tuning.applied(0, "intermediate.dense", &weights).unwrap().is_none());
        assert!(tuning.applied(1, "output.dense", &weights).unwrap().is_none());
        let small = linear(&[1; 4], &[0.01; 2]);
        assert!(tuning.applied(1, "intermediate.dense", &small).is_err());
        let not_finite = file(7, &[f32::INFINITY; 6], &[0.25; 4], 2);
        assert!(QuestionTuning::from_bytes(&not_finite).is_none());
    }
}
