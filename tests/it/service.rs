//! The service as others see it: a real process on a real socket with the real model, asked through the protocol.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use baowen::error::Fault;
use baowen::search::request::{Mode, SearchRequest};
use baowen::service::client::Client;
use baowen::service::convert::ask;

use crate::support::{article, index_of, model_folder, root, rules};

/// A `baowen serve` of its own, killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    /// What it has said since it listened.
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(index: &Path, model: Option<&Path>) -> Server {
        Server::start_with(index, model, &[])
    }

    pub fn start_with(index: &Path, model: Option<&Path>, arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .args(["serve", "--listen", "127.0.0.1:0", "--index"])
            .arg(index)
            .args(arguments)
            .env("BAOWEN_MODEL_DIR", model.unwrap_or(Path::new("/nonexistent")))
            .env("BAOWEN_CACHE_DIR", index.with_extension("cache"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("listening on ")?.split(';').next()?.to_string()))
            .expect("the service says where it listens");
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let saying = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                saying.lock().unwrap().push(line);
            }
        });
        Server { child, address, said }
    }

    /// Whether it has said a line that holds this since it listened.
    #[cfg_attr(not(feature = "milvus"), allow(dead_code))]
    pub fn has_said(&self, text: &str) -> bool {
        self.said.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits for the exit status.
    pub fn terminate(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Server {
    /// As SIGKILL does it: at once, wherever it is.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sample articles in an index of their own.
pub fn sample_index(folder: &Path, model: Option<&Path>) {
    let status = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .arg("index")
        .arg(root().join("index/sample"))
        .arg("--index")
        .arg(folder.join("index"))
        .env("BAOWEN_MODEL_DIR", model.unwrap_or(Path::new("/nonexistent")))
        .env("BAOWEN_CACHE_DIR", folder.join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn questions_are_answered_over_a_real_socket() {
    let Some(model) = model_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), Some(&model));
    let server = Server::start(&folder.path().join("index"), Some(&model));
    block_on(async {
        let mut client = Client::connect(&server.address).await.unwrap();
        for mode in [Mode::Hybrid, Mode::Lexical, Mode::Dense] {
            let request = SearchRequest {
                mode,
                explain: true,
                ..SearchRequest::new("在外地住院医保怎么报销")
            };
            let response = client.search(&request).await.unwrap();
            assert_eq!(response.degraded, None);
            assert_eq!(response.hits.len(), 10);
            assert!(response.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
            let first = &response.hits[0];
            assert!(
                first.title.contains("异地") || first.text.contains("异地"),
                "{mode:?}: {}",
                first.title
            );
            let chars: Vec<char> = first.text.chars().collect();
            for span in first.highlights.iter().chain(&first.best_sentence) {
                assert!(span.start < span.end && span.end as usize <= chars.len());
            }
            let explanation = first.explanation.as_ref().unwrap();
            let sum: f32 = explanation.contributions.iter().map(|(_, amount)| amount).sum();
            assert!(
                (sum - first.score).abs() < 1e-3 * first.score.abs().max(1.0),
                "{mode:?}: {sum} {}",
                first.score
            );
            assert!(explanation.summary.contains("排在第 1 位"), "{}", explanation.summary);
            assert!(!response.provenance.model.is_empty());
        }
        // One bad question does not end a batch, and the order stays.
        let batch = [
            SearchRequest::new("生育津贴"),
            SearchRequest::new("？？"),
            SearchRequest::new("工伤认定"),
        ];
        let answers = client.batch(&batch).await.unwrap();
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[1].as_ref().unwrap_err().fault(), Fault::Caller);
        assert!(answers[0].as_ref().unwrap().hits[0].text.contains("生育"));
        assert!(answers[2].as_ref().unwrap().hits[0].text.contains("工伤"));
    });
    assert!(server.terminate().success(), "SIGTERM ends it in order");
}

#[test]
fn a_question_asked_again_is_searched_again_once_the_index_has_changed() {
    let Some(model) = model_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), Some(&model));
    let server = Server::start(&folder.path().join("index"), Some(&model));
    block_on(async {
        let mut client = Client::connect(&server.address).await.unwrap();
        let mut asked = ask::request(&SearchRequest::new("星海镇渔民意外险怎么理赔"));
        let mut first = client.call(asked.clone(), None).await.unwrap();
        let mut again = client.call(asked.clone(), None).await.unwrap();
        assert!(!first.timings.take().unwrap().cached);
        assert!(again.timings.take().unwrap().cached);
        assert_eq!(first, again);
        asked.explain = true;
        assert!(!client.call(asked.clone(), None).await.unwrap().timings.unwrap().cached);
        asked.explain = false;

        let article = folder.path().join("new.md");
        std::fs::write(
            &article,
            "# 星海镇渔民意外险\n\n星海镇渔民意外险理赔要带保单和诊断证明。\n",
        )
        .unwrap();
        let indexed = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .arg("index")
            .arg(&article)
            .arg("--index")
            .arg(folder.path().join("index"))
            .env("BAOWEN_MODEL_DIR", &model)
            .env("BAOWEN_CACHE_DIR", folder.path().join("cache"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(indexed.success());
        // The service looks for commits now and then; until it has seen this one, the answer is the one before.
        let begin = Instant::now();
        let changed = loop {
            let answer = client.call(asked.clone(), None).await.unwrap();
            if !answer.timings.as_ref().unwrap().cached {
                break answer;
            }
            assert!(begin.elapsed() < Duration::from_secs(120), "the commit was never seen");
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(changed.hits[0].text.contains("保单和诊断证明"));
        assert_ne!(changed.provenance.unwrap().commit, first.provenance.unwrap().commit);
    });
}

#[test]
fn bad_input_is_refused_by_field_over_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), None);
    let server = Server::start(&folder.path().join("index"), None);
    block_on(async {
        let mut client = Client::connect(&server.address).await.unwrap();
        type Spoil = fn(&mut SearchRequest);
        let cases: [(&str, Spoil); 6] = [
            ("query", |r| r.query = " ".into()),
            ("query", |r| r.query = "医".repeat(100_000)),
            ("query", |r| r.query = "……！".into()),
            ("top_k", |r| r.top_k = Some(0)),
            ("top_k", |r| r.top_k = Some(1_000_000)),
            ("fusion.dense_weight", |r| r.fusion.dense_weight = Some(f32::NAN)),
        ];
        for (field, spoil) in cases {
            let mut request = SearchRequest::new("医保");
            spoil(&mut request);
            let error = client.search(&request).await.unwrap_err();
            assert_eq!(error.fault(), Fault::Caller, "{field}: {error}");
            assert!(error.message().contains(field), "{field}: {error}");
        }
        // A deadline that has passed is said as such.
        let late = SearchRequest {
            deadline: Some(Instant::now() + Duration::from_nanos(1)),
            ..SearchRequest::new("医保")
        };
        assert_eq!(client.search(&late).await.unwrap_err().fault(), Fault::Deadline);
        // Without the model the answer is by words and says so.
        let response = client.search(&SearchRequest::new("生育津贴怎么领")).await.unwrap();
        assert!(response.degraded.unwrap().contains("words alone"));
        assert!(response.hits[0].text.contains("生育"));
    });
}

#[test]
fn many_clients_at_once_get_the_answers_of_one() {
    let Some(model) = model_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    sample_index(folder.path(), Some(&model));
    let server = Server::start(&folder.path().join("index"), Some(&model));
    let questions = ["医保断缴怎么办", "生育津贴怎么领", "异地就医备案", "失业金领取条件"];
    let ask = |address: String, question: &'static str| {
        block_on(async move {
            let mut client = Client::connect(&address).await.unwrap();
            let hits = client.search(&SearchRequest::new(question)).await.unwrap().hits;
            hits.into_iter()
                .map(|hit| (hit.passage_id, hit.score.to_bits()))
                .collect::<Vec<_>>()
        })
    };
    let alone: Arc<Vec<_>> = Arc::new(questions.map(|q| ask(server.address.clone(), q)).into());
    std::thread::scope(|scope| {
        for thread in 0..12 {
            let (alone, address) = (alone.clone(), server.address.clone());
            scope.spawn(move || {
                for round in 0..4 {
                    let at = (thread + round) % questions.len();
                    assert_eq!(ask(address.clone(), questions[at]), alone[at]);
                }
            });
        }
    });
}

/// What answers is what the index was made by now. No model is needed for what is looked at here.
#[test]
fn a_rebuild_by_other_rules_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let articles = [article("a", "异地就医", "在外地住院医保怎么报销")];
    drop(index_of(&index, &rules(), &articles));
    let server = Server::start(&index, None);
    block_on(async {
        let mut client = Client::connect(&server.address).await.unwrap();
        let question = SearchRequest::new("在外地住院医保怎么报销");
        let before = client.search(&question).await.unwrap();
        assert_eq!(before.provenance.model, rules().identity().embedder);
        let status = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .args(["rebuild", "--no-vectors", "--index"])
            .arg(&index)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        // Until it is so, or for so long that it will never be.
        let begin = Instant::now();
        loop {
            let response = client.search(&question).await.unwrap();
            assert_eq!(response.hits.len(), 1);
            if response.provenance.model.is_empty() {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(120), "it was never followed");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
}
