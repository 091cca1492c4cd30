//! How far a fetch is, told to whoever asked for it, who may stop it at every step.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::error::{Error, Result};

/// How far a fetch is. Those with numbers come repeatedly, and anew for each source that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchStep {
    /// Another program is fetching; it is waited for.
    Waiting,
    /// Files are in place and their checksums are being computed.
    Checking,
    /// The files in place were right: nothing was done.
    Present,
    /// A source is sending.
    Downloading {
        /// The source.
        from: &'static str,
        /// Bytes so far.
        done: u64,
        /// Bytes expected.
        total: u64,
    },
    /// The files are being taken out of a package.
    Unpacking {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The files are in place.
    Done,
}

/// Who is told of each step, and says whether to go on. Called several times a second while something is waited for.
pub type Progress<'a> = dyn FnMut(FetchStep) -> ControlFlow<()> + 'a;

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The one who is told, and whether they have had enough.
pub struct Watch<'a> {
    tell: &'a mut Progress<'a>,
    is_stopped: bool,
}

impl<'a> Watch<'a> {
    /// Tells `tell`.
    pub fn new(tell: &'a mut Progress<'a>) -> Self {
        Watch {
            tell,
            is_stopped: false,
        }
    }

    /// Whether a step was answered with the wish to stop; nothing more is tried then.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Tells of a step.
    ///
    /// # Errors
    /// `Unavailable` if the fetch is to stop.
    pub fn step(&mut self, step: FetchStep) -> Result<()> {
        self.is_stopped |= (self.tell)(step).is_break();
        if self.is_stopped {
            Err(Error::unavailable("the fetch was stopped; nothing was put in place"))
        } else {
            Ok(())
        }
    }

    /// Tells of the last step; it is too late to stop.
    pub fn end(&mut self, step: FetchStep) {
        let _ = (self.tell)(step);
    }

    /// Tells of the step and sleeps until the next look, or for `most` if that is shorter; says how long it slept.
    ///
    /// # Errors
    /// As for [`Watch::step`].
    pub fn pause(&mut self, most: Duration, step: FetchStep) -> Result<Duration> {
        self.step(step)?;
        let sleep = LOOK.min(most);
        std::thread::sleep(sleep);
        Ok(sleep)
    }
}
