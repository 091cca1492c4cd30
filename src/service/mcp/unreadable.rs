//! What is no message of the protocol, and the error that says so. The library leaves what is no JSON unanswered on
//! standard input, and says it over HTTP in a text of its own.

use rmcp::ErrorData;
use rmcp::model::ClientJsonRpcMessage;
use serde_json::Value;

/// Why these bytes are no JSON, if they are none.
pub fn no_json(bytes: &[u8]) -> Option<ErrorData> {
    let cause = serde_json::from_slice::<Value>(bytes).err()?;
    Some(ErrorData::parse_error(
        format!("the message is not JSON: {cause}"),
        None,
    ))
}

/// Why they are no message, if they are none.
pub fn no_message(bytes: &[u8]) -> Option<ErrorData> {
    serde_json::from_slice::<ClientJsonRpcMessage>(bytes).err()?;
    let why = "the JSON is no message of the Model Context Protocol: a request has `jsonrpc`, `id` and `method`";
    Some(no_json(bytes).unwrap_or_else(|| ErrorData::invalid_request(why, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_by_its_code() {
        let check = |bytes: &[u8], expected: Option<i32>| {
            let code = no_message(bytes).map(|error| error.code.0);
            assert_eq!(code, expected, "{}", String::from_utf8_lossy(bytes));
        };
        check(br#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#, None);
        check(br#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#, None);
        check(b"not json", Some(-32700));
        check(b"", Some(-32700));
        check(br#"{"jsonrpc": "2.0", "id": "\ud800", "method": "ping"}"#, Some(-32700));
        check(b"\"\xff\"", Some(-32700));
        check(&b"[".repeat(20_000), Some(-32700));
        check(b"[]", Some(-32600));
        check(br#"{"id": 20}"#, Some(-32600));
    }
}
