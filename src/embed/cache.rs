//! Vectors of texts seen before, on disk, for indexing.
//!
//! A cache is keyed by content, as the one of questions is (`question_cache`): the embedder's identity, whether the
//! text is a question, a passage or a part of one, and the text, hashed to 128 bits. So a cache is never stale, only
//! useless, and deleting it costs time and nothing else.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{Embedder, Parted};
use crate::error::{Context as _, Error, Fault, Result};

/// Magic, version, dimension: 12 bytes in front of the records.
const MAGIC: &[u8; 4] = b"BWVC";
const VERSION: u32 = 1;
const HEADER: usize = 12;

/// What a text was embedded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Query = 0,
    Passage = 1,
    /// Within a passage; where it lies is in front of the passage's text.
    Part = 2,
}

/// Both caches' key.
pub(super) fn key(identity: &str, kind: Kind, text: &str) -> u128 {
    let mut hash = Xxh3::new();
    // The length in front keeps identity and text from running into each other.
    hash.update(&(identity.len() as u64).to_le_bytes());
    hash.update(identity.as_bytes());
    hash.update(&[kind as u8]);
    hash.update(text.as_bytes());
    hash.digest128()
}

/// The keys of a passage and of its parts, as this embedder makes their vectors: a part that it reads as a text like
/// any other is kept like any other.
pub(super) fn parted_keys(embedder: &dyn Embedder, passage: Parted<'_>) -> impl Iterator<Item = u128> {
    let identity = embedder.identity();
    let parts = passage.parts.iter().map(move |part| {
        if embedder.reads_parts() {
            let (start, end) = (part.start, part.end);
            key(identity, Kind::Part, &format!("{start} {end} {}", passage.text))
        } else {
            key(identity, Kind::Passage, &passage.text[part.clone()])
        }
    });
    std::iter::once(key(identity, Kind::Passage, passage.text)).chain(parts)
}

/// Takes a lock, poisoned or not.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between statements that can panic, so a poisoned lock is still a good one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Vectors on disk: an append-only file of equal records, each `key (16 bytes), numbers (4 x dimension), XXH3 of both
/// (8 bytes)`, little-endian. A record that was cut off is dropped by whoever writes next, one that was damaged is
/// never returned. Any number of programs share a file: who appends holds a lock for that moment and takes over first
/// what the others have appended. A file that would grow beyond its bound begins anew. Nobody waits long for the lock:
/// without the cache texts are embedded again, and nothing else.
pub struct VectorCache {
    dimension: usize,
    bounds: Bounds,
    open: Mutex<Open>,
}

/// What a cache may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes of its file.
    bytes: u64,
    /// How long is waited for its lock.
    patience: Duration,
}

/// A million vectors of 512 numbers, of which each takes some 40 bytes of memory besides.
const MOST_BYTES: u64 = 2 << 30;
/// Who holds the lock appends for a moment, or has stopped in the middle of it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether the lock is free.
const LOOK: Duration = Duration::from_millis(5);

struct Open {
    file: File,
    /// Key to record number.
    places: HashMap<u128, u64>,
    /// Records looked at so far.
    records: u64,
    /// Whether the last one who wanted the lock did not get it: then the next one does not wait, either.
    is_held: bool,
}

/// The lock of a cache's file, until it is dropped.
struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    fn take(file: &'a File, patience: Duration) -> std::io::Result<Locked<'a>> {
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= patience => {
                    let held = "another program has held its lock for long";
                    return Err(std::io::Error::new(std::io::ErrorKind::WouldBlock, held));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            }
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl VectorCache {
    /// Opens the cache, or makes an empty one. A file of another version is emptied: it is a cache. One of another
    /// dimension is another model's and stays; one beside it is opened, with the dimension in its name.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be read or made, or another program holds it for a second.
    pub fn open(path: &Path, dimension: usize) -> Result<Self> {
        let bounds = Bounds {
            bytes: MOST_BYTES,
            patience: PATIENCE,
        };
        Self::open_within(path, dimension, bounds)
    }

    fn open_within(path: &Path, dimension: usize, bounds: Bounds) -> Result<Self> {
        let doing = || format!("opening the vector cache {}", path.display());
        let mut file = open_file(path).or_fault(Fault::Unavailable, doing())?;
        let other = || -> std::io::Result<bool> {
            let _locked = Locked::take(&file, bounds.patience)?;
            let found = read_header(&file)?;
            Ok(found.is_some_and(|found| found[..8] == header(dimension)[..8] && found != header(dimension)))
        };
        if other().or_fault(Fault::Unavailable, doing())? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let beside = path.with_file_name(format!("{stem}-{dimension}.bin"));
            file = open_file(&beside).or_fault(Fault::Unavailable, doing())?;
        }
        let mut open = Open {
            file,
            places: HashMap::new(),
            records: 0,
            is_held: false,
        };
        open.take_over(dimension, bounds.patience)
            .or_fault(Fault::Unavailable, doing())?;
        Ok(VectorCache {
            dimension,
            bounds,
            open: Mutex::new(open),
        })
    }

    /// Vectors held.
    pub fn len(&self) -> usize {
        lock(&self.open).places.len()
    }

    /// Numbers of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts vectors in that were made elsewhere, as if this embedder had made them: of each passage its own and those
    /// of its parts. What is there already keeps its vector.
    ///
    /// # Errors
    /// `Caller` for a vector of another dimension, or more or fewer than the passage has; `Unavailable` if the file
    /// cannot be written.
    pub fn insert_passages(&self, embedder: &dyn Embedder, entries: &[(Parted<'_>, Vec<&[f32]>)]) -> Result<()> {
        let mut keyed = Vec::new();
        for (passage, vectors) in entries {
            if vectors.len() != passage.vectors() {
                let (given, wanted) = (vectors.len(), passage.vectors());
                return Err(Error::caller(format!(
                    "{given} vectors for a passage that has {wanted}"
                )));
            }
            if let Some(vector) = vectors.iter().find(|vector| vector.len() != self.dimension) {
                let (given, own) = (vector.len(), self.dimension);
                return Err(Error::caller(format!(
                    "a vector of {given} numbers for a cache of {own}"
                )));
            }
            keyed.extend(parted_keys(embedder, *passage).zip(vectors.iter().copied()));
        }
        self.put(&keyed)
    }

    /// The vector under a key; `None` also if its record cannot be read back whole.
    pub(super) fn get(&self, key: u128) -> Option<Vec<f32>> {
        let mut open = lock(&self.open);
        let place = *open.places.get(&key)?;
        let mut record = vec![0; record_size(self.dimension)];
        let at = HEADER as u64 + place * record.len() as u64;
        open.file.seek(SeekFrom::Start(at)).ok()?;
        open.file.read_exact(&mut record).ok()?;
        let (stored, numbers) = check_record(&record)?;
        (stored == key).then_some(numbers)
    }

    /// Appends vectors in one write. Keys that are there already and vectors of another dimension are passed over.
    pub(super) fn put(&self, entries: &[(u128, &[f32])]) -> Result<()> {
        let doing = "writing to the vector cache";
        let mut open = lock(&self.open);
        let file = open.file.try_clone().or_fault(Fault::Unavailable, doing)?;
        let patience = if open.is_held {
            Duration::ZERO
        } else {
            self.bounds.patience
        };
        let locked = Locked::take(&file, patience);
        open.is_held = locked.is_err();
        let _locked = locked.or_fault(Fault::Unavailable, doing)?;
        open.read_on(self.dimension).or_fault(Fault::Unavailable, doing)?;
        let mut bytes = Vec::new();
        let mut added = Vec::new();
        for (key, vector) in entries {
            if vector.len() != self.dimension || open.places.contains_key(key) {
                continue;
            }
            let start = bytes.len();
            bytes.extend_from_slice(&key.to_le_bytes());
            vector.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
            let sum = xxh3_64(&bytes[start..]);
            bytes.extend_from_slice(&sum.to_le_bytes());
            added.push(*key);
        }
        let mut end = HEADER as u64 + open.records * record_size(self.dimension) as u64;
        if open.records > 0 && end.saturating_add(bytes.len() as u64) > self.bounds.bytes {
            open.begin_anew(self.dimension).or_fault(Fault::Unavailable, doing)?;
            end = HEADER as u64;
        }
        let written = open
            .file
            .seek(SeekFrom::Start(end))
            .and_then(|_| open.file.write_all(&bytes));
        if let Err(cause) = written {
            // Half a record would push all later ones off their places.
            let _ = open.file.set_len(end);
            return Err(cause).or_fault(Fault::Unavailable, doing);
        }
        for key in added {
            let place = open.records;
            open.places.insert(key, place);
            open.records += 1;
        }
        Ok(())
    }
}

impl Open {
    /// [`Self::read_on`] under the lock.
    fn take_over(&mut self, dimension: usize, patience: Duration) -> std::io::Result<()> {
        let file = self.file.try_clone()?;
        let _locked = Locked::take(&file, patience)?;
        self.read_on(dimension)
    }

    /// Empties the file.
    fn begin_anew(&mut self, dimension: usize) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(dimension))?;
        (self.places, self.records) = (HashMap::new(), 0);
        Ok(())
    }

    /// Reads the records that others have appended, empties a file that is not ours to read, and cuts off half a record
    /// at the end: whoever was writing it holds no lock any more.
    fn read_on(&mut self, dimension: usize) -> std::io::Result<()> {
        if read_header(&self.file)? != Some(header(dimension)) {
            return self.begin_anew(dimension);
        }
        let size = record_size(dimension);
        let length = self.file.metadata()?.len();
        let records = length.saturating_sub(HEADER as u64) / size as u64;
        let whole = HEADER as u64 + records * size as u64;
        if length > whole {
            self.file.set_len(whole)?;
        }
        if records < self.records {
            // Somebody emptied it and began again.
            (self.places, self.records) = (HashMap::new(), 0);
        }
        self.file
            .seek(SeekFrom::Start(HEADER as u64 + self.records * size as u64))?;
        self.places.reserve((records - self.records) as usize);
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut record = vec![0; size];
        for place in self.records..records {
            reader.read_exact(&mut record)?;
            if let Some((key, _)) = check_record(&record) {
                self.places.insert(key, place);
            }
        }
        self.records = records;
        Ok(())
    }
}

fn open_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn header(dimension: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(MAGIC);
    header[4..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..].copy_from_slice(&(dimension as u32).to_le_bytes());
    header
}

/// The first bytes of a file; `None` if it has not so many.
fn read_header(mut file: &File) -> std::io::Result<Option<[u8; HEADER]>> {
    let mut found = [0; HEADER];
    file.seek(SeekFrom::Start(0))?;
    match file.read_exact(&mut found) {
        Ok(()) => Ok(Some(found)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn record_size(dimension: usize) -> usize {
    16 + 4 * dimension + 8
}

/// Key and numbers of a record whose checksum is right.
fn check_record(record: &[u8]) -> Option<(u128, Vec<f32>)> {
    let (body, sum) = record.split_last_chunk::<8>()?;
    if xxh3_64(body) != u64::from_le_bytes(*sum) {
        return None;
    }
    let (key, numbers) = body.split_first_chunk::<16>()?;
    let numbers = numbers
        .as_chunks::<4>()
        .0
        .iter()
        .map(|x| f32::from_le_bytes(*x))
        .collect();
    Some((u128::from_le_bytes(*key), numbers))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::{CachedEmbedder, HashEmbedder};
    use super::*;
    use crate::compute::Budget;
    use proptest::prelude::*;

    fn whole<'a>(text: &'a str, vector: &'a [f32]) -> (Parted<'a>, Vec<&'a [f32]>) {
        (Parted::whole(text), vec![vector])
    }

    fn cached(path: &Path) -> CachedEmbedder {
        CachedEmbedder::new(Arc::new(HashEmbedder::new(8)), VectorCache::open(path, 8).unwrap()).unwrap()
    }

    #[test]
    fn vectors_put_in_from_elsewhere_are_found_under_their_text_and_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let cache = VectorCache::open(&path, 8).unwrap();
        let embedder = HashEmbedder::new(8);
        let given = [0.5f32; 8];
        cache.insert_passages(&embedder, &[whole("一", &given)]).unwrap();
        cache
            .insert_passages(&HashEmbedder::new(9), &[whole("二", &given)])
            .unwrap();
        let wrong = cache.insert_passages(&embedder, &[whole("三", &given[..7])]);
        assert_eq!(wrong.unwrap_err().fault(), Fault::Caller);
        let few = (Parted::whole("三"), Vec::new());
        assert_eq!(
            cache.insert_passages(&embedder, &[few]).unwrap_err().fault(),
            Fault::Caller
        );
        drop(cache);
        let cached = cached(&path);
        let vectors = cached.embed_passages(&["一", "二"], Budget::single()).unwrap();
        assert_eq!(vectors[0], given);
        assert_eq!(
            (cached.hits(), cached.misses()),
            (1, 1),
            "another model's vector is not ours"
        );
    }

    /// Reads parts in their passage: a part's vector is that of the passage's end from the part on.
    struct InPassage {
        inner: HashEmbedder,
        asked: AtomicU64,
    }

    impl Embedder for InPassage {
        fn identity(&self) -> &str {
            self.inner.identity()
        }

        fn dimension(&self) -> usize {
            self.inner.dimension()
        }

        fn max_tokens(&self) -> usize {
            self.inner.max_tokens()
        }

        fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
            self.inner.embed_queries(texts, budget)
        }

        fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
            self.inner.embed_passages(texts, budget)
        }

        fn reads_parts(&self) -> bool {
            true
        }

        fn embed_parted(&self, texts: &[Parted<'_>], budget: Budget) -> Result<Vec<Vec<f32>>> {
            self.asked.fetch_add(texts.len() as u64, Ordering::Relaxed);
            let ends = texts.iter().flat_map(|passage| {
                let parts = passage.parts.iter().map(|part| &passage.text[part.start..]);
                std::iter::once(passage.text).chain(parts)
            });
            self.inner.embed_passages(&ends.collect::<Vec<_>>(), budget)
        }
    }

    #[test]
    fn parts_are_kept_with_the_passage_that_they_were_read_in() {
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(InPassage {
            inner: HashEmbedder::new(8),
            asked: AtomicU64::new(0),
        });
        let cache = VectorCache::open(&folder.path().join("vectors"), 8).unwrap();
        let cached = CachedEmbedder::new(inner.clone(), cache).unwrap();
        assert!(cached.reads_parts());
        let parts = [0..6, 6..12, 0..3];
        let (first, second) = ("医保门诊", "医保住院");
        let of = |text, parts| Parted { text, parts };
        let check = |texts: &[Parted<'_>], asked: u64| {
            let before = inner.asked.load(Ordering::Relaxed);
            let found = cached.embed_parted(texts, Budget::single()).unwrap();
            assert_eq!(inner.asked.load(Ordering::Relaxed) - before, asked, "{texts:?}");
            assert_eq!(found, inner.embed_parted(texts, Budget::single()).unwrap());
        };
        check(
            &[of(first, &parts[..2]), of(second, &parts[..2]), of(first, &parts[..2])],
            2,
        );
        check(&[of(second, &parts[..2]), of(first, &parts[..1]), of(first, &[])], 0);
        // Another part of a passage that is there, and a passage whose parts say what others say.
        check(&[of(first, &parts[2..]), of("医保", &parts[..1])], 2);
        assert_eq!((cached.hits(), cached.misses()), (3 + 6, 6 + 4));
    }

    #[test]
    fn a_second_run_embeds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let texts = ["一", "二", "一", "三"];
        let expected = HashEmbedder::new(8).embed_passages(&texts, Budget::single()).unwrap();
        let first = cached(&path);
        assert_eq!(first.embed_passages(&texts, Budget::single()).unwrap(), expected);
        assert_eq!((first.hits(), first.misses()), (1, 3));
        assert_eq!(first.embed_queries(&["一"], Budget::single()).unwrap(), expected[..1]);
        assert_eq!((first.hits(), first.misses()), (1, 4), "a question is not a passage");
        drop(first);
        let second = cached(&path);
        assert_eq!(second.embed_passages(&texts, Budget::single()).unwrap(), expected);
        assert_eq!((second.hits(), second.misses()), (4, 0));
        assert!(second.embed_passages(&[], Budget::single()).unwrap().is_empty());
    }

    /// Another program has stopped in the middle of appending.
    #[test]
    fn a_lock_that_is_held_costs_the_cache_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let bounds = Bounds {
            bytes: MOST_BYTES,
            patience: Duration::ZERO,
        };
        let cache = VectorCache::open_within(&path, 8, bounds).unwrap();
        let told = Arc::new(AtomicU64::new(0));
        let tell = {
            let told = told.clone();
            move |error: &Error| {
                assert!(error.to_string().contains("another program"), "{error}");
                told.fetch_add(1, Ordering::Relaxed);
            }
        };
        let cached = CachedEmbedder::new(Arc::new(HashEmbedder::new(8)), cache).unwrap();
        let cached = cached.telling(tell);
        let embed = |text: &str| cached.embed_passages(&[text], Budget::single()).unwrap();
        let other = open_file(&path).unwrap();
        other.lock().unwrap();
        let made = embed("一");
        assert_eq!(made, embed("一"));
        assert_eq!((cached.misses(), told.load(Ordering::Relaxed)), (2, 1), "told once");
        let refused = VectorCache::open_within(&path, 8, bounds).err().unwrap();
        assert_eq!(refused.fault(), Fault::Unavailable);
        other.unlock().unwrap();
        for _ in 0..2 {
            assert_eq!(made, embed("一"));
            assert_eq!(cached.misses(), 3, "it is kept again");
        }
    }

    #[test]
    fn a_file_at_its_bound_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let bounds = Bounds {
            bytes: (HEADER + 3 * record_size(8)) as u64,
            patience: PATIENCE,
        };
        let open = || VectorCache::open_within(&path, 8, bounds).unwrap();
        let vector = [0.5f32; 8];
        let (cache, other) = (open(), open());
        let model = HashEmbedder::new(8);
        for text in ["一", "二", "三"] {
            cache.insert_passages(&model, &[whole(text, &vector)]).unwrap();
        }
        assert_eq!(cache.len(), 3);
        cache.insert_passages(&model, &[whole("四", &vector)]).unwrap();
        assert_eq!((cache.len(), open().len()), (1, 1));
        let length = std::fs::metadata(&path).unwrap().len();
        assert_eq!(length, (HEADER + record_size(8)) as u64);
        other.insert_passages(&model, &[whole("五", &vector)]).unwrap();
        assert_eq!(other.len(), 2, "who had it open before goes on with it");
        // More at once than the bound: kept all the same, until the next.
        let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(|text| whole(text, &vector)).collect();
        other.insert_passages(&model, &many).unwrap();
        assert_eq!(other.len(), 9);
    }

    #[test]
    fn another_identity_shares_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        assert_ne!(key("a", Kind::Query, "bc"), key("ab", Kind::Query, "c"));
        assert_ne!(key("a", Kind::Query, "b"), key("a", Kind::Passage, "b"));
        cached(&path).embed_passages(&["一"], Budget::single()).unwrap();
        let wider = VectorCache::open(&path, 9).unwrap();
        assert!(wider.is_empty());
        assert!(CachedEmbedder::new(Arc::new(HashEmbedder::new(8)), wider).is_err());
    }

    #[test]
    fn programs_share_a_cache_without_loss() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let text = |writer: usize, n: usize| format!("{}", if n.is_multiple_of(3) { n } else { writer * 1000 + n });
        // Each opens the file for itself, as a program of its own would.
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let cache = cached(path);
                    for n in 0..40 {
                        cache.embed_passages(&[&text(writer, n)], Budget::single()).unwrap();
                    }
                });
            }
        });
        let cache = cached(&path);
        for (writer, n) in (0..4).flat_map(|writer| (0..40).map(move |n| (writer, n))) {
            let texts = [text(writer, n)];
            let made = cache.embed_passages(&[&texts[0]], Budget::single()).unwrap();
            assert_eq!(
                made,
                HashEmbedder::new(8)
                    .embed_passages(&[&texts[0]], Budget::single())
                    .unwrap()
            );
        }
        assert_eq!(cache.misses(), 0, "nothing that anyone embedded is lost");
        assert_eq!(
            VectorCache::open(folder.path(), 8).err().unwrap().fault(),
            Fault::Unavailable
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_cut_or_damaged_file_never_gives_a_wrong_vector(cut in 0usize..300, at in 0usize..300, flip in 1u8..) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("vectors");
            let texts = ["一", "二", "三", "四"];
            let expected = HashEmbedder::new(8).embed_passages(&texts, Budget::single()).unwrap();
            cached(&path).embed_passages(&texts, Budget::single()).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            prop_assert_eq!(bytes.len(), HEADER + 4 * record_size(8));
            bytes.truncate(bytes.len().saturating_sub(cut));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
            std::fs::write(&path, bytes).unwrap();
            for misses in [None, Some(0)] {
                let cache = cached(&path);
                prop_assert_eq!(&cache.embed_passages(&texts, Budget::single()).unwrap(), &expected);
                prop_assert!(misses.is_none_or(|misses| cache.misses() == misses));
            }
        }
    }
}
