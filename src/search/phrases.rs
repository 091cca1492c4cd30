//! Many phrases looked up in a text at once.
//!
//! Owns the table: a text is read once, character by character, and at nearly every one of them a look at two bits says
//! that no phrase begins there. Searching for one phrase after the other costs as many readings, and each builds a
//! searcher.

/// Phrases by their first characters.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// All phrases, one behind the other.
    text: String,
    phrases: Vec<Phrase>,
    /// Open addressing by the first character; a power of two of slots, at least half of them empty.
    slots: Vec<Slot>,
    /// Which first characters phrases of one character have, and with which two the longer ones begin; a bit may stand
    /// for several.
    singles: Bits<16>,
    pairs: Bits<128>,
}

/// A set of hashes: what is not in it is not in the table.
#[derive(Debug)]
struct Bits<const WORDS: usize>([u64; WORDS]);

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
            let mut characters = phrase.chars();
            let Some(initial) = characters.next() else { continue };
            match characters.next() {
                Some(second) => this.pairs.insert(pair(initial, second)),
                None => this.singles.insert(initial as u32),
            }
            match slots.last_mut() {
                Some(slot) if slot.initial == initial && slot.to == number => slot.to += 1,
                _ => slots.push(Slot {
                    initial,
                    from: number,
                    to: number + 1,
                }),
            }
        }
        this.slots = vec![Slot::default(); (2 * slots.len()).next_power_of_two()];
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

    /// Calls `found(at, number)` for every place in a text where a phrase stands: by place, then by number.
    #[inline]
    pub fn each(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let mut characters = text.char_indices();
        let mut here = characters.next();
        while let Some((at, character)) = here {
            let next = characters.next();
            // Where nothing follows, a pair that happens to have the same bit is one look too many.
            let second = next.map_or('\0', |(_, character)| character);
            if self.singles.has(character as u32) || self.pairs.has(pair(character, second)) {
                self.at(text, at, character).for_each(|number| found(at, number));
            }
            here = next;
        }
    }

    /// The numbers of the phrases that stand at byte `at` of a text, where `character` is, ascending.
    fn at<'a>(&'a self, text: &'a str, at: usize, character: char) -> impl Iterator<Item = usize> + 'a {
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
        // Ends at an empty slot: at least half of them are.
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

impl<const WORDS: usize> Default for Bits<WORDS> {
    fn default() -> Self {
        Bits([0; WORDS])
    }
}

impl<const WORDS: usize> Bits<WORDS> {
    fn insert(&mut self, hash: u32) {
        self.0[hash as usize / 64 % WORDS] |= 1 << (hash % 64);
    }

    #[inline]
    fn has(&self, hash: u32) -> bool {
        self.0[hash as usize / 64 % WORDS] >> (hash % 64) & 1 == 1
    }
}

/// A hash of two characters.
#[inline]
fn pair(first: char, second: char) -> u32 {
    (first as u32)
        .wrapping_mul(31)
        .wrapping_add(second as u32)
        .wrapping_mul(0x9e37_79b1)
        >> 16
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
        let mut found = Vec::new();
        table.each(text, |at, number| found.push((at, number)));
        found
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
