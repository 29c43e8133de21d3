//! Plain commands to one server, for what lock nodes have no verb for.

use std::error::Error;
use std::sync::{Arc, OnceLock};
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
    /// It cannot be reached.
    Unreachable,
    /// The connection broke.
    Closed,
    /// No answer within the time limit.
    Timeout,
    /// User or password are wrong or missing.
    Login,
    /// No right to the command or key.
    Denied,
    /// It takes nobody from elsewhere: protected mode.
    Protected,
    /// It has as many clients as it takes.
    Full,
    /// It has no such database.
    Database,
    /// Its certificate is not trusted, or is another's.
    Certificate,
    /// The certificates that are trusted cannot be read.
    Trust,
    /// One of the two speaks no TLS, or another one.
    Tls,
    /// It answers, and not as a Redis server does.
    Protocol,
    /// The URL cannot be used.
    Url,
    /// Anything else that it said.
    Refused,
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Of a server that was not asked again, since it did not answer before.
    pub(crate) fn silent() -> Self {
        Self::new(TroubleKind::Timeout, "gave no answer before, and was not asked again")
    }

    /// Whether there is nobody any more who could answer.
    pub(crate) fn is_gone(&self) -> bool {
        use TroubleKind::{Closed, Timeout, Unreachable};
        matches!(self.kind, Timeout | Unreachable | Closed)
    }

    fn timeout(limit: Duration) -> Self {
        Self::new(TroubleKind::Timeout, format!("no answer within {}", crate::output::span(limit)))
    }
}

/// A connection of its own. Not the node's: what is asked here must not come between its commands.
///
/// A server that did not answer once, or that went away, is not asked again: that would take a time limit each.
#[derive(Clone)]
pub(crate) struct Raw {
    connection: MultiplexedConnection,
    limit: Duration,
    gone: Arc<OnceLock<Trouble>>,
}

impl Raw {
    /// Connects and logs in. `limit` is for that, and for each call.
    pub(crate) async fn connect(url: &Secret, limit: Duration) -> Result<Self, Trouble> {
        let client = client(url).map_err(|error| trouble(&error))?;
        let tls =
            matches!(client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. });
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let trouble = match timeout(limit, connecting).await {
            Ok(Ok(connection)) => return Ok(Self { connection, limit, gone: Arc::default() }),
            Ok(Err(error)) => trouble(&error),
            Err(_) => Trouble::timeout(limit),
        };
        // A server that speaks no TLS waits for the end of what it takes for a line.
        let kind = match trouble.kind {
            TroubleKind::Timeout if tls => TroubleKind::Tls,
            kind => kind,
        };
        Err(Trouble { kind, ..trouble })
    }

    /// Sends one command.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, Trouble> {
        if let Some(gone) = self.gone.get() {
            return Err(gone.clone());
        }
        let mut connection = self.connection.clone();
        let answer = match timeout(self.limit, connection.send_packed_command(command)).await {
            Ok(Ok(Value::ServerError(error))) => Err(said(error.code(), error.details())),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble::timeout(self.limit)),
        };
        if let Err(trouble) = &answer
            && trouble.is_gone()
        {
            let _ = self.gone.set(trouble.clone());
        }
        answer
    }

    /// Why it is not asked any more.
    pub(crate) fn gone(&self) -> Option<&Trouble> {
        self.gone.get()
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

pub(super) fn client(url: &Secret) -> Result<Client, RedisError> {
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
        ErrorKind::Io | ErrorKind::Client if is_of_tls(error) => {
            of_tls(crate::output::plain(&error.to_string()))
        }
        ErrorKind::Io => match by_text(error.to_string()) {
            (TroubleKind::Unreachable, text)
                if error.is_connection_dropped() && !error.is_connection_refusal() =>
            {
                (TroubleKind::Closed, format!("the server closed the connection: {text}"))
            }
            said => said,
        },
        // Whatever is said about a login may repeat it.
        ErrorKind::AuthenticationFailed => {
            (TroubleKind::Login, "user name or password are wrong or missing".into())
        }
        ErrorKind::Parse => (TroubleKind::Protocol, "answers, but not as Redis does".into()),
        ErrorKind::InvalidClientConfig => (TroubleKind::Url, "the URL cannot be used".into()),
        _ => (TroubleKind::Refused, error.category().to_owned()),
    };
    Trouble::new(kind, text)
}

/// Whether it is what TLS said before there was a connection: all else that is wrapped is of I/O.
fn is_of_tls(error: &RedisError) -> bool {
    let wrapped = error.source();
    let wrapped = wrapped.and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    wrapped.is_some_and(|wrapped| !wrapped.is::<std::io::Error>())
}

/// The host's name is none that a certificate could be for, or there are none to trust.
fn of_tls(said: String) -> (TroubleKind, String) {
    if said.contains("dns name") {
        return (TroubleKind::Certificate, said);
    }
    (TroubleKind::Trust, format!("the trusted certificates cannot be read: {said}"))
}

/// An error of the connection has no kind of its own for TLS.
fn by_text(text: String) -> (TroubleKind, String) {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let kind = if has(&["certificate"]) {
        TroubleKind::Certificate
    } else if has(&["corrupt message", "fatal alert", "peer is incompatible", "handshake"]) {
        TroubleKind::Tls
    } else {
        TroubleKind::Unreachable
    };
    (kind, crate::output::plain(&text))
}

/// What a server said.
pub(super) fn said(code: &str, detail: Option<&str>) -> Trouble {
    let text = detail.map_or_else(|| code.to_owned(), |detail| format!("{code} {detail}"));
    // It repeats the arguments of commands that it does not know, `AUTH` included.
    let text = text.split(", with args").next().unwrap_or_default();
    let text: String = crate::output::plain(text.trim()).chars().take(200).collect();
    let kind = match code {
        "NOAUTH" | "WRONGPASS" => TroubleKind::Login,
        "NOPERM" => TroubleKind::Denied,
        "DENIED" => TroubleKind::Protected,
        _ => by_phrase(&text),
    };
    Trouble::new(kind, text)
}

fn by_phrase(text: &str) -> TroubleKind {
    const PHRASES: [(&str, TroubleKind); 8] = [
        ("can't run this command", TroubleKind::Denied),
        ("ACL failure in script", TroubleKind::Denied),
        ("has no permissions", TroubleKind::Denied),
        ("max number of clients", TroubleKind::Full),
        ("max number of connections", TroubleKind::Full),
        ("DB index", TroubleKind::Database),
        ("SELECT is not allowed", TroubleKind::Database),
        ("without any password configured", TroubleKind::Login),
    ];
    let found = PHRASES.iter().find(|(phrase, _)| text.contains(phrase));
    found.map_or(TroubleKind::Refused, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn what_a_server_says_is_told_apart_and_repeats_no_password() {
        let cases = [
            ("NOPERM", "this user has no permissions", TroubleKind::Denied),
            ("WRONGPASS", "invalid username-password pair", TroubleKind::Login),
            ("ERR", "ACL failure in script: no permissions", TroubleKind::Denied),
            (
                "ERR",
                "this user has no permissions to run the 'select' command",
                TroubleKind::Denied,
            ),
            ("DENIED", "Redis is running in protected mode because", TroubleKind::Protected),
            ("ERR", "DB index is out of range", TroubleKind::Database),
            ("ERR", "max number of clients reached", TroubleKind::Full),
            ("LOADING", "Redis is loading the dataset in memory", TroubleKind::Refused),
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
    fn what_is_wrong_with_a_connection_is_told_apart() {
        let parse = trouble(&RedisError::from((ErrorKind::Parse, "no reply")));
        assert_eq!(parse.kind, TroubleKind::Protocol, "{parse}");
        let io =
            |text: &str| trouble(&RedisError::from(std::io::Error::other(text.to_owned()))).kind;
        let dropped = |kind| trouble(&RedisError::from(std::io::Error::from(kind))).kind;
        use std::io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
        for kind in [BrokenPipe, ConnectionReset, UnexpectedEof] {
            assert_eq!(dropped(kind), TroubleKind::Closed, "{kind}");
        }
        assert_eq!(dropped(ConnectionRefused), TroubleKind::Unreachable);
        for (text, kind) in [
            ("Connection refused (os error 111)", TroubleKind::Unreachable),
            ("failed to lookup address information", TroubleKind::Unreachable),
            ("invalid peer certificate: UnknownIssuer", TroubleKind::Certificate),
            ("received fatal alert: HandshakeFailure", TroubleKind::Tls),
            ("received corrupt message of type InvalidContentType", TroubleKind::Tls),
        ] {
            assert_eq!(io(text), kind, "{text}");
        }
    }

    /// What does not answer is asked once; the second question would wait for nothing.
    #[tokio::test]
    async fn a_server_that_does_not_answer_is_not_asked_again() {
        let (url, asked) = deaf().await;
        let raw = Raw::connect(&url, Duration::from_secs(2)).await.unwrap();
        let first = raw.call(&redis::cmd("PING")).await.unwrap_err();
        assert_eq!((first.kind, raw.gone()), (TroubleKind::Timeout, Some(&first)));
        for _ in 0..10 {
            assert_eq!(raw.call(&redis::cmd("PING")).await.unwrap_err(), first);
        }
        // What was asked arrives before the end of the connection.
        drop(raw);
        assert_eq!(asked.await.unwrap(), b"*1\r\n$4\r\nPING\r\n");
    }

    /// A server that reads and says nothing, and all that it read.
    async fn deaf() -> (Secret, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Secret::new(format!("redis://{}", listener.local_addr().unwrap()));
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            // Whoever gives up may cut the connection.
            let _ = stream.read_to_end(&mut asked).await;
            asked
        });
        (url, asked)
    }

    #[test]
    fn a_url_says_where_its_host_is() {
        let at = |url: &str| host(&Secret::new(url));
        assert_eq!(at("redis://u:p@a:1/2"), Some(("a".into(), 1)));
        assert_eq!(at("redis+unix:///r.sock"), None);
    }
}
