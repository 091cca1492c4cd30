//! What a running service reads again: on SIGHUP, certificates and tokens also when a file has changed. A bad file
//! changes nothing and is said.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::settings_again::SettingsAgain;
use crate::error::Result;
use crate::service::access::{Access, Tokens};
use crate::service::metrics::Metrics;
use crate::service::tls::Tls;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Something that is read again.
struct Renewed {
    what: &'static str,
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    /// Reads it; says how many there are, where that counts.
    read: Box<dyn FnMut() -> Result<Option<usize>> + Send>,
}

/// What of a file shows that it changed.
type Stamp = (SystemTime, u64);

impl Renewed {
    fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        read: impl FnMut() -> Result<Option<usize>> + Send + 'static,
    ) -> Self {
        let seen = stamps(&files);
        let read = Box::new(read);
        Renewed {
            what,
            files,
            seen,
            read,
        }
    }

    /// Reads it again if it has changed, or whatever there is if `anyway`.
    fn renew(&mut self, anyway: bool, metrics: &Metrics) {
        let seen = stamps(&self.files);
        if !anyway && seen == self.seen {
            return;
        }
        self.seen = seen;
        let what = self.what;
        match (self.read)() {
            Ok(Some(0)) => tracing::warn!(what, count = 0, "read again, and there is none: nobody may call"),
            Ok(count) => tracing::info!(what, count, "read again"),
            Err(error) => {
                metrics.reload_failed();
                tracing::error!(what, %error, "could not be read again; what was read before goes on counting");
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
}

/// What is read again.
pub struct Again {
    /// Certificates.
    pub tls: Option<Arc<Tls>>,
    /// The file of tokens.
    pub tokens: Option<PathBuf>,
    /// Who may call.
    pub access: Arc<Access>,
    /// The settings, if they came from somewhere.
    pub settings: Option<SettingsAgain>,
}

/// Reads all of it again for as long as the service lives.
pub async fn follow(again: Again, metrics: Arc<Metrics>) {
    let Again {
        tls,
        tokens,
        access,
        settings,
    } = again;
    let mut all = Vec::new();
    if let Some(mut settings) = settings {
        // No file, so that it is read when that is asked for and not before.
        all.push(Renewed::new("settings", Vec::new(), move || {
            settings.renew().map(|()| None)
        }));
    }
    if let Some(tls) = tls {
        all.push(Renewed::new("certificates", tls.files(), move || {
            tls.reload().map(|()| None)
        }));
    }
    if let Some(path) = tokens {
        all.push(Renewed::new("tokens", vec![path.clone()], move || {
            let tokens = Tokens::read(&path)?;
            let count = tokens.count();
            access.replace(tokens);
            Ok(Some(count))
        }));
    }
    let mut hang_up = HangUp::new();
    loop {
        let anyway = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            () = hang_up.asked() => true,
        };
        let metrics = metrics.clone();
        let renewed = tokio::task::spawn_blocking(move || {
            all.iter_mut().for_each(|one| one.renew(anyway, &metrics));
            all
        });
        match renewed.await {
            Ok(renewed) => all = renewed,
            // The service ends.
            Err(_) => return,
        }
    }
}

/// SIGHUP, where there is such a thing.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    fn new() -> Self {
        HangUp {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn asked(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
