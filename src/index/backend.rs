//! The seam between searching and an engine: candidates, exact scores, texts, counts, and writing, whatever keeps them.
//!
//! The embedded engine is one implementation; `tests/it/tiny.rs` is a second, in memory, and both pass the same
//! conformance test. Nothing here lends an engine's memory: what comes across is owned. What passages are worth is
//! computed by [`super::scoring`] for all of them; fusion and everything after it stand above.
//!
//! Every call that may take long is given a [`Budget`]: it ends with `Fault::Deadline` when nobody waits any more, and
//! uses no more threads than it is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::facets::{ArticleFacets, FacetCounts};
use super::passage::{Identity, PassageKey, PreparedArticle, StoredPassage};
use super::scoring::{Evidence, LexicalQuery, QuestionWeights, TermScore};
use super::source_table::SourceTable;
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::Result;
use crate::model::{Article, Filter, Origin};
use crate::text::Signature;

/// A passage as the answering of one question names it; means nothing to another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageRef(pub u64);

/// An article as the answering of one question names it; means nothing to another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleRef(pub u64);

/// A passage that a retriever found, with that retriever's own score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Which passage.
    pub passage: PassageRef,
    /// Higher is better; comparable within the list only.
    pub score: f32,
}

/// What a ranking needs of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Its article: the same for all passages of one.
    pub article: ArticleRef,
    /// Its place in the article, from 0.
    pub ordinal: u32,
    /// Its exact scores.
    pub evidence: Evidence,
}

/// What an index is at one commit, counted when it was opened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// Articles.
    pub articles: u64,
    /// Passages.
    pub passages: u64,
    /// Parts that are searched one after the other.
    pub segments: u64,
    /// Of these: searched by meaning through a graph.
    pub graphs: u64,
    /// Bytes on disk, as far as the engine knows.
    pub bytes: u64,
    /// The commit's stamp; grows from commit to commit.
    pub commit: u64,
    /// What the index was made by.
    pub identity: Identity,
}

/// Something that keeps passages and gives snapshots of them.
pub trait Backend: Send + Sync {
    /// The newest finished commit.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>>;

    /// Grows whenever the same question may get another answer: after a newer commit has taken over, and after
    /// something derived (a graph) was loaded for the same commit. A search that began at one edition saw nothing older
    /// than it. Must be cheap.
    fn edition(&self) -> u64;

    /// The sources of the newest finished commit, with what the last run that wrote to each did.
    fn source_table(&self) -> Result<SourceTable>;

    /// The same without the runs.
    fn sources(&self) -> Result<Sources> {
        Ok(self.source_table()?.sources)
    }

    /// Takes the right to write, until the writer is dropped.
    ///
    /// # Errors
    /// `Precondition` if somebody else has it.
    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>>;
}

/// One commit of an index, as long as it is held.
///
/// What has a default reads all articles one by one, which is right and slow; an engine that knows a better way takes
/// that.
pub trait Snapshot: Send + Sync {
    /// What it is. Costs nothing.
    fn about(&self) -> &About;

    /// Begins a question about the passages that the filter lets through: looks its terms up, once for everything.
    fn ask(self: Arc<Self>, question: Arc<LexicalQuery>, filter: &Filter, budget: Budget) -> Result<Arc<dyn Asked>>;

    /// How many passages hold each of these terms of the bigram stream (two characters, one, a Latin word) in their
    /// titles or in their texts, whichever are more; counted as for what words weigh. Must be cheap: it is asked before
    /// the question.
    fn holding(&self, terms: &[&str], budget: Budget) -> Result<Vec<u64>>;

    /// The ids of the articles of which a passage is let through by a filter, each with how many are.
    fn passing(&self, filter: &Filter, budget: Budget) -> Result<BTreeMap<String, u64>> {
        let mut passing: BTreeMap<String, u64> = BTreeMap::new();
        each_passing(self, filter, budget, |passage| {
            *passing.entry(passage.article_id).or_default() += 1
        })?;
        Ok(passing)
    }

    /// The ids of the articles of which every passage is let through by a filter.
    fn wholly(&self, filter: &Filter, budget: Budget) -> Result<BTreeSet<String>> {
        let (passing, mut all) = (self.passing(filter, budget)?, self.passing(&Filter::default(), budget)?);
        all.retain(|id, passages| passing.get(id) == Some(passages));
        Ok(all.into_keys().collect())
    }

    /// How many passages a filter lets through. An engine that can counts without telling articles apart.
    fn count(&self, filter: &Filter, budget: Budget) -> Result<u64> {
        Ok(self.passing(filter, budget)?.values().sum())
    }

    /// A whole article.
    fn article(&self, id: &str, budget: Budget) -> Result<Option<Article>>;

    /// The passages of an article, in their order, each with its vector (empty if the index holds none); nothing if
    /// there is no such article.
    fn passages(&self, id: &str, budget: Budget) -> Result<Vec<(StoredPassage, Vec<f32>)>>;

    /// How many articles there are of each publisher, place, year and kind among the passages that a filter lets
    /// through.
    fn facets(&self, filter: &Filter, budget: Budget) -> Result<FacetCounts> {
        let mut articles: BTreeMap<String, ArticleFacets> = BTreeMap::new();
        each_passing(self, filter, budget, |passage| {
            articles.entry(passage.article_id.clone()).or_default().add(passage);
        })?;
        Ok(articles.into_values().collect())
    }

    /// The titles that are those of insurance products, in lists that stay the same ones from commit to commit as far
    /// as they can; some may be of articles that are gone. Must be cheap: it is asked before each question. Those of an
    /// engine that does not keep them are not known, and products are told by the titles of hits alone.
    fn product_titles(&self) -> Option<Vec<Arc<[String]>>> {
        None
    }

    /// Tells `each` the id and the title of every article, in no particular order.
    fn titles(&self, budget: Budget, each: &mut dyn FnMut(&str, &str) -> Result<()>) -> Result<()> {
        for id in self.article_ids(budget)? {
            if let Some((first, _)) = self.passages(&id, budget)?.first() {
                each(&id, &first.title)?;
            }
        }
        Ok(())
    }

    /// Tells `each` the id of every article and where it was read, in no particular order.
    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()>;

    /// Ids of all articles, sorted.
    fn article_ids(&self, budget: Budget) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        self.origins(budget, &mut |id, _| {
            ids.push(id.to_owned());
            Ok(())
        })?;
        ids.sort();
        Ok(ids)
    }
}

/// Reads every passage that a filter lets through.
fn each_passing(
    snapshot: &(impl Snapshot + ?Sized),
    filter: &Filter,
    budget: Budget,
    mut each: impl FnMut(StoredPassage),
) -> Result<()> {
    for id in snapshot.article_ids(budget)? {
        budget.check()?;
        let passages = snapshot.passages(&id, budget)?.into_iter().map(|(passage, _)| passage);
        passages.filter(|passage| passage.passes(filter)).for_each(&mut each);
    }
    Ok(())
}

/// A question asked of one snapshot. Both rankings may be asked for at the same time.
pub trait Asked: Send + Sync {
    /// What each of the question's terms weighs here.
    fn weights(&self) -> &QuestionWeights;

    /// Tells that the best `k` by words will be asked for: an engine that is far away has them looked for meanwhile.
    fn foresee(&self, k: usize, budget: Budget) {
        let _ = (k, budget);
    }

    /// The best `k` passages by words, best first. The score is the engine's own; [`Asked::judge`] has the exact one.
    /// Where they may differ an engine returns some more, and the list is cut by the exact ones.
    fn lexical(&self, k: usize, budget: Budget) -> Result<Vec<Candidate>>;

    /// The passages of articles with one of these titles, of those that [`Snapshot::product_titles`] gives, that the
    /// filter lets through, ascending.
    fn titled(&self, titles: &[&str], budget: Budget) -> Result<Vec<PassageRef>> {
        let _ = (titles, budget);
        Ok(Vec::new())
    }

    /// The best `k` passages by cosine with an L2-normalised vector, best first. `ef` is the breadth of a graph search.
    fn dense(&self, vector: &[f32], k: usize, ef: Option<usize>, budget: Budget) -> Result<Vec<Candidate>>;

    /// All that a ranking needs of the named passages, in their order. Without the question's L2-normalised vector, or
    /// with one of another dimension, the dense scores are 0.
    fn judge(&self, vector: Option<&[f32]>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>>;

    /// What judged passages are called, in their order: for ties and for people. Must be cheap: an engine that is far
    /// away keeps what it read to judge. What is here reads whole passages and knows no deadline: it is for an engine
    /// that has them in memory.
    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<PassageKey>> {
        let stored = self.fetch(passages, Budget::single())?;
        Ok(stored.iter().map(StoredPassage::key).collect())
    }

    /// What judged passages are told apart by, in their order. Must be cheap, as for [`Asked::keys`].
    fn signatures(&self, passages: &[PassageRef]) -> Result<Vec<Signature>> {
        let stored = self.fetch(passages, Budget::single())?.into_iter();
        Ok(stored
            .map(|passage| Signature::new(&passage.title, &passage.text))
            .collect())
    }

    /// The passages as they are shown, in the order named.
    fn fetch(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<StoredPassage>>;

    /// How near each window of the passages (see [`windows`](crate::article::windows)) is to an L2-normalised vector,
    /// as cosines in the windows' order; nothing for a passage without windows, or for a vector of another dimension.
    fn windows(&self, vector: &[f32], passages: &[PassageRef]) -> Result<Vec<Vec<f32>>>;

    /// What each of the question's terms adds to the lexical score of each passage, the strongest first.
    fn explain(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Vec<TermScore>>>;
}

/// The one writer of an index. Nothing it was given is visible or durable before [`Writer::commit`]; dropped before
/// that, it leaves the last commit as it was.
pub trait Writer: Send {
    /// The fingerprint of an article as the next commit would have it; `None` if it would have none.
    fn hash(&self, article_id: &str) -> Result<Option<u64>>;

    /// Where an article was read, as the next commit would have it; `None` if there would be none, or it would not say.
    fn origin(&self, article_id: &str) -> Result<Option<Origin>>;

    /// The sources, with their last runs, as the next commit will have them; may be changed.
    fn source_table(&mut self) -> &mut SourceTable;

    /// The same without the runs.
    fn sources(&mut self) -> &mut Sources {
        &mut self.source_table().sources
    }

    /// Writes an article in place of one of the same id, whether or not it differs.
    ///
    /// # Errors
    /// [`Fault::Caller`](crate::error::Fault::Caller) if the article is refused, with nothing of it taken and all
    /// others kept; after any other error only [`Writer::rollback`] makes sure of what is there.
    fn upsert(&mut self, article: PreparedArticle) -> Result<()>;

    /// Removes an article; whether it was there.
    fn delete(&mut self, article_id: &str) -> Result<bool>;

    /// Makes everything since the last commit durable and visible, all of it or none. Returns the commit's stamp.
    fn commit(&mut self) -> Result<u64>;

    /// Forgets everything since the last commit. Returns the stamp of the commit that it goes on from: where the right
    /// to write was lost and taken again, somebody else may have made it.
    fn rollback(&mut self) -> Result<u64>;

    /// Whether what is written may still become a commit. Must be cheap; where it fails [`Writer::rollback`] is due.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Gives the right to write back where it is not that of this process, which may live on; nothing is written after
    /// it.
    fn close(&mut self) {}
}

impl Writer for Box<dyn Writer> {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        (**self).hash(article_id)
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        (**self).origin(article_id)
    }

    fn source_table(&mut self) -> &mut SourceTable {
        (**self).source_table()
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        (**self).upsert(article)
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        (**self).delete(article_id)
    }

    fn commit(&mut self) -> Result<u64> {
        (**self).commit()
    }

    fn rollback(&mut self) -> Result<u64> {
        (**self).rollback()
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }

    fn close(&mut self) {
        (**self).close();
    }
}
