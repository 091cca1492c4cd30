//! Where a collection lies:
//! `milvus://[USER:PASSWORD@]HOST:PORT/NAME[?tls=true&ca=FILE&db=DB&dense=flat&lease=SECONDS&batch=KB&cache=MB]`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};

/// How every address begins.
const SCHEME: &str = "milvus://";
/// What one looks like.
const EXAMPLE: &str = "write it as milvus://HOST:19530/NAME";
/// What is shown in the place of a password.
const HIDDEN: &str = "***";
/// Letters of a collection's name: what is added for generations and parts must fit into Milvus' 255.
const LONGEST_NAME: usize = 200;

/// How Milvus searches by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DenseIndex {
    /// A graph; FLAT on a server that builds none.
    #[default]
    Hnsw,
    /// Everything is compared: exact, and slow with many passages.
    Flat,
}

/// Where a collection lies and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or number, and port.
    pub host: String,
    /// Milvus' database; empty for its default one.
    pub database: String,
    /// The collection, letters, digits and `_`.
    pub name: String,
    /// `user:password`, or an API key.
    pub token: Option<String>,
    /// Whether the connection is encrypted, and who answers has to show a certificate.
    pub tls: bool,
    /// A file with the certificates (PEM) of the authorities that may have made it; without one, those that the system
    /// trusts.
    pub authority: Option<PathBuf>,
    /// What new generations are searched by.
    pub dense: DenseIndex,
    /// How long a writer that is not heard of keeps the right to write.
    pub lease: Duration,
    /// Bytes that a writer holds before it sends them.
    pub batch: usize,
    /// Bytes of rows that are kept for the next questions.
    pub cache: usize,
}

impl Address {
    /// Whether a text means a collection of Milvus, rightly written or not.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Whether it is on this machine, where nobody listens on the way.
    pub fn is_here(&self) -> bool {
        let host = self.host.rsplit_once(':').map_or(&*self.host, |(host, _)| host);
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || number.is_ok_and(|number| number.to_canonical().is_loopback())
    }

    /// Reads an address.
    ///
    /// # Errors
    /// `Caller`, saying what is wrong.
    pub fn parse(text: &str) -> Result<Address> {
        let wrong = |what: &str| Error::caller(format!("the Milvus address {what}")).help(EXAMPLE);
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or_else(|| wrong("does not begin with milvus://"))?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').ok_or_else(|| wrong("names no collection"))?;
        // A password may hold an @.
        let (token, host) = match authority.rsplit_once('@') {
            Some((token, host)) => (Some(token.to_owned()), host),
            None => (None, authority),
        };
        if token.as_deref() == Some(HIDDEN) {
            return Err(Error::caller("the Milvus address has no password but `***`, as it is shown")
                .help("write USER:PASSWORD or the API key in its place, or leave it out and name it in BAOWEN_MILVUS_TOKEN"));
        }
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() || host.starts_with(':') {
            return Err(wrong("names no host and port"));
        }
        if !is_name(name) {
            return Err(wrong(
                "names a collection that Milvus refuses: a letter, then letters, digits and _",
            ));
        }
        let mut address = Address {
            host: host.to_owned(),
            database: String::new(),
            name: name.to_owned(),
            token,
            tls: false,
            authority: None,
            dense: DenseIndex::default(),
            lease: Duration::from_secs(15),
            batch: 8 << 20,
            cache: 256 << 20,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            if !address.set(option) {
                return Err(wrong(&format!(
                    "has an option that is not known, or no value for it: `{option}`"
                )));
            }
        }
        if address.authority.is_some() && !address.tls {
            return Err(wrong("names an authority of certificates (`ca=`) without `tls=true`"));
        }
        Ok(address)
    }

    /// Whether both lead to one index; how it is called does not matter.
    pub fn is_of_the_same_index(&self, other: &Address) -> bool {
        (&self.host, &self.database, &self.name) == (&other.host, &other.database, &other.name)
    }

    /// Sets an option, `name=value`; whether there is such a one.
    fn set(&mut self, option: &str) -> bool {
        match option.split_once('=').unwrap_or((option, "")) {
            ("tls", "true") => self.tls = true,
            ("tls", "false") => self.tls = false,
            ("ca", file) if !file.is_empty() => self.authority = Some(file.into()),
            ("db", database) if is_name(database) => self.database = database.to_owned(),
            ("dense", "hnsw") => self.dense = DenseIndex::Hnsw,
            ("dense", "flat") => self.dense = DenseIndex::Flat,
            ("lease", seconds) if seconds.parse().is_ok_and(|s: u64| (1..=3_600).contains(&s)) => {
                self.lease = Duration::from_secs(seconds.parse().unwrap_or(15));
            }
            ("batch", kilobytes) if kilobytes.parse().is_ok_and(|kb: usize| (1..=32_768).contains(&kb)) => {
                self.batch = kilobytes.parse::<usize>().unwrap_or(1) << 10;
            }
            ("cache", megabytes) if megabytes.parse().is_ok_and(|mb: usize| mb <= 1_048_576) => {
                self.cache = megabytes.parse::<usize>().unwrap_or(0) << 20;
            }
            _ => return false,
        }
        true
    }
}

/// Whether Milvus takes it as the name of a collection or a database.
fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= LONGEST_NAME
}

impl fmt::Display for Address {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.host, self.name)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_mistakes_named() {
        let read = |text: &str| Address::parse(text).unwrap();
        let plain = read("milvus://127.0.0.1:19530/articles");
        assert_eq!(
            (&*plain.host, &*plain.name, plain.tls),
            ("127.0.0.1:19530", "articles", false)
        );
        let private = read("milvus://db:1/a?ca=/etc/our.pem&tls=true");
        assert_eq!(private.authority.as_deref(), Some("/etc/our.pem".as_ref()));
        let full = read("milvus://root:p@ss@db.example.org:443/a_1?tls=true&db=insurance&dense=flat&lease=3&cache=7");
        assert_eq!(full.token.as_deref(), Some("root:p@ss"));
        assert_eq!((&*full.host, &*full.database), ("db.example.org:443", "insurance"));
        assert_eq!(
            (full.tls, full.dense, full.lease.as_secs(), full.cache),
            (true, DenseIndex::Flat, 3, 7 << 20)
        );
        assert!(
            !format!("{full} {full:?}").contains("p@ss"),
            "a password is not printed"
        );
        let check = |host: &str, expected: bool| {
            assert_eq!(read(&format!("milvus://{host}:1/a")).is_here(), expected, "{host}");
        };
        check("127.0.0.1", true);
        check("localhost", true);
        check("[::1]", true);
        check("[::ffff:127.0.0.9]", true);
        check("10.0.0.1", false);
        check("127.0.0.1.example.org", false);
        check("db", false);
        let check = |text: &str, expected: &str| {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("http://127.0.0.1:1/a", "does not begin");
        check("milvus://127.0.0.1:1", "no collection");
        check("milvus://127.0.0.1:1/", "refuses");
        check("milvus://127.0.0.1:1/保险", "refuses");
        check("milvus://127.0.0.1/a", "host and port");
        check("milvus://:1/a", "host and port");
        check("milvus://h:1/a?tls=maybe", "`tls=maybe`");
        check("milvus://h:1/a?lease=0", "`lease=0`");
        check("milvus://h:1/a?tls=true&ca=", "`ca=`");
        check("milvus://h:1/a?ca=our.pem", "without `tls=true`");
        check("milvus://***@h:1/a", "BAOWEN_MILVUS_TOKEN");
    }
}
