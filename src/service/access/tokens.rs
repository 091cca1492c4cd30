//! The file of tokens: a line each of name, rights, the token's SHA-256 and, if there is one, a rate.
//!
//! ```text
//! # name   rights         sha-256                 calls a second
//! shop     search         5e884898da280471...     rate=50
//! crm      search,write   2c26b46b68ffc68f...
//! ```
//!
//! A token is 256 random bits, so one round of SHA-256 keeps it: nobody guesses it, from its hash or without.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::rights::Right;
use crate::error::{Context as _, Error, Fault, Result};

/// A file of tokens is not longer than this, in bytes.
const LONGEST: u64 = 1 << 20;
/// The longest name, in bytes.
const MAX_NAME: usize = 64;
/// Bytes of randomness in a token.
const RANDOM: usize = 32;
/// What a token begins with, so that people and scanners see what it is.
const PREFIX: &str = "baowen_";

/// One token, without the token itself.
#[derive(Debug)]
pub struct Entry {
    /// Its name, for logs, metrics and shares.
    pub name: Arc<str>,
    rights: Vec<Right>,
    hash: [u8; 32],
    rate: Option<Rate>,
}

/// How often a token may call.
#[derive(Debug)]
struct Rate {
    a_second: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

/// Why calls are too many.
#[derive(Debug, PartialEq, Eq)]
pub enum TooMany {
    /// So long before they may come.
    Wait(Duration),
    /// They may never come together: no more than so many may.
    AtOnce(u32),
}

impl Entry {
    /// Whether it has one of these rights.
    pub fn may(&self, rights: &[Right]) -> bool {
        rights.iter().any(|right| self.rights.contains(right))
    }

    /// Counts a call; if there were too many, how long until the next one may come.
    ///
    /// # Errors
    /// That time.
    pub fn count(&self) -> Result<(), Duration> {
        let Some(Rate { limiter, .. }) = &self.rate else {
            return Ok(());
        };
        let checked = limiter.check();
        checked.map_err(|until| until.wait_time_from(limiter.clock().now()))
    }

    /// The same for several that come together.
    ///
    /// # Errors
    /// What is in their way; then none is counted.
    pub fn count_many(&self, calls: NonZeroU32) -> Result<(), TooMany> {
        let Some(Rate { limiter, a_second }) = &self.rate else {
            return Ok(());
        };
        // With the call itself more than there ever are.
        if calls >= *a_second {
            return Err(TooMany::AtOnce(a_second.get()));
        }
        match limiter.check_n(calls) {
            Ok(checked) => checked.map_err(|until| TooMany::Wait(until.wait_time_from(limiter.clock().now()))),
            Err(beyond) => Err(TooMany::AtOnce(beyond.0)),
        }
    }

    /// After how long one call more may come; at once where there is no rate.
    pub fn each(&self) -> Duration {
        let rate = self.rate.as_ref();
        rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.a_second.get())
    }

    /// Whether it is the same line of a file.
    fn is_unchanged(&self, other: &Entry) -> bool {
        let rate = |entry: &Entry| entry.rate.as_ref().map(|rate| rate.a_second);
        (&self.name, &self.rights, &self.hash, rate(self)) == (&other.name, &other.rights, &other.hash, rate(other))
    }
}

/// All tokens of a service.
#[derive(Debug, Default)]
pub struct Tokens {
    entries: Vec<Arc<Entry>>,
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// `Caller` with everything that is wrong in it, `Unavailable` if it cannot be read.
    pub fn read(path: &Path) -> Result<Tokens> {
        let doing = || format!("reading the tokens in {}", path.display());
        let size = fs::metadata(path).or_fault(Fault::Unavailable, doing())?.len();
        if size > LONGEST {
            return Err(Error::caller(format!(
                "{} is longer than {LONGEST} bytes",
                path.display()
            )));
        }
        let text = fs::read_to_string(path).or_fault(Fault::Unavailable, doing())?;
        Tokens::parse(&text).map_err(|error| error.context(path.display()))
    }

    /// The tokens in a text.
    ///
    /// # Errors
    /// `Caller` with everything that is wrong in it, by line; never with what stands there, which may be a token.
    pub fn parse(text: &str) -> Result<Tokens> {
        let (mut entries, mut mistakes) = (Vec::<Arc<Entry>>::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.is_empty() {
                continue;
            }
            match entry(&words) {
                Ok(entry) if entries.iter().any(|other| other.name == entry.name) => {
                    mistakes.push(format!("line {number}: the name is there already"));
                }
                Ok(entry) => entries.push(Arc::new(entry)),
                Err(mistake) => mistakes.push(format!("line {number}: {mistake}")),
            }
        }
        if mistakes.is_empty() {
            Ok(Tokens { entries })
        } else {
            Err(Error::caller(mistakes.join("; ")).help(
                "a line is a name, rights with commas (search,write,admin), the SHA-256 as `baowen token new` prints it, \
                 and maybe rate=N",
            ))
        }
    }

    /// The same, in which entries that have not changed since go on counting where they were.
    #[must_use]
    pub fn counting_on(mut self, before: &Tokens) -> Tokens {
        for entry in &mut self.entries {
            if let Some(same) = before.entries.iter().find(|other| other.is_unchanged(entry)) {
                *entry = same.clone();
            }
        }
        self
    }

    /// The entry of a token. Takes the same time whichever entry it is and whether it is one.
    pub fn find(&self, token: &[u8]) -> Option<Arc<Entry>> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for entry in &self.entries {
            if bool::from(entry.hash.ct_eq(&hash)) {
                found = Some(entry);
            }
        }
        found.cloned()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

fn entry(words: &[&str]) -> std::result::Result<Entry, String> {
    let [name, rights, hash, rest @ ..] = words else {
        return Err("has fewer than three words".into());
    };
    check_name(name)?;
    let rights: Option<Vec<Right>> = rights.split(',').map(Right::of).collect();
    let rights = rights.ok_or("the second word must be of search, write and admin, with commas and no blanks")?;
    let hash = unhex(hash).ok_or("the third word must be 64 hexadecimal digits, a token's SHA-256")?;
    let rate = match rest {
        [] => None,
        [word] => {
            let rate = word
                .strip_prefix("rate=")
                .and_then(|number| number.parse::<NonZeroU32>().ok());
            let rate = rate.ok_or("the fourth word must be rate= and calls a second, one at least")?;
            Some(Rate {
                a_second: rate,
                limiter: RateLimiter::direct(Quota::per_second(rate)),
            })
        }
        _ => return Err("has more than four words".into()),
    };
    Ok(Entry {
        name: (*name).into(),
        rights,
        hash,
        rate,
    })
}

fn check_name(name: &str) -> std::result::Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() <= MAX_NAME && !name.is_empty() && name.chars().all(is_plain) {
        Ok(())
    } else {
        Err(format!(
            "the name must have 1 to {MAX_NAME} ASCII letters, digits, `-`, `_` and `.`"
        ))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A token that was just made.
pub struct NewToken {
    /// The token; shown once and kept nowhere.
    pub token: String,
    /// Its line for the file.
    pub line: String,
}

impl NewToken {
    /// A token out of the system's randomness.
    ///
    /// # Errors
    /// `Caller` if the name or the rights are none, `Unavailable` if there is no randomness.
    pub fn make(name: &str, rights: &str, rate: Option<u32>) -> Result<NewToken> {
        // Said of what was given, before it is a line like others.
        check_name(name).map_err(Error::caller)?;
        if rights.chars().any(char::is_whitespace) {
            return Err(Error::caller(
                "the rights have commas between them and no blanks: search,write",
            ));
        }
        if rights.split(',').any(|right| Right::of(right).is_none()) {
            return Err(
                Error::caller(format!("`{rights}`: rights are of search, write and admin"))
                    .help("put commas between them: search,write"),
            );
        }
        if rate == Some(0) {
            return Err(Error::caller("the rate is calls a second, one at least"));
        }
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).or_fault(Fault::Unavailable, "asking the system for randomness")?;
        let token = format!("{PREFIX}{}", hex(&random));
        let rate = rate.map_or_else(String::new, |rate| format!(" rate={rate}"));
        let line = format!("{name} {rights} {}{rate}", hex(&Sha256::digest(&token)));
        let words: Vec<&str> = line.split_whitespace().collect();
        entry(&words).map_err(Error::caller)?;
        Ok(NewToken { token, line })
    }
}
