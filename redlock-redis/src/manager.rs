//! A `ConnectionManager` that an application may share with its locks.

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ProtocolVersion};
use redlock_core::error::ConfigError;
use tokio::runtime::Handle;

use crate::settings;

/// A [`ConnectionManager`] set up as locks need one, for an application that has commands of its own on the connection.
/// Give a clone of it to [`RedisNode::from_connection`](crate::RedisNode::from_connection).
///
/// ```no_run
/// use redlock_redis::redis::Client;
/// use redlock_redis::{RedisNode, connection_manager};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = connection_manager(Client::open("redis://10.0.0.1")?)?;
/// let node = RedisNode::from_connection("first", manager.clone())?;
/// # Ok(())
/// # }
/// ```
///
/// Address, credentials, database and TLS are the client's. The rest is set here:
///
/// | setting | value | why |
/// |---|---|---|
/// | protocol | RESP3 | a connection that was closed while idle is made anew at once; else the next command fails to find out |
/// | retries of connecting | none | a command waits for all of them; the next one connects again |
/// | connecting | 2 s | as of a node's own connection |
/// | response timeout | none | every command of a lock has its own. Give one to your own commands (`tokio::time::timeout`) |
/// | commands that wait for room | 4,096 | redis-rs's 50 are soon used up, and what waits beyond gets its place in any order |
/// | TCP, `CLIENT SETINFO` | as in the [crate's settings](crate#settings) | |
///
/// What a manager cannot be told stays: after an error reply to its handshake, such as of a wrong password, it connects
/// no more, and a server that reads on and answers nothing, or became a replica, is not left. A node of its own
/// ([`RedisNode::connect`](crate::RedisNode::connect)) does all of that.
///
/// Nothing is sent yet; the first command connects. The manager lives on the runtime that this is called in.
///
/// # Errors
///
/// Outside of a tokio runtime, and when the client's kind of address is not supported in this build.
pub fn connection_manager(client: Client) -> Result<ConnectionManager, ConfigError> {
    if Handle::try_current().is_err() {
        return Err(ConfigError::new("runtime", "none", "must be a tokio runtime, to connect on"));
    }
    let client = prepared(client)?;
    settings::before_connecting(&client);
    ConnectionManager::new_lazy_with_config(client, config()).map_err(|_| refused())
}

/// The client with what a connection decides.
fn prepared(client: Client) -> Result<Client, ConfigError> {
    let info = settings::connection_info(client.get_connection_info().clone());
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    if !info.addr().is_supported() {
        return Err(refused());
    }
    Client::open(info.set_redis_settings(redis)).map_err(|_| refused())
}

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(settings::CONNECT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(settings::UNANSWERED)
}

/// What redis-rs says may hold a password.
fn refused() -> ConfigError {
    ConfigError::new("client", "<redacted>", "must have an address that this build can connect to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_has_what_locks_need_and_what_is_the_client_s() {
        let client = prepared(Client::open("redis://u:pw@a:7000/3").unwrap()).unwrap();
        let info = client.get_connection_info();
        assert_eq!(info.addr().to_string(), "a:7000");
        let redis = info.redis_settings();
        assert_eq!((redis.username(), redis.password(), redis.db()), (Some("u"), Some("pw"), 3));
        assert_eq!(redis.protocol(), ProtocolVersion::RESP3);
        let config = config();
        assert_eq!((config.number_of_retries(), config.response_timeout()), (0, None));
        assert_eq!(config.connection_timeout(), Some(settings::CONNECT));
        assert!(format!("{config:?}").contains("pipeline_buffer_size: Some(4096)"), "{config:?}");
    }

    #[test]
    fn without_a_runtime_it_is_an_error_and_no_panic() {
        let error = connection_manager(Client::open("redis://u:hunter2@a").unwrap()).err().unwrap();
        assert_eq!((error.field(), error.value()), ("runtime", "none"));
    }
}
