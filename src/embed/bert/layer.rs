//! The weights of a transformer layer: out of the model's file, with what was learned about questions, packed for the
//! kernels.
//!
//! Owns which tensors a layer is made of, and which columns of its activations count in full. It computes nothing of a
//! text (`forward`).

use super::config::Config;
use super::onnx::OnnxFile;
use super::questions::QuestionTuning;
use crate::error::Result;
use crate::kernel::{Int8Matrix, Int8Part};

/// Columns of what comes out of a layer norm that count in full, because their numbers are ten times the others'.
const EXACT: usize = 4;

/// Weight and bias of a layer norm.
#[derive(Clone)]
pub(super) struct Norm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// The weights of a layer, packed for the kernels.
pub(super) struct Layer {
    /// Query, key and value, stacked.
    pub qkv: Int8Matrix,
    pub attention_out: Int8Matrix,
    pub attention_norm: Norm,
    pub widen: Int8Matrix,
    pub narrow: Int8Matrix,
    pub out_norm: Norm,
}

impl Layer {
    /// Layer `l` of the file, changed by `tuning` if there is one; `large` as [`large_columns`] found them.
    pub fn read(
        file: &OnnxFile,
        config: &Config,
        large: &[usize],
        tuning: Option<&QuestionTuning>,
        l: usize,
    ) -> Result<Self> {
        let (hidden, wide) = (config.hidden, config.feed_forward);
        let read_matrix = |names: &[&str], shape, exact: &[usize]| read_matrix(file, tuning, l, names, shape, exact);
        let norm = |name: &str| read_norm(file, &format!("encoder.layer.{l}.{name}"), hidden);
        Ok(Layer {
            qkv: read_matrix(
                &["attention.self.query", "attention.self.key", "attention.self.value"],
                [hidden, hidden],
                large,
            )?,
            attention_out: read_matrix(&["attention.output.dense"], [hidden, hidden], &[])?,
            attention_norm: norm("attention.output.LayerNorm")?,
            widen: read_matrix(&["intermediate.dense"], [hidden, wide], large)?,
            narrow: read_matrix(&["output.dense"], [wide, hidden], &[])?,
            out_norm: norm("output.LayerNorm")?,
        })
    }
}

/// The columns that the layer norms make largest anywhere, in rising order. A column that is large behind one norm
/// mostly is behind the next one too, whose own weights do not tell, because the layers between pass it on.
pub(super) fn large_columns(file: &OnnxFile, config: &Config) -> Result<Vec<usize>> {
    let names = (0..config.layers)
        .flat_map(|l| ["attention.output", "output"].map(|place| format!("encoder.layer.{l}.{place}.LayerNorm")));
    let mut largest = vec![0.0f32; config.hidden];
    for name in std::iter::once("embeddings.LayerNorm".into()).chain(names) {
        let Norm { weight, bias } = read_norm(file, &name, config.hidden)?;
        for ((largest, w), b) in largest.iter_mut().zip(weight).zip(bias) {
            // What a normalised number seldom exceeds is 3.
            *largest = largest.max(3.0 * w.abs() + b.abs());
        }
    }
    let mut columns: Vec<usize> = (0..config.hidden).collect();
    columns.sort_by(|a, b| largest[*b].total_cmp(&largest[*a]).then(a.cmp(b)));
    columns.truncate(EXACT);
    columns.sort_unstable();
    Ok(columns)
}

/// A layer norm of the file.
pub(super) fn read_norm(file: &OnnxFile, name: &str, width: usize) -> Result<Norm> {
    Ok(Norm {
        weight: file.numbers(&format!("{name}.weight"), &[width])?,
        bias: file.numbers(&format!("{name}.bias"), &[width])?,
    })
}

/// Stacks the named linear layers of a transformer layer, each of `rows` outputs; columns of `exact` count in full.
fn read_matrix(
    file: &OnnxFile,
    tuning: Option<&QuestionTuning>,
    l: usize,
    names: &[&str],
    [inputs, rows]: [usize; 2],
    exact: &[usize],
) -> Result<Int8Matrix> {
    let read = |name: &&str| {
        let node = format!("/encoder/layer.{l}/{}/MatMul_quant", name.replace('.', "/"));
        let bias = file.numbers(&format!("encoder.layer.{l}.{name}.bias"), &[rows])?;
        let linear = file.linear(&node, inputs, rows)?;
        let changed = tuning.map(|tuning| tuning.applied(l, name, &linear)).transpose()?;
        Ok((changed.flatten().unwrap_or(linear), bias))
    };
    let parts = names.iter().map(read).collect::<Result<Vec<_>>>()?;
    let parts: Vec<Int8Part> = parts
        .iter()
        .map(|(linear, bias)| Int8Part {
            weights: bytemuck::cast_slice(&linear.weights),
            scales: &linear.scales,
            bias,
        })
        .collect();
    Int8Matrix::new(inputs, exact, &parts).ok_or_else(|| {
        let names = names.join(", ");
        file.corrupt(format!(
            "the weights of {names} in layer {l}, {rows} x {inputs}, are not of the reduced range of 7 bits"
        ))
    })
}
