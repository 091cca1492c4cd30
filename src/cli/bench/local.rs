//! An index in Milvus measured without a service that runs: this process serves it on a port of its own, to itself.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::cli::served::{Served, warm};
use crate::cli::{milvus, serve};
use crate::compute::own_thread;
use crate::error::{Context, Fault, Result};
use crate::profile::Profile;
use crate::service::server::{self, ServiceSettings, Surroundings};

/// The stack of the thread that the service runs in.
const STACK: usize = 4 << 20;

/// A service over an index in Milvus, until it is dropped.
pub struct Local {
    /// Where it listens.
    pub address: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<Result<()>>>,
}

impl Local {
    /// Opens the index and serves it, without keeping any answer: what is measured is what is computed.
    ///
    /// # Errors
    /// Those of opening it; `Unavailable` if the system gives no port or thread.
    pub fn over(address: &str) -> Result<Local> {
        let opened = milvus::open(address, Profile::shipped(), None)?;
        let around = Surroundings::default();
        warm(&opened.engine, &around.metrics)?;
        let served = Arc::new(Served::new(opened.engine));
        let settings = ServiceSettings {
            answer_cache_bytes: 0,
            ..ServiceSettings::default()
        };
        let doing = "serving the index on this machine";
        let runtime = serve::runtime()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.or_fault(Fault::Unavailable, doing)?;
        let address = listener.local_addr().or_fault(Fault::Unavailable, doing)?.to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = own_thread(STACK, move || {
            let ended = async { drop(stopped.await) };
            runtime.block_on(server::run(listener, served, Arc::default(), settings, around, ended))
        });
        Ok(Local {
            address,
            stop: Some(stop),
            serving: Some(serving.or_fault(Fault::Unavailable, doing)?),
        })
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            // What was measured is measured.
            let _ = serving.join();
        }
    }
}
