//! Traditional to simplified Chinese, one character at a time.
//!
//! Owns the table only. It is free of context on purpose: a character must become the same in a question and in a
//! document whatever stands beside it, which matters more here than the orthography of rare words.

use std::sync::LazyLock;

/// First and last code point of the table (CJK extension A and the unified ideographs).
const FIRST: u32 = 0x3400;
const LAST: u32 = 0x9fff;

/// Characters that fast2s leaves or turns by the word they stand in, or that are simplified characters in their own
/// right (覆盖, 徵 as a note): their reading wherever they stand.
const FIXED: &[(char, char)] = &[
    ('覆', '覆'),
    ('藉', '借'),
    ('於', '于'),
    ('乾', '干'),
    ('著', '着'),
    ('夥', '伙'),
    ('瞭', '了'),
    ('麽', '么'),
    ('麼', '么'),
    ('裏', '里'),
    ('裡', '里'),
    ('臺', '台'),
    ('繫', '系'),
    ('係', '系'),
    ('週', '周'),
    ('閒', '闲'),
    ('妳', '你'),
    ('祢', '你'),
    ('餘', '余'),
    ('徵', '征'),
    ('準', '准'),
    ('鬱', '郁'),
    ('籲', '吁'),
    ('摺', '折'),
    ('畫', '画'),
    ('鍾', '钟'),
    ('併', '并'),
    ('佔', '占'),
    ('佈', '布'),
    ('唸', '念'),
    ('昇', '升'),
    ('託', '托'),
    ('採', '采'),
    ('羣', '群'),
    ('牀', '床'),
    ('衆', '众'),
    ('爲', '为'),
    ('峯', '峰'),
    ('癥', '症'),
    ('纔', '才'),
    ('甦', '苏'),
    ('彙', '汇'),
];

static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut alone = String::new();
    let mut table: Vec<char> = (FIRST..=LAST)
        .map(|code| {
            // Every code point of the range is a scalar value: surrogates begin at D800.
            let character = char::from_u32(code).unwrap_or(' ');
            alone.clear();
            alone.push(character);
            fast2s::convert(&alone).chars().next().unwrap_or(character)
        })
        .collect();
    for &(from, to) in FIXED {
        if let Some(slot) = table.get_mut((from as u32).wrapping_sub(FIRST) as usize) {
            *slot = to;
        }
    }
    // A chain (甲 to 乙, 乙 to 丙) would make the result depend on how often it is applied.
    for index in 0..table.len() {
        let mut end = table[index];
        for _ in 0..4 {
            end = table
                .get((end as u32).wrapping_sub(FIRST) as usize)
                .copied()
                .unwrap_or(end);
        }
        table[index] = end;
    }
    table
});

/// The simplified form of a character; itself if it has none. Applying it twice changes nothing more.
pub(super) fn simplify(character: char) -> char {
    match (character as u32).checked_sub(FIRST) {
        Some(index) => TABLE.get(index as usize).copied().unwrap_or(character),
        None => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_simplified_whatever_stands_beside_them() {
        let check = |from: &str, to: &str| assert_eq!(from.chars().map(simplify).collect::<String>(), to);
        check("醫療保險報銷", "医疗保险报销");
        check("農村合作醫療繳費", "农村合作医疗缴费");
        check("覆盖", "覆盖");
        check("關於臺灣", "关于台湾");
        check("尊嚴", "尊严");
        check("什麼時候", "什么时候");
        check("医保abc１", "医保abc１");
    }

    #[test]
    fn twice_is_once() {
        for code in FIRST..=LAST {
            let once = simplify(char::from_u32(code).unwrap());
            assert_eq!(simplify(once), once, "{code:x}");
        }
    }
}
