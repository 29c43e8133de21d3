//! What a process does that takes permits of the one semaphore, for more or fewer of which others may take it.

use std::time::Duration;

use redlock_core::faults::Verb;
use redlock_core::{LockOptions, Permit, Renewal, Semaphore};

use super::client::Client;
use super::invariants::Event;
use super::world::{bit_of, ms};

impl Client {
    /// A round in which the process takes permits, if this is one.
    pub(crate) async fn permits(&mut self) -> bool {
        let permit = self.world.setup.permit;
        if permit == 0 || self.permitting.u64(..1_000) >= permit {
            return false;
        }
        let permits = self.world.setup.permits[self.number % 2];
        let semaphore = self.process.redlock.semaphore("s", permits).unwrap();
        let mut held = Vec::new();
        for _ in 0..self.permitting.u32(1..=3) {
            held.extend(self.permit(&semaphore).await);
        }
        for (permit, id) in held {
            self.use_permit(permit, id).await;
        }
        true
    }

    async fn permit(&mut self, semaphore: &Semaphore) -> Option<(Permit, usize)> {
        let how = self.behaviour();
        let (ttl, mixed, renew) =
            (self.world.setup.ttl, self.world.setup.mixed, self.world.setup.renew);
        let lasts = if mixed { self.rng.u64(ttl..=ttl * 2) } else { ttl };
        let mut options = LockOptions::new().ttl(ms(lasts));
        if self.chance(renew) {
            options = options.renewal(Renewal::Auto);
        }
        // The drift allowance, rounded up.
        let valid = lasts - lasts / 100 - 3;
        let keep =
            (self.keeps.u64(..1_000) < self.world.setup.keep).then(|| self.keeps.u64(1..=valid));
        if let Some(keep) = keep {
            options = options.at_least(ms(keep));
        }
        let wait = self.rng.u64(1..=ttl * 2).max(self.world.setup.node_timeout);
        let options = options.wait_for(ms(wait));
        let (called, raised) = (self.world.step(), self.raises());
        // To meet the nodes, the round, the second round.
        let result = if self.rng.bool() {
            self.call("acquire", 3, wait, how, semaphore.acquire_with(&options)).await
        } else {
            self.call("try_acquire", 3, 0, how, semaphore.try_acquire_with(&options)).await
        };
        match result? {
            Ok(permit) => {
                let keys = 1_u8 << bit_of(permit.slot());
                let id = self.enter_permit(&permit.lease(), keys, called, semaphore.permits());
                if let Some(keep) = keep {
                    self.world.keeps(id, permit.valid_until(), ms(lasts), ms(keep));
                }
                let raised = self.raises() > raised;
                self.world.count(|counts| counts.raised += u64::from(raised));
                Some((permit, id))
            }
            Err(error) => {
                self.refused(&error);
                None
            }
        }
    }

    async fn use_permit(&mut self, permit: Permit, id: usize) {
        self.world.tell(&Event::Looked(id));
        self.works(&permit, id, 3, false).await;
        if self.world.setup.full || self.chance(100) {
            self.stays(&permit, id).await;
        }
        self.world.write(id);
        self.ends(permit, id).await;
    }

    /// How many nodes this process asked for a second round.
    fn raises(&self) -> usize {
        self.process.links.iter().map(|link| link.calls(Verb::Raise)).sum()
    }

    /// Has all permits at once, where there are any.
    pub(crate) async fn takes_all_permits(&self, longest: Duration) {
        let (setup, mut held) = (&self.world.setup, Vec::new());
        if setup.permit == 0 {
            return;
        }
        let permits = setup.most_permits();
        let semaphore = self.process.redlock.semaphore("s", permits).unwrap();
        for slot in 0..permits {
            let called = self.world.step();
            let result = semaphore.acquire_with(&LockOptions::new().wait_for(longest)).await;
            let failure = result.as_ref().err().map(|error| error.to_string());
            self.world.tell(&Event::Progress { key: bit_of(slot), failure });
            if let Ok(permit) = result {
                let keys = 1_u8 << bit_of(permit.slot());
                let id = self.enter_permit(&permit.lease(), keys, called, permits);
                held.push((permit, id));
            }
        }
        for (permit, id) in held {
            self.world.write(id);
            self.world.ended(id, "release");
            let _ = permit.release().await;
        }
    }
}
