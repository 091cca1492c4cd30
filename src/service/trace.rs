//! Calls as others follow them through several programs: who is told of each, by the words of this service.
//!
//! Knows no protocol of tracing; without anybody to tell it costs a look.

use std::fmt;
use std::sync::Arc;

use tonic::codegen::http::HeaderMap;

use crate::search::response::Timings;

/// Who is told of calls.
pub trait Traces: fmt::Debug + Send + Sync {
    /// A call begins; its headers may say which call of another program it is a part of.
    fn begin(&self, method: &'static str, request_id: &str, headers: &HeaderMap) -> Arc<dyn Trace>;

    /// The service ends: what was not yet passed on is, for as long as an end may take.
    fn finish(&self);
}

/// Who is told of one call.
pub trait Trace: Send + Sync {
    /// What each stage of its answer took.
    fn answered(&self, timings: &Timings);

    /// It has ended, with the name of its code; CANCELLED if nobody waited for its end.
    fn ended(&self, code: &'static str, bytes: usize);
}

tokio::task_local! {
    /// Who is told of the call that is answered by this task.
    static TRACE: Arc<dyn Trace>;
}

/// Who is told of the call that is answered now, if anybody is.
pub fn current() -> Option<Arc<dyn Trace>> {
    TRACE.try_with(Clone::clone).ok()
}

/// Does the work for a call of which this one is told.
pub async fn told<T>(trace: Option<Arc<dyn Trace>>, work: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => TRACE.scope(trace, work).await,
        None => work.await,
    }
}
