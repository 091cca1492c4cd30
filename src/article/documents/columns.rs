//! Pages whose words stand in columns that a reader of lines runs into each other: prose in several columns, and tables
//! whose cells wrap though no rules part their rows.
//!
//! Judges by places alone, where each piece of a line begins and ends. What cannot be told for sure is left to whoever
//! read the lines.

use std::ops::Range;

use super::super::layout::{COLONS, is_han, is_stop};
use super::super::lines::append;

/// Some words of a page, side by side, and their place: `y` grows upwards.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub x: f32,
    pub end: f32,
    pub y: f32,
    pub size: f32,
    pub text: String,
}

/// A horizontal rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub x: f32,
    pub end: f32,
    pub y: f32,
}

/// Most lines of a page that are looked at, and most that one part takes.
const MAX_ROWS: usize = 400;
/// The least gap between columns, in sizes of the letters.
const GAP: f32 = 0.9;
/// The least gap between words of one piece.
const SPACE: f32 = 0.15;
/// How far apart two lines may stand that are on one, or a line from where it belongs, in sizes.
const NEAR: f32 = 0.4;
/// How far apart the lines of one cell are at most, in sizes.
const LEADING: f32 = 2.2;
/// The fewest lines of a column of prose, and how wide it is at least, in sizes.
const PROSE_LINES: usize = 3;
const PROSE_WIDTH: f32 = 7.0;
/// The fewest rows of a table, and the longest name of one, in characters.
const TABLE_ROWS: usize = 3;
const MAX_NAME: usize = 20;

/// The pieces that stand on one line.
type Row = Vec<Words>;

/// The lines of a page in the order of its columns, and its rows as `cell | cell`; nothing where it has neither, or
/// where no line of it as it was `read` runs over two columns.
pub(super) fn read(words: Vec<Words>, rules: &[Rule], read: &str) -> Option<String> {
    let rows = rows(words)?;
    let (mut lines, mut found, mut at) = (Vec::new(), false, 0);
    while at < rows.len() {
        match part(&rows[at..], rules) {
            Some((taken, said)) => {
                lines.extend(said);
                found = found || rows[at..at + taken].iter().any(|row| runs_on(row, read));
                at += taken;
            }
            None => {
                let pieces = rows[at].iter().map(|piece| piece.text.as_str());
                lines.push(pieces.collect::<Vec<_>>().join(" "));
                at += 1;
            }
        }
    }
    found.then(|| lines.join("\n"))
}

/// Whether a line of a text holds two pieces of a row that stand side by side.
fn runs_on(row: &Row, read: &str) -> bool {
    let is_in = |line: &str, piece: &Words| piece.text.chars().count() > 1 && line.contains(piece.text.as_str());
    let holds = |line: &str| row.windows(2).any(|two| is_in(line, &two[0]) && is_in(line, &two[1]));
    read.lines().any(holds)
}

/// The page's lines from top to bottom, each in pieces that gaps part.
fn rows(mut words: Vec<Words>) -> Option<Vec<Row>> {
    words.retain(|words| !words.text.trim().is_empty());
    words.sort_by(|one, other| other.y.total_cmp(&one.y));
    let mut lines: Vec<Row> = Vec::new();
    for words in words {
        match lines.last_mut() {
            Some(line) if line[0].y - words.y <= NEAR * words.size.min(line[0].size) => line.push(words),
            _ => lines.push(vec![words]),
        }
    }
    (lines.len() <= MAX_ROWS).then(|| lines.into_iter().map(pieces).collect())
}

/// The pieces of a line.
fn pieces(mut line: Row) -> Row {
    line.sort_by(|one, other| one.x.total_cmp(&other.x));
    let mut pieces: Row = Vec::new();
    for words in line {
        match pieces.last_mut() {
            Some(last) if words.x - last.end < GAP * words.size => {
                if words.x - last.end < SPACE * words.size {
                    last.text.push_str(&words.text);
                } else {
                    append(&mut last.text, &words.text);
                }
                last.end = last.end.max(words.end);
                last.size = last.size.max(words.size);
            }
            _ => pieces.push(words),
        }
    }
    pieces
}

/// How many ways to part rows into columns are tried from each row.
const MAX_CANDIDATES: usize = 8;
/// How many pieces a page has at most whose columns are looked for.
const MAX_PIECES: usize = 5_000;

/// How many of the first rows stand in columns, and what they say.
fn part(rows: &[Row], rules: &[Rule]) -> Option<(usize, Vec<String>)> {
    if rows[0].len() < 2 || rows.iter().map(Vec::len).sum::<usize>() > MAX_PIECES {
        return None;
    }
    let size = rows[0].iter().map(|piece| piece.size).fold(0.0, f32::max);
    // As many rows as leave a gap open; fewer where more gaps are.
    let mut candidates: Vec<(usize, Vec<Range<f32>>)> = Vec::new();
    let mut filled: Vec<Range<f32>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        filled.extend(row.iter().map(|piece| piece.x..piece.end));
        filled = merged(filled, GAP * size);
        match candidates.last_mut() {
            Some((taken, columns)) if columns.len() == filled.len() => {
                (*taken, *columns) = (at + 1, filled.clone());
            }
            _ if filled.len() > 1 => candidates.push((at + 1, filled.clone())),
            _ => break,
        }
    }
    // What stands alone below all columns is the page's foot.
    let is_foot = |at: usize| rows[at].len() == 1 && rows[at - 1][0].y - rows[at][0].y > LEADING * size;
    candidates
        .into_iter()
        .rev()
        .take(MAX_CANDIDATES)
        .find_map(|(taken, columns)| {
            let taken = if taken > 1 && is_foot(taken - 1) {
                taken - 1
            } else {
                taken
            };
            let rows = &rows[..taken];
            let (top, bottom) = (rows[0][0].y, rows[taken - 1][0].y);
            let crosses = |rule: &&Rule| {
                let parts_rows = (bottom..top).contains(&rule.y);
                parts_rows
                    && columns
                        .windows(2)
                        .any(|two| rule.x < two[0].end && rule.end > two[1].start)
            };
            let rules: Vec<f32> = rules.iter().filter(crosses).map(|rule| rule.y).collect();
            let said = if rules.is_empty() {
                prose(rows, &columns).or_else(|| table(rows, &columns, &rules))
            } else {
                table(rows, &columns, &rules)
            };
            Some((taken, said?))
        })
}

/// Ranges put together where less than a gap is between them.
fn merged(mut ranges: Vec<Range<f32>>, gap: f32) -> Vec<Range<f32>> {
    ranges.sort_by(|one, other| one.start.total_cmp(&other.start));
    let mut merged: Vec<Range<f32>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start - last.end < gap => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The pieces of each column, from top to bottom.
fn by_column<'a>(rows: &'a [Row], columns: &[Range<f32>]) -> Vec<Vec<&'a Words>> {
    let of = |column: &Range<f32>| {
        let pieces = rows.iter().flatten();
        pieces
            .filter(|piece| (column.start..=column.end).contains(&piece.x))
            .collect()
    };
    columns.iter().map(of).collect()
}

/// The lines of columns of prose, one column behind the other: most lines of each are as wide as it is, and sentences
/// are in it.
fn prose(rows: &[Row], columns: &[Range<f32>]) -> Option<Vec<String>> {
    let by_column = by_column(rows, columns);
    let is_prose = |(column, lines): (&Range<f32>, &Vec<&Words>)| {
        let size = median(lines.iter().map(|line| line.size));
        let full = lines.iter().filter(|line| column.end - line.end < 2.0 * size).count();
        lines.len() >= PROSE_LINES
            && column.end - column.start >= PROSE_WIDTH * size
            && full * 2 >= lines.len()
            && lines.iter().any(|line| line.text.contains(is_stop))
    };
    let is_all = columns.iter().zip(&by_column).all(is_prose);
    is_all.then(|| by_column.into_iter().flatten().map(|line| line.text.clone()).collect())
}

/// The middle one of some sizes.
fn median(sizes: impl Iterator<Item = f32>) -> f32 {
    let mut sizes: Vec<f32> = sizes.collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// Where the lines of a cell stand beside the name of its row.
#[derive(Debug, Clone, Copy)]
enum Alignment {
    Top,
    Bottom,
    Middle,
}

/// The rows of a table whose cells wrap: told by the rules between them, or by its first column, which names each row
/// on one line.
fn table(rows: &[Row], columns: &[Range<f32>], rules: &[f32]) -> Option<Vec<String>> {
    let by_column = by_column(rows, columns);
    let count = rows.iter().flatten().count();
    let names = by_column.first()?;
    let wraps = by_column.iter().skip(1).any(|lines| lines.len() > names.len());
    if by_column.iter().map(Vec::len).sum::<usize>() != count || !names.iter().all(|name| is_name(&name.text)) {
        return None;
    }
    if rules.len() >= TABLE_ROWS {
        return between(&by_column, rules);
    }
    let mut different: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
    different.sort_unstable();
    different.dedup();
    if !wraps || names.len() < TABLE_ROWS || different.len() < names.len() {
        return None;
    }
    let alignments = [Alignment::Top, Alignment::Bottom, Alignment::Middle];
    // Of several ways in which all cells fit, the one that leaves them closest.
    let fits = alignments
        .into_iter()
        .filter_map(|alignment| aligned(&by_column, alignment));
    fits.min_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, rows)| rows)
}

/// Whether a text may name a row: short words, no number of an item.
fn is_name(text: &str) -> bool {
    let han = text.chars().filter(|c| is_han(*c)).count();
    han > 1 && text.chars().count() <= MAX_NAME && !text.contains(is_stop) && !text.ends_with(COLONS)
}

/// The rows that rules part, if each has a name and something else.
fn between(columns: &[Vec<&Words>], rules: &[f32]) -> Option<Vec<String>> {
    let mut rows = vec![vec![Vec::new(); columns.len()]; rules.len() + 1];
    for (column, lines) in columns.iter().enumerate() {
        for line in lines {
            let above = rules.iter().filter(|&&rule| rule > line.y).count();
            rows[above][column].push(*line);
        }
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    let is_whole = |row: &Vec<Vec<&Words>>| !row[0].is_empty() && row[1..].iter().any(|cell| !cell.is_empty());
    rows.iter().all(is_whole).then(|| told(&rows))
}

/// The rows of a table by the names in its first column, if all cells stand in one way beside them, and how far apart
/// the lines of a cell are at most.
fn aligned(columns: &[Vec<&Words>], alignment: Alignment) -> Option<(f32, Vec<String>)> {
    let names = columns.first()?;
    let size = median(columns.iter().flatten().map(|line| line.size));
    let near = NEAR * size;
    let mut rows: Vec<Vec<Vec<&Words>>> = names.iter().map(|name| vec![vec![*name]]).collect();
    rows.iter_mut().for_each(|row| row.resize(columns.len(), Vec::new()));
    for (column, lines) in columns.iter().enumerate().skip(1) {
        for line in lines {
            let at = match alignment {
                Alignment::Top => names.iter().rposition(|name| name.y >= line.y - near)?,
                Alignment::Bottom => names.iter().position(|name| name.y <= line.y + near)?,
                Alignment::Middle => {
                    let distance = |at: &usize| (names[*at].y - line.y).abs();
                    (0..names.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)))?
                }
            };
            rows[at][column].push(*line);
        }
    }
    let fits = |name: &Words, cell: &Vec<&Words>| {
        let (Some(first), Some(last)) = (cell.first(), cell.last()) else {
            return true;
        };
        let place = match alignment {
            Alignment::Top => first.y,
            Alignment::Bottom => last.y,
            Alignment::Middle => (first.y + last.y) / 2.0,
        };
        (place - name.y).abs() <= near
    };
    let all_fit = rows
        .iter()
        .zip(names)
        .all(|(row, name)| row[1..].iter().all(|cell| fits(name, cell)));
    let cells = rows.iter().flatten();
    let steps = cells
        .clone()
        .flat_map(|cell| cell.windows(2).map(|two| two[0].y - two[1].y));
    let widest = steps.fold(0.0, f32::max);
    let filled = cells.filter(|cell| !cell.is_empty()).count();
    let is_table = all_fit && widest <= LEADING * size && filled * 3 >= names.len() * columns.len() * 2;
    is_table.then(|| (widest, told(&rows)))
}

/// Rows as lines, the lines of each cell joined as Chinese is.
fn told(rows: &[Vec<Vec<&Words>>]) -> Vec<String> {
    let cell = |lines: &Vec<&Words>| {
        let mut text = String::new();
        lines.iter().for_each(|line| append(&mut text, &line.text));
        text
    };
    let row = |row: &Vec<Vec<&Words>>| row.iter().map(cell).collect::<Vec<_>>().join(" | ");
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of size 10, each character as wide, from this place on.
    fn words(x: f32, y: f32, text: &str) -> Words {
        Words {
            x,
            end: x + 10.0 * text.chars().count() as f32,
            y,
            size: 10.0,
            text: text.to_string(),
        }
    }

    /// Lines of a cell from the top down, 15 apart.
    fn cell(x: f32, top: f32, lines: &[&str]) -> Vec<Words> {
        let lines = lines.iter().enumerate();
        lines.map(|(at, line)| words(x, top - 15.0 * at as f32, line)).collect()
    }

    fn read(parts: Vec<Vec<Words>>, rules: &[f32]) -> Option<String> {
        let rules: Vec<Rule> = rules.iter().map(|&y| Rule { x: 0.0, end: 500.0, y }).collect();
        let words = parts.concat();
        let lines = words.iter().map(|words| words.text.as_str()).collect::<String>();
        super::read(words, &rules, &lines)
    }

    #[test]
    fn columns_of_prose_are_read_one_behind_the_other() {
        let title = cell(150.0, 100.0, &["待遇须知"]);
        let one = cell(
            0.0,
            80.0,
            &["参保人员住院发生的", "费用，先扣起付线，", "再按比例报销。"],
        );
        let two = cell(
            120.0,
            80.0,
            &["退休人员的比例高五", "个百分点，起付线与", "在职人员相同。"],
        );
        let three = cell(
            240.0,
            80.0,
            &["未备案外出就医的，", "比例降低二十个百分", "点，急诊除外。"],
        );
        let columns = [&one, &two, &three].map(|lines| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>());
        let expected = format!("待遇须知\n{}", columns.concat().join("\n"));
        let foot = cell(160.0, 0.0, &["第1页"]);
        assert_eq!(
            read(vec![title, one.clone(), two.clone(), three, foot], &[]),
            Some(format!("{expected}\n第1页"))
        );
        // Short words and a rule across are no prose.
        assert_eq!(
            read(vec![one.clone(), cell(120.0, 80.0, &["五", "六", "七"])], &[]),
            None
        );
        assert_eq!(read(vec![one, two], &[72.0]), None);
    }

    #[test]
    fn rows_are_told_by_the_column_that_does_not_wrap() {
        let expected = "药品 | 单价 | 限制\n阿帕替尼 | 94元 | 限二线治疗以后使用\n奥希替尼 | 186元 | 限有突变的患者使用\n利拉鲁肽 | 283元 | 限成人";
        let limits = [
            &["限制"][..],
            &["限二线治疗", "以后使用"],
            &["限有突变的", "患者使用"],
            &["限成人"],
        ];
        let names = ["药品", "阿帕替尼", "奥希替尼", "利拉鲁肽"];
        let prices = ["单价", "94元", "186元", "283元"];
        // Where the name stands beside a cell of so many lines.
        let check = |place: fn(usize) -> f32| {
            let mut parts = Vec::new();
            let mut top = 200.0;
            for ((name, price), limit) in names.iter().zip(prices).zip(limits) {
                let y = top - place(limit.len());
                parts.push(vec![words(0.0, y, name), words(80.0, y, price)]);
                parts.push(cell(140.0, top, limit));
                top -= 15.0 * limit.len() as f32 + 5.0;
            }
            assert_eq!(read(parts, &[]).as_deref(), Some(expected));
        };
        check(|_| 0.0);
        check(|lines| 15.0 * (lines - 1) as f32);
        check(|lines| 7.5 * (lines - 1) as f32);
    }

    #[test]
    fn rows_between_rules_are_rows() {
        let parts = vec![
            cell(0.0, 100.0, &["人群", "在外地长期", "居住人员"]),
            cell(100.0, 100.0, &["办法", "须备案，一次", "办理长期有效"]),
            cell(0.0, 50.0, &["急诊人员", "转院人员"]),
            cell(100.0, 50.0, &["视同备案", "须有转院单"]),
        ];
        assert_eq!(
            read(parts, &[94.0, 60.0, 43.0]).as_deref(),
            Some(
                "人群 | 办法\n在外地长期居住人员 | 须备案，一次办理长期有效\n急诊人员 | 视同备案\n转院人员 | 须有转院单"
            )
        );
    }

    #[test]
    fn what_is_neither_is_left_as_it_was_read() {
        // Items with their numbers apart, and names that do not tell rows apart.
        let said = ["带上身份证和医保卡，到", "窗口办理。"];
        let items = (1..5).flat_map(|at| {
            let top = 200.0 - 40.0 * at as f32;
            vec![cell(0.0, top, &[&format!("{at}.")]), cell(30.0, top, &said)]
        });
        assert_eq!(read(items.collect(), &[]), None);
        let answers = (1..5).flat_map(|at| {
            let top = 200.0 - 40.0 * at as f32;
            vec![cell(0.0, top, &["回答"]), cell(60.0, top, &said)]
        });
        assert_eq!(read(answers.collect(), &[]), None);
    }
}
