//! The forward pass of multilingual-e5-small (a 12-layer post-norm BERT), on 4-bit weights and 8-bit activations.
//!
//! Owns the packed weights and the order of the steps; the arithmetic is the kernel's. Texts of a batch are laid end
//! to end and never padded: linear layers see one long list of tokens, attention sees each text by itself. A text's
//! vector does not depend on the company it is computed in, to the last bit.

use std::sync::Arc;

use rayon::prelude::*;

use super::file::{Kind, ModelFile};
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
    /// Query, key and value as one matrix.
    qkv: Q4Matrix,
    attention_out: Q4Matrix,
    attention_norm: Norm,
    widen: Q4Matrix,
    narrow: Q4Matrix,
    out_norm: Norm,
}

/// The model's weights, ready to run.
pub(super) struct Network {
    file: Arc<ModelFile>,
    /// Position embedding with the token type's added, a row of `hidden` a position.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// The buffers of one run, kept between runs.
#[derive(Default)]
pub(super) struct Scratch {
    x: Vec<f32>,
    y: Vec<f32>,
    qkv: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    rounded: Activations,
    attention: AttentionScratch,
}

impl Network {
    /// Packs the weights of the file, on all cores.
    pub fn new(file: Arc<ModelFile>) -> Result<Self> {
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
        let layers = (0..shape.layers)
            .into_par_iter()
            .map(|l| read_layer(&file, l))
            .collect::<Result<_>>()?;
        Ok(Network {
            file,
            positions,
            norm,
            layers,
        })
    }

    /// The L2-normalised mean of the last layer over each text's tokens. Each text holds at least one id and at most
    /// as many as the model has positions; ids outside the vocabulary count as the unknown one.
    pub fn run(&self, texts: &[&[u32]], scratch: &mut Scratch) -> Result<Vec<Vec<f32>>> {
        let shape = self.file.shape();
        let hidden = shape.hidden;
        let Scratch {
            x,
            y,
            qkv,
            wide,
            context,
            rounded,
            attention,
        } = scratch;
        self.embed_words(texts, x)?;
        add_layer_norm(x, &[], &self.norm.weight, &self.norm.bias, shape.epsilon);
        context.resize(x.len(), 0.0);
        for layer in &self.layers {
            quantize_rows(x, hidden, rounded);
            layer.qkv.multiply(rounded, qkv);
            let mut first = 0;
            for text in texts {
                let tokens = first..first + text.len();
                attend(
                    &qkv[tokens.start * 3 * hidden..tokens.end * 3 * hidden],
                    hidden,
                    &mut context[tokens.start * hidden..tokens.end * hidden],
                    attention,
                );
                first = tokens.end;
            }
            quantize_rows(context, hidden, rounded);
            layer.attention_out.multiply(rounded, y);
            add_layer_norm(
                x,
                y,
                &layer.attention_norm.weight,
                &layer.attention_norm.bias,
                shape.epsilon,
            );

            quantize_rows(x, hidden, rounded);
            layer.widen.multiply(rounded, wide);
            gelu(wide);
            quantize_rows(wide, shape.feed_forward, rounded);
            layer.narrow.multiply(rounded, y);
            add_layer_norm(x, y, &layer.out_norm.weight, &layer.out_norm.bias, shape.epsilon);
        }
        let mut rest = x.as_slice();
        let vectors = texts.iter().map(|text| {
            let (rows, after) = rest.split_at(text.len() * hidden);
            rest = after;
            mean(rows, hidden)
        });
        Ok(vectors.collect())
    }

    /// Word, position and type embeddings of each token, added up.
    fn embed_words(&self, texts: &[&[u32]], x: &mut Vec<f32>) -> Result<()> {
        let shape = self.file.shape();
        let words = self.file.blocks("emb.word", shape.words * shape.hidden)?;
        let row_bytes = shape.hidden / Q4_BLOCK * Q4_BLOCK_BYTES;
        x.resize(texts.iter().map(|text| text.len()).sum::<usize>() * shape.hidden, 0.0);
        let tokens = texts.iter().flat_map(|text| text.iter().enumerate());
        for ((position, id), out) in tokens.zip(x.chunks_exact_mut(shape.hidden)) {
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

/// The normalised mean of rows.
pub(super) fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; width];
    for row in rows.chunks_exact(width) {
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
        qkv: read_matrix(file, l, &["q", "k", "v"], hidden, hidden)?,
        attention_out: read_matrix(file, l, &["ao"], hidden, hidden)?,
        attention_norm: read_norm(file, &format!("l{l}.aln"), hidden)?,
        widen: read_matrix(file, l, &["fi"], wide, hidden)?,
        narrow: read_matrix(file, l, &["fo"], hidden, wide)?,
        out_norm: read_norm(file, &format!("l{l}.oln"), hidden)?,
    })
}
