//! Every method of the protocol with all that is known of it before it runs: its gRPC path, its addresses over HTTP,
//! who may call it, how long it may take. And what else the port answers, with who may ask for it.
//!
//! Access, deadlines, metrics, routes and OpenAPI are read off this table, so the protocols cannot differ in them. It
//! runs nothing.

use super::access::rights::{Need, Reach, Right};

/// Who may call something: with tokens by its need, without tokens by its reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What it needs of a token.
    pub need: Need,
    /// Whom it answers where the service has no tokens.
    pub reach: Reach,
}

impl Rule {
    const fn new(need: Need, reach: Reach) -> Self {
        Rule { need, reach }
    }

    const fn of(rights: &'static [Right]) -> Self {
        Rule::new(Need::One(rights), Reach::All)
    }
}

/// Whoever watches over services has no token, and what a browser loads first cannot bring one.
const OPEN: Rule = Rule::new(Need::Nothing, Reach::All);
/// What describes the protocol, and what is not there.
const ANY_TOKEN: Rule = Rule::new(Need::Token, Reach::All);
const SEARCH: Rule = Rule::of(&[Right::Search]);
const WRITE: Rule = Rule::of(&[Right::Write]);
/// What describes the index serves those who ask and those who write.
const DESCRIBE: Rule = Rule::of(&[Right::Search, Right::Write, Right::Admin]);
/// What shows questions of others, or writes a folder on the service's machine.
const ADMIN: Rule = Rule::new(Need::One(&[Right::Admin]), Reach::ThisMachine);
/// Files are read for those who put articles in, and for the operator.
const READ_FILES: Rule = Rule::new(Need::One(&[Right::Write, Right::Admin]), Reach::ThisMachine);

/// Which of the service's times bounds a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `longest_call`.
    Call,
    /// `longest_batch`: its questions wait for one another.
    Batch,
    /// `longest_write`: as long as there is something to send, to embed or to list.
    Write,
}

/// How an address is given the message of its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By parameters (GET).
    Parameters,
    /// By the address itself and parameters (GET).
    Path,
    /// As JSON (POST).
    Body,
    /// As lines of JSON, one `Article` each (POST).
    Lines,
}

/// An address over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct HttpAddress {
    /// Its path; a `*` in it stands for an article's id.
    pub path: &'static str,
    /// How it is given its message.
    pub given: Given,
}

impl HttpAddress {
    fn is_at(&self, path: &str) -> bool {
        match self.path.split_once('*') {
            Some((before, behind)) => path
                .strip_prefix(before)
                .is_some_and(|rest| rest.len() > behind.len() && rest.ends_with(behind)),
            None => path == self.path,
        }
    }
}

const fn parameters(path: &'static str) -> HttpAddress {
    let given = Given::Parameters;
    HttpAddress { path, given }
}

const fn body(path: &'static str) -> HttpAddress {
    let given = Given::Body;
    HttpAddress { path, given }
}

/// A method of the protocol.
#[derive(Debug)]
pub struct Method {
    /// Which it is.
    pub rpc: Rpc,
    /// As `Service.Method`.
    pub name: &'static str,
    /// Its path over gRPC.
    pub grpc: &'static str,
    /// The message it is given.
    pub request: &'static str,
    /// The message it answers with, or one of many.
    pub response: &'static str,
    /// Who may call it.
    pub rule: Rule,
    /// How long it may take.
    pub limit: Limit,
    /// Where it is over HTTP.
    pub addresses: &'static [HttpAddress],
}

/// Makes [`Rpc`] and [`METHODS`] of a table, so that neither has a method that the other has not.
macro_rules! methods {
    ($($service:ident.$name:ident, $rule:expr, $limit:expr, $addresses:expr;)*) => {
        /// A method of the protocol, by its name there.
        #[allow(missing_docs)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rpc {
            $($name,)*
        }

        /// Every method of the protocol.
        pub const METHODS: &[Method] = &[$(Method {
            rpc: Rpc::$name,
            name: concat!(stringify!($service), ".", stringify!($name)),
            grpc: concat!("/baowen.v1.", stringify!($service), "/", stringify!($name)),
            request: concat!(stringify!($name), "Request"),
            response: concat!(stringify!($name), "Response"),
            rule: $rule,
            limit: $limit,
            addresses: $addresses,
        },)*];
    };
}

impl Rpc {
    /// Its row of the table.
    pub fn method(self) -> &'static Method {
        // Both were made in the table's order.
        &METHODS[self as usize]
    }
}

methods! {
    SearchService.Search, SEARCH, Limit::Call, &[parameters("/v1/search"), body("/v1/search")];
    SearchService.BatchSearch, SEARCH, Limit::Batch, &[body("/v1/search:batch")];
    SearchService.GetArticle, SEARCH, Limit::Call,
        &[HttpAddress { path: "/v1/articles/*", given: Given::Path }, body("/v1/articles:get")];
    SearchService.Similar, SEARCH, Limit::Call,
        &[parameters("/v1/similar"), body("/v1/similar"),
            HttpAddress { path: "/v1/articles/*/similar", given: Given::Path }];
    SearchService.Facets, DESCRIBE, Limit::Call, &[parameters("/v1/facets"), body("/v1/facets")];
    SearchService.Suggest, SEARCH, Limit::Call, &[parameters("/v1/suggest"), body("/v1/suggest")];
    SearchService.Analyze, DESCRIBE, Limit::Call, &[parameters("/v1/analyze"), body("/v1/analyze")];
    SearchService.QuestionsToReview, ADMIN, Limit::Call, &[parameters("/v1/questions"), body("/v1/questions")];
    IndexService.ListArticles, DESCRIBE, Limit::Write, &[parameters("/v1/articles"), body("/v1/articles")];
    IndexService.UpsertArticles, WRITE, Limit::Write, &[body("/v1/articles:upsert")];
    IndexService.ImportArticles, WRITE, Limit::Write,
        &[HttpAddress { path: "/v1/articles:import", given: Given::Lines }];
    IndexService.DeleteArticles, WRITE, Limit::Write, &[body("/v1/articles:delete")];
    IndexService.Commit, WRITE, Limit::Write, &[body("/v1/commit")];
    IndexService.Snapshot, ADMIN, Limit::Write, &[body("/v1/snapshot")];
    IndexService.ReadFile, READ_FILES, Limit::Call, &[body("/v1/read")];
    IndexService.Stats, DESCRIBE, Limit::Write, &[parameters("/v1/stats"), body("/v1/stats")];
    IndexService.ListSources, DESCRIBE, Limit::Write, &[parameters("/v1/sources"), body("/v1/sources")];
}

/// What else the port answers.
const OTHERS: &[(&str, Rule)] = &[
    ("/grpc.health.v1.Health/Check", OPEN),
    ("/grpc.health.v1.Health/Watch", OPEN),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ANY_TOKEN),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ANY_TOKEN,
    ),
    ("/mcp", SEARCH),
    ("/metrics", ADMIN),
    ("/healthz", OPEN),
    ("/readyz", OPEN),
    ("/openapi.json", OPEN),
    // The pages are the same for everyone and say nothing of the index.
    ("/", OPEN),
    ("/page.css", OPEN),
    ("/page.js", OPEN),
    ("/admin", OPEN),
    ("/admin.js", OPEN),
];

/// Browsers ask for it by themselves, and there is none: it is counted with what is not there.
const ICON: &str = "/favicon.ico";

/// What is known of a call by its path alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathInfo {
    /// The name it is counted under.
    pub label: &'static str,
    /// Who may call it.
    pub rule: Rule,
    /// How long it may take.
    pub limit: Limit,
}

/// What is known of the call of this path. Where nothing is, all have one name, so that nobody makes the service
/// remember names that he thought up, and any token may ask, whatever its rights: there is nothing to guard.
pub fn path_info(path: &str) -> PathInfo {
    let of = |method: &Method, label: &'static str| {
        let (rule, limit) = (method.rule, method.limit);
        PathInfo { label, rule, limit }
    };
    if let Some(method) = METHODS.iter().find(|method| method.grpc == path) {
        return of(method, &method.grpc[1..]);
    }
    let addresses = METHODS
        .iter()
        .flat_map(|method| method.addresses.iter().map(move |address| (method, address)));
    let at = addresses.filter(|(_, address)| address.is_at(path));
    // Of two patterns the longer one says more.
    if let Some((method, address)) = at.max_by_key(|(_, address)| address.path.len()) {
        return of(method, address.path);
    }
    let other = OTHERS.iter().find(|(known, _)| *known == path);
    let nothing = if path == ICON { OPEN } else { ANY_TOKEN };
    let (label, rule) = other.copied().unwrap_or(("other", nothing));
    let limit = Limit::Call;
    PathInfo { label, rule, limit }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::service::wire::FILE_DESCRIPTOR_SET;

    /// A method that the table has not would be open to any token, and counted among what is not there.
    #[test]
    fn every_method_of_the_protocol_is_in_the_table_with_its_messages() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let mut in_protocol = BTreeSet::new();
        for file in set.file.iter().filter(|file| file.package() == "baowen.v1") {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/baowen.v1.{}/{}", service.name(), method.name());
                    in_protocol.insert((path, method.input_type().to_owned(), method.output_type().to_owned()));
                }
            }
        }
        let message = |name: &str| format!(".baowen.v1.{name}");
        let row = |method: &Method| {
            (
                method.grpc.to_owned(),
                message(method.request),
                message(method.response),
            )
        };
        assert_eq!(METHODS.iter().map(row).collect::<BTreeSet<_>>(), in_protocol);
        assert_eq!(METHODS.len(), in_protocol.len());
    }

    #[test]
    fn a_call_is_the_same_by_every_protocol_but_for_its_name() {
        for method in METHODS {
            let grpc = path_info(method.grpc);
            assert_eq!((grpc.rule, grpc.limit), (method.rule, method.limit), "{}", method.name);
            assert!(!method.addresses.is_empty(), "{}", method.name);
            for address in method.addresses {
                let http = path_info(&address.path.replace('*', "any/one"));
                assert_eq!(
                    (http.label, http.rule, http.limit),
                    (address.path, grpc.rule, grpc.limit)
                );
            }
        }
    }

    #[test]
    fn names_are_those_of_the_table_and_no_others() {
        let check = |path: &str, expected: &str| assert_eq!(path_info(path).label, expected);
        check("/baowen.v1.SearchService/Search", "baowen.v1.SearchService/Search");
        check("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check");
        check("/v1/articles/any/one", "/v1/articles/*");
        check("/v1/articles/any/one/similar", "/v1/articles/*/similar");
        check("/v1/articles/similar", "/v1/articles/*");
        check("/v1/articles", "/v1/articles");
        check("/baowen.v1.SearchService/Nothing", "other");
        check("/v1/searching", "other");
        check("/x", "other");
        check(ICON, "other");
    }

    #[test]
    fn the_guide_names_every_method_with_its_addresses() {
        let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        for method in METHODS {
            let (service, name) = method.name.split_once('.').unwrap();
            let names = [format!("`{service}/{name}`"), format!("`{name}`")];
            let is_of = |line: &&str| {
                line.starts_with(&format!("| `{service}/")) && names.iter().any(|name| line.contains(name))
            };
            let row = guide.lines().find(is_of);
            let row = row.unwrap_or_else(|| panic!("{} has no row", method.name));
            for address in method.addresses {
                let verb = match address.given {
                    Given::Parameters | Given::Path => "GET",
                    Given::Body | Given::Lines => "POST",
                };
                let shown = format!("`{verb} {}", address.path.replace('*', "{article_id}"));
                let is_whole = |rest: &str| rest.starts_with(['`', '?']);
                let is_there = row.split(&shown).skip(1).any(is_whole);
                assert!(is_there, "{shown}` is not in: {row}");
            }
        }
    }

    #[test]
    fn only_what_writes_or_lists_may_take_long() {
        for method in METHODS {
            let writes_or_lists = method.name.starts_with("IndexService.") && method.rpc != Rpc::ReadFile;
            assert_eq!(method.limit == Limit::Write, writes_or_lists, "{}", method.name);
            let asks_much = method.rpc == Rpc::BatchSearch;
            assert_eq!(method.limit == Limit::Batch, asks_much, "{}", method.name);
            assert_eq!(method.rpc.method().name, method.name);
        }
    }
}
