//! Normalisation with a map back: NFKC, traditional to simplified, lower case, white space.
//!
//! Owns the only text that segmentation ever sees, and the way back from it to the original. Never drops a letter,
//! a digit or a Chinese character; what it does drop are invisible characters (zero width, direction marks, variation
//! selectors), which break words without anyone seeing why.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfkc_quick};

use super::simplify::{Traditional, simplify, traditional};

/// A stretch of the normalised text and the stretch of the original that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the normalised text; it ends where the next one begins.
    normal: usize,
    /// Where it begins in the original.
    start: usize,
    /// Where it ends in the original.
    end: usize,
    /// Whether both sides have the same characters' lengths, so that offsets inside differ by a constant.
    linear: bool,
}

/// A text made ready for analysis, with the map from its bytes to the original's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalized {
    /// Half width, simplified, lower case, each run of white space one space, none at either end.
    pub text: String,
    /// In order of both sides. What lies between two pieces in the original left nothing behind.
    pieces: Vec<Piece>,
    /// The original's length.
    original: usize,
}

impl Normalized {
    /// Normalises a text. Takes time linear in its length.
    pub fn new(original: &str) -> Self {
        let mut this = Normalized {
            text: String::with_capacity(original.len()),
            // Full-width punctuation cuts a Chinese text into pieces of some characters.
            pieces: Vec::with_capacity(original.len() / 16 + 1),
            original: original.len(),
        };
        let traditional = traditional();
        let mut scratch = String::new();
        // The white space seen since the last character that was kept.
        let mut gap: Option<Range<usize>> = None;
        let mut at = 0;
        while let Some(first) = original[at..].chars().next() {
            let start = at;
            at = plain_until(original, start, traditional);
            if at > start {
                // The last plain character may be the base of a cluster, and then is left to the steps below.
                if original[at..].chars().next().is_some_and(combines) {
                    at -= original[..at].chars().next_back().map_or(0, char::len_utf8);
                }
                if at > start {
                    this.close(&mut gap);
                    this.push(start..at, true, |text| text.push_str(&original[start..at]));
                    continue;
                }
            }
            at = start + first.len_utf8();
            if first.is_whitespace() {
                gap = Some(gap.map_or(start, |gap| gap.start)..at);
                continue;
            }
            let direct = direct(first);
            if direct.is_none() && is_invisible(first) {
                continue;
            }
            // A cluster is a character and whatever can combine with it: NFKC of a text is NFKC of its clusters.
            let alone = at;
            while let Some(next) = original[at..].chars().next().filter(|&next| combines(next)) {
                at += next.len_utf8();
            }
            this.close(&mut gap);
            if at == alone
                && let Some(character) = direct
            {
                let linear = character.len_utf8() == first.len_utf8();
                this.push(start..at, linear, |text| text.push(character));
                continue;
            }
            let kept = composed(&original[start..at], &mut scratch);
            if kept.is_empty() {
                continue;
            }
            let single = kept.chars().nth(1).is_none() && original[start..at].chars().nth(1).is_none();
            let linear = single && kept.len() == at - start;
            this.push(start..at, linear, |text| text.push_str(kept));
        }
        this
    }

    /// Writes the white space that stands before what is kept next, unless that is the first.
    fn close(&mut self, gap: &mut Option<Range<usize>>) {
        if let Some(gap) = gap.take()
            && !self.text.is_empty()
        {
            let linear = gap.len() == 1;
            self.push(gap, linear, |text| text.push(' '));
        }
    }

    /// Appends what `write` writes as the image of `from`, joining it to the piece before where both are linear and
    /// adjacent.
    fn push(&mut self, from: Range<usize>, linear: bool, write: impl FnOnce(&mut String)) {
        let normal = self.text.len();
        write(&mut self.text);
        if let Some(last) = self.pieces.last_mut()
            && linear
            && last.linear
            && last.end == from.start
        {
            last.end = from.end;
            return;
        }
        self.pieces.push(Piece {
            normal,
            start: from.start,
            end: from.end,
            linear,
        });
    }

    /// Where a stretch of the normalised text (bytes) lies in the original (bytes, on character boundaries).
    ///
    /// A boundary inside a character widens to the whole character, one inside a cluster that was normalised as one
    /// (a ligature, a unit sign) to the whole cluster; a stretch beyond the end is cut at the end. Monotone: both
    /// ends of the result grow with both ends of the argument.
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = floor(&self.text, range.start.min(self.text.len()));
        let end = ceil(&self.text, range.end.min(self.text.len()));
        if start >= end {
            let at = self.original_start(start);
            return at..at;
        }
        let first = self.place_of(start);
        let from = self.start_in(first, start);
        // end > start >= 0, so there is a byte before it and a piece that holds it: mostly the one that holds start.
        let behind = self.pieces[first..].iter().skip(1);
        let last = first + behind.take_while(|piece| piece.normal < end).count();
        let to = self.pieces.get(last).map_or(self.original, |piece| {
            if piece.linear {
                (piece.start + (end - piece.normal)).min(piece.end)
            } else {
                piece.end
            }
        });
        from..to.max(from)
    }

    fn original_start(&self, normal: usize) -> usize {
        if normal >= self.text.len() {
            return self.pieces.last().map_or(0, |piece| piece.end);
        }
        self.start_in(self.place_of(normal), normal)
    }

    /// Where this byte of the normalised text came from, which the piece at this place holds.
    fn start_in(&self, place: usize, normal: usize) -> usize {
        self.pieces.get(place).map_or(0, |piece| {
            if piece.linear {
                piece.start + (normal - piece.normal)
            } else {
                piece.start
            }
        })
    }

    /// The image of a stretch of the original (bytes, on character boundaries) without white space at either end: what
    /// normalising the stretch alone gives, much cheaper. `None` if a boundary lies inside a cluster, of which then
    /// each side would become something else.
    pub fn part(&self, range: Range<usize>) -> Option<&str> {
        let (start, end) = (self.image_of(range.start)?, self.image_of(range.end)?);
        Some(self.text[start..end.max(start)].trim_matches(' '))
    }

    /// Where in the normalised text the image begins of what stands at `at` in the original and behind it; `None`
    /// inside a cluster.
    fn image_of(&self, at: usize) -> Option<usize> {
        let place = self.pieces.partition_point(|piece| piece.end <= at);
        let Some(piece) = self.pieces.get(place) else {
            return Some(self.text.len());
        };
        if piece.linear {
            return Some(piece.normal + at.saturating_sub(piece.start));
        }
        // White space that became one blank may be cut anywhere.
        let blank = || self.text[piece.normal..].starts_with(' ');
        (at <= piece.start || blank()).then_some(piece.normal)
    }

    /// Which piece holds this byte of the normalised text, the first one beginning at 0.
    fn place_of(&self, normal: usize) -> usize {
        let after = self.pieces.partition_point(|piece| piece.normal <= normal);
        after.saturating_sub(1)
    }
}

/// A cluster in its normal form, without compatibility forms of white space and of nothing at all: U+00A8 becomes a
/// space and a diaeresis.
fn composed<'a>(cluster: &str, scratch: &'a mut String) -> &'a str {
    scratch.clear();
    for composed in cluster.nfkc() {
        scratch.extend(composed.to_lowercase().map(simplify));
    }
    scratch.trim()
}

/// What becomes of the characters that nearly all Chinese text is made of, without the tables of Unicode: ideographs,
/// ASCII, its full-width forms, and punctuation that NFKC leaves alone. All of them begin a cluster. White space and
/// control characters are not among them.
fn direct(character: char) -> Option<char> {
    match character {
        '\u{4e00}'..='\u{9fff}' => Some(simplify(character)),
        '!'..='~' => Some(character.to_ascii_lowercase()),
        '\u{ff01}'..='\u{ff5e}' => {
            // The whole range maps onto `!`..=`~`.
            let half = char::from_u32(character as u32 - 0xfee0)?;
            Some(half.to_ascii_lowercase())
        }
        '、' | '。' | '《' | '》' | '「' | '」' | '【' | '】' | '\u{201c}' | '\u{201d}' => Some(character),
        _ => None,
    }
}

/// Where the stretch ends that begins at `at` and holds only characters that [`direct`] leaves as they are: nearly all
/// of a Chinese text, which is copied as a whole.
fn plain_until(text: &str, mut at: usize, traditional: &Traditional) -> usize {
    loop {
        at += match text.as_bytes()[at..] {
            [b'!'..=b'@' | b'['..=b'~', ..] => 1,
            [first @ 0xe4..=0xe9, second, third, ..] => {
                // Three bytes of UTF-8, put together as in every other text: U+4000 to U+9FFF.
                let code = u32::from(first & 0xf) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
                if code < 0x4e00 || traditional.has(code) {
                    return at;
                }
                3
            }
            // 、 。 《 》 「 」 【 】 and both double quotation marks.
            [0xe3, 0x80, 0x81 | 0x82 | 0x8a..=0x8d | 0x90 | 0x91, ..] | [0xe2, 0x80, 0x9c | 0x9d, ..] => 3,
            _ => return at,
        };
    }
}

/// Whether a character may join the one before it under NFKC.
fn combines(character: char) -> bool {
    if character < '\u{300}' || matches!(character, '\u{4e00}'..='\u{9fff}') || direct(character).is_some() {
        return false;
    }
    std::iter::once(character).nfkd().next().is_some_and(|first| {
        canonical_combining_class(first) != 0 || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe
    })
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
        || (character.is_control() && !character.is_whitespace())
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_short_way_leads_where_the_long_one_does() {
        for character in (0..0x2_0000).filter_map(char::from_u32) {
            if let Some(direct) = direct(character) {
                let long: String = character.nfkc().flat_map(char::to_lowercase).map(simplify).collect();
                assert_eq!(long, direct.to_string(), "{character:?}");
                assert_eq!(canonical_combining_class(character), 0, "{character:?}");
                assert_eq!(
                    is_nfkc_quick(std::iter::once(direct)),
                    IsNormalized::Yes,
                    "{character:?}"
                );
                assert!(!is_invisible(character) && !character.is_whitespace(), "{character:?}");
            }
        }
    }

    #[test]
    fn plain_characters_are_those_that_stay_as_they_are() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let plain = plain_until(&character.to_string(), 0, traditional()) > 0;
            assert_eq!(plain, direct(character) == Some(character), "{character:?}");
        }
    }

    #[test]
    fn variants_of_a_text_become_one() {
        let check = |from: &str, to: &str| assert_eq!(Normalized::new(from).text, to, "{from}");
        check("ＡＢＣ１２３％", "abc123%");
        check("醫療　保險\r\n\t條款 ", "医疗 保险 条款");
        check("  ", "");
        check("", "");
        check("医\u{200b}保\u{feff}", "医保");
        check("ｶﾞ㎡①", "ガm21");
        check("e\u{301}cole", "école");
        check("⽤户", "用户");
        check("⻓期护理⽀付，⻔槛费⻅附件", "长期护理支付,门槛费见附件");
        check("ＩＣＵ（重症）", "icu(重症)");
    }

    #[test]
    fn ranges_lead_back_to_what_was_written() {
        let check = |original: &str, part: &str, expected: &str| {
            let normalized = Normalized::new(original);
            let at = normalized.text.find(part).unwrap();
            assert_eq!(&original[normalized.original_range(at..at + part.len())], expected);
        };
        check("关于ＩＣＵ，醫療保險", "icu", "ＩＣＵ");
        check("关于ＩＣＵ，醫療保險", "医疗", "醫療");
        check("a\u{200b}医\u{200b}保，b", "医保", "医\u{200b}保");
        check("一 \n 二", " ", " \n ");
        // A boundary inside one cluster widens to all of it.
        check("3㎡ 多", "m", "㎡");
        check("3㎡ 多", "2 多", "㎡ 多");
    }

    #[test]
    fn a_range_beyond_the_end_or_inside_a_character_is_corrected() {
        let normalized = Normalized::new("医保");
        assert_eq!(normalized.original_range(1..4), 0..6);
        assert_eq!(normalized.original_range(4..99), 3..6);
        assert_eq!(normalized.original_range(50..99), 6..6);
        #[expect(clippy::reversed_empty_ranges)]
        let reversed = normalized.original_range(3..0);
        assert_eq!(reversed, 3..3);
        assert_eq!(Normalized::new("").original_range(0..9), 0..0);
    }

    proptest! {
        #[test]
        fn every_range_is_on_boundaries_and_monotone(text in "(\\PC|[医醫ＡａA①㎡ﾞｶ\u{301} \n\u{200b}]){0,40}") {
            let normalized = Normalized::new(&text);
            let bounds: Vec<usize> = (0..=normalized.text.len())
                .filter(|&at| normalized.text.is_char_boundary(at)).collect();
            let mut last = 0..0;
            for pair in bounds.windows(2) {
                let range = normalized.original_range(pair[0]..pair[1]);
                prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
                prop_assert!(range.start < range.end);
                prop_assert!(last.start <= range.start && last.end <= range.end);
                last = range;
            }
        }

        #[test]
        fn a_part_is_what_it_would_be_alone(
            text in "(\\PC|[医醫ＡａA①㎡ﾞｶ\u{301}\u{ad} \u{3000}\u{a8}\n\u{200b}]){0,30}",
            from in 0..40usize,
            length in 0..40usize,
        ) {
            let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let start = from.min(bounds.len() - 1);
            let range = bounds[start]..bounds[(start + length).min(bounds.len() - 1)];
            let alone = Normalized::new(&text[range.clone()]).text;
            match Normalized::new(&text).part(range.clone()) {
                Some(part) => prop_assert_eq!(part, alone),
                None => {
                    let joins = |at: usize| text[at..].chars().next().is_some_and(combines);
                    prop_assert!(joins(range.start) || joins(range.end));
                }
            }
        }

        #[test]
        fn letters_and_digits_survive(text in "[a-zA-Z0-9医保險０-９Ａ-Ｚ，。 \n]{0,60}") {
            let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert_eq!(count(&text), count(&Normalized::new(&text).text));
        }

        #[test]
        fn twice_is_once(text in "[a-zA-Z0-9医保險０-９Ａ-Ｚ，。％ \n①㎡]{0,60}") {
            let once = Normalized::new(&text).text;
            prop_assert_eq!(&Normalized::new(&once).text, &once);
        }
    }
}
