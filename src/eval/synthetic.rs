//! Owns synthetic collections: any number of passages whose words and vectors are distributed like those of a real one,
//! to measure how speed and memory grow. Says nothing about quality: nobody asked about these passages.
//!
//! A passage follows a real one: as many sentences, each the real one's own or, as often, another of about its length
//! from the same kind of article (with or without a title), in shuffled order. So lengths, words and their frequencies
//! are real, and so is that words and vector speak of the same thing.
//!
//! Its vector is the real one's with noise: `mean + a (v - mean) + sqrt(1 - a²) g`, normalised, where g is Gaussian
//! with the covariance of the real vectors (a sum of 16 of them, centred, with Gaussian weights). Noise that is the
//! same in every direction would push passages apart from each other and from every question: vectors of this model lie
//! close together, in few directions. Measured on the 8,029 vectors of the insurance set (median cosine with the
//! nearest, the 10th nearest and any other passage; effective dimension): real 0.959, 0.942, 0.883, 67; this at a =
//! 0.8, 8,029 passages: 0.956, 0.931, 0.884, 67; even noise at a cosine of 0.9 to the source, 50,000 passages: 0.826,
//! 0.797, 0.714, 243.
//!
//! Passage n depends on the seed and n alone (and on equal texts before it), so a small collection is the beginning of
//! a larger one, whatever the number of threads.

use std::collections::HashSet;
use std::ops::Range;

use fastrand::Rng;
use ndarray::Array2;
use xxhash_rust::xxh3::xxh3_64;

use crate::compute::Budget;
use crate::embed::Parted;
use crate::error::{Error, Result};
use crate::index::{EmbeddedTexts, embedded_texts};
use crate::kernel::normalize;
use crate::model::Article;
use crate::text::sentences;

/// The share `a` of the source in a vector's deviation from the mean; the cosine with the source is 0.976 on average.
const LIKENESS: f32 = 0.8;
/// Real vectors in the noise of one.
const NOISE_PARTS: usize = 16;
/// Sentences longer than this, in characters, are left out: a passage of one must stay one passage.
const MAX_SENTENCE: usize = 350;
/// A sentence is replaced by one of those whose rank by length differs by no more than this share of all.
const LENGTH_WINDOW: usize = 100;
/// How often a passage is made anew, each time a sentence longer, before its source counts as too small.
const MAX_ATTEMPTS: u64 = 12;

/// A synthetic passage, an article of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    /// The article: id, title (empty where the source has none), text.
    pub article: Article,
    /// What the index embeds of it, to the letter; no two passages of a collection have the same.
    pub embedded: EmbeddedTexts,
    /// Its vector, L2-normalised.
    pub vector: Vec<f32>,
    /// Vectors of its windows, made of its own as that is made of the real one's.
    pub windows: Vec<Vec<f32>>,
}

impl Synthetic {
    /// What the index embeds of it, with the vectors. A sentence, which ranks nothing, has its passage's.
    pub fn vectors(&self) -> impl Iterator<Item = (Parted<'_>, Vec<&[f32]>)> {
        let of_windows = self.windows.iter().map(Vec::as_slice);
        let texts = self
            .embedded
            .parted()
            .zip(std::iter::once(self.vector.as_slice()).chain(of_windows));
        texts.map(|(text, vector)| (text, vec![vector; text.vectors()]))
    }
}

struct Template {
    title: String,
    sentences: Range<usize>,
    row: usize,
}

struct Sentence {
    text: String,
    /// What stands between it and a sentence behind it.
    gap: &'static str,
    titled: bool,
    /// Its place in its pool.
    rank: usize,
}

/// Real passages taken apart.
pub struct Source {
    templates: Vec<Template>,
    sentences: Vec<Sentence>,
    /// Sentences of articles without and with a title, by length.
    pools: [Vec<usize>; 2],
    mean: Vec<f32>,
    /// Real vectors less their mean.
    centred: Array2<f32>,
}

impl Source {
    /// Takes real articles apart. `vectors`: one row an article, in their order.
    ///
    /// # Errors
    /// `Caller` if the rows are not as many as the articles or of another length than the model's vectors, or no
    /// article has a sentence that can be used.
    pub fn new(articles: &[Article], vectors: Array2<f32>, dimension: usize, budget: Budget) -> Result<Self> {
        if vectors.nrows() != articles.len() || vectors.ncols() != dimension {
            return Err(Error::caller(format!(
                "{} vectors of {} numbers for {} articles and a model of {}",
                vectors.nrows(),
                vectors.ncols(),
                articles.len(),
                dimension
            ))
            .help("vectors.npy must have one row a line of corpus.jsonl; without that file the model makes them"));
        }
        let taken: Vec<Vec<Sentence>> = budget.map(articles, |article, _| take_apart(article));
        let mut source = Source {
            templates: Vec::new(),
            sentences: Vec::new(),
            pools: [Vec::new(), Vec::new()],
            mean: Vec::new(),
            centred: vectors,
        };
        for (row, found) in taken.into_iter().enumerate() {
            let from = source.sentences.len();
            source.sentences.extend(found);
            if source.sentences.len() > from {
                source.templates.push(Template {
                    title: articles[row].title.clone(),
                    sentences: from..source.sentences.len(),
                    row,
                });
            }
        }
        if source.templates.is_empty() {
            return Err(Error::caller(
                "no article has a sentence that a passage could be made of",
            ));
        }
        source.sort_by_length();
        source.centre();
        Ok(source)
    }

    fn sort_by_length(&mut self) {
        for (at, sentence) in self.sentences.iter().enumerate() {
            self.pools[usize::from(sentence.titled)].push(at);
        }
        for pool in &mut self.pools {
            pool.sort_by_key(|&at| (self.sentences[at].text.len(), at));
            for (rank, &at) in pool.iter().enumerate() {
                self.sentences[at].rank = rank;
            }
        }
    }

    fn centre(&mut self) {
        let mut mean = vec![0f64; self.centred.ncols()];
        for row in self.centred.rows() {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let rows = self.centred.nrows() as f64;
        self.mean = mean.into_iter().map(|sum| (sum / rows) as f32).collect();
        for mut row in self.centred.rows_mut() {
            row.iter_mut().zip(&self.mean).for_each(|(x, mean)| *x -= mean);
        }
    }

    /// Sentences of the source, drawn without order: something to ask where there are no questions.
    pub fn draw_sentences(&self, count: usize, seed: u64) -> Vec<String> {
        let mut rng = Rng::with_seed(seed);
        (0..count)
            .map(|_| self.sentences[rng.usize(..self.sentences.len())].text.clone())
            .collect()
    }

    /// Passage `number`, as its `attempt` comes out; `None` if it cannot stay one passage.
    fn make(&self, seed: u64, number: u64, attempt: u64) -> Option<Synthetic> {
        let mut rng = rng(seed, number, attempt);
        let template = &self.templates[rng.usize(..self.templates.len())];
        let mut chosen: Vec<usize> = template
            .sentences
            .clone()
            .map(|at| if rng.bool() { at } else { self.similar(at, &mut rng) })
            .collect();
        for _ in 0..attempt {
            let like = chosen[rng.usize(..chosen.len())];
            chosen.push(self.similar(like, &mut rng));
        }
        rng.shuffle(&mut chosen);
        let mut article = Article {
            id: format!("synthetic-{number:07}"),
            title: template.title.clone(),
            ..Article::default()
        };
        let embedded = loop {
            article.text = self.join(&chosen);
            if let Some(text) = self.embedded_whole(&article) {
                break text;
            }
            // What is longer than a passage is cut off, as a passage of a long article would be.
            chosen.pop();
            if chosen.is_empty() {
                return None;
            }
        };
        let template = self.centred.row(template.row).to_vec();
        let vector = self.like(&template, &mut rng);
        let of_passage: Vec<f32> = vector.iter().zip(&self.mean).map(|(x, mean)| x - mean).collect();
        let windows = embedded.windows.len();
        Some(Synthetic {
            windows: (0..windows).map(|_| self.like(&of_passage, &mut rng)).collect(),
            article,
            embedded,
            vector,
        })
    }

    /// What is embedded of an article that is one passage; `None` if it is more.
    fn embedded_whole(&self, article: &Article) -> Option<EmbeddedTexts> {
        let mut texts = embedded_texts(article);
        if texts.len() == 1 { texts.pop() } else { None }
    }

    fn similar(&self, at: usize, rng: &mut Rng) -> usize {
        let sentence = &self.sentences[at];
        let pool = &self.pools[usize::from(sentence.titled)];
        let reach = pool.len() / LENGTH_WINDOW + 1;
        let from = sentence.rank.saturating_sub(reach);
        let to = (sentence.rank + reach + 1).min(pool.len());
        pool[rng.usize(from..to)]
    }

    fn join(&self, chosen: &[usize]) -> String {
        let mut text = String::new();
        for (place, &at) in chosen.iter().enumerate() {
            text.push_str(&self.sentences[at].text);
            if place + 1 < chosen.len() {
                text.push_str(self.sentences[at].gap);
            }
        }
        text
    }

    /// A vector like one that is given less the mean.
    fn like(&self, centred: &[f32], rng: &mut Rng) -> Vec<f32> {
        let add = |vector: &mut [f32], other: &[f32], weight: f32| {
            vector.iter_mut().zip(other).for_each(|(sum, x)| *sum += weight * x);
        };
        let mut vector = self.mean.clone();
        add(&mut vector, centred, LIKENESS);
        let noise = ((1.0 - LIKENESS * LIKENESS) / NOISE_PARTS as f32).sqrt();
        for _ in 0..NOISE_PARTS / 2 {
            for weight in gaussian_pair(rng) {
                let other = self.centred.row(rng.usize(..self.centred.nrows()));
                add(&mut vector, other.to_slice().unwrap_or(&[]), noise * weight);
            }
        }
        normalize(&mut vector);
        vector
    }
}

/// An article's sentences.
fn take_apart(article: &Article) -> Vec<Sentence> {
    let ranges = sentences(&article.text);
    let mut found = Vec::with_capacity(ranges.len());
    for (place, range) in ranges.iter().enumerate() {
        let text = &article.text[range.clone()];
        if text.chars().count() > MAX_SENTENCE {
            continue;
        }
        let behind = ranges.get(place + 1).map(|next| &article.text[range.end..next.start]);
        let gap = match behind {
            Some(between) if between.contains('\n') => "\n",
            Some(between) if !between.is_empty() => " ",
            _ if text.ends_with(char::is_alphanumeric) => "。",
            _ => "",
        };
        found.push(Sentence {
            text: text.to_string(),
            gap,
            titled: !article.title.is_empty(),
            rank: 0,
        });
    }
    found
}

/// The random numbers of one attempt at one passage.
fn rng(seed: u64, number: u64, attempt: u64) -> Rng {
    let mut bytes = [0u8; 24];
    for (place, value) in [seed, number, attempt].iter().enumerate() {
        bytes[place * 8..][..8].copy_from_slice(&value.to_le_bytes());
    }
    Rng::with_seed(xxh3_64(&bytes))
}

/// Two independent standard normal numbers (Box and Muller 1958).
fn gaussian_pair(rng: &mut Rng) -> [f32; 2] {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.f64();
    [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
}

/// Makes passages one batch after the other.
pub struct Generator<'a> {
    source: &'a Source,
    seed: u64,
    next: u64,
    /// Fingerprints of all texts so far: 8 bytes a passage are all that grows.
    seen: HashSet<u64>,
}

impl<'a> Generator<'a> {
    /// Begins with passage 0.
    pub fn new(source: &'a Source, seed: u64) -> Self {
        Generator {
            source,
            seed,
            next: 0,
            seen: HashSet::new(),
        }
    }

    /// The next `count` passages; they do not depend on the budget's threads.
    ///
    /// # Errors
    /// `Caller` if the source is too small for another passage that none before is equal to.
    pub fn batch(&mut self, count: usize, budget: Budget) -> Result<Vec<Synthetic>> {
        let numbers = self.next..self.next + count as u64;
        let first: Vec<Option<Synthetic>> =
            budget.map(numbers.clone(), |number, _| self.source.make(self.seed, number, 0));
        let mut made = Vec::with_capacity(count);
        for (number, passage) in numbers.zip(first) {
            made.push(self.distinct(number, passage)?);
        }
        self.next += count as u64;
        Ok(made)
    }

    fn distinct(&mut self, number: u64, mut first: Option<Synthetic>) -> Result<Synthetic> {
        for attempt in 0..MAX_ATTEMPTS {
            let passage = match attempt {
                0 => first.take(),
                _ => self.source.make(self.seed, number, attempt),
            };
            if let Some(passage) = passage
                && self.seen.insert(xxh3_64(passage.embedded.passage.as_bytes()))
            {
                return Ok(passage);
            }
        }
        Err(Error::caller(format!(
            "the source has too few sentences for {} different passages",
            number + 1
        ))
        .help("ask for fewer, or give a larger source"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedder as _, HashEmbedder};
    use crate::kernel::dot_f32;

    fn articles(count: usize) -> Vec<Article> {
        let subjects = ["医保", "社保", "养老金", "失业金", "生育津贴", "工伤保险", "商业保险"];
        let acts = ["可以补缴", "按月领取", "需要材料", "不予报销", "由单位申请"];
        (0..count)
            .map(|n| {
                let sentence = |k: usize| format!("{}第{n}条{}。", subjects[(n + k) % 7], acts[(n * 3 + k) % 5]);
                Article {
                    id: n.to_string(),
                    title: if n % 3 == 0 {
                        format!("条款{n}")
                    } else {
                        String::new()
                    },
                    // Every tenth article is longer than a passage may be.
                    text: (0..if n % 10 == 0 { 60 } else { n % 4 + 2 })
                        .map(sentence)
                        .collect::<Vec<_>>()
                        .join("\n"),
                    ..Article::default()
                }
            })
            .collect()
    }

    fn source(embedder: &HashEmbedder, count: usize) -> Result<Source> {
        let articles = articles(count);
        let texts: Vec<&str> = articles.iter().map(|a| a.text.as_str()).collect();
        let numbers = embedder.embed_passages(&texts, Budget::single()).unwrap().concat();
        let shape = (count, embedder.dimension());
        Source::new(
            &articles,
            Array2::from_shape_vec(shape, numbers).unwrap(),
            embedder.dimension(),
            Budget::all(),
        )
    }

    #[test]
    fn passages_are_distinct_single_and_normalised() {
        let embedder = HashEmbedder::new(64);
        let source = source(&embedder, 60).unwrap();
        let mut generator = Generator::new(&source, 7);
        let made: Vec<Synthetic> = (0..4)
            .flat_map(|_| generator.batch(100, Budget::all()).unwrap())
            .collect();
        assert_eq!(made.len(), 400);
        let (mut texts, mut ids) = (HashSet::new(), HashSet::new());
        for passage in &made {
            let cut = embedded_texts(&passage.article);
            assert_eq!(
                cut,
                std::slice::from_ref(&passage.embedded),
                "one passage, embedded to the letter"
            );
            assert!(passage.embedded.passage.ends_with(&passage.article.text));
            assert_eq!(passage.windows.len(), passage.embedded.windows.len());
            let length = dot_f32(&passage.vector, &passage.vector);
            assert!((length - 1.0).abs() < 1e-5, "{length}");
            assert!(
                texts.insert(&passage.embedded.passage),
                "a text came twice: {}",
                passage.embedded.passage
            );
            assert!(ids.insert(&passage.article.id));
        }
        let titled = made.iter().filter(|passage| !passage.article.title.is_empty()).count();
        assert!(
            (60..=220).contains(&titled),
            "a third of the source has titles, here {titled} of 400"
        );
    }

    #[test]
    fn the_seed_alone_decides_and_a_small_collection_begins_a_large_one() {
        let embedder = HashEmbedder::new(32);
        let source = source(&embedder, 40).unwrap();
        let make = |seed: u64, batches: &[usize]| -> Vec<Synthetic> {
            let mut generator = Generator::new(&source, seed);
            batches
                .iter()
                .flat_map(|&count| generator.batch(count, Budget::all()).unwrap())
                .collect()
        };
        let large = make(1, &[200]);
        assert_eq!(make(1, &[50, 1, 99]), large[..150]);
        assert_ne!(make(2, &[200]), large);
    }

    #[test]
    fn vectors_stay_near_their_source_and_keep_the_spread_of_all() {
        let embedder = HashEmbedder::new(64);
        let source = source(&embedder, 200).unwrap();
        let near = |vector: &[f32]| {
            let cosine = |row: usize| {
                let mut real = source.mean.clone();
                real.iter_mut().zip(source.centred.row(row)).for_each(|(x, c)| *x += c);
                dot_f32(&real, vector)
            };
            (0..200).map(cosine).fold(f32::MIN, f32::max)
        };
        let made = Generator::new(&source, 3).batch(100, Budget::all()).unwrap();
        let mean = made.iter().map(|passage| near(&passage.vector)).sum::<f32>() / 100.0;
        assert!((0.8..0.999).contains(&mean), "{mean}");
        let away = |vectors: Vec<Vec<f32>>| {
            vectors.iter().map(|v| 1.0 - dot_f32(&source.mean, v)).sum::<f32>() / vectors.len() as f32
        };
        let real = (0..200).map(|row| {
            let mut v = source.mean.clone();
            v.iter_mut().zip(source.centred.row(row)).for_each(|(x, c)| *x += c);
            v
        });
        let (real, synthetic) = (away(real.collect()), away(made.into_iter().map(|p| p.vector).collect()));
        assert!((synthetic / real - 1.0).abs() < 0.15, "{synthetic} against {real}");
    }

    #[test]
    fn a_source_that_is_too_small_or_does_not_fit_is_refused() {
        let embedder = HashEmbedder::new(16);
        let matrix = |rows: usize| Array2::from_elem((rows, 16), 0.25);
        let article = |text: &str| Article {
            id: "a".into(),
            text: text.into(),
            ..Article::default()
        };
        let open = |articles: &[Article], vectors: Array2<f32>| {
            Source::new(articles, vectors, embedder.dimension(), Budget::all()).map(|_| ())
        };
        assert!(
            open(&articles(3), matrix(2))
                .unwrap_err()
                .message()
                .contains("2 vectors")
        );
        assert!(open(&[], matrix(0)).unwrap_err().message().contains("no article"));
        assert!(
            open(&[article(" \n")], matrix(1))
                .unwrap_err()
                .message()
                .contains("no article")
        );
        let one = Source::new(&[article("好。")], matrix(1), embedder.dimension(), Budget::all()).unwrap();
        let error = Generator::new(&one, 1).batch(1_000, Budget::all()).unwrap_err();
        assert_eq!(error.fault(), crate::error::Fault::Caller);
        assert!(error.message().contains("too few sentences"), "{error}");
        assert_eq!(one.draw_sentences(2, 1), ["好。", "好。"]);
    }
}
