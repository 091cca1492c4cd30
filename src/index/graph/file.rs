//! The file of a graph: how it is written, opened and checked.
//!
//! One file a segment, little-endian: a header of 256 bytes, then the arrays of [`FlatGraph`], each at a multiple of 64
//! bytes, all sizes fixed by the header ([`Sections`]). It is written under a temporary name, synced and renamed, so a
//! file under its own name is whole. Opening reads the header only (its checksum, the identity of the segment, the
//! sizes); [`Graph::verify`] reads everything. Any mismatch is [`Fault::Corrupt`](crate::error::Fault::Corrupt) with
//! the path.
//!
//! A file of another version is refused: graphs are derived, so they are built again and never converted.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use ndarray::ArrayView2;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::codes::{LINE, stride};
use super::header::Header;
use super::neighbours::Neighbours;
use super::query::NearestQuery;
use super::residual::Residual;
use super::scratch::Scratch;
use super::sections::{HEADER, Sections, node_bits};
use super::shape::{FlatGraph, GraphData, GraphParams, MAX_DIM, MAX_M, MAX_ROWS, upper_lists};
use crate::error::{Context as _, Error, Fault, Result};
use crate::files::write_whole;
use crate::index::packed::{Packed, Starts, StartsData, pack};
use crate::kernel::map::map_file;

impl GraphData {
    /// Writes the graph to `path` for the segment of this id, replacing what is there in one step.
    ///
    /// # Errors
    /// `Bug` for a graph that is not whole. `Unavailable` with the path if the disk refuses; what is at `path` then
    /// stays.
    pub fn write(&self, path: &Path, segment: [u8; 16]) -> Result<()> {
        let view = self.view();
        let Some(residual) = view.residual else {
            return Err(Error::bug("a graph was written before it was done"));
        };
        write_whole(path, "the graph", |out| {
            write_file(view, residual, self.ef_construction, out, segment)
        })
    }
}

/// Where each list of neighbours begins, those of the base first, and all of them.
fn lists(view: FlatGraph<'_>) -> (StartsData, Vec<u32>) {
    let mut starts = vec![0];
    let mut neighbours = Vec::new();
    for (links, lists) in [
        (view.links, view.node_rows.len()),
        (view.upper, upper_lists(view.counts)),
    ] {
        for list in 0..lists {
            links.each(list, |to| neighbours.push(to));
            starts.push(neighbours.len() as u64);
        }
    }
    (StartsData::new(&starts), neighbours)
}

fn write_file(
    view: FlatGraph<'_>,
    residual: Residual<'_>,
    ef_construction: usize,
    out: &mut impl Write,
    segment: [u8; 16],
) -> std::io::Result<()> {
    let rows = view.node_rows.len();
    let (starts, neighbours) = lists(view);
    let links = pack(neighbours.iter().map(|&to| to.into()), node_bits(rows));
    let Some(layout) = Sections::new(
        [rows, view.dim],
        view.counts,
        neighbours.len(),
        starts.bits,
        residual.exact_nodes.len(),
    ) else {
        return Err(std::io::Error::other("more than a file can hold"));
    };
    let sections = [
        (layout.node_rows, bytemuck::cast_slice::<u32, u8>(view.node_rows)),
        (layout.row_nodes, bytemuck::cast_slice(view.row_nodes)),
        (layout.firsts, bytemuck::cast_slice(&starts.firsts)),
        (layout.distances, &starts.distances),
        (layout.links, &links),
        (layout.mean, bytemuck::cast_slice(residual.mean)),
        (layout.exact_nodes, bytemuck::cast_slice(residual.exact_nodes)),
        (layout.exact, bytemuck::cast_slice(residual.exact)),
        (layout.codes, bytemuck::cast_slice(view.codes)),
        (layout.low, residual.low),
    ];
    let mut sum = Xxh3::new();
    let mut at = HEADER;
    for (start, bytes) in sections {
        sum.update(&[0; LINE][..start - at]);
        sum.update(bytes);
        at = start + bytes.len();
    }
    let header = Header {
        segment,
        rows: rows as u32,
        dim: view.dim as u32,
        m: view.m as u32,
        ef_construction: ef_construction as u32,
        counts: view.counts.to_vec(),
        unit: residual.unit,
        bits: starts.bits,
        neighbours: neighbours.len() as u64,
        exact: residual.exact_nodes.len() as u32,
        body_sum: sum.digest(),
    };
    out.write_all(&header.to_bytes())?;
    let mut at = HEADER;
    for (start, bytes) in sections {
        out.write_all(&[0; LINE][..start - at])?;
        out.write_all(bytes)?;
        at = start + bytes.len();
    }
    Ok(())
}

/// A graph mapped from its file.
pub struct Graph {
    map: Mmap,
    layout: Sections,
    counts: Vec<u32>,
    rows: usize,
    dim: usize,
    unit: f32,
    /// XXH3 of all bytes behind the header.
    body_sum: u64,
    /// In all lists together.
    neighbours: usize,
    /// How many vectors are kept as they are.
    exact: usize,
    /// Of where a list begins in its group.
    bits: u32,
    params: GraphParams,
    path: PathBuf,
}

impl Graph {
    /// Maps the graph at `path` if it is that of this segment, with these rows and dimension. Takes microseconds: only
    /// the header is read.
    ///
    /// # Errors
    /// `Missing` if there is no such file, `Unavailable` if it cannot be read, `Corrupt` if it is not a whole graph of
    /// this segment or of a version this program reads. Search the segment exactly then, and build the graph again.
    pub fn open(path: &Path, segment: [u8; 16], rows: u32, dim: usize) -> Result<Graph> {
        let doing = || format!("opening the graph {}", path.display());
        if cfg!(target_endian = "big") {
            return Err(Error::unavailable("graphs are little-endian, this machine is not").context(doing()));
        }
        let file =
            File::open(path).map_err(|cause| Error::new(Fault::of_io(&cause), cause.to_string()).context(doing()))?;
        let length = file.metadata().or_fault(Fault::Unavailable, doing())?.len();
        let corrupt = |what: String| Err(Error::corrupt(what).context(doing()));
        if length < HEADER as u64 {
            return corrupt(format!("{length} bytes, too short for a header"));
        }
        let map = map_file(&file).or_fault(Fault::Unavailable, doing())?;
        let Some(header) = map.first_chunk() else {
            return corrupt("the file shrank while it was opened".into());
        };
        let header = match Header::read(header) {
            Ok(header) => header,
            Err(why) => return corrupt(why),
        };
        if header.segment != segment {
            return corrupt("it belongs to another segment".into());
        }
        if (header.rows, header.dim as usize) != (rows, dim) {
            return corrupt(format!(
                "it holds {} vectors of {} values, the segment {rows} of {dim}",
                header.rows, header.dim
            ));
        }
        let m = header.m as usize;
        if m > MAX_M || rows as usize > MAX_ROWS || dim > MAX_DIM {
            return corrupt("sizes beyond what a graph can have".into());
        }
        let (counts, neighbours, exact) = (header.counts, header.neighbours as usize, header.exact as usize);
        if counts.iter().any(|&count| count > rows) || exact > rows as usize {
            return corrupt("a level with more nodes, or more vectors, than rows".into());
        }
        let layout = Sections::new([rows as usize, dim], &counts, neighbours, header.bits, exact);
        let Some(layout) = layout.filter(|layout| layout.end as u64 == length && layout.end == map.len()) else {
            return corrupt(format!("{length} bytes are not what its header says"));
        };
        let params = GraphParams {
            m,
            ef_construction: header.ef_construction as usize,
        };
        Ok(Graph {
            unit: header.unit,
            body_sum: header.body_sum,
            counts,
            layout,
            rows: rows as usize,
            dim,
            neighbours,
            exact,
            bits: header.bits,
            params,
            path: path.to_path_buf(),
            map,
        })
    }

    /// Reads the whole file and compares its checksum: about a second for each 5 GB that the disk's cache holds.
    ///
    /// # Errors
    /// `Corrupt` with the path if any byte differs from what was written.
    pub fn verify(&self) -> Result<()> {
        if xxh3_64(&self.map[HEADER..]) != self.body_sum {
            return Err(
                Error::corrupt("the checksum differs").context(format_args!("the graph {}", self.path.display()))
            );
        }
        Ok(())
    }

    /// The wanted rows of the segment's `vectors` (the matrix the graph was built from) with their exact scores, best
    /// first, ties by row.
    ///
    /// `ef` is the width of the walk: more is slower and misses less (see docs of [`super`]). A filter that leaves few
    /// rows is answered by a scan, as [`super::plan()`] decides.
    ///
    /// # Errors
    /// `Deadline` if it passes before the answer is ready.
    pub fn search(
        &self,
        vectors: ArrayView2<'_, f32>,
        query: &NearestQuery<'_>,
        ef: usize,
        scratch: &mut Scratch,
    ) -> Result<Vec<(f32, u32)>> {
        self.view().search(vectors, query, ef, scratch)
    }

    pub(super) fn view(&self) -> FlatGraph<'_> {
        let Sections {
            node_rows,
            row_nodes,
            firsts,
            distances,
            links,
            mean,
            exact_nodes,
            exact,
            codes,
            low,
            end,
        } = self.layout;
        let (rows, m) = (self.rows, self.params.m);
        let numbers = |start: usize, len: usize| bytemuck::cast_slice::<u8, u32>(&self.map[start..start + 4 * len]);
        let above = upper_lists(&self.counts);
        let groups = bytemuck::cast_slice(&self.map[firsts..firsts + 8 * StartsData::groups(rows + above)]);
        let [links, upper] = [(0, 2 * m), (rows, m)].map(|(first, width)| Neighbours::Packed {
            starts: Starts::new(groups, &self.map[distances..links], rows + above, self.bits),
            nodes: Packed::new(&self.map[links..mean], self.neighbours, node_bits(rows)),
            first,
            width,
        });
        FlatGraph {
            dim: self.dim,
            m,
            node_rows: numbers(node_rows, rows),
            row_nodes: numbers(row_nodes, rows),
            links,
            counts: &self.counts,
            upper,
            codes: bytemuck::cast_slice(&self.map[codes..low]),
            stride: stride(self.dim),
            residual: Some(Residual {
                mean: bytemuck::cast_slice(&self.map[mean..mean + 4 * self.dim]),
                unit: self.unit,
                low: &self.map[low..end],
                exact_nodes: numbers(exact_nodes, self.exact),
                exact: bytemuck::cast_slice(&self.map[exact..exact + 4 * self.exact * self.dim]),
            }),
        }
    }
}
