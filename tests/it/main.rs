//! The one integration binary: each file states the promises it holds the program to.

mod answers;
mod architecture;
mod cli;
mod conformance;
mod crash;
mod damage;
mod day;
#[cfg(feature = "documents")]
mod documents;
mod endpoints;
mod fetch;
mod http;
mod imports;
mod index;
// The tests of `src` use the rest of it.
mod live;
#[allow(dead_code)]
mod local_server;
#[cfg(feature = "mcp")]
mod mcp;
mod meanings;
#[cfg(feature = "milvus")]
mod milvus;
#[cfg(feature = "milvus")]
mod milvus_access;
#[cfg(feature = "milvus")]
mod milvus_commands;
#[cfg(feature = "milvus")]
mod milvus_service;
#[cfg(feature = "onnx")]
mod models;
mod needed;
mod operating;
mod paging;
mod quality;
#[cfg(target_os = "linux")]
mod refused;
mod reranking;
mod service;
mod sets;
mod sources;
mod support;
mod terminal;
mod tiny;
#[cfg(feature = "otel")]
mod traces;
mod writing;
