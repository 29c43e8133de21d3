//! What is printed of a run.

use std::fmt::Write;

use crate::checker::{Counts, Violation};
use crate::profile::Profile;

/// Most violations that are printed in full; the history has them all.
const SHOWN: usize = 10;

pub(crate) fn table(profile: Profile, counts: &Counts, violations: usize) -> String {
    let mut rows = vec![
        ("holds", counts.holds),
        ("hand-overs between processes", counts.hand_overs),
        ("readers", counts.readers),
        ("pairs of shares at once", counts.shared),
        ("downgrades", counts.downgrades),
        ("permits", counts.permits),
        ("most permits at once", counts.most_permits),
        ("plain clients' holds", counts.plain),
        ("renewals seen", counts.renewed),
        ("writes", counts.writes),
        ("stale writes refused", counts.stale_refused),
        ("stale writes let through", counts.stale_accepted),
        ("late writes that nobody preceded", counts.late_accepted),
        ("readers' looks", counts.looks),
        ("stale looks refused", counts.stale_looks_refused),
        ("overlapping holds", counts.overlaps),
    ];
    rows.extend(counts.faults.iter().map(|(kind, count)| (*kind, *count)));
    rows.push(("violations", violations as u64));
    let mut table = format!("| {:<34} | {:>13} |\n|---|---|\n", "", profile.name());
    for (name, count) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {name:<34} | {count:>13} |");
    }
    table
}

pub(crate) fn violations(seed: u64, violations: &[Violation]) -> String {
    let mut text = String::new();
    for violation in violations.iter().take(SHOWN) {
        let _ = writeln!(text, "VIOLATION (seed {seed}): {}", violation.what);
        for event in &violation.events {
            let _ = writeln!(text, "    {event}");
        }
    }
    if violations.len() > SHOWN {
        let _ = writeln!(text, "and {} more", violations.len() - SHOWN);
    }
    text
}
