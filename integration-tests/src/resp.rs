//! A very small RESP2 client: the back door by which tests look at a server and change it, sharing no code with the
//! client libraries under test.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Int(i64),
    /// `$3 …`, or `None` for the null string and the null array.
    Bulk(Option<Vec<u8>>),
    /// `*2 …`
    Array(Vec<Reply>),
}

impl Reply {
    /// The text of a simple or bulk string, lossily; `None` for everything else.
    pub fn text(&self) -> Option<String> {
        match self {
            Reply::Simple(text) => Some(text.clone()),
            Reply::Bulk(Some(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The error's message, if this is one.
    pub fn error(&self) -> Option<&str> {
        match self {
            Reply::Error(message) => Some(message),
            _ => None,
        }
    }
}

/// As `redis-cli` would show it without quotes: `(nil)` for null, one line per element of an array.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Simple(text) | Reply::Error(text) => f.write_str(text),
            Reply::Int(number) => write!(f, "{number}"),
            Reply::Bulk(None) => f.write_str("(nil)"),
            Reply::Bulk(Some(bytes)) => f.write_str(&String::from_utf8_lossy(bytes)),
            Reply::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str("\n")?;
                    }
                    item.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

/// One connection to one server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Connects; no greeting is sent.
    pub async fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Sends one command and waits for its reply, for ever if need be.
    pub async fn call(&mut self, command: &[impl AsRef<[u8]>]) -> Result<Reply> {
        self.send(command).await?;
        self.receive().await
    }

    /// Sends one command without waiting for its reply.
    pub async fn send(&mut self, command: &[impl AsRef<[u8]>]) -> Result<()> {
        self.stream.write_all(&encode(command)).await
    }

    /// Waits for the next reply. Cancelling it loses nothing: what was read is kept for the next call.
    pub async fn receive(&mut self) -> Result<Reply> {
        loop {
            if let Some((reply, used)) = parse(&self.unread)? {
                self.unread.drain(..used);
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Connects, sends one command, and waits for its reply.
pub async fn call(addr: SocketAddr, command: &[impl AsRef<[u8]>]) -> Result<Reply> {
    Connection::connect(addr).await?.call(command).await
}

/// A command as it looks on the wire.
pub fn encode(command: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", command.len()).into_bytes();
    for part in command {
        let part = part.as_ref();
        wire.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        wire.extend_from_slice(part);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

/// How many bytes the first value in `bytes` takes, once it is there whole. An inline command is one line.
pub(crate) fn first_request(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'*' => match parse(bytes) {
            Ok(whole) => whole.map(|(_, used)| used),
            Err(_) => Some(bytes.len()), // not ours to judge: pass it on as it came
        },
        _ => line(bytes).map(|(_, used)| used),
    }
}

/// The first value in `bytes` and its length, or `None` if it is not there whole yet.
fn parse(bytes: &[u8]) -> Result<Option<(Reply, usize)>> {
    let Some((head, mut used)) = line(bytes) else {
        return Ok(None);
    };
    let (kind, rest) = head.split_at_checked(1).ok_or(ErrorKind::InvalidData)?;
    let text = String::from_utf8_lossy(rest).into_owned();
    let number = || text.parse::<i64>().map_err(|e| Error::new(ErrorKind::InvalidData, e));
    let reply = match kind {
        b"+" => Reply::Simple(text),
        b"-" => Reply::Error(text),
        b":" => Reply::Int(number()?),
        b"$" | b"*" if number()? < 0 => Reply::Bulk(None),
        b"$" => {
            let end = used + number()? as usize;
            if bytes.len() < end + 2 {
                return Ok(None);
            }
            let body = bytes[used..end].to_vec();
            used = end + 2;
            Reply::Bulk(Some(body))
        }
        b"*" => {
            let mut items = Vec::new();
            for _ in 0..number()? {
                let Some((item, length)) = parse(&bytes[used..])? else {
                    return Ok(None);
                };
                items.push(item);
                used += length;
            }
            Reply::Array(items)
        }
        _ => return Err(Error::new(ErrorKind::InvalidData, "not a RESP2 reply")),
    };
    Ok(Some((reply, used)))
}

/// The first line without its end, and its length with it.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], end + 2))
}
