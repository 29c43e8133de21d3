//! `redlock release`.

use crate::args::ReleaseArgs;
use crate::exit::{Ending, Failure};

pub(crate) async fn run(args: &ReleaseArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
