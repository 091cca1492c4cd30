//! Standard output for all commands: whoever stops reading (`baowen search 医保 | head -1`) ends the command quietly.
//!
//! The standard library's `println!` panics there; clippy refuses it in this layer.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stdout};

/// Writes a text. Ends the process where nobody reads any more: with success, since what was wanted was read.
pub fn write(text: Arguments) {
    let written = stdout().lock().write_fmt(text);
    if let Err(error) = written {
        match error.kind() {
            ErrorKind::BrokenPipe => std::process::exit(0),
            _ => {
                eprintln!("baowen: writing to standard output: {error}");
                std::process::exit(1)
            }
        }
    }
}

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
