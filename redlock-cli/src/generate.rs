//! Completions and man pages, made from the command line's own description.

use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Ending, Failure};
use crate::output;

pub(crate) fn completions(shell: Shell) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "redlock", &mut script);
    print(&script)
}

pub(crate) fn man(directory: Option<&Path>) -> Ending {
    match directory {
        Some(directory) => {
            let failed = |error| Failure::new(format_args!("{}: {error}", directory.display()));
            clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            return print(&page);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &[u8]) -> Ending {
    let done = output::out(format_args!("{}", String::from_utf8_lossy(text)));
    output::written(done).map(|_| ExitCode::SUCCESS)
}
