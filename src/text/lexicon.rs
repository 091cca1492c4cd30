//! Reads the lexicon: the insurance dictionary, synonyms, stop words and region names.
//!
//! Owns the five file formats and their checks. A mistake is an error that names the file and the line. The built-in
//! lexicon is the repository's own `index/lexicon`, compiled in, so that the program needs no files beside itself.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;
use super::region::Regions;
use super::segment::is_cjk;

const WORDS: &str = "words.txt";
const SYNONYMS: &str = "synonyms.txt";
const REGIONS: &str = "regions.txt and not-places.txt";

/// The files' contents.
pub(super) struct Sources {
    pub words: String,
    pub synonyms: String,
    pub stopwords: String,
    pub regions: String,
    pub not_places: String,
}

/// What a form in a question stands for beside itself, and at what weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expansion {
    pub text: String,
    /// None where the lexicon leaves it to the ranking profile.
    pub weight: Option<f32>,
}

/// The lexicon, checked and normalised.
#[derive(Debug)]
pub(super) struct Lexicon {
    /// Words for the segmenter, with a frequency where one is given.
    pub words: Vec<(String, Option<usize>)>,
    /// From a form to the others of its groups, in the file's order.
    pub synonyms: HashMap<String, Vec<Expansion>>,
    pub stopwords: HashSet<String>,
    pub regions: Regions,
    /// Hash input of the parts that act when documents are indexed.
    pub index_parts: String,
}

impl Sources {
    pub(super) fn built_in() -> Self {
        Sources {
            words: include_str!("../../index/lexicon/words.txt").to_owned(),
            synonyms: include_str!("../../index/lexicon/synonyms.txt").to_owned(),
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
        Ok(Lexicon {
            synonyms: synonyms(&sources.synonyms)?,
            stopwords: stopwords(&sources.stopwords)?,
            words,
            regions,
            index_parts,
        })
    }
}

fn fault(file: &str, line: usize, what: impl std::fmt::Display) -> Error {
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

fn stopwords(text: &str) -> Result<HashSet<String>> {
    Ok(lexicon_lines(text)
        .map(|(_, word)| Normalized::new(word).text)
        .filter(|word| !word.is_empty())
        .collect())
}

/// `a, b, c` (each for each other) or `a => b, c` (one way), with ` @0.6` behind for another weight.
fn synonyms(text: &str) -> Result<HashMap<String, Vec<Expansion>>> {
    let mut map: HashMap<String, Vec<Expansion>> = HashMap::new();
    for (line, entry) in lexicon_lines(text) {
        let (entry, weight) = match entry.split_once('@') {
            None => (entry, None),
            Some((entry, weight)) => match weight.trim().parse::<f32>() {
                Ok(weight) if weight > 0.0 && weight <= 1.0 => (entry, Some(weight)),
                _ => {
                    return Err(fault(
                        SYNONYMS,
                        line,
                        format!("`@{weight}`: a weight is above 0 and at most 1"),
                    ));
                }
            },
        };
        let forms = |list: &str| -> Vec<String> {
            let all = list.split([',', '，', '、']).map(|form| Normalized::new(form).text);
            all.filter(|form| !form.is_empty()).collect()
        };
        let (from, to) = match entry.split_once("=>") {
            Some((from, to)) => (forms(from), forms(to)),
            None => (forms(entry), forms(entry)),
        };
        if from.is_empty() || to.is_empty() || (from == to && from.len() < 2) {
            return Err(fault(SYNONYMS, line, format!("`{entry}`: write `a, b` or `a => b`")));
        }
        for form in &from {
            let known = map.entry(form.clone()).or_default();
            for other in to.iter().filter(|other| *other != form) {
                if !known.iter().any(|expansion| expansion.text == *other) {
                    known.push(Expansion {
                        text: other.clone(),
                        weight,
                    });
                }
            }
        }
    }
    Ok(map)
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
        assert!(lexicon.synonyms.contains_key("新农合"));
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

    #[test]
    fn groups_work_both_ways_and_arrows_one_way() {
        let lexicon = Lexicon::parse(&sources("医保\n", "醫保, 医疗保险 @0.5\n报 => 报销\n")).unwrap();
        let of = |form: &str| {
            lexicon
                .synonyms
                .get(form)
                .map(|list| list.iter().map(|e| e.text.as_str()).collect::<Vec<_>>())
        };
        assert_eq!(of("医保"), Some(vec!["医疗保险"]));
        assert_eq!(of("医疗保险"), Some(vec!["医保"]));
        assert_eq!(of("报"), Some(vec!["报销"]));
        assert_eq!(of("报销"), None);
    }
}
