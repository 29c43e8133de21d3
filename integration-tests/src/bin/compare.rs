//! What a lock costs, as ratios: to the same commands sent raw through the same client, to another Rust crate, and to
//! itself under other conditions. What is compared is measured in turns in one run.
//!
//! `cargo run --release -p integration-tests --bin compare` starts nine local servers, of which most sections use five.
//!
//! | option | meaning |
//! |---|---|
//! | `--quick` | fewer and shorter turns: under three minutes in all |
//! | `--json FILE` | writes the ratios by name |
//! | `--svg FILE` | draws cycles by tasks and waits in a crowd, for which the sections `tasks` and `queue` are needed |
//! | `--only NAME,NAME` | only these sections |
//! | `--smoke` | seconds in all: whether everything runs, not how fast |
//!
//! The exit code tells whether every lock was had and every ratio found, never whether a ratio is good.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

#[path = "compare/allocs.rs"]
mod allocs;
#[path = "compare/bench.rs"]
mod bench;
#[path = "compare/chart.rs"]
mod chart;
#[path = "compare/child.rs"]
mod child;
#[path = "compare/contender.rs"]
mod contender;
#[path = "compare/contention.rs"]
mod contention;
#[path = "compare/costs.rs"]
mod costs;
#[path = "compare/counting.rs"]
mod counting;
#[path = "compare/exec.rs"]
mod exec;
#[path = "compare/fencing.rs"]
mod fencing;
#[path = "compare/figures.rs"]
mod figures;
#[path = "compare/hung.rs"]
mod hung;
#[path = "compare/hung_memory.rs"]
mod hung_memory;
#[path = "compare/jobs.rs"]
mod jobs;
#[path = "compare/memory.rs"]
mod memory;
#[path = "compare/modes.rs"]
mod modes;
#[path = "compare/one_task.rs"]
mod one_task;
#[path = "compare/permits.rs"]
mod permits;
#[path = "compare/processes.rs"]
mod processes;
#[path = "compare/queue.rs"]
mod queue;
#[path = "compare/raw.rs"]
mod raw;
#[path = "compare/renewal.rs"]
mod renewal;
#[path = "compare/settings.rs"]
mod settings;
#[path = "compare/split_votes.rs"]
mod split_votes;
#[path = "compare/stalls.rs"]
mod stalls;
#[path = "compare/tasks.rs"]
mod tasks;
#[path = "compare/timing.rs"]
mod timing;
#[path = "compare/usage.rs"]
mod usage;
#[path = "compare/writers.rs"]
mod writers;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use bench::Bench;
use figures::Figures;
use integration_tests::Servers;
use settings::{Runtime, Settings};

const MOST_NODES: usize = 9;

/// A part of the run, and the ratios it finds.
struct Section {
    name: &'static str,
    finds: &'static [&'static str],
    run: fn(&Bench, &mut Figures),
}

const SECTIONS: [Section; 15] = [
    Section {
        name: "one-task",
        finds: &["one_task_redis", "one_task_fred", "one_task_vs_rslock"],
        run: one_task::run,
    },
    Section {
        name: "tasks",
        finds: &[
            "tasks64_redis",
            "tasks64_fred",
            "tasks64_vs_rslock",
            "tasks1024_redis",
            "tasks1024_vs_64",
            "client_cpu64_redis",
            "server_commands",
        ],
        run: tasks::run,
    },
    Section { name: "allocs", finds: &["allocs_over_raw"], run: allocs::run },
    Section { name: "memory", finds: &["memory_cycle_us"], run: memory::run },
    Section { name: "queue", finds: &["queue_wait_p99", "queue_share"], run: queue::run },
    Section {
        name: "processes",
        finds: &["processes_handovers", "processes_share", "processes_wait_p99"],
        run: processes::run,
    },
    Section { name: "renewal", finds: &["renewal_us_per_lock_s"], run: renewal::run },
    Section { name: "fencing", finds: &["fencing_cost"], run: fencing::run },
    Section { name: "jobs", finds: &["label_cost", "at_least_cost"], run: jobs::run },
    Section { name: "modes", finds: modes::FINDS, run: modes::run },
    Section { name: "hung-memory", finds: &[], run: hung_memory::run },
    Section { name: "split-votes", finds: &[], run: split_votes::run },
    Section { name: "stalls", finds: &[], run: stalls::run },
    Section { name: "exec", finds: &["exec_hung1"], run: exec::run },
    // The last one: it kills a server.
    Section { name: "hung", finds: &["hung1", "hung2"], run: hung::run },
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::var_os(exec::AS_REDLOCK).is_some() {
        return Ok(redlock_cli::main());
    }
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq("--child").is_some() {
        child::tell(&as_child(&args.collect::<Vec<_>>())?);
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::parse(args, &SECTIONS.map(|section| section.name))?;
    // Containers would measure the engine's port forwarding.
    if std::env::var("REDLOCK_TEST_PROVIDER").as_deref() != Ok("local") {
        let again = std::process::Command::new(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .env("REDLOCK_TEST_PROVIDER", "local")
            .status()?;
        return Ok(if again.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let sections: Vec<_> = SECTIONS.iter().filter(|one| settings.wants(one.name)).collect();
    let servers = Runtime::Current.run(Servers::start(MOST_NODES));
    let bench = Bench { servers, settings };
    let mut figures = Figures::default();
    for section in &sections {
        let begin = Instant::now();
        (section.run)(&bench, &mut figures);
        println!("\n({}: {:.0} s)", section.name, begin.elapsed().as_secs_f64());
    }
    figures.print();
    figures.expect(sections.iter().flat_map(|section| section.finds).copied());
    if let Some(file) = &bench.settings.json {
        std::fs::write(file, figures.json())?;
    }
    if let Some(file) = &bench.settings.svg {
        std::fs::write(file, figures.svg()?)?;
    }
    Ok(figures.verdict())
}

/// What this program does as a child; `args` are those of [`child::start`].
fn as_child(args: &[String]) -> child::Answer {
    match args.split_first() {
        Some((what, args)) if what == "contend" => processes::child(args),
        Some((what, args)) if what == "renew" => renewal::child(args),
        _ => Err("no such child".into()),
    }
}
