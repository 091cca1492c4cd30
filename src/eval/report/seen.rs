//! What a person sees beside the order of the articles: how sure the answer is of itself, and the sentences it shows.
//!
//! Owns how both are counted against a set that says what is right. Never searches.

use std::collections::BTreeMap;

use super::data::{AnswerableReport, Report, SentenceCount};
use crate::eval::auc::auc;
use crate::eval::dataset::{Dataset, Query, RightSentence};

/// Articles looked at for a sentence that was judged.
const LOOKED_AT: usize = 10;

/// What one question was shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// How likely an answer is, 0 to 1, if anything was said.
    pub answerable: Option<f32>,
    /// The first articles, best first, each with the sentence that was shown of it.
    pub sentences: Vec<(String, Option<String>)>,
}

impl Report {
    /// Adds what the last mode showed, by question: how often a right sentence was shown, and how well the chance tells
    /// questions with an answer from those of [`Dataset::unanswerable`].
    pub fn add_seen(&mut self, dataset: &Dataset, seen: &BTreeMap<String, Seen>) {
        self.answerable = answerable(dataset, seen);
        if dataset.sentences.is_empty() {
            return;
        }
        let mut all = SentenceCount::default();
        for query in dataset.judged() {
            let Some(counted) = count(query, &dataset.sentences, seen.get(&query.id)) else {
                continue;
            };
            let kinds = self.kinds.0.iter_mut();
            let of_kind = kinds.filter(|(kind, _)| Some(kind) == query.kind.as_ref());
            let of_kind = of_kind.map(|(_, means)| means.best_sentence.get_or_insert_default());
            for sum in of_kind.chain([&mut all]) {
                sum.questions += counted.questions;
                sum.found += counted.found;
                sum.right += counted.right;
                sum.right_first += counted.right_first;
            }
        }
        self.best_sentence = Some(all);
    }
}

/// How far apart `answerable` is of the judged questions and of those that nothing answers; none if nothing was said of
/// any, or the set names none of the latter.
fn answerable(dataset: &Dataset, seen: &BTreeMap<String, Seen>) -> Option<AnswerableReport> {
    let chance = |id: &String| seen.get(id)?.answerable.map(f64::from);
    let answered: Vec<f64> = dataset.judged().filter_map(|query| chance(&query.id)).collect();
    let mut unanswered: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for query in &dataset.unanswerable {
        let Some(chance) = chance(&query.id) else { continue };
        unanswered.entry("all".into()).or_default().push(chance);
        if !query.kind.is_empty() {
            unanswered.entry(query.kind.clone()).or_default().push(chance);
        }
    }
    let counted = unanswered.iter().map(|(kind, chances)| (kind.clone(), chances.len()));
    let areas = unanswered.iter();
    let areas = areas.filter_map(|(kind, chances)| Some((kind.clone(), auc(&answered, chances)?)));
    let report = AnswerableReport {
        answered: answered.len(),
        unanswerable: counted.collect(),
        auc: areas.collect(),
    };
    (!report.auc.is_empty()).then_some(report)
}

/// What is right of one question; none if no sentence of it was judged.
fn count(query: &Query, sentences: &[RightSentence], seen: Option<&Seen>) -> Option<SentenceCount> {
    let judged: Vec<&RightSentence> = sentences.iter().filter(|right| right.query == query.id).collect();
    if judged.is_empty() {
        return None;
    }
    let shown = seen.map_or(&[][..], |seen| &seen.sentences).iter().take(LOOKED_AT);
    let has = |article: &str| judged.iter().any(|right| right.article == article);
    let first = shown.enumerate().find(|(_, (article, _))| has(article));
    let right = first.is_some_and(|(_, (article, sentence))| {
        let mut of_article = judged.iter().filter(|right| right.article == *article);
        let shown = sentence.as_deref().unwrap_or_default();
        of_article.any(|right| is_same(shown, &right.sentence))
    });
    let first_place = matches!(first, Some((0, _)));
    Some(SentenceCount {
        questions: 1,
        found: usize::from(first.is_some()),
        right: usize::from(right),
        right_first: usize::from(right && first_place),
    })
}

/// Whether what was shown is the judged sentence, more than it, or most of it; white space apart.
fn is_same(shown: &str, judged: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let (shown, judged) = (plain(shown), plain(judged));
    let most = 2 * shown.len() >= judged.len();
    !shown.is_empty() && (shown.contains(&judged) || (most && judged.contains(&shown)))
}

#[cfg(test)]
mod tests {
    use super::super::build::tests::{dataset, two_modes};
    use super::super::data::ReportOptions;
    use super::*;
    use crate::eval::dataset::Unanswerable;

    #[test]
    fn sentences_and_chances_are_counted() {
        let mut dataset = dataset();
        let right = |query: &str, article: &str, sentence: &str| RightSentence {
            query: query.into(),
            article: article.into(),
            sentence: sentence.into(),
        };
        dataset.sentences = vec![
            right("k-1", "k-a", "每年缴一次。"),
            right("k-2", "k-b", "可以补缴 两个月。"),
            right("k-3", "k-c", "先备案。"),
        ];
        let unanswerable = |id: &str, kind: &str| Unanswerable {
            id: id.into(),
            kind: kind.into(),
        };
        dataset.unanswerable = vec![unanswerable("k-4", "near")];
        for query in &mut dataset.queries {
            query.kind = Some(if query.id == "k-1" { "口语" } else { "其他" }.into());
        }
        let seen = |answerable: f32, sentences: &[(&str, &str)]| Seen {
            answerable: Some(answerable),
            sentences: sentences
                .iter()
                .map(|(article, sentence)| ((*article).into(), Some((*sentence).into())))
                .collect(),
        };
        let all = BTreeMap::from([
            ("k-1".to_owned(), seen(0.9, &[("k-a", "每年缴一次。")])),
            (
                "k-2".to_owned(),
                seen(0.4, &[("x", "无关。"), ("k-b", "是的。可以补缴两个月。")]),
            ),
            ("k-3".to_owned(), seen(0.8, &[("k-c", "后备案。")])),
            ("k-4".to_owned(), seen(0.5, &[])),
        ]);
        let mut report = Report::new(&dataset, &two_modes(), &ReportOptions::default()).unwrap();
        report.add_seen(&dataset, &all);
        let counted = |questions, found, right, right_first| {
            Some(SentenceCount {
                questions,
                found,
                right,
                right_first,
            })
        };
        assert_eq!(report.best_sentence, counted(3, 3, 2, 1));
        assert_eq!(report.kinds.get("口语").unwrap().best_sentence, counted(1, 1, 1, 1));
        assert_eq!(report.kinds.get("其他").unwrap().questions, 2);
        let answerable = report.answerable.unwrap();
        assert_eq!(answerable.auc["near"], 2.0 / 3.0);
        assert_eq!((answerable.answered, answerable.unanswerable["all"]), (3, 1));
    }

    #[test]
    fn a_sentence_is_the_judged_one_or_most_of_it() {
        let check = |shown: &str, judged: &str, expected: bool| {
            assert_eq!(is_same(shown, judged), expected, "{shown} {judged}");
        };
        check("可以。", "可以。", true);
        check("不，可以 补缴。", "可以补缴。", true);
        check("可以补缴，", "可以补缴，三个月内。", true);
        check("可以", "可以补缴，但要在三个月之内提出申请。", false);
        check("", "", false);
        check("", "可以。", false);
    }
}
