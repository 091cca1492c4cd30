//! The order of the answer: by score, ties by id, one place an article unless every passage is wanted.

use std::collections::HashSet;

use super::request::Grouping;
use crate::error::Result;
use crate::index::{ArticleRef, PassageKey};

/// A candidate with its fused score and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The article it is from.
    pub article: ArticleRef,
    /// Its place in the article.
    pub ordinal: u32,
    /// What fusion made of it.
    pub score: f32,
}

/// Positions in `ranked`, best first. Equal scores stand by article id and ordinal, so that the same candidates make
/// the same answer in whatever order they came; `keys` reads both for positions in `ranked`, and is asked for those
/// that tie only. Of an article only its first place stays, where articles are wanted.
pub fn order(
    ranked: &[Ranked],
    grouping: Grouping,
    keys: impl Fn(&[usize]) -> Result<Vec<PassageKey>>,
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..ranked.len()).collect();
    order.sort_by(|&a, &b| ranked[b].score.total_cmp(&ranked[a].score));
    settle_ties(&mut order, |a, b| ranked[a].score == ranked[b].score, keys)?;
    if grouping == Grouping::Article {
        let mut seen = HashSet::with_capacity(order.len());
        order.retain(|&at| seen.insert(ranked[at].article));
    }
    Ok(order)
}

/// Orders what ties by article id and ordinal, so that no order depends on how an engine numbers its passages; `keys`
/// is asked for what ties only.
pub fn settle_ties(
    order: &mut [usize],
    tie: impl Fn(usize, usize) -> bool,
    keys: impl Fn(&[usize]) -> Result<Vec<PassageKey>>,
) -> Result<()> {
    for tied in order.chunk_by_mut(|&a, &b| tie(a, b)).filter(|tied| tied.len() > 1) {
        let mut keyed: Vec<_> = keys(tied)?.into_iter().zip(tied.iter().copied()).collect();
        keyed.sort_unstable();
        for (slot, (_, at)) in tied.iter_mut().zip(keyed) {
            *slot = at;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_stand_by_id_and_an_article_stands_once() {
        let ranked = |article, ordinal, score| Ranked {
            article: ArticleRef(article),
            ordinal,
            score,
        };
        let list = [
            ranked(7, 0, 1.0),
            ranked(9, 1, 1.0),
            ranked(9, 0, 1.0),
            ranked(1, 3, 2.0),
            ranked(1, 1, 0.5),
        ];
        // The names go the other way than the numbers.
        let keys = |asked: &[usize]| {
            assert!(!asked.contains(&3), "only ties are asked for");
            let key = |&at: &usize| {
                let name = if list[at].article.0 == 9 { "a" } else { "b" };
                PassageKey {
                    article: name.into(),
                    ordinal: list[at].ordinal,
                }
            };
            Ok(asked.iter().map(key).collect())
        };
        assert_eq!(order(&list, Grouping::Passage, keys).unwrap(), [3, 2, 1, 0, 4]);
        assert_eq!(order(&list, Grouping::Article, keys).unwrap(), [3, 2, 0]);
    }
}
