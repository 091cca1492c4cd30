//! What is asked of a collection beside questions: whole articles, articles like one, counts to filter by, completions,
//! what becomes of a text. Stands on the backend boundary of `index` as the rest of `search` does, and knows no wire
//! format.

mod analysis;
mod article;
mod facets;
mod similar;
mod suggest;

pub use analysis::{Analysis, Placed, analyze, take_apart};
pub use article::{WholeArticle, whole_article};
pub use facets::{Facets, facet_limit, facets, facets_of_hits};
pub use similar::{SimilarArticle, similar};
pub use suggest::{Completions, Suggestion, SuggestionKind};
