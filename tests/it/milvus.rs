//! The engine over Milvus answers as every engine does, on two servers that run here: the pure one of milvus-lite 3.2
//! (`lite`) and the native one of milvus-lite 2.5 (`native`), which has the index and the filters of a real cluster. Both
//! come from PyPI; `.ci/milvus` puts each into an environment of its own.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use baowen::index::milvus::{Address, MilvusIndex};
use baowen::index::{Backend, Identity};
use baowen::profile::Bm25Params;

use crate::conformance::{compare, life};
use crate::needed;
use crate::support::{root, rules};
use crate::tiny::Tiny;

/// The servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lite,
    Native,
}

/// A server that runs until it is dropped.
struct Server {
    kind: Kind,
    environment: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Server {
    /// Starts one; none, which is said, where it is not installed.
    fn start(kind: Kind) -> Option<Server> {
        let environments =
            std::env::var_os("BAOWEN_TEST_MILVUS").map_or_else(|| root().join("target/milvus"), PathBuf::from);
        let environment = environments.join(format!("{kind:?}").to_lowercase());
        if !environment.join("bin/python").exists() {
            needed::missing(format_args!(
                "there is no Milvus in {}; `.ci/milvus` installs it",
                environment.display()
            ));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(kind, &environment, folder.path(), port);
        let mut server = Server {
            kind,
            environment,
            folder,
            port,
            child,
        };
        server.wait();
        Some(server)
    }

    /// Until somebody listens.
    fn wait(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut said = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("{:?} ended with {status}: {said}", self.kind);
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{:?} does not listen",
                self.kind
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it in the middle of whatever it does, and starts it again with what it has on disk.
    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.kind, &self.environment, self.folder.path(), self.port);
        self.wait();
    }

    fn address(&self, name: &str) -> Address {
        Address::parse(&format!("milvus://127.0.0.1:{}/{name}?dense=flat&lease=3", self.port)).unwrap()
    }

    fn create(&self, name: &str, identity: &Identity) -> Arc<MilvusIndex> {
        MilvusIndex::create(&self.address(name), identity, Bm25Params::default()).unwrap()
    }

    fn open(&self, name: &str) -> Arc<MilvusIndex> {
        MilvusIndex::open(&self.address(name), Bm25Params::default()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(kind: Kind, environment: &Path, folder: &Path, port: u16) -> Child {
    let mut command = match kind {
        Kind::Lite => {
            let mut command = Command::new(environment.join("bin/milvus-lite"));
            command.arg("server").arg("--data-dir").arg(folder);
            command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            command
        }
        Kind::Native => {
            let python = std::fs::read_dir(environment.join("lib")).unwrap().flatten();
            let python = python
                .map(|entry| entry.path())
                .find(|path| path.join("site-packages").exists());
            let lib = python.unwrap().join("site-packages/milvus_lite/lib");
            let mut command = Command::new(lib.join("milvus"));
            command.env("LD_LIBRARY_PATH", &lib).arg(folder.join("milvus.db"));
            command.args([&format!("127.0.0.1:{port}"), "ERROR"]);
            command
        }
    };
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

fn answers_alike(kind: Kind, one_in: usize) {
    let Some(mut server) = Server::start(kind) else { return };
    let identity = rules().identity();
    let expected = life(Tiny::counting_live(identity.clone()), one_in, |tiny| tiny);
    let index: Arc<dyn Backend> = server.create("articles", &identity);
    let server = std::cell::RefCell::new(&mut server);
    let found = life(index, one_in, |index| {
        drop(index);
        server.borrow_mut().restart();
        server.borrow().open("articles")
    });
    let lines = compare(&expected, &found);
    assert!(lines > 5_000 / one_in, "{lines} lines: too little was asked");
}

#[test]
fn the_native_engine_of_milvus_answers_like_every_engine() {
    // A part of the questions, for time.
    answers_alike(Kind::Native, 3);
}

#[test]
fn the_pure_milvus_answers_like_every_engine() {
    // A tenth of the questions: each takes it a second.
    answers_alike(Kind::Lite, 11);
}
