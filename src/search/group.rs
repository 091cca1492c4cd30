//! The order of the answer: by score, ties by id, one place an article unless every passage is wanted.

use std::collections::HashSet;
use std::sync::Arc;

use super::request::Grouping;

/// A candidate with its fused score and what names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The article it is from.
    pub article: Arc<str>,
    /// Its place in the article.
    pub ordinal: u32,
    /// What fusion made of it.
    pub score: f32,
}

/// Positions in `ranked`, best first. Equal scores stand by article id and ordinal, so that the same candidates make the
/// same answer in whatever order they came. Of a group only its first stays.
pub fn order(ranked: &[Ranked], grouping: Grouping) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ranked.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&ranked[a], &ranked[b]);
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.article.cmp(&b.article))
            .then(a.ordinal.cmp(&b.ordinal))
    });
    if grouping == Grouping::Article {
        let mut seen = HashSet::new();
        order.retain(|&at| seen.insert(ranked[at].article.clone()));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_stand_by_id_and_an_article_stands_once() {
        let ranked = |article: &str, ordinal, score| Ranked {
            article: article.into(),
            ordinal,
            score,
        };
        let list = [
            ranked("b", 0, 1.0),
            ranked("a", 1, 1.0),
            ranked("a", 0, 1.0),
            ranked("c", 3, 2.0),
            ranked("c", 1, 0.5),
        ];
        assert_eq!(order(&list, Grouping::Passage), [3, 2, 1, 0, 4]);
        assert_eq!(order(&list, Grouping::Article), [3, 2, 0]);
    }
}
