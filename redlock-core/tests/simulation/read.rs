//! What a process does that reads: it shares locks with others, and some that it had alone.

use redlock_core::{LockGuard, LockOptions, ReadGuard, Renewal};

use super::client::Client;
use super::world::ms;

impl Client {
    /// A round in which the process reads, if this is one.
    pub(crate) async fn reads(&mut self) -> bool {
        let read = self.world.setup.read;
        if read == 0 || self.reading.u64(..1_000) >= read {
            return false;
        }
        let (names, keys) = self.keys();
        let how = self.behaviour();
        let (ttl, renew) = (self.world.setup.ttl, self.world.setup.renew);
        let wait = self.rng.u64(1..=ttl * 2).max(self.world.setup.node_timeout);
        // Of different lengths, so that a key outlives the share that came last.
        let lasts = self.rng.u64(ttl..=ttl * 2);
        let mut options = LockOptions::new().wait_for(ms(wait)).ttl(ms(lasts));
        if self.chance(renew) {
            options = options.renewal(Renewal::Auto);
        }
        let (redlock, called) = (self.process.redlock.clone(), self.world.step());
        let result = if self.rng.bool() {
            self.call("read", 3, wait, how, redlock.read_with(names, &options)).await
        } else {
            self.call("try_read", 3, 0, how, redlock.try_read_with(names, &options)).await
        };
        match result {
            Some(Ok(guard)) => {
                let id = self.enter_shared(&guard.lease(), keys, called, None);
                self.read(guard, id).await;
            }
            Some(Err(error)) => self.refused(&error),
            None => {}
        }
        true
    }

    /// Lets others in beside, if this is a lock to do so with.
    pub(crate) async fn downgrades(&mut self, guard: LockGuard, id: usize) -> Option<LockGuard> {
        if self.world.setup.read == 0 || self.reading.u64(..1_000) >= 400 {
            return Some(guard);
        }
        self.world.ended(id, "downgrade");
        let keys = {
            let hold = &mut self.world.ledger.lock().unwrap().holds[id];
            hold.not_before = None;
            hold.keys
        };
        let (called, guard) = (self.world.step(), guard.downgrade());
        if !guard.is_lost() {
            let shared = self.enter_shared(&guard.lease(), keys, called, Some(id));
            self.read(guard, shared).await;
        }
        None
    }

    async fn read(&mut self, guard: ReadGuard, id: usize) {
        let (mixed, full) = (self.world.setup.mixed, self.world.setup.full);
        self.works(&guard, id, 4, mixed).await;
        if full || self.chance(100) {
            self.stays(&guard, id).await;
        }
        self.world.write(id);
        self.ends(guard, id).await;
    }
}
