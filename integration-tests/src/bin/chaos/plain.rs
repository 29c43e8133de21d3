//! A client of the plain algorithm, which knows of no shares, no slots and no fences, and shares no code with those under
//! test: `SET NX PX` on every server, and a script that compares and deletes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use integration_tests::resp::{Connection, Reply};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::failure::Failure;

const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

/// A connection to each server.
#[derive(Clone)]
pub(crate) struct Plain(Arc<Vec<Node>>);

struct Node {
    addr: SocketAddr,
    /// One that did not answer in time is given up, and so is whatever is on its way.
    connection: Mutex<Option<Connection>>,
}

/// A lock, until its time is over. It is not renewed.
pub(crate) struct Held {
    plain: Plain,
    key: String,
    token: String,
    until: Instant,
    node_timeout: Duration,
}

impl Plain {
    /// Over the nodes that the environment names.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let nodes = std::env::var("REDLOCK_NODES")?;
        let node = |url: &str| {
            let addr = url.trim_start_matches("redis://").parse()?;
            Ok::<_, Failure>(Node { addr, connection: Mutex::new(None) })
        };
        Ok(Self(Arc::new(nodes.split(',').map(node).collect::<Result<_, _>>()?)))
    }

    /// Tries once.
    pub(crate) async fn try_lock(
        &self,
        key: &str,
        token: String,
        ttl: Duration,
        node_timeout: Duration,
    ) -> Option<Held> {
        let began = Instant::now();
        let millis = ttl.as_millis().to_string();
        let set = ["SET", key, &token, "NX", "PX", &millis].map(str::to_owned);
        let granted = self.ask(&set, node_timeout, |reply| reply.text().as_deref() == Some("OK"));
        let granted = granted.await;
        // As the algorithm has it: less a hundredth, and 2 ms.
        let until = began + ttl - ttl / 100 - Duration::from_millis(2);
        let (plain, key) = (self.clone(), key.to_owned());
        let held = Held { plain, key, token, until, node_timeout };
        if granted > self.0.len() / 2 && !held.remaining().is_zero() {
            return Some(held);
        }
        held.release().await;
        None
    }

    /// How many nodes answer so, of all at once.
    async fn ask(
        &self,
        command: &[String],
        node_timeout: Duration,
        so: fn(&Reply) -> bool,
    ) -> usize {
        let asked = self.0.iter().map(|node| async move {
            let reply = timeout(node_timeout, node.call(command)).await;
            reply.is_ok_and(|reply| reply.is_ok_and(|reply| so(&reply)))
        });
        futures_util::future::join_all(asked).await.into_iter().filter(|yes| *yes).count()
    }
}

impl Node {
    async fn call(&self, command: &[String]) -> std::io::Result<Reply> {
        let mut kept = self.connection.lock().await;
        // Only what was answered in whole leaves it for the next one.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::connect(self.addr).await?,
        };
        let reply = connection.call(command).await?;
        *kept = Some(connection);
        Ok(reply)
    }
}

impl Held {
    pub(crate) fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// To every server, wherever it was had.
    pub(crate) async fn release(self) {
        let release = ["EVAL", RELEASE, "1", &self.key, &self.token].map(str::to_owned);
        self.plain.ask(&release, self.node_timeout, |_| true).await;
    }
}
