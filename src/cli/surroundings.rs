//! What a service has around it, opened as the settings say: certificates, tokens, whether it may listen in plain text.

use std::net::SocketAddr;
use std::sync::Arc;

use super::opening::Place;
use crate::error::{Error, Result};
use crate::service::access::{Access, Hosts, Tokens};
use crate::service::metrics::Metrics;
#[cfg(feature = "otel")]
use crate::service::otel;
use crate::service::server::Surroundings;
use crate::service::tls::{Tls, TlsFiles};
use crate::service::trace::Traces;
use crate::settings::Settings;

/// Opens certificates and tokens.
///
/// # Errors
/// `Caller` with everything that is wrong in the settings and in the files that they name.
pub fn open(settings: &Settings) -> Result<Surroundings> {
    look(settings).map_err(|mistakes| Error::caller(mistakes.join("\n  ")).context("the settings"))
}

/// The same, with each mistake for itself.
///
/// # Errors
/// Everything that is wrong, by the names of the settings.
pub fn look(settings: &Settings) -> std::result::Result<Surroundings, Vec<String>> {
    let mut mistakes = Vec::new();
    let files = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authority: settings.tls_client_ca.clone(),
        }),
        (None, None) => {
            if settings.tls_client_ca.is_some() {
                mistakes.push("tls_client_ca: means nothing without tls_cert and tls_key".to_owned());
            }
            None
        }
        (Some(_), None) => {
            mistakes.push("tls_key: is missing, tls_cert needs it".to_owned());
            None
        }
        (None, Some(_)) => {
            mistakes.push("tls_cert: is missing, tls_key needs it".to_owned());
            None
        }
    };
    if settings.read_only && settings.write {
        mistakes.push("read_only: what is written to is changed; leave one of read_only and write".to_owned());
    }
    if settings.backend.is_some() {
        if settings.snapshots.is_some() {
            mistakes.push("snapshots: an index in Milvus has none; `baowen copy` takes it into a folder".to_owned());
        }
        if settings.verify != "off" {
            mistakes.push("verify: looks at the files of a folder, and backend names an index in Milvus".to_owned());
        }
    }
    let mut or_mistake = |error: Error| mistakes.push(error.to_string());
    check_traces(settings).map_err(&mut or_mistake).ok();
    Place::of(settings).map_err(&mut or_mistake).ok();
    let tls = files.and_then(|files| Tls::open(files).map_err(&mut or_mistake).ok());
    let tokens = settings.tokens.as_deref();
    let tokens = tokens.and_then(|path| Tokens::read(path).map_err(&mut or_mistake).ok());
    let names = settings.hosts.as_deref().unwrap_or_default();
    let named = Hosts::parse(names, &settings.listen).map_err(&mut or_mistake);
    let hosts = match &tls {
        // A browser takes no page for the service's own whose name is not in the certificate.
        Some(_) => Hosts::Any,
        None => named.unwrap_or_default(),
    };
    if mistakes.is_empty() {
        Ok(Surroundings {
            access: Arc::new(Access::new(tokens, hosts)),
            tls: tls.map(Arc::new),
            metrics: Arc::new(Metrics::new()),
            traces: None,
            limits: Arc::default(),
        })
    } else {
        Err(mistakes)
    }
}

/// Where the calls are told, if they are: as the settings say, or else the variables that programs of all kinds read.
#[cfg(feature = "otel")]
fn collector(settings: &Settings) -> Option<String> {
    let named = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    let named = named.iter().filter_map(|name| std::env::var(name).ok());
    settings
        .otlp_endpoint
        .clone()
        .into_iter()
        .chain(named)
        .find(|address| !address.is_empty())
}

#[cfg(feature = "otel")]
fn check_traces(settings: &Settings) -> Result<()> {
    collector(settings).map_or(Ok(()), |address| otel::check(&address))
}

#[cfg(not(feature = "otel"))]
fn check_traces(settings: &Settings) -> Result<()> {
    match settings.otlp_endpoint {
        None => Ok(()),
        Some(_) => Err(
            Error::caller("otlp_endpoint: this program is built without OpenTelemetry")
                .help("build it with `--features otel`"),
        ),
    }
}

/// Who is told of calls, if anybody is; within the runtime of the service.
///
/// # Errors
/// `Caller` if that cannot be done.
#[cfg(feature = "otel")]
pub fn traces(settings: &Settings) -> Result<Option<Arc<dyn Traces>>> {
    let Some(address) = collector(settings) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(otel::Collector::at(&address)?)))
}

/// Nobody is told of calls.
#[cfg(not(feature = "otel"))]
pub fn traces(_: &Settings) -> Result<Option<Arc<dyn Traces>>> {
    Ok(None)
}

/// Whether a service may listen there.
///
/// # Errors
/// `Precondition` if others would reach it and read along, and nobody said that this is meant.
pub fn may_listen(address: SocketAddr, is_private: bool, insecure: bool) -> Result<()> {
    if is_private || insecure || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Error::precondition(format!(
        "{address} is reached from other machines, and without TLS everyone on the way reads and changes what is sent"
    ))
    .help(
        "name a certificate with --tls-cert and --tls-key, or listen on 127.0.0.1, or say --insecure (BAOWEN_INSECURE=true) \
         where the network is trusted, as in a container behind a proxy",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_on_this_machine_unless_it_is_meant() {
        let check = |address: &str, is_private, insecure, expected| {
            let may = may_listen(address.parse().unwrap(), is_private, insecure);
            assert_eq!(may.is_ok(), expected, "{address}");
        };
        check("127.0.0.1:1", false, false, true);
        check("127.8.0.1:1", false, false, true);
        check("[::1]:1", false, false, true);
        check("[::ffff:127.0.0.1]:1", false, false, true);
        check("0.0.0.0:1", false, false, false);
        check("[::]:1", false, false, false);
        check("10.0.0.1:1", false, false, false);
        check("0.0.0.0:1", true, false, true);
        check("0.0.0.0:1", false, true, true);
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let settings = Settings {
            tls_cert: Some("cert".into()),
            tokens: Some("nowhere".into()),
            ..Settings::default()
        };
        let error = open(&settings).unwrap_err().to_string();
        assert!(
            error.contains("tls_key: is missing") && error.contains("nowhere"),
            "{error}"
        );
    }
}
