use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::config::Server;
use redlock_core::node::{Fault, NodeError};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::errors;
use crate::settings;

/// A client, and what keeps it connected.
pub(crate) struct Link {
    client: Client,
    /// fred's own log of lost and failed connections, read when a command was refused for want of one.
    errors: Mutex<Errors>,
    /// Nothing for a client of the user's.
    keeper: Option<Mutex<Option<Keeper>>>,
    /// Handed on in the order of asking.
    turn: tokio::sync::Mutex<()>,
    /// Commands that have or wait for the turn.
    waiting: AtomicUsize,
}

/// The right to hand a command to fred next. Given up once it is handed over.
pub(crate) struct Turn<'a> {
    _turn: tokio::sync::MutexGuard<'a, ()>,
    _waiting: Waiting<'a>,
}

struct Waiting<'a>(&'a AtomicUsize);

struct Errors {
    news: broadcast::Receiver<(Error, Option<Server>)>,
    last: Option<Error>,
}

/// The task that connects, and connects again when fred gives up.
struct Keeper {
    task: JoinHandle<()>,
    first: watch::Receiver<First>,
    /// Dropped with the node, which ends the task and closes the connection.
    _stop: oneshot::Sender<Infallible>,
}

/// How the first attempt to connect ended; nothing while it is under way.
type First = Option<Result<(), Error>>;

impl Link {
    /// A link that connects when it is first used.
    pub(crate) fn connecting(client: Client) -> Self {
        Self { keeper: Some(Mutex::new(None)), ..Self::borrowed(client) }
    }

    /// A link over a client that somebody else connects.
    pub(crate) fn borrowed(client: Client) -> Self {
        let errors = Errors { news: client.error_rx(), last: None };
        Self {
            client,
            errors: Mutex::new(errors),
            keeper: None,
            turn: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for the end of the first attempt to connect, and answers how much of `timeout` is left.
    ///
    /// Later a command does not wait: one without a connection is to be refused at once. Those that waited
    /// take turns, so that they reach fred in the order in which they came.
    pub(crate) async fn ready(&self, timeout: Duration) -> Result<(Duration, Option<Turn<'_>>), NodeError> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(NodeError::new(Fault::Unsupported, "needs a tokio runtime"));
        };
        let Some((mut first, waiting)) = self.first_attempt(&runtime) else { return Ok((timeout, None)) };
        let start = Instant::now();
        let wait = async {
            let turn = self.turn.lock().await;
            (turn, first.wait_for(Option::is_some).await.map(|ended| ended.clone()))
        };
        // Nothing was handed to fred yet, so that this timeout leaves nothing behind.
        let Ok((turn, ended)) = tokio::time::timeout(timeout, wait).await else {
            return Err(NodeError::new(Fault::Timeout, "still connecting"));
        };
        match ended {
            Ok(Some(Err(error))) => Err(errors::refused(Some(&error))),
            Ok(_) => {
                let turn = Turn { _turn: turn, _waiting: waiting };
                Ok((timeout.saturating_sub(start.elapsed()), Some(turn)))
            }
            Err(_) => Err(NodeError::new(Fault::Refused, "the runtime is shutting down")),
        }
    }

    /// Why the last connection ended or was not made.
    pub(crate) fn last_error(&self) -> Option<Error> {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match errors.news.try_recv() {
                Ok((error, _)) => errors.last = Some(error),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return errors.last.clone(),
            }
        }
    }

    /// The first attempt to connect, begun now if there was none; nothing if it is over and all who waited for it
    /// are served.
    fn first_attempt(&self, runtime: &Handle) -> Option<(watch::Receiver<First>, Waiting<'_>)> {
        let mut keeper = self.keeper.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let keeper = match keeper.take() {
            // The task ends by itself only with the runtime it ran on.
            Some(alive) if !alive.task.is_finished() => keeper.insert(alive),
            _ => keeper.insert(Keeper::spawn(self.client.clone(), runtime)),
        };
        let over = keeper.first.borrow().is_some() && self.waiting.load(Ordering::Acquire) == 0;
        (!over).then(|| (keeper.first.clone(), Waiting::new(&self.waiting)))
    }
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Keeper {
    fn spawn(client: Client, runtime: &Handle) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (report, first) = watch::channel(None);
        Self { task: runtime.spawn(keep_connected(client, stopped, report)), first, _stop: stop }
    }
}

/// fred's reconnect policy repairs a connection that was there, but has a wait before its every attempt,
/// even the first ever, and gives up for good after some errors.
async fn keep_connected(
    client: Client,
    mut stopped: oneshot::Receiver<Infallible>,
    report: watch::Sender<First>,
) {
    let mut backoff = settings::reconnecting();
    loop {
        // Not cut short by the stop: it spawns fred's task, and dropped half-way would leave that behind.
        // It ends within the limits for connecting.
        match client.init().await {
            Ok(mut connection) => {
                report.send_replace(Some(Ok(())));
                tokio::select! {
                    _ = &mut stopped => return connection.abort(),
                    _ = &mut connection => {}
                }
                backoff = settings::reconnecting();
            }
            Err(error) => {
                report.send_replace(Some(Err(error)));
            }
        }
        let wait = Duration::from_millis(backoff.next_delay().unwrap_or(2_000));
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
