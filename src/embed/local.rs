//! The default embedder: the model in the model folder, run by this program on this machine. That is multilingual-e5-small,
//! for which the shipped ranking profile was learned, where its file is there, else bge-small-zh-v1.5.

use std::path::Path;

use super::bert::BertModel;
use super::e5::E5Model;
use super::fetch::{DEFAULT, E5_FILE};
use super::{CountTokens, Embedder};
use crate::compute::Budget;
use crate::error::Result;

/// A model that runs on our own kernels, loaded.
pub enum LocalModel {
    /// bge-small-zh-v1.5.
    Bert(Box<BertModel>),
    /// multilingual-e5-small.
    E5(Box<E5Model>),
}

impl LocalModel {
    /// Loads the model from its folder (see [`super::model_dir`]).
    ///
    /// # Errors
    /// `Missing` if there is no model, `Unavailable` if one cannot be read, `Corrupt` if it is not what it should be.
    pub fn open(folder: &Path) -> Result<Self> {
        let (e5, bge) = (folder.join(E5_FILE), folder.join(DEFAULT));
        match bge.is_dir() && !e5.is_file() {
            true => Ok(LocalModel::Bert(Box::new(BertModel::open(&bge)?))),
            false => Ok(LocalModel::E5(Box::new(E5Model::open(&e5)?))),
        }
    }

    fn model(&self) -> &dyn Embedder {
        match self {
            LocalModel::Bert(model) => &**model,
            LocalModel::E5(model) => &**model,
        }
    }
}

impl CountTokens for LocalModel {
    fn count_tokens(&self, text: &str) -> usize {
        self.model().count_tokens(text)
    }

    fn max_tokens(&self) -> usize {
        self.model().max_tokens()
    }
}

impl Embedder for LocalModel {
    fn identity(&self) -> &str {
        self.model().identity()
    }

    fn dimension(&self) -> usize {
        self.model().dimension()
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.model().embed_queries(texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.model().embed_passages(texts, budget)
    }
}
