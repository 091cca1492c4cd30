//! Why a hit is shown, as its asker would be told: what it has of the question, and for which place and year it holds.
//!
//! Owns these words alone; the numbers behind them are `explain`'s.

use super::naming::{first_names, region_name};
use super::response::{Applies, Fit};
use crate::model::{Date, Force, Validity};

/// So many words, places or years are named at most.
const NAMED: usize = 3;

/// What a reason is made of.
pub(super) struct Reasons<'a> {
    /// Words of the question that stand in the hit, the strongest first.
    pub words: &'a [String],
    /// Words of the same meaning that stand in it.
    pub synonyms: &'a [String],
    /// Whether meaning took part in the ranking.
    pub by_meaning: bool,
    /// How it applies to the place and the year asked for.
    pub applies: Applies,
    /// From when to when it holds.
    pub validity: Validity,
    /// Whether it holds on the day asked for.
    pub force: Option<Force>,
    /// Where a newer hit says nearly the same with other numbers: what this one says, then what that one says.
    pub newer: Option<&'a str>,
    /// The places that it is about, as filters name them.
    pub regions: &'a [String],
    /// The years that it is about.
    pub years: &'a [u16],
}

impl Reasons<'_> {
    /// One Chinese sentence without numbers of the ranking.
    pub fn sentence(&self) -> String {
        let quoted = |words: &[String]| {
            let named = words.iter().take(NAMED);
            named.map(|word| format!("“{word}”")).collect::<String>()
        };
        let mut parts = vec![match (self.words.is_empty(), self.synonyms.is_empty()) {
            (false, true) => format!("说到了您问的{}", quoted(self.words)),
            (false, false) => format!(
                "说到了您问的{}，以及意思相同的{}",
                quoted(self.words),
                quoted(self.synonyms)
            ),
            (true, false) => format!("没有您的原话，但说到了意思相同的{}", quoted(self.synonyms)),
            (true, true) if self.by_meaning => "没有您的原话，但意思相近".to_owned(),
            (true, true) => "与您的问题有相同的字".to_owned(),
        }];
        parts.extend(self.place());
        parts.extend(self.year());
        if self.applies.product == Some(Fit::Other) {
            parts.push("注意：说的是另一个产品，不是您问的".to_owned());
        }
        parts.extend(self.day());
        if let Some(difference) = self.newer {
            parts.push(format!("注意：有更新的一条说法不同（{difference}）"));
        }
        format!("这一条{}。", parts.join("；"))
    }

    fn place(&self) -> Option<String> {
        let own = first_names(self.regions.iter().map(|region| region_name(region)), NAMED);
        let said = match self.applies.place? {
            Fit::Same if self.regions.len() > NAMED => "说的包括您问的地方".to_owned(),
            Fit::Same => format!("说的正是{own}"),
            Fit::Wider if own.is_empty() => "适用于全国".to_owned(),
            Fit::Wider => format!("说的是{own}，包括您问的地方"),
            Fit::Other => format!("注意：说的是{own}，不是您问的地方"),
            Fit::NotSaid => "没有说是哪个地方".to_owned(),
        };
        Some(said)
    }

    fn day(&self) -> Option<String> {
        let said = match (self.force?, self.validity) {
            (Force::Ended, Validity { expired: Some(day), .. }) => {
                format!("注意：从{}起不再执行", written(day))
            }
            (Force::Ended, _) => "注意：已经废止或失效".to_owned(),
            (
                Force::NotYet,
                Validity {
                    effective: Some(day), ..
                },
            ) => format!("注意：{}起才执行", written(day)),
            _ => return None,
        };
        Some(said)
    }

    fn year(&self) -> Option<String> {
        let own = first_names(self.years.iter().map(|year| format!("{year}年")), NAMED);
        let said = match self.applies.year? {
            // The first few may be others than the one asked for.
            Fit::Same | Fit::Wider if self.years.len() > NAMED => "说的包括您问的年份".to_owned(),
            Fit::Same | Fit::Wider => format!("说的正是{own}"),
            Fit::Other => format!("注意：说的是{own}，不是您问的年份"),
            Fit::NotSaid => "没有说是哪一年".to_owned(),
        };
        Some(said)
    }
}

/// A day as people write it.
fn written(day: Date) -> String {
    let number = day.number();
    format!("{}年{}月{}日", number / 10_000, number / 100 % 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_is_there_and_for_where_and_when() {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let check = |words: &[&str], synonyms: &[&str], place: Option<Fit>, year: Option<Fit>, expected: &str| {
            let reasons = Reasons {
                words: &strings(words),
                synonyms: &strings(synonyms),
                by_meaning: true,
                applies: Applies {
                    place,
                    year,
                    product: None,
                },
                validity: Validity::default(),
                force: None,
                newer: None,
                regions: &strings(&["黑龙江绥化"]),
                years: &[2023, 2024],
            };
            assert_eq!(reasons.sentence(), expected);
        };
        check(&["断缴"], &[], None, None, "这一条说到了您问的“断缴”。");
        check(
            &["断缴", "补缴"],
            &["中断缴费"],
            None,
            None,
            "这一条说到了您问的“断缴”“补缴”，以及意思相同的“中断缴费”。",
        );
        check(
            &["基数"],
            &[],
            Some(Fit::Other),
            Some(Fit::Same),
            "这一条说到了您问的“基数”；注意：说的是黑龙江绥化，不是您问的地方；说的正是2023年、2024年。",
        );
        check(
            &[],
            &["社保"],
            Some(Fit::NotSaid),
            Some(Fit::NotSaid),
            "这一条没有您的原话，但说到了意思相同的“社保”；没有说是哪个地方；没有说是哪一年。",
        );
        check(
            &[],
            &[],
            Some(Fit::Same),
            None,
            "这一条没有您的原话，但意思相近；说的正是黑龙江绥化。",
        );
        let many = Reasons {
            words: &strings(&["基数"]),
            synonyms: &[],
            by_meaning: true,
            applies: Applies {
                place: None,
                year: Some(Fit::Same),
                product: None,
            },
            validity: Validity {
                expired: "2024-07-01".parse().ok(),
                ..Validity::default()
            },
            force: Some(Force::Ended),
            newer: Some("标准 350元 / 380元"),
            regions: &[],
            years: &[2019, 2020, 2021, 2025],
        };
        assert_eq!(
            many.sentence(),
            "这一条说到了您问的“基数”；说的包括您问的年份；注意：从2024年7月1日起不再执行；注意：有更新的一条说法不同（标准 350元 / 380元）。"
        );
        assert_eq!(
            first_names((2021..2026).map(|year| year.to_string()), 3),
            "2021、2022、2023等"
        );
    }
}
