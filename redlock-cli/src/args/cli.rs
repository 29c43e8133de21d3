//! The command line.

use clap::{Parser, Subcommand};

use super::bench::BenchArgs;
use super::doctor::DoctorArgs;
use super::exec::ExecArgs;
use super::generate::{CompletionsArgs, ManArgs};
use super::inspect::InspectArgs;
use super::leader::LeaderArgs;
use super::list::ListArgs;
use super::release::ReleaseArgs;
use super::watch::WatchArgs;

/// A lock shared by machines: flock(1) over independent Redis or Valkey servers, after the Redlock algorithm.
///
/// All subcommands exit with 2 when the command line is wrong, and with 125 when redlock itself failed. Whoever stops
/// reading (`| head`) does not change the code; standard output that cannot be written to, as on a full disk, is a failure.
#[derive(Debug, Parser)]
#[command(name = "redlock", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Exec(ExecArgs),
    Inspect(InspectArgs),
    List(ListArgs),
    Watch(WatchArgs),
    Leader(LeaderArgs),
    Release(ReleaseArgs),
    Doctor(DoctorArgs),
    Bench(BenchArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::exit;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_command_after_two_dashes_keeps_its_own_flags() {
        let cli = Cli::parse_from(["redlock", "exec", "a", "b", "-n", "--", "ls", "-n", "--", "x"]);
        let Command::Exec(exec) = cli.command else { panic!("{cli:?}") };
        assert_eq!(exec.keys, ["a", "b"]);
        assert_eq!(exec.command, ["ls", "-n", "--", "x"]);
        assert!(exec.nonblock);
    }

    #[test]
    fn waiting_and_not_waiting_exclude_each_other() {
        let parsed = Cli::try_parse_from(["redlock", "exec", "a", "-n", "-w", "1s", "--", "ls"]);
        assert_eq!(parsed.unwrap_err().exit_code(), i32::from(exit::USAGE));
    }

    #[test]
    fn nodes_may_stand_before_and_after_the_subcommand_s_arguments() {
        let cli = Cli::parse_from(["redlock", "inspect", "--node", "a", "k", "--node", "b"]);
        let Command::Inspect(inspect) = cli.command else { panic!("{cli:?}") };
        assert_eq!((inspect.nodes.node.len(), inspect.keys.len()), (2, 1));
    }
}
