use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::background::{Background, Job};
use crate::decide::lease::Moment;
use crate::telemetry::{Asked, Told, Verb, Watch};

struct Slot<T> {
    index: usize,
    state: State<T>,
    /// The answer was given out, and is kept.
    kept: bool,
    /// When it came, where that is known.
    came: Option<Moment>,
}

enum State<T> {
    Running(Job<T>, Asked),
    There(T),
    Taken,
}

impl<T> Slot<T> {
    fn is_ready(&self) -> bool {
        matches!(self.state, State::There(_)) && !self.kept
    }

    fn is_pending(&self) -> bool {
        matches!(self.state, State::Running(..)) || self.is_ready()
    }
}

/// Several nodes asked at once.
///
/// The first poll starts every job before any answer is given out, so a quick node's answer keeps no other
/// node from being asked. Jobs are driven to completion: what still runs when this is dropped goes on in
/// the background.
pub(crate) struct FanOut<T: Send + 'static> {
    slots: Vec<Slot<T>>,
    background: Background,
    watch: Watch,
    /// When the answers came that were there at the last look, where anybody asked.
    came: Option<Moment>,
}

impl<T: Send + 'static> FanOut<T> {
    pub(crate) fn new(background: &Background, capacity: usize) -> Self {
        let (slots, watch) = (Vec::with_capacity(capacity), Watch::default());
        Self { slots, background: background.clone(), watch, came: None }
    }

    /// The same with a look at how long the nodes take.
    pub(crate) fn watched(mut self, told: Arc<dyn Told>, verb: Verb) -> Self {
        self.watch = Watch::new(told, verb);
        self
    }

    /// Adds a job for the node at `index`.
    pub(crate) fn push(&mut self, index: usize, job: Job<T>) {
        self.push_later(index, job, Duration::ZERO);
    }

    /// Adds a job that asks its node after `pause`.
    pub(crate) fn push_later(&mut self, index: usize, job: Job<T>, pause: Duration) {
        let asked = self.watch.asks(pause);
        let state = State::Running(job, asked);
        self.slots.push(Slot { index, state, kept: false, came: None });
    }

    /// Adds an answer for the node at `index`, in the order of the nodes, as one that was given out.
    pub(crate) fn put(&mut self, index: usize, answer: T, came: Option<Moment>) {
        let place = self.slots.partition_point(|slot| slot.index < index);
        let state = State::There(answer);
        self.slots.insert(place, Slot { index, state, kept: true, came });
    }

    /// Nobody will poll it for a while.
    pub(crate) fn looks_away(&mut self) {
        self.watch.looks_away();
    }

    /// Takes all that is left, to go on with it elsewhere.
    pub(crate) fn take(&mut self) -> Self {
        let (slots, watch) = (std::mem::take(&mut self.slots), self.watch.clone());
        Self { slots, background: self.background.clone(), watch, came: self.came }
    }

    /// Makes something else of each node's answer, also of those that nobody will ask for.
    pub(crate) fn map<U: Send + 'static, M>(mut self, mut of: impl FnMut(usize) -> M) -> FanOut<U>
    where
        M: FnOnce(T) -> U + Send + 'static,
    {
        let slots = std::mem::take(&mut self.slots).into_iter().map(|slot| {
            let Slot { index, state, kept, came } = slot;
            let state = match state {
                State::Running(job, asked) => {
                    let map = of(index);
                    State::Running(Box::pin(async move { map(job.await) }) as Job<U>, asked)
                }
                State::There(answer) if !kept => State::There(of(index)(answer)),
                State::There(_) | State::Taken => State::Taken,
            };
            Slot { index, state, kept, came }
        });
        let slots = slots.collect();
        let (background, watch) = (self.background.clone(), std::mem::take(&mut self.watch));
        FanOut { slots, background, watch, came: self.came }
    }

    /// Whether there is an answer still to be given out.
    pub(crate) fn is_empty(&self) -> bool {
        !self.slots.iter().any(Slot::is_pending)
    }

    /// Whether all answers are there, and those that were not given out yet are such.
    pub(crate) fn are_there(&self, mut such: impl FnMut(usize, &T) -> bool) -> bool {
        self.slots.iter().all(|slot| match &slot.state {
            State::Running(..) => false,
            State::There(answer) => slot.kept || such(slot.index, answer),
            State::Taken => true,
        })
    }

    /// Nothing follows from the answers that are [there](Self::are_there).
    pub(crate) fn forget(&mut self) {
        self.slots.clear();
    }

    /// Whose answers are still to come.
    pub(crate) fn pending(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().filter(|slot| slot.is_pending()).map(|slot| slot.index)
    }

    /// The next answer with its node's index; `None` when all were given out. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<(usize, T)> {
        let place = self.next_place().await?;
        self.take_at(place)
    }

    /// The place of the next answer, which is to be [kept](Self::keep) or [taken](Self::take_at); `None` when all were given
    /// out. Cancel safe.
    pub(crate) async fn next_place(&mut self) -> Option<usize> {
        poll_fn(|cx| self.poll_place(cx)).await
    }

    pub(crate) fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if let Some(place) = self.ready() {
            return Poll::Ready(Some(place));
        }
        self.came = None;
        let (mut first, mut running) = (None, false);
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if let State::Running(job, asked) = &mut slot.state {
                match job.as_mut().poll(cx) {
                    Poll::Ready(answer) => {
                        self.watch.answered(slot.index, *asked);
                        slot.state = State::There(answer);
                        first.get_or_insert(place);
                    }
                    Poll::Pending => running = true,
                }
            }
        }
        self.watch.looked();
        if first.is_none() && running { Poll::Pending } else { Poll::Ready(first) }
    }

    /// The place of an answer that is there already.
    pub(crate) fn ready(&self) -> Option<usize> {
        self.slots.iter().position(Slot::is_ready)
    }

    /// When the answers came that the last look found: one reading of the clock, `now`, is good for all of them.
    pub(crate) fn came(&mut self, now: impl FnOnce() -> Moment) -> Moment {
        *self.came.get_or_insert_with(now)
    }

    /// An answer that is there already.
    pub(crate) fn take_ready(&mut self) -> Option<(usize, T)> {
        let place = self.ready()?;
        self.take_at(place)
    }

    /// The answer at a place.
    pub(crate) fn take_at(&mut self, place: usize) -> Option<(usize, T)> {
        let slot = self.slots.get_mut(place)?;
        match std::mem::replace(&mut slot.state, State::Taken) {
            State::There(answer) => Some((slot.index, answer)),
            State::Running(..) | State::Taken => None,
        }
    }

    /// Counts the answer at a place as given out, and keeps it with the moment when it [came](Self::came).
    pub(crate) fn keep(
        &mut self,
        place: usize,
        now: impl FnOnce() -> Moment,
    ) -> Option<(usize, &mut T)> {
        let came = self.came(now);
        let slot = self.slots.get_mut(place)?;
        (slot.kept, slot.came) = (true, Some(came));
        match &mut slot.state {
            State::There(answer) => Some((slot.index, answer)),
            State::Running(..) | State::Taken => None,
        }
    }

    /// The node at a place, and its answer where that is there.
    pub(crate) fn at(&self, place: usize) -> Option<(usize, &T)> {
        let slot = self.slots.get(place)?;
        match &slot.state {
            State::There(answer) => Some((slot.index, answer)),
            State::Running(..) | State::Taken => None,
        }
    }

    /// The answers that were given out and kept, by node, with when they came.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (usize, &T, Option<Moment>)> {
        self.slots.iter().filter_map(|slot| match &slot.state {
            State::There(answer) if slot.kept => Some((slot.index, answer, slot.came)),
            _ => None,
        })
    }
}

impl<T: Send + 'static> Drop for FanOut<T> {
    fn drop(&mut self) {
        let mut running = std::mem::take(&mut self.slots);
        running.retain(|slot| matches!(slot.state, State::Running(..)));
        if !running.is_empty() {
            self.background.spawn(drive(running, std::mem::take(&mut self.watch)));
        }
    }
}

impl<T: Send + 'static> std::fmt::Debug for FanOut<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pending()).finish()
    }
}

/// The place of an answer in either of two fan-outs.
pub(crate) enum Either {
    First(usize),
    Second(usize),
}

/// The next answer of two fan-outs at work on one claim, the first one's first; `None` when both have given out all.
/// Cancel safe.
pub(crate) async fn next_of<A: Send + 'static, B: Send + 'static>(
    first: &mut FanOut<A>,
    second: &mut FanOut<B>,
) -> Option<Either> {
    poll_fn(|cx| poll_next_of(first, second, cx)).await
}

pub(crate) fn poll_next_of<A: Send + 'static, B: Send + 'static>(
    first: &mut FanOut<A>,
    second: &mut FanOut<B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Either>> {
    let one = first.poll_place(cx);
    if let Poll::Ready(Some(place)) = one {
        return Poll::Ready(Some(Either::First(place)));
    }
    let other = second.poll_place(cx);
    if let Poll::Ready(Some(place)) = other {
        return Poll::Ready(Some(Either::Second(place)));
    }
    if one.is_ready() && other.is_ready() { Poll::Ready(None) } else { Poll::Pending }
}

async fn drive<T>(mut slots: Vec<Slot<T>>, mut watch: Watch) {
    poll_fn(|cx| {
        slots.retain_mut(|slot| {
            let State::Running(job, asked) = &mut slot.state else { return false };
            let pending = job.as_mut().poll(cx).is_pending();
            if !pending {
                watch.answered(slot.index, *asked);
            }
            pending
        });
        watch.looked();
        if slots.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
#[path = "fan_out_tests.rs"]
mod tests;
