//! Values as JSON, for programs. An answer as JSON is the protocol's, so that a program need not care whether it asked
//! the service or the command line; how people read one: `answer`.

use serde::Serialize;

use super::out::{Pieces, write_json};
use crate::error::{Context, Fault, Result};

/// Prints a value as indented JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).or_fault(Fault::Bug, "encoding JSON")?;
    write_json(&text);
    outln!();
    Ok(())
}

/// As [`json`], of a value that is made while it is written.
pub fn json_as_it_comes(value: &impl Serialize) -> Result<()> {
    let mut pieces = Pieces::default();
    serde_json::to_writer_pretty(&mut pieces, value).or_fault(Fault::Bug, "encoding JSON")?;
    pieces.end();
    outln!();
    Ok(())
}
