//! Plain commands to one server, for what lock nodes have no verb for.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, IntoConnectionInfo, RedisError, Value};
use tokio::time::timeout;

use crate::config::Secret;

/// Why a server did not do what it was told. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// It cannot be reached, or the connection broke.
    Unreachable,
    /// No answer within the time limit.
    Timeout,
    /// User or password are wrong or missing.
    Login,
    /// No right to the command or key.
    Denied,
    /// Anything else that it said.
    Refused,
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    fn timeout(limit: Duration) -> Self {
        Self::new(TroubleKind::Timeout, format!("no answer within {}", crate::output::span(limit)))
    }
}

/// A connection of its own. Not the node's: what is asked here must not come between its commands.
#[derive(Clone)]
pub(crate) struct Raw {
    connection: MultiplexedConnection,
    limit: Duration,
}

impl Raw {
    /// Connects and logs in. `limit` is for that, and for each call.
    pub(crate) async fn connect(url: &Secret, limit: Duration) -> Result<Self, Trouble> {
        let client = client(url).map_err(|error| trouble(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        match timeout(limit, connecting).await {
            Ok(Ok(connection)) => Ok(Self { connection, limit }),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble::timeout(limit)),
        }
    }

    /// Sends one command.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, Trouble> {
        let mut connection = self.connection.clone();
        match timeout(self.limit, connection.send_packed_command(command)).await {
            Ok(Ok(Value::ServerError(error))) => Err(said(error.code(), error.details())),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble::timeout(self.limit)),
        }
    }

    /// Sends one command whose answer is a text.
    pub(crate) async fn text(&self, command: &Cmd) -> Result<String, Trouble> {
        let value = self.call(command).await?;
        redis::from_redis_value(value)
            .map_err(|_| Trouble::new(TroubleKind::Refused, "an unexpected answer"))
    }
}

/// Host and port of the URL; nothing for a local socket.
pub(crate) fn host(url: &Secret) -> Option<(String, u16)> {
    match client(url).ok()?.get_connection_info().addr() {
        redis::ConnectionAddr::Tcp(host, port)
        | redis::ConnectionAddr::TcpTls { host, port, .. } => Some((host.clone(), *port)),
        _ => None,
    }
}

fn client(url: &Secret) -> Result<Client, RedisError> {
    let info = url.expose().into_connection_info()?;
    // One command less for which the user needs a right.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Client::open(info.set_redis_settings(settings))
}

fn trouble(error: &RedisError) -> Trouble {
    if let Some(code) = error.code() {
        return said(code, error.detail());
    }
    let (kind, text) = match error.kind() {
        ErrorKind::Io if error.is_timeout() => (TroubleKind::Timeout, "no answer in time".into()),
        ErrorKind::Io => (TroubleKind::Unreachable, error.to_string()),
        // Whatever is said about a login may repeat it.
        ErrorKind::AuthenticationFailed => {
            (TroubleKind::Login, "user name or password are wrong or missing".into())
        }
        ErrorKind::InvalidClientConfig => {
            (TroubleKind::Unreachable, "the URL cannot be used".into())
        }
        _ => (TroubleKind::Refused, error.category().to_owned()),
    };
    Trouble::new(kind, text)
}

/// What a server said.
fn said(code: &str, detail: Option<&str>) -> Trouble {
    let text = detail.map_or_else(|| code.to_owned(), |detail| format!("{code} {detail}"));
    // It repeats the arguments of commands that it does not know, `AUTH` included.
    let text = text.split(", with args").next().unwrap_or_default();
    let text: String = crate::output::plain(text.trim()).chars().take(200).collect();
    let kind = match code {
        "NOAUTH" | "WRONGPASS" => TroubleKind::Login,
        "NOPERM" => TroubleKind::Denied,
        _ if text.contains("can't run this command") || text.contains("ACL failure in script") => {
            TroubleKind::Denied
        }
        _ => TroubleKind::Refused,
    };
    Trouble::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_told_apart_and_repeats_no_password() {
        let cases = [
            ("NOPERM", "this user has no permissions", TroubleKind::Denied),
            ("WRONGPASS", "invalid username-password pair", TroubleKind::Login),
            ("ERR", "ACL failure in script: no permissions", TroubleKind::Denied),
            (
                "ERR",
                "unknown command 'AUTH', with args beginning with: 'hunter2'",
                TroubleKind::Refused,
            ),
        ];
        for (code, detail, kind) in cases {
            let trouble = said(code, Some(detail));
            assert_eq!(trouble.kind, kind, "{trouble}");
            assert!(!format!("{trouble} {trouble:?}").contains("hunter2"), "{trouble}");
        }
    }

    #[test]
    fn a_url_says_where_its_host_is() {
        let at = |url: &str| host(&Secret::new(url));
        assert_eq!(at("redis://u:p@a:1/2"), Some(("a".into(), 1)));
        assert_eq!(at("redis+unix:///r.sock"), None);
    }
}
