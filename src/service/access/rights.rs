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

/// Paths and what they need; the first beginning that fits decides. What is not here needs a token, any: nothing is
/// there, or it describes the protocol.
const NEEDS: &[(&str, Need)] = &[
    ("/grpc.health.v1.Health/", Need::Nothing),
    ("/healthz", Need::Nothing),
    ("/readyz", Need::Nothing),
    ("/baowen.v1.SearchService/QuestionsToReview", Need::One(&[Right::Admin])),
    ("/baowen.v1.SearchService/", Need::One(&[Right::Search])),
    ("/baowen.v1.IndexService/Stats", Need::One(READ)),
    ("/baowen.v1.IndexService/ListSources", Need::One(READ)),
    ("/baowen.v1.IndexService/ListArticles", Need::One(READ)),
    ("/baowen.v1.IndexService/Snapshot", Need::One(&[Right::Admin])),
    ("/baowen.v1.IndexService/ReadFile", Need::One(OPERATE)),
    ("/baowen.v1.IndexService/", Need::One(&[Right::Write])),
    ("/v1/articles:get", Need::One(&[Right::Search])),
    ("/v1/articles:similar", Need::One(&[Right::Search])),
    ("/v1/articles/", Need::One(&[Right::Search])),
    // Those that change something.
    ("/v1/articles:", Need::One(&[Right::Write])),
    ("/v1/articles", Need::One(READ)),
    ("/v1/commit", Need::One(&[Right::Write])),
    ("/v1/snapshot", Need::One(&[Right::Admin])),
    ("/v1/questions", Need::One(&[Right::Admin])),
    ("/v1/read", Need::One(OPERATE)),
    ("/v1/stats", Need::One(READ)),
    ("/v1/sources", Need::One(READ)),
    ("/v1/", Need::One(&[Right::Search])),
    ("/mcp", Need::One(&[Right::Search])),
    ("/metrics", Need::One(&[Right::Admin])),
];
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

/// Paths that show what others asked, or have whole files read. Where nobody needs a token, they answer callers of this
/// machine alone.
const PRIVATE: [&str; 4] = [
    "/baowen.v1.SearchService/QuestionsToReview",
    "/baowen.v1.IndexService/ReadFile",
    "/v1/questions",
    "/v1/read",
];

/// Whether this path is its operator's.
pub fn is_private(path: &str) -> bool {
    PRIVATE.contains(&path)
}

/// What a call of this path needs.
pub fn needed(path: &str) -> Need {
    if PAGES.contains(&path) {
        return Need::Nothing;
    }
    NEEDS
        .iter()
        .find(|(beginning, _)| path.starts_with(beginning))
        .map_or(Need::Token, |(_, need)| *need)
}
