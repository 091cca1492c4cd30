//! A ranking that is made deeper where more hits are wanted, so that every page of an answer is cut from one list.
//!
//! Candidates are the first of both retrievers' lists. Longer lists bring candidates that may stand before those of the
//! shorter ones, and a list by reciprocal ranks changes as a whole. So the first places of the shorter lists' ranking
//! are pinned: the longer lists' ranking begins with them, as they were scored, and goes on with what is left. However
//! many hits are asked for, the list begins the same.

use std::collections::HashSet;

use super::group::Ranked;
use super::request::Grouping;
use super::score::Scored;
use crate::index::{ArticleRef, PassageRef};

/// The first places of a ranking, with all that they were placed by.
#[derive(Debug, Default)]
pub struct Pinned(Vec<Place>);

#[derive(Debug)]
struct Place {
    passage: PassageRef,
    ranked: Ranked,
    lexical_rank: Option<u32>,
    dense_rank: Option<u32>,
}

impl Pinned {
    /// Those of these candidates, in this order.
    pub fn new(scored: &Scored, order: &[usize]) -> Self {
        let place = |&at: &usize| Place {
            passage: scored.passages[at],
            ranked: scored.ranked[at],
            lexical_rank: scored.lexical_ranks[at],
            dense_rank: scored.dense_ranks[at],
        };
        Pinned(order.iter().map(place).collect())
    }

    /// The passages; they must be candidates of every deeper ranking.
    pub fn passages(&self) -> Vec<PassageRef> {
        self.0.iter().map(|place| place.passage).collect()
    }

    /// The order of a deeper ranking with the pinned places first; their scores and ranks become what they were.
    pub fn first(&self, scored: &mut Scored, order: Vec<usize>, grouping: Grouping) -> Vec<usize> {
        if self.0.is_empty() {
            return order;
        }
        let (mut first, mut articles) = (Vec::with_capacity(order.len()), HashSet::<ArticleRef>::new());
        for place in &self.0 {
            let Ok(at) = scored.passages.binary_search(&place.passage) else {
                continue;
            };
            scored.ranked[at] = place.ranked;
            scored.lexical_ranks[at] = place.lexical_rank;
            scored.dense_ranks[at] = place.dense_rank;
            articles.insert(place.ranked.article);
            first.push(at);
        }
        let places: HashSet<usize> = first.iter().copied().collect();
        first.extend(order.into_iter().filter(|at| match grouping {
            Grouping::Article => !articles.contains(&scored.ranked[*at].article),
            Grouping::Passage => !places.contains(at),
        }));
        first
    }
}
