//! An answer as people read it: cards with the answering sentence first, or a line a hit. In Chinese, since who asks
//! reads Chinese; what only an operator wants to know stands in lines of its own, in English.
//!
//! Makes text and prints nothing; says the same as the page does (`src/service/page/src/card.ts`), as far as a terminal
//! can.

mod ink;
mod look;
mod passage;

use self::ink::{Ink, Inked};
pub use self::look::Look;
use self::passage::{excerpt, headline, marked};
use crate::search::confidence::Verdict;
use crate::search::features::label;
use crate::search::naming::quoted;
use crate::search::remarks::{copies, facts, lacking, warnings};
use crate::search::response::{Hit, SearchResponse};

/// How much is shown of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A line.
    Brief,
    /// A card with the surroundings of the answering sentence.
    Card,
    /// A card with the whole passage.
    Full,
}

/// An answer as text.
pub fn text(response: &SearchResponse, detail: Detail, look: Look) -> String {
    let mut into = String::new();
    let verdict = response.answerable.map(Verdict::of);
    for (line, ink) in said_before(response, verdict) {
        line_of(&mut into, &line, ink, look);
    }
    // What probably answers nothing is not set as if it did.
    let is_doubtful = verdict == Some(Verdict::Unlikely);
    for (place, hit) in (1..).zip(&response.hits) {
        match detail {
            Detail::Brief => brief(&mut into, place, hit, is_doubtful, look),
            _ => card(&mut into, place, hit, detail, is_doubtful, look),
        }
    }
    if detail != Detail::Brief {
        for line in said_after(response) {
            line_of(&mut into, &line, Ink::Quiet, look);
        }
    }
    into
}

fn line_of(into: &mut String, line: &str, ink: Ink, look: Look) {
    Inked::new(line, ink).write(into, "", look.text_columns(), look.colour);
}

/// What must be known before any hit is read.
fn said_before(response: &SearchResponse, verdict: Option<Verdict>) -> Vec<(String, Ink)> {
    let mut lines = Vec::new();
    if let Some(corrected) = &response.corrected {
        lines.push((format!("已按“{corrected}”理解；加 --exact 则按原样查找。"), Ink::Mark));
    }
    if response.hits.is_empty() {
        lines.push(("没有找到相关内容，可以换个说法再问。".to_owned(), Ink::Plain));
    } else {
        if let Some(missing) = &response.missing {
            lines.push((missing.sentence.clone(), Ink::Warning));
        }
        let sure = match verdict {
            Some(Verdict::Unlikely) => "库中多半没有这个问题的答案，下面只是最接近的内容。",
            Some(Verdict::Unsure) => "不确定库中有没有答案，请对照原文判断。",
            Some(Verdict::Likely) | None => "",
        };
        lines.extend((!sure.is_empty()).then(|| (sure.to_owned(), Ink::Warning)));
    }
    lines.extend(lacking(&response.lacking).map(|said| (said, Ink::Warning)));
    lines
}

/// How it came about.
fn said_after(response: &SearchResponse) -> Vec<String> {
    let milliseconds = |time: std::time::Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
    let took = milliseconds(response.timings.total);
    let how = match (response.timings.cached, response.reranked) {
        (true, _) => "先前答过，未再检索".to_owned(),
        (false, None) => format!("比较了 {} 段", response.candidates),
        (false, Some(count)) => format!("比较了 {} 段，重排前 {count} 条", response.candidates),
    };
    let mut lines = vec![format!("用时 {took} 毫秒，{how}")];
    if response.hits.iter().any(|hit| hit.explanation.is_some()) {
        let stages = response.timings.stages();
        let stages: Vec<String> = stages
            .map(|(name, time)| format!("{name} {} ms", milliseconds(time)))
            .collect();
        let chance = response.answerable.map(|chance| format!("; answerable {chance:.2}"));
        lines.push(format!("{}{}", stages.join(", "), chance.unwrap_or_default()));
        lines.extend(response.degraded.as_ref().map(|reason| format!("degraded: {reason}")));
    }
    lines
}

/// A hit in a line: what is to be minded, what answers, where it is from. What there is no room for is left out of the
/// middle.
fn brief(into: &mut String, place: usize, hit: &Hit, is_doubtful: bool, look: Look) {
    let mut line = Inked::new(&format!("{place}. "), Ink::Mark);
    for text in warnings(hit) {
        line.push(&format!("{text} "), Ink::Warning);
    }
    let (said, is_title) = headline(hit, is_doubtful);
    line.append(said.one_line());
    if !is_title && !hit.title.trim().is_empty() {
        line.push(&format!("  {}", quoted(hit.title.trim())), Ink::Plain);
    }
    for text in facts(hit) {
        line.push(&format!("  {text}"), Ink::Quiet);
    }
    let id = Inked::new(&format!(" [{}]", hit.passage_id), Ink::Quiet);
    let mut line = line.one_line();
    if let Some(columns) = look.columns {
        line = line.cut(columns.saturating_sub(id.columns()));
    }
    line.append(id);
    if let Some(columns) = look.columns {
        line = line.cut(columns);
    }
    line.write(into, "", None, look.colour);
}

fn card(into: &mut String, place: usize, hit: &Hit, detail: Detail, is_doubtful: bool, look: Look) {
    let (said, is_title) = headline(hit, is_doubtful);
    let said = said.one_line();
    let passage = match detail {
        Detail::Full => marked(hit, is_doubtful),
        _ => excerpt(hit, is_doubtful),
    };
    // A passage of one sentence stands there already.
    let says_more = is_title || !(passage.is_blank() || passage.says_the_same(&said));
    let title = [hit.title.trim(), hit.heading.trim()].map(|text| text.replace('\n', " "));
    let title: Vec<&str> = title
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let mut parts = vec![said];
    if !is_title {
        parts.push(Inked::new(&title.join("  "), Ink::Mark));
    }
    parts.push(Inked::new(&facts(hit).join(" · "), Ink::Quiet));
    parts.extend(warnings(hit).iter().map(|line| Inked::new(line, Ink::Warning)));
    parts.extend(says_more.then_some(passage));
    parts.extend(copies(hit).iter().map(|line| Inked::new(line, Ink::Plain)));
    parts.extend(explained(hit).iter().map(|line| Inked::new(line, Ink::Quiet)));
    parts.push(Inked::new(&format!("[{}]", hit.passage_id), Ink::Quiet));
    let mut margin = format!("{place}. ");
    for part in parts {
        part.write(into, &margin, look.text_columns(), look.colour);
        margin = " ".repeat(margin.len());
    }
    into.push('\n');
}

/// Why a hit stands where it stands, if that was asked for.
fn explained(hit: &Hit) -> Vec<String> {
    let Some(explanation) = &hit.explanation else {
        return Vec::new();
    };
    let amounts = explanation.contributions.iter();
    let amounts: Vec<String> = amounts
        .map(|(name, amount)| format!("{} {amount:.3}", label(name)))
        .collect();
    let lines = explanation.summary.lines().map(str::to_owned);
    lines
        .chain([format!("{} = {:.3}", amounts.join(" + "), hit.score)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Date, Force, Validity};
    use crate::search::response::{Applies, Explanation, Fit, Lack, Missing, NearCopy, Span};

    const PLAIN: Look = Look {
        columns: None,
        colour: false,
    };

    fn hit() -> Hit {
        let text = "参保人应当按月缴费。断缴后三个月内补缴的，不设等待期。超过三个月的，设三个月等待期。";
        Hit {
            passage_id: "办法.md#2".into(),
            title: "职工医保办法".into(),
            heading: "第三章".into(),
            text: text.into(),
            source: Some("兰州市医保局".into()),
            published: Date::new(2025, 4, 19),
            best_sentence: Some(Span { start: 10, end: 27 }),
            highlights: vec![Span { start: 10, end: 12 }],
            regions: vec!["甘肃/兰州".into()],
            years: vec![2025],
            applies: Applies {
                place: Some(Fit::Other),
                year: Some(Fit::Same),
                product: None,
            },
            duplicates: vec!["另一处.md#0".into()],
            near_copies: vec![NearCopy {
                passage_id: "旧.md#1".into(),
                title: "旧办法".into(),
                difference: "等待期 三个月 / 六个月".into(),
                newer: Some(false),
            }],
            ..Hit::default()
        }
    }

    fn answer(hits: Vec<Hit>) -> SearchResponse {
        SearchResponse {
            hits,
            answerable: Some(0.9),
            candidates: 7,
            ..SearchResponse::default()
        }
    }

    #[test]
    fn a_card_begins_with_what_answers_and_says_what_is_to_be_minded() {
        let card = text(&answer(vec![hit()]), Detail::Card, PLAIN);
        let expected = "\
1. 断缴后三个月内补缴的，不设等待期。
   职工医保办法  第三章
   兰州市医保局 · 2025-04-19 发布 · 甘肃兰州 · 2025年
   注意：这一条说的是甘肃兰州，不是您问的地方。
   参保人应当按月缴费。……超过三个月的，设三个月等待期。
   说法相近而不同：等待期 三个月 / 六个月（前者是这一条，较新；后者是《旧办法》[旧.md#1]）
   另有 1 处内容相同：另一处.md#0
   [办法.md#2]

用时 0.00 毫秒，比较了 7 段
";
        assert_eq!(card, expected);
    }

    #[test]
    fn a_brief_answer_has_a_line_a_hit() {
        let two = answer(vec![
            hit(),
            Hit {
                passage_id: "甲#0".into(),
                text: "没有标题\n也没有答句的一段。".into(),
                ..Hit::default()
            },
        ]);
        let expected = "\
1. 注意：这一条说的是甘肃兰州，不是您问的地方。 断缴后三个月内补缴的，不设等待期。 《职工医保办法》 兰州市医保局 2025-04-19 发布 甘肃兰州 2025年 [办法.md#2]
2. 没有标题 也没有答句的一段。 [甲#0]
";
        assert_eq!(text(&two, Detail::Brief, PLAIN), expected);
        let narrow = Look {
            columns: Some(80),
            colour: false,
        };
        let shown = text(&two, Detail::Brief, narrow);
        let first = shown.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("1. 注意：这一条说的是甘肃兰州，不是您问的地方。 断缴后")
                && first.ends_with("… [办法.md#2]"),
            "{first}"
        );
    }

    #[test]
    fn what_is_missing_and_what_was_read_otherwise_comes_first() {
        let said = |response: &SearchResponse| text(response, Detail::Brief, PLAIN);
        let check = |response: SearchResponse, first: &str| {
            let said = said(&response);
            assert_eq!(said.lines().next(), Some(first), "{said}");
        };
        check(SearchResponse::default(), "没有找到相关内容，可以换个说法再问。");
        let corrected = SearchResponse {
            corrected: Some("医保断缴".into()),
            ..answer(vec![hit()])
        };
        check(corrected, "已按“医保断缴”理解；加 --exact 则按原样查找。");
        let missing = SearchResponse {
            missing: Some(Missing {
                sentence: "没有找到关于杭州的内容。".into(),
                ..Missing::default()
            }),
            ..answer(vec![hit()])
        };
        check(missing, "没有找到关于杭州的内容。");
        let unlikely = SearchResponse {
            answerable: Some(0.1),
            ..answer(vec![hit()])
        };
        check(unlikely, "库中多半没有这个问题的答案，下面只是最接近的内容。");
        let degraded = SearchResponse {
            degraded: Some("no model; the reranker was late".into()),
            lacking: vec![Lack::Meaning, Lack::Reranking],
            ..answer(vec![hit()])
        };
        let shown = said(&degraded);
        let first = shown.lines().next().unwrap();
        assert!(first.contains("重新排序") && first.contains("只按字词"), "{shown}");
        assert!(!shown.contains("no model"), "{shown}");
        let explained = SearchResponse {
            hits: vec![Hit {
                explanation: Some(Explanation::default()),
                ..hit()
            }],
            ..degraded
        };
        let shown = text(&explained, Detail::Card, PLAIN);
        let why = shown.lines().find(|line| line.starts_with("degraded: "));
        assert_eq!(why, Some("degraded: no model; the reranker was late"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let ended = Hit {
            force: Some(Force::Ended),
            validity: Validity {
                expired: Date::new(2024, 1, 1),
                ..Validity::default()
            },
            ..hit()
        };
        let response = answer(vec![hit(), ended]);
        for columns in [24, 40, 80, 200] {
            for detail in [Detail::Card, Detail::Full, Detail::Brief] {
                let look = Look {
                    columns: Some(columns),
                    colour: false,
                };
                let shown = text(&response, detail, look);
                for line in shown.lines() {
                    let width = unicode_width::UnicodeWidthStr::width(line);
                    assert!(width <= columns, "{columns}: {line}");
                }
            }
        }
        assert!(text(&response, Detail::Card, PLAIN).contains("注意：这一条从 2024-01-01 起不再执行。"));
    }

    #[test]
    fn colours_are_where_they_are_seen_alone() {
        let coloured = Look {
            columns: Some(80),
            colour: true,
        };
        let shown = text(&answer(vec![hit()]), Detail::Card, coloured);
        assert!(shown.contains("\x1b[1;33m断缴\x1b[0m\x1b[1m后三个月"), "{shown}");
        assert!(!text(&answer(vec![hit()]), Detail::Card, PLAIN).contains('\x1b'));
        // What probably does not answer is not set as if it did, neither first nor in the passage.
        let unlikely = SearchResponse {
            answerable: Some(0.1),
            ..answer(vec![hit()])
        };
        for detail in [Detail::Brief, Detail::Card, Detail::Full] {
            let shown = text(&unlikely, detail, coloured);
            assert!(!shown.contains("\x1b[1"), "{shown}");
        }
    }
}
