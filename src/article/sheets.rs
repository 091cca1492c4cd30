//! Workbooks of several sheets: what each row says of the sheet that it is of, and what a sheet without a title is
//! called.
//!
//! A row of the sheet 职工 says nowhere else that it is none of 居民.

use super::cells::Table;
use super::headers::{filled, only_cell};
use super::layout::is_han;

/// The longest name that says which of several a sheet is, and not what it holds, in characters.
const MAX_PART: usize = 6;
/// The fewest Han characters of a workbook's name that says what it holds.
const MIN_BOOK: usize = 4;
/// The most rows above a sheet's names of columns.
const ABOVE: usize = 4;
/// What sheets are called by programs, or by where they lie.
const GENERIC: [&str; 9] = ["", "sheet", "工作表", "表", "附件", "附表", "table", "数据", "data"];

/// Tells the sheets of a workbook that there are several; `stated` is what it says it is called. A sheet without a
/// title of its own has that of the first, if both have the same columns, and the first sheet's name says which part it
/// is and is not in its title.
pub(super) fn join(tables: &mut [Table], stated: Option<&str>) {
    if tables.len() < 2 {
        return;
    }
    let first =
        heads(&tables[0]).map(|(title, names)| (title.map(String::from), names.to_vec(), tables[0].name.clone()));
    for (at, table) in tables.iter_mut().enumerate() {
        let inherited = || {
            let (title, names, sheet) = first.as_ref()?;
            let (own, columns) = heads(table)?;
            let is_alike = at > 0 && own.is_none() && columns == names.as_slice();
            title
                .clone()
                .filter(|title| is_alike && !is_generic(sheet) && !title.contains(sheet.as_str()))
        };
        let book = stated.map(String::from).or_else(inherited);
        table.book = Some(book.unwrap_or_default());
    }
}

/// The first line above a table's names of columns, and these.
fn heads(table: &Table) -> Option<(Option<&str>, &[String])> {
    let at = table
        .rows
        .iter()
        .take(ABOVE)
        .position(|(_, row)| filled(row).count() > 1)?;
    let title = table.rows[..at].first().and_then(|(_, row)| only_cell(row));
    Some((title.map(String::as_str), &table.rows[at].1))
}

/// What a table without a title of its own is called: its sheet, behind what the workbook is called if the sheet's name
/// only says which part it is; `file` is the file's name.
pub(super) fn title(table: &Table, file: &str) -> String {
    let sheet = table.name.as_str();
    let Some(book) = &table.book else {
        return if sheet.is_empty() { file } else { sheet }.to_string();
    };
    let is_part = !sheet.is_empty() && sheet.chars().count() <= MAX_PART && !is_generic(sheet);
    let says = |name: &str| name.chars().filter(|c| is_han(*c)).count() >= MIN_BOOK;
    let is_new = |name: &str| name.starts_with("新建") || name.contains("工作表");
    let book = if book.is_empty() { file } else { book };
    if sheet.is_empty() || (is_generic(sheet) && says(book) && !is_new(book)) {
        book.to_string()
    } else if is_part && says(book) && !is_new(book) && !book.contains(sheet) {
        format!("{book}（{sheet}）")
    } else {
        sheet.to_string()
    }
}

/// The name of a table's sheet, if there are others.
pub(super) fn told(table: &Table) -> Option<&str> {
    let name = table.name.trim();
    (table.book.is_some() && !is_generic(name)).then_some(name)
}

/// Whether a name says nothing of what a sheet holds: `Sheet1`, `附件2`, `(3)`. A year does.
fn is_generic(name: &str) -> bool {
    let is_year = name.len() == 4 && name.starts_with("20") && name.bytes().all(|byte| byte.is_ascii_digit());
    let word: String = name
        .chars()
        .filter(|c| c.is_alphabetic())
        .collect::<String>()
        .to_lowercase();
    let word = word.trim_end_matches(|c| "一二三四五六七八九十".contains(c));
    !is_year && GENERIC.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::super::delimited::read_csv;
    use super::super::table::records;
    use super::*;

    /// Titles and texts of the rows of sheets, each a name and a CSV.
    fn rows(sheets: &[(&str, &str)], stated: Option<&str>, file: &str) -> Vec<(String, String)> {
        let table = |(name, text): &(&str, &str)| Table {
            name: name.to_string(),
            ..read_csv(text).unwrap()
        };
        let mut tables: Vec<Table> = sheets.iter().map(table).collect();
        join(&mut tables, stated);
        let found = tables.into_iter().flat_map(|table| records(table, "f", file).records);
        let article = found.map(|(_, record)| record.unwrap().article);
        article.map(|article| (article.title, article.text)).collect()
    }

    fn check(sheets: &[(&str, &str)], stated: Option<&str>, file: &str, expected: &[(&str, &str)]) {
        let found = rows(sheets, stated, file);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(title, text)| (title.as_str(), text.as_str()))
            .collect();
        assert_eq!(found, expected, "{sheets:?}");
    }

    #[test]
    fn a_row_says_of_which_sheet_it_is() {
        let titled = "2025年青禾市医保待遇,\n机构,比例\n一级,92%\n";
        let plain = "机构,比例\n一级,85%\n";
        let (of_titled, of_plain) = ("机构：一级\n比例：92%", "机构：一级\n比例：85%");
        let named = format!("职工\n{of_titled}");
        // Under the title of the first sheet, of the workbook, of the file.
        check(
            &[("职工", titled), ("居民", plain)],
            None,
            "x",
            &[
                ("2025年青禾市医保待遇", &named),
                ("2025年青禾市医保待遇（居民）", of_plain),
            ],
        );
        check(
            &[("职工", plain), ("居民", plain)],
            Some("青禾市医保待遇"),
            "x",
            &[
                ("青禾市医保待遇（职工）", of_plain),
                ("青禾市医保待遇（居民）", of_plain),
            ],
        );
        check(
            &[("职工", plain), ("居民", plain)],
            None,
            "青禾市医保待遇",
            &[
                ("青禾市医保待遇（职工）", of_plain),
                ("青禾市医保待遇（居民）", of_plain),
            ],
        );
        // That of the first is called after its sheet, or has other columns; a sheet's name that is a title itself.
        let own = titled.replace("医保", "职工医保");
        let found = rows(&[("职工", &own), ("居民", plain)], None, "x");
        assert_eq!(found[1], ("居民".to_string(), of_plain.to_string()));
        // Nothing says that the first is not of one part, too.
        let found = rows(&[("Sheet1", &own), ("居民", plain)], None, "x");
        assert_eq!(found[1].0, "居民");
        let found = rows(&[("Sheet1", &own), ("Sheet2", plain)], None, "青禾市医保待遇");
        assert_eq!(found[1].0, "青禾市医保待遇");
        let found = rows(&[("职工", titled), ("药店", "名称,地址\n一店,东路\n")], None, "x");
        assert_eq!(found[1].0, "药店");
        let found = rows(
            &[("职工", plain), ("2025年居民医保待遇", plain)],
            None,
            "青禾市待遇汇总",
        );
        assert_eq!(found[1], ("2025年居民医保待遇".to_string(), of_plain.to_string()));
    }

    #[test]
    fn questions_of_a_sheet_are_told_with_its_name_and_those_of_one_alone_are_not() {
        let asked = "问题,答案\n门诊报多少,报七成。\n";
        let found = rows(&[("职工", asked), ("居民", asked)], None, "x");
        assert_eq!(
            found[0],
            ("门诊报多少".to_string(), "报七成。\n\n工作表：职工".to_string())
        );
        let alone = rows(&[("职工", asked)], None, "青禾市医保待遇");
        assert_eq!(alone, [("门诊报多少".to_string(), "报七成。".to_string())]);
        for generic in ["", "附件2", "表一", "Table 3", "(1)"] {
            let found = rows(&[(generic, asked), ("居民", asked)], None, "x");
            assert_eq!(found[0].1, "报七成。", "{generic}");
        }
        let alone = rows(&[("职工", "机构,比例\n一级,85%\n")], None, "青禾市医保待遇");
        assert_eq!(alone[0].0, "职工");
    }
}
