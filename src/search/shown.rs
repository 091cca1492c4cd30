//! What is shown of an article: which of its passages, and that passage as a hit.
//!
//! The order of articles is settled before; nothing here changes it, nor the score that an article stands by.

use super::highlight::TermFinder;
use super::response::{Hit, Span};
use super::score::Scored;
use crate::error::Result;
use crate::index::{PassageRef, Snapshot, StoredPassage};

/// The first hits, which people read first: only for these other passages are looked at.
pub(super) const READ_CLOSELY: usize = 3;
/// How many other passages of an article are looked at, those with the highest scores.
const OTHERS: usize = 3;
/// What part of the article's score such a passage must have itself.
const NEARLY_AS_GOOD: f32 = 0.5;
/// How much better another passage's best sentence must be.
const BETTER: f32 = 1.25;

/// The passage of an article that answers best: the one it was ranked by (at this place among the candidates), unless
/// the best sentence of another candidate of the article is clearly better. A passage can be ranked high for its words
/// while the answer stands in the next one.
pub(super) fn answering(
    snapshot: &dyn Snapshot,
    scored: &Scored,
    at: usize,
    stored: StoredPassage,
    finder: &TermFinder,
) -> Result<StoredPassage> {
    let first = &scored.ranked[at];
    let mut others: Vec<usize> = (0..scored.ranked.len())
        .filter(|&other| {
            let ranked = &scored.ranked[other];
            other != at && ranked.article == first.article && ranked.score >= NEARLY_AS_GOOD * first.score
        })
        .collect();
    if others.is_empty() {
        return Ok(stored);
    }
    others.sort_by(|&a, &b| {
        let (a, b) = (&scored.ranked[a], &scored.ranked[b]);
        b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal))
    });
    others.truncate(OTHERS);
    let refs: Vec<PassageRef> = others.iter().map(|&other| scored.passages[other]).collect();
    let mut shown = stored;
    let mut to_beat = BETTER * finder.best_score(&shown.text, &shown.title);
    for other in snapshot.fetch(&refs)? {
        let score = finder.best_score(&other.text, &other.title);
        if score > to_beat {
            (shown, to_beat) = (other, score);
        }
    }
    Ok(shown)
}

/// A passage as a hit, not explained yet.
pub(super) fn to_hit(stored: StoredPassage, score: f32, finder: &TermFinder) -> Hit {
    Hit {
        passage_id: crate::model::passage_id(&stored.article_id, stored.ordinal),
        highlights: finder.highlights(&stored.text),
        title_highlights: finder.highlights(&stored.title),
        best_sentence: finder.best_sentence(&stored.text, &stored.title),
        article_id: stored.article_id,
        title: stored.title,
        heading: stored.heading,
        text: stored.text,
        span: Span {
            start: stored.start,
            end: stored.end,
        },
        score,
        source: stored.source,
        url: stored.url,
        published: stored.published,
        kind: stored.kind,
        explanation: None,
        duplicates: Vec::new(),
    }
}
