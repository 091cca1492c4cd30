//! `baowen demo`: everything at once, for someone who has just cloned the repository.

use std::path::{Path, PathBuf};

use clap::Args;

use super::options::DEFAULT_LISTEN;
use super::print::{self, Style};
use super::{index, model, remote, serve, setup};
use crate::error::{Error, Result};
use crate::index::ingest::run::Summary;
use crate::profile::Profile;
use crate::search::request::SearchRequest;
use crate::service::server::ServiceSettings;

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

        println!("[1/4] Embedding model");
        if let Err(error) = model::fetch() {
            eprintln!("  cannot fetch the model: {error}");
            eprintln!("  going on by words alone; every answer says so");
        }
        println!("[2/4] Indexing {SAMPLE}");
        let summary = build_sample()?;
        index::print(&summary, Path::new(INDEX));

        println!("[3/4] Starting the service on {}", self.listen);
        let address = start(&self.listen)?;
        println!("[4/4] Three questions, asked over gRPC");
        println!();
        for question in QUESTIONS {
            println!("问：{question}");
            let request = SearchRequest {
                top_k: Some(2),
                today: setup::today(),
                ..SearchRequest::new(question)
            };
            print::response(&remote::search(&address, &request)?, &Style::detect());
            println!();
        }
        println!("Ask your own:");
        println!("  ./target/release/baowen search \"医保卡里的钱能给家人用吗\" --addr {address}");
        println!(
            "  grpcurl -plaintext -d '{{\"query\": \"生育津贴怎么领\", \"top_k\": 3}}' {address} baowen.v1.SearchService/Search"
        );
        println!("Index your own articles:");
        println!("  ./target/release/baowen index PATH... --index index/data/main");
        if self.once {
            return Ok(());
        }
        println!("The service goes on; Ctrl-C stops it.");
        loop {
            std::thread::park();
        }
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
        commit_every: usize::MAX,
    };
    let folder = Path::new(INDEX);
    let lacks_vectors = crate::index::EmbeddedIndex::open(folder).is_ok_and(|index| index.identity().dimension == 0);
    match index::build(&paths, folder, options(lacks_vectors)) {
        Ok(summary) => Ok(summary),
        Err(_) => index::build(&paths, folder, options(true)),
    }
}

/// Starts the service in the background and waits until it answers.
fn start(listen: &str) -> Result<String> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let failed = ready.clone();
    let listen = listen.to_string();
    std::thread::spawn(move || {
        let outcome = serve::runtime().and_then(|runtime| {
            runtime.block_on(serve::serve(
                Path::new(INDEX),
                &listen,
                Profile::shipped().clone(),
                ServiceSettings::default(),
                move |address| {
                    // The demo waits for this, or has ended.
                    let _ = ready.send(Ok(address));
                },
            ))
        });
        match outcome {
            // SIGTERM or Ctrl-C: the service has drained, so the program is done.
            Ok(()) => std::process::exit(0),
            Err(error) => {
                // Whoever waits reports it; nobody does once the demo is serving.
                let _ = failed.send(Err(error));
            }
        }
    });
    match is_ready.recv() {
        Ok(Ok(address)) => Ok(address.to_string()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::bug("the service ended before it was ready")),
    }
}
