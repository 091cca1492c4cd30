//! The days that a page states out of its text: in the names and values of its head, its linked data, its address.
//!
//! Only reads them; which of them is the article's is for `about` to say.

use crate::model::Date;

use super::super::byline::find_date;

/// What a day in a page's head is the day of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stated {
    Publication,
    Change,
}

/// What the day is of that the head gives under a name, if it is one of these.
pub(super) fn stated_date(key: &str) -> Option<Stated> {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let names = |words: &[&str]| words.iter().any(|word| key.contains(word));
    if !names(&[
        "date",
        "time",
        "issued",
        "modified",
        "createat",
        "createdat",
        "publishedat",
    ]) || names(&["expir", "valid"])
    {
        None
    } else if names(&["mod", "update", "revis", "last"]) {
        Some(Stated::Change)
    } else if names(&["pub", "release", "issued", "create"])
        || matches!(&*key, "date" | "dcdate" | "articledate" | "ogtime")
    {
        Some(Stated::Publication)
    } else {
        None
    }
}

/// The day of publication in a page's linked data (JSON-LD), which need not be valid JSON.
pub(super) fn linked_data_date(json: &str) -> Option<Date> {
    let at = ["\"datePublished\"", "\"pubDate\""]
        .iter()
        .find_map(|key| json.find(key).map(|at| at + key.len()))?;
    let value: String = json[at..].chars().take(40).collect();
    find_date(value.trim_start_matches([' ', ':', '"', '\n', '\t']))
}

/// The day in an address: `/2020-02/19/`, `/20200219/`, `/2020/02/19/`.
pub(super) fn date_in_url(url: &str) -> Option<Date> {
    let digits = |text: &str| text.parse::<u32>().ok();
    let parts: Vec<&str> = url.split(['/', '-']).collect();
    parts.iter().enumerate().find_map(|(at, part)| match part.len() {
        8 => Date::from_number(digits(part)?).filter(|date| (1990..2100).contains(&date.year())),
        4 => {
            let (year, month, day) = (digits(part)?, digits(parts.get(at + 1)?)?, digits(parts.get(at + 2)?)?);
            (1990..2100)
                .contains(&year)
                .then(|| Date::new(year, month, day))
                .flatten()
        }
        _ => None,
    })
}
