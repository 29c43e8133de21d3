use std::sync::Arc;
use std::time::Duration;

use redis::aio::SendError;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, PushInfo, PushKind};
use tokio::sync::Notify;

/// Limit for looking the host up, connecting and the handshake, all together.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);
/// How long sent bytes may stay unacknowledged.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(2);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);
/// Commands that may be unanswered. No more are handed to redis-rs, whose queue is as long, so that none waits for room
/// there: they would get it in any order.
pub(crate) const UNANSWERED: usize = 4_096;

/// What the URL does not say.
pub(crate) fn connection_info(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    let tcp = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let (tcp, keepalive) =
        (tcp.set_user_timeout(UNACKNOWLEDGED), keepalive.with_interval(UNACKNOWLEDGED));
    // A server that turns the connection down closes it right after it said why. With a second command
    // under way the client would see only that the connection broke.
    let redis = info.redis_settings().clone().set_skip_set_lib_name();
    info.set_tcp_settings(tcp.set_keepalive(keepalive)).set_redis_settings(redis)
}

/// How to connect; `lost` is told when the server ends the connection.
pub(crate) fn connection(client: &Client, lost: Arc<Notify>) -> AsyncConnectionConfig {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        // Every command has its own limit already: two timers would be one too many.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(UNANSWERED);
    if !client.get_connection_info().redis_settings().protocol().supports_resp3() {
        return config;
    }
    config.set_push_sender(move |push: PushInfo| {
        if push.kind == PushKind::Disconnection {
            lost.notify_one();
        }
        Ok::<(), SendError>(())
    })
}

/// What must be done before a connection is made.
pub(crate) fn before_connecting(_client: &Client) {
    #[cfg(feature = "tls-rustls")]
    if matches!(_client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. }) {
        choose_ciphers();
    }
}

/// Makes sure that rustls has a set of ciphers: it panics when it is left to choose among several.
///
/// Called as late as possible, so that the application's own choice comes first.
#[cfg(feature = "tls-rustls")]
fn choose_ciphers() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Fails only when somebody else was faster, which is as good.
        let _ = ring::default_provider().install_default();
    }
}
