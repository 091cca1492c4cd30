//! Tokens and rights, without a server; over a socket they are tried in `service::tests`.

use super::rights::Need;
use super::*;
use crate::service::methods::path_info;

fn tokens(rights: &str, rate: Option<u32>) -> (String, Tokens) {
    let new = NewToken::make("shop", rights, rate).unwrap();
    let tokens = Tokens::parse(&format!("# a comment\n\n{}  # more\n", new.line)).unwrap();
    assert_eq!(tokens.count(), 1);
    (new.token, tokens)
}

#[test]
fn a_new_token_is_found_and_another_is_not() {
    let (token, tokens) = tokens("search,write", None);
    let entry = tokens.find(token.as_bytes()).unwrap();
    assert_eq!(&*entry.name, "shop");
    assert!(entry.may(&[Right::Search]) && entry.may(&[Right::Admin, Right::Write]) && !entry.may(&[Right::Admin]));
    assert!(tokens.find(b"").is_none());
    assert!(tokens.find(&token.as_bytes()[1..]).is_none());
    let (other, _) = self::tokens("search", None);
    assert!(tokens.find(other.as_bytes()).is_none());
    assert_ne!(token, other);
}

#[test]
fn a_token_calls_as_often_as_its_rate_says() {
    let (token, tokens) = tokens("search", Some(2));
    let entry = tokens.find(token.as_bytes()).unwrap();
    let counted: Vec<_> = (0..4).map(|_| entry.count()).collect();
    assert!(counted[0].is_ok() && counted[1].is_ok());
    let wait = counted[2..]
        .iter()
        .find_map(|counted| counted.err())
        .expect("one of four is too many");
    assert!(wait <= std::time::Duration::from_secs(1), "{wait:?}");
}

/// Messages name lines and rules, and never show what stands there.
#[test]
fn all_mistakes_are_named_by_line_and_no_secret_is_shown() {
    let hash = "0".repeat(64);
    let text = format!(
        "one search\ntwo search,all {hash}\nthree search {hash}x\nfour search {hash} rate=0\nfive search {hash}\n\
         five write {hash}\nbaowen_secret search {hash} rate=1 more\nn/me search {hash}\n"
    );
    let error = Tokens::parse(&text).unwrap_err().to_string();
    for line in [1, 2, 3, 4, 6, 7, 8] {
        assert!(error.contains(&format!("line {line}:")), "{error}");
    }
    assert!(!error.contains("line 5:"), "{error}");
    assert!(
        !error.contains("000") && !error.contains("secret") && !error.contains("five"),
        "{error}"
    );
    let error = NewToken::make("shop", "everything", None).err().unwrap().to_string();
    assert!(error.contains("search, write and admin"), "{error}");
}

#[test]
fn every_call_needs_what_it_should() {
    let one = |rights| Need::One(rights);
    let search = one(&[Right::Search]);
    let write = one(&[Right::Write]);
    let admin = one(&[Right::Admin]);
    let describe = one(&[Right::Search, Right::Write, Right::Admin]);
    let read_files = one(&[Right::Write, Right::Admin]);
    let cases = [
        ("/baowen.v1.SearchService/Search", search),
        ("/baowen.v1.SearchService/BatchSearch", search),
        ("/baowen.v1.SearchService/GetArticle", search),
        ("/baowen.v1.SearchService/Similar", search),
        ("/baowen.v1.SearchService/Facets", describe),
        ("/baowen.v1.SearchService/Suggest", search),
        ("/baowen.v1.SearchService/Analyze", describe),
        ("/baowen.v1.SearchService/QuestionsToReview", admin),
        ("/baowen.v1.IndexService/ListArticles", describe),
        ("/baowen.v1.IndexService/UpsertArticles", write),
        ("/baowen.v1.IndexService/ImportArticles", write),
        ("/baowen.v1.IndexService/DeleteArticles", write),
        ("/baowen.v1.IndexService/Commit", write),
        ("/baowen.v1.IndexService/Snapshot", admin),
        ("/baowen.v1.IndexService/ReadFile", read_files),
        ("/baowen.v1.IndexService/Stats", describe),
        ("/baowen.v1.IndexService/ListSources", describe),
        ("/v1/articles/a/b", search),
        ("/v1/articles", describe),
        ("/v1/facets", describe),
        ("/v1/analyze", describe),
        ("/v1/articles/a/b/similar", search),
        ("/v1/articles:upsert", write),
        ("/v1/articles:get", search),
        ("/v1/search:batch", search),
        ("/v1/snapshot", admin),
        ("/v1/read", read_files),
        ("/v1/questions", admin),
        ("/mcp", search),
        ("/metrics", admin),
        ("/grpc.health.v1.Health/Check", Need::Nothing),
        ("/", Need::Nothing),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Need::Token),
        ("/nowhere", Need::Token),
        ("/v1/nothing", Need::Token),
        ("/v1/articles:nothing", Need::Token),
        ("/baowen.v1.IndexService/Nothing", Need::Token),
        ("/favicon.ico", Need::Nothing),
        ("//v1/articles:upsert", Need::Token),
    ];
    for (path, expected) in cases {
        assert_eq!(path_info(path).rule.need, expected, "{path}");
    }
}
