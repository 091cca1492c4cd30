//! The rules by which digits and places (十, 百, 千, 万, 亿) make a value.
//!
//! Owns the arithmetic of Chinese numerals; the characters were told apart before.

use super::decimal::Decimal;
use super::numeral::{Form, Item, Number};

/// The value of the items by the rules of Chinese numerals; `None` where they make no number.
pub(super) fn evaluate(text: &str, items: &[(Item, usize)]) -> Option<Number> {
    let &(last, end) = items.last()?;
    match *items {
        [(Item::Arabic { value, .. }, _)] => {
            return Some(Number {
                end,
                value,
                form: Form::Arabic,
            });
        }
        [(Item::Digit(value), _)] | [(Item::Unit(value @ 10), _)] => {
            return Some(Number {
                end,
                value: Decimal::whole(value)?,
                form: Form::Single,
            });
        }
        _ => {}
    }
    if items
        .iter()
        .all(|(item, _)| matches!(item, Item::Digit(_) | Item::Zero))
    {
        return positional(items, end);
    }
    let form = if matches!(items[0].0, Item::Arabic { .. }) {
        Form::Arabic
    } else {
        Form::Places
    };
    // 一万一年 is ten thousand a year: a last digit that counts something else is not shorthand for 一千.
    let shorthand = match last {
        Item::Digit(value) => Some(value),
        Item::Arabic { value, digits: 1 } => value.integer(),
        _ => None,
    };
    if let (Some(tail), [.., (Item::Unit(place), before), _]) = (shorthand, items)
        && *place >= 100
    {
        let head = places(&items[..items.len() - 1])?;
        if text[end..].starts_with(['年', '个', '月', '天', '次', '日', '份', '人', '周', '岁', '期', '季'])
        {
            return Some(Number {
                end: *before,
                value: head,
                form,
            });
        }
        return Some(Number {
            end,
            value: head.plus(Decimal::whole(tail * (place / 10))?)?,
            form,
        });
    }
    Some(Number {
        end,
        value: places(items)?,
        form,
    })
}

fn positional(items: &[(Item, usize)], end: usize) -> Option<Number> {
    // A leading zero is no year and no amount.
    if items.len() > 4 || items[0].0 == Item::Zero {
        return None;
    }
    let value = items.iter().fold(0, |sum, (item, _)| match item {
        Item::Digit(value) => sum * 10 + value,
        _ => sum * 10,
    });
    Some(Number {
        end,
        value: Decimal::whole(value)?,
        form: Form::Positional(items.len()),
    })
}

/// Sums the places. Places must fall within a section (千 before 百 before 十) and sections too (亿 before 万).
fn places(items: &[(Item, usize)]) -> Option<Decimal> {
    let nought = Decimal::ZERO;
    let (mut total, mut section) = (nought, nought);
    let mut number: Option<Decimal> = None;
    let (mut small, mut big) = (10_000, u64::MAX);
    // Whether 零 stands before, which allows a place to be skipped, and the place before.
    let (mut zero, mut before) = (false, 0);
    for &(item, _) in items {
        match item {
            Item::Digit(_) | Item::Arabic { .. } if number.is_some() => return None,
            Item::Digit(value) => number = Decimal::whole(value),
            Item::Arabic { value, .. } => number = Some(value),
            Item::Zero if number.is_some() || zero => return None,
            Item::Zero => zero = true,
            Item::Unit(place) if place < 10_000 => {
                let times = match number.take() {
                    Some(value) => value,
                    // 十五, 一百十: ten needs no one before it, the larger places do.
                    None if place == 10 => Decimal::whole(1)?,
                    None => return None,
                };
                if place >= small {
                    return None;
                }
                section = section.plus(times.times(place)?)?;
                (small, zero, before) = (place, false, place);
            }
            Item::Unit(place) => {
                let value = match number.take() {
                    Some(last) if section == nought || zero || before == 10 => section.plus(last)?,
                    Some(_) => return None,
                    None => section,
                };
                if value == nought && (total == nought || place != 100_000_000) || place >= big {
                    return None;
                }
                total = if place == 100_000_000 {
                    total.plus(value)?.times(place)?
                } else {
                    total.plus(value.times(place)?)?
                };
                (section, small, zero, before) = (nought, 10_000, false, place);
                big = place;
                // 一万亿: 亿 may follow 万, once.
                if place == 10_000 && big > 100_000_000 {
                    big = u64::MAX;
                }
            }
        }
    }
    let last = match number {
        // 一百零五, 十五, 1万500: what is left must fit below the place before it.
        Some(last) if before != 0 && last >= Decimal::whole(before)? => return None,
        Some(last) => last,
        None if zero => return None,
        None => nought,
    };
    total.plus(section.plus(last)?)
}
