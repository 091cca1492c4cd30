//! Whether a service is about to end, for calls that would otherwise go on for as long as their callers like, and what
//! it comes to if some did.

use std::time::Duration;

use tokio::sync::watch;

use crate::error::{Error, Fault, Result};

/// Says that the service ends.
pub struct End(watch::Sender<bool>);

/// Learns that the service ends.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<bool>);

/// The two ends of the word.
pub fn ending() -> (End, Ending) {
    let (tell, told) = watch::channel(false);
    (End(tell), Ending(told))
}

impl End {
    /// The service ends from now on.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Ending {
    /// Whether the service ends.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the service begins to end, or is gone.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.0.clone();
        async move { drop(told.wait_for(|ends| *ends).await) }
    }
}

/// What a service comes to whose grace period was over before its connections were.
///
/// # Errors
/// `Deadline` if calls are cut off.
pub fn cut_off(grace: Duration, unanswered: usize, searching: usize) -> Result<()> {
    if unanswered == 0 && searching == 0 {
        // Who does not read the answer that was given it holds nobody up.
        return Ok(());
    }
    Err(Error::new(
        Fault::Deadline,
        format!(
            "calls that were not answered to the end {} s after the signal to end: {unanswered}, searches in flight: \
             {searching}; they are cut off",
            grace.as_secs_f32(),
        ),
    )
    .help("allow a longer grace period if calls need it"))
}
