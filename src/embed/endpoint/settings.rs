//! The settings of an endpoint: one small file, `endpoint.toml`, in the model's folder. Owns what may stand in it and
//! says everything that is wrong with it at once. It never asks the endpoint.
//!
//! ```toml
//! kind = "openai"                 # openai, tei, tei-rerank, jina-rerank, cohere-rerank
//! url = "https://host/v1/embeddings"   # where requests are sent, the whole address
//! model = "some-model"            # its name there; for tei a name of one's own
//! dimension = 1024                # numbers in a vector (embeddings only)
//! # All others have defaults:
//! max_tokens = 512                # tokens of a text that the model reads
//! batch = 32                      # texts in a request
//! timeout_s = 30                  # seconds for a request
//! question_timeout_s = 10         # seconds that a question waits for it
//! retries = 3                     # tries after the first one
//! query_prefix = ""               # put before a question (embeddings only)
//! passage_prefix = ""             # put before a passage (embeddings only)
//! key_file = "key"                # a file with the key, in this folder or anywhere
//! key_env = "SOME_VARIABLE"       # or a variable that holds it
//! ```

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use crate::error::{Context as _, Error, Fault, Result};

/// The file's name.
pub const FILE: &str = "endpoint.toml";
/// A file of settings or a key is not longer than this.
const LONGEST: u64 = 64 << 10;

/// Which requests an endpoint understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Embeddings as OpenAI's `/v1/embeddings`.
    OpenAi,
    /// Embeddings as `/embed` of text-embeddings-inference.
    Tei,
    /// Relevance as `/rerank` of text-embeddings-inference.
    TeiRerank,
    /// Relevance as Jina's `/v1/rerank`.
    JinaRerank,
    /// Relevance as Cohere's `/v2/rerank`.
    CohereRerank,
}

const KINDS: [(&str, Kind); 5] = [
    ("openai", Kind::OpenAi),
    ("tei", Kind::Tei),
    ("tei-rerank", Kind::TeiRerank),
    ("jina-rerank", Kind::JinaRerank),
    ("cohere-rerank", Kind::CohereRerank),
];

impl Kind {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether it reads question and passage together, rather than make vectors.
    pub fn is_reranker(self) -> bool {
        matches!(self, Kind::TeiRerank | Kind::JinaRerank | Kind::CohereRerank)
    }
}

/// Where the key is, if one is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// None is sent.
    None,
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

/// What the file says, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which requests it understands.
    pub kind: Kind,
    /// Where requests are sent.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// Numbers in a vector; 0 for a reranker.
    pub dimension: usize,
    /// Tokens of a text that the model reads.
    pub max_tokens: usize,
    /// Texts in a request, at least 1.
    pub batch: usize,
    /// The longest that a request may take.
    pub timeout: Duration,
    /// How long a question waits for it in all; then the answer is made without.
    pub question_timeout: Duration,
    /// Tries after the first one.
    pub retries: u32,
    /// Put before a question.
    pub query_prefix: String,
    /// Put before a passage.
    pub passage_prefix: String,
    /// Where the key is.
    pub key: KeyPlace,
}

impl Settings {
    /// The address as messages show it, without what may be secret.
    pub fn shown_url(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// Reads the settings in a model's folder; `None` if the model is no endpoint.
    ///
    /// # Errors
    /// `Caller` with everything that is wrong in the file, `Unavailable` if it cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Settings>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_short(&path)?;
        let settings = Settings::parse(&text, folder);
        settings.map(Some).map_err(|error| error.context(path.display()))
    }

    /// The settings in a text; `folder` is where a file with a relative path lies.
    ///
    /// # Errors
    /// `Caller` with everything that is wrong.
    fn parse(text: &str, folder: &Path) -> Result<Settings> {
        // The parser's own message would show the line, which may hold a key.
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            Error::caller(format!("line {line} is no TOML: {}", error.message()))
        })?;
        let mut reader = Reader {
            table,
            mistakes: Vec::new(),
        };
        let kind = reader.kind();
        let url = reader.required_text("url").unwrap_or_default();
        if !url.is_empty() && !is_address(&url) {
            let mistake =
                "url: is not http:// or https://, a host and a path, without a user (a key has its own setting)";
            reader.mistakes.push(mistake.into());
        }
        let model = reader.required_text("model").unwrap_or_default();
        let (mut dimension, mut prefixes) = (0, <[String; 2]>::default());
        if !kind.is_some_and(Kind::is_reranker) {
            dimension = reader.required_number("dimension", 1..=65_536);
            prefixes = ["query_prefix", "passage_prefix"].map(|name| reader.text(name).unwrap_or_default());
        }
        let [query_prefix, passage_prefix] = prefixes;
        let key = reader.key(folder);
        let (max_tokens, batch) = (
            reader.number("max_tokens", 16..=1 << 20, 512),
            reader.number("batch", 1..=4096, 32),
        );
        let (timeout, question_timeout, retries) = (
            reader.number("timeout_s", 1..=3600, 30),
            reader.number("question_timeout_s", 1..=3600, 10),
            reader.number("retries", 0..=10, 3),
        );
        let mistakes = reader.finish();
        match (kind, mistakes.is_empty()) {
            (Some(kind), true) => Ok(Settings {
                kind,
                url,
                model,
                dimension,
                max_tokens,
                batch,
                timeout: Duration::from_secs(timeout as u64),
                question_timeout: Duration::from_secs(question_timeout as u64),
                retries: retries as u32,
                query_prefix,
                passage_prefix,
                key,
            }),
            _ => Err(Error::caller(mistakes.join("; "))),
        }
    }
}

/// A table whose values are taken out one by one, and what was wrong with them.
struct Reader {
    table: Table,
    mistakes: Vec<String>,
}

impl Reader {
    fn kind(&mut self) -> Option<Kind> {
        let given = self.required_text("kind")?;
        let found = KINDS.iter().find(|(name, _)| *name == given).map(|(_, kind)| *kind);
        if found.is_none() {
            let names = KINDS.map(|(name, _)| name).join(", ");
            self.mistakes.push(format!("kind: there is no `{given}`, only {names}"));
        }
        found
    }

    /// Where the key is; a file with a relative path lies in `folder`.
    fn key(&mut self, folder: &Path) -> KeyPlace {
        match (self.text("key_file"), self.text("key_env")) {
            (None, None) => KeyPlace::None,
            (Some(file), None) => KeyPlace::File(folder.join(file)),
            (None, Some(name)) => KeyPlace::Variable(name),
            (Some(_), Some(_)) => {
                self.mistakes
                    .push("key_file and key_env: only one of them can hold the key".into());
                KeyPlace::None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.table.remove(name)? {
            Value::String(text) => Some(text),
            other => {
                self.mistakes.push(format!(
                    "{name}: is not a text in quotes but of the type {}",
                    other.type_str()
                ));
                None
            }
        }
    }

    fn required_text(&mut self, name: &str) -> Option<String> {
        self.require(name);
        self.text(name)
    }

    fn required_number(&mut self, name: &str, range: std::ops::RangeInclusive<usize>) -> usize {
        self.require(name);
        self.number(name, range, 0)
    }

    fn require(&mut self, name: &str) {
        if !self.table.contains_key(name) {
            self.mistakes.push(format!("{name}: is missing"));
        }
    }

    fn number(&mut self, name: &str, range: std::ops::RangeInclusive<usize>, default: usize) -> usize {
        let number = match self.table.remove(name) {
            None => return default,
            Some(Value::Integer(number)) => usize::try_from(number).ok().filter(|number| range.contains(number)),
            Some(_) => None,
        };
        number.unwrap_or_else(|| {
            self.mistakes.push(format!(
                "{name}: is no whole number from {} to {}",
                range.start(),
                range.end()
            ));
            default
        })
    }

    /// All mistakes; what nobody has taken out is one.
    fn finish(mut self) -> Vec<String> {
        let left = self
            .table
            .keys()
            .map(|name| format!("{name}: there is no such setting for this kind"));
        self.mistakes.extend(left);
        self.mistakes
    }
}

/// Whether it is an address that requests can be sent to.
fn is_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = host.and_then(|host| host.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@')) && url.chars().all(|c| c.is_ascii_graphic())
}

/// A file that is not long, as text.
pub fn read_short(path: &Path) -> Result<String> {
    let doing = || format!("reading {}", path.display());
    let file = fs::File::open(path).or_fault(Fault::Unavailable, doing())?;
    let mut text = String::new();
    file.take(LONGEST + 1)
        .read_to_string(&mut text)
        .or_fault(Fault::Unavailable, doing())?;
    if text.len() as u64 > LONGEST {
        Err(Error::caller(format!(
            "{} is longer than {LONGEST} bytes",
            path.display()
        )))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(text, Path::new("models/one"))
    }

    #[test]
    fn the_smallest_file_has_defaults_and_the_fullest_none() {
        let small = "kind = \"tei\"\nurl = \"http://127.0.0.1:8080/embed\"\nmodel = \"bge-m3\"\ndimension = 1024\n";
        let expected = Settings {
            kind: Kind::Tei,
            url: "http://127.0.0.1:8080/embed".into(),
            model: "bge-m3".into(),
            dimension: 1024,
            max_tokens: 512,
            batch: 32,
            timeout: Duration::from_secs(30),
            question_timeout: Duration::from_secs(10),
            retries: 3,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            key: KeyPlace::None,
        };
        assert_eq!(parse(small).unwrap(), expected);
        let full = "kind = \"openai\"\nurl = \"https://host/v1/embeddings\"\nmodel = \"m\"\ndimension = 8\nmax_tokens = 8192\n\
                    batch = 64\ntimeout_s = 5\nretries = 0\nquery_prefix = \"问：\"\npassage_prefix = \"文：\"\nkey_file = \"key\"\n";
        let full = parse(full).unwrap();
        assert_eq!((full.batch, full.retries, full.timeout.as_secs()), (64, 0, 5));
        assert_eq!(
            (full.query_prefix.as_str(), full.passage_prefix.as_str()),
            ("问：", "文：")
        );
        assert_eq!(full.key, KeyPlace::File("models/one/key".into()));
        let rerank = "kind = \"jina-rerank\"\nurl = \"https://host/v1/rerank\"\nmodel = \"m\"\nkey_env = \"K\"\n";
        let rerank = parse(rerank).unwrap();
        assert_eq!(
            (rerank.kind, rerank.dimension, rerank.key),
            (Kind::JinaRerank, 0, KeyPlace::Variable("K".into()))
        );
    }

    #[test]
    fn all_mistakes_are_said_at_once() {
        let check = |text: &str, expected: &[&str]| {
            let error = parse(text).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            for part in expected {
                assert!(error.message().contains(part), "{part} in {error}");
            }
            assert_eq!(error.message().matches("; ").count() + 1, expected.len(), "{error}");
        };
        check(
            "",
            &[
                "kind: is missing",
                "url: is missing",
                "model: is missing",
                "dimension: is missing",
            ],
        );
        check(
            "kind = \"ollama\"\nurl = \"localhost:80\"\nmodel = 7\ndimension = -1\nbatch = 0\ntimeout_s = \"5\"\nkey = \"s\"\n\
             key_file = \"a\"\nkey_env = \"b\"\n",
            &[
                "kind: there is no `ollama`",
                "url: is not http:// or https://",
                "model: is not a text in quotes but of the type integer",
                "dimension: is no whole number from 1 to 65536",
                "batch: is no whole number from 1 to 4096",
                "timeout_s: is no whole number",
                "key: there is no such setting",
                "key_file and key_env",
            ],
        );
        check(
            "kind = \"tei-rerank\"\nurl = \"http://h/rerank\"\nmodel = \"m\"\nquery_prefix = \"x\"\ndimension = 3\n",
            &["query_prefix: there is no such", "dimension: there is no such"],
        );
        let error = parse("kind = \"tei\"\nkey = \"sk-secret\n").unwrap_err();
        assert!(
            error.message().contains("line 2 is no TOML") && !error.message().contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_the_file_is_no_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), None);
        fs::write(folder.path().join(FILE), "x = 1").unwrap();
        let error = Settings::read(folder.path()).unwrap_err();
        assert!(error.message().contains("endpoint.toml"), "{error}");
        fs::write(folder.path().join(FILE), vec![b' '; 100_000]).unwrap();
        assert!(Settings::read(folder.path()).unwrap_err().message().contains("longer"));
    }
}
