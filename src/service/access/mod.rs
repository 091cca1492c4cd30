//! Who may call what: bearer tokens out of a file, what each may do, how often; without tokens, by which names.
//!
//! Owns the file's form, the comparison of tokens and what rights there are; which call needs which is in `methods`. It
//! keeps no token, only its SHA-256, and writes none into an error or a log. It never looks at a request's message.
//!
//! | file | one concern |
//! |---|---|
//! | `tokens` | the file of tokens, a new token, which entry a token is |
//! | `rights` | what a token may, and what a call may need |
//! | `hosts` | by which names a service without tokens may be called, and the numbers of any |
//! | `rates` | how often a token may call, and ask within a call |
//! | `guard` | every call of a server, let through or refused |

mod guard;
mod hosts;
mod rates;
pub mod rights;
mod tokens;

use std::sync::{Arc, PoisonError, RwLock};

pub use guard::Guarded;
pub use hosts::Hosts;
pub use rates::count_questions;
pub use rights::Right;
pub use tokens::{NewToken, Tokens};

/// The tokens that count now, which are replaced while the service runs, and its names.
#[derive(Debug, Default)]
pub struct Access {
    tokens: RwLock<Option<Arc<Tokens>>>,
    hosts: Hosts,
}

impl Access {
    /// Access with these tokens; without any, for everyone who calls the service by one of its names.
    pub fn new(tokens: Option<Tokens>, hosts: Hosts) -> Self {
        Access {
            tokens: RwLock::new(tokens.map(Arc::new)),
            hosts,
        }
    }

    /// Puts other tokens in the place of those before. Calls that were let in go on.
    pub fn replace(&self, tokens: Tokens) {
        // Replaced in one step, so a poisoned lock is still a good one.
        let mut current = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let tokens = match &*current {
            Some(before) => tokens.counting_on(before),
            None => tokens,
        };
        *current = Some(Arc::new(tokens));
    }

    /// The tokens that count now; none if everyone may call.
    pub fn tokens(&self) -> Option<Arc<Tokens>> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
