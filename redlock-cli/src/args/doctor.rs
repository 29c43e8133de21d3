//! `redlock doctor`.

use std::time::Duration;

use clap::Args;

use super::nodes::NodeArgs;
use crate::doctor::{Check, Request};
use crate::duration::duration;

/// Check whether the nodes are fit for Redlock
///
/// Exits with 0 when all checks passed, with 1 when there are warnings, with 2 when a check failed (or the command line is
/// wrong, and nothing is printed on standard output), and with 125 when nothing could be checked.
///
/// Changes nothing on the nodes but keys of its own under `redlock:doctor:`, which it removes, also when it is
/// interrupted; they expire after ten seconds anyway. What a user has no right to see is a warning.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Time limit of each question. A server that gave no answer once is asked nothing more
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub(super) timeout: Duration,
    /// A check whose warnings are known and do not count. Failures always do. Repeat it for each
    #[arg(long, value_enum, value_name = "CHECK")]
    pub(super) accept: Vec<Check>,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<DoctorArgs> for Request {
    fn from(args: DoctorArgs) -> Self {
        let DoctorArgs { json, timeout, accept, nodes } = args;
        Self { json, timeout, accept, flags: nodes.into() }
    }
}
