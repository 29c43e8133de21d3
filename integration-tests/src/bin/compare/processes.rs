//! Sixteen tasks in four processes that want one lock.

use std::error::Error;
use std::time::{Duration, SystemTime};

use integration_tests::nodes::Client;

use crate::bench::{Bench, NODES};
use crate::child;
use crate::contender::Contender;
use crate::contention::Contention;
use crate::figures::Figures;
use crate::settings::Runtime;

const TASKS: usize = 16;
const PROCESSES: usize = 4;

/// What a child needs to connect.
const HEAD_START: Duration = Duration::from_millis(400);

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!("\n## {TASKS} tasks in {PROCESSES} processes, one key, held 1 ms\n");
    Contention::heading("client");
    let [one, ours, rslock] = Runtime::Current.run(measure(bench));
    one.row("ours, redis, all in one process");
    ours.row("ours, redis (max / min of a process)");
    rslock.row("rslock, retries after 0 to 5 ms (max / min of a process)");
    figures.failed(one.failed + ours.failed, "16 tasks in 4 processes");
    figures.set("processes_handovers", ours.rate() / one.rate());
    figures.set("processes_share", ours.inequality());
    figures.set("processes_wait_p99", ours.wait(99) / one.wait(99));
}

/// The contenders of this section, each child's own.
fn contender(name: &str, urls: &[String]) -> Result<Contender, String> {
    match name {
        "ours" => Ok(Contender::ours(Client::Redis, urls)),
        "rslock" => Ok(Contender::tuned_rslock(urls)),
        _ => Err(format!("no contender is called {name}")),
    }
}

async fn measure(bench: &Bench) -> [Contention; 3] {
    let (turns, length) = bench.settings.pick((1, 300), (2, 2_500), (3, 5_000));
    let mut all: [Contention; 3] = Default::default();
    for _ in 0..turns {
        for ((name, processes), sum) in
            [("ours", 1), ("ours", PROCESSES), ("rslock", PROCESSES)].into_iter().zip(&mut all)
        {
            sum.add(turn(name, processes, &bench.urls(NODES), length).await);
        }
    }
    all
}

/// Several processes at once. A share is a process's, where there are several.
async fn turn(name: &str, processes: usize, urls: &[String], length: u64) -> Contention {
    let start = millis_since_1970() + HEAD_START.as_millis() as u64;
    let args = [
        "contend".to_owned(),
        name.to_owned(),
        urls.join(","),
        (TASKS / processes).to_string(),
        length.to_string(),
        start.to_string(),
    ];
    let children: Vec<_> = (0..processes).map(|_| child::start(&args)).collect();
    let mut sum = Contention::default();
    for child in children {
        let answer = child::answer(child).await.unwrap();
        let [shares, waits, failed, took, client_cpu] = answer.try_into().unwrap();
        let micros = Duration::from_micros;
        match processes {
            1 => sum.shares.extend(shares.iter().map(|share| *share as usize)),
            _ => sum.shares.push(waits.len()),
        }
        sum.waits.extend(waits.into_iter().map(micros));
        sum.failed += failed[0] as usize;
        sum.took = sum.took.max(micros(took[0]));
        sum.client_cpu += micros(client_cpu[0]);
    }
    sum
}

/// One process: its tasks' shares, then in microseconds its waits, failed locks, how long it took, its CPU time.
pub(crate) fn child(args: &[String]) -> Result<Vec<Vec<u64>>, Box<dyn Error>> {
    let [name, urls, tasks, length, start] = args else { return Err("five words".into()) };
    let urls: Vec<String> = urls.split(',').map(str::to_owned).collect();
    let (tasks, length, start) = (tasks.parse()?, length.parse()?, start.parse::<u64>()?);
    let contender = contender(name, &urls)?;
    let contention = Runtime::Current.run(async {
        // A key for each turn: a process that ends may leave one behind on a minority of the servers.
        let key = format!("compare:processes:{start}");
        contender.cycle(&format!("{key}:{}", std::process::id())).await; // connects
        let left = start.saturating_sub(millis_since_1970());
        tokio::time::sleep(Duration::from_millis(left)).await;
        Contention::of(&contender, &key, tasks, Duration::from_millis(length)).await
    });
    let micros = |time: &Duration| time.as_micros() as u64;
    Ok(vec![
        contention.shares.iter().map(|share| *share as u64).collect(),
        contention.waits.iter().map(micros).collect(),
        vec![contention.failed as u64],
        vec![micros(&contention.took)],
        vec![micros(&contention.client_cpu)],
    ])
}

fn millis_since_1970() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64
}
