//! `redlock bench`.

use std::time::Duration;

use clap::Args;

use super::nodes::NodeArgs;
use crate::bench::Request;
use crate::duration::duration;

/// Measure latency and throughput of locks on the nodes
///
/// Takes and releases locks of its own under `redlock:bench:` as fast as it can, and removes them; also at Ctrl-C, when it
/// prints what it has. Exits with 0, and with 125 when no lock was had at all.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// How long
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(super) duration: Duration,
    /// Tasks that lock at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) tasks: u16,
    /// All tasks want the same lock, instead of one each
    #[arg(long)]
    pub(super) contended: bool,
    /// With fencing numbers
    #[arg(long)]
    pub(super) fencing: bool,
    /// Time to live of the locks
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(super) ttl: Duration,
    /// Print the figures as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<BenchArgs> for Request {
    fn from(args: BenchArgs) -> Self {
        let BenchArgs { duration, tasks, contended, fencing, ttl, json, nodes } = args;
        Self { duration, tasks, contended, fencing, ttl, json, flags: nodes.into() }
    }
}
