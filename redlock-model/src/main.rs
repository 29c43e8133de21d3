//! Prints the tables of all cases; with `--big` of those too that take minutes, with other words of those whose names hold
//! them.

use std::io::{self, Write};
use std::process::ExitCode;

use redlock_model::report::{self, Case, World};
use redlock_model::{cases, hand, keep, meet, rw, sem, timed, together};

fn main() -> io::Result<ExitCode> {
    let mut told = Told::default();
    table([cases::sound, cases::broken, cases::big], &mut told)?;
    table([hand::sound, hand::broken, hand::big], &mut told)?;
    table([keep::sound, keep::broken, keep::big], &mut told)?;
    table([rw::sound, rw::broken, rw::big], &mut told)?;
    table([timed::sound, timed::broken, timed::big], &mut told)?;
    table([sem::sound, sem::broken, sem::big], &mut told)?;
    table([meet::sound, meet::broken, meet::big], &mut told)?;
    table([together::sound, together::broken, together::big], &mut told)?;
    let mut out = io::stdout();
    for surprise in &told.surprises {
        writeln!(out, "not as expected: {surprise}")?;
    }
    let as_expected = told.surprises.is_empty() && told.cases > 0;
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of all tables.
#[derive(Default)]
struct Told {
    cases: usize,
    surprises: Vec<String>,
}

/// Of one model, unless no case of it is wanted.
fn table<W: World>(
    [sound, broken, big]: [fn() -> Vec<Case<W>>; 3],
    told: &mut Told,
) -> io::Result<()> {
    let (flags, words): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| word == "--big");
    let mut all = [sound(), broken()].concat();
    if !flags.is_empty() {
        all.extend(big());
    }
    all.retain(|case| words.iter().all(|word| case.name.contains(word.as_str())));
    let mut out = io::stdout();
    if told.cases > 0 && !all.is_empty() {
        writeln!(out)?;
    }
    for (at, case) in all.iter().enumerate() {
        if at == 0 {
            writeln!(out, "{}", report::heading::<W>())?;
        }
        let report = report::run(case);
        writeln!(out, "{report}")?;
        told.surprises.extend(report.surprises);
    }
    told.cases += all.len();
    Ok(())
}
