//! What the styles of a Word document make of its paragraphs: headings, titles, tables of contents, lists.

use std::collections::HashMap;

use super::xml::{Step, attribute, walk};

/// The longest chain of styles, each based on the next, that is followed.
const MAX_BASES: usize = 10;

/// What a style makes of its paragraphs.
#[derive(Default, Clone)]
pub(super) struct Style {
    /// 1 for the outermost heading; none for others.
    pub level: Option<usize>,
    pub title: bool,
    pub contents: bool,
    pub based_on: Option<String>,
    pub numbering: Option<(String, usize)>,
}

pub(super) fn read_styles(xml: &str) -> Result<HashMap<String, Style>, String> {
    let mut styles: HashMap<String, Style> = HashMap::new();
    let mut current: Option<(String, Style)> = None;
    walk(xml, |step| {
        match step {
            Step::Open(element, "style") => {
                current = attribute(element, "styleId").map(|id| (id, Style::default()));
            }
            Step::Open(element, name) => {
                let Some((_, style)) = current.as_mut() else {
                    return Ok(());
                };
                let value = attribute(element, "val").unwrap_or_default();
                match name {
                    "name" => {
                        let value = value.to_lowercase();
                        let number =
                            |prefix: &str| value.strip_prefix(prefix).and_then(|n| n.trim().parse::<usize>().ok());
                        style.level = style.level.or_else(|| number("heading ").or_else(|| number("标题 ")));
                        style.title = value == "title" || value == "标题";
                        style.contents = value.starts_with("toc ") || value.starts_with("目录 ");
                    }
                    "outlineLvl" => {
                        style.level = value
                            .parse::<usize>()
                            .ok()
                            .filter(|&level| level < 9)
                            .map(|level| level + 1)
                    }
                    "basedOn" => style.based_on = Some(value),
                    "numId" => style.numbering = Some((value, style.numbering.as_ref().map_or(0, |n| n.1))),
                    "ilvl" => {
                        let id = style.numbering.as_ref().map_or(String::new(), |n| n.0.clone());
                        style.numbering = Some((id, value.parse().unwrap_or(0)));
                    }
                    _ => {}
                }
            }
            Step::Close("style") => styles.extend(current.take()),
            _ => {}
        }
        Ok(())
    })?;
    let whole = styles
        .iter()
        .map(|(id, style)| (id.clone(), with_bases(style, &styles)));
    Ok(whole.collect())
}

/// A style with what it has from those it is based on; chains are short, and a circle ends.
fn with_bases(style: &Style, styles: &HashMap<String, Style>) -> Style {
    let mut style = style.clone();
    let mut base = style.based_on.clone();
    for _ in 0..MAX_BASES {
        let Some(above) = base.as_ref().and_then(|base| styles.get(base)) else {
            break;
        };
        style.level = style.level.or(above.level);
        style.contents |= above.contents;
        style.numbering = style.numbering.or_else(|| above.numbering.clone());
        base.clone_from(&above.based_on);
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_has_what_its_bases_have_in_any_order_of_their_names() {
        // The last of a chain that is as long as it may be, and of one that is longer.
        let chain = |length: usize| -> String {
            let style = |at: usize| match at {
                0 => "<w:style w:styleId=\"s0\"><w:name w:val=\"heading 2\"/></w:style>".to_string(),
                _ => format!(
                    "<w:style w:styleId=\"s{at}\"><w:name w:val=\"x\"/><w:basedOn w:val=\"s{}\"/></w:style>",
                    at - 1
                ),
            };
            format!(
                "<w:styles xmlns:w=\"w\">{}</w:styles>",
                (0..=length).map(style).collect::<String>()
            )
        };
        for _ in 0..20 {
            let level = |length: usize| read_styles(&chain(length)).unwrap()[&format!("s{length}")].level;
            assert_eq!((level(MAX_BASES), level(MAX_BASES + 1)), (Some(2), None));
        }
    }
}
