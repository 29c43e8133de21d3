//! `redlock inspect`.

use crate::args::InspectArgs;
use crate::exit::{Ending, Failure};

pub(crate) async fn run(args: &InspectArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
