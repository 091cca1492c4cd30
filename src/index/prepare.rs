//! Articles made ready to be written: cut into passages, analysed, embedded.
//!
//! Owns what a passage's text is to each ranking. Knows no engine, holds no lock and writes nothing, so any number of
//! callers may prepare while one writes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::passage::{
    FORMAT_VERSION, Identity, PreparedArticle, PreparedPassage, StoredPassage, embedded_text, join_head,
};
use super::scoring::{SentenceVectors, Windows};
use crate::article::{self, SplitOptions};
use crate::compute::Budget;
use crate::embed::{Embedder, Parted};
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Passage};
use crate::text::{self, Analyzer, Region, Signature, model_form};

/// What makes vectors and terms; the same for indexing and for asking.
#[derive(Clone)]
pub struct Rules {
    /// Chinese analysis.
    pub analyzer: Arc<Analyzer>,
    /// Text to vector; `None` makes an index of words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
}

impl Rules {
    /// The identity of an index made by these rules.
    pub fn identity(&self) -> Identity {
        Identity {
            format: FORMAT_VERSION,
            analysis: self.analyzer.fingerprint().to_string(),
            embedder: self
                .embedder
                .as_ref()
                .map_or(String::new(), |e| e.identity().to_string()),
            dimension: self.embedder.as_ref().map_or(0, |e| e.dimension()),
        }
    }

    /// Refuses to write without vectors to what keeps vectors: `index` as a message names it.
    ///
    /// # Errors
    /// `Unavailable` if these rules make no vectors and an index of this identity keeps some.
    pub fn check_vectors_of(&self, identity: &Identity, index: &str) -> Result<()> {
        if identity.dimension == 0 || self.embedder.is_some() {
            return Ok(());
        }
        let kept = &identity.embedder;
        Err(Error::unavailable(format!(
            "{index} keeps vectors of `{kept}`, and none would be made: its model is not here, or --no-vectors was given"
        ))
        .help(
            "put the model there with `baowen model fetch` or `baowen model import` (and leave --no-vectors out where it \
             was given), make the vectors with another one by `baowen rebuild --model NAME`, or give them up by \
             `baowen rebuild --no-vectors`",
        ))
    }
}

/// A fingerprint of everything an article says. Rules are not part of it: an index has one set of rules.
pub fn fingerprint(article: &Article) -> Result<u64> {
    let bytes = serde_json::to_vec(article).or_fault(Fault::Bug, "encoding an article")?;
    Ok(xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// The texts that a passage's vectors are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedTexts {
    /// The passage with its title and headings.
    pub passage: String,
    /// Its sentences in bytes of `passage`, as [`text::sentences`] cuts them; of very many the first ones.
    pub sentences: Vec<Range<usize>>,
    /// Its windows. They are embedded by themselves: read within their passage they lose on everyday questions what
    /// they win elsewhere (`docs/results/2026-12-01-parts.md`).
    pub windows: Vec<String>,
}

/// So many sentences of a passage have vectors: a table's rows may be very many.
const MOST_SENTENCES: usize = 32;

impl EmbeddedTexts {
    fn new(head: &str, text: &str) -> Self {
        let whole = embedded_text(head, text);
        let before = whole.len() - text.len();
        // A model's form changes characters one by one: what stands before a byte has the same form alone.
        let form = model_form(&whole);
        let at = |byte: usize| match &form {
            Cow::Borrowed(_) => before + byte,
            Cow::Owned(_) => model_form(&whole[..before + byte]).len(),
        };
        let sentences = text::sentences(text).into_iter().take(MOST_SENTENCES);
        let sentences = sentences.map(|part| at(part.start)..at(part.end)).collect();
        let windows = article::windows(text).into_iter();
        EmbeddedTexts {
            sentences,
            windows: windows.map(|range| model_form(&text[range]).into_owned()).collect(),
            passage: form.into_owned(),
        }
    }

    /// What is embedded: the passage with its sentences, and its windows.
    pub fn parted(&self) -> impl Iterator<Item = Parted<'_>> {
        let passage = Parted {
            text: &self.passage,
            parts: &self.sentences,
        };
        let windows = self.windows.iter().map(|window| Parted::whole(window));
        std::iter::once(passage).chain(windows)
    }

    /// The same for a model that may not read parts, which then are texts of their own.
    fn units(&self, reads_parts: bool) -> Vec<Parted<'_>> {
        if reads_parts {
            self.parted().collect()
        } else {
            self.parted().flat_map(Parted::texts).map(Parted::whole).collect()
        }
    }
}

/// Articles refused one after the other, with no text accepted between, after which it is not they that are wrong.
const REFUSALS: usize = 8;

/// Cuts, analyses and embeds articles, given with their fingerprints; one result for each, in their order.
///
/// # Errors
/// A text that the embedder refuses fails its own article, by name; an embedder that is away, or refuses everything,
/// fails all of them.
pub fn prepare(rules: &Rules, articles: Vec<(Article, u64)>, budget: Budget) -> Vec<Result<PreparedArticle>> {
    let Some(embedder) = &rules.embedder else {
        return budget.map(articles, |(article, hash), budget| {
            budget.check()?;
            Ok(analyse(rules, article, hash))
        });
    };
    let count = articles.len();
    let analysed = budget.try_map(articles, |(article, hash), budget| {
        budget.check()?;
        let article = analyse(rules, article, hash);
        let texts = article.passages.iter().map(|passage| passage.stored.texts()).collect();
        Ok((article, texts))
    });
    let analysed: Vec<(PreparedArticle, Vec<EmbeddedTexts>)> = match analysed {
        Ok(analysed) => analysed,
        Err(late) => return vec![Err(late); count],
    };
    let mut embedding = Embedding {
        embedder: &**embedder,
        budget,
        made: Vec::with_capacity(analysed.len()),
        refused: 0,
    };
    match embedding.articles(&analysed) {
        Ok(()) => {
            let made = embedding.made.into_iter();
            let one = |((article, texts), vectors): ((PreparedArticle, _), Result<Vec<Vec<f32>>>)| match vectors {
                Ok(vectors) => Ok(with_vectors(article, texts, vectors)),
                Err(error) => Err(named(&article.article, error)),
            };
            analysed.into_iter().zip(made).map(one).collect()
        }
        Err(error) => analysed.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The vectors of articles, or why one has none: made together, and where that is refused, in halves.
struct Embedding<'a> {
    embedder: &'a dyn Embedder,
    budget: Budget,
    made: Vec<Result<Vec<Vec<f32>>>>,
    /// Articles refused since the last text that was accepted.
    refused: usize,
}

impl Embedding<'_> {
    /// # Errors
    /// What fails all articles.
    fn articles(&mut self, articles: &[(PreparedArticle, Vec<EmbeddedTexts>)]) -> Result<()> {
        let reads_parts = self.embedder.reads_parts();
        let texts = articles
            .iter()
            .map(|(_, texts)| texts.iter().flat_map(|texts| texts.units(reads_parts)));
        let texts: Vec<Vec<Parted>> = texts.map(Iterator::collect).collect();
        let all = texts.concat();
        let error = match self.texts(&all) {
            Ok(vectors) => {
                let mut vectors = vectors.into_iter();
                let counts = texts.iter().map(|texts| texts.iter().map(Parted::vectors).sum());
                self.made
                    .extend(counts.map(|count| Ok(vectors.by_ref().take(count).collect())));
                return Ok(());
            }
            Err(error) if error.fault() != Fault::Caller => return Err(error),
            Err(error) => error,
        };
        if let [_] = articles {
            let vectors = self.halves(&all, error);
            if let Err(error) = &vectors {
                if error.fault() != Fault::Caller {
                    return Err(error.clone());
                }
                self.refused += 1;
                if self.refused >= REFUSALS {
                    return Err(everything_refused(error));
                }
            }
            self.made.push(vectors);
            return Ok(());
        }
        let (first, second) = articles.split_at(articles.len() / 2);
        self.articles(first)?;
        self.articles(second)
    }

    /// The vectors of texts that were refused together, up to the first one that is refused alone.
    fn halves(&mut self, texts: &[Parted], error: Error) -> Result<Vec<Vec<f32>>> {
        if texts.len() < 2 {
            return Err(error);
        }
        let (first, second) = texts.split_at(texts.len() / 2);
        let mut vectors = Vec::new();
        for half in [first, second] {
            let made = match self.texts(half) {
                Err(error) if error.fault() == Fault::Caller => self.halves(half, error),
                made => made,
            };
            vectors.extend(made?);
        }
        Ok(vectors)
    }

    /// The vectors of texts, embedded together.
    fn texts(&mut self, texts: &[Parted]) -> Result<Vec<Vec<f32>>> {
        let vectors = self.embedder.embed_parted(texts, self.budget)?;
        let wanted: usize = texts.iter().map(Parted::vectors).sum();
        if vectors.len() != wanted {
            let (texts, vectors) = (wanted, vectors.len());
            return Err(Error::bug(format!("{texts} texts came back as {vectors} vectors")));
        }
        self.refused = 0;
        Ok(vectors)
    }
}

/// An error of one article, with what it is found by.
fn named(article: &Article, error: Error) -> Error {
    let error = error.context(format!("article `{}`", article.id));
    match &article.origin {
        Some(origin) => error.context(&origin.path),
        None => error,
    }
}

/// The error of a model that takes nothing that it is sent.
fn everything_refused(last: &Error) -> Error {
    let error = Error::unavailable(format!(
        "the model refused {REFUSALS} articles in a row, text by text: {}",
        last.message()
    ));
    last.hint().into_iter().fold(error, Error::help)
}

/// An article with the vectors of its texts, which are as many.
fn with_vectors(mut article: PreparedArticle, texts: Vec<EmbeddedTexts>, vectors: Vec<Vec<f32>>) -> PreparedArticle {
    let mut vectors = vectors.into_iter();
    for (passage, texts) in article.passages.iter_mut().zip(texts) {
        passage.vector = vectors.next().unwrap_or_default();
        let mut next = |count| -> Vec<Vec<f32>> { vectors.by_ref().take(count).collect() };
        let (sentences, windows) = (next(texts.sentences.len()), next(texts.windows.len()));
        passage.windows = Windows::new(&passage.vector, windows.iter().map(Vec::as_slice));
        passage.stored.sentences = SentenceVectors::new(&passage.vector, sentences.iter().map(Vec::as_slice));
    }
    article
}

/// The places and years by which something is filtered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacesAndYears {
    /// Places, sorted, each once.
    pub regions: Vec<Region>,
    /// Years, sorted, each once.
    pub years: Vec<u16>,
}

impl PlacesAndYears {
    /// Of an article without its text: those of its source record count like those in its title.
    fn of(article: &Article, analyzer: &Analyzer) -> Self {
        let mut regions = analyzer.regions(&article.title);
        regions.extend(analyzer.regions_named(&article.regions));
        let mut years = analyzer.years(&article.title, article.published);
        years.extend(&article.years);
        PlacesAndYears { regions, years }.sorted()
    }

    /// Of a passage of the article that has these.
    fn of_passage(&self, article: &Article, text: &str, analyzer: &Analyzer) -> Self {
        let mut of_passage = self.clone();
        // What the title names is what the article is about; places in its text are often mere examples.
        if of_passage.regions.is_empty() {
            of_passage.regions = analyzer.regions_about(text);
        }
        of_passage.years.extend(analyzer.years(text, article.published));
        of_passage.sorted()
    }

    /// Those by which any of an article's passages is found, as an index stores them.
    pub fn of_passages<'a>(
        article: &Article,
        passages: impl IntoIterator<Item = &'a str>,
        analyzer: &Analyzer,
    ) -> PlacesAndYears {
        let about = PlacesAndYears::of(article, analyzer);
        let mut all = about.clone();
        for text in passages {
            let of_passage = about.of_passage(article, text, analyzer);
            all.regions.extend(of_passage.regions);
            all.years.extend(of_passage.years);
        }
        all.sorted()
    }

    fn sorted(mut self) -> Self {
        self.regions.sort();
        self.regions.dedup();
        self.years.sort_unstable();
        self.years.dedup();
        self
    }
}

/// Cuts and analyses an article; its passages still lack their vectors.
fn analyse(rules: &Rules, article: Article, hash: u64) -> PreparedArticle {
    let analyzer = &rules.analyzer;
    let passages = cut(&article);
    let about = PlacesAndYears::of(&article, analyzer);
    let fields = article.attributes.iter().map(|(name, value)| (&**name, &**value));
    let validity = text::validity(&article.title, &article.text, article.published, fields);
    let passages = passages
        .into_iter()
        .map(|passage| {
            let head = join_head(&article.title, &passage.heading);
            let (title, text) = (analyzer.document(&head), analyzer.document(&passage.text));
            let PlacesAndYears { regions, years } = about.of_passage(&article, &passage.text, analyzer);
            PreparedPassage {
                signature: Signature::new(&article.title, &passage.text),
                stored: StoredPassage {
                    article_id: article.id.clone(),
                    ordinal: passage.ordinal,
                    title: article.title.clone(),
                    heading: passage.heading,
                    text: passage.text,
                    start: passage.start,
                    end: passage.end,
                    url: article.url.clone(),
                    source: article.source.clone(),
                    published: article.published,
                    kind: article.kind,
                    regions,
                    years,
                    validity,
                    attributes: article.attributes.clone(),
                    sentences: SentenceVectors::default(),
                },
                tokens: [title.words, title.bigrams, text.words, text.bigrams],
                vector: Vec::new(),
                windows: Windows::default(),
            }
        })
        .collect();
    PreparedArticle {
        article,
        hash,
        passages,
    }
}

/// An article's passages; a single empty one if there is nothing to cut.
fn cut(article: &Article) -> Vec<Passage> {
    let mut passages = article::split(article, &SplitOptions::default());
    if passages.is_empty() {
        // An article is found by its title even if nothing stands below it.
        passages.push(Passage {
            ordinal: 0,
            heading: String::new(),
            start: 0,
            end: 0,
            text: String::new(),
        });
    }
    passages
}

/// The texts that an article's vectors would be made of, one entry a passage, in order, without indexing it: whoever
/// fills a cache of vectors needs them to the letter.
pub fn embedded_texts(article: &Article) -> Vec<EmbeddedTexts> {
    let passages = cut(article).into_iter();
    let head = |passage: &Passage| join_head(&article.title, &passage.heading);
    passages
        .map(|passage| EmbeddedTexts::new(&head(&passage), &passage.text))
        .collect()
}

impl StoredPassage {
    fn texts(&self) -> EmbeddedTexts {
        EmbeddedTexts::new(&join_head(&self.title, &self.heading), &self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::embed::HashEmbedder;
    use crate::model::Origin;

    /// Takes so many texts at a time, and none with 坏 in it.
    struct Picky {
        inner: HashEmbedder,
        most: usize,
        asked: Mutex<Vec<usize>>,
    }

    impl Embedder for Picky {
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
            self.asked.lock().unwrap().push(texts.len());
            if texts.len() > self.most || texts.iter().any(|text| text.contains('坏')) {
                Err(Error::caller("it answered 413: too much").help("set `batch` lower"))
            } else {
                self.inner.embed_passages(texts, budget)
            }
        }
    }

    /// What becomes of articles with these texts, and how often the model was asked.
    fn prepared(texts: &[&str], most: usize) -> (Vec<Result<PreparedArticle>>, usize) {
        let picky = Arc::new(Picky {
            inner: HashEmbedder::new(8),
            most,
            asked: Mutex::default(),
        });
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: Some(picky.clone()),
        };
        let article = |(number, text): (usize, &&str)| Article {
            id: format!("id-{number}"),
            title: "医保".into(),
            text: (*text).into(),
            origin: Some(Origin {
                source: "s".into(),
                path: format!("folder/{number}.md"),
            }),
            ..Article::default()
        };
        let articles = texts.iter().enumerate().map(article).map(|article| (article, 0));
        let prepared = prepare(&rules, articles.collect(), Budget::single());
        let asked = picky.asked.lock().unwrap().len();
        (prepared, asked)
    }

    #[test]
    fn the_article_that_is_refused_is_found_and_named_and_the_others_are_not_touched() {
        let texts = ["一。", "二。", "三。", "四。", "坏。", "六。", "七。", "八。"];
        let (alone, _) = prepared(&texts[..1], usize::MAX);
        let (found, asked) = prepared(&texts, usize::MAX);
        for (at, found) in found.iter().enumerate() {
            match (found, at) {
                (Err(error), 4) => {
                    assert_eq!(error.fault(), Fault::Caller);
                    for part in ["folder/4.md", "`id-4`", "413: too much"] {
                        assert!(error.message().contains(part), "{part} in {error}");
                    }
                }
                (found, _) => assert_eq!(found.as_ref().unwrap().passages[0].vector.len(), 8, "{at}"),
            }
        }
        let vector = |found: &[Result<PreparedArticle>]| found[0].as_ref().unwrap().passages[0].vector.clone();
        assert_eq!(vector(&found), vector(&alone));
        assert!(asked < 15, "{asked}");
    }

    #[test]
    fn sentences_have_vectors() {
        let many = "一行\n".repeat(MOST_SENTENCES + 10);
        let (found, _) = prepared(&["一句。", "第一句。第二句！第三句", &many], usize::MAX);
        let embedder = HashEmbedder::new(8);
        let question = &embedder.embed_passages(&["第二句！"], Budget::single()).unwrap()[0];
        let nearness = found.iter().map(|found| {
            let passage = &found.as_ref().unwrap().passages[0];
            let cosine = crate::kernel::dot_f32(question, &passage.vector);
            passage.stored.sentences.cosines(question, cosine)
        });
        let nearness: Vec<Vec<f32>> = nearness.collect();
        assert_eq!(
            nearness.iter().map(Vec::len).collect::<Vec<_>>(),
            [1, 3, MOST_SENTENCES]
        );
        assert!(nearness[1][1] > nearness[1][0].max(nearness[1][2]), "{:?}", nearness[1]);
    }

    #[test]
    fn parts_lie_where_the_form_that_models_read_has_them() {
        let check = |title: &str, text: &str, expected: &[&str]| {
            let article = Article {
                title: title.into(),
                text: text.into(),
                ..Article::default()
            };
            let texts = embedded_texts(&article).remove(0);
            let found: Vec<&str> = texts.parted().flat_map(Parted::texts).collect();
            assert_eq!(found, expected);
        };
        check(
            "医保",
            "一句。第二句！",
            &["医保\n一句。第二句！", "一句。", "第二句！"],
        );
        // Wide digits take more bytes than ordinary ones.
        let formed = [
            "医疗保险２０２４\n".replace("２０２４", "2024").as_str(),
            "报销100元。",
            "缴费2次。",
        ]
        .concat();
        check(
            "醫療保險２０２４",
            "報銷１００元。繳費２次。",
            &[&formed, "报销100元。", "缴费2次。"],
        );
        let long = "参保人住院报销的比例是七成。".repeat(20);
        let article = Article {
            text: long.clone(),
            ..Article::default()
        };
        let texts = embedded_texts(&article).remove(0);
        assert_eq!(texts.sentences.len(), 20);
        assert!(texts.windows.len() > 1);
        assert_eq!(texts.windows.concat(), long, "windows leave out nothing");
    }

    #[test]
    fn a_model_that_takes_less_at_a_time_gets_less() {
        let texts = ["一。", "二。", "三。", "四。", "五。", "六。", "七。", "八。", "九。"];
        for most in [1, 2, 5] {
            let (found, _) = prepared(&texts, most);
            let (whole, _) = prepared(&texts, usize::MAX);
            for (found, whole) in found.iter().zip(&whole) {
                let (found, whole) = (found.as_ref().unwrap(), whole.as_ref().unwrap());
                assert_eq!(found.passages[0].vector, whole.passages[0].vector);
                assert_eq!(found.passages[0].windows, whole.passages[0].windows);
            }
        }
    }

    #[test]
    fn a_model_that_refuses_everything_ends_the_work() {
        let (found, _) = prepared(&["坏。"; 20], usize::MAX);
        for error in found {
            let error = error.err().unwrap();
            assert_eq!(error.fault(), Fault::Unavailable);
            assert!(
                error.message().contains("in a row") && error.to_string().contains("`batch`"),
                "{error}"
            );
        }
        // As many wrong ones among right ones are their own fault.
        let mixed: Vec<&str> = (0..20).map(|at| if at % 3 == 0 { "好。" } else { "坏。" }).collect();
        let (found, _) = prepared(&mixed, usize::MAX);
        assert_eq!(found.iter().filter(|found| found.is_ok()).count(), 7);
    }
}
