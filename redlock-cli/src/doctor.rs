//! `redlock doctor`.

use crate::args::DoctorArgs;
use crate::exit::{Ending, Failure};

pub(crate) async fn run(args: &DoctorArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
