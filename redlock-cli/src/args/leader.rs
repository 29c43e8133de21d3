//! `redlock leader`.

use clap::Args;

use super::nodes::NodeArgs;
use crate::leader::Request;

/// Show who leads
///
/// NAME is that of the election, which is the key of its lock. The leader is named as it calls itself, if it does, and by a
/// fingerprint that changes with each term.
///
/// Exits with 0 when a majority of nodes answered, whether somebody leads or nobody, and with 125 when they did not or
/// disagree.
#[derive(Debug, Args)]
pub(super) struct LeaderArgs {
    /// Which election
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl From<LeaderArgs> for Request {
    fn from(args: LeaderArgs) -> Self {
        Self { name: args.name, json: args.json, flags: args.nodes.into() }
    }
}
