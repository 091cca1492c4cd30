//! What words in the classes and ids of a page's elements mark.
//!
//! Only names them; whether they count on a page is for `furniture` to say.

use std::borrow::Cow;

/// What a word in a class or id marks.
pub(super) fn marked(word: &str) -> Option<&'static str> {
    Some(match &*small(word) {
        // The last of them, and `editsection`, are those of wikis.
        "sitesub" | "navbox" | "nav" | "navbar" | "breadcrumb" | "breadcrumbs" | "crumb" | "crumbs" | "menu"
        | "pagination" | "pager" | "topbar" => "navigation",
        "sidebar" | "aside" => "aside",
        "footer" | "foot" | "copyright" => "footer",
        "cookie" | "cookies" => "notice",
        "editsection" | "share" | "modal" | "popup" | "toolbar" | "login" | "bdsharebuttonbox" | "qrcode" => "tools",
        "comment" | "comments" | "pinglun" => "comments",
        "related" | "recommend" | "recommended" | "hot" | "rank" => "related entries",
        "advertisement" | "ad" | "ads" | "advert" => "advertisement",
        _ => return None,
    })
}

/// Whether a word in a class or id marks a window before the page: what that says is said by the site.
pub(super) fn is_window(word: &str) -> bool {
    matches!(&*small(word), "modal" | "popup" | "login" | "dialog")
}

/// A word in small letters.
fn small(word: &str) -> Cow<'_, str> {
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(word.to_ascii_lowercase())
    } else {
        Cow::Borrowed(word)
    }
}
