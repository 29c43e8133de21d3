//! `redlock completions` and `redlock man`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    pub(super) shell: clap_complete::Shell,
}

/// Print the man page, or write one per subcommand into a directory
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Where to write redlock.1, redlock-exec.1 and so on
    #[arg(value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    pub(super) directory: Option<PathBuf>,
}
