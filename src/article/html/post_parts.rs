//! The parts that stand around each of several posts of one page, in the same place of each: who wrote it, when, what
//! readers made of it.
//!
//! Repetition is the sign: blocks of one kind side by side, and in them small parts of one kind, each once, none of
//! which is a sentence. Only finds them; what else speaks against leaving them out is for `furniture` to say.

use std::collections::HashMap;

use scraper::ElementRef;

use super::super::byline::next_stamp;
use super::super::layout::{COLONS, is_stop};
use super::super::site_words::{List, listed};
use super::credits::only_tools_and;
use super::dom::{Elements, Step, is_block, is_heading, key, walk, words};
use super::measure::Measures;

/// The longest part around a post, and the longest name of an author, in characters.
const MAX_PART: usize = 80;
const MAX_AUTHOR: usize = 16;
/// How much of what authors have is counted on a card at least.
const COUNTS: usize = 3;
/// Among how many of a part's first nodes one may say what it is.
const BEGINS: usize = 4;
/// How many words of an expert's card are on it at least.
const EXPERT_WORDS: usize = 2;
/// How many posts of one kind are looked at, how many elements of each, and how many of a page.
const POSTS: usize = 64;
const INSIDE: usize = 64;
const BUDGET: usize = 100_000;

/// The parts around a page's posts.
#[derive(Debug, Default)]
pub(super) struct PostParts {
    parts: Elements,
    /// The tables that place authors beside their posts.
    tables: Elements,
}

/// A part of each of several posts, by what it says in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Who wrote it: a link's words first.
    Author { dated: bool },
    /// A card of the author, by its words.
    Card,
    /// A day, or what readers can do or did, with numbers.
    Moment,
    /// What a forum puts below all that somebody writes.
    Signature,
}

impl PostParts {
    /// The parts below `root`.
    pub fn of(root: ElementRef<'_>, measures: &Measures) -> PostParts {
        let mut kinds: HashMap<(usize, String), usize> = HashMap::new();
        let mut groups: Vec<Vec<ElementRef<'_>>> = Vec::new();
        walk(root, |step| {
            if let Step::Open(element) = step
                && matches!(
                    element.value().name(),
                    "div" | "section" | "article" | "li" | "table" | "tr" | "dl"
                )
                && measures.of(element).prose > 0
                && let Some(parent) = element.parent().and_then(ElementRef::wrap)
            {
                let at = *kinds.entry((key(parent), kind(element))).or_insert(groups.len());
                groups.resize(groups.len().max(at + 1), Vec::new());
                if groups[at].len() < POSTS {
                    groups[at].push(element);
                }
            }
            true
        });
        let (mut found, mut budget) = (PostParts::default(), BUDGET);
        for posts in groups.into_iter().filter(|posts| posts.len() > 1) {
            found.add(&posts, measures, &mut budget);
        }
        found
    }

    /// Whether an element is such a part.
    pub fn is_part(&self, element: ElementRef<'_>) -> bool {
        self.parts.contains(&key(element))
    }

    /// Whether a table only places such parts beside posts.
    pub fn places(&self, table: ElementRef<'_>) -> bool {
        self.tables.contains(&key(table))
    }

    /// Whether the page has posts.
    pub fn any(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Adds the parts of these blocks of one kind, if they are posts: each names its author, by a link or on a card,
    /// and says when it was written or what was made of it.
    fn add<'a>(&mut self, posts: &[ElementRef<'a>], measures: &Measures, budget: &mut usize) {
        let mut places: HashMap<String, Vec<ElementRef<'a>>> = HashMap::new();
        for post in posts {
            for (place, part) in parts(*post, measures, budget) {
                places.entry(place).or_default().push(part);
            }
        }
        places.retain(|_, parts| parts.len() > 1 && parts.len() * 2 >= posts.len());
        let told: Vec<(Part, Vec<ElementRef<'a>>)> = places
            .into_values()
            .filter_map(|parts| Some((told(&parts, measures)?, parts)))
            .collect();
        let has = |wanted: &[Part]| told.iter().any(|(part, _)| wanted.contains(part));
        let is_written = has(&[Part::Author { dated: true }, Part::Card])
            || (has(&[Part::Author { dated: false }]) && has(&[Part::Moment]));
        if !is_written {
            return;
        }
        for part in told.into_iter().flat_map(|(_, parts)| parts) {
            self.parts.insert(key(part));
            if part.value().name() == "td" {
                let above = part.ancestors().filter_map(ElementRef::wrap);
                let table = above.take(INSIDE).find(|above| above.value().name() == "table");
                self.tables.extend(table.map(key));
            }
        }
    }
}

/// An element's name and class.
fn kind(element: ElementRef<'_>) -> String {
    let class: String = element.attr("class").unwrap_or("").chars().take(100).collect();
    format!("{}.{class}", element.value().name())
}

/// The small blocks of a post without a sentence, each with its place, which no other of the post has.
fn parts<'a>(post: ElementRef<'a>, measures: &Measures, budget: &mut usize) -> Vec<(String, ElementRef<'a>)> {
    let mut open = vec![(String::new(), post)];
    let mut found: Vec<(String, ElementRef<'a>)> = Vec::new();
    let mut seen = 0;
    while let Some((place, above)) = open.pop() {
        for (at, element) in above.child_elements().enumerate() {
            if seen == INSIDE || *budget == 0 {
                break;
            }
            seen += 1;
            *budget -= 1;
            let measure = measures.of(element);
            let name = element.value().name();
            if measure.all == 0 || !is_block(name) || is_heading(name) {
                continue;
            }
            // Cells of one row are told apart by their columns.
            let column = if name == "td" { at } else { 0 };
            let place = format!("{place}/{}{column}", kind(element));
            let mut inside = element.descendants().take(INSIDE).filter_map(ElementRef::wrap);
            let mut has_heading = || inside.any(|inside| is_heading(inside.value().name()));
            if measure.prose == 0 && measure.all <= MAX_PART && !has_heading() {
                found.push((place, element));
            } else {
                open.push((place, element));
            }
        }
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (place, _) in &found {
        *counts.entry(place.clone()).or_default() += 1;
    }
    found.retain(|(place, _)| counts[place] == 1);
    found
}

/// What parts in one place of several posts say, if it is the same in all of them.
fn told(parts: &[ElementRef<'_>], measures: &Measures) -> Option<Part> {
    let texts: Vec<String> = parts.iter().map(|part| words(*part)).collect();
    if texts.iter().any(|text| text.contains(is_stop)) {
        return None;
    }
    let all = |is: fn(&str) -> bool| texts.iter().all(|text| is(text));
    let is_column = || parts.iter().any(|part| part.value().name() == "td");
    if all(is_card) {
        Some(Part::Card)
    } else if parts.iter().all(|part| is_signature(*part)) {
        Some(Part::Signature)
    } else if is_column() {
        // Columns of tables say days and names, too.
        None
    } else if parts.iter().all(|part| begins_with_author(*part, measures)) {
        let dated = all(is_dated);
        Some(Part::Author { dated })
    } else {
        all(is_moment).then_some(Part::Moment)
    }
}

/// Whether a part is called a signature, or begins with one; `question-sign` is the name of an icon.
fn is_signature(part: ElementRef<'_>) -> bool {
    let mut called = part.descendants().take(BEGINS).filter_map(ElementRef::wrap);
    called.any(|part| {
        let mut names = part.attr("class").unwrap_or_default().split_whitespace();
        names.any(|name| matches!(name, "sign" | "signature" | "signatures"))
    })
}

/// Whether a part is the card of an expert who answers, or counts what authors have: `主题 12 帖子 88 积分 1024`.
fn is_card(text: &str) -> bool {
    let is_on_card = |word: &&&str| text.contains(**word);
    if listed(List::ExpertCard).iter().filter(is_on_card).count() >= EXPERT_WORDS {
        return true;
    }
    let behind = |word: &&&str| {
        text.split_once(**word).is_some_and(|(_, behind)| {
            behind
                .trim_start_matches(|c: char| c.is_whitespace() || COLONS.contains(&c))
                .starts_with(|c: char| c.is_ascii_digit())
        })
    };
    // Or the numbers stand above the words: `12 主题 88 帖子 1024 积分`.
    let before = |word: &&&str| {
        text.split_once(**word)
            .is_some_and(|(before, _)| before.trim_end().ends_with(|c: char| c.is_ascii_digit()))
    };
    let counted = |counts: &dyn Fn(&&&str) -> bool| listed(List::AuthorCard).iter().filter(counts).count() >= COUNTS;
    counted(&behind) || counted(&before)
}

/// Whether a part says a day and behind it nothing but what readers can do: `社会保险法（2018年修正）` is a title.
fn is_dated(text: &str) -> bool {
    next_stamp(text, 0).is_some_and(|stamp| {
        let behind = &text[stamp.end..];
        !behind.contains(char::is_alphabetic) || only_tools_and(listed(List::Post), behind)
    })
}

/// Whether the first words of a part are a short link to who wrote it, and no question.
fn begins_with_author(part: ElementRef<'_>, measures: &Measures) -> bool {
    let mut inside = part.descendants().take(INSIDE);
    let first = inside.find_map(|node| {
        node.value()
            .as_text()
            .filter(|text| !text.trim().is_empty())
            .map(|_| node)
    });
    let above = first
        .into_iter()
        .flat_map(|text| text.ancestors())
        .filter_map(ElementRef::wrap);
    let mut above = above.take_while(|above| *above != part);
    above.find(|above| above.value().name() == "a").is_some_and(|link| {
        let leads_on = link.attr("href").is_none_or(|to| !to.starts_with('#'));
        let asks = || listed(List::Question).iter().any(|word| words(link).contains(word));
        leads_on && (1..=MAX_AUTHOR).contains(&measures.of(link).all) && !asks()
    })
}

/// Whether a part is a day with little else, or nothing but what readers can do with a post.
fn is_moment(text: &str) -> bool {
    let Some(stamp) = next_stamp(text, 0) else {
        // Without a number they may ask about an answer of the page's own: `有帮助 没帮助`.
        return text.contains(|c: char| c.is_ascii_digit()) && only_tools_and(listed(List::Post), text);
    };
    let before = &text[..stamp.start];
    let is_short = before.chars().count() <= MAX_AUTHOR || only_tools_and(listed(List::Post), before);
    is_short && !listed(List::DatedFact).iter().any(|word| before.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::rules_tests::{block, check_parts};

    const FRAME: &str = "frame of a post";
    const SAID: &str = "三个月以内的可以补缴，补缴以后待遇连续计算。";

    #[test]
    fn cards_that_count_above_their_words_and_signatures_are_no_text() {
        let post = |name: &str, card: &str, sign: &str| {
            format!(
                "<div class=p><div class=who><a>{name}</a></div><div class=c>{card}</div><div class=t>发表于 2022-05-14 21:08</div>\
                 <div class=m>{SAID}</div><div class=sign>{sign}</div></div>"
            )
        };
        let counts = "<p>3</p>主题 <p>17</p>帖子 <p>88</p>积分";
        let posts = post("小雨", counts, "平平淡淡才是真") + &post("老周", counts, "买保险先看健康告知");
        check_parts(
            &block(&posts),
            &[SAID],
            &[(FRAME, "帖子"), (FRAME, "平平淡淡"), (FRAME, "健康告知")],
        );
        // No posts, but what people are to sign.
        let form = "<div class=p><div class=m>承诺补缴。</div><div class=sign>投保人签名</div></div>".repeat(2);
        check_parts(&block(&form), &["投保人签名"], &[]);
        // Icons before what was asked.
        for icon in ["glyphicon glyphicon-question-sign", "icon-ok-sign", "sign-in"] {
            let asked = |said: &str| {
                format!("<div class=p><div class=q><i class='{icon}'></i>{said}</div><div class=m>{SAID}</div></div>")
            };
            let posts = asked("断缴两个月能补吗") + &asked("生育津贴怎么领");
            check_parts(&block(&posts), &["断缴两个月能补吗", "生育津贴怎么领", SAID], &[]);
        }
    }

    #[test]
    fn what_stands_around_each_of_several_posts_is_left_out() {
        let two = |post: &str| block(&[post, &post.replace("老周", "小陈").replace("11", "12")].concat());
        let answer = format!(
            "<div class=x><div class=u><a>老周</a><span>人力资源</span><span>2023-05-02 11:20</span></div>\
             <div>{SAID}</div><div class=b>赞同 11 评论 18 分享</div></div>"
        );
        check_parts(
            &two(&answer),
            &[SAID],
            &[(FRAME, "老周"), (FRAME, "小陈"), (FRAME, "赞同 12")],
        );
        let lawyer = format!(
            "<ul><li><div><a>老周律师</a>执业11年</div><p>{SAID}</p><div class=z>有帮助 3</div></li>\
             <li><div><a>陈静律师</a>执业8年</div><p>{SAID}</p><div class=z>有帮助 5</div></li></ul>"
        );
        check_parts(&block(&lawyer), &[SAID], &[(FRAME, "执业11年"), (FRAME, "有帮助 5")]);
    }

    #[test]
    fn cards_of_authors_beside_posts_are_left_out_and_posts_keep_their_lines() {
        let row = |name: &str, said: &str| {
            format!(
                "<tr><td>{name}<br>等级：新手<br>文章：8<br>积分：60<br>注册：2012-1-1</td><td>{said}<br>到窗口办。</td></tr>"
            )
        };
        let table = format!("<table>{}{}</table>", row("老周", SAID), row("小陈", SAID));
        let lines = format!("{SAID}\n到窗口办。");
        check_parts(&block(&table), &[&lines], &[(FRAME, "老周"), (FRAME, "积分：60")]);
    }

    #[test]
    fn small_parts_of_sections_that_are_no_posts_are_text() {
        let section = |part: &str| block(&format!("<div class=x>{part}<p>{SAID}</p></div>").repeat(2));
        for part in [
            // A year of a history, an office, a step, a price, a question.
            "<div>2023-05-02 11:20</div>",
            "<div>医保中心 电话 12345</div>",
            "<div>第一步</div>",
            "<div>保费 60元</div>",
            "<div>积分怎么算？等级怎么升？</div>",
            "<div>金卡 等级 2 积分 1000</div>",
        ] {
            let words = part.trim_start_matches("<div>").trim_end_matches("</div>");
            check_parts(&section(part), &[words, SAID], &[]);
        }
    }

    #[test]
    fn questions_titles_and_columns_are_no_authors() {
        let check = |part: &str, kept: &[&str]| {
            let both = format!("<div class=x>{part}</div>").repeat(2);
            check_parts(&block(&both), kept, &[]);
        };
        let asked =
            format!("<div class=q><a href='/1'>断缴怎么补缴</a></div><div>{SAID}</div><div>有帮助 没帮助</div>");
        check(&asked, &["断缴怎么补缴", SAID]);
        let law = format!("<div><a href='/1'>工伤保险条例</a>（2010年12月20日修订）</div><p>{SAID}</p>");
        check(&law, &["工伤保险条例", SAID]);
        let row = format!("<tr><td><a href='/l'>社会保险法</a></td><td>{SAID}</td><td>2011-07-01</td></tr>");
        let table = format!(
            "<table><tr><th>法规</th><th>要点</th><th>施行</th></tr>{}</table>",
            row.repeat(2)
        );
        check_parts(&block(&table), &["社会保险法", SAID, "2011-07-01"], &[]);
    }
}
