//! What a node does with a request, as the product's nodes do.

use redlock_core::decisions::fence;

use crate::setting::{BEGINNING, Rule, Setting, Small, next};
use crate::state::Node;
use crate::talk::Mail;
use crate::ticks::ticks;

impl Node {
    /// Whether an acquire would be granted.
    pub(crate) fn grants(&self, setting: &Setting, now: Small) -> bool {
        let (Some(clock), Some(restarted)) = (setting.clock, self.restarted) else {
            return self.lock.is_none();
        };
        let warming = fence::warming(ticks(now - restarted), ticks(clock.guard));
        self.lock.is_none() && warming.is_none()
    }

    /// Executes an acquire that it grants.
    pub(crate) fn acquire(&mut self, setting: &Setting, attempt: usize, hint: Small, now: Small) {
        let clock = u64::from(BEGINNING + now);
        let number = next(self.counter, hint, clock, setting.slack());
        self.lock = Some(attempt as Small);
        self.counter = Some(number);
        self.mail[attempt] = Mail::Granted(number);
    }

    /// Whether a raise would be done.
    pub(crate) fn raises(&self, rule: Rule, attempt: usize) -> bool {
        matches!(rule, Rule::AnyMajority | Rule::Unconditional)
            || self.lock == Some(attempt as Small)
    }

    /// Executes a raise that it does.
    pub(crate) fn raise(&mut self, attempt: usize, fence: Small) {
        self.counter = self.counter.max(Some(fence));
        self.mail[attempt] = Mail::Raised;
    }

    /// Loses its memory.
    pub(crate) fn crash(&mut self, now: Small) {
        (self.lock, self.counter, self.restarted) = (None, None, Some(now));
    }
}
