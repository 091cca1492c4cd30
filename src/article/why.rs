//! Why something was not read, or not read as it should be, by names that programs go by. The words beside a name are
//! for people and stand where it is given.

/// Why something was not read, or not read as it should be: what programs go by. Names stay as they are; the words
/// beside them may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The system does not give it.
    Unreachable,
    /// It is a link that leads elsewhere, or a file that belongs to no source.
    Link,
    /// It is no article: by its name (a backup, a picture, a program), no file at all (a device), or a page that says
    /// that it is not there.
    NoArticle,
    /// There is nothing in it.
    Empty,
    /// It is larger than what is read.
    TooLarge,
    /// It is of a format that is not read.
    Format,
    /// Its bytes are not text, or some of them.
    Encoding,
    /// A document that cannot be opened, or of which a part was not read.
    Document,
    /// A table or list of records whose form is broken.
    Records,
    /// A record or an entry of a page that lacks what an article needs.
    Record,
    /// A page that takes too much to read.
    Page,
    /// What it says beside its text cannot be understood: a day, an attribute.
    Field,
    /// Little was kept of it.
    LittleKept,
    /// Its id belongs to another article.
    Duplicate,
    /// The index does not take it.
    Refused,
}

impl Why {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Why::Unreachable => "unreachable",
            Why::Link => "link",
            Why::NoArticle => "no_article",
            Why::Empty => "empty",
            Why::TooLarge => "too_large",
            Why::Format => "format",
            Why::Encoding => "encoding",
            Why::Document => "document",
            Why::Records => "records",
            Why::Record => "record",
            Why::Page => "page",
            Why::Field => "field",
            Why::LittleKept => "little_kept",
            Why::Duplicate => "duplicate",
            Why::Refused => "refused",
        }
    }
}
