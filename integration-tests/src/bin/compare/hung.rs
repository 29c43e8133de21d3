//! One task while a minority of the five servers hangs, or one is dead.

use std::time::{Duration, Instant};

use crate::bench::{Bench, NODES};
use crate::contender::{self, Contender, NAMES};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::{TURN, Turns, own_keys};

/// Ours over both clients and the raw commands; rslock waits for every node.
const CONTENDERS: usize = 4;

/// How many servers hang.
const HUNG: [usize; 3] = [0, 1, 2];
const STATES: [&str; 4] = ["healthy", "one hung", "two hung", "one dead"];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!("\n## One task, {NODES} nodes, of which some hang\n");
    println!("| nodes | client | p50 µs | to healthy | to raw | p99 µs | failed |");
    println!("|---|---|---|---|---|---|---|");
    let states = Runtime::Current.run(measure(bench));
    for (name, all) in STATES.iter().zip(&states) {
        for (index, turns) in all.iter().enumerate() {
            println!(
                "| {name} | {} | {:.0} | {:.2} | {:.2} | {:.0} | {} |",
                NAMES[index],
                turns.p50(),
                turns.p50() / states[0][index].p50(),
                turns.p50() / all[contender::BASES[index]].p50(),
                turns.p99(),
                turns.failed
            );
        }
        for index in [0, 2] {
            figures.failed(all[index].failed, &format!("{name}, {}", NAMES[index]));
        }
    }
    // By what raw commands lose by it: with fewer servers the last of a majority answers later.
    let loses = |state: usize, index: usize| states[state][index].p50() / states[0][index].p50();
    figures.set("hung1", loses(1, 0) / loses(1, 1));
    figures.set("hung2", loses(2, 0) / loses(2, 1));
}

/// For each state and contender its turns.
async fn measure(bench: &Bench) -> Vec<Vec<Turns>> {
    let (rounds, turns) = bench.settings.pick((1, 1), (3, 3), (10, 10));
    let contenders = &contender::all(&bench.urls(NODES)).await[..CONTENDERS];
    let servers = &bench.servers[..NODES];
    let empty = || contenders.iter().map(|_| Turns::default()).collect::<Vec<_>>();
    let mut states: Vec<_> = STATES.iter().map(|_| empty()).collect();
    for _ in 0..rounds {
        for (hung, all) in HUNG.iter().zip(&mut states) {
            let hung = &servers[NODES - hung..];
            for server in hung {
                server.pause().await;
            }
            some(contenders, all, turns, bench).await;
            for server in hung {
                server.resume().await;
            }
        }
    }
    servers[NODES - 1].kill().await;
    some(contenders, &mut states[HUNG.len()], turns * rounds, bench).await;
    states
}

async fn some(contenders: &[Contender], all: &mut [Turns], turns: usize, bench: &Bench) {
    // Between hanging and the first timeouts the clients fill their buffers; that is not what is asked.
    let warm = Duration::from_millis(bench.settings.pick(20, 400, 1_000));
    let keys = own_keys(contenders, "hung");
    for (contender, key) in contenders.iter().zip(&keys) {
        let begin = Instant::now();
        while begin.elapsed() < warm {
            contender.cycle(key).await;
        }
    }
    let count = bench.settings.pick(10, TURN, TURN);
    for _ in 0..turns {
        for ((contender, key), sum) in contenders.iter().zip(&keys).zip(all.iter_mut()) {
            // The servers are not asked what they used: some cannot answer.
            sum.turn(contender, key, count, &[]).await;
        }
    }
}
