//! Whether an article is about the insurance product that a question names, told by its title.
//!
//! Sister products differ in a letter (D款, K款), a numeral (Ⅲ, Ⅴ) or a few characters of their name (安享福瑞, 安享福禄)
//! and share all the rest, so that every ranking takes one for the other. Owns which title is meant, by what the
//! collection has; where a question names no product, or only loosely, nothing is said. What a name is, is
//! `text::product`'s.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::response::Fit;
use crate::text::{NameFit, Normalized, ProductName, before_year, is_distinct, is_product, speaks_of_law};

/// Characters that both names have in common before what differs.
const SHARED_BEFORE: usize = 2;
/// Characters that both names have in common at least, all in all.
const SHARED: usize = 7;
/// What differs has at most so many characters.
const DIFFERENT: usize = 5;
/// Titles and questions are compared up to here; names of products are shorter.
const LONGEST: usize = 80;
const LONGEST_QUESTION: usize = 200;

const BRACKETS: [(char, char); 5] = [('（', '）'), ('(', ')'), ('【', '】'), ('[', ']'), ('《', '》')];

/// What differs between sisters holds none of these: then it is another phrase and no part of a name.
const FUNCTION: [char; 15] = [
    '的', '和', '与', '或', '及', '跟', '是', '买', '了', '在', '有', '为', '吗', '怎', '出',
];

/// What a question may name a product by.
pub(super) struct NamedProduct {
    question: Letters,
    /// Its letters.
    asked: String,
    /// How it meets titles of products of the collection; all that it names are among them, if the collection knows its
    /// products.
    known: HashMap<String, (NameFit, Range<usize>)>,
    /// Whether the collection knows them.
    knows: bool,
    /// Where it names products of the collection or other editions of them, by numbers of letters. Who is named by a
    /// part of such a place alone is not meant: 安心守护少儿高端医疗保险 by 安心守护少儿惠选.
    places: Vec<Range<usize>>,
    /// The name of one that the collection has, if it is more than what any product may be called.
    found: Option<String>,
    /// What it calls a product of which there is another edition alone, and that one's title.
    edition: Option<(String, String)>,
    /// Whether sisters are looked for: where it speaks of insurance, and not of that by law.
    has_sisters: bool,
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
    /// What a question may name.
    pub fn of(question: &str) -> Self {
        let letters = Letters::of(question, LONGEST_QUESTION);
        let text = &letters.normalized.text;
        NamedProduct {
            known: HashMap::new(),
            knows: false,
            places: Vec::new(),
            found: None,
            edition: None,
            has_sisters: text.contains('险') && !speaks_of_law(text),
            asked: letters.text(0..letters.letters.len()),
            question: letters,
            original: question.to_owned(),
        }
    }

    /// Those of these titles of the collection that are of a product which the question names; it knows these products
    /// from now on, and their other editions.
    pub fn find<'t>(&mut self, titles: &'t [String]) -> Vec<&'t str> {
        self.knows = true;
        let meet = |title: &String| {
            let (fit, range) = ProductName::of(title)?.named_in(&self.asked)?;
            Some((fit, self.numbers(range)))
        };
        let met: Vec<Option<(NameFit, Range<usize>)>> = titles.iter().map(meet).collect();
        self.places = met.iter().flatten().map(|(_, place)| place.clone()).collect();
        let is_named = |met: &Option<(NameFit, Range<usize>)>| {
            let found = met
                .as_ref()
                .filter(|(fit, place)| *fit == NameFit::Same && self.is_meant(place));
            found.is_some()
        };
        let named: Vec<bool> = met.iter().map(is_named).collect();
        let same = met.iter().zip(&named).filter(|(_, is_named)| **is_named);
        let same = same.filter_map(|(met, _)| met.as_ref());
        let distinct = same.filter(|(_, place)| is_distinct(&self.question.text(place.clone())));
        let longest = distinct.max_by_key(|(_, place)| place.len());
        self.found = longest.map(|(_, place)| before_year(&self.written(place.clone())).to_owned());
        let mut editions = met.iter().zip(titles);
        let other = editions.find_map(|(met, title)| match met {
            Some((NameFit::Other, place)) => Some((self.written(place.clone()), title.clone())),
            _ => None,
        });
        self.edition = other.filter(|_| !named.contains(&true));
        let known = titles
            .iter()
            .zip(met)
            .filter_map(|(title, met)| Some((title.clone(), met?)));
        self.known = known.collect();
        let found = titles.iter().zip(named).filter(|(_, is_named)| *is_named);
        found.map(|(title, _)| title.as_str()).collect()
    }

    /// The question without the names of products; none where it has none.
    pub fn beside_names(&self) -> Option<String> {
        let letters = |place: &Range<usize>| self.question.letters[place.clone()].iter().map(|(at, _)| *at);
        let named: HashSet<usize> = self.places.iter().flat_map(letters).collect();
        let beside = |(at, letter)| if named.contains(&at) { '，' } else { letter };
        (!named.is_empty()).then(|| self.question.normalized.text.char_indices().map(beside).collect())
    }

    /// The product of the collection that the question names, as it calls it.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// The name in the question of which the collection has another edition alone, and that one's title.
    pub fn other_edition(&self) -> Option<(&str, &str)> {
        self.edition
            .as_ref()
            .map(|(asked, title)| (asked.as_str(), title.as_str()))
    }

    /// Whether a place is no part of one that names a product.
    fn is_meant(&self, place: &Range<usize>) -> bool {
        let is_part = |of: &Range<usize>| of != place && of.start <= place.start && place.end <= of.end;
        !self.places.iter().any(is_part)
    }

    /// How the article of this title meets it; none where that cannot be said.
    pub fn meets(&self, title: &str) -> Option<ProductFit> {
        let said = |fit: Fit, range: Range<usize>| {
            Some(ProductFit {
                fit,
                asked: self.written(range),
            })
        };
        match self.met(title) {
            Some((NameFit::Other, place)) => said(Fit::Other, place),
            Some((NameFit::Same, place)) if self.is_meant(&place) => said(Fit::Same, place),
            Some(_) => None,
            None if self.has_sisters => said(Fit::Other, self.sister(title)?),
            None => None,
        }
    }

    fn met(&self, title: &str) -> Option<(NameFit, Range<usize>)> {
        if self.knows {
            return self.known.get(title).cloned();
        }
        let (fit, range) = ProductName::of(title)?.named_in(&self.asked)?;
        Some((fit, self.numbers(range)))
    }

    /// The places of letters, by number, of a stretch of bytes.
    fn numbers(&self, range: Range<usize>) -> Range<usize> {
        let number = |at: usize| self.asked[..at].chars().count();
        number(range.start)..number(range.end)
    }

    /// The stretch of the question that names a sister of the title's product.
    fn sister(&self, title: &str) -> Option<Range<usize>> {
        if !is_product(title) {
            return None;
        }
        let title = Letters::of(title, LONGEST);
        // The name goes to its last 险: 安联安享福瑞年金保险 of 安联安享福瑞年金保险（分红型）条款.
        let name = title.letters.iter().rposition(|(_, c)| *c == '险')? + 1;
        let (before, behind) = self.sisters(&self.runs(&title), &title, name)?;
        Some(before.question_end - before.length..behind.question_end)
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

    /// Two stretches with a few other characters between them, other ones in the question than in the title, all within
    /// the title's name, which ends at `name`, or in what tells its edition (H款).
    fn sisters(&self, runs: &[Run], title: &Letters, name: usize) -> Option<(Run, Run)> {
        let start = |run: &Run| run.title_end - run.length;
        let is_edition = |run: &Run| matches!(title.letters[start(run)].1, '款' | '版' | '型');
        let is_behind = |before: &Run, behind: &Run| {
            start(behind) < name && name <= behind.title_end || before.title_end == name && is_edition(behind)
        };
        let different = |letters: &Letters, from: usize, to: usize| {
            let length = to.checked_sub(from).filter(|length| (1..=DIFFERENT).contains(length))?;
            let text = letters.text(from..from + length);
            (!text.contains(FUNCTION) && !text.contains(|c: char| c.is_ascii_digit())).then_some(text)
        };
        let befores = runs.iter().filter(|run| run.length >= SHARED_BEFORE);
        let pairs = befores.flat_map(|before| runs.iter().map(move |behind| (*before, *behind)));
        let is_pair = |(before, behind): &(Run, Run)| {
            let is_long = before.length + behind.length >= SHARED;
            if !is_long || !is_behind(before, behind) {
                return false;
            }
            let asked = different(&self.question, before.question_end, behind.question_end - behind.length);
            let held = different(title, before.title_end, start(behind));
            matches!((asked, held), (Some(asked), Some(held)) if asked != held)
        };
        let shared = |(before, behind): &(Run, Run)| before.length + behind.length;
        pairs.filter(is_pair).max_by_key(shared)
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
        whole_brackets(&self.original, place).to_owned()
    }
}

/// A place of a text with the bracket right before or behind it that one inside belongs to: （D款）, not （D款.
fn whole_brackets(text: &str, place: Range<usize>) -> &str {
    let Some(inside) = text.get(place.clone()) else {
        return "";
    };
    for (open, close) in BRACKETS {
        let (opened, closed) = (inside.matches(open).count(), inside.matches(close).count());
        if opened > closed && text[place.end..].starts_with(close) {
            return &text[place.start..place.end + close.len_utf8()];
        }
        if opened < closed && text[..place.start].ends_with(open) {
            return &text[place.start - open.len_utf8()..place.end];
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sisters_are_told_apart_and_looser_names_are_left_alone() {
        let check = |question: &str, title: &str, expected: Option<(Fit, &str)>| {
            let found = NamedProduct::of(question).meets(title);
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
        let title = "中美联泰大都会人寿保险有限公司健康随心Ⅲ终身寿险-产品条款";
        check("健康随心Ⅲ终身寿险宽限期几天", title, Some((Same, "健康随心Ⅲ终身寿险")));
        check("健康随心Ⅴ终身寿险宽限期几天", title, Some((Other, "健康随心Ⅴ终身寿险")));
        // What is no name, or no product.
        check("团体重大疾病保险的等待期", "泰康D款团体重大疾病保险", None);
        check("大都会健康的终身寿险怎么样", "大都会健康随心Ⅲ终身寿险", None);
        check("北京城镇居民基本医疗保险", "北京城乡居民基本医疗保险", None);
        check("医保断缴了怎么办", "医保断缴怎么办", None);
        check("重疾险的等待期是多久", "重疾险的犹豫期是多久", None);
        check("2024年少儿意外险保费标准", "2025年少儿意外险保费标准", None);
        check("医疗保险断缴3个月怎么办", "医疗保险断缴6个月怎么办", None);
        check("百万医疗险住院能报销吗", "百万医疗险门诊能报销吗", None);
        check("杭州市西湖区大病保险报销比例", "杭州市上城区大病保险报销比例", None);
        // Of two that are asked for each is the same.
        let both = "泰康K款重大疾病保险和泰康D款重大疾病保险有什么区别";
        check(both, "泰康D款重大疾病保险", Some((Same, "泰康D款重大疾病保险")));
        check(both, "泰康K款重大疾病保险", Some((Same, "泰康K款重大疾病保险")));
        let named = "安康欣悦医疗保险";
        check(
            "安康欣悦医疗保险怎么赔",
            "安联安康欣悦（2.0版）医疗保险",
            Some((Same, named)),
        );
        check(
            "安康欣悦怎么赔",
            "安联安康欣悦（2.0版）医疗保险",
            Some((Same, "安康欣悦")),
        );
        check(
            "有职工医保还能买安康欣悦吗",
            "安联安康欣悦医疗保险",
            Some((Same, "安康欣悦")),
        );
        // The insurer says whose it is.
        let title = "TaiPing太平财产保险有限公司物流责任保险条款";
        check(
            "太平财险的物流责任险多少钱",
            title,
            Some((Same, "太平财险的物流责任险")),
        );
        check(
            "长安责任保险的物流责任险多少钱",
            title,
            Some((Other, "长安责任保险的物流责任险")),
        );
        let title = "《泰康团体重疾补充医疗保险R款（2023版）》产品条款";
        check(
            "泰康的团体重疾补充医疗保险R款怎么赔",
            title,
            Some((Same, "泰康的团体重疾补充医疗保险R款")),
        );
        check(
            "团体重疾补充医疗保险R款怎么赔",
            title,
            Some((Same, "团体重疾补充医疗保险R款")),
        );
        check("人保的团体重疾补充医疗保险怎么赔", title, None);
        // What is no name.
        check("投保人杀害被保险人，保险公司赔吗", "PICC人保寿险团体定期寿险", None);
        check("疾病关爱保险金给付多久", "TaiPing关爱女性重大疾病保险", None);
        check("恶性肿瘤——轻度怎么赔", "TaiPing恶性肿瘤住院医疗费用保险", None);
        // Short names, by what stands behind them.
        let title = "康宁保重大疾病保险（A款）";
        check("康宁保C款等待期多少天", title, Some((Other, "康宁保C款")));
        check("康宁保A款等待期多少天", title, Some((Same, "康宁保A款")));
        check("康宁保重疾险等待期多少天", title, Some((Same, "康宁保重疾险")));
        check("康宁保意外险等待期多少天", title, None);
        check("康宁保A款责任免除有哪些", title, Some((Same, "康宁保A款")));
        check("康宁保C款责任免除有哪些", title, Some((Other, "康宁保C款")));
        check("康宁保C款等待期", "康宁保重大疾病保险", Some((Other, "康宁保C款")));
        check(
            "康宁保C款等待期",
            "康宁保重大疾病保险（C1款）",
            Some((Other, "康宁保C款")),
        );
        check(
            "福寿终身寿险2023版等待期",
            "福寿终身寿险（2021版）",
            Some((Same, "福寿终身寿险2023版")),
        );
        let title = "PICC人保寿险健康相伴团体重大疾病保险（C款）_产品条款";
        let named = "健康相伴团体重大疾病保险C款";
        check("健康相伴团体重大疾病保险C款责任免除有哪些", title, Some((Same, named)));
        check(
            "关爱少儿特定出险后多久要通知",
            "PICC人保寿险关爱少儿特定疾病保险_产品条款",
            None,
        );
        let title = "onsale 1.鼎诚团体意外伤害保险条款";
        check(
            "鼎诚团体意外伤害保险怎么赔",
            title,
            Some((Same, "鼎诚团体意外伤害保险")),
        );
        // What a tester found.
        let title = "众安在线财产保险股份有限公司个人中端医疗保险（互联网2023版B款）";
        check(
            "众安个人中端医疗保险B款等待期",
            title,
            Some((Same, "众安个人中端医疗保险B款")),
        );
        check(
            "御立方六号重大疾病保险等待期",
            "御立方六号重大疾病保险",
            Some((Same, "御立方六号重大疾病保险")),
        );
        check(
            "御立方五号重大疾病保险等待期",
            "御立方六号重大疾病保险",
            Some((Other, "御立方五号重大疾病保险")),
        );
        let title = "中国太平洋财产保险股份有限公司公众责任保险条款";
        check("太保公众责任险赔什么", title, Some((Same, "太保公众责任险")));
        check("太平公众责任险赔什么", title, Some((Other, "太平公众责任险")));
        check("公众责任保险赔什么", title, None);
        check("凤鸣一生重大疾病保险", "安盈一生重大疾病保险", None);
        check("瑞祥人生年金保险", "幸福人生年金保险", None);
        check("i无忧重大疾病保险", "新华健康无忧重大疾病保险", None);
        let named = "康宁终身重大疾病保险";
        check(
            "康宁终身重大疾病保险怎么赔",
            "康宁定期重大疾病保险",
            Some((Other, named)),
        );
        check(
            "如意保丙款等待期",
            "如意保两全保险（甲款）",
            Some((Other, "如意保丙款")),
        );
        check("如意保A2款等待期", "如意保两全保险（A款）", Some((Other, "如意保A2款")));
        check(
            "超级玛丽12号重疾险",
            "超级玛丽11号重大疾病保险",
            Some((Other, "超级玛丽12号重疾险")),
        );
        check(
            "金穗年年2号年金险",
            "金穗年年年金保险（Ⅱ）",
            Some((Same, "金穗年年2号年金险")),
        );
        check(
            "金穗年年3号年金险",
            "金穗年年年金保险（Ⅱ）",
            Some((Other, "金穗年年3号年金险")),
        );
        check("i无忧3.0医疗险", "i无忧2.0医疗保险", Some((Other, "i无忧3.0医疗险")));
        let asked = "如意保终身寿险A款和B款的区别";
        check(asked, "如意保终身寿险（B款）", Some((Same, "如意保终身寿险A款和B款")));
        check(
            "如意保终身寿险（D款）怎么退",
            "如意保终身寿险（B款）",
            Some((Other, "如意保终身寿险（D款）")),
        );
        check("恒川人寿怎么理赔", "恒川人寿重疾险", None);
        check("如意保终身寿险的等待期", "如意保终身寿险可以退保吗？", None);
        check(
            "泰康健康关爱护理险等待期",
            "《泰康健康关爱团体护理保险》",
            Some((Same, "泰康健康关爱护理险")),
        );
        check(
            "康健无忧重大疾病保险",
            "【停售】富德生命康健无忧重大疾病保险",
            Some((Same, "康健无忧重大疾病保险")),
        );
        check("福寿终身寿险等待期", "金穗两全保险（2023版）", None);
        check("乐享f生免赔额多少", "乐享e生百万医疗保险", Some((Other, "乐享f生")));
        check("乐享e生免赔额多少", "乐享e生百万医疗保险", Some((Same, "乐享e生")));
        check(
            "为i保医疗险免赔额",
            "《泰康为i保医疗保险》（停用）产品条款",
            Some((Same, "为i保医疗险")),
        );
        check(
            "安裕如意年金险",
            "安联安裕如意（III）年金保险",
            Some((Same, "安裕如意年金险")),
        );
        check(
            "安裕如意II年金险",
            "安联安裕如意（III）年金保险",
            Some((Other, "安裕如意II年金险")),
        );
        check("", "", None);
    }

    #[test]
    fn of_products_that_share_a_name_the_one_is_meant_that_is_named_best() {
        let check = |question: &str, titles: &[&str], expected: &[bool], found: Option<&str>| {
            let mut named = NamedProduct::of(question);
            let all: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
            let same: Vec<&str> = titles
                .iter()
                .zip(expected)
                .filter(|(_, e)| **e)
                .map(|(t, _)| *t)
                .collect();
            assert_eq!(named.find(&all), same, "{question}");
            assert_eq!(named.found(), found, "{question}");
            let same = |title: &&str| named.meets(title).is_some_and(|met| met.fit == Fit::Same);
            assert_eq!(titles.iter().map(same).collect::<Vec<_>>(), expected, "{question}");
        };
        let titles = ["安联安心守护少儿惠选医疗保险条款", "安联安心守护少儿高端医疗保险条款"];
        check(
            "安心守护少儿惠选怎么赔",
            &titles,
            &[true, false],
            Some("安心守护少儿惠选"),
        );
        check("安心守护怎么赔", &titles[1..], &[true], Some("安心守护"));
        check("百万医疗险怎么赔", &titles, &[false, false], None);
        check("安心守护2021版怎么赔", &titles[1..], &[true], Some("安心守护"));
        let titles = ["安联安享福瑞年金保险", "都会传家终身寿险"];
        let asked = "安享福瑞年金保险和都会传家哪个好";
        check(asked, &titles, &[true, true], Some("安享福瑞年金保险"));
        check("", &titles, &[false, false], None);
    }

    #[test]
    fn a_question_is_read_without_the_names_in_it() {
        let mut named = NamedProduct::of("《福安终身寿险》在上海怎么赔");
        assert_eq!(named.beside_names(), None);
        named.find(&["某某人寿保险有限公司福安终身寿险".into()]);
        assert_eq!(named.beside_names().as_deref(), Some("《，，，，，，》在上海怎么赔"));
    }

    #[test]
    fn another_edition_is_told_where_there_is_no_other() {
        let check = |question: &str, titles: &[&str], expected: Option<(&str, &str)>| {
            let mut named = NamedProduct::of(question);
            let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
            named.find(&titles);
            assert_eq!(named.other_edition(), expected, "{question}");
        };
        let title = "《泰康健康有约重大疾病保险J款》";
        check("健康有约Z款责任免除", &[title], Some(("健康有约Z款", title)));
        check("健康有约J款责任免除", &[title], None);
        check("健康有约J款和Z款", &[title], None);
        let shorter = "泰康健康有约医疗保险";
        check(
            "健康有约重疾险Z款",
            &[shorter, title],
            Some(("健康有约重疾险Z款", title)),
        );
        check("健康有约Z款", &[title, "泰康健康有约重大疾病保险Z款"], None);
    }
}
