use std::time::Duration;

use redlock_protocol::connection::SILENCE;
use tokio::time::Instant;

/// How often it is looked at while an answer is awaited.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// How many commands that ran out of time may be unanswered. A command that nobody waits for any more stays with fred
/// until its answer comes.
pub(crate) const MOST: usize = 4_096;

/// What a connection still owes to those who do not wait for it any more.
///
/// fred counts a server's silence from the last write, and so never gives up one that is written to without end.
/// Here a question follows what ran out of time. Answers come in the order of the commands, so the answer to the
/// question ends all debts that are older, and no answer means that the oldest of them is unanswered too.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    owed: usize,
    /// Those of them that are older than the question under way.
    asked_after: usize,
    looked: Option<Instant>,
    /// For how long the question has been unanswered.
    lasts: Duration,
}

impl Silence {
    /// So many commands were left without an answer, which may have been sent as one.
    pub(crate) fn owe(&mut self, commands: usize) {
        self.owed += commands;
    }

    /// Whether a question is to be asked, which then is under way.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        self.asked_after = self.owed;
        self.looked = Some(now);
        self.lasts = Duration::ZERO;
        self.owed > 0
    }

    /// No answer to the question yet. A look that comes late counts as one in time: if this process stood still, the
    /// answer may be there and only unread.
    pub(crate) fn look(&mut self, now: Instant) {
        if let Some(looked) = self.looked.replace(now) {
            self.lasts += now.saturating_duration_since(looked).min(LOOK);
        }
    }

    /// The question was answered, or its connection ended.
    pub(crate) fn answered(&mut self) {
        self.owed = self.owed.saturating_sub(self.asked_after);
        self.asked_after = 0;
        self.looked = None;
        self.lasts = Duration::ZERO;
    }

    /// Whether it lasts too long.
    pub(crate) fn is_too_long(&self) -> bool {
        self.lasts >= SILENCE
    }

    /// Whether no more commands may be sent before it ends.
    pub(crate) fn is_full(&self) -> bool {
        self.is_too_long() || self.owed >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(owed: usize, now: Instant) -> Silence {
        let mut silence = Silence::default();
        silence.owe(owed);
        assert!(silence.ask(now));
        silence
    }

    #[test]
    fn nobody_asks_where_nothing_is_owed() {
        assert!(!Silence::default().ask(Instant::now()));
    }

    #[test]
    fn an_unanswered_question_is_silence_whatever_else_is_sent() {
        let start = Instant::now();
        let mut silence = asked(1, start);
        let looks = u32::try_from(SILENCE.as_millis() / LOOK.as_millis()).unwrap();
        for look in 1..=looks {
            assert!(!silence.is_too_long() && !silence.is_full());
            silence.owe(1);
            silence.look(start + LOOK * look);
        }
        assert!(silence.is_too_long() && silence.is_full());
    }

    #[test]
    fn a_process_that_stood_still_does_not_take_that_for_silence() {
        let start = Instant::now();
        let mut silence = asked(1, start);
        silence.look(start + Duration::from_secs(3_600));
        assert!(!silence.is_too_long());
        assert_eq!(silence.lasts, LOOK);
    }

    #[test]
    fn an_answer_ends_the_silence_of_what_was_sent_before_the_question() {
        let start = Instant::now();
        let mut silence = asked(2, start);
        silence.owe(1);
        silence.look(start + LOOK);
        silence.answered();
        assert_eq!((silence.owed, silence.lasts), (1, Duration::ZERO));
        assert!(silence.ask(start + LOOK));
        silence.answered();
        assert!(!silence.ask(start + LOOK));
    }

    #[test]
    fn what_is_owed_is_bounded() {
        let mut silence = Silence::default();
        silence.owe(MOST - 1);
        assert!(!silence.is_full());
        silence.owe(1);
        assert!(silence.is_full());
        assert!(silence.ask(Instant::now()));
        silence.answered();
        assert!(!silence.is_full());
    }
}
