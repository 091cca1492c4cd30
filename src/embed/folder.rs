//! A model's folder in the layout of a model hub, read and checked: which graph, which tokenizer, how many tokens, how
//! token vectors become one, what is put before a text. It never opens graph or tokenizer, so a model can be described
//! by a program that cannot run it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Context as _, Error, Fault, Result};

/// Settings are a few hundred bytes; a larger file is none.
const MOST_SETTINGS_BYTES: u64 = 1 << 20;
/// The most tokens of a text that are read, whatever the model could: the memory of attention grows by the square.
const MOST_TOKENS: usize = 1_024;
/// Fewer leave no room for a question and a passage.
const FEWEST_TOKENS: usize = 16;
/// Graphs by preference: 8-bit weights cost a fraction of the time.
const GRAPHS: [&str; 4] = [
    "model_quantized.onnx",
    "model_int8.onnx",
    "model_qint8.onnx",
    "model.onnx",
];
/// Model types whose positions are counted from behind the padding's id, so that as many fewer are left.
const COUNTED_FROM_PADDING: [&str; 6] = [
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "camembert",
    "mpnet",
    "longformer",
];

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text to vector.
    Encoder,
    /// Question and passage to relevance.
    Reranker,
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The first token's, `[CLS]` or `<s>`.
    First,
    /// The mean of all, control tokens included.
    Mean,
}

/// A model's folder.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is for.
    pub role: Role,
    /// The ONNX file.
    pub graph: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// The most tokens of one input, control tokens included; 16 to 1,024.
    pub most_tokens: usize,
    /// How token vectors become one; none if the folder does not say.
    pub pooling: Option<Pooling>,
    /// Put before a question.
    pub query_prompt: String,
    /// Put before a passage.
    pub passage_prompt: String,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    model_type: String,
    max_position_embeddings: Option<usize>,
    pad_token_id: Option<usize>,
    num_labels: Option<usize>,
    id2label: Option<BTreeMap<String, Value>>,
}

/// `tokenizer_config.json`; where there is no limit an absurdly large one stands.
#[derive(Deserialize, Default)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
}

/// `sentence_bert_config.json`.
#[derive(Deserialize, Default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

/// `1_Pooling/config.json`.
#[derive(Deserialize)]
struct PoolingConfig {
    /// How newer programs say it; older ones have a switch for each kind.
    pooling_mode: Option<String>,
    /// Whether the tokens of the prompt count, too.
    include_prompt: Option<bool>,
    #[serde(flatten)]
    modes: BTreeMap<String, Value>,
}

/// `config_sentence_transformers.json`.
#[derive(Deserialize, Default)]
struct PromptConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

impl ModelFolder {
    /// Reads a folder.
    ///
    /// # Errors
    /// `Missing` without the folder or a file that is needed, `Corrupt` for settings that cannot be read or that ask
    /// for what is not done here; the file, what was found and what is needed are named.
    pub fn read(path: &Path) -> Result<Self> {
        ModelFolder::read_with(path, None)
    }

    /// As [`ModelFolder::read`], with how token vectors become one instead of what the folder says of it.
    ///
    /// # Errors
    /// As there.
    pub fn read_with(path: &Path, given: Option<Pooling>) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::missing(format!("there is no folder {}", path.display())));
        }
        let config_path = path.join("config.json");
        let config: Config = settings(&config_path)?.ok_or_else(|| {
            Error::missing(format!(
                "{} is not there; a model's folder has it",
                config_path.display()
            ))
        })?;
        let role = role(&config);
        if role == Role::Reranker {
            check_one_score(&config, &config_path)?;
        }
        check_modules(&path.join("modules.json"))?;
        let tokenizer = path.join("tokenizer.json");
        if !tokenizer.is_file() {
            return Err(Error::missing(format!(
                "{} is not there; the tokenizer is read from it",
                tokenizer.display()
            ))
            .help("save the model's fast tokenizer, which writes tokenizer.json"));
        }
        let (query_prompt, passage_prompt) = prompts(&path.join("config_sentence_transformers.json"))?;
        let is_prompted = !query_prompt.is_empty() || !passage_prompt.is_empty();
        Ok(ModelFolder {
            path: path.to_owned(),
            role,
            graph: graph(path)?,
            tokenizer,
            most_tokens: most_tokens(path, &config, &config_path)?,
            pooling: match given {
                Some(pooling) => Some(pooling),
                None => pooling(&path.join("1_Pooling").join("config.json"), is_prompted)?,
            },
            query_prompt,
            passage_prompt,
        })
    }

    /// The files that the model consists of, those that are there, relative to the folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let settings = [
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.txt",
            "modules.json",
            "sentence_bert_config.json",
            "config_sentence_transformers.json",
            "1_Pooling/config.json",
        ];
        let mut files: Vec<PathBuf> = settings.iter().map(PathBuf::from).collect();
        files.retain(|file| self.path.join(file).is_file());
        // Weights of large graphs lie beside them: model.onnx_data, model.onnx.data.
        let graph = self
            .graph
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let beside = self.graph.parent().unwrap_or(&self.path);
        for name in names(beside).into_iter().filter(|name| name.starts_with(&graph)) {
            if let Ok(inside) = beside.join(name).strip_prefix(&self.path) {
                files.push(inside.to_owned());
            }
        }
        files
    }
}

/// A JSON file of settings; none if it is not there.
fn settings<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let doing = || format!("reading {}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause).or_fault(Fault::Unavailable, doing()),
    };
    let mut text = Vec::new();
    let mut limited = file.take(MOST_SETTINGS_BYTES + 1);
    limited.read_to_end(&mut text).or_fault(Fault::Unavailable, doing())?;
    if text.len() as u64 > MOST_SETTINGS_BYTES {
        return Err(Error::corrupt(format!(
            "{} has more than {MOST_SETTINGS_BYTES} bytes; settings are a small JSON object",
            path.display()
        )));
    }
    serde_json::from_slice(&text)
        .or_fault(Fault::Corrupt, doing())
        .map(Some)
}

fn role(config: &Config) -> Role {
    let classifies = |name: &String| name.ends_with("ForSequenceClassification");
    if config.architectures.iter().any(classifies) {
        Role::Reranker
    } else {
        Role::Encoder
    }
}

fn check_one_score(config: &Config, path: &Path) -> Result<()> {
    let labels = config.id2label.as_ref().map(BTreeMap::len).or(config.num_labels);
    match labels {
        // What was saved without a word on labels has the usual two.
        Some(1) => Ok(()),
        found => Err(Error::corrupt(format!(
            "{}: the classifier has {} labels; a reranker has one, the relevance",
            path.display(),
            found.unwrap_or(2)
        ))),
    }
}

/// Layers behind the pooling are not run, and a vector without them is another one.
fn check_modules(path: &Path) -> Result<()> {
    let known = ["Transformer", "Pooling", "Normalize"];
    for module in settings::<Vec<Module>>(path)?.unwrap_or_default() {
        let kind = module.kind.rsplit('.').next().unwrap_or_default();
        if !known.contains(&kind) {
            return Err(Error::corrupt(format!(
                "{}: a module of the kind {kind} is not supported; {} are",
                path.display(),
                known.join(", ")
            ))
            .help("export the model with that layer inside the graph, as the output `sentence_embedding`"));
        }
    }
    Ok(())
}

fn most_tokens(folder: &Path, config: &Config, path: &Path) -> Result<usize> {
    let positions = config.max_position_embeddings.map(|positions| {
        let unused = if COUNTED_FROM_PADDING.contains(&config.model_type.as_str()) {
            config.pad_token_id.unwrap_or(1).saturating_add(1)
        } else {
            0
        };
        positions.saturating_sub(unused)
    });
    let tokenizer: TokenizerConfig = settings(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    let sentence: SentenceConfig = settings(&folder.join("sentence_bert_config.json"))?.unwrap_or_default();
    // As of f64: out of range becomes the nearest number that there is.
    let length = tokenizer.model_max_length.map(|length| length as usize);
    let limits = [positions, length, sentence.max_seq_length];
    let most = limits.into_iter().flatten().fold(MOST_TOKENS, usize::min);
    if most < FEWEST_TOKENS {
        return Err(Error::corrupt(format!(
            "{}: only {most} tokens can be read at a time (max_position_embeddings, model_max_length, max_seq_length); \
             at least {FEWEST_TOKENS} are needed",
            path.display()
        )));
    }
    Ok(most)
}

/// How a folder says that token vectors become one; `is_prompted` if anything stands before its texts.
fn pooling(path: &Path, is_prompted: bool) -> Result<Option<Pooling>> {
    let Some(config) = settings::<PoolingConfig>(path)? else {
        return Ok(None);
    };
    let switches = config.modes.iter();
    let switches = switches.filter(|(name, value)| name.starts_with("pooling_mode_") && **value == Value::Bool(true));
    let mut chosen: Vec<&str> = switches.map(|(name, _)| name.as_str()).collect();
    chosen.extend(config.pooling_mode.as_deref());
    match chosen[..] {
        ["pooling_mode_cls_token" | "cls"] => Ok(Some(Pooling::First)),
        ["pooling_mode_mean_tokens" | "mean"] if config.include_prompt == Some(false) && is_prompted => {
            Err(Error::corrupt(format!(
                "{}: the mean is to be made without the prompt's tokens (include_prompt: false), which is not supported",
                path.display()
            ))
            .help("import it with --pooling mean to have them counted: its vectors are slightly others then"))
        }
        ["pooling_mode_mean_tokens" | "mean"] => Ok(Some(Pooling::Mean)),
        _ => Err(Error::corrupt(format!(
            "{}: pools by [{}]; either by the first token (pooling_mode_cls_token, cls) or by the mean \
             (pooling_mode_mean_tokens, mean) is supported",
            path.display(),
            chosen.join(", ")
        ))
        .help("say how with --pooling where the model can be read so")),
    }
}

/// What stands before a question and before a passage, by the names that sentence-transformers looks for.
fn prompts(path: &Path) -> Result<(String, String)> {
    let PromptConfig {
        prompts,
        default_prompt_name,
    } = settings(path)?.unwrap_or_default();
    let named = |names: &[&str]| {
        let default = default_prompt_name.as_deref();
        let found = names.iter().copied().chain(default).find_map(|name| prompts.get(name));
        found.cloned().unwrap_or_default()
    };
    Ok((named(&["query"]), named(&["document", "passage", "corpus"])))
}

fn graph(folder: &Path) -> Result<PathBuf> {
    for place in [folder.join("onnx"), folder.to_owned()] {
        if let Some(name) = GRAPHS.iter().find(|name| place.join(name).is_file()) {
            return Ok(place.join(name));
        }
        let is_graph = |name: &String| name.starts_with("model") && name.ends_with(".onnx");
        let others: Vec<String> = names(&place).into_iter().filter(is_graph).collect();
        match &others[..] {
            [] => {}
            [only] => return Ok(place.join(only)),
            several => {
                return Err(Error::caller(format!(
                    "{} holds {}; which one is the model?",
                    place.display(),
                    several.join(", ")
                ))
                .help("leave one of them, or name one model.onnx"));
            }
        }
    }
    Err(Error::missing(format!(
        "{} holds neither onnx/model*.onnx nor model*.onnx",
        folder.display()
    ))
    .help("export the model to ONNX, for instance with `optimum-cli export onnx`"))
}

/// Names of a folder's files, sorted; none if it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files; what is not JSON here is only there.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    const BERT: &str = r#"{"architectures": ["BertModel"], "model_type": "bert", "max_position_embeddings": 512}"#;
    const XLMR: &str = r#"{"architectures": ["XLMRobertaForSequenceClassification"], "model_type": "xlm-roberta",
        "max_position_embeddings": 514, "pad_token_id": 1, "id2label": {"0": "LABEL_0"}}"#;
    const BARE: [(&str, &str); 3] = [("config.json", BERT), ("tokenizer.json", ""), ("onnx/model.onnx", "")];

    #[test]
    fn the_usual_folders_are_read() {
        let read = |files: &[(&str, &str)]| {
            let folder = folder(files);
            (ModelFolder::read(folder.path()).unwrap(), folder)
        };
        let (bare, _kept) = read(&BARE);
        assert_eq!((bare.role, bare.most_tokens, bare.pooling), (Role::Encoder, 512, None));
        assert_eq!((bare.query_prompt.as_str(), bare.passage_prompt.as_str()), ("", ""));

        let (full, _kept) = read(&[
            ("config.json", BERT),
            ("tokenizer.json", ""),
            (
                "tokenizer_config.json",
                r#"{"model_max_length": 1000000000000000019884624838656}"#,
            ),
            ("sentence_bert_config.json", r#"{"max_seq_length": 128}"#),
            ("modules.json", r#"[{"type": "sentence_transformers.models.Pooling"}]"#),
            (
                "1_Pooling/config.json",
                r#"{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#,
            ),
            (
                "config_sentence_transformers.json",
                r#"{"prompts": {"query": "q: ", "passage": "p: "}}"#,
            ),
            ("onnx/model.onnx", ""),
            ("onnx/model_quantized.onnx", ""),
            ("onnx/model_quantized.onnx_data", ""),
        ]);
        assert_eq!((full.most_tokens, full.pooling), (128, Some(Pooling::Mean)));
        assert_eq!(
            (full.query_prompt.as_str(), full.passage_prompt.as_str()),
            ("q: ", "p: ")
        );
        assert!(full.graph.ends_with("onnx/model_quantized.onnx"));
        let files = full.files();
        assert!(files.contains(&"onnx/model_quantized.onnx_data".into()), "{files:?}");
        assert!(!files.contains(&"onnx/model.onnx".into()), "{files:?}");

        let (reranker, _kept) = read(&[("config.json", XLMR), ("tokenizer.json", ""), ("model.onnx", "")]);
        assert_eq!((reranker.role, reranker.most_tokens), (Role::Reranker, 512));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_needed() {
        let check = |name: &str, text: Option<&str>, fault: Fault, part: &str| {
            let mut files: Vec<(&str, &str)> = BARE.into_iter().filter(|(known, _)| *known != name).collect();
            files.extend(text.map(|text| (name, text)));
            let folder = folder(&files);
            let error = ModelFolder::read(folder.path()).unwrap_err();
            assert_eq!(error.fault(), fault, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        };
        check("config.json", None, Fault::Missing, "config.json");
        check("config.json", Some("{"), Fault::Corrupt, "config.json");
        check("config.json", Some(&"[".repeat(2 << 20)), Fault::Corrupt, "more than");
        check("tokenizer.json", None, Fault::Missing, "tokenizer.json");
        check("onnx/model.onnx", None, Fault::Missing, "neither");
        check(
            "1_Pooling/config.json",
            Some(r#"{"pooling_mode_max_tokens": true}"#),
            Fault::Corrupt,
            "max_tokens",
        );
        check(
            "modules.json",
            Some(r#"[{"type": "x.Dense"}]"#),
            Fault::Corrupt,
            "Dense",
        );
        check(
            "sentence_bert_config.json",
            Some(r#"{"max_seq_length": 2}"#),
            Fault::Corrupt,
            "only 2 tokens",
        );
        let two = XLMR.replace(r#"{"0": "LABEL_0"}"#, r#"{"0": "a", "1": "b"}"#);
        check("config.json", Some(&two), Fault::Corrupt, "2 labels");
        assert_eq!(
            ModelFolder::read(Path::new("no/such")).unwrap_err().fault(),
            Fault::Missing
        );
    }
}
