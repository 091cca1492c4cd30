//! Names with one character struck out, as forums publish them: 合*市, 北*市, 广*省.
//!
//! Only with 省 or 市 behind it, and only what few places can be: where several can, the text has to name a region that
//! holds one of them. Guesses nothing from how large a place is, but that 北*市 is rather the municipality.

use std::ops::Range;

use super::super::segment::Word;
use super::Regions;

/// What may stand behind 市 where it is no city: 上*市场, 上*市值.
const NOT_A_CITY: [char; 7] = ['场', '值', '价', '面', '况', '盈', '净'];

impl Regions {
    /// Where such names stand in a text, each with the places that it can be, at least one.
    pub(super) fn masked(&self, text: &str, words: &[Word]) -> impl Iterator<Item = (Range<usize>, Vec<usize>)> {
        let stars = text.match_indices('*').map(|(at, _)| at);
        stars.filter_map(move |star| {
            let lone = !text[..star].ends_with('*') && !text[star + 1..].starts_with('*');
            // 省 or 市 within the three characters behind it: most stars stand for something else.
            let near = text[star + 1..].chars().take(LONGEST_END);
            if !lone || !near.into_iter().any(|c| matches!(c, '省' | '市')) {
                return None;
            }
            let mut ranges = self.full.iter().filter_map(|(name, place)| {
                let range = at_star(text, star, name)?;
                Some((range, *place))
            });
            let (range, first) = ranges.next()?;
            // Nothing that begins inside a word: 大兴*市 is not 兴安.
            let is_word_start = words.iter().any(|word| word.range.start == range.start);
            if !is_word_start || text[range.end..].starts_with(NOT_A_CITY) {
                return None;
            }
            let mut places = vec![first];
            places.extend(ranges.filter(|(other, _)| *other == range).map(|(_, place)| place));
            if text[..range.end].ends_with('市')
                && let Some(&municipality) = places.iter().find(|&&place| self.regions[place].city.is_none())
            {
                places = vec![municipality];
            }
            Some((range, places))
        })
    }
}

/// In characters: no more stand behind a star up to 省 or 市.
const LONGEST_END: usize = 3;

/// Where this name stands in the text if the star at this byte is one of its characters, neither the first nor the
/// last.
fn at_star(text: &str, star: usize, name: &str) -> Option<Range<usize>> {
    let inner = name.char_indices().skip(1);
    inner
        .filter(|(at, c)| at + c.len_utf8() < name.len())
        .find_map(|(at, c)| {
            let start = star.checked_sub(at)?;
            let behind = &name[at + c.len_utf8()..];
            let here = text.get(start..star)? == &name[..at] && text[star + 1..].starts_with(behind);
            here.then_some(start..star + 1 + behind.len())
        })
}
