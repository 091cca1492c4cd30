//! Pinyin: `yibao duanjiao zenmeban` becomes 医保断缴怎么办.
//!
//! Letters are cut into syllables in every way there is, syllables make words of the vocabulary, and of all ways
//! through them the likeliest is taken by how often the collection and general Chinese have the words, and how often
//! the collection has the characters where words meet. Latin words that the collection writes stay what they are.

use super::super::segment::{Run, Script};
use super::latin::groups;
use super::spelled_words::{Edge, edges};
use super::usage::{Edit, Usage};
use super::vocabulary::Vocabulary;
use crate::error::Result;

/// Syllables that a question must spell unless all it spells are words of our own.
const ENOUGH: usize = 4;
/// Ways that are followed from each place.
const WAYS: usize = 5;
/// Weight of how well neighbours go together.
const TOGETHER: f32 = 0.5;
const NEVER: f32 = -4.0;
/// Syllables that a question must spell beside Chinese characters, if all of them are common words of two characters or
/// more (医保断缴 zenme ban).
const ENOUGH_BESIDE: usize = 3;

/// A way to a place: how likely, the last edge and the way before it.
#[derive(Clone)]
struct Way {
    likely: f32,
    last: char,
    words: Vec<(usize, usize)>,
}

/// What to write in place of pinyin, in order.
///
/// # Errors
/// Those of `usage`.
pub(super) fn edits<'v>(
    text: &str,
    runs: &[Run],
    vocabulary: impl FnOnce() -> Result<&'v Vocabulary>,
    usage: &dyn Usage,
) -> Result<Vec<Edit>> {
    let groups = groups(text, runs, usage)?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let vocabulary = vocabulary()?;
    let is_mixed = runs.iter().any(|run| run.script == Script::Cjk);
    let total: usize = groups.iter().map(|group| group.syllables).sum();
    let mut edits = Vec::new();
    for group in groups {
        let edges = edges(&group, vocabulary, usage)?;
        let Some(words) = likeliest(&edges, group.letters.len(), usage)? else {
            continue;
        };
        let words: Vec<&Edge> = words.into_iter().map(|(at, nth)| &edges[at][nth]).collect();
        let in_words: usize = words
            .iter()
            .filter(|edge| edge.held.is_some())
            .map(|edge| edge.syllables)
            .sum();
        let all: usize = words.iter().map(|edge| edge.syllables).sum();
        let is_held = words.iter().any(|edge| edge.held.is_some_and(|held| held > 0));
        let is_own = words.iter().all(|edge| edge.is_own);
        let is_beside = is_mixed && total >= ENOUGH_BESIDE && words.iter().all(|edge| edge.is_common || edge.is_own);
        if is_held && 2 * in_words >= all && (is_own || total >= ENOUGH || is_beside) {
            edits.push(Edit {
                range: group.range,
                text: words.iter().map(|edge| &*edge.word).collect(),
            });
        }
    }
    Ok(edits)
}

/// The likeliest way through all the letters: of each word its place and its number there.
fn likeliest(edges: &[Vec<Edge>], length: usize, usage: &dyn Usage) -> Result<Option<Vec<(usize, usize)>>> {
    let mut ways: Vec<Vec<Way>> = vec![Vec::new(); length + 1];
    ways[0].push(Way {
        likely: 0.0,
        last: ' ',
        words: Vec::new(),
    });
    for at in 0..length {
        let here = std::mem::take(&mut ways[at]);
        if here.is_empty() {
            continue;
        }
        let firsts: Vec<char> = edges[at].iter().filter_map(|edge| edge.word.chars().next()).collect();
        let mut terms: Vec<String> = here
            .iter()
            .map(|way| way.last)
            .chain(firsts.iter().copied())
            .map(String::from)
            .collect();
        terms.extend(
            here.iter()
                .flat_map(|way| firsts.iter().map(|first| [way.last, *first].iter().collect())),
        );
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        let holding = usage.holding(&terms)?;
        let (alone, together) = holding.split_at(here.len() + firsts.len());
        let (lasts, firsts) = alone.split_at(here.len());
        for (number, way) in here.iter().enumerate() {
            for (nth, edge) in edges[at].iter().enumerate() {
                let expected = (lasts[number] + 1) as f32 * (firsts[nth] + 1) as f32 / usage.passages().max(1) as f32;
                let together = together[number * firsts.len() + nth] as f32;
                let fits = ((together + 0.1) / (expected + 0.1)).ln();
                let fits = match way.words.last() {
                    None => 0.0,
                    // Two characters that mostly stand together are a word that the vocabulary lacks.
                    Some(&(at, nth)) if edges[at][nth].held.is_none() && edge.held.is_none() => fits.clamp(-1.0, 6.0),
                    // What the collection never writes is less likely than what it writes seldom.
                    Some(_) if together < 1.0 => TOGETHER * fits.clamp(NEVER, 3.0),
                    Some(_) => TOGETHER * fits.clamp(-2.0, 3.0),
                };
                let longer = Way {
                    likely: way.likely + edge.likely + fits,
                    last: edge.word.chars().next_back().unwrap_or(' '),
                    words: way.words.iter().copied().chain([(at, nth)]).collect(),
                };
                keep(&mut ways[edge.end], longer);
            }
        }
    }
    let best = ways.pop().and_then(|ways| ways.into_iter().next());
    Ok(best.map(|way| way.words))
}

/// Keeps the likeliest ways to a place, the likeliest first, one for each last character.
fn keep(ways: &mut Vec<Way>, way: Way) {
    if let Some(same) = ways.iter().position(|other| other.last == way.last) {
        if ways[same].likely >= way.likely {
            return;
        }
        ways.remove(same);
    }
    let place = ways.partition_point(|other| other.likely >= way.likely);
    ways.insert(place, way);
    ways.truncate(WAYS);
}
