//! The way of terms into tantivy: joined to one text by us, taken apart again by a tokenizer that does nothing else.
//!
//! tantivy takes text that is tokenised already as JSON, which costs a fifth of indexing. All analysis is `text`'s.

use tantivy::Index;
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};

/// Stands between two terms. Analysis drops control characters, so no term holds it.
const SEPARATOR: char = '\u{1f}';

/// The tokenizer's name in the schema.
pub const NAME: &str = "terms";

/// Makes the tokenizer known to an index; without it nothing can be written.
pub fn register(index: &Index) {
    index.tokenizers().register(NAME, TextAnalyzer::from(Terms::default()));
}

/// Terms as one text.
pub fn join(terms: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut joined = String::new();
    for term in terms {
        if !joined.is_empty() {
            joined.push(SEPARATOR);
        }
        joined.push_str(term.as_ref());
    }
    joined
}

/// Takes joined terms apart.
#[derive(Clone, Default)]
struct Terms {
    token: Token,
}

impl Tokenizer for Terms {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        self.token.reset();
        TermStream {
            rest: Some(text).filter(|text| !text.is_empty()),
            token: &mut self.token,
        }
    }
}

struct TermStream<'a> {
    rest: Option<&'a str>,
    token: &'a mut Token,
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(rest) = self.rest.take() else { return false };
        let (term, after) = match rest.split_once(SEPARATOR) {
            Some((term, after)) => (term, Some(after)),
            None => (rest, None),
        };
        self.rest = after;
        self.token.text.clear();
        self.token.text.push_str(term);
        // Starts at the largest number, so that the first term is at 0.
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn terms_come_out_as_they_went_in(terms in proptest::collection::vec("[^\u{1f}]{1,5}", 0..20)) {
            let joined = join(terms.iter());
            let mut analyzer = TextAnalyzer::from(Terms::default());
            let mut stream = analyzer.token_stream(&joined);
            let mut found = Vec::new();
            stream.process(&mut |token| found.push((token.position, token.text.clone())));
            prop_assert_eq!(found, terms.into_iter().enumerate().collect::<Vec<_>>());
        }
    }
}
