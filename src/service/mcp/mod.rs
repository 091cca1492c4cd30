//! The Model Context Protocol: what a language model may ask of the collection, as tools with schemas. What a model
//! reads of them (descriptions, remarks) is Chinese, since it answers Chinese questions by them.
//!
//! Owns the tools; what answers them is a collection here or a running service (`behind`). Errors of a call go to the
//! model as the tool's answer, so that it can mend its arguments; the protocol's own errors are for what is no call of
//! a tool.

mod answers;
mod arguments;
mod asker;
mod behind;
mod http;
mod stdio;
mod tools;
mod unreadable;

pub use behind::Behind;
pub use http::route;
pub use tools::Tools;
