//! The database server goes with the tests that started it.

use std::time::{Duration, Instant};

use integration_tests::postgres;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::child::{Process, say, until_told};

/// Starts the server and waits to be killed.
#[tokio::test]
#[ignore = "a process that the other tests start"]
async fn leaker() {
    let server = postgres().await;
    // A container has memory of its own.
    let memory = server.shared_memory().map_or_else(String::new, |number| number.to_string());
    say(format_args!("{} {memory}", server.addr()));
    until_told();
}

#[tokio::test]
async fn nothing_of_it_survives_the_sigkill_of_a_test_process() {
    let mut leaker = Process::start("server::leaker", &[("LC_ALL", "C")]);
    let said = leaker.line().await;
    let (addr, memory) = said.split_once(' ').unwrap();
    let has_memory = || !memory.is_empty() && shared_memory().contains(&memory.to_owned());
    assert!(TcpStream::connect(addr).await.is_ok() && (memory.is_empty() || has_memory()));
    leaker.kill().await;
    let begin = Instant::now();
    while TcpStream::connect(addr).await.is_ok() || has_memory() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{said} is still there");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The numbers of all that the system has.
fn shared_memory() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let numbers = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    numbers.map(str::to_owned).collect()
}
