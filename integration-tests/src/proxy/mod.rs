//! A proxy in front of one server that misbehaves as it is told.

mod link;
mod shared;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ports;
use shared::{Shared, Traffic};

pub use shared::Mode;

/// A proxy on a loopback port. It speaks RESP2 and RESP3 towards the server, no TLS. Dropping it closes everything.
#[derive(Debug)]
pub struct ChaosProxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    listening: watch::Receiver<bool>,
    listener: JoinHandle<()>,
}

impl ChaosProxy {
    /// Listens on a free loopback port and passes everything on to `upstream`, which need not be there yet.
    pub async fn start(upstream: SocketAddr) -> Self {
        Self::with(upstream, Traffic::default()).await
    }

    /// The same for long runs: it keeps nothing of what passes, so [`seen`](Self::seen) is always 0.
    pub async fn start_forgetful(upstream: SocketAddr) -> Self {
        Self::with(upstream, Traffic::forgetful()).await
    }

    async fn with(upstream: SocketAddr, traffic: Traffic) -> Self {
        let mut listener = TcpListener::bind(ports::loopback(ports::take())).await;
        while listener.is_err() {
            listener = TcpListener::bind(ports::loopback(ports::take())).await;
        }
        let listener = listener.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            muted: AtomicU64::new(0),
            mode: watch::Sender::new(Mode::Pass),
            cuts: watch::Sender::new(0),
            live: watch::Sender::new(0),
            accepted: AtomicU64::new(0),
            closed_after_request: AtomicU64::new(0),
            traffic,
        });
        let (is_listening, listening) = watch::channel(true);
        let listener = tokio::spawn(listen(listener, addr, Arc::clone(&shared), is_listening));
        Self { addr, shared, listening, listener }
    }

    /// `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// The loopback address; it stays the same in every mode.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes the mode. On return it holds: after [`Mode::Refuse`] connections are refused, after any other one
    /// accepted.
    pub async fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
        let refuse = mode == Mode::Refuse;
        let _ = self.listening.clone().wait_for(|listening| *listening != refuse).await;
        if refuse {
            self.cut_all();
            let _ = self.shared.live.subscribe().wait_for(|live| *live == 0).await;
        }
    }

    /// The mode of this moment: [`Mode::CutAfterRequest`] counts down and becomes [`Mode::Pass`] by itself.
    pub fn mode(&self) -> Mode {
        *self.shared.mode.borrow()
    }

    /// Goes on reading from the connections that there are, and discards what comes, either way; new ones are served.
    pub fn mute_standing(&self) {
        self.shared.muted.store(self.connections(), Ordering::SeqCst);
    }

    /// Leads new connections to another server, as a name does that was given another address.
    pub fn lead_to(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock().unwrap() = upstream;
    }

    /// Closes every live connection at once; the mode stays, and new connections are accepted.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are open now.
    pub fn live(&self) -> usize {
        *self.shared.live.borrow()
    }

    /// Requests forwarded to the server so far.
    pub fn requests(&self) -> u64 {
        self.shared.traffic.requests.load(Ordering::SeqCst)
    }

    /// Bytes of those requests.
    pub fn request_bytes(&self) -> u64 {
        self.shared.traffic.bytes.load(Ordering::SeqCst)
    }

    /// Connections closed by [`Mode::CutAfterRequest`] so far.
    pub fn cuts(&self) -> u64 {
        self.shared.closed_after_request.load(Ordering::SeqCst)
    }

    /// How often the bytes occur in what clients have sent so far, whether or not it was forwarded. The proxy keeps
    /// all of it for this.
    pub fn seen(&self, pattern: &[u8]) -> usize {
        self.shared.traffic.seen(pattern)
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.cut_all();
    }
}

async fn listen(
    first: TcpListener,
    addr: SocketAddr,
    shared: Arc<Shared>,
    is_listening: watch::Sender<bool>,
) {
    let mut modes = shared.mode.subscribe();
    let mut listener = first;
    loop {
        let refuse = *modes.borrow_and_update() == Mode::Refuse;
        if refuse {
            drop(listener);
            is_listening.send_replace(false);
            if modes.wait_for(|mode| *mode != Mode::Refuse).await.is_err() {
                return;
            }
            listener = TcpListener::bind(addr).await.expect("the proxy's own port again");
            is_listening.send_replace(true);
        }
        tokio::select! {
            biased;
            changed = modes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Ok((client, _)) = listener.accept() => {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
                shared.live.send_modify(|live| *live += 1);
                // Subscribed here, not in the task: a cut from now on must not miss it.
                tokio::spawn(link::run(client, number, shared.cuts.subscribe(), Arc::clone(&shared)));
            }
        }
    }
}
