//! Who calls: the name of its token; where there are no tokens its address, or its connection if it is of this machine.

use std::sync::Arc;

/// A caller by its name. Callers share the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller(pub Arc<str>);

tokio::task_local! {
    /// Who calls, for the time of its call.
    pub static CALLER: Caller;
}
