//! What a record asks where no field is its title: a question in somebody's own words, or the first of a dialogue.
//!
//! Takes the question out of the record, and what a program was told before a dialogue; the rest stays for `texts`.

use serde_json::{Map, Value};

use super::field_text::take_text;
use super::fields::{Role, Speaker, best, has_role, has_text, is_known, says_more, speaker};
use super::texts::has_sentences;

/// The longest question that is a title, in characters.
const MAX_ASKED: usize = 80;

/// The question that a record without a title asks, out of it, if it is one short line and something else in it
/// answers; or the one name of a field that is a question, answered by its text; or, but in a row of a table, the one
/// value that is a question beside a text.
pub(super) fn question(fields: &mut Map<String, Value>, is_row: bool) -> Option<String> {
    asked_in_words(fields)
        .or_else(|| asked_by_name(fields))
        .or_else(|| if is_row { None } else { asked_by_value(fields) })
}

/// The question that a field of a name that nobody knows says: `{"相似问": "住院怎么报", "content": ...}`.
fn asked_by_value(fields: &mut Map<String, Value>) -> Option<String> {
    let is_one = |text: &str| is_short(text) && is_question(text) && !text.contains(['。', '；']);
    let is_asked = |(name, value): &(&String, &Value)| !is_known(name) && value.as_str().is_some_and(is_one);
    let mut asked = fields.iter().filter(is_asked).map(|(name, _)| name.clone());
    let name = asked.next().filter(|_| asked.next().is_none())?;
    if !has_text(fields.keys().map(String::as_str)) {
        return None;
    }
    match fields.remove(&name) {
        Some(Value::String(question)) => Some(question),
        _ => None,
    }
}

fn asked_by_name(fields: &mut Map<String, Value>) -> Option<String> {
    let is_asked = |(name, value): &(&String, &Value)| asks(name) && !is_known(name) && has_sentences(value);
    let mut asked = fields.iter().filter(is_asked).map(|(name, _)| name.clone());
    let name = asked.next().filter(|name| asked.next().is_none() && is_short(name))?;
    if has_text(fields.keys().map(String::as_str)) {
        return None;
    }
    let answer = fields.remove(&name)?;
    fields.insert("text".into(), answer);
    Some(name)
}

fn asked_in_words(fields: &mut Map<String, Value>) -> Option<String> {
    let is_asked = |(name, value): (&String, &Value)| has_role(name, Role::Ask) && value.as_str().is_some_and(is_short);
    let asked: Vec<&str> = fields
        .iter()
        .filter(|field| is_asked(*field))
        .map(|(name, _)| name.as_str())
        .collect();
    let name = asked[best(asked.iter().copied(), Role::Ask)?].to_string();
    let answers = |(other, value): (&String, &Value)| {
        let is_text =
            value.as_str().is_some_and(|text| !text.trim().is_empty()) || value.is_array() || value.is_object();
        *other != name && ((has_role(other, Role::Text) && is_text) || has_sentences(value))
    };
    if !fields.iter().any(answers) {
        return None;
    }
    match fields.remove(&name) {
        Some(Value::String(question)) => Some(question),
        _ => None,
    }
}

fn is_short(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.contains(['\n', '<']) && text.chars().count() <= MAX_ASKED
}

/// Words of questions, and words that questions and other texts have.
const ASKING: [&str; 6] = ["怎么", "如何", "什么", "多少", "多久", "吗"];
const MAY_ASK: [&str; 8] = ["哪", "几", "能否", "是否", "可以", "为何", "何时", "能不能"];

/// Whether a name is a question.
pub(super) fn asks(name: &str) -> bool {
    is_question(name) || name.starts_with('问') || MAY_ASK.iter().any(|word| name.contains(word))
}

/// Whether a text is a question for sure.
fn is_question(text: &str) -> bool {
    text.ends_with(['?', '？']) || ASKING.iter().any(|word| text.contains(word))
}

/// What a record's dialogue begins with, out of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Opening {
    /// The first question, where it is wanted, short, and followed by an answer.
    pub question: Option<String>,
    /// What a program was told before.
    pub prompts: String,
}

/// The opening of the dialogue in a record, if there is one: a list of parts that all say who speaks.
pub(super) fn opening(fields: &mut Map<String, Value>, wants_question: bool) -> Opening {
    let who = |part: &Value| part.as_object().and_then(speaker);
    let is_dialogue = |value: &&mut Value| {
        let parts = value.as_array().map_or(&[][..], Vec::as_slice);
        parts.iter().all(|part| who(part).is_some()) && parts.iter().any(|part| who(part) == Some(Speaker::Asker))
    };
    let Some(Value::Array(parts)) = fields.values_mut().find(is_dialogue) else {
        return Opening::default();
    };
    let is_prompt = |part: &Value| who(part) == Some(Speaker::Prompt);
    let (prompts, said): (Vec<Value>, Vec<Value>) = std::mem::take(parts).into_iter().partition(is_prompt);
    *parts = said;
    let mut question = None;
    if wants_question && parts.len() > 1 && who(&parts[0]) == Some(Speaker::Asker) {
        let mut rest = parts[0].clone();
        let asked = take_text(&mut rest);
        if is_short(&asked) {
            question = Some(asked);
            // What else the asker says is a text of its own.
            if says_more_than_who(&rest) {
                parts[0] = rest;
            } else {
                drop(parts.remove(0));
            }
        }
    }
    let mut told = Vec::with_capacity(prompts.len());
    for mut prompt in prompts {
        told.push(take_text(&mut prompt));
        if says_more_than_who(&prompt) {
            parts.push(prompt);
        }
    }
    Opening {
        question,
        prompts: told.join("\n"),
    }
}

/// Whether a part of a dialogue whose text was taken says anything else than who spoke.
fn says_more_than_who(part: &Value) -> bool {
    let fields = part.as_object().into_iter().flatten();
    let mut others = fields.filter(|(name, _)| !has_role(name, Role::Speaker));
    others.any(|(_, value)| says_more(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(record: Value) -> Map<String, Value> {
        match record {
            Value::Object(fields) => fields,
            other => panic!("{other} is no record"),
        }
    }

    #[test]
    fn a_short_question_that_is_answered_is_taken() {
        let check = |record: Value, expected: Option<&str>| {
            let mut fields = fields(record);
            let before = fields.len();
            assert_eq!(question(&mut fields, false).as_deref(), expected, "{fields:?}");
            assert_eq!(fields.len(), before - usize::from(expected.is_some()));
        };
        let answer = "资料齐全后十日内给付。";
        check(json!({"标准问题": "多久给付", "标准答案": answer}), Some("多久给付"));
        check(json!({"客户诉求": "多久给付？", "经办": answer}), Some("多久给付？"));
        check(json!({"存在问题": "甲", "提问内容": "乙", "答复": answer}), Some("乙"));
        check(json!({"客户问题": "多久给付？", "满意度": "满意"}), None);
        check(
            json!({"客户问题": "一、多久给付？\n二、给付多少？", "答复": answer}),
            None,
        );
        check(json!({"客户问题": "问".repeat(81), "答复": answer}), None);
        check(json!({"答复": answer}), None);
        check(
            json!({"相似问": "多久给付", "类别": "理赔", "content": answer}),
            Some("多久给付"),
        );
        check(
            json!({"相似问": "多久给付", "另问": "给付多少？", "content": answer}),
            None,
        );
        check(json!({"类别": "理赔", "content": answer}), None);
    }

    #[test]
    fn a_dialogue_begins_with_its_question() {
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        let check = |parts: Vec<Value>, wants: bool, question: Option<&str>, prompts: &str, left: usize| {
            let mut fields = fields(json!({ "messages": parts }));
            let found = opening(&mut fields, wants);
            assert_eq!((found.question.as_deref(), found.prompts.as_str()), (question, prompts));
            assert_eq!(fields["messages"].as_array().unwrap().len(), left);
        };
        let parts = || {
            vec![
                said("system", "你是咨询员。"),
                said("user", "能报吗？"),
                said("assistant", "能。"),
            ]
        };
        check(parts(), true, Some("能报吗？"), "你是咨询员。", 1);
        check(parts(), false, None, "你是咨询员。", 2);
        check(
            vec![said("assistant", "您好。"), said("user", "能报吗？")],
            true,
            None,
            "",
            2,
        );
        check(vec![said("user", "能报吗？")], true, None, "", 1);
        check(vec![json!({"content": "甲"}), said("user", "乙")], true, None, "", 2);
        // What else stands beside what is asked stays.
        let more = json!({"role": "user", "content": "能报吗？", "补充": "我在外地住院，已经办理备案。"});
        check(vec![more, said("assistant", "能。")], true, Some("能报吗？"), "", 2);
    }
}
