//! Text to token ids: sentencepiece's unigram model (Kudo 2018, arXiv 1804.10959) as the model file carries it.
//!
//! Owns normalisation, the piece table and the Viterbi search. It never adds the model's prefixes or control tokens:
//! that is the embedder's business. Any text is accepted, and the time is linear in its length.
//!
//! The table is a trie whose edges live in one open-addressing hash table, a node being the slot of the edge that
//! leads to it. A double array answers as fast but took 1.2 s to build for 250,000 pieces; this takes about 40 ms.

use super::file::ModelFile;
use crate::error::Result;

/// Stands for a space inside pieces.
const META: char = '\u{2581}';
/// No piece ends at this node.
const NONE: u32 = u32::MAX;
/// The parent of the first characters.
const ROOT: u32 = u32::MAX - 1;
/// What a character that no piece covers costs below the worst piece.
const UNKNOWN_PENALTY: f32 = 10.0;

/// An edge of the trie and the node it leads to.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Slot of the edge above, [`ROOT`], or [`NONE`] if this slot is free.
    parent: u32,
    label: char,
    /// The piece that ends here, or [`NONE`].
    piece: u32,
    score: f32,
}

const FREE: Slot = Slot {
    parent: NONE,
    label: '\0',
    piece: NONE,
    score: 0.0,
};

/// All pieces by their characters.
struct Trie {
    /// A power of two, at most five eighths full.
    slots: Vec<Slot>,
    used: usize,
}

impl Trie {
    fn new(pieces: &[(&str, f32, u32)]) -> Self {
        // Most pieces share all but their last character with another one: 1.6 nodes a piece in the model's own table.
        let mut capacity = (pieces.len() * 3).next_power_of_two().max(16);
        loop {
            let mut trie = Trie {
                slots: vec![FREE; capacity],
                used: 0,
            };
            if pieces.iter().all(|(text, score, id)| trie.insert(text, *score, *id)) {
                return trie;
            }
            capacity *= 2;
        }
    }

    /// False if the table is too full to go on.
    fn insert(&mut self, text: &str, score: f32, id: u32) -> bool {
        let mut node = ROOT;
        for label in text.chars() {
            let slot = self.find(node, label);
            if self.slots[slot].parent == NONE {
                if (self.used + 1) * 8 > self.slots.len() * 5 {
                    return false;
                }
                self.used += 1;
                self.slots[slot] = Slot {
                    parent: node,
                    label,
                    ..FREE
                };
            }
            node = slot as u32;
        }
        // Of two equal pieces the first counts, as in a table that is never overwritten. An empty one never matches.
        if let Some(slot) = self.slots.get_mut(node as usize)
            && slot.piece == NONE
        {
            (slot.piece, slot.score) = (id, score);
        }
        true
    }

    /// The slot of the edge, or the free one where it would be.
    #[inline]
    fn find(&self, parent: u32, label: char) -> usize {
        let mask = self.slots.len() - 1;
        let key = u64::from(parent) << 21 | u64::from(u32::from(label));
        // Fibonacci hashing after folding; only the high bits of a product are well mixed.
        let mut at = ((key ^ (key >> 23)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & mask;
        loop {
            let slot = &self.slots[at];
            if slot.parent == NONE || (slot.parent == parent && slot.label == label) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn step(&self, parent: u32, label: char) -> Option<(u32, &Slot)> {
        let at = self.find(parent, label);
        let slot = &self.slots[at];
        (slot.parent != NONE).then_some((at as u32, slot))
    }
}

/// The model's tokenizer.
pub struct Tokenizer {
    trie: Trie,
    /// For each code point of the basic plane, 1 + the place of its rule, or 0.
    basic: Vec<u16>,
    /// Sorted by code point.
    rules: Vec<(char, Vec<char>)>,
    unknown: u32,
    unknown_score: f32,
}

/// The best way to have reached a character boundary.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    piece: u32,
    from: u32,
}

impl Tokenizer {
    /// Builds the tables from the file's vocabulary and rules; about 40 ms.
    ///
    /// # Errors
    /// If the normalisation rules are damaged.
    pub fn new(file: &ModelFile) -> Result<Self> {
        let [begin, end, pad, unknown] = file.shape().controls;
        let mut rules = file.normalisation()?;
        if rules.len() >= usize::from(u16::MAX) {
            return Err(file.corrupt(format!("{} normalisation rules are too many", rules.len())));
        }
        rules.sort_by_key(|rule| rule.0);
        let mut basic = vec![0u16; 1 << 16];
        for (i, (from, _)) in rules.iter().enumerate() {
            if let Some(place) = basic.get_mut(u32::from(*from) as usize) {
                *place = i as u16 + 1;
            }
        }
        let pieces: Vec<(&str, f32, u32)> = (0u32..)
            .zip(file.pieces())
            .filter(|(id, (text, _))| ![begin, end, pad, unknown].contains(id) && *text != "<mask>")
            .map(|(id, (text, score))| (text, score, id))
            .collect();
        let lowest = file.pieces().map(|piece| piece.1).fold(f32::INFINITY, f32::min);
        Ok(Tokenizer {
            trie: Trie::new(&pieces),
            basic,
            rules,
            unknown,
            unknown_score: lowest - UNKNOWN_PENALTY,
        })
    }

    /// The ids of a text, without control tokens. Never empty: even the empty text has the id of a lone space.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let characters = self.normalise(text);
        let mut best = vec![
            Best {
                score: f32::NEG_INFINITY,
                piece: self.unknown,
                from: 0
            };
            characters.len() + 1
        ];
        best[0].score = 0.0;
        for start in 0..characters.len() {
            // Never minus infinity: the character before was reached at least as an unknown one.
            let so_far = best[start].score;
            let mut reach = |end: usize, score: f32, piece: u32| {
                if so_far + score > best[end].score {
                    best[end] = Best {
                        score: so_far + score,
                        piece,
                        from: start as u32,
                    };
                }
            };
            let mut node = ROOT;
            for (end, label) in (start + 1..).zip(&characters[start..]) {
                let Some((next, slot)) = self.trie.step(node, *label) else {
                    break;
                };
                if slot.piece != NONE {
                    reach(end, slot.score, slot.piece);
                }
                node = next;
            }
            reach(start + 1, self.unknown_score, self.unknown);
        }
        let mut ids = Vec::with_capacity(characters.len());
        let mut at = characters.len();
        while at > 0 {
            ids.push(best[at].piece);
            at = best[at].from as usize;
        }
        ids.reverse();
        ids
    }

    /// Maps each code point, collapses runs of spaces, puts a space in front unless one is there, and writes each
    /// space as U+2581.
    fn normalise(&self, text: &str) -> Vec<char> {
        let mut out = Vec::with_capacity(text.len() / 2 + 2);
        out.push(META);
        // Whether the last character was a space of the text; the one put in front stands for a leading one.
        let mut after_space = true;
        let mut push = |c: char| {
            if c != ' ' {
                out.push(c);
            } else if !after_space {
                out.push(META);
            }
            after_space = c == ' ';
        };
        for c in text.chars() {
            match self.rule(c) {
                Some(mapped) => mapped.iter().copied().for_each(&mut push),
                None => push(c),
            }
        }
        out
    }

    fn rule(&self, c: char) -> Option<&[char]> {
        let place = match self.basic.get(u32::from(c) as usize) {
            Some(0) => return None,
            Some(place) => usize::from(*place) - 1,
            None => self.rules.binary_search_by_key(&c, |rule| rule.0).ok()?,
        };
        self.rules.get(place).map(|rule| rule.1.as_slice())
    }
}
