//! TLS of the service: certificates out of files, replaced while it runs.
//!
//! Connections that are there keep what they began with; new ones get what was read last. Keys and certificates are
//! read whole before anything is replaced, so a bad file changes nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::error::{Context as _, Error, Fault, Result};

/// Where the certificates lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of which clients must have a certificate (mutual TLS).
    pub client_authority: Option<PathBuf>,
}

/// The TLS of new connections.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// `Unavailable` if one cannot be read, `Caller` if it holds something else than it should or certificate and key
    /// do not belong together.
    pub fn open(files: TlsFiles) -> Result<Tls> {
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Tls { files, current })
    }

    /// Reads the files again, for connections from now on.
    ///
    /// # Errors
    /// As [`Self::open`]; then nothing changes.
    pub fn reload(&self) -> Result<()> {
        let new = Arc::new(read(&self.files)?);
        // Replaced in one step, so a poisoned lock is still a good one.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The files it was read from.
    pub fn files(&self) -> Vec<PathBuf> {
        let files = [&self.files.certificate, &self.files.key].into_iter();
        files.chain(&self.files.client_authority).cloned().collect()
    }

    /// Agrees on keys with whoever has connected. For a time that the caller bounds.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(current).accept(stream).await
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&files.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| unreadable(&files.key, "private key", &cause))?;
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .or_fault(Fault::Bug, "choosing versions of TLS")?;
    let config = match &files.client_authority {
        None => config.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots
                    .add(certificate)
                    .or_fault(Fault::Caller, format!("{}: is no authority", path.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.build().or_fault(
                Fault::Caller,
                format!("{}: clients cannot be verified by it", path.display()),
            )?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let doing = format!("{} and {}", files.certificate.display(), files.key.display());
    let mut config = config.with_single_cert(chain, key).or_fault(Fault::Caller, doing)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let found = found.map_err(|cause| unreadable(path, "certificate", &cause))?;
    if found.is_empty() {
        Err(Error::caller(format!(
            "{}: holds no certificate in PEM",
            path.display()
        )))
    } else {
        Ok(found)
    }
}

/// What kept a file from being read. The parser's messages name kinds of sections, never what is in them.
fn unreadable(path: &Path, what: &str, cause: &tokio_rustls::rustls::pki_types::pem::Error) -> Error {
    use tokio_rustls::rustls::pki_types::pem::Error as Pem;
    match cause {
        Pem::Io(cause) => Error::unavailable(format!("reading {}: {cause}", path.display())),
        _ => Error::caller(format!("{}: holds no {what} in PEM: {cause}", path.display())),
    }
}
