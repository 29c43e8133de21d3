//! Leaders whose rules are left out.

use std::sync::{Arc, Mutex};

use redlock_core::Lease;
use redlock_core::faults::{Misbehaviour, Verb};
use tokio::time::sleep;

use super::directed::{ms, scenario};

/// Renewal fails: the leader has a tenth of its time to live to step down.
pub(crate) fn a_leader_is_told_before_it_is_lost() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let leader = redlock.election("k").unwrap().campaign().await.unwrap();
        nodes.iter().for_each(|node| node.on(Verb::Extend).always(Misbehaviour::Refused));
        leader.stepping_down().await;
        if leader.is_lost() { Err("it was lost by then".into()) } else { Ok(()) }
    })
}

/// Looks at its work's end whether the leader has let go.
struct Work(Lease, Arc<Mutex<bool>>);

impl Drop for Work {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = self.0.is_lost();
    }
}

pub(crate) fn a_leader_resigns_when_its_work_has_ended() -> Result<(), String> {
    scenario(async |_, redlock| {
        let (election, early) = (redlock.election("k").unwrap(), Arc::default());
        let told = Arc::clone(&early);
        let running = tokio::spawn(async move {
            let lead = async |leader: redlock_core::Leader| {
                let _work = Work(leader.lease(), Arc::clone(&told));
                std::future::pending::<()>().await;
            };
            election.run(lead).await
        });
        sleep(ms(100)).await;
        redlock.close().await;
        running.await.unwrap().unwrap();
        if *early.lock().unwrap() {
            Err("it worked on when it had resigned".into())
        } else {
            Ok(())
        }
    })
}
