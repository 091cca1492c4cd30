//! The tools on the service's port, at `/mcp`: the protocol's streamable HTTP without sessions, each call by itself.
//!
//! Tokens, deadlines and the bound on questions that wait are those of every call.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any};
use futures_util::StreamExt as _;
use rmcp::model::{ErrorData, JsonRpcError};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::asker::Asker;
use super::unreadable::no_message;
use super::{Behind, Tools};
use crate::error::{Error, Fault, Result};
use crate::service::calls::SearchCalls;
use crate::service::drained::cut_off;
use crate::service::intake::{HeldBody, reading};
use crate::service::refusal::{Protocol, refuse};

type Service = StreamableHttpService<Tools, NeverSessionManager>;

/// What stands at `/mcp`. Takes bodies of at most so many bytes.
pub fn route(calls: SearchCalls, max_bytes: usize) -> MethodRouter {
    let settings = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(max_bytes)
        // Names are looked at for every call (`access::hosts`); pages of browsers are kept out by their origin as well.
        .disable_allowed_hosts()
        .enforce_origin_validation();
    let tools = Tools::new(Behind::Here(calls));
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tools.clone()), sessions, settings);
    any(move |request: Request| answer(service.clone(), request, max_bytes))
}

async fn answer(service: Service, request: Request, most: usize) -> Response {
    if request.method() != Method::POST {
        return service.handle(request).await.map(Body::new);
    }
    let (head, body) = request.into_parts();
    let (message, unreadable, _held) = match looked_at(body, most).await {
        Ok(read) => read,
        Err(error) => return refuse(Protocol::Http, &error).map(Body::new),
    };
    if let Some(error) = unreadable {
        // Texts and numbers alone, which cannot fail to become JSON.
        let said = serde_json::to_string(&JsonRpcError::new(None, error)).unwrap_or_default();
        return (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], said).into_response();
    }
    let mut request = Request::from_parts(head, Body::from(message));
    Asker::enter(&mut request);
    service.handle(request).await.map(Body::new)
}

/// The whole body, and why it is no message if it is none.
async fn looked_at(body: Body, most: usize) -> Result<(Vec<u8>, Option<ErrorData>, Option<HeldBody>)> {
    let message = whole(body, most).await?;
    let held = HeldBody::read_json(&message)?;
    reading(message.len(), move || {
        let unreadable = no_message(&message);
        (message, unreadable, held)
    })
    .await
}

async fn whole(body: Body, most: usize) -> Result<Vec<u8>> {
    let (mut parts, mut whole) = (body.into_data_stream(), Vec::new());
    while let Some(part) = parts.next().await {
        let part = part.map_err(|cause| cut_off(&cause))?;
        if whole.len() + part.len() > most {
            let what = format!("the body is larger than {most} bytes");
            return Err(Error::new(Fault::TooLarge, what).help("ask for less at a time"));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}
