//! `<` that opens no tag: people write it for `less than`, and a parser would take what follows for a tag's name and
//! drop it.
//!
//! Only tells such signs by what stands right behind them; whether a tag is known is for the parser.

use std::borrow::Cow;

/// The text with such signs escaped: `缴费年限<n年`.
pub(super) fn with_signs(text: &str) -> Cow<'_, str> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in text.match_indices('<') {
        if is_sign(&text.as_bytes()[at + 1..]) {
            out.extend([&text[done..at], "&lt;"]);
            done = at + 1;
        }
    }
    match done {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[done..]),
    }
}

/// Whether letters stand behind a `<` that no tag's name goes on with.
fn is_sign(behind: &[u8]) -> bool {
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_' | b'.');
    let length = behind.iter().take_while(is_of_name).count();
    behind.first().is_some_and(u8::is_ascii_alphabetic) && behind.get(length).is_some_and(|byte| !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_no_tag_is_said() {
        let check = |text: &str, expected: &str| assert_eq!(with_signs(text), expected);
        check("<p>费用<n年的部分<br>a<b岁</p>", "<p>费用&lt;n年的部分<br>a&lt;b岁</p>");
        check(
            "<o:p><my-app x=甲></my-app>年龄<60",
            "<o:p><my-app x=甲></my-app>年龄<60",
        );
    }
}
