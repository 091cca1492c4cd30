//! Where a text names regions, and which ones it is about.
//!
//! A name counts only where words end on both sides of it, so that 最大理赔额 does not speak of 大理, and where it is no
//! part of a longer name that means something else (安联安顺, 香港恒生指数). What is named only to be left out
//! (不包括香港) is no place of the text.

use std::ops::Range;

use super::super::segment::{Word, is_cjk};
use super::mention::Mention;
use super::place_words::{CITY_HAS, SURNAMES};
use super::{Region, Regions, excluded, located};

impl Regions {
    /// The regions that the words of a text name, in order of first appearance, each once. A region with one of its own
    /// right behind it (浙江省杭州市) is that one alone; a name that several have counts where a region that holds one of
    /// them is named too.
    pub(in super::super) fn find(&self, text: &str, words: &[Word]) -> Vec<Region> {
        let (mentions, _) = self.named(text, words);
        self.found(text, &mentions, &[])
    }

    /// The regions that a document's text is about. Firms' names and addresses say where somebody is; of an address the
    /// city and the province count where nothing else is named.
    pub(in super::super) fn find_about(&self, text: &str, words: &[Word]) -> Vec<Region> {
        let (mut mentions, _) = self.named(text, words);
        // An address, too, tells which 鼓楼区 is meant.
        let all: Vec<usize> = mentions.iter().filter_map(|mention| mention.place).collect();
        let addresses = located::take(text, words, &mut mentions);
        let about = self.found(text, &mentions, &all);
        if !about.is_empty() {
            return about;
        }
        let mut found: Vec<Region> = Vec::new();
        for place in addresses.iter().filter_map(|mention| mention.place) {
            let region = Region {
                district: None,
                ..self.regions[place].clone()
            };
            if !found.contains(&region) {
                found.push(region);
            }
        }
        found
    }

    /// The regions of mentions and of the numbers of documents. `around` are other places that the text names.
    fn found(&self, text: &str, mentions: &[Mention], around: &[usize]) -> Vec<Region> {
        let mut found: Vec<usize> = self.document_numbers(text);
        for place in mentions.iter().filter_map(|mention| mention.place) {
            if !found.contains(&place) {
                found.push(place);
            }
        }
        for mention in mentions.iter().filter(|mention| mention.place.is_none()) {
            let named = |place: &usize| {
                let mut others = found.iter().chain(around);
                others.any(|&other| other == *place || self.regions[other].holds(&self.regions[*place]))
            };
            let mut held = mention.places.iter().copied().filter(named);
            if let (Some(place), None) = (held.next(), held.next())
                && !found.contains(&place)
                && self.names_long(place)
            {
                found.push(place);
            }
        }
        found.into_iter().map(|place| self.regions[place].clone()).collect()
    }

    /// Whether a text holds a word that leaves something out.
    pub(in super::super) fn may_leave_out(text: &str) -> bool {
        excluded::may_leave_out(text)
    }

    /// The regions that the words of a text name only to leave them out, each once.
    pub(in super::super) fn left_out(&self, text: &str, words: &[Word]) -> Vec<Region> {
        let (_, left_out) = self.named(text, words);
        let mut found: Vec<usize> = Vec::new();
        for mention in left_out {
            found.extend(mention.place.filter(|place| !found.contains(place)));
        }
        found.into_iter().map(|place| self.regions[place].clone()).collect()
    }

    /// What a text is about, and what it leaves out, in order.
    fn named(&self, text: &str, words: &[Word]) -> (Vec<Mention>, Vec<Mention>) {
        let mut mentions = self.mentions(text, words);
        mentions.extend(self.masked(text, words).map(|(range, places)| Mention {
            range,
            place: Some(places[0]).filter(|_| places.len() == 1),
            places,
        }));
        mentions.sort_by_key(|mention| mention.range.start);
        let holds = |one: &Mention, other: &Mention| {
            let place = one.place.map(|place| &self.regions[place]);
            place.is_some_and(|place| other.places.iter().any(|&other| place.holds(&self.regions[other])))
        };
        let left_out = excluded::take(text, &mut mentions, holds);
        (mentions, left_out)
    }

    /// All names that stand between words, in order.
    fn mentions(&self, text: &str, words: &[Word]) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = Vec::new();
        let mut index = 0;
        while index < words.len() {
            let Some((count, places)) = self.longest_at(text, &words[index..]) else {
                index += 1;
                continue;
            };
            let range = words[index].range.start..words[index + count - 1].range.end;
            index += count;
            let before = mentions.last().filter(|before| before.range.end == range.start);
            let within = before.and_then(|before| before.place);
            let inside = |place: &usize| within.is_some_and(|before| self.regions[before].holds(&self.regions[*place]));
            let alone = match self.regions[places[0]].district {
                None => true,
                // 和县, 郊区: too short to be told from other words by themselves; 义乌 is not.
                Some(_) => {
                    let name = &text[range.clone()];
                    places.len() == 1 && (name.chars().nth(2).is_some() || !name.ends_with(['区', '县', '旗']))
                }
            };
            if let Some(place) = places.iter().copied().find(inside) {
                let start = mentions.pop().map_or(range.start, |before| before.range.start);
                mentions.push(Mention {
                    range: start..range.end,
                    place: Some(place),
                    places: vec![place],
                });
                continue;
            }
            mentions.push(Mention {
                range,
                place: alone.then_some(places[0]),
                places: places.to_vec(),
            });
        }
        mentions
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
            let person = name.strip_suffix(['人', '籍']).filter(|_| index == 0);
            let insured = || self.insured_city(text, end, name).filter(|_| index == 0);
            let known = |name| self.names.get(name).map(|places| (name, places.as_slice()));
            let path = || self.path(name).filter(|_| index == 0);
            if let Some((name, places)) = known(name).or_else(|| known(person?)).or_else(path).or_else(insured)
                && !self.is_other(text, start, name)
                && !self.is_called_after(text, start..start + name.len(), places)
            {
                best = Some((index + 1, places));
            }
        }
        best
    }

    /// Whether a bare name is that of a street, a village, a product or a person: 长春村, 庐山路, 国寿瑞安, 殷兴义.
    fn is_called_after(&self, text: &str, range: Range<usize>, places: &[usize]) -> bool {
        let (name, before, behind) = (&text[range.clone()], &text[..range.start], &text[range.end..]);
        let region = &self.regions[places[0]];
        let own = region
            .district
            .as_ref()
            .or(region.city.as_ref())
            .unwrap_or(&region.province);
        let bare = match region.district {
            Some(_) => name != own,
            None => name == own,
        };
        if !bare {
            return false;
        }
        let local =
            |&(kind, but): &(&str, &[char])| behind.strip_prefix(kind).is_some_and(|rest| !rest.starts_with(but));
        // 北京东路, 西藏中路.
        let along = behind.strip_prefix(['东', '西', '南', '北', '中']);
        let street = |behind: &str| ["路", "街", "大街", "大道"].iter().any(|kind| behind.starts_with(kind));
        if LOCAL.iter().any(local) || along.is_some_and(street) {
            return true;
        }
        let of_product = region.district.is_some() || self.of_products.contains(name);
        if of_product && self.brands.iter().any(|brand| before.ends_with(brand.as_str())) {
            return true;
        }
        region.district.is_some() && before.ends_with(&SURNAMES[..])
    }

    /// 三明居民医保, 白银社保: a city's name that is an ordinary word too, with what a city has right behind it.
    fn insured_city<'t>(&self, text: &str, end: usize, name: &'t str) -> Option<(&'t str, &[usize])> {
        let places = self.bare.get(name).filter(|_| name.chars().nth(1).is_some())?;
        let is_city = self.regions[places[0]].district.is_none();
        let has = CITY_HAS.iter().any(|has| text[end..].starts_with(has));
        (is_city && has).then_some((name, places.as_slice()))
    }

    /// 上海浦东新区, which is one word to the dictionary: the places that the name behind the first one has.
    fn path<'t>(&self, word: &'t str) -> Option<(&'t str, &[usize])> {
        let cuts = word.char_indices().map(|(at, _)| at).skip(2);
        cuts.filter(|&at| self.names.contains_key(&word[..at]))
            .find_map(|at| Some((word, self.names.get(&word[at..])?.as_slice())))
    }

    /// Whether the name that begins at this byte is a part of a longer one that is no place's.
    fn is_other(&self, text: &str, start: usize, name: &str) -> bool {
        let around = self.others.get(name).into_iter().flatten();
        let (before, behind) = (&text[..start], &text[start + name.len()..]);
        around
            .into_iter()
            .any(|(left, right)| before.ends_with(left.as_str()) && behind.starts_with(right.as_str()))
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

/// What a place within another is called by, and the characters behind it with which it is not: 庐山路 is a street,
/// 杭州路上 is none, and 杭州乡镇企业 are Hangzhou's.
const LOCAL: [(&str, &[char]); 9] = [
    ("村", &['里', '民', '镇', '居']),
    ("社区", &['医', '卫', '居', '养', '服']),
    ("镇", &['上', '里']),
    ("乡", &['镇', '村', '下', '亲']),
    ("街", &['头', '上', '边']),
    ("路", &['上', '边', '况', '过', '人', '面', '桥']),
    ("大道", &[]),
    ("小区", &['别']),
    ("大厦", &[]),
];

/// In characters: no document's number is longer up to its year.
const LONGEST_NUMBER: usize = 10;
