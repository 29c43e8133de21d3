//! `redlock leader`.

use clap::Args;

use super::nodes::{MoreKeys, NodeArgs};
use crate::leader::Request;

/// Show who leads
///
/// NAME is that of the election, which is the key of its lock. The leader is named as it calls itself, if it does, and by a
/// fingerprint that changes with each term.
///
/// Exits with 0 when a majority of nodes answered, whether somebody leads or nobody, and with 125 when they did not or
/// disagree.
#[derive(Debug, Args)]
#[command(override_usage = "redlock leader [OPTIONS] <NAME>")]
pub(super) struct LeaderArgs {
    /// Which election
    #[arg(required_unless_present = "key", value_name = "NAME", num_args = 1)]
    pub(super) names: Vec<String>,
    #[command(flatten)]
    pub(super) more: MoreKeys,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

impl LeaderArgs {
    /// Nothing where several elections are given.
    pub(super) fn request(self) -> Option<Request> {
        let [name] = self.more.after(self.names).try_into().ok()?;
        Some(Request { name, json: self.json, flags: self.nodes.into() })
    }
}
