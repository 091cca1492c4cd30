//! The products that a collection has, by the names that questions may have of them.
//!
//! Owns the looking up alone: made once for each list of titles, so that a question costs a look at its own letters.
//! Which product is meant, and what follows, is `product`'s.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::{ANY_LETTER, ProductName, letters};

/// The most titles that one question is compared with.
const MOST: usize = 500;

/// The products of a collection, by lists of titles that stay from commit to commit.
#[derive(Default)]
pub struct Products(Mutex<Vec<Arc<Named>>>);

/// The products of a list of titles.
struct Named {
    titles: Arc<[String]>,
    /// Which titles are called by a name.
    by_key: HashMap<String, Vec<u32>>,
    /// The longest name, in characters.
    longest: usize,
}

impl Products {
    /// The titles among these lists whose products, or sisters of them, a question may name, each once.
    pub fn of_question(&self, lists: Vec<Arc<[String]>>, question: &str) -> Vec<String> {
        if lists.is_empty() {
            return Vec::new();
        }
        let question = letters(question);
        let lists = self.named(lists);
        let mut found = BTreeSet::new();
        for list in &lists {
            list.look_up(&question, &mut found);
        }
        found.into_iter().take(MOST).map(str::to_owned).collect()
    }

    /// The lists, those that are new made now, those that are gone forgotten.
    fn named(&self, lists: Vec<Arc<[String]>>) -> Vec<Arc<Named>> {
        // What is in it is whole at any moment.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |titles: Arc<[String]>| {
            let known = kept.iter().find(|named| Arc::ptr_eq(&named.titles, &titles));
            known.cloned().unwrap_or_else(|| Arc::new(Named::new(titles)))
        };
        let lists: Vec<Arc<Named>> = lists.into_iter().map(named).collect();
        kept.clone_from(&lists);
        lists
    }
}

impl Named {
    fn new(titles: Arc<[String]>) -> Self {
        let mut by_key: HashMap<String, Vec<u32>> = HashMap::new();
        for (number, title) in (0..).zip(titles.iter()) {
            let keys = ProductName::of(title).map(|name| name.keys());
            for key in keys.unwrap_or_default() {
                by_key.entry(key).or_default().push(number);
            }
        }
        let longest = by_key.keys().map(|key| key.chars().count()).max().unwrap_or(0);
        Named {
            titles,
            by_key,
            longest,
        }
    }

    /// Adds the titles that are called by something in the question, of letters.
    fn look_up<'t>(&'t self, question: &str, found: &mut BTreeSet<&'t str>) {
        let mut add = |key: &str| {
            let numbers = self.by_key.get(key).into_iter().flatten();
            found.extend(numbers.map(|&number| self.titles[number as usize].as_str()));
        };
        let starts: Vec<usize> = question
            .char_indices()
            .map(|(at, _)| at)
            .chain([question.len()])
            .collect();
        for (nth, &start) in starts.iter().enumerate() {
            for &end in starts[nth..].iter().skip(2).take(self.longest) {
                let part = &question[start..end];
                add(part);
                // One letter may be another one.
                for (at, letter) in part.char_indices().filter(|(_, c)| c.is_ascii_alphabetic()) {
                    let (before, behind) = (&part[..at], &part[at + letter.len_utf8()..]);
                    add(&format!("{before}{ANY_LETTER}{behind}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_found_by_any_name() {
        let products = Products::default();
        let list = |titles: &[&str]| -> Arc<[String]> { titles.iter().map(|title| (*title).to_owned()).collect() };
        let lists = [
            list(&["安联安康欣悦医疗保险条款", "重疾险的等待期"]),
            list(&["乐享e生百万医疗保险", "康宁保重大疾病保险（A款）"]),
        ];
        let check = |question: &str, expected: &[&str]| {
            assert_eq!(products.of_question(lists.to_vec(), question), expected, "{question}");
        };
        check("安康欣悦怎么赔", &["安联安康欣悦医疗保险条款"]);
        check("乐享f生免赔额", &["乐享e生百万医疗保险"]);
        check("乐享E生免赔额", &["乐享e生百万医疗保险"]);
        check(
            "康宁保C款和安康欣悦哪个好",
            &["安联安康欣悦医疗保险条款", "康宁保重大疾病保险（A款）"],
        );
        check("重疾险的等待期", &[]);
        check("", &[]);
        // A list that is gone is forgotten.
        assert_eq!(products.of_question(lists[..1].to_vec(), "康宁保"), [""; 0]);
        assert_eq!(products.0.lock().unwrap().len(), 1);
    }
}
