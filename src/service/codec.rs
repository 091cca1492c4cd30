//! Reading and writing messages: prost's codec, except that a message that cannot be read is the sender's fault.
//!
//! gRPC libraries answer INTERNAL to a message that is not valid protobuf or holds text that is not UTF-8. But that is
//! no defect of the service, and whoever sent it should be told which field it was.
//!
//! What is read of a body is counted as held until that has come to its end (`intake`): a message that was packed may
//! be a thousand times as large as what came, and its client may leave the rest open.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use super::intake::HeldBody;
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
    type Encoder = ProstEncoder<T>;
    type Decoder = CheckedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        CheckedDecoder {
            held: None,
            message: PhantomData,
        }
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
        self.held = HeldBody::read(buf.remaining(), parts(buf.chunk())).map_err(|error| status::to_status(&error))?;
        U::decode(buf).map(Some).map_err(|cause| {
            status::to_status(
                &Error::caller(cause.to_string()).help("text must be UTF-8 and fields as in baowen/v1/search.proto"),
            )
        })
    }
}

/// Values that stand side by side in a message, up to where it cannot be read.
fn parts(mut bytes: &[u8]) -> usize {
    let mut parts = 0;
    while let Ok((tag, wire_type)) = decode_key(&mut bytes)
        && skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).is_ok()
    {
        parts += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::wire;

    #[test]
    fn the_questions_of_a_batch_are_counted_before_it_is_read() {
        let batch = wire::BatchSearchRequest {
            requests: vec![wire::SearchRequest::default(); 3],
        };
        let mut bytes = batch.encode_to_vec();
        assert_eq!((bytes.len(), parts(&bytes)), (6, 3));
        bytes.push(0xff);
        assert_eq!(parts(&bytes), 3, "what is broken is for the reader to refuse");
        assert_eq!(parts(b""), 0);
    }
}
