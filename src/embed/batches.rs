//! Runs tokenised texts through a network: batches, threads, buffers. Knows nothing of what a network computes.
//!
//! A single text runs on the caller's thread, helped by others if the caller allows it and no model is working on
//! anything else. Several texts are laid into batches of about equal length and the batches are divided among the
//! threads, longest first.

use std::ops::Range;

use crate::compute::{Budget, InStep, ScratchPool};
use crate::error::Result;

/// Tokens of a batch, unless a single text has more: enough to read the weights seldom, few enough for their
/// activations to stay in the second-level cache.
const BATCH: usize = 256;
/// Below this many tokens a batch is not split further to keep another core busy.
const SMALL_BATCH: usize = 64;
/// A single text is shared between threads so that each has at least so many tokens.
const SMALL_PART: usize = 4;

/// A tokenised text.
pub(super) struct Input {
    /// At least one, at most as many as the model has positions, and only ids that it has.
    pub ids: Vec<u32>,
    /// The tokens of each part that has a vector of its own, at least one.
    pub parts: Vec<Range<usize>>,
}

/// A forward pass. A text's vector does not depend on its company, nor on the number of threads.
pub(super) trait Network: Send + Sync {
    /// The buffers of one thread, kept between runs.
    type Scratch: Default + Send;

    /// The vector of each text and, behind it, those of its parts.
    fn run(&self, texts: &[&Input], scratch: &mut Self::Scratch) -> Result<Vec<Vec<f32>>>;

    /// As [`Network::run`] for one text without parts, by one thread for each scratch. There are at least one scratch
    /// and at most as many as `in_step` has threads, and as many tokens.
    fn run_shared(&self, text: &[u32], scratches: &mut [Self::Scratch], in_step: &InStep) -> Result<Vec<f32>>;
}

/// A network with the buffers of finished runs; at most as many as ran at once.
pub(super) struct Batches<N: Network> {
    network: N,
    scratch: ScratchPool<N::Scratch>,
}

impl<N: Network> Batches<N> {
    pub fn new(network: N) -> Self {
        Batches {
            network,
            scratch: ScratchPool::default(),
        }
    }

    pub fn network(&self) -> &N {
        &self.network
    }

    /// The vector of each text and, behind it, those of its parts, in order.
    pub fn embed(&self, inputs: &[Input], budget: Budget) -> Result<Vec<Vec<f32>>> {
        if let [input] = inputs {
            return self.run_single(input, budget);
        }
        let length = |i: usize| inputs[i].ids.len();
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(length(i)), i));
        let total: usize = order.iter().map(|&i| length(i)).sum();
        let room = (total / budget.threads).clamp(SMALL_BATCH, BATCH);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut filled = usize::MAX;
        for i in order {
            match batches.last_mut() {
                Some(batch) if filled + length(i) <= room => batch.push(i),
                _ => {
                    batches.push(vec![i]);
                    filled = 0;
                }
            }
            filled += length(i);
        }
        let results = budget.try_map(&batches, |batch, budget| {
            budget.check()?;
            self.run(&batch.iter().map(|&i| &inputs[i]).collect::<Vec<_>>())
        })?;
        let mut vectors = vec![Vec::new(); inputs.len()];
        let mut made = results.into_iter().flatten();
        for &i in batches.iter().flatten() {
            vectors[i] = made.by_ref().take(1 + inputs[i].parts.len()).collect();
        }
        Ok(vectors.into_iter().flatten().collect())
    }

    /// The vectors of one text, by several threads if it has no parts and is long enough.
    fn run_single(&self, input: &Input, budget: Budget) -> Result<Vec<Vec<f32>>> {
        let in_step = budget.in_step();
        let threads = in_step.threads().min(input.ids.len() / SMALL_PART);
        if threads <= 1 || !input.parts.is_empty() {
            return self.run(&[input]);
        }
        let vector = self.scratch.with_each(threads, |scratches| {
            self.network.run_shared(&input.ids, scratches, &in_step)
        });
        vector.map(|vector| vec![vector])
    }

    fn run(&self, inputs: &[&Input]) -> Result<Vec<Vec<f32>>> {
        self.scratch.with(|scratch| self.network.run(inputs, scratch))
    }
}
