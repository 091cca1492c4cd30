//! Reads one number, however it is written: 11000, 11,000, 1.1万, 1万1, 一万一, 一万一千, 二〇二五, 零点五.
//!
//! Owns the value only; what the number counts is `quantity`'s business. Reads no number where people do not mean one:
//! 三四十 and 十五六 (about), 千万 and 万一 (words), a run of digits such as 一二三.

use super::decimal::{Decimal, SCALE};
use super::numeral::{Form, Item, Number, digit, is_capital, unit};
use super::places::evaluate;

/// The number that begins at byte `at`, if one does. Whether it may begin there is for the caller to see.
pub fn parse(text: &str, at: usize) -> Option<Number> {
    let formal = is_formal(&text[at..]);
    let mut items: Vec<(Item, usize)> = Vec::new();
    let mut end = at;
    while let Some(character) = text[end..].chars().next() {
        // Nobody writes longer numbers; the cap keeps a hostile run of numerals linear.
        if items.len() == MOST_ITEMS {
            return None;
        }
        let next = end + character.len_utf8();
        let after_arabic = matches!(items.last(), Some((Item::Arabic { .. }, _)));
        let item = if character.is_ascii_digit() {
            if after_arabic {
                break;
            }
            let (item, length) = arabic(&text[end..])?;
            items.push((item, end + length));
            end += length;
            continue;
        } else if let Some(value) = digit(character, formal) {
            Item::Digit(value)
        } else if let Some(value) = unit(character, formal) {
            Item::Unit(value)
        } else if matches!(character, '零' | '〇') {
            Item::Zero
        } else if let Some(value) = latin_unit(character).filter(|_| after_arabic && !continues_word(text, next)) {
            items.push((Item::Unit(value), next));
            break;
        } else {
            break;
        };
        items.push((item, next));
        end = next;
    }
    if let Some(number) = fraction(text, &items) {
        return Some(number);
    }
    evaluate(text, &items)
}

const MOST_ITEMS: usize = 24;

/// 壹拾万元, 叁个月: capital numerals count only where one is followed by a place or a measure, since 陆 and 伍 are names
/// as well.
fn is_formal(text: &str) -> bool {
    let Some(first) = text.chars().next().filter(|&first| is_capital(first)) else {
        return false;
    };
    let behind = &text[first.len_utf8()..];
    let place = behind.chars().next().is_some_and(|second| unit(second, true).is_some());
    place || ["个月", "元整", "成"].iter().any(|measure| behind.starts_with(measure))
}

/// 10w and 5k, as people write sums in questions.
fn latin_unit(character: char) -> Option<u64> {
    match character {
        'w' => Some(10_000),
        'k' => Some(1000),
        _ => None,
    }
}

fn continues_word(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(|c| c.is_ascii_alphanumeric())
}

/// An Arabic number at the start of a text and its length; `None` if it has more digits than a value can hold.
fn arabic(text: &str) -> Option<(Item, usize)> {
    let bytes = text.as_bytes();
    let run = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut length = run(0);
    let mut whole = text[..length].to_owned();
    if length <= 3 && !whole.starts_with('0') {
        while bytes.get(length) == Some(&b',') && run(length + 1) == 3 {
            whole.push_str(&text[length + 1..length + 4]);
            length += 4;
        }
    }
    let digits = whole.len();
    if digits > 12 {
        return None;
    }
    let mut value = Decimal::whole(whole.parse().ok()?)?;
    if bytes.get(length) == Some(&b'.') && run(length + 1) > 0 {
        let count = run(length + 1);
        if count > 6 {
            return None;
        }
        let part: u64 = text[length + 1..length + 1 + count].parse().ok()?;
        // count <= 6, so the power divides the scale.
        value = value.plus(Decimal::millionths(part * SCALE / 10u64.pow(count as u32)))?;
        length += 1 + count;
    }
    Some((Item::Arabic { value, digits }, length))
}

/// 零点五, 一点五: a Chinese number with 点 and digits behind it, and perhaps 万 or 亿 behind those.
fn fraction(text: &str, items: &[(Item, usize)]) -> Option<Number> {
    let &(_, whole_end) = items.last()?;
    let mut rest = text[whole_end..].strip_prefix('点')?.chars();
    let whole = match items {
        [(Item::Zero, _)] => Decimal::ZERO,
        [(Item::Digit(value), _)] => Decimal::whole(*value)?,
        _ => evaluate(text, items).filter(|number| number.end == whole_end)?.value,
    };
    let (mut part, mut scale, mut end) = (0, SCALE, whole_end + '点'.len_utf8());
    for character in rest.by_ref() {
        let value = match character {
            '零' | '〇' => 0,
            _ => match digit(character, false) {
                Some(value) => value,
                None => break,
            },
        };
        scale /= 10;
        if scale == 0 {
            return None;
        }
        part += value * scale;
        end += character.len_utf8();
    }
    if scale == SCALE {
        return None;
    }
    let mut value = whole.plus(Decimal::millionths(part))?;
    if let Some(factor) = text[end..]
        .chars()
        .next()
        .and_then(|c| unit(c, false))
        .filter(|&u| u >= 10_000)
    {
        value = value.times(factor)?;
        end += '万'.len_utf8();
    }
    Some(Number {
        end,
        value,
        form: Form::Places,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(String, &str)> {
        parse(text, 0).map(|number| (number.value.to_string(), &text[number.end..]))
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let check = |text: &str, value: &str, rest: &str| {
            assert_eq!(read(text), Some((value.to_owned(), rest)), "{text}");
        };
        check("11000元", "11000", "元");
        check("11,000元", "11000", "元");
        check("1,234,567.89", "1234567.89", "");
        check("1.1万元", "11000", "元");
        check("1.1w,", "11000", ",");
        check("5k", "5000", "");
        check("5kg", "5", "kg");
        check("1万1", "11000", "");
        check("1万1千", "11000", "");
        check("1万5000", "15000", "");
        check("一万一", "11000", "");
        check("一万一千元", "11000", "元");
        check("一万零一百", "10100", "");
        check("一万零一十", "10010", "");
        check("两百五", "250", "");
        check("一百零五", "105", "");
        check("十", "10", "");
        check("十五", "15", "");
        check("二十", "20", "");
        check("二十五", "25", "");
        check("一百二十八", "128", "");
        check("三千二百万", "32000000", "");
        check("一亿两千万", "120000000", "");
        check("2亿", "200000000", "");
        check("五十万", "500000", "");
        check("十二万三", "123000", "");
        check("壹拾万元整", "100000", "元整");
        check("二〇二五年", "2025", "年");
        check("二零二五年", "2025", "年");
        check("零点五", "0.5", "");
        check("一点五万", "15000", "");
        check("一万一年", "10000", "一年");
        check("三百一个月", "300", "一个月");
        check("10,20", "10", ",20");
        check("12.5%", "12.5", "%");
    }

    #[test]
    fn what_is_no_number_is_left_alone() {
        let check = |text: &str| assert_eq!(read(text), None, "{text}");
        check("千万别");
        check("万一");
        check("百分");
        check("三四十");
        check("十五六");
        check("零");
        check("一百零");
        check("点五");
        check("陆先生");
        check("1234567890123456789");
        check("0.12345678");
        check(&"一".repeat(1000));
        check(&"万".repeat(1000));
    }

    /// The usual way of writing a number below ten thousand.
    fn chinese(value: u64) -> String {
        let digits: Vec<char> = "零一二三四五六七八九".chars().collect();
        let (mut out, mut zero) = (String::new(), false);
        for (place, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let digit = value / place % 10;
            if digit == 0 {
                zero = !out.is_empty();
                continue;
            }
            if std::mem::take(&mut zero) {
                out.push('零');
            }
            out.push(digits[digit as usize]);
            out.push_str(name);
        }
        out
    }

    proptest! {
        #[test]
        fn chinese_and_arabic_agree(value in 11u64..10_000, wan in 1u64..10_000) {
            let short = chinese(value);
            prop_assert_eq!(read(&short), Some((value.to_string(), "")));
            let full = format!("{}万零{}", chinese(wan), chinese(value));
            prop_assert_eq!(read(&full), Some(((wan * 10_000 + value).to_string(), "")));
        }

        #[test]
        fn nothing_panics(text in "[零〇一二两十百千万亿点0-9.,wk壹拾陆a年]{1,30}") {
            if let Some(number) = parse(&text, 0) {
                prop_assert!(number.end > 0 && text.is_char_boundary(number.end));
            }
        }
    }
}
