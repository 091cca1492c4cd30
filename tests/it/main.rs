//! The one integration binary: each file states the promises it holds the program to.

mod answers;
mod architecture;
mod cli;
mod conformance;
mod crash;
#[cfg(feature = "documents")]
mod documents;
mod imports;
mod index;
mod meanings;
mod needed;
mod quality;
mod service;
mod sources;
mod support;
mod tiny;
