//! Which candidates do not hold today and have one beside them that does and says the same.
//!
//! What ended is often all that a collection has of its topic: it keeps its place then and says that it ended. Only
//! beside what took its place, told by its title or its words, it is worth less. Nothing here scores.

use std::cell::LazyCell;

use super::copies::is_newer;
use super::differences::{Differences, Facts};
use crate::index::StoredPassage;
use crate::model::{Date, Force};
use crate::text::{Grams, is_numeral, series};

/// Of passages in the order of their ranking, those that do not hold on this day and have one of the same places among
/// them that does and took their place.
pub fn superseded(passages: &[StoredPassage], today: Date) -> Vec<usize> {
    let (current, over): (Vec<_>, Vec<_>) = (0..passages.len()).partition(|&at| passages[at].validity.may_hold(today));
    // Words are compared only where titles do not tell.
    let named = |at: usize| {
        let passage = &passages[at];
        (
            passage,
            series(&passage.title),
            LazyCell::new(move || Grams::of(&passage.text)),
            LazyCell::new(move || Facts::of(&passage.text)),
        )
    };
    let current: Vec<_> = if over.is_empty() {
        Vec::new()
    } else {
        current.into_iter().map(named).collect()
    };
    let has_successor = |&at: &usize| {
        let (own, name, text, facts) = named(at);
        current.iter().any(|(other, other_name, other_text, other_facts)| {
            // Cities give their notices the same titles. Where no place is named, they may be of two.
            let is_there = own.regions == other.regions && (!own.regions.is_empty() || own.source == other.source);
            let may_follow = is_there && own.article_id != other.article_id;
            let is_named_so = || name.is_some() && name == *other_name;
            let follows = |near: bool| follows([own, other], &|| [&*facts, &**other_facts], near, today);
            may_follow && (is_named_so() && follows(false) || text.is_near(other_text) && follows(true))
        })
    };
    over.into_iter().filter(has_successor).collect()
}

/// Whether what holds took the place of what does not: it is newer, or nothing says which is and it says something
/// else. Of nearly the same words (`near`) a copy on another page takes no place, whenever that was published.
fn follows<'f>([own, other]: [&StoredPassage; 2], facts: &dyn Fn() -> [&'f Facts; 2], near: bool, today: Date) -> bool {
    let is_newer = is_newer(own, other);
    // What is not in force yet is after what is.
    let is_over = own.validity.on(today) == Force::Ended;
    if is_newer == Some(!is_over) {
        return false;
    }
    let days = [own, other].map(|of| of.validity.effective);
    let is_dated = days[0] != days[1] && !days.contains(&None);
    match (near, is_newer) {
        (true, _) => is_dated || Differences::between([own, other], facts()).adds(),
        // Numbered notices of one office are about anything: 公告（2026年第3号）.
        (false, Some(_)) if !is_numbered(&own.title) && !is_numbered(&other.title) => true,
        (false, _) => !Differences::of_the_same(facts()).is_empty(),
    }
}

/// Whether a title is the number of something: 第3号, 第12期.
fn is_numbered(title: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || is_numeral(c);
    let signs = ['号', '期', '批', '辑', '讲'];
    let mut found = title.match_indices(signs);
    found.any(|(at, _)| title[..at].trim_end_matches(is_number).ends_with('第'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Validity;
    use crate::search::applies::tests::passage;

    /// Each passage as title, text, first day and the day from which it does not hold.
    fn check(passages: &[(&str, &str, Option<&str>, Option<&str>)], expected: &[usize]) {
        let passages: Vec<StoredPassage> = (0..)
            .zip(passages)
            .map(|(number, (title, text, effective, expired))| {
                let day = |day: &Option<&str>| day.map(|day| day.parse().unwrap());
                StoredPassage {
                    article_id: format!("{number}"),
                    validity: Validity {
                        effective: day(effective),
                        expired: day(expired),
                        ended: false,
                    },
                    ..passage(title, text)
                }
            })
            .collect();
        assert_eq!(superseded(&passages, "2026-11-29".parse().unwrap()), expected);
    }

    #[test]
    fn what_ended_steps_back_only_behind_what_took_its_place() {
        let old = (
            "2025年低保标准的通知",
            "每人每月1309元",
            Some("2025-06-01"),
            Some("2026-06-01"),
        );
        let new = ("2026年低保标准的通知", "每人每月1350元", Some("2026-06-01"), None);
        check(&[old, ("临时救助办法", "临时救助", None, None)], &[]);
        check(&[old, new], &[0]);
        check(&[new, old], &[1]);
        // One without days of its own took its place if nothing says that it is older.
        check(&[old, ("低保标准的通知", "每人每月1350元", None, None)], &[0]);
        check(&[old, ("2019年低保标准的通知", "每人每月900元", None, None)], &[]);
        // A copy on another page took no place, nor did what another city says.
        check(&[old, ("2025年低保标准的通知", old.1, None, None)], &[]);
        check(&[old, ("低保标准的通知", old.1, None, None)], &[]);
        let of = |city: &str, text: &str| format!("{city}每人每月{text}");
        let (guangzhou, foshan) = (of("广州市", "1309元"), of("佛山市", "1350元"));
        check(
            &[(old.0, &guangzhou, old.2, old.3), (new.0, &foshan, new.2, new.3)],
            &[],
        );
        // Numbered notices are about anything.
        check(
            &[
                ("医保局公告（2023年第1号）", "住院起付线500元", old.2, old.3),
                ("医保局公告（2026年第3号）", "护理补贴400元", None, None),
            ],
            &[],
        );
        // Another title, the same words.
        let words = "参保人员住院发生的医疗费用由统筹基金按规定的比例支付，个人承担其余的部分，每年结算一次";
        check(
            &[
                ("住院报销办法", words, Some("2020-01-01"), Some("2025-01-01")),
                ("医保住院待遇", words, Some("2025-01-01"), None),
            ],
            &[0],
        );
        // What does not hold yet stands behind what still does.
        check(
            &[
                ("2027年低保标准的通知", "每人每月1400元", Some("2027-01-01"), None),
                new,
            ],
            &[0],
        );
    }
}
