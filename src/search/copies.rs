//! Near copies: passages that say the same in nearly the same words, of which a list shows one.
//!
//! Owns when two passages are near copies, and the walk down a ranking that makes one hit of those that hide nothing
//! from each other. Texts are compared as they are read, exactly: only the first hits have to be, and those are read
//! anyway.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::differences::Differences;
use super::response::NearCopy;
use crate::error::Result;
use crate::index::StoredPassage;
use crate::model::{Date, passage_id};
use crate::text::{Normalized, is_numeral};

/// A passage is compared with so many hits before it, and a hit's copies are looked for until so many hits have come
/// behind it. Copies stand close together, since they get nearly the same scores.
const NEIGHBOURS: usize = 10;
/// Places of a ranking that are walked down; behind them every passage is a hit of its own. It bounds what is read for
/// the deepest page.
const WALKED: usize = 200;
/// Characters that are compared as one.
const GRAM: usize = 5;
/// Numbers are divided into so many parts. Of two texts with 7 of 10 stretches in common 45 parts have the same
/// smallest one, give or take 4; of others hardly any.
const PARTS: usize = 64;
/// Fewer parts alike are those of no copies.
const ALIKE: usize = 20;
/// Texts of fewer stretches are compared at once: some parts are empty.
const LONG: usize = 200;
/// Letters that titles of a series have in common at least.
const SERIES: usize = 6;
/// The same where the title names its year, and so is of a series.
const SERIES_OF_YEARS: usize = 4;
/// 2^64 divided by the golden ratio, odd: Knuth's multiplicative hashing.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A ranking without the passages that are copies of better ones.
#[derive(Debug, Default)]
pub struct Folded {
    /// The hits, best first, as numbers of candidates.
    pub hits: Vec<usize>,
    /// Whether a longer ranking would change nothing of the hits within reach.
    pub is_settled: bool,
    /// What was read on the way, by candidate.
    pub read: HashMap<usize, FoldedHit>,
}

/// A passage that stands as a hit.
#[derive(Debug)]
pub struct FoldedHit {
    /// The passage.
    pub stored: StoredPassage,
    /// Ids of the passages that it stands for.
    pub duplicates: Vec<String>,
    /// Hits that say nearly the same.
    pub near: Vec<NearCopy>,
}

impl FoldedHit {
    /// A passage without copies.
    pub fn alone(stored: StoredPassage) -> Self {
        FoldedHit {
            stored,
            duplicates: Vec::new(),
            near: Vec::new(),
        }
    }
}

/// Walks down a ranking until `reach` hits and all their copies are known; `fetch` reads passages. The hits at the
/// beginning are the same whatever the reach, so pages are cut from one list: no passage is missing, none is there
/// twice.
///
/// # Errors
/// Those of `fetch`.
pub fn fold_copies(
    order: &[usize],
    reach: usize,
    fetch: impl Fn(&[usize]) -> Result<Vec<StoredPassage>>,
) -> Result<Folded> {
    let mut found = Folded::default();
    let mut texts: Vec<Compared> = Vec::new();
    let walked = order.len().min(WALKED);
    let wanted = reach.saturating_add(NEIGHBOURS);
    let mut next = 0;
    while next < walked && found.hits.len() < wanted {
        let end = walked.min(next + wanted - found.hits.len());
        let batch = &order[next..end];
        for (&at, stored) in batch.iter().zip(fetch(batch)?) {
            let own = Compared {
                grams: Grams::of(&stored.text),
                series: series(&stored.title),
            };
            if let Some(read) = found.stands_alone(&texts, &own, stored) {
                found.hits.push(at);
                found.read.insert(at, read);
                texts.push(own);
            }
        }
        next = end;
    }
    found.is_settled = found.hits.len() >= wanted || next == WALKED && found.hits.len() + order[next..].len() >= reach;
    found.hits.extend(&order[next..]);
    Ok(found)
}

impl Folded {
    /// The passages of the first hits, in their order; they were all read on the way.
    pub fn first(&self) -> impl Iterator<Item = &StoredPassage> {
        self.hits
            .iter()
            .map_while(|at| self.read.get(at))
            .map(|hit| &hit.stored)
    }

    /// The passage as a hit, unless it was added to one of the hits before it.
    fn stands_alone(&mut self, texts: &[Compared], own: &Compared, stored: StoredPassage) -> Option<FoldedHit> {
        let id = passage_id(&stored.article_id, stored.ordinal);
        let mut near = Vec::new();
        let first = self.hits.len().saturating_sub(NEIGHBOURS);
        for (at, other) in self.hits[first..].iter().zip(&texts[first..]) {
            // Every hit of the walk was read.
            let Some(hit) = self.read.get_mut(at) else { continue };
            if !own.grams.is_near(&other.grams) {
                if own.series.is_some() && own.series == other.series && stored.article_id != hit.stored.article_id {
                    let differences = Differences::of_the_same(&hit.stored, &stored);
                    near.extend((!differences.is_empty()).then_some((*at, differences)));
                }
                continue;
            }
            let differences = Differences::between(&hit.stored, &stored);
            let is_same_title = stored.title.is_empty() || stored.title == hit.stored.title;
            if is_same_title && !differences.adds() {
                hit.duplicates.push(id);
                return None;
            }
            near.push((*at, differences));
        }
        let near = near.into_iter().filter_map(|(at, differences)| {
            let hit = self.read.get_mut(&at)?;
            let is_newer = is_newer(&hit.stored, &stored).filter(|_| !differences.is_empty());
            hit.near.push(NearCopy {
                passage_id: id.clone(),
                title: stored.title.clone(),
                difference: differences.of_first(),
                newer: is_newer,
            });
            Some(NearCopy {
                passage_id: passage_id(&hit.stored.article_id, hit.stored.ordinal),
                title: hit.stored.title.clone(),
                difference: differences.of_second(),
                newer: is_newer.map(|is_newer| !is_newer),
            })
        });
        let near = near.collect();
        Some(FoldedHit {
            near,
            ..FoldedHit::alone(stored)
        })
    }
}

/// What a passage is compared by.
struct Compared {
    grams: Grams,
    series: Option<String>,
}

/// What titles of a series have in common, of which one title may be all: a title without its numbers and years
/// (2024年度缴费标准, 2025年度缴费标准). None for what is too short to say what it is about, and for one article of a law
/// (第六十条), whose neighbours are about something else.
pub(super) fn series(title: &str) -> Option<String> {
    let title = Normalized::new(title).text;
    let is_number = |c: char| c.is_ascii_digit() || is_numeral(c);
    let is_article = title.match_indices('第').any(|(at, of)| {
        let rest = title[at + of.len()..].trim_start_matches(is_number);
        rest.starts_with(['条', '章', '节', '款'])
    });
    let mut key = String::new();
    let mut names_year = false;
    for character in title.chars().filter(|c| c.is_alphanumeric()) {
        // Of 2024年度 nothing stays.
        match character {
            c if is_number(c) => key.push('0'),
            '年' | '度' if key.ends_with('0') => names_year |= character == '年' && key.ends_with("0000"),
            c => key.push(c),
        }
    }
    key.retain(|c| c != '0');
    let least = if names_year { SERIES_OF_YEARS } else { SERIES };
    (!is_article && key.chars().count() >= least).then_some(key)
}

/// Whether the second passage is newer than the first, by the days from which they hold, else by those of publication,
/// else by the last years that they are about; none where either says nothing or both the same.
pub(super) fn is_newer(first: &StoredPassage, second: &StoredPassage) -> Option<bool> {
    let effective = |of: &StoredPassage| of.validity.effective.map(Date::number);
    let published = |of: &StoredPassage| of.published.map(Date::number);
    let year = |of: &StoredPassage| of.years.iter().max().map(|year| u32::from(*year));
    let by = |day: &dyn Fn(&StoredPassage) -> Option<u32>| {
        let (first, second) = (day(first)?, day(second)?);
        (first != second).then_some(first < second)
    };
    by(&effective).or_else(|| by(&published)).or_else(|| by(&year))
}

/// The stretches of [`GRAM`] letters and digits of a text, as numbers.
pub(super) struct Grams {
    /// In the order of the text.
    written: Vec<u64>,
    /// Of each part of all numbers the smallest that the text has: most texts are told apart by these alone.
    least: [u32; PARTS],
    /// Ascending, each once; made when another text may be a copy.
    sorted: OnceCell<Vec<u64>>,
}

impl Grams {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        // Neighbours in order, whatever stands between them: copies differ in spaces and in the width of punctuation.
        let letters: Vec<u64> = text.chars().filter(|&c| is_letter(c)).map(u64::from).collect();
        let windows = letters.windows(GRAM.min(letters.len()).max(1));
        let number = |gram: &[u64]| {
            mixed(
                gram.iter()
                    .fold(0, |number, letter| number.wrapping_mul(GOLDEN) ^ letter),
            )
        };
        let written: Vec<u64> = windows.map(number).collect();
        let mut least = [u32::MAX; PARTS];
        for number in &written {
            let part = &mut least[(number >> 32) as usize % PARTS];
            *part = (*part).min(*number as u32);
        }
        Grams {
            written,
            least,
            sorted: OnceCell::new(),
        }
    }

    /// Whether both have at least 7 of 10 stretches of either in common (Jaccard).
    pub fn is_near(&self, other: &Grams) -> bool {
        let is_long = self.written.len().min(other.written.len()) >= LONG;
        if is_long && self.least.iter().zip(&other.least).filter(|(a, b)| a == b).count() < ALIKE {
            return false;
        }
        let (one, two) = (self.sorted(), other.sorted());
        let both = count_common(one, two);
        // In whole numbers.
        both > 0 && 10 * both >= 7 * (one.len() + two.len() - both)
    }

    fn sorted(&self) -> &[u64] {
        self.sorted.get_or_init(|| {
            let mut sorted = self.written.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted
        })
    }
}

/// How many numbers two ascending lists have in common.
fn count_common(one: &[u64], two: &[u64]) -> usize {
    let (mut at, mut other, mut common) = (0, 0, 0);
    while at < one.len() && other < two.len() {
        let order = one[at].cmp(&two[other]);
        at += usize::from(order.is_le());
        other += usize::from(order.is_ge());
        common += usize::from(order.is_eq());
    }
    common
}

/// Letters and digits; most are ideographs, which need no table.
fn is_letter(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}') || character.is_alphanumeric()
}

/// Spreads numbers over all 64 bits, so that the part of a gram and its place in the part say nothing of its letters.
fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 32).wrapping_mul(GOLDEN);
    value ^ value >> 29
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::ArticleKind;

    fn passage(number: usize, title: &str, text: &str) -> StoredPassage {
        StoredPassage {
            article_id: number.to_string(),
            ordinal: 0,
            title: title.into(),
            heading: String::new(),
            text: text.into(),
            start: 0,
            end: 0,
            url: None,
            source: None,
            published: None,
            kind: ArticleKind::Full,
            regions: Vec::new(),
            years: Vec::new(),
            validity: Default::default(),
            attributes: Default::default(),
        }
    }

    /// Hits with their duplicates.
    fn walk(passages: &[StoredPassage], reach: usize) -> Vec<(usize, Vec<String>)> {
        let order: Vec<usize> = (0..passages.len()).collect();
        let read = |at: &[usize]| Ok(at.iter().map(|&at| passages[at].clone()).collect());
        let mut found = fold_copies(&order, reach, read).unwrap();
        let hit = |at: &usize| {
            let read = found.read.remove(at);
            (*at, read.map(|read| read.duplicates).unwrap_or_default())
        };
        found.hits.iter().map(hit).collect()
    }

    const CLAUSE: &str = "参保人员在定点医疗机构住院发生的医疗费用，由统筹基金按规定的比例支付，个人承担其余的部分";

    #[test]
    fn copies_become_one_hit() {
        let check = |passages: &[(&str, &str)], expected: &[(usize, &[&str])]| {
            let passages: Vec<StoredPassage> = (0..)
                .zip(passages)
                .map(|(number, (title, text))| passage(number, title, text))
                .collect();
            let found = walk(&passages, 10);
            let found: Vec<(usize, Vec<&str>)> = found
                .iter()
                .map(|(at, ids)| (*at, ids.iter().map(String::as_str).collect()))
                .collect();
            let expected: Vec<(usize, Vec<&str>)> = expected.iter().map(|(at, ids)| (*at, ids.to_vec())).collect();
            assert_eq!(found, expected);
        };
        let spaced = CLAUSE.replace('，', " , ");
        let longer = format!("{CLAUSE}。特此说明");
        check(&[("", CLAUSE), ("", "别的"), ("", &spaced)], &[(0, &["2#0"]), (1, &[])]);
        check(&[("", CLAUSE), ("", &longer)], &[(0, &["1#0"])]);
        check(&[("医保", CLAUSE), ("医保", CLAUSE)], &[(0, &["1#0"])]);
        check(&[("甲产品", CLAUSE), ("", CLAUSE)], &[(0, &["1#0"])]);
        check(&[("", CLAUSE), ("甲产品", CLAUSE)], &[(0, &[]), (1, &[])]);
        check(&[("甲产品", CLAUSE), ("乙产品", CLAUSE)], &[(0, &[]), (1, &[])]);
        let (twenty, ten) = (format!("{CLAUSE}，犹豫期20天"), format!("{CLAUSE}，犹豫期10天"));
        check(&[("", &twenty), ("", &ten)], &[(0, &[]), (1, &[])]);
        check(&[("", &twenty), ("", CLAUSE)], &[(0, &["1#0"])]);
        check(&[("", CLAUSE), ("", &twenty)], &[(0, &[]), (1, &[])]);
        check(
            &[("", "。"), ("", "。"), ("", "保"), ("", "保")],
            &[(0, &[]), (1, &[]), (2, &["3#0"])],
        );
    }

    #[test]
    fn near_ones_name_each_other() {
        let text = |days| format!("{CLAUSE}，自收到保险单起的犹豫期为{days}");
        let passages = [
            passage(0, "甲产品", &text("20天")),
            passage(1, "乙产品", &text("10天")),
            passage(2, "丙产品", &text("10天")),
        ];
        let found = fold_copies(&[0, 1, 2], 10, |at| {
            Ok(at.iter().map(|&at| passages[at].clone()).collect())
        })
        .unwrap();
        let near = |at: usize| -> Vec<(&str, &str, &str)> {
            let near = found.read[&at].near.iter();
            near.map(|copy| (&*copy.passage_id, &*copy.title, &*copy.difference))
                .collect()
        };
        let shorter = "犹豫期 20天 / 10天";
        assert_eq!(near(0), [("1#0", "乙产品", shorter), ("2#0", "丙产品", shorter)]);
        assert_eq!(
            near(1),
            [("0#0", "甲产品", "犹豫期 10天 / 20天"), ("2#0", "丙产品", "")]
        );
    }

    #[test]
    fn a_newer_one_of_a_series_is_named_with_what_it_says_of_the_same() {
        let of_year = |number: usize, year: u16, text: &str| {
            let mut passage = passage(number, &format!("绥化市{year}年度居民医保缴费公告"), text);
            passage.years = vec![year];
            passage
        };
        let passages = [
            of_year(0, 2023, "各县区参保居民注意：个人缴费标准为350元，逾期不再受理。"),
            of_year(
                1,
                2024,
                "今年集中缴费九月开始。个人缴费标准为380元，线上线下都可以办理，共设窗口12个。",
            ),
            passage(2, "绥化市居民医保指南", "个人缴费标准为400元。"),
        ];
        let found = fold_copies(&[0, 1, 2], 10, |at| {
            Ok(at.iter().map(|&at| passages[at].clone()).collect())
        })
        .unwrap();
        let near = |at: usize| -> Vec<(&str, &str, Option<bool>)> {
            let near = found.read[&at].near.iter();
            near.map(|copy| (&*copy.passage_id, &*copy.difference, copy.newer))
                .collect()
        };
        assert_eq!(near(0), [("1#0", "个人缴费标准 350元 / 380元", Some(true))]);
        assert_eq!(near(1), [("0#0", "个人缴费标准 380元 / 350元", Some(false))]);
        assert_eq!(near(2), []);
        // Two articles of a law are no series.
        assert_eq!(series("工伤保险条例 第六十条"), None);
        let is_one = |one: &str, other: &str| series(one).is_some() && series(one) == series(other);
        assert!(is_one("绥化市2023年度缴费公告", "绥化市2024年度缴费公告"));
        assert!(is_one("2024年度缴费标准", "2025年度缴费标准"));
        assert!(is_one("2025年医保待遇", "二〇二四年医保待遇"));
        assert!(is_one("2024年度居民缴费标准", "居民缴费标准"));
        // Too short to say what it is about.
        assert_eq!(
            [series("缴费标准"), series("2025年公告"), series("5年期保险")],
            [None, None, None]
        );
    }

    /// As it is said: sets, their intersection, their union.
    fn is_near(one: &str, two: &str) -> bool {
        let grams = |text: &str| -> HashSet<Vec<char>> {
            let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
            letters
                .windows(GRAM.min(letters.len()).max(1))
                .map(<[char]>::to_vec)
                .collect()
        };
        let (one, two) = (grams(one), grams(two));
        let both = one.intersection(&two).count();
        both > 0 && both as f64 >= 0.7 * one.union(&two).count() as f64 - 1e-9
    }

    #[test]
    fn long_texts_are_compared_as_short_ones() {
        let mut seed = fastrand::Rng::with_seed(7);
        let mut letters = |count: usize| -> String {
            (0..count)
                .filter_map(|_| char::from_u32(seed.u32(0x4e00..0x5800)))
                .collect()
        };
        let (mut near, mut all) = (0, 0);
        for _ in 0..300 {
            let (start, end) = (letters(450), letters(450));
            for changed in [0, 30, 120, 150, 170, 200, 900] {
                let (one, two) = (
                    format!("{start}{}{end}", letters(changed)),
                    format!("{start}{}{end}", letters(changed)),
                );
                assert_eq!(
                    Grams::of(&one).is_near(&Grams::of(&two)),
                    is_near(&one, &two),
                    "{changed}"
                );
                near += usize::from(is_near(&one, &two));
                all += 1;
            }
        }
        assert!(near > all / 3 && near < all);
    }

    proptest! {
        #[test]
        fn near_is_what_it_is_said_to_be(start in "[医保断缴，]{0,40}", one in "[医保]{0,6}", two in "[医保]{0,6}", end in "[医保报销 ]{0,40}") {
            let (one, two) = (format!("{start}{one}{end}"), format!("{start}{two}{end}"));
            prop_assert_eq!(Grams::of(&one).is_near(&Grams::of(&two)), is_near(&one, &two));
        }

        #[test]
        fn every_passage_is_on_one_page(kinds in prop::collection::vec(0..6_usize, 0..60), page in 1..9_usize) {
            let passages: Vec<StoredPassage> = kinds
                .iter()
                .enumerate()
                .map(|(number, kind)| passage(number, "", &CLAUSE.chars().cycle().skip(kind * 7).take(30).collect::<String>()))
                .collect();
            let mut seen: Vec<usize> = Vec::new();
            let all = walk(&passages, passages.len());
            for offset in (0..passages.len()).step_by(page) {
                let hits = walk(&passages, offset + page);
                let hits: Vec<_> = hits.into_iter().skip(offset).take(page).collect();
                prop_assert_eq!(&hits[..], &all[offset.min(all.len())..(offset + page).min(all.len())]);
                for (at, duplicates) in hits {
                    seen.push(at);
                    seen.extend(duplicates.iter().map(|id| id.trim_end_matches("#0").parse::<usize>().unwrap()));
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..passages.len()).collect::<Vec<_>>());
        }
    }
}
