//! What goes on when nobody waits for it any more: requests to the nodes that had not answered when the verdict fell.
//!
//! Most of them are answered within the next round trip. So they are not given a task each, but left where they are: what
//! a held lock left behind goes with its release, and what a release left behind is looked after a little later, all
//! together, by one task of the handle. What is not done by then gets a task of its own.

use std::sync::{Arc, MutexGuard, Weak};
use std::task::Poll;
use std::time::Duration;

use super::background::Background;
use super::members::NodeSet;
use super::yard::{Keeps, Straggler, Work, Yard};

/// How often the task looks.
const TICK: Duration = Duration::from_millis(10);

/// Leaves the acquires of a held lock until later, or until its release.
pub(crate) fn park_acquires(set: &Arc<NodeSet>, background: &Background, keeps: Weak<dyn Keeps>) {
    park(set, background, Straggler::Acquires(keeps));
}

/// Leaves work, all of whose requests were sent, until later.
pub(super) fn park_work(set: &Arc<NodeSet>, background: &Background, work: Box<dyn Work>) {
    park(set, background, Straggler::Work(work));
}

/// There was nothing to leave, this time. The task keeps its beat: what is left next is looked after when it would have been.
pub(crate) fn look_on(set: &Arc<NodeSet>, background: &Background) {
    let mut yard = set.stragglers.lock();
    if yard.keeper.as_ref().is_none_or(|keeper| keeper.is_same_runtime(background)) {
        yard.looks_on = true;
        keep(set, background, yard);
    }
}

/// What has timers of another runtime than the task's goes on by itself.
fn park(set: &Arc<NodeSet>, background: &Background, straggler: Straggler) {
    let mut yard = set.stragglers.lock();
    if yard.keeper.as_ref().is_some_and(|keeper| !keeper.is_same_runtime(background)) {
        drop(yard);
        return straggler.go_on();
    }
    yard.parked.push(straggler);
    keep(set, background, yard);
}

/// Starts the task, unless it is at work.
fn keep(set: &Arc<NodeSet>, background: &Background, mut yard: MutexGuard<'_, Yard>) {
    if yard.keeper.is_none() {
        yard.keeper = Some(background.clone());
        drop(yard);
        let keeper = Keeper(Some(Arc::clone(set)));
        background.spawn(async move { keeper.run().await });
    }
}

/// The task that looks after them. It ends when there is nothing to look after, and has no set any more then: another
/// one may be at work by the time it is dropped.
struct Keeper(Option<Arc<NodeSet>>);

impl Keeper {
    async fn run(mut self) {
        let mut parked = Vec::new();
        while let Some(set) = &self.0 {
            tokio::select! {
                biased;
                () = set.closing.cancelled() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            {
                let mut yard = set.stragglers.lock();
                if !std::mem::take(&mut yard.looks_on) && yard.parked.is_empty() {
                    yard.keeper = None;
                    drop(yard);
                    self.0 = None;
                    return;
                }
                std::mem::swap(&mut yard.parked, &mut parked);
            }
            std::future::poll_fn(|cx| {
                parked.drain(..).for_each(|straggler| straggler.look_after(cx));
                Poll::Ready(())
            })
            .await;
        }
    }
}

/// The runtime ended: whatever is parked ends as it would have on its own, outside of the lock.
impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(set) = &self.0 else { return };
        let parked = {
            let mut yard = set.stragglers.lock();
            yard.keeper = None;
            std::mem::take(&mut yard.parked)
        };
        drop(parked);
    }
}

#[cfg(test)]
#[path = "stragglers_tests.rs"]
mod tests;
