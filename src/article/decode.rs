//! Bytes to text: which encoding a file is in, and whether it is text at all.
//!
//! Never guesses a damaged file into shape: almost every pair of high bytes is some GB18030 character, so a UTF-8
//! file with one broken byte would decode into nonsense. Such a file is refused with the place of the damage.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030};

/// A text and the name of the encoding that it was in, or why the bytes are no text.
///
/// A byte order mark decides (UTF-8, UTF-16), then valid UTF-8, then `declared` (what an HTML page says of itself),
/// then GB18030. The mark is not part of the text.
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
    if let Some(place) = bytes.iter().position(|&byte| byte == 0) {
        return Err(format!("is not text: a NUL byte at offset {place}"));
    }
    let damage = match std::str::from_utf8(bytes) {
        Ok(text) => return refuse_binary(Cow::Borrowed(text)),
        Err(error) => error.valid_up_to(),
    };
    if mostly_utf8(bytes) {
        return Err(format!("is damaged UTF-8: an invalid byte at offset {damage}"));
    }
    let encoding = declared
        .filter(|&encoding| encoding != encoding_rs::UTF_8)
        .unwrap_or(GB18030);
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => refuse_binary(text),
        None => Err(format!(
            "is neither UTF-8 (invalid at byte offset {damage}) nor {} (invalid at byte offset {})",
            encoding.name(),
            first_error(bytes, encoding)
        )),
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
    let controls = text
        .chars()
        .filter(|&c| (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}')) || is_private(c))
        .count();
    if controls * 20 > text.chars().count() {
        return Err("is not text: more than one character in twenty is a control character".into());
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
