//! Recognises provinces and cities in segmented text and names them in one way: 兰州 is 甘肃/兰州.
//!
//! Owns the table of names (`index/lexicon/regions.txt`) and the matching. A name counts only where words end on both
//! sides of it, so that 最大理赔额 does not speak of 大理; names that are ordinary words too (白银, 日照) count only with
//! their 市 or 州 behind them.

use std::collections::HashMap;

use serde::Serialize;

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;
use super::segment::Word;

/// A region that a text names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Region {
    /// Without 省, 市 or 自治区: 浙江, 北京, 内蒙古.
    pub province: String,
    /// Prefecture-level, without 市, 州, 盟 or 地区: 兰州. `None` for the province as such, and for 北京, 上海, 天津,
    /// 重庆, 香港 and 澳门.
    pub city: Option<String>,
}

/// The table of names.
#[derive(Debug)]
pub(super) struct Regions {
    regions: Vec<Region>,
    /// From a name as written to its place in `regions`.
    names: HashMap<String, usize>,
    /// In words of the text: no name spans more.
    longest: usize,
}

impl Regions {
    /// Reads lines of `省名[=别名]* 后缀[ 后缀]*: 市[=别名]* 市...`, a `!` before a city whose bare name is an ordinary
    /// word. Errors name the line.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut this = Regions {
            regions: Vec::new(),
            names: HashMap::new(),
            longest: 0,
        };
        for (line, entry) in lexicon_lines(text) {
            let wrong = |what: &str| Error::caller(format!("line {line}: `{entry}`: {what}"));
            let (head, cities) = entry
                .split_once([':', '：'])
                .ok_or_else(|| wrong("write `省 后缀: 市 市`"))?;
            let mut head = head.split_whitespace();
            let names = head.next().ok_or_else(|| wrong("the province is missing"))?;
            let suffixes: Vec<&str> = head.collect();
            let province = names.split('=').next().unwrap_or(names).to_owned();
            let region = Region {
                province: province.clone(),
                city: None,
            };
            this.add(region, names, &suffixes).map_err(|what| wrong(&what))?;
            for names in cities.split_whitespace() {
                let city = names
                    .trim_start_matches('!')
                    .split('=')
                    .next()
                    .unwrap_or(names)
                    .to_owned();
                let region = Region {
                    province: province.clone(),
                    city: Some(city),
                };
                this.add(region, names, &["市", "州", "地区", "盟"])
                    .map_err(|what| wrong(&what))?;
            }
        }
        Ok(this)
    }

    fn add(&mut self, region: Region, names: &str, suffixes: &[&str]) -> Result<(), String> {
        let place = self.regions.len();
        self.regions.push(region);
        let (names, only_with_suffix) = match names.strip_prefix('!') {
            Some(names) => (names, true),
            None => (names, false),
        };
        for (index, name) in names.split('=').enumerate() {
            let name = Normalized::new(name).text;
            if name.chars().nth(1).is_none() {
                return Err(format!("`{name}` is too short for a name"));
            }
            // Aliases are written out in full; only the first name takes suffixes.
            let bare = (!(only_with_suffix && index == 0)).then(|| name.clone());
            let full = suffixes
                .iter()
                .filter(|_| index == 0)
                .map(|suffix| format!("{name}{suffix}"));
            for name in bare.into_iter().chain(full) {
                self.longest = self.longest.max(name.chars().count());
                // A province is named before its city of the same name (吉林, 海南), and keeps the bare name.
                self.names.entry(name).or_insert(place);
            }
        }
        Ok(())
    }

    /// All names, sorted, for the analysis fingerprint: regions are recognised when documents are indexed.
    pub(super) fn fingerprint_text(&self) -> String {
        let mut names: Vec<String> = self
            .names
            .iter()
            .map(|(name, &place)| format!("{name}={:?}", self.regions[place]))
            .collect();
        names.sort_unstable();
        names.join("\n")
    }

    /// Every name the segmenter should know, with its region's order in the table.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The regions that the words of a text name, in order of first appearance, each once. A province with its own
    /// city right behind it (浙江省杭州市) is that city alone.
    pub(super) fn find(&self, text: &str, words: &[Word]) -> Vec<Region> {
        let mut found: Vec<usize> = Vec::new();
        // Where the last name ended and what it was.
        let mut last: Option<(usize, usize)> = None;
        let mut index = 0;
        while index < words.len() {
            let Some((count, place)) = self.longest_at(text, &words[index..]) else {
                index += 1;
                continue;
            };
            let start = words[index].range.start;
            index += count;
            let region = &self.regions[place];
            if let Some((end, before)) = last
                && end == start
                && region.city.is_some()
                && self.regions[before].city.is_none()
                && self.regions[before].province == region.province
                && found.last() == Some(&before)
            {
                found.pop();
            }
            if !found.contains(&place) {
                found.push(place);
            }
            last = Some((words[index - 1].range.end, place));
        }
        found.into_iter().map(|place| self.regions[place].clone()).collect()
    }

    /// The longest name made of whole words from the first on: how many words, and which region.
    fn longest_at(&self, text: &str, words: &[Word]) -> Option<(usize, usize)> {
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
            if let Some(&place) = self.names.get(name) {
                best = Some((index + 1, place));
            }
        }
        best
    }
}
