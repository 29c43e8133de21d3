//! Fencing counters, which stand beside the locks.

use std::time::Duration;

use redlock_core::LockKey;
use redlock_core::key::INTENT_PREFIX;
use redlock_core::node::{Claim, NodeError, Terms, Vote, millis};

use crate::beside::{LONGEST_LIFE, behind, counters, hint_of, life_of};
use crate::limit::Limit;
use crate::scripts;
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    /// An acquire that needs more than `SET` can do.
    pub(crate) async fn acquire_fenced(
        &self,
        claim: &Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        let fencing = terms.fencing;
        let mut keys = fencing.map(|_| counters(claim.key())).unwrap_or_default();
        if terms.intent.is_some() {
            keys.extend(behind(INTENT_PREFIX, claim.key()));
        }
        let mut values = vec![
            Arg::Bytes(claim.value()),
            Arg::Int(terms.ttl_millis()),
            Arg::Int(terms.guard.map_or(0, millis)),
            Arg::Int(fencing.map_or(0, life_of)),
            Arg::Int(fencing.map_or(0, hint_of)),
            // An intent of nothing would be none, and have no keys.
            Arg::Int(terms.intent.map_or(0, |intent| millis(intent).clamp(1, LONGEST_LIFE))),
        ];
        values.extend(claim.former().map(Arg::Bytes));
        let script = &scripts::ACQUIRE_FENCED;
        let reply =
            self.eval_over(script, claim.key(), &keys, &values, &mut Limit::new(timeout)).await?;
        reply.into_fenced_vote(fencing.is_some())
    }

    /// The counters as they stand, by the script that looks at resources.
    pub(crate) async fn look_at_counters(
        &self,
        key: &LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        let counters = counters(key);
        let names = (counters.len(), counters.iter().map(Vec::as_slice));
        let reply = self.eval_on(&scripts::INSPECT, names, &[], &mut Limit::new(timeout)).await?;
        reply.into_counters(counters.len())
    }
}
