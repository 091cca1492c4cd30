//! The text of one value: what is allowed, how it is read into the settings, how it is shown.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Settings;

/// What a setting may be, and where in the settings it stands.
#[derive(Clone)]
pub enum Value {
    /// A whole number.
    Number(fn(&mut Settings) -> &mut usize, RangeInclusive<usize>),
    /// A whole number of megabytes, kept as bytes.
    Megabytes(fn(&mut Settings) -> &mut usize, RangeInclusive<usize>),
    /// Seconds, with decimals.
    Seconds(fn(&mut Settings) -> &mut Duration, RangeInclusive<f64>),
    /// True or false.
    Switch(fn(&mut Settings) -> &mut bool),
    /// `HOST:PORT`.
    Address(fn(&mut Settings) -> &mut String),
    /// `HOST:PORT`; an empty text stands for none.
    MaybeAddress(fn(&mut Settings) -> &mut Option<String>),
    /// One of some words.
    Choice(fn(&mut Settings) -> &mut &'static str, &'static [&'static str]),
    /// `milvus://HOST:PORT/NAME`, whose password is not shown; an empty text stands for none.
    Backend(fn(&mut Settings) -> &mut Option<String>),
    /// A text; an empty one stands for none.
    Text(fn(&mut Settings) -> &mut Option<String>),
    /// A file or folder; an empty one stands for none.
    Path(fn(&mut Settings) -> &mut Option<PathBuf>),
    /// A folder that there always is.
    Folder(fn(&mut Settings) -> &mut PathBuf),
}

/// Forms in which a value may be written in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A number.
    Number,
    /// `true` or `false`.
    Switch,
    /// A text in quotes.
    Text,
}

impl Value {
    /// What is allowed, for people.
    pub fn allowed(&self) -> String {
        let range = |range: &RangeInclusive<usize>| format!("a whole number from {} to {}", range.start(), range.end());
        match self {
            Value::Number(_, allowed) => range(allowed),
            Value::Megabytes(_, allowed) => format!("{} (megabytes)", range(allowed)),
            Value::Seconds(_, allowed) => format!("seconds from {} to {}", allowed.start(), allowed.end()),
            Value::Switch(_) => "true or false".into(),
            Value::Address(_) | Value::MaybeAddress(_) => "HOST:PORT".into(),
            Value::Choice(_, words) => words.join(", "),
            Value::Backend(_) => "milvus://HOST:PORT/NAME".into(),
            Value::Text(_) => "a text".into(),
            Value::Path(_) | Value::Folder(_) => "a path".into(),
        }
    }

    /// How it is written in TOML.
    pub fn form(&self) -> Form {
        match self {
            Value::Number(..) | Value::Megabytes(..) | Value::Seconds(..) => Form::Number,
            Value::Switch(_) => Form::Switch,
            _ => Form::Text,
        }
    }

    /// The word for a value in a command's help; none for a switch.
    pub fn placeholder(&self) -> Option<&'static str> {
        match self {
            Value::Number(..) => Some("N"),
            Value::Megabytes(..) => Some("MB"),
            Value::Seconds(..) => Some("S"),
            Value::Switch(_) => None,
            Value::Address(_) | Value::MaybeAddress(_) => Some("HOST:PORT"),
            Value::Choice(..) => Some("WORD"),
            Value::Backend(_) => Some("milvus://HOST:PORT/NAME"),
            Value::Text(_) => Some("NAME"),
            Value::Path(_) => Some("PATH"),
            Value::Folder(_) => Some("DIR"),
        }
    }

    /// Puts a text into the settings; false if it is not allowed. A relative path is seen from `beside`.
    pub fn set(&self, settings: &mut Settings, text: &str, beside: &Path) -> bool {
        let number = |allowed: &RangeInclusive<usize>| text.parse().ok().filter(|number| allowed.contains(number));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
        match self {
            Value::Number(at, allowed) => number(allowed).map(|number| *at(settings) = number).is_some(),
            Value::Megabytes(at, allowed) => number(allowed).map(|number| *at(settings) = number << 20).is_some(),
            Value::Seconds(at, allowed) => {
                let seconds = text.parse().ok().filter(|seconds| allowed.contains(seconds));
                let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                time.map(|time| *at(settings) = time).is_some()
            }
            Value::Switch(at) => text.parse().map(|on| *at(settings) = on).is_ok(),
            Value::Address(at) => is_address(text).then(|| *at(settings) = text.to_string()).is_some(),
            Value::MaybeAddress(at) => {
                let fits = text.is_empty() || is_address(text);
                fits.then(|| *at(settings) = some(text)).is_some()
            }
            Value::Choice(at, words) => {
                let word = words.iter().find(|word| **word == text);
                word.map(|word| *at(settings) = word).is_some()
            }
            Value::Backend(at) => {
                let fits = text.is_empty() || text.starts_with("milvus://");
                fits.then(|| *at(settings) = some(text)).is_some()
            }
            Value::Text(at) => {
                *at(settings) = some(text);
                true
            }
            Value::Path(at) => {
                *at(settings) = some(text).map(|path| beside.join(path));
                true
            }
            Value::Folder(at) => {
                if !text.is_empty() {
                    *at(settings) = beside.join(text);
                }
                !text.is_empty()
            }
        }
    }

    /// The value in the settings as TOML has it; none if there is none.
    pub fn shown(&self, settings: &Settings) -> Option<String> {
        // Through the same ways in, which lend what can be written.
        let mut settings = settings.clone();
        let quoted = |text: &str| format!("\"{}\"", text.escape_debug());
        match self {
            Value::Number(at, _) => Some(at(&mut settings).to_string()),
            Value::Megabytes(at, _) => Some((*at(&mut settings) >> 20).to_string()),
            Value::Seconds(at, _) => Some(at(&mut settings).as_secs_f64().to_string()),
            Value::Switch(at) => Some(at(&mut settings).to_string()),
            Value::Address(at) => Some(quoted(at(&mut settings))),
            Value::Choice(at, _) => Some(quoted(at(&mut settings))),
            Value::Backend(at) => at(&mut settings)
                .as_deref()
                .map(|address| quoted(&without_password(address))),
            Value::MaybeAddress(at) | Value::Text(at) => at(&mut settings).as_deref().map(quoted),
            Value::Path(at) => at(&mut settings).as_deref().map(|path| quoted(&path.to_string_lossy())),
            Value::Folder(at) => Some(quoted(&at(&mut settings).to_string_lossy())),
        }
    }
}

/// An address without `USER:PASSWORD@`.
fn without_password(address: &str) -> String {
    match (address.split_once("//"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}//***@{host}"),
        _ => address.to_owned(),
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
