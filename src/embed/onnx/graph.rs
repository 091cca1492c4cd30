//! An ONNX graph, run by `rten`: token ids in, the numbers of one output out.
//!
//! A text is run by itself, without padding: models whose activations are quantised at run time scale them by all that
//! runs together, so a vector would depend on its company. `rten` runs in threads of its own; here it gets as many for
//! a run as the budget has, kept for the next one, while the caller's thread waits. (Only while it opens a file it
//! folds constants in a pool that it makes itself, of one thread a core.) How long one run takes, and how much memory,
//! is the graph's own affair; every input is bounded.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::Layout;

use super::guard::{Foreign, guarded};
use super::tokens::Input;
use crate::error::{Context as _, Error, Fault, Result};

/// More cannot be addressed by the format itself; weights that lie beside the graph are checked by `rten`.
const MOST_BYTES: u64 = 2 << 30;

/// Inputs that can be filled.
const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];

/// What an output holds for one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Without the first dimension, that of the batch: `[tokens, numbers]` or `[numbers]`.
    pub shape: Vec<usize>,
    /// Finite, in row-major order.
    pub numbers: Vec<f32>,
}

/// A graph that is ready to run.
pub struct Graph {
    model: Model,
    /// The file, for messages.
    name: String,
    /// By the place of its name in [`INPUTS`].
    inputs: Vec<(NodeId, usize)>,
    output: NodeId,
    output_name: String,
    /// Threads of finished runs by their number, at most as many as ran at once.
    threads: Mutex<Vec<(usize, Arc<ThreadPool>)>>,
}

impl Graph {
    /// Opens an ONNX file and finds its inputs by name; of its outputs it takes the first of `outputs` that is there,
    /// or the only one there is.
    ///
    /// # Errors
    /// `Corrupt` for a file that is no such graph, `Unavailable` if it cannot be read.
    pub fn open(path: &Path, outputs: &[&str]) -> Result<Self> {
        let name = path.display().to_string();
        let doing = || format!("opening the graph {name}");
        let size = std::fs::metadata(path).or_fault(Fault::Unavailable, doing())?.len();
        if size > MOST_BYTES {
            return Err(
                Error::corrupt(format!("{size} bytes are no ONNX file, at most {MOST_BYTES} are")).context(doing()),
            );
        }
        let model = guarded(doing(), || Ok(ModelOptions::with_all_ops().load_file(path)?))?;
        let called = |id: &NodeId| {
            model
                .node_info(*id)
                .and_then(|info| info.name())
                .unwrap_or_default()
                .to_owned()
        };
        let mut inputs = Vec::new();
        for id in model.input_ids() {
            let found = called(id);
            match INPUTS.iter().position(|known| *known == found) {
                Some(at) => inputs.push((*id, at)),
                None => {
                    return Err(Error::corrupt(format!(
                        "{name}: the graph asks for `{found}`; what can be given is {}",
                        INPUTS.join(", ")
                    )));
                }
            }
        }
        if !inputs.iter().any(|(_, at)| INPUTS[*at] == "input_ids") {
            return Err(Error::corrupt(format!(
                "{name}: the graph takes no `input_ids`, so it is no text model"
            )));
        }
        let found: Vec<String> = model.output_ids().iter().map(called).collect();
        let wanted = outputs
            .iter()
            .find_map(|wanted| found.iter().position(|name| name == wanted));
        let at = match (wanted, found.len()) {
            (Some(at), _) => at,
            (None, 1) => 0,
            (None, _) => {
                return Err(Error::corrupt(format!(
                    "{name}: the graph gives [{}]; one of {} is needed",
                    found.join(", "),
                    outputs.join(", ")
                )));
            }
        };
        Ok(Graph {
            inputs,
            output: model.output_ids()[at],
            output_name: found[at].clone(),
            threads: Mutex::default(),
            model,
            name,
        })
    }

    /// Runs it for one input, by so many threads.
    ///
    /// # Errors
    /// `Corrupt` if the graph fails or gives what is no number.
    pub fn run(&self, input: &Input, threads: usize) -> Result<Output> {
        let doing = || format!("running {} on {} tokens", self.name, input.ids.len());
        let pool = self.take_threads(threads);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&pool)));
        let value = guarded(doing(), || {
            let [value] = self.model.run_n(self.filled(input)?, [self.output], Some(options))?;
            Ok(value)
        });
        self.threads().push((threads, pool));
        self.checked(value?).map_err(|error| error.context(doing()))
    }

    fn filled(&self, input: &Input) -> Result<Vec<(NodeId, rten::ValueOrView<'static>)>, Foreign> {
        let filled = self.inputs.iter().map(|(id, at)| {
            let numbers = match INPUTS[*at] {
                "attention_mask" => vec![1; input.ids.len()],
                "token_type_ids" => input.types.clone(),
                _ => input.ids.clone(),
            };
            Ok((*id, Value::from_shape([1, numbers.len()], numbers)?.into()))
        });
        filled.collect()
    }

    fn checked(&self, value: Value) -> Result<Output> {
        let output = &self.output_name;
        let found = value.dtype();
        let Some(tensor) = value.into_tensor::<f32>() else {
            return Err(Error::corrupt(format!(
                "`{output}` holds {found:?}; numbers of 32 bits are needed"
            )));
        };
        let shape = match tensor.shape() {
            [1, shape @ ..] => shape.to_vec(),
            other => {
                return Err(Error::corrupt(format!(
                    "`{output}` has the shape {other:?} for one text"
                )));
            }
        };
        let numbers = tensor.into_data();
        if numbers.iter().all(|number| number.is_finite()) {
            Ok(Output { shape, numbers })
        } else {
            Err(Error::corrupt(format!(
                "`{output}` holds what is no number (NaN or infinite)"
            )))
        }
    }

    fn take_threads(&self, threads: usize) -> Arc<ThreadPool> {
        let mut idle = self.threads();
        match idle.iter().position(|(held, _)| *held == threads) {
            Some(at) => idle.swap_remove(at).1,
            None => Arc::new(ThreadPool::with_num_threads(threads)),
        }
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Arc<ThreadPool>)>> {
        // A thread that panicked while it held the list left it whole: it only pushes and takes out.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
