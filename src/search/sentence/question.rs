//! What kind of thing a question asks for (a term, an amount, a place), and the words by which an answer shows it.
//!
//! Owns the reading of the lexicon's `answers.txt` and `spoken.txt`; never scores. Plain phrases instead of a grammar:
//! a wrong guess costs a little of one sentence's score, and a reader can check every line.

use std::sync::LazyLock;

use super::super::phrases::Phrases;
use crate::text::lexicon_lines;

/// One kind of question, with its signs; what each means is said in `answers.txt`.
#[derive(Debug, Default)]
pub(super) struct Kind {
    name: &'static str,
    asks: Vec<&'static str>,
    /// Phrases of a sentence that answers it.
    pub tells: Vec<&'static str>,
    /// Units that tell if a number stands right before them.
    pub units: Vec<&'static str>,
    /// Phrases of a sentence that may answer it.
    pub hints: Vec<&'static str>,
    /// An answer must hold the thing itself: a question for an amount is not answered without one.
    pub exact: bool,
    /// Its answer is a list: papers, steps.
    pub list: bool,
    /// One tell may be there by chance, two make an answer: a list of papers.
    pub several: bool,
    /// It is about how long something lasts: 几天 asks for it, and a date does not tell.
    pub length: bool,
    /// It asks for an amount, a duration or a standard.
    measure: bool,
    negation: bool,
    general: bool,
    /// A number of so many digits tells without a unit.
    pub digits: Option<usize>,
}

/// How many of some unit, by the unit: 几天, 多少天. The unit 个 may stand between.
const LENGTHS: &[&str] = &["天", "日", "年", "周", "个月", "工作日", "星期", "小时", "分钟"];

// Both files are compiled in, and the tests read them.
static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| read_kinds(include_str!("../../../index/lexicon/answers.txt")).expect("answers.txt is right"));
static SPOKEN: LazyLock<Vec<Pair>> =
    LazyLock::new(|| read_pairs(include_str!("../../../index/lexicon/spoken.txt")).expect("spoken.txt is right"));
static ASKS: LazyLock<Rows> = LazyLock::new(|| Rows::new(KINDS.iter().map(|kind| &kind.asks)));
static SAYS: LazyLock<Rows> = LazyLock::new(|| Rows::new(SPOKEN.iter().map(|(spoken, _)| spoken)));

/// Spoken phrases, and the formal ones for them.
type Pair = (Vec<&'static str>, Vec<&'static str>);

fn read_kinds(text: &'static str) -> Result<Vec<Kind>, String> {
    let mut kinds: Vec<Kind> = Vec::new();
    for (line, entry) in lexicon_lines(text) {
        if let Some(name) = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if kinds.iter().any(|kind| kind.name == name) {
                return Err(format!("line {line}: `{entry}` stands twice"));
            }
            kinds.push(Kind {
                name,
                ..Kind::default()
            });
            continue;
        }
        let wrong = || format!("line {line}: `{entry}`");
        let (field, phrases) = entry.split_once(':').ok_or_else(wrong)?;
        let kind = kinds.last_mut().ok_or_else(wrong)?;
        let phrases = phrases.split_whitespace();
        match field {
            "asks" => kind.asks.extend(phrases),
            "tells" => kind.tells.extend(phrases),
            "units" => kind.units.extend(phrases),
            "hints" => kind.hints.extend(phrases),
            "rules" => {
                for rule in phrases {
                    match rule {
                        "exact" => kind.exact = true,
                        "several" => kind.several = true,
                        "list" => kind.list = true,
                        "length" => kind.length = true,
                        "negation" => kind.negation = true,
                        "general" => kind.general = true,
                        "measure" => kind.measure = true,
                        _ => {
                            let digits = rule.strip_prefix("digits=").and_then(|digits| digits.parse().ok());
                            kind.digits = Some(digits.ok_or_else(wrong)?);
                        }
                    }
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(kinds)
}

fn read_pairs(text: &'static str) -> Result<Vec<Pair>, String> {
    lexicon_lines(text)
        .map(|(line, entry)| {
            let (spoken, formal) = entry.split_once("=>").ok_or(format!("line {line}: `{entry}`"))?;
            Ok((spoken.split_whitespace().collect(), formal.split_whitespace().collect()))
        })
        .collect()
}

/// The phrases of a table's rows, and of which row each one is.
struct Rows {
    phrases: Phrases,
    rows: Vec<usize>,
    count: usize,
}

impl Rows {
    fn new<'a>(rows: impl Iterator<Item = &'a Vec<&'static str>>) -> Self {
        let (mut all, mut count) = (Vec::new(), 0);
        for row in rows {
            all.extend(row.iter().map(|&phrase| (phrase, count)));
            count += 1;
        }
        all.sort_unstable();
        Rows {
            phrases: Phrases::new(all.iter().map(|(phrase, _)| *phrase)),
            rows: all.into_iter().map(|(_, row)| row).collect(),
            count,
        }
    }

    /// For each of the rows whether one of its phrases stands in the question at a place that counts.
    fn said(&self, question: &str, counts: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut said = vec![false; self.count];
        self.phrases
            .each(question, |at, number| said[self.rows[number]] |= counts(at));
        said
    }
}

/// The formal words for what a question (normalised) says in spoken ones.
pub(super) fn formal_words(question: &str) -> impl Iterator<Item = &'static str> {
    let said = SAYS.said(question, |_| true);
    let pairs = SPOKEN.iter().zip(said).filter(|(_, said)| *said);
    pairs.flat_map(|((_, formal), _)| formal.iter().copied())
}

/// The kinds a question (normalised) is of: the exact ones, or the first of the others, or none.
pub(super) fn kinds(question: &str) -> Vec<&'static Kind> {
    let said = ASKS.said(question, |at| !is_told(question, at));
    let mut asked: Vec<&Kind> = KINDS
        .iter()
        .zip(said)
        .filter(|(kind, said)| {
            *said || (kind.length && asks_for_length(question)) || (kind.negation && asks_by_negation(question))
        })
        .map(|(kind, _)| kind)
        .collect();
    if asked.iter().any(|kind| kind.exact) {
        asked.retain(|kind| kind.exact);
        // A plain 多少 is in most questions for money or a share as well.
        if asked.len() > 1 {
            asked.retain(|kind| !kind.general);
        }
    } else {
        asked.truncate(1);
    }
    asked
}

/// Whether a question (normalised) asks for an amount, a duration or a standard: what differs from place to place and
/// from year to year, so that an answer about another one is none.
pub(in crate::search) fn asks_for_measure(question: &str) -> bool {
    const STANDARDS: [&str; 4] = ["标准", "起付", "基数", "待遇水平"];
    STANDARDS.iter().any(|word| question.contains(word)) || kinds(question).iter().any(|kind| kind.measure)
}

/// Whether a question (normalised) is words to look for and asks nothing: 宁波2024医保. What it names is then all that it
/// wants.
pub(in crate::search) fn is_keywords(question: &str) -> bool {
    const LONGEST: usize = 16;
    const ASKING: [char; 16] = [
        '吗', '呢', '么', '怎', '咋', '啥', '哪', '谁', '何', '几', '多', '能', '会', '要', '我', '?',
    ];
    question.chars().nth(LONGEST).is_none() && !question.contains(ASKING) && kinds(question).is_empty()
}

/// 断了几个月 and 好几年 tell instead of asking.
fn is_told(question: &str, at: usize) -> bool {
    question[at..].starts_with('几') && question[..at].ends_with(['了', '过', '好', '这', '那', '十', '前'])
}

/// 几天, 多少个工作日.
fn asks_for_length(question: &str) -> bool {
    ["几", "多少"].iter().any(|word| {
        question.match_indices(word).any(|(at, _)| {
            let behind = &question[at + word.len()..];
            let counts = |rest: &str| LENGTHS.iter().any(|unit| rest.starts_with(unit));
            !is_told(question, at) && (counts(behind) || behind.strip_prefix('个').is_some_and(counts))
        })
    })
}

/// 能不能, 算不算, 是不是.
fn asks_by_negation(question: &str) -> bool {
    question.match_indices(['不', '没']).any(|(at, no)| {
        let before = question[..at].chars().next_back();
        before.is_some_and(char::is_alphabetic) && before == question[at + no.len()..].chars().next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_ask_nothing() {
        let check = |question: &str, expected: bool| assert_eq!(is_keywords(question), expected, "{question}");
        check("宁波2024医保", true);
        check("2025年 居民医保 缴费", true);
        check("2024年医保怎么交", false);
        check("2024年断缴影响报销吗", false);
        check("我2023年买的保险想退", false);
    }

    #[test]
    fn a_question_says_what_it_asks_for() {
        let check = |question: &str, expected: &[&str]| {
            let names: Vec<&str> = kinds(question).iter().map(|kind| kind.name).collect();
            assert_eq!(names, expected, "{question}");
        };
        check("补缴要等多久才能用", &["duration"]);
        check("转到外省一共要几天", &["duration"]);
        check("断了几个月,个人账户会不会清零", &["whether"]);
        check("都好几年没交了还能补吗", &["whether"]);
        check("最晚几号之前要交上", &["date"]);
        check("大概是百分之几", &["share"]);
        check("重新办一张要花多少钱", &["money"]);
        check("最多能帮几个人交", &["limit"]);
        check("能绑定几个人", &["number"]);
        check("补缴的钱是怎么算出来的", &["formula"]);
        check("逾期不交会怎样", &["effect"]);
        check("孩子多大才能参保", &["age"]);
        check("要带哪些证件", &["papers"]);
        check("挂失打哪个电话", &["telephone"]);
        check("用哪个手机软件转", &["place"]);
        check("什么是观察期", &["meaning"]);
        check("余额没了是怎么回事", &["reason"]);
        check("药钱给不给报", &["whether"]);
        check("怎么办理备案", &["steps"]);
        // The particular goes before the general, the exact before both.
        check("怎么办理备案,要几天", &["duration"]);
        check("医保局在哪里,怎么去", &["place"]);
        check("居民医保", &[]);
        check("不", &[]);
        check("", &[]);
    }

    #[test]
    fn a_question_for_a_measure_is_told() {
        let check = |question: &str, expected: bool| assert_eq!(asks_for_measure(question), expected, "{question}");
        check("上海医保一年交多少钱", true);
        check("住院能报几成", true);
        check("上海生育津贴多久到账", true);
        check("绥化2024年社保缴费基数", true);
        check("居民医保缴费标准", true);
        check("最多能报销几次", true);
        check("断缴几年清零", true);
        check("异地就医怎么备案", false);
        check("上海医保局在哪里", false);
        check("重疾险有必要买吗", false);
        check("", false);
    }

    #[test]
    fn the_tables_are_right_and_mistakes_name_their_line() {
        assert!(KINDS.len() > 10 && SPOKEN.len() > 10);
        assert!(KINDS.iter().all(|kind| !kind.asks.is_empty()));
        for wrong in [
            "asks: 几",
            "[a]\nasked: 几",
            "[a]\nasks 几",
            "[a]\nrules: exactly",
            "[a]\n[a]",
        ] {
            let error = read_kinds(wrong).unwrap_err();
            let line = format!("line {}", wrong.lines().count());
            assert!(error.contains(&line), "{error}");
        }
        assert!(read_pairs("a b").is_err());
    }
}
