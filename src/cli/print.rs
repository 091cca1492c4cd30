//! How answers look on a terminal, for people (in Chinese), and JSON for programs. An answer as JSON is the protocol's, so that
//! a program need not care whether it asked the service or the command line.

use serde::Serialize;

use super::out::Pieces;
use crate::error::{Context, Fault, Result};
use crate::model::Force;
use crate::search::confidence::Verdict;
use crate::search::features::label;
use crate::search::response::{Fit, Hit, SearchResponse, Span};

/// Prints a value as indented JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).or_fault(Fault::Bug, "encoding JSON")?;
    outln!("{text}");
    Ok(())
}

/// As [`json`], of a value that is made while it is written.
pub fn json_as_it_comes(value: &impl Serialize) -> Result<()> {
    let mut pieces = Pieces::default();
    serde_json::to_writer_pretty(&mut pieces, value).or_fault(Fault::Bug, "encoding JSON")?;
    pieces.end();
    outln!();
    Ok(())
}

/// How a hit applies, as a person reads it; empty where the question names neither place nor year and it
/// holds.
fn applies(hit: &Hit) -> String {
    let fit = |fit: Fit, what: &str, own: String| match fit {
        Fit::Same => format!("{what}相符"),
        Fit::Wider if own.is_empty() => format!("{what}：全国"),
        Fit::Wider => format!("{what}范围更大（{own}）"),
        Fit::Other => format!("{what}不同（{own}）"),
        Fit::NotSaid => format!("未说明{what}"),
    };
    let years: Vec<String> = hit.years.iter().map(u16::to_string).collect();
    let place = hit
        .applies
        .place
        .map(|place| fit(place, "地区", hit.regions.join("、")));
    let year = hit.applies.year.map(|year| fit(year, "年份", years.join("、")));
    let force = match (hit.force, hit.validity.expired, hit.validity.effective) {
        (Some(Force::Ended), Some(day), _) => Some(format!("{day} 起已不再执行")),
        (Some(Force::Ended), None, _) => Some("已废止或失效".to_owned()),
        (Some(Force::NotYet), _, Some(day)) => Some(format!("{day} 起才执行")),
        _ => None,
    };
    let parts = place.into_iter().chain(year).chain(force);
    parts.collect::<Vec<_>>().join("，")
}

/// What says the same as a hit, and what nearly the same, as a person reads it.
fn copies(hit: &Hit) -> Vec<String> {
    let mut lines = Vec::new();
    if !hit.duplicates.is_empty() {
        lines.push(format!("内容相同，未另列：{}", hit.duplicates.join("、")));
    }
    lines.extend(hit.near_copies.iter().map(|copy| {
        let title = match copy.title.is_empty() || copy.title == hit.title {
            true => String::new(),
            false => format!("《{}》", copy.title),
        };
        match copy.difference.is_empty() {
            true => format!("内容相同，标题不同：{title}[{}]", copy.passage_id),
            false => {
                let newer = if copy.newer == Some(true) {
                    "更新的一条"
                } else {
                    ""
                };
                format!(
                    "内容相近，不同处：{}（{newer}{title}[{}]）",
                    copy.difference, copy.passage_id
                )
            }
        }
    }));
    lines
}

/// How to mark text on the stream that is written to.
pub struct Style {
    color: bool,
}

impl Style {
    /// Colours on a terminal, none in a pipe or where `NO_COLOR` is set.
    pub fn detect() -> Self {
        use std::io::IsTerminal;
        Style {
            color: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }

    /// The text with its best sentence bold and its matched terms coloured.
    fn passage(&self, hit: &Hit) -> String {
        if !self.color {
            return hit.text.clone();
        }
        let inside = |spans: &[Span], at: u32| spans.iter().any(|span| (span.start..span.end).contains(&at));
        let best: Vec<Span> = hit.best_sentence.into_iter().collect();
        let mut marked = String::new();
        let mut open = (false, false);
        for (c, at) in hit.text.chars().zip(0u32..) {
            let wanted = (inside(&best, at), inside(&hit.highlights, at));
            if wanted != open {
                marked.push_str("\x1b[0m");
                marked.push_str(if wanted.0 { "\x1b[1m" } else { "" });
                marked.push_str(if wanted.1 { "\x1b[33m" } else { "" });
                open = wanted;
            }
            marked.push(c);
        }
        marked + "\x1b[0m"
    }
}

/// Prints an answer for people; at most `hits` of its hits.
pub fn response(response: &SearchResponse, style: &Style) {
    if let Some(reason) = &response.degraded {
        outln!("{}", style.paint("31", &format!("注意（degraded）：{reason}")));
    }
    if let Some(corrected) = &response.corrected {
        outln!("{}", style.paint("33", &format!("按“{corrected}”查找")));
    }
    if response.hits.is_empty() {
        outln!("没有找到相关内容。");
    }
    if let Some(missing) = &response.missing {
        outln!("{}", style.paint("31", &missing.sentence));
    }
    let verdict = response
        .answerable
        .filter(|_| !response.hits.is_empty())
        .map(Verdict::of);
    match verdict {
        Some(Verdict::Unlikely) => outln!(
            "{}",
            style.paint("33", "库中多半没有这个问题的答案，以下只是最接近的内容。")
        ),
        Some(Verdict::Unsure) => outln!("{}", style.paint("33", "不确定库中有没有答案，请对照原文判断。")),
        Some(Verdict::Likely) | None => {}
    }
    for (place, hit) in response.hits.iter().enumerate() {
        let title = match hit.title.is_empty() {
            true => {
                hit.text
                    .lines()
                    .next()
                    .unwrap_or("")
                    .chars()
                    .take(30)
                    .collect::<String>()
                    + "…"
            }
            false => hit.title.clone(),
        };
        let source: Vec<String> = [hit.source.clone(), hit.published.map(|date| date.to_string())]
            .into_iter()
            .flatten()
            .collect();
        outln!(
            "{} {}  {}",
            style.paint("36", &format!("{}.", place + 1)),
            style.paint("1", &title),
            style.paint(
                "2",
                &format!("[{}] {:.3} {}", hit.passage_id, hit.score, source.join(" "))
            )
        );
        let applies = applies(hit);
        if !applies.is_empty() {
            outln!("   {}", style.paint("2", &applies));
        }
        if let Some(span) = hit.best_sentence {
            outln!("   {}", style.paint("32", &format!("» {}", span.of(&hit.text).trim())));
        }
        for line in style.passage(hit).lines().filter(|line| !line.trim().is_empty()) {
            outln!("   {line}");
        }
        for line in copies(hit) {
            outln!("   {}", style.paint("2", &line));
        }
        if let Some(explanation) = &hit.explanation {
            for line in explanation.summary.lines() {
                outln!("   {}", style.paint("35", line));
            }
            let amounts: Vec<String> = explanation
                .contributions
                .iter()
                .map(|(name, amount)| format!("{} {amount:.3}", label(name)))
                .collect();
            outln!(
                "   {}",
                style.paint("2", &format!("{} = {:.3}", amounts.join(" + "), hit.score))
            );
        }
        outln!();
    }
    let mut stages: Vec<String> = response
        .timings
        .stages()
        .map(|(name, took)| format!("{name} {:.2}", took.as_secs_f64() * 1e3))
        .collect();
    if response.timings.cached {
        stages = vec!["先前答过，未再检索".into()];
    }
    outln!(
        "{}",
        style.paint(
            "2",
            &format!(
                "共 {:.2} 毫秒（{}），候选 {} 段{}{}",
                response.timings.total.as_secs_f64() * 1e3,
                stages.join("，"),
                response.candidates,
                response
                    .reranked
                    .map_or(String::new(), |count| format!("，重排前 {count} 条")),
                response
                    .answerable
                    .map_or(String::new(), |chance| format!("，有答案的可能 {:.0}%", chance * 100.0))
            )
        )
    );
}
