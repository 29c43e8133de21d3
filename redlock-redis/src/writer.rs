//! The task that makes a connection and serves its queue.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use redis::Client;
use redis::aio::MultiplexedConnection;
use redlock_core::node::{Fault, NodeError};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::batch::Batch;
use crate::link::{Ending, Queue, Queued};
use crate::{errors, settings};

/// Commands in one batch. The answers of a batch are given out together, so in a very long one those who could go on
/// would wait for the rest.
const LONGEST_BATCH: usize = 32;

/// Connects, and returns when the connection is over.
pub(crate) async fn keep_connected(client: Client, ending: Ending) {
    settings::before_connecting(&client);
    let lost = Arc::new(Notify::new());
    let config = settings::connection(&client, Arc::clone(&lost));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let connected = tokio::select! {
        biased;
        connected = connecting => connected,
        () = watch(ending.queue()) => return,
    };
    match connected {
        Ok(connection) => Writer::new(connection, &ending).serve(&lost).await,
        Err(error) => ending.close(&errors::not_connected(&error)),
    }
}

/// Looks after the time limits of those who wait for a connection.
async fn watch(queue: &Queue) {
    let mut alarm = Alarm::default();
    poll_fn(|cx| {
        while alarm.poll(cx, queue.earliest(cx.waker())) {
            queue.expire(Instant::now());
        }
        Poll::Pending
    })
    .await
}

/// Hands to redis-rs in one piece what waits at one moment, and gives out the answers. It never waits for the answer of
/// what went before.
struct Writer<'a> {
    connection: MultiplexedConnection,
    ending: &'a Ending,
    /// In the order in which they were handed over, which is the order in which they are answered.
    under_way: VecDeque<Batch>,
    /// Room for what is taken from the queue.
    spare: Vec<Queued>,
    /// No later than the first deadline of what is under way.
    earliest: Option<Instant>,
    alarm: Alarm,
}

impl<'a> Writer<'a> {
    fn new(connection: MultiplexedConnection, ending: &'a Ending) -> Self {
        Self {
            connection,
            ending,
            under_way: VecDeque::new(),
            spare: Vec::new(),
            earliest: None,
            alarm: Alarm::default(),
        }
    }

    async fn serve(mut self, lost: &Notify) {
        let mut lost = pin!(lost.notified());
        // redis-rs is polled in here as well: tokio would have it wait for no reason but that many went before.
        tokio::task::unconstrained(poll_fn(|cx| {
            loop {
                let broken = self.settle(cx) || lost.as_mut().poll(cx).is_ready();
                if broken || self.hand_over(cx) {
                    return Poll::Ready(());
                }
                if !self.expire(cx) {
                    return Poll::Pending;
                }
            }
        }))
        .await;
        // First, so that whoever is told of the loss below finds a new connection.
        let unsent = NodeError::new(Fault::Refused, "the connection broke before it was sent");
        self.ending.close(&unsent);
        poll_fn(|cx| {
            loop {
                self.settle(cx);
                if self.under_way.is_empty() {
                    return Poll::Ready(());
                }
                if !self.expire(cx) {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    /// Gives out what was answered; whether the connection is broken.
    fn settle(&mut self, cx: &mut Context<'_>) -> bool {
        let mut broken = false;
        while let Some(oldest) = self.under_way.front_mut() {
            let Poll::Ready(intact) = oldest.poll(cx) else { break };
            broken |= !intact;
            self.under_way.pop_front();
        }
        broken
    }

    /// The first poll of a batch puts it into redis-rs's own queue, which has room for it. Whether the connection is
    /// broken.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> bool {
        let mut broken = false;
        let room = settings::UNANSWERED_BATCHES.saturating_sub(self.under_way.len());
        let mut queued = std::mem::take(&mut self.spare);
        self.ending.queue().take(&mut queued, room * LONGEST_BATCH, cx.waker());
        queued.retain(|one| !one.answer.is_closed());
        while !queued.is_empty() {
            let commands = queued.drain(..queued.len().min(LONGEST_BATCH));
            let mut batch = Batch::new(&self.connection, commands);
            self.earliest = sooner(self.earliest, Some(batch.deadline()));
            match batch.poll(cx) {
                Poll::Ready(intact) => broken |= !intact,
                Poll::Pending => self.under_way.push_back(batch),
            }
        }
        self.spare = queued;
        broken
    }

    /// Gives up what ran out of time; whether that changed anything.
    fn expire(&mut self, cx: &mut Context<'_>) -> bool {
        let waiting = self.ending.queue().earliest(cx.waker());
        // It may ring for those who were answered meanwhile: to look once costs less than to set it for each.
        if !self.alarm.poll(cx, sooner(self.earliest, waiting)) {
            return false;
        }
        let now = Instant::now();
        self.ending.queue().expire(now);
        self.under_way.retain_mut(|batch| batch.expire(now));
        self.earliest = self.under_way.iter().map(Batch::deadline).min();
        true
    }
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// One timer for many time limits.
#[derive(Default)]
struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    at: Option<Instant>,
}

impl Alarm {
    /// Sets it to `at` and tells whether it rings.
    fn poll(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> bool {
        let Some(wanted) = at else {
            self.at = None;
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(wanted)));
        if self.at != at {
            sleep.as_mut().reset(wanted);
            self.at = at;
        }
        let rings = sleep.as_mut().poll(cx).is_ready();
        if rings {
            self.at = None;
        }
        rings
    }
}
