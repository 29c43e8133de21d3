//! Clients: fast ones that keep their connection, and ones that hang up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers over a time.
#[derive(Default)]
pub(crate) struct Measured {
    latencies: Vec<Duration>,
    time: Duration,
}

impl Measured {
    pub(crate) fn add(&mut self, mut other: Self) {
        self.latencies.append(&mut other.latencies);
        self.latencies.sort_unstable();
        self.time += other.time;
    }

    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Sends one request after the other on each connection, each for an id of its own.
pub(crate) async fn load(addr: SocketAddr, connections: usize, time: Duration) -> Measured {
    let begin = Instant::now();
    let clients = (0..connections).map(|_| {
        tokio::spawn(async move {
            let mut client = Client::connect(addr).await;
            let mut latencies = Vec::new();
            while begin.elapsed() < time {
                let id = NEXT.fetch_add(1, Ordering::Relaxed);
                let asked = Instant::now();
                client.send(id).await;
                assert_eq!(client.status().await, 200);
                latencies.push(asked.elapsed());
            }
            latencies
        })
    });
    let mut all = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        all.append(&mut client.await.unwrap());
    }
    Measured { latencies: all, time: begin.elapsed() }
}

/// What became of the requests of a storm.
#[derive(Default)]
pub(crate) struct Storm {
    pub(crate) answered: usize,
    pub(crate) refused: usize,
    pub(crate) hung_up: usize,
}

/// `requests` over ten ids, of which 30 % are given up within 3 ms.
pub(crate) async fn storm(addr: SocketAddr, requests: usize, connections: usize) -> Storm {
    let clients = (0..connections).map(|n| {
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(n as u64);
            let mut storm = Storm::default();
            let mut client = Client::connect(addr).await;
            for _ in 0..requests / connections + usize::from(n < requests % connections) {
                client.send(random.usize(0..10)).await;
                if random.u8(0..10) < 3 {
                    let patience = Duration::from_micros(random.u64(0..3_000));
                    let _ = tokio::time::timeout(patience, client.status()).await;
                    storm.hung_up += 1;
                    client = Client::connect(addr).await;
                    continue;
                }
                match client.status().await {
                    200 => storm.answered += 1,
                    409 => storm.refused += 1,
                    other => unreachable!("status {other}"),
                }
            }
            storm
        })
    });
    let mut sum = Storm::default();
    for client in clients.collect::<Vec<_>>() {
        let storm = client.await.unwrap();
        sum.answered += storm.answered;
        sum.refused += storm.refused;
        sum.hung_up += storm.hung_up;
    }
    sum
}

struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::with_capacity(1024) }
    }

    async fn send(&mut self, id: usize) {
        let request =
            format!("POST /orders/{id}/pay HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads a whole answer.
    async fn status(&mut self) -> u16 {
        self.read.clear();
        loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.read[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if self.read.len() >= end + 4 + length {
                    return head[9..12].parse().unwrap();
                }
            }
            assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0, "the server hung up");
        }
    }
}
