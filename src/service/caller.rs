//! Who calls: the name of its token; where there are no tokens its address, or its connection if it is of this machine.

use std::sync::{Arc, OnceLock};

/// A caller by its name. Callers share the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller(pub Arc<str>);

tokio::task_local! {
    /// Who calls, for the time of its call.
    pub static CALLER: Caller;
}

/// By whose token a call came, once that is known: in the extensions of its request, where who lets it in tells it to
/// who writes it down.
#[derive(Debug, Clone, Default)]
pub struct ByToken(pub Arc<OnceLock<Arc<str>>>);
