//! What most locks need: those of one holder, without fencing, restart guard or intent.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{Claim, NodeError, Removal, Vote};

use crate::call_error::is_syntax_error;
use crate::limit::Limit;
use crate::reply::Told;
use crate::scripts::{self, RELEASED_CHANNEL};
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    pub(crate) async fn acquire_plain(
        self: Arc<Self>,
        claim: Claim,
        ttl_millis: u64,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        let mut limit = Limit::new(timeout);
        if let Some(key) = claim.key().single()
            && claim.former().is_none()
            && self.known.abilities().set_get
        {
            match self.set_get(key, &claim, ttl_millis, &mut limit).await {
                // An older server than the one that was asked stands behind the address by now.
                Err(error) if is_syntax_error(&error) => self.known.lack_set_get(),
                result => return Ok(result?),
            }
        }
        let former = claim.former();
        let (value, last) = (Arg::Bytes(claim.value()), Arg::Bytes(former.unwrap_or_default()));
        let values = [value, Arg::Int(ttl_millis), last];
        let values = if former.is_some() { &values[..] } else { &values[..2] };
        self.eval(&scripts::ACQUIRE, claim.key(), values, &mut limit).await?.into_vote()
    }

    /// Frees what the claim holds, and tells of it where that is wanted and heard.
    pub(crate) async fn release_plain(
        self: Arc<Self>,
        claim: Claim,
        tell: bool,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        let mut limit = Limit::new(timeout);
        let tell = tell && !self.known.is_mute(limit.began());
        if !tell && let Some(result) = self.native_release(&claim, &mut limit).await {
            return Ok(result?);
        }
        let values = [Arg::Bytes(claim.value()), Arg::Text(RELEASED_CHANNEL)];
        let (script, values) = match claim.key().single() {
            _ if !tell => (&scripts::RELEASE, &values[..1]),
            Some(_) => (&scripts::RELEASE_TELL_ONE, &values[..]),
            None => (&scripts::RELEASE_TELL, &values[..]),
        };
        let reply = self.eval(script, claim.key(), values, &mut limit).await?;
        if !tell {
            return reply.into_removal();
        }
        let Told { answer, refusal, unheard } = reply.into_told()?;
        match refusal {
            None if unheard => self.known.was_unheard(),
            None => self.known.was_told(),
            refusal => self.could_tell(refusal),
        }
        answer.into_removal()
    }
}
