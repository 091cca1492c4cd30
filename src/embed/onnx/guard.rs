//! The border to libraries that read files of strangers: their errors become ours, and so do their panics, because a
//! damaged or hostile model must cost its own command alone.

use std::error::Error as StdError;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Any error of a library.
pub type Foreign = Box<dyn StdError + Send + Sync>;

/// What `work` gives, or `Corrupt` with `doing` before what went wrong. What `work` changes must be of no use to anyone
/// once it has failed.
pub fn guarded<T>(doing: impl Display, work: impl FnOnce() -> Result<T, Foreign>) -> Result<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let cause = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(cause)) => cause.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            format!("the library gave up: {text}")
        }
    };
    Err(Error::corrupt(cause).context(doing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn errors_and_panics_of_others_are_errors_of_ours() {
        let check = |work: fn() -> Result<u8, Foreign>, expected: Result<u8, &str>| match (
            guarded("reading x", work),
            expected,
        ) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(message)) => {
                assert_eq!((error.fault(), error.message()), (Fault::Corrupt, message));
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        };
        check(|| Ok(7), Ok(7));
        check(|| Err("too short".into()), Err("reading x: too short"));
        check(
            || panic!("on purpose"),
            Err("reading x: the library gave up: on purpose"),
        );
    }
}
