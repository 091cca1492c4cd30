//! Documents made by hand: what is read of them, and that none takes the program down.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::extracted::Kind;
use super::flow;
use super::readers::read;

/// An archive of these parts.
pub(in super::super) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A Word document with this body, some styles and two lists.
pub(in super::super) fn docx(body: &str) -> Vec<u8> {
    let spaces = "xmlns:w=\"w\" xmlns:mc=\"mc\" xmlns:dc=\"dc\"";
    archive(&[
        (
            "word/document.xml",
            &format!("<?xml version=\"1.0\"?><w:document {spaces}><w:body>{body}</w:body></w:document>"),
        ),
        (
            "word/styles.xml",
            &format!(
                "<w:styles {spaces}><w:style w:styleId=\"1\"><w:name w:val=\"heading 1\"/></w:style>\
             <w:style w:styleId=\"2\"><w:name w:val=\"my\"/><w:basedOn w:val=\"1\"/></w:style>\
             <w:style w:styleId=\"T\"><w:name w:val=\"Title\"/></w:style><w:style w:styleId=\"C\"><w:name w:val=\"toc 1\"/></w:style></w:styles>"
            ),
        ),
        (
            "word/numbering.xml",
            &format!(
                "<w:numbering {spaces}><w:abstractNum w:abstractNumId=\"7\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"chineseCountingThousand\"/><w:lvlText w:val=\"第%1条\"/></w:lvl></w:abstractNum>\
             <w:abstractNum w:abstractNumId=\"8\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"x\"/></w:lvl></w:abstractNum>\
             <w:num w:numId=\"1\"><w:abstractNumId w:val=\"7\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"8\"/></w:num></w:numbering>"
            ),
        ),
        (
            "docProps/core.xml",
            &format!("<x {spaces}><dc:title>通知.docx</dc:title></x>"),
        ),
        (
            "word/comments.xml",
            &format!(
                "<w:comments {spaces}><w:comment>{}</w:comment></w:comments>",
                paragraph("", "法务：改为二十支")
            ),
        ),
        (
            "word/header1.xml",
            &format!("<w:hdr {spaces}>{}</w:hdr>", paragraph("", "内部文件")),
        ),
    ])
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A workbook of one sheet with these rows of XML, percent as style 1 and dates as style 2, and a hidden sheet.
pub(in super::super) fn xlsx(rows: &str, merged: &str) -> Vec<u8> {
    let spaces = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    archive(&[
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r0\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook {spaces}><sheets><sheet name=\"待遇\" sheetId=\"1\" r:id=\"r1\"/><sheet name=\"草稿\" sheetId=\"2\" state=\"hidden\" r:id=\"r2\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"r1\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
             <Relationship Id=\"r2\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet2.xml\"/>\
             <Relationship Id=\"r3\" Type=\"{relation}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            &format!(
                "<styleSheet {spaces}><fonts count=\"1\"><font/></fonts><fills count=\"1\"><fill/></fills><borders count=\"1\"><border/></borders><cellXfs count=\"3\"><xf numFmtId=\"0\"/><xf numFmtId=\"9\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet {spaces}><sheetData>{rows}</sheetData>{merged}</worksheet>"),
        ),
        (
            "xl/worksheets/sheet2.xml",
            &format!(
                "<worksheet {spaces}><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>未定</t></is></c></row></sheetData></worksheet>"
            ),
        ),
        (
            "xl/comments1.xml",
            "<comments xmlns=\"x\"><authors><author>甲</author></authors><commentList><comment ref=\"A1\" authorId=\"0\"><text><r><t>按新文件</t></r><r><t>核对</t></r></text></comment></commentList></comments>",
        ),
        (
            "xl/threadedComments/threadedComment1.xml",
            "<ThreadedComments xmlns=\"x\"><threadedComment ref=\"B2\"><text>比例待定</text></threadedComment></ThreadedComments>",
        ),
    ])
}

/// A line that is drawn as a box and is no text.
const DRAWN: &str = "\u{25a0}";

/// A PDF of these pages of lines, of which those with bars are rows of a ruled table, in a font that names its
/// characters by a predefined CMap alone.
pub(in super::super) fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    let mut object = |file: &mut Vec<u8>, text: &str| {
        places.push(file.len());
        let number = places.len();
        file.extend_from_slice(format!("{number} 0 obj\n{text}\nendobj\n").as_bytes());
        number
    };
    object(&mut file, "<< /Type /Catalog /Pages 2 0 R >>");
    let kids: Vec<String> = (0..pages.len()).map(|at| format!("{} 0 R", 6 + at * 2)).collect();
    object(
        &mut file,
        &format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
    );
    object(
        &mut file,
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
    );
    object(
        &mut file,
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /FontDescriptor 5 0 R /DW 1000 >>",
    );
    object(
        &mut file,
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
    );
    for (page, lines) in pages.iter().enumerate() {
        let mut content = String::new();
        for (at, line) in lines.iter().enumerate() {
            if *line == DRAWN {
                content.push_str("0 0 9 9 re f\n");
                continue;
            }
            let y = 780 - 20 * at;
            for (column, words) in line.split('|').enumerate() {
                let x = 72 + 150 * column;
                let hex: String = words.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
                content.push_str(&format!("BT /F1 12 Tf {x} {y} Td <{hex}> Tj ET\n"));
                if line.contains('|') {
                    content.push_str(&format!("{} {} 150 20 re S\n", x - 4, y - 6));
                }
            }
        }
        object(
            &mut file,
            &format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
                7 + page * 2
            ),
        );
        object(
            &mut file,
            &format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len() + 1),
        );
    }
    let start = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes());
    for place in &places {
        file.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    file.extend_from_slice(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
            places.len() + 1
        )
        .as_bytes(),
    );
    file
}

#[test]
fn a_word_document_keeps_its_structure() {
    let number = "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>";
    let bullet = "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"2\"/></w:numPr>";
    let cell =
        |properties: &str, text: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", paragraph("", text));
    let merge = |start: bool| {
        if start {
            "<w:vMerge w:val=\"restart\"/>"
        } else {
            "<w:vMerge/>"
        }
    };
    let body = [
        paragraph("<w:pStyle w:val=\"T\"/>", "关于断缴的通知"),
        paragraph("<w:pStyle w:val=\"C\"/>", "总则 1"),
        paragraph("<w:pStyle w:val=\"2\"/>", "总则"),
        paragraph(number, "为了参保人&amp;单位。"),
        paragraph(number, "<![CDATA[适用于]]>全市。"),
        paragraph("<w:outlineLvl w:val=\"1\"/>", "材料"),
        paragraph(bullet, "身份证"),
        paragraph(bullet, "社保卡"),
        "<w:p><w:r><w:t>原文</w:t></w:r><w:del><w:r><w:delText>删去</w:delText></w:r></w:del><w:ins><w:r><w:t>加上</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>藏着</w:t></w:r><w:r><w:instrText>PAGE</w:instrText><w:t>。</w:t></w:r></w:p>".to_string(),
        format!("<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>", cell("", "人群"), cell("", "比例"), cell(merge(true), "在职"), cell("", "80%"), cell(merge(false), ""), cell("", "85%")),
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>框里的字</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>框里的字</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent></w:r></w:p>".to_string(),
    ];
    let found = read(Kind::Docx, docx(&body.concat())).unwrap();
    assert_eq!(found.title.as_deref(), Some("关于断缴的通知"));
    assert_eq!(
        found.text,
        "关于断缴的通知\n\n# 总则\n\n第一条为了参保人&单位。\n第二条适用于全市。\n\n## 材料\n\n- 身份证\n- 社保卡\n\n原文加上。\n\n人群 | 比例\n在职 | 80%\n在职 | 85%\n\n框里的字"
    );
    let left: Vec<_> = found
        .left_out
        .iter()
        .map(|(reason, text)| (reason.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("table of contents", "总则 1"),
            ("hidden", "藏着"),
            ("struck out", "删去"),
            ("comment", "法务：改为二十支"),
            ("running head", "内部文件")
        ]
    );
}

#[test]
fn formulas_and_what_is_drawn_are_not_lost() {
    let part = |name: &str, text: &str| format!("<m:{name}><m:r><m:t>{text}</m:t></m:r></m:{name}>");
    let formula = format!(
        "<m:oMath><m:f>{}{}</m:f></m:oMath>",
        part("num", "1+2"),
        part("den", "3")
    );
    let body = format!("<w:p><w:r><w:t>补贴为工资的</w:t></w:r>{formula}</w:p>");
    let found = read(Kind::Docx, docx(&body)).unwrap();
    assert_eq!(found.text, "补贴为工资的(1+2)/3");
    let chart = "<c xmlns:a=\"a\"><a:p><a:r><a:t>各年</a:t></a:r><a:r><a:t>比例</a:t></a:r></a:p></c>";
    let bytes = archive(&[
        ("word/document.xml", "<w:document xmlns:w=\"w\"/>"),
        ("word/charts/chart1.xml", chart),
    ]);
    let left_out = read(Kind::Docx, bytes).unwrap().left_out;
    assert_eq!(left_out, [("beside the text".to_string(), "各年比例".to_string())]);
}

#[test]
fn a_form_in_a_word_document_says_each_name_with_its_value() {
    let cell = |span: &str, text: &str| format!("<w:tc><w:tcPr>{span}</w:tcPr>{}</w:tc>", paragraph("", text));
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let over = |text: &str| cell("<w:gridSpan w:val=\"3\"/>", text);
    let form = [
        row(&[
            cell("", "事项名称"),
            cell("", "手工报销"),
            cell("", "时限"),
            cell("", "15日"),
        ]),
        row(&[cell("", "受理条件"), over("急诊等原因未直接结算的费用")]),
        row(&[cell("", "申请材料"), over("票据；清单；诊断证明")]),
    ];
    let found = read(Kind::Docx, docx(&format!("<w:tbl>{}</w:tbl>", form.concat()))).unwrap();
    assert_eq!(
        found.text,
        "手工报销\n\n事项名称：手工报销\n\n时限：15日\n\n受理条件：急诊等原因未直接结算的费用\n\n申请材料：票据；清单；诊断证明"
    );
}

#[test]
fn a_wide_cell_says_its_value_once_and_a_columns_name_in_each() {
    let cell = |span: usize, text: &str| {
        let span = format!("<w:gridSpan w:val=\"{span}\"/>");
        format!("<w:tc><w:tcPr>{span}</w:tcPr>{}</w:tc>", paragraph("", text))
    };
    let check = |rows: &[&[(usize, &str)]], expected: &str| {
        let row = |cells: &&[(usize, &str)]| {
            let cells: String = cells.iter().map(|(span, text)| cell(*span, text)).collect();
            format!("<w:tr>{cells}</w:tr>")
        };
        let body = format!("<w:tbl>{}</w:tbl>", rows.iter().map(row).collect::<String>());
        assert_eq!(read(Kind::Docx, docx(&body)).unwrap().text, expected);
    };
    let long = "近两年住院病历首页、出院小结、检查报告单三选一。";
    check(
        &[
            &[(1, "申请人"), (1, ""), (1, "身份证"), (1, "")],
            &[(1, "清单"), (3, long)],
        ],
        &format!("申请人 |  | 身份证\n清单 | {long}"),
    );
    check(
        &[
            &[(1, "申请人"), (3, "张某")],
            &[(1, "病种"), (1, "透析"), (1, "等级"), (1, "甲")],
            &[(1, "结论"), (3, "同意")],
        ],
        "申请人 | 张某\n病种 | 透析 | 等级 | 甲\n结论 | 同意",
    );
    // Names of columns in two rows, of which the first goes on.
    check(
        &[
            &[(1, "人员类别"), (3, "缴费档次")],
            &[(1, ""), (1, "一档"), (1, "二档"), (1, "三档")],
            &[(1, "低保"), (3, "全额资助")],
        ],
        "人员类别 | 缴费档次 | 缴费档次 | 缴费档次\n | 一档 | 二档 | 三档\n低保 | 全额资助 | 全额资助 | 全额资助",
    );
    // Names of columns, and a value of each of them.
    check(
        &[
            &[(1, "人群"), (2, "比例")],
            &[(1, "在职"), (1, "80%"), (1, "85%")],
            &[(1, "退休"), (2, "90%")],
        ],
        "人群 | 比例 | 比例\n在职 | 80% | 85%\n退休 | 90% | 90%",
    );
}

#[test]
fn a_workbook_gives_its_rows_as_they_are_shown() {
    let text = |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let rows = [
        format!("<row r=\"1\">{}</row>", text("A1", "青禾市待遇表")),
        format!(
            "<row r=\"2\">{}{}{}</row>",
            text("A2", "人群"),
            text("B2", "比例"),
            text("C2", "起")
        ),
        format!(
            "<row r=\"3\">{}<c r=\"B3\" s=\"1\"><v>0.85</v></c><c r=\"C3\" s=\"2\"><v>45413</v></c></row>",
            text("A3", "在职")
        ),
        "<row r=\"4\"><c r=\"B4\" s=\"1\"><v>0.7</v></c><c r=\"C4\"><v>1300.5</v></c></row>".to_string(),
    ];
    let found = read(
        Kind::Xlsx,
        xlsx(
            &rows.concat(),
            "<mergeCells count=\"2\"><mergeCell ref=\"A1:C1\"/><mergeCell ref=\"A3:A4\"/></mergeCells>",
        ),
    )
    .unwrap();
    assert_eq!(found.passed_over, ["hidden sheets are not read: 草稿"]);
    assert_eq!(
        found.left_out,
        [
            ("comment".to_string(), "按新文件核对\n比例待定".to_string()),
            ("hidden".to_string(), "未定".to_string())
        ]
    );
    let rows: Vec<_> = found.tables[0]
        .rows
        .iter()
        .map(|(number, row)| (*number, row.join("|")))
        .collect();
    let expected = [
        (1, "青禾市待遇表"),
        (2, "人群|比例|起"),
        (3, "在职|85%|2024-05-01"),
        (4, "在职|70%|1300.5"),
    ];
    assert_eq!(rows, expected.map(|(number, row)| (number, row.to_string())));
}

#[test]
fn a_cell_far_out_takes_the_room_of_one() {
    let check = |cells: &str, expected: &[(usize, &str)]| {
        let found = read(Kind::Xlsx, xlsx(cells, "")).unwrap();
        let rows: Vec<_> = found.tables[0]
            .rows
            .iter()
            .map(|(number, row)| (*number, row.join("|")))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(number, row)| (*number, row.to_string()))
            .collect();
        assert_eq!(rows, expected);
    };
    check(
        "<row r=\"1048576\"><c r=\"A1048576\"><v>1</v></c></row>",
        &[(1_048_576, "1")],
    );
    check(
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"C1\"><v>2</v></c></row><row r=\"9\"><c r=\"XFD9\"><v>3</v></c></row>",
        &[(1, "1||2"), (9, "||||3")],
    );
    // More columns with something in them than a table has: that sheet alone is not read.
    let wide: String = (0..26 * 26)
        .flat_map(|at| [(at, "A"), (at, "B")])
        .map(|(at, prefix)| {
            let letter = |n: usize| char::from(b'A' + n as u8);
            format!("<c r=\"{prefix}{}{}1\"><v>1</v></c>", letter(at / 26), letter(at % 26))
        })
        .collect();
    let reason = read(Kind::Xlsx, xlsx(&format!("<row r=\"1\">{wide}</row>"), "")).unwrap_err();
    assert!(
        reason.starts_with("the sheet `待遇` has cells in more than 1000 columns") && reason.contains("hidden"),
        "{reason}"
    );
}

#[test]
fn a_sheet_that_is_damaged_is_named() {
    let whole = xlsx(
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>",
        "<mergeCells count=\"1\"><mergeCell ref=\"?\"/></mergeCells>",
    );
    let reason = read(Kind::Xlsx, whole).unwrap_err();
    assert!(
        reason.starts_with("the sheet `待遇` is damaged and is not read: "),
        "{reason}"
    );
}

#[test]
fn a_documents_title_is_its_first_line() {
    let title = |text: &str| paragraph("<w:pStyle w:val=\"T\"/>", text);
    let heading = |text: &str| paragraph("<w:pStyle w:val=\"1\"/>", text);
    let plain = |text: &str| paragraph("", text);
    let check = |body: &[String], expected: &str| {
        let found = read(Kind::Docx, docx(&body.concat())).unwrap();
        assert_eq!(found.text, expected);
    };
    check(
        &[title("护理补贴申领办法"), heading("申领条件"), plain("满六十岁。")],
        "护理补贴申领办法\n\n# 申领条件\n\n满六十岁。",
    );
    check(
        &[
            plain("南岭市文件"),
            plain("二〇二四年"),
            title("护理补贴申领办法"),
            plain("满六十岁。"),
        ],
        "护理补贴申领办法\n\n南岭市文件\n\n二〇二四年\n\n满六十岁。",
    );
    // A second one is a heading.
    check(
        &[title("办法"), plain("甲。"), title("附则"), plain("乙。")],
        "办法\n\n甲。\n\n# 附则\n\n乙。",
    );
}

#[test]
fn a_pdf_gives_the_lines_of_its_pages() {
    let found = read(
        Kind::Pdf,
        pdf(&[&["青禾市医保通知", "门诊限额3000元，2025年起。"], &["⾝份证和⽇期"]]),
    )
    .unwrap();
    assert_eq!(
        found.pages,
        [
            vec!["青禾市医保通知".to_string(), "门诊限额3000元，2025年起。".into()],
            vec!["身份证和日期".to_string()]
        ]
    );
    let check = |pages: &[&[&str]], expected: Result<&[&str], &str>| match (read(Kind::Pdf, pdf(pages)), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found.noticed, expected),
        (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{reason}"),
        (found, _) => panic!("{found:?}"),
    };
    check(&[&[], &[]], Err("2 pages are blank"));
    check(&[&[DRAWN], &[]], Err("1 of its 2 pages are scanned"));
    check(&[&["有字"], &[]], Ok(&[]));
    check(
        &[&["有字"], &[], &[DRAWN]],
        Ok(&["pages without text (scanned or drawn): 3"]),
    );
    assert!(read(Kind::Pdf, b"%PDF-1.4 nothing".to_vec()).is_err());
}

#[test]
fn a_ruled_table_in_a_pdf_is_read_row_by_row() {
    let lines = [
        "我们按下表给付。",
        "类别|级别|比例",
        "门诊|一级|60%",
        "住院|三级|65%",
        "另行通知的除外。",
    ];
    let found = read(Kind::Pdf, pdf(&[&lines])).unwrap();
    assert_eq!(
        found.pages[0],
        [
            "我们按下表给付。",
            "类别 | 级别 | 比例",
            "门诊 | 一级 | 60%",
            "住院 | 三级 | 65%",
            "另行通知的除外。"
        ]
    );
    assert_eq!(flow(&found.pages).text.lines().count(), 5);
}

#[test]
fn what_would_do_harm_is_refused() {
    let check = |bytes: Vec<u8>, kind: Kind, expected: &str| {
        let reason = read(kind, bytes).unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    };
    let large = "x".repeat(65 << 20);
    check(
        archive(&[("word/document.xml", &large)]),
        Kind::Docx,
        "unpacks to more than 64 MiB",
    );
    check(
        archive(&[("xl/workbook.xml", &large)]),
        Kind::Xlsx,
        "unpacks to more than 64 MiB",
    );
    check(docx(&"<w:p>".repeat(300)), Kind::Docx, "nested deeper than 256");
    check(
        archive(&[("word/document.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>")]),
        Kind::Docx,
        "document type",
    );
    check(archive(&[("a.txt", "x")]), Kind::Docx, "no word/document.xml");
    check(b"PK\x03\x04rest".to_vec(), Kind::Docx, "damaged archive");
}

/// How many damaged files a reader is given: few in every run, 100,000 by `BAOWEN_FUZZ_CASES=100000`.
fn cases() -> u32 {
    std::env::var("BAOWEN_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(48)
}

/// Damages a file: bytes set, a part cut out or doubled.
pub(in super::super) fn damage(bytes: &[u8], edits: &[(usize, u8)], cut: (usize, usize), double: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len().max(1);
    for &(at, byte) in edits {
        if let Some(place) = bytes.get_mut(at % length) {
            *place = byte;
        }
    }
    let from = cut.0 % length;
    let to = (from + cut.1 % 400).min(bytes.len());
    if double {
        let part = bytes[from..to].to_vec();
        bytes.splice(from..from, part);
    } else {
        drop(bytes.drain(from..to));
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn damaged_documents_are_survived(
        kind in 0usize..3,
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        cut in (any::<usize>(), 0usize..400),
        double in any::<bool>(),
    ) {
        let started = std::time::Instant::now();
        let body = paragraph("<w:pStyle w:val=\"1\"/>", "标题") + &paragraph("", "正文。");
        let (kind, bytes) = match kind {
            0 => (Kind::Pdf, pdf(&[&["正文一", "二"], &["三"]])),
            1 => (Kind::Docx, docx(&body)),
            _ => (Kind::Xlsx, xlsx("<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\" s=\"1\"><v>2</v></c></row>", "<mergeCells><mergeCell ref=\"A1:B9\"/></mergeCells>")),
        };
        if let Ok(found) = read(kind, damage(&bytes, &edits, cut, double)) {
            flow(&found.pages);
        }
        prop_assert!(cases() < 10_000 || started.elapsed().as_secs() < 2);
    }

    #[test]
    fn damaged_markup_in_whole_archives_is_survived(
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        cut in (any::<usize>(), 0usize..400),
        double in any::<bool>(),
    ) {
        // Inside the archive, where checksums would refuse a damaged part.
        let body = paragraph("<w:pStyle w:val=\"1\"/>", "标题") + "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"3\"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>";
        let damaged = damage(body.as_bytes(), &edits, cut, double);
        let _ = read(Kind::Docx, docx(&String::from_utf8_lossy(&damaged)));
        let rows = damage(b"<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B2\" s=\"9\"><v>2</v></c></row>", &edits, cut, double);
        let _ = read(Kind::Xlsx, xlsx(&String::from_utf8_lossy(&rows), ""));
    }
}
