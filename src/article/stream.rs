//! A file of records, one a line, while it is read: where it stands, and its bytes whatever they are encoded in.
//!
//! Holds one line at a time, so a file may be larger than memory.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::decode;
use super::record::Lost;
use super::walk::SourceFile;

/// A file of lines as bytes of UTF-8, or of whatever encoding of one or two bytes it is in.
#[derive(Debug)]
pub(super) enum Bytes {
    AsIs(File),
    FromUtf16(Utf16),
}

/// UTF-16 as UTF-8; what is no character becomes U+FFFD.
pub(super) struct Utf16(DecodeReaderBytes<File, Vec<u8>>);

impl fmt::Debug for Utf16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Utf16")
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Bytes::AsIs(file) => file.read(buffer),
            Bytes::FromUtf16(reader) => reader.0.read(buffer),
        }
    }
}

/// A JSON Lines file that is being read.
#[derive(Debug)]
pub(super) struct Lines {
    pub reader: BufReader<Bytes>,
    pub path: PathBuf,
    /// The file's id, by which records without one are named.
    pub id: String,
    /// What its lines are in, if they are not UTF-8 or GB18030.
    pub encoding: Option<&'static Encoding>,
    /// The number of the last line read.
    pub line: usize,
    /// How many records or rejections it gave.
    pub records: usize,
    pub lost: Lost,
    pub size: u64,
    pub taken: u64,
}

/// A file of lines about to be read, `sample` its beginning.
pub(super) fn lines(file: &SourceFile, opened: File, sample: &[u8]) -> Lines {
    let encoding = decode::of_lines(sample);
    let bytes = match encoding {
        Some(wide) if wide == UTF_16LE || wide == UTF_16BE => Bytes::FromUtf16(Utf16(
            DecodeReaderBytesBuilder::new().encoding(Some(wide)).build(opened),
        )),
        _ => Bytes::AsIs(opened),
    };
    Lines {
        encoding: encoding.filter(|_| matches!(bytes, Bytes::AsIs(_))),
        reader: BufReader::with_capacity(1 << 16, bytes),
        path: file.path.clone(),
        id: file.origin.id(),
        line: 0,
        records: 0,
        lost: Lost::default(),
        size: file.size,
        taken: 0,
    }
}
