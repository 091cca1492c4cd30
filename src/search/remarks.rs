//! What is said in Chinese around a hit's text, for people at a terminal and for models: where it is from and for whom
//! it holds, what must be known before it is believed, what says the same.

use super::naming::{quoted, region_name};
use super::response::{Fit, Hit, Lack, NearCopy};
use crate::model::{ArticleKind, Force};

/// Names of a kind that are shown; what has more is about none of them in particular.
const SHOWN: usize = 3;
/// Copies that are named.
const NAMED: usize = 5;

/// Where a hit is from, and for which place and year it holds; each in a few words.
pub fn facts(hit: &Hit) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(hit.source.clone());
    facts.extend(hit.published.map(|day| format!("{day} 发布")));
    facts.extend([places(hit), years(hit)].into_iter().filter(|names| !names.is_empty()));
    facts.extend(hit.validity.effective.map(|day| format!("{day} 起执行")));
    if hit.kind == ArticleKind::Summary {
        facts.push("只有摘要".to_owned());
    }
    facts
}

/// What a reader must know before believing a hit, each a sentence.
pub fn warnings(hit: &Hit) -> Vec<String> {
    let other = |fit: Option<Fit>, own: String, what: &str| {
        (fit == Some(Fit::Other)).then(|| {
            if own.is_empty() {
                format!("这一条不适用于您问的{what}。")
            } else {
                format!("这一条说的是{own}，不是您问的{what}。")
            }
        })
    };
    let force = match (hit.force, hit.validity.expired, hit.validity.effective) {
        (Some(Force::Ended), Some(day), _) => Some(format!("这一条从 {day} 起不再执行。")),
        (Some(Force::Ended), None, _) => Some("这一条已经废止或失效。".to_owned()),
        (Some(Force::NotYet), _, Some(day)) => Some(format!("这一条 {day} 起才执行。")),
        (Some(Force::NotYet), _, None) => Some("这一条还没有开始执行。".to_owned()),
        _ => None,
    };
    let is_older = hit.near_copies.iter().any(|copy| copy.newer == Some(true));
    let newer = is_older.then(|| "另有较新的一条说法不同。".to_owned());
    let found = [
        other(hit.applies.place, places(hit), "地方"),
        other(hit.applies.year, years(hit), "年份"),
        (hit.applies.product == Some(Fit::Other)).then(|| "这一条说的是另一个产品，不是您问的。".to_owned()),
        force,
        newer,
    ];
    found
        .into_iter()
        .flatten()
        .map(|text| format!("注意：{text}"))
        .collect()
}

/// What must be known of an answer that is less than was asked for; none if it is not. Who asks cannot mend it, so the
/// reason is not told.
pub fn lacking(lacking: &[Lack]) -> Option<String> {
    let said = |lack: &Lack| match lack {
        Lack::Meaning => "这次只按字词查找，没有用上语义，意思相近而用词不同的内容可能没有找到",
        Lack::Words => "这次只按语义查找，没有用上字词，写法相同的内容可能没有找到",
        Lack::Reranking => "来不及给所有结果重新排序，先后可能不够准",
    };
    let said: Vec<&str> = lacking.iter().map(said).collect();
    (!said.is_empty()).then(|| format!("注意：{}。", said.join("；")))
}

/// What says the same as a hit, and what nearly the same.
pub fn copies(hit: &Hit) -> Vec<String> {
    let mut lines: Vec<String> = hit.near_copies.iter().map(|copy| near(copy, hit)).collect();
    if !hit.duplicates.is_empty() {
        let named: Vec<&str> = hit.duplicates.iter().take(NAMED).map(String::as_str).collect();
        let more = if hit.duplicates.len() > NAMED { " 等" } else { "" };
        let (count, named) = (hit.duplicates.len(), named.join("、"));
        lines.push(format!("另有 {count} 处内容相同：{named}{more}"));
    }
    lines
}

fn near(copy: &NearCopy, hit: &Hit) -> String {
    let title = if copy.title.is_empty() || copy.title == hit.title {
        String::new()
    } else {
        quoted(&copy.title)
    };
    let other = format!("{title}[{}]", copy.passage_id);
    let (own_is_newer, other_is_newer) = match copy.newer {
        Some(true) => ("", "，较新"),
        Some(false) => ("，较新", ""),
        None => ("", ""),
    };
    if copy.difference.is_empty() && title.is_empty() {
        format!("内容几乎相同：{other}")
    } else if copy.difference.is_empty() {
        format!("内容几乎相同，标题不同：{other}")
    } else {
        format!(
            "说法相近而不同：{}（前者是这一条{own_is_newer}；后者是{other}{other_is_newer}）",
            copy.difference
        )
    }
}

fn places(hit: &Hit) -> String {
    some(hit.regions.iter().map(|region| region_name(region)).collect())
}

fn years(hit: &Hit) -> String {
    some(hit.years.iter().map(|year| format!("{year}年")).collect())
}

fn some(names: Vec<String>) -> String {
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("、");
    if names.len() > SHOWN {
        format!("{shown} 等 {} 个", names.len())
    } else {
        shown
    }
}
