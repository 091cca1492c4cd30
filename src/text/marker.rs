//! Reads the marker that an item of a list, a clause or a section begins with: `1.`, `2、`, `（三）`, `④`, `第五条`, `•`.
//!
//! Owns what such markers look like, in half and full width; whether one makes a line an item or a heading is for the
//! caller to judge.

/// How a marker is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerStyle {
    /// `•`, `-`.
    Bullet,
    /// `④`.
    Circled,
    /// `(3)`, `（三）`.
    Bracketed,
    /// `第三条`.
    Ordinal,
    /// `3.`, `三、`.
    Plain,
}

/// A marker at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker<'a> {
    /// How it is written.
    pub style: MarkerStyle,
    /// Its number as written, Arabic or Chinese; empty for bullets and circled numbers.
    pub number: &'a str,
    /// The character it ends with.
    pub close: char,
    /// What stands behind it.
    pub rest: &'a str,
}

impl Marker<'_> {
    /// Whether its number is written in Arabic digits.
    pub fn is_arabic(&self) -> bool {
        self.number.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether its number is written in Chinese digits.
    pub fn is_chinese(&self) -> bool {
        !self.number.contains(|c: char| c.is_ascii_digit())
    }
}

/// The marker that a text begins with.
pub fn list_marker(text: &str) -> Option<Marker<'_>> {
    let first = text.chars().next()?;
    let behind = &text[first.len_utf8()..];
    let (style, inner) = match first {
        '•' | '·' | '●' | '◆' | '■' | '○' | '▪' | '➢' | '-' | '*' | '+' | '–' => {
            (MarkerStyle::Bullet, "")
        }
        '①'..='⑳' => (MarkerStyle::Circled, ""),
        '(' | '（' => (MarkerStyle::Bracketed, behind),
        '第' => (MarkerStyle::Ordinal, behind),
        _ => (MarkerStyle::Plain, text),
    };
    if matches!(style, MarkerStyle::Bullet | MarkerStyle::Circled) {
        return Some(Marker {
            style,
            number: "",
            close: first,
            rest: behind,
        });
    }
    let digit = |c: char| c.is_ascii_digit() || is_count(c) || matches!(c, '百' | '零' | '〇');
    let (number, behind) = inner.split_at(inner.find(|c| !digit(c)).unwrap_or(inner.len()));
    let close = behind.chars().next()?;
    let closes = match style {
        MarkerStyle::Bracketed => matches!(close, ')' | '）'),
        MarkerStyle::Ordinal => matches!(close, '条' | '章' | '节' | '编' | '篇'),
        _ => matches!(close, '、' | '.' | '．' | ')' | '）'),
    };
    (closes && !number.is_empty()).then(|| Marker {
        style,
        number,
        close,
        rest: &behind[close.len_utf8()..],
    })
}

/// The number of several levels that a section begins with, `7.34` or `2.4.3`, if white space stands behind it: 1.5倍 is
/// a quantity.
pub fn section_number(text: &str) -> Option<&str> {
    let length = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, behind) = text.split_at(length);
    let mut levels = number.split('.');
    let plain = number.contains('.') && levels.all(|level| (1..=3).contains(&level.len()));
    (plain && behind.starts_with(char::is_whitespace)).then_some(number)
}

/// Whether it is one of the digits that short lists are counted with.
pub(super) fn is_count(character: char) -> bool {
    matches!(
        character,
        '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_told_by_their_style() {
        let check = |text: &str, expected: Option<(MarkerStyle, &str, &str)>| {
            let found = list_marker(text).map(|marker| (marker.style, marker.number, marker.rest));
            assert_eq!(found, expected, "{text}");
        };
        check("1. 打开", Some((MarkerStyle::Plain, "1", " 打开")));
        check("十二、缴费", Some((MarkerStyle::Plain, "十二", "缴费")));
        check("（三）材料", Some((MarkerStyle::Bracketed, "三", "材料")));
        check("(3)材料", Some((MarkerStyle::Bracketed, "3", "材料")));
        check(
            "第一百零五条 本合同",
            Some((MarkerStyle::Ordinal, "一百零五", " 本合同")),
        );
        check("④材料", Some((MarkerStyle::Circled, "", "材料")));
        check("• 材料", Some((MarkerStyle::Bullet, "", " 材料")));
        check("第二次", None);
        check("(含)", None);
        check("三个月", None);
        check("12", None);
        check("", None);
    }

    #[test]
    fn numbers_of_sections_have_levels() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(section_number(text), expected, "{text}");
        check("7.34 床位费", Some("7.34"));
        check("2.4.3 领取", Some("2.4.3"));
        check("1.5倍", None);
        check("2. 缴费", None);
        check("12345.6 元", None);
        check("1.2", None);
        check("", None);
    }
}
