//! `redlock bench`.

use crate::args::BenchArgs;
use crate::exit::{Ending, Failure};

pub(crate) async fn run(args: &BenchArgs) -> Ending {
    Err(Failure::new(format_args!("{args:?}")))
}
