//! What several commands begin with: the analyser, the model if it is there, the index opened and checked against both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::compute::Budget;
use crate::embed::{CachedEmbedder, Embedder, LocalModel, VectorCache, model_dir};
use crate::error::{Context, Fault, Result};
use crate::index::{Backend, Followed, Rules};
use crate::model::Date;
use crate::profile::Profile;
use crate::search::{Engine, Ranking};
use crate::text::Analyzer;

/// The environment variable that moves the cache of vectors.
const CACHE_DIR: &str = "BAOWEN_CACHE_DIR";

/// The local model, or `None` with a word on the error stream if it is absent or unusable.
pub fn local_model() -> Option<Arc<LocalModel>> {
    match LocalModel::open(&model_dir(None)) {
        Ok(model) => Some(Arc::new(model)),
        Err(error) => {
            eprintln!("baowen: answering by words alone, without the embedding model: {error}");
            None
        }
    }
}

/// The rules to index by: vectors come from the cache where the text was embedded before.
pub fn indexing_rules(index: &Path, with_model: bool) -> Result<(Rules, Option<Arc<CachedEmbedder>>)> {
    let analyzer = Arc::new(Analyzer::new()?);
    let model = if with_model { local_model() } else { None };
    let Some(model) = model else {
        return Ok((
            Rules {
                analyzer,
                embedder: None,
            },
            None,
        ));
    };
    let folder = cache_folder(index);
    let cache = std::fs::create_dir_all(&folder)
        .or_fault(Fault::Unavailable, format!("creating {}", folder.display()))
        .and_then(|()| VectorCache::open(&cache_file_in(&folder), model.dimension()));
    let (embedder, cached): (Arc<dyn Embedder>, _) = match cache {
        Ok(cache) => {
            let cached = Arc::new(CachedEmbedder::new(model, cache)?);
            (cached.clone(), Some(cached))
        }
        // Nothing is lost but the time to embed again.
        Err(error) => {
            eprintln!("baowen: embedding without the cache of vectors: {error}");
            (model, None)
        }
    };
    let rules = Rules {
        analyzer,
        embedder: Some(embedder),
    };
    Ok((rules, cached))
}

/// The folder that vectors are cached in: `BAOWEN_CACHE_DIR`, or the user's cache folder, where all indexes share them;
/// where there is none, one beside the index. Never the folder that one happens to stand in.
fn cache_folder(index: &Path) -> PathBuf {
    let named = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(folder) = std::env::var_os(CACHE_DIR) {
        return folder.into();
    }
    let users = match cfg!(windows) {
        true => named("LOCALAPPDATA"),
        false => named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache"))),
    };
    users.map_or_else(|| index.with_extension("cache"), |folder| folder.join("baowen"))
}

/// The same in a folder of one's own, as `BAOWEN_CACHE_DIR` would have it.
pub fn cache_file_in(folder: &Path) -> PathBuf {
    folder.join("vectors.bin")
}

/// An index opened for asking, with all that answers.
pub struct Opened {
    /// The index.
    pub index: Arc<Followed>,
    /// The engine over it.
    pub engine: Engine,
}

/// Opens an index for asking, ranked by a profile. Analyser, model and index are opened at the same time, since each
/// takes its while.
pub fn open(folder: &Path, profile: &Profile) -> Result<Opened> {
    let ((analyzer, model), index) = Budget::all().join(
        |budget| budget.join(|_| Analyzer::new(), |_| LocalModel::open(&model_dir(None))),
        |_| Followed::open(folder, profile.bm25),
    );
    let index = index?;
    let analyzer = Arc::new(analyzer?.with_weights(profile.terms));
    let embedder: Option<Arc<dyn Embedder>> = match model {
        Ok(model) => Some(Arc::new(model)),
        Err(error) if error.fault() == Fault::Missing => None,
        Err(error) => {
            eprintln!("baowen: {error}");
            None
        }
    };
    index.index().check_identity(
        analyzer.fingerprint(),
        embedder.as_ref().map(|e| (e.identity(), e.dimension())),
    )?;
    let engine = Engine::new(index.clone() as Arc<dyn Backend>, analyzer, embedder);
    let engine = match profile == Profile::shipped() {
        // The engine has it already, and goes without its adapter where the index is of another model.
        true => engine,
        false => engine.with_ranking(Ranking::of(profile)?)?,
    };
    Ok(Opened { index, engine })
}

/// Today by the machine's clock (UTC), for words such as 去年.
pub fn today() -> Option<Date> {
    let (year, month, day) = time::OffsetDateTime::now_utc().date().to_calendar_date();
    Date::new(u32::try_from(year).ok()?, u32::from(u8::from(month)), u32::from(day))
}
