//! The settings of a service as flags of a command, made from the catalogue, with the file and the variables below
//! them.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::error::Result;
use crate::settings::catalogue::SETTINGS;
use crate::settings::{Given, Mistakes, Resolved, Settings, look, resolve};

/// The flag that names the settings file.
const FILE: &str = "config";

/// Flags as they were given, unread: what is wrong in them is said together with what is wrong elsewhere.
#[derive(Clone)]
pub struct SettingsGiven {
    file: Option<PathBuf>,
    flags: Vec<(&'static str, String)>,
}

impl SettingsGiven {
    /// The settings of all places.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn resolve(&self) -> Result<Resolved> {
        resolve(&self.given())
    }

    /// The settings of all places, with what is wrong in them.
    ///
    /// # Errors
    /// As [`look`].
    pub fn look(&self) -> Result<(Resolved, Mistakes)> {
        look(&self.given())
    }

    fn given(&self) -> Given {
        let variables = std::env::vars_os()
            .map(|(name, text)| (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned()));
        Given {
            file: self.file.clone(),
            variables: variables.collect(),
            flags: self.flags.clone(),
        }
    }

    /// Whether a flag, or else a variable, wants the log as JSON: all that is known of it where settings are wrong.
    pub fn want_json(&self) -> bool {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.flag == "log-format") else {
            return false;
        };
        let flag = self.flags.iter().find(|(flag, _)| *flag == setting.flag);
        let format = flag.map(|(_, format)| format.clone());
        let format = format.or_else(|| std::env::var(setting.variable()).ok());
        format.is_some_and(|format| format == "json")
    }
}

impl Args for SettingsGiven {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .env("BAOWEN_CONFIG")
            .value_parser(value_parser!(PathBuf))
            .help("Settings as TOML: the names of these flags, with `_` for `-`");
        let defaults = Settings::default();
        SETTINGS.iter().fold(command.arg(file), |command, setting| {
            let default = setting.value.shown(&defaults);
            let default = default.map_or_else(String::new, |default| {
                format!(" [default: {}]", default.trim_matches('"'))
            });
            let argument = Arg::new(setting.flag)
                .long(setting.flag)
                .action(ArgAction::Set)
                .help(format!("{}{default} [env: {}]", setting.about, setting.variable()));
            command.arg(match setting.value.placeholder() {
                Some(name) => argument.value_name(name).allow_hyphen_values(true),
                None => argument
                    .value_name("true|false")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingsGiven {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let flags = SETTINGS.iter().filter_map(|setting| {
            let text = matches.get_one::<String>(setting.flag)?;
            Some((setting.flag, text.clone()))
        });
        Ok(SettingsGiven {
            file: matches.get_one::<PathBuf>(FILE).cloned(),
            flags: flags.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
