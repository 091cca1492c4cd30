//! Which reader reads which format.

use super::extracted::{Extracted, Kind, Reader};
use super::{docx, pdf, xlsx};

/// Reads a file's bytes in this process.
pub(super) fn read(kind: Kind, bytes: Vec<u8>) -> Result<Extracted, String> {
    match kind {
        Kind::Pdf => pdf::Pdfboss.read(bytes),
        Kind::Docx => docx::Docx.read(bytes),
        Kind::Xlsx => xlsx::Calamine.read(bytes),
    }
}
