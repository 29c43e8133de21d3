//! A whole `redlock exec` of a command that does nothing, while all servers answer and while one hangs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Bench, NODES};
use crate::figures::Figures;
use crate::settings::Runtime;

/// Tells this program to be the command `redlock`, which starts itself again, too.
pub(crate) const AS_REDLOCK: &str = "COMPARE_AS_REDLOCK";

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!("\n## `redlock exec` of `true`, {NODES} nodes\n");
    println!("| nodes | p50 ms | to healthy |");
    println!("|---|---|---|");
    let times = bench.settings.pick(2, 10, 50);
    let healthy = p50(bench, times, figures);
    let last = &bench.servers[NODES - 1];
    Runtime::Current.run(last.pause());
    let hung = p50(bench, times, figures);
    Runtime::Current.run(last.resume());
    println!("| healthy | {healthy:.1} | 1 |");
    println!("| one hung | {hung:.1} | {:.2} |", hung / healthy);
    figures.set("exec_hung1", hung / healthy);
}

/// The median of so many runs, in milliseconds.
fn p50(bench: &Bench, times: usize, figures: &mut Figures) -> f64 {
    let mut took: Vec<Duration> = (0..times).map(|_| once(bench, figures)).collect();
    took.sort_unstable();
    took[times / 2].as_secs_f64() * 1e3
}

fn once(bench: &Bench, figures: &mut Figures) -> Duration {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(AS_REDLOCK, "1").arg("exec");
    for url in bench.urls(NODES) {
        command.args(["--node", &url]);
    }
    command.args(["--no-label", "compare:exec", "--", "true"]).stdin(Stdio::null());
    let begin = Instant::now();
    let status = command.status().unwrap();
    let took = begin.elapsed();
    figures.failed(usize::from(!status.success()), "redlock exec");
    took
}
