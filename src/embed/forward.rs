//! The forward pass of multilingual-e5-small (a 12-layer post-norm BERT), on 4-bit weights and 8-bit activations.
//!
//! Owns the packed weights and the order of the steps; the arithmetic is the kernel's. Texts of a batch are laid end
//! to end and never padded: linear layers see one long list of tokens, attention sees each text by itself. A single
//! text can be shared by several threads, each with a part of its tokens, which meet once a layer. A text's vector does
//! not depend on the company it is computed in, nor on the number of threads, to the last bit.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::batches::Network;
use super::file::{HEAD, Kind, ModelFile};
use crate::compute::{Budget, InStep, MOST_IN_STEP, SpinBarrier};
use crate::error::Result;
use crate::kernel::{
    Activations, AttentionScratch, Q4_BLOCK, Q4_BLOCK_BYTES, Q4Matrix, Q4Part, add_layer_norm, attend, dequantize_q4,
    gelu, normalize, quantize_rows,
};

/// Weight and bias of a layer norm.
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    query: Q4Matrix,
    /// Key and value as one matrix.
    key_value: Q4Matrix,
    attention_out: Q4Matrix,
    attention_norm: Norm,
    widen: Q4Matrix,
    narrow: Q4Matrix,
    out_norm: Norm,
}

/// The model's weights, ready to run.
pub(super) struct E5 {
    file: Arc<ModelFile>,
    /// Position embedding with the token type's added, a row of `hidden` a position.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// The buffers of one thread, kept between runs.
#[derive(Default)]
pub(super) struct Scratch {
    x: Vec<f32>,
    y: Vec<f32>,
    queries: Vec<f32>,
    /// Key and value.
    kv: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    rounded: Activations,
    attention: AttentionScratch,
}

/// The most threads that share a text.
const MAX_PARTS: usize = MOST_IN_STEP;

/// Keys and values of the tokens of each part. Two sets, used in turn, so that a thread may fill the next layer's
/// while another still reads this one's.
type Shared = [[RwLock<Vec<f32>>; MAX_PARTS]; 2];

impl Layer {
    fn project(&self, x: &[f32], rounded: &mut Activations, queries: &mut Vec<f32>, kv: &mut Vec<f32>) {
        quantize_rows(x, self.query.inputs(), rounded);
        self.query.multiply(rounded, queries);
        self.key_value.multiply(rounded, kv);
    }

    /// From what attention gathered to the layer's output, in `x`.
    fn finish(&self, scratch: &mut Scratch, epsilon: f32) {
        let Scratch {
            x,
            y,
            wide,
            context,
            rounded,
            ..
        } = scratch;
        quantize_rows(context, self.attention_out.inputs(), rounded);
        self.attention_out.multiply(rounded, y);
        let Norm { weight, bias } = &self.attention_norm;
        add_layer_norm(x, y, weight, bias, epsilon);

        quantize_rows(x, self.widen.inputs(), rounded);
        self.widen.multiply(rounded, wide);
        gelu(wide);
        quantize_rows(wide, self.narrow.inputs(), rounded);
        self.narrow.multiply(rounded, y);
        let Norm { weight, bias } = &self.out_norm;
        add_layer_norm(x, y, weight, bias, epsilon);
    }
}

impl E5 {
    /// Packs the weights of the file.
    pub fn new(file: Arc<ModelFile>, budget: Budget) -> Result<Self> {
        let shape = *file.shape();
        let mut positions = numbers(&file, "emb.pos", shape.positions * shape.hidden)?;
        let types = numbers(&file, "emb.type", shape.types * shape.hidden)?;
        for row in positions.chunks_exact_mut(shape.hidden) {
            for (p, t) in row.iter_mut().zip(&types) {
                *p += t;
            }
        }
        file.blocks("emb.word", shape.words * shape.hidden)?;
        let norm = read_norm(&file, "emb.ln", shape.hidden)?;
        let layers = budget.try_map(0..shape.layers, |l, _| read_layer(&file, l))?;
        Ok(E5 {
            file,
            positions,
            norm,
            layers,
        })
    }

    /// One thread's part of a text, through all layers.
    fn work(&self, own: usize, parts: usize, scratch: &mut Scratch, shared: &Shared, barrier: &SpinBarrier) {
        let shape = self.file.shape();
        self.normalize_words(scratch);
        for (layer, shared) in self.layers.iter().zip(shared.iter().cycle()) {
            {
                // Nobody reads or writes this list before the barrier; a poisoned one is filled anew.
                let mut kv = shared[own].write().unwrap_or_else(PoisonError::into_inner);
                layer.project(&scratch.x, &mut scratch.rounded, &mut scratch.queries, &mut kv);
            }
            if !barrier.wait() {
                return;
            }
            {
                let lists: [RwLockReadGuard<Vec<f32>>; MAX_PARTS] =
                    std::array::from_fn(|part| shared[part].read().unwrap_or_else(PoisonError::into_inner));
                let slices: [&[f32]; MAX_PARTS] = std::array::from_fn(|part| lists[part].as_slice());
                let (queries, context) = (&scratch.queries, &mut scratch.context);
                let widths = [shape.hidden, HEAD];
                attend(queries, &slices[..parts], widths, context, &mut scratch.attention);
            }
            layer.finish(scratch, shape.epsilon);
        }
    }

    /// The first layer norm, and room for what attention gathers.
    fn normalize_words(&self, scratch: &mut Scratch) {
        let Norm { weight, bias } = &self.norm;
        add_layer_norm(&mut scratch.x, &[], weight, bias, self.file.shape().epsilon);
        scratch.context.resize(scratch.x.len(), 0.0);
    }

    /// Appends the word, position and type embeddings of each token, added up; the first token is at `position`.
    fn embed_words(&self, tokens: &[u32], position: usize, x: &mut Vec<f32>) -> Result<()> {
        let shape = self.file.shape();
        let words = self.file.blocks("emb.word", shape.words * shape.hidden)?;
        let row_bytes = shape.hidden / Q4_BLOCK * Q4_BLOCK_BYTES;
        let before = x.len();
        x.resize(before + tokens.len() * shape.hidden, 0.0);
        let rows = x[before..].chunks_exact_mut(shape.hidden);
        for ((position, id), out) in (position..).zip(tokens).zip(rows) {
            let id = if (*id as usize) < shape.words {
                *id
            } else {
                shape.controls[3]
            };
            dequantize_q4(&words[id as usize * row_bytes..][..row_bytes], out);
            for (x, p) in out.iter_mut().zip(&self.positions[position * shape.hidden..]) {
                *x += p;
            }
        }
        Ok(())
    }
}

impl Network for E5 {
    type Scratch = Scratch;

    /// The L2-normalised mean of the last layer over each text's tokens; ids outside the vocabulary count as the unknown
    /// one.
    fn run(&self, texts: &[&[u32]], scratch: &mut Scratch) -> Result<Vec<Vec<f32>>> {
        let shape = self.file.shape();
        let hidden = shape.hidden;
        scratch.x.clear();
        for text in texts {
            self.embed_words(text, 0, &mut scratch.x)?;
        }
        self.normalize_words(scratch);
        for layer in &self.layers {
            let (queries, kv) = (&mut scratch.queries, &mut scratch.kv);
            layer.project(&scratch.x, &mut scratch.rounded, queries, kv);
            let mut first = 0;
            for text in texts {
                let tokens = first..first + text.len();
                attend(
                    &scratch.queries[tokens.start * hidden..tokens.end * hidden],
                    &[&scratch.kv[tokens.start * 2 * hidden..tokens.end * 2 * hidden]],
                    [hidden, HEAD],
                    &mut scratch.context[tokens.start * hidden..tokens.end * hidden],
                    &mut scratch.attention,
                );
                first = tokens.end;
            }
            layer.finish(scratch, shape.epsilon);
        }
        let mut rest = scratch.x.as_slice();
        let vectors = texts.iter().map(|text| {
            let (rows, after) = rest.split_at(text.len() * hidden);
            rest = after;
            mean(&[rows], hidden)
        });
        Ok(vectors.collect())
    }

    fn run_shared(&self, text: &[u32], scratches: &mut [Scratch], in_step: &InStep) -> Result<Vec<f32>> {
        let parts = scratches.len();
        for (part, scratch) in scratches.iter_mut().enumerate() {
            let tokens = share(text.len(), part, parts);
            scratch.x.clear();
            self.embed_words(&text[tokens.clone()], tokens.start, &mut scratch.x)?;
        }
        let shared = Shared::default();
        in_step.run(scratches, |part, scratch, barrier| {
            self.work(part, parts, scratch, &shared, barrier);
        });
        let rows: [&[f32]; MAX_PARTS] = std::array::from_fn(|part| scratches.get(part).map_or(&[][..], |s| &s.x));
        Ok(mean(&rows, self.file.shape().hidden))
    }
}

/// The tokens of one of several nearly equal parts.
fn share(tokens: usize, part: usize, parts: usize) -> Range<usize> {
    tokens * part / parts..tokens * (part + 1) / parts
}

/// The normalised mean of the rows of all parts.
pub(super) fn mean(parts: &[&[f32]], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; width];
    for row in parts.iter().flat_map(|rows| rows.chunks_exact(width)) {
        for (sum, x) in out.iter_mut().zip(row) {
            *sum += x;
        }
    }
    // Dividing by the number of rows would only be undone by the norm.
    normalize(&mut out);
    out
}

/// A tensor that the file may hold plain or quantised, as numbers.
pub(super) fn numbers(file: &ModelFile, name: &str, elements: usize) -> Result<Vec<f32>> {
    if file.kind(name) != Some(Kind::Q4) {
        return file.numbers(name, elements);
    }
    let mut out = vec![0.0; elements];
    dequantize_q4(file.blocks(name, elements)?, &mut out);
    Ok(out)
}

fn read_norm(file: &ModelFile, name: &str, width: usize) -> Result<Norm> {
    Ok(Norm {
        weight: file.numbers(&format!("{name}.w"), width)?,
        bias: file.numbers(&format!("{name}.b"), width)?,
    })
}

/// Stacks the named linear layers, each of `rows` outputs.
fn read_matrix(file: &ModelFile, l: usize, names: &[&str], rows: usize, inputs: usize) -> Result<Q4Matrix> {
    let biases = names
        .iter()
        .map(|name| file.numbers(&format!("l{l}.{name}.b"), rows))
        .collect::<Result<Vec<_>>>()?;
    let parts = names
        .iter()
        .zip(&biases)
        .map(|(name, bias)| {
            Ok(Q4Part {
                blocks: file.blocks(&format!("l{l}.{name}.w"), rows * inputs)?,
                bias,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Q4Matrix::new(inputs, &parts)
        .ok_or_else(|| file.corrupt(format!("a matrix of {rows} x {inputs} in layer {l} is not supported")))
}

fn read_layer(file: &ModelFile, l: usize) -> Result<Layer> {
    let (hidden, wide) = (file.shape().hidden, file.shape().feed_forward);
    Ok(Layer {
        query: read_matrix(file, l, &["q"], hidden, hidden)?,
        key_value: read_matrix(file, l, &["k", "v"], hidden, hidden)?,
        attention_out: read_matrix(file, l, &["ao"], hidden, hidden)?,
        attention_norm: read_norm(file, &format!("l{l}.aln"), hidden)?,
        widen: read_matrix(file, l, &["fi"], wide, hidden)?,
        narrow: read_matrix(file, l, &["fo"], hidden, wide)?,
        out_norm: read_norm(file, &format!("l{l}.oln"), hidden)?,
    })
}
