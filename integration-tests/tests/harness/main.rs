//! The harness keeps its promises: otherwise a test that passes proves nothing.

// clippy.toml's exemption covers test functions, not their helpers.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use integration_tests::resp::{Connection, Reply};
use integration_tests::{ChaosProxy, Kind, Mode, Servers, resp, shared};
use tokio::time::{sleep, timeout};

/// Long enough for an answer on loopback, short enough to wait for silence.
const SILENCE: Duration = Duration::from_millis(300);

fn ok() -> Reply {
    Reply::Simple("OK".to_owned())
}

async fn connect(addr: SocketAddr) -> Connection {
    Connection::connect(addr).await.unwrap()
}

/// Never passes in a test that goes well.
const LONG: Duration = Duration::from_secs(60);

/// Waits for something that must come true soon.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !condition().await {
        assert!(begin.elapsed() < LONG, "{what} did not happen");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn refused(addr: SocketAddr) -> bool {
    matches!(Connection::connect(addr).await, Err(e) if e.kind() == ErrorKind::ConnectionRefused)
}

mod proxy;
mod servers;
mod watchdog;
