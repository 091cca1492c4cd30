//! `baowen mcp`: the collection as tools of a language model, on standard input and output.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::options::{Credentials, IndexFolder, ProfileFile};
use super::served::Following;
use super::{serve, setup};
use crate::compute;
use crate::error::Result;
use crate::index::Followed;
use crate::profile::Profile;
use crate::service::answers::Answers;
use crate::service::calls::{CallLimits, SearchCalls};
use crate::service::collection::{Collection, CollectionCell};
use crate::service::mcp::{Behind, Tools};
use crate::service::pool::SearchPool;
use crate::service::server::ServiceSettings;
use crate::service::signals;

/// Give a language model the collection as tools, by the Model Context Protocol on standard input and output.
#[derive(Args)]
pub struct Mcp {
    #[command(flatten)]
    index: IndexFolder,
    /// Ask the service at this address instead of opening an index.
    #[arg(long, value_name = "HOST:PORT")]
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
                    let (calls, following) = open(&self.index.folder, &self.profile.read()?)?;
                    (Behind::Here(calls), Some(following))
                }
            };
            let serving = Tools::new(behind).serve_stdio();
            let follow = async {
                match following {
                    Some(following) => following.follow(Arc::default()).await.map(drop),
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
}

/// The calls of a service over the index in a folder, and what keeps them at its newest commit.
fn open(folder: &Path, profile: &Profile) -> Result<(SearchCalls, Following<Followed>)> {
    let opened = setup::open(folder, profile)?;
    let settings = ServiceSettings::default();
    let pool = Arc::new(SearchPool::new(compute::available(), settings.queue));
    let analyzer = opened.analyzer.clone();
    let following = Following::of(opened, folder, profile, None);
    let collection = CollectionCell::from(Collection {
        backend: following.described.clone(),
        analyzer,
        live: None,
        snapshots: None,
    });
    let limits = CallLimits {
        max_batch: 1,
        batch_window: 1,
        // Nothing is sent as a message.
        max_response_bytes: usize::MAX,
    };
    let answers = Answers::new(following.served.clone(), pool, settings.answer_cache_bytes);
    let calls = SearchCalls::new(Arc::new(answers), Arc::new(collection), limits);
    Ok((calls, following))
}
