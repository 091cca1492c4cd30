//! Typing errors by sound and by shape: 医宝 for 医保, 晚电 for 晚点.
//!
//! Precision before all: only what no dictionary knows and the collection never writes is changed, and only into a word
//! that the collection writes often. So a stretch is suspect where characters that are no word together stand side by
//! side as in no passage; a word that stands where it does not belong (卖 for 买) is left alone.

use std::collections::HashMap;
use std::ops::Range;

use super::super::number::is_numeral;
use super::super::segment::{Script, Word};
use super::shapes;
use super::sounds::{LONGEST, Likeness, key, likeness};
use super::usage::{Edit, Usage};
use super::vocabulary::{Entry, Kind, Vocabulary};
use crate::error::Result;

/// A pair of characters that this share of the passages with the right word hold is itself an error of theirs.
const SLIP: f64 = 1.0 / 500.0;
/// Characters of this level or higher stand alone so often (的, 要, 年) that beside them everything is plausible.
const COMMONEST: u8 = 15;
/// Those of this level or higher (但, 就) are never an error.
const NEVER: u8 = 17;
/// What stands behind anything.
const PARTICLES: &str = "啊吗呢吧呀嘛哦啦哈么么啥咋没";
/// The commonest surnames: what follows one may be a name.
const SURNAMES: &str = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文";
/// Characters that names of products are made of; nobody types them for another.
const OF_NAMES: &str = "颐欣鑫禧臻瑞御尊嘉悦佑馨逸琪荟珑玺祺煦";
/// What the name of a product ends with, behind an ordinary word too (安心保).
const ENDS_OF_NAMES: &str = "保宝享康福盈";
/// What makes the name of an insurance of anything: the collection need not have it.
const INSURANCE: char = '险';
/// What speaks for a candidate beside how often the collection has it (natural logarithm): being of our own lexicon,
/// each level, each neighbour that it is seen beside (half as much against it, that it is not).
const OWN: f32 = 2.0;
const LEVEL: f32 = 0.25;
const FITS: f32 = 1.0;
/// A word of general Chinese counts from one of so many passages on.
const RARE: u64 = 2_000;
/// What speaks against it: each character that only looks alike, that sounds nearly so, and each wrong character after
/// the first.
const SHAPE: f32 = 1.0;
const NEAR: f32 = 2.5;
const ANOTHER: f32 = 2.5;
/// What must speak for it, and by how much more than for any other word in the same place.
const LEAST: f32 = 4.0;
const MARGIN: f32 = 1.0;
/// No more places are looked at: no question that is one has more.
const MOST_PLACES: usize = 200;

/// The characters of a text and which of them are words together.
struct Characters {
    /// Where each begins, and the end of the text.
    starts: Vec<usize>,
    characters: Vec<char>,
    /// Of each: the number of its word, none between words.
    word: Vec<Option<usize>>,
}

impl Characters {
    fn new(text: &str, words: &[Word]) -> Self {
        let (starts, characters): (Vec<usize>, Vec<char>) = text.char_indices().unzip();
        let mut word = vec![None; characters.len()];
        let mut at = 0;
        for (number, found) in words.iter().enumerate().filter(|(_, word)| word.script == Script::Cjk) {
            while starts[at] < found.range.start {
                at += 1;
            }
            while at < starts.len() && starts[at] < found.range.end {
                word[at] = Some(number);
                at += 1;
            }
        }
        Characters {
            starts: starts.into_iter().chain([text.len()]).collect(),
            characters,
            word,
        }
    }

    fn bytes(&self, range: Range<usize>) -> Range<usize> {
        self.starts[range.start]..self.starts[range.end]
    }

    /// Whether a character is a word alone.
    fn is_single(&self, at: usize) -> bool {
        let same = |other: Option<&Option<usize>>| other.is_some_and(|other| *other == self.word[at]);
        self.word[at].is_some() && !same(self.word.get(at + 1)) && !(at > 0 && same(self.word.get(at - 1)))
    }

    /// Whether a word ends before this character and another begins with it.
    fn is_seam(&self, at: usize) -> bool {
        at > 0
            && at < self.word.len()
            && self.word[at - 1].is_some()
            && self.word[at].is_some()
            && self.word[at - 1] != self.word[at]
    }
}

/// A word that a stretch may have meant.
struct Candidate<'v> {
    /// In characters.
    range: Range<usize>,
    entry: &'v Entry,
    /// How unlike what was written it is.
    cost: f32,
    /// How many characters differ.
    changed: usize,
}

/// What to change, in order, none overlapping.
///
/// # Errors
/// Those of `usage`.
pub(super) fn edits<'v>(
    text: &str,
    words: &[Word],
    vocabulary: impl FnOnce() -> Result<&'v Vocabulary>,
    usage: &dyn Usage,
) -> Result<Vec<Edit>> {
    let characters = Characters::new(text, words);
    let seams: Vec<usize> = (1..characters.characters.len())
        .filter(|&at| characters.is_seam(at))
        .filter(|&at| characters.is_single(at - 1) || characters.is_single(at))
        .filter(|&at| !characters.characters[at - 1..=at].iter().any(|&c| is_numeral(c)))
        .take(MOST_PLACES)
        .collect();
    let pairs: Vec<&str> = seams
        .iter()
        .map(|&at| &text[characters.bytes(at - 1..at + 1)])
        .collect();
    let holding = usage.holding(&pairs)?;
    let most = usage.passages() as f64 * SLIP;
    // Where words meet as in no passage, or in few that may have the same error.
    let mut strange: HashMap<usize, u64> = HashMap::new();
    strange.extend(
        seams
            .into_iter()
            .zip(holding)
            .filter(|&(_, holding)| holding as f64 <= most),
    );
    // Where most is unseen, the question is about something else than the collection, and that proves nothing.
    if strange.is_empty() {
        return Ok(Vec::new());
    }
    let vocabulary = vocabulary()?;
    let mut candidates = Vec::new();
    for start in 0..characters.characters.len() {
        for end in start + 2..=(start + LONGEST).min(characters.characters.len()) {
            if characters.word[end - 1].is_none() {
                break;
            }
            let is_whole =
                |at: usize| at == 0 || at == characters.word.len() || characters.word[at - 1] != characters.word[at];
            if is_whole(start) && is_whole(end) && (start + 1..end).any(|at| strange.contains_key(&at)) {
                meant(text, &characters, start..end, vocabulary, &strange, &mut candidates);
            }
        }
    }
    choose(&characters, candidates, &strange, vocabulary, usage)
}

/// The words that a stretch of whole words may have meant.
fn meant<'v>(
    text: &str,
    characters: &Characters,
    range: Range<usize>,
    vocabulary: &'v Vocabulary,
    strange: &HashMap<usize, u64>,
    found: &mut Vec<Candidate<'v>>,
) {
    let written = &text[characters.bytes(range.clone())];
    let mut add = |entry: &'v Entry| {
        let mut same = found.iter().rev().take_while(|other| other.range == range);
        let known = same.any(|other| other.entry.text == entry.text);
        if !known && let Some((cost, changed)) = cost(characters, range.clone(), entry, vocabulary, strange) {
            found.push(Candidate {
                range: range.clone(),
                entry,
                cost,
                changed,
            });
        }
    };
    if let Some(key) = key(written) {
        vocabulary.sounding(key).for_each(&mut add);
    }
    for at in range.clone().filter(|&at| characters.is_single(at)) {
        for &other in shapes::alike(characters.characters[at]) {
            let meant: String = range
                .clone()
                .map(|place| {
                    if place == at {
                        other
                    } else {
                        characters.characters[place]
                    }
                })
                .collect();
            vocabulary.written(&meant).into_iter().for_each(&mut add);
        }
    }
}

/// How unlike a stretch a word is and in how many characters; none if it cannot have been meant.
fn cost(
    characters: &Characters,
    range: Range<usize>,
    entry: &Entry,
    vocabulary: &Vocabulary,
    strange: &HashMap<usize, u64>,
) -> Option<(f32, usize)> {
    let (mut cost, mut changed, length) = (0.0, 0, range.len());
    for (at, meant) in range.clone().zip(entry.text.chars()) {
        let written = characters.characters[at];
        let level = level(vocabulary, written);
        let is_common = characters.is_single(at) && (level >= COMMONEST || PARTICLES.contains(written));
        let is_term = entry.is_own() && length > 2;
        // Beside a character that stands alone so often nothing is strange (人 in 人夹), but for the end of a term (期 in
        // 等待其).
        let is_plausible = if written == meant {
            length == 2 && !entry.is_own()
        } else {
            !(is_term && level < NEVER && likeness(written, meant) == Some(Likeness::Same))
        };
        if is_common && is_plausible {
            return None;
        }
        if written == meant {
            continue;
        }
        changed += 1;
        let is_beside_strange =
            (at > range.start && strange.contains_key(&at)) || (at + 1 < range.end && strange.contains_key(&(at + 1)));
        let may_be_name = at == range.start && SURNAMES.contains(written) && !entry.is_own();
        let is_of_name = OF_NAMES.contains(written) && !entry.is_own();
        if !characters.is_single(at) || !is_beside_strange || may_be_name || is_of_name {
            return None;
        }
        cost += match likeness(written, meant) {
            Some(Likeness::Same) => 0.0,
            _ if shapes::alike(written).contains(&meant) => SHAPE,
            Some(Likeness::Near) if entry.is_own() || length > 2 => NEAR,
            _ => return None,
        };
    }
    // Of a word that is wrong throughout only its sound is left, and that is another's too.
    let is_little = changed == 1 || (entry.is_own() && cost == 0.0) || changed < length && cost == 0.0;
    (changed > 0 && is_little).then_some((cost, changed))
}

/// How common a character is as a word.
fn level(vocabulary: &Vocabulary, character: char) -> u8 {
    let entry = vocabulary.written(character.encode_utf8(&mut [0; 4]));
    entry.map_or(0, |entry| entry.level)
}

/// Whether a word goes with its neighbours; `around`: whether passages hold its first character behind the one before
/// it, and its last one before the one behind it. Two characters are a word of something nearly always, so they have to
/// fit where they differ from what was written, and what is no term of insurance to something at all.
fn fits_in(
    characters: &Characters,
    candidate: &Candidate<'_>,
    around: [Option<bool>; 2],
    rare: impl Fn(char) -> bool,
) -> bool {
    let Range { start, end } = candidate.range;
    let behind = characters.characters.get(end).filter(|_| characters.is_single(end));
    // 御享颐生, 安欣保: what nobody writes stands beside what would still be strange, so all of it is a name.
    let is_rare = |at: usize| characters.is_single(at) && rare(characters.characters[at]);
    let stays_strange = (around[0] == Some(false) && start > 0 && is_rare(start - 1))
        || (around[1] == Some(false) && is_rare(end) && behind != Some(&INSURANCE));
    let may_end_name = behind.is_some_and(|&behind| ENDS_OF_NAMES.contains(behind));
    if stays_strange && end - start == 2 || may_end_name && candidate.entry.kind == Kind::Common {
        return false;
    }
    let around = [around[0], around[1].filter(|&seen| seen || behind != Some(&INSURANCE))];
    let mut meant = candidate.entry.text.chars();
    let is_changed = [(start, meant.next()), (end - 1, meant.next_back())]
        .map(|(at, meant)| meant != Some(characters.characters[at]));
    let fits = (0..2).all(|at| !is_changed[at] || around[at] != Some(false));
    let is_seen = around == [None, None] || around.contains(&Some(true));
    end - start > 2
        || match candidate.entry.kind {
            Kind::Common => fits && is_seen,
            Kind::Term => fits,
            Kind::Place => true,
        }
}

/// The candidates that the collection speaks for.
fn choose(
    characters: &Characters,
    candidates: Vec<Candidate<'_>>,
    strange: &HashMap<usize, u64>,
    vocabulary: &Vocabulary,
    usage: &dyn Usage,
) -> Result<Vec<Edit>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let (pairs, places) = pairs_of(characters, &candidates);
    let terms: Vec<&str> = pairs.iter().map(String::as_str).collect();
    let holding = usage.holding(&terms)?;
    let passages = usage.passages();
    let mut scored: Vec<(f32, Candidate<'_>)> = Vec::new();
    for (candidate, (own, around)) in candidates.into_iter().zip(places) {
        let count = holding[own].iter().copied().min().unwrap_or(0);
        let slips = (candidate.range.start + 1..candidate.range.end)
            .filter_map(|at| strange.get(&at))
            .min();
        let is_used = slips.is_some_and(|&slips| slips as f64 > count as f64 * SLIP);
        let least = if candidate.entry.is_own() {
            1
        } else {
            2.max(passages / RARE)
        };
        let around = around.map(|pair| pair.map(|pair| holding[pair] > 0));
        let rare = |c: char| !PARTICLES.contains(c) && level(vocabulary, c) < COMMONEST;
        if is_used || count < least || !fits_in(characters, &candidate, around, rare) {
            continue;
        }
        let fits = |is_seen: Option<bool>| match is_seen {
            Some(true) => FITS,
            Some(false) => -FITS / 2.0,
            None => 0.0,
        };
        let score = (count as f32).ln()
            + if candidate.entry.is_own() { OWN } else { 0.0 }
            + LEVEL * f32::from(candidate.entry.level)
            - candidate.cost
            - ANOTHER * (candidate.changed - 1) as f32
            + around.map(fits).iter().sum::<f32>()
            + (candidate.range.len() - 2) as f32;
        scored.push((score, candidate));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.entry.text.cmp(&b.1.entry.text)));
    Ok(best(characters, &scored))
}

/// Where the pairs of a candidate stand in a list: those of its own characters, and those with its neighbours.
type Pairs = (Range<usize>, [Option<usize>; 2]);

/// The pairs of all candidates, and where those of each stand.
fn pairs_of(characters: &Characters, candidates: &[Candidate<'_>]) -> (Vec<String>, Vec<Pairs>) {
    let mut pairs: Vec<String> = Vec::new();
    let mut places: Vec<Pairs> = Vec::new();
    for candidate in candidates {
        let meant: Vec<char> = candidate.entry.text.chars().collect();
        let own = pairs.len();
        pairs.extend(meant.windows(2).map(|pair| pair.iter().collect::<String>()));
        let own = own..pairs.len();
        let Range { start, end } = candidate.range;
        let before = (start > 0).then(|| [characters.characters[start - 1], meant[0]]);
        let behind = characters
            .characters
            .get(end)
            .map(|&behind| [meant[meant.len() - 1], behind]);
        let mut add = |seam, pair: Option<[char; 2]>| {
            let pair = pair.filter(|_| characters.is_seam(seam))?;
            pairs.push(pair.iter().collect());
            Some(pairs.len() - 1)
        };
        places.push((own, [add(start, before), add(end, behind)]));
    }
    (pairs, places)
}

/// Of candidates for the same place the one that is clearly better than the others, if one is; best come first.
fn best(characters: &Characters, scored: &[(f32, Candidate<'_>)]) -> Vec<Edit> {
    let mut edits: Vec<(Range<usize>, Edit)> = Vec::new();
    for (at, (score, candidate)) in scored.iter().enumerate() {
        let range = &candidate.range;
        if edits
            .iter()
            .any(|(other, _)| other.start < range.end && range.start < other.end)
        {
            continue;
        }
        let rival = scored
            .iter()
            .enumerate()
            .filter(|(other, (_, rival))| *other != at && rival.range == *range)
            .map(|(_, (score, _))| *score)
            .fold(f32::MIN, f32::max);
        if *score < LEAST || *score - rival < MARGIN {
            continue;
        }
        edits.push((
            range.clone(),
            Edit {
                range: characters.bytes(range.clone()),
                text: candidate.entry.text.to_string(),
            },
        ));
    }
    let mut edits: Vec<Edit> = edits.into_iter().map(|(_, edit)| edit).collect();
    edits.sort_by_key(|edit| edit.range.start);
    edits
}
