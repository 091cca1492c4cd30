//! The forward pass of a BERT (post-norm layers) on 8-bit weights and activations, to the normalised `[CLS]` row.
//!
//! Owns the order of the steps; the weights are `layer`'s, the arithmetic is the kernel's. Texts of a batch are laid
//! end to end and never padded: linear layers see one long list of tokens, attention sees each text by itself. The
//! last layer is worked out for the first token of each text alone, since nothing else of it is read; once more for
//! each part of a text that has a vector of its own, and then that token sees the part's tokens alone. So a part costs
//! a row of one layer, and its tokens have seen the whole text by then. A single text can be shared by several
//! threads, each with a part of its tokens, which meet once a layer. A text's vector does not depend on the company it
//! is computed in, nor on the number of threads, to the last bit.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use prost::bytes::Bytes as Mapped;

use super::config::Config;
use super::layer::{Layer, Norm, large_columns, read_norm};
use super::onnx::OnnxFile;
use super::questions::QuestionTuning;
use crate::compute::{Budget, InStep, MOST_IN_STEP, SpinBarrier};
use crate::embed::batches::{Input, Network};
use crate::error::{Error, Result};
use crate::kernel::{AttentionScratch, Bytes, add_layer_norm, attend, gelu, normalize};

/// The word embeddings as they lie in the file: value = (code - zero) x scale.
#[derive(Clone)]
struct Words {
    codes: Mapped,
    scale: f32,
    zero: f32,
}

/// The model's weights, ready to run.
pub(super) struct Bert {
    config: Config,
    words: Words,
    /// Position embedding with the token type's added, a row of `hidden` a position.
    positions: Arc<[f32]>,
    norm: Norm,
    layers: Vec<Arc<Layer>>,
}

/// The buffers of one thread, kept between runs. Rows are tokens but where it says otherwise.
#[derive(Default)]
pub(super) struct Scratch {
    x: Vec<f32>,
    y: Vec<f32>,
    queries: Vec<f32>,
    /// Key and value.
    kv: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    rounded: Bytes,
    attention: AttentionScratch,
}

/// Keys and values of the tokens of each part. Two sets, used in turn, so that a thread may fill the next layer's while
/// another still reads this one's.
type Shared = [[RwLock<Vec<f32>>; MOST_IN_STEP]; 2];

impl Layer {
    /// Rounds the tokens and makes their keys and values.
    fn key_value(&self, x: &[f32], rounded: &mut Bytes, kv: &mut Vec<f32>) {
        let hidden = self.qkv.inputs();
        self.qkv.round(x, rounded);
        self.qkv.multiply(hidden..3 * hidden, rounded, kv);
    }

    /// The queries of tokens that were rounded.
    fn query(&self, rounded: &Bytes, queries: &mut Vec<f32>) {
        self.qkv.multiply(0..self.qkv.inputs(), rounded, queries);
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
        self.attention_out.round(context, rounded);
        self.attention_out.multiply(0..self.attention_out.rows(), rounded, y);
        let Norm { weight, bias } = &self.attention_norm;
        add_layer_norm(x, y, weight, bias, epsilon);

        self.widen.round(x, rounded);
        self.widen.multiply(0..self.widen.rows(), rounded, wide);
        gelu(wide);
        self.narrow.round(wide, rounded);
        self.narrow.multiply(0..self.narrow.rows(), rounded, y);
        let Norm { weight, bias } = &self.out_norm;
        add_layer_norm(x, y, weight, bias, epsilon);
    }
}

impl Bert {
    /// Packs the weights of the file.
    ///
    /// # Errors
    /// If the file lacks a tensor of the model that `config` describes.
    pub fn new(file: &OnnxFile, config: Config, budget: Budget) -> Result<Self> {
        let hidden = config.hidden;
        let table = |name: &str, rows: usize| {
            let (codes, scale, zero) = file.table(&format!("embeddings.{name}.weight"), &[rows, hidden])?;
            Ok(Words { codes, scale, zero })
        };
        let words = table("word_embeddings", config.words)?;
        let (position, types) = (
            table("position_embeddings", config.positions)?,
            table("token_type_embeddings", config.types)?,
        );
        let mut positions = vec![0.0; config.positions * hidden];
        for (row, out) in positions.chunks_exact_mut(hidden).enumerate() {
            types.add_row(0, out);
            position.add_row(row, out);
        }
        let norm = read_norm(file, "embeddings.LayerNorm", hidden)?;
        let large = large_columns(file, &config)?;
        let layers = budget.try_map(0..config.layers, |l, _| {
            Layer::read(file, &config, &large, None, l).map(Arc::new)
        })?;
        Ok(Bert {
            words,
            positions: positions.into(),
            norm,
            layers,
            config,
        })
    }

    /// The same with the changed weights; what is not changed is shared.
    ///
    /// # Errors
    /// As [`Bert::new`], and if the change is of another model's shape.
    pub fn tuned(&self, file: &OnnxFile, tuning: &QuestionTuning, budget: Budget) -> Result<Self> {
        let large = large_columns(file, &self.config)?;
        let layers = budget.try_map(0..self.layers.len(), |l, _| {
            if tuning.touches(l) {
                Layer::read(file, &self.config, &large, Some(tuning), l).map(Arc::new)
            } else {
                Ok(Arc::clone(&self.layers[l]))
            }
        })?;
        Ok(Bert {
            config: self.config.clone(),
            words: self.words.clone(),
            positions: Arc::clone(&self.positions),
            norm: self.norm.clone(),
            layers,
        })
    }

    /// The sizes of the model.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The widths that attention asks for.
    fn widths(&self) -> [usize; 2] {
        [self.config.hidden, self.config.head()]
    }

    /// Fills `x` with the embeddings of the tokens, added up and normalised; the first token is at `position`.
    fn embed(&self, tokens: impl Iterator<Item = (usize, u32)>, x: &mut Vec<f32>) {
        let hidden = self.config.hidden;
        x.clear();
        for (position, id) in tokens {
            x.extend_from_slice(&self.positions[position * hidden..][..hidden]);
            let row = x.len() - hidden;
            self.words.add_row(id as usize, &mut x[row..]);
        }
        let Norm { weight, bias } = &self.norm;
        add_layer_norm(x, &[], weight, bias, self.config.epsilon);
    }

    /// The last layer for one row of `x` a text, which then holds what becomes of it. `attend` gathers for all rows.
    fn last(
        &self,
        layer: &Layer,
        scratch: &mut Scratch,
        attend: impl FnOnce(&[f32], &mut [f32], &mut AttentionScratch),
    ) {
        // Rounded again: a row's codes are the same whatever stands beside it.
        layer.qkv.round(&scratch.x, &mut scratch.rounded);
        layer.query(&scratch.rounded, &mut scratch.queries);
        scratch.context.resize(scratch.x.len(), 0.0);
        attend(&scratch.queries, &mut scratch.context, &mut scratch.attention);
        layer.finish(scratch, self.config.epsilon);
    }

    /// One thread's part of a text, through all layers but what the last one does to the first token.
    fn work(&self, own: usize, parts: usize, scratch: &mut Scratch, shared: &Shared, barrier: &SpinBarrier) {
        let hidden = self.config.hidden;
        for (l, (layer, shared)) in self.layers.iter().zip(shared.iter().cycle()).enumerate() {
            {
                // Nobody reads or writes this list before the barrier; a poisoned one is filled anew.
                let mut kv = shared[own].write().unwrap_or_else(PoisonError::into_inner);
                layer.key_value(&scratch.x, &mut scratch.rounded, &mut kv);
            }
            let is_last = l + 1 == self.layers.len();
            if !is_last {
                layer.query(&scratch.rounded, &mut scratch.queries);
            }
            if !barrier.wait() {
                return;
            }
            let lists: [RwLockReadGuard<Vec<f32>>; MOST_IN_STEP] =
                std::array::from_fn(|part| shared[part].read().unwrap_or_else(PoisonError::into_inner));
            let slices: [&[f32]; MOST_IN_STEP] = std::array::from_fn(|part| lists[part].as_slice());
            let kv = &slices[..parts];
            if is_last {
                if own == 0 {
                    scratch.x.truncate(hidden);
                    self.last(layer, scratch, |queries, context, attention| {
                        attend(queries, kv, self.widths(), context, attention);
                    });
                }
                return;
            }
            scratch.context.resize(scratch.x.len(), 0.0);
            let (queries, context) = (&scratch.queries, &mut scratch.context);
            attend(queries, kv, self.widths(), context, &mut scratch.attention);
            drop(lists);
            layer.finish(scratch, self.config.epsilon);
        }
    }
}

impl Network for Bert {
    type Scratch = Scratch;

    fn run(&self, texts: &[&Input], scratch: &mut Scratch) -> Result<Vec<Vec<f32>>> {
        let hidden = self.config.hidden;
        let tokens = texts.iter().flat_map(|text| (0..).zip(text.ids.iter().copied()));
        self.embed(tokens, &mut scratch.x);
        let ranges: Vec<Range<usize>> = texts
            .iter()
            .scan(0, |first, text| {
                let range = *first..*first + text.ids.len();
                *first = range.end;
                Some(range)
            })
            .collect();
        let part = |rows: &Range<usize>, width: usize| rows.start * width..rows.end * width;
        let (last, layers) = self
            .layers
            .split_last()
            .ok_or_else(|| Error::bug("a model without layers"))?;
        for layer in layers {
            layer.key_value(&scratch.x, &mut scratch.rounded, &mut scratch.kv);
            layer.query(&scratch.rounded, &mut scratch.queries);
            scratch.context.resize(scratch.x.len(), 0.0);
            for rows in &ranges {
                attend(
                    &scratch.queries[part(rows, hidden)],
                    &[&scratch.kv[part(rows, 2 * hidden)]],
                    self.widths(),
                    &mut scratch.context[part(rows, hidden)],
                    &mut scratch.attention,
                );
            }
            layer.finish(scratch, self.config.epsilon);
        }
        last.key_value(&scratch.x, &mut scratch.rounded, &mut scratch.kv);
        // Whose first token sees which rows: each text itself, then its parts.
        let seen = texts.iter().zip(&ranges).flat_map(|(text, rows)| {
            let parts = text.parts.iter();
            let parts = parts.map(|part| rows.start + part.start..rows.start + part.end);
            std::iter::once(rows.clone())
                .chain(parts)
                .map(|seen| (rows.start, seen))
        });
        let seen: Vec<(usize, Range<usize>)> = seen.collect();
        scratch.y.clear();
        for &(first, _) in &seen {
            scratch
                .y
                .extend_from_slice(&scratch.x[part(&(first..first + 1), hidden)]);
        }
        std::mem::swap(&mut scratch.x, &mut scratch.y);
        let kv = std::mem::take(&mut scratch.kv);
        self.last(last, scratch, |queries, context, attention| {
            let rows = queries.chunks_exact(hidden).zip(context.chunks_exact_mut(hidden));
            for ((query, out), (_, rows)) in rows.zip(&seen) {
                attend(query, &[&kv[part(rows, 2 * hidden)]], self.widths(), out, attention);
            }
        });
        scratch.kv = kv;
        Ok(scratch.x.chunks_exact(hidden).map(normalized).collect())
    }

    fn run_shared(&self, text: &[u32], scratches: &mut [Scratch], in_step: &InStep) -> Result<Vec<f32>> {
        let parts = scratches.len();
        for (part, scratch) in scratches.iter_mut().enumerate() {
            let tokens = text.len() * part / parts..text.len() * (part + 1) / parts;
            self.embed(tokens.clone().zip(text[tokens].iter().copied()), &mut scratch.x);
        }
        let shared = Shared::default();
        in_step.run(scratches, |part, scratch, barrier| {
            self.work(part, parts, scratch, &shared, barrier);
        });
        Ok(normalized(&scratches[0].x))
    }
}

impl Words {
    /// Adds a row to `out`, which is as wide; of a row that is not there nothing.
    fn add_row(&self, row: usize, out: &mut [f32]) {
        let codes = self.codes.get(row * out.len()..).unwrap_or_default();
        for (x, code) in out.iter_mut().zip(codes) {
            *x += (f32::from(*code) - self.zero) * self.scale;
        }
    }
}

fn normalized(row: &[f32]) -> Vec<f32> {
    let mut vector = row.to_vec();
    normalize(&mut vector);
    vector
}
