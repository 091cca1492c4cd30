//! A model's identity: its folder's name and a fingerprint of everything that decides what it gives.

use std::fs::File;
use std::io::Read;

use xxhash_rust::xxh3::Xxh3;

use crate::embed::folder::ModelFolder;
use crate::error::{Context as _, Fault, Result};

/// As much of a file is read at a time.
const STEP: usize = 1 << 20;

/// `NAME onnx FINGERPRINT`; the name is one word, so that an index's model is found by it.
///
/// # Errors
/// `Unavailable` if a file cannot be read.
pub fn identity(folder: &ModelFolder) -> Result<String> {
    let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
    let mut hash = Xxh3::new();
    // Settings count by what they say, not by how they are written.
    let ModelFolder {
        most_tokens,
        pooling,
        query_prompt,
        passage_prompt,
        ..
    } = folder;
    hash.update(format!("{:?}", (most_tokens, pooling, query_prompt, passage_prompt)).as_bytes());
    let graph = folder.graph.file_name().unwrap_or_default().to_string_lossy();
    let counts = |name: &str| name == "tokenizer.json" || name.starts_with(&*graph);
    let mut buffer = vec![0; STEP];
    for file in folder.files() {
        if !counts(&file.file_name().unwrap_or_default().to_string_lossy()) {
            continue;
        }
        let path = folder.path.join(file);
        let doing = || format!("reading {}", path.display());
        let mut open = File::open(&path).or_fault(Fault::Unavailable, doing())?;
        loop {
            match open.read(&mut buffer).or_fault(Fault::Unavailable, doing())? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    let name = name.replace(char::is_whitespace, "-");
    Ok(format!("{name} onnx {:016x}", hash.digest()))
}
