//! What a server is sent for a claim on shares.

use std::time::Duration;

use redlock_core::key::INTENT_PREFIX;
use redlock_core::node::{Claim, Extension, NodeError, Removal, Terms, Vote, millis};

use crate::beside::{behind, counters, hint_of, life_of};
use crate::limit::Limit;
use crate::reply::Told;
use crate::scripts;
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    pub(crate) async fn acquire_shared(
        &self,
        claim: &Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        let mut keys = terms.fencing.map(|_| counters(claim.key())).unwrap_or_default();
        if terms.heeds {
            keys.extend(behind(INTENT_PREFIX, claim.key()));
        }
        let values = [
            Arg::Bytes(claim.value()),
            Arg::Int(terms.ttl_millis()),
            Arg::Int(terms.guard.map_or(0, millis)),
            Arg::Int(terms.fencing.map_or(0, life_of)),
            Arg::Int(terms.fencing.map_or(0, hint_of)),
            Arg::Int(u64::from(terms.heeds)),
        ];
        let script = &scripts::ACQUIRE_SHARED;
        let reply =
            self.eval_over(script, claim.key(), &keys, &values, &mut Limit::new(timeout)).await?;
        reply.into_fenced_vote(terms.fencing.is_some())
    }

    pub(crate) async fn extend_shared(
        &self,
        claim: &Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let keys = terms.fencing.map(|_| counters(claim.key())).unwrap_or_default();
        let values = [
            Arg::Bytes(claim.value()),
            Arg::Int(terms.ttl_millis()),
            Arg::Int(terms.fencing.map_or(0, life_of)),
            Arg::Text(self.channel(terms.tells)),
        ];
        let script = &scripts::EXTEND_SHARED;
        let reply =
            self.eval_over(script, claim.key(), &keys, &values, &mut Limit::new(timeout)).await?;
        let Told { answer, refusal, .. } = reply.into_told()?;
        self.could_tell(refusal);
        answer.into_extension()
    }

    pub(crate) async fn release_shared(
        &self,
        claim: &Claim,
        tell: bool,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        let values = [Arg::Bytes(claim.value()), Arg::Text(self.channel(tell))];
        let script = &scripts::RELEASE_SHARED;
        let reply =
            self.eval_over(script, claim.key(), &[], &values, &mut Limit::new(timeout)).await?;
        let Told { answer, refusal, .. } = reply.into_told()?;
        self.could_tell(refusal);
        answer.into_removal()
    }
}
