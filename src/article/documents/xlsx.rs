//! XLSX by calamine: the visible sheets' cells as they are shown, row by row.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

use calamine::{DataRef, Reader as _, SheetVisible, Xlsx};

use super::super::table::{MAX_CELLS, MAX_COLUMNS, Table};
use super::archive::check_archive;
use super::extracted::{Extracted, Reader};

/// Most merged areas of a sheet that are looked at.
const MAX_MERGED: usize = 100_000;

/// The reader of calamine.
pub(super) struct Calamine;

impl Reader for Calamine {
    fn read(&self, bytes: Vec<u8>) -> Result<Extracted, String> {
        check_archive(&bytes)?;
        let broken = |error: calamine::XlsxError| format!("is no workbook that can be read: {error}");
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| match error {
            calamine::XlsxError::Password => "has a password; save it without one".to_string(),
            error => broken(error),
        })?;
        let mut found = Extracted::default();
        let sheets = book.sheets_metadata().to_vec();
        let (mut cells, mut hidden) = (0usize, Vec::new());
        for sheet in sheets {
            if sheet.visible != SheetVisible::Visible {
                hidden.push(sheet.name.clone());
                continue;
            }
            // A chart's sheet has no cells.
            let merged = book.merge_cells_by_sheet_name(&sheet.name).unwrap_or_default();
            let Ok(mut reader) = book.worksheet_cells_reader(&sheet.name) else {
                continue;
            };
            let formats: Vec<bool> = reader
                .styles()
                .iter()
                .map(|style| {
                    style
                        .number_format
                        .as_ref()
                        .is_some_and(|format| format.format_code.contains('%'))
                })
                .collect();
            let mut rows: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
            while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(broken)? {
                let (row, column) = cell.get_position();
                let percent = formats.get(style).copied().unwrap_or(false);
                let text = as_displayed(cell.get_value(), percent);
                if text.is_empty() {
                    continue;
                }
                cells += 1;
                if cells > MAX_CELLS || column as usize >= MAX_COLUMNS {
                    return Err(format!("has more than {MAX_CELLS} cells or {MAX_COLUMNS} columns"));
                }
                rows.entry(row).or_default().insert(column, text);
            }
            let mut header_rows = 1;
            let first_wide = rows.iter().find(|(_, row)| row.len() > 1).map(|(&row, _)| row);
            let starts: HashMap<(u32, u32), String> = merged
                .iter()
                .take(MAX_MERGED)
                .filter_map(|area| Some((area.start, rows.get(&area.start.0)?.get(&area.start.1)?.clone())))
                .collect();
            for area in merged.iter().take(MAX_MERGED) {
                let Some(text) = starts.get(&area.start) else { continue };
                let (down, across) = (
                    area.end.0.saturating_sub(area.start.0),
                    area.end.1.saturating_sub(area.start.1),
                );
                if Some(area.start.0) == first_wide {
                    // A header of several rows: a name over two columns, or one beside such.
                    header_rows = header_rows.max(if across > 0 { 2 } else { down as usize + 1 }).min(4);
                }
                let title = first_wide.is_none_or(|first| area.start.0 < first);
                if title {
                    continue;
                }
                // What one cell says of several rows or columns holds for each of them that has cells of its own.
                let covered: Vec<u32> = rows.range(area.start.0..=area.end.0).map(|(&row, _)| row).collect();
                for row in covered {
                    for column in area.start.1..=area.end.1.min(area.start.1 + MAX_COLUMNS as u32) {
                        cells += 1;
                        if cells > MAX_CELLS {
                            return Err(format!("has more than {MAX_CELLS} cells"));
                        }
                        if let Some(row) = rows.get_mut(&row) {
                            row.entry(column).or_insert_with(|| text.clone());
                        }
                    }
                }
            }
            let rows = rows
                .into_iter()
                .map(|(number, row)| {
                    let last = row.keys().next_back().copied().unwrap_or(0) as usize;
                    let mut line = vec![String::new(); last + 1];
                    for (column, text) in row {
                        line[column as usize] = text;
                    }
                    (number as usize + 1, line)
                })
                .collect::<Vec<_>>();
            let unnamed = sheet.name.to_lowercase().starts_with("sheet") || sheet.name.starts_with("工作表");
            if !rows.is_empty() {
                found.tables.push(Table {
                    name: if unnamed { String::new() } else { sheet.name },
                    rows,
                    header_rows,
                });
            }
        }
        if !hidden.is_empty() {
            found
                .noticed
                .push(format!("hidden sheets are not read: {}", hidden.join(", ")));
        }
        if found.tables.is_empty() {
            return Err("holds no cells".into());
        }
        Ok(found)
    }
}

/// A cell as the program that made it displays it.
fn as_displayed(value: &DataRef<'_>, percent: bool) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) if percent => format!("{}%", rounded(number * 100.0)),
        DataRef::Float(number) => rounded(*number),
        DataRef::String(text) => text.trim().to_string(),
        DataRef::SharedString(text) => text.trim().to_string(),
        DataRef::Bool(truth) => if *truth { "是" } else { "否" }.to_string(),
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

/// A number without what binary fractions add to it.
fn rounded(number: f64) -> String {
    let text = format!("{number:.10}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
