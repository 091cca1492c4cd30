//! The lines of the lexicon's plain text files.
//!
//! Owns what is common to their formats: comments behind `#`, blank lines. What a line means is for its reader.

/// The lines that say something, with their numbers from 1, comments and white space taken off.
pub(crate) fn lexicon_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.split('#').next().unwrap_or("").trim();
            (!line.is_empty()).then_some((index + 1, line))
        })
}
