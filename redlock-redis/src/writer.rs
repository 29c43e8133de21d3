//! The task that makes a connection and serves its queue.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use redis::aio::MultiplexedConnection;
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::together::Manner;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::asked::Queued;
use crate::batch::{Batch, State};
use crate::patience::{Doubt, End};
use crate::queue::{Ending, Queue};
use crate::settings;
use crate::target::Target;

/// Commands in one batch. The answers of a batch are given out together, so in a very long one those who could go on
/// would wait for the rest.
const LONGEST_BATCH: usize = 32;

/// After so many commands in a row that met no other the next may be handed over by its caller. In a crowd the first of each moment
/// would go without those that come right behind it.
const ALONE: u32 = 8;

/// Connects, and returns when the connection is over.
pub(crate) async fn keep_connected(target: Target, ending: Ending) {
    let lost = Arc::new(Notify::new());
    let queue = &ending.0;
    let connected = tokio::select! {
        biased;
        connected = target.connect(Arc::clone(&lost)) => connected,
        () = watch(queue) => return,
    };
    match connected {
        Ok(connection) => {
            queue.open(Instant::now(), Some(connection.clone()));
            Writer::new(connection, queue).serve(&lost).await;
        }
        Err(error) => {
            queue.close(&error, End::new(false, Some(error.clone())));
        }
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
    queue: &'a Queue,
    /// How many commands in a row met no other.
    alone: u32,
    /// In the order in which they were handed over, which is the order in which they are answered.
    under_way: VecDeque<Batch>,
    /// The commands in those.
    unanswered: usize,
    /// Room for what is taken from the queue.
    spare: Vec<Queued>,
    manner: Manner,
    /// Releases that were refused together.
    again: Vec<Queued>,
    /// No later than the first deadline of what is under way.
    earliest: Option<Instant>,
    alarm: Alarm,
    doubt: Doubt,
    /// Something was answered, be it with an error, by a server that lets it in.
    answered: bool,
    /// And not with an error.
    useful: bool,
    /// What was sent is left without an answer.
    lost: bool,
    /// That it is not let in.
    refusal: Option<NodeError>,
}

/// Why nothing more is handed over.
enum Over {
    Broken,
    /// The oldest command was not answered for too long.
    Silent,
    /// Whoever learnt what the server is left it.
    Left,
}

impl<'a> Writer<'a> {
    fn new(connection: MultiplexedConnection, queue: &'a Queue) -> Self {
        Self {
            connection,
            queue,
            alone: 0,
            under_way: VecDeque::new(),
            unanswered: 0,
            spare: Vec::new(),
            manner: Manner::default(),
            again: Vec::new(),
            earliest: None,
            alarm: Alarm::default(),
            doubt: Doubt::default(),
            answered: false,
            useful: false,
            lost: false,
            refusal: None,
        }
    }

    async fn serve(mut self, lost: &Notify) {
        let mut lost = pin!(lost.notified());
        // redis-rs is polled in here as well: tokio would have it wait for no reason but that many went before.
        let over = tokio::task::unconstrained(poll_fn(|cx| {
            loop {
                let broken = self.settle(cx) || lost.as_mut().poll(cx).is_ready();
                if broken || self.hand_over(cx) {
                    return Poll::Ready(Over::Broken);
                }
                if self.queue.is_over() {
                    return Poll::Ready(Over::Left);
                }
                let Some(now) = self.expire(cx) else { return Poll::Pending };
                if self.is_silent(now) {
                    return Poll::Ready(Over::Silent);
                }
            }
        }))
        .await;
        // First, so that whoever is told of the loss below finds a new connection.
        self.close(&over);
        if !matches!(over, Over::Silent) {
            poll_fn(|cx| self.drain(cx)).await;
        }
        let lost = NodeError::new(Fault::ConnectionLost, SILENT);
        self.under_way.iter_mut().for_each(|batch| batch.lose(&lost));
    }

    /// Refuses what was not handed over, and what comes next.
    fn close(&self, over: &Over) {
        let unsent = match over {
            Over::Broken => "the connection broke before it was sent",
            Over::Silent => SILENT,
            Over::Left => return,
        };
        let unsent = NodeError::new(Fault::Refused, unsent);
        let why = match (over, &self.refusal) {
            (Over::Broken, Some(refusal)) if !self.answered => refusal.clone(),
            (Over::Broken, None) if !self.answered => {
                NodeError::new(Fault::Refused, "the connection was closed before it gave an answer")
            }
            _ => unsent.clone(),
        };
        let idle = !self.lost && self.under_way.is_empty();
        self.queue.close(&unsent, End { idle, ..End::new(self.useful, Some(why)) });
    }

    /// Waits for the answers that somebody waits for, no longer than for those of a connection that is used.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.settle(cx);
            if !self.under_way.iter().any(Batch::is_awaited) {
                return Poll::Ready(());
            }
            let Some(now) = self.expire(cx) else { return Poll::Pending };
            if self.is_silent(now) {
                return Poll::Ready(());
            }
        }
    }

    /// Gives out what was answered; whether the connection is broken.
    fn settle(&mut self, cx: &mut Context<'_>) -> bool {
        let mut broken = false;
        if let Some(direct) = self.queue.direct() {
            self.adopt(*direct);
        }
        while let Some(oldest) = self.under_way.front_mut() {
            let Poll::Ready((state, again)) = oldest.poll(cx, &mut self.manner) else { break };
            self.again.extend(again);
            self.unanswered -= oldest.len();
            broken |= self.learn(state);
            self.under_way.pop_front();
            self.doubt.answered();
        }
        broken
    }

    /// What was handed over by its caller: nothing else was under way then, and nothing was since.
    fn adopt(&mut self, direct: Batch) {
        self.alone = self.alone.saturating_add(1);
        self.earliest = sooner(self.earliest, direct.deadline());
        self.await_answer(direct);
    }

    fn await_answer(&mut self, batch: Batch) {
        self.unanswered += batch.len();
        self.under_way.push_back(batch);
    }

    /// Whether the connection is broken.
    fn learn(&mut self, state: State) -> bool {
        match state {
            State::Useful => (self.answered, self.useful) = (true, true),
            State::Erring => self.answered = true,
            // It is closed by the server next, or never of use.
            State::Refusing(why) => {
                self.refusal = Some(why);
                return !self.answered;
            }
            State::Broken => {
                self.lost = true;
                return true;
            }
        }
        false
    }

    /// The first poll of a batch puts it into redis-rs's own queue, which has room for it: also for what is sent again, which
    /// had its place there. Whether the connection is broken.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> bool {
        let mut broken = false;
        let room = settings::UNANSWERED.saturating_sub(self.unanswered);
        let mut queued = std::mem::take(&mut self.spare);
        if let Some(direct) = self.queue.take(&mut queued, room, cx.waker()) {
            // Its caller was faster than this task: it is not polled again before its answer wakes.
            self.adopt(*direct);
        }
        if !self.again.is_empty() {
            queued.splice(..0, self.again.drain(..));
        }
        queued.retain(|one| !one.answer.is_closed());
        match queued.len() {
            0 => {}
            1 => self.alone = self.alone.saturating_add(1),
            _ => self.alone = 0,
        }
        let now = if queued.is_empty() { None } else { Some(Instant::now()) };
        while let (Some(now), false) = (now, queued.is_empty()) {
            let commands = queued.drain(..queued.len().min(LONGEST_BATCH));
            let mut batch = Batch::new(&self.connection, commands, &self.manner, now);
            self.earliest = sooner(self.earliest, batch.deadline());
            match batch.poll(cx, &mut self.manner) {
                Poll::Ready((state, again)) => {
                    broken |= self.learn(state);
                    if !again.is_empty() {
                        self.again.extend(again);
                        cx.waker().wake_by_ref();
                    }
                }
                Poll::Pending => self.await_answer(batch),
            }
        }
        self.spare = queued;
        broken
    }

    /// Tells those who ran out of time; the time, if it was looked at.
    fn expire(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let waiting = self.queue.earliest(cx.waker());
        // Later than any time limit of its own.
        let silence = self.under_way.front().map(|oldest| self.doubt.look(oldest.given_up_at()));
        let looks = sooner(sooner(self.earliest, waiting), silence);
        // It may ring for those who were answered meanwhile: to look once costs less than to set it for each.
        if !self.alarm.poll(cx, looks) {
            if let Some(looks) = looks.filter(|_| {
                self.alone >= ALONE && self.under_way.is_empty() && self.again.is_empty()
            }) {
                self.queue.rest(looks);
            }
            return None;
        }
        let now = Instant::now();
        self.queue.expire(now);
        self.under_way.iter_mut().for_each(|batch| batch.expire(now));
        self.earliest = self.under_way.iter().filter_map(Batch::deadline).min();
        Some(now)
    }

    fn is_silent(&mut self, now: Instant) -> bool {
        let oldest = self.under_way.front().map(Batch::given_up_at);
        oldest.is_some_and(|given_up_at| self.doubt.is_silent(given_up_at, now))
    }
}

/// What is said of a connection that is given up.
const SILENT: &str = "the server read on and did not answer for 5 s: the connection was given up";

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

#[cfg(test)]
mod tests;
