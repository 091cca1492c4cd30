//! How what was found applies to the place and the year that a question names, and what it names that nothing is about.
//!
//! Decides nothing about the order: a passage that says no place is what answers most questions that name one in
//! passing. What a passage is about was read when it was indexed; here it only meets what is asked for.

use super::naming::first_names;
use super::response::{Applies, Fit, Hit, Missing};
use crate::error::Result;
use crate::index::StoredPassage;
use crate::model::Filter;
use crate::text::{Analyzer, Region};

/// So many of the first hits are looked at for what is missing.
pub const FIRST: usize = 10;

/// As many other places or years are named at most, and as many of what is asked for.
const NAMED: usize = 3;

/// Titles of what holds everywhere in the country.
const NATION: [&str; 8] = [
    "中华人民共和国",
    "国务院",
    "全国",
    "国家医保",
    "国家医疗保障",
    "国家税务",
    "人力资源和社会保障部",
    "人力资源社会保障部",
];

/// The places and the years that a question names.
pub struct Wanted<'a> {
    regions: &'a [Region],
    years: &'a [u16],
    /// Whether its years are those of editions (2021版), which an edition then meets.
    editions: bool,
    analyzer: &'a Analyzer,
}

impl<'a> Wanted<'a> {
    /// `years` with those that 去年 and its like mean.
    pub fn new(regions: &'a [Region], years: &'a [u16], question: &str, analyzer: &'a Analyzer) -> Self {
        let names_years = || !analyzer.years(question, None).is_empty();
        Wanted {
            editions: !years.is_empty() && names_years() && analyzer.stated_years(question).is_empty(),
            regions,
            years,
            analyzer,
        }
    }

    /// How a passage applies.
    pub fn applies(&self, passage: &StoredPassage) -> Applies {
        let place = (!self.regions.is_empty()).then(|| self.by_place(passage));
        let year = (!self.years.is_empty()).then(|| self.by_year(passage));
        Applies { place, year }
    }

    fn by_place(&self, passage: &StoredPassage) -> Fit {
        let left_out = self.analyzer.left_out(&passage.text);
        let is_left_out = |asked: &&Region| left_out.iter().any(|region| region == *asked || region.holds(asked));
        let (out, asked): (Vec<&Region>, Vec<&Region>) = self.regions.iter().partition(is_left_out);
        match asked.is_empty() {
            true if !out.is_empty() => Fit::Other,
            _ if !passage.regions.is_empty() => by_place(&asked, &passage.regions),
            _ if NATION.iter().any(|name| passage.title.contains(name)) => Fit::Wider,
            _ => Fit::NotSaid,
        }
    }

    fn by_year(&self, passage: &StoredPassage) -> Fit {
        let same: Vec<u16> = passage
            .years
            .iter()
            .copied()
            .filter(|year| self.years.contains(year))
            .collect();
        if passage.years.is_empty() {
            return Fit::NotSaid;
        }
        if same.is_empty() {
            return Fit::Other;
        }
        // Of an edition's year alone (2021版) nothing is known of the year that is asked for; what is called of a year
        // (（2025年版）, 〔2025〕5号) is of that year.
        let in_title = self.analyzer.years(&passage.title, None);
        let is_called = |year: &u16| {
            let named = [
                format!("{year}年"),
                format!("〔{year}〕"),
                format!("[{year}]"),
                format!("【{year}】"),
            ];
            named.iter().any(|named| passage.title.contains(named.as_str()))
        };
        let may_be_edition =
            !self.editions && same.iter().all(|year| in_title.contains(year)) && !same.iter().any(is_called);
        if may_be_edition {
            let stated = self
                .analyzer
                .stated_years(&format!("{}\n{}", passage.title, passage.text));
            if !same.iter().any(|year| stated.contains(year)) {
                return Fit::NotSaid;
            }
        }
        Fit::Same
    }

    /// What the question names that none of the first hits is about; `held` are their regions, in the hits' order, and
    /// `count` says how many passages of the collection a filter lets through.
    ///
    /// # Errors
    /// Those of `count`.
    pub fn missing(
        &self,
        hits: &[Hit],
        held: &[Vec<Region>],
        count: impl Fn(&Filter) -> Result<u64>,
    ) -> Result<Option<Missing>> {
        let first = &hits[..hits.len().min(FIRST)];
        let met = |region: &&Region| {
            held.iter()
                .take(FIRST)
                .any(|held| by_place(&[*region], held) == Fit::Same)
        };
        let mut places: Vec<&Region> = self.regions.iter().filter(|region| !met(region)).collect();
        let same_year = |hit: &Hit| hit.applies.year == Some(Fit::Same);
        let of_year = |year: &u16| first.iter().any(|hit| same_year(hit) && hit.years.contains(year));
        let unmet: Vec<u16> = self.years.iter().copied().filter(|year| !of_year(year)).collect();
        let mut years: &[u16] = &unmet;
        let both = |hit: &Hit| same_year(hit) && hit.applies.place == Some(Fit::Same);
        let by_year = places.is_empty() && !years.is_empty();
        if places.is_empty() && years.is_empty() {
            if self.regions.is_empty() || self.years.is_empty() || first.iter().any(both) {
                return Ok(None);
            }
            (places, years) = (self.regions.iter().collect(), self.years);
        } else if !places.is_empty() && years.is_empty() {
            // A place that is not there has nothing of the year either.
            years = self.years;
        } else if places.is_empty() {
            places = self.regions.iter().collect();
        }
        let holds = |regions: Vec<String>, years: &[u16]| -> Result<bool> {
            let years = years.to_vec();
            Ok(count(&Filter {
                regions,
                years,
                ..Filter::default()
            })? > 0)
        };
        let keys: Vec<String> = places.iter().take(NAMED).map(|region| region.key()).collect();
        let mut nowhere = true;
        for key in &keys {
            nowhere &= !holds(vec![key.clone()], years)?;
        }
        if keys.is_empty() {
            nowhere = !holds(Vec::new(), years)?;
        }
        let missing = Missing {
            sentence: sentence(&places, years, nowhere) + &instead(first, held, by_year),
            places: keys,
            years: years.to_vec(),
            nowhere,
        };
        Ok(Some(missing))
    }
}

/// How places meet those asked for, by the one that meets best; neither list is empty.
fn by_place(asked: &[&Region], held: &[Region]) -> Fit {
    let meets = |asked: &Region, held: &Region| match () {
        () if asked == held || asked.holds(held) => Fit::Same,
        () if held.holds(asked) => Fit::Wider,
        () => Fit::Other,
    };
    let all = asked
        .iter()
        .flat_map(|asked| held.iter().map(move |held| meets(asked, held)));
    all.max().unwrap_or(Fit::NotSaid)
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

/// What the hits are about instead, by place or by year: ，以下是绥化的。
fn instead(hits: &[Hit], held: &[Vec<Region>], by_year: bool) -> String {
    let of_hits: Vec<Vec<String>> = match by_year {
        true => hits
            .iter()
            .map(|hit| hit.years.iter().map(|year| format!("{year}年")).collect())
            .collect(),
        false => held
            .iter()
            .take(FIRST)
            .map(|held| held.iter().map(Region::written).collect())
            .collect(),
    };
    let mut names: Vec<String> = Vec::new();
    for name in of_hits.iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let what = if by_year { "年份" } else { "地区" };
    let all_say = of_hits.iter().all(|names| !names.is_empty());
    match (of_hits.is_empty(), names.is_empty(), all_say) {
        (true, ..) => "。".into(),
        (_, true, _) => format!("，以下均未说明{what}。"),
        (_, false, true) => format!("，以下是{}的。", first_names(names, NAMED)),
        (_, false, false) => format!("，以下有{}的，其余未说明{what}。", first_names(names, NAMED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ArticleKind;

    fn analyzer() -> Analyzer {
        Analyzer::new().unwrap()
    }

    /// As indexing reads it.
    fn passage(title: &str, text: &str) -> StoredPassage {
        let both = format!("{title}\n{text}");
        StoredPassage {
            article_id: String::new(),
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
            regions: analyzer().regions(&both),
            years: analyzer().years(&both, None),
            validity: Default::default(),
            attributes: Default::default(),
        }
    }

    #[test]
    fn a_hit_says_how_it_applies() {
        let check = |question: &str, title: &str, text: &str, place: Option<Fit>, year: Option<Fit>| {
            let (analyzer, passage) = (analyzer(), passage(title, text));
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let found = Wanted::new(&regions, &years, question, &analyzer).applies(&passage);
            assert_eq!(found, Applies { place, year }, "{question} / {title} {text}");
        };
        use Fit::{NotSaid, Other, Same, Wider};
        check("杭州医保报多少", "杭州医保", "报八成", Some(Same), None);
        check("浙江医保报多少", "杭州医保", "报八成", Some(Same), None);
        check("杭州医保报多少", "浙江省医保", "报八成", Some(Wider), None);
        check("杭州医保报多少", "宁波医保", "报八成", Some(Other), None);
        check("杭州余杭区医保", "杭州医保", "报八成", Some(Wider), None);
        check("杭州余杭区医保", "杭州市西湖区医保", "报八成", Some(Other), None);
        check("杭州医保报多少", "医保", "报八成", Some(NotSaid), None);
        check("杭州医保", "中华人民共和国社会保险法", "第一条", Some(Wider), None);
        check("北京或上海医保", "上海医保", "报八成", Some(Same), None);
        check("2024年医保缴费", "2024年缴费标准", "400元", None, Some(Same));
        check("2024年医保缴费", "2023年缴费标准", "380元", None, Some(Other));
        check("2024年医保缴费", "缴费标准", "380元", None, Some(NotSaid));
        check("2021年重疾险赔多少", "重疾险(2021版)", "赔付", None, Some(NotSaid));
        check("重疾险2021版赔多少", "重疾险(2021版)", "赔付", None, Some(Same));
        check("2025年医保缴费", "医保缴费标准（2025年版）", "590元", None, Some(Same));
        check("2023年医保缴费", "缴费通知〔2023〕5号", "380元", None, Some(Same));
        check("2021年理赔", "家财险(2021版)", "自2021年1月1日起", None, Some(Same));
        check("医保报多少", "杭州2024年医保", "报八成", None, None);
        check(
            "南京医保报多少",
            "江苏省医保",
            "本省（南京除外）报八成",
            Some(Other),
            None,
        );
        check(
            "苏州医保报多少",
            "江苏省医保",
            "本省（南京除外）报八成",
            Some(Wider),
            None,
        );
        check(
            "南京或苏州医保",
            "江苏省医保",
            "本省（南京除外）报八成",
            Some(Wider),
            None,
        );
        check("拉萨医保报多少", "医保", "全国（西藏除外）报八成", Some(Other), None);
    }

    #[test]
    fn what_no_hit_is_about_is_said() {
        // Each passage as title; the collection holds those alone, and what `also` names.
        let check = |question: &str, titles: &[&str], also: &[&str], expected: Option<&str>| {
            let analyzer = analyzer();
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let wanted = Wanted::new(&regions, &years, question, &analyzer);
            let stored: Vec<StoredPassage> = titles.iter().map(|title| passage(title, "")).collect();
            let hits: Vec<Hit> = stored.iter().map(|stored| hit(&wanted, stored)).collect();
            let held: Vec<Vec<Region>> = stored.iter().map(|stored| stored.regions.clone()).collect();
            let all: Vec<StoredPassage> = titles.iter().chain(also).map(|title| passage(title, "")).collect();
            let count = |filter: &Filter| {
                let passes = |p: &&StoredPassage| {
                    let place = |r: &Region| r.keys().iter().any(|key| filter.regions.contains(key));
                    (filter.regions.is_empty() || p.regions.iter().any(place))
                        && (filter.years.is_empty() || p.years.iter().any(|year| filter.years.contains(year)))
                };
                Ok(all.iter().filter(passes).count() as u64)
            };
            let missing = wanted.missing(&hits, &held, count).unwrap();
            assert_eq!(
                missing.map(|missing| missing.sentence).as_deref(),
                expected,
                "{question}"
            );
        };
        let hui = ["绥化2023年社保基数", "绥化社保"];
        check("社保基数多少", &hui, &[], None);
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
            Some("没有找到同时符合绥化和2024年的内容，以下是绥化、兰州的。"),
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
        let many = ["绥化社保", "兰州社保", "杭州社保", "宁波社保"];
        check(
            "上海社保",
            &many,
            &[],
            Some("库中没有上海的内容，以下是绥化、兰州、杭州等的。"),
        );
    }

    fn hit(wanted: &Wanted, stored: &StoredPassage) -> Hit {
        Hit {
            years: stored.years.clone(),
            applies: wanted.applies(stored),
            ..Hit::default()
        }
    }
}
