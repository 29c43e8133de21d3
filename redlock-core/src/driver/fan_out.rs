use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::telemetry::{self, Asked, Told, Verb, Watch};

/// A node's verb under way.
pub(crate) type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[cfg(feature = "testing")]
type Wrap = dyn Fn(Job<()>) -> Job<()> + Send + Sync;

/// What a test wraps the tasks of a handle in.
#[cfg(feature = "testing")]
#[derive(Clone, Default)]
pub(crate) struct Wrapper(pub(crate) Option<std::sync::Arc<Wrap>>);

#[cfg(feature = "testing")]
impl std::fmt::Debug for Wrapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Wrapper").field(&self.0.is_some()).finish()
    }
}

/// Where work goes on that its caller does not wait for.
#[derive(Clone, Debug)]
pub(crate) struct Background {
    tracker: TaskTracker,
    runtime: Handle,
    /// Where what must be done is begun anew when `runtime` ends before it is.
    home: Option<Handle>,
    #[cfg(feature = "testing")]
    wrapper: Wrapper,
}

impl Background {
    /// The runtime that polls the caller, if there is one.
    pub(crate) fn current(tracker: &TaskTracker, home: Option<&Handle>) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let home = home.filter(|home| home.id() != runtime.id()).cloned();
        Some(Self {
            tracker: tracker.clone(),
            runtime,
            home,
            #[cfg(feature = "testing")]
            wrapper: Wrapper::default(),
        })
    }

    /// Whether both are one runtime.
    pub(super) fn is_same_runtime(&self, other: &Self) -> bool {
        self.runtime.id() == other.runtime.id()
    }

    /// Where to begin anew, if there is such a place.
    pub(crate) fn at_home(&self) -> Option<Self> {
        let runtime = self.home.clone()?;
        Some(Self { runtime, home: None, ..self.clone() })
    }

    /// The same with all tasks wrapped.
    #[cfg(feature = "testing")]
    pub(crate) fn through(self, wrapper: Wrapper) -> Self {
        Self { wrapper, ..self }
    }

    /// Runs `work`, and lets `close` wait for it. Never blocks or panics, on whatever thread; on a runtime that
    /// is shut down the work is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = telemetry::in_background(work);
        #[cfg(feature = "testing")]
        if let Some(wrap) = &self.wrapper.0 {
            self.tracker.spawn_on(wrap(Box::pin(work)), &self.runtime);
            return;
        }
        self.tracker.spawn_on(work, &self.runtime);
    }

    /// Runs `work` for as long as the runtime lives, without `close` waiting for it.
    pub(crate) fn spawn_untracked(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::AbortHandle {
        #[cfg(feature = "testing")]
        if let Some(wrap) = &self.wrapper.0 {
            return self.runtime.spawn(wrap(Box::pin(work))).abort_handle();
        }
        self.runtime.spawn(work).abort_handle()
    }
}

enum Slot<T> {
    Running(Job<T>, Asked),
    Ready(T),
    Taken,
}

/// Several nodes asked at once.
///
/// The first poll starts every job before any answer is given out, so a quick node's answer keeps no other
/// node from being asked. Jobs are driven to completion: what still runs when this is dropped goes on in
/// the background.
pub(crate) struct FanOut<T: Send + 'static> {
    slots: Vec<(usize, Slot<T>)>,
    background: Background,
    watch: Watch,
}

impl<T: Send + 'static> FanOut<T> {
    pub(crate) fn new(background: &Background, capacity: usize) -> Self {
        let (slots, watch) = (Vec::with_capacity(capacity), Watch::default());
        Self { slots, background: background.clone(), watch }
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
        self.slots.push((index, Slot::Running(job, asked)));
    }

    /// Nobody will poll it for a while.
    pub(crate) fn looks_away(&mut self) {
        self.watch.looks_away();
    }

    /// Takes all that is left, to go on with it elsewhere.
    pub(crate) fn take(&mut self) -> Self {
        let slots = std::mem::take(&mut self.slots);
        Self { slots, background: self.background.clone(), watch: self.watch.clone() }
    }

    /// Makes something else of each node's answer, also of those that nobody will ask for.
    pub(crate) fn map<U: Send + 'static, M>(mut self, mut of: impl FnMut(usize) -> M) -> FanOut<U>
    where
        M: FnOnce(T) -> U + Send + 'static,
    {
        let slots = std::mem::take(&mut self.slots).into_iter().map(|(index, slot)| {
            let slot = match slot {
                Slot::Running(job, asked) => {
                    let map = of(index);
                    Slot::Running(Box::pin(async move { map(job.await) }) as Job<U>, asked)
                }
                Slot::Ready(answer) => Slot::Ready(of(index)(answer)),
                Slot::Taken => Slot::Taken,
            };
            (index, slot)
        });
        let slots = slots.collect();
        let (background, watch) = (self.background.clone(), std::mem::take(&mut self.watch));
        FanOut { slots, background, watch }
    }

    /// Whether there is an answer still to be given out.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.iter().all(|(_, slot)| matches!(slot, Slot::Taken))
    }

    /// Whose answers are still to come.
    pub(crate) fn pending(&self) -> impl Iterator<Item = usize> {
        let pending = self.slots.iter().filter(|(_, slot)| !matches!(slot, Slot::Taken));
        pending.map(|(index, _)| *index)
    }

    /// The next answer with its node's index; `None` when all were given out. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<(usize, T)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, T)>> {
        if let Some(answer) = self.take_ready() {
            return Poll::Ready(Some(answer));
        }
        let mut running = false;
        for (index, slot) in &mut self.slots {
            if let Slot::Running(job, asked) = slot {
                match job.as_mut().poll(cx) {
                    Poll::Ready(answer) => {
                        self.watch.answered(*index, *asked);
                        *slot = Slot::Ready(answer);
                    }
                    Poll::Pending => running = true,
                }
            }
        }
        self.watch.looked();
        match self.take_ready() {
            Some(answer) => Poll::Ready(Some(answer)),
            None if running => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    /// An answer that is there already.
    pub(crate) fn take_ready(&mut self) -> Option<(usize, T)> {
        let (index, slot) =
            self.slots.iter_mut().find(|(_, slot)| matches!(slot, Slot::Ready(_)))?;
        match std::mem::replace(slot, Slot::Taken) {
            Slot::Ready(answer) => Some((*index, answer)),
            Slot::Running(..) | Slot::Taken => None,
        }
    }
}

impl<T: Send + 'static> Drop for FanOut<T> {
    fn drop(&mut self) {
        let mut running = std::mem::take(&mut self.slots);
        running.retain(|(_, slot)| matches!(slot, Slot::Running(..)));
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

/// An answer of either of two fan-outs.
pub(crate) enum Either<A, B> {
    First(usize, A),
    Second(usize, B),
}

/// The next answer of two fan-outs at work on one claim, the first one's first; `None` when both have given out all.
/// Cancel safe.
pub(crate) async fn next_of<A: Send + 'static, B: Send + 'static>(
    first: &mut FanOut<A>,
    second: &mut FanOut<B>,
) -> Option<Either<A, B>> {
    poll_fn(|cx| poll_next_of(first, second, cx)).await
}

pub(crate) fn poll_next_of<A: Send + 'static, B: Send + 'static>(
    first: &mut FanOut<A>,
    second: &mut FanOut<B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Either<A, B>>> {
    let one = first.poll_next(cx);
    if let Poll::Ready(Some((index, answer))) = one {
        return Poll::Ready(Some(Either::First(index, answer)));
    }
    let other = second.poll_next(cx);
    if let Poll::Ready(Some((index, answer))) = other {
        return Poll::Ready(Some(Either::Second(index, answer)));
    }
    if one.is_ready() && other.is_ready() { Poll::Ready(None) } else { Poll::Pending }
}

async fn drive<T>(mut slots: Vec<(usize, Slot<T>)>, mut watch: Watch) {
    poll_fn(|cx| {
        slots.retain_mut(|(index, slot)| {
            let Slot::Running(job, asked) = slot else { return false };
            let pending = job.as_mut().poll(cx).is_pending();
            if !pending {
                watch.answered(*index, *asked);
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
