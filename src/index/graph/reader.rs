//! The vectors of a segment for scoring, out of its graph's file or out of the segment itself.

use super::file::Graph;
use super::shape::FlatGraph;
use crate::kernel;

/// Reads the vectors of a segment for scoring: those of its graph, which lie within 5e-6 in a cosine of the real ones, or
/// the real ones where there is no graph.
pub struct VectorReader<'a> {
    graph: Option<FlatGraph<'a>>,
    vectors: &'a [f32],
    dim: usize,
    read: Vec<f32>,
}

impl<'a> VectorReader<'a> {
    /// A reader of `vectors`, rows of `dim` values, of which `graph` is the graph if they have one.
    pub fn new(graph: Option<&'a Graph>, vectors: &'a [f32], dim: usize) -> Self {
        VectorReader {
            graph: graph.map(Graph::view),
            vectors,
            dim,
            read: Vec::new(),
        }
    }

    /// The vector of a row; empty for a row that does not exist.
    #[inline]
    pub fn row(&mut self, row: u32) -> &[f32] {
        let found = match &self.graph {
            Some(graph) => graph.vector(self.vectors, row, &mut self.read),
            None => self.plain(row),
        };
        found.unwrap_or(&[])
    }

    /// Asks the processor to bring a row nearer, which will be read soon.
    #[inline]
    pub fn prefetch(&self, row: u32) {
        match &self.graph {
            Some(graph) => graph.prefetch_vector(row),
            None => kernel::map::prefetch(bytemuck::cast_slice(self.plain(row).unwrap_or(&[]))),
        }
    }

    fn plain(&self, row: u32) -> Option<&'a [f32]> {
        self.vectors.get(row as usize * self.dim..)?.get(..self.dim)
    }
}
