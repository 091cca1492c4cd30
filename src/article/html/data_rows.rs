//! Rows of a table that say something of what they link, told from lists of news.
//!
//! Only looks at cells; what follows is for `furniture` to say.

use scraper::ElementRef;

use super::super::byline::find_date;
use super::dom::words;
use super::measure::Measures;
use super::openers::{NEAR, REACH};

/// Whether an element is, or lies in, rows of a table that say something of what they link: one of their cells is no
/// link, and no date as in a list of news.
pub(super) fn is_data(element: ElementRef<'_>, measures: &Measures) -> bool {
    let says_something = |row: &ElementRef<'_>| {
        row.child_elements().take(NEAR * 2).any(|cell| {
            let measure = measures.of(cell);
            let words = if measure.linked == 0 && measure.all > 1 {
                words(cell)
            } else {
                String::new()
            };
            words.chars().filter(|c| c.is_alphanumeric()).count() > 1 && find_date(&words).is_none()
        })
    };
    let rows = |above: ElementRef<'_>| {
        let (mut all, mut saying) = (0, 0);
        for row in above
            .child_elements()
            .take(REACH)
            .filter(|row| row.value().name() == "tr")
            .take(NEAR * 2)
        {
            all += 1;
            saying += usize::from(says_something(&row));
        }
        all > 1 && saying * 2 > all
    };
    let mut around = std::iter::once(element).chain(element.ancestors().filter_map(ElementRef::wrap).take(6));
    match element.value().name() {
        "table" => element.child_elements().take(NEAR).any(rows),
        "tbody" | "thead" => rows(element),
        _ => around
            .find(|above| above.value().name() == "tr")
            .is_some_and(|row| says_something(&row) && row.parent().and_then(ElementRef::wrap).is_some_and(rows)),
    }
}
