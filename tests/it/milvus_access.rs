//! A Milvus that speaks TLS and asks who calls, as a real one can be told to: who is let in, and what others are told.
//! The servers that run here can do neither, so an end of the tests stands before one.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Output};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Runtime;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Identity, Server, ServerTlsConfig};

use crate::cli::json;
use crate::milvus::{Kind, Server as Milvus};
use crate::support::{root, rules};

/// The one who is let in by a password, and the key that is.
const USER: &str = "root:secret-1";
const KEY: &str = "secret-key-1";

/// Lets calls through to a Milvus that say who makes them.
#[derive(Clone)]
struct Guarded(Channel);

impl NamedService for Guarded {
    const NAME: &'static str = "milvus.proto.milvus.MilvusService";
}

/// As Milvus' own interceptor decides it.
fn refusal(headers: &http::HeaderMap) -> Option<Status> {
    let Some(authorization) = headers.get("authorization") else {
        return Some(Status::unauthenticated("missing authorization in header"));
    };
    let Some(token) = STANDARD
        .decode(authorization)
        .ok()
        .and_then(|token| String::from_utf8(token).ok())
    else {
        return Some(Status::unauthenticated("invalid token format"));
    };
    let what = if token.contains(':') {
        "username and password are"
    } else {
        "api key is"
    };
    let is_known = [USER, KEY].contains(&&*token);
    (!is_known).then(|| Status::unauthenticated(format!("auth check failure, please check {what} correct")))
}

impl Service<http::Request<Body>> for Guarded {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut milvus = self.0.clone();
        Box::pin(async move {
            if let Some(refused) = refusal(request.headers()) {
                return Ok(refused.into_http());
            }
            let passed_on = async {
                poll_fn(|context| milvus.poll_ready(context)).await?;
                milvus.call(request).await
            };
            Ok(passed_on
                .await
                .unwrap_or_else(|error| Status::unavailable(error.to_string()).into_http()))
        })
    }
}

/// What stands before a Milvus, until it is dropped.
struct Front {
    port: u16,
    _runtime: Runtime,
}

fn certificate(name: &str) -> PathBuf {
    root().join("tests/data/tls").join(name)
}

impl Front {
    fn before(milvus: u16, is_private: bool) -> Front {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let incoming = TcpIncoming::bind(address).unwrap();
        let port = incoming.local_addr().unwrap().port();
        let channel = Endpoint::from_shared(format!("http://127.0.0.1:{milvus}")).unwrap();
        let guarded = Guarded(channel.connect_lazy());
        let mut server = Server::builder();
        if is_private {
            let [certificate, key] = ["first.pem", "first.key"].map(|name| std::fs::read(certificate(name)).unwrap());
            let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            server = server.tls_config(tls).unwrap();
        }
        runtime.spawn(server.add_service(guarded).serve_with_incoming(incoming));
        drop(inside);
        Front {
            port,
            _runtime: runtime,
        }
    }
}

/// Runs a command that finds a token in its surroundings, if there is one; the system trusts a stranger.
fn run(folder: &Path, token: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("BAOWEN_MODEL_DIR", "/nonexistent")
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .env("SSL_CERT_FILE", certificate("stranger.pem"))
        .env_remove("SSL_CERT_DIR")
        .env_remove("BAOWEN_MILVUS_TOKEN");
    command.envs(token.map(|token| ("BAOWEN_MILVUS_TOKEN", token)));
    command.output().unwrap()
}

#[test]
fn who_asks_whom_is_settled_before_anything_is_answered() {
    let Some(milvus) = Milvus::start(Kind::Native) else {
        return;
    };
    // Waits until it can make something.
    milvus.create("ready", &rules().identity());
    let (private, plain) = (Front::before(milvus.port, true), Front::before(milvus.port, false));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gap.md"), "# 医保断缴\n\n断缴三个月内可以补缴。\n").unwrap();
    let at = |front: &Front, user: &str, options: &str| {
        format!("milvus://{user}127.0.0.1:{}/articles?{options}", front.port)
    };
    let ours = format!("tls=true&ca={}", certificate("authority.pem").display());
    let user = format!("{USER}@");

    let indexed = at(&private, &user, &ours);
    let summary = json(&run(
        folder.path(),
        None,
        &["index", "gap.md", "--no-vectors", "--json", "--backend", &indexed],
    ));
    assert_eq!(summary["added"], 1, "{summary}");
    for (address, token) in [
        (at(&private, &user, &ours), None),
        (at(&private, "", &ours), Some(USER)),
        (at(&private, "", &ours), Some(KEY)),
        (at(&plain, "", ""), Some(KEY)),
    ] {
        let found = json(&run(
            folder.path(),
            token,
            &["search", "断缴", "--json", "--backend", &address],
        ));
        assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{address}");
    }

    let of = |name: &str| format!("tls=true&ca={}", certificate(name).display());
    let refused = |command: &[&str], address: &str, token: Option<&str>, says: &str| {
        let output = run(folder.path(), token, &[command, &["--backend", address]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !said.contains("secret"), "{said}");
        assert!(said.contains(says), "{address}, {says}: {said}");
    };
    let search = ["search", "断缴"];
    for (address, token, says) in [
        // Whom the caller believes.
        (
            at(&private, &user, &of("stranger.pem")),
            None,
            "not from the authority in",
        ),
        (at(&private, &user, "tls=true"), None, "as `?tls=true&ca=FILE`"),
        (
            at(&private, &user, &of("client.key")),
            None,
            "holds no certificate in PEM",
        ),
        (at(&private, &user, &of("nobody.pem")), None, "nobody.pem"),
        // Who he is.
        (at(&private, "", &ours), None, "write USER:PASSWORD@ before the host"),
        (
            at(&private, "root:secret-2@", &ours),
            None,
            "does not know this USER:PASSWORD",
        ),
        (
            at(&private, "", &ours),
            Some("secret-key-2"),
            "does not know this USER:PASSWORD",
        ),
        (at(&plain, "", ""), None, "write USER:PASSWORD@ before the host"),
        // How both talk.
        (at(&private, &user, ""), None, "write `?tls=true` behind the address"),
        (at(&plain, &user, &ours), None, "leave `tls=true` away"),
    ] {
        refused(&search, &address, token, says);
    }
    // A service does not wait for what waiting does not mend.
    let unknown = at(&private, "root:secret-2@", &ours);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    refused(&serve, &unknown, None, "does not know this USER:PASSWORD");
}
