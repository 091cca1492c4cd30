//! What is told of the commands themselves: examples in their help, completions for shells, manual pages. All of it is
//! made of the commands as clap knows them; the examples stand in `examples.txt`, each with the command that it calls,
//! and are shown with what is said of them on a line before.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::{Context as _, Fault, Result};

const EXAMPLES: &str = include_str!("examples.txt");

/// Print the completions of a shell.
#[derive(Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(&self, mut program: Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "baowen", &mut script);
        out!(String::from_utf8_lossy(&script));
        Ok(())
    }
}

/// Write a manual page for each command.
#[derive(Args)]
pub struct Man {
    /// The folder for them; it is made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    /// Runs the command.
    pub fn run(&self, program: Command) -> Result<()> {
        let writing = || format!("writing manual pages into {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).or_fault(Fault::Unavailable, writing())?;
        let mut program = program.disable_help_subcommand(true);
        program.build();
        self.write(&program).or_fault(Fault::Unavailable, writing())
    }

    fn write(&self, command: &Command) -> std::io::Result<()> {
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            self.write(inner)?;
        }
        let page = clap_mangen::Man::new(command.clone());
        let mut text = Vec::new();
        page.render(&mut text)?;
        // What follows the help has a heading of no meaning there; ours says what it is.
        let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        std::fs::write(self.folder.join(page.get_filename()), text)
    }
}

/// Commands whose first example stands in the help of the program itself.
const FIRST: [&str; 4] = ["demo", "index", "serve", "search"];

/// A program whose help shows the examples of each command.
pub fn with_examples(program: Command) -> Command {
    let mut path = vec![program.get_name().to_owned()];
    with_examples_of(program, &mut path)
}

fn with_examples_of(command: Command, path: &mut Vec<String>) -> Command {
    let named: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    let calls = |line: &&str| {
        let mut words = line.split_whitespace();
        path.iter().all(|name| words.next() == Some(name))
    };
    let own: Vec<&str> = if path.len() == 1 {
        let first = |name: &&str| {
            let call = format!("baowen {name} ");
            EXAMPLES.lines().find(|line| line.starts_with(&call))
        };
        FIRST.iter().filter_map(first).collect()
    } else {
        EXAMPLES.lines().filter(calls).collect()
    };
    let mut command = if own.is_empty() {
        command
    } else {
        let shown: String = own.into_iter().map(shown).collect();
        command.after_help(format!("Examples:{shown}"))
    };
    for name in named {
        path.push(name.clone());
        command = command.mut_subcommand(name, |inner| with_examples_of(inner, path));
        path.pop();
    }
    command
}

/// An example below what is said of it, so that it may be copied as a line.
fn shown(line: &str) -> String {
    match line.split_once(" # ") {
        Some((call, said)) => format!("\n  # {}\n  {}", said.trim(), call.trim_end()),
        None => format!("\n  {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::program;
    use super::*;

    /// The words of an example as a shell would give them, up to a comment, a pipe or a redirection.
    fn words(line: &str) -> Vec<&str> {
        let ends = |word: &&str| !matches!(*word, "#" | "|" | ">" | ">>");
        line.split_whitespace().take_while(ends).collect()
    }

    #[test]
    fn every_example_is_understood() {
        let is_there = |line: &&str| {
            (cfg!(feature = "mcp") || !line.starts_with("baowen mcp"))
                && (cfg!(feature = "milvus") || !line.starts_with("baowen copy"))
        };
        for line in EXAMPLES.lines().filter(is_there) {
            if let Err(error) = program().try_get_matches_from(words(line)) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &Command, is_program: bool) {
            let mut inner = command.get_subcommands().peekable();
            if inner.peek().is_none() || is_program {
                let help = command.clone().render_long_help().to_string();
                let (_, examples) = help.split_once("Examples:\n").unwrap_or_default();
                assert!(examples.contains("  baowen "), "{}: {help}", command.get_name());
                let is_copied_whole = |line: &str| line.starts_with("  # ") || !line.contains(" # ");
                assert!(examples.lines().all(is_copied_whole), "{help}");
            }
            inner.for_each(|inner| check(inner, false));
        }
        check(&program(), true);
    }

    #[test]
    fn shells_and_manuals_know_every_command() {
        let names: Vec<String> = program()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        for shell in <Shell as clap::ValueEnum>::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut program(), "baowen", &mut script);
            let script = String::from_utf8(script).unwrap();
            for name in &names {
                assert!(script.contains(name.as_str()), "{shell} knows no {name}");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let man = Man {
            folder: folder.path().join("man1"),
        };
        man.run(program()).unwrap();
        for name in &names {
            let page = std::fs::read_to_string(man.folder.join(format!("baowen-{name}.1"))).unwrap();
            assert!(page.contains("SYNOPSIS"), "{name}: {page}");
        }
        let search = std::fs::read_to_string(man.folder.join("baowen-search.1")).unwrap();
        assert!(
            search.contains(".SH EXAMPLES\n") && search.contains("医保断缴了怎么办"),
            "{search}"
        );
        assert!(man.folder.join("baowen-config-show.1").is_file());
    }
}
