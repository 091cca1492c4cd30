//! `baowen mcp`: the collection as tools of a language model, on standard input and output.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use clap::Args;

use super::options::{Credentials, IndexFolder, ProfileFile};
use super::served::Following;
use super::{serve, setup};
use crate::compute;
use crate::error::Result;
use crate::index::Backend;
use crate::service::answers::Answers;
use crate::service::calls::{CallLimits, SearchCalls};
use crate::service::collection::{Collection, CollectionCell};
use crate::service::mcp::{Behind, Tools};
use crate::service::pool::SearchPool;
use crate::service::server::ServiceSettings;
use crate::service::signals;
use crate::text::Analyzer;

/// Give a language model the collection as tools, by the Model Context Protocol on standard input and output.
#[derive(Args)]
pub struct Mcp {
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Ask the service at this address instead of opening an index.
    #[arg(long, value_name = "HOST:PORT")]
    #[cfg_attr(feature = "milvus", arg(conflicts_with = "address"))]
    addr: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    profile: ProfileFile,
}

impl Mcp {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let runtime = serve::runtime()?;
        let ended = runtime.block_on(async {
            let (behind, following) = match &self.addr {
                Some(addr) => (Behind::connect(&self.credentials.at(addr)?).await?, None),
                None => {
                    let (calls, following) = self.open()?;
                    (Behind::Here(calls), Some(following))
                }
            };
            let serving = Tools::new(behind).serve_stdio();
            let follow = async {
                match following {
                    Some(following) => following.await.map(drop),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = serving => ended,
                failed = follow => failed,
                _ = signals::asked_to_end() => Ok(()),
            }
        });
        // Standard input that nobody closes must not hold the end up.
        runtime.shutdown_background();
        ended
    }

    /// The index that is asked, in Milvus or in a folder.
    fn open(&self) -> Result<(SearchCalls, Follow)> {
        let profile = self.profile.read()?;
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            let opened = super::milvus::open(address, &profile, None)?;
            let following = Following::of_milvus(opened.index, opened.engine, address, &profile, None);
            let calls = calls(&following, opened.analyzer);
            return Ok((calls, Box::pin(following.follow(Arc::default()))));
        }
        let opened = setup::open(&self.index.folder, &profile)?;
        let analyzer = opened.analyzer.clone();
        let following = Following::of(opened, &self.index.folder, &profile, None);
        let calls = calls(&following, analyzer);
        Ok((calls, Box::pin(following.follow(Arc::default(), |_| {}))))
    }
}

/// What keeps the calls at the newest commit of their index.
type Follow = Pin<Box<dyn Future<Output = Result<Infallible>>>>;

/// The calls of a service over an index that is followed.
fn calls<I: Backend + 'static>(following: &Following<I>, analyzer: Arc<Analyzer>) -> SearchCalls {
    let settings = ServiceSettings::default();
    let pool = Arc::new(SearchPool::new(compute::available(), settings.queue));
    let collection = CollectionCell::from(Collection {
        backend: following.described.clone(),
        analyzer,
        live: None,
        snapshots: None,
    });
    let limits = CallLimits {
        changing: Arc::default(),
        batch_window: 1,
        // Nothing is sent as a message.
        max_response_bytes: usize::MAX,
    };
    let answers = Answers::new(following.served.clone(), pool, settings.answer_cache_bytes);
    SearchCalls::new(Arc::new(answers), Arc::new(collection), limits)
}
