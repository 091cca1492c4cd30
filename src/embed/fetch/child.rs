//! Lets a package manager download into a folder: watched as the folder grows, ended when it is to stop or stands
//! still.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::watch::{FetchStep, Watch};
use crate::error::{Context as _, Error, Fault, Result};

/// A program, ended when dropped: nothing of a fetch goes on without it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or it is ended here; there is nothing else to do about it.
        match self.0.stdin.take() {
            Some(line) => drop(line),
            None => drop(self.0.kill()),
        }
        let _ = self.0.wait();
    }
}

/// Runs a program until it ends, or until the other end of its own input is closed, as it is when whoever started it
/// was killed: a program that outlives a fetch would go on writing where the next one clears up.
#[cfg(unix)]
const GUARD: &str = r#"
trap '' INT QUIT HUP TERM
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -9 "$program"; } 2>/dev/null &
guard=$!
exec 3<&-
wait "$program"
code=$?
kill -9 "$guard" 2>/dev/null
exit "$code"
"#;

/// The same call, ended with this process however that ends, where the system has a shell for it.
fn guarded(command: &Command) -> Command {
    #[cfg(unix)]
    {
        let mut guarded = Command::new("/bin/sh");
        guarded.args(["-c", GUARD, "guard"]).arg(command.get_program());
        guarded.args(command.get_args()).stdin(Stdio::piped());
        guarded
    }
    #[cfg(not(unix))]
    {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args()).stdin(Stdio::null());
        same
    }
}

/// A program that downloads.
pub struct Download<'a> {
    /// What it is called in messages.
    pub name: &'static str,
    /// The call. It writes below `work` and nowhere else.
    pub command: &'a Command,
    /// Where it works.
    pub work: &'a Path,
    /// Bytes expected.
    pub total: u64,
    /// How long it may go without a byte.
    pub patience: Duration,
}

impl Download<'_> {
    /// Runs it to its end.
    ///
    /// # Errors
    /// The outer one is `Unavailable`: it could not be started, stood still or was to stop. The inner one is what it
    /// said when it failed.
    pub fn run(self, watch: &mut Watch) -> Result<Result<(), String>> {
        let log = self.work.join("said.log");
        let both = || -> io::Result<(File, File)> {
            let file = File::create(&log)?;
            let again = file.try_clone()?;
            Ok((file, again))
        };
        let (out, err) = both().or_fault(Fault::Unavailable, "writing in the model folder")?;
        let child = guarded(self.command)
            .current_dir(self.work)
            // What it keeps for a moment goes with the rest.
            .env("TMPDIR", self.work)
            .stdout(out)
            .stderr(err)
            .spawn();
        let mut running = Running(child.or_fault(Fault::Unavailable, format!("starting {}", self.name))?);
        let status = self.wait(&mut running.0, watch)?;
        if status.success() {
            return Ok(Ok(()));
        }
        let said = fs::read(&log).unwrap_or_default();
        Ok(Err(String::from_utf8_lossy(&said).into_owned()))
    }

    fn wait(&self, child: &mut Child, watch: &mut Watch) -> Result<ExitStatus> {
        let (mut size, mut grew) = (0, Instant::now());
        loop {
            let waiting = || format!("waiting for {}", self.name);
            if let Some(status) = child.try_wait().or_fault(Fault::Unavailable, waiting())? {
                return Ok(status);
            }
            let now = size_below(self.work);
            if now != size {
                (size, grew) = (now, Instant::now());
            }
            if grew.elapsed() > self.patience {
                let seconds = self.patience.as_secs();
                return Err(Error::unavailable(format!("{} got nothing for {seconds} s", self.name)));
            }
            let step = FetchStep::Downloading {
                from: self.name,
                done: size.min(self.total),
                total: self.total,
            };
            watch.pause(Duration::MAX, step)?;
        }
    }
}

/// The first of these programs that starts.
pub fn first_that_starts(programs: &[OsString]) -> Option<&OsString> {
    programs.iter().find(|program| {
        let run = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        run.is_ok_and(|status| status.success())
    })
}

/// Bytes of all files below a folder. Whatever cannot be read counts as nothing.
fn size_below(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(|m| m.is_file())
        .map(|m| m.len())
        .sum()
}
