//! Commands over Milvus where something else is in the way: a signal, collections of somebody else's, articles that are
//! gone.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baowen::error::Fault;
use baowen::index::Backend as _;
use baowen::index::milvus::{Address, MilvusIndex};
use baowen::profile::Bm25Params;
use serde_json::{Value, json};

use crate::cli::{baowen, json as read};
use crate::local_server::{Reply, Request, Server as Endpoint};
use crate::milvus::{Kind, Relay, Server, delete_rows};
use crate::support::{model_folder, rules};

fn open(address: &str) -> Arc<MilvusIndex> {
    MilvusIndex::open(&Address::parse(address).unwrap(), Bm25Params::default()).unwrap()
}

/// Vectors of three numbers.
fn vectors(request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let texts = body["inputs"].as_array().unwrap();
    let vector = |text: &Value| json!([text.as_str().unwrap().len(), 1, 2]);
    Reply::json(json!(texts.iter().map(vector).collect::<Vec<_>>()))
}

/// Begins a command that has made no vector yet.
fn begin(folder: &Path, cache: &str, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args(arguments)
        .current_dir(folder)
        .env("BAOWEN_MODEL_DIR", folder.join("models"))
        .env("BAOWEN_CACHE_DIR", folder.join(cache))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// An endpoint of which the model is `there`, in a folder with an article; silent as soon as that is so.
fn with_endpoint(folder: &Path) -> (Endpoint, Arc<AtomicBool>) {
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = is_silent.clone();
    let endpoint = Endpoint::new(move |_, request| {
        if silent.load(Ordering::SeqCst) {
            Reply::silence()
        } else {
            vectors(request)
        }
    });
    let models = folder.join("models");
    std::fs::create_dir_all(models.join("there")).unwrap();
    let settings = format!(
        "kind = \"tei\"\nurl = \"{}\"\nmodel = \"m\"\ndimension = 3\n",
        endpoint.url("/embed")
    );
    std::fs::write(models.join("there/endpoint.toml"), settings).unwrap();
    assert!(
        baowen(folder, Some(&models), &["model", "use", "there"])
            .status
            .success()
    );
    std::fs::create_dir(folder.join("in")).unwrap();
    std::fs::write(folder.join("in/a.md"), "# 医保断缴\n\n断缴三个月内可以补缴。\n").unwrap();
    (endpoint, is_silent)
}

#[cfg(unix)]
#[test]
fn a_command_that_is_told_to_end_gives_the_right_to_write_back() {
    let Some(milvus) = Server::start(Kind::Native) else {
        return;
    };
    milvus.create("ready", &rules().identity());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (endpoint, is_silent) = with_endpoint(folder);
    // Nobody waits for an hour.
    let address = |name: &str| format!("milvus://127.0.0.1:{}/{name}?dense=flat&lease=3600", milvus.port);
    let (one, two) = (address("one"), address("two"));
    let models = folder.join("models");
    for to in [&one, &two] {
        let indexed = read(&baowen(
            folder,
            Some(&models),
            &["index", "in", "--json", "--backend", to],
        ));
        assert_eq!(indexed["total_articles"], 1, "{indexed}");
    }
    std::fs::write(folder.join("in/b.md"), "# 生育津贴\n\n产假期间按月领取。\n").unwrap();

    is_silent.store(true, Ordering::SeqCst);
    let is_busy = |address: &str| match open(address).writer() {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.fault(), Fault::Precondition, "{error}");
            true
        }
    };
    let commands: [(&[&str], &str, i32, &[&str]); 4] = [
        (&["index", "in", "--backend", &one], "-INT", 130, &[&one]),
        (&["rebuild", "--backend", &one], "-TERM", 143, &[&one]),
        (&["copy", &one, &two, "--replace"], "-INT", 130, &[&one, &two]),
        (&["copy", &one, "copied"], "-TERM", 143, &[&one]),
    ];
    // Ended by a signal after something was done while vectors are made, which is when the right to write is held.
    let ended = |cache: &str, arguments: &[&str], signal: &str, code: i32, before_that: &dyn Fn()| {
        let before = endpoint.requests().len();
        let mut command = begin(folder, cache, arguments);
        let begun = Instant::now();
        while endpoint.requests().len() == before {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{arguments:?} asks for no vectors"
            );
            assert!(command.try_wait().unwrap().is_none(), "{arguments:?} has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        before_that();
        let id = command.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = command.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains("ended as it was told"), "{said}");
        said
    };
    for (number, (arguments, signal, code, held)) in commands.into_iter().enumerate() {
        let are_busy = |expected: bool| {
            let as_expected = |address: &&str| assert_eq!(is_busy(address), expected, "{arguments:?}: {address}");
            held.iter().for_each(as_expected);
        };
        let said = ended(&format!("cache{number}"), arguments, signal, code, &|| are_busy(true));
        assert!(!said.contains("was not told"), "{said}");
        are_busy(false);
    }
    // Where Milvus hangs it ends all the same, and says that others have to wait.
    let relay = Relay::to(milvus.port);
    let hanging = format!("milvus://127.0.0.1:{}/two?dense=flat&lease=3600", relay.port);
    let index = ["index", "in", "--backend", &hanging];
    let said = ended("cache4", &index, "-TERM", 143, &|| relay.hold(true));
    assert!(said.contains("Milvus was not told"), "{said}");
    // What they were in the middle of counts for nobody, and is in nobody's way.
    is_silent.store(false, Ordering::SeqCst);
    let copied = read(&baowen(folder, Some(&models), &["copy", &one, "copied", "--json"]));
    assert_eq!(copied["total_articles"], 1, "{copied}");
    let indexed = read(&baowen(
        folder,
        Some(&models),
        &["index", "in", "--json", "--backend", &one],
    ));
    assert_eq!((&indexed["added"], &indexed["total_articles"]), (&1.into(), &2.into()));
}

#[test]
fn vectors_of_a_model_of_the_name_with_other_weights_are_not_compared() {
    let Some(milvus) = Server::start(Kind::Native) else {
        return;
    };
    let Some(models) = model_folder() else { return };
    let mut identity = rules().identity();
    identity.embedder = "bge-small-zh-v1.5 int8 of other weights".into();
    identity.dimension = 512;
    milvus.create("other", &identity);
    let folder = tempfile::tempdir().unwrap();
    let address = format!("milvus://127.0.0.1:{}/other", milvus.port);
    let refused = baowen(folder.path(), Some(&models), &["search", "断缴", "--backend", &address]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{told}");
    for part in [
        "made with the embedding model",
        "other weights",
        "baowen rebuild --backend",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn an_index_without_its_articles_is_not_made_again_of_them() {
    let Some(milvus) = Server::start(Kind::Native) else {
        return;
    };
    milvus.create("ready", &rules().identity());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "# 医保断缴\n\n断缴三个月内可以补缴。\n").unwrap();
    let run = |args: &[&str]| baowen(folder.path(), None, args);
    let address = format!("milvus://127.0.0.1:{}/lost", milvus.port);
    let index = ["index", "a.md", "--no-vectors", "--json", "--backend", &address];
    read(&run(&index));
    delete_rows(milvus.port, "lost_v1_articles", "");
    for command in [
        &["rebuild", "--no-vectors", "--backend", &address] as &[&str],
        &["copy", &address, "copied"],
    ] {
        let output = run(command);
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = [
            "are gone (collection lost_v1_articles)",
            "index PATH... --rebuild --backend milvus://",
        ];
        assert!(!output.status.success(), "{said}");
        expected
            .iter()
            .for_each(|part| assert!(said.contains(part), "{part}: {said}"));
    }
    // What it says helps.
    let again = read(&run(&[&index[..], &["--rebuild"]].concat()));
    assert_eq!(again["total_articles"], 1, "{again}");
    let rebuilt = read(&run(&["rebuild", "--no-vectors", "--json", "--backend", &address]));
    assert_eq!(rebuilt["total_articles"], 1, "{rebuilt}");
}

#[cfg(feature = "mcp")]
#[test]
fn a_language_model_asks_an_index_in_milvus() {
    let Some(milvus) = Server::start(Kind::Native) else {
        return;
    };
    milvus.create("ready", &rules().identity());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "# 医保断缴\n\n断缴三个月内可以补缴。\n").unwrap();
    let address = format!("milvus://127.0.0.1:{}/asked", milvus.port);
    let index = ["index", "a.md", "--no-vectors", "--json", "--backend", &address];
    read(&baowen(folder.path(), None, &index));
    let mut model = crate::mcp::Model::start(folder.path(), &["--backend", &address]);
    let found = model.call("search", json!({"query": "断缴了怎么办"}));
    assert!(found.to_string().contains("断缴三个月内可以补缴"), "{found}");
    model.end();
}

/// Messages of Milvus, as far as they are needed to be somebody else.
mod other {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Pair {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Field {
        #[prost(string, tag = "2")]
        pub name: String,
        #[prost(bool, tag = "3")]
        pub is_key: bool,
        #[prost(int32, tag = "5")]
        pub data_type: i32,
        #[prost(message, repeated, tag = "6")]
        pub params: Vec<Pair>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Schema {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub description: String,
        #[prost(message, repeated, tag = "4")]
        pub fields: Vec<Field>,
        #[prost(bool, tag = "5")]
        pub is_dynamic: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Create {
        #[prost(string, tag = "3")]
        pub collection_name: String,
        #[prost(bytes = "vec", tag = "4")]
        pub schema: Vec<u8>,
        #[prost(int32, tag = "5")]
        pub shards: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Named {
        #[prost(string, tag = "3")]
        pub collection_name: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Status {
        #[prost(int32, tag = "1")]
        pub error_code: i32,
        #[prost(string, tag = "2")]
        pub reason: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Described {
        #[prost(message, optional, tag = "1")]
        pub status: Option<Status>,
        #[prost(message, optional, tag = "2")]
        pub schema: Option<Schema>,
    }
}

fn field(name: &str, data_type: i32, param: &[(&str, &str)]) -> other::Field {
    let pair = |(key, value): &(&str, &str)| other::Pair {
        key: (*key).into(),
        value: (*value).into(),
    };
    other::Field {
        name: name.into(),
        is_key: false,
        data_type,
        params: param.iter().map(pair).collect(),
    }
}

fn key(field: other::Field) -> other::Field {
    other::Field { is_key: true, ..field }
}

/// What Milvus says of a collection.
fn described(port: u16, collection: &str) -> other::Described {
    let named = other::Named {
        collection_name: collection.into(),
    };
    crate::milvus::call(port, "DescribeCollection", named)
}

/// Names that an index would have, taken by somebody else's collections.
fn what_is_somebody_elses_stays(kind: Kind) {
    const INT64: i32 = 5;
    const VARCHAR: i32 = 21;
    const FLOATS: i32 = 101;
    let Some(milvus) = Server::start(kind) else { return };
    let identity = rules().identity();
    milvus.create("ready", &identity);
    let photos = || {
        let picture = field("picture", FLOATS, &[("dim", "8")]);
        vec![key(field("id", INT64, &[])), picture]
    };
    // To the letter what this program makes.
    let ours = || {
        let value = field("value", VARCHAR, &[("max_length", "65535")]);
        let dummy = field("dummy", FLOATS, &[("dim", "2")]);
        vec![key(field("key", VARCHAR, &[("max_length", "200")])), value, dummy]
    };
    let check = |index: &str, part: &str, fields: Vec<other::Field>, description: &str, is_dynamic: bool| {
        let collection = format!("{index}_{part}");
        let schema = other::Schema {
            name: collection.clone(),
            description: description.into(),
            fields,
            is_dynamic,
        };
        let create = other::Create {
            collection_name: collection.clone(),
            schema: prost::Message::encode_to_vec(&schema),
            shards: 1,
        };
        let made: other::Status = crate::milvus::call(milvus.port, "CreateCollection", create);
        assert_eq!(made.error_code, 0, "{made:?}");
        let before = described(milvus.port, &collection);
        assert!(before.schema.is_some(), "{before:?}");
        let address = format!("milvus://127.0.0.1:{}/{index}?dense=flat", milvus.port);
        let address = Address::parse(&address).unwrap();
        let refused = MilvusIndex::create(&address, &identity, Bm25Params::default())
            .err()
            .unwrap();
        assert_eq!(refused.fault(), Fault::Precondition, "{refused}");
        assert!(
            refused.message().contains(&collection) && refused.hint().unwrap().contains("choose another name"),
            "{refused}"
        );
        assert_eq!(described(milvus.port, &collection), before, "it is as it was");
        let meta = described(milvus.port, &format!("{index}_meta"));
        assert_eq!(
            meta.schema.is_some(),
            part == "meta",
            "nothing is put beside it: {meta:?}"
        );
    };
    check("photos", "meta", photos(), "", false);
    check("albums", "v1_articles", photos(), "", false);
    check("loose", "meta", ours(), "", true);
    // The other server keeps no descriptions.
    if kind == Kind::Native {
        check("called", "meta", ours(), "keys of somebody", false);
    }
    // Refused where it is opened, too.
    let opened = read_only(&milvus, "photos");
    assert!(opened.contains("photos_meta"), "{opened}");
}

/// What opening an index says.
fn read_only(milvus: &Server, index: &str) -> String {
    let address = format!("milvus://127.0.0.1:{}/{index}", milvus.port);
    let opened = MilvusIndex::open(&Address::parse(&address).unwrap(), Bm25Params::default());
    opened.err().unwrap().to_string()
}

#[test]
fn what_is_somebody_elses_stays_on_the_native_engine() {
    what_is_somebody_elses_stays(Kind::Native);
}

#[test]
fn what_is_somebody_elses_stays_on_the_pure_milvus() {
    what_is_somebody_elses_stays(Kind::Lite);
}
