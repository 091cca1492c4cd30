//! A reader in a process of its own: this program, started again with limits, the file as its input.
//!
//! The child limits itself before it reads the first byte: memory, processor time, no file written, no core. The parent
//! bounds the time and what it takes in. Where the program has not said how it is started (tests, other programs that
//! use the library), the file is read in a thread, which catches panics alone.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::extracted::{Extracted, Kind};
use super::readers::read;
use crate::compute::own_thread;

/// The command that a child is called with, before the kind of file.
pub const COMMAND: &str = "read-untrusted";
/// The memory a child may have, in bytes.
const MEMORY: u64 = 1 << 30;
/// Seconds of processor time.
const PROCESSOR_SECONDS: u64 = 20;
/// How long the parent waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a child may say, in bytes.
const MAX_OUTPUT: u64 = 64 << 20;
/// The stack a reader has, in bytes: recursion over hostile files goes deep.
const STACK: usize = 64 << 20;

/// This program, if it serves [`COMMAND`].
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says that this program, at this path, calls [`serve`] when it is started with `read-untrusted KIND`: from now on PDF
/// and office documents are read there.
pub fn read_isolated(program: PathBuf) {
    // The first to say so is the program itself; another changes nothing.
    let _ = PROGRAM.set(program);
}

/// What a child does: reads a file of this kind from its input and says what is in it. `false` if it cannot.
pub fn serve(kind: Kind) -> bool {
    limit();
    let worker = own_thread(STACK, move || {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))
            .and_then(|_| read(kind, bytes))
    });
    let Ok(Ok(result)) = worker.map(|worker| worker.join()) else {
        return false;
    };
    let Ok(json) = serde_json::to_vec(&result) else {
        return false;
    };
    std::io::stdout().lock().write_all(&json).is_ok()
}

/// Takes from this process what a reader does not need.
#[cfg(unix)]
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    for (resource, most) in [
        (Resource::As, MEMORY),
        (Resource::Cpu, PROCESSOR_SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let most = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        // A system that knows no such limit has the parent's patience.
        let _ = setrlimit(resource, most);
    }
}

#[cfg(not(unix))]
fn limit() {}

/// Reads a file of at most `limit` bytes.
pub(in super::super) fn extract(kind: Kind, file: File, limit: u64) -> Result<Extracted, String> {
    match PROGRAM.get() {
        Some(program) => in_child(program, kind, file),
        None => in_thread(kind, file, limit),
    }
}

fn in_child(program: &PathBuf, kind: Kind, file: File) -> Result<Extracted, String> {
    let started = Command::new(program)
        .arg(COMMAND)
        .arg(kind.name())
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_clear()
        .spawn();
    let mut child = started.map_err(|error| format!("cannot be read: starting its reader: {error}"))?;
    let Some(output) = child.stdout.take() else {
        return Err("cannot be read: its reader has no output".into());
    };
    let (send, receive) = mpsc::channel();
    // Without a thread nothing is sent.
    let _ = own_thread(1 << 20, move || {
        let mut bytes = Vec::new();
        let read = output.take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
        // The parent may have gone on already.
        let _ = send.send(read.map(|_| bytes));
    });
    let answer = receive.recv_timeout(PATIENCE);
    if !matches!(&answer, Ok(Ok(bytes)) if bytes.len() as u64 <= MAX_OUTPUT) {
        // Whatever it still does is of no use; that it is gone already is no fault.
        let _ = child.kill();
    }
    let status = child.wait();
    let bytes = match answer {
        Err(RecvTimeoutError::Disconnected) => return Err("cannot be read: the system gives no thread".into()),
        Err(RecvTimeoutError::Timeout) => return Err(format!("took longer than {} s to read", PATIENCE.as_secs())),
        Ok(Err(error)) => return Err(format!("cannot be read: {error}")),
        Ok(Ok(bytes)) if bytes.len() as u64 > MAX_OUTPUT => {
            return Err(format!("holds more than {} MiB of text", MAX_OUTPUT >> 20));
        }
        Ok(Ok(bytes)) => bytes,
    };
    if !status.as_ref().is_ok_and(|status| status.success()) {
        return Err("is damaged or made to do harm: its reader crashed or needed too much memory or time".into());
    }
    serde_json::from_slice::<Result<Extracted, String>>(&bytes)
        .unwrap_or_else(|_| Err("cannot be read: its reader said nothing that can be understood".into()))
}

fn in_thread(kind: Kind, file: File, limit: u64) -> Result<Extracted, String> {
    let worker = own_thread(STACK, move || {
        let mut bytes = Vec::new();
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))
            .and_then(|_| read(kind, bytes))
    });
    match worker.map(|worker| worker.join()) {
        Ok(Ok(result)) => result,
        _ => Err("is damaged: its reader crashed".into()),
    }
}
