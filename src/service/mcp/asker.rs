//! Who asks, and until when. A service knows both where a call comes in, but the library answers it in a task of its
//! own; so they travel with the call.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::request::Parts;
use rmcp::RoleServer;
use rmcp::service::RequestContext;

use crate::service::caller::{CALLER, Caller};
use crate::service::deadline::Deadline;

/// How long a call may take where nobody says: a model waits longer than a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who asks, and until when.
#[derive(Debug, Clone)]
pub struct Asker {
    caller: Option<Caller>,
    /// When the answer is of no more use.
    pub until: Instant,
}

impl Asker {
    /// Writes into a request who calls now.
    pub fn enter(request: &mut Request) {
        if let Ok(caller) = CALLER.try_with(Clone::clone) {
            request.extensions_mut().insert(caller);
        }
    }

    /// Of a call; by standard input nobody in particular.
    pub fn of(context: &RequestContext<RoleServer>) -> Asker {
        let request = context.extensions.get::<Parts>();
        let deadline = request.and_then(|request| request.extensions.get::<Deadline>());
        Asker {
            caller: request.and_then(|request| request.extensions.get::<Caller>().cloned()),
            until: deadline.map_or_else(|| Instant::now() + PATIENCE, |deadline| deadline.0),
        }
    }

    /// Does this for the asker, as if its call were answered where it came in.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        match self.caller {
            Some(caller) => CALLER.scope(caller, work).await,
            None => work.await,
        }
    }
}
