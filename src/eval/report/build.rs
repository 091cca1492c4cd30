//! From rankings and judgements to a report: over the whole corpus, over each question's own kind of passages, the
//! worst and the most changed questions.

use std::collections::BTreeMap;

use super::data::{Change, KindMeans, ModeRun, Ordered, QuestionReport, Report, ReportOptions, Scope};
use super::measured::Measured;
use crate::error::{Error, Result};
use crate::eval::dataset::{Dataset, Query};
use crate::eval::metrics::mean;
use crate::eval::own_kind;
use crate::eval::run::Run;

impl Report {
    /// Measures the modes over the judged questions of a set. The first mode is the one that others are compared
    /// with in [`Report::changed`], the last one the one that matters (lexical, dense, hybrid: in this order).
    ///
    /// # Errors
    /// `Caller` if there are no modes, two have one name, or no measures.
    pub fn new(dataset: &Dataset, modes: &[ModeRun], options: &ReportOptions) -> Result<Report> {
        let (Some(first), Some(last), Some(main)) = (modes.first(), modes.last(), options.metrics.first().copied())
        else {
            return Err(Error::caller("a report needs at least one mode and one measure"));
        };
        check_names(modes)?;
        let questions: Vec<&Query> = dataset.judged().collect();
        let runs: Vec<&Run> = modes.iter().map(|mode| &mode.run).collect();
        let measured = Measured::new(modes, &runs, &dataset.qrels, &questions, &options.metrics);
        let per_question: Vec<QuestionReport> = (0..questions.len())
            .map(|place| measured.question(place, questions[place], &dataset.qrels))
            .collect();

        let [before, after] = [first, last].map(|mode| values(&per_question, &mode.mode, &main.to_string()));
        let worst = lowest(&after, options.listed, |place| &per_question[place].id)
            .into_iter()
            .map(|place| per_question[place].clone())
            .collect();
        let changed = most_changed(&per_question, [first, last], &before, &after, options.listed);
        Ok(Report {
            dataset: dataset.name.clone(),
            questions: dataset.queries.len(),
            judged: questions.len(),
            unjudged: dataset.unjudged(),
            orphans: dataset.orphans().len(),
            resamples: options.resamples,
            seed: options.seed,
            whole: measured.scope(options)?,
            own_kind: own_kind_scope(modes, dataset, &questions, options)?,
            kinds: by_kind(&questions, &per_question, last),
            answerable: None,
            best_sentence: None,
            worst,
            changed,
            per_question,
            made_by: BTreeMap::new(),
        })
    }
}

fn check_names(modes: &[ModeRun]) -> Result<()> {
    for (place, mode) in modes.iter().enumerate() {
        if modes[..place].iter().any(|before| before.mode == mode.mode) {
            return Err(Error::caller(format!("two modes are named `{}`", mode.mode)));
        }
    }
    Ok(())
}

/// What one measure says of each question in one mode.
fn values(questions: &[QuestionReport], mode: &str, measure: &str) -> Vec<f64> {
    let of = |question: &QuestionReport| {
        question
            .values
            .get(mode)
            .and_then(|values| values.get(measure))
            .copied()
    };
    questions.iter().map(|question| of(question).unwrap_or(0.0)).collect()
}

/// The questions whose values differ most between two modes.
fn most_changed(
    questions: &[QuestionReport],
    [first, last]: [&ModeRun; 2],
    before: &[f64],
    after: &[f64],
    listed: usize,
) -> Vec<Change> {
    let closeness: Vec<f64> = before
        .iter()
        .zip(after)
        .map(|(before, after)| -(after - before).abs())
        .collect();
    lowest(&closeness, listed, |place| &questions[place].id)
        .into_iter()
        .filter(|place| closeness[*place] < 0.0)
        .map(|place| Change {
            id: questions[place].id.clone(),
            text: questions[place].text.clone(),
            before: before[place],
            after: after[place],
            rank_before: questions[place].first_relevant.get(&first.mode).copied().flatten(),
            rank_after: questions[place].first_relevant.get(&last.mode).copied().flatten(),
        })
        .collect()
}

/// The means of one mode by kind of question, kinds by name.
fn by_kind(questions: &[&Query], measured: &[QuestionReport], mode: &ModeRun) -> Ordered<KindMeans> {
    let mut kinds: BTreeMap<&str, Vec<&Ordered<f64>>> = BTreeMap::new();
    for (query, question) in questions.iter().zip(measured) {
        if let (Some(kind), Some(values)) = (&query.kind, question.values.get(&mode.mode)) {
            kinds.entry(kind).or_default().push(values);
        }
    }
    let means = |values: &[&Ordered<f64>]| {
        let names = values.first().map_or(&[][..], |first| &first.0).iter();
        let mean = |at: usize| mean(&values.iter().map(|values| values.0[at].1).collect::<Vec<_>>());
        Ordered(
            names
                .enumerate()
                .map(|(at, (name, _))| (name.clone(), mean(at)))
                .collect(),
        )
    };
    let of = |(kind, values): (&str, Vec<&Ordered<f64>>)| {
        let means = KindMeans {
            questions: values.len(),
            means: means(&values),
            best_sentence: None,
        };
        (kind.to_owned(), means)
    };
    Ordered(kinds.into_iter().map(of).collect())
}

/// The scope of the own kind, where it says something new: every question has a kind, and some ranking holds another.
fn own_kind_scope(
    modes: &[ModeRun],
    dataset: &Dataset,
    questions: &[&Query],
    options: &ReportOptions,
) -> Result<Option<Scope>> {
    let mixed = |run: &Run| {
        questions.iter().any(|query| {
            run.of(&query.id)
                .iter()
                .any(|ranked| !own_kind::is_own_kind(&query.id, &ranked.doc))
        })
    };
    let judged_own_kind = |query: &Query| {
        let judgements = dataset.qrels.of(&query.id);
        judgements.is_some_and(|docs| docs.keys().any(|doc| own_kind::is_own_kind(&query.id, doc)))
    };
    let have_kinds = questions
        .iter()
        .all(|query| own_kind::kind(&query.id).is_some() && judged_own_kind(query));
    if !have_kinds || !modes.iter().any(|mode| mode.own_kind.is_some() || mixed(&mode.run)) {
        return Ok(None);
    }
    let own: Vec<Run> = modes
        .iter()
        .map(|mode| mode.own_kind.clone().unwrap_or_else(|| own_kind::own_kind(&mode.run)))
        .collect();
    let qrels = own_kind::own_kind_qrels(&dataset.qrels);
    Measured::new(
        modes,
        &own.iter().collect::<Vec<_>>(),
        &qrels,
        questions,
        &options.metrics,
    )
    .scope(options)
    .map(Some)
}

/// The places of the `count` lowest values, lowest first, ties by id.
fn lowest<'a>(values: &[f64], count: usize, id: impl Fn(usize) -> &'a String) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then_with(|| id(*a).cmp(id(*b))));
    places.truncate(count);
    places
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;
    use crate::eval::run::Ranked;

    /// Three judged questions of kind `k`, one unjudged, one orphan.
    pub fn dataset() -> Dataset {
        let dir = tempfile::tempdir().unwrap();
        let queries = [
            ("k-1", "医保怎么缴"),
            ("k-2", "断缴两个月"),
            ("k-3", "异地就医"),
            ("k-4", "没有判断"),
        ]
        .map(|(id, text)| format!("{{\"_id\":\"{id}\",\"text\":\"{text}\"}}\n"))
        .concat();
        fs::write(dir.path().join("queries.jsonl"), queries).unwrap();
        fs::write(
            dir.path().join("qrels.tsv"),
            "q\td\ts\nk-1\tk-a\t2\nk-2\tk-b\t1\nk-3\tk-c\t1\nk-9\tk-a\t1\n",
        )
        .unwrap();
        let mut dataset = Dataset::open(dir.path(), None).unwrap();
        dataset.name = "小集".to_owned();
        dataset
    }

    pub fn mode(name: &str, rankings: &[(&str, &[&str])]) -> ModeRun {
        let mut run = Run::default();
        for (query, docs) in rankings {
            run.insert(query, docs.iter().map(|doc| Ranked::new(*doc, 0.0)).collect())
                .unwrap();
        }
        ModeRun {
            mode: name.to_owned(),
            run,
            own_kind: None,
        }
    }

    pub fn two_modes() -> [ModeRun; 2] {
        [
            mode(
                "lexical",
                &[("k-1", &["k-a", "k-b"]), ("k-2", &["x-1", "k-b"]), ("k-3", &["k-a"])],
            ),
            mode("hybrid", &[("k-1", &["k-a"]), ("k-2", &["k-b", "x-1"])]),
        ]
    }

    #[test]
    fn a_report_counts_what_counts() {
        let report = Report::new(&dataset(), &two_modes(), &ReportOptions::default()).unwrap();
        assert_eq!(
            (report.questions, report.judged, report.unjudged, report.orphans),
            (4, 3, 1, 1)
        );
        let mean = |scope: &Scope, mode: &str| *scope.modes.get(mode).unwrap().get("MRR@10").unwrap();
        assert!((mean(&report.whole, "lexical") - 0.5).abs() < 1e-12);
        assert!((mean(&report.whole, "hybrid") - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(report.whole.empty.get("hybrid"), Some(&1));
        let own = report.own_kind.as_ref().unwrap();
        assert!(
            (mean(own, "lexical") - 2.0 / 3.0).abs() < 1e-12,
            "x-1 is gone from before k-b"
        );

        let ndcg = &report.whole.comparisons[0];
        assert_eq!(
            (ndcg.metric.as_str(), ndcg.before.as_str(), ndcg.after.as_str()),
            ("nDCG@10", "lexical", "hybrid")
        );
        assert_eq!((ndcg.wins, ndcg.losses), (1, 0));
        assert!((ndcg.difference.mean - (1.0 - 1.0 / 3f64.log2()) / 3.0).abs() < 1e-12);
        assert_eq!(report.whole.comparisons.len(), 4);

        assert_eq!(
            report.worst.iter().map(|q| q.id.as_str()).collect::<Vec<_>>(),
            ["k-3", "k-1", "k-2"]
        );
        assert_eq!(report.changed.len(), 1);
        assert_eq!(
            (report.changed[0].rank_before, report.changed[0].rank_after),
            (Some(2), Some(1))
        );
    }

    #[test]
    fn programs_find_means_by_mode_and_measure() {
        let report = Report::new(&dataset(), &two_modes(), &ReportOptions::default()).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["modes"]["hybrid"]["MRR@10"], 2.0 / 3.0);
        assert!(json["intervals"]["lexical"]["nDCG@10"][0].as_f64().unwrap() < 0.5);
        assert!(json["own_kind"]["modes"]["lexical"]["nDCG@10"].is_number());
        assert!(json["comparisons"][0]["p"].is_number());
        assert_eq!(json["per_question"][1]["first"]["lexical"], "x-1");
        assert_eq!(
            json["per_question"][2]["first_relevant"]["hybrid"],
            serde_json::Value::Null
        );
        let text = serde_json::to_string(&report).unwrap();
        assert!(
            text.find("\"lexical\"") < text.find("\"hybrid\""),
            "modes keep their order"
        );
    }

    #[test]
    fn the_own_kind_is_left_out_where_it_says_nothing_new() {
        let modes = [mode("hybrid", &[("k-1", &["k-a"])])];
        assert!(
            Report::new(&dataset(), &modes, &ReportOptions::default())
                .unwrap()
                .own_kind
                .is_none()
        );
        let mut searched = modes.clone();
        searched[0].own_kind = Some(mode("", &[("k-1", &["k-z", "k-a"])]).run);
        let own = Report::new(&dataset(), &searched, &ReportOptions::default())
            .unwrap()
            .own_kind
            .unwrap();
        assert!((own.modes.get("hybrid").unwrap().get("MRR@10").unwrap() - 0.5 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_report_of_nothing_is_refused() {
        let options = ReportOptions::default();
        assert!(Report::new(&dataset(), &[], &options).is_err());
        assert!(
            Report::new(
                &dataset(),
                &two_modes(),
                &ReportOptions {
                    metrics: vec![],
                    ..options.clone()
                }
            )
            .is_err()
        );
        let twice = [mode("a", &[]), mode("a", &[])];
        assert!(Report::new(&dataset(), &twice, &options).is_err());
    }
}
