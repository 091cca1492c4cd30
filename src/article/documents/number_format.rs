//! Numbers of a workbook as it shows them: `#,##0.00` gives 1,234,567.89, `000000` gives 001234, `0"天"` gives 90天.
//!
//! Reads what formats of amounts, codes, shares and counts are made of. Dates are told elsewhere; what is not
//! understood (fractions, powers of ten, conditions) shows the number as it is.

/// The digits that a workbook shows of a number at most.
const DIGITS: usize = 15;
/// Most places of a number that a format can ask for.
const MAX_PLACES: usize = 30;

/// A format of numbers, taken apart.
#[derive(Debug, Default, PartialEq)]
struct Pattern {
    before: String,
    after: String,
    /// Digits in front of the point at least; behind it at least and at most.
    whole: usize,
    least: usize,
    most: usize,
    /// Whether thousands are set apart.
    grouped: bool,
    /// By how many powers of ten the number is shown larger.
    power: i32,
    /// Whether the number stands in it at all, and as it is.
    digits: bool,
    general: bool,
}

/// The number as a format of this code shows it.
pub(super) fn shown(number: f64, code: &str) -> String {
    let sections = sections(code);
    let (section, value) = match sections.len() {
        // The second part says itself how what is less than nothing is marked.
        2.. if number < 0.0 => (&sections[1], -number),
        3.. if number == 0.0 => (&sections[2], number),
        _ => (&sections[0], number),
    };
    let Some(pattern) = pattern(section) else {
        return plain(number);
    };
    if !pattern.digits {
        // A dash for nothing; whatever else hides a number does not hide it here.
        let words = format!("{}{}", pattern.before, pattern.after);
        return if number == 0.0 && !words.trim().is_empty() {
            words.trim().to_string()
        } else {
            plain(number)
        };
    }
    let value = value * 10f64.powi(pattern.power);
    let text = if pattern.general {
        plain(value.abs())
    } else {
        pattern.digits_of(value.abs())
    };
    let sign = if value < 0.0 && text.contains(|c: char| c.is_ascii_digit() && c != '0') {
        "-"
    } else {
        ""
    };
    format!("{sign}{}{text}{}", pattern.before, pattern.after)
        .trim()
        .to_string()
}

/// A number without what binary fractions add to it.
fn plain(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{number:.*e}", DIGITS - 1).parse().unwrap_or(number);
    if rounded == 0.0 {
        "0".to_string()
    } else {
        rounded.to_string()
    }
}

impl Pattern {
    fn digits_of(&self, value: f64) -> String {
        // Half a cent is rounded up as it is written, not as it is kept in binary.
        let nudged = if value < 1e9 { value * (1.0 + 1e-15) } else { value };
        let text = format!("{nudged:.*}", self.most);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let mut fraction = fraction.to_string();
        while fraction.len() > self.least && fraction.ends_with('0') {
            fraction.pop();
        }
        let mut whole = format!("{whole:0>width$}", width = self.whole);
        if self.grouped {
            let mut at = whole.len();
            while at > 3 {
                at -= 3;
                whole.insert(at, ',');
            }
        }
        if fraction.is_empty() {
            whole
        } else {
            format!("{whole}.{fraction}")
        }
    }
}

/// The parts of a code: for numbers above nothing, below, nothing, and text.
fn sections(code: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in code.chars() {
        if c == ';' && !quoted && !escaped {
            sections.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped && !quoted;
        if let Some(section) = sections.last_mut() {
            section.push(c);
        }
    }
    sections
}

/// A part of a code taken apart, if it is understood.
fn pattern(section: &str) -> Option<Pattern> {
    let mut pattern = Pattern::default();
    let section = section.replace("General", "\u{1}").replace("G/通用格式", "\u{1}");
    let mut chars = section.chars().peekable();
    let (mut point, mut ended) = (false, false);
    // Commas behind the last digit divide by a thousand each.
    let mut commas = 0;
    while let Some(c) = chars.next() {
        let mut words = String::new();
        match c {
            '0' | '#' | '?' => {
                if ended || pattern.general {
                    return None;
                }
                pattern.digits = true;
                pattern.grouped |= commas > 0 && !point;
                commas = 0;
                if point {
                    pattern.most += 1;
                    if c == '0' {
                        pattern.least = pattern.most;
                    }
                } else {
                    pattern.whole += usize::from(c == '0');
                }
                continue;
            }
            '.' if !point && !ended => {
                point = true;
                continue;
            }
            ',' if pattern.digits && !ended => {
                commas += 1;
                continue;
            }
            '\u{1}' => {
                if pattern.digits {
                    return None;
                }
                (pattern.digits, pattern.general) = (true, true);
                continue;
            }
            '%' => {
                pattern.power += 2;
                words.push('%');
            }
            other => words = literal(other, &mut chars)?,
        }
        if pattern.digits {
            ended |= !words.is_empty();
            pattern.after.push_str(&words);
        } else {
            pattern.before.push_str(&words);
        }
    }
    pattern.power -= 3 * commas;
    (pattern.most.max(pattern.whole) <= MAX_PLACES).then_some(pattern)
}

/// The words that a character stands for, with those behind it that belong to it; none where they are not understood.
fn literal(c: char, chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut words = String::new();
    match c {
        '"' => words.extend(chars.by_ref().take_while(|&c| c != '"')),
        '\\' => words.extend(chars.next()),
        // Room for a character, and one that fills the cell.
        '_' | '*' => {
            chars.next();
        }
        '[' => {
            let inside: String = chars.by_ref().take_while(|&c| c != ']').collect();
            match inside.strip_prefix('$') {
                Some(money) => words.extend(money.chars().take_while(|&c| c != '-')),
                // A condition.
                None if inside.starts_with(['<', '>', '=']) => return None,
                None => {}
            }
        }
        'E' | 'e' | '/' | '@' | 'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => return None,
        other => words.push(other),
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_as_a_workbook_shows_them() {
        let check =
            |number: f64, code: &str, expected: &str| assert_eq!(shown(number, code), expected, "{number} {code}");
        check(7654321.125, "General", "7654321.125");
        check(7654321.126, "", "7654321.126");
        check(0.1 + 0.2, "General", "0.3");
        check(-12.5, "General", "-12.5");
        check(1e20, "General", "100000000000000000000");
        check(7654321.126, "#,##0.00", "7,654,321.13");
        check(7654321.0, "#,##0", "7,654,321");
        check(1.005, "0.00", "1.01");
        check(0.5, "0.00", "0.50");
        check(1300.5, "0.##", "1300.5");
        check(1300.0, "0.##", "1300");
        check(330.0, "000000", "000330");
        check(0.855, "0%", "86%");
        check(0.855, "0.0%", "85.5%");
        check(60.0, "0\"天\"", "60天");
        check(60.0, "0天", "60天");
        check(5000.0, "\u{a5}#,##0", "\u{a5}5,000");
        check(5000.0, "[$\u{a5}-804]#,##0.00", "\u{a5}5,000.00");
        check(-5000.0, "#,##0;[Red](#,##0)", "(5,000)");
        check(-5000.0, "#,##0;[Red]-#,##0", "-5,000");
        check(0.0, "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", "-");
        check(250000.0, "0.0,\"千元\"", "250.0千元");
        check(3.0, "General\"人\"", "3人");
        // What is not understood, and what would hide a number.
        check(0.25, "# ?/?", "0.25");
        check(1234.0, "0.00E+00", "1234");
        check(7.0, ";;;", "7");
        check(7.0, "[>5]\"多\";\"少\"", "7");
    }

    proptest! {
        #[test]
        fn any_format_is_survived(number in any::<f64>(), code in "([0#?,.;%_*\"\\\\\\[\\]$-]|General|天|E\\+|y){0,12}") {
            let _ = shown(number, &code);
        }

        #[test]
        fn a_whole_number_keeps_its_digits(number in 0u32..1_000_000_000, code in "(0|#,##0|General|0\"元\"|#)") {
            let digits: String = shown(number.into(), &code).chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits, number.to_string());
        }
    }
}
