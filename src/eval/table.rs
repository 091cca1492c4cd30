//! Owns how a report looks to a person: plain text in Chinese, columns that line up in a terminal where a Chinese
//! character is two columns wide. Never computes a number.

use std::fmt::Write as _;

use super::report::{Report, Scope};

/// Columns that a question's text may take.
const TEXT_WIDTH: usize = 48;

/// Rows of cells, lined up: the first column to the left, the others to the right, except the last if `text_last`.
pub fn align(rows: &[Vec<String>], text_last: bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            if column > 0 {
                line.push_str("  ");
            }
            if column == 0 || (text_last && column + 1 == columns) {
                line.push_str(cell);
                line.push_str(&padding);
            } else {
                line.push_str(&padding);
                line.push_str(cell);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Terminal columns of a text: two for East Asian wide and full-width characters, one for others.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        0..=0x1F | 0x7F..=0x9F | 0x0300..=0x036F | 0x200B..=0x200F | 0xFEFF => 0,
        _ => 1,
    }
}

/// The text on one line, cut to `columns` terminal columns with an ellipsis.
pub fn shorten(text: &str, columns: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&line) <= columns {
        return line;
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += char_width(c);
        if used > columns {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

impl Report {
    /// The report for people, in Chinese.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "数据集 {}：{} 个问题，{} 个有判断",
            self.dataset, self.questions, self.judged
        );
        if self.unjudged > 0 {
            let _ = writeln!(text, "  {} 个问题没有判断，不计入平均", self.unjudged);
        }
        if self.orphans > 0 {
            let _ = writeln!(
                text,
                "  {} 个有判断的编号不在 queries.jsonl 中，不计入平均",
                self.orphans
            );
        }
        let _ = writeln!(text, "\n全部文章");
        self.scope_table(&self.whole, &mut text);
        if let Some(own) = &self.own_kind {
            let _ = writeln!(text, "\n只看与问题同类的文章");
            self.scope_table(own, &mut text);
        }
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
        let mut rows = vec![[vec!["方式".to_owned()], names].concat()];
        for ((mode, means), (_, intervals)) in scope.modes.0.iter().zip(&scope.intervals.0) {
            let cells = means.0.iter().zip(&intervals.0);
            let cells = cells.map(|((_, mean), (_, [low, high]))| format!("{mean:.4} [{low:.3}, {high:.3}]"));
            rows.push(std::iter::once(mode.clone()).chain(cells).collect());
        }
        text.push_str(&align(&rows, false));
        for (mode, count) in scope.empty.0.iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(text, "  {mode}：{count} 个问题没有任何结果，按 0 计");
        }
        if scope.comparisons.is_empty() {
            return;
        }
        let header = ["比较", "指标", "差", "95% 区间", "p", "升", "降", ""]
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
                if difference.clear_of_zero() { "显著" } else { "" }.to_owned(),
            ]);
        }
        let _ = writeln!(text, "配对自助法：{} 次重抽样，种子 {}", self.resamples, self.seed);
        text.push_str(&align(&rows, true));
    }

    fn worst_table(&self, text: &mut String) {
        let Some((mode, metric)) = self.main() else { return };
        if self.worst.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{mode} 答得最差的问题（按 {metric}）");
        let mut rows = vec![
            ["编号", metric, "首个正确", "排第一的", "问题"]
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
                    .unwrap_or_else(|| "无".to_owned()),
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
        let _ = writeln!(text, "\n从 {first} 到 {last} 变化最大的问题（按 {metric}）");
        let mut rows = vec![
            ["编号", "变化", "之前", "之后", "名次", "问题"]
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
    rank.map_or_else(|| "未找到".to_owned(), |rank| rank.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::report::ReportOptions;
    use crate::eval::report::tests::{dataset, two_modes};

    #[test]
    fn columns_line_up_where_characters_are_wide() {
        let rows = [vec!["方式", "nDCG"], vec!["a", "0.5"]].map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(align(&rows, false), "方式  nDCG\na      0.5\n");
        assert_eq!(align(&rows, true), "方式  nDCG\na     0.5\n");
        assert_eq!(align(&[], true), "");
    }

    #[test]
    fn texts_are_cut_to_columns() {
        let check = |text: &str, columns: usize, expected: &str| {
            assert_eq!(shorten(text, columns), expected);
            assert!(width(expected) <= columns.max(1));
        };
        check("医保怎么缴", 10, "医保怎么缴");
        check("医保怎么缴费", 10, "医保怎么…");
        check("a\n b\tc", 10, "a b c");
        check("abc", 0, "…");
        check("", 5, "");
    }

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
            "数据集 小集：4 个问题，3 个有判断",
            "1 个问题没有判断",
            "1 个有判断的编号不在",
            "全部文章\n方式",
            "只看与问题同类的文章",
            "hybrid − lexical",
            "hybrid：1 个问题没有任何结果",
            "hybrid 答得最差的问题（按 nDCG@10）",
            "未找到",
            "2 → 1",
            "断缴两个月",
        ] {
            assert!(table.contains(part), "`{part}` is not in\n{table}");
        }
        assert!(table.lines().all(|line| line == line.trim_end()));
    }
}
