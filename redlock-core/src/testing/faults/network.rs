use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::misbehaviour::{Answer, Misbehaviour, Through};
use crate::node::{Fault, LockNode, NodeError};

type Running<T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send>>;
type Arriving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Asks the node; may be done more than once.
pub(super) type Request<N, T> = Box<dyn Fn(Arc<N>) -> Running<T> + Send>;

/// A request on its way, its type of answer hidden.
pub(super) struct Packet<N: ?Sized> {
    delay: Duration,
    /// Starts the request at the node, and leaves a task behind for what cannot be done at once.
    arrive: Box<dyn FnOnce(Arc<N>) -> Arriving + Send>,
}

impl<N: LockNode + ?Sized> Packet<N> {
    pub(super) fn new<T: Answer>(
        request: Request<N, T>,
        through: Through,
        reply_to: oneshot::Sender<Result<T, NodeError>>,
    ) -> Self {
        let Through { request_delay, reply_delay, fault } = through;
        let arrive = move |node: Arc<N>| -> Arriving {
            Box::pin(async move {
                let asked = ask(node, request, &fault).await;
                tokio::spawn(async move {
                    let answer = match asked {
                        Asked::Answered(answer) => answer,
                        Asked::Running(running) => running.await,
                    };
                    if !reply_delay.is_zero() {
                        sleep(reply_delay).await;
                    }
                    let answer = match fault {
                        Some(Misbehaviour::LostReply) => return,
                        Some(Misbehaviour::CutAfter) => Err(Fault::ConnectionLost.into()),
                        _ => answer,
                    };
                    // The caller may be gone.
                    let _ = reply_to.send(answer);
                });
            })
        };
        Self { delay: request_delay, arrive: Box::new(arrive) }
    }
}

enum Asked<T> {
    Answered(Result<T, NodeError>),
    Running(Running<T>),
}

/// Puts the request to the node as far as it goes without waiting.
async fn ask<N: LockNode + ?Sized, T: Answer>(
    node: Arc<N>,
    request: Request<N, T>,
    fault: &Option<Misbehaviour>,
) -> Asked<T> {
    match fault {
        Some(Misbehaviour::Failing(error)) => return Asked::Answered(Err(error.clone())),
        Some(Misbehaviour::Lying(lie)) => {
            let lie = T::pretended(lie.clone());
            return Asked::Answered(lie.ok_or_else(|| Fault::Unexpected.into()));
        }
        Some(Misbehaviour::SentTwice) => {
            if let Asked::Running(first) = begin(request(node.clone())).await {
                tokio::spawn(first);
            }
        }
        _ => {}
    }
    begin(request(node)).await
}

/// Polls once: by the contract of [`LockNode`] the request is then sent, behind those sent before.
async fn begin<T>(mut running: Running<T>) -> Asked<T> {
    let first = poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(answer) => Asked::Answered(answer),
        Poll::Pending => Asked::Running(running),
    }
}

/// The way to a task that delivers in order: each packet with the time at which it arrives.
type Line<N> = mpsc::UnboundedSender<(Instant, Packet<N>)>;

/// Carries packets to the node in tasks of its own.
pub(super) struct Network<N: ?Sized> {
    node: Arc<N>,
    reordering: AtomicBool,
    hanging: watch::Sender<bool>,
    line: Mutex<Option<Line<N>>>,
}

impl<N: LockNode + ?Sized> Network<N> {
    pub(super) fn new(node: Arc<N>) -> Self {
        let hanging = watch::Sender::new(false);
        Self { node, reordering: AtomicBool::new(false), hanging, line: Mutex::new(None) }
    }

    pub(super) fn hang(&self, hanging: bool) {
        self.hanging.send_replace(hanging);
    }

    pub(super) fn reordering(&self, on: bool) {
        self.reordering.store(on, Ordering::Relaxed);
    }

    pub(super) fn send(&self, packet: Packet<N>) {
        let now = Instant::now();
        let arrival = now.checked_add(packet.delay).unwrap_or(now + FAR);
        if self.reordering.load(Ordering::Relaxed) {
            let (node, hanging) = (self.node.clone(), self.hanging.subscribe());
            tokio::spawn(async move { deliver(&node, hanging, arrival, packet).await });
            return;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let unsent = match &*line {
            Some(line) => line.send((arrival, packet)).err().map(|error| error.0),
            None => Some((arrival, packet)),
        };
        // There is no line yet, or the runtime it lived in is gone.
        if let Some(unsent) = unsent {
            let new = self.lay_line();
            // The other end is waiting, it was made just now.
            let _ = new.send(unsent);
            *line = Some(new);
        }
    }

    /// Starts a task that delivers in order, and ends when the network is gone and all is delivered.
    fn lay_line(&self) -> Line<N> {
        let (line, mut arriving) = mpsc::unbounded_channel();
        let (node, hanging) = (self.node.clone(), self.hanging.subscribe());
        tokio::spawn(async move {
            while let Some((arrival, packet)) = arriving.recv().await {
                deliver(&node, hanging.clone(), arrival, packet).await;
            }
        });
        line
    }
}

/// As good as never, and still a time.
const FAR: Duration = Duration::from_secs(86400 * 365);

async fn deliver<N: LockNode + ?Sized>(
    node: &Arc<N>,
    mut hanging: watch::Receiver<bool>,
    arrival: Instant,
    packet: Packet<N>,
) {
    // A sleep would round a time that has come up to the next millisecond.
    if arrival > Instant::now() {
        sleep_until(arrival).await;
    }
    // An error means that nobody is left who could resume the node: what waits is never done.
    if hanging.wait_for(|hanging| !*hanging).await.is_ok() {
        (packet.arrive)(node.clone()).await;
    }
}
