//! The names under which calls are counted: those of the protocol and the paths of HTTP, and one for all others, so
//! that nobody makes the service remember names that he thought up.

/// Calls by their paths, in both protocols.
const METHODS: &[&str] = &[
    "/baowen.v1.SearchService/Search",
    "/baowen.v1.SearchService/BatchSearch",
    "/baowen.v1.SearchService/GetArticle",
    "/baowen.v1.SearchService/Similar",
    "/baowen.v1.SearchService/Facets",
    "/baowen.v1.SearchService/Suggest",
    "/baowen.v1.SearchService/Analyze",
    "/baowen.v1.SearchService/QuestionsToReview",
    "/baowen.v1.IndexService/UpsertArticles",
    "/baowen.v1.IndexService/ImportArticles",
    "/baowen.v1.IndexService/DeleteArticles",
    "/baowen.v1.IndexService/Commit",
    "/baowen.v1.IndexService/Stats",
    "/baowen.v1.IndexService/ListSources",
    "/baowen.v1.IndexService/ListArticles",
    "/baowen.v1.IndexService/Snapshot",
    "/baowen.v1.IndexService/ReadFile",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/v1/search",
    "/v1/search:batch",
    "/v1/articles:get",
    "/v1/articles:upsert",
    "/v1/articles:delete",
    "/v1/articles:import",
    "/v1/articles",
    "/v1/similar",
    "/v1/facets",
    "/v1/suggest",
    "/v1/analyze",
    "/v1/questions",
    "/v1/commit",
    "/v1/snapshot",
    "/v1/read",
    "/v1/stats",
    "/v1/sources",
    "/mcp",
    "/metrics",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/",
    "/page.css",
    "/page.js",
    "/admin",
    "/admin.js",
];

/// The name of a path.
pub fn method(path: &str) -> &'static str {
    if let Some(known) = METHODS.iter().find(|known| **known == path) {
        return known.rsplit_once("Service/").map_or(known, |_| &known[1..]);
    }
    match path.starts_with("/v1/articles/") {
        true => "/v1/articles/*",
        false => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_protocol_and_no_others() {
        let check = |path: &str, expected: &str| assert_eq!(method(path), expected);
        check("/baowen.v1.SearchService/Search", "baowen.v1.SearchService/Search");
        check("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check");
        check("/v1/articles/any/one", "/v1/articles/*");
        check("/baowen.v1.SearchService/Nothing", "other");
        check("/x", "other");
    }

    /// A call that the protocol has and this table has not would be counted among the others.
    #[test]
    fn every_call_of_the_protocol_has_its_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("proto/baowen/v1");
        for (file, service) in [("search.proto", "SearchService"), ("index.proto", "IndexService")] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let calls = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next());
            let mut count = 0;
            for call in calls {
                let name = format!("/baowen.v1.{service}/{}", call.trim());
                assert!(METHODS.contains(&name.as_str()), "{name}");
                count += 1;
            }
            assert!(count > 0);
        }
    }
}
