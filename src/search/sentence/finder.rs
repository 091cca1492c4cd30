//! Weighs the sentences of a passage against each other.
//!
//! What speaks for a sentence is added up, as a linear model of choice learned it from 4,788 read answers
//! (`docs/results/2026-11-30-answers.md`): how near it is to the question by meaning, and the window around it, the idf
//! of the question's terms in it and in the headings above it, that it holds the kind of thing that is asked for (see
//! `question`), and what it is by its looks. Terms of the title, and terms that every sentence holds, tell sentences
//! apart less and weigh less.

use std::borrow::Cow;
use std::ops::Range;

use super::condition::{Case, ConditionFit};
use super::question;
use super::shape::{Form, Shape, marker_length};
use super::shown::{Piece, shown};
use super::signs::{Content, Contents, Signs, telling};
use super::terms::question_terms;
use crate::article::windows;
use crate::index::{LexicalQuery, QuestionWeights};
use crate::text::{Normalized, list_marker, sentences};

/// Weight of a term that the title holds too: every sentence is about it.
const IN_TITLE: f32 = 0.3;
/// A term in every sentence loses this part of its weight, one in half of them half of it.
const COMMON: f32 = 0.75;
/// Part of its weight that a term counts which only the heading above holds, and only the heading above that one.
const ABOVE: [f32; 2] = [0.5, 0.15];
/// Worth of a sentence that matches as much of the question as the one that matches most.
const MATCHED: f32 = 1.0;
/// The same where nothing is known by meaning.
const MATCHED_ALONE: f32 = 3.4;
/// Worth of a cosine of 1 of the window that the sentence is in.
const NEAR: f32 = 10.0;
/// Worth of a cosine of 1 of the sentence itself.
const NEAR_ITSELF: f32 = 15.0;
/// Worth of a sentence that holds the kind of thing asked for, where the kind is exact (an amount, a date).
const TELLING_EXACTLY: f32 = 2.3;
/// The same where it is not exact (a reason, steps).
const TELLING: f32 = 0.72;
/// Worth of a sentence whose condition holds in the asker's case.
const HOLDS: f32 = 0.26;
/// Worth of a sentence whose condition fails in the asker's case, where another one's holds.
const FAILS: f32 = -0.65;
/// Worth of a sentence right behind a heading or a question.
const INTRODUCED: f32 = 0.65;
/// Worth of the first sentence of a passage.
const FIRST: f32 = 0.3;

/// A sentence beside the best one may answer as well if it is worth at most this much less.
const BESIDE: f32 = 1.4;

/// Finds the sentence that answers one question.
pub(in crate::search) struct AnswerFinder {
    case: Case,
    signs: Signs,
    /// Of the terms, by their number.
    weights: Vec<f32>,
}

/// How near the parts of a passage are to the question, as cosines.
#[derive(Debug, Clone, Default)]
pub(in crate::search) struct Nearness<'a> {
    /// Each of its windows, or the passage where it has none; nothing where there are no vectors.
    pub windows: &'a [f32],
    /// Each of its sentences, perhaps of the first ones alone.
    pub sentences: Vec<f32>,
}

/// A sentence, normalised, and how long the list marker is that it begins with.
struct Line<'a> {
    text: Cow<'a, str>,
    marker: usize,
}

impl Line<'_> {
    /// What shows it is cut by; `range`: its bytes of the passage.
    fn piece(&self, range: Range<usize>, shape: &Shape) -> Piece {
        Piece {
            range,
            characters: shape.characters(),
            form: shape.form,
            is_item: self.marker > 0,
            marker: list_marker(&self.text).map(|marker| (marker.style, marker.is_arabic())),
            leads: self.text.ends_with(':'),
        }
    }
}

/// What speaks for one sentence.
#[derive(Debug, Clone)]
struct Worth {
    /// Its place in the passage.
    at: usize,
    /// Weight of the question's terms in it, at least 0.
    matched: f32,
    /// All other worth.
    other: f32,
}

/// The sentences of a passage that may answer, weighed but for what only a comparison can say.
#[derive(Debug, Clone, Default)]
pub(in crate::search) struct Weighed {
    worths: Vec<Worth>,
    /// Worth of one that matches most: [`MATCHED`] or [`MATCHED_ALONE`].
    matched: f32,
    /// All sentences of the passage.
    pieces: Vec<Piece>,
    /// Whether a list is asked for.
    list: bool,
}

impl Weighed {
    /// Weight of the question's terms in the sentence that holds most of them.
    pub fn most_matched(&self) -> f32 {
        self.worths.iter().map(|worth| worth.matched).fold(0.0, f32::max)
    }

    /// The best sentence's worth and the bytes to show for it; of equal ones the first, `None` if there is none. `most`
    /// is what [`Weighed::most_matched`] gives, the highest of all passages whose sentences are compared.
    pub fn best(&self, most: f32) -> Option<(f32, Range<usize>)> {
        let (top, at) = self.top(most)?;
        let beside = self.worths.iter().filter(|worth| worth.at.abs_diff(at) == 1);
        let beside = beside.map(|worth| (self.sum(worth, most), worth.at));
        let beside = beside.filter(|(sum, _)| *sum >= top - BESIDE);
        let beside = beside.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, beside)| beside);
        Some((top, shown(&self.pieces, at, beside, self.list)))
    }

    /// The best sentence's worth and place.
    fn top(&self, most: f32) -> Option<(f32, usize)> {
        let mut best: Option<(f32, usize)> = None;
        for worth in &self.worths {
            let sum = self.sum(worth, most);
            if best.is_none_or(|(top, _)| sum > top) {
                best = Some((sum, worth.at));
            }
        }
        best
    }

    /// All that speaks for a sentence, where the one that holds most of the question's terms holds this weight of them.
    fn sum(&self, worth: &Worth, most: f32) -> f32 {
        self.matched * worth.matched / most.max(f32::MIN_POSITIVE) + worth.other
    }
}

impl AnswerFinder {
    /// `question` as it was asked; terms and idf as the index gave them.
    pub fn new(question: &str, query: &LexicalQuery, weights: &QuestionWeights) -> Self {
        let question = Normalized::new(question).text;
        let terms = question_terms(&question, query, weights);
        AnswerFinder {
            case: Case::new(&question),
            signs: Signs::new(&terms, question::kinds(&question)),
            weights: terms.into_iter().map(|(_, weight)| weight).collect(),
        }
    }

    /// The question's terms in a normalised text, distinct.
    pub fn terms(&self, text: &str) -> Vec<usize> {
        let mut contents = self.signs.nothing_read(1);
        self.signs.read(text, marker_length(text), &mut contents);
        contents.terms().to_vec()
    }

    /// Weighs the sentences of a passage. `normalized` is the text normalised, `title` the terms of its article's
    /// title.
    pub fn weigh(&self, text: &str, normalized: &Normalized, title: &[usize], near: &Nearness<'_>) -> Weighed {
        let ranges = sentences(text);
        let lines: Vec<Line> = ranges.iter().map(|range| line(text, normalized, range)).collect();
        let mut contents = self.signs.nothing_read(lines.len());
        for line in &lines {
            self.signs.read(&line.text, line.marker, &mut contents);
        }
        let contents = contents;
        let fits = self.fits(&lines);
        let weights = self.local_weights(&contents, title);
        let by_meaning = !near.windows.is_empty();
        let near = nearness(text, &ranges, near);
        let telling_worth = if self.signs.exact() { TELLING_EXACTLY } else { TELLING };
        // The two headings above, the nearer one first.
        let mut above: [Option<Content>; 2] = [None, None];
        let mut after_heading = false;
        let mut counted = vec![usize::MAX; weights.len()];
        let (mut worths, mut pieces) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
        let is_row = |at: usize| lines.get(at).is_some_and(|line| line.text.contains(" | "));
        for (at, line) in lines.iter().enumerate() {
            // A table's first row says what its cells are; it answers nothing, but heads the others.
            let header = is_row(at) && is_row(at + 1) && !(at > 0 && is_row(at - 1));
            let content = contents.of(at);
            let shape = Shape::behind_marker(&line.text, line.marker);
            let mut sum = |terms: &[usize]| {
                let fresh = terms
                    .iter()
                    .filter(|&&term| std::mem::replace(&mut counted[term], at) != at);
                fresh.map(|&term| weights[term]).sum::<f32>()
            };
            let mut matched = sum(content.terms);
            for (heading, part) in above.iter().zip(ABOVE) {
                matched += heading.map_or(0.0, |heading| part * sum(heading.terms));
            }
            let introduced = if after_heading { INTRODUCED } else { 0.0 };
            let first = if at == 0 { FIRST } else { 0.0 };
            let told = telling_worth * telling(content, above[0]);
            let other = told + near[at] + fits[at] + introduced + first + shape.worth();
            if !header {
                worths.push(Worth { at, matched, other });
            }
            pieces.push(line.piece(ranges[at].clone(), &shape));
            let heading = header || shape.form != Form::Statement;
            if heading {
                above = [Some(content), if after_heading { above[0] } else { above[1] }];
            }
            after_heading = heading;
        }
        Weighed {
            worths,
            matched: if by_meaning { MATCHED } else { MATCHED_ALONE },
            pieces,
            list: self.signs.list(),
        }
    }

    /// What each sentence's condition is worth, where it has one.
    fn fits(&self, lines: &[Line]) -> Vec<f32> {
        let fits: Vec<ConditionFit> = lines.iter().map(|line| self.case.fit(&line.text)).collect();
        // A condition that fails may be the answer, unless another one covers the case.
        let contrasted = fits.contains(&ConditionFit::Holds);
        let worth = |fit| match fit {
            ConditionFit::Holds => HOLDS,
            ConditionFit::Fails if contrasted => FAILS,
            _ => 0.0,
        };
        fits.into_iter().map(worth).collect()
    }

    /// The terms' weights in this passage.
    fn local_weights(&self, contents: &Contents, title: &[usize]) -> Vec<f32> {
        let mut weights = self.weights.clone();
        for &term in title {
            weights[term] *= IN_TITLE;
        }
        // Two sentences say nothing about what is common.
        let sentences = contents.sentences();
        if sentences > 2 {
            let mut holders = vec![0usize; weights.len()];
            contents.terms().iter().for_each(|&term| holders[term] += 1);
            for (weight, held) in weights.iter_mut().zip(holders) {
                *weight *= 1.0 - COMMON * held as f32 / sentences as f32;
            }
        }
        weights
    }
}

/// What it is worth that each sentence is as near to the question as it is. Where a sentence has no vector of its own,
/// its window's cosine stands for it.
fn nearness(text: &str, ranges: &[Range<usize>], near: &Nearness<'_>) -> Vec<f32> {
    let windows = of_windows(text, ranges, near.windows);
    let worth = |at| {
        let window = windows.get(at).copied().unwrap_or(0.0);
        NEAR * window + NEAR_ITSELF * near.sentences.get(at).copied().unwrap_or(window)
    };
    (0..ranges.len()).map(worth).collect()
}

/// For each sentence the cosine of the window that it begins in; nothing if there are none, or others than fit.
fn of_windows(text: &str, ranges: &[Range<usize>], near: &[f32]) -> Vec<f32> {
    if let [] | [_] = near {
        return near.repeat(ranges.len());
    }
    let windows = windows(text);
    if windows.len() != near.len() {
        return Vec::new();
    }
    let of = |range: &Range<usize>| {
        let behind = windows.partition_point(|window| window.start <= range.start);
        near[behind.saturating_sub(1)]
    };
    ranges.iter().map(of).collect()
}

/// A sentence as it is read: what it would be if it were normalised alone.
fn line<'a>(text: &str, normalized: &'a Normalized, range: &Range<usize>) -> Line<'a> {
    let text = match normalized.part(range.clone()) {
        Some(part) => Cow::Borrowed(part),
        None => Cow::Owned(Normalized::new(&text[range.clone()]).text),
    };
    let marker = marker_length(&text);
    Line { text, marker }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{QueryTerm, TermOrigin};
    use proptest::prelude::*;

    /// A finder whose terms are these words, all of weight 2, and their pairs, of weight 1.
    fn finder(question: &str, words: &[&str]) -> AnswerFinder {
        let term = |text: &str| QueryTerm {
            text: text.to_owned(),
            weight: 1.0,
            origin: TermOrigin::Written,
        };
        let pairs = words.iter().flat_map(|word| {
            let characters: Vec<char> = word.chars().collect();
            characters.windows(2).map(String::from_iter).collect::<Vec<_>>()
        });
        let query = LexicalQuery {
            words: words.iter().map(|word| term(word)).collect(),
            bigrams: pairs.map(|pair| term(&pair)).collect(),
            ..LexicalQuery::default()
        };
        let weights = QuestionWeights {
            words: vec![2.0; query.words.len()],
            bigrams: vec![1.0; query.bigrams.len()],
        };
        AnswerFinder::new(question, &query, &weights)
    }

    fn weighed(finder: &AnswerFinder, text: &str, title: &str) -> Weighed {
        let title = finder.terms(&Normalized::new(title).text);
        finder.weigh(text, &Normalized::new(text), &title, &Nearness::default())
    }

    fn best(finder: &AnswerFinder, text: &str, title: &str) -> Option<Range<usize>> {
        let weighed = weighed(finder, text, title);
        weighed.best(weighed.most_matched()).map(|(_, range)| range)
    }

    /// What would be shown if nothing beside the best sentence were any good.
    fn best_alone(finder: &AnswerFinder, text: &str, title: &str) -> Option<Range<usize>> {
        let weighed = weighed(finder, text, title);
        let (_, at) = weighed.top(weighed.most_matched())?;
        Some(shown(&weighed.pieces, at, None, weighed.list))
    }

    #[test]
    fn the_sentence_that_answers_is_found() {
        let check = |question: &str, words: &[&str], title: &str, text: &str, expected: &str| {
            let best = best_alone(&finder(question, words), text, title).map(|range| &text[range]);
            assert_eq!(best, Some(expected), "{question}");
        };
        // The most of what was asked.
        check(
            "断缴可以补缴吗",
            &["断缴", "补缴"],
            "",
            "断缴的情况很多。断缴以后可以补缴。补缴很方便。",
            "断缴以后可以补缴。",
        );
        // An amount is asked for, a sentence with an amount answers.
        check(
            "补办卡要多少钱",
            &["补办", "卡"],
            "",
            "补办卡需要本人到经办机构提交申请。补办一般费用为20元。",
            "补办一般费用为20元。",
        );
        // A date is no length of time, the number of an item is no number.
        check(
            "备案几天生效",
            &["备案", "生效"],
            "",
            "1.备案从2025年3月4日起可以生效。2.备案提交以后3个工作日内生效。",
            "2.备案提交以后3个工作日内生效。",
        );
        check(
            "最多绑定几个人",
            &["绑定"],
            "",
            "3.绑定以后亲属就可以使用余额了。4.绑定的亲属不得超过5人。",
            "4.绑定的亲属不得超过5人。",
        );
        // A heading says what the lines below it are about, and is no answer itself.
        check(
            "转移要多久",
            &["转移", "时限"],
            "",
            "一、转移渠道\n通过平台申请转移。\n二、转移时限\n10个工作日内完成转出。",
            "10个工作日内完成转出。",
        );
        check(
            "备案流程",
            &["备案", "流程"],
            "",
            "备案流程:\n先登录平台，再选择就医地，最后提交。",
            "先登录平台，再选择就医地，最后提交。",
        );
        check(
            "医保断了能补吗",
            &["医保", "断", "补"],
            "",
            "医保断了能补吗？医保断了三个月内能补。",
            "医保断了三个月内能补。",
        );
        // What the title says already tells sentences apart less.
        check(
            "大额医保清零",
            &["大额医保", "清零"],
            "大额医保",
            "大额医保是一种医疗保险。余额在年底不会清零。",
            "余额在年底不会清零。",
        );
        // 没有备案 is 未备案.
        check(
            "没有备案报销比例是多少",
            &["备案", "报销", "比例"],
            "",
            "已备案的报销比例为80%。未备案的报销比例为60%。",
            "未备案的报销比例为60%。",
        );
        // Of two conditions the one that covers the case; one alone may be the answer though it fails.
        check(
            "断了四个月,等多久恢复待遇",
            &["断", "恢复", "待遇"],
            "",
            "若在3个月内补缴,补缴到账后1个月恢复待遇。超过3个月补缴的,需等待30天恢复待遇。",
            "超过3个月补缴的,需等待30天恢复待遇。",
        );
        check(
            "孩子两岁能理赔吗",
            &["理赔"],
            "",
            "申请理赔时年龄必须在三周岁以上。理赔材料见附表。",
            "申请理赔时年龄必须在三周岁以上。",
        );
        // The most that is paid: the sentence that limits, whatever else is counted elsewhere; 7.34 is no number.
        check(
            "床位费最多给多少",
            &["床位费"],
            "",
            "7.34 床位费指住院期间的费用。设一张病床的病房为单人病房,有两种的按其中一种。床位费以单人间的标准为最高限额。",
            "床位费以单人间的标准为最高限额。",
        );
        // The office's word for the asker's.
        check(
            "必须有本地户口吗",
            &["户口"],
            "",
            "个体工商户均可自愿参加。不受户籍限制,可在居住地参保。",
            "不受户籍限制,可在居住地参保。",
        );
        // An item is shown with the line that leads into its list and what stands between.
        check(
            "容器破了赔吗",
            &["容器", "破了"],
            "",
            "下列损失不负责赔偿：（一）容器损坏的损失；（二）罚款。",
            "下列损失不负责赔偿：（一）容器损坏的损失；",
        );
        check(
            "罚款赔吗",
            &["罚款"],
            "",
            "下列损失不负责赔偿：（一）容器损坏的损失；（二）各种罚款和罚金的损失。",
            "下列损失不负责赔偿：（一）容器损坏的损失；（二）各种罚款和罚金的损失。",
        );
        // Papers: one by chance is not a list of them.
        check(
            "参保要带什么材料",
            &["参保"],
            "",
            "参保后凭身份证就医。参保登记需户口本、身份证原件及复印件。",
            "参保登记需户口本、身份证原件及复印件。",
        );
        // Width, case and script do not matter.
        check(
            "用哪個ＡＰＰ",
            &["app"],
            "",
            "医院很多。下载ＡＰＰ后登录即可。",
            "下载ＡＰＰ后登录即可。",
        );
        // Nothing matches: the first statement, not the heading.
        check(
            "比特币",
            &["比特币"],
            "",
            "参保须知\n参保要带身份证。缴费要及时。",
            "参保要带身份证。",
        );
        check("", &[], "", "只有一句。", "只有一句。");
    }

    #[test]
    fn the_sentence_that_is_nearest_by_meaning_answers() {
        let text = "退保要先提交申请。扣除工本费后退还全部保费。三十天内到账。";
        let finder = finder("能拿回多少", &["拿回"]);
        let check = |windows: &[f32], sentences: &[f32], expected: usize| {
            let near = Nearness {
                windows,
                sentences: sentences.to_vec(),
            };
            let weighed = finder.weigh(text, &Normalized::new(text), &[], &near);
            assert_eq!(
                weighed.top(weighed.most_matched()).unwrap().1,
                expected,
                "{windows:?} {sentences:?}"
            );
        };
        check(&[0.5], &[0.4, 0.7, 0.5], 1);
        check(&[0.5], &[0.4, 0.5, 0.7], 2);
        // One without a vector is as near as what it stands in.
        check(&[0.5], &[0.3, 0.4], 2);
        check(&[0.5], &[], 0);
        check(&[], &[], 0);
    }

    #[test]
    fn a_tables_header_is_no_answer() {
        let finder = finder("门诊报销比例是多少", &["门诊", "报销", "比例"]);
        let check = |text: &str, expected: &str| {
            let best = best_alone(&finder, text, "").map(|range| &text[range]);
            assert_eq!(best, Some(expected), "{text}");
        };
        check("门诊报销 | 比例\n在职 | 80%\n退休 | 85%", "在职 | 80%");
        check("甲 | 乙", "甲 | 乙");
    }

    #[test]
    fn equal_sentences_go_by_order() {
        let text = "断了医保可以补缴。断了医保可以补缴。";
        assert_eq!(best_alone(&finder("医保", &["医保"]), text, ""), Some(0..27));
    }

    #[test]
    fn the_better_neighbour_is_shown_if_it_answers_nearly_as_well() {
        let check = |text: &str, expected: &str| {
            let best = best(&finder("断缴可以补缴吗", &["断缴", "补缴"]), text, "").map(|range| &text[range]);
            assert_eq!(best, Some(expected), "{text}");
        };
        check(
            "天气很好的一天。断缴以后可以补缴的。断缴的可以补缴三个月。",
            "断缴以后可以补缴的。断缴的可以补缴三个月。",
        );
        check("断缴以后可以补缴的。天气很好的一天。", "断缴以后可以补缴的。");
    }

    #[test]
    fn an_empty_text_has_no_sentence() {
        assert_eq!(best(&finder("医保", &["医保"]), " \n", ""), None);
        assert_eq!(best(&finder("医保", &["医保"]), "", ""), None);
    }

    proptest! {
        #[test]
        fn the_best_sentence_is_whole_sentences(
            question in "(\\PC|[多少几个天吗没有不备案]){0,12}",
            text in "(\\PC|[。？：；3元%月天备案未第(一)•\n ]){0,60}",
            title in "\\PC{0,6}",
        ) {
            let found = best(&finder(&question, &["备案", "案", "未"]), &text, &title);
            let ranges = sentences(&text);
            prop_assert_eq!(found.is_none(), ranges.is_empty());
            if let Some(found) = found {
                let begins = ranges.iter().position(|range| range.start == found.start);
                let ends = ranges.iter().position(|range| range.end == found.end);
                prop_assert!(begins.is_some_and(|at| ends.is_some_and(|end| end >= at)));
            }
        }
    }
}
