//! What commands do over an index in Milvus: the one place that opens it, with the model that it names.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use indicatif::ProgressBar;

use super::interrupted::Interruptible;
use super::setup::{self, VectorsBy};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::embed::{CachedEmbedder, Embedder, Models, Unopened};
use crate::error::{Error, Fault, Result};
use crate::index::ingest::destination::Written;
use crate::index::ingest::run::{Request, read_into};
use crate::index::ingest::summary::Summary;
use crate::index::ingest::through::{copy, copy_into_folder};
use crate::index::ingest::{Counts, Ingest, Progress};
use crate::index::milvus::{Address, MilvusIndex};
use crate::index::{Backend, EmbeddedIndex, Identity, Rules, Writer};
use crate::profile::Profile;
use crate::search::Engine;
use crate::settings::DEFAULT_INDEX;
use crate::text::Analyzer;

/// An index in Milvus instead of a folder.
#[derive(Args, Clone, Default)]
pub struct BackendAddress {
    /// Use the index at this address of Milvus; a folder that is named as well is not looked at.
    #[arg(long = "backend", value_name = "milvus://HOST:PORT/NAME")]
    pub address: Option<String>,
}

/// An index opened for asking.
pub struct Opened {
    /// The index.
    pub index: Arc<MilvusIndex>,
    /// The engine over it.
    pub engine: Engine,
    /// What analyses questions.
    pub analyzer: Arc<Analyzer>,
    model: Option<Arc<dyn Embedder>>,
}

impl Opened {
    /// The rules to write to it by: those it is asked by.
    pub fn rules(&self) -> Result<Rules> {
        let embedder = match &self.model {
            Some(model) => Some(setup::cached(model.clone(), Path::new(DEFAULT_INDEX))?.0),
            None => None,
        };
        let rules = Rules {
            analyzer: self.analyzer.clone(),
            embedder,
        };
        check_rules(&self.index, &rules)?;
        Ok(rules)
    }
}

/// Opens an index for asking, ranked by a profile, with the model that it names.
pub fn open(address: &str, profile: &Profile, reranker: Option<&str>) -> Result<Opened> {
    with_models(reached(address, profile)?, profile, reranker)
}

/// An index, of whose models nothing is known yet.
pub fn reached(address: &str, profile: &Profile) -> Result<Arc<MilvusIndex>> {
    MilvusIndex::open(&parsed(address)?, profile.bm25)
}

/// An index with the models that it is asked by.
pub fn with_models(index: Arc<MilvusIndex>, profile: &Profile, reranker: Option<&str>) -> Result<Opened> {
    let identity = index.identity();
    let analyzer = Arc::new(Analyzer::new()?.with_weights(profile.terms));
    let model = match identity.dimension {
        0 => None,
        _ => Some(Models::here().encoder_of(&identity.embedder, Budget::all())),
    };
    // A model of the name may have other weights.
    let found = model.as_ref().and_then(|model| model.as_ref().ok());
    index.check_identity(
        analyzer.fingerprint(),
        found.map(|model| (model.identity(), model.dimension())),
    )?;
    let (model, asked) = match model {
        None => (None, None),
        Some(Ok(model)) => (Some(model.clone()), Some(model)),
        // Answers say why they are by words alone.
        Some(Err(why)) => {
            let unopened = Unopened::new(&identity.embedder, identity.dimension, why);
            (None, Some(Arc::new(unopened) as Arc<dyn Embedder>))
        }
    };
    let engine = setup::engine_over(index.clone(), analyzer.clone(), asked, profile)?;
    let engine = setup::with_reranker(engine, reranker)?;
    Ok(Opened {
        index,
        engine,
        analyzer,
        model,
    })
}

/// What a new index is made by.
pub fn identity_of_new() -> Result<Identity> {
    let (rules, _) = setup::indexing_rules(Path::new(DEFAULT_INDEX), &VectorsBy::Chosen)?;
    Ok(rules.identity())
}

/// An index, made by these rules where there is none.
pub fn reached_or_made(address: &str, profile: &Profile, identity: &Identity) -> Result<Arc<MilvusIndex>> {
    let address = parsed(address)?;
    match existing(&address, profile)? {
        Some(index) => Ok(index),
        None => MilvusIndex::create(&address, identity, profile.bm25),
    }
}

/// Refuses what is no address, and a password that everybody on the way could read.
pub fn check(address: &str) -> Result<()> {
    parsed(address).map(drop)
}

/// The variable that holds `USER:PASSWORD` or an API key where the address does not: what stands on a command line is
/// seen by every user of the machine.
const TOKEN: &str = "BAOWEN_MILVUS_TOKEN";

fn parsed(address: &str) -> Result<Address> {
    with_token(address, std::env::var(TOKEN).ok())
}

/// An address, with a token where it has none itself. One that everybody on the way could read is refused.
fn with_token(address: &str, token: Option<String>) -> Result<Address> {
    let mut address = Address::parse(address)?;
    address.token = address.token.or(token.filter(|token| !token.is_empty()));
    if address.token.is_some() && !address.tls && !address.is_here() {
        Err(Error::caller(format!(
            "the password would go to {address} for everybody on the way to read"
        ))
        .help("write ?tls=true behind the address"))
    } else {
        Ok(address)
    }
}

/// An address as it may be shown: without password and options.
pub fn shown(address: &str) -> String {
    Address::parse(address).map_or_else(|_| address.to_owned(), |address| address.to_string())
}

/// The rules to write by, and the cache of vectors.
type Writing = (Rules, Option<Arc<CachedEmbedder>>);

/// The rules to write to an index by, which must be its own.
fn rules_of(index: &MilvusIndex) -> Result<Writing> {
    let identity = index.identity();
    let vectors = match identity.dimension {
        0 => VectorsBy::Nothing,
        _ => VectorsBy::Of(&identity.embedder),
    };
    let (rules, cache) = setup::indexing_rules(Path::new(DEFAULT_INDEX), &vectors)?;
    check_rules(index, &rules)?;
    Ok((rules, cache))
}

/// Refuses rules that are not those of the index.
fn check_rules(index: &MilvusIndex, rules: &Rules) -> Result<()> {
    let identity = index.identity();
    rules.check_vectors_of(&identity, "the index")?;
    let embedder = rules.embedder.as_ref().map(|e| (e.identity(), e.dimension()));
    index.check_identity(rules.analyzer.fingerprint(), embedder)?;
    if identity == rules.identity() {
        Ok(())
    } else {
        // That lets rules with vectors pass where the index keeps none.
        Err(
            Error::precondition("the index is made by other rules than this program has just read of it")
                .help("run it again; if it says so again, `baowen rebuild` makes the index by this program's rules"),
        )
    }
}

/// The right to write to an index by these rules. They are checked when it is held: until then somebody else may make
/// the index again by others.
fn writer_by(index: &Arc<MilvusIndex>, rules: &Rules) -> Result<Box<dyn Writer>> {
    let writer = index.clone().writer()?;
    check_rules(index, rules)?;
    Ok(writer)
}

/// Opens an index; none if there is none.
fn existing(address: &Address, profile: &Profile) -> Result<Option<Arc<MilvusIndex>>> {
    match MilvusIndex::open(address, profile.bm25) {
        Err(error) if error.fault() == Fault::Missing => Ok(None),
        opened => opened.map(Some),
    }
}

/// An index without the model that questions need.
pub fn without_model(address: &str) -> Result<Arc<MilvusIndex>> {
    MilvusIndex::open(&parsed(address)?, Profile::shipped().bm25)
}

/// Reads paths into an index in Milvus, made if need be; `anew` makes it again from these alone.
pub fn index(
    address: &str,
    request: Request,
    (with_model, anew): (bool, bool),
    progress: &dyn Progress,
) -> Result<Summary> {
    let started = std::time::Instant::now();
    // Before anything is made for them.
    for path in &request.paths {
        Sources::default().claim_any(path)?;
    }
    let (address, profile) = (parsed(address)?, Profile::shipped());
    let interruptible = Interruptible::begin()?;
    let existing = existing(&address, profile)?;
    if let Some(index) = existing.as_ref().filter(|index| index.identity().dimension == 0)
        && with_model
        && !anew
    {
        // One of words alone gets vectors once there is a model, as in a folder.
        let (rules, _) = setup::indexing_rules(Path::new(DEFAULT_INDEX), &VectorsBy::Chosen)?;
        if rules.embedder.is_some() {
            remake(index, rules, &interruptible)?;
        }
    }
    let (rules, cache) = match (&existing, anew, with_model) {
        (Some(index), false, _) => rules_of(index)?,
        (_, _, true) => setup::indexing_rules(Path::new(DEFAULT_INDEX), &VectorsBy::Chosen)?,
        (_, _, false) => setup::indexing_rules(Path::new(DEFAULT_INDEX), &VectorsBy::Nothing)?,
    };
    let (index, is_anew) = match existing {
        Some(index) => (index, anew),
        None => (MilvusIndex::create(&address, &rules.identity(), profile.bm25)?, false),
    };
    interruptible.gives_back(&index);
    let (writer, before) = if is_anew {
        (index.clone().writer_anew(&rules.identity())?, None)
    } else {
        (writer_by(&index, &rules)?, Some(index.clone() as Arc<dyn Backend>))
    };
    let written = Written {
        before,
        ingest: Ingest::new(writer, rules),
    };
    let request = Request {
        // What is made anew takes the old one's place with its first commit.
        commit_every: if is_anew { 0 } else { request.commit_every },
        ..request
    };
    let mut summary = read_into(&written, &request, Budget::all(), progress)?;
    if let Some(cache) = &cache {
        (summary.embedded, summary.cached) = (cache.misses(), cache.hits());
    }
    finished(summary, &*index, started)
}

/// Makes an index again from the articles that it keeps; it answers from what was there until it is done.
pub fn rebuild(address: &str, vectors: &VectorsBy<'_>) -> Result<Summary> {
    let started = std::time::Instant::now();
    let index = MilvusIndex::open(&parsed(address)?, Profile::shipped().bm25)?;
    let identity = index.identity();
    let vectors = match vectors {
        VectorsBy::Itself if identity.dimension > 0 => &VectorsBy::Of(&identity.embedder),
        // One of words alone gets the vectors that a new one would have.
        VectorsBy::Itself => &VectorsBy::Chosen,
        vectors => vectors,
    };
    let (rules, cache) = setup::indexing_rules(Path::new(DEFAULT_INDEX), vectors)?;
    if !matches!(vectors, VectorsBy::Nothing) {
        rules.check_vectors_of(&identity, "the index")?;
    }
    let counts = remake(&index, rules, &Interruptible::begin()?)?;
    finished(summary(counts, cache.as_ref()), &*index, started)
}

/// Makes a new generation of what an index holds, by these rules.
fn remake(index: &Arc<MilvusIndex>, rules: Rules, interruptible: &Interruptible) -> Result<Counts> {
    index.check_articles()?;
    interruptible.gives_back(index);
    let writer = index.clone().writer_anew(&rules.identity())?;
    let from = index.clone() as Arc<dyn Backend>;
    copied(&from, &Ingest::new(writer, rules))
}

/// Copies an index into another one, each in a folder or in Milvus. What an index in Milvus holds is replaced only
/// where that is wanted; a folder must hold none.
pub fn copy_between(from: &str, to: &str, replace: bool, progress: &dyn Progress) -> Result<Summary> {
    let started = std::time::Instant::now();
    if Address::is_meant(from) && Address::is_meant(to) && parsed(from)?.is_of_the_same_index(&parsed(to)?) {
        return Err(Error::caller(format!("{} would be copied into itself", shown(from))).help("name another index"));
    }
    let bm25 = Profile::shipped().bm25;
    let interruptible = Interruptible::begin()?;
    // Nobody writes to what is read out of Milvus until all is there: what another commit replaces is deleted a minute
    // later.
    let mut _held = None;
    let (source, identity): (Arc<dyn Backend>, _) = if Address::is_meant(from) {
        let index = MilvusIndex::open(&parsed(from)?, bm25)?;
        index.check_articles()?;
        interruptible.gives_back(&index);
        _held = Some(index.clone().held()?);
        let identity = index.identity();
        (index, identity)
    } else {
        let index = EmbeddedIndex::open(Path::new(from))?;
        index.check_undamaged(Budget::all())?;
        let identity = index.identity().clone();
        (index, identity)
    };
    let vectors = match identity.dimension {
        0 => VectorsBy::Nothing,
        _ => VectorsBy::Of(&identity.embedder),
    };
    let (rules, cache) = setup::indexing_rules(Path::new(DEFAULT_INDEX), &vectors)?;
    rules.check_vectors_of(&identity, "the index")?;
    if !Address::is_meant(to) {
        let (target, counts) = copy_into_folder(&source, Path::new(to), rules, Budget::all(), progress)?;
        return finished(summary(counts, cache.as_ref()), &*target, started);
    }
    let address = parsed(to)?;
    let (target, writer) = match existing(&address, Profile::shipped())? {
        Some(index) if !replace && index.current().about().articles > 0 => {
            let held = index.current().about().articles;
            return Err(Error::precondition(format!("{address} holds {held} articles"))
                .help("--replace lets the copy take their place"));
        }
        Some(index) => {
            interruptible.gives_back(&index);
            (index.clone(), index.writer_anew(&rules.identity())?)
        }
        None => {
            let index = MilvusIndex::create(&address, &rules.identity(), bm25)?;
            interruptible.gives_back(&index);
            let writer = writer_by(&index, &rules)?;
            (index, writer)
        }
    };
    let counts = copied(&source, &Ingest::new(writer, rules))?;
    finished(summary(counts, cache.as_ref()), &*target, started)
}

fn summary(counts: Counts, cache: Option<&Arc<CachedEmbedder>>) -> Summary {
    let mut summary = Summary {
        articles: counts.added,
        added: counts.added,
        passages: counts.passages,
        ..Summary::default()
    };
    if let Some(cache) = cache {
        (summary.embedded, summary.cached) = (cache.misses(), cache.hits());
    }
    summary
}

fn copied(from: &Arc<dyn Backend>, to: &Ingest<Box<dyn Writer>>) -> Result<Counts> {
    let bar = ProgressBar::new(0);
    let counts = copy(from, to, Budget::all(), &mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    Ok(counts)
}

fn finished(mut summary: Summary, index: &dyn Backend, started: std::time::Instant) -> Result<Summary> {
    let snapshot = index.snapshot()?;
    let about = snapshot.about();
    (summary.total_articles, summary.total_passages) = (about.articles, about.passages);
    summary.without_vectors = about.identity.dimension == 0;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_and_never_sent_in_clear() {
        let read = |address: &str, token: Option<&str>| {
            let address = with_token(&format!("milvus://{address}"), token.map(String::from));
            address.map(|address| address.token).map_err(|error| error.to_string())
        };
        let check = |address: &str, token: Option<&str>, expected: Option<&str>| {
            assert_eq!(
                read(address, token),
                Ok(expected.map(String::from)),
                "{address} {token:?}"
            );
        };
        check("db:1/a", None, None);
        check("db:1/a", Some(""), None);
        check("db:1/a?tls=true", Some("me:secret"), Some("me:secret"));
        check("you:other@db:1/a?tls=true", Some("me:secret"), Some("you:other"));
        check("127.0.0.1:1/a", Some("me:secret"), Some("me:secret"));
        let refused = |address: &str, token: Option<&str>| {
            let said = read(address, token).unwrap_err();
            assert!(said.contains("milvus://db:1/a") && !said.contains("secret"), "{said}");
        };
        refused("db:1/a", Some("me:secret"));
        refused("me:secret@db:1/a", None);
        refused("me:secret@db:1/a?tls=false", None);
    }
}
