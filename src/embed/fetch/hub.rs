//! A model from the hub, file by file over HTTPS, in the hub's own layout of addresses. A download that breaks off goes
//! on from where it was; a server that cannot do that gives the file anew.

use std::path::Path;
use std::time::Duration;

use super::catalogue::Pinned;
use super::place::{Arriving, Received};
use super::watch::{FetchStep, Watch};
use crate::embed::http::{Answer, Http, Limits, explain, is_passing};
use crate::error::{Error, Result};

/// Tries in a row that may bring nothing new.
const TRIES: u32 = 4;
/// A smaller part of a file than one in so many is nothing new.
const LEAST: u64 = 64;
/// How often the time for a try is doubled.
const MOST_DOUBLINGS: u32 = 4;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Redirects that are followed: the hub keeps large files elsewhere.
const REDIRECTS: u32 = 5;

/// A repository of the hub.
pub struct Hub<'a> {
    /// The hub's address, or its mirror's.
    pub endpoint: &'a str,
    /// Owner and name.
    pub repository: &'static str,
    /// Branch, tag or commit.
    pub revision: &'static str,
    /// How long an answer may be waited for before it begins; a whole try may take three times as long, and twice that
    /// after each that had to begin anew.
    pub patience: Duration,
    /// The wait after the first try that fails.
    pub backoff: Duration,
}

/// What became of one try.
enum Tried {
    /// All bytes are there.
    Whole,
    /// It broke off, for this reason; the server may have said how long to wait.
    Broken(String, Option<Duration>),
}

/// Bytes of all files together, for the progress.
#[derive(Clone, Copy)]
struct Sum {
    before: u64,
    total: u64,
}

impl Hub<'_> {
    /// Downloads these files; what arrives lies on the disk of `folder`.
    ///
    /// # Errors
    /// `Unavailable` with the address if one does not come, `Corrupt` if one is another than it should be.
    pub fn fetch(&self, wanted: &[&'static Pinned], folder: &Path, watch: &mut Watch) -> Result<Vec<Received>> {
        let http = Http::new(REDIRECTS);
        let mut sum = Sum {
            before: 0,
            total: wanted.iter().map(|file| file.bytes).sum(),
        };
        let mut received = Vec::new();
        for &file in wanted {
            received.push(self.download(&http, file, sum, folder, watch)?);
            sum.before += file.bytes;
        }
        Ok(received)
    }

    fn url(&self, file: &Pinned) -> String {
        let hub = self.endpoint.trim_end_matches('/');
        format!("{hub}/{}/resolve/{}/{}", self.repository, self.revision, file.path)
    }

    fn download(
        &self,
        http: &Http,
        file: &'static Pinned,
        sum: Sum,
        folder: &Path,
        watch: &mut Watch,
    ) -> Result<Received> {
        let url = self.url(file);
        let mut arriving = Arriving::new(file, folder)?;
        let (mut fruitless, mut best) = (0, 0);
        loop {
            // A server that cannot go on from the middle needs time for the whole.
            let slower = 2_u32.pow(arriving.restarts().min(MOST_DOUBLINGS));
            let limits = Limits {
                connect: self.patience / 2,
                answer: self.patience * slower,
                whole: 3 * self.patience * slower,
            };
            let begun = arriving.done();
            let tried = self.attempt(http, &url, &mut arriving, limits, sum, watch);
            let (why, wait) = match tried.map_err(|error| error.context(&url))? {
                Tried::Broken(why, wait) => (why, wait),
                Tried::Whole => match arriving.check() {
                    // Parts of two versions of a file may have met: then the whole decides.
                    Err(error) if begun > 0 && arriving.restarts() < TRIES => {
                        arriving.restart()?;
                        (error.message().to_string(), None)
                    }
                    _ => return arriving.finish().map_err(|error| error.context(&url)),
                },
            };
            if arriving.done() >= best + (file.bytes / LEAST).max(1) {
                (best, fruitless) = (arriving.done(), 0)
            } else {
                fruitless += 1;
            }
            if fruitless == TRIES {
                return Err(Error::unavailable(format!("{url}: {why}")));
            }
            let wait = wait.unwrap_or(self.backoff * 2_u32.pow(fruitless)).min(LONGEST_WAIT);
            self.wait(wait, sum.before + arriving.done(), sum.total, watch)?;
        }
    }

    /// One request, from where the file ends so far.
    fn attempt(
        &self,
        http: &Http,
        url: &str,
        arriving: &mut Arriving,
        limits: Limits,
        sum: Sum,
        watch: &mut Watch,
    ) -> Result<Tried> {
        let begin = arriving.done();
        let range = format!("bytes={begin}-");
        // What is pinned are the file's own bytes.
        let mut headers = vec![("Accept-Encoding", "identity")];
        if begin > 0 {
            headers.push(("Range", &range));
        }
        self.report(sum.before + begin, sum.total, watch)?;
        let answer = match http.get(url, &headers, limits) {
            Ok(answer) => answer,
            Err(trouble) if trouble.is_passing => return Ok(Tried::Broken(trouble.message, None)),
            Err(trouble) => return Err(Error::unavailable(trouble.message)),
        };
        match answer.status() {
            200 => {
                if begin > 0 {
                    arriving.restart()?;
                }
                check_length(answer.number("content-length"), arriving)?;
            }
            206 if begin > 0 && range_begin(&answer) == Some(begin) => {}
            // Not the part that was asked for.
            206 | 416 => {
                arriving.restart()?;
                return Ok(Tried::Broken(
                    format!("it answered {} to a range", answer.status()),
                    None,
                ));
            }
            status if is_passing(status) => {
                return Ok(Tried::Broken(format!("it answered {status}"), answer.retry_after()));
            }
            status => return Err(Error::unavailable(format!("it answered {status}"))),
        }
        let mut body = answer.into_body();
        let taken = arriving.take(&mut body, |done| self.report(sum.before + done, sum.total, watch))?;
        Ok(match taken {
            _ if arriving.is_complete() => Tried::Whole,
            Ok(()) => Tried::Broken("it ended early".into(), None),
            Err(error) => Tried::Broken(explain(&error), None),
        })
    }

    fn report(&self, done: u64, total: u64, watch: &mut Watch) -> Result<()> {
        let from = "the model hub";
        watch.step(FetchStep::Downloading { from, done, total })
    }

    fn wait(&self, mut left: Duration, done: u64, total: u64, watch: &mut Watch) -> Result<()> {
        let from = "the model hub";
        while !left.is_zero() {
            let slept = watch.pause(left, FetchStep::Downloading { from, done, total })?;
            left = left.saturating_sub(slept);
        }
        Ok(())
    }
}

/// A length that is another's is said before a byte of it is read.
fn check_length(length: Option<u64>, arriving: &Arriving) -> Result<()> {
    match length {
        Some(length) if length != arriving.expected() => Err(Error::corrupt(format!(
            "the file there has {length} bytes, not {}",
            arriving.expected()
        ))),
        _ => Ok(()),
    }
}

/// Where the part that is sent begins: the number in `bytes 5-9/10`.
fn range_begin(answer: &Answer) -> Option<u64> {
    let range = answer.header("content-range")?.trim().strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}
