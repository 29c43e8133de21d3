//! Allocations of one acquire and release, by the allocator that the crate `allocation-counter` brings along. It counts
//! for each thread, without atomics, and is in use in the timed sections too.

use crate::bench::{Bench, NODES};
use crate::contender::{self, NAMES};
use crate::figures::Figures;
use crate::timing::own_keys;

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let cycles = bench.settings.pick(20, 1_000, 10_000);
    println!("\n## Allocations of one task, {NODES} nodes, {cycles} cycles each\n");
    println!("| client | allocations per cycle | bytes per cycle |");
    println!("|---|---|---|");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let contenders = runtime.block_on(contender::all(&bench.urls(NODES)));
    let mut counts = [0.0; 5];
    let keys = own_keys(&contenders, "allocs");
    for (((name, contender), key), count) in
        NAMES.iter().zip(&contenders).zip(&keys).zip(&mut counts)
    {
        let some = async |cycles: usize| {
            for _ in 0..cycles {
                contender.cycle(key).await;
            }
        };
        runtime.block_on(some(cycles / 10)); // what is allocated once
        let info = allocation_counter::measure(|| runtime.block_on(some(cycles)));
        *count = info.count_total as f64 / cycles as f64;
        println!("| {name} | {count:.1} | {:.0} |", info.bytes_total as f64 / cycles as f64);
    }
    figures.set("allocs_over_raw", counts[0] - counts[1]);
}
