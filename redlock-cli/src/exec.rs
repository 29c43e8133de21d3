//! `redlock exec`.

use crate::args::{ChildArgs, ExecArgs};
use crate::exit::{Ending, Failure};

/// The hidden subcommand that becomes the command.
pub(crate) const CHILD: &str = "__child";

pub(crate) async fn run(args: &ExecArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}

pub(crate) fn child(args: &ChildArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
