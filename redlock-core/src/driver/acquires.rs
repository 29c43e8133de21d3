//! Acquires that nobody waits for.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::claimed::Claimed;
use super::fan_out::FanOut;
use super::sweep::Sweep;
use super::trace::{Answer, may_stand};

/// Drives acquires that nobody waits for, and undoes those that come back to a claim that was released since.
pub(crate) fn adopt(claimed: &Claimed, mut acquires: FanOut<Answer>) {
    if acquires.is_empty() {
        return;
    }
    let own = claimed.clone();
    claimed.background.spawn(poll_fn(move |cx| poll(&own, &mut acquires, cx)));
}

/// Leaves a claim where it stands. Acquires of it that are still out are undone when they come back, repairs too, and none
/// is sent any more.
pub(crate) fn give_up(claimed: &Claimed, acquires: Option<FanOut<Answer>>) {
    let Claimed { set, traced, .. } = claimed;
    let mut acquires = acquires;
    while let Some((index, answer)) = acquires.as_mut().and_then(FanOut::take_ready) {
        set.note(index, &traced.trace, &answer);
    }
    traced.trace.give_up();
    if let Some(acquires) = acquires {
        adopt(claimed, acquires);
    }
}

/// Looks for answers once, and drives what is still out.
pub(crate) fn look_after(claimed: &Claimed, mut acquires: FanOut<Answer>, cx: &mut Context<'_>) {
    if poll(claimed, &mut acquires, cx).is_pending() {
        adopt(claimed, acquires);
    }
}

fn poll(claimed: &Claimed, acquires: &mut FanOut<Answer>, cx: &mut Context<'_>) -> Poll<()> {
    let trace = &claimed.traced.trace;
    while let Some(place) = ready!(acquires.poll_place(cx)) {
        let Some((index, answer)) = acquires.take_at(place) else { continue };
        claimed.set.note(index, trace, &answer);
        if may_stand(&answer) && trace.is_released() && !mutant!(LateGrantKept) {
            drop(Sweep::on([index], claimed.clone(), FanOut::new(&claimed.background, 0)));
        }
    }
    Poll::Ready(())
}
