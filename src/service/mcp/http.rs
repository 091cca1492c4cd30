//! The tools on the service's port, at `/mcp`: the protocol's streamable HTTP without sessions, each call by itself.
//!
//! Tokens, deadlines and the bound on questions that wait are those of every call.

use std::sync::Arc;

use axum::extract::Request;
use axum::routing::{MethodRouter, any};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::asker::Asker;
use super::{Behind, Tools};
use crate::service::calls::SearchCalls;

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
    any(move |mut request: Request| {
        Asker::enter(&mut request);
        let service = service.clone();
        async move { service.handle(request).await }
    })
}
