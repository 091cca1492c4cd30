//! Answers as they go out: encoded once, in the thread that made them, and sent as bytes.
//!
//! On the wire these are `SearchResponse` and `BatchSearchResponse`; a reader cannot tell the difference, since fields
//! may come in any order. What differs between two times an answer is sent, its timings, is kept apart, so that an
//! answer can be kept and sent again without being encoded again.

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

use super::{convert, wire};
use crate::error::{Error, Result};
use crate::search::response::SearchResponse;

/// The field of `SearchResponse` that holds the timings.
const TIMINGS: u32 = 5;
/// The fields of `BatchSearchResponse`.
const INDEX: u32 = 1;
const RESPONSE: u32 = 2;
const ERROR: u32 = 3;

/// A `SearchResponse`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// All of it but the timings, encoded.
    pub answer: Bytes,
    /// How long it took this time.
    pub timings: wire::Timings,
}

impl From<SearchResponse> for Reply {
    fn from(core: SearchResponse) -> Self {
        let mut message = convert::response(core);
        let timings = message.timings.take().unwrap_or_default();
        Reply {
            answer: message.encode_to_vec().into(),
            timings,
        }
    }
}

impl Message for Reply {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.answer);
        encoding::message::encode(TIMINGS, &self.timings, buf);
    }

    fn encoded_len(&self) -> usize {
        self.answer.len() + encoding::message::encoded_len(TIMINGS, &self.timings)
    }

    fn merge_field(&mut self, tag: u32, kind: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Read {
        encoding::skip_field(kind, tag, buf, ctx)
    }

    fn clear(&mut self) {
        *self = Reply::default();
    }
}

/// What reading a field comes to. Replies are only ever written; a reader of the wire has `wire`'s types.
type Read = Result<(), DecodeError>;

/// A `BatchSearchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReply {
    index: u32,
    outcome: Result<Reply, wire::ItemError>,
}

impl BatchReply {
    /// The outcome of one question of a batch.
    pub fn new(index: usize, outcome: Result<Reply>) -> Self {
        BatchReply {
            // A batch is bounded far below what fits.
            index: u32::try_from(index).unwrap_or(u32::MAX),
            outcome: outcome.map_err(|error: Error| convert::item_error(&error)),
        }
    }
}

impl Message for BatchReply {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        encoding::uint32::encode(INDEX, &self.index, buf);
        match &self.outcome {
            Ok(reply) => encoding::message::encode(RESPONSE, reply, buf),
            Err(error) => encoding::message::encode(ERROR, error, buf),
        }
    }

    fn encoded_len(&self) -> usize {
        let outcome = match &self.outcome {
            Ok(reply) => encoding::message::encoded_len(RESPONSE, reply),
            Err(error) => encoding::message::encoded_len(ERROR, error),
        };
        encoding::uint32::encoded_len(INDEX, &self.index) + outcome
    }

    fn merge_field(&mut self, tag: u32, kind: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Read {
        encoding::skip_field(kind, tag, buf, ctx)
    }

    fn clear(&mut self) {
        self.index = 0;
        self.outcome = Ok(Reply::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_the_protocol_s_messages() {
        let answer = super::super::tests::full_answer();
        let plain = convert::response(answer.clone());
        let reply = Reply::from(answer);
        let bytes = reply.encode_to_vec();
        assert_eq!(bytes.len(), reply.encoded_len());
        assert_eq!(wire::SearchResponse::decode(&bytes[..]).unwrap(), plain);

        use wire::batch_search_response::Outcome;
        let check = |item: BatchReply, index: u32, outcome: Outcome| {
            let bytes = item.encode_to_vec();
            assert_eq!(bytes.len(), item.encoded_len());
            let read = wire::BatchSearchResponse::decode(&bytes[..]).unwrap();
            assert_eq!((read.index, read.outcome), (index, Some(outcome)));
        };
        check(
            BatchReply::new(0, Ok(reply.clone())),
            0,
            Outcome::Response(plain.clone()),
        );
        check(BatchReply::new(300, Ok(reply)), 300, Outcome::Response(plain));
        let error = Error::caller("query: is empty");
        let item = convert::item_error(&error);
        check(BatchReply::new(1, Err(error)), 1, Outcome::Error(item));
    }
}
