//! Insurers in titles and questions, by any of their names.
//!
//! Owns which names are one insurer's. Those that it does not know are none of its business.

use super::words::{BEHIND_INSURERS, INSURERS};

/// An insurer, by its number in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insurer(usize);

/// All names, with whose they are.
fn names() -> impl Iterator<Item = (&'static str, Insurer)> {
    let numbered = INSURERS.iter().enumerate();
    numbered.flat_map(|(number, names)| names.split('/').map(move |name| (name, Insurer(number))))
}

/// How much of a text, of normalised letters, is the name of the insurer that it begins with.
pub fn begins_with(text: &str) -> Option<(usize, Insurer)> {
    let found = names().filter(|(name, _)| text.starts_with(name));
    let longest = found.max_by_key(|(name, _)| name.len());
    longest.map(|(name, insurer)| (name.len(), insurer))
}

/// The insurer of a product whose name stands behind this text (泰康的, 某某人寿保险有限公司), and where its name
/// begins.
pub fn before(text: &str) -> Option<(usize, Insurer)> {
    let ends_with = |text: &str| {
        let found = names().filter(|(name, _)| text.ends_with(name));
        found.max_by_key(|(name, _)| name.len())
    };
    let mut left = text;
    loop {
        if let Some((name, insurer)) = ends_with(left) {
            return Some((left.len() - name.len(), insurer));
        }
        left = BEHIND_INSURERS.iter().find_map(|word| left.strip_suffix(word))?;
    }
}

/// All insurers that a title names at its beginning, one by more than one of its names.
pub fn of_title(title: &str) -> Vec<Insurer> {
    let mut found = Vec::new();
    let mut rest = title;
    while let Some((length, insurer)) = begins_with(rest) {
        found.push(insurer);
        rest = &rest[length..];
        while let Some(left) = BEHIND_INSURERS.iter().find_map(|word| rest.strip_prefix(word)) {
            rest = left;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insurers_are_found_by_any_name() {
        let check = |title: &str, question: &str, is_same: bool| {
            let (_, asked) = before(question).unwrap();
            assert_eq!(of_title(title).contains(&asked), is_same, "{title} / {question}");
        };
        check("picc人保寿险关爱百万医疗保险", "我爸买过人保的", true);
        check("taiping太平财产保险有限公司物流责任保险", "太平财险的", true);
        check("taiping太平财产保险有限公司物流责任保险", "太平洋的", false);
        check("taiping物流责任保险", "长安责任保险的", false);
        check("中美联泰大都会人寿保险有限公司都会传家", "大都会人寿那个", true);
        check("中华财险宠物医疗保险", "中华联合的", true);
        assert_eq!(before("我买的"), None);
        assert_eq!((before(""), begins_with("")), (None, None));
        assert_eq!(of_title("某某医疗保险"), []);
    }
}
