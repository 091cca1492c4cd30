//! What tokens may be allowed and what calls may need of them. Which call needs what stands in `methods`.

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
