use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::socket2::TcpKeepalive;
use fred::types::Builder;
use fred::types::config::{Config, Options, PerformanceConfig};
use redlock_core::error::ConfigError;

use crate::url::NodeUrl;

/// Limit for connecting, and again for the handshake.
const CONNECT: Duration = Duration::from_secs(2);
/// How long sent bytes may stay unacknowledged.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(2);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(10);
const UNRESPONSIVE_CHECK: Duration = Duration::from_secs(2);
/// Messages that a subscription keeps for a listener that is busy; further ones are lost.
const WAITING_MESSAGES: usize = 1_024;

/// A client to make others after, with [`once`].
pub(crate) fn client(url: NodeUrl) -> Result<(String, Client), ConfigError> {
    let client = Builder::from_config(url.config)
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT;
            connection.internal_command_timeout = CONNECT;
            connection.max_command_attempts = 1;
            // What a server says of a user's rights is an answer to a command, not a broken connection.
            connection.reconnect_on_auth_error = false;
            connection.unresponsive.max_timeout = Some(UNRESPONSIVE_AFTER);
            connection.unresponsive.interval = UNRESPONSIVE_CHECK;
            connection.tcp.nodelay = Some(true);
            let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
            connection.tcp.keepalive = Some(keepalive.clone());
            #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
            {
                connection.tcp.keepalive = Some(keepalive.with_interval(UNACKNOWLEDGED));
                connection.tcp.user_timeout = Some(UNACKNOWLEDGED);
            }
        })
        .build()
        .map_err(|_| {
            ConfigError::new("url", url.name.clone(), "must be an address that fred accepts")
        })?;
    Ok((url.name, client))
}

/// A client for a single connection, made as `model` is.
pub(crate) fn once(model: &Client) -> Client {
    made_as(model, model.perf_config())
}

/// A client for a subscription, made as `model` is. It connects once and is not connected again.
pub(crate) fn listener(model: &Client) -> Client {
    let performance =
        PerformanceConfig { broadcast_channel_capacity: WAITING_MESSAGES, ..model.perf_config() };
    made_as(model, performance)
}

fn made_as(model: &Client, performance: PerformanceConfig) -> Client {
    let config = Config { fail_fast: true, ..model.client_config() };
    let connection = model.connection_config().clone();
    Client::new(config, Some(performance), Some(connection), None)
}

/// How a command is sent that has `timeout` left, which must not be zero: fred takes that for no limit.
pub(crate) fn command(timeout: Duration) -> Options {
    Options {
        // Not 0, which fred reads as "the client's default".
        max_attempts: Some(1),
        timeout: Some(timeout),
        fail_fast: true,
        ..Options::default()
    }
}
