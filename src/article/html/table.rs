//! Tables as rows that each have a cell for every column, so that a value stands under its column's name however the
//! cells were merged.
//!
//! A table that only places parts of a page is none.

use scraper::ElementRef;

use super::dom::{Step, is_heading, walk};

/// From how many characters on a cell of a table without column names is a part of the page.
const PART: usize = 300;
/// The most rows that one cell can span.
const MAX_ROWS: usize = 1_000;
/// Merged cells are taken apart in this many columns; what stands behind them stays as it is.
const MAX_COLUMNS: usize = 128;
/// How many characters of merged cells are repeated in one table at most.
const MAX_REPEATED: usize = 100_000;

/// A table of data.
pub(super) struct Table<'a> {
    pub captions: Vec<ElementRef<'a>>,
    pub rows: Vec<Row<'a>>,
}

/// A row of a table.
pub(super) struct Row<'a> {
    pub element: ElementRef<'a>,
    pub cells: Vec<Cell<'a>>,
}

/// A cell, and how many columns and rows it spans.
pub(super) struct Cell<'a> {
    pub element: ElementRef<'a>,
    names: bool,
    columns: usize,
    rows: usize,
}

impl<'a> Table<'a> {
    /// The table, if it is one of data: no table and no heading lies in a cell, no cell is `large`, and without names
    /// of columns none is longer than a few sentences.
    pub fn of(table: ElementRef<'a>, large: impl Fn(ElementRef<'a>) -> bool) -> Option<Table<'a>> {
        let mut found = Table {
            captions: Vec::new(),
            rows: Vec::new(),
        };
        let (mut places, mut named, mut longest) = (false, false, 0);
        let mut length = 0;
        walk(table, |step| {
            match step {
                Step::Text(text) => length += text.chars().filter(|c| !c.is_whitespace()).count(),
                Step::Open(element) => match element.value().name() {
                    "table" => places |= element != table,
                    "caption" => {
                        found.captions.push(element);
                        named = true;
                    }
                    "thead" => named = true,
                    "tr" => found.rows.push(Row {
                        element,
                        cells: Vec::new(),
                    }),
                    name @ ("td" | "th") => {
                        length = 0;
                        places |= large(element);
                        named |= name == "th";
                        let span = |name: &str| element.attr(name).and_then(|n| n.trim().parse::<usize>().ok());
                        if let Some(row) = found.rows.last_mut() {
                            row.cells.push(Cell {
                                element,
                                names: name == "th",
                                columns: span("colspan").unwrap_or(1).clamp(1, MAX_COLUMNS),
                                rows: span("rowspan").unwrap_or(1).clamp(1, MAX_ROWS),
                            });
                        }
                    }
                    name => places |= is_heading(name),
                },
                Step::Close(element) if matches!(element.value().name(), "td" | "th") => longest = longest.max(length),
                Step::Close(_) => {}
            }
            !places
        });
        (!places && (named || longest <= PART)).then_some(found)
    }

    /// The table's lines, from its rows with the texts of their cells. Names of columns that take several rows become
    /// one line, and a row that is one cell stands for itself.
    pub fn lines(&self, rows: &[(&Row<'a>, Vec<String>)]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut budget = MAX_REPEATED;
        // What reaches down into the rows below: for each column how many rows more, and the text.
        let mut down: Vec<(usize, String)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut heading = 0usize;
        for (at, (row, texts)) in rows.iter().enumerate() {
            let mut line: Vec<String> = Vec::new();
            let alone = row.cells.len() == 1 && down.iter().all(|(rows, _)| *rows == 0);
            let mut own = row.cells.iter().zip(texts);
            while line.len() < down.len() || own.len() > 0 {
                let column = line.len();
                if let Some((rows, text)) = down.get_mut(column).filter(|(rows, _)| *rows > 0) {
                    *rows -= 1;
                    line.push(repeat(text, &mut budget));
                    continue;
                }
                let Some((cell, text)) = own.next() else {
                    line.push(String::new());
                    continue;
                };
                for part in 0..if alone { 1 } else { cell.columns } {
                    let column = line.len();
                    if part > 0 && column >= MAX_COLUMNS {
                        break;
                    }
                    let text = if part == 0 {
                        text.clone()
                    } else {
                        repeat(text, &mut budget)
                    };
                    if column >= MAX_COLUMNS {
                        line.push(text);
                        continue;
                    }
                    if down.len() <= column {
                        down.resize(column + 1, (0, String::new()));
                    }
                    // A cell that spans several columns may run into one that reaches down; that one's row is lost.
                    if cell.rows > 1 {
                        down[column] = (cell.rows - 1, text.clone());
                    } else {
                        down[column].0 = down[column].0.saturating_sub(1);
                    }
                    line.push(text);
                }
            }
            while down.last().is_some_and(|(rows, _)| *rows == 0) {
                down.pop();
            }
            while line.last().is_some_and(String::is_empty) {
                line.pop();
            }
            if line.is_empty() {
                continue;
            }
            let all_names = row.cells.iter().all(|cell| cell.names);
            if at == heading && all_names && !alone && rows.len() > 1 {
                // This row of names, and as many below as its cells span.
                let deepest = row.cells.iter().map(|cell| cell.rows).max().unwrap_or(1);
                let spans = row.cells.iter().any(|cell| cell.columns > 1);
                merge(&mut names, line);
                heading += 1;
                let more = rows
                    .get(heading)
                    .is_some_and(|(next, _)| next.cells.iter().all(|cell| cell.names));
                if !(more && (deepest > 1 || spans)) {
                    lines.push(join(&std::mem::take(&mut names)));
                    heading = usize::MAX;
                }
                continue;
            }
            if at == heading && alone {
                heading += 1;
            }
            lines.push(join(&line));
        }
        if !names.is_empty() {
            lines.push(join(&names));
        }
        lines
    }
}

/// The text again, as long as the budget lasts.
fn repeat(text: &str, budget: &mut usize) -> String {
    if text.len() > *budget {
        return String::new();
    }
    *budget -= text.len();
    text.to_string()
}

/// Puts the names of a lower row behind those above them.
fn merge(names: &mut Vec<String>, lower: Vec<String>) {
    names.resize(names.len().max(lower.len()), String::new());
    for (name, lower) in names.iter_mut().zip(lower) {
        if *name != lower && !lower.is_empty() {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&lower);
        }
    }
}

fn join(cells: &[String]) -> String {
    cells.join(" | ")
}
