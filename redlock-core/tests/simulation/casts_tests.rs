//! Worlds of their own beside that of the profiles: messages of several commands, and first contacts.

use super::simulation::contacts;
use super::simulation::ledger::Counts;
use super::simulation::runner::{self, Outcome, Report};
use super::simulation::together::{self, Flaw};
use super::{SEEDS, number};

/// Runs one seed, and tells it if so asked.
type Run = fn(u64, bool) -> Outcome;

fn messages(seed: u64, verbose: bool) -> Outcome {
    together::run(seed, Flaw::Sound, verbose)
}

/// Nothing of the one seed that is asked for.
fn sweep(test: &str, run: Run) -> Option<Report> {
    let explain = |seed: u64, message: &str| {
        let replay =
            runner::replay_command(seed).replace("--nocapture", &format!("{test} --nocapture"));
        format!("seed {seed} breaks {message}\n  {replay}")
    };
    if let Some(seed) = number("REDLOCK_SIM_SEED") {
        let outcome = run(seed, true);
        println!("{test}, seed {seed}, trace {:016x}", outcome.hash);
        outcome.lines.iter().for_each(|line| println!("{line}"));
        let violations = outcome.violations.iter();
        let violations: Vec<_> = violations
            .map(|v| explain(seed, &format!("`{}` after {} us: {}", v.invariant, v.at, v.message)))
            .collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        return None;
    }
    let seeds = number("REDLOCK_SIM_SEEDS").unwrap_or(SEEDS) / 10;
    let report = runner::sweep_over(0..seeds, false, &|| {}, &|seed| run(seed, false));
    let violations = report.violations.iter();
    let violations: Vec<_> = violations
        .map(|(seed, v)| explain(*seed, &format!("`{}`: {}", v.invariant, v.message)))
        .collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    Some(report)
}

#[test]
fn messages_of_several_commands_break_no_invariant() {
    let Some(report) = sweep("messages", messages) else { return };
    let Counts { seeds, grants, together, refused_together, .. } = report.all();
    println!(
        "{seeds} seeds, {grants} grants, {together} sent together, {refused_together} refused"
    );
    assert!(seeds < 100 || refused_together > 0 && refused_together * 2 < together);
}

#[test]
fn first_contacts_break_no_invariant() {
    let Some(report) = sweep("first_contacts", contacts::run) else { return };
    let Counts { seeds, grants, twice, failures, .. } = report.all();
    println!(
        "{seeds} seeds, {grants} grants, {twice} with a server listed twice, {failures} failures"
    );
    assert!(seeds < 100 || twice > 0, "nobody was granted a lock who lists a server twice");
}

#[test]
fn a_seed_of_theirs_gives_one_run() {
    for run in [messages, contacts::run] {
        let hashes = || (0..4).map(|seed| run(seed, false).hash).collect::<Vec<_>>();
        assert_eq!(hashes(), hashes());
    }
}
