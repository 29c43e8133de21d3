//! For how long a server is put up with, and when it is asked again. Decisions only: the time is an argument.

use std::time::Duration;

use redlock_core::node::NodeError;
use redlock_protocol::connection::{self, LONGEST_PAUSE, SILENCE};
use tokio::time::Instant;

/// For how long answers may have waited to be read when a silence is first seen: a client that stood still sees the time
/// before it sees them.
const SECOND_LOOK: Duration = Duration::from_millis(50);

/// The second retry's pause.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// When a connection is given up whose oldest unanswered batch was handed over at `sent`. No limit of that batch is cut short
/// for it: the last of them ends at `deadline`. Those of later batches may be: their commands wait behind it all the same.
pub(crate) fn given_up_at(sent: Instant, deadline: Instant) -> Instant {
    deadline.max(sent + SILENCE)
}

/// How long to wait after so many connections in a row of which none was of use; `luck` is from 0 to 1.
fn pause(failures: u32, luck: f64) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        failures => connection::pause(FIRST_PAUSE, failures - 2, luck),
    }
}

/// Whether a server is silent, or was not listened to.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    /// When its silence, which was seen, is looked at once more.
    again: Option<Instant>,
}

impl Doubt {
    /// When to look at the silence of a connection that would be given up at `given_up_at`.
    pub(crate) fn look(&self, given_up_at: Instant) -> Instant {
        self.again.unwrap_or(given_up_at)
    }

    /// Whether the connection is to be given up, which it never is at the first look.
    pub(crate) fn is_silent(&mut self, given_up_at: Instant, now: Instant) -> bool {
        given_up_at <= now && now >= *self.again.get_or_insert(now + SECOND_LOOK)
    }

    /// The oldest command was answered.
    pub(crate) fn answered(&mut self) {
        self.again = None;
    }
}

/// How a connection ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) at: Instant,
    /// When it was made, if it was; told by the queue.
    pub(crate) made: Option<Instant>,
    /// It answered at least one command, and not with an error.
    pub(crate) useful: bool,
    /// Nothing that it was sent was left without an answer, and it was not given up for what it answered.
    pub(crate) idle: bool,
    /// What the server, or the lack of it, is to blame for; nothing where it was the runtime that ended.
    pub(crate) why: Option<NodeError>,
}

impl End {
    /// That of now.
    pub(crate) fn new(useful: bool, why: Option<NodeError>) -> Self {
        Self { at: Instant::now(), made: None, useful, idle: false, why }
    }
}

/// How the connections to one server fared.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Connections in a row that were of no use, or of some for less than the longest pause.
    failures: u32,
    /// Until when none is made, and why.
    pause: Option<(Instant, NodeError)>,
}

impl Record {
    pub(crate) fn ended(&mut self, end: End, luck: f64) {
        let lasted = end.made.is_some_and(|made| end.at.duration_since(made) >= LONGEST_PAUSE);
        if end.useful && lasted {
            self.failures = 0;
        }
        self.pause = end.why.map(|why| {
            // A server may close what is idle as soon as it likes.
            if lasted || !(end.useful && end.idle) {
                self.failures = self.failures.saturating_add(1);
            }
            (end.at + pause(self.failures, luck), why)
        });
    }

    /// Why no connection is made at `now`.
    pub(crate) fn refusal(&self, now: Instant) -> Option<NodeError> {
        let (until, why) = self.pause.as_ref()?;
        (now < *until).then(|| why.clone())
    }
}

#[cfg(test)]
mod tests {
    use redlock_core::node::Fault;

    use super::*;

    fn end(at: Instant, useful: bool) -> End {
        let made = useful.then(|| at.checked_sub(LONGEST_PAUSE)).flatten();
        End { at, made, useful, idle: false, why: Some(Fault::Refused.into()) }
    }

    #[test]
    fn a_connection_is_given_up_for_silence_and_no_limit_of_its_oldest_batch_is_cut_short() {
        let start = Instant::now();
        let seconds = Duration::from_secs;
        assert_eq!(given_up_at(start, start), start + SILENCE);
        assert_eq!(given_up_at(start, start + seconds(1)), start + SILENCE);
        assert_eq!(given_up_at(start, start + seconds(60)), start + seconds(60));
    }

    #[test]
    fn a_silence_is_looked_at_twice_and_an_answer_in_between_ends_it() {
        let (mut doubt, end) = (Doubt::default(), Instant::now());
        let before = end.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(!doubt.is_silent(end, before));
        assert_eq!(doubt.look(end), end);
        // Much later: the process stood still.
        let seen = end + Duration::from_secs(60);
        assert!(!doubt.is_silent(end, seen));
        assert_eq!(doubt.look(end), seen + SECOND_LOOK);
        assert!(!doubt.is_silent(end, seen + SECOND_LOOK - Duration::from_millis(1)));
        assert!(doubt.is_silent(end, doubt.look(end)));
        doubt.answered();
        assert!(!doubt.is_silent(end, seen + SECOND_LOOK));
    }

    #[test]
    fn the_first_retry_is_at_once_and_the_pauses_double_to_a_limit() {
        let pauses: Vec<_> = (0..10).map(|failures| pause(failures, 1.0).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(pause(u32::MAX, 1.0), LONGEST_PAUSE);
        for failures in 0..10 {
            assert_eq!(pause(failures, 0.0) * 2, pause(failures, 1.0));
            assert_eq!(pause(failures, -1.0) * 2, pause(failures, 2.0));
        }
    }

    #[test]
    fn a_call_in_the_pause_is_told_how_the_last_connection_ended() {
        let (mut record, start) = (Record::default(), Instant::now());
        assert_eq!(record.refusal(start), None);
        record.ended(end(start, false), 1.0);
        assert_eq!(record.refusal(start), None);
        record.ended(End { why: Some(Fault::Tls.into()), ..end(start, false) }, 1.0);
        let last = start + FIRST_PAUSE - Duration::from_millis(1);
        assert_eq!(record.refusal(last).map(|why| why.fault()), Some(Fault::Tls));
        assert_eq!(record.refusal(start + FIRST_PAUSE), None);
    }

    #[test]
    fn a_connection_that_was_of_use_or_ended_with_its_runtime_begins_the_count_anew() {
        let (mut record, start) = (Record::default(), Instant::now());
        for _ in 0..5 {
            record.ended(end(start, false), 1.0);
        }
        assert!(record.refusal(start).is_some());
        record.ended(end(start, true), 1.0);
        assert_eq!(record.refusal(start), None);
        record.ended(end(start, false), 1.0);
        assert!(record.refusal(start).is_some());
        record.ended(End { why: None, ..end(start, false) }, 1.0);
        assert_eq!(record.refusal(start), None);
    }

    #[test]
    fn a_connection_that_did_not_last_leaves_the_count_as_it_is_if_it_was_idle_and_adds_to_it_if_not()
     {
        let (mut record, start) = (Record::default(), Instant::now());
        let short = |useful, idle| End {
            made: start.checked_sub(LONGEST_PAUSE - Duration::from_millis(1)),
            idle,
            ..end(start, useful)
        };
        for _ in 0..5 {
            record.ended(short(true, true), 1.0);
            assert_eq!((record.failures, record.refusal(start)), (0, None));
        }
        for failures in 1..5 {
            record.ended(short(true, false), 1.0);
            assert_eq!(record.failures, failures);
            record.ended(short(true, true), 1.0);
            assert_eq!(record.failures, failures);
        }
        record.ended(short(false, true), 1.0);
        assert_eq!(record.failures, 5);
        record.ended(End { idle: true, ..end(start, true) }, 1.0);
        assert_eq!(record.failures, 1);
    }
}
