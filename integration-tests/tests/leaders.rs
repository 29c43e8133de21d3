//! Three processes run for leadership over real servers. The leader is killed, stopped, cut off from its servers: at no
//! moment do two believe to lead, terms grow, and another leads in bounded time.
//!
//! `REDLOCK_LEADER_ROUNDS=20 cargo test -p integration-tests --test leaders -- --nocapture` prints how long that took.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Mode, Servers, clock};
use redlock_protocol::RELEASED_CHANNEL;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Long beside what a busy machine stalls for: a fifth of it is what a leader steps down before.
const TTL: Duration = Duration::from_secs(10);
/// What the way to a new leader may take on a busy machine, beside the time to live: a retry delay, one round, the news of it.
const SLACK: Duration = Duration::from_secs(20);

/// What one process believed, once: a term, and from when to when.
#[derive(Debug, Clone, Copy)]
struct Belief {
    candidate: usize,
    term: u64,
    from: u64,
    to: u64,
    stepped_down: Option<u64>,
    lost: Option<u64>,
}

type History = Arc<Mutex<Vec<Belief>>>;

struct Candidate {
    number: usize,
    process: Child,
    proxies: Vec<ChaosProxy>,
}

impl Candidate {
    /// With a link of its own to each server.
    async fn start(
        client: Client,
        servers: &Servers,
        number: usize,
        ttl: Duration,
        history: &History,
    ) -> Self {
        let mut proxies = Vec::new();
        for server in servers.iter() {
            proxies.push(ChaosProxy::start_forgetful(server.addr()).await);
        }
        let urls: Vec<_> = proxies.iter().map(ChaosProxy::url).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_candidate"));
        command.args(["scheduler", &ttl.as_millis().to_string(), &format!("number-{number}")]);
        command.env("REDLOCK_NODES", urls.join(",")).env("REDLOCK_CLIENT", client.name());
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut says = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(says.next_line().await.unwrap().as_deref(), Some("runs"));
        let history = Arc::clone(history);
        tokio::spawn(async move {
            let mut belief: Option<usize> = None;
            while let Ok(Some(line)) = says.next_line().await {
                hear(&history, number, &mut belief, &line);
            }
        });
        Self { number, process, proxies }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    async fn set(&self, mode: Mode) {
        for proxy in &self.proxies {
            proxy.set(mode).await;
        }
    }
}

fn hear(history: &History, candidate: usize, current: &mut Option<usize>, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |word: &str| word.parse::<u64>().unwrap();
    let mut history = history.lock().unwrap();
    match words[..] {
        ["leads", term, at] => {
            let (term, from) = (number(term), number(at));
            *current = Some(history.len());
            let (stepped_down, lost) = (None, None);
            history.push(Belief { candidate, term, from, to: from, stepped_down, lost });
        }
        ["holds", at] => history[current.unwrap()].to = number(at),
        ["steps-down", at] => history[current.unwrap()].stepped_down = Some(number(at)),
        ["lost", at] => history[current.unwrap()].lost = Some(number(at)),
        ["resigned", _] => {}
        _ => panic!("{line}"),
    }
}

/// At no moment two, and each with a greater term than those before.
fn assert_one_at_a_time(history: &History) {
    let mut beliefs = history.lock().unwrap().clone();
    beliefs.sort_by_key(|belief| belief.from);
    for pair in beliefs.windows(2) {
        assert!(pair[0].to < pair[1].from, "two lead at once: {pair:?}");
        assert!(pair[0].term < pair[1].term, "a term that does not grow: {pair:?}");
    }
}

/// What becomes of the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Killed,
    Stopped,
    CutOff,
}

fn rounds() -> usize {
    std::env::var("REDLOCK_LEADER_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap())
}

/// The leader that another has not followed yet.
async fn leader(history: &History, after: u64) -> Belief {
    let found = async {
        loop {
            let last = history.lock().unwrap().iter().max_by_key(|b| b.from).copied();
            match last {
                Some(belief) if belief.term > after => return belief,
                _ => sleep(Duration::from_millis(2)).await,
            }
        }
    };
    timeout(TTL + SLACK * 4, found).await.expect("somebody leads in time")
}

/// What became of the one who led by this term, once it sees that it is deposed.
async fn lost(history: &History, term: u64) -> Belief {
    let seen = async {
        loop {
            let told = |belief: &&Belief| belief.term == term && belief.lost.is_some();
            let found = history.lock().unwrap().iter().find(told).copied();
            match found {
                Some(belief) => return belief,
                None => sleep(Duration::from_millis(2)).await,
            }
        }
    };
    timeout(SLACK * 4, seen).await.expect("it sees that it is deposed")
}

async fn another_leads(client: Client, fate: Fate) {
    let servers = Servers::start(3).await;
    let history = History::default();
    let mut candidates = Vec::new();
    for number in 0..3 {
        candidates.push(Candidate::start(client, &servers, number, TTL, &history).await);
    }
    let mut takeovers = Vec::new();
    let mut now = leader(&history, 0).await;
    for _ in 0..rounds() {
        // Into some moment between two renewals.
        sleep(Duration::from_millis(fastrand::u64(0..=3_500))).await;
        let at = candidates.iter().position(|c| c.number == now.candidate).unwrap();
        let began = clock::micros();
        match fate {
            Fate::Killed => candidates[at].process.kill().await.unwrap(),
            Fate::Stopped => candidates[at].signal(Signal::STOP),
            Fate::CutOff => candidates[at].set(Mode::Blackhole).await,
        }
        let next = leader(&history, now.term).await;
        let took = Duration::from_micros(next.from - began);
        assert!(took <= TTL + SLACK, "{fate:?}: another leads after {took:?}");
        assert_ne!(next.candidate, now.candidate);
        takeovers.push(took);
        match fate {
            Fate::Killed => {
                let number = now.candidate;
                candidates[at] = Candidate::start(client, &servers, number, TTL, &history).await;
            }
            Fate::Stopped => {
                candidates[at].signal(Signal::CONT);
                lost(&history, now.term).await;
            }
            Fate::CutOff => {
                candidates[at].set(Mode::Pass).await;
                candidates[at].proxies.iter().for_each(ChaosProxy::cut_all);
            }
        }
        if fate == Fate::CutOff {
            let old = lost(&history, now.term).await;
            let (down, lost) = (old.stepped_down.unwrap(), old.lost.unwrap());
            assert!(down < lost && down < next.from, "both signals, in order: {old:?}");
        }
        now = next;
    }
    assert_one_at_a_time(&history);
    takeovers.sort_unstable();
    println!(
        "{fate:?}, {client:?}, ttl {TTL:?}: takeover p50 {:?}, max {:?}, of {}",
        takeovers[takeovers.len() / 2],
        takeovers[takeovers.len() - 1],
        takeovers.len()
    );
}

async fn a_killed_leader_is_followed(client: Client) {
    another_leads(client, Fate::Killed).await;
}

async fn a_stopped_leader_is_followed_and_sees_it_when_it_goes_on(client: Client) {
    another_leads(client, Fate::Stopped).await;
}

async fn a_leader_that_is_cut_off_stops_before_another_leads(client: Client) {
    another_leads(client, Fate::CutOff).await;
}

async fn a_leader_that_resigns_is_followed_at_once(client: Client) {
    let servers = Servers::start(3).await;
    let history = History::default();
    // So long that nobody leads in time who waits for it.
    let ttl = Duration::from_secs(300);
    let mut candidates = Vec::new();
    for number in 0..3 {
        candidates.push(Candidate::start(client, &servers, number, ttl, &history).await);
    }
    let first = leader(&history, 0).await;
    // Until one of the others hears of resignations on a majority: two listen on each, and the leader may be one of them.
    for server in servers.iter() {
        let listen = async {
            while server.exec(&["PUBSUB", "NUMSUB", RELEASED_CHANNEL]).await.ends_with(['0', '1']) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SLACK * 4, listen).await.expect("others listen");
    }
    let resigned = clock::micros();
    candidates[first.candidate].signal(Signal::TERM);
    let next = leader(&history, first.term).await;
    let took = Duration::from_micros(next.from - resigned);
    assert!(took < ttl / 10, "without waiting for its time to live: {took:?}");
    assert!(candidates[first.candidate].process.wait().await.unwrap().success());
    assert_one_at_a_time(&history);
}

integration_tests::with_both_clients! {
    a_killed_leader_is_followed
    a_stopped_leader_is_followed_and_sees_it_when_it_goes_on
    a_leader_that_is_cut_off_stops_before_another_leads
    a_leader_that_resigns_is_followed_at_once
}
