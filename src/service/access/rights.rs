//! What a call needs, by its path: the same for every protocol that it comes in by.

use std::fmt;

/// What a token may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To ask, and to read what the index holds.
    Search,
    /// To put articles in and take them out, and to see which there are.
    Write,
    /// To have snapshots made, and to see what the operator sees.
    Admin,
}

impl Right {
    /// All of them with their names in the file of tokens.
    pub const NAMES: [(&'static str, Right); 3] = [
        ("search", Right::Search),
        ("write", Right::Write),
        ("admin", Right::Admin),
    ];

    /// The right of a name.
    pub fn of(name: &str) -> Option<Right> {
        Right::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, right)| *right)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Right::NAMES.iter().find(|(_, right)| right == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// What lets a call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: whoever watches over services has no token, and what a browser loads first cannot bring one.
    Nothing,
    /// Any token.
    Token,
    /// A token with one of these rights.
    One(&'static [Right]),
}

/// Whom a call answers where the service has no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whoever reaches the port.
    All,
    /// Callers of this machine: it shows what others asked, writes a folder here, or has whole files read.
    ThisMachine,
}

/// Paths, what they need of a token, and whom they answer without tokens; the first beginning that fits decides.
const RULES: &[(&str, Need, Reach)] = &[
    ("/grpc.health.v1.Health/", Need::Nothing, Reach::All),
    ("/healthz", Need::Nothing, Reach::All),
    ("/readyz", Need::Nothing, Reach::All),
    (
        "/baowen.v1.SearchService/QuestionsToReview",
        Need::One(ADMIN),
        Reach::ThisMachine,
    ),
    ("/baowen.v1.SearchService/", Need::One(SEARCH), Reach::All),
    ("/baowen.v1.IndexService/Stats", Need::One(READ), Reach::All),
    ("/baowen.v1.IndexService/ListSources", Need::One(READ), Reach::All),
    ("/baowen.v1.IndexService/ListArticles", Need::One(READ), Reach::All),
    ("/baowen.v1.IndexService/Snapshot", Need::One(ADMIN), Reach::ThisMachine),
    (
        "/baowen.v1.IndexService/ReadFile",
        Need::One(OPERATE),
        Reach::ThisMachine,
    ),
    ("/baowen.v1.IndexService/", Need::One(WRITE), Reach::All),
    ("/v1/articles:get", Need::One(SEARCH), Reach::All),
    ("/v1/articles/", Need::One(SEARCH), Reach::All),
    // Those that change something.
    ("/v1/articles:", Need::One(WRITE), Reach::All),
    ("/v1/articles", Need::One(READ), Reach::All),
    ("/v1/commit", Need::One(WRITE), Reach::All),
    ("/v1/snapshot", Need::One(ADMIN), Reach::ThisMachine),
    ("/v1/questions", Need::One(ADMIN), Reach::ThisMachine),
    ("/v1/read", Need::One(OPERATE), Reach::ThisMachine),
    ("/v1/stats", Need::One(READ), Reach::All),
    ("/v1/sources", Need::One(READ), Reach::All),
    ("/v1/", Need::One(SEARCH), Reach::All),
    ("/mcp", Need::One(SEARCH), Reach::All),
    ("/metrics", Need::One(ADMIN), Reach::ThisMachine),
];
const SEARCH: &[Right] = &[Right::Search];
const WRITE: &[Right] = &[Right::Write];
const ADMIN: &[Right] = &[Right::Admin];
/// What describes the index serves those who ask and those who write.
const READ: &[Right] = &[Right::Search, Right::Write, Right::Admin];
/// Files are read for those who put articles in, and for the operator.
const OPERATE: &[Right] = &[Right::Write, Right::Admin];

/// Pages and what belongs to them: they are the same for everyone and say nothing of the index.
const PAGES: [&str; 7] = [
    "/",
    "/page.css",
    "/page.js",
    "/admin",
    "/admin.js",
    "/favicon.ico",
    "/openapi.json",
];

/// What a call of this path needs of a token, and whom it answers without tokens. A path that has no rule needs a
/// token, any: nothing is there, or it describes the protocol.
pub fn rule(path: &str) -> (Need, Reach) {
    if PAGES.contains(&path) {
        return (Need::Nothing, Reach::All);
    }
    let found = RULES.iter().find(|(beginning, ..)| path.starts_with(beginning));
    found.map_or((Need::Token, Reach::All), |(_, need, reach)| (*need, *reach))
}
