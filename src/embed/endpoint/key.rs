//! The key of an endpoint: read once, sent, and never shown.

use std::fmt;

use super::settings::{KeyPlace, read_short};
use crate::error::{Error, Result};

/// A key. What prints it prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Reads the key from where the settings say; `None` if none is sent.
    ///
    /// # Errors
    /// `Unavailable` if the file or the variable is not there; `Caller` if what is there cannot be a key.
    pub fn read(place: &KeyPlace) -> Result<Option<Key>> {
        let (text, from) = match place {
            KeyPlace::None => return Ok(None),
            KeyPlace::File(path) => (read_short(path)?, path.display().to_string()),
            KeyPlace::Variable(name) => {
                let missing = || Error::unavailable(format!("the key's variable {name} is not set"));
                (
                    std::env::var(name).map_err(|_| missing())?,
                    format!("the variable {name}"),
                )
            }
        };
        Key::new(text.trim()).map(Some).map_err(|error| error.context(from))
    }

    /// A key.
    ///
    /// # Errors
    /// `Caller` if it is empty or cannot stand in a header.
    pub fn new(key: &str) -> Result<Key> {
        if !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Key(key.to_string()))
        } else {
            Err(Error::caller(
                "this is no key: it is empty, or has blanks or other than ASCII characters in it",
            ))
        }
    }

    /// The value of the header `Authorization`. Not to be shown.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text with stars where it holds the key, also as some write it in JSON.
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "***").replace(&self.0.replace('/', "\\/"), "***")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let place = KeyPlace::File(path.clone());
        assert!(Key::read(&place).unwrap_err().message().contains("key"));
        std::fs::write(&path, "sk-secret\n").unwrap();
        let key = Key::read(&place).unwrap().unwrap();
        assert_eq!(key.header(), "Bearer sk-secret");
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "*** Some(***)");
        assert_eq!(key.hide("wrong key sk-secret given"), "wrong key *** given");
        let slashed = Key::new("sk/secret+abc=").unwrap();
        assert_eq!(slashed.hide(r"bad key Bearer sk\/secret+abc="), "bad key Bearer ***");
        std::fs::write(&path, "sk-secret two\n").unwrap();
        let error = Key::read(&place).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(Key::read(&KeyPlace::None).unwrap(), None);
        let error = Key::read(&KeyPlace::Variable("BAOWEN_NO_SUCH_KEY".into())).unwrap_err();
        assert!(error.message().contains("BAOWEN_NO_SUCH_KEY"));
    }
}
