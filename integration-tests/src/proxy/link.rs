//! One connection through the proxy: in each direction a reader that never waits for the mode, and a writer that obeys
//! it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::shared::{Mode, Shared};
use crate::resp;

/// Bytes on their way, and when they came.
type Held = (Instant, Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// What to do with bytes whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Forward,
    Discard,
    CutAfter,
}

/// Runs until the connection is over or the proxy cuts it.
pub(super) async fn run(
    client: TcpStream,
    number: u64,
    mut cuts: watch::Receiver<u64>,
    shared: Arc<Shared>,
) {
    tokio::select! {
        biased;
        _ = cuts.changed() => {}
        () = carry(client, number, &shared) => {}
    }
    shared.live.send_modify(|live| *live -= 1);
}

/// The connection lives until the server closes it and the client has got all that came before. A client that closes
/// first, or is reset, only ends its own direction: what it sent must still arrive.
async fn carry(client: TcpStream, number: u64, shared: &Shared) {
    let _ = client.set_nodelay(true);
    let upstream = *shared.upstream.lock().unwrap();
    if let Ok(server) = TcpStream::connect(upstream).await {
        let _ = server.set_nodelay(true);
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        let (up, held_up) = unbounded_channel();
        let (down, held_down) = unbounded_channel();
        let cutting = AtomicBool::new(false);
        let upwards = async {
            tokio::join!(
                read_requests(client_read, up, shared),
                write_requests(server_write, held_up, number, &cutting, shared),
            );
            std::future::pending().await
        };
        let downwards = async {
            tokio::join!(
                read_replies(server_read, down),
                write_replies(client_write, held_down, number, &cutting, shared),
            )
        };
        tokio::select! {
            ((), client_write) = downwards => end(client_write, shared).await,
            () = upwards => {}
        }
    } else {
        end(client, shared).await;
    }
}

/// Closes the client's connection, but not while the network is stalled: then nobody learns what the server did.
async fn end<T>(client: T, shared: &Shared) {
    let mut modes = shared.mode.subscribe();
    let _ = modes.wait_for(|mode| !matches!(mode, Mode::Stall | Mode::Blackhole)).await;
    drop(client);
}

/// Splits what the client sends into requests.
async fn read_requests(mut from: OwnedReadHalf, to: UnboundedSender<Held>, shared: &Shared) {
    let sent = shared.traffic.connection();
    let mut unread = Vec::new();
    let mut recorded = 0;
    // A reset is an end like any other: what came before it is forwarded.
    while matches!(from.read_buf(&mut unread).await, Ok(1..)) {
        if !shared.traffic.forgetful {
            sent.lock().unwrap().extend_from_slice(&unread[recorded..]);
        }
        while let Some(length) = resp::first_request(&unread) {
            let _ = to.send((Instant::now(), unread.drain(..length).collect()));
        }
        recorded = unread.len();
    }
}

async fn read_replies(mut from: OwnedReadHalf, to: UnboundedSender<Held>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let _ = to.send((Instant::now(), buffer[..length].to_vec()));
    }
}

// Neither writer minds an error: when the server is gone its replies end too, when the client is gone its requests do.

async fn write_requests(
    mut to: OwnedWriteHalf,
    mut held: UnboundedReceiver<Held>,
    number: u64,
    cutting: &AtomicBool,
    shared: &Shared,
) {
    while let Some((came, bytes)) = held.recv().await {
        let verdict = judge(came, &bytes, Direction::Up, number, shared).await;
        if verdict == Verdict::Discard {
            continue;
        }
        if verdict == Verdict::CutAfter {
            cutting.store(true, Ordering::SeqCst); // before the server can reply
        }
        shared.traffic.requests.fetch_add(1, Ordering::SeqCst);
        shared.traffic.bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        let _ = to.write_all(&bytes).await;
        if verdict == Verdict::CutAfter {
            break;
        }
    }
    // The server executes all that it got before it sees this end, and then closes its side: only then is the client
    // cut off, so the request that lost its reply has certainly been executed.
    let _ = to.shutdown().await;
}

/// Gives the client's half back, so that the caller says when it closes.
async fn write_replies(
    mut to: OwnedWriteHalf,
    mut held: UnboundedReceiver<Held>,
    number: u64,
    cutting: &AtomicBool,
    shared: &Shared,
) -> OwnedWriteHalf {
    while let Some((came, bytes)) = held.recv().await {
        let verdict = judge(came, &bytes, Direction::Down, number, shared).await;
        if verdict == Verdict::Forward && !cutting.load(Ordering::SeqCst) {
            let _ = to.write_all(&bytes).await;
        }
    }
    to
}

/// Waits until the mode lets the bytes go, and says where. A change of the mode applies to what is waiting.
async fn judge(
    came: Instant,
    bytes: &[u8],
    direction: Direction,
    number: u64,
    shared: &Shared,
) -> Verdict {
    if number <= shared.muted.load(Ordering::SeqCst) {
        return Verdict::Discard;
    }
    let mut modes = shared.mode.subscribe();
    loop {
        let mode = *modes.borrow_and_update();
        let delay: Option<Duration> = match (mode, direction) {
            (Mode::Refuse | Mode::Blackhole, _) | (Mode::DropReplies, Direction::Down) => {
                return Verdict::Discard;
            }
            (Mode::CutAfterRequest { containing, .. }, Direction::Up) => {
                if !(containing.is_empty()
                    || bytes.windows(containing.len()).any(|w| w == containing))
                {
                    return Verdict::Forward;
                }
                if count_down(shared) {
                    return Verdict::CutAfter;
                }
                continue; // somebody else changed the mode
            }
            (Mode::Stall, _) => None,
            (Mode::DelayUp(delay), Direction::Up) | (Mode::DelayDown(delay), Direction::Down) => {
                Some(delay)
            }
            _ => return Verdict::Forward,
        };
        let due = async {
            match delay {
                Some(delay) => sleep_until(came + delay).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = modes.changed() => {
                if changed.is_err() {
                    return Verdict::Discard;
                }
            }
            () = due => return Verdict::Forward,
        }
    }
}

/// Takes one of the cuts that are left, if there is one.
fn count_down(shared: &Shared) -> bool {
    let mut taken = false;
    shared.mode.send_if_modified(|mode| {
        let Mode::CutAfterRequest { times, .. } = mode else {
            return false;
        };
        if *times > 0 {
            *times -= 1;
            taken = true;
        }
        if *times == 0 {
            *mode = Mode::Pass;
        }
        true
    });
    if taken {
        shared.closed_after_request.fetch_add(1, Ordering::SeqCst);
    }
    taken
}
