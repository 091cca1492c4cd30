//! Many phrases looked up in a text at once.
//!
//! Owns the table: a text is read once, character by character, and at nearly every one of them a single look says that
//! no phrase begins there. Searching for one phrase after the other costs as many readings, and each builds a searcher.

/// Phrases by their first characters.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// All phrases, one behind the other.
    text: String,
    phrases: Vec<Phrase>,
    /// Open addressing by the first character; a power of two of slots, at least half of them empty.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Phrase {
    start: usize,
    length: usize,
    /// Its first eight bytes as a number, and which of them it has: one comparison instead of a call.
    head: u64,
    mask: u64,
}

/// The phrases that begin with one character; none where `from` is not below `to`.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    initial: char,
    from: u32,
    to: u32,
}

const HEAD: usize = 8;

impl Phrases {
    /// The phrases with one first character must stand together; empty ones are in no text.
    pub fn new<'a>(phrases: impl Iterator<Item = &'a str>) -> Self {
        let mut this = Phrases::default();
        let mut slots: Vec<Slot> = Vec::new();
        for (number, phrase) in (0..).zip(phrases) {
            let start = this.text.len();
            this.text.push_str(phrase);
            let length = phrase.len();
            let mask = match length {
                0..HEAD => (1 << (8 * length)) - 1,
                _ => u64::MAX,
            };
            this.phrases.push(Phrase {
                start,
                length,
                head: head(phrase.as_bytes()),
                mask,
            });
            let Some(initial) = phrase.chars().next() else { continue };
            match slots.last_mut() {
                Some(slot) if slot.initial == initial && slot.to == number => slot.to += 1,
                _ => slots.push(Slot {
                    initial,
                    from: number,
                    to: number + 1,
                }),
            }
        }
        this.slots = vec![Slot::default(); (4 * slots.len()).next_power_of_two()];
        for slot in slots {
            let mut place = this.place(slot.initial);
            while this.slots[place].from < this.slots[place].to {
                place = (place + 1) % this.slots.len();
            }
            this.slots[place] = slot;
        }
        this
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.phrases.len()
    }

    /// The phrase of this number.
    pub fn get(&self, number: usize) -> &str {
        let phrase = &self.phrases[number];
        &self.text[phrase.start..phrase.start + phrase.length]
    }

    /// The numbers of the phrases that stand at byte `at` of a text, where `character` is, ascending.
    #[inline]
    pub fn at<'a>(&'a self, text: &'a str, at: usize, character: char) -> impl Iterator<Item = usize> + 'a {
        let range = self.beginning_with(character);
        let rest = &text.as_bytes()[at..];
        let window = if range.is_empty() { 0 } else { head(rest) };
        range.filter(move |&number| {
            let phrase = &self.phrases[number];
            window & phrase.mask == phrase.head
                && phrase.length <= rest.len()
                && (phrase.length <= HEAD || rest[HEAD..].starts_with(&self.get(number).as_bytes()[HEAD..]))
        })
    }

    #[inline]
    fn beginning_with(&self, character: char) -> std::ops::Range<usize> {
        let mut place = self.place(character);
        // Ends at an empty slot: more than half of them are.
        while let Some(slot) = self.slots.get(place) {
            if slot.initial == character || slot.from == slot.to {
                return slot.from as usize..slot.to as usize;
            }
            place = (place + 1) % self.slots.len();
        }
        0..0
    }

    #[inline]
    fn place(&self, character: char) -> usize {
        // Fibonacci hashing: the characters of one script lie close together.
        let spread = (character as u32).wrapping_mul(0x9e37_79b1) >> 16;
        spread as usize & (self.slots.len().wrapping_sub(1))
    }
}

/// The first eight bytes as a number, zeros where there are fewer.
#[inline]
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<HEAD>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(phrases: &[&str], text: &str) -> Vec<(usize, usize)> {
        let table = Phrases::new(phrases.iter().copied());
        text.char_indices()
            .flat_map(|(at, character)| table.at(text, at, character).map(move |number| (at, number)))
            .collect()
    }

    #[test]
    fn phrases_are_found_where_they_stand() {
        assert_eq!(found(&["医保", "医疗", "保"], "医保医"), [(0, 0), (3, 2)]);
        assert_eq!(found(&["aaaaaaaab", "aa"], "aaaaaaaaab"), {
            let pairs = [(0, 1), (1, 0), (1, 1)];
            pairs.into_iter().chain((2..8).map(|at| (at, 1))).collect::<Vec<_>>()
        });
        assert_eq!(found(&[""], "医"), []);
        assert_eq!(found(&[], "医"), []);
        assert_eq!(found(&["\0"], "\0医"), [(0, 0)]);
        assert_eq!(found(&["a\0"], "a"), []);
        assert_eq!(Phrases::new(["a", "b"].into_iter()).len(), 2);
    }

    proptest! {
        #[test]
        fn all_are_found_and_nothing_else(
            mut phrases in proptest::collection::vec("[医保ab\0Ａ]{0,12}", 0..12),
            text in "[医保ab\0Ａ]{0,40}",
        ) {
            phrases.sort();
            let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
            let plain: Vec<(usize, usize)> = text
                .char_indices()
                .flat_map(|(at, _)| {
                    let there = |&(_, phrase): &(usize, &&str)| !phrase.is_empty() && text[at..].starts_with(*phrase);
                    phrases.iter().enumerate().filter(there).map(move |(number, _)| (at, number)).collect::<Vec<_>>()
                })
                .collect();
            prop_assert_eq!(found(&phrases, &text), plain);
        }
    }
}
