//! How a report looks to a person: plain text in English. Never computes a number.

use std::fmt::Write as _;

use super::data::{Report, Scope};
use crate::eval::table::{align, shorten};

/// Columns that a question's text may take.
const TEXT_WIDTH: usize = 48;

impl Report {
    /// The report for people.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "dataset {}: {} questions, {} judged",
            self.dataset, self.questions, self.judged
        );
        if self.unjudged > 0 {
            let _ = writeln!(
                text,
                "  questions without a judgement, not in the means: {}",
                self.unjudged
            );
        }
        if self.orphans > 0 {
            let _ = writeln!(
                text,
                "  judged ids that are not in queries.jsonl, not in the means: {}",
                self.orphans
            );
        }
        let _ = writeln!(text, "\nall articles");
        self.scope_table(&self.whole, &mut text);
        if let Some(own) = &self.own_kind {
            let _ = writeln!(text, "\narticles of the question's own kind");
            self.scope_table(own, &mut text);
        }
        self.seen(&mut text);
        self.kinds_table(&mut text);
        self.worst_table(&mut text);
        self.changed_table(&mut text);
        text
    }

    fn scope_table(&self, scope: &Scope, text: &mut String) {
        let names: Vec<String> = scope
            .modes
            .0
            .first()
            .map(|(_, means)| means.0.iter().map(|(name, _)| name.clone()).collect())
            .unwrap_or_default();
        let mut rows = vec![[vec!["mode".to_owned()], names].concat()];
        for ((mode, means), (_, intervals)) in scope.modes.0.iter().zip(&scope.intervals.0) {
            let cells = means.0.iter().zip(&intervals.0);
            let cells = cells.map(|((_, mean), (_, [low, high]))| format!("{mean:.4} [{low:.3}, {high:.3}]"));
            rows.push(std::iter::once(mode.clone()).chain(cells).collect());
        }
        text.push_str(&align(&rows, false));
        for (mode, count) in scope.empty.0.iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(text, "  {mode}: questions without a hit, counted as 0: {count}");
        }
        if scope.comparisons.is_empty() {
            return;
        }
        let header = [
            "compared",
            "metric",
            "difference",
            "95% interval",
            "p",
            "better",
            "worse",
            "",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut rows = vec![header];
        for comparison in &scope.comparisons {
            let difference = &comparison.difference;
            rows.push(vec![
                format!("{} − {}", comparison.after, comparison.before),
                comparison.metric.clone(),
                format!("{:+.4}", difference.mean),
                format!("[{:+.4}, {:+.4}]", difference.low, difference.high),
                format!("{:.4}", difference.p),
                comparison.wins.to_string(),
                comparison.losses.to_string(),
                if difference.clear_of_zero() { "clear" } else { "" }.to_owned(),
            ]);
        }
        let _ = writeln!(
            text,
            "paired bootstrap: {} resamples, seed {}",
            self.resamples, self.seed
        );
        text.push_str(&align(&rows, true));
    }

    /// What a person sees beside the order.
    fn seen(&self, text: &mut String) {
        if let Some(answerable) = &self.answerable {
            let areas = answerable.auc.iter().map(|(kind, auc)| {
                let count = answerable.unanswerable.get(kind).copied().unwrap_or(0);
                format!("{kind} {auc:.3} ({count})")
            });
            let areas: Vec<String> = areas.collect();
            let _ = writeln!(
                text,
                "\nquestions that are answered told from those that are not (AUC, {} answered): {}",
                answerable.answered,
                areas.join(", ")
            );
        }
        if let Some(counted) = &self.best_sentence {
            let _ = writeln!(
                text,
                "\nbest sentences: questions judged {}, their article among the first ten {}, of these right {}; right at the first hit {}",
                counted.questions, counted.found, counted.right, counted.right_first
            );
        }
    }

    fn kinds_table(&self, text: &mut String) {
        let (Some((mode, _)), Some((_, first))) = (self.main(), self.kinds.0.first()) else {
            return;
        };
        let _ = writeln!(text, "\n{mode}, by kind of question");
        let names = first.means.0.iter().map(|(name, _)| name.clone());
        let mut rows = vec![
            ["kind", "questions"]
                .map(str::to_owned)
                .into_iter()
                .chain(names)
                .collect::<Vec<_>>(),
        ];
        let with_sentences = self.best_sentence.is_some();
        if with_sentences {
            rows[0].push("sentences right".to_owned());
        }
        for (kind, means) in &self.kinds.0 {
            let mut row = vec![kind.clone(), means.questions.to_string()];
            row.extend(means.means.0.iter().map(|(_, mean)| format!("{mean:.3}")));
            if with_sentences {
                let counted = means.best_sentence.unwrap_or_default();
                row.push(format!("{}/{}", counted.right, counted.questions));
            }
            rows.push(row);
        }
        text.push_str(&align(&rows, false));
    }

    fn worst_table(&self, text: &mut String) {
        let Some((mode, metric)) = self.main() else { return };
        if self.worst.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{mode}: the questions answered worst, by {metric}");
        let mut rows = vec![
            ["id", metric, "first right", "at the top", "question"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for question in &self.worst {
            let value = question
                .values
                .get(mode)
                .and_then(|values| values.get(metric))
                .copied()
                .unwrap_or(0.0);
            rows.push(vec![
                question.id.clone(),
                format!("{value:.4}"),
                rank(question.first_relevant.get(mode).copied().flatten()),
                question
                    .first
                    .get(mode)
                    .cloned()
                    .flatten()
                    .unwrap_or_else(|| "none".to_owned()),
                shorten(&question.text, TEXT_WIDTH),
            ]);
        }
        text.push_str(&align(&rows, true));
    }

    fn changed_table(&self, text: &mut String) {
        let (Some((last, metric)), Some((first, _))) = (self.main(), self.whole.modes.0.first()) else {
            return;
        };
        if self.changed.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "\nfrom {first} to {last}: the questions that changed most, by {metric}"
        );
        let mut rows = vec![
            ["id", "change", "before", "after", "place", "question"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for change in &self.changed {
            rows.push(vec![
                change.id.clone(),
                format!("{:+.4}", change.after - change.before),
                format!("{:.4}", change.before),
                format!("{:.4}", change.after),
                format!("{} → {}", rank(change.rank_before), rank(change.rank_after)),
                shorten(&change.text, TEXT_WIDTH),
            ]);
        }
        text.push_str(&align(&rows, true));
    }

    /// The mode that matters (the last) and the measure that decides (the first).
    fn main(&self) -> Option<(&str, &str)> {
        let (mode, means) = self.whole.modes.0.last()?;
        Some((mode, means.0.first()?.0.as_str()))
    }
}

fn rank(rank: Option<usize>) -> String {
    rank.map_or_else(|| "not found".to_owned(), |rank| rank.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::report::ReportOptions;
    use crate::eval::report::build::tests::{dataset, two_modes};

    #[test]
    fn a_person_sees_means_differences_and_questions() {
        let report = Report::new(
            &dataset(),
            &two_modes(),
            &ReportOptions {
                listed: 2,
                ..ReportOptions::default()
            },
        )
        .unwrap();
        let table = report.to_table();
        for part in [
            "dataset 小集: 4 questions, 3 judged",
            "questions without a judgement, not in the means: 1",
            "not in queries.jsonl, not in the means: 1",
            "all articles\nmode",
            "articles of the question's own kind",
            "hybrid − lexical",
            "hybrid: questions without a hit, counted as 0: 1",
            "hybrid: the questions answered worst, by nDCG@10",
            "not found",
            "2 → 1",
            "断缴两个月",
        ] {
            assert!(table.contains(part), "`{part}` is not in\n{table}");
        }
        assert!(table.lines().all(|line| line == line.trim_end()));
    }
}
