//! Prints the table of all cases; with `--big` of those too that take minutes.

use std::io::{self, Write};
use std::process::ExitCode;

use redlock_model::{cases, report};

fn main() -> io::Result<ExitCode> {
    let mut all = [cases::sound(), cases::broken()].concat();
    let mut out = io::stdout();
    let words: Vec<_> = std::env::args().skip(1).collect();
    for word in &words {
        match word.as_str() {
            "--big" => all.extend(cases::big()),
            word => all.retain(|case| case.name.contains(word)),
        }
    }
    writeln!(out, "{}", report::heading())?;
    let mut surprises = Vec::new();
    for case in &all {
        let report = report::run(case);
        writeln!(out, "{report}")?;
        surprises.extend(report.surprises);
    }
    for surprise in &surprises {
        writeln!(out, "not as expected: {surprise}")?;
    }
    let as_expected = surprises.is_empty() && !all.is_empty();
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
