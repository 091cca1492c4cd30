//! Rows of text whose columns line up in a terminal, where a Chinese character is two columns wide.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Rows of cells, lined up: the first column to the left, the others to the right, except the last if `text_last`.
pub fn align(rows: &[Vec<String>], text_last: bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.width());
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

/// The text on one line, cut to `columns` terminal columns with an ellipsis.
pub fn shorten(text: &str, columns: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.width() <= columns {
        return line;
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(expected.width() <= columns.max(1));
        };
        check("医保怎么缴", 10, "医保怎么缴");
        check("医保怎么缴费", 10, "医保怎么…");
        check("a\n b\tc", 10, "a b c");
        check("abc", 0, "…");
        check("", 5, "");
    }
}
