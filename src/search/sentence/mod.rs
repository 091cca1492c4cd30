//! Which sentence of a passage answers a question best, by words alone: a query pays microseconds for it.
//!
//! Owns the weighing of sentences. A sentence is worth the idf of the question's terms in it; terms of the title and
//! terms that every sentence holds tell sentences apart less and weigh less; what the headings above it hold counts in
//! part; a sentence that holds the kind of thing that is asked for (see `question`) is worth more. Never embeds and
//! never segments.

use std::borrow::Cow;
use std::ops::Range;

mod condition;
mod question;
mod shape;

use self::condition::{Case, Fit};
use self::question::{Asked, Kind};
use self::shape::{Form, Shape, marker_length};
use super::phrases::Phrases;
use crate::index::{EvidenceSet, LexicalQuery};
use crate::text::{Normalized, sentences};

/// Weight of a term that the title holds too: every sentence is about it.
const IN_TITLE: f32 = 0.3;
/// A term in every sentence loses this part of its weight, one in half of them half of it.
const COMMON: f32 = 0.75;
/// What a term counts that only the heading right above holds, and one that only the heading above that holds.
const ABOVE: [f32; 2] = [0.5, 0.15];
/// A sentence that holds what is asked for is worth this much more: of an exact kind, of another.
const TELLING_EXACTLY: f32 = 1.0;
const TELLING: f32 = 0.3;
/// Part of the question's whole weight that telling of an exact kind is worth by itself: an answer under a heading may
/// hold the number and no word of the question.
const TELLING_ALONE: f32 = 0.05;
/// How far a hint, a single tell where several are wanted, and a telling heading count against a tell.
const HINT: f32 = 0.4;
const ONE_OF_SEVERAL: f32 = 0.7;
const TELLING_HEADING: f32 = 0.5;
/// 没有备案 in a question is 未备案 in an answer, and weighs this part of what is negated.
const NEGATED: f32 = 0.8;
/// A contract's word for a spoken one weighs this part of the question's mean word.
const FORMAL: f32 = 0.8;
/// Worth of a sentence whose condition holds in the case that the question tells, and of one whose condition fails.
const HOLDS: f32 = 1.2;
const FAILS: f32 = 0.6;
/// An item is shown with the line that leads into its list if both together have at most so many characters.
const LONGEST_WITH_LEAD: usize = 110;

/// What is looked for in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// A term of the question, by its place in `weights`.
    Term(usize),
    /// Of the kind at this place in `kinds`: it tells.
    Tell(usize),
    /// It tells if a number stands before it.
    Unit(usize),
    /// A digit: it tells if enough others follow.
    Digit(usize),
    /// It may tell.
    Hint(usize),
}

/// Finds the sentence that answers one question.
pub(super) struct AnswerFinder {
    case: Case,
    kinds: Vec<&'static Kind>,
    weights: Vec<f32>,
    /// All phrases that are looked for, sorted, and what each is a sign of.
    phrases: Phrases,
    signs: Vec<Sign>,
}

/// A sentence, normalised, and how long the list marker is that it begins with.
struct Line<'a> {
    text: Cow<'a, str>,
    marker: usize,
}

/// What one sentence holds.
#[derive(Debug, Clone, Copy)]
struct Content<'a> {
    /// Distinct terms.
    terms: &'a [usize],
    /// How well each kind's thing is there, 0 to 1.
    telling: &'a [f32],
}

/// What the sentences of a passage hold.
struct Contents {
    /// How many kinds there are.
    kinds: usize,
    /// For each sentence where its terms end in `terms`.
    ends: Vec<usize>,
    terms: Vec<usize>,
    telling: Vec<f32>,
    /// For each sign the last sentence (from 1) that it was seen in.
    seen: Vec<usize>,
    /// How many phrases tell of each kind in the sentence that is being read.
    tells: Vec<u32>,
}

impl AnswerFinder {
    /// `question` as it was asked; terms and idf as the index gave them.
    pub fn new(question: &str, query: &LexicalQuery, evidence: &EvidenceSet) -> Self {
        let question = Normalized::new(question).text;
        let mut terms: Vec<Weighted> = Vec::new();
        let words = query.words.iter().zip(&evidence.word_idf);
        let bigrams = query.bigrams.iter().zip(&evidence.bigram_idf);
        // Canonical terms (#11000) are not in any text as such.
        for (term, &idf) in words.chain(bigrams).filter(|(term, _)| !term.text.starts_with('#')) {
            terms.push((Cow::Borrowed(&term.text), idf.max(0.0)));
        }
        terms.sort_by(|a, b| a.0.cmp(&b.0));
        // A pair that is a word too counts as both.
        terms.dedup_by(|next, kept| {
            next.0 == kept.0 && {
                kept.1 += next.1;
                true
            }
        });
        let mut added = negated_terms(&question, &terms);
        added.extend(formal_terms(&question, &terms));
        terms.extend(added);
        let kinds = question::kinds(&question);
        let mut signs: Vec<(&str, Sign)> = Vec::new();
        for (at, (term, _)) in terms.iter().enumerate() {
            signs.push((term, Sign::Term(at)));
        }
        for (at, kind) in kinds.iter().enumerate() {
            let mut add = |phrases: &[&'static str], sign: Sign| signs.extend(phrases.iter().map(|&p| (p, sign)));
            add(kind.tells, Sign::Tell(at));
            add(kind.units, Sign::Unit(at));
            add(kind.hints, Sign::Hint(at));
            if kind.digits().is_some() {
                add(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], Sign::Digit(at));
            }
        }
        signs.retain(|(phrase, _)| !phrase.is_empty());
        signs.sort_unstable();
        AnswerFinder {
            case: Case::new(&question),
            kinds,
            phrases: Phrases::new(signs.iter().map(|(phrase, _)| *phrase)),
            signs: signs.into_iter().map(|(_, sign)| sign).collect(),
            weights: terms.into_iter().map(|(_, weight)| weight).collect(),
        }
    }

    /// The question's terms in a normalised text, distinct.
    pub fn terms(&self, text: &str) -> Vec<usize> {
        let mut contents = self.nothing_read(1);
        self.read(text, marker_length(text), &mut contents);
        contents.terms
    }

    /// The best sentence's score, comparable between passages of one article, and its byte range; of equal ones the
    /// first. `None` if the text has no sentence. `normalized` is the text normalised, `title` the terms of its
    /// article's title.
    pub fn best(&self, text: &str, normalized: &Normalized, title: &[usize]) -> Option<(f32, Range<usize>)> {
        let ranges = sentences(text);
        let lines: Vec<Line> = ranges.iter().map(|range| line(text, normalized, range)).collect();
        let mut contents = self.nothing_read(lines.len());
        for line in &lines {
            self.read(&line.text, line.marker, &mut contents);
        }
        let contents = contents;
        let fits: Vec<Fit> = lines.iter().map(|line| self.case.fit(&line.text)).collect();
        // A condition that fails may be the answer, unless another one covers the case.
        let contrasted = fits.contains(&Fit::Holds);
        let weights = self.local_weights(&contents, title);
        let total: f32 = weights.iter().sum();
        let (worth, alone) = match self.kinds.first() {
            Some(kind) if kind.exact => (TELLING_EXACTLY, TELLING_ALONE),
            _ => (TELLING, 0.0),
        };
        // The two headings above, the nearer one first.
        let mut above: [Option<Content>; 2] = [None, None];
        let mut after_heading = false;
        let mut counted = vec![usize::MAX; weights.len()];
        let mut best: Option<(f32, usize)> = None;
        for (at, line) in lines.iter().enumerate() {
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
            let telling = telling(content, above[0]);
            // Where nothing matches at all, what is left over still prefers statements that tell.
            let score = (matched + alone * total * telling) * shape.length_worth() + f32::EPSILON;
            let fits = match fits[at] {
                Fit::Holds => HOLDS,
                Fit::Fails if contrasted => FAILS,
                _ => 1.0,
            };
            let score = score * (1.0 + worth * telling) * fits * shape.worth(at + 1 == lines.len());
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, at));
            }
            let heading = shape.form != Form::Statement;
            if heading {
                above = [Some(content), if after_heading { above[0] } else { above[1] }];
            }
            after_heading = heading;
        }
        best.map(|(score, at)| (score, with_lead(text, &ranges, &lines, at)))
    }

    /// Nothing yet, with room for so many sentences.
    fn nothing_read(&self, sentences: usize) -> Contents {
        Contents {
            kinds: self.kinds.len(),
            ends: Vec::with_capacity(sentences),
            terms: Vec::with_capacity(4 * sentences),
            telling: Vec::with_capacity(self.kinds.len() * sentences),
            seen: vec![0; self.signs.len()],
            tells: vec![0; self.kinds.len()],
        }
    }

    /// The terms' weights in this passage.
    fn local_weights(&self, contents: &Contents, title: &[usize]) -> Vec<f32> {
        let mut weights = self.weights.clone();
        for &term in title {
            weights[term] *= IN_TITLE;
        }
        // Two sentences say nothing about what is common.
        let sentences = contents.ends.len();
        if sentences > 2 {
            let mut holders = vec![0usize; weights.len()];
            contents.terms.iter().for_each(|&term| holders[term] += 1);
            for (weight, held) in weights.iter_mut().zip(holders) {
                *weight *= 1.0 - COMMON * held as f32 / sentences as f32;
            }
        }
        weights
    }

    /// All signs in a normalised line, in one pass; `body` is where its list marker ends: a number that only counts the
    /// items of a list tells nothing.
    fn read(&self, line: &str, body: usize, into: &mut Contents) {
        let sentence = into.ends.len() + 1;
        let kinds = into.telling.len();
        into.telling.resize(kinds + into.kinds, 0.0);
        into.tells.fill(0);
        self.phrases.each(line, |at, number| {
            if into.seen[number] == sentence {
                return;
            }
            let told = match self.signs[number] {
                Sign::Term(term) => {
                    into.seen[number] = sentence;
                    into.terms.push(term);
                    return;
                }
                _ if at < body => return,
                Sign::Hint(kind) => {
                    into.seen[number] = sentence;
                    let telling = &mut into.telling[kinds + kind];
                    *telling = telling.max(HINT);
                    return;
                }
                Sign::Tell(kind) => Some(kind),
                Sign::Unit(kind) => {
                    let unit = self.phrases.get(number);
                    is_counted(&line[body..at], unit, self.kinds[kind]).then_some(kind)
                }
                Sign::Digit(kind) => {
                    let run = line[at..].bytes().take_while(u8::is_ascii_digit).count();
                    self.kinds[kind]
                        .digits()
                        .is_some_and(|least| run >= least)
                        .then_some(kind)
                }
            };
            if let Some(kind) = told {
                into.seen[number] = sentence;
                into.tells[kind] += 1;
            }
        });
        let telling = into.telling[kinds..].iter_mut();
        for ((telling, tells), kind) in telling.zip(&into.tells).zip(&self.kinds) {
            *telling = match tells {
                0 => *telling,
                1 if kind.several => ONE_OF_SEVERAL,
                _ => 1.0,
            };
        }
        into.ends.push(into.terms.len());
    }
}

impl Contents {
    /// What this sentence holds.
    fn of(&self, sentence: usize) -> Content<'_> {
        let start = sentence.checked_sub(1).map_or(0, |before| self.ends[before]);
        Content {
            terms: &self.terms[start..self.ends[sentence]],
            telling: &self.telling[sentence * self.kinds..(sentence + 1) * self.kinds],
        }
    }
}

/// How well a sentence tells what is asked, by itself and by its heading, 0 to 1.2.
fn telling(content: Content, heading: Option<Content>) -> f32 {
    let mut best = 0.0f32;
    for (kind, &own) in content.telling.iter().enumerate().filter(|(_, own)| **own > 0.0) {
        let above = heading.map_or(0.0, |heading| heading.telling[kind]);
        best = best.max((own + TELLING_HEADING * above).min(1.2));
    }
    best
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

/// The range of a sentence; of a list's first item together with the line that leads into the list, where both are
/// short: 下列损失不负责赔偿: says what becomes of the item.
fn with_lead(text: &str, ranges: &[Range<usize>], lines: &[Line], at: usize) -> Range<usize> {
    let found = ranges[at].clone();
    let Some(lead) = at.checked_sub(1) else { return found };
    if lines[at].marker == 0 || !lines[lead].text.ends_with(':') {
        return found;
    }
    let both = ranges[lead].start..found.end;
    match text[both.clone()].chars().count() <= LONGEST_WITH_LEAD {
        true => both,
        false => found,
    }
}

/// Whether a number stands at the end of `before`: 3个月, 20 日; but no date where a length of time is asked for.
fn is_counted(before: &str, unit: &str, kind: &Kind) -> bool {
    let number = |text: &str| text.trim_end().ends_with(is_numeral);
    let before = before.trim_end();
    let before = before.strip_suffix('个').filter(|rest| number(rest)).unwrap_or(before);
    if !number(before) {
        return false;
    }
    if kind.asked != Asked::Duration {
        return true;
    }
    let rest = before.trim_end_matches(is_numeral);
    match unit {
        "年" => before.len() - rest.len() != 4,
        "日" => !rest.trim_end().ends_with('月'),
        _ => true,
    }
}

fn is_numeral(character: char) -> bool {
    matches!(
        character,
        '0'..='9'
            | '.'
            | '一'
            | '二'
            | '三'
            | '四'
            | '五'
            | '六'
            | '七'
            | '八'
            | '九'
            | '十'
            | '百'
            | '千'
            | '万'
            | '两'
            | '半'
            | '数'
    )
}

/// A term and its weight.
type Weighted<'a> = (Cow<'a, str>, f32);

/// The pairs that a question negates by 没 or 没有, with 未 before them.
fn negated_terms<'a>(question: &str, terms: &[Weighted]) -> Vec<Weighted<'a>> {
    let mut found: Vec<Weighted> = Vec::new();
    for (at, no) in question.match_indices('没') {
        let rest = &question[at + no.len()..];
        let negated: String = rest.strip_prefix('有').unwrap_or(rest).chars().take(2).collect();
        if let Ok(place) = terms.binary_search_by(|(term, _)| (**term).cmp(negated.as_str())) {
            let term = (Cow::Owned(format!("未{negated}")), NEGATED * terms[place].1);
            if !found.contains(&term) {
                found.push(term);
            }
        }
    }
    found
}

/// The contracts' words for what the question says in spoken ones, where the question does not hold them itself.
fn formal_terms<'a>(question: &str, terms: &[Weighted]) -> Vec<Weighted<'a>> {
    let long = terms.iter().filter(|(term, _)| term.chars().nth(1).is_some());
    let (sum, count) = long.fold((0.0, 0u32), |(sum, count), (_, weight)| (sum + weight, count + 1));
    let weight = FORMAL * sum / count.max(1) as f32;
    let mut found: Vec<Weighted> = Vec::new();
    for formal in question::formal_words(question) {
        let known = |list: &[Weighted]| list.iter().any(|(term, _)| term == formal);
        if !known(terms) && !known(&found) {
            found.push((Cow::Borrowed(formal), weight));
        }
    }
    found
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
        let evidence = EvidenceSet {
            word_idf: vec![2.0; query.words.len()],
            bigram_idf: vec![1.0; query.bigrams.len()],
            ..EvidenceSet::default()
        };
        AnswerFinder::new(question, &query, &evidence)
    }

    fn best(finder: &AnswerFinder, text: &str, title: &str) -> Option<(f32, Range<usize>)> {
        let title = finder.terms(&Normalized::new(title).text);
        finder.best(text, &Normalized::new(text), &title)
    }

    #[test]
    fn the_sentence_that_answers_is_found() {
        let check = |question: &str, words: &[&str], title: &str, text: &str, expected: &str| {
            let best = best(&finder(question, words), text, title).map(|(_, range)| &text[range]);
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
            "理赔材料见附表。申请理赔时年龄必须在三周岁以上。",
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
        // An item right behind the line that leads into its list is shown with it, a later one cannot be.
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
            "（二）各种罚款和罚金的损失。",
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
    fn equal_sentences_go_by_order() {
        let text = "医保可以补缴。医保可以补缴。";
        assert_eq!(
            best(&finder("医保", &["医保"]), text, "").map(|(_, range)| range),
            Some(0..21)
        );
    }

    #[test]
    fn an_empty_text_has_no_sentence() {
        assert_eq!(best(&finder("医保", &["医保"]), " \n", ""), None);
        assert_eq!(best(&finder("医保", &["医保"]), "", ""), None);
    }

    #[test]
    fn numbers_before_units_are_told_from_dates() {
        let check = |before: &str, unit: &str, question: &str, expected: bool| {
            let kind = question::kinds(question)[0];
            assert_eq!(
                is_counted(before, unit, kind),
                expected,
                "{before}{unit} for {question}"
            );
        };
        check("等3个", "月", "几号", true);
        check("需 20 ", "日", "多久", true);
        check("三十", "日", "多久", true);
        check("11月30", "日", "多久", false);
        check("2025", "年", "多久", false);
        check("满15", "年", "多久", true);
        check("每", "日", "多久", false);
        check("一个", "工作日", "多久", true);
        check("这个", "工作日", "多久", false);
        check("", "日", "多久", false);
    }

    proptest! {
        #[test]
        fn the_best_sentence_is_whole_sentences(
            question in "(\\PC|[多少几个天吗没有不备案]){0,12}",
            text in "(\\PC|[。？：；3元%月天备案未第(一)•\n ]){0,60}",
            title in "\\PC{0,6}",
        ) {
            let found = best(&finder(&question, &["备案", "案", "未"]), &text, &title).map(|(_, range)| range);
            let ranges = sentences(&text);
            prop_assert_eq!(found.is_none(), ranges.is_empty());
            if let Some(found) = found {
                let begins = ranges.iter().position(|range| range.start == found.start);
                let ends = ranges.iter().position(|range| range.end == found.end);
                // One sentence, or an item with the one before it.
                prop_assert!(begins.is_some_and(|at| ends == Some(at) || ends == Some(at + 1)));
            }
        }
    }
}
