//! How many tokens a text has for a model whose tokenizer is elsewhere. An estimate on the safe side: for Chinese text
//! and the vocabularies of Chinese and multilingual models it is seldom too low, so that a text cut by it is read
//! whole.
//!
//! A Chinese character, a digit, a capital letter and a punctuation mark count as one token each, a small letter and a
//! blank as half of one, any other character as three (the bytes that it may fall apart into). Real vocabularies have
//! most characters as one piece and many pairs as one: of 8,114 articles about insurance the estimate is 1 % above what
//! bge-small-zh counts, and below it for 17, by 13 % at most (rows of stars between letters). A vocabulary without
//! Chinese may need two and more tokens a character: there, `max_tokens` is set lower.

/// Half tokens of a character.
fn halves(c: char) -> usize {
    match c {
        'a'..='z' | ' ' | '\t' | '\n' | '\r' => 1,
        '\0'..='\u{7f}' => 2,
        // Punctuation, symbols and kana, unified characters, full-width forms.
        '\u{2010}'..='\u{2027}' | '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}' => 2,
        _ => 6,
    }
}

/// Tokens of a text. No more for a text than for its parts together.
pub fn count(text: &str) -> usize {
    text.chars().map(halves).sum::<usize>().div_ceil(2)
}

/// The longest beginning of a text that has at most so many tokens.
pub fn cut(text: &str, tokens: usize) -> &str {
    let mut left = 2 * tokens;
    for (at, c) in text.char_indices() {
        match left.checked_sub(halves(c)) {
            Some(rest) => left = rest,
            None => return &text[..at],
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_have_their_weights() {
        let check = |text: &str, expected: usize| assert_eq!(count(text), expected, "{text}");
        check("", 0);
        check("医保报销比例是多少？", 10);
        check("2024年", 5);
        check("abcd", 2);
        check("HPV", 3);
        check("𠮷", 3);
        assert_eq!(cut("医保abc", 3), "医保ab");
        assert_eq!(cut("医保", 0), "");
    }

    /// The texts that the default model's own tokenizer was tried on.
    #[test]
    fn it_is_not_below_what_a_real_tokenizer_counts() {
        let Some(path) = crate::needed::shared("data/model/bge-reference.jsonl") else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let mut texts = 0;
        for line in text.lines() {
            let reference: serde_json::Value = serde_json::from_str(line).unwrap();
            let (text, ids) = (
                reference["text"].as_str().unwrap(),
                reference["ids"].as_array().unwrap(),
            );
            assert!(count(text) >= ids.len(), "{text}");
            texts += 1;
        }
        assert!(texts > 40);
    }

    proptest! {
        #[test]
        fn a_text_has_no_more_tokens_than_its_parts_and_a_cut_fits(one in ".{0,40}", other in ".{0,40}", most in 0..30_usize) {
            let both = format!("{one}{other}");
            prop_assert!(count(&both) <= count(&one) + count(&other));
            prop_assert!(count(cut(&both, most)) <= most);
            prop_assert_eq!(cut(&both, count(&both)), both.as_str());
        }
    }
}
