//! What goes on when nobody waits for it any more: requests to the nodes that had not answered when the verdict fell.
//!
//! Most of them are answered within the next round trip. So they are not given a task each, but left where they are: what
//! a held lock left behind goes with its release, and what a release left behind is looked after a little later, all
//! together, by one task of the handle. What is not done by then gets a task of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use super::fan_out::{Background, FanOut};
use super::members::NodeSet;
use super::sweep::{Sweep, Work};
use super::{Answer, Traced, may_stand};
use crate::hold::Hold;

/// How often the task looks.
const TICK: Duration = Duration::from_millis(10);

/// Stragglers that wait to be looked after.
#[derive(Default)]
pub(crate) struct Stragglers(Mutex<Yard>);

#[derive(Default)]
struct Yard {
    parked: Vec<Straggler>,
    /// Where the task runs, while it does.
    keeper: Option<Background>,
}

enum Straggler {
    Acquires(Weak<Hold>),
    Sweep(Box<Work>),
}

impl Stragglers {
    fn lock(&self) -> MutexGuard<'_, Yard> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves the acquires of a held lock until later, or until its release.
pub(crate) fn park_acquires(hold: &Arc<Hold>) {
    let straggler = Straggler::Acquires(Arc::downgrade(hold));
    if let Some(straggler) = park(&hold.set, &hold.background, straggler) {
        straggler.go_on();
    }
}

/// Leaves a sweep, all of whose requests were sent, until later.
pub(super) fn park_sweep(work: Box<Work>) {
    let (set, background) = work.parts();
    if let Some(straggler) = park(&set, &background, Straggler::Sweep(work)) {
        straggler.go_on();
    }
}

/// Gives back what has to go on by itself: its timers are of another runtime than the task's.
fn park(set: &Arc<NodeSet>, background: &Background, straggler: Straggler) -> Option<Straggler> {
    let mut yard = set.stragglers.lock();
    match &yard.keeper {
        Some(keeper) if !keeper.is_same_runtime(background) => return Some(straggler),
        Some(_) => yard.parked.push(straggler),
        None => {
            yard.parked.push(straggler);
            yard.keeper = Some(background.clone());
            drop(yard);
            let keeper = Keeper(Some(Arc::clone(set)));
            background.spawn(async move { keeper.run().await });
        }
    }
    None
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
                if yard.parked.is_empty() {
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

impl Straggler {
    fn look_after(self, cx: &mut Context<'_>) {
        match self {
            Self::Sweep(mut work) => {
                if work.poll_done(cx).is_pending() {
                    work.go_on();
                }
            }
            Self::Acquires(hold) => {
                if let Some(hold) = hold.upgrade()
                    && let Some(mut acquires) = hold.take_acquires()
                    && poll_acquires(
                        &hold.set,
                        &hold.background,
                        &hold.traced,
                        &mut acquires,
                        hold.plan.node_timeout,
                        cx,
                    )
                    .is_pending()
                {
                    adopt(
                        &hold.set,
                        &hold.background,
                        &hold.traced,
                        acquires,
                        hold.plan.node_timeout,
                    );
                }
            }
        }
    }

    fn go_on(self) {
        match self {
            Self::Sweep(work) => work.go_on(),
            Self::Acquires(hold) => {
                if let Some(hold) = hold.upgrade() {
                    hold.adopt_acquires();
                }
            }
        }
    }
}

/// Drives acquires that nobody waits for, and undoes those that come back to a claim that was released since.
pub(crate) fn adopt(
    set: &Arc<NodeSet>,
    background: &Background,
    traced: &Traced,
    mut acquires: FanOut<Answer>,
    node_timeout: Duration,
) {
    if acquires.is_empty() {
        return;
    }
    let (set, traced, own) = (Arc::clone(set), traced.clone(), background.clone());
    background.spawn(std::future::poll_fn(move |cx| {
        poll_acquires(&set, &own, &traced, &mut acquires, node_timeout, cx)
    }));
}

fn poll_acquires(
    set: &Arc<NodeSet>,
    background: &Background,
    traced: &Traced,
    acquires: &mut FanOut<Answer>,
    node_timeout: Duration,
    cx: &mut Context<'_>,
) -> Poll<()> {
    while let Some((index, answer)) = std::task::ready!(acquires.poll_next(cx)) {
        set.note(index, &traced.trace, &answer);
        if may_stand(&answer) && traced.trace.is_released() && !mutant!(LateGrantKept) {
            let none = FanOut::new(background, 0);
            drop(Sweep::on([index], set, background, traced.clone(), none, node_timeout));
        }
    }
    Poll::Ready(())
}
