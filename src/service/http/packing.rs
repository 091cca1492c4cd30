//! Bodies that were packed for their way: gzip is undone as it comes, all members of it; anything else is refused. What
//! was unpacked is counted as held as well: a few bytes may become a thousand times as many.

use std::io;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio_util::io::{ReaderStream, StreamReader};

use super::exchange::failed_as;
use crate::error::{Error, Result};
use crate::service::drained::ended_by;
use crate::service::intake::{Account, HeldBody};

/// Unpacks the body of a request.
pub async fn unpacked(request: Request, next: Next) -> Response {
    match undone(request) {
        Ok(request) => next.run(request).await,
        Err(error) => failed_as(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error),
    }
}

fn undone(mut request: Request) -> Result<Request> {
    let named = request.headers().get_all(CONTENT_ENCODING).iter();
    let named: Vec<_> = named.map(|name| String::from_utf8_lossy(name.as_bytes())).collect();
    match named.join(", ").to_ascii_lowercase().as_str() {
        "" => return Ok(request),
        "identity" => {}
        "gzip" | "x-gzip" => {
            request.headers_mut().remove(CONTENT_LENGTH);
            let held = request.extensions().get::<Account>().cloned().map(HeldBody::new);
            request = request.map(|body| from_gzip(body, held));
        }
        _ => {
            return Err(
                Error::caller(format!("content-encoding: `{}` is not undone here", named.join(", ")))
                    .help("send the body as it is, or as gzip"),
            );
        }
    }
    request.headers_mut().remove(CONTENT_ENCODING);
    Ok(request)
}

fn from_gzip(body: Body, mut held: Option<HeldBody>) -> Body {
    let packed = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let mut unpacking = GzipDecoder::new(packed);
    // Files of it that were put one behind the other are one body.
    unpacking.multiple_members(true);
    Body::from_stream(ReaderStream::new(unpacking).map(move |part| {
        let part = part?;
        held.as_mut()
            .map_or(Ok(()), |held| held.take(part.len()))
            .map_err(|no_room| io::Error::other(ended_by(no_room)))?;
        Ok::<_, io::Error>(part)
    }))
}
