//! What several commands begin with: the analyser, the model if it is there, the index opened and checked against both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::compute::Budget;
use crate::embed::{CachedEmbedder, Embedder, Models, QUESTIONS, Unopened, VectorCache};
use crate::error::{Context, Error, Fault, Result};
use crate::index::{Backend, EmbeddedIndex, Followed, Rules};
use crate::profile::Profile;
use crate::search::{Engine, Ranking};
use crate::text::Analyzer;

/// The environment variable that moves the cache of vectors.
const CACHE_DIR: &str = "BAOWEN_CACHE_DIR";

/// Which model makes the vectors of an index that is written.
pub enum VectorsBy<'a> {
    /// None: words alone.
    Nothing,
    /// The one that made those that it keeps; where it keeps none, the one chosen for new indexes.
    Itself,
    /// The one chosen for new indexes.
    Chosen,
    /// This one.
    Named(&'a str),
    /// The one of this identity.
    #[cfg(feature = "milvus")]
    Of(&'a str),
}

impl VectorsBy<'_> {
    /// Whether it is a model that somebody chose for new indexes.
    fn is_by_choice(&self, index: &Path) -> bool {
        let of_new_ones = match self {
            VectorsBy::Chosen => true,
            VectorsBy::Itself => EmbeddedIndex::identity_in(index).is_err(),
            _ => false,
        };
        of_new_ones && Models::here().chosen().is_ok_and(|name| name.is_some())
    }

    /// The model; `None` with a word on the error stream where nobody chose one and the default one is not here, or
    /// where the model of an index is not here, which who writes to it refuses. A model that is here and cannot be
    /// opened is an error: vectors are not left out by accident.
    fn open(&self, index: &Path) -> Result<Option<Arc<dyn Embedder>>> {
        let models = Models::here();
        let opened = match self {
            VectorsBy::Nothing => return Ok(None),
            VectorsBy::Named(name) => return models.encoder(name, Budget::all()).map(Some),
            VectorsBy::Chosen => models.chosen_encoder(Budget::all()),
            #[cfg(feature = "milvus")]
            VectorsBy::Of(identity) => models.encoder_of(identity, Budget::all()),
            VectorsBy::Itself => match EmbeddedIndex::identity_in(index) {
                Ok(identity) if identity.dimension > 0 => models.encoder_of(&identity.embedder, Budget::all()),
                // Whatever is wrong with the index is said by who opens it.
                _ => models.chosen_encoder(Budget::all()),
            },
        };
        match opened {
            Ok(model) => Ok(Some(model)),
            Err(error) if error.fault() != Fault::Missing || self.is_by_choice(index) => Err(or_without(error)),
            Err(error) => {
                errln!("baowen: working by words alone, without the embedding model: {error}");
                Ok(None)
            }
        }
    }
}

/// The same error with the other way out.
fn or_without(error: Error) -> Error {
    let without = "or leave vectors out by `baowen index --no-vectors` or `baowen rebuild --no-vectors`";
    let help = match error.hint() {
        Some(help) => format!("{help}, {without}"),
        None => format!("mend that, {without}"),
    };
    Error::new(error.fault(), error.message()).help(help)
}

/// The rules to index by: vectors come from the cache where the text was embedded before.
pub fn indexing_rules(index: &Path, vectors: &VectorsBy) -> Result<(Rules, Option<Arc<CachedEmbedder>>)> {
    let analyzer = Arc::new(Analyzer::new()?);
    let Some(model) = vectors.open(index)? else {
        return Ok((
            Rules {
                analyzer,
                embedder: None,
            },
            None,
        ));
    };
    let (embedder, cached) = cached(model, index)?;
    let rules = Rules {
        analyzer,
        embedder: Some(embedder),
    };
    Ok((rules, cached))
}

/// A model in front of which stands the cache of vectors, if that can be opened.
type Cached = (Arc<dyn Embedder>, Option<Arc<CachedEmbedder>>);

/// The model with the vectors that it made before, for the index in a folder.
pub fn cached(model: Arc<dyn Embedder>, index: &Path) -> Result<Cached> {
    let folder = cache_folder(index);
    let cache = std::fs::create_dir_all(&folder)
        .or_fault(Fault::Unavailable, format!("creating {}", folder.display()))
        .and_then(|()| VectorCache::open(&cache_file_in(&folder), model.dimension()));
    Ok(match cache {
        Ok(cache) => {
            let cached = CachedEmbedder::new(model, cache)?.telling(say_uncached);
            let cached = Arc::new(cached);
            (cached.clone(), Some(cached))
        }
        // Nothing is lost but the time to embed again.
        Err(error) => {
            say_uncached(&error);
            (model, None)
        }
    })
}

/// Says that texts are embedded again that were before; by a service as its log has it.
fn say_uncached(error: &Error) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("embedding without the cache of vectors: {error}");
    } else {
        errln!("baowen: embedding without the cache of vectors: {error}");
    }
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
    let users = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else {
        named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))
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
    /// What analyses questions.
    pub analyzer: Arc<Analyzer>,
    embedder: Option<Arc<dyn Embedder>>,
    /// Why there is no embedder, where the model is here and cannot be opened.
    problem: Option<Error>,
}

impl Opened {
    /// The rules to add to the index by: those it is asked by.
    pub fn rules(&self) -> Result<Rules> {
        if let Some(problem) = &self.problem {
            return Err(or_without(problem.clone()));
        }
        let cached = |model: &Arc<dyn Embedder>| cached(model.clone(), self.index.index().folder());
        Ok(Rules {
            analyzer: self.analyzer.clone(),
            embedder: self.embedder.as_ref().map(cached).transpose()?.map(|(model, _)| model),
        })
    }

    /// The same with a reranker of the model folder, if one is named.
    pub fn with_reranker(mut self, name: Option<&str>) -> Result<Opened> {
        self.engine = with_reranker(self.engine, name)?;
        Ok(self)
    }
}

/// Opens an index for asking, ranked by a profile, with the model that it names. Analyser, model and index are opened
/// at the same time, since each takes its while.
pub fn open(folder: &Path, profile: &Profile) -> Result<Opened> {
    let identity = EmbeddedIndex::identity_in(folder)?;
    let models = Models::here();
    let model = |budget| match identity.dimension {
        // A rebuild may give it vectors while it is served.
        0 => models.chosen_encoder(budget),
        _ => models.encoder_of(&identity.embedder, budget),
    };
    let ((analyzer, model), index) = Budget::all().join(
        |budget| budget.join(|_| Analyzer::new(), model),
        |_| Followed::open(folder, profile.bm25),
    );
    let index = index?;
    let analyzer = Arc::new(analyzer?.with_weights(profile.terms));
    let (embedder, problem) = match model {
        Ok(model) => (Some(model), None),
        Err(error) if error.fault() == Fault::Missing || identity.dimension == 0 => (None, None),
        Err(error) => (None, Some(error)),
    };
    index.index().check_identity(
        analyzer.fingerprint(),
        embedder.as_ref().map(|e| (e.identity(), e.dimension())),
    )?;
    // Answers say why they are by words alone.
    let asked = match &problem {
        Some(why) => Some(Arc::new(Unopened::new(&identity.embedder, identity.dimension, why.clone())) as _),
        None => embedder.clone(),
    };
    let engine = engine_over(index.clone(), analyzer.clone(), asked, profile)?;
    Ok(Opened {
        index,
        engine,
        analyzer,
        embedder,
        problem,
    })
}

/// An engine over what keeps the passages, ranked by a profile.
///
/// # Errors
/// `Caller` for a profile with weights of features that are not there.
pub fn engine_over(
    backend: Arc<dyn Backend>,
    analyzer: Arc<Analyzer>,
    embedder: Option<Arc<dyn Embedder>>,
    profile: &Profile,
) -> Result<Engine> {
    let engine = Engine::new(backend, analyzer, embedder);
    if profile == Profile::shipped() {
        // The engine has it already.
        Ok(engine)
    } else {
        Ok(engine.with_ranking(Ranking::of(profile)?))
    }
}

/// The engine with a reranker of the model folder, if one is named.
///
/// # Errors
/// Those of opening it.
pub fn with_reranker(engine: Engine, name: Option<&str>) -> Result<Engine> {
    match name {
        Some(name) => Ok(engine.with_reranker(Models::here().reranker(name)?)),
        None => Ok(engine),
    }
}

/// How many questions may wait for models behind an address at a time, of the index in a folder and with a reranker.
pub fn questions_that_wait(folder: &Path, reranker: Option<&str>) -> usize {
    let models = Models::here();
    let encoder = match EmbeddedIndex::identity_in(folder) {
        Ok(identity) if identity.dimension > 0 => models.is_endpoint_of(&identity.embedder),
        _ => models
            .chosen()
            .is_ok_and(|name| name.is_some_and(|name| models.is_endpoint(&name))),
    };
    let reranker = reranker.is_some_and(|name| models.is_endpoint(name));
    QUESTIONS * (usize::from(encoder) + usize::from(reranker))
}
