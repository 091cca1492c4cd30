//! What the integration tests share: folders, articles, the real model, the shared data.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use baowen::compute::Budget;
use baowen::embed::fetch::{DEFAULT, E5_FILE, IN_USE};
use baowen::embed::{Embedder, HashEmbedder, LocalModel};
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

/// The folder of a model's files, fetched if they are not there. `None` (and a line that says so) where it cannot be had.
fn fetched(name: &str) -> Option<PathBuf> {
    match baowen::embed::fetch(&model_dir(), name, &mut |_| ControlFlow::Continue(())) {
        Ok(folder) => Some(folder),
        Err(error) => {
            needed::missing(error);
            None
        }
    }
}

/// A folder of models that has only the one that the expected values are of; a better one beside it would answer.
pub fn model_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let alone = || {
        let file = fetched(IN_USE)?.join(E5_FILE);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(IN_USE);
        std::fs::create_dir_all(&folder).expect("a folder for tests");
        let place = folder.join(E5_FILE);
        // Another run may do the same at this moment; a link is whole or not there.
        if !place.exists() && std::fs::hard_link(&file, &place).is_err() && !place.exists() {
            std::fs::copy(&file, &place).expect("a copy of the model");
        }
        Some(folder)
    };
    FOLDER.get_or_init(alone).clone()
}

/// The folder of the default model's files.
pub fn default_model() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| fetched(DEFAULT)).clone()
}

/// The real model, opened once.
pub fn model() -> Option<Arc<dyn Embedder>> {
    static MODEL: OnceLock<Option<Arc<LocalModel>>> = OnceLock::new();
    let model = MODEL.get_or_init(|| {
        model_folder().map(|folder| Arc::new(LocalModel::open(&folder).expect("the fetched model opens")))
    });
    model.clone().map(|model| model as Arc<dyn Embedder>)
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
