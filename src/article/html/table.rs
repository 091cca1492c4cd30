//! Tables as rows that each have a cell for every column, so that a value stands under its column's name however the
//! cells were merged.
//!
//! A table that only places parts of a page is none.

use scraper::ElementRef;

use super::super::labels::Labels;
use super::dom::{Step, is_heading, walk};

/// From how many characters on a cell of a table without column names is a part of the page.
const PART: usize = 300;
/// The most rows that one cell can span.
const MAX_ROWS: usize = 1_000;
/// Merged cells are taken apart in this many columns; what stands behind them stays as it is.
const MAX_COLUMNS: usize = 128;
/// The longest value that columns share, in characters.
const MAX_SHARED: usize = 20;
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
        let (mut places, mut named, mut longest, mut has_large) = (false, false, 0, false);
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
                        has_large |= large(element);
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
        // On a page of little else one short cell of a grid may be most of it.
        places |= has_large && !(longest <= PART && found.is_grid());
        (!places && (named || longest <= PART)).then_some(found)
    }

    /// Whether there are several rows of as many columns each, and more than one.
    fn is_grid(&self) -> bool {
        let mut widths = self
            .rows
            .iter()
            .map(|row| row.cells.iter().map(|cell| cell.columns).sum::<usize>());
        let first = widths.next().unwrap_or(0);
        first > 1 && self.rows.len() > 1 && widths.all(|width| width == first)
    }

    /// The table's lines, from its rows with the texts of their cells. Names of columns that take several rows become
    /// one line, and a row that is one cell stands for itself.
    pub fn lines(&self, rows: &[(&Row<'a>, Vec<String>)]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let (first, behind) = names(rows);
        let is_form = first == behind && is_form(rows);
        let mut grid = Grid {
            down: Vec::new(),
            budget: MAX_REPEATED,
            is_form,
        };
        let columns = Columns::of(rows, first, behind);
        let mut merged: Vec<String> = Vec::new();
        let mut labels = if first < behind {
            Labels::default()
        } else {
            Labels::below_names()
        };
        for (at, (row, texts)) in rows.iter().enumerate() {
            let mut line = grid.row(row, texts, |text| columns.share(at, text));
            if (first..behind).contains(&at) {
                merge(&mut merged, line);
                if at + 1 == behind {
                    lines.push(join(&merged));
                }
            } else if !line.is_empty() {
                labels.fill(&mut line);
                lines.push(join(&line));
            }
        }
        lines
    }
}

/// Which rows hold the columns' names: the first that is more than one cell if all its cells say so, or if some of
/// them span columns and the others reach down beside what these are divided into; and those that divide them.
fn names(rows: &[(&Row<'_>, Vec<String>)]) -> (usize, usize) {
    let first = rows
        .iter()
        .position(|(row, _)| row.cells.len() > 1)
        .unwrap_or(rows.len());
    let Some((row, _)) = rows.get(first) else { return (0, 0) };
    let deepest = row.cells.iter().map(|cell| cell.rows).max().unwrap_or(1);
    let divided = row.cells.iter().any(|cell| cell.columns > 1);
    let say_so = |row: &Row<'_>| row.cells.iter().all(|cell| cell.names);
    if say_so(row) {
        let mut behind = first + 1;
        while (deepest > 1 || divided) && behind < first + 4 && rows.get(behind).is_some_and(|(row, _)| say_so(row)) {
            behind += 1;
        }
        return (first, behind);
    }
    let beside = row.cells.iter().all(|cell| cell.columns > 1 || cell.rows == deepest);
    if divided && beside && (2..=4).contains(&deepest) && first + deepest < rows.len() {
        return (first, first + deepest);
    }
    (0, 0)
}

/// How many rows a form has at least in which a label spans columns.
const LABELLED: usize = 3;

/// Whether a table is a form in which a label reaches over columns that other rows divide: rows of a label and what it
/// is the label of, several or the first with more than a value.
fn is_form(rows: &[(&Row<'_>, Vec<String>)]) -> bool {
    let labels = |row: &Row<'_>| row.cells.len() == 2 && row.cells[0].columns > 1;
    let mut labelled = rows.iter().filter(|(row, _)| labels(row));
    let says = |(row, texts): &(&Row<'_>, Vec<String>)| {
        labels(row) && texts.get(1).is_some_and(|text| text.chars().count() > MAX_SHARED)
    };
    // A short value at the end that spans columns is that of each: the table has columns after all.
    let shares = |(row, texts): &(&Row<'_>, Vec<String>)| {
        let last = row.cells.iter().zip(texts).skip(1).last();
        last.is_some_and(|(cell, text)| cell.columns > 1 && text.chars().count() <= MAX_SHARED)
    };
    (rows.first().is_some_and(says) || labelled.nth(LABELLED - 1).is_some()) && !rows.iter().any(shares)
}

/// Which cells that span columns say something of each of them.
struct Columns {
    /// The rows of the columns' names.
    names: std::ops::Range<usize>,
    /// Whether there are such rows: without them the table is a form, whose cells span what is left of the row.
    named: bool,
}

impl Columns {
    fn of(rows: &[(&Row<'_>, Vec<String>)], first: usize, behind: usize) -> Columns {
        if first < behind {
            let (names, named) = (first..behind, true);
            return Columns { names, named };
        }
        let first = rows.iter().position(|(row, _)| row.cells.len() > 1).unwrap_or(0);
        let Some((row, texts)) = rows.get(first) else {
            return Columns {
                names: 0..0,
                named: false,
            };
        };
        // A name and what is said of it across the rest of the row.
        let says = row.cells.len() == 2 && row.cells[1].columns > 1;
        let mixed = row.cells.iter().any(|cell| cell.names != row.cells[0].names);
        let plain = texts.iter().all(|text| !text.contains(|c: char| c.is_ascii_digit()));
        let divided = row.cells.iter().any(|cell| cell.columns > 1);
        Columns {
            names: if says { 0..0 } else { first..first + 1 },
            named: !says && !mixed && (divided || plain),
        }
    }

    fn share(&self, row: usize, text: &str) -> bool {
        self.names.contains(&row) || (self.named && text.chars().count() <= MAX_SHARED)
    }
}

/// Puts cells under their columns, row by row.
struct Grid {
    /// What reaches down into the rows below: for each column for how many rows more, and the text.
    down: Vec<(usize, String)>,
    /// How many characters may still be repeated.
    budget: usize,
    /// Whether what spans columns is a label, which stands once and leaves no cell empty.
    is_form: bool,
}

impl Grid {
    /// `shared`: whether a text is that of each column that its cell spans.
    fn row(&mut self, row: &Row<'_>, texts: &[String], shared: impl Fn(&str) -> bool) -> Vec<String> {
        let mut line: Vec<String> = Vec::new();
        // The columns that a cell to the left or above reaches over, and which say nothing themselves.
        let mut spanned: Vec<usize> = Vec::new();
        let alone = row.cells.len() == 1 && self.down.is_empty();
        let mut own = row.cells.iter().zip(texts);
        while line.len() < self.down.len() || own.len() > 0 {
            if let Some((rows, text)) = self.down.get_mut(line.len()).filter(|(rows, _)| *rows > 0) {
                *rows -= 1;
                let text = repeat(text, &mut self.budget);
                spanned.extend(text.is_empty().then_some(line.len()));
                line.push(text);
                continue;
            }
            let Some((cell, text)) = own.next() else {
                line.push(String::new());
                continue;
            };
            let repeats = cell.columns > 1 && !self.is_form && shared(text);
            for part in 0..if alone { 1 } else { cell.columns } {
                let column = line.len();
                if column >= MAX_COLUMNS {
                    if part == 0 {
                        line.push(text.clone());
                    }
                    break;
                }
                let text = match part {
                    0 => text.clone(),
                    _ if repeats => repeat(text, &mut self.budget),
                    _ => {
                        spanned.push(column);
                        String::new()
                    }
                };
                // A cell that spans columns may run into one that reaches down, which then ends there.
                if cell.rows > 1 || column < self.down.len() {
                    self.down.resize(self.down.len().max(column + 1), (0, String::new()));
                    self.down[column] = (cell.rows - 1, text.clone());
                }
                line.push(text);
            }
        }
        while self.down.last().is_some_and(|(rows, _)| *rows == 0) {
            self.down.pop();
        }
        if self.is_form {
            let mut at = 0..line.len();
            line.retain(|_| at.next().is_none_or(|at| !spanned.contains(&at)));
        }
        while line.last().is_some_and(String::is_empty) {
            line.pop();
        }
        line
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
