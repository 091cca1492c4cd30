//! Where two texts that say nearly the same say something else: amounts, days and years, places.
//!
//! Owns which facts of a text count and how a difference is named (犹豫期 20天 / 10天). Whether two texts are alike at all
//! is `copies`' to say.

use super::difference_labels::{is_of_number, label, owned, shown};
use super::wording::COUNTED;
use crate::index::StoredPassage;
use crate::text::{Amount, Normalized, Unit, Value, amounts};

/// More facts of one text are not compared: as many are a table.
const MOST: usize = 200;
/// As many differences are named.
const NAMED: usize = 3;
/// Labels are the same by so many of their last characters.
const KEY: usize = 8;
/// Words that say of an amount no more than that it is there: what it is of stands behind it (享有20天的犹豫期).
const HAVING: [&str; 2] = ["有", "享受"];
/// What one of two texts says and the other does not, in order; either may be nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences(Vec<Difference>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    /// What it is said of; possibly empty.
    label: String,
    first: Option<String>,
    second: Option<String>,
    /// One of the texts says it here, the other one elsewhere: it differs, and nobody is told that one leaves it out.
    is_elsewhere: bool,
}

/// The amounts and days that a text says, in order. Read once of each text, however many it is compared with.
#[derive(Debug)]
pub struct Facts {
    all: Vec<Fact>,
    /// The text, normalized.
    text: String,
}

/// A fact as it is compared, as it is written, and what stands before it.
#[derive(Debug)]
struct Fact {
    canonical: String,
    /// What it counts, or that it is a date.
    unit: String,
    written: String,
    label: String,
}

impl Fact {
    /// The end of its label, by which two are the same.
    fn key(&self) -> &str {
        let skipped = self.label.chars().count().saturating_sub(KEY);
        let at = self.label.char_indices().nth(skipped).map_or(0, |(at, _)| at);
        &self.label[at..]
    }

    /// Whether it may be said of the same as the other: nothing that stands before them contradicts that.
    fn is_of_the_same(&self, other: &Fact) -> bool {
        let (own, other) = (self.key(), other.key());
        own.ends_with(other) || other.ends_with(own)
    }

    /// Whether others hold it of the same, and neither they nor its own text hold anything else of that (住院报销90%,
    /// 门诊报销80%). Without labels that is not known: of a table's cells each stands for itself.
    fn is_said_in(&self, own: &[Fact], others: &[Fact]) -> bool {
        let is_of_it = |fact: &&Fact| !fact.label.is_empty() && !self.label.is_empty() && fact.is_of_the_same(self);
        let is_same = |fact: &Fact| fact.canonical == self.canonical;
        let mut of_it = own.iter().chain(others).filter(is_of_it);
        others.iter().filter(is_of_it).any(is_same) && of_it.all(is_same)
    }

    /// Whether it is the end of another one that a broken line tore (十, 五天): spelled out, and nothing that the other
    /// text says.
    fn is_torn(&self, own: &[Fact], other: &[Fact]) -> bool {
        let is_whole = |fact: &Fact| fact.written.len() > self.written.len() && fact.written.ends_with(&self.written);
        let is_spelled = !self.written.starts_with(|c: char| c.is_ascii_digit());
        let is_moved = || other.iter().any(|fact| fact.canonical == self.canonical);
        self.label.is_empty() && is_spelled && own.iter().any(is_whole) && !is_moved()
    }
}

impl Facts {
    /// Reads them: amounts have units.
    pub fn of(text: &str) -> Self {
        let text = with_signs(Normalized::new(text).text);
        let mut end = 0;
        let mut fact = |amount: Amount| {
            let range = amount.range.clone();
            let behind = text[range.end..].trim_start();
            let counted = *COUNTED.iter().find(|unit| behind.starts_with(**unit)).unwrap_or(&"");
            let is_money = || text[..range.start].trim_end().ends_with('¥');
            let (unit, behind) = match amount.value {
                Value::Quantity(quantity) if quantity.unit == Unit::Number => match counted {
                    // ¥50 人数不限 counts no people.
                    counted if is_money() && !["元", "块"].contains(&counted) => ("元", behind),
                    "" => return None,
                    counted => (counted, &behind[counted.len()..]),
                },
                _ => ("", behind),
            };
            let kind = match amount.value {
                Value::Quantity(quantity) => format!("{:?}{unit}", quantity.unit),
                Value::Date(_) => "date".into(),
            };
            let canonical: Vec<String> = amount.terms().collect();
            let label = label(&text[end.min(range.start)..range.start], end > 0);
            let label = match owned(behind) {
                Some(noun) if HAVING.iter().any(|word| label.ends_with(word)) => noun.to_owned(),
                _ => label,
            };
            end = text.len() - behind.len();
            // 第3次 is no 3次.
            let (label, place) = match label.strip_suffix('第') {
                Some(label) => (label.to_owned(), "第"),
                None => (label, ""),
            };
            let written = format!("{place}{}{unit}", &text[range]);
            Some(Fact {
                canonical: format!("{place}{}{unit}", canonical.concat()),
                unit: kind,
                // A space would be taken for the end of the label.
                written: written.split_whitespace().collect(),
                label,
            })
        };
        let all = amounts(&text).into_iter().filter_map(&mut fact).take(MOST).collect();
        Facts { all, text }
    }

    /// Whether the text says a fact anywhere, of whatever it is said.
    fn say(&self, fact: &Fact) -> bool {
        self.all.iter().any(|own| own.canonical == fact.canonical) || self.write(&fact.written)
    }

    /// Whether the text has an amount, day or name as it is written, and not as the end of another amount.
    fn write(&self, written: &str) -> bool {
        self.text.match_indices(written).any(|(at, _)| {
            let before = self.text[..at].chars().next_back();
            !before.is_some_and(|c| matches!(c, '.' | ',' | '第') || is_of_number(c))
        })
    }
}

/// A text, normalised, with × where an x stands for it: before a number, and behind anything but a Latin word.
fn with_signs(text: String) -> String {
    let is_sign = |at: usize| {
        let before = text[..at].trim_end().chars().next_back();
        let behind = text[at + 1..].trim_start().chars().next();
        before.is_some_and(|c| !c.is_ascii_alphabetic()) && behind.is_some_and(|c| c.is_ascii_digit())
    };
    let signs: Vec<usize> = text
        .match_indices('x')
        .map(|(at, _)| at)
        .filter(|&at| is_sign(at))
        .collect();
    if signs.is_empty() {
        return text;
    }
    let mut written = String::with_capacity(text.len() + signs.len());
    let mut end = 0;
    for at in signs {
        written.push_str(&text[end..at]);
        written.push('×');
        end = at + 1;
    }
    written + &text[end..]
}

impl Differences {
    /// Those of two passages and of what their texts say, in the same order.
    pub fn between([first, second]: [&StoredPassage; 2], facts: [&Facts; 2]) -> Self {
        let places = of_sets(
            first.regions.iter().map(|region| region.written()),
            second.regions.iter().map(|region| region.written()),
            facts,
        );
        let mut all: Vec<Difference> = places.into_iter().collect();
        all.extend(of_facts(facts));
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
        let years = of_sets(years(first).into_iter(), years(second).into_iter(), facts);
        all.extend(years);
        Differences(all)
    }

    /// Whether the second text says something that the first one does not.
    pub fn adds(&self) -> bool {
        self.0.iter().any(|difference| difference.second.is_some())
    }

    /// What two texts say of what both call the same (缴费标准 350元 / 380元), where each says one thing of it: all that
    /// means anything where the texts are no copies.
    pub fn of_the_same(facts: [&Facts; 2]) -> Self {
        fn only<'f>(facts: &'f [Fact], key: &str) -> Option<&'f Fact> {
            let mut of_it = facts.iter().filter(|fact| fact.key() == key);
            let one = of_it.next()?;
            of_it.all(|fact| fact.canonical == one.canonical).then_some(one)
        }
        let [Facts { all: first, .. }, Facts { all: second, .. }] = facts;
        let mut keys: Vec<&str> = Vec::new();
        for key in first.iter().map(Fact::key) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let differing = keys.into_iter().filter(|key| !key.is_empty()).filter_map(|key| {
            let (one, other) = (only(first, key)?, only(second, key)?);
            let differs = one.canonical != other.canonical && one.unit == other.unit;
            differs.then(|| difference((Some(one), Some(other)), facts))
        });
        Differences(differing.collect())
    }

    /// Whether the texts say different things: such as are named, or each says something in a place where the other one
    /// does not. What one of them alone says once more, and the other elsewhere, is none.
    pub fn are_told(&self) -> bool {
        let said =
            |side: fn(&Difference) -> &Option<String>| self.0.iter().any(|difference| side(difference).is_some());
        !self.is_empty() || said(|difference| &difference.first) && said(|difference| &difference.second)
    }

    /// Whether there are none to name.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|difference| difference.is_elsewhere)
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
            let label = shown(&difference.label);
            let space = if label.is_empty() { "" } else { " " };
            format!("{label}{space}{} / {}", said(own), said(other))
        };
        let is_of_both = |difference: &&Difference| difference.first.is_some() && difference.second.is_some();
        // What one of them adds says little where both say different things of the same.
        let named = self.0.iter().filter(|difference| !difference.is_elsewhere);
        let both: Vec<&Difference> = named.clone().filter(is_of_both).collect();
        let named = if both.is_empty() { named.collect() } else { both };
        let names: Vec<String> = named.into_iter().take(NAMED).map(name).collect();
        names.join("；")
    }
}

/// What each of two sets has alone, as one difference.
fn of_sets(
    first: impl Iterator<Item = String>,
    second: impl Iterator<Item = String>,
    facts: [&Facts; 2],
) -> Option<Difference> {
    let (first, second): (Vec<String>, Vec<String>) = (first.collect(), second.collect());
    let alone = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    let sides = [alone(&first, &second), alone(&second, &first)];
    // What only one of them is about may be said by the other all the same.
    let is_elsewhere = sides.iter().any(Vec::is_empty)
        && sides
            .iter()
            .zip([facts[1], facts[0]])
            .all(|(names, other)| names.iter().all(|name| other.write(name)));
    let [first, second] = sides.map(|names| (!names.is_empty()).then(|| names.join("、")));
    (first.is_some() || second.is_some()).then_some(Difference {
        label: String::new(),
        first,
        second,
        is_elsewhere,
    })
}

/// The differences of two sequences: between what they have in common, in order, those of the same thing are set side
/// by side. What only one of them says stands behind those, and is none if the other says it of the same elsewhere.
fn of_facts(facts: [&Facts; 2]) -> Vec<Difference> {
    let [Facts { all: first, .. }, Facts { all: second, .. }] = facts;
    let same = |a: usize, b: usize| {
        let (own, other) = (&first[a], &second[b]);
        own.canonical == other.canonical && own.is_of_the_same(other)
    };
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
    let (mut both, mut alone) = (Vec::new(), Vec::new());
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
        let mut own: Vec<&Fact> = first[from_a..a]
            .iter()
            .filter(|fact| !fact.is_said_in(first, second))
            .collect();
        let mut others: Vec<&Fact> = second[from_b..b]
            .iter()
            .filter(|fact| !fact.is_said_in(second, first))
            .collect();
        let differing = |own: &Fact, other: &Fact| own.canonical != other.canonical && own.unit == other.unit;
        both.extend(paired(&mut own, &mut others, |own, other| {
            differing(own, other) && own.key() == other.key()
        }));
        both.extend(paired(&mut own, &mut others, |own, other| {
            differing(own, other) && own.is_of_the_same(other)
        }));
        // The same in other words.
        paired(&mut own, &mut others, |own, other| own.canonical == other.canonical);
        alone.extend(own.into_iter().map(|own| (Some(own), None)));
        alone.extend(others.into_iter().map(|other| (None, Some(other))));
        (a, b) = (a + 1, b + 1);
    }
    let is_torn = |(own, other): &(Option<&Fact>, Option<&Fact>)| {
        own.is_some_and(|fact| fact.is_torn(first, second)) || other.is_some_and(|fact| fact.is_torn(second, first))
    };
    alone.retain(|sides| !is_torn(sides));
    let both = both.into_iter().map(|(own, other)| (Some(own), Some(other)));
    let all = both.chain(alone);
    all.map(|sides| difference(sides, facts)).collect()
}

/// Takes pairs out of both lists, the first that fit first.
fn paired<'f>(
    own: &mut Vec<&'f Fact>,
    others: &mut Vec<&'f Fact>,
    fit: impl Fn(&Fact, &Fact) -> bool,
) -> Vec<(&'f Fact, &'f Fact)> {
    let mut pairs = Vec::new();
    own.retain(|one| match others.iter().position(|other| fit(one, other)) {
        Some(at) => {
            pairs.push((*one, others.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

/// The difference of two facts, or of one that the other text does not say of the same.
fn difference((first, second): (Option<&Fact>, Option<&Fact>), [own, other]: [&Facts; 2]) -> Difference {
    let labels = [first, second].into_iter().flatten().map(|fact| fact.label.as_str());
    let written = |fact: &Fact| fact.written.clone();
    Difference {
        // The shorter one that is any is what both say it of.
        label: labels
            .filter(|label| !label.is_empty())
            .min_by_key(|label| label.len())
            .unwrap_or_default()
            .to_owned(),
        first: first.map(written),
        second: second.map(written),
        is_elsewhere: match (first, second) {
            (Some(first), None) => other.say(first),
            (None, Some(second)) => own.say(second),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_is_named_from_either_side() {
        let check = |first: &str, second: &str, of_first: &str, of_second: &str, adds: bool| {
            let found = Differences(of_facts([&Facts::of(first), &Facts::of(second)]));
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
        // One label may be that of two things.
        check(
            "住院，报销90%；门诊，报销80%",
            "住院，报销80%；门诊，报销80%",
            "报销 90% / 未写",
            "报销 未写 / 90%",
            true,
        );
        check(
            "报销25%，满3个月",
            "报销35%，满3个月",
            "报销 25% / 35%",
            "报销 35% / 25%",
            true,
        );
        check("报销25%，满3个月", "报销25%", "3个月 / 未写", "未写 / 3个月", false);
        check("第3条 补缴", "第5条 补缴", "", "", false);
        // What differs is of the same thing and in the same unit.
        check(
            "犹豫期20天",
            "等待期90天",
            "犹豫期 20天 / 未写；等待期 未写 / 90天",
            "犹豫期 未写 / 20天；等待期 90天 / 未写",
            true,
        );
        check(
            "缴费380元",
            "缴费80%",
            "缴费 380元 / 未写；缴费 未写 / 80%",
            "缴费 未写 / 380元；缴费 80% / 未写",
            true,
        );
        check(
            "罚款2倍以上5倍以下",
            "罚款3倍以上6倍以下",
            "罚款 2倍 / 3倍；5倍 / 6倍",
            "罚款 3倍 / 2倍；6倍 / 5倍",
            true,
        );
        // What one says twice is none, nor what a broken line tore.
        check(
            "自受理申请之日起，60日。应当自受理申请之日起60日",
            "应当自受理申请之日起60日",
            "",
            "",
            false,
        );
        check(
            "签收次日起，有十五天的犹豫期",
            "签收次日起， 五天的犹豫期。起，有十五天的犹豫期",
            "",
            "",
            false,
        );
        // What one adds hides no real difference, and long labels begin with words or show that they were cut.
        check(
            "先交50元，宽限期10天，黑龙江绥化社保基数11000元",
            "宽限期10天，黑龙江绥化社保基数11200元",
            "黑龙江绥化社保基数 11000元 / 11200元",
            "黑龙江绥化社保基数 11200元 / 11000元",
            true,
        );
        check(
            "自投保人与本公司约定应当交纳首期保险费之日起20日",
            "自投保人与本公司约定应当交纳首期保险费之日起25日",
            "…应当交纳首期保险费之日起 20日 / 25日",
            "…应当交纳首期保险费之日起 25日 / 20日",
            true,
        );
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
    fn labels_are_whole_words() {
        let check = |text: &str, expected: &[&str]| {
            let labels: Vec<String> = Facts::of(text).all.into_iter().map(|fact| fact.label).collect();
            assert_eq!(labels, expected, "{text}");
        };
        check("起付线800元", &["起付线"]);
        check("起付标准为1000元", &["起付标准"]);
        check("后续治疗费2000元，内镜检查300元", &["后续治疗费", "内镜检查"]);
        check("县级以上医院800元", &["县级以上医院"]);
        check("罚款2倍以上5倍以下", &["罚款", ""]);
        check("住院10日内镜检查300元", &["住院", "内镜检查"]);
        check("缴费380元和补助640元", &["缴费", "补助"]);
        check("您享有20天的犹豫期，等待期90天", &["犹豫期", "等待期"]);
        check("有十五天的犹豫期", &["犹豫期"]);
        check("有10天以上的住院", &["有"]);
        check("24 年缴费基数4000元", &["", "缴费基数"]);
        check("年缴费380元", &["年缴费"]);
        assert_eq!(label("自24年度缴费基数", false), "缴费基数");
    }

    #[test]
    fn nobody_is_told_that_a_text_leaves_out_what_it_says() {
        let named = |first: &str, second: &str| {
            let found = Differences(of_facts([&Facts::of(first), &Facts::of(second)]));
            (found.of_first(), found.adds(), found.is_empty())
        };
        // Cells of a table in another order differ; neither lacks one.
        let (first, second) = ("一档 | 380元 | 二档 | 500元", "一档 | 500元 | 二档 | 380元");
        assert_eq!(named(first, second), (String::new(), true, true));
        let elsewhere = named("门诊限额500元", "住院限额800元，其中材料费不超过五百元");
        assert_eq!(elsewhere.0, "住院限额 未写 / 800元");
        // The end of another amount is not it.
        assert_eq!(
            named("等待期10天", "等待期 共110天，宽限期一百一十天").0,
            "等待期 10天 / 110天"
        );
        let facts = ["2024年1月1日起参保", "按规定参保"].map(Facts::of);
        let years = |first: &[&str], second: &[&str]| {
            let of = |years: &[&str]| {
                years
                    .iter()
                    .map(|year| (*year).to_owned())
                    .collect::<Vec<_>>()
                    .into_iter()
            };
            Differences(of_sets(of(first), of(second), facts.each_ref()).into_iter().collect()).of_first()
        };
        assert_eq!(years(&[], &["2024年"]), "");
        assert_eq!(years(&["2024年"], &[]), "2024年 / 未写");
        assert_eq!(years(&["2023年"], &["2024年"]), "2023年 / 2024年");
    }

    #[test]
    fn labels_that_say_nothing_are_not_shown() {
        let check = |first: &str, second: &str, expected: &str| {
            let found = Differences(of_facts([&Facts::of(first), &Facts::of(second)]));
            assert_eq!(found.of_first(), expected, "{first} / {second}");
        };
        check("将3 个月", "将6 个月", "3个月 / 6个月");
        check("有10天以上的住院", "有15天以上的住院", "10天 / 15天");
        check("一般3年", "一般5年", "3年 / 5年");
        check("第2次", "第3次", "第2次 / 第3次");
        let after = "投保人知道或被通知被保险人生还后";
        check(
            &format!("{after}30日内"),
            &format!("{after}60日内"),
            "…被通知被保险人生还后 30日 / 60日",
        );
        assert_eq!(shown("参保人员住院期间发生符合规定医疗费"), "");
        assert_eq!(shown("黑龙江绥化社保缴费基数"), "黑龙江绥化社保缴费基数");
    }

    #[test]
    fn other_spellings_are_no_differences() {
        let check = |spellings: &[&str]| {
            let facts: Vec<Facts> = spellings.iter().map(|text| Facts::of(text)).collect();
            for (one, text) in facts.iter().zip(spellings) {
                for (two, other) in facts.iter().zip(spellings) {
                    let found = Differences(of_facts([one, two]));
                    assert_eq!(found, Differences(Vec::new()), "{text} / {other}");
                }
            }
        };
        check(&[
            "月养老金=缴费基数×8%×12个月",
            "月养老金=缴费基数x8%x12个月",
            "月养老金=缴费基数*8%*12个月",
            "月养老金 ＝ 缴费基数 Ｘ ８％ × １２ 个月",
            "月养老金等于缴费基数乘以8%乘以12个月",
        ]);
        check(&[
            "应缴费额=4000元×8%=320元",
            "应缴费额＝4000元x8%＝320元",
            "应缴费额=4,000元X 百分之八=¥320",
        ]);
        check(&["生育津贴=8000÷30×98天", "生育津贴=8000/30x98天"]);
        check(&[
            "50元/天×10天=500元",
            "50元/天x10天=500元",
            "50元每天×10天=500.00元",
            "每天¥50×10天=￥ 500",
        ]);
        check(&[
            "补助标准60元/人·月",
            "补助标准60元每人每月",
            "补助标准每人每月60元",
            "补助标准为６０元/人/月",
        ]);
        check(&[
            "赔付=（10000元－100元）×80%",
            "赔付=(10000元-100元)x80%",
            "赔付=(1万元—100元)*80%",
        ]);
        check(&["年龄≥60岁且≤70岁", "年龄>=60周岁且<=70周岁"]);
    }

    #[test]
    fn texts_that_say_different_things_are_told_so() {
        let check = |first: &str, second: &str, expected: bool| {
            let found = Differences(of_facts([&Facts::of(first), &Facts::of(second)]));
            assert_eq!(found.are_told(), expected, "{first} / {second}");
        };
        check("犹豫期20天", "犹豫期10天", true);
        check("犹豫期20天", "犹豫期20天，宽限期10天", true);
        // Named as nothing, and the amounts of two things all the same.
        check("一档 | 380元 | 二档 | 500元", "一档 | 500元 | 二档 | 380元", true);
        check("基数×8%×12个月", "基数x8%x12个月", false);
        check("共计 | 380元 | 380元", "共计 | 380元", false);
    }

    #[test]
    fn other_factors_are_differences() {
        let check = |first: &str, second: &str, expected: &str| {
            let found = Differences(of_facts([&Facts::of(first), &Facts::of(second)]));
            assert_eq!(found.of_first(), expected, "{first} / {second}");
        };
        check("基数×8%×12个月", "基数x9%x12个月", "8% / 9%");
        check("基数×8%×12个月", "基数x8%x6个月", "12个月 / 6个月");
        check("费用¥300", "费用¥500", "300元 / 500元");
        check("费用¥300", "费用500元", "费用 300元 / 500元");
        assert_eq!(
            with_signs("3x4, 型号ax8, x5, 乙 x 6, x光".into()),
            "3×4, 型号ax8, ×5, 乙 × 6, x光"
        );
    }

    #[test]
    fn order_counts() {
        let adds = |first: &str, second: &str| Differences(of_facts([&Facts::of(first), &Facts::of(second)])).adds();
        assert!(adds("犹豫期20天，宽限期10天", "犹豫期10天，宽限期10天"));
        assert!(!adds("犹豫期20天，宽限期10天", "犹豫期20天"));
        assert!(adds("犹豫期20天", "犹豫期20天，宽限期10天"));
        // The cells of a table have no labels.
        assert!(adds("一档 | 380元 | 二档 | 500元", "一档 | 500元 | 二档 | 380元"));
        assert!(adds("一档 | 20元 | 二档 | 120元", "一档 | 120元 | 二档 | 20元"));
        assert!(adds("一档 | 十五元 | 二档 | 五元", "一档 | 五元 | 二档 | 十五元"));
    }

    proptest! {
        #[test]
        fn amounts_in_another_order_are_something_else(
            (one, other) in proptest::collection::btree_set(1..2000_u32, 2..8).prop_flat_map(|amounts| {
                let amounts: Vec<u32> = amounts.into_iter().collect();
                (Just(amounts.clone()).prop_shuffle(), Just(amounts).prop_shuffle())
            })
        ) {
            let table = |amounts: &[u32]| amounts.iter().map(|amount| format!("{amount}元 | ")).collect::<String>();
            let found = Differences(of_facts([&Facts::of(&table(&one)), &Facts::of(&table(&other))]));
            prop_assert_eq!(found.adds(), one != other);
        }

        #[test]
        fn any_two_texts_are_compared(one in "[0-9一二天元%年月日号，的期为]{0,40}", two in "[0-9一二天元%年月日号，的期为]{0,40}") {
            let (one, two) = (Facts::of(&one), Facts::of(&two));
            let canonical = |facts: &[Fact]| facts.iter().map(|fact| fact.canonical.clone()).collect::<Vec<_>>();
            let found = of_facts([&one, &two]);
            prop_assert!(found.is_empty() || canonical(&one.all) != canonical(&two.all));
            // Nothing is told that the other says of the same.
            let is_told = |fact: &&Fact| found.iter().any(|difference| difference.second.as_ref() == Some(&fact.written));
            let twice = |fact: &Fact| two.all.iter().filter(|other| other.written == fact.written).count() > 1;
            prop_assert!(two.all.iter().filter(is_told).all(|fact| twice(fact) || !fact.is_said_in(&two.all, &one.all)));
        }
    }
}
