use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Semaphore;

use crate::backend::until;

/// What the handlers of one test did, and the gate at which they wait for the test.
pub(crate) struct Probe {
    counts: Mutex<Counts>,
    gate: Semaphore,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    inside: HashMap<String, usize>,
    /// The most handlers of one id that were inside at once.
    pub(crate) overlap: usize,
    pub(crate) begun: usize,
    pub(crate) finished: usize,
    /// Dropped before the end.
    pub(crate) dropped: usize,
}

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), gate: Semaphore::new(0) })
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    pub(crate) fn enter(self: &Arc<Self>, id: &str) -> Inside {
        let mut counts = self.lock();
        counts.begun += 1;
        let inside = counts.inside.entry(id.to_owned()).or_default();
        *inside += 1;
        counts.overlap = counts.overlap.max(counts.inside[id]);
        Inside { probe: Arc::clone(self), id: id.to_owned(), finished: false }
    }

    /// Lets handlers pass the gate this many times.
    pub(crate) fn open(&self, times: usize) {
        self.gate.add_permits(times);
    }

    pub(crate) async fn pass_gate(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    pub(crate) async fn until_begun(&self, handlers: usize) {
        until("handlers begin", || self.counts().begun == handlers).await;
    }

    pub(crate) async fn until_finished(&self, handlers: usize) {
        until("handlers finish", || self.counts().finished == handlers).await;
    }

    pub(crate) async fn until_dropped(&self, handlers: usize) {
        until("handlers are dropped", || self.counts().dropped == handlers).await;
    }
}

/// One handler at work, or the body that it streams.
pub(crate) struct Inside {
    probe: Arc<Probe>,
    id: String,
    finished: bool,
}

impl Inside {
    pub(crate) fn probe(&self) -> &Probe {
        &self.probe
    }

    pub(crate) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut counts = self.probe.lock();
        *counts.inside.get_mut(&self.id).unwrap() -= 1;
        match self.finished {
            true => counts.finished += 1,
            false => counts.dropped += 1,
        }
    }
}
