//! From when to when a document holds, as it says itself: 本办法自2025年1月1日起施行，有效期5年; 失效日期：2024-06-30; （已废止）.
//!
//! Owns how such statements are told from those about other documents (原办法同时废止, 该通知自…起施行). What is in doubt is
//! not said: a document that says nothing is taken for one that holds.

use std::ops::Range;
use std::sync::LazyLock;

use super::Normalized;
use super::date::{find_date, next_day};
use super::lines::{WordList, word_list};
use super::number;
use crate::model::{Date, Validity};

const WORDS: &str = include_str!("../../index/lexicon/validity.txt");
/// Names of fields that say the first day, the last one, the first day without it, and whether it holds.
static FIRST: WordList = LazyLock::new(|| word_list(WORDS, "first day"));
static LAST: WordList = LazyLock::new(|| word_list(WORDS, "last day"));
static REPEALED: WordList = LazyLock::new(|| word_list(WORDS, "repealed"));
static STATUS: WordList = LazyLock::new(|| word_list(WORDS, "status"));
/// Names of fields that say how long it holds.
const TERM: [&str; 2] = ["有效期", "有效期限"];
/// What a document calls itself, with 本 before.
static KINDS: WordList = LazyLock::new(|| word_list(WORDS, "kind"));
/// Values of the last, and what stands in brackets behind titles, of what does not hold any more.
const ENDED: [&str; 7] = ["已废止", "已失效", "全文废止", "全文失效", "废止", "失效", "已停售"];
/// Between 本 and the kind: 本实施办法, 本暂行规定.
const KIND_WITHIN: usize = 4;
/// What follows a document's title where that says from when to when it holds.
const FOLLOWS: [char; 7] = ['自', '从', '于', '已', '现', '有', '至'];
/// What begins a document's own order: 现予公布，自…起施行.
const ORDERS: [&str; 4] = ["现予公布", "现予发布", "现予印发", "现印发"];
/// What begins with a day.
const BEGINS: [&str; 7] = ["施行", "实施", "执行", "生效", "实行", "试行", "适用"];
/// May stand before.
const BEFORE_IT: [&str; 3] = ["正式", "开始", "统一"];
/// What ends with a day.
const ENDS: [&str; 9] = [
    "废止",
    "停止执行",
    "停止施行",
    "停止实施",
    "失效",
    "不再执行",
    "不再施行",
    "不再适用",
    "到期",
];
/// The days of publication.
const PUBLISHED: [&str; 6] = ["印发之日", "公布之日", "发布之日", "颁布之日", "下发之日", "发文之日"];
/// Without any of these a sentence says nothing of the kind.
const SIGNS: [&str; 4] = ["起", "有效期", "废止", "失效"];
/// Characters that a day may have, with blanks.
const DAY: usize = 24;
/// Characters of the number of a paragraph.
const NUMBERED: usize = 24;
/// Characters between 有效期 and what it is.
const TERM_WITHIN: usize = 4;
/// The longest term in years.
const LONGEST_TERM: u32 = 50;

/// What a document says of itself; `fields` are those of its source record, by their names.
pub fn validity<'a>(
    title: &str,
    text: &str,
    published: Option<Date>,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Validity {
    let mut said = Said {
        title: Normalized::new(title).text,
        ..Said::default()
    };
    for (name, value) in fields {
        said.field(name, value);
    }
    said.ended |= is_marked(title);
    if SIGNS.iter().any(|sign| text.contains(sign)) || text.contains("日期") || text.contains('效') {
        for line in text.lines() {
            if let Some((name, value)) = line.split_once(['：', ':']) {
                said.field(name, value);
            }
            for sentence in line.split(['。', '；']) {
                if SIGNS.iter().any(|sign| sentence.contains(sign)) {
                    said.sentence(&Normalized::new(sentence).text, published);
                }
            }
        }
    }
    said.validity(published)
}

/// What was found so far; fields count before sentences.
#[derive(Debug, Default)]
struct Said {
    /// The document's title, normalised.
    title: String,
    field_effective: Option<Date>,
    field_expired: Option<Date>,
    /// The earliest: a notice and what comes with it may begin on two days.
    effective: Option<Date>,
    /// The latest.
    expired: Option<Date>,
    /// In years from the first day, or where that is not said from that of publication.
    term: Option<u32>,
    /// The same in a line of its own, which may be of something else: it counts where a first day is said.
    field_term: Option<u32>,
    ended: bool,
}

impl Said {
    fn field(&mut self, name: &str, value: &str) {
        let name = name
            .trim_matches(|c: char| !c.is_alphanumeric() && c != '_')
            .to_lowercase();
        let day = || find_date(value)?.day();
        if FIRST.contains(&&*name) {
            self.field_effective = self.field_effective.or_else(day);
        } else if LAST.contains(&&*name) {
            self.field_expired = self.field_expired.or_else(|| day()?.next());
        } else if REPEALED.contains(&&*name) {
            self.field_expired = self.field_expired.or_else(day);
        } else if STATUS.contains(&&*name) {
            self.ended |= ENDED.contains(&value.trim());
        } else if TERM.contains(&&*name) {
            let value = Normalized::new(value).text;
            self.span(&value);
            self.field_term = self.field_term.or_else(|| years(value.trim()));
        }
    }

    /// What 有效期 is, where it is told by its last day.
    fn span(&mut self, term: &str) {
        if let Some((first, last)) = span(term) {
            self.effective = earliest(self.effective, first);
            self.expired = self.expired.max(last.next());
        }
    }

    /// Reads a sentence, normalised.
    fn sentence(&mut self, sentence: &str, published: Option<Date>) {
        let own = own_name(sentence, &self.title);
        if let Some(behind) = own.as_ref().map(|name| &sentence[name.end..]) {
            let behind = behind.trim_start_matches(['已', '经', '被']);
            let is_told = sentence[..sentence.len() - behind.len()].ends_with(['已', '被']);
            self.ended |= is_told && ENDS.iter().any(|end| behind.starts_with(end));
        }
        let is_own = own.is_some() || ORDERS.iter().any(|order| sentence.contains(order));
        let mut begins = false;
        for (at, from) in sentence.match_indices(['自', '从']) {
            let Some((end, day)) = day_at(sentence, at + from.len(), published) else {
                continue;
            };
            let Some(rest) = sentence[end..].trim_start().strip_prefix('起') else {
                continue;
            };
            if !is_own && !is_bare(&sentence[..at]) {
                continue;
            }
            let (rest, last) = until(rest.trim_start());
            let rest = BEFORE_IT
                .iter()
                .find_map(|word| rest.strip_prefix(word))
                .unwrap_or(rest);
            let verb = BEGINS.iter().find_map(|verb| rest.strip_prefix(verb));
            if let Some(behind) = verb.filter(|behind| is_verb_alone(behind)) {
                begins = true;
                self.effective = earliest(self.effective, day);
                let last = last.or_else(|| until(behind).1);
                self.expired = self.expired.max(last.and_then(Date::next));
            } else if own.is_some() && ENDS.iter().any(|end| rest.starts_with(end)) {
                self.expired = self.expired.max(day);
            }
        }
        if begins || own.is_some() {
            for clause in sentence.split([',', ';']) {
                let own = own_name(clause, &self.title).filter(|own| clause[..own.start].trim().is_empty());
                self.end(own.map_or(clause, |own| &clause[own.end..]));
                if let Some((name, value)) = clause.split_once(':') {
                    self.field(name, value);
                }
            }
        }
        let behind = own.as_ref().map_or(sentence.trim_start(), |name| &sentence[name.end..]);
        if let Some(term) = behind.strip_prefix("有效期") {
            self.span(term);
        }
        if begins || own.is_some() && behind.starts_with("有效期") {
            self.term(sentence);
        }
    }

    /// 于2024年12月31日废止, 已于2024年12月31日废止, 2024年12月31日起停止执行, 执行至2024年12月31日, 现已废止: a clause
    /// of a sentence that says when its document begins, or names it.
    fn end(&mut self, clause: &str) {
        let is_end = |rest: &str| {
            let behind = ENDS.iter().find_map(|end| rest.strip_prefix(end));
            behind.is_some_and(is_verb_alone)
        };
        let is_now = clause.trim().starts_with('现');
        let clause = clause.trim().trim_start_matches(['并', '现', '后']);
        if let Some(rest) = clause.strip_prefix('已') {
            self.ended |= is_end(rest.trim_start_matches(['经', '被', '于']));
        }
        // 现予废止; what 予以废止 alone speaks of are other rules.
        if let Some(rest) = clause.strip_prefix('予').filter(|_| is_now) {
            self.ended |= is_end(rest.trim_start_matches('以'));
        }
        let from = clause.strip_prefix('已').unwrap_or(clause);
        let from = from.trim_start_matches(['自', '从', '于', '至', '到']);
        if let Some((end, day @ Some(_))) = day_at(from, 0, None)
            && is_end(from[end..].trim_start().trim_start_matches(['起', '后', '止', '时']))
        {
            self.expired = self.expired.max(day);
        }
        let verb = BEGINS.iter().find_map(|verb| clause.strip_prefix(verb));
        if let Some(rest) = verb.map(|rest| rest.trim_start_matches(['期', '限'])) {
            self.expired = self.expired.max(until(rest).1.and_then(Date::next));
        }
    }

    /// 有效期5年, 有效期至2026年12月31日.
    fn term(&mut self, sentence: &str) {
        let Some((_, term)) = sentence.split_once("有效期") else {
            return;
        };
        let number = term
            .find(super::is_numeral)
            .filter(|&at| term[..at].chars().count() <= TERM_WITHIN);
        let Some(at) = number else { return };
        if let Some((range, day)) = next_day(term, at).filter(|(range, _)| range.start == at) {
            let is_last = term[..range.start].ends_with(['至', '到', '止']);
            self.expired = self.expired.max(day.next().filter(|_| is_last));
        } else {
            self.term = years(&term[at..]).or(self.term);
        }
    }

    fn validity(self, published: Option<Date>) -> Validity {
        let effective = self.field_effective.or(self.effective);
        let term = || effective.or(published)?.years_later(self.term?);
        let term_in_line = || effective?.years_later(self.field_term?);
        let expired = self.field_expired.or(self.expired).or_else(term).or_else(term_in_line);
        // One that ends before it begins was misread.
        let expired = expired.filter(|expired| effective.is_none_or(|effective| effective < *expired));
        Validity {
            effective,
            expired,
            ended: self.ended && expired.is_none(),
        }
    }
}

/// The years that a text begins with: 5年.
fn years(text: &str) -> Option<u32> {
    let number = number::parse(text, 0)?;
    if !text[number.end..].trim_start().starts_with('年') {
        return None;
    }
    let years = u32::try_from(number.value.integer()?).ok()?;
    (1..=LONGEST_TERM).contains(&years).then_some(years)
}

/// 至2026年12月31日, 自2019年7月1日起至2022年6月30日止, 2019-07-01至2022-06-30: the first day and the last, if nothing
/// stands behind.
fn span(text: &str) -> Option<(Option<Date>, Date)> {
    let text = text.trim_start().trim_start_matches(['限', '为', '自', '从', ':', ' ']);
    if let (behind, Some(last)) = until(text) {
        return is_verb_alone(behind).then_some((None, last));
    }
    let (end, first) = day_at(text, 0, None)?;
    let rest = text[end..].trim_start().trim_start_matches('起').trim_start();
    let rest = rest.strip_prefix(['至', '到', '-', '—', '–', '~'])?;
    let rest = rest.trim_start_matches(['-', '—', ' ']);
    let (end, last) = day_at(rest, 0, None)?;
    let behind = rest[end..].trim_start().trim_start_matches('止');
    is_verb_alone(behind).then_some((first, last?))
}

fn earliest(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Whether a title says that what it names does not hold any more: 《某办法》（已废止）, 【失效】某办法.
fn is_marked(title: &str) -> bool {
    let title = Normalized::new(title).text;
    let brackets = [('(', ')'), ('[', ']'), ('【', '】'), ('〔', '〕')];
    ENDED.iter().any(|ended| {
        brackets
            .iter()
            .any(|(open, close)| title.contains(&format!("{open}{ended}{close}")))
    })
}

/// Where a sentence names the document that it is in (本办法, 本实施细则), or begins with its title (某市医保办法).
fn own_name(sentence: &str, title: &str) -> Option<Range<usize>> {
    let called = sentence.match_indices('本').find_map(|(at, own)| {
        let rest = &sentence[at + own.len()..];
        let within = rest.char_indices().map(|(at, _)| at).take(KIND_WITHIN + 1);
        let found = within.filter_map(|skip| {
            let kind = KINDS.iter().find(|kind| rest[skip..].starts_with(**kind))?;
            Some(skip + kind.len())
        });
        found.min().map(|end| at..at + own.len() + end)
    });
    let titled = || {
        let title = title.trim_matches(['《', '》', '〈', '〉']);
        let rest = sentence.trim_start_matches(['《', '〈', ' ']);
        let behind = rest
            .strip_prefix(title)
            .filter(|_| KINDS.iter().any(|kind| title.ends_with(kind)))?;
        let behind = behind.strip_prefix(['》', '〉']).unwrap_or(behind);
        // 某市医保办法细则 is another one.
        behind.trim_start().starts_with(FOLLOWS).then_some(())?;
        Some(sentence.len() - rest.len()..sentence.len() - behind.len())
    };
    called.or_else(titled)
}

/// Whether nothing stands before a sentence's day but the number of its paragraph (第三十二条, 七、, （二）).
fn is_bare(before: &str) -> bool {
    if before.chars().nth(NUMBERED).is_some() {
        return false;
    }
    before
        .chars()
        .all(|c| super::is_numeral(c) || "第条款章节附则".contains(c) || !c.is_alphanumeric())
}

/// The day at this place, and the byte behind it; 印发之日 is the day of publication, unknown where that is.
fn day_at(sentence: &str, at: usize, published: Option<Date>) -> Option<(usize, Option<Date>)> {
    if let Some(name) = PUBLISHED.iter().find(|name| sentence[at..].starts_with(**name)) {
        return Some((at + name.len(), published));
    }
    // A day has no more characters, and a sentence may have any number of 自.
    let rest = &sentence[at..];
    let near = rest.char_indices().nth(DAY).map_or(rest, |(end, _)| &rest[..end]);
    let (range, day) = next_day(near, 0)?;
    near[..range.start]
        .trim()
        .is_empty()
        .then_some((at + range.end, Some(day)))
}

/// What stands behind 至2026年12月31日止 at the beginning of a text, and the day.
fn until(text: &str) -> (&str, Option<Date>) {
    let Some(rest) = text.strip_prefix(['至', '到']) else {
        return (text, None);
    };
    match day_at(rest, 0, None) {
        Some((end, day @ Some(_))) => {
            let rest = rest[end..].trim_start();
            (rest.strip_prefix('止').unwrap_or(rest), day)
        }
        _ => (text, None),
    }
}

/// Whether a verb before this has no object and belongs to no name (起施行的《条例》, 起执行新标准).
fn is_verb_alone(behind: &str) -> bool {
    behind
        .chars()
        .next()
        .is_none_or(|c| !c.is_alphanumeric() || c == '至' || c == '到')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines::check_lists;
    use super::*;

    fn read(title: &str, text: &str, published: Option<&str>, fields: &[(&str, &str)]) -> String {
        let published = published.map(|day| day.parse().unwrap());
        let found = validity(title, text, published, fields.iter().copied());
        let day = |day: Option<Date>| day.map_or(String::new(), |day| day.to_string());
        let ended = if found.ended { " ended" } else { "" };
        format!("{}..{}{ended}", day(found.effective), day(found.expired))
    }

    #[test]
    fn the_file_has_the_lists_that_are_asked_for() {
        check_lists(WORDS, &["first day", "last day", "repealed", "status", "kind"]);
    }

    #[test]
    fn a_document_says_from_when_to_when_it_holds() {
        let check = |text: &str, expected: &str| assert_eq!(read("", text, None, &[]), expected, "{text}");
        check("第九条 本办法自2021年5月1日起施行。", "2021-05-01..");
        check("第三十二条 自二〇二四年四月一日起正式施行。", "2024-04-01..");
        check(
            "已经第30次常务会议通过，现予公布，自2021年5月1日起施行。",
            "2021-05-01..",
        );
        check("七、本通知自2024年3月4日起施行，有效期5年。", "2024-03-04..2029-03-04");
        check("本暂行规定自2023-09-08起实施,有效期三年。", "2023-09-08..2026-09-08");
        check(
            "本办法自2022年1月1日起施行，有效期至2026年12月31日。",
            "2022-01-01..2027-01-01",
        );
        check(
            "本通知自2020年1月1日起至2022年12月31日止执行。",
            "2020-01-01..2023-01-01",
        );
        check("本通知自2020年1月1日起施行至2022年12月31日。", "2020-01-01..2023-01-01");
        check("本通告自2025年3月1日起废止。", "..2025-03-01");
        check("本文件已废止。", ".. ended");
        check("本文件已于2023年5月1日废止。", "..2023-05-01");
        check("本办法已于2023年5月1日废止的附件一不再适用。", "..");
        check(
            "- 实施日期： 2019年07月01日\n- 失效日期： 2024年06月30日\n- 文件状态：失效",
            "2019-07-01..2024-07-01",
        );
        check("文件状态：失效\n正文", ".. ended");
        check(
            "本通知自2024年3月4日起施行。附件：本办法自2024年4月1日起施行。",
            "2024-03-04..",
        );
        check("本办法自2024年2月29日起施行，有效期1年。", "2024-02-29..2025-03-01");
        for (ending, expected) in [
            ("2024年12月31日废止", "2019-01-01..2024-12-31"),
            ("于2024年12月31日失效", "2019-01-01..2024-12-31"),
            ("2024年12月31日起停止执行", "2019-01-01..2024-12-31"),
            ("执行至2024年12月31日", "2019-01-01..2025-01-01"),
            ("试行期至2024年12月31日", "2019-01-01..2025-01-01"),
            ("现已废止", "2019-01-01.. ended"),
            ("现予废止", "2019-01-01.. ended"),
            ("自2024年12月31日起不再执行", "2019-01-01..2024-12-31"),
            ("失效日期：2024-12-31", "2019-01-01..2025-01-01"),
            ("有效期截止2024年12月31日", "2019-01-01..2025-01-01"),
            ("2024年12月31日到期", "2019-01-01..2024-12-31"),
            ("适用至2024年12月31日", "2019-01-01..2025-01-01"),
            ("2015年1月1日起施行的《旧办法》废止", "2019-01-01.."),
            ("2015年1月1日废止的旧办法不再执行", "2019-01-01.."),
            ("原办法2019年1月1日废止", "2019-01-01.."),
            ("此前规定与本办法不一致的，予以废止", "2019-01-01.."),
        ] {
            check(&format!("本办法自2019年1月1日起施行，{ending}。"), expected);
        }
        check("施行日期：2019-07-01\n有效期：3年", "2019-07-01..2022-07-01");
        check(
            "施行日期：2019-07-01\n有效期：至2022年6月30日",
            "2019-07-01..2022-07-01",
        );
        check("有效期：至2022-06-30", "..2022-07-01");
        check("有效期：2019年7月1日至2022年6月30日", "2019-07-01..2022-07-01");
        check("有效期限：2019-07-01 — 2022-06-30", "2019-07-01..2022-07-01");
        check("有效期至2022年6月30日。", "..2022-07-01");
        check(
            "本通知有效期自2019年7月1日起至2022年6月30日止。",
            "2019-07-01..2022-07-01",
        );
        check("本通知有效期为2019年7月1日至2022年6月30日。", "2019-07-01..2022-07-01");
        for other in [
            "有效期：10年",
            "有效期：长期",
            "证件有效期：至2031年5月22日",
            "有效期至2022年6月30日的居住证可以续签。",
            "有效期：2031年5月22日",
            "该通知自2018年11月1日起施行。",
            "本市自2018年11月1日起的缴费基数为5000元。",
            "执行2008年4月1日起施行的《条例》。",
            "《原办法》同时废止。",
            "社保卡有效期10年。",
            "营业执照有效期至2031年5月22日。",
            "职工医保自2025年1月1日起执行新标准。",
            "本合同自2025年1月1日起生效。",
            "报名截止日期：2024-02-29",
            "本办法自2024年13月1日起施行。",
            "本办法自印发之日起施行，有效期5年。",
            "",
        ] {
            check(other, "..");
        }
    }

    #[test]
    fn days_of_publication_titles_and_fields_count_too() {
        let day = Some("2022-06-01");
        assert_eq!(
            read("", "本办法自印发之日起施行，有效期5年。", day, &[]),
            "2022-06-01..2027-06-01"
        );
        assert_eq!(read("", "本通知有效期1年。", day, &[]), "..2023-06-01");
        assert_eq!(read("医保办法（已废止）", "", None, &[]), ".. ended");
        assert_eq!(read("【失效】医保办法", "", None, &[]), ".. ended");
        assert_eq!(read("关于废止部分文件的通知", "", None, &[]), "..");
        for (text, expected) in [
            (
                "甲市医保办法自2020年1月1日起施行，有效期5年。",
                "2020-01-01..2025-01-01",
            ),
            ("《甲市医保办法》自2020年1月1日起施行。", "2020-01-01.."),
            ("甲市医保办法已废止。", ".. ended"),
            ("甲市医保办法已于2023年5月1日废止。", "..2023-05-01"),
            ("甲市医保办法细则自2020年1月1日起施行。", ".."),
            ("乙市医保办法已废止。", ".."),
        ] {
            assert_eq!(read("甲市医保办法", text, None, &[]), expected, "{text}");
        }
        assert_eq!(read("医保", "医保自2020年1月1日起施行。", None, &[]), "..");
        let fields = [
            ("生效日期", "2020-01-01"),
            ("废止日期", "20240101"),
            ("时效性", "已废止"),
        ];
        assert_eq!(read("", "", None, &fields), "2020-01-01..2024-01-01");
        assert_eq!(read("", "", None, &[("时效性", "现行有效")]), "..");
        let both = read("", "本办法自2024年1月1日起施行。", None, &[("施行日期", "2024-02-01")]);
        assert_eq!(both, "2024-02-01..");
    }

    #[test]
    fn a_sentence_of_any_length_is_read_once() {
        let text = format!("本办法{}起施行○", "自".repeat(1_000_000));
        assert_eq!(read("", &text, None, &[]), "..");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(本|自|从|至|办法|起|施行|有效期|2024年1月1日|5年|止|。|，|\\PC){0,30}") {
            let found = validity(&text, &text, None, [(&*text, &*text)].into_iter());
            prop_assert!(!(found.ended && found.expired.is_some()));
        }
    }
}
