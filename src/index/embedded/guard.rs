//! The border to a library that trusts the bytes of an index: its panics on damaged ones become errors, and what the
//! system refused (permission, descriptors, memory, room) is said as that and never as damage.
//!
//! Everything of an index that is read passes here: opening, a newer commit, searching, counting, verifying, writing.

use std::cell::Cell;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::directory::NOT_AS_WRITTEN;
use crate::error::{Error, Fault, Result};
use crate::files::in_command;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread becomes an error: then nobody needs to read of it on the error stream.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What `work` gives on the index in a folder. What it changes must be of no use to anyone once it has failed.
///
/// # Errors
/// `work`'s own, `Corrupt` if it panics or meets damage; `Unavailable` in place of `Corrupt` where the system refused
/// something.
pub(super) fn guarded<T>(folder: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    match done {
        Ok(done) => done.map_err(|error| in_plain_words(told_as_damage(folder, told_from_damage(error)))),
        Err(_) => Err(Error::corrupt(format!("the index in {} is damaged", folder.display())).help(what_helps(folder))),
    }
}

/// What helps against damage.
pub fn what_helps(folder: &Path) -> String {
    let folder = in_command(folder);
    format!(
        "`baowen verify --index {folder}` names the files; restore a snapshot of it, or make it anew with `baowen index \
         PATH... --index {folder} --rebuild`"
    )
}

/// What the system refused is told from damage, with what helps.
pub(super) fn told_from_damage(error: Error) -> Error {
    let code = match error.fault() {
        Fault::Corrupt => code_in(error.message()),
        Fault::Unavailable if error.hint().is_none() => code_in(error.message()),
        _ => None,
    };
    match code.and_then(refused) {
        Some(help) => {
            let message = error.message().replace(" is damaged: ", " could not be read: ");
            Error::unavailable(message).help(help)
        }
        None => error,
    }
}

/// Damage with what helps, also where the library below says it as a failure of the moment: trying again does not help.
/// Files that are not there because their folder is not are no damage.
fn told_as_damage(folder: &Path, error: Error) -> Error {
    let has_one = |marks: &[&str]| marks.iter().any(|mark| error.message().contains(mark));
    let says_damage = || {
        let is_gone = has_one(&["file for read"]) && has_one(&["kind: NotFound", "FileDoesNotExist"]);
        is_gone || has_one(&["kind: InvalidData", "kind: UnexpectedEof", NOT_AS_WRITTEN])
    };
    let is_damage = match error.fault() {
        Fault::Corrupt => true,
        Fault::Unavailable => says_damage(),
        _ => false,
    };
    if is_damage && matches!(folder.try_exists(), Ok(false)) {
        let what = format!("the folder {} is gone: {}", folder.display(), error.message());
        return Error::unavailable(what).help(
            "somebody moved it or took it away: put it back, or start this program with the folder where it is now",
        );
    }
    if is_damage && error.hint().is_none() {
        Error::corrupt(error.message()).help(what_helps(folder))
    } else {
        error
    }
}

/// The same without the debug form in which the library below hands on what the system said.
fn in_plain_words(error: Error) -> Error {
    let Some(message) = without_debug_form(error.message()) else {
        return error;
    };
    let plain = Error::new(error.fault(), message);
    match error.hint() {
        Some(help) => plain.help(help.to_owned()),
        None => plain,
    }
}

fn without_debug_form(text: &str) -> Option<String> {
    let (before, form) = text.split_once("'IoError { io_error: ")?;
    let (code, mark) = if form.starts_with("Os ") {
        (code_in(form), "message: \"")
    } else {
        (None, "error: \"")
    };
    let (why, rest) = quoted(form, mark)?;
    let (path, rest) = quoted(rest, "filepath: \"")?;
    let code = code.map(|code| format!(" (os error {code})")).unwrap_or_default();
    let rest = rest.strip_prefix(" }'")?;
    Some(format!("{before}{why}{code} ({path}){rest}"))
}

/// What stands in the quotes that begin with `mark`, and what follows them.
fn quoted<'a>(text: &'a str, mark: &str) -> Option<(String, &'a str)> {
    let (_, text) = text.split_once(mark)?;
    let mut inside = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((inside, &text[at + 1..])),
            '\\' => inside.push(chars.next()?.1),
            char => inside.push(char),
        }
    }
    None
}

/// What helps where the system refused something with this code; `None` if a file itself is at fault.
fn refused(code: i32) -> Option<&'static str> {
    // The same on every Unix: too many files open in the process, in the system.
    const TOO_MANY: [i32; 2] = [24, 23];
    if TOO_MANY.contains(&code) {
        return Some("allow more open files (`ulimit -n 4096`); the index itself is as it was");
    }
    match std::io::Error::from_raw_os_error(code).kind() {
        ErrorKind::PermissionDenied => Some(
            "let the user that runs this program reach the files, or run it as their owner; the index itself is as it was",
        ),
        ErrorKind::OutOfMemory => Some("allow more memory (`ulimit -v`); the index itself is as it was"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("free some room on the disk and run the command again; what was durable before is there")
        }
        ErrorKind::ReadOnlyFilesystem => Some("the disk may only be read; the index itself is as it was"),
        _ => None,
    }
}

/// The system's code in the text of an error, however many libraries have handed it on.
fn code_in(text: &str) -> Option<i32> {
    let after = |mark: &str| {
        let at = text.find(mark)? + mark.len();
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        text[at..at + digits].parse().ok()
    };
    after("(os error ").or_else(|| after("Os { code: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_errors_and_refusals_are_no_damage() {
        let there = tempfile::tempdir().unwrap();
        let folder = there.path();
        let panicked = guarded(folder, || -> Result<()> { panic!("on purpose") }).unwrap_err();
        assert_eq!(panicked.fault(), Fault::Corrupt);
        assert!(panicked.hint().unwrap().contains("baowen verify --index"), "{panicked}");
        assert!(!is_guarded());
        let check = |text: &str, expected: Fault| {
            let error = guarded(folder, || -> Result<()> { Err(Error::corrupt(text)) }).unwrap_err();
            assert_eq!(error.fault(), expected, "{error}");
            assert!(
                expected == Fault::Corrupt || !error.to_string().contains("damaged"),
                "{error}"
            );
        };
        check("opening: Too many open files (os error 24)", Fault::Unavailable);
        check("the index is damaged: Os { code: 24 }", Fault::Unavailable);
        check("opening: Os { code: 13, kind: PermissionDenied }", Fault::Unavailable);
        check("opening: Cannot allocate memory (os error 12)", Fault::Unavailable);
        check("opening: No such file or directory (os error 2)", Fault::Corrupt);
        check("opening: the checksum differs", Fault::Corrupt);
        check("opening: (os error x", Fault::Corrupt);
    }

    #[test]
    fn what_is_not_there_with_its_folder_is_not_damaged() {
        let there = tempfile::tempdir().unwrap();
        let folder = there.path().join("idx");
        let check = |expected: Fault, says: &str| {
            for (fault, said) in [
                (Fault::Corrupt, "reloading: No such file or directory (os error 2)"),
                (
                    Fault::Unavailable,
                    "Failed to open file for read: FileDoesNotExist(\"ab.store\")",
                ),
            ] {
                let error = guarded(&folder, || -> Result<()> { Err(Error::new(fault, said)) }).unwrap_err();
                assert_eq!(error.fault(), expected, "{error}");
                assert!(
                    error.message().contains(said) && error.hint().unwrap().contains(says),
                    "{error}"
                );
            }
            let hinted = || Err::<(), _>(Error::corrupt("a file is missing").help(what_helps(&folder)));
            let error = guarded(&folder, hinted).unwrap_err();
            assert!(
                error.fault() == expected && error.hint().unwrap().contains(says),
                "{error}"
            );
        };
        check(Fault::Unavailable, "put it back");
        std::fs::create_dir(&folder).unwrap();
        check(Fault::Corrupt, "baowen verify");
    }

    #[test]
    fn what_the_library_says_in_debug_forms_is_said_in_words() {
        let check = |fault: Fault, text: &str, expected: Fault, message: &str| {
            let there = tempfile::tempdir().unwrap();
            let error = guarded(there.path(), || -> Result<()> { Err(Error::new(fault, text)) }).unwrap_err();
            assert_eq!((error.fault(), error.message()), (expected, message));
            assert!(error.hint().is_some(), "{error}");
        };
        check(
            Fault::Unavailable,
            r#"committing to idx: Failed to open file for read: 'IoError { io_error: Custom { kind: InvalidData, error: "Footer \"magic\" byte mismatch." }, filepath: "ab.fieldnorm" }'"#,
            Fault::Corrupt,
            r#"committing to idx: Failed to open file for read: Footer "magic" byte mismatch. (ab.fieldnorm)"#,
        );
        check(
            Fault::Corrupt,
            "reloading the index in idx: the checksum differs",
            Fault::Corrupt,
            "reloading the index in idx: the checksum differs",
        );
        check(
            Fault::Unavailable,
            r#"Failed to open file for read: 'IoError { io_error: Os { code: 2, kind: NotFound, message: "No such file or directory" }, filepath: "ab.store" }'"#,
            Fault::Corrupt,
            "Failed to open file for read: No such file or directory (os error 2) (ab.store)",
        );
        check(
            Fault::Unavailable,
            r#"Failed to open file for write: 'IoError { io_error: Os { code: 28, kind: StorageFull, message: "No space left on device" }, filepath: "ab.idx" }'"#,
            Fault::Unavailable,
            "Failed to open file for write: No space left on device (os error 28) (ab.idx)",
        );
    }
}
