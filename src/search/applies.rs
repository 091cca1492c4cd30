//! How what was found applies to the place, the year and the product that a question names.
//!
//! Decides nothing about the order: a passage that says no place is what answers most questions that name one in
//! passing. What a passage is about was read when it was indexed; here it only meets what is asked for.

use std::ops::RangeInclusive;

use super::edition::names_edition;
use super::product::{NamedProduct, ProductFit};
use super::response::{Applies, Fit};
use crate::index::StoredPassage;
use crate::text::{Analyzer, Region};

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

/// The places, the years and the product that a question names.
pub struct Wanted<'a> {
    /// The places.
    pub regions: &'a [Region],
    /// The years, with those that 去年 and its like mean.
    pub years: &'a [u16],
    /// From which to which year each span of them goes: one of its years is enough.
    pub spans: Vec<RangeInclusive<u16>>,
    /// Whether its years are those of editions (2021版), which an edition then meets.
    editions: bool,
    /// The product.
    pub(super) product: &'a NamedProduct,
    question: &'a str,
    analyzer: &'a Analyzer,
}

impl<'a> Wanted<'a> {
    /// What a question names.
    pub fn new(
        regions: &'a [Region],
        years: &'a [u16],
        question: &'a str,
        product: &'a NamedProduct,
        analyzer: &'a Analyzer,
    ) -> Self {
        let names_years = || !analyzer.years(question, None).is_empty();
        Wanted {
            editions: !years.is_empty() && names_years() && analyzer.stated_years(question).is_empty(),
            regions,
            years,
            spans: analyzer.year_spans(question),
            product,
            question,
            analyzer,
        }
    }

    /// How a passage applies.
    pub fn applies(&self, passage: &StoredPassage) -> Applies {
        Applies {
            place: self.by_places(passage).into_iter().max(),
            year: self.by_year(passage),
            product: self.by_product(passage).map(|product| product.fit),
        }
    }

    /// How a passage applies to the product, and what the question calls it.
    pub fn by_product(&self, passage: &StoredPassage) -> Option<ProductFit> {
        self.product.meets(&passage.title)
    }

    /// How a passage applies to each of the places.
    pub fn by_places(&self, passage: &StoredPassage) -> Vec<Fit> {
        if self.regions.is_empty() {
            return Vec::new();
        }
        let left_out = self.analyzer.left_out(&passage.text);
        let fit = |asked: &Region| {
            if left_out.iter().any(|region| region == asked || region.holds(asked)) {
                Fit::Other
            } else if !passage.regions.is_empty() {
                by_place(asked, &passage.regions)
            } else if is_of_the_nation(&passage.title) {
                Fit::Wider
            } else {
                Fit::NotSaid
            }
        };
        self.regions.iter().map(fit).collect()
    }

    /// How a passage applies to the years; none where the question names none.
    pub fn by_year(&self, passage: &StoredPassage) -> Option<Fit> {
        (!self.years.is_empty()).then(|| self.year_of(passage))
    }

    /// The years asked for in which a passage holds, where it says from when and to when.
    pub fn years_of_term(&self, passage: &StoredPassage) -> Vec<u16> {
        let (Some(from), Some(to)) = (passage.validity.effective, passage.validity.expired) else {
            return Vec::new();
        };
        let (from, to) = (from.number(), to.number());
        // From its first day to the last one before it ends.
        let holds_in = |year: u32| from <= year * 10_000 + 1231 && year * 10_000 + 101 < to;
        let years = self.years.iter().copied();
        years.filter(|&year| holds_in(year.into())).collect()
    }

    fn year_of(&self, passage: &StoredPassage) -> Fit {
        if !self.years_of_term(passage).is_empty() {
            return Fit::Same;
        }
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
        // What is called of a year (（2025年版）, 〔2025〕5号) is of that year. Of an edition's year alone (2021版), or that of
        // a document that is only cited, nothing is known of the year that is asked for.
        let is_called = |year: &u16| {
            let named = [
                format!("{year}年"),
                format!("〔{year}〕"),
                format!("[{year}]"),
                format!("【{year}】"),
            ];
            named.iter().any(|named| passage.title.contains(named.as_str()))
        };
        if !self.editions && !same.iter().any(is_called) {
            let text = format!("{}\n{}", passage.title, passage.text);
            let (written, stated) = (self.analyzer.years(&text, None), self.analyzer.stated_years(&text));
            // A year that the text does not write was given with the article.
            if same.iter().all(|year| written.contains(year) && !stated.contains(year))
                && !names_edition(self.question, &passage.title, &same)
            {
                return Fit::NotSaid;
            }
        }
        Fit::Same
    }
}

/// How places meet one that is asked for, by the one that meets best; there is one at least.
fn by_place(asked: &Region, held: &[Region]) -> Fit {
    let meets = |held: &Region| {
        if asked == held || asked.holds(held) {
            Fit::Same
        } else if held.holds(asked) {
            Fit::Wider
        } else {
            Fit::Other
        }
    };
    held.iter().map(meets).max().unwrap_or(Fit::NotSaid)
}

/// Whether a title that names no place is that of something that holds in the whole country: one of its offices, or a
/// law (社会保险法 第四十六条, 工伤保险条例). Laws of a place are called by it.
fn is_of_the_nation(title: &str) -> bool {
    if NATION.iter().any(|name| title.contains(name)) {
        return true;
    }
    let article = title.find('第').filter(|&at| title[at..].contains('条'));
    let name = article.map_or(title, |at| &title[..at]);
    let name = name.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '》' | '〉'));
    match name.strip_suffix('法') {
        Some(before) => !before.is_empty() && !before.ends_with(NO_LAW),
        None => name.ends_with("条例"),
    }
}

/// With 法 behind them these are no law: 方法, 办法, 说法. 办法 is what places and insurers make, too.
const NO_LAW: [char; 19] = [
    '方', '办', '做', '用', '算', '说', '看', '想', '写', '书', '疗', '手', '执', '司', '合', '违', '普', '立', '守',
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::ArticleKind;

    pub fn analyzer() -> Analyzer {
        Analyzer::new().unwrap()
    }

    /// As indexing reads it.
    pub fn passage(title: &str, text: &str) -> StoredPassage {
        let both = format!("{title}\n{text}");
        let mut regions = analyzer().regions(title);
        if regions.is_empty() {
            regions = analyzer().regions_about(text);
        }
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
            regions,
            years: analyzer().years(&both, None),
            validity: Default::default(),
            attributes: Default::default(),
            sentences: Default::default(),
        }
    }

    #[test]
    fn a_rule_is_of_each_year_of_its_term() {
        let check = |question: &str, from: Option<&str>, to: Option<&str>, expected: Fit| {
            let analyzer = analyzer();
            let day = |day: Option<&str>| day.map(|day| day.parse().unwrap());
            let mut passage = passage("2020年异地就医办法", "自2020年7月1日起施行");
            (passage.validity.effective, passage.validity.expired) = (day(from), day(to));
            let years = analyzer.years(question, None);
            let product = NamedProduct::of(question);
            let found = Wanted::new(&[], &years, question, &product, &analyzer).applies(&passage);
            assert_eq!(found.year, Some(expected), "{question}");
        };
        let (from, to) = (Some("2020-07-01"), Some("2023-01-01"));
        check("2020年外地看病", from, to, Fit::Same);
        check("2021年外地看病", from, to, Fit::Same);
        check("2022年外地看病", from, to, Fit::Same);
        check("2023年外地看病", from, to, Fit::Other);
        check("2019年外地看病", from, to, Fit::Other);
        check("2021年外地看病", from, None, Fit::Other);
        check("2021年外地看病", None, None, Fit::Other);
    }

    #[test]
    fn a_hit_says_how_it_applies() {
        let check = |question: &str, title: &str, text: &str, place: Option<Fit>, year: Option<Fit>| {
            let (analyzer, passage) = (analyzer(), passage(title, text));
            let (regions, years) = (analyzer.regions(question), analyzer.years(question, None));
            let found =
                Wanted::new(&regions, &years, question, &NamedProduct::of(question), &analyzer).applies(&passage);
            assert_eq!((found.place, found.year), (place, year), "{question} / {title} {text}");
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
        check("杭州失业金", "社会保险法 第四十六条", "最长十二个月", Some(Wider), None);
        check("杭州工伤", "《工伤保险条例》第十四条", "应当认定", Some(Wider), None);
        check("杭州工伤", "浙江省工伤保险条例", "应当认定", Some(Wider), None);
        check("杭州工伤", "四川省工伤保险条例", "应当认定", Some(Other), None);
        check("杭州工伤", "工伤认定的办理方法", "应当认定", Some(NotSaid), None);
        check("北京或上海医保", "上海医保", "报八成", Some(Same), None);
        check("2024年医保缴费", "2024年缴费标准", "400元", None, Some(Same));
        check("2024年医保缴费", "2023年缴费标准", "380元", None, Some(Other));
        check("2024年医保缴费", "缴费标准", "380元", None, Some(NotSaid));
        check("2021年重疾险赔多少", "重疾险(2021版)", "赔付", None, Some(NotSaid));
        check("重疾险2021版赔多少", "重疾险(2021版)", "赔付", None, Some(Same));
        let edition = "安联寰球臻享境外医疗保险（2021）";
        check(
            "2021年安联寰球臻享境外医疗保险怎么赔",
            edition,
            "赔付",
            None,
            Some(Same),
        );
        check(
            "2020年安联寰球臻享境外医疗保险怎么赔",
            edition,
            "赔付",
            None,
            Some(Other),
        );
        check("2021年境外医疗保险怎么赔", edition, "赔付", None, Some(NotSaid));
        check("2021年寰球臻享怎么赔", edition, "赔付", None, Some(Same));
        let within = "安联寰球臻享（2021）境外医疗保险（分红型）条款";
        check("2021年安联寰球臻享境外医疗保险怎么赔", within, "赔付", None, Some(Same));
        check("2025年医保缴费", "医保缴费标准（2025年版）", "590元", None, Some(Same));
        check("2023年医保缴费", "缴费通知〔2023〕5号", "380元", None, Some(Same));
        // Of what cites a document of a year nothing is known of that year.
        check(
            "2023年低保多少",
            "户口积分",
            "依据穗府办规〔2023〕1号办理",
            None,
            Some(NotSaid),
        );
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
}
