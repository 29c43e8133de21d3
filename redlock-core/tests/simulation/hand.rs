//! How a lock goes from one process to another.

use redlock_core::{Handover, LockGuard};

use super::client::Client;
use super::ledger::Passed;

impl Client {
    /// Hands a lock over, and sometimes does not notice that it has.
    pub(crate) fn hand_over(&mut self, guard: LockGuard, id: usize) {
        let text = guard.hand_over().expose();
        self.world.handed_over(id);
        // The rest of what it was to be kept for is the taker's, who is somebody else.
        self.world.ledger.lock().unwrap().holds[id].not_before = None;
        self.world.handed.lock().unwrap().push((id, text));
        if self.rng.bool() {
            self.world.write(id);
        }
    }

    /// Takes over what some process handed over, unless there is nothing. A message may be delivered twice.
    pub(crate) async fn take_over(&mut self) -> Option<(LockGuard, usize)> {
        if self.world.setup.hand == 0 || self.rng.bool() {
            return None;
        }
        let again = self.rng.bool();
        let (giver, text) = {
            let mut handed = self.world.handed.lock().unwrap();
            let (giver, text) = handed.pop()?;
            if again {
                handed.insert(0, (giver, text.clone()));
            }
            (giver, text)
        };
        let handover = Handover::parse(&text).unwrap();
        let keys = self.world.ledger.lock().unwrap().holds[giver].keys;
        let (how, called) = (self.behaviour(), self.world.step());
        let redlock = self.process.redlock.clone();
        // To meet the nodes; then nine times the round and the second round, and in between a look and a pause.
        let pauses = 8 * (self.world.setup.retry.1 + 8);
        let taken = self.call("take_over", 27, pauses, how, redlock.take_over(&handover)).await?;
        match taken {
            Ok(guard) => {
                let passed = Passed { giver, continued: guard.continued() };
                let id = self.enter_as(&guard.lease(), keys, called, Some(passed), false);
                Some((guard, id))
            }
            Err(error) => {
                self.refused(&error);
                None
            }
        }
    }
}
