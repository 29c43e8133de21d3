//! What is heard of a server that hung up: its own reason, or that it is a server of another kind.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::raw::{Trouble, TroubleKind, client, said};
use crate::config::Secret;

/// Of a greeting, in bytes.
const LONGEST: usize = 1024;

/// Of what is repeated of it, in characters.
const SHOWN: usize = 60;

/// What every answer of a Redis server begins with.
const REPLIES: &[u8] = b"+-:$*_#,(!=%~>|";

/// How a record of TLS begins that says what is wrong.
const TLS_ALERT: &[u8] = &[0x15, 3];

/// Why a server turns everybody away, which it says before it is asked anything: that is lost to a client that speaks first,
/// when the connection is closed meanwhile. One that says nothing by itself for as long as `quiet` is asked something that
/// every server answers, if only with an error. `limit` is for each step.
///
/// Nothing where that tells no more than that the connection was closed.
pub(crate) async fn greeting(url: &Secret, quiet: Duration, limit: Duration) -> Option<Trouble> {
    let redis::ConnectionAddr::Tcp(host, port) =
        client(url).ok()?.get_connection_info().addr().clone()
    else {
        return None;
    };
    let connecting = TcpStream::connect((host, port));
    let mut stream = timeout(limit, connecting).await.ok()?.ok()?;
    let mut heard = Vec::new();
    let unasked = timeout(quiet, line(&mut stream, &mut heard)).await;
    if let Some(refusal) = refusal(&heard) {
        return Some(refusal);
    }
    if heard.is_empty() && unasked.is_err() {
        // Of a Redis server that says no more than that it is one.
        stream.write_all(b"PING\r\n").await.ok()?;
        let _ = timeout(limit, line(&mut stream, &mut heard)).await;
    }
    of_another_kind(&heard)
}

/// Adds what comes, up to the end of the line; whatever else comes is no greeting.
async fn line(stream: &mut TcpStream, heard: &mut Vec<u8>) {
    while !heard.contains(&b'\n') && heard.len() < LONGEST {
        match stream.read_buf(heard).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// A Redis server's own words.
fn refusal(heard: &[u8]) -> Option<Trouble> {
    let line = String::from_utf8_lossy(heard.split(|byte| *byte == b'\r').next()?).into_owned();
    let (code, detail) = line.strip_prefix('-')?.split_once(' ')?;
    Some(said(code, Some(detail)))
}

fn of_another_kind(heard: &[u8]) -> Option<Trouble> {
    let first = heard.first()?;
    if REPLIES.contains(first) {
        return None;
    }
    if heard.starts_with(TLS_ALERT) {
        return Some(Trouble::new(TroubleKind::Tls, "answers in TLS"));
    }
    let line = heard.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let shown: String = String::from_utf8_lossy(line).chars().take(SHOWN).collect();
    let shown = crate::output::plain(&shown);
    let text = format!("answers, but not as Redis does: `{}`", shown.trim());
    Some(Trouble::new(TroubleKind::Protocol, text))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What is heard of a server that says `unasked`, and `asked` to whatever it is asked.
    async fn heard(unasked: &'static [u8], asked: &'static [u8]) -> Option<Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Secret::new(format!("redis://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(unasked).await.unwrap();
            // Whoever is asked nothing waits.
            if stream.read(&mut [0; 64]).await.unwrap_or_default() > 0 {
                let _ = stream.write_all(asked).await;
            }
        });
        let long = Duration::from_secs(10);
        let quiet = if unasked.is_empty() { Duration::from_millis(1) } else { long };
        greeting(&url, quiet, long).await
    }

    #[tokio::test]
    async fn a_server_of_another_kind_is_told_by_what_it_says() {
        use TroubleKind::{Full, Protocol, Tls};
        let cases: [(&[u8], &[u8], TroubleKind, &str); 6] = [
            (b"SSH-2.0-x_9\r\n", b"", Protocol, "answers, but not as Redis does: `SSH-2.0-x_9`"),
            (
                b"",
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                Protocol,
                "answers, but not as Redis does: `HTTP/1.1 400 Bad Request`",
            ),
            (b"", b"ERROR\r\n", Protocol, "answers, but not as Redis does: `ERROR`"),
            (b"", b"\x15\x03\x01\0\x02\x02F", Tls, "answers in TLS"),
            (b"a\x1b[2Jb\n", b"", Protocol, "answers, but not as Redis does: `a"),
            (b"-ERR max number of clients reached\r\n", b"", Full, "ERR max number"),
        ];
        for (unasked, asked, kind, said) in cases {
            let trouble = heard(unasked, asked).await.unwrap();
            assert_eq!(trouble.kind, kind, "{trouble}");
            let text = trouble.to_string();
            assert!(text.starts_with(said) && !text.contains('\x1b'), "{text}");
        }
    }

    #[tokio::test]
    async fn of_a_redis_server_and_of_one_that_says_nothing_there_is_nothing_to_tell() {
        for asked in [b"+PONG\r\n" as &[u8], b"-NOAUTH Authentication required.\r\n", b""] {
            assert_eq!(heard(b"", asked).await, None);
        }
    }
}
