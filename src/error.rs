//! The one error type of the crate: whose fault it is, what was wrong, and what helps.
//!
//! No dependency's error type appears in a public signature; a cause is kept as text in a chain of contexts. The
//! service maps [`Fault`] to a gRPC code in one place, the command line prints the message and the help.

use std::fmt;

/// Whose fault an error is, and so what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The request is wrong; sending it again changes nothing.
    Caller,
    /// The thing named does not exist.
    Missing,
    /// Something must be done first: another program holds the index, or it was built by other rules.
    Precondition,
    /// Too much work is in flight or a limit was reached; later it may go through.
    Exhausted,
    /// What was sent is larger than it may be; less of it, or in parts, goes through.
    TooLarge,
    /// The caller's deadline passed before the answer was ready.
    Deadline,
    /// A part that is needed is not there now (the model, the disk, the network).
    Unavailable,
    /// Stored data is not what was written.
    Corrupt,
    /// A defect of this program.
    Bug,
}

impl Fault {
    /// Whose fault it is that a file cannot be opened or read.
    pub fn of_io(cause: &std::io::Error) -> Fault {
        match cause.kind() {
            std::io::ErrorKind::NotFound => Fault::Missing,
            _ => Fault::Unavailable,
        }
    }

    /// Whether it lies in what was asked rather than in who answers.
    pub fn is_callers(self) -> bool {
        matches!(
            self,
            Fault::Caller | Fault::Missing | Fault::Precondition | Fault::TooLarge
        )
    }
}

/// An error with its fault, its message, an optional hint and its causes, outermost first.
#[derive(Debug, Clone)]
pub struct Error {
    fault: Fault,
    message: String,
    help: Option<String>,
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given fault. The message says what was wrong and where, without a trailing full stop.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Error {
            fault,
            message: message.into(),
            help: None,
        }
    }

    /// The request is wrong.
    pub fn caller(message: impl Into<String>) -> Self {
        Self::new(Fault::Caller, message)
    }

    /// The thing named does not exist.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(Fault::Missing, message)
    }

    /// Something must be done first.
    pub fn precondition(message: impl Into<String>) -> Self {
        Self::new(Fault::Precondition, message)
    }

    /// A needed part is not there now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Fault::Unavailable, message)
    }

    /// Stored data is damaged.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(Fault::Corrupt, message)
    }

    /// A defect of this program.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Fault::Bug, message)
    }

    /// The same error with what was being done put before its message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The same error with the step that helps: a command to run, a setting to change.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Whether the same may go through later: what was needed is away, busy or slow.
    pub fn is_passing(&self) -> bool {
        matches!(self.fault, Fault::Unavailable | Fault::Exhausted | Fault::Deadline)
    }

    /// What was wrong, without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What helps, if anything is known to.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Turns a foreign error into ours where it happens, naming what was being done.
pub trait Context<T> {
    /// Wraps the error as `fault`, with `doing` before its text.
    fn or_fault(self, fault: Fault, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn or_fault(self, fault: Fault, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|cause| Error::new(fault, format!("{doing}: {cause}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_outermost_first_and_ends_with_the_help() {
        let error = Error::corrupt("checksum differs")
            .context("reading segment 3")
            .help("run `baowen index` again");
        assert_eq!(
            error.to_string(),
            "reading segment 3: checksum differs (run `baowen index` again)"
        );
        assert_eq!(error.fault(), Fault::Corrupt);
    }
}
