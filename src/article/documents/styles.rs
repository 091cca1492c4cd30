//! What the styles of a Word document make of its paragraphs: headings, titles, tables of contents, lists.

use std::collections::HashMap;

use super::xml::{Step, attribute, walk};

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
    // A style has what the one it is based on has; chains are short, and a circle ends.
    let ids: Vec<String> = styles.keys().cloned().collect();
    for id in ids {
        let mut style = styles[&id].clone();
        let mut base = style.based_on.clone();
        for _ in 0..10 {
            let Some(above) = base.as_ref().and_then(|base| styles.get(base)) else {
                break;
            };
            style.level = style.level.or(above.level);
            style.contents |= above.contents;
            style.numbering = style.numbering.or_else(|| above.numbering.clone());
            base.clone_from(&above.based_on);
        }
        styles.insert(id, style);
    }
    Ok(styles)
}
