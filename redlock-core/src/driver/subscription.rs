//! When a subscription that failed is made again, and what is said of it. Decisions only.

use std::time::Duration;

use crate::node::{Fault, FaultClass};

/// Failures in a row after which a subscription is spoken of.
const SPOKEN_OF: u32 = 3;

/// First and longest pause before a broken subscription is made again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// For how long a subscription must have stood for the pauses to begin anew: a server that takes it and ends it must not be
/// asked for ever, each time with all who wait woken up.
const LASTED: Duration = Duration::from_secs(2);

/// Pause after the right to subscribe was missing: as long as releases are not told where the right to that is missing.
const WITHOUT_THE_RIGHT: Duration = Duration::from_secs(60);

/// How the subscriptions to one node fared.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Since the last one that lasted.
    failures: u32,
    /// The last one was refused.
    refused: bool,
}

/// What follows the end of a subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The node is not to be waited for: something has to be changed before it tells.
    pub(super) refused: bool,
    /// It is spoken of.
    pub(super) speak: bool,
    /// The pause before the next one; nothing where there can never be one.
    pub(super) again: Option<Duration>,
}

impl Record {
    /// A subscription that `stood` for so long, if it did, ended with `fault`.
    pub(super) fn ended(&mut self, fault: Fault, stood: Option<Duration>) -> Verdict {
        if stood.is_some_and(|stood| stood >= LASTED) {
            *self = Self::default();
        }
        let again = match fault {
            Fault::Unsupported => None,
            Fault::Permission => Some(WITHOUT_THE_RIGHT),
            _ => Some(LONGEST_PAUSE.min(FIRST_PAUSE * (1 << self.failures.min(16)))),
        };
        self.failures = self.failures.saturating_add(1);
        let refused = fault.class() == FaultClass::Misconfigured;
        // Once for a time that it is refused, and once for a time that it is away.
        let speak = refused && !self.refused || !refused && self.failures == SPOKEN_OF;
        self.refused = refused;
        Verdict { refused, speak, again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(fault: Fault, times: usize) -> Vec<u128> {
        let mut record = Record::default();
        let again = (0..times).map(|_| record.ended(fault, None).again.unwrap().as_millis());
        again.collect()
    }

    #[test]
    fn only_what_can_never_be_is_not_tried_again() {
        let mut record = Record::default();
        assert_eq!(
            record.ended(Fault::Unsupported, None),
            Verdict { refused: true, speak: true, again: None }
        );
        let grows = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
        for fault in [
            Fault::Refused,
            Fault::ConnectionLost,
            Fault::Tls,
            Fault::Database,
            Fault::ProtectedMode,
            Fault::Replica,
            Fault::Authentication,
            Fault::Protocol,
            Fault::ClusterMember,
        ] {
            assert_eq!(pauses(fault, 11), grows, "{fault}");
        }
        assert_eq!(pauses(Fault::Permission, 3), [60_000; 3]);
        let mut record = Record { failures: u32::MAX, refused: false };
        assert_eq!(record.ended(Fault::Timeout, None).again, Some(LONGEST_PAUSE));
    }

    #[test]
    fn a_refusal_is_spoken_of_at_once_and_an_absence_when_it_lasts() {
        let mut record = Record::default();
        let mut spoken = |fault, stood| record.ended(fault, stood).speak;
        let absent: Vec<_> = (0..5).map(|_| spoken(Fault::Refused, None)).collect();
        assert_eq!(absent, [false, false, true, false, false]);
        let refused: Vec<_> = (0..3).map(|_| spoken(Fault::Tls, None)).collect();
        assert_eq!(refused, [true, false, false]);
        assert!(!spoken(Fault::ConnectionLost, Some(LASTED)), "it stood meanwhile");
        assert!(spoken(Fault::Tls, Some(LASTED)));
    }

    #[test]
    fn only_one_that_lasted_is_made_again_soon() {
        let mut record = Record::default();
        (0..3).for_each(|_| {
            record.ended(Fault::Tls, None);
        });
        let short = LASTED.checked_sub(Duration::from_millis(1));
        assert_eq!(record.ended(Fault::ConnectionLost, short).again, Some(FIRST_PAUSE * 8));
        assert_eq!(record.ended(Fault::ConnectionLost, Some(LASTED)).again, Some(FIRST_PAUSE));
    }
}
