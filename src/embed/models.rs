//! The folder of models: which are there, under which names, which one new indexes are made with; and a model opened by
//! its name or by the identity that an index keeps.
//!
//! A model is built in and runs on our own kernels, is a folder in a hub's layout (`folder`), which an ONNX runtime
//! runs, or a folder with the settings of an endpoint (`endpoint`). Nothing here fetches anything.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bert::BertModel;
use super::endpoint_identity::{self, ENDPOINT};
use super::fetch::{DEFAULT, model_dir};
use super::folder::{ModelFolder, Role};
use super::open::{
    check_endpoint, check_onnx, endpoint_encoder, endpoint_identity_in, endpoint_reranker, endpoint_role, open_encoder,
    open_reranker,
};
use super::{Embedder, Reranker};
use crate::compute::Budget;
use crate::error::{Context as _, Error, Fault, Result};
use crate::files::write_whole;

/// What makes a folder an endpoint; the same as `endpoint::FILE`, which is there with the feature `http` alone.
const ENDPOINT_FILE: &str = "endpoint.toml";
/// Holds the name of the model that new indexes are made with, on one line; not there if that is the default.
const CHOSEN: &str = "chosen";
/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 100;

/// The folder of models.
#[derive(Debug, Clone)]
pub struct Models {
    folder: PathBuf,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// This program, on its own kernels.
    BuiltIn,
    /// This program, by an ONNX runtime.
    Onnx,
    /// A server, asked over HTTP.
    Endpoint,
}

/// A model of the folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What runs it.
    pub runs: Runs,
    /// Whether new indexes are made with it.
    pub is_chosen: bool,
    /// Why it cannot be used, if that shows without asking anybody.
    pub problem: Option<Error>,
}

impl Models {
    /// The folder of this process: `BAOWEN_MODEL_DIR`, else `index/models`.
    pub fn here() -> Self {
        Models::in_folder(model_dir(None))
    }

    /// Any folder; it need not be there.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Models { folder: folder.into() }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The models that are there, by name, each looked at as closely as can be without running it: the built-in one is
    /// opened, which tells whether it is damaged.
    ///
    /// # Errors
    /// `Unavailable` if the folder cannot be read; there being none is no error.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let mut entries = self.found()?;
        for entry in entries.iter_mut().filter(|entry| entry.problem.is_none()) {
            entry.problem = self.problem(&entry.name, entry.runs).err();
        }
        Ok(entries)
    }

    /// Whether a model of the folder can be run here.
    fn problem(&self, name: &str, runs: Runs) -> Result<()> {
        match runs {
            Runs::BuiltIn => self.encoder(name, Budget::all()).map(drop),
            Runs::Onnx => check_onnx(&self.read(name)?),
            Runs::Endpoint => check_endpoint(&self.folder.join(name)),
        }
    }

    /// The models that are there, by name; their problems are those of what says what they are.
    fn found(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if self.holds_default() {
            entries.push(Entry {
                name: DEFAULT.into(),
                role: Role::Encoder,
                runs: Runs::BuiltIn,
                is_chosen: false,
                problem: None,
            });
        }
        let chosen = self.chosen()?.unwrap_or_else(|| DEFAULT.into());
        let doing = || format!("reading the model folder {}", self.folder.display());
        let folders = match fs::read_dir(&self.folder) {
            Ok(folders) => folders,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
            Err(cause) => return Err(cause).or_fault(Fault::Unavailable, doing()),
        };
        for folder in folders {
            let folder = folder.or_fault(Fault::Unavailable, doing())?;
            let name = folder.file_name().to_string_lossy().into_owned();
            let holds = |file: &str| folder.path().join(file).is_file();
            if check_name(&name).is_err() || name == DEFAULT {
                continue;
            }
            let (runs, read) = if holds(ENDPOINT_FILE) {
                (Runs::Endpoint, endpoint_role(&folder.path()))
            } else if holds("config.json") {
                (Runs::Onnx, ModelFolder::read(&folder.path()).map(|read| read.role))
            } else {
                continue;
            };
            entries.push(Entry {
                role: *read.as_ref().unwrap_or(&Role::Encoder),
                runs,
                is_chosen: false,
                problem: read.err(),
                name,
            });
        }
        for entry in &mut entries {
            entry.is_chosen = chosen == entry.name;
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// The model that was chosen for new indexes; none if that is the default one.
    ///
    /// # Errors
    /// `Unavailable` if the choice cannot be read, `Corrupt` if it names nothing that could be a model.
    pub fn chosen(&self) -> Result<Option<String>> {
        let path = self.folder.join(CHOSEN);
        let doing = || format!("reading {}", path.display());
        let name = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(cause).or_fault(Fault::Unavailable, doing()),
        };
        match check_name(&name) {
            Ok(()) => Ok(Some(name)),
            Err(error) => Err(Error::corrupt(error.message())
                .context(doing())
                .help("choose a model with `baowen model use NAME`")),
        }
    }

    /// Has new indexes made with this encoder. What is returned keeps it from being used now and is not in its folder:
    /// an endpoint's key, which may come with the next shell.
    ///
    /// # Errors
    /// `Missing` if it is not there, `Caller` if it is a reranker, `Unavailable` if the choice cannot be kept; why it
    /// cannot be run here, if it cannot.
    pub fn choose(&self, name: &str) -> Result<Option<Error>> {
        if name != DEFAULT && self.role(name)? != Role::Encoder {
            return Err(
                Error::caller(format!("{name} is a reranker; indexes are made with an encoder"))
                    .help("rerankers are named where questions are asked: `baowen search --reranker NAME`"),
            );
        }
        if name == DEFAULT && !self.holds_default() {
            return Err(self.not_here(name));
        }
        let runs = match (name == DEFAULT, self.is_endpoint(name)) {
            (true, _) => Runs::BuiltIn,
            (_, true) => Runs::Endpoint,
            _ => Runs::Onnx,
        };
        let problem = match self.problem(name, runs) {
            Err(error) if runs != Runs::Endpoint => return Err(error),
            checked => checked.err(),
        };
        write_whole(&self.folder.join(CHOSEN), "the choice of a model", |file| {
            writeln!(file, "{name}")
        })?;
        Ok(problem)
    }

    /// Opens an encoder.
    ///
    /// # Errors
    /// `Missing` if it is not there and for no other reason; else as its kind of model says.
    pub fn encoder(&self, name: &str, budget: Budget) -> Result<Arc<dyn Embedder>> {
        if name != DEFAULT {
            return match self.endpoint(name)? {
                Some(folder) => endpoint_encoder(&folder),
                None => open_encoder(&self.read(name)?),
            };
        }
        if self.holds_default() {
            match BertModel::open(&self.folder.join(name), budget) {
                Ok(model) => Ok(Arc::new(model)),
                // The model is there, and not whole.
                Err(error) if error.fault() == Fault::Missing => {
                    Err(Error::corrupt(error.message()).help("run `baowen model fetch`, which repairs it"))
                }
                Err(error) => Err(error),
            }
        } else {
            Err(self.not_here(name))
        }
    }

    /// Opens the encoder that new indexes are made with.
    ///
    /// # Errors
    /// As [`Models::encoder`].
    pub fn chosen_encoder(&self, budget: Budget) -> Result<Arc<dyn Embedder>> {
        self.encoder(self.chosen()?.as_deref().unwrap_or(DEFAULT), budget)
    }

    /// Opens the encoder that made an index, by the identity that the index keeps: its first word is the model's name.
    ///
    /// Of several endpoints of one identity the chosen one is opened, else the first by name.
    ///
    /// # Errors
    /// As [`Models::encoder`]; for an endpoint with what keeps each that is there from being the one, or from being
    /// opened. What is opened may have the name and be another model; its identity says so.
    pub fn encoder_of(&self, identity: &str, budget: Budget) -> Result<Arc<dyn Embedder>> {
        if name_in(identity) != ENDPOINT {
            return self.encoder(name_in(identity), budget);
        }
        let mut endpoints = self.found()?;
        endpoints.retain(|entry| entry.runs == Runs::Endpoint && entry.role == Role::Encoder);
        endpoints.sort_by_key(|entry| !entry.is_chosen);
        let mut failures: Vec<Error> = Vec::new();
        for Entry { name, .. } in endpoints {
            // Opening an endpoint sends no request.
            match self.encoder(&name, budget) {
                Ok(model) if model.identity() == identity => return Ok(model),
                Ok(model) => {
                    let difference = endpoint_identity::difference(model.identity(), identity);
                    failures.extend(difference.map(|difference| {
                        Error::unavailable(format!("of the endpoint {name} {difference} when the index was made")).help(
                            format!("set it back in its endpoint.toml, or run `baowen rebuild --model {name}`"),
                        )
                    }));
                }
                // What keeps another model from being opened is no reason.
                Err(error) => {
                    let own = endpoint_identity_in(&self.folder.join(&name)).ok();
                    failures.extend(own.is_none_or(|own| own == identity).then_some(error));
                }
            }
        }
        if failures.is_empty() {
            return Err(self.not_here(identity));
        }
        let reasons: Vec<String> = failures.iter().map(ToString::to_string).collect();
        Err(Error::unavailable(format!(
            "no endpoint here is `{identity}`, which the index names: {}",
            reasons.join("; ")
        )))
    }

    /// Whether a model is asked over HTTP.
    pub fn is_endpoint(&self, name: &str) -> bool {
        self.endpoint(name).is_ok_and(|folder| folder.is_some())
    }

    /// Whether the model of this identity is.
    pub fn is_endpoint_of(&self, identity: &str) -> bool {
        endpoint_identity::is_endpoint(identity)
    }

    /// Opens a reranker.
    ///
    /// # Errors
    /// As [`Models::encoder`].
    pub fn reranker(&self, name: &str) -> Result<Arc<dyn Reranker>> {
        if name == DEFAULT {
            Err(Error::caller(format!("{name} is an encoder, which scores no pairs")))
        } else {
            match self.endpoint(name)? {
                Some(folder) => endpoint_reranker(&folder),
                None => open_reranker(&self.read(name)?),
            }
        }
    }

    /// A model's folder, read.
    ///
    /// # Errors
    /// As [`ModelFolder::read`]; `Missing` names the models that are there.
    pub fn read(&self, name: &str) -> Result<ModelFolder> {
        check_name(name)?;
        let folder = self.folder.join(name);
        if folder.is_dir() {
            ModelFolder::read(&folder)
        } else {
            Err(self.not_here(name))
        }
    }

    /// The folder of a model if it is an endpoint's.
    fn endpoint(&self, name: &str) -> Result<Option<PathBuf>> {
        check_name(name)?;
        let folder = self.folder.join(name);
        Ok(folder.join(ENDPOINT_FILE).is_file().then_some(folder))
    }

    fn role(&self, name: &str) -> Result<Role> {
        match self.endpoint(name)? {
            Some(folder) => endpoint_role(&folder),
            None => Ok(self.read(name)?.role),
        }
    }

    fn holds_default(&self) -> bool {
        self.folder.join(DEFAULT).is_dir()
    }

    fn not_here(&self, name: &str) -> Error {
        let others = self.found().unwrap_or_default();
        let others: Vec<&str> = others.iter().map(|entry| entry.name.as_str()).collect();
        let others = if others.is_empty() {
            "nothing".into()
        } else {
            others.join(", ")
        };
        Error::missing(format!(
            "there is no model {name} in {}, which holds {others}",
            self.folder.display()
        ))
        .help("`baowen model fetch` fetches the default one, `baowen model import DIR` takes in another")
    }
}

/// The name in an identity: its first word.
fn name_in(identity: &str) -> &str {
    identity.split(' ').next().unwrap_or_default()
}

/// A name is a folder's and the first word of an identity.
pub(super) fn check_name(name: &str) -> Result<()> {
    if name == ENDPOINT {
        return Err(Error::caller(format!(
            "`{name}` cannot be the name of a model: it stands for what is asked at an address"
        ))
        .help("give it another one with --name"));
    }
    let allowed = |c: char| c.is_alphanumeric() || ['-', '_', '.', '+'].contains(&c);
    let is_right =
        !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(allowed) && !name.starts_with('.');
    if is_right {
        Ok(())
    } else {
        Err(Error::caller(format!(
            "`{name}` cannot be the name of a model: it has 1 to {LONGEST_NAME} bytes of letters, digits, -, _, + and ., \
             and does not begin with a dot"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model folder with these folders in it, each with these settings.
    fn models(held: &[(&str, &str)]) -> (Models, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        for (name, config) in held {
            let model = folder.path().join(name);
            fs::create_dir_all(model.join("onnx")).unwrap();
            fs::write(model.join("config.json"), config).unwrap();
            fs::write(model.join("tokenizer.json"), "").unwrap();
            fs::write(model.join("onnx/model.onnx"), "").unwrap();
        }
        (Models::in_folder(folder.path()), folder)
    }

    const ENCODER: &str = r#"{"architectures": ["BertModel"]}"#;
    const RERANKER: &str = r#"{"architectures": ["BertForSequenceClassification"], "num_labels": 1}"#;

    #[test]
    fn models_are_listed_by_name_and_one_is_chosen() {
        let (models, _kept) = models(&[("b", RERANKER), ("a", ENCODER), ("c", "{"), (".import-1", ENCODER)]);
        let listed = || {
            let told = |entry: &Entry| (entry.name.clone(), entry.role, entry.is_chosen, entry.problem.is_some());
            models.list().unwrap().iter().map(told).collect::<Vec<_>>()
        };
        let expected = |chosen: bool| {
            vec![
                ("a".to_owned(), Role::Encoder, chosen, !cfg!(feature = "onnx")),
                ("b".to_owned(), Role::Reranker, false, !cfg!(feature = "onnx")),
                ("c".to_owned(), Role::Encoder, false, true),
            ]
        };
        assert_eq!(listed(), expected(false));
        // What cannot be run here is not chosen, and the way out is named.
        match models.choose("a") {
            Ok(problem) => assert!(problem.is_none() && cfg!(feature = "onnx")),
            Err(error) => {
                assert!(
                    !cfg!(feature = "onnx") && error.to_string().contains("--features onnx"),
                    "{error}"
                );
                fs::write(models.folder().join(CHOSEN), "a\n").unwrap();
            }
        }
        assert_eq!(listed(), expected(true));
        assert_eq!(models.chosen().unwrap().as_deref(), Some("a"));
        assert_eq!(models.choose("b").unwrap_err().fault(), Fault::Caller);
        assert_eq!(models.choose("c").unwrap_err().fault(), Fault::Corrupt);
        for missing in ["d", DEFAULT] {
            let error = models.choose(missing).unwrap_err();
            assert_eq!(error.fault(), Fault::Missing, "{error}");
            assert!(error.message().contains("a, b, c"), "{error}");
        }
        assert_eq!(models.chosen().unwrap().as_deref(), Some("a"));
        fs::write(models.folder().join(CHOSEN), "../a\n").unwrap();
        assert_eq!(models.chosen().unwrap_err().fault(), Fault::Corrupt);
        assert!(Models::in_folder("no/such").list().unwrap().is_empty());
    }

    /// The settings of endpoints, each in a folder of its name.
    #[cfg(feature = "http")]
    fn endpoints(held: &[(&str, &str)]) -> (Models, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        for (name, more) in held {
            fs::create_dir(folder.path().join(name)).unwrap();
            let text = format!("kind = \"tei\"\nurl = \"http://{name}/embed\"\nmodel = \"m\"\n{more}\n");
            fs::write(folder.path().join(name).join(ENDPOINT_FILE), text).unwrap();
        }
        (Models::in_folder(folder.path()), folder)
    }

    #[cfg(feature = "http")]
    #[test]
    fn why_no_endpoint_is_the_one_of_an_index_is_said() {
        let check = |more: &str, expected: &[&str]| {
            let (models, _kept) = endpoints(&[("one", more)]);
            let error = models.encoder_of("endpoint m 256", Budget::single()).err().unwrap();
            let said = error.to_string();
            assert_ne!(error.fault(), Fault::Missing, "{said}");
            assert!(!said.contains("model fetch"), "{said}");
            expected
                .iter()
                .for_each(|part| assert!(said.contains(part), "{part} in {said}"));
        };
        let no_key = "dimension = 256\nkey_env = \"BAOWEN_NO_SUCH_KEY\"";
        check(no_key, &["BAOWEN_NO_SUCH_KEY is not set"]);
        check("dimension = 256\nkey_file = \"nowhere\"", &["nowhere"]);
        check("dimension = \"256\"", &["one/endpoint.toml", "dimension"]);
        check(
            "dimension = 128",
            &["`dimension` is 128, and 256 was", "rebuild --model one"],
        );
        check(
            "dimension = 256\nquery_prefix = \"问\"",
            &["`query_prefix`", "rebuild --model one"],
        );
        let (models, _kept) = endpoints(&[("one", "dimension = 256\nmax_tokens = 32")]);
        models.encoder_of("endpoint m 256", Budget::single()).unwrap();
        let error = models.encoder_of("endpoint other 256", Budget::single()).err().unwrap();
        assert_eq!(error.fault(), Fault::Missing);
        // What keeps another model from being opened says nothing of this one.
        let (models, _kept) = endpoints(&[("one", no_key)]);
        let error = models.encoder_of("endpoint other 256", Budget::single()).err().unwrap();
        assert_eq!(error.fault(), Fault::Missing, "{error}");
        // It is listed with what it lacks, and may be chosen before its key is there.
        let (models, _kept) = endpoints(&[("one", no_key)]);
        let listed = models.list().unwrap();
        let problem = listed[0].problem.as_ref().unwrap();
        assert!(problem.message().contains("BAOWEN_NO_SUCH_KEY"), "{problem}");
        let problem = models.choose("one").unwrap().unwrap();
        assert!(problem.message().contains("BAOWEN_NO_SUCH_KEY"), "{problem}");
        assert_eq!(models.chosen().unwrap().as_deref(), Some("one"));
    }

    #[cfg(feature = "http")]
    #[test]
    fn of_endpoints_with_one_identity_the_chosen_one_is_opened() {
        let held = [("a", 20), ("b", 30), ("c", 40)];
        let texts = held.map(|(name, most)| (name, format!("dimension = 2\nmax_tokens = {most}")));
        let (models, _kept) = endpoints(&texts.each_ref().map(|(name, text)| (*name, text.as_str())));
        let opened = || {
            models
                .encoder_of("endpoint m 2", Budget::single())
                .unwrap()
                .max_tokens()
        };
        let first = opened();
        for (name, most) in held {
            models.choose(name).unwrap();
            // Two marks are part of the room.
            assert_eq!(opened(), most - 2);
        }
        assert_eq!(first, 18, "by name where none of them is chosen");
    }

    #[test]
    fn a_default_model_that_is_not_whole_is_to_be_repaired() {
        let (models, _kept) = models(&[(DEFAULT, "{}")]);
        fs::remove_file(models.folder().join(DEFAULT).join("config.json")).unwrap();
        for error in [
            models.encoder(DEFAULT, Budget::single()).err().unwrap(),
            models.choose(DEFAULT).unwrap_err(),
            models.list().unwrap().remove(0).problem.unwrap(),
        ] {
            assert_eq!(error.fault(), Fault::Corrupt, "{error}");
            assert!(
                error.message().contains("config.json") && error.to_string().contains("model fetch"),
                "{error}"
            );
        }
        assert_eq!(models.chosen().unwrap(), None);
    }

    #[test]
    fn names_stay_inside_the_folder() {
        let check = |name: &str, is_right: bool| assert_eq!(check_name(name).is_ok(), is_right, "{name}");
        check("bge-reranker_v2.m3+x", true);
        check("保问", true);
        for wrong in [
            "",
            "..",
            ".hidden",
            "a/b",
            "a\\b",
            "a b",
            "a\n",
            "endpoint",
            &"a".repeat(101),
        ] {
            check(wrong, false);
        }
        let (models, _kept) = models(&[("a", ENCODER)]);
        assert_eq!(models.read("../a").unwrap_err().fault(), Fault::Caller);
    }

    /// A program that cannot run it says so, and what would.
    #[cfg(not(feature = "onnx"))]
    #[test]
    fn without_the_feature_the_way_out_is_named() {
        let (models, _kept) = models(&[("a", ENCODER), ("b", RERANKER)]);
        for error in [
            models.encoder("a", Budget::single()).err().unwrap(),
            models.reranker("b").err().unwrap(),
        ] {
            assert_eq!(error.fault(), Fault::Unavailable);
            assert!(error.to_string().contains("--features onnx"), "{error}");
        }
    }
}
