//! Owns NumPy's `.npy` files as far as vectors need them: one matrix of little-endian f32 in C order, read whole,
//! written row by row.
//!
//! It is how vectors pass between the engine and the Python programs that it is compared with. Other element types
//! and orders are refused, not converted: whoever measures must know what was measured. `ndarray-npy` writes a whole
//! array or a mapped file, not row after row, so this is ours. Format:
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, version 1.0.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use ndarray::Array2;

use crate::error::{Context, Error, Fault, Result};

const MAGIC: &[u8; 8] = b"\x93NUMPY\x01\x00";
/// Magic, header length and header together are a multiple of this.
const ALIGNMENT: usize = 64;
/// The most numbers that are read into memory: 4 GiB of them.
const MAX_NUMBERS: usize = 1 << 30;

/// Reads a matrix.
///
/// # Errors
/// `Missing` if there is no such file, `Unavailable` if it cannot be read; `Caller` if it is not a matrix of `<f4` in C
/// order, is cut off, or holds a number that is not finite.
pub fn read(path: &Path) -> Result<Array2<f32>> {
    let doing = || format!("reading {}", path.display());
    let file =
        File::open(path).map_err(|cause| Error::new(Fault::of_io(&cause), cause.to_string()).context(doing()))?;
    read_from(BufReader::with_capacity(1 << 20, file)).map_err(|error| error.context(doing()))
}

fn read_from(mut reader: impl Read) -> Result<Array2<f32>> {
    let cut_off = "the file is cut off";
    let mut front = [0u8; 10];
    reader.read_exact(&mut front).or_fault(Fault::Caller, cut_off)?;
    if &front[..8] != MAGIC {
        return Err(Error::caller("not a .npy file of version 1.0"));
    }
    let mut header = vec![0; usize::from(u16::from_le_bytes([front[8], front[9]]))];
    reader.read_exact(&mut header).or_fault(Fault::Caller, cut_off)?;
    let header = String::from_utf8_lossy(&header);
    if !header.contains("'descr': '<f4'") || !header.contains("'fortran_order': False") {
        return Err(Error::caller(format!(
            "not little-endian f32 in C order: {}",
            header.trim()
        )));
    }
    let shape = header
        .split("'shape': (")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let shape: Option<Vec<usize>> = shape.map(|shape| shape.split(',').flat_map(|n| n.trim().parse()).collect());
    let Some([rows, columns]) = shape.as_deref() else {
        return Err(Error::caller(format!("not a matrix: {}", header.trim())));
    };
    let total = rows
        .checked_mul(*columns)
        .filter(|total| (1..=MAX_NUMBERS).contains(total));
    let Some(total) = total else {
        return Err(Error::caller(format!(
            "a matrix of {rows} x {columns} numbers is not for memory"
        )));
    };
    // Grows with what is really there, so a header that promises too much costs nothing.
    let mut numbers = Vec::new();
    let mut piece = vec![0u8; 1 << 16];
    while numbers.len() < total {
        let bytes = &mut piece[..((total - numbers.len()) * 4).min(1 << 16)];
        reader.read_exact(bytes).or_fault(Fault::Caller, cut_off)?;
        numbers.extend(bytes.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)));
    }
    if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
        return Err(Error::caller(format!(
            "row {} holds a number that is not finite",
            at / columns
        )));
    }
    Array2::from_shape_vec((*rows, *columns), numbers).or_fault(Fault::Bug, "as many numbers as the shape says")
}

/// Writes a matrix whose number of rows is known before its rows are.
pub struct Writer<W: Write> {
    out: W,
    columns: usize,
    missing: usize,
}

impl<W: Write> Writer<W> {
    /// Writes the header for `rows` rows of `columns` numbers.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be written.
    pub fn new(mut out: W, rows: usize, columns: usize) -> Result<Self> {
        let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        let front = MAGIC.len() + 2;
        while !(front + header.len() + 1).is_multiple_of(ALIGNMENT) {
            header.push(' ');
        }
        header.push('\n');
        // Two numbers of at most 20 digits: far below the 65,535 that the length may be.
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &length[..], header.as_bytes()]
            .iter()
            .try_for_each(|part| out.write_all(part))
            .or_fault(Fault::Unavailable, "writing vectors")?;
        Ok(Writer {
            out,
            columns,
            missing: rows,
        })
    }

    /// Writes the next row.
    ///
    /// # Errors
    /// `Bug` for a row of another length or one too many, `Unavailable` if it cannot be written.
    pub fn row(&mut self, row: &[f32]) -> Result<()> {
        if row.len() != self.columns || self.missing == 0 {
            return Err(Error::bug(format!(
                "a row of {} numbers where {} rows of {} are left to write",
                row.len(),
                self.missing,
                self.columns
            )));
        }
        self.missing -= 1;
        let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.out
            .write_all(&bytes)
            .or_fault(Fault::Unavailable, "writing vectors")
    }

    /// Gives back what was written to, flushed.
    ///
    /// # Errors
    /// `Bug` if rows are missing, `Unavailable` if it cannot be flushed.
    pub fn finish(mut self) -> Result<W> {
        if self.missing > 0 {
            return Err(Error::bug(format!("{} rows were never written", self.missing)));
        }
        self.out.flush().or_fault(Fault::Unavailable, "writing vectors")?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn written(rows: &[&[f32]]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), rows.len(), rows[0].len()).unwrap();
        rows.iter().for_each(|row| writer.row(row).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_and_starts_aligned() {
        let bytes = written(&[&[1.0, -2.5, 3.0], &[0.0, f32::MIN_POSITIVE, 7.0]]);
        assert_eq!((bytes.len() - 6 * 4) % ALIGNMENT, 0);
        let matrix = read_from(&bytes[..]).unwrap();
        assert_eq!(matrix, array![[1.0, -2.5, 3.0], [0.0, f32::MIN_POSITIVE, 7.0]]);
    }

    #[test]
    fn what_is_not_such_a_matrix_is_refused_by_name() {
        let check = |change: &dyn Fn(&mut Vec<u8>), expected: &str| {
            let mut bytes = written(&[&[1.0, 2.0]]);
            change(&mut bytes);
            let error = read_from(&bytes[..]).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            assert!(error.message().contains(expected), "{error}");
        };
        let replace = |bytes: &mut Vec<u8>, from: &str, to: &str| {
            let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            bytes.splice(at..at + from.len(), to.bytes());
        };
        check(&|b| b.truncate(4), "cut off");
        check(&|b| b.truncate(40), "cut off");
        check(&|b| b.truncate(b.len() - 1), "cut off");
        check(&|b| b[0] = 0, "not a .npy");
        check(&|b| replace(b, "<f4", "<f8"), "not little-endian f32");
        check(&|b| replace(b, "False", "True "), "C order");
        check(&|b| replace(b, "(1, 2)", "(2,)  "), "not a matrix");
        check(&|b| replace(b, "(1, 2)", "(0, 2)"), "not for memory");
        check(&|b| replace(b, "(1, 2), }  ", "(99999999, 2), }"), "cut off");
        let at_end = |b: &mut Vec<u8>| {
            let end = b.len();
            b[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        };
        check(&at_end, "row 0");
    }

    #[test]
    fn rows_are_counted() {
        let mut writer = Writer::new(Vec::new(), 1, 2).unwrap();
        assert_eq!(writer.row(&[1.0]).unwrap_err().fault(), Fault::Bug);
        writer.row(&[1.0, 2.0]).unwrap();
        assert_eq!(writer.row(&[1.0, 2.0]).unwrap_err().fault(), Fault::Bug);
        assert_eq!(
            Writer::new(Vec::new(), 1, 2).unwrap().finish().unwrap_err().fault(),
            Fault::Bug
        );
    }
}
