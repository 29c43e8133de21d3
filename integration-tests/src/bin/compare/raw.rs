//! The commands of a lock through the clients as they are, with no lock library: what there is to be compared with.
//!
//! A majority of answers is waited for, the rest is dropped; nothing is checked, retried or cleaned up.

use std::time::Duration;

use fred::prelude::{
    Builder, Client, ClientLike, Config, Expiration, LuaInterface, Options, SetOptions,
};
use futures_util::stream::{FuturesUnordered, StreamExt};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use super::RESOURCE;

type Error = Box<dyn std::error::Error>;

const TTL_MS: i64 = 10_000;
const TIMEOUT: Duration = Duration::from_millis(200);
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The `redis` crate, one connection manager per server.
pub(crate) struct RawRedis(Vec<ConnectionManager>);

impl RawRedis {
    pub(crate) async fn connect(urls: &[String]) -> Result<Self, Error> {
        let mut managers = Vec::new();
        for url in urls {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(0)
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT));
            let client = redis::Client::open(format!("{url}/?protocol=resp3"))?;
            managers.push(ConnectionManager::new_with_config(client, config).await?);
        }
        Ok(Self(managers))
    }

    pub(crate) async fn cycle(&self) {
        let token = token();
        let mut set: FuturesUnordered<_> = self
            .0
            .iter()
            .map(|manager| {
                let (mut manager, token) = (manager.clone(), &token);
                async move {
                    let mut command = redis::cmd("SET");
                    command.arg(RESOURCE).arg(token).arg("NX").arg("PX").arg(TTL_MS).arg("GET");
                    command.query_async::<redis::Value>(&mut manager).await
                }
            })
            .collect();
        majority(&mut set, self.0.len()).await;
        let mut release: FuturesUnordered<_> = self
            .0
            .iter()
            .map(|manager| {
                let (mut manager, token) = (manager.clone(), &token);
                async move {
                    let mut command = redis::cmd("EVAL");
                    command.arg(RELEASE).arg(1).arg(RESOURCE).arg(token);
                    command.query_async::<redis::Value>(&mut manager).await
                }
            })
            .collect();
        majority(&mut release, self.0.len()).await;
    }
}

/// `fred`, one client per server.
pub(crate) struct RawFred(Vec<Client>);

impl RawFred {
    pub(crate) async fn connect(urls: &[String]) -> Result<Self, Error> {
        let mut clients = Vec::new();
        for url in urls {
            let client = Builder::from_config(Config::from_url(url)?).build()?;
            client.init().await?;
            clients.push(client);
        }
        Ok(Self(clients))
    }

    pub(crate) async fn cycle(&self) {
        let token = token();
        let options = Options {
            timeout: Some(TIMEOUT),
            max_attempts: Some(1),
            fail_fast: true,
            ..Options::default()
        };
        let mut set: FuturesUnordered<_> = self
            .0
            .iter()
            .map(|client| {
                use fred::interfaces::KeysInterface;
                let (client, token) = (client.with_options(&options), token.clone());
                async move {
                    let expire = Some(Expiration::PX(TTL_MS));
                    client
                        .set::<fred::types::Value, _, _>(
                            RESOURCE,
                            token,
                            expire,
                            Some(SetOptions::NX),
                            true,
                        )
                        .await
                }
            })
            .collect();
        majority(&mut set, self.0.len()).await;
        let mut release: FuturesUnordered<_> = self
            .0
            .iter()
            .map(|client| {
                client.eval::<fred::types::Value, _, _, _>(RELEASE, RESOURCE, token.clone())
            })
            .collect();
        majority(&mut release, self.0.len()).await;
    }
}

async fn majority<F: Future>(answers: &mut FuturesUnordered<F>, nodes: usize) {
    for _ in 0..nodes / 2 + 1 {
        answers.next().await;
    }
}

fn token() -> String {
    format!("{:016x}{:016x}{:08x}", fastrand::u64(..), fastrand::u64(..), fastrand::u32(..))
}
