//! Near copies: passages that say the same in nearly the same words, of which a list shows one.
//!
//! Owns the walk down a ranking that makes one hit of those that hide nothing from each other. Signatures, kept of
//! every passage, tell most of them apart; what they do not is read and compared exactly. When two texts are near
//! copies is `text`'s to say.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::differences::{Differences, Facts};
use super::missing::FIRST;
use super::response::NearCopy;
use crate::error::Result;
use crate::index::StoredPassage;
use crate::model::{Date, passage_id};
use crate::text::{Grams, Signature};

/// A passage is compared with so many hits before it, and a hit's copies are looked for until so many hits have come
/// behind it. Copies stand close together, since they get nearly the same scores.
const NEIGHBOURS: usize = 10;
/// Places of a ranking that are walked down; behind them every passage is a hit of its own. It bounds what is read for
/// the deepest page.
const WALKED: usize = 200;

/// A ranking without the passages that are copies of better ones.
#[derive(Debug, Default)]
pub struct Folded {
    /// The hits, best first, as numbers of candidates.
    pub hits: Vec<usize>,
    /// Whether a longer ranking would change nothing of the hits within reach.
    pub is_settled: bool,
    /// What was read on the way, by candidate: the first hits, and those that have copies.
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

/// Walks down a ranking until `reach` hits and all their copies are known. `signatures` gives what passages are told
/// apart by, `fetch` reads them: those that may be copies of each other or of one series, and the first hits, which are
/// shown. The hits at the beginning are the same whatever the reach, so pages are cut from one list: no passage is
/// missing, none is there twice.
///
/// # Errors
/// Those of `signatures` and `fetch`.
pub fn fold_copies(
    order: &[usize],
    reach: usize,
    signatures: impl Fn(&[usize]) -> Result<Vec<Signature>>,
    fetch: impl Fn(&[usize]) -> Result<Vec<StoredPassage>>,
) -> Result<Folded> {
    let mut hits: Vec<Walked> = Vec::new();
    let walked = order.len().min(WALKED);
    let wanted = reach.saturating_add(NEIGHBOURS);
    let shown = reach.max(FIRST);
    let mut next = 0;
    while next < walked && hits.len() < wanted {
        let end = walked.min(next + wanted - hits.len());
        let batch = order[next..end].iter().zip(signatures(&order[next..end])?);
        let mut batch: Vec<Walked> = batch.map(|(&at, signature)| Walked::new(at, signature)).collect();
        let before = hits.len().saturating_sub(NEIGHBOURS);
        mark_likely(&mut hits[before..], &mut batch);
        // Whatever of the first places is no copy is shown, so that one call reads all.
        let first = batch.iter_mut().take(shown.saturating_sub(next));
        first.for_each(|walked| walked.is_wanted = true);
        read(hits[before..].iter_mut().chain(&mut batch), &fetch)?;
        for own in batch {
            let before = hits.len().saturating_sub(NEIGHBOURS);
            let own = standing(&mut hits[before..], own);
            hits.extend(own);
        }
        next = end;
    }
    let first = hits.iter_mut().take(shown);
    read(first.map(Walked::wanted), &fetch)?;
    let rest = &order[next..];
    Ok(Folded {
        is_settled: hits.len() >= wanted || next == WALKED && hits.len() + rest.len() >= reach,
        hits: hits.iter().map(|hit| hit.at).chain(rest.iter().copied()).collect(),
        read: hits.into_iter().filter_map(|hit| Some((hit.at, hit.hit?))).collect(),
    })
}

impl Folded {
    /// The passages of the first hits, in their order, as many as are looked at for what is missing or more.
    pub fn first(&self) -> impl Iterator<Item = &StoredPassage> {
        self.passages().map(|(_, stored)| stored)
    }

    /// The same, each with its number among the candidates.
    pub fn passages(&self) -> impl Iterator<Item = (usize, &StoredPassage)> {
        let read = |&at| Some((at, &self.read.get(&at)?.stored));
        self.hits.iter().map_while(read)
    }
}

/// A place of the ranking, as far as it was looked at.
struct Walked {
    /// Which candidate stands there.
    at: usize,
    signature: Signature,
    /// Whether its text is needed.
    is_wanted: bool,
    /// Its passage, once it was read.
    hit: Option<FoldedHit>,
    /// Its text as overlapping stretches of letters, made when it is first compared.
    grams: OnceCell<Grams>,
    /// The amounts and days in its text, made when it is first compared.
    facts: OnceCell<Facts>,
}

impl Walked {
    fn new(at: usize, signature: Signature) -> Self {
        Walked {
            at,
            signature,
            is_wanted: false,
            hit: None,
            grams: OnceCell::new(),
            facts: OnceCell::new(),
        }
    }

    fn wanted(&mut self) -> &mut Self {
        self.is_wanted = true;
        self
    }
}

/// Marks those that may be copies of another one or of a series with it, as far as they may come to be compared.
fn mark_likely(before: &mut [Walked], batch: &mut [Walked]) {
    for place in 0..batch.len() {
        let (earlier, rest) = batch.split_at_mut(place);
        // `place` lies within the batch, so there is one.
        let Some(own) = rest.first_mut() else { break };
        for other in before.iter_mut().chain(earlier) {
            let (one, two) = (&own.signature, &other.signature);
            if one.may_be_near(two) || one.is_of_series(two) {
                own.is_wanted = true;
                other.is_wanted = true;
            }
        }
    }
}

/// Reads those that are wanted and were not read.
fn read<'w>(
    walked: impl Iterator<Item = &'w mut Walked>,
    fetch: impl Fn(&[usize]) -> Result<Vec<StoredPassage>>,
) -> Result<()> {
    let unread: Vec<&mut Walked> = walked
        .filter(|walked| walked.is_wanted && walked.hit.is_none())
        .collect();
    if unread.is_empty() {
        return Ok(());
    }
    let places: Vec<usize> = unread.iter().map(|walked| walked.at).collect();
    for (walked, stored) in unread.into_iter().zip(fetch(&places)?) {
        walked.hit = Some(FoldedHit::alone(stored));
    }
    Ok(())
}

/// The passage as a hit, unless it was added to one of the hits before it.
fn standing(before: &mut [Walked], mut own: Walked) -> Option<Walked> {
    // What was not read is no copy of anything.
    let Some(mut passage) = own.hit.take() else {
        return Some(own);
    };
    let stored = &passage.stored;
    let id = passage_id(&stored.article_id, stored.ordinal);
    let mut near = Vec::new();
    for (place, other) in before.iter_mut().enumerate() {
        let Some(hit) = &mut other.hit else { continue };
        let (before, after) = (&other.facts, &own.facts);
        let facts = || {
            let before = before.get_or_init(|| Facts::of(&hit.stored.text));
            [before, after.get_or_init(|| Facts::of(&stored.text))]
        };
        let is_near = own.signature.may_be_near(&other.signature) && {
            let grams = other.grams.get_or_init(|| Grams::of(&hit.stored.text));
            own.grams.get_or_init(|| Grams::of(&stored.text)).is_near(grams)
        };
        if !is_near {
            if own.signature.is_of_series(&other.signature) && stored.article_id != hit.stored.article_id {
                let differences = Differences::of_the_same(facts());
                near.extend((!differences.is_empty()).then_some((place, differences)));
            }
            continue;
        }
        let differences = Differences::between([&hit.stored, stored], facts());
        let is_same_title = stored.title.is_empty() || stored.title == hit.stored.title;
        if is_same_title && !differences.adds() {
            hit.duplicates.push(id);
            return None;
        }
        near.push((place, differences));
    }
    let near = near.into_iter().filter_map(|(place, differences)| {
        let hit = before[place].hit.as_mut()?;
        let is_newer = is_newer(&hit.stored, stored).filter(|_| differences.are_told());
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
    passage.near = near.collect();
    own.hit = Some(passage);
    Some(own)
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use crate::model::ArticleKind;
    use crate::text::{is_near_by_sets, series};

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
            sentences: Default::default(),
        }
    }

    /// What becomes of passages in this order, and which were read.
    fn folded(passages: &[StoredPassage], reach: usize) -> (Folded, Vec<usize>) {
        let order: Vec<usize> = (0..passages.len()).collect();
        let was_read: RefCell<Vec<usize>> = RefCell::default();
        let signatures = |at: &[usize]| {
            let of = |&at: &usize| Signature::new(&passages[at].title, &passages[at].text);
            Ok(at.iter().map(of).collect())
        };
        let fetch = |at: &[usize]| {
            was_read.borrow_mut().extend_from_slice(at);
            Ok(at.iter().map(|&at| passages[at].clone()).collect())
        };
        let found = fold_copies(&order, reach, signatures, fetch).unwrap();
        (found, was_read.into_inner())
    }

    /// A hit with its duplicates and near copies.
    type Told = (usize, Vec<String>, Vec<NearCopy>);

    fn told(mut found: Folded) -> Vec<Told> {
        let hit = |at: &usize| {
            let read = found.read.remove(at);
            let (duplicates, near) = read.map(|read| (read.duplicates, read.near)).unwrap_or_default();
            (*at, duplicates, near)
        };
        found.hits.iter().map(hit).collect()
    }

    /// Hits with their duplicates.
    fn walk(passages: &[StoredPassage], reach: usize) -> Vec<(usize, Vec<String>)> {
        let told = told(folded(passages, reach).0).into_iter();
        told.map(|(at, duplicates, _)| (at, duplicates)).collect()
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
        let (found, _) = folded(&passages, 10);
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
        let (found, _) = folded(&passages, 10);
        let near = |at: usize| -> Vec<(&str, &str, Option<bool>)> {
            let near = found.read[&at].near.iter();
            near.map(|copy| (&*copy.passage_id, &*copy.difference, copy.newer))
                .collect()
        };
        assert_eq!(near(0), [("1#0", "个人缴费标准 350元 / 380元", Some(true))]);
        assert_eq!(near(1), [("0#0", "个人缴费标准 380元 / 350元", Some(false))]);
        assert_eq!(near(2), []);
    }

    /// The walk as it is said, of texts that are all read: what signatures save must change nothing.
    fn plainly(passages: &[StoredPassage], reach: usize) -> Vec<Told> {
        let mut hits: Vec<Told> = Vec::new();
        for (at, own) in passages.iter().enumerate() {
            if at >= WALKED || hits.len() >= reach + NEIGHBOURS {
                hits.push((at, Vec::new(), Vec::new()));
                continue;
            }
            let first = hits.len().saturating_sub(NEIGHBOURS);
            let (mut near, mut is_folded) = (Vec::new(), false);
            for place in first..hits.len() {
                let other = &passages[hits[place].0];
                let facts = [other, own].map(|of| Facts::of(&of.text));
                let facts = facts.each_ref();
                if is_near_by_sets(&own.text, &other.text) {
                    let differences = Differences::between([other, own], facts);
                    is_folded = (own.title.is_empty() || own.title == other.title) && !differences.adds();
                    if is_folded {
                        hits[place].1.push(passage_id(&own.article_id, own.ordinal));
                        break;
                    }
                    near.push((place, differences));
                } else if series(&own.title).is_some() && series(&own.title) == series(&other.title) {
                    let differences = Differences::of_the_same(facts);
                    near.extend((!differences.is_empty()).then_some((place, differences)));
                }
            }
            if is_folded {
                continue;
            }
            let mut of_own = Vec::new();
            for (place, differences) in near {
                let other = &passages[hits[place].0];
                let newer = is_newer(other, own).filter(|_| differences.are_told());
                let copy = |of: &StoredPassage, difference, newer| NearCopy {
                    passage_id: passage_id(&of.article_id, of.ordinal),
                    title: of.title.clone(),
                    difference,
                    newer,
                };
                hits[place].2.push(copy(own, differences.of_first(), newer));
                of_own.push(copy(other, differences.of_second(), newer.map(|newer| !newer)));
            }
            hits.push((at, Vec::new(), of_own));
        }
        hits
    }

    /// Passages of a few texts, short and long, each changed a little or much, under titles of which some are of a
    /// series.
    fn some_copies(count: usize, seed: u64) -> Vec<StoredPassage> {
        let mut seed = fastrand::Rng::with_seed(seed);
        let letters = |seed: &mut fastrand::Rng, count: usize| -> Vec<char> {
            (0..count)
                .filter_map(|_| char::from_u32(seed.u32(0x4e00..0x5800)))
                .collect()
        };
        let lengths = [3, 30, 90, 160, 180, 200, 260, 500, 900];
        let texts: Vec<Vec<char>> = (0..6)
            .map(|_| {
                let length = lengths[seed.usize(..lengths.len())];
                letters(&mut seed, length)
            })
            .collect();
        let one = |number: usize| {
            let mut text = texts[seed.usize(..texts.len())].clone();
            let changed = text.len() * seed.usize(..30) / 100;
            let at = seed.usize(..=text.len() - changed);
            let other = letters(&mut seed, changed);
            text.splice(at..at + changed, other);
            let (year, days) = (seed.u16(2023..2026), 10 * seed.usize(1..3));
            let title = match seed.usize(..6) {
                0 => String::new(),
                1 => "甲产品".into(),
                2 => "某某产品保险条款".into(),
                3 => format!("居民医保缴费标准第{number}号公告"),
                _ => format!("{year}年度居民缴费标准"),
            };
            let mut text: String = text.into_iter().collect();
            if seed.bool() {
                text.push_str(&format!("，犹豫期为{days}天"));
            }
            let mut passage = passage(number, &title, &text);
            passage.years = vec![year];
            passage
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn what_signatures_tell_apart_is_read_only_where_it_is_shown() {
        let far: Vec<char> = (0x5000..0x5a00).filter_map(char::from_u32).collect();
        let passages = |count: usize| -> Vec<StoredPassage> {
            let text = |number: usize| far[number * 80..number * 80 + 80].iter().collect::<String>();
            (0..count)
                .map(|number| passage(number, &format!("{}产品保险条款", far[number]), &text(number)))
                .collect()
        };
        let mut passages = passages(30);
        assert_eq!(folded(&passages, 12).1, (0..12).collect::<Vec<_>>());
        // What is missing is looked for among the first ten, however few are shown.
        assert_eq!(folded(&passages, 3).1, (0..10).collect::<Vec<_>>());
        // A copy behind them is read with what it may be a copy of, and once.
        passages[19].text = passages[15].text.replace('，', "");
        let (found, mut was_read) = folded(&passages, 12);
        was_read.sort_unstable();
        assert_eq!(was_read, (0..12).chain([15, 19]).collect::<Vec<_>>());
        assert_eq!(found.read[&15].near[0].passage_id, "19#0");
    }

    proptest! {
        // The plain walk takes its time.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn signatures_change_no_answer(count in 0..60_usize, reach in 0..30_usize, seed in any::<u64>()) {
            let passages = some_copies(count, seed);
            let (found, mut was_read) = folded(&passages, reach);
            prop_assert_eq!(told(found), plainly(&passages, reach));
            let times = was_read.len();
            was_read.sort_unstable();
            was_read.dedup();
            prop_assert_eq!(times, was_read.len());
        }
    }

    proptest! {
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
