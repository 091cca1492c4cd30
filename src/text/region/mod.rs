//! Provinces, cities and districts: the table of their names, where a text names one, and what a name given alone
//! means.
//!
//! Owns the table (`index/lexicon/regions.txt`, and `not-places.txt` beside it); the same names serve articles,
//! questions and filters. Where a text names one is read in `find`, and what a name given alone means in `resolve`.
//! Names that are ordinary words too (白银, 日照) count in texts only with their 市 or 州 behind them, districts only in
//! full.

mod excluded;
mod find;
mod located;
mod masked;
mod mention;
mod place_words;
mod resolve;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;

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
            if SHARED.contains(&city.as_str()) {
                keys.push(format!("{}/{city}", self.province));
            } else {
                keys.push(city.clone());
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

    /// As a person writes it: 浙江, 杭州, 杭州余杭区, 吉林市.
    pub fn written(&self) -> String {
        let city = self.city.as_ref().unwrap_or(&self.province);
        match &self.district {
            Some(district) => format!("{city}{district}"),
            None if self.city.is_some() && SHARED.contains(&city.as_str()) => format!("{city}市"),
            None => city.clone(),
        }
    }

    /// Whether the other lies in it and is not itself.
    pub fn holds(&self, other: &Region) -> bool {
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
    /// What stands before and behind a name where it is none: 非常熟悉 has 非 before 常熟 and 悉 behind it.
    others: HashMap<String, Vec<(String, String)>>,
    /// Behind which a bare name may be a product's.
    brands: Vec<String>,
    /// The names of provinces and cities that then are.
    of_products: HashSet<String>,
    /// Provinces and cities as they are written with 省 or 市, for names with a letter struck out.
    full: Vec<(String, usize)>,
    /// In words of the text: no name spans more.
    longest: usize,
}

impl Regions {
    /// Reads the lines of both files, whose format they tell themselves. Errors name the line.
    pub(super) fn parse(text: &str, not_places: &str) -> Result<Self> {
        let mut this = Regions {
            regions: Vec::new(),
            names: HashMap::new(),
            bare: HashMap::new(),
            others: HashMap::new(),
            brands: Vec::new(),
            of_products: HashSet::new(),
            full: Vec::new(),
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
        for (line, entry) in lexicon_lines(not_places) {
            let holds = match (entry.strip_prefix('+'), entry.strip_suffix('+')) {
                (Some(name), _) => this.names.contains_key(name) && this.of_products.insert(name.to_owned()),
                (None, Some(brand)) => {
                    this.brands.push(brand.to_owned());
                    true
                }
                (None, None) => this.add_other(&Normalized::new(entry).text),
            };
            if !holds {
                return Err(Error::caller(format!("line {line}: `{entry}` holds no place's name")));
            }
        }
        Ok(this)
    }

    /// Adds a longer name; whether there is a place's name in it.
    fn add_other(&mut self, other: &str) -> bool {
        let bounds: Vec<usize> = other.char_indices().map(|(at, _)| at).chain([other.len()]).collect();
        let mut holds = false;
        for (nth, &start) in bounds.iter().enumerate() {
            for &end in &bounds[nth + 1..] {
                let name = &other[start..end];
                if self.names.contains_key(name) {
                    let around = (other[..start].to_owned(), other[end..].to_owned());
                    self.others.entry(name.to_owned()).or_default().push(around);
                    holds = true;
                }
            }
        }
        holds
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
                if matches!(*suffix, "省" | "市") {
                    self.full.push((format!("{name}{suffix}"), place));
                }
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
        let short = ["新区", "自治县", "自治旗", "市", "区", "县", "旗"]
            .iter()
            .find_map(|suffix| full.strip_suffix(suffix))
            .filter(|short| short.chars().nth(1).is_some());
        if let Some(short) = short {
            self.name(short.to_owned(), place, name.starts_with('*'));
        }
        self.name(full, place, true);
    }

    fn name(&mut self, name: String, place: usize, in_texts: bool) {
        let table = if in_texts { &mut self.names } else { &mut self.bare };
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
        let around = |(name, around): (&String, &Vec<(String, String)>)| {
            around
                .iter()
                .map(|(before, behind)| format!("-{before}{name}{behind}"))
                .collect::<Vec<_>>()
        };
        names.extend(self.others.iter().flat_map(around));
        names.extend(self.brands.iter().map(|brand| format!("{brand}+")));
        names.extend(self.of_products.iter().map(|name| format!("+{name}")));
        names.sort_unstable();
        names.dedup();
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
}

fn first_name(names: &str) -> String {
    let name = names.trim_start_matches('!').split('=').next();
    name.unwrap_or(names).to_owned()
}

#[cfg(test)]
mod tests;
