//! What the benches run on: an index, questions, and their vectors, or a reason why there are none.
//!
//! `BAOWEN_BENCH_DATA` names a folder of `baowen generate` (queries.txt, queries.npy) and `BAOWEN_BENCH_INDEX` the
//! index made from its corpus.jsonl. Where they are not set, 10,000 passages are generated from the shared data
//! (`BAOWEN_SHARED`) into a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baowen::compute::Budget;
use baowen::embed::fetch::DEFAULT;
use baowen::embed::{BertModel, CachedEmbedder, Embedder, VectorCache, model_dir};
use baowen::error::{Error, Result};
use baowen::eval::npy;
use baowen::eval::synthetic::{Generator, Source, Synthetic};
use baowen::index::ingest::{Counts, Ingest, maintain::maintain_fully};
use baowen::index::{Backend, EmbeddedIndex, Rules, embedded_texts};
use baowen::model::Article;
use baowen::search::Engine;
use baowen::search::request::SearchRequest;
use baowen::text::Analyzer;
use ndarray::Array2;
use serde_json::Value;

/// Passages generated where no index is named.
const PASSAGES: usize = 10_000;
/// Real articles that they are made of.
const REAL: usize = 2_000;
/// Questions embedded where no vectors are named.
const QUESTIONS: usize = 200;

/// Everything that is measured.
pub struct Data {
    /// The analyser.
    pub analyzer: Arc<Analyzer>,
    /// The model.
    pub model: Arc<BertModel>,
    /// The index.
    pub index: Arc<EmbeddedIndex>,
    /// Where it lies.
    #[allow(dead_code)] // one of the two benches takes the index apart
    pub folder: PathBuf,
    /// Questions with their vectors.
    pub questions: Vec<(String, Vec<f32>)>,
    /// Holds a temporary index.
    _made: Option<tempfile::TempDir>,
}

impl Data {
    /// Opens what the arguments, else the environment, name.
    pub fn open(data: Option<PathBuf>, index: Option<PathBuf>) -> Result<Data> {
        let data = data.or_else(|| std::env::var_os("BAOWEN_BENCH_DATA").map(PathBuf::from));
        let index = index.or_else(|| std::env::var_os("BAOWEN_BENCH_INDEX").map(PathBuf::from));
        let analyzer = Arc::new(Analyzer::new()?);
        let model = Arc::new(BertModel::open(&model_dir(None).join(DEFAULT), Budget::all())?);
        let mut made = None;
        let folder = match index {
            Some(folder) => folder,
            None => {
                let temporary = tempfile::tempdir().map_err(|e| Error::unavailable(e.to_string()))?;
                let folder = temporary.path().join("index");
                generate(&folder, &temporary.path().join("vectors"), &analyzer, &model)?;
                made = Some(temporary);
                folder
            }
        };
        let index = EmbeddedIndex::open(&folder)?;
        index.check_identity(analyzer.fingerprint(), Some((model.identity(), model.dimension())))?;
        let questions = match data {
            Some(data) => given(&data)?,
            None => asked(&model)?,
        };
        Ok(Data {
            analyzer,
            model,
            index,
            folder,
            questions,
            _made: made,
        })
    }

    /// An engine that has been asked every question once: it remembers their vectors, also of what it reads otherwise
    /// than it is written (typing errors), so that nothing is embedded while it is measured. That holds for as many
    /// as an engine remembers, 4,096.
    pub fn engine(&self) -> Result<Engine> {
        let backend = Arc::clone(&self.index) as Arc<dyn Backend>;
        let model = Arc::clone(&self.model) as Arc<dyn Embedder>;
        let engine = Engine::new(backend, Arc::clone(&self.analyzer), Some(model));
        for (question, _) in &self.questions {
            engine.search(&SearchRequest::new(question.as_str()), Budget::all())?;
        }
        Ok(engine)
    }
}

/// The collection that the peers are given too: `baowen generate` with its default seed.
fn generate(folder: &Path, cache: &Path, analyzer: &Arc<Analyzer>, model: &Arc<BertModel>) -> Result<()> {
    let from = shared()?;
    let articles: Vec<Article> = lines(&from.join("corpus.jsonl"))?
        .into_iter()
        .take(REAL)
        .map(|record| Article {
            id: string(&record, "_id"),
            title: string(&record, "title"),
            text: string(&record, "text"),
            ..Article::default()
        })
        .collect();
    let texts: Vec<String> = articles
        .iter()
        .filter_map(|article| embedded_texts(article).into_iter().next())
        .map(|texts| texts.passage)
        .collect();
    let vectors = model.embed_passages(&texts.iter().map(String::as_str).collect::<Vec<_>>(), Budget::all())?;
    let vectors = Array2::from_shape_vec((articles.len(), model.dimension()), vectors.concat())
        .map_err(|e| Error::bug(e.to_string()))?;
    let source = Source::new(&articles, vectors, model.dimension(), Budget::all())?;
    let made = Generator::new(&source, 42).batch(PASSAGES, Budget::all())?;
    let cache = VectorCache::open(cache, model.dimension())?;
    let entries: Vec<_> = made.iter().flat_map(Synthetic::vectors).collect();
    cache.insert_passages(&**model, &entries)?;
    let embedder = Arc::new(CachedEmbedder::new(Arc::clone(model) as Arc<dyn Embedder>, cache)?);
    let rules = Rules {
        analyzer: Arc::clone(analyzer),
        embedder: Some(embedder),
    };
    let index = EmbeddedIndex::create(folder, &rules.identity())?;
    let ingest = Ingest::open(&index, rules)?;
    let articles: Vec<Article> = made.into_iter().map(|p| p.article).collect();
    ingest
        .upsert(articles, Budget::all())
        .into_iter()
        .collect::<Result<Counts>>()?;
    ingest.commit()?;
    ingest.into_writer().finish()?;
    maintain_fully(&index, Budget::all(), &())
}

fn given(folder: &Path) -> Result<Vec<(String, Vec<f32>)>> {
    let path = folder.join("queries.txt");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::missing(format!("{}: {e}", path.display())))?;
    let vectors = npy::read(&folder.join("queries.npy"))?;
    let questions: Vec<_> = text
        .lines()
        .zip(0..)
        .map(|(question, at)| (question.to_string(), vectors.row(at).to_vec()))
        .collect();
    if questions.len() == vectors.nrows() {
        Ok(questions)
    } else {
        Err(Error::caller("queries.txt and queries.npy do not belong together"))
    }
}

fn asked(model: &BertModel) -> Result<Vec<(String, Vec<f32>)>> {
    let records = lines(&shared()?.join("zhidao/queries.jsonl"))?;
    let texts: Vec<String> = records.iter().take(QUESTIONS).map(|r| string(r, "text")).collect();
    let vectors = model.embed_queries(&texts.iter().map(String::as_str).collect::<Vec<_>>(), Budget::all())?;
    Ok(texts.into_iter().zip(vectors).collect())
}

fn shared() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("BAOWEN_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = folder.join("data/bench/insurance");
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(Error::missing(format!("no shared data in {}", folder.display()))
            .help("set BAOWEN_BENCH_DATA and BAOWEN_BENCH_INDEX, or BAOWEN_SHARED"))
    }
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::missing(format!("{}: {e}", path.display())))?;
    let records = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    records.map_err(|e| Error::caller(format!("{}: {e}", path.display())))
}

fn string(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or_default().to_string()
}
