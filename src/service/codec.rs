//! Reading and writing messages: prost's codec, except that a message that cannot be read is the sender's fault.
//!
//! gRPC libraries answer INTERNAL to a message that is not valid protobuf or holds text that is not UTF-8. But that is
//! no defect of the service, and whoever sent it should be told which field it was. Long messages are read and written
//! beside the async worker, which others need.
//!
//! What is read of a body is counted as held until that has come to its end (`intake`): a message that was packed may
//! be a thousand times as large as what came, and its client may leave the rest open.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::intake::{HeldBody, LARGE, Parts};
use super::pool::beside_worker;
use super::status;
use crate::error::Error;

/// The codec of all our calls: encodes `T`, decodes `U`.
#[derive(Debug, Clone)]
pub struct CheckedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for CheckedCodec<T, U> {
    fn default() -> Self {
        CheckedCodec(PhantomData)
    }
}

impl<T, U> Codec for CheckedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = MessageEncoder<T>;
    type Decoder = CheckedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        MessageEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        CheckedDecoder {
            held: None,
            message: PhantomData,
        }
    }
}

/// Encodes `T`.
#[derive(Debug)]
pub struct MessageEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for MessageEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let mut write = || message.encode(buf);
        let written = if message.encoded_len() >= LARGE {
            beside_worker(write)
        } else {
            write()
        };
        written.map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes `U`; what cannot be read is INVALID_ARGUMENT with the message and field in which it went wrong.
#[derive(Debug)]
pub struct CheckedDecoder<U> {
    /// The last message that was read.
    held: Option<HeldBody>,
    message: PhantomData<U>,
}

impl<U: Message + Default> Decoder for CheckedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.held = None;
        let (bytes, is_large) = (buf.remaining(), buf.remaining() >= LARGE);
        let read = || {
            let held = HeldBody::read(bytes, parts_of(buf.chunk()))?;
            let message = U::decode(buf).map_err(|cause| {
                Error::caller(cause.to_string()).help("text must be UTF-8 and fields as in baowen/v1/search.proto")
            })?;
            Ok((held, message))
        };
        let read = if is_large { beside_worker(read) } else { read() };
        let (held, message) = read.map_err(|error: Error| status::to_status(&error))?;
        self.held = held;
        Ok(Some(message))
    }
}

/// How deep messages are looked for in one another: deeper than ours go.
const LEVELS: usize = 8;

/// What a message holds, up to where it cannot be read or there is too much of it. Numbers take hardly more room than
/// on their way.
fn parts_of(message: &[u8]) -> Parts {
    let mut parts = Parts::default();
    count(message, LEVELS, &mut parts);
    parts
}

/// Counts what a message holds, and says whether it can be read to its end. Only its schema would tell a text in it
/// from a message, so what can be read as a message is counted as one.
fn count(mut bytes: &[u8], levels: usize, parts: &mut Parts) -> bool {
    while !bytes.is_empty() {
        let Ok((tag, wire_type)) = decode_key(&mut bytes) else {
            return false;
        };
        let from = bytes;
        if parts.are_too_many() || skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).is_err() {
            return false;
        }
        if wire_type == WireType::LengthDelimited {
            let mut value = &from[..from.len() - bytes.len()];
            let is_message = decode_varint(&mut value).is_ok() && levels > 0 && count(value, levels - 1, parts);
            parts.messages += usize::from(is_message);
            parts.values += usize::from(!is_message);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::intake::MOST_MESSAGES;
    use crate::service::wire;

    /// What is counted of a message, and of it when it is broken at its end, which is found last.
    fn counted(message: &impl Message) -> [(usize, usize); 2] {
        let bytes = message.encode_to_vec();
        [bytes.clone(), [&bytes[..], &[0xff]].concat()].map(|bytes| {
            let Parts { messages, values } = parts_of(&bytes);
            (messages, values)
        })
    }

    fn filtered(filter: wire::Filter) -> wire::SearchRequest {
        wire::SearchRequest {
            filter: Some(filter),
            ..wire::SearchRequest::default()
        }
    }

    #[test]
    fn what_is_in_a_message_is_counted_before_it_is_read() {
        let batch = wire::BatchSearchRequest {
            requests: vec![wire::SearchRequest::default(); 3],
        };
        assert_eq!(batch.encoded_len(), 6);
        assert_eq!(counted(&batch), [(3, 0); 2]);
        let list = filtered(wire::Filter {
            fields: vec![wire::FieldFilter::default(); 1_000],
            article_ids: vec!["医".into(); 2_000],
            years: vec![2_025; 3_000],
            ..wire::Filter::default()
        });
        let [whole, broken] = counted(&list);
        assert_eq!(whole, broken);
        // The numbers are one value, packed.
        assert_eq!(whole.0 + whole.1, 1 + 1_000 + 2_000 + 1);
        assert!((1_001..=1_002).contains(&whole.0), "{whole:?}");
        assert_eq!(parts_of(b""), Parts::default());
        assert_eq!(parts_of(b"\x0a\x05"), Parts::default(), "what is not there is not read");
    }

    #[test]
    fn a_list_deep_in_a_message_that_is_broken_is_counted() {
        let list = filtered(wire::Filter {
            fields: vec![wire::FieldFilter::default(); MOST_MESSAGES + 2],
            ..wire::Filter::default()
        });
        let mut bytes = list.encode_to_vec();
        assert!(parts_of(&bytes).are_too_many());
        // The length says the same, and the last of them cannot be read.
        *bytes.last_mut().unwrap() = 0xff;
        assert!(parts_of(&bytes).are_too_many());
    }

    #[test]
    fn a_text_is_one_part_whatever_it_says() {
        let asked = |query: &str| wire::SearchRequest {
            query: query.into(),
            ..wire::SearchRequest::default()
        };
        assert_eq!(counted(&asked(&"医保断缴 2025".repeat(9))), [(0, 1); 2]);
        // Which reads as many numbers.
        assert_eq!(counted(&asked(&" ".repeat(900))), [(1, 0); 2]);
    }
}
