//! What judged questions taught about meaning: a low-rank matrix that corrects the embedding model's similarity, and
//! the file it is kept in.
//!
//! With q̂ and p̂ the question's and the passage's vector after the index's mean was taken off and their length made 1,
//! `adapted = q̂ᵀ L Rᵀ p̂`. The right side of it is the same for all passages of a question, so `u = R (Lᵀ q̂)` is made
//! once ([`Adapter::bind`]) and a passage costs one dot product more. The model itself, the vectors on disk and the
//! retrieval stay as they are. Never learns (`eval::adapter` does) and never ranks (`features` weighs what comes out).
//!
//! It is part of a ranking profile, learned by `baowen tune`.

use half::f16;
use ndarray::{Array1, Array2, ArrayView1};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Context as _, Error, Fault, Result};
use crate::index::Identity;
use crate::kernel::dot_f32;

/// First bytes of the file.
const MAGIC: [u8; 8] = *b"BAOWENAD";
/// Of the file's layout: magic, then little-endian u32 version, dimension, rank and length of the model's name, the
/// name, L and R (each rank rows of `dimension` f16), and the xxh3 of all that.
const VERSION: u32 = 1;
/// Bytes before the model's name.
const HEADER: usize = 24;
/// Bytes of the checksum.
const CHECKSUM: usize = 8;
/// Far above any model's; keeps a damaged header from asking for memory.
const MOST: usize = 1 << 16;

/// A learned correction of one model's similarity.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    model: String,
    /// Lᵀ: `rank` rows as long as a vector, every number one that f16 holds.
    left: Array2<f32>,
    /// Rᵀ, likewise.
    right: Array2<f32>,
    fingerprint: u64,
}

impl Adapter {
    /// An adapter for the vectors of a model. `model` is what an index's embedder has to have in its identity; `left`
    /// and `right` are Lᵀ and Rᵀ, with rows as long as a vector, and are rounded to f16.
    ///
    /// # Errors
    /// `Caller` for a model without a name, factors without values or of different shapes, or numbers that f16 does not
    /// hold.
    pub fn new(model: &str, left: &Array2<f32>, right: &Array2<f32>) -> Result<Self> {
        let wrong = |what: String| Err(Error::caller(format!("adapter: {what}")));
        let (rank, dimension) = left.dim();
        if model.is_empty() || model.len() > MOST || dimension == 0 || dimension > MOST {
            return wrong(format!(
                "a model's name and dimension are needed, not `{model}` and {dimension}"
            ));
        }
        if rank == 0 || rank > MOST || left.dim() != right.dim() {
            return wrong(format!(
                "factors of {:?} and {:?} numbers have not the same number of rows and columns",
                left.dim(),
                right.dim()
            ));
        }
        let round = |x: f32| f16::from_f32(x).to_f32();
        let mut adapter = Adapter {
            model: model.to_string(),
            left: left.mapv(round),
            right: right.mapv(round),
            fingerprint: 0,
        };
        if !adapter.left.iter().chain(&adapter.right).all(|x| x.is_finite()) {
            return wrong("a number is not finite, or too large for f16".into());
        }
        adapter.fingerprint = xxh3_64(&adapter.body());
        Ok(adapter)
    }

    /// Takes an adapter out of the bytes of its file.
    ///
    /// # Errors
    /// `Caller` for what is no adapter, or one of another version; `Corrupt` for one that was cut off or changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let number =
            |at: usize| -> Option<usize> { Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize) };
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(Error::caller("this is no adapter").help("`baowen tune` writes one beside a profile"));
        }
        let damaged = || Error::corrupt("the adapter is damaged: its length or its checksum is wrong");
        let [version, dimension, rank, name] = [8, 12, 16, 20].map(number);
        let version = version.ok_or_else(damaged)?;
        if version != VERSION as usize {
            return Err(Error::caller(format!(
                "the adapter's format is {version}, this program reads {VERSION}"
            ))
            .help("learn it again with `baowen tune`"));
        }
        let (Some(dimension), Some(rank), Some(name)) = (dimension, rank, name) else {
            return Err(damaged());
        };
        if [dimension, rank, name].iter().any(|&n| n == 0 || n > MOST) {
            return Err(damaged());
        }
        let factor = dimension * rank * 2;
        let body = HEADER + name + 2 * factor;
        if bytes.len() != body + CHECKSUM || xxh3_64(&bytes[..body]).to_le_bytes() != bytes[body..] {
            return Err(damaged());
        }
        let model = std::str::from_utf8(&bytes[HEADER..HEADER + name]).map_err(|_| damaged())?;
        let (left, right) = bytes[HEADER + name..body].split_at(factor);
        let factor = |bytes| Array2::from_shape_vec((rank, dimension), decode(bytes)).map_err(|_| damaged());
        Adapter::new(model, &factor(left)?, &factor(right)?).or_fault(Fault::Corrupt, "the adapter is damaged")
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body();
        bytes.extend(self.fingerprint.to_le_bytes());
        bytes
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        // `new` has checked that all of them are small.
        for number in [VERSION as usize, self.dimension(), self.rank(), self.model.len()] {
            bytes.extend((number as u32).to_le_bytes());
        }
        bytes.extend(self.model.as_bytes());
        for &x in self.left.iter().chain(&self.right) {
            bytes.extend(f16::from_f32(x).to_le_bytes());
        }
        bytes
    }

    /// The model whose vectors it is for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Rows of each factor.
    pub fn rank(&self) -> usize {
        self.left.nrows()
    }

    /// Numbers of the vectors that it is for.
    fn dimension(&self) -> usize {
        self.left.ncols()
    }

    /// Tells it from others: the checksum of its file.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether it is for the vectors of such an index.
    pub fn fits(&self, identity: &Identity) -> bool {
        identity.dimension == self.dimension() && identity.is_of(&self.model)
    }

    /// Refuses an index whose vectors it is not for.
    ///
    /// # Errors
    /// `Precondition`, naming both models.
    pub fn check(&self, identity: &Identity) -> Result<()> {
        if self.fits(identity) {
            Ok(())
        } else {
            Err(Error::precondition(format!(
                "the adapter is for vectors of {} numbers of `{}`, the index has {} of `{}`",
                self.dimension(),
                self.model,
                identity.dimension,
                identity.embedder
            ))
            .help("learn a profile on this index with `baowen tune`, or leave --profile out"))
        }
    }

    /// u of a question: what a passage's centred vector of length 1 is multiplied with. None where the question is the
    /// mean itself or the lengths do not agree.
    pub fn bind(&self, mean: &[f32], question: &[f32]) -> Option<Vec<f32>> {
        if mean.len() != self.dimension() || question.len() != self.dimension() {
            return None;
        }
        let centered = centered(mean, question)?;
        let by_left: Array1<f32> = self.left.dot(&ArrayView1::from(&centered));
        Some(by_left.dot(&self.right).to_vec())
    }
}

/// `(v - m) / |v - m|`; none where v is the mean itself.
pub fn centered(mean: &[f32], vector: &[f32]) -> Option<Vec<f32>> {
    let mut centered: Vec<f32> = vector.iter().zip(mean).map(|(v, m)| v - m).collect();
    let norm = dot_f32(&centered, &centered).sqrt();
    if !(norm > 1e-6 && norm.is_finite()) {
        return None;
    }
    centered.iter_mut().for_each(|x| *x /= norm);
    Some(centered)
}

fn decode(bytes: &[u8]) -> Vec<f32> {
    let pairs = bytes.as_chunks::<2>().0;
    pairs.iter().map(|&pair| f16::from_le_bytes(pair).to_f32()).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn random(seed: u64, rows: usize, columns: usize) -> Array2<f32> {
        let mut rng = fastrand::Rng::with_seed(seed);
        Array2::from_shape_simple_fn((rows, columns), || rng.f32() * 2.0 - 1.0)
    }

    fn small() -> Adapter {
        Adapter::new("model-x", &random(1, 2, 6), &random(2, 2, 6)).unwrap()
    }

    fn identity(embedder: &str, dimension: usize) -> Identity {
        Identity {
            format: 1,
            analysis: String::new(),
            embedder: embedder.into(),
            dimension,
        }
    }

    #[test]
    fn it_fits_its_model_and_dimension_only() {
        let check = |embedder: &str, dimension, expected| {
            assert_eq!(small().fits(&identity(embedder, dimension)), expected, "{embedder}");
        };
        check("model-x q4 77", 6, true);
        check("model-x q4 77", 7, false);
        check("model-y q4 77", 6, false);
        check("my-model-x-tuned onnx 1", 6, false);
        check("endpoint org/model-x 6", 6, true);
        check("endpoint other 6", 6, false);
        check("", 0, false);
    }

    #[test]
    fn a_file_comes_back_as_it_was() {
        let adapter = small();
        let bytes = adapter.to_bytes();
        let back = Adapter::from_bytes(&bytes).unwrap();
        assert_eq!(back, adapter);
        assert_eq!(back.to_bytes(), bytes);
        let other = Adapter::new("model-x", &random(1, 2, 6), &random(3, 2, 6)).unwrap();
        assert_ne!(other.fingerprint(), adapter.fingerprint());
    }

    /// Every single changed byte and every cut is noticed, and a foreign file is told from a damaged one.
    #[test]
    fn damage_is_noticed() {
        let bytes = small().to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            let error = Adapter::from_bytes(&damaged).expect_err("a changed byte");
            let expected = if at < 12 { Fault::Caller } else { Fault::Corrupt };
            assert_eq!(error.fault(), expected, "byte {at}: {error}");
            let cut = Adapter::from_bytes(&bytes[..at]).expect_err("a cut file");
            assert_eq!(cut.fault(), if at < 8 { Fault::Caller } else { Fault::Corrupt }, "{at}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Adapter::from_bytes(&longer).unwrap_err().fault(), Fault::Corrupt);
        let huge = [MAGIC.as_slice(), &1u32.to_le_bytes(), &[0xff; 12]].concat();
        assert_eq!(Adapter::from_bytes(&huge).unwrap_err().fault(), Fault::Corrupt);
    }

    #[test]
    fn factors_that_make_no_adapter_are_refused() {
        let check = |model: &str, left: Array2<f32>, right: Array2<f32>, part: &str| {
            let error = Adapter::new(model, &left, &right).unwrap_err();
            assert!(error.message().contains(part), "`{part}` is not in `{error}`");
        };
        let ones = |rows, columns| Array2::from_elem((rows, columns), 1.0);
        check("", ones(1, 2), ones(1, 2), "name");
        check("m", ones(1, 0), ones(1, 0), "dimension");
        check("m", ones(0, 2), ones(0, 2), "(0, 2) and (0, 2)");
        check("m", ones(1, 2), ones(2, 2), "(1, 2) and (2, 2)");
        check("m", ones(2, 2), ones(2, 3), "(2, 2) and (2, 3)");
        check("m", array![[1.0, f32::NAN]], ones(1, 2), "finite");
        check("m", array![[1.0, 1e6]], ones(1, 2), "f16");
    }

    /// u · p̂ is q̂ᵀ L Rᵀ p̂ as it is written.
    #[test]
    fn a_bound_question_gives_the_product_as_it_is_written() {
        let adapter = small();
        let [mean, question, passage] = [4, 5, 6].map(|seed| random(seed, 1, 6).into_raw_vec_and_offset().0);
        let [q, p] = [&question, &passage].map(|v| {
            let d: Vec<f64> = v.iter().zip(&mean).map(|(v, m)| f64::from(v - m)).collect();
            let norm = d.iter().map(|x| x * x).sum::<f64>().sqrt();
            d.into_iter().map(|x| x / norm).collect::<Vec<f64>>()
        });
        let mut expected = 0.0;
        for row in 0..2 {
            let by = |factor: &Array2<f32>, v: &[f64]| -> f64 {
                (0..6).map(|at| f64::from(factor[[row, at]]) * v[at]).sum()
            };
            expected += by(&adapter.left, &q) * by(&adapter.right, &p);
        }
        let u = adapter.bind(&mean, &question).unwrap();
        let found: f64 = u.iter().zip(&p).map(|(u, p)| f64::from(*u) * p).sum();
        assert!(
            expected.abs() > 1e-3 && (found - expected).abs() < 1e-5,
            "{found} {expected}"
        );
        assert_eq!(adapter.bind(&mean, &mean), None, "the mean says nothing");
        assert_eq!(adapter.bind(&mean[..5], &question), None);
    }
}
