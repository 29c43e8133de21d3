//! Other processes that hold a lock and are killed, stopped, or told to end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::store::WRITE;
use integration_tests::{Server, Servers};
use redlock_core::{LockErrorKind, LockOptions, Redlock, RedlockBuilder, RetryPolicy};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

const KEY: &str = "k";
/// A holder's: more than what a busy machine stalls for, and waited for to its end.
const TTL: Duration = Duration::from_secs(10);

/// A child process that holds the lock.
struct Holder {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    async fn start(client: Client, servers: &Servers, ttl: Duration, renew: bool) -> Self {
        Self::start_with(client, servers, ttl, renew, None).await
    }

    async fn start_with(
        client: Client,
        servers: &Servers,
        ttl: Duration,
        renew: bool,
        store: Option<&Server>,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holder"));
        command.args([KEY, &ttl.as_millis().to_string()]).args(renew.then_some("renew"));
        command.env("REDLOCK_NODES", servers.urls().join(",")).env("REDLOCK_CLIENT", client.name());
        command.envs(store.map(|store| ("REDLOCK_STORE", store.addr().to_string())));
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut holder = Self { process, says };
        assert_eq!(holder.line().await, "held");
        holder
    }

    async fn line(&mut self) -> String {
        let line = timeout(Duration::from_secs(60), self.says.next_line()).await.expect("in time");
        line.unwrap().expect("another line")
    }

    /// All it has said and has not been heard yet.
    async fn heard(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(Ok(Some(line))) =
            timeout(Duration::from_millis(300), self.says.next_line()).await
        {
            lines.push(line);
        }
        lines
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

fn redlock(client: Client, servers: &Servers) -> Redlock {
    builder(client, servers).build().unwrap()
}

fn builder(client: Client, servers: &Servers) -> RedlockBuilder {
    let builder = Redlock::builder().nodes(client.nodes(servers.urls()));
    builder.ttl(Duration::from_secs(3_600)).node_timeout(Duration::from_secs(10))
}

/// Waits for the lock as long as it takes a dead holder's to expire.
fn patient() -> LockOptions {
    let retry = RetryPolicy::uniform(Duration::from_millis(20), Duration::from_millis(60)).unwrap();
    LockOptions::new().wait_for(Duration::from_secs(90)).retry(retry)
}

async fn a_killed_holders_lock_expires_and_not_before(client: Client) {
    let servers = Servers::start(3).await;
    let redlock = redlock(client, &servers);
    let mut holder = Holder::start(client, &servers, TTL, true).await;
    holder.process.kill().await.unwrap();
    let error = redlock.try_lock(KEY).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    assert!(error.retry_after().is_some_and(|left| left <= TTL), "{error}");
    redlock
        .lock_with(KEY, &patient())
        .await
        .expect("free after its time to live")
        .release()
        .await
        .unwrap();
}

async fn a_holder_that_was_stopped_past_its_time_says_lost_before_anything_else(client: Client) {
    let servers = Servers::start(3).await;
    let redlock = redlock(client, &servers);
    for renew in [false, true] {
        let mut holder = Holder::start(client, &servers, TTL, renew).await;
        assert_eq!(holder.line().await, "working");
        holder.signal(Signal::STOP);
        let before = holder.heard().await;
        assert!(before.iter().all(|line| line == "working"), "{before:?}");
        let other = redlock.lock_with(KEY, &patient()).await.expect("its time has passed");
        holder.signal(Signal::CONT);
        assert_eq!(holder.line().await, "lost Expired");
        assert_eq!(holder.line().await, "closed");
        assert!(!other.is_lost());
        assert!(redlock.try_lock(KEY).await.is_err(), "its release left the next holder alone");
        other.release().await.unwrap();
    }
}

async fn a_store_that_checks_fences_refuses_a_holder_that_was_stopped_past_its_time(
    client: Client,
) {
    let (servers, store) = (Servers::start(3).await, Servers::start(1).await);
    let redlock = builder(client, &servers).fencing(true).build().unwrap();
    let mut holder = Holder::start_with(client, &servers, TTL, true, Some(&store[0])).await;
    holder.signal(Signal::STOP);
    let before = holder.heard().await;
    assert!(before.iter().all(|line| line == "working"), "{before:?}");
    let other = redlock.lock_with(KEY, &patient()).await.expect("its time has passed");
    let fence = other.fence().unwrap().to_string();
    assert_eq!(store[0].exec(&["EVAL", WRITE, "1", KEY, "fresh", &fence]).await, "1");
    holder.signal(Signal::CONT);
    assert_eq!(holder.line().await, "lost Expired");
    assert_eq!(holder.line().await, "written 0");
    assert_eq!(store[0].exec(&["HGET", KEY, "value"]).await, "fresh");
    other.release().await.unwrap();
}

async fn a_renewing_holder_keeps_the_lock_for_many_times_to_live(client: Client) {
    let servers = Servers::start(3).await;
    let redlock = redlock(client, &servers);
    let mut holder = Holder::start(client, &servers, TTL, true).await;
    sleep(TTL * 3).await;
    assert_eq!(redlock.try_lock(KEY).await.unwrap_err().kind(), LockErrorKind::Contended);
    for _ in 0..100 {
        assert_eq!(holder.line().await, "working");
    }
    holder.signal(Signal::TERM);
    while holder.line().await != "closed" {}
    redlock.try_lock(KEY).await.expect("freed at once").release().await.unwrap();
}

integration_tests::with_both_clients! {
    a_killed_holders_lock_expires_and_not_before
    a_holder_that_was_stopped_past_its_time_says_lost_before_anything_else
    a_store_that_checks_fences_refuses_a_holder_that_was_stopped_past_its_time
    a_renewing_holder_keeps_the_lock_for_many_times_to_live
}
