//! What a process does that runs for leadership.

use std::sync::Arc;

use tokio::time::sleep;

use super::client::Client;
use super::invariants::Event;
use super::world::ms;

impl Client {
    pub(super) async fn lead(&mut self) {
        let (ttl, keys) = (self.world.setup.ttl, self.world.setup.keys);
        let key = self.rng.usize(..keys);
        let wait = self.rng.u64(1..=ttl * 2).max(self.world.setup.node_timeout);
        let election = self.process.redlock.election(format!("k{key}")).unwrap();
        let election = election.step_down(ms(ttl / 5)).wait_for(ms(wait));
        let (how, called) = (self.behaviour(), self.world.step());
        let Some(result) = self.call("campaign", 3, wait, how, election.campaign()).await else {
            return;
        };
        let leader = match result {
            Ok(leader) => leader,
            Err(error) => return self.refused(&error),
        };
        let id = self.enter_as(&leader.lease(), 1 << key, called, None, true);
        let (world, view) = (Arc::clone(&self.world), leader.leader());
        tokio::spawn(self.process.gate.wrap(Box::pin(async move {
            view.stepping_down().await;
            world.ledger.lock().unwrap().holds[id].stepping_down = true;
        })));
        self.world.write(id);
        let steps: Vec<_> =
            (0..self.rng.u32(0..12)).map(|_| ms(self.rng.u64(1..=ttl / 2))).collect();
        let work = async {
            for step in steps {
                sleep(step).await;
                self.world.tell(&Event::Worked(id));
            }
        };
        // Stopped or done.
        let _ = leader.lease().run(work).await;
        self.world.write(id);
        self.world.ended(id, "resigns");
        if self.rng.bool() {
            let _ = self.call("resign", 2, 0, how, leader.resign()).await;
        } else {
            drop(leader);
        }
    }
}
