//! Settings as people read them: a file of their own with where each comes from, and the table of the README.

use std::fmt::Write as _;

use super::catalogue::SETTINGS;
use super::{Origin, Resolved, Settings};

/// The settings as a TOML file, each with where it comes from; defaults are commented out, and left out unless `all`.
pub fn as_toml(resolved: &Resolved, all: bool) -> String {
    let mut text = String::new();
    for (setting, origin) in SETTINGS.iter().zip(&resolved.origins) {
        let is_default = *origin == Origin::Default;
        if is_default && !all {
            continue;
        }
        let value = setting.value.shown(&resolved.settings);
        let line = format!("{} = {}", setting.key(), value.as_deref().unwrap_or("\"\""));
        // Writing to a string does not fail.
        let _ = if is_default {
            writeln!(text, "# {}\n#{line}", setting.about)
        } else {
            writeln!(text, "# {}\n{line}  # {origin}", setting.about)
        };
    }
    if text.is_empty() {
        text.push_str("# nothing is set: all settings have their defaults, which --all shows\n");
    }
    text
}

/// All settings as a table in Markdown.
pub fn table() -> String {
    let mut text = String::from("| setting | default | allowed | does |\n|---|---|---|---|\n");
    let defaults = Settings::default();
    for setting in SETTINGS {
        let value = setting.value.shown(&defaults);
        let value = value.map_or_else(|| "none".to_string(), |value| format!("`{value}`"));
        let (key, allowed, about) = (setting.key(), setting.value.allowed(), setting.about);
        let _ = writeln!(text, "| `{key}` | {value} | {allowed} | {about} |");
    }
    text
}
