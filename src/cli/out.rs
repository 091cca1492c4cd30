//! Standard output and standard error for all commands: whoever stops reading (`baowen search 医保 | head -1`) ends the
//! command quietly.
//!
//! The standard library's `println!` and `eprintln!` panic there; clippy refuses them in this layer. Articles and the
//! names of files come from anywhere, so what they hold of a terminal's control sequences is shown and not obeyed.

use std::borrow::Cow;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stderr, stdout};

use super::logging;

/// Writes a line, as `println!` does.
macro_rules! outln {
    () => { $crate::cli::out::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes a text that ends its own lines.
macro_rules! out {
    ($text:expr) => {
        $crate::cli::out::write(format_args!("{}", $text))
    };
}

/// Writes a text that has this program's own colours in it, and of others nothing that a terminal obeys.
macro_rules! out_painted {
    ($text:expr) => {
        $crate::cli::out::write_painted(&$text)
    };
}

/// Writes a line to standard error, as `eprintln!` does.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::out::write_error(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes a text.
pub fn write(text: Arguments) {
    put(&obeyed_by_none(&text.to_string()));
}

/// Writes a text as it is, colours and all.
pub fn write_painted(text: &str) {
    put(text);
}

/// Writes JSON, which keeps every character that it holds.
pub fn write_json(text: &str) {
    put(&escaped(text));
}

/// Ends the process where nobody reads any more: with success, since what was wanted was read.
fn put(text: &str) {
    let written = stdout().lock().write_all(text.as_bytes());
    if let Err(error) = written {
        match error.kind() {
            ErrorKind::BrokenPipe => std::process::exit(0),
            _ => {
                errln!("baowen: writing to standard output: {error}");
                std::process::exit(1)
            }
        }
    }
}

/// JSON that comes in pieces, each of whole characters, as `serde_json` writes; [`Pieces::end`] writes the last of it.
#[derive(Default)]
pub struct Pieces(Vec<u8>);

impl Pieces {
    /// Bytes that are written at a time.
    const AT_A_TIME: usize = 1 << 16;

    /// Writes what there still is.
    pub fn end(mut self) {
        self.write_out();
    }

    fn write_out(&mut self) {
        write_json(&String::from_utf8_lossy(&self.0));
        self.0.clear();
    }
}

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(piece);
        if self.0.len() > Self::AT_A_TIME {
            self.write_out();
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a text to standard error. Where nobody reads it (`2>&1 | head -1`) the work goes on all the same. Where
/// programs read what a service says there, it is a line of its log.
pub fn write_error(text: Arguments) {
    if logging::is_json() {
        let text = text.to_string();
        let text = text.trim_end();
        let text = text.strip_prefix("baowen: ").unwrap_or(text);
        tracing::warn!("{text}");
        return;
    }
    let _ = stderr().lock().write_all(obeyed_by_none(&text.to_string()).as_bytes());
}

/// The text with a mark in the place of each character that drives a terminal or turns the direction of a line round;
/// line ends and tabs stay.
fn obeyed_by_none(text: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| {
        let turns =
            matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || c.is_control() && !matches!(c, '\n' | '\t')
    };
    if !text.contains(is_obeyed) {
        return text.into();
    }
    text.replace(is_obeyed, "\u{fffd}").into()
}

/// JSON in which the control characters that it may hold as they are (DEL and C1) are written as numbers.
fn escaped(json: &str) -> Cow<'_, str> {
    let is_bare = |c: char| matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(is_bare) {
        return json.into();
    }
    let mut text = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_bare(c) {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::{escaped, obeyed_by_none};

    #[test]
    fn json_keeps_what_it_holds() {
        let text = "甲\u{7f}\u{9b}2J乙\x1b\u{a0}";
        let json = escaped(&serde_json::to_string(text).unwrap()).into_owned();
        assert!(!json.contains(char::is_control), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        assert!(matches!(escaped("\"甲\""), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn a_terminal_obeys_nothing_of_others() {
        let check = |text: &str, expected: &str| assert_eq!(obeyed_by_none(text), expected, "{text:?}");
        check("医保\t断缴\n", "医保\t断缴\n");
        check("\x1b[1;33m补缴\x1b[0m", "\u{fffd}[1;33m补缴\u{fffd}[0m");
        check("10\u{202e}天", "10\u{fffd}天");
        check("甲\x1b]0;标题\x07乙", "甲\u{fffd}]0;标题\u{fffd}乙");
        check("\x1b[2J\r\u{9b}1A", "\u{fffd}[2J\u{fffd}\u{fffd}1A");
        check("\x1b[", "\u{fffd}[");
    }
}
