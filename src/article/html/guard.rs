//! Whether a text can be parsed as a page in little time and memory, seen before it is parsed.
//!
//! The parser follows the standard, which was written for pages and not against them: it looks up through all open
//! elements at a tag, compares each attribute with those before it, and repeats open `<b>` and `<font>` in every block
//! that follows. The limits lie far above what pages have; what passes them is refused whole.

use std::collections::HashMap;

/// How large a page may be, in bytes.
const MAX_BYTES: usize = 32 << 20;
/// How deep it may be nested; pages stay below a hundred.
const MAX_DEPTH: usize = 2_000;
/// How many tags and comments it may have, and other `<`.
const MAX_TAGS: usize = 500_000;
/// How many attributes all its tags may have.
const MAX_ATTRIBUTES: usize = 1_000_000;
/// How many comparisons its attributes may take, and how many steps up its tags.
const MAX_STEPS: usize = 200_000_000;
/// How many elements may be made for `<b>` and the like that are left open.
const MAX_REPEATED: usize = 100_000;

/// What a text would cost the parser. Rather too much than too little: a closing tag counts only if one of its kind is
/// open.
#[derive(Debug, Default)]
struct Cost {
    deepest: usize,
    tags: usize,
    attributes: usize,
    steps: usize,
    repeated: usize,
}

/// Whether a page can be parsed, or why not.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("is a page of more than {} MiB", MAX_BYTES >> 20));
    }
    let cost = cost(text);
    let limits = [
        (cost.deepest, MAX_DEPTH, "its elements are nested deeper than"),
        (cost.tags, MAX_TAGS, "its tags are more than"),
        (cost.attributes, MAX_ATTRIBUTES, "its attributes are more than"),
        (
            cost.steps,
            MAX_STEPS,
            "its nesting or a tag's attributes take steps of more than",
        ),
        (
            cost.repeated,
            MAX_REPEATED,
            "its open `<b>`, `<font>` and the like would be repeated more than",
        ),
    ];
    match limits.iter().find(|(found, limit, _)| found > limit) {
        Some((_, limit, reason)) => Err(format!("is no page that can be read: {reason} {limit}")),
        None => Ok(()),
    }
}

fn cost(text: &str) -> Cost {
    let bytes = text.as_bytes();
    let mut cost = Cost::default();
    let mut open = 0usize;
    // How many of those that are repeated are open.
    let mut repeats = 0usize;
    let mut kinds: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut inside_script: Option<Vec<u8>> = None;
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(|&byte| byte == b'<') {
        let at = from + found + 1;
        from = at;
        let (name, name_end, closing) = tag(bytes, at);
        // A script's `i<n` is no tag.
        if inside_script
            .as_ref()
            .is_some_and(|script| !(closing && *script == name))
        {
            continue;
        }
        inside_script = (!closing && matches!(&name[..], b"script" | b"style")).then(|| name.clone());
        cost.tags += 1;
        if name.is_empty() {
            continue;
        }
        cost.steps += open;
        if !closing {
            let (attributes, end) = attributes(bytes, name_end);
            from = end;
            cost.attributes += attributes;
            cost.steps = cost.steps.saturating_add(attributes.saturating_mul(attributes));
        }
        if inside_script.is_some() {
            continue;
        }
        let repeated = is_repeated(&name);
        if !repeated {
            cost.repeated += repeats;
        }
        if ends_by_itself(&name) {
            continue;
        }
        let kind = kinds.entry(name).or_default();
        if !closing {
            *kind += 1;
            open += 1;
            repeats += usize::from(repeated);
        } else if *kind > 0 {
            *kind -= 1;
            open -= 1;
            repeats -= usize::from(repeated);
        }
        cost.deepest = cost.deepest.max(open);
    }
    cost
}

/// The name of the tag that begins behind a `<`, where it ends, and whether the tag closes.
fn tag(bytes: &[u8], at: usize) -> (Vec<u8>, usize, bool) {
    let closing = bytes.get(at) == Some(&b'/');
    let start = at + usize::from(closing);
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let name = bytes[start..start + length.min(32)].to_ascii_lowercase();
    (name, start + length, closing)
}

/// How many attributes a tag has whose name ends at a byte, and where it ends.
fn attributes(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let mut count = 0;
    let is_break = |byte: u8| byte.is_ascii_whitespace() || byte == b'/';
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return (count, at + 1),
            _ if is_break(byte) => at += 1,
            _ => {
                count += 1;
                // The name, which may begin with `=`, then the value if there is one.
                at += 1;
                while bytes
                    .get(at)
                    .is_some_and(|&byte| !is_break(byte) && !matches!(byte, b'=' | b'>'))
                {
                    at += 1;
                }
                let mut value = at;
                while bytes.get(value).is_some_and(u8::is_ascii_whitespace) {
                    value += 1;
                }
                if bytes.get(value) != Some(&b'=') {
                    continue;
                }
                at = value + 1;
                while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                    at += 1;
                }
                match bytes.get(at) {
                    Some(&quote @ (b'"' | b'\'')) => {
                        let length = bytes[at + 1..].iter().position(|&byte| byte == quote);
                        at = length.map_or(bytes.len(), |length| at + length + 2);
                    }
                    _ => {
                        while bytes
                            .get(at)
                            .is_some_and(|&byte| !byte.is_ascii_whitespace() && byte != b'>')
                        {
                            at += 1;
                        }
                    }
                }
            }
        }
    }
    (count, at)
}

/// Elements that the parser opens again in the blocks behind them.
fn is_repeated(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"b"
            | b"big"
            | b"code"
            | b"em"
            | b"font"
            | b"i"
            | b"nobr"
            | b"s"
            | b"small"
            | b"strike"
            | b"strong"
            | b"tt"
            | b"u"
    )
}

fn ends_by_itself(name: &[u8]) -> bool {
    matches!(
        name,
        b"p" | b"li"
            | b"br"
            | b"img"
            | b"hr"
            | b"meta"
            | b"link"
            | b"input"
            | b"td"
            | b"th"
            | b"tr"
            | b"dt"
            | b"dd"
            | b"option"
            | b"col"
            | b"area"
            | b"wbr"
            | b"source"
            | b"base"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_not_underrated() {
        let check = |text: &str, expected: usize| assert_eq!(cost(text).deepest, expected, "{text}");
        check("<div><p>a<p>b<br><span>c</span></div>", 2);
        check("<b></i><b></i><b></i>", 3);
        check("<script>for (i=0;i<n;i++) a<b</script><style>a<b</style><i>x", 1);
        check("<a title='<div><div>' href=x><i>y</i></a>", 2);
        check("1 < 2", 0);
    }

    #[test]
    fn attributes_are_counted_as_the_parser_counts_them() {
        let check = |text: &str, expected: usize| assert_eq!(cost(text).attributes, expected, "{text}");
        check("<p>", 0);
        check("<p a b=1 c='x y' d = \"z > z\" e=f/g>", 5);
        check("<img alt='two words'/><br/>", 1);
        check("<p a='unclosed>text<b c>", 1);
        check("</p a=1>", 0);
    }

    #[test]
    fn what_no_page_is_like_is_refused() {
        let refused = |text: &str| check(text).is_err();
        assert!(refused(&"<div>".repeat(3_000)));
        assert!(refused(&format!("<p {}>", "a=1 ".repeat(100_000))));
        assert!(refused(&"<p/>".repeat(600_000)));
        assert!(refused(&"<!---->".repeat(600_000)));
        let bold: String = (0..1_900).map(|at| format!("<b id=x{at}>")).collect();
        assert!(refused(&format!("<p>{bold}{}", "<p>x".repeat(2_000))));
        assert!(refused(&"<".repeat(4 << 20)));
        assert!(!refused(&format!(
            "<body>{}",
            "<p class='a b'>文字<b>重点</b></p>".repeat(20_000)
        )));
    }
}
