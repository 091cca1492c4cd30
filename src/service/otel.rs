//! Calls as spans of OpenTelemetry, sent to a collector by OTLP over gRPC.
//!
//! A span holds a call's name, code, request id, bytes and the time of each stage, and never what was asked. They are
//! sent in the background, a bounded number of them waits, and those that find no room are dropped: a collector that is
//! slow or away costs no call anything, and is said once.

use std::borrow::Cow;
use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter as Otlp, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter};
use tonic::codegen::http::{HeaderMap, Uri};

use super::trace::{Trace, Traces};
use crate::error::{Error, Result};
use crate::search::response::Timings;

/// The name of this program among others, where `OTEL_SERVICE_NAME` gives no other.
const NAME: &str = "baowen";
/// The variable that says so.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// How long the last spans may take at the end.
const LAST: Duration = Duration::from_secs(2);
/// Codes by which a service fails, as the conventions of OpenTelemetry have it; the others are their callers' matter.
const FAILED: &[&str] = &[
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
];

/// The way to a collector.
#[derive(Debug)]
pub struct Collector {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Collector {
    /// Sends to this address, as `http://HOST:4317`; within a runtime, which the connection lives in. Nobody need be
    /// there yet.
    ///
    /// # Errors
    /// `Caller` if it is no address, or what variables of OpenTelemetry say besides cannot be done.
    pub fn at(address: &str) -> Result<Collector> {
        check(address)?;
        let exporter = Otlp::builder().with_tonic().with_endpoint(address).build();
        let exporter = exporter
            .map_err(|cause| Error::caller(format!("otlp_endpoint: `{address}` cannot be sent to: {cause}")))?;
        let resource = Resource::builder();
        let resource = match env::var_os(SERVICE_NAME) {
            Some(_) => resource,
            None => resource.with_service_name(NAME),
        };
        let told = Told {
            exporter,
            has_failed: AtomicBool::new(false),
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.with_attribute(version()).build())
            .with_batch_exporter(told)
            .build();
        Ok(Collector {
            tracer: provider.tracer(NAME),
            provider,
        })
    }
}

/// Refuses what is no address of a collector.
///
/// # Errors
/// `Caller`, with the setting's name.
pub fn check(address: &str) -> Result<()> {
    let is_address = |address: &Uri| matches!(address.scheme_str(), Some("http" | "https")) && address.host().is_some();
    if address.parse().is_ok_and(|address| is_address(&address)) {
        Ok(())
    } else {
        Err(
            Error::caller(format!("otlp_endpoint: `{address}` is no address of a collector"))
                .help("write it as http://HOST:4317, the port of OTLP over gRPC"),
        )
    }
}

fn version() -> KeyValue {
    KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))
}

impl Traces for Collector {
    fn begin(&self, method: &'static str, request_id: &str, headers: &HeaderMap) -> Arc<dyn Trace> {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        let attributes = [
            KeyValue::new("rpc.method", method),
            KeyValue::new("baowen.request_id", request_id.to_owned()),
        ];
        let span = self.tracer.span_builder(method).with_kind(SpanKind::Server);
        let span = span
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        Arc::new(Open(Mutex::new(span)))
    }

    fn finish(&self) {
        if let Err(cause) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%cause, "the last traces were not sent");
        }
    }
}

/// The span of a call that goes on.
struct Open(Mutex<Span>);

impl Open {
    fn set(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        let mut span = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        span.set_attributes(attributes);
    }
}

impl Trace for Open {
    fn answered(&self, timings: &Timings) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        let stage = |(name, time): (&str, Duration)| KeyValue::new(format!("baowen.{name}_ms"), milliseconds(time));
        self.set(timings.stages().map(stage));
        self.set([KeyValue::new("baowen.cached", timings.cached)]);
    }

    fn ended(&self, code: &'static str, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.set([
            KeyValue::new("rpc.response.status_code", code),
            KeyValue::new("baowen.response_bytes", bytes),
        ]);
        let mut span = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if FAILED.contains(&code) {
            let description = Cow::Borrowed(code);
            span.set_status(Status::Error { description });
        }
        span.end();
    }
}

/// Where a call says of what it is a part.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Says once that spans cannot be sent, and once that they are sent again.
#[derive(Debug)]
struct Told {
    exporter: Otlp,
    has_failed: AtomicBool,
}

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        match (&sent, self.has_failed.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(cause), false) => tracing::warn!(%cause, "traces are not sent"),
            (Ok(()), true) => tracing::info!("traces are sent again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
