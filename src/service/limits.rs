//! Limits that may change while a service runs: its settings are read again on SIGHUP.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::service_settings::{Longest, ServiceSettings};

/// The limits as they are at a moment; what each means is said where the settings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsNow {
    /// Most questions of one batch.
    pub max_batch: usize,
    /// The longest that calls may take.
    pub longest: Longest,
    /// How long an import may wait for its client's next message.
    pub import_idle: Duration,
    /// How long calls in flight may go on after the signal to end.
    pub grace: Duration,
    /// Questions that take at least so long are written down; zero for none.
    pub slow: Duration,
}

impl LimitsNow {
    fn of(settings: &ServiceSettings) -> Self {
        LimitsNow {
            max_batch: settings.max_batch,
            longest: settings.longest,
            import_idle: settings.import_idle,
            grace: settings.grace,
            slow: settings.slow,
        }
    }
}

/// Limits that are asked for by each call.
#[derive(Debug)]
pub struct Limits(RwLock<LimitsNow>);

impl Default for Limits {
    fn default() -> Self {
        Limits(RwLock::new(LimitsNow::of(&ServiceSettings::default())))
    }
}

impl Limits {
    /// As they are now.
    pub fn now(&self) -> LimitsNow {
        // Replaced in one step, so a poisoned lock is still a good one.
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// As these settings say from now on; calls that are under way keep what they began with.
    pub fn set(&self, settings: &ServiceSettings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = LimitsNow::of(settings);
    }
}
