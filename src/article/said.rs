//! The texts of a record, each once: what one says again, perhaps in other white space, is told where it is said in
//! full.

use super::layout::is_han;

/// How many texts are looked at for one that is said again, and how many bytes in all, so that the time stays in
/// proportion.
const MAX_COMPARED: usize = 32;
const MAX_LOOKED: usize = 64 << 20;
/// How many Han characters a text has at least that is read as sentences: with the mark that ends one, and without.
const SENTENCE: usize = 8;
const LONG: usize = 30;

/// Texts, each once.
#[derive(Default)]
pub(super) struct Said {
    texts: Vec<String>,
    /// The first of them without white space, as they are compared.
    bare: Vec<String>,
    looked: usize,
}

impl Said {
    /// Adds a text that is not said yet; a sentence or more that it says again in full goes into its place.
    pub fn add(&mut self, text: String) {
        let new = bare(&text);
        let mut place = None;
        let mut at = 0;
        while at < self.bare.len() {
            self.looked += self.bare[at].len() + new.len();
            if self.looked > MAX_LOOKED {
                break;
            }
            if place.is_none() && says(&self.bare[at], &new) {
                return;
            }
            if is_sentence(&self.bare[at]) && new.contains(&self.bare[at]) {
                self.bare.remove(at);
                self.texts.remove(at);
                place = place.or(Some(at));
                continue;
            }
            at += 1;
        }
        let place = place.unwrap_or(self.texts.len());
        self.texts.insert(place, text);
        // Texts behind the first so many are not compared with, and have no place among these.
        if place < MAX_COMPARED && place <= self.bare.len() {
            self.bare.insert(place, new);
        }
    }

    /// Adds a text below what it is called, unless it is said already.
    pub fn add_under(&mut self, name: &str, text: String) {
        let new = bare(&text);
        if !self.bare.iter().any(|before| says(before, &new)) {
            self.add(under(name, text));
        }
    }

    /// Adds a text before the others, unless one of them says it, perhaps as a beginning that goes on (`…`).
    pub fn add_before(&mut self, text: String) -> bool {
        let new = bare(&text);
        let new = new.trim_end_matches(['…', '.', '。']);
        let is_said = self.bare.iter().any(|before| before.contains(new));
        if !is_said {
            self.bare.insert(0, bare(&text));
            self.texts.insert(0, text);
        }
        !is_said
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All of them, with blank lines between.
    pub fn all(&self) -> String {
        self.texts.join("\n\n")
    }
}

/// Whether a text says another again: the same, or a sentence of it. A few words may stand in any text, and mean there
/// something else (`能报销` in `不能报销`).
fn says(text: &str, other: &str) -> bool {
    let is_long = || other.chars().filter(|c| is_han(*c)).count() >= SENTENCE || other.len() >= LONG;
    text == other || (is_long() && text.contains(other))
}

/// The same of texts as they are written.
pub(super) fn is_said(text: &str, other: &str) -> bool {
    says(&bare(text), &bare(other))
}

/// A text behind its name, where that is a name in words.
pub(super) fn under(name: &str, text: String) -> String {
    if !name.contains(is_han) || text.starts_with(name) {
        text
    } else if name.ends_with(['？', '?']) {
        format!("{name}\n{text}")
    } else {
        format!("{name}：{text}")
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether a text reads as sentences.
pub(super) fn is_sentence(text: &str) -> bool {
    let han = text.chars().filter(|c| is_han(*c)).count();
    let words = || {
        text.split_whitespace()
            .filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_graphic()))
            .count()
    };
    han >= LONG || (han >= SENTENCE && text.contains(['。', '！', '；', '？'])) || (han == 0 && words() >= SENTENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Said {
        let mut said = Said::default();
        texts.iter().for_each(|text| said.add(text.to_string()));
        said
    }

    #[test]
    fn a_few_words_are_not_said_again_by_a_text_that_holds_them() {
        assert_eq!(
            said(&["有人说门诊不能报销。", "能报销"]).all(),
            "有人说门诊不能报销。\n\n能报销"
        );
        let mut said = said(&["门诊费用按八成报销。"]);
        said.add_under("比例", "门诊费用按八成报销".into());
        said.add_under("责任免除", "酒后驾驶".into());
        assert_eq!(said.all(), "门诊费用按八成报销。\n\n责任免除：酒后驾驶");
    }

    #[test]
    fn what_is_said_again_is_told_once_and_in_full() {
        let check = |texts: &[&str], expected: &[&str]| assert_eq!(said(texts).texts, expected);
        let (part, whole) = ("本市户籍居民可以参保。", "本市户籍居民可以\n参保。\n持证人员也可以。");
        check(&[whole, "别的", part], &[whole, "别的"]);
        check(&["可以", part, "别的", whole], &["可以", whole, "别的"]);
        check(&[part, "别的", part], &[part, "别的"]);
    }

    #[test]
    fn a_text_that_says_several_of_many_takes_their_place() {
        let one = |number: usize| format!("本市户籍居民可以参保第{number}种保险。");
        let mut said = Said::default();
        (0..=MAX_COMPARED).for_each(|number| said.add(one(number)));
        said.add([one(0), one(1), one(2)].concat());
        said.add("别的一句。".into());
        assert_eq!(said.texts.len(), MAX_COMPARED);
        assert!(said.texts[0].contains(&one(2)) && said.texts.last().is_some_and(|last| last == "别的一句。"));
    }

    #[test]
    fn a_beginning_of_what_is_said_is_not_told_before_it() {
        let check = |text: &str, expected: bool| {
            let mut said = said(&["本市户籍居民可以参保，持证人员也可以。"]);
            assert_eq!(said.add_before(text.to_string()), expected, "{text}");
            assert_eq!(said.texts[0] == text, expected);
        };
        check("本市户籍居民可以参保…", false);
        check("本市户籍居民可以参保...", false);
        check("参保有两种办法。", true);
    }

    #[test]
    fn many_texts_beside_a_long_one_are_told() {
        let mut said = said(&["长。".repeat(1 << 19).as_str()]);
        (0..100_000).for_each(|number| said.add(format!("第{number}句。")));
        assert_eq!(said.texts.len(), 100_001);
    }
}
