//! What a Word document says by other means than letters: parts of formulas, signs of fonts that have no letters.
//!
//! Only writes one such thing; where it stands is for `docx`.

/// Ends a part of a formula, which begins at a byte of the text: what stands above a line, below it, or raised.
pub(super) fn end_part(text: &mut String, name: &str, start: usize) {
    let Some(part) = text.get(start..).filter(|part| !part.is_empty()) else {
        return;
    };
    if part.contains(|c: char| !(c.is_alphanumeric() || c == '.')) {
        text.insert(start, '(');
        text.push(')');
    }
    match name {
        "num" => text.push('/'),
        "sup" => text.insert(start, '^'),
        _ => {}
    }
}

/// A character of a font of signs (Wingdings), of which forms use boxes and ticks.
pub(super) fn symbol(code: &str) -> char {
    let code = code.to_ascii_uppercase();
    match code.strip_prefix("F0").unwrap_or(&code) {
        "FE" | "52" | "54" => '☑',
        "FD" | "53" | "51" => '☒',
        "FC" | "50" => '✓',
        "FB" | "4F" => '✗',
        "E0" => '→',
        "6C" => '●',
        "6E" => '■',
        _ => '□',
    }
}
