//! Bytes to text: which encoding a file is in, and whether it is text at all.
//!
//! Never guesses a damaged file into shape: almost every pair of high bytes is some GB18030 character, so a UTF-8
//! file with one broken byte would decode into nonsense. Such a file is refused with the place of the damage, or read
//! with the few characters that are damaged shown as such.

use std::borrow::Cow;

use super::layout::is_han;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

/// How much of a file is looked at where its encoding must be guessed, in bytes.
pub(super) const SAMPLE: usize = 1 << 18;

/// One damaged place in so many characters is read past, where only the text itself tells that its encoding is the
/// right one.
const DAMAGED: usize = 500;
/// The same in UTF-8, whose characters tell by their bytes that they are whole.
const DAMAGED_UTF8: usize = 20;
/// The most damaged characters in a row: a few bytes in two neighbours.
const RUN: usize = 5;
/// Damaged places that are named.
const NAMED: usize = 8;

/// The text in the bytes, or why they are no text.
///
/// A byte order mark decides (UTF-8, UTF-16), then the shape of UTF-16 without a mark, then valid UTF-8, then
/// `declared` (what an HTML page says of itself, or what the file's beginning was found to be), then whether the bytes
/// look more like Big5 or GB18030. The mark is not part of the text.
pub(super) fn decode<'a>(bytes: &'a [u8], declared: Option<&'static Encoding>) -> Result<Cow<'a, str>, String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(&bytes[mark..])
            .ok_or_else(|| {
                format!(
                    "begins with a mark of {} but is not valid {}",
                    encoding.name(),
                    encoding.name()
                )
            })?;
        return refuse_binary(text);
    }
    let valid = std::str::from_utf8(bytes);
    let nul = bytes.iter().position(|&byte| byte == 0);
    if nul.is_some() || valid.is_err() {
        if let Some(encoding) = wide(bytes)
            && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
        {
            return refuse_binary(text);
        }
        if let Some(place) = nul {
            return Err(format!("is not text: a NUL byte at offset {place}"));
        }
    }
    let damage = match valid {
        Ok(text) => return refuse_binary(mistaken(text, declared).map_or(Cow::Borrowed(text), Cow::Owned)),
        Err(error) => error.valid_up_to(),
    };
    if mostly_utf8(bytes) {
        return Err(format!("is damaged UTF-8: an invalid byte at offset {damage}"));
    }
    let encoding = declared
        .filter(|&encoding| is_chinese(encoding))
        .unwrap_or_else(|| narrow(bytes));
    // What the head says is sometimes not so: a page saved anew keeps its old declaration.
    for encoding in [encoding, GB18030] {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            return refuse_binary(text);
        }
    }
    Err(format!(
        "is neither UTF-8 (invalid at byte offset {damage}) nor {} (invalid at byte offset {})",
        encoding.name(),
        first_error(bytes, encoding)
    ))
}

/// The text that bytes are which are UTF-8 by chance alone: each of a few Han characters of GB18030 (住院, 医院) is one
/// character of two bytes there, of scripts that no text mixes.
fn mistaken(text: &str, declared: Option<&'static Encoding>) -> Option<String> {
    let bytes = text.as_bytes();
    // Chinese has three bytes a character.
    if text.is_ascii() || bytes.iter().any(|&byte| byte >= 0xe0) {
        return None;
    }
    let pairs = || text.chars().zip(text.chars().skip(1));
    let is_letter = |c: char| matches!(c, '\u{c0}'..='\u{36f}');
    let is_word =
        |(a, b): (char, char)| a.is_ascii_alphabetic() && is_letter(b) || is_letter(a) && b.is_ascii_alphabetic();
    if pairs().any(is_word) {
        return None;
    }
    let encoding = declared.filter(|&encoding| is_chinese(encoding)).unwrap_or(GB18030);
    let is_told = declared.is_some_and(is_chinese);
    // Latin, Greek, Cyrillic and Hebrew are written in texts, what lies between them hardly ever is.
    let is_rare = |byte: u8| matches!(byte, 0xc6..=0xcd | 0xd2..=0xd6);
    let read = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    let is_likely = is_told || bytes.iter().any(|&byte| is_rare(byte));
    let are_common = read
        .chars()
        .filter(|c| !c.is_ascii())
        .all(|c| u16::try_from(c as u32).is_ok_and(is_common));
    (is_likely && are_common).then(|| read.into_owned())
}

/// A text in the bytes and, if it is damaged in a few places, what to say of these; or why it is no text.
pub(super) fn decode_whole<'a>(
    bytes: &'a [u8],
    declared: Option<&'static Encoding>,
) -> Result<(Cow<'a, str>, Option<String>), String> {
    decode(bytes, declared).map(|text| (text, None)).or_else(|reason| {
        let (text, damaged) = decode_damaged(bytes, declared).ok_or(reason)?;
        let places: Vec<String> = places(bytes).take(NAMED).map(|place| place.to_string()).collect();
        let named = if places.is_empty() {
            String::new()
        } else if damaged > places.len() {
            format!(" (the first at bytes {})", places.join(", "))
        } else {
            format!(" (at bytes {})", places.join(", "))
        };
        let said = format!("is damaged in {damaged} places{named}, shown as \u{fffd}");
        Ok((Cow::Owned(text), Some(said)))
    })
}

/// Where the bytes are not UTF-8, if nearly all of them are. Neighbours are one place.
fn places(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let bytes = if mostly_utf8(bytes) { bytes } else { &[] };
    let mut at = 0;
    bytes.utf8_chunks().filter_map(move |chunk| {
        let (place, is_apart) = (at + chunk.valid().len(), at == 0 || !chunk.valid().is_empty());
        at = place + chunk.invalid().len();
        (is_apart && !chunk.invalid().is_empty()).then_some(place)
    })
}

/// The text of a file with damage in a few places, these shown as U+FFFD, and how many they are; nothing for one that
/// is damaged more, or no text. For a file that is one text: of several records the others are read without guessing.
fn decode_damaged(bytes: &[u8], declared: Option<&'static Encoding>) -> Option<(String, usize)> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let even = &bytes[..bytes.len() & !1];
    let wide = marked.filter(|&encoding| encoding != UTF_8).or_else(|| wide(even));
    if wide.is_none() && bytes.contains(&0) {
        return None;
    }
    let (text, damaged, most) = if wide.is_none() && mostly_utf8(bytes) {
        (
            String::from_utf8_lossy(bytes).into_owned(),
            places(bytes).count(),
            DAMAGED_UTF8,
        )
    } else {
        let encoding = wide
            .or(declared.filter(|&encoding| is_chinese(encoding)))
            .unwrap_or_else(|| narrow(bytes));
        let text = encoding.decode_without_bom_handling(bytes).0.into_owned();
        // One byte too many or too few takes its neighbours with it.
        let marks = || text.chars().map(|c| c == '\u{fffd}');
        let begins = |(before, here): &(bool, bool)| *here && !before;
        let damaged = std::iter::once(false)
            .chain(marks())
            .zip(marks())
            .filter(begins)
            .count();
        (text, damaged, DAMAGED)
    };
    let few = damaged == 1 || (damaged > 0 && damaged * most <= text.chars().count());
    // Many in a row are another encoding, or no text.
    let few = few && !text.contains(&"\u{fffd}".repeat(RUN + 1));
    let text = text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text);
    let han = text.chars().filter(|&c| is_han(c)).count();
    (few && han > damaged * 10 && refuse_binary(Cow::Borrowed(&text)).is_ok()).then_some((text, damaged))
}

/// Whether an encoding is one that Chinese is written in by two bytes a character.
fn is_chinese(encoding: &'static Encoding) -> bool {
    [GBK, GB18030, BIG5].contains(&encoding)
}

/// The encoding of a file of lines, by its first bytes, so that a short line is not guessed at by itself; `None` for
/// UTF-8 and for what is no text.
pub(super) fn of_lines(sample: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return Some(encoding).filter(|&encoding| encoding != UTF_8);
    }
    let damage = match std::str::from_utf8(sample) {
        Ok(_) => sample.len(),
        Err(error) => error.valid_up_to(),
    };
    // A character cut in two at the end of the sample is no damage.
    if damage + 4 > sample.len() && !sample.contains(&0) {
        return None;
    }
    let is_narrow = || !sample.contains(&0) && !mostly_utf8(sample);
    wide(sample).or_else(|| is_narrow().then(|| narrow(sample)))
}

/// UTF-16 without a mark, told by its shape: where a byte is zero it is always the same half of a unit, and the Han
/// characters that come out are common ones. Pairs of bytes of other texts give rare characters.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    // A few bytes prove nothing.
    if sample.len() < 8 || bytes.len() % 2 == 1 {
        return None;
    }
    [UTF_16LE, UTF_16BE].into_iter().find(|&encoding| {
        let units = sample.chunks_exact(2).map(|pair| {
            if encoding == UTF_16LE {
                u16::from_le_bytes([pair[0], pair[1]])
            } else {
                u16::from_be_bytes([pair[0], pair[1]])
            }
        });
        let (mut plain, mut han, mut common, mut strange) = (0usize, 0usize, 0usize, 0usize);
        for unit in units {
            match unit {
                0x20..=0x7e | 9 | 10 | 13 => plain += 1,
                0x4e00..=0x9fff => {
                    han += 1;
                    common += usize::from(is_common(unit));
                }
                0x2010..=0x203f | 0x2460..=0x24ff | 0x3000..=0x303f | 0xff00..=0xff65 | 0xa0..=0xff => {}
                _ => strange += 1,
            }
        }
        let units = sample.len() / 2;
        strange * 20 <= units && common * 10 >= han * 7 && (common + plain) * 2 > units
    })
}

/// Whether a character is among the first 3,755 of GB 2312 or the first 5,401 of Big5: nearly all of any text is.
fn is_common(unit: u16) -> bool {
    let Some(c) = char::from_u32(unit.into()) else {
        return false;
    };
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    let (simplified, _, lost) = GBK.encode(text);
    let (traditional, _, lost_too) = BIG5.encode(text);
    let in_simplified = !lost && matches!(*simplified, [0xb0..=0xd7, 0xa1..=0xfe]);
    let in_traditional = !lost_too && matches!(traditional.first(), Some(0xa4..=0xc6));
    in_simplified || in_traditional
}

/// Which encoding of one or two bytes a character this is; for bytes that are not valid UTF-8.
fn narrow(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(SAMPLE)], bytes.len() <= SAMPLE);
    match detector.guess(None, Utf8Detection::Deny) {
        encoding if encoding == BIG5 => BIG5,
        _ => GB18030,
    }
}

/// Whether bytes that are not valid UTF-8 were UTF-8 once: more characters of three or four bytes are whole than
/// broken. GB18030 text read as UTF-8 is broken in nearly every character.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| c.len_utf8() >= 3).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole >= broken
}

/// The offset of the first byte that the encoding does not know.
fn first_error(bytes: &[u8], encoding: &'static Encoding) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut sink = [0u8; 4096];
    let mut read = 0;
    loop {
        let (result, taken, _) = decoder.decode_to_utf8_without_replacement(&bytes[read..], &mut sink, true);
        read += taken;
        match result {
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::InputEmpty => return read,
            encoding_rs::DecoderResult::Malformed(length, after) => {
                return read.saturating_sub(usize::from(length) + usize::from(after));
            }
        }
    }
}

/// Text has hardly any control characters; a picture or an archive that decodes by chance is full of them.
fn refuse_binary(text: Cow<'_, str>) -> Result<Cow<'_, str>, String> {
    let is_odd = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    let controls = text.chars().filter(is_odd).count();
    let private = text.chars().filter(|&c| is_private(c)).count();
    // An icon may stand in the shortest text.
    if (controls + private.saturating_sub(1)) * 20 > text.chars().count() {
        return Err("is not text: more than one character in twenty is a control character or has no meaning".into());
    }
    Ok(text)
}

/// Characters without a meaning of their own; GB18030 gives some to byte pairs that no text uses.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_encoding_is_found() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(decode(bytes, None).unwrap(), expected, "{bytes:x?}");
        check(b"", "");
        check("医保断缴".as_bytes(), "医保断缴");
        check(b"\xef\xbb\xbfabc", "abc");
        check(&GB18030.encode("医保").0, "医保");
        check(
            &GB18030.encode("职工医保停了怎么买居民医保?𠮷").0,
            "职工医保停了怎么买居民医保?𠮷",
        );
        check(b"\xff\xfe\x3b\x53\xdd\x4f", "医保");
        let wide = |text: &str, little: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect()
        };
        for text in [
            "生育津贴按产假天数计发",
            "{\"_id\": \"1\", \"text\": \"个人账户\"}\r\n",
            "plain ASCII text of some length",
            "門診就醫後可否報銷\u{ff1f}",
        ] {
            check(&wide(text, true), text);
            check(&wide(text, false), text);
        }
        for text in [
            "長期照護保險的給付標準",
            "勞工退休金如何請領\u{ff1f}",
            "健保卡遺失後,先到診所掛號,十日內補辦即可退費。",
        ] {
            check(&BIG5.encode(text).0, text);
        }
        // Short texts in GB18030 are not taken for any of these.
        for text in [
            "断缴",
            "医保断缴怎么办",
            "2025年起,个人账户划入120元。",
            "{\"_id\": \"一号\"}",
        ] {
            check(&GB18030.encode(text).0, text);
        }
    }

    #[test]
    fn a_files_lines_are_of_one_encoding() {
        let check = |bytes: &[u8], expected: Option<&'static Encoding>| assert_eq!(of_lines(bytes), expected);
        check("{\"_id\": \"一\"}\n".as_bytes(), None);
        check(&"{\"_id\": \"一\"}\n".as_bytes()[..12], None);
        check(b"\xff\xfea\0", Some(UTF_16LE));
        check(b"\xef\xbb\xbfa", None);
        check(b"{\0\"\0a\0\"\0}\0\n\0", Some(UTF_16LE));
        check(b"\0{\0\"\0a\0\"\0}\0\n", Some(UTF_16BE));
        check(&GB18030.encode("{\"text\": \"医保断缴怎么办\"}").0, Some(GB18030));
        check(b"\x89PNG\r\n\0\xff", None);
        check(&"{\"text\": \"医保断缴怎么办\"}\n".as_bytes()[1..], None);
        let line = |text: &str, declared| decode(&GB18030.encode(text).0, declared).unwrap().into_owned();
        // UTF-8 by chance.
        assert_eq!(line("住院 100元", Some(GB18030)), "住院 100元");
        assert_eq!(decode("caf\u{e9} 100".as_bytes(), Some(GB18030)).unwrap(), "café 100");
        check(
            &BIG5
                .encode("{\"text\": \"長期照護保險的給付標準\"}\n{\"text\": \"勞工退休金\"}")
                .0,
            Some(BIG5),
        );
    }

    #[test]
    fn a_little_damage_costs_the_characters_alone() {
        let check = |bytes: &[u8], expected: Option<(&str, usize)>| {
            let found = decode_damaged(bytes, None);
            assert_eq!(found.as_ref().map(|(text, count)| (text.as_str(), *count)), expected);
        };
        let text = "经评定为重度失能的参保人员可以选择居家护理";
        let mut bytes = text.as_bytes().to_vec();
        bytes.pop();
        check(&bytes, Some(("经评定为重度失能的参保人员可以选择居家护\u{fffd}", 1)));
        let mut bytes = text.as_bytes().to_vec();
        bytes.remove(3);
        check(
            &bytes,
            Some(("经\u{fffd}\u{fffd}定为重度失能的参保人员可以选择居家护理", 1)),
        );
        bytes.remove(3);
        check(&bytes, Some(("经\u{fffd}定为重度失能的参保人员可以选择居家护理", 1)));
        let mut bytes = GB18030.encode(text).0.into_owned();
        bytes.insert(2, 0xff);
        check(&bytes, Some(("经\u{fffd}评定为重度失能的参保人员可以选择居家护理", 1)));
        let mut bytes = GB18030.encode(&text.repeat(3)).0.into_owned();
        bytes.splice(41..42, [0xff]);
        assert_eq!(decode_damaged(&bytes, Some(GBK)).map(|(_, count)| count), Some(1));
        check(b"caf\xe9 au lait", None);
        let mut bytes = text.repeat(4).into_bytes();
        for at in [0, 90, 180] {
            bytes[at] = 0xff;
        }
        let (shown, said) = decode_whole(&bytes, None).unwrap();
        assert!(shown.starts_with('\u{fffd}') && shown.contains("的参保人员"), "{shown}");
        assert!(said.unwrap().contains("at bytes 0, 90, 180"));
        check(&"短".as_bytes()[..2], None);
        // A paragraph of another encoding is no damage.
        let mixed = [
            text.repeat(60).as_bytes(),
            &GB18030.encode(text).0,
            b"\n",
            text.as_bytes(),
        ]
        .concat();
        check(&mixed, None);
        check(&[text.as_bytes(), &[0xff; 100], text.as_bytes()].concat(), None);
        check(b"\xe6\0\xe7", None);
    }

    #[test]
    fn a_text_that_is_utf8_by_chance_is_read_as_it_was_meant() {
        for text in ["住院\n\n医院", "医院", "证", "CT\n职员 2024", "住 院"] {
            assert_eq!(decode(&GB18030.encode(text).0, None).unwrap(), text);
        }
        for text in [
            "café",
            "25°C ± 2",
            "Müller",
            "Привет",
            "баба",
            "αβγ",
            "שלום",
            "hương",
            "«été»",
            "12·3 ×",
        ] {
            assert_eq!(decode(text.as_bytes(), None).unwrap(), text);
        }
    }

    #[test]
    fn wide_text_with_a_byte_too_many_is_read() {
        let text = "经评定为重度失能的参保人员可以选择居家护理，费用按月支付。";
        for mark in ["\u{feff}", ""] {
            let units = format!("{mark}{text}");
            let mut bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
            bytes.push(b'\n');
            let (shown, said) = decode_whole(&bytes, None).unwrap();
            assert_eq!(shown, format!("{text}\u{fffd}"), "{mark:?}");
            assert!(said.unwrap().contains("damaged in 1 places"));
        }
        let mut bytes: Vec<u8> = format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        bytes.remove(21);
        assert!(decode_whole(&bytes, None).is_err(), "half of it is another text");
    }

    #[test]
    fn an_icon_is_no_reason_to_refuse_a_short_text() {
        assert_eq!(decode("办事\u{e63a}指南".as_bytes(), None).unwrap(), "办事\u{e63a}指南");
        assert!(decode("\u{e63a}\u{e63b}\u{e63c}".as_bytes(), None).is_err());
    }

    #[test]
    fn what_a_page_says_wrongly_of_itself_does_not_count() {
        let text = "参保人员可以选择居家护理，费用按月支付。";
        for declared in [encoding_rs::WINDOWS_1252, encoding_rs::SHIFT_JIS, UTF_8, UTF_16LE] {
            assert_eq!(decode(&GB18030.encode(text).0, Some(declared)).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_the_place() {
        let check = |bytes: &[u8], expected: &str| {
            let reason = decode(bytes, None).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        check(b"ab\0c", "NUL byte at offset 2");
        let text = "医保断缴三个月以内可以补缴".as_bytes();
        check(&text[..text.len() - 1], "damaged UTF-8: an invalid byte at offset 36");
        let mut flipped = text.to_vec();
        flipped[4] = b'x';
        check(&flipped, "damaged UTF-8: an invalid byte at offset 3");
        check(
            b"caf\xe9 au lait, caf\xe9 noir",
            "neither UTF-8 (invalid at byte offset 3) nor gb18030 (invalid at byte offset 3)",
        );
        check(&[1, 2, 3, 4, 5, 65, 66], "control character");
        check(b"\xff\xfe\x00\xd8\x41\x00", "UTF-16LE");
    }

    proptest! {
        #[test]
        fn any_bytes_give_text_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes, None);
        }

        #[test]
        fn utf8_text_is_itself(text in "[\u{20}-\u{7e}\u{4e00}-\u{9fff},。\n]{0,200}") {
            prop_assert_eq!(decode(text.as_bytes(), None).unwrap(), text.as_str());
        }

        #[test]
        fn a_paragraph_in_gb18030_is_found(text in "[\u{4e00}-\u{9f00}]{40,80}") {
            // Random characters, the rare ones too; real text is farther from being taken for UTF-8.
            let bytes = GB18030.encode(&text).0.into_owned();
            prop_assert_eq!(decode(&bytes, None).unwrap(), text.as_str());
        }
    }
}
