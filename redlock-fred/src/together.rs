//! Releases that are sent at one moment, sent together.
//!
//! fred gives every script a write to the socket of its own, which in a crowd costs more than all else of a cycle. So the
//! releases of one moment go as one script. Commands on other keys, which fred writes in one piece, pass them meanwhile;
//! whatever touches one of their keys, or may, has them handed over first.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use redlock_core::node::{Fault, NodeError};
use redlock_protocol::CallError;
use redlock_protocol::together::Together;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::command::{Command, Release};
use crate::connection::Connection;
use crate::gathering::{Answer, Gathering, Queued};

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Connection {
    /// Sends the command, within `timeout`, which must not be zero. The first poll puts it into fred's queue; of a release in a
    /// crowd, before whatever comes next on its key.
    pub(crate) async fn call(&self, command: Command, timeout: Duration) -> Answer {
        let (_under_way, is_crowd) = self.together().enter();
        let command = match (command, Instant::now().checked_add(timeout)) {
            (Command::Release(release), Some(deadline)) if is_crowd => {
                return self.release(release, deadline).await;
            }
            (command, _) => command,
        };
        poll_fn(|context| {
            self.make_way(command.key(), context);
            Poll::Ready(())
        })
        .await;
        // In a box: all verbs' futures have room for the largest of those that they may wait for.
        Box::pin(self.send(command, timeout)).await
    }

    /// Sends a release with those of the same moment. The first poll gives it its place.
    async fn release(&self, release: Release, deadline: Instant) -> Answer {
        let here = Handle::current();
        let (answer, answered) = oneshot::channel();
        let mut new = Some(Queued { release, deadline, answer });
        poll_fn(|context| {
            let Some(queued) = new.take() else { return Poll::Ready(()) };
            let mut gathering = self.together().gathering();
            if !gathering.suits(queued.release.told(), deadline, here.id()) {
                self.hand_over(&mut gathering, context);
            }
            if gathering.add(queued, here.id()) {
                here.spawn(self.clone().gathered());
            }
            Poll::Ready(())
        })
        .await;
        // A timer of its own: they may be handed over on another runtime, which need not be polled.
        match timeout_at(deadline, answered).await {
            Ok(answered) => answered.unwrap_or_else(|_| {
                Err(NodeError::new(Fault::ConnectionLost, "the runtime ended").into())
            }),
            Err(_) => Err(NodeError::from(Fault::Timeout).into()),
        }
    }

    /// Hands over what has to come before a command on this key, or on who knows which.
    fn make_way(&self, key: Option<&[u8]>, context: &mut Context<'_>) {
        let mut gathering = self.together().gathering();
        if gathering.concerns(key) {
            self.hand_over(&mut gathering, context);
        }
    }

    /// Hands over what waits when this is polled: behind whatever was ready to run when the first of it came.
    async fn gathered(self) {
        if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
            // There a new task does not stand behind the others.
            tokio::task::yield_now().await;
        }
        let mut sending: Option<Sending> = None;
        poll_fn(|context| {
            if let Some(sending) = &mut sending {
                return sending.as_mut().poll(context);
            }
            // Held to the end of the first poll, or a newcomer could overtake.
            let mut gathering = self.together().gathering();
            let waiting = gathering.take();
            sending.insert(Box::pin(self.clone().send_together(waiting))).as_mut().poll(context)
        })
        .await;
    }

    fn hand_over(&self, gathering: &mut Gathering, context: &mut Context<'_>) {
        start(self.clone().send_together(gathering.take()), context);
    }

    /// The first poll puts it into fred's queue. What nobody waits for any more is sent all the same, as it would be had fred it.
    async fn send_together(self, queued: Vec<Queued>) {
        let now = Instant::now();
        let Some(deadline) = queued.iter().map(|one| one.deadline).max() else { return };
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() {
            for one in queued {
                one.tell(Err(NodeError::from(Fault::Timeout).into()));
            }
            return;
        }
        let apart = queued.len() == 1 || self.together().manner().is_apart(now);
        if apart {
            return self.send_apart(queued).await;
        }
        let by_digest = self.together().manner().has_run();
        let together = Together::of(queued.iter().any(|one| one.release.told()), by_digest);
        let command = Command::together(together, queued.iter().map(|one| &one.release));
        match self.send(command, left).await {
            Ok(answer) => {
                self.together().manner().ran();
                match Together::answers(answer, queued.len()) {
                    Ok(answers) => {
                        queued.into_iter().zip(answers).for_each(|(one, answer)| one.tell(answer));
                    }
                    Err(error) => {
                        queued.into_iter().for_each(|one| one.tell(Err(error.clone().into())))
                    }
                }
            }
            // Each finds out for itself. A release may come late, and twice.
            Err(CallError::Server(said)) => {
                self.together().manner().refused(&said, Instant::now());
                self.send_apart(queued).await;
            }
            Err(CallError::Node(error)) => {
                queued.into_iter().for_each(|one| one.tell(Err(error.clone().into())));
            }
        }
    }

    /// Sends each by itself, in their order.
    async fn send_apart(self, mut queued: Vec<Queued>) {
        let last = queued.pop();
        poll_fn(|context| {
            for one in queued.drain(..) {
                start(one.send(self.clone()), context);
            }
            Poll::Ready(())
        })
        .await;
        if let Some(last) = last {
            last.send(self).await;
        }
    }
}

/// Polls it once, and leaves the rest of it to a task.
fn start(sent: impl Future<Output = ()> + Send + 'static, context: &mut Context<'_>) {
    let mut sent: Sending = Box::pin(sent);
    if sent.as_mut().poll(context).is_pending() {
        tokio::spawn(sent);
    }
}

impl Queued {
    async fn send(self, connection: Connection) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return self.tell(Err(NodeError::from(Fault::Timeout).into()));
        }
        let Self { release, answer, .. } = self;
        let _ = answer.send(connection.send(Command::Release(release), left).await);
    }

    fn tell(self, answer: Answer) {
        // Nobody to tell is no trouble: whoever leaves a command behind is told so in the docs.
        let _ = self.answer.send(answer);
    }
}
