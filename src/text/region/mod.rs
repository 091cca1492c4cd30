//! Provinces, cities and districts: the table of their names, where a text names one, and what a name given alone means.
//!
//! Owns the table (`index/lexicon/regions.txt`) and the matching; the same names serve articles, questions and filters. In
//! a text a name counts only where words end on both sides of it, so that 最大理赔额 does not speak of 大理; names that are
//! ordinary words too (白银, 日照) count only with their 市 or 州 behind them, districts only in full.

mod resolve;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;
use super::segment::{Word, is_cjk};

/// A region that a text names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Region {
    /// Without 省, 市 or 自治区: 浙江, 北京, 内蒙古.
    pub province: String,
    /// Prefecture-level, without 市, 州, 盟 or 地区: 兰州. `None` for the province as such, and for 北京, 上海, 天津,
    /// 重庆, 香港 and 澳门.
    pub city: Option<String>,
    /// A district, a county or a city within a city, in full: 余杭区, 义乌市.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
}

impl Region {
    /// The names it is filtered by: its own and those of the regions it lies in, the largest first.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = vec![self.province.clone()];
        if let Some(city) = &self.city {
            // 吉林 and 海南 are provinces and cities.
            match SHARED.contains(&city.as_str()) {
                true => keys.push(format!("{}/{city}", self.province)),
                false => keys.push(city.clone()),
            }
        }
        if let Some(district) = &self.district {
            let city = self.city.as_ref().unwrap_or(&self.province);
            keys.push(format!("{city}/{district}"));
        }
        keys
    }

    /// The name it is filtered by: 浙江, 杭州, 杭州/余杭区.
    pub fn key(&self) -> String {
        // There is the province at least.
        self.keys().pop().unwrap_or_default()
    }

    /// Whether the other lies in it and is not itself.
    fn holds(&self, other: &Region) -> bool {
        let city = self.city.is_none() || self.city == other.city;
        self.province == other.province && city && self.district.is_none() && self != other
    }
}

/// Cities that are called as a province is.
const SHARED: [&str; 2] = ["吉林", "海南"];

/// What may stand behind a city's name.
const CITY_SUFFIXES: [&str; 4] = ["市", "州", "地区", "盟"];

/// The table of names.
#[derive(Debug)]
pub(super) struct Regions {
    /// A province before its cities, a city before its districts.
    regions: Vec<Region>,
    /// From a name that counts in texts to the places in `regions` of all that have it.
    names: HashMap<String, Vec<usize>>,
    /// The names that count only where nothing but a name is expected: 粤, 余杭, 日照.
    bare: HashMap<String, Vec<usize>>,
    /// In words of the text: no name spans more.
    longest: usize,
}

impl Regions {
    /// Reads the file's lines, whose format it tells itself. Errors name the line.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut this = Regions {
            regions: Vec::new(),
            names: HashMap::new(),
            bare: HashMap::new(),
            longest: 0,
        };
        let mut province: Option<Region> = None;
        for (line, entry) in lexicon_lines(text) {
            let wrong = |what: &str| Error::caller(format!("line {line}: `{entry}`: {what}"));
            if let Some(head) = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let mut head = head.split_whitespace();
                let names = head.next().ok_or_else(|| wrong("the province is missing"))?;
                let suffixes: Vec<&str> = head.collect();
                let region = Region {
                    province: first_name(names),
                    city: None,
                    district: None,
                };
                this.add(region.clone(), names, &suffixes)
                    .map_err(|what| wrong(&what))?;
                province = Some(region);
                continue;
            }
            let mut region = province
                .clone()
                .ok_or_else(|| wrong("no `[province]` stands before it"))?;
            let (city, districts) = entry.split_once(':').unwrap_or((entry, ""));
            if !city.is_empty() {
                region.city = Some(first_name(city));
                this.add(region.clone(), city, &CITY_SUFFIXES)
                    .map_err(|what| wrong(&what))?;
            }
            for district in districts.split_whitespace() {
                this.add_district(&region, district);
            }
        }
        Ok(this)
    }

    /// Adds a province or a city with its names (`!a=b=c`).
    fn add(&mut self, region: Region, names: &str, suffixes: &[&str]) -> Result<(), String> {
        let place = self.regions.len();
        self.regions.push(region);
        let ordinary = names.starts_with('!');
        for (index, name) in names.trim_start_matches('!').split('=').enumerate() {
            let name = Normalized::new(name).text;
            if name.is_empty() {
                return Err("a name is empty".into());
            }
            // Aliases are written out in full; only the first name takes suffixes.
            for suffix in suffixes.iter().filter(|_| index == 0) {
                self.name(format!("{name}{suffix}"), place, true);
            }
            let in_texts = name.chars().nth(1).is_some() && !(ordinary && index == 0);
            self.name(name, place, in_texts);
        }
        Ok(())
    }

    fn add_district(&mut self, within: &Region, name: &str) {
        let place = self.regions.len();
        let full = Normalized::new(name.trim_start_matches('*')).text;
        self.regions.push(Region {
            district: Some(full.clone()),
            ..within.clone()
        });
        let short = ["自治县", "自治旗", "市", "区", "县", "旗"]
            .iter()
            .find_map(|suffix| full.strip_suffix(suffix))
            .filter(|short| short.chars().nth(1).is_some());
        if let Some(short) = short {
            self.name(short.to_owned(), place, name.starts_with('*'));
        }
        self.name(full, place, true);
    }

    fn name(&mut self, name: String, place: usize, in_texts: bool) {
        let table = match in_texts {
            true => &mut self.names,
            false => &mut self.bare,
        };
        self.longest = self.longest.max(name.chars().count());
        let places = table.entry(name).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    }

    /// All names, sorted, for the analysis fingerprint: regions are recognised when documents are indexed.
    pub(super) fn fingerprint_text(&self) -> String {
        let named = |(name, places): (&String, &Vec<usize>)| {
            let keys: Vec<String> = places.iter().map(|&place| self.regions[place].key()).collect();
            format!("{name}={}", keys.join(","))
        };
        let mut names: Vec<String> = self.names.iter().map(named).collect();
        names.sort_unstable();
        names.join("\n")
    }

    /// The names of provinces and cities, sorted, which the segmenter should know.
    pub(super) fn names(&self) -> Vec<&str> {
        let large = |places: &Vec<usize>| places.iter().any(|&place| self.regions[place].district.is_none());
        let named = self.names.iter().filter(|(_, places)| large(places));
        let mut names: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The regions that the words of a text name, in order of first appearance, each once. A region with one of its own
    /// right behind it (浙江省杭州市) is that one alone; a district's name that several have counts where a region that
    /// holds one of them is named too.
    pub(super) fn find(&self, text: &str, words: &[Word]) -> Vec<Region> {
        let mut found: Vec<usize> = self.document_numbers(text);
        let mut unsure: Vec<&[usize]> = Vec::new();
        // Where the last name ended and what it was.
        let mut last: Option<(usize, usize)> = None;
        let mut index = 0;
        while index < words.len() {
            let Some((count, places)) = self.longest_at(text, &words[index..]) else {
                index += 1;
                continue;
            };
            let start = words[index].range.start;
            index += count;
            let end = words[index - 1].range.end;
            let within = last.filter(|&(end, _)| end == start).map(|(_, before)| before);
            let inside = |place: &usize| within.is_some_and(|before| self.regions[before].holds(&self.regions[*place]));
            let alone = match self.regions[places[0]].district {
                None => true,
                // 和县, 郊区: too short to be told from other words by themselves; 义乌 is not.
                Some(_) => {
                    let name = &text[start..end];
                    places.len() == 1 && (name.chars().nth(2).is_some() || !name.ends_with(['区', '县', '旗']))
                }
            };
            let Some(place) = places.iter().copied().find(inside).or(alone.then_some(places[0])) else {
                unsure.push(places);
                continue;
            };
            if let Some(before) = within.filter(|_| inside(&place))
                && found.last() == Some(&before)
            {
                found.pop();
            }
            if !found.contains(&place) {
                found.push(place);
            }
            last = Some((end, place));
        }
        for places in unsure {
            let named = |place: &usize| {
                found
                    .iter()
                    .any(|&other| self.regions[other].holds(&self.regions[*place]))
            };
            let mut held = places.iter().copied().filter(named);
            if let (Some(place), None) = (held.next(), held.next())
                && !found.contains(&place)
                && self.names_long(place)
            {
                found.push(place);
            }
        }
        found.into_iter().map(|place| self.regions[place].clone()).collect()
    }

    /// Whether a district's full name is long enough to be no part of other words.
    fn names_long(&self, place: usize) -> bool {
        let district = self.regions[place].district.as_ref();
        district.is_none_or(|name| name.chars().nth(2).is_some())
    }

    /// The longest name made of whole words from the first on: how many words, and which regions have it.
    fn longest_at(&self, text: &str, words: &[Word]) -> Option<(usize, &[usize])> {
        let start = words[0].range.start;
        let mut best = None;
        let mut end = start;
        for (index, word) in words.iter().take(self.longest).enumerate() {
            if word.range.start != end {
                break;
            }
            end = word.range.end;
            if end - start > self.longest * '州'.len_utf8() {
                break;
            }
            let name = &text[start..end];
            // 上海人, 浙江籍: people are called by their region.
            let name = name.strip_suffix(['人', '籍']).filter(|_| index == 0).unwrap_or(name);
            if let Some(places) = self.names.get(name) {
                best = Some((index + 1, places.as_slice()));
            }
        }
        best
    }

    /// 粤医保发〔2024〕12号: whose document it is, where only one region goes by the character.
    fn document_numbers(&self, text: &str) -> Vec<usize> {
        const OFFICES: [&str; 8] = ["医保", "人社", "政", "府", "卫", "民", "财", "税"];
        let mut found = Vec::new();
        for (bracket, open) in text.match_indices(['〔', '[', '(', '【']) {
            let year = text[bracket + open.len()..].bytes().take(4);
            if year.filter(u8::is_ascii_digit).count() < 4 {
                continue;
            }
            let run = text[..bracket].char_indices().rev().take_while(|&(_, c)| is_cjk(c));
            let place = run.take(LONGEST_NUMBER).find_map(|(at, character)| {
                let behind = &text[at + character.len_utf8()..bracket];
                let office = OFFICES.iter().any(|office| behind.starts_with(office));
                match self.bare.get(&text[at..at + character.len_utf8()]).filter(|_| office)?[..] {
                    [place] => Some(place),
                    _ => None,
                }
            });
            found.extend(place.filter(|place| !found.contains(place)));
        }
        found
    }
}

/// In characters: no document's number is longer up to its year.
const LONGEST_NUMBER: usize = 10;

fn first_name(names: &str) -> String {
    let name = names.trim_start_matches('!').split('=').next();
    name.unwrap_or(names).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::analyzer::Analyzer;

    fn keys(text: &str) -> Vec<String> {
        let regions = Analyzer::new().unwrap().regions(text);
        regions.iter().map(super::Region::key).collect()
    }

    #[test]
    fn districts_are_told_by_their_full_names_and_by_what_holds_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(keys(text), expected, "{text}");
        check("杭州市余杭区医保中心", &["杭州/余杭区"]);
        check("余杭区医保中心", &["杭州/余杭区"]);
        check("义乌市居民医保", &["金华/义乌市"]);
        check("义乌居民医保", &["金华/义乌市"]);
        check("北京市朝阳区", &["北京/朝阳区"]);
        check("辽宁省朝阳市朝阳县", &["朝阳/朝阳县"]);
        check("南京鼓楼区和徐州", &["南京/鼓楼区", "徐州"]);
        check("在鼓楼区办理,南京市通知", &["南京", "南京/鼓楼区"]);
        check("鼓楼区办理", &[]);
        check("安徽省马鞍山市和县", &["马鞍山/和县"]);
        check("各市和县级医院", &[]);
        check("常熟市与常熟", &["苏州/常熟市"]);
    }

    #[test]
    fn documents_tell_whose_they_are() {
        let check = |text: &str, expected: &[&str]| assert_eq!(keys(text), expected, "{text}");
        check("粤医保发〔2024〕12号", &["广东"]);
        check("根据浙医保发[2023]5号文", &["浙江"]);
        check("甬政发(2022)8号", &["宁波"]);
        check("国医保发〔2024〕12号", &[]);
        check("粤语保险", &[]);
    }

    #[test]
    fn other_words_hold_no_names() {
        for text in [
            "医保定点医院",
            "这条我非常熟悉",
            "投保定期寿险",
            "在柜台中办理",
            "最大理赔额",
            "市区和郊区",
            "城区与矿区",
            "长寿保险与和平",
            "东方人寿",
            "京东健康",
        ] {
            assert_eq!(keys(text), [""; 0], "{text}");
        }
    }
}
