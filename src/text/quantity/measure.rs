//! What stands round a number and says what it counts: 70%, 七成, 六个月, 60周岁, 半年, 百分之七十.
//!
//! Owns the names of shares and spans of time. Numbers are read by `number`.

use super::super::number::{self, Decimal, Number};
use super::unit::{Quantity, Unit};

/// A quantity and the byte behind it.
type Measured = Option<(usize, Quantity)>;

/// The names of units, a longer one before those that it begins with.
const NAMES: [(&str, Unit); 18] = [
    ("%", Unit::Percent),
    ("个百分点", Unit::Percent),
    ("百分点", Unit::Percent),
    ("周岁", Unit::Age),
    ("岁", Unit::Age),
    ("个月", Unit::Months),
    ("个自然月", Unit::Months),
    ("周年", Unit::Years),
    ("年", Unit::Years),
    ("天", Unit::Days),
    ("个工作日", Unit::Days),
    ("工作日", Unit::Days),
    ("日", Unit::Days),
    ("个星期", Unit::Weeks),
    ("星期", Unit::Weeks),
    ("周", Unit::Weeks),
    ("个小时", Unit::Hours),
    ("小时", Unit::Hours),
];

/// The unit whose name a text begins with, and the bytes of the name.
pub fn unit_at(text: &str) -> Option<(usize, Unit)> {
    let (name, unit) = NAMES.into_iter().find(|(name, _)| text.starts_with(name))?;
    Some((name.len(), unit))
}

/// Whether what follows is counted by a number of one digit. 一 is left out: 一个, 一次, 一家 say nothing.
pub(super) fn counts(rest: &str, value: Decimal) -> bool {
    const COUNTED: [&str; 22] = [
        "次", "倍", "级", "档", "种", "项", "家", "人", "名", "份", "个", "元", "块", "折", "万元", "条", "款", "期",
        "位", "张", "类", "笔",
    ];
    let counted = rest.strip_prefix(' ').unwrap_or(rest);
    value.integer() != Some(1) && COUNTED.iter().any(|measure| counted.starts_with(measure)) || rest.starts_with('元')
}

/// Whether a 第 before the number counts what follows.
pub(super) fn is_ordinal_measure(rest: &str) -> bool {
    rest.starts_with([
        '条', '款', '章', '节', '项', '号', '档', '年', '个', '次', '天', '期', '级', '季', '页', '批',
    ])
}

/// 半年, 半个月: but not 上半年, 大半年, and not the 半 of 一年半.
pub(super) fn half(text: &str, at: usize, before: Option<char>) -> Measured {
    let rest = text[at..].strip_prefix('半')?;
    // 后半年 is the second half of a year, 断缴后半年内 a span.
    let span = || {
        ["年", "个月"]
            .iter()
            .any(|name| rest.strip_prefix(name).is_some_and(is_limit))
    };
    if matches!(
        before,
        Some('上' | '下' | '前' | '大' | '小' | '年' | '个' | '多' | '一')
    ) || before == Some('后') && !span()
    {
        return None;
    }
    let (name, unit) = [
        ("年", Unit::Years),
        ("个月", Unit::Months),
        ("个小时", Unit::Hours),
        ("小时", Unit::Hours),
    ]
    .into_iter()
    .find(|(name, _)| rest.starts_with(name))?;
    let value = Decimal::whole(1)?.ratio(1, 2)?;
    Some((at + '半'.len_utf8() + name.len(), Quantity::new(value, unit)))
}

fn is_limit(rest: &str) -> bool {
    ["内", "以内", "之内"].iter().any(|word| rest.starts_with(word))
}

/// 百分之七十, 千分之五, 万分之五.
pub(super) fn share(text: &str, at: usize) -> Measured {
    let (name, divisor) = [("百分之", 1), ("千分之", 10), ("万分之", 100)]
        .into_iter()
        .find(|(name, _)| text[at..].starts_with(name))?;
    let from = at + name.len();
    let from = from + usize::from(text[from..].starts_with(' '));
    let (end, value) = if text[from..].starts_with('百') {
        (from + '百'.len_utf8(), Decimal::whole(100)?)
    } else {
        number::parse(text, from).map(|number| (number.end, number.value))?
    };
    Some((end, Quantity::new(value.ratio(1, divisor)?, Unit::Percent)))
}

/// A number with the name of a share or a span of time behind it.
pub(super) fn measured(text: &str, number: &Number) -> Measured {
    let start = number.end + usize::from(text[number.end..].starts_with(' '));
    let rest = &text[start..];
    let quantity = |length: usize, value: Decimal, unit: Unit| Some((start + length, Quantity::new(value, unit)));
    if rest.starts_with('‰') {
        return quantity('‰'.len_utf8(), number.value.ratio(1, 10)?, Unit::Percent);
    }
    if let Some(behind) = rest.strip_prefix('成') {
        let (value, more) = tenths(behind, number.value)?;
        return quantity('成'.len_utf8() + more, value, Unit::Percent);
    }
    if let Some(behind) = rest.strip_prefix('折') {
        // 打折, 折扣 and 折旧 hold no rate.
        let value = discount(number.value).filter(|_| !behind.starts_with(['旧', '现', '算', '合']))?;
        return quantity('折'.len_utf8(), value, Unit::Percent);
    }
    if rest.starts_with("个半月") {
        return quantity("个半月".len(), add_half(number.value)?, Unit::Months);
    }
    if let Some(name) = ["个季度", "季度"].iter().find(|name| rest.starts_with(**name)) {
        return quantity(name.len(), number.value.ratio(3, 1)?, Unit::Months);
    }
    let (length, unit) = unit_at(rest)?;
    if unit == Unit::Years {
        let behind = &rest[length..];
        // Four digits are a year, and 一年级 is a class.
        if number.value.integer().is_some_and(|year| year >= 100) || behind.starts_with('级') {
            return None;
        }
        if behind.starts_with('半') {
            return quantity(length + '半'.len_utf8(), add_half(number.value)?, unit);
        }
    }
    quantity(length, number.value, unit)
}

/// 七折 is 70%, 7.5折 and 75折 are 75%.
fn discount(value: Decimal) -> Option<Decimal> {
    let (one, ten, hundred) = (Decimal::whole(1)?, Decimal::whole(10)?, Decimal::whole(100)?);
    match value {
        value if (one..ten).contains(&value) => value.ratio(10, 1),
        value if (ten..hundred).contains(&value) => Some(value),
        _ => None,
    }
}

/// 3-6个月, 三至六个月, 50~70%, 1到2万: two numbers that one name or one 万 stands behind.
pub(super) fn range(text: &str, low: &Number) -> Measured {
    let behind = &text[low.end..];
    let sign = behind.find(|c| !matches!(c, '-' | '~' | '–' | '—' | '至' | '到' | ' '))?;
    if !(1..=MOST_SIGNS).contains(&sign) || behind[..sign].trim().is_empty() {
        return None;
    }
    let start = low.end + sign;
    let high = number::parse(text, start)?;
    let as_high = Number { end: high.end, ..*low };
    let (from, (end, to)) = match (measured(text, &as_high), measured(text, &high)) {
        (Some((_, from)), Some(to)) => (from, to),
        _ => {
            let of_ten_thousand = text[..high.end].ends_with('万') && !text[..low.end].ends_with('万');
            let low = low.value.ratio(10_000, 1).filter(|_| of_ten_thousand)?;
            let plain = Quantity::new(high.value, Unit::Number);
            (Quantity::new(low, Unit::Number), (high.end, plain))
        }
    };
    let range = Quantity { low: from.low, ..to };
    (range.low < range.high && from.unit == to.unit).then_some((end, range))
}

/// In bytes: 至, or a dash in two parts.
const MOST_SIGNS: usize = 6;

fn add_half(value: Decimal) -> Option<Decimal> {
    let whole = value.integer()?;
    Decimal::whole(whole.checked_mul(2)?.checked_add(1)?)?.ratio(1, 2)
}

/// The percentage of 七成 or 七成五 by its number and what stands behind 成, and how many bytes more it takes; unless
/// 成 begins a word of its own (成为, 成立, 成员).
fn tenths(behind: &str, value: Decimal) -> Option<(Decimal, usize)> {
    let tenths = value.integer().filter(|tenths| (1..=10).contains(tenths))?;
    const WORDS: [char; 24] = [
        '为', '立', '员', '功', '本', '人', '年', '长', '交', '果', '绩', '效', '就', '熟', '不', '套', '都', '活',
        '品', '型', '份', '分', '因', '语',
    ];
    if behind.starts_with(WORDS) {
        return None;
    }
    let next = behind.chars().next();
    let more = next
        .filter(|_| tenths < 10)
        .and_then(|next| Some((next, number::parse(behind, 0)?)));
    match more.and_then(|(next, number)| Some((next, number.end, number.value.integer()?))) {
        Some((next, end, hundredths @ 1..=9)) if end == next.len_utf8() => {
            Some((Decimal::whole(tenths * 10 + hundredths)?, end))
        }
        _ => Some((Decimal::whole(tenths * 10)?, 0)),
    }
}
