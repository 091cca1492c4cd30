//! Vectors of texts seen before, on disk, for indexing.
//!
//! A cache is keyed by content, as the one of questions is (`question_cache`): the embedder's identity, whether the
//! text is a question or a passage, and the text, hashed to 128 bits. So a cache is never stale, only useless, and
//! deleting it costs time and nothing else.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::Embedder;
use crate::compute::Budget;
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

/// Takes a lock, poisoned or not.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between statements that can panic, so a poisoned lock is still a good one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Vectors on disk: an append-only file of equal records, each `key (16 bytes), numbers (4 x dimension), XXH3 of both
/// (8 bytes)`, little-endian. A record that was cut off is dropped by whoever writes next, one that was damaged is
/// never returned. Any number of programs share a file: who appends holds a lock for that moment and takes over first
/// what the others have appended.
pub struct VectorCache {
    dimension: usize,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    /// Key to record number.
    places: HashMap<u128, u64>,
    /// Records looked at so far.
    records: u64,
}

/// The lock of a cache's file, until it is dropped.
struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    fn take(file: &'a File) -> std::io::Result<Locked<'a>> {
        file.lock()?;
        Ok(Locked(file))
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
    /// `Unavailable` if the file cannot be read or made.
    pub fn open(path: &Path, dimension: usize) -> Result<Self> {
        let doing = || format!("opening the vector cache {}", path.display());
        let mut file = open_file(path).or_fault(Fault::Unavailable, doing())?;
        let other = || -> std::io::Result<bool> {
            let _locked = Locked::take(&file)?;
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
        };
        open.take_over(dimension).or_fault(Fault::Unavailable, doing())?;
        Ok(VectorCache {
            dimension,
            open: Mutex::new(open),
        })
    }

    /// Vectors held.
    pub fn len(&self) -> usize {
        lock(&self.open).places.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts vectors of passages in that were made elsewhere, as if the embedder of this identity had made them. Texts
    /// that are there already keep their vector.
    ///
    /// # Errors
    /// `Caller` for a vector of another dimension, `Unavailable` if the file cannot be written.
    pub fn insert_passages(&self, identity: &str, entries: &[(&str, &[f32])]) -> Result<()> {
        if let Some((_, vector)) = entries.iter().find(|(_, vector)| vector.len() != self.dimension) {
            let (given, own) = (vector.len(), self.dimension);
            return Err(Error::caller(format!(
                "a vector of {given} numbers for a cache of {own}"
            )));
        }
        let keyed: Vec<(u128, &[f32])> = entries
            .iter()
            .map(|(text, vector)| (key(identity, Kind::Passage, text), *vector))
            .collect();
        self.put(&keyed)
    }

    /// The vector under a key; `None` also if its record cannot be read back whole.
    fn get(&self, key: u128) -> Option<Vec<f32>> {
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
    fn put(&self, entries: &[(u128, &[f32])]) -> Result<()> {
        let doing = "writing to the vector cache";
        let mut open = lock(&self.open);
        let file = open.file.try_clone().or_fault(Fault::Unavailable, doing)?;
        let _locked = Locked::take(&file).or_fault(Fault::Unavailable, doing)?;
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
        let end = HEADER as u64 + open.records * record_size(self.dimension) as u64;
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
    fn take_over(&mut self, dimension: usize) -> std::io::Result<()> {
        let file = self.file.try_clone()?;
        let _locked = Locked::take(&file)?;
        self.read_on(dimension)
    }

    /// Reads the records that others have appended, empties a file that is not ours to read, and cuts off half a record
    /// at the end: whoever was writing it holds no lock any more.
    fn read_on(&mut self, dimension: usize) -> std::io::Result<()> {
        if read_header(&self.file)? != Some(header(dimension)) {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header(dimension))?;
            (self.places, self.records) = (HashMap::new(), 0);
            return Ok(());
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

/// An embedder that asks a [`VectorCache`] first.
pub struct CachedEmbedder {
    inner: Arc<dyn Embedder>,
    cache: VectorCache,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl CachedEmbedder {
    /// Puts the cache in front of `inner`. The cache's dimension must be the embedder's.
    ///
    /// # Errors
    /// `Bug` if it is not.
    pub fn new(inner: Arc<dyn Embedder>, cache: VectorCache) -> Result<Self> {
        if inner.dimension() != cache.dimension {
            return Err(Error::bug(format!(
                "a cache of {} dimensions before an embedder of {}",
                cache.dimension,
                inner.dimension()
            )));
        }
        Ok(CachedEmbedder {
            inner,
            cache,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Texts answered from the cache (or by an equal text of the same call) since it was opened.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Texts that had to be embedded since it was opened.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn embed(&self, kind: Kind, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let keys: Vec<u128> = texts
            .iter()
            .map(|text| key(self.inner.identity(), kind, text))
            .collect();
        let mut vectors: Vec<Option<Vec<f32>>> = keys.iter().map(|key| self.cache.get(*key)).collect();
        // Equal texts are embedded once: the first of them asks for all.
        let mut asked: HashMap<u128, usize> = HashMap::new();
        let mut missing = Vec::new();
        for (i, vector) in vectors.iter().enumerate() {
            if vector.is_none() {
                asked.entry(keys[i]).or_insert_with(|| {
                    missing.push(i);
                    missing.len() - 1
                });
            }
        }
        if !missing.is_empty() {
            let wanted: Vec<&str> = missing.iter().map(|&i| texts[i]).collect();
            let made = match kind {
                Kind::Query => self.inner.embed_queries(&wanted, budget)?,
                Kind::Passage => self.inner.embed_passages(&wanted, budget)?,
            };
            if made.len() != wanted.len() {
                return Err(Error::bug(format!("{} vectors for {} texts", made.len(), wanted.len())));
            }
            let entries: Vec<(u128, &[f32])> = missing
                .iter()
                .zip(&made)
                .map(|(&i, vector)| (keys[i], vector.as_slice()))
                .collect();
            // A full disk must not lose vectors that are already made; the next run embeds them again.
            let _ = self.cache.put(&entries);
            for (key, vector) in keys.iter().zip(&mut vectors) {
                if vector.is_none() {
                    *vector = asked.get(key).and_then(|&place| made.get(place)).cloned();
                }
            }
        }
        // Not before: what was refused may come again in parts.
        self.misses.fetch_add(missing.len() as u64, Ordering::Relaxed);
        self.hits
            .fetch_add((texts.len() - missing.len()) as u64, Ordering::Relaxed);
        // Every missing key is in `asked`, and `made` has a vector for each.
        vectors
            .into_iter()
            .map(|v| v.ok_or_else(|| Error::bug("a text was left without a vector")))
            .collect()
    }
}

impl Embedder for CachedEmbedder {
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
        self.embed(Kind::Query, texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(Kind::Passage, texts, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::super::HashEmbedder;
    use super::*;
    use proptest::prelude::*;

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
        cache.insert_passages(embedder.identity(), &[("一", &given)]).unwrap();
        cache.insert_passages("another model", &[("二", &given)]).unwrap();
        let wrong = cache.insert_passages(embedder.identity(), &[("三", &given[..7])]);
        assert_eq!(wrong.unwrap_err().fault(), Fault::Caller);
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
