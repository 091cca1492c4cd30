//! Rows of a table to records: what stands above the header, which rows stand below it, and what is left out.
//!
//! Which rows are the header is for `headers`, what a row says for `sheet_rows`. Files are read elsewhere: `delimited`,
//! workbooks, lists of JSON.

use super::cells::Table;
use super::fields;
use super::headers::{
    filled, form, form_title, header_rows, is_above, is_total, names, names_by_shape, only_cell, spans,
};
use super::labels::Labels;
use super::reading::LeftOut;
use super::refused::Numbered;
use super::sheet_parts::parts;
use super::sheet_rows::Sheet;
use super::sheets;

/// How many lines above a header, of how many characters each, are told with each row.
const MAX_LEAD: usize = 3;
const MAX_LEAD_CHARS: usize = 60;

/// Why a header is in no record, and a row that only sums up others.
const HEADER: &str = "table header";
pub(super) const TOTAL: &str = "total";

/// What the rows of a table gave.
#[derive(Default)]
pub(super) struct TableRecords {
    /// Each with its line.
    pub records: Vec<Numbered>,
    /// The header; with known names of columns, or without rows that use them, it is in no record. And rows that sum up
    /// the others and say nothing else.
    pub left_out: Vec<LeftOut>,
}

/// The rows below each header as records, by known names of columns, else as text that says what each cell is. `id` is
/// what the rows' ids begin with where they bring none, `name` what the file is called.
pub(super) fn records(table: Table, id: &str, name: &str) -> TableRecords {
    let mut found = TableRecords::default();
    for (beside, part) in parts(table) {
        let rows = records_of_one(part, &format!("{id}{beside}"), name);
        found.records.extend(rows.records);
        found.left_out.extend(rows.left_out);
    }
    found
}

/// Fills what labels reach down into below the first `count` rows. Of records with fields of known names an empty cell
/// says that a field is empty.
fn fill_labels(rows: &mut [(usize, Vec<String>)], count: usize) {
    let (heads, below) = rows.split_at_mut(count.min(rows.len()));
    if !fields::has_text(names(heads).iter().map(String::as_str)) {
        let mut labels = Labels::default();
        below.iter_mut().for_each(|(_, row)| labels.fill(row));
    }
}

fn records_of_one(mut table: Table, id: &str, name: &str) -> TableRecords {
    shorten_titles(&mut table.rows);
    if let Some(document) = document(&table, id) {
        return document;
    }
    let (above, mut rows) = above_header(std::mem::take(&mut table.rows));
    // The values of a form are often merged, as names of columns are.
    let is_form = form_of(&rows).is_some();
    let mut count = 0;
    if !is_form {
        count = named_rows(&mut rows, table.header_rows);
    }
    let form = is_form.then(|| form_of(&rows)).flatten();
    let (heads, below) = rows.split_at(count.min(rows.len()));
    let stated = names(heads);
    let header = if stated.is_empty() && form.is_none() {
        names_by_shape(below).unwrap_or_default()
    } else {
        stated.clone()
    };
    let about = form.as_ref().and_then(|form| form_title(form));
    let title = title_above(&above.lines).or(about).cloned();
    let title = title.unwrap_or_else(|| sheets::title(&table, name));
    let above_all = above.lines.join(" | ");
    let (told_once, lead) = told_apart(above.lines, &title);
    let of_sheet = sheets::told(&table).map(String::from);
    let lead = with_sheet(of_sheet.as_ref(), &title, lead);
    let sheet = Sheet {
        id,
        header,
        title,
        lead,
        of_sheet,
        by_commas: table.by_commas,
    };
    let mut found = Vec::new();
    if !told_once.is_empty() {
        let line = above.first.unwrap_or(1);
        found.push((Some(line), sheet.of_text(line, &sheet.title, told_once)));
    }
    let totals = match form.filter(|_| !sheet.is_named()) {
        Some(form) => {
            let line = rows.first().map_or(1, |(line, _)| *line);
            found.push((Some(line), sheet.form(line, &form)));
            Vec::new()
        }
        None => records_below(&sheet, heads, below, &mut found),
    };
    if found.is_empty() && !stated.is_empty() {
        found.push(header_alone(&sheet, heads, &stated));
    }
    let mut header = stated;
    header.extend([table.name, above_all]);
    header.retain(|name| !name.is_empty());
    TableRecords {
        records: found,
        left_out: vec![left_out(HEADER, header.join(" | ")), left_out(TOTAL, totals.join("\n"))],
    }
}

/// What is told with each row, the sheet's name first unless the title says it.
fn with_sheet(sheet: Option<&String>, title: &str, lead: Vec<String>) -> Vec<String> {
    let sheet = sheet.filter(|name| !title.contains(name.as_str()));
    sheet.cloned().into_iter().chain(lead).collect()
}

/// A header that is all there is.
fn header_alone(sheet: &Sheet<'_>, heads: &[(usize, Vec<String>)], stated: &[String]) -> Numbered {
    let line = heads.first().map_or(1, |(line, _)| *line);
    let told = sheet.lead.iter().chain(stated).cloned().collect();
    (Some(line), sheet.of_text(line, &sheet.title, told))
}

/// A title that spans the table stands once; below the header equal cells are those of their columns.
fn shorten_titles(rows: &mut [(usize, Vec<String>)]) {
    for (_, row) in rows.iter_mut().take_while(|(_, row)| spans(row)) {
        let at = row.iter().position(|cell| !cell.is_empty()).unwrap_or(0);
        row.truncate(at + 1);
    }
}

/// The pairs of a table that is a form.
fn form_of(rows: &[(usize, Vec<String>)]) -> Option<Vec<Vec<&String>>> {
    form(rows.iter().map(|(_, row)| row.as_slice()))
}

/// How many rows name the columns, `said` if that is known (0 if not); fills what labels reach down into below them.
fn named_rows(rows: &mut [(usize, Vec<String>)], said: usize) -> usize {
    let count = if said > 0 { said } else { header_rows(rows) };
    fill_labels(rows, count);
    count
}

/// The records of the rows below a header; gives the rows that are none, since they only sum up others.
fn records_below(
    sheet: &Sheet<'_>,
    heads: &[(usize, Vec<String>)],
    below: &[(usize, Vec<String>)],
    found: &mut Vec<Numbered>,
) -> Vec<String> {
    if !sheet.is_named() {
        found.extend(sheet.all_told(heads, below));
        return Vec::new();
    }
    // The header may stand there once more.
    let rows = below
        .iter()
        .filter(|(_, row)| !heads.iter().any(|(_, head)| head == row));
    let (totals, rows): (Vec<_>, Vec<_>) = rows.partition(|(_, row)| is_total(row));
    found.extend(sheet.all_named(&rows));
    totals.into_iter().map(|(_, row)| row.join(" | ")).collect()
}

/// What stands above a header, and in which line it begins.
struct Above {
    lines: Vec<String>,
    first: Option<usize>,
}

/// Parts rows into what stands above the header and the rest.
fn above_header(rows: Vec<(usize, Vec<String>)>) -> (Above, Vec<(usize, Vec<String>)>) {
    let wide = rows.iter().map(|(_, row)| filled(row).count()).max().unwrap_or(0);
    let (mut lines, mut first) = (Vec::new(), None);
    let mut rows = rows.into_iter().peekable();
    while wide > 1
        && let Some((line, row)) = rows.next_if(|(_, row)| is_above(row, wide))
    {
        first = first.or(Some(line));
        lines.extend(row.into_iter().filter(|cell| !cell.is_empty()));
    }
    (Above { lines, first }, rows.collect())
}

/// The title of a table among the lines above it.
fn title_above(lines: &[String]) -> Option<&String> {
    // `附件1` says which of several it is, not what.
    let is_number = |line: &&String| {
        line.starts_with("附件")
            && !line.contains(|c: char| c.is_alphabetic() && !"附件一二三四五六七八九十之".contains(c))
    };
    lines.iter().find(|line| !is_number(line)).or(lines.first())
}

/// The lines above a table without its title: what is too much to be told with each row is told once, as a record of
/// its own; and what is told with each.
fn told_apart(mut lines: Vec<String>, title: &str) -> (Vec<String>, Vec<String>) {
    if let Some(at) = lines.iter().position(|line| line == title) {
        lines.remove(at);
    }
    let is_short = lines.len() <= MAX_LEAD && lines.iter().all(|line| line.chars().count() <= MAX_LEAD_CHARS);
    // A sentence is no part of what a row says, unless it says in what its amounts are.
    let is_told_once = |line: &String| !is_short || line.contains('。') && !line.contains("单位");
    lines.into_iter().partition(is_told_once)
}

/// A table of one column that is a text, a paragraph a row, below its title: one article.
fn document(table: &Table, id: &str) -> Option<TableRecords> {
    let lines: Vec<&String> = table.rows.iter().filter_map(|(_, row)| only_cell(row)).collect();
    let [first, rest @ ..] = lines.as_slice() else {
        return None;
    };
    let sentences = rest.iter().filter(|line| line.contains('。')).count();
    let is_text =
        lines.len() == table.rows.len() && lines.len() > 2 && 2 * sentences >= rest.len() && !first.contains('。');
    let is_named = fields::is_known(first);
    if !is_text || is_named {
        return None;
    }
    let sheet = Sheet {
        id,
        header: Vec::new(),
        title: first.to_string(),
        lead: Vec::new(),
        of_sheet: None,
        by_commas: table.by_commas,
    };
    let line = table.rows[0].0;
    let text = rest
        .iter()
        .map(|line| line.to_string())
        .collect::<Vec<_>>()
        .join("\n\n");
    Some(TableRecords {
        records: vec![(Some(line), sheet.of_text(line, &sheet.title, vec![text]))],
        left_out: vec![left_out(HEADER, table.name.clone())],
    })
}

fn left_out(reason: &'static str, text: String) -> LeftOut {
    LeftOut { reason, text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cells::MAX_COLUMNS;
    use super::super::delimited::read_csv;
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        records(read_csv(text).unwrap(), "f", "文件")
            .records
            .into_iter()
            .map(|(_, record)| record.unwrap().article)
            .map(|article| (article.id, article.title, article.text))
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let found = read(text);
        let found: Vec<_> = found
            .iter()
            .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn rows_are_records_by_their_header() {
        // An empty id is none, and no label.
        check(
            "id,标题,正文\n问一,甲,甲说。\n,乙,乙说。\n",
            &[("问一", "甲", "甲说。"), ("f-3", "乙", "乙说。")],
        );
        check(
            "id,标题,正文,地区\r\n7,断缴,\"三个月内补缴,\n逾期重算。\",杭州\r\n,复审,两年一次。,\r\n",
            &[
                ("7", "断缴", "三个月内补缴,\n逾期重算。"),
                ("f-4", "复审", "两年一次。"),
            ],
        );
        check(
            "标题,正文,备注,备注\n护理,按月给付。,甲,乙\n意外,一次给付。,丙,丁\n",
            &[
                ("f-2", "护理", "按月给付。\n\n备注：甲\n备注：乙"),
                ("f-3", "意外", "一次给付。\n\n备注：丙\n备注：丁"),
            ],
        );
        check(
            "收费表,,\n单位：元,,\n项目,内容,价格\n挂号,问诊、开方。,13\n",
            &[("f-4", "收费表", "单位：元\n项目：挂号\n价格：13\n\n问诊、开方。")],
        );
        check(
            "标题,正文\n断缴,三个月内补缴,逾期重算。\n",
            &[("f-2", "断缴", "三个月内补缴,逾期重算。")],
        );
        let table = read_csv("question;answer;地区;备注\n几个月?;三个月。;杭州;旧").unwrap();
        let article = records(table, "f", "").records.remove(0).1.unwrap().article;
        assert_eq!(
            (article.title.as_str(), article.regions),
            ("几个月?", vec!["杭州".to_string()])
        );
        assert_eq!(article.attributes["备注"], "旧");
    }

    #[test]
    fn a_form_whose_values_were_merged_has_no_names_of_columns() {
        let check = |text: &str, header_rows: usize, expected: &str| {
            let mut table = read_csv(text).unwrap();
            table.header_rows = header_rows;
            let found = records(table, "f", "文件").records;
            let texts = found.into_iter().map(|(_, record)| record.unwrap().article.text);
            assert_eq!(texts.collect::<Vec<_>>(), [expected], "{text}");
        };
        check(
            "事项名称,零星报销,零星报销,零星报销\n办理时限,十五日,是否收费,否\n受理地点,窗口,咨询电话,12393\n",
            2,
            "事项名称：零星报销\n办理时限：十五日\n是否收费：否\n受理地点：窗口\n咨询电话：12393",
        );
        check(
            "姓名,张三,性别,女\n申请事由,急诊。,急诊。,急诊。\n审核意见,否,否,否\n",
            0,
            "姓名：张三\n性别：女\n申请事由：急诊。\n审核意见：否",
        );
    }

    #[test]
    fn rows_without_known_names_say_what_their_cells_are() {
        check(
            "项目\t编码\t限价\n项目一\t250\t13元\n项目二\t\t20元\t多\n",
            &[
                ("f-2", "文件", "项目：项目一\n编码：250\n限价：13元"),
                ("f-3", "文件", "项目：项目二\n限价：20元\n多"),
            ],
        );
        // A name and a unit above the header.
        check(
            "诊疗项目表,,\n单位：元,,\n项目,限价,说明\n项目一,13,门诊\n",
            &[("f-4", "诊疗项目表", "单位：元\n项目：项目一\n限价：13\n说明：门诊")],
        );
        check(
            "定点名单,,,\n制表单位：某局,,,制表日期：3月1日\n机构,等级,床位,地址\n一院,三级,1200,中心路,多\n注：含分院。\n",
            &[
                (
                    "f-4",
                    "定点名单",
                    "制表单位：某局\n制表日期：3月1日\n机构：一院\n等级：三级\n床位：1200\n地址：中心路\n多",
                ),
                ("f-5", "定点名单", "制表单位：某局\n制表日期：3月1日\n注：含分院。"),
            ],
        );
        check(
            "一、职工,,\n级别,起付线,比例\n三级,900,85%\n二、居民,,\n级别,起付线,比例\n三级,1200,60%\n（一）学生,,\n一级,200,85%\n二级,,\n",
            &[
                ("f-3", "一、职工", "级别：三级\n起付线：900\n比例：85%"),
                ("f-6", "二、居民", "级别：三级\n起付线：1200\n比例：60%"),
                ("f-8", "二、居民", "（一）学生\n级别：一级\n起付线：200\n比例：85%"),
                ("f-9", "二、居民", "（一）学生\n级别：二级"),
            ],
        );
        check(
            "机构,机构,规模\n名称,等级,床位数\n一院,三级,1200\n",
            &[("f-3", "文件", "机构/名称：一院\n机构/等级：三级\n规模/床位数：1200")],
        );
        check(
            "事项名称,生育津贴申领\n办理条件,连续缴费满六个月。\n承诺时限,10个工作日\n备注,\n",
            &[(
                "f-1",
                "生育津贴申领",
                "事项名称：生育津贴申领\n办理条件：连续缴费满六个月。\n承诺时限：10个工作日\n备注",
            )],
        );
        // The first columns repeat what stands above where they are empty.
        check(
            "类别,病种,限额\n甲类,透析,12万\n,移植,8万\n乙类,,2万\n",
            &[
                ("f-2", "文件", "类别：甲类\n病种：透析\n限额：12万"),
                ("f-3", "文件", "类别：甲类\n病种：移植\n限额：8万"),
                ("f-4", "文件", "类别：乙类\n限额：2万"),
            ],
        );
        // A sentence above the names of columns is told once.
        check(
            "费率表,\n单位：元,\n请于三月底前完成申报。,\n险种,费率\n养老,16%\n",
            &[
                ("f-1", "费率表", "请于三月底前完成申报。"),
                ("f-5", "费率表", "单位：元\n险种：养老\n费率：16%"),
            ],
        );
        // A name without a value is not the next one's.
        check(
            "事项名称,生育津贴,办理条件,连续缴费\n联系电话,,办理地址,\n承诺时限,10日,收费标准,免费\n",
            &[(
                "f-1",
                "生育津贴",
                "事项名称：生育津贴\n办理条件：连续缴费\n联系电话\n办理地址\n承诺时限：10日\n收费标准：免费",
            )],
        );
        check(
            "险种,缴费方,备注,备注\n护理,个人,甲,乙\n意外,单位,丙,丁\n",
            &[
                ("f-2", "文件", "险种：护理\n缴费方：个人\n备注：甲\n备注：乙"),
                ("f-3", "文件", "险种：意外\n缴费方：单位\n备注：丙\n备注：丁"),
            ],
        );
        check(
            "部门名称,电话\n受理部门,12393\n稽核部门,12345\n信访部门,12320\n",
            &[
                ("f-2", "文件", "部门名称：受理部门\n电话：12393"),
                ("f-3", "文件", "部门名称：稽核部门\n电话：12345"),
                ("f-4", "文件", "部门名称：信访部门\n电话：12320"),
            ],
        );
        check(
            "待遇表,,\n单位：万元,,\n级别,起付线,比例\n三级,0.09,85%\n居民,,\n级别,起付线,比例\n三级,0.12,60%\n",
            &[
                ("f-4", "待遇表", "单位：万元\n级别：三级\n起付线：0.09\n比例：85%"),
                ("f-7", "待遇表", "单位：万元\n居民\n级别：三级\n起付线：0.12\n比例：60%"),
            ],
        );
        let note = "说明".repeat(40);
        check(
            &format!("待遇表,,\n{note},,\n级别,起付线,比例\n三级,900,85%\n"),
            &[
                ("f-1", "待遇表", &note),
                ("f-4", "待遇表", "级别：三级\n起付线：900\n比例：85%"),
            ],
        );
        check(
            "缴费通知\n一、每人四百元。\n二、九月起缴费。\n附件：标准表\n",
            &[(
                "f-1",
                "缴费通知",
                "一、每人四百元。\n\n二、九月起缴费。\n\n附件：标准表",
            )],
        );
        check(
            "名称,地址,电话\n一院,中心路,123\n以文件为准,以文件为准,以文件为准\n",
            &[
                ("f-2", "文件", "名称：一院\n地址：中心路\n电话：123"),
                ("f-3", "文件", "名称：以文件为准\n地址：以文件为准\n电话：以文件为准"),
            ],
        );
        check("甲|乙\n丙|丁\n", &[("f-2", "文件", "甲：丙\n乙：丁")]);
        check("只有一列\n甲\n", &[("f-2", "文件", "只有一列：甲")]);
        check("只有一格\n", &[("f-1", "文件", "只有一格")]);
    }

    #[test]
    fn a_header_may_take_two_rows() {
        let row = "统筹区：东川区\n住院比例/一级：90%\n住院比例/二级：80%\n年度限额：15万元";
        check(
            "统筹区,住院比例,,年度限额\n,一级,二级,\n东川区,90%,80%,15万元\n",
            &[("f-3", "文件", row)],
        );
        check(
            "统筹区,住院比例,住院比例,年度限额\n统筹区,一级,二级,年度限额\n东川区,90%,80%,15万元\n",
            &[("f-3", "文件", row)],
        );
        // A row whose first cell repeats what stands above it is no header.
        check(
            "统筹区,级别,比例\n东川区,一级,90%\n,二级,80%\n",
            &[
                ("f-2", "文件", "统筹区：东川区\n级别：一级\n比例：90%"),
                ("f-3", "文件", "统筹区：东川区\n级别：二级\n比例：80%"),
            ],
        );
    }

    #[test]
    fn a_form_may_have_several_names_in_a_row() {
        check(
            "备案登记表,,,\n备案类型,异地长期居住,有效期,长期有效\n咨询电话,12393,办理时限,即时\n告知事项,急诊直接结算。,急诊直接结算。,急诊直接结算。\n",
            &[(
                "f-2",
                "备案登记表",
                "备案类型：异地长期居住\n有效期：长期有效\n咨询电话：12393\n办理时限：即时\n告知事项：急诊直接结算。",
            )],
        );
        // Such names as a header.
        check(
            "机构名称,负责人,联系电话,等级,机构地址,备注\n一院,张三,1234,三级,中心路,有分院\n",
            &[(
                "f-2",
                "文件",
                "机构名称：一院\n负责人：张三\n联系电话：1234\n等级：三级\n机构地址：中心路\n备注：有分院",
            )],
        );
    }

    #[test]
    fn columns_without_names_are_known_by_what_stands_in_them() {
        check(
            "1001\t多久有效\t有效期十二个月。\thttp://a.example/1\n1002\t能撤销吗\t可以随时撤销。\thttp://a.example/2\n",
            &[
                ("f-1", "多久有效", "有效期十二个月。"),
                ("f-2", "能撤销吗", "可以随时撤销。"),
            ],
        );
    }

    #[test]
    fn a_question_in_somebodys_own_words_is_the_title_of_its_row() {
        check(
            "工单号,客户问题,坐席答复,创建时间\nA1,押金条丢了还能报销吗,不影响报销。,2024-04-02\nA2,,请补开。,\n",
            &[
                ("f-2", "押金条丢了还能报销吗", "不影响报销。\n\n工单号：A1"),
                ("f-3", "文件", "请补开。\n\n工单号：A2"),
            ],
        );
    }

    #[test]
    fn why_rows_are_refused_is_said_of_the_first_ones() {
        let text: String = (0..1_200).map(|row| format!("甲{row},\n")).collect();
        let rows = records(read_csv(&format!("标题,正文\n{text}")).unwrap(), "a", "文件").records;
        assert_eq!(rows.len(), 1_001);
        assert_eq!(rows[1_000].1.as_ref().unwrap_err(), "200 more records are refused");
    }

    #[test]
    fn a_row_that_sums_up_is_left_out() {
        let table = read_csv("标题,正文\n护理,按月给付。\n合计,1\n").unwrap();
        let rows = records(table, "f", "文件");
        assert_eq!(rows.records.len(), 1);
        let totals = rows.left_out.iter().filter(|left| left.reason == TOTAL);
        assert_eq!(totals.map(|left| left.text.as_str()).collect::<String>(), "合计 | 1");
        // A sum of amounts is a row as others are.
        check(
            "项目,金额\n挂号,13\n合计,13\n",
            &[
                ("f-2", "文件", "项目：挂号\n金额：13"),
                ("f-3", "文件", "项目：合计\n金额：13"),
            ],
        );
    }

    #[test]
    fn commas_that_nobody_put_in_quotes_belong_to_the_text() {
        check(
            "id,title,content,date\n1,职业,分六类, 越高越贵,2023-01-05\n2,甲,乙,丙,丁\n",
            &[("1", "职业", "分六类,越高越贵"), ("2", "甲", "乙\n\n丁")],
        );
    }

    #[test]
    fn a_first_row_like_the_others_names_no_columns() {
        check(
            "三档护理每月给付九百元,由机构评定\n四档护理每月给付八百元,由机构评定\n",
            &[
                ("f-1", "文件", "三档护理每月给付九百元\n由机构评定"),
                ("f-2", "文件", "四档护理每月给付八百元\n由机构评定"),
            ],
        );
        check(
            "等待期内不赔。\n等待期后全赔。\n",
            &[("f-1", "文件", "等待期内不赔。"), ("f-2", "文件", "等待期后全赔。")],
        );
        // Names of columns with numbers, years, or questions.
        check(
            "险种,2023,2024年,是否续保？\n护理,30,40,是\n",
            &[("f-2", "文件", "险种：护理\n2023：30\n2024年：40\n是否续保？：是")],
        );
    }

    #[test]
    fn columns_of_one_name_are_all_kept() {
        let table = read_csv("标题,标题,正文,正文,备注,备注\n护理,长护,按月给付。,每两年评估。,甲,乙\n").unwrap();
        let article = records(table, "f", "").records.remove(0).1.unwrap().article;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("护理", "按月给付。\n每两年评估。\n\n备注：甲\n备注：乙")
        );
        let kept: Vec<(&str, &str)> = article
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(kept, [("备注", "甲"), ("备注 6", "乙"), ("标题 2", "长护")]);
    }

    #[test]
    fn rows_end_by_a_carriage_return_too() {
        check(
            "险种,比例\r护理,一成\r意外,两成\r",
            &[
                ("f-2", "文件", "险种：护理\n比例：一成"),
                ("f-3", "文件", "险种：意外\n比例：两成"),
            ],
        );
    }

    #[test]
    fn a_line_for_the_program_is_no_row() {
        check(
            "sep=;\n险种;比例\n护理;一成\n",
            &[("f-3", "文件", "险种：护理\n比例：一成")],
        );
        check(
            "SEP=\t\r\n险种\t比例,全\r\n护理\t一成\r\n",
            &[("f-3", "文件", "险种：护理\n比例,全：一成")],
        );
        check("sep=;,值\n甲,乙\n", &[("f-2", "文件", "sep=;：甲\n值：乙")]);
        let empty = ",".repeat(MAX_COLUMNS * 2);
        check(
            &format!("险种,比例{empty}\n护理,一成{empty}\n"),
            &[("f-2", "文件", "险种：护理\n比例：一成")],
        );
    }

    #[test]
    fn a_cell_of_broken_lines_does_not_run_into_its_neighbour() {
        check(
            "险种,范围\n长护,\"被评定为重度失能的参保人\n员，由长期护理保\n险基金支付。\"\n",
            &[(
                "f-2",
                "文件",
                "险种：长护\n范围：被评定为重度失能的参保人员，由长期护理保险基金支付。",
            )],
        );
        check(
            "险种,范围\n长护,\"一、居家。\n二、机构。\"\n",
            &[("f-2", "文件", "险种：长护\n范围：一、居家。\n二、机构。")],
        );
    }

    proptest! {
        #[test]
        fn no_cell_of_any_table_is_lost(text in "([甲乙丙0-9]{1,3}|,|\t|\n|;){0,60}") {
            let Ok(table) = read_csv(&text) else { return Ok(()) };
            let cells: Vec<String> = table.rows.iter().flat_map(|(_, row)| row.clone()).filter(|cell| !cell.is_empty()).collect();
            let rows = records(table, "f", "");
            let kept: String = rows.records.into_iter().map(|(_, record)| {
                let article = record.unwrap().article;
                format!("{}\n{}\n", article.title, article.text)
            }).chain(rows.left_out.into_iter().map(|left| left.text)).collect();
            for cell in cells {
                prop_assert!(kept.contains(&cell), "{text}: {cell} is not in {kept}");
            }
        }

        #[test]
        fn any_text_is_survived(text in "(id|text|正文|\"|,|\n|甲|年度){0,40}|\\PC{0,80}") {
            if let Ok(table) = read_csv(&text) {
                records(table, "f", "");
            }
        }
    }
}
