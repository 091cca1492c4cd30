//! The synonyms that widen a question at a lower weight: the form of their file, and what stands for what.
//!
//! They act on questions alone, so others can be tried over the same index.

use std::collections::HashMap;

use crate::error::{Error, Result};

use super::lines::lexicon_lines;
use super::normalize::Normalized;

const FILE: &str = "synonyms.txt";

/// The file that is compiled in.
pub const BUILT_IN: &str = include_str!("../../index/lexicon/synonyms.txt");

/// What a form in a question stands for beside itself, and at what weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expansion {
    pub text: String,
    /// None where the lexicon leaves it to the ranking profile.
    pub weight: Option<f32>,
}

/// From a form to the others of its groups, in the file's order.
#[derive(Debug)]
pub struct Synonyms(HashMap<String, Vec<Expansion>>);

impl Synonyms {
    /// Reads lines of `a, b, c` (each for each other) or `a => b, c` (one way), with ` @0.6` behind for another weight.
    ///
    /// # Errors
    /// `Caller` for a line that is neither, naming it.
    pub fn parse(text: &str) -> Result<Synonyms> {
        let mut map: HashMap<String, Vec<Expansion>> = HashMap::new();
        for (line, entry) in lexicon_lines(text) {
            let (entry, weight) = match entry.split_once('@') {
                None => (entry, None),
                Some((entry, weight)) => match weight.trim().parse::<f32>() {
                    Ok(weight) if weight > 0.0 && weight <= 1.0 => (entry, Some(weight)),
                    _ => {
                        return Err(fault(line, format!("`@{weight}`: a weight is above 0 and at most 1")));
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
                return Err(fault(line, format!("`{entry}`: write `a, b` or `a => b`")));
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
        Ok(Synonyms(map))
    }

    /// The lines that say something, each with its number from 1: every one is a list of synonyms by itself.
    pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
        lexicon_lines(text)
    }

    /// Whether a form stands for others.
    pub(super) fn has(&self, form: &str) -> bool {
        self.0.contains_key(form)
    }

    /// What a form stands for beside itself.
    pub(super) fn of(&self, form: &str) -> &[Expansion] {
        self.0.get(form).map_or(&[], Vec::as_slice)
    }

    /// All forms that stand for others, in no order.
    pub(super) fn forms(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

fn fault(line: usize, what: impl std::fmt::Display) -> Error {
    Error::caller(format!("{FILE}, line {line}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_work_both_ways_and_arrows_one_way() {
        let synonyms = Synonyms::parse("醫保, 医疗保险 @0.5\n报 => 报销\n").unwrap();
        let check = |form: &str, expected: &[&str]| {
            let found: Vec<&str> = synonyms.of(form).iter().map(|e| e.text.as_str()).collect();
            assert_eq!(
                (found.as_slice(), synonyms.has(form)),
                (expected, !expected.is_empty()),
                "{form}"
            );
        };
        check("医保", &["医疗保险"]);
        check("医疗保险", &["医保"]);
        check("报", &["报销"]);
        check("报销", &[]);
    }

    #[test]
    fn lines_are_counted_as_in_an_editor() {
        let lines: Vec<(usize, &str)> = Synonyms::lines("# 注\n\n医保, 医疗保险\n报 => 报销 # 口语\n").collect();
        assert_eq!(lines, [(3, "医保, 医疗保险"), (4, "报 => 报销")]);
    }
}
