//! What a cycle costs over fred: `try_lock` and `release` by many tasks on distinct keys, beside the same commands sent raw
//! through the same client, in turns.
//!
//! ```sh
//! cargo run --release -p redlock-fred --example crowd -- TASKS TURNS redis://127.0.0.1:7001 redis://127.0.0.1:7002 …
//! ```
//!
//! Prints for each of both cycles a second and the processor time of the client and of the servers for a cycle. With `ours` or
//! `raw` before them only one of the two runs, for a profiler.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use redlock_fred::FredNode;
use redlock_fred::fred::clients::Client;
use redlock_fred::fred::interfaces::{ClientLike, KeysInterface, LuaInterface};
use redlock_fred::fred::types::config::{Config, Options};
use redlock_fred::fred::types::{Builder as ClientBuilder, Expiration, SetOptions};
use redlock_fred::redlock_core::Redlock;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const TTL: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(5);
const TURN: Duration = Duration::from_millis(400);
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

type Failed = Box<dyn Error + Send + Sync>;

#[derive(Clone)]
enum Contender {
    Ours(Redlock),
    Raw(Vec<Client>, String),
}

impl Contender {
    async fn ours(urls: &[String]) -> Result<Self, Failed> {
        let nodes = FredNode::connect_all(urls)?;
        Ok(Self::Ours(Redlock::builder().nodes(nodes).ttl(TTL).node_timeout(LIMIT).build()?))
    }

    async fn raw(urls: &[String]) -> Result<Self, Failed> {
        let (mut clients, mut release) = (Vec::new(), String::new());
        for url in urls {
            let client = ClientBuilder::from_config(Config::from_url(url)?).build()?;
            client.init().await?;
            release = client.script_load(RELEASE).await?;
            clients.push(client);
        }
        Ok(Self::Raw(clients, release))
    }

    async fn cycle(&self, key: &str) -> Result<(), Failed> {
        let (clients, release) = match self {
            Self::Ours(redlock) => {
                return Ok(redlock.try_lock(key).await?.release().await.map(|_| ())?);
            }
            Self::Raw(clients, release) => (clients, release),
        };
        let options = Options {
            timeout: Some(LIMIT),
            max_attempts: Some(1),
            fail_fast: true,
            ..Options::default()
        };
        let token = format!("{:032x}", fastrand::u128(..));
        majority(clients.iter().map(|client| {
            let (client, token) = (client.with_options(&options), &token);
            let (expire, only_new) = (Some(Expiration::PX(10_000)), Some(SetOptions::NX));
            async move {
                let set = client.set(key, token.as_str(), expire, only_new, false).await;
                set.is_ok_and(|set: Option<String>| set.is_some())
            }
        }))
        .await?;
        majority(clients.iter().map(|client| {
            let (client, token) = (client.with_options(&options), &token);
            async move { client.evalsha(release.as_str(), key, token.as_str()).await == Ok(1_i64) }
        }))
        .await
    }
}

/// Goes on when a majority has said yes.
async fn majority(answers: impl Iterator<Item = impl Future<Output = bool>>) -> Result<(), Failed> {
    let mut answers: Vec<_> = answers.map(|answer| Some(Box::pin(answer))).collect();
    let (mut yes, nodes) = (0, answers.len());
    std::future::poll_fn(|cx| {
        for slot in &mut answers {
            if let Some(answer) = slot
                && let std::task::Poll::Ready(answer) = answer.as_mut().poll(cx)
            {
                yes += usize::from(answer);
                *slot = None;
            }
        }
        if yes > nodes / 2 {
            std::task::Poll::Ready(Ok(()))
        } else if answers.iter().all(Option::is_none) {
            std::task::Poll::Ready(Err("no majority".into()))
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn servers_cpu(urls: &[String]) -> Result<f64, Failed> {
    let mut sum = 0.0;
    for url in urls {
        let mut stream = TcpStream::connect(url.trim_start_matches("redis://"))?;
        stream.write_all(b"INFO cpu\r\nQUIT\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        for name in ["used_cpu_sys:", "used_cpu_user:"] {
            let field = text.lines().find_map(|line| line.strip_prefix(name));
            sum += field.ok_or("no processor time in INFO")?.trim().parse::<f64>()?;
        }
    }
    Ok(sum)
}

/// Cycles a second, and microseconds of the client and of the servers for a cycle.
async fn turn(contender: &Contender, tasks: usize, urls: &[String]) -> Result<[f64; 3], Failed> {
    let (begin, client, servers) = (Instant::now(), cpu(), servers_cpu(urls)?);
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let contender = contender.clone();
        running.spawn(async move {
            let (key, mut cycles) = (format!("cycles:{}:{task}", std::process::id()), 0);
            while begin.elapsed() < TURN {
                contender.cycle(&key).await?;
                cycles += 1;
            }
            Ok::<_, Failed>(cycles)
        });
    }
    let mut cycles = 0;
    while let Some(done) = running.join_next().await {
        cycles += done??;
    }
    let (took, client) = (begin.elapsed().as_secs_f64(), (cpu() - client).as_secs_f64());
    tokio::time::sleep(Duration::from_millis(10)).await;
    let cycles = f64::from(cycles);
    Ok([cycles / took, client * 1e6 / cycles, (servers_cpu(urls)? - servers) * 1e6 / cycles])
}

fn main() -> Result<(), Failed> {
    let mut args: Vec<String> = env::args().skip(1).collect();
    let only = args.first().filter(|arg| ["ours", "raw"].contains(&arg.as_str())).cloned();
    if only.is_some() {
        args.remove(0);
    }
    let [tasks, turns, urls @ ..] = &args[..] else {
        return Err("[ours|raw] TASKS TURNS URL…".into());
    };
    let (tasks, turns) = (tasks.parse()?, turns.parse::<u32>()?);
    let mut runtime = match env::var_os("TWO_WORKERS") {
        Some(_) => Builder::new_multi_thread(),
        None => Builder::new_current_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let contenders =
            [("ours", Contender::ours(urls).await?), ("raw", Contender::raw(urls).await?)];
        let mut sums = [[0.0; 3]; 2];
        for number in 0..=turns {
            for ((name, contender), sum) in contenders.iter().zip(&mut sums) {
                if only.as_deref().is_some_and(|only| only != *name) {
                    continue;
                }
                let figures = turn(contender, tasks, urls).await?;
                // The first connects.
                if number > 0 {
                    sum.iter_mut()
                        .zip(figures)
                        .for_each(|(sum, figure)| *sum += figure / f64::from(turns));
                }
            }
        }
        println!("| | cycles/s | client µs | servers µs |\n|---|---|---|---|");
        for ((name, _), [rate, client, servers]) in contenders.iter().zip(sums) {
            println!("| {name} | {rate:.0} | {client:.1} | {servers:.1} |");
        }
        println!("ratio {:.3}", sums[0][0] / sums[1][0]);
        Ok(())
    })
}
