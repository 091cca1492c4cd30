//! `baowen demo`: everything at once, for someone who has just cloned the repository.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::answer::{self, Detail, Look};
use super::opening::{Opening, Place};
use super::serve::{self, Listening};
use super::{fetch, index, remote};
use crate::embed::fetch::DEFAULT;
use crate::error::{Context, Error, Fault, Result};
use crate::index::ingest::summary::Summary;
use crate::model::Date;
use crate::profile::Profile;
use crate::search::request::SearchRequest;
use crate::service::server::{ServiceSettings, Surroundings};
use crate::settings::DEFAULT_LISTEN;

const SAMPLE: &str = "index/sample";
const INDEX: &str = "index/data/demo";
const QUESTIONS: [&str; 3] = [
    "离职了没有新单位，医保怎么自己交？",
    "在外地住院，医保能直接报销吗？",
    "医保断缴几个月会有什么影响？",
];

/// Fetch the model, index the sample articles, serve them, and answer three questions.
#[derive(Args)]
pub struct Demo {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", env = "BAOWEN_LISTEN", default_value = DEFAULT_LISTEN)]
    listen: String,
    /// Answer the three questions and end, instead of serving on.
    #[arg(long)]
    once: bool,
}

impl Demo {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let root = sample_root()?;
        std::env::set_current_dir(&root)
            .map_err(|cause| Error::unavailable(format!("entering {}: {cause}", root.display())))?;

        outln!("[1/4] Embedding model");
        if let Err(error) = fetch::in_a_child(DEFAULT) {
            errln!("  {error}");
            errln!("  going on by words alone; every answer says so");
        }
        outln!("[2/4] Indexing {SAMPLE}");
        let summary = build_sample()?;
        index::print(&summary, INDEX);

        outln!("[3/4] Starting the service on {}", self.listen);
        let runtime = serve::runtime()?;
        let (address, serving) = start(&runtime, &self.listen)?;
        outln!("[4/4] Three questions, asked over gRPC");
        outln!();
        for question in QUESTIONS {
            outln!("问：{question}");
            let request = SearchRequest {
                top_k: Some(2),
                today: Date::today(),
                ..SearchRequest::new(question)
            };
            let response = remote::search(&address.as_str().into(), &request)?;
            out_painted!(answer::text(&response, Detail::Card, Look::detect()));
            outln!();
        }
        outln!("Ask your own, in a browser or from a program:");
        outln!("  http://{address}/");
        let program = std::env::args_os().next().unwrap_or_else(|| "baowen".into());
        let program = program.display();
        outln!("  {program} search \"医保卡里的钱能给家人用吗\" --addr {address}");
        outln!("  curl -G http://{address}/v1/search --data-urlencode 'q=生育津贴怎么领' -d top_k=3");
        outln!(
            "  grpcurl -plaintext -d '{{\"query\": \"生育津贴怎么领\", \"top_k\": 3}}' {address} baowen.v1.SearchService/Search"
        );
        outln!("Index your own articles:");
        outln!("  {program} index PATH... --index index/data/main");
        if self.once {
            return Ok(());
        }
        outln!("The service goes on; Ctrl-C stops it.");
        runtime.block_on(serving).or_fault(Fault::Bug, "serving")?
    }
}

/// The folder that holds `index/sample`: here, or the one this program was built from.
fn sample_root() -> Result<PathBuf> {
    [PathBuf::from("."), PathBuf::from(env!("CARGO_MANIFEST_DIR"))]
        .into_iter()
        .find(|root| root.join(SAMPLE).is_dir())
        .ok_or_else(|| Error::missing(format!("there is no folder {SAMPLE}")).help("run the demo in the repository"))
}

/// Indexes the sample; a demo index made by other rules (an older program, no model then) is made anew.
fn build_sample() -> Result<Summary> {
    let paths = [PathBuf::from(SAMPLE)];
    let options = |rebuild| index::Options {
        rebuild,
        with_model: true,
        ..index::Options::default()
    };
    let folder = Path::new(INDEX);
    let lacks_vectors = crate::index::EmbeddedIndex::open(folder).is_ok_and(|index| index.identity().dimension == 0);
    match index::build(&paths, folder, options(lacks_vectors)) {
        Ok(summary) => Ok(summary),
        Err(_) => index::build(&paths, folder, options(true)),
    }
}

/// Starts the service in the background and waits until it answers. The task ends when the service does.
fn start(runtime: &Runtime, listen: &str) -> Result<(String, JoinHandle<Result<()>>)> {
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let listen = listen.to_string();
    let serving = runtime.spawn(async move {
        let ready = move |address| {
            // The demo waits for this.
            let _ = ready.send(address);
        };
        let settings = ServiceSettings::default();
        let opening = Opening {
            profile: Profile::shipped().clone(),
            reranker: None,
            writes: false,
            read_only: false,
            snapshots: None,
            verify: "off",
        };
        let listening = Listening {
            listen,
            insecure: false,
            metrics: None,
            tokens: None,
            again: None,
            around: Surroundings::default(),
        };
        serve::serve(Place::Folder(INDEX.into()), listening, opening, settings, ready).await
    });
    runtime.block_on(async {
        match is_ready.await {
            Ok(address) => Ok((address.to_string(), serving)),
            Err(_) => match serving.await.or_fault(Fault::Bug, "starting the service")? {
                Ok(()) => Err(Error::unavailable("the service was stopped before it was ready")),
                Err(error) => Err(error),
            },
        }
    })
}
