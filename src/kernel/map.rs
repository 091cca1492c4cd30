//! Memory that is mapped from files: opening a map, and asking for a row before it is needed.
//!
//! Owns the crate's only call of `mmap` and of the prefetch instruction. It never looks at what the bytes mean; whoever
//! maps a file checks its header, its sizes and every number read from it, because a file may change under the map.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading. The map stays valid after the file is closed or unlinked.
///
/// # Errors
/// Those of the operating system; an empty file cannot be mapped on every system and is refused there.
#[allow(unsafe_code)]
pub fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is only ever read as plain integers, for which each bit pattern is valid, and readers check each
    // index that they take from it. The files mapped here are written under a temporary name and renamed, never
    // changed in place, by this program; a foreign program that truncates one can end the process (SIGBUS), as it can
    // with any memory-mapped index.
    unsafe { Mmap::map(file) }
}

/// Asks the processor to bring `row` nearer, line by line, while other work goes on. Only a hint: it changes no result
/// and does nothing where the processor has no such instruction.
#[inline]
#[allow(unsafe_code)]
pub fn prefetch(row: &[i8]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(64) {
        // SAFETY: prefetching reads nothing that the program can see and cannot fault; the address is inside `row`.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_map_shows_the_file_and_a_prefetch_changes_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1, 2, 3]).unwrap();
        let map = map_file(&file).unwrap();
        let row: Vec<i8> = map.iter().map(|&b| b as i8).collect();
        prefetch(&row);
        prefetch(&[]);
        assert_eq!((&map[..], &row[..]), (&[1u8, 2, 3][..], &[1i8, 2, 3][..]));
    }
}
