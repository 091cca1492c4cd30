//! Where two texts that say nearly the same say something else: amounts, days and years, places.
//!
//! Owns which facts of a text count and how a difference is named (犹豫期 20天 / 10天). Whether two texts are alike at all
//! is `copies`' to say.

use crate::index::StoredPassage;
use crate::text::{Amount, Normalized, Unit, Value, amounts};

/// More facts of one text are not compared: as many are a table.
const MOST: usize = 200;
/// As many differences are named.
const NAMED: usize = 3;
/// Characters that may stand before an amount to say what it is.
const LABEL: usize = 8;
/// What counts a number that is more than the number of a paragraph.
const COUNTED: [&str; 24] = [
    "元", "块", "圆", "美元", "港元", "港币", "欧元", "次", "倍", "份", "人", "名", "级", "例", "公里", "千米", "米",
    "平方", "吨", "台", "辆", "亩", "头", "分",
];
/// Between what an amount is and the amount.
const JOINING: [&str; 14] = [
    "不超过",
    "不低于",
    "不少于",
    "最高",
    "最低",
    "为",
    "是",
    "即",
    "在",
    "满",
    "达",
    "约",
    "共",
    "按",
];

/// What one of two texts says and the other does not, in order; either may be nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences(Vec<Difference>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    /// What it is said of; possibly empty.
    label: String,
    first: Option<String>,
    second: Option<String>,
}

/// A fact as it is compared, as it is written, and what stands before it.
struct Fact {
    canonical: String,
    written: String,
    label: String,
}

impl Differences {
    /// Those of two passages.
    pub fn between(first: &StoredPassage, second: &StoredPassage) -> Self {
        let places = of_sets(
            first.regions.iter().map(|region| region.written()),
            second.regions.iter().map(|region| region.written()),
        );
        let mut all: Vec<Difference> = places.into_iter().collect();
        all.extend(of_facts(&facts(&first.text), &facts(&second.text)));
        let said = |year: &u16| {
            let is_in = |fact: &Option<String>| fact.as_ref().is_some_and(|fact| fact.contains(&year.to_string()));
            all.iter()
                .any(|difference| is_in(&difference.first) || is_in(&difference.second))
        };
        // Those of a text are mostly among its facts.
        let years = |of: &StoredPassage| {
            of.years
                .iter()
                .filter(|year| !said(year))
                .map(|year| format!("{year}年"))
                .collect::<Vec<_>>()
        };
        let years = of_sets(years(first).into_iter(), years(second).into_iter());
        all.extend(years);
        Differences(all)
    }

    /// Whether the second text says something that the first one does not.
    pub fn adds(&self) -> bool {
        self.0.iter().any(|difference| difference.second.is_some())
    }

    /// What two texts say of what both call the same (缴费标准 350元 / 380元), where each says one thing of it: all that
    /// means anything where the texts are no copies.
    pub fn of_the_same(first: &StoredPassage, second: &StoredPassage) -> Self {
        let (first, second) = (facts(&first.text), facts(&second.text));
        let only = |facts: &[Fact], label: &str| {
            let mut of_it = facts.iter().filter(|fact| fact.label == label);
            let one = of_it.next()?;
            of_it
                .all(|fact| fact.canonical == one.canonical)
                .then(|| (one.canonical.clone(), one.written.clone()))
        };
        let mut labels: Vec<&str> = Vec::new();
        for fact in &first {
            if !labels.contains(&&*fact.label) {
                labels.push(&fact.label);
            }
        }
        let differing = labels
            .into_iter()
            .filter(|label| !label.is_empty())
            .filter_map(|label| {
                let ((one, first), (other, second)) = (only(&first, label)?, only(&second, label)?);
                (one != other).then(|| Difference {
                    label: label.to_owned(),
                    first: Some(first),
                    second: Some(second),
                })
            });
        Differences(differing.collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a reader of the first text: what it says, then what the second one says. Empty if there is none.
    pub fn of_first(&self) -> String {
        self.named(|difference| (&difference.first, &difference.second))
    }

    /// The same for a reader of the second text.
    pub fn of_second(&self) -> String {
        self.named(|difference| (&difference.second, &difference.first))
    }

    fn named(&self, sides: impl Fn(&Difference) -> (&Option<String>, &Option<String>)) -> String {
        let name = |difference: &Difference| {
            let (own, other) = sides(difference);
            let said = |side: &Option<String>| side.clone().unwrap_or_else(|| "未写".into());
            let space = if difference.label.is_empty() { "" } else { " " };
            format!("{}{space}{} / {}", difference.label, said(own), said(other))
        };
        let names: Vec<String> = self.0.iter().take(NAMED).map(name).collect();
        names.join("；")
    }
}

/// What each of two sets has alone, as one difference.
fn of_sets(first: impl Iterator<Item = String>, second: impl Iterator<Item = String>) -> Option<Difference> {
    let (first, second): (Vec<String>, Vec<String>) = (first.collect(), second.collect());
    let alone = |one: &[String], other: &[String]| {
        let alone: Vec<&str> = one
            .iter()
            .filter(|name| !other.contains(name))
            .map(String::as_str)
            .collect();
        (!alone.is_empty()).then(|| alone.join("、"))
    };
    let (first, second) = (alone(&first, &second), alone(&second, &first));
    (first.is_some() || second.is_some()).then_some(Difference {
        label: String::new(),
        first,
        second,
    })
}

/// The differences of two sequences: between what they have in common, in order, each other's are set side by side.
fn of_facts(first: &[Fact], second: &[Fact]) -> Vec<Difference> {
    let same = |a: usize, b: usize| first[a].canonical == second[b].canonical;
    // By place in both: how many they have in common from there on.
    let mut common = vec![vec![0_u16; second.len() + 1]; first.len() + 1];
    for a in (0..first.len()).rev() {
        for b in (0..second.len()).rev() {
            common[a][b] = if same(a, b) {
                common[a + 1][b + 1] + 1
            } else {
                common[a + 1][b].max(common[a][b + 1])
            };
        }
    }
    let mut found = Vec::new();
    let (mut a, mut b) = (0, 0);
    while a < first.len() || b < second.len() {
        let (from_a, from_b) = (a, b);
        while (a < first.len() || b < second.len()) && !(a < first.len() && b < second.len() && same(a, b)) {
            // Of the second only where the first is at its end or nothing is lost by it.
            if a < first.len() && (b == second.len() || common[a + 1][b] >= common[a][b + 1]) {
                a += 1;
            } else {
                b += 1;
            }
        }
        for nth in 0..(a - from_a).max(b - from_b) {
            let fact = |facts: &'_ [Fact], from: usize, to: usize| -> Option<usize> {
                Some(from + nth).filter(|&at| at < to && at < facts.len())
            };
            let (one, other) = (fact(first, from_a, a), fact(second, from_b, b));
            let label = one
                .map(|at| &first[at].label)
                .or_else(|| other.map(|at| &second[at].label));
            found.push(Difference {
                label: label.cloned().unwrap_or_default(),
                first: one.map(|at| first[at].written.clone()),
                second: other.map(|at| second[at].written.clone()),
            });
        }
        (a, b) = (a + 1, b + 1);
    }
    found
}

/// The amounts with units and the days of a text, in order.
fn facts(text: &str) -> Vec<Fact> {
    let text = Normalized::new(text).text;
    let fact = |amount: Amount| {
        let range = amount.range.clone();
        let behind = text[range.end..].trim_start();
        let unit = match amount.value {
            Value::Quantity(quantity) if quantity.unit == Unit::Number => {
                *COUNTED.iter().find(|unit| behind.starts_with(**unit))?
            }
            _ => "",
        };
        let canonical: Vec<String> = amount.terms().collect();
        Some(Fact {
            canonical: canonical.concat() + unit,
            written: format!("{}{unit}", &text[range.clone()]),
            label: label(&text[..range.start]),
        })
    };
    amounts(&text).into_iter().filter_map(fact).take(MOST).collect()
}

/// What an amount is, by what stands before it in its clause: 犹豫期 of 本合同的犹豫期为.
fn label(before: &str) -> String {
    let clause = before.rfind(|c: char| !c.is_alphanumeric() || c == '的' || c.is_ascii_digit());
    let clause = clause.map_or(before, |at| {
        before[at..].trim_start_matches(|c: char| !c.is_alphanumeric() || c == '的' || c.is_ascii_digit())
    });
    let mut label = clause;
    while let Some(rest) = JOINING.iter().find_map(|word| label.strip_suffix(word)) {
        label = rest;
    }
    let skipped = label.chars().count().saturating_sub(LABEL);
    label.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_is_named_from_either_side() {
        let check = |first: &str, second: &str, of_first: &str, of_second: &str, adds: bool| {
            let found = Differences(of_facts(&facts(first), &facts(second)));
            let named = (found.of_first(), found.of_second(), found.adds());
            assert_eq!(
                named,
                (of_first.to_owned(), of_second.to_owned(), adds),
                "{first} / {second}"
            );
        };
        check(
            "本合同的犹豫期为20天。",
            "本合同的犹豫期为10日。",
            "犹豫期 20天 / 10日",
            "犹豫期 10日 / 20天",
            true,
        );
        check("犹豫期二十天", "犹豫期20日", "", "", false);
        check(
            "报销25%，满3个月",
            "报销35%，满3个月",
            "报销 25% / 35%",
            "报销 35% / 25%",
            true,
        );
        check("报销25%，满3个月", "报销25%", "3个月 / 未写", "未写 / 3个月", false);
        check("第3条 补缴", "第5条 补缴", "", "", false);
        check(
            "缴费380元",
            "缴费400元",
            "缴费 380元 / 400元",
            "缴费 400元 / 380元",
            true,
        );
        check(
            "自2024年1月1日起",
            "自2025年1月1日起",
            "自 2024年1月1日 / 2025年1月1日",
            "自 2025年1月1日 / 2024年1月1日",
            true,
        );
    }

    #[test]
    fn order_counts() {
        let adds = |first: &str, second: &str| Differences(of_facts(&facts(first), &facts(second))).adds();
        assert!(adds("犹豫期20天，宽限期10天", "犹豫期10天，宽限期10天"));
        assert!(!adds("犹豫期20天，宽限期10天", "犹豫期20天"));
        assert!(adds("犹豫期20天", "犹豫期20天，宽限期10天"));
    }

    proptest! {
        #[test]
        fn any_two_texts_are_compared(one in "[0-9一二天元%年月日号，的期为]{0,40}", two in "[0-9一二天元%年月日号，的期为]{0,40}") {
            let (one, two) = (facts(&one), facts(&two));
            let canonical = |facts: &[Fact]| facts.iter().map(|fact| fact.canonical.clone()).collect::<Vec<_>>();
            let found = of_facts(&one, &two);
            prop_assert_eq!(found.is_empty(), canonical(&one) == canonical(&two));
        }
    }
}
