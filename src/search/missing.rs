//! What a question names and none of the first hits is about.
//!
//! Owns what counts as met, and the sentence that says what is not. How one hit applies is `applies`'.

use super::applies::Wanted;
use super::naming::{first_names, quoted};
use super::product::{NamedProduct, ProductFit};
use super::response::{Fit, Missing};
use crate::error::Result;
use crate::index::StoredPassage;
use crate::model::Filter;
use crate::text::Region;

/// The first hits among which an answer is looked for, however many are shown.
pub const FIRST: usize = 10;
/// The hits that people read. What holds for a larger place counts as an answer only among them: somewhere further down
/// a national law is found for most questions.
const READ: usize = 3;
/// The most places or years that a sentence names, of those asked for and of those found instead.
const NAMED: usize = 3;

/// One of the first hits, with what it is about.
#[derive(Debug)]
pub(super) struct Standing {
    /// How it applies to the place that it meets best.
    place: Option<Fit>,
    /// How it applies to each of the places.
    places: Vec<Fit>,
    year: Option<Fit>,
    product: Option<ProductFit>,
    title: String,
    regions: Vec<Region>,
    years: Vec<u16>,
    /// The years asked for in which it holds by a term of its own.
    term: Vec<u16>,
}

/// What of a question's places, years and products is not met; never all empty.
#[derive(Debug)]
pub(super) struct Unmet<'a> {
    places: Vec<&'a Region>,
    years: Vec<u16>,
    product: Option<UnmetProduct>,
    instead: Instead,
}

/// A product that none of the first hits is about, as the question calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UnmetProduct {
    /// The first hits are about others like it.
    Sisters(String),
    /// The collection has another edition of it, of this title.
    Edition(String, String),
    /// The collection has it, and says what is asked elsewhere, if at all.
    Elsewhere(String),
}

/// What is told of the first hits beside what they lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instead {
    /// Which years they are about.
    Years,
    /// Which places they are about.
    Places,
    /// Nothing: some meet the place and others the year.
    Nothing,
}

/// The first hits, as far as they are looked at.
pub(super) fn standings<'p>(wanted: &Wanted<'_>, first: impl Iterator<Item = &'p StoredPassage>) -> Vec<Standing> {
    let standing = |passage: &StoredPassage| {
        let places = wanted.by_places(passage);
        Standing {
            place: places.iter().copied().max(),
            places,
            year: wanted.by_year(passage),
            product: wanted.by_product(passage),
            title: passage.title.clone(),
            regions: passage.regions.clone(),
            years: passage.years.clone(),
            term: wanted.years_of_term(passage),
        }
    };
    first.take(FIRST).map(standing).collect()
}

/// Whether a hit at this place, from 0, that applies so is about the place.
fn is_met(at: usize, fit: Option<Fit>) -> bool {
    fit == Some(Fit::Same) || fit == Some(Fit::Wider) && at < READ
}

/// Whether one of the first hits is about one of the places.
pub(super) fn place_is_met(first: &[Standing]) -> bool {
    let mut places = first.iter().enumerate();
    places.any(|(at, hit)| is_met(at, hit.place))
}

/// Whether a hit is of the product that the question names, where one of the first hits is: another product's edition
/// is not what is asked for.
fn is_of_the_product(first: &[Standing], hit: &Standing) -> bool {
    let is_of = |hit: &Standing| hit.product.as_ref().is_some_and(|product| product.fit == Fit::Same);
    is_of(hit) || !first.iter().any(is_of)
}

/// Whether one of the first hits is about one of the years; about the place, too, if it must be, and never about
/// another place.
pub(super) fn year_is_met(first: &[Standing], with_place: bool) -> bool {
    let is_there = |at: usize, hit: &Standing| {
        if !is_of_the_product(first, hit) {
            false
        } else if with_place {
            is_met(at, hit.place)
        } else {
            hit.place != Some(Fit::Other)
        }
    };
    let mut years = first.iter().enumerate();
    years.any(|(at, hit)| hit.year == Some(Fit::Same) && is_there(at, hit))
}

/// Whether the first hit is about another place or another year than is asked for, and none of those that stand with it
/// about the right one: that may be there further down, and is not what is read first.
pub(super) fn is_elsewhere(first: &[Standing]) -> bool {
    let shown = &first[..first.len().min(READ)];
    let is_other = |fit: &dyn Fn(&Standing) -> Option<Fit>| {
        let is_of_it = |hit: &Standing| matches!(fit(hit), Some(Fit::Same | Fit::Wider));
        first.first().and_then(fit) == Some(Fit::Other) && !shown.iter().any(is_of_it)
    };
    is_other(&|hit| hit.place) || is_other(&|hit| hit.year)
}

/// What none of the first hits is about, if anything is.
pub(super) fn unmet<'a>(wanted: &Wanted<'a>, first: &[Standing]) -> Option<Unmet<'a>> {
    let met = |number: usize| {
        let mut places = first.iter().enumerate();
        places.any(|(at, hit)| is_met(at, hit.places.get(number).copied()))
    };
    let numbered = wanted.regions.iter().enumerate();
    let mut places: Vec<&Region> = numbered.filter(|(at, _)| !met(*at)).map(|(_, region)| region).collect();
    let is_of = |hit: &Standing, year: &u16| {
        let is_year = hit.year == Some(Fit::Same) && (hit.years.contains(year) || hit.term.contains(year));
        is_year && is_of_the_product(first, hit)
    };
    let of_year = |year: &u16| first.iter().any(|hit| is_of(hit, year));
    let of_span = |year: &u16| {
        let mut spans = wanted.spans.iter().filter(|span| span.contains(year));
        spans.any(|span| span.clone().any(|year| of_year(&year)))
    };
    let is_unmet = |year: &u16| !of_year(year) && !of_span(year);
    let mut years: Vec<u16> = wanted.years.iter().copied().filter(is_unmet).collect();
    let mut told = Instead::Places;
    match (places.is_empty(), years.is_empty()) {
        (true, true) => {
            let either = wanted.regions.is_empty() || wanted.years.is_empty();
            if !either && !year_is_met(first, true) {
                (places, years) = (wanted.regions.iter().collect(), wanted.years.to_vec());
                told = Instead::Nothing;
            }
        }
        // A place that is not there has nothing of the year either.
        (false, true) => years = wanted.years.to_vec(),
        (true, false) => {
            places = wanted.regions.iter().collect();
            told = Instead::Years;
        }
        (false, false) => {}
    }
    let product = unmet_product(wanted.product, first);
    let is_met = places.is_empty() && years.is_empty() && product.is_none();
    (!is_met).then_some(Unmet {
        places,
        years,
        product,
        instead: told,
    })
}

/// The product that the question names, where no first hit is about it.
fn unmet_product(product: &NamedProduct, first: &[Standing]) -> Option<UnmetProduct> {
    let mut found = first.iter().filter_map(|hit| hit.product.as_ref());
    if found.clone().any(|product| product.fit == Fit::Same) {
        return None;
    }
    if let Some(asked) = product.found() {
        return Some(UnmetProduct::Elsewhere(asked.to_owned()));
    }
    if let Some(sister) = found.next() {
        return Some(UnmetProduct::Sisters(sister.asked.clone()));
    }
    let (asked, title) = product.other_edition()?;
    Some(UnmetProduct::Edition(asked.to_owned(), title.to_owned()))
}

impl UnmetProduct {
    fn asked(&self) -> &str {
        match self {
            UnmetProduct::Sisters(asked) | UnmetProduct::Edition(asked, _) | UnmetProduct::Elsewhere(asked) => asked,
        }
    }

    /// 没有找到“泰康K款”，以下说的是别的产品：《泰康D款》。
    fn told(&self, first: &[Standing]) -> String {
        match self {
            UnmetProduct::Sisters(asked) => other_products(asked, first),
            UnmetProduct::Edition(asked, title) => format!("没有找到“{asked}”，库中有{}。", quoted(title)),
            UnmetProduct::Elsewhere(asked) => format!("库中有“{asked}”，但以下前几条说的不是它。"),
        }
    }
}

impl Unmet<'_> {
    /// The same for the asker; `count` says how many passages of the collection a filter lets through.
    ///
    /// # Errors
    /// Those of `count`.
    pub fn told(self, first: &[Standing], count: impl Fn(&Filter) -> Result<u64>) -> Result<Missing> {
        let Unmet {
            places,
            years,
            product,
            instead: told,
        } = self;
        let holds = |regions: Vec<String>| -> Result<bool> {
            let years = years.clone();
            Ok(count(&Filter {
                regions,
                years,
                ..Filter::default()
            })? > 0)
        };
        let keys: Vec<String> = places.iter().take(NAMED).map(|region| region.key()).collect();
        let by_product: String = product.iter().map(|product| product.told(first)).collect();
        let products: Vec<String> = product.iter().map(|product| product.asked().to_owned()).collect();
        if places.is_empty() && years.is_empty() {
            return Ok(Missing {
                sentence: by_product,
                products,
                ..Missing::default()
            });
        }
        let mut nowhere = true;
        for key in &keys {
            nowhere &= !holds(vec![key.clone()])?;
        }
        if keys.is_empty() {
            nowhere = !holds(Vec::new())?;
        }
        Ok(Missing {
            sentence: sentence(&places, &years, nowhere) + &instead(first, told, &years) + &by_product,
            places: keys,
            years,
            products,
            nowhere,
        })
    }
}

/// 没有找到“泰康K款”，以下说的是别的产品：《泰康D款》。
fn other_products(asked: &str, first: &[Standing]) -> String {
    let others = first.iter().filter(|hit| hit.product.is_some());
    let mut titles: Vec<String> = Vec::new();
    for hit in others {
        let title = quoted(&hit.title);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let titles = first_names(titles, NAMED);
    format!("没有找到“{asked}”，以下说的是别的产品：{titles}。")
}

/// 库中没有上海2024年的内容.
fn sentence(places: &[&Region], years: &[u16], nowhere: bool) -> String {
    let place = first_names(places.iter().map(|region| region.written()), NAMED);
    let year = first_names(years.iter().map(|year| format!("{year}年")), NAMED);
    match (nowhere, place.is_empty() || year.is_empty()) {
        (true, _) => format!("库中没有{place}{year}的内容"),
        (false, true) => format!("没有找到{place}{year}的内容"),
        (false, false) => format!("没有找到同时符合{place}和{year}的内容"),
    }
}

/// What the hits are about instead, by place or by year: ，以下是绥化的。 A year that is asked for and stands in a hit all the
/// same is that of an edition or of a document that is cited, and said to be.
fn instead(first: &[Standing], told: Instead, asked: &[u16]) -> String {
    if told == Instead::Nothing {
        return "。".into();
    }
    let by_year = told == Instead::Years;
    let named = |year: &u16| format!("{year}年");
    let about = |hit: &Standing| {
        if by_year {
            hit.years
                .iter()
                .filter(|year| !asked.contains(year))
                .map(named)
                .collect()
        } else {
            hit.regions.iter().map(Region::written).collect()
        }
    };
    // Beside the product that is asked for others' places and years are none of it.
    let first: Vec<&Standing> = first.iter().filter(|hit| is_of_the_product(first, hit)).collect();
    let of_hits: Vec<Vec<String>> = first.iter().map(|hit| about(hit)).collect();
    let mut names: Vec<String> = Vec::new();
    for name in of_hits.iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let is_in_passing = |year: &&u16| by_year && first.iter().any(|hit| hit.years.contains(year));
    let in_passing = first_names(asked.iter().filter(is_in_passing).map(named), NAMED);
    let aside = match in_passing.as_str() {
        "" => String::new(),
        years => format!("（{years}只是版本或所引文件的年份）"),
    };
    let what = if by_year { "年份" } else { "地区" };
    let all_say = of_hits.iter().all(|names| !names.is_empty());
    match (of_hits.is_empty(), names.is_empty(), all_say) {
        (true, ..) => "。".into(),
        (_, true, _) => format!("，以下均未说明{what}{aside}。"),
        (_, false, true) => format!("，以下是{}的{aside}。", first_names(names, NAMED)),
        (_, false, false) => format!("，以下有{}的，其余未说明{what}{aside}。", first_names(names, NAMED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::applies::tests::{analyzer, passage};

    #[test]
    fn a_first_hit_about_something_else_is_told() {
        let check = |question: &str, titles: &[&str], expected: bool| {
            let analyzer = analyzer();
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let product = NamedProduct::of(question);
            let wanted = Wanted::new(&regions, &years, question, &product, &analyzer);
            let stored: Vec<StoredPassage> = titles.iter().map(|title| passage(title, "")).collect();
            assert_eq!(
                is_elsewhere(&standings(&wanted, stored.iter())),
                expected,
                "{question} {titles:?}"
            );
        };
        check("上海社保基数", &["绥化社保", "社保", "兰州社保", "上海社保"], true);
        check("上海社保基数", &["绥化社保", "社保", "上海社保"], false);
        check("上海社保基数", &["社保", "绥化社保"], false);
        check("2024年社保基数", &["绥化2023年社保", "社保"], true);
        check("2024年社保基数", &["绥化2023年社保", "绥化2024年社保"], false);
        check("社保基数", &["绥化2023年社保"], false);
        check("上海社保基数", &[], false);
    }

    #[test]
    fn what_no_hit_is_about_is_said() {
        // Each passage as title; the collection holds those alone, and what `also` names.
        let check = |question: &str, titles: &[&str], also: &[&str], expected: Option<&str>| {
            let analyzer = analyzer();
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let mut product = NamedProduct::of(question);
            let known: Vec<String> = titles.iter().chain(also).map(|title| (*title).to_owned()).collect();
            product.find(&known);
            let wanted = Wanted::new(&regions, &years, question, &product, &analyzer);
            let stored: Vec<StoredPassage> = titles.iter().map(|title| passage(title, "")).collect();
            let first = standings(&wanted, stored.iter());
            let all: Vec<StoredPassage> = titles.iter().chain(also).map(|title| passage(title, "")).collect();
            let count = |filter: &Filter| {
                let passes = |p: &&StoredPassage| {
                    let place = |r: &Region| r.keys().iter().any(|key| filter.regions.contains(key));
                    (filter.regions.is_empty() || p.regions.iter().any(place))
                        && (filter.years.is_empty() || p.years.iter().any(|year| filter.years.contains(year)))
                };
                Ok(all.iter().filter(passes).count() as u64)
            };
            let missing = unmet(&wanted, &first).map(|unmet| unmet.told(&first, count).unwrap().sentence);
            assert_eq!(missing.as_deref(), expected, "{question}");
        };
        let hui = ["绥化2023年社保基数", "绥化社保"];
        check("社保基数多少", &hui, &[], None);
        check(
            "2021年重疾险赔多少",
            &["重疾险（2021版）", "重疾险（2017版）"],
            &[],
            Some("没有找到2021年的内容，以下有2017年的，其余未说明年份（2021年只是版本或所引文件的年份）。"),
        );
        check("绥化社保基数", &hui, &[], None);
        check("绥化2023年社保基数", &hui, &[], None);
        check(
            "上海2024年社保基数",
            &hui,
            &[],
            Some("库中没有上海2024年的内容，以下是绥化的。"),
        );
        check("上海社保基数", &hui, &[], Some("库中没有上海的内容，以下是绥化的。"));
        check(
            "上海社保基数",
            &hui,
            &["上海医保"],
            Some("没有找到上海的内容，以下是绥化的。"),
        );
        check(
            "绥化2024年社保基数",
            &hui,
            &[],
            Some("库中没有绥化2024年的内容，以下有2023年的，其余未说明年份。"),
        );
        check(
            "2024年社保基数",
            &["社保"],
            &[],
            Some("库中没有2024年的内容，以下均未说明年份。"),
        );
        let apart = ["绥化社保", "兰州2024年社保"];
        check(
            "绥化2024年社保",
            &apart,
            &["绥化2024年医保"],
            Some("没有找到同时符合绥化和2024年的内容。"),
        );
        check(
            "绥化和上海的社保",
            &["绥化社保"],
            &[],
            Some("库中没有上海的内容，以下是绥化的。"),
        );
        check("上海社保", &[], &[], Some("库中没有上海的内容。"));
        check(
            "2022年和2023年的社保基数",
            &hui,
            &[],
            Some("库中没有2022年的内容，以下有2023年的，其余未说明年份。"),
        );
        // Of a span one year is enough.
        check("2021至2025年社保基数", &hui, &[], None);
        check("2022至2023年社保基数", &hui, &[], None);
        for question in ["2022年、2023年和2024年的社保基数", "2022年,2023年,2024年社保基数"] {
            let sentence = "库中没有2022年、2024年的内容，以下有2023年的，其余未说明年份。";
            check(question, &hui, &[], Some(sentence));
        }
        check(
            "2024至2026年社保基数",
            &hui,
            &[],
            Some("库中没有2024年、2025年、2026年的内容，以下有2023年的，其余未说明年份。"),
        );
        check(
            "泰康K款重大疾病保险宽限期",
            &["《泰康D款重大疾病保险》", "重大疾病保险"],
            &[],
            Some("没有找到“泰康K款重大疾病保险”，以下说的是别的产品：《泰康D款重大疾病保险》。"),
        );
        check(
            "泰康K款重大疾病保险宽限期",
            &["《泰康D款重大疾病保险》", "泰康K款重大疾病保险条款"],
            &[],
            None,
        );
        check(
            "健康有约Z款责任免除",
            &["重大疾病保险"],
            &["健康有约重大疾病保险（J款）"],
            Some("没有找到“健康有约Z款”，库中有《健康有约重大疾病保险（J款）》。"),
        );
        check(
            "健康有约J款责任免除",
            &["重大疾病保险", "健康有约重大疾病保险（K款）"],
            &["健康有约重大疾病保险（J款）"],
            Some("库中有“健康有约J款”，但以下前几条说的不是它。"),
        );
        // Another product's edition is not the year of the one that is asked for.
        check(
            "福寿终身寿险2023版等待期",
            &["福寿终身寿险（2021版）", "金穗两全保险（2023版）"],
            &[],
            Some("没有找到2023年的内容，以下是2021年的。"),
        );
        let many = ["绥化社保", "兰州社保", "杭州社保", "宁波社保"];
        check(
            "上海社保",
            &many,
            &[],
            Some("库中没有上海的内容，以下是绥化、兰州、杭州等的。"),
        );
    }

    #[test]
    fn what_holds_for_more_meets_what_is_asked_for_if_it_stands_first() {
        let check = |question: &str, titles: &[&str], place: bool, year: bool, is_missing: bool| {
            let analyzer = analyzer();
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let product = NamedProduct::of(question);
            let wanted = Wanted::new(&regions, &years, question, &product, &analyzer);
            let stored: Vec<StoredPassage> = titles.iter().map(|title| passage(title, "")).collect();
            let first = standings(&wanted, stored.iter());
            assert_eq!(
                (place_is_met(&first), year_is_met(&first, true)),
                (place, year),
                "{question}"
            );
            assert_eq!(unmet(&wanted, &first).is_some(), is_missing, "{question}");
        };
        check("成都失业金领几个月", &["社会保险法 第四十六条"], true, false, false);
        check(
            "成都失业金领几个月",
            &["失业金", "失业金", "失业金", "社会保险法"],
            false,
            false,
            true,
        );
        check("佛山大病额度", &["广东省大病保险"], true, false, false);
        check("佛山大病额度", &["浙江省大病保险", "大病保险"], false, false, true);
        check("海珠区2026年居民医保", &["广州2026年居民医保"], true, true, false);
        check(
            "海珠区2026年居民医保",
            &["广州居民医保", "杭州2026年居民医保"],
            true,
            false,
            true,
        );
    }
}
