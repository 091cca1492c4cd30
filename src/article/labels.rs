//! Cells of a table that are empty because they repeat what stands above them: the first columns, which say what the
//! rows are of.
//!
//! Fills only those, row by row; an empty cell among values says that there is none, and stays so.

use super::headers::is_sum;
use super::layout::is_han;

/// How many of the first columns may be labels.
const DEPTH: usize = 2;
/// The longest label, in characters.
const MAX_LABEL: usize = 20;

/// The labels that reach down from the rows so far.
#[derive(Debug, Default)]
pub(super) struct Labels {
    above: Vec<String>,
    /// How many cells the widest row has.
    wide: usize,
    /// Whether the row of the columns' names, whose words are no labels, is still to come.
    has_names: bool,
}

impl Labels {
    /// For rows of which the first names the columns.
    pub fn below_names() -> Labels {
        Labels {
            has_names: true,
            ..Labels::default()
        }
    }

    /// Fills the first cells of the next row if they are empty, labels stand above them, and most of the others are
    /// filled.
    pub fn fill(&mut self, row: &mut [String]) {
        self.wide = self.wide.max(row.len());
        let filled = row.iter().filter(|cell| !cell.is_empty()).count();
        let empty = row.iter().take_while(|cell| cell.is_empty()).count();
        let above = self.above.get(..empty).unwrap_or_default();
        let is_label =
            |cell: &String| cell.contains(is_han) && cell.chars().count() <= MAX_LABEL && !cell.contains('。');
        let is_of_none = |cell: &String| is_sum(cell) || is_remark(cell);
        if above.len() == empty
            && above.iter().all(is_label)
            && filled * 2 > self.wide - empty
            // In a wide table one cell alone is a note or a signature.
            && (filled > 1 || self.wide == 2)
            && !row.get(empty).is_none_or(is_of_none)
        {
            row[..empty].clone_from_slice(above);
        }
        // The name of a part.
        if filled == 1 && empty == 0 && self.wide > 1 {
            self.above.clear();
        }
        if filled > 1 && !std::mem::take(&mut self.has_names) {
            self.above = row[..DEPTH.min(row.len())].to_vec();
        }
    }
}

/// Whether a cell says something of the whole table.
fn is_remark(cell: &str) -> bool {
    cell.contains('。')
        || ["注：", "注:", "备注", "说明"]
            .iter()
            .any(|word| cell.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_reach_down_into_empty_cells_and_values_do_not() {
        let check = |table: &str, expected: &str| {
            let mut labels = Labels::below_names();
            let rows = table.split('/').map(|row| {
                let mut row: Vec<String> = row.split(',').map(String::from).collect();
                labels.fill(&mut row);
                row.join(",")
            });
            assert_eq!(rows.collect::<Vec<_>>().join("/"), expected, "{table}");
        };
        let names = "类别,病种,限额,比例";
        let below = |rows: &str| format!("{names}/甲类,透析,12万,90%/{rows}");
        let kept = |rows: &str| check(&below(rows), &below(rows));
        check(&below(",移植,8万,"), &below("甲类,移植,8万,"));
        // A signature below a table is of no row.
        check(
            "项目,标准/门诊,500元/,注：不含慢性病",
            "项目,标准/门诊,500元/,注：不含慢性病",
        );
        check(
            "类别,病种,限额/甲类,透析,12万/二、居民医保,,/,移植,8万",
            "类别,病种,限额/甲类,透析,12万/二、居民医保,,/,移植,8万",
        );
        check(
            "类别,病种,限额/甲类,透析,12/,合 计,20",
            "类别,病种,限额/甲类,透析,12/,合 计,20",
        );
        let signed = "类别,病种,限额/甲类,透析,12万/,,青禾市医保局";
        check(signed, signed);
        check(
            &below(",移植,8万,80%/,放疗,2万,"),
            &below("甲类,移植,8万,80%/甲类,放疗,2万,"),
        );
        check(&below(",,9万,85%"), &below("甲类,透析,9万,85%"));
        // Values, however empty; a sum; a note; names of columns in two rows; numbers; what no longer is a label.
        kept("乙类,,8万,80%");
        kept(",合计,20万,85%");
        kept(",注,,");
        check("险种,费率,/,个人,单位/养老,8%,16%", "险种,费率,/,个人,单位/养老,8%,16%");
        check("年龄,保费/20,100/,200", "年龄,保费/20,100/,200");
        let long = "凡".repeat(MAX_LABEL + 1);
        check(
            &format!("类别,限额/{long},8万/,9万"),
            &format!("类别,限额/{long},8万/,9万"),
        );
    }
}
