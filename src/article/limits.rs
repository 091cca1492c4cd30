//! The most that one article may be, whatever it came by, and the check that says which field is beyond it.
//!
//! Ids are terms of an index; a title goes with every passage of its article; what is kept beside the text is shown
//! with each hit. So each has a bound, and a record that goes beyond costs itself alone.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, Result};
use crate::model::Article;

/// The longest article id, in bytes.
pub const MAX_ID_BYTES: usize = 512;
/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 500;
/// The longest text of one article, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 << 20;
/// The longest attribute, in bytes.
pub const MAX_ATTRIBUTE_BYTES: usize = 8 << 10;
/// The bytes that all attributes of an article may have, their names included.
pub const MAX_ATTRIBUTES_BYTES: usize = 32 << 10;
/// The longest publisher, in bytes: it is a term of the index.
pub const MAX_PUBLISHER_BYTES: usize = 1_000;
/// The longest address, in bytes.
pub const MAX_URL_BYTES: usize = 8 << 10;
/// The longest place of an article in its source, and of a source's folder, in bytes.
pub const MAX_PATH_BYTES: usize = 4 << 10;
/// The most regions and years that a record may give its article, and the longest name of a region in characters.
const MAX_GIVEN: usize = 100;

/// Takes out of what people read of an article whatever they would not see: control characters that are no space, and
/// those that turn the direction of writing round, so that a text is what it looks like. Gives what was taken out.
pub fn clear(article: &mut Article) -> Vec<char> {
    let mut taken = Vec::new();
    let mut clear = |text: &mut String| {
        text.retain(|c| {
            let is_unseen = is_unseen(c);
            if is_unseen && !taken.contains(&c) {
                taken.push(c);
            }
            !is_unseen
        });
    };
    clear(&mut article.title);
    clear(&mut article.text);
    article.source.iter_mut().for_each(&mut clear);
    article.url.iter_mut().for_each(&mut clear);
    article.attributes.values_mut().for_each(&mut clear);
    let is_hidden = |name: &String| name.chars().any(is_unseen);
    if article.attributes.keys().any(is_hidden) {
        // Those that are what they look like keep their names.
        let attributes = std::mem::take(&mut article.attributes).into_iter();
        let (hidden, plain): (Vec<_>, Vec<_>) = attributes.partition(|(name, _)| is_hidden(name));
        article.attributes = plain.into_iter().collect();
        let mut numbers = HashMap::new();
        for (mut name, value) in hidden {
            clear(&mut name);
            add(&mut article.attributes, &mut numbers, name, value);
        }
    }
    taken
}

/// Adds an attribute; of another value than one of its name has, it is numbered from the second on (`文号 2`). `numbers`:
/// the last number of each name.
fn add(attributes: &mut BTreeMap<String, String>, numbers: &mut HashMap<String, usize>, name: String, value: String) {
    let is_free =
        |attributes: &BTreeMap<String, String>, name: &str| attributes.get(name).is_none_or(|other| *other == value);
    let mut free = name.clone();
    if !is_free(attributes, &free) {
        let number = numbers.entry(name.clone()).or_insert(1);
        while !is_free(attributes, &free) {
            *number += 1;
            free = format!("{name} {number}");
        }
    }
    attributes.insert(free, value);
}

/// Whether nobody sees a character that changes what is read or who reads it.
pub fn is_unseen(c: char) -> bool {
    c.is_control() && !c.is_whitespace() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Refuses an article that no index should hold. Its id is checked by whoever writes it.
///
/// # Errors
/// `Caller`, beginning with the field's name: `title: has 612 characters, at most 500 are allowed`.
pub fn check(article: &Article) -> Result<()> {
    if article.text.trim().is_empty() && article.title.trim().is_empty() {
        return Err(Error::caller("text: is empty, and so is the title"));
    }
    most("title", article.title.chars().count(), MAX_TITLE_CHARS, "characters")?;
    most("text", article.text.len(), MAX_TEXT_BYTES, "bytes")?;
    most(
        "publisher",
        article.source.as_ref().map_or(0, String::len),
        MAX_PUBLISHER_BYTES,
        "bytes",
    )?;
    most(
        "url",
        article.url.as_ref().map_or(0, String::len),
        MAX_URL_BYTES,
        "bytes",
    )?;
    most(
        "path",
        article.origin.as_ref().map_or(0, |origin| origin.path.len()),
        MAX_PATH_BYTES,
        "bytes",
    )?;
    most("regions", article.regions.len(), MAX_GIVEN, "values")?;
    for region in &article.regions {
        most("regions", region.chars().count(), MAX_GIVEN, "characters")?;
    }
    most("years", article.years.len(), MAX_GIVEN, "values")?;
    if let Some(year) = article.years.iter().find(|year| !(1000..=9999).contains(*year)) {
        return Err(Error::caller(format!("years: {year} is not a year from 1000 to 9999")));
    }
    let mut bytes = 0;
    for (name, value) in &article.attributes {
        let shown: String = name.chars().take(40).collect();
        most(
            &format!("attributes[`{shown}`]"),
            value.len(),
            MAX_ATTRIBUTE_BYTES,
            "bytes",
        )?;
        bytes += name.len() + value.len();
    }
    most("attributes", bytes, MAX_ATTRIBUTES_BYTES, "bytes")
}

/// Refuses what has more than it may.
pub(super) fn most(field: &str, has: usize, most: usize, what: &str) -> Result<()> {
    if has > most {
        Err(Error::caller(format!(
            "{field}: has {has} {what}, at most {most} are allowed"
        )))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_looks_like() {
        let mut article = Article {
            title: "a\0b".into(),
            text: "一\t二\n三\u{c}四\u{202e}五\u{9b}".into(),
            source: Some("\u{2066}甲".into()),
            attributes: [("k".into(), "\u{1b}v".into())].into(),
            ..Article::default()
        };
        assert_eq!(clear(&mut article), ['\0', '\u{202e}', '\u{9b}', '\u{2066}', '\u{1b}']);
        assert_eq!((&*article.title, &*article.text), ("ab", "一\t二\n三\u{c}四五"));
        assert_eq!(
            (article.source.as_deref(), &*article.attributes["k"]),
            (Some("甲"), "v")
        );
        assert!(clear(&mut article).is_empty());
    }

    #[test]
    fn names_of_attributes_are_what_they_look_like_and_lose_no_value() {
        let attributes = [
            ("文\0号", "甲"),
            ("文号", "乙"),
            ("文号 2", "丙"),
            ("文\u{202e}号", "乙"),
            ("级别", "省"),
        ];
        let mut article = Article {
            attributes: attributes.map(|(name, value)| (name.into(), value.into())).into(),
            ..Article::default()
        };
        assert_eq!(clear(&mut article), ['\0', '\u{202e}']);
        let kept: Vec<(&str, &str)> = article
            .attributes
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            kept,
            [("文号", "乙"), ("文号 2", "丙"), ("文号 3", "甲"), ("级别", "省")]
        );
        assert!(clear(&mut article).is_empty());
    }

    #[test]
    fn what_is_beyond_a_limit_is_named_by_its_field() {
        let check = |change: &dyn Fn(&mut Article), expected: &str| {
            let mut article = Article {
                id: "a".into(),
                text: "医保".into(),
                ..Article::default()
            };
            change(&mut article);
            let said = check(&article).map_or_else(|error| error.message().to_string(), |()| String::new());
            let field = said.split(": ").next().unwrap();
            assert_eq!(field, expected, "{said}");
        };
        check(&|_| {}, "");
        check(&|a| (a.title, a.text) = ("只有标题".into(), " ".into()), "");
        check(&|a| a.text = "\n".into(), "text");
        check(&|a| a.text = "x".repeat(MAX_TEXT_BYTES), "");
        check(&|a| a.text = "x".repeat(MAX_TEXT_BYTES + 1), "text");
        check(&|a| a.title = "医".repeat(500), "");
        check(&|a| a.title = "医".repeat(501), "title");
        check(&|a| a.source = Some("医".repeat(334)), "publisher");
        check(&|a| a.url = Some("u".repeat(8_193)), "url");
        let place = |bytes: usize| {
            Some(crate::model::Origin {
                source: "crm".into(),
                path: "p".repeat(bytes),
            })
        };
        check(&|a| a.origin = place(4_096), "");
        check(&|a| a.origin = place(4_097), "path");
        check(&|a| a.regions = vec!["浙江".into(); 101], "regions");
        check(&|a| a.regions = vec!["浙".repeat(101)], "regions");
        check(&|a| a.years = vec![2025, 25], "years");
        check(
            &|a| drop(a.attributes.insert("tag".into(), "x".repeat(8_193))),
            "attributes[`tag`]",
        );
        let many = |a: &mut Article| {
            a.attributes
                .extend((0..1_000_000).map(|n| (n.to_string(), String::new())))
        };
        check(&many, "attributes");
    }
}
