//! Counts with what they count, as people say them: `1 article`, `2 articles`.

use std::fmt::Display;

/// A count and what is counted, named by its singular.
pub fn many(count: impl Display, what: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::many;

    #[test]
    fn one_is_not_many() {
        assert_eq!(many(1, "article"), "1 article");
        assert_eq!(many(0_u64, "article"), "0 articles");
        assert_eq!(many(21_usize, "segment"), "21 segments");
    }
}
