//! What is shown of a passage where one of its sentences answers: that sentence, and what it cannot be understood
//! without.
//!
//! Owns where what is shown begins and ends; chooses no sentence.

use std::ops::Range;

use super::shape::Form;
use crate::text::MarkerStyle;

/// An item is shown with the line that leads into its list and what stands between, a short sentence with the next one,
/// and any with the one beside it that answers nearly as well, if all together have at most this many characters.
const LONGEST_PAIR: usize = 120;
/// Where a list is asked for, or its lead answers, it is shown with its lead as far as this many characters go.
const LONGEST_LIST: usize = 180;
/// A statement of fewer characters (不一定。可以补缴。) says too little by itself.
const SHORT: usize = 8;

/// A sentence as what is shown is cut by.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Bytes of the passage.
    pub range: Range<usize>,
    /// Its characters.
    pub characters: usize,
    /// How it reads.
    pub form: Form,
    /// Whether it begins with a list marker.
    pub is_item: bool,
    /// How that is written, and whether in Arabic digits: `1.` under `二、` is another list.
    pub marker: Option<(MarkerStyle, bool)>,
    /// Whether it leads into what follows: it ends with a colon.
    pub leads: bool,
}

/// The bytes to show where the sentence at this place answers; `beside`: a sentence next to it that answers nearly as
/// well; `list`: a list is asked for (papers, steps).
pub(super) fn shown(pieces: &[Piece], at: usize, beside: Option<usize>, list: bool) -> Range<usize> {
    // A lead says nothing without what it leads into.
    if (list || pieces[at].leads)
        && let Some(whole) = whole_list(pieces, at)
    {
        return whole;
    }
    let both = |from: usize, to: usize| pieces[from].range.start..pieces[to].range.end;
    let fits = |from: usize, to: usize| {
        let characters: usize = pieces[from..=to].iter().map(|piece| piece.characters).sum();
        characters <= LONGEST_PAIR
    };
    // 下列损失不负责赔偿: says what becomes of the item.
    if pieces[at].is_item
        && let Some(lead) = lead_above(pieces, at)
        && fits(lead, at)
    {
        return both(lead, at);
    }
    let is_statement = |at: usize| pieces.get(at).is_some_and(|piece| piece.form == Form::Statement);
    let next = at + 1;
    let short = is_statement(at) && pieces[at].characters < SHORT;
    if short && is_statement(next) && !pieces[next].is_item && fits(at, next) {
        return both(at, next);
    }
    let beside = beside.filter(|&beside| is_statement(beside));
    let pair = beside.map(|beside| (at.min(beside), at.max(beside)));
    match pair {
        Some((from, to)) if fits(from, to) => both(from, to),
        _ => both(at, at),
    }
}

/// Whether an item of the same list as another one stands at this place, which is no lead itself.
fn is_item_beside(pieces: &[Piece], at: usize, other: usize) -> bool {
    let is_beside = |piece: &Piece| piece.is_item && !piece.leads && piece.marker == pieces[other].marker;
    pieces.get(at).is_some_and(is_beside)
}

/// The line that leads into the list which the item at this place is part of.
fn lead_above(pieces: &[Piece], at: usize) -> Option<usize> {
    let above = (0..at)
        .rev()
        .take_while(|&above| is_item_beside(pieces, above, at))
        .last();
    let lead = above.unwrap_or(at).checked_sub(1)?;
    pieces[lead].leads.then_some(lead)
}

/// A list with its lead, from the lead on as far as the room goes, if the sentence is the lead or one of the items
/// shown.
fn whole_list(pieces: &[Piece], at: usize) -> Option<Range<usize>> {
    let lead = match &pieces[at] {
        piece if piece.leads => at,
        piece if piece.is_item => lead_above(pieces, at)?,
        _ => return None,
    };
    let mut room = LONGEST_LIST.checked_sub(pieces[lead].characters)?;
    let mut last = lead;
    while is_item_beside(pieces, last + 1, lead + 1) && pieces[last + 1].characters <= room {
        last += 1;
        room -= pieces[last].characters;
    }
    (last > lead && last >= at).then(|| pieces[lead].range.start..pieces[last].range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A piece of so many characters: `.` a statement, `:` a lead, `-` an item, `=` one that is marked otherwise.
    fn pieces(kinds: &str, characters: &[usize]) -> Vec<Piece> {
        let mut start = 0;
        let piece = |(kind, &characters): (char, &usize)| {
            let range = start..start + characters;
            start = range.end;
            Piece {
                range,
                characters,
                form: if kind == ':' { Form::Heading } else { Form::Statement },
                is_item: matches!(kind, '-' | '='),
                marker: matches!(kind, '-' | '=').then_some((MarkerStyle::Plain, kind == '-')),
                leads: kind == ':',
            }
        };
        kinds.chars().zip(characters).map(piece).collect()
    }

    #[test]
    fn what_is_shown_can_be_understood() {
        let check = |kinds: &str, characters: &[usize], at: usize, list: bool, expected: Range<usize>| {
            let shown = shown(&pieces(kinds, characters), at, None, list);
            assert_eq!(shown, expected, "{kinds} {at} {list}");
        };
        check("..", &[30, 30], 0, false, 0..30);
        // An item with its lead, if there is room.
        check(":--", &[10, 20, 20], 1, false, 0..30);
        check(":--", &[10, 20, 20], 2, false, 0..50);
        check(":--", &[10, 100, 20], 2, false, 110..130);
        check(":-", &[60, 70], 1, false, 60..130);
        // Not with the lead of another list.
        check(":-=-", &[10, 20, 10, 20], 3, false, 40..60);
        check(":-=-", &[10, 20, 10, 20], 0, true, 0..30);
        // A list that is asked for, as far as the room goes.
        check(":--.", &[10, 20, 20, 30], 2, true, 0..50);
        check(":--", &[10, 20, 20], 0, true, 0..50);
        check(":--", &[10, 100, 100], 1, true, 0..110);
        check(":--", &[10, 100, 100], 2, true, 110..210);
        check(".--", &[10, 20, 20], 2, true, 30..50);
        check(":.", &[10, 20], 0, true, 0..10);
        // A lead that answers by itself does not.
        check(":--", &[10, 20, 20], 0, false, 0..50);
        check(":--", &[10, 180, 20], 0, false, 0..10);
        // What is short with what follows.
        check("..", &[4, 30], 0, false, 0..34);
        check("..", &[4, 130], 0, false, 0..4);
        check(".:", &[4, 30], 0, false, 0..4);
        check(".", &[4], 0, true, 0..4);
    }

    #[test]
    fn what_answers_nearly_as_well_is_shown_beside() {
        let check = |kinds: &str, characters: &[usize], at: usize, beside: usize, expected: Range<usize>| {
            let shown = shown(&pieces(kinds, characters), at, Some(beside), false);
            assert_eq!(shown, expected, "{kinds} {at} {beside}");
        };
        check("...", &[30, 30, 30], 1, 2, 30..90);
        check("...", &[30, 30, 30], 1, 0, 0..60);
        check("..", &[60, 70], 0, 1, 0..60);
        check(".:", &[30, 30], 0, 1, 0..30);
        // What a sentence cannot be understood without comes first.
        check(":-.", &[10, 20, 30], 1, 2, 0..30);
        check("...", &[30, 4, 30], 1, 0, 30..64);
    }

    proptest! {
        #[test]
        fn the_sentence_itself_is_always_shown(
            kinds in "[.:=-]{1,12}",
            characters in proptest::collection::vec(1..150usize, 12),
            at in 0..12usize,
            before: bool,
            list: bool,
        ) {
            let pieces = pieces(&kinds, &characters);
            let at = at % pieces.len();
            let beside = if before { at.checked_sub(1) } else { Some(at + 1).filter(|&next| next < pieces.len()) };
            let range = shown(&pieces, at, beside, list);
            prop_assert!(range.start <= pieces[at].range.start && pieces[at].range.end <= range.end);
            let longer = range != pieces[at].range;
            prop_assert!(!longer || range.len() <= LONGEST_LIST);
        }
    }
}
