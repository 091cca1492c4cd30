//! The model file (`E5S1`): mapped, and every offset, length and count in it checked before it is used.
//!
//! Owns the layout of the file and nothing else: what a tensor means is the forward pass's business, what a piece
//! means the tokenizer's. Whatever is wrong with a file is one kind of error, [`Fault::Corrupt`], that names the path
//! and the command that fetches a right one.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Error, Fault, Result};
use crate::kernel::map::map_file;
use crate::kernel::{Q4_BLOCK, Q4_BLOCK_BYTES};

/// What the hint of every error about the model says.
pub(super) const FETCH: &str = "run `baowen model fetch`";

/// Components of an attention head.
pub(super) const HEAD: usize = 32;

/// Bytes before the vocabulary.
const HEADER: usize = 72;

/// The sizes that the header states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Width of a token's activations, and of the embedding.
    pub hidden: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads; `hidden / heads` is 32.
    pub heads: usize,
    /// Width between the two linear layers of a feed-forward block.
    pub feed_forward: usize,
    /// Rows of the word embedding.
    pub words: usize,
    /// The longest input, control tokens included.
    pub positions: usize,
    /// Rows of the token type embedding; only the first is used.
    pub types: usize,
    /// Added to the variance in each layer norm.
    pub epsilon: f32,
    /// Pieces of the vocabulary; a piece's index is its token id.
    pub pieces: usize,
    /// Ids of `<s>`, `</s>`, `<pad>` and `<unk>`.
    pub controls: [u32; 4],
}

/// A tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Plain numbers.
    F32,
    /// Blocks of 32 4-bit weights with an f16 scale.
    Q4,
}

#[derive(Debug, Clone)]
struct Tensor {
    kind: Kind,
    elements: usize,
    bytes: Range<usize>,
}

/// An open, checked model file.
pub struct ModelFile {
    path: PathBuf,
    bytes: memmap2::Mmap,
    shape: Shape,
    offsets: Range<usize>,
    scores: Range<usize>,
    blob: Range<usize>,
    map: Range<usize>,
    map_entries: usize,
    tensors: BTreeMap<String, Tensor>,
}

/// Reads numbers from front to back; past the end is an error and not a panic.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn range(&mut self, length: usize, what: &str) -> Result<Range<usize>, String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("it ends inside {what}"))?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], String> {
        let range = self.range(length, what)?;
        Ok(&self.bytes[range])
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    fn u8(&mut self, what: &str) -> Result<u8, String> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    fn u16(&mut self, what: &str) -> Result<u16, String> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    fn u32(&mut self, what: &str) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn size64(&mut self, what: &str) -> Result<usize, String> {
        let value = u64::from_le_bytes(self.array(what)?);
        usize::try_from(value).map_err(|_| format!("{what} is {value}, which is too large"))
    }

    /// A signed count between 1 and `most`.
    fn count(&mut self, what: &str, most: usize) -> Result<usize, String> {
        let value = i32::from_le_bytes(self.array(what)?);
        match usize::try_from(value) {
            Ok(value) if (1..=most).contains(&value) => Ok(value),
            _ => Err(format!("{what} is {value}, not in 1 to {most}")),
        }
    }
}

impl ModelFile {
    /// Maps and checks the file at `path`.
    ///
    /// # Errors
    /// [`Fault::Missing`] if there is no file, [`Fault::Unavailable`] if it cannot be read, [`Fault::Corrupt`] if it
    /// is not a whole model file of this version.
    pub fn open(path: &Path) -> Result<Self> {
        let named = || format!("opening the embedding model {}", path.display());
        let file = File::open(path).map_err(|cause| {
            let fault = match cause.kind() {
                std::io::ErrorKind::NotFound => Fault::Missing,
                _ => Fault::Unavailable,
            };
            Error::new(fault, format!("{}: {cause}", named())).help(FETCH)
        })?;
        let length = file.metadata().or_fault(Fault::Unavailable, named())?.len();
        if length < HEADER as u64 {
            return Err(Error::corrupt(format!("{}: it has {length} bytes", named())).help(FETCH));
        }
        let bytes = map_file(&file).or_fault(Fault::Unavailable, named())?;
        Self::check(path, bytes).map_err(|cause| Error::corrupt(format!("{}: {cause}", named())).help(FETCH))
    }

    fn check(path: &Path, bytes: memmap2::Mmap) -> Result<Self, String> {
        let mut r = Reader { bytes: &bytes, at: 0 };
        if r.take(4, "the magic")? != b"E5S1" {
            return Err("it does not begin with E5S1".into());
        }
        let version = r.u32("the version")?;
        if version != 1 {
            return Err(format!("it is of version {version}, this program reads version 1"));
        }
        let hidden = r.count("the hidden width", 1 << 14)?;
        let layers = r.count("the number of layers", 1 << 10)?;
        let heads = r.count("the number of heads", 1 << 10)?;
        let feed_forward = r.count("the feed-forward width", 1 << 16)?;
        let words = r.count("the number of word rows", 1 << 24)?;
        let positions = r.count("the number of positions", 1 << 16)?;
        let types = r.count("the number of token types", 1 << 10)?;
        let epsilon = f32::from_le_bytes(r.array("epsilon")?);
        let block = r.count("the quantisation block", 1 << 10)?;
        let pieces = r.count("the number of pieces", words)?;
        let mut controls = [0; 4];
        for id in &mut controls {
            *id = r.u32("a control id")?;
            if *id as usize >= pieces {
                return Err(format!("control id {id} is not among {pieces} pieces"));
            }
        }
        let blob_length = r.size64("the length of the vocabulary")?;
        if hidden != heads * HEAD {
            return Err(format!("{heads} heads of width {HEAD} do not make {hidden}"));
        }
        if block != Q4_BLOCK || !feed_forward.is_multiple_of(Q4_BLOCK) {
            return Err(format!(
                "blocks of {block} and a width of {feed_forward} are not supported"
            ));
        }
        if positions < 8 || !(epsilon.is_finite() && epsilon >= 0.0) {
            return Err(format!("{positions} positions and epsilon {epsilon} make no model"));
        }

        let offsets = r.range((pieces + 1) * 4, "the vocabulary's offsets")?;
        let scores = r.range(pieces * 4, "the vocabulary's scores")?;
        let blob = r.range(blob_length, "the vocabulary's pieces")?;
        check_vocabulary(&bytes[offsets.clone()], &bytes[scores.clone()], &bytes[blob.clone()])?;

        let map_entries = r.count("the number of normalisation rules", 0x11_0000)?;
        let map_length = r.u32("the length of the normalisation rules")? as usize;
        let map = r.range(map_length, "the normalisation rules")?;

        let count = r.count("the number of tensors", 1 << 16)?;
        let mut tensors = BTreeMap::new();
        for _ in 0..count {
            let length = r.u16("a tensor's name")?;
            let name = std::str::from_utf8(r.take(length.into(), "a tensor's name")?);
            let name = name.map_err(|_| "a tensor's name is not UTF-8")?.to_owned();
            let kind = match r.u8("a tensor's type")? {
                0 => Kind::F32,
                1 => Kind::Q4,
                other => return Err(format!("tensor {name} is of the unknown type {other}")),
            };
            let elements = r.u32("a tensor's size")? as usize;
            let offset = r.size64("a tensor's offset")?;
            let length = r.size64("a tensor's length")?;
            let end = offset.checked_add(length).filter(|end| *end <= bytes.len());
            let end = end.ok_or_else(|| format!("tensor {name} lies outside the file"))?;
            let expected = match kind {
                Kind::F32 => elements.checked_mul(4),
                Kind::Q4 if elements.is_multiple_of(Q4_BLOCK) => (elements / Q4_BLOCK).checked_mul(Q4_BLOCK_BYTES),
                Kind::Q4 => None,
            };
            if expected != Some(length) {
                return Err(format!("tensor {name} has {length} bytes for {elements} elements"));
            }
            tensors.insert(
                name,
                Tensor {
                    kind,
                    elements,
                    bytes: offset..end,
                },
            );
        }
        let shape = Shape {
            hidden,
            layers,
            heads,
            feed_forward,
            words,
            positions,
            types,
            epsilon,
            pieces,
            controls,
        };
        Ok(ModelFile {
            path: path.to_owned(),
            shape,
            offsets,
            scores,
            blob,
            map,
            map_entries,
            tensors,
            bytes,
        })
    }

    /// The sizes of the model.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pieces with their unigram log probabilities, in order of their ids.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = (&str, f32)> {
        let blob = &self.bytes[self.blob.clone()];
        let offset = |i: usize| number(&self.bytes[self.offsets.clone()], i, u32::from_le_bytes) as usize;
        (0..self.shape.pieces).map(move |i| {
            // `check_vocabulary` made sure that offsets rise inside the blob and pieces are UTF-8; an empty piece
            // never matches, so even a file changed under the map does no harm.
            let piece = blob
                .get(offset(i)..offset(i + 1))
                .and_then(|bytes| std::str::from_utf8(bytes).ok());
            (
                piece.unwrap_or(""),
                number(&self.bytes[self.scores.clone()], i, f32::from_le_bytes),
            )
        })
    }

    /// The normalisation rules: a code point, and the code points that stand for it (none: it is deleted).
    ///
    /// # Errors
    /// If a rule is cut off or names what is no code point.
    pub fn normalisation(&self) -> Result<Vec<(char, Vec<char>)>> {
        let mut r = Reader {
            bytes: &self.bytes[self.map.clone()],
            at: 0,
        };
        let mut rules = Vec::with_capacity(self.map_entries.min(1 << 16));
        let mut read = || -> Result<(), String> {
            for _ in 0..self.map_entries {
                let mut point = || {
                    let value = r.u32("a normalisation rule")?;
                    char::from_u32(value).ok_or_else(|| format!("{value:#x} in a normalisation rule is no code point"))
                };
                let from = point()?;
                let length = r.u8("a normalisation rule")?;
                let mut to = Vec::with_capacity(length.into());
                for _ in 0..length {
                    let value = r.u32("a normalisation rule")?;
                    let to_char = char::from_u32(value);
                    to.push(to_char.ok_or_else(|| format!("{value:#x} in a normalisation rule is no code point"))?);
                }
                rules.push((from, to));
            }
            Ok(())
        };
        read().map_err(|cause| self.corrupt(cause))?;
        Ok(rules)
    }

    /// A tensor of plain numbers, copied (the file promises no alignment).
    ///
    /// # Errors
    /// If the file has no such tensor of so many numbers.
    pub fn numbers(&self, name: &str, elements: usize) -> Result<Vec<f32>> {
        let bytes = self.tensor(name, Kind::F32, elements)?;
        Ok(bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect())
    }

    /// The blocks of a quantised tensor.
    ///
    /// # Errors
    /// If the file has no such tensor of so many weights.
    pub fn blocks(&self, name: &str, elements: usize) -> Result<&[u8]> {
        self.tensor(name, Kind::Q4, elements)
    }

    /// Whether a tensor is quantised, if it is there.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.tensors.get(name).map(|tensor| tensor.kind)
    }

    fn tensor(&self, name: &str, kind: Kind, elements: usize) -> Result<&[u8]> {
        match self.tensors.get(name) {
            None => Err(self.corrupt(format!("it has no tensor {name}"))),
            Some(tensor) if tensor.kind != kind || tensor.elements != elements => Err(self.corrupt(format!(
                "tensor {name} holds {} of {:?}, not {elements} of {kind:?}",
                tensor.elements, tensor.kind
            ))),
            Some(tensor) => Ok(&self.bytes[tensor.bytes.clone()]),
        }
    }

    /// XXH3 (64 bits) of the whole file: which weights these are.
    pub fn digest(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.bytes)
    }

    /// An error about this file.
    pub(super) fn corrupt(&self, cause: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("the embedding model {}: {cause}", self.path.display())).help(FETCH)
    }
}

fn number<T>(bytes: &[u8], i: usize, read: fn([u8; 4]) -> T) -> T {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[4 * i..4 * i + 4]);
    read(out)
}

fn check_vocabulary(offsets: &[u8], scores: &[u8], blob: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(blob).map_err(|_| "its pieces are not UTF-8")?;
    let mut last = 0;
    for offset in offsets.as_chunks::<4>().0 {
        let offset = u32::from_le_bytes(*offset) as usize;
        if offset < last || !text.is_char_boundary(offset) {
            return Err(format!("the offset {offset} in its vocabulary is out of order"));
        }
        last = offset;
    }
    if scores
        .as_chunks::<4>()
        .0
        .iter()
        .any(|score| !f32::from_le_bytes(*score).is_finite())
    {
        return Err("a score in its vocabulary is not a number".into());
    }
    Ok(())
}
