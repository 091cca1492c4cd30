//! Files of questions: one a line, or JSON Lines.

use std::path::Path;

use serde_json::Value;

use crate::error::{Context, Error, Fault, Result};

/// The questions of a file, in its order.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).or_fault(
        Fault::Missing,
        format_args!("reading the questions of {}", path.display()),
    )?;
    let mut questions = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let question =
            question(line).map_err(|cause| cause.context(format_args!("{}:{}", path.display(), number + 1)))?;
        questions.push(question);
    }
    if questions.is_empty() {
        Err(Error::caller(format!("{}: holds no questions", path.display())))
    } else {
        Ok(questions)
    }
}

fn question(line: &str) -> Result<String> {
    if !line.starts_with('{') {
        return Ok(line.to_owned());
    }
    let record: Value = serde_json::from_str(line).or_fault(Fault::Caller, "not a JSON record")?;
    ["text", "query", "question"]
        .iter()
        .find_map(|name| record.get(name)?.as_str())
        .map(str::to_owned)
        .ok_or_else(|| Error::caller("the record has no `text`, `query` or `question`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_in_both_forms() {
        let check = |line: &str, expected: Result<&str, &str>| match (question(line), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (outcome, expected) => panic!("{outcome:?}, expected {expected:?}"),
        };
        check("医保断缴怎么办", Ok("医保断缴怎么办"));
        check(r#"{"_id": "1", "text": "医保"}"#, Ok("医保"));
        check(r#"{"query": "社保"}"#, Ok("社保"));
        check(r#"{"title": "社保"}"#, Err("no `text`"));
        check(r#"{"text": 7}"#, Err("no `text`"));
        check("{医保", Err("not a JSON record"));
    }

    #[test]
    fn a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queries.jsonl");
        std::fs::write(&path, "\u{feff}{\"text\": \"医保\"}\n\n{}\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.message().contains("queries.jsonl:3"), "{error}");
        std::fs::write(&path, " \n").unwrap();
        assert_eq!(read(&path).unwrap_err().fault(), Fault::Caller);
        assert_eq!(read(&folder.path().join("none")).unwrap_err().fault(), Fault::Missing);
    }
}
