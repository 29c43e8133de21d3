//! `redlock list`.

use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::nodes::NodeArgs;
use crate::duration::duration;
use crate::list::Request;

/// List the locks that are held
///
/// A row for each lock that a majority of nodes holds, or keeps after its holder is done (`kept`), and for each of which no
/// majority is sure (`unknown`), sorted by name. Put together from looks at each node, page by page: what comes or goes
/// meanwhile may be missing. Fencing counters are left out. Servers are asked with SCAN, for which the user needs +scan and
/// +getrange. Exits with 0 when a majority of nodes told all that it holds, and with 125 when it did not.
///
/// With --watch a line for what is seen first and for each change, as `redlock watch` has it, until Ctrl-C or until nobody
/// reads any more; `nodes` when other nodes than before fail, `cut` when there is more than --limit looks at. Exits with 0.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only locks whose names begin with this, character by character [default: all]
    #[arg(value_name = "PREFIX", value_parser = text())]
    pub(super) prefix: Option<String>,
    /// How many names are looked at, in their order; what is behind them is counted
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=redlock_core::MAX_LISTED as i64)
    )]
    pub(super) limit: u32,
    /// Follow what changes
    #[arg(long)]
    pub(super) watch: bool,
    /// How often the nodes are asked
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "2s",
        value_parser = duration,
        requires = "watch"
    )]
    pub(super) interval: Duration,
    /// Print one JSON object; with --watch one per change
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
}

/// A name as it can be given, and nothing that only looks like one.
fn text() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new()
        .try_map(|given| given.into_string().map_err(|_| "must be text in UTF-8"))
}

impl From<ListArgs> for Request {
    fn from(args: ListArgs) -> Self {
        Self {
            prefix: args.prefix.unwrap_or_default(),
            limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
            follow: args.watch.then_some(args.interval),
            json: args.json,
            flags: args.nodes.into(),
        }
    }
}
