//! A model taken in: its folder copied into the folder of models, with what it leaves unsaid, once it has been opened.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::fetch::DEFAULT;
use super::folder::{ModelFolder, Pooling, Role};
use super::models::{Entry, Models, Runs, check_name};
use super::open::{open_encoder, open_reranker};
use crate::error::{Context as _, Error, Fault, Result};
use crate::files::write_whole;

/// What a model's folder leaves unsaid, or says otherwise; stands in the imported copy afterwards.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The name to import it under; that of its folder if none.
    pub name: Option<String>,
    /// How token vectors become one.
    pub pooling: Option<Pooling>,
    /// What to put before questions.
    pub query_prompt: Option<String>,
    /// What to put before passages.
    pub passage_prompt: Option<String>,
}

impl Models {
    /// Copies a model's folder into this one, under a name, once it has been opened and has embedded or scored a text.
    ///
    /// # Errors
    /// `Caller` for a name that is taken or can be none; what opening says of a model that is not whole. Nothing is
    /// left behind then.
    pub fn import(&self, from: &Path, options: &ImportOptions) -> Result<Entry> {
        let found = ModelFolder::read_with(from, options.pooling)?;
        let own_name = || {
            let path = from.canonicalize().unwrap_or_else(|_| from.to_owned());
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        };
        let name = options.name.clone().unwrap_or_else(own_name);
        check_name(&name)?;
        let target = self.folder().join(&name);
        if name == DEFAULT || target.exists() {
            return Err(Error::caller(format!(
                "there is a model {name} in {} already",
                self.folder().display()
            ))
            .help("import it under another name with --name, or delete that one first"));
        }
        let doing = || format!("writing in the model folder {}", self.folder().display());
        fs::create_dir_all(self.folder()).or_fault(Fault::Unavailable, doing())?;
        // Removed when dropped; the model's folder in it has its name already, which is part of its identity.
        let work = tempfile::Builder::new().prefix(".import-").tempdir_in(self.folder());
        let work = work.or_fault(Fault::Unavailable, doing())?;
        let copy = work.path().join(&name);
        for file in found.files() {
            let (source, copied) = (from.join(&file), copy.join(&file));
            let doing = || format!("copying {} to {}", source.display(), copied.display());
            fs::create_dir_all(copied.parent().unwrap_or(&copy)).or_fault(Fault::Unavailable, doing())?;
            fs::copy(&source, &copied).or_fault(Fault::Unavailable, doing())?;
        }
        write_settings(&copy, &found, options)?;
        let model = ModelFolder::read(&copy)?;
        match model.role {
            Role::Encoder => drop(open_encoder(&model)?),
            Role::Reranker => drop(open_reranker(&model)?),
        }
        fs::rename(&copy, &target).or_fault(Fault::Unavailable, doing())?;
        Ok(Entry {
            is_chosen: self.chosen()?.as_ref() == Some(&name),
            name,
            role: model.role,
            runs: Runs::Onnx,
            problem: None,
        })
    }
}

/// Writes what was said at the import, in the files where it stands usually.
fn write_settings(folder: &Path, found: &ModelFolder, options: &ImportOptions) -> Result<()> {
    let write = |name: &str, value: serde_json::Value| {
        let path = folder.join(name);
        let doing = || format!("writing {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).or_fault(Fault::Unavailable, doing())?;
        // Takes the place of a copied file, which may be read-only.
        write_whole(&path, "settings of the model", |file| writeln!(file, "{value:#}"))
    };
    if let Some(pooling) = options.pooling {
        let modes = serde_json::json!({
            "pooling_mode_cls_token": pooling == Pooling::First,
            "pooling_mode_mean_tokens": pooling == Pooling::Mean,
        });
        write("1_Pooling/config.json", modes)?;
    }
    if options.query_prompt.is_some() || options.passage_prompt.is_some() {
        let said = |said: &Option<String>, found: &str| said.clone().unwrap_or_else(|| found.to_owned());
        let prompts = serde_json::json!({
            "query": said(&options.query_prompt, &found.query_prompt),
            "document": said(&options.passage_prompt, &found.passage_prompt),
        });
        write(
            "config_sentence_transformers.json",
            serde_json::json!({ "prompts": prompts, "default_prompt_name": null }),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_refused_with_the_way_out() {
        let kept = tempfile::tempdir().unwrap();
        let model = kept.path().join("a");
        fs::create_dir_all(model.join("onnx")).unwrap();
        fs::write(model.join("config.json"), r#"{"architectures": ["BertModel"]}"#).unwrap();
        fs::write(model.join("tokenizer.json"), "").unwrap();
        fs::write(model.join("onnx/model.onnx"), "").unwrap();
        let models = Models::in_folder(kept.path());
        for taken in ["a", DEFAULT] {
            let options = ImportOptions {
                name: Some(taken.into()),
                ..ImportOptions::default()
            };
            let error = models.import(&kept.path().join("a"), &options).unwrap_err();
            assert!(error.to_string().contains("--name"), "{error}");
        }
    }
}
