//! The settings of a running service, read again: what can change does, and what needs a restart is named.

use std::sync::Arc;

use crate::error::Result;
use crate::service::limits::Limits;
use crate::service::server::ServiceSettings;
use crate::settings::catalogue::SETTINGS;
use crate::settings::{Resolved, Settings};

/// What reads the settings and has them followed.
pub struct SettingsAgain {
    read: Box<dyn Fn() -> Result<Resolved> + Send>,
    /// What the service goes by.
    running: Settings,
    limits: Arc<Limits>,
    log: Box<dyn Fn(&Settings) + Send>,
}

impl SettingsAgain {
    /// The service was started by `running`; `read` reads its settings, `limits` and `log` follow them.
    pub fn new(
        running: Settings,
        read: impl Fn() -> Result<Resolved> + Send + 'static,
        limits: Arc<Limits>,
        log: impl Fn(&Settings) + Send + 'static,
    ) -> Self {
        SettingsAgain {
            read: Box::new(read),
            running,
            limits,
            log: Box::new(log),
        }
    }

    /// Reads them again and follows what can be; says what cannot.
    ///
    /// # Errors
    /// `Caller` with everything that is wrong in them; then nothing changes.
    pub fn renew(&mut self) -> Result<()> {
        let Resolved { settings, doubts, .. } = (self.read)()?;
        doubts.iter().for_each(|doubt| tracing::warn!("{doubt}"));
        let running = followed(&self.running, &settings);
        let before = std::mem::replace(&mut self.running, running);
        self.limits.set(&self.running.service);
        (self.log)(&self.running);
        let (changed, left) = (differing(&before, &self.running), differing(&self.running, &settings));
        if !changed.is_empty() {
            tracing::info!("other settings from now on: {}", changed.join(", "));
        }
        if !left.is_empty() {
            tracing::warn!("these settings need a restart: {}", left.join(", "));
        }
        Ok(())
    }
}

/// What is running, with those of the new settings that a running service follows.
fn followed(running: &Settings, new: &Settings) -> Settings {
    Settings {
        log: new.log,
        access_log: new.access_log,
        service: ServiceSettings {
            max_batch: new.service.max_batch,
            longest: new.service.longest,
            import_idle: new.service.import_idle,
            grace: new.service.grace,
            slow: new.service.slow,
            ..running.service.clone()
        },
        ..running.clone()
    }
}

/// The settings that are not the same.
fn differing(one: &Settings, other: &Settings) -> Vec<String> {
    let differ = SETTINGS
        .iter()
        .filter(|setting| setting.value.shown(one) != setting.value.shown(other));
    differ.map(|setting| setting.key()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::settings::{Given, resolve};

    #[test]
    fn what_can_change_does_and_mistakes_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baowen.toml");
        let given = Given {
            file: Some(file.clone()),
            ..Given::default()
        };
        let (limits, logged) = (Arc::new(Limits::default()), Arc::new(Mutex::new("")));
        let log = {
            let logged = logged.clone();
            move |settings: &Settings| *logged.lock().unwrap() = settings.log
        };
        let mut again = SettingsAgain::new(Settings::default(), move || resolve(&given), limits.clone(), log);
        let mut write = |text: &str| {
            std::fs::write(&file, text).unwrap();
            again.renew().map(|()| again.running.clone())
        };
        let text = "log = \"warn\"\naccess_log = true\nmax_batch = 7\nlongest_call = 3\nlongest_batch = 9\nlongest_write = 4\n\
                    import_idle = 5\ngrace = 6\nslow = 0.5\n";
        let running = write(text).unwrap();
        let expected = [
            "log",
            "access_log",
            "max_batch",
            "longest_call",
            "longest_batch",
            "longest_write",
            "import_idle",
            "grace",
            "slow",
        ];
        let mut changed = differing(&Settings::default(), &running);
        changed.sort();
        let mut sorted = expected.to_vec();
        sorted.sort_unstable();
        assert_eq!(changed, sorted);
        assert_eq!(*logged.lock().unwrap(), "warn");
        let now = limits.now();
        assert_eq!((now.max_batch, now.grace), (7, Duration::from_secs(6)));
        assert!(write("max_batch = 0\n").is_err());
        assert_eq!(limits.now(), now, "what was read before goes on counting");
        let running = write("queue = 9\nmax_batch = 8\n").unwrap();
        assert_eq!(limits.now().max_batch, 8);
        assert_eq!(running.service.queue, Settings::default().service.queue);
        let left = differing(
            &running,
            &Settings {
                service: ServiceSettings {
                    queue: 9,
                    max_batch: 8,
                    ..Settings::default().service
                },
                ..Settings::default()
            },
        );
        assert_eq!(left, ["queue"], "it needs a restart");
    }
}
