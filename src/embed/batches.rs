//! Runs tokenised texts through a network: batches, threads, buffers. Knows nothing of what a network computes.
//!
//! A single text runs on the caller's thread, helped by others if the caller allows it and no model is working on
//! anything else. Several texts are laid into batches of about equal length and the batches are divided among the
//! threads, longest first.

use crate::compute::{Budget, InStep, ScratchPool};
use crate::error::Result;

/// Tokens of a batch, unless a single text has more: enough to read the weights seldom, few enough for their
/// activations to stay in the second-level cache.
const BATCH: usize = 256;
/// Below this many tokens a batch is not split further to keep another core busy.
const SMALL_BATCH: usize = 64;
/// A single text is shared between threads so that each has at least so many tokens.
const SMALL_PART: usize = 4;

/// A forward pass. A text's vector does not depend on its company, nor on the number of threads.
pub(super) trait Network: Send + Sync {
    /// The buffers of one thread, kept between runs.
    type Scratch: Default + Send;

    /// One vector a text. Each text holds at least one id, at most as many as the model has positions, and only ids
    /// that it has.
    fn run(&self, texts: &[&[u32]], scratch: &mut Self::Scratch) -> Result<Vec<Vec<f32>>>;

    /// As [`Network::run`] for one text, by one thread for each scratch. There are at least one scratch and at most as
    /// many as `in_step` has threads, and as many tokens.
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

    /// One vector for each text, in order; `input` makes its ids, as [`Network::run`] wants them.
    pub fn embed(
        &self,
        texts: &[&str],
        input: impl Fn(&str) -> Vec<u32> + Sync,
        budget: Budget,
    ) -> Result<Vec<Vec<f32>>> {
        if let [text] = texts {
            let vector = self.run_single(&input(text), budget);
            return vector.map(|vector| vec![vector]);
        }
        let inputs: Vec<Vec<u32>> = budget.try_map(texts, |text, budget| {
            budget.check()?;
            Ok(input(text))
        })?;
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(inputs[i].len()), i));
        let total: usize = inputs.iter().map(Vec::len).sum();
        let room = (total / budget.threads).clamp(SMALL_BATCH, BATCH);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut filled = usize::MAX;
        for i in order {
            match batches.last_mut() {
                Some(batch) if filled + inputs[i].len() <= room => batch.push(i),
                _ => {
                    batches.push(vec![i]);
                    filled = 0;
                }
            }
            filled += inputs[i].len();
        }
        let results = budget.try_map(&batches, |batch, budget| {
            budget.check()?;
            self.run(&batch.iter().map(|&i| inputs[i].as_slice()).collect::<Vec<_>>())
        })?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for (i, vector) in batches.iter().flatten().zip(results.into_iter().flatten()) {
            vectors[*i] = vector;
        }
        Ok(vectors)
    }

    fn run_single(&self, input: &[u32], budget: Budget) -> Result<Vec<f32>> {
        let in_step = budget.in_step();
        let parts = in_step.threads().min(input.len() / SMALL_PART);
        if parts <= 1 {
            return Ok(self.run(&[input])?.pop().unwrap_or_default());
        }
        self.scratch
            .with_each(parts, |scratches| self.network.run_shared(input, scratches, &in_step))
    }

    fn run(&self, inputs: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        self.scratch.with(|scratch| self.network.run(inputs, scratch))
    }
}
