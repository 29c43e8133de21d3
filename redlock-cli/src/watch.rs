//! `redlock watch`.

use crate::args::WatchArgs;
use crate::exit::{Ending, Failure};

pub(crate) async fn run(args: &WatchArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
