//! What tests need from outside the repository, and what becomes of them where it is missing: they say that they are
//! skipped, and fail if `BAOWEN_TEST_STRICT` is 1. Used by the tests of `src` and by the integration tests alike.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Says that a test is skipped, and why; fails instead where nothing may be skipped.
#[track_caller]
pub fn missing(what: impl Display) {
    let strict = std::env::var_os("BAOWEN_TEST_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "nothing may be skipped, but {what}");
    println!("skipped: {what}");
}

/// A place in the shared data (articles, judged questions, reference values): in the folder `shared` beside the
/// repository, or where `BAOWEN_SHARED` says. None, said by [`missing`], if it is not there.
#[track_caller]
pub fn shared(place: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("BAOWEN_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join(place);
    if !path.exists() {
        missing(format_args!("there is no shared data at {}", path.display()));
        return None;
    }
    Some(path)
}
