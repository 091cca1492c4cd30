//! What a place's name means where nothing but a name is expected: a filter, a field of a record.
//!
//! Looks names up in the table that the parent reads, and names near ones where there is none. Reads no texts.

use super::{Region, Regions};
use crate::error::{Error, Result};
use crate::text::normalize::Normalized;

/// In characters: no province, city and district together are longer.
const LONGEST_PATH: usize = 40;

impl Regions {
    /// The region that a name given alone means: 浙江省, 杭州, 粤, 余杭, 北京朝阳区, 杭州/余杭区.
    ///
    /// # Errors
    /// `Caller` if no region has the name, or several districts have it; the message names those that may be meant.
    pub(in crate::text) fn resolve(&self, written: &str) -> Result<Region> {
        let name: String = Normalized::new(written)
            .text
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '/' | '-' | '>' | '·'))
            .collect();
        if name.chars().count() > LONGEST_PATH {
            return Err(Error::caller("a place's name is not as long as that"));
        }
        let places = match self.with_name(&name) {
            places if places.is_empty() => self.by_path(&name),
            places => places,
        };
        match places[..] {
            [] => Err(Error::caller(format!(
                "`{written}` is no province, city or district that is known here{}",
                self.near(&name)
            ))
            .help("write a name such as 浙江, 杭州, 余杭区 or 北京朝阳区")),
            [first, ..] if places.len() == 1 || self.regions[first].district.is_none() => {
                Ok(self.regions[first].clone())
            }
            _ => Err(Error::caller(format!(
                "`{written}` is the name of several places: {}",
                self.listed(&places)
            ))
            .help("write the city or the province before it, as in 北京朝阳区")),
        }
    }

    /// All regions of this name, the larger first.
    fn with_name(&self, name: &str) -> Vec<usize> {
        let tables = [&self.names, &self.bare];
        let mut places: Vec<usize> = tables
            .iter()
            .filter_map(|table| table.get(name))
            .flatten()
            .copied()
            .collect();
        let level = |place: usize| {
            (
                self.regions[place].city.is_some(),
                self.regions[place].district.is_some(),
            )
        };
        places.sort_by_key(|&place| (level(place).1, level(place).0, place));
        places.dedup();
        places
    }

    /// 浙江省杭州市, 北京朝阳区: the regions whose name stands behind that of a region which holds them.
    fn by_path(&self, name: &str) -> Vec<usize> {
        let cuts = name.char_indices().rev().map(|(at, _)| at).filter(|&at| at > 0);
        for at in cuts {
            let within = self.with_name(&name[..at]);
            if within.is_empty() {
                continue;
            }
            let behind = match self.with_name(&name[at..]) {
                places if places.is_empty() => self.by_path(&name[at..]),
                places => places,
            };
            let held = |&place: &usize| {
                within
                    .iter()
                    .any(|&region| self.regions[region].holds(&self.regions[place]))
            };
            let places: Vec<usize> = behind.into_iter().filter(held).collect();
            if !places.is_empty() {
                return places;
            }
        }
        Vec::new()
    }

    /// `; near are A, B`, if any are.
    fn near(&self, name: &str) -> String {
        let wanted: Vec<char> = name.chars().collect();
        let mut near: Vec<(usize, usize)> = Vec::new();
        for (known, places) in self.names.iter().filter(|(known, _)| known.chars().nth(1).is_some()) {
            let apart = edits(&wanted, &known.chars().collect::<Vec<_>>());
            let most = 1 + usize::from(wanted.len() > 3);
            if apart <= most {
                near.push((apart, places[0]));
            }
        }
        near.sort_unstable();
        let mut places: Vec<usize> = Vec::new();
        for (_, place) in near {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        if places.is_empty() {
            String::new()
        } else {
            format!("; near are {}", self.listed(&places))
        }
    }

    /// The keys of the first five.
    fn listed(&self, places: &[usize]) -> String {
        let keys: Vec<String> = places.iter().take(5).map(|&place| self.regions[place].key()).collect();
        keys.join(", ")
    }
}

/// How many characters must be added, dropped or replaced to make one of the other.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
