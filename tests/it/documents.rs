//! Documents through the program itself: one that crashes, floods or hangs its reader is skipped by name, and the rest
//! is read.

use std::process::Command;

use serde_json::Value;

/// A PDF of one page with this stream as its content.
fn pdf(content: &str) -> Vec<u8> {
    let text = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>\nendobj\n\
         4 0 obj\n<< /Length {} >>\nstream\n{content}\nendstream\nendobj\n\
         5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\ntrailer\n<< /Root 1 0 R /Size 6 >>\n%%EOF\n",
        content.len()
    );
    text.into_bytes()
}

fn read(folder: &std::path::Path) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .arg("read")
        .arg(folder)
        .arg("--json")
        .output()
        .unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_document_is_read_in_a_child() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("rule.pdf"),
        pdf("BT /F1 12 Tf 72 700 Td (Deductible 1300 yuan a year) Tj ET"),
    )
    .unwrap();
    let (code, found) = read(folder.path());
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["articles"][0]["text"], "Deductible 1300 yuan a year");
}

#[test]
fn a_hostile_document_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a.txt", "断缴怎么办\n\n三个月内补缴。".into());
    write("deep.pdf", pdf(&"[".repeat(3_000_000)));
    write(
        "deep-object.pdf",
        format!("%PDF-1.4\n1 0 obj\n{}\n", "<</A ".repeat(1_000_000)).into_bytes(),
    );
    write("cut.pdf", pdf("BT /F1 12 Tf (x) Tj ET")[..120].to_vec());
    write("empty.docx", b"PK\x03\x04".to_vec());
    write("scan.pdf", pdf("q 1 0 0 1 0 0 cm 0 0 9 9 re f Q"));
    let (code, found) = read(folder.path());
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["articles"].as_array().unwrap().len(), 1, "{found}");
    let skipped = found["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 5, "{found}");
    let scan = skipped
        .iter()
        .find(|s| s["path"].as_str().unwrap().ends_with("scan.pdf"))
        .unwrap();
    assert!(scan["reason"].as_str().unwrap().contains("scanned"), "{scan}");
}

#[test]
fn a_folder_of_which_nothing_is_read_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.css"), "p {}").unwrap();
    let (code, found) = read(folder.path());
    assert_eq!(code, Some(1));
    assert_eq!(found["skipped"].as_array().unwrap().len(), 1);
}
