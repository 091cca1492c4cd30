//! Files that appear whole under their name, or not at all.
//!
//! Owns how a file is written beside its place, made durable and given its name in one step. It never looks at what is
//! written. Files get the permissions that the umask leaves, where tempfile's own are for their owner alone: one user
//! may write an index that another serves.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Context as _, Fault, Result};

/// A path or a name as a word of a command that is shown: in quotes where a shell would take it for anything else.
pub fn in_command(word: impl AsRef<Path>) -> String {
    let word = word.as_ref().to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c) || cfg!(windows) && c == '\\';
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into_owned()
    } else if cfg!(windows) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A file being written, buffered. It has its name after [`NewFile::finish`]; dropped before, nothing of it is left.
pub struct NewFile {
    out: BufWriter<NamedTempFile>,
    path: PathBuf,
    what: &'static str,
}

impl NewFile {
    /// Begins a file that will be `path`; `what` names it in errors ("the graph").
    ///
    /// # Errors
    /// `Unavailable` with the path if its folder is missing or cannot be written to.
    pub fn create(path: &Path, what: &'static str) -> Result<NewFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
        let file = builder
            .tempfile_in(folder_of(path))
            .or_fault(Fault::Unavailable, doing(what, path))?;
        Ok(NewFile {
            out: BufWriter::with_capacity(1 << 20, file),
            path: path.to_path_buf(),
            what,
        })
    }

    /// Makes what was written durable and gives the file its name; what had that name is replaced in the same step.
    ///
    /// # Errors
    /// `Unavailable` with the path if the disk refuses; what is at the path stays as it was.
    pub fn finish(self) -> Result<()> {
        let NewFile { out, path, what } = self;
        let finished = || -> io::Result<()> {
            let file = out.into_inner().map_err(|error| error.into_error())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        finished().or_fault(Fault::Unavailable, doing(what, &path))?;
        // The new name is made durable too where folders can be synced.
        if let Ok(folder) = File::open(folder_of(&path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}

/// [`NewFile`] in one call: what `write` writes is the file at `path`, if it succeeds.
///
/// # Errors
/// `Unavailable` with the path if the folder, the disk or `write` refuses; what is at the path stays as it was.
pub fn write_whole(path: &Path, what: &'static str, write: impl FnOnce(&mut NewFile) -> io::Result<()>) -> Result<()> {
    let mut file = NewFile::create(path, what)?;
    write(&mut file).or_fault(Fault::Unavailable, doing(what, path))?;
    file.finish()
}

fn doing(what: &str, path: &Path) -> String {
    format!("writing {what} {}", path.display())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        let check = |word: &str, expected: &str| assert_eq!(in_command(word), expected);
        check("index", "index");
        check("/data/保险-2024/第1版_a.b", "/data/保险-2024/第1版_a.b");
        check("my snapshot", "'my snapshot'");
        check("a'b", r"'a'\''b'");
        check("$HOME/*", "'$HOME/*'");
        check("", "''");
    }

    #[test]
    fn a_file_appears_whole_or_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, "a file", |out| out.write_all(b"one")).unwrap();
        let error = write_whole(&path, "a file", |out| {
            out.write_all(b"two")?;
            Err(io::Error::other("no more"))
        });
        let error = error.unwrap_err();
        assert_eq!(error.fault(), Fault::Unavailable);
        assert!(error.to_string().contains("a file"), "{error}");
        drop(NewFile::create(&path, "a file").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing temporary is left"
        );
        assert!(NewFile::create(&folder.path().join("no/a"), "a file").is_err());
    }

    /// As permissive as a file made without this module.
    #[cfg(unix)]
    #[test]
    fn others_may_read_what_the_umask_lets_them_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write_whole(&ours, "a file", |_| Ok(())).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
