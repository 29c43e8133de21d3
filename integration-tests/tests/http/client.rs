//! A client of HTTP/1.1 that can leave at any moment.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::patiently;
use crate::handler::{DOES, Does};

/// A `POST`, unless it says otherwise.
pub(crate) struct Request {
    method: &'static str,
    head: String,
    announced: usize,
}

impl Request {
    pub(crate) fn new(path: &str, does: Does) -> Self {
        let head = format!(" {path} HTTP/1.1\r\nhost: localhost\r\n");
        Self { method: "POST", head, announced: 0 }.header(DOES, &does.name())
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    /// Announces a body of this length, of which nothing is sent.
    pub(crate) fn announcing(mut self, bytes: usize) -> Self {
        self.announced = bytes;
        self
    }
}

/// The head of a response.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Self { status, headers: headers.collect() }
    }
}

/// A response as a whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    /// The reason of a problem, and when it says to try again.
    pub(crate) fn problem(&self) -> (&str, Option<u64>) {
        assert_eq!(self.head.header("content-type"), Some("application/problem+json"), "{self:?}");
        let (_, reason) = self.text.split_once(r#""reason":""#).unwrap();
        let retry_after = self.head.header("retry-after");
        (reason.trim_end_matches("\"}"), retry_after.map(|seconds| seconds.parse().unwrap()))
    }

    /// Asserts that another request was said to have the lock.
    pub(crate) fn expect_contended(&self) {
        let (reason, retry_after) = self.problem();
        assert_eq!((self.status(), reason), (409, "contended"), "{self:?}");
        assert!(retry_after.is_some_and(|seconds| seconds >= 1), "{self:?}");
    }

    pub(crate) fn expect(&self, status: u16, text: &str) {
        assert_eq!((self.status(), self.text.as_str()), (status, text), "{self:?}");
    }
}

/// One connection. Dropped, it is closed.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, request: Request) -> io::Result<()> {
        let Request { method, head, announced } = request;
        let head = format!("{method}{head}content-length: {announced}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await
    }

    pub(crate) async fn ask(&mut self, request: Request) -> io::Result<Answer> {
        self.send(request).await?;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?;
        let mut body = Vec::new();
        if head.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await? {
                body.extend(chunk);
            }
        } else {
            let length = head.header("content-length").unwrap_or("0").parse().unwrap();
            body = self.take(length).await?;
        }
        Ok(Answer { head, text: String::from_utf8(body).unwrap() })
    }

    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let head = self.up_to(b"\r\n\r\n").await?;
        Ok(Head::parse(&head))
    }

    /// The next chunk of a body that is sent in chunks; `None` is the terminating one.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = self.up_to(b"\r\n").await?;
        let chunk = self.take(usize::from_str_radix(&length, 16).unwrap()).await?;
        assert_eq!(self.take(2).await?, b"\r\n");
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    async fn up_to(&mut self, end: &[u8]) -> io::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                let mut text = self.take(at + end.len()).await?;
                text.truncate(at);
                return Ok(String::from_utf8(text).unwrap());
            }
            self.read().await?;
        }
    }

    async fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < bytes {
            self.read().await?;
        }
        Ok(self.buffer.drain(..bytes).collect())
    }

    async fn read(&mut self) -> io::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer);
        match patiently("the server sends", read).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
