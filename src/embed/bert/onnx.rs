//! The weights in an ONNX file: its initializers by name, and which of them a named node takes.
//!
//! The file is mapped, tensors point into the map. The graph is never run: of each node only its name, its operation
//! and the names of its inputs are read. Every type, shape and length is checked where a tensor is asked for.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost::bytes::Bytes;

use super::config::corrupt;
use crate::error::{Context as _, Error, Fault, Result};
use crate::kernel::map::map_file;

/// The largest file: reading one of many empty entries takes some 20 times its size in memory.
const LARGEST: u64 = 64 << 20;
/// The most nodes and the most tensors.
const MOST: usize = 1 << 14;

/// The parts of ONNX's messages that are needed; entries of lists stay unread until they were counted.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ModelProto {
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub graph: Option<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GraphProto {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub nodes: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub initializers: Vec<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub inputs: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub operation: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "bytes", tag = "9")]
    pub raw_data: Bytes,
}

/// ONNX's numbers for the types that are read.
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;

/// An open ONNX file.
pub(super) struct OnnxFile {
    path: PathBuf,
    digest: u64,
    tensors: HashMap<String, TensorProto>,
    /// Inputs of each node that multiplies by quantised weights, by its name.
    products: HashMap<String, Vec<String>>,
}

/// Weights of a linear layer: value = code x scale of the row.
pub(super) struct Linear {
    /// `[input][row]`.
    pub weights: Bytes,
    /// One a row.
    pub scales: Vec<f32>,
}

impl OnnxFile {
    /// Maps the file at `path` and reads its tables.
    ///
    /// # Errors
    /// [`Fault::Missing`] if there is no file, [`Fault::Unavailable`] if it cannot be read, [`Fault::Corrupt`] if it is
    /// no ONNX model.
    pub fn open(path: &Path) -> Result<Self> {
        let named = || format!("opening the embedding model {}", path.display());
        let file = File::open(path).map_err(|cause| {
            Error::new(Fault::of_io(&cause), format!("{}: {cause}", named())).help("run `baowen model fetch`")
        })?;
        let length = file.metadata().or_fault(Fault::Unavailable, named())?.len();
        if !(1..=LARGEST).contains(&length) {
            return Err(corrupt(path, format!("it has {length} bytes")));
        }
        let bytes = Bytes::from_owner(map_file(&file).or_fault(Fault::Unavailable, named())?);
        Self::read(path, bytes).map_err(|cause| corrupt(path, cause))
    }

    fn read(path: &Path, bytes: Bytes) -> Result<Self, String> {
        let no_model = |cause: prost::DecodeError| format!("it is no ONNX model: {cause}");
        let digest = xxhash_rust::xxh3::xxh3_64(&bytes);
        let graph = ModelProto::decode(bytes).map_err(no_model)?.graph;
        let graph = GraphProto::decode(graph.unwrap_or_default()).map_err(no_model)?;
        for (what, count) in [("nodes", graph.nodes.len()), ("tensors", graph.initializers.len())] {
            if !(1..=MOST).contains(&count) {
                return Err(format!("it has {count} {what}"));
            }
        }
        let (mut products, mut tensors) = (HashMap::new(), HashMap::new());
        for node in graph.nodes {
            let node = NodeProto::decode(node).map_err(no_model)?;
            if node.operation == "MatMulInteger" {
                products.insert(node.name, node.inputs);
            }
        }
        for tensor in graph.initializers {
            let mut tensor = TensorProto::decode(tensor).map_err(no_model)?;
            tensors.insert(std::mem::take(&mut tensor.name), tensor);
        }
        Ok(OnnxFile {
            path: path.to_owned(),
            digest,
            tensors,
            products,
        })
    }

    /// XXH3 (64 bits) of the whole file: which weights these are.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// A tensor of plain numbers.
    ///
    /// # Errors
    /// If the file has none of that name and shape, or one that holds what is no finite number.
    pub fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let tensor = self.tensor(name, FLOAT, shape)?;
        let numbers: Vec<f32> = if tensor.raw_data.is_empty() {
            tensor.float_data.clone()
        } else {
            let (numbers, rest) = tensor.raw_data.as_chunks::<4>();
            if !rest.is_empty() {
                return Err(self.corrupt(format!("tensor {name} ends inside a number")));
            }
            numbers.iter().map(|b| f32::from_le_bytes(*b)).collect()
        };
        self.check_length(name, shape, numbers.len())?;
        if !numbers.iter().all(|x| x.is_finite()) {
            return Err(self.corrupt(format!("tensor {name} holds what is no number")));
        }
        Ok(numbers)
    }

    /// A table of bytes and what they stand for: value = (code - zero) x scale. Returns codes, scale and zero.
    ///
    /// # Errors
    /// If the file has no such table under `name`, of that shape.
    pub fn table(&self, name: &str, shape: &[usize]) -> Result<(Bytes, f32, f32)> {
        let codes = &self.tensor(&format!("{name}_quantized"), UINT8, shape)?.raw_data;
        self.check_length(name, shape, codes.len())?;
        let scale = self.numbers(&format!("{name}_scale"), &[])?;
        let zero = self.codes(&format!("{name}_zero_point"), UINT8, &[])?;
        Ok((codes.clone(), scale[0], zero[0] as f32))
    }

    /// What the node multiplies by: [`Linear`] of `inputs` x `rows`.
    ///
    /// # Errors
    /// If there is no node of that name that multiplies by such weights, or they are not about zero.
    pub fn linear(&self, node: &str, inputs: usize, rows: usize) -> Result<Linear> {
        let weights = self.products.get(node).and_then(|inputs| inputs.get(1));
        let name = weights.ok_or_else(|| self.corrupt(format!("it has no product {node}")))?;
        let weights = &self.tensor(name, INT8, &[inputs, rows])?.raw_data;
        self.check_length(name, &[inputs, rows], weights.len())?;
        let base = name.strip_suffix("_quantized").unwrap_or(name);
        let zeros = self.codes(&format!("{base}_zero_point"), INT8, &[rows])?;
        if zeros.iter().any(|zero| *zero != 0) {
            return Err(self.corrupt(format!("the weights {name} are not about zero")));
        }
        Ok(Linear {
            weights: weights.clone(),
            scales: self.numbers(&format!("{base}_scale"), &[rows])?,
        })
    }

    /// A tensor of a few bytes, which may be written as numbers.
    fn codes(&self, name: &str, data_type: i32, shape: &[usize]) -> Result<Vec<i32>> {
        let tensor = self.tensor(name, data_type, shape)?;
        let codes: Vec<i32> = if tensor.raw_data.is_empty() {
            tensor.int32_data.clone()
        } else if data_type == UINT8 {
            tensor.raw_data.iter().map(|b| i32::from(*b)).collect()
        } else {
            tensor.raw_data.iter().map(|b| i32::from(*b as i8)).collect()
        };
        self.check_length(name, shape, codes.len())?;
        Ok(codes)
    }

    fn tensor(&self, name: &str, data_type: i32, shape: &[usize]) -> Result<&TensorProto> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.ok_or_else(|| self.corrupt(format!("it has no tensor {name}")))?;
        let is_shape = tensor.dims.len() == shape.len()
            && tensor
                .dims
                .iter()
                .zip(shape)
                .all(|(dim, size)| usize::try_from(*dim) == Ok(*size));
        if tensor.data_type != data_type || !is_shape {
            return Err(self.corrupt(format!(
                "tensor {name} is of type {} and shape {:?}, not of type {data_type} and shape {shape:?}",
                tensor.data_type, tensor.dims
            )));
        }
        Ok(tensor)
    }

    fn check_length(&self, name: &str, shape: &[usize], length: usize) -> Result<()> {
        if shape.iter().product::<usize>() != length {
            return Err(self.corrupt(format!("tensor {name} of shape {shape:?} holds {length} numbers")));
        }
        Ok(())
    }

    /// An error about this file.
    pub fn corrupt(&self, cause: impl std::fmt::Display) -> Error {
        corrupt(&self.path, cause)
    }
}
