//! What the integration tests share: folders, articles, the real model, the shared data.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use baowen::compute::Budget;
use baowen::embed::fetch::DEFAULT;
use baowen::embed::{BertModel, Embedder, HashEmbedder};
use baowen::error::Result;
use baowen::index::ingest::{Counts, Ingest};
use baowen::index::{EmbeddedIndex, Rules};
use baowen::model::Article;
use baowen::text::Analyzer;

use crate::needed;

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The shared data (articles, judged questions), if this machine has it.
pub fn shared() -> Option<PathBuf> {
    needed::shared("data")
}

/// The folder of all models.
fn model_dir() -> PathBuf {
    std::env::var_os("BAOWEN_MODEL_DIR").map_or_else(|| root().join("index/models"), PathBuf::from)
}

/// The folder of the default model's files, fetched if they are not there. `None` (and a line that says so) where it
/// cannot be had.
pub fn default_model() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let fetched = || match baowen::embed::fetch(&model_dir(), DEFAULT, &mut |_| ControlFlow::Continue(())) {
        Ok(folder) => Some(folder),
        Err(error) => {
            needed::missing(error);
            None
        }
    };
    FOLDER.get_or_init(fetched).clone()
}

/// The folder of models, with the default one in it.
pub fn model_folder() -> Option<PathBuf> {
    default_model().map(|_| model_dir())
}

/// An embedder that does something before it makes vectors of passages, and fails if that does.
pub struct Before<F>(pub HashEmbedder, pub F);

impl<F: Fn(&[&str]) -> Result<()> + Send + Sync> Embedder for Before<F> {
    fn identity(&self) -> &str {
        self.0.identity()
    }

    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn max_tokens(&self) -> usize {
        self.0.max_tokens()
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.0.embed_queries(texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        (self.1)(texts)?;
        self.0.embed_passages(texts, budget)
    }
}

/// The real model, opened once.
pub fn model() -> Option<Arc<dyn Embedder>> {
    static MODEL: OnceLock<Option<Arc<BertModel>>> = OnceLock::new();
    let open = || {
        default_model()
            .map(|folder| Arc::new(BertModel::open(&folder, Budget::all()).expect("the fetched model opens")))
    };
    MODEL.get_or_init(open).clone().map(|model| model as Arc<dyn Embedder>)
}

/// The analyser, made once.
pub fn analyzer() -> Arc<Analyzer> {
    static ANALYZER: OnceLock<Arc<Analyzer>> = OnceLock::new();
    ANALYZER
        .get_or_init(|| Arc::new(Analyzer::new().expect("the built-in lexicon is whole")))
        .clone()
}

/// Rules with the test double in place of the model: fast, deterministic.
pub fn rules() -> Rules {
    Rules {
        analyzer: analyzer(),
        embedder: Some(Arc::new(HashEmbedder::new(64))),
    }
}

/// A small article.
pub fn article(id: &str, title: &str, text: &str) -> Article {
    Article {
        id: id.into(),
        title: title.into(),
        text: text.into(),
        ..Article::default()
    }
}

/// A new index made by `rules` with these articles, committed.
pub fn index_of(folder: &Path, rules: &Rules, articles: &[Article]) -> Arc<EmbeddedIndex> {
    let index = EmbeddedIndex::create(folder, &rules.identity()).expect("a new index");
    let ingest = Ingest::open(&index, rules.clone()).expect("the writer");
    put(&ingest, articles);
    ingest.commit().expect("a commit");
    ingest.into_writer().finish().expect("the writer ends");
    index
}

/// Articles into an index, none of them refused.
pub fn put(ingest: &Ingest, articles: &[Article]) -> Counts {
    let results = ingest.upsert(articles.to_vec(), Budget::all()).into_iter();
    results
        .collect::<baowen::error::Result<Counts>>()
        .expect("articles go in")
}
