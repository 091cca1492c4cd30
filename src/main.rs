//! The program `baowen`: hands its arguments to the command line and its outcome to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    baowen::cli::main()
}
