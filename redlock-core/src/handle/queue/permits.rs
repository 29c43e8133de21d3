//! Turns of those who want a permit, by the name of its semaphore. A turn is for asking: the permit does not keep it.

use std::time::Duration;

use super::Turn;
use crate::decide::lease::Moment;
use crate::decide::rivalry::Pace;
use crate::driver::Waiter;

impl Turn {
    /// A permit was had, when so many others were free: as many of those behind may ask at once, and one at least. One of
    /// them hears of releases by `waiter`, without a gap.
    pub(crate) fn pass_on(mut self, free: usize, waiter: Option<Waiter>) {
        self.each(|_, line| {
            line.room = free;
            if free > 0 {
                line.rivalry.leaves_some();
            }
        });
        self.waiter = waiter;
    }

    /// What hears of releases since before the turn came.
    pub(crate) fn take_waiter(&mut self) -> Option<Waiter> {
        self.waiter.take()
    }

    /// Whether the last permit was had, or refused, when one was asked for last.
    pub(crate) fn is_full(&self) -> bool {
        let mut full = true;
        self.each(|_, line| full = line.room == 0);
        full
    }

    /// This process released a permit; how long to hold back from now, for the sake of others who want it.
    pub(crate) fn released(&self, now: Moment, pace: Pace, random: u64) -> Duration {
        let mut pause = Duration::ZERO;
        self.each(|_, line| {
            pause = line.rivalry.released_one(now, pace, random);
        });
        pause
    }

    /// The release of a permit was heard, by another process; how long to hold back from now.
    pub(crate) fn heard_of_one(&self, now: Moment, random: u64) -> Option<Duration> {
        let mut pause = None;
        self.each(|_, line| pause = line.rivalry.heard_of_one(now, random));
        pause
    }

    /// How many take turns, by what this line has seen, if it has.
    pub(crate) fn crowd(&self) -> Option<u32> {
        let mut crowd = None;
        self.each(|_, line| crowd = crowd.max(line.rivalry.crowd()));
        crowd
    }

    /// No permit is free, whoever has them.
    pub(crate) fn full(&self) {
        self.each(|_, line| line.room = 0);
    }
}
