//! Reads the lexicon: the insurance dictionary, synonyms, stop words and region names.
//!
//! Owns the file formats and their checks, but for that of the synonyms. A mistake is an error that names the file
//! and the line. The built-in lexicon is the repository's own `index/lexicon`, compiled in, so that the program needs
//! no files beside itself.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;
use super::product;
use super::region::Regions;
use super::segment::is_cjk;
use super::synonyms::{BUILT_IN, Synonyms};
use super::year;

const WORDS: &str = "words.txt";
const REGIONS: &str = "regions.txt and not-places.txt";

/// The files' contents.
pub(super) struct Sources {
    pub words: String,
    pub synonyms: String,
    pub stopwords: String,
    pub regions: String,
    pub not_places: String,
}

/// The lexicon, checked and normalised.
#[derive(Debug)]
pub(super) struct Lexicon {
    /// Words for the segmenter, with a frequency where one is given.
    pub words: Vec<(String, Option<usize>)>,
    pub synonyms: Arc<Synonyms>,
    pub stopwords: HashSet<String>,
    pub regions: Regions,
    /// Hash input of the parts that act when documents are indexed.
    pub index_parts: String,
}

impl Sources {
    pub(super) fn built_in() -> Self {
        Sources {
            words: include_str!("../../index/lexicon/words.txt").to_owned(),
            synonyms: BUILT_IN.to_owned(),
            stopwords: include_str!("../../index/lexicon/stopwords.txt").to_owned(),
            regions: include_str!("../../index/lexicon/regions.txt").to_owned(),
            not_places: include_str!("../../index/lexicon/not-places.txt").to_owned(),
        }
    }
}

impl Lexicon {
    pub(super) fn parse(sources: &Sources) -> Result<Self> {
        let words = words(&sources.words)?;
        let regions = Regions::parse(&sources.regions, &sources.not_places).map_err(|error| error.context(REGIONS))?;
        let mut index_parts = String::new();
        for (word, frequency) in &words {
            index_parts.push_str(word);
            if let Some(frequency) = frequency {
                index_parts.push_str(&format!(" {frequency}"));
            }
            index_parts.push('\n');
        }
        index_parts.push_str(&regions.fingerprint_text());
        index_parts.push_str(product::FILE);
        index_parts.extend(year::passing_words().flat_map(|word| [word, "\n"]));
        Ok(Lexicon {
            synonyms: Arc::new(Synonyms::parse(&sources.synonyms)?),
            stopwords: stopwords(&sources.stopwords),
            words,
            regions,
            index_parts,
        })
    }
}

pub(super) fn fault(file: &str, line: usize, what: impl std::fmt::Display) -> Error {
    Error::caller(format!("{file}, line {line}: {what}"))
}

/// `word` or `word frequency`, Chinese characters only, since the segmenter sees nothing else.
fn words(text: &str) -> Result<Vec<(String, Option<usize>)>> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    for (line, entry) in lexicon_lines(text) {
        let mut parts = entry.split_whitespace();
        let word = Normalized::new(parts.next().unwrap_or("")).text;
        if !word.chars().all(is_cjk) || word.chars().nth(1).is_none() {
            return Err(fault(
                WORDS,
                line,
                format!("`{entry}`: a word is two or more Chinese characters"),
            ));
        }
        let frequency = match parts.next().map(str::parse) {
            None => None,
            Some(Ok(frequency)) if frequency > 0 => Some(frequency),
            Some(_) => {
                return Err(fault(
                    WORDS,
                    line,
                    format!("`{entry}`: a frequency is a number above 0"),
                ));
            }
        };
        if parts.next().is_some() {
            return Err(fault(
                WORDS,
                line,
                format!("`{entry}`: write one word, and its frequency if it needs one"),
            ));
        }
        if seen.insert(word.clone()) {
            words.push((word, frequency));
        }
    }
    Ok(words)
}

fn stopwords(text: &str) -> HashSet<String> {
    lexicon_lines(text)
        .map(|(_, word)| Normalized::new(word).text)
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(words: &str, synonyms: &str) -> Sources {
        Sources {
            words: words.to_owned(),
            synonyms: synonyms.to_owned(),
            stopwords: "的\n".to_owned(),
            regions: "[浙江 省]\n杭州\n".to_owned(),
            not_places: String::new(),
        }
    }

    #[test]
    fn the_built_in_lexicon_is_right() {
        let lexicon = Lexicon::parse(&Sources::built_in()).unwrap();
        assert!(lexicon.words.len() >= 500, "{}", lexicon.words.len());
        assert!(lexicon.synonyms.has("新农合"));
        assert!(lexicon.stopwords.contains("怎么"));
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let check = |words: &str, synonyms: &str, expected: &str| {
            let error = Lexicon::parse(&sources(words, synonyms)).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        };
        check("# c\n医保\nabc\n", "", "words.txt, line 3");
        check("医保 x\n", "", "words.txt, line 1");
        check("医保 3 4\n", "", "words.txt, line 1");
        check("医保\n", "\n医保, 医疗保险 @2\n", "synonyms.txt, line 2");
        check("医保\n", "医保\n", "synonyms.txt, line 1");
        check("医保\n", "医保 =>\n", "synonyms.txt, line 1");
    }
}
