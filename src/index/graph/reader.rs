//! The vectors of a segment for scoring, out of its graph's file or out of the segment itself.

use ndarray::ArrayView2;

use super::file::Graph;
use super::rows::row;
use super::shape::FlatGraph;
use crate::kernel;

/// Reads the vectors of a segment for scoring: out of its graph's file (cosines are off by at most 1e-4), or the f32
/// vectors themselves where there is no graph.
pub struct VectorReader<'a> {
    graph: Option<FlatGraph<'a>>,
    vectors: ArrayView2<'a, f32>,
    read: Vec<f32>,
}

impl<'a> VectorReader<'a> {
    /// A reader of `vectors`; `graph` is their graph, if they have one.
    pub fn new(graph: Option<&'a Graph>, vectors: ArrayView2<'a, f32>) -> Self {
        VectorReader {
            graph: graph.map(Graph::view),
            vectors,
            read: Vec::new(),
        }
    }

    /// The vector of a row; empty for a row that does not exist.
    #[inline]
    pub fn row(&mut self, at: u32) -> &[f32] {
        let found = match &self.graph {
            Some(graph) => graph.vector(self.vectors, at, &mut self.read),
            None => row(self.vectors, at),
        };
        found.unwrap_or(&[])
    }

    /// Asks the processor to bring a row nearer, which will be read soon.
    #[inline]
    pub fn prefetch(&self, at: u32) {
        match &self.graph {
            Some(graph) => graph.prefetch_vector(at),
            None => kernel::map::prefetch(bytemuck::cast_slice(row(self.vectors, at).unwrap_or(&[]))),
        }
    }
}
