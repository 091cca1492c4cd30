//! The parts of an office document: a walk through the elements of XML, within bounds.

use quick_xml::Reader as Xml;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may be nested.
const MAX_DEPTH: usize = 256;
/// The value of an attribute by its name without prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element.attributes().with_checks(false).flatten().find_map(|attribute| {
        let key = attribute.key.local_name();
        (key.as_ref() == name).then(|| {
            attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map(|value| value.into_owned())
                .unwrap_or_default()
        })
    })
}

/// Walks through a part; refuses document types and elements nested too deep.
pub(super) fn walk(text: &str, mut visit: impl FnMut(Step<'_>) -> Result<(), String>) -> Result<(), String> {
    let mut xml = Xml::from_str(text);
    let mut depth = 0usize;
    loop {
        let event = xml.read_event().map_err(|error| format!("is damaged: {error}"))?;
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(format!("has elements nested deeper than {MAX_DEPTH}"));
                }
                visit(Step::Open(&element, element.local_name().as_ref()))?;
            }
            Event::Empty(element) => {
                visit(Step::Open(&element, element.local_name().as_ref()))?;
                visit(Step::Close(element.local_name().as_ref()))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                visit(Step::Close(element.local_name().as_ref()))?;
            }
            Event::Text(text) => visit(Step::Text(&text.xml10_content()))?,
            Event::CData(text) => visit(Step::Text(&text.xml10_content()))?,
            Event::GeneralRef(reference) => {
                let known = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).map(str::to_string),
                };
                visit(Step::Text(&known.unwrap_or_default()))?;
            }
            Event::DocType(_) => return Err("has a document type, which no office writes".into()),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

pub(super) enum Step<'a> {
    Open(&'a BytesStart<'a>, &'a str),
    Text(&'a str),
    Close(&'a str),
}

/// The text of the first element of this name.
pub(super) fn property(xml: &str, name: &str) -> Option<String> {
    let (mut inside, mut text) = (false, String::new());
    let _ = walk(xml, |step| {
        match step {
            Step::Open(_, element) => inside |= element == name && text.is_empty(),
            Step::Text(part) if inside => text.push_str(part),
            Step::Close(element) if element == name => inside = false,
            _ => {}
        }
        Ok(())
    });
    Some(text).filter(|text| !text.trim().is_empty())
}
