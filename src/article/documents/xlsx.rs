//! XLSX by calamine: the visible sheets' cells as they are shown, row by row.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Cursor;

use calamine::{DataRef, Dimensions, Reader as _, Sheet, SheetType, SheetVisible, Style, Xlsx, XlsxCellReader};

use super::super::cells::{MAX_CELLS, MAX_COLUMNS, Table};
use super::super::sheets;
use super::archive::{check_archive, open, part};
use super::drawings::drawn;
use super::extracted::{Extracted, Reader, stated_title};
use super::number_format;
use super::xml::{Step, property, walk};

/// Of a hidden sheet so many are told as left out.
const MAX_HIDDEN: usize = 50_000;

/// Most merged areas of a sheet that are looked at.
const MAX_MERGED: usize = 100_000;

/// The reader of calamine.
pub(super) struct Calamine;

impl Reader for Calamine {
    fn read(&self, bytes: Vec<u8>) -> Result<Extracted, String> {
        check_archive(&bytes)?;
        let commented = Some(comments(&bytes)).filter(|text| !text.is_empty());
        let commented = commented.map(|text| ("comment".to_string(), text));
        let drawn = drawn(&bytes, &["xl/drawings/", "xl/charts/", "xl/diagrams/data"]);
        let drawn = drawn.map(|text| ("beside the text".to_string(), text));
        let stated = open(&bytes)
            .and_then(|mut archive| part(&mut archive, "docProps/core.xml"))
            .ok()
            .flatten()
            .and_then(|core| stated_title(&property(&core, "title")?));
        let mut book: Book = Xlsx::new(Cursor::new(bytes)).map_err(|error| match error {
            calamine::XlsxError::Password => "has a password; save it without one".to_string(),
            error => broken(error),
        })?;
        let mut found = Extracted {
            left_out: commented.into_iter().chain(drawn).collect(),
            ..Extracted::default()
        };
        let sheets = book.sheets_metadata().to_vec();
        let (mut cells, mut hidden) = (0usize, Vec::new());
        for sheet in sheets {
            if sheet.visible != SheetVisible::Visible {
                hidden.push(sheet.name.clone());
            }
            // A chart's sheet has no cells.
            if sheet.typ == SheetType::WorkSheet {
                read_sheet(&mut book, sheet, &mut cells, &mut found)?;
            }
        }
        if !hidden.is_empty() {
            found
                .passed_over
                .push(format!("hidden sheets are not read: {}", hidden.join(", ")));
        }
        sheets::join(&mut found.tables, stated.as_deref());
        if !found.tables.is_empty() {
            return Ok(found);
        }
        let said = [found.noticed, found.passed_over].concat();
        Err(if said.is_empty() {
            "holds no cells".into()
        } else {
            said.join("; ")
        })
    }
}

type Book = Xlsx<Cursor<Vec<u8>>>;

fn broken(error: calamine::XlsxError) -> String {
    format!("is no workbook that can be read: {error}")
}

/// Reads a sheet: a table of a visible one, what a hidden one holds as left out. `cells` counts those of all.
fn read_sheet(book: &mut Book, sheet: Sheet, cells: &mut usize, found: &mut Extracted) -> Result<(), String> {
    let is_hidden = sheet.visible != SheetVisible::Visible;
    let merged = book.merge_cells_by_sheet_name(&sheet.name);
    let (merged, reader) = match (merged, book.worksheet_cells_reader(&sheet.name)) {
        (Ok(merged), Ok(reader)) => (merged, reader),
        (Err(error), _) | (_, Err(error)) => {
            let name = sheet.name;
            found
                .noticed
                .push(format!("the sheet `{name}` is damaged and is not read: {error}"));
            return Ok(());
        }
    };
    let (mut rows, columns) = read_cells(reader, is_hidden, cells)?;
    if is_hidden {
        let told = rows
            .values()
            .map(|row| row.values().cloned().collect::<Vec<_>>().join(" | "));
        let text = told.collect::<Vec<_>>().join("\n");
        found
            .left_out
            .extend((!text.is_empty()).then(|| ("hidden".to_string(), text)));
        return Ok(());
    }
    if columns.len() > MAX_COLUMNS {
        found.passed_over.push(format!(
            "the sheet `{}` has cells in more than {MAX_COLUMNS} columns and is not read; cut it into several",
            sheet.name
        ));
        return Ok(());
    }
    let header_rows = spread(&mut rows, &merged, &columns, cells)?;
    let Some(rows) = lines(rows, &columns) else {
        found.passed_over.push(format!(
            "the sheet `{}` spans more than {MAX_CELLS} cells and is not read; cut it into several",
            sheet.name
        ));
        return Ok(());
    };
    let unnamed = sheet.name.to_lowercase().starts_with("sheet") || sheet.name.starts_with("工作表");
    if !rows.is_empty() {
        found.tables.push(Table {
            key: sheet.name.replace(char::is_control, " "),
            name: if unnamed { String::new() } else { sheet.name },
            rows,
            header_rows,
            ..Table::default()
        });
    }
    Ok(())
}

/// The cells of a sheet that hold something, and the columns in which any do.
fn read_cells(
    mut reader: XlsxCellReader<'_, Cursor<Vec<u8>>>,
    is_hidden: bool,
    cells: &mut usize,
) -> Result<(FilledCells, BTreeSet<u32>), String> {
    let format = |style: &Style| style.number_format.as_ref().map(|format| format.format_code.clone());
    let formats: Vec<String> = reader
        .styles()
        .iter()
        .map(|style| format(style).unwrap_or_default())
        .collect();
    let (mut rows, mut columns) = (FilledCells::new(), BTreeSet::new());
    // A hidden sheet is no reason to refuse the others.
    let mut in_hidden = 0usize;
    loop {
        let (cell, style) = match reader.next_cell_with_style_id() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            Err(_) if is_hidden => break,
            Err(error) => return Err(broken(error)),
        };
        let (row, column) = cell.get_position();
        let text = as_displayed(cell.get_value(), formats.get(style).map_or("", String::as_str));
        if text.is_empty() {
            continue;
        }
        if is_hidden {
            in_hidden += 1;
            if in_hidden > MAX_HIDDEN {
                break;
            }
        } else {
            *cells += 1;
        }
        if *cells > MAX_CELLS {
            return Err(format!("has more than {MAX_CELLS} cells"));
        }
        columns.insert(column);
        rows.entry(row).or_default().insert(column, text);
    }
    Ok((rows, columns))
}

/// What people have noted beside cells, one a line: the notes of old, and the threads of newer programs, which repeat
/// themselves in those. What cannot be read of them is no reason to refuse the workbook.
fn comments(bytes: &[u8]) -> String {
    let Ok(mut archive) = open(bytes) else {
        return String::new();
    };
    let is_notes =
        |name: &str| name.ends_with(".xml") && name.starts_with("xl/") && name.to_lowercase().contains("comments");
    let names = archive.file_names().flatten().map(|name| name.into_owned());
    let names: Vec<String> = names.filter(|name| is_notes(name)).collect();
    let mut comments: Vec<String> = Vec::new();
    for name in names {
        let Ok(Some(text)) = part(&mut archive, &name) else {
            continue;
        };
        let (mut is_inside, mut comment) = (false, String::new());
        let _ = walk(&text, |step| {
            match step {
                Step::Open(_, "comment" | "threadedComment") => comment.clear(),
                Step::Open(_, "text") => is_inside = true,
                Step::Text(text) if is_inside => comment.push_str(text),
                Step::Close("text") => is_inside = false,
                Step::Close("comment" | "threadedComment") if !comment.trim().is_empty() => {
                    comments.push(comment.trim().to_string());
                }
                _ => {}
            }
            Ok(())
        });
    }
    comments.join("\n")
}

/// A sheet's cells that hold something, by row and column from 0.
type FilledCells = BTreeMap<u32, BTreeMap<u32, String>>;

/// Says what a merged cell says in each of its rows and columns that have cells of their own; a title above the table
/// stays one cell. Gives how many rows the header takes, if its merged cells tell, else 0.
fn spread(
    rows: &mut FilledCells,
    merged: &[Dimensions],
    columns: &BTreeSet<u32>,
    cells: &mut usize,
) -> Result<usize, String> {
    let mut header_rows = 0;
    let first_wide = rows.iter().find(|(_, row)| row.len() > 1).map(|(&row, _)| row);
    let starts: HashMap<(u32, u32), String> = merged
        .iter()
        .take(MAX_MERGED)
        .filter_map(|area| Some((area.start, rows.get(&area.start.0)?.get(&area.start.1)?.clone())))
        .collect();
    // A row of one cell is seen as such only with what stands beside it from above.
    let mut areas: Vec<&Dimensions> = merged.iter().take(MAX_MERGED).collect();
    areas.sort_by_key(|area| area.end.1 > area.start.1);
    for area in areas {
        let Some(text) = starts.get(&area.start) else { continue };
        let (down, across) = (
            area.end.0.saturating_sub(area.start.0),
            area.end.1.saturating_sub(area.start.1),
        );
        if Some(area.start.0) == first_wide {
            // A header of several rows: a name over two columns, or one beside such.
            header_rows = header_rows.max(if across > 0 { 2 } else { down as usize + 1 }).min(4);
        }
        if first_wide.is_none_or(|first| area.start.0 < first) || area.end < area.start || area.end.1 < area.start.1 {
            continue;
        }
        let below: Vec<u32> = rows.range(area.start.0..=area.end.0).map(|(&row, _)| row).collect();
        for row in below {
            // A cell that is all of its row stands once: a heading of rows, a note.
            let is_beside = |column: &u32| !(area.start.1..=area.end.1).contains(column);
            if across > 0 && row == area.start.0 && !rows.get(&row).is_some_and(|row| row.keys().any(is_beside)) {
                continue;
            }
            for &column in columns.range(area.start.1..=area.end.1) {
                *cells += 1;
                if *cells > MAX_CELLS {
                    return Err(format!("has more than {MAX_CELLS} cells"));
                }
                if let Some(row) = rows.get_mut(&row) {
                    row.entry(column).or_insert_with(|| text.clone());
                }
            }
        }
    }
    Ok(header_rows)
}

/// The rows with a cell for each column that holds something anywhere, and one for all the empty ones between two such,
/// which may part two tables: one cell far out takes the room of two. Nothing if that would be too many.
fn lines(rows: FilledCells, columns: &BTreeSet<u32>) -> Option<Vec<(usize, Vec<String>)>> {
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut next = 0;
    for &column in columns {
        let is_behind_gap = column > 0 && next > 0 && !columns.contains(&(column - 1));
        next += usize::from(is_behind_gap);
        places.insert(column, next);
        next += 1;
    }
    let mut room = 0;
    let mut lines = Vec::with_capacity(rows.len());
    for (number, row) in rows {
        let mut line: Vec<String> = Vec::new();
        for (column, text) in row {
            let Some(&at) = places.get(&column) else { continue };
            line.resize(at + 1, String::new());
            line[at] = text;
        }
        room += line.len();
        if room > MAX_CELLS {
            return None;
        }
        lines.push((number as usize + 1, line));
    }
    Some(lines)
}

/// A cell as the program that made it displays it, by the code of its number's format.
fn as_displayed(value: &DataRef<'_>, format: &str) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number_format::shown(*number as f64, format),
        DataRef::Float(number) => number_format::shown(*number, format),
        DataRef::String(text) => text.trim().to_string(),
        DataRef::SharedString(text) => text.trim().to_string(),
        DataRef::Bool(truth) => if *truth { "是" } else { "否" }.to_string(),
        DataRef::DateTime(moment) if moment.is_duration() => {
            let minutes = (moment.as_f64() * 24.0 * 60.0).round() as u64;
            format!("{:02}:{:02}", minutes / 60, minutes % 60)
        }
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            match (moment.as_f64() < 1.0, hour + minute + second) {
                (true, _) => format!("{hour:02}:{minute:02}"),
                (_, 0) => format!("{year}-{month:02}-{day:02}"),
                _ => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"),
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    use super::*;

    #[test]
    fn days_times_and_durations_are_as_they_are_shown() {
        let check = |value: f64, kind: ExcelDateTimeType, expected: &str| {
            let moment = DataRef::DateTime(ExcelDateTime::new(value, kind, false));
            assert_eq!(as_displayed(&moment, ""), expected);
        };
        check(45_413.0, ExcelDateTimeType::DateTime, "2024-05-01");
        check(45_413.5, ExcelDateTimeType::DateTime, "2024-05-01 12:00");
        check(0.25, ExcelDateTimeType::DateTime, "06:00");
        check(0.25, ExcelDateTimeType::TimeDelta, "06:00");
        check(1.25, ExcelDateTimeType::TimeDelta, "30:00");
    }
}
