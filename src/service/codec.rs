//! Reading and writing messages: prost's codec, except that a message that cannot be read is the sender's fault.
//!
//! gRPC libraries answer INTERNAL to a message that is not valid protobuf or holds text that is not UTF-8. But that is
//! no defect of the service, and whoever sent it should be told which field it was.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

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
        CheckedDecoder(PhantomData)
    }
}

/// Decodes `U`; what cannot be read is INVALID_ARGUMENT with the message and field in which it went wrong.
#[derive(Debug, Clone)]
pub struct CheckedDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for CheckedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buf).map(Some).map_err(|cause| {
            status::to_status(
                &Error::caller(cause.to_string()).help("text must be UTF-8 and fields as in baowen/v1/search.proto"),
            )
        })
    }
}
