//! Whether an article is about the insurance product that a question names, told by its title.
//!
//! Sister products differ in a letter (D款, K款), a numeral (Ⅲ, Ⅴ) or a few characters of their name (安享福瑞, 安享福禄)
//! and share all the rest, so that every ranking takes one for the other. Owns that difference alone; where a question
//! names no product, or only loosely, nothing is said.

use std::ops::Range;

use super::response::Fit;
use crate::text::Normalized;

/// Characters that both names have in common before what differs.
const SHARED_BEFORE: usize = 2;
/// Characters that both names have in common at least, all in all.
const SHARED: usize = 7;
/// What differs has at most so many characters.
const DIFFERENT: usize = 5;
/// A product's name that stands in a question as a whole has at least so many characters.
const WHOLE: usize = 7;
/// The insurer's name before it, which questions leave out, has at most so many.
const INSURER: usize = 4;
/// Titles are compared up to here; names of products are shorter.
const LONGEST: usize = 80;

/// What is insured by law is no product: places and groups of people have their own words for the same.
const SOCIAL: [&str; 8] = ["居民", "职工", "城乡", "基本", "社会", "失业", "工伤", "生育"];
/// A title with these is that of a rule, a notice or an answer about products.
const NO_PRODUCT: [&str; 10] = [
    "通知", "办法", "公告", "意见", "规定", "解读", "问答", "细则", "条例", "标准",
];
/// Between two names these do not tell sisters apart: what stands behind them is another phrase.
const FUNCTION: [char; 14] = [
    '的', '和', '与', '或', '及', '跟', '是', '买', '了', '在', '有', '为', '吗', '怎',
];

/// The product that a question may name.
pub(super) struct NamedProduct {
    question: Letters,
    original: String,
}

/// How an article's title meets the product of a question, and what the question calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProductFit {
    /// [`Fit::Same`] or [`Fit::Other`].
    pub fit: Fit,
    /// The name as the question has it.
    pub asked: String,
}

/// The letters and digits of a text.
struct Letters {
    normalized: Normalized,
    letters: Vec<(usize, char)>,
}

/// A stretch that two texts have in common: where it ends in either, and how long it is.
#[derive(Clone, Copy)]
struct Run {
    question_end: usize,
    title_end: usize,
    length: usize,
}

impl Letters {
    fn of(text: &str, most: usize) -> Self {
        let normalized = Normalized::new(text);
        let letters = normalized.text.char_indices().filter(|(_, c)| c.is_alphanumeric());
        let letters = letters.take(most).collect();
        Letters { normalized, letters }
    }

    fn text(&self, range: Range<usize>) -> String {
        self.letters[range].iter().map(|(_, letter)| letter).collect()
    }
}

impl NamedProduct {
    /// The product that a question names; none where it speaks of no kind of insurance.
    pub fn of(question: &str) -> Option<Self> {
        let letters = Letters::of(question, usize::MAX);
        let speaks = letters.letters.iter().any(|(_, c)| matches!(c, '险' | '款'));
        (speaks || letters.normalized.text.contains("年金")).then(|| NamedProduct {
            question: letters,
            original: question.to_owned(),
        })
    }

    /// How the article of this title meets it; none where that cannot be said.
    pub fn meets(&self, title: &str) -> Option<ProductFit> {
        let title = Letters::of(title, LONGEST);
        let whole = title.text(0..title.letters.len());
        if !whole.contains('险') && !whole.contains("年金") || has(&whole, &SOCIAL) || has(&whole, &NO_PRODUCT) {
            return None;
        }
        let runs = self.runs(&title);
        let said = |fit: Fit, range: Range<usize>| {
            Some(ProductFit {
                fit,
                asked: self.written(range),
            })
        };
        // The name to its last 险: 安联安享福瑞年金保险 of 安联安享福瑞年金保险（分红型）条款.
        let name = title.letters.iter().rposition(|(_, c)| *c == '险').map(|at| at + 1);
        // Before it only the insurer may stand, no letter of an edition (泰康D款).
        let is_insurer = |end: usize| {
            let before = &title.letters[..end];
            end <= INSURER && !before.iter().any(|(_, c)| *c == '款' || c.is_ascii_digit())
        };
        let is_whole =
            |run: &&Run| name.is_some_and(|name| run.title_end >= name) && is_insurer(run.title_end - run.length);
        if let Some((before, behind)) = self.sisters(&runs, &title) {
            let start = before.question_end - before.length;
            return said(Fit::Other, start..behind.question_end);
        }
        let whole = runs.iter().filter(is_whole).find(|run| run.length >= WHOLE)?;
        said(Fit::Same, whole.question_end - whole.length..whole.question_end)
    }

    /// All stretches that both have in common and that cannot be made longer.
    fn runs(&self, title: &Letters) -> Vec<Run> {
        let (question, title) = (&self.question.letters, &title.letters);
        let mut runs = Vec::new();
        let mut row = vec![0; title.len() + 1];
        for (at, (_, asked)) in question.iter().enumerate() {
            let mut before = 0;
            for (other, (_, held)) in title.iter().enumerate() {
                let length = if asked == held { before + 1 } else { 0 };
                before = std::mem::replace(&mut row[other + 1], length);
                let goes_on = |&(_, next): &(usize, char)| title.get(other + 1).is_some_and(|&(_, held)| held == next);
                if length > 0 && !question.get(at + 1).is_some_and(goes_on) {
                    runs.push(Run {
                        question_end: at + 1,
                        title_end: other + 1,
                        length,
                    });
                }
            }
        }
        runs
    }

    /// Two stretches with a few other characters between them, other ones in the question than in the title.
    fn sisters(&self, runs: &[Run], title: &Letters) -> Option<(Run, Run)> {
        let between = |letters: &Letters, from: usize, to: usize| {
            let length = to.checked_sub(from).filter(|length| (1..=DIFFERENT).contains(length))?;
            let text = letters.text(from..from + length);
            (!text.contains(FUNCTION)).then_some(text)
        };
        let pairs = runs
            .iter()
            .filter(|run| run.length >= SHARED_BEFORE)
            .flat_map(|before| {
                runs.iter()
                    .filter(move |behind| before.length + behind.length >= SHARED)
                    .map(move |behind| (*before, *behind))
            });
        let is_pair = |(before, behind): &(Run, Run)| {
            let asked = between(&self.question, before.question_end, behind.question_end - behind.length);
            let held = between(title, before.title_end, behind.title_end - behind.length);
            let common = title.text(before.title_end - before.length..before.title_end)
                + &title.text(behind.title_end - behind.length..behind.title_end);
            let names = common.contains('险') || common.contains("年金");
            names && matches!((asked, held), (Some(asked), Some(held)) if asked != held)
        };
        pairs
            .filter(is_pair)
            .max_by_key(|(before, behind)| before.length + behind.length)
    }

    /// A stretch of the question as it is written.
    fn written(&self, range: Range<usize>) -> String {
        let letters = &self.question.letters;
        let (Some(first), Some((last, letter))) = (letters.get(range.start), letters.get(range.end - 1)) else {
            return String::new();
        };
        let place = self
            .question
            .normalized
            .original_range(first.0..last + letter.len_utf8());
        self.original.get(place).unwrap_or_default().to_owned()
    }
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sisters_are_told_apart_and_looser_names_are_left_alone() {
        let check = |question: &str, title: &str, expected: Option<(Fit, &str)>| {
            let found = NamedProduct::of(question).and_then(|named| named.meets(title));
            let found = found.as_ref().map(|found| (found.fit, found.asked.as_str()));
            assert_eq!(found, expected, "{question} / {title}");
        };
        use Fit::{Other, Same};
        let named = "泰康K款团体重大疾病保险";
        let asked = "泰康K款团体重大疾病保险宽限期有多少天";
        check(asked, "《泰康D款团体重大疾病保险》条款", Some((Other, named)));
        check(asked, "《泰康K款团体重大疾病保险》条款", Some((Same, named)));
        check(asked, "泰康健康百分百重大疾病保险", Some((Other, named)));
        let asked = "大都会健康随心Ⅴ终身寿险宽限期几天";
        check(
            asked,
            "大都会健康随心Ⅲ终身寿险",
            Some((Other, "大都会健康随心Ⅴ终身寿险")),
        );
        let asked = "安联安享福禄年金保险犹豫期几天";
        check(
            asked,
            "安联安享福瑞年金保险（分红型）条款",
            Some((Other, "安联安享福禄年金保险")),
        );
        check(
            "安享福瑞年金保险犹豫期几天",
            "安联安享福瑞年金保险（分红型）条款",
            Some((Same, "安享福瑞年金保险")),
        );
        let asked = "泰康团体重大疾病保险H款宽限期多久";
        check(
            asked,
            "泰康团体重大疾病保险D款",
            Some((Other, "泰康团体重大疾病保险H款")),
        );
        // What is no name, or no product.
        check("团体重大疾病保险的等待期", "泰康D款团体重大疾病保险", None);
        check("大都会健康的终身寿险怎么样", "大都会健康随心Ⅲ终身寿险", None);
        check("北京城镇居民基本医疗保险", "北京城乡居民基本医疗保险", None);
        check("医保断缴了怎么办", "医保断缴怎么办", None);
        check("安康欣悦医疗保险怎么赔", "安联安康欣悦（2.0版）医疗保险", None);
        check("", "", None);
    }
}
