//! Times in which no majority of nodes gives locks. A handle speaks of each when it begins and when it is over, and not of
//! each call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::decide::lease::Moment;
use crate::error::LockErrorKind;

/// What begins again within this time after it was over is spoken of only when it lasts.
const QUIET: Duration = Duration::from_secs(30);

/// So long it has to last then.
const LASTS: Duration = Duration::from_secs(5);

/// A handle's outage, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// Spares the calls of a handle that is well the lock.
    on: AtomicBool,
    course: Mutex<Course>,
}

impl Outage {
    /// Whether the last call found no majority.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call found no majority. Tells whether that is to be spoken of.
    pub(super) fn failed(&self, now: Moment) -> bool {
        let mut course = self.course();
        self.on.store(true, Ordering::Relaxed);
        course.failed(now)
    }

    /// A call found one. Tells how long there was none, where that was spoken of.
    pub(super) fn voted(&self, now: Moment) -> Option<Duration> {
        let mut course = self.course();
        self.on.store(false, Ordering::Relaxed);
        course.voted(now)
    }
}

/// Whether an error is for want of a majority.
pub(super) fn is_outage(kind: LockErrorKind) -> bool {
    matches!(kind, LockErrorKind::Unreachable | LockErrorKind::Misconfigured)
}

/// How a handle fares, as its calls tell it. Pure.
#[derive(Debug, Clone, Copy)]
enum Course {
    Well {
        /// When the last outage was over, if there was one.
        since: Option<Moment>,
    },
    Out {
        since: Moment,
        /// Another one was over shortly before.
        again: bool,
        told: bool,
    },
}

impl Default for Course {
    fn default() -> Self {
        Self::Well { since: None }
    }
}

impl Course {
    /// A call found no majority. Tells whether that is to be spoken of.
    fn failed(&mut self, now: Moment) -> bool {
        if let Self::Well { since } = *self {
            let again = since.is_some_and(|since| now.since(since) < QUIET);
            *self = Self::Out { since: now, again, told: false };
        }
        match self {
            Self::Out { since, again, told } if !*told => {
                *told = !*again || now.since(*since) >= LASTS;
                *told
            }
            _ => false,
        }
    }

    /// A call found one. Tells how long there was none, where that was spoken of.
    fn voted(&mut self, now: Moment) -> Option<Duration> {
        let Self::Out { since, told, .. } = *self else { return None };
        *self = Self::Well { since: Some(now) };
        told.then(|| now.since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn an_outage_is_told_once_at_each_end() {
        let mut course = Course::default();
        assert_eq!(course.voted(at(0)), None);
        assert!(course.failed(at(1_000)));
        assert!(!course.failed(at(1_001)) && !course.failed(at(900_000)));
        assert_eq!(course.voted(at(901_000)), Some(Duration::from_secs(900)));
        assert_eq!(course.voted(at(901_001)), None);
        assert!(course.failed(at(931_000)), "and the next one is another");
    }

    #[test]
    fn one_that_comes_and_goes_is_told_when_it_comes_to_stay() {
        let mut course = Course::default();
        assert!(course.failed(at(0)));
        assert!(course.voted(at(10)).is_some());
        for ms in (20..120_000).step_by(20) {
            assert!(!course.failed(at(ms)));
            assert_eq!(course.voted(at(ms + 10)), None);
        }
        assert!(!course.failed(at(120_000)) && !course.failed(at(124_999)));
        assert!(course.failed(at(125_000)) && !course.failed(at(125_001)));
        assert_eq!(course.voted(at(126_000)), Some(Duration::from_secs(6)));
    }
}
