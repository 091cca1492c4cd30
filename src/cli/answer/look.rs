//! What an answer is written on: how wide it is, and whether it shows colours.

use std::io::IsTerminal;

use terminal_size::{Width, terminal_size_of};

/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 96;
/// On less nothing can be read; it is written as if there were so much.
const NARROWEST: usize = 24;

/// A terminal, a pipe or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of a line; none where lines may be as long as they are, as in a pipe.
    pub columns: Option<usize>,
    /// Whether colours are shown.
    pub colour: bool,
}

impl Look {
    /// That of standard output. A pipe has neither width nor colours; `COLUMNS` gives it a width, `NO_COLOR` and a dumb
    /// terminal take the colours away.
    pub fn detect() -> Self {
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let measured = || terminal_size_of(&stdout).map(|(Width(columns), _)| usize::from(columns));
        Look::of(
            is_terminal,
            variable("COLUMNS").and_then(|columns| columns.parse().ok()),
            if is_terminal { measured() } else { None },
            variable("NO_COLOR").is_none() && variable("TERM").as_deref() != Some("dumb"),
        )
    }

    fn of(is_terminal: bool, told: Option<usize>, measured: Option<usize>, colour: bool) -> Self {
        // A terminal that does not say has what terminals always had.
        let columns = told
            .or(measured)
            .or(is_terminal.then_some(80))
            .filter(|&columns| columns > 0);
        Look {
            columns: columns.map(|columns| columns.max(NARROWEST)),
            colour: colour && is_terminal,
        }
    }

    /// The columns of running text.
    pub fn text_columns(self) -> Option<usize> {
        self.columns.map(|columns| columns.min(WIDEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_as_wide_as_it_is_told_and_has_no_colours() {
        let check = |is_terminal, told, measured, colour, expected| {
            let look = Look::of(is_terminal, told, measured, colour);
            assert_eq!((look.columns, look.colour), expected);
        };
        check(true, None, Some(120), true, (Some(120), true));
        check(true, None, Some(120), false, (Some(120), false));
        check(true, None, None, true, (Some(80), true));
        check(true, Some(40), Some(120), true, (Some(40), true));
        check(true, None, Some(7), true, (Some(NARROWEST), true));
        check(true, Some(0), None, true, (None, true));
        check(false, None, None, true, (None, false));
        check(false, Some(60), None, true, (Some(60), false));
    }
}
