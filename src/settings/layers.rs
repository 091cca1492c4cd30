//! The places that settings come from, one over the other, and everything that is wrong in them, said at once.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Settings;
use super::catalogue::{OTHER_BEGINNINGS, OTHER_VARIABLES, SETTINGS, Setting};
use super::value::Form;
use crate::error::{Context as _, Error, Fault, Result};

/// A settings file is not longer than this, in bytes.
const LONGEST: u64 = 1 << 20;
/// Names that are at least so alike are taken for a typing error (1 is equal).
const ALIKE: f64 = 0.85;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the settings file.
    File(PathBuf, usize),
    /// A variable.
    Variable(String),
    /// A flag of the command.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// What was said where, before anyone has looked at it.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The settings file.
    pub file: Option<PathBuf>,
    /// The environment, or the part of it that begins with `BAOWEN_`.
    pub variables: Vec<(String, String)>,
    /// Flags by their names, with their texts.
    pub flags: Vec<(&'static str, String)>,
}

/// Settings with where each comes from.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// Where each comes from, in the catalogue's order.
    pub origins: Vec<Origin>,
    /// What looks like a mistake and may be none: variables that other programs set for their own ends (an orchestrator
    /// names variables after its services).
    pub doubts: Vec<String>,
}

/// What is wrong in the settings, a line each.
#[derive(Debug, Default)]
pub struct Mistakes {
    lines: Vec<String>,
    /// The settings whose values are wrong, by their names.
    wrong: Vec<String>,
}

impl Mistakes {
    /// Adds what is wrong with what the settings name, unless it is said of a setting that is wrong already: it is not
    /// what was looked at.
    pub fn add(&mut self, line: String) {
        let of = line.split_once(':').map_or("", |(name, _)| name);
        if !self.wrong.iter().any(|wrong| wrong == of) {
            self.lines.push(line);
        }
    }

    /// # Errors
    /// `Caller` with all of them, if there are any.
    pub fn none(&self) -> Result<()> {
        let found = match self.lines.len() {
            0 => return Ok(()),
            1 => "1 mistake".to_owned(),
            count => format!("{count} mistakes"),
        };
        Err(
            Error::caller(format!("{found} in the settings:\n  {}", self.lines.join("\n  ")))
                .help("all settings, their defaults and what is allowed: `baowen config show --all`"),
        )
    }

    /// A value of this setting that is not allowed.
    fn of(&mut self, setting: &Setting, line: String) {
        self.wrong.push(setting.key());
        self.lines.push(line);
    }
}

/// One value as it was said, and its setting's place in the catalogue.
struct Said {
    place: usize,
    text: String,
    /// How TOML wrote it; a variable or a flag is text whatever it means.
    form: Option<Form>,
    origin: Origin,
}

/// Puts the layers together.
///
/// # Errors
/// `Caller` with every mistake in every layer, a line each; `Unavailable` if the file cannot be read.
pub fn resolve(given: &Given) -> Result<Resolved> {
    let (resolved, mistakes) = look(given)?;
    mistakes.none().map(|()| resolved)
}

/// The same with the mistakes beside it; a setting whose value is wrong has its default.
///
/// # Errors
/// `Unavailable` if the file cannot be read.
pub fn look(given: &Given) -> Result<(Resolved, Mistakes)> {
    let (mut said, mut mistakes) = (Vec::new(), Mistakes::default());
    if let Some(path) = &given.file {
        from_file(path, &read(path)?, &mut said, &mut mistakes);
    }
    let mut doubts = Vec::new();
    from_variables(&given.variables, &mut said, &mut doubts);
    for (flag, text) in &given.flags {
        match SETTINGS.iter().position(|setting| setting.flag == *flag) {
            Some(place) => said.push(Said {
                place,
                text: text.clone(),
                form: None,
                origin: Origin::Flag(SETTINGS[place].flag),
            }),
            None => return Err(Error::bug(format!("--{flag} is no setting"))),
        }
    }
    let mut resolved = Resolved {
        settings: Settings::default(),
        origins: vec![Origin::Default; SETTINGS.len()],
        doubts,
    };
    let beside = given.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    for one in said {
        let value = &SETTINGS[one.place].value;
        let beside = match one.origin {
            Origin::File(..) => beside,
            _ => Path::new(""),
        };
        let fits = one.form.is_none_or(|form| form == value.form());
        if fits && value.set(&mut resolved.settings, &one.text, beside) {
            resolved.origins[one.place] = one.origin;
        } else {
            mistakes.of(&SETTINGS[one.place], mistake(&one));
        }
    }
    Ok((resolved, mistakes))
}

/// A value that is not allowed, by the name that it has where it was said.
fn mistake(said: &Said) -> String {
    let setting = &SETTINGS[said.place];
    let form = match (said.form, setting.value.form()) {
        (Some(Form::Text), Form::Number | Form::Switch) => ", without quotes",
        (Some(Form::Number | Form::Switch), Form::Text) => ", in quotes",
        _ => "",
    };
    let name = match &said.origin {
        Origin::File(..) => format!("{}: {}", said.origin, setting.key()),
        origin => origin.to_string(),
    };
    format!(
        "{name}: `{}` is not allowed, only {}{form}",
        said.text,
        setting.value.allowed()
    )
}

fn read(path: &Path) -> Result<String> {
    let doing = || format!("reading the settings in {}", path.display());
    let size = fs::metadata(path).or_fault(Fault::Unavailable, doing())?.len();
    if size > LONGEST {
        return Err(Error::caller(format!(
            "{} is longer than {LONGEST} bytes",
            path.display()
        )));
    }
    fs::read_to_string(path).or_fault(Fault::Unavailable, doing())
}

fn from_file(path: &Path, text: &str, said: &mut Vec<Said>, mistakes: &mut Mistakes) {
    let origin = |offset: usize| Origin::File(path.to_path_buf(), text[..offset].matches('\n').count() + 1);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let start = error.span().map_or(0, |span| span.start);
        mistakes.lines.push(format!("{}: {}", origin(start), error.message()));
    }
    // In the order of the file, so that mistakes are.
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let (name, origin) = (key.get_ref().as_ref(), origin(key.span().start));
        let Some(place) = SETTINGS.iter().position(|setting| setting.key() == name) else {
            mistakes.lines.push(unknown(&origin, name, |setting| setting.key()));
            continue;
        };
        let (text, form) = match value.get_ref() {
            DeValue::String(text) => (text.to_string(), Some(Form::Text)),
            DeValue::Boolean(on) => (on.to_string(), Some(Form::Switch)),
            DeValue::Float(number) => (number.as_str().to_string(), Some(Form::Number)),
            DeValue::Integer(number) => {
                let plain = i64::from_str_radix(number.as_str(), number.radix());
                let text = plain.map_or_else(|_| number.as_str().to_string(), |number| number.to_string());
                (text, Some(Form::Number))
            }
            other => {
                let (setting, is) = (&SETTINGS[place], other.type_str());
                let must = setting.value.allowed();
                mistakes.of(
                    setting,
                    format!("{origin}: {name}: is of the type {is}, must be {must}"),
                );
                continue;
            }
        };
        said.push(Said {
            place,
            text,
            form,
            origin,
        });
    }
}

fn from_variables(variables: &[(String, String)], said: &mut Vec<Said>, doubts: &mut Vec<String>) {
    let mut variables: Vec<_> = variables
        .iter()
        .filter(|(name, _)| name.starts_with("BAOWEN_"))
        .collect();
    variables.sort();
    for (name, text) in variables {
        let origin = Origin::Variable(name.clone());
        let is_other = OTHER_VARIABLES.contains(&name.as_str())
            || OTHER_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
        match SETTINGS.iter().position(|setting| setting.variable() == *name) {
            Some(place) => said.push(Said {
                place,
                text: text.clone(),
                form: None,
                origin,
            }),
            None if is_other => {}
            None => doubts.push(unknown(&origin, name, Setting::variable)),
        }
    }
}

/// A name that is no setting's, with the one that was probably meant.
fn unknown(origin: &Origin, name: &str, named: impl Fn(&Setting) -> String) -> String {
    // What all variables begin with makes none of them alike.
    let own = |name: &str| name.strip_prefix("BAOWEN_").unwrap_or(name).to_owned();
    let alike = SETTINGS.iter().map(|setting| {
        let named = named(setting);
        (strsim::jaro_winkler(&own(&named), &own(name)), named)
    });
    let nearest = alike
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(alike, _)| *alike >= ALIKE);
    let meant = nearest.map_or_else(String::new, |(_, named)| format!("; did you mean `{named}`?"));
    match origin {
        Origin::File(..) => format!("{origin}: there is no setting `{name}`{meant}"),
        _ => format!("{origin}: there is no such setting{meant}"),
    }
}
