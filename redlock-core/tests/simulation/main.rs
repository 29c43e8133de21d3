//! The real driver, guards and renewal over scripted faults, on virtual time, everything drawn from one seed.
//!
//! `REDLOCK_SIM_SEEDS=1000000` runs more seeds, `REDLOCK_SIM_SEED=42` replays one and prints what happened, and draws it with
//! `REDLOCK_SIM_TIMELINE=file.html`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod casts_tests;
#[path = "mod.rs"]
mod simulation;
mod timeline_tests;

use std::time::Duration;

use simulation::crowd;
use simulation::ledger::Counts;
use simulation::picture;
use simulation::profile::{Profile, Setup};
use simulation::runner::{self, Violation};

/// A debug build is some ten times slower.
const SEEDS: u64 = if cfg!(debug_assertions) { 1_000 } else { 20_000 };

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}

fn explain(seed: u64, violation: &Violation) -> String {
    let Violation { invariant, message, at } = violation;
    format!(
        "seed {seed} ({:?}) breaks `{invariant}` after {at} us: {message}\n  {}",
        Profile::of(seed),
        runner::replay_command(seed)
    )
}

#[test]
fn no_seed_breaks_an_invariant() {
    if let Some(seed) = number("REDLOCK_SIM_SEED") {
        let outcome = runner::run(seed, true, &|_| {});
        println!("seed {seed}, {:?}, trace {:016x}", Profile::of(seed), outcome.hash);
        outcome.lines.iter().for_each(|line| println!("{line}"));
        if let Some(path) = picture::wanted() {
            let (name, command) = (picture::title(seed), runner::replay_command(seed));
            let command = format!("REDLOCK_SIM_TIMELINE=file.html {command}");
            let page = picture::page(&name, &command, &Setup::draw(seed), &outcome);
            std::fs::write(&path, page).unwrap();
            println!("timeline: {}", path.display());
        }
        let violations: Vec<_> = outcome.violations.iter().map(|v| explain(seed, v)).collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        return;
    }
    assert!(picture::wanted().is_none(), "REDLOCK_SIM_TIMELINE wants a REDLOCK_SIM_SEED beside it");
    let seeds = number("REDLOCK_SIM_SEEDS").unwrap_or(SEEDS);
    let report = runner::sweep(0..seeds, false, &|| {}, &|_| {});
    println!("{report}");
    let violations: Vec<_> =
        report.violations.iter().map(|(seed, violation)| explain(*seed, violation)).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let all = |count: fn(&Counts) -> u64| Profile::ALL.iter().map(|p| count(&report.of(*p))).sum();
    let (taken_over, continued): (u64, u64) = (all(|c| c.taken_over), all(|c| c.continued));
    println!("{taken_over} taken over, {continued} of them continued");
    assert!(seeds < 1_000 || 0 < continued && continued < taken_over, "both must have happened");
    let (shares, beside, downgraded): (u64, u64, u64) =
        (all(|c| c.shares), all(|c| c.beside), all(|c| c.downgraded));
    println!("{shares} shares, {beside} beside others, {downgraded} downgraded");
    assert!(seeds < 1_000 || beside > 0 && downgraded > 0, "both must have happened");
    let (permits, last, raised): (u64, u64, u64) =
        (all(|c| c.permits), all(|c| c.last), all(|c| c.raised));
    let most = Profile::ALL.iter().filter(|profile| profile.keeps_assumptions());
    let most = most.map(|profile| report.of(*profile).most).max().unwrap();
    println!(
        "{permits} permits, at most {most} at once, {last} the last ones free, {raised} with second rounds"
    );
    assert!(seeds < 1_000 || last > 0 && raised > 0, "both must have happened");
    for profile in Profile::ALL {
        let counts = report.of(profile);
        assert!(counts.grants > 0, "nobody ever got a lock: {profile:?}");
        // Were there none, the assumptions would not be worth naming, and the gate would have had nothing to do.
        if !profile.keeps_assumptions() && seeds >= 1_000 {
            assert!(counts.overlaps > 0, "two never held at once: {profile:?}");
            assert!(counts.refused_writes > 0, "no stale write was ever tried: {profile:?}");
        }
    }
}

#[test]
fn a_writer_among_endless_readers_gets_in() {
    let seeds = number("REDLOCK_SIM_SEEDS").unwrap_or(SEEDS) / 20;
    let (mut waits, mut shares, mut beside) = (Vec::new(), 0, 0);
    for seed in 0..seeds {
        let crowd = crowd::run(seed, true);
        if let Some(violation) = crowd.violations.first() {
            panic!("crowd {seed} breaks `{}`: {}", violation.invariant, violation.message);
        }
        waits.extend(crowd.waits);
        (shares, beside) = (shares + crowd.shares, beside + crowd.beside);
    }
    waits.sort_unstable();
    let at = |percent: usize| Duration::from_micros(waits[(waits.len() - 1) * percent / 100]);
    println!(
        "{seeds} crowds: {shares} shares, {beside} beside others; {} writers waited {:?} (p50), {:?} (p99), {:?} at most",
        waits.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(beside > shares / 2, "they were not endless");
    let vain = (0..seeds.min(20)).filter(|seed| !crowd::run(*seed, false).violations.is_empty());
    assert!(vain.count() > 0, "no intent was needed");
}

#[test]
fn a_seed_gives_one_run_and_another_seed_another() {
    let hash = |seed| runner::run(seed, false, &|_| {}).hash;
    let first: Vec<_> = (0..64).map(hash).collect();
    let second: Vec<_> = (0..64).map(hash).collect();
    assert_eq!(first, second);
    let different: std::collections::HashSet<_> = first.iter().collect();
    assert_eq!(different.len(), first.len());
}
