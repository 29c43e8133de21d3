//! One task that takes and releases one free lock: by client, runtime and number of nodes.

use integration_tests::Server;

use crate::bench::{Bench, NODES};
use crate::contender::{self, BASES, Contender, NAMES};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::{Turns, alternate};

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!(
        "Processor time and commands are per acquire and release here and below; what scripts"
    );
    println!("call are commands too.");
    let cycles = bench.settings.pick(20, 2_000, 20_000);
    for runtime in Runtime::ALL {
        println!("\n## One task, {NODES} nodes, {}, {cycles} cycles each\n", runtime.name());
        println!(
            "| client | p50 µs | to raw | p99 µs | failed | client CPU µs | servers' CPU µs | commands |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let all = runtime.run(measure(bench, NODES, cycles));
        for ((name, turns), base) in NAMES.iter().zip(&all).zip(BASES) {
            row(name, turns, &all[base]);
        }
        check(&all, figures);
        if runtime == Runtime::Current {
            figures.set("one_task_redis", all[0].p50() / all[1].p50());
            figures.set("one_task_fred", all[2].p50() / all[3].p50());
            figures.set("one_task_vs_rslock", all[0].p50() / all[4].p50());
        }
    }
    let cycles = bench.settings.pick(20, 600, 5_000);
    println!("\n## One task by number of nodes, p50 µs, {cycles} cycles each\n");
    println!("| nodes | {} | redis to raw | fred to raw |", NAMES.join(" | "));
    println!("|---|---|---|---|---|---|---|---|");
    for nodes in [1, 3, 5, 7, 9] {
        let all = Runtime::Current.run(measure(bench, nodes, cycles));
        let p50 = all.iter().map(|turns| format!("{:.0}", turns.p50())).collect::<Vec<_>>();
        println!(
            "| {nodes} | {} | {:.2} | {:.2} |",
            p50.join(" | "),
            all[0].p50() / all[1].p50(),
            all[2].p50() / all[3].p50()
        );
        check(&all, figures);
    }
}

async fn measure(bench: &Bench, nodes: usize, cycles: usize) -> Vec<Turns> {
    let contenders: [Contender; 5] = contender::all(&bench.urls(nodes)).await;
    let servers: &[Server] = &bench.servers[..nodes];
    alternate(&contenders, "one-task", cycles, servers).await
}

fn row(name: &str, turns: &Turns, base: &Turns) {
    println!(
        "| {name} | {:.0} | {:.2} | {:.0} | {} | {} |",
        turns.p50(),
        turns.p50() / base.p50(),
        turns.p99(),
        turns.failed,
        turns.usage.cells(turns.count())
    );
}

/// Ours must not fail.
fn check(all: &[Turns], figures: &mut Figures) {
    for index in [0, 2] {
        figures.failed(all[index].failed, NAMES[index]);
    }
}
