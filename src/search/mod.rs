//! Searching: a request in plain types becomes hits with their evidence. Stands on the backend boundary of `index`,
//! knows neither its files nor any wire format.

mod engine;
mod explain;
mod fusion;
mod group;
mod highlight;
pub mod request;
pub mod response;

pub use engine::{DEFAULT_CANDIDATES, Engine};
pub use fusion::{DEFAULT_DENSE_WEIGHT, DEFAULT_RRF_K, Fused, Fusion, LinearWeights};
