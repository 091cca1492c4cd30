//! Numbers of pages that stand alone on lines of a plain text: `— 3 —`, `第 3 页 共 8 页`.
//!
//! Only lines that can be nothing else, and that count up by one, are taken; a number alone may be anything.

/// Which lines are numbers of pages; none where they do not count up.
pub(super) fn page_numbers(lines: &[&str]) -> Vec<usize> {
    let mut found: Vec<(usize, u32)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(number) = number(line.trim()) else { continue };
        if found
            .last()
            .is_none_or(|(_, last)| number.checked_sub(1) == Some(*last))
        {
            found.push((at, number));
        } else {
            return Vec::new();
        }
    }
    if found.len() > 1 {
        found.into_iter().map(|(at, _)| at).collect()
    } else {
        Vec::new()
    }
}

/// The number of a page that a line is.
fn number(line: &str) -> Option<u32> {
    let dash = |c: char| matches!(c, '-' | '—' | '–' | '－' | '·');
    let inner = match line.strip_prefix('第') {
        Some(rest) => {
            let (number, all) = rest.split_once('页')?;
            let is_rest = |c: char| c.is_ascii_digit() || c.is_whitespace() || "共页/,，".contains(c);
            all.chars().all(is_rest).then_some(number)?
        }
        None => line.strip_prefix(dash)?.strip_suffix(dash)?.trim_matches(dash),
    };
    inner.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_pages_count_up() {
        let check = |text: &str, expected: &[usize]| {
            assert_eq!(page_numbers(&text.lines().collect::<Vec<_>>()), expected, "{text}");
        };
        check("甲。\n  — 1 —\n乙。\n  — 2 —", &[1, 3]);
        check("甲。\n第 7 页 共 9 页\n乙。\n第 8 页 共 9 页", &[1, 3]);
        check("甲。\n- 1 -\n乙。", &[]);
        check("甲。\n- 1 -\n乙。\n- 3 -", &[]);
        check("17\n甲。\n18", &[]);
        check("- 4294967295 -\n甲。\n- 3 -", &[]);
        check("第1页介绍\n第2页介绍", &[]);
    }
}
