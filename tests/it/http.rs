//! The service asked by plain HTTP: every call says in JSON what it says by gRPC, from writing articles to taking them
//! out.
//!
//! The indexes here are of words alone, so that the tests take the time of the calls and not of the model.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use baowen::service::wire::index_service_client::IndexServiceClient;
use baowen::service::wire::search_service_client::SearchServiceClient;
use baowen::service::wire::{self, SuggestionKind};
use serde_json::{Value, json};

use crate::service::{Server, block_on};

/// Status, head and body of an answer.
pub struct Got(pub u16, String, pub String);

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.2).unwrap_or_else(|cause| panic!("{cause}: {}", self.2))
    }

    fn read<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(self.0, 200, "{}", self.2);
        serde_json::from_str(&self.2).unwrap()
    }
}

pub fn ask(server: &Server, method: &str, path: &str, headers: &str, body: &[u8]) -> Got {
    let mut socket = TcpStream::connect(&server.address).unwrap();
    // Of HTTP/1.0 an answer ends with its connection.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
    let mut read = Vec::new();
    socket.read_to_end(&mut read).unwrap();
    let text = String::from_utf8_lossy(&read);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got(status, head.to_ascii_lowercase(), body.to_owned())
}

fn get(server: &Server, path: &str) -> Got {
    ask(server, "GET", path, "", b"")
}

fn post(server: &Server, path: &str, body: &Value) -> Got {
    ask(
        server,
        "POST",
        path,
        "content-type: application/json\r\n",
        body.to_string().as_bytes(),
    )
}

/// Percent-encoded, as a browser would.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn articles() -> Vec<Value> {
    let places = ["杭州", "宁波", "兰州"];
    let topics = [
        "居民医保缴费标准",
        "失业保险金怎么申领",
        "异地就医备案办理流程",
        "生育津贴领取条件",
    ];
    let article = |number: usize| {
        let (place, topic, year) = (places[number % 3], topics[number % 4], 2022 + number % 3);
        json!({
            "id": format!("{place}/{number}.md"),
            "title": format!("{place}{year}年{topic}"),
            "text": format!("{place}市{topic}：{year}年起，参保人到{place}市医保中心办理，带身份证，三个工作日办完。第{number}条。"),
            "publisher": format!("{place}医保局"),
            "published": format!("{year}-0{}-01", 1 + number % 9),
            "attributes": {"编号": number.to_string()},
        })
    };
    (0..24).map(article).collect()
}

/// A service over those articles, given to it over HTTP.
fn filled(folder: &Path) -> Server {
    let snapshots = folder.join("snapshots");
    let arguments = ["--write", "--snapshots", snapshots.to_str().unwrap()];
    let server = Server::start_with(&folder.join("index"), None, &arguments);
    let (some, rest) = (&articles()[..4], &articles()[4..]);
    let upserted = post(
        &server,
        "/v1/articles:upsert",
        &json!({"source": {"name": "局"}, "articles": some}),
    );
    let upserted: wire::UpsertArticlesResponse = upserted.read();
    assert!(
        upserted
            .results
            .iter()
            .all(|result| result.outcome() == wire::Outcome::Added),
        "{upserted:?}"
    );
    let lines: String = rest.iter().map(|article| format!("{article}\n")).collect();
    let headers = "content-type: application/x-ndjson\r\n";
    let path = format!("/v1/articles:import?source={}", encoded("局"));
    let imported: wire::ImportArticlesResponse = ask(&server, "POST", &path, headers, lines.as_bytes()).read();
    assert_eq!((imported.articles, imported.added, imported.failed), (20, 20, 0));
    server
}

/// An import of which 70 articles came and whose client then says nothing.
fn silent_import(server: &Server, parameters: &str) -> TcpStream {
    let lines: String = (0..70)
        .map(|n| format!("{}\n", json!({"id": n.to_string(), "text": "医保"})))
        .collect();
    let mut socket = TcpStream::connect(&server.address).unwrap();
    write!(
        socket,
        "POST /v1/articles:import?source=s{parameters} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{lines}\r\n",
        lines.len()
    )
    .unwrap();
    socket
}

fn articles_in(server: &Server) -> u64 {
    get(server, "/v1/stats").read::<wire::StatsResponse>().articles
}

#[test]
fn an_import_whose_time_is_up_says_what_it_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("index"), None, &["--write"]);
    // How much time is enough to take them and to say so is for the machine to say.
    let is_told = |seconds: &u32| {
        let mut answer = String::new();
        let mut socket = silent_import(&server, &format!("&timeout={seconds}"));
        socket.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 504") && answer.contains("DEADLINE_EXCEEDED"),
            "{answer}"
        );
        answer.contains("the time of the call is used up") && answer.contains("articles kept that came before: 70;")
    };
    assert!([1, 5, 25, 125].iter().any(is_told), "nothing is said of what it kept");
    assert_eq!(articles_in(&server), 70);
}

#[test]
fn an_import_that_the_end_of_the_service_meets_says_what_it_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("index"), None, &["--write"]);
    let mut socket = silent_import(&server, "");
    let taken = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        articles_in(&server) == 70
    });
    assert!(taken, "they are never committed");
    assert!(server.terminate().success());
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("articles kept that came before: 70; send the rest when"),
        "{answer}"
    );
}

#[test]
fn every_call_says_the_same_by_both_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let address = format!("http://{}", server.address);
    block_on(async {
        let mut search = SearchServiceClient::connect(address.clone()).await.unwrap();
        let mut index = IndexServiceClient::connect(address).await.unwrap();
        macro_rules! same {
            ($client:ident, $call:ident, $request:expr, $by_get:expr, $by_post:expr) => {{
                let request = $request;
                let body = serde_json::to_value(&request).unwrap();
                let expected = $client.$call(request).await.unwrap().into_inner();
                let mut answer = expected.clone();
                for got in [get(&server, $by_get), post(&server, $by_post, &body)] {
                    answer = got.read();
                    assert_eq!(answer, expected, "{}", $by_post);
                }
                answer
            }};
        }

        let id = "杭州/3.md";
        let request = wire::GetArticleRequest {
            article_id: id.into(),
            ..Default::default()
        };
        let by_get = format!("/v1/articles/{}", encoded(id));
        let article = same!(search, get_article, request, &by_get, "/v1/articles:get");
        assert_eq!(article.source.as_deref(), Some("杭州医保局"));
        assert_eq!((article.regions, article.years), (vec!["杭州".to_owned()], vec![2022]));
        assert_eq!(article.attributes["编号"], "3");
        let of_text = article.passages.last().unwrap().span.unwrap();
        assert_eq!(of_text.end as usize, article.text.chars().count());
        let raw = get(&server, "/v1/articles/%E6%9D%AD%E5%B7%9E/3.md");
        assert_eq!(raw.read::<wire::GetArticleResponse>().article_id, id);
        let nobody = get(&server, "/v1/articles/nobody");
        assert_eq!((nobody.0, &nobody.json()["field"]), (404, &json!("article_id")));

        let request = wire::SimilarRequest {
            article_id: id.into(),
            top_k: Some(5),
            filter: None,
        };
        let by_get = format!("/v1/similar?article_id={}&top_k=5", encoded(id));
        let similar = same!(search, similar, request, &by_get, "/v1/similar").articles;
        assert_eq!(similar.len(), 5);
        assert!(
            similar
                .iter()
                .all(|one| one.article_id != id && (0.0..=1.0).contains(&one.score))
        );
        assert!(similar.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert!(similar[0].title.contains("生育津贴"), "{}", similar[0].title);
        let by_path = get(&server, &format!("/v1/articles/{}/similar?top_k=5", encoded(id)));
        assert_eq!(by_path.read::<wire::SimilarResponse>().articles, similar);
        let nobody = get(&server, "/v1/articles/nobody/similar");
        assert_eq!((nobody.0, &nobody.json()["field"]), (404, &json!("article_id")));

        let request = wire::FacetsRequest::default();
        let all = same!(search, facets, request, "/v1/facets", "/v1/facets");
        assert_eq!(all.total, 24);
        let count = |values: &[wire::FacetValue], name: &str| {
            values
                .iter()
                .find(|value| value.value == name)
                .map_or(0, |value| value.count)
        };
        assert_eq!(
            (
                count(&all.sources, "杭州医保局"),
                count(&all.regions, "浙江"),
                count(&all.regions, "兰州")
            ),
            (8, 16, 8)
        );
        let kind = |value: &str, count| wire::FacetValue {
            value: value.into(),
            count,
        };
        assert_eq!(all.kinds, [kind("ARTICLE_KIND_FULL", 24)]);
        let request = wire::FacetsRequest {
            filter: Some(wire::Filter {
                kinds: vec![wire::ArticleKind::Summary.into()],
                ..Default::default()
            }),
            ..Default::default()
        };
        let by_get = "/v1/facets?kind=ARTICLE_KIND_SUMMARY";
        let summaries = same!(search, facets, request, by_get, "/v1/facets");
        assert_eq!((summaries.total, summaries.kinds.len()), (0, 0));
        assert_eq!(
            all.years.iter().map(|year| &*year.value).collect::<Vec<_>>(),
            ["2024", "2023", "2022"]
        );
        let filter = wire::Filter {
            regions: vec!["浙江省".into()],
            years: vec![2023],
            ..Default::default()
        };
        let request = wire::FacetsRequest {
            filter: Some(filter),
            ..Default::default()
        };
        let by_get = format!("/v1/facets?region={}&year=2023", encoded("浙江省"));
        let some = same!(search, facets, request, &by_get, "/v1/facets");
        assert_eq!((some.total, some.sources.len()), (8, 1));
        let request = wire::FacetsRequest {
            query: Some("失业保险金".into()),
            ..Default::default()
        };
        let by_get = format!("/v1/facets?q={}", encoded("失业保险金"));
        let asked = same!(search, facets, request, &by_get, "/v1/facets");
        assert!(
            asked.total >= 6 && asked.kinds[0].value == "ARTICLE_KIND_FULL",
            "{asked:?}"
        );

        for (begun, expected) in [("失业保险", "失业保险金"), ("shiye", "失业"), ("syjt", "生育津贴")] {
            let request = wire::SuggestRequest {
                query: begun.into(),
                top_k: None,
            };
            let by_get = format!("/v1/suggest?q={}", encoded(begun));
            let found = same!(search, suggest, request, &by_get, "/v1/suggest").suggestions;
            assert!(
                found.iter().any(|one| one.text.starts_with(expected)),
                "{begun}: {found:?}"
            );
            assert!(found.len() <= 8);
        }
        let request = wire::SuggestRequest {
            query: "杭州2022".into(),
            top_k: None,
        };
        let titles = search.suggest(request).await.unwrap().into_inner().suggestions;
        assert!(
            !titles.is_empty() && titles.iter().all(|one| one.kind() == SuggestionKind::Title),
            "{titles:?}"
        );
        assert!(
            titles[0]
                .article_id
                .as_deref()
                .is_some_and(|id| id.starts_with("杭州/"))
        );

        let text = "杭州去年失业保险金多少";
        let request = wire::AnalyzeRequest {
            text: text.into(),
            today: Some("2024-05-01".into()),
        };
        let by_get = format!("/v1/analyze?text={}&today=2024-05-01", encoded(text));
        let analysis = same!(search, analyze, request, &by_get, "/v1/analyze");
        assert_eq!(
            (analysis.regions, analysis.years),
            (vec!["杭州".to_owned()], vec![2023])
        );
        let word = &analysis.words[0];
        assert_eq!(
            (&*word.text, word.span.unwrap()),
            ("杭州", wire::Span { start: 0, end: 2 })
        );

        let stats = same!(index, stats, wire::StatsRequest {}, "/v1/stats", "/v1/stats");
        assert_eq!((stats.articles, stats.writes), (24, true));
        let request = wire::ListSourcesRequest {};
        let sources = same!(index, list_sources, request, "/v1/sources", "/v1/sources");
        assert_eq!(sources.sources[0].articles, 24);
    });

    let listed: wire::ListArticlesResponse = get(&server, &format!("/v1/articles?source={}", encoded("局"))).read();
    assert_eq!((listed.articles.len(), &*listed.next_page_token), (24, ""));
    let dry = post(
        &server,
        "/v1/articles:delete",
        &json!({"filter": {"regions": ["兰州"]}, "dry_run": true}),
    );
    assert_eq!(dry.read::<wire::DeleteArticlesResponse>().deleted, 8);
    let deleted = post(
        &server,
        "/v1/articles:delete",
        &json!({"filter": {"regions": ["兰州"]}}),
    );
    assert_eq!(deleted.read::<wire::DeleteArticlesResponse>().deleted, 8);
    assert_eq!(get(&server, "/v1/stats").json()["articles"], "16");
    let snapshot = post(&server, "/v1/snapshot", &json!({"name": "one"}));
    assert!(Path::new(&snapshot.read::<wire::SnapshotResponse>().path).is_dir());
}

/// Without null, which the command says for what is not known.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        value => value,
    }
}

#[test]
fn a_file_is_read_as_the_command_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let files = folder.path().join("file");
    std::fs::create_dir(&files).unwrap();
    let page = "<html><body><nav><a href='/a'>首页</a><a href='/b'>政策</a></nav><h1>杭州2024年医保断缴</h1>\
                <p>发布时间：2024-05-06</p><p>杭州医保断缴三个月以内补缴的，待遇不中断，医疗费用可以报销。</p></body></html>";
    let lines = "{\"_id\": \"r1\", \"text\": \"记录一\", \"date\": \"昨天\"}\n{\"text\": \"没有编号\"\n";
    let check = |name: &str, content: &[u8]| {
        std::fs::write(files.join(name), content).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_baowen"))
            .current_dir(&files)
            .args(["read", name, "--json"])
            .output()
            .unwrap();
        let mut expected = without_nulls(serde_json::from_slice(&output.stdout).unwrap());
        expected["left_off"] = 0.into();
        expected["article_count"] = expected["articles"].as_array().unwrap().len().into();
        let request = wire::ReadFileRequest {
            name: name.into(),
            content: content.to_vec(),
        };
        let body = serde_json::to_value(&request).unwrap();
        let got = post(&server, "/v1/read", &body);
        assert_eq!(got.json(), expected, "{name}");
        let by_grpc = block_on(async {
            let mut index = IndexServiceClient::connect(format!("http://{}", server.address))
                .await
                .unwrap();
            index.read_file(request).await.unwrap().into_inner()
        });
        assert_eq!(got.read::<wire::ReadFileResponse>(), by_grpc, "{name}");
        by_grpc
    };
    let read = check("page.html", page.as_bytes());
    assert_eq!(read.articles[0].regions, ["杭州"]);
    assert!(!read.left_out.is_empty() && read.left_out_characters > 0);
    let read = check("a.jsonl", lines.as_bytes());
    assert_eq!(
        (read.articles.len(), read.skipped[0].line, read.noticed.len()),
        (1, Some(2), 1)
    );
    for (name, content) in [
        ("a.png", &b"\x89PNG\r\n\x1a\n\0\0"[..]),
        ("cut.pdf", b"%PDF-1.4\n1 0"),
        ("空.txt", b""),
    ] {
        let refused = check(name, content);
        assert!(
            refused.articles.is_empty() && !refused.skipped[0].reason.is_empty(),
            "{refused:?}"
        );
    }
    // Nothing of it is in the index, and what is no file is refused by its field.
    assert_eq!(get(&server, "/v1/stats").json()["articles"], "24");
    let refused = post(&server, "/v1/read", &json!({"name": "../a.md", "content": ""}));
    assert_eq!((refused.0, &refused.json()["field"]), (400, &json!("name")));
    let refused = post(&server, "/v1/read", &json!({"name": "a.md", "content": "不是"}));
    assert_eq!((refused.0, &refused.json()["field"]), (400, &json!("content")));
}

#[test]
fn articles_are_listed_page_by_page_by_both_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let page = |query: &str| -> wire::ListArticlesResponse { get(&server, &format!("/v1/articles?{query}")).read() };
    // Pages of any size give every article once, sorted by id.
    let whole = page("").articles;
    assert_eq!(whole.len(), 24);
    assert!(whole.is_sorted_by(|one, next| one.id < next.id));
    let first = &whole[0];
    assert!(
        first.id.starts_with("兰州/") && first.title.contains("兰州"),
        "{first:?}"
    );
    assert_eq!(
        (first.source.as_deref(), first.publisher.as_deref(), first.kind()),
        (Some("局"), Some("兰州医保局"), wire::ArticleKind::Full)
    );
    assert!(first.published.is_some() && first.content.is_none());
    for size in [1, 7, 24, 1_000] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let next = page(&format!("page_size={size}&page_token={}", encoded(&token)));
            assert!(next.articles.len() <= size, "{size}");
            listed.extend(next.articles);
            token = next.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, whole, "{size}");
    }
    // A filter takes what facets count.
    let there = page(&format!("region={}&page_size=3", encoded("甘肃")));
    assert_eq!((there.articles.len(), there.next_page_token.is_empty()), (3, false));
    let rest = format!(
        "region={}&page_size=9&page_token={}",
        encoded("甘肃"),
        encoded(&there.next_page_token)
    );
    let rest = page(&rest);
    assert_eq!((rest.articles.len(), &*rest.next_page_token), (5, ""));
    assert!(rest.articles.iter().all(|article| article.id.starts_with("兰州/")));
    assert_eq!(get(&server, "/v1/articles?source=nobody").0, 404);

    // By gRPC a page is the same, and everything comes by name and place where no size is asked for.
    let listed = |request: wire::ListArticlesRequest| {
        block_on(async {
            let address = format!("http://{}", server.address);
            let mut client = IndexServiceClient::connect(address).await.unwrap();
            let mut messages = client.list_articles(request).await.unwrap().into_inner();
            let mut all = wire::ListArticlesResponse::default();
            while let Some(message) = messages.message().await.unwrap() {
                all.articles.extend(message.articles);
                all.next_page_token = message.next_page_token;
            }
            all
        })
    };
    let sized = listed(wire::ListArticlesRequest {
        page_size: Some(7),
        ..Default::default()
    });
    assert_eq!(sized, page("page_size=7"));
    let all = listed(wire::ListArticlesRequest::default()).articles;
    assert_eq!((all.len(), &*all[0].id, &*all[0].title), (24, &*whole[0].id, ""));
    assert!(
        all.iter().all(|article| article.kind == 0),
        "what is not known is not said"
    );
    let named = listed(wire::ListArticlesRequest {
        source: "局".into(),
        article_ids: vec!["杭州/3.md".into(), "nobody".into()],
        ..Default::default()
    });
    assert!(
        named.articles.len() == 1 && named.articles[0].content.is_some() && named.articles[0].kind == 0,
        "{named:?}"
    );

    let refused = |query: &str, field: &str| {
        let got = get(&server, &format!("/v1/articles?{query}"));
        assert_eq!(
            (got.0, &got.json()["field"]),
            (400, &json!(field)),
            "{query}: {}",
            got.2
        );
    };
    refused("page_size=0", "page_size");
    refused("page_size=1001", "page_size");
    refused("article_id=a&page_size=5", "article_ids");

    // Posted it is the same call.
    let posted: wire::ListArticlesResponse = post(&server, "/v1/articles", &json!({"page_size": 7})).read();
    assert_eq!(posted, sized);
}

#[test]
fn nothing_is_listed_twice_whatever_is_written_between_two_pages() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let page = |token: &str| -> wire::ListArticlesResponse {
        get(
            &server,
            &format!("/v1/articles?page_size=8&page_token={}", encoded(token)),
        )
        .read()
    };
    let whole: Vec<String> = articles()
        .iter()
        .map(|article| article["id"].as_str().unwrap().to_owned())
        .collect();
    let first = page("");
    let ids = |page: &wire::ListArticlesResponse| -> Vec<String> {
        page.articles.iter().map(|article| article.id.clone()).collect()
    };
    let mut listed = ids(&first);
    let (last, before) = (first.next_page_token.clone(), listed[2].clone());
    // Of those listed already one is written anew, one goes, and so does the one behind which the list goes on; one
    // comes before that place, one behind it, and one of the rest goes.
    let text = "2025年起，参保人到医保中心办理，带身份证，三个工作日办完。";
    let written = [&before, "0/新.md", "鼎/新.md"].map(|id| json!({"id": id, "title": "新的规定", "text": text}));
    let upserted = post(
        &server,
        "/v1/articles:upsert",
        &json!({"source": {"name": "局"}, "articles": written}),
    );
    assert_eq!(upserted.0, 200, "{}", upserted.2);
    let gone = whole.iter().filter(|id| **id > last).max().unwrap().clone();
    let deleted = post(
        &server,
        "/v1/articles:delete",
        &json!({"article_ids": [listed[1], last, gone]}),
    );
    assert_eq!(deleted.json()["deleted"], "3", "{}", deleted.2);
    let mut token = last;
    while !token.is_empty() {
        let next = page(&token);
        listed.extend(ids(&next));
        token = next.next_page_token;
    }
    assert!(listed.is_sorted_by(|one, next| one < next), "{listed:?}");
    let mut expected: Vec<String> = whole.into_iter().filter(|id| *id != gone).collect();
    expected.push("鼎/新.md".into());
    expected.sort();
    assert_eq!(listed, expected);
}

#[test]
fn what_is_wrong_is_refused_by_both_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let check = |path: &str, body: Value, status: u16, field: &str| {
        let got = post(&server, path, &body);
        assert_eq!(
            (got.0, &got.json()["field"]),
            (status, &json!(field)),
            "{path} {body}: {}",
            got.2
        );
    };
    check("/v1/similar", json!({"article_id": "nobody"}), 404, "article_id");
    check("/v1/similar", json!({}), 400, "article_id");
    check("/v1/articles:get", json!({"max_characters": 5}), 400, "article_id");
    check("/v1/articles", json!({"source": "nobody"}), 404, "source");
    check("/v1/search:batch", json!({"requests": []}), 400, "requests");
    check(
        "/v1/similar",
        json!({"article_id": "杭州/3.md", "top_k": 101}),
        400,
        "top_k",
    );
    check(
        "/v1/similar",
        json!({"article_id": "杭州/3.md", "filter": {"regions": ["火星"]}}),
        400,
        "filter.regions",
    );
    check("/v1/facets", json!({"limit": 0}), 400, "limit");
    check(
        "/v1/facets",
        json!({"filter": {"kinds": ["ARTICLE_KIND_UNSPECIFIED"]}}),
        400,
        "filter.kinds",
    );
    check("/v1/facets", json!({"query": ""}), 400, "query");
    check(
        "/v1/facets",
        json!({"filter": {"years": [3]}, "query": "医保", "top": 1}),
        400,
        "top",
    );
    check("/v1/suggest", json!({"query": "医", "top_k": 51}), 400, "top_k");
    check("/v1/analyze", json!({"text": ""}), 400, "text");
    check("/v1/analyze", json!({"text": "医", "today": "soon"}), 400, "today");
    check("/v1/articles:upsert", json!({"articles": []}), 400, "articles");
    check("/v1/articles:upsert", json!({"articles": [{"id": "a"}]}), 400, "source");
    check("/v1/articles:delete", json!({}), 400, "");
    let lines =
        "{\"id\": \"x\", \"text\": \"文\"}\n{\"id\": \"y\", \"titel\": \"文\"}\n{\"id\": \"z\", \"text\": \"文\"}\n";
    let headers = "content-type: application/x-ndjson\r\n";
    let import = |lines: &str| {
        ask(
            &server,
            "POST",
            "/v1/articles:import?source=s",
            headers,
            lines.as_bytes(),
        )
    };
    // What is no article costs itself alone, what is no JSON all that is behind it.
    let imported: wire::ImportArticlesResponse = import(lines).read();
    assert_eq!((imported.articles, imported.added, imported.failed), (3, 2, 1));
    let failure = &imported.failures[0];
    let error = failure.error.as_ref().unwrap();
    assert_eq!(failure.id, "y");
    assert!(error.message.starts_with("line 2: titel: is not"), "{error:?}");
    let odd = import(
        "{\"id\": \"w1\", \"text\": \"文\"}\n{\"id\": \"w2\", \"text\": \"\\ud800\"}\n[1]\n{\"id\": \"w3\", \"text\": \"文\"}\n",
    );
    let odd: wire::ImportArticlesResponse = odd.read();
    assert_eq!((odd.articles, odd.added, odd.failed), (4, 2, 2), "{odd:?}");
    let cut = import("{\"id\": \"w\", \"text\": \"文\"}\n{\n{\"id\": \"v\", \"text\": \"文\"}\n");
    assert!(cut.0 == 400 && cut.2.contains("line 2: "), "{}", cut.2);
    assert!(cut.2.contains("articles kept that came before: 1;"), "{}", cut.2);
    // Who looks by a browser is shown the page, which says it to people.
    for (path, status) in [("/nowhere", 404), ("/?article=%ff", 400), ("/?article=nobody", 200)] {
        let accept = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
        let shown = ask(&server, "GET", path, accept, b"");
        assert!(shown.2.starts_with("<!doctype html>"), "{path}: {}", shown.2);
        assert_eq!(shown.0, status, "{path}");
        let told = get(&server, path);
        assert_eq!(told.0, status, "{path}");
        assert!(status == 200 || !told.json()["message"].is_null(), "{path}");
    }
    let unknown = "/v1/articles:import?source=s&replace=true";
    let refused = ask(&server, "POST", unknown, headers, lines.as_bytes());
    assert_eq!((refused.0, &refused.json()["field"]), (400, &json!("replace")));
    // An empty id is told by the field that it is.
    let upserted = post(
        &server,
        "/v1/articles:upsert",
        &json!({"source": {"name": "s"}, "articles": [{"id": "", "text": "文"}]}),
    );
    let error = &upserted.json()["results"][0]["error"];
    assert_eq!((&error["code"], &error["field"]), (&json!(3), &json!("id")), "{error}");
    // They are there as soon as it is said.
    for (id, expected) in [("x", 200), ("y", 404), ("z", 200), ("w", 200), ("v", 404)] {
        assert_eq!(get(&server, &format!("/v1/articles/{id}")).0, expected, "{id}");
    }
    for nothing in ["", "%20", &encoded(&"医".repeat(61)), "%F0%9F%98%80"] {
        let found = get(&server, &format!("/v1/suggest?q={nothing}"));
        assert_eq!(found.json(), json!({"suggestions": []}), "{nothing}");
    }
}

#[test]
fn an_article_whose_id_ends_like_an_address_is_found_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let articles = json!([{"id": "a/similar", "text": "文"}, {"id": "a", "text": "文"}]);
    post(
        &server,
        "/v1/articles:upsert",
        &json!({"source": {"name": "s"}, "articles": articles}),
    );
    let article: wire::GetArticleResponse = get(&server, "/v1/articles/a/similar").read();
    assert_eq!(article.article_id, "a/similar");
    let of_it: wire::SimilarResponse = get(&server, "/v1/articles/a/similar/similar?top_k=1").read();
    assert_eq!(of_it.articles[0].article_id, "a");
    // Whoever encodes the slash means the article.
    assert_eq!(get(&server, "/v1/articles/%E6%9D%AD%E5%B7%9E/3.md%2Fsimilar").0, 404);
}

#[test]
fn an_article_is_given_in_parts_to_whoever_wants_it_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let path = format!("/v1/articles/{}", encoded("杭州/3.md"));
    let whole: wire::GetArticleResponse = get(&server, &path).read();
    let (mut text, mut passages, mut start) = (String::new(), Vec::new(), Some(0));
    while let Some(from) = start {
        let part: wire::GetArticleResponse = get(&server, &format!("{path}?start={from}&max_characters=20")).read();
        assert!(part.text.chars().count() <= 20);
        text.push_str(&part.text);
        passages.extend(part.passages);
        start = part.next_start;
    }
    assert_eq!((text, passages), (whole.text, whole.passages));
    let check = |query: &str, field: &str| {
        let got = get(&server, &format!("{path}?{query}"));
        assert_eq!(
            (got.0, &got.json()["field"]),
            (400, &json!(field)),
            "{query}: {}",
            got.2
        );
    };
    check("start=999", "start");
    check("max_characters=0", "max_characters");
    check("article_id=x", "article_id");
    check("begin=1", "begin");
}

#[test]
fn what_would_be_read_as_something_else_is_refused_and_gzip_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    // 医保断缴 as GBK has it.
    let got = get(&server, "/v1/search?q=%D2%BD%B1%A3%B6%CF%BD%C9");
    assert_eq!((got.0, &got.json()["field"]), (400, &json!("q")), "{}", got.2);
    let got = get(&server, "/v1/articles/%ff");
    assert_eq!(
        (got.0, &got.json()["code"]),
        (400, &json!("INVALID_ARGUMENT")),
        "{}",
        got.2
    );
    let question = json!({"query": "居民医保缴费标准", "top_k": 2.0, "explain": null}).to_string();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(question.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let ask_packed = |how: &str| {
        let headers = format!("content-type: application/json\r\ncontent-encoding: {how}\r\n");
        ask(&server, "POST", "/v1/search", &headers, &packed)
    };
    let found: wire::SearchResponse = ask_packed("gzip").read();
    assert_eq!(found.hits.len(), 2);
    assert_eq!(ask_packed("GZIP").0, 200);
    let got = ask_packed("br");
    assert_eq!(
        (got.0, &got.json()["field"]),
        (415, &json!("content-encoding")),
        "{}",
        got.2
    );
    // What is small packed and large unpacked is as large as it is.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&vec![b' '; 5 << 20]).unwrap();
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let got = ask(&server, "POST", "/v1/search", headers, &bomb.finish().unwrap());
    assert_eq!(
        (got.0, &got.json()["code"]),
        (413, &json!("RESOURCE_EXHAUSTED")),
        "{}",
        got.2
    );
}

#[test]
fn a_body_of_several_packed_files_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("index"), None, &["--write"]);
    let packed = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    // As editors of one system begin a file.
    let one = packed("\u{feff}{\"id\": \"a\", \"text\": \"医保\"}\n");
    let two = packed("{\"id\": \"b\", \"text\": \"社保\"}\n{\"id\": \"c\", \"text\": \"医保\"}\n");
    let headers = "content-type: application/x-ndjson\r\ncontent-encoding: gzip\r\n";
    let import = |body: &[u8]| ask(&server, "POST", "/v1/articles:import?source=s", headers, body);
    let imported: wire::ImportArticlesResponse = import(&[one.clone(), two].concat()).read();
    assert_eq!((imported.articles, imported.added), (3, 3));
    // What is none of it is not passed over.
    let refused = import(&[&one[..], b"and more"].concat());
    assert_eq!(refused.0, 400, "{}", refused.2);
}

#[test]
fn who_sends_too_much_reads_why_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("index"), None, &["--write"]);
    let headers = "content-type: application/json\r\n";
    let refused = ask(&server, "POST", "/v1/search", headers, &vec![b' '; 6 << 20]);
    assert_eq!(
        (refused.0, &refused.json()["code"]),
        (413, &json!("RESOURCE_EXHAUSTED"))
    );
    // A line that will never be taken must not look like one to send again in a moment.
    let headers = "content-type: application/x-ndjson\r\n";
    let mut lines = "{\"id\": \"a\", \"text\": \"医保\"}\n".as_bytes().to_vec();
    lines.extend_from_slice(&vec![b' '; 9 << 20]);
    let refused = ask(&server, "POST", "/v1/articles:import?source=s", headers, &lines);
    assert_eq!(
        (refused.0, &refused.json()["code"]),
        (413, &json!("RESOURCE_EXHAUSTED"))
    );
    let said = refused.json()["help"].as_str().unwrap().to_owned();
    assert!(
        said.contains("articles kept that came before: 1;") && said.contains("max_write_bytes"),
        "{said}"
    );
    let refused = ask(&server, "POST", "/v1/nothing", headers, &vec![b' '; 6 << 20]);
    assert_eq!(refused.0, 404, "{}", refused.2);
}

#[test]
fn the_page_is_there_and_nothing_else_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let server = Server::start_with(&index, None, &["--write", "--cors-origins", "https://example.org"]);
    let page = get(&server, "/");
    assert!(page.0 == 200 && page.2.contains("保问"));
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "nosniff",
        "etag: \"",
        "cache-control: no-cache",
    ] {
        assert!(page.1.contains(part), "{part} in {}", page.1);
    }
    for file in ["/page.css", "/page.js", "/admin", "/admin.js", "/openapi.json"] {
        assert_eq!(get(&server, file).0, 200, "{file}");
    }
    let tag = page
        .1
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap()
        .to_owned();
    let again = ask(&server, "GET", "/", &format!("if-none-match: {tag}\r\n"), b"");
    assert!(again.0 == 304 && again.2.is_empty());
    let packed = ask(&server, "GET", "/page.js", "accept-encoding: gzip\r\n", b"");
    assert!(packed.1.contains("content-encoding: gzip"), "{}", packed.1);

    let preflight = |origin: &str| {
        let headers = format!("origin: {origin}\r\naccess-control-request-method: POST\r\n");
        ask(&server, "OPTIONS", "/v1/articles:upsert", &headers, b"").1
    };
    assert!(preflight("https://example.org").contains("access-control-allow-origin: https://example.org"));
    assert!(!preflight("https://example.com").contains("access-control-allow-origin"));
    let refused = Command::new(env!("CARGO_BIN_EXE_baowen"))
        .args([
            "serve",
            "--write",
            "--listen",
            "127.0.0.1:0",
            "--cors-origins",
            "example.org",
            "--index",
        ])
        .arg(&index)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!refused.status.success());
}

/// gRPC-Web: a message in a frame over HTTP/1, the trailers in another.
#[test]
fn a_browser_speaks_grpc_web() {
    let folder = tempfile::tempdir().unwrap();
    let server = filled(folder.path());
    let path = "/baowen.v1.IndexService/Stats";
    let got = ask(
        &server,
        "POST",
        path,
        "content-type: application/grpc-web+proto\r\n",
        b"\0\0\0\0\0",
    );
    assert_eq!(got.0, 200, "{}", got.1);
    assert!(
        got.2.contains("grpc-status:0") || got.2.contains("grpc-status: 0"),
        "{:?}",
        got.2
    );
}
