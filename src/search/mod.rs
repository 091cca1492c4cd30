//! Searching: a request in plain types becomes hits with their evidence. Stands on the backend boundary of `index`,
//! knows neither its files nor any wire format.

mod applies;
mod asking;
pub mod browse;
pub mod confidence;
mod copies;
mod difference_labels;
mod differences;
mod edition;
mod engine;
mod explain;
pub mod features;
mod filter;
mod fusion;
mod group;
mod highlight;
mod hits;
mod missing;
pub mod naming;
mod phrases;
mod pinned;
mod product;
mod products;
mod question_vectors;
mod ranking;
mod reading;
mod reason;
pub mod remarks;
pub mod request;
mod reranking;
pub mod response;
mod retrieval;
mod score;
mod sentence;
mod superseded;
mod wording;

pub use asking::DEFAULT_CANDIDATES;
pub use engine::Engine;
pub use filter::understood;
pub use fusion::Fusion;
pub use ranking::Ranking;
pub use score::JudgedBy;
