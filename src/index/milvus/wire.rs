//! Milvus' messages, generated from `proto/milvus`, and where each answer keeps its status.

#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/milvus.proto.milvus.rs"));

/// A message to Milvus, which can be sent again.
pub trait Call: prost::Message + Clone + Send + Sync + 'static {}

impl<M: prost::Message + Clone + Send + Sync + 'static> Call for M {}

/// An answer of Milvus.
pub trait Answer: prost::Message + Default + Send + 'static {
    /// Whether it is an error in Milvus' eyes, and which.
    fn status(&self) -> Option<&Status>;
}

impl Answer for Status {
    fn status(&self) -> Option<&Status> {
        Some(self)
    }
}

macro_rules! answers {
    ($($name:ident),*) => {
        $(impl Answer for $name {
            fn status(&self) -> Option<&Status> {
                self.status.as_ref()
            }
        })*
    };
}

answers!(
    BoolResponse,
    DescribeCollectionResponse,
    FlushResponse,
    MutationResult,
    QueryResults,
    SearchResults
);

/// A setting as Milvus takes them.
pub fn pair(key: &str, value: impl ToString) -> KeyValuePair {
    KeyValuePair {
        key: key.to_owned(),
        value: value.to_string(),
    }
}

/// Milvus' numbers for the types of fields.
pub mod data_type {
    pub const INT32: i32 = 4;
    pub const INT64: i32 = 5;
    pub const VARCHAR: i32 = 21;
    pub const ARRAY: i32 = 22;
    pub const FLOAT_VECTOR: i32 = 101;
    pub const SPARSE_VECTOR: i32 = 104;
}

/// Milvus' numbers for how new an answer must be.
pub mod consistency {
    /// All that was acknowledged is seen.
    pub const STRONG: i32 = 0;
    /// All that was acknowledged by a time that the caller names.
    pub const CUSTOMISED: i32 = 4;
}
