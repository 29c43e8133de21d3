//! The table of what settings cost beside the first of them.

use integration_tests::nodes::Client;

use crate::figures::Figures;
use crate::timing::Turns;

pub(crate) fn heading(first: &str) {
    println!(
        "| client | setting | p50 µs | to {first} | p99 µs | client CPU µs | servers' CPU µs | commands |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

/// A row for each setting, and a failure for each lock that was not had.
pub(crate) fn rows(client: Client, settings: &[&str], all: &[Turns], figures: &mut Figures) {
    for (setting, turns) in settings.iter().zip(all) {
        println!(
            "| {} | {setting} | {:.0} | {:.2} | {:.0} | {} |",
            client.name(),
            turns.p50(),
            turns.p50() / all[0].p50(),
            turns.p99(),
            turns.usage.cells(turns.count())
        );
        figures.failed(turns.failed, &format!("{} with {setting}", client.name()));
    }
}
