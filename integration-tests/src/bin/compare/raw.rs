//! The commands of a lock through the clients as they are, with no lock library: what there is to be compared with.
//!
//! `SET … NX PX`, and a script by its hash that compares and deletes. A majority of answers is waited for, the rest is
//! dropped; nothing is retried or cleaned up.

use std::future::Future;
use std::time::Duration;

use fred::prelude::{
    Builder, Client, ClientLike, Config, Expiration, KeysInterface, LuaInterface, Options,
    SetOptions,
};
use futures_util::stream::{FuturesUnordered, StreamExt};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

type Error = Box<dyn std::error::Error>;

const TTL_MS: i64 = 10_000;
/// Nobody sends a command without a limit.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The `redis` crate, one connection per server.
pub(crate) struct RawRedis {
    connections: Vec<MultiplexedConnection>,
    release: String,
}

impl RawRedis {
    pub(crate) async fn connect(urls: &[String]) -> Result<Self, Error> {
        let (mut connections, mut release) = (Vec::new(), String::new());
        for url in urls {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT));
            let client = redis::Client::open(format!("{url}/?protocol=resp3"))?;
            let mut connection =
                client.get_multiplexed_async_connection_with_config(&config).await?;
            let load = redis::cmd("SCRIPT").arg("LOAD").arg(RELEASE).to_owned();
            release = load.query_async(&mut connection).await?;
            connections.push(connection);
        }
        Ok(Self { connections, release })
    }

    /// The token, if a majority granted.
    pub(crate) async fn acquire(&self, key: &str) -> Option<String> {
        let token = token();
        let answers = self.connections.iter().map(|connection| {
            let (mut connection, token) = (connection.clone(), &token);
            async move {
                let mut command = redis::cmd("SET");
                command.arg(key).arg(token).arg("NX").arg("PX").arg(TTL_MS);
                command
                    .query_async::<Option<()>>(&mut connection)
                    .await
                    .is_ok_and(|set| set.is_some())
            }
        });
        majority(answers.collect()).await.then_some(token)
    }

    pub(crate) async fn release(&self, key: &str, token: &str) -> bool {
        let answers = self.connections.iter().map(|connection| {
            let mut connection = connection.clone();
            async move {
                let mut command = redis::cmd("EVALSHA");
                command.arg(&self.release).arg(1).arg(key).arg(token);
                command.query_async::<i64>(&mut connection).await == Ok(1)
            }
        });
        majority(answers.collect()).await
    }
}

/// `fred`, one client per server.
pub(crate) struct RawFred {
    clients: Vec<Client>,
    release: String,
    options: Options,
}

impl RawFred {
    pub(crate) async fn connect(urls: &[String]) -> Result<Self, Error> {
        let (mut clients, mut release) = (Vec::new(), String::new());
        for url in urls {
            let client = Builder::from_config(Config::from_url(url)?).build()?;
            client.init().await?;
            release = client.script_load(RELEASE).await?;
            clients.push(client);
        }
        let options = Options {
            timeout: Some(TIMEOUT),
            max_attempts: Some(1),
            fail_fast: true,
            ..Options::default()
        };
        Ok(Self { clients, release, options })
    }

    /// The token, if a majority granted.
    pub(crate) async fn acquire(&self, key: &str) -> Option<String> {
        let token = token();
        let answers = self.clients.iter().map(|client| {
            let (client, token) = (client.with_options(&self.options), &token);
            async move {
                let (expire, only_new) = (Some(Expiration::PX(TTL_MS)), Some(SetOptions::NX));
                let set = client.set(key, token.as_str(), expire, only_new, false).await;
                set.is_ok_and(|set: Option<String>| set.is_some())
            }
        });
        majority(answers.collect()).await.then_some(token)
    }

    pub(crate) async fn release(&self, key: &str, token: &str) -> bool {
        let answers = self.clients.iter().map(|client| {
            let client = client.with_options(&self.options);
            async move { client.evalsha(&self.release, key, token).await == Ok(1_i64) }
        });
        majority(answers.collect()).await
    }
}

/// Whether a majority says yes. Waits for no more answers than decide it.
async fn majority(mut answers: FuturesUnordered<impl Future<Output = bool>>) -> bool {
    let nodes = answers.len();
    let (mut yes, mut no) = (0, 0);
    while let Some(answer) = answers.next().await {
        *(if answer { &mut yes } else { &mut no }) += 1;
        if yes > nodes / 2 || no >= nodes.div_ceil(2) {
            break;
        }
    }
    yes > nodes / 2
}

fn token() -> String {
    format!("{:016x}{:016x}{:08x}", fastrand::u64(..), fastrand::u64(..), fastrand::u32(..))
}
